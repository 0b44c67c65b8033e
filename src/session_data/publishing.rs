//! A session server's side of registrations: what clients want, and how data servers are told.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::SessionData;
use super::digest::Sum;
use super::memory::Entry;
use super::message::{Address, CallId, Item, Message, Timer, Wish};
use super::names::{Epoch, RegisterId, SlotId, Stamp};
use super::note::Note;
use super::pushing::Subscriptions;
use super::session::{Asked, Session};
use super::store::Registration;
use super::writes::Failed;
use crate::kv::Key;
use crate::{Life, NodeId, Now, Outbox, StreamId};

impl Session {
    /// A client wants something. What there is no room for is not granted: it will ask again.
    pub(super) fn on_register(
        &mut self,
        now: Now,
        (client, life): (NodeId, Life),
        connection: StreamId,
        wishes: &[Wish],
        out: &mut Outbox<SessionData>,
    ) {
        let Some(heard) = self.clients.get_mut(&connection) else {
            let held = None;
            return out.send(client, Message::Repeat { connection, held });
        };
        *heard = now.mono;
        let grant = |wish: &&Wish| match **wish {
            Wish::Subscribe(service, version) => {
                self.subscribe((connection, version), service, out);
                true
            }
            Wish::Publish(service, version, value) => {
                let id = RegisterId {
                    service,
                    client,
                    life,
                };
                self.change(now, id, (connection, version), Some(value), out)
            }
            Wish::Withdraw(service, version) => {
                let id = RegisterId {
                    service,
                    client,
                    life,
                };
                self.change(now, id, (connection, version), None, out)
            }
        };
        let wishes: Arc<[Wish]> = wishes.iter().filter(grant).copied().collect();
        if !wishes.is_empty() {
            out.send(client, Message::Registered { connection, wishes });
        }
        self.tell(out);
    }

    /// Takes a change in, and puts it in line for the data server. Whether there was room for it.
    fn change(
        &mut self,
        now: Now,
        id: RegisterId,
        (connection, version): (StreamId, u64),
        value: Option<crate::kv::Value>,
        out: &mut Outbox<SessionData>,
    ) -> bool {
        let rules = &self.config.options.rules;
        let stamp = Stamp {
            version,
            connection: if rules.order_by_connection {
                connection.number
            } else {
                0
            },
            time: now.wall.as_nanos(),
        };
        let said_before = self.memory.get(id).is_some_and(|entry| {
            (entry.stamp.version, entry.connection) == (version, connection) && value.is_some()
        });
        if said_before {
            return true;
        }
        if !self.writes.has_room() {
            out.note(Note::Full(id.service));
            return false;
        }
        match value {
            Some(value) => {
                let entry = Entry {
                    value,
                    stamp,
                    connection,
                };
                if !self.memory.put(id, entry) {
                    out.note(Note::Conflict(id));
                    return true;
                }
            }
            None if self
                .memory
                .known(id)
                .is_some_and(|known| known.version > version) =>
            {
                return true;
            }
            None => {
                let remember = rules.session_tombstones.then_some((stamp, now.mono));
                self.memory.take_out(id, remember);
            }
        }
        let slot = self.memory.slot(id.service);
        let registration = Registration {
            id,
            content: value,
            stamp,
            owner: self.me,
        };
        self.writes.push(slot, Item::Put(registration))
    }

    /// A connection is no more: whoever was connected is not registered here any more.
    pub(super) fn client_off(&mut self, connection: StreamId, out: &mut Outbox<SessionData>) {
        if self.clients.remove(&connection).is_none() {
            return;
        }
        self.unsubscribe(connection);
        let gone = self.memory.disconnect(connection);
        out.note(Note::ClientOff(connection, gone.len()));
        let mut by_slot: BTreeMap<SlotId, Vec<(RegisterId, Stamp)>> = BTreeMap::new();
        for (id, stamp) in gone {
            let slot = self.memory.slot(id.service);
            by_slot.entry(slot).or_default().push((id, stamp));
        }
        for (slot, gone) in by_slot {
            let number = gone.len();
            if !self.writes.push(slot, Item::Off(gone.into())) {
                out.note(Note::Drops(slot, number));
            }
        }
        self.tell(out);
    }

