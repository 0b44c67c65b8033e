//! A node's disk: what is durable, and what a crash can still take.

use netsplit::{Damage, DiskView, Size, Span, SpanRange, Ticket};

use super::random::Draw;

/// What disks are like, as a scenario sets it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DiskSetup {
    /// How long a flush takes.
    pub flush: SpanRange,
    /// Bytes a second that a flush writes on top of that; none for any number.
    pub bandwidth: Option<u64>,
}

impl DiskSetup {
    /// How long a flush of so many bytes takes.
    pub fn flush_takes(&self, draw: Draw, bytes: u64) -> Span {
        let writing = self.bandwidth.map_or(0, |rate| {
            u128::from(bytes) * 1_000_000_000 / u128::from(rate)
        });
        draw.within(self.flush) + Span::nanos(writing as u64)
    }
}

impl Default for DiskSetup {
    /// A data-centre NVMe drive without power-loss protection flushes in about a millisecond.
    fn default() -> Self {
        DiskSetup {
            flush: SpanRange::new(Span::micros(500), Span::micros(1500)),
            bandwidth: None,
        }
    }
}

/// A write that no flush has covered yet.
#[derive(Clone, Debug)]
enum Unflushed<R> {
    Append(R),
    Replace(Vec<R>),
}

/// One disk.
#[derive(Clone, Debug)]
pub struct Disk<R> {
    durable: Vec<Result<R, Damage>>,
    generation: u32,
    cache: Vec<Unflushed<R>>,
    /// The newest flush asked for, and the newest done.
    asked: Ticket,
    done: Ticket,
    /// The flush that runs: how much of the cache it covers, and up to which ticket.
    running: Option<(usize, Ticket)>,
}

impl<R> Default for Disk<R> {
    /// An empty disk.
    fn default() -> Disk<R> {
        Disk {
            durable: Vec::new(),
            generation: 0,
            cache: Vec::new(),
            asked: Ticket(0),
            done: Ticket(0),
            running: None,
        }
    }
}

impl<R: Clone + Size> Disk<R> {
    /// A disk that holds what its operator put there.
    pub fn formatted(records: Vec<R>) -> Disk<R> {
        Disk {
            durable: records.into_iter().map(Ok).collect(),
            ..Disk::default()
        }
    }

    /// Adds a record to the cache.
    pub fn write(&mut self, record: R) {
        self.cache.push(Unflushed::Append(record));
    }
    /// Replaces everything, once flushed.
    pub fn rewrite(&mut self, records: Vec<R>) {
        self.cache.push(Unflushed::Replace(records));
    }

    /// Asks for a flush.
    pub fn flush(&mut self, ticket: Ticket) {
        self.asked = ticket;
    }

    /// The newest flush asked for, if it is not done: what an outward effect has to wait for.
    pub fn barrier(&self) -> Option<Ticket> {
        (self.asked > self.done).then_some(self.asked)
    }

    /// The newest flush that is done.
    pub fn done(&self) -> Ticket {
        self.done
    }

    /// Starts the next flush, if one was asked for and none runs. It covers all that was written by now.
    pub fn start(&mut self) -> bool {
        let starts = self.running.is_none() && self.asked > self.done;
        if starts {
            self.running = Some((self.cache.len(), self.asked));
        }
        starts
    }

    /// Ends the flush that runs; every ticket up to the one returned is done.
    ///
    /// # Panics
    /// If none runs.
    pub fn finish(&mut self) -> Ticket {
        let (covered, ticket) = self
            .running
            .take()
            .expect("only a flush that was started ends");
        self.keep(covered);
        self.cache.drain(..covered);
        self.done = ticket;
        ticket
    }

    /// Ends the flush that runs with an error: any prefix of what it covered is durable, and the rest of the cache is
    /// gone, also what came in meanwhile, for it stood behind the hole. Every flush asked for so far has failed.
    ///
    /// # Panics
    /// If none runs.
    pub fn fail(&mut self, draw: Draw) -> Ticket {
        let (covered, _) = self
            .running
            .take()
            .expect("only a flush that was started fails");
        self.keep(draw.also(3).below(covered as u64 + 1) as usize);
        self.cache.clear();
        self.done = self.asked;
        self.asked
    }

    /// Ends the flush that runs as if all were well, and keeps everything in a cache that a crash can take.
    ///
    /// # Panics
    /// If none runs.
    pub fn lie(&mut self) -> Ticket {
        let (_, ticket) = self
            .running
            .take()
            .expect("only a flush that was started lies");
        self.done = ticket;
        ticket
    }

    /// One of its durable records cannot be read any more; whether it had any. A torn one never was durable.
    pub fn rot(&mut self, draw: Draw) -> bool {
        let readable = self.durable.iter().filter(|record| record.is_ok()).count();
        let place = draw.also(4).below(readable as u64) as usize;
        self.generation += 1;
        let mut readable = self.durable.iter_mut().filter(|record| record.is_ok());
        let record = readable.nth(place);
        record.map(|record| *record = Err(Damage::Rotten)).is_some()
    }

