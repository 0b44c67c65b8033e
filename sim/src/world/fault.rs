//! Faults as values: what, when, whom.

use std::collections::BTreeSet;

use netsplit::{Span, SpanRange};

use super::names::Answer;
use super::network::{Act, Noise, Rule};
use super::random::{Chance, Stream};
use super::target::{Crowd, Group, Shape, bind};

/// What a fault does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum What {
    /// No message passes between groups, either way.
    Partition(Vec<Group>),
    /// The servers fall apart in a shape, in a drawn order.
    Shape(Shape),
    /// No message passes from one group to the other; back, they do.
    Cut {
        /// The senders.
        from: Group,
        /// Those who hear nothing.
        to: Group,
    },
    /// Messages on some links are dropped, jammed, slowed or garbled.
    Links {
        /// The senders; none for all.
        from: Option<Group>,
        /// The receivers; none for all.
        to: Option<Group>,
        /// Only this kind of message, with its name; none for all.
        kind: Option<(usize, &'static str)>,
        /// What happens to them.
        act: Act,
    },
    /// The streams that one group has opened to the other are broken off, at once.
    Reset {
        /// The openers.
        from: Group,
        /// The others.
        to: Group,
    },
    /// The streams that one group has opened to the other are held up, while everything else between them passes.
    Stall {
        /// The openers.
        from: Group,
        /// The others.
        to: Group,
        /// What the openers push, and what comes back.
        ways: [bool; 2],
    },
    /// Of the group each one is clogged or not, as a coin falls: one after another in the first half, and let go in
    /// another order in the second.
    Swizzle(Group),
    /// The nodes go down; each is started again when its time is over.
    Down {
        /// Who.
        on: Group,
        /// How.
        how: Down,
    },
    /// The nodes go down one after another, the next one when the one before is back.
    Rolling {
        /// Who.
        on: Group,
        /// How long between a restart and the next one's going down.
        gap: SpanRange,
        /// Whether they are asked to, before they are made to.
        quit: bool,
    },
    /// The nodes go down when they come to a point.
    Trap {
        /// Who.
        on: Group,
        /// Where.
        point: Point,
    },
    /// The nodes stand still, and catch up later.
    Pause(Group),
    /// All that a node's processor does takes this many times as long.
    SlowCpu {
        /// Whose.
        on: Group,
        /// How many times.
        factor: u32,
    },
    /// Something is wrong with disks.
    Disk {
        /// Whose.
        on: Group,
        /// What.
        trouble: Trouble,
    },
    /// Something is wrong with wall clocks.
    Clock {
        /// Whose.
        on: Group,
        /// What.
        skew: Skew,
    },
    /// The servers are taken out of the name that stands for them, and put back.
    Unlist(Group),
    /// The name service is not well.
    Resolver {
        /// For whom.
        on: Group,
        /// What they are answered.
        answer: Answer,
    },
    /// A part of what waits in a queue is lost, at once.
    Lose {
        /// Whose.
        on: Group,
        /// Which queue.
        queue: &'static str,
        /// How much of it, rounded up.
        share: Chance,
    },
}

/// How a node goes down.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Down {
    /// Its process dies, with what was in memory and any suffix of what was not flushed.
    Crash,
    /// Its machine dies: what it had sent and the network had not taken is lost too, and no reset reaches its peers.
    HostDeath,
    /// The same, for want of power.
    Power,
    /// It comes back with an empty disk.
    Wipe,
    /// It comes back with a record that cannot be read any more.
    Rot,
    /// It is asked to stop by itself, and its process is killed if it has not when it ought to be back.
    Quit,
}

/// Where a trap waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Point {
    /// Between a write and its flush.
    Written,
    /// Between a flush and all that was held for it.
    Flushed,
    /// Just before it sends the last of so many messages of a kind.
    Sends {
        /// Which kind.
        kind: usize,
        /// Its name.
        name: &'static str,
        /// Which message, from 1, counted from the instant at which the fault strikes.
        nth: u32,
    },
}

/// What is wrong with a disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// A flush takes this many times as long.
    Slow(u32),
    /// No flush ends.
    Stalls,
    /// Writes fail.
    FailsWrites,
    /// Writes fail, for want of room.
    Full,
    /// Flushes fail.
    FailsFlushes,
    /// Flushes say that they are done, and are not.
    Lies,
}

