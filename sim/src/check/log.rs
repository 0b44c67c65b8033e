//! The fault log: what befell the servers of a run, and when, for judges whose promises depend on it.
//!
//! It knows whom a fault reached, and not what it did: a link that is cut and one that is slow are both in trouble. It
//! knows of deaths, but nothing of what was in a process.
//!
//! What befalls clients is kept apart, for it troubles no server: when they died, which ends a session, when they came
//! back, and when they or any of their links were in trouble. Where a client asks and is answered the history says enough,
//! as a call that took long; but a client can also have something done for it while it asks nothing.
//!
//! A trouble is over when its fault is. What it leaves behind, such as connections that have to be made again, takes its
//! time after that; how long is for the mode to say, and for a judge to add.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use netsplit::{NodeId, Span, Time};

/// What befell the servers of a run, and its clients.
///
/// Instants are in world time. All spans of questions include both of their ends, and so do those of troubles: what
/// happens at one instant has touched whatever happens at that instant.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FaultLog {
    servers: Vec<NodeId>,
    spells: BTreeMap<Reach, Spells>,
    clients: BTreeMap<NodeId, Spells>,
    /// When servers were on two sides of a cut.
    splits: Spells,
    deaths: BTreeMap<NodeId, Vec<Time>>,
    partings: BTreeMap<NodeId, Vec<Time>>,
    returns: BTreeMap<NodeId, Vec<Time>>,
    skew: Span,
    ended: Time,
}

/// A time during which something was not as it should be.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Trouble {
    /// When it began.
    pub from: Time,
    /// When it was over; [`Time::NEVER`] if it never was.
    pub until: Time,
    /// Whom it reached.
    pub on: Reach,
}

/// Whom a trouble reaches.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Reach {
    /// Every server and every link between them.
    All,
    /// One server: its process, processor, disk, clock or queues. Or one client, and its links as well.
    Node(NodeId),
    /// The link between two servers, either way or both; [`Reach::pair`] puts them in order.
    Pair(NodeId, NodeId),
}

impl Reach {
    /// The link between two servers.
    pub fn pair(one: NodeId, other: NodeId) -> Reach {
        Reach::Pair(one.min(other), one.max(other))
    }
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reach::All => f.write_str("all"),
            Reach::Node(node) => write!(f, "{node}"),
            Reach::Pair(one, other) => write!(f, "{one} - {other}"),
        }
    }
}

/// As in `1.500000s..2.000000s n1 - n2`, or `1.500000s.. n1` if it never ends.
impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..", self.from)?;
        if self.until < Time::NEVER {
            write!(f, "{}", self.until)?;
        }
        write!(f, " {}", self.on)
    }
}

/// How well two servers could hear each other in some span.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Joined {
    /// Neither of them was in trouble, nor the link between them.
    Directly,
    /// There was a path of servers and links, none of which was in trouble.
    Through,
    /// Not reliably.
    Not,
}

/// When one thing was in trouble: in order, and no two at once.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Spells {
    /// How many faults are at it now.
    open: u32,
    times: Vec<(Time, Time)>,
}

impl Spells {
    fn begin(&mut self, at: Time) {
        if self.open == 0 {
            self.times.push((at, Time::NEVER));
        }
        self.open += 1;
    }

    fn end(&mut self, at: Time) {
        assert!(self.open > 0, "what ends has begun");
        self.open -= 1;
        if self.open == 0
            && let Some((_, until)) = self.times.last_mut()
        {
            *until = at;
        }
    }

    /// Those that are not over before an instant.
    fn not_before(&self, from: Time) -> &[(Time, Time)] {
        let first = self.times.partition_point(|(_, until)| *until < from);
        &self.times[first..]
    }

    fn touch(&self, from: Time, until: Time) -> bool {
        let next = self.not_before(from).first();
        next.is_some_and(|(begins, _)| *begins <= until)
    }
}

/// What the world writes.
impl FaultLog {
    /// The log of a run in which nothing has happened yet.
    pub fn new(servers: Vec<NodeId>) -> FaultLog {
        FaultLog {
            servers,
            ..FaultLog::default()
        }
    }

    /// A trouble begins. What is told is told in the order of time.
    pub fn begin(&mut self, on: Reach, at: Time) {
        self.spells_of(on).begin(at);
    }

