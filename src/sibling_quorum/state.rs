//! What survives a crash: of each group, what was promised, and the log.

use std::collections::BTreeMap;
use std::fmt;

use super::charter::{Charter, CopyId};
use super::log::{Entries, Epoch, Log, Position, Seq};
use super::message::GroupId;
use super::note::Note;
use super::resource::{Copies, Machine};
use crate::NodeId;
use crate::process::{Damage, Size};
use crate::register;

/// What survives a crash of one group, once flushed.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Durable {
    /// The newest epoch that it has promised to obey: it takes nothing from a main of an older one. Invariant: never
    /// decreases.
    pub promised: Epoch,
    /// The newest epoch that it was itself the main of. It is so in one life only: whoever starts again may have
    /// forgotten what it had sent.
    pub reigned: Epoch,
    /// Which copy of the group's resources it has, if any. It speaks for what was accepted only if that is the one with
    /// which it is recorded.
    pub copy: Option<CopyId>,
    /// Its log.
    pub log: Log,
}

/// One durable write.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Record {
    /// Whose disk this is: it was formatted with it, and is never without it unless it was wiped.
    Identity(NodeId),
    /// What was promised for a group.
    Promise {
        /// Which group.
        group: GroupId,
        /// The newest epoch it obeys.
        promised: Epoch,
        /// The newest epoch it was the main of.
        reigned: Epoch,
        /// Which copy it has.
        copy: Option<CopyId>,
    },
    /// The resources of a group as of a place of its log, which begins anew behind that.
    Base {
        /// Which group.
        group: GroupId,
        /// As of where.
        at: Position,
        /// All of them.
        copies: Copies,
    },
    /// Entries from `first` on: the first of them is new to the log, and what the log had at and behind it is gone.
    Entries {
        /// Which group.
        group: GroupId,
        /// Where the first of them stands.
        first: Seq,
        /// The entries.
        entries: Entries,
    },
    /// A location controller's part of the register that holds a group's charter.
    Register(GroupId, register::Record<Charter>),
}

/// Why a process cannot go on from what it finds on its disk.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Unfit {
    /// Its identity is not there.
    Wiped,
    /// A record cannot be read any more, or is missing.
    Rotten,
}

impl Unfit {
    /// In the protocol's words.
    pub fn note(self) -> Note {
        match self {
            Unfit::Wiped => Note::FindsItselfWiped,
            Unfit::Rotten => Note::FindsRot,
        }
    }
}

/// What a managing node finds of one group.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Recovered {
    /// What survived.
    pub durable: Durable,
    /// The resources as of the base of the log.
    pub machine: Machine,
}

/// Looks whether a disk is what it was formatted to be.
///
/// # Errors
/// If it was wiped, or a record is rotten.
pub fn inspect(disk: &[Result<Record, Damage>]) -> Result<(), Unfit> {
    if disk.contains(&Err(Damage::Rotten)) {
        return Err(Unfit::Rotten);
    }
    match disk.first() {
        Some(Ok(Record::Identity(_))) => Ok(()),
        _ => Err(Unfit::Wiped),
    }
}

/// Rebuilds what was durable of each group from the records on disk. A torn record is the write that the crash cut short:
/// nothing that left this node rests on it.
///
/// # Errors
/// If entries are missing between two that are there.
pub fn recover(disk: &[Result<Record, Damage>]) -> Result<BTreeMap<GroupId, Recovered>, Unfit> {
    let mut groups: BTreeMap<GroupId, Recovered> = BTreeMap::new();
    for record in disk.iter().flatten() {
        match record {
            Record::Identity(_) | Record::Register(..) => {}
            Record::Promise {
                group,
                promised,
                reigned,
                copy,
            } => {
                let durable = &mut groups.entry(*group).or_default().durable;
                (durable.promised, durable.reigned) = (*promised, *reigned);
                durable.copy = *copy;
            }
            Record::Base { group, at, copies } => {
                let found = groups.entry(*group).or_default();
                found.durable.log = Log::behind(*at);
                found.machine = Machine::of(copies);
            }
            Record::Entries {
                group,
                first,
                entries,
            } => {
                let log = &mut groups.entry(*group).or_default().durable.log;
                // A hole: a flush had failed, and somebody went on.
                if *first > log.last().seq.next() || *first <= log.base().seq {
                    return Err(Unfit::Rotten);
                }
                log.cut(first.before());
                log.append(first.before(), entries);
            }
        }
    }
    Ok(groups)
}

impl Size for Record {
    fn size(&self) -> usize {
        match self {
            Record::Identity(_) => 8,
            Record::Promise { .. } => 36,
            Record::Base { copies, .. } => 20 + weight(copies),
            Record::Entries { entries, .. } => 12 + entries.size(),
            Record::Register(_, record) => 4 + record.size(),
        }
    }
}

/// What copies of resources weigh, in bytes.
pub(super) fn weight(copies: &Copies) -> usize {
    copies.iter().map(|(_, resource)| 4 + resource.size()).sum()
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Record::Identity(node) => write!(f, "the disk of {node}"),
            Record::Promise {
                group,
                promised,
                reigned,
                ..
            } => write!(f, "{group} promised {promised}, reigned {reigned}"),
            Record::Base { group, at, copies } => {
                write!(f, "{group} {} resources as of {at}", copies.len())
            }
            Record::Entries {
                group,
                first,
                entries,
            } => write!(f, "{group} {first}: {entries}"),
            Record::Register(group, record) => write!(f, "{group} {record}"),
        }
    }
}
