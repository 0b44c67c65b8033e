//! Every key of a scenario, written wrong: what is said, at which line, and what would be right.

use std::fmt::Write as _;

use insta::assert_snapshot;
use miette::Diagnostic;
use netsplit_sim::modes;
use netsplit_sim::scenario::Source;

const TOP: &str = r#"mode = "raft"
nodes = 3
seeds = "0..1"
length = "5s"
"#;

const REST: &str = r#"
[workload]
clients = 2
rate = "100/s"
mix = { put = 1 }
"#;

/// What is wrong with a scenario that has these lines on top, or this fault at its end.
fn refused(top: &str, fault: &str) -> String {
    let fault = if fault.is_empty() {
        String::new()
    } else {
        format!("[[fault]]\nat = \"1s\"\n{fault}\n")
    };
    let text = format!("{TOP}{top}\n{REST}{fault}");
    let source = Source {
        path: "bad.toml".into(),
        text: text.clone(),
    };
    let Err(problem) = modes::read(&modes::SHIPPED, &source) else {
        panic!("accepted: {top}{fault}");
    };
    let place = problem.labels().and_then(|mut labels| labels.next());
    let place = place.unwrap_or_else(|| panic!("nowhere: {problem}"));
    let line = text[..place.offset()].lines().count().max(1);
    let line = if text[..place.offset()].ends_with('\n') {
        line + 1
    } else {
        line
    };
    let what = text.lines().nth(line - 1).unwrap_or_default();
    let help = Diagnostic::help(&problem).map_or_else(String::new, |help| help.to_string());
    let label = place.label().unwrap_or_default();
    let mut story = format!("{what}\n    {problem}");
    if label != "here" {
        let _ = write!(story, " ({label})");
    }
    story + "\n    " + &help + "\n"
}

#[test]
fn everything_on_top_of_a_scenario_that_cannot_be() {
    let cases = [
        "calm = \"most\"",
        "machine = \"gce_n1_standrd_8\"",
        "zones = 0",
        "zones = 4",
        "zones = \"east\"",
        "zones = { leader = [\"n1\"] }",
        "zones = { \"far east\" = [\"n1\"] }",
        "zones = { east = [\"n1\"], west = [\"n1\"] }",
        "zones = { east = [\"n9\"] }",
        "zones = { east = [\"nobody\"] }",
        "zones = { east = [\"n01\"] }",
        "network.latency = { exponental = { mean = \"5ms\" } }",
        "network.latency = { exponential = { mean = \"0s\" } }",
        "network.latency = { exponential = { men = \"1s\" } }",
        "network.latency = { bimodal = { usual = \"1ms\", slow = \"9ms\", share = 2 } }",
        "network.latency = { wan = { bas = \"1ms\" } }",
        "network.latency = 5",
        "network.corrupt = 1.5",
        "network.bandwidth = \"1Gb\"",
        "network.bandwidth = \"0bit/s\"",
        "network.queue = \"1MiB\"",
        "network = { bandwidth = \"1Gbit/s\", queue = \"1MB\" }",
        "network.between = { east-west = \"5ms\" }",
        "zones = 2\nnetwork.between = { z1-z3 = \"5ms\" }",
        "disk.bandwidth = \"120MiB\"",
        "disk.bandwidth = \"0B/s\"",
        "cpu.message = 5",
        "cpu.mesage = \"5us\"",
        "options.reads = 0",
    ];
    let all: String = cases.iter().map(|top| refused(top, "")).collect();
    assert_snapshot!(all);
}

