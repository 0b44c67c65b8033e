//! What any server does when asked for its vote, when told what to log, and when asked by a client while it does not lead.

use super::Raft;
use super::log::{Entries, Index, Position, Term};
use super::message::{Message, Note, Timer};
use super::server::{Server, Standing};
use super::state::Record;
use crate::{Life, NodeId, Outbox};

impl Server {
    /// Grants one vote a term, to a candidate whose log is at least as up to date (Raft paper, sections 5.2 and 5.4.1).
    pub(super) fn on_request_vote(
        &mut self,
        from: NodeId,
        term: Term,
        last: Position,
        out: &mut Outbox<Raft>,
    ) {
        if term < self.durable.term {
            out.send(
                from,
                Message::Vote {
                    term: self.durable.term,
                    granted: false,
                },
            );
            return;
        }
        let newer = term > self.durable.term;
        if newer {
            self.enter(term, out);
        }
        let free = self.durable.vote.is_none_or(|vote| vote == from);
        let up_to_date = last >= self.durable.log.last();
        let granted = free && up_to_date;
        if free && !up_to_date {
            out.note(Note::RefusesStaleLog(term, from));
        }
        if granted {
            self.durable.vote = Some(from);
            out.note(Note::Votes(term, from));
            out.arm(Timer::Election, self.config.options.election);
        }
        if newer || granted {
            out.write(self.ballot());
            out.flush();
        }
        out.send(from, Message::Vote { term, granted });
    }

    /// Takes the leader's entries where the logs meet (Raft paper, section 5.3).
    #[expect(
        clippy::too_many_arguments,
        reason = "these are the fields of the message"
    )]
    pub(super) fn on_append(
        &mut self,
        from: NodeId,
        term: Term,
        prev: Position,
        entries: Entries,
        commit: Index,
        round: u64,
        out: &mut Outbox<Raft>,
    ) {
        if term < self.durable.term {
            // The term in the answer deposes a leader that has been cut off.
            let (prev, hint) = (prev.index, Position::default());
            out.send(
                from,
                Message::Rejected {
                    term: self.durable.term,
                    prev,
                    hint,
                    round,
                },
            );
            return;
        }
        let mut written = false;
        if term > self.durable.term {
            self.enter(term, out);
            out.write(self.ballot());
            written = true;
        }
        assert!(
            !matches!(self.standing, Standing::Leader(_)),
            "{from} and {} both lead term {term}",
            self.me
        );
        self.follow(Some(from), out);
        out.arm(Timer::Election, self.config.options.election);

        let answer = if prev.index < self.commit {
            // What is committed here is in the leader's log too; an append that reaches further will follow.
            Message::Accepted {
                term,
                matched: self.commit,
                round,
            }
        } else if !self.durable.log.contains(prev) {
            Message::Rejected {
                term,
                prev: prev.index,
                hint: self.durable.log.newest_at_most(prev),
                round,
            }
        } else {
            let (matched, new) = self.take(prev.index, entries, out);
            written |= new;
            self.commit_to(commit.min(matched).max(self.commit), out);
            Message::Accepted {
                term,
                matched,
                round,
            }
        };
        if written {
            out.flush();
        }
        out.send(from, answer);
    }

    /// Sends a client to who leads, as far as this server knows.
    pub(super) fn redirect(
        &self,
        client: NodeId,
        life: Life,
        seq: u64,
        leader: Option<NodeId>,
        out: &mut Outbox<Raft>,
    ) {
        out.note(Note::Redirects(client));
        // Past the flush: a guess at who leads promises nothing.
        out.send_past_flush(client, Message::Redirect { life, seq, leader });
    }

    /// Logs what is new among the entries that follow `prev`: how far the log matches the leader's then, and whether
    /// anything was new.
    fn take(&mut self, prev: Index, entries: Entries, out: &mut Outbox<Raft>) -> (Index, bool) {
        let appended = self.durable.log.append(prev, &entries, self.commit);
        if appended.known == entries.len() {
            return (appended.matched, false);
        }
        let first = Index(prev.0 + appended.known as u64 + 1);
        if appended.truncated {
            out.note(Note::Truncates(first));
        }
        let entries = if appended.known == 0 {
            entries
        } else {
            entries[appended.known..].into()
        };
        out.write(Record::Entries { first, entries });
        (appended.matched, true)
    }
}
