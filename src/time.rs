//! Virtual time: instants and lengths in whole nanoseconds, written with their units.
//!
//! Integers, so that no platform's floating point decides anything; `u64` nanoseconds reach 584 years.

use std::fmt;
use std::iter::Sum;
use std::marker::PhantomData;
use std::ops::{Add, AddAssign, Div, Mul, Range, RangeInclusive, Sub};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An instant: nanoseconds since the start of the run, on whichever clock it was read from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(u64);

/// A length of time in nanoseconds.
///
/// Written and read with a unit: `150ms`, `2.5s`, `80us`, `1m`, `1h`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(u64);

/// What a node's clocks say at the moment of a step.
///
/// The two differ as they do on a real machine: `mono` only drifts, `wall` can be off by an offset, step and run
/// backwards. Timers run on `mono`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Now {
    /// The wall clock, as far as this node knows it.
    pub wall: Time,
    /// The monotonic clock: never goes back within one life of a process.
    pub mono: Time,
}

impl Time {
    /// The start of the run.
    pub const ZERO: Time = Time(0);
    /// Later than every instant that a run can reach.
    pub const NEVER: Time = Time(u64::MAX);

    /// The instant `nanos` nanoseconds after the start.
    pub const fn from_nanos(nanos: u64) -> Time {
        Time(nanos)
    }

    /// Nanoseconds since the start.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// How long ago `earlier` was; zero if it is still to come.
    pub const fn since(self, earlier: Time) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Span = Span(0);

    /// A length of whole nanoseconds.
    pub const fn nanos(n: u64) -> Span {
        Span(n)
    }

    /// A length of whole microseconds.
    pub const fn micros(n: u64) -> Span {
        Span(n * 1_000)
    }

    /// A length of whole milliseconds.
    pub const fn millis(n: u64) -> Span {
        Span(n * 1_000_000)
    }

    /// A length of whole seconds.
    pub const fn secs(n: u64) -> Span {
        Span(n * 1_000_000_000)
    }

    /// The length in nanoseconds.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The length in milliseconds, for tables that people read.
    pub fn as_millis_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

impl Add<Span> for Time {
    type Output = Time;
    fn add(self, span: Span) -> Time {
        Time(self.0.saturating_add(span.0))
    }
}

impl AddAssign<Span> for Time {
    fn add_assign(&mut self, span: Span) {
        *self = *self + span;
    }
}

impl Add for Span {
    type Output = Span;
    fn add(self, other: Span) -> Span {
        Span(self.0.saturating_add(other.0))
    }
}

impl Sub for Span {
    type Output = Span;
    fn sub(self, other: Span) -> Span {
        Span(self.0.saturating_sub(other.0))
    }
}

impl Mul<u64> for Span {
    type Output = Span;
    fn mul(self, times: u64) -> Span {
        Span(self.0.saturating_mul(times))
    }
}

impl Div<u64> for Span {
    type Output = Span;
    fn div(self, by: u64) -> Span {
        Span(self.0 / by)
    }
}

impl Sum for Span {
    fn sum<I: Iterator<Item = Span>>(spans: I) -> Span {
        spans.fold(Span::ZERO, Add::add)
    }
}

const UNITS: [(&str, u64); 6] = [
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, size) = match self.0 {
            0 => return f.pad("0s"),
            ns if ns >= 1_000_000_000 => ("s", 1_000_000_000),
            ns if ns >= 1_000_000 => ("ms", 1_000_000),
            ns if ns >= 1_000 => ("us", 1_000),
            _ => ("ns", 1),
        };
        let (whole, rest) = (self.0 / size, self.0 % size);
        if rest == 0 {
            return f.pad(&format!("{whole}{unit}"));
        }
        let digits = size.ilog10() as usize;
        let fraction = format!("{rest:0digits$}");
        f.pad(&format!("{whole}.{}{unit}", fraction.trim_end_matches('0')))
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Seconds with six digits, so that a column of instants lines up.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, micros) = (self.0 / 1_000_000_000, self.0 % 1_000_000_000 / 1_000);
        f.pad(&format!("{seconds}.{micros:06}s"))
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is not a length of time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BadSpan(String);

impl fmt::Display for BadSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadSpan {}

impl FromStr for Span {
    type Err = BadSpan;

