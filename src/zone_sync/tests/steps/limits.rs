//! What a node admits of a key: its own calls, and what it hears that others admitted.

use super::super::super::limit::{Limiter, share};
use super::*;

const CALL: Request = Request::Call(Key(1));

/// How long a bucket of the usual rate takes to leak one call.
const ONE_LEAKS: Span = Span::millis(100);

fn shares(shares: bool) -> Options {
    let mut options = Options::default();
    options.limit.shares = shares;
    options
}

/// How many of fifty calls at once are admitted.
fn admits(node: &mut Solo<Node>) -> usize {
    let admitted = |_: &i32| {
        let deeds = node.asked(CALL).to_string();
        deeds.contains("admits") && !deeds.contains("refuses")
    };
    (0..50).filter(admitted).count()
}

/// `n2` has admitted so many in all, and was so many over the rate, at a time of its wall clock in microseconds.
fn count(total: u64, excess: u64, time: u64) -> Message {
    let key = share(Key(1), n(2)).0;
    live_of(Module::Limit, &[living(key, total, excess, time)])
}

fn living(key: u32, total: u64, calls: u64, time: u64) -> Record {
    Record {
        life: 60_000_000,
        ..usage(key, total, calls * 1_000, at(time, 2))
    }
}

/// `n1`, that heard of this from `n2`.
fn hearing(messages: &[Message]) -> Solo<Node> {
    let mut node = settled(2);
    for message in messages {
        node.arrives(from(2), message.clone())
            .shows("arm Reading(n2) within 5s");
    }
    node
}

#[test]
fn one_more_than_the_burst_is_admitted_at_once_and_the_next_is_refused() {
    let mut node = alone(1, Options::default());
    for _ in 0..21 {
        node.asked(CALL)
            .shows("send c1 past flush: answer 1: n1 admits it");
    }
    node.asked(CALL)
        .shows("send c1 past flush: answer 1: n1 refuses it");
    assert_eq!(
        node.holds(Module::Limit),
        ["k1025=used 21 (+20.000) 10000020@n1 +60000000"]
    );
}

#[test]
fn what_is_refused_is_not_counted() {
    let mut node = settled(2);
    assert_eq!(admits(&mut node), 21);
    node.fires(Timer::Interval).says("n1/1 limits: live, k1025");
    node.asked(CALL);
    node.fires(Timer::Interval).says("");
}

#[test]
fn each_key_has_a_bucket_of_its_own() {
    let mut node = alone(1, Options::default());
    assert_eq!(admits(&mut node), 21);
    node.asked(Request::Call(Key(2)))
        .shows("send c1 past flush: answer 1: n1 admits it");
}

#[test]
fn a_full_bucket_has_room_again_when_one_call_has_leaked_out() {
    for options in [shares(true), shares(false)] {
        let mut node = alone(1, options);
        assert_eq!(admits(&mut node), 21);
        // The one bucket of all counts in microseconds of the wall clock, from the last stamp.
        let offset = if node.process.config.options.limit.shares {
            Span::ZERO
        } else {
            Span::micros(20)
        };
        node.is_at(ONE_LEAKS + offset - Span::nanos(1));
        assert_eq!(admits(&mut node), 0);
        node.passes(Span::nanos(1));
        assert_eq!(admits(&mut node), 1);
    }
}

#[test]
fn a_bucket_that_has_leaked_out_is_forgotten() {
    let mut node = alone(1, Options::default());
    node.asked(CALL);
    node.is_at(ONE_LEAKS - Span::nanos(1))
        .fires(Timer::Interval);
    assert_ne!(node.process.limiter, Limiter::default());
    node.is_at(ONE_LEAKS).fires(Timer::Interval);
    assert_eq!(node.process.limiter, Limiter::default());
}

#[test]
fn what_another_admitted_is_poured_in_once() {
    let five = count(5, 4, 9_900_000);
    assert_eq!(admits(&mut hearing(std::slice::from_ref(&five))), 16);
    assert_eq!(admits(&mut hearing(&[five.clone(), five.clone()])), 16);
    let seven = count(7, 6, 9_900_001);
    assert_eq!(admits(&mut hearing(&[five.clone(), seven.clone()])), 14);
    let mut node = hearing(&[seven]);
    node.arrives(from(2), five).shows(
        "arm Reading(n2) within 5s
         note ignores older: k1026 from n2",
    );
    assert_eq!(admits(&mut node), 14);
}

