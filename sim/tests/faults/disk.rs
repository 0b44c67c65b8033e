//! Faults of disks.

use std::collections::BTreeSet;

use super::seen::{Seen, play, refused};

/// The receipts of n1, as n2 hears them in that time.
fn kept(seen: &Seen, time: std::ops::Range<u64>) -> Vec<(u64, u64)> {
    seen.heard("n2", "n1", "kept", time)
}

#[test]
fn flushes_of_a_slow_disk_take_exactly_so_many_times_as_long() {
    for (factor, takes) in [(1, 500), (2, 1_000), (10, 5_000)] {
        let fault =
            format!("at = '105ms', for = '93ms', slow_disk = {{ on = 'n1', factor = {factor} }}");
        let seen = play(0, "", &[&fault]);
        let late = |record: u64| {
            let slow = (11..=19).contains(&record);
            (
                record * 10_000 + 1_000 + if slow { takes } else { 500 },
                record,
            )
        };
        assert_eq!(
            kept(&seen, 0..390_000),
            (1..=38).map(late).collect::<Vec<_>>()
        );
        let others = seen.heard("n3", "n2", "kept", 105_000..200_000);
        assert!(
            others
                .iter()
                .all(|(at, record)| *at == record * 10_000 + 1_500)
        );
    }
    assert!(
        refused(
            "",
            &["at = '1ms', for = '1ms', slow_disk = { on = 'n1', factor = 0 }"]
        )
        .is_some()
    );
}

#[test]
fn a_flush_that_was_begun_on_a_slow_disk_goes_on_at_the_usual_pace_when_that_is_over() {
    let fault = "at = '105ms', for = '10ms', slow_disk = { on = 'n1', factor = 100 }";
    let seen = play(0, "", &[fault]);
    assert_eq!(kept(&seen, 105_000..120_000), [(116_500, 11)]);
}

#[test]
fn no_flush_ends_on_a_disk_that_stalls_and_nothing_that_is_held_for_one_leaves() {
    // The one begins before a flush, the other within it.
    for at in ["105ms", "110200us"] {
        let fault = format!("at = '{at}', for = '60ms', stall_disk = 'n1'");
        let seen = play(0, "", &[&fault]);
        let end = if at == "105ms" { 165_000 } else { 170_200 };
        // The flush that stalled ends then, and the next one covers all that was written meanwhile.
        let late = kept(&seen, 105_000..end + 2_500);
        let last = if at == "105ms" { 16 } else { 17 };
        let next = (12..=last).map(|record| (end + 2_000, record));
        let expected: Vec<_> = [(end + 1_500, 11)].into_iter().chain(next).collect();
        assert_eq!(late, expected);
        assert_eq!(seen.heard("n2", "n1", "beat", 105_000..165_000).len(), 6);
    }
}

#[test]
fn a_disk_that_writes_so_much_a_second_takes_so_much_longer() {
    // A record has 8 bytes.
    for (rate, takes) in [("8000B/s", 1_500), ("4000B/s", 2_500), ("1MiB/s", 507)] {
        let seen = play(0, &format!("disk.bandwidth = '{rate}'"), &[]);
        assert_eq!(kept(&seen, 0..20_000), [(11_000 + takes, 1)], "{rate}");
    }
    // One record takes 40ms; meanwhile four are written, which one flush covers in 160ms.
    let seen = play(0, "disk.bandwidth = '200B/s'", &[]);
    let four: Vec<(u64, u64)> = (2..=5).map(|record| (212_000, record)).collect();
    assert_eq!(
        kept(&seen, 0..300_000),
        [&[(51_500, 1)], &four[..]].concat()
    );
}

#[test]
fn a_write_that_fails_is_told_and_nothing_behind_it_in_the_step_happens() {
    for (deed, told) in [
        ("fail_writes", "a write failed"),
        ("fill_disk", "the disk is full"),
    ] {
        let seen = play(
            0,
            "",
            &[&format!("at = '105ms', for = '60ms', {deed} = 'n1'")],
        );
        assert_eq!(seen.all("n1", "told: "), [(110_000, told)]);
        assert_eq!(seen.when("n1", "stops: the disk failed"), [110_000]);
        // What stands before it does.
        assert_eq!(
            seen.heard("n2", "n1", "beat", 105_000..170_000),
            [(111_000, 11)]
        );
        assert_eq!(seen.count("n1", "wrote", 105_000..170_000), 0);
        assert_eq!(kept(&seen, 105_000..170_000), []);
        // Its supervisor starts it again a tenth of a second later.
        let before: Vec<String> = (0..=10).map(|record| record.to_string()).collect();
        assert_eq!(seen.found("n1"), [(210_000, before)]);
        assert_eq!(kept(&seen, 165_000..225_000), [(221_500, 11)]);
    }
}

