//! How a node goes over all that it holds with a peer, and how it answers one that does.

use super::*;

/// Connected to `n2` with so many pairs, from k1 on; what it says first.
fn walking(options: Options, pairs: u32) -> (Solo<Node>, Deeds) {
    let mut node = holding(2, options, 1..=pairs);
    node.fires(Timer::Dial(n(2)));
    let deeds = node.gets_stream(to(2), WINDOW);
    (node, deeds)
}

/// Buffers for eight digests, or two pairs.
fn small() -> Options {
    Options {
        buffer_size: 128,
        ..Options::default()
    }
}

fn pairs(keys: std::ops::RangeInclusive<u32>) -> Vec<Record> {
    keys.map(|key| pair(key, 70)).collect()
}

#[test]
fn who_holds_the_same_wants_nothing() {
    let mut node = holding(2, Options::default(), 1..=20);
    node.gets_stream(from(2), WINDOW);
    node.arrives(from(2), digest(&pairs(1..=20))).shows(
        "arm Reading(n2) within 5s
         push n2/1 past flush: want of 15 bytes: nothing of kv",
    );
}

#[test]
fn a_walk_on_which_nothing_is_wanted_ends() {
    let (mut node, _) = walking(Options::default(), 20);
    node.arrives(to(2), want(Module::Keyval, &[])).shows(
        "arm Writing(n2) within 5s
         note sent a snapshot of kv to n2: 0 of 20 records
         push n1/1 past flush: snapshot_end of 15 bytes",
    );
}

#[test]
fn a_digest_speaks_of_eight_records_at_a_time() {
    for (records, ranges) in [
        (8, "..end"),
        (9, "..k8, ..end"),
        (16, "..k8, ..end"),
        (17, "..k8, ..k16, ..end"),
    ] {
        let (_, deeds) = walking(Options::default(), records);
        deeds.says(&format!(
            "n1/1 kv: digest, {ranges}
             n1/1 sessions: digest, ..end
             n1/1 limits: digest, ..end"
        ));
    }
}

#[test]
fn only_what_differs_is_wanted() {
    let mut node = holding(2, Options::default(), 1..=24);
    node.gets_stream(from(2), WINDOW);
    let mut theirs = pairs(1..=24);
    theirs[9].stamp = at(9_000_001, 2);
    node.arrives(from(2), digest(&theirs))
        .says("n2/1 kv: want, k8..k16");
    theirs[23].stamp = at(9_000_001, 2);
    node.arrives(from(2), digest(&theirs))
        .says("n2/1 kv: want, k8..end");
    theirs[9] = pair(10, 70);
    theirs[0].content = Content::Tombstone;
    node.arrives(from(2), digest(&theirs))
        .says("n2/1 kv: want, ..k8, k16..end");
}

#[test]
fn who_holds_more_than_the_other_wants_the_range_where_it_does() {
    let mut node = holding(2, Options::default(), 1..=9);
    node.gets_stream(from(2), WINDOW);
    node.arrives(from(2), digest(&pairs(1..=8)))
        .says("n2/1 kv: want, ..end");
    node.arrives(from(2), digest(&[]))
        .says("n2/1 kv: want, ..end");
}

#[test]
fn only_what_is_wanted_is_sent() {
    let (mut node, _) = walking(Options::default(), 20);
    let ranges = [(Some(8), 16)];
    node.arrives(to(2), want(Module::Keyval, &ranges)).shows(
        "arm Writing(n2) within 5s
         push n1/1 past flush: snapshot of 439 bytes: k9=v70 9000000@n2 +600000000 and 7 more
         note sent a snapshot of kv to n2: 8 of 20 records
         push n1/1 past flush: snapshot_end of 15 bytes",
    );
}

#[test]
fn what_is_wanted_in_several_places_travels_together() {
    let (mut node, _) = walking(Options::default(), 20);
    let ranges = [(None, 1), (Some(2), 3), (Some(19), u32::MAX)];
    node.arrives(to(2), want(Module::Keyval, &ranges)).says(
        "n1/1 kv: snapshot, k1, k3, k20
         n1/1 kv: snapshot end",
    );
}

#[test]
fn a_walk_over_more_than_a_buffer_holds_stops_for_an_answer_after_each() {
    let (mut node, deeds) = walking(small(), 80);
    deeds.says(
        "n1/1 kv: digest, ..k8, ..k16, ..k24, ..k32, ..k40, ..k48, ..k56, ..k64, ..k72
         n1/1 sessions: digest, ..end
         n1/1 limits: digest, ..end",
    );
    node.arrives(to(2), want(Module::Keyval, &[(None, 3)]))
        .says(
            "n1/1 kv: snapshot, k1, k2
             n1/1 kv: snapshot, k3
             n1/1 kv: digest behind k72, ..end",
        );
    node.arrives(to(2), want(Module::Keyval, &[])).shows(
        "arm Writing(n2) within 5s
         note sent a snapshot of kv to n2: 3 of 80 records
         push n1/1 past flush: snapshot_end of 15 bytes",
    );
}

