//! What must hold inside the processes, whoever looks.
//!
//! Invariants read the processes' own state and what is truly on their disks; what a client could see is a blind
//! judge's affair. They run after every step of a server, so they first ask whether anything they care for changed.

use std::fmt;

use crate::mode::Mode;
use crate::process::Damage;
use crate::{Life, NodeId, Time};

/// A promise that was broken, with the evidence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// The invariant or judge that convicts, named as a sentence: `at_most_one_leader_per_term`.
    pub broken: &'static str,
    /// When it was seen, in world time.
    pub at: Time,
    /// Who did what, in one or a few lines.
    pub evidence: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}: {}", self.broken, self.at, self.evidence)
    }
}

/// What is durable on one node's disk.
#[derive(Clone, Copy, Debug)]
pub struct DiskView<'a, R> {
    /// Grows whenever the records below were replaced rather than appended to.
    pub generation: u32,
    /// Oldest first.
    pub records: &'a [Result<R, Damage>],
}

/// The cluster as an invariant sees it.
pub trait Cluster<M: Mode> {
    /// Every server, up or down.
    fn servers(&self) -> &[NodeId];
    /// The process of a server; none while it is down.
    fn server(&self, id: NodeId) -> Option<&M::Server>;
    /// Every client, up or down.
    fn clients(&self) -> &[NodeId];
    /// The process of a client; none while it is down.
    fn client(&self, id: NodeId) -> Option<&M::Client>;
    /// Whether everything is asked of this node in the calm: not of one that is lost, nor of one that stays broken.
    fn is_sound(&self, node: NodeId) -> bool;
    /// How often a node has been started; what was only in memory is forgotten between two lives.
    fn life(&self, node: NodeId) -> Life;
    /// What is durable on a node, whether it is up or down.
    fn disk(&self, node: NodeId) -> DiskView<'_, M::Record>;

    /// The servers that are up, with their processes.
    fn up<'a>(&'a self) -> impl Iterator<Item = (NodeId, &'a M::Server)>
    where
        M: 'a,
    {
        let up = |id: &NodeId| Some((*id, self.server(*id)?));
        self.servers().iter().filter_map(up)
    }
}

/// A mode's invariants, with what they remember of the run so far. `()` are none.
pub trait Invariants<M: Mode>: Default {
    /// Their names, as they appear in verdicts.
    const NAMES: &'static [&'static str];

    /// Looks after a server has started or taken a step; broken invariants are added to `found`.
    fn after_step(&mut self, cluster: &impl Cluster<M>, server: NodeId, found: &mut Vec<Broken>);

    /// Looks once more, thoroughly, when the calm is over and nothing moves.
    fn after_calm(&mut self, _cluster: &impl Cluster<M>, _found: &mut Vec<Broken>) {}
}

impl<M: Mode> Invariants<M> for () {
    const NAMES: &'static [&'static str] = &[];

    fn after_step(&mut self, _: &impl Cluster<M>, _: NodeId, _: &mut Vec<Broken>) {}
}

/// An invariant that was found broken; the world adds the time.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Broken {
    /// Its name, one of [`Invariants::NAMES`].
    pub invariant: &'static str,
    /// Who did what.
    pub evidence: String,
}

impl Broken {
    /// The named invariant, broken as the evidence says.
    pub fn new(invariant: &'static str, evidence: String) -> Broken {
        Broken {
            invariant,
            evidence,
        }
    }
}
