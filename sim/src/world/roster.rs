//! Who is there: names to slots, and the hosts as an invariant sees them.

use netsplit::{Cluster, DiskView, Life, Mode, NodeId};

use super::host::Host;

/// From names to slots.
pub(super) struct Roster {
    /// By letter: the slot of the first, and how many there are.
    classes: [(u32, u32); 26],
}

impl Roster {
    pub(super) fn new(ids: &[NodeId]) -> Roster {
        let mut classes = [(0, 0); 26];
        for (slot, id) in ids.iter().enumerate() {
            let (first, count) = &mut classes[Roster::class(*id)];
            if *count == 0 {
                *first = slot as u32;
            }
            *count += 1;
        }
        Roster { classes }
    }

    fn class(id: NodeId) -> usize {
        id.letter() as usize - 'a' as usize
    }

    #[inline]
    pub(super) fn slot(&self, id: NodeId) -> usize {
        let (first, count) = self.classes[Roster::class(id)];
        assert!(id.number() <= count, "there is no {id}");
        (first + id.number() - 1) as usize
    }
}

/// The hosts as an invariant sees them.
pub(super) struct View<'a, M: Mode> {
    pub(super) hosts: &'a [Host<M>],
    pub(super) ids: &'a [NodeId],
    pub(super) servers: usize,
    pub(super) roster: &'a Roster,
}

impl<M: Mode> View<'_, M> {
    fn host(&self, node: NodeId) -> &Host<M> {
        &self.hosts[self.roster.slot(node)]
    }
}

impl<M: Mode> Cluster<M> for View<'_, M> {
    fn servers(&self) -> &[NodeId] {
        &self.ids[..self.servers]
    }

    fn server(&self, id: NodeId) -> Option<&M::Server> {
        self.host(id).process.as_ref()?.server()
    }

    fn clients(&self) -> &[NodeId] {
        &self.ids[self.servers..]
    }

    fn client(&self, id: NodeId) -> Option<&M::Client> {
        self.host(id).process.as_ref()?.client()
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
