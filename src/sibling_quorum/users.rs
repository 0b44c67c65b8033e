//! The main and its users: reads, updates that are executed once, and subscribers.

use super::SiblingQuorum;
use super::log::{Command, Entry, Seq, UpdateId};
use super::message::{GroupId, Message, Word};
use super::note::Note;
use super::office::{HASHES, Office};
use super::replica::{Replica, Standing};
use super::request::{Request, Response};
use super::resource::Machine;
use crate::kv::{self, Key};
use crate::{Life, NodeId, Now, Outbox};

/// A user who waits to be shown a resource.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Reader {
    client: NodeId,
    life: Life,
    number: u64,
    key: Key,
    /// How far it has seen the log: what comes before that is no news to it.
    seen: Seq,
}

impl Replica {
    /// Answers a user, at once where the answer is known, or when its update is accepted.
    pub(super) fn on_ask_as_main(
        &mut self,
        now: Now,
        from: NodeId,
        word: Word,
        out: &mut Outbox<SiblingQuorum>,
    ) {
        let Word::Ask {
            life,
            number,
            request,
            seen,
            again,
        } = word
        else {
            return;
        };
        let key = request.key();
        let reader = Reader {
            client: from,
            life,
            number,
            key,
            seen,
        };
        if let Request::Near(_) = request {
            let level = seen <= self.accepted || !self.rules().tokens;
            return match level {
                true => self.show(&reader, out),
                false => self.say_past_flush(from, Word::Behind { life, number }, out),
            };
        }
        if !self.is_leased(now, out) {
            // Past the flush: that it does not serve promises nothing.
            let word = Word::Elsewhere {
                life,
                number,
                epoch: self.durable.promised,
                main: None,
            };
            return self.say_past_flush(from, word, out);
        }
        match request {
            Request::Store(kv::Request::Get(_)) => self.read(now, reader, out),
            Request::Watch(_) => self.watch(reader, out),
            _ if request.is_update() => {
                let id = UpdateId {
                    client: from,
                    life,
                    number,
                };
                self.update(now, id, request, again, out);
            }
            _ => {}
        }
    }

    /// Whether it may serve: its lease has not run out. One who was not leased yet may take updates, as siblings would
    /// refuse those of a main that is replaced; its readers wait.
    fn is_leased(&mut self, now: Now, out: &mut Outbox<SiblingQuorum>) -> bool {
        let Standing::Main(office) = &self.standing else {
            return false;
        };
        let ran_out = office.lease.until.is_some_and(|until| until <= now.mono);
        if ran_out && self.rules().lease {
            out.note(Note::LeaseRanOut(office.epoch));
        }
        !ran_out || !self.rules().lease
    }

    /// Shows what is accepted. Past the flush: it is at a quorum, whatever waits in this node's own cache.
    fn show(&self, reader: &Reader, out: &mut Outbox<SiblingQuorum>) {
        let word = Word::Answer {
            life: reader.life,
            number: reader.number,
            response: self.machine.read(reader.key),
            seen: self.accepted,
        };
        self.say_past_flush(reader.client, word, out);
    }

    fn read(&mut self, now: Now, reader: Reader, out: &mut Outbox<SiblingQuorum>) {
        let Standing::Main(office) = &mut self.standing else {
            return;
        };
        office.reads.push(reader);
        self.serve(now, out);
    }

    /// Answers at once if there is something new, or else with the next update.
    fn watch(&mut self, reader: Reader, out: &mut Outbox<SiblingQuorum>) {
        let changed = self.machine.get(reader.key).map(|found| found.changed);
        if changed.is_some_and(|changed| changed > reader.seen) {
            return self.show(&reader, out);
        }
        if let Standing::Main(office) = &mut self.standing {
            let waiting = office.subscribers.entry(reader.key).or_default();
            waiting.retain(|other| other.client != reader.client);
            waiting.push(reader);
        }
    }

