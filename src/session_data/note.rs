//! What is noted: what a participant did, in the protocol's words.

use std::fmt;

use super::names::{Epoch, ProcessId, RegisterId, SlotId};
use super::request::Request;
use crate::kv::Key;
use crate::process::{DiskError, Kinds};
use crate::{NodeId, StreamId};

/// What a participant did.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Note {
    /// Whoever dialled is connected.
    Connects(NodeId),
    /// A connection is given up, or was broken off.
    Loses(NodeId),
    /// A session forgets a client that is gone, with so many registrations.
    ClientOff(StreamId, usize),
    /// A session did not take a registration in: it knows a newer one.
    Conflict(RegisterId),
    /// A session has no room for a change.
    Full(Key),
    /// A session gives up telling a data server so many changes.
    Drops(SlotId, usize),
    /// A session's batch was refused, or not answered.
    Fails(SlotId),
    /// A client was not told of a service in time.
    PushFails(Key),
    /// A session found that a client holds others than it does.
    ClientDiffers(StreamId),
    /// A data server leads a slot.
    Leads(SlotId, Epoch),
    /// It has compared with every session server, and serves it.
    Serves(SlotId, Epoch),
    /// It serves it though one session server did not answer.
    Forces(SlotId, Epoch),
    /// It holds a slot no more.
    Leaves(SlotId),
    /// It found so many registrations to differ, and mended that.
    Repairs(ProcessId, usize),
    /// It takes a session process for dead, and forgets so many registrations.
    Cleans(ProcessId, usize),
    /// It could not tell a session server what changed.
    NoticeFails(NodeId),
    /// Its clock went back: no version is given.
    NoVersion(Key),
    /// A meta server leads, for a term.
    Reigns(u32),
    /// It leads no more.
    Yields(u32),
    /// It dealt the slots out.
    Arranges(Epoch),
    /// It has not heard a server for too long.
    Evicts(NodeId),
    /// A client stopped waiting; what it wants it goes on wanting.
    GivesUp(Request),
    /// It found the last write torn when it started.
    FindsTornTail,
    /// It found a rotten record when it started.
    FindsRot,
    /// It found its disk wiped when it started.
    FindsItselfWiped,
    /// Its disk could not do what it was asked.
    DiskFailed(DiskError),
    /// A session of the fifth generation gives up telling this data server something.
    DropsWrite(NodeId),
    /// It found that this data server holds something else of a connection.
    RenewalDiffers(StreamId, NodeId),
    /// A data server of the fifth generation has heard of all others, and takes writes.
    Works(Epoch),
    /// It evicts a connection that nobody renews, or has a lease on.
    EvictsConnection(StreamId),
    /// It takes a session process for gone.
    Disconnects(ProcessId),
    /// It drops a service that it does not own.
    DropsService(Key),
}

impl Kinds for Note {
    const KINDS: &'static [&'static str] = &[
        "connects",
        "loses its connection",
        "client off",
        "conflict",
        "full",
        "drops",
        "fails",
        "push fails",
        "client differs",
        "leads",
        "serves",
        "forces",
        "leaves",
        "repairs",
        "cleans",
        "notice fails",
        "no version",
        "reigns",
        "yields",
        "arranges",
        "evicts",
        "gives up",
        "finds a torn tail",
        "finds rot",
        "finds itself wiped",
        "disk failed",
        "drops a write",
        "renewal differs",
        "works",
        "evicts a connection",
        "disconnects",
        "drops a service",
    ];

    fn kind(&self) -> usize {
        match self {
            Note::Connects(_) => 0,
            Note::Loses(_) => 1,
            Note::ClientOff(..) => 2,
            Note::Conflict(_) => 3,
            Note::Full(_) => 4,
            Note::Drops(..) => 5,
            Note::Fails(_) => 6,
            Note::PushFails(_) => 7,
            Note::ClientDiffers(_) => 8,
            Note::Leads(..) => 9,
            Note::Serves(..) => 10,
            Note::Forces(..) => 11,
            Note::Leaves(_) => 12,
            Note::Repairs(..) => 13,
            Note::Cleans(..) => 14,
            Note::NoticeFails(_) => 15,
            Note::NoVersion(_) => 16,
            Note::Reigns(_) => 17,
            Note::Yields(_) => 18,
            Note::Arranges(_) => 19,
            Note::Evicts(_) => 20,
            Note::GivesUp(_) => 21,
            Note::FindsTornTail => 22,
            Note::FindsRot => 23,
            Note::FindsItselfWiped => 24,
            Note::DiskFailed(_) => 25,
            Note::DropsWrite(_) => 26,
            Note::RenewalDiffers(..) => 27,
            Note::Works(_) => 28,
            Note::EvictsConnection(_) => 29,
            Note::Disconnects(_) => 30,
            Note::DropsService(_) => 31,
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Note::KINDS[self.kind()];
        match self {
            Note::Connects(node) => write!(f, "connects to {node}"),
            Note::Loses(node) => write!(f, "{name} to {node}"),
            Note::NoticeFails(node) | Note::Evicts(node) => write!(f, "{name} {node}"),
            Note::ClientOff(connection, number) => {
                write!(f, "{name} {connection}, {number} registrations")
            }
            Note::Conflict(id) => write!(f, "{name}, {id}"),
            Note::Full(service) | Note::PushFails(service) | Note::NoVersion(service) => {
                write!(f, "{name}, {service}")
            }
            Note::Drops(slot, number) => write!(f, "{name} {number} of {slot}"),
            Note::Fails(slot) | Note::Leaves(slot) => write!(f, "{name} {slot}"),
            Note::ClientDiffers(connection) => write!(f, "{name}, {connection}"),
            Note::Leads(slot, epoch) | Note::Serves(slot, epoch) | Note::Forces(slot, epoch) => {
                write!(f, "{name} {slot}, leadership {epoch}")
            }
            Note::Repairs(process, number) | Note::Cleans(process, number) => {
                write!(f, "{name} {number} of {process}")
            }
            Note::Reigns(term) | Note::Yields(term) => write!(f, "{name}, term {term}"),
            Note::Arranges(epoch) => write!(f, "{name}, table {epoch}"),
            Note::GivesUp(request) => write!(f, "{name} on {request}"),
            Note::FindsTornTail | Note::FindsRot | Note::FindsItselfWiped => f.write_str(name),
            Note::DiskFailed(error) => write!(f, "{name}: {error}"),
            Note::DropsWrite(node) => write!(f, "{name} to {node}"),
            Note::RenewalDiffers(connection, node) => write!(f, "{name}, {connection} at {node}"),
            Note::Works(list) => write!(f, "{name}, list {list}"),
            Note::EvictsConnection(connection) => write!(f, "{name}, {connection}"),
            Note::Disconnects(process) => write!(f, "{name} {process}"),
            Note::DropsService(service) => write!(f, "{name}, {service}"),
        }
    }
}
