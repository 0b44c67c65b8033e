//! The world: one ordered queue of events on one thread.
//!
//! Pop the next event, advance the clock to it, hand the input to one process, carry out its outbox in order. The world
//! knows no mode: it is the same for all of them.

pub mod calm;
mod clients;
pub mod clock;
pub mod cpu;
pub mod disk;
pub mod events;
pub mod fault;
pub mod ground;
mod host;
mod jam;
pub mod law;
pub mod network;
pub mod panics;
pub mod random;
mod roster;
mod storm;
pub mod streams;
pub mod target;

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};

use netsplit::{
    Broken, DiskError, Effect, Input, Invariants, Kinds, Life, Mode, NodeId, OpId, Outbox, Process,
    Protocol, Size, Span, StreamId, Time, Violation,
};
use rustc_hash::FxHasher;
use tracing::{debug, info, trace};

use self::events::Events;
use self::fault::Point;
use self::ground::Ground;
use self::host::{Host, Outward, Ring, Waiting};
use self::jam::Jam;
use self::network::{Fate, Network};
use self::random::{Key, Purpose};
use self::roster::{Roster, View};
use self::storm::Storm;
use self::streams::Streams;
use crate::history::History;
use crate::scenario::Scenario;
use crate::workload::Workload;

/// So many events at one instant are a loop without end.
const EVENTS_AT_ONE_INSTANT: u64 = 1_000_000;

/// How long a supervisor waits before it starts a process that stopped by itself: systemd's `RestartSec`.
const SUPERVISOR: Span = Span::millis(100);

