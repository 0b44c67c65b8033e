//! The judge and each of its algorithms, on histories by hand and at random.

mod acquittals;
mod convictions;
mod findings;
mod laws;

use netsplit::kv::{Exchange, Key, Request, Response, Revision, Value};
use netsplit::{NodeId, OpId, Time};

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
        exchange: Exchange::new(request, response),
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
        Finding::Violated(evidence) => evidence,
        finding => panic!("{finding:?}"),
    }
}
