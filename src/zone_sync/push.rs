//! Telling the others what changed.

use std::collections::BTreeSet;

use super::ZoneSync;
use super::catch_up;
use super::encode::{FrameWriter, NoFit};
use super::frame::{Header, Sealed, What};
use super::log::Origin;
use super::message::Note;
use super::module::Shared;
use super::node::Node;
use super::peer::{Outgoing, Peer, Telling};
use super::record::Record;
use crate::{NodeId, Now, Outbox};

impl Node {
    /// Whether one peer that takes nothing holds up all.
    fn is_held_up(&self) -> bool {
        let size = self.config.options.buffer_size;
        let mut courses = self.peers.values().filter_map(Peer::course);
        !self.config.options.own_pace && courses.any(|course| !course.line.takes(size))
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
        let (size, before) = (options.buffer_size, course.line);
        loop {
            let round = course.line;
            for (shared, telling) in shared.iter().zip(&mut course.zones) {
                for _ in 0..options.buffers {
                    if !course.line.takes(size) {
                        break;
                    }
                    let frame = live_frame(shared, telling, (*me, id), misses, size, out)
                        .or_else(|| catch_up::next_frame(shared, telling, id, size, now, out));
                    let Some(frame) = frame else {
                        break;
                    };
                    course.line.push(frame, counters, out);
                }
            }
            // Buffers that are filled again at once take whatever the stream does, each zone in its turn.
            if !options.refill || course.line == round {
                break;
            }
        }
        if course.line != before {
            self.was_pushed(before.stream, out);
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
}

/// A writer of a frame about a zone.
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
) -> Option<Sealed> {
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
            return Some(frame.finish());
        }
        if record.stamp.writer != me {
            out.note(Note::Relays(record.key, peer));
        }
        telling.told = version;
    }
    // Changes that this peer need not be told are told.
    telling.told = zone.newest();
    (!frame.is_empty()).then(|| frame.finish())
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
