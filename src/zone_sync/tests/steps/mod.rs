//! What a process does with one input: its outbox, as text.
//!
//! The process on stage is `n1`, or `c1`, unless a play says otherwise; everyone else is only a name on a frame. The
//! stage opens at ten seconds by both clocks.

use super::super::clock::wall;
use super::super::options::Discovery;
use super::super::state::Saved;
use super::super::sums::LAST;
use super::*;
use crate::outbox::Effect;
use crate::process::{Closing, Damage, Input};
use crate::solo::Solo;
use crate::{Life, Now, Span, StreamId, Time};

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

type Deeds = crate::solo::Deeds<ZoneSync>;

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
        course.unwrap().line.credit = bytes;
    }
}

impl Deeds {
    /// The frames that were pushed: on which stream, about which zone, and what they say, a line each.
    #[track_caller]
    fn says(&self, expected: &str) {
        let lines = expected
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty());
        let frames: Vec<String> = self.pushed().map(spelled).collect();
        assert_eq!(frames, lines.collect::<Vec<_>>());
    }
}

/// A frame in full, where its one line tells no more than its size: `n1/1 kv: digest, ..k7, ..k15`.
fn spelled((stream, message): (StreamId, &Message)) -> String {
    let Message::Frame(sealed) = message else {
        panic!("only frames are pushed");
    };
    let (frame, what) = (decode(sealed.bytes()).unwrap(), sealed.what());
    assert_eq!(frame.header.what, what);
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
    let about = match frame.header.zone {
        "" => String::new(),
        zone => format!(" {zone}"),
    };
    let parts = [format!("{stream}{about}: {what}")];
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
        node.gets_stream(from(peer), WINDOW);
    }
    node
}

/// Opens a stream to a peer that wants nothing. `n2` is connected on `n1/1`, and so on.
fn connect(node: &mut Solo<Node>, peer: u32) {
    node.fires(Timer::Dial(n(peer)));
    node.gets_stream(to(peer), WINDOW);
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
    stream((1, peer), peer - 1)
}

/// The first stream of a peer.
fn from(peer: u32) -> StreamId {
    stream((peer, 1), 1)
}

fn stream((opener, to): (u32, u32), number: u32) -> StreamId {
    let (opener, to) = (n(opener), n(to));
    StreamId { opener, number, to }
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
    Message::Frame(frame.finish())
}

fn want(module: Module, ranges: &[(Option<u32>, u32)]) -> Message {
    let mut frame = frames(module, Module::VERSION, What::Want);
    for (after, upto) in ranges {
        frame.push_wanted(after.map(Key), Key(*upto)).unwrap();
    }
    Message::Frame(frame.finish())
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
    Message::Frame(frame.finish())
}

fn keepalive() -> Message {
    let header = Header::of_no_zone(What::Keepalive);
    Message::Frame(FrameWriter::new(4096, &header).finish())
}

fn misses(nodes: &[u32]) -> Message {
    let mut frame = FrameWriter::new(4096, &Header::of_no_zone(What::Misses));
    nodes
        .iter()
        .for_each(|number| frame.push_missed(n(*number)).unwrap());
    Message::Frame(frame.finish())
}
