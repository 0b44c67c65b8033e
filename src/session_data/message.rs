//! What travels, and the alarms.
//!
//! A connection is a stream that carries nothing but signs of life; a call is two datagrams, the second of which says which
//! it answers. Real ones are both over TCP, several connections to each server and many threads at either end, so that calls
//! overtake each other; here each datagram may be lost or overtaken by itself, which is the harder case.

use std::sync::Arc;

use super::digest::Sum;
use super::lock::Lock;
use super::names::{Epoch, ProcessId, RegisterId, SlotId, Stamp, Version};
use super::ring::word::{Alarm, Word};
use super::store::Registration;
use super::table::{Roster, Table};
use crate::kv::{Key, Value};
use crate::process::Kinds;
use crate::register;
use crate::{Life, NodeId, StreamId};

/// A call, by the one who asks: no two of a server's lives use the same.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct CallId(pub u64);

/// What travels.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Message {
    /// Over a connection, by who dialled it: this is who I am.
    Hello(ProcessId),
    /// Over a connection, by who dialled it: are you there? A client adds up what it is registered for.
    Ping(Option<Sum>),
    /// Over a connection: I am.
    Pong,

    /// Client to session: this is what I want.
    Register {
        /// Over which connection.
        connection: StreamId,
        /// In which of the client's lives.
        life: Life,
        /// What, each with the client's count for the service.
        wishes: Arc<[Wish]>,
    },
    /// Session to client: so it is.
    Registered {
        /// Over which connection.
        connection: StreamId,
        /// What is granted.
        wishes: Arc<[Wish]>,
    },
    /// Session to client: I do not know this connection, or what you are registered for is not what I have.
    Repeat {
        /// Which connection.
        connection: StreamId,
        /// What the session has of it, if it knows it.
        held: Option<Arc<[(Key, u64)]>>,
    },
    /// Session to client: this is what a service consists of.
    Push {
        /// Over which connection.
        connection: StreamId,
        /// Which call.
        call: CallId,
        /// All of the service.
        datum: Arc<Datum>,
    },
    /// The answer.
    Pushed(CallId),

    /// Session to data: changes of a slot, in order.
    Batch {
        /// Which call.
        call: CallId,
        /// Who says so.
        process: ProcessId,
        /// Who is thought to lead which slot.
        of: Address,
        /// What changed.
        items: Arc<[Item]>,
    },
    /// The answer.
    Done(CallId, Access),
    /// Session to data: what does this service consist of?
    Fetch {
        /// Which call.
        call: CallId,
        /// Who is thought to lead which slot.
        of: Address,
        /// Which service.
        service: Key,
    },
    /// The answer.
    Fetched(CallId, Result<Arc<Datum>, Access>),
    /// Session to data: these are the versions that I know.
    Scan {
        /// Which call.
        call: CallId,
        /// Who is thought to lead which slot.
        of: Address,
        /// The versions.
        known: Arc<[(Key, Version)]>,
    },
    /// The answer: those that are others.
    Scanned(CallId, Result<Others, Access>),
    /// Session to data: I know all services of these slots that my clients want to know of up to these levels, summed up.
    /// Is there anything newer?
    Level {
        /// Which call.
        call: CallId,
        /// Of these slots.
        slots: Arc<[SlotId]>,
        /// The levels, summed up.
        sum: Sum,
    },
    /// The answer: nothing, or the level of each.
    Leveled(CallId, Arc<[(SlotId, Version)]>),
    /// Data to session: these services have changed.
    Changed(CallId, Arc<[(Key, Version)]>),
    /// The answer.
    Noted(CallId),

    /// Data to session: do we hold the same, all slots together?
    Compare {
        /// Which call.
        call: CallId,
        /// Of these slots.
        slots: Arc<[SlotId]>,
        /// What I hold of them, summed up.
        sum: Sum,
    },
    /// The answer.
    Compared {
        /// Which call.
        call: CallId,
        /// Of which process.
        process: ProcessId,
        /// The last call that it made: what it said before is older than this answer.
        last: CallId,
        /// Nothing, or what I hold of each.
        sums: Arc<[(SlotId, Sum)]>,
    },
    /// Data to session, or follower to leader: do we hold the same of this slot?
    Digests {
        /// Which call.
        call: CallId,
        /// Which slot.
        slot: SlotId,
        /// Under which leadership.
        leadership: Epoch,
        /// Whether I want to know as well what is registered no more.
        anew: bool,
        /// What I hold of each service, summed up.
        shares: Arc<[(Key, Sum)]>,
    },
    /// The answer.
    Differing {
        /// Which call.
        call: CallId,
        /// Of which process.
        process: ProcessId,
        /// The last call that it made: what it said before is older than this answer.
        last: CallId,
        /// The services of which we hold something else.
        services: Arc<[Key]>,
        /// What is registered with me no more, as far as I remember.
        gone: Arc<[(RegisterId, Stamp)]>,
    },
    /// Data to session, or follower to leader: this is what I know.
    Summaries {
        /// Which call.
        call: CallId,
        /// Which slot.
        slot: SlotId,
        /// Of these services, in order.
        services: Arc<[Key]>,
        /// From behind this registration.
        after: Option<RegisterId>,
        /// Up to this one.
        upto: Option<RegisterId>,
        /// All that I hold there, in order.
        known: Arc<[(RegisterId, Stamp)]>,
    },
    /// The answer.
    Publishers {
        /// Which call.
        call: CallId,
        /// Of which process.
        process: ProcessId,
        /// What I have, and you have not, or not so.
        updated: Arc<[Registration]>,
        /// What you have, and I have not.
        removed: Arc<[(RegisterId, Stamp)]>,
        /// Up to where this goes, if there is more.
        more: Option<RegisterId>,
    },
    /// Data to follower: I do not lead this slot. Session to data: another leads it by now.
    NotMine(CallId),
    /// Data to session: of these registrations I know newer ones.
    Outdated {
        /// Whose they are.
        process: ProcessId,
        /// Which, in which state.
        items: Arc<[(RegisterId, Stamp)]>,
    },

    /// Session or data to meta: I am here.
    Beat(Beat),
    /// The leader's answer.
    Beaten {
        /// Its term.
        term: u32,
        /// The slot table, if it is newer than the one known.
        table: Option<Arc<Table>>,
        /// The list of servers, if it is newer than the one known.
        roster: Option<Arc<Roster>>,
    },
    /// Another's answer: this one leads, as far as I know.
    Leader(Option<NodeId>),
    /// Meta to everybody: there is something new.
    News(Epoch),
    /// Among the meta servers.
    Lock(register::Message<Lock>),
    /// Among session and data servers of the fifth generation.
    Ring(Word),
}

