use netsplit::kv::{Key, Request, Response, Revision, Value};
use netsplit::{NodeId, OpId, Time};
use proptest::prelude::*;

use super::history::KeyHistory;
use super::{brute, judge, search, zones};
use crate::check::{Call, Finding};

const BUDGET: u64 = 1_000_000;

fn v(name: u64) -> Value {
    Value { name, bytes: 8 }
}

fn key() -> Key {
    Key(3)
}

fn get() -> Request {
    Request::Get(key())
}

fn put(name: u64) -> Request {
    Request::Put(key(), v(name))
}

fn delete() -> Request {
    Request::Delete(key())
}

fn cas(expected: Option<u64>, name: u64) -> Request {
    Request::Cas(key(), expected.map(v), v(name))
}

fn found(name: u64, revision: u64) -> Option<Response> {
    Some(Response::Found(Some(v(name)), Revision(revision)))
}

fn absent(revision: u64) -> Option<Response> {
    Some(Response::Found(None, Revision(revision)))
}

fn written(revision: u64) -> Option<Response> {
    Some(Response::Written(Revision(revision)))
}

/// A history from operations and the times of their invocations and returns.
fn history(calls: &[(u64, u64, Request, Option<Response>)]) -> Vec<Call> {
    let call = |(index, &(invoked, returned, request, response)): (usize, &_)| Call {
        client: NodeId::client(index as u32 + 1),
        op: OpId(index as u32),
        request,
        response,
        server: None,
        life: None,
        waits: false,
        invoked,
        returned: match response {
            Some(_) => returned,
            None => u64::MAX,
        },
        invoked_at: Time::from_nanos(invoked),
        returned_at: response.map(|_| Time::from_nanos(returned)),
    };
    calls.iter().enumerate().map(call).collect()
}

fn all_on_one_key(calls: &[Call]) -> Vec<u32> {
    (0..calls.len() as u32).collect()
}

/// What the zone algorithm says, if it can tell.
fn by_zones(calls: &[Call]) -> Option<bool> {
    let mut history = KeyHistory::default();
    let verdict = history
        .sort_out(calls, &all_on_one_key(calls))
        .and_then(|()| zones::judge(&history, calls));
    match verdict {
        Err(_) => Some(false),
        Ok(()) => history.is_settled().then_some(true),
    }
}

/// What the search says, if this budget suffices.
fn by_search_within(calls: &[Call], budget: u64) -> Option<bool> {
    let mut history = KeyHistory::default();
    match history.sort_out(calls, &all_on_one_key(calls)) {
        Err(_) => Some(false),
        Ok(()) => search::judge(&history, calls, &mut { budget }).map(|verdict| verdict.is_ok()),
    }
}

fn by_search(calls: &[Call]) -> Option<bool> {
    by_search_within(calls, BUDGET)
}

/// Asserts that all algorithms which apply acquit.
#[track_caller]
fn acquit(calls: &[(u64, u64, Request, Option<Response>)]) {
    let calls = history(calls);
    assert_eq!(judge(&calls, BUDGET), Finding::Holds);
    assert_eq!(by_search(&calls), Some(true));
    assert!(brute::is_linearizable(&calls));
}

/// Asserts that all algorithms which apply convict, and returns the evidence.
#[track_caller]
fn convict(calls: &[(u64, u64, Request, Option<Response>)]) -> String {
    let calls = history(calls);
    assert_eq!(by_search(&calls), Some(false));
    assert!(!brute::is_linearizable(&calls));
    match judge(&calls, BUDGET) {
        Finding::Violated { evidence, ops } => {
            assert!(!ops.is_empty());
            for op in ops {
                assert!(evidence.contains(&op.to_string()), "{op} in {evidence}");
            }
            evidence
        }
        finding => panic!("{finding:?}"),
    }
}

mod convictions {
    use super::*;

    #[test]
    fn a_read_just_after_an_overwrite_must_not_see_the_old_value() {
        let told = convict(&[
            (0, 1, put(1), written(1)),
            (2, 3, put(2), written(2)),
            (4, 5, get(), found(1, 1)),
        ]);
        assert_eq!(
            told,
            "c3 get k3 -> found v1 @1 (#2) although c2 put k3=v2 -> written @2 (#1) had returned before it was \
             invoked, and c1 put k3=v1 -> written @1 (#0) before #1 was"
        );
    }

