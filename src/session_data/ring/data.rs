//! A data server of the fifth generation: it acknowledges what it will apply, and owns what its own list says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::SessionData;
use super::super::beats::Beats;
use super::super::calls::Calls;
use super::super::digest::Sum;
use super::super::message::{Access, Address, CallId, Datum, Message, Others, Timer};
use super::super::names::{DATA, Epoch, ProcessId, Version};
use super::super::note::Note;
use super::consistent_hash::ConsistentHash;
use super::copying::Reports;
use super::datum::Store;
use super::word::{Alarm, Answer, Publisher, Unpublish, Word};
use crate::kv::Key;
use crate::process::{Config, Input};
use crate::queue::Losable;
use crate::{NodeId, Now, Outbox, Queue, StreamId, Time};

/// A data server.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct RingData {
    pub(super) me: ProcessId,
    pub(in super::super) config: Arc<Config<SessionData>>,
    pub(super) beats: Beats,
    /// Who owns what, by the list it knows; and by the one before.
    pub(super) ring: ConsistentHash,
    pub(super) before: ConsistentHash,
    /// Whether it takes writes: it has heard of all others on the list what is its own by now.
    pub working: bool,
    /// Whether it takes renewals, and forgets who is not renewed.
    pub(super) enabled: bool,
    /// What it holds, be it its own or not.
    pub store: Store,
    /// What is acknowledged and not applied.
    pub(super) events: Queue<Event>,
    /// Whether the alarm to apply it is set.
    pub(super) merging: bool,
    /// The clients that are said to be gone, since when.
    pub(super) offs: BTreeMap<StreamId, u64>,
    /// When each connection was last heard of, on the monotonic clock.
    pub leases: BTreeMap<StreamId, Time>,
    /// Which connections each session process has told of.
    pub(super) bound: BTreeMap<ProcessId, BTreeSet<StreamId>>,
    /// Which session servers are connected, once they have said so, and when each was heard last.
    pub(super) connected: BTreeMap<StreamId, (Option<ProcessId>, Time)>,
    /// The session processes whose last connection is no more, since when by the wall clock.
    pub(super) gone: BTreeMap<ProcessId, u64>,
    pub(super) calls: Calls<Asked>,
    /// What its copies are to be told of.
    pub(super) to_copy: BTreeSet<Key>,
    pub(super) reports: Reports,
    /// The last version that was drawn from the clock.
    pub(super) clock: u64,
}

/// A change that is acknowledged and not applied.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Event {
    /// A registration.
    Publish(Publisher),
    /// Its end.
    Unpublish(Unpublish),
    /// The end of all that a connection has registered, at that time.
    Off(StreamId, u64),
    /// All that a connection has registered.
    Snapshot(StreamId, Arc<[Publisher]>),
}

/// What a data server waits for.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Asked {
    /// A session server to hear of changes, at that try.
    Notice(Arc<[(Key, Version)]>, u32),
    /// A copy to hear of them, at that try.
    Newer(Arc<[(Key, Version)]>, u32),
    /// A service, since that version.
    Pull(Key, Version),
    /// A service, for a session server that asked for it.
    Forward(NodeId, CallId),
}

impl RingData {
    pub(in super::super) fn boot(
        config: &Arc<Config<SessionData>>,
        me: ProcessId,
        out: &mut Outbox<SessionData>,
    ) -> RingData {
        let options = &config.options;
        let mut data = RingData {
            me,
            config: Arc::clone(config),
            beats: Beats::new(me, config),
            ring: ConsistentHash::default(),
            before: ConsistentHash::default(),
            working: false,
            enabled: false,
            store: Store::default(),
            events: Queue::new(options.ring.events),
            merging: false,
            offs: BTreeMap::new(),
            leases: BTreeMap::new(),
            bound: BTreeMap::new(),
            connected: BTreeMap::new(),
            gone: BTreeMap::new(),
            calls: Calls::new(me.life),
            to_copy: BTreeSet::new(),
            reports: Reports::default(),
            clock: 0,
        };
        data.beats.beat(0, options, out);
        out.arm(Timer::Lease, options.data.lease_check);
        data
    }

    pub(in super::super) fn step(
        &mut self,
        now: Now,
        input: Input<SessionData>,
        out: &mut Outbox<SessionData>,
    ) {
        match input {
            Input::Delivered(from, message) => self.on_message(now, from, message, out),
            Input::Fired(timer) => self.on_timer(now, timer, out),
            Input::Opened { stream, .. } => {
                self.connected.insert(stream, (None, now.mono));
            }
            Input::Arrived(stream, message) => self.on_sign(now, stream, message, out),
            Input::Closed(stream, _) => self.on_closed(now, stream, out),
            Input::Quit => out.stop("was asked to quit"),
            // Signs of life are few and small, and it writes nothing.
            Input::Credit(..) | Input::Flushed(_) | Input::Failed(_) => {}
            Input::Resolved(_) | Input::Requested(..) => {}
        }
    }

