//! A compare-and-set register held by a quorum, without a leader and without a log: CASPaxos.
//!
//! It is a component, and no mode: whoever needs a small consistent truth (a membership, an epoch, a lease) holds a
//! [`Register`] at each of its members, hands it what the others say, and carries out what it asks for with [`carry_out`].
//! The mode [`crate::caspaxos`] is made of nothing else.
//!
//! Who wants something changed names the change ([`ChangeId`]), and asks any member. That member has a majority promise to
//! take part in nothing older, and tell what it holds; changes the newest of that; and has a majority hold what came of it:
//!
//! ```text
//!            n1 (proposer)         n2             n3
//!  - ask ---->| promised          |              |
//!             |---- prepare ----->| promised     |
//!             |---- prepare ------+------------->| promised
//!             | flush             | flush        | flush
//!             |<--- promise ------|              |       n1 and n2 are a majority: the change
//!             |---- accept ------>| accepted     |       is made upon the newest that they hold
//!             |---- accept -------+------------->| accepted
//!             | flush             | flush        | flush
//!             |<--- accepted -----|              |       chosen
//!  <- answer -|                   |              |
//! ```
//!
//! A look is a change that changes nothing. Where a majority holds the very same it takes one round, else it carries
//! through what it found. Two proposers at once refuse each other: whoever comes too late waits for a while that is drawn,
//! and comes back with a higher ballot. One that dies leaves a proposal half done; the next proposer finds it, or was
//! never told of it by anyone.
//!
//! Two things are added to the paper, because those who ask ask again. A register remembers of each author the last change
//! that was decided, so that a change is made once, whoever completes it. And it remembers one that was not met as well as
//! one that was made: else a second member could make it after the first had told its author that it will not be.
//!
//! *Promises:* it is linearizable, looks included; what was answered survives any crash, power loss or partition of any
//! number of members, as long as disks keep what they flushed and a member that may have lost something stays away; with a
//! majority up and connected it makes progress, whoever else is gone, without an election.
//! *Does not promise:* progress without a majority; a bound on how long proposers take that keep meeting each other, only
//! ever longer waits; cheap looks (a look writes promises, and gets in the way of other proposers); room: an author is
//! remembered for ever, and what a host does with old records is its own affair. The members are fixed.
//!
//! *Sources:* Rystsov, "CASPaxos: Replicated State Machines without logs" (2018, arXiv 1802.07000), here "the CASPaxos
//! paper"; Lamport, "Paxos Made Simple" (2001). The paper's one-round-trip optimisation, by which the last proposer may leave
//! out the first round, and its change of membership are not built.
//!
//! # A register and its host
//!
//! ```
//! use netsplit::register::{Act, Change, ChangeId, Pace, Register, Version};
//! use netsplit::{Life, NodeId, Span};
//!
//! let members = [1, 2, 3].map(NodeId::server);
//! let pace = Pace {
//!     patience: (Span::millis(100)..=Span::millis(200)).into(),
//!     backoff: (Span::millis(5)..=Span::millis(50)).into(),
//! };
//! let [mut n1, mut n2] = [members[0], members[1]]
//!     .map(|me| Register::new(me, &members, Life(0), "nobody", pace));
//!
//! // A host that asks for its own sake is the author of its changes.
//! let id = ChangeId { by: members[0], life: Life(0), seq: 1 };
//! let mut acts = n1.ask(id, Change::Swap { from: Version(0), to: "n1" });
//!
//! // What a host does with acts, for two members on one stage: here nothing is lost, and every flush is done at once.
//! let answer = loop {
//!     let mut back = Vec::new();
//!     for act in acts.drain(..) {
//!         if let Act::Send { to, message, .. } = act && to == members[1] {
//!             back.extend(n2.on_message(members[0], message));
//!         }
//!     }
//!     for act in back {
//!         if let Act::Send { message, .. } = act {
//!             acts.extend(n1.on_message(members[1], message));
//!         }
//!     }
//!     if let Some(Act::Answer(answer)) = acts.iter().find(|act| matches!(act, Act::Answer(_))) {
//!         break answer.clone();
//!     }
//! };
//! assert_eq!(answer.made(), Some(Version(1)));
//! assert_eq!((answer.held.value, n2.accepted().value), ("n1", "n1"));
//! ```
//!
//! A process gives its register's acts to [`carry_out`] instead, and says by [`Words`] how they are put in its protocol:
//! `crate::caspaxos` does so for each key.
//!
//! In reading order: [`ballot`], [`held`], [`message`], [`acceptor`], `proposer`, [`register`].

pub mod acceptor;
pub mod ballot;
pub mod held;
pub mod message;
pub(crate) mod proposer;
#[expect(clippy::module_inception, reason = "the register itself")]
pub mod register;
#[cfg(test)]
mod tests;

pub use acceptor::Record;
pub use ballot::{Ballot, ChangeId, Version};
pub use held::{Answer, Change, Fate, Held, Latest, Verdict};
pub use message::Message;
pub use register::{Act, Deed, Pace, Register, Words, carry_out};
