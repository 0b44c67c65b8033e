//! Leading: replicating, committing, and answering reads that are certain to be current.

use std::collections::VecDeque;

use super::Raft;
use super::log::{Command, Entries, Entry, Index, Position, Session};
use super::message::{Message, Note, Timer};
use super::progress::{Pace, Progress, Sender};
use super::server::{Server, Standing};
use super::state::{Machine, Record, majority, quorum_index};
use crate::kv::{Key, Request};
use crate::queue::Queue;
use crate::{Life, NodeId, Outbox, Ticket};

/// The largest cluster: what a quorum is counted over fits on the stack.
pub const MAX_SERVERS: usize = 15;

/// What a leader keeps for its term.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Office {
    /// The entry with which it opened its term. Everything committed in earlier terms stands before it.
    opening: Index,
    /// How far its own log is durable; its own share in a quorum.
    durable: Index,
    /// Flushes under way, and how far the log reached when each was asked for.
    flushes: VecDeque<(Ticket, Index)>,
    /// The others.
    followers: Vec<Progress>,
    /// The last round opened: appends sent from then on carry it.
    round: u64,
    /// The last round to which a majority has answered: it still led when it opened that.
    confirmed: u64,
    /// Reads that wait, in the order of their rounds and indexes.
    pub(super) reads: Queue<Read>,
}

/// A read that waits until leadership is confirmed and the log executed far enough (ReadIndex, Raft thesis,
/// section 6.4).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Read {
    session: Session,
    seq: u64,
    key: Key,
    round: u64,
    index: Index,
}

impl Server {
    /// Takes office: opens the term with an entry of its own, which alone can commit what was inherited.
    pub(super) fn lead(&mut self, out: &mut Outbox<Raft>) {
        let term = self.durable.term;
        out.note(Note::Leads(term));
        let next = self.durable.log.last().index.next();
        let progress = |id| Progress {
            id,
            matched: Index(0),
            next,
            pace: Pace::Probe { waiting: false },
            round: 0,
            heard: false,
        };
        self.standing = Standing::Leader(Office {
            opening: next,
            // All of it: votes are asked for behind a flush, and that came behind every write of the log.
            durable: next.before(),
            flushes: VecDeque::new(),
            followers: self.others().map(progress).collect(),
            round: 1,
            confirmed: 0,
            reads: Queue::new(self.config.options.reads),
        });
        out.disarm(Timer::Election);
        out.arm(Timer::Heartbeat, self.config.options.heartbeat);
        if self.config.options.check_quorum {
            out.arm(Timer::CheckQuorum, self.config.options.election.max);
        }
        self.propose(Command::Opening, out);
        // Who is alone needs nobody to confirm that it leads.
        self.confirm(out);
    }

    /// Answers a client, at once where the answer is known, or when its command is committed.
    pub(super) fn on_ask(
        &mut self,
        from: NodeId,
        life: Life,
        seq: u64,
        request: Request,
        out: &mut Outbox<Raft>,
    ) {
        let session = Session { client: from, life };
        if let Request::Get(key) = request {
            self.read(session, seq, key, out);
        } else if let Some(response) = self.machine.answered(session, seq) {
            out.note(Note::AnswersRetry(from, seq));
            // Past the flush: the answer is that of a committed entry.
            out.send_past_flush(
                from,
                Message::Answer {
                    life,
                    seq,
                    response,
                },
            );
        } else {
            self.propose(
                Command::Client {
                    session,
                    seq,
                    request,
                },
                out,
            );
        }
    }

    /// Logs a command and sends it on. Its own flush runs meanwhile, and counts when it is done.
    fn propose(&mut self, command: Command, out: &mut Outbox<Raft>) {
        let Standing::Leader(office) = &mut self.standing else {
            return;
        };
        let entry = Entry {
            term: self.durable.term,
            command,
        };
        let index = self.durable.log.push(entry);
        let entries = Entries::from([entry]);
        out.write(Record::Entries {
            first: index,
            entries: entries.clone(),
        });
        office.flushes.push_back((out.flush(), index));
        self.broadcast(false, Some((index, entries)), out);
    }

