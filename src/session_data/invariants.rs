//! What must hold inside the servers, checked after every step of one.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::SessionData;
use super::data::{By, Data};
use super::message::Item;
use super::names::{Epoch, ProcessId, RegisterId, SlotId, Stamp, Version};
use super::server::Server;
use super::session::Session;
use super::slots::Holding;
use super::store::Held;
use crate::invariant::{Broken, Cluster, Invariants};
use crate::kv::{Key, Value};
use crate::queue::Losable;
use crate::{Life, NodeId};

/// All of them, with what they remember of the run.
#[derive(Default)]
pub struct SessionDataInvariants {
    /// What each data server held when it was last seen.
    held: BTreeMap<NodeId, Seen>,
    /// The newest state in which each data server ever held a registration, in any of its lives.
    ever: BTreeMap<(NodeId, RegisterId), Stamp>,
    /// Who served a slot under which leadership.
    served: BTreeMap<(SlotId, Epoch), NodeId>,
    /// What was ever fetched.
    contents: BTreeMap<(Key, Version), Shown>,
}

/// All that is registered under a service.
type Shown = Arc<[(RegisterId, Value)]>;

/// A data server as it was last seen.
#[derive(Default)]
struct Seen {
    life: Life,
    table: Epoch,
    slots: BTreeMap<SlotId, SeenSlot>,
}

/// A slot as it was last seen.
#[derive(Default)]
struct SeenSlot {
    leadership: Epoch,
    held: BTreeMap<RegisterId, Held>,
    /// What clients had registered that are gone, for as long as that is to be remembered.
    gone: BTreeMap<RegisterId, Stamp>,
}

impl Invariants<SessionData> for SessionDataInvariants {
    const NAMES: &'static [&'static str] = &[
        "stamps_never_go_back",
        "what_is_held_is_not_removed",
        "who_is_asked_removes_its_own",
        "what_is_gone_stays_gone",
        "one_server_serves_a_leadership",
        "epochs_never_go_back",
        "shown_is_served",
        "a_version_shows_one_thing",
        "acknowledged_is_held",
        "queues_are_bounded",
        "messages_are_bounded",
    ];

    fn after_step(
        &mut self,
        cluster: &impl Cluster<SessionData>,
        id: NodeId,
        found: &mut Vec<Broken>,
    ) {
        match cluster.server(id) {
            Some(Server::Data(data)) => self.data(cluster, id, data, found),
            Some(Server::Session(session)) => self.session(id, session, found),
            // The fifth generation promises none of these.
            Some(Server::RingSession(_) | Server::RingData(_)) => {}
            Some(Server::Meta(_)) | None => {}
        }
    }
}

impl SessionDataInvariants {
    fn data(
        &mut self,
        cluster: &impl Cluster<SessionData>,
        id: NodeId,
        data: &Data,
        found: &mut Vec<Broken>,
    ) {
        let mut seen = self.held.remove(&id).unwrap_or_default();
        if seen.life != cluster.life(id) {
            seen = Seen {
                life: cluster.life(id),
                ..Seen::default()
            };
        }
        if seen.table != data.beats.table.epoch {
            if seen.table > data.beats.table.epoch {
                let evidence = format!(
                    "{id} went from table {} to {}",
                    seen.table, data.beats.table
                );
                found.push(Broken::new("epochs_never_go_back", evidence));
            }
            seen.table = data.beats.table.epoch;
            self.slots_are_right(id, data, &mut seen, found);
        }
        for slot in &data.began {
            self.one_server_serves(id, *slot, data, found);
        }
        for touched in &data.touched {
            let slot = SlotId::of(touched.id.service, data.config.options.slots);
            let Some(holding) = data.slots.get(&slot) else {
                continue;
            };
            let known = seen.slots.entry(slot).or_default();
            let before = known.held.remove(&touched.id);
            let now = holding.store.held(touched.id).copied();
            let what = Changed {
                id: touched.id,
                by: touched.by,
                before,
                now,
            };
            stamps_never_go_back(id, holding, &what, found);
            who_is_asked_removes_its_own(id, holding, &what, found);
            what_is_gone_stays_gone(id, &mut known.gone, &what, found);
            what_is_held_is_not_removed(cluster, (id, data), holding, &what, found);
            if let Some(now) = now {
                known.held.insert(touched.id, now);
                let ever = self.ever.entry((id, touched.id)).or_insert(now.stamp);
                *ever = now.stamp.max(*ever);
            }
        }
        let options = &data.config.options.data;
        let changes = ("changes", data.changes.waiting(), options.changed);
        is_bounded(id, changes, found);
        let (asked, answered) = data.weighed;
        is_short(id, ("a question", asked, options.asked), found);
        is_short(id, ("an answer", answered, options.answered), found);
        self.held.insert(id, seen);
    }

