//! Draws keyed by seed, purpose and ordinal.
//!
//! Nothing shares a stream: taking one event away disturbs nothing but what follows from it. The generator is SplitMix64
//! (Steele, Lea and Flood, 2014), a named and portable one, used in counter mode: every draw is the first output for a
//! state of its own, so no draw depends on how many were made elsewhere.

use netsplit::{Span, SpanRange};
use rand::{Rng, SeedableRng};
use rand_xoshiro::SplitMix64;

/// What a draw is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// The messages on a directed link; their kind is part of the ordinal.
    Link {
        /// The sender's slot.
        from: u32,
        /// The receiver's slot.
        to: u32,
    },
    /// The timers of a host.
    Timer(u32),
    /// What the disk of a host does.
    Disk(u32),
    /// The clock of a host.
    Clock(u32),
    /// The order in which a paused host catches up.
    Wake(u32),
    /// A fault of the scenario: when, how long, whom.
    Fault(u32),
    /// Who goes on when the rest stays broken.
    Core,
    /// What a client asks, and when.
    Workload(u32),
    /// The answers of the name service to a host.
    Resolver(u32),
}

/// All draws of one purpose, by ordinal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Key(u64);

/// The draws of one purpose in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stream {
    key: Key,
    ordinal: u64,
}

/// A probability in parts per million.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Chance(pub u32);

#[inline]
fn scramble(state: u64) -> u64 {
    SplitMix64::seed_from_u64(state).next_u64()
}

impl Key {
    /// The key of a purpose under a seed.
    pub fn new(seed: u64, purpose: Purpose) -> Key {
        let (tag, a, b): (u64, u32, u32) = match purpose {
            Purpose::Link { from, to } => (1, from, to),
            Purpose::Timer(host) => (2, host, 0),
            Purpose::Disk(host) => (3, host, 0),
            Purpose::Clock(host) => (4, host, 0),
            Purpose::Wake(host) => (5, host, 0),
            Purpose::Fault(fault) => (6, fault, 0),
            Purpose::Workload(client) => (7, client, 0),
            Purpose::Core => (8, 0, 0),
            Purpose::Resolver(host) => (9, host, 0),
        };
        let place = u64::from(a) << 32 | u64::from(b);
        Key(scramble(scramble(seed ^ scramble(tag)) ^ scramble(!place)))
    }

    /// The draw with this ordinal.
    pub fn draw(self, ordinal: u64) -> Draw {
        Draw(scramble(self.0 ^ ordinal))
    }

    /// The draws in order, from the first.
    pub fn stream(self) -> Stream {
        Stream {
            key: self,
            ordinal: 0,
        }
    }
}

impl Stream {
    /// The same in a drawn order.
    pub fn shuffled<T>(&mut self, mut from: Vec<T>) -> Vec<T> {
        let mut order = Vec::with_capacity(from.len());
        while !from.is_empty() {
            order.push(from.swap_remove(self.next_draw().below(from.len() as u64) as usize));
        }
        order
    }

    /// The next draw.
    pub fn next_draw(&mut self) -> Draw {
        self.ordinal += 1;
        self.key.draw(self.ordinal)
    }
}

/// One draw: 64 random bits, from which any number of independent decisions follow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Draw(u64);

impl Draw {
    /// An independent draw for another decision about the same thing.
    pub fn also(self, decision: u64) -> Draw {
        Draw(scramble(self.0 ^ decision))
    }

    /// A draw of these bits.
    #[cfg(test)]
    pub(crate) fn of(bits: u64) -> Draw {
        Draw(bits)
    }

    /// The bits.
    pub fn bits(self) -> u64 {
        self.0
    }

    /// Uniform in `0..n`; zero if `n` is.
    pub fn below(self, n: u64) -> u64 {
        // The high half of the product: no division, no rejection, so every decision takes exactly one draw. The bias is
        // below n / 2^64.
        ((u128::from(self.0) * u128::from(n)) >> 64) as u64
    }

    /// Uniform in the range, both ends included.
    pub fn within(self, range: SpanRange) -> Span {
        let width = range.max.as_nanos() - range.min.as_nanos();
        range.min + Span::nanos(self.below(width.saturating_add(1)))
    }

    /// Whether the chance comes true.
    pub fn hits(self, chance: Chance) -> bool {
        self.below(1_000_000) < u64::from(chance.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_stay_within_their_range_and_reach_both_ends() {
        let range = SpanRange::new(Span::nanos(3), Span::nanos(6));
        let mut stream = Key::new(7, Purpose::Timer(0)).stream();
        let drawn: std::collections::BTreeSet<u64> = (0..200)
            .map(|_| stream.next_draw().within(range).as_nanos())
            .collect();
        assert_eq!(drawn.into_iter().collect::<Vec<_>>(), [3, 4, 5, 6]);
    }

    #[test]
    fn a_chance_of_nothing_never_hits_and_a_sure_one_always() {
        let mut stream = Key::new(1, Purpose::Fault(0)).stream();
        for _ in 0..1000 {
            let draw = stream.next_draw();
            assert!(!draw.hits(Chance(0)) && draw.hits(Chance(1_000_000)));
        }
    }

    #[test]
    fn purposes_do_not_share_draws() {
        let link = |from, to| Key::new(3, Purpose::Link { from, to });
        let keys = [
            link(0, 1),
            link(1, 0),
            Key::new(3, Purpose::Timer(0)),
            Key::new(3, Purpose::Timer(1)),
            Key::new(3, Purpose::Disk(0)),
            Key::new(4, Purpose::Disk(0)),
        ];
        let firsts: std::collections::BTreeSet<u64> =
            keys.iter().map(|key| key.draw(0).0).collect();
        assert_eq!(firsts.len(), keys.len());
    }
}
