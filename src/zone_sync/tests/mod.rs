//! One zone on an empty stage, one process, one step, and frames as bytes.
//!
//! In reading order: [`zones`], what a zone does with one record; [`frames`] and [`frame_laws`], bytes good and bad;
//! [`steps`], what a node or a client does with one input; [`laws`], where something clever must equal something dumb,
//! and where nodes must agree; [`limit_laws`], how much a mesh admits; [`walk_laws`], how two nodes catch up.

use super::*;
use crate::NodeId;
use crate::kv::{Key, Value};

mod frame_laws;
mod frames;
mod laws;
mod limit_laws;
mod steps;
mod walk_laws;
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

/// What anybody told but this peer.
fn not_from(peer: NodeId) -> impl Fn(&Record, Origin) -> bool {
    move |_, origin| origin.from() != Some(peer)
}

fn usage(key: u32, total: u64, excess: u64, stamp: Stamp) -> Record {
    Record {
        content: Content::Usage(Usage { total, excess }),
        ..value(key, 0, stamp)
    }
}

/// What a peer is to be told behind a version: `version: record`.
fn told(zone: &Zone, cursor: u64, peer: NodeId) -> Vec<String> {
    let changes = zone.changes_since(cursor, not_from(peer));
    changes
        .map(|(version, record)| format!("{version}: {record}"))
        .collect()
}
