//! Mistakes in the sibling quorum, by the role that makes them.

use super::SiblingQuorum;
use super::controller::Charge;
use super::message::{Message, Word};
use super::replica::Replica;
use super::server::Server;
use crate::mistake::{Mistake, Planted};
use crate::outbox::Effect;
use crate::{Input, Outbox};

mod controllers;
mod mains;
mod restarts;
mod siblings;

type In = Input<SiblingQuorum>;
type Out = Outbox<SiblingQuorum>;

/// All of them.
pub(super) const ALL: &[Planted<Server>] = &[
    planted(
        "answers_before_the_quorum",
        "a main answers an update when it has logged it",
        || Box::new(mains::answers_before_the_quorum),
    ),
    planted(
        "counts_half",
        "a main accepts what half of its siblings have, rounded down",
        || Box::new(mains::counts_half),
    ),
    planted(
        "counts_older_oks",
        "a main that takes office again counts what it was confirmed in an older epoch",
        || Box::new(mains::CountsOlderOks::default()),
    ),
    planted(
        "counts_itself_early",
        "a main counts itself before its own flush is done",
        || Box::new(mains::counts_itself_early),
    ),
    planted(
        "counts_what_it_inherited",
        "a main accepts what a quorum has, of whatever epoch",
        || Box::new(mains::counts_what_it_inherited),
    ),
    planted(
        "counts_while_syncing",
        "a main takes it that a newcomer is live when it has told it to be",
        || Box::new(mains::counts_while_syncing),
    ),
    planted(
        "changes_members_first",
        "a main goes by a new list of siblings before the controllers have recorded it",
        || Box::new(mains::changes_members_first),
    ),
    planted(
        "serves_without_lease",
        "a main answers reads whether it is leased or not",
        || Box::new(mains::serves_without_lease),
    ),
    planted(
        "loses_append_flush",
        "a sibling confirms entries that it did not flush",
        || Box::new(siblings::loses_append_flush),
    ),
    planted(
        "loses_fence_flush",
        "a sibling answers a fence whose epoch it did not flush",
        || Box::new(siblings::loses_fence_flush),
    ),
    planted(
        "loses_copy_flush",
        "a newcomer says that it is live before its copy is flushed",
        || Box::new(siblings::loses_copy_flush),
    ),
    planted(
        "obeys_older_mains",
        "a sibling goes back to a main that it has promised not to obey",
        || Box::new(siblings::obeys_older_mains),
    ),
    planted(
        "speaks_for_what_it_has_not",
        "a node with a copy that is not recorded answers a fence, and lets itself be promoted",
        || Box::new(siblings::speaks_for_what_it_has_not),
    ),
    planted(
        "promoted_in_revival",
        "a newcomer that has not executed the whole recording answers a fence, and lets itself be promoted",
        || Box::new(siblings::PromotedInRevival::default()),
    ),
    planted(
        "cuts_on_short_messages",
        "a sibling cuts its log behind the last entry that it was sent, also by a message that is old",
        || Box::new(siblings::cuts_on_short_messages),
    ),
    planted(
        "takes_behind_a_gap",
        "a sibling takes entries behind a gap for those that come next",
        || Box::new(siblings::takes_behind_a_gap),
    ),
    planted(
        "keeps_its_tail",
        "a sibling keeps the entries that conflict with those it is sent",
        || Box::new(siblings::keeps_its_tail),
    ),
    planted(
        "rewrites_an_entry",
        "a sibling logs another value than it was sent",
        || Box::new(siblings::rewrites_an_entry),
    ),
    planted(
        "executes_another",
        "a sibling executes another value than it logged",
        || Box::new(siblings::executes_another),
    ),
    planted(
        "executes_what_it_logs",
        "a sibling executes what it logs, whether that is accepted or not",
        || Box::new(siblings::executes_what_it_logs),
    ),
    planted(
        "replays_what_it_has",
        "a newcomer executes all that was recorded, also what its copy has",
        || Box::new(siblings::replays_what_it_has),
    ),
    planted(
        "shows_unaccepted",
        "a sibling shows what is in its log, whether that is accepted or not",
        || Box::new(siblings::shows_unaccepted),
    ),
    planted(
        "forgets_tokens",
        "a sibling does not ask what a reader has seen",
        || Box::new(siblings::forgets_tokens),
    ),
    planted(
        "invents_a_value",
        "a sibling shows a value that nobody wrote",
        || Box::new(siblings::invents_a_value),
    ),
    planted(
        "forgets_answers",
        "a sibling does not remember what it has executed",
        || Box::new(siblings::forgets_answers),
    ),
    planted(
        "executes_retries_again",
        "nobody remembers what was executed",
        || Box::new(siblings::executes_retries_again),
    ),
    planted(
        "forgets_its_fence",
        "a restarted node does not know what it promised beyond its log",
        || Box::new(restarts::ForgetsItsFence),
    ),
    planted(
        "forgets_its_log",
        "a restarted node does not know what it logged last",
        || Box::new(restarts::ForgetsItsLog),
    ),
    planted(
        "takes_office_twice",
        "a restarted node does not know that it was the main of its epoch",
        || Box::new(restarts::TakesOfficeTwice),
    ),
    planted(
        "forgets_that_it_was_wiped",
        "a server that finds nothing on its disk starts anew under its old name",
        || Box::new(restarts::ForgetsThatItWasWiped),
    ),
    planted(
        "ignores_failed_flushes",
        "a server goes on when a flush has failed, and believes the next one",
        || Box::new(restarts::ignores_failed_flushes),
    ),
    planted(
        "asks_too_few",
        "a controller promotes the first sibling that answers its fence",
        || Box::new(controllers::asks_too_few),
    ),
    planted(
        "promotes_the_first",
        "a controller does not compare the logs of those who answer its fence",
        || Box::new(controllers::promotes_the_first),
    ),
    planted(
        "reuses_an_epoch",
        "a controller seeks a new main in the epoch of the old one",
        || Box::new(controllers::reuses_an_epoch),
    ),
    planted(
        "does_not_wait_for_the_lease",
        "a controller seeks a new main before the lease of the old one has ended",
        || Box::new(controllers::does_not_wait_for_the_lease),
    ),
    planted(
        "leases_alone",
        "a controller renews a lease without asking the others",
        || Box::new(controllers::leases_alone),
    ),
    planted(
        "forgets_what_was_decided",
        "a restarted controller does not know what was recorded",
        || Box::new(restarts::ForgetsWhatWasDecided),
    ),
];

