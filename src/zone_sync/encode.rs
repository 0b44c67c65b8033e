//! Frames as they are written.

use std::fmt;
use std::sync::Arc;

use super::frame::{Header, PROTOCOL, Sealed, What, holds_keys, start_size};
use super::record::{Content, Record, Usage};
use super::sums::RangeSum;
use crate::NodeId;
use crate::kv::Key;

/// What a range of a digest takes: the key that it ends with 4, its sum 8.
const RANGE_SIZE: usize = 12;
const NODE_SIZE: usize = 4;

/// Why something was not added to a frame.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum NoFit {
    /// An empty frame of that size could not hold it. The real system logs such a record and never sends it.
    TooBig,
    /// This frame cannot hold it any more; the next can.
    Full,
}

/// Writes a frame of at most a given size.
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
    /// A writer of a frame of at most `capacity` bytes, header included.
    ///
    /// # Panics
    /// If the header alone does not fit, or its name is longer than 65,535 bytes.
    pub fn new(capacity: usize, header: &Header<'_>) -> FrameWriter {
        assert!(
            header.size() <= capacity && capacity <= u32::MAX as usize,
            "a frame holds its header and its length is told in four bytes: {capacity} bytes"
        );
        let mut bytes = Vec::with_capacity(header.size());
        encode_header(header, 0, &mut bytes);
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
        self.room_for(RANGE_SIZE)?;
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
        self.room_for(NODE_SIZE)?;
        self.bytes.extend_from_slice(&node.code().to_le_bytes());
        Ok(())
    }

    fn room_for(&mut self, size: usize) -> Result<(), NoFit> {
        let room = self.capacity - self.header;
        if size > room {
            return Err(NoFit::TooBig);
        }
        if size > self.capacity - self.bytes.len() {
            return Err(NoFit::Full);
        }
        // Most frames hold nothing. One that holds something is filled.
        if self.is_empty() {
            self.bytes.reserve_exact(room);
        }
        Ok(())
    }

    /// The size of the frame as it stands, in bytes.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there is nothing but the header.
    pub fn is_empty(&self) -> bool {
        self.bytes.len() == self.header
    }

    /// The frame.
    pub fn finish(mut self) -> Sealed {
        let length = self.bytes.len() as u32;
        self.bytes[..4].copy_from_slice(&length.to_le_bytes());
        Sealed {
            what: self.what,
            bytes: Arc::from(self.bytes),
        }
    }
}

/// A record up to its payload.
fn fixed_part(record: &Record) -> [u8; Record::FIXED] {
    let writer = record.stamp.writer.code();
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

fn encode_header(header: &Header<'_>, length: u32, bytes: &mut Vec<u8>) {
    let name = u16::try_from(header.zone.len()).expect("a zone's name is at most 65,535 bytes");
    bytes.extend_from_slice(&length.to_le_bytes());
    for part in [PROTOCOL, name, header.tag, header.version] {
        bytes.extend_from_slice(&part.to_le_bytes());
    }
    bytes.extend_from_slice(header.zone.as_bytes());
    bytes.push(header.what.code());
    if let What::Digest { after } = header.what {
        encode_start(after, bytes);
    }
}

fn encode_start(after: Option<Key>, bytes: &mut Vec<u8>) {
    bytes.push(after.is_some().into());
    if let Some(Key(key)) = after {
        bytes.extend_from_slice(&key.to_le_bytes());
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
