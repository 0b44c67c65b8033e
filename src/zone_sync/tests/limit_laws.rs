//! How much a mesh admits: never more than the tour of request limits says, in whatever order calls and news come.

use std::cmp::Reverse;

use proptest::prelude::*;

use super::super::clock::{Clock, wall};
use super::super::limit::{Limiter, share};
use super::super::options::Limit;
use super::*;
use crate::{Now, Span, Time};

const KEY: Key = Key(1);

/// A node that counts, and no more.
struct Counter {
    me: NodeId,
    limiter: Limiter,
    zone: Zone,
    clock: Clock,
}

impl Counter {
    fn new(number: u32) -> Counter {
        let rules = Rules {
            capacity: 100,
            tie_break: true,
            tombstones: None,
        };
        Counter {
            me: n(number),
            limiter: Limiter::default(),
            zone: Zone::new(rules),
            clock: Clock::new(n(number), true, 1_000),
        }
    }

    /// What there is to tell of a call, if it is admitted.
    fn call(&mut self, options: &Limit, now: Now) -> Option<Record> {
        let Counter {
            me,
            limiter,
            zone,
            clock,
        } = self;
        let (response, _) = limiter.call(zone, clock, *me, KEY, options, now);
        let mine = if options.shares { share(KEY, *me) } else { KEY };
        let admitted = response == Response::Admitted(*me);
        admitted.then(|| *self.zone.raw(mine).unwrap())
    }

    fn hear(&mut self, record: Record, options: &Limit, lag: Span, now: Now) {
        let before = self.zone.raw(record.key).copied();
        let merged = self.zone.merge(record, wall(now));
        if matches!(merged, Merged::Inserted | Merged::Replaced { .. }) {
            self.clock.hear(record.stamp);
            self.limiter
                .learn(before.as_ref(), &record, options, lag, now);
        }
    }
}

/// So many calls at once at a node, a while after those before; and after how much of the lag, in percent, the others
/// hear of them.
#[derive(Clone, Copy, Debug)]
struct Burst {
    pause: Span,
    node: usize,
    calls: u32,
    late: [u64; 4],
    /// Whether the node looks for what is dead before.
    sweeps: bool,
}

fn a_burst() -> impl Strategy<Value = Burst> {
    let pause = prop_oneof![
        3 => Just(Span::ZERO),
        3 => (0..400_u64).prop_map(Span::millis),
        2 => (0..6_000_u64).prop_map(Span::millis),
        1 => (0..1_000_000_000_u64).prop_map(Span::nanos),
    ];
    let late = prop_oneof![Just(0), Just(100), 0..=100_u64];
    let late = prop::array::uniform4(late);
    (pause, 0..4_usize, 1..=15_u32, late, any::<bool>()).prop_map(
        |(pause, node, calls, late, sweeps)| Burst {
            pause,
            node,
            calls,
            late,
            sweeps,
        },
    )
}

fn at_time(time: Time) -> Now {
    Now {
        wall: time,
        mono: time,
    }
}

/// When a mesh of so many nodes admitted its calls, if these come and news of each is so late.
fn admissions(nodes: usize, options: &Limit, lag: Span, bursts: &[Burst]) -> Vec<Time> {
    let mut mesh: Vec<Counter> = (1..=nodes as u32).map(Counter::new).collect();
    let mut news: Vec<(Time, usize, Record)> = Vec::new();
    let (mut admitted, mut time) = (Vec::new(), Time::from_nanos(1_000_000_000));
    for burst in bursts {
        time += burst.pause;
        // What is told together is told as it is then: of what a node admitted at once, only the last count.
        news.sort_by_key(|(when, _, record)| (*when, Reverse(record.stamp)));
        let due = news.partition_point(|(when, ..)| *when <= time);
        for (when, node, record) in news.drain(..due) {
            mesh[node].hear(record, options, lag, at_time(when));
        }
        let node = burst.node % nodes;
        if burst.sweeps {
            mesh[node].zone.expire(wall(at_time(time)));
        }
        for _ in 0..burst.calls {
            let Some(record) = mesh[node].call(options, at_time(time)) else {
                break;
            };
            admitted.push(time);
            for other in (0..nodes).filter(|other| *other != node) {
                let late = Span::nanos(lag.as_nanos() / 100 * burst.late[other]);
                news.push((time + late, other, record));
            }
        }
    }
    admitted
}

