//! What the location controllers of a group agree on: who is its main, and who its siblings are.

use std::collections::BTreeMap;
use std::fmt;

use super::SiblingQuorum;
use super::log::Epoch;
use super::message::GroupId;
use super::quorum::{accept_quorum, query_quorum};
use crate::NodeId;
use crate::process::{Config, Size};

/// The letter of managing nodes.
pub const MANAGING: char = 'm';
/// The letter of location controllers.
pub const CONTROLLER: char = 'l';

/// Where a node stands: siblings are close to each other, or far. Numbered from 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Location(pub u32);

/// Which copy of a group's resources a node has: the epoch of the main that made it, and which of its copies it is. The
/// zeroth of epoch 0 is that with which the group was founded.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct CopyId {
    /// The main's epoch.
    pub epoch: Epoch,
    /// Which of its copies, from 1.
    pub run: u64,
}

/// Who is who in a group: the value of the controllers' register.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Charter {
    /// The main's time. While there is no main, the time of the one to come. Invariant: never decreases.
    pub epoch: Epoch,
    /// The main managing node; none while one is sought.
    pub main: Option<NodeId>,
    /// Who was the main before: while one is sought, it still belongs to the group.
    pub last: NodeId,
    /// The siblings, in the order in which they are asked.
    pub siblings: Vec<NodeId>,
    /// Which copy each of them, and the main, has that holds all that was ever accepted; that of the foundation if it is
    /// not named. A node that has another one may lack something, and is not asked.
    pub copies: BTreeMap<NodeId, CopyId>,
    /// Which list of siblings it is: one more with each change that a main asks for, so that one that was asked for
    /// before, and comes late, changes nothing.
    pub list: u64,
    /// How often the main's lease was renewed: a renewal changes the register, so whoever waited for the lease to end
    /// finds that out.
    pub lease: u64,
    /// Whose controllers are in charge: those of the location where the main is.
    pub seat: Location,
}

/// Whether a server is a location controller.
pub fn is_controller(server: NodeId) -> bool {
    server.letter() == CONTROLLER
}

/// Where a server stands: of each class they are dealt out in turn.
pub fn location(server: NodeId, locations: u32) -> Location {
    Location((server.number() - 1) % locations)
}

/// The managing nodes.
pub fn managing(config: &Config<SiblingQuorum>) -> impl Iterator<Item = NodeId> {
    let servers = config.servers.iter().copied();
    servers.filter(|server| !is_controller(*server))
}

/// The controllers of a location.
pub fn controllers(config: &Config<SiblingQuorum>, of: Location) -> impl Iterator<Item = NodeId> {
    let servers = config.servers.iter().copied();
    let locations = config.options.locations;
    servers.filter(move |server| is_controller(*server) && location(*server, locations) == of)
}

impl Charter {
    /// With which main and siblings a group begins: the managing node of its number, and those that follow it.
    pub fn founding(config: &Config<SiblingQuorum>, group: GroupId) -> Charter {
        let mut nodes: Vec<NodeId> = managing(config).collect();
        let first = group.0 as usize % nodes.len();
        nodes.rotate_left(first);
        let main = nodes[0];
        let siblings = config.options.siblings as usize;
        Charter {
            epoch: Epoch(1),
            main: Some(main),
            last: main,
            siblings: nodes[1..].iter().copied().take(siblings).collect(),
            copies: BTreeMap::new(),
            list: 0,
            lease: 0,
            seat: location(main, config.options.locations),
        }
    }

    /// How many siblings must confirm.
    pub fn accept_quorum(&self) -> usize {
        accept_quorum(self.siblings.len())
    }

    /// How many siblings must be fenced before one is promoted.
    pub fn query_quorum(&self) -> usize {
        query_quorum(self.siblings.len())
    }

    /// The main, or who was it last.
    pub fn chief(&self) -> NodeId {
        self.main.unwrap_or(self.last)
    }

    /// Which copy a node has, if it is the one that is recorded.
    pub fn copy(&self, node: NodeId) -> CopyId {
        self.copies.get(&node).copied().unwrap_or_default()
    }

    /// Whether a node belongs to the group.
    pub fn has(&self, node: NodeId) -> bool {
        self.chief() == node || self.siblings.contains(&node)
    }

    /// All who belong to the group: main, then siblings.
    pub fn members(&self) -> impl Iterator<Item = NodeId> {
        std::iter::once(self.chief()).chain(self.siblings.iter().copied())
    }

    /// The same without a main, in a new epoch.
    pub fn vacated(&self) -> Charter {
        Charter {
            epoch: self.epoch.next(),
            main: None,
            last: self.chief(),
            ..self.clone()
        }
    }

    /// The same with a main: the last one becomes a sibling in its place.
    pub fn appointing(&self, main: NodeId, seat: Location) -> Charter {
        let mut siblings = self.siblings.clone();
        siblings.retain(|sibling| *sibling != main);
        if main != self.last {
            siblings.push(self.last);
        }
        Charter {
            main: Some(main),
            siblings,
            seat,
            ..self.clone()
        }
    }
}

impl Size for Charter {
    fn size(&self) -> usize {
        40 + 4 * self.siblings.len() + 20 * self.copies.len()
    }
}

impl fmt::Display for Charter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "epoch {}, ", self.epoch)?;
        match self.main {
            Some(main) => write!(f, "main {main}, siblings")?,
            None => write!(f, "no main after {}, siblings", self.last)?,
        }
        if self.siblings.is_empty() {
            f.write_str(" none")?;
        }
        self.siblings
            .iter()
            .try_for_each(|sibling| write!(f, " {sibling}"))
    }
}
