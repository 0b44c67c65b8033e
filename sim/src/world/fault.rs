//! Faults as values: what, when, whom; and how names become hosts at the moment a fault fires.

use std::fmt;

use netsplit::{NodeId, SpanRange};

use super::network::Noise;
use super::random::Stream;

/// Whom a fault is aimed at, in the words of the scenario.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    /// One participant by name.
    Node(NodeId),
    /// Who claims this role: the claimant of the highest rank for `leader`, else any one of the claimants.
    Role(&'static str),
    /// Any one server.
    Any,
    /// Fewer than half of the servers, as many as can be.
    Minority,
    /// More than half of the servers, as few as can be.
    Majority,
    /// Every server that the fault does not name otherwise.
    Others,
    /// Every server.
    All,
    /// Every client.
    Clients,
}

/// A set of targets that stand together.
pub type Group = Vec<Target>;

/// How servers fall apart when nobody in particular is meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// Two halves; of an odd number, one half is a majority.
    Halves,
    /// Two sides that hear nothing of each other, and one server that hears both.
    Bridge,
    /// Every server hears a majority, and no two the same one: each hears its neighbours on a ring.
    MajoritiesRing,
}

impl Shape {
    /// The shapes by name, with how many servers each takes at the least.
    pub const ALL: [(&'static str, Shape, u32); 3] = [
        ("halves", Shape::Halves, 2),
        ("bridge", Shape::Bridge, 3),
        ("majorities_ring", Shape::MajoritiesRing, 4),
    ];

    /// Divides servers in a drawn order: two sides, two sides around the bridge, or the ring in one piece.
    fn divide(self, order: &[usize]) -> Vec<Vec<usize>> {
        let middle = order.len() / 2;
        match self {
            Shape::Halves => vec![order[..middle].to_vec(), order[middle..].to_vec()],
            Shape::Bridge => {
                vec![
                    order[..middle].to_vec(),
                    vec![order[middle]],
                    order[middle + 1..].to_vec(),
                ]
            }
            Shape::MajoritiesRing => vec![order.to_vec()],
        }
    }
}

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
    /// The nodes go down, losing what was in memory and any suffix of what was not flushed; each restarts by itself.
    Crash(Group),
    /// The same, at one instant for all.
    Power(Group),
    /// The nodes stand still, and catch up later.
    Pause(Group),
    /// Flushes take this many times as long.
    SlowDisk {
        /// Whose.
        on: Group,
        /// How many times.
        factor: u32,
    },
    /// Messages are lost, doubled or reordered on all links.
    Noise(Noise),
    /// Every message of one kind is lost.
    Drop {
        /// Which of the mode's kinds.
        kind: usize,
        /// Its name.
        name: &'static str,
    },
}

/// A fault as a scenario plans it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// When it begins, drawn from the range.
    pub at: SpanRange,
    /// How long until it begins again, if it does.
    pub every: Option<SpanRange>,
    /// How long it lasts; for crashes, how long each node is down.
    pub lasts: SpanRange,
    /// What it does.
    pub what: What,
}

/// Who is there to be named.
pub struct Crowd<'a> {
    /// Servers, by slot from 0: their names and, while up, the role and rank they claim.
    pub servers: &'a [(NodeId, Option<netsplit::Role>)],
    /// Clients stand behind the servers.
    pub clients: &'a [NodeId],
    /// How many servers are up, and who.
    pub up: &'a [bool],
}

impl What {
    /// The groups it names, in order.
    pub fn groups(&self) -> Vec<&Group> {
        match self {
            What::Partition(groups) => groups.iter().collect(),
            What::Cut { from, to } => vec![from, to],
            What::Crash(group)
            | What::Power(group)
            | What::Pause(group)
            | What::SlowDisk { on: group, .. } => {
                vec![group]
            }
            What::Noise(_) | What::Drop { .. } | What::Shape(_) => Vec::new(),
        }
    }

