//! A meta server: one of them, by a lock that all share, says who is there and which slot is whose.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::SessionData;
use super::arrange::arrange;
use super::lock::{Lock, Record, Speech, Unfit, recover};
use super::message::{Beat, Message, Timer};
use super::names::{DATA, Epoch, META, ProcessId, SESSION};
use super::note::Note;
use super::table::{Roster, Table};
use crate::process::{Config, Damage, DiskError, Input, Role};
use crate::register::{
    Act, Answer, Change, ChangeId, Fate, Pace, Register, Verdict, Version, carry_out,
};
use crate::{Life, NodeId, Now, Outbox, Span, SpanRange, Time};

/// How patient the lock's register is. The source has a database there, and names no figure.
const PACE: Pace = Pace {
    patience: SpanRange::new(Span::millis(100), Span::millis(200)),
    backoff: SpanRange::new(Span::millis(5), Span::millis(50)),
};

/// A meta server.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Meta {
    pub(super) me: ProcessId,
    config: Arc<Config<SessionData>>,
    register: Register<Lock>,
    /// The lock as it was last seen, and since when it stands so.
    seen: Option<(Version, Lock, Time)>,
    /// What the register is asked for, since when.
    asked: Option<Time>,
    asked_for: u64,
    /// What it does if it leads.
    pub(super) reign: Option<Reign>,
}

/// A meta server's time as the leader.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Reign {
    /// Its number.
    pub term: u32,
    /// Until when it trusts its lock.
    pub(super) until: Time,
    /// Until when it only listens.
    listens_until: Time,
    /// Who makes itself heard.
    heard: BTreeMap<NodeId, Heard>,
    /// How many epochs it gave.
    given: u32,
    /// The slot table in force: what is known of it at first, then its own.
    pub table: Arc<Table>,
    /// The list of servers; none while it listens.
    pub roster: Arc<Roster>,
}

/// A server that makes itself heard.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Heard {
    life: Life,
    last: Time,
    migrating: u32,
}

/// What is on a meta server's disk before its first start.
pub(super) fn format(me: NodeId) -> Vec<Record> {
    vec![Record::Identity(me)]
}

impl Reign {
    /// An epoch that nobody else gives.
    pub(super) fn epoch(&mut self) -> Epoch {
        self.given += 1;
        Epoch {
            term: self.term,
            count: self.given,
        }
    }
}

impl Meta {
    pub(super) fn boot(
        config: &Arc<Config<SessionData>>,
        me: ProcessId,
        disk: &[Result<Record, Damage>],
        out: &mut Outbox<SessionData>,
    ) -> Meta {
        let metas: Vec<NodeId> = config
            .servers
            .iter()
            .copied()
            .filter(|id| id.letter() == META)
            .collect();
        let mut meta = Meta {
            me,
            config: Arc::clone(config),
            register: Register::new(me.node, &metas, me.life, Lock::default(), PACE),
            seen: None,
            asked: None,
            asked_for: 0,
            reign: None,
        };
        if disk.last() == Some(&Err(Damage::Torn)) {
            out.note(Note::FindsTornTail);
        }
        match recover(disk) {
            Ok(records) => records
                .into_iter()
                .for_each(|record| meta.register.recover(record)),
            Err(Unfit::Wiped) => {
                out.note(Note::FindsItselfWiped);
                out.stop("its disk was wiped: what it promised is lost");
            }
            Err(Unfit::Rotten) => {
                out.note(Note::FindsRot);
                out.stop("a record on disk is rotten: what it promised is lost");
            }
        }
        let elect = config.options.meta.elect;
        out.arm(Timer::Elect, SpanRange::new(Span::ZERO, elect));
        meta
    }

