//! The world: one ordered queue of events on one thread.
//!
//! Pop the next event, advance the clock to it, hand the input to one process, carry out its outbox in order. The world
//! knows no mode: it is the same for all of them.

mod arrivals;
pub mod calm;
mod clients;
pub mod clock;
pub mod cpu;
mod deeds;
pub mod disk;
pub mod events;
pub mod fault;
pub mod ground;
mod host;
mod jam;
pub mod law;
mod lives;
mod log;
pub mod names;
pub mod network;
mod outbox;
pub mod panics;
mod participant;
pub mod random;
mod roster;
mod storm;
pub mod streams;
pub mod target;

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};

use netsplit::{
    Broken, Kinds, Life, Mode, NodeId, OpId, Outbox, Protocol, Span, StreamId, Time, Violation,
};
use rustc_hash::FxHasher;
use tracing::{debug, info};

use self::events::Events;
use self::ground::Ground;
use self::host::Host;
use self::jam::Jam;
use self::names::Names;
use self::network::Network;
use self::random::{Key, Purpose};
use self::roster::Roster;
use self::storm::Storm;
use self::streams::Streams;
use crate::check::log::FaultLog;
use crate::history::History;
use crate::scenario::Scenario;
use crate::workload::{Drawn, Workload};

/// Counts one of a kind.
///
/// # Panics
/// If there is no such kind.
#[inline]
fn count<K: Kinds>(counts: &mut [u64], one: &K) {
    let (kind, known) = (one.kind(), K::KINDS);
    let place = counts.get_mut(kind);
    *place.unwrap_or_else(|| panic!("`Kinds::kind` is {kind}, and `KINDS` are {known:?}")) += 1;
}

/// So many events at one instant are a loop without end.
const EVENTS_AT_ONE_INSTANT: u64 = 1_000_000;

/// How long a supervisor waits before it starts a process that stopped by itself: systemd's `RestartSec`.
const SUPERVISOR: Span = Span::millis(100);

/// So many events waiting, besides a thousand for each host and what every two servers may have for each other, are an
/// avalanche: each brings on more than one other.
const AVALANCHE: usize = 250_000;

/// What a server may have waiting for another without piling anything up: both ways of the stream that it opened, the way
/// of one before, and an alarm each for dialing, connecting, writing and reading.
const FOR_EACH_OTHER: usize = 8;

/// The judges that are the world's own: what every mode promises.
pub const WORLD_PROMISES: [&str; 4] = [
    "steps_without_panic",
    "time_goes_on",
    "messages_do_not_pile_up",
    "recovers_in_the_calm",
];

/// What is going to happen.
enum Event<P: Protocol> {
    Deliver {
        from: u32,
        to: u32,
        message: P::Message,
    },
    Alarm {
        host: u32,
        place: u32,
        life: Life,
    },
    Flushed {
        host: u32,
        flush: u64,
    },
    Invoke {
        client: u32,
    },
    /// The first segment of a way of a stream arrives.
    Segment {
        stream: StreamId,
        way: usize,
        round: u32,
    },
    /// The first segment of a way that is blocked is tried again.
    Retransmit {
        stream: StreamId,
        way: usize,
        round: u32,
    },
    /// A message that arrives damaged.
    Garbled {
        from: u32,
        to: u32,
    },
    /// A supervisor starts a process that stopped.
    Revive {
        host: usize,
    },
    /// The name service answers.
    Answer(Box<names::Reply>),
    /// A busy host may be free.
    Free {
        host: usize,
    },
    Fault(usize),
    /// A part of a fault begins or ends.
    Turn {
        fault: usize,
        part: usize,
        on: bool,
    },
    Calm,
    Settle,
}

