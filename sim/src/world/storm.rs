//! The faults of a run: from plans to a schedule, striking, and healing.

use std::collections::BTreeSet;

use netsplit::{Mode, Process, Span, Time};
use tracing::info;

use super::fault::{Crowd, Plan, What};
use super::host::Waiting;
use super::network::Noise;
use super::random::{Key, Purpose, Stream};
use super::{Event, World};

/// How often a fault looks again for a target that is not there.
const LOOK_AGAIN: Span = Span::millis(5);

/// The schedule of a run, and what of it is under way.
pub(super) struct Storm {
    pub(super) faults: Vec<Fault>,
    /// What struck, when.
    pub(super) log: Vec<(Time, String)>,
    end: Time,
}

/// One fault of the schedule.
pub(super) struct Fault {
    /// Which of the scenario's plans it comes from.
    plan: usize,
    pub(super) at: Time,
    what: What,
    lasts: netsplit::SpanRange,
    draws: Stream,
    state: State,
}

/// How far a fault is.
#[derive(Clone, PartialEq, Eq)]
enum State {
    /// It has not found whom it is aimed at.
    Waiting,
    /// It has struck these groups.
    Active(Vec<Vec<usize>>),
    /// It is over.
    Over,
}

impl Storm {
    /// Expands plans into a schedule: a plan that repeats becomes several faults, each with its own draws.
    pub(super) fn new(seed: u64, plans: &[Plan], length: Span) -> Storm {
        let end = Time::ZERO + length;
        let mut faults = Vec::new();
        for (number, plan) in plans.iter().enumerate() {
            let key = |time: usize| Key::new(seed, Purpose::Fault((number << 16 | time) as u32));
            let mut at = Time::ZERO;
            for time in 0.. {
                let mut draws = key(time).stream();
                let wait = if time == 0 { Some(plan.at) } else { plan.every };
                let Some(wait) = wait else { break };
                at += draws.next_draw().within(wait);
                if at >= end {
                    break;
                }
                let (what, lasts) = (plan.what.clone(), plan.lasts);
                faults.push(Fault {
                    plan: number,
                    at,
                    what,
                    lasts,
                    draws,
                    state: State::Waiting,
                });
            }
        }
        Storm {
            faults,
            log: Vec::new(),
            end,
        }
    }

    /// The plans none of whose faults ever found a target. One that comes again and again may miss at the end.
    pub(super) fn unfound(&self) -> Vec<String> {
        let plans = self
            .faults
            .iter()
            .map(|fault| fault.plan)
            .collect::<BTreeSet<usize>>();
        let never = |plan: &usize| {
            let mut of = self.faults.iter().filter(|fault| fault.plan == *plan);
            of.all(|fault| fault.state == State::Waiting)
        };
        let number = |plan| format!("no fault of plan {} found whom it was aimed at", plan + 1);
        plans.into_iter().filter(never).map(number).collect()
    }

    /// All noise of active faults.
    fn noise(&self) -> Noise {
        let active = self
            .faults
            .iter()
            .filter(|fault| matches!(fault.state, State::Active(_)));
        active.fold(Noise::default(), |all, fault| match fault.what {
            What::Noise(noise) => all.and(noise),
            _ => all,
        })
    }
}

