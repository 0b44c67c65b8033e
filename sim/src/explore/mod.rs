//! Many runs on all cores.

pub mod budget;
pub mod twice;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::play::{Play, Run};
use crate::world::ground::Footing;

/// One run to be made: which scenario, which seed.
pub type Job = (usize, u64);

/// Makes all runs on `threads` threads, each run on a fresh one, and calls `done` after each.
///
/// What comes back is in the order of `jobs`, whoever was first.
pub fn all(
    scenarios: &[Box<dyn Play>],
    jobs: &[Job],
    threads: usize,
    done: impl Fn() + Sync,
) -> Vec<Run> {
    let next = AtomicUsize::new(0);
    let runs = Mutex::new(Vec::with_capacity(jobs.len()));
    thread::scope(|scope| {
        for _ in 0..threads.min(jobs.len()) {
            scope.spawn(|| {
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some((scenario, seed)) = jobs.get(place) else {
                        break;
                    };
                    let run = scenarios[*scenario].play(*seed, Footing::Default);
                    runs.lock()
                        .unwrap_or_else(std::sync::PoisonError::into_inner)
                        .push((place, run));
                    done();
                }
            });
        }
    });
    let mut runs = runs
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    runs.sort_by_key(|(place, _)| *place);
    runs.into_iter().map(|(_, run)| run).collect()
}
