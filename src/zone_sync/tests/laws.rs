//! Where something clever must equal something dumb, and where nodes must agree.

use proptest::prelude::*;
use proptest::sample;

use super::*;
use crate::Losable;

/// Few keys, times and names, so that they meet.
fn a_record() -> impl Strategy<Value = Record> {
    let content = prop_oneof![
        4 => (0..3_u64).prop_map(|name| Content::Value(v(name))),
        1 => (0..2_u64, 0..2_u64)
            .prop_map(|(total, excess)| Content::Usage(Usage { total, excess })),
        1 => Just(Content::Tombstone),
    ];
    (0..6_u32, 0..20_u64, 1..=3_u32, content, 1..15_u64).prop_map(
        |(key, time, writer, content, life)| Record {
            key: Key(key),
            stamp: at(time, writer),
            content,
            life,
        },
    )
}

fn some_rules() -> impl Strategy<Value = Rules> {
    (1..8_usize, any::<bool>(), prop::option::of(1..30_u64)).prop_map(
        |(capacity, tie_break, tombstones)| Rules {
            capacity,
            tie_break,
            tombstones,
        },
    )
}

/// What happens to one zone.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// A local write of a value, or a local delete.
    Change(Record),
    /// A record from another node, which is relayed if there is who told it.
    Merge(Record, Option<NodeId>, u64),
    Expire(u64),
    Drop(sample::Index),
    Lose(usize),
}

fn an_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => a_record().prop_map(Event::Change),
        6 => (a_record(), prop::option::of(2..=4_u32), 0..30_u64)
            .prop_map(|(record, from, now)| Event::Merge(record, from.map(n), now)),
        2 => (0..30_u64).prop_map(Event::Expire),
        1 => any::<sample::Index>().prop_map(Event::Drop),
        1 => (0..3_usize).prop_map(Event::Lose),
    ]
}

fn change(zone: &mut Zone, record: Record) -> Written {
    match record.content {
        Content::Tombstone => zone.delete(record.key, record.stamp),
        content => zone.write(record.key, content, record.stamp, record.life),
    }
}

/// A merge, relayed if it made a difference and there is who told it.
fn merge(zone: &mut Zone, record: Record, from: Option<NodeId>, now: u64) -> Merged {
    let merged = zone.merge(record, now);
    if let (Merged::Inserted | Merged::Replaced { .. }, Some(from)) = (merged, from) {
        zone.relay(record.key, Origin::Told(from));
    }
    merged
}

/// A zone as one would write it in a minute.
struct Dumb {
    rules: Rules,
    records: Vec<Record>,
    log: Vec<(u64, Key, Option<NodeId>)>,
    newest: u64,
}

impl Dumb {
    fn raw(&self, key: Key) -> Option<Record> {
        self.records
            .iter()
            .copied()
            .find(|record| record.key == key)
    }

    fn remove(&mut self, key: Key) {
        self.records.retain(|record| record.key != key);
        self.log.retain(|change| change.1 != key);
    }

    fn put(&mut self, record: Record, from: Option<NodeId>, is_told: bool) {
        self.remove(record.key);
        self.records.push(record);
        if is_told {
            self.newest += 1;
            self.log.push((self.newest, record.key, from));
        }
    }

    fn is_full(&self) -> bool {
        self.records.len() >= self.rules.capacity
    }

    fn change(&mut self, mut record: Record) -> Written {
        let mut evicted = None;
        if record.content == Content::Tombstone {
            let Some(life) = self.rules.tombstones else {
                self.remove(record.key);
                return Written { now: None, evicted };
            };
            record.life = life;
        }
        if self.raw(record.key).is_none() && self.is_full() {
            let by_deadline = |record: &&Record| (record.deadline(), record.key);
            evicted = self.records.iter().min_by_key(by_deadline).copied();
            self.remove(evicted.unwrap().key);
        }
        self.put(record, None, true);
        let now = Some(record);
        Written { now, evicted }
    }

    fn merge(&mut self, record: Record, from: Option<NodeId>, now: u64) -> Merged {
        let tie_break = self.rules.tie_break;
        let merged = match self.raw(record.key) {
            _ if record.deadline() <= now => return Merged::Expired,
            Some(old) if newer(&record, &old, tie_break) => {
                let untold = self.log.iter().any(|change| change.1 == record.key);
                Merged::Replaced { old, untold }
            }
            Some(old) if old == record => return Merged::Known,
            Some(old) if newer(&old, &record, tie_break) => return Merged::Older,
            Some(_) => return Merged::Tied,
            None => Merged::Inserted,
        };
        if merged == Merged::Inserted && self.is_full() {
            self.expire(now);
            if self.is_full() {
                return Merged::NoRoom;
            }
        }
        self.put(record, from, from.is_some());
        merged
    }

