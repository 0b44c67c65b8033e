//! Servers in memory that are handed each other's messages, without a world: what a protocol's own code costs on one core.

mod raft;
mod siblings;

use std::sync::Arc;

use netsplit::kv::{Key, Request, Value};
use netsplit::{Config, Effect, Input, Life, Mode, NodeId, Now, Outbox, Process, Protocol, Ticket};

/// Who asks for everything.
pub(crate) const CLIENT: NodeId = NodeId::client(1);

/// Logs grow without end: a fresh cluster now and then keeps a benchmark in bounded memory.
const FRESH_AFTER: u64 = 20_000;

/// What the harness has to know of a system in which one server takes all writes.
pub(crate) trait Core: Mode {
    /// So many servers by name. The first is to lead.
    fn servers(count: u32) -> Vec<NodeId>;

    /// What it takes for the first server to lead.
    fn lead(direct: &mut Direct<Self>);

    /// A client's write.
    fn write(seq: u64, request: Request) -> <Self as Protocol>::Message;

    /// Whether that answers one.
    fn is_answer(message: &<Self as Protocol>::Message) -> bool;

    /// The leader's timer that has it tell the others how far it has come.
    fn heartbeat() -> <Self as Protocol>::Timer;

    /// How far a server has executed its log, and how far that goes.
    fn reach(server: &Self::Server) -> (u64, u64);
}

/// Servers whose disks are instant: a flush is done when the mail has been read, as one flush a loop would be.
pub(crate) struct Direct<C: Core> {
    pub(crate) config: Arc<Config<C>>,
    servers: Vec<C::Server>,
    inboxes: Vec<Vec<(NodeId, C::Message)>>,
    flushes: Vec<Option<Ticket>>,
    /// What a flush holds back.
    held: Vec<Vec<(usize, C::Message)>>,
    answered: usize,
    seq: u64,
    out: Outbox<C>,
}

impl<C: Core> Direct<C> {
    /// So many servers, of which the first leads and all others follow it.
    pub(crate) fn new(count: u32) -> Direct<C> {
        let config = Arc::new(Config {
            servers: C::servers(count),
            options: C::Options::default(),
        });
        let mut out = Outbox::new();
        let boot = |name: &NodeId| {
            let disk: Vec<_> = C::Server::format(&config, *name)
                .into_iter()
                .map(Ok)
                .collect();
            C::Server::boot(&config, *name, Life(0), Now::default(), &disk, &mut out)
        };
        let servers: Vec<C::Server> = config.servers.iter().map(boot).collect();
        out.drain();
        let count = servers.len();
        let mut direct = Direct {
            config,
            servers,
            inboxes: vec![Vec::new(); count],
            flushes: vec![None; count],
            held: vec![Vec::new(); count],
            answered: 0,
            seq: 0,
            out,
        };
        C::lead(&mut direct);
        direct.settle();
        direct
    }

    /// The server that is to lead.
    pub(crate) fn first(&self) -> &C::Server {
        &self.servers[0]
    }

    pub(crate) fn step(&mut self, place: usize, input: Input<C>) {
        self.servers[place].step(Now::default(), input, &mut self.out);
        let from = self.config.servers[place];
        for effect in self.out.drain() {
            match effect {
                Effect::Send { to, message, .. } if to == CLIENT => {
                    self.answered += usize::from(C::is_answer(&message));
                }
                Effect::Send { to, message, pass } => {
                    let to = to.number() as usize - 1;
                    if pass || self.flushes[place].is_none() {
                        self.inboxes[to].push((from, message));
                    } else {
                        self.held[place].push((to, message));
                    }
                }
                Effect::Flush(ticket) => self.flushes[place] = Some(ticket),
                _ => {}
            }
        }
    }

    /// Turns round the nodes until none has anything left to say.
    pub(crate) fn settle(&mut self) {
        let mut mail = Vec::new();
        loop {
            let mut busy = false;
            for place in 0..self.servers.len() {
                std::mem::swap(&mut mail, &mut self.inboxes[place]);
                busy |= !mail.is_empty();
                for (from, message) in mail.drain(..) {
                    self.step(place, Input::Delivered(from, message));
                }
                if let Some(ticket) = self.flushes[place].take() {
                    let from = self.config.servers[place];
                    for (to, message) in self.held[place].drain(..) {
                        self.inboxes[to].push((from, message));
                    }
                    self.step(place, Input::Flushed(ticket));
                    busy = true;
                }
            }
            if !busy {
                return;
            }
        }
    }

    /// Asks for `batch` writes before any message is handed over, and runs until every server has executed all of them.
    pub(crate) fn round(&mut self, batch: usize) {
        if C::reach(self.first()).0 > FRESH_AFTER {
            *self = Direct::new(self.servers.len() as u32);
        }
        let answered = self.answered;
        for _ in 0..batch {
            self.seq += 1;
            let value = Value {
                name: self.seq,
                bytes: 16,
            };
            let request = Request::Put(Key(self.seq as u32 % 16), value);
            let message = C::write(self.seq, request);
            self.step(0, Input::Delivered(CLIENT, message));
        }
        self.settle();
        // The others learn of the last commit with the next message: a heartbeat here.
        self.step(0, Input::Fired(C::heartbeat()));
        self.settle();
        assert_eq!(self.answered - answered, batch, "all are answered");
        let (_, last) = C::reach(self.first());
        let level = |server: &C::Server| C::reach(server).0 == last;
        assert!(self.servers.iter().all(level), "all have executed all");
    }
}
