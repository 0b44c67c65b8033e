//! How a session server of the fifth generation tells data servers: each write at once, twice again, and then not at all; and
//! by renewals, which find what was dropped.

use std::collections::{BTreeMap, BTreeSet};

use super::super::SessionData;
use super::super::digest::Sum;
use super::super::memory::Entry;
use super::super::message::{CallId, Message, Timer};
use super::super::names::{RegisterId, Stamp};
use super::super::note::Note;
use super::super::pushing::Subscriptions;
use super::super::session::Asked;
use super::session::RingSession;
use super::word::{Alarm, Answer, Publisher, Unpublish, Word};
use crate::kv::Value;
use crate::{NodeId, Now, Outbox, Queue, Span, SpanRange, StreamId, Time};

/// Where the writes of one connection pass (the real one's `WriteDataAcceptor`).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Acceptor {
    /// When something was last written to each data server, on the monotonic clock.
    last_write: BTreeMap<NodeId, Time>,
    /// To whom a snapshot is under way.
    snapshots: BTreeSet<NodeId>,
    /// What waits until it is over.
    queue: Queue<Subject>,
}

/// Something that a data server is to be told.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Task {
    /// What.
    pub what: Subject,
    /// Since when, on the monotonic clock.
    since: Time,
    /// How often it was tried.
    tries: u32,
}

/// What a data server is to be told.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Subject {
    /// A registration. Who owns it by then is told.
    Publish(Publisher),
    /// Its end.
    Unpublish(Unpublish),
    /// This one, that a client is gone.
    ClientOff(StreamId, NodeId),
    /// This one, what a connection has of it, summed up.
    Renew(StreamId, NodeId),
    /// This one, all that a connection has of it.
    Snapshot(StreamId, NodeId),
}

impl Acceptor {
    pub(super) fn new(capacity: usize) -> Acceptor {
        Acceptor {
            last_write: BTreeMap::new(),
            snapshots: BTreeSet::new(),
            queue: Queue::new(capacity),
        }
    }

    /// Whether something was written to that data server of late, so that it may not have been applied.
    fn is_silent(&self, now: Now, node: NodeId, silence: Span) -> bool {
        let last = self.last_write.get(&node);
        last.is_some_and(|last| now.mono.since(*last) < silence)
    }
}

impl RingSession {
    /// Takes a change in, and tells its owner. What comes later than what the client has said since is not taken in.
    pub(super) fn change(
        &mut self,
        now: Now,
        connection: StreamId,
        (id, version, value): (RegisterId, u64, Option<Value>),
        out: &mut Outbox<SessionData>,
    ) {
        let held = self.memory.get(id);
        if held.is_some_and(|held| held.stamp.version > version) {
            out.note(Note::Conflict(id));
            return;
        }
        let is_same = |held: &Entry| (held.stamp.version, held.connection) == (version, connection);
        if value.is_some() && held.is_some_and(is_same) {
            return;
        }
        let time = now.wall.as_nanos();
        self.memory.take_out(id, None);
        let subject = match value {
            Some(value) => {
                let stamp = Stamp {
                    version,
                    connection: 0,
                    time,
                };
                let entry = Entry {
                    value,
                    stamp,
                    connection,
                };
                self.memory.put(id, entry);
                Subject::Publish(Publisher {
                    id,
                    value,
                    stamp,
                    connection,
                })
            }
            None => Subject::Unpublish(Unpublish {
                id,
                time,
                connection,
            }),
        };
        self.accept(now, connection, subject, out);
    }

    /// A write of a connection waits while a snapshot of it is under way.
    fn accept(
        &mut self,
        now: Now,
        connection: StreamId,
        subject: Subject,
        out: &mut Outbox<SessionData>,
    ) {
        let owner = self.target(subject);
        let Some(acceptor) = self.acceptors.get_mut(&connection) else {
            return;
        };
        if let Some(owner) = owner {
            acceptor.last_write.insert(owner, now.mono);
        }
        if acceptor.snapshots.is_empty() {
            self.perform_anew(now, subject, out);
        } else if acceptor.queue.push(subject).is_err()
            && let Some(owner) = owner
        {
            out.note(Note::DropsWrite(owner));
        }
    }

