//! What happens to segments on their links: loss, noise, cuts, jams and narrow wires.

use std::collections::BTreeSet;

use super::seen::{at_once, play, ticks};

/// How long each item travels from n1 to n2, one a minute.
fn travels(seed: u64, fault: &str) -> Vec<u64> {
    let head = "options = { interval = '60s' }\nlength = '3000s'";
    let fault = format!("at = '1s', for = '1h', {fault}");
    let seen = play(seed, head, &[&fault]);
    let got = seen.got("n2", "n1/1", 0..2_900_000_000);
    assert!(got.len() >= 48, "{got:?}");
    got.iter()
        .map(|(at, number)| at - number * 60_000_000)
        .collect()
}

#[test]
fn a_segment_that_is_lost_or_damaged_is_late_by_timeouts_that_double() {
    for noise in [
        "{ loss = 0.5 }",
        "{ corrupt = 0.5 }",
        "{ loss = 0.3, corrupt = 0.3 }",
    ] {
        let mut late = BTreeSet::new();
        for seed in 0..4 {
            late.extend(travels(seed, &format!("noise = {noise}")));
        }
        // 200ms, 400ms and so on after the first: the time of so many losses in a row.
        let lost = |times: u32| 1_000 + 200_000 * (2_u64.pow(times) - 1);
        let expected: BTreeSet<u64> = (0..=20).map(lost).collect();
        assert!(late.is_subset(&expected), "{late:?}");
        assert!((0..5).all(|times| late.contains(&lost(times))), "{late:?}");
    }
}

#[test]
fn noise_that_is_over_loses_nothing_more() {
    // Item 11 is lost at 111 and 311ms, and gets through at the next try.
    for noise in ["loss", "corrupt"] {
        let fault = format!("at = '105ms', for = '300ms', noise = {{ {noise} = 1.0 }}");
        let seen = play(0, "length = '1s'", &[&fault]);
        let mut expected = ticks(10_000..110_000, 1, 1_000);
        expected.extend(at_once(711_000, 11..72));
        expected.extend(ticks(720_000..990_000, 72, 1_000));
        assert_eq!(seen.got("n2", "n1/1", 0..990_000), expected);
    }
}

#[test]
fn a_segment_that_is_doubled_arrives_once_and_on_time() {
    let travels = travels(0, "noise = { duplicate = 1.0 }");
    assert!(travels.iter().all(|time| *time == 1_000), "{travels:?}");
}

#[test]
fn a_segment_that_is_held_back_is_late_and_nothing_overtakes_it() {
    let alone = travels(0, "noise = { reorder = 1.0 }");
    assert!(alone.iter().all(|time| (1_000..=9_000).contains(time)));
    assert!(alone.iter().any(|time| *time > 6_000));
    let noise = "at = '5ms', for = '350ms', noise = { reorder = 0.5, duplicate = 0.5 }";
    for seed in 0..20 {
        let seen = play(seed, "options = { interval = '1ms' }", &[noise]);
        let got = seen.got("n2", "n1/1", 0..380_000);
        assert!(got.windows(2).all(|two| two[0].1 + 1 == two[1].1));
        assert!(got.len() > 360, "seed {seed}");
    }
}

#[test]
fn what_is_behind_a_lost_segment_waits_for_it() {
    let noise = "at = '5ms', for = '390ms', noise = { loss = 0.1 }";
    let mut waited = 0;
    for seed in 0..20 {
        let seen = play(seed, "length = '1s'", &[noise]);
        let got = seen.got("n2", "n1/1", 0..u64::MAX);
        let numbers: Vec<u64> = got.iter().map(|(_, number)| *number).collect();
        assert_eq!(numbers, (1..=got.len() as u64).collect::<Vec<_>>());
        // The lost one and the nineteen of the next 200ms arrive at one instant.
        let together = |at: u64| got.iter().filter(|(other, _)| *other == at).count();
        waited += usize::from(got.iter().any(|(at, _)| together(*at) >= 20));
    }
    assert!(waited > 5, "{waited}");
}

