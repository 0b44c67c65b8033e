//! The main managing node: taking updates, replicating them, accepting them when 51 % of the siblings have confirmed,
//! and keeping its lease.

use std::collections::{BTreeMap, VecDeque};

use super::SiblingQuorum;
use super::charter::{Charter, CopyId};
use super::log::{Command, Entries, Entry, Epoch, Position, Seq};
use super::members::Change;
use super::message::{Timer, Word};
use super::note::Note;
use super::progress::{Progress, Sender, Stage};
use super::quorum::{MAX_SIBLINGS, accept_quorum, reached_by};
use super::replica::{Replica, Standing};
use super::request::Response;
use super::state::Record;
use super::users::Reader;
use crate::kv::Key;
use crate::{Life, NodeId, Now, Outbox, Ticket, Time};

/// How many hashes of its own a main keeps: a sibling that is further behind is compared when it has caught up.
pub(super) const HASHES: usize = 4096;

/// What a main keeps for its epoch.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Office {
    /// Its epoch.
    pub epoch: Epoch,
    /// The siblings, as recorded.
    pub siblings: Vec<NodeId>,
    /// Siblings and newcomers.
    pub followers: Vec<Progress>,
    /// Which copies they have, as recorded.
    pub(super) copies: BTreeMap<NodeId, CopyId>,
    /// Which list that is.
    pub(super) list: u64,
    /// A change of the siblings that is under way.
    pub change: Option<Change>,
    /// Siblings that are to be taken off the list.
    pub(super) removals: Vec<NodeId>,
    /// How many copies it has begun.
    pub(super) runs: u64,
    /// The flush of its oath, until it is done: it sends nothing before that.
    pub(super) oath: Option<Ticket>,
    /// The record with which it opened its epoch. Everything that was accepted before stands before it.
    pub opening: Seq,
    /// How far its own log is durable.
    durable: Seq,
    /// Flushes under way, and how far the log reached when each was asked for.
    flushes: VecDeque<(Ticket, Seq)>,
    /// Its lease.
    pub(super) lease: Lease,
    /// Reads that came before it could serve.
    pub(super) reads: Vec<Reader>,
    /// Who waits for the next update of a resource.
    pub(super) subscribers: BTreeMap<Key, Vec<Reader>>,
    /// The hash of its resources at each of the last places, and the first of those.
    pub(super) hashes: VecDeque<u64>,
    pub(super) hashed: Seq,
    /// What it has answered, where that is not remembered with the resources.
    pub(super) answered: BTreeMap<NodeId, (Life, u64, Response)>,
}

/// Until when a main may serve.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct Lease {
    /// By its own monotonic clock; none before it was leased at all.
    pub(super) until: Option<Time>,
    /// The newest renewal, and when it was asked for.
    asked: Option<(u64, Time)>,
    /// How many were asked for.
    renewals: u64,
    /// Which of its controllers it asks.
    pub(super) controller: usize,
}

impl Replica {
    /// Takes office, once in a life and epoch: opens the epoch with a record of its own, which alone can have accepted
    /// what was inherited.
    pub(super) fn on_promote(
        &mut self,
        now: Now,
        from: NodeId,
        charter: Charter,
        out: &mut Outbox<SiblingQuorum>,
    ) {
        let epoch = charter.epoch;
        // Without fences too a log that has a newer epoch in it is none to open this one with.
        let is_late = epoch < self.durable.promised
            && (self.rules().fence || epoch < self.durable.log.last().epoch);
        if is_late {
            self.say(from, Word::Outdated(self.durable.promised), out);
            return;
        }
        let recorded = Some(charter.copy(self.me));
        let holds = self.durable.copy == recorded || !self.rules().holders_only;
        if charter.main != Some(self.me) || self.reigns() == Some(epoch) || !holds {
            return;
        }
        if epoch <= self.durable.reigned {
            self.resign(epoch, out);
            return;
        }
        self.obey(now, epoch.max(self.durable.promised), None, out);
        out.note(Note::Reigns(epoch));
        self.durable.reigned = epoch;
        self.durable.copy = recorded;
        out.write(self.promise());
        let next = self.durable.log.last().seq.next();
        let patience = self.config.options.again;
        let progress = |id: &NodeId| Progress {
            copy: charter.copy(*id),
            ..Progress::new(*id, Stage::Counted, next, patience)
        };
        self.standing = Standing::Main(Box::new(Office {
            epoch,
            followers: charter.siblings.iter().map(progress).collect(),
            siblings: charter.siblings,
            copies: charter.copies,
            list: charter.list,
            change: None,
            removals: Vec::new(),
            runs: 0,
            // Its flush is asked for with that of the opening, which is not sent before it is done.
            oath: Some(Ticket(u64::MAX)),
            opening: next,
            durable: next.before(),
            flushes: VecDeque::new(),
            lease: Lease::default(),
            reads: Vec::new(),
            subscribers: BTreeMap::new(),
            hashes: VecDeque::from([self.machine.hash()]),
            hashed: self.accepted,
            answered: BTreeMap::new(),
        }));
        self.log_command(now, Command::Opening, out);
        let Standing::Main(office) = &mut self.standing else {
            return;
        };
        office.oath = office.flushes.back().map(|(ticket, _)| *ticket);
        self.on_heartbeat(now, out);
    }

