//! What servers of the fifth generation say to each other, and their alarms.

use std::fmt;
use std::sync::Arc;

use super::super::digest::Sum;
use super::super::message::CallId;
use super::super::names::{Epoch, ProcessId, RegisterId, Stamp, Version};
use crate::kv::{Key, Value};
use crate::{NodeId, StreamId};

/// What is said.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Word {
    /// Session to data, over a connection: these of my clients' connections I have.
    Connections(ProcessId, Arc<[StreamId]>),
    /// Session to the first owner: a client is registered.
    Publish(CallId, ProcessId, Publisher),
    /// Session to the first owner: it is registered no more.
    Unpublish(CallId, ProcessId, Unpublish),
    /// Session to all data servers: a client is gone.
    ClientOff {
        /// Which call.
        call: CallId,
        /// Over which connection it was there.
        connection: StreamId,
        /// When this was said, by the session server's clock, in nanoseconds: again at each try (W5.2).
        time: u64,
    },
    /// Session to each owner: this is what I have of a connection that is yours, summed up.
    Renew {
        /// Which call.
        call: CallId,
        /// Who says so.
        process: ProcessId,
        /// Which connection.
        connection: StreamId,
        /// The sum.
        sum: Sum,
    },
    /// Session to an owner with which it does not agree: this is what I have of it.
    Snapshot {
        /// Which call.
        call: CallId,
        /// Who says so.
        process: ProcessId,
        /// Which connection.
        connection: StreamId,
        /// All of it that is yours.
        publishers: Arc<[Publisher]>,
    },
    /// The answer to all these.
    Answer(CallId, Answer),

    /// First owner to the others: these services are of these versions now.
    Newer(CallId, Arc<[(Key, Version)]>),
    /// Owner to another: what has changed in a service since this version?
    Pull(CallId, Key, Version),
    /// The answer: up to which version, and what.
    Pulled(CallId, Version, Copy),
    /// Data to data: there is another list. These services of mine are yours by it, and were not.
    Report {
        /// Which call.
        call: CallId,
        /// Which list.
        list: Epoch,
        /// Whether I work already, or fetch what is mine myself.
        working: bool,
        /// The services.
        services: Arc<[(Key, Version)]>,
    },
    /// The answer: I have fetched them.
    Reported(CallId),
}

/// A registration on its way, and at a data server.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Publisher {
    /// Which.
    pub id: RegisterId,
    /// What is registered.
    pub value: Value,
    /// In which state: the client's count, and when its session server took it in.
    pub stamp: Stamp,
    /// Over which of the client's connections (the real one's `connectId`).
    pub connection: StreamId,
}

/// The end of a registration. It says nothing of the client's count.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Unpublish {
    /// Which.
    pub id: RegisterId,
    /// When, by the clock of who says so, in nanoseconds.
    pub time: u64,
    /// Over which of the client's connections.
    pub connection: StreamId,
}

/// What a data server says to a session server.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Answer {
    /// It has taken it in, and will apply it; or it has the same.
    Done,
    /// It has something else.
    Differs,
    /// It does not work yet.
    NotWorking,
}

/// What an owner has of a service that another has not.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Copy {
    /// What changed, in order.
    Changes(Arc<[Operation]>),
    /// All of it.
    Whole(Arc<[Publisher]>),
}

/// One change of a service.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Operation {
    /// It is registered so.
    Put(Publisher),
    /// It is registered no more.
    Remove(RegisterId),
}

/// What can go off, beside what both generations have.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Alarm {
    /// A session server compares a connection with its owners.
    Renew(StreamId),
    /// A data server applies what it has acknowledged.
    Merge,
    /// It takes it that a client is gone.
    ClientOff(StreamId),
    /// It takes it that a session process is gone.
    Disconnect(ProcessId),
    /// It tells copies what has changed.
    Copies,
    /// It says again what another should fetch.
    Report(NodeId),
    /// It takes renewals from now on.
    Enable,
    /// It looks for what nobody has a lease on.
    Sweep,
    /// It drops what it does not own.
    Clean,
}

