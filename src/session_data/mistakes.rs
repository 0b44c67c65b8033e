//! Mistakes in the servers of a registry.

use std::sync::Arc;

use super::SessionData;
use super::data::{By, Data, Touched};
use super::message::{Access, Item, Message, Timer};
use super::names::{Epoch, ProcessId, SlotId};
use super::server::Server;
use super::slots::Holding;
use super::store::Registration;
use super::table::Table;
use crate::mistake::{Mistake, Planted};
use crate::{Effect, Input, Now, Outbox, Process};

/// All of them.
pub(super) const ALL: &[Planted<Server>] = &[
    planted(
        "withdraws_without_a_trace",
        "a data server forgets what is withdrawn, and leaves no tombstone",
        || Box::new(withdraws_without_a_trace),
    ),
    planted(
        "removes_what_is_newer",
        "a data server removes what a session server did not have, though it has changed since",
        || Box::new(removes_what_is_newer),
    ),
    planted(
        "removes_what_others_answer_for",
        "a data server removes what a session server did not have, though another process answers for it",
        || Box::new(removes_what_others_answer_for),
    ),
    planted(
        "answers_without_end",
        "a session server answers a comparison with all that it has, in one message",
        || Box::new(answers_without_end),
    ),
    planted(
        "shows_while_migrating",
        "a data server answers reads of a slot that it has not compared yet",
        || Box::new(shows_while_migrating),
    ),
    planted(
        "counts_what_is_under_way",
        "a session server takes a batch for told as soon as it is sent",
        || Box::new(counts_what_is_under_way),
    ),
    planted(
        "never_compares",
        "a data server that serves a slot compares it no more",
        || Box::new(never_compares),
    ),
    planted(
        "cleans_by_connection_alone",
        "a data server forgets what a session process has registered that is not connected, be it on the list",
        || Box::new(cleans_by_connection_alone),
    ),
    planted(
        "forgets_to_raise_the_version",
        "a data server takes changes in, and serves them under the version that it served before",
        || Box::new(forgets_to_raise_the_version),
    ),
    planted(
        "takes_a_push_for_taken",
        "a session server does not wait for a client to say that it took a push",
        || Box::new(takes_a_push_for_taken),
    ),
    planted(
        "keeps_who_is_gone",
        "a session server does not notice that a client's connection is no more",
        || Box::new(keeps_who_is_gone),
    ),
    planted(
        "gives_a_leadership_twice",
        "a meta leader gives a slot to another data server under the number that it had",
        || Box::new(gives_a_leadership_twice),
    ),
    planted(
        "believes_older_tables",
        "a data server that is told nothing new goes back to the first slot table that it knew",
        || Box::new(BelievesOlderTables(None)),
    ),
    planted(
        "queues_without_end",
        "a session server's queue of writes has no bound",
        || Box::new(queues_without_end),
    ),
    planted(
        "retries_with_old_epochs",
        "a session server sends a batch again to whom it was sent first",
        || Box::new(retries_with_old_epochs),
    ),
];

const fn planted(
    name: &'static str,
    about: &'static str,
    plant: fn() -> Box<dyn Mistake<Server>>,
) -> Planted<Server> {
    Planted { name, about, plant }
}

type Out<'a> = &'a mut Outbox<SessionData>;

/// The data server, if it is one.
fn data(server: &mut Server) -> Option<&mut Data> {
    match server {
        Server::Data(data) => Some(data),
        _ => None,
    }
}

fn forgets(data: &mut Data, slot: SlotId, id: super::names::RegisterId, by: By) {
    if let Some(holding) = data.slots.get_mut(&slot) {
        holding.store.forget(id);
        data.touched.push(Touched { id, by });
    }
}

fn withdraws_without_a_trace(
    server: &mut Server,
    now: Now,
    input: Input<SessionData>,
    out: Out<'_>,
) {
    let batch = match &input {
        Input::Delivered(_, Message::Batch { of, items, .. }) => Some((of.slot, Arc::clone(items))),
        _ => None,
    };
    server.step(now, input, out);
    let (Some(data), Some((slot, items))) = (data(server), batch) else {
        return;
    };
    for item in items.iter() {
        if let Item::Put(Registration {
            id, content: None, ..
        }) = item
        {
            forgets(data, slot, *id, By::Batch);
        }
    }
}

