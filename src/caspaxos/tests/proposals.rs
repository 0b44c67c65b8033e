//! What a proposer does with one input.

use super::super::Timer;
use super::*;

#[test]
fn a_change_takes_two_rounds_and_is_answered_behind_the_own_flush() {
    let mut server = server(3);
    server.hears(c(1), ask(1, put(9))).shows(
        "send n2 past flush: k7 prepare 1/n1/0
         send n3 past flush: k7 prepare 1/n1/0
         write k7 promised 1/n1/0
         flush
         arm Register(Key(7)) within 100ms..200ms",
    );
    let promised = promise(own(1), Ballot::ZERO, &empty());
    server.hears(n(2), promised).shows(
        "send n2: k7 accept 1/n1/0: v9 @1
         send n3: k7 accept 1/n1/0: v9 @1
         write k7 accepted 1/n1/0: v9 @1
         flush
         arm Register(Key(7)) within 100ms..200ms",
    );
    server.hears(n(3), accepted(own(1))).shows(
        "disarm Register(Key(7))
         send c1: answer 1: written @1",
    );
    assert!(server.process.registers[&K].is_idle());
}

#[test]
fn a_change_is_made_upon_what_the_highest_ballot_carried() {
    let mut server = server(5);
    server.hears(c(1), ask(1, put(9)));
    server.hears(n(2), promise(own(1), ballot(0, 4), &held(3, 4)));
    let deeds = server.hears(n(3), promise(own(1), ballot(0, 3), &held(8, 3)));
    let (_, message) = deeds.messages().next().unwrap();
    assert_eq!(*message, accept(own(1), &made(4, 9, 1)));
}

#[test]
fn a_promise_counts_once_and_only_for_its_ballot() {
    let mut server = server(5);
    server.hears(c(1), ask(1, put(9)));
    let promised = promise(own(1), Ballot::ZERO, &empty());
    server.hears(n(2), promised.clone()).shows("");
    server.hears(n(2), promised.clone()).shows("");
    let other = promise(own(2), Ballot::ZERO, &empty());
    server.hears(n(3), other).shows("");
    assert_eq!(server.hears(n(4), promised).messages().count(), 4);
}

#[test]
fn an_acceptance_counts_once_and_only_for_its_ballot() {
    let mut server = server(5);
    server.hears(c(1), ask(1, put(9)));
    for other in [2, 3] {
        server.hears(n(other), promise(own(1), Ballot::ZERO, &empty()));
    }
    server.hears(n(2), accepted(own(1))).shows("");
    server.hears(n(2), accepted(own(1))).shows("");
    server.hears(n(3), accepted(own(2))).shows("");
    assert_eq!(
        server.hears(n(5), accepted(own(1))).answer(),
        answer(1, written(1))
    );
}

#[test]
fn who_is_no_member_is_not_heard() {
    let mut server = preparing();
    let promised = promise(own(1), Ballot::ZERO, &empty());
    server.hears(n(4), promised).shows("");
    server.hears(n(4), prepare(ballot(9, 4))).shows("");
    assert_eq!(server.process.registers[&K].promised(), own(1));
}

#[test]
fn a_look_at_what_a_majority_accepted_last_takes_one_round() {
    let disk = [Ok(accepted_record(ballot(4, 3), &held(2, 5)))];
    let mut server = server_with(3, &disk);
    server.hears(c(1), ask(1, get())).shows(
        "send n2 past flush: k7 prepare 5/n1/0
         send n3 past flush: k7 prepare 5/n1/0
         write k7 promised 5/n1/0
         flush
         arm Register(Key(7)) within 100ms..200ms",
    );
    let promised = promise(own(5), ballot(4, 3), &held(2, 5));
    server.hears(n(2), promised).shows(
        "disarm Register(Key(7))
         send c1: answer 1: found v5 @2",
    );
}

#[test]
fn a_look_at_what_may_not_be_chosen_carries_it_through_first() {
    let disk = [Ok(accepted_record(ballot(4, 3), &held(2, 5)))];
    let mut server = server_with(3, &disk);
    server.hears(c(1), ask(1, get()));
    let promised = promise(own(5), ballot(3, 2), &held(1, 4));
    server.hears(n(2), promised).shows(
        "note completes another's proposal, k7 4/n3/0 with 5/n1/0
         send n2: k7 accept 5/n1/0: v5 @2
         send n3: k7 accept 5/n1/0: v5 @2
         write k7 accepted 5/n1/0: v5 @2
         flush
         arm Register(Key(7)) within 100ms..200ms",
    );
    assert_eq!(
        server.hears(n(3), accepted(own(5))).answer(),
        answer(1, Response::Found(Some(value(5)), Revision(2)))
    );
}

#[test]
fn a_retry_of_what_another_server_made_is_answered_and_not_made_again() {
    let mut server = server(3);
    server.hears(c(1), ask(1, put(9)));
    let promised = promise(own(1), ballot(0, 2), &made(1, 9, 1));
    server.hears(n(2), promised).shows(
        "note finds it decided, k7 c1/0/1
         note completes another's proposal, k7 0/n2/0 with 1/n1/0
         send n2: k7 accept 1/n1/0: v9 @1
         send n3: k7 accept 1/n1/0: v9 @1
         write k7 accepted 1/n1/0: v9 @1
         flush
         arm Register(Key(7)) within 100ms..200ms",
    );
    assert_eq!(
        server.hears(n(2), accepted(own(1))).answer(),
        answer(1, written(1))
    );
}

