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
//! The same content has one encoding only, and whatever else arrives is [`Garbage`]: a value that says what is wrong and
//! where. A frame is checked whole before its first record is seen, so that none of it is applied if any of it is bad.

use std::fmt;
use std::sync::Arc;

use super::record::{Content, Record, Stamp, Usage};
use super::zone::RangeSum;
use crate::NodeId;
use crate::kv::{Key, Value};

/// The only protocol version there is.
pub const PROTOCOL: u16 = 1;

/// What all frames begin with, in bytes, before the zone's name.
pub const FIXED: usize = 12;

const RANGE: usize = 12;
const NODE: usize = 4;

/// What a frame begins with.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Header<'a> {
    /// The zone it is about; nodes share a zone by its name. At most 65,535 bytes.
    pub zone: &'a str,
    /// Which module keeps the zone.
    pub tag: u16,
    /// Which version of that module.
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
    fn code(self) -> u8 {
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
    fn start(self) -> Option<Key> {
        match self {
            What::Digest { after } => after,
            _ => None,
        }
    }

    /// Whether records follow.
    pub fn has_records(self) -> bool {
        matches!(self, What::Live | What::Snapshot)
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

    fn encode(&self, length: u32, bytes: &mut Vec<u8>) {
        let name = u16::try_from(self.zone.len()).expect("a zone's name is at most 65,535 bytes");
        bytes.extend_from_slice(&length.to_le_bytes());
        for part in [PROTOCOL, name, self.tag, self.version] {
            bytes.extend_from_slice(&part.to_le_bytes());
        }
        bytes.extend_from_slice(self.zone.as_bytes());
        bytes.push(self.what.code());
        if let What::Digest { after } = self.what {
            encode_start(after, bytes);
        }
    }
}

/// How many bytes the beginning of a range takes.
fn start_size(after: Option<Key>) -> usize {
    if after.is_some() { 5 } else { 1 }
}

fn encode_start(after: Option<Key>, bytes: &mut Vec<u8>) {
    bytes.push(after.is_some().into());
    if let Some(Key(key)) = after {
        bytes.extend_from_slice(&key.to_le_bytes());
    }
}

/// Whether a range that begins behind `after` and ends with `upto` can hold a key.
fn holds_keys(after: Option<Key>, upto: Key) -> bool {
    after.is_none_or(|after| after < upto)
}

/// Why something was not added to a frame.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum NoFit {
    /// An empty frame of that size could not hold it. The real system logs such a record and never sends it.
    TooBig,
    /// This frame cannot hold it any more; the next can.
    Full,
}

/// Writes frames of at most a given size, one after the other, all with the same header.
#[derive(Debug)]
pub struct FrameWriter {
    bytes: Vec<u8>,
    header: usize,
    capacity: usize,
    what: What,
    /// The end of the last range of a digest frame, or where its first begins.
    reached: Option<Key>,
}

impl FrameWriter {
    /// A writer of frames of at most `capacity` bytes, header included.
    ///
    /// # Panics
    /// If the header alone does not fit, or its name is longer than 65,535 bytes.
    pub fn new(capacity: usize, header: &Header<'_>) -> FrameWriter {
        assert!(
            header.size() <= capacity && capacity <= u32::MAX as usize,
            "a frame holds its header and its length is told in four bytes: {capacity} bytes"
        );
        let mut bytes = Vec::with_capacity(capacity);
        header.encode(0, &mut bytes);
        assert_eq!(bytes.len(), header.size(), "a header is as long as it says");
        FrameWriter {
            header: bytes.len(),
            bytes,
            capacity,
            what: header.what,
            reached: header.what.start(),
        }
    }

    /// Adds a record to a live or snapshot frame.
    ///
    /// # Errors
    /// If it does not fit; the frame is as before.
    ///
    /// # Panics
    /// If it is a frame of another kind.
    pub fn push(&mut self, record: &Record) -> Result<(), NoFit> {
        assert!(
            self.what.has_records(),
            "no record belongs into {:?}",
            self.what
        );
        let size = record.size_on_wire();
        self.room_for(size)?;
        let end = self.bytes.len() + size;
        self.bytes.extend_from_slice(&fixed_part(record));
        match record.content {
            Content::Value(value) => self.bytes.extend_from_slice(&value.name.to_le_bytes()),
            Content::Usage(usage) => {
                self.bytes.extend_from_slice(&usage.total.to_le_bytes());
                self.bytes.extend_from_slice(&usage.excess.to_le_bytes());
            }
            Content::Tombstone => {}
        }
        self.bytes.resize(end, 0);
        Ok(())
    }

