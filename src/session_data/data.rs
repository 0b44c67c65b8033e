//! A data server: it leads some slots and follows others, and tells session servers what changes in those that it leads.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::SessionData;
use super::beats::Beats;
use super::calls::Calls;
use super::message::{Access, Address, CallId, Datum, Item, Message, Timer};
use super::names::{ProcessId, RegisterId, SlotId, Stamp};
use super::notices::{Changes, Notice};
use super::pulls::Asked;
use super::slots::Holding;
use super::store::{Put, Registration};
use crate::kv::Key;
use crate::process::{Config, Input};
use crate::queue::Losable;
use crate::{NodeId, Now, Outbox, StreamId, Time};

/// A data server.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Data {
    pub(super) me: ProcessId,
    pub(super) config: Arc<Config<SessionData>>,
    pub(super) beats: Beats,
    /// The slots that it holds.
    pub slots: BTreeMap<SlotId, Holding>,
    /// Its comparisons that are under way.
    pub(super) calls: Calls<Asked>,
    /// When the last comparison of all slots with each session server was over.
    pub(super) compared: BTreeMap<NodeId, Time>,
    /// Who is connected, once it has said so, and when it was heard last.
    pub(super) connected: BTreeMap<StreamId, (Option<ProcessId>, Time)>,
    /// When there was last a sign of each session process.
    pub(super) leases: BTreeMap<ProcessId, Time>,
    /// The last call of each session process when all slots were compared with it.
    pub(super) said: BTreeMap<ProcessId, CallId>,
    pub(super) changes: Changes,
    pub(super) notices: BTreeMap<CallId, Notice>,
    /// The milliseconds of the last version that was drawn from the clock.
    pub(super) clock: u64,
    /// What the last step changed of what it holds.
    pub(super) touched: Vec<Touched>,
    /// The slots that the last step began to serve.
    pub(super) began: Vec<SlotId>,
    /// How many registrations the last step asked about at once, and was answered at once.
    pub(super) weighed: (usize, usize),
}

/// A registration that a data server holds otherwise than before.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Touched {
    /// Which.
    pub id: RegisterId,
    /// How that came.
    pub by: By,
}

/// How what a data server holds changes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum By {
    /// A session server told it.
    Batch,
    /// A session server told that a client is gone which had it registered in this state; whether or not that changes it.
    Off(Stamp),
    /// A comparison with this process found it.
    Comparison(ProcessId),
    /// Its session process is taken for dead.
    Lease,
    /// It was a tombstone, and old.
    Compaction,
}

impl Data {
    pub(super) fn boot(
        config: &Arc<Config<SessionData>>,
        me: ProcessId,
        out: &mut Outbox<SessionData>,
    ) -> Data {
        let options = &config.options;
        let mut data = Data {
            me,
            config: Arc::clone(config),
            beats: Beats::new(me, config),
            slots: BTreeMap::new(),
            calls: Calls::new(me.life),
            compared: BTreeMap::new(),
            connected: BTreeMap::new(),
            leases: BTreeMap::new(),
            said: BTreeMap::new(),
            changes: Changes::new(options.data.changed),
            notices: BTreeMap::new(),
            clock: 0,
            touched: Vec::new(),
            began: Vec::new(),
            weighed: (0, 0),
        };
        data.beats.beat(0, options, out);
        out.arm(Timer::Tick, options.data.tick);
        out.arm(Timer::Lease, options.data.lease_check);
        data
    }

    pub(super) fn step(
        &mut self,
        now: Now,
        input: Input<SessionData>,
        out: &mut Outbox<SessionData>,
    ) {
        self.touched.clear();
        self.began.clear();
        self.weighed = (0, 0);
        match input {
            Input::Delivered(from, message) => self.on_message(now, from, message, out),
            Input::Fired(timer) => self.on_timer(now, timer, out),
            Input::Opened { stream, .. } => {
                self.connected.insert(stream, (None, now.mono));
            }
            Input::Arrived(stream, message) => self.on_sign(now, stream, &message, out),
            Input::Closed(stream, _) => {
                self.connected.remove(&stream);
            }
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
            Message::Batch {
                call,
                process,
                of,
                items,
            } => {
                self.leases.insert(process, now.mono);
                let access = self.on_batch(now, (process, call), of, &items, out);
                out.send(from, Message::Done(call, access));
            }
            Message::Fetch { call, of, service } => {
                let datum = self.on_fetch(now, of, service, out);
                out.send(from, Message::Fetched(call, datum));
            }
            Message::Scan { call, of, known } => {
                let versions = self.on_scan(now, of, &known, out);
                out.send(from, Message::Scanned(call, versions));
            }
            Message::Level { call, slots, sum } => {
                let levels = self.on_level(&slots, sum);
                out.send(from, Message::Leveled(call, levels));
            }
            Message::Noted(call) => self.is_noted(call, out),
            Message::Beaten {
                term,
                table,
                roster,
            } => {
                let news = self.beats.on_beaten(term, table, roster);
                if news.table {
                    self.on_table(now, out);
                }
                if news.table || news.roster {
                    self.compare_what_is_due(now, out);
                    self.serve_what_is_compared(now, out);
                }
            }
            Message::Leader(leader) => self.beats.on_leader(leader, &self.config.options, out),
            Message::News(epoch) if epoch > self.beats.table.epoch => self.beat(out),
            _ => self.on_comparison(now, from, message, out),
        }
    }

