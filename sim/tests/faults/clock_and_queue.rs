//! Faults of clocks and of queues in memory.

use std::collections::BTreeSet;

use super::seen::{micros, play, refused, servers, ticks};

#[test]
fn a_wall_clock_that_is_set_is_off_by_exactly_so_much_and_right_again_at_the_end() {
    for (by, there, back) in [
        ("2s", "wall leaps by 2s", "wall falls back by 2s"),
        ("-2s", "wall falls back by 2s", "wall leaps by 2s"),
        ("1ns", "wall leaps by 1ns", "wall falls back by 1ns"),
    ] {
        let fault =
            format!("at = '105ms', for = '60ms', step_clock = {{ on = 'n1', by = '{by}' }}");
        let seen = play(0, "", &[&fault]);
        let odd = |at, text: &'static str| (at, text.strip_prefix("wall ").unwrap());
        assert_eq!(
            seen.all("n1", "wall "),
            [odd(110_000, there), odd(170_000, back)]
        );
        assert!(seen.never("n2", "wall "));
        // Timers run on the monotonic clock, which knows nothing of it.
        assert_eq!(seen.when("n1", "wrote")[..39], ticks(10_000..400_000, 0));
    }
}

#[test]
fn a_wall_clock_that_is_set_twice_is_off_by_both() {
    let faults = [
        "at = '105ms', for = '60ms', step_clock = { on = 'n1', by = '2s' }",
        "at = '125ms', for = '60ms', step_clock = { on = 'n1', by = '-500ms' }",
    ];
    let seen = play(0, "", &faults);
    let expected = [
        (110_000, "leaps by 2s"),
        (130_000, "falls back by 500ms"),
        (170_000, "falls back by 2s"),
        (190_000, "leaps by 500ms"),
    ];
    assert_eq!(seen.all("n1", "wall "), expected);
}

#[test]
fn a_wall_clock_that_is_frozen_stands_still_and_is_right_again_at_the_end() {
    let seen = play(0, "", &["at = '105ms', for = '60ms', freeze_clock = 'n1'"]);
    let odd = seen.all("n1", "wall ");
    assert_eq!(odd[0], (110_000, "falls back by 5ms"));
    let still: Vec<(u64, &str)> = (12..=16)
        .map(|tick| (tick * 10_000, "stands still"))
        .collect();
    assert_eq!(odd[1..6], still);
    // All that it lost it has again: 5ms, and five times 10ms.
    assert_eq!(odd[6..], [(170_000, "leaps by 55ms")]);
    assert_eq!(seen.when("n1", "wrote")[..39], ticks(10_000..400_000, 0));
    assert!(seen.never("n2", "wall "));
}

/// What the wall clocks of nine servers show at the start, in microseconds after what all would show if none were off.
fn walls(seed: u64, head: &str) -> Vec<i64> {
    let seen = play(seed, &format!("nodes = 9\n{head}"), &[]);
    let wall = |node: &String| {
        let boots = seen.all(node, "boots at ");
        let wall = boots[0].1.split(' ').next().map(micros);
        wall.expect("a boot says what its wall clock shows") as i64 - 1_000_000_000_000_000
    };
    servers(9).iter().map(wall).collect()
}

#[test]
fn wall_clocks_are_off_by_up_to_their_offset_either_way_and_each_by_its_own() {
    assert_eq!(walls(0, ""), [0; 9]);
    let all = walls(0, "clock.offset = '1s'");
    assert!(
        all.iter().all(|off| (-1_000_000..=1_000_000).contains(off)),
        "{all:?}"
    );
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 9);
    assert!(all.iter().any(|off| *off < -100_000) && all.iter().any(|off| *off > 100_000));
}

#[test]
fn a_monotonic_clock_is_fast_or_slow_by_up_to_its_drift_and_counts_on_evenly() {
    let seen = play(
        0,
        "nodes = 9\nclock.drift = '500000ppm'\nlength = '1s'",
        &[],
    );
    let mut paces = BTreeSet::new();
    for node in servers(9) {
        let ticks = seen.when(&node, "wrote");
        // 10ms of a clock that is faster or slower by up to half.
        let pace = ticks[1] - ticks[0];
        assert!((6_666..=20_001).contains(&pace), "{pace}");
        assert!(
            ticks
                .windows(2)
                .all(|two| pace.abs_diff(two[1] - two[0]) <= 1)
        );
        paces.insert(pace);
    }
    assert!(paces.len() == 9 && paces.first() < Some(&9_000) && paces.last() > Some(&11_000));
}

