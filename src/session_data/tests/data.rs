//! A data server.

use super::super::data::Data;
use super::super::message::{Access, Item, Timer};
use super::super::scans::sum_of;
use super::super::store::Held;
use super::*;
use crate::Span;

/// A data server that leads the slot, and has not compared yet.
fn leads(
    sessions: &[ProcessId],
    change: impl FnOnce(&mut Options),
) -> (Solo<Server>, Vec<Message>) {
    let mut server = boot(D1, change);
    let deeds = server.hears(M1, beaten(1, D1, sessions));
    let asked = sessions.iter().flat_map(|one| to(&deeds, one.node));
    let asked = asked.filter(|message| matches!(message, Message::Digests { .. }));
    let asked = asked.collect();
    (server, asked)
}

/// One that has compared with the only session process, and serves.
fn serves(change: impl FnOnce(&mut Options)) -> Solo<Server> {
    let (mut server, asked) = leads(&[process(S1, 0)], change);
    server.hears(S1, differing(call(&asked[0]), process(S1, 0), &[], &[]));
    assert!(data(&server).slots[&SLOT].serves());
    server
}

fn data(server: &Solo<Server>) -> &Data {
    match &server.process {
        Server::Data(data) => data,
        _ => panic!("it is a data server"),
    }
}

fn held(server: &Solo<Server>, id: RegisterId) -> Option<Held> {
    data(server).slots.get(&SLOT)?.store.held(id).copied()
}

/// Which version of the first client's registration it shows.
fn shown(server: &Solo<Server>) -> Option<u64> {
    let held = held(server, id(SERVICE, C1))?;
    held.content.map(|value| value.name)
}

fn differing(
    call: CallId,
    process: ProcessId,
    services: &[Key],
    gone: &[(RegisterId, Stamp)],
) -> Message {
    Message::Differing {
        call,
        process,
        last: CallId(0),
        services: services.into(),
        gone: gone.into(),
    }
}

fn publishers(
    call: CallId,
    process: ProcessId,
    updated: &[Registration],
    removed: &[(RegisterId, Stamp)],
) -> Message {
    Message::Publishers {
        call,
        process,
        updated: updated.into(),
        removed: removed.into(),
        more: None,
    }
}

/// It is told changes; says what it answers.
fn is_told(server: &mut Solo<Server>, call: u64, leadership: Epoch, items: &[Item]) -> Access {
    let batch = Message::Batch {
        call: CallId(call),
        process: process(S1, 0),
        of: address(leadership),
        items: items.into(),
    };
    let answers = to(&server.hears(S1, batch), S1);
    match answers[..] {
        [Message::Done(known, access)] if known == CallId(call) => access,
        _ => panic!("{answers:?}"),
    }
}

fn fetches(server: &mut Solo<Server>) -> Result<usize, Access> {
    let fetch = Message::Fetch {
        call: CallId(7),
        of: address(FIRST),
        service: SERVICE,
    };
    match server.hears(S1, fetch).answer() {
        Message::Fetched(_, Ok(datum)) => Ok(datum.registered.len()),
        Message::Fetched(_, Err(access)) => Err(access),
        other => panic!("{other}"),
    }
}

/// The six seconds are over: what the session server holds comes to another sum, and the slot is compared.
fn compares(server: &mut Solo<Server>) -> Message {
    server.passes(Span::secs(7));
    let asked = to(&server.fires(Timer::Tick), S1);
    let [Message::Compare { call, .. }] = asked[..] else {
        panic!("one sum is asked for, and not {asked:?}");
    };
    let sums = Arc::new([(SLOT, super::super::digest::Sum(1))]);
    let compared = Message::Compared {
        call,
        process: process(S1, 0),
        last: CallId(0),
        sums,
    };
    to(&server.hears(S1, compared), S1).remove(0)
}

/// And then the registrations of the service.
fn asks_for_registrations(server: &mut Solo<Server>) -> Message {
    let digests = compares(server);
    let differs = differing(call(&digests), process(S1, 0), &[SERVICE], &[]);
    to(&server.hears(S1, differs), S1).remove(0)
}

/// A session process answers that it does not have the first client's first registration.
fn has_it_not(server: &mut Solo<Server>, summaries: &Message, process: ProcessId) {
    let gone = [(id(SERVICE, C1), stamp(1, 1, 5))];
    server.hears(S1, publishers(call(summaries), process, &[], &gone));
}

