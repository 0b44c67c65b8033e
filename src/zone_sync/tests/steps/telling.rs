//! What a node tells the others of what changed, when, and how much at once.

use super::*;

/// `n1` of so many nodes whose buffers hold two pairs each, settled.
fn with_small_buffers(options: Options) -> Solo<Node> {
    settled_with(
        2,
        Options {
            buffer_size: 128,
            ..options
        },
    )
}

/// Puts so many pairs, from k1 on.
fn puts(node: &mut Solo<Node>, count: u32) {
    (1..=count).for_each(|key| drop(node.asked(put(key, key.into()))));
}

#[test]
fn the_timer_tells_every_connected_peer_what_changed_once() {
    let mut node = settled(3);
    node.asked(put(7, 70));
    node.fires(Timer::Interval).shows(
        "arm Interval within 1s
         flush
         push n1/1 past flush: live of 68 bytes: k7=v70 10000000@n1 +600000000
         push n1/2 past flush: live of 68 bytes: k7=v70 10000000@n1 +600000000",
    );
    assert_eq!(node.pending(), 0);
    node.fires(Timer::Interval).shows("arm Interval within 1s");
}

#[test]
fn a_key_that_changed_twice_is_told_once_with_the_later_value() {
    let mut node = settled(2);
    node.asked(put(7, 70));
    node.asked(put(8, 80));
    node.asked(put(7, 71));
    let told = node.fires(Timer::Interval);
    told.says("n1/1 kv: live, k8, k7");
    told.shows(
        "arm Interval within 1s
         flush
         push n1/1 past flush: live of 121 bytes: k8=v80 10000001@n1 +600000000 and 1 more",
    );
    node.asked(put(7, 72));
    node.asked(put(7, 73));
    node.fires(Timer::Interval).shows(
        "arm Interval within 1s
         flush
         push n1/1 past flush: live of 68 bytes: k7=v73 10000004@n1 +600000000",
    );
}

#[test]
fn all_zones_are_told_in_their_order() {
    let mut node = settled(2);
    node.asked(Request::Call(Key(1)));
    node.asked(Request::Visit(Key(7), v(70), Span::secs(600)));
    node.asked(Request::Delete(Key(7)));
    node.fires(Timer::Interval).shows(
        "arm Interval within 1s
         flush
         push n1/1 past flush: live of 44 bytes: k7=gone 10000002@n1 +660000000
         push n1/1 past flush: live of 74 bytes: k7=v70 10000001@n1 +600000000
         push n1/1 past flush: live of 64 bytes: k1025=used 1 (+0.000) 10000000@n1 +60000000",
    );
}

#[test]
fn what_others_told_is_not_told_on() {
    let mut node = settled(3);
    node.arrives(from(2), live(&[pair(7, 70)])).shows(
        "arm Reading(n2) within 5s
         write k7=v70 9000000@n2 +600000000",
    );
    node.fires(Timer::Interval).shows(
        "arm Interval within 1s
         flush",
    );
}

#[test]
fn what_changed_before_a_connection_is_walked_over_and_not_told_again() {
    let mut node = alone(2, Options::default());
    node.asked(put(7, 70));
    node.fires(Timer::Dial(n(2)));
    node.gets_stream(to(2), WINDOW).says(
        "n1/1 kv: digest, ..end
         n1/1 sessions: digest, ..end
         n1/1 limits: digest, ..end",
    );
    node.arrives(to(2), want(Module::Keyval, &[(None, u32::MAX)]))
        .says(
            "n1/1 kv: snapshot, k7
             n1/1 kv: snapshot end",
        );
    node.fires(Timer::Interval).shows(
        "arm Interval within 1s
         flush",
    );
}

#[test]
fn a_change_during_a_walk_is_told_before_the_walk_goes_on() {
    let mut node = alone(2, Options::default());
    node.fires(Timer::Dial(n(2)));
    node.gets_stream(to(2), WINDOW);
    node.asked(put(7, 70));
    node.arrives(to(2), want(Module::Keyval, &[])).says(
        "n1/1 kv: live, k7
         n1/1 kv: snapshot end",
    );
}

#[test]
fn what_nobody_is_connected_to_hear_does_not_wait() {
    let mut node = alone(2, Options::default());
    node.asked(put(7, 70));
    assert_eq!(node.pending(), 1);
    node.fires(Timer::Interval);
    assert_eq!(node.pending(), 0);
}

