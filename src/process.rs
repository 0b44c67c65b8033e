//! What a participant is: a deterministic state machine that takes one input and answers with effects.
//!
//! A process owns no socket, clock, disk or thread. The world hands it one [`Input`] at a time and carries out, in
//! order, the [`crate::Effect`]s it leaves in its [`Outbox`]. **The order of the outbox is law, and a crash may fall between
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
//! use netsplit::{Config, Damage, Input, Kinds, Life, Never, NodeId, Now, OpId, Outbox, Outcome, Process, Protocol, Size};
//! use std::fmt;
//! use std::sync::Arc;
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
//!     type Note = Never;                             // it does nothing that is worth a word
//!     type Options = ();
//! }
//!
//! #[derive(Clone, PartialEq, Eq, Hash, Debug)]
//! struct Register { peer: NodeId, value: u64, asking: Option<OpId> }
//!
//! impl Process for Register {
//!     type Protocol = Copying;
//!
//!     fn boot(
//!         config: &Arc<Config<Copying>>, me: NodeId, _: Life, _: Now, disk: &[Result<u64, Damage>], _: &mut Outbox<Copying>,
//!     ) -> Self {
//!         let peer = config.others(me).next().expect("there are two of them");
//!         let value = disk.iter().flatten().copied().last().unwrap_or(0);
//!         Register { peer, value, asking: None }
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
//!             // It has begun nothing that it could not leave.
//!             Input::Quit => out.stop("was asked to quit"),
//!             // It speaks in datagrams, sets no alarm, and knows its peer.
//!             _ => {}
//!         }
//!     }
//! }
//!
//! // One step, its outbox as text: this is what a step test looks like.
//! let (a, b) = (NodeId::server(1), NodeId::server(2));
//! let config = Arc::new(Config { servers: vec![a, b], options: () });
//! let mut out = Outbox::new();
//! let mut register = Register::boot(&config, b, Life(0), Now::default(), &[], &mut out);
//! register.step(Now::default(), Input::Delivered(a, Message::Copy(7)), &mut out);
//! assert_eq!(out.to_string(), "write 7\nflush\nsend n1: copied 7\n");
//! ```

use std::fmt::{self, Debug, Display};
use std::hash::Hash;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::queue::Losable;
use crate::{Life, NodeId, Now, OpId, Outbox, StreamId, Ticket};

/// The vocabulary of one protocol: what travels, what is written, what is asked, what is noted, what can be set.
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
    /// Every constant of the real system and every mechanism that can be switched off: what a scenario sets under
    /// `[options]`. A key that it does not know must be an error (`deny_unknown_fields`). `()` if there is nothing to set.
    type Options: Clone + Eq + Hash + Debug + Default + Serialize + DeserializeOwned + Send + Sync;
}

/// Who takes part, and with which constants: what every process is told at every start.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Config<P: Protocol> {
    /// The servers, those of a class together and in order of their numbers.
    pub servers: Vec<NodeId>,
    /// What the scenario sets.
    pub options: P::Options,
}

impl<P: Protocol> Config<P> {
    /// All servers but this one, in order.
    pub fn others(&self, me: NodeId) -> impl Iterator<Item = NodeId> {
        self.servers.iter().copied().filter(move |id| *id != me)
    }
}

/// Of what there is none: the notes of a protocol that makes none, the records of one that writes nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Never {}

impl Display for Never {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

impl Kinds for Never {
    const KINDS: &'static [&'static str] = &[];

    fn kind(&self) -> usize {
        match *self {}
    }
}

impl Size for Never {}

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
    /// Its size in bytes; if it does not say, what it takes in memory, without what it points to.
    fn size(&self) -> usize {
        size_of_val(self)
    }
}

impl Size for u64 {}

/// A participant: replica, client, controller, balancer. See the [module](self) for the rules and an example.
///
/// `Clone + Eq + Hash`, so that small worlds can be explored exhaustively.
pub trait Process: Clone + Eq + Hash + Debug + Sized {
    /// Its vocabulary.
    type Protocol: Protocol;

    /// What an operator puts on its disk before the first start, as real systems are formatted or given an identity: a
    /// process that does not find it again has been wiped, and must not act as if it remembered.
    fn format(
        _config: &Config<Self::Protocol>,
        _me: NodeId,
    ) -> Vec<<Self::Protocol as Protocol>::Record> {
        Vec::new()
    }

    /// The first start and every restart.
    ///
    /// `disk` is what survived, oldest first; `life` counts the starts. What the boot leaves in `out` is carried out
    /// like the effects of a step. A process that stops in a step is started again by its supervisor, unless it was
    /// [asked to](Input::Quit): then when its operator wants it back. One that stops while it boots is lost.
    fn boot(
        config: &Arc<Config<Self::Protocol>>,
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

/// A role that a process claims. Of several who claim it, one of those of the highest rank is meant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Role {
    /// One of its mode's role names.
    pub name: &'static str,
    /// A leader's term or epoch, or the like; higher is newer. 0 where all are meant alike.
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
        /// Which; its name says who opened it, and to whom.
        stream: StreamId,
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
