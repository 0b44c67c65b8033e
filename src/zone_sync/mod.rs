//! Zone synchronisation: nodes that serve alone, tell each other what changed, and keep the newest of each key.
//!
//! A node commits locally and answers at once. On a timer it reads its logs of changes into frames and pushes them to
//! every other node, over a stream that it opened; when a stream is opened, the two compare what they hold:
//!
//! ```text
//!  c1            n1                  n2                  n3
//!  |--- put ------->|                   |                   |
//!  |<-- written ----| log               |                   |
//!  |                |   ... until the timer fires ...       |
//!  |                |==== live frame ==>| newer? keep       |
//!  |                |==== live frame ===+==================>| newer? keep
//!  :                :                   :                   :
//!  |                |                   |    n3 restarts:   |
//!  |                |==== digests ======+==================>| what differs?
//!  |                |<=== want =========+===================|
//!  |                |==== snapshot =====+==================>| newer? keep
//! ```
//!
//! Three functional modules keep a zone each: key-value pairs, with a state file; sticky sessions, which live as long as
//! they are used; request limits. They write records into their zone, and how those travel they do not know.
//!
//! *Promises:* no node ever waits for another. While nothing is in the way, what is written anywhere is everywhere after
//! one interval and one message. Nodes that can reach each other, directly or through others, come to hold the same,
//! whatever was lost, broken, restarted or set to a wrong time in between; of the acknowledged writes of a key the newest
//! wins, by clocks that never fall behind what they have heard. What is deleted stays deleted, and what has outlived its
//! life is not shown, up to the difference of clocks. What was acknowledged survives the loss of links and streams, and a
//! node that is told to quit while it is connected; a crash loses what a node had told nobody and not saved. A limit holds
//! up to what nodes cannot have heard of each other ([`limit`]).
//! *Does not promise:* that a read sees the last write, which it may miss for as long as news take (a client that looks
//! for something waits, `find`); order between keys; that concurrent writes of a key both survive; anything where a zone
//! has no room for its keys, where a record does not fit into a buffer, or where nodes are configured differently.
//!
//! Every mechanism beyond the real system's is an option ([`options`]). With all of them off, this is what the real
//! system documents; what then goes wrong is shown by the scenarios under `scenarios/weakness/zone_sync/`.
//!
//! The invariants, each named as in a verdict: see [`invariants`].
//!
//! *Sources:* the NGINX Plus admin guide, "zone_sync details", section "Data flow", and the references of
//! `ngx_stream_zone_sync_module`, `ngx_http_keyval_module` and `ngx_http_limit_req_module`. Where they are silent, the
//! code says what it chose: equal times ([`record::newer`]), the unit of stamps ([`clock`]), idle connections and buffers
//! that drain ([`push`](options::Options::refill)), the life of what arrives ([`options::Options::life_from_stamp`]), the
//! merge of limits ([`limit`]).
//!
//! In reading order: [`message`], [`request`], [`record`], [`frame`] with [`encode`] and [`decode`](mod@decode), [`zone`]
//! with its `slots`, `alarms`, `log` and `sums`, [`module`] and [`limit`], [`clock`], [`state`], [`peer`], [`node`], `connections`,
//! `push`, [`catch_up`], `hearing`, `discovery`, [`client`], [`options`], [`invariants`], `mistakes`, [`cluster`].

mod alarms;
pub mod catch_up;
pub mod client;
pub mod clock;
pub mod cluster;
mod connections;
pub mod decode;
mod discovery;
pub mod encode;
pub mod frame;
mod hearing;
pub mod invariants;
pub mod limit;
mod log;
pub mod message;
mod mistakes;
pub mod module;
pub mod node;
pub mod options;
pub mod peer;
mod push;
pub mod record;
pub mod request;
mod slots;
pub mod state;
mod sums;
#[cfg(test)]
mod tests;
pub mod zone;

pub use client::Client;
pub use cluster::ZoneSync;
pub use decode::{Garbage, decode};
pub use encode::{FrameWriter, NoFit};
pub use frame::{Frame, Header, Sealed, What};
pub use invariants::ZoneSyncInvariants;
pub use log::Origin;
pub use message::{Message, Note, Timer};
pub use module::{Module, Shared};
pub use node::Node;
pub use options::Options;
pub use record::{Content, Record, Stamp, Usage, newer};
pub use request::{Request, Response};
pub use sums::RangeSum;
pub use zone::{Merged, Rules, Written, Zone};
