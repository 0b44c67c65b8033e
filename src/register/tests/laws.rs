//! Where something clever must equal something dumb, and what any schedule keeps.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use proptest::prelude::*;

use super::super::{Act, Answer, Ballot, Change, ChangeId, Fate, Message, Pace, Record, Register};
use super::*;
use crate::Span;

/// One thing that can happen to the members of a register. Places wrap around, so that each is always something.
#[derive(Clone, Debug)]
enum Event {
    /// A member is asked for a change; an author that is asked again for the same one goes to another member.
    Asked(usize, u32, Ask),
    /// A message arrives, and may arrive again.
    Arrives(usize, bool),
    /// A message is lost.
    Lost(usize),
    /// The next thing that a member left to be done is done: its flush ends, or what waited for that leaves.
    Done(usize),
    /// A member's alarm goes off.
    Alarm(usize),
    /// A member dies, and so much of what it had not flushed survives; it is started again.
    Crash(usize, usize),
}

/// What an author asks for.
#[derive(Clone, Copy, Debug)]
enum Ask {
    /// What it asked for last, once more.
    Again,
    Look,
    Set,
    /// Of the version that was answered last, or of one that is not there.
    Swap(bool),
}

fn event() -> impl Strategy<Value = Event> {
    let ask = prop_oneof![
        Just(Ask::Again),
        Just(Ask::Look),
        Just(Ask::Set),
        any::<bool>().prop_map(Ask::Swap)
    ];
    prop_oneof![
        2 => (0..5_usize, 1..=3_u32, ask).prop_map(|(at, by, ask)| Event::Asked(at, by, ask)),
        12 => (any::<usize>(), prop::bool::weighted(0.1)).prop_map(|(which, twice)| Event::Arrives(which, twice)),
        1 => any::<usize>().prop_map(Event::Lost),
        12 => (0..5_usize).prop_map(Event::Done),
        1 => (0..5_usize).prop_map(Event::Alarm),
        1 => (0..5_usize, 0..4_usize).prop_map(|(at, kept)| Event::Crash(at, kept)),
    ]
}

/// One member on a stage where every step is a choice.
struct Member {
    life: u32,
    register: Register<u64>,
    disk: Vec<Record<u64>>,
    /// What it left to be done, in order: what stands behind a write waits for its flush.
    left: VecDeque<Act<u64>>,
}

/// A whole register, and what its authors know.
struct Stage {
    members: Vec<Member>,
    /// What is under way: from, to, what.
    wire: Vec<(NodeId, NodeId, Message<u64>)>,
    /// Of each author the last that it asked for.
    asked: BTreeMap<NodeId, (ChangeId, Change<u64>)>,
    /// The newest version that had been answered when a change was first asked for.
    known: BTreeMap<ChangeId, Version>,
    newest: Version,
    answers: Vec<Answer<u64>>,
}

fn register(me: u32, members: u32, life: u32) -> Register<u64> {
    let members: Vec<NodeId> = (1..=members).map(n).collect();
    let pace = Pace {
        patience: Span::millis(1).into(),
        backoff: Span::millis(1).into(),
    };
    Register::new(n(me), &members, Life(life), 0, pace)
}

impl Stage {
    fn new(members: u32) -> Stage {
        let member = |number| Member {
            life: 0,
            register: register(number, members, 0),
            disk: Vec::new(),
            left: VecDeque::new(),
        };
        Stage {
            members: (1..=members).map(member).collect(),
            wire: Vec::new(),
            asked: BTreeMap::new(),
            known: BTreeMap::new(),
            newest: Version(0),
            answers: Vec::new(),
        }
    }

    fn happens(&mut self, event: &Event) {
        let members = self.members.len();
        match *event {
            Event::Asked(at, by, ask) => self.ask(at % members, c(by), ask),
            Event::Arrives(which, twice) if !self.wire.is_empty() => {
                let which = which % self.wire.len();
                let (from, to, message) = if twice {
                    self.wire[which].clone()
                } else {
                    self.wire.remove(which)
                };
                let at = to.number() as usize - 1;
                let acts = self.members[at].register.on_message(from, message);
                self.leaves(at, acts);
            }
            Event::Lost(which) if !self.wire.is_empty() => {
                self.wire.swap_remove(which % self.wire.len());
            }
            Event::Arrives(..) | Event::Lost(_) => {}
            Event::Done(at) => self.done(at % members),
            Event::Alarm(at) => {
                let at = at % members;
                let acts = self.members[at].register.on_alarm();
                self.leaves(at, acts);
            }
            Event::Crash(at, kept) => self.crash(at % members, kept),
        }
    }

