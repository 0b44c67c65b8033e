//! The committed figures are those of this code: a small cell of each table is made again.

#[path = "../examples/zone_sync_figures/heal.rs"]
mod heal;
#[path = "../examples/zone_sync_figures/steady.rs"]
mod steady;
#[path = "../examples/zone_sync_figures/watch.rs"]
mod watch;

const REPORT: &str = include_str!("../../reports/zone_sync_figures.md");
const COMMAND: &str = "cargo run --release -p netsplit-sim --example zone_sync_figures > reports/zone_sync_figures.md";

#[test]
fn the_steady_state_is_as_reported() {
    for (way, rate, nodes) in [
        ("documented", 1_000, 3),
        ("hardened", 1_000, 3),
        ("tuned", 1_000, 10),
    ] {
        stands(&steady::row(way, rate, nodes));
    }
}

#[test]
fn a_partition_heals_as_reported() {
    stands(&heal::row("hardened", 1));
}

fn stands(row: &str) {
    assert!(
        REPORT.contains(row),
        "the report does not say this; if that is meant, make it anew with\n{COMMAND}\n{row}"
    );
}
