//! A run as text: every event of the world and every note of a process, one a line.
//!
//! They are `tracing` events with the virtual time and the node as fields, free when nobody listens. The target of the
//! world's events is `world`, that of notes `note`; whoever says what to log names the mode instead.

use std::fmt::{self, Write as _};
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use netsplit::{Span, Time};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::Registry;

use super::thread::Thread;

/// The environment variable that says what to log.
pub const VARIABLE: &str = "NETSPLIT_LOG";

/// What of a run is written down.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Which targets, at which level.
    pub targets: Targets,
    /// Nothing after this instant.
    pub until: Option<Time>,
    /// Only what happens at this node, and what befalls all.
    pub node: Option<String>,
    /// Only the play of this key, and what befalls all: what names it, what those who asked about it do and hear until
    /// they are answered, and the flushes of what was written of it.
    pub key: Option<String>,
}

impl Wanted {
    /// Everything.
    pub fn everything() -> Wanted {
        Wanted::of(Targets::new().with_default(LevelFilter::TRACE))
    }

    /// What matters of the protocol and the world: notes, faults and operations, but not each message.
    pub fn story() -> Wanted {
        Wanted::of(Targets::new().with_default(LevelFilter::DEBUG))
    }

    fn of(targets: Targets) -> Wanted {
        Wanted {
            targets,
            until: None,
            node: None,
            key: None,
        }
    }

    /// What directives such as `raft=debug,world=trace` ask for, in a run of `mode`.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn read(directives: &str, mode: &str) -> Result<Wanted, String> {
        let note = |directive: &str| match directive.trim().split_once('=') {
            Some((target, level)) if target.trim() == mode => format!("note={level}"),
            None if directive.trim() == mode => "note=trace".to_owned(),
            _ => directive.to_owned(),
        };
        // Faults are shown, unless somebody says how much of the world, or of all.
        let of_world = |directive: &str| {
            let target = directive.trim();
            target.starts_with("world") || target.parse::<LevelFilter>().is_ok()
        };
        let faults = (!directives.split(',').any(of_world)).then(|| "world=info".to_owned());
        let directives: Vec<String> = directives.split(',').map(note).chain(faults).collect();
        let targets = directives.join(",").parse().map_err(|error| {
            format!("{VARIABLE} cannot be read: {error}; write `{mode}=debug` or `{mode}=debug,world=trace`")
        })?;
        Ok(Wanted::of(targets))
    }
}

/// One listener at a time: `tracing` remembers for the whole process whether anybody cares for an event, and with two
/// that come and go one of them can be forgotten.
static LISTENING: Mutex<()> = Mutex::new(());

/// Writes down what `work` does on this thread.
pub fn of<R>(wanted: Wanted, into: impl Write + Send + 'static, work: impl FnOnce() -> R) -> R {
    let _alone = LISTENING.lock().unwrap_or_else(PoisonError::into_inner);
    let targets = wanted.targets.clone();
    let thread = wanted.key.as_deref().map(Thread::of);
    let layer = Lines {
        wanted,
        into: Mutex::new((Box::new(into), thread)),
    }
    .with_filter(targets);
    tracing::subscriber::with_default(Registry::default().with(layer), || {
        // What another thread met first, while nobody listened, may have been written off just now.
        tracing::callsite::rebuild_interest_cache();
        work()
    })
}

/// The same, as text.
pub fn text<R>(wanted: Wanted, work: impl FnOnce() -> R) -> (R, String) {
    let buffer = Shared::default();
    let result = of(wanted, buffer.clone(), work);
    let bytes = buffer
        .0
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    (result, String::from_utf8_lossy(&bytes).into_owned())
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

struct Lines {
    wanted: Wanted,
    /// Where to, and what of the key was seen.
    into: Mutex<(Box<dyn Write + Send>, Option<Thread>)>,
}

#[derive(Default)]
struct Fields {
    at: String,
    node: String,
    message: String,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let into = match field.name() {
            "at" => &mut self.at,
            "node" => &mut self.node,
            "message" => &mut self.message,
            _ => return,
        };
        let _ = write!(into, "{value:?}");
    }
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let Fields { at, node, message } = fields;
        let mut into = self.into.lock().unwrap_or_else(PoisonError::into_inner);
        let (into, thread) = &mut *into;
        let befalls_all = node.is_empty();
        // The thread has to see what happens elsewhere, too.
        let is_off = |thread: &mut Thread| !thread.takes(&node, &message);
        if !befalls_all && thread.as_mut().is_some_and(is_off) {
            return;
        }
        let elsewhere = |wanted: &String| !befalls_all && *wanted != node;
        if self.wanted.node.as_ref().is_some_and(elsewhere) {
            return;
        }
        let over = |until: Time| at.parse().is_ok_and(|at: Span| Time::ZERO + at > until);
        if self.wanted.until.is_some_and(over) {
            return;
        }
        // Whoever reads may have left, as `head` does; the run goes on.
        let _ = writeln!(into, "{at:>12}  {node:<4} {message}");
    }
}
