//! What users and operators ask, what they are answered, and how that looks to judges.

use std::fmt;

use super::SiblingQuorum;
use super::log::Seq;
use crate::kv::{self, Exchange, Key, Revision, Value};
use crate::mode::{Does, Operation};
use crate::process::Size;

/// What a user or an operator asks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Request {
    /// A command on a resource, or a read of it, at the main.
    Store(kv::Request),
    /// Touch a resource: counted, and stamped with the time. What time it is, the main decides.
    Touch(Key),
    /// Read a resource at whichever of its nodes is nearest.
    Near(Key),
    /// Wait for the next update of a resource, as its subscriber, for a while.
    Watch(Key),
    /// Have a managing node, by its number, registered as a sibling of a group: `registerSibling`.
    Register(Key, u32),
    /// Have one removed.
    Remove(Key, u32),
}

/// The answer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Response {
    /// Of a command or a read.
    Store(kv::Response),
    /// The resource was touched so often, at this place of the log.
    Touched(u64, Seq),
    /// It is done: the list of siblings is as was asked.
    Recorded,
    /// It will not be done: the main, or the last sibling, is not removed.
    Refused,
}

/// The operations that a workload can mix.
pub const OPERATIONS: &[Operation<SiblingQuorum>] = &[
    operation("get", Does::Looks, |_, ask| {
        Request::Store(kv::Request::Get(ask.key))
    }),
    operation("near", Does::Looks, |_, ask| Request::Near(ask.key)),
    operation("watch", Does::Shows, |_, ask| Request::Watch(ask.key)),
    operation("put", Does::Changes, |_, ask| {
        Request::Store(kv::Request::Put(ask.key, ask.value))
    }),
    operation("delete", Does::Changes, |_, ask| {
        Request::Store(kv::Request::Delete(ask.key))
    }),
    operation("cas", Does::Changes, |_, ask| {
        Request::Store(kv::Request::Cas(ask.key, ask.known, ask.value))
    }),
    operation("touch", Does::Changes, |_, ask| Request::Touch(ask.key)),
    operation("register", Does::Changes, |options, ask| {
        Request::Register(ask.key, options.drawn(ask.value))
    }),
    operation("remove", Does::Changes, |options, ask| {
        Request::Remove(ask.key, options.drawn(ask.value))
    }),
];

const fn operation(
    name: &'static str,
    does: Does,
    request: fn(&super::Options, crate::Ask) -> Request,
) -> Operation<SiblingQuorum> {
    Operation {
        name,
        does,
        request,
    }
}

/// All that is said of resources, for judges of sessions.
pub fn all(request: &Request, response: Option<&Response>) -> Option<Exchange> {
    let looked = |key: Key| kv::Request::Get(key);
    let request = match *request {
        Request::Store(request) => request,
        Request::Near(key) | Request::Watch(key) => looked(key),
        Request::Touch(_) | Request::Register(..) | Request::Remove(..) => return None,
    };
    let response = match response {
        Some(Response::Store(response)) => Some(*response),
        _ => None,
    };
    Some(Exchange::new(request, response))
}

/// What is said at the main: of that, every resource is a linearizable register.
pub fn strong(request: &Request, response: Option<&Response>) -> Option<Exchange> {
    match request {
        Request::Near(_) | Request::Watch(_) => None,
        _ => all(request, response),
    }
}

/// What a user was told that a resource holds.
pub fn told(request: &Request, response: &Response) -> Option<(Key, Option<Value>)> {
    match (request, response) {
        (Request::Store(request), Response::Store(response)) => kv::told(request, response),
        (Request::Near(key) | Request::Watch(key), Response::Store(response)) => {
            kv::told(&kv::Request::Get(*key), response)
        }
        _ => None,
    }
}

impl Request {
    /// The resource it is about; for what operators ask, one of the group.
    pub fn key(&self) -> Key {
        match self {
            Request::Store(request) => request.key(),
            Request::Touch(key)
            | Request::Near(key)
            | Request::Watch(key)
            | Request::Register(key, _)
            | Request::Remove(key, _) => *key,
        }
    }

    /// Whether it changes nothing, so that one that was given up has failed.
    pub fn is_read(&self) -> bool {
        match self {
            Request::Store(request) => request.is_read(),
            Request::Near(_) | Request::Watch(_) => true,
            Request::Touch(_) | Request::Register(..) | Request::Remove(..) => false,
        }
    }

    /// Whether only the main can answer it.
    pub(super) fn goes_to_main(&self) -> bool {
        match self {
            Request::Store(_) | Request::Touch(_) | Request::Watch(_) => true,
            Request::Near(_) | Request::Register(..) | Request::Remove(..) => false,
        }
    }

    /// Whether it is a command: executed once, and logged.
    pub fn is_update(&self) -> bool {
        match self {
            Request::Store(request) => !request.is_read(),
            Request::Touch(_) => true,
            _ => false,
        }
    }
}

impl Response {
    /// What a resource holds, or held.
    pub fn found(value: Option<Value>, at: Seq) -> Response {
        Response::Store(kv::Response::Found(value, Revision(at.0)))
    }
}

impl Size for Request {
    fn size(&self) -> usize {
        match self {
            Request::Store(request) => request.size(),
            Request::Touch(_) | Request::Near(_) => 4,
            Request::Watch(_) | Request::Register(..) | Request::Remove(..) => 8,
        }
    }
}

impl Size for Response {
    fn size(&self) -> usize {
        match self {
            Response::Store(response) => response.size(),
            Response::Touched(..) => 16,
            Response::Recorded | Response::Refused => 1,
        }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Request::Store(request) => write!(f, "{request}"),
            Request::Touch(key) => write!(f, "touch {key}"),
            Request::Near(key) => write!(f, "near {key}"),
            Request::Watch(key) => write!(f, "watch {key}"),
            Request::Register(key, node) => write!(f, "register m{node} for {key}"),
            Request::Remove(key, node) => write!(f, "remove m{node} from {key}"),
        }
    }
}

impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Response::Store(response) => write!(f, "{response}"),
            Response::Touched(count, at) => write!(f, "touched {count} times @{at}"),
            Response::Recorded => f.write_str("recorded"),
            Response::Refused => f.write_str("refused"),
        }
    }
}
