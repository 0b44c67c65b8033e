//! A session server's side of subscriptions: which services its clients want to know of, and how they are told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::SessionData;
use super::calls::Calls;
use super::message::{Access, Address, CallId, Datum, Message, Timer};
use super::names::{SlotId, Version};
use super::note::Note;
use super::options::Options;
use super::scans::Levels;
use super::session::Asked;
use crate::kv::Key;
use crate::{NodeId, Outbox, Queue, StreamId};

/// What clients want to know of, and what waits to be pushed to them.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Pushing {
    /// The services that somebody has subscribed to.
    pub services: Services,
    /// Pushes that wait.
    pub queue: Queue<Waiting>,
    /// How far each slot's services are known.
    pub(super) levels: Levels,
    /// Whether the alarm to push them is set.
    armed: bool,
    /// What the last step learned of a service.
    pub(super) news: Option<Arc<Datum>>,
}

/// Services with subscribers, by slot.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Services {
    slots: u32,
    by_slot: BTreeMap<SlotId, BTreeMap<Key, Service>>,
}

/// A service with subscribers.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Service {
    /// What it consists of, as it was fetched last.
    pub datum: Option<Arc<Datum>>,
    /// By connection: which version the client has taken.
    pub subscribers: BTreeMap<StreamId, Option<Version>>,
    /// Whether it is about to be fetched, or is being fetched.
    fetching: bool,
    /// Whether more of it was heard of while it was being fetched.
    again: bool,
}

/// A push that waits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Waiting {
    /// To whom.
    pub connection: StreamId,
    /// Of which service.
    pub service: Key,
    /// How often it was sent.
    pub tries: u32,
}

impl Pushing {
    /// Nothing yet, of services in so many slots, with room for so many pushes.
    pub fn new(slots: u32, capacity: usize) -> Pushing {
        Pushing {
            services: Services {
                slots,
                by_slot: BTreeMap::new(),
            },
            queue: Queue::new(capacity),
            levels: Levels::default(),
            armed: false,
            news: None,
        }
    }

    /// The services of which somebody has not taken the newest version, and is not being pushed it.
    pub(super) fn behind(&self, calls: &Calls<Asked>) -> Vec<Key> {
        let pushing = calls.iter().filter_map(|asked| match asked {
            Asked::Push(waiting, _) => Some((waiting.connection, waiting.service)),
            _ => None,
        });
        let waiting = self.queue.iter();
        let under_way = waiting.map(|one| (one.connection, one.service));
        let under_way: BTreeSet<(StreamId, Key)> = pushing.chain(under_way).collect();
        let behind = |(key, service): (Key, &Service)| {
            let version = service.version();
            let waits = |(connection, taken): (&StreamId, &Option<Version>)| {
                *taken < version && !under_way.contains(&(*connection, key))
            };
            service.subscribers.iter().any(waits).then_some(key)
        };
        self.services.iter().filter_map(behind).collect()
    }
}

impl Services {
    /// A service, if somebody has subscribed to it.
    pub fn get(&self, key: Key) -> Option<&Service> {
        self.by_slot.get(&self.slot(key))?.get(&key)
    }

    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut Service> {
        self.by_slot.get_mut(&self.slot(key))?.get_mut(&key)
    }

    /// A service that is about to be subscribed to.
    fn entry(&mut self, key: Key) -> &mut Service {
        let slot = self.by_slot.entry(self.slot(key)).or_default();
        slot.entry(key).or_default()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (Key, &Service)> {
        let all = self.by_slot.values().flatten();
        all.map(|(key, service)| (*key, service))
    }

    /// Those of a slot, in order.
    pub fn of(&self, slot: SlotId) -> impl Iterator<Item = Key> {
        self.by_slot
            .get(&slot)
            .into_iter()
            .flat_map(BTreeMap::keys)
            .copied()
    }

    /// The slots of all of them.
    pub fn slots(&self) -> impl Iterator<Item = SlotId> {
        self.by_slot.keys().copied()
    }

    fn slot(&self, key: Key) -> SlotId {
        SlotId::of(key, self.slots)
    }
}

impl Service {
    pub(super) fn version(&self) -> Option<Version> {
        self.datum.as_ref().map(|datum| datum.version)
    }
}

/// A session server of either generation, as subscriptions see it. They differ in whom they ask for a service.
pub(super) trait Subscriptions {
    /// What its clients want to know of, the calls that wait for answers, and its constants.
    fn parts(&mut self) -> (&mut Pushing, &mut Calls<Asked>, &Options);

    /// Who serves a service, as far as it knows.
    fn serves(&self, service: Key) -> Option<(NodeId, Address)>;

    /// A client wants to know of a service: from now on, and what it is now.
    fn subscribe(
        &mut self,
        (connection, shown): (StreamId, Option<Version>),
        key: Key,
        out: &mut Outbox<SessionData>,
    ) {
        let (pushing, ..) = self.parts();
        let slot = pushing.services.slot(key);
        let service = pushing.services.entry(key);
        if service.subscribers.contains_key(&connection) {
            return;
        }
        service.subscribers.insert(connection, shown);
        pushing.levels.forget(slot);
        if service.datum.is_some() {
            self.line_up(key, out);
        } else if !service.fetching {
            service.fetching = true;
            self.fetch(key, out);
        }
    }

