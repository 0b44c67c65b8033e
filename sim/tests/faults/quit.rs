//! Asking a process to stop: it does by itself, or is killed when its time is up.

use std::collections::BTreeSet;

use super::seen::{Seen, play, refused, servers};

/// Servers that take so long to stop, in a storm of 1s.
fn quits(after: &str) -> String {
    format!("length = '1s'\noptions = {{ quits = '{after}' }}")
}

/// Servers that never do.
const DEAF: &str = "length = '1s'";

/// When a node was asked, stopped by itself, was killed for not having done so, and started again.
fn story(seen: &Seen, node: &str) -> [Vec<u64>; 4] {
    let boots = seen.when(node, "starts, life ");
    [
        seen.when(node, "asked to quit"),
        seen.when(node, "stops: "),
        seen.when(node, "has not stopped in time"),
        boots[1..].to_vec(),
    ]
}

#[test]
fn who_stops_in_time_stays_down_until_the_fault_is_over() {
    // Its supervisor would start it at 215ms.
    let seen = play(
        0,
        &quits("10ms"),
        &["at = '105ms', for = '300ms', quit = 'n1'"],
    );
    assert_eq!(
        story(&seen, "n1"),
        [vec![105_000], vec![115_000], vec![], vec![405_000]]
    );
    assert_eq!(seen.when("n1", "goes down"), [115_000]);
    assert_eq!(seen.count("n2", "hears n1", 117_000..405_000), 0);
    assert_eq!(seen.struck(), [(105_000, "quit n1")]);
}

#[test]
fn it_is_back_when_the_fault_is_over_even_if_its_supervisor_would_take_longer() {
    let seen = play(
        0,
        &quits("10ms"),
        &["at = '105ms', for = '20ms', quit = 'n1'"],
    );
    assert_eq!(
        story(&seen, "n1"),
        [vec![105_000], vec![115_000], vec![], vec![125_000]]
    );
}

#[test]
fn who_goes_on_is_itself_until_it_is_killed_and_started_when_its_time_is_up() {
    let seen = play(0, DEAF, &["at = '105ms', for = '200ms', quit = 'n1'"]);
    assert_eq!(
        story(&seen, "n1"),
        [vec![105_000], vec![], vec![305_000], vec![305_000]]
    );
    assert_eq!(seen.when("n1", "goes down"), [305_000]);
    let beats = seen.heard("n2", "n1", "beat", 0..320_000);
    let numbers: Vec<u64> = beats.iter().map(|(_, number)| *number).collect();
    assert_eq!(numbers[..30], (1..=30).collect::<Vec<_>>());
    assert_eq!(numbers[30], 1001);
}

#[test]
fn the_last_instant_at_which_it_can_stop_is_the_one_before_its_time_is_up() {
    let fault = ["at = '105ms', for = '200ms', quit = 'n1'"];
    let seen = play(0, &quits("199999us"), &fault);
    assert_eq!(
        story(&seen, "n1"),
        [vec![105_000], vec![304_999], vec![], vec![305_000]]
    );
    let seen = play(0, &quits("200ms"), &fault);
    assert_eq!(
        story(&seen, "n1"),
        [vec![105_000], vec![], vec![305_000], vec![305_000]]
    );
}

#[test]
fn who_stops_or_is_killed_loses_any_suffix_of_what_it_has_not_flushed() {
    // By 105ms the first record is flushed, 2 to 6 are being flushed, and 7 to 10 wait, as in a crash.
    for (quits, lasts) in [("1us", "50ms"), ("0s", "1us")] {
        let mut lengths = BTreeSet::new();
        for seed in 0..100 {
            let head = format!("disk.flush = '50ms'\noptions = {{ quits = '{quits}' }}");
            let fault = format!("at = '105ms', for = '{lasts}', quit = 'n1'");
            let mut found = play(seed, &head, &[&fault]).found("n1")[0].1.clone();
            found.pop_if(|last| last == "torn");
            lengths.insert(found.len());
        }
        let all = (2..=11).collect::<Vec<usize>>();
        assert_eq!(lengths.into_iter().collect::<Vec<_>>(), all, "{quits}");
    }
}

#[test]
fn who_is_paused_is_asked_when_it_goes_on_and_killed_though_it_stands_still() {
    let pause = "at = '100ms', for = '60ms', pause = 'n1'";
    let seen = play(
        0,
        &quits("10ms"),
        &[pause, "at = '105ms', for = '100ms', quit = 'n1'"],
    );
    assert_eq!(
        story(&seen, "n1"),
        [vec![160_000], vec![170_000], vec![], vec![205_000]]
    );
    let seen = play(
        0,
        &quits("10ms"),
        &[pause, "at = '105ms', for = '30ms', quit = 'n1'"],
    );
    assert_eq!(
        story(&seen, "n1"),
        [vec![], vec![], vec![135_000], vec![160_000]]
    );
}

#[test]
fn who_is_busy_is_asked_when_it_is_free() {
    let head = "nodes = 2\ncpu.message = '1ms'\noptions = { quits = '1us' }";
    // It sends a beat until 111ms, then the receipt for which the flush is done until 112ms.
    for (at, asked) in [(109_999, 109_999), (110_600, 112_000)] {
        let fault = format!("at = '{at}us', for = '50ms', quit = 'n1'");
        let seen = play(0, head, &[&fault]);
        assert_eq!(seen.when("n1", "asked to quit"), [asked]);
    }
}

