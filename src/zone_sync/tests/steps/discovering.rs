//! How a node learns by name who the others are, and forgets those who are not.

use super::*;

fn by_name() -> Options {
    Options {
        discovery: Discovery::Names,
        ..Options::default()
    }
}

/// `n1`, that was told of `n2` and is connected to it both ways.
fn settled_by_name() -> Solo<Node> {
    let mut node = alone(2, by_name());
    node.resolves(&[1, 2]);
    connect(&mut node, 2);
    node.gets_stream(from(2), WINDOW);
    node
}

#[test]
fn a_node_that_starts_asks_for_names_and_dials_nobody() {
    let (_, deeds) = Solo::<Node>::boot(n(1), 3, by_name(), &[]);
    deeds.shows(
        "arm Interval within 0s..1s
         arm Repair within 15s..30s
         resolve
         arm Resolve within 5s",
    );
}

#[test]
fn a_node_that_is_not_answered_asks_again() {
    alone(3, by_name()).fires(Timer::Resolve).shows(
        "resolve
         arm Resolve within 5s",
    );
}

#[test]
fn a_node_dials_what_it_is_told_but_not_itself() {
    let mut node = alone(3, by_name());
    node.resolves(&[1, 2, 3]).shows(
        "arm Resolve within 20s
         note discovers 2 others
         arm Dial(n2) within 0s..1s
         arm Dial(n3) within 0s..1s",
    );
    node.resolves(&[1, 2, 3]).shows("arm Resolve within 20s");
    node.resolves(&[3, 2]).shows("arm Resolve within 20s");
}

#[test]
fn only_who_is_new_is_dialed() {
    let mut node = settled_by_name();
    node.resolves(&[1, 2, 4]).shows(
        "arm Resolve within 20s
         note discovers 2 others
         arm Dial(n4) within 0s..1s",
    );
}

#[test]
fn an_empty_answer_is_believed_and_asked_again_soon() {
    let mut node = alone(3, by_name());
    node.resolves(&[]).shows("arm Resolve within 1s");
    node.resolves(&[1]).shows("arm Resolve within 20s");
    node.resolves(&[1, 2]);
    node.resolves(&[]).shows(
        "arm Resolve within 1s
         note discovers 0 others
         note forgets: n2
         disarm Dial(n2)",
    );
}

#[test]
fn who_is_gone_is_not_told_anything_more_and_still_heard() {
    let mut node = settled_by_name();
    node.resolves(&[1]).shows(
        "arm Resolve within 20s
         note discovers 0 others
         note forgets: n2
         close n1/1
         disarm Connecting(n2)
         disarm Writing(n2)
         disarm Dial(n2)",
    );
    node.fires(Timer::Dial(n(2))).shows("");
    node.asked(put(7, 70));
    node.fires(Timer::Interval).says("");
    node.arrives(from(2), live(&[pair(8, 80)])).shows(
        "arm Reading(n2) within 5s
         write k8=v80 9000000@n2 +600000000",
    );
    node.loses(from(2), Closing::Finished)
        .shows("disarm Reading(n2)");
    assert!(node.process.peers.is_empty());
}

#[test]
fn who_is_gone_is_not_missed() {
    let mut node = alone(3, by_name());
    node.resolves(&[1, 2, 3]);
    connect(&mut node, 2);
    node.resolves(&[1, 2]);
    node.gets_stream(from(2), WINDOW);
    node.is_at(Span::secs(9))
        .fires(Timer::Interval)
        .says("n1/1: keepalive");
}

#[test]
fn who_is_forgotten_while_it_is_dialed_is_not_dialed_any_more() {
    let mut node = alone(2, by_name());
    node.resolves(&[1, 2]);
    node.fires(Timer::Dial(n(2)));
    node.resolves(&[1]).shows(
        "arm Resolve within 20s
         note discovers 0 others
         note forgets: n2
         close n1/1
         disarm Connecting(n2)
         disarm Writing(n2)
         disarm Dial(n2)",
    );
    node.gets_stream(to(2), WINDOW).shows("");
}

#[test]
fn who_is_back_is_dialed_again() {
    let mut node = settled_by_name();
    node.resolves(&[1]);
    node.resolves(&[1, 2]).shows(
        "arm Resolve within 20s
         note discovers 1 others
         arm Dial(n2) within 0s..1s",
    );
    node.fires(Timer::Dial(n(2))).shows(
        "open n1/2 to n2
         arm Connecting(n2) within 5s",
    );
}

#[test]
fn a_stranger_that_connects_is_heard_and_answered_and_not_dialed() {
    let mut node = alone(2, by_name());
    node.gets_stream(from(9), WINDOW)
        .shows("arm Reading(n9) within 5s");
    node.arrives(from(9), live(&[pair(7, 70)])).shows(
        "arm Reading(n9) within 5s
         write k7=v70 9000000@n2 +600000000",
    );
    node.arrives(from(9), digest(&[pair(7, 70)])).shows(
        "arm Reading(n9) within 5s
         push n9/1 past flush: want of 15 bytes: nothing of kv",
    );
    node.fires(Timer::Dial(n(9))).shows("");
    node.loses(from(9), Closing::Reset)
        .shows("disarm Reading(n9)");
    assert!(node.process.peers.is_empty());
}

#[test]
fn a_stranger_that_is_discovered_is_dialed() {
    let mut node = alone(2, by_name());
    node.gets_stream(from(2), WINDOW);
    node.resolves(&[1, 2]).shows(
        "arm Resolve within 20s
         note discovers 1 others
         arm Dial(n2) within 0s..1s",
    );
}
