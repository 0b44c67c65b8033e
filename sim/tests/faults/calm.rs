//! The end of the storm: what heals, and what stays broken.

use std::collections::BTreeSet;

use super::seen::{Seen, play, servers};

/// Every fault that lasts, one of each, on whom it leaves nobody a way around it.
const ALL: [&str; 30] = [
    "partition = ['n1', 'n2', 'n3']",
    "partition = 'one'",
    "partition = 'halves'",
    "partition = 'bridge'",
    "cut = { from = 'all', to = 'n1' }",
    "drop = {}",
    "jam = {}",
    "slow_link = { factor = 20 }",
    "noise = { loss = 1.0 }",
    "noise = { corrupt = 1.0 }",
    "swizzle = 'all'",
    "crash = ['all', 'clients']",
    "kill_host = ['all', 'clients']",
    "power = ['all', 'clients']",
    "wipe = 'all'",
    "rot = 'all'",
    "quit = ['all', 'clients']",
    "rolling = { on = ['all', 'clients'] }",
    "rolling = { on = ['all', 'clients'], quit = true }",
    "crash_at = { on = 'all', after = 'write' }",
    "pause = ['all', 'clients']",
    "slow_cpu = { on = 'all', factor = 1000 }",
    "slow_disk = { on = 'all', factor = 1000 }",
    "stall_disk = 'all'",
    "fail_writes = 'all'",
    "fill_disk = 'all'",
    "fail_flushes = 'all'",
    "fake_flushes = 'all'",
    "unlist = 'all'",
    "resolver = { on = 'all', answer = 'never' }",
];

/// Of what strikes clocks, the end is seen as well.
const CLOCKS: [&str; 2] = [
    "step_clock = { on = 'all', by = '-2s' }",
    "freeze_clock = 'all'",
];

/// A storm of 300ms and a calm of 100ms, with messages that cost next to nothing.
const STORM: &str = "length = '300ms'\noptions = { answers = '100ms' }\ncpu.message = '1ns'";

#[test]
fn every_fault_is_healed_when_the_storm_is_over() {
    for deed in ALL.into_iter().chain(CLOCKS) {
        for flap in ["", "flap = '10ms..30ms', "] {
            let flaps = [
                "part", "cut", "drop", "jam", "slow_", "noise", "pause", "stall", "step", "freeze",
                "unlist", "resolver",
            ];
            if !flap.is_empty() && !flaps.iter().any(|what| deed.starts_with(what)) {
                continue;
            }
            let seen = play(
                0,
                STORM,
                &[&format!("at = '105ms', for = '10s', {flap}{deed}")],
            );
            assert!(!seen.struck().is_empty(), "{deed}");
            let calm = 330_000..400_000;
            for (who, next) in [("n1", "n2"), ("n2", "n3"), ("n3", "n1")] {
                for whom in servers(3).iter().filter(|whom| *whom != who) {
                    let beats = seen.heard(who, whom, "beat", calm.clone());
                    assert_eq!(beats.len(), 7, "{flap}{deed}: {who} hears {whom}");
                }
                let kept = seen.heard(next, who, "kept", calm.clone());
                assert_eq!(kept.len(), 7, "{flap}{deed}: {kept:?}");
                assert_eq!(seen.count(who, "told", calm.clone()), 0, "{deed}");
                assert_eq!(seen.count(who, "wall", calm.clone()), 0, "{deed}");
            }
        }
    }
}

#[test]
fn clocks_are_right_again_when_the_storm_is_over() {
    for (deed, there, back) in [
        (CLOCKS[0], "falls back by 2s", "leaps by 2s"),
        (CLOCKS[1], "falls back by 5ms", "leaps by 185ms"),
    ] {
        let seen = play(0, STORM, &[&format!("at = '105ms', for = '10s', {deed}")]);
        let odd = seen.all("n1", "wall ");
        assert_eq!((odd[0], odd[odd.len() - 1].1), ((110_000, there), back));
    }
}

