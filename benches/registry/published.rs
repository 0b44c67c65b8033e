//! A data server that serves all slots, and batches of registrations as its session servers send them.

use std::sync::Arc;

use netsplit::kv::Value;
use netsplit::session_data::SessionData;
use netsplit::session_data::message::{Access, Address, CallId, Item, Message, Timer};
use netsplit::session_data::names::{Epoch, META, ProcessId, SlotId, Stamp};
use netsplit::session_data::options::Options;
use netsplit::session_data::server::Server;
use netsplit::session_data::store::Registration;
use netsplit::session_data::table::{Roster, Slot, Table};
use netsplit::{Config, Effect, Input, Life, NodeId, Now, Outbox, Process, StreamId};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_xoshiro::SplitMix64;

use super::{DATA_SERVER, SESSIONS, SLOTS, owner, register, session, slot};

const META_SERVER: NodeId = NodeId::new(META, 1);
const EPOCH: Epoch = Epoch { term: 1, count: 1 };

/// How many registrations travel together.
pub(crate) const BATCH: usize = 100;

/// After how many batches session servers are told what changed: every half second, at a million registrations a second.
const NOTICE_AFTER: usize = 5_000;

/// A batch, and who sends it.
pub(crate) type Sent = (NodeId, Message);

/// A data server, and what it says.
#[derive(Clone)]
pub(crate) struct DataServer {
    server: Server,
    out: Outbox<SessionData>,
    /// How many batches session servers were not told of yet.
    untold: usize,
}

impl DataServer {
    /// One that serves all slots, of session servers that are connected and have nothing registered yet.
    pub(crate) fn serving() -> DataServer {
        let sessions = || (0..SESSIONS).map(session);
        let servers = sessions().map(|process| process.node);
        let config = Arc::new(Config {
            servers: servers.chain([DATA_SERVER, META_SERVER]).collect(),
            options: Options::default(),
        });
        let mut out = Outbox::new();
        let (now, life) = (Now::default(), Life(0));
        let server = Server::boot(&config, DATA_SERVER, life, now, &[], &mut out);
        out.drain();
        let mut data = DataServer {
            server,
            out,
            untold: 0,
        };
        for process in sessions() {
            let stream = StreamId {
                opener: process.node,
                number: 1,
                to: DATA_SERVER,
            };
            let credit = 1 << 16;
            data.step(Input::Opened { stream, credit });
            data.step(Input::Arrived(stream, Message::Hello(process)));
        }
        data.hear_of_everybody();
        data.compare_with_nothing();
        assert_eq!(data.gauge("served"), u64::from(SLOTS));
        data
    }

    /// A meta leader says who is there, and that this one leads all slots.
    fn hear_of_everybody(&mut self) {
        let led = Slot {
            leader: Some(DATA_SERVER),
            leadership: EPOCH,
            followers: Vec::new(),
        };
        let table = Table {
            epoch: EPOCH,
            slots: vec![led; SLOTS as usize],
        };
        let sessions = (0..SESSIONS).map(session);
        let roster = Roster {
            epoch: EPOCH,
            sessions: sessions.map(|one| (one.node, one.life)).collect(),
            data: [(DATA_SERVER, Life(0))].into(),
        };
        let beaten = Message::Beaten {
            term: EPOCH.term,
            table: Some(Arc::new(table)),
            roster: Some(Arc::new(roster)),
        };
        self.server.step(
            Now::default(),
            Input::Delivered(META_SERVER, beaten),
            &mut self.out,
        );
    }

    /// Answers what it asks: no session server has anything.
    fn compare_with_nothing(&mut self) {
        let asked: Vec<Effect<SessionData>> = self.out.drain().collect();
        for effect in asked {
            if let Effect::Send { to, message, .. } = effect
                && let Message::Digests { call, .. } = message
            {
                let process = ProcessId {
                    node: to,
                    life: Life(0),
                };
                let answer = Message::Differing {
                    call,
                    process,
                    last: CallId(0),
                    services: Arc::default(),
                    gone: Arc::default(),
                };
                self.step(Input::Delivered(to, answer));
            }
        }
    }

    fn step(&mut self, input: Input<SessionData>) {
        self.server.step(Now::default(), input, &mut self.out);
        self.out.drain();
    }

    /// Takes the batches in, and says how many registrations it took in all.
    pub(crate) fn take(&mut self, batches: &[Sent]) -> usize {
        let mut taken = 0;
        for (from, message) in batches {
            let input = Input::Delivered(*from, message.clone());
            self.server.step(Now::default(), input, &mut self.out);
            let is_taken = |effect: &Effect<SessionData>| {
                matches!(
                    effect,
                    Effect::Send {
                        message: Message::Done(_, Access::Accept),
                        ..
                    }
                )
            };
            taken += self.out.drain().filter(is_taken).count() * BATCH;
            self.untold += 1;
            if self.untold == NOTICE_AFTER {
                self.untold = 0;
                self.tell();
            }
        }
        taken
    }

    /// Tells session servers what has changed, all of which have heard it.
    fn tell(&mut self) {
        let now = Now::default();
        self.server
            .step(now, Input::Fired(Timer::Notify), &mut self.out);
        let told: Vec<Effect<SessionData>> = self.out.drain().collect();
        for effect in told {
            if let Effect::Send { to, message, .. } = effect
                && let Message::Changed(call, _) = message
            {
                self.step(Input::Delivered(to, Message::Noted(call)));
            }
        }
    }

    /// How many registrations it has.
    pub(crate) fn registrations(&self) -> u64 {
        self.gauge("registrations")
    }

    fn gauge(&self, name: &str) -> u64 {
        let gauges = self.server.gauges();
        let found = gauges.iter().find(|(known, _)| *known == name);
        found.expect("it has that gauge").1
    }
}

/// A registration of each of so many clients, enough that all batches are full; later than those of an earlier round, in
/// that state, and with that content.
pub(crate) fn batches(clients: u32, round: u64, version: u64, content: u64) -> Vec<Sent> {
    let mut random = SplitMix64::seed_from_u64(7);
    let mut clients: Vec<u32> = (0..clients).collect();
    clients.shuffle(&mut random);
    let places = (SESSIONS * SLOTS) as usize;
    let mut items: Vec<Vec<Item>> = vec![Vec::new(); places];
    for client in clients {
        let id = register(client);
        let number = owner(client);
        let registration = Registration {
            id,
            content: Some(Value {
                name: content,
                bytes: 64,
            }),
            stamp: Stamp {
                version,
                connection: 1,
                time: version,
            },
            owner: session(number),
        };
        let place = number * SLOTS + slot(id).0;
        items[place as usize].push(Item::Put(registration));
    }
    let mut batches: Vec<(u32, Arc<[Item]>)> = Vec::new();
    for (place, items) in (0..).zip(&items) {
        batches.extend(items.chunks_exact(BATCH).map(|items| (place, items.into())));
    }
    batches.shuffle(&mut random);
    let message = |(call, (place, items)): (u64, (u32, Arc<[Item]>))| {
        let process = session(place / SLOTS);
        let of = Address {
            table: EPOCH,
            slot: SlotId(place % SLOTS),
            leadership: EPOCH,
        };
        let call = CallId((round << 32) + call);
        let batch = Message::Batch {
            call,
            process,
            of,
            items,
        };
        (process.node, batch)
    };
    (1..).zip(batches).map(message).collect()
}
