//! What a change makes of what is held; and where something clever must equal something dumb, and any schedule keeps what
//! was promised. What one member does with one input, the tests of [`crate::caspaxos`] show.
//!
//! In reading order: [`changes`], [`laws`].

use super::Version;
use super::held::{Held, Latest, Verdict};
use crate::{Life, NodeId};

mod changes;
mod laws;

fn n(number: u32) -> NodeId {
    NodeId::server(number)
}

fn c(number: u32) -> NodeId {
    NodeId::client(number)
}

/// A value that nobody remembers having asked for.
fn held(version: u64, value: u64) -> Held<u64> {
    Held {
        version: Version(version),
        value,
        ..Held::formatted(0)
    }
}

/// What is held once this change of `c1` was made.
fn made(version: u64, value: u64, seq: u64) -> Held<u64> {
    let mut held = held(version, value);
    let verdict = Verdict::Made(Version(version));
    let life = Life(0);
    held.latest.insert(c(1), Latest { life, seq, verdict });
    held
}
