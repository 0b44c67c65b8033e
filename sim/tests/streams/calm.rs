//! The calm lets every stream between those who are well go on, and nothing of a run depends on who looks.

use super::seen::play;

/// What can hold a stream up, for longer than the storm.
const HOLDS: [&str; 6] = [
    "partition = ['n1', 'n2', 'n3']",
    "cut = { from = 'n1', to = 'others' }",
    "drop = { message = 'fifth' }",
    "jam = { from = 'all' }",
    "swizzle = 'all'",
    "stall_streams = { from = 'all', to = 'all' }",
];

/// Half a minute of trouble makes every timeout longer than the calm.
const LONG: &str = "nodes = 3\nlength = '30s'\n\
                    options = { opens = 3, echo = true, until = '30s', interval = '100ms' }";

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
