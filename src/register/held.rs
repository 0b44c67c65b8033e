//! What a register holds, and what a change makes of it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::ballot::{Ballot, ChangeId, Version};
use crate::process::Size;
use crate::{Life, NodeId};

/// What can be asked of a register.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Change<V> {
    /// Nothing: what does it hold?
    Look,
    /// Hold this, whatever it held.
    Set(V),
    /// Hold `to`, if what it holds is still of this version.
    Swap {
        /// The version.
        from: Version,
        /// The new value.
        to: V,
    },
    /// Hold `to`, if it holds a value equal to `from`.
    Replace {
        /// The value expected.
        from: V,
        /// The new value.
        to: V,
    },
}

/// What became of a change: decided once, and remembered.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Verdict<V> {
    /// It was made, and made this version.
    Made(Version),
    /// The register held something else than the change expected: this, of that version.
    Unmet(Version, V),
}

/// The last change of one author that was decided.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Latest<V> {
    /// Which of the author's lives.
    pub life: Life,
    /// Which of that life's changes.
    pub seq: u64,
    /// What became of it.
    pub verdict: Verdict<V>,
}

/// What a register holds.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Held<V> {
    /// Of the value.
    pub version: Version,
    /// The value.
    pub value: V,
    /// Of every author the last change that was decided, so that one whose proposal somebody else completed is not made
    /// twice. What is not met is remembered too: an author that was told so must not see it made after all, by another
    /// member that it had asked as well.
    pub latest: BTreeMap<NodeId, Latest<V>>,
}

/// What one who asked is told.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Fate<V> {
    /// It only looked.
    Looked,
    /// The change was decided, now or before.
    Decided(Verdict<V>),
    /// A later change of the same author has been decided. This one may have been made before that, and never will be
    /// from now on. Nobody should wait for it: who asks for something later has given up on what came before.
    Overtaken,
}

/// The answer to one who asked.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Answer<V> {
    /// What was asked for.
    pub id: ChangeId,
    /// What became of it.
    pub fate: Fate<V>,
    /// With which ballot that was chosen.
    pub ballot: Ballot,
    /// What the register held then, the change included.
    pub held: Arc<Held<V>>,
}

impl<V> Answer<V> {
    /// The version that the change made, if it was made.
    pub fn made(&self) -> Option<Version> {
        match self.fate {
            Fate::Decided(Verdict::Made(version)) => Some(version),
            _ => None,
        }
    }
}

impl<V: Clone + Eq> Held<V> {
    /// What a register holds before anyone changes it.
    pub fn formatted(value: V) -> Held<V> {
        Held {
            version: Version(0),
            value,
            latest: BTreeMap::new(),
        }
    }

    /// Decides a change: what is held from then on, if that differs from what is held now, and what became of the change.
    pub fn decide(&self, id: ChangeId, change: &Change<V>) -> (Option<Held<V>>, Fate<V>) {
        if *change == Change::Look {
            return (None, Fate::Looked);
        }
        if let Some(latest) = self.latest.get(&id.by) {
            let turn = (latest.life, latest.seq);
            if turn == id.turn() {
                return (None, Fate::Decided(latest.verdict.clone()));
            }
            if turn > id.turn() {
                return (None, Fate::Overtaken);
            }
        }
        let to = match change {
            Change::Look => None,
            Change::Set(to) => Some(to),
            Change::Swap { from, to } => (*from == self.version).then_some(to),
            Change::Replace { from, to } => (*from == self.value).then_some(to),
        };
        let mut next = self.clone();
        let verdict = match to {
            Some(to) => {
                next.version = self.version.next();
                next.value = to.clone();
                Verdict::Made(next.version)
            }
            None => Verdict::Unmet(self.version, self.value.clone()),
        };
        let (life, seq) = id.turn();
        let latest = Latest {
            life,
            seq,
            verdict: verdict.clone(),
        };
        next.latest.insert(id.by, latest);
        (Some(next), Fate::Decided(verdict))
    }

    /// Whether this can have come of the other by changes: nothing that the other holds or has decided is undone.
    pub fn descends_from(&self, other: &Held<V>) -> bool {
        let keeps = |(author, then): (&NodeId, &Latest<V>)| {
            let now = self.latest.get(author);
            now.is_some_and(|now| (now.life, now.seq) >= (then.life, then.seq))
        };
        let same = self.version == other.version && self.value == other.value;
        (self.version > other.version || same) && other.latest.iter().all(keeps)
    }
}

impl<V: Size> Size for Held<V> {
    fn size(&self) -> usize {
        let latest = self.latest.values().map(|latest| match &latest.verdict {
            Verdict::Made(_) => 24,
            Verdict::Unmet(_, value) => 24 + value.size(),
        });
        8 + self.value.size() + latest.sum::<usize>()
    }
}

impl<V: fmt::Display> fmt::Display for Held<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.value, self.version)
    }
}

impl<V: fmt::Display> fmt::Display for Change<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::Look => f.write_str("look"),
            Change::Set(to) => write!(f, "set {to}"),
            Change::Swap { from, to } => write!(f, "swap {from}->{to}"),
            Change::Replace { from, to } => write!(f, "replace {from}->{to}"),
        }
    }
}
