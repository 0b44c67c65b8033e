//! One server of the fifth generation, one step, its outbox.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::SessionData;
use super::super::message::{CallId, Message, Timer, Wish};
use super::super::names::{Epoch, ProcessId, RegisterId, Stamp};
use super::super::options::{Generation, Options, Ring};
use super::super::server::Server;
use super::super::table::Roster;
use super::data::RingData;
use super::datum::Store;
use super::word::{Alarm, Answer, Copy, Operation, Publisher, Unpublish, Word};
use crate::kv::{Key, Value};
use crate::outbox::Effect;
use crate::process::{Closing, Config};
use crate::solo::{Deeds, Solo};
use crate::{Life, NodeId, Opener, Span, StreamId};

const SERVICE: Key = Key(1);
const C1: NodeId = NodeId::client(1);
const S1: NodeId = NodeId::new('s', 1);
const D1: NodeId = NodeId::new('d', 1);
const D2: NodeId = NodeId::new('d', 2);
const M1: NodeId = NodeId::new('m', 1);
const PROCESS: ProcessId = ProcessId {
    node: S1,
    life: Life(0),
};

fn value(name: u64) -> Value {
    Value { name, bytes: 8 }
}

fn id() -> RegisterId {
    RegisterId {
        service: SERVICE,
        client: C1,
        life: Life(0),
    }
}

/// The first connection of the client to the session server.
fn connection() -> StreamId {
    Opener::new(C1).open(S1)
}

/// The first connection of the session server to the data server.
fn from_session() -> StreamId {
    Opener::new(S1).open(D1)
}

fn publisher(version: u64, time: u64) -> Publisher {
    Publisher {
        id: id(),
        value: value(version),
        stamp: Stamp {
            version,
            connection: 0,
            time,
        },
        connection: connection(),
    }
}

fn unpublish(time: u64) -> Unpublish {
    Unpublish {
        id: id(),
        time,
        connection: connection(),
    }
}

fn boot(me: NodeId, data: &[NodeId]) -> Solo<Server> {
    let servers = [S1, M1].into_iter().chain(data.iter().copied());
    let options = Options {
        generation: Generation::Ring,
        ring: Ring {
            virtual_nodes: 16,
            ..Ring::default()
        },
        ..Options::default()
    };
    let config: Config<SessionData> = Config {
        servers: servers.collect(),
        options,
    };
    Solo::<Server>::boot_among(config, me, &[]).0
}

/// Which list of data servers is in force.
fn list(count: u32, data: &[NodeId]) -> Message {
    let epoch = Epoch { term: 1, count };
    let sessions = BTreeMap::from([(S1, Life(0))]);
    let data = data.iter().map(|node| (*node, Life(0))).collect();
    Message::Beaten {
        term: 1,
        table: None,
        roster: Some(Arc::new(Roster {
            epoch,
            sessions,
            data,
        })),
    }
}

fn word(word: Word) -> Message {
    Message::Ring(word)
}

fn words(deeds: &Deeds<SessionData>) -> Vec<(NodeId, Word)> {
    let words = deeds.messages().filter_map(|(to, message)| match message {
        Message::Ring(word) => Some((to, word.clone())),
        _ => None,
    });
    words.collect()
}

/// A data server that is alone on the list, and takes renewals.
fn data() -> Solo<Server> {
    let mut data = boot(D1, &[D1]);
    data.hears(M1, list(1, &[D1]));
    data.fires(Timer::Ring(Alarm::Enable));
    data
}

/// It takes a write, and applies it.
fn takes(data: &mut Solo<Server>, what: Word) {
    let answers = words(&data.hears(S1, word(what)));
    assert!(matches!(answers[..], [(S1, Word::Answer(_, Answer::Done))]));
    data.fires(Timer::Ring(Alarm::Merge));
}

fn ring_data(data: &Solo<Server>) -> &RingData {
    match &data.process {
        Server::RingData(data) => data,
        _ => panic!("it is a data server"),
    }
}

/// Which of the client's states it holds.
fn holds(data: &Solo<Server>) -> Option<u64> {
    let datum = ring_data(data).store.get(SERVICE)?;
    datum.publishers.get(&id()).map(|one| one.stamp.version)
}

