//! Monotonicity: at one server, while it lives, what is shown or acknowledged of a key never gets older.
//!
//! Revisions are stamps that can be compared. Once a server has shown a revision, or said that it made one, nothing that
//! it is asked afterwards may be answered with an older one, and what it writes then is newer. An absence may be an
//! expiry, so it convicts nobody; but the revision that it names, that of a delete, counts from then on. A server that
//! died may have forgotten anything: each of its lives is judged alone.
//!
//! Nor need it remember what is over: where a short life outbids a long one and ends, a server that never heard of it
//! still hands the older value around, and showing that convicts nobody.

use std::collections::BTreeMap;

use netsplit::NodeId;
use netsplit::kv::{Key, Response, Revision};

use super::eventual::{by_key, finding, is_outbid};
use super::log::FaultLog;
use super::{Call, Finding};

/// Judges a history. Only calls whose answer says who gave it are judged.
pub fn judge(calls: &[Call], log: &FaultLog) -> Finding {
    let mut lives: BTreeMap<(Key, NodeId, usize), Vec<&Call>> = BTreeMap::new();
    for call in calls {
        if let Some((server, life)) = life(call, log) {
            let key = call.request.key();
            lives.entry((key, server, life)).or_default().push(call);
        }
    }
    let keys = by_key(calls);
    let mut breaches = Vec::new();
    for ((key, server, _), calls) in lives {
        let of_key = keys.get(&key).map_or(&[][..], Vec::as_slice);
        let is_outbid = |call: &Call, before: &Call| {
            call.found().is_some() && is_outbid(call, named(before), of_key, log.skew())
        };
        judge_life(server, calls, is_outbid, &mut breaches);
    }
    finding(breaches)
}

/// Who answered a call, and in which life; none if it is not known, or a death lies in between.
fn life(call: &Call, log: &FaultLog) -> Option<(NodeId, usize)> {
    let (server, returned_at) = (call.server?, call.returned_at?);
    let life = log.life(server, call.invoked_at, returned_at)?;
    Some((server, life))
}

/// Judges what one server said of one key in one life, where nothing excuses that something older is shown.
fn judge_life(
    server: NodeId,
    mut calls: Vec<&Call>,
    is_excused: impl Fn(&Call, &Call) -> bool,
    breaches: &mut Vec<String>,
) {
    let mut returns = calls.clone();
    calls.sort_unstable_by_key(|call| call.invoked);
    returns.sort_unstable_by_key(|call| call.returned);
    let mut returns = returns.into_iter().peekable();
    let (mut newest, mut newest_value): (Option<&Call>, Option<&Call>) = (None, None);
    for call in calls {
        while let Some(before) = returns.next_if(|before| before.returned < call.invoked) {
            let is_newer =
                |than: Option<&Call>| than.is_none_or(|than| named(before) > named(than));
            if is_newer(newest) {
                newest = Some(before);
            }
            if is_newer(newest_value) && shows_value(before) {
                newest_value = Some(before);
            }
        }
        let written = call.made().is_some();
        let again = newest_value.filter(|before| written && named(call) == named(before));
        let older = newest.filter(|before| named(call) < named(before));
        if (written || call.found().is_some())
            && let Some(before) = older.or(again)
            && !is_excused(call, before)
        {
            breaches.push(breach(server, before, call));
        }
    }
}

/// The revision that an answer names.
fn named(call: &Call) -> Revision {
    match call.response {
        Some(Response::Found(_, revision) | Response::Written(revision)) => revision,
        None => Revision(0),
    }
}

fn shows_value(call: &Call) -> bool {
    call.found().is_some() || call.made().is_some() && !call.is_delete()
}

fn breach(server: NodeId, before: &Call, call: &Call) -> String {
    let key = call.request.key();
    let what = if call.made().is_some() {
        format!("at {server} a write of {key} is no newer than what it replaces")
    } else if shows_value(before) {
        format!("at {server} {key} got older")
    } else {
        format!("at {server} {key} came back to life")
    };
    format!("{what}: {before}, and after it {call}")
}

#[cfg(test)]
mod tests {
    use super::super::story::{bereaved, delete, evidence, get, put, quiet, skewed};
    use super::*;

    #[track_caller]
    fn convicts(calls: &[Call], of: &str) {
        let evidence = evidence(judge(calls, &quiet())).unwrap_or_else(|| panic!("acquitted"));
        assert!(evidence.contains(of), "{evidence}");
    }

