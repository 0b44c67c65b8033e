//! Sums by which two servers see whether they hold the same, without saying what.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::names::{RegisterId, Stamp};

/// How registrations are summed up.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Digest {
    /// 128 bits of each, mixed well, and added up: two sets of a million differ in it but for odds of 1 in 2^128.
    Strong,
    /// What the real one's fifth generation adds up: 31 times (31 times the id, and the version), and the time. Two
    /// registrations that swap their versions sum up to the same.
    Plain,
}

/// The sum of a set of registrations, each with its stamp. The empty set's is zero, and what is added can be taken away.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Sum(pub u128);

impl Sum {
    /// The sum of one.
    pub fn of(digest: Digest, id: RegisterId, stamp: Stamp) -> Sum {
        let client = u64::from(id.client.code());
        let name = (u64::from(id.service.0) << 32) | u64::from(id.life.0);
        match digest {
            Digest::Strong => {
                let connection = u64::from(stamp.connection);
                Sum::of_words(&[client, name, stamp.version, connection, stamp.time])
            }
            Digest::Plain => {
                let folded = stamp.time ^ (stamp.time >> 32);
                let id = (client ^ name.rotate_left(17)).wrapping_mul(31);
                let id = id.wrapping_add(stamp.version).wrapping_mul(31);
                Sum(u128::from(id) + u128::from(folded as u32))
            }
        }
    }

    /// The sum of one thing that these words say, well mixed.
    pub(super) fn of_words(words: &[u64]) -> Sum {
        let half = |seed| words.iter().fold(seed, |sum, word| mix(sum ^ word));
        let [high, low] = [0x243F_6A88_85A3_08D3, 0x1319_8A2E_0370_7344].map(half);
        Sum((u128::from(high) << 64) | u128::from(low))
    }

    /// Both together.
    pub fn add(&mut self, other: Sum) {
        self.0 = self.0.wrapping_add(other.0);
    }

    /// Without the other, which is a part of it.
    pub fn take(&mut self, other: Sum) {
        self.0 = self.0.wrapping_sub(other.0);
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0 >> 96)
    }
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014), which lets every bit reach every other.
pub(super) fn mix(word: u64) -> u64 {
    let word = word.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kv::Key;
    use crate::{Life, NodeId};

    fn of(digest: Digest, client: u32, version: u64) -> Sum {
        let id = RegisterId {
            service: Key(1),
            client: NodeId::client(client),
            life: Life(0),
        };
        let stamp = Stamp {
            version,
            connection: 1,
            time: 7,
        };
        Sum::of(digest, id, stamp)
    }

    fn both(mut one: Sum, other: Sum) -> Sum {
        one.add(other);
        one
    }

    #[test]
    fn swapped_versions_are_seen_by_the_strong_digest_alone() {
        let before = |digest| both(of(digest, 1, 3), of(digest, 2, 4));
        let after = |digest| both(of(digest, 1, 4), of(digest, 2, 3));
        assert_eq!(before(Digest::Plain), after(Digest::Plain));
        assert_ne!(before(Digest::Strong), after(Digest::Strong));
    }

    #[test]
    fn what_is_added_can_be_taken_away() {
        let (one, other) = (of(Digest::Strong, 1, 3), of(Digest::Strong, 2, 4));
        let mut sum = both(one, other);
        sum.take(one);
        assert_eq!(sum, other);
        sum.take(other);
        assert_eq!(sum, Sum::default());
    }
}
