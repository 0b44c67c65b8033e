//! A session server of the fifth generation: it remembers what its clients register, tells data servers once, and renews.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::SessionData;
use super::super::beats::{Beats, News};
use super::super::calls::Calls;
use super::super::digest::Sum;
use super::super::link::Link;
use super::super::memory::Memory;
use super::super::message::{Address, CallId, Message, Timer, Wish};
use super::super::names::{Epoch, ProcessId, RegisterId, SlotId};
use super::super::note::Note;
use super::super::options::Options;
use super::super::publishing::client_sum;
use super::super::pushing::{Pushing, Subscriptions};
use super::super::scans::Scans;
use super::super::session::Asked;
use super::consistent_hash::ConsistentHash;
use super::word::{Alarm, Word};
use super::writing::Acceptor;
pub use super::writing::{Subject, Task};
use crate::kv::Key;
use crate::process::{Config, Input};
use crate::queue::Losable;
use crate::{Life, NodeId, Now, Outbox, StreamId, Time};

/// A session server.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct RingSession {
    pub(super) me: ProcessId,
    pub(super) config: Arc<Config<SessionData>>,
    pub(super) beats: Beats,
    /// What is registered over the connections that it has.
    pub memory: Memory,
    /// When each client was heard last, on the monotonic clock.
    clients: BTreeMap<StreamId, Time>,
    /// Its connections to data servers.
    pub(super) links: BTreeMap<NodeId, Link>,
    /// Who owns what, by the list it knows.
    pub(super) ring: ConsistentHash,
    /// What becomes of the writes of each connection.
    pub(super) acceptors: BTreeMap<StreamId, Acceptor>,
    /// What failed, and is told again.
    pub(super) waiting: BTreeMap<CallId, Task>,
    pub(super) calls: Calls<Asked>,
    pushing: Pushing,
}

impl Subscriptions for RingSession {
    fn parts(&mut self) -> (&mut Pushing, &mut Calls<Asked>, &Options) {
        (&mut self.pushing, &mut self.calls, &self.config.options)
    }

    /// There are no slots, and nobody leads one: data servers do not look at these.
    fn serves(&self, service: Key) -> Option<(NodeId, Address)> {
        let of = Address {
            table: Epoch::default(),
            slot: SlotId(0),
            leadership: Epoch::default(),
        };
        Some((self.ring.owner(service)?, of))
    }
}

impl RingSession {
    pub(in super::super) fn boot(
        config: &Arc<Config<SessionData>>,
        me: ProcessId,
        out: &mut Outbox<SessionData>,
    ) -> RingSession {
        let options = &config.options;
        let mut session = RingSession {
            me,
            config: Arc::clone(config),
            beats: Beats::new(me, config),
            memory: Memory::new(options.ring.digest, options.slots),
            clients: BTreeMap::new(),
            links: BTreeMap::new(),
            ring: ConsistentHash::default(),
            acceptors: BTreeMap::new(),
            waiting: BTreeMap::new(),
            calls: Calls::new(me.life),
            pushing: Pushing::new(options.slots, options.session.pushes),
        };
        session.beats.beat(0, options, out);
        out.arm(Timer::Scan, options.session.scan);
        out.arm(Timer::Sweep, options.session.sweep);
        session
    }

