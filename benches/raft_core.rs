//! The Raft core alone: processes in memory that are handed each other's messages, beside the crate `raft` (the core of
//! TiKV) in the same run. Proposals committed and executed on every node.

use std::sync::Arc;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use netsplit::kv::{Key, Request, Value};
use netsplit::raft::log::Index;
use netsplit::raft::{Message, Options, Raft, Record, Server, Standing, Timer};
use netsplit::{Config, Effect, Input, Life, NodeId, Now, Outbox, Process, Ticket};

#[path = "peers/tikv_raft.rs"]
mod tikv_raft;

/// Servers whose disks are instant: a flush is done when the mail has been read, as one flush a loop would be.
struct Cluster {
    servers: Vec<Server>,
    inboxes: Vec<Vec<(NodeId, Message)>>,
    flushes: Vec<Option<Ticket>>,
    /// What a flush holds back.
    held: Vec<Vec<(usize, Message)>>,
    answered: usize,
    seq: u64,
    out: Outbox<Raft>,
}

const CLIENT: NodeId = NodeId::client(1);

impl Cluster {
    fn new(nodes: u32) -> Cluster {
        let names: Vec<NodeId> = (1..=nodes).map(NodeId::server).collect();
        let config = Arc::new(Config {
            servers: names.clone(),
            options: Options::default(),
        });
        let mut out = Outbox::new();
        let boot = |name: &NodeId| {
            let disk = [Ok(Record::Identity(*name))];
            Server::boot(&config, *name, Life(0), Now::default(), &disk, &mut out)
        };
        let servers: Vec<Server> = names.iter().map(boot).collect();
        out.drain();
        let count = servers.len();
        let mut cluster = Cluster {
            servers,
            inboxes: vec![Vec::new(); count],
            flushes: vec![None; count],
            held: vec![Vec::new(); count],
            answered: 0,
            seq: 0,
            out,
        };
        cluster.step(0, Input::Fired(Timer::Election));
        cluster.settle();
        assert!(matches!(cluster.servers[0].standing, Standing::Leader(_)));
        cluster
    }

    fn step(&mut self, place: usize, input: Input<Raft>) {
        self.servers[place].step(Now::default(), input, &mut self.out);
        let from = NodeId::server(place as u32 + 1);
        for effect in self.out.drain() {
            match effect {
                Effect::Send {
                    to,
                    message: Message::Answer { .. },
                    ..
                } if to == CLIENT => self.answered += 1,
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
    fn settle(&mut self) {
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
                    let from = NodeId::server(place as u32 + 1);
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

    /// Proposes `batch` writes before any message is handed over, and runs until every node has executed all of them.
    fn round(&mut self, batch: usize) {
        let answered = self.answered;
        for _ in 0..batch {
            self.seq += 1;
            let value = Value {
                name: self.seq,
                bytes: 16,
            };
            let request = Request::Put(Key(self.seq as u32 % 16), value);
            self.step(
                0,
                Input::Delivered(
                    CLIENT,
                    Message::Ask {
                        life: Life(0),
                        seq: self.seq,
                        request,
                    },
                ),
            );
        }
        self.settle();
        // The followers learn of the last commit with the next append: a heartbeat here, as the peer's extra message.
        self.step(0, Input::Fired(Timer::Heartbeat));
        self.settle();
        assert_eq!(self.answered - answered, batch);
        let commit = self.servers[0].durable.log.last().index;
        assert!(self.servers.iter().all(|server| server.commit == commit));
    }

    /// How far the log has grown; nothing is compacted yet.
    fn length(&self) -> Index {
        self.servers[0].commit
    }
}

/// Logs grow without end: a fresh cluster now and then keeps the benchmark in bounded memory.
const FRESH_AFTER: Index = Index(20_000);

fn raft_core(c: &mut Criterion) {
    let mut group = c.benchmark_group("raft core");
    group
        .sample_size(20)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3));
    for nodes in [3, 5] {
        for batch in [1, 64, 1024] {
            group.throughput(Throughput::Elements(batch as u64));
            let point = format!("{nodes} nodes, {batch} a round");
            group.bench_function(BenchmarkId::new("netsplit", &point), |b| {
                let mut cluster = Cluster::new(nodes);
                b.iter(|| {
                    if cluster.length() > FRESH_AFTER {
                        cluster = Cluster::new(nodes);
                    }
                    cluster.round(batch);
                });
            });
            for merged in [false, true] {
                let name = if merged {
                    "raft-rs batch_append"
                } else {
                    "raft-rs"
                };
                group.bench_function(BenchmarkId::new(name, &point), |b| {
                    let mut cluster = tikv_raft::Cluster::new(nodes as usize, merged);
                    b.iter(|| cluster.round(batch));
                });
            }
        }
    }
    group.finish();
}

criterion_group!(benches, raft_core);
criterion_main!(benches);
