//! The replicated log: a sequence of entries from index 1, and the arithmetic on it.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::kv;
use crate::process::Size;
use crate::{Life, NodeId};

/// A term of office: at most one leader each. Terms start at 1; 0 is before all of them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Term(pub u64);

/// A place in the log, from 1; 0 is the place before the first entry.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Index(pub u64);

/// A place in a log and the term of the entry there. Ordered as elections compare logs: by term, then by index
/// (Raft paper, section 5.4.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Position {
    /// The entry's term.
    pub term: Term,
    /// Where it stands.
    pub index: Index,
}

/// A client in one of its lives: what deduplicates its requests.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Session {
    /// Whose.
    pub client: NodeId,
    /// A restarted client is a new session.
    pub life: Life,
}

/// What an entry asks the state machine to do.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Command {
    /// Nothing: the entry with which a leader opens its term, so that it can commit what it inherited.
    Opening,
    /// A client's request; `seq` counts within the session, and each is executed once.
    Client {
        /// Whose.
        session: Session,
        /// Which of the session's requests.
        seq: u64,
        /// What.
        request: kv::Request,
    },
}

/// One entry of the log.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Entry {
    /// The term of the leader that made it.
    pub term: Term,
    /// What it asks for.
    pub command: Command,
}

/// Consecutive entries, shared by the messages and records that carry them. None cost nothing.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Entries(Option<Arc<[Entry]>>);

impl From<&[Entry]> for Entries {
    fn from(entries: &[Entry]) -> Entries {
        Entries((!entries.is_empty()).then(|| Arc::from(entries)))
    }
}

impl From<Vec<Entry>> for Entries {
    fn from(entries: Vec<Entry>) -> Entries {
        Entries::from(&entries[..])
    }
}

impl<const N: usize> From<[Entry; N]> for Entries {
    fn from(entries: [Entry; N]) -> Entries {
        Entries((N > 0).then(|| Arc::new(entries) as Arc<[Entry]>))
    }
}

impl FromIterator<Entry> for Entries {
    fn from_iter<I: IntoIterator<Item = Entry>>(entries: I) -> Entries {
        Entries::from(entries.into_iter().collect::<Vec<Entry>>())
    }
}

impl Deref for Entries {
    type Target = [Entry];

    fn deref(&self) -> &[Entry] {
        self.0.as_deref().unwrap_or_default()
    }
}

/// The log of one replica.
///
/// Invariant: terms never decrease along the log.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Log {
    entries: Vec<Entry>,
}

/// What an append did to a log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Appended {
    /// The last index that the append speaks of; the log matches the leader's up to here.
    pub matched: Index,
    /// How many of the given entries were there already.
    pub known: usize,
    /// Whether entries that conflicted were removed.
    pub truncated: bool,
}

impl Term {
    /// The term after this one.
    pub fn next(self) -> Term {
        Term(self.0 + 1)
    }
}

impl Index {
    /// The place after this one.
    pub fn next(self) -> Index {
        Index(self.0 + 1)
    }

    /// The place before this one; the place before the first entry stays itself.
    pub fn before(self) -> Index {
        Index(self.0.saturating_sub(1))
    }
}

impl Log {
    /// The last entry's position; the zero position if there is none.
    pub fn last(&self) -> Position {
        let term = self.entries.last().map_or(Term(0), |entry| entry.term);
        Position {
            term,
            index: Index(self.entries.len() as u64),
        }
    }

    /// The entry at an index.
    pub fn get(&self, index: Index) -> Option<&Entry> {
        self.entries.get((index.0 as usize).checked_sub(1)?)
    }

    /// The entry at an index, to be changed: for planted mistakes.
    pub(super) fn get_mut(&mut self, index: Index) -> Option<&mut Entry> {
        self.entries.get_mut((index.0 as usize).checked_sub(1)?)
    }

    /// The term of the entry at an index; term 0 before the first entry; none beyond the last.
    pub fn term_at(&self, index: Index) -> Option<Term> {
        if index == Index(0) {
            Some(Term(0))
        } else {
            self.get(index).map(|entry| entry.term)
        }
    }

    /// The position at an index that the log reaches.
    pub fn position(&self, index: Index) -> Option<Position> {
        Some(Position {
            term: self.term_at(index)?,
            index,
        })
    }

    /// Whether the log has that entry, by index and term.
    pub fn contains(&self, position: Position) -> bool {
        self.term_at(position.index) == Some(position.term)
    }

    /// The entries from `first` on, at most `limit` of them.
    pub fn slice(&self, first: Index, limit: usize) -> &[Entry] {
        let start = (first.before().0 as usize).min(self.entries.len());
        let end = start.saturating_add(limit).min(self.entries.len());
        &self.entries[start..end]
    }

    /// Adds an entry at the end.
    pub fn push(&mut self, entry: Entry) -> Index {
        assert!(
            entry.term >= self.last().term,
            "terms never decrease along a log"
        );
        self.entries.push(entry);
        self.last().index
    }

    /// Takes the last entry off: for planted mistakes.
    pub(super) fn pop(&mut self) -> Option<Entry> {
        self.entries.pop()
    }

    /// Adds the entries that follow `prev`, which the log must contain, removing what conflicts.
    ///
    /// Truncates only at the first conflicting index, never because the entries end early: a delayed, shorter append
    /// must not take back what a later one brought.
    ///
    /// # Panics
    /// If it would remove an entry at or below `commit`.
    pub fn append(&mut self, prev: Index, entries: &[Entry], commit: Index) -> Appended {
        assert!(
            prev <= self.last().index,
            "the caller has checked that the log contains `prev`"
        );
        let start = prev.0 as usize;
        let known = self.entries[start..]
            .iter()
            .zip(entries)
            .take_while(|(mine, new)| mine.term == new.term)
            .count();
        let keep = start + known;
        let truncated = known < entries.len() && keep < self.entries.len();
        if truncated {
            assert!(
                keep as u64 >= commit.0,
                "entry {} is committed and must not be removed",
                keep + 1
            );
            self.entries.truncate(keep);
        }
        if known < entries.len() {
            self.entries.extend_from_slice(&entries[known..]);
        }
        Appended {
            matched: Index((start + entries.len()) as u64),
            known,
            truncated,
        }
    }

    /// The newest position at or before `limit`'s index whose term is at most `limit`'s: where two logs that differ
    /// at `limit` could agree at the latest. Both sides of a rejected append use it, so that one probe skips a term.
    pub fn newest_at_most(&self, limit: Position) -> Position {
        let mut index = limit.index.min(self.last().index);
        while index > Index(0) && self.entries[index.0 as usize - 1].term > limit.term {
            index = index.before();
        }
        let term = if index == Index(0) {
            Term(0)
        } else {
            self.entries[index.0 as usize - 1].term
        };
        Position { term, index }
    }
}

impl Size for Entry {
    fn size(&self) -> usize {
        8 + match &self.command {
            Command::Opening => 1,
            Command::Client { request, .. } => 17 + request.size(),
        }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Display for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// What it asks for, and of which term: `c1/3 put k7=v72 of term 1`.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of term {}", self.command, self.term)
    }
}

/// Index and term: `7@2`.
impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.index, self.term)
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Command::Opening => f.write_str("opening"),
            Command::Client {
                session,
                seq,
                request,
            } => write!(f, "{}/{seq} {request}", session.client),
        }
    }
}
