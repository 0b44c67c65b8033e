//! The Raft core alone: processes in memory that are handed each other's messages, beside the crate `raft` (the core of
//! TiKV) in the same run. Proposals committed and executed on every node.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use netsplit::raft::Raft;

use crate::direct::Direct;

mod direct;
#[path = "peers/tikv_raft.rs"]
mod tikv_raft;

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
                let mut cluster = Direct::<Raft>::new(nodes);
                b.iter(|| cluster.round(batch));
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
