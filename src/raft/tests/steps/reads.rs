//! What a leader does with reads.

use super::*;

#[test]
fn a_read_waits_for_a_round_that_was_opened_after_it_arrived() {
    let mut leader = settled_leader(3);
    leader.hears(c(1), ask(1, get(7))).shows(
        "send n2 past flush: append term 1, after 1@1: nothing, commit 1, round 2
         send n3 past flush: append term 1, after 1@1: nothing, commit 1, round 2",
    );
    leader.hears(n(2), accepted(1, 1, 1)).shows("");
    leader
        .hears(n(2), accepted(1, 1, 2))
        .shows("send c1 past flush: answer 1: found nothing @0");
}

#[test]
fn a_read_that_comes_while_a_round_is_open_waits_for_the_next() {
    let mut leader = settled_leader(3);
    leader.hears(c(1), ask(1, get(7)));
    leader.hears(c(2), ask(1, get(7))).shows("");
    leader.hears(n(2), accepted(1, 1, 2)).shows(
        "send c1 past flush: answer 1: found nothing @0
         send n2 past flush: append term 1, after 1@1: nothing, commit 1, round 3
         send n3 past flush: append term 1, after 1@1: nothing, commit 1, round 3",
    );
    leader.hears(n(3), accepted(1, 1, 2)).shows("");
    leader
        .hears(n(3), accepted(1, 1, 3))
        .shows("send c2 past flush: answer 1: found nothing @0");
}

/// Leadership is confirmed by any answer, also a rejection; the opening must be committed as well. etcd-io/raft,
/// TestReadOnlyForNewLeader.
#[test]
fn a_read_waits_for_the_opening_entry_of_the_term() {
    let mut leader = leader(3, 2, &[1, 1]);
    leader.flushed(2);
    leader.hears(c(1), ask(1, get(7))).shows("");
    leader.fires(Timer::Heartbeat);
    leader.hears(n(2), rejected(2, 9, at(0, 0), 2)).shows("");
    leader
        .hears(n(2), accepted(2, 2, 2))
        .shows("send n2 past flush: append term 2, after 2@1: opening, commit 0, round 2");
    leader
        .hears(n(2), accepted(2, 3, 2))
        .shows("send c1 past flush: answer 1: found nothing @0");
}

#[test]
fn a_read_sees_what_was_committed_before_it_came() {
    let mut leader = settled_leader(3);
    leader.hears(c(1), ask(1, put(7, 70)));
    leader.flushed(3);
    leader.hears(n(2), accepted(1, 2, 1));
    leader.hears(c(2), ask(1, get(7)));
    leader
        .hears(n(3), accepted(1, 2, 2))
        .shows("send c2 past flush: answer 1: found v70 @2");
}

#[test]
fn a_round_needs_a_majority_and_no_follower_counts_twice() {
    let mut leader = settled_leader(5);
    leader.hears(c(1), ask(1, get(7)));
    leader.hears(c(2), ask(1, get(7)));
    leader.hears(n(2), accepted(1, 1, 2)).shows("");
    leader.hears(n(2), accepted(1, 1, 2)).shows("");
    // Nor does a late answer take back that it has answered.
    leader.hears(n(2), accepted(1, 1, 1)).shows("");
    let deeds = leader.hears(n(3), accepted(1, 1, 2));
    let (first, message) = deeds.messages().next().unwrap();
    assert_eq!(
        (first, message.to_string()),
        (c(1), "answer 1: found nothing @0".into())
    );
}

#[test]
fn a_leader_alone_confirms_itself() {
    let mut leader = settled_leader(1);
    leader.fires(Timer::Heartbeat);
    leader
        .hears(c(1), ask(1, get(7)))
        .shows("send c1 past flush: answer 1: found nothing @0");
}

#[test]
fn the_last_read_that_finds_a_place_is_answered_and_the_next_is_not() {
    for (reads, answered) in [(4096, 4096), (4097, 4096)] {
        let mut leader = settled_leader(2);
        for client in 1..=reads {
            leader.hears(c(client), ask(1, get(7)));
        }
        let clients = |deeds: Deeds| deeds.messages().filter(|(to, _)| to.is_client()).count();
        assert_eq!(clients(leader.hears(n(2), accepted(1, 1, 2))), 1);
        assert_eq!(clients(leader.hears(n(2), accepted(1, 1, 3))), answered - 1);
    }
}

/// One read fits, and so does the next when that one is answered.
#[test]
fn a_read_that_finds_the_queue_full_is_not_kept() {
    let mut leader = settled_leader(3);
    let office = |leader: &mut Solo<Server>| match &mut leader.process.standing {
        Standing::Leader(office) => office.reads = crate::Queue::new(1),
        other => panic!("{other:?}"),
    };
    office(&mut leader);
    leader.hears(c(1), ask(1, get(7)));
    leader
        .hears(c(2), ask(1, get(7)))
        .shows("note reads overflow, none kept of c2");
    leader.hears(n(2), accepted(1, 1, 2));
    let messages = leader.hears(c(2), ask(2, get(7))).messages().count();
    assert_eq!(messages, 2, "a round is opened for it");
}