/// What a process shows an operator ([`netsplit::Process::gauges`]).
pub type Gauges = Vec<(&'static str, u64)>;

/// What a run leaves behind.
pub struct Outcomes<M: Mode> {
    /// Folded from every event, and what processes and clients ended with: equal for equal runs.
    pub digest: u64,
    /// What was broken.
    pub violations: Vec<Violation>,
    /// Why the run shows less than it should.
    pub unknown: Vec<String>,
    /// What clients saw.
    pub history: History<M>,
    /// What befell the servers.
    pub log: FaultLog,
    /// From the end of the storm until all was well; none if it never was.
    pub converged: Option<Span>,
    /// Messages sent, by kind.
    pub messages: Vec<u64>,
    /// Events that happened: what the run cost.
    pub events: u64,
    /// Messages delivered.
    pub delivered: u64,
    /// Notes, by kind.
    pub notes: Vec<u64>,
    /// What the servers that are up showed at the end, by name; none if the mode shows nothing.
    pub gauges: Vec<(NodeId, Gauges)>,
    /// The faults as they struck.
    pub faults: Vec<(Time, String)>,
    /// When it ended.
    pub ended: Time,
}

/// A running world.
pub struct World<'a, M: Mode> {
    scenario: &'a Scenario<M>,
    seed: u64,
    ground: Ground,
    now: Time,
    events: Events<Event<M>>,
    hosts: Vec<Host<M>>,
    ids: Vec<NodeId>,
    roster: Roster,
    servers: usize,
    /// In which zone each host stands.
    zones: Vec<Option<u16>>,
    network: Network,
    /// What waits for a jam to end, by link.
    jammed: BTreeMap<(usize, usize), Jam<M::Message>>,
    streams: Streams<M::Message>,
    names: Names,
    /// Whether what processors do takes time.
    counts: bool,
    disks: Vec<Key>,
    storm: Storm,
    workload: Workload,
    /// The open operation of each client.
    open: Vec<Option<(OpId, Drawn)>>,
    /// Clients whose time to ask came while they were busy.
    late: Vec<bool>,
    history: History<M>,
    log: FaultLog,
    invariants: M::Invariants,
    found: Vec<Broken>,
    violations: Vec<Violation>,
    out: Outbox<M>,
    digest: FxHasher,
    messages: Vec<u64>,
    happened: u64,
    delivered: u64,
    notes: Vec<u64>,
    deadline: Time,
    converged: Option<Span>,
    over: bool,
    /// Whether invariants look, and the storm is followed by the calm.
    judged: bool,
    /// Who is taking a step, for the report of a panic.
    stepping: Option<NodeId>,
    /// Whether that step is a boot, or answers the news that a write failed.
    booting: bool,
    failing: bool,
}

impl<'a, M: Mode> World<'a, M> {
    /// The world of a scenario under a seed, before anything has happened.
    pub fn new(scenario: &'a Scenario<M>, seed: u64, ground: Ground) -> World<'a, M> {
        let setup = &scenario.workload;
        let ids = scenario.nodes();
        let servers = scenario.config.servers.len();
        let hosts: Vec<Host<M>> = (0..)
            .zip(&ids)
            .map(|(slot, id)| {
                let clock = clock::Clock::draw(
                    scenario.clock,
                    &mut Key::new(seed, Purpose::Clock(slot)).stream(),
                );
                let timers = Key::new(seed, Purpose::Timer(slot));
                let mut host = Host::new(&scenario.config, *id, clock, timers);
                if let Some(planted) = scenario.mistake.filter(|_| !id.is_client()) {
                    host.mistake = Some((planted.plant)());
                }
                host
            })
            .collect();
        let kinds = <M::Message as Kinds>::KINDS.len();
        let zones: Vec<Option<u16>> = ids.iter().map(|id| scenario.zones.of(*id)).collect();
        World {
            scenario,
            seed,
            ground,
            now: Time::ZERO,
            events: Events::default(),
            network: Network::new(seed, &scenario.network, &zones, servers, kinds),
            zones,
            jammed: BTreeMap::new(),
            streams: Streams::new(scenario.network.window),
            names: Names::new(servers, hosts.len()),
            counts: scenario.cpu.counts(),
            disks: (0..hosts.len() as u32)
                .map(|slot| Key::new(seed, Purpose::Disk(slot)))
                .collect(),
            roster: Roster::new(&ids),
            storm: Storm::new(seed, &scenario.faults, scenario.length),
            workload: Workload::new(seed, setup),
            open: vec![None; hosts.len() - servers],
            late: vec![false; hosts.len() - servers],
            log: FaultLog::new(ids[..servers].to_vec()),
            hosts,
            ids,
            servers,
            history: History::default(),
            invariants: M::Invariants::default(),
            found: Vec::new(),
            violations: Vec::new(),
            out: Outbox::new(),
            digest: FxHasher::default(),
            messages: vec![0; kinds],
            happened: 0,
            delivered: 0,
            notes: vec![0; <M::Note as Kinds>::KINDS.len()],
            deadline: Time::NEVER,
            converged: None,
            over: false,
            judged: true,
            stepping: None,
            booting: false,
            failing: false,
        }
    }

    /// The same, without invariants, and over when the storm is: for figures, which say how much and not whether.
    #[must_use]
    pub fn unjudged(mut self) -> World<'a, M> {
        self.judged = false;
        self
    }

    /// Runs to the end: the storm, the calm, and no further than the first violation.
    pub fn run(mut self) -> Outcomes<M> {
        let panicked =
            panics::capture(|| catch_unwind(AssertUnwindSafe(|| self.run_on())).is_err());
        if let Some(panic) = panicked {
            let who = self
                .stepping
                .map_or_else(|| "the world".into(), |id| id.to_string());
            self.violate("steps_without_panic", format!("{who} panicked: {panic}"));
        }
        self.finish()
    }

