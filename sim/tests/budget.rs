//! How many seeds of what ships are run: as many as the budget allows, and never fewer than what is to be shown needs.

use netsplit_sim::play::Play;
use netsplit_sim::{Source, explore::budget, modes};

fn scenario(text: &str) -> Box<dyn Play> {
    let source = Source::new("budget.toml", text);
    modes::read(&modes::SHIPPED, &source).unwrap_or_else(|problem| panic!("{problem}"))
}

/// One that must hold, and one that must be convicted, of eight seeds each.
fn scenarios() -> [Box<dyn Play>; 2] {
    const HEAD: &str = "mode = 'raft'\nnodes = 3\nseeds = '0..8'\nlength = '1s'\n";
    const ASKS: &str = "workload = { clients = 1, rate = '20/s', mix = { put = 1 } }\n";
    let mistake = "mistake = 'loses_append_flush'\nexpect.violated = 'committed_is_durable'\n";
    [
        scenario(&format!("{HEAD}{ASKS}")),
        scenario(&format!("{HEAD}{mistake}{ASKS}")),
    ]
}

/// The seeds that were run of each.
fn seeds(budget: u64) -> [Vec<u64>; 2] {
    let runs = budget::within(&scenarios(), budget, 1, || {});
    [0, 1].map(|place| runs[place].iter().map(|run| run.seed).collect())
}

#[test]
fn without_a_budget_each_is_run_once_and_what_must_be_convicted_whole() {
    assert_eq!(seeds(0), [vec![0], (0..8).collect()]);
}

#[test]
fn with_enough_of_it_all_seeds_are_run_in_order() {
    assert_eq!(
        seeds(u64::MAX),
        [(); 2].map(|()| (0..8).collect::<Vec<_>>())
    );
}

#[test]
fn in_between_some_are_and_the_same_each_time() {
    let whole = budget::within(&scenarios(), u64::MAX, 1, || {});
    let cost: u64 = whole.iter().flatten().map(|run| run.events).sum();
    let [some, all] = seeds(cost / 2 + cost / 4);
    assert!((2..8).contains(&some.len()), "{some:?}");
    assert_eq!(all.len(), 8);
    assert_eq!(seeds(cost / 2 + cost / 4), [some, all]);
}
