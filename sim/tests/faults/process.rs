//! Faults of processes: going down and coming back, standing still, being slow.

use std::collections::BTreeSet;

use super::seen::{Seen, play, refused, servers};

const DOWNS: [&str; 5] = ["crash", "kill_host", "power", "wipe", "rot"];

/// When a node went down and was back, of its first time.
fn down(seen: &Seen, node: &str) -> (u64, u64) {
    (
        seen.when(node, "goes down")[0],
        seen.when(node, "starts, life 1")[0],
    )
}

#[test]
fn who_goes_down_is_back_exactly_when_its_time_is_over_and_says_nothing_meanwhile() {
    for how in DOWNS {
        let seen = play(
            0,
            "",
            &[&format!("at = '105ms', for = '50ms', {how} = 'n1'")],
        );
        assert_eq!(down(&seen, "n1"), (105_000, 155_000), "{how}");
        assert_eq!(
            seen.heard("n2", "n1", "beat", 105_000..166_000),
            [],
            "{how}"
        );
        assert_eq!(
            seen.heard("n2", "n1", "beat", 0..167_000)[10..],
            [(166_000, 1001)]
        );
        assert_eq!(seen.count("n1", "hears", 105_000..155_000), 0, "{how}");
    }
}

#[test]
fn all_go_down_at_one_instant_and_each_is_back_after_a_draw_of_its_own() {
    for how in DOWNS {
        let fault = format!("at = '105ms', for = '50ms..80ms', {how} = 'all'");
        for seed in 0..4 {
            let seen = play(seed, "nodes = 5", &[&fault]);
            let times: Vec<(u64, u64)> = servers(5).iter().map(|node| down(&seen, node)).collect();
            assert!(times.iter().all(|(from, _)| *from == 105_000));
            let backs: BTreeSet<u64> = times.iter().map(|(_, until)| *until).collect();
            assert!(
                backs
                    .iter()
                    .all(|until| (155_000..=185_000).contains(until))
            );
            assert_eq!(backs.len(), 5, "{how}: {times:?}");
        }
    }
}

/// What a node finds after a crash that strikes while flushes take 50ms: by 105ms one of the first record is done, the
/// next one has been covering records 2 to 6 for 45ms, and 7 to 10 wait.
fn left_over(seed: u64, how: &str) -> Vec<String> {
    let fault = format!("at = '105ms', for = '50ms', {how} = 'n1'");
    let seen = play(seed, "disk.flush = '50ms'", &[&fault]);
    seen.found("n1")[0].1.clone()
}

#[test]
fn a_crash_takes_any_suffix_of_what_was_not_flushed_and_nothing_else() {
    for how in ["crash", "kill_host", "power"] {
        let mut lengths = BTreeSet::new();
        for seed in 0..100 {
            let mut found = left_over(seed, how);
            let torn = found.pop_if(|last| last == "torn").is_some();
            let prefix: Vec<String> = (0..found.len()).map(|record| record.to_string()).collect();
            assert_eq!(found, prefix);
            assert!((2..=11).contains(&found.len()));
            assert!(!torn || found.len() < 11, "a complete tail is not torn");
            lengths.insert(found.len());
        }
        assert_eq!(
            lengths.into_iter().collect::<Vec<_>>(),
            (2..=11).collect::<Vec<_>>()
        );
    }
}

#[test]
fn who_is_wiped_comes_back_with_nothing() {
    for seed in 0..8 {
        assert_eq!(left_over(seed, "wipe"), ["nothing"]);
    }
}

#[test]
fn who_rots_comes_back_with_one_record_that_cannot_be_read_and_any_can_be_it() {
    let mut places = BTreeSet::new();
    for seed in 0..40 {
        let seen = play(seed, "", &["at = '105ms', for = '50ms', rot = 'n1'"]);
        let found = seen.found("n1")[0].1.clone();
        let place = found.iter().position(|record| record == "rotten");
        let place = place.unwrap_or_else(|| panic!("{found:?}"));
        let expected = (0..=10).map(|record| {
            if record == place {
                "rotten".to_owned()
            } else {
                record.to_string()
            }
        });
        assert_eq!(found, expected.collect::<Vec<_>>());
        places.insert(place);
    }
    assert!(places.len() > 8, "{places:?}");
}

