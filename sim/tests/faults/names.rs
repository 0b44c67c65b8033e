//! The name service: who is told of whom, how soon, and what its faults change.

use std::collections::BTreeSet;

use super::seen::{Seen, play, refused};

/// Servers that ask every 20ms who is there.
const ASKS: &str = "options = { resolves = '20ms' }";

/// What a node is told: when it asked, by rounding down to its timer, and whom.
fn told(seen: &Seen, node: &str) -> Vec<(u64, String)> {
    let all = seen.all(node, "knows").into_iter();
    all.map(|(at, who)| (at / 20_000 * 20_000, who.trim().to_owned()))
        .collect()
}

/// What it is told to the questions from an instant to before another, if it is always the same.
fn between(seen: &Seen, node: &str, from: u64, until: u64) -> String {
    let all = told(seen, node).into_iter();
    let of_time: Vec<_> = all.filter(|(at, _)| (from..until).contains(at)).collect();
    let answers: BTreeSet<&str> = of_time.iter().map(|(_, who)| who.as_str()).collect();
    assert_eq!(
        of_time.len() as u64,
        (until - from).div_ceil(20_000),
        "{of_time:?}"
    );
    assert_eq!(answers.len(), 1, "{of_time:?}");
    answers.into_iter().collect()
}

#[test]
fn who_asks_is_told_of_all_servers_and_itself_within_ten_milliseconds() {
    let (mut least, mut most) = (u64::MAX, 0);
    for seed in 0..40 {
        let seen = play(seed, ASKS, &[]);
        for node in ["n1", "n2", "n3"] {
            assert_eq!(between(&seen, node, 20_000, 380_000), "n1 n2 n3");
            for asked in seen.when(node, "asks who is there").iter().take(18) {
                let answers = seen.when(node, "knows").into_iter();
                let later = answers.filter(|at| at > asked).min().expect("it is told");
                least = least.min(later - asked);
                most = most.max(later - asked);
            }
        }
        let text = "resolved n1 n2 n3 to n1";
        assert_eq!(seen.when("n1", text), seen.when("n1", "knows n1 n2 n3"));
    }
    assert!((1_000..1_050).contains(&least), "{least}");
    assert!((9_950..=10_000).contains(&most), "{most}");
}

#[test]
fn who_is_taken_out_is_told_to_nobody_and_goes_on_all_the_same() {
    let fault = "at = '105ms', for = '100ms', unlist = 'n2'";
    let seen = play(0, ASKS, &[fault]);
    for node in ["n1", "n2", "n3"] {
        assert_eq!(between(&seen, node, 20_000, 105_000), "n1 n2 n3");
        assert_eq!(between(&seen, node, 120_000, 205_000), "n1 n3");
        assert_eq!(between(&seen, node, 220_000, 380_000), "n1 n2 n3");
    }
    assert_eq!(seen.heard("n1", "n2", "beat", 0..400_000).len(), 39);
    assert_eq!(seen.struck(), [(105_000, "unlist n2")]);
}

#[test]
fn who_is_taken_out_twice_is_back_after_the_second_and_all_can_be_out() {
    let faults = [
        "at = '105ms', for = '100ms', unlist = 'n2'",
        "at = '145ms', for = '120ms', unlist = ['n2', 'n1']",
        "at = '305ms', for = '40ms', unlist = 'all'",
    ];
    let seen = play(0, ASKS, &faults);
    let answers = [
        (120_000, 145_000, "n1 n3"),
        (160_000, 265_000, "n3"),
        (280_000, 305_000, "n1 n2 n3"),
        (320_000, 345_000, ""),
        (360_000, 380_000, "n1 n2 n3"),
    ];
    for (from, until, who) in answers {
        assert_eq!(between(&seen, "n3", from, until), who, "{from}");
    }
}

#[test]
fn the_directory_is_asked_at_the_instant_of_the_question() {
    for seed in 0..8 {
        for (at, first) in [("99999us", "n1 n3"), ("100001us", "n1 n2 n3")] {
            let fault = format!("at = '{at}', for = '1s', unlist = 'n2'");
            let seen = play(seed, ASKS, &[&fault]);
            assert_eq!(between(&seen, "n1", 100_000, 120_000), first);
            assert_eq!(between(&seen, "n1", 120_000, 380_000), "n1 n3");
        }
    }
}

