//! What a process does: a list of effects, in order. What each class of them means, [`crate::process`] says.

use std::fmt::{self, Display};

use crate::process::{Outcome, Protocol};
use crate::{NodeId, OpId, Opener, SpanRange, StreamId, Ticket};

/// What a process asks of the world. The classes are those of [`crate::process`].
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Effect<P: Protocol> {
    /// Outward: send a datagram.
    Send {
        /// To whom.
        to: NodeId,
        /// What.
        message: P::Message,
        /// Whether it may overtake flushes, because it rests on nothing in the cache.
        pass: bool,
    },
    /// Outward: open a stream; [`crate::Input::Opened`] or [`crate::Input::Closed`] says what came of it, if anything
    /// comes back at all.
    Open(StreamId),
    /// Outward: push a message into a stream. One that is over swallows it.
    Push {
        /// Which.
        stream: StreamId,
        /// What; no more bytes than there is credit for.
        message: P::Message,
        /// Whether it may overtake flushes, because it rests on nothing in the cache.
        pass: bool,
    },
    /// Outward: close a stream. What was pushed before still arrives; nothing more comes of it here, from the step in
    /// which it is closed.
    Close(StreamId),
    /// Outward, and past every flush: ask for the servers that the mode's name stands for; [`crate::Input::Resolved`] answers,
    /// if anything does.
    Resolve,
    /// Outward: tell the client boundary how an operation ended.
    Respond(OpId, Outcome<P::Response>),
    /// Disk: append a record to the cache.
    Write(P::Record),
    /// Disk: replace all that is on disk, atomically when flushed.
    Rewrite(Vec<P::Record>),
    /// Disk: make durable what was written so far.
    Flush(Ticket),
    /// Inner: fire this timer once, at an instant that the world draws from the range.
    Arm(P::Timer, SpanRange),
    /// Inner: do not fire it.
    Disarm(P::Timer),
    /// Inner: say what was done.
    Note(P::Note),
    /// Inner: this process has met something it cannot go on from; it is down until its supervisor starts it again.
    Stop(&'static str),
}

/// The effects of one step, in order.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Outbox<P: Protocol> {
    effects: Vec<Effect<P>>,
    last: Ticket,
    opener: Opener,
}

impl<P: Protocol> Default for Outbox<P> {
    fn default() -> Self {
        Outbox {
            effects: Vec::new(),
            last: Ticket(0),
            opener: Opener::new(NodeId::server(1)),
        }
    }
}

impl<P: Protocol> Outbox<P> {
    /// An empty outbox whose first flush gets ticket 1.
    pub fn new() -> Self {
        Outbox::default()
    }

    /// Sends a message once every flush asked for so far is done.
    pub fn send(&mut self, to: NodeId, message: P::Message) {
        self.effects.push(Effect::Send {
            to,
            message,
            pass: false,
        });
    }

    /// Sends a message that rests on nothing in the cache: it waits for no flush. Say why beside the call.
    pub fn send_past_flush(&mut self, to: NodeId, message: P::Message) {
        self.effects.push(Effect::Send {
            to,
            message,
            pass: true,
        });
    }

    /// Opens a stream to a node, once every flush asked for so far is done.
    pub fn open(&mut self, to: NodeId) -> StreamId {
        let stream = self.opener.open(to);
        self.effects.push(Effect::Open(stream));
        stream
    }

    /// Pushes a message into a stream, once every flush asked for so far is done. It must fit into the stream's window.
    pub fn push(&mut self, stream: StreamId, message: P::Message) {
        self.effects.push(Effect::Push {
            stream,
            message,
            pass: false,
        });
    }

    /// Pushes a message that rests on nothing in the cache: it waits for no flush. Say why beside the call.
    pub fn push_past_flush(&mut self, stream: StreamId, message: P::Message) {
        self.effects.push(Effect::Push {
            stream,
            message,
            pass: true,
        });
    }

    /// Asks for the servers that the mode's name stands for. It rests on nothing in the cache and waits for no flush.
    pub fn resolve(&mut self) {
        self.effects.push(Effect::Resolve);
    }