    fn ask(&mut self, at: usize, by: NodeId, ask: Ask) {
        let last = self.asked.get(&by).cloned();
        let seq = last.as_ref().map_or(0, |(id, _)| id.seq) + 1;
        let unique = 10 * seq + u64::from(by.number());
        let change = match ask {
            Ask::Look => Change::Look,
            Ask::Set => Change::Set(unique),
            Ask::Swap(stale) => Change::Swap {
                from: Version(self.newest.0 + u64::from(stale)),
                to: unique,
            },
            Ask::Again => {
                let Some((id, change)) = last else { return };
                let acts = self.members[at].register.ask(id, change);
                return self.leaves(at, acts);
            }
        };
        let life = Life(0);
        let id = ChangeId { by, life, seq };
        self.known.insert(id, self.newest);
        self.asked.insert(by, (id, change.clone()));
        let acts = self.members[at].register.ask(id, change);
        self.leaves(at, acts);
    }

    /// What may pass a flush is under way at once.
    fn leaves(&mut self, at: usize, acts: Vec<Act<u64>>) {
        let me = n(at as u32 + 1);
        for act in acts {
            match act {
                Act::Send {
                    to,
                    message,
                    pass: true,
                } => self.wire.push((me, to, message)),
                Act::Arm(_) | Act::Disarm | Act::Note(_) => {}
                act => self.members[at].left.push_back(act),
            }
        }
    }

    fn done(&mut self, at: usize) {
        let me = n(at as u32 + 1);
        match self.members[at].left.pop_front() {
            Some(Act::Write(record)) => self.members[at].disk.push(record),
            Some(Act::Send { to, message, .. }) => self.wire.push((me, to, message)),
            Some(Act::Answer(answer)) => self.answered(answer),
            _ => {}
        }
    }

    fn crash(&mut self, at: usize, kept: usize) {
        let members = self.members.len() as u32;
        let member = &mut self.members[at];
        let written = member.left.drain(..).filter_map(|act| match act {
            Act::Write(record) => Some(record),
            _ => None,
        });
        member.disk.extend(written.take(kept));
        member.life += 1;
        member.register = register(at as u32 + 1, members, member.life);
        for record in &member.disk {
            member.register.recover(record);
        }
    }

    fn answered(&mut self, answer: Answer<u64>) {
        let holds = |member: &&Member| {
            let with = |record: &Record<u64>| matches!(record, Record::Accepted(ballot, _) if *ballot == answer.ballot);
            answer.ballot == Ballot::ZERO || member.disk.iter().any(with)
        };
        let holders = self.members.iter().filter(holds).count();
        assert!(holders * 2 > self.members.len(), "{answer:?} is not chosen");
        let known = self.known[&answer.id];
        assert!(
            answer.held.version >= known,
            "{answer:?} is older than {known}, which was answered before it was asked for"
        );
        self.newest = self.newest.max(answer.held.version);
        self.answers.push(answer);
    }

    /// Everything that was ever accepted by a majority with one ballot, in the order of ballots.
    fn chosen(&self) -> Vec<Arc<Held<u64>>> {
        let mut accepted: BTreeMap<Ballot, (Arc<Held<u64>>, usize)> = BTreeMap::new();
        for record in self.members.iter().flat_map(|member| &member.disk) {
            if let Record::Accepted(ballot, held) = record {
                let entry = accepted.entry(*ballot);
                let (first, holders) = entry.or_insert_with(|| (Arc::clone(held), 0));
                assert_eq!(first, held, "one ballot is one value");
                *holders += 1;
            }
        }
        let chosen = accepted.into_values();
        let chosen = chosen.filter(|(_, holders)| holders * 2 > self.members.len());
        chosen.map(|(held, _)| held).collect()
    }

