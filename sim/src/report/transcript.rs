//! A run as text: every event of the world and every note of a process, one a line.
//!
//! They are `tracing` events with the virtual time and the node as fields, free when nobody listens. The target of the
//! world's events is `world`, that of notes is the name of the mode.

use std::fmt::{self, Write as _};
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use netsplit::Time;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::Registry;

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
    /// Only lines that name this key, and what befalls all.
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
        let directives: Vec<String> = directives.split(',').map(note).collect();
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
    let layer = Lines {
        wanted,
        into: Mutex::new(Box::new(into)),
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
    into: Mutex<Box<dyn Write + Send>>,
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
        let elsewhere = |wanted: &String| !node.is_empty() && *wanted != node;
        if self.wanted.node.as_ref().is_some_and(elsewhere) {
            return;
        }
        let names = |key: &String| {
            message
                .split(|c: char| !c.is_alphanumeric())
                .any(|word| word == key)
        };
        if !node.is_empty() && self.wanted.key.as_ref().is_some_and(|key| !names(key)) {
            return;
        }
        // Instants are printed with a fixed number of digits behind the point.
        let over = |until: Time| {
            (at.len(), at.as_str()) > (until.to_string().len(), until.to_string().as_str())
        };
        if self.wanted.until.is_some_and(over) {
            return;
        }
        let mut into = self.into.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever reads may have left, as `head` does; the run goes on.
        let _ = writeln!(into, "{at:>12}  {node:<4} {message}");
    }
}
