//! Reading what was written: a read sees what was acknowledged before it, at whichever server.
//!
//! At the server that acknowledged a write, every later read sees it. At another one it may take `direct`, or `through`
//! where the two hear each other through others only; and nothing is promised while a fault is in the way. So a read is
//! judged against a write if nothing was in trouble between their servers from `recovery` before the write until the end
//! of the read: for what a fault leaves behind, a connection to be made again, takes its time too. The beginning of the
//! run counts as a fault, and a death of one of the two excuses everything.
//!
//! Gets read, and so do puts-if-absent: one that found something showed it, and one that wrote showed that there was
//! nothing.
//!
//! A value that is shown may be older than what was acknowledged if something newer with a shorter life may be over: who
//! never heard of that still hands the older value around.
//!
//! Who is ready to wait for what is not there yet must not be told that nobody ever heard of it, however shortly before
//! it was acknowledged.

use netsplit::kv::Revision;
use netsplit::{NodeId, Span, Time};

use super::eventual::{by_key, finding, is_explained, is_outbid};
use super::log::{FaultLog, Joined};
use super::{Call, Finding};

/// How soon a read sees a write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// How old an acknowledgement is at the most that another server does not know of, while the two hear each other.
    pub direct: Span,
    /// The same, while they hear each other through others only.
    pub through: Span,
    /// How long before a write no fault may have been in the way.
    pub recovery: Span,
}

/// Against how many writes a read is judged at the most, the last to be acknowledged first. A healthy read is rarely
/// behind even one, and one that is behind so many, of which none could have reached it, is not worth the search.
const TRIES: usize = 16;

/// Judges a history. Only calls whose answers say who gave them are judged.
pub fn judge(calls: &[Call], log: &FaultLog, bounds: Bounds) -> Finding {
    let mut breaches = Vec::new();
    for of_key in by_key(calls).into_values() {
        let is_known = |call: &&Call| call.made().is_some() && call.server.is_some();
        let mut writes: Vec<&Call> = of_key.iter().copied().filter(is_known).collect();
        writes.sort_unstable_by_key(|write| write.returned);
        // The newest of each write and all that were acknowledged before it.
        let newest = |newest: &mut Revision, write: &&Call| {
            *newest = write.made().map_or(*newest, |made| made.max(*newest));
            Some(*newest)
        };
        let newest: Vec<Revision> = writes.iter().scan(Revision(0), newest).collect();
        for sight in of_key.iter().filter_map(|call| Sight::of(call)) {
            let before = writes.partition_point(|write| write.returned < sight.read.invoked);
            let unseen = (0..before)
                .rev()
                .take_while(|place| newest[*place] > sight.revision)
                .map(|place| writes[place])
                .filter(|write| write.made() > Some(sight.revision));
            let judge = |write: &Call| sight.judge(write, &of_key, log, bounds);
            breaches.extend(unseen.take(TRIES).find_map(judge));
        }
    }
    finding(breaches)
}

/// What a read saw.
struct Sight<'a> {
    read: &'a Call,
    server: NodeId,
    ended: Time,
    nothing: bool,
    /// Of what it saw; 0 where a write says no more than that nothing was there.
    revision: Revision,
}

