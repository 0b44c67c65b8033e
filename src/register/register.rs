//! One register at one member: an acceptor, a proposer, and what they ask of their host.

use std::sync::Arc;

use super::acceptor::{Acceptor, Consent, Record};
use super::ballot::{Ballot, ChangeId};
use super::held::{Answer, Change, Held};
use super::message::Message;
use super::proposer::{Asked, Proposer};
use crate::process::Protocol;
use crate::{Life, NodeId, Outbox, SpanRange};

/// How long a proposer waits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Pace {
    /// For a quorum to answer, before it asks the silent ones again.
    pub patience: SpanRange,
    /// After a higher ballot got in its way, before it proposes with one that is higher still. The longer end doubles
    /// with each time that this happens to one change, up to 16 times.
    pub backoff: SpanRange,
}

/// What a register asks of its host, in order: the order is law, as in an [`Outbox`].
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Act<V> {
    /// Append this to the disk, and flush: what follows waits for that, unless it may pass.
    Write(Record<V>),
    /// Send this to another member.
    Send {
        /// To whom.
        to: NodeId,
        /// What.
        message: Message<V>,
        /// Whether it rests on nothing in the cache, and may overtake a flush.
        pass: bool,
    },
    /// Set the register's only alarm; one that is set is replaced.
    Arm(SpanRange),
    /// Take the alarm back.
    Disarm,
    /// Tell who asked. It may rest on what is not flushed yet: whatever the host makes of it that others can see must
    /// not pass a flush.
    Answer(Answer<V>),
    /// Nothing: this is what was done.
    Note(Deed),
}

/// What a proposer did that is worth a word.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Deed {
    /// It heard no quorum in time, and asks the silent ones again.
    AsksAgain(Ballot),
    /// Its first ballot could not win any more: so many members had promised a higher one.
    Preempted(Ballot),
    /// It found a proposal that may be chosen, and carries it through with its second ballot.
    Completes(Ballot, Ballot),
    /// It found a change decided already, by a proposal that was completed elsewhere.
    FindsItDecided(ChangeId),
}

/// One register at one member, printed nowhere: its messages, records and answers are.
///
/// All its members are acceptors, and each proposes for those who ask it. It takes up one change at a time.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Register<V> {
    pub(crate) me: NodeId,
    pub(crate) life: Life,
    pub(crate) members: Arc<[NodeId]>,
    /// How many members are more than half of them.
    pub(crate) quorum: usize,
    pub(crate) pace: Pace,
    pub(crate) acceptor: Acceptor<V>,
    pub(crate) proposer: Proposer<V>,
}

impl<V: Clone + Eq> Register<V> {
    /// A register that was formatted with this value, at one of its members, in one of that member's lives.
    ///
    /// Every member names the same members and the same value.
    ///
    /// # Panics
    /// If `me` is not a member.
    pub fn new(me: NodeId, members: &[NodeId], life: Life, initial: V, pace: Pace) -> Register<V> {
        assert!(members.contains(&me), "{me} is a member of its register");
        Register {
            me,
            life,
            members: members.into(),
            quorum: members.len() / 2 + 1,
            pace,
            acceptor: Acceptor::new(Held::formatted(initial)),
            proposer: Proposer::new(),
        }
    }

    /// Takes over a record that was found on disk at boot; the oldest comes first.
    ///
    /// Whether the disk is still the one that was formatted, and nothing on it is rotten, is the host's affair: a member
    /// that may have forgotten what it promised must not go on.
    pub fn recover(&mut self, record: &Record<V>) {
        self.acceptor.recover(record);
    }

    /// Is asked for a change, which waits in line behind those that were asked for before. One that is in line or under
    /// way already is answered once.
    #[must_use]
    pub fn ask(&mut self, id: ChangeId, change: Change<V>) -> Vec<Act<V>> {
        let mut acts = Vec::new();
        if !self.proposer.knows(id) {
            self.proposer.waiting.push_back(Asked { id, change });
            self.take_up_next(&mut acts);
        }
        acts
    }

    /// Drops what the author of this change asked for before it and is still in line: for hosts whose authors wait for one
    /// answer at a time, and have given up on what came before.
    pub fn withdraw_before(&mut self, id: ChangeId) {
        let stays = |asked: &Asked<V>| asked.id.by != id.by || asked.id.turn() >= id.turn();
        self.proposer.waiting.retain(stays);
    }

    /// Another member says something. It may be late, doubled or out of order; who is no member is not heard.
    #[must_use]
    pub fn on_message(&mut self, from: NodeId, message: Message<V>) -> Vec<Act<V>> {
        let mut acts = Vec::new();
        if from == self.me || !self.members.contains(&from) {
            return acts;
        }
        match message {
            Message::Prepare { ballot } => self.on_prepare(from, ballot, &mut acts),
            Message::Accept { ballot, held } => self.on_accept(from, ballot, &held, &mut acts),
            Message::Promise {
                ballot,
                accepted,
                held,
            } => self.on_promise(from, ballot, accepted, held, &mut acts),
            Message::Accepted { ballot } => self.on_accepted(from, ballot, &mut acts),
            Message::Refused { ballot, promised } => {
                self.on_refused(from, ballot, promised, &mut acts);
            }
        }
        self.take_up_next(&mut acts);
        acts
    }

