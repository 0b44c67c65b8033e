//! What travels, and the alarms.

use std::collections::BTreeMap;
use std::fmt;

use super::charter::{Charter, CopyId};
use super::log::{Entries, Epoch, Position, Seq};
use super::request::{Request, Response};
use super::resource::Copies;
use super::state::weight;
use crate::kv::Key;
use crate::process::{Kinds, Size};
use crate::{Life, NodeId, register};

/// The resources whose ids have the same server part: one main, one list of siblings, one log. Numbered from 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct GroupId(pub u32);

impl GroupId {
    /// The group that a resource belongs to, of so many.
    pub fn of(key: Key, groups: u32) -> GroupId {
        GroupId(key.0 % groups)
    }
}

/// Everything that travels: of which group it is said, and what.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Message {
    /// Of which group.
    pub group: GroupId,
    /// What is said.
    pub word: Word,
}

/// What is said of a group.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Word {
    /// User to managing node, operator to controller: do this, once.
    Ask {
        /// The user's life.
        life: Life,
        /// Which of its requests.
        number: u64,
        /// What.
        request: Request,
        /// How far it has seen the group's log: it is shown nothing older.
        seen: Seq,
        /// Whether it asked before: then the update may be in the log already.
        again: bool,
    },
    /// The answer.
    Answer {
        /// Of the asking user.
        life: Life,
        /// Of the request.
        number: u64,
        /// The answer.
        response: Response,
        /// How far the node that answers has executed.
        seen: Seq,
    },
    /// Managing node to user: I am not the main.
    Elsewhere {
        /// Of the asking user.
        life: Life,
        /// Of the request.
        number: u64,
        /// The newest epoch that this node knows of.
        epoch: Epoch,
        /// Its main, as far as this node knows.
        main: Option<NodeId>,
    },
    /// Sibling to user: I have not come so far yet, or hold no copy.
    Behind {
        /// Of the asking user.
        life: Life,
        /// Of the request.
        number: u64,
    },
    /// Controller to whoever should know: so it is recorded.
    Recorded(Charter),
    /// User to controller: the main of this epoch does not answer me. It is told what is recorded.
    Unreachable(Epoch),

    /// Main to sibling: these entries follow `prev`. Without entries it is a heartbeat.
    Replicate {
        /// The main's epoch.
        epoch: Epoch,
        /// What the entries follow.
        prev: Position,
        /// The entries, possibly none.
        entries: Entries,
        /// How far the main has accepted.
        accepted: Seq,
        /// Whether the sibling is in normal operation: recorded, and counted.
        normal: bool,
    },
    /// Sibling to main, "ok": my log, on disk, is yours up to `matched`.
    Confirmed {
        /// The main's epoch.
        epoch: Epoch,
        /// The last place that the main spoke of.
        matched: Seq,
        /// How far this sibling has executed.
        executed: Seq,
        /// The hash of its resources there.
        hash: u64,
        /// Which copy it has.
        copy: CopyId,
    },
    /// Sibling to main: I do not have `prev`.
    Lacking {
        /// The main's epoch.
        epoch: Epoch,
        /// The place that was refused.
        prev: Seq,
        /// Where the two logs could agree at the latest, as far as the sibling can tell.
        hint: Position,
    },
    /// Managing node to whoever speaks for an older epoch: I have promised this one.
    Outdated(Epoch),

    /// Main to newcomer, `syncResource`: resources, in the order of their keys.
    Copy {
        /// Which copy.
        copy: CopyId,
        /// Which part, from 0.
        part: u64,
        /// The resources.
        copies: Copies,
        /// As of which place of the log.
        upto: Seq,
        /// Whether it is the last part.
        last: bool,
    },
    /// Newcomer to main: I have that part.
    Copied {
        /// Which copy.
        copy: CopyId,
        /// Which part.
        part: u64,
    },
    /// Main to newcomer: the recorded updates that follow `prev`.
    Replay {
        /// Which copy.
        copy: CopyId,
        /// What they follow.
        prev: Seq,
        /// The updates, all accepted.
        entries: Entries,
    },
    /// Newcomer to main: I have executed the recording up to there.
    Replayed {
        /// Which copy.
        copy: CopyId,
        /// How far.
        upto: Seq,
    },
    /// Main to newcomer: the recording is drained; what follows this place comes to you as to any sibling.
    GoLive {
        /// Which copy.
        copy: CopyId,
        /// Where its log begins.
        at: Position,
    },
    /// Newcomer to main: my copy is on disk.
    Live {
        /// Which copy.
        copy: CopyId,
        /// Where its log begins.
        at: Position,
    },
    /// Main to former sibling: you are none any more.
    Dismissed(Epoch),

    /// Main to controller: I am here, and, if there is a number, renew my lease.
    Alive {
        /// The main's epoch.
        epoch: Epoch,
        /// Which renewal.
        renewal: Option<u64>,
    },
    /// Controller to main: it is renewed.
    Leased {
        /// The main's epoch.
        epoch: Epoch,
        /// Which renewal.
        renewal: u64,
    },
    /// Managing node to controller: I was the main of this epoch, and serve no more.
    Resigned(Epoch),
    /// Controller to the group: obey this epoch, and say how far your log goes.
    Fence {
        /// The new epoch.
        epoch: Epoch,
        /// Which copy the asked node is recorded with: with another one it may lack something, and does not answer.
        copy: CopyId,
    },
    /// The answer.
    Fenced {
        /// The epoch that was asked for.
        epoch: Epoch,
        /// Where the log ends.
        last: Position,
    },
    /// Controller to managing node: you are the main.
    Promote(Charter),
    /// Managing node to controller: I am to be a sibling, and have no copy. `registerSibling`.
    RegisterSibling,
    /// Controller to main: make this node a sibling.
    AddSibling {
        /// Whom.
        node: NodeId,
        /// Whether it has said itself that it has no copy, so that one under way has failed.
        anew: bool,
    },
    /// Controller to main: this node is no sibling any more.
    RemoveSibling(NodeId),
    /// Main to controller: record these siblings.
    Admit {
        /// The main's epoch.
        epoch: Epoch,
        /// Which list it is to be: the one after that which is recorded.
        list: u64,
        /// The whole list.
        siblings: Vec<NodeId>,
        /// Which copies they have, and the main.
        copies: BTreeMap<NodeId, CopyId>,
    },
    /// Controller to main: they are recorded.
    Admitted {
        /// The main's epoch.
        epoch: Epoch,
        /// Which list it is.
        list: u64,
        /// The whole list.
        siblings: Vec<NodeId>,
        /// Which copies they have, and the main.
        copies: BTreeMap<NodeId, CopyId>,
    },
    /// Controller to those of another location: the main stands with you now.
    Handover(Charter),
    /// The answer.
    HandedOver(Epoch),
    /// Among the controllers of a location.
    Register(register::Message<Charter>),
}

