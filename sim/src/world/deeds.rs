//! What faults do to the world, and undo.

use netsplit::{Input, Mode};
use tracing::info;

use super::World;
use super::fault::{Down, Skew, Trouble, What};
use super::network::{Act, Rule};
use super::streams::Stall;

impl<M: Mode> World<'_, M> {
    /// Starts or ends what a fault does.
    pub(super) fn apply(
        &mut self,
        what: &What,
        part: (usize, usize),
        groups: &[Vec<usize>],
        begin: bool,
    ) {
        self.log_part(what, groups, begin);
        let on = groups.first().map_or(&[][..], |group| &group[..]);
        match what {
            What::Partition(_) | What::Shape(_) => {
                for (one, other) in what.apart(groups) {
                    self.cut(&[one], &[other], begin);
                    self.cut(&[other], &[one], begin);
                }
            }
            What::Cut { .. } => self.cut(&groups[0], &groups[1], begin),
            What::Links { .. } => self.govern(part, what.rule(groups), begin),
            What::Swizzle(_) => {
                let slots = || Some(on.to_vec());
                let clog = |from, to| Rule {
                    from,
                    to,
                    kind: None,
                    act: Act::Jam,
                };
                self.govern(part, [clog(slots(), None), clog(None, slots())], begin);
            }
            What::Down { .. } | What::Rolling { .. } | What::Trap { .. } => {
                let how = what.down().unwrap_or(Down::Crash);
                on.iter()
                    .for_each(|slot| self.down_or_back(*slot, how, begin));
            }
            What::Pause(_) => on.iter().for_each(|slot| self.pause(*slot, begin)),
            What::SlowCpu { factor, .. } => {
                on.iter()
                    .for_each(|slot| self.hosts[*slot].slow_cpu.turn(*factor, begin));
            }
            What::Disk { trouble, .. } => on
                .iter()
                .for_each(|slot| self.trouble(*slot, *trouble, begin)),
            What::Clock { skew, .. } => {
                self.log_clocks();
                for slot in on {
                    let clock = &mut self.hosts[*slot].clock;
                    match skew {
                        Skew::Freeze => clock.freeze(self.now, begin),
                        Skew::Step(nanos) => clock.step(if begin { *nanos } else { -nanos }),
                    }
                }
                self.log_clocks();
            }
            What::Reset { .. } => {
                let draw = self.storm.faults[part.0].draws.next_draw();
                self.reset_streams(&groups[0], &groups[1], draw);
            }
            What::Stall { ways, .. } => {
                let stall = begin.then(|| Stall {
                    from: groups[0].clone(),
                    to: groups[1].clone(),
                    ways: *ways,
                });
                self.stall_streams(part, stall);
            }
            What::Unlist(_) => self.names.unlist(on, begin),
            What::Resolver { answer, .. } if begin => self.names.begin(part, on, *answer),
            What::Resolver { .. } => self.names.end(part, on),
            What::Lose { queue, share, .. } => {
                for slot in on {
                    let lost = self.hosts[*slot].lose(queue, *share);
                    info!(target: "world", at = %self.now, node = %self.ids[*slot], "loses {lost} of `{queue}`");
                }
            }
        }
    }

    /// Puts rules on links, or takes them off again.
    fn govern(&mut self, part: (usize, usize), rules: impl IntoIterator<Item = Rule>, begin: bool) {
        if begin {
            rules
                .into_iter()
                .for_each(|rule| self.network.begin(part, rule));
        } else {
            self.network.end(part, self.now);
            self.unjam();
        }
    }

    fn cut(&mut self, from: &[usize], to: &[usize], begin: bool) {
        for (from, to) in from
            .iter()
            .flat_map(|from| to.iter().map(move |to| (*from, *to)))
        {
            if begin {
                self.network.cut(from, to);
            } else {
                self.network.heal(from, to);
            }
        }
    }

    /// A host goes down for a fault, or has been down long enough for it.
    fn down_or_back(&mut self, slot: usize, how: Down, goes: bool) {
        if !goes {
            if how == Down::Quit {
                self.out_of_time(slot);
            }
            self.hosts[slot].downs -= 1;
            self.revive(slot);
            return;
        }
        self.hosts[slot].downs += 1;
        if how == Down::Quit {
            if self.hosts[slot].process.is_some() {
                self.input(slot, Input::Quit);
            }
            return;
        }
        let silent = matches!(how, Down::HostDeath | Down::Power);
        self.crash(slot, silent);
        let host = &mut self.hosts[slot];
        host.dead |= silent;
        match how {
            Down::Crash | Down::Quit => {}
            Down::HostDeath | Down::Power => self.jammed.retain(|(from, _), _| *from != slot),
            Down::Wipe => {
                host.disk.wipe();
                (host.spoiled, host.robbed) = (true, true);
            }
            Down::Rot => {
                host.flushes += 1;
                let draw = self.disks[slot].draw(host.flushes);
                let rots = host.disk.rot(draw);
                host.spoiled |= rots;
                host.robbed |= rots;
            }
        }
    }

    /// Who was asked to stop and has not is killed. It has been up all the time: nobody starts what is to be down.
    pub(super) fn out_of_time(&mut self, slot: usize) {
        if self.hosts[slot].process.is_some() {
            info!(target: "world", at = %self.now, node = %self.ids[slot], "has not stopped in time");
            self.crash(slot, false);
        }
    }

    /// Starts a host that is down and that nothing keeps down, or still.
    #[cold]
    pub(super) fn revive(&mut self, slot: usize) {
        let host = &self.hosts[slot];
        let kept = host.downs > 0 || host.pauses > 0 || host.lost || host.broken;
        if host.process.is_none() && !kept {
            self.mark(6 << 40, slot as u32, host.life.0);
            self.boot(slot);
        }
    }

    fn trouble(&mut self, slot: usize, trouble: Trouble, begin: bool) {
        let host = &mut self.hosts[slot];
        let troubles = &mut host.troubles;
        let count = |count: &mut u16| *count = if begin { *count + 1 } else { *count - 1 };
        match trouble {
            Trouble::Slow(factor) => troubles.slow.turn(factor, begin),
            Trouble::Stalls => count(&mut troubles.stalls),
            Trouble::FailsWrites => count(&mut troubles.fails_writes),
            Trouble::Full => count(&mut troubles.full),
            Trouble::FailsFlushes => count(&mut troubles.fails_flushes),
            Trouble::Lies => count(&mut troubles.lies),
        }
        // A flush that was begun under other conditions goes on under these: a fault that is over is over.
        let times =
            matches!(trouble, Trouble::Stalls) || matches!(trouble, Trouble::Slow(_)) && !begin;
        if times && host.disk.is_flushing() {
            self.time_flush(slot);
        }
    }
}
