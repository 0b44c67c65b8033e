//! What a participant is: a deterministic state machine that takes one input and answers with effects.
//!
//! A process owns no socket, clock, disk or thread. The world hands it one [`Input`] at a time and carries out, in
//! order, the [`Effect`]s it leaves in its [`Outbox`]. **The order of the outbox is law, and a crash may fall between
//! any two effects**, so "persist, then promise" is three adjacent lines:
//!
//! ```text
//! out.write(record);            // joins the disk's cache
//! out.flush();                  // asks for everything written so far to be made durable
//! out.send(leader, promise);    // leaves only when that flush is done
//! ```
//!
//! Three classes of effects:
//!
//! * *disk* effects (write, rewrite, flush) are ordered among themselves and never held. One flush runs at a time; the
//!   next covers all that was written by then, so group commit costs nothing to write.
//! * *outward* effects (send, open, push, close, respond) are what anyone else can see. They wait for every flush that this node asked for
//!   before them, in this step or an earlier one, and leave in order. One that rests on nothing in the cache may be
//!   marked to pass, with the reason in a comment. One kind always passes: a question to the name service (resolve),
//!   which rests on nothing.
//! * *inner* effects (arm, disarm, note, stop) act at once. A note says "the process did this", not "this is durable".
//!
//! Two services carry messages. A *datagram* ([`Outbox::send`]) may be lost, doubled or overtaken. A *stream*
//! ([`Outbox::open`]) delivers whole messages in order or ends: bytes that are pushed into it use up its window, which
//! opens again as the peer takes them in; a lost segment delays what is behind it, and a link that is cut stalls it. A
//! process that dies resets its streams, and with that a suffix of what it had pushed may be lost; a host that dies says
//! nothing, and its peers find out when a segment of theirs meets its restart. Timeouts belong to the protocol.
//!
//! A third service tells who is there. One name stands for the servers of a mode, as a name in DNS does, and
//! [`Outbox::resolve`] asks for them. The list is the operator's: it says nothing of who is up. It may be old, empty, or
//! never come.
//!
//! At a crash all that is held, armed or open is gone, and any prefix of what was written and not flushed survives. A
//! process that stops by itself crashes there: one that is asked to stop flushes first what it must not lose, and stops
//! when it is told that this is done.
//!
//! # A complete protocol
//!
//! A register that copies what it is told to its peer and confirms when the copy is on the peer's disk:
//!
//! ```
//! use netsplit::{Damage, Input, Kinds, Life, NodeId, Now, OpId, Outbox, Outcome, Process, Protocol, Size};
//! use std::fmt;
//!
//! #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
//! struct Copying;
//!
//! #[derive(Clone, PartialEq, Eq, Hash, Debug)]
//! enum Message { Copy(u64), Copied(u64) }
//!
//! impl fmt::Display for Message {
//!     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
//!         match self {
//!             Message::Copy(value) => write!(f, "copy {value}"),
//!             Message::Copied(value) => write!(f, "copied {value}"),
//!         }
//!     }
//! }
//!
//! impl Kinds for Message {
//!     const KINDS: &'static [&'static str] = &["copy", "copied"];
//!     fn kind(&self) -> usize {
//!         match self { Message::Copy(_) => 0, Message::Copied(_) => 1 }
//!     }
//! }
//!
//! #[derive(Clone, PartialEq, Eq, Hash, Debug)]
//! struct Kept;                                       // its one note
//! impl fmt::Display for Kept {
//!     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str("kept") }
//! }
//! impl Kinds for Kept {
//!     const KINDS: &'static [&'static str] = &["kept"];
//!     fn kind(&self) -> usize { 0 }
//! }
//!
//! impl Size for Message {
//!     fn size(&self) -> usize { 8 }                  // bytes on the wire
//! }
//!
//! impl Protocol for Copying {
//!     type Message = Message;
//!     type Timer = ();
//!     type Record = u64;
//!     type Request = u64;
//!     type Response = u64;
//!     type Note = Kept;
//! }
//!
//! #[derive(Clone, PartialEq, Eq, Hash, Debug)]
//! struct Register { peer: NodeId, value: u64, asking: Option<OpId> }
//!
//! impl Process for Register {
//!     type Protocol = Copying;
//!     type Config = NodeId;
//!
//!     fn boot(peer: &NodeId, _: NodeId, _: Life, _: Now, disk: &[Result<u64, Damage>], _: &mut Outbox<Copying>) -> Self {
//!         let value = disk.iter().flatten().copied().last().unwrap_or(0);
//!         Register { peer: *peer, value, asking: None }
//!     }
//!
//!     fn step(&mut self, _: Now, input: Input<Copying>, out: &mut Outbox<Copying>) {
//!         match input {
//!             Input::Requested(op, value) => {
//!                 self.asking = Some(op);
//!                 out.send(self.peer, Message::Copy(value));
//!             }
//!             Input::Delivered(from, Message::Copy(value)) => {
//!                 self.value = value;
//!                 out.note(Kept);
//!                 out.write(value);
//!                 out.flush();
//!                 out.send(from, Message::Copied(value));
//!             }
//!             Input::Delivered(_, Message::Copied(value)) => {
//!                 if let Some(op) = self.asking.take() {
//!                     out.respond(op, Outcome::Ok(value));
//!                 }
//!             }
//!             Input::Failed(_) => out.stop("the disk failed"),
//!             // It speaks in datagrams.
//!             Input::Opened { .. } | Input::Arrived(..) | Input::Credit(..) | Input::Closed(..) => {}
//!             // It has begun nothing that it could not leave, and knows its peer.
//!             Input::Quit => out.stop("was asked to quit"),
//!             Input::Fired(()) | Input::Flushed(_) | Input::Resolved(_) => {}
//!         }
//!     }
//! }
//!
//! // One step, its outbox as text: this is what a step test looks like.
//! let (a, b) = (NodeId::server(1), NodeId::server(2));
//! let mut out = Outbox::new();
//! let mut register = Register::boot(&a, b, Life(0), Now::default(), &[], &mut out);
//! register.step(Now::default(), Input::Delivered(a, Message::Copy(7)), &mut out);
//! assert_eq!(out.to_string(), "note kept\nwrite 7\nflush\nsend n1: copied 7\n");
//! ```

