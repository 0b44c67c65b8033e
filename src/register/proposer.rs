//! The proposer: one change at a time, in two rounds, until a majority holds what came of it.

use std::collections::VecDeque;
use std::sync::Arc;

use super::acceptor::{Consent, Record};
use super::ballot::{Ballot, ChangeId};
use super::held::{Answer, Change, Fate, Held};
use super::message::Message;
use super::register::{Act, Deed, Register};
use crate::{NodeId, SpanRange};

/// What a proposer has to do.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Proposer<V> {
    /// The highest count of a ballot that somebody refused it for.
    heard: u64,
    /// What is asked for and not taken up yet, the oldest first. Invariant: no two of one name.
    pub(crate) waiting: VecDeque<Asked<V>>,
    /// What it works at.
    pub(crate) proposal: Option<Proposal<V>>,
}

/// Somebody asks for a change.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Asked<V> {
    pub(crate) id: ChangeId,
    pub(crate) change: Change<V>,
}

/// One change on its way.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Proposal<V> {
    pub(crate) asked: Asked<V>,
    pub(crate) ballot: Ballot,
    /// How often it has begun anew.
    tries: u32,
    /// Who has promised a higher ballot. Invariant: nobody twice.
    refused: Vec<NodeId>,
    pub(crate) phase: Phase<V>,
}

/// How far a proposal is.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Phase<V> {
    /// It asks for promises.
    Preparing {
        /// Who promised. Invariant: nobody twice.
        promised: Vec<NodeId>,
        /// The highest ballot with which one of them had accepted anything.
        highest: Ballot,
        /// What that one had accepted.
        held: Arc<Held<V>>,
        /// Whether all of them had accepted that very ballot last.
        unanimous: bool,
    },
    /// It asks to hold what came of the change.
    Accepting {
        /// Who does. Invariant: nobody twice.
        accepted: Vec<NodeId>,
        /// What.
        held: Arc<Held<V>>,
        /// What became of the change, if that is chosen.
        fate: Fate<V>,
    },
    /// Others were faster; it lets them finish.
    BackingOff,
}

impl<V> Proposer<V> {
    pub(crate) fn new() -> Proposer<V> {
        Proposer {
            heard: 0,
            waiting: VecDeque::new(),
            proposal: None,
        }
    }

    /// Whether this is in line, or under way.
    pub(crate) fn knows(&self, id: ChangeId) -> bool {
        let under_way = self.proposal.as_ref().map(|proposal| &proposal.asked);
        let mut all = self.waiting.iter().chain(under_way);
        all.any(|asked| asked.id == id)
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.proposal.is_none() && self.waiting.is_empty()
    }

    pub(crate) fn asks_to_accept(&self) -> Option<Ballot> {
        let proposal = self.proposal.as_ref()?;
        matches!(proposal.phase, Phase::Accepting { .. }).then_some(proposal.ballot)
    }
}

impl<V: Clone + Eq> Register<V> {
    /// Begins with the next change in line, if it works at none.
    pub(crate) fn take_up_next(&mut self, acts: &mut Vec<Act<V>>) {
        // Who is alone has decided a change when this comes back, and can go on with the next.
        while self.proposer.proposal.is_none()
            && let Some(asked) = self.proposer.waiting.pop_front()
        {
            self.propose(asked, 0, acts);
        }
    }

    /// Asks for promises, with a ballot higher than any that it has heard of.
    fn propose(&mut self, asked: Asked<V>, tries: u32, acts: &mut Vec<Act<V>>) {
        let ballot = Ballot {
            count: self.acceptor.promised.count.max(self.proposer.heard) + 1,
            node: self.me,
            life: self.life,
        };
        // Past the flush: a question rests on nothing. No other life of this node asks with the same ballot, so a promise
        // that outlives this life is one to nobody.
        self.to_others(&Message::Prepare { ballot }, true, acts);
        let consent = self.acceptor.prepare(ballot);
        assert_eq!(consent, Consent::New, "{ballot} is higher than any before");
        acts.push(Act::Write(Record::Promised(ballot)));
        self.arm(self.pace.patience, acts);
        self.proposer.proposal = Some(Proposal {
            asked,
            ballot,
            tries,
            refused: Vec::new(),
            phase: Phase::Preparing {
                promised: vec![self.me],
                highest: self.acceptor.accepted,
                held: Arc::clone(&self.acceptor.held),
                unanimous: true,
            },
        });
        self.count_promises(acts);
    }

