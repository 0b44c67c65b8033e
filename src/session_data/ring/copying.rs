//! How data servers of the fifth generation copy: owners from the first among them, and newcomers from everybody.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::SessionData;
use super::super::beats::News;
use super::super::message::{CallId, Message, Timer};
use super::super::names::Version;
use super::super::note::Note;
use super::consistent_hash::ConsistentHash;
use super::data::{Asked, RingData};
use super::word::{Alarm, Word};
use crate::kv::Key;
use crate::{NodeId, Outbox};

/// What a data server knows of the others under the list in force.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Reports {
    /// Whose report it has followed.
    heard: BTreeSet<NodeId>,
    /// Who has not followed its own.
    open: BTreeMap<NodeId, CallId>,
    /// Who is known not to work yet; also from earlier lists.
    not_working: BTreeSet<NodeId>,
}

impl RingData {
    /// There is another list: everybody on it is told what is its own by now, and was not. Whatever was still to be fetched
    /// under the list before is given up.
    pub(super) fn on_news(&mut self, news: News, out: &mut Outbox<SessionData>) {
        if !news.roster {
            return;
        }
        let ring = &self.config.options.ring;
        let next = ConsistentHash::of(&self.beats.roster.data, ring.virtual_nodes);
        self.before = std::mem::replace(&mut self.ring, next);
        for node in self.reports.open.keys() {
            out.disarm(Timer::Ring(Alarm::Report(*node)));
        }
        self.reports.heard.clear();
        self.reports.open.clear();
        let listed = |node: &NodeId| self.ring.life(*node).is_some();
        self.reports.not_working.retain(listed);
        if ring.sweeps && (ring.sweep_restarts || self.list_is_first()) {
            out.arm(Timer::Ring(Alarm::Sweep), ring.sweep);
        }
        out.arm(Timer::Ring(Alarm::Clean), ring.clean_delay);
        self.report_to_all(out);
        self.works_if_all_are_heard(out);
    }

    fn list_is_first(&self) -> bool {
        self.before.servers().next().is_none()
    }

    fn is_listed(&self) -> bool {
        self.ring.life(self.me.node) == Some(self.me.life)
    }

    fn report_to_all(&mut self, out: &mut Outbox<SessionData>) {
        if self.is_listed() {
            let me = self.me.node;
            let others: Vec<NodeId> = self.ring.servers().filter(|node| *node != me).collect();
            for node in others {
                self.report(node, out);
            }
        }
    }

    fn report(&mut self, to: NodeId, out: &mut Outbox<SessionData>) {
        let call = self.calls.name();
        self.reports.open.insert(to, call);
        self.send_report(to, call, out);
    }

    pub(super) fn report_again(&mut self, to: NodeId, out: &mut Outbox<SessionData>) {
        if let Some(call) = self.reports.open.get(&to).copied() {
            self.send_report(to, call, out);
        }
    }

    fn send_report(&self, to: NodeId, call: CallId, out: &mut Outbox<SessionData>) {
        let word = Word::Report {
            call,
            list: self.list(),
            working: self.working,
            services: self.news_for(to),
        };
        out.send(to, Message::Ring(word));
        let again = self.config.options.ring.report_again;
        out.arm(Timer::Ring(Alarm::Report(to)), again);
    }

    /// What another owns by this list and did not own by the last; or all that it owns, if it has just started.
    fn news_for(&self, to: NodeId) -> Arc<[(Key, Version)]> {
        let ring = &self.config.options.ring;
        if !ring.copies {
            return Arc::default();
        }
        let is_new =
            self.before.life(to) != self.ring.life(to) || self.reports.not_working.contains(&to);
        let owns = |list: &ConsistentHash, key| list.owners(key, ring.store_nodes).contains(&to);
        let all = self.store.iter();
        let news =
            all.filter(|(key, _)| owns(&self.ring, *key) && (is_new || !owns(&self.before, *key)));
        news.map(|(key, datum)| (key, datum.version)).collect()
    }

    /// What other data servers say.
    pub(super) fn on_peer(&mut self, from: NodeId, word: Word, out: &mut Outbox<SessionData>) {
        match word {
            Word::Newer(call, changes) => {
                out.send(from, Message::Noted(call));
                self.pull_newer(from, &changes, out);
            }
            Word::Pull(call, service, since) => {
                let (version, copy) = self.store.since(service, since);
                out.send(from, Message::Ring(Word::Pulled(call, version, copy)));
            }
            Word::Pulled(call, version, copy) => {
                if let Some(Asked::Pull(service, since)) = self.calls.answered(call, from, out) {
                    self.store.copy(service, since, (version, &copy));
                }
            }
            Word::Report {
                call,
                list,
                working,
                services,
            } if list == self.list() => {
                self.on_report(from, call, (working, &services), out);
            }
            Word::Reported(call) if self.reports.open.get(&from) == Some(&call) => {
                self.reports.open.remove(&from);
                out.disarm(Timer::Ring(Alarm::Report(from)));
            }
            _ => {}
        }
    }

