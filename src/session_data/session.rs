//! A session server: clients are connected to it, and what they register is told to data servers.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::SessionData;
use super::answers::{Holder, OfSession, Question, answer, differing};
use super::beats::Beats;
use super::calls::Calls;
use super::digest::Sum;
use super::link::Link;
use super::memory::{Memory, Part};
use super::message::{Access, Address, CallId, Item, Message, Timer};
use super::names::{Epoch, ProcessId, RegisterId, SlotId, Stamp, Version};
use super::options::Options;
use super::pushing::{Pushing, Subscriptions, Waiting};
use super::ring;
use super::scans::Scans;
use super::writes::{Retries, Writes};
use crate::kv::Key;
use crate::process::{Config, Input};
use crate::queue::Losable;
use crate::{NodeId, Now, Outbox, StreamId, Time};

/// A session server.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Session {
    pub(super) me: ProcessId,
    pub(super) config: Arc<Config<SessionData>>,
    pub(super) beats: Beats,
    /// What is registered over the connections that it has.
    pub memory: Memory,
    /// When each client was heard last, on the monotonic clock.
    pub(super) clients: BTreeMap<StreamId, Time>,
    /// Its connections to data servers.
    pub(super) links: BTreeMap<NodeId, Link>,
    /// The newest leadership under which each slot was compared, and by whom.
    pub(super) compared: BTreeMap<SlotId, (Epoch, NodeId)>,
    pub(super) writes: Writes,
    pub(super) retries: Retries,
    pub(super) calls: Calls<Asked>,
    pub(super) pushing: Pushing,
    /// What the last step learned to be taken in, and by whom.
    pub(super) taken: Option<(NodeId, Arc<[Item]>)>,
}

/// What a session server waits for.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Asked {
    /// A batch of a slot to be taken, at that try.
    Batch(SlotId, Arc<[Item]>, u32),
    /// A service.
    Fetch(Key),
    /// The versions of a slot's services.
    Scan(SlotId),
    /// Whether the levels of slots have risen.
    Level,
    /// A push to be taken, at that try.
    Push(Waiting, Version),
    /// What the other generation has.
    Ring(ring::session::Task),
}

impl Subscriptions for Session {
    fn parts(&mut self) -> (&mut Pushing, &mut Calls<Asked>, &Options) {
        (&mut self.pushing, &mut self.calls, &self.config.options)
    }

    fn serves(&self, service: Key) -> Option<(NodeId, Address)> {
        self.address(self.memory.slot(service))
    }
}

impl Session {
    pub(super) fn boot(
        config: &Arc<Config<SessionData>>,
        me: ProcessId,
        out: &mut Outbox<SessionData>,
    ) -> Session {
        let options = &config.options;
        let mut session = Session {
            me,
            config: Arc::clone(config),
            beats: Beats::new(me, config),
            memory: Memory::new(options.rules.digest, options.slots),
            clients: BTreeMap::new(),
            links: BTreeMap::new(),
            compared: BTreeMap::new(),
            writes: Writes::new(options.session.writes),
            retries: Retries::new(options.session.retrying),
            calls: Calls::new(me.life),
            pushing: Pushing::new(options.slots, options.session.pushes),
            taken: None,
        };
        session.beats.beat(0, options, out);
        out.arm(Timer::Scan, options.session.scan);
        out.arm(Timer::Sweep, options.session.sweep);
        session
    }

