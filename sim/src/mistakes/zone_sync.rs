//! Mistakes in zone synchronisation.

use std::collections::BTreeMap;

use netsplit::kv::Key;
use netsplit::zone_sync::{
    Content, Message, Module, Node, Participant, Record, Request, Response, Rules, What, Zone,
    ZoneSync, decode,
};
use netsplit::{Effect, Input, Now, Outbox, Process};

use super::{Found, Mistake, Planted};

/// All of them.
pub static ALL: &[Planted<Participant>] = &[
    Planted {
        name: "takes_older",
        about: "a node takes what it is told, whether it is newer or not",
        plant: || Box::new(Told(takes_older)),
    },
    Planted {
        name: "takes_the_same_again",
        about: "a node takes what it is told once more, though it has it",
        plant: || Box::new(Told(takes_the_same_again)),
    },
    Planted {
        name: "invents_a_value",
        about: "a node puts another value in the place of the one that it is told",
        plant: || Box::new(Told(invents_a_value)),
    },
    Planted {
        name: "begins_lives_anew",
        about: "a node lets the life of a record begin anew when it is told of it",
        plant: || Box::new(BeginsLivesAnew),
    },
    Planted {
        name: "skips_the_snapshot",
        about: "a node takes nothing of the snapshot that a peer sends when it connects",
        plant: || Box::new(SkipsTheSnapshot),
    },
    Planted {
        name: "tells_nobody",
        about: "a node does not tell the others what changed",
        plant: || Box::new(Says(tells_nobody)),
    },
    Planted {
        name: "admits_everyone",
        about: "a node admits what it should refuse",
        plant: || Box::new(Says(admits_everyone)),
    },
    Planted {
        name: "acknowledges_without_writing",
        about: "a node acknowledges a write in three and does not do it",
        plant: || Box::new(AcknowledgesWithoutWriting::default()),
    },
    Planted {
        name: "answers_from_memory",
        about: "a node answers a read in three as it answered the first of that key",
        plant: || Box::new(AnswersFromMemory::default()),
    },
    Planted {
        name: "serves_the_dead",
        about: "a node answers with what has outlived its life",
        plant: || Box::new(ServesTheDead::default()),
    },
    Planted {
        name: "keeps_the_dead",
        about: "a node puts back what it has just removed for its age",
        plant: || Box::new(KeepsTheDead),
    },
    Planted {
        name: "restamps_what_it_loads",
        about: "a node loads its state file as if it had been written just now",
        plant: || Box::new(RestampsWhatItLoads),
    },
    Planted {
        name: "overfills_its_zone",
        about: "a node keeps more records than its zone has room for",
        plant: || Box::new(OverfillsItsZone),
    },
    Planted {
        name: "ignores_versions",
        about: "a node takes what another version of a module tells for its own",
        plant: || Box::new(IgnoresVersions),
    },
    Planted {
        name: "quits_without_telling",
        about: "a node that is asked to quit stops at once",
        plant: || Box::new(QuitsWithoutTelling),
    },
    Planted {
        name: "counts_twice",
        about: "a node counts every message that comes in three times",
        plant: || Box::new(CountsTwice),
    },
];

/// The records of a frame that arrives, with the module of its zone.
fn told(input: &Input<ZoneSync>) -> Option<(Module, Vec<Record>)> {
    let Input::Arrived(_, Message::Frame(_, bytes)) = input else {
        return None;
    };
    let frame = decode(bytes).ok()?;
    let zone = |module: &Module| module.zone() == frame.header.zone;
    let module = Module::ALL.into_iter().find(zone)?;
    Some((module, frame.records().collect()))
}

/// The key that a node is asked for.
fn asked_to_get(input: &Input<ZoneSync>) -> Option<Key> {
    match input {
        Input::Delivered(
            _,
            Message::Ask {
                request: Request::Get(key),
                ..
            },
        ) => Some(*key),
        _ => None,
    }
}

/// Does something wrong with each record that is told, after the step.
struct Told(fn(&mut Zone, Record));