#[test]
fn a_walk_goes_on_where_it_was_when_there_is_room_again() {
    let (mut node, _) = walking(small(), 8);
    node.has_credit(2, 128);
    let all = [(None, u32::MAX)];
    node.arrives(to(2), want(Module::Keyval, &all))
        .says("n1/1 kv: snapshot, k1, k2");
    node.asked(Request::Delete(Key(3)));
    node.gets_credit(to(2), 121 + 87).says(
        "n1/1 kv: live, k3
         n1/1 kv: snapshot, k3, k4",
    );
    node.gets_credit(to(2), WINDOW).says(
        "n1/1 kv: snapshot, k5, k6
         n1/1 kv: snapshot, k7, k8
         n1/1 kv: snapshot end",
    );
}

#[test]
fn without_refill_a_walk_waits_for_the_timer() {
    let options = Options {
        refill: false,
        ..Options::default()
    };
    let (mut node, _) = walking(options, 1);
    let all = [(None, u32::MAX)];
    node.arrives(to(2), want(Module::Keyval, &all))
        .shows("arm Writing(n2) within 5s");
    node.fires(Timer::Interval).says(
        "n1/1 kv: snapshot, k1
         n1/1 kv: snapshot end",
    );
}

#[test]
fn an_answer_waits_until_the_peer_takes_it() {
    let mut node = alone(2, Options::default());
    node.gets_stream(from(2), 14);
    node.arrives(from(2), digest(&[]))
        .shows("arm Reading(n2) within 5s");
    node.gets_credit(from(2), 1)
        .shows("push n2/1 past flush: want of 15 bytes: nothing of kv");
    node.arrives(from(2), digest(&[]))
        .shows("arm Reading(n2) within 5s");
    node.gets_credit(from(2), 14).shows("");
    node.gets_credit(from(2), 1)
        .shows("push n2/1 past flush: want of 15 bytes: nothing of kv");
}

#[test]
fn answers_on_a_stream_that_was_replaced_are_not_given_on_the_next() {
    let mut node = alone(2, Options::default());
    node.gets_stream(from(2), 0);
    node.arrives(from(2), digest(&[]));
    node.gets_stream(stream((2, 1), 2), 0);
    node.gets_credit(stream((2, 1), 2), WINDOW).shows("");
}

#[test]
fn a_question_on_the_stream_for_answers_and_an_answer_to_no_question_are_ignored() {
    let mut node = settled(2);
    node.arrives(to(2), digest(&[]))
        .shows("arm Writing(n2) within 5s");
    let all = [(None, u32::MAX)];
    node.arrives(to(2), want(Module::Keyval, &all))
        .shows("arm Writing(n2) within 5s");
    node.arrives(from(2), want(Module::Keyval, &all))
        .shows("arm Reading(n2) within 5s");
}

#[test]
fn without_digests_everything_is_sent_unasked() {
    let options = Options {
        digests: false,
        ..Options::default()
    };
    let (_, deeds) = walking(options, 3);
    deeds.shows(
        "note connects: n2
         disarm Connecting(n2)
         arm Writing(n2) within 5s
         push n1/1 past flush: snapshot of 174 bytes: k1=v70 9000000@n2 +600000000 and 2 more
         note sent a snapshot of kv to n2: 3 of 3 records
         push n1/1 past flush: snapshot_end of 15 bytes
         note sent a snapshot of sessions to n2: 0 of 0 records
         push n1/1 past flush: snapshot_end of 21 bytes
         note sent a snapshot of limits to n2: 0 of 0 records
         push n1/1 past flush: snapshot_end of 19 bytes",
    );
}

#[test]
fn what_is_dead_and_not_yet_removed_is_neither_sent_nor_summed() {
    let (mut node, _) = walking(Options::default(), 1);
    node.is_at(Span::secs(599));
    let all = [(None, u32::MAX)];
    node.arrives(to(2), want(Module::Keyval, &all))
        .says("n1/1 kv: snapshot end");
    node.gets_stream(from(2), WINDOW);
    node.arrives(from(2), digest(&[])).says("n2/1 kv: want");
}

#[test]
fn repair_turns_to_one_peer_after_the_other() {
    let mut node = settled(3);
    node.fires(Timer::Repair).shows(
        "arm Repair within 15s..30s
         push n1/1 past flush: digest of 28 bytes: all keys of kv, 1 range
         push n1/1 past flush: digest of 34 bytes: all keys of sessions, 1 range
         push n1/1 past flush: digest of 32 bytes: all keys of limits, 1 range",
    );
    let to_n3 = "
        n1/2 kv: digest, ..end
        n1/2 sessions: digest, ..end
        n1/2 limits: digest, ..end";
    node.fires(Timer::Repair).says(to_n3);
    Module::ALL
        .into_iter()
        .for_each(|module| drop(node.arrives(to(2), want(module, &[]))));
    node.fires(Timer::Repair)
        .says(&to_n3.replace("n1/2", "n1/1"));
}

#[test]
fn repair_passes_over_who_is_not_connected_and_a_walk_that_is_not_done() {
    let mut node = settled(3);
    node.loses(to(2), Closing::Reset);
    node.fires(Timer::Repair).says(
        "n1/2 kv: digest, ..end
         n1/2 sessions: digest, ..end
         n1/2 limits: digest, ..end",
    );
    node.fires(Timer::Repair).says("");
    node.loses(to(3), Closing::Reset);
    node.fires(Timer::Repair)
        .shows("arm Repair within 15s..30s");
}
