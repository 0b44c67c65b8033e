//! What no linearizable register could have answered.

use super::*;

#[test]
fn a_read_just_after_an_overwrite_must_not_see_the_old_value() {
    let told = convict(&[
        (0, 1, put(1), written(1)),
        (2, 3, put(2), written(2)),
        (4, 5, get(), found(1, 1)),
    ]);
    assert_eq!(
        told,
        "c3 get k3 -> found v1 @1 (#2) although c2 put k3=v2 -> written @2 (#1) had returned before it was \
         invoked, and c1 put k3=v1 -> written @1 (#0) before #1 was"
    );
}

#[test]
fn two_reads_must_not_go_back_in_time() {
    let told = convict(&[
        (0, 1, put(1), written(1)),
        (2, 9, put(2), written(2)),
        (3, 4, get(), found(2, 2)),
        (5, 6, get(), found(1, 1)),
    ]);
    assert_eq!(
        told,
        "c4 get k3 -> found v1 @1 (#3) although c3 get k3 -> found v2 @2 (#2) had returned before it was \
         invoked, and c1 put k3=v1 -> written @1 (#0) before #2 was"
    );
}

#[test]
fn an_acknowledged_write_must_not_be_lost() {
    let told = convict(&[(0, 1, put(1), written(1)), (2, 3, get(), absent(0))]);
    assert_eq!(
        told,
        "c2 get k3 -> found nothing @0 (#1) although c1 put k3=v1 -> written @1 (#0) had returned before it was \
         invoked"
    );
}

#[test]
fn a_value_must_not_be_seen_before_it_is_written() {
    let told = convict(&[(0, 1, get(), found(1, 1)), (2, 3, put(1), written(1))]);
    assert_eq!(
        told,
        "c1 get k3 -> found v1 @1 (#0) had returned before c2 put k3=v1 -> written @1 (#1) was invoked, whose \
         write it saw"
    );
}

#[test]
fn a_value_that_nobody_wrote_must_not_be_seen() {
    let told = convict(&[(0, 1, put(1), written(1)), (2, 3, get(), found(7, 7))]);
    assert_eq!(
        told,
        "c2 get k3 -> found v7 @7 (#1) although nobody wrote that"
    );
}

#[test]
fn a_value_must_not_come_back_after_two_were_seen_in_turn() {
    let told = convict(&[
        (0, 9, put(1), written(1)),
        (1, 9, put(2), written(2)),
        (10, 11, get(), found(1, 1)),
        (12, 13, get(), found(2, 2)),
        (14, 15, get(), found(1, 1)),
    ]);
    assert!(told.starts_with("two values at once: "), "{told}");
}

#[test]
fn an_unanswered_write_that_was_seen_must_not_vanish() {
    convict(&[
        (0, 0, put(1), None),
        (1, 2, get(), found(1, 1)),
        (3, 4, get(), absent(0)),
    ]);
}

#[test]
fn an_unanswered_delete_that_was_seen_must_not_vanish() {
    convict(&[
        (0, 1, put(1), written(1)),
        (2, 0, delete(), None),
        (3, 4, get(), absent(2)),
        (5, 6, get(), found(1, 1)),
    ]);
}

#[test]
fn a_deleted_key_must_not_be_as_if_never_written() {
    convict(&[
        (0, 1, put(1), written(1)),
        (2, 3, delete(), written(2)),
        (4, 5, get(), absent(0)),
    ]);
}

#[test]
fn one_of_two_deletes_must_have_made_each_absence() {
    // Three absences of different revisions, and two deletes that could have made them.
    convict(&[
        (0, 0, delete(), None),
        (1, 0, delete(), None),
        (2, 3, get(), absent(1)),
        (4, 5, get(), absent(2)),
        (6, 7, get(), absent(3)),
    ]);
    // A third delete made a revision of its own.
    convict(&[
        (0, 0, delete(), None),
        (1, 0, delete(), None),
        (2, 9, delete(), written(4)),
        (3, 4, get(), absent(1)),
        (5, 6, get(), absent(2)),
        (7, 8, get(), absent(3)),
    ]);
}

#[test]
fn a_write_has_one_revision() {
    let told = convict(&[(0, 1, put(1), written(1)), (2, 3, get(), found(1, 2))]);
    assert_eq!(
        told,
        "c2 get k3 -> found v1 @2 (#1) although no write of it made that revision: c1 put k3=v1 -> written @1 (#0)"
    );
    let told = convict(&[
        (0, 0, put(1), None),
        (1, 2, get(), found(1, 1)),
        (3, 4, get(), found(1, 2)),
    ]);
    assert_eq!(
        told,
        "c2 get k3 -> found v1 @1 (#1) and c3 get k3 -> found v1 @2 (#2) tell two revisions of one write, \
         c1 put k3=v1 -> no answer (#0)"
    );
}

#[test]
fn two_writes_have_two_revisions() {
    let told = convict(&[(0, 1, put(1), written(1)), (2, 3, put(2), written(1))]);
    assert!(told.ends_with("are two writes of one revision"), "{told}");
    convict(&[
        (0, 9, put(1), written(1)),
        (1, 0, put(2), None),
        (2, 3, get(), found(2, 1)),
    ]);
    convict(&[(0, 9, put(1), written(1)), (2, 3, get(), absent(1))]);
    convict(&[
        (0, 0, put(1), None),
        (0, 0, put(2), None),
        (2, 3, get(), found(1, 1)),
        (4, 5, get(), found(2, 1)),
    ]);
}

#[test]
fn a_swap_must_find_what_it_expects() {
    let told = convict(&[
        (0, 1, put(1), written(1)),
        (2, 3, put(2), written(2)),
        (4, 5, cas(Some(1), 3), written(3)),
    ]);
    assert_eq!(
        told,
        "k3: no order explains all answers; the longest found covers 2 of 3 operations, and after c2 put k3=v2 \
         -> written @2 (#1) none of these can be next: c3 cas k3 v1->v3 -> written @3 (#2)"
    );
}

#[test]
fn of_two_swaps_that_expect_the_same_one_fails() {
    convict(&[
        (0, 1, put(1), written(1)),
        (2, 9, cas(Some(1), 2), written(2)),
        (3, 8, cas(Some(1), 3), written(3)),
    ]);
}

#[test]
fn a_swap_must_not_fail_on_what_it_expects() {
    convict(&[
        (0, 1, put(1), written(1)),
        (2, 3, cas(Some(1), 2), found(1, 1)),
    ]);
}

#[test]
fn a_failed_swap_must_not_see_the_past() {
    convict(&[
        (0, 1, put(1), written(1)),
        (2, 3, put(2), written(2)),
        (4, 5, cas(Some(7), 3), found(1, 1)),
    ]);
}

#[test]
fn an_answer_must_fit_the_question() {
    let told = convict(&[(0, 1, get(), written(1))]);
    assert_eq!(
        told,
        "c1 get k3 -> written @1 (#0) is no answer to what was asked"
    );
    convict(&[(0, 1, put(1), found(1, 1))]);
    convict(&[(0, 1, delete(), found(1, 1))]);
}

#[test]
fn without_revisions_values_alone_convict() {
    convict(&[
        (0, 1, put(1), written(0)),
        (2, 3, put(2), written(0)),
        (4, 5, get(), found(1, 0)),
    ]);
    convict(&[
        (0, 1, put(1), written(0)),
        (2, 3, delete(), written(0)),
        (4, 5, get(), found(1, 0)),
    ]);
}
