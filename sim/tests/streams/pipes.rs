//! Pipes: servers that open streams, push numbered items into them and say all that befalls them.
//!
//! ```text
//! at its start  n1 -> n2 n3   opens a stream to each, and once more a while after one ends
//! every 10ms    n1 -> n2 n3   the next item into each stream, as far as there is credit
//!               n2 -> n1      the same back, if they echo
//! ```
//!
//! What a stream promises is asserted where it arrives: every item between the opening and the end, in order, without
//! gaps or repeats. Whether all has arrived is asked in the calm.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use netsplit::{
    Class, Closing, Cluster, Config, Damage, Does, Envelope, Input, Kinds, Life, Mode, NodeId, Now,
    OpId, Operation, Outbox, Outcome, Process, Promise, Protocol, Size, Span, SpanRange, StreamId,
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Pipes;

#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Options {
    /// So many servers, from the first, open streams; the others wait for them.
    opens: u32,
    /// How long from one tick to the next.
    interval: SpanRange,
    /// How many items are pushed at a tick, at most.
    burst: u64,
    /// The size of a message, in bytes.
    size: usize,
    /// Whether who was opened to pushes as well.
    echo: bool,
    /// How long after the end of a stream its opener opens the next.
    retry: SpanRange,
    /// After how many items the opener closes a stream; zero for never.
    closes: u64,
    /// After how many items that it got the other one closes a stream; zero for never.
    hangs_up: u64,
    /// How long after it began a stream each end closes it, by itself; zero for never.
    tires: SpanRange,
    /// When the pushing is over, and everything has to arrive; zero for never.
    until: Span,
    /// Whether it pushes what there is no credit for.
    greedy: bool,
    /// Whether it goes on pushing into streams that are over.
    dogged: bool,
    /// Whether each tick writes a record and asks for a flush before it pushes, and pushes a remark past it.
    flushes: bool,
    /// Whether each tick sends a datagram to every other server.
    words: bool,
    /// How long a client takes to answer itself, and so how long the calm lasts at least.
    answers: Span,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            opens: 1,
            interval: Span::millis(10).into(),
            burst: 1,
            size: 100,
            echo: false,
            retry: Span::millis(100).into(),
            closes: 0,
            hangs_up: 0,
            tires: Span::ZERO.into(),
            until: Span::ZERO,
            greedy: false,
            dogged: false,
            flushes: false,
            words: false,
            answers: Span::ZERO,
        }
    }
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Message {
    /// From one end of a stream to the other.
    Item(Item),
    /// Each fifth item is one.
    Fifth(Item),
    /// The same, past the flush and without an order: with which tick, and its size.
    Remark(u64, usize),
    /// A datagram: with which tick, and its size.
    Word(u64, usize),
}

/// Which of the items that one pushed into a stream, from 1.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Item {
    stream: StreamId,
    by: NodeId,
    number: u64,
    size: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Timer {
    Tick,
    Open(NodeId),
    Tire(StreamId),
    Answer(OpId),
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Note {
    Begins(StreamId),
    Opened(StreamId, NodeId, bool, u32),
    Pushed(StreamId, u64),
    Got(StreamId, u64),
    Remarks(StreamId, u64),
    Reads(StreamId, u64),
    Credit(StreamId, u32),
    Leaves(StreamId),
    Closed(StreamId, Closing),
    Hears(NodeId, u64),
}

/// A client that answers itself after a while.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Client(Span);

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Server {
    me: NodeId,
    others: Vec<NodeId>,
    options: Options,
    ticks: u64,
    pipes: BTreeMap<StreamId, Pipe>,
    /// Streams that have ended in this life.
    over: BTreeSet<StreamId>,
}

/// One end of a stream.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Pipe {
    open: bool,
    credit: u32,
    pushed: u64,
    got: u64,
}

impl Protocol for Pipes {
    type Message = Message;
    type Timer = Timer;
    type Record = u64;
    type Request = u64;
    type Response = u64;
    type Note = Note;
    type Options = Options;
}

impl Server {
    fn open(&mut self, peer: NodeId, out: &mut Outbox<Pipes>) {
        let stream = out.open(peer);
        out.note(Note::Begins(stream));
        self.begin(stream, out);
    }

