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
#[cfg(test)]
mod story;

use std::fmt;

use netsplit::kv::{Request, Response};
use netsplit::{NodeId, OpId, Promise, Protocol, Span, Time};

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
    /// What was asked.
    pub request: Request,
    /// What was answered; none if the outcome is unknown.
    pub response: Option<Response>,
    /// Who answered, where the answer says so.
    pub server: Option<NodeId>,
    /// How long what it writes lives, if not for ever.
    pub life: Option<Span>,
    /// Whether the client was ready to wait for something that was not there yet.
    pub waits: bool,
    /// Its place in the order of all invocations and returns of the history; no two share one.
    pub invoked: u64,
    /// The place of its return; `u64::MAX` if the outcome is unknown: it may take effect at any later time, or never.
    pub returned: u64,
    /// When it was invoked, in world time.
    pub invoked_at: Time,
    /// When it returned, in world time; none if the outcome is unknown.
    pub returned_at: Option<Time>,
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
    /// It was broken; the evidence in a sentence or a few lines, and the operations that show it.
    Violated {
        /// What is wrong, for a person.
        evidence: String,
        /// The operations involved.
        ops: Vec<OpId>,
    },
    /// The judge could not tell: why.
    Unknown(String),
}

/// How many states a search for a linearization may visit before it says that it does not know.
pub const BUDGET: u64 = 2_000_000;

/// Whether a promise was kept, as far as clients can tell. `complete` says that the run came to its end: every key was
/// read once more when all was calm.
pub fn judge<P: Protocol>(
    promise: &Promise<P>,
    history: &History<P>,
    log: &FaultLog,
    complete: bool,
) -> Finding {
    match *promise {
        Promise::Linearizable(view) => linearizable::judge(&history.calls(view), BUDGET),
        // Without the last reads, nothing says what is there at the end.
        Promise::Durable(_) | Promise::NewestWins { .. } if !complete => Finding::Holds,
        Promise::Durable(view) => durable::judge(&history.calls(view)),
        Promise::Genuine(view) => genuine::judge(&history.calls(view)),
        Promise::Monotonic(view) => monotonic::judge(&history.calls(view), log),
        Promise::NewestWins { view, settles } => {
            newest_wins::judge(&history.calls(view), log, settles)
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
            read_your_writes::judge(&history.calls(view), log, bounds)
        }
        Promise::Expires(view) => expires::judge(&history.calls(view), log),
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
            limited::judge(&history.admissions(view), log, limit)
        }
    }
}
