//! How streams come and go, and what a node makes of a frame.

use super::*;

/// What is left behind when the stream to `n2` is given up.
const GIVEN_UP: &str = "
    close n1/1
    disarm Connecting(n2)
    disarm Writing(n2)
    arm Dial(n2) within 1s";

#[test]
fn a_node_dials_once_and_waits() {
    let mut node = alone(2, Options::default());
    node.fires(Timer::Dial(n(2))).shows(
        "open n1/1 to n2
         arm Connecting(n2) within 5s",
    );
    node.fires(Timer::Dial(n(2))).shows("");
}

#[test]
fn a_connection_that_takes_too_long_is_given_up_and_tried_again() {
    let mut node = alone(2, Options::default());
    node.fires(Timer::Dial(n(2)));
    node.fires(Timer::Connecting(n(2))).shows(GIVEN_UP);
    node.fires(Timer::Dial(n(2))).shows(
        "open n1/2 to n2
         arm Connecting(n2) within 5s",
    );
}

#[test]
fn a_connection_that_is_refused_is_tried_again() {
    let mut node = alone(2, Options::default());
    node.fires(Timer::Dial(n(2)));
    node.loses(to(2), Closing::Refused).shows(
        "note loses n2: refused
         disarm Connecting(n2)
         disarm Writing(n2)
         arm Dial(n2) within 1s",
    );
}

#[test]
fn a_node_that_is_connected_says_what_it_holds() {
    let mut node = alone(2, Options::default());
    node.fires(Timer::Dial(n(2)));
    node.gets_stream(to(2), WINDOW).shows(
        "note connects: n2
         disarm Connecting(n2)
         arm Writing(n2) within 5s
         push n1/1 past flush: digest of 28 bytes: all keys of kv, 1 range
         push n1/1 past flush: digest of 34 bytes: all keys of sessions, 1 range
         push n1/1 past flush: digest of 32 bytes: all keys of limits, 1 range",
    );
}

#[test]
fn a_stream_that_was_given_up_is_not_taken_for_the_next() {
    let mut node = alone(2, Options::default());
    node.fires(Timer::Dial(n(2)));
    node.fires(Timer::Connecting(n(2)));
    node.gets_stream(to(2), WINDOW).shows("");
    node.fires(Timer::Dial(n(2)));
    node.gets_stream(to(2), WINDOW).shows("");
    node.loses(to(2), Closing::Reset).shows("");
    node.gets_credit(to(2), 1).shows("");
    node.arrives(to(2), want(Module::Keyval, &[])).shows("");
}

#[test]
fn a_stream_that_stands_still_is_given_up_and_opened_again() {
    let mut node = settled(2);
    node.fires(Timer::Writing(n(2)))
        .shows(&["note stands still: n2", GIVEN_UP].concat());
}

#[test]
fn a_peer_that_is_silent_for_too_long_has_its_stream_closed() {
    let mut node = settled(2);
    node.fires(Timer::Reading(n(2))).shows(
        "note hears nothing: n2
         close n2/1
         disarm Reading(n2)",
    );
    node.fires(Timer::Reading(n(2))).shows("");
    node.arrives(from(2), live(&[pair(7, 70)])).shows("");
}

#[test]
fn every_frame_is_a_sign_of_life() {
    let mut node = settled(2);
    for message in [live(&[]), misses(&[]), want(Module::Keyval, &[])] {
        node.arrives(from(2), message.clone())
            .shows("arm Reading(n2) within 5s");
        node.arrives(to(2), message)
            .shows("arm Writing(n2) within 5s");
    }
}

#[test]
fn who_asks_whether_a_node_is_there_is_answered_on_the_same_stream() {
    let mut node = settled(2);
    node.arrives(from(2), keepalive()).shows(
        "arm Reading(n2) within 5s
         push n2/1 past flush: keepalive of 13 bytes",
    );
    let mut alone = alone(2, Options::default());
    alone.gets_stream(from(2), WINDOW);
    alone.arrives(from(2), keepalive()).shows(
        "arm Reading(n2) within 5s
         push n2/1 past flush: keepalive of 13 bytes",
    );
}

