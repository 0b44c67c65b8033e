//! The judge on histories by hand, in pairs, and at random.
//!
//! In those by hand the linearizable operations are those at n1; the other servers are siblings.

mod laws;

use netsplit::kv::{self, Exchange, Request};
use netsplit::raft::Raft;
use netsplit::{Outcome, Promise};

use super::super::log::FaultLog;
use super::super::story::{
    KEY, bereaved, create, delete, evidence, get, ms, n, put, quiet, touch, value,
};
use super::*;
use crate::check::{self, Views};
use crate::history::History;

fn judged(calls: &[Call], log: &FaultLog) -> Option<String> {
    let at_main = |call: &&Call| call.server == Some(n(1));
    let strong: Vec<Call> = calls.iter().filter(at_main).copied().collect();
    evidence(judge(calls, &strong, log))
}

#[track_caller]
fn convicts(calls: &[Call], of: &str) {
    let evidence = judged(calls, &quiet()).unwrap_or_else(|| panic!("acquitted"));
    assert!(evidence.contains(of), "{evidence}");
}

#[track_caller]
fn acquits(calls: &[Call]) {
    assert_eq!(judged(calls, &quiet()), None);
}

/// A log of a run in which a client died once.
fn widowed(client: u32, at: u64) -> FaultLog {
    let mut log = quiet();
    log.lose_client(NodeId::client(client), ms(at));
    log
}

#[test]
fn a_session_may_stay_where_it_is_and_must_not_go_back() {
    let first = get(2, (1, 2), Some(7), 5);
    acquits(&[first, get(3, (3, 4), Some(7), 5)]);
    acquits(&[first, get(3, (3, 4), Some(8), 6)]);
    convicts(
        &[first, get(3, (3, 4), Some(6), 4)],
        "c1 went back on k1: c1 get k1 -> found v7 @5 from n2 (#1), and after it c1 get k1 -> found v6 @4 from n3 (#3)",
    );
}

#[test]
fn another_session_may_be_behind() {
    let first = get(2, (1, 2), Some(7), 5);
    acquits(&[first, get(2, (3, 4), Some(6), 4).by(2)]);
    acquits(&[first.by(2), get(2, (3, 4), Some(6), 4)]);
}

#[test]
fn a_session_sees_what_it_wrote() {
    for write in [put(1, (1, 2), 7, 5), create(1, (1, 2), 7, 5)] {
        acquits(&[write, get(2, (3, 4), Some(7), 5)]);
        convicts(&[write, get(2, (3, 4), Some(6), 4)], "c1 went back on k1");
        convicts(&[write, get(2, (3, 4), None, 0)], "c1 went back on k1");
        acquits(&[write, get(2, (3, 4), Some(6), 4).by(2)]);
    }
}

#[test]
fn an_absence_counts_as_any_other_look() {
    let gone = delete(1, (1, 2), 5);
    acquits(&[gone, get(2, (3, 4), None, 5)]);
    convicts(&[gone, get(2, (3, 4), Some(6), 4)], "c1 went back on k1");
    convicts(&[gone, get(2, (3, 4), None, 3)], "c1 went back on k1");
    let absent = get(2, (1, 2), None, 5);
    convicts(&[absent, get(3, (3, 4), Some(6), 4)], "c1 went back on k1");
    acquits(&[absent, get(3, (3, 4), Some(8), 6)]);
    // Nothing is older than what never was.
    acquits(&[get(2, (1, 2), None, 0), get(3, (3, 4), None, 0)]);
}

#[test]
fn a_swap_that_found_something_else_has_looked() {
    let found = touch(1, (3, 4), 6, 4);
    convicts(&[get(2, (1, 2), Some(7), 5), found], "c1 went back on k1");
    acquits(&[get(2, (1, 2), Some(6), 4), found]);
    convicts(&[found, get(2, (5, 6), Some(5), 3)], "c1 went back on k1");
    acquits(&[found, get(2, (5, 6), Some(6), 4)]);
}

