//! Blind judges: they see what clients saw, and when which faults were at work, and nothing else.

pub mod durable;
mod eventual;
pub mod expires;
pub mod genuine;
pub mod limited;
pub mod linearizable;
pub mod log;
pub mod monotonic;
pub mod newest_wins;
pub mod read_your_writes;
pub mod registry;
pub mod session_order;
#[cfg(test)]
mod story;

use std::fmt;
use std::ops::Deref;

use netsplit::kv::Exchange;
use netsplit::{NodeId, OpId, Promise, Protocol, Time, View};

use self::limited::Limit;
use self::log::FaultLog;
use self::read_your_writes::Bounds;
use crate::history::History;

/// One operation on a key-value store, as a judge sees it. Operations that certainly failed are left out before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Call {
    /// Who asked.
    pub client: NodeId,
    /// Which operation of the history it is.
    pub op: OpId,
    /// What was asked, and what was answered; no response if the outcome is unknown.
    pub exchange: Exchange,
    /// Its place in the order of all invocations and returns of the history; no two share one.
    pub invoked: u64,
    /// The place of its return; `u64::MAX` if the outcome is unknown: it may take effect at any later time, or never.
    pub returned: u64,
    /// When it was invoked, in world time.
    pub invoked_at: Time,
    /// When it returned, in world time; none if the outcome is unknown.
    pub returned_at: Option<Time>,
}

impl Deref for Call {
    type Target = Exchange;

    fn deref(&self) -> &Exchange {
        &self.exchange
    }
}

/// As in a sentence of evidence: `c2 get k3 -> found v7 @12 (#41)`, or `c2 get k3 -> found v7 @12 from n1 (#41)`.
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} -> ", self.client, self.request)?;
        match self.response {
            Some(response) => write!(f, "{response}")?,
            None => f.write_str("no answer")?,
        }
        if let Some(server) = self.server {
            write!(f, " from {server}")?;
        }
        write!(f, " ({})", self.op)
    }
}

/// What a judge says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Finding {
    /// The promise was kept.
    Holds,
    /// It was broken: the evidence, in a sentence or a few lines for a person.
    Violated(String),
    /// The judge could not tell: why.
    Unknown(String),
}

/// How many states a search for a linearization may visit before it says that it does not know.
pub const BUDGET: u64 = 2_000_000;

/// A history in the terms of judges, put into them once for each way to look at it.
pub struct Views<'a, P: Protocol> {
    history: &'a History<P>,
    taken: Vec<(View<P>, Vec<Call>)>,
}

impl<'a, P: Protocol> Views<'a, P> {
    /// The views of a history, none of which was taken yet.
    pub fn of(history: &'a History<P>) -> Views<'a, P> {
        Views {
            history,
            taken: Vec::new(),
        }
    }

    /// Whether the judge of a promise is shown anything that was done.
    pub fn shows(&mut self, promise: &Promise<P>) -> bool {
        let is_answered = |call: &Call| call.response.is_some();
        match *promise {
            Promise::Linearizable(view)
            | Promise::Durable(view)
            | Promise::Genuine(view)
            | Promise::Monotonic(view)
            | Promise::NewestWins { view, .. }
            | Promise::ReadYourWrites { view, .. }
            | Promise::SessionOrder { view, .. }
            | Promise::Expires(view) => self.calls(view).iter().any(is_answered),
            Promise::Limited { view, .. } => !self.history.admissions(view).is_empty(),
            Promise::Registry { view, .. } => !self.history.dealings(view).looks.is_empty(),
        }
    }

    /// The calls in a view.
    fn calls(&mut self, view: View<P>) -> &[Call] {
        let place = self.place(view);
        &self.taken[place].1
    }

    /// The calls in each of two views.
    fn both(&mut self, one: View<P>, other: View<P>) -> (&[Call], &[Call]) {
        let (one, other) = (self.place(one), self.place(other));
        (&self.taken[one].1, &self.taken[other].1)
    }

    /// Where the calls in a view stand, which it takes if nobody has.
    fn place(&mut self, view: View<P>) -> usize {
        // Two functions at one address do the same, and one at two addresses is taken twice: neither does harm.
        let is_taken = |(taken, _): &(View<P>, _)| std::ptr::fn_addr_eq(*taken, view);
        self.taken.iter().position(is_taken).unwrap_or_else(|| {
            self.taken.push((view, self.history.calls(view)));
            self.taken.len() - 1
        })
    }
}

/// Whether a promise was kept, as far as clients can tell. `complete` says that the run came to its end: every key was
/// read once more when all was calm.
pub fn judge<P: Protocol>(
    promise: &Promise<P>,
    views: &mut Views<'_, P>,
    log: &FaultLog,
    complete: bool,
) -> Finding {
    match *promise {
        Promise::Linearizable(view) => linearizable::judge(views.calls(view), BUDGET),
        // Without the last reads, nothing says what is there at the end.
        Promise::Durable(_) | Promise::NewestWins { .. } if !complete => Finding::Holds,
        Promise::Durable(view) => durable::judge(views.calls(view)),
        Promise::Genuine(view) => genuine::judge(views.calls(view)),
        Promise::Monotonic(view) => monotonic::judge(views.calls(view), log),
        Promise::NewestWins { view, settles } => {
            newest_wins::judge(views.calls(view), log, settles)
        }
        Promise::ReadYourWrites {
            view,
            direct,
            through,
            recovery,
        } => {
            let bounds = Bounds {
                direct,
                through,
                recovery,
            };
            read_your_writes::judge(views.calls(view), log, bounds)
        }
        Promise::SessionOrder { view, strong } => {
            let (calls, strong) = views.both(view, strong);
            session_order::judge(calls, strong, log)
        }
        Promise::Expires(view) => expires::judge(views.calls(view), log),
        Promise::Limited {
            view,
            rate,
            burst,
            lag,
            recovery,
        } => {
            let limit = Limit {
                rate,
                burst,
                lag,
                recovery,
            };
            limited::judge(&views.history.admissions(view), log, limit)
        }
        Promise::Registry {
            view,
            lag,
            gone,
            recovery,
        } => {
            let bounds = registry::Bounds {
                lag,
                gone,
                recovery,
            };
            registry::judge(&views.history.dealings(view), log, bounds)
        }
    }
}
