//! The faults of a run: from plans to a schedule, striking, and ending.

use std::collections::{BTreeMap, BTreeSet};

use netsplit::{Mode, Span, SpanRange, Time};
use tracing::info;

use super::fault::{Down, Plan, Point, What};
use super::host::{Host, Trap};
use super::participant::Participant;
use super::random::{Key, Purpose, Stream};
use super::target::Crowd;
use super::{Event, World};

/// How often a fault looks again for a target that is not there.
const LOOK_AGAIN: Span = Span::millis(5);

/// The schedule of a run, and what of it is under way.
pub(super) struct Storm {
    pub(super) faults: Vec<Fault>,
    /// What struck, when.
    pub(super) log: Vec<(Time, String)>,
    /// Nothing begins or ends any more.
    pub(super) over: bool,
    /// By plan: the fault that waits for its target.
    waiting: BTreeMap<usize, usize>,
}

/// One fault of the schedule.
pub(super) struct Fault {
    /// Which of the scenario's plans it comes from.
    plan: usize,
    pub(super) at: Time,
    pub(super) what: What,
    lasts: SpanRange,
    flap: Option<SpanRange>,
    pub(super) draws: Stream,
    /// Whether it found whom it was aimed at.
    found: bool,
    struck: Time,
    pub(super) parts: Vec<Part>,
}

/// What of a fault begins and ends together.
pub(super) struct Part {
    /// Those who were bound to its names, by slot.
    pub(super) groups: Vec<Vec<usize>>,
    pub(super) on: bool,
    until: Time,
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
                faults.push(Fault {
                    plan: number,
                    at,
                    what: plan.what.clone(),
                    lasts: plan.lasts,
                    flap: plan.flap,
                    draws,
                    found: false,
                    struck: Time::NEVER,
                    parts: Vec::new(),
                });
            }
        }
        Storm {
            faults,
            log: Vec::new(),
            over: false,
            waiting: BTreeMap::new(),
        }
    }

    /// Whether another of the same plan still waits for its target: then this one does not stand in line.
    fn is_behind(&self, fault: usize) -> bool {
        let waiting = self.waiting.get(&self.faults[fault].plan);
        waiting.is_some_and(|waiting| *waiting != fault)
    }

    /// The plans none of whose faults ever found a target. One that comes again and again may miss at the end.
    pub(super) fn unfound(&self) -> Vec<String> {
        let plans: BTreeSet<usize> = self.faults.iter().map(|fault| fault.plan).collect();
        let never = |plan: &usize| {
            let mut of = self.faults.iter().filter(|fault| fault.plan == *plan);
            of.all(|fault| !fault.found)
        };
        let why = |plan: usize| {
            let number = plan + 1;
            format!(
                "[[fault]] number {number} of the file never struck: whom it was aimed at, or what it waits for, was not there"
            )
        };
        plans.into_iter().filter(never).map(why).collect()
    }
}