    fn expire(&mut self, now: u64) -> usize {
        let dead = |record: &&Record| record.deadline() <= now;
        let dead: Vec<Record> = self.records.iter().filter(dead).copied().collect();
        dead.iter().for_each(|record| self.remove(record.key));
        dead.len()
    }

    fn changes_since(&self, cursor: u64, peer: NodeId) -> Vec<(u64, Record)> {
        let meant = |change: &&(u64, Key, _)| change.0 > cursor && change.2 != Some(peer);
        let meant = self.log.iter().filter(meant);
        meant
            .map(|change| (change.0, self.raw(change.1).unwrap()))
            .collect()
    }
}

/// The same event for both, which must make the same of it.
fn step(zone: &mut Zone, dumb: &mut Dumb, event: Event) {
    match event {
        Event::Change(record) => assert_eq!(change(zone, record), dumb.change(record)),
        Event::Merge(record, from, now) => {
            let before = zone.raw(record.key).map(|record| record.stamp.time);
            let merged = merge(zone, record, from, now);
            assert_eq!(merged, dumb.merge(record, from, now));
            let after = zone.raw(record.key).map(|record| record.stamp.time);
            assert!(before <= after, "a merge never takes a stamp back");
        }
        Event::Expire(now) => assert_eq!(zone.expire(now), dumb.expire(now)),
        Event::Drop(place) => {
            let version = place.index(zone.newest() as usize + 1) as u64;
            zone.drop_changes_up_to(version);
            dumb.log.retain(|change| change.0 > version);
        }
        Event::Lose(count) => {
            zone.lose(count);
            dumb.log.truncate(dumb.log.len().saturating_sub(count));
        }
    }
}

fn assert_same(zone: &Zone, dumb: &Dumb, now: u64) {
    let mut records = dumb.records.clone();
    records.sort_by_key(|record| record.key);
    assert_eq!(zone.iter().copied().collect::<Vec<_>>(), records);
    assert_eq!(zone.total(), records.len());
    assert_eq!(zone.newest(), dumb.newest);
    assert_eq!(zone.waiting(), dumb.log.len());
    assert!(zone.pending(0) <= zone.total() && zone.total() <= zone.rules().capacity);
    for cursor in 0..=dumb.newest {
        let pending = dumb.log.iter().filter(|change| change.0 > cursor).count();
        assert_eq!(zone.pending(cursor), pending);
        for peer in 2..=4 {
            let changes = zone.changes_since(cursor, not_from(n(peer)));
            let changes: Vec<_> = changes
                .map(|(version, record)| (version, *record))
                .collect();
            assert_eq!(changes, dumb.changes_since(cursor, n(peer)));
        }
    }
    for key in (0..6).map(Key) {
        let readable = dumb
            .raw(key)
            .filter(|record| record.deadline() > now && record.content != Content::Tombstone);
        assert_eq!(zone.get(key, now).copied(), readable);
        let behind = records.iter().filter(|record| record.key > key);
        assert!(zone.records_after(Some(key)).eq(behind));
    }
}

/// One node's copy of everything, handed to another. Whether it changed anything there.
fn tell_everything(zones: &mut [Zone], from: usize, to: usize, now: u64) -> bool {
    let records: Vec<Record> = zones[from].iter().copied().collect();
    let mut changed = false;
    for record in records {
        let merged = zones[to].merge(record, now);
        changed |= matches!(merged, Merged::Inserted | Merged::Replaced { .. });
    }
    changed
}

/// What changed at one node since it last told the other. Whether there was anything.
fn tell_changes(
    zones: &mut [Zone],
    cursors: &mut [[u64; 3]; 3],
    (from, to): (usize, usize),
    relay: bool,
) -> bool {
    let cursor = &mut cursors[from][to];
    let changes = zones[from].changes_since(*cursor, not_from(n(to as u32 + 1)));
    let records: Vec<Record> = changes.map(|(_, record)| *record).collect();
    *cursor = zones[from].newest();
    for record in &records {
        let from = relay.then(|| n(from as u32 + 1));
        merge(&mut zones[to], *record, from, 0);
    }
    !records.is_empty()
}

