//! How a controller finds another main.
//!
//! ```text
//!   suspects the main ── looks: it is still recorded ── waits for the lease to end ── claims: compare and set
//!   epoch + 1, no main ── fences siblings until Q have answered ── appoints the best log: compare and set ── promotes
//! ```
//!
//! The lease needs no clock in common. A renewal changes the register, so a controller that has looked and then waited
//! for as long as a lease lasts fails to claim if there was one meanwhile; and if there was none, the last one ended
//! before the wait did. Two controllers may do all this at once: one of them claims, and the other finds that out.

use std::collections::BTreeMap;

use super::SiblingQuorum;
use super::charter::{Charter, location, managing};
use super::controller::Charge;
use super::log::{Epoch, Position};
use super::message::{Timer, Word};
use super::note::Note;
use super::records::Purpose;
use crate::{NodeId, Now, Outbox};

/// How far a controller has come in looking for another main.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Search {
    /// There is no need.
    Idle,
    /// It makes sure that the suspect is still the main; whether its lease must be waited for.
    Looking {
        /// Whether the main has said itself that it serves no more.
        resigned: bool,
    },
    /// It waits for the lease to end.
    Waiting,
    /// It opens a new epoch.
    Claiming,
    /// It has the siblings promise to obey the new epoch, and tell how far their logs go.
    Fencing(BTreeMap<NodeId, Position>),
    /// It records the one that it has chosen.
    Appointing,
}

impl Search {
    /// Whether a new epoch is open, or about to be.
    pub(super) fn is_open(&self) -> bool {
        match self {
            Search::Idle | Search::Looking { .. } | Search::Waiting => false,
            Search::Claiming | Search::Fencing(_) | Search::Appointing => true,
        }
    }
}

impl Charge {
    /// Begins to look for another main, unless it does so already.
    pub(super) fn suspect(&mut self, now: Now, resigned: bool, out: &mut Outbox<SiblingQuorum>) {
        let begins = match self.search {
            Search::Idle => true,
            Search::Waiting => resigned,
            _ => false,
        };
        let Some(main) = self.known.main.filter(|_| begins) else {
            return;
        };
        out.note(Note::Suspects(main, self.known.epoch));
        self.search = Search::Looking { resigned };
        self.look(now, out);
    }

    /// The main is heard: nobody else is needed, unless a new epoch is open already.
    pub(super) fn is_heard(&mut self, now: Now, out: &mut Outbox<SiblingQuorum>) {
        (self.heard, self.is_up) = (now.mono, true);
        if let Search::Looking { resigned: false } | Search::Waiting = self.search {
            self.search = Search::Idle;
            out.disarm(Timer::LeaseOver(self.group));
        }
    }

    /// A user cannot reach the main. That is enough if it was not heard here either for a while.
    pub(super) fn on_unreachable(
        &mut self,
        now: Now,
        from: NodeId,
        epoch: Epoch,
        out: &mut Outbox<SiblingQuorum>,
    ) {
        let silent = now.mono.since(self.heard) > self.config.options.suspicion;
        if epoch == self.known.epoch && silent {
            self.suspect(now, false, out);
        }
        self.say(from, Word::Recorded(self.known.clone()), out);
    }

    /// The main says itself that it serves no more: its lease has ended with that.
    pub(super) fn on_resigned(
        &mut self,
        now: Now,
        from: NodeId,
        epoch: Epoch,
        out: &mut Outbox<SiblingQuorum>,
    ) {
        if (self.known.main, self.known.epoch) == (Some(from), epoch) {
            self.suspect(now, true, out);
        }
    }

    /// What is recorded is known for certain, as of after the suspicion.
    pub(super) fn on_looked(&mut self, now: Now, out: &mut Outbox<SiblingQuorum>) {
        let Search::Looking { resigned } = self.search else {
            return;
        };
        let rules = &self.config.options.rules;
        if resigned || !rules.lease {
            return self.claim(now, out);
        }
        self.search = Search::Waiting;
        let wait = self.config.options.lease + self.config.options.margin;
        out.arm(Timer::LeaseOver(self.group), wait);
    }

    pub(super) fn on_lease_over(&mut self, now: Now, out: &mut Outbox<SiblingQuorum>) {
        if self.search == Search::Waiting {
            self.claim(now, out);
        }
    }

    /// Opens a new epoch, if nothing was recorded since it looked: no lease was renewed either.
    fn claim(&mut self, now: Now, out: &mut Outbox<SiblingQuorum>) {
        self.search = Search::Claiming;
        let vacated = self.known.vacated();
        self.swap(now, Purpose::Claim(vacated.epoch), vacated, out);
    }