/// What a client wants.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Wish {
    /// To be registered, under the client's count for the service.
    Publish(Key, u64, Value),
    /// To be registered no more.
    Withdraw(Key, u64),
    /// To be told of a service, of which it was shown this version last.
    Subscribe(Key, Option<Version>),
}

/// One change on its way to a data server.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Item {
    /// A registration, or its end.
    Put(Registration),
    /// A client is gone: whatever it had registered over that connection, in these states.
    Off(Arc<[(RegisterId, Stamp)]>),
}

/// Who is asked about which slot, as who asks sees it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Address {
    /// By which slot table.
    pub table: Epoch,
    /// Which slot.
    pub slot: SlotId,
    /// Under which leadership.
    pub leadership: Epoch,
}

/// What a data server says to who asks about a slot.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Access {
    /// It leads it.
    Accept,
    /// It leads it, and has not compared with every session server yet: writes are taken, nothing is shown.
    Migrating,
    /// It does not lead it.
    Moved,
    /// It leads it under another number.
    MisMatch,
}

/// The services of a slot of which another version is served than was known.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Others {
    /// Each with its version.
    pub versions: Arc<[(Key, Version)]>,
    /// The slot's level: the newest version that was given in it.
    pub level: Version,
}

/// All of a service, as it is served.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Datum {
    /// Which.
    pub service: Key,
    /// Which version.
    pub version: Version,
    /// Everything that is registered, in order.
    pub registered: Arc<[(RegisterId, Value)]>,
}