impl<M: Mode> World<'_, M> {
    /// A fault fires: its names are bound to hosts, or it waits until they can be.
    #[cold]
    pub(super) fn strike(&mut self, fault: usize) {
        if self.storm.over || self.storm.is_behind(fault) {
            return;
        }
        let plan = self.storm.faults[fault].plan;
        let Some(groups) = self.bind(fault) else {
            self.storm.waiting.insert(plan, fault);
            self.events.push(self.now + LOOK_AGAIN, Event::Fault(fault));
            return;
        };
        self.storm.waiting.remove(&plan);
        let times = self.timetable(fault, groups);
        let this = &mut self.storm.faults[fault];
        // A trap that never springs has struck nobody.
        this.found = !matches!(this.what, What::Trap { .. });
        let now = self.now;
        this.struck = now;
        let mut begin = Vec::new();
        for (groups, from, until) in times {
            let part = this.parts.len();
            let on = false;
            this.parts.push(Part { groups, on, until });
            if until < Time::NEVER {
                self.events.push(until, Event::Turn { fault, part, on });
            }
            if from == now {
                begin.push(part);
            } else if from < Time::NEVER {
                let on = true;
                self.events.push(from, Event::Turn { fault, part, on });
            }
        }
        self.tell(fault);
        for part in begin {
            self.turn(fault, part, true);
        }
        self.set_traps(fault);
    }

    /// Binds the names of a fault; none if one fits nobody now, or if it would go beyond what the mode promises.
    fn bind(&mut self, fault: usize) -> Option<Vec<Vec<usize>>> {
        let all = &self.hosts[..self.servers];
        let claims = |host: &Host<M>| (host.id, host.process.as_ref().and_then(Participant::role));
        let servers: Vec<_> = all.iter().map(claims).collect();
        let up: Vec<bool> = all.iter().map(|host| host.process.is_some()).collect();
        let crowd = Crowd {
            servers: &servers,
            clients: &self.ids[self.servers..],
            up: &up,
            zones: &self.zones,
        };
        let this = &mut self.storm.faults[fault];
        let mut groups = this.what.bind(&crowd, &mut this.draws)?;
        match this.what {
            What::Reset { .. } | What::Stall { .. } => {
                self.are_joined(&groups[0], &groups[1]).then_some(groups)
            }
            What::Lose { queue, .. } => {
                groups[0].retain(|slot| self.hosts[*slot].waits_in(queue));
                (!groups[0].is_empty()).then_some(groups)
            }
            // Anything goes in a scenario that expects a violation.
            What::Down {
                how: Down::Wipe | Down::Rot,
                ..
            } if self.scenario.expect.violated.is_empty() => {
                let lost = |slot: &usize| self.hosts[*slot].lost || self.hosts[*slot].robbed;
                let before = (0..self.servers).filter(lost).count();
                let more = groups[0]
                    .iter()
                    .filter(|slot| **slot < self.servers && !lost(slot));
                let most = M::envelope(&self.scenario.config).lost_servers;
                (before + more.count() <= most as usize).then_some(groups)
            }
            _ => Some(groups),
        }
    }

    /// The parts of a fault that strikes now: who, from when, until when. Never, for what waits for something else.
    fn timetable(
        &mut self,
        fault: usize,
        groups: Vec<Vec<usize>>,
    ) -> Vec<(Vec<Vec<usize>>, Time, Time)> {
        let now = self.now;
        let Fault {
            what, lasts, draws, ..
        } = &mut self.storm.faults[fault];
        let mut span = |range: SpanRange| draws.next_draw().within(range);
        let alone = |slot: &usize| vec![vec![*slot]];
        match what {
            What::Down { .. } => {
                let down = |slot| (alone(slot), now, now + span(*lasts));
                groups[0].iter().map(down).collect()
            }
            What::Trap { .. } => {
                let trap = |slot| (alone(slot), Time::NEVER, Time::NEVER);
                groups[0].iter().map(trap).collect()
            }
            What::Rolling { gap, .. } => {
                let gap = *gap;
                let order = draws.shuffled(groups.concat());
                let mut from = now;
                let next = |slot| {
                    let until = from + draws.next_draw().within(*lasts);
                    let part = (alone(slot), from, until);
                    from = until + draws.next_draw().within(gap);
                    part
                };
                order.iter().map(next).collect()
            }
            What::Swizzle(_) => {
                let half = span(*lasts) / 2;
                let mut victims = groups.concat();
                let one = victims[draws.next_draw().below(victims.len() as u64) as usize];
                victims.retain(|slot| *slot == one || draws.next_draw().below(2) == 0);
                let mut within_half = || draws.next_draw().within(SpanRange::new(Span::ZERO, half));
                let clog = |slot| (alone(slot), now + within_half(), now + half + within_half());
                victims.iter().map(clog).collect()
            }
            what if what.is_instant() => vec![(groups, now, Time::NEVER)],
            _ => vec![(groups, now, now + span(*lasts))],
        }
    }

    /// Says in words what strikes, with the names of those it was bound to.
    fn tell(&mut self, fault: usize) {
        let this = &self.storm.faults[fault];
        let groups = match &this.parts[..] {
            [part] => part.groups.clone(),
            parts => vec![parts.iter().flat_map(|part| part.groups.concat()).collect()],
        };
        let flapping = if this.flap.is_some() {
            ", flapping"
        } else {
            ""
        };
        let text = format!("{}{flapping}", this.what.describe(&self.names(&groups)));
        info!(target: "world", at = %self.now, "FAULT {text}");
        self.storm.log.push((self.now, text));
    }

    fn names(&self, groups: &[Vec<usize>]) -> Vec<String> {
        let name = |slot: &usize| self.ids[*slot].to_string();
        let names = |group: &Vec<usize>| group.iter().map(name).collect::<Vec<_>>().join(" ");
        groups.iter().map(names).collect()
    }

    /// A part of a fault begins or ends.
    #[cold]
    pub(super) fn turn(&mut self, fault: usize, part: usize, on: bool) {
        let this = &mut self.storm.faults[fault];
        if self.storm.over || this.parts[part].on == on {
            return;
        }
        this.parts[part].on = on;
        if let Some(flap) = this.flap {
            let next = self.now + this.draws.next_draw().within(flap);
            if next < this.parts[part].until {
                let on = !on;
                self.events.push(next, Event::Turn { fault, part, on });
            }
        }
        // Who goes down or comes back is told there, and the first beginning of what has one part was told already.
        let this = &self.storm.faults[fault];
        let told = on && self.now == this.struck;
        if !told && this.what.down().is_none() {
            let text = this.what.describe(&self.names(&this.parts[part].groups));
            info!(target: "world", at = %self.now, "{} {text}", if on { "FAULT" } else { "HEAL" });
        }
        let what = this.what.clone();
        let groups = this.parts[part].groups.clone();
        self.mark(5 << 40 | u64::from(on), fault as u32, part as u32);
        self.apply(&what, (fault, part), &groups, on);
        self.storm.faults[fault].parts[part].on &= !what.is_instant();
    }

    fn set_traps(&mut self, fault: usize) {
        let Fault {
            what: What::Trap { point, .. },
            parts,
            ..
        } = &self.storm.faults[fault]
        else {
            return;
        };
        let left = match point {
            Point::Sends { nth, .. } => *nth,
            Point::Written | Point::Flushed => 1,
        };
        for (number, part) in parts.iter().enumerate() {
            let trap = Trap {
                part: (fault, number),
                point: *point,
                left,
            };
            self.hosts[part.groups[0][0]].traps.push(trap);
        }
    }

    /// A host has come to a point: whether a trap springs, and it is down. Of several that wait there, all do.
    #[cold]
    pub(super) fn springs(&mut self, slot: usize, is_here: impl Fn(Point) -> bool) -> bool {
        let traps = &mut self.hosts[slot].traps;
        let here = traps.iter_mut().filter(|trap| is_here(trap.point));
        here.for_each(|trap| trap.left -= 1);
        let sprung: Vec<Trap> = traps.extract_if(.., |trap| trap.left == 0).collect();
        sprung.iter().for_each(|trap| self.spring(slot, trap.part));
        !sprung.is_empty()
    }

    fn spring(&mut self, slot: usize, (fault, part): (usize, usize)) {
        let this = &mut self.storm.faults[fault];
        this.found = true;
        let until = self.now + this.draws.next_draw().within(this.lasts);
        let text = format!(
            "{}: sprung",
            this.what.describe(&[self.ids[slot].to_string()])
        );
        info!(target: "world", at = %self.now, "FAULT {text}");
        self.storm.log.push((self.now, text));
        self.events.push(
            until,
            Event::Turn {
                fault,
                part,
                on: false,
            },
        );
        self.turn(fault, part, true);
    }
}
