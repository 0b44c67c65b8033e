//! A host: a process with its clock, disk, alarms and what waits to leave.

use std::collections::VecDeque;
use std::hash::Hash;

use hashbrown::HashMap;
use netsplit::{
    Config, DiskError, Input, Life, Mistake, Mode, NodeId, OpId, Opener, Outcome, Protocol, Span,
    SpanRange, StreamId, Ticket, Time,
};
use rustc_hash::FxBuildHasher;

use super::clock::Clock;
use super::disk::Disk;
use super::fault::Point;
use super::participant::Participant;
use super::random::{Chance, Key};

/// One participant and the machine it runs on.
pub(super) struct Host<M: Mode> {
    pub(super) id: NodeId,
    /// None while it is down.
    pub(super) process: Option<Participant<M>>,
    pub(super) mistake: Option<Box<dyn Mistake<M::Server>>>,
    pub(super) life: Life,
    /// How many faults keep it down, and how many hold it.
    pub(super) downs: u16,
    pub(super) pauses: u16,
    pub(super) clock: Clock,
    pub(super) disk: Disk<M::Record>,
    pub(super) troubles: Troubles,
    /// It stopped while it booted: nobody starts it again.
    pub(super) lost: bool,
    /// What it had on disk is gone, and it has not been started since.
    pub(super) spoiled: bool,
    /// A fault took what it had on disk, in this life or an earlier one.
    pub(super) robbed: bool,
    /// It stays broken when the storm is over.
    pub(super) broken: bool,
    /// Where it goes down when it comes there.
    pub(super) traps: Vec<Trap>,
    pub(super) cpu: Cpu<M>,
    pub(super) slow_cpu: Factors,
    pub(super) alarms: Alarms<M::Timer>,
    /// Outward effects behind a flush, with the ticket they wait for.
    pub(super) held: VecDeque<(Ticket, Outward<M>)>,
    /// What came in during a pause.
    pub(super) waiting: VecDeque<Waiting<M>>,
    /// The streams that it knows of, and what names the next that it opens.
    pub(super) streams: Vec<StreamId>,
    pub(super) opener: Opener,
    /// The streams that it has closed, and of which the others are to learn behind a flush.
    pub(super) closing: Vec<StreamId>,
    /// Its machine is down, and answers nobody.
    pub(super) dead: bool,
    pub(super) ticket: Ticket,
    /// Which flush, or crash, was the last: the ordinal of what is drawn for it.
    pub(super) flushes: u64,
    pub(super) wakes: u64,
}

/// A point at which a host goes down, and for which part of which fault.
pub(super) struct Trap {
    pub(super) part: (usize, usize),
    pub(super) point: Point,
    /// How often it has to come there.
    pub(super) left: u32,
}

/// What is wrong with a disk now, each by how many faults.
#[derive(Default)]
pub(super) struct Troubles {
    pub(super) slow: Factors,
    pub(super) stalls: u16,
    pub(super) fails_writes: u16,
    pub(super) full: u16,
    pub(super) fails_flushes: u16,
    pub(super) lies: u16,
}

impl Troubles {
    /// Why a write would fail now.
    pub(super) fn refuses(&self) -> Option<DiskError> {
        match (self.fails_writes, self.full) {
            (0, 0) => None,
            (0, _) => Some(DiskError::Full),
            _ => Some(DiskError::Write),
        }
    }
}

/// By how much each active fault slows something; the slowest counts.
#[derive(Default)]
pub(super) struct Factors(Vec<u32>);

impl Factors {
    pub(super) fn turn(&mut self, factor: u32, begin: bool) {
        if begin {
            self.0.push(factor);
        } else if let Some(place) = self.0.iter().position(|other| *other == factor) {
            self.0.swap_remove(place);
        }
    }

    pub(super) fn most(&self) -> u64 {
        u64::from(self.0.iter().copied().max().unwrap_or(1))
    }
}

/// A processor that does one thing at a time, where that takes time.
pub(super) struct Cpu<P: Protocol> {
    /// Until when it is busy.
    pub(super) busy: Time,
    /// What has come in meanwhile, in order.
    pub(super) inbox: VecDeque<Waiting<P>>,
    /// When it will look for the next of it.
    pub(super) looks: Option<Time>,
}

/// What waits for a flush before anyone else may see it.
pub(super) enum Outward<P: Protocol> {
    Send(NodeId, P::Message),
    Open(StreamId),
    Push(StreamId, P::Message),
    Close(StreamId),
    Respond(OpId, Outcome<P::Response>),
}

/// What a paused host finds when it goes on.
pub(super) enum Waiting<P: Protocol> {
    Input(Input<P>),
    Alarm(usize),
}

impl<P: Protocol> Waiting<P> {
    /// On which stream it came.
    pub(super) fn stream(&self) -> Option<StreamId> {
        match self {
            Waiting::Input(
                Input::Opened { stream, .. }
                | Input::Arrived(stream, _)
                | Input::Credit(stream, _)
                | Input::Closed(stream, _),
            ) => Some(*stream),
            _ => None,
        }
    }

