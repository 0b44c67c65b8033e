//! Where something clever must equal something dumb, for any input.

use proptest::prelude::*;
use proptest::sample;

use super::*;

mod copying;
mod logs;
mod machines;
mod promises;

/// Epochs that never decrease, beginning at `first`.
fn rising(first: u64, steps: &[u64]) -> Vec<u64> {
    let add = |epoch: &mut u64, step: &u64| {
        *epoch += step;
        Some(*epoch)
    };
    steps.iter().scan(first, add).collect()
}

fn steps() -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec(0..=2_u64, 0..10)
}

/// The epochs of a log.
fn a_log() -> impl Strategy<Value = Vec<u64>> {
    steps().prop_map(|steps| rising(1, &steps))
}

/// A place from 0 to `last`, both possible.
fn up_to(last: usize, place: sample::Index) -> usize {
    place.index(last + 1)
}
