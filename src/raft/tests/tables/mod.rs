//! The tables with which etcd's raft, hashicorp's raft and openraft test themselves, played by one server each.
//!
//! A log is written as the terms of its entries, from index 1. Rows that concern snapshots, pre-votes and changes of
//! membership are left out: none of these exists here.

use super::*;

mod appends;
mod commits;
mod votes;

/// Whether `n1` grants its vote.
fn grants(voter: &mut Solo<Server>, from: NodeId, term: u64, last: Position) -> bool {
    match voter.hears(from, request_vote(term, last)).answer() {
        Message::Vote { granted, .. } => granted,
        other => panic!("a vote was asked for, the answer is: {other}"),
    }
}
