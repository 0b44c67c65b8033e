//! Which slot is whose: how a meta leader deals the slots out, and moves them when servers come and go.

use std::collections::BTreeMap;

use super::names::Epoch;
use super::options::Options;
use super::table::{Slot, Table};
use crate::NodeId;

/// How many slots each data server leads, and holds at all.
struct Load(BTreeMap<NodeId, (usize, usize)>);

impl Load {
    fn of(table: &Table, data: &[NodeId]) -> Load {
        let mut load: BTreeMap<NodeId, (usize, usize)> =
            data.iter().map(|node| (*node, (0, 0))).collect();
        for slot in &table.slots {
            for (node, leads) in holders(slot) {
                if let Some((led, held)) = load.get_mut(&node) {
                    *led += usize::from(leads);
                    *held += 1;
                }
            }
        }
        Load(load)
    }

    fn adds(&mut self, node: NodeId, led: usize, held: usize) {
        if let Some(load) = self.0.get_mut(&node) {
            load.0 += led;
            load.1 += held;
        }
    }

    /// Who leads the fewest of these; the first of several.
    fn leads_fewest(&self, of: impl Iterator<Item = NodeId>) -> Option<NodeId> {
        of.min_by_key(|node| self.0.get(node).map(|(led, _)| *led))
    }

    /// Who holds the fewest of these; the first of several.
    fn holds_fewest(&self, of: impl Iterator<Item = NodeId>) -> Option<NodeId> {
        of.min_by_key(|node| self.0.get(node).map(|(_, held)| *held))
    }
}

fn holders(slot: &Slot) -> impl Iterator<Item = (NodeId, bool)> {
    let leader = slot.leader.into_iter().map(|node| (node, true));
    leader.chain(slot.followers.iter().map(|node| (*node, false)))
}

/// Sees that every slot is led and followed by servers that are there, and that none leads many more than another. Whether
/// anything had to be changed. With nobody there everything stays as it is.
pub fn arrange(
    table: &mut Table,
    data: &[NodeId],
    options: &Options,
    is_quiet: bool,
    epochs: &mut impl FnMut() -> Epoch,
) -> bool {
    if data.is_empty() {
        return false;
    }
    let before = table.slots.clone();
    table.slots.resize(options.slots as usize, Slot::default());
    let mut load = Load::of(table, data);
    let followers = (options.replicas as usize)
        .min(data.len())
        .saturating_sub(1);
    let mut has_led = false;
    for slot in &mut table.slots {
        slot.followers.retain(|node| data.contains(node));
        slot.leader = slot.leader.filter(|node| data.contains(node));
        if slot.leader.is_none() {
            has_led = true;
            lead_anew(slot, data, &mut load, epochs);
        }
        while slot.followers.len() < followers {
            let free = data.iter().copied();
            let free = free.filter(|node| holders(slot).all(|(holder, _)| holder != *node));
            let Some(node) = load.holds_fewest(free) else {
                break;
            };
            slot.followers.push(node);
            load.adds(node, 0, 1);
        }
        while slot.followers.len() > followers {
            slot.followers.pop();
        }
    }
    if !has_led && is_quiet && before == table.slots {
        balance(table, data, options, epochs);
    }
    before != table.slots
}

/// A slot without a leader gets one: a follower if it has any, else who leads the fewest.
fn lead_anew(
    slot: &mut Slot,
    data: &[NodeId],
    load: &mut Load,
    epochs: &mut impl FnMut() -> Epoch,
) {
    let follower = load.leads_fewest(slot.followers.iter().copied());
    let leader = follower.or_else(|| load.leads_fewest(data.iter().copied()));
    slot.leader = leader;
    slot.leadership = epochs();
    if let Some(leader) = leader {
        slot.followers.retain(|node| *node != leader);
        load.adds(leader, 1, usize::from(follower.is_none()));
    }
}

