//! The scenario file as it is written. What is said here of a key is what the schema and scenarios/README.md say of it.

use std::collections::BTreeMap;

use netsplit::{Span, SpanRange};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::Spanned;

use super::choices::{LatencyFile, Names, NodesFile, ZonesFile};
use super::fault_file::FaultFile;
use super::values::{
    Bandwidth, Calms, Count, Drift, Latency, Length, Lengths, Machines, Mistake, Mix, ModeName,
    Nodes, Notes, Probability, Promises, Rate, SeedRange, Size, Throughput, ZonesForm,
};

#[derive(Deserialize)]
pub(super) struct Head {
    pub(super) mode: Spanned<String>,
    #[serde(flatten)]
    pub(super) _rest: BTreeMap<String, IgnoredAny>,
}

/// A scenario: a system, what befalls it, and what is expected of it. The comment on top is its story.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Scenario", bound = "O: JsonSchema")]
pub(super) struct File<O> {
    /// The protocol.
    #[serde(rename = "mode")]
    #[schemars(with = "ModeName")]
    pub(super) _mode: IgnoredAny,
    /// How many servers: `n1`, `n2` and so on. Where a mode has several kinds of them, how many of each.
    #[schemars(with = "Nodes")]
    pub(super) nodes: Spanned<NodesFile>,
    /// The seeds it is run with, from the first to before the second.
    #[schemars(with = "SeedRange")]
    pub(super) seeds: Spanned<String>,
    /// How long the storm lasts; the calm follows by itself.
    #[schemars(with = "Length")]
    pub(super) length: Spanned<Span>,
    /// What heals after the storm: `all`, or one random sufficient `core`, while the rest stays broken for good. Default
    /// all.
    #[schemars(with = "Option<Calms>")]
    pub(super) calm: Option<Spanned<String>>,
    /// The class of machine whose costs are the defaults of `cpu`, `network` and `disk`. Default free: work costs nothing.
    #[schemars(with = "Option<Machines>")]
    pub(super) machine: Option<Spanned<String>>,
    /// Where nodes stand: so many zones (`z1`, `z2` and so on), dealt out in turn, or who stands in which. Default nowhere.
    #[schemars(with = "Option<ZonesForm>")]
    pub(super) zones: Option<Spanned<ZonesFile>>,
    /// What links are like.
    #[serde(default)]
    pub(super) network: NetworkFile,
    /// What disks are like.
    #[serde(default)]
    pub(super) disk: DiskFile,
    /// What work costs a processor.
    #[serde(default)]
    pub(super) cpu: CpuFile,
    /// How far clocks are off.
    #[serde(default)]
    pub(super) clock: ClockFile,
    /// What clients ask.
    pub(super) workload: WorkloadFile,
    /// The mode's constants, and its mechanisms that can be switched off: see `netsplit list MODE`.
    #[schemars(with = "Option<O>")]
    pub(super) options: Option<Spanned<O>>,
    /// What befalls it, in the storm.
    #[serde(default)]
    #[schemars(with = "Vec<FaultFile>")]
    pub(super) fault: Vec<Spanned<FaultFile>>,
    /// What is expected; that everything holds, if it is left out.
    #[serde(default)]
    pub(super) expect: ExpectFile,
    /// A mistake planted in every server: see `netsplit list MODE`.
    #[schemars(with = "Option<Mistake>")]
    pub(super) mistake: Option<Spanned<String>>,
}

