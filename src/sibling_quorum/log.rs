//! The log of a group: what its main was told to do, in order, from the place where this copy of it begins.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::request::Request;
use crate::process::Size;
use crate::{Life, NodeId, Time};

/// One main's time: given out by the location controllers, each greater than the last. Epochs start at 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Epoch(pub u64);

/// A place in a group's log, from 1; 0 is the place before the first entry.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Seq(pub u64);

/// A place in a log and the epoch of the entry there. Ordered as logs are compared before a promotion: by epoch, then by
/// length.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Position {
    /// The entry's epoch.
    pub epoch: Epoch,
    /// Where it stands.
    pub seq: Seq,
}

/// Which update it is, however often it is sent and to whomever: its user, in one of its lives, counts them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct UpdateId {
    /// Whose.
    pub client: NodeId,
    /// A restarted user is a new sender.
    pub life: Life,
    /// Which of the sender's, from 1.
    pub number: u64,
}

/// What an entry asks for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Command {
    /// Nothing: the record with which a main opens its epoch, so that it can accept what it inherited.
    Opening,
    /// A user's update.
    Update {
        /// Which.
        id: UpdateId,
        /// What.
        request: Request,
        /// The main's wall clock when it logged the update: what commands know of time, they know from here.
        at: Time,
    },
}

/// One entry.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Entry {
    /// The epoch of the main that logged it.
    pub epoch: Epoch,
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

impl<const N: usize> From<[Entry; N]> for Entries {
    fn from(entries: [Entry; N]) -> Entries {
        Entries((N > 0).then(|| Arc::new(entries) as Arc<[Entry]>))
    }
}

impl Entries {
    /// All but so many of the first: the same, if those are none.
    pub(super) fn behind(&self, known: usize) -> Entries {
        match known {
            0 => self.clone(),
            known => Entries::from(&self[known..]),
        }
    }
}

impl Deref for Entries {
    type Target = [Entry];

    fn deref(&self) -> &[Entry] {
        self.0.as_deref().unwrap_or_default()
    }
}

/// One copy of a group's log. What stands at and before its base is not in it any more, or never was: the resources were
/// copied as of there.
///
/// Invariant: epochs never decrease along the log.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Log {
    base: Position,
    entries: Vec<Entry>,
}

/// What an append did to a log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Appended {
    /// How many of the given entries were there already.
    pub known: usize,
    /// From where on entries that conflicted were removed.
    pub truncated: Option<Seq>,
}

impl Epoch {
    /// The epoch after this one.
    pub fn next(self) -> Epoch {
        Epoch(self.0 + 1)
    }
}

impl Seq {
    /// The place after this one.
    pub fn next(self) -> Seq {
        Seq(self.0 + 1)
    }

    /// The place before this one; the place before the first entry stays itself.
    pub fn before(self) -> Seq {
        Seq(self.0.saturating_sub(1))
    }
}

impl Log {
    /// An empty log behind that place.
    pub fn behind(base: Position) -> Log {
        Log {
            base,
            entries: Vec::new(),
        }
    }

    /// Where it begins: before its first entry.
    pub fn base(&self) -> Position {
        self.base
    }

    /// Where it ends.
    pub fn last(&self) -> Position {
        match self.entries.last() {
            Some(entry) => Position {
                epoch: entry.epoch,
                seq: Seq(self.base.seq.0 + self.entries.len() as u64),
            },
            None => self.base,
        }
    }

    /// The entry at a place.
    pub fn get(&self, seq: Seq) -> Option<&Entry> {
        self.entries.get(self.offset(seq)?.checked_sub(1)?)
    }

    /// The entry at a place, to be changed: for planted mistakes.
    pub(super) fn get_mut(&mut self, seq: Seq) -> Option<&mut Entry> {
        let place = self.offset(seq)?.checked_sub(1)?;
        self.entries.get_mut(place)
    }

