//! Mistakes in zone synchronisation.

use netsplit::zone_sync::{Content, Message, Participant, Record, What, ZoneSync, decode};
use netsplit::{Input, Now, Outbox, Process};

use super::{Mistake, Planted};

/// All of them.
pub static ALL: &[Planted<Participant>] = &[
    Planted {
        name: "takes_older",
        about: "a node takes what it is told, whether it is newer or not",
        plant: || Box::new(TakesOlder),
    },
    Planted {
        name: "invents_a_value",
        about: "a node puts another value in the place of the one that it is told",
        plant: || Box::new(InventsAValue),
    },
    Planted {
        name: "skips_the_snapshot",
        about: "a node takes nothing of the snapshot that a peer sends when it connects",
        plant: || Box::new(SkipsTheSnapshot),
    },
];

/// The records of a frame that arrives.
fn told(input: &Input<ZoneSync>) -> Vec<Record> {
    let Input::Arrived(_, Message::Frame(_, bytes)) = input else {
        return Vec::new();
    };
    decode(bytes).map_or_else(|_| Vec::new(), |frame| frame.records().collect())
}

struct TakesOlder;

impl Mistake<Participant> for TakesOlder {
    fn step(
        &mut self,
        process: &mut Participant,
        now: Now,
        input: Input<ZoneSync>,
        out: &mut Outbox<ZoneSync>,
    ) {
        let told = told(&input);
        process.step(now, input, out);
        for record in told {
            if let (Some(node), Content::Value(value)) = (process.node_mut(), record.content) {
                node.zone
                    .write(record.key, value, record.stamp, record.life);
            }
        }
    }
}

struct InventsAValue;

impl Mistake<Participant> for InventsAValue {
    fn step(
        &mut self,
        process: &mut Participant,
        now: Now,
        input: Input<ZoneSync>,
        out: &mut Outbox<ZoneSync>,
    ) {
        let told = told(&input);
        process.step(now, input, out);
        for mut record in told {
            if let (Some(node), Content::Value(value)) = (process.node_mut(), &mut record.content) {
                value.name += 1 << 40;
                record.stamp.time += 1;
                node.zone.merge(record, record.stamp.writer, 0);
            }
        }
    }
}

struct SkipsTheSnapshot;

impl Mistake<Participant> for SkipsTheSnapshot {
    fn step(
        &mut self,
        process: &mut Participant,
        now: Now,
        input: Input<ZoneSync>,
        out: &mut Outbox<ZoneSync>,
    ) {
        if !matches!(input, Input::Arrived(_, Message::Frame(What::Snapshot, _))) {
            process.step(now, input, out);
        }
    }
}