use std::fmt::{self, Debug, Display};
use std::hash::Hash;

use crate::queue::Losable;
use crate::{Life, NodeId, Now, OpId, SpanRange, StreamId, Ticket};

/// The vocabulary of one protocol: what travels, what is written, what is asked, what is noted.
///
/// All roles of a mode share one vocabulary; a mode's marker type carries it. It stands apart from [`Process`] so that
/// several roles, and wrappers around them, can speak it without translation.
pub trait Protocol: Copy + Eq + Hash + Debug + Send + Sync + 'static {
    /// What travels between nodes.
    type Message: Clone + Eq + Hash + Debug + Display + Kinds + Size;
    /// The alarms that a process can set. Arming an equal one replaces it.
    type Timer: Copy + Eq + Hash + Debug;
    /// One durable write.
    type Record: Clone + Eq + Hash + Debug + Display + Size;
    /// What a client asks.
    type Request: Clone + Eq + Hash + Debug + Display;
    /// What a client is answered.
    type Response: Clone + Eq + Hash + Debug + Display;
    /// What a process did, in the protocol's words.
    type Note: Clone + Eq + Hash + Debug + Display + Kinds;
}

/// A closed set of kinds with names: of messages, so that faults and figures can speak of one kind, and of notes, so
/// that a scenario can say which it expects to see.
pub trait Kinds {
    /// The names, in the order of [`Kinds::kind`].
    const KINDS: &'static [&'static str];
    /// Which of [`Kinds::KINDS`] this is.
    fn kind(&self) -> usize;
}

/// What something weighs on a wire or a disk.
pub trait Size {
    /// Its size in bytes.
    fn size(&self) -> usize {
        size_of_val(self)
    }
}

impl Size for () {}
impl Size for u64 {}

/// A participant: replica, client, controller, balancer. See the [module](self) for the rules and an example.
///
/// `Clone + Eq + Hash`, so that small worlds can be explored exhaustively.
pub trait Process: Clone + Eq + Hash + Debug + Sized {
    /// Its vocabulary.
    type Protocol: Protocol;
    /// What it is told at every start: its peers and options.
    type Config: Clone + Debug;

    /// What an operator puts on its disk before the first start, as real systems are formatted or given an identity: a
    /// process that does not find it again has been wiped, and must not act as if it remembered.
    fn format(_config: &Self::Config, _me: NodeId) -> Vec<<Self::Protocol as Protocol>::Record> {
        Vec::new()
    }

    /// The first start and every restart.
    ///
    /// `disk` is what survived, oldest first; `life` counts the starts. What the boot leaves in `out` is carried out
    /// like the effects of a step. A process that stops in a step is started again by its supervisor, unless it was
    /// [asked to](Input::Quit): then when its operator wants it back. One that stops while it boots is lost.
    fn boot(
        config: &Self::Config,
        me: NodeId,
        life: Life,
        now: Now,
        disk: &[Result<<Self::Protocol as Protocol>::Record, Damage>],
        out: &mut Outbox<Self::Protocol>,
    ) -> Self;

    /// One input, answered with effects.
    ///
    /// A strange message is a case, not an error. A broken internal invariant is an `assert!`: the world reports a
    /// panic like any other violation.
    fn step(&mut self, now: Now, input: Input<Self::Protocol>, out: &mut Outbox<Self::Protocol>);

    /// What it claims to be, if that is anything a fault could aim at.
    fn role(&self) -> Option<Role> {
        None
    }

    /// What it shows an operator, by name: counters and levels, for the trace and for reports. Nothing is decided by them.
    fn gauges(&self) -> Vec<(&'static str, u64)> {
        Vec::new()
    }

