//! A connection, seen by who dialled it: a stream over which it asks now and then whether the other is there.

use super::SessionData;
use super::digest::Sum;
use super::message::{Message, Timer};
use super::names::ProcessId;
use super::note::Note;
use super::options::Client as Options;
use crate::{NodeId, Outbox, StreamId};

/// A connection, or the lack of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Link {
    /// There is none.
    Down,
    /// It is being made.
    Dialing(StreamId),
    /// It is there.
    Up {
        /// Which.
        stream: StreamId,
        /// How many signs of life were asked for and did not come.
        misses: u32,
    },
}

impl Link {
    /// The connection, if it is there.
    pub fn up(&self) -> Option<StreamId> {
        match self {
            Link::Up { stream, .. } => Some(*stream),
            _ => None,
        }
    }

    /// The stream, be it there or on its way.
    fn stream(&self) -> Option<StreamId> {
        match self {
            Link::Down => None,
            Link::Dialing(stream) | Link::Up { stream, .. } => Some(*stream),
        }
    }

    /// Opens it, unless there is one.
    pub fn dial(&mut self, to: NodeId, options: &Options, out: &mut Outbox<SessionData>) {
        if *self == Link::Down {
            *self = Link::Dialing(out.open(to));
            out.arm(Timer::Connecting(to), options.connect);
        }
    }

    /// It is there: says who it is. Whether that is so for this link.
    pub fn on_opened(
        &mut self,
        (me, stream): (ProcessId, StreamId),
        options: &Options,
        out: &mut Outbox<SessionData>,
    ) -> bool {
        if *self != Link::Dialing(stream) {
            return false;
        }
        *self = Link::Up { stream, misses: 0 };
        out.note(Note::Connects(stream.to));
        out.disarm(Timer::Connecting(stream.to));
        out.push(stream, Message::Hello(me));
        out.arm(Timer::Ping(stream.to), options.ping);
        true
    }

    /// Asks whether the other is there. Whether it has missed too many answers, and the connection is given up.
    pub fn ping(
        &mut self,
        sum: Option<Sum>,
        options: &Options,
        out: &mut Outbox<SessionData>,
    ) -> bool {
        let Link::Up { stream, misses } = self else {
            return false;
        };
        if *misses > options.misses {
            return self.give_up(out).is_some();
        }
        *misses += 1;
        out.push(*stream, Message::Ping(sum));
        out.arm(Timer::Ping(stream.to), options.ping);
        false
    }

    /// The other is there.
    pub fn on_pong(&mut self, from: StreamId) {
        if let Link::Up { stream, misses } = self
            && *stream == from
        {
            *misses = 0;
        }
    }

    /// The stream is no more. Whether it was this one's.
    pub fn on_closed(&mut self, closed: StreamId, out: &mut Outbox<SessionData>) -> bool {
        let is_it = self.stream() == Some(closed);
        if is_it {
            self.ends(closed, out);
        }
        is_it
    }

    /// Gives the connection up, or the try to make one.
    pub fn give_up(&mut self, out: &mut Outbox<SessionData>) -> Option<StreamId> {
        let stream = self.stream()?;
        out.close(stream);
        self.ends(stream, out);
        Some(stream)
    }

    fn ends(&mut self, stream: StreamId, out: &mut Outbox<SessionData>) {
        *self = Link::Down;
        out.note(Note::Loses(stream.to));
        out.disarm(Timer::Connecting(stream.to));
        out.disarm(Timer::Ping(stream.to));
    }
}
