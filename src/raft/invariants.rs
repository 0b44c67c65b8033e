//! What must hold inside a Raft cluster, checked after every step of a server.
//!
//! The checks trust no node's word where the disks can be asked: what is durable is read from the disks themselves, and
//! what is committed is remembered from the first node that committed it. Each looks only at what changed, so that a
//! step that changes nothing costs a few comparisons.
//!
//! Sources: the Raft paper, figure 3 (election safety, log matching, leader completeness, state machine safety), and
//! the TLA+ specifications of Raft for the rest. That a vote was granted by someone whose log is a prefix is *not* an
//! invariant, so it is not checked.

use std::collections::BTreeMap;

use super::cluster::Raft;
use super::log::{Entry, Index, Position, Term};
use super::server::{Server, Standing};
use super::state::{Machine, Record, majority};
use crate::invariant::{Broken, Cluster, Invariants};
use crate::process::Damage;
use crate::{Life, NodeId};

/// All of them, with what they remember of the run.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct RaftInvariants {
    /// By the number of the server.
    servers: Vec<Seen>,
    leaders: BTreeMap<Term, NodeId>,
    /// The log as it was committed.
    committed: Vec<Committed>,
    /// Every entry ever seen in a log, by its term: a leader makes the entries of its term one behind the other.
    made: BTreeMap<Term, Made>,
}

/// A committed entry, and who was the first to commit it, in which term.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Committed {
    entry: Entry,
    by: NodeId,
    term: Term,
}

/// The entries of one term.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Made {
    first: Index,
    /// With each, the term of the entry before it.
    entries: Vec<(Term, Entry)>,
}

/// What was last seen of one server.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
struct Seen {
    life: Life,
    term: Term,
    commit: Index,
    leads: bool,
    /// The terms of its log.
    log: Vec<Term>,
    /// What is on its disk.
    disk: Shadow,
}

/// A disk's content, followed record by record.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
struct Shadow {
    generation: u32,
    read: usize,
    /// It was wiped, or a record is rotten: its server never votes or acknowledges again.
    lost: bool,
    /// The newest term on it.
    term: Term,
    /// Every vote it ever made durable.
    votes: BTreeMap<Term, NodeId>,
    /// The terms of its durable log.
    log: Vec<Term>,
}

impl Invariants<Raft> for RaftInvariants {
    const NAMES: &'static [&'static str] = &[
        "at_most_one_leader_per_term",
        "one_vote_per_term",
        "leaders_hold_durable_votes",
        "leaders_open_their_term",
        "log_matching",
        "leader_completeness",
        "state_machine_safety",
        "committed_is_durable",
        "only_own_terms_are_committed_by_counting",
        "term_and_commit_never_decrease",
        "replicas_are_equal_after_the_calm",
    ];

    fn after_step(&mut self, cluster: &impl Cluster<Raft>, node: NodeId, found: &mut Vec<Broken>) {
        let number = node.number() as usize;
        if self.servers.len() < number {
            self.servers.resize_with(number, Seen::default);
        }
        self.read_disk(cluster, node, found);
        let Some(server) = cluster.server(node) else {
            return;
        };
        let (life, seen) = (cluster.life(node), self.seen(node));
        if seen.life != life {
            // Only what was durable binds a new life.
            let disk = std::mem::take(&mut seen.disk);
            let (term, log) = (disk.term, std::mem::take(&mut seen.log));
            *seen = Seen {
                life,
                term,
                log,
                disk,
                ..Seen::default()
            };
        }
        self.term_never_decreases(node, server, found);
        self.log(node, server, found);
        let leads = matches!(server.standing, Standing::Leader(_));
        let led = std::mem::replace(&mut self.seen(node).leads, leads);
        if leads && !led {
            self.new_leader(cluster, node, server, found);
        }
        if server.commit != self.seen(node).commit {
            self.commit(cluster, node, server, found);
        }
    }

    fn after_calm(&mut self, cluster: &impl Cluster<Raft>, found: &mut Vec<Broken>) {
        let mut first: Option<(NodeId, &Machine)> = None;
        for (id, server) in cluster.up() {
            self.whole_log(id, server, found);
            if !cluster.is_sound(id) {
                continue;
            }
            match first {
                None => first = Some((id, &server.machine)),
                Some((other, machine)) if *machine != server.machine => found.push(Broken::new(
                    "replicas_are_equal_after_the_calm",
                    format!(
                        "{id} and {other} have executed the same log and hold different states"
                    ),
                )),
                Some(_) => {}
            }
        }
    }
}

impl RaftInvariants {
    /// What was committed at an index, if anything was.
    pub(super) fn committed(&self, index: Index) -> Option<&Entry> {
        let place = (index.0 as usize).checked_sub(1)?;
        let committed = self.committed.get(place)?;
        Some(&committed.entry)
    }

