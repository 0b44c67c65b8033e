//! Whom faults strike, and when.

use std::collections::BTreeSet;

use super::seen::{Seen, play, servers};

const NOBODY: [&str; 1] = [
    "[[fault]] number 1 of the file never struck: whom it was aimed at, or what it waits for, was not there",
];

/// Who went down.
fn went_down(seen: &Seen) -> Vec<&str> {
    let downs = seen
        .lines
        .iter()
        .filter(|line| line.text.starts_with("goes down"));
    downs.map(|line| line.node.as_str()).collect()
}

#[test]
fn a_fault_begins_within_its_range_and_each_seed_draws_its_own_instant() {
    let mut instants = BTreeSet::new();
    for seed in 0..16 {
        let seen = play(
            seed,
            "",
            &["at = '100ms..140ms', for = '20ms..40ms', pause = 'n1'"],
        );
        let (at, text) = seen.struck()[0];
        assert!((100_000..=140_000).contains(&at) && text == "pause n1");
        let [until] = seen.when("", "HEAL pause n1")[..] else {
            panic!("it ends once");
        };
        assert!((20_000..=40_000).contains(&(until - at)));
        instants.extend([at, until]);
    }
    assert!(instants.len() > 28, "{instants:?}");
}

#[test]
fn a_fault_comes_again_and_again_until_the_storm_is_over() {
    let seen = play(
        0,
        "",
        &["at = '45ms', every = '100ms', for = '10ms', pause = 'n1'"],
    );
    let at: Vec<u64> = seen.struck().iter().map(|(at, _)| *at).collect();
    assert_eq!(at, [45_000, 145_000, 245_000, 345_000]);
    let mut gaps = BTreeSet::new();
    for seed in 0..4 {
        let seen = play(
            seed,
            "",
            &["at = '45ms', every = '50ms..70ms', for = '10ms', pause = 'any'"],
        );
        let at: Vec<u64> = seen.struck().iter().map(|(at, _)| *at).collect();
        gaps.extend(at.windows(2).map(|two| two[1] - two[0]));
        assert!(at.last() > Some(&329_000), "{at:?}");
    }
    assert!(
        gaps.iter().all(|gap| (50_000..=70_000).contains(gap)) && gaps.len() > 8,
        "{gaps:?}"
    );
}

#[test]
fn a_zone_is_everybody_in_it_and_any_zone_is_a_whole_one() {
    let zones = "nodes = 4\nzones = { east = ['n1', 'n3', 'c1'], west = ['n2'] }";
    let seen = play(0, zones, &["at = '105ms', for = '50ms', crash = 'east'"]);
    assert_eq!(went_down(&seen), ["n1", "n3", "c1"]);
    let any = |seed| {
        let seen = play(
            seed,
            zones,
            &["at = '105ms', for = '50ms', crash = 'any_zone'"],
        );
        went_down(&seen).join(" ")
    };
    let all: BTreeSet<String> = (0..12).map(any).collect();
    assert_eq!(all.into_iter().collect::<Vec<_>>(), ["n1 n3 c1", "n2"]);
    // Dealt like cards: n1 and n3 into the first of two, and the one client too.
    let dealt = play(
        0,
        "nodes = 4\nzones = 2",
        &["at = '105ms', for = '50ms', crash = 'z1'"],
    );
    assert_eq!(went_down(&dealt), ["n1", "n3", "c1"]);
}

#[test]
fn words_name_as_many_as_they_say() {
    for (word, expected) in [("any", 1), ("minority", 2), ("majority", 3), ("all", 5)] {
        let mut who = BTreeSet::new();
        for seed in 0..12 {
            let fault = format!("at = '105ms', for = '50ms', crash = '{word}'");
            let seen = play(seed, "nodes = 5", &[&fault]);
            assert_eq!(went_down(&seen).len(), expected, "{word}");
            who.insert(went_down(&seen).join(" "));
        }
        assert_eq!(who.len() > 1, word != "all", "{who:?}");
    }
    let seen = play(
        0,
        "nodes = 5",
        &["at = '105ms', for = '50ms', crash = ['n2', 'clients']"],
    );
    assert_eq!(went_down(&seen), ["n2", "c1"]);
    let seen = play(
        0,
        "nodes = 5",
        &["at = '105ms', for = '50ms', cut = { from = 'n2', to = 'others' }"],
    );
    assert_eq!(seen.struck(), [(105_000, "cut n2 -> n1 n3 n4 n5")]);
}

