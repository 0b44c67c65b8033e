//! One group at one managing node: its state, and the way from what is heard to the handler of its standing.

use std::sync::Arc;

use super::SiblingQuorum;
use super::charter::{Charter, controllers, is_controller, location};
use super::intake::Intake;
use super::log::{Command, Epoch, Seq};
use super::message::{GroupId, Message, Timer, Word};
use super::note::Note;
use super::office::Office;
use super::options::Rules;
use super::resource::Machine;
use super::state::{Durable, Record, Recovered};
use crate::kv::Key;
use crate::process::Config;
use crate::{NodeId, Now, Outbox, Ticket};

/// One group at one managing node.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Replica {
    pub(super) me: NodeId,
    pub(super) group: GroupId,
    pub(super) config: Arc<Config<SiblingQuorum>>,
    /// What survives a crash.
    pub durable: Durable,
    /// How far it knows the log to be accepted; executed to here as well.
    pub accepted: Seq,
    /// The resources.
    pub machine: Machine,
    /// What it is to the group.
    pub standing: Standing,
    /// Whether its main has said that it is recorded, and counts.
    pub(super) is_normal: bool,
}

/// What a node is to a group, with what it keeps for that.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Standing {
    /// Nothing, as far as it knows.
    Outside,
    /// It is being made a sibling.
    Newcomer(Intake),
    /// A sibling of that main, if it has heard of one in this life.
    Sibling(Option<NodeId>),
    /// The main.
    Main(Box<Office>),
}

impl Standing {
    /// What a newcomer has executed out of order, if it has.
    pub(super) fn newcomer_disorder(&self) -> Option<(Key, Seq, Seq)> {
        match self {
            Standing::Newcomer(intake) => intake.disorder(),
            _ => None,
        }
    }
}

impl Replica {
    /// What a node is to a group when it starts.
    pub(super) fn boot(
        me: NodeId,
        group: GroupId,
        config: &Arc<Config<SiblingQuorum>>,
        found: Recovered,
        out: &mut Outbox<SiblingQuorum>,
    ) -> Replica {
        let Recovered { durable, machine } = found;
        let mut replica = Replica {
            me,
            group,
            config: Arc::clone(config),
            accepted: durable.log.base().seq,
            durable,
            machine,
            standing: Standing::Outside,
            is_normal: false,
        };
        if replica.durable.copy.is_none() {
            replica.on_register(out);
            return replica;
        }
        replica.standing = Standing::Sibling(None);
        let reigned = replica.durable.reigned;
        if reigned > Epoch(0) && reigned == replica.durable.promised {
            // What it had sent of this epoch may be more than it remembers: it must not go on in it.
            replica.resign(reigned, out);
        }
        replica
    }

    pub(super) fn on_word(
        &mut self,
        now: Now,
        from: NodeId,
        word: Word,
        out: &mut Outbox<SiblingQuorum>,
    ) {
        match word {
            Word::Ask { .. } => self.on_ask(now, from, word, out),
            Word::Replicate {
                epoch,
                prev,
                entries,
                accepted,
                normal,
            } => {
                self.on_replicate(now, from, epoch, (prev, entries, accepted), out);
                if self.durable.promised == epoch {
                    self.is_normal = normal;
                }
            }
            Word::Fence { epoch, copy } => self.on_fence(now, from, (epoch, copy), out),
            Word::Promote(charter) => self.on_promote(now, from, charter, out),
            Word::Recorded(charter) => self.on_recorded(now, &charter, out),
            Word::Outdated(epoch) => {
                if self.reigns().is_some_and(|mine| mine < epoch) {
                    self.obey(now, epoch, None, out);
                    out.flush();
                }
            }
            Word::Copy { .. } | Word::Replay { .. } | Word::GoLive { .. } => {
                self.on_sync(now, from, word, out);
            }
            Word::Dismissed(epoch) => {
                if epoch >= self.durable.promised && matches!(self.standing, Standing::Sibling(_)) {
                    self.standing = Standing::Outside;
                }
            }
            _ => self.on_word_to_main(now, from, word, out),
        }
    }

    pub(super) fn on_flushed(&mut self, now: Now, ticket: Ticket, out: &mut Outbox<SiblingQuorum>) {
        if let Standing::Main(_) = self.standing {
            self.on_own_log_flushed(now, ticket, out);
        }
    }

    /// A node that has no copy asks to be registered again; if it belongs to the group, it gets one.
    pub(super) fn on_register(&mut self, out: &mut Outbox<SiblingQuorum>) {
        if self.durable.copy.is_some() {
            return;
        }
        out.arm(Timer::Register(self.group), self.config.options.takeover);
        if let Standing::Newcomer(intake) = &mut self.standing
            && !intake.goes_on()
        {
            // Whoever copied to it is not there any more.
            self.standing = Standing::Outside;
        }
        if matches!(self.standing, Standing::Outside) {
            self.tell_controllers(|| Word::RegisterSibling, out);
        }
    }