    pub(crate) fn on_promise(
        &mut self,
        from: NodeId,
        ballot: Ballot,
        accepted: Ballot,
        reported: Arc<Held<V>>,
        acts: &mut Vec<Act<V>>,
    ) {
        let Some(proposal) = self.proposer.proposal.as_mut() else {
            return;
        };
        let Phase::Preparing {
            promised,
            highest,
            held,
            unanimous,
        } = &mut proposal.phase
        else {
            return;
        };
        if ballot != proposal.ballot || promised.contains(&from) {
            return;
        }
        promised.push(from);
        *unanimous &= accepted == *highest;
        if accepted > *highest {
            (*highest, *held) = (accepted, reported);
        }
        self.count_promises(acts);
    }

    /// With the promises of a majority the change is decided upon what the highest of their ballots carried (the
    /// CASPaxos paper, and P2c in "Paxos Made Simple"): if anything was chosen, one of them has accepted that or what came of it.
    fn count_promises(&mut self, acts: &mut Vec<Act<V>>) {
        let Some(proposal) = self.proposer.proposal.as_mut() else {
            return;
        };
        let Phase::Preparing {
            promised,
            highest,
            held,
            unanimous,
        } = &proposal.phase
        else {
            return;
        };
        if promised.len() < self.quorum {
            return;
        }
        let Asked { id, change } = &proposal.asked;
        let (next, fate) = held.decide(*id, change);
        if next.is_none() && matches!(fate, Fate::Decided(_)) {
            acts.push(Act::Note(Deed::FindsItDecided(*id)));
        }
        let next = match next {
            // Nothing is to be changed, and a majority had accepted this very ballot last: it is chosen already, and the
            // second round can be left out. And it is no old news: what was answered before this proposal began was
            // chosen with a ballot that a majority had accepted by then. One of that majority is among those who
            // promised, and it reports what it accepted last, so the ballot they agree upon is at least that one. From
            // there on every higher ballot carries what came of it.
            None if *unanimous => {
                let (ballot, held) = (*highest, Arc::clone(held));
                return self.conclude(ballot, held, fate, acts);
            }
            // Nothing is to be changed, and yet what was found may not be chosen: it is carried through first.
            None => {
                acts.push(Act::Note(Deed::Completes(*highest, proposal.ballot)));
                Arc::clone(held)
            }
            Some(next) => Arc::new(next),
        };
        self.ask_to_accept(next, fate, acts);
    }

    fn ask_to_accept(&mut self, held: Arc<Held<V>>, fate: Fate<V>, acts: &mut Vec<Act<V>>) {
        let Some(proposal) = self.proposer.proposal.as_mut() else {
            return;
        };
        let ballot = proposal.ballot;
        let mut accepted = Vec::new();
        // Before the own write, so that it waits only for the own promise: that counted for a majority.
        let message = Message::Accept {
            ballot,
            held: Arc::clone(&held),
        };
        match self.acceptor.accept(ballot, &held) {
            Consent::New => accepted.push(self.me),
            // Meanwhile it has promised a higher ballot to another member.
            _ => {
                if !proposal.refused.contains(&self.me) {
                    proposal.refused.push(self.me);
                }
            }
        }
        let holds = !accepted.is_empty();
        proposal.phase = Phase::Accepting {
            accepted,
            held: Arc::clone(&held),
            fate,
        };
        self.to_others(&message, false, acts);
        if holds {
            acts.push(Act::Write(Record::Accepted(ballot, held)));
        }
        self.arm(self.pace.patience, acts);
        self.count_accepted(acts);
        self.count_refused(acts);
    }

    pub(crate) fn on_accepted(&mut self, from: NodeId, ballot: Ballot, acts: &mut Vec<Act<V>>) {
        let Some(proposal) = self.proposer.proposal.as_mut() else {
            return;
        };
        if let Phase::Accepting { accepted, .. } = &mut proposal.phase
            && ballot == proposal.ballot
            && !accepted.contains(&from)
        {
            accepted.push(from);
            self.count_accepted(acts);
        }
    }

