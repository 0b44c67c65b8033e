//! The probe: servers that beat, keep records and say all that befalls them; they promise nothing.
//!
//! ```text
//! every 10ms   n1 -> n2 n3   beat N      past the flush, since it rests on nothing in the cache
//!              n1            write N, flush
//! 500us later  n1 -> n2      kept N      held until that flush is done
//! ```

use std::fmt;
use std::ops::RangeInclusive;

use netsplit::{
    Ask, Broken, Cluster, Damage, DiskError, Envelope, Input, Invariants, Kinds, Life, Losable,
    Member, Mode, NodeId, Now, OpId, Outbox, Outcome, Process, Promise, Protocol, Queue, Role,
    Size, Span, Time,
};
use netsplit_sim::modes::WithMistakes;
use serde::{Deserialize, Serialize};

pub(crate) static PROBE: WithMistakes<Probe> = WithMistakes(&[]);

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Probe;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Options {
    /// How long from one beat to the next.
    interval: Span,
    /// How many beats at once.
    burst: u64,
    /// The size of a message, in bytes.
    size: usize,
    /// How many beats fit into the inbox.
    capacity: usize,
    /// How long from one emptying of the inbox to the next.
    empties: Span,
    /// How long a client takes to answer itself, and so how long the calm lasts.
    answers: Span,
    /// Whether a server goes on when its disk fails.
    stubborn: bool,
    /// Whether a record replaces all that was written before.
    rewrites: bool,
    /// How many servers may lose their disks.
    lost_servers: u32,
    /// How long a server takes to stop when it is asked to; zero if it never does.
    quits: Span,
    /// How long from one question for who is there to the next; zero if it never asks.
    resolves: Span,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            interval: Span::millis(10),
            burst: 1,
            size: 100,
            capacity: 1000,
            empties: Span::millis(50),
            answers: Span::ZERO,
            stubborn: false,
            rewrites: false,
            lost_servers: 9,
            quits: Span::ZERO,
            resolves: Span::ZERO,
        }
    }
}

