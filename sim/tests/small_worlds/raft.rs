//! Raft in small worlds: whole where it is right, and convicted by a shortest trace where it is not.

use std::sync::{Arc, Mutex};

use hashbrown::HashSet;
use netsplit::raft::{Message, Raft, RaftInvariants, Record, Server, SmallRaft, Timer};
use netsplit::small_world::{Bounds, Next, Often, Question, SmallWorld};
use netsplit::{Broken, Cluster, Config, NodeId};
use netsplit_sim::small_world::{Effort, explore, explore_mistaken};

use rustc_hash::FxBuildHasher;

use super::{EFFORT, found};

/// So many servers, with room for one message on each link.
fn group(servers: u32, terms: u64, puts: u32, heartbeats: u8, crashes: u8) -> SmallRaft {
    SmallRaft {
        servers,
        puts,
        terms,
        heartbeats: Often::Times(heartbeats),
        check_quorum: false,
        bounds: Bounds {
            room: 1,
            ordered: false,
            doubles: 0,
            crashes,
            slow_disks: false,
        },
    }
}

/// Two servers both have to vote, so that whoever leads has all that there is, and nobody ever truncates.
const OF_TWO: [&str; 3] = ["leads", "deposed", "refuses a stale log"];

/// The world was looked at whole, and these notes, among others, were seen in it: it is large enough for that.
#[track_caller]
fn holds(world: SmallRaft, notes: &[&str]) {
    let explored = explore(world, EFFORT);
    assert!(explored.whole, "{explored}");
    let unseen: Vec<_> = notes
        .iter()
        .filter(|note| !explored.noted.contains(note))
        .collect();
    assert!(
        unseen.is_empty(),
        "nobody notes {unseen:?}: {:?}",
        explored.noted
    );
}

#[test]
fn one_leader_of_three_with_a_put_and_a_crash_holds() {
    holds(
        group(3, 1, 1, 0, 1),
        &["leads", "loses the election", "redirects"],
    );
}

#[test]
fn a_second_leader_of_three_holds() {
    let notes = ["leads", "deposed", "truncates", "refuses a stale log"];
    holds(group(3, 2, 0, 0, 0), &notes);
}

#[test]
fn three_leaders_of_two_with_a_put_and_a_crash_hold() {
    holds(group(2, 3, 1, 1, 1), &OF_TWO);
}

#[test]
fn messages_that_arrive_twice_or_in_order_change_nothing() {
    let mut world = group(2, 2, 1, 1, 0);
    (world.bounds.room, world.bounds.doubles) = (2, 1);
    holds(world, &OF_TWO);
    world.bounds.ordered = true;
    holds(world, &OF_TWO);
}

#[test]
fn a_leader_that_heartbeats_without_end_holds() {
    let mut world = group(2, 2, 1, 0, 0);
    (world.heartbeats, world.check_quorum) = (Often::Always, true);
    holds(world, &["deposed", "lost its quorum"]);
}

#[test]
fn a_crash_while_a_flush_is_under_way_holds() {
    let mut world = group(2, 2, 1, 1, 1);
    world.bounds.slow_disks = true;
    holds(world, &OF_TWO);
}

#[test]
fn it_is_all_the_same_on_two_threads() {
    let world = group(3, 1, 1, 0, 1);
    let [one, two] = [1, 2].map(|threads| explore(world, Effort { threads, ..EFFORT }));
    assert!(one.whole && two.whole, "{one}, {two}");
    let sums = |explored: &netsplit_sim::small_world::Explored| {
        (explored.states, explored.generated, explored.noted.clone())
    };
    assert_eq!(sums(&one), sums(&two));
}

#[test]
fn every_mistake_is_convicted_of_what_it_breaks() {
    let (first, second) = (group(3, 1, 1, 0, 1), group(3, 2, 0, 0, 0));
    for (mistake, world, invariant, actions) in [
        ("loses_vote_flush", first, "leaders_hold_durable_votes", 3),
        ("forgets_vote", first, "one_vote_per_term", 4),
        ("reuses_a_term", second, "one_vote_per_term", 3),
        (
            "takes_refusals_for_votes",
            first,
            "leaders_hold_durable_votes",
            5,
        ),
        ("skips_the_opening", first, "leaders_open_their_term", 3),
        ("answers_early", first, "what_is_answered_is_committed", 5),
        ("loses_append_flush", first, "committed_is_durable", 6),
        ("rewrites_an_entry", first, "log_matching", 8),
        ("votes_for_anyone", second, "leader_completeness", 9),
    ] {
        let explored = explore_mistaken(world, mistake, EFFORT);
        let Some(trace) = &explored.found else {
            panic!("{mistake}: {explored}");
        };
        let broken: Vec<&str> = trace.broken.iter().map(|broken| broken.invariant).collect();
        assert_eq!(
            (&broken[..], trace.actions.len()),
            (&[invariant][..], actions),
            "{mistake}: {explored}"
        );
    }
}

