//! Faults on the network, and what links are like.

use std::collections::BTreeSet;

use super::seen::{Seen, play, refused, servers, ticks};

/// Who hears whom of so many when nothing is wrong.
fn everybody(nodes: usize) -> Vec<String> {
    let servers = servers(nodes);
    let others = |who: &String| {
        let others = servers.iter().filter(|whom| *whom != who);
        others.fold(format!("{who} hears"), |line, whom| line + " " + whom)
    };
    servers.iter().map(others).collect()
}

/// Whom each of so many hears, by itself included, in a line that [`Seen::circle`] gives.
fn circles(seen: &Seen, nodes: usize) -> Vec<BTreeSet<String>> {
    let lines = seen.circle(nodes, 106_000..205_000);
    let words = |line: &String| line.split(' ').map(str::to_owned).collect();
    let mut circles: Vec<BTreeSet<String>> = lines.iter().map(words).collect();
    circles.iter_mut().for_each(|circle| {
        circle.remove("hears");
    });
    circles
}

#[test]
fn nothing_passes_between_groups_and_who_is_in_none_hears_everybody() {
    let fault = "at = '105ms', for = '100ms', partition = [['n1', 'n2'], 'n3']";
    let seen = play(0, "nodes = 4", &[fault]);
    assert_eq!(seen.circle(4, 0..105_000), everybody(4));
    let apart = [
        "n1 hears n2 n4",
        "n2 hears n1 n4",
        "n3 hears n4",
        "n4 hears n1 n2 n3",
    ];
    assert_eq!(seen.circle(4, 105_000..205_000), apart);
    assert_eq!(seen.circle(4, 205_000..300_000), everybody(4));
    assert_eq!(seen.struck(), [(105_000, "partition n1 n2 | n3")]);
}

#[test]
fn a_shape_is_the_same_seen_from_either_side_and_falls_another_way_under_another_seed() {
    for (shape, nodes) in [
        ("one", 5),
        ("halves", 5),
        ("bridge", 5),
        ("majorities_ring", 5),
    ] {
        let fault = format!("at = '105ms', for = '100ms', partition = '{shape}'");
        let head = format!("nodes = {nodes}");
        let mut ways = BTreeSet::new();
        for seed in 0..8 {
            let seen = play(seed, &head, &[&fault]);
            let circles = circles(&seen, nodes);
            for (one, a) in servers(nodes).iter().zip(&circles) {
                for (other, b) in servers(nodes).iter().zip(&circles) {
                    assert_eq!(a.contains(other), b.contains(one), "{shape}: {circles:?}");
                }
            }
            let mut sizes: Vec<usize> = circles.iter().map(BTreeSet::len).collect();
            sizes.sort_unstable();
            let different: BTreeSet<_> = circles.iter().collect();
            let expected = match shape {
                "one" => ([1, 4, 4, 4, 4], 2),
                "halves" => ([2, 2, 3, 3, 3], 2),
                "bridge" => ([3, 3, 3, 3, 5], 3),
                _ => ([3, 3, 3, 3, 3], 5),
            };
            assert_eq!(
                (sizes.as_slice(), different.len()),
                (&expected.0[..], expected.1)
            );
            assert_eq!(seen.circle(nodes, 206_000..300_000), everybody(nodes));
            ways.insert(circles);
        }
        assert!(ways.len() > 3, "{shape}: {ways:?}");
    }
}

#[test]
fn a_shape_takes_so_many_servers_and_one_fewer_is_refused() {
    for (shape, least) in [
        ("one", 2),
        ("halves", 2),
        ("bridge", 3),
        ("majorities_ring", 4),
    ] {
        let fault = format!("at = '1ms', for = '1ms', partition = '{shape}'");
        assert_eq!(refused(&format!("nodes = {least}"), &[&fault]), None);
        assert!(refused(&format!("nodes = {}", least - 1), &[&fault]).is_some());
    }
}

#[test]
fn a_cut_is_one_way_and_takes_what_is_under_way_too() {
    // The beat of 110ms is on its way when the link is cut, and that of 170ms is sent just behind the end.
    let fault = "at = '110500us', for = '59ms', cut = { from = 'n1', to = ['n2', 'n3'] }";
    let seen = play(0, "", &[fault]);
    for (who, whom) in [
        ("n2", "n1"),
        ("n3", "n1"),
        ("n1", "n2"),
        ("n1", "n3"),
        ("n2", "n3"),
    ] {
        let all = ticks(10_000..380_000, 1_000);
        let cut = |at: &u64| whom == "n1" && (110_500..169_500).contains(at);
        let expected: Vec<u64> = all.into_iter().filter(|at| !cut(at)).collect();
        let heard = seen.heard(who, whom, "beat", 0..380_000);
        let heard: Vec<u64> = heard.into_iter().map(|(at, _)| at).collect();
        assert_eq!(heard, expected, "{who} hears {whom}");
    }
}

