//! A state of a small world: everything that decides what can happen next, and no time.

use std::collections::VecDeque;

use netsplit::small_world::Record;
use netsplit::{Broken, Cluster, Config, Damage, DiskView, Life, Mode, NodeId, Ticket};
use smallvec::SmallVec;

use super::kept::{Kept, digest};

/// Everything that decides what can happen next.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct State<M: Mode, K> {
    /// In the order of the configuration.
    pub(super) nodes: SmallVec<[Kept<Node<M>>; 4]>,
    /// What is under way: link by link, and on each in the order in which it was sent if that matters, else in any order
    /// that is always the same.
    pub(super) parcels: Vec<Parcel<M>>,
    pub(super) spent: Spent<M>,
    pub(super) memory: Kept<K>,
    /// What does not hold. Nothing happens after that.
    pub(super) broken: Vec<Broken>,
}

/// One server, with what is its own: its disk, its alarms, and what waits for its disk.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Node<M: Mode> {
    pub(super) id: NodeId,
    pub(super) life: Life,
    pub(super) standing: Standing<M>,
    /// What is durable.
    pub(super) disk: Vec<Result<Record<M>, Damage>>,
    /// What is written and not durable.
    pub(super) cache: Vec<Write<M>>,
    /// Flushes that are not done, and how much of the cache each covers.
    pub(super) flushes: VecDeque<(Ticket, usize)>,
    /// The last flush asked for. It starts again from zero whenever none is under way.
    pub(super) ticket: Ticket,
    /// What waits to be seen by others until a flush is done.
    pub(super) held: Vec<(Ticket, NodeId, M::Message)>,
    /// The alarms that are set, in an order that is always the same.
    pub(super) alarms: Vec<M::Timer>,
}

/// Whether a server is up.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum Standing<M: Mode> {
    /// It is.
    Up(M::Server),
    /// It stopped, and will be started again.
    Stopped,
    /// It stopped while it was started, and stays away.
    Lost,
}

/// A write that is in the cache.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum Write<M: Mode> {
    Append(Record<M>),
    Replace(Vec<Record<M>>),
}

/// A message under way.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Parcel<M: Mode> {
    pub(super) link: Link,
    pub(super) message: Kept<M::Message>,
}

/// From which server to which, by their places.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Link {
    pub(super) from: u8,
    pub(super) to: u8,
}

/// How much has happened of what may only happen so often.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Spent<M: Mode> {
    pub(super) crashes: u8,
    pub(super) doubles: u8,
    /// By question.
    pub(super) asked: SmallVec<[u8; 4]>,
    /// By alarm, in an order that is always the same.
    pub(super) fired: Vec<(M::Timer, u8)>,
}

impl<M: Mode> Node<M> {
    pub(super) fn server(&self) -> Option<&M::Server> {
        match &self.standing {
            Standing::Up(server) => Some(server),
            Standing::Stopped | Standing::Lost => None,
        }
    }

    pub(super) fn arm(&mut self, timer: M::Timer) {
        if !self.alarms.contains(&timer) {
            self.alarms.push(timer);
            self.alarms.sort_by_key(digest);
        }
    }

    pub(super) fn disarm(&mut self, timer: M::Timer) {
        self.alarms.retain(|set| *set != timer);
    }

    /// It crashes: what waited and what was set is gone. What is left of the cache is seen when it is started again.
    pub(super) fn fall(&mut self) {
        self.standing = Standing::Stopped;
        self.flushes.clear();
        self.ticket = Ticket(0);
        self.held.clear();
        self.alarms.clear();
    }

    /// Makes the first so many writes of the cache durable.
    pub(super) fn write_through(&mut self, writes: usize) {
        for write in self.cache.drain(..writes) {
            match write {
                Write::Append(record) => self.disk.push(Ok(record)),
                Write::Replace(records) => self.disk = records.into_iter().map(Ok).collect(),
            }
        }
    }
}

impl<M: Mode> Spent<M> {
    pub(super) fn fired(&self, timer: &M::Timer) -> u8 {
        let known = self.fired.iter().find(|(other, _)| other == timer);
        known.map_or(0, |(_, times)| *times)
    }

    pub(super) fn fire(&mut self, timer: M::Timer) {
        match self.fired.iter_mut().find(|(other, _)| *other == timer) {
            Some((_, times)) => *times += 1,
            None => {
                self.fired.push((timer, 1));
                self.fired.sort_by_key(|(timer, _)| digest(timer));
            }
        }
    }
}

impl<M: Mode, K> State<M, K> {
    /// The first link that holds more than there is room for.
    pub(super) fn crowded(&self, room: usize) -> Option<Link> {
        let mut runs = self.parcels.windows(room + 1);
        let run = runs.find(|run| run[0].link == run[room].link)?;
        Some(run[0].link)
    }

    /// Puts a message on its link.
    pub(super) fn send(&mut self, link: Link, message: Kept<M::Message>, ordered: bool) {
        let place = self.parcels.partition_point(|parcel| {
            let before =
                parcel.link == link && (ordered || parcel.message.digest() <= message.digest());
            parcel.link < link || before
        });
        self.parcels.insert(place, Parcel { link, message });
    }
}

/// The servers as an invariant sees them, while one of them is in the middle of a step.
pub(super) struct View<'a, M: Mode> {
    pub(super) config: &'a Config<M>,
    pub(super) nodes: &'a [Kept<Node<M>>],
    pub(super) moving: Option<&'a Node<M>>,
}

impl<M: Mode> View<'_, M> {
    fn node(&self, id: NodeId) -> Option<&Node<M>> {
        let moving = self.moving.filter(|node| node.id == id);
        let rests = || self.nodes.iter().find(|node| node.id == id);
        moving.or_else(|| rests().map(|node| &**node))
    }
}

impl<M: Mode> Cluster<M> for View<'_, M> {
    fn servers(&self) -> &[NodeId] {
        &self.config.servers
    }

    fn server(&self, id: NodeId) -> Option<&M::Server> {
        self.node(id)?.server()
    }

    fn clients(&self) -> &[NodeId] {
        &[]
    }

    fn client(&self, _: NodeId) -> Option<&M::Client> {
        None
    }

    fn is_sound(&self, node: NodeId) -> bool {
        self.server(node).is_some()
    }

    fn life(&self, node: NodeId) -> Life {
        self.node(node).map_or(Life(0), |node| node.life)
    }

    /// The generation is a digest, since a disk that is tidied is another one each time.
    fn disk(&self, node: NodeId) -> DiskView<'_, Record<M>> {
        let records = self.node(node).map_or(&[][..], |node| &node.disk);
        DiskView {
            generation: digest(&records) as u32,
            records,
        }
    }
}
