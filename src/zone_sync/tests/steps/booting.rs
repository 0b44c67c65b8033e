//! What a node does when it starts, and what becomes of its state file.

use super::*;

fn short(key: u32, time: u64) -> Record {
    value(key, 70, at(time, 2))
}

#[test]
fn a_node_that_starts_arms_its_timers_and_dials_the_others_soon() {
    let (_, deeds) = Solo::<Node>::boot(n(1), 3, Options::default(), &[]);
    deeds.shows(
        "arm Interval within 0s..1s
         arm Repair within 15s..30s
         note discovers 2 others
         arm Dial(n2) within 0s..1s
         arm Dial(n3) within 0s..1s",
    );
}

#[test]
fn a_node_that_never_repairs_and_knows_nobody_only_looks_into_its_logs() {
    let options = Options {
        repair: Span::ZERO,
        ..Options::default()
    };
    let (_, deeds) = Solo::<Node>::boot(n(1), 1, options, &[]);
    deeds.shows("arm Interval within 0s..1s");
}

#[test]
fn a_node_takes_up_its_state_file_with_the_stamps_and_tells_none_of_it() {
    let disk = [
        Ok(Saved::Is(pair(7, 70))),
        Ok(Saved::Is(pair(8, 80))),
        Ok(Saved::Is(Record {
            stamp: at(9_000_001, 3),
            ..pair(7, 71)
        })),
        Ok(Saved::Gone(Key(8))),
    ];
    let (node, deeds) = Solo::<Node>::boot(n(1), 1, Options::default(), &disk);
    deeds.shows(
        "note loads 1 records
         arm Interval within 0s..1s
         arm Repair within 15s..30s",
    );
    assert_eq!(node.holds(Module::Keyval), ["k7=v71 9000001@n3 +600000000"]);
    assert_eq!(node.pending(), 0);
}

#[test]
fn what_died_while_a_node_was_down_stays_dead() {
    let disk = [Ok(Saved::Is(short(7, 9_999_900)))];
    let (node, _) = Solo::<Node>::boot(n(1), 1, Options::default(), &disk);
    assert_eq!(node.holds(Module::Keyval), [""; 0]);

    let disk = [Ok(Saved::Is(short(7, 9_999_901)))];
    let (node, _) = Solo::<Node>::boot(n(1), 1, Options::default(), &disk);
    assert_eq!(node.holds(Module::Keyval), ["k7=v70 9999901@n2 +100"]);
}

#[test]
fn what_cannot_be_read_of_a_state_file_is_missing_and_the_rest_is_there() {
    let disk = [
        Ok(Saved::Is(pair(7, 70))),
        Err(Damage::Rotten),
        Ok(Saved::Is(pair(9, 90))),
        Err(Damage::Torn),
    ];
    let (node, deeds) = Solo::<Node>::boot(n(1), 1, Options::default(), &disk);
    deeds.shows(
        "note loads 2 records
         arm Interval within 0s..1s
         arm Repair within 15s..30s",
    );
    assert_eq!(
        node.holds(Module::Keyval),
        [
            "k7=v70 9000000@n2 +600000000",
            "k9=v90 9000000@n2 +600000000"
        ]
    );
}

#[test]
fn a_node_without_the_zone_leaves_its_state_file_alone() {
    let mut options = Options::default();
    options.keyval.odd.on = vec![n(1)];
    options.keyval.odd.absent = true;
    let disk = [Ok(Saved::Is(pair(7, 70)))];
    let (mut node, deeds) = Solo::<Node>::boot(n(1), 1, options, &disk);
    deeds.shows(
        "arm Interval within 0s..1s
         arm Repair within 15s..30s",
    );
    node.fires(Timer::Interval).shows("arm Interval within 1s");
}

