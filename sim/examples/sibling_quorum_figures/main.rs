//! The figures of the sibling quorum in virtual time, which are exact on every machine:
//!
//! ```text
//! cargo run --release -p netsplit-sim --example sibling_quorum_figures > reports/sibling_quorum.md
//! ```
//!
//! With `accept`, `weight`, `failover` or `register` behind it, that part only.

mod accept;
mod failover;
mod onlooker;
mod register;

use failover::TIMES;

/// How many siblings there are, and how many of them must confirm: the table of the accounting.
const SIBLINGS: [(usize, usize); 4] = [(1, 1), (2, 2), (3, 2), (5, 3)];

/// How many users there are where the main is saturated.
const CROWD: u64 = 1000;

fn main() {
    let part = std::env::args().nth(1);
    let wanted = |name: &str| part.as_deref().is_none_or(|part| part == name);
    println!("{}", include_str!("opening.md"));
    if wanted("accept") {
        println!("## Until an update is accepted\n");
        print_accept();
    }
    if wanted("weight") {
        println!("\n## What an update weighs\n");
        print_weight();
    }
    if wanted("failover") {
        println!("\n## Without a main\n");
        print_failover();
    }
    if wanted("register") {
        println!("\n## A sibling is registered\n");
        print_register();
    }
}

fn print_accept() {
    println!("{}", include_str!("accept.md"));
    for (siblings, needed) in SIBLINGS {
        for rate in [None, Some(1_000)] {
            print!("{}", accept::latency(siblings, needed, rate));
        }
    }
}

fn print_weight() {
    println!("{}", include_str!("weight.md"));
    for (siblings, _) in SIBLINGS {
        for clients in [1, CROWD] {
            print!("{}", accept::weight(siblings, clients));
        }
    }
}

fn print_failover() {
    println!("{}", include_str!("failover.md"));
    for quits in [false, true] {
        for (times, _) in TIMES {
            print!("{}", failover::rows(times, quits));
        }
    }
}

fn print_register() {
    println!("{}", include_str!("register.md"));
    for batch in [64, 512, 8192] {
        print!("{}", register::row(batch));
    }
}
