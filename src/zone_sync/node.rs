//! One node: it answers clients from what it holds, and takes from its peers what is newer.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::ZoneSync;
use super::clock::{Clock, wall};
use super::decode::decode;
use super::frame::{Frame, What};
use super::limit::Limiter;
use super::log::Origin;
use super::message::{Message, Note, Timer};
use super::module::{self, Module, Shared};
use super::options::{Discovery, Options};
use super::peer::{Line, Peer};
use super::record::Record;
use super::request::{Request, Response};
use super::state::{Counters, Quitting, Saved, StateFile, recover};
use super::zone::{Merged, Zone};
use crate::process::{Config, Damage, Input, Process};
use crate::{Life, Losable, NodeId, Now, Outbox, Span, SpanRange, StreamId};

/// One node.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Node {
    pub(super) me: NodeId,
    pub(super) config: Arc<Config<ZoneSync>>,
    /// What it shares with the others, in the order of the modules.
    pub shared: Vec<Shared>,
    pub(super) limiter: Limiter,
    pub(super) clock: Clock,
    pub(super) file: StateFile,
    /// The others.
    pub peers: BTreeMap<NodeId, Peer>,
    /// With whom it compared what it holds last. Nodes begin with those behind them, so that they do not all turn to the
    /// same one.
    pub(super) compared: NodeId,
    pub(super) quitting: Option<Quitting>,
    /// Up to which time of the wall clock what is dead was removed last, in microseconds.
    pub swept: u64,
    /// What an operator sees of it.
    pub counters: Counters,
}

impl Process for Node {
    type Protocol = ZoneSync;

    fn boot(
        config: &Arc<Config<ZoneSync>>,
        me: NodeId,
        _: Life,
        now: Now,
        disk: &[Result<Saved, Damage>],
        out: &mut Outbox<ZoneSync>,
    ) -> Node {
        let options = &config.options;
        let unit = Options::in_stamps(options.unit);
        let shared = Module::ALL.into_iter();
        let mut node = Node {
            me,
            config: Arc::clone(config),
            shared: shared
                .filter_map(|module| module.open(options, me))
                .collect(),
            limiter: Limiter::default(),
            clock: Clock::new(me, options.hybrid_clock, unit),
            file: StateFile::new(disk.len()),
            peers: BTreeMap::new(),
            compared: me,
            quitting: None,
            swept: 0,
            counters: Counters::default(),
        };
        node.load(disk, now, out);
        out.arm(
            Timer::Interval,
            SpanRange::new(Span::ZERO, options.interval),
        );
        if options.repair > Span::ZERO {
            out.arm(
                Timer::Repair,
                SpanRange::new(options.repair / 2, options.repair),
            );
        }
        match options.discovery {
            Discovery::Static => node.speak_to(&config.servers, now, out),
            Discovery::Names => node.ask_for_names(out),
        }
        node
    }

    fn step(&mut self, now: Now, input: Input<ZoneSync>, out: &mut Outbox<ZoneSync>) {
        match input {
            Input::Delivered(from, Message::Ask { life, seq, request }) => {
                if let Some(response) = self.on_ask(&request, now, out) {
                    let answer = Message::Answer {
                        life,
                        seq,
                        response,
                    };
                    // Past the flush: a node promises its client no more than that it holds the value now.
                    out.send_past_flush(from, answer);
                }
            }
            Input::Arrived(stream, Message::Frame(frame)) => {
                self.on_frame(stream, frame.bytes(), now, out);
            }
            Input::Opened { stream, credit } => self.on_opened(Line { stream, credit }, now, out),
            Input::Credit(stream, bytes) => self.on_credit(stream, bytes, now, out),
            Input::Closed(stream, why) => self.on_closed(stream, why, now, out),
            Input::Resolved(nodes) => self.on_resolved(&nodes, now, out),
            Input::Quit => self.on_quit(now, out),
            Input::Fired(timer) => self.on_timer(timer, now, out),
            Input::Flushed(ticket) => self.on_flushed(ticket, out),
            Input::Failed(error) => {
                out.note(Note::DiskFailed(error));
                out.stop("its disk failed");
            }
            // A client's affairs, and what never comes this way.
            Input::Requested(..) | Input::Delivered(..) | Input::Arrived(..) => {}
        }
    }