fn removes_what_is_newer(
    server: &mut Server,
    now: Now,
    mut input: Input<SessionData>,
    out: Out<'_>,
) {
    if let (Some(data), Input::Delivered(_, Message::Publishers { removed, .. })) =
        (data(server), &mut input)
    {
        let slots = data.config.options.slots;
        let newest = |(id, stamp): &(super::names::RegisterId, super::names::Stamp)| {
            let holding = data.slots.get(&SlotId::of(id.service, slots));
            let held = holding.and_then(|holding| holding.store.held(*id));
            (*id, held.map_or(*stamp, |held| held.stamp))
        };
        *removed = removed.iter().map(newest).collect();
    }
    server.step(now, input, out);
}

fn removes_what_others_answer_for(
    server: &mut Server,
    now: Now,
    input: Input<SessionData>,
    out: Out<'_>,
) {
    let missing = match &input {
        Input::Delivered(
            _,
            Message::Publishers {
                process, removed, ..
            },
        ) => Some((*process, Arc::clone(removed))),
        _ => None,
    };
    server.step(now, input, out);
    let (Some(data), Some((asked, removed))) = (data(server), missing) else {
        return;
    };
    let slots = data.config.options.slots;
    for (id, stamp) in removed.iter() {
        let slot = SlotId::of(id.service, slots);
        let Some(holding) = data.slots.get_mut(&slot).filter(|holding| holding.leads()) else {
            continue;
        };
        let owner = holding.store.held(*id).map(|held| held.owner);
        if let Some(owner) = owner.filter(|owner| *owner != asked)
            && holding.store.remove(owner, *id, *stamp, now.mono)
        {
            let by = By::Comparison(asked);
            data.touched.push(Touched { id: *id, by });
            data.has_changed(now, slot, id.service, out);
        }
    }
}

fn answers_without_end(server: &mut Server, now: Now, input: Input<SessionData>, out: Out<'_>) {
    if let Server::Session(session) = server {
        let config = Arc::make_mut(&mut session.config);
        config.options.data.answered = usize::MAX;
    }
    server.step(now, input, out);
}

fn shows_while_migrating(server: &mut Server, now: Now, input: Input<SessionData>, out: Out<'_>) {
    let slot = match &input {
        Input::Delivered(_, Message::Fetch { of, .. }) => Some(of.slot),
        _ => None,
    };
    let waits = |data: &mut Data| {
        let holding = data.slots.get(&slot?)?;
        (holding.leads() && !holding.serves()).then_some(())
    };
    let waits = data(server).and_then(waits).is_some();
    serve(server, slot, waits, true);
    server.step(now, input, out);
    serve(server, slot, waits, false);
}

fn serve(server: &mut Server, slot: Option<SlotId>, waits: bool, serves: bool) {
    let holding = data(server)
        .zip(slot)
        .and_then(|(data, slot)| data.slots.get_mut(&slot));
    if let Some(leading) = holding.filter(|_| waits).and_then(Holding::leading) {
        leading.serves = serves;
    }
}

fn counts_what_is_under_way(
    server: &mut Server,
    now: Now,
    input: Input<SessionData>,
    out: Out<'_>,
) {
    server.step(now, input, out);
    if !matches!(server, Server::Session(_)) {
        return;
    }
    let sent = out.effects().iter().find_map(|effect| match effect {
        Effect::Send {
            to,
            message: Message::Batch { call, .. },
            ..
        } => Some((*to, *call)),
        _ => None,
    });
    if let Some((to, call)) = sent {
        let done = Message::Done(call, Access::Accept);
        server.step(now, Input::Delivered(to, done), out);
    }
}

fn never_compares(server: &mut Server, now: Now, input: Input<SessionData>, out: Out<'_>) {
    server.step(now, input, out);
    if matches!(server, Server::Data(_)) {
        let is_compare = |effect: &Effect<SessionData>| {
            matches!(
                effect,
                Effect::Send {
                    message: Message::Compare { .. },
                    ..
                }
            )
        };
        out.effects_mut().retain(|effect| !is_compare(effect));
    }
}

fn cleans_by_connection_alone(
    server: &mut Server,
    now: Now,
    input: Input<SessionData>,
    out: Out<'_>,
) {
    let is_check = matches!(input, Input::Fired(Timer::Lease));
    server.step(now, input, out);
    let Some(data) = data(server).filter(|_| is_check) else {
        return;
    };
    let connected: Vec<ProcessId> = data
        .connected
        .values()
        .filter_map(|(process, _)| *process)
        .collect();
    let mut gone = Vec::new();
    for (slot, holding) in &mut data.slots {
        let owners: Vec<ProcessId> = holding.store.owners().collect();
        for owner in owners.iter().filter(|owner| !connected.contains(owner)) {
            gone.extend(
                holding
                    .store
                    .clean(*owner)
                    .into_iter()
                    .map(|id| (*slot, id)),
            );
        }
    }
    for (slot, id) in gone {
        let by = By::Lease;
        data.touched.push(Touched { id, by });
        data.has_changed(now, slot, id.service, out);
    }
}

