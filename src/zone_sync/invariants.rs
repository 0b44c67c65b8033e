//! What must hold inside the nodes, checked after every step of one.

use std::collections::BTreeMap;

use super::cluster::ZoneSync;
use super::module::{Module, Shared};
use super::node::Node;
use super::record::{Content, Record, Stamp};
use super::state::Saved;
use super::zone::Zone;
use crate::invariant::{Broken, Cluster, Invariants};
use crate::kv::Key;
use crate::{Life, NodeId};

/// What a node holds in a zone, by key.
type Held = BTreeMap<Key, Record>;

/// All of them, with what they remember of the run.
#[derive(Default)]
pub struct ZoneSyncInvariants {
    /// What each node held in each zone when it was last seen, in which life.
    seen: BTreeMap<NodeId, Seen>,
    /// Everything that was ever held by the one who wrote it, and how long it was to live. A node that lost its last stamps in a crash may give one of
    /// them away again.
    written: BTreeMap<(Module, Key, Stamp), Vec<(Content, u64)>>,
}

/// A node as it was last seen.
#[derive(Default)]
struct Seen {
    life: Option<Life>,
    swept: u64,
    /// By zone: how often it had changed, and what it held.
    zones: Vec<(u64, Held)>,
}

impl Invariants<ZoneSync> for ZoneSyncInvariants {
    const NAMES: &'static [&'static str] = &[
        "stamps_never_go_back",
        "nothing_is_invented_inside",
        "nothing_is_taken_twice",
        "the_dead_are_buried",
        "a_restart_keeps_stamps",
        "versions_do_not_mix",
        "a_zone_keeps_to_its_size",
        "counters_add_up",
    ];

    fn after_step(
        &mut self,
        cluster: &impl Cluster<ZoneSync>,
        id: NodeId,
        found: &mut Vec<Broken>,
    ) {
        let Some(node) = cluster.server(id) else {
            return;
        };
        let mut seen = self.seen.remove(&id).unwrap_or_default();
        let life = Some(cluster.life(id));
        if seen.life != life {
            seen = Seen {
                life,
                swept: 0,
                zones: vec![Default::default(); node.shared.len()],
            };
            a_restart_keeps_stamps(cluster, id, node, found);
        }
        for (shared, (changes, held)) in node.shared.iter().zip(&mut seen.zones) {
            let zone = &shared.zone;
            if zone.changes() == *changes {
                continue;
            }
            *changes = zone.changes();
            versions_do_not_mix(id, node, shared, found);
            self.look(id, shared.module, zone, held, found);
            a_zone_keeps_to_its_size(id, node, shared, found);
        }
        if seen.swept != node.swept {
            seen.swept = node.swept;
            the_dead_are_buried(id, node, found);
        }
        self.seen.insert(id, seen);
    }

    fn after_calm(&mut self, cluster: &impl Cluster<ZoneSync>, found: &mut Vec<Broken>) {
        counters_add_up(cluster, found);
    }
}

impl ZoneSyncInvariants {
    /// What a zone holds now, beside what it held before: no key goes back, and nothing is there that its writer never
    /// held.
    fn look(
        &mut self,
        id: NodeId,
        module: Module,
        zone: &Zone,
        held: &mut Held,
        found: &mut Vec<Broken>,
    ) {
        let mut now = Held::new();
        for record in zone.iter() {
            let (key, stamp) = (record.key, record.stamp);
            now.insert(key, *record);
            let before = held.get(&key);
            if before == Some(record) {
                continue;
            }
            let before = before.map(|before| before.stamp);
            if let Some(before) = before.filter(|before| before.time > stamp.time) {
                let evidence = format!("{id} held {key} as of {before} and holds it as of {stamp}");
                found.push(Broken::new("stamps_never_go_back", evidence));
            }
            let written = self.written.entry((module, key, stamp)).or_default();
            let what = (record.content, record.life);
            if written.contains(&what) {
                continue;
            }
            if stamp.writer == id {
                written.push(what);
            } else {
                let evidence = format!("{id} holds {record}, which its writer never held");
                found.push(Broken::new("nothing_is_invented_inside", evidence));
            }
        }
        if *held == now {
            let evidence = format!("{id} took something into {} that it had", module.zone());
            found.push(Broken::new("nothing_is_taken_twice", evidence));
        }
        *held = now;
    }
}

/// What is dead by a node's own clock is gone when it has looked.
fn the_dead_are_buried(id: NodeId, node: &Node, found: &mut Vec<Broken>) {
    let records = node.shared.iter().flat_map(|shared| shared.zone.iter());
    let dead = |record: &&Record| record.stamp.time.saturating_add(record.life) <= node.swept;
    for record in records.filter(dead) {
        let evidence = format!("{id} keeps {record}, which was dead at {}", node.swept);
        found.push(Broken::new("the_dead_are_buried", evidence));
    }
}

