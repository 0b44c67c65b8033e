//! What a process does with one input: its outbox, as text.
//!
//! The process on stage is `n1`, or `c1`, unless a play says otherwise; everyone else is only a name on a frame. The
//! stage opens at ten seconds by both clocks.

use std::sync::Arc;

use super::super::clock::wall;
use super::super::options::Discovery;
use super::super::peer::LAST;
use super::super::state::Saved;
use super::*;
use crate::process::{Closing, Damage, Effect, Input, Process};
use crate::{Life, Now, Outbox, Span, StreamId, Ticket, Time};

mod booting;
mod catching_up;
mod client;
mod clocks;
mod discovering;
mod limits;
mod modules;
mod quitting;
mod relaying;
mod streams;
mod telling;
mod views;

/// How many bytes a stream takes, where that is enough for everything.
const WINDOW: u32 = 1 << 20;

const START: Time = Time::from_nanos(10_000_000_000);

/// One process on an empty stage.
#[derive(Clone)]
struct Solo<P> {
    process: P,
    out: Outbox<ZoneSync>,
    now: Now,
}

/// What a process did in one step.
struct Deeds(Outbox<ZoneSync>);

impl<P: Process<Protocol = ZoneSync, Config = Arc<Config>>> Solo<P> {
    fn boot(
        me: NodeId,
        nodes: u32,
        options: Options,
        disk: &[Result<Saved, Damage>],
    ) -> (Self, Deeds) {
        let nodes = (1..=nodes).map(n).collect();
        assert_eq!(options.check(), Ok(()));
        let config = Arc::new(Config { nodes, options });
        let now = Now {
            wall: START,
            mono: START,
        };
        let mut out = Outbox::new();
        *out.last_stream() = StreamId::before_first(me);
        let process = P::boot(&config, me, Life(0), now, disk, &mut out);
        let mut solo = Solo { process, out, now };
        let deeds = solo.deeds();
        (solo, deeds)
    }

    /// Time goes by.
    fn passes(&mut self, span: Span) -> &mut Self {
        self.now.wall += span;
        self.now.mono += span;
        self
    }

    /// Time goes by until the next instant after the stage opened.
    fn is_at(&mut self, since_start: Span) -> &mut Self {
        self.now.wall = START + since_start;
        self.now.mono = START + since_start;
        self
    }

    fn takes(&mut self, input: Input<ZoneSync>) -> Deeds {
        self.process.step(self.now, input, &mut self.out);
        self.deeds()
    }

    fn fires(&mut self, timer: Timer) -> Deeds {
        self.takes(Input::Fired(timer))
    }

    fn flushed(&mut self, ticket: u64) -> Deeds {
        self.takes(Input::Flushed(Ticket(ticket)))
    }

    fn resolves(&mut self, nodes: &[u32]) -> Deeds {
        self.takes(Input::Resolved(nodes.iter().copied().map(n).collect()))
    }

    /// A stream that this process asked for is there.
    fn connects(&mut self, stream: StreamId, peer: u32, credit: u32) -> Deeds {
        self.opened(stream, peer, true, credit)
    }

    /// Another opens a stream.
    fn hears_from(&mut self, stream: StreamId, credit: u32) -> Deeds {
        self.opened(stream, stream.opener.number(), false, credit)
    }

    fn opened(&mut self, stream: StreamId, peer: u32, mine: bool, credit: u32) -> Deeds {
        self.takes(Input::Opened {
            stream,
            peer: n(peer),
            mine,
            credit,
        })
    }

    fn arrives(&mut self, stream: StreamId, message: Message) -> Deeds {
        self.takes(Input::Arrived(stream, message))
    }

    fn gets_credit(&mut self, stream: StreamId, bytes: u32) -> Deeds {
        self.takes(Input::Credit(stream, bytes))
    }

    fn loses(&mut self, stream: StreamId, why: Closing) -> Deeds {
        self.takes(Input::Closed(stream, why))
    }

    /// Tickets and streams go on counting from step to step.
    fn deeds(&mut self) -> Deeds {
        let deeds = Deeds(self.out.clone());
        self.out.drain();
        deeds
    }
}

impl Solo<Node> {
    fn asked(&mut self, request: Request) -> Deeds {
        let life = Life(0);
        let ask = Message::Ask {
            life,
            seq: 1,
            request,
        };
        self.takes(Input::Delivered(c(1), ask))
    }

    fn zone(&self, module: Module) -> &Zone {
        self.process.zone(module).unwrap()
    }

    /// What it holds, a line each.
    fn holds(&self, module: Module) -> Vec<String> {
        shown(self.zone(module).iter())
    }

    /// How many records wait to be told.
    fn pending(&self) -> usize {
        self.zone(Module::Keyval).pending(0)
    }

    /// The peer's end takes so many bytes and no more.
    fn has_credit(&mut self, peer: u32, bytes: u32) {
        let course = self.process.peers.get_mut(&n(peer)).unwrap().course_mut();
        course.unwrap().credit = bytes;
    }
}

impl Deeds {
    /// Compares the outbox with a text, line by line; indentation does not matter.
    #[track_caller]
    fn shows(&self, expected: &str) {
        let lines = expected
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty());
        let expected: String = lines.flat_map(|line| [line, "\n"]).collect();
        let done = self.0.to_string();
        assert!(done == expected, "it did\n\n{done}\nand not\n\n{expected}");
    }

    /// The frames that were pushed: on which stream, about which zone, and what they say, a line each.
    #[track_caller]
    fn says(&self, expected: &str) {
        let lines = expected
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty());
        let frames: Vec<String> = self.frames().map(spelled).collect();
        assert_eq!(frames, lines.collect::<Vec<_>>());
    }

    fn frames(&self) -> impl Iterator<Item = (StreamId, &Message)> {
        self.0.effects().iter().filter_map(|effect| match effect {
            Effect::Push {
                stream, message, ..
            } => Some((*stream, message)),
            _ => None,
        })
    }
}