#[test]
fn who_is_down_is_not_asked_and_stays_down_as_long_as_any_fault_says() {
    let quit = "at = '105ms', for = '100ms', quit = 'n1'";
    for (lasts, back) in [("50ms", 205_000), ("300ms", 400_000)] {
        let crash = format!("at = '100ms', for = '{lasts}', crash = 'n1'");
        let seen = play(0, &quits("10ms"), &[&crash, quit]);
        assert_eq!(story(&seen, "n1"), [vec![], vec![], vec![], vec![back]]);
    }
}

#[test]
fn who_goes_down_otherwise_in_its_time_to_stop_stays_down_until_that_is_over() {
    let quit = "at = '105ms', for = '200ms', quit = 'n1'";
    let crash = "at = '120ms', for = '10ms', crash = 'n1'";
    let seen = play(0, &quits("50ms"), &[quit, crash]);
    assert_eq!(
        story(&seen, "n1"),
        [vec![105_000], vec![], vec![], vec![305_000]]
    );
    // What is started in a later life has nothing to stop for.
    assert_eq!(seen.when("n1", "goes down"), [120_000]);
}

#[test]
fn who_is_asked_twice_is_killed_for_the_first_and_back_after_the_second() {
    let faults = [
        "at = '105ms', for = '100ms', quit = 'n1'",
        "at = '155ms', for = '150ms', quit = 'n1'",
    ];
    let seen = play(0, DEAF, &faults);
    assert_eq!(
        story(&seen, "n1"),
        [vec![105_000, 155_000], vec![], vec![205_000], vec![305_000]]
    );
}

#[test]
fn the_end_of_the_storm_cuts_it_short() {
    let fault = ["at = '905ms', for = '10s', quit = 'n1'"];
    let seen = play(0, DEAF, &fault);
    assert_eq!(
        story(&seen, "n1"),
        [vec![905_000], vec![], vec![1_000_000], vec![1_000_000]]
    );
    let seen = play(0, &quits("10ms"), &fault);
    assert_eq!(
        story(&seen, "n1"),
        [vec![905_000], vec![915_000], vec![], vec![1_000_000]]
    );
}

#[test]
fn who_stopped_and_is_not_of_the_core_is_never_started_again() {
    let head = "nodes = 5\ncalm = 'core'\nlength = '300ms'\noptions = { quits = '10ms', answers = '300ms' }";
    for seed in 0..8 {
        let seen = play(seed, head, &["at = '205ms', for = '10s', quit = 'all'"]);
        let back = |node: &&String| !seen.when(node, "starts, life 1").is_empty();
        assert_eq!(servers(5).iter().filter(back).count(), 3);
        for node in servers(5).iter().filter(|node| !back(node)) {
            assert_eq!(
                story(&seen, node),
                [vec![205_000], vec![215_000], vec![], vec![]]
            );
        }
    }
}

#[test]
fn a_graceful_rolling_restart_asks_one_after_another_and_waits_for_each() {
    let roll =
        "at = '105ms', for = '20ms..40ms', rolling = { on = 'all', gap = '10ms', quit = true }";
    let mut orders = BTreeSet::new();
    for (head, in_time) in [(quits("5ms"), true), (DEAF.to_owned(), false)] {
        for seed in 0..12 {
            let seen = play(seed, &head, &[roll]);
            let mut times: Vec<(u64, u64, String)> = Vec::new();
            for node in servers(3) {
                let [asked, stopped, killed, back] = story(&seen, &node);
                assert_eq!((asked.len(), back.len()), (1, 1));
                assert!((20_000..=40_000).contains(&(back[0] - asked[0])));
                if in_time {
                    assert_eq!((stopped, killed), (vec![asked[0] + 5_000], vec![]));
                } else {
                    assert_eq!((stopped, killed), (vec![], back.clone()));
                }
                times.push((asked[0], back[0], node));
            }
            times.sort();
            assert_eq!(times[0].0, 105_000);
            assert!(times.windows(2).all(|two| two[1].0 == two[0].1 + 10_000));
            orders.insert(
                times
                    .into_iter()
                    .map(|(_, _, node)| node)
                    .collect::<Vec<_>>(),
            );
            assert_eq!(seen.struck().len(), 1);
            assert!(
                seen.struck()[0]
                    .1
                    .starts_with("rolling graceful restart of n")
            );
        }
    }
    assert!(orders.len() > 3, "{orders:?}");
}

#[test]
fn a_client_can_be_asked_too_and_does_not_care() {
    let seen = play(0, DEAF, &["at = '105ms', for = '100ms', quit = 'c1'"]);
    assert_eq!(seen.when("c1", "is asked to stop"), [105_000]);
    assert_eq!(seen.when("c1", "goes down"), [205_000]);
    assert_eq!(seen.when("c1", "starts, life 1"), [205_000]);
}

#[test]
fn it_cannot_come_and_go_and_needs_to_end() {
    assert!(refused("", &["at = '1ms', for = '9ms', flap = '1ms', quit = 'n1'"]).is_some());
    assert!(refused("", &["at = '1ms', quit = 'n1'"]).is_some());
}