#[test]
fn what_waits_in_a_jam_is_lost_with_its_sender_s_host_and_not_with_its_process() {
    for (how, lost) in [
        ("crash", false),
        ("wipe", false),
        ("kill_host", true),
        ("power", true),
    ] {
        let faults = [
            "at = '105ms', for = '100ms', jam = { from = 'n1', to = 'n3' }".to_owned(),
            format!("at = '155ms', for = '100ms', {how} = 'n1'"),
        ];
        let seen = play(0, "", &[&faults[0], &faults[1]]);
        let flood: Vec<(u64, u64)> = (11..=15).map(|beat| (206_000, beat)).collect();
        let expected = if lost { vec![] } else { flood };
        assert_eq!(
            seen.heard("n3", "n1", "beat", 105_000..260_000),
            expected,
            "{how}"
        );
        // What is under way to it is not its own.
        assert_eq!(
            seen.heard("n2", "n3", "beat", 0..390_000).len(),
            38,
            "{how}"
        );
    }
}

#[test]
fn a_rolling_restart_takes_down_each_once_in_any_order_and_never_two() {
    let mut orders = BTreeSet::new();
    let cases = [("", 0..=0), (", gap = '10ms..30ms'", 10_000..=30_000)];
    for (gap, gaps) in cases {
        let fault = format!("at = '105ms', for = '20ms..40ms', rolling = {{ on = 'all'{gap} }}");
        for seed in 0..12 {
            let seen = play(seed, "nodes = 4", &[&fault]);
            let nodes = servers(4);
            let time = |node: &String| {
                assert_eq!(seen.when(node, "goes down").len(), 1);
                (down(&seen, node), node.clone())
            };
            let mut times: Vec<_> = nodes.iter().map(time).collect();
            times.sort();
            assert_eq!(times[0].0.0, 105_000);
            for ((from, until), _) in &times {
                assert!((20_000..=40_000).contains(&(until - from)), "{times:?}");
            }
            for two in times.windows(2) {
                let (one, next) = (two[0].0, two[1].0);
                assert!(
                    next.0 >= one.1 && gaps.contains(&(next.0 - one.1)),
                    "{times:?}"
                );
            }
            orders.insert(times.into_iter().map(|(_, node)| node).collect::<Vec<_>>());
        }
    }
    assert!(orders.len() > 8, "{orders:?}");
}

#[test]
fn who_crashes_behind_a_write_leaves_nothing_that_stands_behind_it_and_may_lose_the_record() {
    let fault = "at = '105ms', for = '50ms', crash_at = { on = 'n1', after = 'write' }";
    let mut tails = BTreeSet::new();
    for seed in 0..24 {
        let seen = play(seed, "", &[fault]);
        assert_eq!(down(&seen, "n1"), (110_000, 160_000));
        assert_eq!(
            seen.heard("n2", "n1", "beat", 105_000..160_000),
            [(111_000, 11)]
        );
        assert_eq!(seen.count("n1", "wrote", 105_000..165_000), 0);
        assert_eq!(seen.heard("n2", "n1", "kept", 105_000..165_000), []);
        tails.insert(seen.found("n1")[0].1[10..].join(" "));
        let sprung = "trap between write and flush at n1";
        let log = [
            (105_000, sprung.to_owned()),
            (110_000, format!("{sprung}: sprung")),
        ];
        assert!(
            seen.struck()
                .iter()
                .copied()
                .eq(log.iter().map(|(at, text)| (*at, text.as_str())))
        );
    }
    assert_eq!(
        tails.into_iter().collect::<Vec<_>>(),
        ["10", "10 11", "10 torn"]
    );
}

#[test]
fn who_crashes_behind_a_flush_keeps_the_record_and_leaves_nothing_that_was_held_for_it() {
    let fault = "at = '105ms', for = '50ms', crash_at = { on = 'n1', after = 'flush' }";
    for seed in 0..8 {
        let seen = play(seed, "", &[fault]);
        assert_eq!(down(&seen, "n1"), (110_500, 160_500));
        assert_eq!(seen.count("n1", "wrote 11", 105_000..115_000), 1);
        assert_eq!(seen.heard("n2", "n1", "kept", 105_000..165_000), []);
        assert_eq!(seen.found("n1")[0].1[10..], ["10", "11"]);
    }
}