#[test]
fn a_rule_is_for_the_links_and_the_messages_that_it_names_and_no_others() {
    // What it names, and whether it is for a message of a sender, for a receiver and of a kind.
    type IsFor = fn(&str, &str, &str) -> bool;
    let cases: [(&str, IsFor); 6] = [
        ("", |_, _, _| true),
        ("from = 'n1'", |from, _, _| from == "n1"),
        ("to = 'n1'", |_, to, _| to == "n1"),
        ("message = 'kept'", |_, _, kind| kind == "kept"),
        ("from = ['n1', 'n2'], to = 'n3'", |from, to, _| {
            from != "n3" && to == "n3"
        }),
        (
            "from = 'n1', to = 'n2', message = 'beat'",
            |from, to, kind| (from, to, kind) == ("n1", "n2", "beat"),
        ),
    ];
    for (named, is_for) in cases {
        for (deed, how) in [("drop", ""), ("jam", ""), ("noise", "loss = 1.0")] {
            let comma = if named.is_empty() || how.is_empty() {
                ""
            } else {
                ", "
            };
            let fault = format!("at = '105ms', for = '90ms', {deed} = {{ {named}{comma}{how} }}");
            let seen = play(0, "", &[&fault]);
            for (from, to, kind) in [
                ("n1", "n2", "beat"),
                ("n1", "n3", "beat"),
                ("n2", "n1", "beat"),
                ("n2", "n3", "beat"),
                ("n3", "n1", "beat"),
                ("n3", "n2", "beat"),
                ("n1", "n2", "kept"),
                ("n2", "n3", "kept"),
                ("n3", "n1", "kept"),
            ] {
                let heard = |time| seen.heard(to, from, kind, time).len();
                let lost = is_for(from, to, kind);
                let why = format!("{deed} {named}: {kind} {from} to {to}");
                assert_eq!(heard(105_000..196_000), if lost { 0 } else { 9 }, "{why}");
                // What was jammed comes then, and what was dropped never does.
                let flood = if lost && deed == "jam" { 9 } else { 0 };
                assert_eq!(heard(196_000..197_000), flood, "{why}");
                assert_eq!(heard(200_000..250_000), 5, "{why}");
            }
        }
    }
}

#[test]
fn what_a_jam_held_sets_out_at_its_end_in_order_and_nothing_is_lost() {
    let fault = "at = '105ms', for = '60ms', jam = { from = 'n1', to = 'n3' }";
    let seen = play(0, "", &[fault]);
    let late = |beat: u64| {
        if (11..=16).contains(&beat) {
            166_000
        } else {
            beat * 10_000 + 1_000
        }
    };
    let expected: Vec<(u64, u64)> = (1..=38).map(|beat| (late(beat), beat)).collect();
    assert_eq!(seen.heard("n3", "n1", "beat", 0..390_000), expected);
}

#[test]
fn a_jam_of_one_kind_is_overtaken_by_the_others() {
    let fault = "at = '105ms', for = '60ms', jam = { from = 'n1', message = 'kept' }";
    let seen = play(0, "", &[fault]);
    let records: Vec<(u64, u64)> = (11..=16).map(|record| (166_000, record)).collect();
    assert_eq!(seen.heard("n2", "n1", "kept", 105_000..167_000), records);
    let beats = seen.heard("n2", "n1", "beat", 105_000..165_000);
    assert_eq!(beats.len(), 6, "{beats:?}");
}

#[test]
fn what_two_jams_hold_waits_for_the_end_of_both() {
    let faults = [
        "at = '105ms', for = '60ms', jam = { from = 'n1' }",
        "at = '135ms', for = '60ms', jam = { to = 'n2' }",
    ];
    let seen = play(0, "", &faults);
    let beats = |who| seen.heard(who, "n1", "beat", 105_000..200_000);
    let at = |instant: u64, beats: std::ops::RangeInclusive<u64>| -> Vec<(u64, u64)> {
        beats.map(|beat| (instant, beat)).collect()
    };
    assert_eq!(beats("n2"), at(196_000, 11..=19));
    assert_eq!(beats("n3")[..6], at(166_000, 11..=16));
}

/// With its headers a message of 22 bytes weighs 100, which take 100us at 8Mbit/s.
const WIRED: &str = "network.bandwidth = '8Mbit/s'\noptions = { size = 22, burst = 3 }";

