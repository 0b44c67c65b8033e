//! Telling the others: connections, and what changed.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::ZoneSync;
use super::catch_up;
use super::frame::{FrameWriter, Header, NoFit, What};
use super::message::{Message, Note, Timer};
use super::module::Shared;
use super::node::Node;
use super::peer::{Course, Outgoing, Peer, Ready, Telling};
use super::record::Record;
use super::zone::Origin;
use crate::{NodeId, Now, Outbox, StreamId};

impl Node {
    pub(super) fn on_dial(&mut self, id: NodeId, out: &mut Outbox<ZoneSync>) {
        let timeout = self.config.options.connect_timeout;
        if let Some(peer) = self.peers.get_mut(&id)
            && peer.wanted
            && peer.out == Outgoing::Down
            && self.quitting.is_none()
        {
            let stream = out.open(id);
            peer.out = Outgoing::Dialing(stream);
            self.dialed.insert(stream, id);
            out.arm(Timer::Connecting(id), timeout);
        }
    }

    /// Gives a connection up, and tries again later.
    pub(super) fn hang_up(&mut self, id: NodeId, out: &mut Outbox<ZoneSync>) {
        let stream = self.peers.get(&id).and_then(Peer::outgoing);
        if let Some(stream) = stream {
            out.close(stream);
            self.is_down(id, out);
        }
    }

    /// A stream that this node opened is there: all that changed so far is gone over.
    pub(super) fn on_connected(
        &mut self,
        stream: StreamId,
        id: NodeId,
        credit: u32,
        now: Now,
        out: &mut Outbox<ZoneSync>,
    ) {
        let options = &self.config.options;
        let newest = self.shared.iter().map(|shared| shared.zone.newest());
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        if peer.out != Outgoing::Dialing(stream) {
            return;
        }
        let course = Course::new(stream, credit, newest, options.digests, now.mono);
        peer.out = Outgoing::Up(course);
        out.note(Note::Connects(id));
        out.disarm(Timer::Connecting(id));
        out.arm(Timer::Writing(id), options.timeout);
        self.tell(id, now, out);
    }

    pub(super) fn on_credit(
        &mut self,
        stream: StreamId,
        bytes: u32,
        now: Now,
        out: &mut Outbox<ZoneSync>,
    ) {
        let Some(id) = self.other_end(stream) else {
            return;
        };
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        if let Some(incoming) = &mut peer.incoming
            && incoming.stream == stream
        {
            incoming.credit += bytes;
            self.answer(id, out);
            return;
        }
        if let Some(course) = peer.course_mut() {
            course.credit += bytes;
            // It takes something in, so it is there, though there may have been no room to ask.
            out.arm(Timer::Writing(id), self.config.options.timeout);
        }
        if self.config.options.refill {
            self.tell(id, now, out);
            self.forget_told();
            self.quit_if_told(out);
        }
    }

    /// Whether one peer that takes nothing holds up all.
    fn is_held_up(&self) -> bool {
        let size = self.config.options.buffer_size as u32;
        let mut courses = self.peers.values().filter_map(Peer::course);
        !self.config.options.own_pace && courses.any(|course| course.credit < size)
    }

    /// Tells every peer what it has to be told, as far as there are buffers.
    pub(super) fn tell_all(&mut self, now: Now, out: &mut Outbox<ZoneSync>) {
        if self.is_held_up() {
            return;
        }
        let ids: Vec<NodeId> = self.peers.keys().copied().collect();
        ids.into_iter().for_each(|id| self.tell_one(id, now, out));
        self.forget_told();
    }

    /// Tells one peer between two timers, unless another holds up all.
    pub(super) fn tell(&mut self, id: NodeId, now: Now, out: &mut Outbox<ZoneSync>) {
        if !self.is_held_up() {
            self.tell_one(id, now, out);
        }
    }

    /// Tells one peer, zone by zone: what changed comes first, and the walk takes the buffers that are left.
    fn tell_one(&mut self, id: NodeId, now: Now, out: &mut Outbox<ZoneSync>) {
        let Node {
            peers,
            shared,
            config,
            counters,
            me,
            ..
        } = self;
        let Some(peer) = peers.get_mut(&id) else {
            return;
        };
        let (misses, Outgoing::Up(course)) = (&peer.misses, &mut peer.out) else {
            return;
        };
        let options = &config.options;
        let (size, before) = (options.buffer_size, course.credit);
        loop {
            let round = course.credit;
            for (shared, telling) in shared.iter().zip(&mut course.zones) {
                for _ in 0..options.buffers {
                    if course.credit < size as u32 {
                        break;
                    }
                    let frame = live_frame(shared, telling, (*me, id), misses, size, out)
                        .or_else(|| catch_up::next_frame(shared, telling, id, size, now, out));
                    let Some((what, bytes)) = frame else {
                        break;
                    };
                    course.credit -= bytes.len() as u32;
                    counters.went(bytes.len());
                    // Past the flush: what is told is what this node holds, durable or not.
                    out.push_past_flush(course.stream, Message::Frame(what, bytes));
                }
            }
            // Buffers that are filled again at once take whatever the stream does, each zone in its turn.
            if !options.refill || course.credit == round {
                break;
            }
        }
        if course.credit < before && !options.keepalive {
            out.arm(Timer::Writing(id), options.timeout);
        }
    }