/// By how many calls a window went over what is promised, at the worst, if any did.
fn excess(nodes: usize, options: &Limit, lag: Span, admitted: &[Time]) -> Option<u64> {
    let (nodes, rate, burst) = (nodes as u64, u64::from(options.rate), options.burst);
    let drains = |span: Span| span.as_nanos() * rate;
    let slack = nodes * (u64::from(burst) + 1) * 1_000_000_000 + (nodes - 1) * drains(lag);
    let windows = admitted.iter().enumerate().flat_map(|(first, from)| {
        let last = admitted[first..].iter();
        (1..).zip(last).map(|(count, until)| {
            let bound = drains(until.since(*from)) + slack;
            (count * 1_000_000_000_u64).saturating_sub(bound)
        })
    });
    windows.max().filter(|over| *over > 0)
}

fn limit(rate: u32, burst: u32, lag: Span) -> Limit {
    Limit {
        rate,
        burst,
        // Longer than it takes until everybody has heard of a call and it has leaked out.
        life: lag + Span::secs(u64::from(burst / rate) + 2),
        ..Limit::default()
    }
}

proptest! {
    #[test]
    fn a_mesh_that_counts_in_shares_admits_no_more_than_is_promised(
        nodes in 1..=4_usize,
        (rate, burst) in (1..=20_u32, 0..=12_u32),
        lag in prop_oneof![Just(0), 0..3_000_u64],
        bursts in prop::collection::vec(a_burst(), 0..60),
    ) {
        let lag = Span::millis(lag);
        let options = limit(rate, burst, lag);
        let admitted = admissions(nodes, &options, lag, &bursts);
        prop_assert_eq!(excess(nodes, &options, lag, &admitted), None);
    }

    #[test]
    fn a_node_that_is_alone_admits_exactly_what_a_leaky_bucket_does(
        (rate, burst) in (1..=20_u32, 0..=12_u32),
        pauses in prop::collection::vec(prop_oneof![Just(0), 0..400_000_000_u64], 0..100),
    ) {
        let options = limit(rate, burst, Span::ZERO);
        let mut node = Counter::new(1);
        let (mut time, mut level) = (Time::from_nanos(1_000_000_000), 0_u64);
        for pause in pauses {
            time += Span::nanos(pause);
            level = level.saturating_sub(pause * u64::from(rate));
            let fits = level <= u64::from(burst) * 1_000_000_000;
            level += if fits { 1_000_000_000 } else { 0 };
            prop_assert_eq!(node.call(&options, at_time(time)).is_some(), fits);
        }
    }
}

/// Everybody calls at three nodes in turn for half a minute, far more often than is admitted.
fn a_rush() -> Vec<Burst> {
    let burst = |number: usize| Burst {
        pause: Span::millis(5),
        node: number % 3,
        calls: 1,
        late: [100; 4],
        sweeps: false,
    };
    (0..6_000).map(burst).collect()
}

#[test]
fn a_mesh_in_which_the_newest_bucket_wins_admits_more_than_is_promised() {
    let lag = Span::secs(1);
    for (shares, keeps_the_promise) in [(true, true), (false, false)] {
        let options = Limit {
            shares,
            ..limit(10, 20, lag)
        };
        let admitted = admissions(3, &options, lag, &a_rush());
        assert!(admitted.len() >= 300, "the rate is used up");
        let over = excess(3, &options, lag, &admitted);
        assert_eq!(over.is_none(), keeps_the_promise, "{over:?}");
    }
}

/// Two nodes that heard of each other's first calls when both had admitted as much as they may.
#[test]
fn what_is_first_heard_of_a_node_counts_beside_what_was_admitted_here() {
    let (lag, options) = (Span::millis(100), limit(10, 10, Span::millis(100)));
    let burst = |pause, node| Burst {
        pause,
        node,
        calls: 11,
        late: [100; 4],
        sweeps: false,
    };
    let bursts = [
        burst(Span::ZERO, 0),
        burst(Span::ZERO, 1),
        burst(Span::millis(1_100), 0),
        burst(Span::ZERO, 1),
    ];
    let admitted = admissions(2, &options, lag, &bursts);
    assert_eq!(admitted.len(), 22);
}