/// A session server that knows of one data server, is connected to it, and has a client that is registered.
fn session() -> (Solo<Server>, CallId) {
    let mut session = boot(S1, &[D1]);
    session.hears(M1, list(1, &[D1]));
    session.gets_stream(from_session(), 65_536);
    session.gets_stream(connection(), 65_536);
    let told = words(&registers(&mut session, 1));
    let [(D1, Word::Publish(call, ..))] = &told[..] else {
        panic!("it tells the owner, and not {told:?}");
    };
    (session, *call)
}

fn registers(session: &mut Solo<Server>, version: u64) -> Deeds<SessionData> {
    let wishes = Arc::new([Wish::Publish(SERVICE, version, value(version))]);
    let register = Message::Register {
        connection: connection(),
        life: Life(0),
        wishes,
    };
    session.hears(C1, register)
}

/// The alarm that it sets to tell something again, and in how long.
fn again(deeds: &Deeds<SessionData>) -> Option<(Timer, Span)> {
    deeds.effects().iter().find_map(|effect| match effect {
        Effect::Arm(timer, within) if matches!(timer, Timer::Retry(_)) => {
            Some((*timer, within.min))
        }
        _ => None,
    })
}

#[test]
fn what_is_acknowledged_is_applied_half_a_second_later() {
    let mut data = data();
    let publish = Word::Publish(CallId(1), PROCESS, publisher(1, 5));
    data.hears(S1, word(publish)).shows(
        "arm Ring(Merge) within 500ms
         send s1: answer 1 done",
    );
    assert_eq!(holds(&data), None);
    data.fires(Timer::Ring(Alarm::Merge));
    assert_eq!(holds(&data), Some(1));
}

#[test]
fn a_registration_that_comes_late_brings_back_what_was_unregistered() {
    let mut data = data();
    takes(
        &mut data,
        Word::Publish(CallId(1), PROCESS, publisher(1, 5)),
    );
    takes(&mut data, Word::Unpublish(CallId(2), PROCESS, unpublish(6)));
    assert_eq!(holds(&data), None);
    takes(
        &mut data,
        Word::Publish(CallId(1), PROCESS, publisher(1, 5)),
    );
    assert_eq!(holds(&data), Some(1));
}

#[test]
fn within_half_a_second_the_later_time_counts() {
    let mut data = data();
    data.hears(S1, word(Word::Unpublish(CallId(2), PROCESS, unpublish(6))));
    takes(
        &mut data,
        Word::Publish(CallId(1), PROCESS, publisher(1, 5)),
    );
    assert_eq!(holds(&data), None);
}

#[test]
fn an_earlier_state_is_not_taken_in_while_a_later_one_is_held() {
    let mut data = data();
    takes(
        &mut data,
        Word::Publish(CallId(1), PROCESS, publisher(2, 5)),
    );
    takes(
        &mut data,
        Word::Publish(CallId(2), PROCESS, publisher(1, 9)),
    );
    assert_eq!(holds(&data), Some(2));
}

#[test]
fn a_client_off_that_seems_older_than_the_registration_is_ignored() {
    for (off, stays) in [(5, Some(1)), (6, None)] {
        let mut data = data();
        takes(
            &mut data,
            Word::Publish(CallId(1), PROCESS, publisher(1, 5)),
        );
        let client_off = Word::ClientOff {
            call: CallId(2),
            connection: connection(),
            time: off,
        };
        data.hears(S1, word(client_off));
        data.fires(Timer::Ring(Alarm::ClientOff(connection())));
        data.fires(Timer::Ring(Alarm::Merge));
        assert_eq!(holds(&data), stays, "gone at {off}");
    }
}

#[test]
fn a_former_session_servers_word_counts_as_new_and_goes_with_its_connection() {
    let mut data = data();
    let mut opener = Opener::new(C1);
    opener.open(S1);
    let moved = Publisher {
        connection: opener.open(NodeId::new('s', 2)),
        ..publisher(1, 9)
    };
    takes(&mut data, Word::Publish(CallId(1), PROCESS, moved));
    takes(
        &mut data,
        Word::Publish(CallId(2), PROCESS, publisher(1, 5)),
    );
    let client_off = Word::ClientOff {
        call: CallId(3),
        connection: connection(),
        time: 10,
    };
    data.hears(S1, word(client_off));
    data.fires(Timer::Ring(Alarm::ClientOff(connection())));
    data.fires(Timer::Ring(Alarm::Merge));
    assert_eq!(holds(&data), None);
}

