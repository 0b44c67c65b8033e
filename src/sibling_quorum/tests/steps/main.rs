//! What a main does with updates and with the oks of its siblings.

use super::*;

#[test]
fn a_main_swears_before_it_sends_anything() {
    let mut main = node(m(1), 4, &[]);
    main.is_told(l(1), Word::Promote(charter(1, 3))).shows(
        "note reigns, epoch 1
         write g0 promised 1, reigned 1
         write g0 1: opening
         flush
         arm Heartbeat(GroupId(0)) within 1s
         send l1: g0 alive epoch 1, renew the lease",
    );
    main.is_told(c(1), ask(1, put(7, 70))).shows(
        "write g0 2: c1/1 put k7=v70
         flush",
    );
    main.flushed(OATH).shows(
        "send m2 past flush: g0 replicate epoch 1, after 0@0: opening; c1/1 put k7=v70, accepted 0
         arm Again(GroupId(0), m2) within 200ms
         send m3 past flush: g0 replicate epoch 1, after 0@0: opening; c1/1 put k7=v70, accepted 0
         arm Again(GroupId(0), m3) within 200ms
         send m4 past flush: g0 replicate epoch 1, after 0@0: opening; c1/1 put k7=v70, accepted 0
         arm Again(GroupId(0), m4) within 200ms",
    );
}

#[test]
fn an_update_is_answered_when_so_many_siblings_have_it_and_the_main_itself() {
    let mut main = settled(3);
    main.is_told(c(1), ask(1, put(7, 70))).shows(
        "write g0 2: c1/1 put k7=v70
         flush
         send m2 past flush: g0 replicate epoch 1, after 1@1: c1/1 put k7=v70, accepted 1
         send m3 past flush: g0 replicate epoch 1, after 1@1: c1/1 put k7=v70, accepted 1
         send m4 past flush: g0 replicate epoch 1, after 1@1: c1/1 put k7=v70, accepted 1",
    );
    main.is_told(m(2), confirmed(1, 2, 1)).shows("");
    main.flushed(2).shows("");
    main.is_told(m(3), confirmed(1, 2, 1))
        .shows("send c1 past flush: g0 answer 1: written @2");
    main.is_told(m(4), confirmed(1, 2, 1)).shows("");
}

#[test]
fn siblings_that_are_faster_than_the_own_disk_are_not_enough() {
    let mut main = settled(3);
    main.is_told(c(1), ask(1, put(7, 70)));
    (2..=4).for_each(|sibling| main.is_told(m(sibling), confirmed(1, 2, 1)).shows(""));
    main.flushed(2)
        .shows("send c1 past flush: g0 answer 1: written @2");
}

#[test]
fn the_main_itself_is_not_counted() {
    // 51 % of two siblings are both.
    let mut main = settled(2);
    main.is_told(c(1), ask(1, put(7, 70)));
    main.flushed(2).shows("");
    main.is_told(m(2), confirmed(1, 2, 1)).shows("");
    main.is_told(m(3), confirmed(1, 2, 1))
        .shows("send c1 past flush: g0 answer 1: written @2");
}

#[test]
fn without_siblings_its_own_disk_is_all_there_is() {
    let mut main = sworn(0, 1, &[]);
    main.flushed(OATH).shows("note serves, epoch 1");
    main.is_told(c(1), ask(1, put(7, 70))).shows(
        "write g0 2: c1/1 put k7=v70
         flush",
    );
    main.flushed(2)
        .shows("send c1 past flush: g0 answer 1: written @2");
}

/// How many of these siblings must confirm before the update is accepted.
fn needed(siblings: u32) -> u32 {
    let mut main = settled(siblings);
    main.is_told(c(1), ask(1, put(7, 70)));
    main.flushed(2);
    let mut oks = 0;
    while main.accepted() < 2 {
        oks += 1;
        main.is_told(m(oks + 1), confirmed(1, 2, 1));
    }
    oks
}

