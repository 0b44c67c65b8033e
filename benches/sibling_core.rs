//! The sibling quorum's core alone: a main and its siblings in memory that are handed each other's messages, beside our
//! Raft core with as many servers under the same harness, in the same run. Updates accepted, and executed on every node.
//!
//! The ratio is what counts. It is measured in turns of a few rounds each, so that whatever else the machine does befalls
//! both, and stands behind the figures of criterion, which measures one after the other.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group};
use netsplit::raft::Raft;
use netsplit::sibling_quorum::SiblingQuorum;

use crate::direct::{Core, Direct};

mod direct;

/// How many siblings a main has; Raft has one server more than that.
const SIBLINGS: [u32; 2] = [3, 5];

/// How many updates are in flight.
const BATCHES: [usize; 3] = [1, 64, 1024];

fn sibling_core(c: &mut Criterion) {
    let mut group = c.benchmark_group("sibling core");
    group
        .sample_size(20)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3));
    for siblings in SIBLINGS {
        for batch in BATCHES {
            group.throughput(Throughput::Elements(batch as u64));
            let point = format!("{siblings} siblings, {batch} in flight");
            group.bench_function(BenchmarkId::new("sibling_quorum", &point), |b| {
                let mut direct = Direct::<SiblingQuorum>::new(siblings + 1);
                b.iter(|| direct.round(batch));
            });
            group.bench_function(BenchmarkId::new("raft", &point), |b| {
                let mut direct = Direct::<Raft>::new(siblings + 1);
                b.iter(|| direct.round(batch));
            });
        }
    }
    group.finish();
}

/// How many turns each of the two gets, and about how many updates a turn has: few, so that most turns are over before
/// somebody else gets the core.
const TURNS: usize = 4001;
const UPDATES_A_TURN: usize = 256;

/// The medians of both, and their ratio.
fn ratios(turns: usize) {
    for siblings in SIBLINGS {
        for batch in BATCHES {
            let mut ours = Direct::<SiblingQuorum>::new(siblings + 1);
            let mut raft = Direct::<Raft>::new(siblings + 1);
            let pairs: Vec<(f64, f64)> = (0..turns)
                .map(|_| (turn(&mut ours, batch), turn(&mut raft, batch)))
                .collect();
            let ours = median(pairs.iter().map(|pair| pair.0));
            let raft = median(pairs.iter().map(|pair| pair.1));
            println!(
                "{siblings} siblings, {batch} in flight: {:.0} updates a second, Raft {:.0}; {:.2} times Raft's time",
                1e9 / ours,
                1e9 / raft,
                ours / raft
            );
        }
    }
}

/// How long an update takes, in nanoseconds.
#[expect(
    clippy::disallowed_methods,
    reason = "what is measured is how long it takes"
)]
fn turn<C: Core>(direct: &mut Direct<C>, batch: usize) -> f64 {
    let rounds = UPDATES_A_TURN.div_ceil(batch);
    let begun = Instant::now();
    for _ in 0..rounds {
        black_box(&mut *direct).round(batch);
    }
    begun.elapsed().as_nanos() as f64 / (rounds * batch) as f64
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

criterion_group!(benches, sibling_core);

fn main() {
    let small = std::env::args().any(|argument| argument == "--test");
    ratios(if small { 1 } else { TURNS });
    benches();
    Criterion::default().configure_from_args().final_summary();
}