const PAIRS: [(usize, usize); 6] = [(0, 1), (1, 0), (1, 2), (2, 1), (0, 2), (2, 0)];

fn roomy(tombstones: Option<u64>) -> Rules {
    Rules {
        capacity: 100,
        tie_break: true,
        tombstones,
    }
}

fn zone_of(records: &[Record]) -> Zone {
    let mut zone = Zone::new(roomy(None));
    for record in records {
        zone.merge(*record, 0);
    }
    zone
}

fn assert_equal(zones: &[Zone]) {
    for zone in &zones[1..] {
        assert_eq!(shown(zone.iter()), shown(zones[0].iter()));
        assert!(zone.ranges(None, 2, 0).eq(zones[0].ranges(None, 2, 0)));
    }
}

/// What happens among three nodes.
#[derive(Clone, Copy, Debug)]
enum Scene {
    At(usize, Event),
    Tell(usize),
}

fn scenes() -> impl Strategy<Value = Vec<Scene>> {
    let scene = prop_oneof![
        3 => (0..3_usize, an_event()).prop_map(|(node, event)| Scene::At(node, event)),
        1 => (0..6_usize).prop_map(Scene::Tell),
    ];
    prop::collection::vec(scene, 0..40)
}

/// Local changes whose clocks never go back, told through the logs alone over the first so many of the pairs; then
/// until nothing is left to tell.
fn settle_by_logs(relay: bool, links: usize, scenes: &[Scene]) -> [Zone; 3] {
    let mut zones = [(); 3].map(|()| Zone::new(roomy(Some(1_000))));
    let mut cursors = [[0; 3]; 3];
    for scene in scenes {
        match *scene {
            Scene::At(node, Event::Change(mut record)) => {
                let old = zones[node]
                    .raw(record.key)
                    .map_or(0, |old| old.stamp.time + 1);
                record.stamp = at(record.stamp.time.max(old), node as u32 + 1);
                record.life = 1_000;
                change(&mut zones[node], record);
            }
            Scene::At(..) => {}
            Scene::Tell(pair) => {
                tell_changes(&mut zones, &mut cursors, PAIRS[pair % links], relay);
            }
        }
    }
    for round in 0.. {
        assert!(round < 5, "three nodes come to rest");
        let mut told = false;
        for pair in &PAIRS[..links] {
            told |= tell_changes(&mut zones, &mut cursors, *pair, relay);
        }
        if !told {
            return zones;
        }
    }
    unreachable!()
}