#[test]
fn what_a_session_writes_is_newer_than_what_it_knew() {
    let known = get(2, (1, 2), None, 5);
    for of in [4, 5] {
        convicts(
            &[known, delete(2, (3, 4), of)],
            "c1 wrote k1, and it is no newer than what it knew",
        );
    }
    acquits(&[known, delete(2, (3, 4), 6)]);
}

#[test]
fn only_what_was_answered_before_binds_what_is_asked() {
    // A client asks one thing at a time; were it otherwise, nothing would follow.
    acquits(&[get(2, (1, 3), Some(7), 5), get(3, (3, 4), Some(6), 4)]);
    let shown = get(2, (1, 3), Some(7), 5).by(2);
    acquits(&[shown, get(1, (3, 9), Some(6), 4)]);
    convicts(&[shown, get(1, (4, 9), Some(6), 4)], "did not stay");
    // The write was done early and acknowledged late.
    acquits(&[shown, put(1, (3, 9), 6, 4)]);
    convicts(&[shown, put(1, (4, 9), 6, 4)], "no newer than what was");
}

#[test]
fn a_client_that_died_starts_a_session_anew() {
    let calls = [get(2, (10, 20), Some(7), 5), get(3, (30, 40), Some(6), 4)];
    for (dies, holds) in [(9, false), (10, true), (25, true), (40, true), (41, false)] {
        let told = judged(&calls, &widowed(1, dies));
        assert_eq!(told.is_none(), holds, "dies at {dies}");
    }
    assert!(judged(&calls, &widowed(2, 25)).is_some());
    // What happens to servers excuses nobody.
    assert!(judged(&calls, &bereaved(3, 25, 26)).is_some());
    // Each session is judged.
    let second = get(2, (50, 60), Some(5), 3);
    let told = judged(&[calls[0], calls[1], second], &widowed(1, 25)).unwrap();
    assert!(told.contains("(#30), and after it"), "{told}");
}

#[test]
fn a_revision_has_one_value() {
    let shown = get(2, (1, 2), Some(7), 5);
    let at_once = |other: Call| [shown, other.by(2)];
    acquits(&at_once(get(3, (1, 2), Some(7), 5)));
    acquits(&at_once(get(3, (1, 2), Some(8), 6)));
    acquits(&at_once(put(1, (1, 2), 7, 5)));
    acquits(&at_once(create(1, (1, 2), 7, 5)));
    for other in [
        get(3, (1, 2), Some(8), 5),
        get(3, (1, 2), None, 5),
        touch(1, (1, 2), 8, 5),
        put(1, (1, 2), 8, 5),
        create(1, (1, 2), 8, 5),
        delete(1, (1, 2), 5),
    ] {
        convicts(&at_once(other), "revision 5 of k1 has two values");
    }
    acquits(&[get(2, (1, 2), None, 5), delete(1, (1, 2), 5).by(2)]);
    convicts(
        &[put(1, (1, 9), 7, 5), put(1, (1, 9), 8, 5).by(2)],
        "two values: c1 put k1=v7 -> written @5 from n1 (#1), and c2 put k1=v8 -> written @5 from n1 (#1)",
    );
}

#[test]
fn revisions_of_two_keys_are_not_compared() {
    let elsewhere = |mut call: Call| {
        call.exchange.request = Request::Get(Key(2));
        call
    };
    let shown = get(2, (1, 2), Some(7), 5);
    acquits(&[shown, elsewhere(get(1, (3, 4), Some(8), 5))]);
    acquits(&[shown, elsewhere(get(1, (3, 4), Some(8), 4))]);
}

#[test]
fn what_anybody_was_shown_is_there_for_whoever_looks_where_it_is_accepted() {
    let shown = get(2, (1, 2), Some(7), 5).by(2);
    acquits(&[shown, get(1, (3, 4), Some(7), 5)]);
    acquits(&[shown, get(1, (3, 4), Some(8), 6)]);
    convicts(
        &[shown, get(1, (3, 4), Some(6), 4)],
        "what was shown of k1 did not stay: c2 get k1 -> found v7 @5 from n2 (#1), and after it c1 get",
    );
    convicts(&[shown, get(1, (3, 4), None, 0)], "did not stay");
    convicts(&[shown, touch(1, (3, 4), 6, 4)], "did not stay");
    acquits(&[shown, touch(1, (3, 4), 7, 5)]);
    // A sibling may be behind.
    acquits(&[shown, get(3, (3, 4), Some(6), 4)]);
    acquits(&[shown, touch(3, (3, 4), 6, 4)]);
}

