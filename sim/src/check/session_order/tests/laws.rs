//! Random histories: a correct store is never convicted, and the judge says what the rules say, pair by pair.

use netsplit::{OpId, Time};
use proptest::prelude::*;

use super::*;

/// One operation of a random history. Operations take effect in the order of the list, and are invoked and answered
/// around that.
#[derive(Clone, Debug)]
struct Draft {
    client: u32,
    key: u32,
    kind: u8,
    /// How many writes a sibling is behind.
    behind: usize,
    early: u64,
    late: u64,
    /// 0: takes effect and is not answered; 1: does neither; more: both.
    fate: u8,
    /// Whether the client dies before it asks.
    dies: bool,
}

/// A wrong answer.
#[derive(Clone, Debug)]
struct Corruption {
    index: usize,
    what: u8,
    by: u64,
}

/// A history, those of its calls that are linearizable, and who died.
#[derive(Debug)]
struct Story {
    calls: Vec<Call>,
    is_strong: Vec<bool>,
    deaths: Vec<(NodeId, u64)>,
}

fn drafts() -> impl Strategy<Value = Vec<Draft>> {
    let who = (1..4u32, 1..3u32, 0..9u8, 0..4usize);
    let when = (0..50u64, 0..50u64, 0..8u8, 0..8u8);
    let draft = (who, when).prop_map(|((client, key, kind, behind), (early, late, fate, dies))| {
        let dies = dies == 0;
        Draft {
            client,
            key,
            kind,
            behind,
            early,
            late,
            fate,
            dies,
        }
    });
    prop::collection::vec(draft, 1..30)
}

fn corruptions() -> impl Strategy<Value = Vec<Corruption>> {
    let corruption = (0..1_000usize, 0..4u8, 1..4u64);
    let corruption = corruption.prop_map(|(index, what, by)| Corruption { index, what, by });
    prop::collection::vec(corruption, 0..4)
}

/// A main node with its log of writes, and clients that carry as a token how much of it they know.
#[derive(Default)]
struct Store {
    log: Vec<(Key, Option<Value>)>,
    tokens: BTreeMap<NodeId, usize>,
}

impl Store {
    /// What a key holds where so much of the log is known.
    fn found(&self, key: Key, known: usize) -> (Option<Value>, Revision) {
        let of_key = |(_, (other, _)): &(usize, &(Key, _))| *other == key;
        let last = self.log[..known].iter().enumerate().rfind(of_key);
        last.map_or((None, Revision(0)), |(index, (_, value))| {
            (*value, Revision(index as u64 + 1))
        })
    }

    /// The answer of the main node, or of a sibling that is so far behind; and how much of the log it knew.
    fn answer(
        &mut self,
        request: Request,
        token: usize,
        behind: Option<usize>,
    ) -> (Response, usize) {
        let head = self.log.len();
        let known = behind.map_or(head, |behind| head.saturating_sub(behind).max(token));
        let (value, revision) = self.found(request.key(), known);
        let sets = match request {
            Request::Get(_) => None,
            Request::Put(_, new) => Some(Some(new)),
            Request::Delete(_) => Some(None),
            Request::Cas(_, expected, new) => (value == expected).then_some(Some(new)),
        };
        let Some(new) = sets else {
            return (Response::Found(value, revision), known);
        };
        self.log.push((request.key(), new));
        (Response::Written(Revision(head as u64 + 1)), head + 1)
    }
}

/// What clients see of a correct store.
fn run(drafts: &[Draft]) -> Story {
    let mut store = Store::default();
    let mut story = Story {
        calls: Vec::new(),
        is_strong: Vec::new(),
        deaths: Vec::new(),
    };
    let mut free: BTreeMap<NodeId, u64> = BTreeMap::new();
    for (index, draft) in drafts.iter().enumerate() {
        let (client, key) = (NodeId::client(draft.client), Key(draft.key));
        let point = 100 + 16 * index as u64;
        let free = free.entry(client).or_default();
        if *free + 2 > point {
            continue;
        }
        if draft.dies {
            story.deaths.push((client, *free + 1));
            store.tokens.remove(&client);
        }
        let from = (point - draft.early).max(*free + 2);
        let name = Value {
            name: index as u64,
            bytes: 8,
        };
        let there = store.found(key, store.log.len()).0;
        let (request, behind) = match draft.kind {
            0..=2 => (Request::Get(key), Some(draft.behind)),
            3 => (Request::Get(key), None),
            4 | 5 => (Request::Put(key, name), None),
            6 => (Request::Delete(key), None),
            7 => (Request::Cas(key, there, name), None),
            _ => (Request::Cas(key, None, name), None),
        };
        let token = store.tokens.get(&client).copied().unwrap_or(0);
        let answer = (draft.fate != 1).then(|| store.answer(request, token, behind));
        let answer = answer.filter(|_| draft.fate > 1);
        let until = answer.map(|_| point + draft.late);
        // Who gives up may do so at once, and what it asked for is done after that.
        *free = until.unwrap_or(from);
        if let Some((_, known)) = answer {
            store.tokens.insert(client, known.max(token));
        }
        story.is_strong.push(behind.is_none());
        story.calls.push(Call {
            client,
            op: OpId(index as u32),
            exchange: Exchange::new(request, answer.map(|(response, _)| response)),
            invoked: 2 * from,
            returned: until.map_or(u64::MAX, |until| 2 * until + 1),
            invoked_at: Time::from_nanos(from),
            returned_at: until.map(Time::from_nanos),
        });
    }
    story
}

