//! How nodes and clients become a cluster that can be run and judged.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::client::Client;
use super::invariants::{ZoneSyncInvariants, equal};
use super::message::{Message, Note, Timer};
use super::node::{Config, Node};
use super::options::Options;
use super::state::Saved;
use crate::kv::{Request, Response};
use crate::process::{Damage, Input, Kinds, Process, Protocol, Role};
use crate::{Ask, Cluster, Envelope, Life, Member, Mode, NodeId, Now, Outbox, Promise, Span};

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
    const ABOUT: &'static str = "NGINX Plus zone synchronisation of key-value pairs, hardened; eventual, the last writer wins";
    const ROLES: &'static [&'static str] = &["node"];
    const REQUESTS: &'static [&'static str] = &["get", "put", "delete"];
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

    fn request(ask: Ask) -> Request {
        match Request::KINDS[ask.kind] {
            "put" => Request::Put(ask.key, ask.value),
            "delete" => Request::Delete(ask.key),
            _ => Request::Get(ask.key),
        }
    }

    fn promises() -> Vec<Promise<ZoneSync>> {
        vec![Promise::Genuine(|request, response| {
            (*request, response.copied())
        })]
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

    /// Connections that stand still are found at both ends, opened again, and everything is told once more.
    fn calm_budget(options: &Options) -> Span {
        options.timeout * 3
            + options.connect_timeout * 2
            + options.retry * 4
            + options.interval * 10
            + options.give_up
    }

    fn settled(cluster: &impl Cluster<Participant>) -> Result<(), String> {
        equal(cluster)
    }
}