#[test]
fn the_operator_s_list_does_not_know_who_is_down() {
    let fault = "at = '105ms', for = '100ms', kill_host = 'n2'";
    let seen = play(0, ASKS, &[fault]);
    assert_eq!(between(&seen, "n1", 20_000, 380_000), "n1 n2 n3");
}

#[test]
fn neither_partitions_nor_disks_touch_it() {
    let faults = [
        "at = '15ms', for = '1s', partition = ['n1', 'n2', 'n3']",
        "at = '15ms', for = '1s', stall_disk = 'all'",
        "at = '15ms', for = '1s', noise = { loss = 1.0 }",
    ];
    let seen = play(0, ASKS, &faults);
    assert_eq!(between(&seen, "n1", 20_000, 380_000), "n1 n2 n3");
    let unasked = play(0, "", &faults);
    assert_eq!(seen.run.messages, unasked.run.messages, "it is no message");
}

#[test]
fn an_answer_is_for_the_life_that_asked() {
    for seed in 0..20 {
        let seen = play(seed, ASKS, &["at = '100500us', for = '1ms', crash = 'n1'"]);
        // It is back at 101.5ms, and asks for the first time 20ms later.
        assert_eq!(seen.count("n1", "knows", 100_000..121_500), 0);
        assert_eq!(seen.count("n1", "knows", 121_500..141_500), 1);
    }
}

#[test]
fn an_answer_waits_for_who_stands_still() {
    let seen = play(0, ASKS, &["at = '100500us', for = '50ms', pause = 'n1'"]);
    assert_eq!(seen.count("n1", "knows", 100_500..150_500), 0);
    assert_eq!(seen.count("n1", "knows", 150_500..150_501), 1);
}

#[test]
fn a_resolver_that_knows_nobody_tells_its_own_askers_so() {
    let fault = "at = '105ms', for = '100ms', resolver = { on = 'n1', answer = 'nothing' }";
    let seen = play(0, ASKS, &[fault]);
    assert_eq!(between(&seen, "n1", 20_000, 105_000), "n1 n2 n3");
    assert_eq!(between(&seen, "n1", 120_000, 205_000), "");
    assert_eq!(between(&seen, "n1", 220_000, 380_000), "n1 n2 n3");
    assert_eq!(between(&seen, "n2", 20_000, 380_000), "n1 n2 n3");
    assert_eq!(seen.when("n1", "resolved nobody to n1").len(), 5);
    let struck = "name service of n1 knows nobody";
    assert_eq!(seen.struck(), [(105_000, struck)]);
}

#[test]
fn a_resolver_that_does_not_answer_never_does() {
    let fault = "at = '105ms', for = '100ms', resolver = { on = 'n1', answer = 'never' }";
    let seen = play(0, ASKS, &[fault]);
    let silence = told(&seen, "n1").into_iter();
    let silence = silence.filter(|(at, _)| (120_000..205_000).contains(at));
    assert_eq!(silence.count(), 0);
    assert_eq!(seen.count("n1", "asks who is there", 105_000..205_000), 5);
    assert_eq!(between(&seen, "n1", 220_000, 380_000), "n1 n2 n3");
}

#[test]
fn a_resolver_that_knows_nothing_new_tells_what_it_knew_when_that_began() {
    let faults = [
        "at = '45ms', for = '100ms', unlist = 'n2'",
        "at = '105ms', for = '200ms', resolver = { on = 'n1', answer = 'stale' }",
        "at = '205ms', for = '1s', unlist = 'n3'",
    ];
    let seen = play(0, ASKS, &faults);
    assert_eq!(between(&seen, "n1", 60_000, 305_000), "n1 n3");
    assert_eq!(between(&seen, "n1", 320_000, 380_000), "n1 n2");
    assert_eq!(between(&seen, "n2", 160_000, 205_000), "n1 n2 n3");
    assert_eq!(between(&seen, "n2", 220_000, 380_000), "n1 n2");
}

#[test]
fn never_counts_before_nothing_and_nothing_before_stale() {
    let on = |at: &str, lasts: &str, answer: &str| {
        format!("at = '{at}', for = '{lasts}', resolver = {{ on = 'n1', answer = '{answer}' }}")
    };
    let faults = [
        on("25ms", "300ms", "stale"),
        on("85ms", "180ms", "nothing"),
        on("125ms", "80ms", "never"),
        "at = '45ms', for = '1s', unlist = 'n2'".to_owned(),
    ];
    let seen = play(0, ASKS, &faults.each_ref().map(String::as_str));
    assert_eq!(between(&seen, "n1", 40_000, 85_000), "n1 n2 n3");
    assert_eq!(between(&seen, "n1", 100_000, 125_000), "");
    assert!(
        !told(&seen, "n1")
            .iter()
            .any(|(at, _)| (140_000..205_000).contains(at))
    );
    assert_eq!(between(&seen, "n1", 220_000, 265_000), "");
    assert_eq!(between(&seen, "n1", 280_000, 325_000), "n1 n2 n3");
    assert_eq!(between(&seen, "n1", 340_000, 380_000), "n1 n3");
}

