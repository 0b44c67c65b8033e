//! The figures of zone synchronisation in virtual time, which are exact on every machine:
//!
//! ```text
//! cargo run --release -p netsplit-sim --example zone_sync_figures > reports/zone_sync_figures.md
//! ```
//!
//! With `steady`, `heal` or `thousand` behind it, that part only; the last under `time -v` says what a thousand nodes cost
//! the machine.

mod heal;
mod steady;
mod thousand;
mod watch;

use heal::{RECORDS, SEEDS};
use steady::{SESSIONS, WARM_UP, WAYS, WINDOW};

fn main() {
    let part = std::env::args().nth(1);
    let wanted = |name: &str| part.as_deref().is_none_or(|part| part == name);
    println!("{}", include_str!("opening.md"));
    if wanted("steady") {
        println!("## Steady state\n");
        print_steady();
        println!("\n{}", include_str!("steady.md"));
    }
    if wanted("heal") {
        println!("## After a partition\n");
        print_heal();
        println!("\n{}", include_str!("heal.md"));
    }
    if wanted("thousand") {
        println!("## A thousand nodes\n");
        thousand::print();
    }
}

/// How old news is, and what it weighs.
fn print_steady() {
    println!(
        "Sessions are learned and touched ({SESSIONS} of them, 53 bytes each on the wire) by clients that are spread over \
         the nodes, once these are connected: {WARM_UP} s to warm up, and {WINDOW} s that count.\n\n\
         *Staleness* is the time from the instant at which a node wrote until another holds it, over all records that came \
         and all pairs of nodes. *Bytes* are all that nodes pushed, for an update and a node that has to be told of it: 53 \
         is a record and nothing else, and an update that a newer one of its session overtakes in the log costs nothing. \
         *Left over* are the records, of all nodes, that had waited for a whole interval when their node looked into its \
         log, for the first time that counts and the last: where they become more, more is written than can be told, and \
         staleness grows for as long as that goes on, up to what a zone holds.\n\n\
         | options | updates/s | nodes | staleness p50 | p99 | bytes | left over, first | last |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|"
    );
    for (way, _) in WAYS {
        for rate in [1_000, 10_000, 50_000] {
            for nodes in [3, 10, 50] {
                print!("{}", steady::row(way, rate, nodes));
            }
        }
    }
}

/// How soon all are equal again.
fn print_heal() {
    print!(
        "Three nodes hold the same {RECORDS} pairs of 53 bytes. One is cut off from the others for 60 s and writes some of \
         the pairs anew, evenly spread. From the end of the partition: how long until all are equal, the mean and the \
         longest of {SEEDS} runs, and what all nodes pushed until then. One copy of what differs, for each of the two \
         others, is {:.1} MB for a hundredth and {:.1} MB for all.\n\n\
         | options | differs | equal after | longest | pushed |\n\
         |---|---:|---:|---:|---:|\n",
        f64::from(RECORDS) / 100.0 * 53.0 * 2.0 / 1e6,
        f64::from(RECORDS) * 53.0 * 2.0 / 1e6,
    );
    for (way, _) in WAYS {
        for percent in [1, 100] {
            print!("{}", heal::row(way, percent));
        }
    }
}
