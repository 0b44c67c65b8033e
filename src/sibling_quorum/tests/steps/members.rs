//! How a main makes siblings, and lets them go.

use super::*;

fn options(siblings: u32) -> Options {
    Options {
        siblings,
        ..Options::default()
    }
}

/// `m1`, with so many siblings among four managing nodes; its opening is accepted.
fn main_with(siblings: u32, options: Options) -> Solo<Server> {
    let (mut main, _): (Solo<Server>, _) = Solo::boot_among(config(4, 1, options), m(1), &[]);
    main.is_told(l(1), Word::Promote(charter(1, siblings)));
    main.flushed(OATH);
    let hash = main.replica().machine.hash();
    for sibling in 2..=siblings + 1 {
        main.is_told(m(sibling), confirmed_by(1, 1, 0, hash, CopyId::default()));
    }
    assert_eq!(main.accepted(), 1);
    main
}

fn main(siblings: u32) -> Solo<Server> {
    main_with(siblings, options(siblings))
}

fn add(number: u32) -> Word {
    let node = m(number);
    Word::AddSibling { node, anew: false }
}

fn copied(run: u64, part: u64) -> Word {
    let copy = copy(1, run);
    Word::Copied { copy, part }
}

fn live(run: u64, at: Position) -> Word {
    let copy = copy(1, run);
    Word::Live { copy, at }
}

fn admitted(list: u64, siblings: &[u32], newcomers: &[(u32, CopyId)]) -> Word {
    Word::Admitted {
        epoch: Epoch(1),
        list,
        siblings: siblings.iter().copied().map(m).collect(),
        copies: newcomers
            .iter()
            .map(|(node, copy)| (m(*node), *copy))
            .collect(),
    }
}

/// An update is logged, and is on the main's own disk.
fn logs(main: &mut Solo<Server>, number: u64) {
    main.is_told(c(1), ask(number, put(7, number)));
    main.flushed(u64::MAX);
}

#[test]
fn a_newcomer_is_sent_a_copy_once() {
    let mut main = main(2);
    main.is_told(l(1), add(4)).shows(
        "note copies m4
         send m4: g0 copy 0: 0 resources as of 1
         arm Again(GroupId(0), m4) within 200ms",
    );
    main.is_told(l(1), add(4)).shows("");
}

#[test]
fn a_sibling_and_the_main_itself_are_sent_none() {
    let mut main = main(2);
    main.is_told(l(1), add(3)).shows("");
    main.is_told(l(1), add(1)).shows("");
}

#[test]
fn a_copy_travels_in_parts_and_then_comes_what_was_recorded() {
    let parts = Options {
        resources: 3,
        copy_batch: 2,
        ..options(2)
    };
    let mut main = main_with(2, parts);
    main.is_told(l(1), add(4)).shows(
        "note copies m4
         send m4: g0 copy 0: 2 resources as of 1
         arm Again(GroupId(0), m4) within 200ms",
    );
    logs(&mut main, 1);
    let hash = main.replica().machine.hash();
    for sibling in [2, 3] {
        main.is_told(m(sibling), confirmed_by(1, 2, 1, hash, CopyId::default()));
    }
    assert_eq!(main.accepted(), 2);
    main.is_told(m(4), copied(1, 0))
        .shows("send m4: g0 copy 1: 1 resources as of 2");
    // It has begun with another copy since, or says the same again.
    main.is_told(m(4), copied(2, 1)).shows("");
    main.is_told(m(4), copied(1, 0)).shows("");
    main.is_told(m(4), copied(1, 1)).shows(
        "note revives m4
         send m4: g0 replay after 1: c1/1 put k7=v1
         send m4: g0 go live at 2@1",
    );
}

#[test]
fn a_copy_that_just_fits_is_one_part() {
    let parts = Options {
        resources: 2,
        copy_batch: 2,
        ..options(2)
    };
    let mut main = main_with(2, parts);
    main.is_told(l(1), add(4)).shows(
        "note copies m4
         send m4: g0 copy 0: 2 resources as of 1
         arm Again(GroupId(0), m4) within 200ms",
    );
    main.is_told(m(4), copied(1, 0)).shows(
        "note revives m4
         send m4: g0 replay after 1: nothing
         send m4: g0 go live at 1@1",
    );
}

/// `m1` with `m2`, and `m3`, which has gone live behind its opening. One update has been accepted since.
fn with_a_newcomer() -> Solo<Server> {
    let mut main = main(1);
    main.is_told(l(1), add(3));
    main.is_told(m(3), copied(1, 0));
    logs(&mut main, 1);
    main.is_told(m(2), confirmed(1, 2, 0));
    assert_eq!(main.accepted(), 2);
    main
}

#[test]
fn a_newcomer_that_is_live_is_sent_what_comes_and_does_not_count() {
    let mut main = with_a_newcomer();
    main.is_told(m(3), live(1, at(1, 1)))
        .shows("send m3 past flush: g0 replicate epoch 1, after 1@1: c1/1 put k7=v1, accepted 2");
    logs(&mut main, 2);
    let newcomer = || confirmed_by(1, 2, 0, 0, copy(1, 1));
    main.is_told(m(3), newcomer());
    assert_eq!(main.accepted(), 2);
}