#[test]
fn a_peer_without_room_for_a_buffer_is_told_nothing_and_the_change_waits() {
    let mut node = settled(2);
    node.asked(put(7, 70));
    node.has_credit(2, 4095);
    node.fires(Timer::Interval).says("");
    assert_eq!(node.pending(), 1);
    node.has_credit(2, 4096);
    node.fires(Timer::Interval).says("n1/1 kv: live, k7");
    assert_eq!(node.pending(), 0);
}

#[test]
fn a_stream_that_is_full_goes_on_when_the_peer_takes_something_in() {
    let mut node = with_small_buffers(Options::default());
    puts(&mut node, 5);
    node.has_credit(2, 128 + 121);
    node.fires(Timer::Interval).says(
        "n1/1 kv: live, k1, k2
         n1/1 kv: live, k3, k4",
    );
    node.gets_credit(to(2), 120)
        .shows("arm Writing(n2) within 5s");
    node.gets_credit(to(2), 1).shows(
        "arm Writing(n2) within 5s
         push n1/1 past flush: live of 68 bytes: k5=v5 10000004@n1 +600000000",
    );
    assert_eq!(node.pending(), 0);
}

#[test]
fn without_refill_it_goes_on_when_the_timer_fires() {
    let mut node = with_small_buffers(Options {
        refill: false,
        ..Options::default()
    });
    puts(&mut node, 3);
    node.has_credit(2, 128);
    node.fires(Timer::Interval).says("n1/1 kv: live, k1, k2");
    node.gets_credit(to(2), WINDOW)
        .shows("arm Writing(n2) within 5s");
    node.fires(Timer::Interval).says("n1/1 kv: live, k3");
}

#[test]
fn without_refill_a_zone_fills_no_more_buffers_than_it_has() {
    let options = Options {
        buffers: 2,
        refill: false,
        ..Options::default()
    };
    let mut node = with_small_buffers(options.clone());
    puts(&mut node, 4);
    node.fires(Timer::Interval).says(
        "n1/1 kv: live, k1, k2
         n1/1 kv: live, k3, k4",
    );
    assert_eq!(node.pending(), 0);

    let mut node = with_small_buffers(options);
    puts(&mut node, 5);
    node.fires(Timer::Interval).says(
        "n1/1 kv: live, k1, k2
         n1/1 kv: live, k3, k4",
    );
    assert_eq!(node.pending(), 1);
    node.fires(Timer::Interval).says("n1/1 kv: live, k5");
}

#[test]
fn with_refill_a_zone_fills_its_buffers_again_as_long_as_the_stream_takes_them() {
    let mut node = with_small_buffers(Options {
        buffers: 2,
        ..Options::default()
    });
    puts(&mut node, 5);
    node.fires(Timer::Interval).says(
        "n1/1 kv: live, k1, k2
         n1/1 kv: live, k3, k4
         n1/1 kv: live, k5",
    );
    assert_eq!(node.pending(), 0);
}

#[test]
fn a_record_that_fits_into_no_buffer_is_never_told() {
    let put = |bytes| Request::Put(Key(7), Value { name: 70, bytes }, Span::secs(600));
    let mut node = settled(2);
    node.asked(put(4052));
    node.fires(Timer::Interval).shows(
        "arm Interval within 1s
         flush
         push n1/1 past flush: live of 4096 bytes: k7=v70 10000000@n1 +600000000",
    );
    node.asked(put(4053));
    node.fires(Timer::Interval).shows(
        "arm Interval within 1s
         flush
         note too large: k7",
    );
    assert_eq!(node.pending(), 0);
}

#[test]
fn each_peer_is_told_at_its_own_pace() {
    let mut node = settled(3);
    node.asked(put(7, 70));
    node.has_credit(2, 4095);
    node.fires(Timer::Interval).says("n1/2 kv: live, k7");
    assert_eq!(node.pending(), 1);
    node.gets_credit(to(2), 1).says("n1/1 kv: live, k7");
    assert_eq!(node.pending(), 0);
}

