//! What the judges of eventual stores share: what a call saw or made of its key, and what explains an absence.

use std::collections::BTreeMap;

use netsplit::kv::{Key, Request, Response, Revision, Value};
use netsplit::{Span, Time};

use super::{Call, Finding};

/// The calls by their keys, in the order given.
pub(super) fn by_key(calls: &[Call]) -> BTreeMap<Key, Vec<&Call>> {
    let mut keys: BTreeMap<Key, Vec<&Call>> = BTreeMap::new();
    for call in calls {
        keys.entry(call.request.key()).or_default().push(call);
    }
    keys
}

impl Call {
    /// The revision that it certainly made.
    pub(super) fn made(&self) -> Option<Revision> {
        match self.response {
            Some(Response::Written(revision)) => Some(revision),
            _ => None,
        }
    }

    /// The revision that it was shown.
    pub(super) fn shown(&self) -> Option<Revision> {
        match self.response {
            Some(Response::Found(_, revision)) => Some(revision),
            _ => None,
        }
    }

    /// The value that it was answered with.
    pub(super) fn found(&self) -> Option<Value> {
        match self.response {
            Some(Response::Found(value, _)) => value,
            _ => None,
        }
    }

    /// What it saw of its key, if anything, and of which revision: the one rule of what a look is. Whoever was answered
    /// with what is there has looked, whatever it asked for. So has a put where nothing was expected that wrote: it saw
    /// nothing, and of no revision.
    pub(super) fn saw(&self) -> Option<(Option<Value>, Revision)> {
        match (self.request, self.response?) {
            (_, Response::Found(value, revision)) => Some((value, revision)),
            (Request::Cas(_, None, _), Response::Written(_)) => Some((None, Revision(0))),
            (_, Response::Written(_)) => None,
        }
    }

    /// The value that it writes, if it writes any.
    pub(super) fn writes(&self) -> Option<Value> {
        match self.request {
            Request::Put(_, value) | Request::Cas(_, _, value) => Some(value),
            Request::Get(_) | Request::Delete(_) => None,
        }
    }

    pub(super) fn is_delete(&self) -> bool {
        matches!(self.request, Request::Delete(_))
    }

    /// Whether what it wrote may have outlived its life at an instant, by whichever clock of the run: its writer's may
    /// be ahead and the reader's too. An access may have made it live longer, which nobody has to know.
    pub(super) fn may_be_over(&self, at: Time, skew: Span) -> bool {
        let over = |life| at + skew * 2 >= self.invoked_at + life;
        self.life.is_some_and(over)
    }
}

/// Whether anything explains that a call found nothing, although `write` was there for it to be seen: a delete that may
/// be newer, or something newer that may be over already, the write itself included. What has an unknown outcome may be
/// newer than anything, and so may be what is not known to have been done by one server only.
pub(super) fn is_explained(
    found_nothing: &Call,
    write: &Call,
    of_key: &[&Call],
    skew: Span,
) -> bool {
    let at = found_nothing.returned_at.unwrap_or(Time::NEVER);
    let may_be_newer = |other: &&&Call| match other.response {
        None => !other.request.is_read(),
        Some(_) => other.made() >= write.made() || other.server.is_none() && other.made().is_some(),
    };
    let explains = |other: &&Call| other.is_delete() || other.may_be_over(at, skew);
    of_key
        .iter()
        .filter(|other| other.invoked < found_nothing.returned && other.op != found_nothing.op)
        .filter(may_be_newer)
        .any(explains)
}

/// Whether a short life explains that a call found something older than a revision: something at least as new that lives
/// shorter than what was found may be over already, and who never heard of it still hands the older around.
pub(super) fn is_outbid(found_older: &Call, than: Revision, of_key: &[&Call], skew: Span) -> bool {
    let at = found_older.returned_at.unwrap_or(Time::NEVER);
    let Some(found) = found_older.found() else {
        return false;
    };
    let writes_it = |other: &&&Call| other.writes() == Some(found);
    let life = of_key.iter().find(writes_it).and_then(|write| write.life);
    let is_newer = |other: &Call| match other.response {
        None => true,
        Some(_) => other.made() >= Some(than),
    };
    of_key.iter().any(|other| {
        let lives_shorter = other.life.is_some() && (life.is_none() || other.life < life);
        let is_before = other.invoked < found_older.returned && other.writes().is_some();
        is_before && lives_shorter && is_newer(other) && other.may_be_over(at, skew)
    })
}

/// The breaches as a finding: the first in full, the others in number.
pub(super) fn finding(breaches: Vec<String>) -> Finding {
    let more = breaches.len().saturating_sub(1);
    match breaches.into_iter().next() {
        None => Finding::Holds,
        Some(only) if more == 0 => Finding::Violated(only),
        Some(first) => Finding::Violated(format!("{first}; and {more} more like this")),
    }
}
