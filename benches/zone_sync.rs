//! Zones: records merged, changes drained and framed, a snapshot applied; beside a plain ordered map, `crdts` and
//! `chitchat` in the same run.

use std::collections::BTreeMap;
use std::hint::black_box;

use chitchat_state::State;
use crdts::LWWReg;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use netsplit::NodeId;
use netsplit::kv::{Key, Value};
use netsplit::zone_sync::{
    Content, FrameWriter, Header, Merged, NoFit, Record, Rules, Sealed, Stamp, What, Zone, decode,
};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_xoshiro::SplitMix64;

#[path = "peers/chitchat_state.rs"]
mod chitchat_state;

const ME: NodeId = NodeId::server(1);
const OTHER: NodeId = NodeId::server(2);
const LIFE: u64 = 600_000;
const RULES: Rules = Rules {
    capacity: 1 << 21,
    tie_break: true,
    tombstones: Some(LIFE),
};

/// In the order in which a log would bring them.
fn shuffled(keys: u32) -> Vec<u32> {
    let mut keys: Vec<u32> = (0..keys).collect();
    keys.shuffle(&mut SplitMix64::seed_from_u64(7));
    keys
}

/// A record of each key, one a millisecond. Each is 53 bytes on the wire, as a session of the real system is.
fn records(keys: &[u32], start: u64, writer: NodeId) -> Vec<Record> {
    let record = |(time, key): (u64, &u32)| Record {
        key: Key(*key),
        stamp: Stamp { time, writer },
        content: Content::Value(Value {
            name: time,
            bytes: 24,
        }),
        life: LIFE,
    };
    (start..).zip(keys).map(record).collect()
}

fn merge_all(zone: &mut Zone, records: &[Record]) -> usize {
    let merge = |record: &&Record| {
        let merged = zone.merge(**record, 0);
        matches!(merged, Merged::Inserted | Merged::Replaced { .. })
    };
    records.iter().filter(merge).count()
}

fn zone_of(records: &[Record]) -> Zone {
    let mut zone = Zone::new(RULES);
    assert_eq!(merge_all(&mut zone, records), records.len());
    zone
}

/// What was written, and when.
fn parts(record: &Record) -> (Value, Stamp) {
    let value = record.content.value().expect("all are values");
    (value, record.stamp)
}

/// Runs a work on a fresh copy of what it works on; only the work is measured, and it must do as much as is said.
fn measure<S, W>(c: &mut Criterion, name: &str, count: usize, setup: S, mut work: W)
where
    S: Clone,
    W: FnMut(&mut S) -> usize,
{
    assert_eq!(work(&mut setup.clone()), count, "{name}");
    let mut group = c.benchmark_group("zone_sync");
    group.throughput(Throughput::Elements(count as u64));
    group.sample_size(20);
    group.bench_function(name, |b| {
        b.iter_batched_ref(|| setup.clone(), &mut work, BatchSize::LargeInput);
    });
    group.finish();
}

/// A hundred thousand remote records into as many keys, all newer; and into nothing.
fn merge(c: &mut Criterion) {
    const KEYS: u32 = 100_000;
    for (order, keys) in [
        ("shuffled", shuffled(KEYS)),
        ("in order", (0..KEYS).collect()),
    ] {
        let old = records(&keys, 0, ME);
        let new = records(&keys, 1_000_000, OTHER);
        for (case, old) in [("over 100k", &old[..]), ("into none", &[])] {
            let name = |who| format!("merge 100k {order} {case}: {who}");
            measure(c, &name("zone"), new.len(), zone_of(old), |zone| {
                merge_all(zone, &new)
            });
            let entry = |record: &Record| (record.key, parts(record));
            let map: BTreeMap<Key, (Value, Stamp)> = old.iter().map(entry).collect();
            measure(c, &name("ordered map"), new.len(), map, |map| {
                for record in &new {
                    map.insert(record.key, parts(record));
                }
                map.len()
            });
            let register = |record: &Record| {
                let (val, marker) = parts(record);
                (record.key, LWWReg { val, marker })
            };
            let map: BTreeMap<Key, LWWReg<Value, Stamp>> = old.iter().map(register).collect();
            measure(c, &name("crdts"), new.len(), map, |map| {
                for record in &new {
                    let (val, marker) = parts(record);
                    map.entry(record.key)
                        .and_modify(|register| register.update(val, marker))
                        .or_insert(LWWReg { val, marker });
                }
                map.len()
            });
        }
        let mut group = c.benchmark_group("zone_sync");
        group.throughput(Throughput::Elements(KEYS.into()));
        group.sample_size(20);
        let mut state = State::new();
        let bulk = state.newer(&keys);
        assert_eq!(state.apply(bulk), keys.len());
        let name = format!("merge 100k {order} over 100k: chitchat");
        group.bench_function(name, |b| {
            // What is newer depends on what was applied, so a batch is one.
            let state = std::cell::RefCell::new(&mut state);
            b.iter_batched(
                || state.borrow_mut().newer(&keys),
                |bulk| state.borrow_mut().apply(bulk),
                BatchSize::PerIteration,
            );
        });
        group.finish();
    }
}

