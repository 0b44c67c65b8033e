//! What travels, and what is noted.

use std::fmt;

use super::decode::decode;
use super::frame::{Sealed, What};
use super::request::{Request, Response};
use crate::kv::Key;
use crate::process::{Closing, DiskError, Kinds, Size};
use crate::{Life, NodeId};

/// Everything that travels.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Message {
    /// Node to node, on a stream: a frame, as bytes.
    Frame(Sealed),
    /// Client to node.
    Ask {
        /// The client's life, so that no answer to an earlier one is taken.
        life: Life,
        /// Which of its questions.
        seq: u64,
        /// What it asks.
        request: Request,
    },
    /// Node to client.
    Answer {
        /// As in the question.
        life: Life,
        /// As in the question.
        seq: u64,
        /// What was done, or found.
        response: Response,
    },
}

impl Kinds for Message {
    const KINDS: &'static [&'static str] = &[
        "live",
        "snapshot",
        "snapshot_end",
        "digest",
        "want",
        "keepalive",
        "misses",
        "ask",
        "answer",
    ];

    fn kind(&self) -> usize {
        match self {
            Message::Frame(frame) => match frame.what() {
                What::Live => 0,
                What::Snapshot => 1,
                What::SnapshotEnd => 2,
                What::Digest { .. } => 3,
                What::Want => 4,
                What::Keepalive => 5,
                What::Misses => 6,
            },
            Message::Ask { .. } => 7,
            Message::Answer { .. } => 8,
        }
    }
}

impl Size for Message {
    fn size(&self) -> usize {
        match self {
            Message::Frame(frame) => frame.size(),
            Message::Ask { request, .. } => 12 + request.size(),
            Message::Answer { response, .. } => 12 + response.size(),
        }
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Message::Frame(frame) => {
                let name = Message::KINDS[self.kind()];
                write!(f, "{name} of {} bytes", frame.size())?;
                match decode(frame.bytes()) {
                    Ok(frame) if frame.header.what.is_bare() => Ok(()),
                    Ok(frame) => write!(f, ": {frame}"),
                    Err(_) => f.write_str(": garbage"),
                }
            }
            Message::Ask { seq, request, .. } => write!(f, "ask {seq}: {request}"),
            Message::Answer { seq, response, .. } => write!(f, "answer {seq}: {response}"),
        }
    }
}

/// The alarms of all roles.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Timer {
    /// Node: look into the logs of changes.
    Interval,
    /// Node: compare what it holds with a peer.
    Repair,
    /// Node: ask the name service.
    Resolve,
    /// Node: it has to quit, whether all is told or not.
    Quit,
    /// Node: connect to this peer.
    Dial(NodeId),
    /// Node: a connection to this peer takes too long.
    Connecting(NodeId),
    /// Node: nothing could be written to this peer for too long.
    Writing(NodeId),
    /// Node: nothing was read from this peer for too long.
    Reading(NodeId),
    /// Client: ask another node.
    AskAgain,
    /// Client: ask the same node again, it may have heard of it by now.
    LookAgain,
    /// Client: this takes too long.
    GiveUp,
}

/// What a participant did, in the protocol's words.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Note {
    /// It is connected to a peer.
    Connects(NodeId),
    /// It is not connected to a peer any more.
    Loses(NodeId, Closing),
    /// Nothing could be written to a peer for too long.
    StandsStill(NodeId),
    /// Nothing was read from a peer for too long.
    HearsNothing(NodeId),
    /// It has told a peer everything that it holds in a zone: so many records sent, out of so many that it holds.
    SentSnapshot(NodeId, &'static str, u64, usize),
    /// It passed on what a peer cannot hear itself: the key, to whom.
    Relays(Key, NodeId),
    /// A record does not fit into a buffer and is never sent.
    TooLarge(Key),
    /// It ignored an update that was older than what it holds.
    IgnoresOlder(Key, NodeId),
    /// It ignored an update with the stamp that it holds and another content.
    Tie(Key, NodeId),
    /// It had no room for what a peer sent.
    NoRoom(Key, NodeId),
    /// A record left a full zone to make room.
    Evicts(Key),
    /// So many of its records ended.
    Expires(usize),
    /// It ignored a frame for a zone that it does not have, or of another version.
    UnknownZone(NodeId),
    /// It closed a stream on which it was sent garbage.
    Garbage(NodeId),
    /// It started with so many records of its state file.
    Loads(usize),
    /// It was told that these are the others.
    Discovers(usize),
    /// It does not speak to a node any more, which is not one of the others.
    Forgets(NodeId),
    /// It learned a session.
    Learns(Key),
    /// It was asked to quit, has told all that it had to tell, and does.
    Quits,
    /// It was asked to quit, and does though not all is told.
    QuitsEarly,
    /// Its disk could not do what it was asked.
    DiskFailed(DiskError),
    /// A client stopped waiting.
    GivesUp(Request),
}

impl Kinds for Note {
    const KINDS: &'static [&'static str] = &[
        "connects",
        "loses",
        "stands still",
        "hears nothing",
        "sent a snapshot",
        "relays",
        "too large",
        "ignores older",
        "tie",
        "no room",
        "evicts",
        "expires",
        "unknown zone",
        "garbage",
        "loads",
        "discovers",
        "forgets",
        "learns",
        "quits",
        "quits early",
        "disk failed",
        "gives up",
    ];

    fn kind(&self) -> usize {
        match self {
            Note::Connects(_) => 0,
            Note::Loses(..) => 1,
            Note::StandsStill(_) => 2,
            Note::HearsNothing(_) => 3,
            Note::SentSnapshot(..) => 4,
            Note::Relays(..) => 5,
            Note::TooLarge(_) => 6,
            Note::IgnoresOlder(..) => 7,
            Note::Tie(..) => 8,
            Note::NoRoom(..) => 9,
            Note::Evicts(_) => 10,
            Note::Expires(_) => 11,
            Note::UnknownZone(_) => 12,
            Note::Garbage(_) => 13,
            Note::Loads(_) => 14,
            Note::Discovers(_) => 15,
            Note::Forgets(_) => 16,
            Note::Learns(_) => 17,
            Note::Quits => 18,
            Note::QuitsEarly => 19,
            Note::DiskFailed(_) => 20,
            Note::GivesUp(_) => 21,
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Note::KINDS[self.kind()];
        match self {
            Note::Connects(peer)
            | Note::StandsStill(peer)
            | Note::HearsNothing(peer)
            | Note::UnknownZone(peer)
            | Note::Forgets(peer)
            | Note::Garbage(peer) => {
                write!(f, "{name}: {peer}")
            }
            Note::Loses(peer, why) => write!(f, "{name} {peer}: {why}"),
            Note::SentSnapshot(peer, zone, sent, total) => {
                write!(f, "{name} of {zone} to {peer}: {sent} of {total} records")
            }
            Note::Relays(key, peer) => write!(f, "{name} {key} to {peer}"),
            Note::TooLarge(key) | Note::Evicts(key) | Note::Learns(key) => {
                write!(f, "{name}: {key}")
            }
            Note::IgnoresOlder(key, peer) | Note::Tie(key, peer) | Note::NoRoom(key, peer) => {
                write!(f, "{name}: {key} from {peer}")
            }
            Note::Expires(records) | Note::Loads(records) => write!(f, "{name} {records} records"),
            Note::Discovers(others) => write!(f, "{name} {others} others"),
            Note::Quits | Note::QuitsEarly => f.write_str(name),
            Note::DiskFailed(error) => write!(f, "{name}: {error}"),
            Note::GivesUp(request) => write!(f, "{name} on {request}"),
        }
    }
}