#[test]
fn who_meets_the_same_error_again_stops_again_and_is_started_again() {
    for (lasts, starts) in [("115ms", vec![210_000]), ("116ms", vec![210_000, 320_000])] {
        let fault = format!("at = '105ms', for = '{lasts}', fail_writes = 'n1'");
        let seen = play(0, "", &[&fault]);
        assert_eq!(seen.when("n1", "starts, life")[1..], starts);
    }
}

#[test]
fn who_goes_on_though_writes_fail_has_what_it_wrote_before_and_after() {
    for (deed, told) in [
        ("fail_writes", "a write failed"),
        ("fill_disk", "the disk is full"),
    ] {
        let faults = [
            format!("at = '105ms', for = '60ms', {deed} = 'n1'"),
            "at = '205ms', for = '20ms', crash = 'n1'".to_owned(),
        ];
        let seen = play(
            0,
            "options = { stubborn = true }",
            &[&faults[0], &faults[1]],
        );
        let expected: Vec<(u64, &str)> = (11..=16).map(|tick| (tick * 10_000, told)).collect();
        assert_eq!(seen.all("n1", "told: "), expected);
        assert!(seen.never("n1", "stops"));
        let numbers = (0..=10)
            .chain(17..=20)
            .map(|record: u32| record.to_string());
        assert_eq!(seen.found("n1"), [(225_000, numbers.collect::<Vec<_>>())]);
    }
}

#[test]
fn a_flush_that_fails_is_told_and_what_was_held_for_it_never_leaves() {
    let fault = "at = '105ms', for = '60ms', fail_flushes = 'n1'";
    let mut tails = BTreeSet::new();
    for seed in 0..12 {
        let seen = play(seed, "", &[fault]);
        assert_eq!(seen.all("n1", "told: "), [(110_500, "a flush failed")]);
        assert_eq!(seen.when("n1", "stops"), [110_500]);
        assert_eq!(seen.when("n1", "starts, life 1"), [210_500]);
        assert_eq!(kept(&seen, 105_000..220_000), []);
        tails.insert(seen.found("n1")[0].1[10..].join(" "));
    }
    // Of one record that it was to cover, either prefix is kept.
    assert_eq!(tails.into_iter().collect::<Vec<_>>(), ["10", "10 11"]);
}

#[test]
fn of_what_each_failed_flush_was_to_cover_any_prefix_is_kept_and_a_later_one_says_nothing_of_it() {
    // Flushes of 25ms begin at 10ms and every 25ms from there, and where a flush and a tick meet the flush is first.
    // Those of 85ms and 110ms fail at their ends, and take with them what was written meanwhile. The next begins at a
    // tick, 140ms, and ends when all is well.
    let faults = [
        "at = '105ms', for = '60ms', fail_flushes = 'n1'",
        "at = '305ms', for = '20ms', crash = 'n1'",
    ];
    let covers: [&[u64]; 2] = [&[6, 7, 8], &[11]];
    let mut lengths: [BTreeSet<usize>; 2] = Default::default();
    for seed in 0..24 {
        let seen = play(
            seed,
            "disk.flush = '25ms'\noptions = { stubborn = true }",
            &faults,
        );
        assert_eq!(seen.when("n1", "told: a flush failed"), [110_000, 135_000]);
        let found: Vec<u64> = seen.found("n1")[0]
            .1
            .iter()
            .filter_map(|record| record.parse().ok())
            .collect();
        for (covered, lengths) in covers.iter().zip(&mut lengths) {
            let kept: Vec<u64> = found
                .iter()
                .copied()
                .filter(|record| covered.contains(record))
                .collect();
            assert_eq!(kept, covered[..kept.len()]);
            lengths.insert(kept.len());
        }
        assert!(
            (0..=5).chain(14..=20).all(|record| found.contains(&record)),
            "{found:?}"
        );
        let heard: Vec<u64> = kept(&seen, 0..300_000)
            .into_iter()
            .map(|(_, record)| record)
            .collect();
        assert!((6..=13).all(|record| !heard.contains(&record)), "{heard:?}");
        assert!(
            [9, 10, 12, 13].iter().all(|record| !found.contains(record)),
            "{found:?}"
        );
        assert!(
            (1..=5).chain(14..=20).all(|record| heard.contains(&record)),
            "{heard:?}"
        );
    }
    assert_eq!(lengths.map(|lengths| lengths.len()), [4, 2]);
}

