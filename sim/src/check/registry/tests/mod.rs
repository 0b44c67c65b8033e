//! Histories that must be convicted and acquitted, on both sides of each bound.

mod laws;

use netsplit::kv::{Request, Response, Revision};
use netsplit::raft::Raft;
use netsplit::{Outcome, Promise, RegistryCall};

use super::super::story::{KEY, bereaved, evidence, ms, n, quiet, troubled, value};
use super::*;
use crate::check::{self, Views};
use crate::history::History;

const BOUNDS: Bounds = Bounds {
    lag: Span::millis(50),
    gone: Span::millis(200),
    recovery: Span::secs(1),
};

fn c(number: u32) -> NodeId {
    NodeId::client(number)
}

/// A moment at an instant: of a beginning, or of an end. What ends at an instant is concurrent with what begins then.
fn moment(at: Time, ends: bool) -> Moment {
    Moment {
        at,
        order: 2 * at.as_nanos() + u64::from(ends),
    }
}

/// One of a client's dealings.
enum Dealing {
    Change(Change),
    Look(Look),
}

/// A client publishes a value under k1, or withdraws, from when until when.
fn change(client: u32, (from, until): (u64, u64), name: Option<u64>) -> Dealing {
    Dealing::Change(Change {
        client: c(client),
        op: OpId(from as u32),
        key: KEY,
        value: name.map(value),
        invoked: moment(ms(from), false),
        acknowledged: Some(moment(ms(until), true)),
    })
}

fn publish(client: u32, at: (u64, u64), name: u64) -> Dealing {
    change(client, at, Some(name))
}

fn withdraw(client: u32, at: (u64, u64)) -> Dealing {
    change(client, at, None)
}

/// A client looks at k1 for a millisecond, and is shown these.
fn look(client: u32, at: Time, shown: &[(u32, u64)]) -> Dealing {
    let shown = shown.iter().map(|(who, name)| (c(*who), value(*name)));
    Dealing::Look(Look {
        client: c(client),
        op: OpId((at.as_nanos() / 1_000_000) as u32),
        key: KEY,
        shown: shown.collect(),
        invoked: moment(at, false),
        returned: moment(at + Span::millis(1), true),
    })
}

impl Dealing {
    fn at(mut self, other: Key) -> Dealing {
        match &mut self {
            Dealing::Change(change) => change.key = other,
            Dealing::Look(look) => look.key = other,
        }
        self
    }

    fn unanswered(mut self) -> Dealing {
        if let Dealing::Change(change) = &mut self {
            change.acknowledged = None;
        }
        self
    }

    fn until(mut self, at: Time) -> Dealing {
        if let Dealing::Look(look) = &mut self {
            look.returned = moment(at, true);
        }
        self
    }
}

fn dealings(all: impl IntoIterator<Item = Dealing>) -> Dealings {
    let mut dealings = Dealings::default();
    for dealing in all {
        match dealing {
            Dealing::Change(change) => dealings.changes.push(change),
            Dealing::Look(look) => dealings.looks.push(look),
        }
    }
    dealings
}

/// What the judge finds, if anything.
#[track_caller]
fn found(all: impl IntoIterator<Item = Dealing>, log: &FaultLog) -> Option<String> {
    evidence(judge(&dealings(all), log, BOUNDS))
}

#[track_caller]
fn acquits(all: impl IntoIterator<Item = Dealing>, log: &FaultLog) {
    assert_eq!(found(all, log), None);
}

#[track_caller]
fn convicts(all: impl IntoIterator<Item = Dealing>, log: &FaultLog, of: &str) {
    let evidence = found(all, log).unwrap_or_else(|| panic!("acquitted"));
    assert!(evidence.contains(of), "{evidence}");
    assert!(!evidence.contains('\n'), "of one rule: {evidence}");
}

/// An instant before, and the instant itself.
fn edge(at: Time) -> [Time; 2] {
    [Time::from_nanos(at.as_nanos() - 1), at]
}

