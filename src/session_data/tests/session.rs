//! A session server.

use super::super::digest::Sum;
use super::super::message::{Access, Datum, Item, Others, Timer, Wish};
use super::super::names::Version;
use super::super::session::Session;
use super::*;
use crate::process::Closing;
use crate::queue::Losable;

/// A session server that knows who leads the slot, and to whom a client is connected.
fn connected(change: impl FnOnce(&mut Options)) -> Solo<Server> {
    let mut server = boot(S1, change);
    server.hears(M1, beaten(1, D1, &[process(S1, 0)]));
    server.gets_stream(stream(C1, S1), 65_536);
    server
}

fn session(server: &Solo<Server>) -> &Session {
    match &server.process {
        Server::Session(session) => session,
        _ => panic!("it is a session server"),
    }
}

/// Which version of the first client's registration it holds.
fn holds(server: &Solo<Server>) -> Option<u64> {
    let entry = session(server).memory.get(id(SERVICE, C1))?;
    Some(entry.stamp.version)
}

/// A client wants something over its first connection.
fn wants(server: &mut Solo<Server>, wish: Wish) -> Deeds<SessionData> {
    let register = Message::Register {
        connection: stream(C1, S1),
        life: Life(0),
        wishes: Arc::new([wish]),
    };
    server.hears(C1, register)
}

fn publish(version: u64) -> Wish {
    Wish::Publish(SERVICE, version, value(version))
}

/// The only batch that is sent to a data server.
fn batch(deeds: &Deeds<SessionData>, to_whom: NodeId) -> (CallId, Arc<[Item]>) {
    let sent = to(deeds, to_whom);
    match &sent[..] {
        [Message::Batch { call, items, .. }] => (*call, Arc::clone(items)),
        _ => panic!("{sent:?}"),
    }
}

/// The alarm that it sets to send something again.
fn again(deeds: &Deeds<SessionData>) -> Option<Timer> {
    let mut armed = deeds.effects().iter().filter_map(|effect| match effect {
        crate::Effect::Arm(timer @ Timer::Retry(_), _) => Some(*timer),
        _ => None,
    });
    armed.next()
}

fn datum(count: u64) -> Arc<Datum> {
    let version = Version {
        leadership: FIRST,
        life: Life(0),
        count,
    };
    Arc::new(Datum {
        service: SERVICE,
        version,
        registered: Arc::new([(id(SERVICE, C2), value(count))]),
    })
}

#[test]
fn what_is_granted_is_held_and_the_leader_is_told() {
    let mut server = connected(|_| {});
    let deeds = wants(&mut server, publish(1));
    let granted = Message::Registered {
        connection: stream(C1, S1),
        wishes: Arc::new([publish(1)]),
    };
    assert_eq!(to(&deeds, C1), [granted]);
    assert_eq!(holds(&server), Some(1));
    assert!(matches!(batch(&deeds, D1).1[..], [Item::Put(_)]));
}

#[test]
fn who_is_not_connected_is_told_so() {
    let mut server = boot(S1, |_| {});
    let deeds = wants(&mut server, publish(1));
    assert!(matches!(
        to(&deeds, C1)[..],
        [Message::Repeat { held: None, .. }]
    ));
    assert_eq!(holds(&server), None);
}

#[test]
fn a_batch_is_sent_again_five_times_to_whoever_leads_by_then() {
    let mut server = connected(|_| {});
    let mut deeds = wants(&mut server, publish(1));
    let mut leader = D1;
    for retry in 0..=5 {
        let (call, _) = batch(&deeds, leader);
        if retry == 2 {
            leader = D2;
            server.hears(M1, beaten(2, D2, &[process(S1, 0)]));
        }
        // Nobody answers.
        let failed = server.fires(Timer::Call(call));
        let Some(timer) = again(&failed) else {
            assert_eq!(retry, 5);
            failed.shows("note fails slot 0\nnote drops 1 of slot 0");
            return;
        };
        deeds = server.fires(timer);
    }
    panic!("it sends it again without end");
}

#[test]
fn an_answer_of_somebody_else_is_none() {
    let mut server = connected(|_| {});
    let (call, _) = batch(&wants(&mut server, publish(1)), D1);
    server
        .hears(D2, Message::Done(call, Access::Accept))
        .shows("");
    let failed = server.hears(D1, Message::Done(call, Access::MisMatch));
    assert!(
        again(&failed).is_some(),
        "one that is refused is sent again"
    );
}

