//! The client's side of a key-value store: what is asked and what is answered, shared by the modes that are one.
//!
//! A [`Value`] is a name and a size: the simulation carries its weight without carrying its bytes. Every write of a
//! workload has a name of its own, and every answer says which [`Revision`] it saw or made, also of an absence, so that
//! each write is unique and a history can be judged fast.

use std::fmt;

use crate::mode::{Does, Mode, Operation};
use crate::process::{Kinds, Size};
use crate::{NodeId, Span};

/// A key, printed `k7`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Key(pub u32);

/// A value: a name that is unique among the writes of a run, and a size in bytes. Printed `v41`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Value {
    /// Unique in the run.
    pub name: u64,
    /// What it weighs, in bytes.
    pub bytes: u32,
}

/// When a key was last written, in the store's own order: from 1, growing with every write of the key; 0 if it never was.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Revision(pub u64);

/// What a client asks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Request {
    /// The value of a key.
    Get(Key),
    /// Set a key.
    Put(Key, Value),
    /// Remove a key.
    Delete(Key),
    /// Compare and swap: set a key if it holds the expected value, or nothing where `None` is expected.
    Cas(Key, Option<Value>, Value),
}

/// What a client is answered.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Response {
    /// The key holds this value (`None`: no value), last written at this revision. Also the answer to a compare-and-swap
    /// that found something else than it expected.
    Found(Option<Value>, Revision),
    /// The write was done and made this revision.
    Written(Revision),
}

/// What passed between a client and a store in one operation, in the terms of a judge.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Exchange {
    /// What was asked.
    pub request: Request,
    /// What was answered; none while it is not known.
    pub response: Option<Response>,
    /// Who answered, where the answer says so. None too if others were asked before and may have done it again: a judge
    /// then takes it that it may have been done at any time.
    pub server: Option<NodeId>,
    /// How long what it writes lives, if not for ever.
    pub life: Option<Span>,
    /// Whether who asked was ready to wait for something that was not there yet.
    pub waits: bool,
}

impl Exchange {
    /// An exchange with a store that does not say who answered, and keeps what is written for ever.
    pub fn new(request: Request, response: Option<Response>) -> Exchange {
        Exchange {
            request,
            response,
            server: None,
            life: None,
            waits: false,
        }
    }
}

/// How an operation of a mode whose clients speak these words looks to a judge: a [`crate::View`].
pub fn view(request: &Request, response: Option<&Response>) -> Option<Exchange> {
    Some(Exchange::new(*request, response.copied()))
}

/// What a client of such a mode was told that a key holds: a [`Mode::told`].
pub fn told(request: &Request, response: &Response) -> Option<(Key, Option<Value>)> {
    let value = match (request, response) {
        (_, Response::Found(value, _)) => *value,
        (Request::Put(_, value) | Request::Cas(_, _, value), Response::Written(_)) => Some(*value),
        (Request::Get(_) | Request::Delete(_), Response::Written(_)) => None,
    };
    Some((request.key(), value))
}

/// The operations of such a mode: `get`, `put`, `delete` and `cas`.
pub const fn operations<M: Mode<Request = Request>>() -> [Operation<M>; 4] {
    [
        Operation {
            name: "get",
            does: Does::Looks,
            request: |_, ask| Request::Get(ask.key),
        },
        Operation {
            name: "put",
            does: Does::Changes,
            request: |_, ask| Request::Put(ask.key, ask.value),
        },
        Operation {
            name: "delete",
            does: Does::Changes,
            request: |_, ask| Request::Delete(ask.key),
        },
        Operation {
            name: "cas",
            does: Does::Changes,
            request: |_, ask| Request::Cas(ask.key, ask.known, ask.value),
        },
    ]
}

impl Request {
    /// The key it is about.
    pub fn key(&self) -> Key {
        match self {
            Request::Get(key)
            | Request::Put(key, _)
            | Request::Delete(key)
            | Request::Cas(key, _, _) => *key,
        }
    }

    /// Whether it only looks.
    pub fn is_read(&self) -> bool {
        matches!(self, Request::Get(_))
    }
}

impl Kinds for Request {
    const KINDS: &'static [&'static str] = &["get", "put", "delete", "cas"];

    fn kind(&self) -> usize {
        match self {
            Request::Get(_) => 0,
            Request::Put(..) => 1,
            Request::Delete(_) => 2,
            Request::Cas(..) => 3,
        }
    }
}

impl Size for Request {
    fn size(&self) -> usize {
        match self {
            Request::Get(_) | Request::Delete(_) => 4,
            Request::Put(_, value) | Request::Cas(_, None, value) => 4 + value.bytes as usize,
            Request::Cas(_, Some(old), new) => 4 + old.bytes as usize + new.bytes as usize,
        }
    }
}

impl Size for Response {
    fn size(&self) -> usize {
        match self {
            Response::Found(Some(value), _) => 8 + value.bytes as usize,
            Response::Found(None, _) | Response::Written(_) => 8,
        }
    }
}

/// `nothing`, or the value.
struct Shown(Option<Value>);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(value) => write!(f, "{value}"),
            None => f.write_str("nothing"),
        }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Request::Get(key) => write!(f, "get {key}"),
            Request::Put(key, value) => write!(f, "put {key}={value}"),
            Request::Delete(key) => write!(f, "delete {key}"),
            Request::Cas(key, expect, value) => write!(f, "cas {key} {}->{value}", Shown(*expect)),
        }
    }
}

impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Response::Found(value, revision) => write!(f, "found {} @{revision}", Shown(*value)),
            Response::Written(revision) => write!(f, "written @{revision}"),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "k{}", self.0)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.name)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
