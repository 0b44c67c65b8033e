//! How two nodes catch up: whatever they hold, and whatever their buffers, they end equal, and not much more is sent
//! than what differs.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use proptest::prelude::*;

use super::super::catch_up::RANGE;
use super::super::state::Saved;
use super::*;
use crate::outbox::Effect;
use crate::process::{Config, Input, Process};
use crate::{Life, Now, Opener, Outbox, Span, Time};

/// Where all is alive.
const NOW: Now = Now {
    wall: Time::from_nanos(1_000_000_000),
    mono: Time::from_nanos(1_000_000_000),
};

/// How much of what was said.
#[derive(Clone, Copy, Default, Debug)]
struct Sent {
    records: usize,
    digests: usize,
    wishes: usize,
    largest: usize,
}

/// Two nodes and the streams between them, of which each takes so many bytes that were not taken in yet.
struct Pair {
    nodes: [Node; 2],
    outs: [Outbox<ZoneSync>; 2],
    /// What is on its way, in order: to which of them.
    way: VecDeque<(usize, Input<ZoneSync>)>,
    window: u32,
    sent: Sent,
}

impl Pair {
    fn new(options: &Options, window: u32, held: [&[Record]; 2]) -> Pair {
        let config = Arc::new(Config {
            servers: vec![n(1), n(2)],
            options: options.clone(),
        });
        let mut outs = [1, 2].map(|number| {
            let mut out = Outbox::new();
            *out.opener() = Opener::new(n(number));
            out
        });
        let nodes = [0, 1].map(|place| {
            let disk: Vec<_> = held[place]
                .iter()
                .map(|held| Ok(Saved::Is(*held)))
                .collect();
            let me = n(place as u32 + 1);
            let node = Node::boot(&config, me, Life(0), NOW, &disk, &mut outs[place]);
            outs[place].drain();
            node
        });
        Pair {
            nodes,
            outs,
            way: VecDeque::new(),
            window,
            sent: Sent::default(),
        }
    }

    fn step(&mut self, place: usize, input: Input<ZoneSync>) {
        self.nodes[place].step(NOW, input, &mut self.outs[place]);
        let effects: Vec<_> = self.outs[place].drain().collect();
        let other = 1 - place;
        for effect in effects {
            match effect {
                Effect::Open(stream) => {
                    for at in [place, other] {
                        let credit = self.window;
                        let opened = Input::Opened { stream, credit };
                        self.way.push_back((at, opened));
                    }
                }
                Effect::Push {
                    stream, message, ..
                } => {
                    let Message::Frame(frame) = &message else {
                        unreachable!()
                    };
                    self.count(frame.bytes());
                    let credit = Input::Credit(stream, frame.size() as u32);
                    self.way.push_back((other, Input::Arrived(stream, message)));
                    self.way.push_back((place, credit));
                }
                Effect::Close(stream) => panic!("{stream} is closed"),
                _ => {}
            }
        }
    }

    fn count(&mut self, bytes: &[u8]) {
        let frame = decode(bytes).unwrap();
        self.sent.records += frame.records().count();
        self.sent.digests += frame.ranges().count();
        self.sent.wishes += frame.wanted().count();
        self.sent.largest = self.sent.largest.max(bytes.len());
    }

    /// Until nothing is on its way any more.
    fn settle(&mut self) {
        for steps in 0.. {
            assert!(steps < 20_000, "two nodes come to rest");
            let Some((place, input)) = self.way.pop_front() else {
                return;
            };
            self.step(place, input);
        }
    }

    fn held(&self, place: usize) -> Vec<Record> {
        let zone = self.nodes[place].zone(Module::Keyval).unwrap();
        zone.iter().copied().collect()
    }

    fn is_done(&self) -> bool {
        let courses = self.nodes.iter().map(|node| {
            let (_, peer) = node.peers.first_key_value().unwrap();
            peer.course().unwrap()
        });
        let mut tellings = courses.flat_map(|course| &course.zones);
        tellings.all(|telling| telling.walk.is_none())
    }
}

/// Values of a few stamps, and tombstones, all alive.
fn a_content() -> impl Strategy<Value = (u64, Content)> {
    let content = prop_oneof![
        (0..3_u64, 0..60_u32).prop_map(|(name, bytes)| Content::Value(Value { name, bytes })),
        Just(Content::Tombstone),
    ];
    (0..4_u64, content)
}

