//! A client: what it wants to be registered for and told of, and the session server that it is connected to.

use std::collections::BTreeMap;
use std::ops::RangeBounds;
use std::sync::Arc;

use super::SessionData;
use super::digest::Sum;
use super::link::Link;
use super::lock::Record;
use super::message::{CallId, Datum, Message, Timer, Wish};
use super::names::{ProcessId, RegisterId, SESSION};
use super::note::Note;
use super::publishing::client_sum;
use super::request::{Request, Response};
use crate::kv::{Key, Value};
use crate::process::{Config, Damage, Input, Outcome, Process};
use crate::{Life, NodeId, Now, OpId, Outbox, StreamId};

/// A client. What it wants it goes on wanting for as long as it lives, whatever becomes of its session server.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Client {
    pub(super) me: ProcessId,
    config: Arc<Config<SessionData>>,
    sessions: Arc<[NodeId]>,
    /// Which of them it turns to.
    target: usize,
    pub(super) link: Link,
    /// What it has published, or withdrawn.
    pub(super) mine: BTreeMap<Key, Mine>,
    /// What it has subscribed to.
    pub(super) watched: BTreeMap<Key, Watched>,
    /// What its caller waits for.
    asking: Option<(OpId, Request)>,
}

/// What it wants of a service as a publisher.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Mine {
    /// How often it has changed its mind.
    pub version: u64,
    /// What it wants to be registered with; nothing if it has withdrawn.
    pub value: Option<Value>,
    /// Whether its session server has granted that, over this connection.
    pub granted: bool,
}

/// What it knows of a service as a subscriber.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Watched {
    /// What it was pushed last.
    pub datum: Option<Arc<Datum>>,
    /// Whether its session server knows that it wants to know, over this connection.
    pub granted: bool,
}

impl Process for Client {
    type Protocol = SessionData;

    fn boot(
        config: &Arc<Config<SessionData>>,
        node: NodeId,
        life: Life,
        _: Now,
        _: &[Result<Record, Damage>],
        out: &mut Outbox<SessionData>,
    ) -> Client {
        let sessions = config.servers.iter().filter(|id| id.letter() == SESSION);
        let sessions: Arc<[NodeId]> = sessions.copied().collect();
        let mut client = Client {
            me: ProcessId { node, life },
            config: Arc::clone(config),
            target: node.number() as usize % sessions.len(),
            sessions,
            link: Link::Down,
            mine: BTreeMap::new(),
            watched: BTreeMap::new(),
            asking: None,
        };
        client.dial(out);
        client
    }

    fn step(&mut self, _: Now, input: Input<SessionData>, out: &mut Outbox<SessionData>) {
        match input {
            Input::Requested(op, request) => self.on_request(op, request, out),
            Input::Delivered(from, message) => self.on_message(from, message, out),
            Input::Fired(timer) => self.on_timer(timer, out),
            Input::Opened { stream, .. } => {
                if self
                    .link
                    .on_opened((self.me, stream), &self.config.options.client, out)
                {
                    self.ask_for_all(out);
                }
            }
            Input::Arrived(stream, Message::Pong) => self.link.on_pong(stream),
            Input::Closed(stream, _) => {
                if self.link.on_closed(stream, out) {
                    self.dial_next(out);
                }
            }
            Input::Quit => out.stop("was asked to quit"),
            // Signs of life are few and small, and it writes nothing.
            Input::Arrived(..) | Input::Credit(..) | Input::Flushed(_) | Input::Failed(_) => {}
            Input::Resolved(_) => {}
        }
    }
}

impl Client {
    fn on_request(&mut self, op: OpId, request: Request, out: &mut Outbox<SessionData>) {
        assert!(
            self.asking.is_none(),
            "a client is asked one thing at a time"
        );
        self.asking = Some((op, request));
        out.arm(Timer::GiveUp, self.config.options.client.give_up);
        match request {
            Request::Publish(service, value) => self.changes(service, Some(value)),
            Request::Withdraw(service) => self.changes(service, None),
            Request::Look(service) => {
                self.watched.entry(service).or_default();
                self.answer(out);
            }
        }
        let service = request.service();
        self.ask(service..=service, out);
    }

