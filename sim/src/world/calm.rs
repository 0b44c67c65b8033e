//! The end of the storm: what heals, and who has to go on without the rest.

use netsplit::{Mode, NodeId};
use tracing::info;

use super::fault::Down;
use super::random::{Draw, Key, Purpose};
use super::{Event, World};

/// What the calm heals.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Calm {
    /// Everything.
    #[default]
    All,
    /// One random sufficient core, and all clients; the rest stays broken for good.
    Core,
}

impl<M: Mode> World<'_, M> {
    /// The storm is over.
    #[cold]
    pub(super) fn calm(&mut self) {
        self.gauges();
        let sound = self.sound();
        let names: Vec<String> = (0..self.servers)
            .filter(|slot| sound[*slot])
            .map(|slot| self.ids[slot].to_string())
            .collect();
        match self.scenario.calm {
            Calm::All => info!(target: "world", at = %self.now, "the storm is over"),
            Calm::Core => {
                let text = format!(
                    "the storm is over for {}, and the rest stays broken",
                    names.join(" ")
                );
                info!(target: "world", at = %self.now, "{text}");
                self.storm.log.push((self.now, text));
            }
        }
        self.storm.over = true;
        for slot in (0..self.hosts.len()).filter(|slot| !sound[*slot]) {
            self.hosts[slot].broken = true;
        }
        self.break_for_good(&sound);
        self.heal(&sound);
        self.log_calm(&sound);
        self.workload.calm();
        // What was asked in the storm is no part of the calm: it ends as it ends.
        self.deadline = self.now + self.scenario.calm_budget();
        self.events.push(self.now, Event::Settle);
        self.events.push(self.deadline, Event::Settle);
    }

    /// Who has to be well again, by slot: all, or the clients and servers drawn one by one until they suffice.
    fn sound(&self) -> Vec<bool> {
        if self.scenario.calm == Calm::All {
            return vec![true; self.hosts.len()];
        }
        let mut sound = vec![true; self.hosts.len()];
        sound[..self.servers].fill(false);
        // Who lost its disk counts only where a mode lets so many lose theirs that the others do not suffice.
        let candidates = (0..self.servers).filter(|slot| !self.hosts[*slot].lost);
        let (spoiled, whole) = candidates.partition(|slot| self.hosts[*slot].spoiled);
        let mut draws = Key::new(self.seed, Purpose::Core).stream();
        let [whole, spoiled] = [whole, spoiled].map(|slots| draws.shuffled(slots));
        let mut core: Vec<NodeId> = Vec::new();
        for slot in whole.into_iter().chain(spoiled) {
            if M::suffices(&self.scenario.config, &core) {
                break;
            }
            core.push(self.ids[slot]);
            sound[slot] = true;
        }
        sound
    }

    /// Who is not of the core is of no use any more, nor in the way: unless it is down or stands still already, it goes
    /// down, stands still or is cut off now. Half broken it could lead for ever and reach only some of the core, and no
    /// mode promises to go on under that.
    fn break_for_good(&mut self, sound: &[bool]) {
        let draws = Key::new(self.seed, Purpose::Core);
        for slot in (0..self.servers).filter(|slot| !sound[*slot]) {
            let host = &self.hosts[slot];
            if host.process.is_some() && host.pauses == 0 {
                self.break_one(slot, draws.draw(u64::MAX - slot as u64));
            }
        }
    }

    fn break_one(&mut self, slot: usize, draw: Draw) {
        let id = self.ids[slot];
        match draw.below(3) {
            0 => {
                info!(target: "world", at = %self.now, node = %id, "goes down for good");
                self.crash(slot, true);
            }
            1 => {
                info!(target: "world", at = %self.now, node = %id, "stands still for good");
                self.hosts[slot].pauses += 1;
            }
            _ => {
                info!(target: "world", at = %self.now, node = %id, "is cut off for good");
                for other in (0..self.hosts.len()).filter(|other| *other != slot) {
                    self.network.cut(slot, other);
                    self.network.cut(other, slot);
                }
            }
        }
    }

    /// Ends every fault, as far as it is at or between those who have to be well again.
    fn heal(&mut self, sound: &[bool]) {
        self.hosts.iter_mut().for_each(|host| host.traps.clear());
        for fault in 0..self.storm.faults.len() {
            let what = self.storm.faults[fault].what.clone();
            for part in 0..self.storm.faults[fault].parts.len() {
                let this = &mut self.storm.faults[fault].parts[part];
                if !std::mem::take(&mut this.on) || what.is_between() {
                    continue;
                }
                let mut groups = this.groups.clone();
                groups
                    .iter_mut()
                    .for_each(|group| group.retain(|slot| sound[*slot]));
                match what.down() {
                    None => self.apply(&what, (fault, part), &groups, false),
                    Some(Down::Quit) => groups[0].iter().for_each(|slot| self.out_of_time(*slot)),
                    // It is started below, when all else is well.
                    Some(_) => {}
                }
            }
        }
        self.network.spare(sound.to_vec(), self.now);
        self.free_streams(sound);
        self.unjam();
        for slot in (0..self.hosts.len()).filter(|slot| sound[*slot]) {
            self.hosts[slot].downs = 0;
            self.revive(slot);
        }
    }
}
