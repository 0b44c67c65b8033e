//! The constants of the real system, and the mechanisms that harden it; each can be switched off.

use serde::{Deserialize, Serialize};

use crate::{NodeId, Span, SpanRange};

/// What a scenario may set under `[options]`. The constants are the directives of `ngx_stream_zone_sync_module`.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// How often a node looks into its logs of changes (`zone_sync_interval`). Default 1s.
    pub interval: Span,
    /// How long a node waits before it tries to connect again (`zone_sync_connect_retry_interval`). Default 1s.
    pub retry: Span,
    /// How long it waits for a connection (`zone_sync_connect_timeout`). Default 5s.
    pub connect_timeout: Span,
    /// How long a connection may stand still before it is closed, at either end (`zone_sync_timeout`); and how long a node
    /// that was asked to quit goes on telling what it has not told. Default 5s.
    pub timeout: Span,
    /// How many buffers a zone has for a peer: so many are sent at once (`zone_sync_buffers`). Default 8.
    pub buffers: usize,
    /// How many bytes a buffer holds; a record that does not fit into one is never sent. Default 4096.
    pub buffer_size: usize,
    /// How a node learns who the others are: `static`, they are in its configuration; `names`, it asks the name service
    /// (`zone_sync_server ... resolve`). Default static.
    pub discovery: Discovery,
    /// How long an answer of the name service is good (`resolver ... valid`). Default 20s.
    pub valid: Span,
    /// To what the clock is rounded down for a stamp: writes within one unit have the same time, where the clock is not
    /// hybrid. Default 1ms.
    pub unit: Span,
    /// Whether records of the same time are told apart by who wrote; otherwise two nodes can differ for ever. Default
    /// true.
    pub tie_break: bool,
    /// Whether a local write is always newer than what it replaces, and than all that was heard of, whatever the wall
    /// clock says (a hybrid logical clock); otherwise a clock that steps back loses writes. Default true.
    pub hybrid_clock: bool,
    /// Whether a record's life counts from its stamp; otherwise from its arrival, and what is handed around never dies.
    /// Default true.
    pub life_from_stamp: bool,
    /// Whether a node passes on what those need to hear who cannot hear it themselves; otherwise two nodes that cannot
    /// reach each other learn nothing through a third. Default true.
    pub relay: bool,
    /// Whether buffers are filled again as the peer takes them in; otherwise only on the timer. Default true.
    pub refill: bool,
    /// Whether each peer is sent changes at its own pace; otherwise one that stands still holds up all. Default true.
    pub own_pace: bool,
    /// Whether each connection is kept by empty frames, and proved by the answers to them; otherwise one on which nothing
    /// moves is closed, and all is sent again, and one that is dead is not noticed while it takes what is pushed. Default
    /// true.
    pub keepalive: bool,
    /// Whether a node compares digests with a peer before it sends what it holds, and sends what differs; otherwise it
    /// sends everything. Default true.
    pub digests: bool,
    /// How often a node compares what it holds with one of its peers, each in its turn, so that what was lost from a log of
    /// changes is sent after all; `0s` for never. Default 30s.
    pub repair: Span,
    /// The zone of key-value pairs.
    pub keyval: Keyval,
    /// The zone of sticky sessions.
    pub sticky: Sticky,
    /// The zone of request limits.
    pub limit: Limit,
    /// Whether a client asks another node each time, as behind a balancer that spreads what comes; otherwise it stays with
    /// the one that answers. Default false.
    pub roam: bool,
    /// How long a client that looks for something (`find`) asks again when a node has never heard of it
    /// (`zone_sync_leeway` of the OpenID Connect reference implementation, which advises two intervals). Default 2.5s.
    pub leeway: Span,
    /// How long a client waits for an answer before it asks another node. Default 200ms..400ms.
    pub ask_again: SpanRange,
    /// When a client gives up: a read has failed, a write is unknown. Default 5s.
    pub give_up: Span,
}

/// How a node learns who the others are.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Discovery {
    /// They are in its configuration, for good.
    Static,
    /// It asks the name service, again and again.
    Names,
}

/// The zone of key-value pairs, and its module (`keyval_zone ... sync`).
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Keyval {
    /// How many records the zone holds, tombstones among them. Default 10000.
    pub capacity: usize,
    /// How long a pair lives after its stamp (`timeout`). Default 10m.
    pub life: Span,
    /// How long a pair lives that is put with a life of its own (`expire` in the API). Default 10s.
    pub brief: Span,
    /// Whether deletes travel, as tombstones; otherwise a delete is local, and what others still hold comes back. Default
    /// true.
    pub tombstones: bool,
    /// By how much clocks may differ: a tombstone lives so much longer than a pair. Default 1m.
    pub skew: Span,
    /// Whether what the zone holds is kept in a file (`state`). Default true.
    pub state: bool,
    /// Where this zone is another one.
    pub odd: Odd,
}

/// The zone of sticky sessions, and its module (`sticky learn ... sync`).
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sticky {
    /// How many sessions the zone holds. Default 10000.
    pub capacity: usize,
    /// How long a session lives after it was last used (`timeout`). Default 10m.
    pub life: Span,
    /// Where this zone is another one.
    pub odd: Odd,
}