/// A quiet run in which a client dies, and comes back.
fn mourning(client: u32, dies: u64, returns: u64) -> FaultLog {
    let mut log = quiet();
    log.lose_client(c(client), ms(dies));
    log.regain_client(c(client), ms(returns));
    log
}

#[test]
fn what_is_shown_was_published_by_that_client_under_that_key() {
    let published = || publish(1, (2_000, 2_010), 7);
    acquits([published(), look(2, ms(2_020), &[(1, 7)])], &quiet());
    for (shown, why) in [
        (
            &[(1, 8)][..],
            "c2 looked at k1 at 2.020000s (#2020) and was shown c1=v8, but nobody published that",
        ),
        (
            &[(3, 7)],
            "shown c3=v7, but c1 published k1=v7 at 2.000000s (#2000)",
        ),
        (&[(1, 7), (1, 7)], "shown c1=v7, but c1 twice"),
    ] {
        convicts([published(), look(2, ms(2_020), shown)], &quiet(), why);
    }
    let elsewhere = published().at(Key(2));
    convicts(
        [elsewhere, look(2, ms(2_020), &[(1, 7)])],
        &quiet(),
        "but c1 published k2=v7",
    );
    let light = Value { name: 7, bytes: 1 };
    let Dealing::Look(mut other) = look(2, ms(2_020), &[]) else {
        unreachable!()
    };
    other.shown = vec![(c(1), light)];
    convicts([published(), Dealing::Look(other)], &quiet(), "but nobody");
}

#[test]
fn nobody_is_shown_twice_with_an_older_value_either() {
    let changes = || [publish(1, (2_000, 2_010), 7), publish(1, (2_020, 2_030), 8)];
    let twice = look(2, ms(2_040), &[(1, 7), (1, 8)]);
    convicts(changes().into_iter().chain([twice]), &quiet(), "c1 twice");
    let two = [publish(1, (2_000, 2_010), 7), publish(3, (2_000, 2_010), 8)];
    let both = look(2, ms(2_100), &[(1, 7), (3, 8)]);
    acquits(two.into_iter().chain([both]), &quiet());
}

#[test]
fn what_begins_while_a_look_lasts_may_be_shown_and_later_it_may_not() {
    // A look that ends at 2001.
    let story = |begins| {
        [
            publish(1, (begins, begins + 10), 7),
            look(2, ms(2_000), &[(1, 7)]),
        ]
    };
    acquits(story(2_001), &quiet());
    convicts(
        story(2_002),
        &quiet(),
        "c1 published k1=v7 at 2.002000s (#2002), which was later",
    );
}

#[test]
fn what_was_begun_may_be_shown_however_it_ended() {
    let unknown = publish(1, (2_000, 2_010), 7).unanswered();
    acquits([unknown, look(2, ms(90_000), &[(1, 7)])], &quiet());
}

/// Two values of one client, and two looks of another that is shown the newer one first; the first ends when told.
fn back(first_ends: u64, second_begins: u64) -> [Dealing; 4] {
    [
        publish(1, (2_000, 2_010), 7),
        publish(1, (2_011, 2_500), 8),
        look(2, ms(2_020), &[(1, 8)]).until(ms(first_ends)),
        look(2, ms(second_begins), &[(1, 7)]),
    ]
}

#[test]
fn nobody_is_shown_what_is_older_than_what_it_was_shown_before() {
    acquits(back(2_030, 2_030), &quiet());
    convicts(
        back(2_030, 2_031),
        &quiet(),
        "c2 went back: c1 published k1=v7 at 2.000000s (#2000), and then c1 published k1=v8 at 2.011000s (#2011); \
         c2 looked at k1 at 2.020000s (#2020) and was shown this, and then c2 looked at k1 at 2.031000s (#2031) and was \
         shown that",
    );
    let [old, new, first, second] = back(2_030, 2_031);
    let nothing = look(2, ms(2_029), &[]);
    convicts([old, new, first, nothing, second], &quiet(), "c2 went back");
    // What it was shown in between makes it no better.
    let [old, new, first, second] = back(2_030, 2_031);
    let again = look(2, ms(2_040), &[(1, 7)]);
    let found = found([old, new, first, second, again], &quiet()).unwrap();
    assert!(found.contains("and 1 more like this"), "{found}");
}