/// A beat or a receipt, with its number and its size.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Message {
    /// To every other server.
    Beat(u64, usize),
    /// To the next server: this record is durable.
    Kept(u64, usize),
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Timer {
    Tick,
    Empty,
    Stop,
    Resolve,
    Answer(OpId),
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Note {
    Boots(Vec<Result<u64, Damage>>, Time),
    Hears(NodeId, Message),
    Wrote(u64),
    Empties(Vec<u64>),
    Told(DiskError),
    Wall(Wall),
    Asked,
    Knows(Vec<NodeId>),
}

/// What is odd about the wall clock, from one tick to the next, measured by the monotonic one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Wall {
    StandsStill,
    Leaps(Span),
    FallsBack(Span),
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Node {
    Server(Server),
    Client(Span),
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Server {
    me: NodeId,
    others: Vec<NodeId>,
    next: NodeId,
    interval: Span,
    burst: u64,
    size: usize,
    empties: Span,
    stubborn: bool,
    rewrites: bool,
    quits: Span,
    resolves: Span,
    beats: u64,
    record: u64,
    inbox: Queue<u64>,
    looked: (Time, Time),
}

impl Protocol for Probe {
    type Message = Message;
    type Timer = Timer;
    type Record = u64;
    type Request = u64;
    type Response = u64;
    type Note = Note;
}

impl Server {
    fn boot(config: &Config, me: NodeId, life: Life, now: Now, last: Option<u64>) -> Server {
        let Config { servers, options } = config;
        let others = |id: &NodeId| *id != me;
        Server {
            me,
            others: servers.iter().copied().filter(others).collect(),
            next: NodeId::server(me.number() % servers.len() as u32 + 1),
            interval: options.interval,
            burst: options.burst,
            size: options.size,
            empties: options.empties,
            stubborn: options.stubborn,
            rewrites: options.rewrites,
            quits: options.quits,
            resolves: options.resolves,
            // No two beats are alike, in whichever lives they are sent.
            beats: u64::from(life.0) * 1000,
            record: last.map_or(0, |last| last + 1),
            inbox: Queue::new(options.capacity),
            looked: (now.wall, now.mono),
        }
    }

    fn tick(&mut self, now: Now, out: &mut Outbox<Probe>) {
        out.arm(Timer::Tick, self.interval);
        self.look_at_the_wall(now, out);
        for _ in 0..self.burst {
            self.beats += 1;
            for other in &self.others {
                // A beat rests on nothing in the cache.
                out.send_past_flush(*other, Message::Beat(self.beats, self.size));
            }
        }
        if self.rewrites {
            out.rewrite(vec![self.record]);
        } else {
            out.write(self.record);
        }
        out.note(Note::Wrote(self.record));
        out.flush();
        out.send(self.next, Message::Kept(self.record, self.size));
        self.record += 1;
    }

    fn look_at_the_wall(&mut self, now: Now, out: &mut Outbox<Probe>) {
        let nanos = |to: Time, from: Time| to.as_nanos() as i64 - from.as_nanos() as i64;
        let (wall, mono) = std::mem::replace(&mut self.looked, (now.wall, now.mono));
        let (by_wall, by_mono) = (nanos(now.wall, wall), nanos(now.mono, mono));
        let off = Span::nanos(by_wall.abs_diff(by_mono));
        if by_wall == 0 {
            out.note(Note::Wall(Wall::StandsStill));
        } else if by_wall > by_mono {
            out.note(Note::Wall(Wall::Leaps(off)));
        } else if by_wall < by_mono {
            out.note(Note::Wall(Wall::FallsBack(off)));
        }
    }

    fn step(&mut self, now: Now, input: Input<Probe>, out: &mut Outbox<Probe>) {
        match input {
            Input::Fired(Timer::Tick) => self.tick(now, out),
            Input::Fired(Timer::Empty) => {
                out.arm(Timer::Empty, self.empties);
                let all = std::iter::from_fn(|| self.inbox.pop()).collect();
                out.note(Note::Empties(all));
            }
            Input::Delivered(from, message) => {
                if let Message::Beat(number, _) = message {
                    // What does not fit is lost: that is what a bounded queue is for.
                    let _ = self.inbox.push(number);
                }
                out.note(Note::Hears(from, message));
            }
            Input::Failed(error) => {
                out.note(Note::Told(error));
                if !self.stubborn {
                    out.stop("the disk failed");
                }
            }
            Input::Quit => {
                out.note(Note::Asked);
                if self.quits > Span::ZERO {
                    out.arm(Timer::Stop, self.quits);
                }
            }
            Input::Fired(Timer::Stop) => out.stop("was asked to quit"),
            Input::Fired(Timer::Resolve) => {
                out.arm(Timer::Resolve, self.resolves);
                out.resolve();
            }
            Input::Resolved(servers) => out.note(Note::Knows(servers)),
            Input::Fired(Timer::Answer(_)) | Input::Flushed(_) | Input::Requested(..) => {}
            Input::Opened { .. } | Input::Arrived(..) | Input::Credit(..) | Input::Closed(..) => {}
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Config {
    servers: Vec<NodeId>,
    options: Options,
}

impl Process for Node {
    type Protocol = Probe;
    type Config = Config;

    /// Record 0, so that a wipe can be told from a first start.
    fn format(_: &Config, me: NodeId) -> Vec<u64> {
        if me.is_client() { vec![] } else { vec![0] }
    }

    fn boot(
        config: &Config,
        me: NodeId,
        life: Life,
        now: Now,
        disk: &[Result<u64, Damage>],
        out: &mut Outbox<Probe>,
    ) -> Node {
        if me.is_client() {
            return Node::Client(config.options.answers);
        }
        out.note(Note::Boots(disk.to_vec(), now.wall));
        out.arm(Timer::Tick, config.options.interval);
        out.arm(Timer::Empty, config.options.empties);
        if config.options.resolves > Span::ZERO {
            out.arm(Timer::Resolve, config.options.resolves);
        }
        let last = disk.iter().flatten().copied().max();
        Node::Server(Server::boot(config, me, life, now, last))
    }

    fn step(&mut self, now: Now, input: Input<Probe>, out: &mut Outbox<Probe>) {
        match (self, input) {
            (Node::Server(server), input) => server.step(now, input, out),
            (Node::Client(Span::ZERO), Input::Requested(op, request)) => {
                out.respond(op, Outcome::Ok(request));
            }
            (Node::Client(answers), Input::Requested(op, _)) => {
                out.arm(Timer::Answer(op), *answers);
            }
            (Node::Client(_), Input::Fired(Timer::Answer(op))) => out.respond(op, Outcome::Ok(0)),
            (Node::Client(_), _) => {}
        }
    }

    /// The first server is the boss once it has beaten five times, and nobody is ever a ghost.
    fn role(&self) -> Option<Role> {
        match self {
            Node::Server(server) if server.me.number() == 1 && server.beats % 1000 >= 5 => {
                Some(Role {
                    name: "boss",
                    rank: 1,
                })
            }
            _ => None,
        }
    }

    fn queues(&mut self) -> Vec<(&'static str, &mut dyn Losable)> {
        match self {
            Node::Server(server) => vec![("inbox", &mut server.inbox)],
            Node::Client(_) => vec![],
        }
    }
}

#[derive(Default)]
pub(crate) struct Unwatched;

impl Invariants<Node> for Unwatched {
    const NAMES: &'static [&'static str] = &[];
    fn after_step(&mut self, _: &impl Cluster<Node>, _: NodeId, _: &mut Vec<Broken>) {}
    fn after_calm(&mut self, _: &impl Cluster<Node>, _: &mut Vec<Broken>) {}
}

impl Mode for Probe {
    const NAME: &'static str = "probe";
    const ABOUT: &'static str =
        "beats and receipts, and a note of all that befalls; promises nothing";
    const ROLES: &'static [&'static str] = &["boss", "ghost"];
    const REQUESTS: &'static [&'static str] = &["ask"];
    const QUEUES: &'static [&'static str] = &["inbox"];
    const RESOLVES: bool = true;
    const SERVERS: RangeInclusive<u32> = 1..=9;

    type Process = Node;
    type Options = Options;
    type Invariants = Unwatched;

    fn members(options: &Options, servers: u32, clients: u32) -> Vec<Member<Node>> {
        let all: Vec<NodeId> = (1..=servers).map(NodeId::server).collect();
        let clients = (1..=clients).map(NodeId::client);
        let config = Config {
            servers: all.clone(),
            options: options.clone(),
        };
        let member = |id| Member {
            id,
            config: config.clone(),
        };
        all.into_iter().chain(clients).map(member).collect()
    }

    fn check(_: &Options) -> Result<(), (&'static str, String)> {
        Ok(())
    }

    fn request(_: &Options, ask: Ask) -> u64 {
        ask.value.name
    }

    fn promises(_: &Options, _: u32) -> Vec<Promise<Probe>> {
        Vec::new()
    }

    fn envelope(options: &Options, _: u32) -> Envelope {
        Envelope {
            lost_servers: options.lost_servers,
            lying_flushes: true,
            drift_ppm: 500_000,
        }
    }

    fn suffices(_: &Options, servers: u32, core: &[NodeId]) -> bool {
        core.len() > servers as usize / 2
    }

    fn calm_budget(_: &Options) -> Span {
        Span::secs(1)
    }

    fn settled(cluster: &impl Cluster<Node>) -> Result<(), String> {
        let sound = cluster.nodes().iter().filter(|id| cluster.is_sound(**id));
        let mut down = sound.filter(|id| cluster.process(**id).is_none());
        down.next()
            .map_or(Ok(()), |id| Err(format!("{id} is down")))
    }
}

impl Size for Message {
    fn size(&self) -> usize {
        match self {
            Message::Beat(_, size) | Message::Kept(_, size) => *size,
        }
    }
}

impl Kinds for Message {
    const KINDS: &'static [&'static str] = &["beat", "kept"];
    fn kind(&self) -> usize {
        match self {
            Message::Beat(..) => 0,
            Message::Kept(..) => 1,
        }
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Message::Beat(number, _) => write!(f, "beat {number}"),
            Message::Kept(record, _) => write!(f, "kept {record}"),
        }
    }
}

