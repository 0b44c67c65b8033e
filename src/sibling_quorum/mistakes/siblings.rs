//! Mistakes of siblings and newcomers.

use super::super::charter::CopyId;
use super::super::log::{Command, Entries, Entry, Position, Seq};
use super::super::message::{Message, Word};
use super::super::replica::Standing;
use super::super::request::{Request, Response};
use super::super::server::Server;
use super::super::state::Record;
use super::{In, Out, lose_flushes, sent, sibling, word, word_mut};
use crate::kv::{self, Value};
use crate::mistake::Mistake;
use crate::{Input, Now, Process};

pub(super) fn loses_append_flush(server: &mut Server, now: Now, input: In, out: &mut Out) {
    let told = matches!(word(&input), Some(Word::Replicate { .. }));
    server.step(now, input, out);
    if told {
        lose_flushes(out);
    }
}

pub(super) fn loses_fence_flush(server: &mut Server, now: Now, input: In, out: &mut Out) {
    let fenced = matches!(word(&input), Some(Word::Fence { .. }));
    server.step(now, input, out);
    if fenced {
        lose_flushes(out);
    }
}

pub(super) fn loses_copy_flush(server: &mut Server, now: Now, input: In, out: &mut Out) {
    let told = matches!(word(&input), Some(Word::GoLive { .. }));
    server.step(now, input, out);
    if told {
        lose_flushes(out);
    }
}

pub(super) fn obeys_older_mains(server: &mut Server, now: Now, input: In, out: &mut Out) {
    if let Some(Word::Replicate { epoch, .. }) = word(&input)
        && let Some(replica) = sibling(server, &input)
    {
        replica.durable.promised = replica.durable.promised.min(*epoch);
    }
    server.step(now, input, out);
}

pub(super) fn speaks_for_what_it_has_not(
    server: &mut Server,
    now: Now,
    mut input: In,
    out: &mut Out,
) {
    let own = sibling(server, &input).and_then(|replica| Some((replica.me, replica.durable.copy?)));
    match (own, word_mut(&mut input)) {
        (Some((_, own)), Some(Word::Fence { copy, .. })) => *copy = own,
        (Some((me, own)), Some(Word::Promote(charter))) => {
            charter.copies.insert(me, own);
        }
        _ => {}
    }
    server.step(now, input, out);
}

/// It goes live by itself, with what it has executed of the recording.
#[derive(Default)]
pub(super) struct PromotedInRevival {
    /// Where the last replay ended.
    end: Option<(CopyId, Position)>,
}

impl Mistake<Server> for PromotedInRevival {
    fn step(&mut self, server: &mut Server, now: Now, input: In, out: &mut Out) {
        match word(&input) {
            Some(Word::Replay {
                copy,
                prev,
                entries,
            }) => {
                if let Some(last) = entries.last() {
                    let seq = Seq(prev.0 + entries.len() as u64);
                    let epoch = last.epoch;
                    self.end = Some((*copy, Position { epoch, seq }));
                }
            }
            Some(Word::Fence { .. }) => {
                if let Some((copy, at)) = self.end.take()
                    && let Input::Delivered(from, message) = &input
                {
                    let (group, word) = (message.group, Word::GoLive { copy, at });
                    let message = Message { group, word };
                    server.step(now, Input::Delivered(*from, message), out);
                }
            }
            _ => {}
        }
        speaks_for_what_it_has_not(server, now, input, out);
    }
}

pub(super) fn cuts_on_short_messages(server: &mut Server, now: Now, input: In, out: &mut Out) {
    if let Some(Word::Replicate {
        epoch,
        prev,
        entries,
        ..
    }) = word(&input)
        && let Some(replica) = sibling(server, &input)
        && *epoch == replica.durable.promised
        && replica.durable.log.contains(*prev)
    {
        let end = Seq(prev.seq.0 + entries.len() as u64).max(replica.accepted);
        if end < replica.durable.log.last().seq {
            replica.durable.log.cut(end);
            let (group, first) = (replica.group, end.next());
            let entries = Entries::default();
            out.write(Record::Entries {
                group,
                first,
                entries,
            });
            out.flush();
        }
    }
    server.step(now, input, out);
}

pub(super) fn takes_behind_a_gap(server: &mut Server, now: Now, mut input: In, out: &mut Out) {
    let end = sibling(server, &input).map(|replica| replica.durable.log.last());
    if let (Some(end), Some(Word::Replicate { prev, .. })) = (end, word_mut(&mut input))
        && prev.seq > end.seq
        && prev.epoch >= end.epoch
    {
        *prev = end;
    }
    server.step(now, input, out);
}

pub(super) fn keeps_its_tail(server: &mut Server, now: Now, mut input: In, out: &mut Out) {
    let log = sibling(server, &input).map(|replica| replica.durable.log.clone());
    if let (
        Some(log),
        Some(Word::Replicate {
            epoch,
            prev,
            entries,
            ..
        }),
    ) = (log, word_mut(&mut input))
        && log.last().epoch <= *epoch
        && prev.seq <= log.last().seq
    {
        let has = (log.last().seq.0 - prev.seq.0) as usize;
        *entries = Entries::from(&entries[has.min(entries.len())..]);
        *prev = log.last();
    }
    server.step(now, input, out);
}

