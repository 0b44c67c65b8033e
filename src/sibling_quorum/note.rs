//! What is noted: what a participant did, in the protocol's words.

use std::fmt;

use super::log::{Epoch, Seq};
use super::request::Request;
use crate::NodeId;
use crate::process::{DiskError, Kinds};

/// What a participant did, in the protocol's words.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Note {
    /// A controller has not heard the main for too long, or was told so.
    Suspects(NodeId, Epoch),
    /// A controller has opened a new epoch, and seeks a main for it.
    Claims(Epoch),
    /// A controller has recorded a main.
    Appoints(NodeId, Epoch),
    /// Another controller was faster.
    Yields(Epoch),
    /// A node promised to obey an epoch.
    Promises(Epoch),
    /// A node has taken office.
    Reigns(Epoch),
    /// Its opening record is accepted: it serves.
    Serves(Epoch),
    /// A main has learned of a newer epoch.
    Retires(Epoch),
    /// A main says of itself that it serves no more.
    Resigns(Epoch),
    /// A main would not serve, as its lease has run out.
    LeaseRanOut(Epoch),
    /// A node would take nothing from a main of an older epoch.
    RefusesOldMain(NodeId, Epoch),
    /// A node removed entries, from this place on, that a main did not have.
    RollsBack(Seq),
    /// A main found a sibling's resources to differ from its own.
    ForcesClone(NodeId),
    /// A main copies resources to a node.
    Copies(NodeId),
    /// A main replays to a node what it recorded.
    Revives(NodeId),
    /// A newcomer's copy is complete.
    GoesLive,
    /// A main counts these siblings, as recorded.
    Counts(u32),
    /// A sibling was taken off the list.
    Dismisses(NodeId),
    /// A main answered an update that it had executed before.
    AnswersRetry(NodeId, u64),
    /// A node sent a user elsewhere.
    SendsElsewhere(NodeId),
    /// A sibling did not serve a reader, who has seen more.
    IsBehind(NodeId),
    /// A user found its main out of reach.
    Reports(NodeId),
    /// A user stopped waiting.
    GivesUp(Request),
    /// A controller handed a group over to another location.
    HandsOver(NodeId),
    /// It found the last write torn when it started.
    FindsTornTail,
    /// It found a rotten record when it started.
    FindsRot,
    /// It found its disk wiped when it started.
    FindsItselfWiped,
    /// Its disk could not do what it was asked.
    DiskFailed(DiskError),
}

impl Kinds for Note {
    const KINDS: &'static [&'static str] = &[
        "suspects",
        "claims",
        "appoints",
        "yields",
        "promises",
        "reigns",
        "serves",
        "retires",
        "resigns",
        "lease ran out",
        "refuses an old main",
        "rolls back",
        "forces a clone",
        "copies",
        "revives",
        "goes live",
        "counts",
        "dismisses",
        "answers a retry",
        "sends elsewhere",
        "is behind",
        "reports",
        "gives up",
        "hands over",
        "finds a torn tail",
        "finds rot",
        "finds itself wiped",
        "disk failed",
    ];

    fn kind(&self) -> usize {
        match self {
            Note::Suspects(..) => 0,
            Note::Claims(_) => 1,
            Note::Appoints(..) => 2,
            Note::Yields(_) => 3,
            Note::Promises(_) => 4,
            Note::Reigns(_) => 5,
            Note::Serves(_) => 6,
            Note::Retires(_) => 7,
            Note::Resigns(_) => 8,
            Note::LeaseRanOut(_) => 9,
            Note::RefusesOldMain(..) => 10,
            Note::RollsBack(_) => 11,
            Note::ForcesClone(_) => 12,
            Note::Copies(_) => 13,
            Note::Revives(_) => 14,
            Note::GoesLive => 15,
            Note::Counts(_) => 16,
            Note::Dismisses(_) => 17,
            Note::AnswersRetry(..) => 18,
            Note::SendsElsewhere(_) => 19,
            Note::IsBehind(_) => 20,
            Note::Reports(_) => 21,
            Note::GivesUp(_) => 22,
            Note::HandsOver(_) => 23,
            Note::FindsTornTail => 24,
            Note::FindsRot => 25,
            Note::FindsItselfWiped => 26,
            Note::DiskFailed(_) => 27,
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Note::KINDS[self.kind()];
        match self {
            Note::Suspects(main, epoch) => write!(f, "{name} {main}, main of epoch {epoch}"),
            Note::Appoints(main, epoch) => write!(f, "{name} {main}, epoch {epoch}"),
            Note::Claims(epoch)
            | Note::Yields(epoch)
            | Note::Promises(epoch)
            | Note::Reigns(epoch)
            | Note::Serves(epoch)
            | Note::Retires(epoch)
            | Note::Resigns(epoch)
            | Note::LeaseRanOut(epoch) => write!(f, "{name}, epoch {epoch}"),
            Note::RefusesOldMain(main, epoch) => write!(f, "{name} {main}, epoch {epoch}"),
            Note::RollsBack(seq) => write!(f, "{name} from {seq}"),
            Note::ForcesClone(node)
            | Note::Copies(node)
            | Note::Revives(node)
            | Note::Dismisses(node)
            | Note::HandsOver(node)
            | Note::Reports(node) => write!(f, "{name} {node}"),
            Note::SendsElsewhere(user) | Note::IsBehind(user) => write!(f, "{name} {user}"),
            Note::Counts(siblings) => write!(f, "{name} {siblings} siblings"),
            Note::AnswersRetry(user, number) => write!(f, "{name} of {user}/{number}"),
            Note::GivesUp(request) => write!(f, "{name} on {request}"),
            Note::DiskFailed(error) => write!(f, "{name}: {error}"),
            Note::GoesLive | Note::FindsTornTail | Note::FindsRot | Note::FindsItselfWiped => {
                f.write_str(name)
            }
        }
    }
}
