//! What a data server holds and what its session servers hold, and how it finds out what differs: asking as it does in
//! `pulls.rs`, and answered as by session servers, but for the messages; and nothing is taken in.

use std::hint::black_box;

use netsplit::kv::{Key, Value};
use netsplit::session_data::answers::{Holder, OfSession, Question, answer, differing, known};
use netsplit::session_data::digest::{Digest, Sum};
use netsplit::session_data::memory::{Entry, Memory, Part};
use netsplit::session_data::names::{ProcessId, RegisterId, SlotId, Stamp};
use netsplit::session_data::options::Options;
use netsplit::session_data::store::{Registration, Store};
use netsplit::{StreamId, Time};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_xoshiro::SplitMix64;

use super::{SESSIONS, SLOTS, owner, register, session, slot};

const VALUE: Value = Value { name: 1, bytes: 64 };

/// How clients are registered at first.
const FIRST: Stamp = Stamp {
    version: 1,
    connection: 1,
    time: 1,
};

/// How they are registered since.
const NEWER: Stamp = Stamp {
    version: 2,
    connection: 1,
    time: 2,
};

/// Some registrations, in parts: of each session, or of each slot of each.
pub(crate) type Registered = Vec<Vec<(RegisterId, Stamp)>>;

/// The registrations of so many clients.
pub(crate) fn all(clients: u32) -> Registered {
    by_session(0..clients, FIRST)
}

/// So many of them, spread at random, as they are since.
pub(crate) fn changed(clients: u32, count: usize) -> Registered {
    let mut spread: Vec<u32> = (0..clients).collect();
    let (changed, _) = spread.partial_shuffle(&mut SplitMix64::seed_from_u64(7), count);
    by_session(changed.iter().copied(), NEWER)
}

fn by_session(clients: impl Iterator<Item = u32>, stamp: Stamp) -> Registered {
    let mut registered = vec![Vec::new(); SESSIONS as usize];
    for client in clients {
        registered[owner(client) as usize].push((register(client), stamp));
    }
    registered
}

/// The same, by session and slot.
pub(crate) fn by_slot(registered: &Registered) -> Registered {
    let mut parts = vec![Vec::new(); (SESSIONS * SLOTS) as usize];
    for (session, registered) in (0..).zip(registered) {
        for (id, stamp) in registered {
            parts[(session * SLOTS + slot(*id).0) as usize].push((*id, *stamp));
        }
    }
    parts
}

/// A data server's slots, and what session servers hold.
pub(crate) struct Both {
    stores: Vec<Store>,
    sessions: Vec<(ProcessId, Memory)>,
    options: Options,
}

impl Both {
    /// Both hold the same.
    pub(crate) fn of(registered: &Registered) -> Both {
        let empty = |number| (session(number), Memory::new(Digest::Strong, SLOTS));
        let mut both = Both {
            stores: vec![Store::new(Digest::Strong); SLOTS as usize],
            sessions: (0..SESSIONS).map(empty).collect(),
            options: Options::default(),
        };
        both.change_sessions(registered);
        for (registered, (owner, _)) in registered.iter().zip(&both.sessions) {
            for (id, stamp) in registered {
                let registration = Registration {
                    id: *id,
                    content: Some(VALUE),
                    stamp: *stamp,
                    owner: *owner,
                };
                let store = &mut both.stores[slot(*id).0 as usize];
                store.put(&registration, Time::default());
            }
        }
        both
    }

    /// Session servers alone take some in.
    pub(crate) fn change_sessions(&mut self, registered: &Registered) {
        for (registered, (owner, memory)) in registered.iter().zip(&mut self.sessions) {
            for (id, stamp) in registered {
                let connection = StreamId {
                    opener: id.client,
                    number: 1,
                    to: owner.node,
                };
                let entry = Entry {
                    value: VALUE,
                    stamp: *stamp,
                    connection,
                };
                assert!(memory.put(*id, entry), "it is newer");
            }
        }
    }

    /// How many registrations differ, of every session.
    pub(crate) fn differing(&self) -> usize {
        let mut found = 0;
        for (process, memory) in &self.sessions {
            let mut mine = Sum::default();
            self.stores
                .iter()
                .for_each(|store| mine.add(store.sum(*process)));
            for (slot, theirs) in unequal(memory, mine) {
                let store = &self.stores[slot.0 as usize];
                if store.sum(*process) != theirs {
                    let me = *process;
                    found += self.pull(store, &OfSession { me, memory, slot });
                }
            }
        }
        found
    }

    /// What differs of one slot of one session.
    fn pull(&self, store: &Store, session: &OfSession<'_>) -> usize {
        let data = &self.options.data;
        let shares: Vec<(Key, Sum)> = store.shares(session.me).collect();
        let services = differing(&session.sums(), &shares);
        let (mut after, mut found) = (None, 0);
        loop {
            let (known, upto) = known(store, &services, Some(session.me), after, data.asked);
            let question = Question {
                services: &services,
                after,
                upto,
                known: &known,
            };
            let answer = black_box(answer(session, &question, data.answered));
            found += answer.updated.len() + answer.removed.len();
            after = answer.more.or(upto);
            if after.is_none() {
                return found;
            }
        }
    }
}

/// What a session server holds of each slot, if it does not come to the same sum.
fn unequal(memory: &Memory, sum: Sum) -> Vec<(SlotId, Sum)> {
    let part = |slot| memory.part(slot).map(Part::sum).unwrap_or_default();
    let slots = (0..SLOTS).map(SlotId);
    let sums: Vec<(SlotId, Sum)> = slots.map(|slot| (slot, part(slot))).collect();
    let mut all = Sum::default();
    sums.iter().for_each(|(_, sum)| all.add(*sum));
    if all == sum { Vec::new() } else { sums }
}
