//! Systems whose servers are of several classes: how a scenario says how many there are of each, and whom it names.
//!
//! A front passes what it is asked on to a store, which answers through it. Nothing is promised of what is stored.

use std::fmt;
use std::sync::Arc;

use miette::Diagnostic;
use netsplit::{
    Class, Cluster, Config, Damage, Does, Input, Kinds, Life, Mode, Never, NodeId, Now, OpId,
    Operation, Outbox, Outcome, Process, Promise, Protocol, Role, Size, Span,
};
use netsplit_sim::play::Play;
use netsplit_sim::scenario::Problem;
use netsplit_sim::{Source, modes, prove};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Fronted;

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Message {
    Ask(OpId, NodeId),
    Done(OpId, NodeId),
}

/// They forgive what they do not know, which no mode's should; the reader does not.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Options {
    stores: Stores,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Stores {
    fast: bool,
}

/// A front or a store, as its name says.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Server {
    me: NodeId,
    stores: Vec<NodeId>,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Client {
    me: NodeId,
    fronts: Vec<NodeId>,
    asking: Option<OpId>,
    asked: usize,
}

impl Protocol for Fronted {
    type Message = Message;
    type Timer = ();
    type Record = Never;
    type Request = u64;
    type Response = u64;
    type Note = Never;
    type Options = Options;
}

fn of(config: &Config<Fronted>, letter: char) -> Vec<NodeId> {
    let all = config.servers.iter().copied();
    all.filter(|id| id.letter() == letter).collect()
}

impl Process for Server {
    type Protocol = Fronted;

    fn boot(
        config: &Arc<Config<Fronted>>,
        me: NodeId,
        _: Life,
        _: Now,
        _: &[Result<Never, Damage>],
        _: &mut Outbox<Fronted>,
    ) -> Server {
        let stores = of(config, 's');
        Server { me, stores }
    }

    fn step(&mut self, _: Now, input: Input<Fronted>, out: &mut Outbox<Fronted>) {
        let is_front = self.me.letter() == 'f';
        match input {
            Input::Delivered(_, Message::Ask(op, client)) if is_front => {
                let store = self.stores[op.0 as usize % self.stores.len()];
                out.send(store, Message::Ask(op, client));
            }
            Input::Delivered(front, Message::Ask(op, client)) => {
                out.send(front, Message::Done(op, client));
            }
            Input::Delivered(_, Message::Done(op, client)) if is_front => {
                out.send(client, Message::Done(op, client));
            }
            _ => {}
        }
    }

    fn role(&self) -> Option<Role> {
        let name = if self.me.letter() == 'f' {
            "asked"
        } else {
            "kept"
        };
        Some(Role { name, rank: 0 })
    }
}

impl Process for Client {
    type Protocol = Fronted;

    fn boot(
        config: &Arc<Config<Fronted>>,
        me: NodeId,
        _: Life,
        _: Now,
        _: &[Result<Never, Damage>],
        _: &mut Outbox<Fronted>,
    ) -> Client {
        Client {
            me,
            fronts: of(config, 'f'),
            asking: None,
            asked: 0,
        }
    }

    fn step(&mut self, _: Now, input: Input<Fronted>, out: &mut Outbox<Fronted>) {
        match input {
            Input::Requested(op, _) => self.asking = Some(op),
            Input::Fired(()) => {}
            Input::Delivered(_, Message::Done(op, _)) if self.asking == Some(op) => {
                self.asking = None;
                out.disarm(());
                out.respond(op, Outcome::Ok(0));
                return;
            }
            _ => return,
        }
        if let Some(op) = self.asking {
            self.asked += 1;
            out.arm((), Span::millis(100));
            out.send(
                self.fronts[self.asked % self.fronts.len()],
                Message::Ask(op, self.me),
            );
        }
    }
}

impl Mode for Fronted {
    const NAME: &'static str = "fronted";
    const ABOUT: &'static str = "fronts before stores; promises nothing";
    const SERVERS: &'static [Class] = &[
        Class {
            name: "front",
            letter: 'f',
            number: 1..=4,
        },
        Class {
            name: "store",
            letter: 's',
            number: 2..=8,
        },
    ];
    const OPERATIONS: &'static [Operation<Fronted>] = &[Operation {
        name: "ask",
        does: Does::Changes,
        request: |_, ask| ask.value.name,
    }];
    const ROLES: &'static [&'static str] = &["asked", "kept"];

    type Server = Server;
    type Client = Client;
    type Invariants = ();

    fn promises(_: &Config<Fronted>) -> Vec<Promise<Fronted>> {
        Vec::new()
    }

    fn calm_budget(_: &Config<Fronted>) -> Span {
        Span::secs(5)
    }

    fn settled(_: &impl Cluster<Fronted>) -> Result<(), String> {
        Ok(())
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Message::Ask(op, client) => write!(f, "ask {op} for {client}"),
            Message::Done(op, client) => write!(f, "done {op} for {client}"),
        }
    }
}

