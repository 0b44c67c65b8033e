//! What orders proposals, values and changes: [`Ballot`], [`Version`], [`ChangeId`].

use std::fmt;

use crate::{Life, NodeId};

/// What a proposal is known by, printed `3/n2/0`. Ordered by count, then node, then life; no two proposals share one.
///
/// A proposer counts upwards within its life, and no two lives of a node are the same one: so its ballots are its own,
/// also where a crash took what it knew of those that it had used.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Ballot {
    /// Higher than any that the proposer had heard of; from 1.
    pub count: u64,
    /// The proposer.
    pub node: NodeId,
    /// Which of its lives.
    pub life: Life,
}

impl Ballot {
    /// Below all that are ever proposed: that of the value with which a register was formatted.
    pub const ZERO: Ballot = Ballot {
        count: 0,
        node: NodeId::new('a', 1),
        life: Life(0),
    };
}

impl Default for Ballot {
    fn default() -> Self {
        Ballot::ZERO
    }
}

/// Which value a register holds, printed `@4`: it grows by one with every change that is made. 0 is the value with which
/// the register was formatted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Version(pub u64);

impl Version {
    /// That of the next value.
    #[must_use]
    pub fn next(self) -> Version {
        Version(self.0 + 1)
    }
}

/// Who asks for a change, and which of its changes it is: printed `c1/0/7`. Who asks again, here or elsewhere, asks
/// under the same name, and the change is made once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ChangeId {
    /// A client, or the host of a register itself.
    pub by: NodeId,
    /// Which of its lives.
    pub life: Life,
    /// Which of that life's changes; later ones are higher.
    pub seq: u64,
}

impl ChangeId {
    /// Its place among all that this author asks for.
    pub fn turn(self) -> (Life, u64) {
        (self.life, self.seq)
    }
}

impl fmt::Display for Ballot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Ballot::ZERO => f.write_str("0"),
            Ballot { count, node, life } => write!(f, "{count}/{node}/{}", life.0),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@{}", self.0)
    }
}

impl fmt::Display for ChangeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.by, self.life.0, self.seq)
    }
}
