//! What a zone holds, in ranges of keys, each as one word: how two nodes find out where they differ.

use super::record::{Content, Record};
use super::zone::Zone;
use crate::kv::Key;

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
pub(super) const LAST: Key = Key(u32::MAX);

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
    let (kind, name) = match record.content {
        Content::Value(value) => (u64::from(value.bytes), value.name),
        Content::Usage(usage) => (1 << 32, mix(usage.total) ^ usage.excess),
        Content::Tombstone => (2 << 32, 0),
    };
    let words = [
        u64::from(record.key.0),
        record.stamp.time,
        record.stamp.writer.code().into(),
        kind,
        name,
        record.life,
    ];
    words.into_iter().fold(0, |sum, word| mix(sum ^ word))
}

impl Zone {
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
        let mut rest = self.records_after(after).filter(alive_at(now)).peekable();
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