    #[test]
    fn two_reads_must_not_go_back_in_time() {
        let told = convict(&[
            (0, 1, put(1), written(1)),
            (2, 9, put(2), written(2)),
            (3, 4, get(), found(2, 2)),
            (5, 6, get(), found(1, 1)),
        ]);
        assert_eq!(
            told,
            "c4 get k3 -> found v1 @1 (#3) although c3 get k3 -> found v2 @2 (#2) had returned before it was \
             invoked, and c1 put k3=v1 -> written @1 (#0) before #2 was"
        );
    }

    #[test]
    fn an_acknowledged_write_must_not_be_lost() {
        let told = convict(&[(0, 1, put(1), written(1)), (2, 3, get(), absent(0))]);
        assert_eq!(
            told,
            "c2 get k3 -> found nothing @0 (#1) although c1 put k3=v1 -> written @1 (#0) had returned before it was \
             invoked"
        );
    }

    #[test]
    fn a_value_must_not_be_seen_before_it_is_written() {
        let told = convict(&[(0, 1, get(), found(1, 1)), (2, 3, put(1), written(1))]);
        assert_eq!(
            told,
            "c1 get k3 -> found v1 @1 (#0) had returned before c2 put k3=v1 -> written @1 (#1) was invoked, whose \
             write it saw"
        );
    }

    #[test]
    fn a_value_that_nobody_wrote_must_not_be_seen() {
        let told = convict(&[(0, 1, put(1), written(1)), (2, 3, get(), found(7, 7))]);
        assert_eq!(
            told,
            "c2 get k3 -> found v7 @7 (#1) although nobody wrote that"
        );
    }

    #[test]
    fn a_value_must_not_come_back_after_two_were_seen_in_turn() {
        let told = convict(&[
            (0, 9, put(1), written(1)),
            (1, 9, put(2), written(2)),
            (10, 11, get(), found(1, 1)),
            (12, 13, get(), found(2, 2)),
            (14, 15, get(), found(1, 1)),
        ]);
        assert!(told.starts_with("two values at once: "), "{told}");
    }

    #[test]
    fn an_unanswered_write_that_was_seen_must_not_vanish() {
        convict(&[
            (0, 0, put(1), None),
            (1, 2, get(), found(1, 1)),
            (3, 4, get(), absent(0)),
        ]);
    }

    #[test]
    fn an_unanswered_delete_that_was_seen_must_not_vanish() {
        convict(&[
            (0, 1, put(1), written(1)),
            (2, 0, delete(), None),
            (3, 4, get(), absent(2)),
            (5, 6, get(), found(1, 1)),
        ]);
    }

    #[test]
    fn a_deleted_key_must_not_be_as_if_never_written() {
        convict(&[
            (0, 1, put(1), written(1)),
            (2, 3, delete(), written(2)),
            (4, 5, get(), absent(0)),
        ]);
    }

    #[test]
    fn one_of_two_deletes_must_have_made_each_absence() {
        // Three absences of different revisions, and two deletes that could have made them.
        convict(&[
            (0, 0, delete(), None),
            (1, 0, delete(), None),
            (2, 3, get(), absent(1)),
            (4, 5, get(), absent(2)),
            (6, 7, get(), absent(3)),
        ]);
        // A third delete made a revision of its own.
        convict(&[
            (0, 0, delete(), None),
            (1, 0, delete(), None),
            (2, 9, delete(), written(4)),
            (3, 4, get(), absent(1)),
            (5, 6, get(), absent(2)),
            (7, 8, get(), absent(3)),
        ]);
    }

    #[test]
    fn a_write_has_one_revision() {
        let told = convict(&[(0, 1, put(1), written(1)), (2, 3, get(), found(1, 2))]);
        assert_eq!(
            told,
            "c2 get k3 -> found v1 @2 (#1) although no write of it made that revision: c1 put k3=v1 -> written @1 (#0)"
        );
        let told = convict(&[
            (0, 0, put(1), None),
            (1, 2, get(), found(1, 1)),
            (3, 4, get(), found(1, 2)),
        ]);
        assert_eq!(
            told,
            "c2 get k3 -> found v1 @1 (#1) and c3 get k3 -> found v1 @2 (#2) tell two revisions of one write, \
             c1 put k3=v1 -> no answer (#0)"
        );
    }

