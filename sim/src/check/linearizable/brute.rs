//! The definition of linearizability, and nothing else: every order is tried.

use netsplit::kv::{Request, Response, Value};

use crate::check::Call;

/// A register after some writes: the value, its revision if anybody has told it, and the revisions of former values.
#[derive(Clone)]
struct Register {
    value: Option<Value>,
    revision: Option<u64>,
    former: Vec<u64>,
}

/// Whether the calls, all on one key and not more than about seven, are linearizable.
pub(super) fn is_linearizable(calls: &[Call]) -> bool {
    let tells_revisions = !calls.iter().any(|call| {
        matches!(
            call.response,
            Some(Response::Written(revision) | Response::Found(Some(_), revision)) if revision.0 == 0
        )
    });
    let nothing = Register {
        value: None,
        revision: Some(0),
        former: Vec::new(),
    };
    can_finish(calls, &nothing, tells_revisions)
}

/// Whether the remaining calls can be put in an order, given what the former ones made of the register.
fn can_finish(rest: &[Call], register: &Register, tells_revisions: bool) -> bool {
    if rest.iter().all(|call| call.response.is_none()) {
        return true;
    }
    (0..rest.len()).any(|index| {
        let call = rest[index];
        let may_be_next = rest
            .iter()
            .all(|other| other.response.is_none() || other.returned >= call.invoked);
        let mut others = rest.to_vec();
        others.remove(index);
        may_be_next
            && after(register, &call, tells_revisions)
                .is_some_and(|register| can_finish(&others, &register, tells_revisions))
    })
}

/// The register after the call, if the call's answer is right.
fn after(register: &Register, call: &Call, tells_revisions: bool) -> Option<Register> {
    let told = |revision: u64| tells_revisions.then_some(revision);
    match (call.request, call.response) {
        (Request::Get(_), None) => Some(register.clone()),
        (Request::Get(_), Some(Response::Found(value, revision)))
        | (Request::Delete(_), Some(Response::Found(value @ None, revision))) => {
            seen(register, value, told(revision.0))
        }
        (Request::Cas(_, expected, _), Some(Response::Found(value, revision))) => {
            if value == expected {
                return None;
            }
            seen(register, value, told(revision.0))
        }
        (Request::Put(_, value), None) => written(register, Some(value), None),
        (Request::Put(_, value), Some(Response::Written(revision))) => {
            written(register, Some(value), told(revision.0))
        }
        (Request::Delete(_), None) => written(register, None, None),
        (Request::Delete(_), Some(Response::Written(revision))) => {
            written(register, None, told(revision.0))
        }
        (Request::Cas(_, expected, _), _) if register.value != expected => None,
        (Request::Cas(_, _, value), None) => written(register, Some(value), None),
        (Request::Cas(_, _, value), Some(Response::Written(revision))) => {
            written(register, Some(value), told(revision.0))
        }
        _ => None,
    }
}

fn seen(register: &Register, value: Option<Value>, revision: Option<u64>) -> Option<Register> {
    let mut register = register.clone();
    if register.value != value {
        return None;
    }
    if let Some(revision) = revision {
        if register.former.contains(&revision) {
            return None;
        }
        if *register.revision.get_or_insert(revision) != revision {
            return None;
        }
    }
    Some(register)
}

fn written(register: &Register, value: Option<Value>, revision: Option<u64>) -> Option<Register> {
    let mut register = register.clone();
    register.former.extend(register.revision);
    if revision.is_some_and(|revision| register.former.contains(&revision)) {
        return None;
    }
    register.value = value;
    register.revision = revision;
    Some(register)
}
