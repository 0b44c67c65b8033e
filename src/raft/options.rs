//! The constants of the protocol, each with its default and unit.

use serde::{Deserialize, Serialize};

use crate::{Span, SpanRange};

/// What a scenario may set under `[options]`.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// How long a follower waits for its leader before it campaigns, drawn anew at every wait.
    /// Default 150ms..300ms, the range of the Raft paper (section 9.3).
    pub election: SpanRange,
    /// How often a leader makes itself heard. Default 50ms.
    pub heartbeat: Span,
    /// Entries in one append, at most. Default 1024.
    pub batch: usize,
    /// Appends in flight to one follower, at most; what comes in meanwhile travels together. Default 4.
    pub window: usize,
    /// Reads that may wait for one round of confirmation; a client whose read finds no place asks again. Default 4096.
    pub reads: usize,
    /// Whether a leader that hears no majority for a whole election timeout steps down. Default true.
    pub check_quorum: bool,
    /// How long a client waits for an answer before it asks another server. Default 200ms..400ms.
    pub retry: SpanRange,
    /// How long a client waits after a redirect before it follows. Default 1ms..5ms.
    pub redirect: SpanRange,
    /// When a client gives up: a read has failed, a write is unknown. Default 5s.
    pub give_up: Span,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            election: SpanRange::new(Span::millis(150), Span::millis(300)),
            heartbeat: Span::millis(50),
            batch: 1024,
            window: 4,
            reads: 4096,
            check_quorum: true,
            retry: SpanRange::new(Span::millis(200), Span::millis(400)),
            redirect: SpanRange::new(Span::millis(1), Span::millis(5)),
            give_up: Span::secs(5),
        }
    }
}

impl Options {
    /// The key that cannot be, and what would be right.
    ///
    /// # Errors
    /// If a bound is zero where the protocol needs one, or followers would give up on a leader between two heartbeats.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let zero = |what: &str| format!("{what} must be at least 1");
        if self.batch == 0 {
            return Err(("batch", zero("a batch")));
        }
        if self.window == 0 {
            return Err(("window", zero("a window")));
        }
        if self.reads == 0 {
            return Err(("reads", zero("the queue of reads")));
        }
        if self.heartbeat == Span::ZERO {
            return Err((
                "heartbeat",
                "a heartbeat of no length would never end: 50ms is usual".into(),
            ));
        }
        if self.election.min <= self.heartbeat {
            let Options {
                election,
                heartbeat,
                ..
            } = self;
            return Err((
                "election",
                format!(
                    "followers would give up within {election} on a leader heard every {heartbeat}"
                ),
            ));
        }
        if self.retry.min == Span::ZERO {
            return Err((
                "retry",
                "a client that retries at once never stops: 200ms..400ms is usual".into(),
            ));
        }
        if self.redirect.min == Span::ZERO {
            return Err((
                "redirect",
                "two servers that name each other would be asked for ever: 1ms is enough".into(),
            ));
        }
        Ok(())
    }
}
