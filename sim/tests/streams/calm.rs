//! The calm lets every stream between those who are well go on, and nothing of a run depends on who looks.

use netsplit_sim::report::transcript::{self, Wanted};
use netsplit_sim::world::ground::Footing;

use super::seen::{play, read};

/// What can hold a stream up, for longer than the storm.
const HOLDS: [&str; 8] = [
    "partition = ['n1', 'n2', 'n3']",
    "cut = { from = 'n1', to = 'others' }",
    "drop = { message = 'fifth' }",
    "jam = { from = 'all' }",
    "swizzle = 'all'",
    "stall_streams = { from = 'all', to = 'all' }",
    "noise = { loss = 1.0 }",
    "slow_link = { factor = 5000 }",
];

/// Half a minute of trouble makes every timeout longer than the calm.
const LONG: &str = "nodes = 3\nlength = '30s'\n\
                    options = { opens = 3, echo = true, until = '30s', interval = '100ms' }";

#[test]
fn the_calm_ends_every_stall() {
    for hold in HOLDS {
        let fault = format!("at = '105ms', for = '1h', {hold}");
        let seen = play(0, LONG, &[&fault]);
        let last = seen.last("n2", "n1/1");
        assert_eq!(last, 299, "{hold}");
        assert!(
            seen.run
                .converged
                .is_some_and(|span| span.as_nanos() < 300_000_000)
        );
    }
}

#[test]
fn the_calm_brings_an_opening_about_that_was_tried_in_vain() {
    for hold in [
        "partition = ['n1', 'n2', 'n3']",
        "kill_host = 'n2'",
        "jam = { from = 'all' }",
    ] {
        let fault = format!("at = '0s', for = '1h', {hold}");
        let seen = play(0, LONG, &[&fault]);
        let opened = seen.first("n1", "opened n1/1").expect("it opens");
        assert!(
            (30_000_000..30_100_000).contains(&opened),
            "{hold}: {opened}"
        );
    }
}

#[test]
fn where_a_core_goes_on_the_streams_of_its_members_do_and_those_of_others_stay_stalled() {
    for hold in HOLDS {
        let fault = format!("at = '105ms', for = '1h', {hold}");
        for seed in 0..6 {
            // The pipes say in the calm what of the core has not arrived.
            let seen = play(seed, &format!("{LONG}\ncalm = 'core'"), &[&fault]);
            assert!(seen.run.converged.is_some());
        }
    }
}

#[test]
fn a_stall_between_a_member_of_the_core_and_another_stays() {
    let stall = "at = '105ms', for = '1h', stall_streams = { from = 'n1', to = 'n2' }";
    let head = "nodes = 3\nlength = '400ms'\ncalm = 'core'\noptions = { answers = '200ms' }";
    let (mut together, mut apart) = (0, 0);
    for seed in 0..12 {
        let seen = play(seed, head, &[stall]);
        let core = seen.struck()[1].1.to_owned();
        let gets = !seen.got("n2", "n1/1", 300_000..u64::MAX).is_empty();
        let is_in = |node: &str| core.split([' ', ',']).any(|word| word == node);
        assert_eq!(gets, is_in("n1") && is_in("n2"), "seed {seed}: {core}");
        together += usize::from(gets);
        apart += usize::from(!gets);
    }
    assert!(together > 0 && apart > 0);
}

/// Something of everything.
const STORM: [&str; 8] = [
    "at = '100ms', every = '300ms', for = '50ms..200ms', partition = ['any', 'others']",
    "at = '150ms', every = '500ms', for = '50ms..200ms', crash = 'any'",
    "at = '170ms', every = '700ms', for = '50ms..200ms', kill_host = 'any'",
    "at = '190ms', every = '400ms', for = '50ms..200ms', pause = 'any'",
    "at = '200ms', every = '400ms', for = '50ms..200ms', jam = { from = 'any' }",
    "at = '250ms', every = '400ms', for = '100ms', stall_streams = { from = 'any', to = 'others' }",
    "at = '300ms', every = '300ms', reset_streams = { from = 'any', to = 'others' }",
    "at = '50ms', for = '1s', noise = { loss = 0.1, reorder = 0.1, corrupt = 0.1 }",
];

#[test]
fn the_same_seed_gives_the_same_digest_whoever_looks_and_another_seed_another() {
    let head = "nodes = 4\nlength = '3s'\nnetwork.latency = '1ms..5ms'\n\
                options = { opens = 4, echo = true, closes = 50, until = '3s' }";
    let mut digests = Vec::new();
    for seed in 0..10 {
        let scenario = read(head, &STORM);
        let run = scenario.play(seed, Footing::Default);
        assert_eq!(run.violations, [], "seed {seed}");
        assert_eq!(scenario.play(seed, Footing::Plain).digest, run.digest);
        let (heard, text) = transcript::text(Wanted::everything(), || scenario.play_here(seed));
        assert_eq!(heard.digest, run.digest);
        assert!(text.lines().count() > 1000);
        digests.push(run.digest);
    }
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), 10);
}
