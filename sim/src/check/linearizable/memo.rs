//! What the search has reached before.

use std::hash::Hasher;

use hashbrown::HashTable;
use rustc_hash::FxHasher;

/// Which steps have been lifted: a bit for each, the required ones in words of their own.
pub(super) struct StepSet {
    words: Vec<u64>,
    required: u32,
    /// How many of the words are about required steps.
    required_words: u32,
    /// Before this word all bits are set.
    low: u32,
    /// From this word on no bit of a required step is set.
    high: u32,
}

impl StepSet {
    /// The empty set of steps of which so many are required.
    pub(super) fn new(required: usize, len: usize) -> StepSet {
        let required_words = required.div_ceil(64);
        StepSet {
            words: vec![0; required_words + (len - required).div_ceil(64)],
            required: required as u32,
            required_words: required_words as u32,
            low: 0,
            high: 0,
        }
    }

    fn place(&self, step: u32) -> (u32, u64) {
        let bit = match step.checked_sub(self.required) {
            None => step,
            Some(step) => self.required_words * 64 + step,
        };
        (bit / 64, 1 << (bit % 64))
    }

    pub(super) fn contains(&self, step: u32) -> bool {
        let (word, bit) = self.place(step);
        self.words[word as usize] & bit != 0
    }

    pub(super) fn insert(&mut self, step: u32) {
        let (word, bit) = self.place(step);
        self.words[word as usize] |= bit;
        if word < self.required_words {
            self.high = self.high.max(word + 1);
        }
        while self.low < self.required_words && self.words[self.low as usize] == u64::MAX {
            self.low += 1;
        }
    }

    pub(super) fn remove(&mut self, step: u32) {
        let (word, bit) = self.place(step);
        self.words[word as usize] &= !bit;
        self.low = self.low.min(word);
        while self.high > 0 && self.words[self.high as usize - 1] == 0 {
            self.high -= 1;
        }
    }

    /// Writes the set in few words: which words are not trivial, and those.
    ///
    /// Steps are numbered by invocation, so between `low` and `high` lies about what is concurrent.
    fn write(&self, key: &mut Vec<u64>) {
        let (required, optional) = self.words.split_at(self.required_words as usize);
        let last = optional.iter().rposition(|&word| word != 0);
        key.push(u64::from(self.low) << 32 | u64::from(self.high));
        key.extend(&required[self.low as usize..self.high as usize]);
        key.extend(&optional[..last.map_or(0, |last| last + 1)]);
    }
}

/// What was reached before: sets and states, compared in full.
#[derive(Default)]
pub(super) struct Memo {
    /// Where each entry begins and ends among the words.
    entries: HashTable<(usize, u32)>,
    words: Vec<u64>,
}

impl Memo {
    /// Notes the set and the state; says whether they had not been noted before.
    pub(super) fn is_new(&mut self, set: &StepSet, state: u64) -> bool {
        let start = self.words.len();
        self.words.push(state);
        set.write(&mut self.words);
        let len = (self.words.len() - start) as u32;
        let entry = |(start, len): (usize, u32)| &self.words[start..start + len as usize];
        let key = entry((start, len));
        let hash = hash_of(key);
        if self
            .entries
            .find(hash, |&other| entry(other) == key)
            .is_some()
        {
            self.words.truncate(start);
            return false;
        }
        self.entries
            .insert_unique(hash, (start, len), |&other| hash_of(entry(other)));
        true
    }
}

fn hash_of(words: &[u64]) -> u64 {
    let mut hasher = FxHasher::default();
    for &word in words {
        hasher.write_u64(word);
    }
    hasher.finish()
}
