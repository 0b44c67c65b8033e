//! Catching up: a walk over all that a zone holds, for a peer that may lack some of it.
//!
//! It is due when a stream is opened, since nobody knows what was told before; from time to time, since a log of changes
//! can be lost; and when a peer cannot hear somebody any more:
//!
//! ```text
//!  n1                                      n2
//!  |== digest: k0..k7 a1f0, k8..k15 77c2 ==>| the second differs
//!  |<= want: k8..k15 =======================|
//!  |== snapshot: k8, k9, ... ==============>| newer? keep
//!  |== digest: k16..k23 ... ===============>|
//! ```
//!
//! The digests cover ranges of keys, so one frame speaks of a few thousand records, and the walk goes on behind it when
//! the peer has what it wants. With `digests = false` everything is sent, as the real system does.

use std::collections::VecDeque;

use super::ZoneSync;
use super::clock::wall;
use super::encode::NoFit;
use super::frame::{Frame, Sealed, What};
use super::message::{Note, Timer};
use super::module::Shared;
use super::node::Node;
use super::peer::{Peer, Stage, Telling};
use super::push::{fits, writer};
use super::sums::LAST;
use crate::kv::Key;
use crate::{NodeId, Now, Outbox, SpanRange};

/// How many records a digest covers. A record that differs costs so many to be sent, and a digest takes 12 bytes.
pub const RANGE: usize = 8;

/// The next buffer of a walk, if it can go on.
pub(super) fn next_frame(
    shared: &Shared,
    telling: &mut Telling,
    peer: NodeId,
    size: usize,
    now: Now,
    out: &mut Outbox<ZoneSync>,
) -> Option<Sealed> {
    let walk = telling.walk.as_mut()?;
    loop {
        match &mut walk.stage {
            Stage::Asked(_) => return None,
            Stage::Compare(after) => {
                let (frame, upto) = digest(shared, *after, size, now);
                walk.stage = Stage::Asked(upto);
                return Some(frame);
            }
            Stage::Send(wanted, upto) => {
                if let Some(frame) = send(shared, wanted, &mut walk.sent, size, now, out) {
                    return Some(frame);
                }
                if *upto < LAST {
                    walk.stage = Stage::Compare(Some(*upto));
                    continue;
                }
                let (name, total) = (shared.module.zone(), shared.zone.total());
                out.note(Note::SentSnapshot(peer, name, walk.sent, total));
                telling.walk = None;
                return Some(writer(shared, size, What::SnapshotEnd).finish());
            }
        }
    }
}

/// A frame of digests of what stands behind a key, and up to which key it goes.
fn digest(shared: &Shared, after: Option<Key>, size: usize, now: Now) -> (Sealed, Key) {
    let mut frame = writer(shared, size, What::Digest { after });
    let mut upto = after.unwrap_or(Key(0));
    for range in shared.zone.ranges(after, RANGE, wall(now)) {
        if frame.push_range(&range).is_err() {
            break;
        }
        upto = range.upto;
    }
    (frame.finish(), upto)
}

/// A frame of what a peer wants, if there is anything left.
fn send(
    shared: &Shared,
    wanted: &mut VecDeque<(Option<Key>, Key)>,
    sent: &mut u64,
    size: usize,
    now: Now,
    out: &mut Outbox<ZoneSync>,
) -> Option<Sealed> {
    let mut frame = writer(shared, size, What::Snapshot);
    while let Some((after, upto)) = wanted.front_mut() {
        for record in shared.zone.in_range(*after, *upto) {
            if record.deadline() <= wall(now) {
                continue;
            }
            if !fits(&mut frame, record, out) {
                return Some(frame.finish());
            }
            *after = Some(record.key);
            *sent += 1;
        }
        wanted.pop_front();
    }
    (!frame.is_empty()).then(|| frame.finish())
}

impl Node {
    /// A peer says what it holds, by digests: what differs is wanted.
    pub(super) fn on_digest(
        &mut self,
        from: NodeId,
        place: usize,
        after: Option<Key>,
        frame: &Frame<'_>,
        now: Now,
        out: &mut Outbox<ZoneSync>,
    ) {
        let shared = &self.shared[place];
        let mut wanted: Vec<(Option<Key>, Key)> = Vec::new();
        let mut after = after;
        for range in frame.ranges() {
            let mine = shared.zone.range_sum(after, range.upto, wall(now));
            if mine != range.sum {
                match wanted.last_mut() {
                    Some((_, upto)) if after == Some(*upto) => *upto = range.upto,
                    _ => wanted.push((after, range.upto)),
                }
            }
            after = Some(range.upto);
        }
        let mut answer = writer(shared, self.config.options.buffer_size, What::Want);
        for (after, upto) in wanted {
            // It is no longer than the question: what does not fit is compared again another time.
            if answer.push_wanted(after, upto) == Err(NoFit::Full) {
                break;
            }
        }
        self.answer(from, answer.finish(), out);
    }

    /// A peer says what it wants: it is sent that, and the walk goes on.
    pub(super) fn on_want(
        &mut self,
        from: NodeId,
        place: usize,
        frame: &Frame<'_>,
        now: Now,
        out: &mut Outbox<ZoneSync>,
    ) {
        let course = self.peers.get_mut(&from).and_then(Peer::course_mut);
        let Some(walk) = course.and_then(|course| course.zones[place].walk.as_mut()) else {
            return;
        };
        if let Stage::Asked(upto) = walk.stage {
            walk.stage = Stage::Send(frame.wanted().collect(), upto);
            if self.config.options.refill {
                self.tell(from, now, out);
                self.quit_if_told(out);
            }
        }
    }

    /// Compares what it holds with the next of its peers.
    pub(super) fn on_repair(&mut self, now: Now, out: &mut Outbox<ZoneSync>) {
        let options = &self.config.options;
        let (repair, digests) = (options.repair, options.digests);
        out.arm(Timer::Repair, SpanRange::new(repair / 2, repair));
        let up = |(id, peer): (&NodeId, &Peer)| peer.course().map(|_| *id);
        let connected: Vec<NodeId> = self.peers.iter().filter_map(up).collect();
        let next = connected.iter().find(|id| **id > self.compared);
        if let Some(id) = next.or(connected.first()).copied() {
            self.compared = id;
            self.walk_again(id, digests, now, out);
        }
    }

    pub(super) fn walk_again(
        &mut self,
        id: NodeId,
        digests: bool,
        now: Now,
        out: &mut Outbox<ZoneSync>,
    ) {
        if let Some(course) = self.peers.get_mut(&id).and_then(Peer::course_mut) {
            course.walk_again(digests);
            self.tell(id, now, out);
        }
    }
}
