//! When to look at which record of a zone, earliest first.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hash::{Hash, Hasher};

use crate::kv::Key;

/// A heap of alarms, each at a time and of a key. A key can have several, and none is ever taken back: who meets one
/// looks whether it still means anything.
///
/// It says nothing about a zone that its records do not say too, and so zones are compared without.
#[derive(Clone, Debug)]
pub(super) struct Alarms(BinaryHeap<Reverse<(u64, Key)>>);

impl Alarms {
    pub(super) fn new() -> Alarms {
        Alarms(BinaryHeap::new())
    }

    /// Adds one. Takes constant time where most are later than those before, and in the mean.
    pub(super) fn set(&mut self, time: u64, key: Key) {
        self.0.push(Reverse((time, key)));
    }

    /// The earliest; of those at the same time, that of the least key.
    pub(super) fn first(&self) -> Option<(u64, Key)> {
        self.0.peek().map(|Reverse(alarm)| *alarm)
    }

    /// Takes the first away.
    pub(super) fn pop(&mut self) {
        self.0.pop();
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl FromIterator<(u64, Key)> for Alarms {
    fn from_iter<I: IntoIterator<Item = (u64, Key)>>(alarms: I) -> Alarms {
        Alarms(alarms.into_iter().map(Reverse).collect())
    }
}

impl PartialEq for Alarms {
    fn eq(&self, _: &Alarms) -> bool {
        true
    }
}

impl Eq for Alarms {}

impl Hash for Alarms {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}
