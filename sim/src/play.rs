//! One run of a scenario under one seed, and what many of them add up to.

use std::ops::Range;

use netsplit::{Kinds, Mode, NodeId, Outcome, Span, Time, Violation};

use crate::check::{self, Finding, Views};
use crate::scenario::{Scenario, Source};
use crate::world::ground::{self, Footing, Ground};
use crate::world::{Gauges, Outcomes, World};

/// What is said of a run, or of all runs of a scenario.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Verdict {
    /// As promised.
    Holds,
    /// It could not be told.
    Unknown,
    /// A promise or invariant was broken.
    Violated,
}

/// One run.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its seed.
    pub seed: u64,
    /// Equal for equal runs: see [`Outcomes::digest`].
    pub digest: u64,
    /// What was broken.
    pub violations: Vec<Violation>,
    /// Why it could not be told.
    pub unknown: Vec<String>,
    /// Operations that were done.
    pub ok: usize,
    /// Operations that certainly were not.
    pub failed: usize,
    /// Operations whose outcome their client never learned.
    pub open: usize,
    /// How long each operation that was done took.
    pub latencies: Vec<Span>,
    /// From the end of the storm until all was well.
    pub converged: Option<Span>,
    /// Messages sent.
    pub messages: u64,
    /// Events that happened: what the run cost.
    pub events: u64,
    /// Notes, by kind.
    pub notes: Vec<u64>,
    /// What the servers showed at the end.
    pub gauges: Vec<(NodeId, Gauges)>,
    /// The faults as they struck.
    pub faults: Vec<(Time, String)>,
    /// When it ended.
    pub ended: Time,
}

impl Run {
    /// What is said of it.
    pub fn verdict(&self) -> Verdict {
        match (self.violations.is_empty(), self.unknown.is_empty()) {
            (false, _) => Verdict::Violated,
            (true, false) => Verdict::Unknown,
            (true, true) => Verdict::Holds,
        }
    }
}

/// A scenario of whatever mode, ready to be run.
pub trait Play: Send + Sync {
    /// Where it comes from.
    fn source(&self) -> &Source;
    /// The comment on top of the file.
    fn story(&self) -> &str;
    /// The mode's name.
    fn mode(&self) -> &'static str;
    /// The seeds of the file.
    fn seeds(&self) -> Range<u64>;
    /// Its participants.
    fn nodes(&self) -> Vec<NodeId>;
    /// What must be violated, each at least once; empty if everything is to hold.
    fn violated(&self) -> &[&'static str];
    /// Which notes must occur, by number.
    fn sees(&self) -> &[usize];
    /// The names of notes.
    fn notes(&self) -> &'static [&'static str];
    /// Runs it under a seed, on a thread of its own.
    fn play(&self, seed: u64, footing: Footing) -> Run;
    /// Runs it under a seed on this thread, without a runtime, so that a subscriber set here hears it.
    fn play_here(&self, seed: u64) -> Run;
}

impl<M: Mode> Play for Scenario<M> {
    fn source(&self) -> &Source {
        &self.source
    }

    fn story(&self) -> &str {
        &self.story
    }

    fn mode(&self) -> &'static str {
        M::NAME
    }

    fn seeds(&self) -> Range<u64> {
        self.seeds.clone()
    }

    fn nodes(&self) -> Vec<NodeId> {
        self.nodes()
    }

    fn violated(&self) -> &[&'static str] {
        &self.expect.violated
    }

    fn sees(&self) -> &[usize] {
        &self.expect.sees
    }

    fn notes(&self) -> &'static [&'static str] {
        <M::Note as Kinds>::KINDS
    }

    fn play(&self, seed: u64, footing: Footing) -> Run {
        ground::stand(seed, footing, |ground| {
            judged(self, seed, World::new(self, seed, ground).run())
        })
    }

    fn play_here(&self, seed: u64) -> Run {
        judged(self, seed, World::new(self, seed, Ground::plain()).run())
    }
}

/// Judges what a run left behind.
fn judged<M: Mode>(scenario: &Scenario<M>, seed: u64, outcomes: Outcomes<M>) -> Run {
    let Outcomes {
        digest,
        mut violations,
        mut unknown,
        history,
        log,
        converged,
        ..
    } = outcomes;
    let mut views = Views::of(&history);
    let promises = M::promises(&scenario.config);
    if !promises.is_empty()
        && violations.is_empty()
        && !promises.iter().any(|promise| views.shows(promise))
    {
        unknown.push("no judge was shown an operation that was done".into());
    }
    for promise in promises {
        match check::judge(&promise, &mut views, &log, converged.is_some()) {
            Finding::Holds => {}
            Finding::Violated(evidence) => {
                violations.push(Violation {
                    broken: promise.name(),
                    at: outcomes.ended,
                    evidence,
                });
            }
            Finding::Unknown(why) => unknown.push(format!("{}: {why}", promise.name())),
        }
    }
    let (mut ok, mut failed, mut open, mut latencies) = (0, 0, 0, Vec::new());
    for operation in history.operations() {
        match &operation.ended {
            Some((moment, Outcome::Ok(_))) => {
                ok += 1;
                latencies.push(moment.at.since(operation.invoked.at));
            }
            Some((_, Outcome::Failed)) => failed += 1,
            Some((_, Outcome::Unknown)) | None => open += 1,
        }
    }
    if ok == 0 && violations.is_empty() {
        unknown.push("no operation was done: nothing was there to judge".into());
    }
    let messages = outcomes.messages.iter().sum();
    let (notes, gauges) = (outcomes.notes, outcomes.gauges);
    let (faults, ended, events) = (outcomes.faults, outcomes.ended, outcomes.events);
    Run {
        seed,
        digest,
        violations,
        unknown,
        ok,
        failed,
        open,
        latencies,
        converged,
        messages,
        events,
        notes,
        gauges,
        faults,
        ended,
    }
}