    /// Adds a range to a digest frame. It begins behind the range that was added before.
    ///
    /// # Errors
    /// If it does not fit; the frame is as before.
    ///
    /// # Panics
    /// If it is a frame of another kind, or the range does not end behind the one before.
    pub fn push_range(&mut self, range: &RangeSum) -> Result<(), NoFit> {
        assert!(
            matches!(self.what, What::Digest { .. }),
            "no range belongs into {:?}",
            self.what
        );
        assert!(holds_keys(self.reached, range.upto), "ranges ascend");
        self.room_for(RANGE)?;
        self.bytes.extend_from_slice(&range.upto.0.to_le_bytes());
        self.bytes.extend_from_slice(&range.sum.to_le_bytes());
        self.reached = Some(range.upto);
        Ok(())
    }

    /// Adds a range of keys, behind one (behind `None`: from the first on) up to another, itself included, to a want
    /// frame.
    ///
    /// # Errors
    /// If it does not fit; the frame is as before.
    ///
    /// # Panics
    /// If it is a frame of another kind, or the range ends before it begins.
    pub fn push_wanted(&mut self, after: Option<Key>, upto: Key) -> Result<(), NoFit> {
        assert!(
            self.what == What::Want,
            "no wish belongs into {:?}",
            self.what
        );
        assert!(holds_keys(after, upto), "a range holds keys");
        self.room_for(start_size(after) + 4)?;
        encode_start(after, &mut self.bytes);
        self.bytes.extend_from_slice(&upto.0.to_le_bytes());
        Ok(())
    }

    /// Adds a node to a misses frame.
    ///
    /// # Errors
    /// If it does not fit; the frame is as before.
    ///
    /// # Panics
    /// If it is a frame of another kind.
    pub fn push_missed(&mut self, node: NodeId) -> Result<(), NoFit> {
        assert!(
            self.what == What::Misses,
            "no node belongs into {:?}",
            self.what
        );
        self.room_for(NODE)?;
        self.bytes.extend_from_slice(&code(node).to_le_bytes());
        Ok(())
    }

    fn room_for(&self, size: usize) -> Result<(), NoFit> {
        if size > self.capacity - self.header {
            Err(NoFit::TooBig)
        } else if size > self.capacity - self.bytes.len() {
            Err(NoFit::Full)
        } else {
            Ok(())
        }
    }

    /// The size of the frame as it stands, in bytes.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there is nothing but the header.
    pub fn is_empty(&self) -> bool {
        self.bytes.len() == self.header
    }

    /// Gives the frame, and begins the next with the same header.
    pub fn finish(&mut self) -> Arc<[u8]> {
        let length = self.bytes.len() as u32;
        self.bytes[..4].copy_from_slice(&length.to_le_bytes());
        let frame = Arc::from(&self.bytes[..]);
        self.bytes.truncate(self.header);
        self.reached = self.what.start();
        frame
    }
}

/// A record up to its payload.
fn fixed_part(record: &Record) -> [u8; Record::FIXED] {
    let writer = code(record.stamp.writer);
    let (kind, length) = match record.content {
        Content::Value(value) => (0, value.bytes),
        Content::Tombstone => (1, 0),
        Content::Usage(_) => (2, Usage::SIZE as u32),
    };
    let mut bytes = [0; Record::FIXED];
    bytes[0..4].copy_from_slice(&record.key.0.to_le_bytes());
    bytes[4..12].copy_from_slice(&record.stamp.time.to_le_bytes());
    bytes[12..16].copy_from_slice(&writer.to_le_bytes());
    bytes[16..24].copy_from_slice(&record.life.to_le_bytes());
    bytes[24] = kind;
    bytes[25..29].copy_from_slice(&length.to_le_bytes());
    bytes
}

/// A node as its letter and its number, in four bytes.
fn code(node: NodeId) -> u32 {
    u32::from(node.letter()) << 24 | node.number()
}

/// Why bytes are no frame, and where.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Garbage {
    /// What is wrong.
    pub flaw: Flaw,
    /// The offset of the field that is wrong, in bytes from the frame's beginning.
    pub at: usize,
}

