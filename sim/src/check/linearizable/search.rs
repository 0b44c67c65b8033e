//! The search of Wing & Gong (1993) with the memo of Lowe (2017): for an order of the operations on one key that respects
//! real time and explains every answer.
//!
//! The events of the history stand in a doubly linked list. Whatever is invoked before the first return in the list can
//! be the next operation; it is lifted out of the list, with its return, and the search goes on with the rest; when
//! nothing can be next, it is put back. What was reached before, the same operations lifted and the same state, need not
//! be tried again. The memo compares in full: a hash alone could acquit the guilty.
//!
//! Four observations keep it from branching; none of them changes the verdict.
//!
//! * *A read that sees the present state may come at once.* It changes nothing, so whatever order puts it later remains
//!   an order when it is moved here.
//! * *A version is left only when all its reads are done*, as no later write makes the same revision again.
//! * *A write that nobody sees may come just before any other write.* Nobody sees it, so whatever follows it in an order
//!   is a put or a delete, which do not care, or nothing. Such writes are lifted along with the next one.
//! * *A write of unknown outcome that nobody can have seen may be dropped.* A read reports what it saw, so it cannot have
//!   seen another value or another revision. A put or a delete reports nothing of what it found, and for that reason
//!   also depends on nothing. Only a compare-and-swap that expects this value may have seen it without saying so, unless
//!   it was itself of unknown outcome and dropped. To take the unseen write out of an order leaves an order.
//!
//! Of the writes that remain, the one with the smallest revision is tried first. Most stores count revisions upwards, and
//! then a valid history is found without a single step back. Where they do not, it costs time and nothing else.

use hashbrown::HashMap;
use netsplit::kv::{Request, Value};
use rustc_hash::FxBuildHasher;
use smallvec::SmallVec;

use super::events::{END, Events};
use super::history::{Breach, KeyHistory, Kind, NONE, Verdict};
use super::memo::{Memo, StepSet};
use crate::check::Call;

/// The version of a state that some answered write made and nobody saw: no read has it, and no read can claim it.
const SEALED: u32 = NONE - 1;

/// The value of a state that nobody sees, and the candidate that stands for all the writes that make one.
const HIDDEN: u32 = u32::MAX;

/// How many operations are shown that could not come next.
const SHOWN: usize = 3;

/// Judges one key, or gives up when the budget of states is spent.
pub(super) fn judge(history: &KeyHistory, calls: &[Call], budget: &mut u64) -> Option<Verdict> {
    let mut search = Search::new(history, calls);
    let found = search.run(budget)?;
    Some(if found {
        Ok(())
    } else {
        Err(search.breach(history, calls))
    })
}

/// An operation in the words of the search.
#[derive(Clone, Copy)]
struct Step {
    kind: Kind,
    /// Whether it must be in the order; otherwise its outcome is unknown and not certain from what others saw.
    required: bool,
    /// A write that nobody sees.
    hidden: bool,
    /// What it sees or sets, by number.
    value: u32,
    /// What a swap expects, by number.
    expected: u32,
    /// The version that it sees or makes, [`SEALED`], or [`NONE`] if that is not certain.
    version: u32,
    /// The last step before it that may be left out like this one and does the same. To take this one first is no use.
    twin: u32,
    /// Its position in the history of the key.
    op: u32,
    /// Its place among the candidates: small ones are tried first.
    rank: u64,
    invoked: u64,
    /// `u64::MAX` if it may be left out.
    returned: u64,
}

/// The register.
#[derive(Clone, Copy)]
struct State {
    value: u32,
    version: u32,
    /// The step that made it, for the evidence. States are compared without it.
    writer: u32,
}

/// One choice on the path of the search.
struct Frame {
    /// Its candidates in the common stack, and the one to be tried next.
    start: u32,
    end: u32,
    next: u32,
    /// How many steps had been lifted before the one that led here.
    lifted: u32,
    /// The state before that.
    before: State,
}

/// The furthest point at which nothing could come next.
struct Stuck {
    done: u32,
    writer: u32,
    open: SmallVec<[u32; SHOWN]>,
    awaited: Option<u32>,
}

