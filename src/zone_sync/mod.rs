//! Zone synchronisation: nodes that serve alone, tell each other what changed, and keep the newest of each key.
//!
//! A node commits locally and answers at once. On a timer it reads its log of changes into frames and pushes them to
//! every other node; a node that was away is sent everything:
//!
//! ```text
//!  c1            n1                 n2                 n3
//!  |--- put ------->|                  |                  |
//!  |<-- written ----| log              |                  |
//!  |                |   ... until the timer fires ...     |
//!  |                |=== live frame ==>| newer? keep      |
//!  |                |=== live frame ===+=================>| newer? keep
//! ```
//!
//! *Sources:* the NGINX Plus admin guide, "zone_sync details", section "Data flow", and the reference of
//! `ngx_stream_zone_sync_module`. Where they are silent, the code says what it chose.
//!
//! In reading order: [`message`], [`record`], [`frame`], [`zone`], [`state`], [`peer`], [`node`], `push`, [`client`],
//! [`options`], [`invariants`], [`cluster`].

pub mod client;
pub mod cluster;
pub mod frame;
pub mod invariants;
pub mod message;
pub mod node;
pub mod options;
pub mod peer;
mod push;
pub mod record;
pub mod state;
#[cfg(test)]
mod tests;
pub mod zone;

pub use client::Client;
pub use cluster::{Participant, ZoneSync};
pub use frame::{Frame, FrameWriter, Garbage, Header, NoFit, What, decode};
pub use invariants::ZoneSyncInvariants;
pub use message::{Message, Note, Timer};
pub use node::{Config, Node};
pub use options::Options;
pub use record::{Content, Record, Stamp, newer};
pub use zone::{Merged, Rules, Written, Zone, bucket_of};