#[test]
fn the_newest_that_was_shown_counts_and_not_the_first() {
    let story = [
        publish(1, (2_000, 2_010), 7),
        publish(1, (2_011, 2_500), 8),
        look(2, ms(2_020), &[(1, 7)]),
        look(2, ms(2_030), &[(1, 8)]),
        look(2, ms(2_040), &[(1, 7)]),
    ];
    convicts(story, &quiet(), "c2 looked at k1 at 2.030000s");
}

#[test]
fn what_is_newer_or_the_same_or_an_absence_is_no_way_back() {
    let changes = || [publish(1, (2_000, 2_010), 7), publish(1, (2_011, 2_500), 8)];
    for shown in [
        [&[(1, 7)][..], &[(1, 8)]],
        [&[(1, 8)], &[(1, 8)]],
        [&[(1, 8)], &[]],
        [&[], &[(1, 7)]],
    ] {
        let looks = [look(2, ms(2_020), shown[0]), look(2, ms(2_030), shown[1])];
        acquits(changes().into_iter().chain(looks), &quiet());
    }
}

#[test]
fn another_watcher_another_key_and_another_publisher_may_show_what_is_older() {
    let [old, new, first, _] = back(2_030, 2_031);
    acquits([old, new, first, look(3, ms(2_031), &[(1, 7)])], &quiet());
    let [old, new, first, second] = back(2_030, 2_031);
    let (old, second) = (old.at(Key(2)), second.at(Key(2)));
    acquits([old, new, first, second], &quiet());
    let [_, new, first, _] = back(2_030, 2_031);
    let other = publish(3, (2_000, 2_010), 7);
    let second = look(2, ms(2_031), &[(3, 7)]);
    acquits([other, new, first, second], &quiet());
}

#[test]
fn no_fault_excuses_who_goes_back_and_a_death_of_the_watcher_does() {
    let log = troubled(Reach::Node(n(1)), 1_000, 9_000);
    convicts(back(2_025, 2_040), &log, "c2 went back");
    for (dies, excused) in [
        (2_019, false),
        (2_020, true),
        (2_030, true),
        (2_041, true),
        (2_042, false),
    ] {
        let found = found(back(2_025, 2_040), &mourning(2, dies, dies));
        assert_eq!(found.is_none(), excused, "{dies}");
    }
    // A death of the publisher does not.
    convicts(back(2_025, 2_040), &mourning(1, 2_030, 2_030), "went back");
}

#[test]
fn who_crosses_a_partition_may_go_back() {
    // Shown the new value at 2500, and the old one at 2600.
    let story = || {
        [
            publish(1, (2_000, 2_010), 7),
            publish(1, (2_200, 2_210), 8),
            look(2, ms(2_500), &[(1, 8)]),
            look(2, ms(2_600), &[(1, 7)]),
        ]
    };
    for (from, until, excused) in [
        (500, 1_499, false),
        (500, 1_500, true),
        (2_601, 4_000, true),
        (2_602, 4_000, false),
    ] {
        let mut log = quiet();
        log.split(ms(from));
        log.mend(ms(until));
        let goes_back = found(story(), &log).is_some_and(|found| found.contains("went back"));
        assert_eq!(goes_back, !excused, "{from}..{until}");
    }
    // A link in another trouble excuses nothing.
    let slow = troubled(Reach::pair(n(1), n(2)), 500, 4_000);
    convicts(story(), &slow, "went back");
}

#[test]
fn a_new_life_of_a_publisher_is_another_publisher() {
    let story = |shown: &[(u32, u64)]| {
        [
            publish(1, (2_000, 2_010), 7),
            publish(1, (2_200, 2_210), 8),
            look(2, ms(2_220), &[(1, 8)]),
            look(2, ms(2_230), shown),
        ]
    };
    let log = mourning(1, 2_100, 2_150);
    acquits(story(&[(1, 7), (1, 8)]), &log);
    convicts(story(&[(1, 7)]), &quiet(), "c2 went back");
    convicts(story(&[(1, 8), (1, 8)]), &log, "c1 twice");
}

