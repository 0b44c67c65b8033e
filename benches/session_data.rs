//! A registry's servers alone: publishes taken in by a data server, and what it costs to find out what session servers
//! hold otherwise, beside Merkle search trees in the same run.
//!
//! Of the comparison the ratio is what counts. It is measured in turns, so that whatever else the machine does befalls both,
//! and stands behind the figures of criterion, which measures one after the other.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group};

use crate::merkle_trees::Held;
use crate::registry::compared::{self, Both, Registered, by_slot};
use crate::registry::published::{DataServer, Sent, batches};
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
    let cases: [(&str, &DataServer, Vec<Sent>); 4] = [
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
        let nanos = publish_in_turns(&mut DataServer::clone(before), batches);
        println!("publish/{name}: {:.0} a second", 1e9 / nanos);
    }
    group.finish();
}

/// How many batches a turn has: few, so that most turns are over before somebody else gets the core.
const BATCHES_A_TURN: usize = 10;

/// How long a publish takes, in nanoseconds: the median of turns, while the server fills.
fn publish_in_turns(data: &mut DataServer, batches: &[Sent]) -> f64 {
    let turn = |sent: &[Sent]| {
        let (taken, nanos) = time(|| data.take(sent));
        nanos / taken as f64
    };
    median(batches.chunks(BATCHES_A_TURN).map(turn))
}

/// Of how many clients in a thousand session servers hold something newer.
const DRIFTS: [usize; 4] = [0, 1, 10, 1000];

/// Ours, and Merkle search trees at either end.
struct Rivals {
    both: Both,
    /// One for each session.
    trees: Vec<(Held, Held)>,
    /// One for each slot of each session: slots are led by one or another, and each is compared by itself.
    small_trees: Vec<(Held, Held)>,
}

impl Rivals {
    fn new(clients: u32, drift: usize) -> (Rivals, usize) {
        let registered = compared::all(clients);
        let count = clients as usize * drift / 1000;
        let changed = compared::changed(clients, count);
        let mut both = Both::of(&registered);
        both.change_sessions(&changed);
        let mut rivals = Rivals {
            both,
            trees: trees(&registered, &changed),
            small_trees: trees(&by_slot(&registered), &by_slot(&changed)),
        };
        let found = rivals.turn().map(|(found, _)| found);
        assert_eq!(found, [count; 3]);
        (rivals, count)
    }

    /// How many registrations differ, and how many nanoseconds it takes to find out.
    fn turn(&mut self) -> [(usize, f64); 3] {
        [
            time(|| self.both.differing()),
            time(|| differing(&mut self.trees)),
            time(|| differing(&mut self.small_trees)),
        ]
    }
}

/// A pair of trees for each part, of which one has heard what changed.
fn trees(registered: &Registered, changed: &Registered) -> Vec<(Held, Held)> {
    let pair = |(registered, changed): (&Vec<_>, &Vec<_>)| {
        let held = Held::of(registered);
        let mut other = held.clone();
        other.put(changed);
        (held, other)
    };
    registered.iter().zip(changed).map(pair).collect()
}

/// How many registrations differ, by comparing trees.
fn differing(trees: &mut [(Held, Held)]) -> usize {
    let find = |(mine, theirs): &mut (Held, Held)| black_box(mine.differing(theirs)).len();
    trees.iter_mut().map(find).sum()
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
            b.iter(|| rivals.both.differing());
        });
        group.bench_function(BenchmarkId::new("a tree a session", &point), |b| {
            b.iter(|| differing(&mut rivals.trees));
        });
        group.bench_function(BenchmarkId::new("a tree a slot", &point), |b| {
            b.iter(|| differing(&mut rivals.small_trees));
        });
        ratios(&point, &mut rivals);
    }
    group.finish();
}

/// About how long all get for their turns together, and how many turns at most.
const TIME_NANOS: f64 = 4e9;
const TURNS: usize = 4001;

/// The medians, and their ratios.
fn ratios(point: &str, rivals: &mut Rivals) {
    let most = if is_test() { 1 } else { TURNS };
    let (mut turns, mut spent) = (Vec::new(), 0.0);
    while spent < TIME_NANOS && turns.len() < most {
        let times = rivals.turn().map(|(_, nanos)| nanos);
        spent += times.iter().sum::<f64>();
        turns.push(times);
    }
    let [ours, trees, small_trees] =
        [0, 1, 2].map(|which| median(turns.iter().map(|turn| turn[which])) / 1e3);
    println!(
        "{point}: {ours:.2} us; a tree a session {trees:.2} us, {:.3} times its time; a tree a slot {small_trees:.2} us, {:.3} times",
        ours / trees,
        ours / small_trees
    );
}

/// What comes of it, and how many nanoseconds it takes.
#[expect(
    clippy::disallowed_methods,
    reason = "what is measured is how long it takes"
)]
fn time<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let begun = Instant::now();
    let outcome = black_box(work());
    (outcome, begun.elapsed().as_nanos() as f64)
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
