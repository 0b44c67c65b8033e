//! Whom faults are aimed at, and how names become hosts at the moment a fault fires.

use std::collections::BTreeMap;
use std::fmt;

use netsplit::NodeId;

use super::random::Stream;

/// Whom a fault is aimed at, in the words of the scenario.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    /// One participant by name.
    Node(NodeId),
    /// Who claims this role: any one of those who claim it with the highest rank.
    Role(&'static str),
    /// Every server of a class, by its letter and its name.
    Class(char, &'static str),
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
    /// Everybody in a zone, with its name.
    Zone(u16, String),
    /// Everybody in any one of so many zones.
    AnyZone(u16),
}

/// A set of targets that stand together.
pub type Group = Vec<Target>;

/// Where nodes stand.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Zones {
    /// The names of zones, by number.
    pub names: Vec<String>,
    /// Who stands in which; others stand in none.
    pub members: BTreeMap<NodeId, u16>,
}

impl Zones {
    /// In which zone a node stands.
    pub fn of(&self, node: NodeId) -> Option<u16> {
        self.members.get(&node).copied()
    }
}

/// How servers fall apart when nobody in particular is meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// One server stands alone.
    One,
    /// Two halves; of an odd number, one half is a majority.
    Halves,
    /// Two sides that hear nothing of each other, and one server that hears both.
    Bridge,
    /// Every server hears a majority, and no two the same one: each hears its neighbours on a ring.
    MajoritiesRing,
}

impl Shape {
    /// The shapes by name, with how many servers each takes at the least.
    pub const ALL: [(&'static str, Shape, usize); 4] = [
        ("one", Shape::One, 2),
        ("halves", Shape::Halves, 2),
        ("bridge", Shape::Bridge, 3),
        ("majorities_ring", Shape::MajoritiesRing, 4),
    ];

    /// Divides the servers in a drawn order: two sides, two sides around the bridge, or the ring in one piece.
    pub fn divide(self, crowd: &Crowd<'_>, draws: &mut Stream) -> Vec<Vec<usize>> {
        let order = draws.shuffled((0..crowd.servers.len()).collect());
        let middle = order.len() / 2;
        match self {
            Shape::One => vec![order[..1].to_vec(), order[1..].to_vec()],
            Shape::Halves => vec![order[..middle].to_vec(), order[middle..].to_vec()],
            Shape::Bridge => {
                vec![
                    order[..middle].to_vec(),
                    vec![order[middle]],
                    order[middle + 1..].to_vec(),
                ]
            }
            Shape::MajoritiesRing => vec![order],
        }
    }
}

/// Who is there to be named.
pub struct Crowd<'a> {
    /// Servers, by slot from 0: their names and, while up, the role and rank they claim.
    pub servers: &'a [(NodeId, Option<netsplit::Role>)],
    /// Clients stand behind the servers.
    pub clients: &'a [NodeId],
    /// Which servers are up.
    pub up: &'a [bool],
    /// In which zone each node stands, by slot; none stands in any if it is empty.
    pub zones: &'a [Option<u16>],
}

/// Binds the names of some groups at one instant: the slots of each group; none if a name fits nobody now.
///
/// What is named precisely is bound first, what is left over last.
pub fn bind(groups: &[&Group], crowd: &Crowd<'_>, draws: &mut Stream) -> Option<Vec<Vec<usize>>> {
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

impl Crowd<'_> {
    fn zone(&self, zone: u16) -> Vec<usize> {
        let inside = |slot: &usize| self.zones[*slot] == Some(zone);
        (0..self.zones.len()).filter(inside).collect()
    }
}

impl Target {
    fn pass(&self) -> u8 {
        match self {
            Target::Node(_) | Target::Role(_) | Target::All | Target::Clients => 0,
            Target::Class(..) | Target::Zone(..) | Target::AnyZone(_) => 0,
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
                let highest = claimants.iter().map(|(rank, _)| *rank).max();
                claimants.retain(|(rank, _)| Some(*rank) == highest);
                pick(
                    claimants.into_iter().map(|(_, slot)| slot).collect(),
                    1,
                    draws,
                )
            }
            Target::Class(letter, _) => {
                let is_one = |slot: &usize| crowd.servers[*slot].0.letter() == *letter;
                (0..servers).filter(is_one).collect()
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
            Target::Zone(zone, _) => crowd.zone(*zone),
            Target::AnyZone(zones) => crowd.zone(draws.next_draw().below(u64::from(*zones)) as u16),
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
            Target::Role(name) | Target::Class(_, name) => f.write_str(name),
            Target::Any => f.write_str("any"),
            Target::Minority => f.write_str("minority"),
            Target::Majority => f.write_str("majority"),
            Target::Others => f.write_str("others"),
            Target::All => f.write_str("all"),
            Target::Clients => f.write_str("clients"),
            Target::Zone(_, name) => f.write_str(name),
            Target::AnyZone(_) => f.write_str("any_zone"),
        }
    }
}