#[test]
fn a_copy_takes_what_its_owner_has_changed_since() {
    let mut data = data();
    takes(
        &mut data,
        Word::Publish(CallId(1), PROCESS, publisher(1, 5)),
    );
    let first = ring_data(&data).store.version(SERVICE);
    let mut copy = Store::default();
    let (version, whole) = ring_data(&data).store.since(SERVICE, copy.version(SERVICE));
    assert!(copy.copy(SERVICE, copy.version(SERVICE), (version, &whole)));
    data.passes(Span::secs(1));
    takes(&mut data, Word::Unpublish(CallId(2), PROCESS, unpublish(6)));
    let (version, changes) = ring_data(&data).store.since(SERVICE, first);
    assert_eq!(changes, Copy::Changes([Operation::Remove(id())].into()));
    assert!(copy.copy(SERVICE, first, (version, &changes)));
    assert!(copy.is_empty());
    assert!(!copy.copy(SERVICE, first, (version, &changes)));
    // After half a minute, and the next change, the log does not reach back so far.
    data.passes(Span::secs(31));
    takes(
        &mut data,
        Word::Publish(CallId(3), PROCESS, publisher(2, 7)),
    );
    let (_, since) = ring_data(&data).store.since(SERVICE, first);
    assert!(matches!(since, Copy::Whole(_)));
}

#[test]
fn what_a_session_process_told_of_goes_with_it_unless_it_comes_back() {
    for comes_back in [false, true] {
        let mut data = data();
        data.gets_stream(from_session(), 65_536);
        data.arrives(from_session(), Message::Hello(PROCESS));
        takes(
            &mut data,
            Word::Publish(CallId(1), PROCESS, publisher(1, 5)),
        );
        data.loses(from_session(), Closing::Reset);
        if comes_back {
            let mut opener = Opener::new(S1);
            opener.open(D1);
            let second = opener.open(D1);
            data.gets_stream(second, 65_536);
            data.arrives(second, Message::Hello(PROCESS));
        }
        data.fires(Timer::Ring(Alarm::Disconnect(PROCESS)));
        data.fires(Timer::Ring(Alarm::Merge));
        assert_eq!(holds(&data), comes_back.then_some(1));
    }
}

#[test]
fn who_is_not_renewed_is_forgotten_after_a_quarter_of_an_hour() {
    let mut data = data();
    takes(
        &mut data,
        Word::Publish(CallId(1), PROCESS, publisher(1, 5)),
    );
    data.passes(Span::secs(900)).fires(Timer::Lease);
    data.fires(Timer::Ring(Alarm::Merge));
    assert_eq!(holds(&data), Some(1));
    data.passes(Span::millis(1)).fires(Timer::Lease);
    data.fires(Timer::Ring(Alarm::Merge));
    assert_eq!(holds(&data), None);
}

#[test]
fn a_newcomer_refuses_writes_until_it_has_fetched_what_is_its_own() {
    let mut data = boot(D1, &[D1, D2]);
    data.hears(M1, list(1, &[D1, D2]));
    let publish = Word::Publish(CallId(1), PROCESS, publisher(1, 5));
    let refused = words(&data.hears(S1, word(publish)));
    assert_eq!(refused, [(S1, Word::Answer(CallId(1), Answer::NotWorking))]);
    let report = Word::Report {
        call: CallId(7),
        list: Epoch { term: 1, count: 1 },
        working: true,
        services: Arc::default(),
    };
    data.hears(D2, word(report));
    assert!(ring_data(&data).working);
}