#[test]
fn all_of_it_comes_and_goes_if_it_flaps() {
    for deed in [
        "unlist = 'n2'",
        "resolver = { on = 'n1', answer = 'nothing' }",
    ] {
        let fault = format!("at = '25ms', for = '1s', flap = '40ms', {deed}");
        let seen = play(0, ASKS, &[&fault]);
        let answers: Vec<bool> = told(&seen, "n1")
            .iter()
            .map(|(_, who)| who == "n1 n2 n3")
            .collect();
        assert_eq!(
            answers[1..9],
            [false, false, true, true, false, false, true, true]
        );
    }
}

/// A storm of 200ms and a calm of 100ms.
fn then_calm(calm: &str) -> String {
    format!(
        "length = '200ms'\ncalm = '{calm}'\nnodes = 5\noptions = {{ resolves = '20ms', answers = '100ms' }}"
    )
}

#[test]
fn all_of_it_ends_with_the_storm() {
    let deeds = [
        "unlist = 'all'",
        "resolver = { on = 'all', answer = 'nothing' }",
        "resolver = { on = 'all', answer = 'never' }",
    ];
    for deed in deeds {
        let seen = play(
            0,
            &then_calm("all"),
            &[&format!("at = '105ms', for = '10s', {deed}")],
        );
        for node in ["n1", "n2", "n5"] {
            assert_eq!(
                between(&seen, node, 220_000, 280_000),
                "n1 n2 n3 n4 n5",
                "{deed}"
            );
        }
    }
}

#[test]
fn who_is_broken_for_good_stays_out_if_it_was_taken_out_and_listed_if_it_was_not() {
    for (fault, others) in [("unlist = 'all'", false), ("unlist = 'n1'", true)] {
        for seed in 0..6 {
            let fault = format!("at = '105ms', for = '10s', {fault}");
            let seen = play(seed, &then_calm("core"), &[&fault]);
            let log = seen.struck();
            let core = log[1].1.strip_prefix("the storm is over for ");
            let core = core.and_then(|rest| rest.strip_suffix(", and the rest stays broken"));
            let core = core.expect("there is a core");
            let who = core.split(' ').next().expect("somebody is of the core");
            let expected = match (others, core.contains("n1")) {
                (false, _) => core,
                (true, false) => "n2 n3 n4 n5",
                (true, true) => "n1 n2 n3 n4 n5",
            };
            assert_eq!(between(&seen, who, 220_000, 280_000), expected);
        }
    }
}

#[test]
fn two_runs_that_differ_in_an_answer_alone_have_two_digests() {
    let fault = |whom: &str| {
        format!("at = '105ms', for = '1s', resolver = {{ on = 'all', answer = '{whom}' }}")
    };
    let stale = play(0, ASKS, &[&fault("stale")]).run.digest;
    let nothing = play(0, ASKS, &[&fault("nothing")]).run.digest;
    let again = play(0, ASKS, &[&fault("nothing")]).run.digest;
    assert_ne!(stale, nothing);
    assert_eq!(nothing, again);
}

#[test]
fn only_servers_are_listed_and_an_answer_is_one_of_three() {
    let said = |deed: &str| refused("", &[&format!("at = '1ms', for = '9ms', {deed}")]);
    for deed in [
        "unlist = 'c1'",
        "unlist = 'clients'",
        "unlist = ['n1', 'c1']",
    ] {
        let expected = "the name stands for servers only";
        assert_eq!(said(deed).as_deref(), Some(expected), "{deed}");
    }
    assert!(said("resolver = { on = 'n1', answer = 'nobody' }").is_some());
    assert!(said("resolver = { on = 'n1' }").is_some());
    assert_eq!(
        said("resolver = { on = ['n1', 'c1'], answer = 'nothing' }"),
        None
    );
    assert_eq!(said("unlist = ['any', 'boss']"), None);
}