    #[test]
    fn two_writes_have_two_revisions() {
        let told = convict(&[(0, 1, put(1), written(1)), (2, 3, put(2), written(1))]);
        assert!(told.ends_with("are two writes of one revision"), "{told}");
        convict(&[
            (0, 9, put(1), written(1)),
            (1, 0, put(2), None),
            (2, 3, get(), found(2, 1)),
        ]);
        convict(&[(0, 9, put(1), written(1)), (2, 3, get(), absent(1))]);
        convict(&[
            (0, 0, put(1), None),
            (0, 0, put(2), None),
            (2, 3, get(), found(1, 1)),
            (4, 5, get(), found(2, 1)),
        ]);
    }

    #[test]
    fn a_swap_must_find_what_it_expects() {
        let told = convict(&[
            (0, 1, put(1), written(1)),
            (2, 3, put(2), written(2)),
            (4, 5, cas(Some(1), 3), written(3)),
        ]);
        assert_eq!(
            told,
            "k3: no order explains all answers; the longest found covers 2 of 3 operations, and after c2 put k3=v2 \
             -> written @2 (#1) none of these can be next: c3 cas k3 v1->v3 -> written @3 (#2)"
        );
    }

    #[test]
    fn of_two_swaps_that_expect_the_same_one_fails() {
        convict(&[
            (0, 1, put(1), written(1)),
            (2, 9, cas(Some(1), 2), written(2)),
            (3, 8, cas(Some(1), 3), written(3)),
        ]);
    }

    #[test]
    fn a_swap_must_not_fail_on_what_it_expects() {
        convict(&[
            (0, 1, put(1), written(1)),
            (2, 3, cas(Some(1), 2), found(1, 1)),
        ]);
    }

    #[test]
    fn a_failed_swap_must_not_see_the_past() {
        convict(&[
            (0, 1, put(1), written(1)),
            (2, 3, put(2), written(2)),
            (4, 5, cas(Some(7), 3), found(1, 1)),
        ]);
    }

    #[test]
    fn an_answer_must_fit_the_question() {
        let told = convict(&[(0, 1, get(), written(1))]);
        assert_eq!(
            told,
            "c1 get k3 -> written @1 (#0) is no answer to what was asked"
        );
        convict(&[(0, 1, put(1), found(1, 1))]);
        convict(&[(0, 1, delete(), found(1, 1))]);
    }

    #[test]
    fn without_revisions_values_alone_convict() {
        convict(&[
            (0, 1, put(1), written(0)),
            (2, 3, put(2), written(0)),
            (4, 5, get(), found(1, 0)),
        ]);
        convict(&[
            (0, 1, put(1), written(0)),
            (2, 3, delete(), written(0)),
            (4, 5, get(), found(1, 0)),
        ]);
    }
}

mod acquittals {
    use super::*;

    #[test]
    fn no_calls_at_all() {
        acquit(&[]);
    }

    #[test]
    fn a_read_concurrent_with_an_overwrite_may_see_either_value() {
        for answer in [found(1, 1), found(2, 2)] {
            acquit(&[
                (0, 1, put(1), written(1)),
                (2, 4, put(2), written(2)),
                (3, 5, get(), answer),
            ]);
        }
    }

    #[test]
    fn absence_may_be_read_until_the_first_write_returns() {
        acquit(&[(0, 2, put(1), written(1)), (1, 3, get(), absent(0))]);
    }

    #[test]
    fn a_value_may_be_seen_just_after_its_write_was_invoked() {
        acquit(&[(0, 2, get(), found(1, 1)), (1, 3, put(1), written(1))]);
    }

    #[test]
    fn an_unanswered_write_may_be_seen_late_or_never() {
        acquit(&[
            (0, 0, put(1), None),
            (1, 2, get(), absent(0)),
            (3, 4, put(2), written(1)),
            (5, 6, get(), found(2, 1)),
            (7, 8, get(), found(1, 2)),
        ]);
        acquit(&[(0, 0, put(1), None), (1, 2, get(), absent(0))]);
    }