/// What can be wrong with a frame.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Flaw {
    /// Something ends before it should.
    CutShort {
        /// How many bytes it should have.
        needs: usize,
        /// How many there are.
        has: usize,
    },
    /// The frame says that it is so long, and is not.
    Length(u32),
    /// A protocol that is not spoken here.
    Protocol(u16),
    /// The zone's name is no UTF-8.
    Name,
    /// A kind of frame that does not exist.
    What(u8),
    /// A kind of content that does not exist.
    Kind(u8),
    /// What no node can be.
    Node(u32),
    /// A tombstone with so many bytes of payload.
    Tombstone(u32),
    /// A usage with so many bytes of payload.
    Usage(u32),
    /// Something else than zeros behind a value's name.
    Padding,
    /// A range that begins neither with the first key nor behind one.
    Start(u8),
    /// A range that ends with this key, and begins behind it or a later one.
    Range(Key),
    /// So many bytes behind a frame that holds nothing.
    Trailing(usize),
}

/// A frame that was checked whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Frame<'a> {
    /// What it begins with.
    pub header: Header<'a>,
    body: &'a [u8],
}

/// Reads a frame.
///
/// # Errors
/// The first thing that is wrong. Nothing is allocated either way.
pub fn decode(bytes: &[u8]) -> Result<Frame<'_>, Garbage> {
    let mut reader = Reader { bytes, at: 0 };
    let length = u32::from_le_bytes(reader.take()?);
    if length as usize != bytes.len() {
        return Err(Flaw::Length(length).at(0));
    }
    let header = reader.header()?;
    let body = &bytes[reader.at..];
    match header.what {
        What::Live | What::Snapshot => {
            while !reader.is_at_end() {
                reader.record()?;
            }
        }
        What::Digest { after } => {
            let mut reached = after;
            while !reader.is_at_end() {
                reached = Some(reader.range(reached)?.upto);
            }
        }
        What::Want => {
            while !reader.is_at_end() {
                reader.wanted()?;
            }
        }
        What::Misses => {
            while !reader.is_at_end() {
                reader.node()?;
            }
        }
        What::SnapshotEnd | What::Keepalive if !body.is_empty() => {
            return Err(Flaw::Trailing(body.len()).at(reader.at));
        }
        What::SnapshotEnd | What::Keepalive => {}
    }
    Ok(Frame { header, body })
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