    fn begin(&mut self, stream: StreamId, out: &mut Outbox<Pipes>) {
        assert!(!self.over.contains(&stream), "{stream} was over");
        let pipe = Pipe {
            open: false,
            credit: 0,
            pushed: 0,
            got: 0,
        };
        let before = self.pipes.insert(stream, pipe);
        assert!(before.is_none(), "{stream} was there before");
        if self.options.tires.max > Span::ZERO {
            out.arm(Timer::Tire(stream), self.options.tires);
        }
    }

    /// Closes a stream.
    fn leave(&mut self, stream: StreamId, out: &mut Outbox<Pipes>) {
        out.close(stream);
        out.note(Note::Leaves(stream));
        self.end(stream, out);
    }

    /// Whether the pushing is over, and the closing.
    fn rests(&self, now: Now) -> bool {
        let until = self.options.until;
        until > Span::ZERO && now.mono.as_nanos() >= until.as_nanos()
    }

    /// Forgets a stream; its opener opens another one later.
    fn end(&mut self, stream: StreamId, out: &mut Outbox<Pipes>) {
        let pipe = self.pipes.remove(&stream);
        assert!(pipe.is_some(), "{stream} ends before it begins");
        self.over.insert(stream);
        if stream.opener == self.me {
            out.arm(Timer::Open(stream.to), self.options.retry);
        }
    }

    fn pipe(&mut self, stream: StreamId) -> &mut Pipe {
        let pipe = self.pipes.get_mut(&stream).filter(|pipe| pipe.open);
        pipe.unwrap_or_else(|| panic!("{stream} is not open"))
    }

    fn message(&self, stream: StreamId, number: u64) -> Message {
        let item = Item {
            stream,
            by: self.me,
            number,
            size: self.options.size,
        };
        if number.is_multiple_of(5) {
            Message::Fifth(item)
        } else {
            Message::Item(item)
        }
    }

    fn tick(&mut self, now: Now, out: &mut Outbox<Pipes>) {
        out.arm(Timer::Tick, self.options.interval);
        if self.rests(now) {
            return;
        }
        self.ticks += 1;
        if self.options.flushes {
            out.write(self.ticks);
            out.flush();
        }
        for stream in self.pipes.keys().copied().collect::<Vec<_>>() {
            self.push(stream, out);
        }
        if self.options.dogged {
            for stream in &self.over {
                out.push(*stream, self.message(*stream, 1));
            }
        }
        if self.options.words {
            for other in &self.others {
                out.send(*other, Message::Word(self.ticks, self.options.size));
            }
        }
    }

    fn push(&mut self, stream: StreamId, out: &mut Outbox<Pipes>) {
        let size = self.options.size as u32;
        let mine = stream.opener == self.me;
        for _ in 0..self.options.burst {
            let options = &self.options;
            let Some(pipe) = self.pipes.get_mut(&stream) else {
                return;
            };
            let pushes = pipe.open && (mine || options.echo);
            if !pushes || pipe.credit < size && !options.greedy {
                return;
            }
            pipe.pushed += 1;
            pipe.credit = pipe.credit.saturating_sub(size);
            let (number, last) = (pipe.pushed, mine && pipe.pushed == options.closes);
            out.push(stream, self.message(stream, number));
            out.note(Note::Pushed(stream, number));
            if last {
                self.leave(stream, out);
            }
        }
        if let Some(pipe) = self.pipes.get_mut(&stream)
            && self.options.flushes
            && pipe.credit >= size
        {
            pipe.credit -= size;
            // It says nothing of what was written.
            let remark = Message::Remark(self.ticks, self.options.size);
            out.push_past_flush(stream, remark);
            out.note(Note::Remarks(stream, self.ticks));
        }
    }

    fn on_arrived(&mut self, stream: StreamId, message: Message, out: &mut Outbox<Pipes>) {
        let hangs_up = self.options.hangs_up;
        let (peer, mine) = (stream.other(self.me), stream.opener == self.me);
        let pipe = self.pipe(stream);
        match message {
            Message::Item(item) | Message::Fifth(item) => {
                let next = (stream, peer, pipe.got + 1);
                assert_eq!((item.stream, item.by, item.number), next);
                pipe.got += 1;
                let got = pipe.got;
                out.note(Note::Got(stream, got));
                if got == hangs_up && !mine {
                    self.leave(stream, out);
                }
            }
            Message::Remark(tick, _) => out.note(Note::Reads(stream, tick)),
            Message::Word(..) => panic!("words travel by themselves"),
        }
    }

