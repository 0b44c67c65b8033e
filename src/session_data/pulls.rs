//! The side that asks in a comparison: a leader of session servers, a follower of its leader.
//!
//! A leader asks each session server for one sum of all its slots. Where that differs, slot by slot: the sums of the
//! services, and of those that differ the registrations, so many at a time, until both hold the same.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::SessionData;
use super::answers::{Holder, Question, answer, differing, known};
use super::data::{By, Data, Touched};
use super::digest::Sum;
use super::message::{CallId, Message};
use super::names::{Epoch, ProcessId, RegisterId, SlotId, Stamp};
use super::note::Note;
use super::slots::{Duty, Holding};
use super::store::{Put, Registration};
use crate::kv::Key;
use crate::{NodeId, Now, Outbox, Time};

/// A comparison that is under way.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Asked {
    /// Of all slots with a session server, by one sum.
    All,
    /// Of a slot, with whoever is asked.
    Slot(Pull),
}

/// A comparison of one slot.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Pull {
    /// Which.
    slot: SlotId,
    /// Under which leadership it began.
    leadership: Epoch,
    /// Of what this process answers for; of everything, if it is the leader that is asked.
    of: Option<ProcessId>,
    /// The services that differ, in order, once that is known.
    services: Arc<[Key]>,
    /// Up to where they are gone through.
    after: Option<RegisterId>,
    /// How far this question goes.
    upto: Option<RegisterId>,
    /// How many registrations were found to differ.
    repaired: usize,
}

/// What came of a question about registrations.
struct Found<'a> {
    process: ProcessId,
    updated: &'a [Registration],
    removed: &'a [(RegisterId, Stamp)],
    more: Option<RegisterId>,
}

impl Data {
    /// Begins the comparisons that are due and not under way.
    pub(super) fn compare_what_is_due(&mut self, now: Now, out: &mut Outbox<SessionData>) {
        // Most are on the list and connected as well.
        let sessions: BTreeSet<ProcessId> = self.sessions().collect();
        let options = &self.config.options;
        let (compare, follow, sum_first) = (
            options.data.compare,
            options.data.follow,
            options.rules.sum_first,
        );
        let is_due =
            |last: Option<&Time>, every| last.is_none_or(|last| now.mono.since(*last) >= every);
        let mut pulls: Vec<(SlotId, NodeId, Option<ProcessId>)> = Vec::new();
        for (id, holding) in &self.slots {
            match &holding.duty {
                Duty::Follower { leader, compared } => {
                    if is_due(compared.as_ref(), follow) {
                        pulls.push((*id, *leader, None));
                    }
                }
                Duty::Leader(leading) if !leading.serves => {
                    let missing = sessions
                        .iter()
                        .filter(|one| !leading.compared.contains(one));
                    pulls.extend(missing.map(|one| (*id, one.node, Some(*one))));
                }
                Duty::Leader(leading) if !sum_first => {
                    let due = sessions
                        .iter()
                        .filter(|one| is_due(leading.last.get(&one.node), compare));
                    pulls.extend(due.map(|one| (*id, one.node, Some(*one))));
                }
                Duty::Leader(_) => {}
            }
        }
        let due = sessions
            .iter()
            .filter(|one| is_due(self.compared.get(&one.node), compare));
        let due: Vec<ProcessId> = due.filter(|_| sum_first).copied().collect();
        for process in due {
            self.compare_all(now, process, out);
        }
        // One that has started again may be on the list in its former life, and connected in this one.
        let mut under_way = self.under_way();
        pulls.retain(|(slot, _, of)| under_way.insert((*slot, of.map(|of| of.node))));
        for (slot, with, of) in pulls {
            self.pull(slot, with, of, out);
        }
    }

    /// The comparisons of one slot that are under way, with which session server; or with the leader, if with none.
    fn under_way(&self) -> BTreeSet<(SlotId, Option<NodeId>)> {
        let of = |asked: &Asked| match asked {
            Asked::Slot(pull) => Some((pull.slot, pull.of.map(|of| of.node))),
            Asked::All => None,
        };
        self.calls.iter().filter_map(of).collect()
    }

    /// Compares all slots that it serves with a session server, by one sum.
    fn compare_all(&mut self, now: Now, process: ProcessId, out: &mut Outbox<SessionData>) {
        let served = self.slots.iter().filter(|(_, holding)| holding.serves());
        let mut sum = Sum::default();
        let mut slots = Vec::new();
        for (id, holding) in served {
            slots.push(*id);
            sum.add(holding.store.sum(process));
        }
        if slots.is_empty() {
            return;
        }
        self.compared.insert(process.node, now.mono);
        let timeout = self.config.options.data.timeout;
        let call = self.calls.expect(process.node, Asked::All, timeout, out);
        let slots = slots.into();
        out.send(process.node, Message::Compare { call, slots, sum });
    }