    /// Logs a command and sends it on. Its own flush runs meanwhile, and counts when it is done.
    pub(super) fn log_command(
        &mut self,
        now: Now,
        command: Command,
        out: &mut Outbox<SiblingQuorum>,
    ) {
        let quorum = self.rules().quorum;
        let Standing::Main(office) = &mut self.standing else {
            return;
        };
        let entry = Entry {
            epoch: office.epoch,
            command,
        };
        let first = self.durable.log.push(entry);
        let entries = Entries::from([entry]);
        out.write(Record::Entries {
            group: self.group,
            first,
            entries: entries.clone(),
        });
        office.flushes.push_back((out.flush(), first));
        self.send_where(|_| true, false, Some((first, entries)), out);
        if !quorum {
            self.accept_to(now, first, out);
        }
    }

    pub(super) fn send_to(&mut self, id: NodeId, out: &mut Outbox<SiblingQuorum>) {
        self.send_where(|sibling| sibling.id == id, false, None, out);
    }

    fn send_where(
        &mut self,
        wanted: impl Fn(&Progress) -> bool,
        must: bool,
        cut: Option<(Seq, Entries)>,
        out: &mut Outbox<SiblingQuorum>,
    ) {
        let Standing::Main(office) = &mut self.standing else {
            return;
        };
        if office.oath.is_some() {
            return;
        }
        let mut sender = Sender {
            group: self.group,
            log: &self.durable.log,
            options: &self.config.options,
            epoch: office.epoch,
            accepted: self.accepted,
            cut,
        };
        let level = office.followers.iter_mut().filter(|one| one.is_level());
        for sibling in level.filter(|sibling| wanted(sibling)) {
            sender.send(sibling, must, out);
        }
    }

    pub(super) fn on_heartbeat(&mut self, now: Now, out: &mut Outbox<SiblingQuorum>) {
        let controllers: Vec<NodeId> = self.controllers_here().collect();
        let Standing::Main(office) = &mut self.standing else {
            return;
        };
        out.arm(Timer::Heartbeat(self.group), self.config.options.heartbeat);
        let lease = &mut office.lease;
        if lease.asked.is_some() {
            // Nobody has renewed it: perhaps another controller does.
            lease.controller += 1;
        }
        lease.renewals += 1;
        lease.asked = Some((lease.renewals, now.mono));
        let (epoch, renewals, asked) = (office.epoch, lease.renewals, lease.controller);
        office.change.iter_mut().for_each(Change::ask_again);
        for (place, controller) in controllers.iter().enumerate() {
            let is_asked = place == asked % controllers.len();
            let renewal = is_asked.then_some(renewals);
            self.say(*controller, Word::Alive { epoch, renewal }, out);
        }
        self.ask_for_change(out);
        // A change that was given up was in the way.
        self.advance(now, out);
        self.send_where(|_| true, true, None, out);
    }

    pub(super) fn on_leased(
        &mut self,
        now: Now,
        epoch: Epoch,
        renewal: u64,
        out: &mut Outbox<SiblingQuorum>,
    ) {
        let Standing::Main(office) = &mut self.standing else {
            return;
        };
        let asked = office.lease.asked;
        if let Some((_, at)) =
            asked.filter(|(number, _)| (office.epoch, *number) == (epoch, renewal))
        {
            office.lease.asked = None;
            office.lease.until = Some(at + self.config.options.lease);
            self.serve(now, out);
        }
    }

    pub(super) fn on_confirmed(
        &mut self,
        now: Now,
        from: NodeId,
        (matched, executed, hash): (Seq, Seq, u64),
        copy: CopyId,
        out: &mut Outbox<SiblingQuorum>,
    ) {
        let compares = self.rules().hashes;
        let reach = self.durable.log.last().seq;
        let Standing::Main(office) = &mut self.standing else {
            return;
        };
        let differs = compares && office.differs(executed, hash);
        let Some(sibling) = office.follower(from).filter(|one| one.is_level()) else {
            return;
        };
        if differs {
            out.note(Note::ForcesClone(from));
            return self.copy_anew(from, out);
        }
        let before = (sibling.matched, sibling.copy);
        sibling.confirm(matched.min(reach));
        if sibling.copy != copy {
            // It was copied to by an earlier main, who had it not recorded: it may have forgotten what it promised.
            (sibling.copy, sibling.stage) = (copy, Stage::Live);
        }
        // Most confirmations of heartbeats say nothing new.
        if (sibling.matched, sibling.copy) != before {
            self.advance(now, out);
        }
        self.send_to(from, out);
    }