proptest! {
    #[test]
    fn a_zone_equals_a_list_of_records(
        rules in some_rules(),
        events in prop::collection::vec(an_event(), 0..60),
        now in 0..30_u64,
    ) {
        let mut zone = Zone::new(rules);
        let mut dumb = Dumb { rules, records: Vec::new(), log: Vec::new(), newest: 0 };
        for event in events {
            step(&mut zone, &mut dumb, event);
            assert_same(&zone, &dumb, now);
        }
    }

    #[test]
    fn nodes_that_tell_each_other_everything_become_equal(
        tombstones in prop::option::of(1..30_u64),
        scenes in scenes(),
    ) {
        let mut zones = [(); 3].map(|()| Zone::new(roomy(tombstones)));
        for scene in scenes {
            match scene {
                Scene::At(node, Event::Change(record)) => {
                    change(&mut zones[node], record);
                }
                Scene::At(node, Event::Expire(now)) => {
                    zones[node].expire(now);
                }
                Scene::At(node, Event::Lose(count)) => zones[node].lose(count),
                Scene::At(..) => {}
                Scene::Tell(pair) => {
                    let (from, to) = PAIRS[pair];
                    tell_everything(&mut zones, from, to, 10);
                }
            }
        }
        zones.iter_mut().for_each(|zone| {
            zone.expire(10);
        });
        let round = |zones: &mut [Zone]| {
            let tell = |changed, (from, to)| changed | tell_everything(zones, from, to, 10);
            PAIRS.into_iter().fold(false, tell)
        };
        round(&mut zones);
        prop_assert!(!round(&mut zones), "one round is enough, and the next is quiet");
        assert_equal(&zones);
    }

    #[test]
    fn nodes_that_all_tell_each_other_their_own_changes_become_equal(scenes in scenes()) {
        assert_equal(&settle_by_logs(false, 6, &scenes));
    }

    #[test]
    fn nodes_in_a_row_that_relay_become_equal(scenes in scenes()) {
        assert_equal(&settle_by_logs(true, 4, &scenes));
    }

    #[test]
    fn the_order_of_merges_does_not_matter_nor_does_a_second_time(
        (records, shuffled) in prop::collection::vec(a_record(), 0..20)
            .prop_flat_map(|records| (Just(records.clone()), Just(records).prop_shuffle())),
        now in 0..30_u64,
    ) {
        let mut zones = [(); 2].map(|()| Zone::new(roomy(None)));
        for (zone, records) in zones.iter_mut().zip([&records, &shuffled]) {
            for record in records {
                zone.merge(*record, now);
            }
        }
        assert_equal(&zones);
        for record in &records {
            let again = zones[0].merge(*record, now);
            prop_assert!(matches!(again, Merged::Known | Merged::Older | Merged::Expired));
        }
        assert_equal(&zones);
    }

    #[test]
    fn ranges_are_a_sorted_list_cut_into_pieces(
        records in prop::collection::vec(a_record(), 0..20),
        after in prop::option::of(0..8_u32),
        per in 1..5_usize,
        now in 0..30_u64,
    ) {
        let zone = zone_of(&records);
        let after = after.map(Key);
        let lives = |record: &&Record| Some(record.key) > after && record.deadline() > now;
        let rest: Vec<Record> = zone.iter().filter(lives).copied().collect();
        let ranges: Vec<RangeSum> = zone.ranges(after, per, now).collect();
        prop_assert_eq!(ranges.len(), rest.chunks(per).len().max(1));
        let (last, all_but_last) = ranges.split_last().unwrap();
        prop_assert_eq!(last.upto, Key(u32::MAX));
        let mut start = after;
        for (range, piece) in all_but_last.iter().zip(rest.chunks(per)) {
            prop_assert_eq!(range.upto, piece[piece.len() - 1].key);
        }
        for (index, range) in ranges.iter().enumerate() {
            prop_assert!(Some(range.upto) > start, "ranges ascend");
            prop_assert_eq!(zone.range_sum(start, range.upto, now), range.sum);
            let piece = rest.chunks(per).nth(index).unwrap_or(&[]);
            prop_assert_eq!(zone_of(piece).range_sum(None, Key(u32::MAX), now), range.sum);
            start = Some(range.upto);
        }
    }

    #[test]
    fn every_record_is_in_one_of_the_ranges_however_the_keys_are_cut(
        records in prop::collection::vec(a_record(), 0..20),
        mut cuts in prop::collection::btree_set(0..8_u32, 0..5),
        now in 0..30_u64,
    ) {
        let zone = zone_of(&records);
        cuts.insert(u32::MAX);
        let mut after = None;
        let (mut sum, mut seen) = (0_u64, Vec::<&Record>::new());
        for upto in cuts.into_iter().map(Key) {
            sum = sum.wrapping_add(zone.range_sum(after, upto, now));
            seen.extend(zone.in_range(after, upto));
            after = Some(upto);
        }
        prop_assert!(zone.iter().eq(seen));
        prop_assert_eq!(sum, zone.range_sum(None, Key(u32::MAX), now));
    }

    #[test]
    fn a_record_that_changed_changes_the_sum_of_its_range_and_of_no_other(
        records in prop::collection::vec(a_record(), 1..20),
        changed in a_record(),
        per in 1..5_usize,
    ) {
        let mine = zone_of(&records);
        let mut theirs = mine.clone();
        let merged = theirs.merge(changed, 0);
        let differs = matches!(merged, Merged::Inserted | Merged::Replaced { .. });
        let mut after = None;
        for range in mine.ranges(None, per, 0) {
            let holds_it = Some(changed.key) > after && changed.key <= range.upto;
            let sum = theirs.range_sum(after, range.upto, 0);
            prop_assert_eq!(sum != range.sum, differs && holds_it);
            after = Some(range.upto);
        }
    }

    #[test]
    fn of_two_different_records_exactly_one_is_newer(
        a in a_record(),
        b in a_record(),
        c in a_record(),
    ) {
        let [a, b, c] = [a, b, c].map(|record| Record { key: Key(0), ..record });
        prop_assert_eq!(newer(&a, &b, true) ^ newer(&b, &a, true), a != b);
        prop_assert!(!newer(&a, &a, true), "no record is newer than itself");
        prop_assert!(!(newer(&a, &b, true) && newer(&b, &c, true)) || newer(&a, &c, true));
        prop_assert!(!newer(&a, &b, false) || newer(&a, &b, true), "a tie is all it breaks");
    }
}
