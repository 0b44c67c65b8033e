//! Mistakes in zone synchronisation.

use std::collections::BTreeMap;

use super::ZoneSync;
use super::clock::wall;
use super::decode::decode;
use super::frame::What;
use super::message::Message;
use super::module::Module;
use super::node::Node;
use super::record::{Content, Record};
use super::request::{Request, Response};
use super::state::Saved;
use super::zone::{Rules, Zone};
use crate::kv::Key;
use crate::mistake::{Found, Mistake, Planted};
use crate::{Effect, Input, Now, Outbox, Process};

/// All of them.
pub(super) const ALL: &[Planted<Node>] = &[
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
        plant: || Box::new(begins_lives_anew),
    },
    Planted {
        name: "skips_the_snapshot",
        about: "a node takes nothing of the snapshot that a peer sends when it connects",
        plant: || Box::new(skips_the_snapshot),
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
        name: "answers_what_nobody_wrote",
        about: "a node answers a read with a value that nobody wrote",
        plant: || Box::new(Says(answers_what_nobody_wrote)),
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
        plant: || Box::new(keeps_the_dead),
    },
    Planted {
        name: "restamps_what_it_loads",
        about: "a node loads its state file as if it had been written just now",
        plant: || Box::new(RestampsWhatItLoads),
    },
    Planted {
        name: "overfills_its_zone",
        about: "a node keeps more records than its zone has room for",
        plant: || Box::new(overfills_its_zone),
    },
    Planted {
        name: "ignores_versions",
        about: "a node takes what another version of a module tells for its own",
        plant: || Box::new(ignores_versions),
    },
    Planted {
        name: "quits_without_telling",
        about: "a node that is asked to quit stops at once",
        plant: || Box::new(quits_without_telling),
    },
    Planted {
        name: "counts_twice",
        about: "a node counts every message that comes in twice",
        plant: || Box::new(counts_twice),
    },
];

/// The records of a frame that arrives, with the module of its zone.
fn told(input: &Input<ZoneSync>) -> Option<(Module, Vec<Record>)> {
    let Input::Arrived(_, Message::Frame(frame)) = input else {
        return None;
    };
    let frame = decode(frame.bytes()).ok()?;
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

impl Mistake<Node> for Told {
    fn step(
        &mut self,
        node: &mut Node,
        now: Now,
        input: Input<ZoneSync>,
        out: &mut Outbox<ZoneSync>,
    ) {
        let told = told(&input);
        node.step(now, input, out);
        if let Some((module, records)) = told
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

impl Mistake<Node> for Says {
    fn step(
        &mut self,
        node: &mut Node,
        now: Now,
        input: Input<ZoneSync>,
        out: &mut Outbox<ZoneSync>,
    ) {
        node.step(now, input, out);
        out.effects_mut().retain_mut(|effect| match effect {
            Effect::Send { message, .. } | Effect::Push { message, .. } => (self.0)(message),
            _ => true,
        });
    }
}

fn tells_nobody(message: &mut Message) -> bool {
    !matches!(message, Message::Frame(frame) if frame.what() == What::Live)
}

fn answers_what_nobody_wrote(message: &mut Message) -> bool {
    if let Message::Answer { response, .. } = message
        && let Response::Found(_, Some(value), _) = response
    {
        value.name += 1 << 40;
    }
    true
}

fn admits_everyone(message: &mut Message) -> bool {
    if let Message::Answer { response, .. } = message
        && let Response::Refused(by) = *response
    {
        *response = Response::Admitted(by);
    }
    true
}

fn begins_lives_anew(
    node: &mut Node,
    now: Now,
    input: Input<ZoneSync>,
    out: &mut Outbox<ZoneSync>,
) {
    let told = told(&input);
    node.step(now, input, out);
    let Some((module, records)) = told else {
        return;
    };
    let Some(zone) = node.zone_mut(module) else {
        return;
    };
    for mut record in records {
        if zone.raw(record.key) == Some(&record) {
            record.life += wall(now).saturating_sub(record.stamp.time);
            zone.merge(record, 0);
        }
    }
}

fn skips_the_snapshot(
    node: &mut Node,
    now: Now,
    input: Input<ZoneSync>,
    out: &mut Outbox<ZoneSync>,
) {
    if !matches!(&input, Input::Arrived(_, Message::Frame(frame)) if frame.what() == What::Snapshot)
    {
        node.step(now, input, out);
    }
}

#[derive(Default)]
struct AcknowledgesWithoutWriting {
    writes: u64,
}

impl Mistake<Node> for AcknowledgesWithoutWriting {
    fn step(
        &mut self,
        node: &mut Node,
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
        let before = (asks && self.writes.is_multiple_of(3)).then(|| node.clone());
        node.step(now, input, out);
        if let Some(before) = before {
            *node = before;
        }
    }
}

#[derive(Default)]
struct AnswersFromMemory {
    first: BTreeMap<Key, Response>,
    reads: u64,
}

impl Mistake<Node> for AnswersFromMemory {
    fn step(
        &mut self,
        node: &mut Node,
        now: Now,
        input: Input<ZoneSync>,
        out: &mut Outbox<ZoneSync>,
    ) {
        let key = asked_to_get(&input);
        node.step(now, input, out);
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

impl Mistake<Node> for ServesTheDead {
    fn step(
        &mut self,
        node: &mut Node,
        now: Now,
        input: Input<ZoneSync>,
        out: &mut Outbox<ZoneSync>,
    ) {
        let key = asked_to_get(&input);
        node.step(now, input, out);
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

fn keeps_the_dead(node: &mut Node, now: Now, input: Input<ZoneSync>, out: &mut Outbox<ZoneSync>) {
    let records = |node: &Node| -> Vec<Record> {
        let zone = node.zone(Module::Keyval);
        zone.into_iter().flat_map(Zone::iter).copied().collect()
    };
    let before = records(node);
    node.step(now, input, out);
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

struct RestampsWhatItLoads;

impl Mistake<Node> for RestampsWhatItLoads {
    fn boot(&mut self, disk: &mut Found<Node>) {
        for saved in disk.iter_mut().flatten() {
            if let Saved::Is(record) = saved {
                record.stamp.time += 1;
            }
        }
    }
}

fn overfills_its_zone(
    node: &mut Node,
    now: Now,
    input: Input<ZoneSync>,
    out: &mut Outbox<ZoneSync>,
) {
    node.step(now, input, out);
    let Some(zone) = node.zone_mut(Module::Keyval) else {
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

fn ignores_versions(node: &mut Node, now: Now, input: Input<ZoneSync>, out: &mut Outbox<ZoneSync>) {
    let told = told(&input);
    node.step(now, input, out);
    if let Some((module, records)) = told
        && let Some(zone) = node.zone_mut(module)
    {
        for record in records {
            zone.merge(record, wall(now));
        }
    }
}

fn quits_without_telling(
    node: &mut Node,
    now: Now,
    input: Input<ZoneSync>,
    out: &mut Outbox<ZoneSync>,
) {
    if input == Input::Quit {
        out.stop("was asked to quit");
    } else {
        node.step(now, input, out);
    }
}

fn counts_twice(node: &mut Node, now: Now, input: Input<ZoneSync>, out: &mut Outbox<ZoneSync>) {
    let came = matches!(input, Input::Arrived(..));
    node.step(now, input, out);
    if came {
        node.counters.msgs_in += 1;
    }
}