    pub(super) fn on_lacking(
        &mut self,
        from: NodeId,
        prev: Seq,
        hint: Position,
        out: &mut Outbox<SiblingQuorum>,
    ) {
        let (meeting, base) = (
            self.durable.log.newest_at_most(hint).seq,
            self.durable.log.base(),
        );
        let Standing::Main(office) = &mut self.standing else {
            return;
        };
        let Some(sibling) = office.follower(from).filter(|one| one.is_level()) else {
            return;
        };
        if hint.seq < base.seq || prev <= base.seq && prev > sibling.matched {
            // What it lacks is not in this log any more: the logs part before its base, or there.
            return self.copy_anew(from, out);
        }
        if sibling.refuse(prev, meeting) {
            self.send_to(from, out);
        }
    }

    pub(super) fn on_own_log_flushed(
        &mut self,
        now: Now,
        ticket: Ticket,
        out: &mut Outbox<SiblingQuorum>,
    ) {
        let Standing::Main(office) = &mut self.standing else {
            return;
        };
        while let Some((_, seq)) = office.flushes.pop_front_if(|(flush, _)| *flush <= ticket) {
            office.durable = seq;
        }
        if office.oath.take_if(|oath| *oath <= ticket).is_some() {
            self.send_where(|_| true, true, None, out);
        }
        self.advance(now, out);
    }

    /// How far the log is at this main and at a quorum of the siblings; while those change, of the old and of the new.
    pub fn reached(&self) -> Seq {
        let Standing::Main(office) = &self.standing else {
            return Seq(0);
        };
        let joint = self.rules().joint;
        let mut reached = office.reached(&office.siblings, false, !joint);
        if let Some(change) = office.change.as_ref().filter(|_| joint) {
            reached = reached.min(office.reached_anew(change));
        }
        reached.min(office.durable)
    }

    /// Accepts what a quorum has on disk, if it is of this epoch; what was inherited is accepted with it.
    pub(super) fn advance(&mut self, now: Now, out: &mut Outbox<SiblingQuorum>) {
        let seq = self.reached();
        let Standing::Main(office) = &self.standing else {
            return;
        };
        let (epoch, opening) = (office.epoch, office.opening);
        let own = self.durable.log.epoch_at(seq) == Some(epoch) || !self.rules().own_epoch;
        if seq > self.accepted && own {
            let before = self.accepted;
            self.accept_to(now, seq, out);
            if before < opening && opening <= seq {
                out.note(Note::Serves(epoch));
                self.serve(now, out);
            }
        }
        self.ask_for_change(out);
    }
}

impl Office {
    pub(super) fn follower(&mut self, id: NodeId) -> Option<&mut Progress> {
        self.followers.iter_mut().find(|one| one.id == id)
    }

    /// How far a quorum of these siblings has come. One that is level and not recorded counts for a list that is to be
    /// recorded, and where members do not change with care, for any.
    fn reached(&self, siblings: &[NodeId], level: bool, anyone: bool) -> Seq {
        let mut reached = [Seq(0); 2 * MAX_SIBLINGS];
        let mut votes = 0;
        for one in &self.followers {
            let counts = match one.stage {
                Stage::Counted => true,
                Stage::Live => level || anyone,
                Stage::Copying { .. } | Stage::Reviving { .. } => false,
            };
            if counts && (siblings.contains(&one.id) || anyone) && votes < reached.len() {
                reached[votes] = one.matched;
                votes += 1;
            }
        }
        let quorum = accept_quorum(siblings.len());
        // Who is not level has nothing that counts.
        let votes = &mut reached[..votes.max(quorum)];
        reached_by(votes, quorum, Seq(u64::MAX))
    }

    /// How far a quorum of the siblings to come has come.
    pub(super) fn reached_anew(&self, change: &Change) -> Seq {
        self.reached(&change.siblings, true, false)
    }

    /// Forgets what its resources were before: for small worlds, in which nobody compares hashes.
    pub(super) fn forget_hashes(&mut self) {
        self.hashes.clear();
        self.hashed = Seq(0);
    }

    /// Whether a sibling's resources at a place are others than its own were there.
    fn differs(&self, executed: Seq, hash: u64) -> bool {
        let place = executed.0.checked_sub(self.hashed.0);
        let own = place.and_then(|place| self.hashes.get(place as usize));
        own.is_some_and(|own| *own != hash)
    }
}
