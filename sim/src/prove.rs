//! A scenario as a test of one line.

use crate::explore;
use crate::modes::{self, AnyMode};
use crate::play::{Tally, Verdict};
use crate::report::verdict;
use crate::scenario::Source;

/// Runs a scenario of one of these modes on its own seeds, one after another.
///
/// Without optimisation a run takes five to ten times as long: set `opt-level = 2` under `[profile.test]`.
///
/// # Panics
/// If the scenario is wrong, or not everything is as it expects; with what was found, and the command that shows it again.
#[track_caller]
pub fn prove(modes: &[&dyn AnyMode], source: &Source) {
    let scenario = match modes::read(modes, source) {
        Ok(scenario) => scenario,
        Err(problem) => panic!("{:?}", miette::Report::new(problem)),
    };
    let jobs: Vec<explore::Job> = scenario.seeds().map(|seed| (0, seed)).collect();
    let scenarios = [scenario];
    let runs = explore::all(&scenarios, &jobs, 1, || {});
    let [scenario] = &scenarios;
    let tally = Tally::of(&**scenario, &runs, true);
    if tally.verdict != Verdict::Holds {
        let rows = [(&**scenario, tally)];
        let failures = verdict::failures(&rows, "cargo run --");
        panic!("{}{failures}", verdict::table(&rows));
    }
}