#[test]
fn messages_go_through_a_wire_one_behind_the_other_with_their_headers() {
    let seen = play(0, WIRED, &[]);
    let first = seen.heard("n3", "n1", "beat", 0..20_000);
    assert_eq!(first, [(11_100, 1), (11_200, 2), (11_300, 3)]);
}

#[test]
fn what_just_fits_waits_for_the_wire_and_what_does_not_is_dropped() {
    let numbers = |queue: &str| -> Vec<u64> {
        let seen = play(0, &format!("{WIRED}\nnetwork.queue = '{queue}'"), &[]);
        let beats = seen.heard("n3", "n1", "beat", 0..20_000);
        beats.into_iter().map(|(_, beat)| beat).collect()
    };
    assert_eq!(numbers("300B"), [1, 2, 3]);
    assert_eq!(numbers("299B"), [1, 2]);
    assert_eq!(numbers("200B"), [1, 2]);
    assert_eq!(numbers("199B"), [1]);
}

#[test]
fn a_jam_holds_no_more_than_fits_into_the_queue_and_the_flood_goes_through_the_wire() {
    let wired = "network.bandwidth = '8Mbit/s'\noptions = { size = 22 }";
    let fault = "at = '105ms', for = '80ms', jam = { from = 'n1', to = 'n3' }";
    for (queue, fits) in [("500B", 5), ("499B", 4)] {
        let seen = play(0, &format!("{wired}\nnetwork.queue = '{queue}'"), &[fault]);
        let flood: Vec<(u64, u64)> = (1..=fits).map(|n| (186_000 + n * 100, 10 + n)).collect();
        assert_eq!(seen.heard("n3", "n1", "beat", 105_000..190_000), flood);
        // Each is dropped when it finds no room, and not when the jam is over.
        let dropped = seen.when("n1", "-> n3, no room in the queue: beat");
        assert_eq!(dropped, ticks(110_000 + fits * 10_000..190_000, 0));
    }
}

#[test]
fn messages_on_a_slow_link_travel_exactly_so_many_times_as_long() {
    for (factor, takes) in [(1, 1_000), (2, 2_000), (30, 30_000)] {
        let fault = format!(
            "at = '105ms', for = '60ms', slow_link = {{ from = 'n1', to = 'n3', factor = {factor} }}"
        );
        let seen = play(0, "", &[&fault]);
        // What is sent when it is over overtakes what is still under way.
        let late = |beat: u64| match beat {
            11..=16 => beat * 10_000 + takes,
            _ => beat * 10_000 + 1_000,
        };
        let mut expected: Vec<(u64, u64)> = (1..=38).map(|beat| (late(beat), beat)).collect();
        expected.sort_unstable();
        assert_eq!(seen.heard("n3", "n1", "beat", 0..390_000), expected);
        assert_eq!(
            seen.when("n2", "hears n1: beat")[..38],
            ticks(10_000..390_000, 1_000)
        );
    }
    let none = "at = '105ms', for = '60ms', slow_link = { factor = 0 }";
    assert!(refused("", &[none]).is_some());
}

/// A run of bursts of five, with noise as a fault and as what all links are like, and what n2 hears of the beats that n1
/// sends from 110ms to 190ms.
fn noisy(seed: u64, noise: &str) -> [(Seen, Vec<(u64, u64)>); 2] {
    let fault = format!("at = '105ms', for = '95ms', noise = {{ from = 'n1', {noise} }}");
    let settings = format!("network.{noise}\noptions = {{ burst = 5 }}");
    let runs = [
        play(seed, "options = { burst = 5 }", &[&fault]),
        play(seed, &settings, &[]),
    ];
    runs.map(|seen| {
        let mut heard = seen.heard("n2", "n1", "beat", 0..400_000);
        heard.retain(|(_, beat)| (51..=95).contains(beat));
        (seen, heard)
    })
}

/// The beats from 110ms to 190ms, five at each tick.
fn bursts() -> Vec<(u64, u64)> {
    let at = |beat: u64| (beat - 1) / 5 * 10_000 + 11_000;
    (51..=95).map(|beat| (at(beat), beat)).collect()
}

#[test]
fn noise_of_the_least_probability_changes_next_to_nothing() {
    for kind in ["loss", "duplicate", "reorder", "corrupt"] {
        for (_, heard) in noisy(0, &format!("{kind} = 0.000001")) {
            assert_eq!(heard, bursts(), "{kind}");
        }
    }
}