#[test]
fn half_of_the_siblings_are_one_too_few() {
    let needed: Vec<u32> = (1..=7).map(needed).collect();
    assert_eq!(needed, [1, 2, 2, 3, 3, 4, 4]);
}

#[test]
fn who_is_no_sibling_is_not_counted() {
    let options = Options {
        siblings: 2,
        ..Options::default()
    };
    let (mut main, _): (Solo<Server>, _) = Solo::boot_among(config(4, 1, options), m(1), &[]);
    main.is_told(l(1), Word::Promote(charter(1, 2)));
    main.flushed(OATH);
    main.is_told(m(2), confirmed(1, 1, 0)).shows("");
    main.is_told(m(4), confirmed(1, 1, 0)).shows("");
    main.is_told(l(1), confirmed(1, 1, 0)).shows("");
    assert_eq!(main.accepted(), 0);
}

#[test]
fn an_ok_of_the_own_epoch_counts() {
    let mut main = sworn(1, 3, &[1]);
    main.flushed(OATH);
    main.is_told(m(2), confirmed(3, 2, 0));
    assert_eq!(main.accepted(), 2);
}

#[test]
fn an_ok_of_an_older_epoch_does_not() {
    let mut main = sworn(1, 3, &[1]);
    main.flushed(OATH);
    main.is_told(m(2), confirmed(2, 2, 0)).shows("");
    assert_eq!(main.accepted(), 0);
}

#[test]
fn what_was_inherited_is_accepted_with_the_opening_and_not_before() {
    let mut main = sworn(1, 2, &[1, 1]);
    main.flushed(OATH);
    main.is_told(m(2), confirmed(2, 2, 0))
        .shows("send m2 past flush: g0 replicate epoch 2, after 2@1: opening, accepted 0");
    assert_eq!(main.accepted(), 0);
    main.is_told(m(2), confirmed(2, 3, 0))
        .shows("note serves, epoch 2");
    assert_eq!(main.accepted(), 3);
}

#[test]
fn an_ok_for_more_than_was_logged_counts_for_what_was() {
    let mut main = sworn(1, 1, &[]);
    main.flushed(OATH);
    main.is_told(m(2), confirmed(1, 9, 0));
    assert_eq!(main.accepted(), 1);
}

#[test]
fn a_sibling_that_lacks_something_is_asked_where_the_logs_can_meet() {
    let mut main = sworn(1, 3, &[1, 1, 2]);
    main.flushed(OATH).shows(
        "send m2 past flush: g0 replicate epoch 3, after 3@2: opening, accepted 0
         arm Again(GroupId(0), m2) within 200ms",
    );
    main.is_told(m(2), lacking(3, 3, at(2, 1)))
        .shows("send m2 past flush: g0 replicate epoch 3, after 2@1: opening; opening, accepted 0");
    // An answer to an older question.
    main.is_told(m(2), lacking(3, 3, at(1, 1))).shows("");
    main.is_told(m(2), confirmed(3, 4, 0))
        .shows("note serves, epoch 3");
    // What it has confirmed, it has.
    main.is_told(m(2), lacking(3, 4, at(1, 1))).shows("");
}

#[test]
fn what_is_not_confirmed_is_sent_again_ever_more_seldom() {
    let mut main = settled(1);
    main.is_told(c(1), ask(1, put(7, 70)));
    let again = Timer::Again(GROUP, m(2));
    main.fires(again)
        .shows("arm Again(GroupId(0), m2) within 200ms");
    main.fires(again).shows(
        "send m2 past flush: g0 replicate epoch 1, after 1@1: c1/1 put k7=v70, accepted 1
         arm Again(GroupId(0), m2) within 400ms",
    );
    main.is_told(m(2), confirmed(1, 2, 1));
    main.fires(again).shows("");
}

