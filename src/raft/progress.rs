//! A leader's view of its followers: how far each is, and what it may be sent now.

use std::collections::VecDeque;

use super::Raft;
use super::log::{Entries, Index, Log, Term};
use super::message::Message;
use super::options::Options;
use crate::{NodeId, Outbox};

/// How far a follower is, as its leader knows it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Progress {
    pub(super) id: NodeId,
    /// Its log is known to match up to here. Invariant: only grows, and only by what the follower accepted.
    pub(super) matched: Index,
    /// The next entry to send. Invariant: beyond `matched`.
    pub(super) next: Index,
    pub(super) pace: Pace,
    /// The last round it answered.
    pub(super) round: u64,
    /// Whether it was heard since the quorum was last checked.
    pub(super) heard: bool,
}

/// How entries are sent to a follower.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum Pace {
    /// One append at a time, until the place where the logs meet is found.
    Probe { waiting: bool },
    /// Ahead of the answers: the last index of each append in flight.
    Replicate(VecDeque<Index>),
}

/// What an append is made of, besides the follower's progress.
pub(super) struct Sender<'a> {
    pub(super) log: &'a Log,
    pub(super) options: &'a Options,
    pub(super) term: Term,
    pub(super) commit: Index,
    pub(super) round: u64,
    /// The last entries cut from the log: followers that are level share them.
    pub(super) cut: Option<(Index, Entries)>,
}

impl Progress {
    /// Its log matches up to `matched`: go on from there, ahead of the answers.
    pub(super) fn accept(&mut self, matched: Index) {
        self.matched = self.matched.max(matched);
        match &mut self.pace {
            Pace::Probe { .. } => {
                self.next = self.matched.next();
                self.pace = Pace::Replicate(VecDeque::new());
            }
            Pace::Replicate(inflight) => {
                while inflight.pop_front_if(|last| *last <= matched).is_some() {}
                self.next = self.next.max(self.matched.next());
            }
        }
    }

    /// It has no `prev`; the logs can meet at `meeting` at the latest. False if that is old news.
    ///
    /// `matched` never follows from a rejection: the hint says where the logs could agree, not that they do.
    pub(super) fn reject(&mut self, prev: Index, meeting: Index) -> bool {
        let current = match self.pace {
            Pace::Probe { .. } => prev == self.next.before(),
            Pace::Replicate(_) => prev > self.matched,
        };
        if current {
            self.next = prev.min(meeting.next()).max(self.matched.next());
            self.pace = Pace::Probe { waiting: false };
        }
        current
    }
}

impl Sender<'_> {
    /// Sends a follower what it may be sent now: entries as far as its window is open, and in any case something if it
    /// `must` hear from its leader.
    ///
    /// Past the flush: a leader's append rests on its ballot alone, which was durable before it was elected; its own
    /// copy of the entries counts separately.
    pub(super) fn send(&mut self, follower: &mut Progress, must: bool, out: &mut Outbox<Raft>) {
        let mut owed = must;
        loop {
            let open = match &follower.pace {
                Pace::Probe { waiting } => !waiting,
                Pace::Replicate(inflight) => inflight.len() < self.options.window,
            };
            let carry = open && follower.next <= self.log.last().index;
            if !carry && !owed {
                return;
            }
            let prev = self
                .log
                .position(follower.next.before())
                .expect("`next` is at most one beyond the log");
            let entries = if carry {
                self.cut(follower.next)
            } else {
                Entries::default()
            };
            let last = Index(prev.index.0 + entries.len() as u64);
            let Sender {
                term,
                commit,
                round,
                ..
            } = *self;
            out.send_past_flush(
                follower.id,
                Message::Append {
                    term,
                    prev,
                    entries,
                    commit,
                    round,
                },
            );
            owed = false;
            match &mut follower.pace {
                Pace::Probe { waiting } => {
                    *waiting = true;
                    return;
                }
                Pace::Replicate(inflight) if carry => {
                    inflight.push_back(last);
                    follower.next = last.next();
                }
                Pace::Replicate(_) => return,
            }
        }
    }

    fn cut(&mut self, first: Index) -> Entries {
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
