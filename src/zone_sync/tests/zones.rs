//! What a zone does with one record.

use super::*;
use crate::Losable;

fn write(zone: &mut Zone, key: u32, name: u64, time: u64) -> Written {
    zone.write(Key(key), Content::Value(v(name)), at(time, 1), LIFE)
}

/// A zone where n1 wrote k1, k2 and k3.
fn three(rules: Rules) -> Zone {
    let mut zone = Zone::new(rules);
    for key in 1..=3 {
        write(&mut zone, key, key.into(), 9 + u64::from(key));
    }
    zone
}

#[test]
fn a_record_is_shown_in_one_line() {
    assert_eq!(value(7, 41, at(1234, 1)).to_string(), "k7=v41 1234@n1 +100");
    assert_eq!(tombstone(7, at(5, 2)).to_string(), "k7=gone 5@n2 +100");
    assert_eq!(
        usage(7, 12, 3_400, at(5, 2)).to_string(),
        "k7=used 12 (+3.400) 5@n2 +100"
    );
}

#[test]
fn a_key_that_changes_again_moves_to_the_end_of_the_log() {
    let mut zone = three(faithful());
    write(&mut zone, 1, 4, 13);
    assert_eq!(
        told(&zone, 0, n(2)),
        [
            "2: k2=v2 11@n1 +100",
            "3: k3=v3 12@n1 +100",
            "4: k1=v4 13@n1 +100"
        ]
    );
    assert_eq!(told(&zone, 3, n(2)), ["4: k1=v4 13@n1 +100"]);
    assert_eq!((zone.pending(0), zone.pending(3), zone.newest()), (3, 1, 4));
}

#[test]
fn what_all_peers_have_had_leaves_the_log_and_stays_in_the_zone() {
    let mut zone = three(faithful());
    zone.drop_changes_up_to(2);
    assert_eq!(told(&zone, 0, n(2)), ["3: k3=v3 12@n1 +100"]);
    assert_eq!((zone.total(), zone.newest()), (3, 3));
}

#[test]
fn a_lost_change_is_not_told_and_its_version_never_comes_again() {
    let mut zone = three(faithful());
    zone.lose(1);
    assert_eq!((zone.waiting(), zone.total(), zone.newest()), (2, 3, 3));
    write(&mut zone, 3, 4, 13);
    assert_eq!(told(&zone, 3, n(2)), ["4: k3=v4 13@n1 +100"]);
    zone.lose(9);
    assert_eq!(zone.waiting(), 0);
}

#[test]
fn a_local_write_takes_its_place_even_if_the_clock_stood_still_or_went_back() {
    let mut zone = three(faithful());
    for (name, time) in [(4, 11), (5, 11), (6, 10)] {
        let record = value(1, name, at(time, 1));
        assert_eq!(write(&mut zone, 1, name, time).now, Some(record));
        assert_eq!(zone.raw(Key(1)), Some(&record));
    }
}

#[test]
fn a_full_zone_gives_up_what_would_die_first_for_a_local_write() {
    let mut zone = three(faithful());
    write(&mut zone, 1, 4, 13);
    let written = write(&mut zone, 4, 5, 14);
    assert_eq!(written.evicted, Some(value(2, 2, at(11, 1))));
    assert_eq!(
        told(&zone, 0, n(2)),
        [
            "3: k3=v3 12@n1 +100",
            "4: k1=v4 13@n1 +100",
            "5: k4=v5 14@n1 +100"
        ]
    );
}

#[test]
fn a_full_zone_refuses_a_remote_record_unless_something_in_it_is_dead() {
    let mut zone = three(faithful());
    let remote = value(4, 9, at(60, 2));
    assert_eq!(zone.merge(remote, 109), Merged::NoRoom);
    assert_eq!(zone.merge(remote, 110), Merged::Inserted);
    assert_eq!(zone.raw(Key(1)), None);
}

#[test]
fn a_full_zone_takes_a_remote_record_of_a_key_that_it_has() {
    let mut zone = three(faithful());
    let replaced = Merged::Replaced {
        old: value(1, 1, at(10, 1)),
        untold: true,
    };
    assert_eq!(zone.merge(value(1, 9, at(60, 2)), 60), replaced);
}

#[test]
fn of_two_records_the_newer_is_kept() {
    let mut zone = Zone::new(faithful());
    let record = value(1, 2, at(10, 2));
    let merges = [
        (record, Merged::Inserted),
        (record, Merged::Known),
        (value(1, 1, at(9, 3)), Merged::Older),
        (value(1, 3, at(10, 3)), Merged::Tied),
        (
            value(1, 4, at(11, 1)),
            Merged::Replaced {
                old: record,
                untold: false,
            },
        ),
    ];
    for (record, merged) in merges {
        assert_eq!(zone.merge(record, 11), merged, "{record}");
    }
    assert_eq!(shown(zone.iter()), ["k1=v4 11@n1 +100"]);
}

