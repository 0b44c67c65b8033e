//! What a data server of the fifth generation holds: services with their versions, and what is registered under each.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::super::names::{RegisterId, Version};
use super::word::{Copy, Operation, Publisher, Unpublish};
use crate::kv::Key;
use crate::{Span, StreamId, Time};

/// All that a data server holds.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Store {
    services: BTreeMap<Key, Datum>,
    /// What stands under each connection.
    over: BTreeMap<StreamId, BTreeSet<RegisterId>>,
}

/// A service.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Datum {
    /// Which version.
    pub version: Version,
    /// What is registered.
    pub publishers: BTreeMap<RegisterId, Publisher>,
    /// What has changed of late, oldest first: from which version to which, when, and what.
    log: VecDeque<(Version, Version, Time, Arc<[Operation]>)>,
}

impl Store {
    /// A service.
    pub fn get(&self, service: Key) -> Option<&Datum> {
        self.services.get(&service)
    }

    /// All services.
    pub fn iter(&self) -> impl Iterator<Item = (Key, &Datum)> {
        self.services.iter().map(|(key, datum)| (*key, datum))
    }

    /// The version of a service; the least, if there is no such service.
    pub fn version(&self, service: Key) -> Version {
        self.get(service)
            .map(|datum| datum.version)
            .unwrap_or_default()
    }

    /// All connections under which something stands.
    pub fn connections(&self) -> impl Iterator<Item = StreamId> {
        self.over.keys().copied()
    }

    /// What stands under a connection, in order.
    pub fn over(&self, connection: StreamId) -> impl Iterator<Item = &Publisher> {
        let ids = self.over.get(&connection).into_iter().flatten();
        ids.filter_map(|id| self.services.get(&id.service)?.publishers.get(id))
    }

    /// How much is registered.
    pub fn len(&self) -> usize {
        self.services
            .values()
            .map(|datum| datum.publishers.len())
            .sum()
    }

    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes a registration in, unless the client counts further in what is held. Neither the time matters, nor that it was
    /// removed before: nothing is remembered of that (W5.1, W5.3).
    pub fn publish(&mut self, publisher: Publisher) -> bool {
        let held = self.held(publisher.id);
        if held.is_some_and(|held| held.stamp.version > publisher.stamp.version) {
            return false;
        }
        if held == Some(&publisher) {
            return false;
        }
        self.put(publisher);
        true
    }

    /// Takes a registration out, if it came earlier: by the clocks of two servers (W5.2).
    pub fn unpublish(&mut self, unpublish: Unpublish) -> bool {
        let held = self.held(unpublish.id);
        let is_later = held.is_some_and(|held| unpublish.time > held.stamp.time);
        if is_later {
            self.remove(unpublish.id);
        }
        is_later
    }

    fn held(&self, id: RegisterId) -> Option<&Publisher> {
        self.services.get(&id.service)?.publishers.get(&id)
    }

    /// A registration, whatever was held.
    pub fn put(&mut self, publisher: Publisher) {
        let id = publisher.id;
        self.remove(id);
        let datum = self.services.entry(id.service).or_default();
        datum.publishers.insert(id, publisher);
        self.over
            .entry(publisher.connection)
            .or_default()
            .insert(id);
    }

    /// No registration, whatever was held. The service stays.
    pub fn remove(&mut self, id: RegisterId) {
        let datum = self.services.get_mut(&id.service);
        let Some(publisher) = datum.and_then(|datum| datum.publishers.remove(&id)) else {
            return;
        };
        if let Some(ids) = self.over.get_mut(&publisher.connection) {
            ids.remove(&id);
            if ids.is_empty() {
                self.over.remove(&publisher.connection);
            }
        }
    }

    /// What a service has become is of this version, and the change is written down: so many at most, and no longer.
    pub fn changed(
        &mut self,
        service: Key,
        (version, now): (Version, Time),
        operations: Vec<Operation>,
        (most, keep): (usize, Span),
    ) {
        let datum = self.services.entry(service).or_default();
        let before = std::mem::replace(&mut datum.version, version);
        datum
            .log
            .push_back((before, version, now, operations.into()));
        let old = |log: &VecDeque<(Version, Version, Time, _)>| {
            log.len() > most || log.front().is_some_and(|(.., at, _)| now.since(*at) > keep)
        };
        while old(&datum.log) {
            datum.log.pop_front();
        }
    }

    /// What changed in a service since a version, if that is written down; or all of it.
    pub fn since(&self, service: Key, version: Version) -> (Version, Copy) {
        let Some(datum) = self.get(service) else {
            return (Version::default(), Copy::Whole(Arc::default()));
        };
        let first = datum.log.iter().position(|(before, ..)| *before == version);
        let copy = match first {
            Some(first) => {
                let later = datum.log.iter().skip(first);
                let all = later.flat_map(|(.., operations)| operations.iter());
                Copy::Changes(all.copied().collect())
            }
            None => Copy::Whole(datum.publishers.values().copied().collect()),
        };
        (datum.version, copy)
    }

    /// Takes what another owner has, if that is newer. Changes fit only what they were made of.
    pub fn copy(
        &mut self,
        service: Key,
        since: Version,
        (version, copy): (Version, &Copy),
    ) -> bool {
        let mine = self.version(service);
        match copy {
            Copy::Changes(all) if mine == since => {
                for operation in all.iter() {
                    match operation {
                        Operation::Put(publisher) => self.put(*publisher),
                        Operation::Remove(id) => self.remove(*id),
                    }
                }
            }
            Copy::Whole(all) if version > mine => {
                let held = self.get(service).into_iter();
                let held: Vec<RegisterId> = held
                    .flat_map(|datum| datum.publishers.keys().copied())
                    .collect();
                held.into_iter().for_each(|id| self.remove(id));
                all.iter().for_each(|publisher| self.put(*publisher));
            }
            _ => return false,
        }
        let datum = self.services.entry(service).or_default();
        datum.version = version;
        datum.log.clear();
        true
    }

    /// Forgets a service.
    pub fn drop_service(&mut self, service: Key) {
        let held = self.get(service).into_iter();
        let held: Vec<RegisterId> = held
            .flat_map(|datum| datum.publishers.keys().copied())
            .collect();
        held.into_iter().for_each(|id| self.remove(id));
        self.services.remove(&service);
    }
}
