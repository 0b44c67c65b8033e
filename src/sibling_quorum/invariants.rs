//! What must hold inside a group. Each invariant is named as a sentence:
//!
//! * `at_most_one_main_per_epoch`;
//! * `accepted_updates_agree`: whoever executes a place of the log executes the same there;
//! * `the_newest_main_has_what_was_accepted` before its epoch;
//! * `accepted_is_held_by_a_quorum`: what a main accepts is on its own disk and on those of 51 % of the others that are
//!   recorded;
//! * `mains_are_chosen_by_a_quorum`: so many disks hold a promise of its epoch that they meet every quorum before it, or
//!   that of the last main does;
//! * `only_own_epochs_are_accepted_by_counting`;
//! * `logs_match`: two logs with an entry of the same place and epoch are the same up to there;
//! * `updates_run_once_and_in_order` on each resource;
//! * `who_counts_has_a_copy`: a sibling whose confirmations count has all of its copy on disk;
//! * `promises_never_decrease`, and within a life neither does what is accepted;
//! * `siblings_are_equal_after_the_calm`.
//!
//! Those of quorums and promises say how the others are kept. Where a scenario switches the rule off that they speak of,
//! they are not asked for: it wants to see what comes of that.

use std::collections::BTreeMap;

use super::SiblingQuorum;
use super::charter::{Charter, CopyId};
use super::cluster::replica;
use super::copies::Disks;
use super::log::{Entry, Epoch, Position, Seq};
use super::message::GroupId;
use super::office::Office;
use super::options::{Cut, Rules};
use super::progress::Stage;
use super::quorum::{accept_quorum, query_quorum};
use super::replica::{Replica, Standing};
use super::server::Server;
use crate::{Broken, Cluster, Invariants, Life, NodeId};

/// The invariants of all groups, with what they remember of a run.
#[derive(Default)]
pub struct SiblingQuorumInvariants {
    disks: Disks,
    groups: BTreeMap<GroupId, Seen>,
}

/// What was seen of one group.
#[derive(Default)]
struct Seen {
    /// The main of each epoch.
    mains: BTreeMap<Epoch, NodeId>,
    /// What was accepted, by place; by whom first, and in which epoch.
    accepted: BTreeMap<Seq, Accepted>,
    /// The entries of all logs, by epoch and place, with the epoch of the entry before.
    made: BTreeMap<(Epoch, Seq), (Epoch, Entry)>,
    /// What each node showed last.
    nodes: BTreeMap<NodeId, Shown>,
}

struct Accepted {
    entry: Entry,
    by: NodeId,
    epoch: Epoch,
}

/// What a node showed last.
#[derive(Default)]
struct Shown {
    life: Life,
    promised: Epoch,
    accepted: Seq,
    copy: Option<CopyId>,
    last: Position,
    reigns: Option<Epoch>,
    counted: Vec<NodeId>,
}

/// What is recorded of a group, as far as any controller that is up knows.
pub(super) fn recorded(cluster: &impl Cluster<SiblingQuorum>, group: GroupId) -> Option<Charter> {
    let charges = cluster.up().filter_map(|(_, server)| match server {
        Server::Controller(controller) => controller.charges.get(group.0 as usize),
        Server::Node(_) => None,
    });
    let newest = charges.max_by_key(|charge| (charge.known.epoch, charge.version));
    newest.map(|charge| charge.known.clone())
}

