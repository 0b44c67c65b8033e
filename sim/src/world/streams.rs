//! Streams: whole messages in order, each way, until one end or the network ends them.
//!
//! A stream is two ways, and each way a queue of segments of which only the first has an event: it arrives, and then the
//! next is due. A segment that cannot get through holds up all behind it. If it is lost (its link is cut, its receiver's
//! machine is dead), it is tried again after TCP's retransmission timeout, which doubles each time; if it is held (its
//! link is jammed, its stream stalled), it goes on when it is let go.

mod breaks;

use std::collections::VecDeque;

use hashbrown::HashMap;
use netsplit::{Closing, Input, Kinds, Mode, Size, Span, StreamId, Time};
use rustc_hash::FxBuildHasher;
use tracing::{debug, trace};

use super::fault::Point;
use super::network::Obstacle;
use super::random::Draw;
use super::{Event, World};

/// TCP's least retransmission timeout, as Linux has it.
pub const LEAST_RTO: Span = Span::millis(200);
/// The timeout of the first segment of a connection (RFC 6298).
pub const OPENING_RTO: Span = Span::secs(1);
/// TCP's greatest retransmission timeout, as Linux has it.
pub const MOST_RTO: Span = Span::secs(120);

/// What travels on a way.
#[derive(Clone, Debug)]
enum Segment<T> {
    Open,
    Accept,
    Data(T),
    Credit(u32),
    /// Asks whether anybody is still there, where no credit is left to find out by pushing.
    Probe,
    End(Closing),
}

impl<T: Kinds + Size> Segment<T> {
    /// Which kind of message it carries, if any.
    fn kind(&self) -> Option<usize> {
        match self {
            Segment::Data(message) => Some(message.kind()),
            _ => None,
        }
    }

    /// How many bytes it carries.
    fn bytes(&self) -> u64 {
        match self {
            Segment::Data(message) => message.size() as u64,
            _ => 0,
        }
    }
}

/// A segment on its way.
struct Flight<T> {
    /// When it arrives; where noise loses it, when it does at the next try.
    at: Time,
    /// How long after that the one after is.
    timeout: Span,
    segment: Segment<T>,
}

impl<T> Flight<T> {
    fn new(segment: Segment<T>) -> Flight<T> {
        Flight {
            at: Time::NEVER,
            timeout: LEAST_RTO,
            segment,
        }
    }
}

/// One direction of a stream.
struct Way<T> {
    /// What is on it, in order.
    segments: VecDeque<Flight<T>>,
    /// How many of them are under way; the rest waits.
    flying: usize,
    /// Why the rest waits.
    stuck: Option<Obstacle>,
    /// Its sender is dead: nobody sends again what is lost.
    abandoned: bool,
    /// Which event speaks for it: an earlier one is void.
    round: u32,
    rto: Span,
    /// How many bytes its sender may still push.
    credit: u32,
    /// How many bytes its receiver has taken in and not yet given back.
    owed: u32,
}

impl<T> Way<T> {
    fn new(rto: Span) -> Way<T> {
        Way {
            segments: VecDeque::new(),
            flying: 0,
            stuck: None,
            abandoned: false,
            round: 0,
            rto,
            credit: 0,
            owed: 0,
        }
    }

    /// Loses everything behind so many that are under way.
    fn truncate(&mut self, flying: usize) {
        self.segments.truncate(flying);
        self.flying = flying;
        self.stuck = None;
        if flying == 0 {
            self.round += 1;
            self.rto = LEAST_RTO;
        }
    }
}

/// A stream: its ends by slot, the opener first; which of them still know of it; and the way from each to the other.
struct Stream<T> {
    ends: [usize; 2],
    alive: [bool; 2],
    /// Whether the opener knows that it is open.
    accepted: bool,
    ways: [Way<T>; 2],
}

/// A fault that holds up streams: those opened by these to those, and which ways of theirs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stall {
    /// The openers, by slot.
    pub from: Vec<usize>,
    /// The others.
    pub to: Vec<usize>,
    /// Whether what the opener pushes is held up, and what comes back.
    pub ways: [bool; 2],
}

