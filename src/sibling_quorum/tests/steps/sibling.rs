//! What a sibling does with what its main replicates.

use super::*;

/// `m2` with these epochs in its log, of which it knows nothing to be accepted.
fn sibling(epochs: &[u64]) -> Solo<Server> {
    let records = if epochs.is_empty() {
        vec![]
    } else {
        vec![logged(1, epochs)]
    };
    node(m(2), 4, &records)
}

#[test]
fn a_sibling_writes_and_flushes_before_it_confirms() {
    let mut sibling = sibling(&[]);
    let entries = [update(1, 1, put(7, 70))];
    sibling
        .is_told(m(1), replicating(1, at(0, 0), &entries, 0))
        .shows(
            "write g0 1: c1/1 put k7=v70
         flush
         send m1: g0 confirmed epoch 1, matched 1, executed 0",
        );
}

#[test]
fn a_sibling_executes_what_its_main_has_accepted_and_no_more() {
    let mut sibling = sibling(&[1, 1, 1]);
    sibling
        .is_told(m(1), replicate(1, at(3, 1), &[], 2))
        .shows("send m1: g0 confirmed epoch 1, matched 3, executed 2");
    assert_eq!(sibling.accepted(), 2);
}

#[test]
fn a_sibling_executes_no_further_than_its_log_is_known_to_be_that_of_its_main() {
    let mut sibling = sibling(&[1, 1, 1]);
    sibling.is_told(m(1), replicate(2, at(1, 1), &[], 3)).shows(
        "note promises, epoch 2
         write g0 promised 2, reigned 0
         flush
         send m1: g0 confirmed epoch 2, matched 1, executed 1",
    );
    assert_eq!(sibling.accepted(), 1);
}

#[test]
fn what_follows_the_last_entry_is_taken() {
    let mut sibling = sibling(&[1, 1]);
    sibling.is_told(m(1), replicate(1, at(2, 1), &[1], 0));
    assert_eq!(sibling.log(), [1, 1, 1]);
}

#[test]
fn what_follows_a_gap_is_not() {
    let mut sibling = sibling(&[1, 1]);
    sibling
        .is_told(m(1), replicate(1, at(3, 1), &[1], 0))
        .shows("send m1: g0 lacking epoch 1, no 3, hint 2@1");
    assert_eq!(sibling.log(), [1, 1]);
}

#[test]
fn what_follows_another_entry_is_not_taken_either() {
    let mut sibling = sibling(&[1, 1, 2]);
    sibling
        .is_told(m(1), replicate(4, at(3, 3), &[4], 0))
        .shows(
            "note promises, epoch 4
         write g0 promised 4, reigned 0
         flush
         send m1: g0 lacking epoch 4, no 3, hint 3@2",
        );
    assert_eq!(sibling.log(), [1, 1, 2]);
}

#[test]
fn the_hint_leaves_out_all_that_the_main_cannot_have() {
    let mut sibling = sibling(&[1, 2, 2, 2]);
    sibling.is_told(m(1), replicate(3, at(6, 1), &[], 0)).shows(
        "note promises, epoch 3
         write g0 promised 3, reigned 0
         flush
         send m1: g0 lacking epoch 3, no 6, hint 1@1",
    );
}

#[test]
fn entries_that_conflict_take_the_place_of_what_stood_there() {
    let mut sibling = sibling(&[1, 1, 1]);
    sibling
        .is_told(m(1), replicate(2, at(1, 1), &[1, 2], 0))
        .shows(
            "note promises, epoch 2
         write g0 promised 2, reigned 0
         note rolls back from 3
         write g0 3: opening
         flush
         send m1: g0 confirmed epoch 2, matched 3, executed 0",
        );
    assert_eq!(sibling.log(), [1, 1, 2]);
}

#[test]
fn a_short_message_that_is_late_cuts_nothing() {
    let mut sibling = sibling(&[1, 1, 1]);
    sibling
        .is_told(m(1), replicate(1, at(0, 0), &[1, 1], 0))
        .shows("send m1: g0 confirmed epoch 1, matched 2, executed 0");
    assert_eq!(sibling.log(), [1, 1, 1]);
}

