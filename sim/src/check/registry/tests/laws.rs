//! Random histories: the judge says what the rules say, pair by pair.

use proptest::prelude::*;

use super::super::super::log::Trouble;

use super::*;

/// Small, in milliseconds, as all instants here are.
const SMALL: Bounds = Bounds {
    lag: Span::millis(3),
    gone: Span::millis(4),
    recovery: Span::millis(5),
};

/// One dealing of a random history.
#[derive(Clone, Debug)]
struct Draft {
    client: u32,
    key: u32,
    /// 0: withdraws; 1 or 2: publishes; more: looks.
    kind: u8,
    begins: u64,
    takes: u64,
    is_answered: bool,
    /// The changes whose values are shown, by number.
    shown: Vec<usize>,
}

/// A trouble of one of several reaches.
type Blow = (usize, u64, u64);

/// When a client dies, and how long it is down.
type Death = (u32, u64, u64);

fn drafts() -> impl Strategy<Value = Vec<Draft>> {
    let who = (1..4u32, 1..3u32, 0..8u8);
    let when = (0..40u64, 0..6u64, prop::bool::weighted(0.8));
    let draft = (who, when, prop::collection::vec(0..8usize, 0..3));
    let draft = draft.prop_map(
        |((client, key, kind), (begins, takes, is_answered), shown)| Draft {
            client,
            key,
            kind,
            begins,
            takes,
            is_answered,
            shown,
        },
    );
    prop::collection::vec(draft, 1..24)
}

/// The history of some drafts. What is shown was published, mostly by whom and where it says.
fn history(drafts: &[Draft]) -> Dealings {
    let mut dealings = Dealings::default();
    let moment = |at: u64, ends: bool, number: usize| Moment {
        at: ms(at),
        order: (2 * at + u64::from(ends)) * 1_000 + number as u64,
    };
    for (number, draft) in drafts
        .iter()
        .enumerate()
        .filter(|(_, draft)| draft.kind < 3)
    {
        let ended = moment(draft.begins + draft.takes, true, number);
        dealings.changes.push(Change {
            client: c(draft.client),
            op: OpId(number as u32),
            key: Key(draft.key),
            value: (draft.kind > 0).then(|| value(number as u64)),
            invoked: moment(draft.begins, false, number),
            acknowledged: draft.is_answered.then_some(ended),
        });
    }
    for (number, draft) in drafts
        .iter()
        .enumerate()
        .filter(|(_, draft)| draft.kind > 2)
    {
        let published = |change: &Change| Some((change.client, change.value?));
        let of_key = dealings.changes.iter();
        let of_key = of_key.filter(|change| change.key == Key(draft.key) || draft.kind > 6);
        let all: Vec<(NodeId, Value)> = of_key.filter_map(published).collect();
        let shown = draft.shown.iter().filter_map(|place| all.get(*place));
        dealings.looks.push(Look {
            client: c(draft.client),
            op: OpId(number as u32),
            key: Key(draft.key),
            shown: shown.copied().collect(),
            invoked: moment(draft.begins, false, number),
            returned: moment(draft.begins + draft.takes, true, number),
        });
    }
    dealings
}

const REACHES: [Reach; 5] = [
    Reach::All,
    Reach::Node(NodeId::server(2)),
    Reach::Pair(NodeId::server(1), NodeId::server(3)),
    Reach::Node(NodeId::client(1)),
    Reach::Node(NodeId::client(2)),
];

fn log(blows: &[Blow], deaths: &[Death]) -> FaultLog {
    let mut log = quiet();
    let mut turns: Vec<(u64, bool, usize)> = Vec::new();
    for (reach, from, lasts) in blows {
        turns.extend([(*from, false, *reach), (from + lasts, true, *reach)]);
    }
    turns.sort_unstable();
    for (at, ends, reach) in turns {
        if ends {
            log.end(REACHES[reach], ms(at));
        } else {
            log.begin(REACHES[reach], ms(at));
        }
    }
    let mut after: BTreeMap<u32, u64> = BTreeMap::new();
    for (client, at, lasts) in deaths {
        let alive = after.entry(*client).or_default();
        log.lose_client(c(*client), ms(*alive + at));
        log.regain_client(c(*client), ms(*alive + at + lasts));
        *alive += at + lasts;
    }
    log
}

/// Whether anything was in the way of either of two clients, by every single trouble.
fn is_hindered(log: &FaultLog, since: Time, until: Time, (one, other): (NodeId, NodeId)) -> bool {
    let Some(from) = since
        .as_nanos()
        .checked_sub(SMALL.recovery.as_nanos())
        .filter(|from| *from > 0)
    else {
        return true;
    };
    let from = Time::from_nanos(from);
    let touches = |trouble: &Trouble| trouble.until >= from && trouble.from <= until;
    let is_troubled = |client| log.is_troubled(Reach::Node(client), from, until);
    log.troubles().iter().any(touches) || is_troubled(one) || is_troubled(other)
}

/// What a look shows that was published there, by that client.
fn genuine<'a>(dealings: &'a Dealings, look: &'a Look) -> Vec<&'a Change> {
    let is_shown = |change: &&Change| {
        let shown = |value| look.shown.contains(&(change.client, value));
        change.key == look.key && change.value.is_some_and(shown)
    };
    dealings.changes.iter().filter(is_shown).collect()
}

