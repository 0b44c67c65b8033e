//! How a data server tells session servers what has changed: gathered for a while, in batches, a few times each.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::SessionData;
use super::data::Data;
use super::message::{CallId, Message, Timer};
use super::names::{SlotId, Version};
use super::note::Note;
use crate::kv::Key;
use crate::queue::Losable;
use crate::{NodeId, Outbox};

/// The services that session servers are to be told of.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Changes {
    capacity: usize,
    services: BTreeSet<Key>,
}

impl Changes {
    /// None yet, with room for so many.
    pub fn new(capacity: usize) -> Changes {
        Changes {
            capacity,
            services: BTreeSet::new(),
        }
    }
}

impl Losable for Changes {
    fn waiting(&self) -> usize {
        self.services.len()
    }

    fn lose(&mut self, count: usize) {
        for _ in 0..count {
            self.services.pop_last();
        }
    }
}

/// A notice that is not answered yet.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Notice {
    to: NodeId,
    changes: Arc<[(Key, Version)]>,
    tries: u32,
}

impl Data {
    /// Session servers are to be told of a service. What there is no room for they find out by comparing versions.
    pub(super) fn note_change(&mut self, service: Key, out: &mut Outbox<SessionData>) {
        let Changes { capacity, services } = &mut self.changes;
        if services.is_empty() {
            out.arm(Timer::Notify, self.config.options.data.notify);
        }
        if services.len() < *capacity {
            services.insert(service);
        }
    }

    /// Tells every session server that is connected.
    pub(super) fn notify(&mut self, out: &mut Outbox<SessionData>) {
        let services = std::mem::take(&mut self.changes.services);
        let slots = self.config.options.slots;
        let with_version = |service: Key| {
            let holding = self.slots.get(&SlotId::of(service, slots))?;
            let group = holding.store.group(service).filter(|_| holding.serves())?;
            Some((service, group.version))
        };
        let changes: Vec<(Key, Version)> = services.into_iter().filter_map(with_version).collect();
        let sessions: BTreeSet<NodeId> =
            self.connected.keys().map(|stream| stream.opener).collect();
        for changes in changes.chunks(self.config.options.data.notices) {
            let changes: Arc<[(Key, Version)]> = changes.into();
            for to in &sessions {
                let call = self.calls.name();
                let notice = Notice {
                    to: *to,
                    changes: Arc::clone(&changes),
                    tries: 0,
                };
                self.send_notice(call, notice, out);
            }
        }
    }

    fn send_notice(&mut self, call: CallId, notice: Notice, out: &mut Outbox<SessionData>) {
        let changes = Arc::clone(&notice.changes);
        out.send(notice.to, Message::Changed(call, changes));
        out.arm(Timer::Retry(call), self.config.options.data.notify);
        self.notices.insert(call, notice);
    }

    pub(super) fn is_noted(&mut self, call: CallId, out: &mut Outbox<SessionData>) {
        if self.notices.remove(&call).is_some() {
            out.disarm(Timer::Retry(call));
        }
    }

    /// A notice was not answered: it is sent again a few times.
    pub(super) fn notice_again(&mut self, call: CallId, out: &mut Outbox<SessionData>) {
        let Some(mut notice) = self.notices.remove(&call) else {
            return;
        };
        notice.tries += 1;
        if notice.tries > self.config.options.data.notice_retries {
            out.note(Note::NoticeFails(notice.to));
        } else {
            self.send_notice(call, notice, out);
        }
    }
}