#[test]
fn what_is_first_heard_of_a_node_counts_beside_the_calls_here() {
    let mut node = settled(2);
    for _ in 0..5 {
        node.asked(CALL);
    }
    node.arrives(from(2), count(5, 4, 9_900_000));
    assert_eq!(admits(&mut node), 11);
}

#[test]
fn a_count_that_shrank_has_begun_anew() {
    let mut node = hearing(&[count(15, 14, 9_900_000)]);
    assert_eq!(admits(&mut node.clone()), 6);
    node.arrives(from(2), count(2, 1, 9_900_001));
    assert_eq!(admits(&mut node), 4);
}

#[test]
fn a_count_that_was_dead_has_begun_anew() {
    let mut node = hearing(&[count(15, 14, 9_900_000)]);
    node.is_at(Span::micros(59_899_999));
    let anew = count(16, 15, 69_000_000);
    node.clone().arrives(from(2), anew.clone());
    let mut alive = node.clone();
    alive.arrives(from(2), anew.clone());
    assert_eq!(admits(&mut alive), 20);
    node.is_at(Span::micros(59_900_000)).arrives(from(2), anew);
    assert_eq!(admits(&mut node), 5);
}

/// What another can admit between two looks: a burst and one, and twenty while the news are two seconds late.
const MOST: u64 = 41;

#[test]
fn no_more_is_poured_in_than_another_can_have_admitted_of_late() {
    let full_for = Span::secs(2) + ONE_LEAKS * 2;
    let mut node = hearing(&[count(1, 0, 9_900_000), count(1_000_000, 20, 9_900_001)]);
    node.is_at(full_for - Span::nanos(1));
    assert_eq!(admits(&mut node), 0);
    node.is_at(full_for);
    assert_eq!(admits(&mut node), 1);
}

#[test]
fn of_a_count_that_cannot_be_new_only_how_full_the_bucket_was_seen_is_taken() {
    let mut all = hearing(&[count(MOST, 4, 9_900_000)]);
    all.is_at(Span::secs(2) + ONE_LEAKS);
    assert_eq!(admits(&mut all), 1);
    let mut seen = hearing(&[count(MOST + 1, 4, 9_900_000)]);
    assert_eq!(admits(&mut seen), 16);
    let mut full = settled(2);
    assert_eq!(admits(&mut full), 21);
    full.arrives(from(2), count(MOST + 1, 4, 9_900_000));
    full.is_at(ONE_LEAKS);
    assert_eq!(admits(&mut full), 1);
}

#[test]
fn a_count_that_no_node_can_have_fills_the_bucket_and_breaks_nothing() {
    let wild = |time| {
        live_of(
            Module::Limit,
            &[Record {
                content: Content::Usage(Usage {
                    total: u64::MAX,
                    excess: u64::MAX,
                }),
                ..living(share(Key(1), n(2)).0, 0, 0, time)
            }],
        )
    };
    let mut node = hearing(&[wild(9_900_000), count(1, 0, 9_900_001), wild(9_900_002)]);
    assert_eq!(admits(&mut node), 0);
    let mut node = settled_with(2, shares(false));
    let wild = Record {
        content: Content::Usage(Usage {
            total: 0,
            excess: u64::MAX,
        }),
        ..living(1, 0, 0, 9_900_000)
    };
    node.arrives(from(2), live_of(Module::Limit, &[wild]));
    assert_eq!(admits(&mut node), 0);
}

#[test]
fn a_node_that_lost_its_memory_hears_from_the_others_what_it_had_counted() {
    let mut node = settled(2);
    let own = Record {
        stamp: at(9_900_000, 1),
        ..living(share(Key(1), n(1)).0, 100, 9, 9_900_000)
    };
    node.arrives(from(2), live_of(Module::Limit, &[own]));
    assert_eq!(admits(&mut node), 11);
    assert_eq!(
        node.holds(Module::Limit),
        ["k1025=used 111 (+20.000) 10000010@n1 +60000000"]
    );
}

#[test]
fn without_shares_the_newest_bucket_wins_and_what_was_admitted_here_is_forgotten() {
    let mut node = settled_with(2, shares(false));
    assert_eq!(admits(&mut node), 21);
    assert_eq!(
        node.holds(Module::Limit),
        ["k1=used 21 (+20.000) 10000020@n1 +60000000"]
    );
    let older = living(1, 1, 0, 10_000_019);
    node.arrives(from(2), live_of(Module::Limit, &[older]));
    assert_eq!(admits(&mut node), 0);
    let newer = living(1, 1, 0, 10_000_021);
    node.arrives(from(2), live_of(Module::Limit, &[newer]));
    assert_eq!(admits(&mut node), 20);
}