    /// Its in-memory queues by name. The world may lose any part of them, without warning, as in life.
    fn queues(&mut self) -> Vec<(&'static str, &mut dyn Losable)> {
        Vec::new()
    }
}

/// A role that a process claims, with a rank: of two who claim to be `leader`, the one of the higher term is meant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Role {
    /// One of its mode's role names.
    pub name: &'static str,
    /// Term, epoch or the like; higher is newer.
    pub rank: u64,
}

/// What a boot finds in place of a record.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Damage {
    /// The last write was cut short by the crash; nothing stands behind it. The tail ends here: what is written next
    /// takes its place.
    Torn,
    /// The record was once durable and cannot be read any more.
    Rotten,
}

/// What a disk could not do.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum DiskError {
    /// A write failed: it, and everything behind it in that step's outbox, did not happen.
    Write,
    /// The same, since the disk is full.
    Full,
    /// A flush failed, and with it all up to this ticket: of what was written by then any prefix is durable and the rest
    /// is gone, and what was held for it never leaves. A later flush may well succeed, and says nothing about what this
    /// one lost.
    Flush(Ticket),
}

/// Why a stream is no more.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Closing {
    /// Nobody was there to open it to.
    Refused,
    /// The peer, or something between, broke it off: a suffix of what was pushed, either way, may be lost.
    Reset,
    /// The peer closed it, and all that it had pushed before has arrived.
    Finished,
}

/// What the world hands to a process.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Input<P: Protocol> {
    /// A message from that node. It may be late, doubled or out of order.
    Delivered(NodeId, P::Message),
    /// An alarm that was armed in this life.
    Fired(P::Timer),
    /// A client is asked to perform this operation; never two at once.
    Requested(OpId, P::Request),
    /// Everything written before this ticket's flush is durable.
    Flushed(Ticket),
    /// A stream is open.
    Opened {
        /// Which.
        stream: StreamId,
        /// Who is at the other end.
        peer: NodeId,
        /// Whether this process opened it.
        mine: bool,
        /// How many bytes can be pushed into it before credit comes back.
        credit: u32,
    },
    /// The next message of a stream.
    Arrived(StreamId, P::Message),
    /// So many bytes more can be pushed into a stream.
    Credit(StreamId, u32),
    /// A stream is no more. What is still pushed into it goes nowhere.
    Closed(StreamId, Closing),
    /// The servers that the name stood for when they were [asked](Outbox::resolve) for, in order, this one among them
    /// if it is listed. None, if the name service does not know better.
    Resolved(Vec<NodeId>),
    /// The operator asks the process to finish what it has begun and stop (SIGTERM, `nginx -s quit`). It stops by itself
    /// ([`Outbox::stop`]), behind a flush of what must not be lost; one that has not when its time is up is killed. It
    /// may be asked more than once.
    Quit,
    /// The disk failed. What is in memory is ahead of what is durable: a process may only [stop](Outbox::stop), or know
    /// very well what it does.
    Failed(DiskError),
}

/// How an operation ended, as its client knows it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Outcome<R> {
    /// It was done, and this is the answer.
    Ok(R),
    /// It was certainly not done and never will be.
    Failed,
    /// It may have been done, or may still be.
    Unknown,
}

/// What a process asks of the world. The classes are those of the [module](self).
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
    /// Outward: open a stream to that node; [`Input::Opened`] or [`Input::Closed`] says what came of it, if anything
    /// comes back at all.
    Open(StreamId, NodeId),
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
    /// Outward, and past every flush: ask for the servers that the mode's name stands for; [`Input::Resolved`] answers,
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
    last_stream: StreamId,
}

impl<P: Protocol> Default for Outbox<P> {
    fn default() -> Self {
        Outbox {
            effects: Vec::new(),
            last: Ticket(0),
            last_stream: StreamId::before_first(NodeId::server(1)),
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
        self.last_stream = self.last_stream.next();
        self.effects.push(Effect::Open(self.last_stream, to));
        self.last_stream
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

    /// Asks for all that was written so far to be made durable; [`Input::Flushed`] with this ticket, or a later one,
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

    /// The last stream opened, and from which to go on: a world keeps one count per node.
    pub fn last_stream(&mut self) -> &mut StreamId {
        &mut self.last_stream
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
            Effect::Open(stream, to) => write!(f, "open {stream} to {to}"),
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

impl Display for Closing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Closing::Refused => "refused",
            Closing::Reset => "reset",
            Closing::Finished => "finished",
        })
    }
}

impl Display for DiskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DiskError::Write => "a write failed",
            DiskError::Full => "the disk is full",
            DiskError::Flush(_) => "a flush failed",
        })
    }
}

impl<R: Display> Display for Outcome<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Ok(response) => write!(f, "ok {response}"),
            Outcome::Failed => f.write_str("failed"),
            Outcome::Unknown => f.write_str("unknown"),
        }
    }
}
