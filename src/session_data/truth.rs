//! What is true when everything has come to rest: clients, session servers, data servers and subscribers have the same.

use std::collections::BTreeMap;

use super::SessionData;
use super::client::Client;
use super::data::Data;
use super::memory::Memory;
use super::names::{RegisterId, SlotId, Stamp};
use super::ring;
use super::server::Server;
use super::session::Session;
use super::slots::Duty;
use crate::kv::{Key, Value};
use crate::{Cluster, NodeId};

/// How many are more than half of so many.
pub(super) fn majority(members: usize) -> usize {
    members / 2 + 1
}

/// What the session servers hold that are up and sound, of either generation.
fn memories(cluster: &impl Cluster<SessionData>) -> impl Iterator<Item = (NodeId, &Memory)> {
    let slots = sessions(cluster).map(|(id, session)| (id, &session.memory));
    slots.chain(ring::truth::memories(cluster))
}

/// The session servers that are up and sound.
pub(super) fn sessions(
    cluster: &impl Cluster<SessionData>,
) -> impl Iterator<Item = (NodeId, &Session)> {
    let sound = cluster.up().filter(|(id, _)| cluster.is_sound(*id));
    sound.filter_map(|(id, server)| match server {
        Server::Session(session) => Some((id, session)),
        _ => None,
    })
}

/// The data servers that are up and sound.
pub(super) fn data(cluster: &impl Cluster<SessionData>) -> impl Iterator<Item = (NodeId, &Data)> {
    let sound = cluster.up().filter(|(id, _)| cluster.is_sound(*id));
    sound.filter_map(|(id, server)| match server {
        Server::Data(data) => Some((id, data)),
        _ => None,
    })
}

/// A registration as it should be everywhere.
pub(super) type Truth = BTreeMap<RegisterId, (Value, Stamp)>;

/// Whether all sound participants have the same; if not, where two of them differ.
///
/// # Errors
/// Who differs from whom, in what.
pub(super) fn equal(cluster: &impl Cluster<SessionData>) -> Result<(), String> {
    // Followers are the last to be level, and the cheapest to ask.
    followers(cluster)?;
    let truth = clients_and_sessions(cluster)?;
    leaders(cluster, &truth)?;
    ring::truth::owners(cluster, &truth)?;
    subscribers(cluster, &truth)
}

/// Every client is connected, and its session server has just what it wants; no session server has anything else.
fn clients_and_sessions(cluster: &impl Cluster<SessionData>) -> Result<Truth, String> {
    let mut wanted: BTreeMap<RegisterId, Value> = BTreeMap::new();
    for &id in cluster.clients() {
        let Some(client) = cluster.client(id).filter(|_| cluster.is_sound(id)) else {
            continue;
        };
        for (service, mine) in &client.mine {
            if let Some(value) = mine.value {
                wanted.insert(client.id(*service), value);
            }
        }
        if let Some(service) = waits(client) {
            return Err(format!("{id} waits for {service}"));
        }
    }
    let mut truth = Truth::new();
    for (id, memory) in memories(cluster) {
        for (register, entry) in memory.iter() {
            match wanted.remove(&register) {
                Some(value) if value == entry.value => {
                    truth.insert(register, (value, entry.stamp));
                }
                Some(value) => {
                    return Err(format!(
                        "{id} has {register}={}, and it is {value}",
                        entry.value
                    ));
                }
                None => return Err(format!("{id} has {register}, whose client does not")),
            }
        }
    }
    match wanted.first_key_value() {
        None => Ok(truth),
        Some((register, value)) => Err(format!("no session server has {register}={value}")),
    }
}

/// Something that a client waits to be granted.
fn waits(client: &Client) -> Option<Key> {
    let mine = client.mine.iter().filter(|(_, mine)| !mine.granted);
    let watched = client
        .watched
        .iter()
        .filter(|(_, watched)| !watched.granted);
    let mut waits = mine
        .map(|(service, _)| service)
        .chain(watched.map(|(service, _)| service));
    waits.next().copied()
}

/// Every slot is served by one data server, and they have together what session servers have.
fn leaders(cluster: &impl Cluster<SessionData>, truth: &Truth) -> Result<(), String> {
    let mut missing = truth.clone();
    let mut served: BTreeMap<SlotId, NodeId> = BTreeMap::new();
    let mut slots = 0;
    for (id, data) in data(cluster) {
        slots = data.config.options.slots;
        for (slot, holding) in &data.slots {
            if !holding.serves() {
                continue;
            }
            if let Some(other) = served.insert(*slot, id) {
                return Err(format!("{id} and {other} serve {slot}"));
            }
            for one in holding.store.live() {
                let is_so = missing.remove(&one.id);
                if is_so.map(|(value, stamp)| (Some(value), stamp))
                    != Some((one.content, one.stamp))
                {
                    return Err(format!("{id} has {one}, and no session server has that"));
                }
            }
        }
    }
    if slots == 0 {
        // There are no leaders but in the sixth generation.
        return Ok(());
    }
    if (served.len() as u32) < slots {
        return Err(format!("{} of {slots} slots are served", served.len()));
    }
    match missing.first_key_value() {
        None => Ok(()),
        Some((register, (value, _))) => Err(format!("no data server has {register}={value}")),
    }
}

/// Every follower has what its leader has.
fn followers(cluster: &impl Cluster<SessionData>) -> Result<(), String> {
    let all: BTreeMap<NodeId, &Data> = data(cluster).collect();
    for (id, data) in &all {
        for (slot, holding) in &data.slots {
            let Duty::Follower { leader, .. } = &holding.duty else {
                continue;
            };
            let leader_has = all.get(leader).and_then(|leader| leader.slots.get(slot));
            let Some(its) = leader_has.filter(|its| its.serves()) else {
                return Err(format!(
                    "{id} follows {leader} for {slot}, who does not serve it"
                ));
            };
            if !holding.store.totals().eq(its.store.totals()) {
                return Err(format!("{id} does not have what {leader} has of {slot}"));
            }
        }
    }
    Ok(())
}

/// Every subscriber was shown what is true.
fn subscribers(cluster: &impl Cluster<SessionData>, truth: &Truth) -> Result<(), String> {
    let mut services: BTreeMap<Key, Vec<(RegisterId, Value)>> = BTreeMap::new();
    for (register, (value, _)) in truth {
        services
            .entry(register.service)
            .or_default()
            .push((*register, *value));
    }
    for &id in cluster.clients() {
        let Some(client) = cluster.client(id).filter(|_| cluster.is_sound(id)) else {
            continue;
        };
        for (service, watched) in &client.watched {
            let right = services.get(service).map_or(&[][..], Vec::as_slice);
            match &watched.datum {
                None => return Err(format!("{id} was never shown {service}")),
                Some(datum) if *datum.registered != *right => {
                    return Err(format!(
                        "{id} was shown {datum}, and there are {} registered",
                        right.len()
                    ));
                }
                Some(_) => {}
            }
        }
    }
    Ok(())
}