impl<M: Mode> World<'_, M> {
    /// A fault fires: its names are bound to hosts, or it waits until they can be.
    pub(super) fn strike(&mut self, fault: usize) {
        if self.now >= self.storm.end {
            return;
        }
        let servers: Vec<_> = self.hosts[..self.servers]
            .iter()
            .map(|host| (host.id, host.process.as_ref().and_then(Process::role)))
            .collect();
        let up: Vec<bool> = self.hosts[..self.servers]
            .iter()
            .map(|host| host.process.is_some())
            .collect();
        let crowd = Crowd {
            servers: &servers,
            clients: &self.ids[self.servers..],
            up: &up,
        };
        let this = &mut self.storm.faults[fault];
        let Some(groups) = this.what.bind(&crowd, &mut this.draws) else {
            self.events.push(self.now + LOOK_AGAIN, Event::Fault(fault));
            return;
        };
        this.state = State::Active(groups.clone());
        let (what, lasts) = (this.what.clone(), this.lasts);
        let text = self.describe(&what, &groups);
        info!(target: "world", at = %self.now, "FAULT {text}");
        self.storm.log.push((self.now, text));
        let this = &mut self.storm.faults[fault];
        let mut draw = || this.draws.next_draw().within(lasts);
        match what {
            What::Crash(_) | What::Power(_) => {
                let restarts: Vec<(usize, Span)> =
                    groups[0].iter().map(|slot| (*slot, draw())).collect();
                for (host, down) in restarts {
                    self.hosts[host].downs += 1;
                    self.crash(host);
                    self.mark(5 << 40, host as u32, fault as u32);
                    self.events
                        .push(self.now + down, Event::Restart { fault, host });
                }
            }
            what => {
                let end = self.now + draw();
                self.apply(&what, &groups, true);
                self.events
                    .push(end.min(self.storm.end), Event::Heal(fault));
            }
        }
    }

    /// Ends a fault, if it is under way.
    pub(super) fn heal(&mut self, fault: usize) {
        let this = &mut self.storm.faults[fault];
        let State::Active(groups) = &this.state else {
            return;
        };
        let groups = groups.clone();
        this.state = State::Over;
        let what = this.what.clone();
        if !matches!(what, What::Crash(_) | What::Power(_)) {
            info!(target: "world", at = %self.now, "HEAL {}", self.describe(&what, &groups));
            self.apply(&what, &groups, false);
        }
    }

    /// A fault in words, with the names of those it was bound to.
    fn describe(&self, what: &What, groups: &[Vec<usize>]) -> String {
        let named = |group: &Vec<usize>| {
            let names: Vec<String> = group
                .iter()
                .map(|slot| self.ids[*slot].to_string())
                .collect();
            names.join(" ")
        };
        what.describe(&groups.iter().map(named).collect::<Vec<_>>())
    }

    /// A crashed host has been down long enough for this fault.
    pub(super) fn restart(&mut self, fault: usize, slot: usize) {
        let host = &mut self.hosts[slot];
        if host.downs == 0 {
            return;
        }
        host.downs -= 1;
        if host.downs == 0 && host.process.is_none() {
            self.mark(6 << 40, slot as u32, fault as u32);
            self.boot(slot);
        }
    }

    /// Starts or ends what a fault does for as long as it lasts.
    fn apply(&mut self, what: &What, groups: &[Vec<usize>], begin: bool) {
        match what {
            What::Partition(_) | What::Shape(_) => {
                for (one, other) in what.apart(groups) {
                    self.cut(&[one], &[other], begin);
                    self.cut(&[other], &[one], begin);
                }
            }
            What::Cut { .. } => self.cut(&groups[0], &groups[1], begin),
            What::Pause(_) => groups[0].iter().for_each(|slot| self.pause(*slot, begin)),
            What::SlowDisk { factor, .. } => {
                for slot in &groups[0] {
                    let host = &mut self.hosts[*slot];
                    if begin {
                        host.slowed.push(*factor);
                    } else if let Some(place) = host.slowed.iter().position(|other| other == factor)
                    {
                        host.slowed.swap_remove(place);
                        // What was begun slowly goes on at the new pace: a fault that is over is over.
                        if host.disk.is_flushing() {
                            self.time_flush(*slot);
                        }
                    }
                }
            }
            What::Noise(_) => self.network.set_noise(self.storm.noise()),
            What::Drop { kind, .. } => self.network.drop_kind(*kind, begin),
            What::Crash(_) | What::Power(_) => {}
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

    /// Holds a host, or lets it go on: then everything that came in meanwhile happens at once, in a drawn order.
    fn pause(&mut self, slot: usize, begin: bool) {
        let host = &mut self.hosts[slot];
        if begin {
            host.pauses += 1;
            return;
        }
        host.pauses -= 1;
        if host.pauses > 0 || host.process.is_none() {
            return;
        }
        let mut waiting = std::mem::take(&mut host.waiting);
        host.wakes += 1;
        let mut draws = Key::new(self.seed ^ host.wakes << 32, Purpose::Wake(slot as u32)).stream();
        let life = host.life;
        while !waiting.is_empty() && self.hosts[slot].life == life {
            let next = draws.next_draw().below(waiting.len() as u64) as usize;
            match waiting.swap_remove(next) {
                Waiting::Input(input) => self.input(slot, input),
                Waiting::Alarm(place) => {
                    self.hosts[slot].alarms.wake(place, self.now);
                    let (host, place) = (slot as u32, place as u32);
                    self.events
                        .push(self.now, Event::Alarm { host, place, life });
                }
            }
        }
    }
}
