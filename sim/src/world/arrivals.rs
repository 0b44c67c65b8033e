//! How an event becomes the input of a process: at once, or when its host is neither paused nor busy any more.

use netsplit::{DiskError, Input, Kinds, Life, Mode, Size};
use tracing::{debug, trace};

use super::fault::Point;
use super::host::{Ring, Waiting};
use super::{Event, World};

impl<M: Mode> World<'_, M> {
    #[inline]
    pub(super) fn deliver(&mut self, from: u32, to: u32, message: M::Message) {
        self.mark(
            (message.size() as u64) << 8 | message.kind() as u64,
            from,
            to,
        );
        let (sender, slot) = (self.ids[from as usize], to as usize);
        let host = &mut self.hosts[slot];
        if self.network.is_cut(from as usize, slot) {
            debug!(target: "world", at = %self.now, node = %host.id, "cut off from {sender}: {message}");
            return;
        }
        if host.process.is_none() {
            trace!(target: "world", at = %self.now, node = %host.id, "down, never hears {sender}: {message}");
            return;
        }
        trace!(target: "world", at = %self.now, node = %host.id, "<- {sender}: {message}");
        self.delivered += 1;
        self.input(slot, Input::Delivered(sender, message));
    }

    /// A message arrives damaged: its receiver's checksum tells, and nobody hears of it.
    #[cold]
    pub(super) fn garbled(&mut self, from: usize, to: usize) {
        self.mark(7 << 40, from as u32, to as u32);
        let (sender, host) = (self.ids[from], &self.hosts[to]);
        if host.process.is_none() {
            return;
        }
        debug!(target: "world", at = %self.now, node = %host.id, "throws away a damaged message from {sender}");
    }

    pub(super) fn ring(&mut self, host: u32, place: u32, life: Life) {
        let (slot, place) = (host as usize, place as usize);
        let busy = self.is_busy(slot);
        let host = &mut self.hosts[slot];
        if host.life != life || host.process.is_none() {
            return;
        }
        if host.pauses == 0 && !busy {
            self.ring_now(slot, place);
        } else if host.alarms.sleep(place, self.now) {
            if host.pauses > 0 {
                host.waiting.push_back(Waiting::Alarm(place));
            } else {
                self.stand_in_line(slot, Waiting::Alarm(place));
            }
        }
    }

    pub(super) fn ring_now(&mut self, slot: usize, place: usize) {
        let host = &mut self.hosts[slot];
        match host.alarms.ring(place, self.now) {
            Ring::Nothing => {}
            Ring::Later(due) => {
                let (host, place, life) = (slot as u32, place as u32, host.life);
                self.events.push(due, Event::Alarm { host, place, life });
            }
            Ring::Due(timer) => {
                trace!(target: "world", at = %self.now, node = %host.id, "fires {timer:?}");
                self.mark(1 << 40, slot as u32, place as u32);
                self.step(slot, Input::Fired(timer));
            }
        }
    }

    pub(super) fn flushed(&mut self, slot: usize, flush: u64) {
        let host = &mut self.hosts[slot];
        if host.flushes != flush {
            return;
        }
        let draw = self.disks[slot].draw(flush);
        if host.troubles.fails_flushes > 0 {
            let done = host.disk.done();
            let ticket = host.disk.fail(draw);
            debug!(target: "world", at = %self.now, node = %host.id, "a flush fails");
            host.drop_held(done, ticket);
            self.mark(8 << 40, slot as u32, ticket.0 as u32);
            self.start_flush(slot);
            self.input(slot, Input::Failed(DiskError::Flush(ticket)));
            return;
        }
        let lies = host.troubles.lies > 0;
        let ticket = if lies {
            host.disk.lie()
        } else {
            host.disk.finish()
        };
        trace!(target: "world", at = %self.now, node = %host.id, "flushed, {} writes wait", host.disk.unflushed());
        self.mark(2 << 40, slot as u32, ticket.0 as u32);
        self.start_flush(slot);
        self.input(slot, Input::Flushed(ticket));
    }

    /// Hands an input to a process, or keeps it while the host is paused or busy.
    #[inline]
    pub(super) fn input(&mut self, slot: usize, input: Input<M>) {
        if self.hosts[slot].pauses > 0 {
            self.hosts[slot].waiting.push_back(Waiting::Input(input));
        } else if self.is_busy(slot) {
            self.stand_in_line(slot, Waiting::Input(input));
        } else {
            self.take_in(slot, input);
        }
    }

    /// Hands an input to a process that is there for it.
    #[inline]
    pub(super) fn take_in(&mut self, slot: usize, input: Input<M>) {
        match &input {
            Input::Flushed(ticket) => {
                if self.is_trapped(slot) && self.springs(slot, |point| point == Point::Flushed) {
                    return;
                }
                self.release(slot, *ticket);
            }
            Input::Delivered(_, message) => {
                self.works(slot, message);
            }
            Input::Arrived(stream, message) => {
                self.works(slot, message);
                self.give_credit(slot, *stream, message.size() as u32);
            }
            Input::Opened { .. } | Input::Credit(..) | Input::Closed(..) => {}
            Input::Fired(_) | Input::Requested(..) | Input::Failed(_) => {}
            Input::Quit => {
                debug!(target: "world", at = %self.now, node = %self.ids[slot], "is asked to stop");
                self.mark(10 << 40, slot as u32, 0);
            }
            Input::Resolved(servers) => self.resolved(slot, servers),
        }
        self.step(slot, input);
    }

    #[inline]
    pub(super) fn is_trapped(&self, slot: usize) -> bool {
        !self.hosts[slot].traps.is_empty()
    }
}
