//! SOFARegistry's registry of services, hardened: how session servers and data servers stay consistent.
//!
//! Clients are connected to session servers (`s1` ..), register under services there and subscribe to them. What a client
//! registers is held by its session server, which is the truth, and told to the data server (`d1` ..) that leads the
//! service's slot. That one tells all session servers that the service has changed; they fetch it, and push it to those of
//! their clients that have subscribed. Meta servers (`m1` ..) agree upon a leader, who says which servers there are and
//! which slot is whose.
//!
//! ```text
//!    c1              s1                  d1 (leader)         d2 (follower)        s2              c2
//!     |-- register -->| held              |                   |                   |               |
//!     |<- registered -|------ batch ----->| held              |                   |               |
//!     |               |<----- done -------|                   |                   |               |
//!     |               |<- changed, after 500 ms --------------+------------------>| after 1 s     |
//!     |               |                   |<------------------+------ fetch ------|               |
//!     |               |                   |-------------------+----- fetched ---->| after 500 ms  |
//!     |               |                   |                   |                   |---- push ---->|
//!     |               |<- compare, 6 s ---|                   |                   |               |
//!     |               |------ compared -->|                   |                   |               |
//!     |               |                   |<-- digests, 180 s-|                   |               |
//! ```
//!
//! Anything on this way may be lost: a session server gives a batch up after five retries, queues are in memory, notices and
//! pushes are tried a few times. What makes it good is that everybody compares. A leader compares with each session server
//! every six seconds, and takes over what it finds; a follower with its leader; a session server its versions with leaders;
//! a client, when it asks whether its connection is alive, what it is registered for. A data server that comes to lead a slot
//! compares with every session server before it shows anything. What a session process had registered that is neither on the
//! meta leader's list nor connected goes after thirty seconds; what a client had that is gone goes at once, and leaves a
//! tombstone, so that what was under way does not bring it back.
//!
//! *Promises:* what a client was told is registered is what its session server holds for as long as they are connected.
//! When no fault is in the way, data servers hold just what session servers hold, subscribers are shown just that, and of
//! what is lost nothing stays lost; how soon, [`options::Options`] says (`lag`, `gone`, `recovery`). Nobody is shown what
//! nobody has registered, and nobody an older state of a registration than before.
//! *Does not promise:* that a registration is shown at any instant: it may lapse while its session server is out of reach;
//! that a withdrawn one is not shown for a while; reads while a slot has no leader, or one that has not compared yet.
//!
//! *Source:* SOFARegistry's issue 57 ("Improving consistency between SessionServer and DataServer", 2019), and what its sixth
//! generation made of it: slots dealt out by a meta leader in place of hashing rings, comparison of slots in place of renewals
//! by checksum, leases by session process in place of leases by connection. Constants are those of its code (master,
//! b3e89e92). What this design has beyond it is listed in [`options::Rules`], each with the weakness that shows without it.
//!
//! # Weaknesses of the real design
//!
//! Each that can be switched on again is a scenario under `scenarios/weakness/session_data/`, named by its number:
//! W6.1 to W6.7 and W6.10 by a rule that is off, those of the fifth generation (W5.1 to W5.3, W5.5) by `generation = "ring"`.
//! Plain sums (W5.4) collide where one sum is over several clients: in the sixth generation, with `rules.digest = "plain"`.
//!
//! Others have no switch. That nobody reads a slot whose leader died until another has compared (W6.8), and that the
//! dead are shown until their lease is over (W6.9), is the price of not erasing what lives: `within_i13_*` and
//! `within_i14_*` say how long it takes. Slots move whatever the age of their followers' copies (not W6.11), since a leader
//! compares before it serves. A session server without room refuses what it does not hold then (not W6.12). Slips of the
//! code (W5.6, W5.7) are not of the design, and are left out.
//!
//! # The rooms, in reading order
//!
//! [`names`], [`digest`], [`table`], [`request`], [`message`], [`note`], [`options`]: the words. [`link`], [`calls`],
//! [`beats`]: how one speaks to another. [`client`]. [`memory`], [`writes`], [`session`] with `publishing` and [`pushing`];
//! [`scans`]: how it finds out what it has missed. [`store`], [`slots`], [`data`] with [`pulls`], [`answers`], [`notices`] and
//! `leases`. [`lock`], [`arrange`], [`meta`]. [`server`], [`invariants`], [`cluster`]; and [`ring`], the fifth generation.

pub mod answers;
pub mod arrange;
pub mod beats;
pub mod calls;
pub mod client;
pub mod cluster;
pub mod data;
pub mod digest;
mod display;
pub mod invariants;
mod leases;
pub mod link;
pub mod lock;
pub mod memory;
pub mod message;
pub mod meta;
mod mistakes;
pub mod names;
pub mod note;
pub mod notices;
pub mod options;
mod publishing;
pub mod pulls;
pub mod pushing;
pub mod request;
pub mod ring;
pub mod scans;
pub mod server;
pub mod session;
mod size;
pub mod slots;
pub mod store;
pub mod table;
#[cfg(test)]
mod tests;
mod truth;
pub mod writes;

pub use cluster::SessionData;
