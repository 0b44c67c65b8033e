//! Sibling quorum: a managing node with siblings, an update accepted by 51 % of them, and controllers that promote another
//! main.
//!
//! Every resource belongs to a group, by the server part of its id: the group's *main* managing node executes its
//! commands, its *siblings* have copies, and the *location controllers* where the main stands know who is who. A user
//! asks the main; the main logs the update and sends it to the siblings, and answers when 51 % of them have it on disk,
//! itself not counted:
//!
//! ```text
//!  c1           m1 (main)          m2           m3           m4
//!  |--- ask ------->| write         |            |            |
//!  |                |-- replicate ->| write      |            |
//!  |                |-- replicate --+----------->| write      |
//!  |                |-- replicate --+------------+----------> | (down: it is sent again, in order, for ever)
//!  |                | flush         | flush      | flush      |
//!  |                |<- confirmed --|            |            |
//!  |                |<- confirmed --+------------|            |   2 of 3 are enough:
//!  |<-- answer -----| accept, execute                         |   accepted
//!  |                |-- replicate ->| execute                     what is accepted rides on the next message
//! ```
//!
//! When the main is not heard any more, one of its controllers opens a new epoch, has siblings promise to obey it, and
//! promotes the one with the best log ([`search`]):
//!
//! ```text
//!  l1 (controller)      m2           m3           l2, l3
//!  |  wait for the lease to end, then                |
//!  |--- epoch 2, no main: compare and set ---------->|   a CASPaxos register: one of several controllers wins
//!  |--- fence 2 ------->| promise, flush             |
//!  |--- fence 2 --------+---------->| promise, flush |
//!  |<-- fenced, log ends 17@1 ------|                |
//!  |<-- fenced, log ends 18@1       |                |   as many as meet every quorum: n - W + 1
//!  |--- epoch 2, main m2: compare and set ---------->|
//!  |--- promote ------->| opens epoch 2 with a record of its own, which 51 % must confirm
//! ```
//!
//! A node becomes a sibling at run time by `registerSibling`: it is sent copies of all resources, then what was recorded
//! meanwhile, then what comes; and it counts when the controllers have recorded it ([`intake`], [`members`]).
//!
//! *Promises:* commands and reads at the main are linearizable; an accepted update survives any crash, power loss or
//! partition of any number of nodes, as long as disks keep what they flushed, and the loss of as many disks as the
//! quorum exceeds one; it is executed once, whoever is asked and however often; siblings and subscribers are shown only
//! what is accepted, and no reader is shown anything older than what it has seen. With 51 % of the siblings, a main or
//! enough siblings to choose one from, and a majority of the main's controllers, it makes progress.
//! *Does not promise:* progress while the controllers of the main's location are away, beyond the main's lease: who is
//! promoted is their affair alone, as the source has it; with two siblings, progress while one is down, as 51 % of two
//! is two; room: logs are not compacted, and each user's last update is remembered with each resource.
//!
//! Where this differs from the source, or the source is silent:
//!
//! * *The main executes an update when it is accepted*, and not first: what it answers is the same, and nothing has to be
//!   undone when it is replaced. Its place in the log is decided first.
//! * *The main does not count itself*, as in the source's example of 2 of 3, and yet accepts nothing that is not on its
//!   own disk. So the last main's answer to a fence is enough to promote it again, whoever else is down.
//! * *A main that starts again is none*: it may have sent more than it remembers. It says so, and the controllers need not
//!   wait for its lease.
//! * *A copy has a name* ([`charter::CopyId`]), which is recorded with the list of siblings. A node that lost its disk has
//!   none, and one with a copy that nobody recorded speaks for nothing: it may lack what it once confirmed.
//! * *The lease needs no clock in common*: each renewal changes the register, so a controller that has looked, and waited
//!   as long as a lease lasts, cannot claim if there was one.
//! * The rules S1 to S18, which are what the source leaves out or its prototype does not do, are options
//!   ([`options::Rules`]); `scenarios/weakness/sibling_quorum/` shows what comes of each when it is off.
//!
//! The invariants, each named as in a verdict: see [`invariants`].
//!
//! *Source:* Coflnet/cloud, wiki pages "failover" and "subscribing" (2019), and its prototype in C#. Neither has the
//! controllers, the registration, the retries or the recovery that the text describes.
//!
//! In reading order: [`quorum`], [`log`], [`request`], [`resource`], [`charter`], [`message`], [`note`], [`state`],
//! [`server`]; a managing node: [`node`], [`replica`], [`sibling`], [`intake`]; its main: [`office`], `users`, [`members`],
//! [`progress`]; a controller: [`controller`], [`search`], `records`; a user: [`client`], [`mod@reference`]; then [`options`],
//! [`invariants`] with `copies`, `mistakes`, [`cluster`], and a [`small_world`] with its `ledger`.

pub mod charter;
pub mod client;
pub mod cluster;
pub mod controller;
mod copies;
pub mod intake;
pub mod invariants;
pub mod ledger;
pub mod log;
pub mod members;
pub mod message;
mod mistakes;
pub mod node;
pub mod note;
pub mod office;
pub mod options;
pub mod progress;
pub mod quorum;
mod records;
pub mod reference;
pub mod replica;
pub mod request;
pub mod resource;
pub mod search;
pub mod server;
pub mod sibling;
pub mod small_world;
pub mod state;
#[cfg(test)]
mod tests;
mod users;

pub use client::Client;
pub use cluster::SiblingQuorum;
pub use invariants::SiblingQuorumInvariants;
pub use message::{GroupId, Message, Timer, Word};
pub use note::Note;
pub use options::{Options, Rules};
pub use request::{Request, Response};
pub use server::Server;
pub use small_world::SmallSiblings;
pub use state::Record;