    fn on_message(
        &mut self,
        now: Now,
        from: NodeId,
        message: Message,
        out: &mut Outbox<SessionData>,
    ) {
        match message {
            Message::Ring(word) => self.on_word(now, from, word, out),
            Message::Fetch { call, of, service } => {
                self.on_fetch((from, call), of, service, out);
            }
            Message::Fetched(call, datum) => {
                if let Some(Asked::Forward(to, call)) = self.calls.answered(call, from, out) {
                    out.send(to, Message::Fetched(call, datum));
                }
            }
            Message::Scan { call, known, .. } => {
                let versions = self.on_scan(&known);
                out.send(from, Message::Scanned(call, versions));
            }
            Message::Noted(call) => {
                self.calls.answered(call, from, out);
            }
            Message::Beaten {
                term,
                table,
                roster,
            } => {
                let news = self.beats.on_beaten(term, table, roster);
                self.on_news(news, out);
            }
            Message::Leader(leader) => self.beats.on_leader(leader, &self.config.options, out),
            _ => {}
        }
    }

    fn on_word(&mut self, now: Now, from: NodeId, word: Word, out: &mut Outbox<SessionData>) {
        match word {
            Word::Publish(call, process, publisher) => {
                let what = (process, publisher.connection);
                self.on_write(now, (call, from), what, Event::Publish(publisher), out);
            }
            Word::Unpublish(call, process, unpublish) => {
                let what = (process, unpublish.connection);
                self.on_write(now, (call, from), what, Event::Unpublish(unpublish), out);
            }
            Word::Snapshot {
                call,
                process,
                connection,
                publishers,
            } => {
                let event = Event::Snapshot(connection, publishers);
                self.on_write(now, (call, from), (process, connection), event, out);
            }
            Word::Renew {
                call,
                process,
                connection,
                sum,
            } => {
                let answer = self.on_renew(now, (process, connection), sum);
                out.send(from, Message::Ring(Word::Answer(call, answer)));
            }
            Word::ClientOff {
                call,
                connection,
                time,
            } => {
                self.on_client_off(connection, time, out);
                out.send(from, Message::Ring(Word::Answer(call, Answer::Done)));
            }
            _ => self.on_peer(from, word, out),
        }
    }

    fn on_timer(&mut self, now: Now, timer: Timer, out: &mut Outbox<SessionData>) {
        match timer {
            Timer::Beat => self.beats.beat(0, &self.config.options, out),
            Timer::Lease => self.on_lease_check(now, out),
            Timer::Call(call) => self.on_timeout(call, out),
            Timer::Ring(Alarm::Merge) => self.merge(now, out),
            Timer::Ring(Alarm::ClientOff(connection)) => {
                if let Some(time) = self.offs.remove(&connection) {
                    self.enqueue(Event::Off(connection, time), out);
                }
            }
            Timer::Ring(Alarm::Disconnect(process)) => self.on_disconnect(process, out),
            Timer::Ring(Alarm::Copies) => self.tell_copies(out),
            Timer::Ring(Alarm::Report(node)) => self.report_again(node, out),
            Timer::Ring(Alarm::Enable) => self.enabled = true,
            Timer::Ring(Alarm::Sweep) => self.sweep(now, out),
            Timer::Ring(Alarm::Clean) => self.clean(out),
            _ => {}
        }
    }

    /// A session server writes: that it owns nothing of it is no reason to refuse. What is acknowledged may get lost.
    fn on_write(
        &mut self,
        now: Now,
        (call, from): (CallId, NodeId),
        (process, connection): (ProcessId, StreamId),
        event: Event,
        out: &mut Outbox<SessionData>,
    ) {
        let answer = if self.working {
            self.binds(now, process, connection);
            self.enqueue(event, out);
            Answer::Done
        } else {
            Answer::NotWorking
        };
        out.send(from, Message::Ring(Word::Answer(call, answer)));
    }

    pub(super) fn enqueue(&mut self, event: Event, out: &mut Outbox<SessionData>) {
        // What there is no room for is dropped, as it is acknowledged.
        let _ = self.events.push(event);
        if !self.merging {
            self.merging = true;
            out.arm(Timer::Ring(Alarm::Merge), self.config.options.ring.merge);
        }
    }

    /// A session server compares what it has of a connection with what is owned here.
    fn on_renew(
        &mut self,
        now: Now,
        (process, connection): (ProcessId, StreamId),
        sum: Sum,
    ) -> Answer {
        if !self.working || !self.enabled {
            return Answer::NotWorking;
        }
        self.binds(now, process, connection);
        let digest = self.config.options.ring.digest;
        let mut mine = Sum::default();
        for one in self.owned(connection) {
            mine.add(Sum::of(digest, one.id, one.stamp));
        }
        if mine == sum {
            Answer::Done
        } else {
            Answer::Differs
        }
    }

