//! A data server's slots: which it holds, as whom, and whether it may serve them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::SessionData;
use super::data::{By, Data, Touched};
use super::message::{Access, Address, CallId};
use super::names::{Epoch, ProcessId, SlotId, Version};
use super::note::Note;
use super::store::Store;
use crate::kv::Key;
use crate::{Life, NodeId, Now, Outbox, Time};

/// A slot that a data server holds.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Holding {
    /// Under which leadership.
    pub leadership: Epoch,
    /// As whom.
    pub duty: Duty,
    /// What is held.
    pub store: Store,
    /// How many versions were given since it leads.
    count: u64,
    /// The last batch of each session process.
    pub(super) batches: BTreeMap<ProcessId, CallId>,
}

/// What a data server is to a slot.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Duty {
    /// It leads it.
    Leader(Leading),
    /// It keeps a copy.
    Follower {
        /// Of whom.
        leader: NodeId,
        /// When it last compared with that one.
        compared: Option<Time>,
    },
}

/// How far a leader is.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Leading {
    /// Since when it leads, on the monotonic clock.
    pub(super) since: Time,
    /// Whether it serves what it holds.
    pub(super) serves: bool,
    /// The session processes that it has compared with, while it does not.
    pub(super) compared: BTreeSet<ProcessId>,
    /// How often it has tried in vain, by session server.
    pub(super) in_vain: BTreeMap<NodeId, u32>,
    /// When the last comparison of this slot alone with each session server was over.
    pub(super) last: BTreeMap<NodeId, Time>,
}

impl Holding {
    /// Whether the server leads it.
    pub fn leads(&self) -> bool {
        matches!(self.duty, Duty::Leader(_))
    }

    /// Whether the server leads it, and shows what it holds.
    pub fn serves(&self) -> bool {
        matches!(&self.duty, Duty::Leader(leading) if leading.serves)
    }

    /// The newest version that was given since the server leads it.
    pub(super) fn level(&self, life: Life) -> Version {
        Version {
            leadership: self.leadership,
            life,
            count: self.count,
        }
    }

    /// What a session process said up to this call is older than what is known of it now.
    pub(super) fn has_said(&mut self, process: ProcessId, last: CallId) {
        let known = self.batches.entry(process).or_insert(last);
        *known = last.max(*known);
    }

    pub(super) fn leading(&mut self) -> Option<&mut Leading> {
        match &mut self.duty {
            Duty::Leader(leading) => Some(leading),
            Duty::Follower { .. } => None,
        }
    }
}

impl Data {
    /// Another slot table is in force: what is not its own any more is dropped, and what it leads anew it does not serve yet.
    pub(super) fn on_table(&mut self, now: Now, out: &mut Outbox<SessionData>) {
        let table = Arc::clone(&self.beats.table);
        let me = self.me.node;
        let digest = self.config.options.rules.digest;
        for (id, slot) in table.iter() {
            let leads = slot.leader == Some(me);
            if !leads && !slot.followers.contains(&me) {
                if self.slots.remove(&id).is_some() {
                    out.note(Note::Leaves(id));
                }
                continue;
            }
            let holding = self.slots.entry(id).or_insert_with(|| Holding {
                leadership: Epoch::default(),
                duty: Duty::Follower {
                    leader: me,
                    compared: None,
                },
                store: Store::new(digest),
                count: 0,
                batches: BTreeMap::new(),
            });
            // A leadership never goes back, whoever says so.
            if slot.leadership < holding.leadership {
                continue;
            }
            let is_new = slot.leadership > holding.leadership;
            holding.leadership = slot.leadership;
            if leads && (is_new || !holding.leads()) {
                out.note(Note::Leads(id, slot.leadership));
                holding.count = 0;
                holding.duty = Duty::Leader(Leading {
                    since: now.mono,
                    serves: false,
                    compared: BTreeSet::new(),
                    in_vain: BTreeMap::new(),
                    last: BTreeMap::new(),
                });
            } else if let Some(leader) = slot.leader.filter(|_| !leads) {
                let is_so = matches!(&holding.duty, Duty::Follower { leader: known, .. } if *known == leader);
                if is_new || !is_so {
                    let compared = None;
                    holding.duty = Duty::Follower { leader, compared };
                }
            }
        }
    }

    /// What is said to who asks about a slot.
    pub(super) fn access(&self, of: Address) -> Access {
        match self.slots.get(&of.slot) {
            Some(holding) if holding.leads() => {
                if holding.leadership != of.leadership {
                    Access::MisMatch
                } else if holding.serves() {
                    Access::Accept
                } else {
                    Access::Migrating
                }
            }
            _ => Access::Moved,
        }
    }

