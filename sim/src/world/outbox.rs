//! What becomes of the outbox that a step leaves behind: effects carried out in order, messages put on their links,
//! flushes begun.

use netsplit::{DiskError, Effect, Input, Invariants, Kinds, Mode, NodeId, Size, Ticket, Time};
use tracing::{debug, info, trace};

use super::fault::Point;
use super::host::Outward;
use super::network::Fate;
use super::roster::View;
use super::{Event, SUPERVISOR, World, count};

impl<M: Mode> World<'_, M> {
    /// Carries out what a step left in the outbox, in order, and lets the invariants look.
    #[inline]
    pub(super) fn carry_out(&mut self, slot: usize) {
        self.hosts[slot].ticket = *self.out.last_ticket();
        self.hosts[slot].opener = *self.out.opener();
        let mut out = std::mem::take(&mut self.out);
        let mut failed = None;
        for effect in out.drain() {
            if self.hosts[slot].process.is_none() || failed.is_some() {
                break;
            }
            failed = self.effect(slot, effect).err();
        }
        self.out = out;
        self.start_flush(slot);
        self.stepping = None;
        self.booting = false;
        if let Some(error) = failed
            && !std::mem::replace(&mut self.failing, true)
        {
            self.step(slot, Input::Failed(error));
            self.failing = false;
            return;
        }
        if !self.judged || slot >= self.servers {
            return;
        }
        let view = View {
            hosts: &self.hosts,
            ids: &self.ids,
            servers: self.servers,
            roster: &self.roster,
        };
        self.invariants
            .after_step(&view, self.ids[slot], &mut self.found);
        if !self.found.is_empty() {
            self.convict();
        }
    }

    /// Carries out one effect.
    ///
    /// # Errors
    /// If the disk refuses a write.
    #[inline]
    pub(super) fn effect(&mut self, slot: usize, effect: Effect<M>) -> Result<(), DiskError> {
        let host = &mut self.hosts[slot];
        match effect {
            Effect::Send { to, message, pass } => {
                self.show(slot, Outward::Send(to, message), pass);
            }
            Effect::Open(stream) => self.show(slot, Outward::Open(stream), false),
            Effect::Push {
                stream,
                message,
                pass,
            } => self.show(slot, Outward::Push(stream, message), pass),
            Effect::Close(stream) => self.show(slot, Outward::Close(stream), false),
            Effect::Respond(op, outcome) => self.show(slot, Outward::Respond(op, outcome), false),
            Effect::Resolve => self.resolve(slot),
            Effect::Write(record) => {
                host.troubles.refuses().map_or(Ok(()), Err)?;
                trace!(target: "world", at = %self.now, node = %host.id, "writes {record}");
                host.disk.write(record);
                self.has_written(slot);
            }
            Effect::Rewrite(records) => {
                host.troubles.refuses().map_or(Ok(()), Err)?;
                trace!(target: "world", at = %self.now, node = %host.id, "writes {} records in place of all", records.len());
                host.disk.rewrite(records);
                self.has_written(slot);
            }
            Effect::Flush(ticket) => host.disk.flush(ticket),
            Effect::Arm(timer, within) => {
                if let Some((place, due)) = host.alarms.arm(timer, within, self.now, &host.clock) {
                    let (host, place, life) = (slot as u32, place as u32, host.life);
                    self.events.push(due, Event::Alarm { host, place, life });
                }
            }
            Effect::Disarm(timer) => host.alarms.disarm(timer),
            Effect::Note(note) => {
                count(&mut self.notes, &note);
                debug!(target: "note", at = %self.now, node = %host.id, "{note}");
                self.mark(12 << 40, slot as u32, note.kind() as u32);
            }
            Effect::Stop(reason) => self.stop(slot, reason),
        }
        Ok(())
    }

    /// Lets the others see something, now or when the flushes asked for before it are done.
    #[inline]
    fn show(&mut self, slot: usize, effect: Outward<M>, pass: bool) {
        let host = &mut self.hosts[slot];
        if pass || !host.holds() {
            return self.let_out(slot, effect);
        }
        if let Outward::Close(stream) = effect {
            host.stop_hearing(stream);
        }
        host.hold(effect);
    }

    #[inline]
    fn let_out(&mut self, slot: usize, effect: Outward<M>) {
        match effect {
            Outward::Send(to, message) => self.send(slot, to, message),
            Outward::Open(stream) => self.open_stream(slot, stream),
            Outward::Push(stream, message) => self.push(slot, stream, message),
            Outward::Close(stream) => self.close_stream(slot, stream),
            Outward::Respond(op, outcome) => self.respond(slot, op, outcome),
        }
    }

    /// Lets leave what waited for a flush that is done.
    pub(super) fn release(&mut self, slot: usize, done: Ticket) {
        let is_done = |held: &mut (Ticket, Outward<M>)| held.0 <= done;
        while let Some((_, effect)) = self.hosts[slot].held.pop_front_if(is_done) {
            self.let_out(slot, effect);
        }
    }

    fn has_written(&mut self, slot: usize) {
        if self.is_trapped(slot) {
            self.springs(slot, |point| point == Point::Written);
        }
    }

    fn stop(&mut self, slot: usize, reason: &str) {
        let host = &mut self.hosts[slot];
        info!(target: "world", at = %self.now, node = %host.id, "stops: {reason}");
        host.lost |= self.booting;
        // Whoever is held down and still up was asked to quit.
        if host.downs > 0 && !host.id.is_client() {
            self.log.part(host.id, self.now);
        }
        let revival = self.now + SUPERVISOR;
        self.events.push(revival, Event::Revive { host: slot });
        self.crash(slot, false);
    }

    #[inline]
    pub(super) fn send(&mut self, slot: usize, to: NodeId, message: M::Message) {
        let kind = message.kind();
        let here = |point: Point| matches!(point, Point::Sends { kind: on, .. } if on == kind);
        if self.is_trapped(slot) && self.springs(slot, here) {
            return;
        }
        count(&mut self.messages, &message);
        let leaves = self.works(slot, &message);
        self.launch(leaves, slot, self.roster.slot(to), message);
    }

    /// Puts a message on its link.
    #[inline]
    pub(super) fn launch(
        &mut self,
        leaves: Time,
        slot: usize,
        receiver: usize,
        message: M::Message,
    ) {
        let (kind, id, to) = (message.kind(), self.ids[slot], self.ids[receiver]);
        let (from, to_slot) = (slot as u32, receiver as u32);
        match self
            .network
            .send(leaves, slot, receiver, kind, || message.size() as u64)
        {
            Fate::Arrives(at, again) => {
                trace!(target: "world", at = %self.now, node = %id, "-> {to}: {message}");
                if let Some(again) = again {
                    trace!(target: "world", at = %self.now, node = %id, "-> {to}, doubled: {message}");
                    let message = message.clone();
                    self.events.push(
                        again,
                        Event::Deliver {
                            from,
                            to: to_slot,
                            message,
                        },
                    );
                }
                self.events.push(
                    at,
                    Event::Deliver {
                        from,
                        to: to_slot,
                        message,
                    },
                );
            }
            Fate::Garbled(at) => {
                trace!(target: "world", at = %self.now, node = %id, "-> {to}: {message}");
                self.events.push(at, Event::Garbled { from, to: to_slot });
            }
            Fate::Jammed => {
                trace!(target: "world", at = %self.now, node = %id, "-> {to}, jammed: {message}");
                self.jam(slot, receiver, message);
            }
            Fate::Overflow => {
                debug!(target: "world", at = %self.now, node = %id, "-> {to}, no room in the queue: {message}");
            }
            Fate::Cut => {
                debug!(target: "world", at = %self.now, node = %id, "cut off from {to}: {message}")
            }
            Fate::Lost => {
                debug!(target: "world", at = %self.now, node = %id, "-> {to}, lost: {message}")
            }
        }
    }

    pub(super) fn start_flush(&mut self, slot: usize) {
        if self.hosts[slot].disk.start() {
            self.time_flush(slot);
        }
    }

    /// Says when the flush that runs will be done, as slow as the disk is now. An earlier word on it is void.
    pub(super) fn time_flush(&mut self, slot: usize) {
        let host = &mut self.hosts[slot];
        host.flushes += 1;
        if host.troubles.stalls > 0 {
            return;
        }
        let draw = self.disks[slot].draw(host.flushes);
        let takes = self
            .scenario
            .disk
            .flush_takes(draw, host.disk.flushing_bytes());
        let done = self.now + takes * host.troubles.slow.most();
        let (host, flush) = (slot as u32, host.flushes);
        self.events.push(done, Event::Flushed { host, flush });
    }
}
