//! A heartbeat cluster on madsim's own `Endpoint` network, written the way that is fastest there: boxed payloads without
//! serialization, socket addresses that need no lookup, one sending and one receiving task per node.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use madsim::Config;
use madsim::net::Endpoint;
use madsim::runtime::{Handle, Runtime};
use madsim::time::{interval, sleep};

/// Every node greets every other node this often.
const PERIOD: Duration = Duration::from_millis(50);

/// madsim holds each sender and each receiver for at least a millisecond per message, so that a task which serves more
/// peers than this would fall behind its period.
const MOST_NODES: usize = 40;

const PORT: u16 = 700;
const TAG: u64 = 0;

/// Runs `nodes` nodes for `seconds` virtual seconds, each sending a heartbeat to every other one every 50 ms, with a random
/// latency of 1 to 10 ms and no loss. Returns how many messages were delivered; the same arguments give the same number.
///
/// Each call has an operating system thread of its own: madsim seeds the order of std's maps once per thread.
///
/// # Panics
///
/// If there are more than 40 nodes.
pub(crate) fn heartbeats(nodes: usize, seconds: u64, seed: u64) -> u64 {
    assert!(
        nodes <= MOST_NODES,
        "a node keeps up with at most {MOST_NODES} nodes"
    );
    thread::spawn(move || {
        let mut config = Config::default();
        config.net.packet_loss_rate = 0.0;
        config.net.send_latency = Duration::from_millis(1)..Duration::from_millis(10);
        Runtime::with_seed_and_config(seed, config).block_on(cluster(nodes, seconds))
    })
    .join()
    .expect("the cluster runs to its end")
}

async fn cluster(nodes: usize, seconds: u64) -> u64 {
    let runtime = Handle::current();
    let delivered = Arc::new(AtomicU64::new(0));
    let running: Vec<_> = (0..nodes)
        .map(|index| {
            let node = runtime.create_node().ip(address(index).ip()).build();
            node.spawn(heart(index, nodes, Arc::clone(&delivered)));
            node
        })
        .collect();
    sleep(Duration::from_secs(seconds)).await;
    let count = delivered.load(Ordering::Relaxed);

    // A task that still waits when its runtime ends is never freed (madsim issue 242).
    for node in &running {
        runtime.kill(node.id());
    }
    sleep(Duration::from_millis(10)).await;
    count
}

/// One node. Receiving has a task of its own, for a receive that is cancelled loses its message.
async fn heart(own: usize, nodes: usize, delivered: Arc<AtomicU64>) {
    let endpoint = Endpoint::bind(address(own))
        .await
        .expect("the address is free");
    madsim::task::spawn(listen(endpoint.clone(), delivered));
    let peers: Vec<_> = (0..nodes)
        .filter(|&peer| peer != own)
        .map(address)
        .collect();
    let mut period = interval(PERIOD);
    for beat in 0_u64.. {
        period.tick().await;
        for &peer in &peers {
            endpoint
                .send_to_raw(peer, TAG, Box::new(beat))
                .await
                .expect("the network takes a message");
        }
    }
}

async fn listen(endpoint: Endpoint, delivered: Arc<AtomicU64>) {
    while let Ok((payload, _from)) = endpoint.recv_from_raw(TAG).await {
        assert!(payload.is::<u64>(), "a heartbeat carries its number");
        delivered.fetch_add(1, Ordering::Relaxed);
    }
}

fn address(index: usize) -> SocketAddr {
    let last = u8::try_from(index + 1).expect("there are few nodes");
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, last)), PORT)
}
