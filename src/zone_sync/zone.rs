//! One zone of one node: its records, and the log of those that the other nodes have yet to be told.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};

use super::alarms::Alarms;
use super::record::{Content, Record, Stamp, newer};
use super::slots::Slots;
use crate::kv::Key;
use crate::{Losable, NodeId};

/// What a zone does beyond keeping the newest.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Rules {
    /// How many records it holds at most, tombstones among them; at least 1.
    pub capacity: usize,
    /// Whether records of the same time are decided in the same way on all nodes (see [`newer`]). The real system does
    /// not say that they are.
    pub tie_break: bool,
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
    slots: Slots,
    /// Invariant: each entry's key has a slot of that version.
    log: BTreeMap<u64, Change>,
    /// The version of the last change there was.
    newest: u64,
    /// How often anything was written, merged or removed.
    touched: u64,
    /// When to look at which key. Invariant: each key of a slot has an alarm that is not after its record's deadline. A
    /// write that lengthens a life leaves it alone, so that a session costs an alarm for each life and none for each
    /// touch; so does what removes a record, and what goes off for nothing is passed over.
    alarms: Alarms,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Change {
    key: Key,
    origin: Origin,
}

/// How a change came into the log, by which it is known who is to be told of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Origin {
    /// It was made here.
    Here,
    /// This node told it.
    Told(NodeId),
    /// The same, and it took the place of one that was to be told itself: whoever would have been told that has to be
    /// told this.
    ToldInstead(NodeId),
}

impl Origin {
    /// Who told it, if it was not made here.
    pub fn from(self) -> Option<NodeId> {
        match self {
            Origin::Here => None,
            Origin::Told(from) | Origin::ToldInstead(from) => Some(from),
        }
    }
}

/// What a zone holds in a range of keys, as one word: behind some key, or from the first on, up to this one, itself
/// included.
///
/// Zones that hold the same in a range have the same sum there; zones that differ have another, but for one chance in
/// 2^64.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct RangeSum {
    /// The last key of the range.
    pub upto: Key,
    /// The wrapping sum of its records' fingerprints.
    pub sum: u64,
}

