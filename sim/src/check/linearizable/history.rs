//! The operations on one key, sorted into versions: who saw whose write.

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use netsplit::kv::{Request, Response, Value};
use rustc_hash::FxBuildHasher;

use crate::check::Call;

/// A proof that the operations on a key are not linearizable, in words.
pub(super) type Breach = String;

/// Whether the operations on a key are linearizable.
pub(super) type Verdict = Result<(), Breach>;

/// What an operation does to the register that a key is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// It sees a value and leaves it: a get, and whatever was answered that there was nothing to be done.
    Read,
    /// It sets the value whatever it was: a put or a delete.
    Write,
    /// It sets the value if the register holds what is expected.
    Swap,
}

/// One operation: 64 bytes, so that a pass over them is a pass over cache lines.
#[derive(Clone, Copy, Debug)]
pub(super) struct Op {
    pub(super) kind: Kind,
    /// Its position among the calls.
    pub(super) call: u32,
    /// The version that it saw or made; [`NONE`] if that is not certain.
    pub(super) version: u32,
    /// What it saw or set.
    pub(super) value: Option<Value>,
    /// The revision that it was told, 0 if none.
    revision: u64,
    pub(super) invoked: u64,
    /// `u64::MAX` if its outcome is unknown.
    pub(super) returned: u64,
}

/// No operation, or no version.
pub(super) const NONE: u32 = u32::MAX;

/// The writer of what was there before everything: nothing.
const INITIAL: u32 = u32::MAX - 1;

/// A write and all that saw it, which Gibbons & Korach call a cluster.
#[derive(Clone, Copy, Debug)]
pub(super) struct Version {
    pub(super) value: Option<Value>,
    revision: u64,
    /// The operation that made it, `INITIAL`, or [`NONE`] if it is one of several of unknown outcome.
    pub(super) writer: u32,
    /// How many saw it.
    pub(super) reads: u32,
    /// When its write was invoked.
    written: u64,
    /// The first return of its operations: by then it was in place.
    pub(super) first_returned: u64,
    /// Whose return that is; [`NONE`] for the start of the history.
    pub(super) first: u32,
    /// The last invocation of its operations: then it was still, or not yet, in place.
    pub(super) last_invoked: u64,
    /// Whose invocation that is; [`NONE`] for the start of the history.
    pub(super) last: u32,
}

impl Version {
    /// What was there before everything.
    const NOTHING: Version = Version {
        value: None,
        revision: 0,
        writer: INITIAL,
        reads: 0,
        written: 0,
        first_returned: 0,
        first: NONE,
        last_invoked: 0,
        last: NONE,
    };

    /// A version of which only this operation is known.
    fn of(index: u32, op: &Op) -> Version {
        let is_read = op.kind == Kind::Read;
        Version {
            value: op.value,
            revision: op.revision,
            writer: if is_read { NONE } else { index },
            reads: u32::from(is_read),
            written: if is_read { 0 } else { op.invoked },
            first_returned: op.returned,
            first: index,
            last_invoked: op.invoked,
            last: index,
        }
    }

    fn stretch(&mut self, index: u32, op: &Op) {
        if op.returned < self.first_returned {
            self.first_returned = op.returned;
            self.first = index;
        }
        if op.invoked > self.last_invoked {
            self.last_invoked = op.invoked;
            self.last = index;
        }
    }

    fn seen_by(&mut self, index: u32, op: &Op) {
        self.reads += 1;
        self.stretch(index, op);
    }

    fn made_by(&mut self, index: u32, op: &Op) {
        assert!(self.writer == NONE, "a version has one writer");
        self.writer = index;
        self.written = op.invoked;
        self.stretch(index, op);
    }

    pub(super) fn is_initial(&self) -> bool {
        self.writer == INITIAL
    }
}

/// The writes of one value that no revision tells apart.
struct Writers {
    /// One of them.
    one: u32,
    count: u32,
}

/// The operations on one key and their versions. Its memory serves one key after another.
#[derive(Default)]
pub(super) struct KeyHistory {
    /// In the order of the calls, without reads of unknown outcome: they saw nothing that anybody knows of.
    pub(super) ops: Vec<Op>,
    /// The first is what was there before everything.
    pub(super) versions: Vec<Version>,
    /// Whether the answers tell revisions.
    tells_revisions: bool,
    /// Whether an operation compares and swaps.
    swaps: bool,
    /// Whether it is uncertain of some read whose write it saw.
    ambiguous: bool,
    by_revision: HashMap<u64, u32, FxBuildHasher>,
    by_value: HashMap<Option<Value>, Writers, FxBuildHasher>,
    /// The writes that no revision identifies.
    loose: Vec<u32>,
    /// The versions that no answered write made.
    unmade: Vec<u32>,
}