    /// Closes a stream behind what was pushed.
    pub fn close(&mut self, stream: StreamId) {
        self.effects.push(Effect::Close(stream));
    }

    /// Ends a client operation.
    pub fn respond(&mut self, op: OpId, outcome: Outcome<P::Response>) {
        self.effects.push(Effect::Respond(op, outcome));
    }

    /// Appends a record to the disk's cache.
    pub fn write(&mut self, record: P::Record) {
        self.effects.push(Effect::Write(record));
    }

    /// Replaces everything on disk; atomic once flushed.
    pub fn rewrite(&mut self, records: Vec<P::Record>) {
        self.effects.push(Effect::Rewrite(records));
    }

    /// Asks for all that was written so far to be made durable; [`crate::Input::Flushed`] with this ticket, or a later one,
    /// says when.
    pub fn flush(&mut self) -> Ticket {
        self.last.0 += 1;
        self.effects.push(Effect::Flush(self.last));
        self.last
    }

    /// Sets an alarm, at an instant drawn from `within` on this node's monotonic clock; an equal one is replaced.
    pub fn arm(&mut self, timer: P::Timer, within: impl Into<SpanRange>) {
        self.effects.push(Effect::Arm(timer, within.into()));
    }

    /// Takes an alarm back, if it is set.
    pub fn disarm(&mut self, timer: P::Timer) {
        self.effects.push(Effect::Disarm(timer));
    }

    /// Says what was done, in the protocol's words.
    pub fn note(&mut self, note: P::Note) {
        self.effects.push(Effect::Note(note));
    }

    /// Goes down until restarted, saying why.
    pub fn stop(&mut self, reason: &'static str) {
        self.effects.push(Effect::Stop(reason));
    }

    /// The effects so far.
    pub fn effects(&self) -> &[Effect<P>] {
        &self.effects
    }

    /// The effects so far, to be changed: for planted mistakes.
    pub fn effects_mut(&mut self) -> &mut Vec<Effect<P>> {
        &mut self.effects
    }

    /// Takes the effects out, in order; the allocation stays.
    pub fn drain(&mut self) -> std::vec::Drain<'_, Effect<P>> {
        self.effects.drain(..)
    }

    /// Who opens streams here, and from which to go on: a world keeps one count per node.
    pub fn opener(&mut self) -> &mut Opener {
        &mut self.opener
    }

    /// The last ticket given, and from which to go on: a world keeps one count per node.
    pub fn last_ticket(&mut self) -> &mut Ticket {
        &mut self.last
    }
}

/// One effect a line.
impl<P: Protocol> Display for Outbox<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.effects
            .iter()
            .try_for_each(|effect| writeln!(f, "{effect}"))
    }
}

impl<P: Protocol> Display for Effect<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Effect::Send {
                to,
                message,
                pass: false,
            } => write!(f, "send {to}: {message}"),
            Effect::Send {
                to,
                message,
                pass: true,
            } => write!(f, "send {to} past flush: {message}"),
            Effect::Open(stream) => write!(f, "open {stream} to {}", stream.to),
            Effect::Push {
                stream,
                message,
                pass: false,
            } => write!(f, "push {stream}: {message}"),
            Effect::Push {
                stream,
                message,
                pass: true,
            } => write!(f, "push {stream} past flush: {message}"),
            Effect::Close(stream) => write!(f, "close {stream}"),
            Effect::Resolve => f.write_str("resolve"),
            Effect::Respond(op, outcome) => write!(f, "respond {op} {outcome}"),
            Effect::Write(record) => write!(f, "write {record}"),
            Effect::Rewrite(records) => write!(f, "rewrite with {} records", records.len()),
            Effect::Flush(_) => f.write_str("flush"),
            Effect::Arm(timer, within) => write!(f, "arm {timer:?} within {within}"),
            Effect::Disarm(timer) => write!(f, "disarm {timer:?}"),
            Effect::Note(note) => write!(f, "note {note}"),
            Effect::Stop(reason) => write!(f, "stop: {reason}"),
        }
    }
}