    /// Nobody is at the other end of a connection any more.
    fn unsubscribe(&mut self, connection: StreamId) {
        let (pushing, ..) = self.parts();
        pushing.services.by_slot.retain(|_, services| {
            services.retain(|_, service| {
                service.subscribers.remove(&connection);
                !service.subscribers.is_empty()
            });
            !services.is_empty()
        });
    }

    /// A service is said to be of this version: it is fetched, in a while, if that is news.
    fn heard_of(&mut self, key: Key, version: Version, out: &mut Outbox<SessionData>) {
        let (pushing, _, options) = self.parts();
        let Some(service) = pushing.services.get_mut(key) else {
            return;
        };
        if service.version().is_some_and(|known| known >= version) {
            return;
        }
        if service.fetching {
            service.again = true;
        } else {
            service.fetching = true;
            out.arm(Timer::Fetch(key), options.session.debounce);
        }
    }

    /// Asks who serves a service for it.
    fn fetch(&mut self, key: Key, out: &mut Outbox<SessionData>) {
        let address = self.serves(key);
        let (pushing, calls, options) = self.parts();
        let Some(service) = pushing.services.get_mut(key) else {
            return;
        };
        service.again = false;
        let Some((leader, of)) = address else {
            return self.fetch_again(key, out);
        };
        let timeout = options.session.timeout;
        let call = calls.expect(leader, Asked::Fetch(key), timeout, out);
        out.send(
            leader,
            Message::Fetch {
                call,
                of,
                service: key,
            },
        );
    }

    /// A service could not be fetched: it is tried again in a while.
    fn fetch_again(&mut self, key: Key, out: &mut Outbox<SessionData>) {
        let (pushing, _, options) = self.parts();
        if let Some(service) = pushing.services.get_mut(key) {
            service.fetching = true;
            out.arm(Timer::Fetch(key), options.session.debounce);
        }
    }

    fn on_fetched(
        &mut self,
        call: CallId,
        from: NodeId,
        datum: Result<Arc<Datum>, Access>,
        out: &mut Outbox<SessionData>,
    ) {
        let (pushing, calls, options) = self.parts();
        let Some(Asked::Fetch(key)) = calls.answered(call, from, out) else {
            return;
        };
        let Ok(datum) = datum else {
            return self.fetch_again(key, out);
        };
        let debounce = options.session.debounce;
        let Some(service) = pushing.services.get_mut(key) else {
            return;
        };
        service.fetching = std::mem::take(&mut service.again);
        if service.fetching {
            out.arm(Timer::Fetch(key), debounce);
        }
        if service.version().is_none_or(|known| known < datum.version) {
            service.datum = Some(Arc::clone(&datum));
            pushing.news = Some(datum);
            self.line_up(key, out);
        }
    }

    /// Puts a service in line for those subscribers who have not taken its newest version.
    fn line_up(&mut self, key: Key, out: &mut Outbox<SessionData>) {
        let (pushing, _, options) = self.parts();
        let Pushing {
            services,
            queue,
            armed,
            ..
        } = pushing;
        let Some(service) = services.get(key) else {
            return;
        };
        let behind = |taken: &Option<Version>| taken.is_none() || *taken < service.version();
        for (connection, _) in service
            .subscribers
            .iter()
            .filter(|(_, taken)| behind(taken))
        {
            let waiting = Waiting {
                connection: *connection,
                service: key,
                tries: 1,
            };
            // What there is no room for is taken care of by the next scan.
            let _ = queue.push(waiting);
        }
        if !*armed && !queue.is_empty() {
            *armed = true;
            out.arm(Timer::Push, options.session.push_delay);
        }
    }

    /// Pushes all that waits.
    fn push_all(&mut self, out: &mut Outbox<SessionData>) {
        let (pushing, calls, options) = self.parts();
        pushing.armed = false;
        let timeout = options.session.push_timeout;
        while let Some(waiting) = pushing.queue.pop() {
            let Waiting {
                connection,
                service,
                ..
            } = waiting;
            let Some(service) = pushing.services.get(service) else {
                continue;
            };
            let taken = service.subscribers.get(&connection);
            let (Some(taken), Some(datum)) = (taken, service.datum.clone()) else {
                continue;
            };
            if *taken == Some(datum.version) {
                continue;
            }
            let client = connection.opener;
            let asked = Asked::Push(waiting, datum.version);
            let call = calls.expect(client, asked, timeout, out);
            out.send(
                client,
                Message::Push {
                    connection,
                    call,
                    datum,
                },
            );
        }
    }

    fn on_pushed(&mut self, call: CallId, from: NodeId, out: &mut Outbox<SessionData>) {
        let (pushing, calls, _) = self.parts();
        let Some(Asked::Push(waiting, version)) = calls.answered(call, from, out) else {
            return;
        };
        let service = pushing.services.get_mut(waiting.service);
        let taken = service.and_then(|service| service.subscribers.get_mut(&waiting.connection));
        if let Some(taken) = taken {
            *taken = (*taken).max(Some(version));
        }
    }

    /// A client did not take a push: it is sent again a few times, and then left to the next scan.
    fn push_again(&mut self, waiting: Waiting, out: &mut Outbox<SessionData>) {
        let (pushing, _, options) = self.parts();
        let options = &options.session;
        if waiting.tries > options.push_retries {
            out.note(Note::PushFails(waiting.service));
            return;
        }
        let tries = waiting.tries + 1;
        let _ = pushing.queue.push(Waiting { tries, ..waiting });
        if !pushing.armed {
            pushing.armed = true;
            out.arm(Timer::Push, options.push_delay * u64::from(tries));
        }
    }
}
