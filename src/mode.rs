//! What makes a set of processes a system that can be run and judged.
//!
//! A mode is a marker type that carries its [`Protocol`] and says how the processes become a cluster, what clients ask
//! of it, what it promises and how soon it must be well again after a storm. Everything else, the world does for all
//! modes alike.

use std::ops::RangeInclusive;

use crate::invariant::{Cluster, Invariants};
use crate::kv;
use crate::mistake::Planted;
use crate::process::{Config, Process, Protocol};
use crate::{NodeId, Span};

/// A replication protocol as a runnable, judgeable system.
///
/// What has a default is what a mode can do without. Nothing that is promised or judged has one.
pub trait Mode: Protocol {
    /// Its name in scenario files and folders.
    const NAME: &'static str;
    /// One sentence: where it comes from and what it promises.
    const ABOUT: &'static str;
    /// The classes of its servers. Of the only one a scenario says how many there are (`nodes = 5`), of several it says so
    /// by name (`nodes = { session = 3, data = 4 }`).
    const SERVERS: &'static [Class];
    /// The kinds of operation that a workload can mix.
    const OPERATIONS: &'static [Operation<Self>];
    /// The roles that faults can aim at, as the processes claim them ([`Process::role`]).
    const ROLES: &'static [&'static str] = &[];
    /// The names of its in-memory queues, as its processes show them ([`Process::queues`]).
    const QUEUES: &'static [&'static str] = &[];
    /// The mistakes that a scenario can plant in its servers, to see whether they are found.
    const MISTAKES: &'static [Planted<Self::Server>] = &[];

    /// A participant of the system; an enum of its roles, if there are several.
    type Server: Process<Protocol = Self>;
    /// One who stands outside and asks: what a client does of the protocol.
    type Client: Process<Protocol = Self>;
    /// What must hold inside it.
    type Invariants: Invariants<Self>;

    /// What is wrong with these options, if anything.
    ///
    /// # Errors
    /// The key, and what would be right.
    fn check(_options: &Self::Options) -> Result<(), (&'static str, String)> {
        Ok(())
    }

    /// Whether its processes look each other up by name ([`crate::Outbox::resolve`]); if not, they know each other from
    /// their configuration.
    fn resolves(_config: &Config<Self>) -> bool {
        false
    }

    /// What a client was told that a key holds, for operations that compare ([`Ask::known`]).
    fn told(
        _request: &Self::Request,
        _response: &Self::Response,
    ) -> Option<(kv::Key, Option<kv::Value>)> {
        None
    }

    /// What its clients are promised.
    fn promises(config: &Config<Self>) -> Vec<Promise<Self>>;

    /// Which faults, and how many at once, it promises to survive. None of those, if it does not say.
    fn envelope(_config: &Config<Self>) -> Envelope {
        Envelope::default()
    }

    /// Whether these servers are enough to go on with when all others are broken for good. All are needed, if it does
    /// not say.
    fn suffices(config: &Config<Self>, core: &[NodeId]) -> bool {
        core.len() == config.servers.len()
    }

    /// How long after the storm everything must be well again: fresh operations done, replicas settled.
    fn calm_budget(config: &Config<Self>) -> Span;

    /// Whether the replicas have come to rest in agreement, as far as they are sound ([`Cluster::is_sound`]).
    ///
    /// # Errors
    /// What is missing.
    fn settled(cluster: &impl Cluster<Self>) -> Result<(), String>;
}

/// A class of servers: what they are called, and how many of them a system can have.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Class {
    /// Its name in scenario files, where there are several.
    pub name: &'static str,
    /// Which letter, from `a` to `z` but not `c`, its servers are named by: `n1`, `n2` and so on.
    pub letter: char,
    /// How many of them.
    pub number: RangeInclusive<u32>,
}

impl Class {
    /// Servers that are all alike, named `n1`, `n2` and so on.
    pub const fn alike(number: RangeInclusive<u32>) -> Class {
        Class {
            name: "server",
            letter: 'n',
            number,
        }
    }

    /// So many of them by name.
    pub fn names(&self, number: u32) -> impl Iterator<Item = NodeId> {
        let letter = self.letter;
        (1..=number).map(move |number| NodeId::new(letter, number))
    }
}

/// The faults that a mode promises to survive. What is not named here, every mode survives in any number.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Envelope {
    /// Servers that may lose what they had on disk, by being wiped or by a rotten record, in one run.
    pub lost_servers: u32,
    /// Whether a disk may say that it flushed when it did not.
    pub lying_flushes: bool,
    /// How far a monotonic clock may be fast or slow, in parts per million.
    pub drift_ppm: u32,
}

/// A kind of operation.
#[derive(Debug)]
pub struct Operation<M: Mode> {
    /// Its name in scenario files.
    pub name: &'static str,
    /// What it does, as far as the calm has to know.
    pub does: Does,
    /// The request that a workload's draw stands for.
    pub request: fn(&M::Options, Ask) -> M::Request,
}

/// What an operation does to what it is about.
///
/// In the calm every client first looks and then changes; in the end every key is looked at once more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Does {
    /// It changes nothing.
    Looks,
    /// It is answered with what is there, and may change it.
    Shows,
    /// It changes something, or at least tries to.
    Changes,
}

/// One draw of a workload, in no mode's words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ask {
    /// The key it is about.
    pub key: kv::Key,
    /// A value that no other operation of the run carries, unless this one looks.
    pub value: kv::Value,
    /// The value last known to be at the key, for operations that compare.
    pub known: Option<kv::Value>,
}

