//! How fast the linearizability judge is: the zone algorithm and the search, on valid and on invalid histories.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use netsplit::kv::{Exchange, Key, Request, Response, Revision, Value};
use netsplit::{NodeId, OpId, Time};
use netsplit_sim::check::linearizable::judge;
use netsplit_sim::check::{Call, Finding};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::SplitMix64;

/// More states than any of these histories needs.
const BUDGET: u64 = 10_000_000;

/// What is asked of the store.
#[derive(Clone, Copy)]
struct Load {
    ops: u32,
    clients: u32,
    keys: u32,
    /// Compare-and-swaps, which make the judge search, per hundred operations.
    swaps: u32,
    /// Operations whose outcome stays unknown, per hundred.
    unknown: u32,
    /// Whether the answers tell revisions.
    tells_revisions: bool,
}

const ONE_KEY: Load = Load {
    ops: 1_000,
    clients: 5,
    keys: 1,
    swaps: 0,
    unknown: 0,
    tells_revisions: true,
};

/// A valid history in which every client always has an operation in flight: half of them write, and every operation
/// takes effect at a random time between its invocation and its return.
fn valid(load: Load) -> Vec<Call> {
    let mut rng = SplitMix64::seed_from_u64(7);
    // Invocation, effect and return of each operation; a client's next follows its last at once.
    let mut free = vec![0; load.clients as usize];
    let mut spans: Vec<(u64, u64, u64, u32)> = Vec::new();
    for op in 0..load.ops {
        let client = op % load.clients;
        let invoked = free[client as usize] + rng.random_range(1..10);
        let effect = invoked + rng.random_range(1..1_000);
        let returned = effect + rng.random_range(1..1_000);
        free[client as usize] = returned;
        spans.push((invoked, effect, returned, client));
    }
    spans.sort_unstable_by_key(|span| span.1);

    let mut registers: Vec<(Option<Value>, u64)> = vec![(None, 0); load.keys as usize];
    let mut calls = Vec::new();
    for (op, (invoked, _, returned, client)) in (0..).zip(spans) {
        let key = Key(rng.random_range(0..load.keys));
        let (value, revision) = &mut registers[key.0 as usize];
        let new = Value {
            name: u64::from(op) + 1,
            bytes: 100,
        };
        let dice = rng.random_range(0..100);
        let (request, sets) = match dice {
            _ if dice < load.swaps => {
                let expected = if dice.is_multiple_of(2) { *value } else { None };
                (Request::Cas(key, expected, new), *value == expected)
            }
            _ if rng.random() => (Request::Put(key, new), true),
            _ => (Request::Get(key), false),
        };
        if sets {
            *value = Some(new);
            *revision += 1;
        }
        let told = Revision(if load.tells_revisions { *revision } else { 0 });
        let response = match sets {
            true => Response::Written(told),
            false => Response::Found(*value, told),
        };
        let is_known = request.is_read() || rng.random_range(0..100) >= load.unknown;
        calls.push(Call {
            client: NodeId::client(client + 1),
            op: OpId(op),
            exchange: Exchange::new(request, is_known.then_some(response)),
            invoked: 2 * invoked,
            returned: if is_known { 2 * returned + 1 } else { u64::MAX },
            invoked_at: Time::from_nanos(2 * invoked),
            returned_at: is_known.then(|| Time::from_nanos(2 * returned + 1)),
        });
    }
    calls.sort_unstable_by_key(|call| call.invoked);
    calls
}

/// The same, with one stale read in the middle: it gives the answer of a read of the same key long before.
fn invalid(load: Load) -> Vec<Call> {
    let mut calls = valid(load);
    let middle = calls.len() / 2;
    let reads = |call: &&mut Call| call.request.is_read() && call.request.key() == Key(0);
    let (before, after) = calls.split_at_mut(middle);
    let old = before
        .iter_mut()
        .filter(reads)
        .nth_back(3 * load.clients as usize);
    let late = after.iter_mut().find(reads);
    if let (Some(old), Some(late)) = (old, late) {
        late.exchange.response = old.response;
    }
    calls
}

fn measure(c: &mut Criterion, name: &str, calls: &[Call], holds: bool) {
    let finding = judge(calls, BUDGET);
    assert_eq!(finding == Finding::Holds, holds, "{name}: {finding:?}");
    let mut group = c.benchmark_group("linearizable");
    group.throughput(Throughput::Elements(calls.len() as u64));
    group.bench_function(name, |b| {
        b.iter(|| judge(black_box(calls), BUDGET));
    });
    group.finish();
}

fn zones(c: &mut Criterion) {
    measure(c, "zones, 1k ops", &valid(ONE_KEY), true);
    measure(c, "zones, 1k ops, a stale read", &invalid(ONE_KEY), false);
    let unknown = Load {
        unknown: 10,
        ..ONE_KEY
    };
    measure(c, "zones, 1k ops, 10 % unknown", &valid(unknown), true);
    let longer = Load {
        ops: 10_000,
        ..ONE_KEY
    };
    measure(c, "zones, 10k ops", &valid(longer), true);
    let large = Load {
        ops: 100_000,
        clients: 20,
        keys: 100,
        ..ONE_KEY
    };
    measure(c, "zones, 100k ops, 100 keys", &valid(large), true);
    measure(
        c,
        "zones, 100k ops, 100 keys, a stale read",
        &invalid(large),
        false,
    );
}

/// One swap that found something else is answered as if it had succeeded, and nobody sees what it wrote.
fn unjust(load: Load) -> Vec<Call> {
    let mut calls = valid(load);
    let middle = calls.len() / 2;
    let swap = calls[middle..].iter_mut().find(|call| {
        let fails = matches!(call.response, Some(Response::Found(..)));
        fails && matches!(call.request, Request::Cas(_, None, _))
    });
    if let Some(swap) = swap {
        let revision = if load.tells_revisions { 1_000_000 } else { 0 };
        swap.exchange.response = Some(Response::Written(Revision(revision)));
    }
    calls
}

fn search(c: &mut Criterion) {
    let swaps = Load {
        swaps: 20,
        ..ONE_KEY
    };
    let crowd = Load {
        clients: 20,
        ..swaps
    };
    let unknown = Load {
        unknown: 10,
        ..swaps
    };
    let silent = Load {
        tells_revisions: false,
        ..swaps
    };
    for (name, load) in [
        ("search, 1k ops", swaps),
        ("search, 1k ops, 20 clients", crowd),
        ("search, 1k ops, 10 % unknown", unknown),
        ("search, 1k ops, no revisions", silent),
    ] {
        measure(c, name, &valid(load), true);
        let name = format!("{name}, an unjust swap");
        measure(c, &name, &unjust(load), false);
    }
}

criterion_group!(benches, zones, search);
criterion_main!(benches);
