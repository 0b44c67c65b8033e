//! How a controller finds another main.

use super::super::super::search::Search;
use super::*;
use crate::register::{Ballot, Held, Version};

/// After how much silence a controller looks for another main.
const FAIL: Span = Span::secs(10);
/// How much is enough if somebody reports it.
const SUSPICION: Span = Span::millis(2_500);

/// `l1`, alone, which looks after `m1` and its three siblings.
fn controller() -> Solo<Server> {
    let (controller, _) = Solo::boot_among(config(4, 1, Options::default()), l(1), &[]);
    controller
}

/// The same, which seeks a main for epoch 2.
fn seeking() -> Solo<Server> {
    let mut controller = controller();
    controller.is_told(m(1), Word::Resigned(Epoch(1)));
    assert!(matches!(controller.charge().search, Search::Fencing(_)));
    controller
}

fn fenced(epoch: u64, last: Position) -> Word {
    let epoch = Epoch(epoch);
    Word::Fenced { epoch, last }
}

/// Whom it makes the main, if these answer in turn.
fn chosen(answers: &[(u32, Position)]) -> Option<NodeId> {
    let mut controller = seeking();
    for (node, last) in answers {
        controller.is_told(m(*node), fenced(2, *last));
    }
    controller.charge().known.main
}

#[test]
fn a_main_that_is_silent_for_long_enough_is_still_the_main() {
    let mut controller = controller();
    controller.is_at(FAIL).fires(Timer::Watch(GROUP)).shows(
        "arm Watch(GroupId(0)) within 1s
         send m1: g0 promote epoch 1, main m1, siblings m2 m3 m4",
    );
}

#[test]
fn a_main_that_is_silent_for_longer_is_suspected_and_its_lease_waited_for() {
    let mut controller = controller();
    controller.is_at(FAIL + Span::nanos(1));
    controller.fires(Timer::Watch(GROUP)).shows(
        "arm Watch(GroupId(0)) within 1s
         send m1: g0 promote epoch 1, main m1, siblings m2 m3 m4
         note suspects m1, main of epoch 1
         write g0 promised 2/l1/0
         flush
         arm LeaseOver(GroupId(0)) within 5.5s
         send m1: g0 promote epoch 1, main m1, siblings m2 m3 m4",
    );
    controller.fires(Timer::LeaseOver(GROUP)).shows(
        "write g0 promised 3/l1/0
         flush
         write g0 accepted 3/l1/0: epoch 2, no main after m1, siblings m2 m3 m4 @1
         flush
         disarm LeaseOver(GroupId(0))
         disarm Search(GroupId(0))
         note claims, epoch 2
         send m1: g0 fence epoch 2
         send m2: g0 fence epoch 2
         send m3: g0 fence epoch 2
         send m4: g0 fence epoch 2
         arm Search(GroupId(0)) within 200ms",
    );
}

#[test]
fn a_report_of_a_main_that_was_just_heard_is_not_believed() {
    let mut controller = controller();
    controller.is_at(SUSPICION);
    controller
        .is_told(c(1), Word::Unreachable(Epoch(1)))
        .shows("send c1: g0 recorded epoch 1, main m1, siblings m2 m3 m4");
}

#[test]
fn a_report_of_a_main_that_is_silent_is() {
    let mut controller = controller();
    controller.is_at(SUSPICION + Span::nanos(1));
    controller
        .is_told(c(1), Word::Unreachable(Epoch(0)))
        .shows("send c1: g0 recorded epoch 1, main m1, siblings m2 m3 m4");
    controller.is_told(c(1), Word::Unreachable(Epoch(1))).shows(
        "note suspects m1, main of epoch 1
         write g0 promised 2/l1/0
         flush
         arm LeaseOver(GroupId(0)) within 5.5s
         send m1: g0 promote epoch 1, main m1, siblings m2 m3 m4
         send c1: g0 recorded epoch 1, main m1, siblings m2 m3 m4",
    );
}