    /// Between whom nothing passes, either way, once the groups are bound.
    pub fn apart(&self, groups: &[Vec<usize>]) -> Vec<(usize, usize)> {
        let between = |one: &[usize], other: &[usize]| -> Vec<(usize, usize)> {
            one.iter()
                .flat_map(|a| other.iter().map(move |b| (*a, *b)))
                .collect()
        };
        match self {
            What::Partition(_) | What::Shape(Shape::Halves) => {
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
    ///
    /// What is named precisely is bound first, what is left over last.
    pub fn bind(&self, crowd: &Crowd<'_>, draws: &mut Stream) -> Option<Vec<Vec<usize>>> {
        if let What::Shape(shape) = self {
            let mut left: Vec<usize> = (0..crowd.servers.len()).collect();
            let mut order = Vec::new();
            while !left.is_empty() {
                order.push(left.swap_remove(draws.next_draw().below(left.len() as u64) as usize));
            }
            return Some(shape.divide(&order));
        }
        let groups = self.groups();
        let mut bound: Vec<Vec<usize>> = vec![Vec::new(); groups.len()];
        let mut taken = vec![false; crowd.servers.len()];
        for pass in 0..3 {
            for (group, slots) in groups.iter().zip(&mut bound) {
                for target in group.iter().filter(|target| target.pass() == pass) {
                    let found = target.slots(crowd, &taken, draws);
                    if found.is_empty() {
                        return None;
                    }
                    for slot in found {
                        if let Some(taken) = taken.get_mut(slot) {
                            *taken = true;
                        }
                        slots.push(slot);
                    }
                }
            }
        }
        Some(bound)
    }
}

impl Target {
    fn pass(&self) -> u8 {
        match self {
            Target::Node(_) | Target::Role(_) | Target::All | Target::Clients => 0,
            Target::Any | Target::Minority | Target::Majority => 1,
            Target::Others => 2,
        }
    }

    fn slots(&self, crowd: &Crowd<'_>, taken: &[bool], draws: &mut Stream) -> Vec<usize> {
        let servers = crowd.servers.len();
        let free = || {
            (0..servers)
                .filter(|slot| !taken[*slot])
                .collect::<Vec<usize>>()
        };
        match self {
            Target::Node(id) => {
                let server = crowd.servers.iter().position(|(name, _)| name == id);
                let client = || {
                    crowd
                        .clients
                        .iter()
                        .position(|name| name == id)
                        .map(|place| servers + place)
                };
                server.or_else(client).into_iter().collect()
            }
            Target::Role(name) => {
                let mut claimants: Vec<(u64, usize)> = free()
                    .into_iter()
                    .filter_map(|slot| {
                        let role = crowd.servers[slot].1.filter(|role| role.name == *name)?;
                        Some((role.rank, slot))
                    })
                    .collect();
                if *name == "leader" {
                    let highest = claimants.iter().map(|(rank, _)| *rank).max();
                    claimants.retain(|(rank, _)| Some(*rank) == highest);
                }
                pick(
                    claimants.into_iter().map(|(_, slot)| slot).collect(),
                    1,
                    draws,
                )
            }
            Target::Any => pick(
                free().into_iter().filter(|slot| crowd.up[*slot]).collect(),
                1,
                draws,
            ),
            Target::Minority => pick(free(), (servers - 1) / 2, draws),
            Target::Majority => pick(free(), servers / 2 + 1, draws),
            Target::Others => free(),
            Target::All => (0..servers).collect(),
            Target::Clients => (servers..servers + crowd.clients.len()).collect(),
        }
    }
}

/// Any `count` of them, in ascending order.
fn pick(mut from: Vec<usize>, count: usize, draws: &mut Stream) -> Vec<usize> {
    while from.len() > count {
        let out = draws.next_draw().below(from.len() as u64) as usize;
        from.remove(out);
    }
    from
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Node(id) => write!(f, "{id}"),
            Target::Role(name) => f.write_str(name),
            Target::Any => f.write_str("any"),
            Target::Minority => f.write_str("minority"),
            Target::Majority => f.write_str("majority"),
            Target::Others => f.write_str("others"),
            Target::All => f.write_str("all"),
            Target::Clients => f.write_str("clients"),
        }
    }
}

impl What {
    /// The fault in words, with the names of those it was bound to.
    pub fn describe(&self, groups: &[String]) -> String {
        match self {
            What::Partition(_) => format!("partition {}", groups.join(" | ")),
            What::Shape(Shape::Halves) => format!("halves {}", groups.join(" | ")),
            What::Shape(Shape::Bridge) => {
                format!("bridge {} - {} - {}", groups[0], groups[1], groups[2])
            }
            What::Shape(Shape::MajoritiesRing) => format!("ring of majorities {}", groups[0]),
            What::Cut { .. } => format!("cut {} -> {}", groups[0], groups[1]),
            What::Crash(_) => format!("crash {}", groups[0]),
            What::Power(_) => format!("power loss at {}", groups[0]),
            What::Pause(_) => format!("pause {}", groups[0]),
            What::SlowDisk { factor, .. } => format!("disk of {} slow by {factor}", groups[0]),
            What::Drop { name, .. } => format!("drop every {name}"),
            What::Noise(Noise {
                loss,
                duplicate,
                reorder,
            }) => {
                format!(
                    "noise: loss {}, duplicate {}, reorder {} ppm",
                    loss.0, duplicate.0, reorder.0
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use netsplit::Role;

    use super::super::random::{Key, Purpose};
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
        assert_eq!(bind(&What::Crash(vec![Target::Role("candidate")]), 0), None);
    }

    #[test]
    fn minority_and_majority_divide_five_into_two_and_three() {
        for ordinal in 0..20 {
            let what = What::Partition(vec![vec![Target::Minority], vec![Target::Others]]);
            let sizes: Vec<usize> = bind(&what, ordinal).unwrap().iter().map(Vec::len).collect();
            assert_eq!(sizes, [2, 3]);
            let what = What::Crash(vec![Target::Majority]);
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

    /// Who hears whom, by slot, when a shape has struck so many servers.
    fn hears(shape: Shape, servers: usize, ordinal: u32) -> Vec<Vec<usize>> {
        let all: Vec<(NodeId, Option<Role>)> = (1..=servers as u32)
            .map(|number| (NodeId::server(number), None))
            .collect();
        let crowd = Crowd {
            servers: &all,
            clients: &[],
            up: &vec![true; servers],
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
