//! The clients' side of a world: what they ask in the storm, and what must be well again in the calm.

use netsplit::{Input, Invariants, Mode, OpId, Outcome, Span, Time};
use tracing::debug;

use super::roster::View;
use super::{Event, World};
use crate::workload::Drawn;

/// How often the calm asks whether the replicas have settled; and when that takes long, how often in the time it took.
const SETTLING: Span = Span::millis(10);
const PRECISION: u64 = 1000;

impl<M: Mode> World<'_, M> {
    pub(super) fn invoke_in_storm(&mut self, client: usize) {
        if self.workload.is_calm() {
            return;
        }
        let slot = self.servers + client;
        let host = &self.hosts[slot];
        if self.open[client].is_some() {
            self.late[client] = true;
            return;
        }
        if host.process.is_some() && host.pauses == 0 {
            let drawn = self.workload.ask(client);
            self.invoke(client, drawn);
        }
        let next = self.now + self.workload.pause(client);
        self.events.push(
            next,
            Event::Invoke {
                client: client as u32,
            },
        );
    }

    fn invoke(&mut self, client: usize, drawn: Drawn) {
        let slot = self.servers + client;
        let request = (M::OPERATIONS[drawn.kind].request)(&self.scenario.config.options, drawn.ask);
        let op = self
            .history
            .invoke(self.now, self.ids[slot], request.clone());
        debug!(target: "world", at = %self.now, node = %self.ids[slot], "asks {op}: {request}");
        self.mark(3 << 40, slot as u32, op.0);
        self.open[client] = Some((op, drawn));
        self.input(slot, Input::Requested(op, request));
    }

    pub(super) fn respond(&mut self, slot: usize, op: OpId, outcome: Outcome<M::Response>) {
        debug!(target: "world", at = %self.now, node = %self.ids[slot], "answers {op}: {outcome}");
        self.mark(4 << 40, slot as u32, op.0);
        let client = slot.checked_sub(self.servers);
        let asked = client.and_then(|client| self.open[client].take_if(|(open, _)| *open == op));
        let (Some(client), Some((_, drawn))) = (client, asked) else {
            let who = self.ids[slot];
            panic!("{who} ends {op}, which is not an open operation of its own");
        };
        if let (Outcome::Ok(response), Some(operation)) = (&outcome, self.history.get(op))
            && let Some((key, value)) = M::told(&operation.request, response)
        {
            self.workload.learn(key, value);
        }
        let succeeded = matches!(outcome, Outcome::Ok(_));
        self.history.end(self.now, op, outcome);
        self.is_free(client, drawn, succeeded);
    }

    /// A client went down: what it had asked stays open in the history for ever, and it asks anew when it is back.
    pub(super) fn abandon(&mut self, client: usize) {
        if let Some((_, drawn)) = self.open[client].take() {
            self.is_free(client, drawn, false);
        }
    }

    /// A client has nothing open any more: on with the calm, or with what it is late for.
    fn is_free(&mut self, client: usize, drawn: Drawn, succeeded: bool) {
        if self.workload.is_calm() {
            self.workload.ended_calm(drawn, succeeded);
            self.events.push(self.now, Event::Settle);
        } else if std::mem::take(&mut self.late[client]) {
            let client = client as u32;
            self.events.push(self.now, Event::Invoke { client });
        }
    }

    /// Idle clients take up what is to be done; when nothing is left and the replicas agree, the run is over.
    #[cold]
    pub(super) fn settle(&mut self) {
        for client in 0..self.open.len() {
            let ready = self.hosts[self.servers + client].process.is_some();
            if ready
                && self.open[client].is_none()
                && let Some(drawn) = self.workload.next_calm()
            {
                self.invoke(client, drawn);
            }
        }
        let view = View {
            hosts: &self.hosts,
            ids: &self.ids,
            servers: self.servers,
            roster: &self.roster,
        };
        let missing = self
            .workload
            .missing()
            .map_or_else(|| M::settled(&view), Err);
        match missing {
            Ok(()) => {
                self.invariants.after_calm(&view, &mut self.found);
                self.convict();
                self.converged = Some(self.now.since(Time::ZERO + self.scenario.length));
                self.over = true;
            }
            Err(missing) if self.now >= self.deadline => {
                let budget = self.scenario.calm_budget();
                let lost = self.hosts.iter().filter(|host| host.lost);
                let lost: String = lost.map(|host| format!("; {} is lost", host.id)).collect();
                self.violate(
                    "recovers_in_the_calm",
                    format!("{budget} after the storm: {missing}{lost}"),
                );
            }
            Err(_) if self.workload.missing().is_none() => {
                let since = self.now.since(Time::ZERO + self.scenario.length);
                let pause = SETTLING.max(since / PRECISION);
                self.events.push(self.now + pause, Event::Settle);
            }
            Err(_) => {}
        }
    }
}
