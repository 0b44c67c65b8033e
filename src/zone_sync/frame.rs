//! Frames: what a stream carries, as bytes.
//!
//! ```text
//!  0        4         6              8      10        12      12+n   13+n
//!  | length | protocol | name length n | tag | version | name ... | what | records, ranges or nodes ...
//!  |<------------- fixed, 12 bytes ------------------->|
//! ```
//!
//! The real system documents which fields the 12 fixed bytes hold and not how they are cut; here the length of the whole
//! frame takes four, the others two each, little-endian. How it lays out a record is not published: here a record is key,
//! time, writer, life, kind, length and payload (see [`Record::FIXED`]). Where a range begins is one byte: 0 for the first
//! key of all, or 1, and then the key that it begins behind.
//!
//! The same content has one encoding only. How it is written stands in [`encode`](super::encode), and how it is read, and
//! what is wrong with all else that arrives, in [`decode`](mod@super::decode).

use std::fmt;
use std::sync::Arc;

use super::decode::Reader;
use super::record::Record;
use super::sums::{LAST, RangeSum};
use crate::NodeId;
use crate::kv::Key;

/// The only protocol version there is.
pub const PROTOCOL: u16 = 1;

/// What all frames begin with, in bytes, before the zone's name.
pub const FIXED: usize = 12;

/// What a frame begins with.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Header<'a> {
    /// The zone it is about; nodes share a zone by its name. At most 65,535 bytes; none, if it is about no zone.
    pub zone: &'a str,
    /// Which module keeps the zone; 0 where there is none.
    pub tag: u16,
    /// Which version of that module; 0 where there is none.
    pub version: u16,
    /// What follows.
    pub what: What,
}

/// What a frame is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum What {
    /// Records that changed at the sender.
    Live,
    /// Records, a part of everything the sender has.
    Snapshot,
    /// Everything has been sent. Nothing follows.
    SnapshotEnd,
    /// Sums of what the sender holds in ranges of keys, each of which begins behind the one before.
    Digest {
        /// Behind which key the first begins; `None`: with the first key of all.
        after: Option<Key>,
    },
    /// The sender lives. Nothing follows.
    Keepalive,
    /// Ranges of keys whose records the sender asks for; none if it wants nothing.
    Want,
    /// Nodes that the sender cannot reach.
    Misses,
}

impl What {
    pub(super) fn code(self) -> u8 {
        match self {
            What::Live => 0,
            What::Snapshot => 1,
            What::SnapshotEnd => 2,
            What::Digest { .. } => 3,
            What::Keepalive => 4,
            What::Want => 5,
            What::Misses => 6,
        }
    }

    /// Behind which key a digest begins.
    pub(super) fn start(self) -> Option<Key> {
        match self {
            What::Digest { after } => after,
            _ => None,
        }
    }

    /// Whether records follow.
    pub fn has_records(self) -> bool {
        matches!(self, What::Live | What::Snapshot)
    }

    /// Whether nothing follows.
    pub fn is_bare(self) -> bool {
        matches!(self, What::SnapshotEnd | What::Keepalive)
    }
}

/// A frame that was finished: its bytes, and what it is, which its bytes say too.
///
/// Only a [`FrameWriter`](super::encode::FrameWriter) makes one, so that the two are never at odds.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Sealed {
    pub(super) what: What,
    pub(super) bytes: Arc<[u8]>,
}

impl Sealed {
    /// What it is.
    pub fn what(&self) -> What {
        self.what
    }

    /// What a stream carries.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How much that is.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }
}

impl Header<'static> {
    /// That of a frame which is about nodes, and no zone: one that [keeps a connection](What::Keepalive), or says whom its
    /// sender [misses](What::Misses).
    pub fn of_no_zone(what: What) -> Header<'static> {
        Header {
            zone: "",
            tag: 0,
            version: 0,
            what,
        }
    }
}

impl Header<'_> {
    /// The size of a frame that holds nothing else, in bytes.
    pub fn size(&self) -> usize {
        let start = match self.what {
            What::Digest { after } => start_size(after),
            _ => 0,
        };
        FIXED + self.zone.len() + 1 + start
    }
}

/// How many bytes the beginning of a range takes.
pub(super) fn start_size(after: Option<Key>) -> usize {
    if after.is_some() { 5 } else { 1 }
}