    fn gauges(&self) -> Vec<(&'static str, u64)> {
        let online = self.peers.values().filter(|peer| peer.course().is_some());
        let Counters {
            msgs_in,
            msgs_out,
            bytes_in,
            bytes_out,
        } = self.counters;
        let mut gauges = vec![
            ("nodes_online", online.count() as u64),
            ("msgs_in", msgs_in),
            ("msgs_out", msgs_out),
            ("bytes_in", bytes_in),
            ("bytes_out", bytes_out),
        ];
        for Shared { module, zone, .. } in &self.shared {
            let (pending, total) = module.gauges();
            gauges.push((pending, zone.pending(0) as u64));
            gauges.push((total, zone.total() as u64));
        }
        gauges
    }

    fn queues(&mut self) -> Vec<(&'static str, &mut dyn Losable)> {
        self.shared
            .iter_mut()
            .map(|shared| (shared.module.zone(), &mut shared.zone as &mut dyn Losable))
            .collect()
    }
}

impl Node {
    fn on_timer(&mut self, timer: Timer, now: Now, out: &mut Outbox<ZoneSync>) {
        match timer {
            Timer::Interval => self.on_interval(now, out),
            Timer::Repair => self.on_repair(now, out),
            Timer::Resolve => self.ask_for_names(out),
            Timer::Dial(peer) => self.on_dial(peer, out),
            Timer::Connecting(peer) => self.hang_up(peer, out),
            Timer::Writing(peer) => {
                out.note(Note::StandsStill(peer));
                self.hang_up(peer, out);
            }
            Timer::Reading(peer) => self.on_silence(peer, now, out),
            Timer::Quit => self.quit_now(out),
            // A client's.
            Timer::AskAgain | Timer::LookAgain | Timer::GiveUp => {}
        }
    }

    /// Takes up what the state file holds, as if another had told it: nothing of it is news, and the walk to each peer
    /// goes over it all.
    fn load(&mut self, disk: &[Result<Saved, Damage>], now: Now, out: &mut Outbox<ZoneSync>) {
        let Node { shared, clock, .. } = self;
        let Some(keyval) = shared
            .iter_mut()
            .find(|shared| shared.module == Module::Keyval)
        else {
            return;
        };
        let loaded = recover(disk, wall(now));
        for record in &loaded {
            clock.hear(record.stamp);
            keyval.zone.merge(*record, wall(now));
        }
        if !disk.is_empty() {
            out.note(Note::Loads(loaded.len()));
        }
    }

    /// A client's request, done in the zone of its module; none if this node does not have it, or is on its way out.
    fn on_ask(
        &mut self,
        request: &Request,
        now: Now,
        out: &mut Outbox<ZoneSync>,
    ) -> Option<Response> {
        if self.quitting.is_some() {
            return None;
        }
        let Node {
            shared,
            clock,
            me,
            config,
            limiter,
            ..
        } = self;
        let module = Module::of(request);
        let zone = &mut shared
            .iter_mut()
            .find(|shared| shared.module == module)?
            .zone;
        let (response, written) = match module {
            Module::Keyval => module::keyval(zone, clock, *me, request, now),
            Module::Sticky => module::sticky(zone, clock, *me, request, now),
            Module::Limit => {
                let options = &config.options.limit;
                limiter.call(zone, clock, *me, request.key(), options, now)
            }
        };
        if let Some(written) = written {
            if module == Module::Sticky && matches!(response, Response::Written(_)) {
                out.note(Note::Learns(request.key()));
            }
            if let Some(evicted) = written.evicted {
                out.note(Note::Evicts(evicted.key));
                self.save(module, Saved::Gone(evicted.key), out);
            }
            let now = written.now.map_or(Saved::Gone(request.key()), Saved::Is);
            self.save(module, now, out);
        }
        Some(response)
    }

    /// Notes in the state file what a key of a module holds now; the timer's flush makes it durable.
    fn save(&mut self, module: Module, now: Saved, out: &mut Outbox<ZoneSync>) {
        if module == Module::Keyval && self.config.options.keyval.state {
            out.write(now);
            self.file.grew();
        }
    }

    fn on_frame(&mut self, stream: StreamId, bytes: &[u8], now: Now, out: &mut Outbox<ZoneSync>) {
        let Some(from) = self.other_end(stream) else {
            return;
        };
        let mine = stream.opener == self.me;
        self.counters.came(bytes.len());
        self.is_alive(stream, out);
        if let Ok(frame) = decode(bytes) {
            self.take(from, mine, &frame, now, out);
            return;
        }
        out.note(Note::Garbage(from));
        if mine {
            self.hang_up(from, out);
        } else {
            out.close(stream);
            self.forget_incoming(from, now, out);
        }
    }

