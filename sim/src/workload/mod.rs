//! What clients ask, drawn from the seed as it is needed; and, in the calm, what they must be able to do.

use std::collections::VecDeque;

use netsplit::kv::{Key, Value};
use netsplit::{Ask, Does, Span};

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
    /// What each kind of operation does, in the mode's order.
    pub kinds: Vec<Does>,
    /// The weight of each.
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

/// An operation as it is drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Drawn {
    /// Which of the mode's operations.
    pub kind: usize,
    /// What it is about.
    pub ask: Ask,
    /// Whether it is one of the calm's own.
    calm: bool,
}

/// Fresh operations that must succeed after the storm: every kind of operation once a client, looks first, since they
/// must not need a change to get going; then every key is looked at, in every way that is in the mix.
struct Calm {
    todo: VecDeque<Drawn>,
    /// Rounds still to come, in order.
    rounds: VecDeque<Vec<Drawn>>,
    /// How many are under way.
    open: usize,
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
    pub fn ask(&mut self, client: usize) -> Drawn {
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

    /// Who only looks needs no value of its own.
    fn fill(&mut self, kind: usize, key: Key) -> Drawn {
        if self.setup.kinds[kind] != Does::Looks {
            self.values += 1;
        }
        let value = Value {
            name: self.values,
            bytes: self.setup.value_bytes,
        };
        let known = self.known[key.0 as usize];
        Drawn {
            kind,
            ask: Ask { key, value, known },
            calm: self.is_calm(),
        }
    }

    /// Remembers what a client was told that a key holds.
    pub fn learn(&mut self, key: Key, value: Option<Value>) {
        self.known[key.0 as usize] = value;
    }

    /// The storm is over.
    pub fn calm(&mut self) {
        self.calm = Some(Calm {
            todo: VecDeque::new(),
            rounds: VecDeque::new(),
            open: 0,
        });
        let (clients, keys) = (self.setup.clients, self.setup.keys);
        let of = |setup: &WorkloadSetup, does: &[Does], mixed: bool| -> Vec<usize> {
            let kinds = setup.kinds.iter().zip(&setup.mix).enumerate();
            let wanted =
                kinds.filter(|(_, (kind, weight))| does.contains(kind) && (**weight > 0 || !mixed));
            wanted.map(|(place, _)| place).collect()
        };
        let looks = of(&self.setup, &[Does::Looks], false);
        let changes = of(&self.setup, &[Does::Shows, Does::Changes], true);
        let shows = of(&self.setup, &[Does::Shows], true);
        let mut rounds = VecDeque::new();
        for kind in looks.iter().chain(&changes) {
            let round = (0..clients).map(|client| self.fill(*kind, Key(client % keys)));
            rounds.push_back(round.collect());
        }
        for kind in looks.first().into_iter().chain(&shows) {
            rounds.push_back((0..keys).map(|key| self.fill(*kind, Key(key))).collect());
        }
        self.calm
            .iter_mut()
            .for_each(|calm| calm.rounds = std::mem::take(&mut rounds));
    }

    /// Whether the storm is over.
    pub fn is_calm(&self) -> bool {
        self.calm.is_some()
    }

    /// The next operation of the calm that an idle client can take; none if it has to wait for the round to end, or
    /// everything is under way.
    pub fn next_calm(&mut self) -> Option<Drawn> {
        let calm = self.calm.as_mut()?;
        if calm.todo.is_empty() && calm.open == 0 {
            calm.todo = calm.rounds.pop_front()?.into();
        }
        let drawn = calm.todo.pop_front()?;
        calm.open += 1;
        Some(drawn)
    }

    /// An operation ended in the calm. One of the calm's own that did not succeed is asked again, as a fresh one; what
    /// was asked in the storm ends as it ends.
    pub fn ended_calm(&mut self, drawn: Drawn, succeeded: bool) {
        let again = (drawn.calm && !succeeded).then(|| self.fill(drawn.kind, drawn.ask.key));
        if let Some(calm) = self.calm.as_mut().filter(|_| drawn.calm) {
            calm.open -= 1;
            calm.todo.extend(again);
        }
    }

    /// What has not been done yet in the calm, in words; none if all has.
    pub fn missing(&self) -> Option<String> {
        let calm = self.calm.as_ref()?;
        let waiting = calm.open + calm.todo.len() + calm.rounds.iter().map(Vec::len).sum::<usize>();
        (waiting > 0).then(|| format!("{waiting} fresh operations have not succeeded"))
    }
}