#[test]
fn who_crashes_before_the_nth_message_of_a_kind_has_sent_one_fewer_since_the_fault_began() {
    // A beat goes to n2 first, then to n3.
    for (nth, down_at, to_two, to_three) in
        [(1, 110_000, 0, 0), (2, 110_000, 1, 0), (3, 120_000, 1, 1)]
    {
        let fault = format!(
            "at = '105ms', for = '50ms', crash_at = {{ on = 'n1', before = 'beat', nth = {nth} }}"
        );
        let seen = play(0, "", &[&fault]);
        assert_eq!(down(&seen, "n1"), (down_at, down_at + 50_000));
        let heard = |who| {
            seen.heard(who, "n1", "beat", 105_000..down_at + 50_000)
                .len()
        };
        assert_eq!((heard("n2"), heard("n3")), (to_two, to_three), "{nth}");
        let sent = |node: &str, to| seen.count(node, &format!("-> {to}: "), 0..500_000) as u64;
        let nodes = servers(3);
        let all = nodes
            .iter()
            .map(|node| sent(node, "n1") + sent(node, "n2") + sent(node, "n3"));
        assert_eq!(
            seen.run.messages,
            all.sum::<u64>(),
            "only what was sent is counted"
        );
    }
    for (nth, kept) in [
        ("", 0),
        (", nth = 1", 0),
        (", nth = 2", 1),
        (", nth = 4", 3),
    ] {
        let fault =
            format!("at = '105ms', for = '50ms', crash_at = {{ on = 'n1', before = 'kept'{nth} }}");
        let seen = play(0, "", &[&fault]);
        let down_at = 110_500 + kept * 10_000;
        assert_eq!(down(&seen, "n1").0, down_at);
        assert_eq!(
            seen.heard("n2", "n1", "kept", 105_000..down_at + 50_000)
                .len() as u64,
            kept
        );
    }
    let none = "at = '105ms', for = '50ms', crash_at = { on = 'n1', before = 'kept', nth = 0 }";
    assert!(refused("", &[none]).is_some());
}

#[test]
fn each_of_a_group_crashes_when_it_comes_to_the_point_itself() {
    let fault = "at = '105ms', for = '20ms..40ms', crash_at = { on = ['n1', 'n2'], before = 'kept', nth = 2 }";
    let faults = [fault, "at = '106ms', for = '7ms', stall_disk = 'n2'"];
    let seen = play(0, "", &faults);
    // The flush of 110ms is done at 113.5ms on n2.
    assert_eq!(
        (down(&seen, "n1").0, down(&seen, "n2").0),
        (120_500, 120_500)
    );
    let seen = play(
        0,
        "",
        &[fault, "at = '106ms', for = '17ms', stall_disk = 'n2'"],
    );
    // One at 123.5ms, and the next behind it.
    assert_eq!(
        (down(&seen, "n1").0, down(&seen, "n2").0),
        (120_500, 124_000)
    );
    assert!(seen.never("n3", "goes down"));
}

#[test]
fn two_traps_at_one_point_spring_at_once() {
    for point in ["after = 'write'", "after = 'flush'", "before = 'kept'"] {
        let faults = [
            format!("at = '103ms', for = '50ms', crash_at = {{ on = 'n1', {point} }}"),
            format!("at = '105ms', for = '80ms', crash_at = {{ on = 'n1', {point} }}"),
        ];
        let seen = play(0, "", &[&faults[0], &faults[1]]);
        assert_eq!(seen.unknown(), [] as [String; 0]);
        let (from, until) = down(&seen, "n1");
        assert_eq!(until - from, 80_000, "it is down for both");
        assert_eq!(seen.when("n1", "goes down").len(), 1);
    }
}

#[test]
fn a_trap_that_springs_shows_something_and_one_that_never_does_leaves_it_unknown() {
    let trap = |nth| {
        format!(
            "at = '105ms', for = '50ms', crash_at = {{ on = 'n1', before = 'kept', nth = {nth} }}"
        )
    };
    // Up to the end of the storm n1 sends kept 11 to kept 39, the last at 390.5ms.
    assert_eq!(play(0, "", &[&trap(29)]).unknown(), [] as [String; 0]);
    let seen = play(0, "", &[&trap(30)]);
    assert_eq!(
        seen.unknown(),
        [
            "[[fault]] number 1 of the file never struck: whom it was aimed at, or what it waits for, was not there"
        ]
    );
    assert!(seen.never("n1", "goes down"));
}

#[test]
fn who_is_paused_stands_still_and_catches_up_with_everything_in_any_order() {
    let fault = "at = '105ms', for = '60ms', pause = 'n1'";
    let mut sorted = BTreeSet::new();
    for seed in 0..8 {
        let seen = play(seed, "", &[fault]);
        let notes = |text| seen.count("n1", text, 105_000..165_000);
        assert_eq!((notes("hears"), notes("wrote"), notes("-> ")), (0, 0, 0));
        let heard = seen.heard("n1", "n2", "beat", 105_000..166_000);
        assert!(heard.iter().all(|(at, _)| *at == 165_000));
        let mut beats: Vec<u64> = heard.iter().map(|(_, beat)| *beat).collect();
        sorted.insert(beats.is_sorted());
        beats.sort_unstable();
        assert_eq!(beats, [11, 12, 13, 14, 15, 16], "nothing is lost");
        // The tick that fell due is late, and the next one comes after the usual time.
        let own = seen.heard("n2", "n1", "beat", 105_000..190_000);
        assert_eq!(own, [(166_000, 11), (176_000, 12), (186_000, 13)]);
        assert!(seen.never("n1", "goes down"));
    }
    assert!(sorted.contains(&false));
}

