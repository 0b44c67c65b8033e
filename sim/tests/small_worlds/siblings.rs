//! The sibling quorum in small worlds: whole where it is right, and convicted by a shortest trace where a rule is off.

use std::sync::{Arc, Mutex};

use hashbrown::HashSet;
use netsplit::sibling_quorum::ledger::Ledger;
use netsplit::sibling_quorum::log::{Log, Seq};
use netsplit::sibling_quorum::options::Cut;
use netsplit::sibling_quorum::{
    Message, Record, Rules, Server, SiblingQuorum, SmallSiblings, Timer,
};
use netsplit::small_world::{Bounds, Next, Often, Question, SmallWorld};
use netsplit::{Broken, Cluster, Config, NodeId};
use netsplit_sim::small_world::explore;
use rustc_hash::FxBuildHasher;

use super::{EFFORT, found};

/// So many siblings, with room for one message on each link.
fn group(siblings: u32, updates: u32, promotions: u64, crashes: u8) -> SmallSiblings {
    SmallSiblings {
        siblings,
        updates,
        promotions,
        heartbeats: Often::Never,
        again: Often::Never,
        window: usize::MAX,
        rules: Rules::default(),
        bounds: Bounds {
            room: 1,
            ordered: false,
            doubles: 0,
            crashes,
            slow_disks: false,
        },
    }
}

/// What every world with a second main shows.
const NOTES: [&str; 7] = [
    "suspects",
    "claims",
    "appoints",
    "promises",
    "reigns",
    "retires",
    "rolls back",
];

/// The world was looked at whole, and all of that was seen in it: it is large enough.
#[track_caller]
fn holds(world: SmallSiblings) {
    let explored = explore(world, EFFORT);
    assert!(explored.whole, "{explored}");
    let mut unseen = NOTES.iter().filter(|note| !explored.noted.contains(note));
    assert_eq!(unseen.next(), None, "{:?}", explored.noted);
}

#[test]
fn three_mains_with_one_sibling_and_messages_sent_again_hold() {
    let mut world = group(1, 1, 2, 0);
    (world.again, world.bounds.room) = (Often::Always, 2);
    holds(world);
}

#[test]
fn a_crash_of_anybody_holds() {
    let mut world = group(1, 1, 1, 1);
    (world.again, world.heartbeats) = (Often::Always, Often::Always);
    holds(world);
}

#[test]
fn a_crash_while_a_flush_is_under_way_holds() {
    let mut world = group(1, 1, 1, 1);
    world.bounds.slow_disks = true;
    holds(world);
}

#[test]
fn messages_that_arrive_twice_hold() {
    let mut world = group(1, 2, 1, 0);
    (world.bounds.room, world.bounds.doubles) = (2, 1);
    holds(world);
}

#[test]
fn two_mains_with_two_siblings_hold() {
    let mut world = group(2, 1, 1, 0);
    world.bounds.room = 2;
    holds(world);
}

/// A world, with these rules.
fn without(world: SmallSiblings, off: impl FnOnce(&mut Rules)) -> SmallSiblings {
    let mut rules = world.rules.clone();
    off(&mut rules);
    SmallSiblings { rules, ..world }
}

#[test]
fn every_rule_that_such_a_world_needs_is_missed_in_it() {
    let one = || group(1, 1, 1, 1);
    let three = || group(3, 0, 1, 0);
    let agree = "accepted_updates_agree";
    let newest = "the_newest_main_has_what_was_accepted";
    for (rule, world, invariant, actions) in [
        (
            "quorum",
            without(one(), |rules| rules.quorum = false),
            newest,
            5,
        ),
        (
            "fence",
            without(three(), |rules| rules.fence = false),
            newest,
            11,
        ),
        (
            "best_log",
            without(three(), |rules| rules.best_log = false),
            newest,
            11,
        ),
        (
            "ask_quorum",
            without(three(), |rules| rules.ask_quorum = false),
            newest,
            9,
        ),
        (
            "durable",
            without(one(), |rules| rules.durable = false),
            newest,
            8,
        ),
        (
            "gapless",
            without(one(), |rules| rules.gapless = false),
            "logs_match",
            10,
        ),
        (
            "cut",
            without(one(), |rules| rules.cut = Cut::Never),
            "logs_match",
            9,
        ),
        (
            "roll_back",
            without(one(), |rules| rules.roll_back = false),
            agree,
            7,
        ),
        (
            "controllers_remember",
            without(one(), |rules| rules.controllers_remember = false),
            "at_most_one_main_per_epoch",
            10,
        ),
    ] {
        let explored = explore(world, EFFORT);
        let Some(trace) = &explored.found else {
            panic!("{rule}: {explored}");
        };
        let mut broken = trace.broken.iter().map(|broken| broken.invariant);
        assert!(broken.any(|name| name == invariant), "{rule}: {explored}");
        assert_eq!(trace.actions.len(), actions, "{rule}: {explored}");
    }
}

