//! A sibling is registered while updates go on.

use netsplit::sibling_quorum::{Note, Request};
use netsplit::{Span, Time};

use crate::onlooker::{accepted_at, latencies, look, millis};

/// How many resources the main has.
const RESOURCES: u32 = 100_000;

/// How many updates a second.
const RATE: u32 = 1_000;

/// Seeds under which the first operator asks when users have found the main, and in time.
const SEEDS: [u64; 4] = [5, 6, 13, 15];

/// How long users ask, in seconds, and from when on it counts: who asks before there is a main waits for more than two.
const LENGTH: u64 = 9;
const WARM_UP: u64 = 3;

/// What one run shows.
struct Registered {
    normal: Span,
    copied: Span,
    drain: Span,
    /// How long updates took that were under way meanwhile.
    meanwhile: Vec<Span>,
    /// How long they take when nobody is registered.
    without: Vec<Span>,
}

/// A row: with so many resources in one message of the copy, the mean of the runs, and the longest of all waits.
pub(crate) fn row(copy_batch: u32) -> String {
    let runs = SEEDS.map(|seed| registered(copy_batch, seed));
    let mean = |of: &dyn Fn(&Registered) -> Span| {
        let sum: u64 = runs.iter().map(|run| of(run).as_nanos()).sum();
        Span::nanos(sum / SEEDS.len() as u64).as_millis_f64()
    };
    let all = |of: &dyn Fn(&Registered) -> Vec<Span>| {
        let mut all: Vec<Span> = runs.iter().flat_map(of).collect();
        all.sort_unstable();
        all
    };
    let normal = mean(&|run| run.normal);
    let drain = runs.iter().map(|run| run.drain).max().unwrap_or_default();
    let meanwhile = all(&|run| run.meanwhile.clone());
    let without = all(&|run| run.without.clone());
    let longest = |sorted: &[Span]| sorted.last().copied().unwrap_or_default();
    assert!(
        longest(&meanwhile) <= longest(&without) + drain,
        "an update is held up by more than one drain"
    );
    format!(
        "| {copy_batch} | {normal:.0} ms | {:.0} ms | {:.0} | {:.2} ms | {} | {} | {} | {} |\n",
        mean(&|run| run.copied),
        f64::from(RESOURCES) / normal * 1e3,
        drain.as_millis_f64(),
        millis(&meanwhile, 50),
        millis(&meanwhile, 100),
        millis(&without, 50),
        millis(&without, 100),
    )
}

fn registered(copy_batch: u32, seed: u64) -> Registered {
    let from = Time::ZERO + Span::secs(WARM_UP);
    let (_, outcomes) = look(scenario(copy_batch, "put = 1"), seed, from);
    let without = latencies(&outcomes, from);
    let mix = "put = 6000, register = 1";
    let (seen, outcomes) = look(scenario(copy_batch, mix), seed, from);
    let operations = outcomes.history.operations().iter();
    let is_request = |request: &Request| matches!(request, Request::Register(..));
    let mut requests = operations
        .clone()
        .filter(|operation| is_request(&operation.request));
    let asked = requests.next().expect("somebody asks").invoked.at;
    assert!(
        asked >= from,
        "under seed {seed} it is asked for at {asked}"
    );
    let counts = |(_, note): &&(Time, Note)| *note == Note::Counts(4);
    let (normal, _) = seen.notes.iter().find(counts).expect("it is registered");
    let copied = seen.first("revives", asked).expect("it is copied");
    let under_way = operations.filter(|operation| operation.invoked.at <= *normal);
    let meanwhile = under_way.filter_map(|operation| {
        let ended = accepted_at(operation).filter(|ended| *ended >= asked)?;
        Some(ended.since(operation.invoked.at))
    });
    Registered {
        normal: normal.since(asked),
        copied: copied.since(asked),
        drain: seen.drain.expect("it is drained"),
        meanwhile: meanwhile.collect(),
        without,
    }
}

fn scenario(copy_batch: u32, mix: &str) -> String {
    format!(
        r#"
        mode = "sibling_quorum"
        nodes = {{ managing = 5, controllers = 3 }}
        seeds = "0..1"
        length = "{LENGTH}s"
        machine = "gce_8_vcpu"
        [options]
        siblings = 3
        operated = [5]
        resources = {RESOURCES}
        copy_batch = {copy_batch}
        [workload]
        clients = 100
        rate = "{RATE}/s"
        keys = 1000
        mix = {{ {mix} }}
        "#
    )
}