    fn from_str(text: &str) -> Result<Span, BadSpan> {
        let text = text.trim();
        let split = text
            .find(|c: char| c.is_ascii_alphabetic())
            .unwrap_or(text.len());
        let (number, unit) = (text[..split].trim(), &text[split..]);
        if unit.is_empty() && !number.is_empty() {
            return Err(BadSpan(format!(
                "`{text}` has no unit: write `{text}ms` or `{text}s`"
            )));
        }
        let Some((_, size)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            return Err(BadSpan(format!(
                "`{text}` is not a length of time: write a number and one of ns, us, ms, s, m, h, as in `150ms`"
            )));
        };
        let wrong = || {
            BadSpan(format!(
                "`{text}` is not a length of time: `{number}` is not a number"
            ))
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let whole: u64 = whole.parse().map_err(|_| wrong())?;
        let mut nanos = whole
            .checked_mul(*size)
            .ok_or_else(|| BadSpan(format!("`{text}` is over 584 years")))?;
        let mut place = *size;
        for digit in fraction.chars() {
            place /= 10;
            nanos += u64::from(digit.to_digit(10).ok_or_else(wrong)?) * place;
        }
        Ok(Span(nanos))
    }
}

/// Reads what is written as a text, and says how it is written where something else stands.
struct Written<T> {
    form: &'static str,
    of: PhantomData<T>,
}

impl<T: FromStr<Err = BadSpan>> serde::de::Visitor<'_> for Written<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.form)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Span, D::Error> {
        deserializer.deserialize_any(Written {
            form: "a length of time with its unit, as in \"150ms\"",
            of: PhantomData,
        })
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A closed range of lengths, from which the world draws. Written `150ms..300ms`, or `10ms` for exactly that.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpanRange {
    /// The shortest length.
    pub min: Span,
    /// The longest length, at least `min`.
    pub max: Span,
}

impl SpanRange {
    /// From `min` to `max`, both included.
    ///
    /// # Panics
    /// If the ends are swapped.
    pub const fn new(min: Span, max: Span) -> SpanRange {
        assert!(
            min.0 <= max.0,
            "a range of spans needs its shorter end first"
        );
        SpanRange { min, max }
    }

    /// Exactly `span`.
    pub const fn exactly(span: Span) -> SpanRange {
        SpanRange {
            min: span,
            max: span,
        }
    }
}

impl From<RangeInclusive<Span>> for SpanRange {
    fn from(range: RangeInclusive<Span>) -> SpanRange {
        SpanRange::new(*range.start(), *range.end())
    }
}

impl From<Span> for SpanRange {
    fn from(span: Span) -> SpanRange {
        SpanRange::exactly(span)
    }
}

impl From<Range<Span>> for SpanRange {
    fn from(range: Range<Span>) -> SpanRange {
        SpanRange::new(range.start, range.end)
    }
}

impl fmt::Display for SpanRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.min == self.max {
            write!(f, "{}", self.min)
        } else {
            write!(f, "{}..{}", self.min, self.max)
        }
    }
}

impl fmt::Debug for SpanRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for SpanRange {
    type Err = BadSpan;

    fn from_str(text: &str) -> Result<SpanRange, BadSpan> {
        let Some((min, max)) = text.split_once("..") else {
            return Ok(SpanRange::exactly(text.parse()?));
        };
        let (min, max): (Span, Span) = (min.parse()?, max.parse()?);
        if min > max {
            return Err(BadSpan(format!(
                "`{text}` has its ends swapped: write `{max}..{min}`"
            )));
        }
        Ok(SpanRange { min, max })
    }
}

impl<'de> Deserialize<'de> for SpanRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SpanRange, D::Error> {
        deserializer.deserialize_any(Written {
            form: "a length of time with its unit, or a range, as in \"150ms\" or \"1ms..5ms\"",
            of: PhantomData,
        })
    }
}

impl Serialize for SpanRange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_with_their_unit() {
        for (text, nanos) in [
            ("0s", 0),
            ("7ns", 7),
            ("80us", 80_000),
            ("1.5ms", 1_500_000),
            ("2s", 2_000_000_000),
            ("1m", 60_000_000_000),
        ] {
            assert_eq!(text.parse(), Ok(Span(nanos)), "{text}");
        }
    }

    #[test]
    fn a_span_without_unit_or_number_is_refused() {
        for text in ["", "5", "ms", "1.x2s", "-3s", "3 parsecs", "99999999h"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_range_with_swapped_ends_says_what_would_be_right() {
        assert_eq!(
            "1ms..5ms".parse(),
            Ok(SpanRange::new(Span::millis(1), Span::millis(5)))
        );
        let error = "5ms..1ms".parse::<SpanRange>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "`5ms..1ms` has its ends swapped: write `1ms..5ms`"
        );
    }

    proptest::proptest! {
        #[test]
        fn a_printed_span_reads_back_as_itself(nanos: u64) {
            proptest::prop_assert_eq!(Span(nanos).to_string().parse(), Ok(Span(nanos)));
        }
    }
}
