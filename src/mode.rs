//! What makes a set of processes a system that can be run and judged.
//!
//! A mode is a marker type that carries its [`Protocol`] and says how the processes become a cluster, what clients ask
//! of it, what it promises and how soon it must be well again after a storm. Everything else, the world does for all
//! modes alike.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::invariant::{Cluster, Invariants};
use crate::kv;
use crate::process::{Process, Protocol};
use crate::{NodeId, Span};

/// A replication protocol as a runnable, judgeable system.
pub trait Mode: Protocol {
    /// Its name in scenario files and folders.
    const NAME: &'static str;
    /// One sentence: where it comes from and what it promises.
    const ABOUT: &'static str;
    /// The roles that faults can aim at, as the processes claim them.
    const ROLES: &'static [&'static str];
    /// The kinds of operation a workload can mix, in the order of [`Ask::kind`].
    const REQUESTS: &'static [&'static str];
    /// The names of its in-memory queues, as its processes show them ([`Process::queues`]).
    const QUEUES: &'static [&'static str] = &[];
    /// Whether its processes look each other up by name ([`crate::Outbox::resolve`]); if not, they know each other from
    /// their configuration.
    const RESOLVES: bool = false;
    /// How many servers it runs with.
    const SERVERS: std::ops::RangeInclusive<u32>;

    /// Its participants: an enum of its roles.
    type Process: Process<Protocol = Self>;
    /// Every constant of the real system and every mechanism that can be switched off.
    type Options: Clone + Default + std::fmt::Debug + Serialize + DeserializeOwned + Send + Sync;
    /// What must hold inside it.
    type Invariants: Invariants<Self::Process>;

    /// The participants of a system with so many servers and clients, servers first.
    fn members(options: &Self::Options, servers: u32, clients: u32) -> Vec<Member<Self::Process>>;

    /// What is wrong with these options, if anything: the key, and what would be right.
    fn check(options: &Self::Options) -> Result<(), (&'static str, String)>;

    /// The request that a workload's draw stands for, in a system with these options.
    fn request(options: &Self::Options, ask: Ask) -> Self::Request;

    /// What its clients are promised, with these options and so many servers.
    fn promises(options: &Self::Options, servers: u32) -> Vec<Promise<Self>>;

    /// Which faults, and how many at once, it promises to survive with so many servers. None of those, if it does not
    /// say.
    fn envelope(_options: &Self::Options, _servers: u32) -> Envelope {
        Envelope::default()
    }

    /// Whether these servers are enough to go on with when all others are broken for good. All are needed, if it does
    /// not say.
    fn suffices(_options: &Self::Options, servers: u32, core: &[NodeId]) -> bool {
        core.len() == servers as usize
    }

    /// How long after the storm everything must be well again: fresh operations done, replicas settled.
    fn calm_budget(options: &Self::Options) -> Span;

    /// Whether the replicas have come to rest in agreement, as far as they are sound ([`Cluster::is_sound`]); if not,
    /// what is missing.
    fn settled(cluster: &impl Cluster<Self::Process>) -> Result<(), String>;
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

/// One participant and what it is told at every start.
#[derive(Clone, Debug)]
pub struct Member<P: Process> {
    /// Its name.
    pub id: NodeId,
    /// Its configuration.
    pub config: P::Config,
}

/// One draw of a workload, in no mode's words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ask {
    /// Which of [`Mode::REQUESTS`].
    pub kind: usize,
    /// The key it is about.
    pub key: kv::Key,
    /// A value that no other operation of the run carries.
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
            Promise::Expires(_) => "expires",
            Promise::Limited { .. } => "limited",
        }
    }

    /// How an operation looks to a judge of key-value histories, if the judge is one.
    pub fn view(&self) -> Option<View<P>> {
        match self {
            Promise::Linearizable(view)
            | Promise::Durable(view)
            | Promise::Genuine(view)
            | Promise::Monotonic(view)
            | Promise::NewestWins { view, .. }
            | Promise::ReadYourWrites { view, .. }
            | Promise::Expires(view) => Some(*view),
            Promise::Limited { .. } => None,
        }
    }
}