struct Search {
    steps: Vec<Step>,
    events: Events,
    /// The steps lifted so far, in order.
    lifted: Vec<u32>,
    set: StepSet,
    /// Reads yet to come, by version.
    awaited: Vec<u32>,
    /// By version, whether its writer is not certain.
    unmade: Vec<bool>,
    required: u32,
    /// Required steps yet to come.
    missing: u32,
    state: State,
    candidates: Vec<u32>,
    memo: Memo,
    stuck: Option<Stuck>,
}

impl State {
    /// What is compared of it.
    fn word(self) -> u64 {
        u64::from(self.value) << 32 | u64::from(self.version)
    }
}

impl Search {
    fn new(history: &KeyHistory, calls: &[Call]) -> Search {
        let mut numbers = Numbers::default();
        let nothing = numbers.of(None);
        let mut steps = steps(history, calls, &mut numbers);
        let unmade: Vec<bool> = history
            .versions
            .iter()
            .map(|version| version.writer == NONE)
            .collect();
        thin_out(&mut steps, &unmade, numbers.len());
        // Those that may be left out are numbered last, lest they keep the set of the others from being trimmed.
        steps.sort_unstable_by_key(|step| (!step.required, step.invoked));
        find_twins(&mut steps);
        let required = steps.iter().filter(|step| step.required).count();
        Search {
            events: Events::of(steps.iter().map(|step| (step.invoked, step.returned))),
            lifted: Vec::with_capacity(steps.len()),
            set: StepSet::new(required, steps.len()),
            awaited: history.versions.iter().map(|v| v.reads).collect(),
            unmade,
            required: required as u32,
            missing: required as u32,
            state: State {
                value: nothing,
                version: 0,
                writer: NONE,
            },
            candidates: Vec::new(),
            memo: Memo::default(),
            stuck: None,
            steps,
        }
    }

    /// Whether there is an order; none if the budget ran out.
    fn run(&mut self, budget: &mut u64) -> Option<bool> {
        let mut frames = vec![self.enter(0, self.state)];
        while self.missing > 0 {
            let Some(frame) = frames.last_mut() else {
                return Some(false);
            };
            if frame.next == frame.end {
                let (lifted, before) = (frame.lifted, frame.before);
                self.candidates.truncate(frame.start as usize);
                frames.pop();
                self.put_back(lifted, before);
                continue;
            }
            let candidate = self.candidates[frame.next as usize];
            frame.next += 1;
            let (lifted, before) = (self.lifted.len() as u32, self.state);
            self.take(candidate);
            let frame = self.enter(lifted, before);
            if self.memo.is_new(&self.set, self.state.word()) {
                *budget = budget.checked_sub(1)?;
                frames.push(frame);
            } else {
                self.candidates.truncate(frame.start as usize);
                self.put_back(lifted, before);
            }
        }
        Some(true)
    }

    /// Lifts every read that sees the present state and may come now, and finds what else may come next.
    fn enter(&mut self, lifted: u32, before: State) -> Frame {
        let start = self.candidates.len();
        let mut hidden: Option<u64> = None;
        let mut event = self.events.first();
        while event != END && Events::is_invocation(event) {
            let index = Events::step(event);
            let step = self.steps[index as usize];
            match step.kind {
                Kind::Read if self.sees_present(&step) => self.lift(index),
                Kind::Read if self.may_have_made(&step) => self.candidates.push(index),
                Kind::Read => {}
                Kind::Write if step.hidden => {
                    hidden = Some(hidden.map_or(step.rank, |rank| rank.min(step.rank)));
                }
                Kind::Swap if step.expected != self.state.value => {}
                Kind::Write | Kind::Swap => {
                    if step.twin == NONE || self.set.contains(step.twin) {
                        self.candidates.push(index);
                    }
                }
            }
            event = self.events.after(event);
        }
        if self.reads_awaited() > 0 {
            self.candidates.truncate(start);
        } else if hidden.is_some() {
            self.candidates.push(HIDDEN);
        }
        let rank = |&index: &u32| match self.steps.get(index as usize) {
            Some(step) => step.rank,
            None => hidden.unwrap_or(u64::MAX),
        };
        self.candidates[start..].sort_by_key(rank);
        if self.candidates.len() == start && self.missing > 0 {
            self.note_stuck();
        }
        Frame {
            start: start as u32,
            end: self.candidates.len() as u32,
            next: start as u32,
            lifted,
            before,
        }
    }

