//! How long an update takes, and what it weighs.

use netsplit::{Span, Time};

use crate::onlooker::{Traffic, latencies, look, millis};

/// How far each sibling is from the main, one way, in milliseconds: the nearest first.
const AWAY: [u64; 5] = [1, 5, 20, 50, 100];

/// What is not counted, in seconds: who asks before there is a main is told so, and waits for more than two. And when it
/// ends.
const WARM_UP: u64 = 3;
const LENGTH: u64 = 13;

/// How long it counts where the main is saturated.
const WINDOW: u64 = 2;

/// How long a flush takes, and a message between a user and the main, in microseconds.
const FLUSH: u64 = 1_000;
const USER: u64 = 100;

/// A cell of the table of latencies: one update in flight at a time, or so many a second whatever becomes of them.
pub(crate) fn latency(siblings: usize, needed: usize, rate: Option<u64>) -> String {
    let (clients, asked) = match rate {
        // Nobody's pause is longer than two microseconds.
        None => (1, 1_000_000),
        Some(rate) => (rate / 5, rate),
    };
    let zones: String = (1..=siblings + 1)
        .map(|node| format!("s{node} = [\"m{node}\"]\n"))
        .collect();
    let between: Vec<String> = AWAY[..siblings]
        .iter()
        .zip(2..)
        .map(|(away, node)| format!("s1-s{node} = \"{away}ms\""))
        .collect();
    let (between, managing) = (between.join(", "), siblings + 1);
    let scenario = format!(
        r#"
        mode = "sibling_quorum"
        nodes = {{ managing = {managing}, controllers = 3 }}
        seeds = "0..1"
        length = "{LENGTH}s"
        [zones]
        {zones}
        [network]
        latency = "1ms"
        client_latency = "{USER}us"
        between = {{ {between} }}
        [disk]
        flush = "{FLUSH}us"
        [workload]
        clients = {clients}
        rate = "{asked}/s"
        keys = 1000
        mix = {{ put = 1 }}
        "#
    );
    let from = Time::ZERO + Span::secs(WARM_UP);
    let (_, outcomes) = look(scenario, 0, from);
    let sorted = latencies(&outcomes, from);
    // To the last sibling that is needed, its flush, and back.
    let round = Span::millis(2 * AWAY[needed - 1]) + Span::micros(FLUSH);
    // Where more are under way than the window allows, they wait for a round to end before they travel.
    let wait = rate.map_or(Span::ZERO, |_| round);
    let bound = Span::micros(2 * USER) + round + wait;
    assert!(sorted.last() <= Some(&bound), "{siblings} siblings");
    let load = rate.map_or("1 in flight".into(), |rate| format!("{rate} a second"));
    format!(
        "| {siblings} | {needed} | {load} | {:.2} ms | {} | {} | {} |\n",
        bound.as_millis_f64(),
        millis(&sorted, 50),
        millis(&sorted, 99),
        millis(&sorted, 100),
    )
}

/// A cell of the table of what an update weighs.
pub(crate) fn weight(siblings: usize, clients: u64) -> String {
    let (managing, length) = (siblings + 1, WARM_UP + WINDOW);
    let scenario = format!(
        r#"
        mode = "sibling_quorum"
        nodes = {{ managing = {managing}, controllers = 3 }}
        seeds = "0..1"
        length = "{length}s"
        machine = "gce_8_vcpu"
        [workload]
        clients = {clients}
        rate = "1000000/s"
        keys = 1000
        value = "256B"
        mix = {{ put = 1 }}
        "#
    );
    let from = Time::ZERO + Span::secs(WARM_UP);
    let (seen, outcomes) = look(scenario, 0, from);
    let sorted = latencies(&outcomes, from);
    let updates = sorted.len() as f64;
    let each = |traffic: Traffic| {
        let (messages, bytes) = (traffic.messages as f64, traffic.bytes as f64);
        format!("{:.2} | {:.0}", messages / updates, bytes / updates)
    };
    format!(
        "| {siblings} | {clients} | {:.0} | {} | {} | {} |\n",
        updates / WINDOW as f64,
        millis(&sorted, 50),
        each(seen.among),
        each(seen.users),
    )
}
