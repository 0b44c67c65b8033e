//! How nodes and clients become a cluster that can be run and judged.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::client::Client;
use super::invariants::{ZoneSyncInvariants, equal};
use super::message::{Message, Note, Timer};
use super::module::Module;
use super::node::{Config, Node};
use super::options::Options;
use super::request::{self, Request, Response};
use super::state::Saved;
use crate::process::{Damage, Input, Process, Protocol, Role};
use crate::{
    Ask, Cluster, Envelope, Life, Losable, Member, Mode, NodeId, Now, Outbox, Promise, Span, View,
};

/// The mode, and its vocabulary.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ZoneSync;

/// A participant.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Participant {
    /// A node of the mesh.
    Node(Node),
    /// One who asks.
    Client(Client),
}

impl Protocol for ZoneSync {
    type Message = Message;
    type Timer = Timer;
    type Record = Saved;
    type Request = Request;
    type Response = Response;
    type Note = Note;
}

impl Process for Participant {
    type Protocol = ZoneSync;
    type Config = Arc<Config>;

    fn boot(
        config: &Arc<Config>,
        me: NodeId,
        life: Life,
        now: Now,
        disk: &[Result<Saved, Damage>],
        out: &mut Outbox<ZoneSync>,
    ) -> Participant {
        if me.is_client() {
            Participant::Client(Client::boot(config, me, life, now, disk, out))
        } else {
            Participant::Node(Node::boot(config, me, life, now, disk, out))
        }
    }

    fn step(&mut self, now: Now, input: Input<ZoneSync>, out: &mut Outbox<ZoneSync>) {
        match self {
            Participant::Node(node) => node.step(now, input, out),
            Participant::Client(client) => client.step(now, input, out),
        }
    }

    fn role(&self) -> Option<Role> {
        match self {
            Participant::Node(node) => node.role(),
            Participant::Client(client) => client.role(),
        }
    }

    fn gauges(&self) -> Vec<(&'static str, u64)> {
        match self {
            Participant::Node(node) => node.gauges(),
            Participant::Client(client) => client.gauges(),
        }
    }

    fn queues(&mut self) -> Vec<(&'static str, &mut dyn Losable)> {
        match self {
            Participant::Node(node) => node.queues(),
            Participant::Client(client) => client.queues(),
        }
    }
}

impl Participant {
    /// The node, if it is one.
    pub fn node(&self) -> Option<&Node> {
        match self {
            Participant::Node(node) => Some(node),
            Participant::Client(_) => None,
        }
    }

    /// The node, to be changed: for planted mistakes.
    pub fn node_mut(&mut self) -> Option<&mut Node> {
        match self {
            Participant::Node(node) => Some(node),
            Participant::Client(_) => None,
        }
    }
}

impl Mode for ZoneSync {
    const NAME: &'static str = "zone_sync";
    const ABOUT: &'static str = "NGINX Plus zone synchronisation of key-value pairs, sticky sessions and request limits, hardened; eventual, the last writer wins";
    const ROLES: &'static [&'static str] = &["node"];
    const REQUESTS: &'static [&'static str] = &[
        "get", "find", "put", "brief", "patch", "delete", "visit", "call",
    ];
    const QUEUES: &'static [&'static str] = &Module::ZONES;
    const RESOLVES: bool = true;
    const SERVERS: RangeInclusive<u32> = 1..=1000;

    type Process = Participant;
    type Options = Options;
    type Invariants = ZoneSyncInvariants;

    fn members(options: &Options, servers: u32, clients: u32) -> Vec<Member<Participant>> {
        let nodes: Vec<NodeId> = (1..=servers).map(NodeId::server).collect();
        let config = Arc::new(Config {
            nodes: nodes.clone(),
            options: options.clone(),
        });
        let clients = (1..=clients).map(NodeId::client);
        let member = |id| Member {
            id,
            config: Arc::clone(&config),
        };
        nodes.into_iter().chain(clients).map(member).collect()
    }

    fn check(options: &Options) -> Result<(), (&'static str, String)> {
        options.check()
    }

    fn request(options: &Options, ask: Ask) -> Request {
        let Ask { key, value, .. } = ask;
        match Self::REQUESTS[ask.kind] {
            "find" => Request::Find(key),
            "put" => Request::Put(key, value, options.keyval.life),
            "brief" => Request::Put(key, value, options.keyval.brief),
            "patch" => Request::Patch(key, value, options.keyval.life),
            "delete" => Request::Delete(key),
            "visit" => Request::Visit(key, value, options.sticky.life),
            "call" => Request::Call(key),
            _ => Request::Get(key),
        }
    }

    /// Pairs and sessions are promised the same. While nothing is in the way a change is everywhere one look at the log
    /// and one message later; through others, when the silence was noticed and all have compared what they hold.
    fn promises(options: &Options, servers: u32) -> Vec<Promise<ZoneSync>> {
        let lag = options.lag();
        let recovery = options.recovery();
        let hops = u64::from(servers.max(2) - 1);
        let mut promises = Vec::new();
        for view in [request::pairs as View<ZoneSync>, request::sessions] {
            promises.extend([
                Promise::Genuine(view),
                Promise::Monotonic(view),
                Promise::NewestWins {
                    view,
                    settles: recovery,
                },
                Promise::ReadYourWrites {
                    view,
                    direct: lag,
                    through: recovery + lag * hops + options.repair * hops,
                    recovery,
                },
                Promise::Expires(view),
            ]);
        }
        promises.push(Promise::Limited {
            view: request::calls,
            rate: options.limit.rate.into(),
            burst: options.limit.burst.into(),
            lag,
            recovery,
        });
        promises
    }

    /// Nobody is promised that a node keeps anything: what it loses, the others have, or nobody was told.
    fn envelope(_: &Options, servers: u32) -> Envelope {
        Envelope {
            lost_servers: servers,
            lying_flushes: true,
            drift_ppm: 500_000,
        }
    }

    /// Each node serves alone.
    fn suffices(_: &Options, _: u32, core: &[NodeId]) -> bool {
        !core.is_empty()
    }

    /// All are connected again, what was lost from a log is found by comparing with each peer in turn, and a client that
    /// gave up asks once more.
    fn calm_budget(options: &Options) -> Span {
        options.recovery() * 2 + options.repair * 4 + options.give_up
    }

    fn settled(cluster: &impl Cluster<Participant>) -> Result<(), String> {
        equal(cluster)
    }
}
