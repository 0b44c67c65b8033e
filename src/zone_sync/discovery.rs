//! Who the others are, and how a node leaves them.

use std::collections::BTreeSet;

use super::ZoneSync;
use super::message::{Note, Timer};
use super::node::Node;
use super::peer::{Outgoing, Peer};
use super::state::Quitting;
use crate::{NodeId, Now, Outbox, Span, SpanRange, Ticket};

impl Node {
    /// Asks the name service, and asks again if it does not answer.
    pub(super) fn ask_for_names(&mut self, out: &mut Outbox<ZoneSync>) {
        out.resolve();
        out.arm(Timer::Resolve, self.config.options.connect_timeout);
    }

    /// The name service says who the others are. One that says that there is nobody is asked again soon, and believed:
    /// the node goes on alone.
    pub(super) fn on_resolved(&mut self, nodes: &[NodeId], now: Now, out: &mut Outbox<ZoneSync>) {
        if self.quitting.is_some() {
            return;
        }
        let options = &self.config.options;
        let again = if nodes.is_empty() {
            options.retry
        } else {
            options.valid
        };
        out.arm(Timer::Resolve, again);
        self.speak_to(nodes, now, out);
    }

    /// From now on these are the others.
    pub(super) fn speak_to(&mut self, nodes: &[NodeId], now: Now, out: &mut Outbox<ZoneSync>) {
        let others: BTreeSet<NodeId> = nodes.iter().copied().filter(|id| *id != self.me).collect();
        let wanted = |(id, peer): (&NodeId, &Peer)| peer.wanted.then_some(*id);
        let before: BTreeSet<NodeId> = self.peers.iter().filter_map(wanted).collect();
        if before == others {
            return;
        }
        out.note(Note::Discovers(others.len()));
        for id in before.difference(&others) {
            self.forget(*id, out);
        }
        let retry = self.config.options.retry;
        for &id in others.difference(&before) {
            let peer = self.peers.entry(id);
            let peer = peer.or_insert_with(|| Peer::new(true, now.mono));
            peer.wanted = true;
            if peer.out == Outgoing::Down {
                out.arm(Timer::Dial(id), SpanRange::new(Span::ZERO, retry));
            }
        }
    }

    /// A node is not one of the others any more: its connection is closed and not tried again. What it still says is
    /// heard.
    fn forget(&mut self, id: NodeId, out: &mut Outbox<ZoneSync>) {
        out.note(Note::Forgets(id));
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        peer.wanted = false;
        let (stream, heard) = (peer.outgoing(), peer.incoming.is_some());
        if let Some(stream) = stream {
            out.close(stream);
            self.is_down(id, out);
        }
        out.disarm(Timer::Dial(id));
        if !heard {
            self.peers.remove(&id);
        }
    }

    /// It takes no more requests, tells what it has not told, and stops; after a while it stops all the same.
    pub(super) fn on_quit(&mut self, now: Now, out: &mut Outbox<ZoneSync>) {
        if self.quitting.is_some() {
            return;
        }
        self.quitting = Some(Quitting::Telling);
        out.arm(Timer::Quit, self.config.options.timeout);
        self.tell_all(now, out);
        self.quit_if_told(out);
    }

    /// If it is asked to quit and has told everybody who is connected, it closes its streams behind that and makes its
    /// state file durable.
    pub(super) fn quit_if_told(&mut self, out: &mut Outbox<ZoneSync>) {
        if self.quitting != Some(Quitting::Telling) {
            return;
        }
        let untold = |peer: &Peer| {
            let zones = peer.course().into_iter().flat_map(|course| &course.zones);
            zones.zip(&self.shared).any(|(telling, shared)| {
                telling.told < shared.zone.newest() || telling.walk.is_some()
            })
        };
        if self.peers.values().any(untold) {
            return;
        }
        out.note(Note::Quits);
        let ticket = out.flush();
        for peer in self.peers.values() {
            for stream in [peer.outgoing(), peer.heard_on()].into_iter().flatten() {
                out.close(stream);
            }
        }
        self.peers.clear();
        self.quitting = Some(Quitting::Saving(ticket));
    }

    pub(super) fn on_flushed(&mut self, ticket: Ticket, out: &mut Outbox<ZoneSync>) {
        if let Some(Quitting::Saving(last)) = self.quitting
            && ticket >= last
        {
            out.stop("was asked to quit");
        }
    }

    pub(super) fn quit_now(&mut self, out: &mut Outbox<ZoneSync>) {
        out.note(Note::QuitsEarly);
        out.stop("was asked to quit, and has waited long enough");
    }
}
