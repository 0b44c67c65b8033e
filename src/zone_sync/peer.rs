//! What a node knows of another: the stream that it opened to it, how far it has told it, and what it hears from it.

use crate::kv::Key;
use crate::{NodeId, StreamId};

/// One of the other nodes.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Peer {
    /// Its name.
    pub id: NodeId,
    /// What this node pushes to it goes over a stream that this node opened.
    pub out: Outgoing,
    /// What it pushes comes over a stream that it opened.
    pub incoming: Option<StreamId>,
}

/// How far a node is with telling a peer.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Outgoing {
    /// There is no stream; a timer runs until the next try.
    Down,
    /// It is being opened.
    Dialing(StreamId),
    /// It is open.
    Up(Course),
}

/// Where in telling a peer a node stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Course {
    /// The stream.
    pub stream: StreamId,
    /// How many bytes it takes now.
    pub credit: u32,
    /// Up to which change the peer has been told. Invariant: only grows while the stream lasts.
    pub told: u64,
    /// Where in the snapshot it is: behind this key, or at the beginning; none when all has been sent. O(1) memory.
    pub snapshot: Option<Option<Key>>,
    /// How many records of the snapshot it was sent.
    pub sent: u64,
    /// Whether something was pushed since the timer last fired.
    pub moved: bool,
}

impl Peer {
    /// One to which there is no connection yet.
    pub fn new(id: NodeId) -> Peer {
        Peer {
            id,
            out: Outgoing::Down,
            incoming: None,
        }
    }

    /// Where it stands, if it is connected.
    pub fn course(&self) -> Option<&Course> {
        match &self.out {
            Outgoing::Up(course) => Some(course),
            Outgoing::Down | Outgoing::Dialing(_) => None,
        }
    }

    /// The stream that this node has opened, or is opening.
    pub fn outgoing(&self) -> Option<StreamId> {
        match &self.out {
            Outgoing::Up(course) => Some(course.stream),
            Outgoing::Dialing(stream) => Some(*stream),
            Outgoing::Down => None,
        }
    }
}