    fn changes(&mut self, service: Key, value: Option<Value>) {
        let mine = self.mine.entry(service).or_insert(Mine {
            version: 0,
            value: None,
            granted: false,
        });
        *mine = Mine {
            version: mine.version + 1,
            value,
            granted: false,
        };
    }

    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Outbox<SessionData>) {
        match message {
            Message::Registered { connection, wishes } if self.is_mine(connection) => {
                wishes.iter().for_each(|wish| self.is_granted(wish));
                self.answer(out);
            }
            Message::Repeat { connection, held } if self.is_mine(connection) => match held {
                Some(held) => self.on_differing(&held, out),
                None => {
                    self.link.give_up(out);
                    self.dial_next(out);
                }
            },
            Message::Push {
                connection,
                call,
                datum,
            } if self.is_mine(connection) => self.on_push(from, call, datum, out),
            _ => {}
        }
    }

    fn is_mine(&self, connection: StreamId) -> bool {
        self.link.up() == Some(connection)
    }

    fn is_granted(&mut self, wish: &Wish) {
        match *wish {
            Wish::Publish(service, version, _) | Wish::Withdraw(service, version) => {
                if let Some(mine) = self.mine.get_mut(&service)
                    && mine.version == version
                {
                    mine.granted = true;
                }
            }
            Wish::Subscribe(service, _) => {
                if let Some(watched) = self.watched.get_mut(&service) {
                    watched.granted = true;
                }
            }
        }
    }

    /// The session server has these registrations of it, and they are not what it wants.
    fn on_differing(&mut self, held: &[(Key, u64)], out: &mut Outbox<SessionData>) {
        let held: BTreeMap<Key, u64> = held.iter().copied().collect();
        for (service, mine) in &mut self.mine {
            let has = held.get(service).copied();
            let is_so = match mine.value {
                Some(_) => has == Some(mine.version),
                None => has.is_none(),
            };
            mine.granted &= is_so;
        }
        self.ask(.., out);
    }

    /// What is pushed late is older than what it knows.
    fn on_push(
        &mut self,
        from: NodeId,
        call: CallId,
        datum: Arc<Datum>,
        out: &mut Outbox<SessionData>,
    ) {
        out.send(from, Message::Pushed(call));
        if let Some(watched) = self.watched.get_mut(&datum.service)
            && watched
                .datum
                .as_ref()
                .is_none_or(|known| known.version < datum.version)
        {
            watched.datum = Some(datum);
            self.answer(out);
        }
    }

    fn on_timer(&mut self, timer: Timer, out: &mut Outbox<SessionData>) {
        let options = &self.config.options;
        match timer {
            Timer::Again => self.ask(.., out),
            Timer::GiveUp => self.give_up(out),
            Timer::Dial(_) => self.dial(out),
            Timer::Connecting(_) => {
                self.link.give_up(out);
                self.dial_next(out);
            }
            Timer::Ping(_) => {
                let sum = options.rules.compare_clients.then(|| self.sum()).flatten();
                let options = &self.config.options.client;
                if self.link.ping(sum, options, out) {
                    self.dial_next(out);
                }
            }
            _ => {}
        }
    }

    /// All that it is registered for; none while it waits for something to be granted.
    fn sum(&self) -> Option<Sum> {
        let digest = self.config.options.rules.digest;
        let mut sum = Sum::default();
        for (service, mine) in &self.mine {
            if !mine.granted {
                return None;
            }
            if mine.value.is_some() {
                sum.add(client_sum(digest, self.id(*service), mine.version));
            }
        }
        Some(sum)
    }

    pub(super) fn id(&self, service: Key) -> RegisterId {
        RegisterId {
            service,
            client: self.me.node,
            life: self.me.life,
        }
    }

    fn dial(&mut self, out: &mut Outbox<SessionData>) {
        let session = self.sessions[self.target];
        self.link.dial(session, &self.config.options.client, out);
    }

    /// Its connection is gone: it turns to the next session server, in a while.
    fn dial_next(&mut self, out: &mut Outbox<SessionData>) {
        out.disarm(Timer::Again);
        self.target = (self.target + 1) % self.sessions.len();
        let session = self.sessions[self.target];
        out.arm(Timer::Dial(session), self.config.options.client.retry);
    }

    /// It is connected: whatever it wants, this session server has never heard of.
    fn ask_for_all(&mut self, out: &mut Outbox<SessionData>) {
        self.mine.values_mut().for_each(|mine| mine.granted = false);
        self.watched
            .values_mut()
            .for_each(|watched| watched.granted = false);
        self.ask(.., out);
    }

    /// Asks for what is not granted of these services, and will do so again.
    fn ask(&mut self, which: impl RangeBounds<Key> + Clone, out: &mut Outbox<SessionData>) {
        let Some(connection) = self.link.up() else {
            return;
        };
        let mine = self.mine.range(which.clone());
        let mine = mine.filter(|(_, mine)| !mine.granted);
        let changes = mine.map(|(service, mine)| match mine.value {
            Some(value) => Wish::Publish(*service, mine.version, value),
            None => Wish::Withdraw(*service, mine.version),
        });
        let watched = self.watched.range(which);
        let watched = watched.filter(|(_, watched)| !watched.granted);
        let subscriptions = watched.map(|(service, watched)| {
            let version = watched.datum.as_ref().map(|datum| datum.version);
            Wish::Subscribe(*service, version)
        });
        let wishes: Vec<Wish> = changes.chain(subscriptions).collect();
        if wishes.is_empty() {
            return;
        }
        let options = &self.config.options.client;
        out.arm(Timer::Again, options.invoke);
        for wishes in wishes.chunks(options.batch) {
            out.send(
                connection.to,
                Message::Register {
                    connection,
                    life: self.me.life,
                    wishes: wishes.into(),
                },
            );
        }
    }

    /// Tells its caller what is known by now, if that is what it waits for.
    fn answer(&mut self, out: &mut Outbox<SessionData>) {
        let Some((op, request)) = self.asking else {
            return;
        };
        let response = match request {
            Request::Publish(service, _) | Request::Withdraw(service) => {
                let granted = self.mine.get(&service).is_some_and(|mine| mine.granted);
                granted.then_some(Response::Granted)
            }
            Request::Look(service) => {
                let watched = self.watched.get(&service);
                let datum = watched.and_then(|watched| watched.datum.as_ref());
                datum.map(|datum| Response::Shown(datum.version, Arc::clone(&datum.registered)))
            }
        };
        if let Some(response) = response {
            self.asking = None;
            out.disarm(Timer::GiveUp);
            out.respond(op, Outcome::Ok(response));
        }
    }

    /// Its caller is not kept waiting any longer. What it wants it will go on asking for.
    fn give_up(&mut self, out: &mut Outbox<SessionData>) {
        let Some((op, request)) = self.asking.take() else {
            return;
        };
        out.note(Note::GivesUp(request));
        let outcome = match request {
            Request::Look(_) => Outcome::Failed,
            Request::Publish(..) | Request::Withdraw(_) => Outcome::Unknown,
        };
        out.respond(op, outcome);
    }
}

impl Request {
    /// About which service.
    pub fn service(&self) -> Key {
        match self {
            Request::Publish(service, _) | Request::Withdraw(service) | Request::Look(service) => {
                *service
            }
        }
    }
}