/// The zone of request limits, and its module (`limit_req_zone ... sync`).
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limit {
    /// How many states the zone holds. Default 10000.
    pub capacity: usize,
    /// How long a state lives after it was last used. Default 1m.
    pub life: Span,
    /// How many calls of a key are admitted in a second, over time. Default 10.
    pub rate: u32,
    /// How many more are admitted at once. Default 20.
    pub burst: u32,
    /// Whether each node counts what it admits in a record of its own, and all add up; otherwise the newest record of a
    /// key wins, and each node admits as if it were alone. Default true.
    pub shares: bool,
    /// Where this zone is another one.
    pub odd: Odd,
}

/// Nodes that are configured in another way: by mistake, or in the middle of an upgrade.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Odd {
    /// Which nodes. Default none.
    pub on: Vec<NodeId>,
    /// They do not have this zone. Default false.
    pub absent: bool,
    /// Their module is of another version. Default false.
    pub version: bool,
    /// Their zone holds so many records, if not 0. Default 0.
    pub capacity: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            interval: Span::secs(1),
            retry: Span::secs(1),
            connect_timeout: Span::secs(5),
            timeout: Span::secs(5),
            buffers: 8,
            buffer_size: 4096,
            discovery: Discovery::Static,
            valid: Span::secs(20),
            unit: Span::millis(1),
            tie_break: true,
            hybrid_clock: true,
            life_from_stamp: true,
            relay: true,
            refill: true,
            own_pace: true,
            keepalive: true,
            digests: true,
            repair: Span::secs(30),
            keyval: Keyval::default(),
            sticky: Sticky::default(),
            limit: Limit::default(),
            roam: false,
            leeway: Span::millis(2500),
            ask_again: SpanRange::new(Span::millis(200), Span::millis(400)),
            give_up: Span::secs(5),
        }
    }
}

impl Default for Keyval {
    fn default() -> Self {
        Keyval {
            capacity: 10_000,
            life: Span::secs(600),
            brief: Span::secs(10),
            tombstones: true,
            skew: Span::secs(60),
            state: true,
            odd: Odd::default(),
        }
    }
}

impl Default for Sticky {
    fn default() -> Self {
        Sticky {
            capacity: 10_000,
            life: Span::secs(600),
            odd: Odd::default(),
        }
    }
}

impl Default for Limit {
    fn default() -> Self {
        Limit {
            capacity: 10_000,
            life: Span::secs(60),
            rate: 10,
            burst: 20,
            shares: true,
            odd: Odd::default(),
        }
    }
}

/// The least buffer: its header, and one record without a payload.
pub const LEAST_BUFFER: usize = 128;

impl Options {
    /// The key that cannot be, and what would be right.
    ///
    /// # Errors
    /// If a time or a bound is zero where the protocol needs one, or connections would be closed between two timers.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let spans = [
            ("interval", self.interval),
            ("retry", self.retry),
            ("connect_timeout", self.connect_timeout),
            ("valid", self.valid),
            ("keyval.life", self.keyval.life),
            ("keyval.brief", self.keyval.brief),
            ("sticky.life", self.sticky.life),
            ("limit.life", self.limit.life),
            ("ask_again", self.ask_again.min),
        ];
        if let Some((key, _)) = spans.into_iter().find(|(_, span)| *span == Span::ZERO) {
            return Err((
                key,
                format!("{key} of no length would never end: 1s is usual"),
            ));
        }
        let counts = [
            ("buffers", self.buffers),
            ("keyval.capacity", self.keyval.capacity),
            ("sticky.capacity", self.sticky.capacity),
            ("limit.capacity", self.limit.capacity),
            ("limit.rate", self.limit.rate as usize),
        ];
        if let Some((key, _)) = counts.into_iter().find(|(_, count)| *count == 0) {
            return Err((key, format!("{key} is at least 1")));
        }
        if self.buffer_size < LEAST_BUFFER {
            return Err((
                "buffer_size",
                format!("at least {LEAST_BUFFER} bytes, for one record"),
            ));
        }
        if self.unit == Span::ZERO || !self.unit.as_nanos().is_multiple_of(1_000) {
            return Err(("unit", "a whole number of microseconds: 1ms or 1s".into()));
        }
        if self.timeout <= self.interval {
            let Options {
                timeout, interval, ..
            } = self;
            let help = format!(
                "connections would be closed after {timeout}, between two looks every {interval}"
            );
            return Err(("timeout", help));
        }
        Ok(())
    }

    /// How long until all that are connected have heard of a change: the wait for the timer, the way, and the wait of
    /// one who takes its time.
    pub fn lag(&self) -> Span {
        self.interval + self.interval / 2 + Span::millis(500)
    }

    /// How long after the network is whole again, or a node is back, until all are connected and have compared what they
    /// hold. What stood still is found at both ends, opened again, and everything is told once more.
    pub fn recovery(&self) -> Span {
        self.timeout * 2 + self.connect_timeout * 2 + self.retry * 2 + self.interval * 3
    }

    /// A length of time in the unit of records: microseconds.
    pub fn in_stamps(span: Span) -> u64 {
        span.as_nanos() / 1_000
    }
}