    /// Learns what the controllers have recorded.
    fn on_recorded(&mut self, now: Now, charter: &Charter, out: &mut Outbox<SiblingQuorum>) {
        if self.reigns().is_some_and(|mine| mine < charter.epoch) {
            self.obey(now, charter.epoch, None, out);
            out.flush();
        }
        if self.durable.copy.is_none() && !charter.has(self.me) {
            // A controller may be behind: it asks again, and not so soon.
            out.arm(Timer::Register(self.group), self.config.options.fail);
        }
    }

    /// Promises a newer epoch, or takes note of who is its main. Whoever was the main of an older one is it no more. The
    /// caller flushes before anything that depends on it leaves.
    pub(super) fn obey(
        &mut self,
        now: Now,
        epoch: Epoch,
        main: Option<NodeId>,
        out: &mut Outbox<SiblingQuorum>,
    ) {
        assert!(epoch >= self.durable.promised, "epochs only grow");
        if epoch > self.durable.promised {
            out.note(Note::Promises(epoch));
            self.durable.promised = epoch;
            out.write(self.promise());
        }
        if self.reigns().is_some_and(|mine| mine < epoch) {
            self.retire(now, out);
        }
        match &mut self.standing {
            Standing::Sibling(known) if main.is_some() => *known = main,
            Standing::Outside if main.is_some() && self.durable.copy.is_some() => {
                self.standing = Standing::Sibling(main);
            }
            _ => {}
        }
    }

    /// Stops being the main: its alarms end, and so does what it kept for its users.
    pub(super) fn retire(&mut self, now: Now, out: &mut Outbox<SiblingQuorum>) {
        let Standing::Main(office) = &self.standing else {
            return;
        };
        out.note(Note::Retires(office.epoch));
        out.disarm(Timer::Heartbeat(self.group));
        for follower in &office.followers {
            out.disarm(Timer::Again(self.group, follower.id));
        }
        self.standing = Standing::Sibling(None);
        if !self.rules().roll_back {
            self.accept_to(now, self.durable.log.last().seq, out);
        }
    }

    /// Says that it is not the main of that epoch any more: nobody has to wait for its lease.
    pub(super) fn resign(&self, epoch: Epoch, out: &mut Outbox<SiblingQuorum>) {
        out.note(Note::Resigns(epoch));
        self.tell_controllers(|| Word::Resigned(epoch), out);
    }

    /// The epoch that it is the main of.
    pub fn reigns(&self) -> Option<Epoch> {
        match &self.standing {
            Standing::Main(office) => Some(office.epoch),
            _ => None,
        }
    }

    pub(super) fn rules(&self) -> &Rules {
        &self.config.options.rules
    }

    /// The promise, to be written.
    pub(super) fn promise(&self) -> Record {
        Record::Promise {
            group: self.group,
            promised: self.durable.promised,
            reigned: self.durable.reigned,
            copy: self.durable.copy,
        }
    }

    /// A flush, where the log and the promise are durable before anything rests on them.
    pub(super) fn flush(&self, out: &mut Outbox<SiblingQuorum>) {
        if self.rules().durable {
            out.flush();
        }
    }

    pub(super) fn say(&self, to: NodeId, word: Word, out: &mut Outbox<SiblingQuorum>) {
        let group = self.group;
        out.send(to, Message { group, word });
    }

    /// Past the flush: the caller says why.
    pub(super) fn say_past_flush(&self, to: NodeId, word: Word, out: &mut Outbox<SiblingQuorum>) {
        let group = self.group;
        out.send_past_flush(to, Message { group, word });
    }

    /// Past the flush: what is asked of controllers here, or told to them, promises nothing.
    fn tell_controllers(&self, word: impl Fn() -> Word, out: &mut Outbox<SiblingQuorum>) {
        let everywhere = self.config.servers.iter().copied();
        for controller in everywhere.filter(|id| is_controller(*id)) {
            self.say_past_flush(controller, word(), out);
        }
    }

    /// The controllers of the location where this node stands.
    pub(super) fn controllers_here(&self) -> impl Iterator<Item = NodeId> {
        controllers(
            &self.config,
            location(self.me, self.config.options.locations),
        )
    }

    /// Executes the log up to that place, which is known to be accepted; the main answers those who asked for it.
    pub(super) fn accept_to(&mut self, now: Now, seq: Seq, out: &mut Outbox<SiblingQuorum>) {
        let (remembers, main_decides) = (self.rules().remembered, self.rules().main_decides);
        assert!(
            seq <= self.durable.log.last().seq,
            "only what is in the log can be accepted"
        );
        while self.accepted < seq {
            let next = self.accepted.next();
            let entry = self.durable.log.get(next);
            let mut entry = *entry.expect("what is executed is in the log");
            if let (false, Command::Update { at, .. }) = (main_decides, &mut entry.command) {
                *at = now.wall;
            }
            let answer = self.machine.execute(next, &entry, remembers);
            self.accepted = next;
            if let Standing::Main(office) = &mut self.standing {
                office.executed(self.group, next, &self.machine, (answer, remembers), out);
            }
        }
    }
}
