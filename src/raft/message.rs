//! What travels, and what is noted.

use std::fmt;

use super::log::{Entries, Index, Position, Term};
use crate::kv::{Request, Response};
use crate::process::{DiskError, Kinds, Size};
use crate::{Life, NodeId};

/// Everything that travels between servers, and between clients and servers.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Message {
    /// Candidate to all others: make me leader of this term.
    RequestVote {
        /// The term it stands for.
        term: Term,
        /// Where its log ends.
        last: Position,
    },
    /// Voter to candidate.
    Vote {
        /// The voter's term.
        term: Term,
        /// Whether the vote is the candidate's.
        granted: bool,
    },
    /// Leader to follower: these entries follow `prev`. Without entries it is a heartbeat.
    Append {
        /// The leader's term.
        term: Term,
        /// What the entries follow.
        prev: Position,
        /// The entries, possibly none.
        entries: Entries,
        /// How far the leader has committed.
        commit: Index,
        /// Echoed by the answer: an answer to round `r` shows that the leader still led when it opened `r`.
        round: u64,
    },
    /// Follower to leader: my log, on disk, is yours up to `matched`.
    Accepted {
        /// The follower's term.
        term: Term,
        /// The last index the append spoke of.
        matched: Index,
        /// The append's round.
        round: u64,
    },
    /// Follower to leader: I do not have `prev`.
    Rejected {
        /// The follower's term.
        term: Term,
        /// The index that was refused.
        prev: Index,
        /// Where the two logs could agree at the latest, as far as the follower can tell.
        hint: Position,
        /// The append's round.
        round: u64,
    },
    /// Client to server.
    Ask {
        /// The client's life: with its name, its session.
        life: Life,
        /// Which of the session's requests; a retry carries the same.
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
    /// Server to client: I do not lead.
    Redirect {
        /// Of the asking client.
        life: Life,
        /// Of the request.
        seq: u64,
        /// Who does, as far as this server knows.
        leader: Option<NodeId>,
    },
}

impl Message {
    /// The sender's term; clients have none.
    pub fn term(&self) -> Option<Term> {
        match self {
            Message::RequestVote { term, .. }
            | Message::Vote { term, .. }
            | Message::Append { term, .. }
            | Message::Accepted { term, .. }
            | Message::Rejected { term, .. } => Some(*term),
            Message::Ask { .. } | Message::Answer { .. } | Message::Redirect { .. } => None,
        }
    }
}

impl Kinds for Message {
    const KINDS: &'static [&'static str] = &[
        "request_vote",
        "vote",
        "append",
        "accepted",
        "rejected",
        "ask",
        "answer",
        "redirect",
    ];

    fn kind(&self) -> usize {
        match self {
            Message::RequestVote { .. } => 0,
            Message::Vote { .. } => 1,
            Message::Append { .. } => 2,
            Message::Accepted { .. } => 3,
            Message::Rejected { .. } => 4,
            Message::Ask { .. } => 5,
            Message::Answer { .. } => 6,
            Message::Redirect { .. } => 7,
        }
    }
}

impl Size for Message {
    fn size(&self) -> usize {
        match self {
            Message::RequestVote { .. } => 24,
            Message::Vote { .. } => 9,
            Message::Append { entries, .. } => 40 + entries.iter().map(Size::size).sum::<usize>(),
            Message::Accepted { .. } => 24,
            Message::Rejected { .. } => 40,
            Message::Ask { request, .. } => 12 + request.size(),
            Message::Answer { response, .. } => 12 + response.size(),
            Message::Redirect { .. } => 16,
        }
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Message::RequestVote { term, last } => {
                write!(f, "request_vote term {term}, log ends {last}")
            }
            Message::Vote {
                term,
                granted: true,
            } => write!(f, "vote term {term} granted"),
            Message::Vote {
                term,
                granted: false,
            } => write!(f, "vote term {term} refused"),
            Message::Append {
                term,
                prev,
                entries,
                commit,
                round,
            } => {
                let commands = entries.iter().map(|entry| entry.command.to_string());
                let entries = match entries.len() {
                    0 => "nothing".to_owned(),
                    _ => commands.collect::<Vec<_>>().join("; "),
                };
                write!(
                    f,
                    "append term {term}, after {prev}: {entries}, commit {commit}, round {round}"
                )
            }
            Message::Accepted {
                term,
                matched,
                round,
            } => {
                write!(f, "accepted term {term}, matched {matched}, round {round}")
            }
            Message::Rejected {
                term,
                prev,
                hint,
                round,
            } => {
                write!(
                    f,
                    "rejected term {term}, no {prev}, hint {hint}, round {round}"
                )
            }
            Message::Ask { seq, request, .. } => write!(f, "ask {seq}: {request}"),
            Message::Answer { seq, response, .. } => write!(f, "answer {seq}: {response}"),
            Message::Redirect {
                seq,
                leader: Some(leader),
                ..
            } => write!(f, "redirect {seq} to {leader}"),
            Message::Redirect {
                seq, leader: None, ..
            } => write!(f, "redirect {seq}, no leader known"),
        }
    }
}

