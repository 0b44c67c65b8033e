//! What survives a crash and what does not.

use std::collections::BTreeMap;
use std::fmt;

use super::log::{Command, Entries, Entry, Index, Log, Session, Term};
use crate::NodeId;
use crate::kv::{Key, Request, Response, Revision, Value};
use crate::process::{Damage, Size};

/// What survives a crash, once flushed: the term, the vote cast in it, and the log.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Durable {
    /// The newest term this replica has heard of. Invariant: never decreases.
    pub term: Term,
    /// Whom it voted for in that term. Invariant: set at most once a term.
    pub vote: Option<NodeId>,
    /// Its log.
    pub log: Log,
}

/// One durable write.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Record {
    /// Whose disk this is: it was formatted with it, and is never without it unless it was wiped.
    Identity(NodeId),
    /// The term, and the vote cast in it.
    Ballot {
        /// The term.
        term: Term,
        /// The vote.
        vote: Option<NodeId>,
    },
    /// Entries from `first` on: the first of them is new to the log, and what the log had at and behind it is gone.
    Entries {
        /// Where the first of them stands.
        first: Index,
        /// The entries.
        entries: Entries,
    },
}

/// Why a server cannot go on from what it finds on its disk: what it once promised is lost, and it must not vote or
/// acknowledge as if it remembered. With one server of overlap between majorities, a single forgetful voter loses data.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Unfit {
    /// Its identity is not there.
    Wiped,
    /// A record cannot be read any more, or is missing.
    Rotten,
}

/// Rebuilds what was durable from the records on disk.
///
/// A torn record is the write that the crash cut short: nothing that left this node rests on it, so the log simply ends
/// before it.
///
/// # Errors
/// If the disk was wiped, or a record is rotten.
pub fn recover(disk: &[Result<Record, Damage>]) -> Result<Durable, Unfit> {
    let mut durable = Durable::default();
    if !matches!(
        disk.first(),
        Some(Ok(Record::Identity(_)) | Err(Damage::Rotten))
    ) {
        return Err(Unfit::Wiped);
    }
    for record in disk {
        match record {
            Ok(Record::Identity(_)) => {}
            Ok(Record::Ballot { term, vote }) => (durable.term, durable.vote) = (*term, *vote),
            // A hole: a flush had failed, and somebody went on.
            Ok(Record::Entries { first, .. }) if *first > durable.log.last().index.next() => {
                return Err(Unfit::Rotten);
            }
            Ok(Record::Entries { first, entries }) => {
                durable.log.append(first.before(), entries, Index(0));
            }
            Err(Damage::Torn) => break,
            Err(Damage::Rotten) => return Err(Unfit::Rotten),
        }
    }
    Ok(durable)
}

/// The smallest number that is more than half.
pub fn majority(members: usize) -> usize {
    members / 2 + 1
}

/// The largest value that a majority has reached, given what each member has. Sorts its argument.
pub fn quorum_index<T: Ord + Copy>(reached: &mut [T]) -> T {
    reached.sort_unstable();
    reached[reached.len() - majority(reached.len())]
}

/// The replicated state machine: the pairs, and the last answer of every session.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Machine {
    pairs: BTreeMap<Key, (Option<Value>, Revision)>,
    sessions: BTreeMap<Session, (u64, Response)>,
}

impl Machine {
    /// Executes an entry, once per session and sequence number.
    ///
    /// Gives the answer to a client's request, also when it was executed before; none for a request that a later one of
    /// its session has overtaken, since nobody waits for that any more.
    pub fn apply(&mut self, index: Index, entry: &Entry) -> Option<(Session, u64, Response)> {
        let Command::Client {
            session,
            seq,
            request,
        } = entry.command
        else {
            return None;
        };
        if let Some((last, response)) = self.sessions.get(&session)
            && *last >= seq
        {
            return (*last == seq).then_some((session, seq, *response));
        }
        let response = self.execute(Revision(index.0), request);
        self.sessions.insert(session, (seq, response));
        Some((session, seq, response))
    }

    fn execute(&mut self, revision: Revision, request: Request) -> Response {
        match request {
            Request::Get(key) => self.get(key),
            Request::Put(key, value) => self.set(key, Some(value), revision),
            Request::Delete(key) => self.set(key, None, revision),
            Request::Cas(key, expect, value) => match self.get(key) {
                Response::Found(found, _) if found == expect => {
                    self.set(key, Some(value), revision)
                }
                found => found,
            },
        }
    }

    fn set(&mut self, key: Key, value: Option<Value>, revision: Revision) -> Response {
        self.pairs.insert(key, (value, revision));
        Response::Written(revision)
    }

    /// What a key holds.
    pub fn get(&self, key: Key) -> Response {
        let (value, revision) = self.pairs.get(&key).copied().unwrap_or_default();
        Response::Found(value, revision)
    }

    /// The cached answer to a session's request, if that was its last.
    pub fn answered(&self, session: Session, seq: u64) -> Option<Response> {
        self.sessions
            .get(&session)
            .filter(|(last, _)| *last == seq)
            .map(|(_, response)| *response)
    }

    /// Forgets who asked what: for planted mistakes.
    pub(super) fn forget_sessions(&mut self) {
        self.sessions.clear();
    }
}

impl Size for Record {
    fn size(&self) -> usize {
        match self {
            Record::Identity(_) => 8,
            Record::Ballot { .. } => 16,
            Record::Entries { entries, .. } => 16 + entries.iter().map(Size::size).sum::<usize>(),
        }
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Record::Identity(me) => write!(f, "identity of {me}"),
            Record::Ballot {
                term,
                vote: Some(vote),
            } => write!(f, "term {term}, vote for {vote}"),
            Record::Ballot { term, vote: None } => write!(f, "term {term}, no vote"),
            Record::Entries { first, entries } => {
                let entries: Vec<String> = entries.iter().map(Entry::to_string).collect();
                write!(f, "entries from {first}: {}", entries.join("; "))
            }
        }
    }
}