#[test]
fn who_keeps_no_stream_alive_answers_who_does() {
    let options = Options {
        keepalive: false,
        ..Options::default()
    };
    let mut node = settled_with(2, options);
    node.arrives(from(2), keepalive()).says("n2/1: keepalive");
}

#[test]
fn that_a_node_is_there_waits_behind_other_answers_until_the_peer_takes_it() {
    let mut node = alone(2, Options::default());
    node.gets_stream(from(2), 14);
    node.arrives(from(2), digest(&[]));
    node.arrives(from(2), keepalive())
        .shows("arm Reading(n2) within 5s");
    node.gets_credit(from(2), 13).says("n2/1 kv: want");
    node.gets_credit(from(2), 1).says("n2/1: keepalive");
}

#[test]
fn a_node_without_zones_keeps_its_connections_and_says_whom_it_misses() {
    let mut options = Options::default();
    let Options {
        keyval,
        sticky,
        limit,
        ..
    } = &mut options;
    for odd in [&mut keyval.odd, &mut sticky.odd, &mut limit.odd] {
        odd.on = vec![n(1)];
        odd.absent = true;
    }
    let mut node = settled_with(2, options);
    node.arrives(from(2), keepalive()).says("n2/1: keepalive");
    node.loses(from(2), Closing::Reset);
    node.is_at(Span::secs(9)).fires(Timer::Interval).says(
        "n1/1: misses, n2
         n1/1: keepalive",
    );
}

#[test]
fn an_answer_is_not_answered() {
    settled(2)
        .arrives(to(2), keepalive())
        .shows("arm Writing(n2) within 5s");
}

#[test]
fn a_stream_that_its_peer_closes_is_forgotten_until_it_opens_another() {
    let mut node = settled(2);
    node.loses(from(2), Closing::Finished)
        .shows("disarm Reading(n2)");
    node.gets_stream(stream((2, 1), 2), WINDOW)
        .shows("arm Reading(n2) within 5s");
}

#[test]
fn of_two_streams_of_a_peer_the_newer_is_heard() {
    let mut node = settled(2);
    node.gets_stream(stream((2, 1), 2), WINDOW).shows(
        "close n2/1
         arm Reading(n2) within 5s",
    );
    node.arrives(from(2), live(&[pair(7, 70)])).shows("");
    node.arrives(stream((2, 1), 2), live(&[pair(8, 80)])).shows(
        "arm Reading(n2) within 5s
         write k8=v80 9000000@n2 +600000000",
    );
    node.loses(from(2), Closing::Reset).shows("");
}

/// Two good records, and then a byte too many.
fn garbage() -> Message {
    let Message::Frame(mut frame) = live(&[pair(7, 70), pair(8, 80)]) else {
        unreachable!()
    };
    let mut bytes = frame.bytes().to_vec();
    bytes.push(0);
    let length = bytes.len() as u32;
    bytes[..4].copy_from_slice(&length.to_le_bytes());
    frame.bytes = bytes.into();
    Message::Frame(frame)
}

#[test]
fn garbage_closes_the_stream_and_changes_nothing() {
    let mut node = settled(2);
    node.arrives(from(2), garbage()).shows(
        "arm Reading(n2) within 5s
         note garbage: n2
         close n2/1
         disarm Reading(n2)",
    );
    assert_eq!(node.holds(Module::Keyval), [""; 0]);
}

#[test]
fn garbage_for_an_answer_closes_the_stream_that_was_asked_on() {
    let mut node = settled(2);
    node.arrives(to(2), garbage())
        .shows(&["arm Writing(n2) within 5s\nnote garbage: n2", GIVEN_UP].concat());
    assert_eq!(node.holds(Module::Keyval), [""; 0]);
}

/// A live frame of this module's zone under another name, tag or version.
fn signed(zone: &str, tag: u16, version: u16) -> Message {
    let what = What::Live;
    let header = Header {
        zone,
        tag,
        version,
        what,
    };
    let mut frame = FrameWriter::new(4096, &header);
    frame.push(&pair(7, 70)).unwrap();
    Message::Frame(frame.finish())
}

