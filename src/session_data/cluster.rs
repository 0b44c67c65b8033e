//! How session, data and meta servers and their clients become a system that can be run and judged.

use super::client::Client;
use super::invariants::SessionDataInvariants;
use super::lock::Record;
use super::message::{Message, Timer};
use super::mistakes;
use super::names::{DATA, META, SESSION};
use super::note::Note;
use super::options::{Generation, Options};
use super::request::{self, Request, Response};
use super::server::Server;
use super::truth::{equal, majority};
use crate::mistake::Planted;
use crate::process::{Config, Protocol};
use crate::{Class, Cluster, Does, Envelope, Mode, NodeId, Operation, Promise, Span};

/// The mode, and its vocabulary.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SessionData;

impl Protocol for SessionData {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Request = Request;
    type Response = Response;
    type Note = Note;
    type Options = Options;
}

impl Mode for SessionData {
    const NAME: &'static str = "session_data";
    const ABOUT: &'static str = "SOFARegistry's session, data and meta servers, hardened; what clients register, subscribers are shown, whatever crashed in between";
    const SERVERS: &'static [Class] = &[
        Class {
            name: "session",
            letter: SESSION,
            number: 1..=1000,
        },
        Class {
            name: "data",
            letter: DATA,
            number: 1..=100,
        },
        Class {
            name: "meta",
            letter: META,
            number: 1..=7,
        },
    ];
    const OPERATIONS: &'static [Operation<SessionData>] = &[
        Operation {
            name: "look",
            does: Does::Looks,
            request: |_, ask| Request::Look(ask.key),
        },
        Operation {
            name: "publish",
            does: Does::Changes,
            request: |_, ask| Request::Publish(ask.key, ask.value),
        },
        Operation {
            name: "withdraw",
            does: Does::Changes,
            request: |_, ask| Request::Withdraw(ask.key),
        },
    ];
    const ROLES: &'static [&'static str] = &["session", "data", "meta", "meta_leader"];
    const QUEUES: &'static [&'static str] = &["writes", "retries", "pushes", "changes", "events"];
    const MISTAKES: &'static [Planted<Server>] = mistakes::ALL;

    type Server = Server;
    type Client = Client;
    type Invariants = SessionDataInvariants;

    fn check(options: &Options) -> Result<(), (&'static str, String)> {
        options.check()
    }

    fn promises(config: &Config<SessionData>) -> Vec<Promise<SessionData>> {
        let options = &config.options;
        vec![Promise::Registry {
            view: request::registry,
            lag: options.lag(),
            gone: options.gone(),
            recovery: options.recovery(),
        }]
    }

    /// Session and data servers have nothing on disk that they could lose. A meta server that has lost its disk stays away.
    fn envelope(config: &Config<SessionData>) -> Envelope {
        let metas = config
            .servers
            .iter()
            .filter(|id| id.letter() == META)
            .count();
        Envelope {
            lost_servers: (metas - majority(metas)) as u32,
            lying_flushes: false,
            drift_ppm: config.options.drift_ppm(),
        }
    }

    /// A session server, a data server, and most of the meta servers.
    fn suffices(config: &Config<SessionData>, core: &[NodeId]) -> bool {
        let of =
            |servers: &[NodeId], letter| servers.iter().filter(|id| id.letter() == letter).count();
        of(core, SESSION) > 0
            && of(core, DATA) > 0
            && of(core, META) >= majority(of(&config.servers, META))
    }

    /// All are connected, led and served again; what died is forgotten; what was lost is found by comparing; and tombstones
    /// and followers have had their turn.
    fn calm_budget(config: &Config<SessionData>) -> Span {
        let options = &config.options;
        if options.generation == Generation::Ring {
            return options.recovery() + options.ring.dirt() + options.lag() * 2 + options.gone();
        }
        let followed = options.data.follow + options.data.timeout * 2;
        options.recovery() + options.gone() + options.lag() * 2 + followed + options.client.give_up
    }

    fn settled(cluster: &impl Cluster<SessionData>) -> Result<(), String> {
        equal(cluster)
    }
}