impl Invariants<SiblingQuorum> for SiblingQuorumInvariants {
    const NAMES: &'static [&'static str] = &[
        "at_most_one_main_per_epoch",
        "accepted_updates_agree",
        "the_newest_main_has_what_was_accepted",
        "accepted_is_held_by_a_quorum",
        "mains_are_chosen_by_a_quorum",
        "only_own_epochs_are_accepted_by_counting",
        "logs_match",
        "updates_run_once_and_in_order",
        "who_counts_has_a_copy",
        "promises_never_decrease",
        "siblings_are_equal_after_the_calm",
    ];

    fn after_step(
        &mut self,
        cluster: &impl Cluster<SiblingQuorum>,
        id: NodeId,
        found: &mut Vec<Broken>,
    ) {
        self.disks.read(cluster, id);
        let Some(Server::Node(node)) = cluster.server(id) else {
            return;
        };
        if node
            .replicas
            .iter()
            .any(|replica| replica.reigns().is_some())
        {
            // Who died as its answer left has taken no step since.
            let servers = cluster.servers().iter();
            servers.for_each(|server| self.disks.read(cluster, *server));
        }
        for replica in &node.replicas {
            let seen = self.groups.entry(replica.group).or_default();
            let look = Look {
                disks: &self.disks,
                life: cluster.life(id),
                replica,
            };
            seen.look(&look, found);
        }
    }

    fn after_calm(&mut self, cluster: &impl Cluster<SiblingQuorum>, found: &mut Vec<Broken>) {
        for group in self.groups.keys().copied() {
            let Some(charter) = recorded(cluster, group) else {
                continue;
            };
            let sound = charter.members().filter(|id| cluster.is_sound(*id));
            let mut copies = sound.filter_map(|id| Some((id, replica(cluster, id, group)?)));
            let Some((first, copy)) = copies.next() else {
                continue;
            };
            for (other, its) in copies {
                if copy.accepted == its.accepted && copy.machine != its.machine {
                    let evidence = format!(
                        "{first} and {other} have executed the same log up to {} and hold different resources",
                        copy.accepted
                    );
                    found.push(Broken::new("siblings_are_equal_after_the_calm", evidence));
                }
            }
        }
    }
}

/// One replica after its node's step.
struct Look<'a> {
    disks: &'a Disks,
    life: Life,
    replica: &'a Replica,
}

impl Seen {
    fn look(&mut self, look: &Look<'_>, found: &mut Vec<Broken>) {
        let replica = look.replica;
        let shown = self.nodes.entry(replica.me).or_default();
        let same_life = std::mem::replace(&mut shown.life, look.life) == look.life;
        if !same_life {
            shown.promised = Epoch(0);
            shown.accepted = replica.durable.log.base().seq.min(replica.accepted);
            shown.reigns = None;
            shown.counted.clear();
        }
        self.promises(look, found);
        self.log(replica, found);
        self.reign(look, found);
        self.accepted(look, found);
        if let Standing::Main(office) = &replica.standing {
            self.counted(look, office, found);
        }
        let ran = replica.machine.disorder;
        let ran = ran.or_else(|| replica.standing.newcomer_disorder());
        if let Some((key, before, seq)) = ran {
            let evidence = format!(
                "{} executes {seq} on {key}, where it has executed {before}",
                replica.me
            );
            found.push(Broken::new("updates_run_once_and_in_order", evidence));
        }
    }

    /// A promise that is on disk is kept, whatever happens to the process.
    fn promises(&mut self, look: &Look<'_>, found: &mut Vec<Broken>) {
        let replica = look.replica;
        let shown = self.nodes.entry(replica.me).or_default();
        let before = std::mem::replace(&mut shown.promised, replica.durable.promised);
        let copy = look.disks.copy(replica.me, replica.group);
        let before = if copy.is_lost {
            before
        } else {
            before.max(copy.promised)
        };
        if shown.promised < before {
            let evidence = format!(
                "{} had promised epoch {before}, and obeys epoch {}",
                replica.me, shown.promised
            );
            found.push(Broken::new("promises_never_decrease", evidence));
        }
    }

    /// If two logs have an entry of the same place and epoch, they are the same up to there.
    fn log(&mut self, replica: &Replica, found: &mut Vec<Broken>) {
        let log = &replica.durable.log;
        let rules = replica.rules();
        let shown = self.nodes.entry(replica.me).or_default();
        if shown.last == log.last() || !rules.gapless || rules.cut != Cut::AtConflict {
            return;
        }
        let before = std::mem::replace(&mut shown.last, log.last());
        // What was there before was compared then; a log that was cut has changed from some place before its end.
        let mut first = before.seq.min(log.last().seq);
        while first > log.base().seq {
            let (Some(entry), Some(epoch)) = (log.get(first), log.epoch_at(first.before())) else {
                break;
            };
            if self.made.get(&(entry.epoch, first)) == Some(&(epoch, *entry)) {
                break;
            }
            first = first.before();
        }
        let mut seq = first.max(log.base().seq);
        while seq < log.last().seq {
            seq = seq.next();
            let (Some(entry), Some(epoch)) = (log.get(seq), log.epoch_at(seq.before())) else {
                continue;
            };
            let (other_epoch, other) = *self
                .made
                .entry((entry.epoch, seq))
                .or_insert((epoch, *entry));
            if (other_epoch, other) != (epoch, *entry) {
                let evidence = format!(
                    "{} has {} at {seq}@{} after epoch {epoch}, where another log has {} after epoch {other_epoch}",
                    replica.me, entry.command, entry.epoch, other.command
                );
                found.push(Broken::new("logs_match", evidence));
            }
        }
    }

