//! The constants of the protocol with their defaults and units, and every mechanism that can be switched off.
//!
//! The source names no times: those here are this project's. What it says and its prototype leaves out, and what it needs
//! beyond that, are the rules S1 to S18, each an option that says what goes wrong without it.

use serde::{Deserialize, Serialize};

use crate::kv::Value;
use crate::{Span, SpanRange};

/// What a scenario may set under `[options]`.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// How many groups there are: resource `k` is of group `k` modulo this, as its id would say. Each begins with a main
    /// of its own. From 1 to 16. Default 1.
    pub groups: u32,
    /// How many siblings a group begins with: the managing nodes that follow its main; the rest hold nothing of it. All
    /// others if there are fewer. Default 14.
    pub siblings: u32,
    /// In how many locations the servers stand, dealt out like zones. Each has controllers of its own. Default 1.
    pub locations: u32,
    /// Which managing nodes, by number, `register` and `remove` are about. Default none: they are refused.
    pub operated: Vec<u32>,
    /// How many resources each group is formatted with, beside those that the workload asks for. Default 0.
    pub resources: u32,
    /// How large each of those is, in bytes. Default 64.
    pub resource_bytes: u32,

    /// How often a main makes itself heard, by siblings and controllers, and renews its lease. Default 1s.
    pub heartbeat: Span,
    /// How long a main may serve after it asked for its lease. Default 5s.
    pub lease: Span,
    /// How much longer than that controllers wait, so that clocks may differ. Default 500ms.
    pub margin: Span,
    /// After how much silence of the main a controller looks for another. Default 10s.
    pub fail: Span,
    /// How much silence is enough if somebody reports that the main is out of reach. Default 2.5s.
    pub suspicion: Span,
    /// How long a controller leaves a search for a main to another one that has begun it. Default 2s..4s.
    pub takeover: SpanRange,
    /// How long after an update a sibling that has not confirmed is sent it again. It doubles each time. Default 200ms.
    pub again: Span,
    /// At most so long. Default 5s.
    pub again_at_most: Span,
    /// Entries in one message, at most. Default 1024.
    pub batch: usize,
    /// Messages in flight to one sibling, at most; what comes in meanwhile travels together. Default 4.
    pub window: usize,
    /// Resources in one message of a copy, at most. Default 512.
    pub copy_batch: usize,

    /// How long a user waits before it asks the next node as well. Default 2s..2500ms.
    pub client: SpanRange,
    /// How long a user waits before it follows when it is told who the main is. Default 1ms..5ms.
    pub redirect: SpanRange,
    /// How long a subscriber waits for an update before it reads what there is. Default 3s.
    pub watch: Span,
    /// When a user gives up: a read has failed, an update is unknown. Default 30s.
    pub give_up: Span,

    /// The rules that the source leaves out, or its prototype.
    pub rules: Rules,
}

/// The rules S1 to S17, each of which can be switched off. (S18, controllers that are several, is a matter of `nodes`.)
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// S1: an update is answered when 51 % of the siblings have it. Without: at once, as the prototype does. Default true.
    pub quorum: bool,
    /// S2: controllers share one linearizable register. Without: each decides alone. Default true.
    pub one_register: bool,
    /// S3: siblings promise to obey a new epoch before its main is chosen. Without: an old main goes on. Default true.
    pub fence: bool,
    /// S4: of those that were asked, the one with the best log is promoted. Without: the first of the list. Default true.
    pub best_log: bool,
    /// S5: so many are asked that they meet every quorum. Without: one. Default true.
    pub ask_quorum: bool,
    /// S6: what was inherited is accepted only together with a record of the main's own epoch. Default true.
    pub own_epoch: bool,
    /// S7: when a log is cut. Default "at_conflict".
    pub cut: Cut,
    /// S8: log and promise are durable before anything rests on them. Default true.
    pub durable: bool,
    /// S9: a main serves only under a lease, which controllers wait for. Default true.
    pub lease: bool,
    /// S10: what was executed is remembered with the resource. Without: by the main alone, in memory. Default true.
    pub remembered: bool,
    /// S11: updates are recorded from before a copy begins. Without: from its end. Default true.
    pub record_first: bool,
    /// S11: of the recording, what a copy has already is not executed again. Default true.
    pub filter_replay: bool,
    /// S11: the recording is drained before a newcomer is live. Default true.
    pub drain_first: bool,
    /// S12: members change so that both the old and the new quorum are met meanwhile. Without: a newcomer's
    /// confirmation counts before the controllers have recorded it, and one that is removed is taken off the list first.
    /// Default true.
    pub joint: bool,
    /// S13: only siblings of the group itself are asked and promoted. Without: any managing node. Default true.
    pub holders_only: bool,
    /// S14: siblings show only what they know to be accepted. Default true.
    pub accepted_reads: bool,
    /// S14: readers say what they have seen, and are shown nothing older. Default true.
    pub tokens: bool,
    /// S15: a sibling takes nothing behind a gap. Default true.
    pub gapless: bool,
    /// S16: what commands know of time, the main decides. Without: every node looks at its own clock. Default true.
    pub main_decides: bool,
    /// S16: the main compares the hashes of siblings with its own, and copies anew to one that differs. Default true.
    pub hashes: bool,
    /// S17: a main that is replaced forgets what was not accepted. Without: it has executed it, and keeps it. Default true.
    pub roll_back: bool,
    /// S18: controllers write down what they decide. Without: they know it while they live. Default true.
    pub controllers_remember: bool,
}

