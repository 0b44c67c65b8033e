//! What must hold inside a store of registers, checked after every step of a server.
//!
//! The checks trust no node's word where the disks can be asked: what is promised and accepted is what they hold, and what
//! is chosen is what a majority of them has held with one ballot. Each looks only at what changed: the records that are
//! new on a disk, and the register that the step was about.
//!
//! Sources: the CASPaxos paper, and "Paxos Made Simple" (P1a, P2b and P2c). That the versions which one acceptor holds only
//! grow is *not* an invariant, so it is not checked: a change that was proposed and never chosen may be followed by another
//! of the same version, or by none.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::cluster::CasPaxos;
use super::server::{Conclusion, Server};
use super::state::{Content, Record, majority};
use crate::invariant::{Broken, Cluster, Invariants};
use crate::kv::Key;
use crate::process::Damage;
use crate::register::{self, Ballot, ChangeId, Held, Verdict};
use crate::{Life, NodeId};

/// All of them, with what they remember of the run.
#[derive(Default)]
pub struct CasPaxosInvariants {
    /// By the number of the server.
    servers: Vec<Seen>,
    registers: BTreeMap<Key, Known>,
}

/// What was last seen of one server.
#[derive(Default)]
struct Seen {
    /// How many records of its disk have been read.
    read: usize,
    /// The highest ballot that its disk has promised, a wiped one too.
    promised: BTreeMap<Key, Ballot>,
    life: Life,
    /// What this life has promised and accepted, and which ballot it last proposed something with.
    memory: BTreeMap<Key, (Ballot, Ballot, Option<Ballot>)>,
    /// How much this life has concluded.
    concluded: u64,
}

/// What is known of one register.
#[derive(Default)]
struct Known {
    proposals: BTreeMap<Ballot, Proposed>,
    /// What became of each change, as far as that is chosen.
    decided: BTreeMap<ChangeId, Verdict<Content>>,
}

/// What was accepted with one ballot.
struct Proposed {
    held: Arc<Held<Content>>,
    /// On whose disk it was seen first.
    by: NodeId,
    /// On whose disks it has ever been: a bit for each server.
    holders: u32,
    chosen: bool,
}

impl Invariants<CasPaxos> for CasPaxosInvariants {
    const NAMES: &'static [&'static str] = &[
        "one_value_per_ballot",
        "promises_are_kept",
        "ballots_never_decrease",
        "proposers_hold_durable_promises",
        "what_is_chosen_stays",
        "what_is_answered_is_chosen",
        "each_change_is_decided_once",
    ];

    fn after_step(
        &mut self,
        cluster: &impl Cluster<CasPaxos>,
        node: NodeId,
        found: &mut Vec<Broken>,
    ) {
        let number = node.number() as usize;
        if self.servers.is_empty() {
            let servers = cluster.servers().len();
            self.servers.resize_with(servers, Seen::default);
        }
        self.read_disk(cluster, node, found);
        let Some(server) = cluster.server(node) else {
            return;
        };
        let (life, seen) = (cluster.life(node), &mut self.servers[number - 1]);
        if seen.life != life {
            seen.life = life;
            seen.memory.clear();
            seen.concluded = 0;
        }
        if let Some(key) = server.touched {
            self.touched(cluster, node, server, key, found);
        }
        let (concluded, conclusion) = server.concluded;
        let before = std::mem::replace(&mut self.servers[number - 1].concluded, concluded);
        if let Some(conclusion) = conclusion.filter(|_| concluded != before) {
            self.what_is_answered_is_chosen(cluster, node, conclusion, found);
        }
    }
}