impl Kinds for Message {
    const KINDS: &'static [&'static str] = &["ask", "done"];

    fn kind(&self) -> usize {
        match self {
            Message::Ask(..) => 0,
            Message::Done(..) => 1,
        }
    }
}

impl Size for Message {}

fn scenario(nodes: &str, fault: &str) -> Source {
    let text = format!(
        "mode = 'fronted'\nnodes = {nodes}\nseeds = '0..4'\nlength = '2s'\n\
         workload = {{ clients = 2, rate = '50/s', mix = {{ ask = 1 }} }}\n\
         fault = [{{ at = '500ms', for = '500ms', {fault} }}]\n"
    );
    Source::new("fronted.toml", text)
}

fn read(nodes: &str, fault: &str) -> Result<Box<dyn Play>, String> {
    let read = modes::read(&[&Fronted], &scenario(nodes, fault));
    let told = |problem: Problem| match Diagnostic::help(&problem) {
        Some(help) => format!("{problem}: {help}"),
        None => problem.to_string(),
    };
    read.map_err(told)
}

#[track_caller]
fn refused(nodes: &str, fault: &str, why: &str) {
    let told = read(nodes, fault).map(|_| ()).expect_err("it is wrong");
    assert_eq!(told, why);
}

const NODES: &str = "{ front = 2, store = 3 }";

#[test]
fn servers_are_named_by_the_letter_of_their_class() {
    let scenario = read(NODES, "crash = 'any'").expect("it is sound");
    let names: Vec<String> = scenario.nodes().iter().map(ToString::to_string).collect();
    assert_eq!(names, ["f1", "f2", "s1", "s2", "s3", "c1", "c2"]);
}

#[test]
fn a_fault_names_a_class_a_role_or_one_of_a_class() {
    for fault in [
        "partition = ['front', 'store']",
        "crash = ['f1', 's3']",
        "pause = 'kept'",
        "partition = ['f2', 'others']",
        "crash = 'front'",
    ] {
        prove(&[&Fronted], &scenario(NODES, fault));
    }
}

#[test]
fn what_fits_no_class_is_refused_with_what_would_be_right() {
    let crash = "crash = 'any'";
    refused(
        "5",
        crash,
        "fronted has 2 kinds of node: write nodes = { front = 5, store = 5 }",
    );
    refused(
        "{ front = 2 }",
        crash,
        "nobody says how many stores there are: write store = 2",
    );
    refused(
        "{ front = 5, store = 2 }",
        crash,
        "5 fronts cannot run fronted: it runs with 1 to 4",
    );
    refused(
        "{ front = 2, stores = 3 }",
        crash,
        "`stores` is not a kind of node: known: front, store",
    );
    refused(
        NODES,
        "crash = 's4'",
        "there is no `s4` in this scenario: they are s1 to s3",
    );
    refused(
        NODES,
        "crash = 'f3'",
        "there is no `f3` in this scenario: they are f1 to f2",
    );
}

#[test]
fn an_option_that_no_type_forbids_is_refused_all_the_same() {
    let with = |options: &str| format!("{NODES}\noptions = {options}");
    let crash = "crash = 'any'";
    assert!(read(&with("{ stores = { fast = true } }"), crash).is_ok());
    refused(
        &with("{ store = {} }"),
        crash,
        "`store` is not a key of the options: known: stores",
    );
    refused(
        &with("{ stores = { fats = true } }"),
        crash,
        "`fats` is not a key of the options: known: fast",
    );
}

#[test]
fn who_has_one_kind_of_node_wants_a_number() {
    let text = "mode = 'raft'\nnodes = { server = 5 }\nseeds = '0..1'\nlength = '1s'\n\
                workload = { clients = 1, rate = '5/s', mix = { put = 1 } }\n";
    let read = modes::read(&modes::SHIPPED, &Source::new("raft.toml", text));
    let told = read.map(|_| ()).expect_err("it is wrong");
    assert_eq!(told.to_string(), "raft has one kind of node");
}
