//! What a node passes on for those who cannot hear each other.

use super::*;

/// What `n3` tells `n1`.
fn news(key: u32, writer: u32) -> Message {
    live(&[Record {
        stamp: at(9_000_000, writer),
        ..pair(key, 70)
    }])
}

#[test]
fn who_misses_somebody_is_told_what_those_write() {
    let mut node = settled(3);
    node.arrives(from(2), misses(&[3]));
    node.arrives(from(3), news(7, 3)).shows(
        "arm Reading(n3) within 5s
         write k7=v70 9000000@n3 +600000000",
    );
    node.fires(Timer::Interval).shows(
        "arm Interval within 1s
         flush
         note relays k7 to n2
         push n1/1 past flush: live of 68 bytes: k7=v70 9000000@n3 +600000000",
    );
    assert_eq!(node.pending(), 0);
}

#[test]
fn neither_the_writer_nor_who_told_is_told() {
    let mut node = settled(4);
    for peer in 2..=4 {
        node.arrives(from(peer), misses(&[4]));
    }
    node.arrives(from(3), news(7, 4));
    node.fires(Timer::Interval).says("n1/1 kv: live, k7");

    let mut node = settled(4);
    for peer in 3..=4 {
        node.arrives(from(peer), misses(&[4]));
    }
    node.arrives(from(3), news(7, 4));
    assert_eq!(node.pending(), 0, "there is nobody else");
}

#[test]
fn nothing_is_passed_on_when_nobody_misses_the_writer() {
    let mut node = settled(4);
    node.arrives(from(2), misses(&[4]));
    node.arrives(from(3), news(7, 3));
    assert_eq!(node.pending(), 0);
    node.fires(Timer::Interval).says("");
}

#[test]
fn what_changed_here_is_told_to_all_whomever_they_miss() {
    let mut node = settled(3);
    node.arrives(from(2), misses(&[3]));
    Module::ALL
        .into_iter()
        .for_each(|module| drop(node.arrives(to(2), want(module, &[]))));
    node.asked(put(7, 70));
    node.fires(Timer::Interval).says(
        "n1/1 kv: live, k7
         n1/2 kv: live, k7",
    );
}

#[test]
fn who_hears_everybody_again_is_told_nothing_more() {
    let mut node = settled(3);
    node.arrives(from(2), misses(&[3]));
    node.arrives(from(2), misses(&[]));
    node.arrives(from(3), news(7, 3));
    assert_eq!(node.pending(), 0);
}

#[test]
fn whom_a_peer_missed_is_forgotten_with_its_stream() {
    let mut node = settled(3);
    node.arrives(from(2), misses(&[3]));
    node.loses(from(2), Closing::Reset);
    node.gets_stream(stream((2, 1), 2), WINDOW);
    node.arrives(from(3), news(7, 3));
    assert_eq!(node.pending(), 0);
}

#[test]
fn whom_a_peer_missed_is_forgotten_when_it_opens_another_stream() {
    let mut node = settled(3);
    node.arrives(from(2), misses(&[3]));
    node.gets_stream(stream((2, 1), 2), WINDOW);
    node.arrives(from(3), news(7, 3));
    assert_eq!(node.pending(), 0);
}

#[test]
fn without_relay_nothing_is_passed_on_and_nobody_is_missed() {
    let options = Options {
        relay: false,
        ..Options::default()
    };
    let mut node = settled_with(3, options);
    node.arrives(from(2), misses(&[3]))
        .shows("arm Reading(n2) within 5s");
    node.arrives(from(3), news(7, 3));
    assert_eq!(node.pending(), 0);
    node.loses(from(3), Closing::Reset);
    node.is_at(Span::secs(9)).fires(Timer::Interval).says(
        "n1/1: keepalive
         n1/2: keepalive",
    );
}

/// Twice the retry and an interval.
const GRACE: Span = Span::secs(3);

#[test]
fn one_that_was_just_lost_is_not_missed_yet() {
    let mut node = settled(3);
    node.is_at(Span::secs(1)).loses(from(3), Closing::Reset);
    node.passes(GRACE).fires(Timer::Interval).says(
        "n1/1: keepalive
         n1/2: keepalive",
    );
    node.passes(Span::nanos(1)).fires(Timer::Interval).shows(
        "arm Interval within 1s
         push n1/1 past flush: misses of 17 bytes: n3
         push n1/2 past flush: misses of 17 bytes: n3",
    );
    node.fires(Timer::Interval).says("");
}