    /// The alarm goes off.
    #[must_use]
    pub fn on_alarm(&mut self) -> Vec<Act<V>> {
        let mut acts = Vec::new();
        self.go_on(&mut acts);
        self.take_up_next(&mut acts);
        acts
    }

    /// What this member has accepted last. It may not be chosen, and something newer may be: only an [`Answer`] is
    /// certain.
    pub fn accepted(&self) -> &Held<V> {
        &self.acceptor.held
    }

    /// With which ballot it accepted that.
    pub fn accepted_with(&self) -> Ballot {
        self.acceptor.accepted
    }

    /// Below which ballot this member takes part in nothing.
    pub fn promised(&self) -> Ballot {
        self.acceptor.promised
    }

    /// The ballot that this member has asked others to accept something with, if it waits for their answers.
    pub fn proposes(&self) -> Option<Ballot> {
        self.proposer.asks_to_accept()
    }

    /// Whether it has nothing to do for anyone.
    pub fn is_idle(&self) -> bool {
        self.proposer.is_idle()
    }

    fn on_prepare(&mut self, from: NodeId, ballot: Ballot, acts: &mut Vec<Act<V>>) {
        match self.acceptor.prepare(ballot) {
            Consent::New => acts.push(Act::Write(Record::Promised(ballot))),
            Consent::Again => {}
            Consent::Refused(promised) => return acts.push(refusal(from, ballot, promised)),
            Consent::Late => return,
        }
        // Behind the flush, also if it is said again: the flush may still be under way.
        acts.push(Act::Send {
            to: from,
            message: Message::Promise {
                ballot,
                accepted: self.acceptor.accepted,
                held: Arc::clone(&self.acceptor.held),
            },
            pass: false,
        });
    }

    fn on_accept(
        &mut self,
        from: NodeId,
        ballot: Ballot,
        held: &Arc<Held<V>>,
        acts: &mut Vec<Act<V>>,
    ) {
        match self.acceptor.accept(ballot, held) {
            Consent::New => {
                let record = Record::Accepted(ballot, Arc::clone(held));
                acts.push(Act::Write(record));
            }
            Consent::Again | Consent::Late => {}
            Consent::Refused(promised) => return acts.push(refusal(from, ballot, promised)),
        }
        // Behind the flush, also if it is said again: the flush may still be under way.
        acts.push(Act::Send {
            to: from,
            message: Message::Accepted { ballot },
            pass: false,
        });
    }
}

/// Past the flush: a refusal promises nothing. Who hears of a ballot that a crash then takes back only counts too high.
fn refusal<V>(to: NodeId, ballot: Ballot, promised: Ballot) -> Act<V> {
    Act::Send {
        to,
        message: Message::Refused { ballot, promised },
        pass: true,
    }
}

/// How a host says what a register says, in the vocabulary of its own protocol.
pub trait Words<V> {
    /// The host's protocol.
    type Protocol: Protocol;
    /// A message to another member's register.
    fn message(&self, message: Message<V>) -> <Self::Protocol as Protocol>::Message;
    /// A record, to be given back at boot.
    fn record(&self, record: Record<V>) -> <Self::Protocol as Protocol>::Record;
    /// The register's alarm.
    fn alarm(&self) -> <Self::Protocol as Protocol>::Timer;
    /// A deed, if the host has a word for it.
    fn note(&self, _deed: Deed) -> Option<<Self::Protocol as Protocol>::Note> {
        None
    }
}

/// Carries a register's acts out through its host's outbox, and gives back the answers. What the host sends because of
/// them must not pass a flush: as it stands behind all of these acts, it waits for all that they write.
#[must_use]
pub fn carry_out<V, W: Words<V>>(
    acts: Vec<Act<V>>,
    words: &W,
    out: &mut Outbox<W::Protocol>,
) -> Vec<Answer<V>> {
    let mut answers = Vec::new();
    for act in acts {
        match act {
            Act::Write(record) => {
                out.write(words.record(record));
                out.flush();
            }
            Act::Send {
                to,
                message,
                pass: false,
            } => out.send(to, words.message(message)),
            // The register says at each of these why it may.
            Act::Send {
                to,
                message,
                pass: true,
            } => out.send_past_flush(to, words.message(message)),
            Act::Arm(within) => out.arm(words.alarm(), within),
            Act::Disarm => out.disarm(words.alarm()),
            Act::Answer(answer) => answers.push(answer),
            Act::Note(deed) => {
                if let Some(note) = words.note(deed) {
                    out.note(note);
                }
            }
        }
    }
    answers
}
