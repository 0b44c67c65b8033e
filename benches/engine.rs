//! The engine: heartbeat clusters through the whole world, digest on, beside the same cluster on madsim's own Endpoint
//! network in the same run; and the standard Raft run, judged.

use std::fs;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use netsplit::Mode;
use netsplit::raft::Raft;
use netsplit_sim::play::{Play, Verdict};
use netsplit_sim::scenario::{Scenario, Source};
use netsplit_sim::world::World;
use netsplit_sim::world::ground::{Footing, stand};

use crate::heartbeat::Heartbeat;

mod heartbeat;
#[path = "peers/madsim_endpoint.rs"]
mod madsim_endpoint;

fn scenario<M: Mode>(text: String) -> Scenario<M> {
    let source = Source {
        path: "bench.toml".into(),
        text,
    };
    Scenario::read(&source).expect("the benches' scenarios are sound")
}

/// The cluster that madsim's Endpoint is given too: 1 to 10 ms latency, a beat every 50 ms.
fn heartbeats(nodes: u32, seconds: u32, machine: &str) -> Scenario<Heartbeat> {
    scenario(format!(
        "mode = 'heartbeat'\nnodes = {nodes}\nseeds = '0..1'\nlength = '{seconds}s'\nmachine = '{machine}'\n\
         [network]\nlatency = '1ms..10ms'\n[workload]\nclients = 1\nrate = '1/s'\nmix = {{ echo = 1 }}\n"
    ))
}

fn engine(c: &mut Criterion) {
    let mut group = c.benchmark_group("heartbeats");
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(6));
    for (nodes, seconds, machine) in [
        (5, 600, "free"),
        (5, 600, "gce_8_vcpu"),
        (50, 6, "free"),
        (300, 1, "free"),
    ] {
        let scenario = heartbeats(nodes, seconds, machine);
        let delivered = |seed| {
            stand(seed, Footing::Default, |ground| {
                World::new(&scenario, seed, ground).run().delivered
            })
        };
        group.throughput(Throughput::Elements(delivered(0)));
        let mut seed = 0;
        group.bench_function(format!("netsplit, {nodes} nodes, {machine}"), |b| {
            b.iter(|| {
                seed += 1;
                delivered(seed)
            });
        });
        if (nodes, machine) == (5, "free") {
            group.bench_function("netsplit without madsim, 5 nodes", |b| {
                b.iter(|| {
                    seed += 1;
                    stand(seed, Footing::Plain, |ground| {
                        World::new(&scenario, seed, ground).run().delivered
                    })
                });
            });
        }
    }
    for (nodes, seconds) in [(5, 60), (40, 4)] {
        group.throughput(Throughput::Elements(madsim_endpoint::heartbeats(
            nodes, seconds, 0,
        )));
        let mut seed = 0;
        group.bench_function(format!("madsim Endpoint, {nodes} nodes"), |b| {
            b.iter(|| {
                seed += 1;
                madsim_endpoint::heartbeats(nodes, seconds, seed)
            });
        });
    }
    group.finish();
}

/// A virtual minute of five servers and five clients under partitions and restarts, all invariants on, judged.
fn standard_run(c: &mut Criterion) {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../scenarios/raft/standard.toml"
    );
    let text = fs::read_to_string(path).expect("the standard scenario ships");
    let scenario = scenario::<Raft>(text);
    let run = scenario.play(0, Footing::Default);
    println!(
        "standard run: {} messages, {} operations",
        run.messages, run.ok
    );
    let mut group = c.benchmark_group("standard raft run");
    group
        .sample_size(20)
        .measurement_time(Duration::from_secs(5))
        .throughput(Throughput::Elements(1));
    let mut seed = 0;
    group.bench_function("60 virtual seconds", |b| {
        b.iter_batched(
            || {
                seed += 1;
                seed
            },
            |seed| {
                assert_eq!(
                    scenario.play(seed, Footing::Default).verdict(),
                    Verdict::Holds
                )
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, engine, standard_run);
criterion_main!(benches);