impl KeyHistory {
    /// Takes in the calls at these positions, all on one key, and finds for each read the write that it saw.
    pub(super) fn sort_out(&mut self, calls: &[Call], indices: &[u32]) -> Verdict {
        self.ops.clear();
        self.versions.clear();
        self.by_revision.clear();
        self.by_value.clear();
        self.loose.clear();
        self.unmade.clear();
        self.swaps = false;
        self.ambiguous = false;
        self.versions.push(Version::NOTHING);
        self.tells_revisions = self.take_in(calls, indices)?;
        if self.tells_revisions {
            self.versions_of_writes(calls)?;
            self.match_by_revision(calls)?;
            self.find_writers(calls)?;
        } else {
            self.match_by_value(calls)?;
        }
        self.refuse_foresight(calls)
    }

    /// Reads the calls; says whether the answers tell revisions.
    fn take_in(&mut self, calls: &[Call], indices: &[u32]) -> Result<bool, Breach> {
        self.ops.reserve(indices.len());
        let mut tells_revisions = true;
        let mut writes = 0;
        for &index in indices {
            let call = &calls[index as usize];
            if call.response.is_none() && call.request.is_read() {
                continue;
            }
            let Some((kind, value, revision)) = meaning(call) else {
                return Err(format!("{call} is no answer to what was asked"));
            };
            let answered = call.response.is_some();
            let written = kind != Kind::Read || value.is_some();
            tells_revisions &= !(answered && written && revision == 0);
            writes += usize::from(kind != Kind::Read);
            self.swaps |= kind == Kind::Swap;
            self.ops.push(Op {
                kind,
                call: index,
                version: NONE,
                value,
                revision,
                invoked: call.invoked,
                returned: if answered { call.returned } else { u64::MAX },
            });
        }
        // Fresh memory costs more than all the rest, so it should not be asked for twice.
        self.versions.reserve(writes);
        if tells_revisions {
            self.by_revision.reserve(writes);
        }
        Ok(tells_revisions)
    }

    /// An answered write made the version of its revision.
    fn versions_of_writes(&mut self, calls: &[Call]) -> Verdict {
        self.by_revision.insert(0, 0);
        for index in 0..self.ops.len() as u32 {
            let op = self.ops[index as usize];
            if op.kind == Kind::Read {
                continue;
            }
            if op.returned == u64::MAX {
                self.loose.push(index);
                continue;
            }
            match self.by_revision.entry(op.revision) {
                Entry::Vacant(entry) => {
                    let version = self.versions.len() as u32;
                    entry.insert(version);
                    self.versions.push(Version::of(index, &op));
                    self.ops[index as usize].version = version;
                }
                Entry::Occupied(entry) => {
                    let other = self.versions[*entry.get() as usize].writer;
                    return Err(self.breach(calls, &[index, other], |told| {
                        format!("{} and {} are two writes of one revision", told[0], told[1])
                    }));
                }
            }
        }
        Ok(())
    }

    /// Whoever was told a revision saw the version of that revision.
    fn match_by_revision(&mut self, calls: &[Call]) -> Verdict {
        for index in 0..self.ops.len() as u32 {
            let op = self.ops[index as usize];
            if op.kind != Kind::Read {
                continue;
            }
            let version = match self.by_revision.entry(op.revision) {
                Entry::Vacant(entry) => {
                    let version = self.versions.len() as u32;
                    entry.insert(version);
                    self.versions.push(Version::of(index, &op));
                    self.unmade.push(version);
                    version
                }
                Entry::Occupied(entry) => {
                    let seen = *entry.get();
                    let version = &mut self.versions[seen as usize];
                    if version.value != op.value {
                        let other = version.first;
                        return Err(self.wrong_value(calls, index, seen, other));
                    }
                    version.seen_by(index, &op);
                    seen
                }
            };
            self.ops[index as usize].version = version;
        }
        Ok(())
    }

    /// A version that no answered write made was made by a write of unknown outcome, of the same value; if there is only
    /// one, by that.
    fn find_writers(&mut self, calls: &[Call]) -> Verdict {
        if self.unmade.is_empty() {
            return Ok(());
        }
        self.count_writers();
        for at in 0..self.unmade.len() {
            let version = self.unmade[at];
            let Version { value, first, .. } = self.versions[version as usize];
            match self.by_value.get(&value) {
                None => return Err(self.phantom(calls, first)),
                Some(Writers { count: 2.., .. }) => self.ambiguous = true,
                Some(&Writers { one, .. }) => {
                    let writer = self.ops[one as usize];
                    if writer.version != NONE {
                        let other = self.versions[writer.version as usize].first;
                        return Err(self.breach(calls, &[other, first, one], |told| {
                            format!(
                                "{} and {} tell two revisions of one write, {}",
                                told[0], told[1], told[2]
                            )
                        }));
                    }
                    self.ops[one as usize].version = version;
                    self.versions[version as usize].made_by(one, &writer);
                }
            }
        }
        Ok(())
    }

