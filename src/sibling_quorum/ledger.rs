//! What must hold in a small world, with as little memory of the past as that takes: what was accepted, and under which
//! main. All else is seen in the processes and on their disks as they are.

use super::SiblingQuorum;
use super::cluster::replica;
use super::log::{Command, Entry, Epoch, Log, Seq};
use super::message::GroupId;
use super::options::Rules;
use super::quorum::accept_quorum;
use super::replica::{Replica, Standing};
use super::request::Request;
use super::state::recover;
use crate::{Broken, Cluster, Invariants, NodeId};

/// The only group of a small world.
const GROUP: GroupId = GroupId(0);

/// What was accepted, by place from 1, with the epoch of the main that did so first.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Ledger {
    accepted: Vec<(Entry, Epoch)>,
}

impl Invariants<SiblingQuorum> for Ledger {
    const NAMES: &'static [&'static str] = &[
        "at_most_one_main_per_epoch",
        "accepted_updates_agree",
        "the_newest_main_has_what_was_accepted",
        "accepted_is_held_by_a_quorum",
        "logs_match",
        "what_is_answered_is_accepted",
    ];

    fn after_step(
        &mut self,
        cluster: &impl Cluster<SiblingQuorum>,
        id: NodeId,
        found: &mut Vec<Broken>,
    ) {
        let Some(moved) = replica(cluster, id, GROUP) else {
            return;
        };
        for other in cluster.servers().iter().filter(|other| **other != id) {
            if let Some(other) = replica(cluster, *other, GROUP) {
                one_main_per_epoch(moved, other, found);
                logs_match(moved, other, found);
            }
        }
        self.take(cluster, moved, found);
        for server in cluster.servers() {
            if let Some(main) = replica(cluster, *server, GROUP) {
                self.main_has_all(main, found);
            }
        }
        // A step and the flush behind it may show the same.
        let mut known = Vec::new();
        found.retain(|broken| {
            let is_new = !known.contains(broken);
            known.push(broken.clone());
            is_new
        });
    }
}

impl Ledger {
    /// Whether this was accepted there.
    pub(super) fn has_accepted(&self, seq: Seq, asked: Request) -> bool {
        let place = (seq.0 as usize).checked_sub(1);
        let entry = place.and_then(|place| self.accepted.get(place));
        entry.is_some_and(|(entry, _)| {
            matches!(entry.command, Command::Update { request, .. } if request == asked)
        })
    }

    /// Whoever executes a place of the log executes what was accepted there.
    fn take(
        &mut self,
        cluster: &impl Cluster<SiblingQuorum>,
        replica: &Replica,
        found: &mut Vec<Broken>,
    ) {
        let before = self.accepted.len();
        for seq in (1..=replica.accepted.0).map(Seq) {
            let Some(entry) = replica.durable.log.get(seq) else {
                continue;
            };
            match self.accepted.get(seq.0 as usize - 1) {
                None => self.accepted.push((*entry, replica.durable.promised)),
                Some((first, _)) if first == entry => {}
                Some((first, _)) => {
                    let evidence = format!(
                        "at {seq}, {} of epoch {} was accepted, and {} executes {} of epoch {}",
                        first.command, first.epoch, replica.me, entry.command, entry.epoch
                    );
                    found.push(Broken::new("accepted_updates_agree", evidence));
                }
            }
        }
        // Where a rule is off that this follows from, it is of interest what comes of that.
        if self.accepted.len() > before && hold(replica.rules()) {
            held_by_a_quorum(cluster, replica, found);
        }
    }

    /// A main has all that was accepted under the mains before it, whether that was before it took office or after.
    fn main_has_all(&self, main: &Replica, found: &mut Vec<Broken>) {
        let Some(epoch) = main.reigns() else {
            return;
        };
        let log = &main.durable.log;
        let places = (1..).map(Seq).zip(&self.accepted);
        let missing = places
            .filter(|(seq, (_, by))| *seq > log.base().seq && *by < epoch)
            .find(|(seq, (entry, _))| log.get(*seq) != Some(entry));
        if let Some((seq, (entry, by))) = missing {
            let evidence = format!(
                "{} is the main of epoch {epoch} and has no {} at {seq}@{}, which was accepted in epoch {by}",
                main.me, entry.command, entry.epoch
            );
            found.push(Broken::new(
                "the_newest_main_has_what_was_accepted",
                evidence,
            ));
        }
    }
}

/// Whether all rules hold but those that no small world has a use for.
fn hold(rules: &Rules) -> bool {
    let rules = Rules {
        lease: true,
        hashes: true,
        ..rules.clone()
    };
    rules == Rules::default()
}

fn one_main_per_epoch(moved: &Replica, other: &Replica, found: &mut Vec<Broken>) {
    let epoch = moved.durable.reigned;
    if epoch > Epoch(0) && epoch == other.durable.reigned {
        let evidence = format!(
            "{} and {} both take office in epoch {epoch}",
            other.me, moved.me
        );
        found.push(Broken::new("at_most_one_main_per_epoch", evidence));
    }
}

/// If two logs have an entry of the same place and epoch, they are the same up to there.
fn logs_match(moved: &Replica, other: &Replica, found: &mut Vec<Broken>) {
    let (one, two) = (&moved.durable.log, &other.durable.log);
    let ends = one.last().seq.min(two.last().seq);
    let mut places = (1..=ends.0).rev().map(Seq);
    let meets =
        |seq: &Seq| one.epoch_at(*seq).is_some() && one.epoch_at(*seq) == two.epoch_at(*seq);
    let Some(meeting) = places.find(meets) else {
        return;
    };
    let differs = |seq: &Seq| match (one.get(*seq), two.get(*seq)) {
        (Some(mine), Some(its)) => mine != its,
        _ => false,
    };
    if let Some(seq) = (1..=meeting.0).map(Seq).find(differs) {
        let evidence = format!(
            "the logs of {} and {} have the same epoch at {meeting}, and differ at {seq}",
            moved.me, other.me
        );
        found.push(Broken::new("logs_match", evidence));
    }
}

/// What a main accepts is on its own disk, and on those of enough of its siblings.
fn held_by_a_quorum(
    cluster: &impl Cluster<SiblingQuorum>,
    main: &Replica,
    found: &mut Vec<Broken>,
) {
    let Standing::Main(office) = &main.standing else {
        return;
    };
    let Some(newest) = main.durable.log.position(main.accepted) else {
        return;
    };
    let has = |node: NodeId| recovered(cluster, node).is_some_and(|log| log.contains(newest));
    let holders = office.siblings.iter().filter(|node| has(**node)).count();
    let quorum = accept_quorum(office.siblings.len());
    if holders < quorum || !has(main.me) {
        let evidence = format!(
            "{} accepts {newest}, which {holders} of {} siblings have on disk, and itself {}; {quorum} are needed",
            main.me,
            office.siblings.len(),
            if has(main.me) { "too" } else { "not" }
        );
        found.push(Broken::new("accepted_is_held_by_a_quorum", evidence));
    }
}

/// The log that a boot of this node would find.
fn recovered(cluster: &impl Cluster<SiblingQuorum>, node: NodeId) -> Option<Log> {
    let mut groups = recover(cluster.disk(node).records).ok()?;
    Some(groups.remove(&GROUP)?.durable.log)
}