    /// A trouble is over.
    ///
    /// # Panics
    /// If more troubles of this reach end than have begun.
    pub fn end(&mut self, on: Reach, at: Time) {
        self.spells_of(on).end(at);
    }

    fn spells_of(&mut self, on: Reach) -> &mut Spells {
        match on {
            Reach::Node(node) if node.is_client() => self.clients.entry(node).or_default(),
            on => self.spells.entry(on).or_default(),
        }
    }

    /// Servers may be on two sides of a cut from now on. It is told beside the troubles of the links.
    pub fn split(&mut self, at: Time) {
        self.splits.begin(at);
    }

    /// A cut is over.
    ///
    /// # Panics
    /// If more cuts end than have begun.
    pub fn mend(&mut self, at: Time) {
        self.splits.end(at);
    }

    /// Something happens, and is over at once.
    pub fn strike(&mut self, on: Reach, at: Time) {
        self.begin(on, at);
        self.end(on, at);
    }

    /// A server loses what it had in memory. It is in trouble until [`FaultLog::rise`].
    pub fn die(&mut self, node: NodeId, at: Time) {
        self.deaths.entry(node).or_default().push(at);
        self.begin(Reach::Node(node), at);
    }

    /// A client loses what it had in memory, and its session is over. That is no trouble of any server's.
    pub fn lose_client(&mut self, client: NodeId, at: Time) {
        self.deaths.entry(client).or_default().push(at);
    }

    /// A client that had died starts again.
    pub fn regain_client(&mut self, client: NodeId, at: Time) {
        self.returns.entry(client).or_default().push(at);
    }

    /// A server that was asked to quit is about to, of its own accord. It dies as well.
    pub fn part(&mut self, node: NodeId, at: Time) {
        self.partings.entry(node).or_default().push(at);
    }

    /// A server that had died starts again.
    pub fn rise(&mut self, node: NodeId, at: Time) {
        self.end(Reach::Node(node), at);
    }

    /// Everything that is under way is over, except that `broken` servers are in trouble from now on.
    pub fn calm(&mut self, broken: impl IntoIterator<Item = NodeId>, at: Time) {
        let all = self.spells.values_mut().chain(self.clients.values_mut());
        let all = all.chain([&mut self.splits]);
        for spells in all.filter(|spells| spells.open > 0) {
            spells.open = 1;
            spells.end(at);
        }
        for node in broken {
            self.begin(Reach::Node(node), at);
        }
    }

    /// A wall clock was seen to be off by so much.
    pub fn clock_is_off(&mut self, by: Span) {
        self.skew = self.skew.max(by);
    }

    /// The run is over.
    pub fn close(&mut self, at: Time) {
        self.ended = at;
    }
}

/// What judges ask.
impl FaultLog {
    /// The servers of the run.
    pub fn servers(&self) -> &[NodeId] {
        &self.servers
    }

    /// Everything that befell the servers, in the order of its beginning.
    pub fn troubles(&self) -> Vec<Trouble> {
        let of = |(on, spells): (&Reach, &Spells)| {
            let on = *on;
            let trouble = move |(from, until)| Trouble { from, until, on };
            spells.times.clone().into_iter().map(trouble)
        };
        let mut troubles: Vec<Trouble> = self.spells.iter().flat_map(of).collect();
        troubles.sort_unstable();
        troubles
    }

    /// When a server or a client lost what it had in memory, in order.
    pub fn deaths(&self, node: NodeId) -> &[Time] {
        self.deaths.get(&node).map_or(&[], Vec::as_slice)
    }

    /// When a server that was asked to quit first did so, of its own accord, at an instant or later.
    pub fn parted(&self, node: NodeId, from: Time) -> Option<Time> {
        let mut partings = self.partings.get(&node)?.iter();
        partings.find(|at| **at >= from).copied()
    }

    /// The most by which any wall clock of the run was ever off from the time of the world, either way.
    pub fn skew(&self) -> Span {
        self.skew
    }

    /// When the run was over.
    pub fn ended(&self) -> Time {
        self.ended
    }

    /// Whether servers may have been on two sides of a cut in some span.
    pub fn was_split(&self, from: Time, until: Time) -> bool {
        self.splits.touch(from, until)
    }

    /// Whether a server or a client lost what it had in memory.
    pub fn died(&self, node: NodeId, from: Time, until: Time) -> bool {
        is_within(self.deaths(node), from, until)
    }

