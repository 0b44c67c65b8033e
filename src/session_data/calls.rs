//! Calls that wait for their answers.

use std::collections::BTreeMap;

use super::SessionData;
use super::message::{CallId, Timer};
use crate::{Life, NodeId, Outbox, Span};

/// The calls of one server's life, each with what is to be known when it is answered, or is not.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Calls<W> {
    next: u64,
    open: BTreeMap<CallId, (NodeId, W)>,
}

impl<W> Calls<W> {
    /// None yet.
    pub fn new(life: Life) -> Calls<W> {
        Calls {
            next: u64::from(life.0) << 32,
            open: BTreeMap::new(),
        }
    }

    /// A name that no other call has.
    pub fn name(&mut self) -> CallId {
        self.next += 1;
        CallId(self.next)
    }

    /// The last name that was given.
    pub fn last(&self) -> CallId {
        CallId(self.next)
    }

    /// Waits for an answer, for so long.
    pub fn expect(
        &mut self,
        to: NodeId,
        what: W,
        timeout: Span,
        out: &mut Outbox<SessionData>,
    ) -> CallId {
        let call = self.name();
        self.open.insert(call, (to, what));
        out.arm(Timer::Call(call), timeout);
        call
    }

    /// An answer has come: what it is about, unless nobody waits for it.
    pub fn answered(
        &mut self,
        call: CallId,
        from: NodeId,
        out: &mut Outbox<SessionData>,
    ) -> Option<W> {
        let (to, _) = self.open.get(&call)?;
        if *to != from {
            return None;
        }
        out.disarm(Timer::Call(call));
        self.open.remove(&call).map(|(_, what)| what)
    }

    /// None has come in time.
    pub fn timed_out(&mut self, call: CallId) -> Option<(NodeId, W)> {
        self.open.remove(&call)
    }

    /// What waits.
    pub fn iter(&self) -> impl Iterator<Item = &W> {
        self.open.values().map(|(_, what)| what)
    }

    /// Whether any that waits is so.
    pub fn any(&self, is_so: impl Fn(&W) -> bool) -> bool {
        self.iter().any(is_so)
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }
}
