//! A mesh of a thousand: a million streams.

use netsplit_sim::play::Play;

use crate::watch::read;

/// What becomes of it, in words.
pub(crate) fn print() {
    let scenario = read(
        r#"
        mode = "zone_sync"
        nodes = 1000
        seeds = "0..1"
        length = "6s"
        [workload]
        clients = 5
        rate = "10/s"
        keys = 20
        mix = { put = 1 }
        "#
        .into(),
    );
    let run = scenario.play_here(0);
    let verdict = run.verdict();
    let converged = run.converged.map_or_else(
        || "never".to_owned(),
        |span| format!("{:.0} ms", span.as_millis_f64()),
    );
    println!(
        "A thousand nodes with the defaults of the mode, 1 to 5 ms apart, and ten updates a second for {}, judged as every scenario is. \
         Verdict: {verdict:?}. Each has a stream to each, a million in all; {} messages were sent, of which most compare \
         what two nodes hold when they meet. All nodes were equal, and a fresh operation of each kind and a read of each \
         key done, {converged} of virtual time after the last of the updates.",
        scenario.length, run.messages
    );
}
