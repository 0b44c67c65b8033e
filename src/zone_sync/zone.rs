//! One zone of one node: its records, and the log of those that the other nodes have yet to be told.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};

use super::record::{Content, Record, Stamp, newer};
use crate::kv::{Key, Value};
use crate::{Losable, NodeId};

/// What a zone does beyond keeping the newest.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Rules {
    /// How many records it holds at most, tombstones among them; at least 1.
    pub capacity: usize,
    /// Whether records of the same time are decided in the same way on all nodes (see [`newer`]). The real system does
    /// not say that they are.
    pub tie_break: bool,
    /// Whether what came from one node is told to the others. The real system tells only what changed locally.
    pub relay: bool,
    /// How long a tombstone lives, in the stamp's unit; it should outlive every copy of what it deletes, which the life
    /// of the values does. `None`: a delete is local and tells nobody, as in the real system.
    pub tombstones: Option<u64>,
}

/// What a local write or delete did, which is always done.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Written {
    /// Whether the record is newer than the one whose place it took, or there was none. If not, the others will ignore
    /// it: the writer's clock went backwards, or stood still.
    pub forwards: bool,
    /// What had to leave a full zone for it.
    pub evicted: Option<Record>,
}

/// What came of a record from another node.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Merged {
    /// There was none of that key.
    Inserted,
    /// It is newer than the one that was there.
    Replaced,
    /// It is the one that was there.
    Known,
    /// The one that was there is newer.
    Older,
    /// It differs from the one that was there, and neither is newer: two nodes may now differ for ever.
    Tied,
    /// It was dead on arrival.
    Expired,
    /// There was none of that key, and no room for one: this node now differs from the others, silently.
    NoRoom,
}