fn corrupt(calls: &mut [Call], wrong: &Corruption) {
    let index = wrong.index % calls.len();
    let other = calls[(index + wrong.by as usize) % calls.len()].response;
    let response = &mut calls[index].exchange.response;
    match (wrong.what, response) {
        (0, Some(Response::Found(value, _))) => {
            *value = match value {
                Some(_) => None,
                None => Some(Value {
                    name: wrong.by,
                    bytes: 8,
                }),
            }
        }
        (1, Some(Response::Found(_, revision) | Response::Written(revision))) => {
            revision.0 = revision.0.saturating_sub(wrong.by);
        }
        (2, Some(Response::Found(_, revision) | Response::Written(revision))) => {
            revision.0 += wrong.by;
        }
        (_, response) if response.is_some() && other.is_some() => *response = other,
        _ => {}
    }
}

impl Story {
    fn strong(&self) -> Vec<Call> {
        let calls = self.calls.iter().zip(&self.is_strong);
        let strong = calls.filter(|(_, is_strong)| **is_strong);
        strong.map(|(call, _)| *call).collect()
    }

    fn log(&self) -> FaultLog {
        let mut log = FaultLog::new(Vec::new());
        for (client, at) in &self.deaths {
            log.lose_client(*client, Time::from_nanos(*at));
        }
        log
    }

    /// Which of the rules are broken, by their words: every pair is looked at.
    fn broken(&self) -> [bool; 3] {
        let mut broken = [false; 3];
        for one in &self.calls {
            for (other, is_strong) in self.calls.iter().zip(&self.is_strong) {
                let (Some((before, was)), Some((after, is))) = (names(one), names(other)) else {
                    continue;
                };
                if one.request.key() != other.request.key() {
                    continue;
                }
                let goes_back =
                    after < before || after == before && other.response == written(after);
                let goes_back = goes_back && one.returned < other.invoked;
                broken[0] |= goes_back && self.is_one_session(one, other);
                broken[1] |= before == after && was != is;
                broken[2] |= goes_back && *is_strong;
            }
        }
        broken
    }

    fn is_one_session(&self, one: &Call, other: &Call) -> bool {
        let (from, until) = (one.invoked_at, other.returned_at.unwrap_or(Time::NEVER));
        let span = from.as_nanos()..=until.as_nanos();
        let mut deaths = self.deaths.iter();
        let ends = |(client, at): &(NodeId, u64)| *client == one.client && span.contains(at);
        one.client == other.client && !deaths.any(ends)
    }
}

fn written(revision: Revision) -> Option<Response> {
    Some(Response::Written(revision))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, ..ProptestConfig::default() })]

    #[test]
    fn the_judge_says_what_the_rules_say_and_never_convicts_a_correct_store(
        drafts in drafts(), wrong in corruptions()
    ) {
        let mut story = run(&drafts);
        for corruption in &wrong {
            corrupt(&mut story.calls, corruption);
        }
        let broken = story.broken();
        if wrong.is_empty() {
            prop_assert_eq!(broken, [false; 3]);
        }
        let found = breaches(&story.calls, &story.strong(), &story.log());
        prop_assert_eq!(found.map(|breaches| !breaches.is_empty()), broken);
    }

    #[test]
    fn the_order_of_the_calls_does_not_matter(
        drafts in drafts(), wrong in corruptions(), turn in 0..30usize
    ) {
        let mut story = run(&drafts);
        for corruption in &wrong {
            corrupt(&mut story.calls, corruption);
        }
        let strong = story.strong();
        let found = |calls: &[Call], strong: &[Call]| {
            breaches(calls, strong, &story.log()).map(|breaches| breaches.is_empty())
        };
        let (mut turned, mut turned_strong) = (story.calls.clone(), strong.clone());
        turned.rotate_left(turn % story.calls.len());
        turned_strong.reverse();
        prop_assert_eq!(found(&turned, &turned_strong), found(&story.calls, &strong));
    }
}