    /// Whom it concerns, by the list as it is known now.
    fn target(&self, subject: Subject) -> Option<NodeId> {
        match subject {
            Subject::Publish(publisher) => self.ring.owner(publisher.id.service),
            Subject::Unpublish(unpublish) => self.ring.owner(unpublish.id.service),
            Subject::ClientOff(_, node) | Subject::Renew(_, node) | Subject::Snapshot(_, node) => {
                Some(node)
            }
        }
    }

    pub(super) fn perform_anew(&mut self, now: Now, what: Subject, out: &mut Outbox<SessionData>) {
        let task = Task {
            what,
            since: now.mono,
            tries: 0,
        };
        self.perform(now, task, out);
    }

    /// Tells a data server, if it is connected.
    pub(super) fn perform(&mut self, now: Now, mut task: Task, out: &mut Outbox<SessionData>) {
        task.tries += 1;
        let target = self.target(task.what);
        let is_up = |node: &NodeId| self.links.get(node).is_some_and(|link| link.up().is_some());
        let Some(node) = target.filter(is_up) else {
            return self.failed(now, task, out);
        };
        let timeout = self.config.options.session.timeout;
        let what = task.what;
        let call = self.calls.expect(node, Asked::Ring(task), timeout, out);
        let process = self.me;
        let word = match what {
            Subject::Publish(publisher) => Word::Publish(call, process, publisher),
            Subject::Unpublish(unpublish) => Word::Unpublish(call, process, unpublish),
            Subject::ClientOff(connection, _) => Word::ClientOff {
                call,
                connection,
                time: now.wall.as_nanos(),
            },
            Subject::Renew(connection, node) => Word::Renew {
                call,
                process,
                connection,
                sum: self.sum(connection, node),
            },
            Subject::Snapshot(connection, node) => Word::Snapshot {
                call,
                process,
                connection,
                publishers: self.owned(connection, node).collect(),
            },
        };
        out.send(node, Message::Ring(word));
    }

    /// What a connection has registered of which that data server is the first owner.
    fn owned(&self, connection: StreamId, node: NodeId) -> impl Iterator<Item = Publisher> {
        let over = self.memory.over(connection);
        let of = move |(id, entry): (RegisterId, &Entry)| Publisher {
            id,
            value: entry.value,
            stamp: entry.stamp,
            connection,
        };
        over.filter(move |(id, _)| self.ring.owner(id.service) == Some(node))
            .map(of)
    }

    fn sum(&self, connection: StreamId, node: NodeId) -> Sum {
        let digest = self.config.options.ring.digest;
        let mut sum = Sum::default();
        for one in self.owned(connection, node) {
            sum.add(Sum::of(digest, one.id, one.stamp));
        }
        sum
    }

    /// Something could not be told: it is told again when its time has come, or dropped.
    fn failed(&mut self, now: Now, task: Task, out: &mut Outbox<SessionData>) {
        let ring = &self.config.options.ring;
        let retries = match task.what {
            Subject::Publish(_) | Subject::Unpublish(_) => &ring.publish_retries,
            Subject::ClientOff(..) => &ring.client_off_retries,
            Subject::Renew(..) => &ring.renew_retries,
            Subject::Snapshot(..) => &ring.snapshot_retries,
        };
        let next = usize::try_from(task.tries).ok();
        let next = next.and_then(|tries| retries.get(tries.checked_sub(1)?));
        let Some(next) = next else {
            return self.give_up(now, task.what, out);
        };
        let call = self.calls.name();
        let wait = *next - now.mono.since(task.since);
        out.arm(Timer::Retry(call), wait);
        self.waiting.insert(call, task);
    }

    fn give_up(&mut self, now: Now, what: Subject, out: &mut Outbox<SessionData>) {
        if let Some(node) = self.target(what) {
            out.note(Note::DropsWrite(node));
        }
        self.is_over(now, what, out);
    }