#[test]
fn without_a_pace_of_its_own_one_that_stands_still_holds_up_all() {
    let options = Options {
        own_pace: false,
        refill: false,
        ..Options::default()
    };
    let mut node = settled_with(3, options);
    node.asked(put(7, 70));
    node.has_credit(2, 4095);
    node.fires(Timer::Interval).says("");
    node.has_credit(2, 4096);
    node.fires(Timer::Interval).says(
        "n1/1 kv: live, k7
         n1/2 kv: live, k7",
    );
    node.asked(put(8, 80));
    node.has_credit(2, 0);
    node.fires(Timer::Interval).says("");
    node.loses(to(2), Closing::Reset);
    node.fires(Timer::Interval).says("n1/2 kv: live, k8");
}

#[test]
fn without_a_pace_of_its_own_room_on_one_stream_tells_nothing_past_one_that_stands_still() {
    let options = Options {
        own_pace: false,
        ..Options::default()
    };
    let mut node = settled_with(3, options);
    node.asked(put(7, 70));
    node.has_credit(2, 0);
    node.fires(Timer::Interval).says("");
    node.gets_credit(to(3), WINDOW)
        .shows("arm Writing(n3) within 5s");
    node.gets_credit(to(2), 4095)
        .shows("arm Writing(n2) within 5s");
    node.gets_credit(to(3), 1)
        .shows("arm Writing(n3) within 5s");
    assert_eq!(node.pending(), 1);
    let mut lost = node.clone();
    node.gets_credit(to(2), 1).says("n1/1 kv: live, k7");
    node.gets_credit(to(3), 1)
        .shows("arm Writing(n3) within 5s");
    node.gets_credit(to(2), 68)
        .shows("arm Writing(n2) within 5s");
    node.gets_credit(to(3), 1).says("n1/2 kv: live, k7");
    assert_eq!(node.pending(), 0);

    lost.loses(to(2), Closing::Reset);
    lost.gets_credit(to(3), 1).says("n1/2 kv: live, k7");
}

/// A whole number of intervals.
const THIRD: Span = Span::secs(2);

fn keeping(keepalive: bool) -> Options {
    Options {
        timeout: THIRD * 3,
        keepalive,
        ..Options::default()
    }
}

/// Settled, with streams that may stand still for three times the third.
fn still() -> Solo<Node> {
    settled_with(2, keeping(true))
}

#[test]
fn each_peer_is_asked_whether_it_is_there_a_third_of_the_timeout_after_the_last_time() {
    let mut node = still();
    for times in 1..=3 {
        node.is_at(THIRD * times - Span::nanos(1))
            .fires(Timer::Interval)
            .shows("arm Interval within 1s");
        node.is_at(THIRD * times).fires(Timer::Interval).shows(
            "arm Interval within 1s
             push n1/1 past flush: keepalive of 13 bytes",
        );
        node.fires(Timer::Interval).shows("arm Interval within 1s");
    }
}

#[test]
fn a_peer_is_asked_first_a_third_of_the_timeout_after_its_stream_was_opened() {
    let mut node = alone(2, keeping(true));
    node.is_at(Span::secs(1));
    connect(&mut node, 2);
    node.gets_stream(from(2), WINDOW);
    node.passes(THIRD - Span::nanos(1))
        .fires(Timer::Interval)
        .says("");
    node.passes(Span::nanos(1))
        .fires(Timer::Interval)
        .says("n1/1: keepalive");
}

#[test]
fn whoever_is_told_something_is_asked_all_the_same() {
    let mut node = still();
    node.is_at(THIRD - Span::nanos(1)).asked(put(7, 70));
    node.fires(Timer::Interval).says("n1/1 kv: live, k7");
    node.is_at(THIRD).asked(put(8, 80));
    node.fires(Timer::Interval).shows(
        "arm Interval within 1s
         flush
         push n1/1 past flush: live of 68 bytes: k8=v80 12000000@n1 +600000000
         push n1/1 past flush: keepalive of 13 bytes",
    );
}

#[test]
fn a_stream_that_is_full_is_not_shown_to_live() {
    let mut node = still();
    node.has_credit(2, 12);
    node.is_at(THIRD).fires(Timer::Interval).says("");
    node.has_credit(2, 13);
    node.fires(Timer::Interval).says("n1/1: keepalive");
}

