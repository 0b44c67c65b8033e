//! The newcomer's side of a registration: it takes the resources in, then executes what was recorded meanwhile, and is
//! live when the main says that nothing is left.
//!
//! ```text
//!   m1 (main)                                m4 (newcomer)
//!   record from here on
//!   |------- copy 0: k0..k511 as of 17 ------->|            syncing
//!   |<------ copied 0 -------------------------|
//!   |------- copy 1: k512.. as of 23 --------->|
//!   |<------ copied 1 -------------------------|
//!   |------- replay after 16: 17, 18, .. ----->|            revival: skips 17 of k3, which its copy has
//!   |------- go live at 31 ------------------->| write all, flush
//!   |<------ live at 31 -----------------------|            normal, once the controllers have recorded it
//! ```

use super::SiblingQuorum;
use super::charter::CopyId;
use super::log::{Command, Entries, Log, Position, Seq};
use super::message::{Timer, Word};
use super::note::Note;
use super::replica::{Replica, Standing};
use super::resource::{Copies, Machine};
use super::state::Record;
use crate::kv::Key;
use crate::{NodeId, Now, Outbox};

/// What a newcomer keeps until it is live. All of it is in memory: one that restarts begins again.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Intake {
    /// Which copy it is to be.
    copy: CopyId,
    /// The part that comes next.
    part: u64,
    /// The resources so far.
    machine: Machine,
    /// How new the copies are: up to which key, as of which place. In the order of the keys.
    upto: Vec<(Key, Seq)>,
    /// How new the copy of what comes behind the last of those is: there was nothing.
    rest: Seq,
    /// Whether anything has come of it since that was last asked.
    moved: bool,
    /// How far the recording is executed, once any of it came.
    replayed: Option<Seq>,
}

impl Intake {
    fn new(copy: CopyId) -> Intake {
        Intake {
            copy,
            part: 0,
            machine: Machine::default(),
            upto: Vec::new(),
            rest: Seq(0),
            moved: true,
            replayed: None,
        }
    }

    /// As of which place the copy of a resource is; a copy that has no such resource says so too.
    fn upto(&self, key: Key) -> Seq {
        let place = self.upto.partition_point(|(last, _)| *last < key);
        self.upto.get(place).map_or(self.rest, |(_, upto)| *upto)
    }

    /// Whether anything has come of it since the last time.
    pub(super) fn goes_on(&mut self) -> bool {
        std::mem::take(&mut self.moved)
    }

    pub(super) fn disorder(&self) -> Option<(Key, Seq, Seq)> {
        self.machine.disorder
    }

    fn take(&mut self, copies: &Copies, upto: Seq, last: bool) {
        self.machine.take(copies);
        if let Some((key, _)) = copies.last() {
            self.upto.push((*key, upto));
        }
        if last {
            self.rest = upto;
        }
        self.part += 1;
        self.moved = true;
    }
}

impl Replica {
    /// What a main says to one that it makes a sibling, or copies to anew.
    pub(super) fn on_sync(
        &mut self,
        now: Now,
        from: NodeId,
        word: Word,
        out: &mut Outbox<SiblingQuorum>,
    ) {
        let (Word::Copy { copy, .. } | Word::Replay { copy, .. } | Word::GoLive { copy, .. }) =
            word
        else {
            return;
        };
        let epoch = copy.epoch;
        if epoch < self.durable.promised {
            out.note(Note::RefusesOldMain(from, epoch));
            self.say(from, Word::Outdated(self.durable.promised), out);
            return;
        }
        if epoch > self.durable.promised {
            self.obey(now, epoch, Some(from), out);
            self.flush(out);
        }
        let is_replay = matches!(word, Word::Replay { .. });
        match word {
            Word::Copy {
                part,
                copies,
                upto,
                last,
                ..
            } => self.on_copy(copy, part, (copies, upto, last)),
            Word::Replay { prev, entries, .. } => self.on_replay(now, copy, prev, &entries),
            Word::GoLive { at, .. } => {
                self.on_go_live(from, copy, at, out);
                return;
            }
            _ => {}
        }
        let Standing::Newcomer(intake) = &self.standing else {
            return;
        };
        if intake.copy != copy {
            return;
        }
        let answer = match (intake.replayed, intake.part.checked_sub(1)) {
            (Some(upto), _) if is_replay => Word::Replayed { copy, upto },
            (_, Some(part)) if !is_replay => Word::Copied { copy, part },
            _ => return,
        };
        self.say(from, answer, out);
    }

    /// Takes the next part of a copy; the first begins a new one, unless it has that or a newer one already.
    fn on_copy(&mut self, copy: CopyId, part: u64, (copies, upto, last): (Copies, Seq, bool)) {
        let known = match &self.standing {
            Standing::Newcomer(intake) => Some(intake.copy),
            _ => self.durable.copy,
        };
        if part == 0 && known.is_none_or(|known| known < copy) {
            self.standing = Standing::Newcomer(Intake::new(copy));
        }
        if let Standing::Newcomer(intake) = &mut self.standing
            && (intake.copy, intake.part) == (copy, part)
        {
            intake.take(&copies, upto, last);
        }
    }

    /// Executes what was recorded, and is not in the copy.
    fn on_replay(&mut self, now: Now, copy: CopyId, prev: Seq, entries: &Entries) {
        let rules = self.rules().clone();
        let Standing::Newcomer(intake) = &mut self.standing else {
            return;
        };
        if intake.copy != copy || intake.replayed.is_some_and(|upto| upto != prev) {
            return;
        }
        let mut seq = prev;
        for entry in entries.iter() {
            seq = seq.next();
            let mut entry = *entry;
            if let Command::Update { request, at, .. } = &mut entry.command {
                if rules.filter_replay && seq <= intake.upto(request.key()) {
                    continue;
                }
                if !rules.main_decides {
                    *at = now.wall;
                }
            }
            intake.machine.execute(seq, &entry, rules.remembered);
        }
        intake.replayed = Some(seq);
        intake.moved = true;
    }

    /// Writes its copy down, and takes from then on what comes, as any sibling. Whether it counts, the controllers say.
    fn on_go_live(
        &mut self,
        from: NodeId,
        copy: CopyId,
        at: Position,
        out: &mut Outbox<SiblingQuorum>,
    ) {
        let drained = self.rules().drain_first;
        if let Standing::Newcomer(intake) = &mut self.standing
            && intake.copy == copy
            && (intake.replayed == Some(at.seq) || !drained)
        {
            self.machine = std::mem::take(&mut intake.machine);
            self.durable.copy = Some(copy);
            self.durable.log = Log::behind(at);
            self.accepted = at.seq;
            self.standing = Standing::Sibling(Some(from));
            let group = self.group;
            let copies = self.machine.copies(None, None);
            out.note(Note::GoesLive);
            out.disarm(Timer::Register(group));
            out.write(Record::Base { group, at, copies });
            out.write(self.promise());
            self.flush(out);
        }
        // Also if it has started again since.
        if self.durable.copy == Some(copy) {
            let at = self.durable.log.base();
            self.say(from, Word::Live { copy, at }, out);
        }
    }
}
