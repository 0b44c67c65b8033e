//! `registerSibling`, with updates in between wherever they may fall: a newcomer ends with the main's resources.

use std::collections::VecDeque;

use super::*;

/// The keys of the two resources that the group is formatted with: each is a part of a copy.
const FIRST: u32 = 1 << 24;
const SECOND: u32 = FIRST + 1;
/// The key of a resource that there is not before it is updated: it stands before both.
const NEW: u32 = 7;

/// When each update is accepted, by how many messages have arrived until then, and its key.
type Schedule = Vec<(usize, u32)>;

/// A main with one sibling, and a newcomer, with what is under way between them.
struct Registration {
    main: Solo<Server>,
    newcomer: Solo<Server>,
    under_way: VecDeque<(NodeId, Word)>,
    updates: u64,
}

impl Registration {
    fn new(options: Options) -> Registration {
        let options = Options {
            siblings: 1,
            resources: 2,
            copy_batch: 1,
            batch: 2,
            ..options
        };
        let boot = |me| {
            let (node, _) = Solo::boot_among(config(3, 1, options.clone()), me, &[]);
            node
        };
        let mut registration = Registration {
            main: boot(m(1)),
            newcomer: boot(m(3)),
            under_way: VecDeque::new(),
            updates: 0,
        };
        let main = &mut registration.main;
        main.is_told(l(1), Word::Promote(charter(1, 1)));
        main.flushed(OATH);
        let hash = main.replica().machine.hash();
        main.is_told(m(2), confirmed_by(1, 1, 0, hash, CopyId::default()));
        let (node, anew) = (m(3), false);
        let deeds = main.is_told(l(1), Word::AddSibling { node, anew });
        registration.post(&deeds);
        registration
    }

    /// What one of the two says to the other sets out.
    fn post(&mut self, deeds: &Deeds) {
        let between = deeds.messages().filter(|(to, _)| [m(1), m(3)].contains(to));
        let between = between.map(|(to, message)| (to, message.word.clone()));
        self.under_way.extend(between);
    }

    /// An update is logged, confirmed by the sibling, and accepted if the newcomer's consent is not needed yet.
    fn update(&mut self, key: u32) {
        self.updates += 1;
        let deeds = self
            .main
            .is_told(c(1), ask(self.updates, put(key, self.updates)));
        self.post(&deeds);
        let deeds = self.main.flushed(u64::MAX);
        self.post(&deeds);
        let last = self.main.replica().durable.log.last().seq.0;
        let (executed, hash) = (u64::MAX, 0);
        let word = confirmed_by(1, last, executed, hash, CopyId::default());
        let deeds = self.main.is_told(m(2), word);
        self.post(&deeds);
    }

    /// The next message arrives, or the main's alarm goes off.
    fn next(&mut self) {
        let deeds = match self.under_way.pop_front() {
            Some((to, word)) if to == m(1) => self.main.is_told(m(3), word),
            Some((_, word)) => self.newcomer.is_told(m(1), word),
            None => self.main.fires(Timer::Again(GROUP, m(3))),
        };
        self.post(&deeds);
    }

    /// Whether the newcomer is a sibling and has executed all.
    fn is_done(&mut self) -> bool {
        let accepted = self.main.accepted();
        self.newcomer.standing() == "sibling" && self.newcomer.accepted() == accepted
    }

    /// How the two end, if each update comes when it is due.
    fn ends(mut self, schedule: &Schedule) -> (Machine, Machine) {
        let mut due = schedule.iter().peekable();
        for arrived in 0.. {
            while let Some((_, key)) = due.next_if(|(when, _)| *when <= arrived) {
                self.update(*key);
            }
            if due.peek().is_none() && self.is_done() {
                break;
            }
            assert!(arrived < 200, "it comes to an end");
            if self.under_way.is_empty() {
                // What is accepted rides on a heartbeat, if on nothing else.
                let deeds = self.main.fires(Timer::Heartbeat(GROUP));
                self.post(&deeds);
            }
            self.next();
        }
        let (main, newcomer) = (self.main.replica(), self.newcomer.replica());
        (main.machine.clone(), newcomer.machine.clone())
    }
}

/// All schedules of so many updates of these keys, none later than when so many messages have arrived.
fn schedules(updates: usize, keys: &[u32], latest: usize) -> Vec<Schedule> {
    let mut all: Vec<Schedule> = vec![Vec::new()];
    for _ in 0..updates {
        let longer = all.iter().flat_map(|schedule| {
            let earliest = schedule.last().map_or(0, |(when, _)| *when);
            let whens = earliest..=latest;
            whens.flat_map(move |when| {
                keys.iter().map(move |key| {
                    let mut longer = schedule.clone();
                    longer.push((when, *key));
                    longer
                })
            })
        });
        all = longer.collect();
    }
    all
}

/// How many of the schedules end with a newcomer that differs, and of how many.
fn differing(options: &Options, schedules: &[Schedule]) -> (usize, usize) {
    let differs = |schedule: &&Schedule| {
        let (main, newcomer) = Registration::new(options.clone()).ends(schedule);
        main != newcomer
    };
    let differing = schedules.iter().filter(differs).count();
    (differing, schedules.len())
}

#[test]
fn a_newcomer_ends_with_the_resources_of_its_main_wherever_updates_fall() {
    let all = schedules(3, &[NEW, FIRST, SECOND], 10);
    assert_eq!(differing(&Options::default(), &all), (0, 7_722));
}

/// The rules without one, and without the hashes by which a main would find that out.
fn without(rule: fn(&mut Rules)) -> Options {
    let mut options = Options::default();
    options.rules.hashes = false;
    rule(&mut options.rules);
    options
}

#[test]
fn without_each_of_its_rules_some_do_not() {
    let all = schedules(2, &[NEW, FIRST, SECOND], 10);
    let differing = |rule| differing(&without(rule), &all).0;
    assert_eq!(differing(|_| ()), 0);
    assert_ne!(differing(|rules| rules.filter_replay = false), 0);
    assert_ne!(differing(|rules| rules.record_first = false), 0);
    assert_ne!(differing(|rules| rules.drain_first = false), 0);
}
