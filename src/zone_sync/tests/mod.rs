//! One zone on an empty stage, and frames as bytes.
//!
//! In reading order: [`zones`], what a zone does with one record; [`frames`], bytes good and bad; [`laws`], where
//! something clever must equal something dumb, and where nodes must agree.

use super::*;
use crate::NodeId;
use crate::kv::{Key, Value};

mod frames;
mod laws;
mod zones;

const LIFE: u64 = 100;

fn n(number: u32) -> NodeId {
    NodeId::server(number)
}

/// As the real system does it, with room for three.
fn faithful() -> Rules {
    Rules {
        capacity: 3,
        tie_break: false,
        relay: false,
        tombstones: None,
    }
}

fn at(time: u64, writer: u32) -> Stamp {
    Stamp {
        time,
        writer: n(writer),
    }
}

fn v(name: u64) -> Value {
    Value { name, bytes: 24 }
}

/// A value that lives for [`LIFE`].
fn value(key: u32, name: u64, stamp: Stamp) -> Record {
    Record {
        key: Key(key),
        stamp,
        content: Content::Value(v(name)),
        life: LIFE,
    }
}

fn tombstone(key: u32, stamp: Stamp) -> Record {
    Record {
        content: Content::Tombstone,
        ..value(key, 0, stamp)
    }
}

/// All records, a line each.
fn shown<'a>(records: impl IntoIterator<Item = &'a Record>) -> Vec<String> {
    records.into_iter().map(Record::to_string).collect()
}

/// What a peer is to be told behind a version: `version: record`.
fn told(zone: &Zone, cursor: u64, peer: NodeId) -> Vec<String> {
    let changes = zone.changes_since(cursor, peer);
    changes
        .map(|(version, record)| format!("{version}: {record}"))
        .collect()
}