    /// Without revisions the value alone tells which write a read saw, if it was written once.
    fn match_by_value(&mut self, calls: &[Call]) -> Verdict {
        for index in 0..self.ops.len() as u32 {
            let op = self.ops[index as usize];
            if op.kind != Kind::Read {
                self.loose.push(index);
                self.ops[index as usize].version = self.versions.len() as u32;
                self.versions.push(Version::of(index, &op));
            }
        }
        self.by_value.insert(
            None,
            Writers {
                one: INITIAL,
                count: 1,
            },
        );
        self.count_writers();
        for index in 0..self.ops.len() as u32 {
            let op = self.ops[index as usize];
            if op.kind != Kind::Read {
                continue;
            }
            match self.by_value.get(&op.value) {
                None => return Err(self.phantom(calls, index)),
                Some(Writers { count: 2.., .. }) => self.ambiguous = true,
                Some(&Writers { one, .. }) => {
                    let version = match one {
                        INITIAL => 0,
                        writer => self.ops[writer as usize].version,
                    };
                    self.ops[index as usize].version = version;
                    self.versions[version as usize].seen_by(index, &op);
                }
            }
        }
        Ok(())
    }

    /// Whether it is known of every read whose write it saw, and no write depends on what it finds.
    pub(super) fn is_settled(&self) -> bool {
        !self.swaps && !self.ambiguous
    }

    /// Where a version probably comes among the others: by its revision, or by when it was certainly in place.
    pub(super) fn rank(&self, version: &Version) -> u64 {
        if self.tells_revisions {
            version.revision
        } else {
            version.first_returned
        }
    }

    fn count_writers(&mut self) {
        for &index in &self.loose {
            let value = self.ops[index as usize].value;
            let writers = self.by_value.entry(value).or_insert(Writers {
                one: index,
                count: 0,
            });
            writers.count += 1;
        }
    }

    /// Nobody sees a write before it is invoked.
    fn refuse_foresight(&self, calls: &[Call]) -> Verdict {
        for version in &self.versions {
            if version.writer != NONE && version.first_returned < version.written {
                let ops = [version.first, version.writer];
                return Err(self.breach(calls, &ops, |told| {
                    format!(
                        "{} had returned before {} was invoked, whose write it saw",
                        told[0], told[1]
                    )
                }));
            }
        }
        Ok(())
    }

    fn wrong_value(&self, calls: &[Call], read: u32, seen: u32, other: u32) -> Breach {
        if self.versions[seen as usize].is_initial() {
            return self.breach(calls, &[read], |told| {
                format!("{}, but revision 0 is that of nothing", told[0])
            });
        }
        let writer = self.versions[seen as usize].writer;
        let other = if writer == NONE { other } else { writer };
        self.breach(calls, &[read, other], |told| {
            format!("{} although {}", told[0], told[1])
        })
    }

    /// A read of what nobody wrote, or of what was written at another revision.
    fn phantom(&self, calls: &[Call], read: u32) -> Breach {
        let Op { value, .. } = self.ops[read as usize];
        let elsewhere = self
            .ops
            .iter()
            .position(|op| op.kind != Kind::Read && op.value == value);
        match elsewhere {
            Some(writer) => self.breach(calls, &[read, writer as u32], |told| {
                format!(
                    "{} although no write of it made that revision: {}",
                    told[0], told[1]
                )
            }),
            None => self.breach(calls, &[read], |told| match value {
                Some(_) => format!("{} although nobody wrote that", told[0]),
                None => format!("{} although nobody deleted it", told[0]),
            }),
        }
    }

    /// A breach shown by these operations, each of them told.
    pub(super) fn breach(
        &self,
        calls: &[Call],
        ops: &[u32],
        words: impl FnOnce(&[&Call]) -> String,
    ) -> Breach {
        let called: Vec<&Call> = ops
            .iter()
            .map(|&op| &calls[self.ops[op as usize].call as usize])
            .collect();
        words(&called)
    }
}

/// What a call did, what value it saw or set, and at which revision; none if the answer is not one to the question.
///
/// A compare-and-swap that found something else than expected is a read of that, and a delete that found nothing a read
/// of nothing.
fn meaning(call: &Call) -> Option<(Kind, Option<Value>, u64)> {
    let (kind, value) = match (call.request, call.response) {
        (Request::Get(_), Some(Response::Found(value, _))) => (Kind::Read, value),
        (Request::Delete(_), Some(Response::Found(None, _))) => (Kind::Read, None),
        (Request::Cas(_, expected, _), Some(Response::Found(value, _))) if value != expected => {
            (Kind::Read, value)
        }
        (Request::Put(_, value), None | Some(Response::Written(_))) => (Kind::Write, Some(value)),
        (Request::Delete(_), None | Some(Response::Written(_))) => (Kind::Write, None),
        (Request::Cas(_, _, value), None | Some(Response::Written(_))) => (Kind::Swap, Some(value)),
        _ => return None,
    };
    let revision = match call.response {
        None => 0,
        Some(Response::Found(_, revision) | Response::Written(revision)) => revision.0,
    };
    Some((kind, value, revision))
}