#[test]
fn messages_fill_the_window_and_the_next_waits_for_an_ok() {
    let window = Options {
        window: 2,
        ..Options::default()
    };
    let mut main = settled_with(1, window);
    let sent = |main: &mut Solo<Server>, user, key| {
        let deeds = main.is_told(c(user), ask(1, put(key, 70)));
        deeds.messages().count()
    };
    assert_eq!(sent(&mut main, 1, 1), 1);
    assert_eq!(sent(&mut main, 2, 2), 1);
    assert_eq!(sent(&mut main, 3, 3), 0);
    assert_eq!(sent(&mut main, 4, 4), 0);
    main.is_told(m(2), confirmed(1, 2, 1)).shows(
        "send m2 past flush: g0 replicate epoch 1, after 3@1: c3/1 put k3=v70; c4/1 put k4=v70, accepted 1",
    );
}

#[test]
fn a_sibling_whose_resources_have_the_same_hash_is_counted() {
    let mut main = settled(1);
    main.is_told(c(1), ask(1, put(7, 70)));
    main.flushed(2);
    main.is_told(m(2), confirmed(1, 2, 1));
    let hash = main.replica().machine.hash();
    let word = confirmed_by(1, 2, 2, hash, CopyId::default());
    main.is_told(m(2), word).shows("");
}

#[test]
fn a_sibling_whose_resources_differ_is_copied_to_anew_and_not_counted() {
    let mut main = settled(1);
    main.is_told(c(1), ask(1, put(7, 70)));
    main.flushed(2);
    main.is_told(m(2), confirmed(1, 2, 1));
    main.is_told(c(1), ask(2, put(7, 71)));
    main.flushed(3);
    let hash = main.replica().machine.hash();
    let word = confirmed_by(1, 3, 2, hash + 1, CopyId::default());
    main.is_told(m(2), word).shows(
        "note forces a clone m2
         note copies m2
         send m2: g0 copy 0: 1 resources as of 2",
    );
    assert_eq!(main.accepted(), 2);
}

#[test]
fn an_update_that_was_executed_is_answered_again_and_not_logged() {
    let mut main = settled(1);
    main.is_told(c(1), ask(1, put(7, 70)));
    main.flushed(2);
    main.is_told(m(2), confirmed(1, 2, 1));
    main.is_told(c(1), ask_again(1, put(7, 70))).shows(
        "note answers a retry of c1/1
         send c1 past flush: g0 answer 1: written @2",
    );
}

#[test]
fn an_update_that_waits_in_the_log_is_not_logged_again() {
    let mut main = settled(1);
    main.is_told(c(1), ask(1, put(7, 70)));
    main.is_told(c(1), ask_again(1, put(7, 70))).shows("");
    main.flushed(2);
    main.is_told(m(2), confirmed(1, 2, 1))
        .shows("send c1 past flush: g0 answer 1: written @2");
}

#[test]
fn what_a_later_update_has_overtaken_is_not_executed_any_more() {
    let mut main = settled(1);
    main.is_told(c(1), ask(2, put(7, 71)));
    main.flushed(2);
    main.is_told(m(2), confirmed(1, 2, 1));
    main.is_told(c(1), ask(1, put(7, 70)))
        .shows("note answers a retry of c1/1");
}

#[test]
fn a_new_main_knows_what_the_one_before_it_executed() {
    let entries = Entries::from([update(1, 1, put(7, 70))]);
    let record = Record::Entries {
        group: GROUP,
        first: Seq(1),
        entries,
    };
    let mut main = node(m(1), 2, &[record]);
    main.is_told(l(1), Word::Promote(charter(2, 1)));
    main.flushed(OATH);
    main.is_told(c(1), ask_again(1, put(7, 70))).shows("");
    main.is_told(m(2), confirmed(2, 2, 0)).shows(
        "send c1 past flush: g0 answer 1: written @1
         note serves, epoch 2",
    );
    main.is_told(c(1), ask_again(1, put(7, 70))).shows(
        "note answers a retry of c1/1
         send c1 past flush: g0 answer 1: written @1",
    );
}
