//! How a data server of the fifth generation applies what it has acknowledged.

use std::collections::{BTreeMap, BTreeSet};

use super::super::SessionData;
use super::super::names::{RegisterId, Version};
use super::data::{Event, RingData};
use super::word::{Operation, Publisher, Unpublish};
use crate::kv::Key;
use crate::{Now, Outbox};

impl RingData {
    /// Applies what has been gathered. Of several changes of one registration the one with the latest time counts.
    pub(super) fn merge(&mut self, now: Now, out: &mut Outbox<SessionData>) {
        self.merging = false;
        let mut window: BTreeMap<RegisterId, (u64, Event)> = BTreeMap::new();
        let mut done: BTreeMap<Key, Vec<Operation>> = BTreeMap::new();
        while let Some(event) = self.events.pop() {
            let (id, time) = match &event {
                Event::Publish(publisher) => (publisher.id, publisher.stamp.time),
                Event::Unpublish(unpublish) => (unpublish.id, unpublish.time),
                Event::Off(..) | Event::Snapshot(..) => {
                    self.apply_all(std::mem::take(&mut window), &mut done);
                    self.apply(event, &mut done);
                    continue;
                }
            };
            if window.get(&id).is_none_or(|(before, _)| *before <= time) {
                window.insert(id, (time, event));
            }
        }
        self.apply_all(window, &mut done);
        let ring = &self.config.options.ring;
        let limits = (ring.log_operations, ring.log_keeps);
        let mut changes: Vec<(Key, Version)> = Vec::new();
        for (service, operations) in done {
            let version = self.next_version(now);
            self.store
                .changed(service, (version, now.mono), operations, limits);
            changes.push((service, version));
            self.will_copy(service, out);
        }
        self.notify(&changes, out);
    }

    fn apply_all(
        &mut self,
        window: BTreeMap<RegisterId, (u64, Event)>,
        done: &mut BTreeMap<Key, Vec<Operation>>,
    ) {
        for (_, event) in window.into_values() {
            self.apply(event, done);
        }
    }

    fn apply(&mut self, event: Event, done: &mut BTreeMap<Key, Vec<Operation>>) {
        match event {
            Event::Publish(publisher) => self.apply_publish(publisher, done),
            Event::Unpublish(unpublish) => self.apply_unpublish(unpublish, done),
            Event::Off(connection, time) => {
                let of = |one: &Publisher| Unpublish {
                    id: one.id,
                    time,
                    connection,
                };
                let all: Vec<Unpublish> = self.owned(connection).map(of).collect();
                all.into_iter()
                    .for_each(|one| self.apply_unpublish(one, done));
            }
            Event::Snapshot(connection, publishers) => {
                let stays: BTreeSet<RegisterId> = publishers.iter().map(|one| one.id).collect();
                let mine = self.owned(connection).map(|one| one.id);
                let gone: Vec<RegisterId> = mine.filter(|id| !stays.contains(id)).collect();
                for id in gone {
                    self.store.remove(id);
                    done.entry(id.service)
                        .or_default()
                        .push(Operation::Remove(id));
                }
                publishers
                    .iter()
                    .for_each(|one| self.apply_publish(*one, done));
            }
        }
    }

    fn apply_publish(&mut self, publisher: Publisher, done: &mut BTreeMap<Key, Vec<Operation>>) {
        if self.store.publish(publisher) {
            let operations = done.entry(publisher.id.service).or_default();
            operations.push(Operation::Put(publisher));
        }
    }

    fn apply_unpublish(&mut self, unpublish: Unpublish, done: &mut BTreeMap<Key, Vec<Operation>>) {
        if self.store.unpublish(unpublish) {
            let operations = done.entry(unpublish.id.service).or_default();
            operations.push(Operation::Remove(unpublish.id));
        }
    }

    /// Milliseconds of the wall clock, and a count; it goes on counting while the clock is behind.
    fn next_version(&mut self, now: Now) -> Version {
        let clock = (now.wall.as_nanos() / 1_000_000) << 15;
        self.clock = clock.max(self.clock + 1);
        Version {
            count: self.clock,
            ..Version::default()
        }
    }
}