    /// Serves what it leads and has compared with every session process that is on the list, or connected here.
    pub(super) fn serve_what_is_compared(&mut self, now: Now, out: &mut Outbox<SessionData>) {
        let waits = |(id, holding): (&SlotId, &Holding)| {
            (holding.leads() && !holding.serves()).then_some(*id)
        };
        let waiting: Vec<SlotId> = self.slots.iter().filter_map(waits).collect();
        if waiting.is_empty() || self.beats.roster.epoch == Epoch::default() {
            return;
        }
        let all: BTreeSet<ProcessId> = self.sessions().collect();
        let rules = &self.config.options.rules;
        let (migrate, force, clean) = (rules.migrate, rules.force, rules.clean_before_serving);
        let (after, tries) = {
            let options = &self.config.options.data;
            (options.force_after, options.force_tries)
        };
        for id in waiting {
            let Some(holding) = self.slots.get_mut(&id) else {
                continue;
            };
            let leadership = holding.leadership;
            let Some(leading) = holding.leading() else {
                continue;
            };
            let mut missing = all
                .iter()
                .filter(|process| !leading.compared.contains(process));
            let (first, second) = (missing.next(), missing.next());
            let is_forced = || {
                let one = first.filter(|_| second.is_none() && all.len() > 1);
                let tried = one.and_then(|one| leading.in_vain.get(&one.node)).copied();
                force && now.mono.since(leading.since) > after && tried.unwrap_or_default() > tries
            };
            if first.is_none() || !migrate {
                out.note(Note::Serves(id, leadership));
            } else if is_forced() {
                out.note(Note::Forces(id, leadership));
            } else {
                continue;
            }
            leading.serves = true;
            self.began.push(id);
            let compared = std::mem::take(&mut leading.compared);
            if first.is_none() && migrate && clean {
                // Copies of a follower: whoever they belong to is gone, and may have said something else since.
                let owners: Vec<ProcessId> = holding.store.owners().collect();
                for owner in owners.iter().filter(|owner| !compared.contains(owner)) {
                    let gone = holding.store.clean(*owner);
                    out.note(Note::Cleans(*owner, gone.len()));
                    let by = By::Lease;
                    self.touched
                        .extend(gone.into_iter().map(|id| Touched { id, by }));
                }
            }
            let services: Vec<Key> = holding.store.services().collect();
            for service in services {
                self.has_changed(now, id, service, out);
            }
        }
    }

    /// The session processes that hold what is registered: those on the list, and those that are connected here.
    pub(super) fn sessions(&self) -> impl Iterator<Item = ProcessId> {
        let connected = self.connected.values().filter_map(|(process, _)| *process);
        // One that has started again is not the one that was connected.
        let newest = |one: &ProcessId| {
            let listed = self.beats.roster.sessions.get(&one.node);
            listed.is_none_or(|life| *life <= one.life)
        };
        self.beats
            .roster
            .processes()
            .chain(connected.filter(newest))
    }

    /// Subscribers of a service see something else now: it gets another version, and session servers are told.
    pub(super) fn has_changed(
        &mut self,
        now: Now,
        slot: SlotId,
        service: Key,
        out: &mut Outbox<SessionData>,
    ) {
        if self.slots.get(&slot).is_some_and(Holding::serves) {
            self.renew_version(now, slot, service, out);
            self.note_change(service, out);
        }
    }

    /// The version under which a service is served. One that nobody has heard of gets its first.
    pub(super) fn version(
        &mut self,
        now: Now,
        slot: SlotId,
        service: Key,
        out: &mut Outbox<SessionData>,
    ) -> Version {
        let known = |data: &Data| {
            let holding = data.slots.get(&slot)?;
            let group = holding.store.group(service)?;
            (group.version > Version::default()).then_some(group.version)
        };
        known(self).unwrap_or_else(|| {
            self.renew_version(now, slot, service, out);
            known(self).unwrap_or_default()
        })
    }

    /// Gives a service another version, greater than any that was given here before: counted within the leadership; or by
    /// the wall clock in milliseconds, which gives none while it is behind.
    pub(super) fn renew_version(
        &mut self,
        now: Now,
        slot: SlotId,
        service: Key,
        out: &mut Outbox<SessionData>,
    ) {
        let steady = self.config.options.rules.steady_versions;
        let life = self.me.life;
        let Some(holding) = self.slots.get_mut(&slot) else {
            return;
        };
        let last = holding.store.group(service).map(|group| group.version);
        let last = last.unwrap_or_default();
        holding.count += 1;
        let version = if steady {
            Version {
                leadership: holding.leadership,
                life,
                count: holding.count,
            }
        } else {
            let millis = now.wall.as_nanos() / 1_000_000;
            if millis < self.clock {
                out.note(Note::NoVersion(service));
                return;
            }
            self.clock = millis;
            Version {
                count: (last.count + 1).max(millis << 15),
                ..Version::default()
            }
        };
        holding.store.set_version(service, version);
    }
}
