//! What readers and subscribers are shown, by a main under its lease and by siblings.

use super::*;

/// How long a lease lasts.
const LEASE: Span = Span::secs(5);

fn near(key: u32) -> Request {
    Request::Near(Key(key))
}

#[test]
fn readers_wait_until_the_main_has_a_lease() {
    let mut main = sworn(1, 1, &[]);
    main.flushed(OATH);
    main.is_told(m(2), confirmed(1, 1, 0));
    main.is_told(c(1), ask(1, get(7))).shows("");
    main.is_told(l(1), leased(1, 1))
        .shows("send c1 past flush: g0 answer 1: found nothing @0");
}

#[test]
fn readers_wait_until_the_opening_is_accepted() {
    let mut main = sworn(1, 1, &[]);
    main.flushed(OATH);
    main.is_told(l(1), leased(1, 1));
    main.is_told(c(1), ask(1, get(7))).shows("");
    main.is_told(m(2), confirmed(1, 1, 0)).shows(
        "note serves, epoch 1
         send c1 past flush: g0 answer 1: found nothing @0",
    );
}

#[test]
fn a_lease_counts_from_when_it_was_asked_for() {
    let mut main = sworn(1, 1, &[]);
    main.flushed(OATH);
    main.is_told(m(2), confirmed(1, 1, 0));
    main.passes(Span::secs(1)).is_told(l(1), leased(1, 1));
    main.is_at(LEASE).is_told(c(1), ask(1, get(7))).shows(
        "note lease ran out, epoch 1
         send c1 past flush: g0 elsewhere 1: no main known in epoch 1",
    );
}

#[test]
fn who_waits_is_not_answered_under_a_lease_that_was_over_when_it_was_heard_of() {
    let mut main = sworn(1, 1, &[]);
    main.flushed(OATH);
    main.is_told(m(2), confirmed(1, 1, 0));
    main.is_told(c(1), ask(1, get(7))).shows("");
    main.is_at(LEASE).is_told(l(1), leased(1, 1)).shows("");
}

#[test]
fn who_waits_is_not_answered_when_the_opening_is_accepted_after_the_lease() {
    let mut main = sworn(1, 1, &[]);
    main.flushed(OATH);
    main.is_told(l(1), leased(1, 1));
    main.is_told(c(1), ask(1, get(7))).shows("");
    main.is_at(LEASE)
        .is_told(m(2), confirmed(1, 1, 0))
        .shows("note serves, epoch 1");
}

#[test]
fn the_last_instant_of_a_lease_is_one_before_its_end() {
    let mut main = settled(1);
    let instant = Span::nanos(1);
    main.is_at(LEASE - instant);
    main.is_told(c(1), ask(1, get(7)))
        .shows("send c1 past flush: g0 answer 1: found nothing @0");
    main.is_told(c(1), ask(2, put(7, 70))).shows(
        "write g0 2: c1/2 put k7=v70
         flush
         send m2 past flush: g0 replicate epoch 1, after 1@1: c1/2 put k7=v70, accepted 1",
    );
}

#[test]
fn at_the_end_of_its_lease_a_main_serves_nobody() {
    let mut main = settled(1);
    main.is_at(LEASE);
    main.is_told(c(1), ask(1, get(7))).shows(
        "note lease ran out, epoch 1
         send c1 past flush: g0 elsewhere 1: no main known in epoch 1",
    );
    main.is_told(c(1), ask(2, put(7, 70))).shows(
        "note lease ran out, epoch 1
         send c1 past flush: g0 elsewhere 2: no main known in epoch 1",
    );
}

#[test]
fn only_the_renewal_that_was_asked_for_last_renews() {
    let mut main = settled(1);
    main.passes(Span::secs(1))
        .fires(Timer::Heartbeat(GROUP))
        .shows(
            "arm Heartbeat(GroupId(0)) within 1s
         send l1: g0 alive epoch 1, renew the lease
         send m2 past flush: g0 replicate epoch 1, after 1@1: nothing, accepted 1",
        );
    main.is_told(l(1), leased(1, 1));
    main.is_at(LEASE).is_told(c(1), ask(1, get(7))).shows(
        "note lease ran out, epoch 1
         send c1 past flush: g0 elsewhere 1: no main known in epoch 1",
    );
    main.is_told(l(1), leased(1, 2));
    main.is_told(c(1), ask(1, get(7)))
        .shows("send c1 past flush: g0 answer 1: found nothing @0");
}

