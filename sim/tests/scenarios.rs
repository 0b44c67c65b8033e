//! Every shipped scenario as tests of its own, by name: a few seeds each of those that must hold, all seeds of those that
//! must be convicted.

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use netsplit_sim::play::{Play, Run, Tally, Verdict};
use netsplit_sim::report::verdict::{replay, title};
use netsplit_sim::world::ground::Footing;
use netsplit_sim::{modes, shipped};

/// So many of a file's seeds are run here; `netsplit` runs all of them.
const SEEDS: usize = 2;

fn main() -> ExitCode {
    let args = Arguments::from_args();
    let mut trials = Vec::new();
    for source in shipped::all() {
        let scenario = modes::read(&modes::shipped(), &source);
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
            for seed in scenario.seeds().take(SEEDS) {
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
    Err(format!("{}\n{}", found.join("\n"), replay(scenario.source(), seed)).into())
}

fn is_convicted(scenario: &dyn Play) -> Result<(), Failed> {
    let runs: Vec<Run> = scenario
        .seeds()
        .map(|seed| scenario.play(seed, Footing::Default))
        .collect();
    let tally = Tally::of(scenario, &runs, true);
    if tally.verdict == Verdict::Holds {
        return Ok(());
    }
    let found = tally
        .first_failing
        .map(|(seed, found)| format!("seed {seed}: {}", found.join("; ")));
    Err(tally
        .why
        .into_iter()
        .chain(found)
        .collect::<Vec<_>>()
        .join("\n")
        .into())
}
