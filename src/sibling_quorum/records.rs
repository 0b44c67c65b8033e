//! What the controllers of a location decide together, and what each of them makes of it.

use std::collections::BTreeMap;

use super::SiblingQuorum;
use super::charter::{Charter, CopyId, Location, controllers, location};
use super::controller::{Charge, Operator};
use super::log::Epoch;
use super::message::{GroupId, Message, Timer, Word};
use super::request::Response;
use super::state::Record;
use crate::register::{self, Answer, Change, ChangeId};
use crate::{NodeId, Now, Outbox};

/// Which list, the list, and the copies that those on it have.
type Roll = (u64, Vec<NodeId>, BTreeMap<NodeId, CopyId>);

/// What a change of the register is for.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum Purpose {
    /// To know.
    Look,
    /// To renew a lease.
    Renew(NodeId, Epoch, u64),
    /// To record siblings.
    Admit(NodeId, Epoch, Roll),
    /// To open an epoch.
    Claim(Epoch),
    /// To record a main.
    Appoint,
    /// To take over from another location.
    TakeOver(NodeId, Charter),
}

/// What a register of a group says, in this protocol's words.
struct Words(GroupId);

impl register::Words<Charter> for Words {
    type Protocol = SiblingQuorum;

    fn message(&self, message: register::Message<Charter>) -> Message {
        let word = Word::Register(message);
        Message {
            group: self.0,
            word,
        }
    }

    fn record(&self, record: register::Record<Charter>) -> Record {
        Record::Register(self.0, record)
    }

    fn alarm(&self) -> Timer {
        Timer::Decide(self.0)
    }
}

impl Charge {
    /// Records the siblings that a main asks for, while it is the main: what it counts is what is recorded.
    pub(super) fn on_admit(
        &mut self,
        now: Now,
        main: NodeId,
        epoch: Epoch,
        (list, siblings, copies): Roll,
        out: &mut Outbox<SiblingQuorum>,
    ) {
        if (self.known.main, self.known.epoch) != (Some(main), epoch) {
            return;
        }
        if (self.known.list, &self.known.siblings) == (list, &siblings) {
            let copies = self.known.copies.clone();
            let word = Word::Admitted {
                epoch,
                list,
                siblings,
                copies,
            };
            return self.say(main, word, out);
        }
        if list == self.known.list + 1 {
            let to = Charter {
                siblings: siblings.clone(),
                copies: copies.clone(),
                list,
                ..self.known.clone()
            };
            let purpose = Purpose::Admit(main, epoch, (list, siblings, copies));
            self.swap(now, purpose, to, out);
        }
    }

    /// Learns what is recorded, for certain.
    pub(super) fn look(&mut self, now: Now, out: &mut Outbox<SiblingQuorum>) {
        if !self.open.values().any(|purpose| *purpose == Purpose::Look) {
            self.decide(now, Purpose::Look, Change::Look, out);
        }
    }

    /// Asks for another charter in place of the one that is known: nothing may have changed since.
    pub(super) fn swap(
        &mut self,
        now: Now,
        purpose: Purpose,
        to: Charter,
        out: &mut Outbox<SiblingQuorum>,
    ) {
        let from = self.version;
        self.decide(now, purpose, Change::Swap { from, to }, out);
    }

    pub(super) fn decide(
        &mut self,
        now: Now,
        purpose: Purpose,
        change: Change<Charter>,
        out: &mut Outbox<SiblingQuorum>,
    ) {
        self.asked += 1;
        self.open.insert(self.asked, purpose);
        let id = ChangeId {
            by: self.me,
            life: self.life,
            seq: self.asked,
        };
        let acts = self.register.ask(id, change);
        self.carry_out(now, acts, out);
    }

