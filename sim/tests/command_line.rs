//! The command line as its user meets it: what it prints, what it refuses, and its exit codes.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Output};

use insta::assert_snapshot;

fn netsplit(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_netsplit"));
    command
        .args(args)
        .env_remove("NETSPLIT_LOG")
        .env("NO_COLOR", "1")
        .env("NO_GRAPHICS", "1");
    command.output().expect("the binary runs")
}

/// What a scenario that differs from a sound one in one place is told.
fn refusal(change: &str, to: &str) -> String {
    const SOUND: &str = r#"
mode = "raft"
nodes = 5
seeds = "0..2"
length = "5s"

[network]
latency = "1ms..15ms"
loss = 0.01

[options]
heartbeat = "50ms"

[workload]
clients = 2
rate = "50/s"
mix = { put = 3, get = 1 }

[[fault]]
at = "1s"
partition = ["leader", "others"]
for = "2s"

[expect]
sees = ["leads"]
"#;
    assert!(
        SOUND.contains(change),
        "`{change}` is in the sound scenario"
    );
    refused(&SOUND.replacen(change, to, 1))
}

/// What a scenario is told that cannot be run.
fn refused(scenario: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder for the scenario");
    let path = folder.path().join("scenario.toml");
    fs::write(&path, scenario).expect("the scenario is written");
    let output = netsplit(&["run", &path.display().to_string()]);
    let text = String::from_utf8_lossy(&output.stderr)
        .replace(&path.display().to_string(), "scenario.toml");
    assert_eq!(output.status.code(), Some(3), "{text}");
    text
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest() {
    assert_snapshot!(refusal("length =", "lenght ="));
}

#[test]
fn an_unknown_key_of_a_fault_is_refused_with_the_nearest() {
    assert_snapshot!(refusal("partition =", "partitoin ="));
}

#[test]
fn an_unknown_option_is_refused_with_the_nearest() {
    assert_snapshot!(refusal("heartbeat =", "hartbeat ="));
}

#[test]
fn an_unknown_mode_is_refused_with_the_nearest() {
    assert_snapshot!(refusal("\"raft\"", "\"rafd\""));
}

#[test]
fn a_wrong_node_count_is_refused() {
    assert_snapshot!(refusal("nodes = 5", "nodes = 50"));
}

#[test]
fn a_fault_after_the_end_is_refused() {
    assert_snapshot!(refusal("at = \"1s\"", "at = \"5s\""));
}

#[test]
fn an_empty_mix_is_refused() {
    assert_snapshot!(refusal("{ put = 3, get = 1 }", "{ put = 0 }"));
}

#[test]
fn an_unknown_operation_is_refused_with_the_nearest() {
    assert_snapshot!(refusal("{ put = 3, get = 1 }", "{ putt = 3 }"));
}

#[test]
fn a_probability_above_one_is_refused() {
    assert_snapshot!(refusal("loss = 0.01", "loss = 1.5"));
}

#[test]
fn a_range_with_its_ends_swapped_is_refused() {
    assert_snapshot!(refusal("1ms..15ms", "15ms..1ms"));
}

#[test]
fn a_target_that_the_mode_does_not_have_is_refused_with_the_nearest() {
    assert_snapshot!(refusal("\"leader\"", "\"leadre\""));
}

#[test]
fn a_node_that_the_scenario_does_not_have_is_refused() {
    assert_snapshot!(refusal("\"leader\"", "\"n6\""));
}

#[test]
fn a_duration_without_unit_is_refused() {
    assert_snapshot!(refusal("length = \"5s\"", "length = \"5\""));
}

#[test]
fn a_duration_that_is_a_bare_number_is_refused() {
    assert_snapshot!(refusal("length = \"5s\"", "length = 5"));
}

#[test]
fn a_number_below_zero_is_refused() {
    assert_snapshot!(refusal("clients = 2", "clients = -2"));
}

#[test]
fn a_fault_without_an_end_is_refused() {
    assert_snapshot!(refusal("for = \"2s\"\n", ""));
}

#[test]
fn a_fault_that_does_nothing_is_refused() {
    assert_snapshot!(refusal("partition = [\"leader\", \"others\"]\n", ""));
}

#[test]
fn a_shape_that_does_not_exist_is_refused_with_the_nearest() {
    assert_snapshot!(refusal("[\"leader\", \"others\"]", "\"half\""));
}

#[test]
fn a_message_that_the_mode_does_not_send_is_refused_with_the_nearest() {
    assert_snapshot!(refusal(
        "partition = [\"leader\", \"others\"]",
        "drop = { message = \"apend\" }"
    ));
}

#[test]
fn a_partition_of_one_group_is_refused() {
    assert_snapshot!(refusal("[\"leader\", \"others\"]", "[\"leader\"]"));
}

#[test]
fn a_missing_key_is_named() {
    assert_snapshot!(refusal("seeds = \"0..2\"\n", ""));
}

#[test]
fn an_option_that_cannot_be_is_refused_with_the_reason() {
    assert_snapshot!(refusal("heartbeat = \"50ms\"", "heartbeat = \"400ms\""));
}

#[test]
fn an_option_in_a_table_is_pointed_at_wherever_it_stands() {
    let scenario = |options: &str| {
        format!(
            "mode = \"zone_sync\"\nnodes = 3\nseeds = \"0..1\"\nlength = \"5s\"\n{options}\n\
             [workload]\nclients = 1\nrate = \"10/s\"\nmix = {{ put = 1 }}\n"
        )
    };
    let refusals: Vec<String> = [
        "[options.keyval]\ncapacity = 5\nlife = \"0s\" # no time at all",
        "[options]\n# keyval.life = \"1s\"\nkeyval = { capacity = 5, life = \"0s\" }",
        "[options]\nkeyval.life = \"0s\"",
        "options = { sticky = { life = \"1s\" }, keyval.life = \"0s\" }",
    ]
    .iter()
    .map(|options| refused(&scenario(options)))
    .collect();
    assert_snapshot!(refusals.join("\n"));
}

#[test]
fn a_note_that_the_mode_does_not_have_is_refused() {
    assert_snapshot!(refusal("[\"leads\"]", "[\"lead\"]"));
}

#[test]
fn a_flag_that_makes_no_sense_is_refused() {
    for args in [
        &["run", "scenarios/raft", "--seeds", "9..3"][..],
        &["run", "--seed", "x", "scenarios"],
        &["dance"],
    ] {
        assert_eq!(netsplit(args).status.code(), Some(3), "{args:?}");
    }
}

#[test]
fn a_path_without_scenarios_is_refused() {
    let output = netsplit(&["run", "nowhere"]);
    assert_eq!(output.status.code(), Some(3));
    assert_snapshot!(String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_scenario_that_holds_exits_with_0_and_a_row() {
    let output = netsplit(&["run", "scenarios/raft/quiet.toml", "--seed", "1"]);
    assert_eq!(output.status.code(), Some(0));
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        table
            .lines()
            .any(|line| line.contains("raft/quiet") && line.contains("holds")),
        "{table}"
    );
}

#[test]
fn a_seed_that_is_asked_for_reports_its_own_violation_and_how_to_replay_it() {
    let output = netsplit(&[
        "run",
        "scenarios/must_fail/raft/loses_append_flush.toml",
        "--seed",
        "0",
    ]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("committed_is_durable at "), "{text}");
    assert!(
        text.contains("netsplit replay scenarios/must_fail/raft/loses_append_flush.toml --seed 0"),
        "{text}"
    );
}

#[test]
fn a_replay_shows_the_same_violation_with_its_trace() {
    let output = netsplit(&[
        "replay",
        "scenarios/must_fail/raft/loses_vote_flush.toml",
        "--seed",
        "0",
        "--trace",
    ]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        text.contains("VIOLATION of leaders_hold_durable_votes"),
        "{text}"
    );
    assert!(text.contains("request_vote term 1"), "{text}");
}

#[test]
fn a_replay_can_be_cut_to_a_time_and_a_node() {
    let args = [
        "replay",
        "scenarios/raft/quiet.toml",
        "--seed",
        "0",
        "--trace",
        "--until",
        "200ms",
        "--node",
        "n2",
    ];
    let text = String::from_utf8_lossy(&netsplit(&args).stdout).into_owned();
    let events: Vec<&str> = text
        .lines()
        .take_while(|line| !line.starts_with("raft/"))
        .collect();
    assert!(events.len() > 10, "{text}");
    assert!(
        events
            .iter()
            .all(|line| line.contains("0.0") || line.contains("0.1") || line.contains("0.2")),
        "{text}"
    );
    assert!(events.iter().all(|line| line.contains("  n2 ")), "{text}");
}

#[test]
fn a_replay_of_a_key_shows_its_whole_play() {
    let args = [
        "replay",
        "scenarios/raft/quiet.toml",
        "--seed",
        "0",
        "--trace",
        "--key",
        "k0",
    ];
    let text = String::from_utf8(netsplit(&args).stdout).expect("a transcript is text");
    let operations = |what: &str| -> BTreeSet<String> {
        let said = text.lines().filter_map(|line| line.split_once(what));
        said.map(|(_, rest)| rest[..rest.find(':').unwrap_or(rest.len())].to_owned())
            .collect()
    };
    let asked = operations(" asks #");
    assert!(asked.len() > 10, "{text}");
    assert_eq!(operations(" answers #"), asked, "{text}");
    for (what, least) in [
        ("  writes entries", 30),
        ("  flushed, ", 30),
        (": answer ", 20),
    ] {
        let shown = text.lines().filter(|line| line.contains(what)).count();
        assert!(shown >= least, "{shown} of `{what}`:\n{text}");
    }
    assert!(
        text.lines()
            .filter(|line| line.contains("asks #"))
            .all(|line| line.contains("k0"))
    );
}

#[test]
fn a_filter_that_nothing_can_pass_is_refused() {
    for filter in [["--node", "n9"], ["--key", "seven"], ["--until", "3"]] {
        let args = [
            &[
                "replay",
                "scenarios/raft/quiet.toml",
                "--seed",
                "0",
                "--trace",
            ][..],
            &filter[..],
        ]
        .concat();
        assert_eq!(netsplit(&args).status.code(), Some(3), "{filter:?}");
    }
}

#[test]
fn a_file_that_is_no_scenario_is_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder for the scenario");
    for (name, content) in [
        ("empty.toml", &b""[..]),
        ("cut.toml", b"mode = \"raft"),
        ("bytes.toml", b"\xff\xfe\x00"),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, content).expect("the file is written");
        let output = netsplit(&["run", &path.display().to_string()]);
        assert_eq!(output.status.code(), Some(3), "{name}");
        assert!(
            String::from_utf8_lossy(&output.stderr).contains(name),
            "{name}"
        );
    }
}

#[test]
fn the_log_reads_like_that_of_a_real_cluster() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_netsplit"));
    command
        .args(["replay", "scenarios/raft/quiet.toml", "--seed", "0"])
        .env("NETSPLIT_LOG", "raft=debug");
    let text = String::from_utf8(command.output().expect("the binary runs").stdout).unwrap();
    assert!(text.contains("campaigns, term 1"), "{text}");
    assert!(!text.contains("append term"), "{text}");
    command.env("NETSPLIT_LOG", "raft=loud");
    assert_eq!(
        command.output().expect("the binary runs").status.code(),
        Some(3)
    );
}

#[test]
fn the_list_names_what_a_scenario_can_say() {
    let output = netsplit(&["list", "raft"]);
    assert_eq!(output.status.code(), Some(0));
    assert_snapshot!(String::from_utf8_lossy(&output.stdout));
}