#[test]
fn every_fault_that_cannot_be() {
    let cases = [
        "for = \"1s\"\nflap = \"100us\"\npartition = \"halves\"",
        "for = \"1s\"\nflap = \"10ms\"\ncrash = \"any\"",
        "for = \"1s\"\nflap = 10\npause = \"any\"",
        "for = \"1s\"\npartition = \"onne\"",
        "for = \"1s\"\npartition = [\"minority\", \"any_zone\"]",
        "for = \"1s\"\npartition = [\"n1\", \"n1\"]",
        "for = \"1s\"\npartition = [[\"n1\", \"n2\"], [\"n2\", \"n1\"]]",
        "for = \"1s\"\ncut = { from = \"n1\", to = \"n1\" }",
        "for = \"1s\"\nstall_streams = { from = \"n2\", to = [\"n2\"] }",
        "for = \"1s\"\ndrop = { mesage = \"vote\" }",
        "for = \"1s\"\ndrop = { to = [] }",
        "for = \"1s\"\njam = { from = \"lader\" }",
        "for = \"1s\"\njam = { message = \"votes\" }",
        "for = \"1s\"\njam = { from = \"c1\", to = \"c1\" }",
        "for = \"1s\"\nslow_link = { from = \"leader\", factor = 0 }",
        "for = \"1s\"\nslow_link = { from = \"leader\" }",
        "for = \"1s\"\nnoise = { corrupt = -0.1 }",
        "for = \"1s\"\nnoise = { from = \"leader\" }",
        "for = \"1s\"\nnoise = { loss = 0.0, corrupt = 0.0 }",
        "for = \"1s\"\nswizzle = \"n7\"",
        "for = \"1s\"\npause = \"n01\"",
        "for = \"1s\"\npause = \"n+2\"",
        "for = \"1s\"\npause = \"n99999999999\"",
        "for = \"1s\"\npause = \"c-1\"",
        "for = \"1s\"\nkill_host = 3",
        "for = \"1s\"\nwipe = \"nobody\"",
        "for = \"1s\"\nrot = \"c9\"",
        "for = \"1s\"\nrolling = \"all\"",
        "for = \"1s\"\nrolling = { on = \"all\", gap = \"soon\" }",
        "for = \"1s\"\nrolling = { on = \"all\", quit = \"yes\" }",
        "for = \"1s\"\nquit = \"leeder\"",
        "quit = \"any\"",
        "for = \"1s\"\nflap = \"10ms\"\nquit = \"any\"",
        "for = \"1s\"\ncrash_at = { on = \"leader\" }",
        "for = \"1s\"\ncrash_at = { on = \"leader\", after = \"write\", before = \"vote\" }",
        "for = \"1s\"\ncrash_at = { on = \"leader\", after = \"flsh\" }",
        "for = \"1s\"\ncrash_at = { on = \"leader\", after = \"flush\", nth = 2 }",
        "for = \"1s\"\ncrash_at = { on = \"leader\", before = \"apend\" }",
        "for = \"1s\"\ncrash_at = { on = \"leader\", before = \"append\", nth = 0 }",
        "for = \"1s\"\nslow_cpu = { on = \"leader\", factor = 3 }",
        "for = \"1s\"\nslow_disk = { on = \"leader\", factor = 0 }",
        "for = \"1s\"\nstall_disk = []",
        "for = \"1s\"\nfail_writes = \"disk\"",
        "for = \"1s\"\nfill_disk = \"disk\"",
        "for = \"1s\"\nfail_flushes = \"disk\"",
        "for = \"1s\"\nfake_flushes = \"all\"",
        "for = \"1s\"\nstep_clock = { on = \"all\", by = \"back\" }",
        "for = \"1s\"\nstep_clock = { on = \"all\", by = \"9000h\" }",
        "for = \"1s\"\nfreeze_clock = \"clocks\"",
        "for = \"1s\"\nunlist = \"any\"",
        "for = \"1s\"\nresolver = { on = \"all\", answer = \"stale\" }",
        "for = \"1s\"\nresolver = { on = \"all\" }",
        "lose_queue = { on = \"leader\", queue = \"read\" }",
        "lose_queue = { on = \"leader\", queue = \"reads\", share = 50 }",
        "lose_queue = { on = \"leader\", queue = \"reads\", share = 0.0 }",
        "for = \"1s\"\nlose_queue = { on = \"leader\", queue = \"reads\" }",
        "crash = \"any\"",
        "for = \"1s\"\ncrash = \"any\"\npause = \"any\"",
    ];
    let all: String = cases.iter().map(|fault| refused("", fault)).collect();
    assert_snapshot!(all);
}