    pub(super) fn carry_out(
        &mut self,
        now: Now,
        mut acts: Vec<register::Act<Charter>>,
        out: &mut Outbox<SiblingQuorum>,
    ) {
        if !self.config.options.rules.controllers_remember {
            acts.retain(|act| !matches!(act, register::Act::Write(_)));
        }
        for answer in register::carry_out(acts, &Words(self.group), out) {
            self.on_decided(now, answer, out);
        }
    }

    /// The register has decided.
    fn on_decided(&mut self, now: Now, answer: Answer<Charter>, out: &mut Outbox<SiblingQuorum>) {
        let Some(purpose) = self.open.remove(&answer.id.seq) else {
            return;
        };
        let made = answer.made().is_some();
        if answer.held.version >= self.version {
            self.version = answer.held.version;
            self.learn(now, answer.held.value.clone(), out);
        }
        match purpose {
            Purpose::Look => {
                self.on_looked(now, out);
                self.promote(out);
            }
            Purpose::Claim(epoch) => self.on_claimed(now, epoch, made, out),
            Purpose::Appoint => self.on_appointed(made, out),
            Purpose::Renew(main, epoch, renewal) => {
                if made {
                    self.say(main, Word::Leased { epoch, renewal }, out);
                } else if (self.known.main, self.known.epoch) == (Some(main), epoch) {
                    self.renew(now, (main, epoch, renewal), out);
                } else {
                    self.say(main, Word::Recorded(self.known.clone()), out);
                }
            }
            // If it was not made, something else was, and it is looked at again.
            Purpose::Admit(main, epoch, roll) => self.on_admit(now, main, epoch, roll, out),
            Purpose::TakeOver(from, charter) => self.on_handover(now, from, charter, out),
        }
    }

    /// Takes note of what is recorded: a new main gets its time to be heard, and operators hear what they wait for.
    fn learn(&mut self, now: Now, charter: Charter, out: &mut Outbox<SiblingQuorum>) {
        let before = std::mem::replace(&mut self.known, charter);
        if (before.epoch, before.main) != (self.known.epoch, self.known.main) {
            self.heard = now.mono;
            (self.is_up, self.is_patient) = (false, false);
            self.give_way(out);
        }
        let known = &self.known;
        let done = |operator: &Operator| known.has(operator.node) == operator.comes;
        let (done, open) = std::mem::take(&mut self.operators)
            .into_iter()
            .partition(done);
        self.operators = open;
        let done: Vec<Operator> = done;
        for operator in done {
            let this = (operator.life, operator.number);
            self.answer(operator.client, this, Response::Recorded, out);
        }
    }

    /// Tells the main that it is the main, until it is heard.
    pub(super) fn promote(&self, out: &mut Outbox<SiblingQuorum>) {
        if let Some(main) = self.known.main
            && self.known.seat == self.here()
            && !self.is_up
        {
            self.say(main, Word::Promote(self.known.clone()), out);
        }
    }

    /// Another location has sought a main and found one here: this one is in charge of it.
    pub(super) fn on_handover(
        &mut self,
        now: Now,
        from: NodeId,
        charter: Charter,
        out: &mut Outbox<SiblingQuorum>,
    ) {
        if self.known.epoch >= charter.epoch {
            self.say(from, Word::HandedOver(charter.epoch), out);
            self.promote(out);
        } else {
            let purpose = Purpose::TakeOver(from, charter.clone());
            self.swap(now, purpose, charter, out);
        }
    }

    /// Tells the controllers of the main's location that they are in charge, until one says that they know.
    pub(super) fn hand_over(&self, out: &mut Outbox<SiblingQuorum>) {
        if self.handed >= self.known.epoch {
            return;
        }
        for controller in controllers(&self.config, self.known.seat) {
            self.say(controller, Word::Handover(self.known.clone()), out);
        }
    }

    /// Where it stands.
    pub(super) fn here(&self) -> Location {
        location(self.me, self.config.options.locations)
    }

    pub(super) fn say(&self, to: NodeId, word: Word, out: &mut Outbox<SiblingQuorum>) {
        let group = self.group;
        out.send(to, Message { group, word });
    }
}