#[test]
fn a_tie_is_decided_by_the_writer_then_by_what_is_held() {
    let rising = [
        tombstone(1, at(10, 1)),
        value(1, 1, at(10, 2)),
        value(1, 2, at(10, 2)),
        usage(1, 0, 9, at(10, 2)),
        usage(1, 1, 0, at(10, 2)),
        usage(1, 1, 1, at(10, 2)),
        tombstone(1, at(10, 2)),
    ];
    for pair in rising.windows(2) {
        assert!(newer(&pair[1], &pair[0], true), "{} {}", pair[1], pair[0]);
        assert!(!newer(&pair[0], &pair[1], true), "{} {}", pair[0], pair[1]);
        assert!(!newer(&pair[1], &pair[0], false), "{} {}", pair[1], pair[0]);
    }
}

#[test]
fn without_tie_break_two_nodes_that_tell_each_other_everything_differ_for_ever() {
    let mut zones = [Zone::new(faithful()), Zone::new(faithful())];
    let records = [value(1, 1, at(10, 1)), value(1, 2, at(10, 2))];
    for (zone, record) in zones.iter_mut().zip(records) {
        zone.write(record.key, record.content, record.stamp, LIFE);
    }
    assert_eq!(zones[0].merge(records[1], 10), Merged::Tied);
    assert_eq!(zones[1].merge(records[0], 10), Merged::Tied);
    assert_ne!(everything(&zones[0], 10), everything(&zones[1], 10));
}

#[test]
fn what_came_from_others_is_not_told_and_what_it_replaces_is_not_either() {
    let mut zone = three(faithful());
    zone.merge(value(2, 9, at(20, 2)), 20);
    assert_eq!(
        told(&zone, 0, n(3)),
        ["1: k1=v1 10@n1 +100", "3: k3=v3 12@n1 +100"]
    );
}

#[test]
fn what_came_from_one_and_is_relayed_is_told_to_the_others() {
    let mut zone = Zone::new(faithful());
    write(&mut zone, 1, 1, 10);
    zone.merge(value(1, 9, at(20, 2)), 20);
    zone.relay(Key(1), Origin::Told(n(2)));
    assert_eq!(told(&zone, 0, n(3)), ["2: k1=v9 20@n2 +100"]);
    assert_eq!(told(&zone, 0, n(2)), [""; 0]);
    zone.relay(Key(1), Origin::Told(n(3)));
    assert_eq!(told(&zone, 0, n(3)), [""; 0]);
    assert_eq!(told(&zone, 0, n(2)), ["3: k1=v9 20@n2 +100"]);
    assert_eq!(write(&mut zone, 1, 2, 21).evicted, None);
    assert_eq!(told(&zone, 0, n(2)), ["4: k1=v2 21@n1 +100"]);
}

#[test]
fn what_is_told_is_chosen_by_the_record_and_by_who_told_it() {
    let mut zone = three(faithful());
    zone.merge(value(2, 9, at(20, 2)), 20);
    zone.relay(Key(2), Origin::Told(n(3)));
    let mut asked = Vec::new();
    let changes = zone.changes_since(0, |record, origin| {
        origin == Origin::Here && record.key > Key(1)
    });
    asked.extend(changes.map(|(version, _)| version));
    assert_eq!(asked, [3]);
}

#[test]
fn a_usage_is_read_as_long_as_it_lives() {
    let mut zone = Zone::new(faithful());
    let used = usage(1, 12, 3_400, at(10, 1));
    zone.write(used.key, used.content, used.stamp, used.life);
    assert_eq!(
        (zone.get(Key(1), 109), zone.get(Key(1), 110)),
        (Some(&used), None)
    );
    assert_eq!(used.content.value(), None);
}

#[test]
fn a_delete_without_tombstones_is_told_to_nobody() {
    let mut zone = three(faithful());
    assert_eq!(zone.delete(Key(2), at(20, 1)).now, None);
    assert_eq!((zone.total(), zone.pending(0)), (2, 2));
    assert_eq!(zone.merge(value(2, 2, at(11, 1)), 20), Merged::Inserted);
}

#[test]
fn a_tombstone_is_told_hides_the_value_and_keeps_it_from_coming_back() {
    let mut zone = three(Rules {
        tombstones: Some(LIFE),
        ..faithful()
    });
    let gone = tombstone(2, at(20, 1));
    assert_eq!(zone.delete(Key(2), at(20, 1)).now, Some(gone));
    assert_eq!(told(&zone, 3, n(2)), ["4: k2=gone 20@n1 +100"]);
    assert_eq!(zone.get(Key(2), 20), None);
    assert_eq!(zone.raw(Key(2)), Some(&tombstone(2, at(20, 1))));
    assert_eq!(zone.merge(value(2, 2, at(11, 1)), 20), Merged::Older);
}

