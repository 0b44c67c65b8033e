//! What must hold inside the nodes, checked after every step of one.

use std::collections::BTreeMap;

use super::cluster::Participant;
use super::record::{Content, Stamp};
use crate::invariant::{Broken, Cluster, Invariants};
use crate::kv::Key;
use crate::{Life, NodeId};

/// What a node holds, by key.
type Held = BTreeMap<Key, (Stamp, Content)>;

/// All of them, with what they remember of the run.
#[derive(Default)]
pub struct ZoneSyncInvariants {
    /// What each node held when it was last seen, in which life.
    seen: BTreeMap<NodeId, (Life, Held)>,
    /// Everything that was ever held by the one who wrote it. A node that lost its last stamps in a crash may give one of
    /// them away again.
    written: BTreeMap<(Key, Stamp), Vec<Content>>,
}

impl Invariants<Participant> for ZoneSyncInvariants {
    const NAMES: &'static [&'static str] = &[
        "stamps_never_go_back",
        "nothing_is_invented_inside",
        "the_log_is_bounded_by_the_zone",
        "nodes_are_equal_after_the_calm",
    ];

    fn after_step(
        &mut self,
        cluster: &impl Cluster<Participant>,
        id: NodeId,
        found: &mut Vec<Broken>,
    ) {
        let Some(node) = cluster.process(id).and_then(Participant::node) else {
            return;
        };
        let life = cluster.life(id);
        let (last, held) = self.seen.entry(id).or_default();
        if *last != life {
            held.clear();
            *last = life;
        }
        let mut now = Held::new();
        for record in node.zone.iter() {
            let (key, stamp) = (record.key, record.stamp);
            now.insert(key, (stamp, record.content));
            let before = held.get(&key);
            if before == Some(&(stamp, record.content)) {
                continue;
            }
            let before = before.map(|(before, _)| before);
            if let Some(before) = before.filter(|before| before.time > stamp.time) {
                let evidence = format!("{id} held {key} as of {before} and holds it as of {stamp}");
                found.push(Broken::new("stamps_never_go_back", evidence));
            }
            let written = self.written.entry((key, stamp)).or_default();
            if written.contains(&record.content) {
                continue;
            }
            if stamp.writer == id {
                written.push(record.content);
            } else {
                let evidence = format!("{id} holds {record}, which its writer never held");
                found.push(Broken::new("nothing_is_invented_inside", evidence));
            }
        }
        *held = now;
        let (pending, total) = (node.zone.pending(0), node.zone.total());
        if pending > total {
            let evidence = format!("{id} has {pending} changes to tell and holds {total} records");
            found.push(Broken::new("the_log_is_bounded_by_the_zone", evidence));
        }
    }

    fn after_calm(&mut self, cluster: &impl Cluster<Participant>, found: &mut Vec<Broken>) {
        if let Err(evidence) = equal(cluster) {
            found.push(Broken::new("nodes_are_equal_after_the_calm", evidence));
        }
    }
}

/// Whether all sound nodes hold the same; if not, where two of them differ.
pub(super) fn equal(cluster: &impl Cluster<Participant>) -> Result<(), String> {
    let mut first = None;
    for &id in cluster
        .nodes()
        .iter()
        .filter(|id| !id.is_client() && cluster.is_sound(**id))
    {
        let Some(node) = cluster.process(id).and_then(Participant::node) else {
            return Err(format!("{id} is down"));
        };
        let Some((other, model)) = first else {
            first = Some((id, node));
            continue;
        };
        let mut differ = node
            .zone
            .iter()
            .filter(|record| model.holds(record.key) != Some((record.stamp, record.content)));
        if let Some(record) = differ.next() {
            return Err(match model.holds(record.key) {
                None => format!("{id} holds {record}, and {other} holds nothing there"),
                Some((stamp, _)) => format!(
                    "{id} holds {record}, and {other} holds {} as of {stamp}",
                    record.key
                ),
            });
        }
        if node.zone.total() != model.zone.total() {
            let (mine, its) = (node.zone.total(), model.zone.total());
            return Err(format!(
                "{id} holds {mine} records, and {other} holds {its}"
            ));
        }
    }
    Ok(())
}
