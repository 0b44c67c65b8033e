//! Registries: whoever looks is shown what clients published under a key, soon, and nothing of the dead.
//!
//! A client has at most one registration under each key, and replaces or withdraws it. What it wants is what it began
//! last, for its side goes on trying for as long as it lives, whatever the operation that began it was told. So whatever
//! was begun may be shown from then on; and only what was acknowledged, with nothing begun behind it, must be. Values are
//! unique, so each names the change that published it. Four rules follow:
//!
//! 1. *What is shown is genuine.* Whoever is shown under a key published that value, there, by a change that had begun
//!    before the look was over; and no client is shown twice in one of its lives.
//! 2. *Nobody goes back.* Once a watcher, which is a client in one of its lives, was shown what another client published,
//!    no look that it begins afterwards shows it anything that this client had published under this key before, in the
//!    same life. An absence binds nobody, for a registration may lapse under a fault, and come back. And whoever crosses
//!    from one side of a cut between servers to the other may go back, until `recovery` after it.
//! 3. *What is shown is fresh.* A look that begins `lag` after the newest change of a client was acknowledged, or later,
//!    shows what that change published, or nothing of that client's life if it withdrew.
//! 4. *The dead are gone.* A look that begins `gone` after a client died, or later, shows nothing of what it published in
//!    the life that ended.
//!
//! A client that dies comes back as another, and for a while both may be shown.
//!
//! The first rule holds under any fault, the second under all but those. The other two are judged if nothing was in the way for `recovery` and then for
//! `lag`, or `gone`, before the look began, and until its end. In the way is any trouble of any server, for a registry may
//! store and relay what it was told wherever it likes; and any trouble of the two clients, where a registration lapses if
//! its client is not heard of, and who was away may be shown what it knew. Other clients are in nobody's way. That one of
//! the two came back from an earlier death counts as a trouble as well, for its connections are new; and so does the
//! beginning of the run. A client that died wants nothing until it publishes anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use netsplit::kv::{Key, Value};
use netsplit::{NodeId, OpId, Span, Time};

use super::Finding;
use super::eventual::finding;
use super::log::{FaultLog, Reach};
use crate::history::Moment;

/// What passed between clients and a registry, as a judge sees it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Dealings {
    /// What was published and withdrawn, however it ended.
    pub changes: Vec<Change>,
    /// The looks that were answered.
    pub looks: Vec<Look>,
}

/// A client begins to want something else under a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Change {
    /// Who.
    pub client: NodeId,
    /// Which operation of the history it is.
    pub op: OpId,
    /// Where.
    pub key: Key,
    /// What it publishes; none if it withdraws.
    pub value: Option<Value>,
    /// When it began.
    pub invoked: Moment,
    /// When it was acknowledged; none if it never was.
    pub acknowledged: Option<Moment>,
}

/// As in `c1 published k1=v7 at 2.000000s (#41)`.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value {
            Some(value) => write!(f, "{} published {}={value}", self.client, self.key)?,
            None => write!(f, "{} withdrew from {}", self.client, self.key)?,
        }
        write!(f, " at {} ({})", self.invoked.at, self.op)
    }
}

/// A look that was answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Look {
    /// Who looked.
    pub client: NodeId,
    /// Which operation of the history it is.
    pub op: OpId,
    /// Where.
    pub key: Key,
    /// Who was shown, and as what.
    pub shown: Vec<(NodeId, Value)>,
    /// When it began.
    pub invoked: Moment,
    /// When it was answered.
    pub returned: Moment,
}

/// As in `c2 looked at k1 at 3.000000s (#42)`.
impl fmt::Display for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Look {
            client, key, op, ..
        } = self;
        write!(f, "{client} looked at {key} at {} ({op})", self.invoked.at)
    }
}

/// How soon a look shows what happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// How late what was acknowledged may be shown.
    pub lag: Span,
    /// How long what a client published may be shown after its death.
    pub gone: Span,
    /// For how long no fault may have been in the way before.
    pub recovery: Span,
}

/// Judges a history. In O((c + s) log n) for n dealings, where s is what all looks show, and c how many clients had made
/// a change under the key of each look.
pub fn judge(dealings: &Dealings, log: &FaultLog, bounds: Bounds) -> Finding {
    let registry = Registry::of(dealings, log, bounds);
    let breaches = [
        registry.what_is_not_genuine(),
        registry.who_goes_back(),
        registry.what_is_not_fresh(),
        registry.who_is_not_gone(),
    ];
    let told = |breaches| match finding(breaches) {
        Finding::Violated(evidence) => Some(evidence),
        Finding::Holds | Finding::Unknown(_) => None,
    };
    let evidence: Vec<String> = breaches.into_iter().filter_map(told).collect();
    if evidence.is_empty() {
        Finding::Holds
    } else {
        Finding::Violated(evidence.join("\n"))
    }
}

