//! A run of the pipes, as its transcript tells it.

use std::ops::Range;

use netsplit_sim::modes;
use netsplit_sim::play::{Play, Run};
use netsplit_sim::report::transcript::{self, Wanted};
use netsplit_sim::scenario::Source;

use super::pipes::Pipes;

/// One line of a transcript.
struct Line {
    /// When, in microseconds.
    at: u64,
    /// At which node; nothing if it befalls all.
    node: String,
    /// What.
    text: String,
}

/// What was seen of a run.
pub(crate) struct Seen {
    pub(crate) run: Run,
    lines: Vec<Line>,
}

/// What a scenario says if a test does not.
const USUAL: [(&str, &str); 5] = [
    ("nodes", "2"),
    ("length", "'400ms'"),
    ("network.latency", "'1ms'"),
    ("disk.flush", "'500us'"),
    (
        "workload",
        "{ clients = 1, rate = '50/s', mix = { ask = 1 } }",
    ),
];

/// A scenario that says this besides the usual, with these faults.
pub(crate) fn read(head: &str, faults: &[&str]) -> Box<dyn Play> {
    let mut text = format!("mode = 'pipes'\nseeds = '0..1'\n{head}\n");
    let given = |key: &str| {
        let keys = head.lines().filter_map(|line| line.split_once('='));
        keys.map(|(key, _)| key.trim()).any(|other| other == key)
    };
    for (key, value) in USUAL.iter().filter(|(key, _)| !given(key)) {
        text += &format!("{key} = {value}\n");
    }
    let faults: Vec<String> = faults
        .iter()
        .map(|fault| format!("{{ {fault} }}"))
        .collect();
    text += &format!("fault = [{}]\n", faults.join(", "));
    let path = "streams.toml".into();
    modes::read(&[&Pipes], &Source { path, text }).unwrap_or_else(|problem| panic!("{problem:?}"))
}

/// Runs a scenario, whatever comes of it.
pub(crate) fn watch(seed: u64, head: &str, faults: &[&str]) -> Seen {
    listen(read(head, faults).as_ref(), seed, Wanted::everything())
}

/// Runs a scenario and listens to what is wanted, whatever comes of it.
pub(crate) fn listen(scenario: &dyn Play, seed: u64, wanted: Wanted) -> Seen {
    let (run, text) = transcript::text(wanted, || scenario.play_here(seed));
    let lines = text.lines().filter_map(line).collect();
    Seen { run, lines }
}

/// Runs a scenario in which nothing is broken.
pub(crate) fn play(seed: u64, head: &str, faults: &[&str]) -> Seen {
    let seen = watch(seed, head, faults);
    assert_eq!(seen.run.violations, [], "seed {seed}\n{head}\n{faults:?}");
    seen
}

/// A line of a transcript; none for what goes on behind a line break, as the words of a panic do.
fn line(line: &str) -> Option<Line> {
    let (at, rest) = line.split_at_checked(12)?;
    let (seconds, micros) = at.trim().strip_suffix('s')?.split_once('.')?;
    let number = |digits: &str| digits.parse::<u64>().ok();
    Some(Line {
        at: number(seconds)? * 1_000_000 + number(micros)?,
        node: rest.get(..6)?.trim().to_owned(),
        text: rest.get(7..)?.to_owned(),
    })
}

impl Seen {
    /// Everything, in order: when, at which node and what.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (u64, &str, &str)> {
        let lines = self.lines.iter();
        lines.map(|line| (line.at, line.node.as_str(), line.text.as_str()))
    }

    /// What begins like this at a node: when, and how it goes on.
    pub(crate) fn all(&self, node: &str, text: &str) -> Vec<(u64, &str)> {
        let here = self.lines.iter().filter(|line| line.node == node);
        here.filter_map(|line| Some((line.at, line.text.strip_prefix(text)?)))
            .collect()
    }

    /// When something that begins like this happened at a node.
    pub(crate) fn when(&self, node: &str, text: &str) -> Vec<u64> {
        self.all(node, text).into_iter().map(|(at, _)| at).collect()
    }

    /// When something that begins like this first happened at a node.
    pub(crate) fn first(&self, node: &str, text: &str) -> Option<u64> {
        self.when(node, text).first().copied()
    }

    /// Which numbers follow something that begins like this at a node, and when, in that time.
    pub(crate) fn numbers(&self, node: &str, text: &str, time: Range<u64>) -> Vec<(u64, u64)> {
        let all = self.all(node, text).into_iter();
        all.filter(|(at, _)| time.contains(at))
            .map(|(at, number)| (at, number.trim().parse().expect("a number")))
            .collect()
    }

    /// When a node got which items of a stream, in that time.
    pub(crate) fn got(&self, node: &str, stream: &str, time: Range<u64>) -> Vec<(u64, u64)> {
        self.numbers(node, &format!("got {stream} "), time)
    }

    /// The last item that a node got of a stream; zero for none.
    pub(crate) fn last(&self, node: &str, stream: &str) -> u64 {
        let got = self.got(node, stream, 0..u64::MAX);
        got.last().map_or(0, |(_, number)| *number)
    }

    /// How the streams of a node ended: when, which and why.
    pub(crate) fn closed(&self, node: &str) -> Vec<(u64, &str)> {
        self.all(node, "closed ")
    }

    /// The faults as they struck.
    pub(crate) fn struck(&self) -> Vec<(u64, &str)> {
        let faults = self.run.faults.iter();
        faults
            .map(|(at, text)| (at.as_nanos() / 1000, text.as_str()))
            .collect()
    }
}

/// What is pushed every 10ms from an instant to before another, the first of which bears this number, and arrives so much
/// later.
pub(crate) fn ticks(time: Range<u64>, first: u64, later: u64) -> Vec<(u64, u64)> {
    let ticks = time.start.div_ceil(10_000)..time.end.div_ceil(10_000);
    ticks
        .zip(first..)
        .map(|(tick, number)| (tick * 10_000 + later, number))
        .collect()
}

/// These items, all at one instant.
pub(crate) fn at_once(at: u64, numbers: Range<u64>) -> Vec<(u64, u64)> {
    numbers.map(|number| (at, number)).collect()
}
