//! How a node that is asked to quit leaves the others.

use super::*;

/// What a node does that has told everything.
const LEAVES: &str = "
    note quits
    flush
    close n1/1
    close n2/1";

#[test]
fn a_node_that_is_asked_to_quit_tells_what_it_has_not_told_and_leaves() {
    let mut node = settled(2);
    node.asked(put(7, 70));
    node.takes(Input::Quit).shows(
        "arm Quit within 5s
         push n1/1 past flush: live of 68 bytes: k7=v70 10000000@n1 +600000000
         note quits
         flush
         close n1/1
         close n2/1",
    );
    node.flushed(1).shows("stop: was asked to quit");
}

#[test]
fn a_node_stops_when_what_it_saved_last_is_durable_and_not_before() {
    let mut node = settled(2);
    for name in [70, 71] {
        node.asked(put(7, name));
        node.fires(Timer::Interval);
    }
    node.takes(Input::Quit);
    node.flushed(2).shows("");
    node.flushed(3).shows("stop: was asked to quit");
}

#[test]
fn a_flush_that_is_done_while_it_is_still_telling_stops_nobody() {
    let mut node = settled(2);
    node.asked(put(7, 70));
    node.has_credit(2, 0);
    node.fires(Timer::Interval);
    node.takes(Input::Quit).shows("arm Quit within 5s");
    node.flushed(1).shows("");
}

#[test]
fn a_node_on_its_way_out_takes_no_more_requests() {
    let mut node = settled(2);
    node.has_credit(2, 0);
    node.asked(put(7, 70));
    node.takes(Input::Quit).shows("arm Quit within 5s");
    node.asked(get(7)).shows("");
    node.asked(put(7, 71)).shows("");
    node.takes(Input::Quit).shows("");
}

#[test]
fn a_node_that_knows_nobody_leaves_at_once() {
    let mut node = alone(1, Options::default());
    node.asked(put(7, 70));
    node.takes(Input::Quit).shows(
        "arm Quit within 5s
         note quits
         flush",
    );
    node.flushed(1).shows("stop: was asked to quit");
}

#[test]
fn who_is_not_connected_is_not_waited_for() {
    let mut node = alone(2, Options::default());
    node.asked(put(7, 70));
    node.fires(Timer::Dial(n(2)));
    node.takes(Input::Quit).shows(
        "arm Quit within 5s
         note quits
         flush
         close n1/1",
    );
}

/// It was asked to quit, and `n2` does not take what it has to be told.
fn stuck() -> Solo<Node> {
    let mut node = settled(2);
    node.asked(put(7, 70));
    node.has_credit(2, 0);
    node.takes(Input::Quit).shows("arm Quit within 5s");
    node
}

#[test]
fn who_is_slow_is_waited_for() {
    let mut node = stuck();
    node.fires(Timer::Interval).shows(
        "arm Interval within 1s
         flush",
    );
    node.gets_credit(to(2), 4095)
        .shows("arm Writing(n2) within 5s");
    let told = "push n1/1 past flush: live of 68 bytes: k7=v70 10000000@n1 +600000000";
    let told = ["arm Writing(n2) within 5s\n", told, LEAVES];
    node.gets_credit(to(2), 1).shows(&told.concat());
    node.flushed(2).shows("stop: was asked to quit");
}

#[test]
fn a_node_that_has_nothing_to_tell_leaves_at_once_and_saves_all_the_same() {
    let mut node = settled(2);
    node.takes(Input::Quit)
        .shows(&["arm Quit within 5s", LEAVES].concat());
    node.flushed(1).shows("stop: was asked to quit");
}

#[test]
fn the_last_of_those_who_are_slow_is_waited_for() {
    let mut node = settled(3);
    node.asked(put(7, 70));
    node.has_credit(2, 0);
    node.has_credit(3, 0);
    node.takes(Input::Quit).shows("arm Quit within 5s");
    node.gets_credit(to(3), 4096).shows(
        "arm Writing(n3) within 5s
         push n1/2 past flush: live of 68 bytes: k7=v70 10000000@n1 +600000000",
    );
    node.gets_credit(to(2), 4096).shows(
        "arm Writing(n2) within 5s
         push n1/1 past flush: live of 68 bytes: k7=v70 10000000@n1 +600000000
         note quits
         flush
         close n1/1
         close n2/1
         close n1/2
         close n3/1",
    );
}

#[test]
fn without_refill_a_node_leaves_when_the_timer_fires() {
    let mut node = settled_with(
        2,
        Options {
            refill: false,
            ..Options::default()
        },
    );
    node.asked(put(7, 70));
    node.has_credit(2, 0);
    node.takes(Input::Quit).shows("arm Quit within 5s");
    node.gets_credit(to(2), 4096)
        .shows("arm Writing(n2) within 5s");
    let told = "
        arm Interval within 1s
        flush
        push n1/1 past flush: live of 68 bytes: k7=v70 10000000@n1 +600000000";
    node.fires(Timer::Interval).shows(&[told, LEAVES].concat());
}

#[test]
fn who_is_lost_is_not_waited_for_nor_dialed_again() {
    stuck().loses(to(2), Closing::Reset).shows(
        "note loses n2: reset
         disarm Connecting(n2)
         disarm Writing(n2)
         note quits
         flush
         close n2/1",
    );
}

#[test]
fn a_node_that_has_waited_long_enough_stops_all_the_same() {
    stuck().fires(Timer::Quit).shows(
        "note quits early
         stop: was asked to quit, and has waited long enough",
    );
}

#[test]
fn a_walk_that_was_begun_is_ended_first() {
    let mut node = holding(2, Options::default(), 7..=7);
    node.fires(Timer::Dial(n(2)));
    node.gets_stream(to(2), WINDOW);
    node.takes(Input::Quit).shows("arm Quit within 5s");
    let all = [(None, u32::MAX)];
    node.arrives(to(2), want(Module::Keyval, &all)).says(
        "n1/1 kv: snapshot, k7
         n1/1 kv: snapshot end",
    );
    node.arrives(to(2), want(Module::Sticky, &[]));
    node.fires(Timer::Interval).shows("arm Interval within 1s");
    node.arrives(to(2), want(Module::Limit, &[])).shows(
        "arm Writing(n2) within 5s
         note sent a snapshot of limits to n2: 0 of 0 records
         push n1/1 past flush: snapshot_end of 19 bytes
         note quits
         flush
         close n1/1",
    );
}

#[test]
fn a_node_on_its_way_out_dials_nobody() {
    let mut node = settled(3);
    node.loses(to(3), Closing::Reset);
    node.asked(put(7, 70));
    node.has_credit(2, 0);
    node.takes(Input::Quit);
    node.fires(Timer::Dial(n(3))).shows("");
}

#[test]
fn a_node_on_its_way_out_discovers_nobody() {
    let options = Options {
        discovery: Discovery::Names,
        ..Options::default()
    };
    let mut node = alone(2, options);
    node.resolves(&[1, 2]);
    node.takes(Input::Quit);
    node.resolves(&[1, 2]).shows("");
    node.fires(Timer::Dial(n(2))).shows("");
}