    /// Executes an update once, however often it comes and whoever was the main when it first came.
    fn update(
        &mut self,
        now: Now,
        id: UpdateId,
        request: Request,
        again: bool,
        out: &mut Outbox<SiblingQuorum>,
    ) {
        let Standing::Main(office) = &self.standing else {
            return;
        };
        let answered = if self.rules().remembered {
            let resource = self.machine.get(request.key());
            resource.and_then(|resource| resource.answered(id))
        } else {
            let last = office.answered.get(&id.client);
            last.and_then(|(life, number, response)| {
                let (last, this) = ((*life, *number), (id.life, id.number));
                (last >= this).then(|| (last == this).then_some(*response))
            })
        };
        if let Some(answered) = answered {
            out.note(Note::AnswersRetry(id.client, id.number));
            if let Some(response) = answered {
                let word = Word::Answer {
                    life: id.life,
                    number: id.number,
                    response,
                    seen: self.accepted,
                };
                // Past the flush: it was accepted before.
                self.say_past_flush(id.client, word, out);
            }
            return;
        }
        let is_this = |entry: &Entry| matches!(entry.command, Command::Update { id: other, .. } if other == id);
        let tail = self.durable.log.slice(self.accepted.next(), usize::MAX);
        if again && tail.iter().any(is_this) {
            // It is answered when it is accepted.
            return;
        }
        let at = now.wall;
        self.log_command(now, Command::Update { id, request, at }, out);
    }

    /// Answers the reads that wait, once it may serve. A lease can be over when it is heard of, or when the opening is
    /// accepted at last: somebody else may be the main by then.
    pub(super) fn serve(&mut self, now: Now, out: &mut Outbox<SiblingQuorum>) {
        let free = !self.rules().lease;
        let Standing::Main(office) = &mut self.standing else {
            return;
        };
        let leased = office.lease.until.is_some_and(|until| now.mono < until);
        if office.opening <= self.accepted && (free || leased) {
            for reader in std::mem::take(&mut office.reads) {
                self.show(&reader, out);
            }
        }
    }
}

impl Office {
    /// Remembers what was executed, answers who asked for it, and tells the subscribers.
    pub(super) fn executed(
        &mut self,
        group: GroupId,
        seq: Seq,
        machine: &Machine,
        (answer, remembered): (Option<(UpdateId, Response)>, bool),
        out: &mut Outbox<SiblingQuorum>,
    ) {
        if self.hashes.len() == HASHES {
            self.hashes.pop_front();
            self.hashed = self.hashed.next();
        }
        self.hashes.push_back(machine.hash());
        let Some((id, response)) = answer else {
            return;
        };
        if !remembered {
            let last = (id.life, id.number, response);
            self.answered.insert(id.client, last);
        }
        let word = Word::Answer {
            life: id.life,
            number: id.number,
            response,
            seen: seq,
        };
        // Past the flush: the update is durable at a quorum, and here.
        out.send_past_flush(id.client, Message { group, word });
        if !self.subscribers.is_empty() {
            self.tell_subscribers(group, seq, machine, out);
        }
    }

    /// Tells those who watch a resource that it has changed, unless they have seen that already: a new main executes
    /// what is old, too.
    fn tell_subscribers(
        &mut self,
        group: GroupId,
        seq: Seq,
        machine: &Machine,
        out: &mut Outbox<SiblingQuorum>,
    ) {
        for (key, readers) in &mut self.subscribers {
            if machine.get(*key).is_none_or(|found| found.changed != seq) {
                continue;
            }
            for reader in readers.extract_if(.., |reader| reader.seen < seq) {
                let word = Word::Answer {
                    life: reader.life,
                    number: reader.number,
                    response: machine.read(*key),
                    seen: seq,
                };
                // Past the flush: the update is durable at a quorum, and here.
                out.send_past_flush(reader.client, Message { group, word });
            }
        }
        self.subscribers.retain(|_, readers| !readers.is_empty());
    }
}
