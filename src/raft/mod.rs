//! Raft: one leader a term, a replicated log, a key-value store that is linearizable.
//!
//! A client finds the leader; the leader logs the request, sends it to the others, and answers when a majority has it
//! on disk and it is executed:
//!
//! ```text
//!  c1            n1 (leader)          n2             n3
//!  |--- ask ------->| write            |              |
//!  |                |---- append ----->| write        |
//!  |                |---- append ------+------------->| write
//!  |                | flush            | flush        | flush
//!  |                |<--- accepted ----|              |        n1 and n2 are a majority:
//!  |<-- answer -----| commit, execute  |              |        committed
//!  |                |<--- accepted ----+--------------|
//!  |                |---- append ----->| commit       |        the commit rides on the next append
//! ```
//!
//! A read logs nothing: it waits until a majority has confirmed, after the read arrived, that the leader still leads,
//! and until everything that was committed by then is executed.
//!
//! *Promises:* every key is a linearizable register; an acknowledged write survives any crash, power loss or partition
//! of any number of nodes, as long as disks keep what they flushed; with a majority up and connected it makes progress.
//! *Does not promise:* progress without a majority, nor while a node that was cut off for long campaigns its way back
//! (there is no pre-vote yet); room: the log is not compacted yet, the cluster has fixed members, and a session is
//! remembered for ever.
//!
//! The invariants, each named as in a verdict: see [`invariants`].
//!
//! *Sources:* Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm" (2014), here "the Raft
//! paper"; Ongaro's dissertation (2014), here "the Raft thesis". The system it stands for is the replica group of
//! Ravel, a key-value store over Raft groups.
//!
//! In reading order: [`message`], [`log`], [`state`], [`server`], [`follower`], [`candidate`], [`leader`], [`client`],
//! [`options`], [`invariants`], `mistakes`, [`cluster`], [`small_world`].

pub mod candidate;
pub mod client;
pub mod cluster;
pub mod follower;
pub mod invariants;
pub mod leader;
pub mod log;
pub mod message;
mod mistakes;
pub mod options;
mod progress;
pub mod server;
pub mod small_world;
pub mod state;
#[cfg(test)]
mod tests;

pub use client::Client;
pub use cluster::Raft;
pub use invariants::RaftInvariants;
pub use message::{Message, Note, Timer};
pub use options::Options;
pub use server::{Server, Standing};
pub use small_world::SmallRaft;
pub use state::Record;