    fn seen(&mut self, node: NodeId) -> &mut Seen {
        &mut self.servers[node.number() as usize - 1]
    }

    /// One vote per term, as far as disks tell: they hold the truth about what a voter promised.
    fn read_disk(&mut self, cluster: &impl Cluster<Raft>, node: NodeId, found: &mut Vec<Broken>) {
        let view = cluster.disk(node);
        let disk = &mut self.seen(node).disk;
        if (disk.generation, disk.read) == (view.generation, view.records.len()) {
            return;
        }
        if disk.generation != view.generation {
            (disk.generation, disk.read) = (view.generation, 0);
            disk.log.clear();
        }
        for record in view.records[disk.read..].iter() {
            let Ok(record) = record else {
                disk.lost |= *record == Err(Damage::Rotten);
                continue;
            };
            match record {
                Record::Identity(_) => {}
                Record::Ballot {
                    term,
                    vote: Some(vote),
                } => {
                    let before = *disk.votes.entry(*term).or_insert(*vote);
                    if before != *vote {
                        let evidence =
                            format!("{node} voted for {before} and for {vote} in term {term}");
                        found.push(Broken::new("one_vote_per_term", evidence));
                    }
                }
                Record::Ballot { vote: None, .. } => {}
                // Behind a hole: nobody will ever read it.
                Record::Entries { first, .. } if first.before().0 > disk.log.len() as u64 => {}
                Record::Entries { first, entries } => {
                    disk.log.truncate(first.before().0 as usize);
                    disk.log.extend(entries.iter().map(|entry| entry.term));
                }
            }
        }
        disk.lost |= view.records.is_empty();
        disk.read = view.records.len();
    }

    fn term_never_decreases(&mut self, node: NodeId, server: &Server, found: &mut Vec<Broken>) {
        let seen = self.seen(node);
        let before = std::mem::replace(&mut seen.term, server.durable.term);
        if seen.term < before {
            let evidence = format!("{node} was in term {before} and is in term {}", seen.term);
            found.push(Broken::new("term_and_commit_never_decrease", evidence));
        }
    }

    /// If two logs have an entry of the same index and term, they are the same up to there.
    fn log(&mut self, node: NodeId, server: &Server, found: &mut Vec<Broken>) {
        let last = server.durable.log.last();
        let seen = &mut self.servers[node.number() as usize - 1];
        let known = Position {
            term: seen.log.last().copied().unwrap_or_default(),
            index: Index(seen.log.len() as u64),
        };
        if last == known {
            return;
        }
        // Back from the end to where the log was as it is: by this very invariant, it is the same before that.
        seen.log.truncate(last.index.0 as usize);
        let mut meet = Index(seen.log.len() as u64);
        while meet > Index(0)
            && server.durable.log.term_at(meet) != Some(seen.log[meet.0 as usize - 1])
        {
            meet = meet.before();
        }
        seen.log.truncate(meet.0 as usize);
        let mut before = server.durable.log.term_at(meet).unwrap_or_default();
        for entry in server.durable.log.slice(meet.next(), usize::MAX) {
            let index = Index(seen.log.len() as u64 + 1);
            if let Some(other) = remember(&mut self.made, index, before, entry) {
                let evidence = format!(
                    "{node} has {} at {index}@{}, where another log has {other}",
                    entry.command, entry.term
                );
                found.push(Broken::new("log_matching", evidence));
            }
            seen.log.push(entry.term);
            before = entry.term;
        }
    }

    fn whole_log(&mut self, node: NodeId, server: &Server, found: &mut Vec<Broken>) {
        self.seen(node).log.clear();
        self.log(node, server, found);
    }

    fn new_leader(
        &mut self,
        cluster: &impl Cluster<Raft>,
        node: NodeId,
        server: &Server,
        found: &mut Vec<Broken>,
    ) {
        let term = server.durable.term;
        let other = *self.leaders.entry(term).or_insert(node);
        if other != node {
            let evidence = format!("{other} and {node} both lead term {term}");
            found.push(Broken::new("at_most_one_leader_per_term", evidence));
        }

        let servers = cluster.servers();
        // Who died as its vote left has taken no step since.
        servers
            .iter()
            .for_each(|id| self.read_disk(cluster, *id, found));
        let holds = |id: &&NodeId| {
            self.servers
                .get(id.number() as usize - 1)
                .is_some_and(|seen| seen.disk.votes.get(&term) == Some(&node))
        };
        let (votes, members) = (servers.iter().filter(holds).count(), servers.len());
        if votes < majority(members) {
            let evidence = format!(
                "{node} leads term {term}, and {votes} of {members} disks hold a vote for it"
            );
            found.push(Broken::new("leaders_hold_durable_votes", evidence));
        }

        if server.durable.log.last().term != term {
            let last = server.durable.log.last();
            let evidence = format!(
                "{node} leads term {term} and its log ends {last}: it cannot commit what it inherited"
            );
            found.push(Broken::new("leaders_open_their_term", evidence));
        }

        // Of the terms that follow: who wins an older term late, having been away, need not have it, and cannot harm it.
        let missing = self.committed.iter().zip(1..).find(|(committed, index)| {
            committed.term < term
                && server.durable.log.term_at(Index(*index)) != Some(committed.entry.term)
        });
        if let Some((Committed { entry, by, .. }, index)) = missing {
            let at = Index(index);
            let evidence = format!(
                "{node} leads term {term} without {} at {at}@{}, which {by} has committed",
                entry.command, entry.term
            );
            found.push(Broken::new("leader_completeness", evidence));
        }
    }

