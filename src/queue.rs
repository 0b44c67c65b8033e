//! A first-in, first-out queue in memory that can be lost.
//!
//! Real systems lose what waits in memory: a crash of the server that buffers, a drop after the last retry, an
//! overflow. A process keeps such things in a [`Queue`] and shows it by name (`Process::queues`); the world then cuts
//! it when a fault says so, and the process is not told.

use std::collections::VecDeque;

/// A bounded first-in, first-out queue.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Queue<T> {
    items: VecDeque<T>,
    capacity: usize,
}

/// What the world can do to a queue: see how long it is, and lose a part of it.
pub trait Losable {
    /// How many items wait.
    fn waiting(&self) -> usize;
    /// Loses the `count` newest items, or all if there are fewer.
    fn lose(&mut self, count: usize);
}

impl<T> Queue<T> {
    /// An empty queue for at most `capacity` items.
    pub fn new(capacity: usize) -> Queue<T> {
        Queue {
            items: VecDeque::new(),
            capacity,
        }
    }

    /// Adds an item at the end.
    ///
    /// # Errors
    /// Gives the item back if the queue is full.
    pub fn push(&mut self, item: T) -> Result<(), T> {
        if self.items.len() >= self.capacity {
            return Err(item);
        }
        self.items.push_back(item);
        Ok(())
    }

    /// Takes the oldest item.
    pub fn pop(&mut self) -> Option<T> {
        self.items.pop_front()
    }

    /// The oldest item.
    pub fn front(&self) -> Option<&T> {
        self.items.front()
    }

    /// The newest item.
    pub fn back(&self) -> Option<&T> {
        self.items.back()
    }

    /// How many items wait.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.items.iter()
    }
}

impl<T> Losable for Queue<T> {
    fn waiting(&self) -> usize {
        self.items.len()
    }

    fn lose(&mut self, count: usize) {
        self.items.truncate(self.items.len().saturating_sub(count));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_gives_the_item_back() {
        let mut queue = Queue::new(2);
        assert_eq!(
            (queue.push('a'), queue.push('b'), queue.push('c')),
            (Ok(()), Ok(()), Err('c'))
        );
        assert_eq!(queue.pop(), Some('a'));
        assert_eq!(queue.push('c'), Ok(()));
    }

    #[test]
    fn losing_takes_the_newest() {
        let mut queue = Queue::new(8);
        (0..4).for_each(|n| queue.push(n).unwrap());
        queue.lose(1);
        assert_eq!(queue.iter().copied().collect::<Vec<_>>(), [0, 1, 2]);
        queue.lose(9);
        assert!(queue.is_empty());
    }
}