#[test]
fn a_sure_loss_loses_all_and_after_its_end_nothing() {
    let [(seen, heard), (_, always)] = noisy(0, "loss = 1.0");
    assert_eq!((heard, always), (vec![], vec![]));
    assert_eq!(seen.count("n1", "-> n2, lost: beat", 0..400_000), 45);
    assert_eq!(seen.heard("n2", "n1", "beat", 200_000..210_000).len(), 5);
    assert_eq!(seen.heard("n1", "n2", "beat", 105_000..200_000), bursts());
}

#[test]
fn a_likely_loss_loses_some() {
    for (_, heard) in noisy(0, "loss = 0.5") {
        assert!((10..35).contains(&heard.len()), "{heard:?}");
    }
}

#[test]
fn what_is_surely_doubled_arrives_exactly_twice() {
    for (_, heard) in noisy(0, "duplicate = 1.0") {
        let twice: Vec<u64> = (51..=95).flat_map(|beat| [beat, beat]).collect();
        let mut beats: Vec<u64> = heard.iter().map(|(_, beat)| *beat).collect();
        beats.sort_unstable();
        assert_eq!(beats, twice);
        for (at, beat) in bursts() {
            assert!(heard.contains(&(at, beat)) && heard.contains(&(at + 1_000, beat)));
        }
    }
}

#[test]
fn what_is_held_back_is_overtaken_and_not_lost() {
    for seed in 0..4 {
        for (_, heard) in noisy(seed, "reorder = 1.0") {
            assert_eq!(heard.len(), 45);
            assert!(!heard.is_sorted_by_key(|(_, beat)| *beat), "{heard:?}");
            for (soonest, beat) in bursts() {
                let (at, _) = heard.iter().find(|(_, other)| *other == beat).unwrap();
                assert!((soonest..=soonest + 8_000).contains(at), "{beat} at {at}");
            }
        }
    }
}

#[test]
fn what_arrives_damaged_is_thrown_away_by_its_receiver() {
    let [(seen, heard), (_, always)] = noisy(0, "corrupt = 1.0");
    assert_eq!((heard, always), (vec![], vec![]));
    let thrown = seen.when("n2", "throws away a damaged message from n1");
    // Five beats and a receipt at each tick.
    assert_eq!(thrown.len(), 9 * 6);
    let beats = |at: &&u64| **at % 10_000 == 1_000;
    assert_eq!(thrown.iter().filter(beats).count(), 45);
}

