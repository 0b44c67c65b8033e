//! What clients ask of a node, what they are answered, and how that looks to a judge.

use std::fmt;

use super::record::Stamp;
use crate::kv::{self, Exchange, Key, Revision, Value};
use crate::process::Size;
use crate::{LimitCall, NodeId, Span};

/// What a client asks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Request {
    /// The value of a key.
    Get(Key),
    /// The same, by one who knows that it was written: it is patient with a node that has not heard of it.
    Find(Key),
    /// Set a key (POST), for so long.
    Put(Key, Value, Span),
    /// Set a key that has a value (PATCH), for so long.
    Patch(Key, Value, Span),
    /// Remove a key (DELETE, or PATCH with null).
    Delete(Key),
    /// A request that belongs to a session: it goes where the session is, or the session is learned, and goes to this one;
    /// it lives for so long since it was last used.
    Visit(Key, Value, Span),
    /// A request under a limit.
    Call(Key),
}

/// What a client is answered, and by whom.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Response {
    /// The key holds this value, or none; since when, if the node has heard of it at all.
    Found(NodeId, Option<Value>, Option<Stamp>),
    /// The write was done under this stamp, by its writer.
    Written(Stamp),
    /// The request goes on.
    Admitted(NodeId),
    /// There are too many of them.
    Refused(NodeId),
}

impl Request {
    /// What it is about.
    pub fn key(&self) -> Key {
        match self {
            Request::Get(key)
            | Request::Find(key)
            | Request::Put(key, ..)
            | Request::Patch(key, ..)
            | Request::Delete(key)
            | Request::Visit(key, ..)
            | Request::Call(key) => *key,
        }
    }

    /// Whether it only looks.
    pub fn is_read(&self) -> bool {
        matches!(self, Request::Get(_) | Request::Find(_))
    }
}

/// A key 4, a life 8, and the value.
impl Size for Request {
    fn size(&self) -> usize {
        match self {
            Request::Get(_) | Request::Find(_) | Request::Delete(_) | Request::Call(_) => 4,
            Request::Put(_, value, _)
            | Request::Patch(_, value, _)
            | Request::Visit(_, value, _) => 12 + value.bytes as usize,
        }
    }
}

/// A node 4, a time 8, and the value.
impl Size for Response {
    fn size(&self) -> usize {
        match self {
            Response::Found(_, value, _) => 16 + value.map_or(0, |value| value.bytes as usize),
            Response::Written(_) => 12,
            Response::Admitted(_) | Response::Refused(_) => 4,
        }
    }
}

/// A stamp as the revision of a store: in the order of stamps, and so that a person can read it, for the last four
/// digits are the writer's number. Good for 58 years of microseconds.
pub fn revision(stamp: Stamp) -> Revision {
    let writer = stamp.writer.number();
    assert!(writer < 10_000, "a mesh has at most 1,000 nodes");
    Revision(stamp.time * 10_000 + u64::from(writer))
}

/// The pairs, to a judge of stores.
pub fn pairs(request: &Request, response: Option<&Response>) -> Option<Exchange> {
    let (as_kv, life) = match *request {
        Request::Get(key) | Request::Find(key) => (kv::Request::Get(key), None),
        Request::Put(key, value, life) => (kv::Request::Put(key, value), Some(life)),
        // It found nothing to change.
        Request::Patch(key, ..) if matches!(response, Some(Response::Found(..))) => {
            (kv::Request::Get(key), None)
        }
        Request::Patch(key, value, life) => (kv::Request::Put(key, value), Some(life)),
        Request::Delete(key) => (kv::Request::Delete(key), None),
        Request::Visit(..) | Request::Call(_) => return None,
    };
    let waits = matches!(request, Request::Find(_));
    Some(Exchange {
        waits,
        ..exchange(as_kv, response, life)
    })
}

/// The sessions, to a judge of stores: each visit writes where there is nothing.
pub fn sessions(request: &Request, response: Option<&Response>) -> Option<Exchange> {
    let Request::Visit(session, value, life) = *request else {
        return None;
    };
    Some(exchange(
        kv::Request::Cas(session, None, value),
        response,
        Some(life),
    ))
}

/// The calls, to a judge of limits.
pub fn calls(request: &Request, response: Option<&Response>) -> Option<LimitCall> {
    let Request::Call(key) = *request else {
        return None;
    };
    let admitted = matches!(response, Some(Response::Admitted(_)));
    Some(LimitCall { key, admitted })
}

fn exchange(request: kv::Request, response: Option<&Response>, life: Option<Span>) -> Exchange {
    let (server, response) = match response {
        Some(Response::Found(by, value, since)) => {
            let seen = since.map(revision).unwrap_or_default();
            (Some(*by), Some(kv::Response::Found(*value, seen)))
        }
        Some(Response::Written(stamp)) => {
            let made = revision(*stamp);
            (Some(stamp.writer), Some(kv::Response::Written(made)))
        }
        Some(Response::Admitted(by) | Response::Refused(by)) => (Some(*by), None),
        None => (None, None),
    };
    Exchange {
        request,
        response,
        server,
        life,
        waits: false,
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Request::Get(key) => write!(f, "get {key}"),
            Request::Find(key) => write!(f, "find {key}"),
            Request::Put(key, value, life) => write!(f, "put {key}={value} for {life}"),
            Request::Patch(key, value, life) => write!(f, "patch {key}={value} for {life}"),
            Request::Delete(key) => write!(f, "delete {key}"),
            Request::Visit(session, value, _) => write!(f, "visit {session} or learn {value}"),
            Request::Call(key) => write!(f, "call {key}"),
        }
    }
}

impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Response::Found(by, value, since) => {
                match value {
                    Some(value) => write!(f, "{by} found {value}")?,
                    None => write!(f, "{by} found nothing")?,
                }
                since.map_or(Ok(()), |since| write!(f, " of {since}"))
            }
            Response::Written(stamp) => write!(f, "written {stamp}"),
            Response::Admitted(by) => write!(f, "{by} admits it"),
            Response::Refused(by) => write!(f, "{by} refuses it"),
        }
    }
}