    #[test]
    fn an_unanswered_delete_may_be_seen_late_or_never() {
        acquit(&[
            (0, 1, put(1), written(1)),
            (2, 0, delete(), None),
            (3, 4, get(), found(1, 1)),
            (5, 6, get(), absent(2)),
        ]);
        acquit(&[
            (0, 1, put(1), written(1)),
            (2, 0, delete(), None),
            (3, 4, get(), found(1, 1)),
        ]);
    }

    #[test]
    fn two_unanswered_deletes_may_have_made_two_absences() {
        acquit(&[
            (0, 1, put(1), written(1)),
            (2, 0, delete(), None),
            (3, 0, delete(), None),
            (4, 5, get(), absent(2)),
            (6, 7, put(3), written(3)),
            (8, 9, get(), absent(4)),
        ]);
    }

    #[test]
    fn a_delete_of_nothing_may_say_so() {
        acquit(&[(0, 1, delete(), absent(0)), (2, 3, put(1), written(1))]);
    }

    #[test]
    fn revisions_need_not_grow() {
        acquit(&[
            (0, 1, put(1), written(9)),
            (2, 3, put(2), written(4)),
            (4, 5, get(), found(2, 4)),
        ]);
    }

    #[test]
    fn one_of_two_concurrent_swaps_fails() {
        acquit(&[
            (0, 1, put(1), written(1)),
            (2, 9, cas(Some(1), 2), written(2)),
            (3, 8, cas(Some(1), 3), found(2, 2)),
        ]);
    }

    #[test]
    fn an_unanswered_swap_may_have_happened() {
        acquit(&[
            (0, 0, cas(None, 1), None),
            (1, 0, cas(Some(1), 2), None),
            (2, 3, get(), found(2, 2)),
        ]);
    }

    #[test]
    fn an_unanswered_write_that_only_a_swap_can_have_seen() {
        acquit(&[
            (0, 0, put(1), None),
            (1, 2, cas(Some(1), 2), written(2)),
            (3, 4, get(), found(2, 2)),
        ]);
    }

    #[test]
    fn without_revisions_a_value_written_twice_may_come_back() {
        acquit(&[
            (0, 1, put(1), written(0)),
            (2, 3, put(2), written(0)),
            (4, 5, put(1), written(0)),
            (6, 7, get(), found(1, 0)),
        ]);
    }
}

mod findings {
    use super::*;

    #[test]
    fn each_key_is_judged_alone_and_violations_are_collected() {
        let mut calls = Vec::new();
        for number in 0..5 {
            for mut call in history(&[(0, 1, put(1), written(1)), (2, 3, get(), absent(0))]) {
                call.request = match call.request {
                    Request::Get(_) => Request::Get(Key(number)),
                    _ => Request::Put(Key(number), v(1)),
                };
                call.op = OpId(call.op.0 + 2 * number);
                calls.push(call);
            }
        }
        let Finding::Violated { evidence, ops } = judge(&calls, BUDGET) else {
            panic!("stale reads on five keys");
        };
        assert_eq!(ops, (0..10).map(OpId).collect::<Vec<_>>());
        assert_eq!(evidence.lines().count(), 4);
        assert!(
            evidence.ends_with("and so on 2 more of the keys"),
            "{evidence}"
        );
    }

    #[test]
    fn a_budget_that_just_suffices_and_one_that_does_not() {
        let mut calls = history(&[
            (0, 1, cas(None, 1), written(1)),
            (2, 3, cas(Some(1), 2), written(2)),
        ]);
        assert_eq!(judge(&calls, 2), Finding::Holds);
        assert_eq!(
            judge(&calls, 1),
            Finding::Unknown(
                "the search budget ran out on k3, with 1 of the keys undecided".to_owned()
            )
        );
        // A violation on another key outweighs the doubt.
        calls.push(Call {
            request: Request::Get(Key(4)),
            response: found(9, 9),
            ..calls[0]
        });
        assert!(matches!(judge(&calls, 1), Finding::Violated { .. }));
    }

