//! A large one: a third of its session servers is cut off for longer than leases last, and comes back.

use netsplit_sim::play::Play;

use crate::bystander::read;

/// A row: with so many publishers, and as many subscribers.
pub(crate) fn row(publishers: u32) -> String {
    let cut: Vec<String> = (1..=33).map(|number| format!("\"s{number}\"")).collect();
    let scenario = format!(
        r#"
        mode = "session_data"
        nodes = {{ session = 100, data = 20, meta = 3 }}
        seeds = "0..1"
        length = "150s"
        [workload]
        clients = {}
        rate = "{}/s"
        keys = {}
        mix = {{ look = 1, publish = 1 }}
        [[fault]]
        at = "65s"
        for = "75s"
        partition = [[{}], "others"]
        "#,
        publishers / 100,
        publishers * 23 / 1000,
        publishers / 20,
        cut.join(", ")
    );
    let run = read("scale.toml", scenario).play_here(0);
    let gauge = |letter: char, name: &str| {
        let servers = run.gauges.iter().filter(|(id, _)| id.letter() == letter);
        let all = servers.flat_map(|(_, gauges)| gauges.iter());
        let found = all.filter(|(known, _)| *known == name);
        found.map(|(_, value)| *value).sum::<u64>()
    };
    let (held, subscribed) = (gauge('s', "registrations"), gauge('s', "subscriptions"));
    let well = run.converged.map_or("never".into(), |span| {
        format!("{:.1} s", span.as_millis_f64() / 1000.0)
    });
    let (messages, events) = (run.messages as f64 / 1e6, run.events as f64 / 1e6);
    format!(
        "| {publishers} | {held} | {subscribed} | {:?} | {well} | {messages:.1} M | {events:.1} M |\n",
        run.verdict()
    )
}
