//! One replica: its state, and the way from an input to the handler of its standing.

use std::sync::Arc;

use super::Raft;
use super::candidate::Ballots;
use super::leader::Office;
use super::log::{Index, Term};
use super::message::{Message, Note, Timer};
use super::state::{Durable, Machine, Record, Unfit, recover};
use crate::process::{Config, Damage, DiskError, Input, Process, Role};
use crate::queue::Losable;
use crate::{Life, NodeId, Now, Outbox};

/// One replica.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Server {
    pub(super) me: NodeId,
    pub(super) config: Arc<Config<Raft>>,
    /// What survives a crash.
    pub durable: Durable,
    /// How far the log is known to be committed; executed to here as well.
    pub commit: Index,
    /// The state machine.
    pub machine: Machine,
    /// What it is in its current term.
    pub standing: Standing,
}

/// What a server is in its current term, with what it keeps for that.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Standing {
    /// It follows the leader, if it knows one.
    Follower {
        /// From whom it accepted an append in this term.
        leader: Option<NodeId>,
    },
    /// It stands for election.
    Candidate(Ballots),
    /// It leads.
    Leader(Office),
}

impl Process for Server {
    type Protocol = Raft;

    fn format(_: &Config<Raft>, me: NodeId) -> Vec<Record> {
        vec![Record::Identity(me)]
    }

    fn boot(
        config: &Arc<Config<Raft>>,
        me: NodeId,
        _: Life,
        _: Now,
        disk: &[Result<Record, Damage>],
        out: &mut Outbox<Raft>,
    ) -> Server {
        let durable = recover(disk).unwrap_or_else(|unfit| {
            let (note, reason) = match unfit {
                Unfit::Wiped => (
                    Note::FindsItselfWiped,
                    "its disk was wiped: what it promised is lost",
                ),
                Unfit::Rotten => (
                    Note::FindsRot,
                    "a record on disk is rotten: what it promised is lost",
                ),
            };
            out.note(note);
            out.stop(reason);
            Durable::default()
        });
        if disk.last() == Some(&Err(Damage::Torn)) {
            out.note(Note::FindsTornTail);
        }
        out.arm(Timer::Election, config.options.election);
        Server {
            me,
            config: Arc::clone(config),
            durable,
            commit: Index(0),
            machine: Machine::default(),
            standing: Standing::Follower { leader: None },
        }
    }

    fn step(&mut self, _: Now, input: Input<Raft>, out: &mut Outbox<Raft>) {
        match input {
            Input::Delivered(from, message) => self.on_message(from, message, out),
            Input::Fired(Timer::Election) => self.campaign(out),
            Input::Fired(Timer::Heartbeat) => self.on_heartbeat(out),
            Input::Fired(Timer::CheckQuorum) => self.on_check_quorum(out),
            Input::Flushed(ticket) => match &self.standing {
                Standing::Follower { .. } => {}
                Standing::Candidate(_) => self.on_own_vote_flushed(ticket, out),
                Standing::Leader(_) => self.on_own_log_flushed(ticket, out),
            },
            Input::Failed(error) => on_disk_error(error, out),
            // What it promised is flushed. A leader leaves without a successor: the transfer of leadership (Raft thesis,
            // section 3.10) is not built.
            Input::Quit => out.stop("was asked to quit"),
            // Raft speaks in datagrams, among servers that know each other.
            Input::Opened { .. } | Input::Arrived(..) | Input::Credit(..) | Input::Closed(..) => {}
            Input::Resolved(_) => {}
            // A client's affairs.
            Input::Fired(Timer::Retry | Timer::GiveUp) | Input::Requested(..) => {}
        }
    }

    fn role(&self) -> Option<Role> {
        let (name, rank) = match self.standing {
            Standing::Follower { .. } => ("follower", 0),
            Standing::Candidate(_) => ("candidate", 0),
            Standing::Leader(_) => ("leader", self.durable.term.0),
        };
        Some(Role { name, rank })
    }

    fn queues(&mut self) -> Vec<(&'static str, &mut dyn Losable)> {
        match &mut self.standing {
            Standing::Leader(office) => vec![("reads", &mut office.reads)],
            Standing::Follower { .. } | Standing::Candidate(_) => Vec::new(),
        }
    }
}

