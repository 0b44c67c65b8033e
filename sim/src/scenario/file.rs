//! The scenario file as it is written. What is said here of a key is what the schema and scenarios/README.md say of it.

use std::collections::BTreeMap;
use std::fmt;

use netsplit::{Span, SpanRange};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use toml::Spanned;

use super::values::{
    Answers, Bandwidth, Calms, Count, Drift, Group, Groups, Latency, Length, Lengths, Machines,
    Message, Mistake, Mix, ModeName, Nodes, Notes, Points, Probability, Promises, Queue, Rate,
    SeedRange, SignedLength, Size, Throughput, Ways, ZonesForm,
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
    /// How many servers: `n1`, `n2` and so on.
    #[schemars(with = "Nodes")]
    pub(super) nodes: Spanned<u32>,
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

/// A fault: when, how long, and exactly one thing that it does.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table, written [[fault]]")]
#[schemars(
    rename = "Fault",
    extend("if" = { "anyOf": [{ "required": ["lose_queue"] }, { "required": ["reset_streams"] }] }),
    extend("then" = { "not": { "required": ["for"] } }),
    extend("else" = { "required": ["for"] })
)]
pub(super) struct FaultFile {
    /// When it begins, from the start of the run.
    #[schemars(with = "Lengths")]
    pub(super) at: Spanned<SpanRange>,
    /// How long from one planned beginning to the next, again and again; it comes once if this is left out. While one
    /// still waits for its target, the next is left out.
    #[schemars(with = "Option<Lengths>")]
    pub(super) every: Option<Spanned<SpanRange>>,
    /// How long it lasts; where nodes go down, how long each is down. It ends with the storm at the
    /// latest. Every fault needs it but `lose_queue` and `reset_streams`, which happen at once and must not have it.
    #[serde(rename = "for")]
    #[schemars(with = "Option<Lengths>")]
    pub(super) lasts: Option<Spanned<SpanRange>>,
    /// While it lasts it comes and goes: how long it stays on, and off. At least 1ms. Not with `swizzle`, `crash`,
    /// `kill_host`, `power`, `wipe`, `rot`, `quit`, `rolling`, `crash_at`, `fail_writes`, `fill_disk`, `fail_flushes`,
    /// `fake_flushes`, `reset_streams` and `lose_queue`.
    #[schemars(with = "Option<Lengths>")]
    pub(super) flap: Option<Spanned<SpanRange>>,
    /// Network. Nothing passes between groups, either way; who is in no group hears everybody. Or a shape into which the
    /// servers fall in any order: `one` (alone), `halves`, `bridge` (two sides, and one server that hears both),
    /// `majorities_ring` (each hears a majority, no two the same).
    #[schemars(with = "Option<Groups>", extend("examples" = [["leader", "others"], "bridge"]))]
    pub(super) partition: Option<Spanned<Apart>>,
    /// Network. Nothing passes one way; back, it does.
    #[schemars(extend("examples" = [{ "from": "others", "to": "leader" }]))]
    pub(super) cut: Option<CutFile>,
    /// Network. Messages are lost; on a stream they are sent again, and what is behind them waits.
    #[schemars(with = "Option<LinksFile>", extend("examples" = [{ "message": "accepted" }, { "from": "leader", "to": "any" }]))]
    pub(super) drop: Option<Spanned<LinksFile>>,
    /// Network. Messages wait until it is over, and then all set out at once.
    #[schemars(with = "Option<LinksFile>", extend("examples" = [{ "from": "leader" }]))]
    pub(super) jam: Option<Spanned<LinksFile>>,
    /// Network. Messages travel `factor` times as long.
    #[schemars(extend("examples" = [{ "from": "any", "factor": 10 }]))]
    pub(super) slow_link: Option<SlowLinkFile>,
    /// Network. Messages are lost, doubled, held back or damaged at random.
    #[schemars(extend("examples" = [{ "loss": 0.2, "duplicate": 0.1, "reorder": 0.1, "corrupt": 0.01 }]))]
    pub(super) noise: Option<NoiseFile>,
    /// Network. Each of the group is jammed or not, as a coin falls: one after another in the first half, and let go in
    /// another order in the second.
    #[schemars(with = "Option<Group>", extend("examples" = ["all"]))]
    pub(super) swizzle: Option<Spanned<Names>>,
    /// Network. The streams that one group has opened to another are broken off, at once: both ends are told, and of what
    /// is under way a suffix is lost. Waits until there is one.
    #[schemars(extend("examples" = [{ "from": "any", "to": "others" }]))]
    pub(super) reset_streams: Option<CutFile>,
    /// Network. The streams that one group has opened to another are held up, while everything else between them passes.
    /// Waits until there is one.
    #[schemars(extend("examples" = [{ "from": "any", "to": "others", "way": "back" }]))]
    pub(super) stall_streams: Option<StallFile>,
    /// Process. It dies, with what was in memory and any suffix of what was not flushed, and restarts by itself.
    #[schemars(with = "Option<Group>", extend("examples" = ["leader", ["c1", "c2"]]))]
    pub(super) crash: Option<Spanned<Names>>,
    /// Process. Its machine dies: what waits in a jam to leave it is lost too, and no reset reaches those at the other
    /// ends of its streams: they learn of it when a segment of theirs meets its restart.
    #[schemars(with = "Option<Group>", extend("examples" = ["leader"]))]
    pub(super) kill_host: Option<Spanned<Names>>,
    /// Process. The machines die at one instant for want of power; each is back after its own draw from `for`.
    #[schemars(with = "Option<Group>", extend("examples" = ["all", "any_zone"]))]
    pub(super) power: Option<Spanned<Names>>,
    /// Process. It dies, and comes back with an empty disk. A mode whose servers must not forget stops it for good then.
    #[schemars(with = "Option<Group>", extend("examples" = ["any"]))]
    pub(super) wipe: Option<Spanned<Names>>,
    /// Process. It dies, and comes back with one record, any, that cannot be read; again, some stop for good.
    #[schemars(with = "Option<Group>", extend("examples" = ["follower"]))]
    pub(super) rot: Option<Spanned<Names>>,
    /// Process. An operator asks it to finish what it has begun and stop, and nobody starts it before `for` is over. One
    /// that has not stopped by then is killed, as in a `crash`, and started at once.
    #[schemars(with = "Option<Group>", extend("examples" = ["any"]))]
    pub(super) quit: Option<Spanned<Names>>,
    /// Process. They restart one after another, in any order.
    #[schemars(extend("examples" = [{ "on": "all", "gap": "1s" }, { "on": "all", "gap": "1s", "quit": true }]))]
    pub(super) rolling: Option<RollingFile>,
    /// Process. It dies when it comes to a point, once; while the storm lasts the fault waits for that.
    #[schemars(extend("examples" = [{ "on": "follower", "after": "write" }, { "on": "leader", "before": "append", "nth": 3 }]))]
    pub(super) crash_at: Option<CrashAtFile>,
    /// Process. It stands still, and catches up in any order.
    #[schemars(with = "Option<Group>", extend("examples" = ["leader"]))]
    pub(super) pause: Option<Spanned<Names>>,
    /// Process. All its work takes `factor` times as long; needs costs, from `machine` or `cpu`.
    #[schemars(extend("examples" = [{ "on": "leader", "factor": 10 }]))]
    pub(super) slow_cpu: Option<SlowFile>,
    /// Disk. Flushes take `factor` times as long.
    #[schemars(extend("examples" = [{ "on": "leader", "factor": 40 }]))]
    pub(super) slow_disk: Option<SlowFile>,
    /// Disk. No flush ends.
    #[schemars(with = "Option<Group>", extend("examples" = ["minority"]))]
    pub(super) stall_disk: Option<Spanned<Names>>,
    /// Disk. Writes fail. Whoever stops for it is started again 100ms later, and again.
    #[schemars(with = "Option<Group>", extend("examples" = ["any"]))]
    pub(super) fail_writes: Option<Spanned<Names>>,
    /// Disk. Writes fail, for want of room.
    #[schemars(with = "Option<Group>", extend("examples" = ["any"]))]
    pub(super) fill_disk: Option<Spanned<Names>>,
    /// Disk. Flushes fail: of what each was to cover any prefix is kept.
    #[schemars(with = "Option<Group>", extend("examples" = ["any"]))]
    pub(super) fail_flushes: Option<Spanned<Names>>,
    /// Disk. Flushes say that they are done, and a crash still takes what they covered. Few modes promise to survive it.
    #[schemars(with = "Option<Group>", extend("examples" = ["majority"]))]
    pub(super) fake_flushes: Option<Spanned<Names>>,
    /// Clock. The wall clock is set forward or back, and is right again at the end.
    #[schemars(extend("examples" = [{ "on": "leader", "by": "-2s" }]))]
    pub(super) step_clock: Option<StepClockFile>,
    /// Clock. The wall clock stands still, and is right again at the end.
    #[schemars(with = "Option<Group>", extend("examples" = ["any"]))]
    pub(super) freeze_clock: Option<Spanned<Names>>,
    /// Name. The servers are taken out of the name by which the mode's processes find each other, and put back at the end:
    /// whoever asks meanwhile is not told of them. Only in modes whose processes ask.
    #[schemars(with = "Option<Group>", extend("examples" = ["any"]))]
    pub(super) unlist: Option<Spanned<Names>>,
    /// Name. The name service is not well, for those who ask it. Only in modes whose processes ask.
    #[schemars(extend("examples" = [{ "on": "all", "answer": "nothing" }]))]
    pub(super) resolver: Option<ResolverFile>,
    /// Queue. What waits in a queue in memory is lost, at once and without warning; waits until there is something.
    #[schemars(extend("examples" = [{ "on": "leader", "queue": "reads", "share": 0.5 }]))]
    pub(super) lose_queue: Option<LoseQueueFile>,
}