#[test]
fn a_main_that_is_heard_while_its_lease_is_waited_for_stays() {
    let mut controller = controller();
    controller
        .is_at(FAIL + Span::nanos(1))
        .fires(Timer::Watch(GROUP));
    let alive = Word::Alive {
        epoch: Epoch(1),
        renewal: None,
    };
    controller
        .is_told(m(1), alive)
        .shows("disarm LeaseOver(GroupId(0))");
    controller.fires(Timer::LeaseOver(GROUP)).shows("");
}

#[test]
fn for_a_main_that_resigns_nobody_waits() {
    let mut controller = controller();
    controller.is_told(m(2), Word::Resigned(Epoch(1))).shows("");
    controller.is_told(m(1), Word::Resigned(Epoch(0))).shows("");
    controller.is_told(m(1), Word::Resigned(Epoch(1))).shows(
        "note suspects m1, main of epoch 1
         write g0 promised 2/l1/0
         flush
         write g0 promised 3/l1/0
         flush
         write g0 accepted 3/l1/0: epoch 2, no main after m1, siblings m2 m3 m4 @1
         flush
         disarm LeaseOver(GroupId(0))
         disarm Search(GroupId(0))
         note claims, epoch 2
         send m1: g0 fence epoch 2
         send m2: g0 fence epoch 2
         send m3: g0 fence epoch 2
         send m4: g0 fence epoch 2
         arm Search(GroupId(0)) within 200ms",
    );
}

#[test]
fn who_has_not_answered_is_fenced_again() {
    let mut controller = seeking();
    controller.is_told(m(3), fenced(2, at(4, 1))).shows("");
    controller.fires(Timer::Search(GROUP)).shows(
        "send m1: g0 fence epoch 2
         send m2: g0 fence epoch 2
         send m4: g0 fence epoch 2
         arm Search(GroupId(0)) within 200ms",
    );
}

#[test]
fn with_as_many_as_meet_every_quorum_one_is_appointed_and_promoted() {
    let mut controller = seeking();
    controller.is_told(m(2), fenced(2, at(4, 1))).shows("");
    controller.is_told(m(3), fenced(2, at(5, 1))).shows(
        "write g0 promised 4/l1/0
         flush
         write g0 accepted 4/l1/0: epoch 2, main m3, siblings m2 m4 m1 @2
         flush
         disarm LeaseOver(GroupId(0))
         disarm Search(GroupId(0))
         disarm LeaseOver(GroupId(0))
         disarm Search(GroupId(0))
         note appoints m3, epoch 2
         send m3: g0 promote epoch 2, main m3, siblings m2 m4 m1",
    );
}

#[test]
fn one_answer_of_three_is_too_few_and_two_are_enough() {
    assert_eq!(chosen(&[(2, at(4, 1))]), None);
    assert_eq!(chosen(&[(2, at(4, 1)), (2, at(4, 1))]), None);
    assert_eq!(chosen(&[(2, at(4, 1)), (3, at(4, 1))]), Some(m(2)));
}

#[test]
fn the_newer_epoch_wins_over_the_longer_log_and_that_over_the_place_in_the_list() {
    assert_eq!(chosen(&[(2, at(9, 1)), (4, at(3, 2))]), Some(m(4)));
    assert_eq!(chosen(&[(2, at(4, 1)), (4, at(5, 1))]), Some(m(4)));
    assert_eq!(chosen(&[(4, at(4, 1)), (3, at(4, 1))]), Some(m(3)));
}

#[test]
fn the_last_main_alone_has_all_that_was_accepted() {
    assert_eq!(chosen(&[(1, at(4, 1))]), Some(m(1)));
    assert_eq!(chosen(&[(2, at(6, 1)), (1, at(4, 1))]), Some(m(2)));
    assert_eq!(chosen(&[(2, at(4, 1)), (1, at(4, 1))]), Some(m(1)));
}