    /// Another says what it should fetch. It answers when it has; until then it is told again.
    fn on_report(
        &mut self,
        from: NodeId,
        call: CallId,
        (working, services): (bool, &[(Key, Version)]),
        out: &mut Outbox<SessionData>,
    ) {
        if working {
            self.reports.not_working.remove(&from);
        } else if self.reports.not_working.insert(from) {
            self.report(from, out);
        }
        if self.pull_newer(from, services, out) {
            return;
        }
        out.send(from, Message::Ring(Word::Reported(call)));
        self.reports.heard.insert(from);
        self.works_if_all_are_heard(out);
    }

    /// Once everybody on the list was heard it takes writes. Until then it may be missing something.
    fn works_if_all_are_heard(&mut self, out: &mut Outbox<SessionData>) {
        let heard = |node: NodeId| node == self.me.node || self.reports.heard.contains(&node);
        if self.working || !self.is_listed() || !self.ring.servers().all(heard) {
            return;
        }
        self.working = true;
        out.note(Note::Works(self.list()));
        let delay = self.config.options.ring.renew_enable;
        out.arm(Timer::Ring(Alarm::Enable), delay);
        self.report_to_all(out);
    }

    /// Asks for what another has newer. Whether there is any of that.
    fn pull_newer(
        &mut self,
        from: NodeId,
        services: &[(Key, Version)],
        out: &mut Outbox<SessionData>,
    ) -> bool {
        let mut is_behind = false;
        for (service, version) in services {
            let mine = self.store.version(*service);
            if *version <= mine {
                continue;
            }
            is_behind = true;
            let asked = Asked::Pull(*service, mine);
            if !self.calls.any(|one| *one == asked) {
                let timeout = self.config.options.data.timeout;
                let call = self.calls.expect(from, asked, timeout, out);
                let word = Word::Pull(call, *service, mine);
                out.send(from, Message::Ring(word));
            }
        }
        is_behind
    }

    /// The other owners will be told that a service has changed.
    pub(super) fn will_copy(&mut self, service: Key, out: &mut Outbox<SessionData>) {
        let ring = &self.config.options.ring;
        if ring.copies && self.owns(service) {
            if self.to_copy.is_empty() {
                out.arm(Timer::Ring(Alarm::Copies), ring.copy_delay);
            }
            self.to_copy.insert(service);
        }
    }

    pub(super) fn tell_copies(&mut self, out: &mut Outbox<SessionData>) {
        let number = self.config.options.ring.store_nodes;
        let mut by_owner: BTreeMap<NodeId, Vec<(Key, Version)>> = BTreeMap::new();
        for service in std::mem::take(&mut self.to_copy) {
            let version = self.store.version(service);
            let owners = self.ring.owners(service, number);
            for owner in owners.into_iter().filter(|node| *node != self.me.node) {
                by_owner.entry(owner).or_default().push((service, version));
            }
        }
        for (owner, changes) in by_owner {
            self.send_newer(owner, changes.into(), 0, out);
        }
    }

    pub(super) fn send_newer(
        &mut self,
        to: NodeId,
        changes: Arc<[(Key, Version)]>,
        tries: u32,
        out: &mut Outbox<SessionData>,
    ) {
        let timeout = self.config.options.data.timeout;
        let asked = Asked::Newer(Arc::clone(&changes), tries);
        let call = self.calls.expect(to, asked, timeout, out);
        out.send(to, Message::Ring(Word::Newer(call, changes)));
    }

    /// Drops what it does not own, a while after the last change of the list.
    pub(super) fn clean(&mut self, out: &mut Outbox<SessionData>) {
        let number = self.config.options.ring.store_nodes;
        let all = self.store.iter().map(|(service, _)| service);
        let foreign = |service: &Key| !self.ring.owners(*service, number).contains(&self.me.node);
        let foreign: Vec<Key> = all.filter(foreign).collect();
        if !self.is_listed() {
            return;
        }
        for service in foreign {
            out.note(Note::DropsService(service));
            self.store.drop_service(service);
        }
    }
}
