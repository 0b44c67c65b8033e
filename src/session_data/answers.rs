//! The side that is asked in a comparison: a session server of what its clients registered, a leader of what it holds. And
//! what the side that asks says of registrations.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Bound;

use super::digest::Sum;
use super::memory::Memory;
use super::names::{ProcessId, RegisterId, SlotId, Stamp};
use super::store::{Registration, Store};
use crate::kv::Key;

/// One who can be asked what it holds of a slot.
pub trait Holder {
    /// What it holds of each service, summed up, in order of the services.
    fn sums(&self) -> Vec<(Key, Sum)>;
    /// What it holds of some services behind a registration, in order. The services are in order too.
    fn registrations<'a>(
        &'a self,
        services: &'a [Key],
        after: Option<RegisterId>,
    ) -> impl Iterator<Item = Registration>;
}

/// A session process, and the slot it is asked about.
pub struct OfSession<'a> {
    /// Which process.
    pub me: ProcessId,
    /// What it holds.
    pub memory: &'a Memory,
    /// Which slot.
    pub slot: SlotId,
}

impl Holder for OfSession<'_> {
    fn sums(&self) -> Vec<(Key, Sum)> {
        let part = self.memory.part(self.slot);
        part.into_iter().flat_map(|part| part.shares()).collect()
    }

    fn registrations<'a>(
        &'a self,
        services: &'a [Key],
        after: Option<RegisterId>,
    ) -> impl Iterator<Item = Registration> {
        let me = self.me;
        let part = self.memory.part(self.slot);
        let entries = part.into_iter();
        let entries = entries.flat_map(move |part| part.under(services, after));
        entries.map(move |(id, entry)| Registration {
            id: *id,
            content: Some(entry.value),
            stamp: entry.stamp,
            owner: me,
        })
    }
}

impl Holder for Store {
    fn sums(&self) -> Vec<(Key, Sum)> {
        let mut sums: BTreeMap<Key, Sum> = BTreeMap::new();
        for owner in self.owners() {
            for (service, sum) in self.shares(owner) {
                sums.entry(service).or_default().add(sum);
            }
        }
        sums.into_iter().collect()
    }

    fn registrations<'a>(
        &'a self,
        services: &'a [Key],
        after: Option<RegisterId>,
    ) -> impl Iterator<Item = Registration> {
        let behind = move |service: &&Key| after.is_none_or(|after| **service >= after.service);
        let services = services.iter().filter(behind);
        let groups = services.filter_map(|service| self.group(*service));
        let all = groups.flat_map(|group| group.live());
        all.filter(move |one| after.is_none_or(|after| one.id > after))
    }
}

/// What of this stands under some services behind a registration, in order. The services are in order too. One walk, that
/// jumps over what stands between two of them.
pub(super) fn under<'a, V>(
    all: &'a BTreeMap<RegisterId, V>,
    services: &'a [Key],
    after: Option<RegisterId>,
) -> impl Iterator<Item = (&'a RegisterId, &'a V)> {
    let start = after.map_or(Bound::Unbounded, Bound::Excluded);
    let mut walk = all.range((start, Bound::Unbounded)).peekable();
    let mut services = services.iter();
    let mut wanted = services.next();
    std::iter::from_fn(move || {
        loop {
            let service = *wanted?;
            match walk.peek()?.0.service.cmp(&service) {
                Ordering::Less => walk = all.range(RegisterId::first(service)..).peekable(),
                Ordering::Equal => return walk.next(),
                Ordering::Greater => wanted = services.next(),
            }
        }
    })
}

/// The services of which two hold something else, in order.
pub fn differing(mine: &[(Key, Sum)], theirs: &[(Key, Sum)]) -> Vec<Key> {
    let mut differ = Vec::new();
    let (mut mine, mut theirs) = (mine.iter().peekable(), theirs.iter().peekable());
    loop {
        match (mine.peek(), theirs.peek()) {
            (None, None) => return differ,
            (Some((key, _)), None) => {
                differ.push(*key);
                mine.next();
            }
            (None, Some((key, _))) => {
                differ.push(*key);
                theirs.next();
            }
            (Some((own, sum)), Some((other, its))) => {
                if own != other || sum != its {
                    differ.push(*own.min(other));
                }
                let (own, other) = (*own, *other);
                if own <= other {
                    mine.next();
                }
                if other <= own {
                    theirs.next();
                }
            }
        }
    }
}