/// A sign of life of a session or data server.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Beat {
    /// Whose.
    pub process: ProcessId,
    /// Which slot table it knows.
    pub table: Epoch,
    /// Which list of servers.
    pub roster: Epoch,
    /// The slot table, where the leader may not know it: it learns it back from those who do.
    pub known: Option<Arc<Table>>,
    /// How many slots it leads and does not serve yet.
    pub migrating: u32,
}

/// What can go off. Each role has its own.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Timer {
    /// The next try to connect to a server.
    Dial(NodeId),
    /// It takes too long to connect to it.
    Connecting(NodeId),
    /// Time to ask whether it is there.
    Ping(NodeId),
    /// A client asks again for what was not granted.
    Again,
    /// A client's caller is not kept waiting any longer.
    GiveUp,
    /// A session or data server makes itself heard.
    Beat,
    /// A call takes too long.
    Call(CallId),
    /// A batch is to be sent again, a notice too.
    Retry(CallId),
    /// A session compares versions.
    Scan,
    /// Who is gone is forgotten.
    Sweep,
    /// A service is to be fetched.
    Fetch(Key),
    /// What was fetched is to be pushed.
    Push,
    /// A data server looks which comparisons are due.
    Tick,
    /// A data server tells what changed.
    Notify,
    /// A data server looks at leases.
    Lease,
    /// A meta server looks at the lock.
    Elect,
    /// A meta leader looks who is gone.
    Arrange,
    /// A meta server's register.
    Register,
    /// A session or data server's of the fifth generation.
    Ring(Alarm),
}

impl Wish {
    /// About which service.
    pub fn service(&self) -> Key {
        match self {
            Wish::Publish(service, ..)
            | Wish::Withdraw(service, _)
            | Wish::Subscribe(service, _) => *service,
        }
    }
}

impl Kinds for Message {
    const KINDS: &'static [&'static str] = &[
        "hello",
        "ping",
        "pong",
        "register",
        "registered",
        "repeat",
        "push",
        "pushed",
        "batch",
        "client_off",
        "done",
        "fetch",
        "fetched",
        "scan",
        "scanned",
        "changed",
        "noted",
        "compare",
        "compared",
        "digests",
        "differing",
        "summaries",
        "publishers",
        "not_mine",
        "outdated",
        "beat",
        "beaten",
        "leader",
        "news",
        "lock",
        "level",
        "leveled",
        Word::KINDS[0],
        Word::KINDS[1],
        Word::KINDS[2],
        Word::KINDS[3],
        Word::KINDS[4],
        Word::KINDS[5],
        Word::KINDS[6],
        Word::KINDS[7],
        Word::KINDS[8],
        Word::KINDS[9],
        Word::KINDS[10],
    ];

    fn kind(&self) -> usize {
        match self {
            Message::Hello(_) => 0,
            Message::Ping(_) => 1,
            Message::Pong => 2,
            Message::Register { .. } => 3,
            Message::Registered { .. } => 4,
            Message::Repeat { .. } => 5,
            Message::Push { .. } => 6,
            Message::Pushed(_) => 7,
            Message::Batch { items, .. } => {
                let is_off = |item: &Item| matches!(item, Item::Off(_));
                if items.iter().any(is_off) { 9 } else { 8 }
            }
            Message::Done(..) => 10,
            Message::Fetch { .. } => 11,
            Message::Fetched(..) => 12,
            Message::Scan { .. } => 13,
            Message::Scanned(..) => 14,
            Message::Changed(..) => 15,
            Message::Noted(_) => 16,
            Message::Compare { .. } => 17,
            Message::Compared { .. } => 18,
            Message::Digests { .. } => 19,
            Message::Differing { .. } => 20,
            Message::Summaries { .. } => 21,
            Message::Publishers { .. } => 22,
            Message::NotMine(_) => 23,
            Message::Outdated { .. } => 24,
            Message::Beat(_) => 25,
            Message::Beaten { .. } => 26,
            Message::Leader(_) => 27,
            Message::News(_) => 28,
            Message::Lock(_) => 29,
            Message::Level { .. } => 30,
            Message::Leveled(..) => 31,
            Message::Ring(word) => word.kind().map_or(9, |kind| 32 + kind),
        }
    }
}