#[test]
fn a_drift_that_the_mode_promises_to_survive_is_read_and_one_more_is_refused() {
    assert_eq!(refused("clock.drift = '500000ppm'", &[]), None);
    assert!(refused("clock.drift = '500001ppm'", &[]).is_some());
}

/// What n1 finds in its inbox at 150ms: a beat of each of the others a tick, from 100ms to 140ms.
fn inbox_after(nodes: u32, fault: &str) -> Vec<u64> {
    let seen = play(0, &format!("nodes = {nodes}"), &[fault]);
    let at = |text: &str| {
        text.split_whitespace()
            .map(|beat| beat.parse().expect("beats are numbered"))
            .collect::<Vec<u64>>()
    };
    let all = seen.all("n1", "empties");
    let find = |instant| {
        let emptied = all.iter().find(|(at, _)| *at == instant);
        at(emptied.expect("it is emptied every 50ms").1)
    };
    assert_eq!(
        find(200_000).len(),
        5 * (nodes as usize - 1),
        "what comes later is not lost"
    );
    find(150_000)
}

#[test]
fn what_waits_in_a_queue_is_lost_whole_or_its_newest_share_rounded_up() {
    let none: [u64; 0] = [];
    let all = [10, 10, 11, 11, 12, 12, 13, 13, 14, 14];
    let lose = |at: &str, share: &str| {
        format!("at = '{at}', lose_queue = {{ on = 'n1', queue = 'inbox'{share} }}")
    };
    assert_eq!(inbox_after(3, &lose("145ms", "")), none);
    assert_eq!(inbox_after(3, &lose("145ms", ", share = 1.0")), none);
    assert_eq!(inbox_after(3, &lose("145ms", ", share = 0.5")), all[..5]);
    // Of ten a share of 0.41 is 4.1, so five; of 0.4 it is four.
    assert_eq!(inbox_after(3, &lose("145ms", ", share = 0.41")), all[..5]);
    assert_eq!(inbox_after(3, &lose("145ms", ", share = 0.4")), all[..6]);
    // Of nine, one a tick and another: five are lost at 125ms, and the rest stays.
    let nine = inbox_after(4, &lose("125ms", ", share = 0.5"));
    assert_eq!(nine, [10, 10, 10, 11, 13, 13, 13, 14, 14, 14]);
}

#[test]
fn a_queue_is_lost_as_soon_as_something_waits_in_it() {
    // It is empty until 101ms, and is looked at again every 5ms.
    let lose = "at = '100500us', lose_queue = { on = 'n1', queue = 'inbox' }";
    assert_eq!(inbox_after(3, lose), [11, 11, 12, 12, 13, 13, 14, 14]);
    let seen = play(0, "", &[lose]);
    assert_eq!(seen.all("n1", "loses "), [(105_500, "2 of `inbox`")]);
    assert_eq!(
        seen.struck(),
        [(105_500, "lose 100% of the queue `inbox` of n1")]
    );
}

#[test]
fn a_queue_in_which_nothing_ever_waits_is_not_lost_and_the_seed_shows_nothing() {
    let lose = "at = '100ms', lose_queue = { on = 'n1', queue = 'inbox' }";
    let unknown = |capacity| {
        let seen = play(
            0,
            &format!("options = {{ capacity = {capacity} }}"),
            &[lose],
        );
        seen.unknown().len()
    };
    assert_eq!((unknown(1), unknown(0)), (0, 1));
}

#[test]
fn the_loss_of_a_queue_has_no_end_and_no_other_fault_is_without_one() {
    let lose = "at = '1ms', lose_queue = { on = 'n1', queue = 'inbox' }";
    assert_eq!(refused("", &[lose]), None);
    assert!(refused("", &[&format!("for = '1ms', {lose}")]).is_some());
    assert_eq!(
        refused("", &["at = '1ms', for = '1ms', pause = 'n1'"]),
        None
    );
    assert!(refused("", &["at = '1ms', pause = 'n1'"]).is_some());
}