impl Kinds for Message {
    const KINDS: &'static [&'static str] = &[
        "ask",
        "answer",
        "elsewhere",
        "behind",
        "recorded",
        "unreachable",
        "replicate",
        "confirmed",
        "lacking",
        "outdated",
        "copy",
        "copied",
        "replay",
        "replayed",
        "go_live",
        "live",
        "dismissed",
        "alive",
        "leased",
        "resigned",
        "fence",
        "fenced",
        "promote",
        "register_sibling",
        "add_sibling",
        "remove_sibling",
        "admit",
        "admitted",
        "handover",
        "handed_over",
        "register",
    ];

    fn kind(&self) -> usize {
        match &self.word {
            Word::Ask { .. } => 0,
            Word::Answer { .. } => 1,
            Word::Elsewhere { .. } => 2,
            Word::Behind { .. } => 3,
            Word::Recorded(_) => 4,
            Word::Unreachable(_) => 5,
            Word::Replicate { .. } => 6,
            Word::Confirmed { .. } => 7,
            Word::Lacking { .. } => 8,
            Word::Outdated(_) => 9,
            Word::Copy { .. } => 10,
            Word::Copied { .. } => 11,
            Word::Replay { .. } => 12,
            Word::Replayed { .. } => 13,
            Word::GoLive { .. } => 14,
            Word::Live { .. } => 15,
            Word::Dismissed(_) => 16,
            Word::Alive { .. } => 17,
            Word::Leased { .. } => 18,
            Word::Resigned(_) => 19,
            Word::Fence { .. } => 20,
            Word::Fenced { .. } => 21,
            Word::Promote(_) => 22,
            Word::RegisterSibling => 23,
            Word::AddSibling { .. } => 24,
            Word::RemoveSibling(_) => 25,
            Word::Admit { .. } => 26,
            Word::Admitted { .. } => 27,
            Word::Handover(_) => 28,
            Word::HandedOver(_) => 29,
            Word::Register(_) => 30,
        }
    }
}

