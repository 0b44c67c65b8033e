//! When a node says that it writes.

use super::super::super::clock::Clock;
use super::*;

const UNIT: u64 = 1_000;

/// The times of stamps by a wall clock that shows these microseconds, one after the other.
fn stamps(clock: &mut Clock, wall: &[u64]) -> Vec<u64> {
    let stamp = |micros: &u64| clock.stamp(shows(*micros)).time;
    wall.iter().map(stamp).collect()
}

fn shows(micros: u64) -> Now {
    Now {
        wall: Time::from_nanos(micros * 1_000),
        ..Now::default()
    }
}

#[test]
fn a_stamp_is_the_wall_clock_rounded_down_to_its_unit() {
    let mut clock = Clock::new(n(1), true, UNIT);
    assert_eq!(stamps(&mut clock, &[5_999, 6_000]), [5_000, 6_000]);
    let mut seconds = Clock::new(n(1), false, 1_000_000);
    assert_eq!(
        stamps(&mut seconds, &[1_999_999, 2_000_000]),
        [1_000_000, 2_000_000]
    );
}

#[test]
fn a_nanosecond_before_the_next_microsecond_is_this_one() {
    for (nanos, micros) in [(1_999, 1), (2_000, 2)] {
        let now = Now {
            wall: Time::from_nanos(nanos),
            ..Now::default()
        };
        assert_eq!(wall(now), micros);
    }
}

#[test]
fn a_hybrid_clock_counts_on_within_a_unit_and_when_the_wall_steps_back() {
    let mut clock = Clock::new(n(1), true, UNIT);
    assert_eq!(
        stamps(&mut clock, &[5_000, 5_999, 3_000, 6_000]),
        [5_000, 5_001, 5_002, 6_000]
    );
}

#[test]
fn a_hybrid_clock_is_never_behind_what_was_heard_of() {
    let mut clock = Clock::new(n(1), true, UNIT);
    clock.hear(at(8_000, 2));
    clock.hear(at(7_000, 3));
    assert_eq!(
        stamps(&mut clock, &[5_000, 8_001, 9_000]),
        [8_001, 8_002, 9_000]
    );
}

#[test]
fn a_clock_that_is_not_hybrid_stands_still_and_steps_back_with_the_wall() {
    let mut clock = Clock::new(n(1), false, UNIT);
    clock.hear(at(8_000, 2));
    assert_eq!(
        stamps(&mut clock, &[5_000, 5_999, 3_000]),
        [5_000, 5_000, 3_000]
    );
}

#[test]
fn a_node_that_heard_of_a_later_time_writes_after_it() {
    let mut node = settled(2);
    let ahead = Record {
        stamp: at(12_345_678, 2),
        ..pair(7, 70)
    };
    node.arrives(from(2), live(&[ahead])).shows(
        "arm Reading(n2) within 5s
         write k7=v70 12345678@n2 +600000000",
    );
    node.asked(put(7, 71)).shows(
        "write k7=v71 12345679@n1 +600000000
         send c1 past flush: answer 1: written 12345679@n1",
    );
}
