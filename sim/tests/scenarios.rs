//! Every shipped scenario as tests of its own, by name: a few seeds each of those that must hold; of those that must be
//! convicted, as many as it takes.

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use netsplit_sim::play::{Play, Run, Tally, Verdict};
use netsplit_sim::report::verdict::{replay, title};
use netsplit_sim::world::ground::Footing;
use netsplit_sim::{modes, shipped};

/// So many seeds are run here of all that must hold, and at least one of each; `netsplit` runs more.
const SEEDS: usize = 400;

fn main() -> ExitCode {
    let args = Arguments::from_args();
    let mut trials = Vec::new();
    let sources = shipped::all();
    let each = (SEEDS / sources.len()).max(1);
    for source in sources {
        let scenario = modes::read(&modes::SHIPPED, &source);
        let scenario: Arc<dyn Play> = match scenario {
            Ok(scenario) => scenario.into(),
            Err(problem) => {
                trials.push(Trial::test(source.path.clone(), move || {
                    Err(problem.to_string().into())
                }));
                continue;
            }
        };
        let name = title(&source);
        if scenario.violated().is_empty() {
            for seed in scenario.seeds().take(each) {
                let scenario = Arc::clone(&scenario);
                trials.push(Trial::test(format!("{name}/seed_{seed}"), move || {
                    holds(&*scenario, seed)
                }));
            }
        } else {
            trials.push(Trial::test(name, move || is_convicted(&*scenario)));
        }
    }
    libtest_mimic::run(&args, trials).exit_code()
}

fn holds(scenario: &dyn Play, seed: u64) -> Result<(), Failed> {
    let run = scenario.play(seed, Footing::Default);
    if run.verdict() == Verdict::Holds {
        return Ok(());
    }
    let found: Vec<String> = run
        .violations
        .iter()
        .map(ToString::to_string)
        .chain(run.unknown.iter().cloned())
        .collect();
    Err(format!(
        "{}\n{}",
        found.join("\n"),
        replay("netsplit", scenario.source(), seed)
    )
    .into())
}

fn is_convicted(scenario: &dyn Play) -> Result<(), Failed> {
    let mut runs: Vec<Run> = Vec::new();
    let mut found = Vec::new();
    for seed in scenario.seeds() {
        runs.push(scenario.play(seed, Footing::Default));
        let tally = Tally::of(scenario, &runs, true);
        if tally.verdict == Verdict::Holds {
            return Ok(());
        }
        let failing = tally.first_failing;
        let failing = failing.map(|(seed, found)| format!("seed {seed}: {}", found.join("; ")));
        found = tally.why.into_iter().chain(failing).collect();
    }
    Err(found.join("\n").into())
}
