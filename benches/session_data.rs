//! A registry's servers alone: publishes taken in by a data server, and what it costs to find out what session servers
//! hold otherwise, beside Merkle search trees in the same run.
//!
//! Of the comparison the ratio is what counts. It is measured in turns, so that whatever else the machine does befalls both,
//! and stands behind the figures of criterion, which measures one after the other.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group};

use crate::merkle_trees::Held;
use crate::registry::compared::{self, Both};
use crate::registry::published::{Batches, DataServer, batches};
use crate::registry::{SERVICES, SESSIONS};

#[path = "peers/merkle_trees.rs"]
mod merkle_trees;
mod registry;

/// Whether it is only to be seen that all goes well.
fn is_test() -> bool {
    std::env::args().any(|argument| argument == "--test")
}

/// How many clients there are: four of each session server under each service.
fn clients() -> u32 {
    let of_each = if is_test() { 1 } else { 4 };
    of_each * SERVICES * SESSIONS
}

/// Batches of a hundred registrations, one of each client.
fn publish(c: &mut Criterion) {
    let clients = clients();
    let new = batches(clients, 1, 1, 1);
    let empty = DataServer::serving();
    let mut full = empty.clone();
    assert_eq!(full.take(&new), clients as usize);
    assert_eq!(full.registrations(), u64::from(clients));
    let cases: [(&str, &DataServer, Batches); 4] = [
        ("new", &empty, new),
        ("changed", &full, batches(clients, 2, 2, 2)),
        ("renewed", &full, batches(clients, 2, 2, 1)),
        ("repeated", &full, batches(clients, 2, 1, 1)),
    ];
    let mut group = c.benchmark_group("publish");
    group
        .sample_size(10)
        .throughput(Throughput::Elements(clients.into()));
    for (name, before, batches) in &cases {
        group.bench_function(*name, |b| {
            b.iter_batched_ref(
                || DataServer::clone(before),
                |data| assert_eq!(data.take(batches), clients as usize),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

/// Of how many clients in a thousand session servers hold something newer.
const DRIFTS: [usize; 4] = [0, 1, 10, 1000];

/// Ours, and a tree at either end for each session.
struct Rivals {
    both: Both,
    trees: Vec<(Held, Held)>,
}

impl Rivals {
    fn new(clients: u32, drift: usize) -> (Rivals, usize) {
        let registered = compared::all(clients);
        let count = clients as usize * drift / 1000;
        let changed = compared::changed(clients, count);
        let mut both = Both::of(&registered);
        both.change_sessions(&changed);
        let pair = |(registered, changed): (&Vec<_>, &Vec<_>)| {
            let held = Held::of(registered);
            let mut other = held.clone();
            other.put(changed);
            (held, other)
        };
        let trees = registered.iter().zip(&changed).map(pair).collect();
        let mut rivals = Rivals { both, trees };
        assert_eq!(rivals.ours(), count);
        assert_eq!(rivals.theirs(), count);
        (rivals, count)
    }

    /// How many registrations differ, by comparing sums.
    fn ours(&mut self) -> usize {
        black_box(self.both.differing()).len()
    }

    /// How many registrations differ, by comparing trees.
    fn theirs(&mut self) -> usize {
        let pairs = self.trees.iter_mut();
        let found = pairs.map(|(mine, theirs)| black_box(mine.differing(theirs)).len());
        found.sum()
    }
}

fn digest_diff(c: &mut Criterion) {
    let clients = clients();
    let mut group = c.benchmark_group("digest diff");
    group
        .sample_size(20)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3));
    for drift in DRIFTS {
        let (mut rivals, count) = Rivals::new(clients, drift);
        let point = format!("{count} of {clients} drifted");
        group.bench_function(BenchmarkId::new("sums", &point), |b| {
            b.iter(|| rivals.ours());
        });
        group.bench_function(BenchmarkId::new("merkle-search-tree", &point), |b| {
            b.iter(|| rivals.theirs());
        });
        ratio(&point, &mut rivals);
    }
    group.finish();
}

/// About how long both get for their turns together, and how many turns at most.
const TIME: Duration = Duration::from_secs(3);
const TURNS: usize = 4001;

/// The medians of both, and their ratio.
#[expect(
    clippy::disallowed_methods,
    reason = "what is measured is how long it takes"
)]
fn ratio(point: &str, rivals: &mut Rivals) {
    let begun = Instant::now();
    let mut turns = Vec::new();
    let most = if is_test() { 1 } else { TURNS };
    while turns.is_empty() || begun.elapsed() < TIME && turns.len() < most {
        let times = [Rivals::ours, Rivals::theirs].map(|find| {
            let begun = Instant::now();
            find(rivals);
            begun.elapsed().as_nanos() as f64 / 1e3
        });
        turns.push(times);
    }
    let [ours, theirs] = [0, 1].map(|which| median(turns.iter().map(|turn| turn[which])));
    println!(
        "{point}: {ours:.1} us, merkle-search-tree {theirs:.1} us; {:.3} times its time",
        ours / theirs
    );
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

criterion_group!(benches, publish, digest_diff);

fn main() {
    benches();
    Criterion::default().configure_from_args().final_summary();
}
