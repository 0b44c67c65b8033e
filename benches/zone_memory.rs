//! How much memory a zone takes for a million sticky sessions of 53 bytes that arrive as a snapshot, frame by frame:
//! its peak, beside the data. Fails if that is three times as much or more.

use netsplit::NodeId;
use netsplit::kv::{Key, Value};
use netsplit::zone_sync::{
    Content, FrameWriter, Header, Record, Rules, Sealed, Stamp, What, Zone, decode,
};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const SESSIONS: u32 = 1_000_000;
const FRAME: usize = 4096;

fn session(key: u32) -> Record {
    Record {
        key: Key(key),
        stamp: Stamp {
            time: u64::from(key),
            writer: NodeId::server(2),
        },
        content: Content::Value(Value {
            name: key.into(),
            bytes: 24,
        }),
        life: 600_000_000,
    }
}

/// The frame of as many sessions as it holds, from one on; and the first that it does not.
fn frame(from: u32) -> (Sealed, u32) {
    let header = Header {
        zone: "sessions",
        tag: 2,
        version: 1,
        what: What::Snapshot,
    };
    let mut frame = FrameWriter::new(FRAME, &header);
    let first_out = (from..SESSIONS).find(|key| frame.push(&session(*key)).is_err());
    (frame.finish(), first_out.unwrap_or(SESSIONS))
}

fn main() {
    let data = SESSIONS as usize * session(0).size_on_wire();
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    let mut zone = Zone::new(Rules {
        capacity: 1 << 21,
        tie_break: true,
        tombstones: None,
    });
    let mut next = 0;
    while next < SESSIONS {
        let (sealed, then) = frame(next);
        let frame = decode(sealed.bytes()).expect("it was just framed");
        for record in frame.records() {
            zone.merge(record, 0);
        }
        next = then;
    }
    assert_eq!(zone.total(), SESSIONS as usize);
    let peak = MEMORY.peak_usage() - before;
    let held = MEMORY.current_usage() - before;
    let times = |bytes: usize| bytes as f64 / data as f64;
    println!(
        "a snapshot of {SESSIONS} sessions, {data} bytes: {held} bytes held ({:.2} times), {peak} at the peak ({:.2} times)",
        times(held),
        times(peak)
    );
    assert!(peak < 3 * data, "the peak is three times the data");
}
