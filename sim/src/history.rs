//! What crossed the client boundary, and nothing else: invocations and how they ended, in the order of the world.

use netsplit::{
    LimitView, NodeId, OpId, Outcome, Protocol, RegistryCall, RegistryView, Span, Time, View,
};

use crate::check::Call;
use crate::check::limited::Admission;
use crate::check::registry::{Change, Dealings, Look};

/// An instant, and its place in the order of all invocations and returns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Moment {
    /// When, in world time.
    pub at: Time,
    /// Which of all moments of the history; no two share one.
    pub order: u64,
}

/// One operation of a client.
#[derive(Clone, Debug)]
pub struct Operation<P: Protocol> {
    /// Whose.
    pub client: NodeId,
    /// What was asked.
    pub request: P::Request,
    /// When it was asked.
    pub invoked: Moment,
    /// How it ended, and when; none while it is open, and for ever if its client crashed.
    pub ended: Option<(Moment, Outcome<P::Response>)>,
}

/// All operations of a run, by their [`OpId`].
#[derive(Clone, Debug)]
pub struct History<P: Protocol> {
    operations: Vec<Operation<P>>,
    moments: u64,
}

impl<P: Protocol> Default for History<P> {
    fn default() -> Self {
        History {
            operations: Vec::new(),
            moments: 0,
        }
    }
}

impl<P: Protocol> History<P> {
    fn moment(&mut self, at: Time) -> Moment {
        self.moments += 1;
        Moment {
            at,
            order: self.moments,
        }
    }

    /// A client asks.
    pub fn invoke(&mut self, at: Time, client: NodeId, request: P::Request) -> OpId {
        let invoked = self.moment(at);
        self.operations.push(Operation {
            client,
            request,
            invoked,
            ended: None,
        });
        OpId(self.operations.len() as u32 - 1)
    }

    /// An operation ends; how long it took. None if it has ended before, which only a broken client does.
    pub fn end(&mut self, at: Time, op: OpId, outcome: Outcome<P::Response>) -> Option<Span> {
        let moment = self.moment(at);
        let operation = self.operations.get_mut(op.0 as usize)?;
        if operation.ended.is_some() {
            return None;
        }
        operation.ended = Some((moment, outcome));
        Some(at.since(operation.invoked.at))
    }

    /// The operations, in the order of their invocation.
    pub fn operations(&self) -> &[Operation<P>] {
        &self.operations
    }

    /// One operation.
    pub fn get(&self, op: OpId) -> Option<&Operation<P>> {
        self.operations.get(op.0 as usize)
    }

    /// The history in the terms of a judge of key-value stores. What certainly failed is left out.
    pub fn calls(&self, view: View<P>) -> Vec<Call> {
        let call = |(operation, op): (&Operation<P>, u32)| {
            let (response, returned) = answer(operation)?;
            let exchange = view(&operation.request, response)?;
            Some(Call {
                client: operation.client,
                op: OpId(op),
                exchange,
                invoked: operation.invoked.order,
                returned: returned.map_or(u64::MAX, |moment| moment.order),
                invoked_at: operation.invoked.at,
                returned_at: returned.map(|moment| moment.at),
            })
        };
        self.operations.iter().zip(0..).filter_map(call).collect()
    }

    /// What was admitted, in the terms of a judge of limits. What was refused, and what nobody was told, is left out.
    pub fn admissions(&self, view: LimitView<P>) -> Vec<Admission> {
        let admission = |(operation, op): (&Operation<P>, u32)| {
            let (response, returned) = answer(operation)?;
            let said = view(&operation.request, response).filter(|said| said.admitted)?;
            Some(Admission {
                op: OpId(op),
                key: said.key,
                invoked_at: operation.invoked.at,
                returned_at: returned?.at,
            })
        };
        let operations = self.operations.iter().zip(0..);
        operations.filter_map(admission).collect()
    }

    /// What passed between clients and a registry, in the terms of its judge. What failed was begun all the same.
    pub fn dealings(&self, view: RegistryView<P>) -> Dealings {
        let mut dealings = Dealings::default();
        for (operation, op) in self.operations.iter().zip(0..) {
            let (response, returned) = answer(operation).unwrap_or_default();
            let change = |key, value| Change {
                client: operation.client,
                op: OpId(op),
                key,
                value,
                invoked: operation.invoked,
                acknowledged: returned,
            };
            let (key, shown) = match view(&operation.request, response) {
                Some(RegistryCall::Publishes { key, value }) => {
                    dealings.changes.push(change(key, Some(value)));
                    continue;
                }
                Some(RegistryCall::Withdraws { key }) => {
                    dealings.changes.push(change(key, None));
                    continue;
                }
                Some(RegistryCall::Sees { key, shown }) => (key, shown),
                None => continue,
            };
            dealings
                .looks
                .extend(shown.zip(returned).map(|(shown, returned)| Look {
                    client: operation.client,
                    op: OpId(op),
                    key,
                    shown,
                    invoked: operation.invoked,
                    returned,
                }));
        }
        dealings
    }
}

/// What was answered, and when; none of it if that is unknown. Nothing if the operation certainly was not done.
fn answer<P: Protocol>(operation: &Operation<P>) -> Option<(Option<&P::Response>, Option<Moment>)> {
    match &operation.ended {
        Some((_, Outcome::Failed)) => None,
        Some((moment, Outcome::Ok(response))) => Some((Some(response), Some(*moment))),
        Some((_, Outcome::Unknown)) | None => Some((None, None)),
    }
}
