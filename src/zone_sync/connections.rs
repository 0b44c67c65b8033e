//! How streams come and go: a node opens one to each of the others, and listens on those that they open.
//!
//! What it tells, and what it asks, goes over a stream of its own, and the answers come back on that.

use super::ZoneSync;
use super::frame::Sealed;
use super::message::{Note, Timer};
use super::node::Node;
use super::peer::{Course, Incoming, Line, Outgoing, Peer};
use crate::process::Closing;
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
            out.arm(Timer::Connecting(id), timeout);
        }
    }

    /// A stream that this node opened is there: all that changed so far is gone over.
    fn on_connected(&mut self, line: Line, now: Now, out: &mut Outbox<ZoneSync>) {
        let id = line.stream.to;
        let newest = self.shared.iter().map(|shared| shared.zone.newest());
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        if peer.out != Outgoing::Dialing(line.stream) {
            return;
        }
        let course = Course::new(line, newest, self.config.options.digests, now.mono);
        peer.out = Outgoing::Up(course);
        out.note(Note::Connects(id));
        out.disarm(Timer::Connecting(id));
        self.is_alive(line.stream, out);
        self.tell(id, now, out);
    }

    pub(super) fn on_opened(&mut self, line: Line, now: Now, out: &mut Outbox<ZoneSync>) {
        let id = line.stream.opener;
        if id == self.me {
            self.on_connected(line, now, out);
            return;
        }
        // Whoever speaks is heard, also one that is not, or not yet, among those to connect to.
        let peer = self
            .peers
            .entry(id)
            .or_insert_with(|| Peer::new(false, now.mono));
        let answers = Default::default();
        // A peer that lost its stream without a word opens another: the newest is the one that it speaks on.
        if let Some(before) = peer.incoming.replace(Incoming { line, answers }) {
            out.close(before.line.stream);
            // What it cannot hear it will say again.
            peer.misses.clear();
        }
        self.is_alive(line.stream, out);
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
            && incoming.line.stream == stream
        {
            incoming.line.credit += bytes;
            self.push_answers(id, out);
            return;
        }
        if let Some(course) = peer.course_mut() {
            course.line.credit += bytes;
            // It takes something in, so it is there, though there may have been no room to ask.
            self.is_alive(stream, out);
        }
        if self.config.options.refill {
            self.tell(id, now, out);
            self.forget_told();
            self.quit_if_told(out);
        }
    }

    pub(super) fn on_closed(
        &mut self,
        stream: StreamId,
        why: Closing,
        now: Now,
        out: &mut Outbox<ZoneSync>,
    ) {
        let Some(id) = self.other_end(stream) else {
            return;
        };
        if stream.opener == self.me {
            out.note(Note::Loses(id, why));
            self.is_down(id, out);
            self.quit_if_told(out);
        } else {
            self.forget_incoming(id, now, out);
        }
    }

    /// Nothing was read from a peer for too long: its stream is closed, and it will open another.
    pub(super) fn on_silence(&mut self, peer: NodeId, now: Now, out: &mut Outbox<ZoneSync>) {
        let incoming = self.peers.get(&peer).and_then(Peer::heard_on);
        if let Some(stream) = incoming {
            out.note(Note::HearsNothing(peer));
            out.close(stream);
            self.forget_incoming(peer, now, out);
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

    /// There is no stream to a peer any more: it is tried again later, if it is one of the others.
    pub(super) fn is_down(&mut self, id: NodeId, out: &mut Outbox<ZoneSync>) {
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        peer.out = Outgoing::Down;
        out.disarm(Timer::Connecting(id));
        out.disarm(Timer::Writing(id));
        if peer.wanted && self.quitting.is_none() {
            out.arm(Timer::Dial(id), self.config.options.retry);
        }
    }

    pub(super) fn forget_incoming(&mut self, id: NodeId, now: Now, out: &mut Outbox<ZoneSync>) {
        out.disarm(Timer::Reading(id));
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.incoming = None;
            peer.unheard = now.mono;
            // What it cannot hear it will say again.
            peer.misses.clear();
            if !peer.wanted && peer.out == Outgoing::Down {
                self.peers.remove(&id);
            }
        }
    }

    /// There was a sign of life on a stream: it may be silent for so long again.
    pub(super) fn is_alive(&self, stream: StreamId, out: &mut Outbox<ZoneSync>) {
        let id = stream.other(self.me);
        let silence = if stream.opener == self.me {
            Timer::Writing(id)
        } else {
            Timer::Reading(id)
        };
        out.arm(silence, self.config.options.timeout);
    }

    /// Something could be pushed into a stream: a sign of life where nobody asks for a better one.
    pub(super) fn was_pushed(&self, stream: StreamId, out: &mut Outbox<ZoneSync>) {
        if !self.config.options.keepalive {
            self.is_alive(stream, out);
        }
    }

    /// Who is at the other end of a stream that it still speaks or listens on.
    pub(super) fn other_end(&self, stream: StreamId) -> Option<NodeId> {
        let id = stream.other(self.me);
        let peer = self.peers.get(&id)?;
        let spoken_on = [peer.outgoing(), peer.heard_on()];
        spoken_on.contains(&Some(stream)).then_some(id)
    }

    /// Answers a peer, on the stream that it asked on, as soon as it takes the answer.
    pub(super) fn answer(&mut self, id: NodeId, frame: Sealed, out: &mut Outbox<ZoneSync>) {
        let peer = self.peers.get_mut(&id);
        if let Some(incoming) = peer.and_then(|peer| peer.incoming.as_mut()) {
            incoming.answers.push_back(frame);
            self.push_answers(id, out);
        }
    }

    /// Sends a peer the answers that it takes.
    fn push_answers(&mut self, id: NodeId, out: &mut Outbox<ZoneSync>) {
        let peer = self.peers.get_mut(&id);
        let Some(incoming) = peer.and_then(|peer| peer.incoming.as_mut()) else {
            return;
        };
        let Incoming { line, answers } = incoming;
        while let Some(frame) = answers.pop_front_if(|frame| line.takes(frame.size())) {
            line.push(frame, &mut self.counters, out);
        }
    }
}