#[test]
fn without_keepalive_to_say_whom_it_misses_keeps_the_stream() {
    let options = Options {
        keepalive: false,
        ..Options::default()
    };
    let mut node = settled_with(3, options);
    node.loses(from(3), Closing::Reset);
    node.is_at(GRACE + Span::nanos(1))
        .fires(Timer::Interval)
        .shows(
            "arm Interval within 1s
             push n1/1 past flush: misses of 17 bytes: n3
             arm Writing(n2) within 5s
             push n1/2 past flush: misses of 17 bytes: n3
             arm Writing(n3) within 5s",
        );
}

#[test]
fn whoever_is_heard_again_is_not_missed_any_more() {
    let mut node = settled(3);
    node.loses(from(3), Closing::Reset);
    node.is_at(GRACE + Span::nanos(1));
    node.fires(Timer::Interval).says(
        "n1/1: misses, n3
         n1/2: misses, n3
         n1/1: keepalive
         n1/2: keepalive",
    );
    node.gets_stream(stream((3, 1), 2), WINDOW);
    node.fires(Timer::Interval).says(
        "n1/1: misses
         n1/2: misses",
    );
}

#[test]
fn who_was_never_heard_is_missed_after_the_same_grace() {
    let mut node = alone(3, Options::default());
    connect(&mut node, 2);
    node.gets_stream(from(2), WINDOW);
    node.is_at(GRACE)
        .fires(Timer::Interval)
        .says("n1/1: keepalive");
    node.is_at(GRACE + Span::nanos(1))
        .fires(Timer::Interval)
        .says("n1/1: misses, n3");
}

#[test]
fn who_connects_later_is_told_whom_it_misses_too() {
    let mut node = alone(3, Options::default());
    connect(&mut node, 2);
    node.is_at(Span::secs(9));
    node.fires(Timer::Interval).says(
        "n1/1: misses, n2, n3
         n1/1: keepalive",
    );
    connect(&mut node, 3);
    node.fires(Timer::Interval).says("n1/2: misses, n2, n3");
}

#[test]
fn a_stream_without_room_is_told_whom_it_misses_when_there_is() {
    let mut node = settled(2);
    node.loses(from(2), Closing::Reset);
    node.has_credit(2, 16);
    node.is_at(Span::secs(4))
        .fires(Timer::Interval)
        .says("n1/1: keepalive");
    node.has_credit(2, 17);
    node.fires(Timer::Interval).says("n1/1: misses, n2");
}

#[test]
fn who_is_missed_takes_of_the_room_on_a_stream() {
    for (credit, told) in [
        (4112, "n1/1: misses, n2\nn1/1: keepalive"),
        (4113, "n1/1: misses, n2\nn1/1 kv: live, k7\nn1/1: keepalive"),
    ] {
        let mut node = settled(2);
        node.loses(from(2), Closing::Reset);
        node.asked(put(7, 70));
        node.has_credit(2, credit);
        node.is_at(Span::secs(4)).fires(Timer::Interval).says(told);
    }
}

/// `n2` of four, connected to all others, with nothing left to tell.
fn second() -> Solo<Node> {
    let (mut node, _) = Solo::boot(n(2), 4, Options::default(), &[]);
    for (number, peer) in (1..).zip([1, 3, 4]) {
        node.fires(Timer::Dial(n(peer)));
        let to = stream((2, peer), number);
        node.gets_stream(to, WINDOW);
        for module in Module::ALL {
            node.arrives(to, want(module, &[]));
        }
        node.gets_stream(stream((peer, 2), 1), WINDOW);
    }
    node
}

#[test]
fn the_first_node_that_is_heard_goes_over_all_that_it_holds_and_nobody_else() {
    let walks = |missed: &[u32]| {
        let deeds = second().arrives(stream((3, 2), 1), misses(missed));
        deeds.pushed().map(spelled).collect::<Vec<_>>()
    };
    assert_eq!(walks(&[4]), [""; 0], "n1 does");
    assert_eq!(
        walks(&[1, 4]),
        [
            "n2/2 kv: digest, ..end",
            "n2/2 sessions: digest, ..end",
            "n2/2 limits: digest, ..end"
        ]
    );
    assert_eq!(walks(&[1, 2, 4]), [""; 0], "it does not hear n2");
}

#[test]
fn a_walk_is_due_for_whom_a_peer_did_not_miss_before_and_not_for_this_node() {
    let mut node = settled(3);
    let walk = "
        n1/1 kv: digest, ..end
        n1/1 sessions: digest, ..end
        n1/1 limits: digest, ..end";
    node.arrives(from(2), misses(&[3])).says(walk);
    Module::ALL
        .into_iter()
        .for_each(|module| drop(node.arrives(to(2), want(module, &[]))));
    node.arrives(from(2), misses(&[3])).says("");
    node.arrives(from(2), misses(&[])).says("");
    node.arrives(from(2), misses(&[1])).says("");
    node.arrives(from(2), misses(&[3])).says(walk);
}
