//! A main's view of one sibling or newcomer: how far it is, and what it may be sent now.

use std::collections::VecDeque;

use super::SiblingQuorum;
use super::charter::CopyId;
use super::log::{Entries, Epoch, Log, Position, Seq};
use super::message::{GroupId, Message, Timer, Word};
use super::options::Options;
use crate::kv::Key;
use crate::{NodeId, Outbox, Span};

/// How far a sibling or newcomer is, as its main knows it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Progress {
    /// Who.
    pub id: NodeId,
    /// What is to be done with it.
    pub stage: Stage,
    /// Its log is known to be the main's up to here. Invariant: only grows, and only by what it confirmed.
    pub matched: Seq,
    /// The next entry to send. Invariant: beyond `matched`.
    pub(super) next: Seq,
    pub(super) pace: Pace,
    /// How long until it is sent again what it has not confirmed.
    pub(super) patience: Span,
    /// Which copy it has, or is to have.
    pub copy: CopyId,
    /// Whether the alarm for that is set, and whether anything has come from it since.
    pub(super) armed: bool,
    pub(super) moved: bool,
}

/// What is to be done with a sibling or newcomer: `registerSibling`, step by step.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Stage {
    /// Normal operation: it is recorded, and its confirmations count.
    Counted,
    /// It is level, and the controllers have not recorded it yet.
    Live,
    /// Syncing: it is being sent copies of the resources.
    Copying {
        /// Where the recording begins.
        from: Seq,
        /// The part that it has not confirmed.
        part: u64,
        /// The last key of the part before that.
        behind: Option<Key>,
        /// The last key of the part, once it was sent; none there if it is the last part.
        sent: Option<Option<Key>>,
    },
    /// Revival: it is being told what was recorded.
    Reviving {
        /// How far it has executed that.
        upto: Seq,
    },
}

/// How entries are sent.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum Pace {
    /// One message at a time, until the place where the logs meet is found.
    Probe { waiting: bool },
    /// Ahead of the confirmations: the last place of each message in flight.
    Stream(VecDeque<Seq>),
}

/// What a message is made of, besides the sibling's progress.
pub(super) struct Sender<'a> {
    pub(super) group: GroupId,
    pub(super) log: &'a Log,
    pub(super) options: &'a Options,
    pub(super) epoch: Epoch,
    pub(super) accepted: Seq,
    /// The last entries cut from the log: siblings that are level share them.
    pub(super) cut: Option<(Seq, Entries)>,
}

impl Progress {
    /// One of whom nothing is known but that the log may meet its own at its end.
    pub(super) fn new(id: NodeId, stage: Stage, next: Seq, patience: Span) -> Progress {
        Progress {
            id,
            stage,
            matched: Seq(0),
            next,
            pace: Pace::Probe { waiting: false },
            patience,
            copy: CopyId::default(),
            armed: false,
            moved: false,
        }
    }

    /// Whether it takes the log as it grows.
    pub(super) fn is_level(&self) -> bool {
        matches!(self.stage, Stage::Counted | Stage::Live)
    }

    /// Whether it is not known yet where its log meets the main's.
    pub(super) fn is_probed(&self) -> bool {
        matches!(self.pace, Pace::Probe { .. })
    }

    /// Its log is the main's up to `matched`: go on from there, ahead of the confirmations.
    pub(super) fn confirm(&mut self, matched: Seq) {
        self.moved |= matched > self.matched;
        self.matched = self.matched.max(matched);
        match &mut self.pace {
            Pace::Probe { .. } => {
                self.next = self.matched.next();
                self.pace = Pace::Stream(VecDeque::new());
            }
            Pace::Stream(inflight) => {
                while inflight.pop_front_if(|last| *last <= matched).is_some() {}
                self.next = self.next.max(self.matched.next());
            }
        }
    }

    /// It has no `prev`; the logs can meet at `meeting` at the latest. False if that is old news.
    ///
    /// `matched` never follows from this: the hint says where the logs could agree, not that they do.
    pub(super) fn refuse(&mut self, prev: Seq, meeting: Seq) -> bool {
        let asked = match self.pace {
            Pace::Probe { .. } => prev == self.next.before(),
            Pace::Stream(_) => true,
        };
        // What it has confirmed it has: it says nothing new that it lacks that.
        let current = asked && prev > self.matched;
        if current {
            self.moved = true;
            self.next = prev.min(meeting.next()).max(self.matched.next());
            self.pace = Pace::Probe { waiting: false };
        }
        current
    }

    /// Goes back to what it has confirmed: what was sent since may be lost.
    pub(super) fn rewind(&mut self) {
        self.next = match self.pace {
            // Where the logs meet is not known yet: ask again at the same place.
            Pace::Probe { .. } => self.next,
            Pace::Stream(_) => self.matched.next(),
        };
        self.pace = Pace::Probe { waiting: false };
    }
}

impl Sender<'_> {
    /// Sends a sibling what it may be sent now: entries as far as its window is open, and in any case something if it
    /// `must` hear from its main.
    ///
    /// Past the flush: what a main sends rests on its oath alone, which was durable before it sent anything; its own copy
    /// of the entries counts separately.
    pub(super) fn send(
        &mut self,
        sibling: &mut Progress,
        must: bool,
        out: &mut Outbox<SiblingQuorum>,
    ) {
        let mut owed = must;
        loop {
            let open = match &sibling.pace {
                Pace::Probe { waiting } => !waiting,
                Pace::Stream(inflight) => inflight.len() < self.options.window,
            };
            let carry = open && sibling.next <= self.log.last().seq;
            // A sibling whose log may differ is asked for it, even if there is nothing to send.
            let asks = open && matches!(sibling.pace, Pace::Probe { .. });
            if !carry && !owed && !asks {
                return;
            }
            let prev = self.log.position(sibling.next.before());
            let prev = prev.expect("`next` is behind the base and at most one beyond the log");
            let entries = if carry {
                self.cut(sibling.next)
            } else {
                Entries::default()
            };
            let last = Seq(prev.seq.0 + entries.len() as u64);
            self.tell(sibling, prev, entries, out);
            owed = false;
            match &mut sibling.pace {
                Pace::Probe { waiting } => {
                    *waiting = true;
                    return;
                }
                Pace::Stream(inflight) if carry => {
                    inflight.push_back(last);
                    sibling.next = last.next();
                }
                Pace::Stream(_) => return,
            }
        }
    }

    fn tell(
        &self,
        sibling: &mut Progress,
        prev: Position,
        entries: Entries,
        out: &mut Outbox<SiblingQuorum>,
    ) {
        let expects = !entries.is_empty() || sibling.is_probed();
        let word = Word::Replicate {
            epoch: self.epoch,
            prev,
            entries,
            accepted: self.accepted,
            normal: sibling.stage == Stage::Counted,
        };
        let group = self.group;
        out.send_past_flush(sibling.id, Message { group, word });
        if expects && !sibling.armed {
            sibling.armed = true;
            sibling.moved = false;
            out.arm(Timer::Again(group, sibling.id), sibling.patience);
        }
    }

    fn cut(&mut self, first: Seq) -> Entries {
        match &self.cut {
            Some((start, entries)) if *start == first => entries.clone(),
            _ => {
                let entries = Entries::from(self.log.slice(first, self.options.batch));
                self.cut = Some((first, entries.clone()));
                entries
            }
        }
    }
}