    /// Begins to compare a slot.
    fn pull(
        &mut self,
        slot: SlotId,
        with: NodeId,
        of: Option<ProcessId>,
        out: &mut Outbox<SessionData>,
    ) {
        let Some(holding) = self.slots.get(&slot) else {
            return;
        };
        let shares: Arc<[(Key, Sum)]> = match of {
            Some(process) => holding.store.shares(process).collect(),
            None => holding.store.sums().into(),
        };
        let leadership = holding.leadership;
        let anew = holding.leads() && !holding.serves();
        let pull = Pull {
            slot,
            leadership,
            of,
            services: Arc::default(),
            after: None,
            upto: None,
            repaired: 0,
        };
        let timeout = self.config.options.data.timeout;
        let call = self.calls.expect(with, Asked::Slot(pull), timeout, out);
        out.send(
            with,
            Message::Digests {
                call,
                slot,
                leadership,
                anew,
                shares,
            },
        );
    }

    /// What is said in comparisons, by who is asked and by who asks.
    pub(super) fn on_comparison(
        &mut self,
        now: Now,
        from: NodeId,
        message: Message,
        out: &mut Outbox<SessionData>,
    ) {
        match message {
            Message::Compared {
                call,
                process,
                last,
                sums,
            } if self.calls.answered(call, from, out).is_some() => {
                self.leases.insert(process, now.mono);
                self.said.insert(process, last);
                self.compare_unequal(process, &sums, out);
            }
            Message::Differing {
                call,
                process,
                last,
                services,
                gone,
            } => {
                if let Some(Asked::Slot(mut pull)) = self.calls.answered(call, from, out)
                    && self.is_still(&pull)
                {
                    pull.services = services;
                    self.take_in_tombstones(now, &pull, (process, last), &gone, out);
                    self.go_on(now, (from, process), pull, out);
                }
            }
            Message::Publishers {
                call,
                process,
                updated,
                removed,
                more,
            } => {
                if let Some(Asked::Slot(pull)) = self.calls.answered(call, from, out)
                    && self.is_still(&pull)
                {
                    let found = Found {
                        process,
                        updated: &updated,
                        removed: &removed,
                        more,
                    };
                    self.take_in(now, from, pull, &found, out);
                }
            }
            Message::NotMine(call) => {
                if let Some(asked) = self.calls.answered(call, from, out) {
                    self.comparison_failed(from, &asked);
                }
            }
            _ => self.on_question(from, message, out),
        }
    }

    /// A follower asks what is held here.
    fn on_question(&self, from: NodeId, message: Message, out: &mut Outbox<SessionData>) {
        match message {
            Message::Digests {
                call, slot, shares, ..
            } => {
                let answer = match self.led(slot) {
                    Some(holding) => {
                        let services = differing(&holding.store.sums(), &shares);
                        Message::Differing {
                            call,
                            process: self.me,
                            last: self.calls.last(),
                            services: services.into(),
                            gone: Arc::default(),
                        }
                    }
                    None => Message::NotMine(call),
                };
                out.send(from, answer);
            }
            Message::Summaries {
                call,
                slot,
                services,
                after,
                upto,
                known,
            } => {
                let question = Question {
                    services: &services,
                    after,
                    upto,
                    known: &known,
                };
                let most = self.config.options.data.answered;
                let answer = self
                    .led(slot)
                    .map(|holding| answer(&holding.store, &question, most));
                let process = self.me;
                let message = answer.map_or(Message::NotMine(call), |answer| Message::Publishers {
                    call,
                    process,
                    updated: answer.updated.into(),
                    removed: answer.removed.into(),
                    more: answer.more,
                });
                out.send(from, message);
            }
            _ => {}
        }
    }

    /// What a session server remembers to be registered no more is buried here as well.
    fn take_in_tombstones(
        &mut self,
        now: Now,
        pull: &Pull,
        (process, last): (ProcessId, CallId),
        gone: &[(RegisterId, Stamp)],
        out: &mut Outbox<SessionData>,
    ) {
        if let Some(holding) = self.slots.get_mut(&pull.slot) {
            holding.has_said(process, last);
        }
        for (id, stamp) in gone {
            let gone = Registration {
                id: *id,
                content: None,
                stamp: *stamp,
                owner: process,
            };
            self.put(now, (pull.slot, By::Comparison(process)), &gone, out);
        }
    }

    /// A session server holds something else of some slots than is held here.
    fn compare_unequal(
        &mut self,
        process: ProcessId,
        sums: &[(SlotId, Sum)],
        out: &mut Outbox<SessionData>,
    ) {
        let under_way = self.under_way();
        for (slot, sum) in sums {
            let holding = self.slots.get(slot).filter(|holding| holding.serves());
            let is_new = !under_way.contains(&(*slot, Some(process.node)));
            if is_new && holding.is_some_and(|holding| holding.store.sum(process) != *sum) {
                self.pull(*slot, process.node, Some(process), out);
            }
        }
    }