    /// What of this server's streams to a peer is not as it has to be when all is well.
    fn missing(&self, other: &Server) -> Option<String> {
        let Server { me, .. } = self;
        let shared = |(stream, _): &(&StreamId, &Pipe)| stream.other(*me) == other.me;
        let mut shared = self.pipes.iter().filter(shared);
        shared.find_map(|(stream, pipe)| {
            if !pipe.open {
                return Some(format!("{me} still waits for {stream}"));
            }
            let Some(theirs) = other.pipes.get(stream).filter(|other| other.open) else {
                // Who has nothing to say never learns that the other is gone.
                let speaks = stream.opener == *me || self.options.echo;
                return speaks.then(|| format!("{me} has {stream}, and {} has not", other.me));
            };
            let got = theirs.got;
            let pushed = pipe.pushed;
            let short = got != pushed;
            short.then(|| format!("{me} pushed {pushed} into {stream}, and {got} arrived"))
        })
    }
}

impl Process for Server {
    type Protocol = Pipes;

    fn boot(
        config: &Arc<Config<Pipes>>,
        me: NodeId,
        _: Life,
        _: Now,
        _: &[Result<u64, Damage>],
        out: &mut Outbox<Pipes>,
    ) -> Server {
        let options = &config.options;
        let others = config.others(me).collect();
        let mut server = Server {
            me,
            others,
            options: options.clone(),
            ticks: 0,
            pipes: BTreeMap::new(),
            over: BTreeSet::new(),
        };
        if me.number() <= options.opens {
            for other in server.others.clone() {
                server.open(other, out);
            }
        }
        out.arm(Timer::Tick, options.interval);
        server
    }

    fn step(&mut self, now: Now, input: Input<Pipes>, out: &mut Outbox<Pipes>) {
        match input {
            Input::Fired(Timer::Tick) => self.tick(now, out),
            Input::Fired(Timer::Open(peer)) => self.open(peer, out),
            Input::Fired(Timer::Tire(stream)) => {
                if self.pipes.contains_key(&stream) && !self.rests(now) {
                    self.leave(stream, out);
                }
            }
            Input::Opened { stream, credit } => {
                let (peer, mine) = (stream.other(self.me), stream.opener == self.me);
                if !mine {
                    self.begin(stream, out);
                }
                let pipe = self.pipes.get_mut(&stream);
                let pipe = pipe.unwrap_or_else(|| panic!("nobody opened {stream}"));
                assert!(!pipe.open, "{stream} is opened twice");
                pipe.open = true;
                pipe.credit = credit;
                out.note(Note::Opened(stream, peer, mine, credit));
            }
            Input::Arrived(stream, message) => self.on_arrived(stream, message, out),
            Input::Credit(stream, bytes) => {
                self.pipe(stream).credit += bytes;
                out.note(Note::Credit(stream, bytes));
            }
            Input::Closed(stream, why) => {
                let opening = self.pipes.get(&stream).is_some_and(|pipe| !pipe.open);
                assert!(opening || why != Closing::Refused);
                out.note(Note::Closed(stream, why));
                self.end(stream, out);
            }
            Input::Delivered(from, Message::Word(tick, _)) => out.note(Note::Hears(from, tick)),
            Input::Delivered(..) => panic!("items travel on streams"),
            Input::Failed(_) => out.stop("the disk failed"),
            Input::Fired(Timer::Answer(_)) | Input::Flushed(_) | Input::Requested(..) => {}
            Input::Quit | Input::Resolved(_) => {}
        }
    }
}

impl Process for Client {
    type Protocol = Pipes;

    fn boot(
        config: &Arc<Config<Pipes>>,
        _: NodeId,
        _: Life,
        _: Now,
        _: &[Result<u64, Damage>],
        _: &mut Outbox<Pipes>,
    ) -> Client {
        Client(config.options.answers)
    }

    fn step(&mut self, _: Now, input: Input<Pipes>, out: &mut Outbox<Pipes>) {
        match input {
            Input::Requested(op, request) if self.0 == Span::ZERO => {
                out.respond(op, Outcome::Ok(request));
            }
            Input::Requested(op, _) => out.arm(Timer::Answer(op), self.0),
            Input::Fired(Timer::Answer(op)) => out.respond(op, Outcome::Ok(0)),
            _ => {}
        }
    }
}