#[test]
fn a_subscriber_is_told_of_the_next_update_when_it_is_accepted() {
    let mut main = settled(1);
    main.is_told(c(2), ask_having_seen(1, 1, Request::Watch(Key(7))))
        .shows("");
    main.is_told(c(1), ask(1, put(8, 80)));
    main.is_told(c(1), ask(2, put(7, 70)));
    main.flushed(3);
    main.is_told(m(2), confirmed(1, 2, 1))
        .shows("send c1 past flush: g0 answer 1: written @2");
    main.is_told(m(2), confirmed(1, 3, 1)).shows(
        "send c1 past flush: g0 answer 2: written @3
         send c2 past flush: g0 answer 1: found v70 @3",
    );
}

#[test]
fn a_subscriber_that_has_not_seen_the_last_update_is_told_at_once() {
    let mut main = settled(1);
    main.is_told(c(1), ask(1, put(7, 70)));
    main.flushed(2);
    main.is_told(m(2), confirmed(1, 2, 1));
    let watch = Request::Watch(Key(7));
    main.is_told(c(2), ask_having_seen(1, 1, watch))
        .shows("send c2 past flush: g0 answer 1: found v70 @2");
    main.is_told(c(3), ask_having_seen(2, 1, watch)).shows("");
}

/// `m2`, which has logged two puts and knows the first to be accepted.
fn sibling() -> Solo<Server> {
    let mut sibling = node(m(2), 4, &[]);
    let entries = [update(1, 1, put(7, 70)), update(1, 2, put(7, 71))];
    sibling.is_told(m(1), replicating(1, at(0, 0), &entries, 1));
    assert_eq!(sibling.accepted(), 1);
    sibling
}

#[test]
fn a_sibling_shows_what_is_accepted_and_not_what_it_has_logged_behind_that() {
    sibling()
        .is_told(c(1), ask(1, near(7)))
        .shows("send c1 past flush: g0 answer 1: found v70 @1");
}

#[test]
fn a_reader_who_has_seen_as_much_is_shown_something() {
    let word = ask_having_seen(1, 1, near(7));
    sibling()
        .is_told(c(1), word)
        .shows("send c1 past flush: g0 answer 1: found v70 @1");
}

#[test]
fn a_reader_who_has_seen_one_more_is_shown_nothing() {
    let word = ask_having_seen(2, 1, near(7));
    sibling().is_told(c(1), word).shows(
        "note is behind c1
         send c1 past flush: g0 behind 1",
    );
}

#[test]
fn a_main_goes_by_what_a_reader_has_seen_too() {
    let mut main = settled(1);
    main.is_told(c(1), ask_having_seen(1, 1, near(7)))
        .shows("send c1 past flush: g0 answer 1: found nothing @0");
    main.is_told(c(1), ask_having_seen(2, 1, near(7)))
        .shows("send c1 past flush: g0 behind 1");
}

#[test]
fn a_sibling_that_is_not_recorded_yet_shows_nothing() {
    let mut sibling = sibling();
    let word = Word::Replicate {
        epoch: Epoch(1),
        prev: at(2, 1),
        entries: Entries::default(),
        accepted: Seq(2),
        normal: false,
    };
    sibling.is_told(m(1), word);
    sibling.is_told(c(1), ask(1, near(7))).shows(
        "note is behind c1
         send c1 past flush: g0 behind 1",
    );
}

#[test]
fn a_sibling_that_has_started_again_shows_nothing_before_it_hears_a_main() {
    let mut sibling = node(m(2), 4, &[logged(1, &[1])]);
    sibling.is_told(c(1), ask(1, near(7))).shows(
        "note is behind c1
         send c1 past flush: g0 behind 1",
    );
}

#[test]
fn a_sibling_sends_everybody_else_to_its_main() {
    let mut sibling = sibling();
    sibling.is_told(c(1), ask(1, put(7, 70))).shows(
        "note sends elsewhere c1
         send c1 past flush: g0 elsewhere 1: m1 is the main of epoch 1",
    );
    sibling.is_told(c(1), ask(2, get(7))).shows(
        "note sends elsewhere c1
         send c1 past flush: g0 elsewhere 2: m1 is the main of epoch 1",
    );
}

#[test]
fn an_outsider_knows_no_main() {
    let options = Options {
        siblings: 1,
        ..Options::default()
    };
    let mut outsider = node_with(m(3), 3, options, &[]);
    outsider.is_told(c(1), ask(1, get(7))).shows(
        "note sends elsewhere c1
         send c1 past flush: g0 elsewhere 1: no main known in epoch 0",
    );
    outsider.is_told(c(1), ask(2, near(7))).shows(
        "note is behind c1
         send c1 past flush: g0 behind 2",
    );
}