    fn led(&self, slot: SlotId) -> Option<&Holding> {
        self.slots.get(&slot).filter(|holding| holding.leads())
    }

    /// Whether a slot is still held as it was when its comparison began.
    fn is_still(&self, pull: &Pull) -> bool {
        let holding = self.slots.get(&pull.slot);
        holding.is_some_and(|holding| {
            holding.leadership == pull.leadership && holding.leads() == pull.of.is_some()
        })
    }

    /// Asks for the registrations of the services that differ, behind those that it has been through.
    fn go_on(
        &mut self,
        now: Now,
        (with, process): (NodeId, ProcessId),
        mut pull: Pull,
        out: &mut Outbox<SessionData>,
    ) {
        if pull.services.is_empty() {
            return self.is_compared(now, (with, process), &pull, out);
        }
        let Some(holding) = self.slots.get(&pull.slot) else {
            return;
        };
        let after = pull.after;
        let most = self.config.options.data.asked;
        let (known, upto) = known(&holding.store, &pull.services, pull.of, after, most);
        pull.upto = upto;
        let (slot, services) = (pull.slot, Arc::clone(&pull.services));
        self.weighed.0 = known.len();
        let timeout = self.config.options.data.timeout;
        let call = self.calls.expect(with, Asked::Slot(pull), timeout, out);
        out.send(
            with,
            Message::Summaries {
                call,
                slot,
                services,
                after,
                upto,
                known: known.into(),
            },
        );
    }

    /// Holds from now on what the other holds.
    fn take_in(
        &mut self,
        now: Now,
        from: NodeId,
        mut pull: Pull,
        found: &Found<'_>,
        out: &mut Outbox<SessionData>,
    ) {
        self.weighed.1 = found.updated.len();
        let process = found.process;
        let slot = pull.slot;
        let mut outdated = Vec::new();
        for one in found.updated {
            match self.put(now, (slot, By::Comparison(process)), one, out) {
                Put::Seen | Put::Unseen => pull.repaired += 1,
                Put::Older => outdated.push((one.id, one.stamp)),
                Put::Same => {}
            }
        }
        for (id, stamp) in found.removed {
            if self.take_away(now, &pull, (process, *id), *stamp) {
                pull.repaired += 1;
                self.has_changed(now, slot, id.service, out);
            }
        }
        if pull.of.is_some() {
            self.leases.insert(process, now.mono);
            let rules = &self.config.options.rules;
            if !outdated.is_empty() && rules.forget_outdated && rules.order_by_connection {
                let items = outdated.into();
                out.send(from, Message::Outdated { process, items });
            }
        }
        pull.after = found.more.or(pull.upto);
        if pull.after.is_some() {
            self.go_on(now, (from, process), pull, out);
        } else {
            self.is_compared(now, (from, process), &pull, out);
        }
    }

    /// Holds no more what the other does not have: a leader buries it, a follower forgets it.
    fn take_away(
        &mut self,
        now: Now,
        pull: &Pull,
        (process, id): (ProcessId, RegisterId),
        stamp: Stamp,
    ) -> bool {
        let Some(holding) = self.slots.get_mut(&pull.slot) else {
            return false;
        };
        let is_gone = match pull.of {
            Some(_) => holding.store.remove(process, id, stamp, now.mono),
            None => {
                let held = holding.store.held(id);
                held.is_some_and(|held| held.stamp == stamp) && holding.store.forget(id)
            }
        };
        if is_gone {
            let by = By::Comparison(process);
            self.touched.push(Touched { id, by });
        }
        is_gone
    }

    /// A slot has been compared to the end.
    fn is_compared(
        &mut self,
        now: Now,
        (with, process): (NodeId, ProcessId),
        pull: &Pull,
        out: &mut Outbox<SessionData>,
    ) {
        if pull.repaired > 0 {
            out.note(Note::Repairs(process, pull.repaired));
        }
        let Some(holding) = self.slots.get_mut(&pull.slot) else {
            return;
        };
        match &mut holding.duty {
            Duty::Follower { compared, .. } => *compared = Some(now.mono),
            Duty::Leader(leading) => {
                leading.last.insert(with, now.mono);
                if !leading.serves {
                    leading.compared.insert(process);
                    self.serve_what_is_compared(now, out);
                }
            }
        }
    }

    /// A comparison has come to nothing. It is begun anew when it is due.
    pub(super) fn comparison_failed(&mut self, with: NodeId, asked: &Asked) {
        if let Asked::Slot(pull) = asked
            && let Some(holding) = self.slots.get_mut(&pull.slot)
            && let Some(leading) = holding.leading()
        {
            *leading.in_vain.entry(with).or_default() += 1;
        }
    }
}