/// Bytes and how far they are read.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn is_at_end(&self) -> bool {
        self.at == self.bytes.len()
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], Garbage> {
        let rest = &self.bytes[self.at..];
        let part = rest.first_chunk().ok_or(self.cut_short(N))?;
        self.at += N;
        Ok(*part)
    }

    fn take_slice(&mut self, count: usize) -> Result<&'a [u8], Garbage> {
        let rest = &self.bytes[self.at..];
        let part = rest.get(..count).ok_or(self.cut_short(count))?;
        self.at += count;
        Ok(part)
    }

    fn cut_short(&self, needs: usize) -> Garbage {
        let has = self.bytes.len() - self.at;
        Flaw::CutShort { needs, has }.at(self.at)
    }

    /// A header behind its length.
    fn header(&mut self) -> Result<Header<'a>, Garbage> {
        let protocol = u16::from_le_bytes(self.take()?);
        if protocol != PROTOCOL {
            return Err(Flaw::Protocol(protocol).at(4));
        }
        let name = u16::from_le_bytes(self.take()?);
        let tag = u16::from_le_bytes(self.take()?);
        let version = u16::from_le_bytes(self.take()?);
        let zone =
            str::from_utf8(self.take_slice(name.into())?).map_err(|_| Flaw::Name.at(FIXED))?;
        let at = self.at;
        let [what] = self.take()?;
        let what = match what {
            0 => What::Live,
            1 => What::Snapshot,
            2 => What::SnapshotEnd,
            3 => What::Digest {
                after: self.start()?,
            },
            4 => What::Keepalive,
            5 => What::Want,
            6 => What::Misses,
            other => return Err(Flaw::What(other).at(at)),
        };
        Ok(Header {
            zone,
            tag,
            version,
            what,
        })
    }

    fn record(&mut self) -> Result<Record, Garbage> {
        let at = self.at;
        let key = self.key()?;
        let time = u64::from_le_bytes(self.take()?);
        let writer = self.node()?;
        let life = u64::from_le_bytes(self.take()?);
        let [kind] = self.take()?;
        let bytes = u32::from_le_bytes(self.take()?);
        let content = match kind {
            0 => Content::Value(self.value(bytes)?),
            1 if bytes == 0 => Content::Tombstone,
            1 => return Err(Flaw::Tombstone(bytes).at(at + 25)),
            2 if bytes as usize == Usage::SIZE => Content::Usage(Usage {
                total: u64::from_le_bytes(self.take()?),
                excess: u64::from_le_bytes(self.take()?),
            }),
            2 => return Err(Flaw::Usage(bytes).at(at + 25)),
            other => return Err(Flaw::Kind(other).at(at + 24)),
        };
        Ok(Record {
            key,
            stamp: Stamp { time, writer },
            content,
            life,
        })
    }

    /// The payload of a value that weighs so much.
    fn value(&mut self, bytes: u32) -> Result<Value, Garbage> {
        let name = u64::from_le_bytes(self.take()?);
        let at = self.at;
        let padding = self.take_slice((bytes as usize).saturating_sub(8))?;
        if padding.iter().any(|byte| *byte != 0) {
            return Err(Flaw::Padding.at(at));
        }
        Ok(Value { name, bytes })
    }

    fn key(&mut self) -> Result<Key, Garbage> {
        Ok(Key(u32::from_le_bytes(self.take()?)))
    }

    fn node(&mut self) -> Result<NodeId, Garbage> {
        let at = self.at;
        let code = u32::from_le_bytes(self.take()?);
        node(code).ok_or(Flaw::Node(code).at(at))
    }

    /// Where a range begins.
    fn start(&mut self) -> Result<Option<Key>, Garbage> {
        let at = self.at;
        match self.take()? {
            [0] => Ok(None),
            [1] => Ok(Some(self.key()?)),
            [other] => Err(Flaw::Start(other).at(at)),
        }
    }

    /// Where a range ends that begins there.
    fn upto(&mut self, after: Option<Key>) -> Result<Key, Garbage> {
        let at = self.at;
        let upto = self.key()?;
        if holds_keys(after, upto) {
            Ok(upto)
        } else {
            Err(Flaw::Range(upto).at(at))
        }
    }

    fn range(&mut self, after: Option<Key>) -> Result<RangeSum, Garbage> {
        let upto = self.upto(after)?;
        let sum = u64::from_le_bytes(self.take()?);
        Ok(RangeSum { upto, sum })
    }

    fn wanted(&mut self) -> Result<(Option<Key>, Key), Garbage> {
        let after = self.start()?;
        Ok((after, self.upto(after)?))
    }
}

/// The node of that letter and number, if there can be one.
fn node(code: u32) -> Option<NodeId> {
    let letter = char::from((code >> 24) as u8);
    let number = code & NodeId::MAX_NUMBER;
    (letter.is_ascii_lowercase() && number > 0).then(|| NodeId::new(letter, number))
}

impl Flaw {
    fn at(self, at: usize) -> Garbage {
        Garbage { flaw: self, at }
    }
}

impl fmt::Display for NoFit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NoFit::TooBig => "does not fit into any frame",
            NoFit::Full => "does not fit into this frame any more",
        })
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

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Flaw::CutShort { needs, has } => write!(f, "cut short, {has} bytes of {needs}"),
            Flaw::Length(length) => write!(f, "says it is {length} bytes long and is not"),
            Flaw::Protocol(version) => write!(f, "unknown protocol {version}"),
            Flaw::Name => f.write_str("the zone's name is no UTF-8"),
            Flaw::What(what) => write!(f, "unknown kind of frame {what}"),
            Flaw::Kind(kind) => write!(f, "unknown kind of content {kind}"),
            Flaw::Node(code) => write!(f, "no node has the code {code:#010x}"),
            Flaw::Tombstone(bytes) => write!(f, "a tombstone with {bytes} bytes"),
            Flaw::Usage(bytes) => write!(f, "a usage with {bytes} bytes"),
            Flaw::Padding => f.write_str("a value's padding is not zeros"),
            Flaw::Start(start) => write!(f, "unknown beginning of a range {start}"),
            Flaw::Range(upto) => write!(f, "a range up to {upto} that begins behind it"),
            Flaw::Trailing(bytes) => write!(f, "{bytes} bytes where nothing belongs"),
        }
    }
}

/// What, and where: `unknown protocol 2, at byte 4`.
impl fmt::Display for Garbage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, at byte {}", self.flaw, self.at)
    }
}