    fn on_timer(&mut self, now: Now, timer: Timer, out: &mut Outbox<SessionData>) {
        match timer {
            Timer::Beat => self.beat(out),
            Timer::Tick => {
                out.arm(Timer::Tick, self.config.options.data.tick);
                self.compare_what_is_due(now, out);
                self.serve_what_is_compared(now, out);
            }
            Timer::Lease => self.on_lease_check(now, out),
            Timer::Notify => self.notify(out),
            Timer::Retry(call) => self.notice_again(call, out),
            Timer::Call(call) => {
                if let Some((from, asked)) = self.calls.timed_out(call) {
                    self.comparison_failed(from, &asked);
                }
            }
            _ => {}
        }
    }

    fn beat(&mut self, out: &mut Outbox<SessionData>) {
        let waits = |holding: &&Holding| holding.leads() && !holding.serves();
        let migrating = self.slots.values().filter(waits).count();
        self.beats.beat(migrating as u32, &self.config.options, out);
    }

    /// A sign of life of a session server, over a connection that it made.
    fn on_sign(
        &mut self,
        now: Now,
        stream: StreamId,
        message: &Message,
        out: &mut Outbox<SessionData>,
    ) {
        let Some((process, heard)) = self.connected.get_mut(&stream) else {
            return;
        };
        *heard = now.mono;
        match message {
            Message::Hello(who) => *process = Some(*who),
            Message::Ping(_) => out.push(stream, Message::Pong),
            _ => {}
        }
    }

    /// Takes changes in, in order, before it says so. Whoever leads a slot takes them, whether or not it serves it yet.
    fn on_batch(
        &mut self,
        now: Now,
        (process, call): (ProcessId, CallId),
        of: Address,
        items: &[Item],
        out: &mut Outbox<SessionData>,
    ) -> Access {
        let access = self.access(of);
        if matches!(access, Access::Moved | Access::MisMatch) {
            return access;
        }
        if let Some(holding) = self.slots.get_mut(&of.slot) {
            let last = holding.batches.get(&process).max(self.said.get(&process));
            if last.is_some_and(|last| call < *last) && self.config.options.rules.in_order {
                // Who sent it has sent it again since, or will.
                return Access::MisMatch;
            }
            holding.has_said(process, call);
        }
        for item in items {
            match item {
                Item::Put(registration) => {
                    self.put(now, (of.slot, By::Batch), registration, out);
                }
                Item::Off(gone) => {
                    for (id, stamp) in gone.iter() {
                        self.client_off(now, of.slot, (process, *id), *stamp, out);
                    }
                }
            }
        }
        access
    }

    /// Takes a registration in. What is held is newer, if it says so.
    pub(super) fn put(
        &mut self,
        now: Now,
        (slot, by): (SlotId, By),
        registration: &Registration,
        out: &mut Outbox<SessionData>,
    ) -> Put {
        let Some(holding) = self.slots.get_mut(&slot) else {
            return Put::Older;
        };
        let put = holding.store.put(registration, now.mono);
        if matches!(put, Put::Seen | Put::Unseen) {
            let id = registration.id;
            self.touched.push(Touched { id, by });
        }
        if put == Put::Seen {
            self.has_changed(now, slot, registration.id.service, out);
        }
        put
    }

    /// A client is gone. Of what it had registered nothing is to come back, also what is not known here yet.
    fn client_off(
        &mut self,
        now: Now,
        slot: SlotId,
        (process, id): (ProcessId, RegisterId),
        stamp: Stamp,
        out: &mut Outbox<SessionData>,
    ) {
        let holding = self.slots.get(&slot);
        let is_known = holding.is_some_and(|holding| holding.store.held(id).is_some());
        if is_known || self.config.options.rules.bury_unknown {
            let gone = Registration {
                id,
                content: None,
                stamp: stamp.buries(),
                owner: process,
            };
            self.put(now, (slot, By::Batch), &gone, out);
        }
        let by = By::Off(stamp);
        self.touched.push(Touched { id, by });
    }

    /// What a service consists of, if it is served here.
    fn on_fetch(
        &mut self,
        now: Now,
        of: Address,
        service: Key,
        out: &mut Outbox<SessionData>,
    ) -> Result<Arc<Datum>, Access> {
        match self.access(of) {
            Access::Accept => {}
            refused => return Err(refused),
        }
        let version = self.version(now, of.slot, service, out);
        let group = self
            .slots
            .get(&of.slot)
            .and_then(|holding| holding.store.group(service));
        let live = group.into_iter().flat_map(|group| group.live());
        let registered = live.filter_map(|one| Some((one.id, one.content?)));
        Ok(Arc::new(Datum {
            service,
            version,
            registered: registered.collect(),
        }))
    }

    pub(super) fn queues(&mut self) -> Vec<(&'static str, &mut dyn Losable)> {
        vec![("changes", &mut self.changes)]
    }

    pub(super) fn gauges(&self) -> Vec<(&'static str, u64)> {
        let held = self.slots.values().map(|holding| holding.store.len());
        let (live, gone) = held.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        let led = self.slots.values().filter(|holding| holding.leads());
        let served = self.slots.values().filter(|holding| holding.serves());
        vec![
            ("led", led.count() as u64),
            ("served", served.count() as u64),
            ("registrations", live as u64),
            ("tombstones", gone as u64),
            ("connections", self.connected.len() as u64),
        ]
    }
}
