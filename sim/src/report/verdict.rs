//! The verdict table, and under it every failure with the command that replays it.

use std::fmt::Write as _;
use std::hash::Hasher;
use std::sync::LazyLock;

use comfy_table::{CellAlignment, Table, presets};
use netsplit::Span;

use crate::play::{Play, Run, Tally, Verdict, percentile};
use crate::scenario::Source;

const COLUMNS: [&str; 10] = [
    "scenario",
    "verdict",
    "seeds",
    "ok",
    "unknown",
    "p50 ms",
    "p99 ms",
    "calm ms",
    "msg/op",
    "first failing",
];

/// The table of all scenarios. Latencies and the median time from the end of the storm until all is well are in virtual
/// milliseconds.
pub fn table(rows: &[(&dyn Play, Tally)]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(COLUMNS);
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for (scenario, tally) in rows {
        let millis = |span: Option<Span>| {
            span.map_or("-".into(), |span| format!("{:.1}", span.as_millis_f64()))
        };
        let per_op = if tally.ok == 0 {
            "-".into()
        } else {
            format!("{:.1}", tally.messages as f64 / tally.ok as f64)
        };
        table.add_row([
            title(scenario.source()),
            word(tally),
            tally.seeds.to_string(),
            tally.ok.to_string(),
            tally.open.to_string(),
            millis(percentile(&tally.latencies, 50)),
            millis(percentile(&tally.latencies, 99)),
            millis(percentile(&tally.converged, 50)),
            per_op,
            first(tally),
        ]);
    }
    table.trim_fmt()
}

/// The first seed that is not as expected, or, where a conviction was, that shows it.
fn first(tally: &Tally) -> String {
    let failing = tally.first_failing.as_ref().map(|(seed, _)| *seed);
    let seed = failing.or(tally.first_convicted);
    seed.map_or("-".into(), |seed| format!("seed {seed}"))
}

fn word(tally: &Tally) -> String {
    match tally.verdict {
        Verdict::Holds if tally.convicted => "convicted".into(),
        Verdict::Holds => "holds".into(),
        Verdict::Unknown => "UNKNOWN".into(),
        Verdict::Violated => "VIOLATED".into(),
    }
}

/// `raft/leader_cut_off`: the file's name within `scenarios/`.
pub fn title(source: &Source) -> String {
    let path = source
        .path
        .rsplit_once("scenarios/")
        .map_or(source.path.as_str(), |(_, path)| path);
    path.trim_end_matches(".toml").to_owned()
}

/// Everything that is not as expected, each with the command of this program that shows it again.
pub fn failures(rows: &[(&dyn Play, Tally)], program: &str) -> String {
    let mut text = String::new();
    for (scenario, tally) in rows {
        for why in &tally.why {
            let _ = writeln!(text, "\n{}: {why}", title(scenario.source()));
        }
        if let Some((seed, found)) = &tally.first_failing {
            let _ = writeln!(text, "\n{}, seed {seed}:", title(scenario.source()));
            found.iter().for_each(|what| {
                let _ = writeln!(text, "  {what}");
            });
            let _ = writeln!(text, "  {}", replay(program, scenario.source(), *seed));
        }
    }
    text
}

/// The command of a program that makes a run again, with the build and the file it holds for.
pub fn replay(program: &str, source: &Source, seed: u64) -> String {
    format!(
        "replay: {program} replay {} --seed {seed} --trace    # {}",
        source.path,
        identity(source)
    )
}

/// Which build, and which content of the file.
pub fn identity(source: &Source) -> String {
    let mut hasher = rustc_hash::FxHasher::default();
    hasher.write(source.text.as_bytes());
    let (version, build) = (env!("CARGO_PKG_VERSION"), *BUILD);
    format!(
        "netsplit {version}, build {build:08x}, file {:08x}",
        hasher.finish() >> 32
    )
}

/// Which program this is, protocols and all: a fingerprint of the file that is run.
static BUILD: LazyLock<u64> = LazyLock::new(|| {
    let program = std::env::current_exe().and_then(std::fs::read);
    let mut hasher = rustc_hash::FxHasher::default();
    hasher.write(&program.unwrap_or_default());
    hasher.finish() >> 32
});

/// How many servers a table of gauges shows.
const SHOWN: usize = 10;

/// What the servers showed at the end of a run, a row each; of a large system, the first ten.
pub fn gauges(run: &Run) -> Vec<String> {
    let Some((_, first)) = run.gauges.first() else {
        return Vec::new();
    };
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let names = first.iter().map(|(name, _)| name.replace(['_', '.'], " "));
    table.set_header(std::iter::once(" at the end".to_owned()).chain(names));
    for (id, shown) in run.gauges.iter().take(SHOWN) {
        let values = shown.iter().map(|(_, value)| value.to_string());
        table.add_row(std::iter::once(format!(" {id}")).chain(values));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let text = table.trim_fmt();
    text.lines().map(str::to_owned).collect()
}
