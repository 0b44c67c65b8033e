//! The constants of the protocol, each with its default and unit.

use serde::{Deserialize, Serialize};

use crate::register::Pace;
use crate::{Span, SpanRange};

/// What a scenario may set under `[options]`. The paper names no numbers; these fit messages that take a few
/// milliseconds.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// How long a proposer waits for a majority before it asks the silent ones again. Default 100ms..200ms.
    pub patience: SpanRange,
    /// How long a proposer that met a higher ballot lets the other finish; the longer end doubles each time, up to 16
    /// times. Default 5ms..50ms.
    pub backoff: SpanRange,
    /// How long a client waits for an answer before it asks another server. Default 200ms..400ms.
    pub retry: SpanRange,
    /// When a client gives up: a read has failed, a write is unknown. Default 5s.
    pub give_up: Span,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            patience: SpanRange::new(Span::millis(100), Span::millis(200)),
            backoff: SpanRange::new(Span::millis(5), Span::millis(50)),
            retry: SpanRange::new(Span::millis(200), Span::millis(400)),
            give_up: Span::secs(5),
        }
    }
}

impl Options {
    /// How long a register waits.
    pub fn pace(&self) -> Pace {
        Pace {
            patience: self.patience,
            backoff: self.backoff,
        }
    }

    /// The key that cannot be, and what would be right.
    ///
    /// # Errors
    /// If a wait has no length where it is needed, or two proposers would draw the same one for ever.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        if self.patience.min == Span::ZERO {
            return Err((
                "patience",
                "a proposer that asks again at once never stops: 100ms..200ms is usual".into(),
            ));
        }
        if self.backoff.min == self.backoff.max {
            let Options { backoff, .. } = self;
            return Err((
                "backoff",
                format!(
                    "two proposers that both wait {backoff} meet again and again: it takes a range"
                ),
            ));
        }
        if self.retry.min == Span::ZERO {
            return Err((
                "retry",
                "a client that retries at once never stops: 200ms..400ms is usual".into(),
            ));
        }
        Ok(())
    }
}
