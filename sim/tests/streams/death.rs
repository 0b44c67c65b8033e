//! What becomes of streams whose process or machine dies.

use std::collections::BTreeSet;

use super::seen::{Seen, play, ticks};

/// Five items are under way when n1 goes down a little after 200ms.
const FAR: &str = "network.latency = '50ms'\ndisk.flush = '1ms'";

/// How many of them arrive, over many seeds: in order, and then the stream is reset.
fn prefixes(head: &str, fault: &str) -> BTreeSet<u64> {
    let arrive = |seed| {
        let seen = play(seed, &format!("{FAR}\n{head}"), &[fault]);
        let closed = seen.closed("n2");
        assert_eq!(closed[0].1, "n1/1 reset", "seed {seed}: {closed:?}");
        let end = closed[0].0;
        let down = seen.first("n1", "goes down").expect("it dies");
        assert!((down..=down + 50_000).contains(&end), "{down} {end}");
        assert_eq!(seen.got("n2", "n1/1", end + 1..u64::MAX), []);
        let arrived = seen.got("n2", "n1/1", 0..down + 1).len() as u64;
        seen.last("n2", "n1/1") - arrived
    };
    (0..60).map(arrive).collect()
}

#[test]
fn a_process_that_dies_resets_its_streams_behind_any_prefix_of_what_was_under_way() {
    for fault in [
        "at = '205ms', for = '50ms', crash = 'n1'",
        "at = '205ms', for = '50ms', wipe = 'n1'",
        "at = '205ms', for = '50ms', rot = 'n1'",
        "at = '205ms', for = '50ms', rolling = { on = 'n1' }",
    ] {
        let expected: BTreeSet<u64> = (0..=5).collect();
        assert_eq!(prefixes("", fault), expected, "{fault}");
    }
}

#[test]
fn a_process_that_dies_before_it_pushes_resets_its_streams_too() {
    // Item 15 is pushed at 240ms. What arrives at that instant is still in the queue.
    let fault = "at = '5ms', for = '50ms', crash_at = { on = 'n1', before = 'fifth', nth = 3 }";
    let lengths = prefixes("", fault);
    assert!(
        lengths.len() >= 5 && *lengths.last().expect("some") <= 5,
        "{lengths:?}"
    );
}

#[test]
fn a_process_that_stops_resets_its_streams_too() {
    let head = "options = { flushes = true }";
    let fault = "at = '205ms', for = '50ms', fail_writes = 'n1'";
    let lengths = prefixes(head, fault);
    assert!(lengths.len() >= 5, "{lengths:?}");
}

#[test]
fn the_other_end_can_be_reset_as_well_and_what_was_under_way_to_the_dead_is_lost() {
    let fault = "at = '205ms', for = '10ms', crash = 'n2'";
    for seed in 0..10 {
        let seen = play(seed, FAR, &[fault]);
        assert_eq!(seen.closed("n1"), [(255_000, "n1/1 reset")]);
        assert_eq!(seen.got("n2", "n1/1", 205_000..u64::MAX), []);
        // What opens next finds the process up.
        assert_eq!(seen.closed("n2"), []);
        assert_eq!(seen.first("n1", "opened n1/2"), None);
    }
}

/// When and how the stream of n1 ended for n2, which n1 leaves in some way.
fn end(seen: &Seen) -> Vec<(u64, &str)> {
    let closed = seen.closed("n2").into_iter();
    closed
        .filter(|(_, text)| text.starts_with("n1/1 "))
        .collect()
}

#[test]
fn a_reset_that_finds_its_link_cut_is_lost_and_the_next_segment_of_the_peer_is_answered_with_one() {
    let cut = "at = '105ms', for = '200ms', partition = ['n1', 'n2']";
    let crash = "at = '150ms', for = '30ms', crash = 'n1'";
    let head = "length = '3s'\noptions = { echo = true }";
    let echoes = play(0, head, &[cut, crash]);
    // What n2 sent at 110ms is sent again at 310ms.
    assert_eq!(end(&echoes), [(312_000, "n1/1 reset")]);
    assert_eq!(
        echoes.got("n2", "n1/1", 0..u64::MAX),
        ticks(10_000..110_000, 1, 1_000)
    );
    let listens = play(0, "length = '3s'", &[cut, crash]);
    assert_eq!(end(&listens), [], "it has nothing to say");
}

#[test]
fn nothing_is_sent_again_for_a_process_that_is_dead() {
    // Items 6 to 10 are under way when the link is cut, and when n1 dies.
    let cut = "at = '192ms', for = '200ms', partition = ['n1', 'n2']";
    let crash = "at = '195ms', for = '30ms', crash = 'n1'";
    for seed in 0..10 {
        let seen = play(seed, &format!("{FAR}\nlength = '2s'"), &[cut, crash]);
        assert_eq!(seen.got("n2", "n1/1", 192_000..u64::MAX), []);
        assert_eq!(end(&seen), []);
    }
}