    /// Waits with a read until a majority has confirmed, after this moment, that this server leads.
    fn read(&mut self, session: Session, seq: u64, key: Key, out: &mut Outbox<Raft>) {
        let Standing::Leader(office) = &mut self.standing else {
            return;
        };
        // What was committed in earlier terms stands before the opening; what is in this one, at most at `commit`.
        let index = self.commit.max(office.opening);
        let round = office.round + 1;
        let idle = office.confirmed == office.round;
        let read = Read {
            session,
            seq,
            key,
            round,
            index,
        };
        if office.reads.push(read).is_err() {
            out.note(Note::ReadsOverflow(session.client));
        } else if idle {
            self.open_round(out);
        }
    }

    /// Opens a round: every follower is sent an append that carries it, with entries or without.
    fn open_round(&mut self, out: &mut Outbox<Raft>) {
        let Standing::Leader(office) = &mut self.standing else {
            return;
        };
        office.round += 1;
        self.broadcast(true, None, out);
        self.confirm(out);
    }

    fn broadcast(&mut self, must: bool, cut: Option<(Index, Entries)>, out: &mut Outbox<Raft>) {
        self.send_where(|_| true, must, cut, out);
    }

    fn send_to(&mut self, id: NodeId, out: &mut Outbox<Raft>) {
        self.send_where(|follower| follower.id == id, false, None, out);
    }

    fn send_where(
        &mut self,
        wanted: impl Fn(&Progress) -> bool,
        must: bool,
        cut: Option<(Index, Entries)>,
        out: &mut Outbox<Raft>,
    ) {
        let Standing::Leader(office) = &mut self.standing else {
            return;
        };
        let mut sender = Sender {
            log: &self.durable.log,
            options: &self.config.options,
            term: self.durable.term,
            commit: self.commit,
            round: office.round,
            cut,
        };
        for follower in office
            .followers
            .iter_mut()
            .filter(|follower| wanted(follower))
        {
            sender.send(follower, must, out);
        }
    }

    pub(super) fn on_heartbeat(&mut self, out: &mut Outbox<Raft>) {
        if !matches!(self.standing, Standing::Leader(_)) {
            return;
        }
        out.arm(Timer::Heartbeat, self.config.options.heartbeat);
        self.open_round(out);
    }

    /// Steps down if no majority was heard since the last check: somebody else may lead by now (Raft thesis,
    /// section 6.2).
    pub(super) fn on_check_quorum(&mut self, out: &mut Outbox<Raft>) {
        let Standing::Leader(office) = &mut self.standing else {
            return;
        };
        let heard = 1 + office
            .followers
            .iter()
            .filter(|follower| follower.heard)
            .count();
        office
            .followers
            .iter_mut()
            .for_each(|follower| follower.heard = false);
        if heard >= majority(self.config.servers.len()) {
            out.arm(Timer::CheckQuorum, self.config.options.election.max);
        } else {
            out.note(Note::LostQuorum(self.durable.term));
            self.follow(None, out);
        }
    }

    pub(super) fn on_accepted(
        &mut self,
        from: NodeId,
        matched: Index,
        round: u64,
        out: &mut Outbox<Raft>,
    ) {
        let Some(follower) = self.heard(from, round, out) else {
            return;
        };
        let further = matched > follower.matched;
        follower.accept(matched);
        if further {
            self.advance_commit(out);
        }
        self.send_to(from, out);
    }

    pub(super) fn on_rejected(
        &mut self,
        from: NodeId,
        prev: Index,
        hint: Position,
        round: u64,
        out: &mut Outbox<Raft>,
    ) {
        let meeting = self.durable.log.newest_at_most(hint).index;
        let Some(follower) = self.heard(from, round, out) else {
            return;
        };
        if follower.reject(prev, meeting) {
            self.send_to(from, out);
        }
    }

