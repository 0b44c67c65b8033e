//! So many seeds of each scenario as a budget allows: what ships must run in a minute or two, however much it becomes.
//!
//! The budget is counted in events, never in time, so that the same seeds are run on every machine.

use super::{Job, all};
use crate::play::{Play, Run};

/// Runs the first seed of each scenario, and all seeds of one that expects a violation; then so many more of each, the same
/// number for all, as the budget seems to allow by what the first ones cost. What was run comes back by scenario.
pub fn within(
    scenarios: &[Box<dyn Play>],
    budget: u64,
    threads: usize,
    done: impl Fn() + Sync,
) -> Vec<Vec<Run>> {
    let seeds = |place: usize| scenarios[place].seeds();
    let places = 0..scenarios.len();
    let jobs = |place: usize, from: usize, upto: usize| {
        let seeds = seeds(place).skip(from).take(upto.saturating_sub(from));
        seeds.map(move |seed| -> Job { (place, seed) })
    };
    let at_first = |place: usize| {
        if scenarios[place].violated().is_empty() {
            1
        } else {
            usize::MAX
        }
    };
    let mut runs: Vec<Vec<Run>> = places.clone().map(|_| Vec::new()).collect();
    let make = |runs: &mut Vec<Vec<Run>>, jobs: Vec<Job>| {
        let made = all(scenarios, &jobs, threads, &done);
        for ((place, _), run) in jobs.into_iter().zip(made) {
            runs[place].push(run);
        }
    };
    let first = places
        .clone()
        .flat_map(|place| jobs(place, 0, at_first(place)));
    make(&mut runs, first.collect());
    let costs: Vec<(u64, u64)> = places
        .clone()
        .map(|place| {
            let made = runs[place].len() as u64;
            let events: u64 = runs[place].iter().map(|run| run.events).sum();
            (seeds(place).count() as u64 - made, events / made.max(1))
        })
        .collect();
    let spent = runs.iter().flatten().map(|run| run.events).sum();
    let more = most(&costs, budget.saturating_sub(spent)) as usize;
    let rest = places.flat_map(|place| jobs(place, runs[place].len(), runs[place].len() + more));
    let rest = rest.collect();
    make(&mut runs, rest);
    runs
}

/// How many seeds of each fit into a budget, given how many each has and what one costs; at the most, as many as the one
/// with the most has.
fn most(costs: &[(u64, u64)], budget: u64) -> u64 {
    let fits = |count: &u64| {
        let cost =
            |(seeds, events): &(u64, u64)| u128::from(*seeds.min(count)) * u128::from(*events);
        costs.iter().map(cost).sum::<u128>() <= u128::from(budget)
    };
    let longest = costs.iter().map(|(seeds, _)| *seeds).max().unwrap_or(0);
    let mut low = 0;
    let mut high = longest;
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if fits(&middle) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::most;

    #[test]
    fn a_budget_is_shared_by_seeds_and_not_by_scenarios() {
        let costs = [(100, 10), (100, 1)];
        assert_eq!(most(&costs, 1100), 100);
        assert_eq!(most(&costs, 1099), 99);
        assert_eq!(most(&costs, 11), 1);
        assert_eq!(most(&costs, 10), 0);
    }

    #[test]
    fn who_has_few_seeds_leaves_the_rest_to_the_others() {
        assert_eq!(most(&[(2, 100), (50, 1)], 250), 50);
        assert_eq!(most(&[(2, 100), (50, 1)], 249), 49);
        assert_eq!(most(&[], 10), 0);
    }
}