/// All streams of a world.
pub(super) struct Streams<T> {
    all: HashMap<StreamId, Stream<T>, FxBuildHasher>,
    window: u32,
    stalls: Vec<((usize, usize), Stall)>,
    /// Hosts between whom no stall counts any more; empty while all count.
    spared: Vec<bool>,
}

impl<T> Streams<T> {
    pub(super) fn new(window: u32) -> Streams<T> {
        Streams {
            all: HashMap::default(),
            window,
            stalls: Vec::new(),
            spared: Vec::new(),
        }
    }

    /// Whether a fault holds this way of a stream up.
    fn is_stalled(&self, ends: [usize; 2], way: usize) -> bool {
        let spared = |slot: usize| self.spared.get(slot).copied().unwrap_or(false);
        let mut stalls = self.stalls.iter().map(|(_, stall)| stall);
        let [from, to] = ends;
        let counts = !spared(from) || !spared(to);
        counts
            && stalls.any(|stall| {
                stall.ways[way] && stall.from.contains(&from) && stall.to.contains(&to)
            })
    }
}

impl<M: Mode> World<'_, M> {
    /// A process opens a stream.
    pub(super) fn open_stream(&mut self, slot: usize, id: StreamId) {
        debug!(target: "world", at = %self.now, node = %self.ids[slot], "opens {id} to {}", id.to);
        let stream = Stream {
            ends: [slot, self.roster.slot(id.to)],
            alive: [true, false],
            accepted: false,
            ways: [Way::new(OPENING_RTO), Way::new(LEAST_RTO)],
        };
        self.streams.all.insert(id, stream);
        self.hosts[slot].streams.push(id);
        self.post(id, 0, self.now, Segment::Open);
    }

    /// A process pushes a message.
    pub(super) fn push(&mut self, slot: usize, id: StreamId, message: M::Message) {
        let kind = message.kind();
        let here = |point: Point| matches!(point, Point::Sends { kind: on, .. } if on == kind);
        if self.is_trapped(slot) && self.springs(slot, here) {
            return;
        }
        self.messages[kind] += 1;
        let leaves = self.works(slot, &message);
        let who = self.ids[slot];
        let Some((stream, end)) = self.stream_at(slot, id) else {
            trace!(target: "world", at = %self.now, node = %who, "-> {id}, which is over: {message}");
            return;
        };
        let bytes = message.size() as u32;
        let credit = &mut stream.ways[end].credit;
        assert!(
            bytes <= *credit,
            "{who} pushes {bytes} bytes into {id}, whose window has {credit}"
        );
        *credit -= bytes;
        trace!(target: "world", at = %self.now, node = %who, "-> {id}: {message}");
        self.post(id, end, leaves, Segment::Data(message));
    }

    /// A process closes a stream. It hears nothing more of it, not even what has come already.
    pub(super) fn close_stream(&mut self, slot: usize, id: StreamId) {
        let host = &mut self.hosts[slot];
        host.closing.retain(|other| *other != id);
        host.stop_waiting_for(id);
        if self.stream_at(slot, id).is_some() {
            debug!(target: "world", at = %self.now, node = %self.ids[slot], "closes {id}");
            self.leave(slot, id, Closing::Finished);
        }
    }

    /// The stream that an end still knows of, and which end that is.
    fn stream_at(&mut self, slot: usize, id: StreamId) -> Option<(&mut Stream<M::Message>, usize)> {
        let stream = self.streams.all.get_mut(&id)?;
        let end = usize::from(stream.ends[0] != slot);
        stream.alive[end].then_some((stream, end))
    }

    /// An end leaves a stream, and the other one is told behind what was pushed.
    fn leave(&mut self, slot: usize, id: StreamId, why: Closing) {
        let Some((stream, end)) = self.stream_at(slot, id) else {
            return;
        };
        stream.alive[end] = false;
        let over = !stream.alive[1 - end];
        self.hosts[slot].streams.retain(|other| *other != id);
        if over {
            self.streams.all.remove(&id);
        } else {
            self.post(id, end, self.now, Segment::End(why));
        }
    }

    /// Puts a segment on a way, behind what is there.
    fn post(&mut self, id: StreamId, way: usize, leaves: Time, segment: Segment<M::Message>) {
        let Some(stream) = self.streams.all.get_mut(&id) else {
            return;
        };
        let this = &mut stream.ways[way];
        this.segments.push_back(Flight::new(segment));
        if this.stuck.is_none() {
            self.go_on(id, way, leaves);
        }
    }

    /// Sends what waits on a way, as far as it gets through.
    fn go_on(&mut self, id: StreamId, way: usize, leaves: Time) {
        let Some(ends) = self.streams.all.get(&id).map(|stream| stream.ends) else {
            return;
        };
        let (from, to) = (ends[way], ends[1 - way]);
        let stalled = self.streams.is_stalled(ends, way);
        let Some(stream) = self.streams.all.get_mut(&id) else {
            return;
        };
        let this = &mut stream.ways[way];
        let none_flew = this.flying == 0;
        this.stuck = None;
        for flight in this.segments.range_mut(this.flying..) {
            let (kind, bytes) = (flight.segment.kind(), flight.segment.bytes());
            let sent = if stalled {
                Err(Obstacle::Hold)
            } else {
                self.network.segment(leaves, from, to, kind, bytes)
            };
            match sent {
                Ok(arrives) => {
                    flight.at = arrives;
                    flight.timeout = LEAST_RTO;
                    this.flying += 1;
                }
                Err(obstacle) => {
                    this.stuck = Some(obstacle);
                    break;
                }
            }
        }
        if none_flew {
            self.expect(id, way);
        }
    }

    /// Queues what happens next on a way: its first segment arrives, or is tried again.
    fn expect(&mut self, id: StreamId, way: usize) {
        let Some(stream) = self.streams.all.get_mut(&id) else {
            return;
        };
        let this = &mut stream.ways[way];
        this.round += 1;
        let (stream, round) = (id, this.round);
        match (this.segments.front(), this.stuck) {
            (Some(flight), _) if this.flying > 0 => {
                // It may have come long ago, while one before it was lost.
                let at = flight.at.max(self.now);
                self.events.push(at, Event::Segment { stream, way, round });
            }
            (Some(_), Some(Obstacle::Loss)) if this.abandoned => {
                this.truncate(0);
                self.ask_again(id);
            }
            (Some(_), Some(Obstacle::Loss)) => {
                let at = self.now + this.rto;
                this.rto = (this.rto * 2).min(MOST_RTO);
                self.events
                    .push(at, Event::Retransmit { stream, way, round });
            }
            // Whoever holds it lets it go on.
            _ => {}
        }
    }

    /// It is time to try the first segment of a way again.
    pub(super) fn retransmit(&mut self, id: StreamId, way: usize, round: u32) {
        let stream = self.streams.all.get(&id);
        if stream.is_some_and(|stream| stream.ways[way].round == round) {
            self.go_on(id, way, self.now);
        }
    }

    /// The first segment of a way comes to the end of its link.
    pub(super) fn segment(&mut self, id: StreamId, way: usize, round: u32) {
        let Some(ends) = self.streams.all.get(&id).map(|stream| stream.ends) else {
            return;
        };
        let (from, to) = (ends[way], ends[1 - way]);
        let dead = self.hosts[to].dead && self.hosts[to].process.is_none();
        let stalled = self.streams.is_stalled(ends, way);
        let Some(stream) = self.streams.all.get_mut(&id) else {
            return;
        };
        let this = &mut stream.ways[way];
        if this.round != round {
            return;
        }
        if dead || stalled || self.network.is_cut(from, to) {
            this.flying = 0;
            this.stuck = Some(if stalled {
                Obstacle::Hold
            } else {
                Obstacle::Loss
            });
            self.expect(id, way);
            return;
        }
        let Some(first) = this.segments.front_mut() else {
            return;
        };
        let kind = first.segment.kind();
        while first.at <= self.now && self.network.loses_segment(from, to, kind) {
            first.at += first.timeout;
            first.timeout = (first.timeout * 2).min(MOST_RTO);
        }
        if first.at > self.now {
            self.expect(id, way);
            return;
        }
        let Some(Flight { segment, .. }) = this.segments.pop_front() else {
            return;
        };
        this.flying -= 1;
        this.rto = LEAST_RTO;
        self.expect(id, way);
        self.mark(9 << 40, (id.number << 1) | way as u32, to as u32);
        self.receive(id, way, segment);
    }

    fn receive(&mut self, id: StreamId, way: usize, segment: Segment<M::Message>) {
        let Some(stream) = self.streams.all.get_mut(&id) else {
            return;
        };
        let end = 1 - way;
        let slot = stream.ends[end];
        let credit = self.streams.window;
        match segment {
            Segment::Open if self.hosts[slot].process.is_none() => {
                self.post(id, end, self.now, Segment::End(Closing::Refused));
            }
            Segment::Open => {
                stream.alive[end] = true;
                stream.ways[end].credit = credit;
                self.hosts[slot].streams.push(id);
                self.post(id, end, self.now, Segment::Accept);
                self.tell_end(slot, id, Input::Opened { stream: id, credit });
            }
            // It meets a system that knows nothing of the stream.
            _ if !stream.alive[end] => self.deny(id, end),
            Segment::Accept => {
                stream.accepted = true;
                stream.ways[end].credit = credit;
                self.tell_end(slot, id, Input::Opened { stream: id, credit });
            }
            // What nobody takes in opens no window.
            Segment::Data(_) if self.hosts[slot].closing.contains(&id) => {}
            Segment::Data(message) => {
                trace!(target: "world", at = %self.now, node = %self.ids[slot], "<- {id}: {message}");
                self.delivered += 1;
                self.tell_end(slot, id, Input::Arrived(id, message));
            }
            Segment::Probe => {}
            Segment::Credit(bytes) => {
                stream.ways[end].credit += bytes;
                self.tell_end(slot, id, Input::Credit(id, bytes));
            }
            Segment::End(why) => {
                stream.alive[end] = false;
                if !stream.alive[way] {
                    self.streams.all.remove(&id);
                }
                self.hosts[slot].streams.retain(|other| *other != id);
                debug!(target: "world", at = %self.now, node = %self.ids[slot], "{id} is over: {}", why);
                self.tell_end(slot, id, Input::Closed(id, why));
            }
        }
    }

    /// A process hears of a stream, unless it has closed it: the others learn of that behind a flush, it knows at once.
    fn tell_end(&mut self, slot: usize, id: StreamId, input: Input<M>) {
        if !self.hosts[slot].closing.contains(&id) {
            self.input(slot, input);
        }
    }

    /// A system answers a segment of a stream that it does not know with a reset, as often as that is sent again.
    fn deny(&mut self, id: StreamId, end: usize) {
        let Some(stream) = self.streams.all.get_mut(&id) else {
            return;
        };
        let back = &mut stream.ways[end];
        back.abandoned = false;
        let told = |flight: &Flight<_>| matches!(flight.segment, Segment::End(_));
        if stream.alive[1 - end] && !back.segments.iter().any(told) {
            back.truncate(0);
            self.post(id, end, self.now, Segment::End(Closing::Reset));
        }
    }

    /// A process takes a message in: the window of its sender opens again, in halves.
    pub(super) fn give_credit(&mut self, slot: usize, id: StreamId, bytes: u32) {
        let half = self.streams.window / 2;
        let Some((stream, end)) = self.stream_at(slot, id) else {
            return;
        };
        let incoming = &mut stream.ways[1 - end];
        incoming.owed += bytes;
        if incoming.owed >= half {
            let owed = std::mem::take(&mut incoming.owed);
            self.post(id, end, self.now, Segment::Credit(owed));
        }
    }
}
