//! A node's disk: what is durable, and what a crash can still take.

use netsplit::{Damage, DiskView, Span, SpanRange, Ticket};

use super::random::Draw;

/// What disks are like, as a scenario sets it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DiskSetup {
    /// How long a flush takes.
    pub flush: SpanRange,
}

impl Default for DiskSetup {
    /// A data-centre NVMe drive without power-loss protection flushes in about a millisecond.
    fn default() -> Self {
        DiskSetup {
            flush: SpanRange::new(Span::micros(500), Span::micros(1500)),
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

impl<R: Clone> Disk<R> {
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

    fn written(disk: &Disk<u32>) -> Vec<u32> {
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
            disk.flush(Ticket(u64::from(n)));
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
        let prefixes: Vec<Vec<u32>> = (1..=4).map(|n| (0..n).collect()).collect();
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
        let mut disk: Disk<u32> = Disk {
            durable,
            ..Disk::default()
        };
        assert_eq!(disk.read(), [Ok(1), Err(Damage::Torn)]);
        assert_eq!(disk.read(), [Ok(1)]);
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