/// When a sibling cuts its log as it takes entries.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cut {
    /// Where an entry conflicts with one that it was sent.
    AtConflict,
    /// Always behind the last entry that it was sent, even if the message is old.
    Always,
    /// Never: what it has stays.
    Never,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            groups: 1,
            siblings: 14,
            locations: 1,
            operated: Vec::new(),
            resources: 0,
            resource_bytes: 64,
            heartbeat: Span::secs(1),
            lease: Span::secs(5),
            margin: Span::millis(500),
            fail: Span::secs(10),
            suspicion: Span::millis(2_500),
            takeover: SpanRange::new(Span::secs(2), Span::secs(4)),
            again: Span::millis(200),
            again_at_most: Span::secs(5),
            batch: 1024,
            window: 4,
            copy_batch: 512,
            client: SpanRange::new(Span::secs(2), Span::millis(2_500)),
            redirect: SpanRange::new(Span::millis(1), Span::millis(5)),
            watch: Span::secs(3),
            give_up: Span::secs(30),
            rules: Rules::default(),
        }
    }
}

impl Default for Rules {
    fn default() -> Rules {
        Rules {
            quorum: true,
            one_register: true,
            fence: true,
            best_log: true,
            ask_quorum: true,
            own_epoch: true,
            cut: Cut::AtConflict,
            durable: true,
            lease: true,
            remembered: true,
            record_first: true,
            filter_replay: true,
            drain_first: true,
            joint: true,
            holders_only: true,
            accepted_reads: true,
            tokens: true,
            gapless: true,
            main_decides: true,
            hashes: true,
            roll_back: true,
            controllers_remember: true,
        }
    }
}

impl Options {
    /// Which managing node a draw of the workload means; 0, whom there is not, if operators have none to speak of.
    pub fn drawn(&self, value: Value) -> u32 {
        match self.operated.len() {
            0 => 0,
            nodes => self.operated[(value.name % nodes as u64) as usize],
        }
    }

    /// How fast or slow a monotonic clock may be, in parts per million, so that a controller's wait outlasts a lease: a
    /// slow main serves for `lease * (1 + d)`, a fast controller waits for `(lease + margin) * (1 - d)`.
    pub fn drift_ppm(&self) -> u32 {
        let (lease, margin) = (self.lease.as_nanos(), self.margin.as_nanos());
        let sum = 2 * u128::from(lease) + u128::from(margin);
        u32::try_from(u128::from(margin) * 1_000_000 / sum.max(1)).unwrap_or(u32::MAX)
    }

    /// The key that cannot be, and what would be right.
    ///
    /// # Errors
    /// If a bound is zero where the protocol needs one, or times do not fit each other.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let bounds = [
            ("groups", self.groups as usize, 16),
            ("locations", self.locations as usize, 26),
            ("batch", self.batch, usize::MAX),
            ("window", self.window, usize::MAX),
            ("copy_batch", self.copy_batch, usize::MAX),
        ];
        for (key, number, most) in bounds {
            if number == 0 {
                return Err((key, format!("{key} must be at least 1")));
            }
            if number > most {
                return Err((key, format!("{key} must be at most {most}")));
            }
        }
        if self.resources > 1_000_000 {
            return Err(("resources", "at most 1000000 resources a group".into()));
        }
        self.check_times()
    }

    fn check_times(&self) -> Result<(), (&'static str, String)> {
        let lengths = [
            ("heartbeat", self.heartbeat, "1s"),
            ("again", self.again, "200ms"),
            ("client", self.client.min, "2s..2500ms"),
            ("redirect", self.redirect.min, "1ms..5ms"),
            ("takeover", self.takeover.min, "2s..4s"),
            ("watch", self.watch, "3s"),
        ];
        for (key, length, usual) in lengths {
            if length == Span::ZERO {
                return Err((key, format!("{key} must take some time: {usual} is usual")));
            }
        }
        let too_short = |key: &'static str, than: Span| {
            Err((
                key,
                format!("{key} must be longer than two heartbeats, {than}"),
            ))
        };
        let two = self.heartbeat * 2;
        if self.lease <= two {
            return too_short("lease", two);
        }
        if self.suspicion <= two {
            return too_short("suspicion", two);
        }
        if self.fail < self.suspicion {
            let suspicion = self.suspicion;
            return Err((
                "fail",
                format!("fail must be at least suspicion, {suspicion}"),
            ));
        }
        if self.again_at_most < self.again {
            return Err((
                "again_at_most",
                format!("again_at_most must be at least again, {}", self.again),
            ));
        }
        Ok(())
    }
}