impl Word {
    /// What kinds there are, beside `client_off`, which the other generation has too.
    pub(in super::super) const KINDS: [&'static str; 11] = [
        "connections",
        "publish",
        "unpublish",
        "renew",
        "snapshot",
        "answer",
        "newer",
        "pull",
        "pulled",
        "report",
        "reported",
    ];

    /// Which of them it is; none if a client is gone.
    pub(in super::super) fn kind(&self) -> Option<usize> {
        Some(match self {
            Word::ClientOff { .. } => return None,
            Word::Connections(..) => 0,
            Word::Publish(..) => 1,
            Word::Unpublish(..) => 2,
            Word::Renew { .. } => 3,
            Word::Snapshot { .. } => 4,
            Word::Answer(..) => 5,
            Word::Newer(..) => 6,
            Word::Pull(..) => 7,
            Word::Pulled(..) => 8,
            Word::Report { .. } => 9,
            Word::Reported(_) => 10,
        })
    }

    /// How many bytes it takes: an id 16, a stamp 16, a connection 12, a process 8, a version 16.
    pub(in super::super) fn size(&self) -> usize {
        match self {
            Word::Connections(_, all) => 8 + 12 * all.len(),
            Word::Publish(_, _, publisher) => 16 + publisher.size(),
            Word::Unpublish(..) => 16 + 36,
            Word::ClientOff { .. } => 28,
            Word::Renew { .. } => 44,
            Word::Snapshot { publishers, .. } => 28 + sizes(publishers),
            Word::Answer(..) => 9,
            Word::Newer(_, all) => 8 + 20 * all.len(),
            Word::Pull(..) => 28,
            Word::Pulled(_, _, Copy::Whole(all)) => 25 + sizes(all),
            Word::Pulled(_, _, Copy::Changes(all)) => {
                let of = |operation: &Operation| match operation {
                    Operation::Put(publisher) => publisher.size(),
                    Operation::Remove(_) => 16,
                };
                25 + all.iter().map(of).sum::<usize>()
            }
            Word::Report { services, .. } => 17 + 20 * services.len(),
            Word::Reported(_) => 8,
        }
    }
}

impl Publisher {
    fn size(&self) -> usize {
        44 + self.value.bytes as usize
    }
}

fn sizes(publishers: &[Publisher]) -> usize {
    publishers.iter().map(Publisher::size).sum()
}

impl fmt::Display for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={} {}", self.id, self.value, self.stamp)
    }
}

impl fmt::Display for Unpublish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = crate::Time::from_nanos(self.time);
        write!(f, "{} at {time}", self.id)
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Answer::Done => "done",
            Answer::Differs => "differs",
            Answer::NotWorking => "does not work yet",
        })
    }
}

impl fmt::Display for Copy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Copy::Changes(all) => write!(f, "{} changes", all.len()),
            Copy::Whole(all) => write!(f, "all {}", all.len()),
        }
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Word::Connections(process, all) => {
                write!(f, "{} connections of {process}", all.len())
            }
            Word::Publish(call, _, publisher) => write!(f, "publish {call} {publisher}"),
            Word::Unpublish(call, _, unpublish) => write!(f, "unpublish {call} {unpublish}"),
            Word::ClientOff {
                call,
                connection,
                time,
            } => {
                let time = crate::Time::from_nanos(*time);
                write!(f, "client_off {call} {connection} at {time}")
            }
            Word::Renew {
                call, connection, ..
            } => write!(f, "renew {call} {connection}"),
            Word::Snapshot {
                call,
                connection,
                publishers,
                ..
            } => {
                let number = publishers.len();
                write!(f, "snapshot {call} {connection}, {number} registrations")
            }
            Word::Answer(call, answer) => write!(f, "answer {call} {answer}"),
            Word::Newer(call, all) => write!(f, "newer {call}, {} services", all.len()),
            Word::Pull(call, service, version) => {
                write!(f, "pull {call} {service} since {version}")
            }
            Word::Pulled(call, version, copy) => write!(f, "pulled {call} {version}: {copy}"),
            Word::Report {
                call,
                list,
                working,
                services,
            } => {
                let (how, number) = (if *working { "works" } else { "starts" }, services.len());
                write!(f, "report {call} list {list}, {how}, {number} services")
            }
            Word::Reported(call) => write!(f, "reported {call}"),
        }
    }
}
