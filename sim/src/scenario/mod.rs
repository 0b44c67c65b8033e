//! From a TOML file to a scenario that can be run, with errors that point at the line.

mod checks;
mod faults;
mod file;
pub mod form;
pub mod problem;
mod resources;
pub mod schema;
mod values;

use std::ops::Range;

use netsplit::{Ask, Mode, Span, View};

pub(crate) use self::checks::seed_range;
pub use self::problem::Problem;
pub(crate) use self::resources::Machine;
use crate::mistakes::Planted;
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

/// A system, what befalls it, and what is expected of it.
pub struct Scenario<M: Mode> {
    /// Where it comes from.
    pub source: Source,
    /// The comment on top of the file.
    pub story: String,
    /// How many servers.
    pub servers: u32,
    /// The seeds it is run with.
    pub seeds: Range<u64>,
    /// How long the storm lasts.
    pub length: Span,
    /// The mode's constants and mechanisms.
    pub options: M::Options,
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
    pub mistake: Option<&'static Planted<M::Process>>,
    /// How operations look to a judge of key-value stores, where the mode is one.
    pub view: Option<View<M>>,
    pub(crate) within: Option<Span>,
}

/// What a scenario expects of its seeds.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Expect {
    /// What must be violated, each at least once over the file's seeds, and nothing else. Empty: everything holds.
    pub violated: Vec<&'static str>,
    /// Kinds of notes, by number, that must occur over the file's seeds: else the scenario shows nothing.
    pub sees: Vec<usize>,
}

impl<M: Mode> Scenario<M> {
    /// Reads a scenario of this mode.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place in the file and what would be right.
    pub fn read(
        source: &Source,
        mistakes: &'static [Planted<M::Process>],
    ) -> Result<Scenario<M>, Problem> {
        checks::read(source, mistakes)
    }

    /// Whether an operation only looks.
    pub(crate) fn looks(&self, ask: &Ask) -> bool {
        self.view
            .and_then(|view| view(&M::request(&self.options, *ask), None))
            .is_some_and(|exchange| exchange.request.is_read())
    }

    /// How long after the storm everything must be well.
    pub(crate) fn calm_budget(&self) -> Span {
        let budget = M::calm_budget(&self.options);
        self.within.map_or(budget, |within| within.min(budget))
    }
}

/// The mode that a scenario file names.
///
/// # Errors
/// If it names none, or one that is not among `known`.
pub fn mode_of<'a>(source: &Source, known: &[&'a str]) -> Result<&'a str, Problem> {
    checks::mode_of(source, known)
}