    /// The slots that it holds, by another table: it forgets what it does not hold any more, and no leadership goes back.
    fn slots_are_right(&self, id: NodeId, data: &Data, seen: &mut Seen, found: &mut Vec<Broken>) {
        seen.slots.retain(|slot, _| data.slots.contains_key(slot));
        for (slot, holding) in &data.slots {
            let known = seen.slots.entry(*slot).or_default();
            if known.leadership > holding.leadership {
                let (then, now) = (known.leadership, holding.leadership);
                let evidence = format!("{id} went from leadership {then} of {slot} to {now}");
                found.push(Broken::new("epochs_never_go_back", evidence));
            }
            if known.leadership != holding.leadership {
                known.leadership = holding.leadership;
                known.gone.clear();
            }
        }
    }

    /// Whoever serves a slot does so under a number of its own.
    fn one_server_serves(
        &mut self,
        id: NodeId,
        slot: SlotId,
        data: &Data,
        found: &mut Vec<Broken>,
    ) {
        if let Some(holding) = data.slots.get(&slot) {
            let leadership = holding.leadership;
            let other = *self.served.entry((slot, leadership)).or_insert(id);
            if other != id {
                let evidence = format!("{other} and {id} both serve {slot} under {leadership}");
                found.push(Broken::new("one_server_serves_a_leadership", evidence));
            }
        }
    }

    fn session(&mut self, id: NodeId, session: &Session, found: &mut Vec<Broken>) {
        if let Some((leader, items)) = &session.taken {
            let most = session.config.options.session.batch;
            is_short(id, ("a batch", items.len(), most), found);
            self.acknowledged_is_held(session.me, *leader, items, session, found);
        }
        let steady = session.config.options.rules.steady_versions;
        let slots = session.config.options.slots;
        if let Some(datum) = session.pushing.news.as_ref().filter(|_| steady) {
            let version = datum.version;
            let slot = SlotId::of(datum.service, slots);
            if !self.served.contains_key(&(slot, version.leadership)) {
                let evidence = format!(
                    "{id} was shown {datum}, and nobody has served {slot} under that leadership"
                );
                found.push(Broken::new("shown_is_served", evidence));
            }
            let shown = Arc::clone(&datum.registered);
            let first = self
                .contents
                .entry((datum.service, version))
                .or_insert(shown);
            if **first != *datum.registered {
                let evidence =
                    format!("{id} was shown {datum}, and another session server something else");
                found.push(Broken::new("a_version_shows_one_thing", evidence));
            }
        }
        let options = &session.config.options.session;
        let queues = [
            ("writes", session.writes.waiting(), options.writes),
            ("retries", session.retries.waiting(), options.retrying),
            ("pushes", session.pushing.queue.waiting(), options.pushes),
        ];
        for queue in queues {
            is_bounded(id, queue, found);
        }
    }

    /// Whoever says that it took something in has held it, or something newer.
    fn acknowledged_is_held(
        &self,
        me: ProcessId,
        leader: NodeId,
        items: &[Item],
        session: &Session,
        found: &mut Vec<Broken>,
    ) {
        let buries = session.config.options.rules.bury_unknown;
        for item in items {
            let one;
            let all: &[(RegisterId, Stamp)] = match item {
                Item::Put(put) => {
                    one = [(put.id, put.stamp)];
                    &one
                }
                Item::Off(gone) if buries => gone,
                Item::Off(_) => &[],
            };
            for (id, stamp) in all {
                let ever = self.ever.get(&(leader, *id));
                if ever.is_none_or(|ever| ever < stamp) {
                    let evidence = format!(
                        "{me} was told by {leader} that it took in {id} {stamp}, which it never held"
                    );
                    found.push(Broken::new("acknowledged_is_held", evidence));
                }
            }
        }
    }
}

/// A registration that a data server holds otherwise than before.
struct Changed {
    id: RegisterId,
    by: By,
    before: Option<Held>,
    now: Option<Held>,
}

impl Changed {
    fn is_by_comparison(&self) -> bool {
        matches!(self.by, By::Comparison(_))
    }
}