/// Moves slots from who leads the most to who leads the fewest, a few at a time, while one of them is more than a tenth off
/// the average.
fn balance(
    table: &mut Table,
    data: &[NodeId],
    options: &Options,
    epochs: &mut impl FnMut() -> Epoch,
) {
    let average = table.slots.len() / data.len();
    let tenth = (average / 10).max(1);
    let (low, high) = (average.saturating_sub(tenth), average + tenth);
    for _ in 0..options.meta.moves {
        let load = Load::of(table, data);
        let most = load.0.iter().max_by_key(|(_, (led, _))| *led);
        let fewest = load.leads_fewest(data.iter().copied());
        let (Some((most, (led, _))), Some(fewest)) = (most, fewest) else {
            return;
        };
        let least = load.0.get(&fewest).map_or(0, |(led, _)| *led);
        if (*led <= high && least >= low) || *led <= least + 1 {
            return;
        }
        let led_by = |slot: &&mut Slot| slot.leader == Some(*most);
        let mut slots: Vec<&mut Slot> = table.slots.iter_mut().filter(led_by).collect();
        // Who has a copy has less to fetch.
        let copied = slots
            .iter()
            .position(|slot| slot.followers.contains(&fewest));
        let Some(slot) = slots.get_mut(copied.unwrap_or_default()) else {
            return;
        };
        match slot.followers.iter_mut().find(|node| **node == fewest) {
            Some(place) => *place = *most,
            None => {
                slot.followers.pop();
                slot.followers.push(*most);
            }
        }
        slot.leader = Some(fewest);
        slot.leadership = epochs();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session_data::names::DATA;

    fn data(numbers: impl IntoIterator<Item = u32>) -> Vec<NodeId> {
        numbers
            .into_iter()
            .map(|number| NodeId::new(DATA, number))
            .collect()
    }

    fn arranged(table: &mut Table, data: &[NodeId]) -> bool {
        let mut given = table
            .slots
            .iter()
            .map(|slot| slot.leadership.count)
            .max()
            .unwrap_or(0);
        let mut epochs = || {
            given += 1;
            Epoch {
                term: 1,
                count: given,
            }
        };
        arrange(table, data, &Options::default(), true, &mut epochs)
    }

    fn led(table: &Table, node: NodeId) -> usize {
        table.led_by(node).count()
    }

    #[test]
    fn slots_are_dealt_out_evenly_and_stay() {
        let mut table = Table::default();
        let all = data(1..=4);
        assert!(arranged(&mut table, &all));
        assert!(all.iter().all(|node| led(&table, *node) == 64));
        assert!(table.slots.iter().all(|slot| slot.followers.len() == 1));
        assert!(
            table
                .slots
                .iter()
                .all(|slot| !slot.followers.contains(&slot.leader.unwrap()))
        );
        assert!(!arranged(&mut table, &all));
    }

    #[test]
    fn who_is_gone_is_followed_by_a_follower_under_a_later_leadership() {
        let mut table = Table::default();
        arranged(&mut table, &data(1..=4));
        let before = table.clone();
        assert!(arranged(&mut table, &data(2..=4)));
        for (slot, was) in table.slots.iter().zip(&before.slots) {
            if was.leader == Some(NodeId::new(DATA, 1)) {
                assert_eq!(slot.leader, was.followers.first().copied());
                assert!(slot.leadership > was.leadership);
            } else {
                assert_eq!((slot.leader, slot.leadership), (was.leader, was.leadership));
            }
        }
    }

    #[test]
    fn who_comes_gets_a_few_slots_at_a_time() {
        let mut table = Table::default();
        arranged(&mut table, &data(1..=3));
        let newcomer = NodeId::new(DATA, 4);
        assert!(arranged(&mut table, &data(1..=4)));
        assert_eq!(led(&table, newcomer), 6);
        while arranged(&mut table, &data(1..=4)) {}
        assert!(led(&table, newcomer) >= 57, "{}", led(&table, newcomer));
    }

    #[test]
    fn nobody_there_changes_nothing() {
        let mut table = Table::default();
        arranged(&mut table, &data(1..=1));
        assert!(table.slots.iter().all(|slot| slot.followers.is_empty()));
        let before = table.clone();
        assert!(!arranged(&mut table, &[]));
        assert_eq!(table, before);
    }
}