impl Sight<'_> {
    fn of(call: &Call) -> Option<Sight<'_>> {
        let (found, revision) = call.saw()?;
        Some(Sight {
            read: call,
            server: call.server?,
            ended: call.returned_at?,
            nothing: found.is_none(),
            revision,
        })
    }

    /// Judges the read against a newer write that was acknowledged before it began.
    fn judge(
        &self,
        write: &Call,
        of_key: &[&Call],
        log: &FaultLog,
        bounds: Bounds,
    ) -> Option<String> {
        let bound = self.bound(write, log, bounds)?;
        let age = self.read.invoked_at.since(write.returned_at?);
        let skew = log.skew();
        let is_due = bound == Span::ZERO || age > bound;
        let is_gone = write.is_delete() || is_explained(self.read, write, of_key, skew);
        let is_excused = if self.nothing {
            is_gone
        } else {
            write
                .made()
                .is_some_and(|made| is_outbid(self.read, made, of_key, skew))
        };
        if !is_due || is_excused || write.may_be_over(self.ended, skew) {
            return None;
        }
        let key = self.read.request.key();
        let evidence = match (self.nothing, write.is_delete()) {
            (true, _) => format!("nothing is found of what was acknowledged {age} before"),
            (false, true) => format!("{key} came back to life, {age} after it was deleted"),
            (false, false) => {
                format!("what is shown is older than what was acknowledged {age} before")
            }
        };
        Some(format!("{evidence}: {write}, and then {}", self.read))
    }

    /// How old an acknowledgement must be for the read to know of it; none if nothing is promised.
    fn bound(&self, write: &Call, log: &FaultLog, bounds: Bounds) -> Option<Span> {
        let writer = write.server?;
        let dies = |node| log.died(node, write.invoked_at, self.ended);
        if dies(writer) || dies(self.server) {
            return None;
        }
        if writer == self.server {
            return Some(Span::ZERO);
        }
        let since_start = write.invoked_at.since(Time::ZERO);
        let from = Time::ZERO + (since_start - bounds.recovery);
        if from == Time::ZERO {
            return None;
        }
        match log.joined(writer, self.server, from, self.ended) {
            Joined::Directly if self.read.waits && self.revision == Revision(0) => Some(Span::ZERO),
            Joined::Directly => Some(bounds.direct),
            Joined::Through => Some(bounds.through),
            Joined::Not => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::log::Reach;
    use super::super::story::{
        bereaved, create, delete, evidence, get, n, put, quiet, skewed, touch, troubled,
    };
    use super::*;

    const BOUNDS: Bounds = Bounds {
        direct: Span::millis(50),
        through: Span::millis(200),
        recovery: Span::millis(1_000),
    };

    #[track_caller]
    fn acquits(calls: &[Call], log: &FaultLog) {
        assert_eq!(judge(calls, log, BOUNDS), Finding::Holds);
    }

    #[track_caller]
    fn convicts(calls: &[Call], log: &FaultLog, of: &str) {
        let evidence = evidence(judge(calls, log, BOUNDS)).unwrap_or_else(|| panic!("acquitted"));
        assert!(evidence.contains(of), "{evidence}");
    }

    /// An old value and a new one from n1, acknowledged at 2010, and a read of the old one that begins then.
    fn stale(server: u32, begins: u64) -> [Call; 3] {
        let old = put(1, (1_500, 1_510), 6, 4);
        let read = get(server, (begins, begins + 5), Some(6), 4);
        [old, put(1, (2_000, 2_010), 7, 5), read]
    }

    #[test]
    fn at_the_same_server_a_read_sees_a_write_at_once() {
        acquits(&stale(1, 2_010), &quiet());
        convicts(
            &stale(1, 2_011),
            &quiet(),
            "older than what was acknowledged 1ms before",
        );
    }

    #[test]
    fn an_older_value_may_come_back_where_a_shorter_life_outbid_both_and_may_be_over() {
        let [old, new, _] = stale(1, 2_011);
        let outbid = |life, at| {
            let brief = put(2, (2_020, 2_030), 8, 6).living(life);
            let read = get(1, (at, at + 5), Some(6), 4);
            [old.living(9_000), new.living(9_000), brief, read]
        };
        convicts(&outbid(100, 2_114), &quiet(), "older than what was");
        acquits(&outbid(100, 2_115), &quiet());
        convicts(&outbid(9_000, 2_500), &quiet(), "older than what was");
    }

    #[test]
    fn at_another_server_a_read_sees_a_write_after_the_bound() {
        acquits(&stale(2, 2_060), &quiet());
        convicts(
            &stale(2, 2_061),
            &quiet(),
            "older than what was acknowledged 51ms before",
        );
    }

    #[test]
    fn through_others_it_takes_longer_and_around_a_fault_there_may_be_no_way() {
        let link = troubled(Reach::pair(n(1), n(2)), 500, 5_000);
        acquits(&stale(2, 2_210), &link);
        convicts(&stale(2, 2_211), &link, "201ms before");
        let mut both = link.clone();
        both.strike(Reach::pair(n(2), n(3)), Time::ZERO + Span::millis(1_500));
        acquits(&stale(2, 9_000), &both);
        acquits(&stale(2, 9_000), &troubled(Reach::All, 3_000, 3_001));
    }

    #[test]
    fn a_fault_excuses_until_it_is_recovered_from() {
        let before = |ends| troubled(Reach::Node(n(2)), 900, ends);
        acquits(&stale(2, 2_100), &before(1_000));
        convicts(&stale(2, 2_100), &before(999), "90ms before");
        let after = |begins| troubled(Reach::Node(n(2)), begins, 9_000);
        acquits(&stale(2, 2_100), &after(2_105));
        convicts(&stale(2, 2_100), &after(2_106), "90ms before");
    }

    #[test]
    fn the_beginning_counts_as_a_fault() {
        let story = |at: u64| {
            [
                put(1, (at, at + 1), 7, 5),
                get(2, (at + 100, at + 101), None, 0),
            ]
        };
        acquits(&story(1_000), &quiet());
        convicts(
            &story(1_001),
            &quiet(),
            "nothing is found of what was acknowledged 99ms before",
        );
    }

    #[test]
    fn deaths_of_the_two_excuse_and_a_third_one_does_not() {
        for (server, dies, excused) in [
            (1, 1_999, false),
            (1, 2_000, true),
            (1, 2_016, true),
            (1, 2_017, false),
            (2, 2_005, false),
        ] {
            let finding = judge(&stale(1, 2_011), &bereaved(server, dies, dies), BOUNDS);
            assert_eq!(finding == Finding::Holds, excused, "n{server} at {dies}");
        }
    }

    #[test]
    fn what_was_deleted_does_not_come_back() {
        let story = |begins| {
            let read = get(2, (begins, begins + 5), Some(6), 4);
            [
                put(1, (1_500, 1_510), 6, 4),
                delete(1, (2_000, 2_010), 5),
                read,
            ]
        };
        acquits(&story(2_060), &quiet());
        convicts(
            &story(2_061),
            &quiet(),
            "k1 came back to life, 51ms after it was deleted",
        );
    }

    #[test]
    fn nothing_is_found_after_a_delete_or_at_the_end_of_a_life() {
        let write = put(1, (2_000, 2_010), 7, 5);
        let read = get(2, (3_000, 3_001), None, 0);
        convicts(&[write, read], &quiet(), "nothing is found");
        acquits(&[write, delete(3, (2_900, 2_950), 6), read], &quiet());
        acquits(&[write, delete(3, (2_999, 3_005), 6), read], &quiet());
        convicts(
            &[write, delete(3, (3_002, 3_005), 6), read],
            &quiet(),
            "nothing is found",
        );
        acquits(
            &[write, delete(3, (1_900, 1_950), 6).unanswered(), read],
            &quiet(),
        );
        convicts(
            &[write, delete(3, (1_900, 1_950), 4), read],
            &quiet(),
            "nothing is found",
        );
        acquits(&[write.living(1_001), read], &quiet());
        convicts(&[write.living(1_002), read], &quiet(), "nothing is found");
        acquits(&[write.living(1_003), read], &skewed(1));
        let short = put(3, (2_500, 2_501), 8, 6).living(10);
        acquits(&[write, short, read], &quiet());
    }

    #[test]
    fn a_put_if_absent_reads_too() {
        let write = put(1, (2_000, 2_010), 7, 5);
        acquits(&[write, touch(2, (3_000, 3_001), 7, 5)], &quiet());
        convicts(
            &[write, touch(2, (3_000, 3_001), 6, 4)],
            &quiet(),
            "older than",
        );
        convicts(
            &[write, create(2, (3_000, 3_001), 8, 6)],
            &quiet(),
            "nothing is found",
        );
        acquits(&[write, create(2, (2_060, 2_061), 8, 6)], &quiet());
    }

    #[test]
    fn who_waits_is_never_told_that_nobody_heard_of_it_and_may_find_what_is_old() {
        let find = |at, revision| {
            let mut get = get(2, at, None, revision);
            get.exchange.waits = true;
            get
        };
        let write = put(1, (2_000, 2_010), 7, 5);
        acquits(&[write, find((2_010, 2_030), 0)], &quiet());
        convicts(&[write, find((2_011, 2_030), 0)], &quiet(), "1ms before");
        acquits(&[write, get(2, (2_011, 2_030), None, 0)], &quiet());
        // It was deleted before, and this server knows of that.
        acquits(&[write, find((2_011, 2_030), 4)], &quiet());
        let gone = delete(3, (2_000, 2_020), 6);
        acquits(&[write, gone, find((2_011, 2_030), 0)], &quiet());
    }

    #[test]
    fn long_histories_are_judged_fast() {
        let mut calls = Vec::new();
        for step in 0..10_000 {
            let at = 2_000 + 10 * step;
            calls.push(put(1, (at, at + 1), step, step + 1));
            calls.push(get(2, (at + 5, at + 6), Some(step), step + 1));
        }
        let mut log = quiet();
        for step in 0..500 {
            let at = Time::ZERO + Span::millis(200 * step);
            log.strike(Reach::pair(n(1), n(3)), at);
        }
        acquits(&calls, &log);
    }
}