impl Mistake<Participant> for Told {
    fn step(
        &mut self,
        process: &mut Participant,
        now: Now,
        input: Input<ZoneSync>,
        out: &mut Outbox<ZoneSync>,
    ) {
        let told = told(&input);
        process.step(now, input, out);
        if let (Some(node), Some((module, records))) = (process.node_mut(), told)
            && let Some(zone) = node.zone_mut(module)
        {
            records
                .into_iter()
                .for_each(|record| (self.0)(zone, record));
        }
    }
}

fn takes_older(zone: &mut Zone, record: Record) {
    if record.content.value().is_some() {
        zone.write(record.key, record.content, record.stamp, record.life);
    }
}

fn takes_the_same_again(zone: &mut Zone, record: Record) {
    if record.content.value().is_some() && zone.raw(record.key) == Some(&record) {
        zone.write(record.key, record.content, record.stamp, record.life);
    }
}

fn invents_a_value(zone: &mut Zone, mut record: Record) {
    if let Content::Value(value) = &mut record.content {
        value.name += 1 << 40;
        record.stamp.time += 1;
        zone.merge(record, 0);
    }
}

/// Does something wrong with each message that leaves; whether it leaves at all.
struct Says(fn(&mut Message) -> bool);

impl Mistake<Participant> for Says {
    fn step(
        &mut self,
        process: &mut Participant,
        now: Now,
        input: Input<ZoneSync>,
        out: &mut Outbox<ZoneSync>,
    ) {
        process.step(now, input, out);
        out.effects_mut().retain_mut(|effect| match effect {
            Effect::Send { message, .. } | Effect::Push { message, .. } => (self.0)(message),
            _ => true,
        });
    }
}

fn tells_nobody(message: &mut Message) -> bool {
    !matches!(message, Message::Frame(What::Live, _))
}

fn admits_everyone(message: &mut Message) -> bool {
    if let Message::Answer { response, .. } = message
        && let Response::Refused(by) = *response
    {
        *response = Response::Admitted(by);
    }
    true
}

struct BeginsLivesAnew;