/// The last of all keys.
const LAST: Key = Key(u32::MAX);

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
        Content::Usage(usage) => (1 << 32, mix(usage.total) ^ usage.excess),
        Content::Tombstone => (2 << 32, 0),
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
            slots: Slots::new(),
            log: BTreeMap::new(),
            newest: 0,
            touched: 0,
            alarms: Alarms::new(),
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
    pub fn write(&mut self, key: Key, content: Content, stamp: Stamp, life: u64) -> Written {
        self.change(Record {
            key,
            stamp,
            content,
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
        self.touched += 1;
        let old = self.raw(record.key);
        let forwards = old.is_none_or(|old| newer(&record, old, self.rules.tie_break));
        let evicted = if old.is_none() && self.is_full() {
            let first = self.first_to_die(u64::MAX);
            first.and_then(|key| self.remove(key))
        } else {
            None
        };
        let slot = self.slots.get_or_insert(record);
        let old = slot.map(|slot| std::mem::replace(&mut slot.record, record));
        self.watch(&record, old);
        self.enter(record.key, Origin::Here);
        Written { forwards, evicted }
    }

    /// A record from another node, at this node's time: it is kept if there is none of its key or if it is
    /// [newer].
    ///
    /// It does not enter the log unless it is [relayed](Zone::relay). Whatever it replaces leaves the log: the others
    /// hear of the newer one from where it came.
    pub fn merge(&mut self, record: Record, now: u64) -> Merged {
        let key = record.key;
        if record.deadline() <= now {
            return Merged::Expired;
        }
        if self.is_full() && self.raw(key).is_none() {
            self.expire(now);
            if self.is_full() {
                return Merged::NoRoom;
            }
        }
        let Some(slot) = self.slots.get_or_insert(record) else {
            self.touched += 1;
            self.watch(&record, None);
            return Merged::Inserted;
        };
        if !newer(&record, &slot.record, self.rules.tie_break) {
            return refuse(&record, &slot.record, self.rules.tie_break);
        }
        self.touched += 1;
        let old = std::mem::replace(&mut slot.record, record);
        if slot.version > 0 {
            self.log.remove(&slot.version);
            slot.version = 0;
        }
        self.watch(&record, Some(old));
        Merged::Replaced
    }

    /// Puts a key at the end of the log as one that somebody told, for those whom that node may not reach. The real
    /// system never does: it tells only what changed locally.
    ///
    /// # Panics
    /// If nothing is kept of the key.
    pub fn relay(&mut self, key: Key, origin: Origin) {
        self.enter(key, origin);
    }

    /// Whether a key stands in the log.
    pub fn is_untold(&self, key: Key) -> bool {
        self.slots.get(key).is_some_and(|slot| slot.version > 0)
    }

    /// Puts a key at the end of the log.
    fn enter(&mut self, key: Key, origin: Origin) {
        let slot = self.slots.get_mut(key).expect("what changed is there");
        self.newest += 1;
        self.log.remove(&slot.version);
        self.log.insert(self.newest, Change { key, origin });
        slot.version = self.newest;
    }

    fn remove(&mut self, key: Key) -> Option<Record> {
        let slot = self.slots.remove(key)?;
        self.touched += 1;
        self.log.remove(&slot.version);
        Some(slot.record)
    }

    fn is_full(&self) -> bool {
        self.slots.len() >= self.rules.capacity
    }

    /// What a key holds, if that is alive at this node's time and no tombstone.
    pub fn get(&self, key: Key, now: u64) -> Option<&Record> {
        let record = self.raw(key)?;
        let lives = now < record.deadline() && record.content != Content::Tombstone;
        lives.then_some(record)
    }

    /// What is kept of a key, dead or alive, value or tombstone.
    pub fn raw(&self, key: Key) -> Option<&Record> {
        self.slots.get(key).map(|slot| &slot.record)
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
            let (alarm, key) = self.alarms.first()?;
            if alarm > limit {
                return None;
            }
            let deadline = self.raw(key).map(Record::deadline);
            assert!(deadline.is_none_or(|deadline| alarm <= deadline));
            if deadline == Some(alarm) {
                return Some(key);
            }
            self.alarms.pop();
            if let Some(deadline) = deadline {
                self.alarms.set(deadline, key);
            }
        }
    }

    /// Sets an alarm for a new record unless the one that it replaced has one that is early enough.
    fn watch(&mut self, record: &Record, old: Option<Record>) {
        if old.is_none_or(|old| record.deadline() < old.deadline()) {
            self.alarms.set(record.deadline(), record.key);
            self.forget_idle_alarms();
        }
    }

    /// Keeps the alarms fewer than twice the records, or so: those of records that are gone or that have several.
    fn forget_idle_alarms(&mut self) {
        if self.alarms.len() > 2 * self.slots.len() + 64 {
            let records = self.slots.records();
            self.alarms = records
                .map(|record| (record.deadline(), record.key))
                .collect();
        }
    }

    /// How often anything was written, merged or removed: as long as it is the same, so is what the zone holds.
    pub fn changes(&self) -> u64 {
        self.touched
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
        self.slots.records_after(None)
    }

    /// What changed behind a version, each with the version it has now, in their order; of that, what is meant for a
    /// peer, judged by the record and by how it came into the log.
    ///
    /// A peer that has had them all is at [`newest`](Zone::newest), which can be behind the last of them: what is not
    /// meant for it is left out.
    pub fn changes_since(
        &self,
        cursor: u64,
        meant: impl Fn(&Record, Origin) -> bool,
    ) -> impl Iterator<Item = (u64, &Record)> {
        let behind = self.log.range((Excluded(cursor), Unbounded));
        behind.filter_map(move |(version, change)| {
            let record = self.raw(change.key).expect("changes are of slots");
            meant(record, change.origin).then_some((*version, record))
        })
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
            .get_mut(key)
            .expect("changes are of slots")
            .version = 0;
    }

    /// The records behind a key in the order of their keys; behind `None`, all. The last key is a cursor that survives
    /// whatever is written or removed in between.
    pub fn snapshot_after(&self, key: Option<Key>) -> impl Iterator<Item = &Record> {
        self.slots.records_after(key)
    }

    /// The records behind a key (behind `None`: from the first on) up to another, itself included, in the order of their
    /// keys.
    pub fn in_range(&self, after: Option<Key>, upto: Key) -> impl Iterator<Item = &Record> {
        let behind = self.snapshot_after(after);
        behind.take_while(move |record| record.key <= upto)
    }

    /// The sum of what it holds in a range of keys. What is dead at this node's time does not count, removed or not.
    pub fn range_sum(&self, after: Option<Key>, upto: Key, now: u64) -> u64 {
        let sums = self
            .in_range(after, upto)
            .filter(alive_at(now))
            .map(fingerprint);
        sums.fold(0, u64::wrapping_add)
    }

    /// What it holds behind a key, in ranges of so many records that are alive at this node's time; the last, which may
    /// hold fewer, ends at the last of all keys. Each range begins behind the one before, the first behind `after`, so
    /// that every key behind `after` is in one of them. Behind the last of all keys there is none.
    ///
    /// Computed anew, in time proportional to the records, as little as a snapshot takes for reading alone; whoever
    /// takes the ranges one by one pays for those.
    ///
    /// # Panics
    /// If a range may not hold a single record.
    pub fn ranges(
        &self,
        after: Option<Key>,
        per: usize,
        now: u64,
    ) -> impl Iterator<Item = RangeSum> {
        assert!(per > 0, "a range holds records");
        let mut rest = self.snapshot_after(after).filter(alive_at(now)).peekable();
        let mut at = after;
        std::iter::from_fn(move || {
            if at == Some(LAST) {
                return None;
            }
            let mut range = RangeSum { upto: LAST, sum: 0 };
            for record in rest.by_ref().take(per) {
                range.upto = record.key;
                range.sum = range.sum.wrapping_add(fingerprint(record));
            }
            if rest.peek().is_none() {
                range.upto = LAST;
            }
            at = Some(range.upto);
            Some(range)
        })
    }
}

/// Whether a record has not ended at a node's time.
fn alive_at(now: u64) -> impl Fn(&&Record) -> bool {
    move |record| now < record.deadline()
}

/// Why a record that is not newer than the one that is there is ignored.
fn refuse(record: &Record, old: &Record, tie_break: bool) -> Merged {
    if record == old {
        Merged::Known
    } else if newer(old, record, tie_break) {
        Merged::Older
    } else {
        Merged::Tied
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
