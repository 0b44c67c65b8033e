//! What a node knows of another: the stream that it opened to it, how far it has told it, and what it hears from it.

use std::collections::{BTreeSet, VecDeque};

use super::ZoneSync;
use super::frame::Sealed;
use super::message::Message;
use super::state::Counters;
use super::sums::LAST;
use crate::kv::Key;
use crate::{NodeId, Outbox, StreamId, Time};

/// One of the other nodes.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Peer {
    /// Whether it is one of those to connect to. One that is not may still speak.
    pub wanted: bool,
    /// What this node pushes to it goes over a stream that this node opened.
    pub out: Outgoing,
    /// What it pushes comes over a stream that it opened.
    pub incoming: Option<Incoming>,
    /// Since when it has not been heard, on the monotonic clock, if it is not.
    pub unheard: Time,
    /// Whom it says that it cannot hear.
    pub misses: BTreeSet<NodeId>,
}

/// A stream to push into, and how much it takes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Line {
    /// The stream.
    pub stream: StreamId,
    /// How many bytes it takes now.
    pub credit: u32,
}

/// A stream that a peer opened.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Incoming {
    /// What answers are pushed into.
    pub line: Line,
    /// Answers that it did not take yet. Bounded: a peer waits for one before it asks about the same zone again.
    pub answers: VecDeque<Sealed>,
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
    /// What it is told through.
    pub line: Line,
    /// How far it is, by zone, in the order in which the node has them.
    pub zones: Vec<Telling>,
    /// Whom the peer was told that this node cannot hear.
    pub missed: BTreeSet<NodeId>,
    /// When the peer was last asked whether it is there, on the monotonic clock.
    pub asked: Time,
}

/// How far a peer has been told of one zone.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Telling {
    /// Up to which change. Invariant: only grows while the stream lasts.
    pub told: u64,
    /// Where in going over all that the zone holds; none when that is done.
    pub walk: Option<Walk>,
}

/// A walk over all that a zone holds, to tell a peer what it lacks. Takes no more memory than a frame.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Walk {
    /// Where it is.
    pub stage: Stage,
    /// How many records were sent.
    pub sent: u64,
}

/// Where a walk is.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Stage {
    /// The peer is to be sent digests of what stands behind this key.
    Compare(Option<Key>),
    /// It was sent digests up to this key, and has not said what it wants.
    Asked(Key),
    /// It is sent what it wants: what stands behind a key up to another. Then the walk goes on behind the last.
    Send(VecDeque<(Option<Key>, Key)>, Key),
}

impl Walk {
    /// From the beginning: with digests first, or simply everything.
    pub fn new(digests: bool) -> Walk {
        let stage = if digests {
            Stage::Compare(None)
        } else {
            Stage::Send(VecDeque::from([(None, LAST)]), LAST)
        };
        Walk { stage, sent: 0 }
    }
}

impl Line {
    /// Whether it takes so many bytes.
    pub fn takes(&self, bytes: usize) -> bool {
        bytes <= self.credit as usize
    }

    /// Pushes a frame that it takes. It never waits for a flush: what a node tells, asks or answers is what it holds and
    /// hears, durable or not.
    pub(super) fn push(
        &mut self,
        frame: Sealed,
        counters: &mut Counters,
        out: &mut Outbox<ZoneSync>,
    ) {
        let (stream, size) = (self.stream, frame.size());
        assert!(self.takes(size), "{stream} takes no {size} bytes");
        self.credit -= size as u32;
        counters.went(size);
        out.push_past_flush(stream, Message::Frame(frame));
    }
}

impl Course {
    /// At the beginning of a stream: what changed so far stands in what the walks go over.
    pub fn new(line: Line, newest: impl Iterator<Item = u64>, digests: bool, now: Time) -> Course {
        let telling = |told| Telling {
            told,
            walk: Some(Walk::new(digests)),
        };
        Course {
            line,
            zones: newest.map(telling).collect(),
            missed: BTreeSet::new(),
            asked: now,
        }
    }

    /// Goes over everything once more, where it is not at it.
    pub fn walk_again(&mut self, digests: bool) {
        for telling in &mut self.zones {
            telling.walk.get_or_insert_with(|| Walk::new(digests));
        }
    }
}

impl Peer {
    /// One to which there is no connection yet.
    pub fn new(wanted: bool, now: Time) -> Peer {
        Peer {
            wanted,
            out: Outgoing::Down,
            incoming: None,
            unheard: now,
            misses: BTreeSet::new(),
        }
    }

    /// Where it stands, if it is connected.
    pub fn course(&self) -> Option<&Course> {
        match &self.out {
            Outgoing::Up(course) => Some(course),
            Outgoing::Down | Outgoing::Dialing(_) => None,
        }
    }

    /// The same, to go on.
    pub fn course_mut(&mut self) -> Option<&mut Course> {
        match &mut self.out {
            Outgoing::Up(course) => Some(course),
            Outgoing::Down | Outgoing::Dialing(_) => None,
        }
    }

    /// The stream that this node has opened, or is opening.
    pub fn outgoing(&self) -> Option<StreamId> {
        match &self.out {
            Outgoing::Up(course) => Some(course.line.stream),
            Outgoing::Dialing(stream) => Some(*stream),
            Outgoing::Down => None,
        }
    }

    /// The stream that it has opened.
    pub fn heard_on(&self) -> Option<StreamId> {
        self.incoming.as_ref().map(|incoming| incoming.line.stream)
    }
}
