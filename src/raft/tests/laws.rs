//! Where something clever must equal something dumb, for any input.

use proptest::prelude::*;
use proptest::sample;

use super::super::log::{Appended, Session};
use super::super::state::{Machine, quorum_index, recover};
use super::*;
use crate::kv::Response;

/// Terms that never decrease, beginning at `first`.
fn rising(first: u64, steps: &[u64]) -> Vec<u64> {
    let add = |term: &mut u64, step: &u64| {
        *term += step;
        Some(*term)
    };
    steps.iter().scan(first, add).collect()
}

fn steps() -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec(0..=2_u64, 0..10)
}

/// The terms of a log.
fn a_log() -> impl Strategy<Value = Vec<u64>> {
    steps().prop_map(|steps| rising(1, &steps))
}

/// A place from 0 to `last`, both possible.
fn up_to(last: usize, place: sample::Index) -> usize {
    place.index(last + 1)
}

/// Entry by entry: one that differs takes the place of all that stood from there on. Gives the first such place.
fn append_dumbly(log: &mut Vec<u64>, prev: usize, new: &[u64]) -> Option<usize> {
    let mut first = None;
    for (place, term) in (prev..).zip(new) {
        if log.get(place) != Some(term) {
            log.truncate(place);
            log.push(*term);
            first = first.or(Some(place));
        }
    }
    first
}

