//! Which options can be.

use super::*;
use crate::{Span, SpanRange};

/// What is wrong with these, by its key.
fn wrong(options: &Options) -> Option<&'static str> {
    options.check().err().map(|(key, _)| key)
}

#[test]
fn waits_need_a_length_and_a_backoff_a_range() {
    let usual = Options::default();
    assert_eq!(wrong(&usual), None);
    let [none, least] = [Span::ZERO, Span::nanos(1)];
    let patience = |min| Options {
        patience: SpanRange::new(min, Span::millis(1)),
        ..usual.clone()
    };
    assert_eq!(wrong(&patience(least)), None);
    assert_eq!(wrong(&patience(none)), Some("patience"));
    let retry = |min| Options {
        retry: SpanRange::new(min, Span::millis(1)),
        ..usual.clone()
    };
    assert_eq!(wrong(&retry(least)), None);
    assert_eq!(wrong(&retry(none)), Some("retry"));
    let backoff = |max| Options {
        backoff: SpanRange::new(least, max),
        ..usual.clone()
    };
    assert_eq!(wrong(&backoff(Span::nanos(2))), None);
    assert_eq!(wrong(&backoff(least)), Some("backoff"));
}
