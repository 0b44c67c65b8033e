//! What is said of a fault when it strikes.

use netsplit::Span;

use super::super::names::Answer;
use super::super::network::{Act, Noise};
use super::super::target::Shape;
use super::{Down, Point, Skew, Trouble, What};

impl What {
    /// The fault in words, with the names of those it was bound to.
    #[expect(clippy::too_many_lines, reason = "a line or two for each fault")]
    pub fn describe(&self, groups: &[String]) -> String {
        let on = |place: usize| groups.get(place).map_or("all", String::as_str);
        match self {
            What::Partition(_) => format!("partition {}", groups.join(" | ")),
            What::Shape(Shape::Halves) => format!("halves {}", groups.join(" | ")),
            What::Shape(Shape::One) => format!("one alone {}", groups.join(" | ")),
            What::Shape(Shape::Bridge) => format!("bridge {}", groups.join(" - ")),
            What::Shape(Shape::MajoritiesRing) => format!("ring of majorities {}", on(0)),
            What::Cut { .. } => format!("cut {} -> {}", on(0), on(1)),
            What::Links {
                from,
                to,
                kind,
                act,
            } => {
                let receivers = if from.is_some() { on(1) } else { on(0) };
                let links = match (from, to) {
                    (None, None) => "on all links".into(),
                    (Some(_), None) => format!("from {}", on(0)),
                    (None, Some(_)) => format!("to {receivers}"),
                    (Some(_), Some(_)) => format!("{} -> {receivers}", on(0)),
                };
                let what = kind.map_or("message", |(_, name)| name);
                match act {
                    Act::Drop => format!("drop every {what} {links}"),
                    Act::Jam => format!("jam every {what} {links}"),
                    Act::Slow(factor) => format!("every {what} slow by {factor} {links}"),
                    Act::Noise(noise) => {
                        let Noise {
                            loss,
                            duplicate,
                            reorder,
                            corrupt,
                        } = noise;
                        format!(
                            "noise on every {what} {links}: loss {}, duplicate {}, reorder {}, corrupt {} ppm",
                            loss.0, duplicate.0, reorder.0, corrupt.0
                        )
                    }
                }
            }
            What::Reset { .. } => format!("streams broken off, opened by {} to {}", on(0), on(1)),
            What::Stall { ways, .. } => {
                let ways = match ways {
                    [true, false] => "forth",
                    [false, true] => "back",
                    _ => "both ways",
                };
                format!("streams held up {ways}, opened by {} to {}", on(0), on(1))
            }
            What::Swizzle(_) => format!("swizzle {}", on(0)),
            What::Down { how, .. } => {
                let how = match how {
                    Down::Crash => "crash",
                    Down::HostDeath => "death of the host of",
                    Down::Power => "power loss at",
                    Down::Wipe => "crash and wipe",
                    Down::Rot => "crash, and a rotten record at",
                    Down::Quit => "quit",
                };
                format!("{how} {}", on(0))
            }
            What::Rolling { quit: false, .. } => format!("rolling restart of {}", on(0)),
            What::Rolling { quit: true, .. } => format!("rolling graceful restart of {}", on(0)),
            What::Trap {
                point: Point::Written,
                ..
            } => {
                format!("trap between write and flush at {}", on(0))
            }
            What::Trap {
                point: Point::Flushed,
                ..
            } => {
                format!("trap between flush and reply at {}", on(0))
            }
            What::Trap {
                point: Point::Sends { name, nth, .. },
                ..
            } => {
                format!("trap on {name} number {nth} from {}", on(0))
            }
            What::Pause(_) => format!("pause {}", on(0)),
            What::SlowCpu { factor, .. } => format!("processor of {} slow by {factor}", on(0)),
            What::Disk { trouble, .. } => {
                let trouble = match trouble {
                    Trouble::Slow(factor) => format!("is slow by {factor}"),
                    Trouble::Stalls => "stalls".into(),
                    Trouble::FailsWrites => "fails writes".into(),
                    Trouble::Full => "is full".into(),
                    Trouble::FailsFlushes => "fails flushes".into(),
                    Trouble::Lies => "lies about flushes".into(),
                };
                format!("disk of {} {trouble}", on(0))
            }
            What::Clock {
                skew: Skew::Freeze, ..
            } => format!("wall clock of {} stands still", on(0)),
            What::Clock {
                skew: Skew::Step(nanos),
                ..
            } => {
                let way = if *nanos < 0 { "back" } else { "forward" };
                let by = Span::nanos(nanos.unsigned_abs());
                format!("wall clock of {} steps {way} by {by}", on(0))
            }
            What::Unlist(_) => format!("unlist {}", on(0)),
            What::Resolver { answer, .. } => {
                let answer = match answer {
                    Answer::Stale => "knows nothing new",
                    Answer::Nothing => "knows nobody",
                    Answer::Never => "does not answer",
                };
                format!("name service of {} {answer}", on(0))
            }
            What::Lose { queue, share, .. } => {
                format!(
                    "lose {}% of the queue `{queue}` of {}",
                    share.0 / 10_000,
                    on(0)
                )
            }
        }
    }
}
