//! The crate `raft` (raft-rs, the core of TiKV), driven as its authors intend and as fast as that goes: one thread, messages
//! handed over by value, every `Ready` persisted in memory, every committed entry applied by counting it.

use raft::eraftpb::{ConfState, Entry, Message};
use raft::storage::MemStorage;
use raft::{Config, RawNode, StateRole};
use slog::{Discard, Logger, o};

/// Bytes in one proposal.
pub(crate) const PAYLOAD: usize = 16;

/// After this many entries the log is compacted, so that a long benchmark stays in bounded memory. It is short because a
/// short log stays in the cache: with 100 000 entries the merged appends lose a fifth of their speed.
const COMPACT_AFTER: u64 = 1_000;

/// A cluster with an elected leader, at rest: nothing is in flight, and every node has applied all that was committed.
pub(crate) struct Cluster {
    nodes: Vec<Node>,
    /// What each node will receive next, in the order in which it was sent.
    inboxes: Vec<Vec<Message>>,
    compacted: u64,
}

impl Cluster {
    /// Elects the first of `nodes` nodes as the leader.
    ///
    /// With `batch_append` the leader merges entries into an append that it has not handed over yet, as TiKV does in
    /// production; without it, raft-rs sends one append for each proposal and follower.
    ///
    /// # Panics
    ///
    /// If there are no nodes, or if the first one does not win.
    pub(crate) fn new(nodes: usize, batch_append: bool) -> Self {
        let members: Vec<u64> = (1..=nodes as u64).collect();
        let mut cluster = Self {
            nodes: members
                .iter()
                .map(|&id| Node::new(id, &members, batch_append))
                .collect(),
            inboxes: members.iter().map(|_| Vec::new()).collect(),
            compacted: 0,
        };
        cluster
            .leader()
            .raw
            .campaign()
            .expect("a member may campaign");
        cluster.settle();
        assert_eq!(
            cluster.leader().raw.raft.state,
            StateRole::Leader,
            "the first node has won"
        );
        cluster
    }

    /// Makes `batch` proposals on the leader before any message is handed over, then runs until all nodes have committed
    /// and applied all of them. Returns how many they are.
    ///
    /// # Panics
    ///
    /// If the leader refuses a proposal, or a node has not applied exactly `batch` more.
    pub(crate) fn round(&mut self, batch: usize) -> usize {
        let before = self.leader().applied;
        for _ in 0..batch {
            self.leader()
                .raw
                .propose(Vec::new(), vec![7; PAYLOAD])
                .expect("the leader accepts a proposal");
        }
        self.settle();
        for node in &self.nodes {
            assert_eq!(
                node.applied,
                before + batch,
                "every node has applied the whole batch"
            );
        }
        self.compact();
        batch
    }

    fn leader(&mut self) -> &mut Node {
        &mut self.nodes[0]
    }

    /// Turns round the nodes until none has anything left to say. A node takes all its mail before it is asked for a
    /// `Ready`, as in the main loop that raft-rs documents.
    fn settle(&mut self) {
        loop {
            let mut busy = false;
            for (index, node) in self.nodes.iter_mut().enumerate() {
                for message in self.inboxes[index].drain(..) {
                    node.raw.step(message).expect("a member takes a message");
                }
                if node.raw.has_ready() {
                    node.handle_ready(&mut self.inboxes);
                    busy = true;
                }
            }
            if !busy {
                return;
            }
        }
    }

    /// Forgets what all nodes have applied. The last entry stays: the leader names its term in the next append.
    fn compact(&mut self) {
        let applied = self.leader().raw.raft.raft_log.applied;
        if applied < self.compacted + COMPACT_AFTER {
            return;
        }
        for node in &mut self.nodes {
            node.raw
                .mut_store()
                .wl()
                .compact(applied)
                .expect("an applied entry may be compacted");
        }
        self.compacted = applied;
    }
}

struct Node {
    raw: RawNode<MemStorage>,
    /// Proposals applied so far; the empty entry of a new leader does not count.
    applied: usize,
}

impl Node {
    fn new(id: u64, members: &[u64], batch_append: bool) -> Self {
        let config = Config {
            id,
            max_inflight_msgs: 256,
            max_size_per_msg: 1 << 20,
            batch_append,
            ..Config::default()
        };
        let store =
            MemStorage::new_with_conf_state(ConfState::from((members.to_vec(), Vec::new())));
        let silent = Logger::root(Discard, o!());
        Self {
            raw: RawNode::new(&config, store, &silent).expect("the configuration is valid"),
            applied: 0,
        }
    }

    /// The steps of one `Ready`, in the order that the documentation of `raft` gives.
    fn handle_ready(&mut self, inboxes: &mut [Vec<Message>]) {
        let mut ready = self.raw.ready();
        assert!(
            ready.snapshot().is_empty(),
            "nobody falls behind, so nobody needs a snapshot"
        );
        send(ready.take_messages(), inboxes);
        self.apply(&ready.take_committed_entries());
        {
            let mut store = self.raw.mut_store().wl();
            store.append(ready.entries()).expect("the log has no gap");
            if let Some(hard_state) = ready.hs() {
                store.set_hardstate(hard_state.clone());
            }
        }
        send(ready.take_persisted_messages(), inboxes);

        let mut light = self.raw.advance(ready);
        if let Some(commit) = light.commit_index() {
            self.raw.mut_store().wl().mut_hard_state().commit = commit;
        }
        send(light.take_messages(), inboxes);
        self.apply(&light.take_committed_entries());
        self.raw.advance_apply();
    }

    fn apply(&mut self, committed: &[Entry]) {
        self.applied += committed
            .iter()
            .filter(|entry| !entry.data.is_empty())
            .count();
    }
}

fn send(messages: Vec<Message>, inboxes: &mut [Vec<Message>]) {
    for message in messages {
        inboxes[message.to as usize - 1].push(message);
    }
}