    /// Nothing is on it any more.
    pub fn wipe(&mut self) {
        self.durable.clear();
        self.generation += 1;
    }

    /// How many bytes the flush that runs covers.
    pub fn flushing_bytes(&self) -> u64 {
        let covered = self.running.map_or(0, |(covered, _)| covered);
        let size = |write: &Unflushed<R>| match write {
            Unflushed::Append(record) => record.size(),
            Unflushed::Replace(records) => records.iter().map(Size::size).sum(),
        };
        self.cache[..covered]
            .iter()
            .map(|write| size(write) as u64)
            .sum()
    }

    fn keep(&mut self, count: usize) {
        for write in &self.cache[..count] {
            match write {
                Unflushed::Append(record) => self.durable.push(Ok(record.clone())),
                Unflushed::Replace(records) => {
                    self.durable = records.iter().cloned().map(Ok).collect();
                    self.generation += 1;
                }
            }
        }
    }

    /// The node goes down: any prefix of what was not flushed survives, and the write at the cut may be torn.
    ///
    /// Half the time nothing survives, as when a cache is never written back by itself.
    pub fn crash(&mut self, draw: Draw) {
        let writes = self.cache.len() as u64;
        let kept = if draw.also(0).below(2) == 0 {
            0
        } else {
            draw.also(1).below(writes + 1) as usize
        };
        self.keep(kept);
        if let Some(Unflushed::Append(_)) = self.cache.get(kept)
            && draw.also(2).below(2) == 0
        {
            self.durable.push(Err(Damage::Torn));
        }
        self.cache.clear();
        self.running = None;
        self.done = self.asked;
    }

    /// What a boot finds. A torn tail is found once: what is written next takes its place.
    pub fn read(&mut self) -> Vec<Result<R, Damage>> {
        let found = self.durable.clone();
        if let Some(Err(Damage::Torn)) = self.durable.last() {
            self.durable.pop();
            self.generation += 1;
        }
        found
    }

    /// Whether a flush runs.
    pub fn is_flushing(&self) -> bool {
        self.running.is_some()
    }

    /// How many writes wait for a flush.
    pub fn unflushed(&self) -> usize {
        self.cache.len()
    }

