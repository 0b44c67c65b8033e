//! Standing for election, and counting the votes.

use super::Raft;
use super::message::{Message, Note, Timer};
use super::server::{Server, Standing};
use super::state::majority;
use crate::{NodeId, Outbox, Ticket};

/// The votes of one election.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Ballots {
    /// The flush that makes the candidate's own vote durable; it counts only then.
    own: Option<Ticket>,
    /// Who granted. Invariant: nobody twice.
    granted: Vec<NodeId>,
    /// Who refused. Invariant: nobody twice.
    refused: Vec<NodeId>,
}

impl Server {
    /// Stands for election in the next term (Raft paper, section 5.2).
    pub(super) fn campaign(&mut self, out: &mut Outbox<Raft>) {
        if matches!(self.standing, Standing::Leader(_)) {
            return;
        }
        let term = self.durable.term.next();
        (self.durable.term, self.durable.vote) = (term, Some(self.me));
        out.note(Note::Campaigns(term));
        out.arm(Timer::Election, self.config.options.election);
        out.write(self.ballot());
        let own = Some(out.flush());
        let last = self.durable.log.last();
        for server in self.others() {
            out.send(server, Message::RequestVote { term, last });
        }
        self.standing = Standing::Candidate(Ballots {
            own,
            granted: Vec::new(),
            refused: Vec::new(),
        });
    }

    pub(super) fn on_own_vote_flushed(&mut self, ticket: Ticket, out: &mut Outbox<Raft>) {
        let Standing::Candidate(ballots) = &mut self.standing else {
            return;
        };
        if ballots.own.is_some_and(|own| own <= ticket) {
            ballots.own = None;
            self.count_votes(out);
        }
    }

    /// A vote of the current term.
    pub(super) fn on_vote(&mut self, from: NodeId, granted: bool, out: &mut Outbox<Raft>) {
        let Standing::Candidate(ballots) = &mut self.standing else {
            return;
        };
        let pile = if granted {
            &mut ballots.granted
        } else {
            &mut ballots.refused
        };
        if !pile.contains(&from) {
            pile.push(from);
            self.count_votes(out);
        }
    }

    fn count_votes(&mut self, out: &mut Outbox<Raft>) {
        let Standing::Candidate(ballots) = &self.standing else {
            return;
        };
        let members = self.config.servers.len();
        let mine = usize::from(ballots.own.is_none());
        if ballots.granted.len() + mine >= majority(members) {
            self.lead(out);
        } else if ballots.refused.len() > members - majority(members) {
            out.note(Note::LosesElection(self.durable.term));
            self.follow(None, out);
        }
    }
}