    fn count_accepted(&mut self, acts: &mut Vec<Act<V>>) {
        if let Some(proposal) = &self.proposer.proposal
            && let Phase::Accepting {
                accepted,
                held,
                fate,
            } = &proposal.phase
            && accepted.len() >= self.quorum
        {
            let (ballot, held, fate) = (proposal.ballot, Arc::clone(held), fate.clone());
            self.conclude(ballot, held, fate, acts);
        }
    }

    /// What is held is chosen: who asked can be told, behind the flush of the own copy, which counted.
    fn conclude(
        &mut self,
        ballot: Ballot,
        held: Arc<Held<V>>,
        fate: Fate<V>,
        acts: &mut Vec<Act<V>>,
    ) {
        let Some(proposal) = self.proposer.proposal.take() else {
            return;
        };
        if self.members.len() > 1 {
            acts.push(Act::Disarm);
        }
        acts.push(Act::Answer(Answer {
            id: proposal.asked.id,
            fate,
            ballot,
            held,
        }));
    }

    pub(crate) fn on_refused(
        &mut self,
        from: NodeId,
        ballot: Ballot,
        promised: Ballot,
        acts: &mut Vec<Act<V>>,
    ) {
        self.proposer.heard = self.proposer.heard.max(promised.count);
        let Some(proposal) = self.proposer.proposal.as_mut() else {
            return;
        };
        if ballot == proposal.ballot && !proposal.refused.contains(&from) {
            proposal.refused.push(from);
            self.count_refused(acts);
        }
    }

    /// Once too many have promised a higher ballot this one cannot win. To ask at once with one that is higher still
    /// would only do the same to the other proposer: it waits, for a while that is drawn.
    fn count_refused(&mut self, acts: &mut Vec<Act<V>>) {
        let Some(proposal) = self.proposer.proposal.as_mut() else {
            return;
        };
        let lost = proposal.refused.len() > self.members.len() - self.quorum;
        if !lost || matches!(proposal.phase, Phase::BackingOff) {
            return;
        }
        proposal.phase = Phase::BackingOff;
        let SpanRange { min, max } = self.pace.backoff;
        let backoff = SpanRange::new(min, max * (1 << proposal.tries.min(4)));
        acts.push(Act::Note(Deed::Preempted(proposal.ballot)));
        self.arm(backoff, acts);
    }

    /// It has waited long enough. As long as nobody refused, those who are silent are asked again with the same ballot, so
    /// that an answer that takes longer than patience lasts still counts; else it begins anew with a higher one.
    pub(crate) fn go_on(&mut self, acts: &mut Vec<Act<V>>) {
        let Some(proposal) = self.proposer.proposal.take() else {
            return;
        };
        if !proposal.refused.is_empty() {
            return self.propose(proposal.asked, proposal.tries + 1, acts);
        }
        let ballot = proposal.ballot;
        let (message, heard) = match &proposal.phase {
            Phase::Preparing { promised, .. } => (Message::Prepare { ballot }, promised.clone()),
            Phase::Accepting { accepted, held, .. } => {
                let held = Arc::clone(held);
                (Message::Accept { ballot, held }, accepted.clone())
            }
            Phase::BackingOff => return self.propose(proposal.asked, proposal.tries + 1, acts),
        };
        // A question may pass, as it did when it was asked first. A proposal may not: the own promise may still be on its
        // way to the disk.
        let pass = matches!(proposal.phase, Phase::Preparing { .. });
        self.proposer.proposal = Some(proposal);
        acts.push(Act::Note(Deed::AsksAgain(ballot)));
        let silent = |id: &&NodeId| !heard.contains(id);
        for to in self.members.iter().filter(silent) {
            acts.push(Act::Send {
                to: *to,
                message: message.clone(),
                pass,
            });
        }
        self.arm(self.pace.patience, acts);
    }

    fn to_others(&self, message: &Message<V>, pass: bool, acts: &mut Vec<Act<V>>) {
        let others = self.members.iter().filter(|id| **id != self.me);
        acts.extend(others.map(|to| Act::Send {
            to: *to,
            message: message.clone(),
            pass,
        }));
    }

    /// Who is alone waits for nobody.
    fn arm(&self, within: SpanRange, acts: &mut Vec<Act<V>>) {
        if self.members.len() > 1 {
            acts.push(Act::Arm(within));
        }
    }
}