#[test]
fn what_a_jam_holds_at_the_end_of_the_storm_sets_out_then() {
    let seen = play(
        0,
        STORM,
        &["at = '205ms', for = '10s', jam = { from = 'n1', to = 'n2' }"],
    );
    let beats: Vec<u64> = seen
        .heard("n2", "n1", "beat", 205_000..301_500)
        .iter()
        .map(|(_, beat)| *beat)
        .collect();
    assert_eq!(beats, (21..=30).collect::<Vec<_>>());
}

#[test]
fn a_trap_that_has_not_sprung_is_taken_away_with_the_storm() {
    let trap = "at = '105ms', for = '50ms', crash_at = { on = 'n1', before = 'beat', nth = 42 }";
    let seen = play(0, STORM, &[trap]);
    assert!(seen.never("n1", "goes down"));
    assert!(seen.heard("n3", "n1", "beat", 0..400_000).len() > 35);
}

/// A storm of 300ms after which a core of three out of five has to go on, for 100ms.
const FOR_A_CORE: &str =
    "length = '300ms'\nnodes = 5\ncalm = 'core'\noptions = { answers = '100ms' }";

/// Who is of the core, as the log says, and who is not.
fn sides(seen: &Seen) -> (Vec<String>, Vec<String>) {
    let log = seen.struck();
    let names = log.iter().find_map(|(at, text)| {
        let names = text.strip_prefix("the storm is over for ")?;
        let names = names.strip_suffix(", and the rest stays broken")?;
        (*at == 300_000).then_some(names)
    });
    let names = names.unwrap_or_else(|| panic!("{log:?}"));
    let core: Vec<String> = names.split(' ').map(str::to_owned).collect();
    assert_eq!(core.len(), 3, "{names}");
    let rest = servers(5).into_iter().filter(|node| !core.contains(node));
    (core.clone(), rest.collect())
}

const CALM: std::ops::Range<u64> = 330_000..400_000;

/// How many beats one hears of another when all is well for 70ms.
const WELL: usize = 7;

fn heard(seen: &Seen, who: &str, whom: &str) -> usize {
    seen.heard(who, whom, "beat", CALM).len()
}

/// Of the core everybody hears everybody.
fn core_is_well(seen: &Seen, core: &[String]) {
    for who in core {
        for whom in core.iter().filter(|whom| *whom != who) {
            assert_eq!(
                heard(seen, who, whom),
                WELL,
                "{who} hears {whom} of {core:?}"
            );
        }
    }
}

#[test]
fn the_core_is_any_that_suffices_and_is_healed_of_every_fault() {
    let mut cores = BTreeSet::new();
    for (seed, deed) in (0..).zip(ALL) {
        // Work costs nothing here; and of servers that are down without their disks no core can be made.
        if deed.starts_with("wipe") || deed.starts_with("rot ") || deed.starts_with("slow_cpu") {
            continue;
        }
        let seen = play(
            seed,
            FOR_A_CORE,
            &[&format!("at = '105ms', for = '10s', {deed}")],
        );
        let (core, _) = sides(&seen);
        core_is_well(&seen, &core);
        cores.insert(core);
    }
    assert!(cores.len() > 6, "{cores:?}");
}

#[test]
fn who_is_not_of_the_core_and_came_through_unharmed_breaks_in_one_of_three_ways() {
    let ways = [
        "goes down for good",
        "stands still for good",
        "is cut off for good",
    ];
    let mut occurred = BTreeSet::new();
    for seed in 0..12 {
        let seen = play(seed, FOR_A_CORE, &[]);
        let (core, rest) = sides(&seen);
        core_is_well(&seen, &core);
        for node in &rest {
            let broken: Vec<&str> = ways
                .into_iter()
                .filter(|way| !seen.when(node, way).is_empty())
                .collect();
            assert_eq!(broken.len(), 1, "{node}: {broken:?}");
            occurred.extend(broken);
            for other in servers(5).iter().filter(|other| *other != node) {
                assert_eq!(heard(&seen, other, node), 0, "{other} hears {node}");
                assert_eq!(heard(&seen, node, other), 0, "{node} hears {other}");
            }
        }
        for node in &core {
            assert_eq!(seen.count(node, "goes down", 0..400_000), 0);
        }
    }
    assert_eq!(occurred.len(), 3);
}

