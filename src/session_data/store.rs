//! What a data server holds of a slot: by service, every registration that it knows, or that it knows to be gone.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::answers::under;
use super::digest::{Digest, Sum};
use super::names::{ProcessId, RegisterId, Stamp, Version};
use crate::kv::{Key, Value};
use crate::{Span, Time};

/// One registration, as it travels and as it is held.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Registration {
    /// Whose, and under which service.
    pub id: RegisterId,
    /// What is registered; none if it is registered no more.
    pub content: Option<Value>,
    /// In which state.
    pub stamp: Stamp,
    /// Which session process it came from.
    pub owner: ProcessId,
}

/// What is held of one registration.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Held {
    /// What is registered; none for a tombstone.
    pub content: Option<Value>,
    /// In which state.
    pub stamp: Stamp,
    /// Which session process answers for it.
    pub owner: ProcessId,
    /// Since when a tombstone stands here, on the monotonic clock.
    since: Time,
}

/// All of one service.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Group {
    /// As it is served.
    pub version: Version,
    /// Tombstones included.
    pub held: BTreeMap<RegisterId, Held>,
}

/// What became of a registration that was offered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Put {
    /// Subscribers see something else now.
    Seen,
    /// It is taken in, and subscribers see what they saw.
    Unseen,
    /// It is held already.
    Same,
    /// What is held is newer.
    Older,
}

/// One slot's services.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Store {
    digest: Digest,
    groups: BTreeMap<Key, Group>,
    /// What each session process answers for, tombstones left out. Nothing that is empty stands here.
    owned: BTreeMap<ProcessId, Owned>,
    live: usize,
    tombstones: usize,
}

/// What a session process answers for, as it is compared. The stamps stand in the groups as well, among those of others: to
/// look them out there takes as long as the groups are large.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
struct Owned {
    /// All of it, summed up.
    sum: Sum,
    /// The same by service. Nothing that is zero stands here.
    shares: BTreeMap<Key, Sum>,
    stamps: BTreeMap<RegisterId, Stamp>,
}

impl Store {
    /// An empty store.
    pub fn new(digest: Digest) -> Store {
        Store {
            digest,
            groups: BTreeMap::new(),
            owned: BTreeMap::new(),
            live: 0,
            tombstones: 0,
        }
    }

    /// All of a service, if it was ever heard of.
    pub fn group(&self, service: Key) -> Option<&Group> {
        self.groups.get(&service)
    }

    /// What is held of a registration.
    pub fn held(&self, id: RegisterId) -> Option<&Held> {
        self.groups.get(&id.service)?.held.get(&id)
    }

    /// The services, in order.
    pub fn services(&self) -> impl Iterator<Item = Key> {
        self.groups.keys().copied()
    }

    /// Everything that is registered, tombstones left out, in order.
    pub fn live(&self) -> impl Iterator<Item = Registration> {
        self.groups.values().flat_map(Group::live)
    }

    /// How many registrations there are, and how many tombstones.
    pub fn len(&self) -> (usize, usize) {
        (self.live, self.tombstones)
    }

    /// What a session process answers for, summed up.
    pub fn sum(&self, owner: ProcessId) -> Sum {
        let owned = self.owned.get(&owner);
        owned.map(|owned| owned.sum).unwrap_or_default()
    }

    /// The same by service, in order, without services of which it has nothing.
    pub fn shares(&self, owner: ProcessId) -> impl Iterator<Item = (Key, Sum)> {
        let owned = self.owned.get(&owner);
        let shares = owned.into_iter().flat_map(|owned| &owned.shares);
        shares.map(|(service, sum)| (*service, *sum))
    }

