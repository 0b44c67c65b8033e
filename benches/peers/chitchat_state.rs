//! The state of a chitchat node: key-values of another node, applied in bulk.
//!
//! One node writes each of them, so that there is nothing to decide; and they are strings: keys of 12 bytes, values of
//! 16, where a zone's are a number and a value that is told by its name. A difference in model, not only in speed.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use chitchat::{
    Chitchat, ChitchatConfig, ChitchatId, DeletionStatus, FailureDetectorConfig, ProtocolVersion,
    VersionedValue,
};
use tokio::sync::watch;

/// A node that has heard of another.
pub(crate) struct State {
    chitchat: Chitchat,
    other: ChitchatId,
    versions: u64,
}

/// Key-values of the other node, to be applied at once.
pub(crate) struct Bulk {
    key_values: Vec<(String, VersionedValue)>,
    newest: u64,
}

impl State {
    /// A node that knows nothing yet.
    pub(crate) fn new() -> State {
        let id = |name: &str, port| {
            ChitchatId::new(name, 0, SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        };
        let config = ChitchatConfig {
            chitchat_id: id("me", 1),
            cluster_id: "bench".to_owned(),
            gossip_interval: Duration::from_secs(1),
            listen_addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 1)),
            seed_nodes: Vec::new(),
            failure_detector_config: FailureDetectorConfig::default(),
            marked_for_deletion_grace_period: Duration::from_secs(3_600),
            catchup_callback: None,
            extra_liveness_predicate: None,
            protocol_version: ProtocolVersion::V0,
        };
        let (_, no_seeds) = watch::channel(Default::default());
        State {
            chitchat: Chitchat::with_chitchat_id_and_seeds(config, no_seeds, Vec::new()),
            other: id("other", 2),
            versions: 0,
        }
    }

    /// A newer value of each of these keys.
    pub(crate) fn newer(&mut self, keys: &[u32]) -> Bulk {
        let newer = |key: &u32| {
            self.versions += 1;
            let value = VersionedValue {
                value: format!("{:016}", self.versions),
                version: self.versions,
                status: DeletionStatus::Set,
            };
            (format!("{key:012}"), value)
        };
        Bulk {
            key_values: keys.iter().map(newer).collect(),
            newest: self.versions,
        }
    }

    /// Applies them; says how many key-values there are afterwards.
    pub(crate) fn apply(&mut self, bulk: Bulk) -> usize {
        let key_values = bulk.key_values.into_iter();
        self.chitchat
            .reset_node_state_if_update(&self.other, key_values, bulk.newest, 0);
        let state = self.chitchat.node_state(&self.other);
        state.map_or(0, |state| state.num_key_values())
    }
}
