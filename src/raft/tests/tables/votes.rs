//! Who is elected.

use super::*;

/// etcd-io/raft, TestLeaderElectionInOneRoundRPC.
#[test]
fn an_election_is_decided_in_one_round_of_votes() {
    let rows: [(u32, &[u32], &[u32], &str); 13] = [
        (1, &[], &[], "leader"),
        (3, &[2, 3], &[], "leader"),
        (3, &[2], &[], "leader"),
        (5, &[2, 3, 4, 5], &[], "leader"),
        (5, &[2, 3, 4], &[], "leader"),
        (5, &[2, 3], &[], "leader"),
        (3, &[], &[2, 3], "follower"),
        (5, &[], &[2, 3, 4, 5], "follower"),
        (5, &[2], &[3, 4, 5], "follower"),
        (3, &[], &[], "candidate"),
        (5, &[2], &[], "candidate"),
        (5, &[], &[2, 3], "candidate"),
        (5, &[], &[], "candidate"),
    ];
    for (servers, granting, refusing, role) in rows {
        let mut candidate = server(servers, 0, &[]);
        candidate.fires(Timer::Election);
        candidate.flushed(1);
        for &voter in granting {
            candidate.hears(n(voter), vote(1, true));
        }
        for &voter in refusing {
            candidate.hears(n(voter), vote(1, false));
        }
        let row = format!("{servers} servers, {granting:?} grant, {refusing:?} refuse");
        assert_eq!(candidate.role(), role, "{row}");
        assert_eq!(candidate.process.durable.term, Term(1), "{row}");
    }
}

/// etcd-io/raft, TestFollowerVote.
#[test]
fn a_vote_is_given_once_a_term() {
    let rows = [
        (None, 2, true),
        (None, 3, true),
        (Some(2), 2, true),
        (Some(3), 3, true),
        (Some(2), 3, false),
        (Some(3), 2, false),
    ];
    for (voted, candidate, granted) in rows {
        let disk = [Ok(ballot(1, voted.map(n)))];
        let (mut voter, _) = Solo::boot(n(1), 3, Options::default(), &disk);
        let row = format!("voted for {voted:?}, n{candidate} asks");
        assert_eq!(
            grants(&mut voter, n(candidate), 1, at(0, 0)),
            granted,
            "{row}"
        );
    }
}

/// etcd-io/raft, TestVoter.
#[test]
fn a_vote_goes_to_a_log_that_is_at_least_as_up_to_date() {
    let rows: [(&[u64], Position, bool); 10] = [
        (&[1], at(1, 1), true),
        (&[1], at(2, 1), true),
        (&[1, 1], at(1, 1), false),
        (&[1], at(1, 2), true),
        (&[1], at(2, 2), true),
        (&[1, 1], at(1, 2), true),
        (&[2], at(1, 1), false),
        (&[2], at(2, 1), false),
        (&[2, 2], at(1, 1), false),
        (&[1, 1], at(1, 1), false),
    ];
    for (log, last, granted) in rows {
        let mut voter = server(2, 2, log);
        assert_eq!(
            grants(&mut voter, n(2), 3, last),
            granted,
            "{log:?}, candidate {last}"
        );
    }
}

/// etcd-io/raft, TestIsUpToDate.
#[test]
fn the_term_of_the_last_entry_weighs_more_than_the_length() {
    let rows = [
        (at(2, 4), true),
        (at(3, 4), true),
        (at(4, 4), true),
        (at(2, 2), false),
        (at(3, 2), false),
        (at(4, 2), false),
        (at(2, 3), false),
        (at(3, 3), true),
        (at(4, 3), true),
    ];
    for (last, granted) in rows {
        let mut voter = server(2, 4, &[1, 2, 3]);
        assert_eq!(
            grants(&mut voter, n(2), 5, last),
            granted,
            "candidate {last}"
        );
    }
}

/// etcd-io/raft, TestRecvMsgVote: the request is of the receiver's own term.
#[test]
fn a_vote_within_the_term_depends_on_the_log_and_on_the_vote_already_given() {
    let rows = [
        (at(0, 0), None, false),
        (at(1, 0), None, false),
        (at(2, 0), None, false),
        (at(3, 0), None, false),
        (at(0, 1), None, false),
        (at(1, 1), None, false),
        (at(2, 1), None, false),
        (at(3, 1), None, false),
        (at(0, 2), None, false),
        (at(1, 2), None, false),
        (at(2, 2), None, true),
        (at(3, 2), None, true),
        (at(0, 3), None, true),
        (at(1, 3), None, true),
        (at(2, 3), None, true),
        (at(3, 3), None, true),
        (at(3, 2), Some(2), true),
        (at(3, 2), Some(1), false),
    ];
    for (last, voted, granted) in rows {
        let disk = [Ok(ballot(3, voted.map(n))), Ok(record(1, &[2, 2]))];
        let (mut voter, _) = Solo::boot(n(1), 2, Options::default(), &disk);
        let row = format!("candidate {last}, voted for {voted:?}");
        assert_eq!(grants(&mut voter, n(2), 3, last), granted, "{row}");
    }

    let mut candidate = server(3, 2, &[2, 2]);
    candidate.fires(Timer::Election);
    assert!(!grants(&mut candidate, n(2), 3, at(3, 3)));
    assert_eq!(candidate.role(), "candidate");

    let mut leader = leader(3, 3, &[2, 2]);
    assert!(!grants(&mut leader, n(2), 3, at(3, 3)));
    assert_eq!(leader.role(), "leader");
}