    #[test]
    fn many_unanswered_operations_are_no_burden() {
        let mut calls = Vec::new();
        for n in 1..=300 {
            let at = 10 * n;
            calls.push((at, 0, delete(), None));
            calls.push((at + 1, 0, cas(Some(n), 5_000 + n), None));
            calls.push((at + 2, at + 3, put(n), written(2 * n)));
            calls.push((at + 4, at + 5, get(), found(n, 2 * n)));
            calls.push((at + 6, at + 7, get(), absent(2 * n + 1)));
        }
        let calls = history(&calls);
        assert_eq!(by_zones(&calls), None);
        assert_eq!(judge(&calls, 3 * 1_500), Finding::Holds);
    }
}

/// One operation of a random history: it takes effect in the order of the list, and is invoked and answered around that.
#[derive(Clone, Debug)]
struct Draft {
    kind: u8,
    value: u64,
    expected: u64,
    early: u64,
    late: u64,
    /// 0: takes effect and is not answered; 1: does neither; more: both.
    fate: u8,
}

/// A wrong answer.
#[derive(Clone, Debug)]
struct Corruption {
    index: usize,
    what: u8,
    by: u64,
}

/// How histories are drawn.
#[derive(Clone, Copy, Debug)]
struct Style {
    unique: bool,
    swaps: bool,
    tells_revisions: bool,
    growing: bool,
}

fn drafts(most: usize) -> impl Strategy<Value = Vec<Draft>> {
    let draft = (0..8u8, 1..4u64, 0..4u64, 0..70u64, 0..70u64, 0..8u8).prop_map(
        |(kind, value, expected, early, late, fate)| Draft {
            kind,
            value,
            expected,
            early,
            late,
            fate,
        },
    );
    prop::collection::vec(draft, 1..=most)
}

fn corruptions() -> impl Strategy<Value = Vec<Corruption>> {
    let corruption = (0..1_000usize, 0..5u8, 1..4u64).prop_map(|(index, what, by)| Corruption {
        index,
        what,
        by,
    });
    prop::collection::vec(corruption, 0..3)
}

fn styles() -> impl Strategy<Value = Style> {
    (any::<bool>(), any::<bool>(), 0..4u8, any::<bool>()).prop_map(
        |(unique, swaps, tells, growing)| Style {
            unique,
            swaps,
            tells_revisions: tells > 0,
            growing,
        },
    )
}

/// Runs a register through the drafts.
fn run(drafts: &[Draft], style: Style) -> Vec<Call> {
    let mut calls = Vec::new();
    let (mut value, mut revision) = (None, 0);
    let revision_after = |index: usize| match (style.tells_revisions, style.growing) {
        (false, _) => 0,
        (true, true) => index as u64 + 1,
        (true, false) => (index as u64 * 37 + 11) % 1_009 + 1,
    };
    for (index, draft) in drafts.iter().enumerate() {
        let name = match style.unique {
            true => index as u64 + 1,
            false => draft.value,
        };
        let expected = match draft.expected {
            0 => None,
            // Often what is there.
            1 | 2 => value,
            _ if style.unique => Some(index as u64 / 2),
            _ => Some(draft.value),
        };
        let request = match draft.kind {
            0..=2 => get(),
            3 | 4 => put(name),
            5 => delete(),
            _ if style.swaps => cas(expected, name),
            _ => put(name),
        };
        let sets = match request {
            _ if draft.fate == 1 => None,
            Request::Get(_) => None,
            Request::Put(..) => Some(Some(name)),
            Request::Delete(_) if value.is_none() && draft.value == 1 => None,
            Request::Delete(_) => Some(None),
            Request::Cas(..) => (value == expected).then_some(Some(name)),
        };
        let response = match sets {
            None => Response::Found(value.map(v), Revision(revision)),
            Some(new) => {
                (value, revision) = (new, revision_after(index));
                Response::Written(Revision(revision))
            }
        };
        let point = 100 + 16 * index as u64;
        calls.push((
            2 * (point - draft.early),
            2 * (point + draft.late) + 1,
            request,
            (draft.fate > 1).then_some(response),
        ));
    }
    history(&calls)
}

