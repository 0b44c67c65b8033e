//! Systems so small that all that can happen in them is looked at, and not a sample of it.
//!
//! A [`SmallWorld`] says how small one is: who takes part, what is asked, which alarms go off and how often, how many
//! servers crash, and where a state is too far out to go on from. `netsplit_sim::small_world` then goes breadth first
//! through every order in which messages can arrive or be lost, alarms go off and servers crash, and the mode's
//! invariants look after every step of every one of them.
//!
//! What a world does not bound has no bound: alarms go off at any time, in any order, as often as they are set; messages
//! take any time, overtake each other and are lost without number. So a mode has to see to it that its states come to an
//! end: by [bounds](SmallWorld::within), and by [forgetting](SmallWorld::tidy_server) what only counts upwards and
//! decides nothing.

use std::fmt::Debug;
use std::hash::Hash;

use crate::NodeId;
use crate::invariant::{Broken, Cluster, Invariants};
use crate::mode::Mode;
use crate::process::{Config, Protocol};

/// A configuration of a mode that is small enough to be explored whole.
///
/// What has a default is what a world can do without. All `tidy` functions give states that differ in nothing which
/// matters one form, so that they are one state. They must not change what a process can ever do: that is the mode's
/// word, and nobody checks it.
pub trait SmallWorld: Send + Sync + 'static {
    /// Whose processes take part. Whatever is in a state is shared by threads.
    type Mode: Mode<
            Server: Send + Sync,
            Message: Send + Sync,
            Timer: Send + Sync,
            Record: Send + Sync,
            Note: Send + Sync,
        >;

    /// What must hold, with what it remembers of the past: a part of every state. What is remembered keeps states apart,
    /// so it is best as little as what must hold can do with.
    type Memory: Invariants<Self::Mode> + Clone + Eq + Hash + Debug + Send + Sync;

    /// Who takes part, and with which constants.
    fn config(&self) -> Config<Self::Mode>;

    /// How much may happen.
    fn bounds(&self) -> Bounds;

    /// What is asked from outside: each of these messages can come to any server at any time.
    fn questions(&self) -> Vec<Question<Self::Mode>>;

    /// How often this alarm goes off, at all servers together.
    fn often(&self, _timer: &<Self::Mode as Protocol>::Timer) -> Often {
        Often::Always
    }

    /// Whether this may happen to this server now: for a class of servers that nobody asks, or that never crash; and where
    /// several are alike, so that it does not matter who comes first, for all of them but one.
    fn may(
        &self,
        _cluster: &impl Cluster<Self::Mode>,
        _server: NodeId,
        _next: Next<'_, Self::Mode>,
    ) -> bool {
        true
    }

    /// Whether what follows after a server has come to this is looked at as well.
    fn within(&self, _server: &<Self::Mode as Mode>::Server) -> bool {
        true
    }

    /// Whether a message can still change anything at its receiver, or be answered, now or later. One that cannot is
    /// taken away, which makes states alike.
    fn matters(
        &self,
        _receiver: &<Self::Mode as Mode>::Server,
        _message: &<Self::Mode as Protocol>::Message,
    ) -> bool {
        true
    }

    /// Whether a message matters that is under way between these two, as the others are now: where what it can still do is
    /// no more than what happens without it.
    fn matters_among(
        &self,
        _cluster: &impl Cluster<Self::Mode>,
        _from: NodeId,
        _to: NodeId,
        _message: &<Self::Mode as Protocol>::Message,
    ) -> bool {
        true
    }

    /// What reaches somebody outside, such as an answer to a client. What may not be said is added to `found`.
    fn tells(
        &self,
        _memory: &mut Self::Memory,
        _server: NodeId,
        _to: NodeId,
        _message: &<Self::Mode as Protocol>::Message,
        _found: &mut Vec<Broken>,
    ) {
    }

    /// Gives a process the form in which it is compared with others.
    fn tidy_server(&self, _server: &mut <Self::Mode as Mode>::Server) {}

    /// Gives a message the form in which it is compared with others.
    fn tidy_message(&self, _message: &mut <Self::Mode as Protocol>::Message) {}

    /// Gives what is durable on a server the form in which it is compared with others: such as no more records than a
    /// boot needs to come to the same process.
    fn tidy_disk(&self, _server: NodeId, _records: &mut Vec<Record<Self::Mode>>) {}

    /// Gives what is remembered the form in which it is compared with others.
    fn tidy_memory(&self, _memory: &mut Self::Memory) {}
}

/// One durable write of a mode.
pub type Record<M> = <M as Protocol>::Record;

/// How much may happen in a small world. Losses need no number: there can be any.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Bounds {
    /// How many messages are under way from one server to another at the same time, at the most. Of more, some are lost:
    /// any of them.
    pub room: usize,
    /// Whether messages on a link keep their order. If not, they overtake each other.
    pub ordered: bool,
    /// How many messages arrive twice, in all.
    pub doubles: u8,
    /// How many servers crash, in all.
    pub crashes: u8,
    /// Whether a flush takes its time, in which other things happen. If not, it is done by the end of its step.
    pub slow_disks: bool,
}

/// A message from outside.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Question<M: Mode> {
    /// From whom.
    pub from: NodeId,
    /// What.
    pub message: M::Message,
    /// How often it comes, in all.
    pub times: u8,
}

/// How often something happens.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Often {
    /// Never.
    Never,
    /// So many times at the most.
    Times(u8),
    /// Any number of times.
    Always,
}

/// What might happen next at a server, as far as a world has a say in it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Next<'a, M: Mode> {
    /// It is put this question.
    Asked(&'a Question<M>),
    /// This alarm goes off.
    Fires(&'a M::Timer),
    /// It crashes.
    Crashes,
}
