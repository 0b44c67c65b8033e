//! The probe: servers that beat, keep records and say all that befalls them; they promise nothing.
//!
//! ```text
//! every 10ms   n1 -> n2 n3   beat N      past the flush, since it rests on nothing in the cache
//!              n1            write N, flush
//! 500us later  n1 -> n2      kept N      held until that flush is done
//! ```

use std::fmt;
use std::sync::Arc;

use netsplit::{
    Class, Cluster, Config, Damage, DiskError, Does, Envelope, Input, Kinds, Life, Losable, Mode,
    NodeId, Now, OpId, Operation, Outbox, Outcome, Process, Promise, Protocol, Queue, Role, Size,
    Span, Time,
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Probe;

#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
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

/// A client that answers itself after a while.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Client(Span);

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Server {
    me: NodeId,
    others: Vec<NodeId>,
    next: NodeId,
    options: Options,
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
    type Options = Options;
}

impl Server {
    fn tick(&mut self, now: Now, out: &mut Outbox<Probe>) {
        out.arm(Timer::Tick, self.options.interval);
        self.look_at_the_wall(now, out);
        for _ in 0..self.options.burst {
            self.beats += 1;
            for other in &self.others {
                // A beat rests on nothing in the cache.
                out.send_past_flush(*other, Message::Beat(self.beats, self.options.size));
            }
        }
        if self.options.rewrites {
            out.rewrite(vec![self.record]);
        } else {
            out.write(self.record);
        }
        out.note(Note::Wrote(self.record));
        out.flush();
        out.send(self.next, Message::Kept(self.record, self.options.size));
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
}

impl Process for Server {
    type Protocol = Probe;

    /// Record 0, so that a wipe can be told from a first start.
    fn format(_: &Config<Probe>, _: NodeId) -> Vec<u64> {
        vec![0]
    }

    fn boot(
        config: &Arc<Config<Probe>>,
        me: NodeId,
        life: Life,
        now: Now,
        disk: &[Result<u64, Damage>],
        out: &mut Outbox<Probe>,
    ) -> Server {
        let options = &config.options;
        out.note(Note::Boots(disk.to_vec(), now.wall));
        out.arm(Timer::Tick, options.interval);
        out.arm(Timer::Empty, options.empties);
        if options.resolves > Span::ZERO {
            out.arm(Timer::Resolve, options.resolves);
        }
        let last = disk.iter().flatten().copied().max();
        Server {
            me,
            others: config.others(me).collect(),
            next: NodeId::server(me.number() % config.servers.len() as u32 + 1),
            options: options.clone(),
            // No two beats are alike, in whichever lives they are sent.
            beats: u64::from(life.0) * 1000,
            record: last.map_or(0, |last| last + 1),
            inbox: Queue::new(options.capacity),
            looked: (now.wall, now.mono),
        }
    }

    fn step(&mut self, now: Now, input: Input<Probe>, out: &mut Outbox<Probe>) {
        match input {
            Input::Fired(Timer::Tick) => self.tick(now, out),
            Input::Fired(Timer::Empty) => {
                out.arm(Timer::Empty, self.options.empties);
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
                if !self.options.stubborn {
                    out.stop("the disk failed");
                }
            }
            Input::Quit => {
                out.note(Note::Asked);
                if self.options.quits > Span::ZERO {
                    out.arm(Timer::Stop, self.options.quits);
                }
            }
            Input::Fired(Timer::Stop) => out.stop("was asked to quit"),
            Input::Fired(Timer::Resolve) => {
                out.arm(Timer::Resolve, self.options.resolves);
                out.resolve();
            }
            Input::Resolved(servers) => out.note(Note::Knows(servers)),
            Input::Fired(Timer::Answer(_)) | Input::Flushed(_) | Input::Requested(..) => {}
            Input::Opened { .. } | Input::Arrived(..) | Input::Credit(..) | Input::Closed(..) => {}
        }
    }

    /// The first server is the boss once it has beaten five times, and nobody is ever a ghost.
    fn role(&self) -> Option<Role> {
        let is_boss = self.me.number() == 1 && self.beats % 1000 >= 5;
        is_boss.then_some(Role {
            name: "boss",
            rank: 1,
        })
    }

    fn queues(&mut self) -> Vec<(&'static str, &mut dyn Losable)> {
        vec![("inbox", &mut self.inbox)]
    }
}

impl Process for Client {
    type Protocol = Probe;

    fn boot(
        config: &Arc<Config<Probe>>,
        _: NodeId,
        _: Life,
        _: Now,
        _: &[Result<u64, Damage>],
        _: &mut Outbox<Probe>,
    ) -> Client {
        Client(config.options.answers)
    }

    fn step(&mut self, _: Now, input: Input<Probe>, out: &mut Outbox<Probe>) {
        match input {
            Input::Requested(op, request) if self.0 == Span::ZERO => {
                out.respond(op, Outcome::Ok(request));
            }
            Input::Requested(op, _) => out.arm(Timer::Answer(op), self.0),
            Input::Fired(Timer::Answer(op)) => out.respond(op, Outcome::Ok(0)),
            _ => {}
        }
    }
}

impl Mode for Probe {
    const NAME: &'static str = "probe";
    const ABOUT: &'static str =
        "beats and receipts, and a note of all that befalls; promises nothing";
    const SERVERS: &'static [Class] = &[Class::alike(1..=9)];
    const OPERATIONS: &'static [Operation<Probe>] = &[Operation {
        name: "ask",
        does: Does::Changes,
        request: |_, ask| ask.value.name,
    }];
    const ROLES: &'static [&'static str] = &["boss", "ghost"];
    const QUEUES: &'static [&'static str] = &["inbox"];

    type Server = Server;
    type Client = Client;
    type Invariants = ();

    fn resolves(_: &Config<Probe>) -> bool {
        true
    }

    fn promises(_: &Config<Probe>) -> Vec<Promise<Probe>> {
        Vec::new()
    }

    fn envelope(config: &Config<Probe>) -> Envelope {
        Envelope {
            lost_servers: config.options.lost_servers,
            lying_flushes: true,
            drift_ppm: 500_000,
        }
    }

    fn suffices(config: &Config<Probe>, core: &[NodeId]) -> bool {
        core.len() > config.servers.len() / 2
    }

    fn calm_budget(_: &Config<Probe>) -> Span {
        Span::secs(1)
    }

    fn settled(cluster: &impl Cluster<Probe>) -> Result<(), String> {
        let sound = cluster.servers().iter().filter(|id| cluster.is_sound(**id));
        let mut down = sound.filter(|id| cluster.server(**id).is_none());
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
