//! Mistakes of location controllers.

use super::super::charter::location;
use super::super::log::Position;
use super::super::message::{Message, Timer, Word};
use super::super::records::Purpose;
use super::super::search::Search;
use super::super::server::Server;
use super::{In, Out, charges, word_mut};
use crate::{Input, Now, Process};

pub(super) fn asks_too_few(server: &mut Server, now: Now, input: In, out: &mut Out) {
    server.step(now, input, out);
    for charge in charges(server) {
        let Search::Fencing(answers) = &charge.search else {
            continue;
        };
        if let Some(chosen) = answers.keys().next().copied() {
            charge.search = Search::Appointing;
            let seat = location(chosen, charge.config.options.locations);
            let charter = charge.known.appointing(chosen, seat);
            charge.swap(now, Purpose::Appoint, charter, out);
        }
    }
}

pub(super) fn promotes_the_first(server: &mut Server, now: Now, mut input: In, out: &mut Out) {
    let is_first = |search: &Search| matches!(search, Search::Fencing(all) if all.is_empty());
    if let Some(Word::Fenced { last, .. }) = word_mut(&mut input)
        && !charges(server).any(|charge| is_first(&charge.search))
    {
        *last = Position::default();
    }
    server.step(now, input, out);
}

pub(super) fn reuses_an_epoch(server: &mut Server, now: Now, input: In, out: &mut Out) {
    let claims = matches!(input, Input::Fired(Timer::LeaseOver(_)));
    if claims {
        charges(server).for_each(|charge| charge.known.epoch.0 -= 1);
    }
    server.step(now, input, out);
    if claims {
        charges(server).for_each(|charge| charge.known.epoch.0 += 1);
    }
}

pub(super) fn does_not_wait_for_the_lease(server: &mut Server, now: Now, input: In, out: &mut Out) {
    server.step(now, input, out);
    let waiting = charges(server).filter(|charge| charge.search == Search::Waiting);
    let waiting: Vec<_> = waiting.map(|charge| charge.group).collect();
    for group in waiting {
        server.step(now, Input::Fired(Timer::LeaseOver(group)), out);
    }
}

pub(super) fn leases_alone(server: &mut Server, now: Now, mut input: In, out: &mut Out) {
    if let Input::Delivered(from, Message { group, word }) = &mut input
        && let Word::Alive { epoch, renewal } = word
        && let Some(charge) = charges(server).nth(group.0 as usize)
        && (charge.known.main, charge.known.epoch) == (Some(*from), *epoch)
        && let Some(renewal) = renewal.take()
    {
        let epoch = *epoch;
        let word = Word::Leased { epoch, renewal };
        let group = *group;
        out.send(*from, Message { group, word });
    }
    server.step(now, input, out);
}
