//! What many states share: kept once, hashed once.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use ahash::RandomState;
use hashbrown::HashTable;

/// A value that is not changed any more, with its digest.
///
/// A step makes one new server and leaves the others as they are, so most of a state need not be copied, nor hashed
/// again.
pub(super) struct Kept<T> {
    digest: u64,
    value: Arc<T>,
}

/// All the different values of one kind that are in states. Millions of states are made of some thousand servers.
#[derive(Debug)]
pub(super) struct Pool<T> {
    /// By the first bits of the digest, so that threads seldom wait for each other.
    shelves: [Mutex<HashTable<Kept<T>>>; SHELVES],
}

const SHELVES: usize = 64;

impl<T: Hash + Eq> Pool<T> {
    pub(super) fn new() -> Pool<T> {
        Pool {
            shelves: std::array::from_fn(|_| Mutex::new(HashTable::new())),
        }
    }

    /// The value as it is kept.
    pub(super) fn keep(&self, value: T) -> Kept<T> {
        let digest = digest(&value);
        let shelf = &self.shelves[(digest >> 58) as usize];
        let mut shelf = shelf.lock().unwrap_or_else(PoisonError::into_inner);
        let known = |kept: &Kept<T>| kept.digest == digest && *kept.value == value;
        if let Some(kept) = shelf.find(digest, known) {
            return kept.clone();
        }
        let kept = Kept {
            digest,
            value: Arc::new(value),
        };
        shelf.insert_unique(digest, kept.clone(), |kept| kept.digest);
        kept
    }
}

impl<T> Kept<T> {
    pub(super) fn digest(&self) -> u64 {
        self.digest
    }
}

/// The same everywhere on machines of one kind. The numbers mean nothing.
pub(super) fn digest(value: &impl Hash) -> u64 {
    const SEEDS: [u64; 4] = [
        0x9e37_79b9_7f4a_7c15,
        0xbf58_476d_1ce4_e5b9,
        0x94d0_49bb_1331_11eb,
        0x2545_f491_4f6c_dd1d,
    ];
    let [a, b, c, d] = SEEDS;
    RandomState::with_seeds(a, b, c, d).hash_one(value)
}

impl<T> Clone for Kept<T> {
    fn clone(&self) -> Kept<T> {
        Kept {
            digest: self.digest,
            value: Arc::clone(&self.value),
        }
    }
}

impl<T> Deref for Kept<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: PartialEq> PartialEq for Kept<T> {
    fn eq(&self, other: &Kept<T>) -> bool {
        self.digest == other.digest
            && (Arc::ptr_eq(&self.value, &other.value) || self.value == other.value)
    }
}

impl<T: Eq> Eq for Kept<T> {}

impl<T> Hash for Kept<T> {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write_u64(self.digest);
    }
}

impl<T: fmt::Debug> fmt::Debug for Kept<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}
