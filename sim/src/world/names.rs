//! The name service: one name stands for the servers of a mode, as a name in DNS does.
//!
//! The directory is the operator's. It lists every server that no fault has taken out, whether it is up or not. Who asks
//! is told what the directory says at that instant, a little later; no link of the mode carries question or answer, so
//! that partitions do not touch them.

use netsplit::{Input, Life, Mode, NodeId, Span, SpanRange};
use tracing::{debug, trace};

use super::random::{Key, Purpose};
use super::{Event, World};

/// How long after a question its answer comes: the round trip to a resolver nearby.
pub const ANSWERS_AFTER: SpanRange = SpanRange {
    min: Span::millis(1),
    max: Span::millis(10),
};

/// What a resolver that is not well answers. Of several for one asker the last of these counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Answer {
    /// What it knew when the fault began.
    Stale,
    /// An empty list.
    Nothing,
    /// Nothing at all, ever.
    Never,
}

/// What the name stands for, and who is told otherwise.
pub(super) struct Names {
    /// How many faults have taken each server out, by slot.
    unlisted: Vec<u16>,
    troubles: Vec<Trouble>,
    /// How often each host has asked: the ordinal of what is drawn for it.
    asked: Vec<u64>,
}

/// A fault of the resolver: of which part, for whom, and what it knew when that began.
struct Trouble {
    part: (usize, usize),
    on: Vec<usize>,
    answer: Answer,
    knew: Vec<usize>,
}

impl Names {
    pub(super) fn new(servers: usize, hosts: usize) -> Names {
        Names {
            unlisted: vec![0; servers],
            troubles: Vec::new(),
            asked: vec![0; hosts],
        }
    }

    /// The servers that the name stands for.
    fn listed(&self) -> Vec<usize> {
        let listed = |slot: &usize| self.unlisted[*slot] == 0;
        (0..self.unlisted.len()).filter(listed).collect()
    }

    /// Takes servers out of the name, or puts them back. Clients were never in it.
    pub(super) fn unlist(&mut self, on: &[usize], begin: bool) {
        for slot in on {
            if let Some(unlisted) = self.unlisted.get_mut(*slot) {
                *unlisted = if begin { *unlisted + 1 } else { *unlisted - 1 };
            }
        }
    }

    /// Something is wrong with the answers that these get.
    pub(super) fn begin(&mut self, part: (usize, usize), on: &[usize], answer: Answer) {
        self.troubles.push(Trouble {
            part,
            on: on.to_vec(),
            answer,
            knew: self.listed(),
        });
    }

    /// Nothing of that is wrong any more, for these.
    pub(super) fn end(&mut self, part: (usize, usize), on: &[usize]) {
        for trouble in self.troubles.iter_mut().filter(|other| other.part == part) {
            trouble.on.retain(|slot| !on.contains(slot));
        }
        self.troubles.retain(|trouble| !trouble.on.is_empty());
    }

    /// What is answered to who asks now, if anything. Of several stale answers the oldest counts.
    fn answer(&self, slot: usize) -> Option<Vec<usize>> {
        let troubles = self.troubles.iter();
        let of_it: Vec<&Trouble> = troubles.filter(|all| all.on.contains(&slot)).collect();
        let worst = of_it.iter().map(|trouble| trouble.answer).max();
        let first = of_it.iter().find(|trouble| Some(trouble.answer) == worst);
        match first {
            None => Some(self.listed()),
            Some(trouble) => match trouble.answer {
                Answer::Stale => Some(trouble.knew.clone()),
                Answer::Nothing => Some(Vec::new()),
                Answer::Never => None,
            },
        }
    }
}

/// An answer on its way. It stands apart from other events, so that those stay small: a large system has a hundred
/// thousand of them waiting.
pub(super) struct Reply {
    host: usize,
    /// Which of its lives asked.
    life: Life,
    servers: Vec<NodeId>,
}

