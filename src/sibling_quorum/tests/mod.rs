//! One process, one step, its outbox as text.
//!
//! In reading order: [`steps`], what each role does with one input; [`laws`], where something clever must equal something
//! dumb.
//!
//! On stage is a managing node, `m1` where it is the main, a controller, `l1`, or a user, `c1`; everyone else is only a
//! name on a message. There is one group.

use super::charter::{Charter, CopyId};
use super::controller::Charge;
use super::log::{Command, Entries, Entry, Epoch, Log, Position, Seq, UpdateId};
use super::replica::{Replica, Standing};
use super::resource::{Copies, Machine, Resource};
use super::state::recover;
use super::{GroupId, Message, Options, Record, Request, Response, Rules, Server, SiblingQuorum};
use super::{Timer, Word};
use crate::kv::{self, Key, Revision, Value};
use crate::outbox::Effect;
use crate::process::{Config, Damage, Input};
use crate::register::{self, Ballot, Held};
use crate::solo::{START, Solo};
use crate::{Life, NodeId, Span};

mod laws;
mod steps;

type Deeds = crate::solo::Deeds<SiblingQuorum>;

const GROUP: GroupId = GroupId(0);

impl Solo<Server> {
    /// Something is said to it about its group.
    fn is_told(&mut self, from: NodeId, word: Word) -> Deeds {
        self.hears(from, said(word))
    }

    fn replica(&mut self) -> &mut Replica {
        match &mut self.process {
            Server::Node(node) => &mut node.replicas[0],
            Server::Controller(_) => panic!("a managing node is on stage"),
        }
    }

    fn charge(&self) -> &Charge {
        match &self.process {
            Server::Controller(controller) => &controller.charges[0],
            Server::Node(_) => panic!("a controller is on stage"),
        }
    }

    /// Another controller promises to take part in the question with that count, and says what it has accepted: what this
    /// one holds too, if nothing else is given.
    fn promises_register(
        &mut self,
        from: NodeId,
        count: u64,
        holds: Option<(Ballot, Held<Charter>)>,
    ) -> Deeds {
        let own = self.charge().register.accepted().clone();
        let (accepted, held) = holds.unwrap_or((Ballot::ZERO, own));
        let word = register::Message::Promise {
            ballot: ballot(count),
            accepted,
            held: held.into(),
        };
        self.is_told(from, Word::Register(word))
    }

    /// Another controller has accepted what this one proposed with that count.
    fn accepts_register(&mut self, from: NodeId, count: u64) -> Deeds {
        let ballot = ballot(count);
        self.is_told(from, Word::Register(register::Message::Accepted { ballot }))
    }

    fn log(&mut self) -> Vec<u64> {
        epochs(&self.replica().durable.log)
    }

    fn accepted(&mut self) -> u64 {
        self.replica().accepted.0
    }

    fn standing(&mut self) -> &'static str {
        match self.replica().standing {
            Standing::Outside => "outside",
            Standing::Newcomer(_) => "newcomer",
            Standing::Sibling(_) => "sibling",
            Standing::Main(_) => "main",
        }
    }
}

/// The ballot of `l1` with that count.
fn ballot(count: u64) -> Ballot {
    Ballot {
        count,
        node: l(1),
        life: Life(0),
    }
}

fn said(word: Word) -> Message {
    Message { group: GROUP, word }
}

/// A system with so many managing nodes, all siblings of `m1` unless the options say otherwise, and controllers.
fn config(managing: u32, controllers: u32, options: Options) -> Config<SiblingQuorum> {
    let servers = (1..=managing).map(m).chain((1..=controllers).map(l));
    Config {
        servers: servers.collect(),
        options,
    }
}

/// A managing node of so many, with one controller, that finds this behind what its disk was formatted with.
fn node(me: NodeId, managing: u32, disk: &[Record]) -> Solo<Server> {
    node_with(me, managing, Options::default(), disk)
}

fn node_with(me: NodeId, managing: u32, options: Options, disk: &[Record]) -> Solo<Server> {
    let disk: Vec<_> = disk.iter().cloned().map(Ok).collect();
    let (node, _) = Solo::boot_among(config(managing, 1, options), me, &disk);
    node
}

/// `m1`, with so many siblings, that was told to be the main of this epoch, and has not flushed its oath. That has the
/// ticket [`OATH`]; what it logs afterwards has the next ones.
fn sworn(siblings: u32, epoch: u64, inherited: &[u64]) -> Solo<Server> {
    sworn_with(siblings, epoch, inherited, Options::default())
}

const OATH: u64 = 1;

fn sworn_with(siblings: u32, epoch: u64, inherited: &[u64], options: Options) -> Solo<Server> {
    let mut main = node_with(m(1), siblings + 1, options, &[logged(1, inherited)]);
    main.is_told(l(1), Word::Promote(charter(epoch, siblings)));
    assert_eq!(main.standing(), "main");
    main
}

/// `m1`, with so many siblings, the main of epoch 1, whose opening is accepted and whose lease has begun.
fn settled(siblings: u32) -> Solo<Server> {
    settled_with(siblings, Options::default())
}