#[test]
fn the_same_message_again_writes_nothing() {
    let mut sibling = sibling(&[]);
    sibling.is_told(m(1), replicate(1, at(0, 0), &[1, 1], 0));
    sibling
        .is_told(m(1), replicate(1, at(0, 0), &[1, 1], 0))
        .shows("send m1: g0 confirmed epoch 1, matched 2, executed 0");
}

/// `m2`, which knows two of its three entries to be accepted.
fn knowing() -> Solo<Server> {
    let mut sibling = sibling(&[1, 1, 1]);
    sibling.is_told(m(1), replicate(1, at(3, 1), &[], 2));
    assert_eq!(sibling.accepted(), 2);
    sibling
}

#[test]
fn what_follows_an_accepted_entry_may_still_be_cut() {
    let mut sibling = knowing();
    sibling.is_told(m(3), replicate(2, at(2, 1), &[2], 2));
    assert_eq!(sibling.log(), [1, 1, 2]);
}

#[test]
fn what_is_sent_from_before_an_accepted_entry_is_known_already() {
    let mut sibling = knowing();
    sibling
        .is_told(m(3), replicate(2, at(1, 1), &[1, 2], 2))
        .shows(
            "note promises, epoch 2
         write g0 promised 2, reigned 0
         flush
         send m3: g0 confirmed epoch 2, matched 2, executed 2",
        );
    assert_eq!(sibling.log(), [1, 1, 1]);
}

#[test]
fn a_sibling_takes_nothing_from_a_main_of_an_older_epoch() {
    let mut sibling = node(
        m(2),
        4,
        &[logged(1, &[1]), promised(3, 0, Some(CopyId::default()))],
    );
    sibling
        .is_told(m(1), replicate(2, at(1, 1), &[2], 0))
        .shows(
            "note refuses an old main m1, epoch 2
         send m1: g0 outdated, epoch 3 is promised",
        );
    assert_eq!(sibling.log(), [1]);
}

#[test]
fn a_sibling_takes_what_comes_in_the_epoch_that_it_has_promised() {
    let mut sibling = node(
        m(2),
        4,
        &[logged(1, &[1]), promised(3, 0, Some(CopyId::default()))],
    );
    sibling
        .is_told(m(3), replicate(3, at(1, 1), &[3], 0))
        .shows(
            "write g0 2: opening
         flush
         send m3: g0 confirmed epoch 3, matched 2, executed 0",
        );
}

#[test]
fn a_sibling_promises_to_obey_a_newer_epoch_before_it_confirms_anything_in_it() {
    let mut sibling = sibling(&[1]);
    sibling.is_told(m(3), replicate(2, at(1, 1), &[], 0)).shows(
        "note promises, epoch 2
         write g0 promised 2, reigned 0
         flush
         send m3: g0 confirmed epoch 2, matched 1, executed 0",
    );
}

#[test]
fn a_node_without_a_copy_takes_nothing() {
    let options = Options {
        siblings: 1,
        ..Options::default()
    };
    let mut outsider = node_with(m(3), 3, options, &[]);
    outsider
        .is_told(m(1), replicate(1, at(0, 0), &[1], 0))
        .shows("");
}

#[test]
fn one_that_is_dismissed_is_no_sibling_any_more() {
    let mut sibling = sibling(&[1]);
    sibling.is_told(m(1), replicate(2, at(1, 1), &[], 0));
    sibling.is_told(m(1), Word::Dismissed(Epoch(1))).shows("");
    assert_eq!(sibling.standing(), "sibling", "that was an older main");
    sibling.is_told(m(1), Word::Dismissed(Epoch(2))).shows("");
    assert_eq!(sibling.standing(), "outside");
}

#[test]
#[should_panic(expected = "both main of epoch 1")]
fn a_second_main_of_its_own_epoch_is_a_bug() {
    settled(3).is_told(m(2), replicate(1, at(1, 1), &[1], 0));
}