    pub(in super::super) fn step(
        &mut self,
        now: Now,
        input: Input<SessionData>,
        out: &mut Outbox<SessionData>,
    ) {
        self.pushing.news = None;
        match input {
            Input::Delivered(from, message) => self.on_message(now, from, message, out),
            Input::Fired(timer) => self.on_timer(now, timer, out),
            Input::Opened { stream, .. } => self.on_opened(now, stream, out),
            Input::Arrived(stream, message) => self.on_sign(now, stream, &message, out),
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
            Message::Register {
                connection,
                life,
                wishes,
            } => self.on_register(now, (from, life), connection, &wishes, out),
            Message::Ring(Word::Answer(call, answer)) => {
                self.on_answer(now, (call, from), answer, out);
            }
            Message::Pushed(call) => self.on_pushed(call, from, out),
            Message::Fetched(call, datum) => self.on_fetched(call, from, datum, out),
            Message::Scanned(call, others) => self.on_scanned(call, from, others, out),
            Message::Changed(call, changes) => {
                out.send(from, Message::Noted(call));
                for (service, version) in changes.iter() {
                    self.heard_of(*service, *version, out);
                }
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

    fn on_news(&mut self, news: News, out: &mut Outbox<SessionData>) {
        if news.roster {
            let places = self.config.options.ring.virtual_nodes;
            self.ring = ConsistentHash::of(&self.beats.roster.data, places);
            self.connect(out);
        }
    }

    fn on_timer(&mut self, now: Now, timer: Timer, out: &mut Outbox<SessionData>) {
        let config = Arc::clone(&self.config);
        let options = &config.options;
        match timer {
            Timer::Beat => self.beats.beat(0, options, out),
            Timer::Sweep => self.sweep(now, out),
            Timer::Scan => self.scan(out),
            Timer::Call(call) => self.on_timeout(now, call, out),
            Timer::Retry(call) => {
                if let Some(task) = self.waiting.remove(&call) {
                    self.perform(now, task, out);
                }
            }
            Timer::Ring(Alarm::Renew(connection)) => self.renew(now, connection, out),
            Timer::Fetch(service) => self.fetch(service, out),
            Timer::Push => self.push_all(out),
            Timer::Dial(node) => {
                if let Some(link) = self.links.get_mut(&node) {
                    link.dial(node, &options.client, out);
                }
            }
            Timer::Connecting(node) => {
                let link = self.links.get_mut(&node);
                if link.is_some_and(|link| link.give_up(out).is_some()) {
                    out.arm(Timer::Dial(node), options.client.retry);
                }
            }
            Timer::Ping(node) => {
                let link = self.links.get_mut(&node);
                if link.is_some_and(|link| link.ping(None, &options.client, out)) {
                    out.arm(Timer::Dial(node), options.client.retry);
                }
            }
            _ => {}
        }
    }

    /// A client is connected; or a data server is, which is told whom it would take for gone otherwise.
    fn on_opened(&mut self, now: Now, stream: StreamId, out: &mut Outbox<SessionData>) {
        let options = &self.config.options;
        if stream.opener != self.me.node {
            self.clients.insert(stream, now.mono);
            let acceptor = Acceptor::new(options.ring.acceptor_queue);
            self.acceptors.insert(stream, acceptor);
            self.expect_renewal(stream, true, out);
        } else if let Some(link) = self.links.get_mut(&stream.to)
            && link.on_opened((self.me, stream), &options.client, out)
        {
            let connections: Arc<[StreamId]> = self.clients.keys().copied().collect();
            let word = Word::Connections(self.me, connections);
            out.push(stream, Message::Ring(word));
        }
    }

    /// A sign of life over a connection.
    fn on_sign(
        &mut self,
        now: Now,
        stream: StreamId,
        message: &Message,
        out: &mut Outbox<SessionData>,
    ) {
        if let Some(link) = self.links.get_mut(&stream.to) {
            return link.on_pong(stream);
        }
        let Some(heard) = self.clients.get_mut(&stream) else {
            return;
        };
        *heard = now.mono;
        if let Message::Ping(sum) = message {
            out.push(stream, Message::Pong);
            if let Some(sum) = sum {
                self.compare_client(stream, *sum, out);
            }
        }
    }

    /// What the real one has not: see `rules.compare_clients`.
    fn compare_client(&self, connection: StreamId, sum: Sum, out: &mut Outbox<SessionData>) {
        let digest = self.config.options.rules.digest;
        let mut mine = Sum::default();
        for (id, entry) in self.memory.over(connection) {
            mine.add(client_sum(digest, id, entry.stamp.version));
        }
        if mine == sum {
            return;
        }
        out.note(Note::ClientDiffers(connection));
        let over = self.memory.over(connection);
        let held = over.map(|(id, entry)| (id.service, entry.stamp.version));
        let held = Some(held.collect());
        out.send(connection.opener, Message::Repeat { connection, held });
    }

    fn on_closed(&mut self, now: Now, stream: StreamId, out: &mut Outbox<SessionData>) {
        if let Some(link) = self.links.get_mut(&stream.to) {
            if link.on_closed(stream, out) {
                out.arm(Timer::Dial(stream.to), self.config.options.client.retry);
            }
        } else {
            self.client_off(now, stream, out);
        }
    }

    /// Connects to the data servers on the list, and to no others.
    fn connect(&mut self, out: &mut Outbox<SessionData>) {
        let data = &self.beats.roster.data;
        let is_gone = |node: &NodeId| !data.contains_key(node);
        let gone: Vec<NodeId> = self.links.keys().copied().filter(is_gone).collect();
        for node in gone {
            if let Some(mut link) = self.links.remove(&node) {
                link.give_up(out);
                out.disarm(Timer::Dial(node));
            }
        }
        for node in data.keys() {
            let link = self.links.entry(*node).or_insert(Link::Down);
            link.dial(*node, &self.config.options.client, out);
        }
    }

    /// Looks which clients have been silent for too long.
    fn sweep(&mut self, now: Now, out: &mut Outbox<SessionData>) {
        let options = &self.config.options.session;
        out.arm(Timer::Sweep, options.sweep);
        let idle = options.idle;
        let silent = |(_, heard): &(&StreamId, &Time)| now.mono.since(**heard) > idle;
        let silent = self.clients.iter().filter(silent);
        let silent: Vec<StreamId> = silent.map(|(stream, _)| *stream).collect();
        for stream in silent {
            out.close(stream);
            self.client_off(now, stream, out);
        }
    }

    /// A connection is no more: every data server is told, for any may have something of it.
    fn client_off(&mut self, now: Now, connection: StreamId, out: &mut Outbox<SessionData>) {
        if self.clients.remove(&connection).is_none() {
            return;
        }
        self.unsubscribe(connection);
        self.acceptors.remove(&connection);
        out.disarm(Timer::Ring(Alarm::Renew(connection)));
        let gone = self.memory.disconnect(connection);
        out.note(Note::ClientOff(connection, gone.len()));
        let all: Vec<NodeId> = self.ring.servers().collect();
        for node in all {
            self.perform_anew(now, Subject::ClientOff(connection, node), out);
        }
    }

    /// A client wants something.
    fn on_register(
        &mut self,
        now: Now,
        (client, life): (NodeId, Life),
        connection: StreamId,
        wishes: &Arc<[Wish]>,
        out: &mut Outbox<SessionData>,
    ) {
        let Some(heard) = self.clients.get_mut(&connection) else {
            let held = None;
            return out.send(client, Message::Repeat { connection, held });
        };
        *heard = now.mono;
        let id = |service| RegisterId {
            service,
            client,
            life,
        };
        for wish in wishes.iter() {
            match *wish {
                Wish::Subscribe(service, _) => self.subscribe((connection, None), service, out),
                Wish::Publish(service, version, value) => {
                    let change = (id(service), version, Some(value));
                    self.change(now, connection, change, out);
                }
                Wish::Withdraw(service, version) => {
                    let change = (id(service), version, None);
                    self.change(now, connection, change, out);
                }
            }
        }
        let wishes = Arc::clone(wishes);
        out.send(client, Message::Registered { connection, wishes });
    }

    pub(in super::super) fn queues(&mut self) -> Vec<(&'static str, &mut dyn Losable)> {
        vec![("pushes", &mut self.pushing.queue)]
    }

    pub(in super::super) fn gauges(&self) -> Vec<(&'static str, u64)> {
        let (live, _) = self.memory.len();
        vec![
            ("clients", self.clients.len() as u64),
            ("registrations", live as u64),
            ("retries", self.waiting.len() as u64),
            ("calls", self.calls.len() as u64),
        ]
    }
}