    /// A snapshot that is over, however that came, holds no writes back any longer.
    fn is_over(&mut self, now: Now, what: Subject, out: &mut Outbox<SessionData>) {
        let Subject::Snapshot(connection, node) = what else {
            return;
        };
        let Some(acceptor) = self.acceptors.get_mut(&connection) else {
            return;
        };
        acceptor.snapshots.remove(&node);
        if !acceptor.snapshots.is_empty() {
            return;
        }
        let mut waited = Vec::new();
        while let Some(subject) = acceptor.queue.pop() {
            waited.push(subject);
        }
        for subject in waited {
            self.perform_anew(now, subject, out);
        }
    }

    pub(super) fn on_answer(
        &mut self,
        now: Now,
        (call, from): (CallId, NodeId),
        answer: Answer,
        out: &mut Outbox<SessionData>,
    ) {
        let Some(Asked::Ring(task)) = self.calls.answered(call, from, out) else {
            return;
        };
        match (answer, task.what) {
            (Answer::Done, what) => self.is_over(now, what, out),
            // The real one's retries catch what is not answered, and not what is refused.
            (Answer::NotWorking, what) => self.give_up(now, what, out),
            (Answer::Differs, Subject::Renew(connection, node)) => {
                out.note(Note::RenewalDiffers(connection, node));
                self.snapshot(now, connection, node, out);
            }
            (Answer::Differs, _) => {}
        }
    }

    /// A call was not answered in time.
    pub(super) fn on_timeout(&mut self, now: Now, call: CallId, out: &mut Outbox<SessionData>) {
        match self.calls.timed_out(call) {
            Some((_, Asked::Ring(task))) => self.failed(now, task, out),
            Some((_, Asked::Fetch(service))) => self.fetch_again(service, out),
            Some((_, Asked::Push(waiting, _))) => self.push_again(waiting, out),
            Some((_, Asked::Scan(_) | Asked::Level | Asked::Batch(..))) | None => {}
        }
    }

    /// A connection's registrations will be compared in time: sooner when it is new.
    pub(super) fn expect_renewal(
        &self,
        connection: StreamId,
        is_new: bool,
        out: &mut Outbox<SessionData>,
    ) {
        let ring = &self.config.options.ring;
        let within = if is_new {
            SpanRange::new(ring.first_renew_from, ring.first_renew_to)
        } else {
            SpanRange::from(ring.renew)
        };
        if ring.renews {
            out.arm(Timer::Ring(Alarm::Renew(connection)), within);
        }
    }

    /// Compares what a connection has registered with every data server that owns some of it.
    pub(super) fn renew(&mut self, now: Now, connection: StreamId, out: &mut Outbox<SessionData>) {
        let silence = self.config.options.ring.silence;
        let Some(acceptor) = self.acceptors.get(&connection) else {
            return;
        };
        self.expect_renewal(connection, false, out);
        let ids = self.memory.over(connection);
        let owners = ids.filter_map(|(id, _)| self.ring.owner(id.service));
        let owners: BTreeSet<NodeId> = owners
            .filter(|node| !acceptor.is_silent(now, *node, silence))
            .filter(|node| !acceptor.snapshots.contains(node))
            .collect();
        for node in owners {
            self.perform_anew(now, Subject::Renew(connection, node), out);
        }
    }

    /// An owner has something else than a connection has registered: it is sent all of it.
    fn snapshot(
        &mut self,
        now: Now,
        connection: StreamId,
        node: NodeId,
        out: &mut Outbox<SessionData>,
    ) {
        let ring = &self.config.options.ring;
        let Some(acceptor) = self.acceptors.get_mut(&connection) else {
            return;
        };
        if !ring.snapshots || acceptor.is_silent(now, node, ring.silence) {
            return;
        }
        if acceptor.snapshots.insert(node) {
            self.perform_anew(now, Subject::Snapshot(connection, node), out);
        }
    }
}