    pub(super) fn step(
        &mut self,
        now: Now,
        input: Input<SessionData>,
        out: &mut Outbox<SessionData>,
    ) {
        match input {
            Input::Delivered(from, Message::Lock(message)) => {
                let acts = self.register.on_message(from, message);
                self.carry_out(now, acts, out);
            }
            Input::Delivered(from, Message::Beat(beat)) => self.on_beat(now, from, beat, out),
            Input::Fired(Timer::Register) => {
                let acts = self.register.on_alarm();
                self.carry_out(now, acts, out);
            }
            Input::Fired(Timer::Elect) => self.on_elect(now, out),
            Input::Fired(Timer::Arrange) => self.on_arrange(now, out),
            Input::Failed(error) => self.on_disk_error(error, out),
            Input::Quit => out.stop("was asked to quit"),
            // Nothing waits for a flush but what the outbox holds back, and nobody connects to it.
            Input::Flushed(_) | Input::Resolved(_) | Input::Requested(..) => {}
            Input::Opened { .. } | Input::Arrived(..) | Input::Credit(..) | Input::Closed(..) => {}
            Input::Delivered(..) | Input::Fired(_) => {}
        }
    }

    fn on_disk_error(&self, error: DiskError, out: &mut Outbox<SessionData>) {
        out.note(Note::DiskFailed(error));
        out.stop("its disk failed");
    }

    /// Whether it leads, as far as it may trust its lock.
    fn reigns(&mut self, now: Now) -> Option<&mut Reign> {
        self.reign.as_mut().filter(|reign| now.mono < reign.until)
    }

    /// Renews its lock; or looks at another's, and takes it when it has not been renewed for too long. One that it holds
    /// and has ceased to trust it takes anew: what it gave in that term it may have forgotten.
    fn on_elect(&mut self, now: Now, out: &mut Outbox<SessionData>) {
        out.arm(Timer::Elect, self.config.options.meta.elect);
        if self.reigns(now).is_none() {
            self.yields(out);
        }
        if self.asked.is_some() {
            return;
        }
        let change = match (self.seen, &self.reign) {
            (Some((version, lock, _)), Some(_)) => {
                let renewals = lock.renewals + 1;
                let to = Lock { renewals, ..lock };
                Change::Swap { from: version, to }
            }
            (Some((version, lock, since)), None)
                if lock.holder.is_none_or(|holder| holder == self.me)
                    || now.mono.since(since) >= self.config.options.meta.lock =>
            {
                let to = Lock {
                    holder: Some(self.me),
                    term: lock.term + 1,
                    renewals: 0,
                };
                Change::Swap { from: version, to }
            }
            _ => Change::Look,
        };
        self.asked = Some(now.mono);
        self.asked_for += 1;
        let id = ChangeId {
            by: self.me.node,
            life: self.me.life,
            seq: self.asked_for,
        };
        let acts = self.register.ask(id, change);
        self.carry_out(now, acts, out);
    }

    fn carry_out(&mut self, now: Now, acts: Vec<Act<Lock>>, out: &mut Outbox<SessionData>) {
        for answer in carry_out(acts, &Speech, out) {
            self.on_answer(now, &answer, out);
        }
    }

    /// What became of what it asked for.
    fn on_answer(&mut self, now: Now, answer: &Answer<Lock>, out: &mut Outbox<SessionData>) {
        let Some(asked) = self.asked.take() else {
            return;
        };
        let (version, lock) = (answer.held.version, answer.held.value);
        if self.seen.is_none_or(|(known, ..)| known != version) {
            self.seen = Some((version, lock, now.mono));
        }
        let made = matches!(answer.fate, Fate::Decided(Verdict::Made(_)));
        if lock.holder != Some(self.me) || !made {
            // Somebody else holds it, or will soon.
            if lock.holder != Some(self.me) {
                self.yields(out);
            }
            return;
        }
        let options = &self.config.options.meta;
        // It counts from when it was asked for: from then on others may have seen it.
        let until = asked + options.trust;
        if now.mono >= until {
            return;
        }
        match &mut self.reign {
            Some(reign) if reign.term == lock.term => reign.until = until,
            // It has ceased to lead meanwhile.
            _ if lock.renewals > 0 => {}
            _ => {
                out.note(Note::Reigns(lock.term));
                out.arm(Timer::Arrange, options.arrange);
                self.reign = Some(Reign {
                    term: lock.term,
                    until,
                    listens_until: now.mono + options.warm_up,
                    heard: BTreeMap::new(),
                    given: 0,
                    table: Arc::default(),
                    roster: Arc::default(),
                });
            }
        }
    }

