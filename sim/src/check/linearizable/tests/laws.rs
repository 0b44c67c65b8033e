//! Random histories: every algorithm says what the definition says, and none disagrees with another.

use proptest::prelude::*;

use super::*;

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
    match (corruption.what, &mut call.exchange.response) {
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
                calls[index].exchange.response = other;
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