#[test]
fn a_newcomer_is_not_live_by_another_copy_or_at_a_place_that_is_not_in_the_log() {
    let mut main = with_a_newcomer();
    main.is_told(m(3), live(2, at(1, 1))).shows("");
    main.is_told(m(3), live(1, at(3, 1))).shows("");
    main.is_told(m(3), live(1, at(2, 2))).shows("");
}

#[test]
fn a_list_is_asked_for_when_both_quorums_have_all_that_was_accepted() {
    let mut main = with_a_newcomer();
    main.is_told(m(3), live(1, at(1, 1)));
    main.is_told(m(3), confirmed_by(1, 2, 0, 0, copy(1, 1)))
        .shows("send l1: g0 admit epoch 1, siblings [m2, m3]");
}

/// The same, and the controllers have been asked to record it.
fn asked() -> Solo<Server> {
    let mut main = with_a_newcomer();
    main.is_told(m(3), live(1, at(2, 1)));
    let change = match &main.replica().standing {
        Standing::Main(office) => office.change.clone(),
        _ => None,
    };
    assert_eq!(change.map(|change| change.node), Some(m(3)));
    main
}

#[test]
fn meanwhile_the_old_quorum_alone_accepts_nothing() {
    let mut main = asked();
    logs(&mut main, 2);
    main.is_told(m(2), confirmed(1, 3, 0)).shows("");
    main.is_told(m(3), confirmed_by(1, 3, 0, 0, copy(1, 1)))
        .shows("send c1 past flush: g0 answer 2: written @3");
}

#[test]
fn meanwhile_the_newcomer_alone_accepts_nothing() {
    let mut main = asked();
    logs(&mut main, 2);
    main.is_told(m(3), confirmed_by(1, 3, 0, 0, copy(1, 1)))
        .shows("");
    main.is_told(m(2), confirmed(1, 3, 0))
        .shows("send c1 past flush: g0 answer 2: written @3");
}

#[test]
fn it_is_asked_for_again_with_every_heartbeat_until_it_is_recorded() {
    let mut main = asked();
    main.fires(Timer::Heartbeat(GROUP)).shows(
        "arm Heartbeat(GroupId(0)) within 1s
         send l1: g0 alive epoch 1, renew the lease
         send l1: g0 admit epoch 1, siblings [m2, m3]
         send m2 past flush: g0 replicate epoch 1, after 2@1: nothing, accepted 2
         send m3 past flush: g0 replicate epoch 1, after 2@1: nothing, accepted 2",
    );
    main.is_told(l(1), admitted(1, &[2, 3], &[(3, copy(1, 1))]))
        .shows("note counts 2 siblings");
    main.fires(Timer::Heartbeat(GROUP)).shows(
        "arm Heartbeat(GroupId(0)) within 1s
         send l1: g0 alive epoch 1, renew the lease
         send m2 past flush: g0 replicate epoch 1, after 2@1: nothing, accepted 2
         send m3 past flush: g0 replicate epoch 1, after 2@1: nothing, accepted 2",
    );
}

#[test]
fn what_is_recorded_late_or_was_not_asked_for_changes_nothing() {
    let mut main = asked();
    main.is_told(l(1), admitted(1, &[2, 4], &[])).shows("");
    main.is_told(l(1), admitted(2, &[2, 3], &[(3, copy(1, 1))]))
        .shows("");
    main.is_told(l(1), admitted(1, &[2, 3], &[(3, copy(1, 1))]));
    let after = main.process.clone();
    main.is_told(l(1), admitted(1, &[2, 3], &[(3, copy(1, 1))]))
        .shows("");
    main.is_told(l(1), admitted(0, &[2], &[])).shows("");
    assert_eq!(main.process, after);
}

#[test]
fn one_that_goes_counts_until_that_is_recorded() {
    let mut main = main(2);
    main.is_told(l(1), Word::RemoveSibling(m(3)))
        .shows("send l1: g0 admit epoch 1, siblings [m2]");
    logs(&mut main, 1);
    main.is_told(m(2), confirmed(1, 2, 0)).shows("");
    main.is_told(l(1), admitted(1, &[2], &[])).shows(
        "note counts 1 siblings
         note dismisses m3
         disarm Again(GroupId(0), m3)
         send m3: g0 dismissed, epoch 1
         send c1 past flush: g0 answer 1: written @2",
    );
}

/// With m2 alone nothing could be accepted, and m4 does not answer: the removal of m3 waits, and updates go on.
#[test]
fn a_removal_waits_until_enough_of_those_who_stay_answer() {
    let mut main = main(3);
    logs(&mut main, 1);
    main.is_told(m(2), confirmed(1, 2, 0));
    main.is_told(m(3), confirmed(1, 2, 0));
    for _ in 0..6 {
        main.fires(Timer::Again(GROUP, m(4)));
    }
    main.is_told(l(1), Word::RemoveSibling(m(3))).shows("");
    logs(&mut main, 2);
    main.is_told(m(2), confirmed(1, 3, 0)).shows("");
    main.is_told(m(3), confirmed(1, 3, 0))
        .shows("send c1 past flush: g0 answer 2: written @3");
    main.is_told(m(4), confirmed(1, 3, 0))
        .shows("send l1: g0 admit epoch 1, siblings [m2, m4]");
}

