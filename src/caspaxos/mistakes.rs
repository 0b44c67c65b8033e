//! Mistakes in CASPaxos.

use std::sync::Arc;

use super::cluster::CasPaxos;
use super::message::Message;
use super::server::Server;
use super::state::{Content, Record};
use crate::kv::{Request, Response, Revision};
use crate::mistake::{Found, Mistake, Planted};
use crate::register::proposer::Phase;
use crate::register::{self, Ballot, ChangeId, Held};
use crate::{Effect, Input, Life, NodeId, Now, Outbox, Process};

/// All of them.
pub(super) const ALL: &[Planted<Server>] = &[
    planted(
        "loses_promise_flush",
        "an acceptor promises what it did not flush",
        || Box::new(loses_promise_flush),
    ),
    planted(
        "loses_acceptance_flush",
        "an acceptor says that it accepted what it did not flush",
        || Box::new(loses_acceptance_flush),
    ),
    planted(
        "forgets_its_promises",
        "a restarted server does not know what it promised",
        || Box::new(ForgetsItsPromises),
    ),
    planted(
        "accepts_below_its_promise",
        "an acceptor accepts what it has promised not to",
        || Box::new(accepts_below_its_promise),
    ),
    planted(
        "promises_to_anyone",
        "an acceptor promises whatever ballot it is asked for, also a lower one",
        || Box::new(promises_to_anyone),
    ),
    planted(
        "goes_by_its_own_value",
        "a proposer goes by what it accepted itself, and not by the highest ballot of a quorum",
        || Box::new(goes_by_its_own_value),
    ),
    planted(
        "counts_too_few",
        "a proposer takes two of its members for a majority",
        || Box::new(counts_too_few),
    ),
    planted(
        "reuses_its_ballots",
        "a restarted proposer counts its ballots from the beginning, and does not tell its lives apart",
        || Box::new(ReusesItsBallots),
    ),
    planted(
        "changes_twice",
        "a proposer does not ask whether a change was made already",
        || Box::new(changes_twice),
    ),
    planted(
        "looks_alone",
        "a server answers a read from what it holds itself",
        || Box::new(looks_alone),
    ),
    planted(
        "answers_early",
        "a server answers a write before a majority has accepted it",
        || Box::new(answers_early),
    ),
    planted(
        "concludes_early",
        "a proposer takes for chosen what it has only proposed",
        || Box::new(concludes_early),
    ),
    planted(
        "forgets_that_it_was_wiped",
        "a server that finds nothing on its disk starts anew under its old name",
        || Box::new(ForgetsThatItWasWiped),
    ),
    planted(
        "ignores_failed_flushes",
        "a server goes on when a flush has failed, and believes the next one",
        || Box::new(ignores_failed_flushes),
    ),
];

const fn planted(
    name: &'static str,
    about: &'static str,
    plant: fn() -> Box<dyn Mistake<Server>>,
) -> Planted<Server> {
    Planted { name, about, plant }
}

type In = Input<CasPaxos>;
type Out = Outbox<CasPaxos>;

fn without_flush(out: &mut Out) {
    let flush = |effect: &Effect<CasPaxos>| matches!(effect, Effect::Flush(_));
    out.effects_mut().retain(|effect| !flush(effect));
}

fn loses_promise_flush(server: &mut Server, now: Now, input: In, out: &mut Out) {
    let asked = matches!(
        input,
        Input::Delivered(_, Message::Register(_, register::Message::Prepare { .. }))
    );
    server.step(now, input, out);
    if asked {
        without_flush(out);
    }
}

fn loses_acceptance_flush(server: &mut Server, now: Now, input: In, out: &mut Out) {
    let asked = matches!(
        input,
        Input::Delivered(_, Message::Register(_, register::Message::Accept { .. }))
    );
    server.step(now, input, out);
    if asked {
        without_flush(out);
    }
}

fn without_promises(disk: &mut Found<Server>) {
    let promise =
        |record: &Record| matches!(record, Record::Register(_, register::Record::Promised(_)));
    disk.retain(|record| !record.as_ref().is_ok_and(promise));
}

struct ForgetsItsPromises;

impl Mistake<Server> for ForgetsItsPromises {
    fn boot(&mut self, disk: &mut Found<Server>) {
        without_promises(disk);
    }
}

/// What it promised is put aside for as long as it is asked to accept something, and then it knows it again.
fn accepts_below_its_promise(server: &mut Server, now: Now, input: In, out: &mut Out) {
    let asked = match &input {
        Input::Delivered(_, Message::Register(key, register::Message::Accept { ballot, .. })) => {
            Some((*key, *ballot))
        }
        _ => None,
    };
    let Some((key, ballot)) = asked else {
        return server.step(now, input, out);
    };
    let acceptor = &mut server.register(key).acceptor;
    let promised = acceptor.promised;
    if ballot > acceptor.accepted {
        acceptor.promised = promised.min(ballot);
    }
    server.step(now, input, out);
    let acceptor = &mut server.register(key).acceptor;
    acceptor.promised = acceptor.promised.max(promised);
}

