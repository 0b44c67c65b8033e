//! What is seen of the nodes while they run: who holds a record how long after it was written, and what that costs.
//!
//! A watch stands where a planted mistake would, between the world and a node, and changes nothing; but for the divergence
//! that it makes where a figure needs one of an exact size.

use std::cell::RefCell;

use netsplit::kv::{Key, Value};
use netsplit::mistake::Found;
use netsplit::zone_sync::state::Saved;
use netsplit::zone_sync::{
    Content, Message, Module, Node, Record, Stamp, Timer, What, Zone, ZoneSync, decode,
};
use netsplit::{Input, Mistake, NodeId, Now, Outbox, Planted, Process, Span, Time};
use netsplit_sim::scenario::{Scenario, Source};
use netsplit_sim::world::ground::Ground;
use netsplit_sim::world::{Outcomes, World};

/// How a run is watched.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    /// From when on it counts: what goes before is warming up, or the damage.
    pub(crate) from: Time,
    /// How many pairs each node holds from the start, the same everywhere.
    pub(crate) loaded: u32,
    /// How many of them the first node writes anew, and when it does.
    pub(crate) diverge: (u32, Time),
}

/// What was seen.
#[derive(Default)]
pub(crate) struct Seen {
    /// How many updates clients asked for.
    pub(crate) updates: u64,
    /// How long after they were written records came to another node, in microseconds.
    pub(crate) staleness: Vec<u32>,
    /// Bytes that the nodes pushed.
    pub(crate) bytes: u64,
    /// By node: how many records had waited for a whole interval when it looked into its log for the first time that
    /// counts, and for the last.
    pub(crate) left: Vec<Option<(usize, usize)>>,
    /// When all nodes held what the first one wrote, and how many bytes were pushed by then.
    pub(crate) equal: Option<(Time, u64)>,
}

/// A run under watch, and what it needs to go on.
struct Watched {
    plan: Plan,
    seen: Seen,
    /// By node: all bytes that it has pushed so far.
    pushed: Vec<u64>,
    /// All of that when the plan says that it begins to count.
    before: Option<u64>,
    nodes: usize,
    equal: usize,
}

thread_local! {
    /// The run on this thread. A watch is planted by a plain function, which can be told nothing.
    static RUN: RefCell<Option<Watched>> = const { RefCell::new(None) };
}

static WATCH: Planted<Node> = Planted {
    name: "watch",
    about: "nothing is wrong: somebody looks",
    plant: || Box::new(Watch::plant()),
};

/// Runs a scenario under a seed in the plain world, without judges, under watch.
pub(crate) fn watch(text: String, seed: u64, plan: Plan) -> (Seen, Outcomes<ZoneSync>) {
    let mut scenario = read(text);
    scenario.mistake = Some(&WATCH);
    RUN.set(Some(Watched {
        plan,
        seen: Seen::default(),
        pushed: Vec::new(),
        before: None,
        nodes: scenario.config.servers.len(),
        equal: 0,
    }));
    let outcomes = World::new(&scenario, seed, Ground::plain())
        .unjudged()
        .run();
    assert_eq!(outcomes.violations, [], "{}", scenario.source.text);
    let mut run = RUN.take().expect("it was put there");
    run.seen.bytes = run.pushed.iter().sum::<u64>() - run.before.unwrap_or_default();
    (run.seen, outcomes)
}

/// A scenario of the mode.
pub(crate) fn read(text: String) -> Scenario<ZoneSync> {
    let path = "figures.toml".into();
    Scenario::read(&Source { path, text }).unwrap_or_else(|problem| panic!("{problem}"))
}

/// Looks at one node.
struct Watch {
    /// Which, from 0.
    place: usize,
    /// How far its log went when it last looked into it.
    newest: u64,
    diverged: bool,
    equal: bool,
}

impl Watch {
    fn plant() -> Watch {
        let place = with_run(|run| {
            run.pushed.push(0);
            run.seen.left.push(None);
            run.pushed.len() - 1
        });
        Watch {
            place,
            newest: 0,
            diverged: false,
            equal: false,
        }
    }
}

