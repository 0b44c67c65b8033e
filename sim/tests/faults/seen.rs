//! A run of the probe, as its transcript tells it.

use std::ops::Range;

use netsplit_sim::check::log::FaultLog;
use netsplit_sim::modes;
use netsplit_sim::play::{Play, Run};
use netsplit_sim::report::transcript::{self, Wanted};
use netsplit_sim::scenario::{Problem, Scenario, Source};
use netsplit_sim::world::World;
use netsplit_sim::world::ground::Ground;

use super::probe::Probe;

/// One line of a transcript.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Line {
    /// When, in microseconds.
    pub(crate) at: u64,
    /// At which node; nothing if it befalls all.
    pub(crate) node: String,
    /// What.
    pub(crate) text: String,
}

/// What was seen of a run.
pub(crate) struct Seen {
    pub(crate) run: Run,
    pub(crate) lines: Vec<Line>,
}

/// What a scenario says if a test does not.
const USUAL: [(&str, &str); 5] = [
    ("nodes", "3"),
    ("length", "'400ms'"),
    ("network.latency", "'1ms'"),
    ("disk.flush", "'500us'"),
    (
        "workload",
        "{ clients = 1, rate = '50/s', mix = { ask = 1 } }",
    ),
];

fn source(head: &str, faults: &[&str]) -> Source {
    let mut text = format!("mode = 'probe'\nseeds = '0..1'\n{head}\n");
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
    let path = "faults.toml".into();
    Source { path, text }
}

fn read(head: &str, faults: &[&str]) -> Result<Box<dyn Play>, Problem> {
    modes::read(&[&Probe], &source(head, faults))
}

/// What the judges of such a scenario are told of its faults.
pub(crate) fn log(head: &str, faults: &[&str]) -> FaultLog {
    let scenario = Scenario::<Probe>::read(&source(head, faults))
        .unwrap_or_else(|problem| panic!("{problem:?}"));
    World::new(&scenario, 0, Ground::plain()).run().log
}

/// Runs a scenario that says this besides the usual, with these faults.
pub(crate) fn play(seed: u64, head: &str, faults: &[&str]) -> Seen {
    let scenario = read(head, faults).unwrap_or_else(|problem| panic!("{problem:?}"));
    let (run, text) = transcript::text(Wanted::everything(), || scenario.play_here(seed));
    assert_eq!(run.violations, [], "{text}");
    let lines = text.lines().map(line).collect();
    Seen { run, lines }
}

/// Why a scenario cannot be read; nothing if it can.
pub(crate) fn refused(head: &str, faults: &[&str]) -> Option<String> {
    read(head, faults).err().map(|problem| problem.to_string())
}

/// An instant as it is printed, in microseconds.
pub(crate) fn micros(instant: &str) -> u64 {
    let seconds = instant.trim_end_matches('s').split_once('.');
    let (seconds, micros) = seconds.expect("an instant has a point");
    let number = |digits: &str| digits.parse::<u64>().expect("an instant has digits");
    number(seconds) * 1_000_000 + number(micros)
}

fn line(line: &str) -> Line {
    let (at, rest) = line.split_at(12);
    Line {
        at: micros(at.trim()),
        node: rest[..6].trim().to_owned(),
        text: rest[7..].to_owned(),
    }
}

/// The names of so many servers.
pub(crate) fn servers(count: usize) -> Vec<String> {
    (1..=count).map(|number| format!("n{number}")).collect()
}

impl Seen {
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

    /// Whether nothing that begins like this happened at a node.
    pub(crate) fn never(&self, node: &str, text: &str) -> bool {
        self.all(node, text).is_empty()
    }

    /// How often, from an instant to before another.
    pub(crate) fn count(&self, node: &str, text: &str, time: Range<u64>) -> usize {
        let when = self.when(node, text);
        when.into_iter().filter(|at| time.contains(at)).count()
    }

    /// When one took in which messages of a kind of another, in that time.
    pub(crate) fn heard(
        &self,
        who: &str,
        whom: &str,
        kind: &str,
        time: Range<u64>,
    ) -> Vec<(u64, u64)> {
        let all = self.all(who, &format!("hears {whom}: {kind} "));
        all.into_iter()
            .filter(|(at, _)| time.contains(at))
            .map(|(at, number)| (at, number.parse().expect("messages are numbered")))
            .collect()
    }

    /// Who takes in a beat of whom in that time, a line each: `n1 hears n2 n3`.
    pub(crate) fn circle(&self, nodes: usize, time: Range<u64>) -> Vec<String> {
        let servers = servers(nodes);
        let hears = |who: &String| {
            let whom = servers
                .iter()
                .filter(|whom| !self.heard(who, whom, "beat", time.clone()).is_empty());
            whom.fold(format!("{who} hears"), |line, whom| line + " " + whom)
        };
        servers.iter().map(hears).collect()
    }

    /// The records that the starts of a node found, and its damage, after the first start.
    pub(crate) fn found(&self, node: &str) -> Vec<(u64, Vec<String>)> {
        let boots = self.all(node, "boots at ").into_iter().skip(1);
        let words = |text: &str| text.split(' ').skip(2).map(str::to_owned).collect();
        boots.map(|(at, text)| (at, words(text))).collect()
    }

    /// The faults as they struck.
    pub(crate) fn struck(&self) -> Vec<(u64, &str)> {
        let faults = self.run.faults.iter();
        faults
            .map(|(at, text)| (at.as_nanos() / 1000, text.as_str()))
            .collect()
    }

    /// Why nothing could be told of the run.
    pub(crate) fn unknown(&self) -> &[String] {
        &self.run.unknown
    }
}

/// The instants of what happens every 10ms, from one to before another, so much later.
pub(crate) fn ticks(time: Range<u64>, later: u64) -> Vec<u64> {
    let ticks = time.start.div_ceil(10_000)..time.end.div_ceil(10_000);
    ticks.map(|tick| tick * 10_000 + later).collect()
}