/// The alarms of all roles.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Timer {
    /// Follower and candidate: nobody leads; campaign.
    Election,
    /// Leader: be heard.
    Heartbeat,
    /// Leader: has a majority been heard since the last time?
    CheckQuorum,
    /// Client: ask again.
    Retry,
    /// Client: this takes too long.
    GiveUp,
}

/// What a participant did, in the protocol's words.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Note {
    /// It stands for election.
    Campaigns(Term),
    /// It gave its vote away.
    Votes(Term, NodeId),
    /// It kept its vote: the candidate's log is behind its own.
    RefusesStaleLog(Term, NodeId),
    /// It won.
    Leads(Term),
    /// It led, and heard of a newer term.
    Deposed(Term),
    /// It led, and heard no majority for too long.
    LostQuorum(Term),
    /// It stood, and a majority refused.
    LosesElection(Term),
    /// It removed entries, from this index on, that a leader did not have.
    Truncates(Index),
    /// It found the last write torn when it started.
    FindsTornTail,
    /// It found a rotten record when it started.
    FindsRot,
    /// It found its disk wiped when it started.
    FindsItselfWiped,
    /// Its disk could not do what it was asked.
    DiskFailed(DiskError),
    /// It led, and had no place for a read.
    ReadsOverflow(NodeId),
    /// It answered a retry of what was executed already.
    AnswersRetry(NodeId, u64),
    /// It sent a client elsewhere.
    Redirects(NodeId),
    /// A client stopped waiting.
    GivesUp(Request),
}

impl Kinds for Note {
    const KINDS: &'static [&'static str] = &[
        "campaigns",
        "votes",
        "refuses a stale log",
        "leads",
        "deposed",
        "lost its quorum",
        "loses the election",
        "truncates",
        "finds a torn tail",
        "finds rot",
        "finds itself wiped",
        "disk failed",
        "reads overflow",
        "answers a retry",
        "redirects",
        "gives up",
    ];

    fn kind(&self) -> usize {
        match self {
            Note::Campaigns(_) => 0,
            Note::Votes(..) => 1,
            Note::RefusesStaleLog(..) => 2,
            Note::Leads(_) => 3,
            Note::Deposed(_) => 4,
            Note::LostQuorum(_) => 5,
            Note::LosesElection(_) => 6,
            Note::Truncates(_) => 7,
            Note::FindsTornTail => 8,
            Note::FindsRot => 9,
            Note::FindsItselfWiped => 10,
            Note::DiskFailed(_) => 11,
            Note::ReadsOverflow(_) => 12,
            Note::AnswersRetry(..) => 13,
            Note::Redirects(_) => 14,
            Note::GivesUp(_) => 15,
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Note::KINDS[self.kind()];
        match self {
            Note::Campaigns(term)
            | Note::Leads(term)
            | Note::Deposed(term)
            | Note::LostQuorum(term)
            | Note::LosesElection(term) => write!(f, "{name}, term {term}"),
            Note::Votes(term, candidate) => write!(f, "{name} for {candidate}, term {term}"),
            Note::RefusesStaleLog(term, candidate) => {
                write!(f, "{name} of {candidate}, term {term}")
            }
            Note::Truncates(index) => write!(f, "{name} from {index}"),
            Note::FindsTornTail | Note::FindsRot | Note::FindsItselfWiped => f.write_str(name),
            Note::DiskFailed(error) => write!(f, "{name}: {error}"),
            Note::ReadsOverflow(client) => write!(f, "{name}, none kept of {client}"),
            Note::AnswersRetry(client, seq) => write!(f, "{name} of {client}/{seq}"),
            Note::Redirects(client) => write!(f, "{name} {client}"),
            Note::GivesUp(request) => write!(f, "{name} on {request}"),
        }
    }
}
