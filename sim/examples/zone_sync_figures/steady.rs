//! A mesh at work: how old news is when it comes, and what an update weighs on the wire.

use netsplit::{Span, Time};

use crate::watch::{Plan, watch};

/// Ways to run a mesh: by name, with their options. The report says in words what they are.
pub(crate) const WAYS: [(&str, &str); 3] = [
    (
        "documented",
        "relay = false\nrefill = false\nown_pace = false\ndigests = false\nrepair = \"0s\"\n",
    ),
    ("hardened", ""),
    ("tuned", "interval = \"100ms\"\nbuffers = 256\n"),
];

/// How long nodes connect before clients reach them, what is not counted besides, and what is, in seconds.
const CONNECT: u64 = 3;
pub(crate) const WARM_UP: u64 = 3;
pub(crate) const WINDOW: u64 = 4;

/// How many sessions there are.
pub(crate) const SESSIONS: u32 = 100_000;

/// The options of a way.
pub(crate) fn options(way: &str) -> &'static str {
    let found = WAYS.iter().find(|(name, _)| *name == way);
    found.expect("it is one of them").1
}

/// One cell.
pub(crate) fn row(way: &str, rate: u64, nodes: u64) -> String {
    let options = options(way);
    let clients = (rate / 100).max(50);
    let (length, capacity) = (CONNECT + WARM_UP + WINDOW, 2 * SESSIONS);
    let scenario = format!(
        r#"
        mode = "zone_sync"
        nodes = {nodes}
        seeds = "0..1"
        length = "{length}s"
        [options]
        unit = "1us"
        ask_again = "1m"
        give_up = "100ms"
        {options}
        [options.sticky]
        capacity = {capacity}
        [network]
        latency = "200us..500us"
        client_latency = "50us..100us"
        [workload]
        clients = {clients}
        rate = "{rate}/s"
        keys = {SESSIONS}
        value = "24B"
        mix = {{ visit = 1 }}
        [[fault]]
        at = "0s"
        for = "{CONNECT}s"
        partition = ["clients", "all"]
        "#
    );
    let plan = Plan {
        from: Time::ZERO + Span::secs(CONNECT + WARM_UP),
        loaded: 0,
        diverge: (0, Time::NEVER),
    };
    let (mut seen, _) = watch(scenario, 0, plan);
    let millis = |span: Option<Span>| {
        span.map_or("-".into(), |span| format!("{:.1} ms", span.as_millis_f64()))
    };
    let (median, late) = (millis(seen.percentile(50)), millis(seen.percentile(99)));
    let bytes = seen.bytes as f64 / (seen.updates * (nodes - 1)) as f64;
    let (first, last) = seen
        .left
        .iter()
        .flatten()
        .fold((0, 0), |sum, left| (sum.0 + left.0, sum.1 + left.1));
    format!("| {way} | {rate} | {nodes} | {median} | {late} | {bytes:.1} | {first} | {last} |\n")
}
