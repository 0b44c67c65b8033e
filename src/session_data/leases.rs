//! Which session processes a data server takes for alive, and what becomes of what the others had registered.

use super::SessionData;
use super::data::{By, Data, Touched};
use super::message::Timer;
use super::names::{Epoch, ProcessId, SlotId};
use super::note::Note;
use super::slots::Holding;
use crate::{Now, Outbox, StreamId, Time};

impl Data {
    /// Whoever is connected or on the list is alive. Of those who have been neither for too long nothing is kept; and
    /// tombstones that are old enough go.
    pub(super) fn on_lease_check(&mut self, now: Now, out: &mut Outbox<SessionData>) {
        let options = self.config.options.data.clone();
        out.arm(Timer::Lease, options.lease_check);
        let idle = self.config.options.session.idle;
        let silent = |(_, (_, heard)): &(&StreamId, &(Option<ProcessId>, Time))| {
            now.mono.since(*heard) > idle
        };
        let silent: Vec<StreamId> = self
            .connected
            .iter()
            .filter(silent)
            .map(|(stream, _)| *stream)
            .collect();
        for stream in silent {
            out.close(stream);
            self.connected.remove(&stream);
        }
        let alive: Vec<ProcessId> = self.sessions().collect();
        for process in alive {
            self.leases.insert(process, now.mono);
        }
        self.leases
            .retain(|_, last| now.mono.since(*last) <= options.lease);
        self.said
            .retain(|process, _| self.leases.contains_key(process));
        self.clean(now, out);
        for holding in self.slots.values_mut() {
            for id in holding.store.compact(now.mono, options.tombstones) {
                let by = By::Compaction;
                self.touched.push(Touched { id, by });
            }
        }
    }

    /// Forgets, in the slots that it leads, what processes without a lease had registered. Who knows of no list knows of
    /// nobody who is gone.
    fn clean(&mut self, now: Now, out: &mut Outbox<SessionData>) {
        if self.beats.roster.epoch == Epoch::default() {
            return;
        }
        let leases = &self.leases;
        let of = |(id, holding): (&SlotId, &Holding)| {
            let dead = holding
                .store
                .owners()
                .filter(|owner| !leases.contains_key(owner));
            dead.map(|owner| (*id, owner)).collect::<Vec<_>>()
        };
        let led = self.slots.iter().filter(|(_, holding)| holding.leads());
        let dead: Vec<(SlotId, ProcessId)> = led.flat_map(of).collect();
        for (slot, owner) in dead {
            let Some(holding) = self.slots.get_mut(&slot) else {
                continue;
            };
            let gone = holding.store.clean(owner);
            holding.batches.remove(&owner);
            out.note(Note::Cleans(owner, gone.len()));
            for id in gone {
                let by = By::Lease;
                self.touched.push(Touched { id, by });
                self.has_changed(now, slot, id.service, out);
            }
        }
    }
}
