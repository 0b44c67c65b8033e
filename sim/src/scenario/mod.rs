//! From a TOML file to a scenario that can be run, with errors that point at the line.

mod checks;
mod choices;
mod fault_file;
mod faults;
mod file;
pub mod form;
pub mod problem;
mod resources;
pub mod schema;
mod targets;
mod values;

use std::ops::Range;
use std::sync::Arc;

use netsplit::{Config, Mode, NodeId, Planted, Span};

pub(crate) use self::checks::seed_range;
pub use self::problem::Problem;
pub(crate) use self::resources::Machine;
use crate::workload::WorkloadSetup;
use crate::world::calm::Calm;
use crate::world::clock::ClockSetup;
use crate::world::cpu::CpuSetup;
use crate::world::disk::DiskSetup;
use crate::world::fault::Plan;
use crate::world::network::NetworkSetup;
use crate::world::target::Zones;

/// The text of a scenario file, and where it comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source {
    /// As the user named it.
    pub path: String,
    /// The file's content.
    pub text: String,
}

impl Source {
    /// A text, and where it comes from.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Source {
        Source {
            path: path.into(),
            text: text.into(),
        }
    }
}

/// A system, what befalls it, and what is expected of it.
pub struct Scenario<M: Mode> {
    /// Where it comes from.
    pub source: Source,
    /// The comment on top of the file.
    pub story: String,
    /// The servers, and the mode's constants and mechanisms.
    pub config: Arc<Config<M>>,
    /// The seeds it is run with.
    pub seeds: Range<u64>,
    /// How long the storm lasts.
    pub length: Span,
    /// Where nodes stand.
    pub zones: Zones,
    /// Links.
    pub network: NetworkSetup,
    /// Disks.
    pub disk: DiskSetup,
    /// Processors.
    pub cpu: CpuSetup,
    /// Clocks.
    pub clock: ClockSetup,
    /// Clients.
    pub workload: WorkloadSetup,
    /// What befalls it.
    pub faults: Vec<Plan>,
    /// What heals when the storm is over.
    pub calm: Calm,
    /// What is expected.
    pub expect: Expect,
    /// A mistake planted in every server.
    pub mistake: Option<&'static Planted<M::Server>>,
}

/// What a scenario expects of its seeds.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Expect {
    /// What must be violated, each at least once over the file's seeds, and nothing else. Empty: everything holds.
    pub violated: Vec<&'static str>,
    /// Kinds of notes, by number, that must occur over the file's seeds: else the scenario shows nothing.
    pub sees: Vec<usize>,
    /// How long after the storm all must be well, if that is to be tighter than the mode says.
    pub within: Option<Span>,
}

impl<M: Mode> Scenario<M> {
    /// Reads a scenario of this mode.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place in the file and what would be right.
    pub fn read(source: &Source) -> Result<Scenario<M>, Problem> {
        checks::read(source)
    }

    /// Its participants, servers before clients.
    pub fn nodes(&self) -> Vec<NodeId> {
        let clients = (1..=self.workload.clients).map(NodeId::client);
        self.config.servers.iter().copied().chain(clients).collect()
    }

    /// How long after the storm everything must be well.
    pub(crate) fn calm_budget(&self) -> Span {
        let budget = M::calm_budget(&self.config);
        self.expect
            .within
            .map_or(budget, |within| within.min(budget))
    }
}

/// The mode that a scenario file names.
///
/// # Errors
/// If it names none, or one that is not among `known`.
pub fn mode_of<'a>(source: &Source, known: &[&'a str]) -> Result<&'a str, Problem> {
    checks::mode_of(source, known)
}