    /// That goes before everything else: nothing is done between a call that fails and its return.
    pub(super) fn is_news_of_a_failed_flush(&self) -> bool {
        matches!(self, Waiting::Input(Input::Failed(DiskError::Flush(_))))
    }
}

impl<M: Mode> Host<M> {
    pub(super) fn new(config: &Config<M>, id: NodeId, clock: Clock, timers: Key) -> Host<M> {
        let formatted = Participant::<M>::format(config, id);
        Host {
            id,
            process: None,
            mistake: None,
            life: Life(0),
            downs: 0,
            pauses: 0,
            clock,
            disk: Disk::formatted(formatted),
            troubles: Troubles::default(),
            lost: false,
            spoiled: false,
            robbed: false,
            broken: false,
            traps: Vec::new(),
            cpu: Cpu {
                busy: Time::ZERO,
                inbox: VecDeque::new(),
                looks: None,
            },
            slow_cpu: Factors::default(),
            alarms: Alarms::new(timers),
            held: VecDeque::new(),
            waiting: VecDeque::new(),
            streams: Vec::new(),
            opener: Opener::new(id),
            closing: Vec::new(),
            dead: false,
            ticket: Ticket(0),
            flushes: 0,
            wakes: 0,
        }
    }

    /// Whether what is seen from outside has to wait: for a flush, or behind what waits for one.
    #[inline]
    pub(super) fn holds(&self) -> bool {
        self.disk.barrier().is_some() || !self.held.is_empty()
    }

    /// Lets an outward effect wait for the newest flush asked for.
    pub(super) fn hold(&mut self, effect: Outward<M>) {
        let ticket = self.disk.barrier().unwrap_or(self.ticket);
        self.held.push_back((ticket, effect));
    }

    /// Drops what was held for a flush that failed, behind the last one that was done: the process may still have to
    /// hear of that one.
    pub(super) fn drop_held(&mut self, done: Ticket, failed: Ticket) {
        let waits_for_it = |ticket: Ticket| ticket > done && ticket <= failed;
        self.held.retain(|(ticket, _)| !waits_for_it(*ticket));
    }

    /// Whether anything waits in this queue of its process.
    pub(super) fn waits_in(&mut self, queue: &str) -> bool {
        let mut queues = self.process.iter_mut().flat_map(Participant::queues);
        queues.any(|(name, queue_now)| name == queue && queue_now.waiting() > 0)
    }

    /// Loses a share of what waits in a queue, rounded up; how many that is.
    pub(super) fn lose(&mut self, queue: &str, share: Chance) -> usize {
        let mut queues = self.process.iter_mut().flat_map(Participant::queues);
        let Some((_, queue)) = queues.find(|(name, _)| *name == queue) else {
            return 0;
        };
        let count = (queue.waiting() as u64 * u64::from(share.0)).div_ceil(1_000_000) as usize;
        queue.lose(count);
        count
    }

    /// Forgets what has come on a stream and was not taken in.
    pub(super) fn stop_waiting_for(&mut self, stream: StreamId) {
        let is_of_others = |what: &Waiting<M>| what.stream() != Some(stream);
        self.waiting.retain(is_of_others);
        self.cpu.inbox.retain(is_of_others);
    }

    /// Closes a stream on this side before the others may learn of it.
    pub(super) fn stop_hearing(&mut self, stream: StreamId) {
        self.closing.push(stream);
        self.stop_waiting_for(stream);
    }

    /// All that a crash takes besides the disk's unflushed tail.
    pub(super) fn forget(&mut self) {
        self.process = None;
        self.cpu.inbox.clear();
        self.cpu.looks = None;
        self.cpu.busy = Time::ZERO;
        self.held.clear();
        self.closing.clear();
        self.waiting.clear();
        self.alarms.clear();
    }
}

/// The alarms of one host. Each has at most one event queued at or before its due time, so that an alarm that is put off
/// over and over, as an election timeout is, costs the queue nothing.
pub(super) struct Alarms<T> {
    alarms: Vec<Alarm<T>>,
    /// Where each stands: a node of a large mesh has some for every other.
    places: HashMap<T, usize, FxBuildHasher>,
    draws: Key,
    drawn: u64,
}

struct Alarm<T> {
    timer: T,
    due: Option<Time>,
    queued: Option<Time>,
}

/// What a queued alarm event turns out to be.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Ring<T> {
    /// It is due.
    Due(T),
    /// It was put off: queue it again.
    Later(Time),
    /// It was taken back, or another event speaks for it.
    Nothing,
}

impl<T: Copy + Eq + Hash> Alarms<T> {
    fn new(draws: Key) -> Alarms<T> {
        Alarms {
            alarms: Vec::new(),
            places: HashMap::default(),
            draws,
            drawn: 0,
        }
    }

