//! The last writer wins: of the acknowledged writes of a key, the newest is there at the end, or a newer one.
//!
//! The last look at each key must show a revision at least as new as every acknowledged write that its server must have
//! been told of. Where it finds nothing, the newest of these must be a delete, or be over. Gets look, and so do puts
//! where nothing is: what one of them finds is there, and where it writes, nothing was.
//!
//! # What a server must have been told of
//!
//! A server that acknowledged a write may still die with it, and no eventual store promises more. So a write is demanded
//! of a look in three cases only:
//!
//! 1. the same server did both, and did not die in between;
//! 2. after the write, and before its server died, the two servers were joined directly for `settles` without a break,
//!    and the reading one has not died since;
//! 3. the same with any third server, and after that all servers that are well at the end, the one that was looked at
//!    among them, were well and joined for `settles` until the look: then whoever knew has told everybody.
//!
//! A server that quits because it was asked to tells the others first: one that was joined to it directly, from `settles`
//! before the write until then, counts as told.
//!
//! What is shown may be older than the newest if something newer still, with a shorter life, may be over: who never heard
//! of that hands the older value around.
//!
//! A write of unknown outcome is demanded of nobody, and may be what is shown, or what removed it.

use std::collections::BTreeMap;

use netsplit::kv::Key;
use netsplit::{NodeId, Span, Time};

use super::eventual::{by_key, finding, is_explained, is_outbid};
use super::log::{FaultLog, Joined};
use super::{Call, Finding};

/// Judges a history that came to its end.
pub fn judge(calls: &[Call], log: &FaultLog, settles: Span) -> Finding {
    let keys: BTreeMap<Key, Vec<&Call>> = by_key(calls);
    let survivors: Vec<NodeId> = log.survivors().into_iter().collect();
    let judge_key = |of_key: Vec<&Call>| {
        let looks = of_key.iter().filter(|call| call.saw().is_some());
        let read = *looks.max_by_key(|call| call.invoked)?;
        let before = Time::from_nanos(
            read.invoked_at
                .as_nanos()
                .saturating_sub(settles.as_nanos()),
        );
        let ending = Ending {
            read,
            log,
            settles,
            survivors: &survivors,
            agreeing: (read.invoked_at >= Time::ZERO + settles
                && read
                    .server
                    .is_some_and(|server| survivors.contains(&server))
                && log.healthy(&survivors, before, read.invoked_at))
            .then_some(before),
        };
        ending.judge(&of_key)
    };
    finding(keys.into_values().filter_map(judge_key).collect())
}

/// The last look at a key, and what it must have been preceded by.
struct Ending<'a> {
    read: &'a Call,
    log: &'a FaultLog,
    settles: Span,
    survivors: &'a [NodeId],
    /// Since when all who are well at the end have had the time to tell each other everything, if they have.
    agreeing: Option<Time>,
}

impl Ending<'_> {
    fn judge(&self, of_key: &[&Call]) -> Option<String> {
        let (found, seen) = self.read.saw()?;
        let ended = self.read.returned_at?;
        let skew = self.log.skew();
        let is_newer = |write: &&Call| write.made().is_some_and(|made| made > seen);
        let mut newer: Vec<&Call> = of_key.iter().copied().filter(is_newer).collect();
        newer.sort_unstable_by_key(|write| std::cmp::Reverse(write.made()));
        let is_due = |write: &&Call| self.demands(write) && !write.may_be_over(ended, skew);
        let write = newer.into_iter().find(is_due)?;
        let nothing = found.is_none();
        if is_outbid(self.read, write.made()?, of_key, skew) {
            return None;
        }
        if nothing && (write.is_delete() || is_explained(self.read, write, of_key, skew)) {
            return None;
        }
        let read = self.read;
        Some(format!(
            "the newest did not win: {write}, and at the end {read}"
        ))
    }

    /// Whether the read must know of a write.
    fn demands(&self, write: &Call) -> bool {
        let (Some(writer), Some(acknowledged)) = (write.server, write.returned_at) else {
            return false;
        };
        let Some(ended) = self
            .read
            .returned_at
            .filter(|_| write.returned < self.read.invoked)
        else {
            return false;
        };
        let lives = |node, from, until| !self.log.died(node, from, until);
        if self.read.server == Some(writer) && lives(writer, write.invoked_at, ended) {
            return true;
        }
        let has_told = |other: NodeId, until: Time| {
            let deaths = self.log.deaths(other);
            let died = deaths[..deaths.partition_point(|at| *at <= ended)].last();
            let from = died.map_or(acknowledged, |at| acknowledged.max(*at));
            let told = self
                .log
                .first_joined((writer, other), self.settles, from, until);
            told.is_some_and(|told| lives(writer, write.invoked_at, told))
                || died.is_none_or(|died| *died < write.invoked_at)
                    && self.is_handed_over(write, writer, other, until)
        };
        let mut others = self.survivors.iter().filter(|other| **other != writer);
        let knows = |server| has_told(server, self.read.invoked_at);
        self.read.server.is_some_and(knows)
            || self
                .agreeing
                .is_some_and(|since| others.any(|other| has_told(*other, since)))
    }

    /// Whether a writer quit as it should before an instant, and told another server what it had written before it did.
    fn is_handed_over(&self, write: &Call, writer: NodeId, other: NodeId, before: Time) -> bool {
        let Some(parted) = self.log.parted(writer, write.invoked_at) else {
            return false;
        };
        // The parting itself is the writer's next trouble.
        let until = Time::from_nanos(parted.as_nanos().saturating_sub(1));
        let from = write
            .invoked_at
            .as_nanos()
            .checked_sub(self.settles.as_nanos());
        let joined = |from| {
            self.log
                .joined(writer, other, Time::from_nanos(from), until)
        };
        parted < before && from.is_some_and(|from| joined(from) == Joined::Directly)
    }
}