/// All that is held under these services behind a registration, of what a session process answers for if one is named: so
/// many at most, in order; and up to where that goes, if there is more.
pub fn known(
    store: &Store,
    services: &[Key],
    of: Option<ProcessId>,
    after: Option<RegisterId>,
    most: usize,
) -> (Vec<(RegisterId, Stamp)>, Option<RegisterId>) {
    let mut known: Vec<(RegisterId, Stamp)> = match of {
        Some(process) => {
            let all = store.stamps(process, services, after);
            all.take(most + 1).collect()
        }
        None => {
            let all = store.registrations(services, after);
            let all = all.map(|one| (one.id, one.stamp));
            all.take(most + 1).collect()
        }
    };
    let is_all = known.len() <= most;
    known.truncate(most);
    let upto = known.last().filter(|_| !is_all).map(|(id, _)| *id);
    (known, upto)
}

/// What one asks who compares registrations.
pub struct Question<'a> {
    /// Of these services, in order.
    pub services: &'a [Key],
    /// From behind this registration.
    pub after: Option<RegisterId>,
    /// Up to this one.
    pub upto: Option<RegisterId>,
    /// All that the one who asks holds there, in order.
    pub known: &'a [(RegisterId, Stamp)],
}

/// What it is answered.
#[derive(Default)]
pub struct Answer {
    /// What it has not, or not so.
    pub updated: Vec<Registration>,
    /// What it has, and who answers has not.
    pub removed: Vec<(RegisterId, Stamp)>,
    /// Up to where this goes, if there is more.
    pub more: Option<RegisterId>,
}

/// Compares registrations, and answers with so many at most.
pub fn answer(holder: &impl Holder, question: &Question<'_>, most: usize) -> Answer {
    let Question {
        services,
        after,
        upto,
        known,
    } = question;
    let in_range = |id: &RegisterId| upto.is_none_or(|upto| *id <= upto);
    let mut answer = Answer::default();
    let is_asked = |id: &RegisterId| in_range(id) && after.is_none_or(|after| *id > after);
    let mut known = known.iter().filter(|(id, _)| is_asked(id)).peekable();
    let mut last = None;
    let own = holder.registrations(services, *after);
    for mine in own.take_while(|mine| in_range(&mine.id)) {
        while let Some((id, stamp)) = known.next_if(|(id, _)| *id < mine.id) {
            answer.removed.push((*id, *stamp));
        }
        let its = known.next_if(|(id, _)| *id == mine.id);
        if its.is_some_and(|(_, stamp)| *stamp == mine.stamp) {
            continue;
        }
        if answer.updated.len() >= most {
            answer.more = last;
            return answer;
        }
        last = Some(mine.id);
        answer.updated.push(mine);
    }
    answer.removed.extend(known);
    answer
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Life, NodeId};

    fn id(service: u32, client: u32) -> RegisterId {
        RegisterId {
            service: Key(service),
            client: NodeId::client(client),
            life: Life(0),
        }
    }

    proptest! {
        #[test]
        fn a_walk_that_jumps_finds_what_one_that_looks_at_all_finds(
            all in prop::collection::btree_map((0..6_u32, 1..4_u32), 0..9_u8, 0..20),
            services in prop::collection::btree_set(0..6_u32, 0..6),
            after in prop::option::of((0..6_u32, 1..4_u32)),
        ) {
            let all: BTreeMap<RegisterId, u8> = all.into_iter().map(|((s, c), held)| (id(s, c), held)).collect();
            let services: Vec<Key> = services.into_iter().map(Key).collect();
            let after = after.map(|(service, client)| id(service, client));
            let is_wanted = |id: &RegisterId| services.contains(&id.service) && after.is_none_or(|after| *id > after);
            let dumb: Vec<_> = all.iter().filter(|(id, _)| is_wanted(id)).collect();
            let clever: Vec<_> = under(&all, &services, after).collect();
            prop_assert_eq!(clever, dumb);
        }
    }
}