/// One way.
#[derive(Deserialize, JsonSchema)]
#[serde(
    deny_unknown_fields,
    expecting = "a table such as { from = \"leader\", to = \"others\" }"
)]
#[schemars(rename = "Cut")]
pub(super) struct CutFile {
    /// The senders.
    #[schemars(with = "Group")]
    pub(super) from: Spanned<Names>,
    /// Those who hear nothing of them.
    #[schemars(with = "Group")]
    pub(super) to: Spanned<Names>,
}

/// Streams that are held up.
#[derive(Deserialize, JsonSchema)]
#[serde(
    deny_unknown_fields,
    expecting = "a table such as { from = \"any\", to = \"others\", way = \"back\" }"
)]
#[schemars(rename = "Stall")]
pub(super) struct StallFile {
    /// Those who opened them.
    #[schemars(with = "Group")]
    pub(super) from: Spanned<Names>,
    /// Those to whom they were opened.
    #[schemars(with = "Group")]
    pub(super) to: Spanned<Names>,
    /// `forth`: what the openers push; `back`: what comes back. Default: both.
    #[schemars(with = "Option<Ways>")]
    pub(super) way: Option<Spanned<String>>,
}

/// Some messages on some links.
#[derive(Deserialize, JsonSchema)]
#[serde(
    deny_unknown_fields,
    expecting = "a table such as { from = \"leader\", message = \"KIND\" }"
)]
#[schemars(rename = "Links")]
pub(super) struct LinksFile {
    /// The senders; all if it is left out.
    #[schemars(with = "Option<Group>")]
    pub(super) from: Option<Spanned<Names>>,
    /// The receivers; all if it is left out.
    #[schemars(with = "Option<Group>")]
    pub(super) to: Option<Spanned<Names>>,
    /// Only this kind of message: see `netsplit list MODE`.
    #[schemars(with = "Option<Message>")]
    pub(super) message: Option<Spanned<String>>,
}