    fn commit(
        &mut self,
        cluster: &impl Cluster<Raft>,
        node: NodeId,
        server: &Server,
        found: &mut Vec<Broken>,
    ) {
        let before = std::mem::replace(&mut self.seen(node).commit, server.commit);
        if server.commit < before {
            let evidence = format!(
                "{node} had committed {before} and now says {}",
                server.commit
            );
            found.push(Broken::new("term_and_commit_never_decrease", evidence));
            return;
        }
        for index in (before.0 + 1)..=server.commit.0 {
            let Some(entry) = server.durable.log.get(Index(index)) else {
                continue;
            };
            match self.committed.get(index as usize - 1) {
                None => self.committed.push(Committed {
                    entry: *entry,
                    by: node,
                    term: server.durable.term,
                }),
                Some(first) if first.entry == *entry => {}
                Some(Committed {
                    entry: first,
                    by: who,
                    ..
                }) => {
                    let evidence = format!(
                        "at {index}, {who} executed {} of term {} and {node} executes {} of term {}",
                        first.command, first.term, entry.command, entry.term
                    );
                    found.push(Broken::new("state_machine_safety", evidence));
                }
            }
        }
        let newest = server
            .durable
            .log
            .position(server.commit)
            .unwrap_or_default();
        if !self.is_durable(cluster, newest) {
            // Who died as its answer left has taken no step since.
            let servers = cluster.servers().iter();
            servers.for_each(|id| self.read_disk(cluster, *id, found));
            self.committed_is_durable(cluster, node, newest, found);
        }
        if matches!(server.standing, Standing::Leader(_)) && newest.term != server.durable.term {
            let evidence = format!(
                "{node} leads term {} and commits {newest}",
                server.durable.term
            );
            found.push(Broken::new(
                "only_own_terms_are_committed_by_counting",
                evidence,
            ));
        }
    }

    fn is_durable(&self, cluster: &impl Cluster<Raft>, newest: Position) -> bool {
        self.holders(cluster, newest) >= majority(cluster.servers().len())
    }

    /// How many disks have an entry, as far as they were read.
    fn holders(&self, cluster: &impl Cluster<Raft>, entry: Position) -> usize {
        let has = |id: &&NodeId| {
            let seen = self.servers.get(id.number() as usize - 1);
            seen.is_some_and(|Seen { disk, .. }| {
                disk.lost || disk.log.get(entry.index.0 as usize - 1) == Some(&entry.term)
            })
        };
        cluster.servers().iter().filter(has).count()
    }

    /// By log matching, who has the newest committed entry on disk has all before it. A server that lost its disk counts
    /// as one that has it: it elects nobody any more, so that every majority that can still form has a holder.
    fn committed_is_durable(
        &self,
        cluster: &impl Cluster<Raft>,
        node: NodeId,
        newest: Position,
        found: &mut Vec<Broken>,
    ) {
        let members = cluster.servers().len();
        let holders = self.holders(cluster, newest);
        // What was committed earlier may be held by fewer by name when a later entry was committed at once: only the
        // newest is asked for.
        if holders < majority(members) {
            let evidence =
                format!("{node} commits {newest}, which {holders} of {members} disks hold");
            found.push(Broken::new("committed_is_durable", evidence));
        }
    }
}

/// Remembers an entry; gives back, in words, an entry that differs and stands where this one does.
fn remember(
    made: &mut BTreeMap<Term, Made>,
    index: Index,
    before: Term,
    entry: &Entry,
) -> Option<String> {
    let made = made.entry(entry.term).or_insert_with(|| Made {
        first: index,
        entries: Vec::new(),
    });
    let place = index
        .0
        .checked_sub(made.first.0)
        .map(|place| place as usize);
    match place {
        Some(place) if place < made.entries.len() => {
            let (other_before, other) = made.entries[place];
            let differs = (other_before, other) != (before, *entry);
            differs.then(|| format!("{} after term {other_before}", other.command))
        }
        Some(place) if place == made.entries.len() => {
            made.entries.push((before, *entry));
            None
        }
        _ => Some(format!(
            "the entries of term {} from {} on, with a gap",
            entry.term, made.first
        )),
    }
}
