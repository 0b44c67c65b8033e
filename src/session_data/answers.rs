//! The side that is asked in a comparison: a session server of what its clients registered, a leader of what it holds.

use std::collections::BTreeMap;

use super::digest::Sum;
use super::memory::Memory;
use super::names::{ProcessId, RegisterId, SlotId, Stamp};
use super::store::{Registration, Store};
use crate::kv::Key;

/// One who can be asked what it holds of a slot.
pub trait Holder {
    /// What it holds of each service, summed up, in order of the services.
    fn sums(&self) -> Vec<(Key, Sum)>;
    /// What it holds of a service, in order.
    fn registrations(&self, service: Key) -> Vec<Registration>;
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

    fn registrations(&self, service: Key) -> Vec<Registration> {
        let part = self.memory.part(self.slot);
        let entries = part.into_iter().flat_map(|part| part.of(service));
        let of = |(id, entry): (RegisterId, &super::memory::Entry)| Registration {
            id,
            content: Some(entry.value),
            stamp: entry.stamp,
            owner: self.me,
        };
        entries.map(of).collect()
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

    fn registrations(&self, service: Key) -> Vec<Registration> {
        let group = self.group(service);
        group.into_iter().flat_map(|group| group.live()).collect()
    }
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
    let all = services
        .iter()
        .filter(|service| after.is_none_or(|after| **service >= after.service))
        .flat_map(|service| store.registrations(*service));
    let wanted = all
        .filter(|one| of.is_none_or(|of| one.owner == of))
        .filter(|one| after.is_none_or(|after| one.id > after));
    let mut known: Vec<(RegisterId, Stamp)> = wanted
        .take(most + 1)
        .map(|one| (one.id, one.stamp))
        .collect();
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
    let in_range = |id: &RegisterId| {
        after.is_none_or(|after| *id > after) && upto.is_none_or(|upto| *id <= upto)
    };
    let mut answer = Answer::default();
    let mut known = known.iter().filter(|(id, _)| in_range(id)).peekable();
    let mut last = None;
    let own = services
        .iter()
        .flat_map(|service| holder.registrations(*service));
    for mine in own.filter(|mine| in_range(&mine.id)) {
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
