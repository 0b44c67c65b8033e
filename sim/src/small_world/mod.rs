//! All that can happen in a small world, breadth first.
//!
//! A world that draws from a seed shows a sample. Here nothing is drawn: from every state every action is taken, so that
//! what is true of a [`SmallWorld`] is true of all its runs, and what is not is shown by a run than which none is shorter.
//!
//! ```text
//! state = servers (process, disk, cache, alarms) + messages under way + what may still happen + what is remembered
//!
//!   n2 hears n1: ...       a message arrives: any of those under way
//!   n2 is asked by c1: ... a question comes, to any server
//!   n1: Election fires     an alarm goes off: any of those set
//!   n3 crashes             and is started again, with what was flushed and a part of what was not
//! ```
//!
//! What is not in a state:
//!
//! * *time*: an alarm goes off at any moment after it was set, a message takes any time, and `Now` stands still;
//! * *loss*: a message that never arrives is as good as lost. Only where a link holds more than there is room for, one of
//!   its messages is lost after another, any of them, until it fits. So losses cost nothing and have no bound;
//! * *downtime*: a server that is down does nothing, and no message needs to reach it, so a crash and the start after it
//!   are one action;
//! * *flushes*, unless [disks are slow](netsplit::small_world::Bounds::slow_disks): one is done by the end of its step.
//!   What was written before it is durable then; what was written behind it, or without one, stays in the cache, and a
//!   crash keeps any prefix of that. Only slow disks show a crash behind what leaves past a flush, before that is done;
//! * torn and rotten records, failing disks, streams, names to look up, and clients as processes: their questions come
//!   from outside, and what they are told is shown to [`SmallWorld::tells`].
//!
//! The engine is stateright's breadth-first checker. It knows states by 64 bits, so two of them could be taken for one:
//! with a hundred million states the odds are 1 in 3,700 that it happens at all. With one thread the trace is a shortest
//! one; with more it may be a little longer.

mod kept;
mod model;
mod state;
mod step;

use std::fmt;

use netsplit::small_world::SmallWorld;
use netsplit::{Broken, Mode};
use stateright::{Checker, Model};

pub use model::{Action, Stage};
pub use state::State;

use model::StateOf;

/// How far to go, and with how many threads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Effort {
    /// On how many threads.
    pub threads: usize,
    /// After how many states, counted as often as they are come to, it is given up. Of states that are met for the first
    /// time there are two to five times fewer, and each of those takes some hundred bytes.
    pub states: usize,
}

/// What came of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Explored {
    /// How many states were come to, each as often as it was.
    pub generated: usize,
    /// How many states there are.
    pub states: usize,
    /// How many actions away the farthest of them is.
    pub depth: usize,
    /// Whether that is all: no state within the bounds is left out.
    pub whole: bool,
    /// The names of all notes that were ever made: what the world is large enough to show.
    pub noted: Vec<&'static str>,
    /// What does not hold, if anything.
    pub found: Option<Trace>,
}

/// How it comes to something that must not be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trace {
    /// What happens, an action a line.
    pub actions: Vec<String>,
    /// What does not hold then.
    pub broken: Vec<Broken>,
}

/// Looks at all that can happen.
pub fn explore<W: SmallWorld>(world: W, effort: Effort) -> Explored {
    run(Stage::new(world, None), effort)
}

/// Looks at all that can happen if every server makes this mistake. One that remembers something from step to step does
/// not do so here.
///
/// # Panics
/// If the mode has no mistake of that name.
pub fn explore_mistaken<W: SmallWorld>(world: W, mistake: &str, effort: Effort) -> Explored {
    let known = W::Mode::MISTAKES.iter();
    let planted = known.into_iter().find(|planted| planted.name == mistake);
    let planted = planted.unwrap_or_else(|| panic!("{} has no mistake `{mistake}`", W::Mode::NAME));
    run(Stage::new(world, Some(planted)), effort)
}

fn run<W: SmallWorld>(stage: Stage<W>, effort: Effort) -> Explored {
    let search = stage.checker().threads(effort.threads);
    let done = search.target_state_count(effort.states).spawn_bfs().join();
    let path = done.discoveries().into_values().next();
    let found = path.map(|path| trace(done.model(), path.into_vec()));
    Explored {
        generated: done.state_count(),
        states: done.unique_state_count(),
        // The engine counts states along the way, and not the steps between them.
        depth: done.max_depth().saturating_sub(1),
        whole: found.is_none() && done.state_count() < effort.states,
        noted: done.model().noted(),
        found,
    }
}

fn trace<W: SmallWorld>(stage: &Stage<W>, path: Vec<(StateOf<W>, Option<Action>)>) -> Trace {
    let broken = path.last().map(|(state, _)| state.broken.clone());
    let steps = path.iter();
    let actions = steps.filter_map(|(state, action)| Some(stage.describe(state, (*action)?)));
    Trace {
        actions: actions.collect(),
        broken: broken.unwrap_or_default(),
    }
}

impl<W: SmallWorld> Stage<W> {
    /// An action in words, and what is noted by it.
    fn describe(&self, state: &StateOf<W>, action: Action) -> String {
        let id = |server: u8| self.config.servers[usize::from(server)];
        let parcel = |place: u16| &state.parcels[usize::from(place)];
        let mut text = match action {
            Action::Hear {
                parcel: place,
                twice,
            } => {
                let (link, message) = (parcel(place).link, &*parcel(place).message);
                let twice = if twice { " for the first time" } else { "" };
                format!("{} hears {}{twice}: {message}", id(link.to), id(link.from))
            }
            Action::Lose { parcel: place } => {
                let (link, message) = (parcel(place).link, &*parcel(place).message);
                format!(
                    "what {} sent {} is lost: {message}",
                    id(link.from),
                    id(link.to)
                )
            }
            Action::Ask { question, server } => {
                let question = &self.questions[usize::from(question)];
                format!(
                    "{} is asked by {}: {}",
                    id(server),
                    question.from,
                    question.message
                )
            }
            Action::Fire { server, alarm } => {
                let timer = state.nodes[usize::from(server)].alarms[usize::from(alarm)];
                format!("{}: {timer:?} fires", id(server))
            }
            Action::Flush { server } => format!("{}: a flush is done", id(server)),
            Action::Start { server, keeps } => {
                let node = &state.nodes[usize::from(server)];
                let verb = match node.server() {
                    Some(_) => "crashes and is started again",
                    None => "is started again",
                };
                let lost = match node.cache.len() - usize::from(keeps) {
                    0 => String::new(),
                    lost => format!(", without the last {lost} of what it wrote"),
                };
                format!("{} {verb}{lost}", id(server))
            }
        };
        let (_, notes) = self.happen(state, action);
        let notes: Vec<String> = notes.iter().map(ToString::to_string).collect();
        if !notes.is_empty() {
            text = format!("{text} [{}]", notes.join("; "));
        }
        text
    }
}

impl fmt::Display for Explored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Explored {
            generated,
            states,
            depth,
            ..
        } = self;
        write!(
            f,
            "{states} states, come to {generated} times, depth {depth}: "
        )?;
        match (&self.found, self.whole) {
            (Some(trace), _) => write!(f, "violated\n{trace}"),
            (None, true) => write!(f, "all hold"),
            (None, false) => write!(f, "given up, and nothing found by then"),
        }
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for action in &self.actions {
            writeln!(f, "  {action}")?;
        }
        for Broken {
            invariant,
            evidence,
        } in &self.broken
        {
            writeln!(f, "  => {invariant}: {evidence}")?;
        }
        Ok(())
    }
}