#[cfg(test)]
mod tests {
    use super::super::log::Reach;
    use super::super::story::{
        bereaved, create, delete, evidence, get, ms, n, put, quiet, skewed, touch, troubled,
    };
    use super::*;

    /// Servers need a second.
    fn convicts(calls: &[Call], log: &FaultLog) -> bool {
        evidence(judge(calls, log, Span::secs(1))).is_some()
    }

    /// A write at one server, and the last read at another that shows something older.
    fn lost(read_at: u64) -> [Call; 3] {
        let old = put(1, (1, 2), 6, 4);
        [
            old,
            put(1, (10, 20), 7, 5),
            get(2, (read_at, read_at + 5), Some(6), 4),
        ]
    }

    #[test]
    fn the_newest_write_or_a_newer_one_is_shown_at_the_end() {
        let write = put(1, (10, 20), 7, 5);
        assert!(!convicts(
            &[write, get(2, (5_000, 5_001), Some(7), 5)],
            &quiet()
        ));
        let unknown = put(1, (30, 40), 8, 6).unanswered();
        assert!(!convicts(
            &[write, unknown, get(2, (5_000, 5_001), Some(8), 6)],
            &quiet()
        ));
        let convicted = evidence(judge(&lost(5_000), &quiet(), Span::secs(1))).unwrap();
        assert!(
            convicted.contains("c1 put k1=v7 -> written @5 from n1"),
            "{convicted}"
        );
    }

    #[test]
    fn another_server_has_its_time_to_be_told_and_the_same_one_has_none() {
        assert!(!convicts(&lost(1_019), &quiet()));
        assert!(convicts(&lost(1_020), &quiet()));
        let same = [put(2, (10, 20), 7, 5), get(2, (21, 22), None, 0)];
        assert!(convicts(&same, &quiet()));
    }

    #[test]
    fn a_server_that_died_before_it_could_tell_is_excused_and_later_not() {
        for (dies, excused) in [(9, false), (10, true), (1_020, true), (1_021, false)] {
            assert_eq!(
                convicts(&lost(9_000), &bereaved(1, dies, dies)),
                !excused,
                "{dies}"
            );
        }
    }

    #[test]
    fn a_server_that_nobody_heard_until_it_died_is_excused() {
        let mut log = troubled(Reach::pair(n(1), n(2)), 5, 2_000);
        log.strike(Reach::pair(n(1), n(3)), ms(900));
        log.die(n(1), ms(1_900));
        log.rise(n(1), ms(1_950));
        assert!(!convicts(&lost(9_000), &log));
        // The third server has heard of it, and told the second in the end.
        let mut log = troubled(Reach::pair(n(1), n(2)), 5, 2_000);
        log.die(n(1), ms(1_900));
        log.rise(n(1), ms(1_950));
        assert!(convicts(&lost(9_000), &log));
    }

    #[test]
    fn in_the_end_all_need_their_time_if_the_two_were_never_joined() {
        let log = |heals| troubled(Reach::pair(n(1), n(2)), 5, heals);
        assert!(convicts(&lost(9_000), &log(7_999)));
        assert!(!convicts(&lost(9_000), &log(8_000)));
    }