/// An old value and a new one, acknowledged at 2010, and a look that shows the old one.
fn stale(at: Time) -> [Dealing; 3] {
    [
        publish(1, (1_500, 1_510), 6),
        publish(1, (2_000, 2_010), 7),
        look(2, at, &[(1, 6)]),
    ]
}

#[test]
fn what_was_acknowledged_is_shown_after_the_bound() {
    let [before, due] = edge(ms(2_060));
    acquits(stale(before), &quiet());
    convicts(
        stale(due),
        &quiet(),
        "c1 published k1=v7 at 2.000000s (#2000), which was acknowledged, and 50ms after that c2 looked at k1 at \
         2.060000s (#2060) and was shown v6 of c1",
    );
    let nothing = |at| [publish(1, (2_000, 2_010), 7), look(2, at, &[])];
    acquits(nothing(before), &quiet());
    convicts(nothing(due), &quiet(), "and was shown nothing of c1");
    let right = [publish(1, (2_000, 2_010), 7), look(2, due, &[(1, 7)])];
    acquits(right, &quiet());
}

#[test]
fn what_is_acknowledged_while_a_look_begins_is_concurrent_with_it() {
    let lag = Span::ZERO;
    for (begins, judged) in [(ms(2_010), false), (ms(2_010) + Span::nanos(1), true)] {
        let dealings = dealings(stale(begins));
        let finding = judge(&dealings, &quiet(), Bounds { lag, ..BOUNDS });
        assert_eq!(evidence(finding).is_some(), judged, "{begins}");
    }
}

#[test]
fn what_was_withdrawn_is_shown_no_more_after_the_bound() {
    let [before, due] = edge(ms(2_060));
    let story = |at, shown: &[(u32, u64)]| {
        [
            publish(1, (1_500, 1_510), 6),
            withdraw(1, (2_000, 2_010)),
            look(2, at, shown),
        ]
    };
    acquits(story(before, &[(1, 6)]), &quiet());
    acquits(story(due, &[]), &quiet());
    convicts(
        story(due, &[(1, 6)]),
        &quiet(),
        "c1 withdrew from k1 at 2.000000s (#2000), which was acknowledged, and 50ms after",
    );
}

#[test]
fn a_publisher_looks_too_and_other_keys_are_other_affairs() {
    let own = [publish(1, (2_000, 2_010), 7), look(1, ms(2_060), &[])];
    convicts(own, &quiet(), "shown nothing of c1");
    let other = [
        publish(1, (2_000, 2_010), 7),
        look(2, ms(2_060), &[]).at(Key(2)),
    ];
    acquits(other, &quiet());
}

#[test]
fn only_what_was_acknowledged_and_is_the_newest_must_be_shown() {
    let unknown = publish(1, (2_000, 2_010), 7).unanswered();
    acquits([unknown, look(2, ms(3_000), &[])], &quiet());
    // Another change begins while the look lasts, which is until 3001, or behind it.
    for (begins, judged) in [(2_500, false), (3_001, false), (3_002, true)] {
        let [old, new, _] = stale(ms(3_000));
        let next = withdraw(1, (begins, begins + 1)).unanswered();
        let found = found([old, new, next, look(2, ms(3_000), &[(1, 6)])], &quiet());
        assert_eq!(found.is_some(), judged, "{begins}");
    }
    // Of another client, or under another key, it is no matter.
    let [old, new, stale_look] = stale(ms(3_000));
    let other = publish(3, (2_900, 2_999), 8);
    let elsewhere = withdraw(1, (2_900, 2_901)).at(Key(2));
    let all = [old, new, other, elsewhere, stale_look];
    convicts(all, &quiet(), "shown v6 of c1");
}

