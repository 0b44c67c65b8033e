//! What is committed, and when.

use super::super::super::state::quorum_index;
use super::*;

/// Has the leader log so many entries behind its opening.
fn propose(leader: &mut Solo<Server>, count: u64) {
    for seq in 1..=count {
        leader.hears(c(1), ask(seq, put(1, seq)));
    }
}

/// Makes the leader's own log durable up to `index`; the inherited part is.
fn make_durable(leader: &mut Solo<Server>, index: u64, inherited: usize) {
    if let Some(made @ 1..) = index.checked_sub(inherited as u64) {
        leader.flushed(made + 1);
    }
}

/// etcd-io/raft, TestLeaderAcknowledgeCommit.
#[test]
fn an_entry_is_committed_when_a_majority_has_accepted_it() {
    let rows: [(u32, &[u32], bool); 9] = [
        (1, &[], true),
        (3, &[], false),
        (3, &[2], true),
        (3, &[2, 3], true),
        (5, &[], false),
        (5, &[2], false),
        (5, &[2, 3], true),
        (5, &[2, 3, 4], true),
        (5, &[2, 3, 4, 5], true),
    ];
    for (servers, accepting, committed) in rows {
        let mut leader = settled_leader(servers);
        propose(&mut leader, 1);
        leader.flushed(3);
        for &follower in accepting {
            leader.hears(n(follower), accepted(1, 2, 1));
        }
        let row = format!("{servers} servers, {accepting:?} accept");
        assert_eq!(leader.commit() == 2, committed, "{row}");
    }
}

/// etcd-io/raft, TestLeaderOnlyCommitsLogFromCurrentTerm.
#[test]
fn only_an_entry_of_the_own_term_is_committed_by_counting() {
    for (accepts, commit) in [(1, 0), (2, 0), (3, 3)] {
        let mut leader = leader(2, 3, &[1, 2]);
        propose(&mut leader, 1);
        leader.flushed(3);
        leader.hears(n(2), accepted(3, accepts, 1));
        assert_eq!(leader.log(), [1, 2, 3, 3]);
        assert_eq!(leader.commit(), commit, "accepted up to {accepts}");
    }
}

/// etcd-io/raft, TestCommit: what each voter has, the leader first; the log; the leader's term; what is committed.
///
/// A leader here always has an entry of its term. Where the log of the row has none, the opening stands behind it and
/// is on nobody's disk; where the row's leader has an entry of a later term, which cannot be, it is one of its own.
#[test]
fn what_a_majority_has_is_committed_if_it_is_of_the_own_term() {
    let rows: [(&[u64], &[u64], u64, u64); 14] = [
        (&[1], &[1], 1, 1),
        (&[1], &[1], 2, 0),
        (&[2], &[1, 2], 2, 2),
        (&[1], &[2], 2, 1),
        (&[2, 1, 1], &[1, 2], 1, 1),
        (&[2, 1, 1], &[1, 1], 2, 0),
        (&[2, 1, 2], &[1, 2], 2, 2),
        (&[2, 1, 2], &[1, 1], 2, 0),
        (&[2, 1, 1, 1], &[1, 2], 1, 1),
        (&[2, 1, 1, 1], &[1, 1], 2, 0),
        (&[2, 1, 1, 2], &[1, 2], 1, 1),
        (&[2, 1, 1, 2], &[1, 1], 2, 0),
        (&[2, 1, 2, 2], &[1, 2], 2, 2),
        (&[2, 1, 2, 2], &[1, 1], 2, 0),
    ];
    for (has, log, term, commit) in rows {
        let inherited = log.partition_point(|entry| *entry < term);
        let mut leader = leader(has.len() as u32, term, &log[..inherited]);
        propose(
            &mut leader,
            (log.len() - inherited).saturating_sub(1) as u64,
        );
        make_durable(&mut leader, has[0], inherited);
        for (follower, matched) in (2..).zip(&has[1..]) {
            leader.hears(n(follower), accepted(term, *matched, 1));
        }
        let row = format!("{has:?} of {log:?} in term {term}");
        assert_eq!(leader.commit(), commit, "{row}");
    }
}

/// etcd-io/raft, quorum/testdata/majority_commit. A voter that was not heard of has nothing, 0; no quorum is empty.
#[test]
fn a_quorum_has_reached_what_a_majority_has() {
    let rows: [(&mut [u64], u64); 14] = [
        (&mut [12], 12),
        (&mut [0, 0], 0),
        (&mut [12, 0], 0),
        (&mut [12, 5], 5),
        (&mut [0, 0, 0], 0),
        (&mut [12, 0, 0], 0),
        (&mut [12, 5, 0], 5),
        (&mut [12, 5, 6], 6),
        (&mut [12, 5, 4], 5),
        (&mut [5, 5, 0], 5),
        (&mut [5, 5, 12], 5),
        (&mut [100, 101, 103], 101),
        (&mut [101, 104, 103, 103, 0], 103),
        (&mut [101, 102, 103, 103, 0], 102),
    ];
    for (reached, committed) in rows {
        assert_eq!(quorum_index(reached), committed, "{reached:?}");
    }
}

/// openraft #1802: a quorum counted incrementally came to 6 in the end. The leader is the first voter.
#[test]
fn a_voter_that_advances_twice_is_counted_once() {
    let mut leader = leader(5, 1, &[]);
    propose(&mut leader, 9);
    make_durable(&mut leader, 5, 0);
    assert_eq!(leader.commit(), 0);
    for (follower, matched, commit) in [(2, 3, 0), (3, 4, 3), (3, 10, 3), (4, 6, 5)] {
        leader.hears(n(follower), accepted(1, matched, 1));
        assert_eq!(leader.commit(), commit, "n{follower} has {matched}");
    }
}

/// hashicorp/raft, TestCommitment_recalculate up to its changes of membership. The leader is the first voter.
#[test]
fn the_commit_follows_the_middle_voter() {
    let mut leader = leader(5, 1, &[]);
    propose(&mut leader, 29);
    make_durable(&mut leader, 30, 0);
    assert_eq!(leader.commit(), 0);
    for (follower, matched, commit) in [(2, 20, 0), (3, 10, 10), (4, 15, 15)] {
        leader.hears(n(follower), accepted(1, matched, 1));
        assert_eq!(leader.commit(), commit, "n{follower} has {matched}");
    }
}

/// hashicorp/raft, TestCommitment_recalculate with a start index of 4, and its smaller cases: a match that goes back, a
/// stranger, a voter alone.
#[test]
fn nothing_is_committed_before_the_first_entry_of_the_term() {
    let mut leader = leader(5, 2, &[1, 1, 1]);
    make_durable(&mut leader, 4, 3);
    for follower in 2..=4 {
        leader.hears(n(follower), accepted(2, 3, 1));
    }
    assert_eq!(leader.commit(), 0);
    leader.hears(n(2), accepted(2, 4, 1));
    assert_eq!(leader.commit(), 0);
    leader.hears(n(2), accepted(2, 3, 1));
    leader.hears(n(9), accepted(2, 4, 1));
    assert_eq!(leader.commit(), 0);
    leader.hears(n(3), accepted(2, 4, 1));
    assert_eq!(leader.commit(), 4);
    assert_eq!(settled_leader(1).commit(), 1);
}