    /// Whether a client started again.
    pub fn returned(&self, client: NodeId, from: Time, until: Time) -> bool {
        let returns = self.returns.get(&client);
        returns.is_some_and(|returns| is_within(returns, from, until))
    }

    /// In which of its lives a server or a client was throughout a span; none if it died in it.
    pub fn life(&self, node: NodeId, from: Time, until: Time) -> Option<usize> {
        let deaths = self.deaths(node);
        let before = deaths.partition_point(|at| *at < from);
        (!self.died(node, from, until)).then_some(before)
    }

    /// Whether something of exactly this reach was in trouble.
    pub fn is_troubled(&self, on: Reach, from: Time, until: Time) -> bool {
        let spells = match on {
            Reach::Node(node) if node.is_client() => self.clients.get(&node),
            on => self.spells.get(&on),
        };
        spells.is_some_and(|spells| spells.touch(from, until))
    }

    /// Whether none of these servers was in trouble, and no link between two of them.
    pub fn healthy(&self, nodes: &[NodeId], from: Time, until: Time) -> bool {
        let is_troubled = |on: &Reach| match on {
            Reach::All => true,
            Reach::Node(node) => nodes.contains(node),
            Reach::Pair(one, other) => nodes.contains(one) && nodes.contains(other),
        };
        let mut spells = self.spells.iter();
        spells.all(|(on, spells)| !is_troubled(on) || !spells.touch(from, until))
    }

    /// How well two servers could hear each other. A server hears itself unless it is in trouble.
    pub fn joined(&self, one: NodeId, other: NodeId, from: Time, until: Time) -> Joined {
        let is_troubled = |on| self.is_troubled(on, from, until);
        let is_down = |node| is_troubled(Reach::Node(node));
        if is_troubled(Reach::All) || is_down(one) || is_down(other) {
            return Joined::Not;
        }
        if one == other || !is_troubled(Reach::pair(one, other)) {
            return Joined::Directly;
        }
        let mut left: Vec<NodeId> = self.servers.clone();
        left.retain(|node| *node != one && !is_down(*node));
        let mut found = vec![one];
        while let Some(here) = found.pop() {
            let near = left.extract_if(.., |node| !is_troubled(Reach::pair(here, *node)));
            found.extend(near);
            if found.contains(&other) {
                return Joined::Through;
            }
        }
        Joined::Not
    }

    /// The end of the first span of a length, begun at `from` or later and over at `until` at the latest, in which two
    /// servers were joined directly.
    pub fn first_joined(
        &self,
        (one, other): (NodeId, NodeId),
        length: Span,
        from: Time,
        until: Time,
    ) -> Option<Time> {
        let reaches = [
            Reach::All,
            Reach::Node(one),
            Reach::Node(other),
            Reach::pair(one, other),
        ];
        let of = |reach: &Reach| self.spells.get(reach).map(|spells| spells.not_before(from));
        let in_the_way: Vec<&[(Time, Time)]> = reaches.iter().filter_map(of).collect();
        let mut gaps = gaps(in_the_way.concat(), from, until);
        let long_enough = |gap: &(Time, Time)| gap.0 + length <= gap.1;
        gaps.find(long_enough).map(|(begins, _)| begins + length)
    }

    /// The longest spans, in order, in which no server was in trouble and no link. The beginning of the run counts as a trouble, and each span begins `recovery` after one.
    pub fn quiet(&self, recovery: Span) -> Vec<(Time, Time)> {
        let times = self.spells.values().flat_map(|spells| spells.times.clone());
        let times = std::iter::once((Time::ZERO, Time::ZERO)).chain(times);
        let recovered = |(begins, ends): (Time, Time)| {
            let begins = begins + recovery;
            (begins <= ends).then_some((begins, ends))
        };
        gaps(times.collect(), Time::ZERO, self.ended)
            .filter_map(recovered)
            .collect()
    }

    /// The servers that were well at the end of the run.
    pub fn survivors(&self) -> BTreeSet<NodeId> {
        let is_well = |node: &NodeId| {
            let spells = self.spells.get(&Reach::Node(*node));
            spells.is_none_or(|spells| spells.open == 0)
        };
        self.servers.iter().copied().filter(is_well).collect()
    }
}

/// Whether any of these instants, which are in order, lies in a span.
fn is_within(instants: &[Time], from: Time, until: Time) -> bool {
    let next = instants.get(instants.partition_point(|at| *at < from));
    next.is_some_and(|at| *at <= until)
}

