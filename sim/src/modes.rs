//! The modes that a command line knows. Whoever brings one of their own passes it to [`crate::cli::main`]; nothing else
//! has to change.

use netsplit::caspaxos::CasPaxos;
use netsplit::raft::Raft;
use netsplit::session_data::SessionData;
use netsplit::sibling_quorum::SiblingQuorum;
use netsplit::zone_sync::ZoneSync;
use netsplit::{Class, Config, Invariants, Kinds, Mode, Promise};
use serde_json::{Map, Value};

use crate::play::Play;
use crate::scenario::{Problem, Scenario, Source, schema};

/// With how many servers of each class a mode is described where no scenario says, if it can have so many.
const USUAL_SERVERS: u32 = 3;

/// A mode, whatever its types are: every [`Mode`] is one.
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

impl<M: Mode> AnyMode for M {
    fn name(&self) -> &'static str {
        M::NAME
    }

    fn read(&self, source: &Source) -> Result<Box<dyn Play>, Problem> {
        Ok(Box::new(Scenario::<M>::read(source)?))
    }

    fn schema(&self) -> Map<String, Value> {
        schema::of_mode::<M>()
    }

    fn describe(&self) -> Vec<(&'static str, Vec<String>)> {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let options = toml::to_string(&M::Options::default()).unwrap_or_default();
        let number = |class: &Class| {
            let (least, most) = (class.number.start(), class.number.end());
            match M::SERVERS {
                [_] => format!("{least} to {most}"),
                _ => format!("{} ({}1 ..): {least} to {most}", class.name, class.letter),
            }
        };
        vec![
            ("about", vec![M::ABOUT.to_owned()]),
            ("nodes", M::SERVERS.iter().map(number).collect()),
            ("survives", survives::<M>()),
            ("roles", words(M::ROLES)),
            (
                "operations",
                M::OPERATIONS
                    .iter()
                    .map(|operation| operation.name.to_owned())
                    .collect(),
            ),
            ("messages", words(<M::Message as Kinds>::KINDS)),
            ("queues", words(M::QUEUES)),
            ("notes", words(<M::Note as Kinds>::KINDS)),
            ("judges", judges::<M>()),
            ("invariants", words(<M::Invariants as Invariants<M>>::NAMES)),
            ("options", options.lines().map(str::to_owned).collect()),
            (
                "mistakes",
                M::MISTAKES
                    .iter()
                    .map(|planted| format!("{}: {}", planted.name, planted.about))
                    .collect(),
            ),
        ]
    }
}

/// A mode as it is where no scenario says otherwise.
pub fn usual<M: Mode>() -> Config<M> {
    of_size(USUAL_SERVERS)
}

/// So many servers of each class, as far as it can have so many.
fn of_size<M: Mode>(number: u32) -> Config<M> {
    let names = |class: &'static Class| {
        class.names(number.clamp(*class.number.start(), *class.number.end()))
    };
    Config {
        servers: M::SERVERS.iter().flat_map(names).collect(),
        options: M::Options::default(),
    }
}

/// The judges of a mode's promises, each once.
fn judges<M: Mode>() -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in M::promises(&usual::<M>()).iter().map(Promise::name) {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

/// What a mode promises to survive, in words, with its default options.
fn survives<M: Mode>() -> Vec<String> {
    let mut lost: Vec<String> = [3, 5, 7]
        .map(of_size::<M>)
        .iter()
        .map(|config| {
            let envelope = M::envelope(config);
            format!("{} of {}", envelope.lost_servers, config.servers.len())
        })
        .collect();
    lost.dedup();
    let envelope = M::envelope(&usual::<M>());
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

/// The modes that ship. A static, and no constant, so that they are compiled here, and not wherever they are named.
pub static SHIPPED: [&dyn AnyMode; 5] = [&Raft, &SiblingQuorum, &SessionData, &ZoneSync, &CasPaxos];

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