/// What two nodes hold: much that both do, and something that only one does or that both have written.
fn two_zones() -> impl Strategy<Value = [Vec<Record>; 2]> {
    let keys = prop_oneof![0..300_u32, any::<u32>()];
    let contents = (any::<u8>(), a_content(), a_content());
    let spare = 1..=40_u8;
    (prop::collection::btree_map(keys, contents, 0..300), spare).prop_map(|(keys, spare)| {
        let mut zones = [Vec::new(), Vec::new()];
        for (key, (who, mine, theirs)) in keys {
            let record = |writer: u32, (time, content)| Record {
                content,
                life: 600_000_000,
                ..value(key, 0, at(900_000 + time, writer))
            };
            match who % spare {
                0 => zones[0].push(record(1, mine)),
                1 => zones[1].push(record(2, theirs)),
                2 => {
                    zones[0].push(record(1, mine));
                    zones[1].push(record(2, theirs));
                }
                _ => zones.iter_mut().for_each(|zone| zone.push(record(3, mine))),
            }
        }
        zones
    })
}

/// The newest of each key.
fn united(zones: &[Vec<Record>; 2]) -> Vec<Record> {
    let mut newest: BTreeMap<Key, Record> = BTreeMap::new();
    for record in zones.iter().flatten() {
        let held = newest.entry(record.key).or_insert(*record);
        if newer(record, held, true) {
            *held = *record;
        }
    }
    newest.into_values().collect()
}

/// The keys of which not both hold the same.
fn differing(zones: &[Vec<Record>; 2]) -> usize {
    let [mine, theirs] = zones.each_ref().map(|zone| {
        let words = zone.iter().map(|record| (record.key, record.to_string()));
        words.collect::<BTreeSet<_>>()
    });
    let keys = mine.symmetric_difference(&theirs).map(|(key, _)| *key);
    keys.collect::<BTreeSet<_>>().len()
}

fn options(buffer_size: usize, buffers: usize, digests: bool) -> Options {
    Options {
        buffer_size,
        buffers,
        digests,
        repair: Span::secs(30),
        ..Options::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn two_nodes_that_walk_end_equal_and_send_little_more_than_what_differs(
        zones in two_zones(),
        buffer_size in prop_oneof![Just(128), 128..600_usize, Just(4096)],
        (buffers, windows) in (1..=8_usize, 1..=4_usize),
        together in any::<bool>(),
    ) {
        let options = options(buffer_size, buffers, true);
        let window = (buffer_size * windows) as u32;
        let mut pair = Pair::new(&options, window, [&zones[0], &zones[1]]);
        pair.step(0, Input::Fired(Timer::Dial(n(2))));
        if !together {
            pair.settle();
        }
        pair.step(1, Input::Fired(Timer::Dial(n(1))));
        pair.settle();

        prop_assert!(pair.is_done());
        let united = united(&zones);
        prop_assert_eq!(shown(&pair.held(0)), shown(&united));
        prop_assert_eq!(shown(&pair.held(1)), shown(&united));
        prop_assert!(pair.sent.largest <= buffer_size);

        // Each of the two walks sends no more than the ranges in which something differs; and where both walk together,
        // a range can hold by then what its sender lacked when it summed it up.
        let differing = differing(&zones);
        let came = if together { differing } else { 0 };
        prop_assert!(pair.sent.records <= 2 * differing * RANGE + came, "{:?}", pair.sent);
        prop_assert!(pair.sent.wishes <= 2 * differing);
        // And digests of all that its sender comes to hold while it lasts, and of two empty zones.
        let most = united.len() / RANGE + 1 + 2;
        prop_assert!(pair.sent.digests <= 2 * most, "{:?}", pair.sent);
    }

    #[test]
    fn two_nodes_that_send_everything_end_equal_too(
        zones in two_zones(),
        buffer_size in 128..600_usize,
    ) {
        let options = options(buffer_size, 8, false);
        let mut pair = Pair::new(&options, 1 << 20, [&zones[0], &zones[1]]);
        pair.step(0, Input::Fired(Timer::Dial(n(2))));
        pair.settle();
        prop_assert_eq!(pair.sent.records, zones[0].len());
        pair.step(1, Input::Fired(Timer::Dial(n(1))));
        pair.settle();
        let united = united(&zones);
        prop_assert_eq!(shown(&pair.held(0)), shown(&united));
        prop_assert_eq!(shown(&pair.held(1)), shown(&united));
        prop_assert_eq!(pair.sent.records, zones[0].len() + united.len());
        prop_assert_eq!((pair.sent.digests, pair.sent.wishes), (0, 0));
    }
}

#[test]
fn nodes_that_hold_the_same_send_none_of_it() {
    let held: Vec<Record> = (0..100).map(|key| value(key, 7, at(999_950, 3))).collect();
    let mut pair = Pair::new(&options(128, 8, true), 256, [&held, &held]);
    for place in [0, 1] {
        pair.step(place, Input::Fired(Timer::Dial(n(2 - place as u32))));
    }
    pair.settle();
    assert!(pair.is_done());
    assert_eq!((pair.sent.records, pair.sent.wishes), (0, 0));
    assert_eq!(pair.sent.digests, 2 * (13 + 2));
}
