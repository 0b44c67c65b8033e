//! `--twice` finds what breaks the one law: a process that draws from ambient randomness, and one that lets the order of
//! a hash map decide. This program is its own `netsplit`, with two modes that leak.

use std::fmt;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::{env, fs};

use libtest_mimic::{Arguments, Failed, Trial};
use netsplit::{
    Class, Cluster, Config, Damage, Does, Input, Kinds, Life, Mode, Never, NodeId, Now, Operation,
    Outbox, Outcome, Process, Promise, Protocol, Size, Span,
};
use netsplit_sim::modes::AnyMode;

/// Nodes that send beats; `LEAK` says what decides when, or to whom.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Leaky<const LEAK: usize>;

const NOTHING: usize = 0;
const RANDOMNESS: usize = 1;
const MAP_ORDER: usize = 2;

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Node<const LEAK: usize>(Vec<NodeId>);

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Beat;

impl fmt::Display for Beat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("beat")
    }
}

impl Kinds for Beat {
    const KINDS: &'static [&'static str] = &["beat"];
    fn kind(&self) -> usize {
        0
    }
}

impl Size for Beat {}

impl<const LEAK: usize> Protocol for Leaky<LEAK> {
    type Message = Beat;
    type Timer = ();
    type Record = Never;
    type Request = u64;
    type Response = u64;
    type Note = Never;
    type Options = ();
}

#[expect(clippy::disallowed_types, reason = "this is the leak")]
fn first_of_a_map(nodes: &[NodeId]) -> NodeId {
    let map: std::collections::HashMap<NodeId, ()> = nodes.iter().map(|node| (*node, ())).collect();
    map.keys().copied().next().unwrap_or(nodes[0])
}

#[expect(clippy::disallowed_types, reason = "this is the leak")]
fn ambient_randomness() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0)
}

impl<const LEAK: usize> Process for Node<LEAK> {
    type Protocol = Leaky<LEAK>;

    fn boot(
        config: &Arc<Config<Leaky<LEAK>>>,
        me: NodeId,
        _: Life,
        _: Now,
        _: &[Result<Never, Damage>],
        out: &mut Outbox<Leaky<LEAK>>,
    ) -> Self {
        if !me.is_client() {
            out.arm((), Span::millis(10));
        }
        Node(config.servers.clone())
    }

    fn step(&mut self, _: Now, input: Input<Leaky<LEAK>>, out: &mut Outbox<Leaky<LEAK>>) {
        match input {
            Input::Fired(()) => {
                let wait = if LEAK == RANDOMNESS {
                    ambient_randomness() % 10_000_000
                } else {
                    5_000_000
                };
                let whom = if LEAK == MAP_ORDER {
                    first_of_a_map(&self.0)
                } else {
                    self.0[0]
                };
                out.arm((), Span::millis(10) + Span::nanos(wait));
                out.send(whom, Beat);
            }
            Input::Requested(op, request) => out.respond(op, Outcome::Ok(request)),
            _ => {}
        }
    }
}

impl<const LEAK: usize> Mode for Leaky<LEAK> {
    const NAME: &'static str = ["tight", "leaks_randomness", "leaks_map_order"][LEAK];
    const ABOUT: &'static str = "beats, sent when or to whom they should not be";
    const SERVERS: &'static [Class] = &[Class::alike(1..=9)];
    const OPERATIONS: &'static [Operation<Self>] = &[Operation {
        name: "echo",
        does: Does::Changes,
        request: |_, ask| ask.value.name,
    }];

    type Server = Node<LEAK>;
    type Client = Node<LEAK>;
    type Invariants = ();

    fn promises(_: &Config<Self>) -> Vec<Promise<Self>> {
        Vec::new()
    }

    fn calm_budget(_: &Config<Self>) -> Span {
        Span::secs(1)
    }

    fn settled(_: &impl Cluster<Self>) -> Result<(), String> {
        Ok(())
    }
}

const MODES: [&dyn AnyMode; 3] = [&Leaky::<NOTHING>, &Leaky::<RANDOMNESS>, &Leaky::<MAP_ORDER>];

fn main() -> ExitCode {
    if env::args()
        .nth(1)
        .is_some_and(|arg| arg == "run" || arg == "replay")
    {
        return netsplit_sim::main(&MODES, &[]);
    }
    let trials = vec![
        Trial::test("a_mode_that_leaks_nothing_is_the_same_twice", || {
            expect(
                "tight",
                0,
                "each of 3 runs gave the same digest in a fresh process",
            )
        }),
        Trial::test("a_draw_from_ambient_randomness_is_found", || {
            expect("leaks_randomness", 1, "NOT DETERMINISTIC")
        }),
        Trial::test(
            "the_order_of_a_hash_map_is_found_with_the_event_it_decided",
            || expect("leaks_map_order", 1, "  - "),
        ),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Runs a scenario of a mode twice, in a process that has these modes.
fn expect(mode: &str, code: i32, text: &str) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("leak.toml");
    fs::write(
        &file,
        format!(
            "mode = '{mode}'\nnodes = 5\nseeds = '0..3'\nlength = '1s'\n\
             workload = {{ clients = 1, rate = '5/s', mix = {{ echo = 1 }} }}\n"
        ),
    )?;
    let output = Command::new(env::current_exe()?)
        .arg("run")
        .arg(&file)
        .arg("--twice")
        .output()?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.code() == Some(code) && printed.contains(text) {
        return Ok(());
    }
    Err(format!(
        "exit {:?}\n{printed}\n{}",
        output.status.code(),
        String::from_utf8_lossy(&output.stderr)
    )
    .into())
}