/// What the runs of one scenario add up to.
#[derive(Clone, Debug)]
pub struct Tally {
    /// What is said of the scenario: whether its seeds are as expected.
    pub verdict: Verdict,
    /// Whether everything that the file expects to be violated was, over its own seeds.
    pub convicted: bool,
    /// Why, if it is not as expected.
    pub why: Vec<String>,
    /// The seeds that were run.
    pub seeds: usize,
    /// Operations that were done.
    pub ok: usize,
    /// Operations that certainly were not.
    pub failed: usize,
    /// Operations whose outcome is unknown.
    pub open: usize,
    /// Latencies of what was done, ascending.
    pub latencies: Vec<Span>,
    /// Times to converge, ascending.
    pub converged: Vec<Span>,
    /// Messages sent.
    pub messages: u64,
    /// The first seed that is not as expected, with what it found.
    pub first_failing: Option<(u64, Vec<String>)>,
    /// The first seed that shows something of what is expected to be violated.
    pub first_convicted: Option<u64>,
}

impl Tally {
    /// Adds up the runs of a scenario. `whole` says that these are the file's own seeds: then what the file expects
    /// over all of them is asked for too.
    pub fn of(scenario: &dyn Play, runs: &[Run], whole: bool) -> Tally {
        let mut tally = Tally {
            verdict: Verdict::Holds,
            convicted: whole && !scenario.violated().is_empty(),
            why: Vec::new(),
            seeds: runs.len(),
            ok: 0,
            failed: 0,
            open: 0,
            latencies: Vec::new(),
            converged: Vec::new(),
            messages: 0,
            first_failing: None,
            first_convicted: None,
        };
        let expected = scenario.violated();
        for run in runs {
            tally.ok += run.ok;
            tally.failed += run.failed;
            tally.open += run.open;
            tally.messages += run.messages;
            tally.latencies.extend(&run.latencies);
            tally.converged.extend(run.converged);
            let unexpected =
                |violation: &&Violation| !(whole && expected.contains(&violation.broken));
            let broken: Vec<String> = run
                .violations
                .iter()
                .filter(unexpected)
                .map(Violation::to_string)
                .collect();
            if !broken.is_empty() {
                tally.fail(Verdict::Violated, run.seed, broken);
            } else if run.violations.is_empty() && !run.unknown.is_empty() {
                tally.fail(Verdict::Unknown, run.seed, run.unknown.clone());
            }
        }
        if whole {
            tally.expect(scenario, runs);
        }
        tally.latencies.sort_unstable();
        tally.converged.sort_unstable();
        tally
    }

    /// Asks for what the file expects over all of its seeds.
    fn expect(&mut self, scenario: &dyn Play, runs: &[Run]) {
        let surplus = self.verdict == Verdict::Violated;
        for name in scenario.violated() {
            let is_it = |violation: &Violation| violation.broken == *name;
            let mut all = runs.iter();
            if let Some(run) = all.find(|run| run.violations.iter().any(is_it)) {
                self.first_convicted.get_or_insert(run.seed);
                if surplus {
                    let seed = run.seed;
                    self.why.push(format!(
                        "`{name}` was expected, and is violated at seed {seed}; what follows was not expected"
                    ));
                }
            } else {
                self.convicted = false;
                self.verdict = self.verdict.max(Verdict::Unknown);
                self.why.push(format!(
                    "`{name}` was expected to be violated, and no seed shows it"
                ));
            }
        }
        // A violation says enough by itself: runs that ended early saw little.
        let broken = self.verdict == Verdict::Violated;
        for note in scenario.sees().iter().filter(|_| !broken) {
            if runs.iter().all(|run| run.notes[*note] == 0) {
                self.verdict = self.verdict.max(Verdict::Unknown);
                self.why.push(format!(
                    "no seed sees `{}`: the scenario shows nothing",
                    scenario.notes()[*note]
                ));
            }
        }
    }

    fn fail(&mut self, verdict: Verdict, seed: u64, found: Vec<String>) {
        if verdict > self.verdict || self.first_failing.is_none() {
            self.first_failing = Some((seed, found));
        }
        self.verdict = self.verdict.max(verdict);
    }
}

/// The value below which `percent` of the sorted samples lie; exact, by nearest rank.
pub fn percentile(sorted: &[Span], percent: usize) -> Option<Span> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let samples: Vec<Span> = (1..=100).map(Span::millis).collect();
        assert_eq!(percentile(&samples, 50), Some(Span::millis(50)));
        assert_eq!(percentile(&samples, 99), Some(Span::millis(99)));
        assert_eq!(percentile(&samples[..1], 99), Some(Span::millis(1)));
        assert_eq!(percentile(&[], 50), None);
    }
}
