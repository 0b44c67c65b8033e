//! What breaks streams off and what holds them up, and nothing else between the same nodes.

use std::collections::BTreeSet;

use super::seen::{at_once, play, ticks};

/// Everybody opens to everybody and echoes.
const ALL: &str = "nodes = 3\noptions = { opens = 3, echo = true, words = true, retry = '1h' }";

#[test]
fn a_reset_breaks_off_the_streams_of_those_to_those_and_no_others() {
    let reset = "at = '105ms', reset_streams = { from = 'n1', to = 'n2' }";
    let seen = play(0, ALL, &[reset]);
    assert_eq!(
        seen.struck(),
        [(105_000, "streams broken off, opened by n1 to n2")]
    );
    assert_eq!(seen.closed("n1"), [(106_000, "n1/1 reset")]);
    assert_eq!(seen.closed("n2"), [(106_000, "n1/1 reset")]);
    assert_eq!(seen.closed("n3"), []);
    for (node, stream) in [
        ("n1", "n2/1"),
        ("n2", "n2/1"),
        ("n3", "n1/2"),
        ("n1", "n1/2"),
    ] {
        assert_eq!(
            seen.got(node, stream, 0..390_000),
            ticks(10_000..390_000, 1, 1_000)
        );
    }
}

#[test]
fn of_what_is_under_way_either_way_any_prefix_arrives_before_the_reset() {
    let head = "network.latency = '50ms'\noptions = { echo = true, retry = '1h' }";
    let reset = "at = '205ms', reset_streams = { from = 'n1', to = 'n2' }";
    let mut lengths = BTreeSet::new();
    for seed in 0..300 {
        let seen = play(seed, head, &[reset]);
        assert_eq!(seen.closed("n1"), [(255_000, "n1/1 reset")]);
        assert_eq!(seen.closed("n2"), [(255_000, "n1/1 reset")]);
        let under_way = |node| {
            let got = seen.got(node, "n1/1", 0..u64::MAX);
            assert!(got.iter().all(|(at, _)| *at <= 255_000));
            got.iter().filter(|(at, _)| *at > 205_000).count()
        };
        lengths.insert((under_way("n1"), under_way("n2")));
    }
    let expected: BTreeSet<(usize, usize)> = (0..=5)
        .flat_map(|forth| (0..=5).map(move |back| (forth, back)))
        .collect();
    assert_eq!(lengths, expected);
}

#[test]
fn a_reset_waits_until_there_is_such_a_stream() {
    let crash = "at = '500us', for = '200ms', crash = 'n1'";
    let reset = "at = '100ms', reset_streams = { from = 'n1', to = 'n2' }";
    let seen = play(0, "options = { retry = '1h' }", &[crash, reset]);
    assert_eq!(
        seen.struck()[1],
        (205_000, "streams broken off, opened by n1 to n2")
    );
    assert_eq!(seen.closed("n1"), [(206_000, "n1/2 reset")]);
    let never = play(0, "options = { opens = 0 }", &[reset]);
    assert_eq!(never.run.unknown.len(), 1);
}

#[test]
fn a_stall_holds_up_both_ways_of_the_streams_of_those_to_those_and_no_others() {
    let stall = "at = '105ms', for = '100ms', stall_streams = { from = 'n1', to = 'n2' }";
    let seen = play(0, ALL, &[stall]);
    let mut late = ticks(10_000..110_000, 1, 1_000);
    late.extend(at_once(206_000, 11..21));
    late.extend(ticks(210_000..390_000, 21, 1_000));
    assert_eq!(seen.got("n2", "n1/1", 0..390_000), late);
    assert_eq!(seen.got("n1", "n1/1", 0..390_000), late);
    let on_time = ticks(10_000..390_000, 1, 1_000);
    for (node, stream) in [
        ("n1", "n2/1"),
        ("n2", "n2/1"),
        ("n3", "n1/2"),
        ("n1", "n1/2"),
    ] {
        assert_eq!(seen.got(node, stream, 0..390_000), on_time);
    }
    for (node, word) in [("n1", "hears n2 "), ("n2", "hears n1 ")] {
        assert_eq!(seen.numbers(node, word, 0..390_000), on_time);
    }
}

#[test]
fn a_stall_of_one_way_lets_the_other_way_pass() {
    for (way, stalled, other) in [("forth", "n2", "n1"), ("back", "n1", "n2")] {
        let stall = format!(
            "at = '105ms', for = '100ms', stall_streams = {{ from = 'n1', to = 'n2', way = '{way}' }}"
        );
        let seen = play(0, ALL, &[&stall]);
        assert_eq!(
            seen.got(other, "n1/1", 0..390_000),
            ticks(10_000..390_000, 1, 1_000)
        );
        assert_eq!(
            seen.got(stalled, "n1/1", 105_000..211_000),
            at_once(206_000, 11..21)
        );
    }
}

#[test]
fn a_stall_holds_up_what_is_under_way() {
    let stall = "at = '110500us', for = '100ms', stall_streams = { from = 'n1', to = 'n2' }";
    let seen = play(0, "", &[stall]);
    let got = seen.got("n2", "n1/1", 105_000..211_600);
    assert_eq!(got, at_once(211_500, 11..22));
}

#[test]
fn two_stalls_hold_until_both_are_over() {
    let stall = |at: &str, lasts: &str| {
        format!("at = '{at}', for = '{lasts}', stall_streams = {{ from = 'n1', to = 'n2' }}")
    };
    let faults = [stall("105ms", "100ms"), stall("155ms", "100ms")];
    let seen = play(0, "", &faults.each_ref().map(String::as_str));
    let got = seen.got("n2", "n1/1", 105_000..260_000);
    assert_eq!(got, at_once(256_000, 11..26));
}