#[test]
fn the_flush_of_a_paused_process_ends_and_what_was_held_for_it_leaves_when_it_goes_on() {
    let seen = play(0, "", &["at = '110200us', for = '50ms', pause = 'n1'"]);
    assert_eq!(
        seen.heard("n2", "n1", "kept", 105_000..162_000),
        [(161_200, 11), (161_700, 12)]
    );
    let faults = [
        "at = '110200us', for = '50ms', pause = 'n1'",
        "at = '120ms', for = '50ms', crash = 'n1'",
    ];
    let seen = play(0, "", &faults);
    assert_eq!(seen.heard("n2", "n1", "kept", 105_000..170_000), []);
    assert_eq!(seen.found("n1")[0].1.last().map(String::as_str), Some("11"));
}

/// Two nodes whose processors take 1ms for each message.
const COSTLY: &str = "nodes = 2\ncpu.message = '1ms'";

#[test]
fn sending_a_message_and_taking_one_in_keeps_a_processor_busy_for_what_it_costs() {
    let seen = play(0, COSTLY, &[]);
    // The beat leaves at 11ms. The flush is done meanwhile, and then the receipt is sent, until 12ms. At 12ms the beat
    // of the other arrives and is taken in, at 13ms the receipt.
    assert_eq!(seen.heard("n2", "n1", "beat", 0..20_000), [(12_000, 1)]);
    assert_eq!(seen.heard("n2", "n1", "kept", 0..20_000), [(13_000, 1)]);
    assert_eq!(seen.heard("n1", "n2", "kept", 0..20_000), [(13_000, 1)]);
}

#[test]
fn each_kibibyte_costs_its_share() {
    for (size, takes) in [(1024, 1_000), (1023, 999), (2048, 2_000), (512, 500)] {
        let head = format!(
            "nodes = 2\ncpu.kib = '1ms'\ndisk.flush = '5ms'\noptions = {{ size = {size} }}"
        );
        let seen = play(0, &head, &[]);
        assert_eq!(
            seen.heard("n2", "n1", "beat", 0..20_000),
            [(11_000 + takes, 1)],
            "{size}"
        );
    }
}

#[test]
fn what_comes_in_while_a_processor_is_busy_waits_in_order() {
    let fault = "at = '105ms', for = '30ms', jam = { from = 'n1', message = 'beat' }";
    let seen = play(0, COSTLY, &[fault]);
    let flood = seen.heard("n2", "n1", "beat", 105_000..140_000);
    assert_eq!(flood, [(136_000, 11), (137_000, 12), (138_000, 13)]);
}

#[test]
fn a_slow_processor_takes_exactly_so_many_times_as_long() {
    let slow = |factor| {
        format!("at = '105ms', for = '100ms', slow_cpu = {{ on = 'n1', factor = {factor} }}")
    };
    let seen = play(0, COSTLY, &[&slow(3)]);
    // The beat leaves at 113ms, the receipt at 116ms; then it takes in the beat of the other, and from 119ms its
    // receipt.
    assert_eq!(
        seen.heard("n2", "n1", "beat", 105_000..120_000),
        [(114_000, 11)]
    );
    assert_eq!(
        seen.heard("n2", "n1", "kept", 105_000..120_000),
        [(117_000, 11)]
    );
    assert_eq!(
        seen.heard("n1", "n2", "beat", 105_000..120_000),
        [(116_000, 11)]
    );
    assert_eq!(
        seen.heard("n1", "n2", "kept", 105_000..120_000),
        [(119_000, 11)]
    );
    // It has fallen behind, but each beat that it sends later takes what it took before.
    let sent = seen.when("n1", "wrote").into_iter().skip(25);
    let arrived = seen.when("n2", "<- n1: beat").into_iter().skip(25);
    assert!(
        sent.zip(arrived)
            .all(|(sent, arrived)| arrived == sent + 2_000)
    );
    let quick = play(0, COSTLY, &[&slow(1)]);
    assert_eq!(
        quick.heard("n2", "n1", "kept", 105_000..120_000),
        [(113_000, 11)]
    );
    assert!(refused(COSTLY, &[&slow(0)]).is_some());
}

#[test]
fn a_processor_can_be_slow_only_where_work_costs_something() {
    let slow = "at = '105ms', for = '100ms', slow_cpu = { on = 'n1', factor = 3 }";
    assert!(refused("", &[slow]).is_some());
    assert_eq!(refused("cpu.message = '1ns'", &[slow]), None);
    assert_eq!(refused("cpu.kib = '1ns'", &[slow]), None);
    assert_eq!(refused("machine = 'aws_m5_large'", &[slow]), None);
}