/// A history, in the order in which the rules ask for it.
struct Registry<'a> {
    log: &'a FaultLog,
    bounds: Bounds,
    /// When servers were in no trouble, and had been in none for `recovery`.
    quiet: Vec<(Time, Time)>,
    published: BTreeMap<Value, &'a Change>,
    /// In the order of their beginnings.
    changes: BTreeMap<Key, Vec<&'a Change>>,
    /// In the order of their ends.
    looks: BTreeMap<Key, Vec<&'a Look>>,
}

impl<'a> Registry<'a> {
    fn of(dealings: &'a Dealings, log: &'a FaultLog, bounds: Bounds) -> Registry<'a> {
        let published = |change: &'a Change| Some((change.value?, change));
        let mut registry = Registry {
            log,
            bounds,
            quiet: log.quiet(bounds.recovery),
            published: dealings.changes.iter().filter_map(published).collect(),
            changes: BTreeMap::new(),
            looks: BTreeMap::new(),
        };
        for change in &dealings.changes {
            let of_key = registry.changes.entry(change.key).or_default();
            of_key.push(change);
        }
        for look in &dealings.looks {
            registry.looks.entry(look.key).or_default().push(look);
        }
        let (changes, looks) = (registry.changes.values_mut(), registry.looks.values_mut());
        changes.for_each(|changes| changes.sort_unstable_by_key(|change| change.invoked.order));
        looks.for_each(|looks| looks.sort_unstable_by_key(|look| look.returned.order));
        registry
    }

    /// The first rule: what is shown was published, by that client, there, before; and once.
    fn what_is_not_genuine(&self) -> Vec<String> {
        let mut breaches = Vec::new();
        for look in self.looks.values().flatten() {
            let mut clients = BTreeSet::new();
            for (client, value) in &look.shown {
                let life = self.published.get(value).map(|change| self.life(change));
                let again = !clients.insert((client, life));
                let why = match self.published.get(value) {
                    None => "nobody published that".to_owned(),
                    Some(change) if change.client != *client || change.key != look.key => {
                        change.to_string()
                    }
                    Some(change) if change.invoked.order > look.returned.order => {
                        format!("{change}, which was later")
                    }
                    Some(_) if again => format!("{client} twice"),
                    Some(_) => continue,
                };
                breaches.push(format!("{look} and was shown {client}={value}, but {why}"));
            }
        }
        breaches
    }

    /// The second rule: what one watcher is shown of one client under one key never gets older.
    fn who_goes_back(&self) -> Vec<String> {
        let mut watchers: BTreeMap<(Key, NodeId, usize), Vec<&Look>> = BTreeMap::new();
        for look in self.looks.values().flatten().copied() {
            let life = self
                .log
                .life(look.client, look.invoked.at, look.returned.at);
            if let Some(life) = life {
                let watcher = watchers.entry((look.key, look.client, life));
                watcher.or_default().push(look);
            }
        }
        let looks = watchers.into_values();
        looks.flat_map(|looks| self.goes_back(looks)).collect()
    }

    /// Judges the looks of one watcher, in the order of their ends.
    fn goes_back(&self, ended: Vec<&'a Look>) -> Vec<String> {
        let mut looks = ended.clone();
        looks.sort_unstable_by_key(|look| look.invoked.order);
        let mut ended = ended.into_iter().peekable();
        let mut newest: BTreeMap<(NodeId, usize), (&Change, &Look)> = BTreeMap::new();
        let publisher = |change: &Change| (change.client, self.life(change));
        let mut breaches = Vec::new();
        for look in looks {
            while let Some(before) = ended.next_if(|it| it.returned.order < look.invoked.order) {
                for change in self.shown(before) {
                    let known = newest.entry(publisher(change)).or_insert((change, before));
                    if known.0.invoked.order < change.invoked.order {
                        *known = (change, before);
                    }
                }
            }
            for change in self.shown(look) {
                if let Some((known, before)) = newest.get(&publisher(change))
                    && change.invoked.order < known.invoked.order
                    && !self.is_split(before, look)
                {
                    breaches.push(format!(
                        "{} went back: {change}, and then {known}; {before} and was shown this, and then {look} and was shown that",
                        look.client
                    ));
                }
            }
        }
        breaches
    }

    /// Whether servers may have been on two sides of a partition when one of two looks was answered.
    fn is_split(&self, before: &Look, look: &Look) -> bool {
        let from = back(before.invoked.at, self.bounds.recovery);
        self.log.was_split(from, look.returned.at)
    }

    /// The third rule: what was acknowledged is shown after a while.
    fn what_is_not_fresh(&self) -> Vec<String> {
        let mut breaches = Vec::new();
        for (key, looks) in &self.looks {
            let changes = self.changes.get(key).map_or(&[][..], Vec::as_slice);
            let mut changes = changes.iter().copied().peekable();
            let mut wanted: BTreeMap<NodeId, &Change> = BTreeMap::new();
            for look in looks {
                while let Some(change) =
                    changes.next_if(|change| change.invoked.order < look.returned.order)
                {
                    wanted.insert(change.client, change);
                }
                let shown = self.shown(look);
                let shown = shown.map(|change| ((change.client, self.life(change)), change.value));
                let shown: BTreeMap<(NodeId, usize), Option<Value>> = shown.collect();
                let missed = wanted.values().filter_map(|change| {
                    let shown = shown.get(&(change.client, self.life(change)));
                    self.misses(look, shown.copied().flatten(), change)
                });
                breaches.extend(missed);
            }
        }
        breaches
    }

    /// Judges what a look shows of a client against the newest change that the client had begun before it was over.
    fn misses(&self, look: &Look, shown: Option<Value>, newest: &Change) -> Option<String> {
        let acknowledged = newest.acknowledged?;
        let is_due = acknowledged.order < look.invoked.order
            && acknowledged.at + self.bounds.lag <= look.invoked.at;
        if shown == newest.value || !is_due {
            return None;
        }
        let (publisher, watcher) = (newest.client, look.client);
        let since = back(look.invoked.at, self.bounds.lag);
        let from = back(since, self.bounds.recovery);
        let is_excused = !self.is_quiet(since, look)
            || self.is_away(publisher, from, look.returned.at)
            || self.is_away(watcher, from, look.returned.at)
            || self
                .log
                .died(publisher, newest.invoked.at, look.returned.at);
        let age = look.invoked.at.since(acknowledged.at);
        let shown = shown.map_or("nothing".to_owned(), |value| value.to_string());
        (!is_excused).then(|| {
            format!(
                "{newest}, which was acknowledged, and {age} after that {look} and was shown {shown} of {publisher}"
            )
        })
    }

    /// The fourth rule: what was published in a life that is over is not shown for long.
    fn who_is_not_gone(&self) -> Vec<String> {
        let looks = self.looks.values().flatten().copied();
        let shown = looks.flat_map(|look| self.shown(look).map(move |change| (look, change)));
        shown
            .filter_map(|(look, change)| self.outlives(look, change))
            .collect()
    }

    /// Judges whether a look shows what its publisher took into its grave.
    fn outlives(&self, look: &Look, change: &Change) -> Option<String> {
        let (publisher, watcher) = (change.client, look.client);
        let deaths = self.log.deaths(publisher);
        let died = *deaths.get(self.life(change))?;
        if look.invoked.at < died + self.bounds.gone {
            return None;
        }
        let since = back(look.invoked.at, self.bounds.gone);
        let from = back(since, self.bounds.recovery);
        // That it came back after this death is in nobody's way.
        let is_excused = !self.is_quiet(since, look)
            || self.is_away(watcher, from, look.returned.at)
            || self.is_troubled(publisher, from, look.returned.at)
            || self.log.returned(publisher, from, change.invoked.at);
        let age = look.invoked.at.since(died);
        (!is_excused).then(|| {
            format!(
                "{change} and died at {died}, and {age} after that {look} and was still shown it"
            )
        })
    }

    /// The changes that a look shows the values of, as far as they are genuine.
    fn shown(&self, look: &'a Look) -> impl Iterator<Item = &'a Change> {
        look.shown.iter().filter_map(move |(client, value)| {
            let change = *self.published.get(value)?;
            (change.client == *client && change.key == look.key).then_some(change)
        })
    }

    /// In which of its client's lives a change was made. At the instant of a death its client may just have come back.
    fn life(&self, change: &Change) -> usize {
        let deaths = self.log.deaths(change.client);
        deaths.partition_point(|at| *at <= change.invoked.at)
    }

    /// Whether no server was in trouble from `recovery` before an instant until the end of a look. Spells of quiet begin
    /// `recovery` after a trouble.
    fn is_quiet(&self, since: Time, look: &Look) -> bool {
        let until = look.returned.at;
        let spell = self.quiet.partition_point(|(_, ends)| *ends < until);
        let spell = self.quiet.get(spell);
        spell.is_some_and(|(begins, _)| *begins <= since)
    }

    /// Whether a client or a link of it was in trouble.
    fn is_troubled(&self, client: NodeId, from: Time, until: Time) -> bool {
        self.log.is_troubled(Reach::Node(client), from, until)
    }

    /// The same, or it came back from a death.
    fn is_away(&self, client: NodeId, from: Time, until: Time) -> bool {
        self.is_troubled(client, from, until) || self.log.returned(client, from, until)
    }
}

/// So long before an instant, or the beginning of the run.
fn back(at: Time, by: Span) -> Time {
    Time::ZERO + (at.since(Time::ZERO) - by)
}

#[cfg(test)]
mod tests;
