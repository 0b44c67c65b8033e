//! Where logs meet, and what becomes of them there.

use super::*;

/// The hint of a rejection; none if the append was accepted.
fn hint(answer: &Message) -> Option<Position> {
    match answer {
        Message::Rejected { hint, .. } => Some(*hint),
        Message::Accepted { .. } => None,
        other => panic!("an append was sent, the answer is: {other}"),
    }
}

/// How far an accepted append matches; none if it was rejected.
fn matched(answer: &Message) -> Option<u64> {
    match answer {
        Message::Accepted { matched, .. } => Some(matched.0),
        Message::Rejected { .. } => None,
        other => panic!("an append was sent, the answer is: {other}"),
    }
}

/// What an append follows, what its leader has committed, the terms of its entries; where the follower's log ends then,
/// what it has committed, and whether it took the append.
type Taken = (Position, u64, &'static [u64], u64, u64, bool);

/// etcd-io/raft, TestHandleMsgApp.
#[test]
fn an_append_is_taken_where_the_logs_meet_and_commits_what_it_reaches() {
    let rows: [Taken; 11] = [
        (at(2, 3), 3, &[], 2, 0, false),
        (at(3, 3), 3, &[], 2, 0, false),
        (at(1, 1), 1, &[], 2, 1, true),
        (at(0, 0), 1, &[2], 1, 1, true),
        (at(2, 2), 3, &[2, 2], 4, 3, true),
        (at(2, 2), 4, &[2], 3, 3, true),
        (at(1, 1), 4, &[2], 2, 2, true),
        (at(1, 1), 3, &[], 2, 1, true),
        (at(1, 1), 3, &[2], 2, 2, true),
        (at(2, 2), 3, &[], 2, 2, true),
        (at(2, 2), 4, &[], 2, 2, true),
    ];
    for (prev, leader_commit, entries, last, commit, taken) in rows {
        let mut follower = server(3, 2, &[1, 2]);
        let deeds = follower.hears(n(2), append(3, prev, entries, leader_commit));
        let row = format!("{entries:?} after {prev}, commit {leader_commit}");
        assert_eq!(hint(&deeds.answer()).is_none(), taken, "{row}");
        assert_eq!(follower.log().len() as u64, last, "{row}");
        assert_eq!(follower.commit(), commit, "{row}");
    }
}

/// etcd-io/raft, TestFollowerAppendEntries.
#[test]
fn a_log_is_cut_at_the_first_conflict_and_nowhere_else() {
    let rows: [(Position, &[u64], &[u64]); 4] = [
        (at(2, 2), &[3], &[1, 2, 3]),
        (at(1, 1), &[3, 4], &[1, 3, 4]),
        (at(0, 0), &[1], &[1, 2]),
        (at(0, 0), &[3], &[3]),
    ];
    for (prev, entries, result) in rows {
        let mut follower = server(3, 2, &[1, 2]);
        follower.hears(n(2), append(4, prev, entries, 0));
        assert_eq!(follower.log(), result, "{entries:?} after {prev}");
    }
}

/// etcd-io/raft, TestFollowerCheckMsgApp.
#[test]
fn a_follower_says_how_far_the_logs_match_or_could() {
    let rows = [
        // Below the commit: accepted as far as that reaches.
        (at(0, 0), accepted(3, 1, 1)),
        (at(1, 1), accepted(3, 1, 1)),
        (at(2, 2), accepted(3, 2, 1)),
        (at(2, 1), rejected(3, 2, at(1, 1), 1)),
        (at(3, 3), rejected(3, 3, at(2, 2), 1)),
    ];
    for (prev, answer) in rows {
        let mut follower = server(3, 3, &[1, 2]);
        follower.hears(n(2), append(3, at(1, 1), &[], 1));
        assert_eq!(follower.commit(), 1);
        let deeds = follower.hears(n(2), append(3, prev, &[], 1));
        assert_eq!(deeds.answer(), answer, "after {prev}");
    }
}

/// etcd-io/raft, TestFastLogRejection without its compacted row: leader's log, follower's log, the follower's hint, and
/// what the leader's next append follows.
const FAST_REJECTIONS: [(&[u64], &[u64], Position, Position); 8] = [
    (
        &[1, 2, 2, 4, 4, 4, 4],
        &[1, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3],
        at(7, 3),
        at(3, 2),
    ),
    (
        &[1, 2, 2, 3, 4, 4, 4, 5],
        &[1, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3],
        at(8, 3),
        at(4, 3),
    ),
    (&[1, 1, 1, 1], &[1, 2, 2, 4], at(1, 1), at(1, 1)),
    (&[1, 1, 1, 1, 1, 1], &[1, 2, 2, 4], at(1, 1), at(1, 1)),
    (&[1, 1, 1, 1], &[1, 2, 2, 4, 4, 4], at(1, 1), at(1, 1)),
    (&[1, 1, 1, 4, 5], &[1, 1, 1, 4], at(4, 4), at(4, 4)),
    (
        &[2, 5, 5, 5, 5, 5, 5, 5, 5],
        &[2, 4, 4, 4, 4, 4],
        at(6, 4),
        at(1, 2),
    ),
    (
        &[2, 2, 2, 2, 2],
        &[2, 4, 4, 4, 4, 4, 4, 4],
        at(1, 2),
        at(1, 2),
    ),
];

#[test]
fn a_follower_hints_at_the_latest_place_where_the_logs_could_meet() {
    for (leader, follower, hints, _) in FAST_REJECTIONS {
        let prev = log(leader).last();
        let mut server = server(2, 5, follower);
        let deeds = server.hears(n(2), append(6, prev, &[], 0));
        let row = format!("{leader:?} meets {follower:?}");
        assert_eq!(hint(&deeds.answer()), Some(hints), "{row}");
    }
}

#[test]
fn a_leader_skips_every_term_that_the_hint_rules_out() {
    for (log, follower, hints, meets) in FAST_REJECTIONS {
        let mut leader = leader(2, 6, log);
        let deeds = leader.hears(n(2), rejected(6, log.len() as u64, hints, 1));
        let Message::Append { prev, .. } = deeds.answer() else {
            panic!("the leader probes again")
        };
        assert_eq!(prev, meets, "{log:?} meets {follower:?}");
    }
}

/// etcd-io/raft, TestFindConflict: where the entries stand, and the index of the first that is new or in conflict.
#[test]
fn the_entries_that_are_there_already_are_kept() {
    let rows: [(u64, &[u64], Option<u64>); 11] = [
        (1, &[], None),
        (1, &[1, 2, 3], None),
        (2, &[2, 3], None),
        (3, &[3], None),
        (1, &[1, 2, 3, 4, 4], Some(4)),
        (2, &[2, 3, 4, 5], Some(4)),
        (3, &[3, 4, 4], Some(4)),
        (4, &[4, 4], Some(4)),
        (1, &[4, 4], Some(1)),
        (2, &[1, 4, 4], Some(2)),
        (3, &[1, 2, 4, 4], Some(3)),
    ];
    for (first, new, conflict) in rows {
        let mut log = log(&[1, 2, 3]);
        let appended = log.append(Index(first - 1), &entries(new), Index(0));
        let known = conflict.map_or(new.len() as u64, |conflict| conflict - first);
        let row = format!("{new:?} from {first}");
        assert_eq!(appended.known as u64, known, "{row}");
        assert_eq!(
            appended.truncated,
            conflict.is_some_and(|index| index <= 3),
            "{row}"
        );
        let kept = conflict.map_or(3, |conflict| conflict - 1) as usize;
        assert_eq!(terms(&log)[..kept], [1, 2, 3][..kept], "{row}");
        assert_eq!(terms(&log)[kept..], new[known as usize..], "{row}");
    }
}

/// What an append follows, what its leader has committed, the terms of its entries; how far it matches, if it is taken,
/// and what the follower has committed then.
type Matching = (Position, u64, &'static [u64], Option<u64>, u64);

/// etcd-io/raft, TestLogMaybeAppend: an append to the log [1, 2, 3], of which 1 is committed.
///
/// Two rows begin below the commit. There etcd's log answers that nothing new matches, and stops at a conflict; its
/// follower never lets it come to that and answers, as ours does, that what is committed matches.
#[test]
fn an_append_commits_no_further_than_it_reaches() {
    let rows: [Matching; 15] = [
        (at(3, 2), 3, &[4], None, 1),
        (at(4, 3), 3, &[4], None, 1),
        (at(3, 3), 3, &[], Some(3), 3),
        (at(3, 3), 4, &[], Some(3), 3),
        (at(3, 3), 2, &[], Some(3), 2),
        (at(3, 3), 0, &[], Some(3), 1),
        (at(0, 0), 3, &[], Some(1), 1),
        (at(3, 3), 3, &[4], Some(4), 3),
        (at(3, 3), 4, &[4], Some(4), 4),
        (at(3, 3), 5, &[4], Some(4), 4),
        (at(3, 3), 5, &[4, 4], Some(5), 5),
        (at(2, 2), 3, &[4], Some(3), 3),
        (at(1, 1), 3, &[4], Some(2), 2),
        (at(0, 0), 3, &[4], Some(1), 1),
        (at(1, 1), 3, &[4, 4], Some(3), 3),
    ];
    for (prev, leader_commit, entries, matches, commit) in rows {
        let mut follower = server(3, 4, &[1, 2, 3]);
        follower.hears(n(2), append(4, at(1, 1), &[], 1));
        let deeds = follower.hears(n(2), append(4, prev, entries, leader_commit));
        let row = format!("{entries:?} after {prev}, commit {leader_commit}");
        assert_eq!(matched(&deeds.answer()), matches, "{row}");
        assert_eq!(follower.commit(), commit, "{row}");
        assert_eq!(follower.log()[0], 1, "what is committed stays: {row}");
    }
}

/// The row of TestLogMaybeAppend that must stop, for the log alone.
#[test]
#[should_panic(expected = "entry 1 is committed and must not be removed")]
fn a_log_never_removes_what_is_committed() {
    log(&[1, 2, 3]).append(Index(0), &entries(&[4]), Index(1));
}

#[test]
fn a_log_may_remove_what_stands_right_behind_what_is_committed() {
    let mut log = log(&[1, 2, 3]);
    log.append(Index(1), &entries(&[4]), Index(1));
    assert_eq!(terms(&log), [1, 4]);
}

/// etcd-io/raft, TestFindConflictByTerm without its compacted rows.
///
/// Beyond its end etcd's log gives the question back, since nothing is known there; ours stays within itself.
#[test]
fn a_log_finds_its_newest_entry_that_is_no_newer_than_asked() {
    let rows = [
        (at(100, 2), at(2, 2)),
        (at(5, 6), at(5, 5)),
        (at(5, 5), at(5, 5)),
        (at(5, 4), at(2, 2)),
        (at(5, 2), at(2, 2)),
        (at(5, 1), at(0, 0)),
        (at(1, 2), at(1, 2)),
        (at(1, 1), at(0, 0)),
        (at(0, 0), at(0, 0)),
    ];
    let log = log(&[2, 2, 5, 5, 5]);
    for (limit, newest) in rows {
        assert_eq!(log.newest_at_most(limit), newest, "at most {limit}");
    }
}

/// Raft paper, figure 7; etcd-io/raft, TestLeaderSyncFollowerLog, whose `b` is one entry longer.
///
/// A follower's log, whether its owner grants its vote, and the two sides of the talk: the index that the leader's
/// append follows, and the hint with which it is rejected, or none.
struct Repair {
    log: &'static [u64],
    grants: bool,
    talk: &'static [(u64, Option<(u64, u64)>)],
}

const FIGURE_7: &[u64] = &[1, 1, 1, 4, 4, 5, 5, 6, 6, 6];

const REPAIRS: [Repair; 7] = [
    Repair {
        log: &[1, 1, 1, 4, 4, 5, 5, 6, 6],
        grants: true,
        talk: &[(10, Some((9, 6))), (9, None)],
    },
    Repair {
        log: &[1, 1, 1, 4],
        grants: true,
        talk: &[(10, Some((4, 4))), (4, None)],
    },
    Repair {
        log: &[1, 1, 1, 4, 4],
        grants: true,
        talk: &[(10, Some((5, 4))), (5, None)],
    },
    Repair {
        log: &[1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
        grants: false,
        talk: &[(10, None)],
    },
    Repair {
        log: &[1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
        grants: false,
        talk: &[(10, None)],
    },
    Repair {
        log: &[1, 1, 1, 4, 4, 4, 4],
        grants: true,
        talk: &[(10, Some((7, 4))), (5, None)],
    },
    Repair {
        log: &[1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
        grants: true,
        talk: &[(10, Some((10, 3))), (3, None)],
    },
];

/// The follower's side.
#[test]
fn every_follower_of_figure_7_is_repaired_within_two_probes() {
    let whole = [FIGURE_7, &[8, 8]].concat();
    for Repair { log, grants, talk } in REPAIRS {
        let mut follower = server(8, 7, log);
        let last = super::log(FIGURE_7).last();
        assert_eq!(
            self::grants(&mut follower, n(2), 8, last),
            grants,
            "{log:?}"
        );
        assert!(talk.len() <= 2, "{log:?}");
        for &(prev, expected) in talk {
            let index = prev as usize;
            let append = append(8, at(prev, whole[index - 1]), &whole[index..], 0);
            let answer = follower.hears(n(2), append).answer();
            assert_eq!(
                hint(&answer),
                expected.map(|(index, term)| at(index, term)),
                "{log:?}"
            );
            assert_eq!(matched(&answer), expected.is_none().then_some(12));
        }
        assert_eq!(follower.log(), whole, "{log:?}");
    }
}

/// The leader's side of the same talks.
#[test]
fn the_leader_of_figure_7_finds_every_meeting_point_within_two_probes() {
    let mut leader = leader(1 + REPAIRS.len() as u32, 8, FIGURE_7);
    for (follower, Repair { log, talk, .. }) in (2..).map(n).zip(REPAIRS) {
        let mut first = 10;
        for &(prev, expected) in talk {
            assert_eq!(prev, first, "{log:?}");
            let Some((index, term)) = expected else {
                leader.hears(follower, accepted(8, 11, 1));
                continue;
            };
            let deeds = leader.hears(follower, rejected(8, prev, at(index, term), 1));
            let Message::Append { prev, entries, .. } = deeds.answer() else {
                panic!("the leader probes again")
            };
            assert_eq!(prev.index.0 + entries.len() as u64, 11, "{log:?}");
            first = prev.index.0;
        }
    }
    leader.flushed(2);
    assert_eq!(leader.commit(), 11);
}