/// A zone of so many keys, of which the first in a shuffled order changed here.
fn changed(keys: u32, changes: usize) -> Zone {
    let keys = shuffled(keys);
    let mut zone = zone_of(&records(&keys, 0, OTHER));
    change(&mut zone, &records(&keys[..changes], 1_000_000, ME));
    zone
}

fn change(zone: &mut Zone, records: &[Record]) {
    for record in records {
        zone.write(record.key, record.content, record.stamp, record.life);
    }
}

/// A thousand changes out of zones of growing size: the time must follow the changes.
fn drain(c: &mut Criterion) {
    let mut group = c.benchmark_group("zone_sync");
    group.throughput(Throughput::Elements(1_000));
    for keys in [1_000, 10_000, 100_000] {
        let zone = changed(keys, 1_000);
        group.bench_function(BenchmarkId::new("drain 1k changes of keys", keys), |b| {
            b.iter(|| {
                let changes = zone.changes_since(black_box(0), |_, _| true);
                changes.fold(0, |sum, (version, record)| {
                    sum ^ version ^ record.stamp.time
                })
            });
        });
        let mut zone = zone.clone();
        let round = records(&shuffled(keys)[..1_000], 2_000_000, ME);
        group.bench_function(
            BenchmarkId::new("write, frame and drop 1k changes of keys", keys),
            |b| {
                b.iter(|| {
                    change(&mut zone, &round);
                    let frames = frames(
                        What::Live,
                        zone.changes_since(0, |_, _| true).map(|(_, record)| record),
                    );
                    zone.drop_changes_up_to(zone.newest());
                    frames
                });
            },
        );
    }
    group.finish();
}

/// Frames of 4 KiB.
fn frames<'a>(what: What, records: impl Iterator<Item = &'a Record>) -> Vec<Sealed> {
    let header = Header {
        zone: "sessions",
        tag: 1,
        version: 1,
        what,
    };
    let writer = || FrameWriter::new(4096, &header);
    let (mut frames, mut current) = (Vec::new(), writer());
    for record in records {
        if current.push(record) == Err(NoFit::Full) {
            frames.push(std::mem::replace(&mut current, writer()).finish());
            current.push(record).expect("an empty frame holds a record");
        }
    }
    frames.push(current.finish());
    frames
}

fn frame(c: &mut Criterion) {
    let zone = changed(100_000, 100_000);
    let mut group = c.benchmark_group("zone_sync");
    group.throughput(Throughput::Elements(100_000));
    group.sample_size(20);
    group.bench_function("frame a log of 100k", |b| {
        b.iter(|| {
            frames(
                What::Live,
                zone.changes_since(0, |_, _| true).map(|(_, record)| record),
            )
        });
    });
    group.bench_function("digest 100k", |b| {
        b.iter(|| {
            let ranges = zone.ranges(None, black_box(400), 0);
            ranges.fold(0, |sum, range| sum ^ range.sum)
        });
    });
    group.finish();
}

fn apply(zone: &mut Zone, frames: &[Sealed]) -> usize {
    for frame in frames {
        let frame = decode(frame.bytes()).expect("it was just framed");
        for record in frame.records() {
            zone.merge(record, 0);
        }
    }
    zone.total()
}

/// A snapshot of a million records of 53 bytes, in the order of its keys as all are.
fn snapshot(c: &mut Criterion) {
    let records = records(&shuffled(1_000_000), 0, OTHER);
    let zone = zone_of(&records);
    let frames = frames(What::Snapshot, zone.iter());
    assert_eq!(records[0].size_on_wire(), 53);
    drop(zone);
    measure(
        c,
        "apply a snapshot of 1M to nothing",
        1_000_000,
        Zone::new(RULES),
        |zone| apply(zone, &frames),
    );
}

criterion_group!(benches, merge, drain, frame, snapshot);
criterion_main!(benches);
