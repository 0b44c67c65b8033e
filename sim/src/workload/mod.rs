//! What clients ask, drawn from the seed as it is needed; and, in the calm, what they must be able to do.

use std::collections::VecDeque;

use netsplit::kv::{Key, Value};
use netsplit::{Ask, Outcome, Protocol, Span, View, kv};

use crate::world::random::{self, Purpose, Stream};

/// What clients ask, as a scenario sets it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WorkloadSetup {
    /// How many clients.
    pub clients: u32,
    /// How long, on average, from one operation of a client to its next. A client asks one thing at a time: it is late
    /// rather than double.
    pub interval: Span,
    /// How many keys.
    pub keys: u32,
    /// The weight of each kind of operation, in the mode's order.
    pub mix: Vec<u32>,
    /// The size of a value in bytes.
    pub value_bytes: u32,
}

/// The clients' side of a run.
pub struct Workload {
    setup: WorkloadSetup,
    clients: Vec<Stream>,
    /// Names for values; each is used once.
    values: u64,
    /// What was last known to be at each key, for operations that compare.
    known: Vec<Option<Value>>,
    /// What is still to be done in the calm, by rounds; none in the storm.
    calm: Option<Calm>,
}

/// Fresh operations that must succeed after the storm: every kind of operation once a client, reads first, since they
/// must not need a write to get going; then every key is read.
struct Calm {
    todo: VecDeque<Ask>,
    /// Rounds still to come, in order.
    rounds: VecDeque<Vec<Ask>>,
    /// What is under way.
    open: Vec<Ask>,
}

impl Workload {
    /// The workload of a run.
    pub fn new(seed: u64, setup: &WorkloadSetup) -> Workload {
        let stream = |client| random::Key::new(seed, Purpose::Workload(client)).stream();
        Workload {
            clients: (0..setup.clients).map(stream).collect(),
            known: vec![None; setup.keys as usize],
            setup: setup.clone(),
            values: 0,
            calm: None,
        }
    }

    /// How long until a client asks again.
    pub fn pause(&mut self, client: usize) -> Span {
        Span::nanos(
            self.clients[client]
                .next_draw()
                .below(2 * self.setup.interval.as_nanos() + 1),
        )
    }

    /// The next operation of a client in the storm.
    pub fn ask(&mut self, client: usize) -> Ask {
        let stream = &mut self.clients[client];
        let total: u64 = self.setup.mix.iter().map(|weight| u64::from(*weight)).sum();
        let mut drawn = stream.next_draw().below(total);
        let kind = self.setup.mix.iter().position(|weight| {
            let here = drawn < u64::from(*weight);
            drawn = drawn.saturating_sub(u64::from(*weight));
            here
        });
        let key = Key(stream.next_draw().below(u64::from(self.setup.keys)) as u32);
        self.fill(kind.unwrap_or_default(), key)
    }

    fn fill(&mut self, kind: usize, key: Key) -> Ask {
        self.values += 1;
        let value = Value {
            name: self.values,
            bytes: self.setup.value_bytes,
        };
        Ask {
            kind,
            key,
            value,
            known: self.known[key.0 as usize],
        }
    }

    /// Remembers what a client learned about a key.
    pub fn learn<P: Protocol>(
        &mut self,
        view: View<P>,
        request: &P::Request,
        outcome: &Outcome<P::Response>,
    ) {
        let Outcome::Ok(response) = outcome else {
            return;
        };
        let Some(exchange) = view(request, Some(response)) else {
            return;
        };
        match (exchange.request, exchange.response) {
            (request, Some(kv::Response::Found(value, _))) => {
                self.known[request.key().0 as usize] = value
            }
            (
                kv::Request::Put(key, value) | kv::Request::Cas(key, _, value),
                Some(kv::Response::Written(_)),
            ) => {
                self.known[key.0 as usize] = Some(value);
            }
            (kv::Request::Delete(key), Some(kv::Response::Written(_))) => {
                self.known[key.0 as usize] = None
            }
            _ => {}
        }
    }

    /// The storm is over. `reads` says which kinds of operation only look.
    pub fn calm(&mut self, reads: impl Fn(&Ask) -> bool) {
        let kinds: Vec<usize> = (0..self.setup.mix.len()).collect();
        let clients = self.setup.clients as usize;
        let keys = self.setup.keys;
        let mut looks = Vec::new();
        let mut writes = Vec::new();
        for kind in kinds {
            let looking = reads(&self.fill(kind, Key(0)));
            if !looking && self.setup.mix[kind] == 0 {
                continue;
            }
            let round: Vec<Ask> = (0..clients)
                .map(|client| self.fill(kind, Key(client as u32 % keys)))
                .collect();
            if looking {
                looks.push(round);
            } else {
                writes.push(round);
            }
        }
        let look = (0..self.setup.mix.len()).find(|kind| reads(&self.fill(*kind, Key(0))));
        let every = look.map(|kind| (0..keys).map(|key| self.fill(kind, Key(key))).collect());
        let rounds = looks.into_iter().chain(writes).chain(every).collect();
        self.calm = Some(Calm {
            todo: VecDeque::new(),
            rounds,
            open: Vec::new(),
        });
    }

    /// Whether the storm is over.
    pub fn is_calm(&self) -> bool {
        self.calm.is_some()
    }

    /// The next operation of the calm that an idle client can take; none if it has to wait for the round to end, or
    /// everything is under way.
    pub fn next_calm(&mut self) -> Option<Ask> {
        let calm = self.calm.as_mut()?;
        if calm.todo.is_empty() && calm.open.is_empty() {
            calm.todo = calm.rounds.pop_front()?.into();
        }
        let ask = calm.todo.pop_front()?;
        calm.open.push(ask);
        Some(ask)
    }

    /// An operation ended in the calm. One of the calm's own that did not succeed is asked again, as a fresh one; what
    /// was asked in the storm ends as it ends.
    pub fn ended_calm(&mut self, ask: Ask, succeeded: bool) {
        let Some(calm) = &mut self.calm else { return };
        let Some(place) = calm.open.iter().position(|open| open.value == ask.value) else {
            return;
        };
        calm.open.swap_remove(place);
        if !succeeded {
            let again = self.fill(ask.kind, ask.key);
            self.calm
                .iter_mut()
                .for_each(|calm| calm.todo.push_back(again));
        }
    }

    /// What has not been done yet in the calm, in words; none if all has.
    pub fn missing(&self) -> Option<String> {
        let calm = self.calm.as_ref()?;
        let waiting =
            calm.open.len() + calm.todo.len() + calm.rounds.iter().map(Vec::len).sum::<usize>();
        (waiting > 0).then(|| format!("{waiting} fresh operations have not succeeded"))
    }
}
