//! What a processor's work costs, and what comes in while it is busy or stands still.
//!
//! A host with costs does one thing at a time. Taking a message in, and sending one, keeps it busy for as long as the
//! message costs; what comes in meanwhile waits in order, and what is sent leaves when that much work is done.

use netsplit::{Mode, Size, Span, Time};

use super::host::Waiting;
use super::random::{Key, Purpose};
use super::{Event, World};

/// What messages cost a processor, as a scenario sets it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CpuSetup {
    /// For each message that is sent or taken in.
    pub message: Span,
    /// For each 1024 bytes of it on top of that.
    pub kib: Span,
}

impl CpuSetup {
    /// Whether work takes any time.
    pub fn counts(&self) -> bool {
        *self != CpuSetup::default()
    }

    /// How long a message of so many bytes takes.
    pub fn takes(&self, bytes: usize) -> Span {
        self.message + self.kib * bytes as u64 / 1024
    }
}

impl<M: Mode> World<'_, M> {
    /// Whether a host is doing something else, or others are before whoever asks.
    #[inline]
    pub(super) fn is_busy(&self, slot: usize) -> bool {
        let cpu = &self.hosts[slot].cpu;
        self.counts && (cpu.busy > self.now || !cpu.inbox.is_empty())
    }

    /// Keeps a host busy with a message; until when.
    #[inline]
    pub(super) fn works(&mut self, slot: usize, message: &M::Message) -> Time {
        if !self.counts {
            return self.now;
        }
        let host = &mut self.hosts[slot];
        let work = self.scenario.cpu.takes(message.size()) * host.slow_cpu.most();
        host.cpu.busy = host.cpu.busy.max(self.now) + work;
        host.cpu.busy
    }

    /// Lets something wait until a busy host is free.
    #[cold]
    pub(super) fn stand_in_line(&mut self, slot: usize, what: Waiting<M>) {
        let inbox = &mut self.hosts[slot].cpu.inbox;
        if what.is_news_of_a_failed_flush() {
            inbox.push_front(what);
        } else {
            inbox.push_back(what);
        }
        self.look_when_free(slot);
    }

    pub(super) fn look_when_free(&mut self, slot: usize) {
        let host = &mut self.hosts[slot];
        if host.cpu.inbox.is_empty() || host.cpu.looks.is_some() || host.pauses > 0 {
            return;
        }
        let at = host.cpu.busy.max(self.now);
        host.cpu.looks = Some(at);
        self.events.push(at, Event::Free { host: slot });
    }

    /// A host may be free for the next thing that waits.
    #[cold]
    pub(super) fn free(&mut self, slot: usize) {
        let host = &mut self.hosts[slot];
        if host.cpu.looks != Some(self.now) {
            return;
        }
        host.cpu.looks = None;
        if host.pauses > 0 {
            return;
        }
        if host.cpu.busy <= self.now
            && let Some(next) = host.cpu.inbox.pop_front()
        {
            match next {
                Waiting::Input(input) => self.take_in(slot, input),
                Waiting::Alarm(place) => {
                    host.alarms.wake(place, self.now);
                    self.ring_now(slot, place);
                }
            }
        }
        self.look_when_free(slot);
    }

    /// Holds a host, or lets it go on: then everything that came in meanwhile happens at once, in a drawn order.
    pub(super) fn pause(&mut self, slot: usize, begin: bool) {
        let host = &mut self.hosts[slot];
        if begin {
            host.pauses += 1;
            return;
        }
        host.pauses -= 1;
        if host.pauses > 0 {
            return;
        }
        if host.process.is_none() {
            self.revive(slot);
            return;
        }
        host.wakes += 1;
        let key = Key::new(self.seed ^ host.wakes << 32, Purpose::Wake(slot as u32));
        let mut came: Vec<Option<Waiting<M>>> = std::mem::take(&mut host.waiting)
            .into_iter()
            .map(Some)
            .collect();
        let order = key.stream().shuffled((0..came.len()).collect());
        // What came on streams keeps its order among itself.
        let stream = |place: &usize| came[*place].as_ref().and_then(Waiting::stream);
        let of_stream = |place: &usize| stream(place).is_some();
        let mut streamed: Vec<usize> = order.iter().copied().filter(of_stream).collect();
        streamed.sort_unstable();
        let mut streamed = streamed.into_iter();
        let order: Vec<usize> = order
            .into_iter()
            .map(|place| {
                if of_stream(&place) {
                    streamed.next().unwrap_or(place)
                } else {
                    place
                }
            })
            .collect();
        let waiting: Vec<Waiting<M>> = order
            .into_iter()
            .filter_map(|place| came[place].take())
            .collect();
        let (news, rest): (Vec<_>, Vec<_>) = waiting
            .into_iter()
            .partition(Waiting::is_news_of_a_failed_flush);
        host.waiting = news.into_iter().chain(rest).collect();
        // It may die of the first, or close the stream of the next.
        while let Some(what) = self.hosts[slot].waiting.pop_front() {
            match what {
                Waiting::Input(input) => self.input(slot, input),
                Waiting::Alarm(place) => {
                    let host = &mut self.hosts[slot];
                    host.alarms.wake(place, self.now);
                    let (life, host, place) = (host.life, slot as u32, place as u32);
                    self.events
                        .push(self.now, Event::Alarm { host, place, life });
                }
            }
        }
        self.look_when_free(slot);
    }
}
