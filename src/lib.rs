//! Replication protocols as pure state machines.
//!
//! This crate holds protocols and the interface they stand on, and nothing else: no clock, no randomness, no task, no
//! socket and no file is reachable from here. `netsplit-sim` runs them against a simulated network, clock and disk.
//!
//! In reading order:
//!
//! 1. [`process`]: what a participant is, with a complete small protocol as the example;
//! 2. [`mode`]: what makes a set of processes a system that can be run and judged;
//! 3. [`invariant`]: what must hold inside it;
//! 4. [`time`], [`id`], [`queue`], [`kv`]: the words the others use;
//! 5. the modes: [`raft`], [`zone_sync`].

pub mod id;
pub mod invariant;
pub mod kv;
pub mod mode;
pub mod process;
pub mod queue;
pub mod raft;
pub mod time;
pub mod zone_sync;

pub use id::{Life, NodeId, OpId, StreamId, Ticket};
pub use invariant::{Broken, Cluster, DiskView, Invariants, Violation};
pub use mode::{Ask, Envelope, LimitCall, LimitView, Member, Mode, Promise, View};
pub use process::{
    Closing, Damage, DiskError, Effect, Input, Kinds, Outbox, Outcome, Process, Protocol, Role,
    Size,
};
pub use queue::{Losable, Queue};
pub use time::{Now, Span, SpanRange, Time};