#[test]
fn a_fault_at_any_server_is_in_the_way_of_news_until_it_has_recovered() {
    // Due from 2950 on, looked at until 3001.
    let reaches = [
        Reach::All,
        Reach::Node(n(3)),
        Reach::pair(n(1), n(2)),
        Reach::Node(c(1)),
        Reach::Node(c(2)),
    ];
    for reach in reaches {
        for (from, until, excused) in [
            (500, 1_949, false),
            (500, 1_950, true),
            (2_500, 2_500, true),
            (3_001, 4_000, true),
            (3_002, 4_000, false),
        ] {
            let log = troubled(reach, from, until);
            let found = found(stale(ms(3_000)), &log);
            assert_eq!(found.is_none(), excused, "{reach} {from}..{until}");
        }
    }
    convicts(
        stale(ms(3_000)),
        &troubled(Reach::Node(c(3)), 500, 4_000),
        "shown v6",
    );
    convicts(stale(ms(3_000)), &mourning(3, 900, 2_500), "shown v6");
    acquits(stale(ms(3_000)), &bereaved(1, 900, 1_950));
}

#[test]
fn a_look_is_judged_up_to_the_instant_before_a_fault_and_to_the_end_of_the_run() {
    // A look that ends at 3001.
    let ends = ms(3_001);
    for (begins, judged) in [(ends, false), (ends + Span::nanos(1), true)] {
        let mut log = quiet();
        log.strike(Reach::All, begins);
        assert_eq!(found(stale(ms(3_000)), &log).is_some(), judged, "{begins}");
    }
    convicts(stale(ms(99_999)), &quiet(), "shown v6");
}

#[test]
fn the_beginning_counts_as_a_fault_for_news() {
    let story = |at| [publish(1, (500, 510), 7), look(2, ms(at), &[])];
    acquits(story(1_050), &quiet());
    convicts(story(1_051), &quiet(), "shown nothing of c1");
}

#[test]
fn who_died_wants_nothing_until_it_publishes_anew() {
    for (dies, excused) in [
        (1_999, false),
        (2_000, true),
        (2_500, true),
        (3_001, true),
        (3_002, false),
    ] {
        let mut log = quiet();
        log.lose_client(c(1), ms(dies));
        let story = [publish(1, (2_000, 2_010), 7), look(2, ms(3_000), &[])];
        assert_eq!(found(story, &log).is_none(), excused, "{dies}");
    }
}

#[test]
fn who_came_back_has_its_time_to_recover() {
    for client in 1..=2 {
        for (returns, excused) in [(1_949, false), (1_950, true)] {
            let log = mourning(client, 400, returns);
            let story = [publish(1, (2_000, 2_010), 7), look(2, ms(3_000), &[])];
            assert_eq!(found(story, &log).is_none(), excused, "c{client} {returns}");
        }
    }
    // A watcher that came back later knows nothing yet.
    let story = [publish(1, (2_000, 2_010), 7), look(2, ms(3_000), &[])];
    acquits(story, &mourning(2, 2_400, 2_900));
}

/// A value whose publisher dies at 3000, and a look that still shows it.
fn undead(at: Time) -> [Dealing; 2] {
    [publish(1, (2_000, 2_010), 7), look(2, at, &[(1, 7)])]
}

#[test]
fn the_dead_are_gone_after_the_bound() {
    let [before, due] = edge(ms(3_200));
    let log = mourning(1, 3_000, 3_100);
    acquits(undead(before), &log);
    convicts(
        undead(due),
        &log,
        "c1 published k1=v7 at 2.000000s (#2000) and died at 3.000000s, and 200ms after that c2 looked at k1 at \
         3.200000s (#3200) and was still shown it",
    );
    let [published, _] = undead(due);
    acquits([published, look(2, due, &[])], &log);
    let [published, seen] = undead(due);
    convicts([published.unanswered(), seen], &log, "still shown it");
    acquits(undead(due), &quiet());
}