/// The receipts that n2 had heard when n1 crashed, and the records that n1 found then.
fn promised_and_found(seed: u64, crash: &str) -> (Vec<u64>, Vec<u64>) {
    let faults = ["at = '105ms', for = '60ms', fake_flushes = 'n1'", crash];
    let seen = play(seed, "", &faults);
    let (_, found) = seen.found("n1")[0].clone();
    let promised = kept(&seen, 0..seen.when("n1", "goes down")[0]);
    for (at, record) in &promised {
        assert_eq!(
            *at,
            record * 10_000 + 1_500,
            "a flush that lies takes as long"
        );
    }
    let promised = promised.into_iter().map(|(_, record)| record).collect();
    (
        promised,
        found
            .iter()
            .filter_map(|record| record.parse().ok())
            .collect(),
    )
}

#[test]
fn what_a_fake_flush_covered_is_lost_in_a_crash_and_what_a_true_one_did_is_not() {
    let mut lost = BTreeSet::new();
    for seed in 0..16 {
        let (promised, found) =
            promised_and_found(seed, "at = '155ms', for = '20ms', crash = 'n1'");
        assert_eq!(promised, (1..=15).collect::<Vec<_>>());
        assert!((10..=15).contains(found.last().unwrap()), "{found:?}");
        assert_eq!(found, (0..=*found.last().unwrap()).collect::<Vec<_>>());
        lost.insert(15 - found.last().unwrap());
    }
    assert!(lost.contains(&5) && lost.len() > 2, "{lost:?}");
    for seed in 0..16 {
        // The flush of 170ms is a true one, and covers all that was written before.
        let (promised, found) =
            promised_and_found(seed, "at = '175ms', for = '20ms', crash = 'n1'");
        assert_eq!(promised, (1..=17).collect::<Vec<_>>());
        assert_eq!(found, (0..=17).collect::<Vec<_>>());
    }
}

#[test]
fn a_write_that_replaces_all_is_whole_or_not_there_and_a_trap_waits_behind_it_too() {
    let fault = "at = '105ms', for = '50ms', crash_at = { on = 'n1', after = 'write' }";
    let mut found = BTreeSet::new();
    for seed in 0..12 {
        let seen = play(seed, "options = { rewrites = true }", &[fault]);
        assert_eq!(seen.when("n1", "goes down"), [110_000]);
        assert_eq!(seen.count("n1", "wrote", 105_000..160_000), 0);
        found.insert(seen.found("n1")[0].1.join(" "));
    }
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["10", "11"]);
}

#[test]
fn what_was_held_for_a_flush_before_the_failed_one_leaves_all_the_same() {
    // Flushes end at 25ms and at 40ms; the second one fails, before the process could hear of the first.
    let faults = [
        "at = '22ms', for = '40ms', pause = 'n1'",
        "at = '30ms', for = '20ms', fail_flushes = 'n1'",
    ];
    let head = "disk.flush = '15ms'\noptions = { stubborn = true }";
    let seen = play(0, head, &faults);
    assert_eq!(seen.all("n1", "told: "), [(62_000, "a flush failed")]);
    assert_eq!(kept(&seen, 0..70_000), [(63_000, 1)]);
}

#[test]
fn who_is_told_late_of_a_failed_flush_stops_late_and_is_started_again() {
    let faults = [
        "at = '105ms', for = '30ms', fail_flushes = 'n1'",
        "at = '110200us', for = '50ms', pause = 'n1'",
    ];
    let seen = play(0, "", &faults);
    assert_eq!(seen.when("n1", "stops"), [160_200]);
    assert_eq!(seen.when("n1", "starts, life 1"), [260_200]);
}
