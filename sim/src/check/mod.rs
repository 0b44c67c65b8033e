//! Blind judges: they see what clients saw, and nothing else.

pub mod linearizable;

use netsplit::kv::{Request, Response};
use netsplit::{NodeId, OpId};

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
