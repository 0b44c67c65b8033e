//! The resources of a group: what its updates are executed on.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use super::log::{Command, Entry, Seq, UpdateId};
use super::request::{Request, Response};
use crate::kv::{self, Key, Revision, Value};
use crate::process::Size;
use crate::{Life, NodeId, Time};

/// One resource, with all that is remembered of it: it can be copied alone.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Resource {
    /// What it holds.
    pub value: Option<Value>,
    /// The update that last changed its value.
    pub changed: Seq,
    /// The last update that was executed on it, whether that changed anything or not.
    pub executed: Seq,
    /// How often it was touched.
    pub touches: u64,
    /// When it was last touched, by the wall clock of the main that logged it.
    pub touched: Time,
    /// The last update of each user, with its answer, by user: an update is executed once, whoever is the main.
    done: Vec<Done>,
}

/// An update that was executed.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Done {
    client: NodeId,
    life: Life,
    number: u64,
    response: Response,
}

/// Some resources with their keys, in order: what is copied at once, shared by the messages and records that carry it.
pub type Copies = Arc<[(Key, Resource)]>;

/// The resources of a group as of some place of its log.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Machine {
    resources: BTreeMap<Key, Held>,
    /// The sum of all resources' sums: equal machines have equal hashes, and others almost certainly not.
    hash: u64,
    /// The first update that was executed on a resource out of order: the resource, what had been executed on it, and
    /// what was then. Nobody's business but an invariant's.
    pub disorder: Option<(Key, Seq, Seq)>,
}

/// A resource with its share in the machine's hash.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
struct Held {
    resource: Resource,
    /// [`Resource::sum`] as of the last change: an update would have to reckon twice without it. Nothing is new.
    sum: u64,
}

/// Odd numbers without a pattern: what is multiplied with different ones and added up comes to the same by chance only.
const ODD: [u64; 7] = [
    0x9e37_79b9_7f4a_7c15,
    0xbf58_476d_1ce4_e5b9,
    0x94d0_49bb_1331_11eb,
    0xd6e8_feb8_6659_fd93,
    0xa076_1d64_78bd_642f,
    0xe703_7ed1_a0b4_28db,
    0x8ebc_6af0_9c88_c6e3,
];

