//! Laws: what holds whatever happens.

use netsplit_sim::modes;
use netsplit_sim::play::Verdict;
use netsplit_sim::report::verdict::replay;
use netsplit_sim::scenario::Source;
use netsplit_sim::world::ground::Footing;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// Any fault that the world knows, aimed at anybody.
fn fault() -> impl Strategy<Value = String> {
    let whom = prop::sample::select(vec![
        "leader",
        "follower",
        "any",
        "n1",
        "minority",
        "all",
        "candidate",
    ]);
    let what = (whom, 0..14_u32, 2..60_u32).prop_map(|(whom, kind, factor)| match kind {
        0 => "partition = [\"minority\", \"others\"]".to_owned(),
        8 => "partition = \"halves\"".to_owned(),
        11 => "drop = { message = \"append\" }".to_owned(),
        12 => "drop = { message = \"accepted\" }".to_owned(),
        13 => "drop = { message = \"vote\" }".to_owned(),
        9 => "partition = \"bridge\"".to_owned(),
        10 => "partition = \"majorities_ring\"".to_owned(),
        1 => "partition = [\"leader\", \"others\"]".to_owned(),
        2 => "cut = { from = \"leader\", to = \"others\" }".to_owned(),
        3 => "cut = { from = \"others\", to = \"leader\" }".to_owned(),
        4 => format!("crash = \"{whom}\""),
        5 => format!("pause = \"{whom}\""),
        6 => format!("slow_disk = {{ on = \"{whom}\", factor = {factor} }}"),
        _ => format!(
            "noise = {{ loss = 0.{factor:02}, duplicate = 0.{factor:02}, reorder = 0.{factor:02} }}"
        ),
    });
    let power = Just("power = \"all\"".to_owned());
    (prop_oneof![4 => what, 1 => power], 0..4000_u32, 200..3000_u32, 1..2000_u32).prop_map(
        |(what, at, every, lasts)| {
            format!("[[fault]]\nat = \"{at}ms\"\nevery = \"{every}ms..{}ms\"\nfor = \"1ms..{lasts}ms\"\n{what}\n", 2 * every)
        },
    )
}

/// A cluster of any size with any constants, under any of them.
fn scenario() -> impl Strategy<Value = String> {
    let sizes = (4..8_u32, 1..7_u32, 10..400_u32, 1..6_u32);
    let options = (1..2000_u32, 1..5_u32, prop::bool::ANY);
    let laws = (1..40_u32, 1..20_u32, 0..5000_u32);
    (sizes, options, laws, prop::collection::vec(fault(), 0..5)).prop_map(
        |(
            (nodes, clients, rate, keys),
            (batch, window, check_quorum),
            (latency, flush, drift),
            faults,
        )| {
            format!(
                "mode = \"raft\"\nnodes = {nodes}\nseeds = \"0..1\"\nlength = \"5s\"\n\
                 [network]\nlatency = \"1ms..{latency}ms\"\n\
                 [disk]\nflush = \"100us..{flush}ms\"\n\
                 [clock]\noffset = \"1h\"\ndrift = \"{drift}ppm\"\n\
                 [options]\nbatch = {batch}\nwindow = {window}\ncheck_quorum = {check_quorum}\n\
                 [workload]\nclients = {clients}\nrate = \"{rate}/s\"\nkeys = {keys}\n\
                 mix = {{ put = 3, get = 2, cas = 2, delete = 1 }}\n{}",
                faults.concat()
            )
        },
    )
}

/// The same hundred cases every time; where PROPTEST_CASES says how many, fresh ones.
fn config() -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").is_ok();
    let (cases, rng_seed) = if asked {
        (ProptestConfig::default().cases, RngSeed::Random)
    } else {
        (100, RngSeed::Fixed(1))
    };
    ProptestConfig {
        cases,
        rng_seed,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_schedule_of_faults_keeps_every_invariant_and_promise(text in scenario(), seed in 0_u64..1_000_000) {
        let source = Source { path: "law.toml".into(), text };
        let scenario = modes::read(&modes::shipped(), &source).map_err(|problem| {
            TestCaseError::fail(format!("{problem}\n{}", source.text))
        })?;
        let run = scenario.play(seed, Footing::Default);
        prop_assert!(
            run.verdict() != Verdict::Violated,
            "{:?}\n{}\n{}", run.violations, replay(&source, seed), source.text
        );
    }
}
