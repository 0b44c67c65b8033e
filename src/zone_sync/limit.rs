//! Request limiting: a leaky bucket for each key, which all nodes fill.
//!
//! The real system does not publish how it merges two nodes' buckets; by the rule that it documents for all modules the
//! newer one takes the place of the older, and then what the other node admitted is forgotten: a cluster admits as many
//! times the rate as it has nodes. Here each node counts what it admits in a record of its own, which nobody else
//! writes. Counts only grow, so nothing is lost by merging; and what the count of another grew by is poured into the
//! bucket here.
//!
//! With `rate`, `burst`, N nodes and news that are at most `lag` old, in any window of length `w` no more is admitted
//! than `rate * w + N * (burst + 1) + (N - 1) * rate * lag`: whoever admits the last call of the window has counted its
//! own calls at once and those of the others up to `lag` ago, and in that time each other one admitted no more than
//! `burst + 1 + rate * lag`.

use std::collections::BTreeMap;

use super::clock::{Clock, wall};
use super::module::Done;
use super::options::{Limit, Options};
use super::record::{Content, Record, Usage};
use super::request::Response;
use super::zone::Zone;
use crate::kv::Key;
use crate::{NodeId, Now, Span, Time};

/// One call, in the unit of levels: a bucket that leaks `rate` calls a second leaks `rate` of these in a nanosecond.
const CALL: u64 = 1_000_000_000;

/// How full the buckets are at one node. In memory only: it starts with empty ones.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Limiter {
    levels: BTreeMap<Key, Level>,
}

/// How full a bucket was.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Level {
    amount: u64,
    /// On the monotonic clock.
    at: Time,
}

impl Level {
    fn drained(self, rate: u32, now: Time) -> u64 {
        let leaked = u64::from(rate).saturating_mul(now.since(self.at).as_nanos());
        self.amount.saturating_sub(leaked)
    }
}

/// The key of the record in which a node counts the calls of a key. A mesh has less than 1,024 nodes.
pub fn share(key: Key, node: NodeId) -> Key {
    Key(key.0 << 10 | node.number())
}

/// The key that a share is of.
fn shared(key: Key) -> Key {
    Key(key.0 >> 10)
}

impl Limiter {
    /// A call of a key at this node.
    pub fn call(
        &mut self,
        zone: &mut Zone,
        clock: &mut Clock,
        me: NodeId,
        key: Key,
        options: &Limit,
        now: Now,
    ) -> Done {
        if !options.shares {
            return one_bucket(zone, clock, me, key, options, now);
        }
        let before = self.levels.get(&key);
        let level = before.map_or(0, |level| level.drained(options.rate, now.mono));
        let level = level.saturating_add(CALL);
        if level > (u64::from(options.burst) + 1) * CALL {
            return (Response::Refused(me), None);
        }
        self.set(key, level, now);
        let mine = share(key, me);
        let usage = Usage {
            total: total(zone.get(mine, wall(now))) + 1,
            excess: (level - CALL) / (CALL / 1000),
        };
        let life = Options::in_stamps(options.life);
        let written = zone.write(mine, Content::Usage(usage), clock.stamp(now), life);
        (Response::Admitted(me), Some(written))
    }

    /// Another node's count was heard of: what is new of it is poured in, as far as it is not so old that it has leaked
    /// out since.
    ///
    /// Where no count was known, or it was dead, all of this one may be new. If there is more of it than can be new, this
    /// node has forgotten what it knew, and takes the bucket to be as full as the other one saw it.
    pub fn learn(
        &mut self,
        before: Option<&Record>,
        record: &Record,
        options: &Limit,
        lag: Span,
        now: Now,
    ) {
        let Content::Usage(usage) = record.content else {
            return;
        };
        if !options.shares {
            return;
        }
        let key = shared(record.key);
        let level = self
            .levels
            .get(&key)
            .map_or(0, |level| level.drained(options.rate, now.mono));
        let most = u64::from(options.rate)
            .saturating_mul(lag.as_nanos())
            .saturating_add((u64::from(options.burst) + 1) * CALL);
        let before = before.filter(|before| wall(now) < before.deadline());
        // A count that shrank has begun anew.
        let fresh = usage.total.checked_sub(total(before));
        let poured = fresh.unwrap_or(usage.total).saturating_mul(CALL);
        let level = if before.is_none() && poured > most {
            level.max(
                usage
                    .excess
                    .saturating_mul(CALL / 1000)
                    .saturating_add(CALL),
            )
        } else {
            level.saturating_add(poured.min(most))
        };
        self.set(key, level, now);
    }

    fn set(&mut self, key: Key, amount: u64, now: Now) {
        let at = now.mono;
        self.levels.insert(key, Level { amount, at });
    }

    /// Forgets the buckets that are empty.
    pub fn forget_empty(&mut self, options: &Limit, now: Now) {
        self.levels
            .retain(|_, level| level.drained(options.rate, now.mono) > 0);
    }
}

fn total(record: Option<&Record>) -> u64 {
    match record.map(|record| record.content) {
        Some(Content::Usage(usage)) => usage.total,
        _ => 0,
    }
}

/// The bucket of a key as one record of all nodes, of which the newest wins.
fn one_bucket(
    zone: &mut Zone,
    clock: &mut Clock,
    me: NodeId,
    key: Key,
    options: &Limit,
    now: Now,
) -> Done {
    let before = zone.get(key, wall(now));
    let excess = match before.map(|record| (record.content, record.stamp.time)) {
        Some((Content::Usage(usage), since)) => {
            let leaked = u64::from(options.rate) * wall(now).saturating_sub(since) / 1000;
            usage.excess.saturating_add(1000).saturating_sub(leaked)
        }
        _ => 0,
    };
    if excess > u64::from(options.burst) * 1000 {
        return (Response::Refused(me), None);
    }
    let usage = Usage {
        total: total(before) + 1,
        excess,
    };
    let life = Options::in_stamps(options.life);
    let written = zone.write(key, Content::Usage(usage), clock.stamp(now), life);
    (Response::Admitted(me), Some(written))
}