    /// Any answer in the leader's term shows that it was recognised in the answer's round.
    fn heard(&mut self, from: NodeId, round: u64, out: &mut Outbox<Raft>) -> Option<&mut Progress> {
        let Standing::Leader(office) = &mut self.standing else {
            return None;
        };
        let place = office
            .followers
            .iter()
            .position(|follower| follower.id == from)?;
        let follower = &mut office.followers[place];
        follower.heard = true;
        if round > follower.round {
            follower.round = round;
            self.confirm(out);
        }
        let Standing::Leader(office) = &mut self.standing else {
            return None;
        };
        Some(&mut office.followers[place])
    }

    pub(super) fn on_own_log_flushed(&mut self, ticket: Ticket, out: &mut Outbox<Raft>) {
        let Standing::Leader(office) = &mut self.standing else {
            return;
        };
        while let Some((_, index)) = office.flushes.pop_front_if(|(flush, _)| *flush <= ticket) {
            office.durable = index;
        }
        self.advance_commit(out);
    }

    /// How far a leader knows that a majority has its log on disk; nothing for anyone else.
    pub(super) fn reached_by_majority(&self) -> Index {
        let Standing::Leader(office) = &self.standing else {
            return Index(0);
        };
        let mut reached = [office.durable; MAX_SERVERS];
        quorum_index(office.gather(&mut reached, |follower| follower.matched))
    }

    /// Commits what a majority has on disk, if it is of this term; what was inherited commits with it (Raft paper,
    /// section 5.4.2 and figure 8).
    fn advance_commit(&mut self, out: &mut Outbox<Raft>) {
        let index = self.reached_by_majority();
        if index > self.commit && self.durable.log.term_at(index) == Some(self.durable.term) {
            self.commit_to(index, out);
            if let Standing::Leader(office) = &mut self.standing {
                office.answer_reads(self.commit, &self.machine, out);
            }
        }
    }

    /// Counts the answers to rounds; opens the next round for those who came while one was open.
    fn confirm(&mut self, out: &mut Outbox<Raft>) {
        let Standing::Leader(office) = &mut self.standing else {
            return;
        };
        let mut rounds = [office.round; MAX_SERVERS];
        office.confirmed = quorum_index(office.gather(&mut rounds, |follower| follower.round));
        office.answer_reads(self.commit, &self.machine, out);
        let is_next = |read: &Read| read.round > office.round;
        if office.confirmed == office.round && office.reads.back().is_some_and(is_next) {
            self.open_round(out);
        }
    }
}

impl Office {
    /// Forgets which round it is, and who answered which: for small worlds without reads. Whom it heard matters only if it
    /// is going to check its quorum.
    pub(super) fn forget_rounds(&mut self, checks_quorum: bool) {
        (self.round, self.confirmed) = (0, 0);
        for follower in &mut self.followers {
            follower.round = 0;
            follower.heard &= checks_quorum;
        }
    }

    /// Answers the reads whose round a majority has confirmed, and whose index is executed.
    fn answer_reads(&mut self, commit: Index, machine: &Machine, out: &mut Outbox<Raft>) {
        while let Some(read) = self.reads.front()
            && read.round <= self.confirmed
            && read.index <= commit
        {
            let (session, seq, response) = (read.session, read.seq, machine.get(read.key));
            // Past the flush: what is executed is committed, and a read adds nothing.
            out.send_past_flush(
                session.client,
                Message::Answer {
                    life: session.life,
                    seq,
                    response,
                },
            );
            self.reads.pop();
        }
    }

    /// What every member has reached: the array's first place is the leader's own already.
    fn gather<'a, T>(
        &self,
        reached: &'a mut [T; MAX_SERVERS],
        of: impl Fn(&Progress) -> T,
    ) -> &'a mut [T] {
        let members = 1 + self.followers.len();
        for (place, follower) in reached[1..members].iter_mut().zip(&self.followers) {
            *place = of(follower);
        }
        &mut reached[..members]
    }
}
