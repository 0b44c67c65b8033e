//! The smallest mode: every node sends every other a heartbeat at a fixed interval. What it costs is the engine's cost.

use std::fmt;
use std::sync::Arc;

use netsplit::{
    Class, Cluster, Config, Damage, Does, Input, Kinds, Life, Mode, Never, NodeId, Now, Operation,
    Outbox, Outcome, Process, Promise, Protocol, Size, Span,
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Heartbeat;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Beat(u64);

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Server {
    others: Vec<NodeId>,
    interval: Span,
    sent: u64,
    heard: u64,
}

/// A client that answers itself.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Client;

#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
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
    type Record = Never;
    type Request = u64;
    type Response = u64;
    type Note = Never;
    type Options = Options;
}

impl Process for Server {
    type Protocol = Heartbeat;

    fn boot(
        config: &Arc<Config<Heartbeat>>,
        me: NodeId,
        _: Life,
        _: Now,
        _: &[Result<Never, Damage>],
        out: &mut Outbox<Heartbeat>,
    ) -> Server {
        out.arm((), config.options.interval);
        Server {
            others: config.others(me).collect(),
            interval: config.options.interval,
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
            _ => {}
        }
    }
}

impl Process for Client {
    type Protocol = Heartbeat;

    fn boot(
        _: &Arc<Config<Heartbeat>>,
        _: NodeId,
        _: Life,
        _: Now,
        _: &[Result<Never, Damage>],
        _: &mut Outbox<Heartbeat>,
    ) -> Client {
        Client
    }

    fn step(&mut self, _: Now, input: Input<Heartbeat>, out: &mut Outbox<Heartbeat>) {
        if let Input::Requested(op, request) = input {
            out.respond(op, Outcome::Ok(request));
        }
    }
}

impl Mode for Heartbeat {
    const NAME: &'static str = "heartbeat";
    const ABOUT: &'static str = "all-to-all heartbeats; promises nothing";
    const SERVERS: &'static [Class] = &[Class::alike(1..=1000)];
    const OPERATIONS: &'static [Operation<Heartbeat>] = &[Operation {
        name: "echo",
        does: Does::Changes,
        request: |_, ask| ask.value.name,
    }];

    type Server = Server;
    type Client = Client;
    type Invariants = ();

    fn promises(_: &Config<Heartbeat>) -> Vec<Promise<Heartbeat>> {
        Vec::new()
    }

    fn calm_budget(_: &Config<Heartbeat>) -> Span {
        Span::secs(1)
    }

    fn settled(_: &impl Cluster<Heartbeat>) -> Result<(), String> {
        Ok(())
    }
}