impl<M: Mode> World<'_, M> {
    /// A process asks who is there.
    #[cold]
    pub(super) fn resolve(&mut self, slot: usize) {
        assert!(
            M::resolves(&self.scenario.config),
            "{} says that it looks up no names",
            M::NAME
        );
        trace!(target: "world", at = %self.now, node = %self.ids[slot], "asks who is there");
        let asked = &mut self.names.asked[slot];
        *asked += 1;
        let draw = Key::new(self.seed, Purpose::Resolver(slot as u32)).draw(*asked);
        let Some(servers) = self.names.answer(slot) else {
            return;
        };
        let servers = servers.into_iter().map(|slot| self.ids[slot]).collect();
        let (host, life) = (slot, self.hosts[slot].life);
        self.events.push(
            self.now + draw.within(ANSWERS_AFTER),
            Event::Answer(Box::new(Reply {
                host,
                life,
                servers,
            })),
        );
    }

    /// An answer comes: for the life that asked, if that is not over.
    #[cold]
    pub(super) fn answer(&mut self, reply: Reply) {
        let host = &self.hosts[reply.host];
        if host.life == reply.life && host.process.is_some() {
            self.input(reply.host, Input::Resolved(reply.servers));
        }
    }

    /// A process takes an answer in.
    #[cold]
    pub(super) fn resolved(&mut self, slot: usize, servers: &[NodeId]) {
        let names = servers.iter().map(NodeId::to_string).collect::<Vec<_>>();
        let names = if names.is_empty() {
            "nobody".into()
        } else {
            names.join(" ")
        };
        debug!(target: "world", at = %self.now, node = %self.ids[slot], "resolved {names} to {}", self.ids[slot]);
        self.mark(11 << 40, slot as u32, servers.len() as u32);
        servers
            .iter()
            .for_each(|server| self.mark(11 << 40, slot as u32, server.number()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHO: usize = 1;

    #[test]
    fn who_is_taken_out_twice_is_back_when_it_was_put_back_twice() {
        let mut names = Names::new(3, 4);
        names.unlist(&[0, 3], true);
        names.unlist(&[0], true);
        assert_eq!(names.answer(WHO), Some(vec![1, 2]));
        names.unlist(&[0, 3], false);
        assert_eq!(names.answer(WHO), Some(vec![1, 2]));
        names.unlist(&[0], false);
        assert_eq!(names.answer(WHO), Some(vec![0, 1, 2]));
    }

    #[test]
    fn never_outdoes_nothing_and_nothing_outdoes_what_is_stale() {
        let mut names = Names::new(3, 4);
        names.begin((0, 0), &[WHO], Answer::Never);
        names.begin((1, 0), &[WHO], Answer::Stale);
        names.begin((2, 0), &[WHO], Answer::Nothing);
        names.unlist(&[2], true);
        assert_eq!(names.answer(WHO), None);
        assert_eq!(names.answer(0), Some(vec![0, 1]));
        names.end((0, 0), &[WHO]);
        assert_eq!(names.answer(WHO), Some(vec![]));
        names.end((2, 0), &[WHO]);
        assert_eq!(names.answer(WHO), Some(vec![0, 1, 2]));
        names.end((1, 0), &[WHO]);
        assert_eq!(names.answer(WHO), Some(vec![0, 1]));
    }

    #[test]
    fn of_two_stale_answers_the_older_one_counts_while_it_lasts() {
        let mut names = Names::new(3, 4);
        names.begin((0, 0), &[WHO], Answer::Stale);
        names.unlist(&[0], true);
        names.begin((1, 0), &[WHO], Answer::Stale);
        names.unlist(&[2], true);
        assert_eq!(names.answer(WHO), Some(vec![0, 1, 2]));
        names.end((0, 0), &[WHO]);
        assert_eq!(names.answer(WHO), Some(vec![1, 2]));
    }

    #[test]
    fn a_fault_can_end_for_some_and_go_on_for_others() {
        let mut names = Names::new(3, 4);
        names.begin((0, 0), &[0, WHO], Answer::Never);
        names.end((0, 0), &[WHO]);
        assert_eq!(names.answer(WHO), Some(vec![0, 1, 2]));
        assert_eq!(names.answer(0), None);
    }
}
