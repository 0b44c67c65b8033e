//! Laws: what holds whatever happens.

use netsplit_sim::modes;
use netsplit_sim::play::Verdict;
use netsplit_sim::report::verdict::replay;
use netsplit_sim::scenario::Source;
use netsplit_sim::world::ground::Footing;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// Every fault that the world knows, but the ones that Raft does not promise to survive: WHOM is anybody, FACTOR a number
/// of two digits.
const FAULTS: [&str; 35] = [
    r#"partition = ["minority", "others"]"#,
    r#"partition = ["leader", "others"]"#,
    r#"partition = ["any_zone", "others"]"#,
    r#"partition = "one""#,
    r#"partition = "halves""#,
    r#"partition = "bridge""#,
    r#"partition = "majorities_ring""#,
    r#"cut = { from = "leader", to = "others" }"#,
    r#"cut = { from = "others", to = "leader" }"#,
    r#"drop = { message = "append" }"#,
    r#"drop = { message = "accepted", to = "WHOM" }"#,
    r#"drop = { message = "vote" }"#,
    r#"jam = { from = "WHOM" }"#,
    r#"jam = { to = "WHOM", message = "append" }"#,
    r#"slow_link = { from = "WHOM", factor = FACTOR }"#,
    r#"noise = { loss = 0.FACTOR, duplicate = 0.FACTOR, reorder = 0.FACTOR, corrupt = 0.FACTOR }"#,
    r#"swizzle = "all""#,
    r#"crash = "WHOM""#,
    r#"kill_host = "WHOM""#,
    r#"power = "all""#,
    r#"power = "any_zone""#,
    r#"wipe = "WHOM""#,
    r#"rot = "WHOM""#,
    r#"rolling = { on = "all", gap = "FACTORms" }"#,
    r#"crash_at = { on = "WHOM", after = "write" }"#,
    r#"crash_at = { on = "WHOM", after = "flush" }"#,
    r#"crash_at = { on = "WHOM", before = "append", nth = FACTOR }"#,
    r#"pause = "WHOM""#,
    r#"slow_cpu = { on = "WHOM", factor = FACTOR }"#,
    r#"slow_disk = { on = "WHOM", factor = FACTOR }"#,
    r#"stall_disk = "WHOM""#,
    r#"fail_writes = "WHOM""#,
    r#"fill_disk = "WHOM""#,
    r#"fail_flushes = "WHOM""#,
    r#"step_clock = { on = "WHOM", by = "-FACTORs" }"#,
];

/// Whom they are aimed at.
const WHOM: [&str; 7] = [
    "leader",
    "follower",
    "any",
    "n1",
    "minority",
    "all",
    "candidate",
];

/// Any of them, aimed at anybody.
fn fault() -> impl Strategy<Value = String> {
    let what = (
        prop::sample::select(&FAULTS[..]),
        prop::sample::select(&WHOM[..]),
        10..60_u32,
    );
    let what = what.prop_map(|(what, whom, factor)| {
        what.replace("WHOM", whom)
            .replace("FACTOR", &factor.to_string())
    });
    let times = (0..4000_u32, 200..3000_u32, 1..2000_u32);
    (what, times).prop_map(|(what, (at, every, lasts))| {
        let until = 2 * every;
        format!("[[fault]]\nat = \"{at}ms\"\nevery = \"{every}ms..{until}ms\"\nfor = \"1ms..{lasts}ms\"\n{what}\n")
    })
}

/// A cluster of any size with any constants, under any of them.
fn scenario() -> impl Strategy<Value = String> {
    let sizes = (4..8_u32, 1..7_u32, 10..400_u32, 1..6_u32);
    let options = (1..2000_u32, 1..5_u32, prop::bool::ANY);
    let laws = (1..40_u32, 1..20_u32, 0..5000_u32, 0..6_usize);
    (sizes, options, laws, prop::collection::vec(fault(), 0..5)).prop_map(
        |(
            (nodes, clients, rate, keys),
            (batch, window, check_quorum),
            (latency, flush, drift, kind),
            faults,
        )| {
            let (machine, calm) = [("gce_8_vcpu", "all"), ("aws_m5_large", "core")][kind % 2];
            let latency = [
                format!("\"1ms..{latency}ms\""),
                format!("{{ exponential = {{ least = \"1ms\", mean = \"{}ms\" }} }}", 1 + latency / 3),
                format!("{{ bimodal = {{ usual = \"1ms..2ms\", slow = \"{latency}ms\", share = 0.1 }} }}"),
            ][kind / 2]
                .clone();
            format!(
                "mode = \"raft\"\nnodes = {nodes}\nseeds = \"0..1\"\nlength = \"5s\"\n\
                 machine = \"{machine}\"\ncalm = \"{calm}\"\nzones = 3\n\
                 [network]\nlatency = {latency}\n\
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
