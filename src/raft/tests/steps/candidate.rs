//! What a candidate does.

use super::*;

#[test]
fn a_candidate_persists_its_own_vote_before_asking_for_others() {
    let mut candidate = server(3, 1, &[1, 1]);
    candidate.fires(Timer::Election).shows(
        "note campaigns, term 2
         arm Election within 150ms..300ms
         write term 2, vote for n1
         flush
         send n2: request_vote term 2, log ends 2@1
         send n3: request_vote term 2, log ends 2@1",
    );
}

#[test]
fn a_candidate_that_nobody_answers_stands_again_in_the_next_term() {
    let mut candidate = server(2, 1, &[]);
    candidate.fires(Timer::Election);
    candidate.fires(Timer::Election).shows(
        "note campaigns, term 3
         arm Election within 150ms..300ms
         write term 3, vote for n1
         flush
         send n2: request_vote term 3, log ends 0@0",
    );
    candidate.flushed(1).shows("");
    candidate.hears(n(2), vote(2, true)).shows("");
    candidate.flushed(2).shows("");
    assert_eq!(candidate.role(), "candidate");
}

#[test]
fn a_candidate_counts_its_own_vote_only_when_it_is_durable() {
    let mut candidate = server(3, 0, &[]);
    candidate.fires(Timer::Election);
    candidate.hears(n(2), vote(1, true)).shows("");
    candidate.flushed(1).shows(
        "note leads, term 1
         disarm Election
         arm Heartbeat within 50ms
         arm CheckQuorum within 300ms
         write entries from 1: opening of term 1
         flush
         send n2 past flush: append term 1, after 0@0: opening, commit 0, round 1
         send n3 past flush: append term 1, after 0@0: opening, commit 0, round 1",
    );
}

#[test]
fn a_vote_that_arrives_twice_counts_once() {
    let mut candidate = server(5, 0, &[]);
    candidate.fires(Timer::Election);
    candidate.flushed(1);
    candidate.hears(n(2), vote(1, true)).shows("");
    candidate.hears(n(2), vote(1, true)).shows("");
    for refusal in [n(3), n(3), n(4), n(4)] {
        candidate.hears(refusal, vote(1, false)).shows("");
    }
    candidate
        .hears(n(5), vote(1, false))
        .shows("note loses the election, term 1");
}

/// etcd-io/raft, TestSelfVoteAfterLostElection.
#[test]
fn a_candidate_follows_a_leader_of_its_own_term() {
    let mut candidate = server(3, 0, &[]);
    candidate.fires(Timer::Election);
    candidate.hears(n(2), append(1, at(0, 0), &[], 0)).shows(
        "arm Election within 150ms..300ms
         send n2: accepted term 1, matched 0, round 1",
    );
    candidate.hears(n(3), vote(1, true)).shows("");
    candidate.flushed(1).shows("");
    assert_eq!(candidate.role(), "follower");
}

#[test]
fn a_refusal_of_a_newer_term_is_persisted() {
    let mut candidate = server(3, 0, &[]);
    candidate.fires(Timer::Election);
    candidate.hears(n(2), vote(5, false)).shows(
        "write term 5, no vote
         flush",
    );
    assert_eq!(candidate.role(), "follower");
}
