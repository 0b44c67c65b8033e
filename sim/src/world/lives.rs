//! The lives of a process: it boots, takes steps, and dies.

use netsplit::{Input, Mode};
use tracing::debug;

use super::World;
use super::participant::Participant;

impl<M: Mode> World<'_, M> {
    /// A process takes one input.
    #[inline]
    pub(super) fn step(&mut self, slot: usize, input: Input<M>) {
        let host = &mut self.hosts[slot];
        let Some(process) = &mut host.process else {
            return;
        };
        let now = host.clock.read(self.now);
        self.stepping = Some(host.id);
        *self.out.last_ticket() = host.ticket;
        *self.out.opener() = host.opener;
        process.step(&mut host.mistake, now, input, &mut self.out);
        self.carry_out(slot);
    }

    /// A process starts with what its disk holds.
    pub(super) fn boot(&mut self, slot: usize) {
        let host = &mut self.hosts[slot];
        let mut disk = host.disk.read();
        if let Some(mistake) = &mut host.mistake {
            mistake.boot(&mut disk);
        }
        debug!(target: "world", at = %self.now, node = %host.id, "starts, life {}, {} records", host.life.0, disk.len());
        self.stepping = Some(host.id);
        *self.out.last_ticket() = host.ticket;
        *self.out.opener() = host.opener;
        host.dead = false;
        if host.life.0 > 0 && host.id.is_client() {
            self.log.regain_client(host.id, self.now);
        } else if host.life.0 > 0 {
            self.log.rise(host.id, self.now);
        }
        let now = host.clock.read(self.now);
        let (config, out) = (&self.scenario.config, &mut self.out);
        let process = Participant::boot(config, host.id, host.life, now, &disk, out);
        host.process = Some(process);
        host.spoiled = false;
        self.booting = true;
        self.carry_out(slot);
    }

    /// A process dies, and with it its machine if nobody is told.
    pub(super) fn crash(&mut self, slot: usize, silent: bool) {
        if silent {
            self.bury_streams(slot);
        }
        let host = &mut self.hosts[slot];
        if host.process.is_none() {
            return;
        }
        debug!(target: "world", at = %self.now, node = %host.id, "goes down, {} writes not flushed", host.disk.unflushed());
        host.forget();
        host.flushes += 1;
        host.disk.crash(self.disks[slot].draw(host.flushes));
        host.life.0 += 1;
        host.dead = silent;
        if host.id.is_client() {
            self.log.lose_client(host.id, self.now);
        } else {
            self.log.die(host.id, self.now);
        }
        let draw = self.disks[slot].draw(host.flushes);
        self.lose_streams(slot, silent, draw);
        if let Some(client) = slot.checked_sub(self.servers) {
            self.abandon(client);
        }
    }
}