/// Some messages on some links, slow.
#[derive(Deserialize, JsonSchema)]
#[serde(
    deny_unknown_fields,
    expecting = "a table such as { from = \"leader\", factor = 10 }"
)]
#[schemars(rename = "SlowLink")]
pub(super) struct SlowLinkFile {
    /// The senders; all if it is left out.
    #[schemars(with = "Option<Group>")]
    pub(super) from: Option<Spanned<Names>>,
    /// The receivers; all if it is left out.
    #[schemars(with = "Option<Group>")]
    pub(super) to: Option<Spanned<Names>>,
    /// Only this kind of message.
    #[schemars(with = "Option<Message>")]
    pub(super) message: Option<Spanned<String>>,
    /// How many times as long, from 1.
    #[schemars(with = "Count")]
    pub(super) factor: Spanned<u32>,
}

/// Some messages on some links, at random.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table such as { loss = 0.1 }")]
#[schemars(rename = "Noise")]
pub(super) struct NoiseFile {
    /// The senders; all if it is left out.
    #[schemars(with = "Option<Group>")]
    pub(super) from: Option<Spanned<Names>>,
    /// The receivers; all if it is left out.
    #[schemars(with = "Option<Group>")]
    pub(super) to: Option<Spanned<Names>>,
    /// Only this kind of message.
    #[schemars(with = "Option<Message>")]
    pub(super) message: Option<Spanned<String>>,
    /// How likely a message is lost.
    #[schemars(with = "Option<Probability>")]
    pub(super) loss: Option<Spanned<f64>>,
    /// How likely it arrives twice.
    #[schemars(with = "Option<Probability>")]
    pub(super) duplicate: Option<Spanned<f64>>,
    /// How likely it is held back.
    #[schemars(with = "Option<Probability>")]
    pub(super) reorder: Option<Spanned<f64>>,
    /// How likely it arrives damaged.
    #[schemars(with = "Option<Probability>")]
    pub(super) corrupt: Option<Spanned<f64>>,
}

