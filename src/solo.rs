//! One process on an empty stage: what a step test is written with.
//!
//! The process gets one input at a time, and what it does is compared with a text. Everyone else is only a name on a
//! message, and time goes by when the test says so.
//!
//! ```
//! use netsplit::raft::{Options, Server, Timer};
//! use netsplit::{NodeId, solo::Solo};
//!
//! let (mut server, _) = Solo::<Server>::boot(NodeId::server(1), 3, Options::default(), &[]);
//! server.fires(Timer::Election).shows(
//!     "note campaigns, term 1
//!      arm Election within 150ms..300ms
//!      write term 1, vote for n1
//!      flush
//!      send n2: request_vote term 1, log ends 0@0
//!      send n3: request_vote term 1, log ends 0@0",
//! );
//! ```

use std::fmt;
use std::sync::Arc;

use crate::outbox::{Effect, Outbox};
use crate::process::{Closing, Config, Damage, Input, Process, Protocol};
use crate::{Life, NodeId, Now, Opener, Span, StreamId, Ticket, Time};

/// When the stage opens, by both clocks: ten seconds after the beginning of time.
pub const START: Time = Time::from_nanos(10_000_000_000);

/// One process on an empty stage.
#[derive(Clone, Debug)]
pub struct Solo<P: Process> {
    /// The process.
    pub process: P,
    /// What its clocks show.
    pub now: Now,
    /// Where it leaves its effects; empty between two steps, while its tickets and streams go on counting.
    pub out: Outbox<P::Protocol>,
}

/// What a process did in one step; printed one effect a line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Deeds<P: Protocol>(Outbox<P>);

/// A record that survived, or what is there in its place.
type Kept<P> = Result<<<P as Process>::Protocol as Protocol>::Record, Damage>;

impl<P: Process> Solo<P> {
    /// A process of a system with so many servers, all alike, that finds this behind what its disk was formatted with.
    pub fn boot(
        me: NodeId,
        servers: u32,
        options: <P::Protocol as Protocol>::Options,
        disk: &[Kept<P>],
    ) -> (Solo<P>, Deeds<P::Protocol>) {
        let servers = (1..=servers).map(NodeId::server).collect();
        Solo::boot_among(Config { servers, options }, me, disk)
    }

    /// The same in any system.
    pub fn boot_among(
        config: Config<P::Protocol>,
        me: NodeId,
        disk: &[Kept<P>],
    ) -> (Solo<P>, Deeds<P::Protocol>) {
        let now = Now {
            wall: START,
            mono: START,
        };
        let formatted = P::format(&config, me).into_iter().map(Ok);
        let disk: Vec<_> = formatted.chain(disk.iter().cloned()).collect();
        let mut out = Outbox::new();
        *out.opener() = Opener::new(me);
        let process = P::boot(&Arc::new(config), me, Life(0), now, &disk, &mut out);
        let mut solo = Solo { process, now, out };
        let deeds = solo.deeds();
        (solo, deeds)
    }

    /// Tickets and streams go on counting from step to step.
    fn deeds(&mut self) -> Deeds<P::Protocol> {
        let deeds = Deeds(self.out.clone());
        self.out.drain();
        deeds
    }

    /// Time goes by.
    pub fn passes(&mut self, span: Span) -> &mut Self {
        self.now.wall += span;
        self.now.mono += span;
        self
    }

    /// Time goes by until so long after the stage opened.
    pub fn is_at(&mut self, since_start: Span) -> &mut Self {
        self.now.wall = START + since_start;
        self.now.mono = START + since_start;
        self
    }

    /// One input.
    pub fn takes(&mut self, input: Input<P::Protocol>) -> Deeds<P::Protocol> {
        self.process.step(self.now, input, &mut self.out);
        self.deeds()
    }

    /// A message comes in.
    pub fn hears(
        &mut self,
        from: NodeId,
        message: <P::Protocol as Protocol>::Message,
    ) -> Deeds<P::Protocol> {
        self.takes(Input::Delivered(from, message))
    }

    /// An alarm goes off.
    pub fn fires(&mut self, timer: <P::Protocol as Protocol>::Timer) -> Deeds<P::Protocol> {
        self.takes(Input::Fired(timer))
    }

    /// Everything up to this ticket is durable.
    pub fn flushed(&mut self, ticket: u64) -> Deeds<P::Protocol> {
        self.takes(Input::Flushed(Ticket(ticket)))
    }

    /// The name service answers with these servers by their numbers.
    pub fn resolves(&mut self, servers: &[u32]) -> Deeds<P::Protocol> {
        let servers = servers.iter().copied().map(NodeId::server);
        self.takes(Input::Resolved(servers.collect()))
    }

    /// A stream is open, whoever opened it.
    pub fn gets_stream(&mut self, stream: StreamId, credit: u32) -> Deeds<P::Protocol> {
        self.takes(Input::Opened { stream, credit })
    }

    /// The next message of a stream.
    pub fn arrives(
        &mut self,
        stream: StreamId,
        message: <P::Protocol as Protocol>::Message,
    ) -> Deeds<P::Protocol> {
        self.takes(Input::Arrived(stream, message))
    }

    /// So many bytes more can be pushed into a stream.
    pub fn gets_credit(&mut self, stream: StreamId, bytes: u32) -> Deeds<P::Protocol> {
        self.takes(Input::Credit(stream, bytes))
    }

    /// A stream is no more.
    pub fn loses(&mut self, stream: StreamId, why: Closing) -> Deeds<P::Protocol> {
        self.takes(Input::Closed(stream, why))
    }
}

impl<P: Protocol> Deeds<P> {
    /// Compares what was done with a text, line by line; indentation and empty lines do not matter.
    ///
    /// # Panics
    /// If they differ, showing both.
    #[track_caller]
    pub fn shows(&self, expected: &str) {
        let lines = expected.lines().map(str::trim);
        let lines = lines.filter(|line| !line.is_empty());
        let expected: String = lines.flat_map(|line| [line, "\n"]).collect();
        let done = self.to_string();
        assert!(done == expected, "it did\n\n{done}\nand not\n\n{expected}");
    }

    /// What was done, in order.
    pub fn effects(&self) -> &[Effect<P>] {
        self.0.effects()
    }

    /// The messages that were sent, and to whom.
    pub fn messages(&self) -> impl Iterator<Item = (NodeId, &P::Message)> {
        self.effects().iter().filter_map(|effect| match effect {
            Effect::Send { to, message, .. } => Some((*to, message)),
            _ => None,
        })
    }

    /// The only message that was sent.
    ///
    /// # Panics
    /// If there was none, or another.
    #[track_caller]
    pub fn answer(&self) -> P::Message {
        let mut messages = self.messages();
        let (_, message) = messages.next().expect("something is sent");
        assert_eq!(messages.next(), None, "only one message is sent");
        message.clone()
    }

    /// The messages that were pushed, and into which streams.
    pub fn pushed(&self) -> impl Iterator<Item = (StreamId, &P::Message)> {
        self.effects().iter().filter_map(|effect| match effect {
            Effect::Push {
                stream, message, ..
            } => Some((*stream, message)),
            _ => None,
        })
    }
}

impl<P: Protocol> fmt::Display for Deeds<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