impl Kinds for Note {
    const KINDS: &'static [&'static str] = &[
        "boots", "hears", "wrote", "empties", "told", "wall", "asked", "knows",
    ];
    fn kind(&self) -> usize {
        match self {
            Note::Boots(..) => 0,
            Note::Hears(..) => 1,
            Note::Wrote(_) => 2,
            Note::Empties(_) => 3,
            Note::Told(_) => 4,
            Note::Wall(_) => 5,
            Note::Asked => 6,
            Note::Knows(_) => 7,
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::Boots(found, wall) => {
                write!(f, "boots at {wall} with")?;
                for record in found {
                    match record {
                        Ok(record) => write!(f, " {record}")?,
                        Err(Damage::Torn) => f.write_str(" torn")?,
                        Err(Damage::Rotten) => f.write_str(" rotten")?,
                    }
                }
                f.write_str(if found.is_empty() { " nothing" } else { "" })
            }
            Note::Hears(from, message) => write!(f, "hears {from}: {message}"),
            Note::Wrote(record) => write!(f, "wrote {record}"),
            Note::Empties(beats) => {
                f.write_str("empties")?;
                beats.iter().try_for_each(|beat| write!(f, " {beat}"))
            }
            Note::Told(error) => write!(f, "told: {error}"),
            Note::Asked => f.write_str("asked to quit"),
            Note::Knows(servers) => {
                f.write_str("knows")?;
                servers.iter().try_for_each(|server| write!(f, " {server}"))
            }
            Note::Wall(Wall::StandsStill) => f.write_str("wall stands still"),
            Note::Wall(Wall::Leaps(by)) => write!(f, "wall leaps by {by}"),
            Note::Wall(Wall::FallsBack(by)) => write!(f, "wall falls back by {by}"),
        }
    }
}