#[test]
fn where_there_is_no_room_nothing_is_granted_and_nothing_held() {
    let mut server = connected(|_| {});
    // The first is under way, and three more wait.
    for number in 0..4 {
        let wish = Wish::Publish(Key(10 + number), 1, value(1));
        assert_eq!(to(&wants(&mut server, wish), C1).len(), 1);
    }
    assert_eq!(session(&server).writes.waiting(), 3);
    let deeds = wants(&mut server, publish(1));
    assert_eq!((to(&deeds, C1), holds(&server)), (vec![], None));
}

#[test]
fn what_comes_late_does_not_bring_back_what_was_withdrawn() {
    let mut server = connected(|_| {});
    wants(&mut server, publish(1));
    wants(&mut server, Wish::Withdraw(SERVICE, 2));
    wants(&mut server, publish(1));
    assert_eq!(holds(&server), None);
    let mut server = connected(|options| options.rules.session_tombstones = false);
    wants(&mut server, publish(1));
    wants(&mut server, Wish::Withdraw(SERVICE, 2));
    wants(&mut server, publish(1));
    assert_eq!(holds(&server), Some(1), "that is W6.3");
}

#[test]
fn a_client_that_is_gone_is_registered_no_more() {
    let mut server = connected(|_| {});
    let (call, _) = batch(&wants(&mut server, publish(1)), D1);
    server.hears(D1, Message::Done(call, Access::Accept));
    let deeds = server.loses(stream(C1, S1), Closing::Finished);
    let (_, items) = batch(&deeds, D1);
    assert_eq!(items.len(), 1);
    let Item::Off(gone) = &items[0] else {
        panic!("{}", items[0]);
    };
    assert_eq!((gone.len(), gone[0].0), (1, id(SERVICE, C1)));
    assert_eq!(holds(&server), None);
}

#[test]
fn what_came_over_a_later_connection_stays_when_the_earlier_one_is_gone() {
    let mut server = connected(|_| {});
    wants(&mut server, publish(1));
    let mut opener = crate::Opener::new(C1);
    opener.open(S1);
    let second = opener.open(S1);
    server.gets_stream(second, 65_536);
    let register = Message::Register {
        connection: second,
        life: Life(0),
        wishes: Arc::new([publish(1)]),
    };
    server.hears(C1, register);
    server.loses(stream(C1, S1), Closing::Finished);
    assert_eq!(holds(&server), Some(1));
}

#[test]
fn an_earlier_leader_is_told_nothing_more() {
    let mut server = connected(|_| {});
    let digests = |leadership| Message::Digests {
        call: CallId(1),
        slot: SLOT,
        leadership,
        anew: true,
        shares: Arc::new([]),
    };
    let later = Epoch { term: 1, count: 2 };
    let answer = server.hears(D2, digests(later)).answer();
    assert!(matches!(answer, Message::Differing { .. }), "{answer}");
    let answer = server.hears(D1, digests(FIRST)).answer();
    assert_eq!(answer, Message::NotMine(CallId(1)));
    // What changes from now on is told to the later one, whom no table has named yet.
    batch(&wants(&mut server, publish(1)), D2);
}

#[test]
fn a_client_whose_sum_is_another_is_told_what_is_held() {
    let mut server = connected(|_| {});
    wants(&mut server, publish(1));
    let deeds = server.arrives(stream(C1, S1), Message::Ping(Some(Sum(1))));
    let held: Arc<[(Key, u64)]> = Arc::new([(SERVICE, 1)]);
    let repeat = Message::Repeat {
        connection: stream(C1, S1),
        held: Some(held),
    };
    assert_eq!(to(&deeds, C1), [repeat]);
}

#[test]
fn a_leader_is_answered_so_many_registrations_at_a_time() {
    let mut server = connected(|options| options.session.writes = 9);
    for service in 1..=3 {
        wants(&mut server, Wish::Publish(Key(service), 1, value(1)));
    }
    let services: Arc<[Key]> = [1, 2, 3].map(Key).into();
    let asks = |after| Message::Summaries {
        call: CallId(1),
        slot: SLOT,
        services: Arc::clone(&services),
        after,
        upto: None,
        known: Arc::new([]),
    };
    let answer = |server: &mut Solo<Server>, after| match server.hears(D1, asks(after)).answer() {
        Message::Publishers { updated, more, .. } => (updated.len(), more),
        other => panic!("{other}"),
    };
    let behind = Some(id(Key(2), C1));
    assert_eq!(answer(&mut server, None), (2, behind));
    assert_eq!(answer(&mut server, behind), (1, None));
}