fn life_of(log: &FaultLog, change: &Change) -> usize {
    let before = log.deaths(change.client).iter();
    before.filter(|at| **at <= change.invoked.at).count()
}

fn is_genuine(dealings: &Dealings, log: &FaultLog, look: &Look) -> bool {
    let all = genuine(dealings, look);
    let who = |place: usize| {
        let (client, value) = look.shown[place];
        let change = all.iter().find(|change| change.value == Some(value));
        (client, change.map(|change| life_of(log, change)))
    };
    let twice = |one: &usize| (0..*one).any(|other| who(other) == who(*one));
    let is_known = |(_, value): &(NodeId, Value)| {
        let of_value = all.iter().find(|change| change.value == Some(*value));
        of_value.is_some_and(|change| change.invoked.order < look.returned.order)
    };
    look.shown.iter().all(is_known) && !(0..look.shown.len()).any(|one| twice(&one))
}

fn is_back(dealings: &Dealings, log: &FaultLog, look: &Look) -> bool {
    let life = |look: &Look| {
        log.life(look.client, look.invoked.at, look.returned.at)
            .map(|life| (look.client, life))
    };
    let binds = |before: &&Look| {
        before.key == look.key
            && life(look).is_some()
            && life(before) == life(look)
            && before.returned.order < look.invoked.order
    };
    let older = |newer: &Change| {
        let is_older = |change: &&Change| {
            change.client == newer.client
                && life_of(log, change) == life_of(log, newer)
                && change.invoked.order < newer.invoked.order
        };
        genuine(dealings, look).iter().any(is_older)
    };
    let mut before = dealings.looks.iter().filter(binds);
    before.any(|before| genuine(dealings, before).into_iter().any(older))
}

fn is_stale(dealings: &Dealings, log: &FaultLog, look: &Look) -> bool {
    (1..4).map(c).any(|publisher| {
        let begun = |change: &&Change| {
            change.client == publisher
                && change.key == look.key
                && change.invoked.order < look.returned.order
        };
        let begun = dealings.changes.iter().filter(begun);
        let Some(newest) = begun.max_by_key(|change| change.invoked.order) else {
            return false;
        };
        let Some(acknowledged) = newest.acknowledged else {
            return false;
        };
        let of_life = |(client, value): &&(NodeId, Value)| {
            let all = genuine(dealings, look);
            let change = all.into_iter().find(|change| change.value == Some(*value));
            *client == publisher
                && change.is_some_and(|change| life_of(log, change) == life_of(log, newest))
        };
        let shown = look.shown.iter().rfind(of_life);
        let until = look.returned.at;
        let since = Time::ZERO + (look.invoked.at.since(Time::ZERO) - SMALL.lag);
        let returned = |client| {
            let from = Time::ZERO + (since.since(Time::ZERO) - SMALL.recovery);
            log.returned(client, from, until)
        };
        acknowledged.at + SMALL.lag <= look.invoked.at
            && shown.map(|(_, value)| *value) != newest.value
            && !is_hindered(log, since, until, (publisher, look.client))
            && !returned(publisher)
            && !returned(look.client)
            && !log.died(publisher, newest.invoked.at, until)
    })
}

fn is_undead(dealings: &Dealings, log: &FaultLog, look: &Look) -> bool {
    genuine(dealings, look).into_iter().any(|change| {
        let mut deaths = log.deaths(change.client).iter();
        let Some(died) = deaths.find(|at| **at > change.invoked.at).copied() else {
            return false;
        };
        let until = look.returned.at;
        let since = Time::ZERO + (look.invoked.at.since(Time::ZERO) - SMALL.gone);
        let from = Time::ZERO + (since.since(Time::ZERO) - SMALL.recovery);
        look.invoked.at >= died + SMALL.gone
            && !is_hindered(log, since, until, (change.client, look.client))
            && !log.returned(look.client, from, until)
            && !log.returned(change.client, from, change.invoked.at)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn the_judge_says_what_the_rules_say(
        drafts in drafts(),
        blows in prop::collection::vec((0..REACHES.len(), 0..40u64, 0..10u64), 0..3),
        deaths in prop::collection::vec((1..4u32, 1..30u64, 0..6u64), 0..4),
    ) {
        let (dealings, log) = (history(&drafts), log(&blows, &deaths));
        let registry = Registry::of(&dealings, &log, SMALL);
        let some = |rule: &dyn Fn(&Look) -> bool| dealings.looks.iter().any(rule);
        prop_assert_eq!(
            !registry.what_is_not_genuine().is_empty(),
            some(&|look| !is_genuine(&dealings, &log, look))
        );
        prop_assert_eq!(!registry.who_goes_back().is_empty(), some(&|look| is_back(&dealings, &log, look)));
        prop_assert_eq!(!registry.what_is_not_fresh().is_empty(), some(&|look| is_stale(&dealings, &log, look)));
        prop_assert_eq!(!registry.who_is_not_gone().is_empty(), some(&|look| is_undead(&dealings, &log, look)));
    }
}