    /// What every connected peer was told leaves the logs; the rest compare what they hold when they come.
    pub(super) fn forget_told(&mut self) {
        let changed = |(_, shared): &(usize, &mut Shared)| shared.zone.pending(0) > 0;
        for (place, shared) in self.shared.iter_mut().enumerate().filter(changed) {
            let courses = self.peers.values().filter_map(Peer::course);
            let told = courses.map(|course| course.zones[place].told);
            let least = told.min().unwrap_or(shared.zone.newest());
            shared.zone.drop_changes_up_to(least);
        }
    }

    /// Each peer is asked whether it is there, so often that the answer keeps the connection. That something could be
    /// pushed proves nothing: a window takes a lot before it is full, and what hangs in it is sent again ever later.
    pub(super) fn keep_alive(&mut self, now: Now, out: &mut Outbox<ZoneSync>) {
        let options = &self.config.options;
        if !options.keepalive {
            return;
        }
        let Some(shared) = self.shared.first() else {
            return;
        };
        for peer in self.peers.values_mut() {
            let Outgoing::Up(course) = &mut peer.out else {
                continue;
            };
            let due = now.mono.since(course.asked) * 3 >= options.timeout;
            if due && course.credit >= options.buffer_size as u32 {
                let bytes = writer(shared, options.buffer_size, What::Keepalive).finish();
                course.credit -= bytes.len() as u32;
                course.asked = now.mono;
                self.counters.went(bytes.len());
                out.push_past_flush(course.stream, Message::Frame(What::Keepalive, bytes));
            }
        }
    }

    /// Pushes something small to a peer that is connected and takes it; whether it did.
    pub(super) fn push_to(
        &mut self,
        id: NodeId,
        what: What,
        bytes: Arc<[u8]>,
        out: &mut Outbox<ZoneSync>,
    ) -> bool {
        let course = self.peers.get_mut(&id).and_then(Peer::course_mut);
        let Some(course) = course.filter(|course| course.credit as usize >= bytes.len()) else {
            return false;
        };
        course.credit -= bytes.len() as u32;
        self.counters.went(bytes.len());
        out.push_past_flush(course.stream, Message::Frame(what, bytes));
        if !self.config.options.keepalive {
            out.arm(Timer::Writing(id), self.config.options.timeout);
        }
        true
    }
}

/// A writer of frames for a zone.
pub(super) fn writer(shared: &Shared, size: usize, what: What) -> FrameWriter {
    let header = Header {
        zone: shared.module.zone(),
        tag: shared.module.tag(),
        version: shared.version,
        what,
    };
    FrameWriter::new(size, &header)
}

/// The next buffer of what changed, if there is anything to tell a peer: what changed here, and what came from one whom
/// it cannot hear.
fn live_frame(
    shared: &Shared,
    telling: &mut Telling,
    (me, peer): (NodeId, NodeId),
    misses: &BTreeSet<NodeId>,
    size: usize,
    out: &mut Outbox<ZoneSync>,
) -> Option<Ready> {
    let zone = &shared.zone;
    if telling.told == zone.newest() {
        return None;
    }
    let meant = |record: &Record, origin: Origin| {
        let writer = record.stamp.writer;
        let is_news = origin.from() != Some(peer) && writer != peer;
        match origin {
            Origin::Here => true,
            Origin::ToldInstead(_) => is_news,
            Origin::Told(_) => is_news && misses.contains(&writer),
        }
    };
    let mut frame = writer(shared, size, What::Live);
    for (version, record) in zone.changes_since(telling.told, meant) {
        if !fits(&mut frame, record, out) {
            return Some((What::Live, frame.finish()));
        }
        if record.stamp.writer != me {
            out.note(Note::Relays(record.key, peer));
        }
        telling.told = version;
    }
    // Changes that this peer need not be told are told.
    telling.told = zone.newest();
    (!frame.is_empty()).then(|| (What::Live, frame.finish()))
}

/// Puts a record into a frame; whether there was room. One that fits into no frame is passed over.
pub(super) fn fits(frame: &mut FrameWriter, record: &Record, out: &mut Outbox<ZoneSync>) -> bool {
    match frame.push(record) {
        Ok(()) => true,
        Err(NoFit::Full) => false,
        Err(NoFit::TooBig) => {
            out.note(Note::TooLarge(record.key));
            true
        }
    }
}