#[test]
fn the_trace_is_a_shortest_one_and_can_be_read() {
    let world = without(group(3, 0, 1, 0), |rules| rules.fence = false);
    insta::assert_snapshot!(found(&explore(world, EFFORT)), @r"
    m1 hears l1: g0 promote epoch 1, main m1, siblings m2 m3 m4 [reigns, epoch 1]
    m2 hears m1: g0 replicate epoch 1, after 0@0: opening, accepted 0
    m1 hears m2: g0 confirmed epoch 1, matched 1, executed 0
    l1: Watch(GroupId(0)) fires [suspects m1, main of epoch 1; claims, epoch 2]
    m3 hears l1: g0 fence epoch 2
    l1 hears m3: g0 fenced epoch 2, log ends 0@0
    m4 hears l1: g0 fence epoch 2
    m4 hears m1: g0 replicate epoch 1, after 0@0: opening, accepted 0
    m1 hears m4: g0 confirmed epoch 1, matched 1, executed 0 [serves, epoch 1]
    l1 hears m4: g0 fenced epoch 2, log ends 0@0 [appoints m3, epoch 2]
    m3 hears l1: g0 promote epoch 2, main m3, siblings m2 m4 m1 [promises, epoch 2; reigns, epoch 2]
    => the_newest_main_has_what_was_accepted: m3 is the main of epoch 2 and has no opening at 1@1, which was accepted in epoch 1
    ");
}

type Copies = HashSet<Vec<(Log, Seq)>, FxBuildHasher>;

/// A world without what makes states fewer, which notes what logs there ever are at the same time, and how far each is
/// accepted.
struct Plain {
    world: SmallSiblings,
    reduced: bool,
    copies: Arc<Mutex<Copies>>,
}

impl SmallWorld for Plain {
    type Mode = SiblingQuorum;
    type Memory = Ledger;

    fn config(&self) -> Config<SiblingQuorum> {
        self.world.config()
    }

    fn bounds(&self) -> Bounds {
        self.world.bounds()
    }

    fn questions(&self) -> Vec<Question<SiblingQuorum>> {
        self.world.questions()
    }

    fn often(&self, timer: &Timer) -> Often {
        self.world.often(timer)
    }

    fn may(
        &self,
        cluster: &impl Cluster<SiblingQuorum>,
        server: NodeId,
        next: Next<'_, SiblingQuorum>,
    ) -> bool {
        let nodes = cluster.up().filter_map(|(_, server)| match server {
            Server::Node(node) => node.replicas.first(),
            Server::Controller(_) => None,
        });
        let logs = nodes.map(|replica| (replica.durable.log.clone(), replica.accepted));
        self.copies
            .lock()
            .expect("nobody panics with it")
            .insert(logs.collect());
        self.world.may(cluster, server, next)
    }

    fn within(&self, server: &Server) -> bool {
        self.world.within(server)
    }

    fn matters(&self, receiver: &Server, message: &Message) -> bool {
        !self.reduced || self.world.matters(receiver, message)
    }

    fn matters_among(
        &self,
        cluster: &impl Cluster<SiblingQuorum>,
        from: NodeId,
        to: NodeId,
        message: &Message,
    ) -> bool {
        !self.reduced || self.world.matters_among(cluster, from, to, message)
    }

    fn tells(
        &self,
        memory: &mut Ledger,
        server: NodeId,
        to: NodeId,
        message: &Message,
        found: &mut Vec<Broken>,
    ) {
        self.world.tells(memory, server, to, message, found);
    }

    fn tidy_server(&self, server: &mut Server) {
        self.world.tidy_server(server);
    }

    fn tidy_message(&self, message: &mut Message) {
        self.world.tidy_message(message);
    }

    fn tidy_disk(&self, server: NodeId, records: &mut Vec<Record>) {
        self.world.tidy_disk(server, records);
    }
}

#[test]
fn taking_away_what_does_not_matter_takes_away_no_log() {
    let [whole, reduced] = [false, true].map(|reduced| {
        let copies = Arc::default();
        let plain = Plain {
            world: group(1, 1, 1, 0),
            reduced,
            copies: Arc::clone(&copies),
        };
        let explored = explore(plain, EFFORT);
        assert!(explored.whole, "{explored}");
        let copies = std::mem::take(&mut *copies.lock().unwrap());
        (explored.states, copies)
    });
    assert!(reduced.0 < whole.0, "{} of {} states", reduced.0, whole.0);
    let missed: Vec<_> = whole.1.difference(&reduced.1).collect();
    assert!(missed.is_empty(), "{missed:?}");
}