    /// A client says what it is registered for, summed up. If it is not what stands here it is told what does.
    pub(super) fn compare_client(
        &mut self,
        connection: StreamId,
        sum: Sum,
        out: &mut Outbox<SessionData>,
    ) {
        let mut mine = Sum::default();
        for (id, entry) in self.memory.over(connection) {
            mine.add(client_sum(
                self.config.options.rules.digest,
                id,
                entry.stamp.version,
            ));
        }
        if mine == sum {
            return;
        }
        out.note(Note::ClientDiffers(connection));
        let over = self.memory.over(connection);
        let held: Arc<[(Key, u64)]> = over
            .map(|(id, entry)| (id.service, entry.stamp.version))
            .collect();
        out.send(
            connection.opener,
            Message::Repeat {
                connection,
                held: Some(held),
            },
        );
    }

    /// Who leads a slot, as far as it knows: by the slot table, or by having compared.
    pub(super) fn address(&self, slot: SlotId) -> Option<(NodeId, Address)> {
        let table = &self.beats.table;
        let listed = table.slot(slot);
        let listed = listed.and_then(|slot| Some((slot.leadership, slot.leader?)));
        let compared = self.compared.get(&slot).copied();
        let (leadership, leader) = listed.max(compared)?;
        let address = Address {
            table: table.epoch,
            slot,
            leadership,
        };
        Some((leader, address))
    }

    /// Whether a data server may compare a slot. To one that was led by another since nothing more is told: what it showed
    /// could otherwise be newer than what the other begins with.
    pub(super) fn may_compare(&self, from: NodeId, slot: SlotId) -> bool {
        let leader = self.address(slot).map(|(leader, _)| leader);
        leader.is_none_or(|leader| leader == from) || !self.config.options.rules.fence
    }

    /// A leader compares a slot, under a leadership. Whether it may.
    pub(super) fn compares(&mut self, from: NodeId, slot: SlotId, leadership: Epoch) -> bool {
        let fence = self.config.options.rules.fence;
        let compared = self.compared.get(&slot);
        if fence && compared.is_some_and(|(known, _)| *known > leadership) {
            return false;
        }
        if fence {
            self.compared.insert(slot, (leadership, from));
        }
        true
    }

    /// Tells data servers what waits, a batch of each slot at a time.
    pub(super) fn tell(&mut self, out: &mut Outbox<SessionData>) {
        let under_way: Vec<SlotId> = self.calls.iter().filter_map(Asked::batch).collect();
        let slots: Vec<SlotId> = self
            .writes
            .slots()
            .filter(|slot| !under_way.contains(slot))
            .collect();
        for slot in slots {
            if self.address(slot).is_some() {
                let items = self.writes.take(slot, self.config.options.session.batch);
                self.send_batch((slot, items, 1), out);
            }
        }
    }

    fn send_batch(
        &mut self,
        (slot, items, tries): (SlotId, Arc<[Item]>, u32),
        out: &mut Outbox<SessionData>,
    ) {
        let Some((leader, of)) = self.address(slot) else {
            let call = self.calls.name();
            return self.failed(call, (slot, items, tries), out);
        };
        let asked = Asked::Batch(slot, Arc::clone(&items), tries);
        let timeout = self.config.options.session.timeout;
        let call = self.calls.expect(leader, asked, timeout, out);
        let process = self.me;
        out.send(
            leader,
            Message::Batch {
                call,
                process,
                of,
                items,
            },
        );
    }

    /// A batch was refused, or not answered: it is sent again a few times, and then left to the next comparison.
    pub(super) fn failed(
        &mut self,
        call: CallId,
        (slot, items, tries): (SlotId, Arc<[Item]>, u32),
        out: &mut Outbox<SessionData>,
    ) {
        out.note(Note::Fails(slot));
        let options = &self.config.options.session;
        if tries > options.retries {
            out.note(Note::Drops(slot, items.len()));
            return;
        }
        let failed = Failed {
            slot,
            items,
            tries: tries + 1,
        };
        out.arm(Timer::Retry(call), options.backoff);
        if let Some(oldest) = self.retries.push(call, failed) {
            out.note(Note::Drops(oldest.slot, oldest.items.len()));
        }
    }

    /// The time has come to send a batch again, with who leads by now.
    pub(super) fn send_again(&mut self, call: CallId, out: &mut Outbox<SessionData>) {
        if let Some(Failed { slot, items, tries }) = self.retries.take(call) {
            self.send_batch((slot, items, tries), out);
        }
    }
}

impl Asked {
    fn batch(&self) -> Option<SlotId> {
        match self {
            Asked::Batch(slot, ..) => Some(*slot),
            _ => None,
        }
    }
}

/// What a client and its session server both know of a registration, summed up.
pub(super) fn client_sum(digest: super::digest::Digest, id: RegisterId, version: u64) -> Sum {
    let stamp = Stamp {
        version,
        connection: 0,
        time: 0,
    };
    Sum::of(digest, id, stamp)
}