fn settled_with(siblings: u32, options: Options) -> Solo<Server> {
    let mut main = sworn_with(siblings, 1, &[], options);
    main.flushed(OATH);
    for sibling in 2..=siblings + 1 {
        main.is_told(m(sibling), confirmed(1, 1, 0));
    }
    main.is_told(l(1), leased(1, 1));
    assert_eq!(main.accepted(), 1);
    main
}

/// What is recorded when `m1` is the main of so many siblings, in this epoch.
fn charter(epoch: u64, siblings: u32) -> Charter {
    let founding = Charter::founding(&config(siblings + 1, 1, Options::default()), GROUP);
    Charter {
        epoch: Epoch(epoch),
        ..founding
    }
}

fn m(number: u32) -> NodeId {
    NodeId::new('m', number)
}

fn l(number: u32) -> NodeId {
    NodeId::new('l', number)
}

fn c(number: u32) -> NodeId {
    NodeId::client(number)
}

/// A position as it is printed: `at(7, 2)` is 7@2.
const fn at(seq: u64, epoch: u64) -> Position {
    Position {
        epoch: Epoch(epoch),
        seq: Seq(seq),
    }
}

const fn copy(epoch: u64, run: u64) -> CopyId {
    CopyId {
        epoch: Epoch(epoch),
        run,
    }
}

/// Entries of these epochs that ask for nothing.
fn openings(epochs: &[u64]) -> Vec<Entry> {
    let opening = |epoch: &u64| Entry {
        epoch: Epoch(*epoch),
        command: Command::Opening,
    };
    epochs.iter().map(opening).collect()
}

/// An update of `c1`, by its number.
fn update(epoch: u64, number: u64, request: Request) -> Entry {
    let id = UpdateId {
        client: c(1),
        life: Life(0),
        number,
    };
    Entry {
        epoch: Epoch(epoch),
        command: Command::Update {
            id,
            request,
            at: START,
        },
    }
}

fn epochs(log: &Log) -> Vec<u64> {
    let entries = log.slice(log.base().seq.next(), usize::MAX).iter();
    entries.map(|entry| entry.epoch.0).collect()
}

/// A log with entries of these epochs behind that place.
fn log_behind(base: Position, epochs: &[u64]) -> Log {
    let mut log = Log::behind(base);
    log.append(base.seq, &openings(epochs));
    log
}

fn logged(first: u64, epochs: &[u64]) -> Record {
    Record::Entries {
        group: GROUP,
        first: Seq(first),
        entries: Entries::from(&openings(epochs)[..]),
    }
}

fn promised(promised: u64, reigned: u64, copy: Option<CopyId>) -> Record {
    Record::Promise {
        group: GROUP,
        promised: Epoch(promised),
        reigned: Epoch(reigned),
        copy,
    }
}

fn replicate(epoch: u64, prev: Position, epochs: &[u64], accepted: u64) -> Word {
    replicating(epoch, prev, &openings(epochs), accepted)
}

fn replicating(epoch: u64, prev: Position, entries: &[Entry], accepted: u64) -> Word {
    Word::Replicate {
        epoch: Epoch(epoch),
        prev,
        entries: Entries::from(entries),
        accepted: Seq(accepted),
        normal: true,
    }
}

/// The ok of a sibling that has executed so much, of a log in which nothing changes any resource.
fn confirmed(epoch: u64, matched: u64, executed: u64) -> Word {
    confirmed_by(epoch, matched, executed, 0, CopyId::default())
}

fn confirmed_by(epoch: u64, matched: u64, executed: u64, hash: u64, copy: CopyId) -> Word {
    Word::Confirmed {
        epoch: Epoch(epoch),
        matched: Seq(matched),
        executed: Seq(executed),
        hash,
        copy,
    }
}

fn lacking(epoch: u64, prev: u64, hint: Position) -> Word {
    Word::Lacking {
        epoch: Epoch(epoch),
        prev: Seq(prev),
        hint,
    }
}

fn leased(epoch: u64, renewal: u64) -> Word {
    let epoch = Epoch(epoch);
    Word::Leased { epoch, renewal }
}

fn fence(epoch: u64, copy: CopyId) -> Word {
    let epoch = Epoch(epoch);
    Word::Fence { epoch, copy }
}

/// What a user of life 0 asks, who has seen nothing yet.
fn ask(number: u64, request: Request) -> Word {
    ask_having_seen(0, number, request)
}

fn ask_having_seen(seen: u64, number: u64, request: Request) -> Word {
    Word::Ask {
        life: Life(0),
        number,
        request,
        seen: Seq(seen),
        again: false,
    }
}

fn ask_again(number: u64, request: Request) -> Word {
    Word::Ask {
        life: Life(0),
        number,
        request,
        seen: Seq(0),
        again: true,
    }
}

fn value(name: u64) -> Value {
    Value { name, bytes: 8 }
}

fn get(key: u32) -> Request {
    Request::Store(kv::Request::Get(Key(key)))
}

fn put(key: u32, name: u64) -> Request {
    Request::Store(kv::Request::Put(Key(key), value(name)))
}
