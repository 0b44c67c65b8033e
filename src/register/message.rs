//! What the members of a register say to each other.

use std::fmt;
use std::sync::Arc;

use super::ballot::Ballot;
use super::held::Held;
use crate::process::{Kinds, Size};

/// Everything that travels between the members of one register.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Message<V> {
    /// Proposer to all others: promise to take part in nothing below this ballot, and tell what you have accepted.
    Prepare {
        /// Its ballot.
        ballot: Ballot,
    },
    /// Acceptor to proposer: that is promised, on disk.
    Promise {
        /// The proposer's ballot.
        ballot: Ballot,
        /// The highest ballot with which the acceptor has accepted anything; [`Ballot::ZERO`] if it never has.
        accepted: Ballot,
        /// What it accepted with that.
        held: Arc<Held<V>>,
    },
    /// Proposer to all others: hold this.
    Accept {
        /// Its ballot, which a majority has promised.
        ballot: Ballot,
        /// What to hold.
        held: Arc<Held<V>>,
    },
    /// Acceptor to proposer: that is held, on disk.
    Accepted {
        /// The proposer's ballot.
        ballot: Ballot,
    },
    /// Acceptor to proposer: a higher ballot is promised.
    Refused {
        /// The proposer's ballot.
        ballot: Ballot,
        /// The higher one.
        promised: Ballot,
    },
}

impl<V> Kinds for Message<V> {
    const KINDS: &'static [&'static str] = &["prepare", "promise", "accept", "accepted", "refused"];

    fn kind(&self) -> usize {
        match self {
            Message::Prepare { .. } => 0,
            Message::Promise { .. } => 1,
            Message::Accept { .. } => 2,
            Message::Accepted { .. } => 3,
            Message::Refused { .. } => 4,
        }
    }
}

impl<V: Size> Size for Message<V> {
    fn size(&self) -> usize {
        match self {
            Message::Prepare { .. } | Message::Accepted { .. } => 16,
            Message::Promise { held, .. } => 32 + held.size(),
            Message::Accept { held, .. } => 16 + held.size(),
            Message::Refused { .. } => 32,
        }
    }
}

impl<V: fmt::Display> fmt::Display for Message<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Message::Prepare { ballot } => write!(f, "prepare {ballot}"),
            Message::Promise {
                ballot,
                accepted,
                held,
            } => write!(f, "promise {ballot}, accepted {accepted}: {held}"),
            Message::Accept { ballot, held } => write!(f, "accept {ballot}: {held}"),
            Message::Accepted { ballot } => write!(f, "accepted {ballot}"),
            Message::Refused { ballot, promised } => {
                write!(f, "refused {ballot}, promised {promised}")
            }
        }
    }
}