#[test]
fn a_role_is_bound_when_the_fault_fires_and_waits_until_somebody_claims_it() {
    // The boss claims it with its fifth beat, at 50ms, and a fault looks again every 5ms.
    let seen = play(0, "", &["at = '31ms', for = '20ms', crash = 'boss'"]);
    assert_eq!(seen.struck(), [(51_000, "crash n1")]);
    // After a restart it takes five beats again.
    let faults = [
        "at = '71ms', for = '20ms', crash = 'n1'",
        "at = '72ms', for = '20ms', pause = 'boss'",
    ];
    let seen = play(0, "", &faults);
    assert_eq!(seen.struck(), [(71_000, "crash n1"), (142_000, "pause n1")]);
}

#[test]
fn a_fault_that_finds_nobody_leaves_the_seed_unknown() {
    assert_eq!(
        play(0, "", &["at = '31ms', for = '20ms', crash = 'ghost'"]).unknown(),
        NOBODY
    );
    // It is the boss at 50ms, and no longer in the storm a little before.
    let boss = "at = '31ms', for = '20ms', crash = 'boss'";
    assert_eq!(play(0, "length = '51500us'", &[boss]).unknown().len(), 0);
    assert!(
        play(0, "length = '50500us'", &[boss])
            .unknown()
            .contains(&NOBODY[0].to_owned())
    );
}

#[test]
fn no_more_servers_lose_their_disks_in_one_run_than_the_mode_promises_to_survive() {
    for how in ["wipe", "rot"] {
        let strike = |at: u64, whom: &str| format!("at = '{at}ms', for = '20ms', {how} = {whom}");
        let unknown = |most: u32, faults: &[String]| {
            let head = format!("options = {{ lost_servers = {most} }}");
            let faults: Vec<&str> = faults.iter().map(String::as_str).collect();
            play(0, &head, &faults).unknown().len()
        };
        let two = [strike(105, "['n1', 'n2']")];
        assert_eq!(
            (unknown(2, &two), unknown(1, &two)),
            (0, 1),
            "{how} at once"
        );
        // That the first is back long before makes it no less of a loss.
        let apart = [strike(105, "'n1'"), strike(205, "'n2'")];
        assert_eq!(
            (unknown(2, &apart), unknown(1, &apart)),
            (0, 1),
            "{how} apart"
        );
        let again = [strike(105, "'n1'"), strike(205, "'n1'")];
        assert_eq!(unknown(1, &again), 0, "{how}: the same one is one");
        let clients = [strike(105, "['n1', 'clients']")];
        assert_eq!(unknown(1, &clients), 0, "{how}: clients do not count");
    }
}

#[test]
fn a_loss_that_the_mode_does_not_promise_to_survive_strikes_where_a_violation_is_expected() {
    let head = "options = { lost_servers = 0 }\nexpect.violated = 'recovers_in_the_calm'";
    let seen = play(
        0,
        head,
        &["at = '105ms', for = '20ms', wipe = ['n1', 'n2']"],
    );
    assert_eq!(went_down(&seen), ["n1", "n2"]);
    assert_eq!(seen.unknown(), [] as [String; 0]);
}

#[test]
fn no_fault_begins_when_the_storm_is_over() {
    let faults = ["at = '100ms..399ms', every = '1ms..40ms', for = '20ms', pause = 'any'"];
    for seed in 0..4 {
        let seen = play(seed, "options = { answers = '100ms' }", &faults);
        assert!(seen.run.ended.as_nanos() / 1000 >= 500_000);
        assert!(seen.struck().iter().all(|(at, _)| *at < 400_000));
        let later: Vec<u64> = servers(3)
            .iter()
            .map(|node| seen.count(node, "wrote", 410_000..490_000) as u64)
            .collect();
        assert_eq!(later, [8, 8, 8]);
    }
}

#[test]
fn one_that_waits_for_its_target_leaves_out_those_behind_it_and_no_more() {
    let faults = [
        "at = '105ms', for = '60ms', crash = 'all'",
        "at = '102ms', every = '10ms', for = '1ms', pause = 'any'",
    ];
    let seen = play(0, "", &faults);
    let log = seen.struck();
    let paused = log.iter().filter(|(_, text)| text.starts_with("pause"));
    let at: Vec<u64> = paused.map(|(at, _)| at / 1_000).collect();
    // The one at 112ms finds somebody at 167ms; those up to 162ms do not stand in line behind it.
    assert_eq!(at[..5], [102, 167, 172, 182, 192]);
}