#[test]
fn a_swizzle_jams_some_one_after_another_and_lets_go_in_another_order() {
    let fault = "at = '105ms', for = '200ms', swizzle = ['n1', 'n2', 'n3']";
    let (mut sizes, mut orders) = (BTreeSet::new(), BTreeSet::new());
    for seed in 0..24 {
        let seen = play(seed, "nodes = 4", &[fault]);
        let victims: Vec<&str> = seen.struck()[0].1.split(' ').skip(1).collect();
        let begins = |victim: &str| seen.when("", &format!("FAULT swizzle {victim}"));
        let mut spans = Vec::new();
        for victim in &victims {
            assert!(["n1", "n2", "n3"].contains(victim), "{victims:?}");
            // The first line names them all.
            let from = *begins(victim).last().unwrap();
            let [until] = seen.when("", &format!("HEAL swizzle {victim}"))[..] else {
                panic!("{victim} is not let go once");
            };
            assert!((105_000..=205_000).contains(&from), "{from}");
            assert!((205_000..=305_000).contains(&until), "{until}");
            spans.push((*victim, from, until));
        }
        let open = |who: &str, at: u64| {
            let held = |(victim, from, until): &(&str, u64, u64)| {
                *victim == who && (*from..*until).contains(&at)
            };
            !spans.iter().any(held)
        };
        for who in servers(4) {
            for whom in servers(4).iter().filter(|whom| **whom != who) {
                let heard = seen.heard(&who, whom, "beat", 0..390_000);
                let beats: Vec<u64> = heard.iter().map(|(_, beat)| *beat).collect();
                assert_eq!(beats, (1..=38).collect::<Vec<u64>>(), "nothing is lost");
                for (at, _) in heard {
                    assert!(
                        open(&who, at - 1_000) && open(whom, at - 1_000),
                        "{who} {whom} {at}"
                    );
                }
            }
        }
        sizes.insert(victims.len());
        let mut let_go = spans.clone();
        spans.sort_by_key(|(_, from, _)| *from);
        let_go.sort_by_key(|(.., until)| *until);
        orders.insert(spans == let_go);
    }
    assert_eq!(sizes.into_iter().collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(orders.len(), 2);
}

#[test]
fn what_flaps_stays_on_and_off_within_its_range_and_is_over_at_its_end() {
    let fault = "at = '105ms', for = '600ms', flap = '30ms..50ms', partition = ['n1', 'others']";
    let mut lengths = BTreeSet::new();
    for seed in 0..6 {
        let seen = play(seed, "length = '900ms'", &[fault]);
        assert_eq!(seen.struck(), [(105_000, "partition n1 | n2 n3, flapping")]);
        let turns = seen
            .lines
            .iter()
            .filter(|line| line.text.contains("partition"));
        let turns: Vec<(u64, bool)> = turns
            .map(|line| (line.at, line.text.starts_with("FAULT")))
            .collect();
        for (number, two) in turns.windows(2).enumerate() {
            let ((from, on), (until, off)) = (two[0], two[1]);
            assert!(on != off);
            let least = if number + 2 == turns.len() { 0 } else { 30_000 };
            assert!((least..=50_000).contains(&(until - from)), "{turns:?}");
            lengths.insert(until - from);
            let heard = seen.heard("n2", "n1", "beat", from + 1_000..until);
            assert_eq!(heard.is_empty(), on, "{from} {until}");
        }
        let (last, on) = turns[turns.len() - 1];
        assert!(!on && (655_000..=705_000).contains(&last), "{turns:?}");
        assert_eq!(seen.circle(3, 705_000..800_000), everybody(3));
    }
    assert!(lengths.len() > 10, "{lengths:?}");
}

#[test]
fn a_fault_flaps_every_millisecond_and_no_faster() {
    let fault = |flap: &str| format!("at = '1ms', for = '9ms', flap = '{flap}', pause = 'n1'");
    assert_eq!(refused("", &[&fault("1ms")]), None);
    assert!(refused("", &[&fault("999us")]).is_some());
}

/// How long each beat of n1 travels to n2, one at a time.
fn travels(seed: u64, latency: &str) -> Vec<u64> {
    let options = "options = { interval = '100ms' }\nlength = '8s'\nnodes = 2";
    let seen = play(
        seed,
        &format!("{options}\nnetwork.latency = {latency}"),
        &[],
    );
    let heard = seen.heard("n2", "n1", "beat", 0..7_900_000);
    heard.iter().map(|(at, beat)| at - beat * 100_000).collect()
}

#[test]
fn a_latency_of_two_ranges_is_in_the_slow_one_as_often_as_it_says() {
    let law = |share| format!("{{ bimodal = {{ usual = '1ms', slow = '5ms', share = {share} }} }}");
    let slow = |share| {
        let all = travels(0, &law(share));
        assert!(
            all.iter().all(|span| [1_000, 5_000].contains(span)),
            "{all:?}"
        );
        all.iter().filter(|span| **span == 5_000).count()
    };
    assert_eq!((slow("0.0"), slow("1.0")), (0, 78));
    assert!((25..53).contains(&slow("0.5")));
}

#[test]
fn an_exponential_latency_is_at_least_so_long_and_so_much_more_on_average() {
    let all = travels(0, "{ exponential = { least = '2ms', mean = '1ms' } }");
    assert!(
        all.iter().all(|span| (2_000..=18_000).contains(span)),
        "{all:?}"
    );
    let average = all.iter().sum::<u64>() / all.len() as u64;
    assert!((2_700..3_400).contains(&average), "{average}");
    assert!(all.iter().any(|span| *span > 4_500) && all.iter().any(|span| *span < 2_200));
}

#[test]
fn a_long_way_takes_its_base_and_up_to_its_jitter_more() {
    let all = travels(0, "{ wan = { base = '30ms', jitter = '2ms' } }");
    assert!(
        all.iter().all(|span| (30_000..=32_000).contains(span)),
        "{all:?}"
    );
    assert!(all.iter().any(|span| *span < 30_300) && all.iter().any(|span| *span > 31_700));
    assert!(
        travels(0, "{ wan = { base = '30ms' } }")
            .iter()
            .all(|span| *span == 30_000)
    );
}

#[test]
fn between_two_zones_there_is_another_way_and_within_them_the_usual_one() {
    let head = "zones = { east = ['n1'], west = ['n2', 'n3'] }\n\
                network.between = { west-east = { wan = { base = '3ms' } } }";
    let seen = play(0, head, &[]);
    for (who, whom, takes) in [
        ("n1", "n2", 3_000),
        ("n2", "n1", 3_000),
        ("n3", "n1", 3_000),
        ("n2", "n3", 1_000),
        ("n3", "n2", 1_000),
    ] {
        let when = seen.when(who, &format!("hears {whom}: beat"));
        assert_eq!(when[..38], ticks(10_000..390_000, takes), "{whom} to {who}");
    }
}