/// Slow, and by how much.
#[derive(Deserialize, JsonSchema)]
#[serde(
    deny_unknown_fields,
    expecting = "a table such as { on = \"leader\", factor = 10 }"
)]
#[schemars(rename = "Slow")]
pub(super) struct SlowFile {
    /// Whose.
    #[schemars(with = "Group")]
    pub(super) on: Spanned<Names>,
    /// How many times as long, from 1.
    #[schemars(with = "Count")]
    pub(super) factor: Spanned<u32>,
}

/// A rolling restart.
#[derive(Deserialize, JsonSchema)]
#[serde(
    deny_unknown_fields,
    expecting = "a table such as { on = \"all\", gap = \"1s\" }"
)]
#[schemars(rename = "Rolling")]
pub(super) struct RollingFile {
    /// Who.
    #[schemars(with = "Group")]
    pub(super) on: Spanned<Names>,
    /// How long between a restart and the next one's going down. Default 0s.
    #[schemars(with = "Option<Lengths>")]
    pub(super) gap: Option<SpanRange>,
    /// Whether each is asked to stop, as by `quit`. Default false: each crashes.
    pub(super) quit: Option<bool>,
}

/// A point at which a process dies: behind a write or a flush, or before a message.
#[derive(Deserialize, JsonSchema)]
#[serde(
    deny_unknown_fields,
    expecting = "a table such as { on = \"leader\", after = \"write\" }"
)]
#[schemars(rename = "CrashAt")]
pub(super) struct CrashAtFile {
    /// Who.
    #[schemars(with = "Group")]
    pub(super) on: Spanned<Names>,
    /// `write`: between a write and its flush; `flush`: between a flush and what was held for it.
    #[schemars(with = "Option<Points>")]
    pub(super) after: Option<Spanned<String>>,
    /// Just before it sends a message of this kind.
    #[schemars(with = "Option<Message>")]
    pub(super) before: Option<Spanned<String>>,
    /// Which message of the kind, counted from the fault's beginning. Default 1.
    #[schemars(with = "Option<Count>")]
    pub(super) nth: Option<Spanned<u32>>,
}

