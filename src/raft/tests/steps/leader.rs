//! What a leader does with writes, answers and alarms.

use super::super::super::log::Session;
use super::*;

#[test]
fn a_leader_sends_ahead_of_its_own_flush_and_counts_itself_only_after_it() {
    let mut leader = settled_leader(3);
    leader.hears(c(1), ask(1, put(7, 70))).shows(
        "write entries from 2: c1/1 put k7=v70 of term 1
         flush
         send n2 past flush: append term 1, after 1@1: c1/1 put k7=v70, commit 1, round 1
         send n3 past flush: append term 1, after 1@1: c1/1 put k7=v70, commit 1, round 1",
    );
    leader.hears(n(2), accepted(1, 2, 1)).shows("");
    leader
        .flushed(3)
        .shows("send c1 past flush: answer 1: written @2");
}

#[test]
fn the_others_can_be_a_majority_without_the_leader() {
    let mut leader = settled_leader(3);
    leader.hears(c(1), ask(1, put(7, 70)));
    leader.hears(n(2), accepted(1, 2, 1)).shows("");
    leader
        .hears(n(3), accepted(1, 2, 1))
        .shows("send c1 past flush: answer 1: written @2");
    leader.flushed(3).shows("");
}

#[test]
fn one_flush_can_cover_several_entries() {
    let mut leader = settled_leader(1);
    leader.hears(c(1), ask(1, put(7, 70)));
    leader.hears(c(2), ask(1, put(8, 80)));
    leader.flushed(4).shows(
        "send c1 past flush: answer 1: written @2
         send c2 past flush: answer 1: written @3",
    );
}

#[test]
fn a_heartbeat_opens_a_round_and_carries_the_commit() {
    let mut leader = settled_leader(3);
    leader.fires(Timer::Heartbeat).shows(
        "arm Heartbeat within 50ms
         send n2 past flush: append term 1, after 1@1: nothing, commit 1, round 2
         send n3 past flush: append term 1, after 1@1: nothing, commit 1, round 2",
    );
}

#[test]
fn until_the_logs_meet_one_append_is_in_flight() {
    let mut leader = leader(2, 1, &[]);
    leader.hears(c(1), ask(1, put(7, 70))).shows(
        "write entries from 2: c1/1 put k7=v70 of term 1
         flush",
    );
    leader
        .hears(n(2), accepted(1, 1, 1))
        .shows("send n2 past flush: append term 1, after 1@1: c1/1 put k7=v70, commit 0, round 1");
}

#[test]
fn the_last_append_that_fits_the_window_is_sent_and_the_next_waits() {
    let window = Options {
        window: 2,
        ..Options::default()
    };
    let mut leader = settled_leader_with(2, window);
    let sent = |leader: &mut Solo<Server>, seq| {
        let deeds = leader.hears(c(1), ask(seq, put(7, seq)));
        deeds.messages().count()
    };
    assert_eq!(sent(&mut leader, 1), 1);
    assert_eq!(sent(&mut leader, 2), 1);
    assert_eq!(sent(&mut leader, 3), 0);
    assert_eq!(sent(&mut leader, 4), 0);
    leader
        .hears(n(2), accepted(1, 2, 1))
        .shows("send n2 past flush: append term 1, after 3@1: c1/3 put k7=v3; c1/4 put k7=v4, commit 1, round 1");
}

/// A leader with batches of two, whose follower meets its log at 1.
fn leader_with_batches_of_two(inherited: &[u64]) -> Solo<Server> {
    let batch = Options {
        batch: 2,
        ..Options::default()
    };
    let disk = [Ok(ballot(1, None)), Ok(record(1, inherited))];
    let (server, _) = Solo::boot(n(1), 2, batch, &disk);
    let mut leader = elect(server, 2, 2);
    let prev = inherited.len() as u64;
    leader
        .hears(n(2), rejected(2, prev, at(1, 1), 1))
        .shows("send n2 past flush: append term 2, after 1@1: opening; opening, commit 0, round 1");
    leader
}