#[test]
fn a_leader_takes_writes_before_it_serves_and_shows_nothing() {
    let (mut server, asked) = leads(&[process(S1, 0), process(S2, 0)], |_| {});
    assert_eq!(asked.len(), 2);
    let put = [Item::Put(registration(1))];
    assert_eq!(is_told(&mut server, 1, FIRST, &put), Access::Migrating);
    assert_eq!(shown(&server), Some(1));
    assert_eq!(fetches(&mut server), Err(Access::Migrating));
    let nothing = |process, asked| differing(call(asked), process, &[], &[]);
    server.hears(S1, nothing(process(S1, 0), &asked[0]));
    assert_eq!(
        fetches(&mut server),
        Err(Access::Migrating),
        "one of two has not answered"
    );
    server.hears(S2, nothing(process(S2, 0), &asked[1]));
    assert_eq!(fetches(&mut server), Ok(1));
}

#[test]
fn who_does_not_lead_the_slot_takes_nothing() {
    let mut server = boot(D1, |_| {});
    server.hears(M1, beaten(1, D2, &[process(S1, 0)]));
    let put = [Item::Put(registration(1))];
    assert_eq!(is_told(&mut server, 1, FIRST, &put), Access::Moved);
    assert_eq!(held(&server, id(SERVICE, C1)), None);
}

#[test]
fn another_leadership_does_not_match() {
    let mut server = serves(|_| {});
    let other = Epoch { term: 1, count: 2 };
    let put = [Item::Put(registration(1))];
    assert_eq!(is_told(&mut server, 1, other, &put), Access::MisMatch);
    assert_eq!(held(&server, id(SERVICE, C1)), None);
}

#[test]
fn what_is_withdrawn_does_not_come_back_late() {
    let mut server = serves(|_| {});
    let gone = Registration {
        content: None,
        stamp: stamp(2, 1, 6),
        ..registration(2)
    };
    let items = [Item::Put(registration(1)), Item::Put(gone)];
    assert_eq!(is_told(&mut server, 1, FIRST, &items), Access::Accept);
    is_told(&mut server, 2, FIRST, &[Item::Put(registration(1))]);
    assert_eq!(shown(&server), None);
    assert_eq!(
        held(&server, id(SERVICE, C1)).map(|held| held.stamp),
        Some(gone.stamp)
    );
}

#[test]
fn what_a_client_had_that_is_gone_does_not_come_back_even_if_it_was_unknown() {
    let off = || Item::Off(Arc::new([(id(SERVICE, C1), stamp(1, 1, 5))]));
    let late = [off(), Item::Put(registration(1))];
    let mut server = serves(|_| {});
    is_told(&mut server, 1, FIRST, &late);
    assert_eq!(shown(&server), None);
    let mut server = serves(|options| options.rules.bury_unknown = false);
    is_told(&mut server, 1, FIRST, &late);
    assert_eq!(shown(&server), Some(1), "that is W6.4");
}

#[test]
fn a_client_that_has_come_back_is_not_gone() {
    let mut server = serves(|_| {});
    let again = Registration {
        stamp: stamp(1, 2, 4),
        ..registration(1)
    };
    let off = Item::Off(Arc::new([(id(SERVICE, C1), stamp(1, 1, 5))]));
    is_told(&mut server, 1, FIRST, &[Item::Put(again), off]);
    assert_eq!(shown(&server), Some(1));
}

#[test]
fn a_batch_that_is_older_than_another_is_refused() {
    let mut server = serves(|_| {});
    assert_eq!(is_told(&mut server, 5, FIRST, &[]), Access::Accept);
    let put = [Item::Put(registration(1))];
    assert_eq!(is_told(&mut server, 4, FIRST, &put), Access::MisMatch);
    assert_eq!(shown(&server), None);
}

#[test]
fn a_comparison_buries_what_the_session_process_does_not_have() {
    let mut server = serves(|_| {});
    is_told(&mut server, 1, FIRST, &[Item::Put(registration(1))]);
    let summaries = asks_for_registrations(&mut server);
    has_it_not(&mut server, &summaries, process(S1, 0));
    assert_eq!(shown(&server), None);
    assert!(
        held(&server, id(SERVICE, C1)).is_some(),
        "a tombstone stands there"
    );
}