/// A wall clock that is set.
#[derive(Deserialize, JsonSchema)]
#[serde(
    deny_unknown_fields,
    expecting = "a table such as { on = \"any\", by = \"-2s\" }"
)]
#[schemars(rename = "StepClock")]
pub(super) struct StepClockFile {
    /// Whose.
    #[schemars(with = "Group")]
    pub(super) on: Spanned<Names>,
    /// By how much; back if it begins with `-`.
    #[schemars(with = "SignedLength")]
    pub(super) by: Spanned<String>,
}

/// A name service that is not well.
#[derive(Deserialize, JsonSchema)]
#[serde(
    deny_unknown_fields,
    expecting = "a table such as { on = \"all\", answer = \"nothing\" }"
)]
#[schemars(rename = "Resolver")]
pub(super) struct ResolverFile {
    /// For whom.
    #[schemars(with = "Group")]
    pub(super) on: Spanned<Names>,
    /// `nothing`: an empty list; `stale`: the list as it was when the fault began, which differs only while `unlist`
    /// changes it; `never`: no answer. Of several faults `never` counts before `nothing`, and that before `stale`, of which
    /// the oldest counts.
    #[schemars(with = "Answers")]
    pub(super) answer: Spanned<String>,
}

/// A queue that is lost.
#[derive(Deserialize, JsonSchema)]
#[serde(
    deny_unknown_fields,
    expecting = "a table such as { on = \"any\", queue = \"NAME\" }"
)]
#[schemars(rename = "LoseQueue")]
pub(super) struct LoseQueueFile {
    /// Whose.
    #[schemars(with = "Group")]
    pub(super) on: Spanned<Names>,
    /// Which: see `netsplit list MODE`.
    #[schemars(with = "Queue")]
    pub(super) queue: Spanned<String>,
    /// How much of it, the newest. Default 1: all of it.
    #[schemars(with = "Option<Probability>")]
    pub(super) share: Option<Spanned<f64>>,
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

/// How long a message travels: a range, or a law.
pub(super) enum LatencyFile {
    Uniform(SpanRange),
    Law(LawFile),
}

/// Laws of latency.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[schemars(rename = "Law")]
pub(super) enum LawFile {
    /// At least `least`, and `mean` more on average, seldom much more.
    Exponential(ExponentialFile),
    /// Mostly `usual`, and with the probability `share` it is `slow`.
    Bimodal(BimodalFile),
    /// A long way: `base`, and up to `jitter` more.
    Wan(WanFile),
}

/// An exponential law.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table such as { mean = \"5ms\" }")]
#[schemars(rename = "Exponential")]
pub(super) struct ExponentialFile {
    /// The shortest. Default 0s.
    #[schemars(with = "Option<Length>")]
    pub(super) least: Option<Span>,
    /// The average of what comes on top; the tail ends at 16 times this.
    #[schemars(with = "Length")]
    pub(super) mean: Spanned<Span>,
}

/// Two ranges.
#[derive(Deserialize, JsonSchema)]
#[serde(
    deny_unknown_fields,
    expecting = "a table such as { usual = \"1ms\", slow = \"50ms\", share = 0.01 }"
)]
#[schemars(rename = "Bimodal")]
pub(super) struct BimodalFile {
    /// The usual.
    #[schemars(with = "Lengths")]
    pub(super) usual: SpanRange,
    /// The slow tail.
    #[schemars(with = "Lengths")]
    pub(super) slow: SpanRange,
    /// How likely a message is in it.
    #[schemars(with = "Probability")]
    pub(super) share: Spanned<f64>,
}