fn corrupt(calls: &mut [Call], corruption: &Corruption) {
    let index = corruption.index % calls.len();
    let call = &mut calls[index];
    let by = corruption.by;
    match (corruption.what, &mut call.response) {
        (0, Some(Response::Found(value, _))) => {
            *value = match value {
                Some(value) if value.name > by => Some(v(value.name - by)),
                Some(_) => None,
                None => Some(v(by)),
            }
        }
        (1, Some(Response::Found(_, revision) | Response::Written(revision))) => {
            revision.0 = revision.0.saturating_sub(by);
        }
        (2, Some(_)) => call.invoked = call.invoked.saturating_sub(40 * by),
        (3, Some(_)) => {
            call.invoked += 40 * by;
            call.returned += 40 * by;
        }
        (_, Some(Response::Found(..))) => {
            // A later call's answer, which is the likeliest way to be wrong.
            let other = calls[(index + by as usize) % calls.len()].response;
            if let Some(Response::Found(..)) = other {
                calls[index].response = other;
            }
        }
        _ => {}
    }
}

/// Gives every event a place of its own, as the histories of runs have.
fn in_places_of_their_own(calls: &mut [Call]) {
    let mut events: Vec<(u64, usize, bool)> = Vec::new();
    for (index, call) in calls.iter().enumerate() {
        events.push((call.invoked, index, false));
        if call.response.is_some() {
            events.push((call.returned, index, true));
        }
    }
    events.sort_unstable();
    for (place, (_, index, is_return)) in events.into_iter().enumerate() {
        match is_return {
            false => calls[index].invoked = place as u64,
            true => calls[index].returned = place as u64,
        }
    }
}

fn random_history(drafts: &[Draft], style: Style, wrong: &[Corruption]) -> Vec<Call> {
    let mut calls = run(drafts, style);
    for corruption in wrong {
        corrupt(&mut calls, corruption);
    }
    in_places_of_their_own(&mut calls);
    calls
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40_000, ..ProptestConfig::default() })]

    #[test]
    fn on_small_histories_every_algorithm_says_what_the_definition_says(
        drafts in drafts(7), style in styles(), wrong in corruptions()
    ) {
        let calls = random_history(&drafts, style, &wrong);
        let truth = brute::is_linearizable(&calls);
        if wrong.is_empty() {
            prop_assert!(truth);
        }
        prop_assert_eq!(by_search(&calls), Some(truth));
        if let Some(verdict) = by_zones(&calls) {
            prop_assert_eq!(verdict, truth);
        }
        prop_assert_eq!(matches!(judge(&calls, BUDGET), Finding::Holds), truth);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, ..ProptestConfig::default() })]

    #[test]
    fn on_larger_histories_zones_and_search_do_not_disagree(
        drafts in drafts(200), style in styles(), wrong in corruptions()
    ) {
        let calls = random_history(&drafts, style, &wrong);
        // The search may give up, but it must not be wrong.
        let found = by_search_within(&calls, 5_000);
        if wrong.is_empty() {
            prop_assert_ne!(found, Some(false));
        }
        if let (Some(found), Some(verdict)) = (found, by_zones(&calls)) {
            prop_assert_eq!(found, verdict);
        }
    }

    #[test]
    fn a_valid_history_with_growing_revisions_is_found_without_a_step_back(
        drafts in drafts(60), style in styles()
    ) {
        let style = Style { tells_revisions: true, growing: true, swaps: true, ..style };
        let answered: Vec<Draft> = drafts
            .into_iter()
            .map(|draft| Draft { fate: 2 + draft.fate, ..draft })
            .collect();
        let calls = random_history(&answered, style, &[]);
        let writes = calls.iter().filter(|call| matches!(call.response, Some(Response::Written(_))));
        let mut budget = writes.count() as u64;
        let mut history = KeyHistory::default();
        prop_assert!(history.sort_out(&calls, &all_on_one_key(&calls)).is_ok());
        prop_assert!(matches!(search::judge(&history, &calls, &mut budget), Some(Ok(()))));
    }

    #[test]
    fn the_order_of_the_calls_does_not_matter(
        drafts in drafts(12), style in styles(), wrong in corruptions(), turn in 0..12usize
    ) {
        let mut calls = random_history(&drafts, style, &wrong);
        let found = by_search(&calls);
        let len = calls.len();
        calls.rotate_left(turn % len);
        prop_assert_eq!(by_search(&calls), found);
    }
}