    /// What a session process answers for under some services behind a registration, in order. The services are in order too.
    pub fn stamps<'a>(
        &'a self,
        owner: ProcessId,
        services: &'a [Key],
        after: Option<RegisterId>,
    ) -> impl Iterator<Item = (RegisterId, Stamp)> {
        let owned = self.owned.get(&owner).into_iter();
        let stamps = owned.flat_map(move |owned| under(&owned.stamps, services, after));
        stamps.map(|(id, stamp)| (*id, *stamp))
    }

    /// What each session process answers for, summed up.
    pub fn totals(&self) -> impl Iterator<Item = (ProcessId, Sum)> {
        self.owned.iter().map(|(owner, owned)| (*owner, owned.sum))
    }

    /// The session processes that answer for anything.
    pub fn owners(&self) -> impl Iterator<Item = ProcessId> {
        self.owned.keys().copied()
    }

    /// Serves a service under a version from now on.
    pub fn set_version(&mut self, service: Key, version: Version) {
        self.groups.entry(service).or_default().version = version;
    }

    /// Takes a registration in, if it is newer than what is held: one that is registered no more leaves a tombstone.
    pub fn put(&mut self, offered: &Registration, now: Time) -> Put {
        let Registration {
            id,
            content,
            stamp,
            owner,
        } = *offered;
        let held = Held {
            content,
            stamp,
            owner,
            since: now,
        };
        let group = self.groups.entry(id.service).or_default();
        let before = match group.held.entry(id) {
            Entry::Vacant(place) => {
                place.insert(held);
                None
            }
            Entry::Occupied(mut place) => {
                let before = *place.get();
                if before.stamp >= stamp {
                    return if before.stamp == stamp {
                        Put::Same
                    } else {
                        Put::Older
                    };
                }
                place.insert(held);
                Some(before)
            }
        };
        self.account(id, before, Some(held));
        let shown = |held: Option<Held>| held.and_then(|held| held.content);
        if shown(before) == shown(Some(held)) {
            Put::Unseen
        } else {
            Put::Seen
        }
    }

    /// Buries a registration that a session process answers for and does not have any more, unless it has changed since.
    /// What is not there, or is a tombstone, stays as it is.
    pub fn remove(&mut self, from: ProcessId, id: RegisterId, stamp: Stamp, now: Time) -> bool {
        let Some(held) = self.held(id).copied() else {
            return false;
        };
        if held.content.is_none() || held.stamp > stamp || held.owner != from {
            return false;
        }
        let gone = Registration {
            id,
            content: None,
            stamp: held.stamp.buries(),
            owner: from,
        };
        self.put(&gone, now) == Put::Seen
    }

    /// Forgets a registration without a trace: a follower whose leader does not have it.
    pub fn forget(&mut self, id: RegisterId) -> bool {
        let Some(group) = self.groups.get_mut(&id.service) else {
            return false;
        };
        let held = group.held.remove(&id);
        if let Some(held) = held {
            self.account(id, Some(held), None);
        }
        held.is_some_and(|held| held.content.is_some())
    }

    /// Forgets without a trace all that a session process answers for; says which services that changes.
    pub fn clean(&mut self, owner: ProcessId) -> Vec<RegisterId> {
        let owned = self.owned.get(&owner);
        let ids = owned.into_iter().flat_map(|owned| owned.stamps.keys());
        let gone: Vec<RegisterId> = ids.copied().collect();
        for id in &gone {
            self.forget(*id);
        }
        gone
    }

    /// Removes the tombstones that have stood for so long.
    pub fn compact(&mut self, now: Time, keep: Span) -> Vec<RegisterId> {
        if self.tombstones == 0 {
            return Vec::new();
        }
        let all = self.groups.values().flat_map(|group| &group.held);
        let old = all.filter(|(_, held)| held.content.is_none() && now.since(held.since) >= keep);
        let gone: Vec<RegisterId> = old.map(|(id, _)| *id).collect();
        for id in &gone {
            self.forget(*id);
        }
        gone
    }

    /// Keeps the sums and counts true when what is held of a registration changes.
    fn account(&mut self, id: RegisterId, before: Option<Held>, after: Option<Held>) {
        for (held, comes) in [(before, false), (after, true)] {
            let Some(held) = held else {
                continue;
            };
            let count = match held.content {
                Some(_) => &mut self.live,
                None => &mut self.tombstones,
            };
            if comes {
                *count += 1;
            } else {
                *count -= 1;
            }
            if held.content.is_some() {
                let sum = Sum::of(self.digest, id, held.stamp);
                let owned = self.owned.entry(held.owner).or_default();
                adjust(owned.shares.entry(id.service), sum, comes);
                if comes {
                    owned.sum.add(sum);
                    owned.stamps.insert(id, held.stamp);
                } else {
                    owned.sum.take(sum);
                    // Who answers for it still puts it there again at once.
                    let stays = after
                        .is_some_and(|after| after.content.is_some() && after.owner == held.owner);
                    if !stays {
                        owned.stamps.remove(&id);
                    }
                }
                if owned.stamps.is_empty() {
                    self.owned.remove(&held.owner);
                }
            }
        }
    }
}