#[test]
fn a_comparison_buries_nothing_of_another_process() {
    let mut server = serves(|_| {});
    is_told(&mut server, 1, FIRST, &[Item::Put(registration(1))]);
    let summaries = asks_for_registrations(&mut server);
    // It has started again between question and answer.
    has_it_not(&mut server, &summaries, process(S1, 1));
    assert_eq!(shown(&server), Some(1));
}

#[test]
fn a_comparison_buries_nothing_that_is_newer_than_it_asked_about() {
    let mut server = serves(|_| {});
    is_told(&mut server, 1, FIRST, &[Item::Put(registration(1))]);
    let summaries = asks_for_registrations(&mut server);
    is_told(&mut server, 2, FIRST, &[Item::Put(registration(2))]);
    has_it_not(&mut server, &summaries, process(S1, 0));
    assert_eq!(shown(&server), Some(2));
}

#[test]
fn who_offers_what_is_older_is_told_so() {
    let mut server = serves(|_| {});
    is_told(&mut server, 1, FIRST, &[Item::Put(registration(2))]);
    let summaries = asks_for_registrations(&mut server);
    let offers = publishers(call(&summaries), process(S1, 0), &[registration(1)], &[]);
    let answers = to(&server.hears(S1, offers), S1);
    assert!(
        matches!(&answers[..], [Message::Outdated { .. }]),
        "{answers:?}"
    );
    assert_eq!(shown(&server), Some(2));
}

#[test]
fn registrations_are_asked_about_so_many_at_a_time() {
    let mut server = serves(|_| {});
    let of = |client| Registration {
        id: id(SERVICE, NodeId::client(client)),
        ..registration(1)
    };
    let items: Vec<Item> = (1..=3).map(|client| Item::Put(of(client))).collect();
    is_told(&mut server, 1, FIRST, &items[..2]);
    is_told(&mut server, 2, FIRST, &items[2..]);
    let first = asks_for_registrations(&mut server);
    let Message::Summaries { known, upto, .. } = &first else {
        panic!("{first}");
    };
    assert_eq!((known.len(), *upto), (2, Some(of(2).id)));
    let same = publishers(call(&first), process(S1, 0), &[], &[]);
    let second = to(&server.hears(S1, same), S1).remove(0);
    let Message::Summaries {
        known, upto, after, ..
    } = &second
    else {
        panic!("{second}");
    };
    assert_eq!((known.len(), *upto, *after), (1, None, Some(of(2).id)));
}

#[test]
fn whoever_is_neither_listed_nor_connected_is_forgotten_when_its_lease_is_over() {
    let mut server = serves(|_| {});
    is_told(&mut server, 1, FIRST, &[Item::Put(registration(1))]);
    let connection = stream(S1, D1);
    server.gets_stream(connection, 65_536);
    server.arrives(connection, Message::Hello(process(S1, 0)));
    server.hears(M1, beaten(1, D1, &[]));
    let mut roster = beaten(2, D1, &[]);
    if let Message::Beaten { table, .. } = &mut roster {
        *table = None;
    }
    server.hears(M1, roster);
    for _ in 0..8 {
        server.passes(Span::secs(5));
        server.arrives(connection, Message::Ping(None));
        server.fires(Timer::Lease);
    }
    assert_eq!(shown(&server), Some(1), "it is connected");
    server.loses(connection, crate::process::Closing::Reset);
    server.passes(Span::secs(30));
    server.fires(Timer::Lease);
    assert_eq!(
        shown(&server),
        Some(1),
        "thirty seconds are not over thirty seconds"
    );
    server.passes(Span::secs(5));
    server.fires(Timer::Lease);
    assert_eq!(shown(&server), None);
}

#[test]
fn tombstones_go_when_they_are_old_enough() {
    let mut server = serves(|_| {});
    let off = Item::Off(Arc::new([(id(SERVICE, C1), stamp(1, 1, 5))]));
    is_told(&mut server, 1, FIRST, &[off]);
    server.passes(Span::secs(179));
    server.fires(Timer::Lease);
    assert!(held(&server, id(SERVICE, C1)).is_some());
    server.passes(Span::secs(1));
    server.fires(Timer::Lease);
    assert_eq!(held(&server, id(SERVICE, C1)), None);
}

