//! Laws: what holds whatever happens.

mod cases;

use netsplit_sim::modes;
use netsplit_sim::play::Verdict;
use netsplit_sim::report::verdict::replay;
use netsplit_sim::scenario::Source;
use netsplit_sim::world::ground::Footing;
use proptest::prelude::*;

/// Every fault that the world knows, but the ones that Raft does not promise to survive and those of a name, which it does
/// not look up: WHOM is anybody, FACTOR a number
/// of two digits.
const RAFT_FAULTS: [&str; 37] = [
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
    r#"quit = "WHOM""#,
    r#"rolling = { on = "all", gap = "FACTORms" }"#,
    r#"rolling = { on = "all", gap = "FACTORms", quit = true }"#,
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
const RAFT_WHOM: [&str; 7] = [
    "leader",
    "follower",
    "any",
    "n1",
    "minority",
    "all",
    "candidate",
];

/// Every fault that the world knows: zone_sync promises to survive them all.
const ZONE_SYNC_FAULTS: [&str; 46] = [
    r#"partition = ["minority", "others"]"#,
    r#"partition = ["any_zone", "others"]"#,
    r#"partition = ["n1", "n2"]"#,
    r#"partition = "one""#,
    r#"partition = "halves""#,
    r#"partition = "bridge""#,
    r#"partition = "majorities_ring""#,
    r#"cut = { from = "WHOM", to = "others" }"#,
    r#"cut = { from = "n2", to = "n1" }"#,
    r#"drop = { message = "live" }"#,
    r#"drop = { message = "snapshot", to = "WHOM" }"#,
    r#"drop = { message = "digest" }"#,
    r#"drop = { message = "want", from = "WHOM" }"#,
    r#"drop = { message = "keepalive" }"#,
    r#"jam = { from = "WHOM" }"#,
    r#"jam = { to = "WHOM", message = "live" }"#,
    r#"slow_link = { from = "WHOM", factor = FACTOR }"#,
    r#"noise = { loss = 0.FACTOR, duplicate = 0.FACTOR, reorder = 0.FACTOR, corrupt = 0.FACTOR }"#,
    r#"swizzle = "all""#,
    r#"reset_streams = { from = "WHOM", to = "all" }"#,
    r#"stall_streams = { from = "WHOM", to = "all" }"#,
    r#"stall_streams = { from = "all", to = "WHOM", way = "back" }"#,
    r#"stall_streams = { from = "all", to = "WHOM", way = "forth" }"#,
    r#"crash = "WHOM""#,
    r#"kill_host = "WHOM""#,
    r#"power = "all""#,
    r#"power = "any_zone""#,
    r#"wipe = "WHOM""#,
    r#"rot = "WHOM""#,
    r#"quit = "WHOM""#,
    r#"rolling = { on = "all", gap = "FACTORms", quit = true }"#,
    r#"crash_at = { on = "WHOM", after = "write" }"#,
    r#"crash_at = { on = "WHOM", before = "live", nth = FACTOR }"#,
    r#"pause = "WHOM""#,
    r#"slow_cpu = { on = "WHOM", factor = FACTOR }"#,
    r#"slow_disk = { on = "WHOM", factor = FACTOR }"#,
    r#"stall_disk = "WHOM""#,
    r#"fail_writes = "WHOM""#,
    r#"fill_disk = "WHOM""#,
    r#"fail_flushes = "WHOM""#,
    r#"fake_flushes = "WHOM""#,
    r#"step_clock = { on = "WHOM", by = "-FACTORs" }"#,
    r#"step_clock = { on = "WHOM", by = "FACTORs" }"#,
    r#"freeze_clock = "WHOM""#,
    r#"lose_queue = { on = "WHOM", queue = "kv", share = 0.FACTOR }"#,
    r#"lose_queue = { on = "WHOM", queue = "sessions" }"#,
];

/// The same, and those of the name by which nodes find each other.
const NAME_FAULTS: [&str; 4] = [
    r#"unlist = "WHOM""#,
    r#"resolver = { on = "WHOM", answer = "never" }"#,
    r#"resolver = { on = "WHOM", answer = "stale" }"#,
    r#"resolver = { on = "all", answer = "nothing" }"#,
];

/// Whom they are aimed at.
const ZONE_SYNC_WHOM: [&str; 6] = ["any", "n1", "n2", "minority", "majority", "all"];

/// Any of some faults, aimed at any of some, at any time before such an instant, in milliseconds.
fn fault(
    faults: &'static [&'static str],
    whom: &'static [&'static str],
    until: u32,
) -> impl Strategy<Value = String> {
    let what = (
        prop::sample::select(faults),
        prop::sample::select(whom),
        10..60_u32,
    );
    let what = what.prop_map(|(what, whom, factor)| {
        what.replace("WHOM", whom)
            .replace("FACTOR", &factor.to_string())
    });
    let times = (0..until, 200..until * 3 / 4, 1..until / 2);
    (what, times).prop_map(|(what, (at, every, lasts))| {
        let until = 2 * every;
        let at_once = what.starts_with("reset") || what.starts_with("lose");
        let lasts = if at_once {
            String::new()
        } else {
            format!("for = \"1ms..{lasts}ms\"\n")
        };
        format!("[[fault]]\nat = \"{at}ms\"\nevery = \"{every}ms..{until}ms\"\n{lasts}{what}\n")
    })
}

