//! Logs, what is found of them on disks, and quorums.

use super::super::super::log::Appended;
use super::super::super::quorum::{accept_quorum, query_quorum, reached_by};
use super::*;

/// Entry by entry: one that differs takes the place of all that stood from there on. Gives the first such place.
fn append_dumbly(log: &mut Vec<u64>, prev: usize, new: &[u64]) -> Option<usize> {
    let mut first = None;
    for (place, epoch) in (prev..).zip(new) {
        if log.get(place) != Some(epoch) {
            log.truncate(place);
            log.push(*epoch);
            first = first.or(Some(place));
        }
    }
    first
}

/// All positions that a log knows.
fn positions(log: &Log) -> impl DoubleEndedIterator<Item = Position> {
    let places = log.base().seq.0..=log.last().seq.0;
    places.filter_map(|seq| log.position(Seq(seq)))
}

proptest! {
    #[test]
    fn an_append_equals_one_entry_by_entry(
        base in 0..5_u64,
        mine in a_log(),
        steps in steps(),
        (prev, agree) in any::<(sample::Index, sample::Index)>(),
    ) {
        let prev = up_to(mine.len(), prev);
        let common = prev + up_to(mine.len() - prev, agree);
        let from = common.checked_sub(1).map_or(1, |last| mine[last]);
        let new = [&mine[prev..common], &rising(from, &steps)].concat();

        let mut dumb = mine.clone();
        let differs = append_dumbly(&mut dumb, prev, &new);

        let mut clever = log_behind(at(base, 0), &mine);
        let appended = clever.append(Seq(base + prev as u64), &openings(&new));
        prop_assert_eq!(epochs(&clever), dumb);
        prop_assert_eq!(appended, Appended {
            known: differs.map_or(new.len(), |place| place - prev),
            truncated: differs
                .filter(|place| *place < mine.len())
                .map(|place| Seq(base + place as u64 + 1)),
        });
    }

    #[test]
    fn the_newest_place_no_newer_than_asked_is_found_as_by_looking_at_all(
        base in 0..5_u64,
        mine in a_log(),
        seq in 0..15_u64,
        epoch in 0..20_u64,
    ) {
        let log = log_behind(at(base, 0), &mine);
        let fits = |place: &Position| place.seq.0 <= seq && place.epoch.0 <= epoch;
        let newest = positions(&log).filter(fits).max_by_key(|place| place.seq);
        // What stands at the base is agreed upon.
        prop_assert_eq!(log.newest_at_most(at(seq, epoch)), newest.unwrap_or(log.base()));
    }

    #[test]
    fn no_place_where_the_logs_meet_is_skipped(
        base in 0..5_u64,
        mine in a_log(),
        theirs in a_log(),
    ) {
        let (main, sibling) = (log_behind(at(base, 1), &mine), log_behind(at(0, 0), &theirs));
        let hint = sibling.newest_at_most(main.last());
        let probe = main.newest_at_most(hint);
        let meeting = positions(&main).rev().find(|place| sibling.contains(*place));
        prop_assert!(meeting.is_none_or(|meeting| meeting.seq <= probe.seq));
    }

    #[test]
    fn what_is_recovered_is_what_was_written(
        writes in prop::collection::vec((any::<sample::Index>(), steps(), 0..6_u8), 0..12),
        torn in any::<sample::Index>(),
    ) {
        let (mut base, mut dumb, mut oath) = (0, Vec::new(), (0, 0, None));
        let mut disk = vec![Ok(Record::Identity(m(1)))];
        let torn = up_to(writes.len(), torn);
        for (number, (first, steps, kind)) in (1..).zip(&writes[..torn]) {
            match kind {
                0 => {
                    base += first.index(9) as u64;
                    dumb.clear();
                    let copies = Copies::from([]);
                    disk.push(Ok(Record::Base { group: GROUP, at: at(base, 1), copies }));
                }
                1 => {
                    oath = (number, oath.0, Some(copy(number, 1)));
                    disk.push(Ok(promised(oath.0, oath.1, oath.2)));
                }
                _ if steps.is_empty() => {}
                _ => {
                    let place = up_to(dumb.len(), *first);
                    let before = place.checked_sub(1).map_or(1, |last| dumb[last]);
                    let mut new = rising(before, steps);
                    if dumb.get(place) == new.first() {
                        // A record begins with an entry that is new: a node writes no other.
                        new.iter_mut().for_each(|epoch| *epoch += 1);
                    }
                    dumb.truncate(place);
                    dumb.extend_from_slice(&new);
                    disk.push(Ok(logged(base + place as u64 + 1, &new)));
                }
            }
        }
        if torn < writes.len() {
            disk.push(Err(Damage::Torn));
        }
        let mut recovered = recover(&disk).unwrap();
        let durable = recovered.remove(&GROUP).unwrap_or_default().durable;
        prop_assert_eq!(durable.log.base().seq, Seq(base));
        prop_assert_eq!(epochs(&durable.log), dumb);
        prop_assert_eq!((durable.promised.0, durable.reigned.0, durable.copy), oath);
    }

    #[test]
    fn a_quorum_has_reached_what_so_many_have_when_counted(
        mut reached in prop::collection::vec(0..9_u64, 1..=14),
    ) {
        let quorum = accept_quorum(reached.len());
        let have = |value: u64| reached.iter().filter(|other| **other >= value).count();
        let counted = (0..9).filter(|value| have(*value) >= quorum).max();
        prop_assert_eq!(counted, Some(reached_by(&mut reached, quorum, 9)));
    }

    #[test]
    fn whoever_is_asked_one_of_them_has_what_was_accepted(
        siblings in 1..=14_usize,
        order in any::<u64>(),
    ) {
        // Two ways to choose among the siblings, as far apart as the order makes them.
        let accepted: Vec<usize> = (0..accept_quorum(siblings)).collect();
        let first = order as usize % siblings;
        let asked = (0..query_quorum(siblings)).map(|place| (first + place) % siblings);
        prop_assert!(asked.into_iter().any(|sibling| accepted.contains(&sibling)));
    }
}

/// A record behind a hole is one that a failed flush has left: nothing before it can be trusted to be all there was.
#[test]
fn entries_that_are_missing_are_rot_and_those_that_are_there_are_not() {
    let disk = |first| {
        let base = Record::Base {
            group: GROUP,
            at: at(2, 1),
            copies: Copies::from([]),
        };
        vec![Ok(base), Ok(logged(3, &[1, 1])), Ok(logged(first, &[2]))]
    };
    assert!(recover(&disk(6)).is_err());
    assert!(recover(&disk(5)).is_ok());
    assert!(recover(&disk(3)).is_ok());
    assert!(recover(&disk(2)).is_err());
}
