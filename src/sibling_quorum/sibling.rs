//! What any managing node does when a main tells it what to log, when controllers fence it, and when a user asks it
//! while it is not the main.

use super::SiblingQuorum;
use super::charter::CopyId;
use super::log::{Command, Entries, Epoch, Position, Seq};
use super::message::Word;
use super::note::Note;
use super::options::Cut;
use super::replica::{Replica, Standing};
use super::request::{Request, Response};
use super::state::Record;
use crate::kv::{self, Key};
use crate::{NodeId, Now, Outbox};

impl Replica {
    /// Takes the main's entries where the logs meet, unless a newer epoch is promised.
    pub(super) fn on_replicate(
        &mut self,
        now: Now,
        from: NodeId,
        epoch: Epoch,
        (prev, entries, accepted): (Position, Entries, Seq),
        out: &mut Outbox<SiblingQuorum>,
    ) {
        if epoch < self.durable.promised {
            out.note(Note::RefusesOldMain(from, epoch));
            self.say(from, Word::Outdated(self.durable.promised), out);
            return;
        }
        let Some(copy) = self.durable.copy else {
            return;
        };
        assert!(
            self.reigns() != Some(epoch),
            "{from} and {} are both main of epoch {epoch}",
            self.me
        );
        let mut written = epoch > self.durable.promised;
        self.obey(now, epoch, Some(from), out);
        if let Standing::Newcomer(_) = self.standing {
            // It is level enough to be told what is new, so the copy that had begun is not needed.
            self.standing = Standing::Sibling(Some(from));
        }
        let last = self.durable.log.last().seq;
        let answer = if prev.seq < self.accepted {
            // What is accepted here is in the main's log too; a message that reaches further will follow.
            Some(self.accepted)
        } else if self.durable.log.contains(prev)
            || (self.rules().cut == Cut::Never && prev.seq <= last)
            || (!self.rules().gapless && prev.seq > last)
        {
            let (matched, new) = self.take(prev.seq, &entries, out);
            written |= new;
            let reach = accepted.min(matched).min(self.durable.log.last().seq);
            self.accept_to(now, reach.max(self.accepted), out);
            Some(matched)
        } else {
            None
        };
        if written {
            self.flush(out);
        }
        let word = match answer {
            Some(matched) => Word::Confirmed {
                epoch,
                matched,
                executed: self.accepted,
                hash: self.machine.hash(),
                copy,
            },
            None => Word::Lacking {
                epoch,
                prev: prev.seq,
                hint: self.durable.log.newest_at_most(prev),
            },
        };
        self.say(from, word, out);
    }

    /// Logs what is new among the entries that follow `prev`: how far the log is the main's then, and whether anything
    /// was new.
    fn take(
        &mut self,
        prev: Seq,
        entries: &Entries,
        out: &mut Outbox<SiblingQuorum>,
    ) -> (Seq, bool) {
        let matched = Seq(prev.0 + entries.len() as u64);
        let last = self.durable.log.last().seq;
        let (place, skipped) = match self.rules().cut {
            // What it has stays, whatever it was sent.
            Cut::Never => (last, (last.0 - prev.0.min(last.0)) as usize),
            // Where a gap is not seen, entries are taken for those that come next.
            Cut::AtConflict | Cut::Always => (prev.min(last), 0),
        };
        let skipped = skipped.min(entries.len());
        let appended = self.durable.log.append(place, &entries[skipped..]);
        if let Some(from) = appended.truncated {
            out.note(Note::RollsBack(from));
            assert!(
                from > self.accepted || !self.rules_hold(),
                "{from} is accepted and must not be removed"
            );
            self.accepted = self.accepted.min(from.before());
        }
        let known = skipped + appended.known;
        if known < entries.len() {
            let first = Seq(place.0 + appended.known as u64 + 1);
            self.write_entries(first, entries.behind(known), out);
        } else if self.rules().cut == Cut::Always && matched < self.durable.log.last().seq {
            self.durable.log.cut(matched.max(self.accepted));
            let first = self.durable.log.last().seq.next();
            self.write_entries(first, Entries::default(), out);
        } else {
            return (matched, false);
        }
        (matched, true)
    }

    fn write_entries(&self, first: Seq, entries: Entries, out: &mut Outbox<SiblingQuorum>) {
        out.write(Record::Entries {
            group: self.group,
            first,
            entries,
        });
    }

    /// Whether every rule holds by which what is accepted cannot be taken back.
    fn rules_hold(&self) -> bool {
        *self.rules() == super::options::Rules::default()
    }

    /// Promises to obey no older epoch, and says how far the log goes: a new main is chosen by that.
    pub(super) fn on_fence(
        &mut self,
        now: Now,
        from: NodeId,
        (epoch, copy): (Epoch, CopyId),
        out: &mut Outbox<SiblingQuorum>,
    ) {
        if epoch < self.durable.promised {
            self.say(from, Word::Outdated(self.durable.promised), out);
            return;
        }
        // With another copy, or none, it speaks for nothing, unless nobody asks who holds what.
        if self.durable.copy != Some(copy) && self.rules().holders_only {
            return;
        }
        if self.rules().fence && epoch > self.durable.promised {
            self.obey(now, epoch, None, out);
            self.flush(out);
        }
        let last = self.durable.log.last();
        self.say(from, Word::Fenced { epoch, last }, out);
    }

    pub(super) fn on_ask(
        &mut self,
        now: Now,
        from: NodeId,
        word: Word,
        out: &mut Outbox<SiblingQuorum>,
    ) {
        if let Standing::Main(_) = self.standing {
            self.on_ask_as_main(now, from, word, out);
            return;
        }
        let Word::Ask {
            life,
            number,
            request,
            seen,
            ..
        } = word
        else {
            return;
        };
        let Request::Near(key) = request else {
            let main = match self.standing {
                Standing::Sibling(main) => main,
                _ => None,
            };
            out.note(Note::SendsElsewhere(from));
            let epoch = self.durable.promised;
            // Past the flush: a guess at who is the main promises nothing.
            let word = Word::Elsewhere {
                life,
                number,
                epoch,
                main,
            };
            self.say_past_flush(from, word, out);
            return;
        };
        let level = seen <= self.accepted || !self.rules().tokens;
        let word = match self.standing {
            Standing::Sibling(Some(_)) if level && self.is_normal => Word::Answer {
                life,
                number,
                response: self.shown(key),
                seen: self.accepted,
            },
            _ => {
                out.note(Note::IsBehind(from));
                Word::Behind { life, number }
            }
        };
        // Past the flush: what is shown is accepted, and adds nothing.
        self.say_past_flush(from, word, out);
    }

    /// What a sibling shows of a resource: what it knows to be accepted, or, without that rule, whatever its log says.
    fn shown(&self, key: Key) -> Response {
        let behind = self.accepted.next();
        let tail = self.durable.log.slice(behind, usize::MAX);
        let places = (behind.0..).take(tail.len()).map(Seq);
        let updates = tail.iter().zip(places).filter_map(|(entry, seq)| {
            let value = match entry.command {
                Command::Update { request, .. } if request.key() == key => match request {
                    Request::Store(kv::Request::Put(_, value)) => Some(value),
                    Request::Store(kv::Request::Delete(_)) => None,
                    _ => return None,
                },
                _ => return None,
            };
            Some(Response::found(value, seq))
        });
        match updates.last() {
            Some(response) if !self.rules().accepted_reads => response,
            _ => self.machine.read(key),
        }
    }
}