    fn reign(&mut self, look: &Look<'_>, found: &mut Vec<Broken>) {
        let replica = look.replica;
        let shown = self.nodes.entry(replica.me).or_default();
        let before = std::mem::replace(&mut shown.reigns, replica.reigns());
        let Some(epoch) = replica.reigns().filter(|epoch| before != Some(*epoch)) else {
            return;
        };
        let me = replica.me;
        let other = self.mains.insert(epoch, me);
        // The same node may begin again as long as it had not sworn to, and so had sent nothing.
        let forgets = other == Some(me) && look.disks.copy(me, replica.group).reigned >= epoch;
        if let Some(other) = other.filter(|other| *other != me || forgets) {
            let evidence = format!("{other} and {me} both take office in epoch {epoch}");
            found.push(Broken::new("at_most_one_main_per_epoch", evidence));
        }
        let log = &replica.durable.log;
        let missing = self.accepted.iter().find(|(seq, accepted)| {
            let has = |at: Epoch| at == accepted.entry.epoch;
            **seq > log.base().seq
                && accepted.epoch < epoch
                && !log.epoch_at(**seq).is_some_and(has)
        });
        if let Some((seq, Accepted { entry, by, .. })) = missing {
            let evidence = format!(
                "{me} takes office in epoch {epoch} without {} at {seq}@{}, which {by} has accepted",
                entry.command, entry.epoch
            );
            found.push(Broken::new(
                "the_newest_main_has_what_was_accepted",
                evidence,
            ));
        }
        if asks_for_promises(replica.rules()) {
            chosen_by_a_quorum(look, epoch, found);
        }
    }

    fn accepted(&mut self, look: &Look<'_>, found: &mut Vec<Broken>) {
        let replica = look.replica;
        let (me, accepted) = (replica.me, replica.accepted);
        let shown = self.nodes.entry(me).or_default();
        let before = std::mem::replace(&mut shown.accepted, accepted);
        let copy = std::mem::replace(&mut shown.copy, replica.durable.copy);
        // A copy that is taken anew may be older.
        if accepted < before && replica.durable.copy == copy {
            let evidence = format!("{me} had accepted {before}, and now says {accepted}");
            found.push(Broken::new("promises_never_decrease", evidence));
        }
        if accepted <= before {
            return;
        }
        let mut seq = before.max(replica.durable.log.base().seq);
        while seq < accepted {
            seq = seq.next();
            let Some(entry) = replica.durable.log.get(seq).copied() else {
                continue;
            };
            let epoch = replica.durable.promised;
            let first = self.accepted.entry(seq).or_insert(Accepted {
                entry,
                by: me,
                epoch,
            });
            if first.entry != entry {
                let evidence = format!(
                    "at {seq}, {} executed {} of epoch {} and {me} executes {} of epoch {}",
                    first.by, first.entry.command, first.entry.epoch, entry.command, entry.epoch
                );
                found.push(Broken::new("accepted_updates_agree", evidence));
            }
        }
        if let Standing::Main(office) = &replica.standing {
            accepts(look, office, found);
        }
    }