const fn planted(
    name: &'static str,
    about: &'static str,
    plant: fn() -> Box<dyn Mistake<Server>>,
) -> Planted<Server> {
    Planted { name, about, plant }
}

/// What a managing node is told.
fn word(input: &In) -> Option<&Word> {
    match input {
        Input::Delivered(_, message) => Some(&message.word),
        _ => None,
    }
}

/// The same, to be changed.
fn word_mut(input: &mut In) -> Option<&mut Word> {
    match input {
        Input::Delivered(_, message) => Some(&mut message.word),
        _ => None,
    }
}

/// The replica that a message is for.
fn replica<'a>(server: &'a mut Server, input: &In) -> Option<&'a mut Replica> {
    match (server, input) {
        (Server::Node(node), Input::Delivered(_, message)) => {
            node.replicas.get_mut(message.group.0 as usize)
        }
        _ => None,
    }
}

/// The same, if its node is not the main.
fn sibling<'a>(server: &'a mut Server, input: &In) -> Option<&'a mut Replica> {
    replica(server, input).filter(|replica| replica.reigns().is_none())
}

/// The same, if its node is the main.
fn main<'a>(server: &'a mut Server, input: &In) -> Option<&'a mut Replica> {
    replica(server, input).filter(|replica| replica.reigns().is_some())
}

/// What a controller is in charge of.
fn charges(server: &mut Server) -> impl Iterator<Item = &mut Charge> {
    let charges = match server {
        Server::Controller(controller) => &mut controller.charges[..],
        Server::Node(_) => &mut [],
    };
    charges.iter_mut()
}

/// What is about to be sent.
fn sent(out: &mut Out) -> impl Iterator<Item = &mut Message> {
    let effects = out.effects_mut().iter_mut();
    effects.filter_map(|effect| match effect {
        Effect::Send { message, .. } => Some(message),
        _ => None,
    })
}

/// As if nothing had to be flushed.
fn lose_flushes(out: &mut Out) {
    let effects = out.effects_mut();
    effects.retain(|effect| !matches!(effect, Effect::Flush(_)));
}
