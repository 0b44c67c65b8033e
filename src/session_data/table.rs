//! Who is there, and which slot is whose: what the meta servers tell everybody.

use std::collections::BTreeMap;
use std::fmt;

use super::names::{Epoch, ProcessId, SlotId};
use crate::process::Size;
use crate::{Life, NodeId};

/// Which data servers hold each slot, as a meta leader has set it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Table {
    /// Which table; a later one is in force.
    pub epoch: Epoch,
    /// By slot. Empty before the first meta leader has dealt them out.
    pub slots: Vec<Slot>,
}

/// Who holds a slot.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Slot {
    /// Who serves it.
    pub leader: Option<NodeId>,
    /// Under which number: another leader has a later one.
    pub leadership: Epoch,
    /// Who keeps copies.
    pub followers: Vec<NodeId>,
}

/// The servers whose heartbeats the meta leader hears.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Roster {
    /// Which list; a later one is in force.
    pub epoch: Epoch,
    /// Session servers, each in the life that was heard last.
    pub sessions: BTreeMap<NodeId, Life>,
    /// Data servers.
    pub data: BTreeMap<NodeId, Life>,
}

impl Table {
    /// A slot, if slots are dealt out.
    pub fn slot(&self, slot: SlotId) -> Option<&Slot> {
        self.slots.get(slot.0 as usize)
    }

    /// Every slot with its name.
    pub fn iter(&self) -> impl Iterator<Item = (SlotId, &Slot)> {
        (0..).map(SlotId).zip(&self.slots)
    }

    /// The slots that a data server leads.
    pub fn led_by(&self, node: NodeId) -> impl Iterator<Item = SlotId> {
        let led = self
            .iter()
            .filter(move |(_, slot)| slot.leader == Some(node));
        led.map(|(slot, _)| slot)
    }
}

impl Roster {
    /// The session processes on the list.
    pub fn processes(&self) -> impl Iterator<Item = ProcessId> {
        let of = |(node, life): (&NodeId, &Life)| ProcessId {
            node: *node,
            life: *life,
        };
        self.sessions.iter().map(of)
    }

    /// Whether a session process is on it.
    pub fn lists(&self, process: ProcessId) -> bool {
        self.sessions.get(&process.node) == Some(&process.life)
    }
}

/// An epoch 8, and 8 for each slot's leadership, 4 for each of its servers.
impl Size for Table {
    fn size(&self) -> usize {
        let of = |slot: &Slot| 12 + 4 * slot.followers.len();
        8 + self.slots.iter().map(of).sum::<usize>()
    }
}

impl Size for Roster {
    fn size(&self) -> usize {
        8 + 8 * (self.sessions.len() + self.data.len())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let led = self.slots.iter().filter(|slot| slot.leader.is_some());
        write!(f, "table {}, {} slots led", self.epoch, led.count())
    }
}

impl fmt::Display for Roster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sessions, data) = (self.sessions.len(), self.data.len());
        write!(f, "list {}, {sessions} sessions, {data} data", self.epoch)
    }
}
