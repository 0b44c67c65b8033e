//! Replication protocols as pure state machines.
//!
//! This crate holds protocols and the interface they stand on, and nothing else: no clock, no randomness, no task, no
//! socket and no file is reachable from here. `netsplit-sim` runs them against a simulated network, clock and disk.
//!
//! In reading order:
//!
//! 1. [`process`]: what a participant is, with a complete small protocol as the example, and its [`outbox`];
//! 2. [`mode`]: what makes a set of processes a system that can be run and judged;
//! 3. [`invariant`]: what must hold inside it, and [`mistake`]: what is planted to see it found;
//! 4. [`time`], [`id`], [`queue`], [`kv`]: the words the others use;
//! 5. [`solo`]: one process on an empty stage, to write tests with;
//! 6. [`small_world`]: systems that are looked at whole;
//! 7. [`register`], a small consistent truth for whoever needs one;
//! 8. the modes: [`raft`], [`zone_sync`], [`sibling_quorum`], [`session_data`], [`caspaxos`].

pub mod caspaxos;
pub mod id;
pub mod invariant;
pub mod kv;
pub mod mistake;
pub mod mode;
pub mod outbox;
pub mod process;
pub mod queue;
pub mod raft;
pub mod register;
pub mod session_data;
pub mod sibling_quorum;
pub mod small_world;
pub mod solo;
pub mod time;
pub mod zone_sync;

pub use id::{Life, NodeId, OpId, Opener, StreamId, Ticket};
pub use invariant::{Broken, Cluster, DiskView, Invariants, Violation};
pub use mistake::{Mistake, Planted};
pub use mode::{
    Ask, Class, Does, Envelope, LimitCall, LimitView, Mode, Operation, Promise, RegistryCall,
    RegistryView, View,
};
pub use outbox::{Effect, Outbox};
pub use process::{
    Closing, Config, Damage, DiskError, Input, Kinds, Never, Outcome, Process, Protocol, Role, Size,
};
pub use queue::{Losable, Queue};
pub use small_world::SmallWorld;
pub use time::{Now, Span, SpanRange, Time};
