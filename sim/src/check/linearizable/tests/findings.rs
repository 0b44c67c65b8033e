//! What is said of many keys, and where the budget ends.

use super::*;

#[test]
fn each_key_is_judged_alone_and_violations_are_collected() {
    let mut calls = Vec::new();
    for number in 0..5 {
        for mut call in history(&[(0, 1, put(1), written(1)), (2, 3, get(), absent(0))]) {
            call.exchange.request = match call.request {
                Request::Get(_) => Request::Get(Key(number)),
                _ => Request::Put(Key(number), v(1)),
            };
            call.op = OpId(call.op.0 + 2 * number);
            calls.push(call);
        }
    }
    let Finding::Violated(evidence) = judge(&calls, BUDGET) else {
        panic!("stale reads on five keys");
    };
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
        exchange: Exchange::new(Request::Get(Key(4)), found(9, 9)),
        ..calls[0]
    });
    assert!(matches!(judge(&calls, 1), Finding::Violated(_)));
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