    #[track_caller]
    fn acquits(calls: &[Call]) {
        assert_eq!(judge(calls, &quiet()), Finding::Holds);
    }

    #[test]
    fn what_is_shown_may_stay_and_must_not_get_older() {
        acquits(&[get(1, (1, 2), Some(7), 5), get(1, (3, 4), Some(7), 5)]);
        convicts(
            &[get(1, (1, 2), Some(7), 5), get(1, (3, 4), Some(6), 4)],
            "k1 got older",
        );
    }

    #[test]
    fn what_was_acknowledged_is_shown_afterwards() {
        acquits(&[put(1, (1, 2), 7, 5), get(1, (3, 4), Some(7), 5)]);
        convicts(
            &[put(1, (1, 2), 7, 5), get(1, (3, 4), Some(6), 4)],
            "k1 got older",
        );
    }

    #[test]
    fn another_server_and_a_concurrent_call_may_show_what_is_older() {
        acquits(&[get(1, (1, 2), Some(7), 5), get(2, (3, 4), Some(6), 4)]);
        acquits(&[get(1, (1, 3), Some(7), 5), get(1, (3, 4), Some(6), 4)]);
    }

    #[test]
    fn what_was_deleted_stays_so_until_something_newer_is_written() {
        acquits(&[delete(1, (1, 2), 5), get(1, (3, 4), Some(7), 6)]);
        convicts(
            &[delete(1, (1, 2), 5), get(1, (3, 4), Some(7), 4)],
            "came back to life",
        );
        convicts(
            &[get(1, (1, 2), None, 5), get(1, (3, 4), Some(7), 4)],
            "came back to life",
        );
    }

    #[test]
    fn an_absence_may_be_an_expiry() {
        acquits(&[put(1, (1, 2), 7, 5), get(1, (3, 4), None, 0)]);
    }

    #[test]
    fn an_older_value_may_come_back_where_a_shorter_life_outbid_it_and_may_be_over() {
        let older = |life, at| {
            [
                put(2, (1, 2), 6, 4).living(1_000),
                put(1, (10, 11), 7, 5).living(life),
                get(1, (at, at + 5), Some(6), 4),
            ]
        };
        convicts(&older(100, 104), "k1 got older");
        acquits(&older(100, 105));
        assert_eq!(judge(&older(100, 95), &skewed(5)), Finding::Holds);
        // A life that is no shorter ends no earlier.
        convicts(&older(1_000, 1_200), "k1 got older");
        // What is newer than all that is over still binds, unless that was outbid itself, at any server.
        let lasts = put(1, (20, 21), 8, 6).living(1_000);
        let outbids = put(2, (30, 31), 9, 7).living(100);
        let with = |more: &[Call]| [&older(100, 200)[..], more].concat();
        convicts(&with(&[lasts]), "k1 got older");
        acquits(&with(&[lasts, outbids]));
        // A write is newer than what is over, too.
        let write = [put(1, (10, 11), 7, 5).living(100), put(1, (500, 501), 8, 4)];
        convicts(&write, "no newer than");
    }

    #[test]
    fn a_write_is_newer_than_the_value_that_it_replaces() {
        acquits(&[get(1, (1, 2), Some(7), 5), put(1, (3, 4), 8, 6)]);
        convicts(
            &[get(1, (1, 2), Some(7), 5), put(1, (3, 4), 8, 5)],
            "no newer than",
        );
        convicts(
            &[delete(1, (1, 2), 5), put(1, (3, 4), 8, 4)],
            "no newer than",
        );
    }

    #[test]
    fn a_server_that_died_may_have_forgotten() {
        let calls = [put(1, (10, 20), 7, 5), get(1, (30, 40), Some(6), 4)];
        for (dies, holds) in [(9, false), (10, true), (25, true), (40, true), (41, false)] {
            let finding = judge(&calls, &bereaved(1, dies, dies));
            assert_eq!(finding == Finding::Holds, holds, "dies at {dies}");
        }
    }

    #[test]
    fn long_histories_are_judged_fast() {
        let calls: Vec<Call> = (0..100_000)
            .map(|n| put(1, (10 * n, 10 * n + 25), n, n + 1))
            .collect();
        acquits(&calls);
    }
}
