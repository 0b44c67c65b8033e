//! What the fault log is told: whom a fault reaches, and how far clocks are off.

use std::collections::BTreeSet;

use netsplit::{Mode, NodeId};

use super::World;
use super::fault::{Skew, What};
use super::network::Noise;
use crate::check::log::Reach;

impl<M: Mode> World<'_, M> {
    /// A part of a fault begins or ends.
    pub(super) fn log_part(&mut self, what: &What, groups: &[Vec<usize>], begin: bool) {
        // A clock that is set is off for long, but only its leap is an event for a protocol: the skew tells the rest.
        let at_once = what.is_instant()
            || matches!(
                what,
                What::Clock {
                    skew: Skew::Step(_),
                    ..
                }
            );
        let is_cut = matches!(
            what,
            What::Partition(_) | What::Shape(_) | What::Cut { .. } | What::Swizzle(_)
        );
        let reaches = self.reaches(what, groups);
        let among_servers = |reach: &Reach| matches!(reach, Reach::Pair(..));
        if is_cut && reaches.iter().any(among_servers) {
            match begin {
                true => self.log.split(self.now),
                false => self.log.mend(self.now),
            }
        }
        for reach in reaches {
            match (at_once, begin) {
                (true, _) => self.log.strike(reach, self.now),
                (false, true) => self.log.begin(reach, self.now),
                (false, false) => self.log.end(reach, self.now),
            }
        }
    }

    /// Whom a part of a fault reaches. Who goes down is logged when it does.
    fn reaches(&self, what: &What, groups: &[Vec<usize>]) -> BTreeSet<Reach> {
        let all = || vec![(0..self.ids.len()).collect::<Vec<usize>>()];
        let links = |from: &[Vec<usize>], to: &[Vec<usize>]| {
            let (from, to) = (from.concat(), to.concat());
            let pairs = from
                .iter()
                .flat_map(|one| to.iter().map(move |other| (*one, *other)));
            self.pairs(pairs)
        };
        match what {
            What::Partition(_) | What::Shape(_) => self.pairs(what.apart(groups).into_iter()),
            What::Cut { .. } | What::Reset { .. } | What::Stall { .. } => {
                links(&groups[..1], &groups[1..])
            }
            What::Links { from, to, .. } => match (from, to) {
                (None, None) => BTreeSet::from([Reach::All]),
                (Some(_), Some(_)) => links(&groups[..1], &groups[1..]),
                _ => links(groups, &all()),
            },
            What::Swizzle(_) => links(groups, &all()),
            What::Pause(_)
            | What::SlowCpu { .. }
            | What::Disk { .. }
            | What::Clock { .. }
            | What::Lose { .. }
            | What::Unlist(_)
            | What::Resolver { .. } => {
                let slots = groups.iter().flatten().copied();
                slots.map(|slot| Reach::Node(self.ids[slot])).collect()
            }
            What::Down { .. } | What::Rolling { .. } | What::Trap { .. } => BTreeSet::new(),
        }
    }

    /// Links between servers; one between a client and a server is the client's own. Clients have none to each other.
    fn pairs(&self, slots: impl Iterator<Item = (usize, usize)>) -> BTreeSet<Reach> {
        let reach = |(one, other): (usize, usize)| {
            let (one, other) = (self.ids[one], self.ids[other]);
            match (one.is_client(), other.is_client()) {
                (false, false) => (one != other).then(|| Reach::pair(one, other)),
                (true, false) => Some(Reach::Node(one)),
                (false, true) => Some(Reach::Node(other)),
                (true, true) => None,
            }
        };
        slots.filter_map(reach).collect()
    }

    /// The storm is over, for those who are sound: who is not, or is down for good, stays in trouble.
    pub(super) fn log_calm(&mut self, sound: &[bool]) {
        let is_broken = |slot: &usize| !sound[*slot] || self.hosts[*slot].process.is_none();
        let broken: Vec<NodeId> = (0..self.servers)
            .filter(is_broken)
            .map(|slot| self.ids[slot])
            .collect();
        self.log.calm(broken, self.now);
        self.log_noise();
    }

    /// Where something goes wrong on all links all the time, nothing that depends on time is promised.
    pub(super) fn log_noise(&mut self) {
        if self.scenario.network.noise != Noise::default() {
            self.log.begin(Reach::All, self.now);
        }
    }

    /// Notes how far the wall clocks are off now. Between two notes a clock's distance only grows or only shrinks, for
    /// it drifts evenly or stands still: so it is enough to look when something happens to clocks, and at the end.
    pub(super) fn log_clocks(&mut self) {
        for host in &self.hosts {
            self.log.clock_is_off(host.clock.is_off(self.now));
        }
    }
}
