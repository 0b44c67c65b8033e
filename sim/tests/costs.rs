//! What a machine class costs: a Raft group of three on it saturates as real ones do.

use insta::assert_snapshot;
use netsplit_sim::modes;
use netsplit_sim::play::percentile;
use netsplit_sim::scenario::Source;

/// Writes a second in virtual time, and their median and 99th percentile latency in microseconds, of so many clients
/// that never pause, over four seconds in which nothing goes wrong.
fn writes(machine: &str, clients: u32) -> (u64, u64, u64) {
    let text = format!(
        r#"
        mode = "raft"
        nodes = 3
        seeds = "0..1"
        length = "4s"
        machine = "{machine}"
        workload = {{ clients = {clients}, rate = "1000000/s", keys = 100, value = "256B", mix = {{ put = 1 }} }}
        "#
    );
    let path = "costs.toml".into();
    let source = Source { path, text };
    let scenario =
        modes::read(&modes::SHIPPED, &source).unwrap_or_else(|problem| panic!("{problem}"));
    let run = scenario.play_here(0);
    assert_eq!(run.violations, [], "{machine}, {clients} clients");
    // The calm writes once a client, and reads; it is over long before the storm's count is blurred by it.
    let calm = u64::from(3 * clients) + 100;
    let mut latencies = run.latencies.clone();
    latencies.sort_unstable();
    let micros = |percent| percentile(&latencies, percent).map_or(0, |span| span.as_nanos() / 1000);
    ((run.ok as u64 - calm) / 4, micros(50), micros(99))
}

/// etcd publishes (etcd.io, "Performance", 256-byte values, three machines of 8 virtual processors): 583 writes a second
/// at 1.6 ms by one client, 44,341 at 22 ms by a thousand that ask the leader only.
#[test]
fn three_nodes_saturate_where_etcd_does_on_such_machines() {
    let (alone, latency, _) = writes("gce_8_vcpu", 1);
    assert!(
        (450..750).contains(&alone),
        "{alone} writes/s by one client"
    );
    assert!((1200..2000).contains(&latency), "{latency} us");
    let (many, latency, _) = writes("gce_8_vcpu", 1000);
    assert!(
        (38_000..50_000).contains(&many),
        "{many} writes/s by a thousand"
    );
    assert!((18_000..26_000).contains(&latency), "{latency} us");
    // More clients bring no more: it is saturated.
    let (more, ..) = writes("gce_8_vcpu", 3000);
    assert!(
        more < many + many / 10,
        "{more} writes/s by three thousand, {many} by a thousand"
    );
}

/// Exact in virtual time, on every machine.
#[test]
fn throughput_is_exact() {
    let mut table = String::from("machine            clients  writes/s  p50 us  p99 us\n");
    for machine in ["gce_8_vcpu", "aws_m5_large"] {
        for clients in [1, 10, 100, 1000] {
            let (rate, median, late) = writes(machine, clients);
            table += &format!("{machine:<18} {clients:>7} {rate:>9} {median:>7} {late:>7}\n");
        }
    }
    assert_snapshot!(table);
}