#[test]
fn a_frame_is_taken_if_name_tag_and_version_are_those_of_a_zone() {
    let mut node = settled(2);
    for (zone, tag, version) in [("kw", 1, 1), ("kv", 2, 1), ("kv", 1, 2)] {
        node.arrives(from(2), signed(zone, tag, version)).shows(
            "arm Reading(n2) within 5s
             note unknown zone: n2",
        );
    }
    assert_eq!(node.holds(Module::Keyval), [""; 0]);
    node.arrives(from(2), signed("kv", 1, 1)).shows(
        "arm Reading(n2) within 5s
         write k7=v70 9000000@n2 +600000000",
    );
}

#[test]
fn a_node_of_another_version_speaks_and_understands_only_that() {
    let mut options = Options::default();
    options.keyval.odd.on = vec![n(1)];
    options.keyval.odd.version = true;
    let mut node = settled_with(2, options);
    node.arrives(from(2), live(&[pair(7, 70)])).shows(
        "arm Reading(n2) within 5s
         note unknown zone: n2",
    );
    node.arrives(from(2), signed("kv", 1, 2)).shows(
        "arm Reading(n2) within 5s
         write k7=v70 9000000@n2 +600000000",
    );
}

#[test]
fn a_node_without_a_zone_ignores_what_is_said_of_it() {
    let mut options = Options::default();
    options.keyval.odd.on = vec![n(1)];
    options.keyval.odd.absent = true;
    let mut node = settled_with(2, options);
    node.arrives(from(2), live(&[pair(7, 70)])).shows(
        "arm Reading(n2) within 5s
         note unknown zone: n2",
    );
}

#[test]
fn the_newer_of_two_is_kept_and_an_older_one_is_noted() {
    let mut node = settled(2);
    let newer = Record {
        stamp: at(9_000_001, 2),
        ..pair(7, 71)
    };
    node.arrives(from(2), live(&[pair(7, 70), newer])).shows(
        "arm Reading(n2) within 5s
         write k7=v70 9000000@n2 +600000000
         write k7=v71 9000001@n2 +600000000",
    );
    node.arrives(from(2), live(&[newer]))
        .shows("arm Reading(n2) within 5s");
    node.arrives(from(2), live(&[pair(7, 70)])).shows(
        "arm Reading(n2) within 5s
         note ignores older: k7 from n2",
    );
}

#[test]
fn of_two_of_the_same_time_the_writer_decides_or_nobody() {
    let [mine, theirs] = [1, 2].map(|writer| Record {
        stamp: at(9_000_000, writer),
        ..pair(7, writer.into())
    });
    let mut node = settled(2);
    node.arrives(from(2), live(&[mine, theirs])).shows(
        "arm Reading(n2) within 5s
         write k7=v1 9000000@n1 +600000000
         write k7=v2 9000000@n2 +600000000",
    );
    let mut node = settled_with(
        2,
        Options {
            tie_break: false,
            ..Options::default()
        },
    );
    node.arrives(from(2), live(&[mine, theirs])).shows(
        "arm Reading(n2) within 5s
         write k7=v1 9000000@n1 +600000000
         note tie: k7 from n2",
    );
}

#[test]
fn what_is_dead_on_arrival_is_passed_over() {
    let mut node = settled(2);
    let lives = |life| Record {
        life,
        ..pair(7, 70)
    };
    node.arrives(from(2), live(&[lives(1_000_000)]))
        .shows("arm Reading(n2) within 5s");
    node.arrives(from(2), live(&[lives(1_000_001)])).shows(
        "arm Reading(n2) within 5s
         write k7=v70 9000000@n2 +1000001",
    );
}

#[test]
fn a_life_that_counts_from_its_arrival_never_ends_while_it_is_handed_around() {
    let mut node = settled_with(
        2,
        Options {
            life_from_stamp: false,
            ..Options::default()
        },
    );
    let dead = Record {
        life: 1_000,
        ..pair(7, 70)
    };
    node.arrives(from(2), live(&[dead])).shows(
        "arm Reading(n2) within 5s
         write k7=v70 9000000@n2 +1001000",
    );
}

#[test]
fn what_there_is_no_room_for_is_noted() {
    let mut options = Options::default();
    options.keyval.capacity = 1;
    let mut node = settled_with(2, options);
    node.arrives(from(2), live(&[pair(7, 70), pair(8, 80)]))
        .shows(
            "arm Reading(n2) within 5s
             write k7=v70 9000000@n2 +600000000
             note no room: k8 from n2",
        );
}