#[test]
fn a_life_ends_with_the_first_death_after_what_was_published() {
    // Published at 2000.
    for (dies, gone) in [(1_999, false), (2_000, false), (2_001, true)] {
        let found = found(undead(ms(3_300)), &mourning(1, dies, dies));
        assert_eq!(found.is_some(), gone, "{dies}");
    }
    // What another life published is no excuse, and nothing to be gone.
    let log = mourning(1, 3_000, 3_050);
    let anew = || publish(1, (3_080, 3_090), 8).unanswered();
    let [published, seen] = undead(ms(3_200));
    convicts([published, anew(), seen], &log, "still shown it");
    let [published, _] = undead(ms(3_200));
    acquits([published, anew(), look(2, ms(3_200), &[(1, 8)])], &log);
}

#[test]
fn a_fault_other_than_the_death_is_in_the_way_of_its_news() {
    // Dead at 3000, to be gone from 3300 on, looked at until 3501.
    let reaches = [
        Reach::All,
        Reach::Node(n(3)),
        Reach::pair(n(1), n(2)),
        Reach::Node(c(1)),
        Reach::Node(c(2)),
    ];
    for reach in reaches {
        for (from, until, excused) in [
            (500, 2_299, false),
            (500, 2_300, true),
            (3_000, 3_000, true),
            (3_501, 4_000, true),
            (3_502, 4_000, false),
        ] {
            let mut log = mourning(1, 3_000, 3_100);
            log.begin(reach, ms(from));
            log.end(reach, ms(until));
            let found = found(undead(ms(3_500)), &log);
            assert_eq!(found.is_none(), excused, "{reach} {from}..{until}");
        }
    }
}

#[test]
fn what_came_back_before_the_death_is_in_the_way_and_after_it_the_watcher_is() {
    let late = || look(2, ms(3_500), &[(1, 7)]);
    let story = || [publish(1, (2_500, 2_510), 7), late()];
    for (returns, excused) in [(2_299, false), (2_300, true)] {
        for client in 1..=2 {
            let mut log = mourning(client, 500, returns);
            log.lose_client(c(1), ms(3_000));
            assert_eq!(
                found(story(), &log).is_none(),
                excused,
                "c{client} {returns}"
            );
        }
    }
    let dead = |client| {
        let mut log = mourning(1, 3_000, 3_100);
        log.lose_client(c(client), ms(3_150));
        log.regain_client(c(client), ms(3_300));
        log
    };
    acquits(story(), &dead(2));
    convicts(story(), &dead(1), "still shown it");
    convicts(story(), &dead(3), "still shown it");
}

#[test]
fn the_beginning_counts_as_a_fault_for_the_dead() {
    let story = |at| [publish(1, (100, 110), 7), look(2, ms(at), &[(1, 7)])];
    acquits(story(1_200), &mourning(1, 600, 700));
    convicts(story(1_201), &mourning(1, 600, 700), "still shown it");
}

#[test]
fn each_rule_has_its_line() {
    let story = [
        publish(1, (2_000, 2_010), 7),
        publish(1, (2_020, 2_030), 8),
        look(2, ms(2_040), &[(1, 8)]),
        look(2, ms(2_500), &[(1, 7), (4, 9)]),
    ];
    let found = found(story, &quiet()).unwrap();
    assert_eq!(found.lines().count(), 3, "{found}");
}

/// A put is taken for what is published, and a get that found something for a look that shows c1.
fn view(request: &Request, response: Option<&Response>) -> Option<RegistryCall> {
    let key = request.key();
    match (request, response) {
        (Request::Put(_, value), _) => Some(RegistryCall::Publishes { key, value: *value }),
        (Request::Delete(_), _) => Some(RegistryCall::Withdraws { key }),
        (Request::Get(_), Some(Response::Found(found, _))) => {
            let shown = found.iter().map(|value| (c(1), *value)).collect();
            let shown = Some(shown);
            Some(RegistryCall::Sees { key, shown })
        }
        (Request::Get(_), _) => Some(RegistryCall::Sees { key, shown: None }),
        (Request::Cas(..), _) => None,
    }
}