#[test]
fn what_is_written_where_it_is_accepted_is_newer_than_what_anybody_was_shown() {
    let shown = get(2, (1, 2), None, 5).by(2);
    for write in [4, 5].map(|revision| delete(1, (3, 4), revision)) {
        convicts(
            &[shown, write],
            "a write of k1 is no newer than what was shown",
        );
    }
    acquits(&[shown, delete(1, (3, 4), 6)]);
    convicts(&[shown, create(1, (3, 4), 8, 4)], "no newer than");
    acquits(&[shown, create(1, (3, 4), 8, 6)]);
}

#[test]
fn a_restart_of_whoever_was_shown_it_takes_nothing_back() {
    let calls = [get(2, (10, 20), Some(7), 5), get(1, (30, 40), Some(6), 4)];
    let told = judged(&calls, &widowed(1, 25)).unwrap();
    assert!(told.starts_with("what was shown of k1"), "{told}");
}

#[test]
fn an_unknown_outcome_binds_nobody_and_is_bound_by_nothing() {
    let unknown = put(1, (1, 2), 8, 6).unanswered();
    acquits(&[unknown, get(1, (3, 4), Some(7), 5)]);
    // It was done much later.
    acquits(&[
        unknown,
        get(1, (3, 4), Some(7), 5),
        get(2, (5, 6), Some(8), 6),
    ]);
    convicts(
        &[
            unknown,
            get(2, (3, 4), Some(8), 6),
            get(2, (5, 6), Some(7), 5),
        ],
        "c1 went back on k1",
    );
    acquits(&[
        get(2, (1, 2), Some(7), 5),
        get(1, (3, 4), None, 0).unanswered(),
    ]);
}

#[test]
fn each_rule_has_a_line_of_its_own_and_further_breaches_are_counted() {
    let calls = [
        get(2, (1, 2), Some(7), 5),
        get(1, (3, 4), Some(6), 4),
        get(1, (5, 6), Some(8), 4),
    ];
    let told = judged(&calls, &quiet()).unwrap();
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines.len(), 3, "{told}");
    assert!(lines[0].ends_with("(#3); and 1 more like this"), "{told}");
    assert!(lines[1].starts_with("revision 4 of k1"), "{told}");
    assert!(lines[2].starts_with("what was shown of k1"), "{told}");
}

/// Of the operations in one view, those in the other are linearizable: here all but gets.
#[test]
fn a_promise_names_what_is_judged_and_what_is_linearizable() {
    fn strong(request: &Request, response: Option<&Response>) -> Option<Exchange> {
        let view = kv::view(request, response);
        view.filter(|_| !request.is_read())
    }
    let promise: Promise<Raft> = Promise::SessionOrder {
        view: kv::view,
        strong,
    };
    let holds = |client: u32, request: Request| {
        let mut history = History::<Raft>::default();
        for (at, client, request, revision) in
            [(1, 2, Request::Get(KEY), 5), (3, client, request, 4)]
        {
            let op = history.invoke(ms(at), NodeId::client(client), request);
            let found = Response::Found(Some(value(revision)), Revision(revision));
            history.end(ms(at + 1), op, Outcome::Ok(found));
        }
        let mut views = Views::of(&history);
        assert!(views.shows(&promise));
        check::judge(&promise, &mut views, &quiet(), false) == Finding::Holds
    };
    assert!(holds(1, Request::Get(KEY)));
    assert!(!holds(2, Request::Get(KEY)));
    assert!(!holds(1, Request::Cas(KEY, None, value(9))));
}

#[test]
fn long_histories_are_judged_fast() {
    let calls: Vec<Call> = (0..100_000)
        .map(|n| put(1, (10 * n, 10 * n + 25), n, n + 1).by(1 + n as u32 % 3))
        .collect();
    acquits(&calls);
}