/// A number, thoroughly stirred (the finalizer of SplitMix64).
fn stir(mut word: u64) -> u64 {
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

impl Resource {
    /// One that was never touched, and holds that.
    pub(super) fn holding(value: Value) -> Resource {
        Resource {
            value: Some(value),
            ..Resource::default()
        }
    }

    /// The last answer to that user's updates of this resource, if it is of this one; none in place of an answer if a
    /// later one has overtaken it.
    pub fn answered(&self, id: UpdateId) -> Option<Option<Response>> {
        let place = self.place(id.client).ok()?;
        let done = &self.done[place];
        let (last, this) = ((done.life, done.number), (id.life, id.number));
        (last >= this).then(|| (last == this).then_some(done.response))
    }

    fn place(&self, client: NodeId) -> Result<usize, usize> {
        self.done.binary_search_by_key(&client, |done| done.client)
    }

    fn remember(&mut self, id: UpdateId, response: Response) {
        let done = Done {
            client: id.client,
            life: id.life,
            number: id.number,
            response,
        };
        match self.place(id.client) {
            Ok(place) => self.done[place] = done,
            Err(place) => self.done.insert(place, done),
        }
    }

    /// What it holds, for a reader.
    pub fn found(&self) -> Response {
        Response::found(self.value, self.changed)
    }

    fn execute(&mut self, request: Request, at: Time, seq: Seq) -> Response {
        let value = match request {
            Request::Store(kv::Request::Put(_, value)) => Some(value),
            Request::Store(kv::Request::Delete(_)) => None,
            Request::Store(kv::Request::Cas(_, expected, value)) if self.value == expected => {
                Some(value)
            }
            Request::Touch(_) => {
                self.touches += 1;
                self.touched = at;
                return Response::Touched(self.touches, seq);
            }
            _ => return self.found(),
        };
        (self.value, self.changed) = (value, seq);
        Response::Store(kv::Response::Written(Revision(seq.0)))
    }

    /// What tells two resources apart that were made by different updates.
    fn sum(&self, key: Key) -> u64 {
        let (name, bytes) = self.value.map_or((0, 0), |value| (value.name, value.bytes));
        let words = [
            u64::from(key.0),
            name,
            u64::from(bytes),
            self.changed.0,
            self.executed.0,
            self.touches,
            self.touched.as_nanos(),
        ];
        let products = words.iter().zip(ODD);
        stir(products.fold(0, |sum, (word, odd)| {
            sum.wrapping_add(word.wrapping_mul(odd))
        }))
    }
}

impl Machine {
    /// A machine with these resources.
    pub fn of(copies: &[(Key, Resource)]) -> Machine {
        let mut machine = Machine::default();
        machine.take(copies);
        machine
    }

    /// Takes resources as they were copied.
    pub fn take(&mut self, copies: &[(Key, Resource)]) {
        for (key, resource) in copies {
            let held = Held {
                resource: resource.clone(),
                sum: resource.sum(*key),
            };
            self.hash = self.hash.wrapping_add(held.sum);
            if let Some(before) = self.resources.insert(*key, held) {
                self.hash = self.hash.wrapping_sub(before.sum);
            }
        }
    }

    /// Executes an entry, and says to whom what is answered. An update that was executed before is answered as it was
    /// then, unless nobody `remembers`; one that a later update of its user has overtaken is not answered at all.
    pub fn execute(
        &mut self,
        seq: Seq,
        entry: &Entry,
        remembers: bool,
    ) -> Option<(UpdateId, Response)> {
        let Command::Update { id, request, at } = entry.command else {
            return None;
        };
        let key = request.key();
        let Held { resource, sum } = self.resources.entry(key).or_default();
        if resource.executed >= seq && self.disorder.is_none() {
            self.disorder = Some((key, resource.executed, seq));
        }
        resource.executed = seq;
        let answered = if remembers {
            resource.answered(id)
        } else {
            None
        };
        let response = match answered {
            Some(response) => response,
            None => {
                let response = resource.execute(request, at, seq);
                if remembers {
                    resource.remember(id, response);
                }
                Some(response)
            }
        };
        let before = std::mem::replace(sum, resource.sum(key));
        self.hash = self.hash.wrapping_sub(before).wrapping_add(*sum);
        response.map(|response| (id, response))
    }

    /// Forgets what was answered: for planted mistakes.
    pub(super) fn forget_answers(&mut self) {
        let held = self.resources.values_mut();
        held.for_each(|held| held.resource.done.clear());
    }

    /// A resource, if anything was ever done to it.
    pub fn get(&self, key: Key) -> Option<&Resource> {
        self.resources.get(&key).map(|held| &held.resource)
    }

    /// What a reader of a resource is shown.
    pub fn read(&self, key: Key) -> Response {
        self.get(key)
            .map_or(Response::found(None, Seq(0)), Resource::found)
    }

    /// The resources behind a key, up to another one, to be copied.
    pub fn copies(&self, behind: Option<Key>, upto: Option<Key>) -> Copies {
        let from = behind.map_or(Bound::Unbounded, Bound::Excluded);
        let to = upto.map_or(Bound::Unbounded, Bound::Included);
        let copy = |(key, held): (&Key, &Held)| (*key, held.resource.clone());
        self.resources.range((from, to)).map(copy).collect()
    }

    /// The key of the last of so many resources behind a key; none if there are not more than that.
    pub(super) fn end_of_part(&self, behind: Option<Key>, limit: usize) -> Option<Key> {
        let from = behind.map_or(Bound::Unbounded, Bound::Excluded);
        let mut keys = self.resources.range((from, Bound::Unbounded));
        let (key, _) = keys.nth(limit - 1)?;
        keys.next().map(|_| *key)
    }

    /// A number that equal machines share.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// How many resources there are.
    pub fn len(&self) -> usize {
        self.resources.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty()
    }
}

impl Size for Resource {
    fn size(&self) -> usize {
        let value = self.value.map_or(0, |value| value.bytes as usize);
        let done: usize = self.done.iter().map(|done| 16 + done.response.size()).sum();
        36 + value + done
    }
}