    /// Sets an alarm; the place and instant of an event to queue, if it needs one.
    pub(super) fn arm(
        &mut self,
        timer: T,
        within: SpanRange,
        now: Time,
        clock: &Clock,
    ) -> Option<(usize, Time)> {
        self.drawn += 1;
        let span: Span = self.draws.draw(self.drawn).within(within);
        let due = now + clock.in_world(span);
        let place = *self.places.entry(timer).or_insert_with(|| {
            self.alarms.push(Alarm {
                timer,
                due: None,
                queued: None,
            });
            self.alarms.len() - 1
        });
        let alarm = &mut self.alarms[place];
        alarm.due = Some(due);
        if alarm.queued.is_some_and(|queued| queued <= due) {
            return None;
        }
        alarm.queued = Some(due);
        Some((place, due))
    }

    pub(super) fn disarm(&mut self, timer: T) {
        if let Some(place) = self.places.get(&timer) {
            self.alarms[*place].due = None;
        }
    }

    /// An event for the alarm at `place` came up.
    pub(super) fn ring(&mut self, place: usize, now: Time) -> Ring<T> {
        let Some(alarm) = self
            .alarms
            .get_mut(place)
            .filter(|alarm| alarm.queued == Some(now))
        else {
            return Ring::Nothing;
        };
        alarm.queued = None;
        match alarm.due {
            None => Ring::Nothing,
            Some(due) if due > now => {
                alarm.queued = Some(due);
                Ring::Later(due)
            }
            Some(_) => {
                alarm.due = None;
                Ring::Due(alarm.timer)
            }
        }
    }

    /// An event for the alarm at `place` came up while its host is paused: whether it has to wait.
    pub(super) fn sleep(&mut self, place: usize, now: Time) -> bool {
        let alarm = self
            .alarms
            .get_mut(place)
            .filter(|alarm| alarm.queued == Some(now));
        alarm.map(|alarm| alarm.queued = None).is_some()
    }

    /// The host goes on: an event for the alarm at `place` is queued at once.
    pub(super) fn wake(&mut self, place: usize, now: Time) {
        if let Some(alarm) = self.alarms.get_mut(place) {
            alarm.queued = Some(now);
        }
    }

    fn clear(&mut self) {
        self.alarms.clear();
        self.places.clear();
    }
}

#[cfg(test)]
mod tests {
    use netsplit::SpanRange;

    use super::super::random::Purpose;
    use super::*;

    const CLOCK: fn() -> Clock = || {
        Clock::draw(
            Default::default(),
            &mut Key::new(0, Purpose::Clock(0)).stream(),
        )
    };

    fn at(nanos: u64) -> Time {
        Time::from_nanos(nanos)
    }

    fn exactly(nanos: u64) -> SpanRange {
        SpanRange::exactly(Span::nanos(nanos))
    }

    #[test]
    fn an_alarm_that_is_put_off_rings_once_at_its_new_time() {
        let mut alarms = Alarms::new(Key::new(1, Purpose::Timer(0)));
        assert_eq!(
            alarms.arm('e', exactly(10), at(0), &CLOCK()),
            Some((0, at(10)))
        );
        assert_eq!(alarms.arm('e', exactly(10), at(5), &CLOCK()), None);
        assert_eq!(alarms.ring(0, at(10)), Ring::Later(at(15)));
        assert_eq!(alarms.ring(0, at(15)), Ring::Due('e'));
        assert_eq!(alarms.ring(0, at(15)), Ring::Nothing);
    }

    #[test]
    fn an_alarm_that_is_brought_forward_rings_once() {
        let mut alarms = Alarms::new(Key::new(1, Purpose::Timer(0)));
        alarms.arm('e', exactly(10), at(0), &CLOCK());
        assert_eq!(
            alarms.arm('e', exactly(2), at(1), &CLOCK()),
            Some((0, at(3)))
        );
        assert_eq!(alarms.ring(0, at(3)), Ring::Due('e'));
        assert_eq!(alarms.ring(0, at(10)), Ring::Nothing);
    }

    #[test]
    fn an_alarm_that_fell_due_in_a_pause_can_still_be_put_off() {
        let mut alarms = Alarms::new(Key::new(1, Purpose::Timer(0)));
        alarms.arm('e', exactly(10), at(0), &CLOCK());
        assert!(alarms.sleep(0, at(10)));
        alarms.wake(0, at(50));
        assert_eq!(alarms.arm('e', exactly(10), at(50), &CLOCK()), None);
        assert_eq!(alarms.ring(0, at(50)), Ring::Later(at(60)));
    }

    #[test]
    fn an_alarm_that_was_taken_back_does_not_ring() {
        let mut alarms = Alarms::new(Key::new(1, Purpose::Timer(0)));
        alarms.arm('e', exactly(10), at(0), &CLOCK());
        alarms.disarm('e');
        assert_eq!(alarms.ring(0, at(10)), Ring::Nothing);
    }
}