/// A leader buries what a session process does not have any more, if that process answers for it, and no other.
fn who_is_asked_removes_its_own(
    id: NodeId,
    holding: &Holding,
    what: &Changed,
    found: &mut Vec<Broken>,
) {
    let (Some(before), Some(now), By::Comparison(asked)) = (what.before, what.now, what.by) else {
        return;
    };
    let is_removed = before.content.is_some() && now.stamp == before.stamp.buries();
    if is_removed && holding.leads() && before.owner != asked {
        let (register, owner) = (what.id, before.owner);
        let evidence = format!(
            "{id} removed {register}, for which {owner} answers, since {asked} does not have it"
        );
        found.push(Broken::new("who_is_asked_removes_its_own", evidence));
    }
}

/// What a client had registered that is gone does not come back, for as long as its tombstone stands, or would.
fn what_is_gone_stays_gone(
    id: NodeId,
    gone: &mut BTreeMap<RegisterId, Stamp>,
    what: &Changed,
    found: &mut Vec<Broken>,
) {
    let register = what.id;
    match what.by {
        By::Off(stamp) => {
            let known = gone.entry(register).or_insert(stamp);
            *known = stamp.max(*known);
        }
        By::Lease | By::Compaction => {
            gone.remove(&register);
        }
        By::Batch | By::Comparison(_) => {}
    }
    let live = what.now.filter(|now| now.content.is_some());
    if let (Some(live), Some(stamp)) = (live, gone.get(&register))
        && live.stamp <= *stamp
    {
        let is = live.stamp;
        let evidence = format!("{id} holds {register} {is}, whose client was said to be gone");
        found.push(Broken::new("what_is_gone_stays_gone", evidence));
    }
}

/// What is held of a registration gets newer only. What goes without a trace is what a dead process had registered, an old
/// tombstone, or what a follower's leader does not have.
fn stamps_never_go_back(id: NodeId, holding: &Holding, what: &Changed, found: &mut Vec<Broken>) {
    let Some(before) = what.before else {
        return;
    };
    let register = what.id;
    let evidence = match what.now {
        Some(now) if now.stamp < before.stamp => {
            format!(
                "{id} held {register} {}, and holds it {}",
                before.stamp, now.stamp
            )
        }
        None if what.by == By::Batch || (what.is_by_comparison() && holding.leads()) => {
            format!(
                "{id} held {register} {}, and nothing of it is left",
                before.stamp
            )
        }
        _ => return,
    };
    found.push(Broken::new("stamps_never_go_back", evidence));
}

/// What a session process holds is not removed at a leader, by comparison or otherwise; but for a process that is neither on
/// the list nor connected.
fn what_is_held_is_not_removed(
    cluster: &impl Cluster<SessionData>,
    (id, data): (NodeId, &Data),
    holding: &Holding,
    what: &Changed,
    found: &mut Vec<Broken>,
) {
    let is_live = |held: &Held| held.content.is_some();
    let Some(before) = what.before.filter(is_live) else {
        return;
    };
    if what.now.as_ref().is_some_and(is_live) || !holding.leads() {
        return;
    }
    let owner = before.owner;
    let known = || data.sessions().any(|process| process == owner);
    // Its client may have said something newer elsewhere.
    let is_newer = |now: Held| now.stamp > before.stamp.buries();
    if what.by == By::Batch || what.now.is_some_and(is_newer) {
        return;
    }
    if what.by == By::Lease && !known() {
        return;
    }
    let Some(Server::Session(session)) = cluster.server(owner.node) else {
        return;
    };
    let holds = session
        .memory
        .get(what.id)
        .is_some_and(|entry| entry.stamp == before.stamp);
    if session.me == owner && holds {
        let register = what.id;
        let evidence = format!(
            "{id} removed {register} {}, which {owner} holds",
            before.stamp
        );
        found.push(Broken::new("what_is_held_is_not_removed", evidence));
    }
}

fn is_bounded(id: NodeId, (name, waiting, bound): (&str, usize, usize), found: &mut Vec<Broken>) {
    if waiting > bound {
        let evidence = format!("{waiting} wait in {name} of {id}, which is for {bound}");
        found.push(Broken::new("queues_are_bounded", evidence));
    }
}

fn is_short(id: NodeId, (what, number, most): (&str, usize, usize), found: &mut Vec<Broken>) {
    if number > most {
        let evidence = format!("{what} of {id} has {number} registrations, and {most} is the most");
        found.push(Broken::new("messages_are_bounded", evidence));
    }
}