#[test]
fn who_has_subscribed_is_pushed_what_is_fetched_until_it_says_that_it_has_it() {
    let mut server = connected(|_| {});
    let asked = to(&wants(&mut server, Wish::Subscribe(SERVICE, None)), D1);
    server.hears(D1, Message::Fetched(call(&asked[0]), Ok(datum(1))));
    for _ in 0..4 {
        let pushed = to(&server.fires(Timer::Push), C1);
        assert!(matches!(pushed[..], [Message::Push { .. }]), "{pushed:?}");
        server.fires(Timer::Call(call(&pushed[0])));
    }
    assert!(
        to(&server.fires(Timer::Push), C1).is_empty(),
        "it was sent again three times"
    );
    // The next scan finds that it is behind.
    server.fires(Timer::Scan);
    let pushed = to(&server.fires(Timer::Push), C1);
    server.hears(C1, Message::Pushed(call(&pushed[0])));
    server.fires(Timer::Scan);
    assert!(to(&server.fires(Timer::Push), C1).is_empty());
}

#[test]
fn an_older_version_is_neither_fetched_nor_taken() {
    let mut server = connected(|_| {});
    let asked = to(&wants(&mut server, Wish::Subscribe(SERVICE, None)), D1);
    server.hears(D1, Message::Fetched(call(&asked[0]), Ok(datum(2))));
    let changed = |count: u64| {
        let version = datum(count).version;
        Message::Changed(CallId(9), Arc::new([(SERVICE, version)]))
    };
    let noted = "send d1: noted 9";
    server.hears(D1, changed(2)).shows(noted);
    let deeds = server.hears(D1, changed(3));
    deeds.shows(&format!("{noted}\narm Fetch(Key(1)) within 1s"));
    let asked = to(&server.fires(Timer::Fetch(SERVICE)), D1);
    server.hears(D1, Message::Fetched(call(&asked[0]), Ok(datum(1))));
    let known = session(&server).pushing.services.get(SERVICE);
    assert_eq!(known.and_then(|known| known.datum.clone()), Some(datum(2)));
}

#[test]
fn who_knows_all_versions_asks_by_level_until_there_is_something_new_to_know() {
    let mut server = connected(|_| {});
    let asked = to(&wants(&mut server, Wish::Subscribe(SERVICE, None)), D1);
    server.hears(D1, Message::Fetched(call(&asked[0]), Ok(datum(1))));
    let scan = |server: &mut Solo<Server>| to(&server.fires(Timer::Scan), D1).remove(0);
    let level = |count| Version {
        count,
        ..datum(1).version
    };
    let others = |count| {
        let versions = Arc::new([]);
        let level = level(count);
        Ok(Others { versions, level })
    };
    // One that was asked before somebody subscribed to something else says nothing of that.
    let asked = scan(&mut server);
    wants(&mut server, Wish::Subscribe(OTHER, None));
    server.hears(D1, Message::Scanned(call(&asked), others(4)));
    let asked = scan(&mut server);
    assert!(matches!(asked, Message::Scan { .. }), "{asked}");
    server.hears(D1, Message::Scanned(call(&asked), others(4)));
    let asked = scan(&mut server);
    assert!(matches!(asked, Message::Level { .. }), "{asked}");
    server
        .hears(D1, Message::Leveled(call(&asked), Arc::new([])))
        .shows(&format!("disarm Call({:?})", call(&asked)));
    let asked = scan(&mut server);
    let risen = Message::Leveled(call(&asked), Arc::new([(SLOT, level(5))]));
    let asked = to(&server.hears(D1, risen), D1).remove(0);
    assert!(matches!(asked, Message::Scan { .. }), "{asked}");
}

#[test]
fn an_older_table_is_not_believed() {
    let mut server = connected(|_| {});
    server.hears(M1, beaten(3, D2, &[process(S1, 0)]));
    server.hears(M1, beaten(2, D1, &[process(S1, 0)]));
    batch(&wants(&mut server, publish(1)), D2);
}