impl Mode for Pipes {
    const NAME: &'static str = "pipes";
    const ABOUT: &'static str = "numbered items through streams, and a note of all that befalls";
    const SERVERS: &'static [Class] = &[Class::alike(2..=9)];
    const OPERATIONS: &'static [Operation<Pipes>] = &[Operation {
        name: "ask",
        does: Does::Changes,
        request: |_, ask| ask.value.name,
    }];

    type Server = Server;
    type Client = Client;
    type Invariants = ();

    fn promises(_: &Config<Pipes>) -> Vec<Promise<Pipes>> {
        Vec::new()
    }

    fn envelope(config: &Config<Pipes>) -> Envelope {
        Envelope {
            lost_servers: config.servers.len() as u32,
            ..Envelope::default()
        }
    }

    fn suffices(config: &Config<Pipes>, core: &[NodeId]) -> bool {
        core.len() > config.servers.len() / 2
    }

    /// A few of the shortest timeouts: whoever still waits for a longer one is forgotten.
    fn calm_budget(config: &Config<Pipes>) -> Span {
        config.options.answers + Span::secs(1)
    }

    /// Between those who are well, streams are open and what was pushed has arrived.
    fn settled(cluster: &impl Cluster<Pipes>) -> Result<(), String> {
        let sound = cluster.up().filter(|(id, _)| cluster.is_sound(*id));
        let servers: Vec<&Server> = sound
            .map(|(_, server)| server)
            .filter(|server| server.options.until > Span::ZERO)
            .collect();
        let pairs = servers
            .iter()
            .flat_map(|one| servers.iter().map(move |other| (one, other)));
        let missing = pairs.filter_map(|(one, other)| one.missing(other)).next();
        missing.map_or(Ok(()), Err)
    }
}

impl Size for Message {
    fn size(&self) -> usize {
        match self {
            Message::Item(Item { size, .. }) | Message::Fifth(Item { size, .. }) => *size,
            Message::Remark(_, size) | Message::Word(_, size) => *size,
        }
    }
}

impl Kinds for Message {
    const KINDS: &'static [&'static str] = &["item", "fifth", "remark", "word"];
    fn kind(&self) -> usize {
        match self {
            Message::Item(_) => 0,
            Message::Fifth(_) => 1,
            Message::Remark(..) => 2,
            Message::Word(..) => 3,
        }
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Message::Item(item) => write!(f, "item {}", item.number),
            Message::Fifth(item) => write!(f, "fifth {}", item.number),
            Message::Remark(tick, _) => write!(f, "remark {tick}"),
            Message::Word(tick, _) => write!(f, "word {tick}"),
        }
    }
}

impl Kinds for Note {
    const KINDS: &'static [&'static str] = &[
        "begins", "opened", "pushed", "got", "remarks", "reads", "credit", "leaves", "closed",
        "hears",
    ];
    fn kind(&self) -> usize {
        match self {
            Note::Begins(..) => 0,
            Note::Opened(..) => 1,
            Note::Pushed(..) => 2,
            Note::Got(..) => 3,
            Note::Remarks(..) => 4,
            Note::Reads(..) => 5,
            Note::Credit(..) => 6,
            Note::Leaves(..) => 7,
            Note::Closed(..) => 8,
            Note::Hears(..) => 9,
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::Begins(stream) => write!(f, "begins {stream} with {}", stream.to),
            Note::Opened(stream, peer, mine, credit) => {
                let whose = if *mine { "mine" } else { "theirs" };
                write!(f, "opened {stream} with {peer}, {whose}, {credit} bytes")
            }
            Note::Pushed(stream, number) => write!(f, "pushed {stream} {number}"),
            Note::Got(stream, number) => write!(f, "got {stream} {number}"),
            Note::Remarks(stream, tick) => write!(f, "remarks {stream} {tick}"),
            Note::Reads(stream, tick) => write!(f, "reads {stream} {tick}"),
            Note::Credit(stream, bytes) => write!(f, "credit {stream} {bytes}"),
            Note::Leaves(stream) => write!(f, "leaves {stream}"),
            Note::Closed(stream, why) => write!(f, "closed {stream} {why}"),
            Note::Hears(from, tick) => write!(f, "hears {from} {tick}"),
        }
    }
}
