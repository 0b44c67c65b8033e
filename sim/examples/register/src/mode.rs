//! What makes the register a mode: everything beyond its algorithm.

use netsplit::kv::{self, Request, Response};
use netsplit::{
    Broken, Class, Cluster, Config, Effect, Input, Invariants, Kinds, Mode, Never, NodeId, Now,
    Operation, Outbox, Planted, Process, Promise, Protocol, Size, Span, SpanRange,
};
use serde::{Deserialize, Serialize};

use crate::register::{Client, Entry, Message, PRIMARY, Server, Timer};

/// The mode, and its vocabulary.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Register;

impl Protocol for Register {
    type Message = Message;
    type Timer = Timer;
    type Record = Entry;
    type Request = Request;
    type Response = Response;
    type Note = Never;
    type Options = Options;
}

/// What a scenario may set under `[options]`.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Options {
    /// How long whoever waits for an answer waits before it says it again.
    pub(crate) again: SpanRange,
    /// How many entries a backup that is behind is sent at once.
    pub(crate) batch: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            again: SpanRange::new(Span::millis(40), Span::millis(60)),
            batch: 64,
        }
    }
}

impl Kinds for Message {
    const KINDS: &'static [&'static str] = &["ask", "answer", "copy", "copied"];

    fn kind(&self) -> usize {
        match self {
            Message::Ask(..) => 0,
            Message::Answer(..) => 1,
            Message::Copy(..) => 2,
            Message::Copied(_) => 3,
        }
    }
}

impl Size for Message {}
impl Size for Entry {}

impl Mode for Register {
    const NAME: &'static str = "register";
    const ABOUT: &'static str = "primary and backups, without failover; linearizable";
    const SERVERS: &'static [Class] = &[Class::alike(1..=9)];
    const OPERATIONS: &'static [Operation<Register>] = &kv::operations();
    const ROLES: &'static [&'static str] = &["primary", "backup"];
    const MISTAKES: &'static [Planted<Server>] = &[Planted {
        name: "confirms_too_early",
        about: "a backup confirms what it did not flush",
        plant: || Box::new(confirms_too_early),
    }];

    type Server = Server;
    type Client = Client;
    type Invariants = RegisterInvariants;

    fn told(request: &Request, response: &Response) -> Option<(kv::Key, Option<kv::Value>)> {
        kv::told(request, response)
    }

    fn promises(_: &Config<Register>) -> Vec<Promise<Register>> {
        vec![Promise::Linearizable(kv::view), Promise::Durable(kv::view)]
    }

    /// A backup that was down for the whole storm is told all of it.
    fn calm_budget(_: &Config<Register>) -> Span {
        Span::secs(10)
    }

    fn settled(cluster: &impl Cluster<Register>) -> Result<(), String> {
        let primary = cluster.server(PRIMARY).ok_or("the primary is down")?;
        let (done, length) = (primary.done, primary.log.len());
        if done < length {
            return Err(format!("{done} of {length} entries are on every disk"));
        }
        Ok(())
    }
}

/// What must hold inside, with what it remembers of the run.
#[derive(Default)]
pub(crate) struct RegisterInvariants {
    done: usize,
}

impl Invariants<Register> for RegisterInvariants {
    const NAMES: &'static [&'static str] = &["what_is_done_is_on_every_disk"];

    fn after_step(&mut self, cluster: &impl Cluster<Register>, _: NodeId, found: &mut Vec<Broken>) {
        let Some(primary) = cluster.server(PRIMARY) else {
            return;
        };
        if std::mem::replace(&mut self.done, primary.done) >= primary.done {
            return;
        }
        for id in cluster.servers() {
            let on_disk = cluster.disk(*id).records.len();
            if on_disk < primary.done {
                let evidence = format!("{} entries are done, and {id} has {on_disk}", primary.done);
                found.push(Broken::new(Self::NAMES[0], evidence));
            }
        }
    }
}

fn confirms_too_early(
    server: &mut Server,
    now: Now,
    input: Input<Register>,
    out: &mut Outbox<Register>,
) {
    let copies = matches!(input, Input::Delivered(_, Message::Copy(..)));
    server.step(now, input, out);
    if copies {
        let effects = out.effects_mut();
        effects.retain(|effect| !matches!(effect, Effect::Flush(_)));
    }
}