#[test]
fn who_is_not_of_the_core_says_and_hears_nothing_any_more_whatever_had_befallen_it() {
    for (deed, way) in [
        ("crash = 'all'", "down"),
        ("kill_host = 'all'", "down"),
        ("power = 'all'", "down"),
        ("crash_at = { on = 'all', after = 'flush' }", "down"),
        ("fail_writes = 'all'", "down"),
        ("fill_disk = 'all'", "down"),
        ("fail_flushes = 'all'", "down"),
        ("pause = 'all'", "still"),
        ("quit = 'all'", "apart"),
        ("partition = ['n1', 'n2', 'n3', 'n4', 'n5']", "apart"),
        ("drop = { from = 'all', to = 'all' }", "apart"),
        ("jam = { from = 'all', to = 'all' }", "apart"),
    ] {
        for seed in 0..3 {
            let seen = play(
                seed,
                FOR_A_CORE,
                &[&format!("at = '105ms', for = '10s', {deed}")],
            );
            let (core, rest) = sides(&seen);
            core_is_well(&seen, &core);
            for node in &rest {
                for other in servers(5).iter().filter(|other| *other != node) {
                    assert_eq!(heard(&seen, other, node), 0, "{deed}: {other} hears {node}");
                    assert_eq!(heard(&seen, node, other), 0, "{deed}: {node} hears {other}");
                }
                // Who only stood apart, or was asked to stop and did not, goes down, stands still or is cut off now.
                let wrote = seen.count(node, "wrote", CALM);
                assert!(
                    wrote == 0 || way == "apart" && wrote == WELL,
                    "{deed}: {wrote}"
                );
            }
        }
    }
}

#[test]
fn disks_of_the_core_are_well_again() {
    let seen = play(
        0,
        FOR_A_CORE,
        &["at = '105ms', for = '10s', stall_disk = 'all'"],
    );
    let (core, rest) = sides(&seen);
    let flushes = |node: &String| seen.count(node, "flushed", CALM);
    assert!(core.iter().all(|node| flushes(node) == WELL));
    assert!(rest.iter().all(|node| flushes(node) == 0));
}

#[test]
fn a_server_that_comes_back_from_a_wipe_can_be_of_the_core_and_one_that_is_not_back_cannot() {
    let wipe = |lasts: &str| format!("at = '105ms', for = '{lasts}', wipe = ['n1', 'n2']");
    let in_core = |lasts: &str| {
        let cores = (0..12).map(|seed| sides(&play(seed, FOR_A_CORE, &[&wipe(lasts)])).0);
        cores
            .filter(|core| core.contains(&"n1".into()) || core.contains(&"n2".into()))
            .count()
    };
    assert!(in_core("50ms") > 6);
    assert_eq!(in_core("10s"), 0);
}

#[test]
fn clients_are_healed_with_the_core() {
    for deed in ["crash", "kill_host", "pause"] {
        let seen = play(
            0,
            FOR_A_CORE,
            &[&format!("at = '105ms', for = '10s', {deed} = 'clients'")],
        );
        let asked = seen.when("c1", "asks");
        assert!(asked.last() >= Some(&300_000), "{deed}: {asked:?}");
        assert!(
            seen.when("c1", "answers").last() >= Some(&400_000),
            "{deed}"
        );
        assert_eq!(seen.count("c1", "asks", 106_000..300_000), 0, "{deed}");
    }
}
