//! Links by themselves: order, noise, rules, wires and cuts.

use super::*;

fn arrivals(network: &mut Network, count: usize) -> Vec<Fate> {
    (0..count)
        .map(|n| network.send(Time::from_nanos(n as u64), 0, 1, 0, || 0))
        .collect()
}

fn network(noise: Noise) -> Network {
    let latency = SpanRange::new(Span::nanos(100), Span::nanos(200));
    let setup = NetworkSetup {
        latency: Law::Uniform(latency),
        client_latency: Law::Uniform(latency),
        noise,
        ..NetworkSetup::default()
    };
    Network::new(9, &setup, &[None; 2], 2, 1)
}

fn instant(fate: Fate) -> u64 {
    match fate {
        Fate::Arrives(at, _) => at.as_nanos(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn messages_keep_their_order_and_their_latency() {
    let mut network = network(Noise::default());
    let times: Vec<u64> = arrivals(&mut network, 500)
        .into_iter()
        .map(instant)
        .collect();
    assert!(times.is_sorted());
    assert!(
        times
            .iter()
            .zip(0..)
            .all(|(at, sent)| (100..=700).contains(&(at - sent)))
    );
}

#[test]
fn a_link_that_loses_everything_loses_everything_and_one_that_doubles_doubles() {
    let sure = Chance(1_000_000);
    let fates = arrivals(
        &mut network(Noise {
            loss: sure,
            ..Noise::default()
        }),
        50,
    );
    assert!(fates.iter().all(|fate| *fate == Fate::Lost));
    let fates = arrivals(
        &mut network(Noise {
            duplicate: sure,
            ..Noise::default()
        }),
        50,
    );
    assert!(
        fates
            .iter()
            .all(|fate| matches!(fate, Fate::Arrives(first, Some(second)) if second > first))
    );
}

#[test]
fn reordered_messages_are_overtaken() {
    let mut network = network(Noise {
        reorder: Chance(300_000),
        ..Noise::default()
    });
    let times: Vec<u64> = arrivals(&mut network, 500)
        .into_iter()
        .map(instant)
        .collect();
    assert!(!times.is_sorted());
    let longest = 200 * (HOLD_BACK + 1) + 500;
    assert!(
        times
            .iter()
            .zip(0..)
            .all(|(at, sent)| (100..=longest).contains(&(at - sent)))
    );
}

#[test]
fn turning_loss_on_changes_no_latency() {
    let quiet: Vec<Fate> = arrivals(
        &mut network(Noise {
            reorder: Chance(1_000_000),
            ..Noise::default()
        }),
        200,
    );
    let lossy = Noise {
        loss: Chance(500_000),
        reorder: Chance(1_000_000),
        ..Noise::default()
    };
    let lossy: Vec<Fate> = arrivals(&mut network(lossy), 200);
    let kept = quiet
        .iter()
        .zip(&lossy)
        .filter(|(_, fate)| **fate != Fate::Lost);
    assert!(kept.clone().count() > 50);
    assert!(kept.into_iter().all(|(one, other)| one == other));
}

fn quiet(setup: &NetworkSetup, kinds: usize) -> Network {
    Network::new(1, setup, &[None; 3], 3, kinds)
}

fn arrives(network: &mut Network, from: usize, to: usize, kind: usize) -> bool {
    let fate = network.send(Time::ZERO, from, to, kind, || 0);
    assert!(matches!(fate, Fate::Arrives(..) | Fate::Lost), "{fate:?}");
    fate != Fate::Lost
}

#[test]
fn a_rule_is_for_its_senders_its_receivers_and_its_kind_and_for_its_time() {
    let rule = |from: Option<usize>, to: Option<usize>, kind| Rule {
        from: from.map(|slot| vec![slot]),
        to: to.map(|slot| vec![slot]),
        kind,
        act: Act::Drop,
    };
    // On which of (0 -> 1, 1 -> 0, 0 -> 2) x (kind 0, kind 1) it is in force.
    let cases = [
        (rule(None, None, None), [true; 6]),
        (
            rule(None, None, Some(1)),
            [false, true, false, true, false, true],
        ),
        (
            rule(Some(0), None, None),
            [true, true, false, false, true, true],
        ),
        (
            rule(None, Some(1), None),
            [true, true, false, false, false, false],
        ),
        (
            rule(Some(0), Some(2), Some(0)),
            [false, false, false, false, true, false],
        ),
    ];
    for (rule, expected) in cases {
        let mut network = quiet(&NetworkSetup::default(), 2);
        let lost = |network: &mut Network| {
            [
                (0, 1, 0),
                (0, 1, 1),
                (1, 0, 0),
                (1, 0, 1),
                (0, 2, 0),
                (0, 2, 1),
            ]
            .map(|(from, to, kind)| !arrives(network, from, to, kind))
        };
        network.begin((7, 0), rule.clone());
        assert_eq!(lost(&mut network), expected, "{rule:?}");
        network.end((7, 0), Time::ZERO);
        assert_eq!(lost(&mut network), [false; 6]);
    }
}

#[test]
fn between_hosts_that_are_spared_no_fault_counts() {
    let mut network = quiet(&NetworkSetup::default(), 1);
    let act = Act::Drop;
    network.begin(
        (0, 0),
        Rule {
            from: None,
            to: None,
            kind: None,
            act,
        },
    );
    network.cut(0, 1);
    network.cut(0, 2);
    network.spare(vec![true, true, false], Time::ZERO);
    assert!(arrives(&mut network, 0, 1, 0));
    assert!(!arrives(&mut network, 1, 2, 0));
    assert!(network.is_cut(0, 2));
}

#[test]
fn a_slow_link_takes_its_factor_and_the_slowest_counts() {
    let mut network = network(Noise::default());
    let slow = |factor| Rule {
        from: None,
        to: None,
        kind: None,
        act: Act::Slow(factor),
    };
    network.begin((0, 0), slow(10));
    network.begin((0, 1), slow(3));
    let times: Vec<u64> = arrivals(&mut network, 200)
        .into_iter()
        .map(instant)
        .collect();
    assert!(
        times
            .iter()
            .zip(0..)
            .all(|(at, sent)| *at >= 1000 + sent && *at <= 2000 + 199)
    );
}

#[test]
fn what_a_slow_link_still_carries_is_overtaken_when_it_is_over() {
    let mut network = network(Noise::default());
    let rule = Rule {
        from: None,
        to: None,
        kind: None,
        act: Act::Slow(1000),
    };
    network.begin((0, 0), rule);
    let late = instant(network.send(Time::ZERO, 0, 1, 0, || 0));
    network.end((0, 0), Time::from_nanos(10));
    let next = instant(network.send(Time::from_nanos(10), 0, 1, 0, || 0));
    assert!(
        late >= 100_000 && (110..=210).contains(&next),
        "{late} {next}"
    );
}

#[test]
fn what_is_damaged_arrives_as_damaged() {
    let noise = Noise {
        corrupt: Chance(1_000_000),
        ..Noise::default()
    };
    let fates = arrivals(&mut network(noise), 20);
    assert!(
        fates
            .iter()
            .all(|fate| matches!(fate, Fate::Garbled(at) if at.as_nanos() >= 100))
    );
}

#[test]
fn zones_have_laws_between_them_either_way_and_others_have_their_own() {
    let exactly = |nanos| Law::Uniform(SpanRange::exactly(Span::nanos(nanos)));
    let setup = NetworkSetup {
        latency: exactly(1),
        client_latency: exactly(2),
        between: vec![(0, 1, exactly(50)), (1, 1, exactly(5))],
        ..NetworkSetup::default()
    };
    // Servers in zones 0, 1, 1 and in none; a client in zone 0 and one in none.
    let zones = [Some(0), Some(1), Some(1), None, Some(0), None];
    let mut network = Network::new(1, &setup, &zones, 4, 1);
    let mut takes = |from, to| instant(network.send(Time::ZERO, from, to, 0, || 0));
    assert_eq!([takes(0, 1), takes(1, 0), takes(2, 0)], [50; 3]);
    assert_eq!([takes(1, 2), takes(2, 1)], [5; 2]);
    assert_eq!([takes(0, 3), takes(3, 1)], [1; 2]);
    assert_eq!([takes(4, 1), takes(1, 4)], [50; 2]);
    assert_eq!([takes(4, 0), takes(0, 5)], [2; 2]);
}

/// 8 bits in 1 ns: one byte a nanosecond. Latency 0.
fn wired(queue: u64) -> Network {
    let setup = NetworkSetup {
        latency: Law::Uniform(SpanRange::exactly(Span::ZERO)),
        wire: Some(Wire {
            bandwidth: 8_000_000_000,
            queue,
        }),
        ..NetworkSetup::default()
    };
    quiet(&setup, 1)
}

#[test]
fn messages_go_through_a_wire_one_behind_the_other() {
    let mut network = wired(u64::MAX);
    let mut send = |at, to| instant(network.send(Time::from_nanos(at), 0, to, 0, || 22));
    assert_eq!([send(0, 1), send(0, 1), send(150, 1)], [100, 200, 300]);
    assert_eq!(send(0, 2), 100, "another link has a wire of its own");
    assert_eq!(send(1000, 1), 1100, "a wire that is idle is free at once");
}

#[test]
fn what_finds_no_room_to_wait_is_dropped_and_what_just_fits_is_not() {
    // One is on the wire when the next two come: 100 bytes each, and the one on the wire counts for what is left.
    let mut exact = wired(200);
    let mut tight = wired(199);
    let send = |network: &mut Network| network.send(Time::ZERO, 0, 1, 0, || 22);
    assert!(matches!(send(&mut exact), Fate::Arrives(..)));
    assert!(matches!(send(&mut exact), Fate::Arrives(..)));
    assert_eq!(send(&mut exact), Fate::Overflow);
    assert!(matches!(send(&mut tight), Fate::Arrives(..)));
    assert_eq!(send(&mut tight), Fate::Overflow);
    let later = tight.send(Time::from_nanos(1), 0, 1, 0, || 22);
    assert!(
        matches!(later, Fate::Arrives(..)),
        "one byte has left: {later:?}"
    );
}

#[test]
fn a_cut_is_one_way_and_two_cuts_need_two_heals() {
    let mut network = network(Noise::default());
    network.cut(0, 1);
    network.cut(0, 1);
    assert_eq!(network.send(Time::ZERO, 0, 1, 0, || 0), Fate::Cut);
    assert!(matches!(
        network.send(Time::ZERO, 1, 0, 0, || 0),
        Fate::Arrives(..)
    ));
    network.heal(0, 1);
    assert!(network.is_cut(0, 1));
    network.heal(0, 1);
    assert!(!network.is_cut(0, 1));
}
