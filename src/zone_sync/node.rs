//! One node: it answers clients from what it holds, and takes from its peers what is newer.

use std::sync::Arc;

use super::ZoneSync;
use super::frame::{Garbage, decode};
use super::message::{Message, Note, Timer};
use super::options::Options;
use super::peer::{Outgoing, Peer};
use super::record::{Content, Record, Stamp};
use super::state::{Saved, recover};
use super::zone::{Merged, Rules, Zone};
use crate::kv::{Key, Request, Response, Revision, Value};
use crate::process::{Closing, Damage, Input, Process, Role};
use crate::{Life, NodeId, Now, Outbox, Span, SpanRange, StreamId};

/// The zone's name on the wire.
pub const ZONE: &str = "kv";
/// The signature of the module whose records these are: key-value pairs, first version.
pub const MODULE: (u16, u16) = (1, 1);

/// What every participant is told at each start.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Config {
    /// The nodes, in order.
    pub nodes: Vec<NodeId>,
    /// The constants.
    pub options: Options,
}

/// One node.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Node {
    pub(super) me: NodeId,
    pub(super) config: Arc<Config>,
    /// What it holds.
    pub zone: Zone,
    /// The newest time that it has given a write or heard of, for the hybrid clock.
    pub newest: u64,
    /// The others.
    pub peers: Vec<Peer>,
}

impl Process for Node {
    type Protocol = ZoneSync;
    type Config = Arc<Config>;

    fn boot(
        config: &Arc<Config>,
        me: NodeId,
        _: Life,
        now: Now,
        disk: &[Result<Saved, Damage>],
        out: &mut Outbox<ZoneSync>,
    ) -> Node {
        let options = &config.options;
        let life = Options::in_stamps(options.life);
        let mut zone = Zone::new(Rules {
            capacity: options.capacity,
            tie_break: options.tie_break,
            relay: options.relay,
            tombstones: options.tombstones.then_some(life),
        });
        let mut newest = 0;
        let loaded = recover(disk, wall(now));
        for record in &loaded {
            newest = newest.max(record.stamp.time);
            // As if another had told it: nothing of it is news, and the snapshot to each peer has it all.
            zone.merge(*record, me, wall(now));
        }
        zone.drop_changes_up_to(zone.newest());
        if !disk.is_empty() {
            out.note(Note::Loads(loaded.len()));
        }
        let others = config.nodes.iter().copied().filter(|node| *node != me);
        let peers: Vec<Peer> = others.map(Peer::new).collect();
        out.arm(
            Timer::Interval,
            SpanRange::new(Span::ZERO, options.interval),
        );
        for peer in &peers {
            out.arm(
                Timer::Dial(peer.id),
                SpanRange::new(Span::ZERO, options.retry),
            );
        }
        Node {
            me,
            config: Arc::clone(config),
            zone,
            newest,
            peers,
        }
    }

    fn step(&mut self, now: Now, input: Input<ZoneSync>, out: &mut Outbox<ZoneSync>) {
        match input {
            Input::Delivered(from, Message::Ask { life, seq, request }) => {
                let response = self.on_ask(request, now, out);
                // Past the flush: a node promises its client no more than that it holds the value now.
                out.send_past_flush(
                    from,
                    Message::Answer {
                        life,
                        seq,
                        response,
                    },
                );
            }
            Input::Arrived(stream, Message::Frame(_, bytes)) => {
                self.on_frame(stream, &bytes, now, out)
            }
            Input::Opened {
                stream,
                peer,
                mine,
                credit,
            } => self.on_opened(stream, peer, mine, credit, out),
            Input::Credit(stream, bytes) => self.on_credit(stream, bytes, out),
            Input::Closed(stream, why) => self.on_closed(stream, why, out),
            Input::Fired(Timer::Interval) => self.on_interval(now, out),
            Input::Fired(Timer::Dial(peer)) => self.on_dial(peer, out),
            Input::Fired(Timer::Connecting(peer)) => self.hang_up(peer, out),
            Input::Fired(Timer::Writing(peer)) => {
                out.note(Note::StandsStill(peer));
                self.hang_up(peer, out);
            }
            Input::Fired(Timer::Reading(peer)) => self.on_silence(peer, out),
            Input::Failed(error) => {
                out.note(Note::DiskFailed(error));
                out.stop("its disk failed");
            }
            // A client's affairs, and what never comes this way.
            Input::Fired(Timer::AskAgain | Timer::GiveUp)
            | Input::Requested(..)
            | Input::Flushed(_) => {}
            Input::Delivered(..) | Input::Arrived(..) => {}
        }
    }

    fn role(&self) -> Option<Role> {
        Some(Role {
            name: "node",
            rank: 0,
        })
    }
}

/// The wall clock in the unit of stamps.
fn wall(now: Now) -> u64 {
    now.wall.as_nanos() / 1_000_000
}

impl Node {
    fn on_ask(&mut self, request: Request, now: Now, out: &mut Outbox<ZoneSync>) -> Response {
        match request {
            Request::Put(key, value) => self.write(key, Some(value), now, out),
            Request::Delete(key) => self.write(key, None, now, out),
            Request::Get(key) | Request::Cas(key, ..) => {
                let found = self.zone.get(key, wall(now));
                let revision = self.zone.raw(key).map_or(0, |record| record.stamp.time);
                Response::Found(
                    found.and_then(|record| record.content.value()),
                    Revision(revision),
                )
            }
        }
    }