    /// The epoch at a place; none before its base and beyond its end.
    pub fn epoch_at(&self, seq: Seq) -> Option<Epoch> {
        if seq == self.base.seq {
            Some(self.base.epoch)
        } else {
            self.get(seq).map(|entry| entry.epoch)
        }
    }

    /// The position at a place that the log knows.
    pub fn position(&self, seq: Seq) -> Option<Position> {
        Some(Position {
            epoch: self.epoch_at(seq)?,
            seq,
        })
    }

    /// Whether it has that place in that epoch.
    pub fn contains(&self, position: Position) -> bool {
        self.epoch_at(position.seq) == Some(position.epoch)
    }

    /// The entries from `first` on, at most `limit` of them.
    pub fn slice(&self, first: Seq, limit: usize) -> &[Entry] {
        let start = self.offset(first.before()).unwrap_or(0);
        let start = start.min(self.entries.len());
        let end = start.saturating_add(limit).min(self.entries.len());
        &self.entries[start..end]
    }

    /// Adds an entry at the end, and says where it stands.
    pub fn push(&mut self, entry: Entry) -> Seq {
        assert!(
            entry.epoch >= self.last().epoch,
            "epochs never decrease along a log"
        );
        self.entries.push(entry);
        self.last().seq
    }

    /// Adds entries that follow `prev`, removing what conflicts with them.
    ///
    /// Cuts only where there is a real conflict, never because the entries end early: a delayed, shorter message must not
    /// take back what a later one brought.
    ///
    /// # Panics
    /// If the log does not reach from its base to `prev`.
    pub fn append(&mut self, prev: Seq, entries: &[Entry]) -> Appended {
        let start = self.offset(prev).expect("the base is not behind `prev`");
        assert!(start <= self.entries.len(), "the log reaches `prev`");
        let known = self.entries[start..]
            .iter()
            .zip(entries)
            .take_while(|(mine, new)| mine.epoch == new.epoch)
            .count();
        let keep = start + known;
        let conflicts = known < entries.len() && keep < self.entries.len();
        if conflicts {
            self.entries.truncate(keep);
        }
        self.entries.extend_from_slice(&entries[known..]);
        Appended {
            known,
            truncated: conflicts.then(|| Seq(self.base.seq.0 + keep as u64 + 1)),
        }
    }

    /// Removes everything behind that place.
    pub fn cut(&mut self, last: Seq) {
        let keep = last.0.saturating_sub(self.base.seq.0) as usize;
        self.entries.truncate(keep);
    }

    /// The newest place that is not newer than that position, by epoch and by length: where two logs could agree at the
    /// latest. At least the base, which is agreed upon.
    pub fn newest_at_most(&self, position: Position) -> Position {
        let reach = position.seq.0.saturating_sub(self.base.seq.0) as usize;
        let until = &self.entries[..reach.min(self.entries.len())];
        let length = until.partition_point(|entry| entry.epoch <= position.epoch);
        let seq = Seq(self.base.seq.0 + length as u64);
        self.position(seq).unwrap_or(self.base)
    }

    /// How far behind the base a place is; none if it is before it.
    fn offset(&self, seq: Seq) -> Option<usize> {
        seq.0
            .checked_sub(self.base.seq.0)
            .map(|offset| offset as usize)
    }
}

impl Size for Entry {
    fn size(&self) -> usize {
        match &self.command {
            Command::Opening => 8,
            Command::Update { request, .. } => 8 + 24 + request.size(),
        }
    }
}

impl Size for Entries {
    fn size(&self) -> usize {
        self.iter().map(Size::size).sum()
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Place and epoch: `17@3`.
impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.seq, self.epoch)
    }
}

impl fmt::Display for UpdateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.client, self.number)
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Command::Opening => f.write_str("opening"),
            Command::Update { id, request, .. } => write!(f, "{id} {request}"),
        }
    }
}

/// The commands, `; ` between them.
impl fmt::Display for Entries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("nothing");
        }
        for (place, entry) in self.iter().enumerate() {
            let separator = if place == 0 { "" } else { "; " };
            write!(f, "{separator}{}", entry.command)?;
        }
        Ok(())
    }
}