fn forgets_to_raise_the_version(
    server: &mut Server,
    now: Now,
    input: Input<SessionData>,
    out: Out<'_>,
) {
    let slot = match &input {
        Input::Delivered(_, Message::Batch { of, .. }) => Some(of.slot),
        _ => None,
    };
    let versions = |data: &mut Data| {
        let holding = data.slots.get(&slot?)?;
        let store = &holding.store;
        let of = |service| Some((service, store.group(service)?.version));
        Some(store.services().filter_map(of).collect::<Vec<_>>())
    };
    let before = data(server).and_then(versions);
    server.step(now, input, out);
    let holding = data(server)
        .zip(slot)
        .and_then(|(data, slot)| data.slots.get_mut(&slot));
    if let Some(holding) = holding {
        for (service, version) in before.into_iter().flatten() {
            holding.store.set_version(service, version);
        }
    }
}

fn takes_a_push_for_taken(server: &mut Server, now: Now, input: Input<SessionData>, out: Out<'_>) {
    server.step(now, input, out);
    let Server::Session(session) = server else {
        return;
    };
    for effect in out.effects() {
        if let Effect::Send {
            message: Message::Push {
                connection, datum, ..
            },
            ..
        } = effect
            && let Some(service) = session.pushing.services.get_mut(datum.service)
            && let Some(taken) = service.subscribers.get_mut(connection)
        {
            *taken = Some(datum.version);
        }
    }
}

fn keeps_who_is_gone(server: &mut Server, now: Now, input: Input<SessionData>, out: Out<'_>) {
    if let Server::Session(session) = server {
        if matches!(&input, Input::Closed(stream, _) if stream.opener.is_client()) {
            return;
        }
        session
            .clients
            .values_mut()
            .for_each(|heard| *heard = now.mono);
    }
    server.step(now, input, out);
}

fn gives_a_leadership_twice(
    server: &mut Server,
    now: Now,
    input: Input<SessionData>,
    out: Out<'_>,
) {
    server.step(now, input, out);
    if !matches!(server, Server::Meta(_)) {
        return;
    }
    for effect in out.effects_mut() {
        if let Effect::Send {
            message: Message::Beaten {
                table: Some(table), ..
            },
            ..
        } = effect
        {
            let mut wrong: Table = (**table).clone();
            for slot in &mut wrong.slots {
                slot.leadership = Epoch { term: 1, count: 1 };
            }
            *table = Arc::new(wrong);
        }
    }
}

/// It remembers the first slot table.
struct BelievesOlderTables(Option<Arc<Table>>);

impl Mistake<Server> for BelievesOlderTables {
    fn step(&mut self, server: &mut Server, now: Now, input: Input<SessionData>, out: Out<'_>) {
        let told = matches!(
            &input,
            Input::Delivered(_, Message::Beaten { table: Some(_), .. })
        );
        let is_beaten = matches!(&input, Input::Delivered(_, Message::Beaten { .. }));
        server.step(now, input, out);
        let Some(data) = data(server).filter(|_| is_beaten) else {
            return;
        };
        match &self.0 {
            Some(first) if !told => data.beats.table = Arc::clone(first),
            Some(_) => {}
            None if told => self.0 = Some(Arc::clone(&data.beats.table)),
            None => {}
        }
    }
}

fn queues_without_end(server: &mut Server, now: Now, input: Input<SessionData>, out: Out<'_>) {
    if let Server::Session(session) = server {
        session.writes.unbound();
    }
    server.step(now, input, out);
}

/// Whoever asks by an old table is answered by it: the session never learns of another one.
fn retries_with_old_epochs(
    server: &mut Server,
    now: Now,
    mut input: Input<SessionData>,
    out: Out<'_>,
) {
    if let Server::Session(session) = server
        && session.beats.table.epoch > Epoch::default()
    {
        session.compared.clear();
        if let Input::Delivered(_, Message::Beaten { table, .. }) = &mut input {
            *table = None;
        }
    }
    server.step(now, input, out);
}
