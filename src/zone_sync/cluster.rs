//! How nodes and clients become a cluster that can be run and judged.

use super::client::Client;
use super::invariants::{ZoneSyncInvariants, equal};
use super::message::{Message, Note, Timer};
use super::mistakes;
use super::module::Module;
use super::node::Node;
use super::options::{Discovery, Options};
use super::request::{self, Request, Response};
use super::state::Saved;
use crate::mistake::Planted;
use crate::process::{Config, Protocol};
use crate::{Class, Cluster, Does, Envelope, Mode, NodeId, Operation, Promise, Span, View};

/// The mode, and its vocabulary.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ZoneSync;

impl Protocol for ZoneSync {
    type Message = Message;
    type Timer = Timer;
    type Record = Saved;
    type Request = Request;
    type Response = Response;
    type Note = Note;
    type Options = Options;
}

impl Mode for ZoneSync {
    const NAME: &'static str = "zone_sync";
    const ABOUT: &'static str = "NGINX Plus zone synchronisation of key-value pairs, sticky sessions and request limits, hardened; eventual, the last writer wins";
    const SERVERS: &'static [Class] = &[Class::alike(1..=1000)];
    const OPERATIONS: &'static [Operation<ZoneSync>] = &[
        Operation {
            name: "get",
            does: Does::Looks,
            request: |_, ask| Request::Get(ask.key),
        },
        Operation {
            name: "find",
            does: Does::Looks,
            request: |_, ask| Request::Find(ask.key),
        },
        Operation {
            name: "put",
            does: Does::Changes,
            request: |options, ask| Request::Put(ask.key, ask.value, options.keyval.life),
        },
        Operation {
            name: "brief",
            does: Does::Changes,
            request: |options, ask| Request::Put(ask.key, ask.value, options.keyval.brief),
        },
        Operation {
            name: "patch",
            does: Does::Changes,
            request: |options, ask| Request::Patch(ask.key, ask.value, options.keyval.life),
        },
        Operation {
            name: "delete",
            does: Does::Changes,
            request: |_, ask| Request::Delete(ask.key),
        },
        Operation {
            name: "visit",
            does: Does::Shows,
            request: |options, ask| Request::Visit(ask.key, ask.value, options.sticky.life),
        },
        Operation {
            name: "call",
            does: Does::Changes,
            request: |_, ask| Request::Call(ask.key),
        },
    ];
    const QUEUES: &'static [&'static str] = &Module::ZONES;
    const MISTAKES: &'static [Planted<Node>] = mistakes::ALL;

    type Server = Node;
    type Client = Client;
    type Invariants = ZoneSyncInvariants;

    fn check(options: &Options) -> Result<(), (&'static str, String)> {
        options.check()
    }

    fn resolves(config: &Config<ZoneSync>) -> bool {
        config.options.discovery == Discovery::Names
    }

    /// Pairs and sessions are promised the same. While nothing is in the way a change is everywhere one look at the log
    /// and one message later; through others, when the silence was noticed and all have compared what they hold.
    fn promises(config: &Config<ZoneSync>) -> Vec<Promise<ZoneSync>> {
        let Config { servers, options } = config;
        let lag = options.lag();
        let recovery = options.recovery();
        let hops = servers.len().max(2) as u64 - 1;
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
    fn envelope(config: &Config<ZoneSync>) -> Envelope {
        Envelope {
            lost_servers: config.servers.len() as u32,
            lying_flushes: true,
            drift_ppm: 500_000,
        }
    }

    /// Each node serves alone.
    fn suffices(_: &Config<ZoneSync>, core: &[NodeId]) -> bool {
        !core.is_empty()
    }

    /// All are connected again, what was lost from a log is found by comparing with each peer in turn, and a client that
    /// gave up asks once more.
    fn calm_budget(config: &Config<ZoneSync>) -> Span {
        let options = &config.options;
        options.recovery() * 2 + options.repair * 4 + options.give_up
    }

    fn settled(cluster: &impl Cluster<ZoneSync>) -> Result<(), String> {
        equal(cluster)
    }
}