/// What is wrong with a wall clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Skew {
    /// It is set forward by so many nanoseconds, or back, and right again at the end.
    Step(i64),
    /// It stands still, and is right again at the end.
    Freeze,
}

/// A fault as a scenario plans it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// When it begins, drawn from the range.
    pub at: SpanRange,
    /// How long until it begins again, if it does.
    pub every: Option<SpanRange>,
    /// How long it lasts; where nodes go down, how long each is down.
    pub lasts: SpanRange,
    /// How long it is on, and off, and on again while it lasts, if it is not on all the time.
    pub flap: Option<SpanRange>,
    /// What it does.
    pub what: What,
}

impl What {
    /// The groups it names, in order.
    pub fn groups(&self) -> Vec<&Group> {
        match self {
            What::Partition(groups) => groups.iter().collect(),
            What::Cut { from, to } | What::Reset { from, to } | What::Stall { from, to, .. } => {
                vec![from, to]
            }
            What::Links { from, to, .. } => from.iter().chain(to).collect(),
            What::Swizzle(on) | What::Pause(on) | What::Unlist(on) => vec![on],
            What::Down { on, .. }
            | What::Rolling { on, .. }
            | What::Trap { on, .. }
            | What::SlowCpu { on, .. }
            | What::Disk { on, .. }
            | What::Clock { on, .. }
            | What::Resolver { on, .. }
            | What::Lose { on, .. } => vec![on],
            What::Shape(_) => Vec::new(),
        }
    }

    /// Whether it happens at once, and lasts no time.
    pub fn is_instant(&self) -> bool {
        matches!(self, What::Lose { .. } | What::Reset { .. })
    }

    /// Whether it can come and go while it lasts.
    pub fn can_flap(&self) -> bool {
        match self {
            What::Partition(_)
            | What::Shape(_)
            | What::Cut { .. }
            | What::Links { .. }
            | What::Stall { .. }
            | What::Pause(_)
            | What::SlowCpu { .. }
            | What::Clock { .. }
            | What::Unlist(_)
            | What::Resolver { .. } => true,
            What::Disk { trouble, .. } => matches!(trouble, Trouble::Slow(_) | Trouble::Stalls),
            What::Swizzle(_)
            | What::Reset { .. }
            | What::Down { .. }
            | What::Rolling { .. }
            | What::Trap { .. }
            | What::Lose { .. } => false,
        }
    }

    /// What it does to messages, once its groups are bound.
    pub fn rule(&self, groups: &[Vec<usize>]) -> Option<Rule> {
        let What::Links {
            from,
            to,
            kind,
            act,
        } = self
        else {
            return None;
        };
        let mut bound = groups.iter().cloned();
        Some(Rule {
            from: from.as_ref().and_then(|_| bound.next()),
            to: to.as_ref().and_then(|_| bound.next()),
            kind: kind.map(|(kind, _)| kind),
            act: *act,
        })
    }

    /// Between whom nothing passes, either way, once the groups are bound.
    pub fn apart(&self, groups: &[Vec<usize>]) -> Vec<(usize, usize)> {
        let between = |one: &[usize], other: &[usize]| -> Vec<(usize, usize)> {
            one.iter()
                .flat_map(|a| other.iter().map(move |b| (*a, *b)))
                .collect()
        };
        match self {
            What::Partition(_) | What::Shape(Shape::One | Shape::Halves) => {
                let pairs =
                    (0..groups.len()).flat_map(|n| (n + 1..groups.len()).map(move |m| (n, m)));
                pairs
                    .flat_map(|(n, m)| between(&groups[n], &groups[m]))
                    .collect()
            }
            What::Shape(Shape::Bridge) => between(&groups[0], &groups[2]),
            What::Shape(Shape::MajoritiesRing) => {
                let ring = &groups[0];
                let servers = ring.len();
                // With as many neighbours on each side as make a majority with oneself.
                let reach = (servers / 2).div_ceil(2);
                let far = |n: usize, m: usize| (m - n).min(servers - (m - n)) > reach;
                let pairs = (0..servers).flat_map(|n| (n + 1..servers).map(move |m| (n, m)));
                pairs
                    .filter(|(n, m)| far(*n, *m))
                    .map(|(n, m)| (ring[n], ring[m]))
                    .collect()
            }
            _ => Vec::new(),
        }
    }