    fn promises_are_kept(&self) {
        for member in &self.members {
            let mut promised = Ballot::ZERO;
            for record in &member.disk {
                let (Record::Promised(ballot) | Record::Accepted(ballot, _)) = record;
                assert!(*ballot >= promised, "{record:?} after {promised}");
                promised = *ballot;
            }
        }
    }

    /// Everybody hears everybody, until nothing is left to be done.
    fn calms_down(&mut self) {
        for turn in 0.. {
            assert!(turn < 1000, "it comes to rest");
            let members = self.members.len();
            while !self.wire.is_empty() || self.members.iter().any(|member| !member.left.is_empty())
            {
                self.happens(&Event::Arrives(0, false));
                (0..members).for_each(|at| self.done(at));
            }
            let busy = |member: &Member| !member.register.is_idle();
            let Some(at) = self.members.iter().position(busy) else {
                return;
            };
            self.happens(&Event::Alarm(at));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn any_schedule_keeps_one_value_per_version_and_makes_a_change_once(
        members in 1..=5_u32,
        events in prop::collection::vec(event(), 0..400),
    ) {
        let mut stage = Stage::new(members);
        events.iter().for_each(|event| stage.happens(event));
        stage.calms_down();
        stage.promises_are_kept();

        let chosen = stage.chosen();
        for pair in chosen.windows(2) {
            prop_assert!(pair[1].descends_from(&pair[0]), "{:?} then {:?}", pair[0], pair[1]);
        }
        let mut values = BTreeMap::from([(Version(0), 0)]);
        for held in &chosen {
            prop_assert_eq!(*values.entry(held.version).or_insert(held.value), held.value);
        }
        let mut fates: BTreeMap<ChangeId, Fate<u64>> = BTreeMap::new();
        for answer in &stage.answers {
            let id = answer.id;
            prop_assert_eq!(values.get(&answer.held.version), Some(&answer.held.value));
            if let Some(version) = answer.made() {
                // It may never have been chosen by itself, but only with what was made upon it.
                let unique = 10 * id.seq + u64::from(id.by.number());
                prop_assert_eq!(*values.get(&version).unwrap_or(&unique), unique);
                let elsewhere = |(at, value): (&Version, &u64)| *value == unique && *at != version;
                prop_assert!(!values.iter().any(elsewhere));
            }
            if let Fate::Decided(_) = answer.fate {
                let first = fates.entry(id).or_insert_with(|| answer.fate.clone());
                prop_assert_eq!(&*first, &answer.fate);
            }
        }
    }

    #[test]
    fn what_is_held_remembers_as_much_as_a_list_of_all_that_was_asked(
        asked in prop::collection::vec((1..=3_u32, 0..=1_u32, 1..=4_u64, 0..4_u64), 0..40),
    ) {
        let mut held = Held::formatted(0_u64);
        let mut list: Vec<(ChangeId, Verdict<u64>)> = Vec::new();
        let mut value = (Version(0), 0);
        for (name, (by, life, seq, kind)) in (1..).zip(asked) {
            let id = ChangeId { by: c(by), life: Life(life), seq };
            let (change, is_met) = match kind {
                0 => (Change::Set(name), true),
                1 => (Change::Swap { from: value.0, to: name }, true),
                2 => (Change::Replace { from: value.1, to: name }, true),
                _ => (Change::Replace { from: value.1 + 1, to: name }, false),
            };
            let (next, fate) = held.decide(id, &change);
            let newest = list.iter().rfind(|(other, _)| other.by == id.by);
            match newest {
                Some((other, verdict)) if *other == id => {
                    prop_assert_eq!((next, fate), (None, Fate::Decided(verdict.clone())));
                    continue;
                }
                Some((other, _)) if other.turn() > id.turn() => {
                    prop_assert_eq!((next, fate), (None, Fate::Overtaken));
                    continue;
                }
                _ => {}
            }
            let verdict = if is_met {
                value = (value.0.next(), name);
                Verdict::Made(value.0)
            } else {
                Verdict::Unmet(value.0, value.1)
            };
            let next = next.unwrap();
            prop_assert!(next.descends_from(&held) && !held.descends_from(&next));
            prop_assert_eq!((next.version, next.value), value);
            prop_assert_eq!(fate, Fate::Decided(verdict.clone()));
            list.push((id, verdict));
            held = next;
        }
    }
}
