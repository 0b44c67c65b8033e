//! What a session or data server knows of the others, and how: by heartbeats to the meta leader.

use std::sync::Arc;

use super::SessionData;
use super::message::{Beat, Message, Timer};
use super::names::{META, ProcessId};
use super::options::Options;
use super::table::{Roster, Table};
use crate::process::Config;
use crate::{NodeId, Outbox};

/// What is new, if anything.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct News {
    /// Another slot table is in force.
    pub table: bool,
    /// Another list of servers is.
    pub roster: bool,
}

/// The heartbeats of one server, and what came back.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Beats {
    me: ProcessId,
    /// The meta servers, and which is thought to lead.
    metas: Arc<[NodeId]>,
    leader: usize,
    /// Whether the last heartbeat was answered.
    answered: bool,
    /// The highest term heard of.
    term: u32,
    /// The slot table in force.
    pub table: Arc<Table>,
    /// The list of servers in force.
    pub roster: Arc<Roster>,
}

impl Beats {
    /// One that has not been heard yet.
    pub fn new(me: ProcessId, config: &Config<SessionData>) -> Beats {
        let metas = config.servers.iter().filter(|id| id.letter() == META);
        let metas: Arc<[NodeId]> = metas.copied().collect();
        Beats {
            me,
            leader: me.node.number() as usize % metas.len(),
            metas,
            answered: true,
            term: 0,
            table: Arc::default(),
            roster: Arc::default(),
        }
    }

    /// Makes itself heard, and will do so again.
    pub fn beat(&mut self, migrating: u32, options: &Options, out: &mut Outbox<SessionData>) {
        if !self.answered {
            self.leader = (self.leader + 1) % self.metas.len();
        }
        self.answered = false;
        out.arm(Timer::Beat, options.meta.heartbeat);
        // A leader of a later term than the table's may not know it.
        let known = (self.table.epoch.term < self.term).then(|| Arc::clone(&self.table));
        let beat = Beat {
            process: self.me,
            table: self.table.epoch,
            roster: self.roster.epoch,
            known,
            migrating,
        };
        out.send(self.metas[self.leader], Message::Beat(beat));
    }

    /// The meta leader answers. What an older one says is no news.
    pub fn on_beaten(
        &mut self,
        term: u32,
        table: Option<Arc<Table>>,
        roster: Option<Arc<Roster>>,
    ) -> News {
        self.answered = true;
        if term < self.term {
            return News::default();
        }
        self.term = term;
        let mut news = News::default();
        if let Some(table) = table.filter(|table| table.epoch > self.table.epoch) {
            self.table = table;
            news.table = true;
        }
        if let Some(roster) = roster.filter(|roster| roster.epoch > self.roster.epoch) {
            self.roster = roster;
            news.roster = true;
        }
        news
    }

    /// Another meta server says who leads. If that is nobody, the next is asked in time.
    pub fn on_leader(
        &mut self,
        leader: Option<NodeId>,
        options: &Options,
        out: &mut Outbox<SessionData>,
    ) {
        let place = leader.and_then(|leader| self.metas.iter().position(|id| *id == leader));
        if let Some(place) = place.filter(|place| *place != self.leader) {
            self.leader = place;
            self.answered = true;
            // Soon, and not at once: two who think each other the leader would be asked in turn without end.
            out.arm(Timer::Beat, options.meta.heartbeat / 10);
        }
    }
}