/// A long way.
#[derive(Deserialize, JsonSchema)]
#[serde(
    deny_unknown_fields,
    expecting = "a table such as { base = \"40ms\", jitter = \"4ms\" }"
)]
#[schemars(rename = "Wan")]
pub(super) struct WanFile {
    /// What it takes at least.
    #[schemars(with = "Length")]
    pub(super) base: Span,
    /// Up to how much more. Default 0s.
    #[schemars(with = "Option<Length>")]
    pub(super) jitter: Option<Span>,
}

impl<'de> Deserialize<'de> for LatencyFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<LatencyFile, D::Error> {
        struct RangeOrLaw;
        impl<'de> Visitor<'de> for RangeOrLaw {
            type Value = LatencyFile;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a range such as \"1ms..5ms\", or a law such as { exponential = { mean = \"5ms\" } }")
            }
            fn visit_str<E: de::Error>(self, range: &str) -> Result<LatencyFile, E> {
                range.parse().map(LatencyFile::Uniform).map_err(E::custom)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<LatencyFile, A::Error> {
                let law = LawFile::deserialize(MapAccessDeserializer::new(&mut map))?;
                match map.next_key::<String>()? {
                    None => Ok(LatencyFile::Law(law)),
                    Some(more) => Err(de::Error::custom(format!(
                        "a latency follows one law, and `{more}` is another"
                    ))),
                }
            }
        }
        deserializer.deserialize_any(RangeOrLaw)
    }
}

/// So many zones, or who stands in which.
pub(super) enum ZonesFile {
    Count(u32),
    Named(BTreeMap<String, Spanned<Names>>),
}

impl<'de> Deserialize<'de> for ZonesFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ZonesFile, D::Error> {
        struct CountOrNames;
        impl<'de> Visitor<'de> for CountOrNames {
            type Value = ZonesFile;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a number of zones, or a table such as { east = [\"n1\"], west = [\"n2\"] }",
                )
            }
            fn visit_i64<E: de::Error>(self, count: i64) -> Result<ZonesFile, E> {
                u32::try_from(count)
                    .map(ZonesFile::Count)
                    .map_err(|_| E::custom(format!("{count} zones")))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut zones: A) -> Result<ZonesFile, A::Error> {
                let mut all = BTreeMap::new();
                while let Some((name, members)) = zones.next_entry()? {
                    all.insert(name, members);
                }
                Ok(ZonesFile::Named(all))
            }
        }
        deserializer.deserialize_any(CountOrNames)
    }
}

/// The shape of a partition, or its groups.
pub(super) enum Apart {
    Shape(String),
    Groups(Vec<Spanned<Names>>),
}

impl<'de> Deserialize<'de> for Apart {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Apart, D::Error> {
        struct ShapeOrGroups;
        impl<'de> Visitor<'de> for ShapeOrGroups {
            type Value = Apart;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of groups, or a shape such as \"halves\"")
            }
            fn visit_str<E: de::Error>(self, name: &str) -> Result<Apart, E> {
                Ok(Apart::Shape(name.to_owned()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut groups: A) -> Result<Apart, A::Error> {
                let mut all = Vec::new();
                while let Some(group) = groups.next_element()? {
                    all.push(group);
                }
                Ok(Apart::Groups(all))
            }
        }
        deserializer.deserialize_any(ShapeOrGroups)
    }
}

/// One name or a list of names.
pub(super) struct Names(pub(super) Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Names, D::Error> {
        struct OneOrMany;
        impl<'de> Visitor<'de> for OneOrMany {
            type Value = Names;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name in quotes, or a list of names")
            }
            fn visit_str<E: de::Error>(self, name: &str) -> Result<Names, E> {
                Ok(Names(vec![name.to_owned()]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<Names, A::Error> {
                let mut all = Vec::new();
                while let Some(name) = names.next_element()? {
                    all.push(name);
                }
                Ok(Names(all))
            }
        }
        deserializer.deserialize_any(OneOrMany)
    }
}
