//! What travels, and what is noted.

use std::fmt;

use super::cluster::CasPaxos;
use super::state::{Content, Record};
use crate::Life;
use crate::kv::{Key, Request, Response};
use crate::process::{DiskError, Kinds, Size};
use crate::register::{self, Deed, Words};

/// Everything that travels between servers, and between clients and servers.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Message {
    /// Server to server: what a key's register says there.
    Register(Key, register::Message<Content>),
    /// Client to server.
    Ask {
        /// The client's life: with its name, the author of the change.
        life: Life,
        /// Which of that life's requests; a retry carries the same.
        seq: u64,
        /// What is asked.
        request: Request,
    },
    /// Server to client.
    Answer {
        /// Of the asking client.
        life: Life,
        /// Of the request.
        seq: u64,
        /// The answer.
        response: Response,
    },
}

/// The alarms of all roles.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Timer {
    /// Server: a key's register has waited long enough.
    Register(Key),
    /// Client: ask again.
    Retry,
    /// Client: this takes too long.
    GiveUp,
}

/// What a participant did, in the protocol's words.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Note {
    /// What a key's register did.
    Did(Key, Deed),
    /// It found the last write torn when it started.
    FindsTornTail,
    /// It found a rotten record when it started.
    FindsRot,
    /// It found its disk wiped when it started.
    FindsItselfWiped,
    /// Its disk could not do what it was asked.
    DiskFailed(DiskError),
    /// A client stopped waiting.
    GivesUp(Request),
}

/// A key is how the servers tell what its register says from what others say.
impl Words<Content> for Key {
    type Protocol = CasPaxos;

    fn message(&self, message: register::Message<Content>) -> Message {
        Message::Register(*self, message)
    }

    fn record(&self, record: register::Record<Content>) -> Record {
        Record::Register(*self, record)
    }

    fn alarm(&self) -> Timer {
        Timer::Register(*self)
    }

    fn note(&self, deed: Deed) -> Option<Note> {
        Some(Note::Did(*self, deed))
    }
}

impl Kinds for Message {
    const KINDS: &'static [&'static str] = &[
        "prepare", "promise", "accept", "accepted", "refused", "ask", "answer",
    ];

    fn kind(&self) -> usize {
        match self {
            Message::Register(_, message) => message.kind(),
            Message::Ask { .. } => 5,
            Message::Answer { .. } => 6,
        }
    }
}

impl Size for Message {
    fn size(&self) -> usize {
        match self {
            Message::Register(_, message) => 4 + message.size(),
            Message::Ask { request, .. } => 12 + request.size(),
            Message::Answer { response, .. } => 12 + response.size(),
        }
    }
}

impl Kinds for Note {
    const KINDS: &'static [&'static str] = &[
        "asks again",
        "preempted",
        "completes another's proposal",
        "finds it decided",
        "finds a torn tail",
        "finds rot",
        "finds itself wiped",
        "disk failed",
        "gives up",
    ];

    fn kind(&self) -> usize {
        match self {
            Note::Did(_, Deed::AsksAgain(_)) => 0,
            Note::Did(_, Deed::Preempted(_)) => 1,
            Note::Did(_, Deed::Completes(..)) => 2,
            Note::Did(_, Deed::FindsItDecided(_)) => 3,
            Note::FindsTornTail => 4,
            Note::FindsRot => 5,
            Note::FindsItselfWiped => 6,
            Note::DiskFailed(_) => 7,
            Note::GivesUp(_) => 8,
        }
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Message::Register(key, message) => write!(f, "{key} {message}"),
            Message::Ask { seq, request, .. } => write!(f, "ask {seq}: {request}"),
            Message::Answer { seq, response, .. } => write!(f, "answer {seq}: {response}"),
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Note::KINDS[self.kind()];
        match self {
            Note::Did(key, Deed::AsksAgain(ballot) | Deed::Preempted(ballot)) => {
                write!(f, "{name}, {key} {ballot}")
            }
            Note::Did(key, Deed::Completes(found, ballot)) => {
                write!(f, "{name}, {key} {found} with {ballot}")
            }
            Note::Did(key, Deed::FindsItDecided(id)) => write!(f, "{name}, {key} {id}"),
            Note::FindsTornTail | Note::FindsRot | Note::FindsItselfWiped => f.write_str(name),
            Note::DiskFailed(error) => write!(f, "{name}: {error}"),
            Note::GivesUp(request) => write!(f, "{name} on {request}"),
        }
    }
}
