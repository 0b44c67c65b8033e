//! A location controller: it knows, with the others of its location, who is the main of each group and who its siblings
//! are, keeps the main's lease, and verifies and records who is to be a sibling.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::SiblingQuorum;
use super::charter::{Charter, controllers, location, managing};
use super::log::{Epoch, Seq};
use super::message::{GroupId, Message, Timer, Word};
use super::note::Note;
use super::records::Purpose;
use super::request::{Request, Response};
use super::search::Search;
use super::state::{Record, Unfit, inspect};
use crate::process::{Config, Damage, Input, Role};
use crate::register::{Change, Pace, Register, Version};
use crate::{Life, NodeId, Now, Outbox, Span, SpanRange, Time};

/// A location controller.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Controller {
    /// What it is in charge of, by group: the place of each is its number.
    pub charges: Vec<Charge>,
}

/// One group, as a controller looks after it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Charge {
    pub(super) me: NodeId,
    pub(super) life: Life,
    pub(super) group: GroupId,
    pub(super) config: Arc<Config<SiblingQuorum>>,
    /// Its part of the register that the controllers of its location share.
    pub register: Register<Charter>,
    /// How many changes of the register it has asked for, and what each of those that are open is for.
    pub(super) asked: u64,
    pub(super) open: BTreeMap<u64, Purpose>,
    /// The newest charter that it knows to be decided, and its version.
    pub known: Charter,
    pub(super) version: Version,
    /// When the main was last heard, or learned of; and whether it was heard at all in its epoch.
    pub(super) heard: Time,
    pub(super) is_up: bool,
    /// Whether it has left it to another controller to find a main.
    pub(super) is_patient: bool,
    /// How far it has come in looking for another main.
    pub search: Search,
    /// Operators who wait for a change of the siblings.
    pub(super) operators: Vec<Operator>,
    /// The newest epoch of which another location has been told that it is in charge.
    pub(super) handed: Epoch,
}

/// An operator who waits.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Operator {
    pub(super) client: NodeId,
    pub(super) life: Life,
    pub(super) number: u64,
    pub(super) node: NodeId,
    pub(super) comes: bool,
}

/// How long a controller waits for the others of its location: they are near.
const PACE: Pace = Pace {
    patience: SpanRange::new(Span::millis(100), Span::millis(200)),
    backoff: SpanRange::new(Span::millis(5), Span::millis(20)),
};

pub(super) fn format(me: NodeId) -> Vec<Record> {
    vec![Record::Identity(me)]
}

impl Controller {
    pub(super) fn boot(
        config: &Arc<Config<SiblingQuorum>>,
        (me, life): (NodeId, Life),
        now: Now,
        disk: &[Result<Record, Damage>],
        out: &mut Outbox<SiblingQuorum>,
    ) -> Controller {
        if disk.last() == Some(&Err(Damage::Torn)) {
            out.note(Note::FindsTornTail);
        }
        if let Err(unfit) = inspect(disk) {
            out.note(unfit.note());
            out.stop(match unfit {
                Unfit::Wiped => "its disk was wiped: what it promised is lost",
                Unfit::Rotten => "a record on disk is rotten: what it promised is lost",
            });
        }
        let groups = (0..config.options.groups).map(GroupId);
        let charge = |group| Charge::boot(config, (me, life), group, now, disk, out);
        Controller {
            charges: groups.map(charge).collect(),
        }
    }

    pub(super) fn step(
        &mut self,
        now: Now,
        input: Input<SiblingQuorum>,
        out: &mut Outbox<SiblingQuorum>,
    ) {
        match input {
            Input::Delivered(from, Message { group, word }) => {
                if let Some(charge) = self.charges.get_mut(group.0 as usize) {
                    charge.on_word(now, from, word, out);
                }
            }
            Input::Fired(
                timer @ (Timer::Watch(group)
                | Timer::LeaseOver(group)
                | Timer::Search(group)
                | Timer::Decide(group)),
            ) => {
                if let Some(charge) = self.charges.get_mut(group.0 as usize) {
                    charge.on_alarm(now, timer, out);
                }
            }
            Input::Failed(error) => {
                out.note(Note::DiskFailed(error));
                out.stop("its disk failed");
            }
            Input::Quit => out.stop("was asked to quit"),
            // They speak in datagrams, among servers that know each other.
            Input::Opened { .. } | Input::Arrived(..) | Input::Credit(..) | Input::Closed(..) => {}
            // The affairs of managing nodes and users.
            Input::Fired(_) | Input::Flushed(_) | Input::Resolved(_) | Input::Requested(..) => {}
        }
    }

