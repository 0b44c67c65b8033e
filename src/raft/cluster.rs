//! How servers and clients become a cluster that can be run and judged.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::client::Client;
use super::invariants::RaftInvariants;
use super::leader::MAX_SERVERS;
use super::message::{Message, Note, Timer};
use super::options::Options;
use super::server::{Config, Server, Standing};
use super::state::{Record, majority};
use crate::kv::{Exchange, Request, Response};
use crate::process::{Damage, Input, Kinds, Process, Protocol, Role};
use crate::queue::Losable;
use crate::{Ask, Cluster, Envelope, Life, Member, Mode, NodeId, Now, Outbox, Promise, Span};

/// The mode, and its vocabulary.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Raft;

/// A participant.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Node {
    /// A replica.
    Server(Server),
    /// One who asks.
    Client(Client),
}

impl Protocol for Raft {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Request = Request;
    type Response = Response;
    type Note = Note;
}

impl Process for Node {
    type Protocol = Raft;
    type Config = Arc<Config>;

    fn format(config: &Arc<Config>, me: NodeId) -> Vec<Record> {
        if me.is_client() {
            Client::format(config, me)
        } else {
            Server::format(config, me)
        }
    }

    fn boot(
        config: &Arc<Config>,
        me: NodeId,
        life: Life,
        now: Now,
        disk: &[Result<Record, Damage>],
        out: &mut Outbox<Raft>,
    ) -> Node {
        if me.is_client() {
            Node::Client(Client::boot(config, me, life, now, disk, out))
        } else {
            Node::Server(Server::boot(config, me, life, now, disk, out))
        }
    }

    fn step(&mut self, now: Now, input: Input<Raft>, out: &mut Outbox<Raft>) {
        match self {
            Node::Server(server) => server.step(now, input, out),
            Node::Client(client) => client.step(now, input, out),
        }
    }

    fn role(&self) -> Option<Role> {
        match self {
            Node::Server(server) => server.role(),
            Node::Client(client) => client.role(),
        }
    }

    fn queues(&mut self) -> Vec<(&'static str, &mut dyn Losable)> {
        match self {
            Node::Server(server) => server.queues(),
            Node::Client(client) => client.queues(),
        }
    }
}

impl Node {
    /// The replica, if it is one.
    pub fn server(&self) -> Option<&Server> {
        match self {
            Node::Server(server) => Some(server),
            Node::Client(_) => None,
        }
    }

    /// The replica, to be changed: for planted mistakes.
    pub fn server_mut(&mut self) -> Option<&mut Server> {
        match self {
            Node::Server(server) => Some(server),
            Node::Client(_) => None,
        }
    }
}

impl Mode for Raft {
    const NAME: &'static str = "raft";
    const ABOUT: &'static str = "Raft replica group with a key-value store; linearizable";
    const ROLES: &'static [&'static str] = &["leader", "follower", "candidate"];
    const REQUESTS: &'static [&'static str] = Request::KINDS;
    const QUEUES: &'static [&'static str] = &["reads"];
    const SERVERS: RangeInclusive<u32> = 1..=MAX_SERVERS as u32;

    type Process = Node;
    type Options = Options;
    type Invariants = RaftInvariants;

    fn members(options: &Options, servers: u32, clients: u32) -> Vec<Member<Node>> {
        let names: Vec<NodeId> = (1..=servers).map(NodeId::server).collect();
        let config = Arc::new(Config {
            servers: names.clone(),
            options: options.clone(),
        });
        let clients = (1..=clients).map(NodeId::client);
        names
            .into_iter()
            .chain(clients)
            .map(|id| Member {
                id,
                config: Arc::clone(&config),
            })
            .collect()
    }

    fn check(options: &Options) -> Result<(), (&'static str, String)> {
        options.check()
    }

    fn request(_: &Options, ask: Ask) -> Request {
        match Request::KINDS[ask.kind] {
            "get" => Request::Get(ask.key),
            "put" => Request::Put(ask.key, ask.value),
            "delete" => Request::Delete(ask.key),
            _ => Request::Cas(ask.key, ask.known, ask.value),
        }
    }

    fn promises(_: &Options, _: u32) -> Vec<Promise<Raft>> {
        let view = |request: &Request, response: Option<&Response>| {
            Some(Exchange::new(*request, response.copied()))
        };
        vec![Promise::Linearizable(view), Promise::Durable(view)]
    }

    /// A server that lost its disk stops for good, so at most a minority may; no clock decides anything here.
    fn envelope(_: &Options, servers: u32) -> Envelope {
        Envelope {
            lost_servers: servers - majority(servers as usize) as u32,
            lying_flushes: false,
            drift_ppm: 500_000,
        }
    }

    fn suffices(_: &Options, servers: u32, core: &[NodeId]) -> bool {
        core.len() >= majority(servers as usize)
    }

    /// Ten elections that fail for a split vote, ten servers asked in vain, and an operation that was given up.
    fn calm_budget(options: &Options) -> Span {
        options.election.max * 10 + options.retry.max * 10 + options.give_up
    }

    fn settled(cluster: &impl Cluster<Node>) -> Result<(), String> {
        let mut leader = None;
        let mut all = Vec::new();
        for &id in cluster.nodes().iter().filter(|id| !id.is_client()) {
            let sound = cluster.is_sound(id);
            let Some(server) = cluster.process(id).and_then(Node::server) else {
                if sound {
                    return Err(format!("{id} is down"));
                }
                continue;
            };
            if matches!(server.standing, Standing::Leader(_)) {
                let last = server.durable.log.last();
                leader = leader.max(Some((server.durable.term, id, last)));
            }
            if sound {
                all.push((id, server));
            }
        }
        let Some((term, leader, end)) = leader else {
            return Err("nobody leads".into());
        };
        for (id, server) in all {
            let last = server.durable.log.last();
            if last != end {
                return Err(format!(
                    "the log of {id} ends {last}, not as that of {leader}, leader of term {term}"
                ));
            }
            if server.commit != last.index {
                return Err(format!(
                    "{id} has committed {} of {}",
                    server.commit, last.index
                ));
            }
        }
        Ok(())
    }
}
