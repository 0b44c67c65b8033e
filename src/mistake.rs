//! Planted mistakes: wrappers around correct processes, each wrong in one thing.
//!
//! A judge never seen to convict is not a judge. So a mode has mistakes by name ([`crate::Mode::MISTAKES`]), and a scenario
//! under `must_fail/` plants one and says which judge or invariant must convict it.

use crate::outbox::Outbox;
use crate::process::{Damage, Input, Process, Protocol};
use crate::time::Now;

/// The records that a boot finds.
pub type Found<P> = Vec<Result<<<P as Process>::Protocol as Protocol>::Record, Damage>>;

/// A mistake in one process: it stands between the world and the process, and may change what goes in and what comes out.
///
/// One that has nothing to remember is a function in place of [`Process::step`].
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

impl<P, F> Mistake<P> for F
where
    P: Process,
    F: FnMut(&mut P, Now, Input<P::Protocol>, &mut Outbox<P::Protocol>) + Send,
{
    fn step(
        &mut self,
        process: &mut P,
        now: Now,
        input: Input<P::Protocol>,
        out: &mut Outbox<P::Protocol>,
    ) {
        self(process, now, input, out);
    }
}

/// A mistake that a scenario can name.
#[derive(Debug)]
pub struct Planted<P: Process> {
    /// Its name in scenario files.
    pub name: &'static str,
    /// What is wrong, in a sentence.
    pub about: &'static str,
    /// Plants it in one server.
    pub plant: fn() -> Box<dyn Mistake<P>>,
}
