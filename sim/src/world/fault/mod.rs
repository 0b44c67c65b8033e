//! Faults as values: what, when, whom.

mod words;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use netsplit::SpanRange;

use super::names::Answer;
use super::network::{Act, Rule};
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
