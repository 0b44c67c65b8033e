//! What a linearizable register may answer, however odd it looks.

use super::*;

#[test]
fn no_calls_at_all() {
    acquit(&[]);
}

#[test]
fn a_read_concurrent_with_an_overwrite_may_see_either_value() {
    for answer in [found(1, 1), found(2, 2)] {
        acquit(&[
            (0, 1, put(1), written(1)),
            (2, 4, put(2), written(2)),
            (3, 5, get(), answer),
        ]);
    }
}

#[test]
fn absence_may_be_read_until_the_first_write_returns() {
    acquit(&[(0, 2, put(1), written(1)), (1, 3, get(), absent(0))]);
}

#[test]
fn a_value_may_be_seen_just_after_its_write_was_invoked() {
    acquit(&[(0, 2, get(), found(1, 1)), (1, 3, put(1), written(1))]);
}

#[test]
fn an_unanswered_write_may_be_seen_late_or_never() {
    acquit(&[
        (0, 0, put(1), None),
        (1, 2, get(), absent(0)),
        (3, 4, put(2), written(1)),
        (5, 6, get(), found(2, 1)),
        (7, 8, get(), found(1, 2)),
    ]);
    acquit(&[(0, 0, put(1), None), (1, 2, get(), absent(0))]);
}

#[test]
fn an_unanswered_delete_may_be_seen_late_or_never() {
    acquit(&[
        (0, 1, put(1), written(1)),
        (2, 0, delete(), None),
        (3, 4, get(), found(1, 1)),
        (5, 6, get(), absent(2)),
    ]);
    acquit(&[
        (0, 1, put(1), written(1)),
        (2, 0, delete(), None),
        (3, 4, get(), found(1, 1)),
    ]);
}

#[test]
fn two_unanswered_deletes_may_have_made_two_absences() {
    acquit(&[
        (0, 1, put(1), written(1)),
        (2, 0, delete(), None),
        (3, 0, delete(), None),
        (4, 5, get(), absent(2)),
        (6, 7, put(3), written(3)),
        (8, 9, get(), absent(4)),
    ]);
}

#[test]
fn a_delete_of_nothing_may_say_so() {
    acquit(&[(0, 1, delete(), absent(0)), (2, 3, put(1), written(1))]);
}

#[test]
fn revisions_need_not_grow() {
    acquit(&[
        (0, 1, put(1), written(9)),
        (2, 3, put(2), written(4)),
        (4, 5, get(), found(2, 4)),
    ]);
}

#[test]
fn one_of_two_concurrent_swaps_fails() {
    acquit(&[
        (0, 1, put(1), written(1)),
        (2, 9, cas(Some(1), 2), written(2)),
        (3, 8, cas(Some(1), 3), found(2, 2)),
    ]);
}

#[test]
fn an_unanswered_swap_may_have_happened() {
    acquit(&[
        (0, 0, cas(None, 1), None),
        (1, 0, cas(Some(1), 2), None),
        (2, 3, get(), found(2, 2)),
    ]);
}

#[test]
fn an_unanswered_write_that_only_a_swap_can_have_seen() {
    acquit(&[
        (0, 0, put(1), None),
        (1, 2, cas(Some(1), 2), written(2)),
        (3, 4, get(), found(2, 2)),
    ]);
}

#[test]
fn without_revisions_a_value_written_twice_may_come_back() {
    acquit(&[
        (0, 1, put(1), written(0)),
        (2, 3, put(2), written(0)),
        (4, 5, put(1), written(0)),
        (6, 7, get(), found(1, 0)),
    ]);
}
