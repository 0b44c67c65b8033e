//! Frames as they are read. Whatever is no frame is [`Garbage`]: a value that says what is wrong and where. A frame is
//! checked whole before its first record is seen, so that none of it is applied if any of it is bad.

use std::fmt;

use super::frame::{FIXED, Frame, Header, PROTOCOL, What, holds_keys};
use super::record::{Content, Record, Stamp, Usage};
use super::sums::RangeSum;
use crate::NodeId;
use crate::kv::{Key, Value};

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
        What::SnapshotEnd | What::Keepalive => {
            if !body.is_empty() {
                return Err(Flaw::Trailing(body.len()).at(reader.at));
            }
        }
    }
    Ok(Frame { header, body })
}

/// Bytes and how far they are read.
pub(super) struct Reader<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
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

    pub(super) fn record(&mut self) -> Result<Record, Garbage> {
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

    pub(super) fn node(&mut self) -> Result<NodeId, Garbage> {
        let at = self.at;
        let code = u32::from_le_bytes(self.take()?);
        NodeId::from_code(code).ok_or(Flaw::Node(code).at(at))
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

    pub(super) fn range(&mut self, after: Option<Key>) -> Result<RangeSum, Garbage> {
        let upto = self.upto(after)?;
        let sum = u64::from_le_bytes(self.take()?);
        Ok(RangeSum { upto, sum })
    }

    pub(super) fn wanted(&mut self) -> Result<(Option<Key>, Key), Garbage> {
        let after = self.start()?;
        Ok((after, self.upto(after)?))
    }
}

impl Flaw {
    fn at(self, at: usize) -> Garbage {
        Garbage { flaw: self, at }
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