fn promises_to_anyone(server: &mut Server, now: Now, input: In, out: &mut Out) {
    if let Input::Delivered(_, Message::Register(key, register::Message::Prepare { ballot })) =
        &input
    {
        let acceptor = &mut server.register(*key).acceptor;
        if *ballot < acceptor.promised {
            acceptor.promised = Ballot::ZERO;
        }
    }
    server.step(now, input, out);
}

fn goes_by_its_own_value(server: &mut Server, now: Now, mut input: In, out: &mut Out) {
    if let Input::Delivered(_, Message::Register(_, register::Message::Promise { accepted, .. })) =
        &mut input
    {
        *accepted = Ballot::ZERO;
    }
    server.step(now, input, out);
}

fn counts_too_few(server: &mut Server, now: Now, input: In, out: &mut Out) {
    if let Input::Delivered(_, Message::Register(key, _)) = &input {
        server.register(*key).quorum = 2;
    }
    server.step(now, input, out);
}

/// Its ballots rest on what it has promised, and on its life: it loses the one and does not count the other.
struct ReusesItsBallots;

impl Mistake<Server> for ReusesItsBallots {
    fn boot(&mut self, disk: &mut Found<Server>) {
        without_promises(disk);
    }

    fn step(&mut self, server: &mut Server, now: Now, input: In, out: &mut Out) {
        server.life = Life(0);
        server
            .registers
            .values_mut()
            .for_each(|register| register.life = Life(0));
        server.step(now, input, out);
    }
}

/// The proposer does not see that the change that it works at has been decided before.
fn changes_twice(server: &mut Server, now: Now, mut input: In, out: &mut Out) {
    if let Input::Delivered(_, Message::Register(key, register::Message::Promise { held, .. })) =
        &mut input
        && let Some(proposal) = &mut server.register(*key).proposer.proposal
        && let Phase::Preparing { held: own, .. } = &mut proposal.phase
    {
        forget(held, proposal.asked.id);
        forget(own, proposal.asked.id);
    }
    server.step(now, input, out);
}

fn forget(held: &mut Arc<Held<Content>>, id: ChangeId) {
    let latest = held.latest.get(&id.by);
    if latest.is_some_and(|latest| (latest.life, latest.seq) == id.turn()) {
        Arc::make_mut(held).latest.remove(&id.by);
    }
}

fn looks_alone(server: &mut Server, now: Now, input: In, out: &mut Out) {
    if let Input::Delivered(
        from,
        Message::Ask {
            life,
            seq,
            request: Request::Get(key),
        },
    ) = input
    {
        let held = server.register(key).accepted();
        let response = Response::Found(held.value.0, Revision(held.version.0));
        return out.send_past_flush(
            from,
            Message::Answer {
                life,
                seq,
                response,
            },
        );
    }
    server.step(now, input, out);
}

fn answers_early(server: &mut Server, now: Now, input: In, out: &mut Out) {
    if let Input::Delivered(from, Message::Ask { life, seq, request }) = &input
        && let Request::Put(key, _) | Request::Delete(key) = request
    {
        let version = server.register(*key).accepted().version.next();
        let (life, seq, response) = (*life, *seq, Response::Written(Revision(version.0)));
        out.send_past_flush(
            *from,
            Message::Answer {
                life,
                seq,
                response,
            },
        );
    }
    server.step(now, input, out);
}

/// The first acceptance counts for all.
fn concludes_early(server: &mut Server, now: Now, input: In, out: &mut Out) {
    if let Input::Delivered(from, Message::Register(key, register::Message::Accepted { .. })) =
        &input
    {
        let register = server.register(*key);
        if let Some(proposal) = &mut register.proposer.proposal
            && let Phase::Accepting { accepted, .. } = &mut proposal.phase
        {
            let others = register.members.iter().filter(|id| *id != from);
            *accepted = others.copied().collect();
        }
    }
    server.step(now, input, out);
}

struct ForgetsThatItWasWiped;

impl Mistake<Server> for ForgetsThatItWasWiped {
    fn boot(&mut self, disk: &mut Found<Server>) {
        if !matches!(disk.first(), Some(Ok(Record::Identity(_)))) {
            disk.insert(0, Ok(Record::Identity(NodeId::server(1))));
        }
    }
}

fn ignores_failed_flushes(server: &mut Server, now: Now, input: In, out: &mut Out) {
    if !matches!(input, Input::Failed(_)) {
        server.step(now, input, out);
    }
}
