//! What a server does when it starts, when it is asked for its vote, and when it is told what to log.

use super::*;

#[test]
fn a_new_server_waits_for_a_leader() {
    let (_, deeds) = Solo::<Server>::boot(n(1), 3, Options::default(), &[]);
    deeds.shows("arm Election within 150ms..300ms");
}

#[test]
fn a_torn_tail_ends_the_log() {
    let disk = [
        Ok(ballot(2, None)),
        Ok(record(1, &[1, 2])),
        Err(Damage::Torn),
    ];
    let (server, deeds) = Solo::<Server>::boot(n(1), 3, Options::default(), &disk);
    deeds.shows(
        "note finds a torn tail
         arm Election within 150ms..300ms",
    );
    assert_eq!(server.log(), [1, 2]);
    assert_eq!(server.process.durable.term, Term(2));
}

#[test]
fn a_rotten_record_stops_the_server() {
    let disk = [
        Ok(ballot(2, None)),
        Err(Damage::Rotten),
        Ok(record(1, &[1])),
    ];
    let (_, deeds) = Solo::<Server>::boot(n(1), 3, Options::default(), &disk);
    deeds.shows(
        "note finds rot
         stop: a record on disk is rotten: what it promised is lost
         arm Election within 150ms..300ms",
    );
}

#[test]
fn a_server_without_its_identity_on_disk_knows_that_it_was_wiped() {
    let bare = |disk: &[Result<Record, Damage>]| recover(disk).err();
    assert_eq!(bare(&[]), Some(Unfit::Wiped));
    assert_eq!(bare(&[Ok(ballot(2, None))]), Some(Unfit::Wiped));
    assert_eq!(bare(&[Err(Damage::Rotten)]), Some(Unfit::Rotten));
    assert_eq!(bare(&[Ok(Record::Identity(n(1)))]), None);
}

#[test]
fn a_server_whose_disk_fails_stops_and_says_nothing_more() {
    for (error, what) in [
        (DiskError::Write, "a write failed"),
        (DiskError::Full, "the disk is full"),
        (DiskError::Flush(Ticket(1)), "a flush failed"),
    ] {
        let mut follower = server(3, 1, &[1]);
        follower.takes(Input::Failed(error)).shows(&format!(
            "note disk failed: {what}
             stop: its disk failed"
        ));
    }
}

#[test]
fn a_server_that_is_asked_to_quit_stops_at_once_whatever_it_is() {
    for mut server in [server(3, 1, &[1]), settled_leader(3)] {
        server.takes(Input::Quit).shows("stop: was asked to quit");
    }
}

#[test]
fn a_voter_persists_its_vote_before_casting_it() {
    let mut voter = server(3, 1, &[1]);
    voter.hears(n(2), request_vote(2, at(1, 1))).shows(
        "note votes for n2, term 2
         arm Election within 150ms..300ms
         write term 2, vote for n2
         flush
         send n2: vote term 2 granted",
    );
}

#[test]
fn a_candidate_that_asks_again_gets_the_same_vote_and_another_none() {
    let mut voter = server(3, 1, &[1]);
    voter.hears(n(2), request_vote(2, at(1, 1)));
    voter.hears(n(2), request_vote(2, at(1, 1))).shows(
        "note votes for n2, term 2
         arm Election within 150ms..300ms
         write term 2, vote for n2
         flush
         send n2: vote term 2 granted",
    );
    voter
        .hears(n(3), request_vote(2, at(1, 1)))
        .shows("send n3: vote term 2 refused");
}

#[test]
fn a_refused_candidate_brings_its_term_and_leaves_the_alarm_alone() {
    let mut voter = server(3, 1, &[1]);
    voter.hears(n(2), request_vote(2, at(0, 0))).shows(
        "note refuses a stale log of n2, term 2
         write term 2, no vote
         flush
         send n2: vote term 2 refused",
    );
}

#[test]
fn a_candidate_of_an_older_term_is_told_the_newer() {
    let mut voter = server(3, 2, &[]);
    voter
        .hears(n(2), request_vote(1, at(9, 1)))
        .shows("send n2: vote term 2 refused");
    assert!(matches!(
        voter.hears(n(2), request_vote(2, at(9, 1))).answer(),
        Message::Vote { granted: true, .. }
    ));
}