    pub(super) fn step(
        &mut self,
        now: Now,
        input: Input<SessionData>,
        out: &mut Outbox<SessionData>,
    ) {
        self.taken = None;
        self.pushing.news = None;
        match input {
            Input::Delivered(from, message) => self.on_message(now, from, message, out),
            Input::Fired(timer) => self.on_timer(now, timer, out),
            Input::Opened { stream, .. } => self.on_opened(now, stream, out),
            Input::Arrived(stream, message) => self.on_sign(now, stream, &message, out),
            Input::Closed(stream, _) => self.on_closed(stream, out),
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
            Message::Pushed(call) => self.on_pushed(call, from, out),
            Message::Done(call, access) => self.on_done(call, from, access, out),
            Message::Fetched(call, datum) => self.on_fetched(call, from, datum, out),
            Message::Scanned(call, others) => self.on_scanned(call, from, others, out),
            Message::Leveled(call, levels) => self.on_leveled(call, from, &levels, out),
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
                if news.roster {
                    self.connect(out);
                }
                if news.table {
                    self.tell(out);
                }
            }
            Message::Leader(leader) => self.beats.on_leader(leader, &self.config.options, out),
            Message::News(epoch) if epoch > self.beats.table.epoch => {
                self.beats.beat(0, &self.config.options, out);
            }
            _ => self.on_question(from, message, out),
        }
    }

    /// What data servers ask to compare.
    fn on_question(&mut self, from: NodeId, message: Message, out: &mut Outbox<SessionData>) {
        let may = self.may_ask(from, &message);
        let (me, memory, last) = (self.me, &self.memory, self.calls.last());
        match message {
            Message::Digests { call, .. } | Message::Summaries { call, .. } if !may => {
                out.send(from, Message::NotMine(call));
            }
            Message::Compare { call, slots, sum } => {
                let sums = self.unequal(from, &slots, sum);
                out.send(
                    from,
                    Message::Compared {
                        call,
                        process: me,
                        last,
                        sums: sums.into(),
                    },
                );
            }
            Message::Digests {
                call,
                slot,
                anew,
                shares,
                ..
            } => {
                let mine = OfSession { me, memory, slot }.sums();
                let services = differing(&mine, &shares);
                let gone = memory.gone(slot).filter(|_| anew);
                out.send(
                    from,
                    Message::Differing {
                        call,
                        process: me,
                        last,
                        services: services.into(),
                        gone: gone.collect(),
                    },
                );
            }
            Message::Summaries {
                call,
                slot,
                services,
                after,
                upto,
                known,
            } => {
                let question = Question {
                    services: &services,
                    after,
                    upto,
                    known: &known,
                };
                let most = self.config.options.data.answered;
                let answer = answer(&OfSession { me, memory, slot }, &question, most);
                out.send(
                    from,
                    Message::Publishers {
                        call,
                        process: me,
                        updated: answer.updated.into(),
                        removed: answer.removed.into(),
                        more: answer.more,
                    },
                );
            }
            Message::Outdated { process, items } if process == me => self.forget_outdated(&items),
            _ => {}
        }
    }

    /// Whether it may be asked that.
    fn may_ask(&mut self, from: NodeId, message: &Message) -> bool {
        match message {
            Message::Digests {
                slot, leadership, ..
            } => self.compares(from, *slot, *leadership),
            Message::Summaries { slot, .. } => self.may_compare(from, *slot),
            _ => true,
        }
    }

    /// What is held of these slots, as far as the other may compare them, if it does not come to the same sum.
    fn unequal(&self, from: NodeId, slots: &[SlotId], sum: Sum) -> Vec<(SlotId, Sum)> {
        let part = |slot: SlotId| self.memory.part(slot).map(Part::sum);
        let slots = slots.iter().filter(|slot| self.may_compare(from, **slot));
        let sums = slots.map(|slot| (*slot, part(*slot).unwrap_or_default()));
        let sums: Vec<(SlotId, Sum)> = sums.collect();
        let mut all = Sum::default();
        sums.iter().for_each(|(_, sum)| all.add(*sum));
        if all == sum { Vec::new() } else { sums }
    }

    /// A data server knows newer registrations of these: their clients are elsewhere.
    fn forget_outdated(&mut self, items: &[(RegisterId, Stamp)]) {
        for (id, stamp) in items {
            if self
                .memory
                .get(*id)
                .is_some_and(|entry| entry.stamp == *stamp)
            {
                self.memory.take_out(*id, None);
            }
        }
    }

    fn on_timer(&mut self, now: Now, timer: Timer, out: &mut Outbox<SessionData>) {
        let options = Arc::clone(&self.config);
        let options = &options.options;
        match timer {
            Timer::Beat => self.beats.beat(0, options, out),
            Timer::Sweep => self.sweep(now, out),
            Timer::Scan => self.scan(out),
            Timer::Call(call) => self.on_timeout(call, out),
            Timer::Retry(call) => self.send_again(call, out),
            Timer::Fetch(service) => self.fetch(service, out),
            Timer::Push => self.push_all(out),
            Timer::Dial(node) => {
                if let Some(link) = self.links.get_mut(&node) {
                    link.dial(node, &options.client, out);
                }
            }
            Timer::Connecting(node) => self.hang_up(node, out),
            Timer::Ping(node) => {
                let link = self.links.get_mut(&node);
                if link.is_some_and(|link| link.ping(None, &options.client, out)) {
                    out.arm(Timer::Dial(node), options.client.retry);
                }
            }
            _ => {}
        }
    }

    fn on_opened(&mut self, now: Now, stream: StreamId, out: &mut Outbox<SessionData>) {
        if stream.opener != self.me.node {
            self.clients.insert(stream, now.mono);
        } else if let Some(link) = self.links.get_mut(&stream.to) {
            link.on_opened((self.me, stream), &self.config.options.client, out);
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

    fn on_closed(&mut self, stream: StreamId, out: &mut Outbox<SessionData>) {
        if let Some(link) = self.links.get_mut(&stream.to) {
            if link.on_closed(stream, out) {
                out.arm(Timer::Dial(stream.to), self.config.options.client.retry);
            }
        } else {
            self.client_off(stream, out);
        }
    }

    fn hang_up(&mut self, node: NodeId, out: &mut Outbox<SessionData>) {
        let link = self.links.get_mut(&node);
        if link.is_some_and(|link| link.give_up(out).is_some()) {
            out.arm(Timer::Dial(node), self.config.options.client.retry);
        }
    }

    /// Connects to the data servers on the list, and to no others.
    fn connect(&mut self, out: &mut Outbox<SessionData>) {
        let data = &self.beats.roster.data;
        let gone: Vec<NodeId> = self
            .links
            .keys()
            .copied()
            .filter(|id| !data.contains_key(id))
            .collect();
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

    /// Looks which clients have been silent for too long, and forgets old tombstones.
    fn sweep(&mut self, now: Now, out: &mut Outbox<SessionData>) {
        let options = &self.config.options.session;
        out.arm(Timer::Sweep, options.sweep);
        self.memory.compact(now.mono, options.tombstones);
        let idle = options.idle;
        let silent = |(_, heard): &(&StreamId, &Time)| now.mono.since(**heard) > idle;
        let silent: Vec<StreamId> = self
            .clients
            .iter()
            .filter(silent)
            .map(|(stream, _)| *stream)
            .collect();
        for stream in silent {
            out.close(stream);
            self.client_off(stream, out);
        }
    }

    /// A call was not answered in time.
    fn on_timeout(&mut self, call: CallId, out: &mut Outbox<SessionData>) {
        match self.calls.timed_out(call) {
            Some((_, Asked::Batch(slot, items, tries))) => {
                self.failed(call, (slot, items, tries), out);
            }
            Some((_, Asked::Fetch(service))) => self.fetch_again(service, out),
            Some((_, Asked::Push(waiting, _))) => self.push_again(waiting, out),
            Some((_, Asked::Scan(_) | Asked::Level | Asked::Ring(_))) | None => {}
        }
    }

    fn on_done(
        &mut self,
        call: CallId,
        from: NodeId,
        access: Access,
        out: &mut Outbox<SessionData>,
    ) {
        let Some(Asked::Batch(slot, items, tries)) = self.calls.answered(call, from, out) else {
            return;
        };
        match access {
            Access::Accept | Access::Migrating => self.taken = Some((from, items)),
            Access::Moved | Access::MisMatch => self.failed(call, (slot, items, tries), out),
        }
        self.tell(out);
    }

    pub(super) fn queues(&mut self) -> Vec<(&'static str, &mut dyn Losable)> {
        vec![
            ("writes", &mut self.writes),
            ("retries", &mut self.retries),
            ("pushes", &mut self.pushing.queue),
        ]
    }

    pub(super) fn gauges(&self) -> Vec<(&'static str, u64)> {
        let (live, gone) = self.memory.len();
        let subscribed = self.pushing.services.iter();
        let subscribed = subscribed.map(|(_, service)| service.subscribers.len() as u64);
        vec![
            ("clients", self.clients.len() as u64),
            ("registrations", live as u64),
            ("subscriptions", subscribed.sum()),
            ("tombstones", gone as u64),
            ("writes", self.writes.waiting() as u64),
            ("retries", self.retries.waiting() as u64),
            ("calls", self.calls.len() as u64),
        ]
    }
}
