//! One server that sends numbers to another, which keeps what it hears: so little that its states can be counted by hand.

use std::fmt;
use std::sync::Arc;

use netsplit::small_world::{Bounds, Next, Often, Question, SmallWorld};
use netsplit::{
    Broken, Class, Cluster, Config, Damage, Input, Kinds, Life, Mode, Never, NodeId, Now,
    Operation, Outbox, Planted, Process, Promise, Protocol, Size, Span,
};

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Sender;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Message {
    /// Send these numbers.
    Go(&'static [u64]),
    /// Heard: written and kept. One that is even is flushed, with all that was written before it.
    Number(u64),
}

/// It keeps the numbers that it heard, in their order.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Server {
    other: NodeId,
    pub(crate) heard: Vec<u64>,
}

impl Protocol for Sender {
    type Message = Message;
    type Timer = ();
    type Record = u64;
    type Request = u64;
    type Response = u64;
    type Note = Never;
    type Options = ();
}

impl Process for Server {
    type Protocol = Sender;

    fn boot(
        config: &Arc<Config<Sender>>,
        me: NodeId,
        _: Life,
        _: Now,
        disk: &[Result<u64, Damage>],
        out: &mut Outbox<Sender>,
    ) -> Server {
        if me == NodeId::server(1) {
            out.arm((), Span::millis(1));
        }
        let other = config.others(me).next().expect("there are two");
        let heard = disk.iter().flatten().copied().collect();
        Server { other, heard }
    }

    fn step(&mut self, _: Now, input: Input<Sender>, out: &mut Outbox<Sender>) {
        match input {
            Input::Delivered(_, Message::Go(numbers)) => {
                let numbers = numbers.iter().copied();
                numbers.for_each(|number| out.send(self.other, Message::Number(number)));
            }
            // It stops at this one, and had written it.
            Input::Delivered(_, Message::Number(13)) => {
                out.write(13);
                out.stop("13 is too much");
            }
            Input::Delivered(_, Message::Number(number)) => {
                assert_ne!(number, 99, "nobody counts that far");
                self.heard.push(number);
                out.write(number);
                if number.is_multiple_of(2) {
                    out.flush();
                    out.send(NodeId::client(1), Message::Number(number));
                }
            }
            Input::Fired(()) => {
                out.arm((), Span::millis(1));
                out.send(self.other, Message::Number(100));
            }
            _ => {}
        }
    }
}

fn sends_more(server: &mut Server, now: Now, input: Input<Sender>, out: &mut Outbox<Sender>) {
    if matches!(input, Input::Delivered(_, Message::Go(_))) {
        out.send(server.other, Message::Number(99));
    }
    server.step(now, input, out);
}

impl Mode for Sender {
    const NAME: &'static str = "sender";
    const ABOUT: &'static str = "sends numbers";
    const SERVERS: &'static [Class] = &[Class::alike(2..=2)];
    const OPERATIONS: &'static [Operation<Sender>] = &[];
    const MISTAKES: &'static [Planted<Server>] = &[Planted {
        name: "sends_more",
        about: "it sends a number that nobody knows",
        plant: || Box::new(sends_more),
    }];

    type Server = Server;
    type Client = Server;
    type Invariants = ();

    fn promises(_: &Config<Sender>) -> Vec<Promise<Sender>> {
        Vec::new()
    }

    fn calm_budget(_: &Config<Sender>) -> Span {
        Span::ZERO
    }

    fn settled(_: &impl Cluster<Sender>) -> Result<(), String> {
        Ok(())
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Message::Go(numbers) => write!(f, "send {numbers:?}"),
            Message::Number(number) => write!(f, "number {number}"),
        }
    }
}

impl Kinds for Message {
    const KINDS: &'static [&'static str] = &["go", "number"];

    fn kind(&self) -> usize {
        match self {
            Message::Go(_) => 0,
            Message::Number(_) => 1,
        }
    }
}

impl Size for Message {}

/// A world in which n1 is told once to send some numbers.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Numbers {
    pub(crate) numbers: &'static [u64],
    pub(crate) bounds: Bounds,
    /// Who may crash.
    pub(crate) crashing: Vec<NodeId>,
    /// How often n1 sends by itself.
    pub(crate) alarms: Often,
    /// What happens after a server has heard so many is not looked at.
    pub(crate) heard: usize,
}

/// Nothing may happen but that these numbers are sent and arrive, one by one, in any order.
pub(crate) fn numbers(numbers: &'static [u64]) -> Numbers {
    Numbers {
        numbers,
        bounds: Bounds {
            room: 3,
            ordered: false,
            doubles: 0,
            crashes: 0,
            slow_disks: false,
        },
        crashing: vec![NodeId::server(1), NodeId::server(2)],
        alarms: Often::Never,
        heard: usize::MAX,
    }
}

impl SmallWorld for Numbers {
    type Mode = Sender;
    type Memory = ();

    fn config(&self) -> Config<Sender> {
        Config {
            servers: vec![NodeId::server(1), NodeId::server(2)],
            options: (),
        }
    }

    fn bounds(&self) -> Bounds {
        self.bounds
    }

    fn questions(&self) -> Vec<Question<Sender>> {
        let question = Question {
            from: NodeId::client(1),
            message: Message::Go(self.numbers),
            times: 1,
        };
        (!self.numbers.is_empty())
            .then_some(question)
            .into_iter()
            .collect()
    }

    fn often(&self, (): &()) -> Often {
        self.alarms
    }

    fn may(&self, _: &impl Cluster<Sender>, server: NodeId, next: Next<'_, Sender>) -> bool {
        match next {
            Next::Asked(_) | Next::Fires(_) => server == NodeId::server(1),
            Next::Crashes => self.crashing.contains(&server),
        }
    }

    fn within(&self, server: &Server) -> bool {
        server.heard.len() <= self.heard
    }

    fn tells(
        &self,
        (): &mut (),
        _: NodeId,
        to: NodeId,
        message: &Message,
        found: &mut Vec<Broken>,
    ) {
        if *message == Message::Number(4) {
            found.push(Broken::new("nobody_is_told_of_4", format!("{to} is")));
        }
    }
}
