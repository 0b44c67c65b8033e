//! How long nothing is accepted when the main dies, or is asked to quit.

use netsplit::sibling_quorum::SiblingQuorum;
use netsplit::{Span, Time};
use netsplit_sim::world::Outcomes;

use crate::onlooker::{Seen, accepted_at, look};

/// So many runs, since it matters where in everybody's timers the main dies.
const SEEDS: u64 = 32;

/// Times by name, with what a scenario says of them.
pub(crate) const TIMES: [(&str, &str); 2] = [
    ("usual", ""),
    (
        "brisk",
        "heartbeat = \"200ms\"\nlease = \"1s\"\nmargin = \"100ms\"\nfail = \"2s\"\nsuspicion = \"500ms\"\n\
         takeover = \"500ms..1s\"\nclient = \"500ms..700ms\"\n",
    ),
];

/// What a gap is made of: until somebody suspects the main, until its lease has ended and an epoch is open, until another
/// main is recorded, until that one has opened its epoch, and until a user has found it and its update is accepted.
type Parts = [Span; 5];

/// What a message takes at most, and a flush, and a controller that was in another's way before it tries again, in
/// microseconds.
const MESSAGE: u64 = 5_000;
const FLUSH: u64 = 1_500;
const BACKOFF: u64 = 20_000;

/// How long each part takes at most, in microseconds, if controllers are in each other's way once.
fn bounds(times: &str, quits: bool) -> [u64; 5] {
    let (client, lease) = match times {
        "usual" => (2_500_000, 5_500_000),
        _ => (700_000, 1_100_000),
    };
    let answered = 2 * MESSAGE + FLUSH;
    // Two rounds to change the register, or to be sure of what it holds; and again.
    let register = 2 * answered + BACKOFF + 2 * answered;
    // Who quits says so. Else a user reports it when it has waited; and again, if the main had been heard shortly before.
    let detection = if quits { MESSAGE } else { 2 * client + MESSAGE };
    let wait = if quits { 0 } else { lease } + 2 * register;
    // The fence and its answer, and the register.
    let fence = answered + register;
    // The promotion, the oath, and the opening at a quorum.
    let opening = MESSAGE + FLUSH + answered;
    // Who asked a node that does not know the new main waits as if it were dead, then follows its siblings.
    let users = client + 2 * MESSAGE + answered;
    [detection, wait, fence, opening, users]
}

/// A row: a way to lose the main with these times, the mean and the longest of each part and of the whole, and its bound.
pub(crate) fn rows(times: &str, quits: bool) -> String {
    let runs: Vec<Parts> = (0..SEEDS).map(|seed| gap(times, quits, seed)).collect();
    let whole = |parts: &Parts| parts.iter().fold(Span::ZERO, |sum, part| sum + *part);
    let columns = |of: &dyn Fn(Vec<Span>) -> Span| -> String {
        let parts = (0..5).map(|part| of(runs.iter().map(|run| run[part]).collect()));
        let all = parts.chain([of(runs.iter().map(whole).collect())]);
        all.map(|span| format!(" {} |", seconds(span))).collect()
    };
    let mean = |all: Vec<Span>| {
        let sum: u64 = all.iter().map(|span| span.as_nanos()).sum();
        Span::nanos(sum / SEEDS)
    };
    let longest = |all: Vec<Span>| all.into_iter().max().unwrap_or_default();
    let bounds = bounds(times, quits).map(Span::micros);
    for run in &runs {
        let mut parts = run.iter().zip(&bounds);
        assert!(parts.all(|(part, bound)| part <= bound), "{run:?}");
    }
    let total = bounds.iter().fold(Span::ZERO, |sum, bound| sum + *bound);
    let bounds: String = bounds
        .into_iter()
        .chain([total])
        .map(|bound| format!(" {} |", seconds(bound)))
        .collect();
    let way = if quits { "quits" } else { "dies" };
    format!(
        "| {way}, {times} | mean |{}\n| | longest |{}\n| | bound |{bounds}\n",
        columns(&mean),
        columns(&longest)
    )
}

/// One gap.
fn gap(times: &str, quits: bool, seed: u64) -> Parts {
    let found = TIMES.iter().find(|(name, _)| *name == times);
    let (_, options) = found.expect("it is one of them");
    let fault = if quits { "quit" } else { "crash" };
    let scenario = format!(
        r#"
        mode = "sibling_quorum"
        nodes = {{ managing = 4, controllers = 3 }}
        seeds = "0..1"
        length = "40s"
        [options]
        {options}
        [workload]
        clients = 20
        rate = "100/s"
        keys = 100
        mix = {{ put = 1 }}
        [[fault]]
        at = "10s..12s"
        for = "1m"
        {fault} = "m1"
        "#
    );
    let (seen, outcomes) = look(scenario, seed, Time::NEVER);
    parts(&seen, &outcomes)
}

fn parts(seen: &Seen, outcomes: &Outcomes<SiblingQuorum>) -> Parts {
    let (lost, _) = outcomes.faults[0];
    let mut last = lost;
    let mut until = |at: Time| {
        let span = at.since(last);
        last = at;
        span
    };
    let noted = |kind: &str| seen.first(kind, lost).expect("another main is found");
    let steps = ["suspects", "claims", "appoints", "serves"].map(noted);
    let operations = outcomes.history.operations().iter();
    let accepted = operations.filter_map(accepted_at);
    let first = accepted.filter(|at| *at > steps[3]).min();
    let [suspects, claims, appoints, serves] = steps.map(&mut until);
    let asked = until(first.expect("users find it"));
    [suspects, claims, appoints, serves, asked]
}

fn seconds(span: Span) -> String {
    format!("{:.3} s", span.as_millis_f64() / 1e3)
}