    pub(super) fn on_claimed(
        &mut self,
        now: Now,
        epoch: Epoch,
        made: bool,
        out: &mut Outbox<SiblingQuorum>,
    ) {
        // It may be known only now that it was made, when somebody else has gone on from there.
        if !made || self.known.epoch != epoch || self.known.main.is_some() {
            out.note(Note::Yields(self.known.epoch));
            self.heard = now.mono;
            return self.give_way(out);
        }
        out.note(Note::Claims(self.known.epoch));
        self.search = Search::Fencing(BTreeMap::new());
        self.fence(out);
    }

    /// Asks again all who have not answered.
    fn fence(&mut self, out: &mut Outbox<SiblingQuorum>) {
        let Search::Fencing(answers) = &self.search else {
            return;
        };
        let epoch = self.known.epoch;
        let asked = self.candidates();
        for node in asked.iter().filter(|node| !answers.contains_key(node)) {
            let copy = self.known.copy(*node);
            self.say(*node, Word::Fence { epoch, copy }, out);
        }
        out.arm(Timer::Search(self.group), self.config.options.again);
    }

    /// Whoever could be promoted: the last main, should it be there, and the siblings; where nobody asks who holds what,
    /// any managing node.
    fn candidates(&self) -> Vec<NodeId> {
        if self.config.options.rules.holders_only {
            self.known.members().collect()
        } else {
            managing(&self.config).collect()
        }
    }

    pub(super) fn on_search(&mut self, now: Now, out: &mut Outbox<SiblingQuorum>) {
        match self.search {
            Search::Fencing(_) => self.fence(out),
            // Whoever had claimed has not found a main.
            Search::Idle if self.known.main.is_none() => self.claim(now, out),
            _ => {}
        }
    }

    /// Somebody else has opened an epoch, and has some time to find a main for it.
    pub(super) fn leave_to_others(&mut self, out: &mut Outbox<SiblingQuorum>) {
        if !self.is_patient {
            self.is_patient = true;
            out.arm(Timer::Search(self.group), self.config.options.takeover);
        }
    }

    /// What is recorded is not what it was looking for.
    pub(super) fn give_way(&mut self, out: &mut Outbox<SiblingQuorum>) {
        self.search = Search::Idle;
        out.disarm(Timer::LeaseOver(self.group));
        out.disarm(Timer::Search(self.group));
    }

    pub(super) fn on_fenced(
        &mut self,
        now: Now,
        from: NodeId,
        epoch: Epoch,
        last: Position,
        out: &mut Outbox<SiblingQuorum>,
    ) {
        let asked = self.candidates().contains(&from);
        let Search::Fencing(answers) = &mut self.search else {
            return;
        };
        if epoch != self.known.epoch || self.known.main.is_some() || !asked {
            return;
        }
        answers.insert(from, last);
        let answers = answers.clone();
        if let Some(chosen) = self.choose(&answers) {
            self.search = Search::Appointing;
            let seat = location(chosen, self.config.options.locations);
            let charter = self.known.appointing(chosen, seat);
            self.swap(now, Purpose::Appoint, charter, out);
        }
    }

    /// The one with the best log, once so many siblings have answered that every accepted update is at one of them, or the
    /// last main has; of several that are as good, the first of the list, and the last main before all.
    fn choose(&self, answers: &BTreeMap<NodeId, Position>) -> Option<NodeId> {
        let rules = &self.config.options.rules;
        let Charter { last, siblings, .. } = &self.known;
        let speaks = |node: &&NodeId| siblings.contains(node) || !rules.holders_only;
        let speakers = answers.keys().filter(speaks).count();
        let needed = if rules.ask_quorum {
            self.known.query_quorum()
        } else {
            1
        };
        // The last main has accepted nothing that is not on its own disk, and nobody before it can accept any more.
        if speakers < needed && !answers.contains_key(last) {
            return None;
        }
        let candidates = self.candidates();
        let mut answered = candidates.iter().filter_map(|node| {
            let position = answers.get(node)?;
            Some((*node, *position))
        });
        if !rules.best_log {
            let first = answered.find(|(node, _)| node != last);
            return first.map(|(node, _)| node);
        }
        let best = answered.reduce(|best, next| if next.1 > best.1 { next } else { best });
        best.map(|(node, _)| node)
    }

    pub(super) fn on_appointed(&mut self, made: bool, out: &mut Outbox<SiblingQuorum>) {
        self.give_way(out);
        match self.known.main {
            Some(main) if made => {
                out.note(Note::Appoints(main, self.known.epoch));
                if self.known.seat == self.here() {
                    self.promote(out);
                } else {
                    out.note(Note::HandsOver(main));
                    self.hand_over(out);
                }
            }
            _ => out.note(Note::Yields(self.known.epoch)),
        }
    }
}