    fn sees_present(&self, read: &Step) -> bool {
        match read.version {
            NONE => read.value == self.state.value,
            version => version == self.state.version,
        }
    }

    /// Whether the present state was made by a write of unknown outcome that may be the one this read saw.
    fn may_have_made(&self, read: &Step) -> bool {
        self.state.version == NONE
            && read.version != NONE
            && self.unmade[read.version as usize]
            && read.value == self.state.value
    }

    /// How many reads have yet to see the present version before it may be left.
    fn reads_awaited(&self) -> u32 {
        let awaited = self.awaited.get(self.state.version as usize);
        awaited.copied().unwrap_or(0)
    }

    fn take(&mut self, candidate: u32) {
        if candidate == HIDDEN {
            self.lift_hidden();
            self.state = State {
                value: HIDDEN,
                version: SEALED,
                writer: self.lifted.last().copied().unwrap_or(NONE),
            };
            return;
        }
        let step = self.steps[candidate as usize];
        match step.kind {
            Kind::Read => self.state.version = step.version,
            Kind::Write | Kind::Swap => {
                if step.kind == Kind::Write {
                    self.lift_hidden();
                }
                self.state = State {
                    value: step.value,
                    version: step.version,
                    writer: candidate,
                };
            }
        }
        self.lift(candidate);
    }

    /// Lifts all writes that nobody sees and that may come now.
    fn lift_hidden(&mut self) {
        let mut event = self.events.first();
        while event != END && Events::is_invocation(event) {
            let index = Events::step(event);
            if self.steps[index as usize].hidden {
                self.lift(index);
            }
            event = self.events.after(event);
        }
    }

    fn lift(&mut self, index: u32) {
        let step = &self.steps[index as usize];
        if step.kind == Kind::Read && step.version != NONE {
            self.awaited[step.version as usize] -= 1;
        }
        self.missing -= u32::from(step.required);
        self.events.lift(index, step.required);
        self.set.insert(index);
        self.lifted.push(index);
    }

    /// Puts steps back until only so many are lifted.
    fn put_back(&mut self, lifted: u32, before: State) {
        for index in self.lifted.drain(lifted as usize..).rev() {
            let step = &self.steps[index as usize];
            if step.kind == Kind::Read && step.version != NONE {
                self.awaited[step.version as usize] += 1;
            }
            self.missing += u32::from(step.required);
            self.events.put_back(index, step.required);
            self.set.remove(index);
        }
        self.state = before;
    }

    fn note_stuck(&mut self) {
        let done = self.required - self.missing;
        if self.stuck.as_ref().is_some_and(|stuck| stuck.done >= done) {
            return;
        }
        let mut open = SmallVec::new();
        let mut event = self.events.first();
        while event != END && Events::is_invocation(event) {
            let index = Events::step(event);
            if self.steps[index as usize].required && open.len() < SHOWN {
                open.push(index);
            }
            event = self.events.after(event);
        }
        if event != END && !open.contains(&Events::step(event)) {
            // Whatever comes next, this one cannot wait.
            open.truncate(SHOWN - 1);
            open.insert(0, Events::step(event));
        }
        let awaited = (self.reads_awaited() > 0).then(|| {
            let version = self.state.version;
            let is_awaited = |index: &u32| {
                let step = &self.steps[*index as usize];
                step.kind == Kind::Read && step.version == version && !self.set.contains(*index)
            };
            (0..self.steps.len() as u32).find(is_awaited)
        });
        self.stuck = Some(Stuck {
            done,
            writer: self.state.writer,
            open,
            awaited: awaited.flatten(),
        });
    }

