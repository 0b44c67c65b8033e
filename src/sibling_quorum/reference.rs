//! The redundant reference: it names a group's main and carries the list of its siblings, so that whoever holds it finds
//! the next one by itself.

use super::charter::Charter;
use super::log::Epoch;
use crate::{NodeId, Span};

/// A reference to the resources of one group.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Reference {
    /// The newest epoch that it has heard of.
    pub epoch: Epoch,
    /// Its nodes: the main as far as it knows first, then the siblings in their order.
    nodes: Vec<Known>,
    /// Whom to ask next for what only the main does, by its place among the nodes.
    next: usize,
}

/// A node, and how long it took to answer.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Known {
    node: NodeId,
    /// Smoothed; none before it ever answered.
    takes: Option<Span>,
}

impl Reference {
    /// A reference as it was handed out with a charter.
    pub fn new(charter: &Charter) -> Reference {
        let known = |node| Known { node, takes: None };
        Reference {
            epoch: charter.epoch,
            nodes: charter.members().map(known).collect(),
            next: 0,
        }
    }

    /// Whom to ask for what only the main does.
    pub fn target(&self) -> NodeId {
        self.nodes[self.next].node
    }

    /// That one does not answer: the next in the list may have been promoted. Whether all have been tried.
    pub fn pass_on(&mut self) -> bool {
        self.next = (self.next + 1) % self.nodes.len();
        self.next == 0
    }

    /// The nearest node but those that were asked in vain; one that was never asked may be nearer than all.
    pub fn nearest(&self, in_vain: &[NodeId]) -> Option<NodeId> {
        let free = self
            .nodes
            .iter()
            .filter(|known| !in_vain.contains(&known.node));
        let nearest = free.min_by_key(|known| known.takes.unwrap_or(Span::ZERO));
        nearest.map(|known| known.node)
    }

    /// A node took so long to answer, or not to answer.
    pub fn took(&mut self, node: NodeId, span: Span) {
        if let Some(known) = self.nodes.iter_mut().find(|known| known.node == node) {
            let before = known.takes.unwrap_or(span);
            known.takes = Some((before * 7 + span) / 8);
        }
    }

    /// Somebody says who the main of an epoch is. Whether that is news.
    pub fn learn(&mut self, epoch: Epoch, main: Option<NodeId>) -> bool {
        if epoch < self.epoch {
            return false;
        }
        self.epoch = epoch;
        let Some(main) = main.filter(|main| *main != self.target()) else {
            return false;
        };
        match self.nodes.iter().position(|known| known.node == main) {
            Some(place) => self.next = place,
            None => {
                let takes = None;
                self.nodes.push(Known { node: main, takes });
                self.next = self.nodes.len() - 1;
            }
        }
        true
    }

    /// A controller says what is recorded. Whether it names another main than was asked last.
    pub fn take(&mut self, charter: &Charter) -> bool {
        if charter.epoch < self.epoch {
            return false;
        }
        let target = self.target();
        let takes = |node: NodeId| {
            let known = self.nodes.iter().find(|known| known.node == node);
            known.and_then(|known| known.takes)
        };
        let nodes = charter.members().map(|node| Known {
            node,
            takes: takes(node),
        });
        let nodes = nodes.collect();
        *self = Reference {
            epoch: charter.epoch,
            nodes,
            next: 0,
        };
        charter.main.is_some() && self.target() != target
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::charter::Location;
    use super::*;

    const NODES: [NodeId; 3] = [
        NodeId::new('m', 1),
        NodeId::new('m', 2),
        NodeId::new('m', 3),
    ];

    fn charter(epoch: u64, main: NodeId, siblings: &[NodeId]) -> Charter {
        Charter {
            epoch: Epoch(epoch),
            main: Some(main),
            last: main,
            siblings: siblings.to_vec(),
            copies: BTreeMap::new(),
            list: 0,
            lease: 0,
            seat: Location(0),
        }
    }

    #[test]
    fn it_goes_from_the_main_to_each_sibling_and_begins_again() {
        let [one, two, three] = NODES;
        let mut reference = Reference::new(&charter(1, one, &[two, three]));
        assert_eq!(reference.target(), one);
        assert!(!reference.pass_on());
        assert_eq!(reference.target(), two);
        assert!(!reference.pass_on());
        assert!(reference.pass_on(), "all have been tried");
        assert_eq!(reference.target(), one);
    }

    #[test]
    fn it_follows_newer_epochs_and_no_older_ones() {
        let [one, two, three] = NODES;
        let mut reference = Reference::new(&charter(1, one, &[two]));
        assert!(reference.learn(Epoch(3), Some(three)));
        assert_eq!(reference.target(), three);
        assert!(!reference.learn(Epoch(2), Some(two)));
        assert!(!reference.take(&charter(2, two, &[one])));
        assert_eq!(reference.target(), three);
        assert!(reference.take(&charter(4, two, &[three])));
        assert_eq!(reference.target(), two);
        assert_eq!(reference.nearest(&[two, three]), None, "one has left");
    }

    #[test]
    fn the_nearest_is_who_answers_soonest_and_one_that_is_unknown_gets_a_chance() {
        let [one, two, three] = NODES;
        let mut reference = Reference::new(&charter(1, one, &[two, three]));
        reference.took(one, Span::millis(8));
        reference.took(two, Span::millis(4));
        assert_eq!(reference.nearest(&[]), Some(three));
        reference.took(three, Span::millis(16));
        assert_eq!(reference.nearest(&[]), Some(two));
        assert_eq!(reference.nearest(&[two]), Some(one));
        for _ in 0..20 {
            reference.took(two, Span::secs(2));
        }
        assert_eq!(reference.nearest(&[]), Some(one), "two has become slow");
    }
}
