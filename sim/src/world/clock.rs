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
    /// How many faults hold the wall clock, and at what it stands.
    frozen: Option<(u16, Time)>,
}

const MILLION: i128 = 1_000_000;

impl Clock {
    /// Draws a node's clocks.
    pub fn draw(setup: ClockSetup, draws: &mut Stream) -> Clock {
        let mut signed = |bound: u64| draws.next_draw().below(2 * bound + 1) as i64 - bound as i64;
        Clock {
            drift_ppm: signed(u64::from(setup.drift_ppm)),
            offset_nanos: signed(setup.offset.as_nanos()),
            frozen: None,
        }
    }

    /// The wall clock is set forward, or back if `nanos` is negative.
    pub fn step(&mut self, nanos: i64) {
        self.offset_nanos = self.offset_nanos.saturating_add(nanos);
    }

    /// The wall clock stands still, or goes on: then it shows what it would show had it never stood.
    pub fn freeze(&mut self, world: Time, begin: bool) {
        let wall = self.read(world).wall;
        self.frozen = match (self.frozen, begin) {
            (None, true) => Some((1, wall)),
            (Some((faults, wall)), true) => Some((faults + 1, wall)),
            (Some((faults, wall)), false) if faults > 1 => Some((faults - 1, wall)),
            (_, false) => None,
        };
    }

    /// What the node's clocks show at an instant of the world.
    pub fn read(&self, world: Time) -> Now {
        let mono = if self.drift_ppm == 0 {
            world
        } else {
            let nanos = i128::from(world.as_nanos());
            Time::from_nanos((nanos + nanos * i128::from(self.drift_ppm) / MILLION) as u64)
        };
        let running = || {
            let nanos = (mono + EPOCH).as_nanos();
            Time::from_nanos(nanos.saturating_add_signed(self.offset_nanos))
        };
        let wall = self.frozen.map_or_else(running, |(_, wall)| wall);
        Now { wall, mono }
    }

    /// How far the wall clock is off from the time of the world, either way.
    pub fn is_off(&self, world: Time) -> Span {
        let (wall, right) = (self.read(world).wall, world + EPOCH);
        wall.since(right).max(right.since(wall))
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
            frozen: None,
        }
    }

    fn at(world: u64, clock: &Clock) -> (u64, u64) {
        let now = clock.read(Time::from_nanos(world));
        (now.wall.as_nanos() - EPOCH.as_nanos(), now.mono.as_nanos())
    }

    #[test]
    fn a_step_moves_the_wall_clock_and_not_the_monotonic_one() {
        let mut clock = drifting(0);
        clock.step(500);
        assert_eq!(at(1000, &clock), (1500, 1000));
        clock.step(-900);
        assert_eq!(at(1000, &clock), (600, 1000));
    }

    #[test]
    fn a_frozen_wall_clock_stands_until_the_last_fault_lets_go_and_then_is_right() {
        let mut clock = drifting(0);
        clock.freeze(Time::from_nanos(100), true);
        clock.freeze(Time::from_nanos(200), true);
        assert_eq!(at(300, &clock), (100, 300));
        clock.freeze(Time::from_nanos(400), false);
        assert_eq!(at(500, &clock), (100, 500));
        clock.freeze(Time::from_nanos(600), false);
        assert_eq!(at(700, &clock), (700, 700));
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
    fn a_clock_is_off_by_what_it_stepped_drifted_or_stood_still_for() {
        let off = |clock: &Clock, world| clock.is_off(Time::from_nanos(world)).as_nanos();
        let mut clock = drifting(1_000);
        assert_eq!(off(&clock, 1_000_000), 1_000);
        clock.step(-5_000);
        assert_eq!(off(&clock, 1_000_000), 4_000);
        let mut clock = drifting(0);
        clock.freeze(Time::from_nanos(100), true);
        assert_eq!(off(&clock, 100), 0);
        assert_eq!(off(&clock, 400), 300);
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
