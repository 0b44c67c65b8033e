//! The linearizability judge.
//!
//! A history is *linearizable* if each operation can be thought to take effect at one instant between its invocation and
//! its return, so that in the order of these instants every answer is right (Herlihy & Wing, "Linearizability: A
//! Correctness Condition for Concurrent Objects", TOPLAS 1990). An operation whose outcome is unknown may take effect at
//! any time after its invocation, or never.
//!
//! # One key at a time
//!
//! Linearizability is *local* (Herlihy & Wing, theorem 1): a history is linearizable if and only if its part on every
//! single object is. So [`judge`] splits the calls by key and judges each key alone: the simplest case of what Horn &
//! Kroening ("Faster linearizability checking via P-compositionality", FORTE 2015) call P-compositionality.
//!
//! # Who saw whose write
//!
//! In general the judging is NP-complete (Gibbons & Korach, "Testing Shared Memories", SIAM J. Comput. 1997), for one
//! reason only: it is not known which write a read saw. Here it nearly always is, because every answer names the revision
//! that it saw or made. So first `history` sorts the operations on a key into *versions*: a write and all that saw it.
//! A revision is a name here and not a number: one write has one revision, two writes have two, and nothing says that a
//! later one is larger, for what a store counts by is its own affair. What contradicts itself already in this (a value
//! that nobody wrote, a revision that two writes made, a read that returned before the write it saw was invoked) is a
//! violation with a short proof.
//!
//! ```text
//!  c1  |--put v1 @1--|      |-get v1 @1-|              version 1: [ put v1, get v1 ]
//!  c2       |-----put v2 @2-----|     |-get v2 @2-|    version 2: [ put v2, get v2 ]
//!  c3          |-delete (no answer) ...                version ?: nobody saw it: as if it had never been
//! ```
//!
//! # Two algorithms
//!
//! 1. `zones` (Gibbons & Korach, for a known read-mapping), O(n log n): a thousand operations in tens of microseconds,
//!    however many are concurrent. It always goes first. What it convicts is guilty; what it acquits is innocent, if
//!    every read belongs to a version of a known write and nobody compared and swapped.
//! 2. `search`, exponential in the worst case: whatever remains, that is keys with compare-and-swap, one value written
//!    by several operations of unknown outcome, and values written twice in stores that tell no revisions. It is the
//!    search of Wing & Gong ("Testing and Verifying Concurrent Objects", JPDC 1993) for an order of the operations, with
//!    the memo of Lowe ("Testing for linearizability", CCPE 2017), under a budget counted in states. When the budget
//!    ends the finding is [`Finding::Unknown`].
//!
//! # Histories without revisions
//!
//! Revision 0 belongs to the key that was never written. A key on which some answer gives revision 0 to a value or to a
//! write comes from a store that does not tell revisions: there only values are compared.

mod events;
mod history;
mod memo;
mod search;
mod zones;

#[cfg(test)]
mod brute;
#[cfg(test)]
mod tests;

use hashbrown::HashMap;
use netsplit::kv::Key;
use rustc_hash::FxBuildHasher;

use super::{Call, Finding};
use history::{Breach, KeyHistory};

/// How many violations are told in full; of the rest, how many there are.
const TOLD: usize = 3;

/// Judges whether the calls are linearizable, all keys taken together.
///
/// The calls may be in any order. `budget` bounds the search, in states over all keys; the zone algorithm needs none.
/// One violation is collected from every key that has one. A violation on any key outweighs doubt on another.
///
/// # Panics
/// If there are more than 2^31 calls.
pub fn judge(calls: &[Call], budget: u64) -> Finding {
    let mut budget = budget;
    let mut history = KeyHistory::default();
    let mut breaches = Vec::new();
    let mut doubts = Vec::new();
    for (key, indices) in Partition::by_key(calls).keys() {
        let verdict = match history.sort_out(calls, indices) {
            Ok(()) => zones::judge(&history, calls),
            breach => breach,
        };
        let verdict = match verdict {
            Ok(()) if !history.is_settled() => search::judge(&history, calls, &mut budget),
            settled => Some(settled),
        };
        match verdict {
            Some(Ok(())) => {}
            Some(Err(breach)) => breaches.push(breach),
            None => doubts.push(key),
        }
    }
    if !breaches.is_empty() {
        violated(&breaches)
    } else if let Some(first) = doubts.first() {
        Finding::Unknown(format!(
            "the search budget ran out on {first}, with {} of the keys undecided",
            doubts.len()
        ))
    } else {
        Finding::Holds
    }
}

/// The violations of several keys as one.
fn violated(breaches: &[Breach]) -> Finding {
    let mut evidence = breaches[..breaches.len().min(TOLD)].join("\n");
    if breaches.len() > TOLD {
        evidence += &format!("\nand so on {} more of the keys", breaches.len() - TOLD);
    }
    Finding::Violated(evidence)
}

/// The calls by key: positions in the history, grouped in one array.
struct Partition {
    /// The keys in the order of their first call, each with the end of its group.
    ends: Vec<(Key, u32)>,
    /// The positions of the calls, group after group.
    indices: Vec<u32>,
}

impl Partition {
    /// A counting sort, so that its memory is two words per call and nothing per key but a slot.
    fn by_key(calls: &[Call]) -> Partition {
        assert!(
            calls.len() < 1 << 31,
            "positions in a history are 31 bits wide"
        );
        let mut slot_of: HashMap<Key, u32, FxBuildHasher> = HashMap::default();
        let mut ends: Vec<(Key, u32)> = Vec::new();
        let mut slots = Vec::with_capacity(calls.len());
        for call in calls {
            let key = call.request.key();
            let slot = *slot_of.entry(key).or_insert_with(|| {
                ends.push((key, 0));
                ends.len() as u32 - 1
            });
            ends[slot as usize].1 += 1;
            slots.push(slot);
        }
        let mut start = 0;
        for (_, end) in &mut ends {
            start += std::mem::replace(end, start);
        }
        // Each end is the start of its group now and moves to the end as the group fills.
        let mut indices = vec![0; calls.len()];
        for (index, slot) in slots.into_iter().enumerate() {
            let place = &mut ends[slot as usize].1;
            indices[*place as usize] = index as u32;
            *place += 1;
        }
        Partition { ends, indices }
    }

    fn keys(&self) -> impl Iterator<Item = (Key, &[u32])> {
        let mut start = 0;
        self.ends.iter().map(move |&(key, end)| {
            let group = &self.indices[start..end as usize];
            start = end as usize;
            (key, group)
        })
    }
}
