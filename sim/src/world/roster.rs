//! Who is there: names to slots, and the hosts as an invariant sees them.

use netsplit::{Cluster, DiskView, Life, Mode, NodeId};

use super::host::Host;

/// From names to slots.
pub(super) struct Roster {
    first: [u32; 26],
}

impl Roster {
    pub(super) fn new(ids: &[NodeId]) -> Roster {
        let mut first = [u32::MAX; 26];
        for (slot, id) in ids.iter().enumerate() {
            let start = &mut first[Roster::class(*id)];
            *start = (*start).min(slot as u32);
        }
        Roster { first }
    }

    fn class(id: NodeId) -> usize {
        id.letter() as usize - 'a' as usize
    }

    pub(super) fn slot(&self, id: NodeId) -> usize {
        (self.first[Roster::class(id)] + id.number() - 1) as usize
    }
}

/// The hosts as an invariant sees them.
pub(super) struct View<'a, M: Mode> {
    pub(super) hosts: &'a [Host<M>],
    pub(super) ids: &'a [NodeId],
    pub(super) roster: &'a Roster,
}

impl<M: Mode> View<'_, M> {
    fn host(&self, node: NodeId) -> &Host<M> {
        &self.hosts[self.roster.slot(node)]
    }
}

impl<M: Mode> Cluster<M::Process> for View<'_, M> {
    fn nodes(&self) -> &[NodeId] {
        self.ids
    }

    fn process(&self, node: NodeId) -> Option<&M::Process> {
        self.host(node).process.as_ref()
    }

    fn is_sound(&self, node: NodeId) -> bool {
        let host = self.host(node);
        !host.lost && !host.broken
    }

    fn life(&self, node: NodeId) -> Life {
        self.host(node).life
    }

    fn disk(&self, node: NodeId) -> DiskView<'_, M::Record> {
        self.host(node).disk.view()
    }
}