/// What of a span lies strictly between the spells, in order. An instant at which a spell begins or ends is its own.
fn gaps(
    mut spells: Vec<(Time, Time)>,
    from: Time,
    until: Time,
) -> impl Iterator<Item = (Time, Time)> {
    let instant = Span::nanos(1);
    let before = |at: Time| Time::from_nanos(at.as_nanos().saturating_sub(1));
    spells.retain(|(_, ends)| *ends >= from);
    spells.sort_unstable();
    // One more behind the last of all, so that the time up to there is a gap.
    spells.push((until + instant, Time::NEVER));
    let mut free = from;
    spells.into_iter().filter_map(move |(begins, ends)| {
        let begin = free;
        free = free.max(ends + instant);
        let end = before(begins).min(until);
        (begins > begin && begin <= end).then_some((begin, end))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn n(number: u32) -> NodeId {
        NodeId::server(number)
    }

    fn at(nanos: u64) -> Time {
        Time::from_nanos(nanos)
    }

    /// A run of so many servers and 100 ns, and when what was in trouble in it.
    fn log(servers: u32, troubles: &[(Reach, u64, u64)]) -> FaultLog {
        let mut log = FaultLog::new((1..=servers).map(n).collect());
        let mut turns: Vec<(u64, bool, Reach)> = Vec::new();
        for (on, from, until) in troubles {
            turns.extend([(*from, false, *on), (*until, true, *on)]);
        }
        turns.sort_unstable();
        for (when, ends, on) in turns {
            if ends {
                log.end(on, at(when));
            } else {
                log.begin(on, at(when));
            }
        }
        log.close(at(100));
        log
    }

    const PAIR: fn(u32, u32) -> Reach = |one, other| Reach::pair(n(one), n(other));

    #[test]
    fn troubles_of_one_reach_that_overlap_are_one() {
        let log = log(2, &[(PAIR(2, 1), 10, 30), (PAIR(1, 2), 20, 40)]);
        let one = Trouble {
            from: at(10),
            until: at(40),
            on: Reach::Pair(n(1), n(2)),
        };
        assert_eq!(log.troubles(), [one]);
    }

    #[test]
    fn a_span_is_healthy_up_to_the_instant_before_a_trouble_and_from_the_one_after() {
        let log = log(3, &[(Reach::Node(n(1)), 10, 20)]);
        let all = [n(1), n(2), n(3)];
        for (from, until, healthy) in [
            (0, 9, true),
            (0, 10, false),
            (20, 30, false),
            (21, 30, true),
        ] {
            assert_eq!(
                log.healthy(&all, at(from), at(until)),
                healthy,
                "{from}..{until}"
            );
        }
        assert!(log.healthy(&[n(2), n(3)], at(0), at(100)));
    }

    #[test]
    fn a_link_in_trouble_is_gone_around_where_there_is_a_way() {
        let joined =
            |troubles: &[(Reach, u64, u64)]| log(3, troubles).joined(n(1), n(2), at(5), at(50));
        assert_eq!(joined(&[]), Joined::Directly);
        assert_eq!(joined(&[(PAIR(1, 3), 0, 100)]), Joined::Directly);
        assert_eq!(joined(&[(PAIR(1, 2), 50, 60)]), Joined::Through);
        assert_eq!(joined(&[(PAIR(1, 2), 51, 60)]), Joined::Directly);
        assert_eq!(
            joined(&[(PAIR(1, 2), 9, 9), (PAIR(2, 3), 40, 41)]),
            Joined::Not
        );
        assert_eq!(
            joined(&[(PAIR(1, 2), 9, 9), (Reach::Node(n(3)), 40, 41)]),
            Joined::Not
        );
        assert_eq!(joined(&[(Reach::Node(n(2)), 40, 41)]), Joined::Not);
        assert_eq!(joined(&[(Reach::All, 40, 41)]), Joined::Not);
    }

    #[test]
    fn what_has_died_is_in_trouble_until_it_rises() {
        let mut log = log(2, &[]);
        log.die(n(1), at(10));
        assert!(log.is_troubled(Reach::Node(n(1)), at(90), at(90)));
        log.rise(n(1), at(20));
        assert!(!log.is_troubled(Reach::Node(n(1)), at(21), at(90)));
        assert!(log.died(n(1), at(10), at(10)));
        assert!(!log.died(n(1), at(11), at(90)) && !log.died(n(2), at(0), at(90)));
    }

    #[test]
    fn a_life_ends_with_a_death_and_the_instant_of_a_death_is_in_none() {
        let mut log = log(1, &[]);
        log.die(n(1), at(10));
        log.rise(n(1), at(20));
        log.die(n(1), at(30));
        let life = |from, until| log.life(n(1), at(from), at(until));
        assert_eq!(
            [life(0, 9), life(11, 29), life(31, 99)],
            [0, 1, 2].map(Some)
        );
        assert_eq!([life(0, 10), life(10, 11), life(9, 31)], [None; 3]);
    }

    #[test]
    fn a_client_that_dies_troubles_no_server() {
        let mut log = log(2, &[]);
        let client = NodeId::client(1);
        log.lose_client(client, at(10));
        assert_eq!(log.deaths(client), [at(10)]);
        assert!(log.troubles().is_empty());
        assert_eq!(log.survivors().len(), 2);
    }

    #[test]
    fn what_befalls_a_client_is_known_and_troubles_no_server() {
        let client = NodeId::client(1);
        let on = Reach::Node(client);
        let mut log = log(2, &[(on, 10, 20)]);
        log.regain_client(client, at(40));
        log.begin(on, at(60));
        log.calm([], at(70));
        let is_troubled = |from, until| log.is_troubled(on, at(from), at(until));
        assert!(is_troubled(0, 10) && is_troubled(20, 30) && is_troubled(70, 70));
        assert!(!is_troubled(0, 9) && !is_troubled(21, 59) && !is_troubled(71, 100));
        let returned = |from, until| log.returned(client, at(from), at(until));
        assert!(returned(0, 40) && returned(40, 100));
        assert!(!returned(0, 39) && !returned(41, 100));
        assert!(log.troubles().is_empty());
        assert_eq!(log.survivors().len(), 2);
        assert_eq!(log.quiet(Span::ZERO), [(at(1), at(100))]);
    }

    #[test]
    fn in_the_calm_everything_ends_but_what_is_broken() {
        let mut log = log(3, &[]);
        log.begin(PAIR(1, 2), at(10));
        log.begin(Reach::Node(n(3)), at(10));
        log.calm([n(3)], at(20));
        assert_eq!(log.joined(n(1), n(2), at(21), at(90)), Joined::Directly);
        assert_eq!(log.joined(n(1), n(3), at(21), at(90)), Joined::Not);
        assert_eq!(
            log.survivors().into_iter().collect::<Vec<_>>(),
            [n(1), n(2)]
        );
    }

    #[test]
    fn the_first_span_in_which_two_are_joined_lies_between_their_troubles() {
        let log = log(
            3,
            &[
                (PAIR(1, 2), 10, 20),
                (Reach::Node(n(2)), 40, 60),
                (PAIR(1, 3), 0, 100),
            ],
        );
        let first = |length, from, until| {
            let ends = log.first_joined((n(1), n(2)), Span::nanos(length), at(from), at(until));
            ends.map(Time::as_nanos)
        };
        assert_eq!(first(9, 0, 100), Some(9));
        assert_eq!(first(10, 0, 100), Some(31));
        assert_eq!(first(18, 0, 100), Some(39));
        assert_eq!(first(19, 0, 100), Some(80));
        assert_eq!(first(39, 0, 100), Some(100));
        assert_eq!(first(40, 0, 100), None);
        assert_eq!(first(5, 15, 26), Some(26));
        assert_eq!(first(5, 15, 25), None);
    }

    #[test]
    fn quiet_is_what_is_left_of_a_run_a_while_after_each_trouble() {
        let log = log(
            3,
            &[
                (Reach::Node(n(1)), 30, 40),
                (PAIR(1, 2), 35, 50),
                (Reach::All, 58, 58),
            ],
        );
        let quiet = |recovery| -> Vec<(u64, u64)> {
            let spans = log.quiet(Span::nanos(recovery)).into_iter();
            spans
                .map(|(from, until)| (from.as_nanos(), until.as_nanos()))
                .collect()
        };
        assert_eq!(quiet(0), [(1, 29), (51, 57), (59, 100)]);
        assert_eq!(quiet(6), [(7, 29), (57, 57), (65, 100)]);
        assert_eq!(quiet(7), [(8, 29), (66, 100)]);
    }
}
