//! One server of the sixth generation, one step, its outbox.

mod data;
mod meta;
mod session;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::SessionData;
use super::message::{Address, CallId, Message};
use super::names::{Epoch, ProcessId, RegisterId, SlotId, Stamp};
use super::options::{self, Options};
use super::server::Server;
use super::store::Registration;
use super::table::{Roster, Slot, Table};
use crate::kv::{Key, Value};
use crate::process::Config;
use crate::solo::{Deeds, Solo};
use crate::{Life, NodeId, Opener, StreamId};

const SERVICE: Key = Key(1);
const OTHER: Key = Key(2);
const SLOT: SlotId = SlotId(0);
const C1: NodeId = NodeId::client(1);
const C2: NodeId = NodeId::client(2);
const S1: NodeId = NodeId::new('s', 1);
const S2: NodeId = NodeId::new('s', 2);
const D1: NodeId = NodeId::new('d', 1);
const D2: NodeId = NodeId::new('d', 2);
const M1: NodeId = NodeId::new('m', 1);

/// The first leadership of the only slot.
const FIRST: Epoch = Epoch { term: 1, count: 1 };

fn process(node: NodeId, life: u32) -> ProcessId {
    ProcessId {
        node,
        life: Life(life),
    }
}

fn value(name: u64) -> Value {
    Value { name, bytes: 8 }
}

fn id(service: Key, client: NodeId) -> RegisterId {
    RegisterId {
        service,
        client,
        life: Life(0),
    }
}

fn stamp(version: u64, connection: u32, time: u64) -> Stamp {
    Stamp {
        version,
        connection,
        time,
    }
}

/// What the first client has registered, in that version, by way of the first session server.
fn registration(version: u64) -> Registration {
    Registration {
        id: id(SERVICE, C1),
        content: Some(value(version)),
        stamp: stamp(version, 1, 5),
        owner: process(S1, 0),
    }
}

/// Who the only slot's leader is thought to be.
fn address(leadership: Epoch) -> Address {
    Address {
        table: Epoch { term: 1, count: 9 },
        slot: SLOT,
        leadership,
    }
}

/// A server of a system with one slot.
fn boot(me: NodeId, change: impl FnOnce(&mut Options)) -> Solo<Server> {
    let mut options = Options {
        slots: 1,
        data: options::Data {
            asked: 2,
            answered: 2,
            ..options::Data::default()
        },
        session: options::Session {
            writes: 3,
            batch: 2,
            ..options::Session::default()
        },
        ..Options::default()
    };
    change(&mut options);
    let config: Config<SessionData> = Config {
        servers: vec![S1, S2, D1, D2, M1],
        options,
    };
    Solo::<Server>::boot_among(config, me, &[]).0
}

/// The meta leader says that this one leads the slot and the other follows, and that these session processes are there.
fn beaten(count: u32, leader: NodeId, sessions: &[ProcessId]) -> Message {
    let leadership = Epoch { term: 1, count };
    let follower = if leader == D1 { D2 } else { D1 };
    let slot = Slot {
        leader: Some(leader),
        leadership,
        followers: vec![follower],
    };
    let table = Table {
        epoch: leadership,
        slots: vec![slot],
    };
    let of = |all: &[ProcessId]| -> BTreeMap<NodeId, Life> {
        all.iter().map(|one| (one.node, one.life)).collect()
    };
    let roster = Roster {
        epoch: leadership,
        sessions: of(sessions),
        data: of(&[process(D1, 0), process(D2, 0)]),
    };
    Message::Beaten {
        term: 1,
        table: Some(Arc::new(table)),
        roster: Some(Arc::new(roster)),
    }
}

/// The messages that go to somebody.
fn to(deeds: &Deeds<SessionData>, node: NodeId) -> Vec<Message> {
    let messages = deeds.messages().filter(|(to, _)| *to == node);
    messages.map(|(_, message)| message.clone()).collect()
}

/// The first connection from one to the other.
fn stream(from: NodeId, to: NodeId) -> StreamId {
    Opener::new(from).open(to)
}

/// The call that a question goes by.
fn call(message: &Message) -> CallId {
    match message {
        Message::Batch { call, .. }
        | Message::Digests { call, .. }
        | Message::Summaries { call, .. }
        | Message::Compare { call, .. }
        | Message::Scan { call, .. }
        | Message::Level { call, .. }
        | Message::Push { call, .. }
        | Message::Fetch { call, .. } => *call,
        other => panic!("{other} is no question"),
    }
}
