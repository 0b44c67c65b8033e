//! The faults of a run: from plans to a schedule, striking, and ending.

use std::collections::BTreeSet;

use netsplit::{Mode, Process, Span, SpanRange, Time};
use tracing::info;

use super::fault::{Down, Plan, Point, Skew, Trouble, What};
use super::host::Trap;
use super::network::{Act, Rule};
use super::random::{Draw, Key, Purpose, Stream};
use super::streams::Stall;
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
}

/// One fault of the schedule.
pub(super) struct Fault {
    /// Which of the scenario's plans it comes from.
    plan: usize,
    pub(super) at: Time,
    pub(super) what: What,
    lasts: SpanRange,
    flap: Option<SpanRange>,
    draws: Stream,
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

impl Part {
    fn of(groups: Vec<Vec<usize>>) -> Part {
        Part {
            groups,
            on: false,
            until: Time::NEVER,
        }
    }
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
        }
    }

    /// The plans none of whose faults ever found a target. One that comes again and again may miss at the end.
    pub(super) fn unfound(&self) -> Vec<String> {
        let plans: BTreeSet<usize> = self.faults.iter().map(|fault| fault.plan).collect();
        let never = |plan: &usize| {
            let mut of = self.faults.iter().filter(|fault| fault.plan == *plan);
            of.all(|fault| !fault.found)
        };
        let number = |plan| format!("no fault of plan {} found whom it was aimed at", plan + 1);
        plans.into_iter().filter(never).map(number).collect()
    }
}

impl<M: Mode> World<'_, M> {
    /// A fault fires: its names are bound to hosts, or it waits until they can be.
    #[cold]
    pub(super) fn strike(&mut self, fault: usize) {
        if self.storm.over {
            return;
        }
        let Some(groups) = self.bind(fault) else {
            self.events.push(self.now + LOOK_AGAIN, Event::Fault(fault));
            return;
        };
        let times = self.timetable(fault, groups);
        let this = &mut self.storm.faults[fault];
        // A trap that never springs has struck nobody.
        this.found = !matches!(this.what, What::Trap { .. });
        let now = self.now;
        this.struck = now;
        for (groups, from, until) in times {
            let part = this.parts.len();
            this.parts.push(Part {
                until,
                ..Part::of(groups)
            });
            if from < Time::NEVER && from > now {
                self.events.push(
                    from,
                    Event::Turn {
                        fault,
                        part,
                        on: true,
                    },
                );
            }
            if until < Time::NEVER {
                self.events.push(
                    until,
                    Event::Turn {
                        fault,
                        part,
                        on: false,
                    },
                );
            }
            // What begins now begins when all parts are known.
            this.parts[part].on = from == now;
        }
        self.tell(fault);
        for part in 0..self.storm.faults[fault].parts.len() {
            if std::mem::take(&mut self.storm.faults[fault].parts[part].on) {
                self.turn(fault, part, true);
            }
        }
        self.set_traps(fault);
    }

    /// Binds the names of a fault; none if one fits nobody now, or if it would go beyond what the mode promises.
    fn bind(&mut self, fault: usize) -> Option<Vec<Vec<usize>>> {
        let all = &self.hosts[..self.servers];
        let claims = |process: &M::Process| process.role();
        let servers: Vec<_> = all
            .iter()
            .map(|host| (host.id, host.process.as_ref().and_then(claims)))
            .collect();
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
            What::Reset { .. } => self.are_joined(&groups[0], &groups[1]).then_some(groups),
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
                let most = M::envelope(&self.scenario.options, self.servers as u32).lost_servers;
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
        if !told && !this.what.takes_down() {
            let text = this.what.describe(&self.names(&this.parts[part].groups));
            info!(target: "world", at = %self.now, "{} {text}", if on { "FAULT" } else { "HEAL" });
        }
        let what = this.what.clone();
        let groups = this.parts[part].groups.clone();
        self.mark(5 << 40 | u64::from(on), fault as u32, part as u32);
        self.apply(&what, (fault, part), &groups, on);
        self.storm.faults[fault].parts[part].on &= !what.is_instant();
    }

    /// Starts or ends what a fault does.
    pub(super) fn apply(
        &mut self,
        what: &What,
        part: (usize, usize),
        groups: &[Vec<usize>],
        begin: bool,
    ) {
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
            What::Down { how, .. } => on
                .iter()
                .for_each(|slot| self.down_or_back(*slot, *how, begin)),
            What::Rolling { .. } | What::Trap { .. } => {
                on.iter()
                    .for_each(|slot| self.down_or_back(*slot, Down::Crash, begin));
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
                for slot in on {
                    let clock = &mut self.hosts[*slot].clock;
                    match skew {
                        Skew::Freeze => clock.freeze(self.now, begin),
                        Skew::Step(nanos) => clock.step(if begin { *nanos } else { -nanos }),
                    }
                }
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
        let host = &mut self.hosts[slot];
        if !goes {
            host.downs -= 1;
            self.revive(slot);
            return;
        }
        host.downs += 1;
        let silent = matches!(how, Down::HostDeath | Down::Power);
        self.crash(slot, silent);
        let host = &mut self.hosts[slot];
        host.dead |= silent;
        match how {
            Down::Crash => {}
            Down::HostDeath | Down::Power => self.jammed.retain(|(from, _), _| *from != slot),
            Down::Wipe => {
                host.disk.wipe();
                (host.spoiled, host.robbed) = (true, true);
            }
            Down::Rot => {
                host.flushes += 1;
                let draw: Draw = self.disks[slot].draw(host.flushes);
                let rots = host.disk.rot(draw);
                host.spoiled |= rots;
                host.robbed |= rots;
            }
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
