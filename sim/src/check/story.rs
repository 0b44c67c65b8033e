//! Histories for the tests of judges, in milliseconds, all on the key k1.

use netsplit::kv::{Exchange, Key, Request, Response, Revision, Value};
use netsplit::{NodeId, OpId, Span, Time};

use super::log::{FaultLog, Reach};
use super::{Call, Finding};

pub(super) const KEY: Key = Key(1);

pub(super) fn n(number: u32) -> NodeId {
    NodeId::server(number)
}

pub(super) fn ms(millis: u64) -> Time {
    Time::ZERO + Span::millis(millis)
}

pub(super) fn value(name: u64) -> Value {
    Value { name, bytes: 16 }
}

/// A call at a server, from when until when. One that returns at an instant is concurrent with one invoked then.
pub(super) fn call(
    server: u32,
    (from, until): (u64, u64),
    request: Request,
    response: Response,
) -> Call {
    Call {
        client: NodeId::client(1),
        op: OpId(from as u32),
        exchange: Exchange {
            server: Some(n(server)),
            ..Exchange::new(request, Some(response))
        },
        invoked: 2 * from,
        returned: 2 * until + 1,
        invoked_at: ms(from),
        returned_at: Some(ms(until)),
    }
}

pub(super) fn put(server: u32, at: (u64, u64), name: u64, revision: u64) -> Call {
    let request = Request::Put(KEY, value(name));
    call(server, at, request, Response::Written(Revision(revision)))
}

pub(super) fn delete(server: u32, at: (u64, u64), revision: u64) -> Call {
    let request = Request::Delete(KEY);
    call(server, at, request, Response::Written(Revision(revision)))
}

pub(super) fn get(server: u32, at: (u64, u64), name: Option<u64>, revision: u64) -> Call {
    let found = Response::Found(name.map(value), Revision(revision));
    call(server, at, Request::Get(KEY), found)
}

/// A put where nothing is, that found something: a renewal.
pub(super) fn touch(server: u32, at: (u64, u64), name: u64, revision: u64) -> Call {
    let request = Request::Cas(KEY, None, value(1000 + at.0));
    let found = Response::Found(Some(value(name)), Revision(revision));
    call(server, at, request, found)
}

/// A put where nothing is, that wrote.
pub(super) fn create(server: u32, at: (u64, u64), name: u64, revision: u64) -> Call {
    let request = Request::Cas(KEY, None, value(name));
    call(server, at, request, Response::Written(Revision(revision)))
}

impl Call {
    pub(super) fn by(self, client: u32) -> Call {
        Call {
            client: NodeId::client(client),
            ..self
        }
    }

    pub(super) fn unanswered(self) -> Call {
        Call {
            exchange: Exchange {
                response: None,
                server: None,
                ..self.exchange
            },
            returned: u64::MAX,
            returned_at: None,
            ..self
        }
    }

    pub(super) fn living(self, millis: u64) -> Call {
        Call {
            exchange: Exchange {
                life: Some(Span::millis(millis)),
                ..self.exchange
            },
            ..self
        }
    }
}

/// Three servers and a hundred seconds in which nothing happened.
pub(super) fn quiet() -> FaultLog {
    let mut log = FaultLog::new(vec![n(1), n(2), n(3)]);
    log.close(ms(100_000));
    log
}

/// The same with one trouble.
pub(super) fn troubled(on: Reach, from: u64, until: u64) -> FaultLog {
    let mut log = quiet();
    log.begin(on, ms(from));
    log.end(on, ms(until));
    log
}

/// The same with one death, and a restart.
pub(super) fn bereaved(server: u32, from: u64, until: u64) -> FaultLog {
    let mut log = quiet();
    log.die(n(server), ms(from));
    log.rise(n(server), ms(until));
    log
}

/// The same with clocks that are off by so much.
pub(super) fn skewed(millis: u64) -> FaultLog {
    let mut log = quiet();
    log.clock_is_off(Span::millis(millis));
    log
}

/// The evidence of a conviction; none of an acquittal.
#[track_caller]
pub(super) fn evidence(finding: Finding) -> Option<String> {
    match finding {
        Finding::Holds => None,
        Finding::Violated(evidence) => Some(evidence),
        Finding::Unknown(why) => panic!("{why}"),
    }
}
