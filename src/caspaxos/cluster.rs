//! How servers and clients become a cluster that can be run and judged.

use super::client::Client;
use super::invariants::CasPaxosInvariants;
use super::message::{Message, Note, Timer};
use super::mistakes;
use super::options::Options;
use super::server::Server;
use super::state::{Record, majority};

use crate::kv::{self, Key, Request, Response, Value};
use crate::mistake::Planted;
use crate::process::{Config, Protocol};
use crate::{Class, Cluster, Envelope, Mode, NodeId, Operation, Promise, Span};

/// The mode, and its vocabulary.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct CasPaxos;

impl Protocol for CasPaxos {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Request = Request;
    type Response = Response;
    type Note = Note;
    type Options = Options;
}

impl Mode for CasPaxos {
    const NAME: &'static str = "caspaxos";
    const ABOUT: &'static str =
        "CASPaxos key-value store, a compare-and-set quorum register per key; linearizable";
    const SERVERS: &'static [Class] = &[Class::alike(1..=15)];
    const OPERATIONS: &'static [Operation<CasPaxos>] = &kv::operations();
    const ROLES: &'static [&'static str] = &["proposer"];
    const MISTAKES: &'static [Planted<Server>] = mistakes::ALL;

    type Server = Server;
    type Client = Client;
    type Invariants = CasPaxosInvariants;

    fn check(options: &Options) -> Result<(), (&'static str, String)> {
        options.check()
    }

    fn told(request: &Request, response: &Response) -> Option<(Key, Option<Value>)> {
        kv::told(request, response)
    }

    fn promises(_: &Config<CasPaxos>) -> Vec<Promise<CasPaxos>> {
        vec![Promise::Linearizable(kv::view), Promise::Durable(kv::view)]
    }

    /// A server that lost its disk stops for good, so at most a minority may; no clock decides anything here.
    fn envelope(config: &Config<CasPaxos>) -> Envelope {
        let servers = config.servers.len();
        Envelope {
            lost_servers: (servers - majority(servers)) as u32,
            lying_flushes: false,
            drift_ppm: 500_000,
        }
    }

    fn suffices(config: &Config<CasPaxos>, core: &[NodeId]) -> bool {
        core.len() >= majority(config.servers.len())
    }

    /// An operation that was given up, ten servers asked in vain, ten rounds that found no quorum, and two proposers that
    /// wait as long as they can.
    fn calm_budget(config: &Config<CasPaxos>) -> Span {
        let options = &config.options;
        options.give_up
            + options.retry.max * 10
            + options.patience.max * 10
            + options.backoff.max * 16 * 2
    }

    /// What a majority holds is enough, so nobody has to agree with everybody: only nothing may be left half done.
    fn settled(cluster: &impl Cluster<CasPaxos>) -> Result<(), String> {
        let is_sound = |id: &&NodeId| cluster.is_sound(**id);
        for id in cluster.servers().iter().filter(is_sound) {
            let Some(server) = cluster.server(*id) else {
                return Err(format!("{id} is down"));
            };
            let mut registers = server.registers.iter();
            if let Some((key, _)) = registers.find(|(_, register)| !register.is_idle()) {
                return Err(format!("{id} still works at a change of {key}"));
            }
        }
        Ok(())
    }
}
