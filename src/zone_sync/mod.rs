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
//! In reading order: [`record`], [`frame`], [`zone`].

pub mod frame;
pub mod record;
#[cfg(test)]
mod tests;
pub mod zone;

pub use frame::{Frame, FrameWriter, Garbage, Header, NoFit, What, decode};
pub use record::{Content, Record, Stamp, newer};
pub use zone::{Merged, Rules, Written, Zone, bucket_of};