/// What links are like.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, expecting = "a table")]
#[schemars(rename = "Network")]
pub(super) struct NetworkFile {
    /// How long a message travels, one way. Default 1ms..5ms, or as the machine says.
    #[schemars(with = "Option<Latency>")]
    pub(super) latency: Option<Spanned<LatencyFile>>,
    /// The same between a client and a server. Default: as `latency`.
    #[schemars(with = "Option<Latency>")]
    pub(super) client_latency: Option<Spanned<LatencyFile>>,
    /// The same between two zones, either way, by their names with a `-` between: `east-west`. A zone with itself is
    /// `east-east`. What is not named is as `latency` and `client_latency` say.
    #[schemars(with = "Option<BTreeMap<String, Latency>>")]
    pub(super) between: Option<BTreeMap<Spanned<String>, Spanned<LatencyFile>>>,
    /// How likely a message is lost. Default 0, as of the next three.
    #[schemars(with = "Option<Probability>")]
    pub(super) loss: Option<Spanned<f64>>,
    /// How likely it arrives twice.
    #[schemars(with = "Option<Probability>")]
    pub(super) duplicate: Option<Spanned<f64>>,
    /// How likely it is held back, by up to 8 times the longest latency, so that later ones overtake it.
    #[schemars(with = "Option<Probability>")]
    pub(super) reorder: Option<Spanned<f64>>,
    /// How likely it arrives damaged, which its receiver finds by the checksum: it throws the message away.
    #[schemars(with = "Option<Probability>")]
    pub(super) corrupt: Option<Spanned<f64>>,
    /// What each link can carry, each way. Default: any amount, or as the machine says.
    #[schemars(with = "Option<Bandwidth>")]
    pub(super) bandwidth: Option<Spanned<String>>,
    /// How many bytes a stream takes before its receiver has taken any in. Default 64KiB.
    #[schemars(with = "Option<Size>")]
    pub(super) window: Option<Spanned<String>>,
    /// How much can wait for a link; one message more than fits is dropped. Default 4MiB where there is a bandwidth.
    #[schemars(with = "Option<Size>")]
    pub(super) queue: Option<Spanned<String>>,
}

/// What disks are like.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, expecting = "a table")]
#[schemars(rename = "Disk")]
pub(super) struct DiskFile {
    /// How long a flush takes. Default 500us..1500us, or as the machine says.
    #[schemars(with = "Option<Lengths>")]
    pub(super) flush: Option<SpanRange>,
    /// How much it writes a second on top of that. Default: any amount, or as the machine says.
    #[schemars(with = "Option<Throughput>")]
    pub(super) bandwidth: Option<Spanned<String>>,
}

/// What work costs a processor.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, expecting = "a table")]
#[schemars(rename = "Cpu")]
pub(super) struct CpuFile {
    /// Each message that is sent or taken in. Default as the machine says.
    #[schemars(with = "Option<Length>")]
    pub(super) message: Option<Span>,
    /// Each 1024 bytes of it on top of that. Default as the machine says.
    #[schemars(with = "Option<Length>")]
    pub(super) kib: Option<Span>,
}

/// How far clocks are off.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, expecting = "a table")]
#[schemars(rename = "Clock")]
pub(super) struct ClockFile {
    /// Each wall clock is off by up to this much, either way. Default 0s.
    #[schemars(with = "Option<Length>")]
    pub(super) offset: Option<Span>,
    /// Each monotonic clock is fast or slow by up to this much. Default 0ppm.
    #[schemars(with = "Option<Drift>")]
    pub(super) drift: Option<Spanned<String>>,
}

/// What clients ask.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
#[schemars(rename = "Workload")]
pub(super) struct WorkloadFile {
    /// How many clients, `c1`, `c2` and so on; each asks one thing at a time.
    #[schemars(with = "Count")]
    pub(super) clients: Spanned<u32>,
    /// Operations a second over all clients; a client that is late does not catch up.
    #[schemars(with = "Rate")]
    pub(super) rate: Spanned<String>,
    /// How many keys, `k0`, `k1` and so on. Default 10.
    #[serde(default = "ten_keys")]
    #[schemars(with = "Option<Count>")]
    pub(super) keys: Spanned<u32>,
    /// The weight of each kind of operation: see `netsplit list MODE`.
    #[schemars(with = "Mix")]
    pub(super) mix: Spanned<BTreeMap<Spanned<String>, u32>>,
    /// How large a value is. Default 16B.
    #[schemars(with = "Option<Size>")]
    pub(super) value: Option<Spanned<String>>,
}

fn ten_keys() -> Spanned<u32> {
    Spanned::new(0..0, 10)
}

/// What is expected of the seeds.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, expecting = "a table")]
#[schemars(rename = "Expect")]
pub(super) struct ExpectFile {
    /// What must be violated, each at least once over the seeds, and nothing else.
    #[schemars(with = "Option<Promises>")]
    pub(super) violated: Option<Spanned<Names>>,
    /// Notes that must occur, each at least once over the seeds: else the scenario shows nothing.
    #[schemars(with = "Option<Notes>")]
    pub(super) sees: Option<Spanned<Names>>,
    /// How long after the storm all must be well, if that is to be tighter than the mode says.
    #[schemars(with = "Option<Length>")]
    pub(super) within: Option<Span>,
}