#[test]
fn a_compare_that_is_not_met_is_told_what_was_found() {
    let mut server = server(3);
    server.hears(c(1), ask(1, cas(Some(4), 9)));
    let promised = promise(own(1), ballot(0, 2), &held(2, 5));
    server.hears(n(2), promised);
    assert_eq!(
        server.hears(n(2), accepted(own(1))).answer(),
        answer(1, Response::Found(Some(value(5)), Revision(2)))
    );
}

#[test]
fn nobody_is_answered_for_what_was_overtaken() {
    let mut server = preparing();
    let promised = promise(own(1), ballot(0, 2), &made(5, 8, 2));
    server.hears(n(2), promised);
    server
        .hears(n(2), accepted(own(1)))
        .shows("disarm Register(Key(7))");
    assert!(server.process.registers[&K].is_idle());
}

#[test]
fn the_next_in_line_begins_when_the_first_is_answered() {
    let mut server = accepting();
    server.hears(c(2), ask(1, get())).shows("");
    server.hears(n(2), accepted(own(1))).shows(
        "disarm Register(Key(7))
         send n2 past flush: k7 prepare 2/n1/0
         send n3 past flush: k7 prepare 2/n1/0
         write k7 promised 2/n1/0
         flush
         arm Register(Key(7)) within 100ms..200ms
         send c1: answer 1: written @1",
    );
}

#[test]
fn a_retry_of_what_is_under_way_or_in_line_changes_nothing() {
    let mut server = preparing();
    server.hears(c(1), ask(1, put(9))).shows("");
    server.hears(c(2), ask(1, put(8))).shows("");
    server.hears(c(2), ask(1, put(8))).shows("");
    assert_eq!(server.process.registers[&K].proposer.waiting.len(), 1);
}

#[test]
fn what_its_author_has_given_up_on_leaves_the_line() {
    let mut server = preparing();
    for seq in 1..=5 {
        server.hears(c(2), ask(seq, put(8))).shows("");
    }
    let waiting = &server.process.registers[&K].proposer.waiting;
    let seqs: Vec<u64> = waiting.iter().map(|asked| asked.id.seq).collect();
    assert_eq!(seqs, [5]);
}

#[test]
fn those_who_are_silent_are_asked_again_with_the_same_ballot() {
    let mut server = preparing();
    server.fires(Timer::Register(K)).shows(
        "note asks again, k7 1/n1/0
         send n2 past flush: k7 prepare 1/n1/0
         send n3 past flush: k7 prepare 1/n1/0
         arm Register(Key(7)) within 100ms..200ms",
    );
    let mut server = accepting();
    server.fires(Timer::Register(K)).shows(
        "note asks again, k7 1/n1/0
         send n2: k7 accept 1/n1/0: v9 @1
         send n3: k7 accept 1/n1/0: v9 @1
         arm Register(Key(7)) within 100ms..200ms",
    );
}

#[test]
fn one_refusal_among_three_is_no_defeat_and_yet_no_use_to_wait_for() {
    let mut server = preparing();
    server.hears(n(2), refused(own(1), ballot(6, 3))).shows("");
    server.fires(Timer::Register(K)).shows(
        "send n2 past flush: k7 prepare 7/n1/0
         send n3 past flush: k7 prepare 7/n1/0
         write k7 promised 7/n1/0
         flush
         arm Register(Key(7)) within 100ms..200ms",
    );
}

#[test]
fn who_cannot_win_any_more_waits_longer_each_time_and_goes_higher() {
    let mut server = preparing();
    let mut count = 1;
    for within in ["50ms", "100ms", "200ms", "400ms", "800ms", "800ms"] {
        let higher = ballot(count + 5, 3);
        server.hears(n(2), refused(own(count), higher)).shows("");
        server.hears(n(2), refused(own(count), higher)).shows("");
        server
            .hears(n(3), refused(own(count), higher))
            .shows(&format!(
                "note preempted, k7 {count}/n1/0
             arm Register(Key(7)) within 5ms..{within}"
            ));
        server.hears(n(3), refused(own(count), higher)).shows("");
        let promised = promise(own(count), Ballot::ZERO, &empty());
        server.hears(n(2), promised).shows("");
        server.fires(Timer::Register(K));
        count += 6;
        assert_eq!(server.process.registers[&K].promised(), own(count));
    }
}

#[test]
fn its_own_acceptor_may_have_promised_more_to_another() {
    let mut server = preparing();
    server.hears(n(3), prepare(ballot(2, 3)));
    let promised = promise(own(1), Ballot::ZERO, &empty());
    server.hears(n(2), promised).shows(
        "send n2: k7 accept 1/n1/0: v9 @1
         send n3: k7 accept 1/n1/0: v9 @1
         arm Register(Key(7)) within 100ms..200ms",
    );
    server.hears(n(2), accepted(own(1))).shows("");
    assert_eq!(
        server.hears(n(3), accepted(own(1))).answer(),
        answer(1, written(1))
    );
}

#[test]
fn who_is_alone_decides_at_once() {
    let mut server = server(1);
    server.hears(c(1), ask(1, put(9))).shows(
        "write k7 promised 1/n1/0
         flush
         write k7 accepted 1/n1/0: v9 @1
         flush
         send c1: answer 1: written @1",
    );
    server.hears(c(1), ask(2, get())).shows(
        "write k7 promised 2/n1/0
         flush
         send c1: answer 2: found v9 @1",
    );
}

#[test]
fn one_key_does_not_wait_for_another() {
    let mut server = preparing();
    let deeds = server.hears(c(2), ask(1, Request::Get(Key(8))));
    assert_eq!(deeds.messages().count(), 2);
}