/// The records of one zone at one node.
///
/// The *log* lists, by version, the keys whose records the others have yet to be told. It is the real system's output
/// queue, which is threaded through the records: a record stands in it once, at its last change, and what is sent is
/// the record as it is then. Versions never come again, so every peer can have a cursor of its own.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Zone {
    rules: Rules,
    slots: BTreeMap<Key, Slot>,
    /// Invariant: each entry's key has a slot of that version.
    log: BTreeMap<u64, Change>,
    /// The version of the last change there was.
    newest: u64,
    /// When to look at which key. Invariant: exactly the keys of the slots, each at its slot's alarm.
    alarms: BTreeSet<(u64, Key)>,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Slot {
    record: Record,
    /// Where it stands in the log; 0 if it does not.
    version: u64,
    /// When its death is looked for. Invariant: not after the record's deadline. A write that lengthens a life leaves the
    /// alarm alone, so that a session costs an alarm for each life and none for each touch.
    alarm: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Change {
    key: Key,
    /// Who told it, if it was not changed here.
    from: Option<NodeId>,
}

/// In which of so many buckets a key lies, the same on all nodes.
///
/// # Panics
/// If there are no buckets.
pub fn bucket_of(key: Key, buckets: u32) -> u32 {
    (mix(u64::from(key.0)) % u64::from(buckets)) as u32
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014), past
/// its first step, so that zero is not mapped to itself.
fn mix(word: u64) -> u64 {
    let word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// A record as one word.
fn fingerprint(record: &Record) -> u64 {
    let writer = record.stamp.writer;
    let writer = u64::from(writer.letter()) << 24 | u64::from(writer.number());
    let (kind, name) = match record.content {
        Content::Value(value) => (u64::from(value.bytes), value.name),
        Content::Tombstone => (1 << 32, 0),
    };
    let words = [
        u64::from(record.key.0),
        record.stamp.time,
        writer,
        kind,
        name,
        record.life,
    ];
    words.into_iter().fold(0, |sum, word| mix(sum ^ word))
}

impl Zone {
    /// An empty zone.
    ///
    /// # Panics
    /// If it may not hold a single record.
    pub fn new(rules: Rules) -> Zone {
        assert!(rules.capacity > 0, "a zone holds at least one record");
        Zone {
            rules,
            slots: BTreeMap::new(),
            log: BTreeMap::new(),
            newest: 0,
            alarms: BTreeSet::new(),
        }
    }

    /// What it does beyond keeping the newest.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// A local write: it takes the place of whatever is there and enters the log.
    ///
    /// If the zone is full, the record that would die first leaves it, locally and untold. Where all lives are the same
    /// that is the least recently written, as in the real system's limit zones.
    pub fn write(&mut self, key: Key, value: Value, stamp: Stamp, life: u64) -> Written {
        self.change(Record {
            key,
            stamp,
            content: Content::Value(value),
            life,
        })
    }

    /// A local delete: by the [rules](Rules::tombstones) it leaves a tombstone, even where nothing was, and is a write
    /// like any other; or it removes the record, and the others are not told.
    pub fn delete(&mut self, key: Key, stamp: Stamp) -> Written {
        if let Some(life) = self.rules.tombstones {
            return self.change(Record {
                key,
                stamp,
                content: Content::Tombstone,
                life,
            });
        }
        self.remove(key);
        Written {
            forwards: true,
            evicted: None,
        }
    }

    fn change(&mut self, record: Record) -> Written {
        let old = self.raw(record.key);
        let forwards = old.is_none_or(|old| newer(&record, old, self.rules.tie_break));
        let evicted = if old.is_none() && self.is_full() {
            let first = self.first_to_die(u64::MAX);
            first.and_then(|key| self.remove(key))
        } else {
            None
        };
        match self.slots.entry(record.key) {
            Entry::Vacant(place) => {
                place.insert(Slot::new(record));
                self.alarms.insert((record.deadline(), record.key));
            }
            Entry::Occupied(mut place) => place.get_mut().replace(record, &mut self.alarms),
        }
        self.enter(record.key, None);
        Written { forwards, evicted }
    }

    /// A record from another node, at this node's time: it is kept if there is none of its key or if it is
    /// [newer].
    ///
    /// Only with [relay](Rules::relay) does it enter the log, and then it is never told to `from`. Whatever it replaces
    /// leaves the log: the others hear of the newer one from where it came.
    pub fn merge(&mut self, record: Record, from: NodeId, now: u64) -> Merged {
        let key = record.key;
        if record.deadline() <= now {
            return Merged::Expired;
        }
        if self.is_full() && !self.slots.contains_key(&key) {
            self.expire(now);
            if self.is_full() {
                return Merged::NoRoom;
            }
        }
        let merged = match self.slots.entry(key) {
            Entry::Vacant(place) => {
                place.insert(Slot::new(record));
                self.alarms.insert((record.deadline(), key));
                Merged::Inserted
            }
            Entry::Occupied(mut place) => {
                let slot = place.get_mut();
                if !newer(&record, &slot.record, self.rules.tie_break) {
                    return slot.refuse(&record, self.rules.tie_break);
                }
                slot.replace(record, &mut self.alarms);
                if slot.version > 0 {
                    self.log.remove(&slot.version);
                    slot.version = 0;
                }
                Merged::Replaced
            }
        };
        if self.rules.relay {
            self.enter(key, Some(from));
        }
        merged
    }

    /// Puts a key at the end of the log.
    fn enter(&mut self, key: Key, from: Option<NodeId>) {
        let slot = self.slots.get_mut(&key).expect("what changed is there");
        self.newest += 1;
        self.log.remove(&slot.version);
        self.log.insert(self.newest, Change { key, from });
        slot.version = self.newest;
    }

    fn remove(&mut self, key: Key) -> Option<Record> {
        let slot = self.slots.remove(&key)?;
        self.alarms.remove(&(slot.alarm, key));
        self.log.remove(&slot.version);
        Some(slot.record)
    }

    fn is_full(&self) -> bool {
        self.slots.len() >= self.rules.capacity
    }

    /// The value of a key, if it is alive at this node's time.
    pub fn get(&self, key: Key, now: u64) -> Option<&Record> {
        let record = self.raw(key)?;
        let lives = now < record.deadline() && record.content.value().is_some();
        lives.then_some(record)
    }

    /// What is kept of a key, dead or alive, value or tombstone.
    pub fn raw(&self, key: Key) -> Option<&Record> {
        self.slots.get(&key).map(|slot| &slot.record)
    }

    /// Removes what is dead at this node's time and says how many records that were. The others are not told: they have
    /// clocks of their own.
    ///
    /// Takes time for what dies, and for each life of a record at most once more where writes lengthened it.
    pub fn expire(&mut self, now: u64) -> usize {
        let before = self.total();
        while let Some(key) = self.first_to_die(now) {
            self.remove(key);
        }
        before - self.total()
    }

    /// The key whose record dies first, if that is not after `limit`. Alarms that it meets and that go off too early are
    /// set anew.
    fn first_to_die(&mut self, limit: u64) -> Option<Key> {
        loop {
            let (alarm, key) = *self.alarms.first()?;
            if alarm > limit {
                return None;
            }
            let slot = self.slots.get_mut(&key).expect("alarms are of slots");
            let deadline = slot.record.deadline();
            assert!(alarm == slot.alarm && alarm <= deadline);
            if alarm == deadline {
                return Some(key);
            }
            slot.alarm = deadline;
            self.alarms.pop_first();
            self.alarms.insert((deadline, key));
        }
    }

    /// How many records it holds, tombstones and what is dead and not yet removed among them.
    pub fn total(&self) -> usize {
        self.slots.len()
    }

    /// How many records stand in the log behind a version; behind 0, all that do. Takes time for them, unless it is 0.
    pub fn pending(&self, cursor: u64) -> usize {
        if cursor == 0 {
            self.log.len()
        } else {
            self.log.range((Excluded(cursor), Unbounded)).count()
        }
    }

    /// All records in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = &Record> {
        self.slots.values().map(|slot| &slot.record)
    }

    /// What changed behind a version and is to be told to a peer, each with the version it has now, in their order.
    ///
    /// A peer that has had them all is at [`newest`](Zone::newest), which can be behind the last of them: what came from
    /// that peer is left out.
    pub fn changes_since(&self, cursor: u64, peer: NodeId) -> impl Iterator<Item = (u64, &Record)> {
        let behind = self.log.range((Excluded(cursor), Unbounded));
        let meant = behind.filter(move |(_, change)| change.from != Some(peer));
        meant.map(|(version, change)| (*version, &self.slots[&change.key].record))
    }

    /// The version of the last change there was, whether or not it is still in the log; 0 before the first.
    pub fn newest(&self) -> u64 {
        self.newest
    }

    /// Forgets the changes up to a version, itself included: all peers have had them.
    pub fn drop_changes_up_to(&mut self, version: u64) {
        while let Some(entry) = self.log.first_entry()
            && *entry.key() <= version
        {
            let change = entry.remove();
            self.left_the_log(change.key);
        }
    }

    /// Loses the newest changes that wait, or all if there are fewer. Their records stay.
    pub fn lose_changes(&mut self, count: usize) {
        for _ in 0..count.min(self.log.len()) {
            if let Some((_, change)) = self.log.pop_last() {
                self.left_the_log(change.key);
            }
        }
    }

    fn left_the_log(&mut self, key: Key) {
        self.slots
            .get_mut(&key)
            .expect("changes are of slots")
            .version = 0;
    }

    /// The records behind a key in the order of their keys; behind `None`, all. The last key is a cursor that survives
    /// whatever is written or removed in between.
    pub fn snapshot_after(&self, key: Option<Key>) -> impl Iterator<Item = &Record> {
        let start = key.map_or(Unbounded, Excluded);
        let behind = self.slots.range((start, Unbounded));
        behind.map(|(_, slot)| &slot.record)
    }

    /// A digest of each bucket: the sum of its records' fingerprints. Zones with the same records have the same; a bucket
    /// that differs has another, but for one chance in 2^64.
    ///
    /// Computed anew, in time proportional to the zone, as little as a snapshot takes for reading alone. What is dead and
    /// not yet removed counts: expire first.
    ///
    /// # Panics
    /// If there are no buckets.
    pub fn digest(&self, buckets: u32) -> Vec<u64> {
        assert!(buckets > 0, "keys lie in buckets");
        let mut digest = vec![0_u64; buckets as usize];
        for record in self.iter() {
            let sum = &mut digest[bucket_of(record.key, buckets) as usize];
            *sum = sum.wrapping_add(fingerprint(record));
        }
        digest
    }

    /// The records of one bucket in the order of their keys. Takes time for the whole zone: who wants several buckets
    /// rather filters [`snapshot_after`](Zone::snapshot_after) by [`bucket_of`].
    pub fn in_bucket(&self, bucket: u32, buckets: u32) -> impl Iterator<Item = &Record> {
        let lies_there = move |record: &&Record| bucket_of(record.key, buckets) == bucket;
        self.iter().filter(lies_there)
    }
}

impl Slot {
    fn new(record: Record) -> Slot {
        Slot {
            record,
            version: 0,
            alarm: record.deadline(),
        }
    }

    fn replace(&mut self, record: Record, alarms: &mut BTreeSet<(u64, Key)>) {
        self.record = record;
        let deadline = record.deadline();
        if deadline < self.alarm {
            alarms.remove(&(self.alarm, record.key));
            alarms.insert((deadline, record.key));
            self.alarm = deadline;
        }
    }

    /// Why a record that is not newer is ignored.
    fn refuse(&self, record: &Record, tie_break: bool) -> Merged {
        if self.record == *record {
            Merged::Known
        } else if newer(&self.record, record, tie_break) {
            Merged::Older
        } else {
            Merged::Tied
        }
    }
}

/// The log is what can be lost, newest first.
impl Losable for Zone {
    fn waiting(&self) -> usize {
        self.log.len()
    }

    fn lose(&mut self, count: usize) {
        self.lose_changes(count);
    }
}
