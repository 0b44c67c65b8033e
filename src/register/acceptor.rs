//! The acceptor: what it has promised and what it holds, and when it promises and accepts.

use std::fmt;
use std::sync::Arc;

use super::ballot::Ballot;
use super::held::Held;
use crate::process::Size;

/// What one member of a register has promised and accepted: all of it is durable before anyone hears of it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Acceptor<V> {
    /// It takes part in nothing below. Invariant: never decreases, and is at least `accepted`.
    pub promised: Ballot,
    /// The highest ballot with which it accepted anything. Invariant: never decreases.
    pub accepted: Ballot,
    /// What it accepted with that.
    pub held: Arc<Held<V>>,
}

/// One durable write.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Record<V> {
    /// Nothing below this ballot will be accepted.
    Promised(Ballot),
    /// This was accepted, with this ballot; which promises the ballot too.
    Accepted(Ballot, Arc<Held<V>>),
}

/// What an acceptor makes of what a proposer wants.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Consent {
    /// It agrees, and has to write that down before it says so.
    New,
    /// It has agreed before.
    Again,
    /// It has promised this higher ballot.
    Refused(Ballot),
    /// The proposer is past asking: the question is late.
    Late,
}

impl<V> Acceptor<V> {
    /// One who has promised nothing and holds what the register was formatted with.
    pub fn new(held: Held<V>) -> Acceptor<V> {
        Acceptor {
            promised: Ballot::ZERO,
            accepted: Ballot::ZERO,
            held: Arc::new(held),
        }
    }

    /// Takes over a record that was found on disk; the oldest comes first.
    pub fn recover(&mut self, record: &Record<V>) {
        match record {
            Record::Promised(ballot) => self.promised = self.promised.max(*ballot),
            Record::Accepted(ballot, held) => {
                self.promised = self.promised.max(*ballot);
                (self.accepted, self.held) = (*ballot, Arc::clone(held));
            }
        }
    }

    /// Is asked for a promise.
    pub fn prepare(&mut self, ballot: Ballot) -> Consent {
        if ballot < self.promised {
            return Consent::Refused(self.promised);
        }
        if ballot == self.accepted {
            return Consent::Late;
        }
        if ballot == self.promised {
            return Consent::Again;
        }
        self.promised = ballot;
        Consent::New
    }

    /// Is asked to hold something.
    pub fn accept(&mut self, ballot: Ballot, held: &Arc<Held<V>>) -> Consent {
        // That it accepted this ballot stays true, whatever it has promised since.
        if ballot == self.accepted {
            return Consent::Again;
        }
        if ballot < self.promised {
            return Consent::Refused(self.promised);
        }
        self.promised = ballot;
        (self.accepted, self.held) = (ballot, Arc::clone(held));
        Consent::New
    }
}

impl<V: Size> Size for Record<V> {
    fn size(&self) -> usize {
        match self {
            Record::Promised(_) => 16,
            Record::Accepted(_, held) => 16 + held.size(),
        }
    }
}

impl<V: fmt::Display> fmt::Display for Record<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Record::Promised(ballot) => write!(f, "promised {ballot}"),
            Record::Accepted(ballot, held) => write!(f, "accepted {ballot}: {held}"),
        }
    }
}