impl CasPaxosInvariants {
    fn read_disk(
        &mut self,
        cluster: &impl Cluster<CasPaxos>,
        node: NodeId,
        found: &mut Vec<Broken>,
    ) {
        let view = cluster.disk(node);
        // A torn tail is no record: what is written next takes its place.
        let records = match view.records {
            [records @ .., Err(Damage::Torn)] => records,
            records => records,
        };
        let seen = &mut self.servers[node.number() as usize - 1];
        // A disk that was wiped begins anew, and what it once promised still binds.
        let first = if seen.read > records.len() {
            0
        } else {
            seen.read
        };
        seen.read = records.len();
        for record in records[first..].iter().flatten() {
            let Record::Register(key, record) = record else {
                continue;
            };
            let promised = seen.promised.entry(*key).or_default();
            let (register::Record::Promised(ballot) | register::Record::Accepted(ballot, _)) =
                record;
            let before = std::mem::replace(promised, *ballot.max(promised));
            let register::Record::Accepted(ballot, held) = record else {
                continue;
            };
            if *ballot < before {
                let evidence = format!(
                    "{node} accepted {key} {ballot}: {held} after it had promised {before}"
                );
                found.push(Broken::new("promises_are_kept", evidence));
            }
            let known = self.registers.entry(*key).or_default();
            let majority = majority(cluster.servers().len());
            known.accepted(*key, *ballot, held, node, majority, found);
        }
    }

    /// Looks at the register that a step was about.
    fn touched(
        &mut self,
        cluster: &impl Cluster<CasPaxos>,
        node: NodeId,
        server: &Server,
        key: Key,
        found: &mut Vec<Broken>,
    ) {
        let Some(register) = server.registers.get(&key) else {
            return;
        };
        let (promised, accepted) = (register.promised(), register.accepted_with());
        let proposes = register.proposes();
        let memory = &mut self.servers[node.number() as usize - 1].memory;
        let now = (promised, accepted, proposes);
        let before = memory.insert(key, now).unwrap_or_default();
        if promised < before.0 || accepted < before.1 {
            let evidence = format!(
                "{node} had promised {key} {} and accepted {}, and now says {promised} and {accepted}",
                before.0, before.1
            );
            found.push(Broken::new("ballots_never_decrease", evidence));
        }
        if let Some(ballot) = proposes.filter(|_| proposes != before.2) {
            self.proposers_hold_durable_promises(cluster, node, key, ballot, found);
        }
    }

    /// Who proposes was promised its ballot by a majority. Its own promise counts: the proposal waits for that flush.
    fn proposers_hold_durable_promises(
        &mut self,
        cluster: &impl Cluster<CasPaxos>,
        node: NodeId,
        key: Key,
        ballot: Ballot,
        found: &mut Vec<Broken>,
    ) {
        let members = cluster.servers().len();
        let count = |invariants: &CasPaxosInvariants| {
            let promised = |seen: &&Seen| seen.promised.get(&key) >= Some(&ballot);
            let others = invariants.servers.iter().zip(1..);
            let others = others.filter(|(_, number)| *number != node.number());
            1 + others.filter(|(seen, _)| promised(seen)).count()
        };
        if self.ask_disks(cluster, found, |invariants| {
            count(invariants) >= majority(members)
        }) {
            return;
        }
        let promises = count(self);
        let evidence = format!(
            "{node} proposes {key} {ballot}, which {promises} of {members} disks have promised"
        );
        found.push(Broken::new("proposers_hold_durable_promises", evidence));
    }

    /// What a proposer takes for chosen is on the disks of a majority. Its own copy counts: the answer waits for that
    /// flush. With what a register was formatted with, every disk was.
    fn what_is_answered_is_chosen(
        &mut self,
        cluster: &impl Cluster<CasPaxos>,
        node: NodeId,
        conclusion: Conclusion,
        found: &mut Vec<Broken>,
    ) {
        let Conclusion { key, ballot } = conclusion;
        if ballot == Ballot::ZERO {
            return;
        }
        let members = cluster.servers().len();
        let count = |invariants: &CasPaxosInvariants| {
            let known = invariants.registers.get(&key);
            let proposed = known.and_then(|known| known.proposals.get(&ballot));
            let holders = proposed.map_or(0, |proposed| proposed.holders) | bit(node);
            holders.count_ones() as usize
        };
        if self.ask_disks(cluster, found, |invariants| {
            count(invariants) >= majority(members)
        }) {
            return;
        }
        let holders = count(self);
        let evidence = format!(
            "{node} takes {key} {ballot} for chosen, and {holders} of {members} disks have held it"
        );
        found.push(Broken::new("what_is_answered_is_chosen", evidence));
    }

