//! How what passed between a client and a node looks to a judge.

use super::super::super::request::{calls, pairs, revision, sessions};
use super::*;
use crate::LimitCall;
use crate::kv::{self, Exchange, Revision};

const LIFE: Span = Span::secs(10);

fn stamp() -> Stamp {
    at(10_000_000, 2)
}

fn found(value: Option<Value>, since: Option<Stamp>) -> Response {
    Response::Found(n(1), value, since)
}

/// What was asked, and the answer of a node.
fn exchange(request: kv::Request, server: u32, response: kv::Response) -> Exchange {
    Exchange {
        server: Some(n(server)),
        ..Exchange::new(request, Some(response))
    }
}

fn seen(value: Option<Value>, revision: u64) -> kv::Response {
    kv::Response::Found(value, Revision(revision))
}

#[test]
fn revisions_stand_in_the_order_of_stamps_and_end_in_the_writer() {
    let mut stamps = [at(1, 1), at(1, 2), at(1, 1000), at(2, 1), at(3, 1)];
    stamps.sort();
    let revisions = stamps.map(|stamp| revision(stamp).0);
    assert_eq!(revisions, [10_001, 10_002, 11_000, 20_001, 30_001]);
    assert!(revisions.is_sorted());
}

#[test]
fn the_last_writer_that_a_revision_can_name_is_9999() {
    assert_eq!(revision(at(1, 9_999)).0 + 2, revision(at(2, 1)).0);
    assert!(std::panic::catch_unwind(|| revision(at(1, 10_000))).is_err());
}

#[test]
fn a_read_of_a_pair_saw_a_value_or_its_absence_at_a_revision() {
    let read = kv::Request::Get(Key(7));
    for (value, since, revision) in [
        (Some(v(70)), Some(stamp()), 100_000_000_002),
        (None, Some(stamp()), 100_000_000_002),
        (None, None, 0),
    ] {
        assert_eq!(
            pairs(&get(7), Some(&found(value, since))),
            Some(exchange(read, 1, seen(value, revision)))
        );
    }
    assert_eq!(pairs(&get(7), None), Some(Exchange::new(read, None)));
}

#[test]
fn who_finds_waits_and_who_gets_does_not() {
    let waits = |request| pairs(&request, None).map(|exchange| exchange.waits);
    assert_eq!(waits(Request::Find(Key(7))), Some(true));
    assert_eq!(waits(get(7)), Some(false));
}

#[test]
fn a_put_is_a_write_by_who_stamped_it_and_has_a_life() {
    let put = Request::Put(Key(7), v(70), LIFE);
    let write = kv::Request::Put(Key(7), v(70));
    let made = kv::Response::Written(Revision(100_000_000_002));
    let done = Exchange {
        life: Some(LIFE),
        ..exchange(write, 2, made)
    };
    let answer = Response::Written(stamp());
    assert_eq!(pairs(&put, Some(&answer)), Some(done));
    let open = Exchange {
        life: Some(LIFE),
        ..Exchange::new(write, None)
    };
    assert_eq!(pairs(&put, None), Some(open));
}

#[test]
fn a_patch_is_a_write_unless_it_found_nothing_to_change() {
    let patch = Request::Patch(Key(7), v(70), LIFE);
    let as_asked = |response: Option<Response>| {
        let exchange = pairs(&patch, response.as_ref()).unwrap();
        (exchange.request, exchange.life)
    };
    let write = (kv::Request::Put(Key(7), v(70)), Some(LIFE));
    assert_eq!(as_asked(None), write);
    assert_eq!(as_asked(Some(Response::Written(stamp()))), write);
    let read = (kv::Request::Get(Key(7)), None);
    assert_eq!(as_asked(Some(found(None, None))), read);
}

#[test]
fn a_delete_is_a_write_that_lives_for_ever() {
    let delete = Request::Delete(Key(7));
    let made = kv::Response::Written(Revision(100_000_000_002));
    let done = exchange(kv::Request::Delete(Key(7)), 2, made);
    assert_eq!(
        pairs(&delete, Some(&Response::Written(stamp()))),
        Some(done)
    );
}

#[test]
fn a_visit_writes_where_there_is_nothing_and_reads_where_there_is_something() {
    let visit = Request::Visit(Key(7), v(70), LIFE);
    let learn = kv::Request::Cas(Key(7), None, v(70));
    let learned = Exchange {
        life: Some(LIFE),
        ..exchange(learn, 2, kv::Response::Written(Revision(100_000_000_002)))
    };
    let answer = Response::Written(stamp());
    assert_eq!(sessions(&visit, Some(&answer)), Some(learned));
    let touched = Exchange {
        life: Some(LIFE),
        ..exchange(learn, 1, seen(Some(v(69)), 100_000_000_002))
    };
    let answer = found(Some(v(69)), Some(stamp()));
    assert_eq!(sessions(&visit, Some(&answer)), Some(touched));
}

#[test]
fn a_call_is_admitted_if_it_is_known_to_be() {
    let call = Request::Call(Key(7));
    for (response, admitted) in [
        (Some(Response::Admitted(n(1))), true),
        (Some(Response::Refused(n(1))), false),
        (None, false),
    ] {
        let key = Key(7);
        assert_eq!(
            calls(&call, response.as_ref()),
            Some(LimitCall { key, admitted })
        );
    }
}

#[test]
fn each_request_is_seen_by_one_judge_only() {
    let seen_by = |request: Request| {
        [
            pairs(&request, None).is_some(),
            sessions(&request, None).is_some(),
            calls(&request, None).is_some(),
        ]
    };
    for request in [
        get(7),
        Request::Find(Key(7)),
        put(7, 70),
        Request::Patch(Key(7), v(70), LIFE),
        Request::Delete(Key(7)),
    ] {
        assert_eq!(seen_by(request), [true, false, false], "{request}");
    }
    let visit = Request::Visit(Key(7), v(70), LIFE);
    assert_eq!(seen_by(visit), [false, true, false]);
    assert_eq!(seen_by(Request::Call(Key(7))), [false, false, true]);
}