/// What a node has when it starts, it has from its state file, and under the stamps that stand there.
fn a_restart_keeps_stamps(
    cluster: &impl Cluster<ZoneSync>,
    id: NodeId,
    node: &Node,
    found: &mut Vec<Broken>,
) {
    let saved = cluster.disk(id).records;
    let on_disk = |wanted: &Saved| saved.iter().flatten().any(|saved| saved == wanted);
    let records = node.shared.iter().flat_map(|shared| shared.zone.iter());
    for record in records {
        if !on_disk(&Saved::Is(*record)) {
            let evidence = format!("{id} starts with {record}, which is not in its state file");
            found.push(Broken::new("a_restart_keeps_stamps", evidence));
        }
    }
}

/// Another version of a module writes records that this one does not understand.
fn versions_do_not_mix(id: NodeId, node: &Node, shared: &Shared, found: &mut Vec<Broken>) {
    let Shared {
        module,
        version,
        zone,
    } = shared;
    let of = |writer: NodeId| module.version(&node.config.options, writer);
    if let Some(record) = zone
        .iter()
        .find(|record| of(record.stamp.writer) != *version)
    {
        let evidence = format!(
            "{id} holds {record} in {}, whose version is {version}, and its writer has {}",
            module.zone(),
            of(record.stamp.writer)
        );
        found.push(Broken::new("versions_do_not_mix", evidence));
    }
}

/// A zone has a size; and a record stands in the log once at most, so the log is no longer than the zone.
fn a_zone_keeps_to_its_size(id: NodeId, node: &Node, shared: &Shared, found: &mut Vec<Broken>) {
    let Shared { module, zone, .. } = shared;
    let (name, pending, total) = (module.zone(), zone.pending(0), zone.total());
    let capacity = module.capacity(&node.config.options, id);
    if total > capacity || pending > total {
        let evidence = format!(
            "{id} holds {total} records in {name}, {pending} of them to be told, where there is room for {capacity}"
        );
        found.push(Broken::new("a_zone_keeps_to_its_size", evidence));
    }
}

/// Of what was pushed, no more arrives. Counters begin anew with each life, so only a mesh in which nobody was restarted
/// can be added up.
fn counters_add_up(cluster: &impl Cluster<ZoneSync>, found: &mut Vec<Broken>) {
    let (mut came, mut went) = ((0, 0), (0, 0));
    for &id in cluster.servers() {
        let Some(node) = cluster.server(id) else {
            return;
        };
        if cluster.life(id) > Life(0) {
            return;
        }
        let counters = &node.counters;
        came = (came.0 + counters.msgs_in, came.1 + counters.bytes_in);
        went = (went.0 + counters.msgs_out, went.1 + counters.bytes_out);
    }
    if came.0 > went.0 || came.1 > went.1 {
        let evidence = format!(
            "{} messages of {} bytes came in, and {} of {} went out",
            came.0, came.1, went.0, went.1
        );
        found.push(Broken::new("counters_add_up", evidence));
    }
}

/// Whether all sound nodes hold the same in the zones that they share; if not, where two of them differ.
pub(super) fn equal(cluster: &impl Cluster<ZoneSync>) -> Result<(), String> {
    let sound = cluster.servers().iter().filter(|id| cluster.is_sound(**id));
    let up = |&id: &NodeId| {
        let node = cluster.server(id).ok_or_else(|| format!("{id} is down"))?;
        Ok((id, node))
    };
    let nodes = sound.map(up).collect::<Result<Vec<_>, String>>()?;
    let mut models: BTreeMap<(Module, u16), (NodeId, &Zone)> = BTreeMap::new();
    for (id, node) in nodes {
        for Shared {
            module,
            version,
            zone,
        } in &node.shared
        {
            let model = *models.entry((*module, *version)).or_insert((id, zone));
            same(*module, model, (id, zone))?;
        }
    }
    Ok(())
}

fn same(
    module: Module,
    (other, model): (NodeId, &Zone),
    (id, zone): (NodeId, &Zone),
) -> Result<(), String> {
    let name = module.zone();
    let seen = |zone: &Zone, key| zone.raw(key).map(|record| (record.stamp, record.content));
    let mut differ = zone
        .iter()
        .filter(|record| seen(model, record.key) != Some((record.stamp, record.content)));
    if let Some(record) = differ.next() {
        return Err(match seen(model, record.key) {
            None => format!("{id} holds {record} in {name}, and {other} holds nothing there"),
            Some((stamp, _)) => format!(
                "{id} holds {record} in {name}, and {other} holds {} as of {stamp}",
                record.key
            ),
        });
    }
    let (mine, its) = (zone.total(), model.total());
    if mine != its {
        return Err(format!(
            "{id} holds {mine} records in {name}, and {other} holds {its}"
        ));
    }
    Ok(())
}