/// A frame in full, where its one line tells no more than its size: `n1/1 kv: digest, ..k7, ..k15`.
fn spelled((stream, message): (StreamId, &Message)) -> String {
    let Message::Frame(what, bytes) = message else {
        panic!("only frames are pushed");
    };
    let frame = decode(bytes).unwrap();
    assert_eq!(frame.header.what, *what);
    let key = |key: Key| {
        if key == LAST {
            "end".into()
        } else {
            key.to_string()
        }
    };
    let start = |after: Option<Key>| after.map_or("".into(), key);
    let ranges = frame.ranges().map(|range| format!("..{}", key(range.upto)));
    let wanted = frame
        .wanted()
        .map(|(after, upto)| format!("{}..{}", start(after), key(upto)));
    let missed = frame.missed().map(|id| id.to_string());
    let records = frame.records().map(|record| record.key.to_string());
    let parts = [format!("{stream} {}: {what}", frame.header.zone)];
    let parts = parts.into_iter().chain(ranges).chain(wanted);
    parts
        .chain(missed)
        .chain(records)
        .collect::<Vec<_>>()
        .join(", ")
}

/// `n1` of so many nodes with these options, connected to nobody.
fn alone(nodes: u32, options: Options) -> Solo<Node> {
    Solo::boot(n(1), nodes, options, &[]).0
}

/// `n1` of so many nodes with these options, holding a value under each of these keys, connected to nobody.
fn holding(nodes: u32, options: Options, keys: std::ops::RangeInclusive<u32>) -> Solo<Node> {
    let disk: Vec<_> = keys.map(|key| Ok(Saved::Is(pair(key, 70)))).collect();
    Solo::boot(n(1), nodes, options, &disk).0
}

/// `n1` of so many nodes, connected to all the others both ways, with nothing left to tell.
fn settled(nodes: u32) -> Solo<Node> {
    settled_with(nodes, Options::default())
}

fn settled_with(nodes: u32, options: Options) -> Solo<Node> {
    let mut node = alone(nodes, options);
    for peer in 2..=nodes {
        connect(&mut node, peer);
        node.hears_from(from(peer), WINDOW);
    }
    node
}

/// Opens a stream to a peer that wants nothing. `n2` is connected on `n1/1`, and so on.
fn connect(node: &mut Solo<Node>, peer: u32) {
    node.fires(Timer::Dial(n(peer)));
    node.connects(to(peer), peer, WINDOW);
    for module in Module::ALL {
        node.arrives(to(peer), want(module, &[]));
    }
    if !node.process.config.options.refill {
        node.fires(Timer::Interval);
    }
}

fn c(number: u32) -> NodeId {
    NodeId::client(number)
}

/// The stream of `n1` to a peer, if it dialed them in order.
fn to(peer: u32) -> StreamId {
    stream(1, peer - 1)
}

/// The first stream of a peer.
fn from(peer: u32) -> StreamId {
    stream(peer, 1)
}

fn stream(opener: u32, number: u32) -> StreamId {
    let opener = n(opener);
    StreamId { opener, number }
}

/// A pair that `n2` wrote a second before the stage opened.
fn pair(key: u32, name: u64) -> Record {
    Record {
        life: 600_000_000,
        ..value(key, name, at(9_000_000, 2))
    }
}

fn put(key: u32, name: u64) -> Request {
    Request::Put(Key(key), v(name), Span::secs(600))
}

fn get(key: u32) -> Request {
    Request::Get(Key(key))
}

fn frames(module: Module, version: u16, what: What) -> FrameWriter {
    let header = Header {
        zone: module.zone(),
        tag: module.tag(),
        version,
        what,
    };
    FrameWriter::new(4096, &header)
}

fn live(records: &[Record]) -> Message {
    live_of(Module::Keyval, records)
}

fn live_of(module: Module, records: &[Record]) -> Message {
    let mut frame = frames(module, Module::VERSION, What::Live);
    records
        .iter()
        .for_each(|record| frame.push(record).unwrap());
    Message::Frame(What::Live, frame.finish())
}

fn want(module: Module, ranges: &[(Option<u32>, u32)]) -> Message {
    let mut frame = frames(module, Module::VERSION, What::Want);
    for (after, upto) in ranges {
        frame.push_wanted(after.map(Key), Key(*upto)).unwrap();
    }
    Message::Frame(What::Want, frame.finish())
}

/// What one who holds these records asks about them all.
fn digest(records: &[Record]) -> Message {
    let mut zone = Zone::new(Rules {
        capacity: 1000,
        ..faithful()
    });
    let what = What::Digest { after: None };
    let mut frame = frames(Module::Keyval, Module::VERSION, what);
    for record in records {
        zone.merge(*record, 0);
    }
    for range in zone.ranges(None, super::super::catch_up::RANGE, 0) {
        frame.push_range(&range).unwrap();
    }
    Message::Frame(what, frame.finish())
}

fn keepalive() -> Message {
    let mut frame = frames(Module::Keyval, Module::VERSION, What::Keepalive);
    Message::Frame(What::Keepalive, frame.finish())
}

fn misses(nodes: &[u32]) -> Message {
    let mut frame = frames(Module::Keyval, Module::VERSION, What::Misses);
    nodes
        .iter()
        .for_each(|number| frame.push_missed(n(*number)).unwrap());
    Message::Frame(What::Misses, frame.finish())
}
