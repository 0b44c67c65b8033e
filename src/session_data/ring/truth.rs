//! What is true of the fifth generation when everything has come to rest: who owns a service has just what session servers
//! have of it. Who does not own it may have what it likes, until it is cleaned.

use std::collections::BTreeMap;

use super::super::SessionData;
use super::super::memory::Memory;
use super::super::server::Server;
use super::super::truth::Truth;
use super::data::RingData;
use crate::{Cluster, NodeId};

/// What the session servers hold that are up and sound.
pub(in super::super) fn memories(
    cluster: &impl Cluster<SessionData>,
) -> impl Iterator<Item = (NodeId, &Memory)> {
    let sound = cluster.up().filter(|(id, _)| cluster.is_sound(*id));
    sound.filter_map(|(id, server)| match server {
        Server::RingSession(session) => Some((id, &session.memory)),
        _ => None,
    })
}

/// Whether every owner has what it should, and all data servers that are up and sound know of each other.
///
/// # Errors
/// Who has what nobody registered, or what is missing.
pub(in super::super) fn owners(
    cluster: &impl Cluster<SessionData>,
    truth: &Truth,
) -> Result<(), String> {
    let sound = cluster.up().filter(|(id, _)| cluster.is_sound(*id));
    let all: BTreeMap<NodeId, &RingData> = sound
        .filter_map(|(id, server)| match server {
            Server::RingData(data) => Some((id, data)),
            _ => None,
        })
        .collect();
    let mut missing = truth.clone();
    for (id, data) in &all {
        if !data.ring.servers().eq(all.keys().copied()) {
            return Err(format!("{id} knows another list of data servers"));
        }
        if !data.working {
            return Err(format!("{id} does not work yet"));
        }
        for (service, datum) in data.store.iter() {
            if !data.owns(service) {
                continue;
            }
            for one in datum.publishers.values() {
                let is_so = missing.remove(&one.id);
                if is_so != Some((one.value, one.stamp)) {
                    return Err(format!("{id} has {one}, and no session server has that"));
                }
            }
        }
    }
    match missing.first_key_value().filter(|_| !all.is_empty()) {
        None => Ok(()),
        Some((register, (value, _))) => Err(format!("no owner has {register}={value}")),
    }
}
