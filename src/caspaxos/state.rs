//! What survives a crash, and what is held of a key. All else that a server has is forgotten with it.

use std::fmt;

use crate::NodeId;
use crate::kv::{Key, Value};
use crate::process::{Damage, Size};
use crate::register;

/// What a key holds: a value, or nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Content(pub Option<Value>);

/// One durable write.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Record {
    /// Whose disk this is: it was formatted with it, and is never without it unless it was wiped.
    Identity(NodeId),
    /// What a key's register promised or accepted.
    Register(Key, register::Record<Content>),
}

/// Why a server cannot go on from what it finds on its disk: what it once promised is lost, and with one server of overlap
/// between majorities a single one that forgets its promises loses data.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Unfit {
    /// Its identity is not there.
    Wiped,
    /// A record cannot be read any more.
    Rotten,
}

/// What the registers promised and accepted, oldest first, from the records on disk.
///
/// A torn record is the write that the crash cut short: nothing that left this node rests on it.
///
/// # Errors
/// If the disk was wiped, or a record is rotten.
pub fn recover(
    disk: &[Result<Record, Damage>],
) -> Result<Vec<(Key, &register::Record<Content>)>, Unfit> {
    if !matches!(
        disk.first(),
        Some(Ok(Record::Identity(_)) | Err(Damage::Rotten))
    ) {
        return Err(Unfit::Wiped);
    }
    let mut found = Vec::new();
    for record in disk {
        match record {
            Ok(Record::Identity(_)) => {}
            Ok(Record::Register(key, record)) => found.push((*key, record)),
            Err(Damage::Torn) => break,
            Err(Damage::Rotten) => return Err(Unfit::Rotten),
        }
    }
    Ok(found)
}

/// How many are more than half of so many.
pub fn majority(members: usize) -> usize {
    members / 2 + 1
}

impl Size for Record {
    fn size(&self) -> usize {
        match self {
            Record::Identity(_) => 8,
            Record::Register(_, record) => 4 + record.size(),
        }
    }
}

impl Size for Content {
    fn size(&self) -> usize {
        self.0.map_or(1, |value| 1 + value.bytes as usize)
    }
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(value) => write!(f, "{value}"),
            None => f.write_str("nothing"),
        }
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Record::Identity(me) => write!(f, "identity of {me}"),
            Record::Register(key, record) => write!(f, "{key} {record}"),
        }
    }
}
