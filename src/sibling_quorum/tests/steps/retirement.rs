//! How a main learns that it is none any more.

use super::*;

/// The main of epoch 2, with one entry of epoch 1 and its opening.
fn main() -> Solo<Server> {
    let mut main = sworn(3, 2, &[1]);
    main.flushed(OATH);
    main
}

#[test]
fn a_main_that_is_outdated_retires() {
    let mut main = main();
    main.is_told(m(2), Word::Outdated(Epoch(3))).shows(
        "note promises, epoch 3
         write g0 promised 3, reigned 2
         note retires, epoch 2
         disarm Heartbeat(GroupId(0))
         disarm Again(GroupId(0), m2)
         disarm Again(GroupId(0), m3)
         disarm Again(GroupId(0), m4)
         flush",
    );
    assert_eq!(main.standing(), "sibling");
}

#[test]
fn a_main_that_is_told_of_its_own_epoch_stays() {
    let mut main = main();
    main.is_told(m(2), Word::Outdated(Epoch(2))).shows("");
    main.is_told(l(1), Word::Recorded(charter(2, 3))).shows("");
    assert_eq!(main.standing(), "main");
}

#[test]
fn a_main_obeys_who_replicates_in_a_newer_epoch_and_forgets_what_was_not_accepted() {
    let mut main = main();
    main.is_told(m(2), replicate(3, at(1, 1), &[3], 0)).shows(
        "note promises, epoch 3
         write g0 promised 3, reigned 2
         note retires, epoch 2
         disarm Heartbeat(GroupId(0))
         disarm Again(GroupId(0), m2)
         disarm Again(GroupId(0), m3)
         disarm Again(GroupId(0), m4)
         note rolls back from 2
         write g0 2: opening
         flush
         send m2: g0 confirmed epoch 3, matched 2, executed 0",
    );
    assert_eq!(main.log(), [1, 3]);
}

#[test]
fn a_main_obeys_a_fence_of_a_newer_epoch() {
    let mut main = main();
    main.is_told(l(1), fence(3, CopyId::default())).shows(
        "note promises, epoch 3
         write g0 promised 3, reigned 2
         note retires, epoch 2
         disarm Heartbeat(GroupId(0))
         disarm Again(GroupId(0), m2)
         disarm Again(GroupId(0), m3)
         disarm Again(GroupId(0), m4)
         flush
         send l1: g0 fenced epoch 3, log ends 2@2",
    );
    assert_eq!(main.standing(), "sibling");
}

#[test]
fn a_main_that_is_fenced_in_its_own_epoch_stays() {
    let mut main = main();
    main.is_told(l(1), fence(2, CopyId::default()))
        .shows("send l1: g0 fenced epoch 2, log ends 2@2");
    assert_eq!(main.standing(), "main");
}

#[test]
fn a_main_believes_what_is_recorded() {
    let mut main = main();
    main.is_told(l(1), Word::Recorded(charter(3, 3))).shows(
        "note promises, epoch 3
         write g0 promised 3, reigned 2
         note retires, epoch 2
         disarm Heartbeat(GroupId(0))
         disarm Again(GroupId(0), m2)
         disarm Again(GroupId(0), m3)
         disarm Again(GroupId(0), m4)
         flush",
    );
    assert_eq!(main.standing(), "sibling");
}

#[test]
fn a_main_is_not_promoted_twice() {
    let mut main = main();
    main.is_told(l(1), Word::Promote(charter(2, 3))).shows("");
    assert_eq!(main.log(), [1, 2]);
}

#[test]
fn a_main_is_promoted_again_in_a_newer_epoch() {
    let mut main = main();
    main.is_told(l(1), Word::Promote(charter(3, 3))).shows(
        "note promises, epoch 3
         write g0 promised 3, reigned 2
         note retires, epoch 2
         disarm Heartbeat(GroupId(0))
         disarm Again(GroupId(0), m2)
         disarm Again(GroupId(0), m3)
         disarm Again(GroupId(0), m4)
         note reigns, epoch 3
         write g0 promised 3, reigned 3
         write g0 3: opening
         flush
         arm Heartbeat(GroupId(0)) within 1s
         send l1: g0 alive epoch 3, renew the lease",
    );
    assert_eq!(main.log(), [1, 2, 3]);
}

#[test]
fn a_main_is_not_promoted_in_an_epoch_before_its_promise() {
    let mut main = main();
    main.is_told(l(1), Word::Promote(charter(1, 3)))
        .shows("send l1: g0 outdated, epoch 2 is promised");
}

#[test]
fn a_retired_main_counts_no_late_ok_and_no_late_flush() {
    let mut main = sworn(1, 1, &[]);
    main.is_told(m(2), Word::Outdated(Epoch(2)));
    main.is_told(m(2), confirmed(1, 1, 0)).shows("");
    main.flushed(OATH).shows("");
    assert_eq!(main.accepted(), 0);
}

#[test]
fn a_main_that_starts_again_says_that_it_is_none() {
    let disk = [logged(1, &[1, 2]), promised(2, 2, Some(CopyId::default()))];
    let disk: Vec<_> = disk.into_iter().map(Ok).collect();
    let config = config(4, 2, Options::default());
    let (mut node, deeds): (Solo<Server>, _) = Solo::boot_among(config, m(1), &disk);
    deeds.shows(
        "note resigns, epoch 2
         send l1 past flush: g0 resigned, epoch 2
         send l2 past flush: g0 resigned, epoch 2",
    );
    node.is_told(l(1), Word::Promote(charter(2, 3))).shows(
        "note resigns, epoch 2
         send l1 past flush: g0 resigned, epoch 2
         send l2 past flush: g0 resigned, epoch 2",
    );
    assert_eq!(node.standing(), "sibling");
}

#[test]
fn a_main_of_an_older_epoch_that_starts_again_says_nothing() {
    let disk = [logged(1, &[1, 2]), promised(3, 2, Some(CopyId::default()))];
    let disk: Vec<_> = disk.into_iter().map(Ok).collect();
    let config = config(4, 2, Options::default());
    let (mut node, deeds): (Solo<Server>, _) = Solo::boot_among(config, m(1), &disk);
    deeds.shows("");
    node.is_told(l(1), Word::Promote(charter(4, 3)));
    assert_eq!(node.standing(), "main");
}

#[test]
fn a_node_without_the_copy_that_is_recorded_is_not_promoted() {
    let mut other = charter(2, 3);
    other.copies.insert(m(1), copy(1, 4));
    let mut node = node(m(1), 4, &[]);
    node.is_told(l(1), Word::Promote(other)).shows("");
    assert_eq!(node.standing(), "sibling");
}

#[test]
fn a_node_that_another_is_promoted_over_stays_what_it_is() {
    let mut node = node(m(2), 4, &[]);
    node.is_told(l(1), Word::Promote(charter(2, 3))).shows("");
    assert_eq!(node.standing(), "sibling");
}

#[test]
fn a_main_that_is_asked_to_quit_says_so_first() {
    main().takes(Input::Quit).shows(
        "note retires, epoch 2
         disarm Heartbeat(GroupId(0))
         disarm Again(GroupId(0), m2)
         disarm Again(GroupId(0), m3)
         disarm Again(GroupId(0), m4)
         note resigns, epoch 2
         send l1 past flush: g0 resigned, epoch 2
         stop: was asked to quit",
    );
}
