//! How session servers find out what they have missed: now and then they compare the versions of what they know with those
//! that are served.
//!
//! The leader of a slot counts the versions that it gives; the last one is the slot's level. A session server that has
//! compared all its services of a slot knows that it has missed nothing up to that level, and asks from then on whether the
//! levels of all slots of a data server are what they were, by one sum.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::SessionData;
use super::data::Data;
use super::digest::Sum;
use super::message::{Access, Address, CallId, Message, Others, Timer};
use super::names::{SlotId, Version};
use super::pushing::Subscriptions;
use super::session::Asked;
use crate::kv::Key;
use crate::{NodeId, Now, Outbox};

/// How far the services of each slot are known that clients have subscribed to.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Levels(BTreeMap<SlotId, Level>);

/// How far those of one slot are.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Level {
    /// That is being asked, for all that are subscribed to.
    Asked(CallId),
    /// Up to here.
    Known(Version),
}

/// How who serves a slot is addressed, and the versions that are known of its services.
type Known = (Address, Vec<(Key, Version)>);

/// What there is to be asked of a data server.
#[derive(Default)]
struct Questions {
    /// The versions that are known of services, by slot.
    scans: BTreeMap<SlotId, Known>,
    /// The levels that are known of slots.
    levels: BTreeMap<SlotId, Version>,
}

impl Levels {
    /// A service of this slot is subscribed to that was not, or by somebody who has seen more of it.
    pub fn forget(&mut self, slot: SlotId) {
        self.0.remove(&slot);
    }

    fn known(&self, slot: SlotId) -> Option<Version> {
        match self.0.get(&slot) {
            Some(Level::Known(level)) => Some(*level),
            _ => None,
        }
    }

    /// All services of a slot have been compared by this call, unless others have been subscribed to since.
    fn learn(&mut self, slot: SlotId, call: CallId, level: Version) {
        let asked = self.0.get_mut(&slot);
        if let Some(asked) = asked.filter(|asked| **asked == Level::Asked(call)) {
            *asked = Level::Known(level);
        }
    }
}

/// The levels of some slots, summed up.
pub(super) fn sum_of<'a>(levels: impl IntoIterator<Item = (&'a SlotId, &'a Version)>) -> Sum {
    let mut sum = Sum::default();
    for (slot, level) in levels {
        let words = [
            u64::from(slot.0),
            (u64::from(level.leadership.term) << 32) | u64::from(level.leadership.count),
            u64::from(level.life.0),
            level.count,
        ];
        sum.add(Sum::of_words(&words));
    }
    sum
}

/// A session server of either generation that compares versions.
pub(super) trait Scans: Subscriptions {
    /// Compares the versions of all services that somebody has subscribed to, and lines up who is behind.
    fn scan(&mut self, out: &mut Outbox<SessionData>) {
        let (pushing, _, options) = self.parts();
        out.arm(Timer::Scan, options.session.scan);
        let slots: Vec<SlotId> = pushing.services.slots().collect();
        let by_level = options.rules.sum_first;
        self.ask_for_versions(&slots, by_level, out);
        let (pushing, calls, _) = self.parts();
        for key in pushing.behind(calls) {
            self.line_up(key, out);
        }
    }

    /// Asks each data server for the versions of these slots' services, or by one sum where their levels are known.
    fn ask_for_versions(
        &mut self,
        slots: &[SlotId],
        by_level: bool,
        out: &mut Outbox<SessionData>,
    ) {
        let mut questions: BTreeMap<NodeId, Questions> = BTreeMap::new();
        for slot in slots {
            let (pushing, ..) = self.parts();
            let level = pushing.levels.known(*slot).filter(|_| by_level);
            // Where levels are known, one leads all of a slot.
            let keys = pushing.services.of(*slot);
            let keys: Vec<Key> = keys.take(level.map_or(usize::MAX, |_| 1)).collect();
            for key in keys {
                let Some((leader, of)) = self.serves(key) else {
                    continue;
                };
                let asked = questions.entry(leader).or_default();
                if let Some(level) = level {
                    asked.levels.insert(*slot, level);
                } else if let Some(service) = self.parts().0.services.get(key) {
                    // Somebody may have been shown more elsewhere.
                    let shown = service.subscribers.values().max().copied().flatten();
                    let known = service.version().max(shown).unwrap_or_default();
                    let (_, all) = asked.scans.entry(of.slot).or_insert((of, Vec::new()));
                    all.push((key, known));
                }
            }
        }
        let (pushing, calls, options) = self.parts();
        let timeout = options.session.timeout;
        for (leader, questions) in questions {
            for (slot, (of, known)) in questions.scans {
                let call = calls.expect(leader, Asked::Scan(slot), timeout, out);
                pushing.levels.0.insert(slot, Level::Asked(call));
                let known = known.into();
                out.send(leader, Message::Scan { call, of, known });
            }
            if !questions.levels.is_empty() {
                let call = calls.expect(leader, Asked::Level, timeout, out);
                let slots = questions.levels.keys().copied().collect();
                let sum = sum_of(&questions.levels);
                out.send(leader, Message::Level { call, slots, sum });
            }
        }
    }