#[test]
fn an_older_table_changes_nothing() {
    let mut server = serves(|_| {});
    server.hears(M1, beaten(3, D2, &[process(S1, 0)]));
    assert!(!data(&server).slots[&SLOT].leads());
    server.hears(M1, beaten(2, D1, &[process(S1, 0)]));
    assert!(!data(&server).slots[&SLOT].leads());
}

#[test]
fn a_new_leader_begins_without_copies_of_who_is_gone() {
    let mut server = boot(D1, |_| {});
    // It follows, and has copies of what two session processes answer for.
    let digests = to(&server.hears(M1, beaten(1, D2, &[process(S1, 0)])), D2);
    let theirs = Registration {
        id: id(OTHER, C2),
        owner: process(S2, 0),
        ..registration(1)
    };
    let leader = process(D2, 0);
    let services = [SERVICE, OTHER];
    let asked = to(
        &server.hears(D2, differing(call(&digests[0]), leader, &services, &[])),
        D2,
    );
    server.hears(
        D2,
        publishers(call(&asked[0]), leader, &[registration(1), theirs], &[]),
    );
    assert!(shown(&server).is_some() && held(&server, theirs.id).is_some());
    // It comes to lead, and one of them is not there any more.
    let asked = to(&server.hears(M1, beaten(2, D1, &[process(S1, 0)])), S1);
    server.hears(S1, differing(call(&asked[0]), process(S1, 0), &[], &[]));
    assert!(data(&server).slots[&SLOT].serves());
    assert_eq!((shown(&server), held(&server, theirs.id)), (Some(1), None));
}

#[test]
fn a_version_grows_with_what_is_seen_and_with_nothing_else() {
    let mut server = serves(|_| {});
    let version = |server: &Solo<Server>| {
        let store = &data(server).slots[&SLOT].store;
        store.group(SERVICE).map(|group| group.version)
    };
    is_told(&mut server, 1, FIRST, &[Item::Put(registration(1))]);
    let first = version(&server);
    is_told(&mut server, 2, FIRST, &[Item::Put(registration(1))]);
    assert_eq!(version(&server), first, "it was held already");
    is_told(&mut server, 3, FIRST, &[Item::Put(registration(2))]);
    assert!(version(&server) > first);
}

#[test]
fn a_notice_is_sent_again_three_times() {
    let mut server = serves(|_| {});
    let connection = stream(S1, D1);
    server.gets_stream(connection, 65_536);
    is_told(&mut server, 1, FIRST, &[Item::Put(registration(1))]);
    let mut deeds = server.fires(Timer::Notify);
    let mut sent = 0;
    while let [Message::Changed(call, _)] = to(&deeds, S1)[..] {
        sent += 1;
        deeds = server.fires(Timer::Retry(call));
    }
    assert_eq!(sent, 4);
    deeds.shows("note notice fails s1");
}

#[test]
fn it_says_that_nothing_is_newer_as_long_as_no_version_was_given() {
    let mut server = serves(|_| {});
    let scan = Message::Scan {
        call: CallId(3),
        of: address(FIRST),
        known: Arc::new([]),
    };
    let Message::Scanned(_, Ok(others)) = server.hears(S1, scan).answer() else {
        panic!("it serves");
    };
    let level = Message::Level {
        call: CallId(4),
        slots: Arc::new([SLOT]),
        sum: sum_of([(&SLOT, &others.level)]),
    };
    let equal = Message::Leveled(CallId(4), Arc::new([]));
    assert_eq!(server.hears(S1, level.clone()).answer(), equal);
    is_told(&mut server, 5, FIRST, &[Item::Put(registration(1))]);
    let Message::Leveled(_, levels) = server.hears(S1, level).answer() else {
        panic!("it answers");
    };
    assert!(levels[0].1 > others.level);
}

#[test]
fn a_session_server_that_has_started_again_is_asked_one_thing_at_a_time() {
    let mut server = boot(D1, |_| {});
    let connection = stream(S1, D1);
    server.gets_stream(connection, 65_536);
    server.arrives(connection, Message::Hello(process(S1, 1)));
    // The meta leader has not heard of it yet.
    let asked = to(&server.hears(M1, beaten(1, D1, &[process(S1, 0)])), S1);
    assert!(matches!(asked[..], [Message::Digests { .. }]), "{asked:?}");
}