    /// The evidence: how far an order goes, and what cannot follow.
    fn breach(&self, history: &KeyHistory, calls: &[Call]) -> Breach {
        let Some(stuck) = &self.stuck else {
            unreachable!("a search that found no order got stuck somewhere")
        };
        let writer = (stuck.writer != NONE).then_some(stuck.writer);
        let ops: Vec<u32> = stuck
            .open
            .iter()
            .copied()
            .chain(writer)
            .chain(stuck.awaited)
            .map(|step| self.steps[step as usize].op)
            .collect();
        history.breach(calls, &ops, |told| {
            let (open, rest) = told.split_at(stuck.open.len());
            let key = open[0].request.key();
            let open: Vec<String> = open.iter().map(ToString::to_string).collect();
            let after = match writer {
                Some(_) => format!("after {}", rest[0]),
                None => "at the start".to_owned(),
            };
            let awaited = match stuck.awaited {
                Some(_) => format!(", for {} has yet to see it", rest[rest.len() - 1]),
                None => String::new(),
            };
            format!(
                "{key}: no order explains all answers; the longest found covers {} of {} operations, \
                 and {after} none of these can be next: {}{awaited}",
                stuck.done,
                self.required,
                open.join("; ")
            )
        })
    }
}

/// The operations as steps. An observed write has to come before the first return of those who saw it, and is required
/// even if its own outcome is unknown.
fn steps(history: &KeyHistory, calls: &[Call], numbers: &mut Numbers) -> Vec<Step> {
    let step = |(op, index): (&super::history::Op, u32)| {
        let version = history.versions.get(op.version as usize);
        let returned = match version {
            Some(version) if op.kind != Kind::Read => version.first_returned,
            _ => op.returned,
        };
        let expected = match calls[op.call as usize].request {
            Request::Cas(_, expected, _) if op.kind == Kind::Swap => expected,
            _ => None,
        };
        Step {
            kind: op.kind,
            required: returned != u64::MAX,
            hidden: false,
            value: numbers.of(op.value),
            expected: numbers.of(expected),
            version: match version {
                Some(version) if version.reads == 0 => SEALED,
                _ => op.version,
            },
            twin: NONE,
            op: index,
            rank: version.map_or(u64::MAX, |version| history.rank(version)),
            invoked: op.invoked,
            returned,
        }
    };
    history.ops.iter().zip(0..).map(step).collect()
}

/// Who may see a value without the version being certain.
#[derive(Clone, Copy, Default)]
struct Watch {
    /// Reads that may have seen any write of it.
    reads: u32,
    /// Reads of a version of it that a write of unknown outcome made.
    unmade: u32,
    /// Swaps that expect it.
    swaps: u32,
}

/// Drops the writes of unknown outcome that nobody can have seen, and marks the other writes that nobody sees.
fn thin_out(steps: &mut Vec<Step>, unmade: &[bool], values: usize) {
    let mut watches = vec![Watch::default(); values];
    for step in steps.iter() {
        match step.kind {
            Kind::Read if step.version == NONE => watches[step.value as usize].reads += 1,
            Kind::Read if unmade[step.version as usize] => watches[step.value as usize].unmade += 1,
            Kind::Swap => watches[step.expected as usize].swaps += 1,
            _ => {}
        }
    }
    // A dropped swap no longer watches what it expected. Swaps often form chains in time, hence from the end.
    loop {
        let before = steps.len();
        let mut index = before;
        while index > 0 {
            index -= 1;
            let step = steps[index];
            let watch = watches[step.value as usize];
            if !step.required && watch.reads + watch.unmade + watch.swaps == 0 {
                if step.kind == Kind::Swap {
                    watches[step.expected as usize].swaps -= 1;
                }
                steps.swap_remove(index);
            }
        }
        if steps.len() == before {
            break;
        }
    }
    for step in steps {
        let watch = watches[step.value as usize];
        let is_sealed = step.kind == Kind::Write && step.required && step.version == SEALED;
        step.hidden = is_sealed && watch.reads + watch.swaps == 0;
    }
}

fn find_twins(steps: &mut [Step]) {
    let mut last: HashMap<(bool, u32, u32), u32, FxBuildHasher> = HashMap::default();
    for (index, step) in steps.iter_mut().enumerate() {
        if !step.required {
            let action = (step.kind == Kind::Swap, step.expected, step.value);
            step.twin = last.insert(action, index as u32).unwrap_or(NONE);
        }
    }
}

/// Values by number, so that a state is two words.
#[derive(Default)]
struct Numbers {
    of: HashMap<Option<Value>, u32, FxBuildHasher>,
}

impl Numbers {
    fn of(&mut self, value: Option<Value>) -> u32 {
        let next = self.of.len() as u32;
        *self.of.entry(value).or_insert(next)
    }

    fn len(&self) -> usize {
        self.of.len()
    }
}
