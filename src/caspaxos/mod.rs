//! CASPaxos: a key-value store with a quorum register for each key; every server can change every key.
//!
//! All servers are alike. A client asks any of them, and the next one if no answer comes. The server that is asked is the
//! proposer of that request, in two rounds that [`crate::register`] draws; all servers are acceptors. No key waits for
//! another, and there is no leader whose loss anyone would notice.
//!
//! ```text
//!  c1             n1                 n2             n3
//!  |--- ask -------->| of key k7        |              |
//!  |                 |---- prepare ---->|              |
//!  |                 |---- prepare -----+------------->|
//!  |                 |<--- promise -----|              |
//!  |                 |---- accept ----->|              |
//!  |                 |---- accept ------+------------->|
//!  |                 |<--- accepted ----|              |
//!  |<-- answer ------| a majority has it on disk       |
//! ```
//!
//! A get is a look, a put and a delete set what the key holds, a cas replaces it. The revision of a key is the version of
//! its register.
//!
//! *Promises:* every key is a linearizable register; an acknowledged write survives any crash, power loss or partition of
//! any number of nodes, as long as disks keep what they flushed; with a majority up and connected it makes progress.
//! *Does not promise:* progress without a majority; short waits where many change one key at once; cheap reads; anything
//! about two keys together; room: a key that was deleted keeps its register, a client is remembered for ever in each key
//! that it changed, records on disk are not compacted yet, and the cluster has fixed members.
//!
//! The invariants, each named as in a verdict: see [`invariants`].
//!
//! *Sources:* those of [`crate::register`]; the store is that of the CASPaxos paper, without its removal of deleted keys.
//!
//! In reading order: [`message`], [`state`], [`server`], [`client`], [`options`], [`invariants`], `mistakes`, [`cluster`].

pub mod client;
pub mod cluster;
pub mod invariants;
pub mod message;
mod mistakes;
pub mod options;
pub mod server;
pub mod state;
#[cfg(test)]
mod tests;

pub use client::Client;
pub use cluster::CasPaxos;
pub use invariants::CasPaxosInvariants;
pub use message::{Message, Note, Timer};
pub use options::Options;
pub use server::Server;
pub use state::{Content, Record};