    /// Whether this is so, by what the disks held when their servers took their last steps, or else by what they hold
    /// now: a server that died as a flush let its answer go took no step after that.
    fn ask_disks(
        &mut self,
        cluster: &impl Cluster<CasPaxos>,
        found: &mut Vec<Broken>,
        is_so: impl Fn(&CasPaxosInvariants) -> bool,
    ) -> bool {
        if is_so(self) {
            return true;
        }
        for node in cluster.servers() {
            self.read_disk(cluster, *node, found);
        }
        is_so(self)
    }
}

impl Known {
    /// Something is durable on a disk: with this ballot nothing else may be, and it must have come of all that is chosen
    /// with lower ones.
    fn accepted(
        &mut self,
        key: Key,
        ballot: Ballot,
        held: &Arc<Held<Content>>,
        node: NodeId,
        majority: usize,
        found: &mut Vec<Broken>,
    ) {
        let proposed = self.proposals.entry(ballot).or_insert_with(|| Proposed {
            held: Arc::clone(held),
            by: node,
            holders: 0,
            chosen: false,
        });
        if proposed.held != *held {
            let (by, other) = (proposed.by, &proposed.held);
            let evidence =
                format!("with {key} {ballot}, {by} accepted {other} and {node} accepted {held}");
            found.push(Broken::new("one_value_per_ballot", evidence));
            return;
        }
        let is_new = proposed.holders == 0;
        proposed.holders |= bit(node);
        let is_chosen = proposed.holders.count_ones() as usize >= majority;
        let newly_chosen = is_chosen && !std::mem::replace(&mut proposed.chosen, is_chosen);
        if is_new {
            let mut lower = self.proposals.range(..ballot).rev();
            if let Some((chosen, before)) = lower.find(|(_, lower)| lower.chosen) {
                stays(key, (*chosen, &before.held), (ballot, held), found);
            }
        }
        if newly_chosen {
            for (higher, after) in self.proposals.range(ballot..).skip(1) {
                stays(key, (ballot, held), (*higher, &after.held), found);
            }
            self.each_change_is_decided_once(key, held, found);
        }
    }

    fn each_change_is_decided_once(
        &mut self,
        key: Key,
        held: &Held<Content>,
        found: &mut Vec<Broken>,
    ) {
        for (author, latest) in &held.latest {
            let (by, life, seq) = (*author, latest.life, latest.seq);
            let id = ChangeId { by, life, seq };
            let first = self
                .decided
                .entry(id)
                .or_insert_with(|| latest.verdict.clone());
            if *first != latest.verdict {
                let (first, again) = (told(first), told(&latest.verdict));
                let evidence = format!("of {key} change {id} was {first}, and then {again}");
                found.push(Broken::new("each_change_is_decided_once", evidence));
            }
        }
    }
}

/// Once something is chosen, all that is accepted with higher ballots has come of it.
fn stays(
    key: Key,
    (chosen, before): (Ballot, &Held<Content>),
    (ballot, after): (Ballot, &Held<Content>),
    found: &mut Vec<Broken>,
) {
    if !after.descends_from(before) {
        let evidence = format!(
            "{key} {chosen}: {before} was chosen, and {ballot}: {after} does not come of it"
        );
        found.push(Broken::new("what_is_chosen_stays", evidence));
    }
}

/// A verdict in words.
fn told(verdict: &Verdict<Content>) -> String {
    match verdict {
        Verdict::Made(version) => format!("made {version}"),
        Verdict::Unmet(version, value) => format!("not met by {value} {version}"),
    }
}

/// A server as one of a set. There are at most 15 of them.
fn bit(node: NodeId) -> u32 {
    1 << (node.number() - 1)
}
