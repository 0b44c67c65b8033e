//! One zone of one node: its records, and the log of those that the other nodes have yet to be told.

use super::alarms::Alarms;
use super::log::{Log, Origin};
use super::record::{Content, Record, Stamp, newer};
use super::slots::Slots;
use crate::Losable;
use crate::kv::Key;

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
    /// What its key holds now.
    pub now: Option<Record>,
    /// What had to leave a full zone for it.
    pub evicted: Option<Record>,
}

/// What came of a record from another node.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Merged {
    /// There was none of that key.
    Inserted,
    /// It is newer than the one that was there.
    Replaced {
        /// That one.
        old: Record,
        /// Whether the others had yet to be told of it.
        untold: bool,
    },
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
    log: Log,
    /// How often anything was written, merged or removed.
    touched: u64,
    /// When to look at which key. Invariant: each key of a slot has an alarm that is not after its record's deadline. A
    /// write that lengthens a life leaves it alone, so that a session costs an alarm for each life and none for each
    /// touch; so does what removes a record, and what goes off for nothing is passed over.
    alarms: Alarms,
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
            log: Log::default(),
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
            now: None,
            evicted: None,
        }
    }

    fn change(&mut self, record: Record) -> Written {
        self.touched += 1;
        let evicted = if self.is_full() && self.raw(record.key).is_none() {
            let first = self.first_to_die(u64::MAX);
            first.and_then(|key| self.remove(key))
        } else {
            None
        };
        let (slot, found) = self.slots.get_or_insert(record);
        let old = found.then(|| std::mem::replace(&mut slot.record, record));
        self.log.enter(slot, Origin::Here);
        self.watch(&record, old);
        Written {
            now: Some(record),
            evicted,
        }
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
        let (slot, found) = self.slots.get_or_insert(record);
        if !found {
            self.touched += 1;
            self.watch(&record, None);
            return Merged::Inserted;
        }
        if !newer(&record, &slot.record, self.rules.tie_break) {
            return refuse(&record, &slot.record, self.rules.tie_break);
        }
        self.touched += 1;
        let old = std::mem::replace(&mut slot.record, record);
        let untold = self.log.leave(slot);
        self.watch(&record, Some(old));
        Merged::Replaced { old, untold }
    }

    /// Puts a key at the end of the log as one that somebody told, for those whom that node may not reach. The real
    /// system never does: it tells only what changed locally.
    ///
    /// # Panics
    /// If nothing is kept of the key.
    pub fn relay(&mut self, key: Key, origin: Origin) {
        let slot = self.slots.get_mut(key).expect("what is relayed is there");
        self.log.enter(slot, origin);
    }

    fn remove(&mut self, key: Key) -> Option<Record> {
        let mut slot = self.slots.remove(key)?;
        self.touched += 1;
        self.log.leave(&mut slot);
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
            self.log.behind(cursor).count()
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
        self.log
            .behind(cursor)
            .filter_map(move |(version, change)| {
                let record = self.raw(change.key).expect("changes are of slots");
                meant(record, change.origin).then_some((version, record))
            })
    }

    /// The version of the last change there was, whether or not it is still in the log; 0 before the first.
    pub fn newest(&self) -> u64 {
        self.log.newest()
    }

    /// Forgets the changes up to a version, itself included: all peers have had them.
    pub fn drop_changes_up_to(&mut self, version: u64) {
        while let Some(key) = self.log.pop_first(version) {
            self.left_the_log(key);
        }
    }

    /// Loses the newest changes that wait, or all if there are fewer. Their records stay.
    pub fn lose_changes(&mut self, count: usize) {
        for _ in 0..count.min(self.log.len()) {
            if let Some(key) = self.log.pop_last() {
                self.left_the_log(key);
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
    pub fn records_after(&self, key: Option<Key>) -> impl Iterator<Item = &Record> {
        self.slots.records_after(key)
    }

    /// The records behind a key (behind `None`: from the first on) up to another, itself included, in the order of their
    /// keys.
    pub fn in_range(&self, after: Option<Key>, upto: Key) -> impl Iterator<Item = &Record> {
        let behind = self.records_after(after);
        behind.take_while(move |record| record.key <= upto)
    }
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
