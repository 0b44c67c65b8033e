//! One record of a zone: a key, what it holds, when it was written and how long it lives; and which of two is newer.

use std::cmp::Ordering;
use std::fmt;

use crate::NodeId;
use crate::kv::{Key, Value};

/// When a record was written, by the clock of its writer. Ordered by time, then by writer. Printed `1234@n1`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Stamp {
    /// In microseconds of the writer's wall clock.
    pub time: u64,
    /// Whose clock it was.
    pub writer: NodeId,
}

/// What a record holds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Content {
    /// A value.
    Value(Value),
    /// How much of a limit is used.
    Usage(Usage),
    /// Nothing any more: a delete that is told to the others. The real system has none (its deletes stay local).
    Tombstone,
}

/// How much of a request limit one node has used, told by it alone. Ordered by total, then by excess. Printed
/// `used 12 (+3.400)`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Usage {
    /// How many calls its writer has admitted so far.
    pub total: u64,
    /// How far its writer was over the rate at the record's stamp, in thousandths of a call.
    pub excess: u64,
}

/// A key and what it holds, since when and for how long.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Record {
    /// Of which key.
    pub key: Key,
    /// When it was written. The touch of a session is a write: a new stamp.
    pub stamp: Stamp,
    /// What it holds.
    pub content: Content,
    /// How long it lives from its stamp on, in the stamp's unit. Keys may differ: where a short life outbids a long one
    /// and ends, a node that never saw it still has the older record, and gives it back.
    pub life: u64,
}

impl Content {
    /// The value, if it is one.
    pub fn value(self) -> Option<Value> {
        match self {
            Content::Value(value) => Some(value),
            Content::Usage(_) | Content::Tombstone => None,
        }
    }

    /// How much payload it is on the wire, in bytes: a value's name takes 8 even of a value that weighs less.
    pub fn payload(self) -> usize {
        match self {
            Content::Value(value) => (value.bytes as usize).max(8),
            Content::Usage(_) => Usage::SIZE,
            Content::Tombstone => 0,
        }
    }
}

impl Usage {
    /// What it takes on the wire, in bytes: total 8, excess 8.
    pub const SIZE: usize = 16;
}

impl Record {
    /// What every record takes on the wire beside its payload, in bytes: key 4, time 8, writer 4, life 8, kind 1,
    /// length 4.
    pub const FIXED: usize = 29;

    /// The first instant at which it is dead, in the stamp's unit. It counts from the stamp and not from the arrival, so
    /// that handing a record around does not make it immortal.
    pub fn deadline(&self) -> u64 {
        self.stamp.time.saturating_add(self.life)
    }

    /// Its size in a frame, in bytes.
    pub fn size_on_wire(&self) -> usize {
        Record::FIXED + self.content.payload()
    }

    /// The order of all records of one key. It is total, so that all nodes choose the same of any two.
    fn order(&self, other: &Record) -> Ordering {
        let rest = |record: &Record| match record.content {
            Content::Value(value) => (0, value.name, value.bytes.into(), record.life),
            Content::Usage(usage) => (1, usage.total, usage.excess, record.life),
            Content::Tombstone => (2, 0, 0, record.life),
        };
        let by_stamp = self.stamp.cmp(&other.stamp);
        by_stamp.then_with(|| rest(self).cmp(&rest(other)))
    }
}

/// Whether `a` takes the place of `b`.
///
/// By time alone, as in the real system, records of the same time are never newer than each other: each node keeps the
/// one that it saw first, and two nodes can differ for ever. With `tie_break`, the same time is decided by the writer,
/// then for a tombstone, against it for a usage, and last for a value; then by the value's name and size or the usage's
/// total and excess, and by the record's life.
pub fn newer(a: &Record, b: &Record, tie_break: bool) -> bool {
    if tie_break {
        a.order(b).is_gt()
    } else {
        a.stamp.time > b.stamp.time
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.time, self.writer)
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (calls, thousandths) = (self.excess / 1000, self.excess % 1000);
        write!(f, "used {} (+{calls}.{thousandths:03})", self.total)
    }
}

/// `v41`, `used 12 (+3.400)`, or `gone`.
impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Content::Value(value) => write!(f, "{value}"),
            Content::Usage(usage) => write!(f, "{usage}"),
            Content::Tombstone => f.write_str("gone"),
        }
    }
}

/// Key, content, stamp and life: `k7=v41 1234@n1 +600000`.
impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Record {
            key,
            stamp,
            content,
            life,
        } = self;
        write!(f, "{key}={content} {stamp} +{life}")
    }
}
