//! The order of sessions: whoever asks in one session never goes back, and what anybody was shown had been accepted.
//!
//! A store of this kind accepts what is written at one place, where looks are linearizable, and has siblings that may
//! answer with what is old. Every answer names a revision of its key: the one that it found, also of an absence, or the
//! one that it made. Three rules follow, for each key:
//!
//! 1. *Nobody goes back.* What a client does in one of its lives is a session. Once it was told of a revision, nothing
//!    that it asks afterwards in the session is answered with an older one, whichever server answers.
//! 2. *A revision has one value*, whoever tells of it: a look, or the write that made it.
//! 3. *What was shown stays.* Once anybody was told of a revision, no linearizable operation that is invoked afterwards is
//!    answered with an older one: what is shown was accepted, and what is accepted is not taken back.
//!
//! In the first and the third a write makes something newer, so it is not answered with the same revision either. Time is
//! that of the clients: one answer binds another if it came before the other was asked for. What is concurrent binds
//! nothing, and a write may have been done at any time within its own call, however often it was tried.
//!
//! What has an unknown outcome was told nothing: it binds nobody and is bound by nothing, and what it wrote may be shown
//! at any later time. A client that was restarted may have forgotten whatever it would have shown the siblings, so it
//! starts a session anew; but the third rule holds across sessions.
//!
//! That what is shown was written at all, and not only later, is for [`super::genuine`] to say, as values name their
//! writes; and whether what is linearizable is so for [`super::linearizable`].

use std::collections::BTreeMap;

use netsplit::NodeId;
use netsplit::kv::{Key, Response, Revision, Value};

use super::eventual::{by_key, finding};
use super::log::FaultLog;
use super::{Call, Finding};

/// Judges a history: all its calls, and those among them that are linearizable. The log says when clients died.
pub fn judge(calls: &[Call], strong: &[Call], log: &FaultLog) -> Finding {
    let told = |breaches| match finding(breaches) {
        Finding::Violated(evidence) => Some(evidence),
        Finding::Holds | Finding::Unknown(_) => None,
    };
    let evidence: Vec<String> = breaches(calls, strong, log)
        .into_iter()
        .filter_map(told)
        .collect();
    if evidence.is_empty() {
        Finding::Holds
    } else {
        Finding::Violated(evidence.join("\n"))
    }
}

/// The breaches of each rule.
fn breaches(calls: &[Call], strong: &[Call], log: &FaultLog) -> [Vec<String>; 3] {
    [
        who_goes_back(calls, log),
        ambiguous(calls),
        what_did_not_stay(calls, strong),
    ]
}

/// The first rule: in a session nothing gets older.
fn who_goes_back(calls: &[Call], log: &FaultLog) -> Vec<String> {
    let mut sessions: BTreeMap<(Key, NodeId, usize), Vec<&Call>> = BTreeMap::new();
    for call in calls {
        if let Some(session) = session(call, log) {
            let asked = sessions.entry((call.request.key(), call.client, session));
            asked.or_default().push(call);
        }
    }
    let mut breaches = Vec::new();
    for ((key, client, _), asked) in sessions {
        for (before, call) in set_back(&asked, &asked) {
            let what = match call.made() {
                Some(_) => format!("{client} wrote {key}, and it is no newer than what it knew"),
                None => format!("{client} went back on {key}"),
            };
            breaches.push(shown(what, before, call));
        }
    }
    breaches
}

/// In which of its lives a client asked and was answered; none if it was not, or a death touches the call.
fn session(call: &Call, log: &FaultLog) -> Option<usize> {
    log.life(call.client, call.invoked_at, call.returned_at?)
}

/// The second rule: whoever tells of a revision tells of the same value.
fn ambiguous(calls: &[Call]) -> Vec<String> {
    let mut firsts: BTreeMap<(Key, Revision), (&Call, Option<Value>)> = BTreeMap::new();
    let mut breaches = Vec::new();
    for call in calls {
        let Some((revision, value)) = names(call) else {
            continue;
        };
        let key = call.request.key();
        let (first, other) = *firsts.entry((key, revision)).or_insert((call, value));
        if value != other {
            breaches.push(format!(
                "revision {revision} of {key} has two values: {first}, and {call}"
            ));
        }
    }
    breaches
}

/// The third rule: what is linearizable is never older than what anybody was told before.
fn what_did_not_stay(calls: &[Call], strong: &[Call]) -> Vec<String> {
    let (told_of, looks) = (by_key(calls), by_key(strong));
    let mut breaches = Vec::new();
    for (key, looks) in looks {
        let told_of = told_of.get(&key).map_or(&[][..], Vec::as_slice);
        for (before, call) in set_back(told_of, &looks) {
            let what = match call.made() {
                Some(_) => format!("a write of {key} is no newer than what was shown before it"),
                None => format!("what was shown of {key} did not stay"),
            };
            breaches.push(shown(what, before, call));
        }
    }
    breaches
}

/// Those of the calls that are answered with something older than an answer that was given before they were invoked, or
/// that write and make nothing newer; each behind the newest such answer. In O(n log n).
fn set_back<'a>(answers: &[&'a Call], calls: &[&'a Call]) -> Vec<(&'a Call, &'a Call)> {
    let mut answers = answers.to_vec();
    answers.sort_unstable_by_key(|answer| answer.returned);
    let mut answers = answers.into_iter().peekable();
    let mut calls = calls.to_vec();
    calls.sort_unstable_by_key(|call| call.invoked);
    let mut newest: Option<(&Call, Revision)> = None;
    let mut found = Vec::new();
    for call in calls {
        while let Some(answer) = answers.next_if(|answer| answer.returned < call.invoked) {
            // Of several answers that name one revision the first is the evidence.
            if let Some((revision, _)) = names(answer)
                && newest.is_none_or(|(_, newest)| newest < revision)
            {
                newest = Some((answer, revision));
            }
        }
        let Some((before, bound)) = newest else {
            continue;
        };
        let is_set_back = match call.response {
            None => false,
            Some(Response::Found(_, shown)) => shown < bound,
            Some(Response::Written(made)) => made <= bound,
        };
        if is_set_back {
            found.push((before, call));
        }
    }
    found
}

/// The revision that an answer names, and what the key holds at it.
fn names(call: &Call) -> Option<(Revision, Option<Value>)> {
    match call.response? {
        Response::Found(value, revision) => Some((revision, value)),
        Response::Written(revision) => Some((revision, call.writes())),
    }
}

fn shown(what: String, before: &Call, call: &Call) -> String {
    format!("{what}: {before}, and after it {call}")
}

#[cfg(test)]
mod tests;
