//! What the meta servers agree upon, and what they write down: who of them leads.

use std::fmt;

use super::SessionData;
use super::message::{Message, Timer};
use super::names::ProcessId;
use crate::NodeId;
use crate::process::{Damage, Size};
use crate::register::{self, Words};

/// The lock that makes a meta server the leader: the real one is a row in a database.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Lock {
    /// Who holds it.
    pub holder: Option<ProcessId>,
    /// How often it changed hands: the leader's term.
    pub term: u32,
    /// How often it was renewed since.
    pub renewals: u32,
}

/// One durable write. Session and data servers write nothing.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Record {
    /// Whose disk this is: it was formatted with it, and is never without it unless it was wiped.
    Identity(NodeId),
    /// What the lock's register promised or accepted.
    Lock(register::Record<Lock>),
}

/// Why a meta server cannot go on from what it finds on its disk: it may forget what it promised.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Unfit {
    /// Its identity is not there.
    Wiped,
    /// A record cannot be read any more.
    Rotten,
}

/// What the register promised and accepted, oldest first. A torn record is the write that the crash cut short: nothing that
/// left this node rests on it.
///
/// # Errors
/// If the disk was wiped, or a record is rotten.
pub fn recover(disk: &[Result<Record, Damage>]) -> Result<Vec<&register::Record<Lock>>, Unfit> {
    match disk.first() {
        Some(Ok(Record::Identity(_)) | Err(Damage::Rotten)) => {}
        _ => return Err(Unfit::Wiped),
    }
    let mut found = Vec::new();
    for record in disk {
        match record {
            Ok(Record::Identity(_)) => {}
            Ok(Record::Lock(record)) => found.push(record),
            Err(Damage::Torn) => break,
            Err(Damage::Rotten) => return Err(Unfit::Rotten),
        }
    }
    Ok(found)
}

/// How the lock's register speaks in this mode.
pub struct Speech;

impl Words<Lock> for Speech {
    type Protocol = SessionData;

    fn message(&self, message: register::Message<Lock>) -> Message {
        Message::Lock(message)
    }

    fn record(&self, record: register::Record<Lock>) -> Record {
        Record::Lock(record)
    }

    fn alarm(&self) -> Timer {
        Timer::Register
    }
}

impl Size for Lock {
    fn size(&self) -> usize {
        17
    }
}

impl Size for Record {
    fn size(&self) -> usize {
        match self {
            Record::Identity(_) => 8,
            Record::Lock(record) => record.size(),
        }
    }
}

impl fmt::Display for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.holder {
            Some(holder) => write!(f, "{holder}, term {}/{}", self.term, self.renewals),
            None => f.write_str("nobody"),
        }
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Record::Identity(me) => write!(f, "identity of {me}"),
            Record::Lock(record) => write!(f, "{record}"),
        }
    }
}
