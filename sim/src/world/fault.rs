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

/// What a fault does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum What {
    /// No message passes between groups, either way.
    Partition(Vec<Group>),
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
            What::Noise(_) => Vec::new(),
        }
    }

    /// Binds all names at one instant: the slots of each group; none if a name fits nobody now.
    ///
    /// What is named precisely is bound first, what is left over last.
    pub fn bind(&self, crowd: &Crowd<'_>, draws: &mut Stream) -> Option<Vec<Vec<usize>>> {
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
            What::Cut { .. } => format!("cut {} -> {}", groups[0], groups[1]),
            What::Crash(_) => format!("crash {}", groups[0]),
            What::Power(_) => format!("power loss at {}", groups[0]),
            What::Pause(_) => format!("pause {}", groups[0]),
            What::SlowDisk { factor, .. } => format!("disk of {} slow by {factor}", groups[0]),
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
}
