//! One process, one step, its outbox as text.
//!
//! In reading order: [`steps`], what each role does with one input; [`tables`], the cases with which other
//! implementations test themselves; [`laws`], where something clever must equal something dumb.
//!
//! The process on stage is always `n1`, or `c1`; everyone else is only a name on a message.

use super::log::{Command, Entries, Entry, Index, Log, Position, Term};
use super::state::{Unfit, recover};
use super::{Message, Options, Raft, Record, Server, Standing, Timer};
use crate::kv::{Key, Request, Value};
use crate::outbox::Effect;
use crate::process::{Damage, DiskError, Input, Process};
use crate::solo::Solo;
use crate::{Life, NodeId, Outbox, Ticket};

mod laws;
mod steps;
mod tables;

type Deeds = crate::solo::Deeds<Raft>;

impl Solo<Server> {
    fn log(&self) -> Vec<u64> {
        terms(&self.process.durable.log)
    }

    fn commit(&self) -> u64 {
        self.process.commit.0
    }

    fn role(&self) -> &'static str {
        self.process.role().unwrap().name
    }
}

/// `n1` of so many servers, a follower that knows no leader, with this term and these terms in its log.
fn server(servers: u32, term: u64, log: &[u64]) -> Solo<Server> {
    let disk = [Ok(ballot(term, None)), Ok(record(1, log))];
    let (server, _) = Solo::boot(n(1), servers, Options::default(), &disk);
    server
}

/// `n1` of so many servers, elected leader of the term with an inherited log.
///
/// The flush of its vote had ticket 1; that of its opening, behind the inherited entries, has ticket 2; those of what
/// it is asked to log then follow.
fn leader(servers: u32, term: u64, inherited: &[u64]) -> Solo<Server> {
    elect(server(servers, term - 1, inherited), servers, term)
}

fn elect(mut server: Solo<Server>, servers: u32, term: u64) -> Solo<Server> {
    server.fires(Timer::Election);
    server.flushed(1);
    for voter in 2..=servers / 2 + 1 {
        server.hears(n(voter), vote(term, true));
    }
    assert!(matches!(server.process.standing, Standing::Leader(_)));
    server
}

/// A leader of term 1 of so many servers whose opening is committed, and accepted by everyone in round 1.
fn settled_leader(servers: u32) -> Solo<Server> {
    settled_leader_with(servers, Options::default())
}

fn settled_leader_with(servers: u32, options: Options) -> Solo<Server> {
    let (server, _) = Solo::boot(n(1), servers, options, &[]);
    let mut leader = elect(server, servers, 1);
    leader.flushed(2);
    for follower in 2..=servers {
        leader.hears(n(follower), accepted(1, 1, 1));
    }
    assert_eq!(leader.commit(), 1);
    leader
}

fn n(number: u32) -> NodeId {
    NodeId::server(number)
}

fn c(number: u32) -> NodeId {
    NodeId::client(number)
}

/// A position as it is printed: `at(7, 2)` is 7@2.
const fn at(index: u64, term: u64) -> Position {
    Position {
        term: Term(term),
        index: Index(index),
    }
}

/// Entries of these terms that ask for nothing.
fn entries(terms: &[u64]) -> Entries {
    let opening = |term: &u64| Entry {
        term: Term(*term),
        command: Command::Opening,
    };
    terms.iter().map(opening).collect()
}

fn terms(log: &Log) -> Vec<u64> {
    let entries = log.slice(Index(1), usize::MAX).iter();
    entries.map(|entry| entry.term.0).collect()
}

fn log(terms: &[u64]) -> Log {
    let mut log = Log::default();
    log.append(Index(0), &entries(terms), Index(0));
    log
}

fn ballot(term: u64, vote: Option<NodeId>) -> Record {
    Record::Ballot {
        term: Term(term),
        vote,
    }
}

fn record(first: u64, terms: &[u64]) -> Record {
    Record::Entries {
        first: Index(first),
        entries: entries(terms),
    }
}

fn request_vote(term: u64, last: Position) -> Message {
    let term = Term(term);
    Message::RequestVote { term, last }
}

fn vote(term: u64, granted: bool) -> Message {
    let term = Term(term);
    Message::Vote { term, granted }
}

/// An append of round 1.
fn append(term: u64, prev: Position, terms: &[u64], commit: u64) -> Message {
    Message::Append {
        term: Term(term),
        prev,
        entries: entries(terms),
        commit: Index(commit),
        round: 1,
    }
}

fn accepted(term: u64, matched: u64, round: u64) -> Message {
    Message::Accepted {
        term: Term(term),
        matched: Index(matched),
        round,
    }
}

fn rejected(term: u64, prev: u64, hint: Position, round: u64) -> Message {
    Message::Rejected {
        term: Term(term),
        prev: Index(prev),
        hint,
        round,
    }
}

fn ask(seq: u64, request: Request) -> Message {
    let life = Life(0);
    Message::Ask { life, seq, request }
}

fn get(key: u32) -> Request {
    Request::Get(Key(key))
}

fn put(key: u32, name: u64) -> Request {
    let value = Value { name, bytes: 8 };
    Request::Put(Key(key), value)
}
