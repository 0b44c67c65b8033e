//! Limits: what is admitted of a key stays within a rate, up to what the servers can admit before they hear of each
//! other.
//!
//! A server counts its own admissions at once and those of the others at most `lag` late, and admits one more while its
//! level is not above `burst`. So by the time when it admits its last one in a window it has counted everything but what
//! the others admitted in the last `lag`. In a window of length `w`, with `N` servers, that makes at most
//!
//! ```text
//! rate * w  +  N * (burst + 1)  +  (N - 1) * rate * lag
//! ```
//!
//! The first term is what drains while the window lasts; the second is what each server can admit at once when all of
//! them are empty and none has heard of another; the third what drains at the others unheard of. This holds only while
//! all of them hear each other: a window with a fault in it, or shortly before it, is not judged, for servers that are
//! apart each admit a rate of their own, and one that died counts from nothing.
//!
//! An admission happens somewhere between its call and its return. Admissions are taken in the order of their returns,
//! and the bound is raised by what drains during the longest of them, so that no window is shorter than it was.

use std::collections::BTreeMap;

use netsplit::kv::Key;
use netsplit::{OpId, Span, Time};

use super::Finding;
use super::eventual::finding;
use super::log::FaultLog;

/// One admission, as a judge sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Admission {
    /// Which operation of the history it is.
    pub op: OpId,
    /// Of what.
    pub key: Key,
    /// When it was asked for, in world time.
    pub invoked_at: Time,
    /// When the answer came.
    pub returned_at: Time,
}

/// A limit that servers enforce together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limit {
    /// How many a second.
    pub rate: u64,
    /// How many above that a single server admits at once.
    pub burst: u64,
    /// How late a server knows of what another one admitted, at the most.
    pub lag: Span,
    /// For how long no fault may have been in the way.
    pub recovery: Span,
}

/// One admission in the unit of levels: what drains in a nanosecond at one a second.
const ONE: u128 = 1_000_000_000;

/// Judges a history.
pub fn judge(admissions: &[Admission], log: &FaultLog, limit: Limit) -> Finding {
    let quiet = log.quiet(limit.recovery);
    let mut windows: BTreeMap<(Key, usize), Vec<Admission>> = BTreeMap::new();
    for admission in admissions {
        let span = quiet.partition_point(|(_, until)| *until < admission.returned_at);
        if quiet
            .get(span)
            .is_some_and(|(from, _)| *from <= admission.invoked_at)
        {
            let window = windows.entry((admission.key, span)).or_default();
            window.push(*admission);
        }
    }
    let servers = log.servers().len() as u64;
    let windows = windows.into_values();
    finding(
        windows
            .filter_map(|window| judge_window(window, servers, limit))
            .collect(),
    )
}

/// Judges the admissions of a key in a quiet window: a bucket that leaks at the rate never rises above the bound.
fn judge_window(mut window: Vec<Admission>, servers: u64, limit: Limit) -> Option<String> {
    window.sort_unstable_by_key(|admission| (admission.returned_at, admission.op));
    let takes = |admission: &Admission| admission.returned_at.since(admission.invoked_at);
    let longest = window.iter().map(takes).max()?;
    let drains = |span: Span| u128::from(limit.rate) * u128::from(span.as_nanos());
    let at_once = u128::from(servers) * (u128::from(limit.burst) + 1) * ONE;
    let unheard = u128::from(servers.saturating_sub(1)) * drains(limit.lag);
    let bound = at_once + unheard + drains(longest);
    let (mut level, mut since) = (0, 0);
    let mut before = window[0].returned_at;
    for (place, admission) in window.iter().enumerate() {
        let drained = drains(admission.returned_at.since(before));
        before = admission.returned_at;
        if level <= drained {
            since = place;
        }
        level = level.saturating_sub(drained) + ONE;
        if level > bound {
            let those = &window[since..=place];
            let (first, last) = (those[0].returned_at, admission.returned_at);
            let most = (bound + drains(last.since(first))) / ONE;
            let evidence = format!(
                "of {} {} were admitted from {first} to {last}, where {servers} servers admit {most} at the most",
                admission.key,
                those.len(),
            );
            return Some(evidence);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::log::Reach;
    use super::super::story::{KEY, evidence, ms, n, quiet, troubled};
    use super::*;

    /// Ten a second, three at once, a tenth of a second late: three servers admit 12 at once, and 2 unheard of.
    const LIMIT: Limit = Limit {
        rate: 10,
        burst: 3,
        lag: Span::millis(100),
        recovery: Span::secs(1),
    };

    /// Admissions of so many milliseconds.
    fn admissions(takes: u64, at: impl IntoIterator<Item = u64>) -> Vec<Admission> {
        let admission = |(op, at): (u32, u64)| Admission {
            op: OpId(op),
            key: KEY,
            invoked_at: ms(at - takes),
            returned_at: ms(at),
        };
        (0..).zip(at).map(admission).collect()
    }

    fn holds(admissions: &[Admission], log: &FaultLog) -> bool {
        evidence(judge(admissions, log, LIMIT)).is_none()
    }

    #[test]
    fn at_once_each_server_admits_its_burst_and_the_unheard_of() {
        assert!(holds(&admissions(0, [5_000; 14]), &quiet()));
        let convicted = evidence(judge(&admissions(0, [5_000; 15]), &quiet(), LIMIT)).unwrap();
        assert_eq!(
            convicted,
            "of k1 15 were admitted from 5.000000s to 5.000000s, where 3 servers admit 14 at the most"
        );
    }

    #[test]
    fn at_the_rate_they_go_on_for_ever_and_above_it_not_for_long() {
        let every = |millis: usize| (5_000..60_000).step_by(millis);
        assert!(holds(&admissions(0, every(100)), &quiet()));
        assert!(!holds(&admissions(0, every(97)), &quiet()));
    }

    #[test]
    fn what_took_long_may_have_been_admitted_earlier() {
        assert!(holds(&admissions(100, [5_000; 15]), &quiet()));
        assert!(holds(&admissions(199, [5_000; 15]), &quiet()));
        assert!(!holds(&admissions(99, [5_000; 15]), &quiet()));
    }

    #[test]
    fn servers_that_were_apart_just_before_are_not_judged() {
        let fifteen = admissions(0, [5_000; 15]);
        for (ends, judged) in [(3_999, true), (4_000, false), (5_000, false)] {
            let log = troubled(Reach::pair(n(1), n(2)), 3_000, ends);
            assert_eq!(!holds(&fifteen, &log), judged, "{ends}");
        }
        for (begins, judged) in [(5_000, false), (5_001, true)] {
            let log = troubled(Reach::Node(n(3)), begins, 6_000);
            assert_eq!(!holds(&fifteen, &log), judged, "{begins}");
        }
    }

    #[test]
    fn the_beginning_counts_as_a_fault() {
        assert!(holds(&admissions(0, [1_000; 15]), &quiet()));
        assert!(!holds(&admissions(0, [1_001; 15]), &quiet()));
    }
}