    pub(super) fn owns(&self, service: Key) -> bool {
        self.ring.owner(service) == Some(self.me.node)
    }

    /// What a connection has registered of which it is the first owner.
    pub(super) fn owned(&self, connection: StreamId) -> impl Iterator<Item = &Publisher> {
        let over = self.store.over(connection);
        over.filter(|one| self.owns(one.id.service))
    }

    /// Tells every session server that is connected what has changed.
    pub(super) fn notify(&mut self, changes: &[(Key, Version)], out: &mut Outbox<SessionData>) {
        let streams = self.connected.keys();
        let sessions: BTreeSet<NodeId> = streams.map(|stream| stream.opener).collect();
        for changes in changes.chunks(self.config.options.data.notices) {
            for to in &sessions {
                self.send_notice(*to, changes.into(), 0, out);
            }
        }
    }

    fn send_notice(
        &mut self,
        to: NodeId,
        changes: Arc<[(Key, Version)]>,
        tries: u32,
        out: &mut Outbox<SessionData>,
    ) {
        let interval = self.config.options.data.notify;
        let asked = Asked::Notice(Arc::clone(&changes), tries);
        let call = self.calls.expect(to, asked, interval, out);
        out.send(to, Message::Changed(call, changes));
    }

    /// A call was not answered in time. What was to be pulled is told of again with its next change.
    fn on_timeout(&mut self, call: CallId, out: &mut Outbox<SessionData>) {
        match self.calls.timed_out(call) {
            Some((to, Asked::Notice(changes, tries))) => {
                if tries < self.config.options.data.notice_retries {
                    self.send_notice(to, changes, tries + 1, out);
                } else {
                    out.note(Note::NoticeFails(to));
                }
            }
            Some((to, Asked::Newer(changes, tries))) => {
                if tries < self.config.options.ring.copy_retries {
                    self.send_newer(to, changes, tries + 1, out);
                }
            }
            Some((_, Asked::Pull(..) | Asked::Forward(..))) | None => {}
        }
    }

    /// What a service consists of. Who does not work yet asks another owner.
    fn on_fetch(
        &mut self,
        (from, call): (NodeId, CallId),
        of: Address,
        service: Key,
        out: &mut Outbox<SessionData>,
    ) {
        if self.working {
            let datum = Ok(self.datum(service));
            return out.send(from, Message::Fetched(call, datum));
        }
        let owners = self
            .ring
            .owners(service, self.config.options.ring.store_nodes);
        let other = owners.into_iter().find(|node| *node != self.me.node);
        let other = other.filter(|_| from.letter() != DATA);
        let Some(other) = other else {
            return out.send(from, Message::Fetched(call, Err(Access::Migrating)));
        };
        let timeout = self.config.options.data.timeout;
        let asked = Asked::Forward(from, call);
        let call = self.calls.expect(other, asked, timeout, out);
        out.send(other, Message::Fetch { call, of, service });
    }

    fn datum(&self, service: Key) -> Arc<Datum> {
        let held = self.store.get(service).into_iter();
        let publishers = held.flat_map(|datum| datum.publishers.values());
        Arc::new(Datum {
            service,
            version: self.store.version(service),
            registered: publishers.map(|one| (one.id, one.value)).collect(),
        })
    }

    /// Which services are newer here than a session server knows them.
    fn on_scan(&self, known: &[(Key, Version)]) -> Result<Others, Access> {
        if !self.working {
            return Err(Access::Migrating);
        }
        let mine = known
            .iter()
            .map(|(key, its)| (*key, *its, self.store.version(*key)));
        let newer = mine.filter(|(_, its, mine)| mine > its);
        Ok(Others {
            versions: newer.map(|(key, _, mine)| (key, mine)).collect(),
            // There are no slots.
            level: Version::default(),
        })
    }

    /// The list that it knows.
    pub(super) fn list(&self) -> Epoch {
        self.beats.roster.epoch
    }

    pub(in super::super) fn queues(&mut self) -> Vec<(&'static str, &mut dyn Losable)> {
        vec![("events", &mut self.events)]
    }

    pub(in super::super) fn gauges(&self) -> Vec<(&'static str, u64)> {
        let owned = self.store.iter().filter(|(service, _)| self.owns(*service));
        vec![
            ("owned", owned.count() as u64),
            ("registrations", self.store.len() as u64),
            ("leases", self.leases.len() as u64),
            ("events", self.events.len() as u64),
            ("connections", self.connected.len() as u64),
        ]
    }
}