/// Memory is ahead of the disk now, and nobody knows by how much: a restart reads what is truly there.
fn on_disk_error(error: DiskError, out: &mut Outbox<Raft>) {
    out.note(Note::DiskFailed(error));
    out.stop("its disk failed");
}

impl Server {
    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Outbox<Raft>) {
        match message {
            Message::RequestVote { term, last } => self.on_request_vote(from, term, last, out),
            Message::Append {
                term,
                prev,
                entries,
                commit,
                round,
            } => {
                self.on_append(from, term, prev, entries, commit, round, out);
            }
            Message::Vote { term, granted } => {
                if self.speaks_for_now(term, out) {
                    self.on_vote(from, granted, out);
                }
            }
            Message::Accepted {
                term,
                matched,
                round,
            } => {
                if self.speaks_for_now(term, out) {
                    self.on_accepted(from, matched, round, out);
                }
            }
            Message::Rejected {
                term,
                prev,
                hint,
                round,
            } => {
                if self.speaks_for_now(term, out) {
                    self.on_rejected(from, prev, hint, round, out);
                }
            }
            Message::Ask { life, seq, request } => match self.standing {
                Standing::Leader(_) => self.on_ask(from, life, seq, request, out),
                Standing::Follower { leader } => self.redirect(from, life, seq, leader, out),
                Standing::Candidate(_) => self.redirect(from, life, seq, None, out),
            },
            // Meant for clients.
            Message::Answer { .. } | Message::Redirect { .. } => {}
        }
    }

    /// Whether an answer belongs to the current term. A newer term is entered, and an older answer is nobody's any
    /// more.
    fn speaks_for_now(&mut self, term: Term, out: &mut Outbox<Raft>) -> bool {
        if term > self.durable.term {
            self.enter(term, out);
            out.write(self.ballot());
            out.flush();
        }
        term == self.durable.term && !matches!(self.standing, Standing::Follower { .. })
    }

    /// Becomes a follower of a newer term. The caller persists the ballot before anything that depends on it leaves.
    pub(super) fn enter(&mut self, term: Term, out: &mut Outbox<Raft>) {
        assert!(term > self.durable.term, "terms only grow");
        if matches!(self.standing, Standing::Leader(_)) {
            out.note(Note::Deposed(self.durable.term));
        }
        (self.durable.term, self.durable.vote) = (term, None);
        self.follow(None, out);
    }

    /// Becomes a follower within the term.
    pub(super) fn follow(&mut self, leader: Option<NodeId>, out: &mut Outbox<Raft>) {
        if matches!(self.standing, Standing::Leader(_)) {
            out.disarm(Timer::Heartbeat);
            out.disarm(Timer::CheckQuorum);
            // A leader has no election timer running; everyone else's goes on (a newer term alone does not reset it).
            out.arm(Timer::Election, self.config.options.election);
        }
        self.standing = Standing::Follower { leader };
    }

    /// The term and the vote, to be written.
    pub(super) fn ballot(&self) -> Record {
        Record::Ballot {
            term: self.durable.term,
            vote: self.durable.vote,
        }
    }

    /// All servers but this one.
    pub(super) fn others(&self) -> impl Iterator<Item = NodeId> {
        self.config.others(self.me)
    }

    /// Commits and executes the log up to `index`; a leader answers those who asked for it.
    pub(super) fn commit_to(&mut self, index: Index, out: &mut Outbox<Raft>) {
        assert!(
            index <= self.durable.log.last().index,
            "only what is in the log can be committed"
        );
        let leads = matches!(self.standing, Standing::Leader(_));
        while self.commit < index {
            let next = self.commit.next();
            let entry = self
                .durable
                .log
                .get(next)
                .expect("checked above: the log reaches `index`");
            let answer = self.machine.apply(next, entry);
            self.commit = next;
            if let (true, Some((session, seq, response))) = (leads, answer) {
                // Past the flush: the entry is durable on a majority, whatever waits in this node's own cache.
                let life = session.life;
                out.send_past_flush(
                    session.client,
                    Message::Answer {
                        life,
                        seq,
                        response,
                    },
                );
            }
        }
    }
}