    pub(super) fn role(&self) -> Role {
        let seeks = self.charges.iter().any(|charge| charge.search.is_open());
        let name = if seeks { "seeker" } else { "controller" };
        Role { name, rank: 0 }
    }
}

impl Charge {
    fn boot(
        config: &Arc<Config<SiblingQuorum>>,
        (me, life): (NodeId, Life),
        group: GroupId,
        now: Now,
        disk: &[Result<Record, Damage>],
        out: &mut Outbox<SiblingQuorum>,
    ) -> Charge {
        let here = location(me, config.options.locations);
        let members: Vec<NodeId> = if config.options.rules.one_register {
            controllers(config, here).collect()
        } else {
            // Each for itself.
            vec![me]
        };
        let founding = Charter::founding(config, group);
        let mut register = Register::new(me, &members, life, founding.clone(), PACE);
        for record in disk.iter().flatten() {
            if let Record::Register(of, record) = record
                && *of == group
            {
                register.recover(record);
            }
        }
        let mut charge = Charge {
            me,
            life,
            group,
            config: Arc::clone(config),
            register,
            asked: 0,
            open: BTreeMap::new(),
            known: founding,
            version: Version(0),
            heard: now.mono,
            is_up: false,
            is_patient: false,
            search: Search::Idle,
            operators: Vec::new(),
            handed: Epoch(1),
        };
        out.arm(Timer::Watch(group), config.options.heartbeat);
        charge.decide(now, Purpose::Look, Change::Look, out);
        charge
    }

    fn on_word(&mut self, now: Now, from: NodeId, word: Word, out: &mut Outbox<SiblingQuorum>) {
        match word {
            Word::Register(message) => {
                let acts = self.register.on_message(from, message);
                self.carry_out(now, acts, out);
            }
            Word::HandedOver(epoch) => self.handed = self.handed.max(epoch),
            Word::Handover(charter) => self.on_handover(now, from, charter, out),
            // Of what its location is not in charge of, it only says what it knows.
            _ if self.known.seat != self.here() && from.is_client() => {
                self.say(from, Word::Recorded(self.known.clone()), out);
            }
            _ if self.known.seat != self.here() => {}
            Word::Alive { epoch, renewal } => self.on_alive(now, from, epoch, renewal, out),
            Word::Unreachable(epoch) => self.on_unreachable(now, from, epoch, out),
            Word::Resigned(epoch) => self.on_resigned(now, from, epoch, out),
            Word::Fenced { epoch, last } => self.on_fenced(now, from, epoch, last, out),
            Word::RegisterSibling => self.on_register_sibling(now, from, out),
            Word::Admit {
                epoch,
                list,
                siblings,
                copies,
            } => self.on_admit(now, from, epoch, (list, siblings, copies), out),
            Word::Ask {
                life,
                number,
                request,
                ..
            } => self.on_ask(now, from, (life, number, request), out),
            // A node has promised an epoch that is newer than what is known here.
            Word::Outdated(epoch) if epoch > self.known.epoch => self.look(now, out),
            // Meant for managing nodes and users.
            _ => {}
        }
    }

    fn on_alarm(&mut self, now: Now, timer: Timer, out: &mut Outbox<SiblingQuorum>) {
        match timer {
            Timer::Decide(_) => {
                let acts = self.register.on_alarm();
                self.carry_out(now, acts, out);
            }
            Timer::Watch(_) => self.on_watch(now, out),
            Timer::LeaseOver(_) => self.on_lease_over(now, out),
            Timer::Search(_) => self.on_search(now, out),
            _ => {}
        }
    }

    /// Looks after the main: it is promoted until it is heard, and replaced when it is heard no more.
    fn on_watch(&mut self, now: Now, out: &mut Outbox<SiblingQuorum>) {
        let options = self.config.options.clone();
        out.arm(Timer::Watch(self.group), options.heartbeat);
        if self.known.seat != self.here() {
            return self.hand_over(out);
        }
        // Another controller may have recorded something, or begun to.
        let accepted = &self.register.accepted().value;
        let news = (accepted.epoch, accepted.main, accepted.seat)
            != (self.known.epoch, self.known.main, self.known.seat)
            || accepted.siblings != self.known.siblings;
        if news {
            self.look(now, out);
        }
        match (self.known.main, &self.search) {
            (Some(_), Search::Idle) => {
                self.promote(out);
                if now.mono.since(self.heard) > options.fail {
                    self.suspect(now, false, out);
                }
            }
            (None, Search::Idle) => self.leave_to_others(out),
            _ => {}
        }
    }