#[test]
fn a_segment_that_is_sent_while_its_link_is_cut_is_sent_again_after_200ms_400ms_and_so_on() {
    // Item 11 is sent at 110ms: again at 310, 710 and 1510ms.
    for (heals_after, through) in [
        ("200ms", 310_000),
        ("300ms", 710_000),
        ("605ms", 710_000),
        ("606ms", 1_510_000),
    ] {
        let cut = format!("at = '105ms', for = '{heals_after}', partition = ['n1', 'n2']");
        let seen = play(0, "length = '2s'", &[&cut]);
        let mut expected = ticks(10_000..110_000, 1, 1_000);
        // What is pushed at that very instant is behind those that are tried again, or with them.
        expected.extend(at_once(through + 1_000, 11..through / 10_000 + 1));
        expected.extend(ticks(
            through + 10_000..1_900_000,
            through / 10_000 + 1,
            1_000,
        ));
        assert_eq!(seen.got("n2", "n1/1", 0..1_900_000), expected);
    }
}

#[test]
fn a_segment_that_finds_its_link_cut_on_arrival_is_sent_again_200ms_later() {
    let cut = "at = '110500us', for = '100ms', partition = ['n1', 'n2']";
    let seen = play(0, "", &[cut]);
    let mut expected = ticks(10_000..110_000, 1, 1_000);
    expected.extend(at_once(312_000, 11..32));
    assert_eq!(seen.got("n2", "n1/1", 0..315_000), expected);
}

#[test]
fn the_timeout_doubles_up_to_two_minutes_and_no_further() {
    let mut tries = vec![110_000_u64];
    let mut timeout = 200_000;
    while tries.len() < 20 {
        tries.push(tries[tries.len() - 1] + timeout);
        timeout = (2 * timeout).min(120_000_000);
    }
    for place in [9, 10, 11, 14] {
        let heals = tries[place] - 5_000 - 105_000;
        let cut = format!("at = '105ms', for = '{heals}us', partition = ['n1', 'n2']");
        let head = "length = '1200s'\nnetwork.window = '100MiB'";
        let seen = play(0, head, &[&cut]);
        let got = seen.got("n2", "n1/1", 105_000..u64::MAX);
        assert_eq!(got[0], (tries[place] + 1_000, 11));
    }
}

#[test]
fn a_cut_one_way_stalls_what_goes_that_way_and_the_credit_for_the_other() {
    let head = "options = { echo = true }\nnetwork.window = '1000B'";
    let cut = "at = '105ms', for = '200ms', cut = { from = 'n2', to = 'n1' }";
    let seen = play(0, head, &[cut]);
    // n1 has taken all credit of the first ten items in, and pushes ten more.
    assert_eq!(
        seen.got("n2", "n1/1", 0..310_000),
        ticks(10_000..210_000, 1, 1_000)
    );
    assert_eq!(
        seen.got("n1", "n1/1", 0..310_000),
        ticks(10_000..110_000, 1, 1_000)
    );
    assert_eq!(
        seen.got("n1", "n1/1", 310_000..315_000),
        at_once(311_000, 11..21)
    );
}

#[test]
fn no_number_of_cuts_and_heals_loses_doubles_or_reorders_anything() {
    let head = "nodes = 3\nlength = '4s'\n\
                options = { opens = 3, echo = true, interval = '3ms', until = '4s' }\n\
                network.window = '1MiB'";
    let flaps = "at = '50ms', for = '3900ms', flap = '1ms..300ms'";
    for seed in 0..20 {
        let faults = [
            format!("{flaps}, partition = ['n1', 'n2']"),
            format!("{flaps}, cut = {{ from = 'n2', to = 'n3' }}"),
            format!("{flaps}, jam = {{ from = 'n3', to = 'n1' }}"),
        ];
        // Whether all is in order and arrives is asserted by the pipes.
        let seen = play(seed, head, &faults.each_ref().map(String::as_str));
        assert!(seen.last("n2", "n1/1") > 1000, "seed {seed}");
        assert_eq!((seen.closed("n1"), seen.closed("n2")), (vec![], vec![]));
    }
}

