//! What is seen of the servers while they run: what they note and when, what they send, and how a recording is drained.
//!
//! An onlooker stands where a planted mistake would, between the world and a server, and changes nothing.

use std::cell::RefCell;

use netsplit::sibling_quorum::{Message, Note, Server, SiblingQuorum, Word};
use netsplit::{
    Effect, Input, Kinds, Mistake, Now, Outbox, Outcome, Planted, Process, Size, Span, Time,
};
use netsplit_sim::history::Operation;
use netsplit_sim::play::percentile;
use netsplit_sim::scenario::{Scenario, Source};
use netsplit_sim::world::ground::Ground;
use netsplit_sim::world::{Outcomes, World};

/// What was seen.
#[derive(Default)]
pub(crate) struct Seen {
    /// From when on messages count.
    from: Option<Time>,
    /// What servers noted, in the order of time.
    pub(crate) notes: Vec<(Time, Note)>,
    /// What servers told each other, and what users asked and were answered.
    pub(crate) among: Traffic,
    pub(crate) users: Traffic,
    /// When a main last replayed a recording, and how long it took until that was confirmed.
    replay: Option<Time>,
    pub(crate) drain: Option<Span>,
}

/// How many messages, and how large they were.
#[derive(Clone, Copy, Default)]
pub(crate) struct Traffic {
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
}

impl Traffic {
    fn add(&mut self, message: &Message) {
        self.messages += 1;
        self.bytes += message.size() as u64;
    }
}

thread_local! {
    /// The run on this thread. An onlooker is planted by a plain function, which can be told nothing.
    static SEEN: RefCell<Seen> = RefCell::default();
}

static ONLOOKER: Planted<Server> = Planted {
    name: "onlooker",
    about: "nothing is wrong: somebody looks",
    plant: || Box::new(Onlooker),
};

struct Onlooker;

impl Mistake<Server> for Onlooker {
    fn step(
        &mut self,
        server: &mut Server,
        now: Now,
        input: Input<SiblingQuorum>,
        out: &mut Outbox<SiblingQuorum>,
    ) {
        SEEN.with_borrow_mut(|seen| seen.comes(&input, now.mono));
        server.step(now, input, out);
        SEEN.with_borrow_mut(|seen| {
            let effects = out.effects().iter();
            effects.for_each(|effect| seen.goes(effect, now.mono));
        });
    }
}

impl Seen {
    fn counts(&self, now: Time) -> bool {
        self.from.is_some_and(|from| from <= now)
    }

    fn comes(&mut self, input: &Input<SiblingQuorum>, now: Time) {
        let Input::Delivered(from, message) = input else {
            return;
        };
        if from.is_client() && self.counts(now) {
            self.users.add(message);
        }
        if let Word::Replayed { .. } = message.word
            && let Some(sent) = self.replay.take()
        {
            self.drain = Some(now.since(sent));
        }
    }

    fn goes(&mut self, effect: &Effect<SiblingQuorum>, now: Time) {
        match effect {
            Effect::Note(note) => self.notes.push((now, note.clone())),
            Effect::Send { to, message, .. } => {
                if let Word::Replay { .. } = message.word {
                    self.replay = Some(now);
                }
                if self.counts(now) {
                    let way = match to.is_client() {
                        true => &mut self.users,
                        false => &mut self.among,
                    };
                    way.add(message);
                }
            }
            _ => {}
        }
    }

    /// When a note of a kind was first noted at or after an instant.
    pub(crate) fn first(&self, kind: &str, from: Time) -> Option<Time> {
        let is_it = |(at, note): &&(Time, Note)| *at >= from && Note::KINDS[note.kind()] == kind;
        self.notes.iter().find(is_it).map(|(at, _)| *at)
    }
}

/// Runs a scenario under a seed in the plain world, without judges, while somebody looks; messages count from an instant
/// on.
pub(crate) fn look(text: String, seed: u64, from: Time) -> (Seen, Outcomes<SiblingQuorum>) {
    let source = Source::new("figures.toml", text);
    let mut scenario: Scenario<SiblingQuorum> =
        Scenario::read(&source).unwrap_or_else(|problem| panic!("{problem}"));
    scenario.mistake = Some(&ONLOOKER);
    SEEN.set(Seen {
        from: Some(from),
        ..Seen::default()
    });
    let world = World::new(&scenario, seed, Ground::plain());
    let outcomes = world.unjudged().run();
    assert_eq!(outcomes.violations, [], "{}", source.text);
    (SEEN.take(), outcomes)
}

/// How long updates took that were accepted at or after an instant, ascending.
pub(crate) fn latencies(outcomes: &Outcomes<SiblingQuorum>, from: Time) -> Vec<Span> {
    let latency = |operation: &Operation<SiblingQuorum>| {
        let ended = accepted_at(operation).filter(|at| *at >= from)?;
        Some(ended.since(operation.invoked.at))
    };
    let operations = outcomes.history.operations().iter();
    let mut latencies: Vec<Span> = operations.filter_map(latency).collect();
    latencies.sort_unstable();
    latencies
}

/// When an update was known to be accepted.
pub(crate) fn accepted_at(operation: &Operation<SiblingQuorum>) -> Option<Time> {
    match &operation.ended {
        Some((moment, Outcome::Ok(_))) if operation.request.is_update() => Some(moment.at),
        _ => None,
    }
}

/// A percentile in milliseconds.
pub(crate) fn millis(sorted: &[Span], percent: usize) -> String {
    let found = percentile(sorted, percent).expect("some were done");
    format!("{:.2} ms", found.as_millis_f64())
}