    /// The main is here; and it has its lease renewed, if nothing has changed meanwhile.
    fn on_alive(
        &mut self,
        now: Now,
        from: NodeId,
        epoch: Epoch,
        renewal: Option<u64>,
        out: &mut Outbox<SiblingQuorum>,
    ) {
        if epoch > self.known.epoch {
            return self.look(now, out);
        }
        if self.known.main != Some(from) || epoch < self.known.epoch {
            return self.say(from, Word::Recorded(self.known.clone()), out);
        }
        self.is_heard(now, out);
        let renews = |purpose: &Purpose| matches!(purpose, Purpose::Renew(..));
        if let Some(renewal) = renewal
            && !self.open.values().any(renews)
            && self.search == Search::Idle
        {
            self.renew(now, (from, epoch, renewal), out);
        }
    }

    pub(super) fn renew(
        &mut self,
        now: Now,
        (main, epoch, renewal): (NodeId, Epoch, u64),
        out: &mut Outbox<SiblingQuorum>,
    ) {
        let to = Charter {
            lease: self.known.lease + 1,
            ..self.known.clone()
        };
        self.swap(now, Purpose::Renew(main, epoch, renewal), to, out);
    }

    /// A node says that it has no copy. If it belongs to the group, the main makes it one; a main without a copy is none.
    fn on_register_sibling(&mut self, now: Now, from: NodeId, out: &mut Outbox<SiblingQuorum>) {
        if !self.known.has(from) {
            self.say(from, Word::Recorded(self.known.clone()), out);
        } else if self.known.main == Some(from) {
            self.suspect(now, true, out);
        } else if let Some(main) = self.known.main {
            let word = Word::AddSibling {
                node: from,
                anew: true,
            };
            self.say(main, word, out);
        }
    }

    /// Verifies what an operator asks, and has the main do it.
    fn on_ask(
        &mut self,
        now: Now,
        from: NodeId,
        (life, number, request): (Life, u64, Request),
        out: &mut Outbox<SiblingQuorum>,
    ) {
        let (node, comes) = match request {
            Request::Register(_, node) => (node, true),
            Request::Remove(_, node) => (node, false),
            _ => return,
        };
        let node = managing(&self.config).find(|id| id.number() == node);
        let siblings = &self.known.siblings;
        let answer = match node {
            None => Some(Response::Refused),
            Some(node) if comes && self.known.has(node) => Some(Response::Recorded),
            Some(node) if !comes && !self.known.has(node) => Some(Response::Recorded),
            Some(node) if !comes && (!siblings.contains(&node) || siblings.len() == 1) => {
                Some(Response::Refused)
            }
            Some(_) => None,
        };
        let (Some(node), None) = (node, answer) else {
            let response = answer.unwrap_or(Response::Refused);
            return self.answer(from, (life, number), response, out);
        };
        let operator = Operator {
            client: from,
            life,
            number,
            node,
            comes,
        };
        self.operators.retain(|other| other.client != from);
        self.operators.push(operator);
        let Some(main) = self.known.main else { return };
        if comes {
            self.say(main, Word::AddSibling { node, anew: false }, out);
        } else if self.config.options.rules.joint {
            self.say(main, Word::RemoveSibling(node), out);
        } else {
            // Without care the list is shortened first, and the main is told afterwards.
            let mut siblings = self.known.siblings.clone();
            siblings.retain(|sibling| *sibling != node);
            let roll = (self.known.list + 1, siblings, self.known.copies.clone());
            self.on_admit(now, main, self.known.epoch, roll, out);
        }
    }

    pub(super) fn answer(
        &self,
        to: NodeId,
        (life, number): (Life, u64),
        response: Response,
        out: &mut Outbox<SiblingQuorum>,
    ) {
        let seen = Seq(0);
        let word = Word::Answer {
            life,
            number,
            response,
            seen,
        };
        self.say(to, word, out);
    }

    /// Counts changes and versions of the register from zero again: for small worlds, in which nobody else asks for any.
    pub(super) fn forget_names(&mut self) {
        assert!(self.open.is_empty(), "who is alone decides at once");
        (self.asked, self.version) = (0, Version(0));
    }
}