    #[test]
    fn a_reader_that_died_has_to_be_told_again() {
        assert!(!convicts(&lost(5_000), &bereaved(2, 3_000, 4_000)));
        assert!(convicts(&lost(5_000), &bereaved(2, 3_000, 3_999)));
    }

    #[test]
    fn where_nothing_is_found_the_newest_was_a_delete_or_is_over() {
        let write = put(1, (10, 20), 7, 5);
        let read = get(2, (5_000, 5_001), None, 0);
        assert!(convicts(&[write, read], &quiet()));
        assert!(!convicts(&[write, delete(3, (30, 40), 6), read], &quiet()));
        assert!(convicts(&[write, delete(3, (30, 40), 4), read], &quiet()));
        assert!(!convicts(
            &[write, delete(3, (30, 40), 6).unanswered(), read],
            &quiet()
        ));
        assert!(!convicts(&[write.living(4_991), read], &quiet()));
        assert!(convicts(&[write.living(4_992), read], &quiet()));
        assert!(!convicts(&[write.living(4_993), read], &skewed(1)));
        assert!(convicts(&[write.living(4_994), read], &skewed(1)));
    }

    #[test]
    fn what_was_deleted_does_not_come_back() {
        let story = [
            put(1, (1, 2), 7, 5),
            delete(1, (10, 20), 6),
            get(2, (5_000, 5_001), Some(7), 5),
        ];
        assert!(convicts(&story, &quiet()));
    }

    #[test]
    fn a_put_if_absent_looks_too() {
        let write = create(1, (10, 20), 7, 5);
        let at = (5_000, 5_001);
        assert!(!convicts(&[write, touch(2, at, 7, 5)], &quiet()));
        assert!(!convicts(&[write, touch(2, at, 8, 6)], &quiet()));
        assert!(convicts(&[write, touch(2, at, 6, 4)], &quiet()));
        assert!(convicts(&[write, create(2, at, 8, 6)], &quiet()));
        let over = write.living(4_991);
        assert!(!convicts(&[over, create(2, at, 8, 6)], &quiet()));
    }

    #[test]
    fn who_is_broken_at_the_end_need_not_have_heard_it_from_others() {
        let convicts = |broken: &[NodeId]| {
            let mut log = troubled(Reach::pair(n(1), n(2)), 5, 9_500);
            log.calm(broken.iter().copied(), ms(9_500));
            convicts(&lost(11_000)[..], &log)
        };
        assert!(convicts(&[]));
        assert!(!convicts(&[n(2)]));
    }

    #[test]
    fn who_heard_of_it_needs_its_time_to_tell_the_others() {
        // The second never hears the first, which joins the third for a second until it dies.
        let convicts = |dies| {
            let mut log = troubled(Reach::pair(n(1), n(2)), 5, 90_000);
            log.begin(Reach::pair(n(1), n(3)), ms(5));
            log.end(Reach::pair(n(1), n(3)), ms(dies - 1_001));
            log.die(n(1), ms(dies));
            convicts(&lost(9_000), &log)
        };
        assert!(convicts(8_000));
        assert!(!convicts(8_002));
    }

    #[test]
    fn only_the_last_read_counts() {
        let story = [put(1, (1, 2), 7, 5), get(2, (5_000, 5_001), None, 0)];
        let last = get(2, (6_000, 6_001), Some(7), 5);
        assert!(convicts(&story, &quiet()));
        assert!(!convicts(&[story[0], story[1], last], &quiet()));
    }

    #[test]
    fn who_quits_as_asked_has_told_those_who_were_joined_to_it() {
        let write = put(1, (2_000, 2_010), 7, 5);
        let calls = [
            put(1, (1_500, 1_510), 6, 4),
            write,
            get(2, (9_000, 9_005), Some(6), 4),
        ];
        let quits = |graceful: bool| {
            let mut log = quiet();
            if graceful {
                log.part(n(1), ms(2_100));
            }
            log.die(n(1), ms(2_100));
            log.rise(n(1), ms(3_000));
            log.close(ms(10_000));
            log
        };
        assert!(convicts(&calls, &quits(true)));
        assert!(!convicts(&calls, &quits(false)), "it died with it");
        let mut apart = quiet();
        for other in 2..=3 {
            apart.begin(Reach::pair(n(1), n(other)), ms(1_900));
        }
        apart.part(n(1), ms(2_100));
        apart.die(n(1), ms(2_100));
        apart.close(ms(10_000));
        assert!(!convicts(&calls, &apart), "nobody could hear it");
    }
}
