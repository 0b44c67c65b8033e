//! How servers and clients become a cluster that can be run and judged.

use super::client::Client;
use super::invariants::RaftInvariants;
use super::leader::MAX_SERVERS;
use super::message::{Message, Note, Timer};
use super::mistakes;
use super::options::Options;
use super::server::{Server, Standing};
use super::state::{Durable, Record, majority};
use crate::kv::{self, Key, Request, Response, Value};
use crate::mistake::Planted;
use crate::process::{Config, Protocol};
use crate::{Class, Cluster, Envelope, Mode, NodeId, Operation, Promise, Span};

/// The mode, and its vocabulary.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Raft;

impl Protocol for Raft {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Request = Request;
    type Response = Response;
    type Note = Note;
    type Options = Options;
}

impl Mode for Raft {
    const NAME: &'static str = "raft";
    const ABOUT: &'static str = "Raft replica group with a key-value store; linearizable";
    const SERVERS: &'static [Class] = &[Class::alike(1..=MAX_SERVERS as u32)];
    const OPERATIONS: &'static [Operation<Raft>] = &kv::operations();
    const ROLES: &'static [&'static str] = &["leader", "follower", "candidate"];
    const QUEUES: &'static [&'static str] = &["reads"];
    const MISTAKES: &'static [Planted<Server>] = mistakes::ALL;

    type Server = Server;
    type Client = Client;
    type Invariants = RaftInvariants;

    fn check(options: &Options) -> Result<(), (&'static str, String)> {
        options.check()
    }

    fn told(request: &Request, response: &Response) -> Option<(Key, Option<Value>)> {
        kv::told(request, response)
    }

    fn promises(_: &Config<Raft>) -> Vec<Promise<Raft>> {
        vec![Promise::Linearizable(kv::view), Promise::Durable(kv::view)]
    }

    /// A server that lost its disk stops for good, so at most a minority may; no clock decides anything here.
    fn envelope(config: &Config<Raft>) -> Envelope {
        let servers = config.servers.len();
        Envelope {
            lost_servers: (servers - majority(servers)) as u32,
            lying_flushes: false,
            drift_ppm: 500_000,
        }
    }

    fn suffices(config: &Config<Raft>, core: &[NodeId]) -> bool {
        core.len() >= majority(config.servers.len())
    }

    /// Ten elections that fail for a split vote, ten servers asked in vain, and an operation that was given up.
    fn calm_budget(config: &Config<Raft>) -> Span {
        let options = &config.options;
        options.election.max * 10 + options.retry.max * 10 + options.give_up
    }

    fn settled(cluster: &impl Cluster<Raft>) -> Result<(), String> {
        let is_sound = |id: &&NodeId| cluster.is_sound(**id);
        let mut sound = cluster.servers().iter().filter(is_sound);
        if let Some(id) = sound.find(|id| cluster.server(**id).is_none()) {
            return Err(format!("{id} is down"));
        }
        let leads = |server: &Server| matches!(server.standing, Standing::Leader(_));
        let leaders = cluster.up().filter(|(_, server)| leads(server));
        let by_term = leaders.map(|(id, server)| {
            let Durable { term, log, .. } = &server.durable;
            (*term, id, log.last())
        });
        let Some((term, leader, end)) = by_term.max() else {
            return Err("nobody leads".into());
        };
        for (id, server) in cluster.up().filter(|(id, _)| cluster.is_sound(*id)) {
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
