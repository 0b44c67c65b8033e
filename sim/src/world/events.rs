//! The one ordered queue of everything that is going to happen.
//!
//! A radix heap (Ahuja, Mehlhorn, Orlin and Tarjan, 1990): as nothing is queued for before what was taken last, an event
//! needs to be in order only as finely as its time is near. Its bucket is the highest digit in which its instant differs
//! from that of the last, and when that bucket is the next one it moves to a finer one. Buckets are written and read from
//! end to end, so that a hundred thousand events, which fit into no near cache, cost each hardly more than a hundred do.
//!
//! Whatever happens at one instant stands in one bucket, and so happens in the order in which it was queued.

use std::collections::VecDeque;

use netsplit::Time;

const DIGIT_BITS: u32 = 6;
const DIGITS: usize = 1 << DIGIT_BITS;
const LEVELS: usize = u64::BITS.div_ceil(DIGIT_BITS) as usize;

/// The room for so many events that a bucket keeps when it is emptied.
const KEPT: usize = 1024;

/// Events by instant.
#[derive(Debug)]
pub struct Events<E> {
    /// When the last event was that was taken, and what else happens then.
    now: Time,
    due: VecDeque<E>,
    /// What happens later, [`DIGITS`] buckets a level: the level is the highest digit that is not that of `now`, the
    /// bucket what it is.
    later: Vec<Vec<(Time, E)>>,
    /// Which buckets of each level hold anything.
    filled: [u64; LEVELS],
    len: usize,
}

impl<E> Default for Events<E> {
    fn default() -> Self {
        Events {
            now: Time::ZERO,
            due: VecDeque::new(),
            later: (0..LEVELS * DIGITS).map(|_| Vec::new()).collect(),
            filled: [0; LEVELS],
            len: 0,
        }
    }
}

impl<E> Events<E> {
    /// Queues an event.
    ///
    /// # Panics
    /// If it would be before what was taken last.
    #[inline]
    pub fn push(&mut self, at: Time, event: E) {
        assert!(at >= self.now, "nothing happens in the past");
        self.len += 1;
        self.place(at, event);
    }

    fn place(&mut self, at: Time, event: E) {
        let differs = at.as_nanos() ^ self.now.as_nanos();
        let Some(highest) = differs.checked_ilog2() else {
            self.due.push_back(event);
            return;
        };
        let level = highest / DIGIT_BITS;
        let digit = (at.as_nanos() >> (level * DIGIT_BITS)) as usize % DIGITS;
        let level = level as usize;
        self.filled[level] |= 1 << digit;
        self.later[level * DIGITS + digit].push((at, event));
    }

    /// Takes the next event, with its instant.
    #[inline]
    pub fn pop(&mut self) -> Option<(Time, E)> {
        if self.due.is_empty() {
            let level = self.filled.iter().position(|filled| *filled != 0)?;
            let digit = self.filled[level].trailing_zeros() as usize;
            self.filled[level] &= !(1 << digit);
            let first = level * DIGITS + digit;
            if self.later[first].len() > 1 {
                self.spread(first);
            } else {
                let (at, event) = self.later[first].pop()?;
                self.now = at;
                self.len -= 1;
                return Some((at, event));
            }
        }
        let event = self.due.pop_front()?;
        self.len -= 1;
        Some((self.now, event))
    }

    /// Goes on to the earliest instant in the first bucket, and puts what is there where it stands from then on. All other
    /// buckets are as right as before, since they differ from every instant in this one alike.
    fn spread(&mut self, first: usize) {
        let mut bucket = std::mem::take(&mut self.later[first]);
        self.now = bucket.iter().map(|(at, _)| *at).min().unwrap_or(self.now);
        for (at, event) in bucket.drain(..) {
            self.place(at, event);
        }
        // A little room is used again; much of it is given back.
        if bucket.capacity() <= KEPT {
            self.later[first] = bucket;
        }
    }

    /// How many events wait.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing is going to happen any more.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// How long after now: anything from at once to the end of time, near as often as far.
    fn distances() -> impl Strategy<Value = u64> {
        (0..=u64::BITS, any::<u64>())
            .prop_map(|(bits, any)| any.checked_shr(u64::BITS - bits).unwrap_or(0))
    }

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

        #[test]
        fn what_is_queued_between_two_comes_out_between_them(
            steps in prop::collection::vec((prop::collection::vec(distances(), 0..4), 0_usize..4), 0..100),
        ) {
            let mut events = Events::default();
            let mut sorted: Vec<(u64, usize)> = Vec::new();
            let (mut now, mut count) = (0_u64, 0);
            for (distances, taken) in steps {
                for distance in distances {
                    let at = now.saturating_add(distance);
                    events.push(Time::from_nanos(at), count);
                    sorted.insert(sorted.partition_point(|(other, _)| *other <= at), (at, count));
                    count += 1;
                }
                for _ in 0..taken.min(sorted.len()) {
                    let next = sorted.remove(0);
                    now = next.0;
                    prop_assert_eq!(events.pop(), Some((Time::from_nanos(next.0), next.1)));
                }
                prop_assert_eq!(events.len(), sorted.len());
            }
        }
    }

    #[test]
    fn what_is_queued_for_now_is_next() {
        let mut events = Events::default();
        events.push(Time::from_nanos(7), 'a');
        events.push(Time::from_nanos(8), 'c');
        events.pop();
        events.push(Time::from_nanos(7), 'b');
        assert_eq!(events.pop(), Some((Time::from_nanos(7), 'b')));
    }

    #[test]
    #[should_panic(expected = "nothing happens in the past")]
    fn nothing_is_queued_for_before_now() {
        let mut events = Events::default();
        events.push(Time::from_nanos(7), ());
        events.pop();
        events.push(Time::from_nanos(6), ());
    }
}
