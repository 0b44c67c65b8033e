//! What is registered, in a Merkle search tree at either end: it is found to differ by comparing hashes of pages.
//!
//! The tree holds keys and hashes of values, and yields ranges of keys; its user keeps the values beside it. So does this:
//! a map at either end, in which the ranges are walked to find what differs. Only what one end has is looked for at the
//! other, as the crate does: ours tells as well what it has not. Nor is what one end tells the other put into messages, but
//! for the ranges.

use std::collections::BTreeMap;

use merkle_search_tree::MerkleSearchTree;
use merkle_search_tree::diff::diff;
use netsplit::kv::Value;
use netsplit::session_data::names::{RegisterId, Stamp};

const VALUE: Value = Value { name: 1, bytes: 64 };

/// The name of a registration as bytes, in the order of registrations.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Name([u8; 12]);

impl Name {
    fn of(id: RegisterId) -> Name {
        let words = [id.service.0, id.client.number(), id.life.0].map(u32::to_be_bytes);
        let mut name = [0; 12];
        name.copy_from_slice(words.as_flattened());
        Name(name)
    }
}

impl AsRef<[u8]> for Name {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// What one end holds, hashed.
#[derive(Clone)]
pub(crate) struct Held {
    tree: MerkleSearchTree<Name, Stamp>,
    registered: BTreeMap<Name, (Stamp, Value)>,
}

impl Held {
    /// All of these.
    pub(crate) fn of(registered: &[(RegisterId, Stamp)]) -> Held {
        let mut held = Held {
            tree: MerkleSearchTree::default(),
            registered: BTreeMap::new(),
        };
        held.put(registered);
        held
    }

    /// Takes some in, and hashes what that changes.
    pub(crate) fn put(&mut self, registered: &[(RegisterId, Stamp)]) {
        for (id, stamp) in registered {
            let name = Name::of(*id);
            self.tree.upsert(name, stamp);
            self.registered.insert(name, (*stamp, VALUE));
        }
        self.tree.root_hash();
    }

    /// What another end has, and this one has not, or not so.
    pub(crate) fn differing(&mut self, other: &mut Held) -> Vec<(Name, Stamp, Value)> {
        if self.tree.root_hash() == other.tree.root_hash() {
            return Vec::new();
        }
        let mine = self.tree.serialise_page_ranges().expect("it is hashed");
        let theirs = other.tree.serialise_page_ranges().expect("it is hashed");
        let mut differing = Vec::new();
        for range in diff(mine, theirs) {
            let range = *range.start()..=*range.end();
            let mut mine = self.registered.range(range.clone()).peekable();
            for (name, (stamp, value)) in other.registered.range(range) {
                while mine.next_if(|(own, _)| *own < name).is_some() {}
                let own = mine.next_if(|(own, _)| *own == name);
                if own.is_none_or(|(_, (own, _))| own != stamp) {
                    differing.push((*name, *stamp, *value));
                }
            }
        }
        differing
    }
}