    fn yields(&mut self, out: &mut Outbox<SessionData>) {
        if let Some(reign) = self.reign.take() {
            out.note(Note::Yields(reign.term));
            out.disarm(Timer::Arrange);
        }
    }

    /// A session or data server makes itself heard: it is told what it does not know.
    fn on_beat(&mut self, now: Now, from: NodeId, beat: Beat, out: &mut Outbox<SessionData>) {
        let holder = self.seen.and_then(|(_, lock, _)| lock.holder);
        let Some(reign) = self.reigns(now) else {
            let leader = holder.map(|holder| holder.node);
            return out.send(from, Message::Leader(leader));
        };
        let ProcessId { node, life } = beat.process;
        let heard = Heard {
            life,
            last: now.mono,
            migrating: beat.migrating,
        };
        let known = reign.heard.get(&node);
        if known.is_some_and(|known| known.life > life) {
            return;
        }
        let is_new = known.is_none_or(|known| known.life < life);
        reign.heard.insert(node, heard);
        if let Some(table) = beat.known.filter(|table| table.epoch > reign.table.epoch) {
            reign.table = table;
        }
        if is_new && now.mono >= reign.listens_until {
            reign.list();
        }
        let table = (reign.table.epoch > beat.table).then(|| Arc::clone(&reign.table));
        let roster = (reign.roster.epoch > beat.roster).then(|| Arc::clone(&reign.roster));
        let term = reign.term;
        out.send(
            from,
            Message::Beaten {
                term,
                table,
                roster,
            },
        );
    }

    /// Takes who is gone off the list, and sees that every slot has a leader and its followers.
    fn on_arrange(&mut self, now: Now, out: &mut Outbox<SessionData>) {
        let options = Arc::clone(&self.config);
        let options = &options.options;
        out.arm(Timer::Arrange, options.meta.arrange);
        let Some(reign) = self.reigns(now) else {
            return;
        };
        if now.mono < reign.listens_until {
            return;
        }
        let before = reign.heard.len();
        reign.heard.retain(|node, heard| {
            let stays = now.mono.since(heard.last) <= options.meta.lease;
            if !stays {
                out.note(Note::Evicts(*node));
            }
            stays
        });
        let is_first = reign.roster.epoch == Epoch::default();
        if is_first || reign.heard.len() != before {
            reign.list();
        }
        let is_quiet = reign.heard.values().all(|heard| heard.migrating == 0);
        let data: Vec<NodeId> = reign.roster.data.keys().copied().collect();
        let mut table = (*reign.table).clone();
        let mut epochs = || {
            reign.given += 1;
            Epoch {
                term: reign.term,
                count: reign.given,
            }
        };
        // What it has learned may not be the newest table that was ever given: whoever knew that may be gone. So every slot
        // is led under a number of its own term, and compared again, before anybody shows anything.
        if table.epoch.term < reign.term {
            table
                .slots
                .iter_mut()
                .for_each(|slot| slot.leadership = epochs());
        }
        let changed = arrange(&mut table, &data, options, is_quiet, &mut epochs);
        if changed || (table.epoch.term < reign.term && !table.slots.is_empty()) {
            table.epoch = epochs();
            out.note(Note::Arranges(table.epoch));
            let epoch = table.epoch;
            reign.table = Arc::new(table);
            for node in reign.heard.keys() {
                out.send(*node, Message::News(epoch));
            }
        }
    }

    pub(super) fn role(&self) -> Option<Role> {
        self.reign.as_ref().map(|reign| Role {
            name: "meta_leader",
            rank: u64::from(reign.term),
        })
    }

    pub(super) fn gauges(&self) -> Vec<(&'static str, u64)> {
        let heard = self.reign.as_ref().map_or(0, |reign| reign.heard.len());
        vec![("heard", heard as u64)]
    }
}

impl Reign {
    /// Makes another list of those who make themselves heard.
    fn list(&mut self) {
        let of = |letter| {
            let all = self
                .heard
                .iter()
                .filter(move |(node, _)| node.letter() == letter);
            all.map(|(node, heard)| (*node, heard.life)).collect()
        };
        let (sessions, data) = (of(SESSION), of(DATA));
        let epoch = self.epoch();
        self.roster = Arc::new(Roster {
            epoch,
            sessions,
            data,
        });
    }
}