    fn run_on(&mut self) {
        for fault in 0..self.storm.faults.len() {
            self.events
                .push(self.storm.faults[fault].at, Event::Fault(fault));
        }
        self.events
            .push(Time::ZERO + self.scenario.length, Event::Calm);
        self.log_clocks();
        self.log_noise();
        (0..self.hosts.len()).for_each(|slot| self.boot(slot));
        for client in 0..self.open.len() {
            let first = Time::ZERO + self.workload.pause(client);
            self.events.push(
                first,
                Event::Invoke {
                    client: client as u32,
                },
            );
        }
        let pairs = self.servers * self.servers;
        let bound = AVALANCHE + 1000 * self.hosts.len() + FOR_EACH_OTHER * pairs;
        let mut at_this_instant = 0;
        while !self.over {
            let Some((at, event)) = self.events.pop() else {
                break;
            };
            if at > self.now {
                self.ground.advance(at.since(self.now));
                self.now = at;
                at_this_instant = 0;
            }
            at_this_instant += 1;
            self.happened += 1;
            if at_this_instant > EVENTS_AT_ONE_INSTANT {
                let evidence = format!("more than {EVENTS_AT_ONE_INSTANT} events at one instant");
                self.violate("time_goes_on", evidence);
                return;
            }
            self.happen(event);
            let waiting = self.events.len() + self.jammed_messages();
            if waiting > bound {
                let evidence = format!("{waiting} events wait at once");
                self.violate("messages_do_not_pile_up", evidence);
            }
        }
    }

    #[inline]
    fn mark(&mut self, what: u64, a: u32, b: u32) {
        self.digest.write_u64(self.now.as_nanos());
        self.digest.write_u64(what);
        self.digest.write_u64(u64::from(a) << 32 | u64::from(b));
    }

    #[inline]
    fn happen(&mut self, event: Event<M>) {
        match event {
            Event::Deliver { from, to, message } => self.deliver(from, to, message),
            Event::Alarm { host, place, life } => self.ring(host, place, life),
            Event::Flushed { host, flush } => self.flushed(host as usize, flush),
            Event::Invoke { client } => self.invoke_in_storm(client as usize),
            Event::Fault(fault) => self.strike(fault),
            Event::Segment { stream, way, round } => self.segment(stream, way, round),
            Event::Retransmit { stream, way, round } => self.retransmit(stream, way, round),
            Event::Garbled { from, to } => self.garbled(from as usize, to as usize),
            Event::Revive { host } => self.revive(host),
            Event::Answer(reply) => self.answer(*reply),
            Event::Free { host } => self.free(host),
            Event::Turn { fault, part, on } => self.turn(fault, part, on),
            Event::Calm if !self.judged => self.over = true,
            Event::Calm => self.calm(),
            Event::Settle => self.settle(),
        }
    }

    fn convict(&mut self) {
        for Broken {
            invariant,
            evidence,
        } in std::mem::take(&mut self.found)
        {
            let known = <M::Invariants as netsplit::Invariants<M>>::NAMES;
            assert!(
                known.contains(&invariant),
                "`{invariant}` is not among `Invariants::NAMES`, {known:?}"
            );
            self.violate(invariant, evidence);
        }
    }

    fn violate(&mut self, broken: &'static str, evidence: String) {
        info!(target: "world", at = %self.now, "VIOLATION of {broken}: {evidence}");
        self.violations.push(Violation {
            broken,
            at: self.now,
            evidence,
        });
        self.over = true;
    }

    /// What the servers that are up show, which is also written down.
    fn gauges(&self) -> Vec<(NodeId, Gauges)> {
        let servers = self.hosts[..self.servers].iter();
        let shows = |host: &Host<M>| Some((host.id, host.process.as_ref()?.gauges()));
        let all: Vec<(NodeId, Gauges)> = servers
            .filter_map(shows)
            .filter(|(_, gauges)| !gauges.is_empty())
            .collect();
        for (id, gauges) in &all {
            let shown: Vec<String> = gauges
                .iter()
                .map(|(name, value)| format!("{name} {value}"))
                .collect();
            debug!(target: "world", at = %self.now, node = %id, "shows {}", shown.join(", "));
        }
        all
    }

    fn finish(mut self) -> Outcomes<M> {
        let gauges = self.gauges();
        self.log_clocks();
        self.log.close(self.now);
        for host in &self.hosts {
            host.process.hash(&mut self.digest);
        }
        for operation in self.history.operations() {
            operation.request.hash(&mut self.digest);
            if let Some((moment, outcome)) = &operation.ended {
                (moment.order, outcome).hash(&mut self.digest);
            }
        }
        // A run that ended early had no time for them.
        let unfound = if self.violations.is_empty() {
            self.storm.unfound()
        } else {
            Vec::new()
        };
        Outcomes {
            digest: self.digest.finish(),
            violations: self.violations,
            unknown: unfound,
            history: self.history,
            log: self.log,
            converged: self.converged,
            messages: self.messages,
            events: self.happened,
            delivered: self.delivered,
            notes: self.notes,
            gauges,
            faults: self.storm.log,
            ended: self.now,
        }
    }
}
