//! A session server's queues: what data servers are to be told, and what could not be told yet.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::message::{CallId, Item};
use super::names::SlotId;
use crate::queue::Losable;

/// Changes that wait, by slot and in the order in which they came.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Writes {
    capacity: usize,
    waiting: usize,
    came: u64,
    by_slot: BTreeMap<SlotId, VecDeque<(u64, Item)>>,
}

impl Writes {
    /// Room for so many.
    pub fn new(capacity: usize) -> Writes {
        Writes {
            capacity,
            waiting: 0,
            came: 0,
            by_slot: BTreeMap::new(),
        }
    }

    /// For a planted mistake: there is room without end.
    pub(super) fn unbound(&mut self) {
        self.capacity = usize::MAX;
    }

    /// Whether there is room for one more.
    pub fn has_room(&self) -> bool {
        self.waiting < self.capacity
    }

    /// Adds a change. Whether there was room for it.
    pub fn push(&mut self, slot: SlotId, item: Item) -> bool {
        let has_room = self.has_room();
        if has_room {
            self.came += 1;
            self.waiting += 1;
            let queue = self.by_slot.entry(slot).or_default();
            queue.push_back((self.came, item));
        }
        has_room
    }

    /// The slots of which something waits.
    pub fn slots(&self) -> impl Iterator<Item = SlotId> {
        self.by_slot.keys().copied()
    }

    /// Takes the oldest changes of a slot, so many at most.
    pub fn take(&mut self, slot: SlotId, most: usize) -> Arc<[Item]> {
        let Some(queue) = self.by_slot.get_mut(&slot) else {
            return Arc::default();
        };
        let number = queue.len().min(most);
        let items: Arc<[Item]> = queue.drain(..number).map(|(_, item)| item).collect();
        if queue.is_empty() {
            self.by_slot.remove(&slot);
        }
        self.waiting -= number;
        items
    }
}

impl Losable for Writes {
    fn waiting(&self) -> usize {
        self.waiting
    }

    fn lose(&mut self, count: usize) {
        for _ in 0..count.min(self.waiting) {
            let newest = self.by_slot.iter();
            let newest = newest.max_by_key(|(_, queue)| queue.back().map(|(came, _)| *came));
            let Some(slot) = newest.map(|(slot, _)| *slot) else {
                return;
            };
            if let Some(queue) = self.by_slot.get_mut(&slot) {
                queue.pop_back();
                if queue.is_empty() {
                    self.by_slot.remove(&slot);
                }
            }
            self.waiting -= 1;
        }
    }
}

/// A batch that has failed.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Failed {
    /// Of which slot.
    pub slot: SlotId,
    /// What it says.
    pub items: Arc<[Item]>,
    /// How often it was sent.
    pub tries: u32,
}

/// Batches that wait to be sent again.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Retries {
    capacity: usize,
    batches: BTreeMap<CallId, Failed>,
}

impl Retries {
    /// Room for so many.
    pub fn new(capacity: usize) -> Retries {
        Retries {
            capacity,
            batches: BTreeMap::new(),
        }
    }

    /// Adds one under its last call. The oldest comes back if there is no room.
    pub fn push(&mut self, call: CallId, batch: Failed) -> Option<Failed> {
        self.batches.insert(call, batch);
        let over = self.batches.len() > self.capacity;
        over.then(|| self.batches.pop_first())
            .flatten()
            .map(|(_, batch)| batch)
    }

    /// Takes one out, unless it was lost.
    pub fn take(&mut self, call: CallId) -> Option<Failed> {
        self.batches.remove(&call)
    }
}

impl Losable for Retries {
    fn waiting(&self) -> usize {
        self.batches.len()
    }

    fn lose(&mut self, count: usize) {
        for _ in 0..count {
            self.batches.pop_last();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn off() -> Item {
        Item::Off(Arc::default())
    }

    #[test]
    fn a_full_queue_takes_nothing_and_loses_its_newest() {
        let mut writes = Writes::new(3);
        let slots = [1, 0, 1, 1].map(SlotId);
        assert_eq!(
            slots.map(|slot| writes.push(slot, off())),
            [true, true, true, false]
        );
        writes.lose(1);
        assert_eq!(writes.waiting(), 2);
        assert_eq!(writes.take(SlotId(1), 9).len(), 1);
        assert_eq!(writes.take(SlotId(1), 9).len(), 0);
        assert_eq!(writes.slots().collect::<Vec<_>>(), [SlotId(0)]);
        writes.lose(9);
        assert!(writes.waiting() == 0 && writes.slots().next().is_none());
    }

    #[test]
    fn the_oldest_batch_goes_when_there_is_no_room() {
        let mut retries = Retries::new(1);
        let batch = |slot| Failed {
            slot: SlotId(slot),
            items: Arc::default(),
            tries: 1,
        };
        assert_eq!(retries.push(CallId(1), batch(1)), None);
        assert_eq!(retries.push(CallId(2), batch(2)), Some(batch(1)));
        assert_eq!(retries.take(CallId(2)), Some(batch(2)));
    }
}
