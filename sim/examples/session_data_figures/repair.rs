//! How soon what is lost is back: by cause, as the scenarios of the project have them.

use std::fs;
use std::path::PathBuf;

use netsplit::Span;
use netsplit_sim::play::{Play, Run, percentile};

use crate::bystander::read;

/// So many seeds of each.
const SEEDS: u64 = 16;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../scenarios/session_data")
}

/// The scenarios whose names begin so, in order, with their names.
fn scenarios(folder: &PathBuf, beginning: &str) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(folder).unwrap_or_else(|problem| panic!("{folder:?}: {problem}"));
    let mut found: Vec<(String, PathBuf)> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let name = path.file_stem()?.to_str()?.to_owned();
            name.starts_with(beginning).then_some((name, path))
        })
        .collect();
    found.sort();
    found
}

/// What became of a scenario, under some seeds.
struct Became {
    /// How many runs held, and what the others broke.
    held: u64,
    broken: Vec<&'static str>,
    /// How long it took until all was well.
    well: Vec<Span>,
    within: Option<Span>,
}

fn became(path: &PathBuf) -> Became {
    let text = fs::read_to_string(path).unwrap_or_else(|problem| panic!("{path:?}: {problem}"));
    let scenario = read(&path.to_string_lossy(), text);
    let runs: Vec<Run> = (0..SEEDS).map(|seed| scenario.play_here(seed)).collect();
    let broken = runs.iter().flat_map(|run| &run.violations);
    let mut broken: Vec<&'static str> = broken.map(|violation| violation.broken).collect();
    broken.sort_unstable();
    broken.dedup();
    let sound = runs.iter().filter(|run| run.violations.is_empty());
    let mut well: Vec<Span> = sound.filter_map(|run| run.converged).collect();
    well.sort_unstable();
    Became {
        held: runs.iter().filter(|run| run.violations.is_empty()).count() as u64,
        broken,
        well,
        within: scenario.expect.within,
    }
}

impl Became {
    fn percent(&self, percent: usize) -> String {
        let found = percentile(&self.well, percent);
        found.map_or("never".into(), seconds)
    }

    fn verdict(&self) -> String {
        match self.broken.join(", ") {
            broken if broken.is_empty() => format!("holds in {SEEDS}"),
            broken => format!("{broken} in {} of {SEEDS}", SEEDS - self.held),
        }
    }
}

fn seconds(span: Span) -> String {
    format!("{:.1} s", span.as_millis_f64() / 1000.0)
}

/// The rows of a cause: each way to meet it.
pub(crate) fn story(number: &str) -> String {
    let ways = scenarios(&folder().join("issue-57"), &format!("{number}_"));
    let row = |(name, path): &(String, PathBuf)| {
        let (cause, way) = name.rsplit_once('_').unwrap_or((name, ""));
        let cause = cause.split_once('_').map_or(cause, |(_, cause)| cause);
        let became = became(path);
        format!(
            "| {number} | {} | {way} | {} | {} | {} |\n",
            cause.replace('_', " "),
            became.verdict(),
            became.percent(50),
            became.percent(100),
        )
    };
    ways.iter().map(row).collect()
}

/// The row of a bound, and of what is lost.
pub(crate) fn budget(name: &str) -> String {
    let found = scenarios(&folder(), &format!("within_{name}"));
    let row = |(name, path): &(String, PathBuf)| {
        let became = became(path);
        let name = name.trim_start_matches("within_");
        let (bound, what) = name.split_once('_').unwrap_or((name, ""));
        format!(
            "| S-{} | {} | {} | {} | {} |\n",
            bound.to_uppercase(),
            what.replace('_', " "),
            became.percent(50),
            became.percent(100),
            became.within.map_or("none".into(), seconds),
        )
    };
    found.iter().map(row).collect()
}
