//! After a partition: how long until all are equal again, and what that weighs on the wire.

use netsplit::{Span, Time};

use crate::steady::options;
use crate::watch::{Plan, watch};

/// How many records each node holds.
pub(crate) const RECORDS: u32 = 100_000;

/// So many runs, since it matters where in its timers the mesh is when the partition ends.
pub(crate) const SEEDS: u64 = 8;

/// When the partition begins, ends, and when nobody waits any longer, in seconds. All snapshots of the start are done by
/// then, even where one takes 165 s.
const CUT: u64 = 240;
const HEAL: u64 = CUT + 60;
const END: u64 = HEAL + 200;

/// One cell.
pub(crate) fn row(way: &str, percent: u32) -> String {
    let options = options(way);
    let capacity = 2 * RECORDS;
    let scenario = format!(
        r#"
        mode = "zone_sync"
        nodes = 3
        seeds = "0..1"
        length = "{END}s"
        [options]
        {options}
        [options.keyval]
        capacity = {capacity}
        [network]
        latency = "200us..500us"
        [workload]
        clients = 1
        rate = "1/s"
        keys = 1
        mix = {{ get = 1 }}
        [[fault]]
        at = "{CUT}s"
        for = "60s"
        partition = [["n1"], ["n2", "n3", "c1"]]
        "#
    );
    let heal = Time::ZERO + Span::secs(HEAL);
    let plan = Plan {
        from: heal,
        loaded: RECORDS,
        diverge: (RECORDS / 100 * percent, Time::ZERO + Span::secs(CUT + 30)),
    };
    let run = |seed| {
        let (seen, _) = watch(scenario.clone(), seed, plan);
        let (at, bytes) = seen.equal.expect("they have the time");
        (at.since(heal).as_nanos(), bytes)
    };
    let (times, bytes): (Vec<u64>, Vec<u64>) = (0..SEEDS).map(run).unzip();
    let longest = times.iter().copied().max().unwrap_or_default();
    let mean = |all: &[u64]| all.iter().sum::<u64>() / SEEDS;
    let seconds = |nanos| Span::nanos(nanos).as_millis_f64() / 1e3;
    format!(
        "| {way} | {percent} % | {:.2} s | {:.2} s | {:.2} MB |\n",
        seconds(mean(&times)),
        seconds(longest),
        mean(&bytes) as f64 / 1e6,
    )
}
