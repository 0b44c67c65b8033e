//! What is truly on the disks: the invariants compare with that what processes say.

use std::collections::BTreeMap;

use super::SiblingQuorum;
use super::charter::{Charter, CopyId, is_controller};
use super::log::{Epoch, Log};
use super::message::GroupId;
use super::state::Record;
use crate::process::Damage;
use crate::register::{self, Ballot, Held, Version};
use crate::{Cluster, DiskView, NodeId};
use std::sync::Arc;

/// The disks of a system, as far as they were read.
#[derive(Default)]
pub(super) struct Disks {
    read: BTreeMap<NodeId, (u32, usize)>,
    copies: BTreeMap<(NodeId, GroupId), Copy>,
    /// What each controller has accepted, by group.
    accepted: BTreeMap<(GroupId, NodeId), Accepted>,
    /// The newest charter of each group that is chosen: a majority of a location's controllers has it on disk.
    chosen: BTreeMap<GroupId, (Version, Charter)>,
    nothing: Copy,
}

/// What a controller has accepted, and with which ballot.
type Accepted = (Ballot, Arc<Held<Charter>>);

/// A node's copy of a group, on its disk.
#[derive(Default)]
pub(super) struct Copy {
    pub(super) promised: Epoch,
    pub(super) reigned: Epoch,
    /// Which copy it is, if it is one.
    pub(super) id: Option<CopyId>,
    pub(super) log: Log,
    /// Whether there was one once, which was wiped or has become rotten: it confirms nothing any more, and so stands in
    /// nobody's way.
    pub(super) is_lost: bool,
}

impl Disks {
    /// Takes note of what is new on a server's disk.
    pub(super) fn read(&mut self, cluster: &impl Cluster<SiblingQuorum>, server: NodeId) {
        let DiskView {
            generation,
            records,
        } = cluster.disk(server);
        let (known, mut read) = self.read.get(&server).copied().unwrap_or_default();
        if (known, read) == (generation, records.len()) && read > 0 {
            return;
        }
        if known != generation {
            read = 0;
            let copies = self
                .copies
                .iter_mut()
                .filter(|((node, _), _)| *node == server);
            for (_, copy) in copies {
                let is_lost = copy.is_lost || copy.id.is_some();
                *copy = Copy {
                    is_lost,
                    ..Copy::default()
                };
            }
        }
        let mut rotten = false;
        for record in &records[read..] {
            match record {
                Ok(record) => self.take(cluster, server, record),
                // Whatever stands behind a rotten record, the node does not read it.
                Err(Damage::Rotten) => rotten = true,
                Err(Damage::Torn) => {}
            }
        }
        if rotten {
            let copies = self
                .copies
                .iter_mut()
                .filter(|((node, _), _)| *node == server);
            copies.for_each(|(_, copy)| copy.is_lost = true);
        }
        self.read.insert(server, (generation, records.len()));
    }

    fn take(&mut self, cluster: &impl Cluster<SiblingQuorum>, server: NodeId, record: &Record) {
        match record {
            Record::Identity(_) => {}
            Record::Promise {
                group,
                promised,
                reigned,
                copy: id,
            } => {
                let copy = self.copies.entry((server, *group)).or_default();
                (copy.promised, copy.reigned) = (*promised, *reigned);
                copy.id = *id;
                copy.is_lost &= id.is_none();
            }
            Record::Base { group, at, .. } => {
                let copy = self.copies.entry((server, *group)).or_default();
                copy.log = Log::behind(*at);
            }
            Record::Entries {
                group,
                first,
                entries,
            } => {
                let log = &mut self.copies.entry((server, *group)).or_default().log;
                // Behind a hole, or before the base: nobody will ever read it.
                if *first <= log.last().seq.next() && *first > log.base().seq {
                    log.cut(first.before());
                    log.append(first.before(), entries);
                }
            }
            Record::Register(group, register::Record::Accepted(ballot, held)) => {
                let latest = (*ballot, Arc::clone(held));
                self.accepted.insert((*group, server), latest);
                self.choose(cluster, *group, *ballot);
            }
            Record::Register(_, register::Record::Promised(_)) => {}
        }
    }

    /// What a majority of those controllers who share a register has accepted with one ballot is chosen.
    fn choose(&mut self, cluster: &impl Cluster<SiblingQuorum>, group: GroupId, ballot: Ballot) {
        let all =
            (GroupId(group.0), NodeId::new('a', 1))..(GroupId(group.0 + 1), NodeId::new('a', 1));
        let with = self
            .accepted
            .range(all)
            .filter(|(_, (with, _))| *with == ballot);
        let holders = with.clone().count();
        let Some((_, (_, held))) = with.clone().next() else {
            return;
        };
        let proposer = ballot.node;
        let sharing = super::charter::location(proposer, self.locations(cluster));
        let is_one = |id: &&NodeId| {
            is_controller(**id)
                && super::charter::location(**id, self.locations(cluster)) == sharing
        };
        let members = cluster.servers().iter().filter(is_one).count();
        let newer = (held.value.epoch, held.version);
        let known = self.chosen.get(&group);
        let known = known.map(|(version, charter)| (charter.epoch, *version));
        if 2 * holders > members && known.is_none_or(|known| known < newer) {
            let chosen = (held.version, held.value.clone());
            self.chosen.insert(group, chosen);
        }
    }

    /// In how many locations the servers stand, as any of them says.
    fn locations(&self, cluster: &impl Cluster<SiblingQuorum>) -> u32 {
        let mut said = cluster.up().map(|(_, server)| server.locations());
        said.next().unwrap_or(1)
    }

    /// A node's copy of a group.
    pub(super) fn copy(&self, node: NodeId, group: GroupId) -> &Copy {
        self.copies.get(&(node, group)).unwrap_or(&self.nothing)
    }

    /// The newest charter that is chosen, once there is one beside that with which the group was founded.
    pub(super) fn charter(&self, group: GroupId) -> Option<&Charter> {
        self.chosen.get(&group).map(|(_, charter)| charter)
    }
}
