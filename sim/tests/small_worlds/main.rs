//! Small worlds: what the explorer comes to, counted by hand; and Raft and the sibling quorum, whole.

mod raft;
mod sender;
mod siblings;

use netsplit::NodeId;
use netsplit::small_world::{Bounds, Often};
use netsplit_sim::small_world::{Effort, Explored, explore, explore_mistaken};
use sender::{Numbers, numbers};

/// More than any of these worlds needs.
const EFFORT: Effort = Effort {
    threads: 1,
    states: 20_000_000,
};

#[track_caller]
fn states(world: Numbers) -> usize {
    let explored = explore(world, EFFORT);
    assert!(explored.whole, "{explored}");
    explored.states
}

fn with(numbers: Numbers, change: impl FnOnce(&mut Bounds)) -> Numbers {
    let mut bounds = numbers.bounds;
    change(&mut bounds);
    Numbers { bounds, ..numbers }
}

#[test]
fn messages_overtake_each_other_and_may_never_arrive() {
    // Before the question; and then a state for each way to take any of three one after another: 1 + 3 + 6 + 6.
    assert_eq!(states(numbers(&[1, 3, 5])), 1 + 16);
    // Nobody can tell two that are the same apart: none, one or both are heard.
    assert_eq!(states(numbers(&[1, 1])), 1 + 3);
}

#[test]
fn where_order_is_kept_what_was_sent_before_is_lost() {
    // Every subset, in order.
    assert_eq!(
        states(with(numbers(&[1, 3, 5]), |bounds| bounds.ordered = true)),
        1 + 8
    );
    // The second of two that are the same: nothing is under way behind it.
    assert_eq!(
        states(with(numbers(&[1, 1]), |bounds| bounds.ordered = true)),
        1 + 4
    );
}

#[test]
fn what_finds_no_room_is_lost_and_it_may_be_any() {
    // All three at once, for a moment; then any two, each of them with 1 + 2 + 2 ways to go on.
    let world = with(numbers(&[1, 3, 5]), |bounds| bounds.room = 2);
    assert_eq!(states(world), 1 + 1 + 3 * 5);
    // Three, then any two, then any one, and each may be heard.
    let world = with(numbers(&[1, 3, 5]), |bounds| bounds.room = 1);
    assert_eq!(states(world), 1 + 1 + 3 + 3 * 2);
}

#[test]
fn a_double_arrives_again_later() {
    // Under way; heard; heard and still under way; heard twice.
    assert_eq!(
        states(with(numbers(&[1]), |bounds| bounds.doubles = 1)),
        1 + 4
    );
}

#[test]
fn a_crash_keeps_any_prefix_of_what_was_not_flushed() {
    // Without a crash: before, under way, heard. The same behind a crash of n1, and one of n2; and if n2 crashed after it
    // had heard, with what it had written, or without.
    assert_eq!(
        states(with(numbers(&[1]), |bounds| bounds.crashes = 1)),
        3 + 3 + 3 + 2
    );
    let crashing = vec![NodeId::server(1)];
    let first = Numbers {
        crashing,
        ..numbers(&[1])
    };
    assert_eq!(states(with(first, |bounds| bounds.crashes = 1)), 3 + 3);
    // A flush leaves nothing to lose: who crashed and heard is as one who heard and crashed.
    assert_eq!(
        states(with(numbers(&[2]), |bounds| bounds.crashes = 1)),
        3 + 3 + 3
    );
}

#[test]
fn a_slow_disk_takes_its_time_in_which_a_server_can_crash() {
    let slow = with(numbers(&[2]), |bounds| bounds.slow_disks = true);
    // Before, under way, heard, flushed.
    assert_eq!(states(slow.clone()), 4);
    // And again behind each crash; if n2 crashed before the flush was done, perhaps without what it had written.
    assert_eq!(
        states(with(slow, |bounds| bounds.crashes = 1)),
        4 + 4 + 4 + 1
    );
}

#[test]
fn who_stops_is_started_again_with_any_prefix_of_what_was_not_flushed() {
    // Before, under way, stopped, and started with what was written, or without.
    assert_eq!(states(numbers(&[13])), 5);
}

#[test]
fn an_alarm_goes_off_as_often_as_it_may() {
    let fires = |alarms| Numbers {
        alarms,
        ..numbers(&[])
    };
    assert_eq!(states(fires(Often::Never)), 1);
    // Of `f` that were sent any are heard and any are under way: pairs with a sum of `f` at the most, but of none before.
    assert_eq!(states(fires(Often::Times(1))), 1 + 2);
    assert_eq!(states(fires(Often::Times(2))), 1 + 2 + 3);
    // The third does not fit, and one is lost at once.
    let tight = with(fires(Often::Times(2)), |bounds| bounds.room = 1);
    assert_eq!(states(tight), 1 + 2 + 5);
}

#[test]
fn what_is_too_far_out_is_not_gone_on_from() {
    let near = |heard| Numbers {
        heard,
        alarms: Often::Always,
        ..numbers(&[])
    };
    // Room for three on the way, and a fourth for a moment: none to four under way, with none heard or one.
    assert_eq!(states(near(0)), 5);
    assert_eq!(states(near(1)), 5 + 5);
}

#[test]
fn what_is_given_up_is_not_whole() {
    let endless = Numbers {
        alarms: Often::Always,
        ..numbers(&[])
    };
    let explored = explore(
        endless,
        Effort {
            threads: 1,
            states: 1000,
        },
    );
    assert!(!explored.whole && explored.found.is_none() && explored.generated >= 1000);
}

/// What was found, as it is printed.
#[track_caller]
fn found(explored: &Explored) -> String {
    let trace = explored.found.as_ref();
    trace.unwrap_or_else(|| panic!("{explored}")).to_string()
}

#[test]
fn what_must_not_be_told_is_told_behind_its_flush() {
    let slow = with(numbers(&[1, 4]), |bounds| bounds.slow_disks = true);
    insta::assert_snapshot!(found(&explore(slow, EFFORT)), @r"
    n1 is asked by c1: send [1, 4]
    n2 hears n1: number 4
    n2: a flush is done
    => nobody_is_told_of_4: c1 is
    ");
}

#[test]
fn a_panic_is_found_like_anything_else() {
    let explored = explore_mistaken(numbers(&[1]), "sends_more", EFFORT);
    let text = found(&explored);
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    assert_eq!(
        lines[..2],
        ["n1 is asked by c1: send [1]", "n2 hears n1: number 99"]
    );
    assert!(
        lines[2].starts_with("=> steps_without_panic: n2 panics: "),
        "{text}"
    );
}

#[test]
#[should_panic(expected = "sender has no mistake `sends_less`")]
fn an_unknown_mistake_is_refused() {
    explore_mistaken(numbers(&[1]), "sends_less", EFFORT);
}