    /// What is durable.
    pub fn view(&self) -> DiskView<'_, R> {
        DiskView {
            generation: self.generation,
            records: &self.durable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::random::{Key, Purpose};
    use super::*;

    fn written(disk: &Disk<u64>) -> Vec<u64> {
        disk.view().records.iter().flatten().copied().collect()
    }

    #[test]
    fn a_flush_covers_what_was_written_before_it_started() {
        let mut disk = Disk::default();
        disk.write(1);
        disk.flush(Ticket(1));
        assert!(disk.start());
        disk.write(2);
        disk.flush(Ticket(2));
        assert!(!disk.start(), "one flush runs at a time");
        assert_eq!(disk.barrier(), Some(Ticket(2)));
        assert_eq!(disk.finish(), Ticket(1));
        assert_eq!(written(&disk), [1]);
    }

    #[test]
    fn the_next_flush_covers_every_ticket_asked_for_meanwhile() {
        let mut disk = Disk::default();
        disk.flush(Ticket(1));
        disk.start();
        for n in 2..5 {
            disk.write(n);
            disk.flush(Ticket(n));
        }
        disk.finish();
        assert!(disk.start());
        assert_eq!(disk.finish(), Ticket(4));
        assert_eq!(written(&disk), [2, 3, 4]);
        assert_eq!(disk.barrier(), None);
    }

    #[test]
    fn a_crash_keeps_any_prefix_of_the_tail_and_every_prefix_occurs() {
        let mut seen = std::collections::BTreeSet::new();
        for ordinal in 0..200 {
            let mut disk = Disk::default();
            disk.write(0);
            disk.flush(Ticket(1));
            disk.start();
            disk.finish();
            (1..4).for_each(|n| disk.write(n));
            disk.crash(Key::new(5, Purpose::Disk(0)).draw(ordinal));
            let torn = disk.view().records.last() == Some(&Err(Damage::Torn));
            seen.insert((written(&disk), torn));
        }
        let prefixes: Vec<Vec<u64>> = (1..=4).map(|n| (0..n).collect()).collect();
        assert!(
            seen.iter().all(|(records, _)| prefixes.contains(records)),
            "{seen:?}"
        );
        // Any of four prefixes, torn or clean; a complete tail has nothing left to tear.
        assert_eq!(seen.len(), 7, "{seen:?}");
    }

    #[test]
    fn a_torn_tail_is_found_once() {
        let durable = vec![Ok(1), Err(Damage::Torn)];
        let mut disk: Disk<u64> = Disk {
            durable,
            ..Disk::default()
        };
        assert_eq!(disk.read(), [Ok(1), Err(Damage::Torn)]);
        assert_eq!(disk.read(), [Ok(1)]);
    }

    fn draw(ordinal: u64) -> Draw {
        Key::new(6, Purpose::Disk(0)).draw(ordinal)
    }

    fn flushing(records: std::ops::Range<u64>) -> Disk<u64> {
        let mut disk = Disk::default();
        records.for_each(|n| disk.write(n));
        disk.flush(Ticket(1));
        disk.start();
        disk
    }

    #[test]
    fn a_failed_flush_keeps_any_prefix_and_the_next_one_says_nothing_about_the_rest() {
        let mut kept = std::collections::BTreeSet::new();
        for ordinal in 0..100 {
            let mut disk = flushing(0..3);
            disk.write(8);
            disk.flush(Ticket(2));
            assert_eq!(disk.fail(draw(ordinal)), Ticket(2));
            assert_eq!((disk.unflushed(), disk.barrier()), (0, None));
            let before = written(&disk);
            disk.write(9);
            disk.flush(Ticket(3));
            disk.start();
            disk.finish();
            assert_eq!(written(&disk), [&before[..], &[9]].concat());
            kept.insert(before);
        }
        let prefixes: Vec<Vec<u64>> = (0..=3).map(|n| (0..n).collect()).collect();
        assert_eq!(kept.into_iter().collect::<Vec<_>>(), prefixes);
    }

    #[test]
    fn what_a_lying_flush_acknowledged_is_lost_in_a_crash_unless_an_honest_one_came_behind() {
        let lied = || {
            let mut disk = flushing(0..3);
            assert_eq!(disk.lie(), Ticket(1));
            assert_eq!((disk.barrier(), written(&disk)), (None, vec![]));
            disk
        };
        let lost = (0..100).filter(|ordinal| {
            let mut disk = lied();
            disk.crash(draw(*ordinal));
            written(&disk).len() < 3
        });
        assert!(lost.count() > 50);
        let mut disk = lied();
        disk.flush(Ticket(2));
        disk.start();
        disk.finish();
        disk.crash(draw(0));
        assert_eq!(written(&disk), [0, 1, 2]);
    }

    #[test]
    fn any_record_can_rot_and_a_wiped_disk_holds_nothing() {
        let places: std::collections::BTreeSet<usize> = (0..100)
            .map(|ordinal| {
                let mut disk = Disk::formatted(vec![1, 2, 3]);
                assert!(disk.rot(draw(ordinal)));
                let view = disk.view();
                assert_eq!((view.generation, view.records.len()), (1, 3));
                let rotten = |record: &Result<u64, Damage>| *record == Err(Damage::Rotten);
                assert_eq!(
                    view.records.iter().filter(|record| rotten(record)).count(),
                    1
                );
                view.records.iter().position(rotten).unwrap()
            })
            .collect();
        assert_eq!(places.into_iter().collect::<Vec<_>>(), [0, 1, 2]);
        let mut disk = Disk::formatted(vec![1, 2, 3]);
        disk.wipe();
        assert_eq!(disk.read(), []);
        assert!(!disk.rot(draw(0)));
    }

    #[test]
    fn only_what_can_be_read_rots() {
        for ordinal in 0..20 {
            let durable = vec![Err(Damage::Rotten), Ok(1), Err(Damage::Torn)];
            let mut disk: Disk<u64> = Disk {
                durable,
                ..Disk::default()
            };
            assert!(disk.rot(draw(ordinal)));
            let rotten = Err(Damage::Rotten);
            assert_eq!(disk.durable, [rotten, rotten, Err(Damage::Torn)]);
            assert!(!disk.rot(draw(ordinal)));
        }
    }

    #[test]
    fn a_flush_takes_its_latency_and_its_bytes() {
        let disk = flushing(0..3);
        let exactly = SpanRange::exactly(Span::millis(1));
        let setup = |bandwidth| DiskSetup {
            flush: exactly,
            bandwidth,
        };
        assert_eq!(disk.flushing_bytes(), 24);
        assert_eq!(setup(None).flush_takes(draw(0), 24), Span::millis(1));
        assert_eq!(
            setup(Some(24_000)).flush_takes(draw(0), 24),
            Span::millis(2)
        );
    }

    #[test]
    fn a_rewrite_replaces_everything_only_when_flushed() {
        let mut disk = Disk::default();
        disk.write(1);
        disk.flush(Ticket(1));
        disk.start();
        disk.finish();
        disk.rewrite(vec![7, 8]);
        assert_eq!(written(&disk), [1]);
        disk.flush(Ticket(2));
        disk.start();
        disk.finish();
        assert_eq!((written(&disk), disk.view().generation), (vec![7, 8], 1));
    }
}