#[test]
fn what_just_fits_a_batch_travels_together() {
    let mut leader = leader_with_batches_of_two(&[1, 1]);
    leader.hears(n(2), accepted(2, 3, 1)).shows("");
}

#[test]
fn what_fits_the_batch_no_more_travels_in_the_next() {
    let mut leader = leader_with_batches_of_two(&[1, 1, 1]);
    leader
        .hears(n(2), accepted(2, 3, 1))
        .shows("send n2 past flush: append term 2, after 3@1: opening, commit 0, round 1");
}

/// etcd-io/raft, TestMsgAppRespWaitReset and TestLeaderAppResp.
#[test]
fn a_stale_rejection_moves_nothing() {
    let mut leader = leader(2, 2, &[1, 1]);
    // The probe follows 2: a rejection of anything else answers an older one.
    leader.hears(n(2), rejected(2, 3, at(1, 1), 1)).shows("");
    leader
        .hears(n(2), rejected(2, 2, at(1, 1), 1))
        .shows("send n2 past flush: append term 2, after 1@1: opening; opening, commit 0, round 1");
    leader.hears(n(2), rejected(2, 2, at(1, 1), 1)).shows("");
    leader.hears(n(2), accepted(2, 3, 1)).shows("");
    // What the follower has accepted, it has.
    leader.hears(n(2), rejected(2, 3, at(1, 1), 1)).shows("");
    leader.hears(c(1), ask(1, put(7, 70)));
    leader
        .hears(n(2), rejected(2, 4, at(1, 1), 1))
        .shows("send n2 past flush: append term 2, after 3@2: c1/1 put k7=v70, commit 0, round 1");
}

#[test]
fn what_a_follower_has_without_having_been_sent_it_is_not_sent() {
    let one_by_one = Options {
        batch: 1,
        window: 1,
        ..Options::default()
    };
    let mut leader = settled_leader_with(2, one_by_one);
    leader.hears(c(1), ask(1, put(7, 70)));
    leader.hears(c(1), ask(2, put(7, 71)));
    leader.hears(n(2), accepted(1, 3, 1)).shows("");
    leader.hears(c(1), ask(3, put(7, 72))).shows(
        "write entries from 4: c1/3 put k7=v72 of term 1
         flush
         send n2 past flush: append term 1, after 3@1: c1/3 put k7=v72, commit 1, round 1",
    );
}

#[test]
fn a_new_leader_has_all_it_inherited_on_disk_and_not_yet_its_opening() {
    let mut leader = leader(2, 2, &[1, 1]);
    leader.hears(n(2), accepted(2, 3, 1));
    assert_eq!(leader.process.reached_by_majority(), Index(2));
    leader.flushed(2);
    assert_eq!(leader.process.reached_by_majority(), Index(3));
}

#[test]
fn a_hint_is_never_counted_as_a_match() {
    let mut leader = leader(2, 2, &[1, 1]);
    leader.flushed(2);
    leader
        .hears(n(2), rejected(2, 2, at(3, 2), 1))
        .shows("send n2 past flush: append term 2, after 1@1: opening; opening, commit 0, round 1");
    assert_eq!(leader.commit(), 0);
    leader.hears(n(2), accepted(2, 3, 1));
    assert_eq!(leader.commit(), 3);
}

#[test]
fn a_leader_that_hears_just_a_majority_stays() {
    let mut leader = settled_leader(5);
    leader.fires(Timer::CheckQuorum);
    leader.hears(n(2), accepted(1, 1, 1));
    leader.hears(n(3), rejected(1, 9, at(1, 1), 1));
    leader
        .fires(Timer::CheckQuorum)
        .shows("arm CheckQuorum within 300ms");
}

#[test]
fn a_leader_that_hears_one_less_steps_down() {
    let mut leader = settled_leader(5);
    leader.fires(Timer::CheckQuorum);
    leader.hears(n(2), accepted(1, 1, 1));
    leader.hears(n(2), accepted(1, 1, 1));
    leader.fires(Timer::CheckQuorum).shows(
        "note lost its quorum, term 1
         disarm Heartbeat
         disarm CheckQuorum
         arm Election within 150ms..300ms",
    );
    assert_eq!(leader.role(), "follower");
}