/// A promise that is kept or broken where clients can see it, with the view that its blind judge needs.
///
/// The view turns a request and, where there is one, its response into the terms of the judge. The spans are the mode's
/// own: how soon it does what it promises while no fault is in the way.
#[derive(Clone, Copy)]
pub enum Promise<P: Protocol> {
    /// Each key is a linearizable register.
    Linearizable(View<P>),
    /// What was acknowledged is there at the end.
    Durable(View<P>),
    /// What is read was written, to that key, by somebody who had begun before the read was over.
    Genuine(View<P>),
    /// At one server, while it lives, what is shown or acknowledged of a key never gets older.
    Monotonic(View<P>),
    /// Of the acknowledged writes of a key the newest wins, at every server.
    NewestWins {
        /// How an operation looks.
        view: View<P>,
        /// How long two servers must be well, and joined, for one to have told the other all that it has: connections
        /// that are made again and snapshots included.
        settles: Span,
    },
    /// A read sees the writes that were acknowledged before it, at whichever server: after a bound, while no fault is
    /// in the way.
    ReadYourWrites {
        /// How an operation looks.
        view: View<P>,
        /// How old an acknowledgement is at the most that another server does not know of, while the two hear each
        /// other.
        direct: Span,
        /// The same, while they hear each other through others only.
        through: Span,
        /// How long before a write no fault may have been in the way, so that connections are made again. The beginning
        /// of the run counts as a fault.
        recovery: Span,
    },
    /// Whoever asks in one session never goes back, and what anybody was shown had been accepted: looks may be stale, but
    /// what is linearizable is never older than what was shown before, and a revision has one value. Every answer names
    /// the revision of its key. A session is what a client does in one of its lives.
    SessionOrder {
        /// How any operation looks, also one that may be answered with what is old.
        view: View<P>,
        /// The same for those that are linearizable; none for the others.
        strong: View<P>,
    },
    /// What has outlived its life is not shown any more.
    Expires(View<P>),
    /// What is admitted of a key stays within a rate, up to what the servers can admit before they hear of each other.
    Limited {
        /// How an operation looks.
        view: LimitView<P>,
        /// How many a second.
        rate: u64,
        /// How many above that a single server admits at once.
        burst: u64,
        /// How late a server knows of what another one admitted, at the most.
        lag: Span,
        /// For how long no fault may have been in the way, so that connections are made again.
        recovery: Span,
    },
    /// Clients publish a value under a key, and whoever looks at the key is shown what all of them have published there:
    /// nothing but what is genuine, nothing older than what it was shown before, the newest after a bound, and nothing of
    /// the dead after another.
    Registry {
        /// How an operation looks.
        view: RegistryView<P>,
        /// How late a subscriber may be shown a change that was acknowledged, while no fault is in the way.
        lag: Span,
        /// How long after a client died it may still be shown, while no fault is in the way.
        gone: Span,
        /// How long no fault may have been in the way, so that connections are made again. The beginning of the run
        /// counts as a fault.
        recovery: Span,
    },
}

/// How an operation looks to a judge of key-value histories; none if it is no affair of this judge.
pub type View<P> =
    fn(&<P as Protocol>::Request, Option<&<P as Protocol>::Response>) -> Option<kv::Exchange>;

/// How an operation looks to a judge of limits; none if it is no affair of this judge.
pub type LimitView<P> =
    fn(&<P as Protocol>::Request, Option<&<P as Protocol>::Response>) -> Option<LimitCall>;

/// What a limiter said to one who asked, in the terms of a judge.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LimitCall {
    /// Whose share was asked for.
    pub key: kv::Key,
    /// Whether it was given.
    pub admitted: bool,
}

/// How an operation looks to a judge of registries; none if it is no affair of this judge.
pub type RegistryView<P> =
    fn(&<P as Protocol>::Request, Option<&<P as Protocol>::Response>) -> Option<RegistryCall>;

/// What passed between a client and a registry, in the terms of a judge.
///
/// A client has at most one registration under each key, and does one thing at a time. What it published or withdrew it
/// goes on trying for as long as it lives, however the operation ended: the newest that it began is what it wants.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RegistryCall {
    /// The caller is registered under this key with this value from now on, in place of what it had registered there.
    Publishes {
        /// Where.
        key: kv::Key,
        /// As what; no other operation of the run carries this value.
        value: kv::Value,
    },
    /// The caller is not registered under this key any more.
    Withdraws {
        /// Where.
        key: kv::Key,
    },
    /// The caller was shown who is registered under this key.
    Sees {
        /// Where it looked.
        key: kv::Key,
        /// Who was shown, and as what; none while it is not answered.
        shown: Option<Vec<(NodeId, kv::Value)>>,
    },
}

impl<P: Protocol> Promise<P> {
    /// The judge's name, as it appears in verdicts.
    pub fn name(&self) -> &'static str {
        match self {
            Promise::Linearizable(_) => "linearizable",
            Promise::Durable(_) => "durable",
            Promise::Genuine(_) => "genuine",
            Promise::Monotonic(_) => "monotonic",
            Promise::NewestWins { .. } => "newest_wins",
            Promise::ReadYourWrites { .. } => "read_your_writes",
            Promise::SessionOrder { .. } => "session_order",
            Promise::Expires(_) => "expires",
            Promise::Limited { .. } => "limited",
            Promise::Registry { .. } => "registry",
        }
    }
}