/// For how long the stream to `n2` is kept in a minute in which something is pushed at each interval, or nothing but
/// what the node comes up with, and in which `n2` answers whenever it is asked, or never.
fn lasts(options: Options, pushes: bool, answers: bool) -> Span {
    let mut node = settled_with(2, options.clone());
    let mut ends = Span::ZERO + options.timeout;
    for second in (1..=60).map(Span::secs) {
        if second >= ends {
            break;
        }
        node.is_at(second);
        if pushes {
            node.asked(put(7, 70));
        }
        let mut deeds = vec![node.fires(Timer::Interval)];
        let asks = |(_, message): (StreamId, &Message)| matches!(message, Message::Frame(frame) if frame.what() == What::Keepalive);
        if answers && deeds[0].pushed().any(asks) {
            deeds.push(node.arrives(to(2), keepalive()));
        }
        let effects = deeds.iter().flat_map(|deeds| deeds.effects());
        let writing = Timer::Writing(n(2));
        let arms = |effect: &Effect<ZoneSync>| matches!(effect, Effect::Arm(timer, _) if *timer == writing);
        if effects.into_iter().any(arms) {
            ends = second + options.timeout;
        }
    }
    node.is_at(ends).fires(Timer::Writing(n(2))).shows(
        "note stands still: n2
         close n1/1
         disarm Connecting(n2)
         disarm Writing(n2)
         arm Dial(n2) within 1s",
    );
    ends
}

#[test]
fn a_stream_lasts_as_long_as_its_peer_answers() {
    let timeout = THIRD * 3;
    let all = Span::secs(60) + timeout;
    assert_eq!(lasts(keeping(true), false, true), all);
    assert_eq!(lasts(keeping(true), true, true), all);
    assert_eq!(lasts(keeping(true), false, false), timeout);
    assert_eq!(lasts(keeping(true), true, false), timeout);
}

#[test]
fn without_keepalive_a_stream_lasts_as_long_as_something_is_pushed() {
    let timeout = THIRD * 3;
    let all = Span::secs(60) + timeout;
    assert_eq!(lasts(keeping(false), false, true), timeout);
    assert_eq!(lasts(keeping(false), true, false), all);
}

#[test]
fn without_keepalive_each_peer_that_something_is_pushed_to_is_given_its_time_anew() {
    let mut node = alone(3, keeping(false));
    node.fires(Timer::Dial(n(2)));
    node.gets_stream(to(2), WINDOW).shows(
        "note connects: n2
         disarm Connecting(n2)
         arm Writing(n2) within 6s
         push n1/1 past flush: digest of 28 bytes: all keys of kv, 1 range
         push n1/1 past flush: digest of 34 bytes: all keys of sessions, 1 range
         push n1/1 past flush: digest of 32 bytes: all keys of limits, 1 range
         arm Writing(n2) within 6s",
    );
    let mut node = settled_with(3, keeping(false));
    node.asked(put(7, 70));
    node.has_credit(3, 4095);
    node.fires(Timer::Interval).shows(
        "arm Interval within 1s
         flush
         push n1/1 past flush: live of 68 bytes: k7=v70 10000000@n1 +600000000
         arm Writing(n2) within 6s",
    );
    node.gets_credit(to(3), 1).shows(
        "arm Writing(n3) within 6s
         push n1/2 past flush: live of 68 bytes: k7=v70 10000000@n1 +600000000
         arm Writing(n3) within 6s",
    );
    node.fires(Timer::Interval).shows("arm Interval within 1s");
}

#[test]
fn without_keepalive_a_stream_on_which_nothing_moves_is_left_to_its_timeout() {
    let mut node = settled_with(2, keeping(false));
    node.is_at(THIRD * 2)
        .fires(Timer::Interval)
        .shows("arm Interval within 1s");
    node.fires(Timer::Writing(n(2))).shows(
        "note stands still: n2
         close n1/1
         disarm Connecting(n2)
         disarm Writing(n2)
         arm Dial(n2) within 1s",
    );
}

#[test]
fn frames_are_counted_both_ways() {
    let mut node = settled(2);
    let before = node.process.counters.clone();
    node.asked(put(7, 70));
    node.fires(Timer::Interval);
    node.arrives(from(2), live(&[pair(8, 80), pair(9, 90)]));
    let after = &node.process.counters;
    assert_eq!(after.msgs_out - before.msgs_out, 1);
    assert_eq!(after.bytes_out - before.bytes_out, 68);
    assert_eq!(after.msgs_in - before.msgs_in, 1);
    assert_eq!(after.bytes_in - before.bytes_in, 121);
}