#[test]
fn a_reset_gets_through_when_the_link_is_whole_again_though_items_still_wait() {
    // Item 11 was cut off and is sent again at 310ms; n1 dies before that, when the link is whole.
    let cut = "at = '105ms', for = '20ms', partition = ['n1', 'n2']";
    let crash = "at = '205ms', for = '30ms', crash = 'n1'";
    let seen = play(0, "", &[cut, crash]);
    assert_eq!(end(&seen), [(206_000, "n1/1 reset")]);
    assert_eq!(seen.last("n2", "n1/1"), 10);
}

#[test]
fn a_reset_waits_for_the_end_of_a_jam_and_is_not_lost() {
    let jam = "at = '105ms', for = '200ms', jam = { from = 'n1', to = 'n2' }";
    let crash = "at = '155ms', for = '30ms', crash = 'n1'";
    let seen = play(0, "", &[jam, crash]);
    assert_eq!(end(&seen), [(306_000, "n1/1 reset")]);
    assert_eq!(seen.last("n2", "n1/1"), 10);
}

#[test]
fn a_machine_that_dies_says_nothing_until_a_segment_of_its_peer_meets_its_restart() {
    // What n2 sends at 110ms finds n1 dead a latency later, and again 200ms and 600ms after that.
    for how in ["kill_host", "power"] {
        for (back, reset) in [("100ms", 313_000), ("206ms", 313_000), ("208ms", 714_000)] {
            let fault = format!("at = '105ms', for = '{back}', {how} = 'n1'");
            let head = "length = '3s'\noptions = { echo = true }";
            assert_eq!(end(&play(0, head, &[&fault])), [(reset, "n1/1 reset")]);
            let listens = play(0, "length = '3s'", &[&fault]);
            assert_eq!(end(&listens), [], "it has nothing to say");
        }
    }
}

#[test]
fn what_was_under_way_to_a_machine_that_dies_finds_that_out_at_its_restart() {
    // Items 7 to 11 are under way, and nothing is pushed later. Item 7 finds n2 dead at 210ms; it is sent again at 410ms
    // and answered.
    let head = format!("{FAR}\nlength = '3s'\noptions = {{ until = '205ms' }}");
    let fault = "at = '207ms', for = '100ms', kill_host = 'n2'";
    let seen = play(0, &head, &[fault]);
    assert_eq!(seen.closed("n1"), [(510_000, "n1/1 reset")]);
    assert_eq!(seen.last("n2", "n1/1"), 6);
}

#[test]
fn an_opening_whose_answer_died_with_its_machine_is_tried_again() {
    // n2 accepts at 50ms; whether its answer was on the wire when it died is drawn.
    let fault = "at = '60ms', for = '100ms', kill_host = 'n2'";
    let mut answered = BTreeSet::new();
    for seed in 0..20 {
        let seen = play(seed, &format!("{FAR}\nlength = '3s'"), &[fault]);
        let opened = seen.first("n1", "opened n1/1").expect("it opens");
        if opened == 100_000 {
            let (_, why) = seen.closed("n1")[0];
            assert_eq!(why, "n1/1 reset");
        } else {
            // The timeout of an opening after n2 died.
            assert_eq!(opened, 1_160_000);
            assert_eq!(seen.when("n2", "opened n1/1"), [50_000, 1_110_000]);
        }
        answered.insert(opened);
    }
    assert_eq!(answered.len(), 2);
}

#[test]
fn of_what_a_dead_machine_had_sent_any_prefix_arrives() {
    let fault = "at = '205ms', for = '100ms', kill_host = 'n1'";
    let lengths: BTreeSet<u64> = (0..60)
        .map(|seed| {
            let seen = play(seed, FAR, &[fault]);
            assert_eq!(end(&seen), []);
            seen.last("n2", "n1/1") - seen.got("n2", "n1/1", 0..205_000).len() as u64
        })
        .collect();
    assert_eq!(lengths, (0..=5).collect());
}

#[test]
fn two_ends_that_die_at_one_instant_leave_nothing_behind() {
    for how in ["crash", "kill_host", "power"] {
        let fault = format!("at = '205ms', for = '100ms', {how} = 'all'");
        let seen = play(0, &format!("{FAR}\nlength = '2s'"), &[&fault]);
        assert_eq!(seen.closed("n1"), [], "{how}");
        assert_eq!(seen.closed("n2"), [], "{how}");
        assert_eq!(seen.first("n1", "opened n1/2"), Some(405_000), "{how}");
    }
}