/// Whether a range that begins behind `after` and ends with `upto` can hold a key.
pub(super) fn holds_keys(after: Option<Key>, upto: Key) -> bool {
    after.is_none_or(|after| after < upto)
}

/// A frame that was checked whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Frame<'a> {
    /// What it begins with.
    pub header: Header<'a>,
    pub(super) body: &'a [u8],
}

impl<'a> Frame<'a> {
    /// The records of a live or snapshot frame, as they were pushed; none of any other.
    pub fn records(&self) -> impl Iterator<Item = Record> + use<'a> {
        let mut reader = self.reader(self.header.what.has_records());
        std::iter::from_fn(move || reader.record().ok())
    }

    /// The ranges of a digest frame, as they were pushed; none of any other.
    pub fn ranges(&self) -> impl Iterator<Item = RangeSum> + use<'a> {
        let mut reader = self.reader(matches!(self.header.what, What::Digest { .. }));
        let mut reached = self.header.what.start();
        std::iter::from_fn(move || {
            let range = reader.range(reached).ok()?;
            reached = Some(range.upto);
            Some(range)
        })
    }

    /// The ranges of a want frame, each the key that it begins behind and the key that it ends with, as they were pushed;
    /// none of any other.
    pub fn wanted(&self) -> impl Iterator<Item = (Option<Key>, Key)> + use<'a> {
        let mut reader = self.reader(self.header.what == What::Want);
        std::iter::from_fn(move || reader.wanted().ok())
    }

    /// The nodes of a misses frame, as they were pushed; none of any other.
    pub fn missed(&self) -> impl Iterator<Item = NodeId> + use<'a> {
        let mut reader = self.reader(self.header.what == What::Misses);
        std::iter::from_fn(move || reader.node().ok())
    }

    /// Over what follows the header, or over nothing.
    fn reader(&self, whole: bool) -> Reader<'a> {
        let bytes = if whole { self.body } else { &[] };
        Reader { bytes, at: 0 }
    }
}

/// The keys from behind one up to another.
struct Keys(Option<Key>, Key);

impl fmt::Display for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Keys(None, LAST) => f.write_str("all keys"),
            Keys(None, upto) => write!(f, "keys up to {upto}"),
            Keys(Some(after), LAST) => write!(f, "keys behind {after}"),
            Keys(Some(after), upto) => write!(f, "keys behind {after} up to {upto}"),
        }
    }
}

/// The first of what there is, and how many there are beside it; if there are none, that word.
fn first_of(
    mut all: impl Iterator<Item: fmt::Display>,
    none: &str,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let Some(first) = all.next() else {
        return f.write_str(none);
    };
    write!(f, "{first}")?;
    match all.count() {
        0 => Ok(()),
        more => write!(f, " and {more} more"),
    }
}

/// What follows the header: `k7=v41 1234@n1 +600000 and 2 more`, `all keys of kv, 3 ranges`, `keys up to k9 of kv`, `n2`.
/// What is said of keys alone says of which zone.
impl fmt::Display for Frame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Header { zone, what, .. } = self.header;
        match what {
            What::Live | What::Snapshot => first_of(self.records(), "nothing", f),
            What::Digest { after } => {
                let Some(last) = self.ranges().last() else {
                    return write!(f, "nothing of {zone}");
                };
                let (keys, count) = (Keys(after, last.upto), self.ranges().count());
                let ranges = if count == 1 { "range" } else { "ranges" };
                write!(f, "{keys} of {zone}, {count} {ranges}")
            }
            What::Want => {
                let wishes = self.wanted().map(|(after, upto)| Keys(after, upto));
                first_of(wishes, "nothing", f)?;
                write!(f, " of {zone}")
            }
            What::Misses => first_of(self.missed(), "nobody", f),
            What::SnapshotEnd | What::Keepalive => f.write_str("nothing"),
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::Live => f.write_str("live"),
            What::Snapshot => f.write_str("snapshot"),
            What::SnapshotEnd => f.write_str("snapshot end"),
            What::Digest { after: None } => f.write_str("digest"),
            What::Digest { after: Some(key) } => write!(f, "digest behind {key}"),
            What::Keepalive => f.write_str("keepalive"),
            What::Want => f.write_str("want"),
            What::Misses => f.write_str("misses"),
        }
    }
}
