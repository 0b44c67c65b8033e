//! The clocks of a node: a monotonic one that drifts, and a wall clock that is off besides.

use netsplit::{Now, Span, Time};

use super::random::Stream;

/// How far clocks may be off, as a scenario sets it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ClockSetup {
    /// The wall clock of each node is off by up to this much, either way.
    pub offset: Span,
    /// The monotonic clock of each node is fast or slow by up to this many parts per million.
    pub drift_ppm: u32,
}

/// What every wall clock shows at the start of a run, before its offset: so that none is ever before zero.
const EPOCH: Span = Span::secs(1_000_000_000);

/// The clocks of one node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Clock {
    drift_ppm: i64,
    offset_nanos: i64,
}

const MILLION: i128 = 1_000_000;

impl Clock {
    /// Draws a node's clocks.
    pub fn draw(setup: ClockSetup, draws: &mut Stream) -> Clock {
        let mut signed = |bound: u64| draws.next_draw().below(2 * bound + 1) as i64 - bound as i64;
        Clock {
            drift_ppm: signed(u64::from(setup.drift_ppm)),
            offset_nanos: signed(setup.offset.as_nanos()),
        }
    }

    /// What the node's clocks show at an instant of the world.
    pub fn read(&self, world: Time) -> Now {
        let mono = if self.drift_ppm == 0 {
            world
        } else {
            let nanos = i128::from(world.as_nanos());
            Time::from_nanos((nanos + nanos * i128::from(self.drift_ppm) / MILLION) as u64)
        };
        let wall = (mono + EPOCH)
            .as_nanos()
            .saturating_add_signed(self.offset_nanos);
        Now {
            wall: Time::from_nanos(wall),
            mono,
        }
    }

    /// How long the world waits while this node's monotonic clock counts `span`.
    pub fn in_world(&self, span: Span) -> Span {
        if self.drift_ppm == 0 {
            return span;
        }
        let nanos = i128::from(span.as_nanos()) * MILLION / (MILLION + i128::from(self.drift_ppm));
        Span::nanos(nanos as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::super::random::{Key, Purpose};
    use super::*;

    fn drifting(drift_ppm: i64) -> Clock {
        Clock {
            drift_ppm,
            offset_nanos: 0,
        }
    }

    #[test]
    fn a_fast_clock_counts_a_second_before_the_world_does() {
        assert_eq!(
            drifting(1_000).read(Time::from_nanos(1_000_000)).mono,
            Time::from_nanos(1_001_000)
        );
        assert_eq!(
            drifting(1_000).in_world(Span::nanos(1_001_000)),
            Span::nanos(1_000_000)
        );
        assert_eq!(
            drifting(-1_000).in_world(Span::nanos(999_000)),
            Span::nanos(1_000_000)
        );
    }

    #[test]
    fn drawn_clocks_stay_within_the_setup() {
        let setup = ClockSetup {
            offset: Span::millis(3),
            drift_ppm: 5,
        };
        let mut draws = Key::new(1, Purpose::Clock(0)).stream();
        for _ in 0..500 {
            let clock = Clock::draw(setup, &mut draws);
            assert!(
                clock.drift_ppm.abs() <= 5 && clock.offset_nanos.abs() <= 3_000_000,
                "{clock:?}"
            );
        }
        let still = Clock::draw(ClockSetup::default(), &mut draws);
        assert_eq!(still, drifting(0));
    }
}
