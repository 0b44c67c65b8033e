//! The smallest mode: every node sends every other a heartbeat at a fixed interval. What it costs is the engine's cost.

use std::fmt;
use std::ops::RangeInclusive;

use netsplit::{
    Ask, Broken, Cluster, Damage, Input, Invariants, Kinds, Life, Member, Mode, NodeId, Now,
    Outbox, Outcome, Process, Promise, Protocol, Size, Span,
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Heartbeat;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Beat(u64);

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Node {
    others: Vec<NodeId>,
    interval: Span,
    sent: u64,
    heard: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Options {
    interval: Span,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            interval: Span::millis(50),
        }
    }
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Nothing {}

impl fmt::Display for Nothing {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

impl Kinds for Nothing {
    const KINDS: &'static [&'static str] = &[];
    fn kind(&self) -> usize {
        match *self {}
    }
}

impl fmt::Display for Beat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "beat {}", self.0)
    }
}

impl Kinds for Beat {
    const KINDS: &'static [&'static str] = &["beat"];
    fn kind(&self) -> usize {
        0
    }
}

impl Size for Beat {}

impl Protocol for Heartbeat {
    type Message = Beat;
    type Timer = ();
    type Record = u64;
    type Request = u64;
    type Response = u64;
    type Note = Nothing;
}

impl Process for Node {
    type Protocol = Heartbeat;
    type Config = (Vec<NodeId>, Span);

    fn boot(
        (others, interval): &Self::Config,
        me: NodeId,
        _: Life,
        _: Now,
        _: &[Result<u64, Damage>],
        out: &mut Outbox<Heartbeat>,
    ) -> Node {
        if !me.is_client() {
            out.arm((), *interval);
        }
        Node {
            others: others.clone(),
            interval: *interval,
            sent: 0,
            heard: 0,
        }
    }

    fn step(&mut self, _: Now, input: Input<Heartbeat>, out: &mut Outbox<Heartbeat>) {
        match input {
            Input::Fired(()) => {
                self.sent += 1;
                out.arm((), self.interval);
                self.others
                    .iter()
                    .for_each(|other| out.send(*other, Beat(self.sent)));
            }
            Input::Delivered(_, Beat(number)) => self.heard = self.heard.max(number),
            Input::Requested(op, request) => out.respond(op, Outcome::Ok(request)),
            Input::Flushed(_) | Input::Failed(_) => {}
            Input::Opened { .. } | Input::Arrived(..) | Input::Credit(..) | Input::Closed(..) => {}
            Input::Quit | Input::Resolved(_) => {}
        }
    }
}

#[derive(Default)]
pub(crate) struct Unwatched;

impl Invariants<Node> for Unwatched {
    const NAMES: &'static [&'static str] = &[];
    fn after_step(&mut self, _: &impl Cluster<Node>, _: NodeId, _: &mut Vec<Broken>) {}
    fn after_calm(&mut self, _: &impl Cluster<Node>, _: &mut Vec<Broken>) {}
}

impl Mode for Heartbeat {
    const NAME: &'static str = "heartbeat";
    const ABOUT: &'static str = "all-to-all heartbeats; promises nothing";
    const ROLES: &'static [&'static str] = &[];
    const REQUESTS: &'static [&'static str] = &["echo"];
    const SERVERS: RangeInclusive<u32> = 1..=1000;

    type Process = Node;
    type Options = Options;
    type Invariants = Unwatched;

    fn members(options: &Options, servers: u32, clients: u32) -> Vec<Member<Node>> {
        let all: Vec<NodeId> = (1..=servers).map(NodeId::server).collect();
        let others = |id: NodeId| all.iter().copied().filter(|other| *other != id).collect();
        let clients = (1..=clients).map(NodeId::client);
        let member = |id| Member {
            id,
            config: (others(id), options.interval),
        };
        all.iter().copied().chain(clients).map(member).collect()
    }

    fn check(_: &Options) -> Result<(), (&'static str, String)> {
        Ok(())
    }

    fn request(_: &Options, ask: Ask) -> u64 {
        ask.value.name
    }

    fn promises(_: &Options, _: u32) -> Vec<Promise<Heartbeat>> {
        Vec::new()
    }

    fn calm_budget(_: &Options) -> Span {
        Span::secs(1)
    }

    fn settled(_: &impl Cluster<Node>) -> Result<(), String> {
        Ok(())
    }
}