    /// One frame from a peer: on the stream that it opened it tells and asks, and on that of this node it answers.
    fn take(
        &mut self,
        from: NodeId,
        mine: bool,
        frame: &Frame<'_>,
        now: Now,
        out: &mut Outbox<ZoneSync>,
    ) {
        let signature = (frame.header.zone, frame.header.tag, frame.header.version);
        let known = |shared: &Shared| {
            (shared.module.zone(), shared.module.tag(), shared.version) == signature
        };
        let place = self.shared.iter().position(known);
        match (frame.header.what, place) {
            (What::Keepalive, _) if mine => {}
            (What::Keepalive, _) => self.on_keepalive(from, out),
            (What::Misses, _) => self.on_misses(from, frame.missed().collect(), now, out),
            (_, None) => out.note(Note::UnknownZone(from)),
            (What::Live | What::Snapshot, Some(zone)) => {
                for record in frame.records() {
                    self.merge(zone, record, from, now, out);
                }
            }
            (What::SnapshotEnd, Some(_)) => {}
            (What::Digest { after }, Some(zone)) if !mine => {
                self.on_digest(from, zone, after, frame, now, out);
            }
            (What::Want, Some(zone)) if mine => self.on_want(from, zone, frame, now, out),
            // Asked on the wrong stream, which only a broken peer does.
            (What::Digest { .. } | What::Want, Some(_)) => {}
        }
    }

    /// What a peer tells of one key.
    fn merge(
        &mut self,
        place: usize,
        mut record: Record,
        from: NodeId,
        now: Now,
        out: &mut Outbox<ZoneSync>,
    ) {
        let Node {
            shared,
            config,
            limiter,
            clock,
            peers,
            ..
        } = self;
        let options = &config.options;
        let Shared { module, zone, .. } = &mut shared[place];
        let Record { key, stamp, .. } = record;
        if !options.life_from_stamp {
            record.life += wall(now).saturating_sub(stamp.time);
        }
        let (before, was_untold) = match zone.merge(record, wall(now)) {
            Merged::Inserted => (None, false),
            Merged::Replaced { old, untold } => (Some(old), untold),
            Merged::Known | Merged::Expired => return,
            Merged::Older => return out.note(Note::IgnoresOlder(key, from)),
            Merged::Tied => return out.note(Note::Tie(key, from)),
            Merged::NoRoom => return out.note(Note::NoRoom(key, from)),
        };
        clock.hear(stamp);
        if *module == Module::Limit {
            limiter.learn(before.as_ref(), &record, &options.limit, options.lag(), now);
        }
        let needs = |(id, peer): (&NodeId, &Peer)| {
            *id != from && *id != stamp.writer && peer.misses.contains(&stamp.writer)
        };
        if options.relay && was_untold {
            zone.relay(key, Origin::ToldInstead(from));
        } else if options.relay && peers.iter().any(needs) {
            zone.relay(key, Origin::Told(from));
        }
        let module = *module;
        self.save(module, Saved::Is(record), out);
    }

    fn on_interval(&mut self, now: Now, out: &mut Outbox<ZoneSync>) {
        let options = &self.config.options;
        out.arm(Timer::Interval, options.interval);
        self.limiter.forget_empty(&options.limit, now);
        self.swept = wall(now);
        let expire = |shared: &mut Shared| shared.zone.expire(wall(now));
        let expired: usize = self.shared.iter_mut().map(expire).sum();
        if expired > 0 {
            out.note(Note::Expires(expired));
        }
        self.write_state_file(out);
        self.say_whom_it_misses(now, out);
        self.tell_all(now, out);
        self.keep_alive(now, out);
        self.quit_if_told(out);
    }

    /// Makes durable what was noted; a file that has grown long is written anew.
    fn write_state_file(&mut self, out: &mut Outbox<ZoneSync>) {
        if !self.file.take_unsaved() {
            return;
        }
        let Some(zone) = self.zone(Module::Keyval) else {
            return;
        };
        let total = zone.total();
        if self.file.is_long(total) {
            out.rewrite(zone.iter().copied().map(Saved::Is).collect());
            self.file = StateFile::new(total);
        }
        out.flush();
    }

    /// The zone of a module, if this node has it.
    pub fn zone(&self, module: Module) -> Option<&Zone> {
        let mut shared = self.shared.iter();
        let found = shared.find(|shared| shared.module == module)?;
        Some(&found.zone)
    }

    /// The same, to be changed by whoever plants a mistake, or stands in for one to watch.
    pub fn zone_mut(&mut self, module: Module) -> Option<&mut Zone> {
        let mut shared = self.shared.iter_mut();
        let found = shared.find(|shared| shared.module == module)?;
        Some(&mut found.zone)
    }
}