    /// Binds all names at one instant: the slots of each group; none if a name fits nobody now.
    pub fn bind(&self, crowd: &Crowd<'_>, draws: &mut Stream) -> Option<Vec<Vec<usize>>> {
        match self {
            What::Shape(shape) => Some(shape.divide(crowd, draws)),
            // Nobody stands on two sides: the first that names them has them.
            What::Partition(_) => {
                let mut groups = bind(&self.groups(), crowd, draws)?;
                let mut taken = BTreeSet::new();
                for group in &mut groups {
                    group.retain(|slot| taken.insert(*slot));
                }
                groups
                    .iter()
                    .all(|group| !group.is_empty())
                    .then_some(groups)
            }
            _ => bind(&self.groups(), crowd, draws),
        }
    }

    /// Whether it stands between nodes, and not at one of them.
    pub fn is_between(&self) -> bool {
        matches!(
            self,
            What::Partition(_)
                | What::Shape(_)
                | What::Cut { .. }
                | What::Links { .. }
                | What::Stall { .. }
                | What::Swizzle(_)
        )
    }

    /// How nodes go down in it, if they do.
    pub fn down(&self) -> Option<Down> {
        match self {
            What::Down { how, .. } => Some(*how),
            What::Rolling { quit: true, .. } => Some(Down::Quit),
            What::Rolling { quit: false, .. } | What::Trap { .. } => Some(Down::Crash),
            _ => None,
        }
    }
}

