//! The modes that a command line knows. Whoever brings one of their own adds it to the list that they pass to
//! [`crate::cli::main`]; nothing else has to change.

use netsplit::raft::Raft;
use netsplit::zone_sync::ZoneSync;
use netsplit::{Kinds, Mode, Promise};
use serde_json::{Map, Value};

use crate::mistakes::{self, Planted};
use crate::play::Play;
use crate::scenario::{Problem, Scenario, Source, schema};

/// With how many servers a mode is described where no scenario says.
pub(crate) const USUAL_SERVERS: u32 = 3;

/// A mode, whatever its types are.
pub trait AnyMode: Sync {
    /// Its name.
    fn name(&self) -> &'static str;
    /// Reads a scenario of this mode.
    ///
    /// # Errors
    /// If something is wrong with it.
    fn read(&self, source: &Source) -> Result<Box<dyn Play>, Problem>;
    /// What the form of a scenario of this mode says where modes differ: schemas by the names of the definitions that
    /// they replace in [`crate::scenario::schema::of`].
    fn schema(&self) -> Map<String, Value>;
    /// What `netsplit list` says of it.
    fn describe(&self) -> Vec<(&'static str, Vec<String>)>;
}

/// A mode with the mistakes that can be planted in it.
pub struct WithMistakes<M: Mode>(pub &'static [Planted<M::Process>]);

impl<M: Mode> AnyMode for WithMistakes<M> {
    fn name(&self) -> &'static str {
        M::NAME
    }

    fn read(&self, source: &Source) -> Result<Box<dyn Play>, Problem> {
        Ok(Box::new(Scenario::<M>::read(source, self.0)?))
    }

    fn schema(&self) -> Map<String, Value> {
        let mistakes: Vec<&str> = self.0.iter().map(|planted| planted.name).collect();
        schema::of_mode::<M>(&mistakes)
    }

    fn describe(&self) -> Vec<(&'static str, Vec<String>)> {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let options = toml::to_string(&M::Options::default()).unwrap_or_default();
        vec![
            ("about", vec![M::ABOUT.to_owned()]),
            (
                "nodes",
                vec![format!("{} to {}", M::SERVERS.start(), M::SERVERS.end())],
            ),
            ("survives", survives::<M>()),
            (
                "peers",
                vec![
                    if M::RESOLVES {
                        "found by name"
                    } else {
                        "known from the start"
                    }
                    .to_owned(),
                ],
            ),
            ("roles", words(M::ROLES)),
            ("operations", words(M::REQUESTS)),
            ("messages", words(<M::Message as Kinds>::KINDS)),
            ("queues", words(M::QUEUES)),
            ("notes", words(<M::Note as Kinds>::KINDS)),
            ("judges", judges::<M>()),
            (
                "invariants",
                words(<M::Invariants as netsplit::Invariants<M::Process>>::NAMES),
            ),
            ("options", options.lines().map(str::to_owned).collect()),
            (
                "mistakes",
                self.0
                    .iter()
                    .map(|planted| format!("{}: {}", planted.name, planted.about))
                    .collect(),
            ),
        ]
    }
}

/// The judges of a mode's promises, each once.
fn judges<M: Mode>() -> Vec<String> {
    let promises = M::promises(&M::Options::default(), USUAL_SERVERS);
    let mut names: Vec<String> = Vec::new();
    for name in promises.iter().map(Promise::name) {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

/// What a mode promises to survive, in words, with its default options.
fn survives<M: Mode>() -> Vec<String> {
    let options = M::Options::default();
    let of = |servers: u32| (servers, M::envelope(&options, servers));
    let lost: Vec<String> = [3, 5, 7]
        .map(of)
        .iter()
        .map(|(servers, envelope)| format!("{} of {servers}", envelope.lost_servers))
        .collect();
    let (_, envelope) = of(3);
    let lies = if envelope.lying_flushes { "yes" } else { "no" };
    vec![
        format!(
            "servers that lose their disks (wipe, rot): {}",
            lost.join(", ")
        ),
        format!("flushes that lie (fake_flushes): {lies}"),
        format!("clocks that drift: up to {}ppm", envelope.drift_ppm),
    ]
}

/// The modes that ship.
pub fn shipped() -> [&'static dyn AnyMode; 2] {
    static RAFT: WithMistakes<Raft> = WithMistakes(mistakes::raft::ALL);
    static ZONE_SYNC: WithMistakes<ZoneSync> = WithMistakes(mistakes::zone_sync::ALL);
    [&RAFT, &ZONE_SYNC]
}

/// Reads a scenario of whichever mode it names.
///
/// # Errors
/// If something is wrong with it.
pub fn read(modes: &[&dyn AnyMode], source: &Source) -> Result<Box<dyn Play>, Problem> {
    let known: Vec<&str> = modes.iter().map(|mode| mode.name()).collect();
    let name = crate::scenario::mode_of(source, &known)?;
    let mode = modes.iter().find(|mode| mode.name() == name);
    mode.expect("`mode_of` gives one of the known names")
        .read(source)
}
