//! The constants of the real system, and the mechanisms that harden it; each can be switched off.

use serde::{Deserialize, Serialize};

use crate::{Span, SpanRange};

/// What a scenario may set under `[options]`. The constants are the directives of `ngx_stream_zone_sync_module`.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// How often a node looks into its log of changes (`zone_sync_interval`). Default 1s.
    pub interval: Span,
    /// How long a node waits before it tries to connect again (`zone_sync_connect_retry_interval`). Default 1s.
    pub retry: Span,
    /// How long it waits for a connection (`zone_sync_connect_timeout`). Default 5s.
    pub connect_timeout: Span,
    /// How long a connection may stand still before it is closed, at either end (`zone_sync_timeout`). Default 5s.
    pub timeout: Span,
    /// How many buffers are sent at once (`zone_sync_buffers`). Default 8.
    pub buffers: usize,
    /// How many bytes a buffer holds; a record that does not fit into one is never sent. Default 4096.
    pub buffer_size: usize,
    /// How many records the zone holds. Default 10000.
    pub capacity: usize,
    /// How long a record lives after its stamp (`timeout` of the zone). Default 10m.
    pub life: Span,
    /// Whether equal stamps are told apart by who wrote; otherwise two nodes can differ for ever. Default true.
    pub tie_break: bool,
    /// Whether a local write is always newer than what it replaces, and than all that was heard of, whatever the wall
    /// clock says (a hybrid logical clock); otherwise a clock that steps back loses writes. Default true.
    pub hybrid_clock: bool,
    /// Whether deletes travel, as tombstones that live as long as a record; otherwise a delete is local, and what others
    /// still hold comes back. Default true.
    pub tombstones: bool,
    /// Whether a node passes on what it was told; otherwise two nodes that cannot reach each other learn nothing through a
    /// third. Default true.
    pub relay: bool,
    /// Whether buffers are filled again as the peer takes them in; otherwise only on the timer. Default true.
    pub refill: bool,
    /// Whether each peer is sent changes at its own pace; otherwise one that stands still holds up all. Default true.
    pub own_pace: bool,
    /// Whether a connection on which nothing moves is kept by empty frames; otherwise it is closed, and all is sent again.
    /// Default true.
    pub keepalive: bool,
    /// How long a client waits for an answer before it asks another node. Default 200ms..400ms.
    pub ask_again: SpanRange,
    /// When a client gives up: a read has failed, a write is unknown. Default 5s.
    pub give_up: Span,
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
            capacity: 10_000,
            life: Span::secs(600),
            tie_break: true,
            hybrid_clock: true,
            tombstones: true,
            relay: true,
            refill: true,
            own_pace: true,
            keepalive: true,
            ask_again: SpanRange::new(Span::millis(200), Span::millis(400)),
            give_up: Span::secs(5),
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
            ("life", self.life),
            ("ask_again", self.ask_again.min),
        ];
        if let Some((key, _)) = spans.into_iter().find(|(_, span)| *span == Span::ZERO) {
            return Err((
                key,
                format!("{key} of no length would never end: 1s is usual"),
            ));
        }
        if self.buffers == 0 {
            return Err(("buffers", "at least 1".into()));
        }
        if self.buffer_size < LEAST_BUFFER {
            return Err((
                "buffer_size",
                format!("at least {LEAST_BUFFER} bytes, for one record"),
            ));
        }
        if self.capacity == 0 {
            return Err(("capacity", "a zone holds at least 1 record".into()));
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

    /// The unit of stamps: milliseconds.
    pub fn in_stamps(span: Span) -> u64 {
        span.as_nanos() / 1_000_000
    }
}
