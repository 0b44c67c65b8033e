//! A registry of a million publishers, at a data server and at its sessions, without a world.

pub(crate) mod compared;
pub(crate) mod published;

use netsplit::kv::Key;
use netsplit::session_data::names::{DATA, ProcessId, RegisterId, SESSION, SlotId};
use netsplit::{Life, NodeId};

/// How many slots there are.
pub(crate) const SLOTS: u32 = 256;
/// How many services: a hundred a slot.
pub(crate) const SERVICES: u32 = 100 * SLOTS;
/// How many session servers.
pub(crate) const SESSIONS: u32 = 10;

/// The one data server.
pub(crate) const DATA_SERVER: NodeId = NodeId::new(DATA, 1);

/// A session server, as the one process that it ever was.
pub(crate) fn session(number: u32) -> ProcessId {
    ProcessId {
        node: NodeId::new(SESSION, number + 1),
        life: Life(0),
    }
}

/// A client's registration. The next client has the next service, and after the last the first again.
pub(crate) fn register(client: u32) -> RegisterId {
    RegisterId {
        service: Key(client % SERVICES),
        client: NodeId::client(client + 1),
        life: Life(0),
    }
}

/// At which session server it is: clients of a service are at all of them.
pub(crate) fn owner(client: u32) -> u32 {
    client / SERVICES % SESSIONS
}

/// The slot of a registration.
pub(crate) fn slot(id: RegisterId) -> SlotId {
    SlotId::of(id.service, SLOTS)
}
