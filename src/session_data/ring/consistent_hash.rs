//! The ring: which data servers own a service, as whoever knows a list of them computes for itself.
//!
//! Consistent hashing (Karger and others, 1997): every data server stands at many places of a ring, and a service belongs to
//! the first few servers behind its own place. Two who know other lists come to other owners, which is what causes the fifth
//! generation's troubles. The real one hashes by MD5; any hash does that spreads well.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::digest::mix;
use crate::kv::Key;
use crate::{Life, NodeId};

/// What the places of services and servers are told apart by.
const SERVICE: u64 = 1 << 63;

/// A list of data servers, each in one of its lives, and where they stand in the ring.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct ConsistentHash {
    servers: BTreeMap<NodeId, Life>,
    /// In order.
    places: Arc<[(u64, NodeId)]>,
}

impl ConsistentHash {
    /// The ring of these servers, with so many places each.
    pub fn of(servers: &BTreeMap<NodeId, Life>, virtual_nodes: u32) -> ConsistentHash {
        let of = |node: NodeId| {
            let place = move |place| mix(mix(u64::from(node.code())) ^ u64::from(place));
            (0..virtual_nodes).map(move |number| (place(number), node))
        };
        let mut places: Vec<(u64, NodeId)> = servers.keys().copied().flat_map(of).collect();
        places.sort_unstable();
        ConsistentHash {
            servers: servers.clone(),
            places: places.into(),
        }
    }

    /// Who writes and serves a service; nobody, if nobody is on the list.
    pub fn owner(&self, service: Key) -> Option<NodeId> {
        self.behind(service).next()
    }

    /// Who owns a service, the first first: so many, or all if there are fewer.
    pub fn owners(&self, service: Key, number: u32) -> Vec<NodeId> {
        let number = self.servers.len().min(number as usize);
        let mut owners: Vec<NodeId> = Vec::with_capacity(number);
        let mut places = self.behind(service);
        while owners.len() < number {
            match places.next() {
                Some(node) if !owners.contains(&node) => owners.push(node),
                Some(_) => {}
                None => break,
            }
        }
        owners
    }

    /// In which life a server is on the list.
    pub fn life(&self, node: NodeId) -> Option<Life> {
        self.servers.get(&node).copied()
    }

    /// Everybody on the list.
    pub fn servers(&self) -> impl Iterator<Item = NodeId> {
        self.servers.keys().copied()
    }

    /// Who stands behind a service's place, once around.
    fn behind(&self, service: Key) -> impl Iterator<Item = NodeId> {
        let place = mix(mix(SERVICE | u64::from(service.0)));
        let first = self.places.partition_point(|(at, _)| *at < place);
        let (before, behind) = self.places.split_at(first);
        behind.iter().chain(before).map(|(_, node)| *node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(servers: u32) -> ConsistentHash {
        let of = |number| (NodeId::new('d', number), Life(0));
        ConsistentHash::of(&(1..=servers).map(of).collect(), 200)
    }

    #[test]
    fn a_service_has_as_many_owners_as_it_may_and_each_once() {
        let three = ring(5).owners(Key(7), 3);
        assert_eq!(three.len(), 3);
        assert_eq!(three.first().copied(), ring(5).owner(Key(7)));
        let distinct: std::collections::BTreeSet<NodeId> = three.into_iter().collect();
        assert_eq!(distinct.len(), 3);
        assert_eq!(ring(2).owners(Key(7), 3).len(), 2);
        assert_eq!(ring(0).owner(Key(7)), None);
    }

    #[test]
    fn ownership_moves_little_when_a_server_joins_and_only_to_it() {
        let (before, after) = (ring(4), ring(5));
        let services = 10_000;
        let moved = (0..services).map(Key).filter(|service| {
            let (from, to) = (before.owner(*service), after.owner(*service));
            assert!(from == to || to == Some(NodeId::new('d', 5)));
            from != to
        });
        let moved = moved.count();
        assert!(
            (1_500..2_500).contains(&moved),
            "a fifth moves, not {moved}"
        );
    }

    #[test]
    fn everybody_owns_about_the_same() {
        let ring = ring(4);
        for node in ring.servers() {
            let owned = (0..10_000).filter(|key| ring.owner(Key(*key)) == Some(node));
            let owned = owned.count();
            assert!((2_000..3_000).contains(&owned), "{node} owns {owned}");
        }
    }
}