#[test]
fn a_follower_persists_before_it_acknowledges() {
    let mut follower = server(3, 1, &[1]);
    follower.hears(n(2), append(1, at(1, 1), &[1, 1], 0)).shows(
        "arm Election within 150ms..300ms
         write entries from 2: opening of term 1; opening of term 1
         flush
         send n2: accepted term 1, matched 3, round 1",
    );
}

#[test]
fn a_follower_persists_a_newer_term_before_it_acknowledges() {
    let mut follower = server(3, 1, &[1]);
    follower.hears(n(2), append(2, at(1, 1), &[], 0)).shows(
        "write term 2, no vote
         arm Election within 150ms..300ms
         flush
         send n2: accepted term 2, matched 1, round 1",
    );
    follower.hears(n(3), append(3, at(9, 2), &[], 0)).shows(
        "write term 3, no vote
         arm Election within 150ms..300ms
         flush
         send n3: rejected term 3, no 9, hint 1@1, round 1",
    );
}

#[test]
fn a_heartbeat_writes_nothing() {
    let mut follower = server(3, 1, &[1]);
    follower.hears(n(2), append(1, at(1, 1), &[], 1)).shows(
        "arm Election within 150ms..300ms
         send n2: accepted term 1, matched 1, round 1",
    );
    assert_eq!(follower.commit(), 1);
}

/// etcd-io/raft, TestHandleHeartbeat.
#[test]
fn a_commit_is_never_taken_back() {
    let mut follower = server(2, 3, &[1, 2, 3]);
    for (leader_commit, commit) in [(2, 2), (3, 3), (1, 3)] {
        follower.hears(n(2), append(3, at(3, 3), &[], leader_commit));
        assert_eq!(follower.commit(), commit);
    }
}

#[test]
fn a_conflict_is_replaced_from_the_first_entry_that_differs() {
    let mut follower = server(3, 2, &[1, 2, 2, 2]);
    follower
        .hears(n(2), append(3, at(1, 1), &[2, 3, 3], 0))
        .shows(
            "write term 3, no vote
             arm Election within 150ms..300ms
             note truncates from 3
             write entries from 3: opening of term 3; opening of term 3
             flush
             send n2: accepted term 3, matched 4, round 1",
        );
    assert_eq!(follower.log(), [1, 2, 3, 3]);
}

#[test]
fn a_late_shorter_append_takes_nothing_back() {
    let mut follower = server(3, 1, &[]);
    follower.hears(n(2), append(1, at(0, 0), &[1, 1, 1], 0));
    follower.hears(n(2), append(1, at(0, 0), &[1], 0)).shows(
        "arm Election within 150ms..300ms
         send n2: accepted term 1, matched 1, round 1",
    );
    assert_eq!(follower.log(), [1, 1, 1]);
}

#[test]
fn an_append_that_begins_below_the_commit_is_answered_with_the_commit() {
    let mut follower = server(3, 1, &[1, 1, 1]);
    follower.hears(n(2), append(1, at(2, 1), &[], 2));
    follower.hears(n(2), append(1, at(1, 1), &[1, 1], 3)).shows(
        "arm Election within 150ms..300ms
         send n2: accepted term 1, matched 2, round 1",
    );
    follower.hears(n(2), append(1, at(2, 1), &[1], 3)).shows(
        "arm Election within 150ms..300ms
         send n2: accepted term 1, matched 3, round 1",
    );
}

#[test]
fn an_append_of_an_older_term_is_answered_with_the_newer_term() {
    let mut follower = server(3, 2, &[1]);
    follower
        .hears(n(2), append(1, at(1, 1), &[1], 1))
        .shows("send n2: rejected term 2, no 1, hint 0@0, round 1");
    assert_eq!((follower.log(), follower.commit()), (vec![1], 0));
}

#[test]
#[should_panic(expected = "n2 and n1 both lead term 1")]
fn a_leader_that_hears_another_leader_of_its_term_stops() {
    settled_leader(3).hears(n(2), append(1, at(0, 0), &[], 0));
}
