//! Whether a node is heard: connections are kept by questions and answers, and the others are told whom a node misses.

use std::collections::BTreeSet;

use super::ZoneSync;
use super::encode::FrameWriter;
use super::frame::{Header, What};
use super::node::Node;
use super::peer::{Outgoing, Peer};
use crate::{NodeId, Now, Outbox};

impl Node {
    /// Each peer is asked whether it is there, so often that the answer keeps the connection. That something could be
    /// pushed proves nothing: a window takes a lot before it is full, and what hangs in it is sent again ever later.
    pub(super) fn keep_alive(&mut self, now: Now, out: &mut Outbox<ZoneSync>) {
        let options = &self.config.options;
        if !options.keepalive {
            return;
        }
        let question = writer_of_no_zone(options.buffer_size, What::Keepalive).finish();
        for peer in self.peers.values_mut() {
            let Outgoing::Up(course) = &mut peer.out else {
                continue;
            };
            let due = now.mono.since(course.asked) * 3 >= options.timeout;
            if due && course.line.takes(question.size()) {
                course.asked = now.mono;
                course.line.push(question.clone(), &mut self.counters, out);
            }
        }
    }

    /// A peer asks whether this node is there.
    pub(super) fn on_keepalive(&mut self, from: NodeId, out: &mut Outbox<ZoneSync>) {
        let size = self.config.options.buffer_size;
        self.answer(from, writer_of_no_zone(size, What::Keepalive).finish(), out);
    }

    /// Tells the others whom it cannot hear, so that they pass on what those say. One that it has just lost it does not
    /// miss yet: most come back at once.
    pub(super) fn say_whom_it_misses(&mut self, now: Now, out: &mut Outbox<ZoneSync>) {
        let options = &self.config.options;
        if !options.relay {
            return;
        }
        let grace = options.retry * 2 + options.interval;
        let missed = |(id, peer): (&NodeId, &Peer)| {
            let unheard = peer.wanted && peer.incoming.is_none();
            (unheard && now.mono.since(peer.unheard) > grace).then_some(*id)
        };
        let missed: BTreeSet<NodeId> = self.peers.iter().filter_map(missed).collect();
        let untold = |(id, peer): (&NodeId, &Peer)| {
            let told = peer.course().map(|course| course.missed == missed);
            (told == Some(false)).then_some(*id)
        };
        let untold: Vec<NodeId> = self.peers.iter().filter_map(untold).collect();
        let mut frame = writer_of_no_zone(options.buffer_size, What::Misses);
        for id in &missed {
            // More than a frame can name are not asked for: what those write comes with a walk, and later.
            if frame.push_missed(*id).is_err() {
                break;
            }
        }
        let frame = frame.finish();
        for id in untold {
            let course = self.peers.get_mut(&id).and_then(Peer::course_mut);
            if let Some(course) = course.filter(|course| course.line.takes(frame.size())) {
                course.missed = missed.clone();
                course.line.push(frame.clone(), &mut self.counters, out);
                let stream = course.line.stream;
                self.was_pushed(stream, out);
            }
        }
    }

    /// A peer says whom it cannot hear. What those said since it lost them it gets from the first of all nodes that it
    /// can hear; what they say from now on, from everybody.
    pub(super) fn on_misses(
        &mut self,
        from: NodeId,
        misses: BTreeSet<NodeId>,
        now: Now,
        out: &mut Outbox<ZoneSync>,
    ) {
        let options = &self.config.options;
        let (relay, digests) = (options.relay, options.digests);
        let others = self.peers.iter().filter(|(_, peer)| peer.wanted);
        let mut heard = others
            .map(|(id, _)| *id)
            .chain([self.me])
            .filter(|id| *id != from && !misses.contains(id));
        let first = heard.by_ref().min();
        let Some(peer) = self.peers.get_mut(&from) else {
            return;
        };
        let news = misses.difference(&peer.misses).any(|id| *id != self.me);
        peer.misses = misses;
        if relay && news && first == Some(self.me) {
            self.walk_again(from, digests, now, out);
        }
    }
}

/// A writer of a frame about nodes, and no zone.
fn writer_of_no_zone(size: usize, what: What) -> FrameWriter {
    FrameWriter::new(size, &Header::of_no_zone(what))
}