#[test]
fn the_trace_is_a_shortest_one_and_can_be_read() {
    let explored = explore_mistaken(group(3, 1, 0, 0, 1), "forgets_vote", EFFORT);
    insta::assert_snapshot!(found(&explored), @r"
    n1: Election fires [campaigns, term 1]
    n1 crashes and is started again
    n2: Election fires [campaigns, term 1]
    n1 hears n2: request_vote term 1, log ends 0@0 [votes for n2, term 1]
    => one_vote_per_term: n1 voted for n1 and for n2 in term 1
    ");
}

#[test]
fn a_majority_for_an_old_entry_is_not_enough() {
    let explored = explore_mistaken(group(2, 2, 0, 1, 0), "commits_old_terms", EFFORT);
    insta::assert_snapshot!(found(&explored), @r"
    n1: Election fires [campaigns, term 1]
    n2 hears n1: request_vote term 1, log ends 0@0 [votes for n1, term 1]
    n1 hears n2: vote term 1 granted [leads, term 1]
    n2 hears n1: append term 1, after 0@0: opening, commit 0, round 0
    n1 hears n2: accepted term 1, matched 1, round 0
    n2: Election fires [campaigns, term 2]
    n1 hears n2: request_vote term 2, log ends 1@1 [deposed, term 1; votes for n2, term 2]
    n2 hears n1: vote term 2 granted [leads, term 2]
    n2: Heartbeat fires
    what n2 sent n1 is lost: append term 2, after 1@1: opening, commit 0, round 0
    n1 hears n2: append term 2, after 1@1: nothing, commit 0, round 0
    n2 hears n1: accepted term 2, matched 1, round 0
    => only_own_terms_are_committed_by_counting: n2 leads term 2 and commits 1@1
    ");
}

type Servers = HashSet<Server, FxBuildHasher>;

/// A world without what makes states fewer, which notes every server that it comes to.
struct Plain {
    world: SmallRaft,
    reduced: bool,
    servers: Arc<Mutex<Servers>>,
}

impl SmallWorld for Plain {
    type Mode = Raft;
    type Memory = RaftInvariants;

    fn config(&self) -> Config<Raft> {
        self.world.config()
    }

    fn bounds(&self) -> Bounds {
        self.world.bounds()
    }

    fn questions(&self) -> Vec<Question<Raft>> {
        self.world.questions()
    }

    fn often(&self, timer: &Timer) -> Often {
        self.world.often(timer)
    }

    fn may(&self, cluster: &impl Cluster<Raft>, server: NodeId, next: Next<'_, Raft>) -> bool {
        self.world.may(cluster, server, next)
    }

    fn within(&self, server: &Server) -> bool {
        let within = self.world.within(server);
        if within {
            let mut servers = self.servers.lock().expect("nobody panics with it");
            if !servers.contains(server) {
                servers.insert(server.clone());
            }
        }
        within
    }

    fn matters(&self, receiver: &Server, message: &Message) -> bool {
        !self.reduced || self.world.matters(receiver, message)
    }

    fn tells(
        &self,
        memory: &mut RaftInvariants,
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
fn taking_away_what_does_not_matter_takes_away_no_server() {
    let [whole, reduced] = [false, true].map(|reduced| {
        let servers = Arc::default();
        let plain = Plain {
            world: group(2, 3, 1, 1, 1),
            reduced,
            servers: Arc::clone(&servers),
        };
        let explored = explore(plain, EFFORT);
        assert!(explored.whole, "{explored}");
        let servers = std::mem::take(&mut *servers.lock().expect("nobody panics with it"));
        (explored.states, servers)
    });
    assert!(reduced.0 < whole.0, "{} of {} states", reduced.0, whole.0);
    assert!(
        reduced.1 == whole.1,
        "{} of {} servers",
        reduced.1.len(),
        whole.1.len()
    );
}