/// Another value than the one given.
fn other(value: Value) -> Value {
    Value {
        name: value.name + 1_000_000_000,
        ..value
    }
}

/// The value that an entry is to put somewhere.
fn value_of(entry: &mut Entry) -> Option<&mut Value> {
    match &mut entry.command {
        Command::Update {
            request: Request::Store(kv::Request::Put(_, value)),
            ..
        } => Some(value),
        _ => None,
    }
}

pub(super) fn rewrites_an_entry(server: &mut Server, now: Now, mut input: In, out: &mut Out) {
    if let Some(Word::Replicate { entries, .. }) = word_mut(&mut input) {
        let mut changed = entries.to_vec();
        if let Some(value) = changed.last_mut().and_then(value_of) {
            *value = other(*value);
            *entries = Entries::from(&changed[..]);
        }
    }
    server.step(now, input, out);
}

pub(super) fn executes_another(server: &mut Server, now: Now, input: In, out: &mut Out) {
    if let Some(Word::Replicate { .. }) = word(&input)
        && let Some(replica) = sibling(server, &input)
    {
        let next = replica.accepted.next();
        if let Some(value) = replica.durable.log.get_mut(next).and_then(value_of) {
            *value = other(*value);
        }
    }
    server.step(now, input, out);
}

pub(super) fn executes_what_it_logs(server: &mut Server, now: Now, mut input: In, out: &mut Out) {
    if let Some(Word::Replicate { accepted, .. }) = word_mut(&mut input) {
        *accepted = Seq(u64::MAX);
    }
    server.step(now, input, out);
}

pub(super) fn replays_what_it_has(server: &mut Server, now: Now, mut input: In, out: &mut Out) {
    if let Some(Word::Copy { upto, .. }) = word_mut(&mut input) {
        *upto = Seq(0);
    }
    server.step(now, input, out);
}

/// The newest update of a resource that a sibling has in its log and does not know to be accepted.
fn newest_unaccepted(server: &mut Server, input: &In, key: kv::Key) -> Option<(Value, Seq, Seq)> {
    let replica = sibling(server, input)?;
    let serves = replica.is_normal && matches!(replica.standing, Standing::Sibling(Some(_)));
    let first = replica.accepted.next();
    let tail = replica.durable.log.slice(first, usize::MAX);
    let puts = (first.0..).zip(tail).filter_map(|(seq, entry)| {
        let mut entry = *entry;
        let value = *value_of(&mut entry)?;
        let Command::Update { request, .. } = entry.command else {
            return None;
        };
        (request.key() == key).then_some((value, Seq(seq), replica.accepted))
    });
    puts.last().filter(|_| serves)
}

pub(super) fn shows_unaccepted(server: &mut Server, now: Now, input: In, out: &mut Out) {
    if let Input::Delivered(
        from,
        Message {
            group,
            word:
                Word::Ask {
                    life,
                    number,
                    request: Request::Near(key),
                    ..
                },
        },
    ) = &input
        && let Some((value, seq, seen)) = newest_unaccepted(server, &input, *key)
    {
        let word = Word::Answer {
            life: *life,
            number: *number,
            response: Response::found(Some(value), seq),
            seen,
        };
        let group = *group;
        out.send_past_flush(*from, Message { group, word });
        return;
    }
    server.step(now, input, out);
}

pub(super) fn forgets_tokens(server: &mut Server, now: Now, mut input: In, out: &mut Out) {
    if let Some(Word::Ask {
        request: Request::Near(_),
        seen,
        ..
    }) = word_mut(&mut input)
    {
        *seen = Seq(0);
    }
    server.step(now, input, out);
}

pub(super) fn invents_a_value(server: &mut Server, now: Now, input: In, out: &mut Out) {
    let is_sibling = sibling(server, &input).is_some();
    server.step(now, input, out);
    for message in sent(out).filter(|_| is_sibling) {
        if let Word::Answer {
            response: Response::Store(kv::Response::Found(Some(value), _)),
            ..
        } = &mut message.word
        {
            *value = other(*value);
        }
    }
}

pub(super) fn forgets_answers(server: &mut Server, now: Now, input: In, out: &mut Out) {
    server.step(now, input.clone(), out);
    if let Some(replica) = sibling(server, &input) {
        replica.machine.forget_answers();
    }
}

pub(super) fn executes_retries_again(server: &mut Server, now: Now, input: In, out: &mut Out) {
    server.step(now, input, out);
    if let Server::Node(node) = server {
        let machines = node.replicas.iter_mut().map(|replica| &mut replica.machine);
        machines.for_each(super::super::resource::Machine::forget_answers);
    }
}