#[test]
fn a_record_is_read_until_its_deadline_and_not_at_it() {
    let mut zone = three(faithful());
    assert!(zone.get(Key(1), 109).is_some());
    assert!(zone.get(Key(1), 110).is_none());
    assert_eq!((zone.expire(109), zone.expire(110)), (0, 1));
    assert_eq!(zone.raw(Key(1)), None);
}

#[test]
fn a_record_that_was_touched_dies_later() {
    let mut zone = three(faithful());
    write(&mut zone, 1, 1, 50);
    assert_eq!(zone.expire(149), 2);
    assert_eq!(shown(zone.iter()), ["k1=v1 50@n1 +100"]);
    assert_eq!((zone.expire(149), zone.expire(150)), (0, 1));
}

#[test]
fn a_record_whose_life_is_cut_short_dies_sooner() {
    let mut zone = three(faithful());
    zone.write(Key(1), Content::Value(v(4)), at(13, 1), 10);
    assert_eq!((zone.expire(22), zone.expire(23)), (0, 1));
    assert_eq!((zone.expire(110), zone.expire(111)), (0, 1));
}

#[test]
fn a_record_that_is_dead_on_arrival_is_dropped() {
    let mut zone = Zone::new(faithful());
    let record = value(1, 1, at(10, 2));
    assert_eq!(zone.merge(record, 110), Merged::Expired);
    assert_eq!(zone.merge(record, 109), Merged::Inserted);
}

#[test]
fn a_record_whose_deadline_is_beyond_all_time_never_dies() {
    let mut zone = Zone::new(faithful());
    zone.write(Key(1), Content::Value(v(1)), at(10, 1), u64::MAX);
    assert_eq!(zone.expire(u64::MAX - 1), 0);
}

#[test]
fn a_snapshot_goes_on_behind_a_key_that_is_gone() {
    let mut zone = three(faithful());
    let first = zone.iter().next().map(|record| record.key);
    zone.delete(Key(1), at(20, 1));
    zone.delete(Key(2), at(20, 1));
    assert_eq!(shown(zone.records_after(first)), ["k3=v3 12@n1 +100"]);
}

/// The sum of all that is alive.
fn everything(zone: &Zone, now: u64) -> u64 {
    zone.range_sum(None, Key(u32::MAX), now)
}

fn ends(zone: &Zone, after: Option<Key>, per: usize) -> Vec<u32> {
    let ranges = zone.ranges(after, per, 0);
    ranges.map(|range| range.upto.0).collect()
}

#[test]
fn ranges_hold_so_many_records_each_and_the_last_goes_on_to_the_end() {
    let zone = three(faithful());
    assert_eq!(ends(&zone, None, 1), [1, 2, u32::MAX]);
    assert_eq!(ends(&zone, None, 2), [2, u32::MAX]);
    assert_eq!(ends(&zone, None, 3), [u32::MAX]);
    assert_eq!(ends(&zone, Some(Key(1)), 1), [2, u32::MAX]);
}

#[test]
fn where_nothing_is_one_range_says_so_and_behind_the_last_key_there_is_none() {
    let zone = three(faithful());
    let rest = RangeSum {
        upto: Key(u32::MAX),
        sum: 0,
    };
    for after in [3, u32::MAX - 1] {
        let ranges = zone.ranges(Some(Key(after)), 2, 0);
        assert_eq!(ranges.collect::<Vec<_>>(), [rest]);
    }
    assert_eq!(zone.ranges(Some(Key(u32::MAX)), 2, 0).next(), None);
}

#[test]
fn the_last_key_of_all_is_in_the_last_range() {
    let mut zone = three(faithful());
    zone.delete(Key(2), at(20, 1));
    write(&mut zone, u32::MAX, 4, 20);
    assert_eq!(ends(&zone, None, 1), [1, 3, u32::MAX]);
    assert_ne!(zone.range_sum(Some(Key(3)), Key(u32::MAX), 20), 0);
}

#[test]
fn a_range_that_differs_is_found() {
    let mine = three(faithful());
    let mut theirs = mine.clone();
    write(&mut theirs, 2, 9, 20);
    let mut after = None;
    let mut differ = Vec::new();
    for range in mine.ranges(None, 1, 20) {
        if theirs.range_sum(after, range.upto, 20) != range.sum {
            differ.extend(shown(theirs.in_range(after, range.upto)));
        }
        after = Some(range.upto);
    }
    assert_eq!(differ, ["k2=v9 20@n1 +100"]);
}

#[test]
fn what_has_ended_does_not_count_whether_or_not_it_was_removed() {
    let mut zone = three(faithful());
    assert_ne!(everything(&zone, 109), everything(&zone, 110));
    let before = everything(&zone, 110);
    assert_eq!(zone.expire(110), 1);
    assert_eq!(everything(&zone, 110), before);
    assert_eq!(everything(&zone, 112), 0);
}