#[test]
fn a_new_leader_that_nobody_answers_steps_down() {
    let mut leader = leader(3, 1, &[]);
    leader.fires(Timer::CheckQuorum);
    assert_eq!(leader.role(), "follower");
}

#[test]
fn a_leader_that_need_not_check_its_quorum_arms_no_alarm_for_it() {
    let unchecked = Options {
        check_quorum: false,
        ..Options::default()
    };
    let (server, _) = Solo::boot(n(1), 1, unchecked, &[]);
    let mut candidate: Solo<Server> = server;
    candidate.fires(Timer::Election);
    candidate.flushed(1).shows(
        "note leads, term 1
         disarm Election
         arm Heartbeat within 50ms
         write entries from 1: opening of term 1
         flush",
    );
}

#[test]
fn a_deposed_leader_redirects() {
    let mut leader = settled_leader(3);
    leader.hears(n(2), append(2, at(1, 1), &[2], 1)).shows(
        "note deposed, term 1
         disarm Heartbeat
         disarm CheckQuorum
         arm Election within 150ms..300ms
         write term 2, no vote
         arm Election within 150ms..300ms
         write entries from 2: opening of term 2
         flush
         send n2: accepted term 2, matched 2, round 1",
    );
    leader.hears(c(1), ask(1, put(7, 70))).shows(
        "note redirects c1
         send c1 past flush: redirect 1 to n2",
    );
}

#[test]
fn a_leader_deposed_by_an_answer_knows_of_no_other() {
    let mut leader = settled_leader(3);
    leader.hears(n(2), rejected(2, 1, at(0, 0), 1)).shows(
        "note deposed, term 1
         disarm Heartbeat
         disarm CheckQuorum
         arm Election within 150ms..300ms
         write term 2, no vote
         flush",
    );
    leader.hears(c(1), ask(1, get(7))).shows(
        "note redirects c1
         send c1 past flush: redirect 1, no leader known",
    );
}

/// etcd-io/raft, TestSelfAckAfterTermChange.
#[test]
fn a_deposed_leader_counts_no_late_flush_and_no_late_answer() {
    let mut leader = settled_leader(3);
    leader.hears(c(1), ask(1, put(7, 70)));
    leader.hears(n(2), append(2, at(1, 1), &[], 1));
    leader.flushed(3).shows("");
    leader.hears(n(3), accepted(1, 2, 1)).shows("");
    assert_eq!(leader.commit(), 1);
}

#[test]
fn a_retry_is_answered_from_the_session_table_without_logging_again() {
    let mut leader = settled_leader(3);
    leader.hears(c(1), ask(1, put(7, 70)));
    leader.flushed(3);
    leader.hears(n(2), accepted(1, 2, 1));
    leader.hears(c(1), ask(1, put(7, 70))).shows(
        "note answers a retry of c1/1
         send c1 past flush: answer 1: written @2",
    );
    let session = Session {
        client: c(1),
        life: Life(1),
    };
    assert_eq!(leader.process.machine.answered(session, 1), None);
}

#[test]
fn a_retry_that_overtakes_the_execution_is_logged_again_and_executed_once() {
    let mut leader = settled_leader(1);
    leader.hears(c(1), ask(1, put(7, 70)));
    leader.hears(c(1), ask(1, put(7, 70))).shows(
        "write entries from 3: c1/1 put k7=v70 of term 1
         flush",
    );
    leader.flushed(4).shows(
        "send c1 past flush: answer 1: written @2
         send c1 past flush: answer 1: written @2",
    );
}

#[test]
fn a_client_of_another_life_is_another_session() {
    let mut leader = settled_leader(1);
    leader.hears(c(1), ask(1, put(7, 70)));
    leader.flushed(3);
    let again = Message::Ask {
        life: Life(1),
        seq: 1,
        request: put(7, 71),
    };
    leader.hears(c(1), again).shows(
        "write entries from 3: c1/1 put k7=v71 of term 1
         flush",
    );
}