/// A cluster of any size with any constants, under any of them.
fn raft() -> impl Strategy<Value = String> {
    let sizes = (4..8_u32, 1..7_u32, 10..400_u32, 1..6_u32);
    let options = (1..2000_u32, 1..5_u32, prop::bool::ANY);
    let laws = (1..40_u32, 1..20_u32, 0..5000_u32, 0..6_usize);
    (sizes, options, laws, prop::collection::vec(fault(&RAFT_FAULTS, &RAFT_WHOM, 4000), 0..5)).prop_map(
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

/// A mesh of any size, with any timings and sizes, under any of them: some of these quick enough that most of a run is
/// judged by the bounds, and not excused.
fn zone_sync() -> impl Strategy<Value = String> {
    let sizes = (4..7_u32, 1..9_u32, 1..80_u32, 1..25_u32);
    let timings = (100..1000_u32, 50..1000_u32, 200..3000_u32, 200..4000_u32);
    let buffers = (1..9_u32, 256..5000_u32, 2..20_u32, 1..30_u32);
    let lives = (3..60_u32, 1..10_u32, 2..20_u32, 1..30_u32);
    let world = (1..40_u32, 0..4_usize, 0..2000_u32, 0..500_u32);
    let mix = prop::collection::vec(0..4_u32, 8);
    let switches = (prop::bool::ANY, prop::bool::ANY);
    let faults = prop_oneof![
        prop::collection::vec(fault(&ZONE_SYNC_FAULTS, &ZONE_SYNC_WHOM, 25_000), 0..5),
        prop::collection::vec(
            prop_oneof![
                fault(&ZONE_SYNC_FAULTS, &ZONE_SYNC_WHOM, 25_000),
                fault(&NAME_FAULTS, &ZONE_SYNC_WHOM, 25_000)
            ],
            0..5
        ),
    ];
    (sizes, timings, buffers, lives, world, mix, switches, faults).prop_map(
        |(
            (nodes, clients, rate, keys),
            (interval, retry, connect, timeout),
            (buffers, buffer_size, window, repair),
            (life, brief, limit, burst),
            (latency, kind, offset, drift),
            mix,
            (roam, names),
            faults,
        )| {
            let (machine, calm) = [("gce_8_vcpu", "all"), ("aws_m5_large", "core")][kind % 2];
            // Who asks another node each time asks the dead as often, and no budget is for that.
            let roam = roam && calm == "all";
            let timeout = interval + timeout;
            let window = window * buffer_size;
            let faults = faults.concat();
            let of_a_name = faults.contains("unlist") || faults.contains("resolver");
            let discovery = ["static", "names"][usize::from(names || of_a_name)];
            let kinds = [
                "get", "find", "put", "brief", "patch", "delete", "visit", "call",
            ];
            // Somebody always asks for something.
            let weights = kinds.iter().zip(&mix);
            let weights: Vec<String> = weights
                .map(|(kind, weight)| format!("{kind} = {}", weight + u32::from(*kind == "get")))
                .collect();
            format!(
                "mode = \"zone_sync\"\nnodes = {nodes}\nseeds = \"0..1\"\nlength = \"30s\"\n\
                 machine = \"{machine}\"\ncalm = \"{calm}\"\nzones = 3\n\
                 [network]\nlatency = \"1ms..{latency}ms\"\nwindow = \"{window}B\"\n\
                 [clock]\noffset = \"{offset}ms\"\ndrift = \"{drift}ppm\"\n\
                 [options]\ninterval = \"{interval}ms\"\nretry = \"{retry}ms\"\n\
                 connect_timeout = \"{connect}ms\"\ntimeout = \"{timeout}ms\"\n\
                 buffers = {buffers}\nbuffer_size = {buffer_size}\nrepair = \"{repair}s\"\n\
                 discovery = \"{discovery}\"\nvalid = \"{repair}s\"\nroam = {roam}\n\
                 [options.keyval]\nlife = \"{life}s\"\nbrief = \"{brief}s\"\n\
                 [options.sticky]\nlife = \"60s\"\n\
                 [options.limit]\nlife = \"{life}s\"\nrate = {limit}\nburst = {burst}\n\
                 [workload]\nclients = {clients}\nrate = \"{rate}/s\"\nkeys = {keys}\n\
                 mix = {{ {} }}\n{faults}",
                weights.join(", ")
            )
        },
    )
}

proptest! {
    #![proptest_config(cases::config())]

    #[test]
    fn any_schedule_of_faults_keeps_every_invariant_and_promise_of_raft(text in raft(), seed in 0_u64..1_000_000) {
        keeps_everything(text, seed)?;
    }

    #[test]
    fn any_schedule_of_faults_keeps_every_invariant_and_promise_of_zone_sync(
        text in zone_sync(), seed in 0_u64..1_000_000
    ) {
        keeps_everything(text, seed)?;
    }
}

fn keeps_everything(text: String, seed: u64) -> Result<(), TestCaseError> {
    let source = Source {
        path: "law.toml".into(),
        text,
    };
    let scenario = modes::read(&modes::SHIPPED, &source)
        .map_err(|problem| TestCaseError::fail(format!("{problem}\n{}", source.text)))?;
    let run = scenario.play(seed, Footing::Default);
    prop_assert!(
        run.verdict() != Verdict::Violated,
        "{:?}\n{}\n{}",
        run.violations,
        replay("netsplit", &source, seed),
        source.text
    );
    Ok(())
}
