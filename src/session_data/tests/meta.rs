//! A meta server, the only one: its lock is nobody else's.

use super::super::message::{Beat, Timer};
use super::super::meta::{Meta, Reign};
use super::*;
use crate::{Effect, Span};

fn meta(server: &Solo<Server>) -> &Meta {
    match &server.process {
        Server::Meta(meta) => meta,
        _ => panic!("it is a meta server"),
    }
}

fn reign(server: &Solo<Server>) -> &Reign {
    meta(server).reign.as_ref().expect("it leads")
}

/// It looks at its lock, or renews it: whatever it writes is flushed at once.
fn elects(server: &mut Solo<Server>) {
    let mut deeds = server.fires(Timer::Elect);
    while let Some(ticket) = deeds.effects().iter().find_map(|effect| match effect {
        Effect::Flush(ticket) => Some(ticket.0),
        _ => None,
    }) {
        deeds = server.flushed(ticket);
    }
}

/// One that leads, and only listens as yet.
fn leads() -> Solo<Server> {
    let mut server = boot(M1, |_| {});
    for _ in 0..9 {
        if meta(&server).reign.is_none() {
            elects(&mut server);
        }
    }
    assert_eq!(reign(&server).term, 1);
    server
}

/// A server makes itself heard.
fn hears(
    server: &mut Solo<Server>,
    process: ProcessId,
    known: Option<Table>,
) -> Deeds<SessionData> {
    let beat = Beat {
        process,
        table: Epoch::default(),
        roster: Epoch::default(),
        known: known.map(Arc::new),
        migrating: 0,
    };
    server.hears(process.node, Message::Beat(beat))
}

/// And is answered.
fn is_heard(server: &mut Solo<Server>, process: ProcessId, known: Option<Table>) -> Message {
    hears(server, process, known).answer()
}

/// So many seconds go by, in which these make themselves heard, and the lock is renewed.
fn goes_on(server: &mut Solo<Server>, seconds: u64, heard: &[ProcessId]) {
    for _ in 0..seconds {
        server.passes(Span::secs(1));
        elects(server);
        for process in heard {
            is_heard(server, *process, None);
        }
        server.fires(Timer::Arrange);
    }
}

/// Who leads the slot by its table, under which leadership.
fn leader(server: &Solo<Server>) -> Option<(NodeId, Epoch)> {
    let slot = reign(server).table.slot(SLOT)?;
    Some((slot.leader?, slot.leadership))
}

#[test]
fn it_listens_for_a_while_before_it_deals_slots_out() {
    let mut server = leads();
    let all = [process(S1, 0), process(D1, 0)];
    goes_on(&mut server, 29, &all);
    let answer = is_heard(&mut server, process(D1, 0), None);
    let nothing = Message::Beaten {
        term: 1,
        table: None,
        roster: None,
    };
    assert_eq!((answer, leader(&server)), (nothing, None));
    goes_on(&mut server, 1, &all);
    assert_eq!(leader(&server).map(|(leader, _)| leader), Some(D1));
    let answer = is_heard(&mut server, process(S1, 0), None);
    let Message::Beaten {
        table: Some(_),
        roster: Some(roster),
        ..
    } = answer
    else {
        panic!("{answer}");
    };
    assert!(roster.lists(process(S1, 0)) && roster.data.contains_key(&D1));
}

#[test]
fn what_it_learns_it_numbers_anew() {
    let mut server = leads();
    let known = Table {
        epoch: Epoch { term: 0, count: 7 },
        slots: vec![Slot {
            leader: Some(D2),
            leadership: Epoch { term: 0, count: 5 },
            followers: vec![D1],
        }],
    };
    is_heard(&mut server, process(D2, 0), Some(known));
    goes_on(&mut server, 30, &[process(D1, 0), process(D2, 0)]);
    let (leader, leadership) = leader(&server).expect("somebody leads it");
    assert_eq!((leader, leadership.term), (D2, 1));
}

#[test]
fn whoever_is_silent_for_too_long_is_taken_off_the_list_and_another_leads() {
    let mut server = leads();
    goes_on(&mut server, 30, &[process(D1, 0), process(D2, 0)]);
    let (first, before) = leader(&server).expect("somebody leads it");
    let other = if first == D1 { D2 } else { D1 };
    goes_on(&mut server, 20, &[process(other, 0)]);
    assert_eq!(leader(&server), Some((first, before)));
    goes_on(&mut server, 1, &[process(other, 0)]);
    let (second, after) = leader(&server).expect("somebody leads it");
    assert!(second == other && after > before);
    assert!(!reign(&server).roster.data.contains_key(&first));
}

#[test]
fn one_that_starts_again_is_on_another_list_at_once() {
    let mut server = leads();
    goes_on(&mut server, 30, &[process(S1, 0)]);
    let before = reign(&server).roster.epoch;
    is_heard(&mut server, process(S1, 1), None);
    let roster = &reign(&server).roster;
    assert!(roster.lists(process(S1, 1)) && roster.epoch > before);
    hears(&mut server, process(S1, 0), None).shows("");
    assert!(
        reign(&server).roster.lists(process(S1, 1)),
        "what is late changes nothing"
    );
}

#[test]
fn it_trusts_its_lock_for_ten_seconds_and_no_longer() {
    let mut server = leads();
    server.passes(Span::secs(9));
    let answer = is_heard(&mut server, process(S1, 0), None);
    assert!(matches!(answer, Message::Beaten { .. }), "{answer}");
    server.passes(Span::secs(1));
    let answer = is_heard(&mut server, process(S1, 0), None);
    assert!(matches!(answer, Message::Leader(_)), "{answer}");
}