impl Mistake<Node> for Watch {
    fn boot(&mut self, disk: &mut Found<Node>) {
        let loaded = with_run(|run| run.plan.loaded);
        disk.extend((0..loaded).map(|key| Ok(Saved::Is(pair(key, 1, 1)))));
    }

    fn step(
        &mut self,
        node: &mut Node,
        now: Now,
        input: Input<ZoneSync>,
        out: &mut Outbox<ZoneSync>,
    ) {
        with_run(|run| {
            if now.mono >= run.plan.from {
                run.before.get_or_insert_with(|| run.pushed.iter().sum());
                run.comes(&input, now);
            }
        });
        if input == Input::Fired(Timer::Interval) {
            self.looks(node, now);
        }
        node.step(now, input, out);
        with_run(|run| run.pushed[self.place] = node.counters.bytes_out);
        self.compare(node, now);
    }
}

impl Watch {
    /// The node looks into its log.
    fn looks(&mut self, node: &mut Node, now: Now) {
        let (count, at) = with_run(|run| run.plan.diverge);
        if self.place == 0 && now.mono >= at && !std::mem::replace(&mut self.diverged, true) {
            let zone = node.zone_mut(Module::Keyval).expect("everybody has it");
            let every = with_run(|run| run.plan.loaded.checked_div(count));
            for nth in 0..count {
                write(zone, nth * every.unwrap_or(1), micros(now));
            }
        }
        if let Some(zone) = node.zone(Module::Sticky) {
            let left = zone.pending(0) - zone.pending(self.newest);
            self.newest = zone.newest();
            with_run(|run| {
                if now.mono >= run.plan.from {
                    run.seen.left[self.place].get_or_insert((left, left)).1 = left;
                }
            });
        }
    }

    /// Whether the node now holds all that the first one wrote: each record was loaded, and written or told once.
    fn compare(&mut self, node: &Node, now: Now) {
        with_run(|run| {
            let Plan {
                loaded,
                diverge: (count, at),
                ..
            } = run.plan;
            if self.equal || count == 0 || now.mono < at {
                return;
            }
            let zone = node.zone(Module::Keyval).expect("everybody has it");
            self.equal = zone.changes() == u64::from(loaded) + u64::from(count);
            run.equal += usize::from(self.equal);
            if run.equal == run.nodes && self.equal {
                let bytes = run.pushed.iter().sum::<u64>() - run.before.unwrap_or_default();
                run.seen.equal = Some((now.mono, bytes));
            }
        });
    }
}

impl Watched {
    /// Something comes to a node.
    fn comes(&mut self, input: &Input<ZoneSync>, now: Now) {
        match input {
            Input::Delivered(_, Message::Ask { .. }) => self.seen.updates += 1,
            Input::Arrived(_, Message::Frame(frame)) if frame.what() == What::Live => {
                let frame = decode(frame.bytes()).expect("nothing is damaged");
                let age = |record: Record| (micros(now) - record.stamp.time) as u32;
                self.seen.staleness.extend(frame.records().map(age));
            }
            _ => {}
        }
    }
}

impl Seen {
    /// The staleness below which so many percent of the records were, by nearest rank.
    pub(crate) fn percentile(&mut self, percent: usize) -> Option<Span> {
        let rank = (self.staleness.len() * percent).div_ceil(100);
        let place = rank.checked_sub(1)?;
        let (_, at, _) = self.staleness.select_nth_unstable(place);
        Some(Span::micros((*at).into()))
    }
}

fn with_run<T>(look: impl FnOnce(&mut Watched) -> T) -> T {
    RUN.with_borrow_mut(|run| look(run.as_mut().expect("a watch belongs to a run")))
}

fn write(zone: &mut Zone, key: u32, time: u64) {
    let Record {
        key,
        stamp,
        content,
        life,
    } = pair(key, time, time);
    zone.write(key, content, stamp, life);
}

/// A pair of 53 bytes on the wire, as a session of the real system is, that never ends.
fn pair(key: u32, time: u64, name: u64) -> Record {
    let writer = NodeId::server(1);
    let value = Value { name, bytes: 24 };
    Record {
        key: Key(key),
        stamp: Stamp { time, writer },
        content: Content::Value(value),
        life: u64::MAX,
    }
}

fn micros(now: Now) -> u64 {
    now.wall.as_nanos() / 1_000
}