    /// A write here: it is committed at once, and told to the others when the timer fires.
    fn write(
        &mut self,
        key: Key,
        value: Option<Value>,
        now: Now,
        out: &mut Outbox<ZoneSync>,
    ) -> Response {
        let stamp = Stamp {
            time: self.time(now),
            writer: self.me,
        };
        self.newest = self.newest.max(stamp.time);
        match value {
            Some(value) => {
                let life = Options::in_stamps(self.config.options.life);
                self.zone.write(key, value, stamp, life);
            }
            None => {
                self.zone.delete(key, stamp);
            }
        }
        self.save(key, out);
        Response::Written(Revision(stamp.time))
    }

    /// The time of a local write: that of the wall clock, or one more than all that was heard of, if that is later.
    fn time(&self, now: Now) -> u64 {
        if self.config.options.hybrid_clock {
            wall(now).max(self.newest + 1)
        } else {
            wall(now)
        }
    }

    /// Notes in the state file what a key holds now; the timer's flush makes it durable.
    fn save(&self, key: Key, out: &mut Outbox<ZoneSync>) {
        match self.zone.raw(key) {
            Some(record) => out.write(Saved::Is(*record)),
            None => out.write(Saved::Gone(key)),
        }
    }

    fn on_frame(&mut self, stream: StreamId, bytes: &[u8], now: Now, out: &mut Outbox<ZoneSync>) {
        let Some(peer) = self.peers.iter().find(|peer| peer.incoming == Some(stream)) else {
            return;
        };
        let from = peer.id;
        out.arm(Timer::Reading(from), self.config.options.timeout);
        match self.merge(from, bytes, now, out) {
            Ok(()) => {}
            Err(_) => {
                out.note(Note::Garbage(from));
                out.close(stream);
                self.forget_incoming(from, out);
            }
        }
    }

    /// Takes what is newer from a frame, if it is for this zone and this module.
    fn merge(
        &mut self,
        from: NodeId,
        bytes: &[u8],
        now: Now,
        out: &mut Outbox<ZoneSync>,
    ) -> Result<(), Garbage> {
        let frame = decode(bytes)?;
        if (frame.header.zone, (frame.header.tag, frame.header.version)) != (ZONE, MODULE) {
            return Ok(());
        }
        for record in frame.records() {
            let Record { key, stamp, .. } = record;
            match self.zone.merge(record, from, wall(now)) {
                Merged::Inserted | Merged::Replaced => {
                    self.newest = self.newest.max(stamp.time);
                    self.save(key, out);
                }
                Merged::Known | Merged::Expired => {}
                Merged::Older => out.note(Note::IgnoresOlder(key, from)),
                Merged::Tied => out.note(Note::Tie(key, from)),
                Merged::NoRoom => out.note(Note::NoRoom(key, from)),
            }
        }
        Ok(())
    }

    fn on_interval(&mut self, now: Now, out: &mut Outbox<ZoneSync>) {
        out.arm(Timer::Interval, self.config.options.interval);
        let expired = self.zone.expire(wall(now));
        if expired > 0 {
            out.note(Note::Expires(expired));
        }
        out.flush();
        self.tell_all(out);
        self.keep_alive(out);
    }

    /// Nothing was read from a peer for too long: its stream is closed, and it will open another.
    fn on_silence(&mut self, peer: NodeId, out: &mut Outbox<ZoneSync>) {
        let incoming = self.peer(peer).and_then(|peer| peer.incoming);
        if let Some(stream) = incoming {
            out.note(Note::HearsNothing(peer));
            out.close(stream);
            self.forget_incoming(peer, out);
        }
    }

    pub(super) fn forget_incoming(&mut self, peer: NodeId, out: &mut Outbox<ZoneSync>) {
        out.disarm(Timer::Reading(peer));
        if let Some(peer) = self.peer(peer) {
            peer.incoming = None;
        }
    }

    pub(super) fn peer(&mut self, id: NodeId) -> Option<&mut Peer> {
        self.peers.iter_mut().find(|peer| peer.id == id)
    }

    fn on_closed(&mut self, stream: StreamId, why: Closing, out: &mut Outbox<ZoneSync>) {
        let Some(peer) = self
            .peers
            .iter()
            .find(|peer| peer.incoming == Some(stream) || peer.outgoing() == Some(stream))
        else {
            return;
        };
        let (id, mine) = (peer.id, peer.outgoing() == Some(stream));
        if mine {
            out.note(Note::Loses(id, why));
            self.is_down(id, out);
        } else {
            self.forget_incoming(id, out);
        }
    }

    /// There is no stream to a peer any more: it is tried again later.
    pub(super) fn is_down(&mut self, id: NodeId, out: &mut Outbox<ZoneSync>) {
        let retry = self.config.options.retry;
        if let Some(peer) = self.peer(id) {
            peer.out = Outgoing::Down;
            out.disarm(Timer::Connecting(id));
            out.disarm(Timer::Writing(id));
            out.arm(Timer::Dial(id), retry);
        }
    }

    /// What a node holds of a key, whoever looks.
    pub fn holds(&self, key: Key) -> Option<(Stamp, Content)> {
        self.zone
            .raw(key)
            .map(|record| (record.stamp, record.content))
    }
}