impl What {
    /// The fault in words, with the names of those it was bound to.
    pub fn describe(&self, groups: &[String]) -> String {
        let on = |place: usize| groups.get(place).map_or("all", String::as_str);
        match self {
            What::Partition(_) => format!("partition {}", groups.join(" | ")),
            What::Shape(Shape::Halves) => format!("halves {}", groups.join(" | ")),
            What::Shape(Shape::One) => format!("one alone {}", groups.join(" | ")),
            What::Shape(Shape::Bridge) => format!("bridge {}", groups.join(" - ")),
            What::Shape(Shape::MajoritiesRing) => format!("ring of majorities {}", on(0)),
            What::Cut { .. } => format!("cut {} -> {}", on(0), on(1)),
            What::Links {
                from,
                to,
                kind,
                act,
            } => {
                let receivers = if from.is_some() { on(1) } else { on(0) };
                let links = match (from, to) {
                    (None, None) => "on all links".into(),
                    (Some(_), None) => format!("from {}", on(0)),
                    (None, Some(_)) => format!("to {receivers}"),
                    (Some(_), Some(_)) => format!("{} -> {receivers}", on(0)),
                };
                let what = kind.map_or("message", |(_, name)| name);
                match act {
                    Act::Drop => format!("drop every {what} {links}"),
                    Act::Jam => format!("jam every {what} {links}"),
                    Act::Slow(factor) => format!("every {what} slow by {factor} {links}"),
                    Act::Noise(noise) => {
                        let Noise {
                            loss,
                            duplicate,
                            reorder,
                            corrupt,
                        } = noise;
                        format!(
                            "noise on every {what} {links}: loss {}, duplicate {}, reorder {}, corrupt {} ppm",
                            loss.0, duplicate.0, reorder.0, corrupt.0
                        )
                    }
                }
            }
            What::Reset { .. } => format!("streams broken off, opened by {} to {}", on(0), on(1)),
            What::Stall { ways, .. } => {
                let ways = match ways {
                    [true, false] => "forth",
                    [false, true] => "back",
                    _ => "both ways",
                };
                format!("streams held up {ways}, opened by {} to {}", on(0), on(1))
            }
            What::Swizzle(_) => format!("swizzle {}", on(0)),
            What::Down { how, .. } => {
                let how = match how {
                    Down::Crash => "crash",
                    Down::HostDeath => "death of the host of",
                    Down::Power => "power loss at",
                    Down::Wipe => "crash and wipe",
                    Down::Rot => "crash, and a rotten record at",
                    Down::Quit => "quit",
                };
                format!("{how} {}", on(0))
            }
            What::Rolling { quit: false, .. } => format!("rolling restart of {}", on(0)),
            What::Rolling { quit: true, .. } => format!("rolling graceful restart of {}", on(0)),
            What::Trap {
                point: Point::Written,
                ..
            } => {
                format!("trap between write and flush at {}", on(0))
            }
            What::Trap {
                point: Point::Flushed,
                ..
            } => {
                format!("trap between flush and reply at {}", on(0))
            }
            What::Trap {
                point: Point::Sends { name, nth, .. },
                ..
            } => {
                format!("trap on {name} number {nth} from {}", on(0))
            }
            What::Pause(_) => format!("pause {}", on(0)),
            What::SlowCpu { factor, .. } => format!("processor of {} slow by {factor}", on(0)),
            What::Disk { trouble, .. } => {
                let trouble = match trouble {
                    Trouble::Slow(factor) => format!("is slow by {factor}"),
                    Trouble::Stalls => "stalls".into(),
                    Trouble::FailsWrites => "fails writes".into(),
                    Trouble::Full => "is full".into(),
                    Trouble::FailsFlushes => "fails flushes".into(),
                    Trouble::Lies => "lies about flushes".into(),
                };
                format!("disk of {} {trouble}", on(0))
            }
            What::Clock {
                skew: Skew::Freeze, ..
            } => format!("wall clock of {} stands still", on(0)),
            What::Clock {
                skew: Skew::Step(nanos),
                ..
            } => {
                let way = if *nanos < 0 { "back" } else { "forward" };
                let by = Span::nanos(nanos.unsigned_abs());
                format!("wall clock of {} steps {way} by {by}", on(0))
            }
            What::Unlist(_) => format!("unlist {}", on(0)),
            What::Resolver { answer, .. } => {
                let answer = match answer {
                    Answer::Stale => "knows nothing new",
                    Answer::Nothing => "knows nobody",
                    Answer::Never => "does not answer",
                };
                format!("name service of {} {answer}", on(0))
            }
            What::Lose { queue, share, .. } => {
                format!(
                    "lose {}% of the queue `{queue}` of {}",
                    share.0 / 10_000,
                    on(0)
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use netsplit::{NodeId, Role};

    use super::super::random::{Key, Purpose};
    use super::super::target::Target;
    use super::*;

    fn bind(what: &What, ordinal: u32) -> Option<Vec<Vec<usize>>> {
        let role = |name, rank| Some(Role { name, rank });
        let servers = [
            (NodeId::server(1), role("leader", 3)),
            (NodeId::server(2), role("leader", 5)),
            (NodeId::server(3), role("follower", 5)),
            (NodeId::server(4), role("follower", 5)),
            (NodeId::server(5), None),
        ];
        let crowd = Crowd {
            servers: &servers,
            clients: &[NodeId::client(1)],
            up: &[true, true, true, true, false],
            zones: &[Some(0), Some(1), Some(1), None, Some(0), Some(1)],
        };
        what.bind(&crowd, &mut Key::new(2, Purpose::Fault(ordinal)).stream())
    }

    #[test]
    fn the_leader_is_the_claimant_of_the_highest_rank() {
        let what = What::Partition(vec![vec![Target::Role("leader")], vec![Target::Others]]);
        assert_eq!(bind(&what, 0), Some(vec![vec![1], vec![0, 2, 3, 4]]));
    }

    #[test]
    fn others_are_bound_last_wherever_they_stand() {
        let what = What::Cut {
            from: vec![Target::Others],
            to: vec![Target::Any, Target::Node(NodeId::client(1))],
        };
        let bound = bind(&what, 0).unwrap();
        assert_eq!(bound[0].len(), 4);
        assert_eq!(bound[1].len(), 2);
        assert_eq!(bound[1][0], 5);
        assert!(!bound[0].contains(&bound[1][1]));
    }

    #[test]
    fn a_role_that_nobody_claims_binds_nobody() {
        assert_eq!(bind(&What::Pause(vec![Target::Role("candidate")]), 0), None);
    }

    #[test]
    fn minority_and_majority_divide_five_into_two_and_three() {
        for ordinal in 0..20 {
            let what = What::Partition(vec![vec![Target::Minority], vec![Target::Others]]);
            let sizes: Vec<usize> = bind(&what, ordinal).unwrap().iter().map(Vec::len).collect();
            assert_eq!(sizes, [2, 3]);
            let what = What::Pause(vec![Target::Majority]);
            assert_eq!(bind(&what, ordinal).unwrap()[0].len(), 3);
        }
    }

    #[test]
    fn any_means_one_that_is_up_and_each_comes_up() {
        let picked: std::collections::BTreeSet<usize> = (0..100)
            .map(|ordinal| bind(&What::Pause(vec![Target::Any]), ordinal).unwrap()[0][0])
            .collect();
        assert_eq!(picked.into_iter().collect::<Vec<_>>(), [0, 1, 2, 3]);
    }

    #[test]
    fn a_zone_is_everybody_in_it_and_any_zone_is_each_of_them_in_time() {
        let zone = What::Pause(vec![Target::Zone(1, "b".into())]);
        assert_eq!(bind(&zone, 0), Some(vec![vec![1, 2, 5]]));
        let any = |ordinal| bind(&What::Pause(vec![Target::AnyZone(2)]), ordinal).unwrap();
        let seen: std::collections::BTreeSet<_> = (0..50).map(any).collect();
        assert_eq!(
            seen.into_iter().collect::<Vec<_>>(),
            [[vec![0, 4]], [vec![1, 2, 5]]]
        );
    }

    #[test]
    fn a_rule_takes_its_groups_in_order_whichever_it_names() {
        let links = |from: Option<&str>, to: Option<&str>| {
            let group = |name: &str| vec![Target::Node(NodeId::server(name.parse().unwrap()))];
            let (from, to) = (from.map(group), to.map(group));
            let what = What::Links {
                from,
                to,
                kind: Some((3, "x")),
                act: Act::Jam,
            };
            let rule = what.rule(&bind(&what, 0).unwrap()).unwrap();
            assert_eq!((rule.kind, rule.act), (Some(3), Act::Jam));
            (rule.from, rule.to)
        };
        assert_eq!(links(Some("2"), Some("3")), (Some(vec![1]), Some(vec![2])));
        assert_eq!(links(Some("2"), None), (Some(vec![1]), None));
        assert_eq!(links(None, Some("3")), (None, Some(vec![2])));
        assert_eq!(links(None, None), (None, None));
    }

    /// Who hears whom, by slot, when a shape has struck so many servers.
    fn hears(shape: Shape, servers: usize, ordinal: u32) -> Vec<Vec<usize>> {
        let all: Vec<(NodeId, Option<Role>)> = (1..=servers as u32)
            .map(|number| (NodeId::server(number), None))
            .collect();
        let crowd = Crowd {
            servers: &all,
            clients: &[],
            up: &vec![true; servers],
            zones: &[],
        };
        let what = What::Shape(shape);
        let groups = what
            .bind(&crowd, &mut Key::new(4, Purpose::Fault(ordinal)).stream())
            .unwrap();
        let apart = what.apart(&groups);
        let hears = |a: usize, b: usize| !apart.contains(&(a, b)) && !apart.contains(&(b, a));
        (0..servers)
            .map(|a| (0..servers).filter(|b| hears(a, *b)).collect())
            .collect()
    }

    #[test]
    fn on_a_ring_everybody_hears_a_majority_and_no_two_the_same_one() {
        for servers in 4..=9 {
            let hears = hears(Shape::MajoritiesRing, servers, servers as u32);
            assert!(
                hears.iter().all(|heard| heard.len() > servers / 2),
                "{servers}: {hears:?}"
            );
            let different: std::collections::BTreeSet<_> = hears.iter().collect();
            assert_eq!(different.len(), servers, "{hears:?}");
        }
    }

    #[test]
    fn a_bridge_hears_everybody_and_nobody_else_does() {
        for servers in 3..=7 {
            let hears = hears(Shape::Bridge, servers, 1);
            assert_eq!(
                hears.iter().filter(|heard| heard.len() == servers).count(),
                1,
                "{hears:?}"
            );
        }
    }

    #[test]
    fn one_alone_hears_nobody_and_all_others_hear_each_other() {
        let mut sizes: Vec<usize> = hears(Shape::One, 5, 3).iter().map(Vec::len).collect();
        sizes.sort_unstable();
        assert_eq!(sizes, [1, 4, 4, 4, 4]);
    }

    #[test]
    fn halves_hear_themselves_and_any_server_can_be_in_either() {
        let hears_of = |ordinal| hears(Shape::Halves, 5, ordinal);
        for ordinal in 0..20 {
            let mut sizes: Vec<usize> = hears_of(ordinal).iter().map(Vec::len).collect();
            sizes.sort_unstable();
            assert_eq!(sizes, [2, 2, 3, 3, 3]);
        }
        let with_first: std::collections::BTreeSet<usize> =
            (0..20).map(|ordinal| hears_of(ordinal)[0].len()).collect();
        assert_eq!(with_first.len(), 2);
    }
}
