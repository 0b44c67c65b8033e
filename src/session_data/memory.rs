//! What a session server holds: the registrations of the clients that are connected to it. This is the truth that data
//! servers are to hold as well.

use std::collections::{BTreeMap, BTreeSet};

use super::answers::under;
use super::digest::{Digest, Sum};
use super::names::{RegisterId, SlotId, Stamp};
use crate::kv::{Key, Value};
use crate::{Span, StreamId, Time};

/// A registration of a client that is connected.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Entry {
    /// What is registered.
    pub value: Value,
    /// In which state.
    pub stamp: Stamp,
    /// Over which connection.
    pub connection: StreamId,
}

/// All of one slot.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Part {
    entries: BTreeMap<RegisterId, Entry>,
    sum: Sum,
    /// By service; nothing that is zero stands here.
    sums: BTreeMap<Key, Sum>,
}

/// All of it, by slot.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Memory {
    digest: Digest,
    parts: Vec<Part>,
    /// What came over each connection. A registration that has come over another since still stands here.
    came: BTreeMap<StreamId, BTreeSet<RegisterId>>,
    /// What is registered no more, in which state, and since when.
    gone: BTreeMap<RegisterId, (Stamp, Time)>,
}

impl Memory {
    /// Nothing yet, of so many slots.
    pub fn new(digest: Digest, slots: u32) -> Memory {
        Memory {
            digest,
            parts: vec![Part::default(); slots as usize],
            came: BTreeMap::new(),
            gone: BTreeMap::new(),
        }
    }

    /// What is held of a slot. Empty, if there is no such slot.
    pub fn part(&self, slot: SlotId) -> Option<&Part> {
        self.parts.get(slot.0 as usize)
    }

    /// The slot of a service.
    pub fn slot(&self, service: Key) -> SlotId {
        SlotId::of(service, self.parts.len() as u32)
    }

    /// A registration.
    pub fn get(&self, id: RegisterId) -> Option<&Entry> {
        self.part(self.slot(id.service))?.entries.get(&id)
    }

    /// Everything, slot by slot.
    pub fn iter(&self) -> impl Iterator<Item = (RegisterId, &Entry)> {
        let parts = self.parts.iter().flat_map(|part| &part.entries);
        parts.map(|(id, entry)| (*id, entry))
    }

    /// What stands under a connection, in order.
    pub fn over(&self, connection: StreamId) -> impl Iterator<Item = (RegisterId, &Entry)> {
        let ids = self.came.get(&connection).into_iter().flatten();
        let here = move |id: &RegisterId| {
            let entry = self.get(*id)?;
            (entry.connection == connection).then_some((*id, entry))
        };
        ids.filter_map(here)
    }

    /// How many registrations there are, and how many tombstones.
    pub fn len(&self) -> (usize, usize) {
        let live = self.parts.iter().map(|part| part.entries.len());
        (live.sum(), self.gone.len())
    }

    /// In which state a registration is known, be it gone.
    pub fn known(&self, id: RegisterId) -> Option<Stamp> {
        let here = self.get(id).map(|entry| entry.stamp);
        here.max(self.gone.get(&id).map(|(stamp, _)| *stamp))
    }

    /// Takes a registration in, if it is newer than what is known of it.
    pub fn put(&mut self, id: RegisterId, entry: Entry) -> bool {
        if self.known(id).is_some_and(|known| known >= entry.stamp) {
            return false;
        }
        self.gone.remove(&id);
        self.came.entry(entry.connection).or_default().insert(id);
        self.replace(id, Some(entry));
        true
    }

    /// Takes a registration out, and remembers that if it is to be remembered.
    pub fn take_out(&mut self, id: RegisterId, remember: Option<(Stamp, Time)>) {
        self.replace(id, None);
        if let Some((stamp, now)) = remember {
            let known = self.gone.entry(id).or_insert((stamp, now));
            *known = (stamp.max(known.0), now);
        }
    }

    /// A connection is no more: takes out what stands under it.
    pub fn disconnect(&mut self, connection: StreamId) -> Vec<(RegisterId, Stamp)> {
        let gone = self.over(connection).map(|(id, entry)| (id, entry.stamp));
        let gone: Vec<(RegisterId, Stamp)> = gone.collect();
        for (id, _) in &gone {
            self.replace(*id, None);
        }
        self.came.remove(&connection);
        gone
    }

    /// What is registered no more under the services of a slot, in order.
    pub fn gone(&self, slot: SlotId) -> impl Iterator<Item = (RegisterId, Stamp)> {
        let here = move |(id, _): &(&RegisterId, &(Stamp, Time))| self.slot(id.service) == slot;
        let gone = self.gone.iter().filter(here);
        gone.map(|(id, (stamp, _))| (*id, *stamp))
    }

    /// Removes the tombstones that have stood for so long.
    pub fn compact(&mut self, now: Time, keep: Span) {
        self.gone.retain(|_, (_, since)| now.since(*since) < keep);
    }

    fn replace(&mut self, id: RegisterId, entry: Option<Entry>) {
        let slot = self.slot(id.service);
        let digest = self.digest;
        let Some(part) = self.parts.get_mut(slot.0 as usize) else {
            return;
        };
        let before = match entry {
            Some(entry) => part.entries.insert(id, entry),
            None => part.entries.remove(&id),
        };
        let of = |entry: &Entry| Sum::of(digest, id, entry.stamp);
        let (before, after) = (before.as_ref().map(of), entry.as_ref().map(of));
        let share = part.sums.entry(id.service).or_default();
        for sum in [&mut part.sum, &mut *share] {
            sum.take(before.unwrap_or_default());
            sum.add(after.unwrap_or_default());
        }
        if *share == Sum::default() {
            part.sums.remove(&id.service);
        }
    }
}

impl Part {
    /// All of it, summed up.
    pub fn sum(&self) -> Sum {
        self.sum
    }

    /// The same by service, in order, without services of which there is nothing.
    pub fn shares(&self) -> impl Iterator<Item = (Key, Sum)> {
        self.sums.iter().map(|(service, sum)| (*service, *sum))
    }

    /// What is registered under some services behind a registration, in order. The services are in order too.
    pub fn under<'a>(
        &'a self,
        services: &'a [Key],
        after: Option<RegisterId>,
    ) -> impl Iterator<Item = (&'a RegisterId, &'a Entry)> {
        under(&self.entries, services, after)
    }
}
