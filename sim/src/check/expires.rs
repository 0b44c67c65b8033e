//! Expiry: what has outlived its life is not shown any more.
//!
//! A value lives from the instant at which it was written, at the latest the return of its write, and anew from each
//! access that renewed it: a put-if-absent that found it. The clock of its writer may be ahead, and that of the server
//! that shows it behind, each by the skew of the run. A write of unknown outcome is left alone, for it may have taken
//! effect at any time. A renewal of unknown outcome may have come at the last moment at which the value still lived, so
//! it can have given it one life more, and no other.
//!
//! A put that is shown under a later revision than it was acknowledged with was done a second time, by a server that its
//! client had asked before and that heard of it late. Nobody knows when, so that is left alone too.

use std::collections::BTreeMap;

use netsplit::kv::{Key, Request, Value};
use netsplit::{Span, Time};

use super::eventual::finding;
use super::log::FaultLog;
use super::{Call, Finding};

/// Clocks of stores count milliseconds.
const TICK: Span = Span::millis(1);

/// Judges a history. Only values whose writes say how long they live are judged.
pub fn judge(calls: &[Call], log: &FaultLog) -> Finding {
    let skew = log.skew() * 2 + TICK;
    let mut writes: BTreeMap<Value, &Call> = BTreeMap::new();
    let mut renewals: BTreeMap<Value, Vec<(u64, Time)>> = BTreeMap::new();
    let mut unknown: BTreeMap<Key, Vec<u64>> = BTreeMap::new();
    for call in calls {
        if let (Some(value), Some(_)) = (call.writes(), call.made()) {
            writes.insert(value, call);
        }
        if let Request::Cas(key, ..) = call.request {
            match (call.found(), call.returned_at) {
                (Some(value), Some(at)) => {
                    renewals.entry(value).or_default().push((call.invoked, at))
                }
                (None, None) => unknown.entry(key).or_default().push(call.invoked),
                _ => {}
            }
        }
    }
    for renewals in renewals.values_mut() {
        renewals.sort_unstable();
        let mut latest = Time::ZERO;
        for (_, at) in renewals {
            latest = latest.max(*at);
            *at = latest;
        }
    }
    unknown.values_mut().for_each(|calls| calls.sort_unstable());
    let mut breaches = Vec::new();
    for call in calls {
        let Some((value, write)) = call
            .found()
            .and_then(|value| Some((value, *writes.get(&value)?)))
        else {
            continue;
        };
        let (Some(life), Some(written_at)) = (write.life, write.returned_at) else {
            continue;
        };
        if matches!(write.request, Request::Put(..)) && call.shown() > write.made() {
            continue;
        }
        let renewals = renewals.get(&value).map_or(&[][..], Vec::as_slice);
        let before = renewals.partition_point(|(invoked, _)| *invoked < call.invoked);
        let renewed = before.checked_sub(1).map(|last| renewals[last].1);
        let latest = renewed.map_or(written_at, |at| at.max(written_at));
        let unknown = unknown.get(&call.request.key());
        let unknown = unknown.map_or(0, |calls| calls.partition_point(|at| *at < call.invoked));
        let over = latest + (life + skew) * (1 + unknown as u64);
        if call.invoked_at > over {
            let ago = call.invoked_at.since(latest);
            breaches.push(format!(
                "{value} lives for {life}, and {ago} after the last sign of life: {call}"
            ));
        }
    }
    finding(breaches)
}

#[cfg(test)]
mod tests {
    use super::super::story::{create, evidence, get, put, quiet, skewed, touch};
    use super::*;

    #[test]
    fn a_put_that_was_done_a_second_time_lives_again() {
        let found = |revision| {
            [
                put(1, (10, 20), 7, 5).living(100),
                get(2, (500, 501), Some(7), revision),
            ]
        };
        assert!(evidence(judge(&found(5), &quiet())).is_some());
        assert_eq!(judge(&found(6), &quiet()), Finding::Holds);
    }

    #[test]
    fn a_value_is_shown_at_the_end_of_its_life_and_not_after_it() {
        let found = |at| {
            [
                put(1, (10, 20), 7, 1).living(100),
                get(2, (at, at + 1), Some(7), 1),
            ]
        };
        assert_eq!(judge(&found(121), &quiet()), Finding::Holds);
        let convicted = evidence(judge(&found(122), &quiet())).unwrap();
        assert!(
            convicted.contains("v7 lives for 100ms, and 102ms after"),
            "{convicted}"
        );
    }

    #[test]
    fn clocks_that_are_off_count_twice() {
        let found = |at| {
            [
                put(1, (10, 20), 7, 1).living(100),
                get(2, (at, at + 1), Some(7), 1),
            ]
        };
        assert_eq!(judge(&found(131), &skewed(5)), Finding::Holds);
        assert!(evidence(judge(&found(132), &skewed(5))).is_some());
    }

    #[test]
    fn an_access_renews_and_a_look_does_not() {
        let story = |access: fn(u32, (u64, u64), u64) -> Call, at| {
            let write = create(1, (10, 20), 7, 1).living(100);
            [
                write,
                access(1, (60, 70), 7),
                get(2, (at, at + 1), Some(7), 1),
            ]
        };
        let renew = |server, at, name| touch(server, at, name, 1);
        let look = |server, at, name| get(server, at, Some(name), 1);
        assert_eq!(judge(&story(renew, 171), &quiet()), Finding::Holds);
        assert!(evidence(judge(&story(renew, 172), &quiet())).is_some());
        assert!(evidence(judge(&story(look, 171), &quiet())).is_some());
    }

    #[test]
    fn an_access_does_not_renew_what_is_over_already() {
        let story = [
            create(1, (10, 20), 7, 1).living(100),
            touch(1, (122, 130), 7, 1),
        ];
        assert!(evidence(judge(&story, &quiet())).is_some());
    }

    #[test]
    fn an_access_of_unknown_outcome_gives_one_life_more_and_no_other() {
        let story = |at| {
            let write = create(1, (10, 20), 7, 1).living(100);
            let access = touch(1, (60, 70), 7, 1).unanswered();
            [write, access, get(2, (at, at + 1), Some(7), 1)]
        };
        assert_eq!(judge(&story(222), &quiet()), Finding::Holds);
        assert!(evidence(judge(&story(223), &quiet())).is_some());
    }

    #[test]
    fn what_lives_for_ever_and_what_nobody_acknowledged_are_left_alone() {
        let late = get(2, (500, 501), Some(7), 1);
        assert_eq!(
            judge(&[put(1, (10, 20), 7, 1), late], &quiet()),
            Finding::Holds
        );
        let unknown = put(1, (10, 20), 7, 1).living(100).unanswered();
        assert_eq!(judge(&[unknown, late], &quiet()), Finding::Holds);
    }
}