#[test]
fn a_history_is_put_into_the_terms_of_the_judge() {
    let mut history = History::<Raft>::default();
    let written = || Outcome::Ok(Response::Written(Revision(1)));
    let found = Outcome::Ok(Response::Found(Some(value(7)), Revision(1)));
    for (client, request, outcome) in [
        (1, Request::Put(KEY, value(7)), Some(written())),
        (1, Request::Put(KEY, value(8)), Some(Outcome::Failed)),
        (1, Request::Delete(KEY), Some(Outcome::Unknown)),
        (1, Request::Cas(KEY, None, value(9)), Some(written())),
        (2, Request::Get(KEY), Some(Outcome::Failed)),
        (2, Request::Get(KEY), Some(found)),
        (2, Request::Get(KEY), None),
    ] {
        let op = history.invoke(ms(5), c(client), request);
        if let Some(outcome) = outcome {
            history.end(ms(6), op, outcome);
        }
    }
    let Dealings { changes, looks } = history.dealings(view);
    let told: Vec<String> = changes.iter().map(Change::to_string).collect();
    assert_eq!(
        told,
        [
            "c1 published k1=v7 at 0.005000s (#0)",
            "c1 published k1=v8 at 0.005000s (#1)",
            "c1 withdrew from k1 at 0.005000s (#2)",
        ]
    );
    let acknowledged = changes.iter().map(|it| it.acknowledged.map(|at| at.at));
    assert_eq!(acknowledged.collect::<Vec<_>>(), [Some(ms(6)), None, None]);
    assert_eq!(looks.len(), 1);
    assert_eq!(looks[0].to_string(), "c2 looked at k1 at 0.005000s (#5)");
    assert_eq!(looks[0].shown, [(c(1), value(7))]);
    assert_eq!(looks[0].returned.at, ms(6));
}

#[test]
fn a_promise_is_judged_by_its_own_bounds() {
    let judged = |lag, gone, recovery, dies: bool| {
        let [lag, gone, recovery] = [lag, gone, recovery].map(Span::millis);
        let promise: Promise<Raft> = Promise::Registry {
            view,
            lag,
            gone,
            recovery,
        };
        assert_eq!(promise.name(), "registry");
        let mut history = History::<Raft>::default();
        assert!(!Views::of(&history).shows(&promise));
        let written = Outcome::Ok(Response::Written(Revision(1)));
        let put = history.invoke(ms(2_000), c(1), Request::Put(KEY, value(7)));
        history.end(ms(2_010), put, written);
        let get = history.invoke(ms(3_000), c(2), Request::Get(KEY));
        let found = dies.then(|| value(7));
        let found = Outcome::Ok(Response::Found(found, Revision(1)));
        history.end(ms(3_001), get, found);
        let mut views = Views::of(&history);
        assert!(views.shows(&promise));
        let mut log = quiet();
        if dies {
            log.lose_client(c(1), ms(2_010));
        }
        evidence(check::judge(&promise, &mut views, &log, false)).is_some()
    };
    assert!(judged(990, 9_000, 2_009, false) && !judged(991, 0, 2_009, false));
    assert!(!judged(990, 0, 2_010, false));
    assert!(judged(9_000, 990, 2_009, true) && !judged(0, 991, 2_009, true));
    assert!(!judged(0, 990, 2_010, true));
}

#[test]
fn long_histories_are_judged_fast() {
    // Three hundred publishers, each of which publishes anew a hundred times, and looks of all of them.
    let mut all = Vec::new();
    for turn in 0..100 {
        let begins = 2_000 + 500 * turn;
        let name = |client: u32| 1_000 * turn + u64::from(client);
        all.extend((1..=300).map(|client| publish(client, (begins, begins + 10), name(client))));
        let shown: Vec<(u32, u64)> = (1..=300).map(|client| (client, name(client))).collect();
        let at = |client: u32| ms(begins + 100) + Span::micros(u64::from(client));
        all.extend((1..=100).map(|client| look(client, at(client), &shown)));
    }
    let mut log = quiet();
    for step in 0..500 {
        log.strike(Reach::Node(c(1 + step % 300)), ms(100 * u64::from(step)));
    }
    acquits(all, &log);
}
