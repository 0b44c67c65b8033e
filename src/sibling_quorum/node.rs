//! A managing node: one replica of each group, be it main, sibling or neither.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::SiblingQuorum;
use super::charter::{Charter, CopyId};
use super::log::{Epoch, Position};
use super::message::{GroupId, Message, Timer};
use super::note::Note;
use super::replica::{Replica, Standing};
use super::resource::Resource;
use super::state::{Record, Recovered, inspect, recover};
use crate::kv::{Key, Value};
use crate::process::{Config, Damage, Input, Role};
use crate::{NodeId, Now, Outbox};

/// Keys from here on are of the resources that a group is formatted with.
const FORMATTED: u32 = 1 << 24;

/// A managing node.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Node {
    /// Its replicas, by group: the place of each is its number.
    pub replicas: Vec<Replica>,
}

/// What is on the disk of a managing node before its first start: its name, and a copy of each group that it belongs to.
pub(super) fn format(config: &Config<SiblingQuorum>, me: NodeId) -> Vec<Record> {
    let mut records = vec![Record::Identity(me)];
    for group in (0..config.options.groups).map(GroupId) {
        if Charter::founding(config, group).has(me) {
            records.push(Record::Base {
                group,
                at: Position::default(),
                copies: formatted(config, group).collect(),
            });
            records.push(Record::Promise {
                group,
                promised: Epoch(1),
                reigned: Epoch(0),
                copy: Some(CopyId::default()),
            });
        }
    }
    records
}

fn formatted(
    config: &Config<SiblingQuorum>,
    group: GroupId,
) -> impl Iterator<Item = (Key, Resource)> {
    let (groups, bytes) = (config.options.groups, config.options.resource_bytes);
    (0..config.options.resources).map(move |number| {
        let key = Key(FORMATTED + number * groups + group.0);
        let name = u64::from(key.0) << 32;
        (key, Resource::holding(Value { name, bytes }))
    })
}

impl Node {
    pub(super) fn boot(
        config: &Arc<Config<SiblingQuorum>>,
        me: NodeId,
        disk: &[Result<Record, Damage>],
        out: &mut Outbox<SiblingQuorum>,
    ) -> Node {
        if disk.last() == Some(&Err(Damage::Torn)) {
            out.note(Note::FindsTornTail);
        }
        let found = inspect(disk).and_then(|()| recover(disk));
        let mut found = found.unwrap_or_else(|unfit| {
            // What it promised and confirmed is lost: it has no copy of anything any more, and asks to be made a
            // sibling anew.
            out.note(unfit.note());
            out.rewrite(vec![Record::Identity(me)]);
            out.flush();
            BTreeMap::<GroupId, Recovered>::new()
        });
        let replica = |group| {
            let found = found.remove(&group).unwrap_or_default();
            Replica::boot(me, group, config, found, out)
        };
        let groups = (0..config.options.groups).map(GroupId);
        Node {
            replicas: groups.map(replica).collect(),
        }
    }

    pub(super) fn step(
        &mut self,
        now: Now,
        input: Input<SiblingQuorum>,
        out: &mut Outbox<SiblingQuorum>,
    ) {
        match input {
            Input::Delivered(from, Message { group, word }) => {
                if let Some(replica) = self.replica(group) {
                    replica.on_word(now, from, word, out);
                }
            }
            Input::Fired(timer) => self.on_alarm(now, timer, out),
            Input::Flushed(ticket) => {
                let replicas = self.replicas.iter_mut();
                replicas.for_each(|replica| replica.on_flushed(now, ticket, out));
            }
            // Memory is ahead of the disk now, and nobody knows by how much: a restart reads what is truly there.
            Input::Failed(error) => {
                out.note(Note::DiskFailed(error));
                out.stop("its disk failed");
            }
            Input::Quit => self.on_quit(now, out),
            // They speak in datagrams, among servers that know each other.
            Input::Opened { .. } | Input::Arrived(..) | Input::Credit(..) | Input::Closed(..) => {}
            Input::Resolved(_) | Input::Requested(..) => {}
        }
    }

    /// What it promised is flushed. A main says that it goes, so that nobody has to wait for its lease.
    fn on_quit(&mut self, now: Now, out: &mut Outbox<SiblingQuorum>) {
        for replica in &mut self.replicas {
            if let Some(epoch) = replica.reigns() {
                replica.retire(now, out);
                replica.resign(epoch, out);
            }
        }
        out.stop("was asked to quit");
    }

    fn on_alarm(&mut self, now: Now, timer: Timer, out: &mut Outbox<SiblingQuorum>) {
        match timer {
            Timer::Heartbeat(group) => {
                if let Some(replica) = self.replica(group) {
                    replica.on_heartbeat(now, out);
                }
            }
            Timer::Again(group, node) => {
                if let Some(replica) = self.replica(group) {
                    replica.on_again(node, out);
                }
            }
            Timer::Register(group) => {
                if let Some(replica) = self.replica(group) {
                    replica.on_register(out);
                }
            }
            // The affairs of controllers and users.
            Timer::Watch(_) | Timer::LeaseOver(_) | Timer::Search(_) | Timer::Decide(_) => {}
            Timer::Retry | Timer::Watched | Timer::GiveUp => {}
        }
    }

    fn replica(&mut self, group: GroupId) -> Option<&mut Replica> {
        self.replicas.get_mut(group.0 as usize)
    }

    /// What it is to that group of which it is the most: its main, a sibling, on its way in, or nothing.
    pub(super) fn role(&self) -> Role {
        let rank = |name, rank| Role { name, rank };
        let roles = self.replicas.iter().map(|replica| match &replica.standing {
            Standing::Main(office) => (3, rank("main", office.epoch.0)),
            Standing::Newcomer(_) => (2, rank("newcomer", 0)),
            Standing::Sibling(_) => (1, rank("sibling", 0)),
            Standing::Outside => (0, rank("outsider", 0)),
        });
        let most = roles.max_by_key(|(most, role)| (*most, role.rank));
        most.map_or(rank("outsider", 0), |(_, role)| role)
    }
}
