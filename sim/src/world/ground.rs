//! What a run stands on: a madsim runtime, or nothing at all. The only file that knows the difference.
//!
//! With `--cfg madsim` a run lives on a fresh OS thread inside a madsim runtime, whose clock follows the world's: foreign
//! code that reads the time, randomness or a hash seed gets a deterministic answer. Without the cfg the same queue runs
//! plain. Processes are pure, so both give the same digest.

use std::thread;

use netsplit::Span;

/// Which ground to run on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Footing {
    /// The madsim runtime where it is compiled in, else plain.
    Default,
    /// Plain, in any case.
    Plain,
}

/// The ground under a running world.
pub struct Ground {
    #[cfg(madsim)]
    clock: Option<madsim::time::TimeHandle>,
}

impl Ground {
    /// No runtime, no clock.
    pub fn plain() -> Ground {
        Ground {
            #[cfg(madsim)]
            clock: None,
        }
    }

    /// Moves the clock of the ground.
    #[cfg_attr(
        not(madsim),
        expect(clippy::unused_self, reason = "plain ground has no clock to move")
    )]
    pub fn advance(&self, by: Span) {
        #[cfg(madsim)]
        if let Some(clock) = &self.clock {
            clock.advance(std::time::Duration::from_nanos(by.as_nanos()));
        }
        #[cfg(not(madsim))]
        let _ = by;
    }
}

/// Runs `work` on a fresh OS thread, on the ground asked for.
///
/// A thread of its own, because a madsim runtime seeds what is per thread: hash seeds, task ids.
///
/// # Panics
/// If `work` does, or if the system has no thread to give.
pub fn stand<R: Send>(seed: u64, footing: Footing, work: impl FnOnce(Ground) -> R + Send) -> R {
    thread::scope(|scope| {
        let run = thread::Builder::new()
            .name(format!("seed-{seed}"))
            .spawn_scoped(scope, || on(seed, footing, work));
        let run = run.expect("a system that cannot start a thread cannot run a simulation");
        run.join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

#[cfg(madsim)]
fn on<R>(seed: u64, footing: Footing, work: impl FnOnce(Ground) -> R) -> R {
    match footing {
        Footing::Plain => work(Ground::plain()),
        Footing::Default => {
            let runtime =
                madsim::runtime::Runtime::with_seed_and_config(seed, madsim::Config::default());
            runtime.block_on(async {
                work(Ground {
                    clock: Some(madsim::time::TimeHandle::current()),
                })
            })
        }
    }
}

#[cfg(not(madsim))]
fn on<R>(_: u64, _: Footing, work: impl FnOnce(Ground) -> R) -> R {
    work(Ground::plain())
}