#[test]
fn what_a_node_writes_after_a_restart_is_newer_than_what_it_loaded() {
    let ahead = Record {
        stamp: at(11_000_000, 2),
        ..pair(7, 70)
    };
    let (mut node, _) = Solo::<Node>::boot(n(1), 1, Options::default(), &[Ok(Saved::Is(ahead))]);
    node.asked(put(7, 71)).shows(
        "write k7=v71 11000001@n1 +600000000
         send c1 past flush: answer 1: written 11000001@n1",
    );
}

/// A file with so many changes of one key.
fn with_a_file_of(changes: u64) -> Solo<Node> {
    let change = |number| {
        Ok(Saved::Is(Record {
            stamp: at(9_000_000 + number, 2),
            ..pair(7, number)
        }))
    };
    let disk: Vec<_> = (1..=changes).map(change).collect();
    Solo::boot(n(1), 1, Options::default(), &disk).0
}

#[test]
fn a_file_of_which_most_is_history_is_written_anew_once() {
    let mut node = with_a_file_of(1001);
    node.asked(put(7, 70));
    node.fires(Timer::Interval).shows(
        "arm Interval within 1s
         flush",
    );
    let mut node = with_a_file_of(1002);
    node.asked(put(7, 70));
    node.fires(Timer::Interval).shows(
        "arm Interval within 1s
         rewrite with 1 records
         flush",
    );
    node.fires(Timer::Interval).shows("arm Interval within 1s");
    node.asked(put(7, 71));
    node.fires(Timer::Interval).shows(
        "arm Interval within 1s
         flush",
    );
}

#[test]
fn a_file_of_which_most_is_history_waits_for_the_next_change() {
    let mut node = with_a_file_of(2000);
    node.fires(Timer::Interval).shows("arm Interval within 1s");
    node.asked(put(7, 70));
    node.fires(Timer::Interval).shows(
        "arm Interval within 1s
         rewrite with 1 records
         flush",
    );
}

#[test]
fn what_was_written_is_flushed_once_and_without_it_nothing() {
    let mut node = settled(2);
    let idle = "arm Interval within 1s";
    let flushes = "
        arm Interval within 1s
        flush";
    node.fires(Timer::Interval).shows(idle);
    node.asked(get(7));
    node.asked(Request::Visit(Key(7), v(70), Span::secs(600)));
    node.arrives(from(2), live_of(Module::Limit, &[]));
    let told = node.fires(Timer::Interval);
    told.shows(
        "arm Interval within 1s
         push n1/1 past flush: live of 74 bytes: k7=v70 10000000@n1 +600000000",
    );
    node.arrives(from(2), live(&[pair(7, 70), pair(8, 80)]));
    node.fires(Timer::Interval).shows(flushes);
    node.fires(Timer::Interval).shows(idle);
    node.arrives(from(2), live(&[pair(7, 70)]));
    node.fires(Timer::Interval).shows(idle);

    let mut node = alone(1, Options::default());
    node.asked(put(7, 70));
    node.asked(put(8, 80));
    node.fires(Timer::Interval).shows(flushes);
    node.fires(Timer::Interval).shows(idle);
    node.asked(put(7, 71));
    node.fires(Timer::Interval).shows(flushes);
}

#[test]
fn a_file_grows_with_each_change_that_is_noted_in_it() {
    let mut node = with_a_file_of(1001);
    node.asked(put(7, 70));
    node.fires(Timer::Interval).shows(
        "arm Interval within 1s
         flush",
    );
    node.asked(put(7, 71));
    node.fires(Timer::Interval).shows(
        "arm Interval within 1s
         rewrite with 1 records
         flush",
    );
}

#[test]
fn a_node_that_keeps_no_file_writes_nothing() {
    let mut options = Options::default();
    options.keyval.state = false;
    let mut node = alone(1, options);
    node.asked(put(7, 70))
        .shows("send c1 past flush: answer 1: written 10000000@n1");
    node.fires(Timer::Interval).shows("arm Interval within 1s");
}

#[test]
fn a_node_whose_disk_fails_stops() {
    alone(1, Options::default())
        .takes(Input::Failed(crate::DiskError::Full))
        .shows(
            "note disk failed: the disk is full
             stop: its disk failed",
        );
}