#[test]
fn answers_of_strangers_and_to_other_fences_do_not_count() {
    let mut controller = seeking();
    controller.is_told(m(2), fenced(1, at(4, 1)));
    controller.is_told(m(2), fenced(3, at(4, 1)));
    controller.is_told(m(9), fenced(2, at(4, 1)));
    controller.is_told(m(3), fenced(2, at(4, 1)));
    assert_eq!(controller.charge().known.main, None);
}

#[test]
fn the_last_main_becomes_the_last_sibling() {
    let mut controller = seeking();
    controller.is_told(m(2), fenced(2, at(4, 1)));
    controller.is_told(m(3), fenced(2, at(5, 1)));
    let known = &controller.charge().known;
    assert_eq!((known.epoch, known.main), (Epoch(2), Some(m(3))));
    assert_eq!(known.siblings, [2, 4, 1].map(m));
}

/// What `l2` has recorded: it has opened epoch 2.
fn claimed_by_another() -> Held<Charter> {
    Held {
        version: Version(1),
        value: charter(1, 3).vacated(),
        latest: [].into(),
    }
}

/// `l1` of three, with nothing under way in their register, which waits for a lease to end.
fn waiting_of_three() -> Solo<Server> {
    let (mut controller, _): (Solo<Server>, _) =
        Solo::boot_among(config(4, 3, Options::default()), l(1), &[]);
    controller.promises_register(l(2), 1, None);
    controller
        .is_at(FAIL + Span::nanos(1))
        .fires(Timer::Watch(GROUP));
    controller.promises_register(l(2), 2, None);
    assert_eq!(controller.charge().search, Search::Waiting);
    controller
}

#[test]
fn a_controller_yields_to_another_that_has_claimed() {
    let mut controller = waiting_of_three();
    controller.fires(Timer::LeaseOver(GROUP)).shows(
        "send l2 past flush: g0 register prepare 3/l1/0
         send l3 past flush: g0 register prepare 3/l1/0
         write g0 promised 3/l1/0
         flush
         arm Decide(GroupId(0)) within 100ms..200ms",
    );
    let node = l(2);
    let life = Life(0);
    let ballot = Ballot {
        count: 2,
        node,
        life,
    };
    let holds = Some((ballot, claimed_by_another()));
    controller.promises_register(l(2), 3, holds).shows(
        "send l2: g0 register accept 3/l1/0: epoch 2, no main after m1, siblings m2 m3 m4 @1
         send l3: g0 register accept 3/l1/0: epoch 2, no main after m1, siblings m2 m3 m4 @1
         write g0 accepted 3/l1/0: epoch 2, no main after m1, siblings m2 m3 m4 @1
         flush
         arm Decide(GroupId(0)) within 100ms..200ms",
    );
    controller.accepts_register(l(3), 3).shows(
        "disarm Decide(GroupId(0))
         disarm LeaseOver(GroupId(0))
         disarm Search(GroupId(0))
         note yields, epoch 2
         disarm LeaseOver(GroupId(0))
         disarm Search(GroupId(0))",
    );
}

#[test]
fn an_epoch_that_another_has_opened_is_left_to_it_for_a_while() {
    let mut controller = waiting_of_three();
    controller.fires(Timer::LeaseOver(GROUP));
    let ballot = Ballot {
        count: 2,
        node: l(2),
        life: Life(0),
    };
    controller.promises_register(l(2), 3, Some((ballot, claimed_by_another())));
    controller.accepts_register(l(3), 3);
    controller.fires(Timer::Watch(GROUP)).shows(
        "arm Watch(GroupId(0)) within 1s
         arm Search(GroupId(0)) within 2s..4s",
    );
    controller
        .fires(Timer::Watch(GROUP))
        .shows("arm Watch(GroupId(0)) within 1s");
    controller.fires(Timer::Search(GROUP)).shows(
        "send l2 past flush: g0 register prepare 4/l1/0
         send l3 past flush: g0 register prepare 4/l1/0
         write g0 promised 4/l1/0
         flush
         arm Decide(GroupId(0)) within 100ms..200ms",
    );
}