impl Mistake<Participant> for BeginsLivesAnew {
    fn step(
        &mut self,
        process: &mut Participant,
        now: Now,
        input: Input<ZoneSync>,
        out: &mut Outbox<ZoneSync>,
    ) {
        let told = told(&input);
        process.step(now, input, out);
        let Some((module, records)) = told else {
            return;
        };
        let Some(zone) = process.node_mut().and_then(|node| node.zone_mut(module)) else {
            return;
        };
        for mut record in records {
            if zone.raw(record.key) == Some(&record) {
                record.life += (now.wall.as_nanos() / 1_000).saturating_sub(record.stamp.time);
                zone.merge(record, 0);
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

#[derive(Default)]
struct AcknowledgesWithoutWriting {
    writes: u64,
}

impl Mistake<Participant> for AcknowledgesWithoutWriting {
    fn step(
        &mut self,
        process: &mut Participant,
        now: Now,
        input: Input<ZoneSync>,
        out: &mut Outbox<ZoneSync>,
    ) {
        let asks = matches!(
            input,
            Input::Delivered(
                _,
                Message::Ask {
                    request: Request::Put(..),
                    ..
                }
            )
        );
        self.writes += u64::from(asks);
        let before = (asks && self.writes.is_multiple_of(3)).then(|| process.clone());
        process.step(now, input, out);
        if let Some(before) = before {
            *process = before;
        }
    }
}

#[derive(Default)]
struct AnswersFromMemory {
    first: BTreeMap<Key, Response>,
    reads: u64,
}

impl Mistake<Participant> for AnswersFromMemory {
    fn step(
        &mut self,
        process: &mut Participant,
        now: Now,
        input: Input<ZoneSync>,
        out: &mut Outbox<ZoneSync>,
    ) {
        let key = asked_to_get(&input);
        process.step(now, input, out);
        let Some(key) = key else {
            return;
        };
        for effect in out.effects_mut() {
            if let Effect::Send {
                message: Message::Answer { response, .. },
                ..
            } = effect
                && matches!(response, Response::Found(_, Some(_), _))
            {
                self.reads += 1;
                let first = *self.first.entry(key).or_insert(*response);
                if self.reads.is_multiple_of(3) {
                    *response = first;
                }
            }
        }
    }
}

#[derive(Default)]
struct ServesTheDead {
    last: BTreeMap<Key, Response>,
}

impl Mistake<Participant> for ServesTheDead {
    fn step(
        &mut self,
        process: &mut Participant,
        now: Now,
        input: Input<ZoneSync>,
        out: &mut Outbox<ZoneSync>,
    ) {
        let key = asked_to_get(&input);
        process.step(now, input, out);
        let Some(key) = key else {
            return;
        };
        for effect in out.effects_mut() {
            let Effect::Send {
                message: Message::Answer { response, .. },
                ..
            } = effect
            else {
                continue;
            };
            match response {
                Response::Found(_, Some(_), _) => {
                    self.last.insert(key, *response);
                }
                // Not what was deleted: that is dead in another way.
                Response::Found(_, None, None) => {
                    *response = self.last.get(&key).copied().unwrap_or(*response);
                }
                _ => {}
            }
        }
    }
}

struct KeepsTheDead;

impl Mistake<Participant> for KeepsTheDead {
    fn step(
        &mut self,
        process: &mut Participant,
        now: Now,
        input: Input<ZoneSync>,
        out: &mut Outbox<ZoneSync>,
    ) {
        let records = |node: &Node| -> Vec<Record> {
            let zone = node.zone(Module::Keyval);
            zone.into_iter().flat_map(Zone::iter).copied().collect()
        };
        let before = process.node().map(records).unwrap_or_default();
        process.step(now, input, out);
        let Some(node) = process.node_mut() else {
            return;
        };
        let swept = node.swept;
        let Some(zone) = node.zone_mut(Module::Keyval) else {
            return;
        };
        for record in before {
            if record.deadline() <= swept && zone.raw(record.key).is_none() {
                zone.merge(record, 0);
            }
        }
    }
}

struct RestampsWhatItLoads;

impl Mistake<Participant> for RestampsWhatItLoads {
    fn boot(&mut self, disk: &mut Found<Participant>) {
        use netsplit::zone_sync::state::Saved;
        for saved in disk.iter_mut().flatten() {
            if let Saved::Is(record) = saved {
                record.stamp.time += 1;
            }
        }
    }
}

struct OverfillsItsZone;

impl Mistake<Participant> for OverfillsItsZone {
    fn step(
        &mut self,
        process: &mut Participant,
        now: Now,
        input: Input<ZoneSync>,
        out: &mut Outbox<ZoneSync>,
    ) {
        process.step(now, input, out);
        let Some(zone) = process
            .node_mut()
            .and_then(|node| node.zone_mut(Module::Keyval))
        else {
            return;
        };
        let Rules { capacity, .. } = *zone.rules();
        if zone.total() == capacity {
            let mut larger = Zone::new(Rules {
                capacity: 2 * capacity,
                ..*zone.rules()
            });
            for record in zone.iter() {
                larger.merge(*record, 0);
            }
            *zone = larger;
        }
    }
}

struct IgnoresVersions;

impl Mistake<Participant> for IgnoresVersions {
    fn step(
        &mut self,
        process: &mut Participant,
        now: Now,
        input: Input<ZoneSync>,
        out: &mut Outbox<ZoneSync>,
    ) {
        let told = told(&input);
        process.step(now, input, out);
        if let (Some(node), Some((module, records))) = (process.node_mut(), told)
            && let Some(zone) = node.zone_mut(module)
        {
            for record in records {
                zone.merge(record, now.wall.as_nanos() / 1_000);
            }
        }
    }
}

struct QuitsWithoutTelling;

impl Mistake<Participant> for QuitsWithoutTelling {
    fn step(
        &mut self,
        process: &mut Participant,
        now: Now,
        input: Input<ZoneSync>,
        out: &mut Outbox<ZoneSync>,
    ) {
        if input == Input::Quit {
            out.stop("was asked to quit");
        } else {
            process.step(now, input, out);
        }
    }
}

struct CountsTwice;

impl Mistake<Participant> for CountsTwice {
    fn step(
        &mut self,
        process: &mut Participant,
        now: Now,
        input: Input<ZoneSync>,
        out: &mut Outbox<ZoneSync>,
    ) {
        let came = matches!(input, Input::Arrived(..));
        process.step(now, input, out);
        if let Some(node) = process.node_mut().filter(|_| came) {
            node.counters.msgs_in += 2;
        }
    }
}