proptest! {
    #[test]
    fn an_append_equals_one_entry_by_entry(
        mine in a_log(),
        steps in steps(),
        (prev, agree, commit) in any::<(sample::Index, sample::Index, sample::Index)>(),
    ) {
        let prev = up_to(mine.len(), prev);
        let common = prev + up_to(mine.len() - prev, agree);
        let from = common.checked_sub(1).map_or(1, |last| mine[last]);
        let new = [&mine[prev..common], &rising(from, &steps)].concat();

        let mut dumb = mine.clone();
        let differs = append_dumbly(&mut dumb, prev, &new);
        let kept = differs.unwrap_or(mine.len());
        let commit = Index(up_to(kept, commit) as u64);

        let mut clever = log(&mine);
        let appended = clever.append(Index(prev as u64), &entries(&new), commit);
        prop_assert_eq!(terms(&clever), dumb);
        prop_assert_eq!(appended, Appended {
            matched: Index((prev + new.len()) as u64),
            known: differs.map_or(new.len(), |place| place - prev),
            truncated: differs.is_some_and(|place| place < mine.len()),
        });
    }

    #[test]
    fn the_newest_entry_no_newer_than_asked_is_found_as_by_looking_at_all(
        mine in a_log(),
        index in 0..12_u64,
        term in 0..20_u64,
    ) {
        let log = log(&mine);
        let all = (0..=mine.len() as u64).filter_map(|index| log.position(Index(index)));
        let fits = all.filter(|place| place.index.0 <= index && place.term.0 <= term).max();
        prop_assert_eq!(Some(log.newest_at_most(at(index, term))), fits);
    }

    #[test]
    fn no_place_where_the_logs_meet_is_skipped(mine in a_log(), theirs in a_log()) {
        let (leader, follower) = (log(&mine), log(&theirs));
        let hint = follower.newest_at_most(leader.last());
        let probe = leader.newest_at_most(hint);
        let places = (0..=mine.len() as u64).filter_map(|index| leader.position(Index(index)));
        let meeting = places.rev().find(|place| follower.contains(*place));
        prop_assert!(meeting.is_some_and(|meeting| meeting.index <= probe.index));
    }

    #[test]
    fn what_is_recovered_is_what_was_written(
        writes in prop::collection::vec((any::<sample::Index>(), steps(), 0..4_u32), 0..10),
        torn in any::<sample::Index>(),
    ) {
        let (mut dumb, mut vote) = (Vec::new(), (0, None));
        let mut disk = vec![Ok(Record::Identity(n(1)))];
        let torn = up_to(writes.len(), torn);
        for (first, steps, voted) in &writes[..torn] {
            if steps.is_empty() {
                vote = (vote.0 + 1, (*voted > 0).then(|| n(*voted)));
                disk.push(Ok(ballot(vote.0, vote.1)));
                continue;
            }
            let place = up_to(dumb.len(), *first);
            let before = place.checked_sub(1).map_or(1, |last| dumb[last]);
            let mut new = rising(before, steps);
            if dumb.get(place) == new.first() {
                // A record begins with an entry that is new: a server writes no other.
                new.iter_mut().for_each(|term| *term += 1);
            }
            dumb.truncate(place);
            dumb.extend_from_slice(&new);
            disk.push(Ok(record(place as u64 + 1, &new)));
        }
        if torn < writes.len() {
            disk.push(Err(Damage::Torn));
        }
        let recovered = recover(&disk).unwrap();
        prop_assert_eq!(terms(&recovered.log), dumb);
        prop_assert_eq!((recovered.term.0, recovered.vote), vote);
    }

    #[test]
    fn a_quorum_has_what_more_than_half_have_when_counted(
        mut reached in prop::collection::vec(0..9_u64, 1..=15),
    ) {
        let have = |value: u64| reached.iter().filter(|other| **other >= value).count();
        let more_than_half = (0..9).filter(|value| have(*value) * 2 > reached.len());
        prop_assert_eq!(more_than_half.max(), Some(quorum_index(&mut reached)));
    }

    #[test]
    fn a_machine_executes_each_request_of_a_session_once(
        asked in prop::collection::vec((1..=2_u32, 0..=1_u32, 1..=4_u64, 0..4_u64, 1..=2_u32), 0..40),
    ) {
        let (mut everything, mut once) = (Machine::default(), Machine::default());
        let mut executed: Vec<(Session, u64, Response)> = Vec::new();
        for (index, (client, life, seq, kind, key)) in (1..).zip(asked) {
            let session = Session { client: c(client), life: Life(life) };
            let value = |name| Value { name, bytes: 8 };
            let request = match kind {
                0 => get(key),
                1 => Request::Delete(Key(key)),
                2 => put(key, index),
                _ => Request::Cas(Key(key), Some(value(index - 1)), value(index)),
            };
            let command = Command::Client { session, seq, request };
            let entry = Entry { term: Term(1), command };
            let answer = everything.apply(Index(index), &entry);

            let before = executed.iter().rfind(|(who, ..)| *who == session);
            match before {
                Some((_, last, _)) if *last > seq => prop_assert_eq!(answer, None),
                Some(same @ (_, last, _)) if *last == seq => prop_assert_eq!(answer, Some(*same)),
                _ => {
                    prop_assert!(answer.is_some());
                    prop_assert_eq!(answer, once.apply(Index(index), &entry));
                    if let Some((.., Response::Written(revision))) = answer {
                        prop_assert_eq!(revision.0, index);
                    }
                    executed.extend(answer);
                }
            }
        }
        prop_assert_eq!(everything, once);
    }

    #[test]
    fn a_server_has_what_it_wrote_and_promises_only_what_it_flushes(
        told in prop::collection::vec((0..7_u8, 0..3_u64, any::<sample::Index>(), steps()), 0..30),
    ) {
        let mut disk = vec![Ok(Record::Identity(n(1)))];
        let mut server = server(3, 0, &[]);
        for (kind, some, place, steps) in told {
            let input = tell(&server.process, &server.out, kind, some, place, &steps);
            let deeds = server.takes(input);
            let mut cached = false;
            for effect in deeds.effects() {
                match effect {
                    Effect::Write(record) => {
                        cached = true;
                        disk.push(Ok(record.clone()));
                    }
                    Effect::Flush(_) => cached = false,
                    Effect::Send { pass: false, .. } => prop_assert!(!cached, "{deeds}"),
                    _ => {}
                }
            }
            prop_assert!(!cached, "{deeds}");
            prop_assert_eq!(recover(&disk).unwrap(), server.process.durable.clone());
        }
    }
}

/// Something that `n1` could be told, as it stands now: by anyone, but never by a second leader of its own term.
fn tell(
    server: &Server,
    out: &Outbox<Raft>,
    kind: u8,
    some: u64,
    place: sample::Index,
    steps: &[u64],
) -> Input<Raft> {
    let leads = matches!(server.standing, Standing::Leader(_));
    let term = server.durable.term.0;
    let log = &server.durable.log;
    let prev = up_to(log.last().index.0 as usize, place) as u64;
    let prev = log.position(Index(prev)).expect("it is within the log");
    let from = |message| Input::Delivered(n(2 + some as u32 % 2), message);
    match kind {
        0 => {
            let term = (term + some).max(if leads { term + 1 } else { 1 });
            let mut new = rising(prev.term.0.max(1), steps);
            new.iter_mut().for_each(|entry| *entry = term.min(*entry));
            from(append(term, prev, &new, 0))
        }
        1 => from(request_vote(term + some, prev)),
        2 => Input::Fired(Timer::Election),
        3 => from(vote(term, true)),
        4 => Input::Delivered(c(1), ask(some, put(7, some))),
        5 => from(rejected(term + some, prev.index.0, at(0, 0), 1)),
        _ => Input::Flushed(*out.clone().last_ticket()),
    }
}
