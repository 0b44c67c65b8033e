//! Blind judges: they see what clients saw, and nothing else.

pub mod durable;
pub mod genuine;
pub mod linearizable;

use netsplit::kv::{Request, Response};
use netsplit::{NodeId, OpId, Promise, Protocol};

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
    /// Its place in the order of all invocations and returns of the history; no two share one.
    pub invoked: u64,
    /// The place of its return; `u64::MAX` if the outcome is unknown: it may take effect at any later time, or never.
    pub returned: u64,
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
pub fn judge<P: Protocol>(promise: &Promise<P>, history: &History<P>, complete: bool) -> Finding {
    match promise {
        Promise::Linearizable(view) => linearizable::judge(&history.calls(*view), BUDGET),
        // Without the last reads, nothing says what is there at the end.
        Promise::Durable(_) if !complete => Finding::Holds,
        Promise::Durable(view) => durable::judge(&history.calls(*view)),
        Promise::Genuine(view) => genuine::judge(&history.calls(*view)),
    }
}