#[test]
fn the_last_sibling_does_not_go() {
    let mut main = main(1);
    main.is_told(l(1), Word::RemoveSibling(m(2))).shows("");
}

#[test]
fn one_that_is_on_its_way_in_is_forgotten() {
    let mut main = main(2);
    main.is_told(l(1), add(4));
    main.is_told(l(1), Word::RemoveSibling(m(4)))
        .shows("disarm Again(GroupId(0), m4)");
    main.is_told(m(4), copied(1, 0)).shows("");
}

#[test]
fn a_sibling_that_lost_its_copy_gets_another_and_counts_again_when_that_is_recorded() {
    let mut main = main(2);
    let node = m(3);
    main.is_told(l(1), Word::AddSibling { node, anew: true })
        .shows(
            "note copies m3
         send m3: g0 copy 0: 0 resources as of 1",
        );
    logs(&mut main, 1);
    main.is_told(m(2), confirmed(1, 2, 0));
    // What it confirms with its old copy comes late.
    main.is_told(m(3), confirmed(1, 2, 0)).shows("");
    main.is_told(m(3), copied(1, 0)).shows(
        "note revives m3
         send m3: g0 replay after 1: nothing
         send m3: g0 go live at 1@1",
    );
    main.is_told(m(3), live(1, at(1, 1))).shows(
        "send m3 past flush: g0 replicate epoch 1, after 1@1: c1/1 put k7=v1, accepted 1
         send l1: g0 admit epoch 1, siblings [m2, m3]",
    );
    let newcomer = || confirmed_by(1, 2, 0, 0, copy(1, 1));
    main.is_told(m(3), newcomer()).shows("");
    assert_eq!(main.accepted(), 1);
    main.is_told(l(1), admitted(1, &[2, 3], &[(3, copy(1, 1))]))
        .shows(
            "note counts 2 siblings
         send c1 past flush: g0 answer 1: written @2",
        );
    assert_eq!(main.accepted(), 2);
}

#[test]
fn a_sibling_with_a_copy_that_is_not_recorded_is_counted_no_more() {
    let mut main = main(1);
    logs(&mut main, 1);
    main.is_told(m(2), confirmed_by(1, 2, 0, 0, copy(1, 7)))
        .shows("send l1: g0 admit epoch 1, siblings [m2]");
    assert_eq!(main.accepted(), 1);
}

/// `m1`, the main of epoch 3, whose log begins behind 5@2: it was itself copied to.
fn main_with_a_base() -> Solo<Server> {
    let base = Record::Base {
        group: GROUP,
        at: at(5, 2),
        copies: Copies::from([]),
    };
    let mut main = node(m(1), 3, &[base]);
    main.is_told(l(1), Word::Promote(charter(3, 2)));
    main.flushed(OATH);
    main
}

#[test]
fn a_sibling_that_ends_where_the_log_begins_is_sent_all_of_it() {
    let mut main = main_with_a_base();
    main.is_told(c(1), ask(1, put(7, 70)));
    main.is_told(m(2), confirmed(3, 5, 0)).shows(
        "send m2 past flush: g0 replicate epoch 3, after 5@2: opening; c1/1 put k7=v70, accepted 5",
    );
}

#[test]
fn a_sibling_that_ends_before_that_is_copied_to() {
    let mut main = main_with_a_base();
    main.is_told(m(2), lacking(3, 5, at(4, 2))).shows(
        "note copies m2
         send m2: g0 copy 0: 0 resources as of 5",
    );
}

#[test]
fn a_sibling_whose_log_parts_from_it_there_is_copied_to() {
    let mut main = main_with_a_base();
    main.is_told(m(2), lacking(3, 5, at(5, 1))).shows(
        "note copies m2
         send m2: g0 copy 0: 0 resources as of 5",
    );
}

#[test]
fn a_sibling_that_said_so_before_it_was_copied_to_is_not_again() {
    let mut main = main_with_a_base();
    main.is_told(m(2), confirmed(3, 5, 0));
    main.is_told(m(2), lacking(3, 5, at(5, 1))).shows("");
}

#[test]
fn a_copy_that_gets_no_answer_is_sent_again_and_in_the_end_begins_anew() {
    let short = Options {
        again_at_most: Span::millis(400),
        ..options(2)
    };
    let mut main = main_with(2, short);
    main.is_told(l(1), add(4));
    let again = Timer::Again(GROUP, m(4));
    main.fires(again).shows(
        "send m4: g0 copy 0: 0 resources as of 1
         arm Again(GroupId(0), m4) within 400ms",
    );
    main.fires(again).shows(
        "note copies m4
         send m4: g0 copy 0: 0 resources as of 1
         arm Again(GroupId(0), m4) within 200ms",
    );
    main.is_told(m(4), copied(1, 0)).shows("");
}