#[test]
fn what_a_jam_holds_goes_on_at_once_when_it_is_over() {
    let jam = "at = '105ms', for = '100ms', jam = { from = 'n1', to = 'n2' }";
    let seen = play(0, "", &[jam]);
    let mut expected = ticks(10_000..110_000, 1, 1_000);
    expected.extend(at_once(206_000, 11..21));
    expected.extend(ticks(210_000..390_000, 21, 1_000));
    assert_eq!(seen.got("n2", "n1/1", 0..390_000), expected);
}

#[test]
fn what_a_jam_holds_behind_what_it_does_not_hold_goes_on_at_once_too() {
    // Item 8 is on its way when the jam begins, and still when it is over; only item 9 is held.
    let jam = "at = '115ms', for = '10ms', jam = { from = 'n1', to = 'n2' }";
    let seen = play(0, "network.latency = '20ms'", &[jam]);
    let got = seen.got("n2", "n1/1", 0..156_000);
    assert_eq!(
        got[got.len() - 3..],
        [(130_000, 8), (145_000, 9), (150_000, 10)]
    );
}

#[test]
fn the_end_of_a_jam_elsewhere_neither_hastens_nor_delays_what_a_cut_stalls() {
    let cut = "at = '105ms', for = '300ms', partition = ['n1', 'n2']";
    let jams = "at = '100ms', every = '7ms', for = '5ms', jam = { from = 'n3' }";
    let slow = "at = '100ms', every = '11ms', for = '5ms', slow_link = { from = 'n3', factor = 2 }";
    let head = "nodes = 3\nlength = '2s'";
    let alone = play(0, head, &[cut]).got("n2", "n1/1", 0..1_900_000);
    assert!(alone.contains(&(711_000, 11)), "{alone:?}");
    let beside = play(0, head, &[cut, jams, slow]);
    assert_eq!(beside.got("n2", "n1/1", 0..1_900_000), alone);
}

#[test]
fn a_kind_that_is_dropped_stalls_its_stream_at_the_first_of_that_kind() {
    // Item 15 is sent at 150ms, and again 200ms later.
    let drop = "at = '105ms', for = '100ms', drop = { message = 'fifth' }";
    let seen = play(0, "", &[drop]);
    let mut expected = ticks(10_000..150_000, 1, 1_000);
    expected.extend(at_once(351_000, 15..36));
    assert_eq!(seen.got("n2", "n1/1", 0..355_000), expected);
}

#[test]
fn a_slow_link_slows_streams_too_and_what_was_slow_is_not_overtaken() {
    let slow = "at = '105ms', for = '10ms', slow_link = { from = 'n1', factor = 50 }";
    let seen = play(0, "", &[slow]);
    let mut expected = ticks(10_000..110_000, 1, 1_000);
    expected.extend(at_once(160_000, 11..16));
    expected.extend(ticks(160_000..390_000, 16, 1_000));
    assert_eq!(seen.got("n2", "n1/1", 0..390_000), expected);
}

#[test]
fn segments_and_datagrams_share_one_wire() {
    // A byte a microsecond, and 1000 bytes with the headers: the item goes first, then the word.
    let head = "options = { words = true, size = 922 }\nnetwork.bandwidth = '8Mbit/s'";
    let seen = play(0, head, &[]);
    assert_eq!(
        seen.got("n2", "n1/1", 0..100_000),
        ticks(10_000..100_000, 1, 2_000)
    );
    let heard = seen.numbers("n2", "hears n1 ", 0..100_000);
    assert_eq!(heard, ticks(10_000..100_000, 1, 3_000));
}

#[test]
fn a_stream_waits_for_the_wire_and_loses_nothing_where_datagrams_find_no_room() {
    let head = "options = { words = true, size = 922, burst = 20, interval = '50ms' }\n\
                network.bandwidth = '8Mbit/s'\nnetwork.queue = '10KiB'\nnetwork.window = '1MiB'";
    let seen = play(0, head, &[]);
    let got = seen.got("n2", "n1/1", 0..100_000);
    let expected: Vec<(u64, u64)> = (1..=20).map(|n| (51_000 + 1_000 * n, n)).collect();
    assert_eq!(got, expected);
    assert_eq!(seen.numbers("n2", "hears n1 ", 0..300_000), []);
}