    /// Whose confirmations begin to count has its copy on disk.
    fn counted(&mut self, look: &Look<'_>, office: &Office, found: &mut Vec<Broken>) {
        let replica = look.replica;
        let shown = self.nodes.entry(replica.me).or_default();
        let counts = |stage: Stage| stage == Stage::Counted;
        let counted = office.followers.iter().filter(|one| counts(one.stage));
        if counted
            .clone()
            .map(|one| one.id)
            .eq(shown.counted.iter().copied())
        {
            return;
        }
        // With whom it takes office, the controllers have recorded; who comes to count later, it has made a sibling.
        let newcomers = counted
            .clone()
            .filter(|one| !shown.counted.is_empty() && !shown.counted.contains(&one.id));
        for one in newcomers {
            let copy = look.disks.copy(one.id, replica.group);
            if copy.log.last().seq < one.matched && !copy.is_lost {
                let evidence = format!(
                    "{} counts {} up to {}, which has {} on its disk",
                    replica.me,
                    one.id,
                    one.matched,
                    copy.log.last()
                );
                found.push(Broken::new("who_counts_has_a_copy", evidence));
            }
        }
        shown.counted = counted.map(|one| one.id).collect();
    }
}

/// Whether promises are to be asked for: no rule that speaks of them is off.
fn asks_for_promises(rules: &Rules) -> bool {
    rules.fence
        && rules.ask_quorum
        && rules.durable
        && rules.holders_only
        && rules.one_register
        && rules.controllers_remember
}

/// So many disks of those who were siblings hold a promise of the epoch that they meet every quorum before it.
fn chosen_by_a_quorum(look: &Look<'_>, epoch: Epoch, found: &mut Vec<Broken>) {
    let (me, group) = (look.replica.me, look.replica.group);
    let Some(charter) = look.disks.charter(group) else {
        return;
    };
    if charter.epoch != epoch || charter.siblings.is_empty() {
        return;
    }
    let before: Vec<NodeId> = charter
        .members()
        .filter(|node| *node != charter.last)
        .collect();
    let promised = |node: &&NodeId| {
        let copy = look.disks.copy(**node, group);
        // Who has lost its copy since confirms nothing to anybody.
        copy.is_lost || (copy.id == Some(charter.copy(**node)) && copy.promised >= epoch)
    };
    let (promises, quorum) = (
        before.iter().filter(promised).count(),
        query_quorum(before.len()),
    );
    // The last main has all that was accepted on its own disk, and nobody before it can accept any more.
    if promises < quorum && !promised(&&charter.last) {
        let evidence = format!(
            "{me} takes office in epoch {epoch}, which {promises} of {} siblings have promised on disk to obey; {quorum} are needed",
            before.len()
        );
        found.push(Broken::new("mains_are_chosen_by_a_quorum", evidence));
    }
}

/// By `logs_match`, who has the newest accepted entry on disk has all before it.
fn accepts(look: &Look<'_>, office: &Office, found: &mut Vec<Broken>) {
    let replica = look.replica;
    let (me, group, rules) = (replica.me, replica.group, replica.rules());
    let Some(newest) = replica.durable.log.position(replica.accepted) else {
        return;
    };
    if newest.epoch != office.epoch && rules.own_epoch {
        let evidence = format!(
            "{me} is the main of epoch {} and accepts {newest}",
            office.epoch
        );
        found.push(Broken::new(
            "only_own_epochs_are_accepted_by_counting",
            evidence,
        ));
    }
    // Asked for as long as no rule is off that it rests on.
    let asked = Rules {
        lease: true,
        remembered: true,
        accepted_reads: true,
        tokens: true,
        main_decides: true,
        hashes: true,
        record_first: true,
        filter_replay: true,
        drain_first: true,
        ..rules.clone()
    } == Rules::default();
    let Some(charter) = look.disks.charter(group).filter(|_| asked) else {
        return;
    };
    let others: Vec<NodeId> = charter.members().filter(|node| *node != me).collect();
    // Who lost its copy confirms nothing any more, and speaks for nothing.
    let has = |node: NodeId| {
        let copy = look.disks.copy(node, group);
        copy.is_lost || copy.log.contains(newest)
    };
    let holders = others.iter().filter(|node| has(**node)).count();
    let quorum = accept_quorum(others.len());
    if holders < quorum || !has(me) {
        let evidence = format!(
            "{me} accepts {newest}, which {holders} of {} siblings have on disk, and itself {}; {quorum} are needed",
            others.len(),
            if has(me) { "too" } else { "not" }
        );
        found.push(Broken::new("accepted_is_held_by_a_quorum", evidence));
    }
}