/// So many events waiting, besides a thousand for each host, are an avalanche: each brings on more than one other.
const AVALANCHE: usize = 250_000;

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
    /// From the end of the storm until all was well; none if it never was.
    pub converged: Option<Span>,
    /// Messages sent, by kind.
    pub messages: Vec<u64>,
    /// Messages delivered.
    pub delivered: u64,
    /// Notes, by kind.
    pub notes: Vec<u64>,
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
    /// Whether what processors do takes time.
    counts: bool,
    disks: Vec<Key>,
    storm: Storm,
    workload: Workload,
    /// The open operation of each client, and what was asked for in the calm.
    open: Vec<Option<(OpId, netsplit::Ask)>>,
    /// Clients whose time to ask came while they were busy.
    late: Vec<bool>,
    history: History<M>,
    invariants: M::Invariants,
    found: Vec<Broken>,
    violations: Vec<Violation>,
    out: Outbox<M>,
    digest: FxHasher,
    messages: Vec<u64>,
    delivered: u64,
    notes: Vec<u64>,
    deadline: Time,
    converged: Option<Span>,
    over: bool,
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
        let members = M::members(&scenario.options, scenario.servers, setup.clients);
        let ids: Vec<NodeId> = members.iter().map(|member| member.id).collect();
        let servers = ids.iter().filter(|id| !id.is_client()).count();
        let hosts: Vec<Host<M>> = (0..)
            .zip(members)
            .map(|(slot, member)| {
                let clock = clock::Clock::draw(
                    scenario.clock,
                    &mut Key::new(seed, Purpose::Clock(slot)).stream(),
                );
                let mut host = Host::new(member, clock, Key::new(seed, Purpose::Timer(slot)));
                if let Some(planted) = scenario.mistake.filter(|_| !host.id.is_client()) {
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
            counts: scenario.cpu.counts(),
            disks: (0..hosts.len() as u32)
                .map(|slot| Key::new(seed, Purpose::Disk(slot)))
                .collect(),
            roster: Roster::new(&ids),
            storm: Storm::new(seed, &scenario.faults, scenario.length),
            workload: Workload::new(seed, setup),
            open: vec![None; hosts.len() - servers],
            late: vec![false; hosts.len() - servers],
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
            delivered: 0,
            notes: vec![0; <M::Note as Kinds>::KINDS.len()],
            deadline: Time::NEVER,
            converged: None,
            over: false,
            stepping: None,
            booting: false,
            failing: false,
        }
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
        let bound = AVALANCHE + 1000 * self.hosts.len();
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
            Event::Free { host } => self.free(host),
            Event::Turn { fault, part, on } => self.turn(fault, part, on),
            Event::Calm => self.calm(),
            Event::Settle => self.settle(),
        }
    }

    #[inline]
    fn deliver(&mut self, from: u32, to: u32, message: M::Message) {
        self.mark(
            (message.size() as u64) << 8 | message.kind() as u64,
            from,
            to,
        );
        let (sender, slot) = (self.ids[from as usize], to as usize);
        let host = &mut self.hosts[slot];
        if self.network.is_cut(from as usize, slot) {
            debug!(target: "world", at = %self.now, node = %host.id, "cut off from {sender}: {message}");
            return;
        }
        if host.process.is_none() {
            trace!(target: "world", at = %self.now, node = %host.id, "down, never hears {sender}: {message}");
            return;
        }
        trace!(target: "world", at = %self.now, node = %host.id, "<- {sender}: {message}");
        self.delivered += 1;
        self.input(slot, Input::Delivered(sender, message));
    }

    /// A message arrives damaged: its receiver's checksum tells, and nobody hears of it.
    #[cold]
    fn garbled(&mut self, from: usize, to: usize) {
        self.mark(7 << 40, from as u32, to as u32);
        let (sender, host) = (self.ids[from], &self.hosts[to]);
        if host.process.is_none() {
            return;
        }
        debug!(target: "world", at = %self.now, node = %host.id, "throws away a damaged message from {sender}");
    }

    fn ring(&mut self, host: u32, place: u32, life: Life) {
        let (slot, place) = (host as usize, place as usize);
        let busy = self.is_busy(slot);
        let host = &mut self.hosts[slot];
        if host.life != life || host.process.is_none() {
            return;
        }
        if host.pauses == 0 && !busy {
            self.ring_now(slot, place);
        } else if host.alarms.sleep(place, self.now) {
            if host.pauses > 0 {
                host.waiting.push_back(Waiting::Alarm(place));
            } else {
                self.stand_in_line(slot, Waiting::Alarm(place));
            }
        }
    }

    fn ring_now(&mut self, slot: usize, place: usize) {
        let host = &mut self.hosts[slot];
        match host.alarms.ring(place, self.now) {
            Ring::Nothing => {}
            Ring::Later(due) => {
                let (host, place, life) = (slot as u32, place as u32, host.life);
                self.events.push(due, Event::Alarm { host, place, life });
            }
            Ring::Due(timer) => {
                trace!(target: "world", at = %self.now, node = %host.id, "fires {timer:?}");
                self.mark(1 << 40, slot as u32, place as u32);
                self.step(slot, Input::Fired(timer));
            }
        }
    }

    fn flushed(&mut self, slot: usize, flush: u64) {
        let host = &mut self.hosts[slot];
        if host.flushes != flush {
            return;
        }
        let draw = self.disks[slot].draw(flush);
        if host.troubles.fails_flushes > 0 {
            let done = host.disk.done();
            let ticket = host.disk.fail(draw);
            debug!(target: "world", at = %self.now, node = %host.id, "a flush fails");
            host.drop_held(done, ticket);
            self.mark(8 << 40, slot as u32, ticket.0 as u32);
            self.start_flush(slot);
            self.input(slot, Input::Failed(DiskError::Flush(ticket)));
            return;
        }
        let lies = host.troubles.lies > 0;
        let ticket = if lies {
            host.disk.lie()
        } else {
            host.disk.finish()
        };
        trace!(target: "world", at = %self.now, node = %host.id, "flushed, {} writes wait", host.disk.unflushed());
        self.mark(2 << 40, slot as u32, ticket.0 as u32);
        self.start_flush(slot);
        self.input(slot, Input::Flushed(ticket));
    }

    /// Hands an input to a process, or keeps it while the host is paused or busy.
    #[inline]
    fn input(&mut self, slot: usize, input: Input<M>) {
        if self.hosts[slot].pauses > 0 {
            let waiting = &mut self.hosts[slot].waiting;
            waiting.push_back(Waiting::Input(input));
        } else if self.is_busy(slot) {
            self.stand_in_line(slot, Waiting::Input(input));
        } else {
            self.take_in(slot, input);
        }
    }

    /// Hands an input to a process that is there for it.
    #[inline]
    fn take_in(&mut self, slot: usize, input: Input<M>) {
        match &input {
            Input::Flushed(ticket) => {
                if self.is_trapped(slot) && self.springs(slot, |point| point == Point::Flushed) {
                    return;
                }
                self.release(slot, *ticket);
            }
            Input::Delivered(_, message) => {
                self.works(slot, message);
            }
            Input::Arrived(stream, message) => {
                self.works(slot, message);
                self.give_credit(slot, *stream, message.size() as u32);
            }
            Input::Opened { .. } | Input::Credit(..) | Input::Closed(..) => {}
            Input::Fired(_) | Input::Requested(..) | Input::Failed(_) => {}
        }
        self.step(slot, input);
    }

    #[inline]
    fn is_trapped(&self, slot: usize) -> bool {
        !self.hosts[slot].traps.is_empty()
    }

    /// Lets leave what waited for a flush that is done.
    fn release(&mut self, slot: usize, done: netsplit::Ticket) {
        while let Some((_, effect)) = self.hosts[slot]
            .held
            .pop_front_if(|(ticket, _)| *ticket <= done)
        {
            match effect {
                Outward::Send(to, message) => self.send(slot, to, message),
                Outward::Open(stream, to) => self.open_stream(slot, stream, to),
                Outward::Push(stream, message) => self.push(slot, stream, message),
                Outward::Close(stream) => self.close_stream(slot, stream),
                Outward::Respond(op, outcome) => self.respond(slot, op, outcome),
            }
        }
    }

    #[inline]
    fn step(&mut self, slot: usize, input: Input<M>) {
        let host = &mut self.hosts[slot];
        let Some(process) = &mut host.process else {
            return;
        };
        let now = host.clock.read(self.now);
        self.stepping = Some(host.id);
        *self.out.last_ticket() = host.ticket;
        *self.out.last_stream() = host.last_stream;
        match &mut host.mistake {
            None => process.step(now, input, &mut self.out),
            Some(mistake) => mistake.step(process, now, input, &mut self.out),
        }
        self.carry_out(slot);
    }

    fn boot(&mut self, slot: usize) {
        let host = &mut self.hosts[slot];
        let mut disk = host.disk.read();
        if let Some(mistake) = &mut host.mistake {
            mistake.boot(&mut disk);
        }
        debug!(target: "world", at = %self.now, node = %host.id, "starts, life {}, {} records", host.life.0, disk.len());
        self.stepping = Some(host.id);
        *self.out.last_ticket() = host.ticket;
        *self.out.last_stream() = host.last_stream;
        host.dead = false;
        let now = host.clock.read(self.now);
        let process = M::Process::boot(&host.config, host.id, host.life, now, &disk, &mut self.out);
        host.process = Some(process);
        host.spoiled = false;
        self.booting = true;
        self.carry_out(slot);
    }

    /// Carries out what a step left in the outbox, in order, and lets the invariants look.
    #[inline]
    fn carry_out(&mut self, slot: usize) {
        self.hosts[slot].ticket = *self.out.last_ticket();
        self.hosts[slot].last_stream = *self.out.last_stream();
        let mut out = std::mem::take(&mut self.out);
        let mut failed = None;
        for effect in out.drain() {
            if self.hosts[slot].process.is_none() || failed.is_some() {
                break;
            }
            failed = self.effect(slot, effect).err();
        }
        self.out = out;
        self.start_flush(slot);
        self.stepping = None;
        self.booting = false;
        if let Some(error) = failed
            && !std::mem::replace(&mut self.failing, true)
        {
            self.step(slot, Input::Failed(error));
            self.failing = false;
            return;
        }
        let view = View {
            hosts: &self.hosts,
            ids: &self.ids,
            roster: &self.roster,
        };
        self.invariants
            .after_step(&view, self.ids[slot], &mut self.found);
        if !self.found.is_empty() {
            self.convict();
        }
    }

    fn convict(&mut self) {
        for Broken {
            invariant,
            evidence,
        } in std::mem::take(&mut self.found)
        {
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

    /// Carries out one effect.
    ///
    /// # Errors
    /// If the disk refuses a write.
    #[inline]
    fn effect(&mut self, slot: usize, effect: Effect<M>) -> Result<(), DiskError> {
        let host = &mut self.hosts[slot];
        match effect {
            Effect::Send { to, message, pass } => {
                if pass || !host.holds() {
                    self.send(slot, to, message);
                } else {
                    host.hold(Outward::Send(to, message));
                }
            }
            Effect::Open(stream, to) if !host.holds() => self.open_stream(slot, stream, to),
            Effect::Open(stream, to) => host.hold(Outward::Open(stream, to)),
            Effect::Push {
                stream,
                message,
                pass,
            } => {
                if pass || !host.holds() {
                    self.push(slot, stream, message);
                } else {
                    host.hold(Outward::Push(stream, message));
                }
            }
            Effect::Close(stream) if !host.holds() => self.close_stream(slot, stream),
            Effect::Close(stream) => host.hold(Outward::Close(stream)),
            Effect::Respond(op, outcome) => {
                if host.holds() {
                    host.hold(Outward::Respond(op, outcome));
                } else {
                    self.respond(slot, op, outcome);
                }
            }
            Effect::Write(record) => {
                host.troubles.refuses().map_or(Ok(()), Err)?;
                trace!(target: "world", at = %self.now, node = %host.id, "writes {record}");
                host.disk.write(record);
                if self.is_trapped(slot) {
                    self.springs(slot, |point| point == Point::Written);
                }
            }
            Effect::Rewrite(records) => {
                host.troubles.refuses().map_or(Ok(()), Err)?;
                host.disk.rewrite(records);
                if self.is_trapped(slot) {
                    self.springs(slot, |point| point == Point::Written);
                }
            }
            Effect::Flush(ticket) => host.disk.flush(ticket),
            Effect::Arm(timer, within) => {
                if let Some((place, due)) = host.alarms.arm(timer, within, self.now, &host.clock) {
                    let (place, life) = (place as u32, host.life);
                    self.events.push(
                        due,
                        Event::Alarm {
                            host: slot as u32,
                            place,
                            life,
                        },
                    );
                }
            }
            Effect::Disarm(timer) => host.alarms.disarm(timer),
            Effect::Note(note) => {
                self.notes[note.kind()] += 1;
                debug!(target: "note", at = %self.now, node = %host.id, "{note}");
            }
            Effect::Stop(reason) => {
                info!(target: "world", at = %self.now, node = %host.id, "stops: {reason}");
                host.lost |= self.booting;
                self.events
                    .push(self.now + SUPERVISOR, Event::Revive { host: slot });
                self.crash(slot, false);
            }
        }
        Ok(())
    }

    #[inline]
    fn send(&mut self, slot: usize, to: NodeId, message: M::Message) {
        let kind = message.kind();
        let here = |point: Point| matches!(point, Point::Sends { kind: on, .. } if on == kind);
        if self.is_trapped(slot) && self.springs(slot, here) {
            return;
        }
        self.messages[kind] += 1;
        let leaves = self.works(slot, &message);
        self.launch(leaves, slot, self.roster.slot(to), message);
    }

    /// Puts a message on its link.
    #[inline]
    fn launch(&mut self, leaves: Time, slot: usize, receiver: usize, message: M::Message) {
        let (kind, id, to) = (message.kind(), self.ids[slot], self.ids[receiver]);
        let (from, to_slot) = (slot as u32, receiver as u32);
        match self
            .network
            .send(leaves, slot, receiver, kind, || message.size() as u64)
        {
            Fate::Arrives(at, again) => {
                trace!(target: "world", at = %self.now, node = %id, "-> {to}: {message}");
                if let Some(again) = again {
                    trace!(target: "world", at = %self.now, node = %id, "-> {to}, doubled: {message}");
                    let message = message.clone();
                    self.events.push(
                        again,
                        Event::Deliver {
                            from,
                            to: to_slot,
                            message,
                        },
                    );
                }
                self.events.push(
                    at,
                    Event::Deliver {
                        from,
                        to: to_slot,
                        message,
                    },
                );
            }
            Fate::Garbled(at) => {
                trace!(target: "world", at = %self.now, node = %id, "-> {to}: {message}");
                self.events.push(at, Event::Garbled { from, to: to_slot });
            }
            Fate::Jammed => {
                trace!(target: "world", at = %self.now, node = %id, "-> {to}, jammed: {message}");
                self.jam(slot, receiver, message);
            }
            Fate::Overflow => {
                debug!(target: "world", at = %self.now, node = %id, "-> {to}, no room in the queue: {message}");
            }
            Fate::Cut => {
                debug!(target: "world", at = %self.now, node = %id, "cut off from {to}: {message}")
            }
            Fate::Lost => {
                debug!(target: "world", at = %self.now, node = %id, "-> {to}, lost: {message}")
            }
        }
    }

    fn start_flush(&mut self, slot: usize) {
        if self.hosts[slot].disk.start() {
            self.time_flush(slot);
        }
    }

    /// Says when the flush that runs will be done, as slow as the disk is now. An earlier word on it is void.
    fn time_flush(&mut self, slot: usize) {
        let host = &mut self.hosts[slot];
        host.flushes += 1;
        if host.troubles.stalls > 0 {
            return;
        }
        let draw = self.disks[slot].draw(host.flushes);
        let takes = self
            .scenario
            .disk
            .flush_takes(draw, host.disk.flushing_bytes());
        let done = self.now + takes * host.troubles.slow.most();
        let (host, flush) = (slot as u32, host.flushes);
        self.events.push(done, Event::Flushed { host, flush });
    }

    /// A process dies, and with it its machine if nobody is told.
    fn crash(&mut self, slot: usize, silent: bool) {
        if silent {
            self.bury_streams(slot);
        }
        let host = &mut self.hosts[slot];
        if host.process.is_none() {
            return;
        }
        debug!(target: "world", at = %self.now, node = %host.id, "goes down, {} writes not flushed", host.disk.unflushed());
        host.forget();
        host.flushes += 1;
        host.disk.crash(self.disks[slot].draw(host.flushes));
        host.life.0 += 1;
        host.dead = silent;
        let draw = self.disks[slot].draw(host.flushes);
        self.lose_streams(slot, silent, draw);
        if let Some(client) = slot.checked_sub(self.servers) {
            self.abandon(client);
        }
    }

    fn finish(mut self) -> Outcomes<M> {
        for host in &self.hosts {
            host.process.hash(&mut self.digest);
        }
        for operation in self.history.operations() {
            operation.request.hash(&mut self.digest);
            if let Some((moment, outcome)) = &operation.ended {
                (moment.order, outcome).hash(&mut self.digest);
            }
        }
        let unfound = self.storm.unfound();
        Outcomes {
            digest: self.digest.finish(),
            violations: self.violations,
            unknown: unfound,
            history: self.history,
            converged: self.converged,
            messages: self.messages,
            delivered: self.delivered,
            notes: self.notes,
            faults: self.storm.log,
            ended: self.now,
        }
    }
}