#[test]
fn a_renewal_that_differs_is_followed_by_a_snapshot() {
    let (mut session, call) = session();
    session.hears(D1, word(Word::Answer(call, Answer::Done)));
    session.passes(Span::secs(30));
    let told = words(&session.fires(Timer::Ring(Alarm::Renew(connection()))));
    let [(D1, Word::Renew { call, .. })] = told[..] else {
        panic!("it renews, and not {told:?}");
    };
    let told = words(&session.hears(D1, word(Word::Answer(call, Answer::Differs))));
    let [(D1, Word::Snapshot { publishers, .. })] = &told[..] else {
        panic!("it sends all, and not {told:?}");
    };
    assert_eq!(publishers.len(), 1);
}

#[test]
fn a_data_server_that_lost_what_it_had_takes_it_from_a_snapshot() {
    let (mut session, _) = session();
    let mut data = data();
    // Each hears what the other said last: a renewal differs, a snapshot follows, and the next renewal does not differ.
    let renews = |session: &mut Solo<Server>| {
        session.passes(Span::secs(30));
        words(&session.fires(Timer::Ring(Alarm::Renew(connection()))))
            .remove(0)
            .1
    };
    let answers = |data: &mut Solo<Server>, what| {
        let answer = words(&data.hears(S1, word(what))).remove(0).1;
        data.fires(Timer::Ring(Alarm::Merge));
        answer
    };
    let differs = answers(&mut data, renews(&mut session));
    assert!(matches!(differs, Word::Answer(_, Answer::Differs)));
    let snapshot = words(&session.hears(D1, word(differs))).remove(0).1;
    let done = answers(&mut data, snapshot);
    assert_eq!(holds(&data), Some(1));
    session.hears(D1, word(done));
    let same = answers(&mut data, renews(&mut session));
    assert!(matches!(same, Word::Answer(_, Answer::Done)));
}

#[test]
fn nothing_is_compared_for_a_while_after_a_write() {
    let (mut session, _) = session();
    session.passes(Span::secs(20) - Span::millis(1));
    let told = words(&session.fires(Timer::Ring(Alarm::Renew(connection()))));
    assert_eq!(told, []);
    session.passes(Span::millis(1));
    let told = words(&session.fires(Timer::Ring(Alarm::Renew(connection()))));
    assert_eq!(told.len(), 1);
}

#[test]
fn a_write_that_fails_is_told_again_after_three_and_eight_seconds_and_then_dropped() {
    let mut session = boot(S1, &[D1]);
    session.hears(M1, list(1, &[D1]));
    session.gets_stream(connection(), 65_536);
    // It is not connected to the owner, so that each try fails at once.
    let (first, wait) = again(&registers(&mut session, 1)).unwrap();
    assert_eq!(wait, Span::secs(3));
    session.passes(Span::secs(3));
    let (second, wait) = again(&session.fires(first)).unwrap();
    assert_eq!(wait, Span::secs(5));
    session.passes(Span::secs(5));
    session.fires(second).shows("note drops a write to d1");
}

#[test]
fn writes_wait_while_a_snapshot_is_under_way() {
    let (mut session, _) = session();
    session.passes(Span::secs(30));
    let renew = words(&session.fires(Timer::Ring(Alarm::Renew(connection()))));
    let (_, Word::Renew { call, .. }) = renew[0] else {
        panic!("it renews");
    };
    let snapshot = words(&session.hears(D1, word(Word::Answer(call, Answer::Differs))));
    let (_, Word::Snapshot { call, .. }) = snapshot[0] else {
        panic!("it sends all");
    };
    assert_eq!(words(&registers(&mut session, 2)), []);
    let after = words(&session.hears(D1, word(Word::Answer(call, Answer::Done))));
    assert!(matches!(after[..], [(D1, Word::Publish(..))]));
}

#[test]
fn every_change_of_the_list_puts_the_sweep_off() {
    let mut data = data();
    let sweep = Timer::Ring(Alarm::Sweep);
    let is_put_off = |deeds: &Deeds<SessionData>| {
        let mut effects = deeds.effects().iter();
        effects.any(|effect| matches!(effect, Effect::Arm(timer, _) if *timer == sweep))
    };
    assert!(is_put_off(&data.hears(M1, list(2, &[D1, D2]))));
    assert!(is_put_off(&data.hears(M1, list(3, &[D1]))));
    assert!(!is_put_off(&data.hears(M1, list(3, &[D1]))));
}
