//! The one ordered queue of everything that is going to happen.
//!
//! A binary heap of 16-byte keys (instant, order of insertion, slot) over a slab of events: keys are cheap to sift, and
//! an event is moved twice however long it waits. Two events at one instant happen in the order they were queued.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use netsplit::Time;

const SLOT_BITS: u32 = 24;
const ORDER_BITS: u32 = 64 - SLOT_BITS;

/// Events by instant.
#[derive(Debug)]
pub struct Events<E> {
    keys: BinaryHeap<Reverse<u128>>,
    slab: Vec<Option<E>>,
    free: Vec<u32>,
    order: u64,
}

impl<E> Default for Events<E> {
    fn default() -> Self {
        Events {
            keys: BinaryHeap::new(),
            slab: Vec::new(),
            free: Vec::new(),
            order: 0,
        }
    }
}

impl<E> Events<E> {
    /// Queues an event.
    ///
    /// # Panics
    /// With 2^24 events waiting at once, or after 2^40 in one run.
    pub fn push(&mut self, at: Time, event: E) {
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slab[slot as usize] = Some(event);
                slot
            }
            None => {
                self.slab.push(Some(event));
                assert!(
                    self.slab.len() <= 1 << SLOT_BITS,
                    "more than 16 million events wait at once"
                );
                self.slab.len() as u32 - 1
            }
        };
        self.order += 1;
        assert!(
            self.order < 1 << ORDER_BITS,
            "a run of more than 10^12 events"
        );
        let tail = self.order << SLOT_BITS | u64::from(slot);
        self.keys
            .push(Reverse(u128::from(at.as_nanos()) << 64 | u128::from(tail)));
    }

    /// Takes the next event, with its instant.
    pub fn pop(&mut self) -> Option<(Time, E)> {
        let Reverse(key) = self.keys.pop()?;
        let slot = key as u32 & ((1 << SLOT_BITS) - 1);
        self.free.push(slot);
        let event = self.slab[slot as usize]
            .take()
            .expect("every key in the heap owns its slot");
        Some((Time::from_nanos((key >> 64) as u64), event))
    }

    /// How many events wait.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether nothing is going to happen any more.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn events_come_out_as_a_stable_sort_would_order_them(instants in prop::collection::vec(0_u64..20, 0..200)) {
            let mut events = Events::default();
            for (n, at) in instants.iter().enumerate() {
                events.push(Time::from_nanos(*at), n);
            }
            let mut expected: Vec<(u64, usize)> = instants.iter().copied().zip(0..).collect();
            expected.sort_by_key(|(at, _)| *at);
            let got: Vec<(u64, usize)> =
                std::iter::from_fn(|| events.pop()).map(|(at, n)| (at.as_nanos(), n)).collect();
            prop_assert_eq!(got, expected);
            prop_assert!(events.is_empty());
        }
    }
}
