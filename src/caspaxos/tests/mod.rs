//! One process, one step, its outbox as text.
//!
//! In reading order: [`proposals`] and [`acceptances`], what a server does with one input; [`restarts`], what it finds on
//! its disk; [`clients`]; [`options`]; [`laws`], what holds for any sequence of inputs.
//!
//! The process on stage is always `n1`, or `c1`; everyone else is only a name on a message.

use std::sync::Arc;

use super::{Content, Message, Options, Record, Server};
use crate::kv::{Key, Request, Response, Revision, Value};
use crate::process::Damage;
use crate::register::{self, Ballot, Held, Latest, Verdict, Version};
use crate::solo::Solo;
use crate::{Life, NodeId};

mod acceptances;
mod clients;
mod laws;
mod options;
mod proposals;
mod restarts;

const K: Key = Key(7);

/// `n1` of so many servers, which has promised and accepted nothing.
fn server(servers: u32) -> Solo<Server> {
    server_with(servers, &[])
}

/// The same, which finds this behind its identity.
fn server_with(servers: u32, disk: &[Result<Record, Damage>]) -> Solo<Server> {
    let (server, _) = Solo::boot(n(1), servers, Options::default(), disk);
    server
}

/// `n1` of three, which has prepared the ballot 1/n1/0 for a put of v9 by `c1`.
fn preparing() -> Solo<Server> {
    let mut server = server(3);
    server.hears(c(1), ask(1, put(9)));
    server
}

/// The same, which was promised by `n2` and asks the others to accept.
fn accepting() -> Solo<Server> {
    let mut server = preparing();
    server.hears(n(2), promise(own(1), Ballot::ZERO, &empty()));
    server
}

fn n(number: u32) -> NodeId {
    NodeId::server(number)
}

fn c(number: u32) -> NodeId {
    NodeId::client(number)
}

fn value(name: u64) -> Value {
    Value { name, bytes: 8 }
}

fn content(name: u64) -> Content {
    Content(Some(value(name)))
}

fn ballot(count: u64, node: u32) -> Ballot {
    Ballot {
        count,
        node: n(node),
        life: Life(0),
    }
}

/// A ballot of the server on stage.
fn own(count: u64) -> Ballot {
    ballot(count, 1)
}

fn empty() -> Held<Content> {
    Held::formatted(Content(None))
}

/// A value that nobody remembers having asked for.
fn held(version: u64, name: u64) -> Held<Content> {
    Held {
        version: Version(version),
        value: content(name),
        ..empty()
    }
}

/// What is held once this change of `c1` was made.
fn made(version: u64, name: u64, seq: u64) -> Held<Content> {
    let mut held = held(version, name);
    let verdict = Verdict::Made(Version(version));
    let life = Life(0);
    held.latest.insert(c(1), Latest { life, seq, verdict });
    held
}

fn word(message: register::Message<Content>) -> Message {
    Message::Register(K, message)
}

fn prepare(ballot: Ballot) -> Message {
    word(register::Message::Prepare { ballot })
}

fn promise(ballot: Ballot, accepted: Ballot, held: &Held<Content>) -> Message {
    let held = Arc::new(held.clone());
    word(register::Message::Promise {
        ballot,
        accepted,
        held,
    })
}

fn accept(ballot: Ballot, held: &Held<Content>) -> Message {
    let held = Arc::new(held.clone());
    word(register::Message::Accept { ballot, held })
}

fn accepted(ballot: Ballot) -> Message {
    word(register::Message::Accepted { ballot })
}

fn refused(ballot: Ballot, promised: Ballot) -> Message {
    word(register::Message::Refused { ballot, promised })
}

fn promised_record(ballot: Ballot) -> Record {
    Record::Register(K, register::Record::Promised(ballot))
}

fn accepted_record(ballot: Ballot, held: &Held<Content>) -> Record {
    Record::Register(
        K,
        register::Record::Accepted(ballot, Arc::new(held.clone())),
    )
}

fn ask(seq: u64, request: Request) -> Message {
    let life = Life(0);
    Message::Ask { life, seq, request }
}

fn answer(seq: u64, response: Response) -> Message {
    let life = Life(0);
    Message::Answer {
        life,
        seq,
        response,
    }
}

fn get() -> Request {
    Request::Get(K)
}

fn put(name: u64) -> Request {
    Request::Put(K, value(name))
}

fn cas(from: Option<u64>, to: u64) -> Request {
    Request::Cas(K, from.map(value), value(to))
}

fn written(revision: u64) -> Response {
    Response::Written(Revision(revision))
}