/// Adds to a sum, or takes away from it; one that comes to nothing is removed.
fn adjust(entry: Entry<'_, Key, Sum>, by: Sum, comes: bool) {
    match entry {
        Entry::Vacant(place) => {
            if comes {
                place.insert(by);
            }
        }
        Entry::Occupied(mut place) => {
            let sum = place.get_mut();
            if comes {
                sum.add(by);
            } else {
                sum.take(by);
            }
            if *sum == Sum::default() {
                place.remove();
            }
        }
    }
}

impl Group {
    /// What is registered, in order.
    pub fn live(&self) -> impl Iterator<Item = Registration> {
        let of = |(id, held): (&RegisterId, &Held)| {
            let content = Some(held.content?);
            Some(Registration {
                id: *id,
                content,
                stamp: held.stamp,
                owner: held.owner,
            })
        };
        self.held.iter().filter_map(of)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Life, NodeId};

    /// What may be done to a store.
    #[derive(Clone, Debug)]
    enum Act {
        Put(Registration),
        Remove(ProcessId, RegisterId, Stamp),
        Forget(RegisterId),
        Clean(ProcessId),
    }

    fn acts() -> impl Strategy<Value = Act> {
        let owner = (1..3_u32).prop_map(|number| ProcessId {
            node: NodeId::new('s', number),
            life: Life(0),
        });
        let id = (0..3_u32, 1..4_u32).prop_map(|(service, client)| RegisterId {
            service: Key(service),
            client: NodeId::client(client),
            life: Life(0),
        });
        let stamp = (1..4_u64, 0..3_u64).prop_map(|(version, time)| Stamp {
            version,
            connection: 1,
            time,
        });
        let content = prop::option::of((0..2_u64).prop_map(|name| Value { name, bytes: 1 }));
        let put = (id.clone(), content, stamp.clone(), owner.clone());
        prop_oneof![
            6 => put.prop_map(|(id, content, stamp, owner)| Act::Put(Registration {
                id,
                content,
                stamp,
                owner,
            })),
            2 => (owner.clone(), id.clone(), stamp).prop_map(|(owner, id, stamp)| Act::Remove(owner, id, stamp)),
            1 => id.prop_map(Act::Forget),
            1 => owner.prop_map(Act::Clean),
        ]
    }

    /// What a process answers for, looked out among everything that is registered.
    fn dumb(
        store: &Store,
        owner: ProcessId,
    ) -> (Sum, BTreeMap<Key, Sum>, Vec<(RegisterId, Stamp)>) {
        let (mut sum, mut shares, mut stamps) = (Sum::default(), BTreeMap::new(), Vec::new());
        for one in store.live().filter(|one| one.owner == owner) {
            let part = Sum::of(store.digest, one.id, one.stamp);
            sum.add(part);
            let share: &mut Sum = shares.entry(one.id.service).or_default();
            share.add(part);
            stamps.push((one.id, one.stamp));
        }
        (sum, shares, stamps)
    }

    proptest! {
        #[test]
        fn what_a_process_answers_for_is_what_is_registered_of_it(
            acts in prop::collection::vec(acts(), 1..60),
        ) {
            let mut store = Store::new(Digest::Strong);
            let services = [0, 1, 2].map(Key);
            for act in acts {
                match act {
                    Act::Put(one) => {
                        store.put(&one, Time::default());
                    }
                    Act::Remove(owner, id, stamp) => {
                        store.remove(owner, id, stamp, Time::default());
                    }
                    Act::Forget(id) => {
                        store.forget(id);
                    }
                    Act::Clean(owner) => {
                        store.clean(owner);
                    }
                }
                for number in 1..3 {
                    let owner = ProcessId { node: NodeId::new('s', number), life: Life(0) };
                    let (sum, shares, stamps) = dumb(&store, owner);
                    prop_assert_eq!(store.sum(owner), sum);
                    prop_assert_eq!(store.shares(owner).collect::<BTreeMap<_, _>>(), shares);
                    let known: Vec<_> = store.stamps(owner, &services, None).collect();
                    prop_assert_eq!(&known, &stamps);
                    prop_assert_eq!(store.owners().any(|one| one == owner), !stamps.is_empty());
                }
                let shown = store.live().count();
                prop_assert_eq!(store.len().0, shown);
            }
        }
    }
}
