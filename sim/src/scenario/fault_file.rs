//! A fault as it is written: when, how long, and each thing that it can do.

use netsplit::SpanRange;
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use super::choices::{Apart, Names};
use super::values::{
    Answers, Count, Group, Groups, Lengths, Message, Points, Probability, Queue, SignedLength, Ways,
};

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
    #[schemars(with = "Option<NoiseFile>", extend("examples" = [{ "loss": 0.2, "duplicate": 0.1, "reorder": 0.1, "corrupt": 0.01 }]))]
    pub(super) noise: Option<Spanned<NoiseFile>>,
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
    /// Process. As `kill_host`, in the word for many: the machines die at one instant for want of power, and each is back
    /// after its own draw from `for`.
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
