//! Telling the others: connections, live changes, snapshots.

use super::ZoneSync;
use super::frame::{FrameWriter, Header, NoFit, What};
use super::message::{Message, Note, Timer};
use super::node::{MODULE, Node, ZONE};
use super::peer::{Course, Outgoing};
use super::record::Record;
use super::zone::Zone;
use crate::{NodeId, Outbox, StreamId};

impl Node {
    pub(super) fn on_dial(&mut self, id: NodeId, out: &mut Outbox<ZoneSync>) {
        let timeout = self.config.options.connect_timeout;
        if let Some(peer) = self.peer(id)
            && peer.out == Outgoing::Down
        {
            peer.out = Outgoing::Dialing(out.open(id));
            out.arm(Timer::Connecting(id), timeout);
        }
    }

    /// Gives a connection up, and tries again later.
    pub(super) fn hang_up(&mut self, id: NodeId, out: &mut Outbox<ZoneSync>) {
        let stream = self.peer(id).and_then(|peer| peer.outgoing());
        if let Some(stream) = stream {
            out.close(stream);
            self.is_down(id, out);
        }
    }

    pub(super) fn on_opened(
        &mut self,
        stream: StreamId,
        id: NodeId,
        mine: bool,
        credit: u32,
        out: &mut Outbox<ZoneSync>,
    ) {
        let told = self.zone.newest();
        let timeout = self.config.options.timeout;
        let Some(peer) = self.peer(id) else {
            return;
        };
        if !mine {
            // A peer that lost its stream without a word opens another: the newest is the one that it speaks on.
            if let Some(before) = peer.incoming.replace(stream) {
                out.close(before);
            }
            out.arm(Timer::Reading(id), timeout);
        } else if peer.out == Outgoing::Dialing(stream) {
            // All that changed before stands in the snapshot.
            peer.out = Outgoing::Up(Course {
                stream,
                credit,
                told,
                snapshot: Some(None),
                sent: 0,
                moved: false,
            });
            out.note(Note::Connects(id));
            out.disarm(Timer::Connecting(id));
            out.arm(Timer::Writing(id), timeout);
            self.tell(id, out);
        }
    }

    pub(super) fn on_credit(&mut self, stream: StreamId, bytes: u32, out: &mut Outbox<ZoneSync>) {
        let refill = self.config.options.refill;
        let of = self
            .peers
            .iter_mut()
            .find(|peer| peer.outgoing() == Some(stream));
        let Some(peer) = of else {
            return;
        };
        let id = peer.id;
        if let Outgoing::Up(course) = &mut peer.out {
            course.credit += bytes;
        }
        if refill {
            self.tell(id, out);
            self.forget_told();
        }
    }

    /// Tells every peer what it has to be told, as far as there are buffers.
    pub(super) fn tell_all(&mut self, out: &mut Outbox<ZoneSync>) {
        let size = self.config.options.buffer_size as u32;
        let stuck = |course: &Course| course.credit < size;
        let any_stuck = self
            .peers
            .iter()
            .filter_map(|peer| peer.course())
            .any(stuck);
        if any_stuck && !self.config.options.own_pace {
            return;
        }
        let ids: Vec<NodeId> = self.peers.iter().map(|peer| peer.id).collect();
        ids.into_iter().for_each(|id| self.tell(id, out));
        self.forget_told();
    }

    /// Tells one peer: what changed comes first, and the snapshot takes the buffers that are left.
    pub(super) fn tell(&mut self, id: NodeId, out: &mut Outbox<ZoneSync>) {
        let Node {
            peers,
            zone,
            config,
            ..
        } = self;
        let Some(Outgoing::Up(course)) = peers
            .iter_mut()
            .find(|peer| peer.id == id)
            .map(|peer| &mut peer.out)
        else {
            return;
        };
        let options = &config.options;
        let mut pushed = false;
        for _ in 0..options.buffers {
            if course.credit < options.buffer_size as u32 {
                break;
            }
            let Some((what, bytes)) = next_frame(zone, course, id, options.buffer_size, out) else {
                break;
            };
            course.credit -= bytes.len() as u32;
            course.moved = true;
            pushed = true;
            // Past the flush: what is told is what this node holds, durable or not.
            out.push_past_flush(course.stream, Message::Frame(what, bytes));
        }
        if pushed {
            out.arm(Timer::Writing(id), options.timeout);
        }
    }

    /// What every connected peer was told leaves the log; the rest are sent a snapshot when they come.
    fn forget_told(&mut self) {
        let told = self
            .peers
            .iter()
            .filter_map(|peer| peer.course())
            .map(|course| course.told);
        let least = told.min().unwrap_or(self.zone.newest());
        self.zone.drop_changes_up_to(least);
    }

    /// A connection on which nothing moved is shown to live.
    pub(super) fn keep_alive(&mut self, out: &mut Outbox<ZoneSync>) {
        let options = &self.config.options;
        for peer in &mut self.peers {
            let Outgoing::Up(course) = &mut peer.out else {
                continue;
            };
            if !std::mem::take(&mut course.moved)
                && options.keepalive
                && course.credit >= options.buffer_size as u32
            {
                let bytes = writer(options.buffer_size, What::Keepalive).finish();
                course.credit -= bytes.len() as u32;
                out.push_past_flush(course.stream, Message::Frame(What::Keepalive, bytes));
                out.arm(Timer::Writing(peer.id), options.timeout);
            }
        }
    }
}

fn writer(size: usize, what: What) -> FrameWriter {
    let (tag, version) = MODULE;
    let zone = ZONE;
    FrameWriter::new(
        size,
        &Header {
            zone,
            tag,
            version,
            what,
        },
    )
}

/// The next buffer for a peer, if there is anything to tell it.
fn next_frame(
    zone: &Zone,
    course: &mut Course,
    peer: NodeId,
    size: usize,
    out: &mut Outbox<ZoneSync>,
) -> Option<(What, std::sync::Arc<[u8]>)> {
    let mut frame = writer(size, What::Live);
    for (version, record) in zone.changes_since(course.told, peer) {
        if !fits(&mut frame, record, out) {
            return Some((What::Live, frame.finish()));
        }
        course.told = version;
    }
    // Changes that this peer need not be told are told.
    course.told = zone.newest();
    if !frame.is_empty() {
        return Some((What::Live, frame.finish()));
    }
    let at = course.snapshot?;
    let mut frame = writer(size, What::Snapshot);
    for record in zone.snapshot_after(at) {
        if !fits(&mut frame, record, out) {
            return Some((What::Snapshot, frame.finish()));
        }
        course.snapshot = Some(Some(record.key));
        course.sent += 1;
    }
    if !frame.is_empty() {
        return Some((What::Snapshot, frame.finish()));
    }
    course.snapshot = None;
    out.note(Note::SentSnapshot(peer, course.sent));
    Some((What::SnapshotEnd, writer(size, What::SnapshotEnd).finish()))
}

/// Puts a record into a frame; whether there was room. One that fits into no frame is passed over.
fn fits(frame: &mut FrameWriter, record: &Record, out: &mut Outbox<ZoneSync>) -> bool {
    match frame.push(record) {
        Ok(()) => true,
        Err(NoFit::Full) => false,
        Err(NoFit::TooBig) => {
            out.note(Note::TooLarge(record.key));
            true
        }
    }
}
