//! The peers that the benchmarks measure in the same run: absolute figures move with the machine, ratios do not.
//!
//! * [`tikv_raft`]: the core of TiKV's Raft, as a rival for ours. Proposals per second, committed and applied everywhere.
//! * [`madsim_endpoint`]: madsim's own network, as a rival for our world. Delivered messages per second.
//! * [`chitchat_state`]: the state that chitchat's gossip keeps, as a rival for a zone. Key-values per second, applied.
//! * [`merkle_trees`]: Merkle search trees, as a rival for a registry's sums. Registrations found to differ.
//!
//! All do the same work as our side and nothing else: no serialization, no disk, no log output. None measures; each
//! offers a piece of work and returns how much of it was done, so that a benchmark can tell a fast peer from an idle one.

pub(crate) mod chitchat_state;
pub(crate) mod madsim_endpoint;
pub(crate) mod merkle_trees;
pub(crate) mod tikv_raft;
