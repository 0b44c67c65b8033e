//! Planted mistakes by name: wrappers around correct processes.
//!
//! A judge never seen to convict is not a judge. A scenario under `scenarios/must_fail/` names a mistake, and the judge
//! or invariant that must convict it.

pub mod raft;
pub mod zone_sync;

use netsplit::{Damage, Input, Now, Outbox, Process, Protocol};

/// The records that a boot finds.
pub type Found<P> = Vec<Result<<<P as Process>::Protocol as Protocol>::Record, Damage>>;

/// A mistake in one process: it stands between the world and the process, and may change what goes in and what comes out.
pub trait Mistake<P: Process>: Send {
    /// Before a boot: what the disk seems to hold.
    fn boot(&mut self, _disk: &mut Found<P>) {}

    /// In place of a step.
    fn step(
        &mut self,
        process: &mut P,
        now: Now,
        input: Input<P::Protocol>,
        out: &mut Outbox<P::Protocol>,
    ) {
        process.step(now, input, out);
    }
}

/// A mistake that a scenario can name.
pub struct Planted<P: Process> {
    /// Its name in scenario files.
    pub name: &'static str,
    /// What is wrong, in a sentence.
    pub about: &'static str,
    /// Plants it in one server.
    pub plant: fn() -> Box<dyn Mistake<P>>,
}