impl Size for Message {
    fn size(&self) -> usize {
        4 + match &self.word {
            Word::Ask { request, .. } => 21 + request.size(),
            Word::Answer { response, .. } => 20 + response.size(),
            Word::Elsewhere { .. } => 24,
            Word::Behind { .. } => 12,
            Word::RegisterSibling => 1,
            Word::Recorded(charter) | Word::Promote(charter) | Word::Handover(charter) => {
                charter.size()
            }
            Word::Replicate { entries, .. } => 32 + entries.size(),
            Word::Confirmed { .. } => 33,
            Word::Lacking { .. } => 32,
            Word::Copy { copies, .. } => 33 + weight(copies),
            Word::Copied { .. } | Word::Replayed { .. } => 24,
            Word::Replay { entries, .. } => 24 + entries.size(),
            Word::GoLive { .. } | Word::Live { .. } => 32,
            Word::Alive { .. } | Word::Leased { .. } => 16,
            Word::Unreachable(_)
            | Word::Outdated(_)
            | Word::Dismissed(_)
            | Word::Resigned(_)
            | Word::HandedOver(_) => 8,
            Word::Fence { .. } | Word::Fenced { .. } => 24,
            Word::AddSibling { .. } | Word::RemoveSibling(_) => 5,
            Word::Admit {
                siblings, copies, ..
            }
            | Word::Admitted {
                siblings, copies, ..
            } => 16 + 4 * siblings.len() + 20 * copies.len(),
            Word::Register(message) => message.size(),
        }
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.group, self.word)
    }
}

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "g{}", self.0)
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Word::Ask {
                number, request, ..
            } => write!(f, "ask {number}: {request}"),
            Word::Answer {
                number, response, ..
            } => write!(f, "answer {number}: {response}"),
            Word::Elsewhere {
                number,
                epoch,
                main: Some(main),
                ..
            } => write!(f, "elsewhere {number}: {main} is the main of epoch {epoch}"),
            Word::Elsewhere {
                number,
                epoch,
                main: None,
                ..
            } => write!(f, "elsewhere {number}: no main known in epoch {epoch}"),
            Word::Behind { number, .. } => write!(f, "behind {number}"),
            Word::Recorded(charter) => write!(f, "recorded {charter}"),
            Word::Unreachable(epoch) => write!(f, "unreachable, epoch {epoch}"),
            Word::Register(message) => write!(f, "register {message}"),
            Word::Admit {
                epoch, siblings, ..
            } => {
                write!(f, "admit epoch {epoch}, siblings {siblings:?}")
            }
            Word::Admitted {
                epoch, siblings, ..
            } => {
                write!(f, "admitted epoch {epoch}, siblings {siblings:?}")
            }
            Word::Handover(charter) => write!(f, "handover {charter}"),
            Word::HandedOver(epoch) => write!(f, "handed over, epoch {epoch}"),
            Word::Promote(charter) => write!(f, "promote {charter}"),
            Word::RegisterSibling => f.write_str("register sibling"),
            Word::AddSibling { node, .. } => write!(f, "add sibling {node}"),
            Word::RemoveSibling(node) => write!(f, "remove sibling {node}"),
            _ => self.of_epochs(f),
        }
    }
}

impl Word {
    /// What is said between a main and its siblings, and to keep a main or to find one.
    fn of_epochs(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Word::Replicate {
                epoch,
                prev,
                entries,
                accepted,
                ..
            } => write!(
                f,
                "replicate epoch {epoch}, after {prev}: {entries}, accepted {accepted}"
            ),
            Word::Confirmed {
                epoch,
                matched,
                executed,
                ..
            } => write!(
                f,
                "confirmed epoch {epoch}, matched {matched}, executed {executed}"
            ),
            Word::Lacking { epoch, prev, hint } => {
                write!(f, "lacking epoch {epoch}, no {prev}, hint {hint}")
            }
            Word::Outdated(epoch) => write!(f, "outdated, epoch {epoch} is promised"),
            Word::Copy {
                part, copies, upto, ..
            } => write!(f, "copy {part}: {} resources as of {upto}", copies.len()),
            Word::Copied { part, .. } => write!(f, "copied {part}"),
            Word::Replay { prev, entries, .. } => write!(f, "replay after {prev}: {entries}"),
            Word::Replayed { upto, .. } => write!(f, "replayed up to {upto}"),
            Word::GoLive { at, .. } => write!(f, "go live at {at}"),
            Word::Live { at, .. } => write!(f, "live at {at}"),
            Word::Dismissed(epoch) => write!(f, "dismissed, epoch {epoch}"),
            Word::Alive {
                epoch,
                renewal: Some(_),
            } => write!(f, "alive epoch {epoch}, renew the lease"),
            Word::Alive { epoch, .. } => write!(f, "alive epoch {epoch}"),
            Word::Leased { epoch, .. } => write!(f, "leased epoch {epoch}"),
            Word::Resigned(epoch) => write!(f, "resigned, epoch {epoch}"),
            Word::Fence { epoch, .. } => write!(f, "fence epoch {epoch}"),
            Word::Fenced { epoch, last } => {
                write!(f, "fenced epoch {epoch}, log ends {last}")
            }
            _ => Ok(()),
        }
    }
}

/// The alarms of all roles.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Timer {
    /// Main: be heard, and renew the lease.
    Heartbeat(GroupId),
    /// Main: that sibling or newcomer has not confirmed.
    Again(GroupId, NodeId),
    /// Managing node: it belongs to the group and has no copy.
    Register(GroupId),
    /// Controller: look after the main.
    Watch(GroupId),
    /// Controller: the lease has run out.
    LeaseOver(GroupId),
    /// Controller: nobody has answered the fence, or another controller has not found a main.
    Search(GroupId),
    /// Controller: the register has not decided.
    Decide(GroupId),
    /// User: ask again.
    Retry,
    /// User: nothing has happened to what it watches.
    Watched,
    /// User: this takes too long.
    GiveUp,
}
