//! The committed figures are those of this code: a small cell of each table is made again.

#[path = "../examples/sibling_quorum_figures/accept.rs"]
mod accept;
#[path = "../examples/session_data_figures/bystander.rs"]
mod bystander;
#[path = "../examples/sibling_quorum_figures/failover.rs"]
mod failover;
#[path = "../examples/zone_sync_figures/heal.rs"]
mod heal;
#[path = "../examples/session_data_figures/idle.rs"]
mod idle;
#[path = "../examples/sibling_quorum_figures/onlooker.rs"]
mod onlooker;
#[path = "../examples/session_data_figures/push.rs"]
mod push;
#[path = "../examples/sibling_quorum_figures/register.rs"]
mod register;
#[path = "../examples/session_data_figures/repair.rs"]
mod repair;
#[path = "../examples/zone_sync_figures/steady.rs"]
mod steady;
#[path = "../examples/zone_sync_figures/watch.rs"]
mod watch;

/// A report, and the name of the example that makes it.
type Report = (&'static str, &'static str);

const ZONE_SYNC: Report = (
    include_str!("../../reports/zone_sync_figures.md"),
    "zone_sync_figures > reports/zone_sync_figures.md",
);

const SIBLING_QUORUM: Report = (
    include_str!("../../reports/sibling_quorum.md"),
    "sibling_quorum_figures > reports/sibling_quorum.md",
);

const SESSION_DATA: Report = (
    include_str!("../../reports/session_data.md"),
    "session_data_figures > reports/session_data.md",
);

#[test]
fn the_steady_state_is_as_reported() {
    for (way, rate, nodes) in [
        ("documented", 1_000, 3),
        ("hardened", 1_000, 3),
        ("tuned", 1_000, 10),
    ] {
        stands(ZONE_SYNC, &steady::row(way, rate, nodes));
    }
}

#[test]
fn a_partition_heals_as_reported() {
    stands(ZONE_SYNC, &heal::row("hardened", 1));
}

#[test]
fn updates_are_accepted_as_reported() {
    stands(SIBLING_QUORUM, &accept::latency(3, 2, None));
    stands(SIBLING_QUORUM, &accept::latency(5, 3, Some(1_000)));
    stands(SIBLING_QUORUM, &accept::weight(3, 1));
}

#[test]
fn another_main_is_found_as_reported() {
    stands(SIBLING_QUORUM, &failover::rows("usual", false));
    stands(SIBLING_QUORUM, &failover::rows("brisk", true));
}

#[test]
fn a_sibling_is_registered_as_reported() {
    stands(SIBLING_QUORUM, &register::row(512));
}

#[test]
fn what_is_lost_is_back_as_reported() {
    stands(SESSION_DATA, &repair::budget("i12"));
    stands(SESSION_DATA, &repair::story("4"));
}

#[test]
fn subscribers_are_told_and_servers_idle_as_reported() {
    stands(SESSION_DATA, &push::row(100));
    stands(SESSION_DATA, &idle::rows(10));
}

fn stands((report, example): Report, row: &str) {
    assert!(
        report.contains(row),
        "the report does not say this; if that is meant, make it anew with\n\
         cargo run --release -p netsplit-sim --example {example}\n{row}"
    );
}
