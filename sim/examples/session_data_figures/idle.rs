//! What it costs when nothing changes.

use netsplit::{Span, Time};

use crate::bystander::{Seen, Traffic, look};

/// Until when clients are listened to, and from when to when it counts, in seconds.
const UNTIL: u64 = 90;
const FROM: u64 = 110;
const WINDOW: u64 = 60;

/// What messages are about, by the kinds of them.
const ABOUT: [(&str, &[&str]); 3] = [
    (
        "comparisons",
        &[
            "compare",
            "compared",
            "digests",
            "differing",
            "summaries",
            "publishers",
            "outdated",
        ],
    ),
    ("versions", &["scan", "scanned", "level", "leveled"]),
    (
        "signs of life",
        &[
            "hello", "ping", "pong", "beat", "beaten", "leader", "news", "lock",
        ],
    ),
];

/// Two rows: with one sum first, and without; for so many session servers.
pub(crate) fn rows(sessions: u32) -> String {
    let [ours, real] = [true, false].map(|sum_first| costs(sessions, sum_first));
    // Signs of life are the same.
    let asked = |costs: &[Traffic]| (costs[0].messages + costs[1].messages) as f64;
    let less = asked(&real) / asked(&ours);
    assert!(less >= 10.0, "{less} times as many for {sessions}");
    let row = |name: &str, costs: &[Traffic]| {
        let columns: String = costs
            .iter()
            .map(|one| {
                let each = |sum: u64| sum as f64 / WINDOW as f64;
                format!(
                    " {:.0} | {:.1} |",
                    each(one.messages),
                    each(one.bytes) / 1000.0
                )
            })
            .collect();
        format!("| {sessions} | {name} |{columns}\n")
    };
    let (ours, real) = (row("one sum first", &ours), row("every slot", &real));
    format!("{ours}{real}")
}

fn costs(sessions: u32, sum_first: bool) -> Vec<Traffic> {
    let length = FROM + WINDOW;
    let scenario = format!(
        r#"
        mode = "session_data"
        nodes = {{ session = {sessions}, data = 20, meta = 3 }}
        seeds = "0..1"
        length = "{length}s"
        [options.rules]
        sum_first = {sum_first}
        [workload]
        clients = {}
        rate = "{}/s"
        keys = 2560
        mix = {{ publish = 1, look = 1 }}
        "#,
        sessions * 10,
        sessions * 10 * 4 / 5
    );
    let seen: Seen = look(scenario, Some(Time::ZERO + Span::secs(UNTIL)));
    let known: Vec<&str> = ABOUT
        .iter()
        .flat_map(|(_, kinds)| *kinds)
        .copied()
        .collect();
    let of = |kinds: &[&str]| {
        let found = seen.among.iter().filter(|(kind, _)| kinds.contains(kind));
        found.fold(Traffic::default(), |sum, (_, one)| Traffic {
            messages: sum.messages + one.messages,
            bytes: sum.bytes + one.bytes,
        })
    };
    for kind in seen.among.keys() {
        assert!(known.contains(kind), "{kind} is sent, and nothing changes");
    }
    ABOUT.iter().map(|(_, kinds)| of(kinds)).collect()
}
