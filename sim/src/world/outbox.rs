//! What becomes of the outbox that a step leaves behind: effects carried out in order, messages put on their links,
//! flushes begun.

use netsplit::{DiskError, Effect, Input, Invariants, Kinds, Mode, NodeId, Size, Time};
use tracing::{debug, info, trace};

use super::fault::Point;
use super::host::Outward;
use super::network::Fate;
use super::roster::View;
use super::{Event, SUPERVISOR, World};

impl<M: Mode> World<'_, M> {
    /// Carries out what a step left in the outbox, in order, and lets the invariants look.
    #[inline]
    pub(super) fn carry_out(&mut self, slot: usize) {
        self.hosts[slot].ticket = *self.out.last_ticket();
        self.hosts[slot].last_stream = *self.out.last_stream();
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
        if !self.judged {
            return;
        }
        let view = View {
            hosts: &self.hosts,
            ids: &self.ids,
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
                if pass || !host.holds() {
                    self.send(slot, to, message);
                } else {
                    host.hold(Outward::Send(to, message));
                }
            }
            Effect::Open(stream, to) if !host.holds() => self.open_stream(slot, stream, to),
            Effect::Open(stream, to) => host.hold(Outward::Open(stream, to)),
            Effect::Push {
                stream,
                message,
                pass,
            } => {
                if pass || !host.holds() {
                    self.push(slot, stream, message);
                } else {
                    host.hold(Outward::Push(stream, message));
                }
            }
            Effect::Close(stream) if !host.holds() => self.close_stream(slot, stream),
            Effect::Close(stream) => {
                host.stop_hearing(stream);
                host.hold(Outward::Close(stream));
            }
            Effect::Resolve => self.resolve(slot),
            Effect::Respond(op, outcome) => {
                if host.holds() {
                    host.hold(Outward::Respond(op, outcome));
                } else {
                    self.respond(slot, op, outcome);
                }
            }
            Effect::Write(record) => {
                host.troubles.refuses().map_or(Ok(()), Err)?;
                trace!(target: "world", at = %self.now, node = %host.id, "writes {record}");
                host.disk.write(record);
                if self.is_trapped(slot) {
                    self.springs(slot, |point| point == Point::Written);
                }
            }
            Effect::Rewrite(records) => {
                host.troubles.refuses().map_or(Ok(()), Err)?;
                host.disk.rewrite(records);
                if self.is_trapped(slot) {
                    self.springs(slot, |point| point == Point::Written);
                }
            }
            Effect::Flush(ticket) => host.disk.flush(ticket),
            Effect::Arm(timer, within) => {
                if let Some((place, due)) = host.alarms.arm(timer, within, self.now, &host.clock) {
                    let (place, life) = (place as u32, host.life);
                    self.events.push(
                        due,
                        Event::Alarm {
                            host: slot as u32,
                            place,
                            life,
                        },
                    );
                }
            }
            Effect::Disarm(timer) => host.alarms.disarm(timer),
            Effect::Note(note) => {
                self.notes[note.kind()] += 1;
                debug!(target: "note", at = %self.now, node = %host.id, "{note}");
            }
            Effect::Stop(reason) => {
                info!(target: "world", at = %self.now, node = %host.id, "stops: {reason}");
                host.lost |= self.booting;
                // Whoever is held down and still up was asked to quit.
                if host.downs > 0 && !host.id.is_client() {
                    self.log.part(host.id, self.now);
                }
                self.events
                    .push(self.now + SUPERVISOR, Event::Revive { host: slot });
                self.crash(slot, false);
            }
        }
        Ok(())
    }

    #[inline]
    pub(super) fn send(&mut self, slot: usize, to: NodeId, message: M::Message) {
        let kind = message.kind();
        let here = |point: Point| matches!(point, Point::Sends { kind: on, .. } if on == kind);
        if self.is_trapped(slot) && self.springs(slot, here) {
            return;
        }
        self.messages[kind] += 1;
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