    fn on_scanned(
        &mut self,
        call: CallId,
        from: NodeId,
        others: Result<Others, Access>,
        out: &mut Outbox<SessionData>,
    ) {
        let (pushing, calls, _) = self.parts();
        if let Some(Asked::Scan(slot)) = calls.answered(call, from, out)
            && let Ok(others) = others
        {
            // Where clocks give versions, a slot has no level.
            if others.level != Version::default() {
                pushing.levels.learn(slot, call, others.level);
            }
            for (key, version) in others.versions.iter() {
                self.heard_of(*key, *version, out);
            }
        }
    }

    /// The levels of some slots have risen: the versions of their services are compared.
    fn on_leveled(
        &mut self,
        call: CallId,
        from: NodeId,
        levels: &[(SlotId, Version)],
        out: &mut Outbox<SessionData>,
    ) {
        let (pushing, calls, _) = self.parts();
        if let Some(Asked::Level) = calls.answered(call, from, out) {
            let risen = levels
                .iter()
                .filter(|(slot, level)| pushing.levels.known(*slot) != Some(*level));
            let risen: Vec<SlotId> = risen.map(|(slot, _)| *slot).collect();
            if !risen.is_empty() {
                self.ask_for_versions(&risen, false, out);
            }
        }
    }
}

impl<S: Subscriptions> Scans for S {}

impl Data {
    /// Which of these versions are not those that are served here. Where somebody has seen one of a later leadership, that
    /// one leads by now. Where clocks give versions nobody knows which of two leaders is the later one: the version here is
    /// made to grow beyond what was seen.
    pub(super) fn on_scan(
        &mut self,
        now: Now,
        of: Address,
        known: &[(Key, Version)],
        out: &mut Outbox<SessionData>,
    ) -> Result<Others, Access> {
        match self.access(of) {
            Access::Accept => {}
            refused => return Err(refused),
        }
        let steady = self.config.options.rules.steady_versions;
        let is_later = |(_, its): &(Key, Version)| its.leadership > of.leadership;
        if steady && known.iter().any(is_later) {
            return Err(Access::Moved);
        }
        let mut others = Vec::new();
        for (service, its) in known {
            let mut mine = self.version(now, of.slot, *service, out);
            if *its > mine {
                self.renew_version(now, of.slot, *service, out);
                mine = self.version(now, of.slot, *service, out);
            }
            if mine != *its {
                others.push((*service, mine));
            }
        }
        Ok(Others {
            versions: others.into(),
            level: self.level(of.slot).unwrap_or_default(),
        })
    }

    /// The levels of those of these slots that it serves, if they do not come to the same sum.
    pub(super) fn on_level(&self, slots: &[SlotId], sum: Sum) -> Arc<[(SlotId, Version)]> {
        let of = |slot: &SlotId| Some((*slot, self.level(*slot)?));
        let levels: BTreeMap<SlotId, Version> = slots.iter().filter_map(of).collect();
        if sum_of(&levels) == sum {
            return Arc::default();
        }
        levels.into_iter().collect()
    }

    /// The newest version that was given in a slot that it serves.
    fn level(&self, slot: SlotId) -> Option<Version> {
        let holding = self.slots.get(&slot).filter(|holding| holding.serves())?;
        let steady = self.config.options.rules.steady_versions;
        steady.then(|| holding.level(self.me.life))
    }
}
