//! What a user does.

use super::super::super::Client;
use super::*;
use crate::OpId;

/// `c1` of four managing nodes and three controllers.
fn user() -> Solo<Client> {
    let (user, deeds) = Solo::boot_among(config(4, 3, Options::default()), c(1), &[]);
    deeds.shows("");
    user
}

fn asking(request: Request) -> Solo<Client> {
    let mut user = user();
    user.takes(Input::Requested(OpId(1), request));
    user
}

fn written(life: u32, number: u64) -> Message {
    said(Word::Answer {
        life: Life(life),
        number,
        response: Response::Store(kv::Response::Written(Revision(3))),
        seen: Seq(3),
    })
}

fn elsewhere(number: u64, epoch: u64, main: Option<NodeId>) -> Message {
    said(Word::Elsewhere {
        life: Life(0),
        number,
        epoch: Epoch(epoch),
        main,
    })
}

fn behind(number: u64) -> Message {
    let life = Life(0);
    said(Word::Behind { life, number })
}

fn recorded(epoch: u64, main: u32) -> Message {
    let seat = charter(1, 3).seat;
    let vacated = charter(epoch - 1, 3).vacated();
    said(Word::Recorded(vacated.appointing(m(main), seat)))
}

#[test]
fn a_user_asks_the_main_and_hands_the_answer_on() {
    let mut user = user();
    user.takes(Input::Requested(OpId(1), put(7, 70))).shows(
        "arm GiveUp within 30s
         arm Retry within 2s..2.5s
         send m1: g0 ask 1: put k7=v70",
    );
    user.hears(m(1), written(0, 1)).shows(
        "disarm Retry
         disarm Watched
         disarm GiveUp
         respond #1 ok written @3",
    );
    user.hears(m(1), written(0, 1)).shows("");
}

#[test]
fn an_answer_of_another_question_or_life_is_not_for_it() {
    let mut user = asking(put(7, 70));
    user.hears(m(1), written(0, 0)).shows("");
    user.hears(m(1), written(1, 1)).shows("");
    user.hears(m(1), written(0, 2)).shows("");
}

#[test]
fn a_user_that_gets_no_answer_asks_the_next_with_the_same_number_and_tells_a_controller() {
    let mut user = asking(put(7, 70));
    user.fires(Timer::Retry).shows(
        "note reports m1
         send l3: g0 unreachable, epoch 1
         arm Retry within 2s..2.5s
         send m2: g0 ask 1: put k7=v70",
    );
    user.fires(Timer::Retry).shows(
        "note reports m2
         send l1: g0 unreachable, epoch 1
         arm Retry within 2s..2.5s
         send m3: g0 ask 1: put k7=v70",
    );
    user.fires(Timer::Retry).shows(
        "note reports m3
         send l2: g0 unreachable, epoch 1
         arm Retry within 2s..2.5s
         send m4: g0 ask 1: put k7=v70",
    );
    user.fires(Timer::Retry).shows(
        "note reports m4
         send l3: g0 unreachable, epoch 1
         arm Retry within 2s..2.5s
         send m1: g0 ask 1: put k7=v70",
    );
}

#[test]
fn it_says_that_it_asks_again_and_what_it_has_seen() {
    let mut user = asking(put(7, 70));
    user.hears(m(1), written(0, 1));
    let sent = |deeds: &Deeds| {
        let asks = deeds
            .messages()
            .find_map(|(_, message)| match &message.word {
                Word::Ask { seen, again, .. } => Some((seen.0, *again)),
                _ => None,
            });
        asks.expect("it asks")
    };
    let first = user.takes(Input::Requested(OpId(2), put(7, 71)));
    assert_eq!(sent(&first), (3, false));
    let second = user.fires(Timer::Retry);
    assert_eq!(sent(&second), (3, true));
}

#[test]
fn a_user_follows_after_a_pause_when_it_is_sent_elsewhere() {
    let mut user = asking(put(7, 70));
    user.hears(m(1), elsewhere(1, 2, Some(m(3))))
        .shows("arm Retry within 1ms..5ms");
    user.fires(Timer::Retry).shows(
        "arm Retry within 2s..2.5s
         send m3: g0 ask 1: put k7=v70",
    );
}

#[test]
fn a_user_is_not_sent_back_to_an_older_epoch() {
    let mut user = asking(put(7, 70));
    user.hears(m(1), elsewhere(1, 3, Some(m(3))));
    user.fires(Timer::Retry);
    user.hears(m(3), elsewhere(1, 2, Some(m(2)))).shows("");
}

#[test]
fn a_user_that_was_sent_elsewhere_by_whom_it_did_not_ask_stays() {
    let mut user = asking(put(7, 70));
    user.hears(m(2), elsewhere(1, 2, Some(m(3)))).shows("");
    user.hears(m(1), elsewhere(1, 2, None)).shows("");
    user.hears(m(1), elsewhere(2, 2, Some(m(3)))).shows("");
}

#[test]
fn a_user_goes_by_what_a_controller_has_recorded() {
    let mut user = asking(put(7, 70));
    user.hears(l(1), recorded(2, 3))
        .shows("arm Retry within 1ms..5ms");
    user.fires(Timer::Retry).shows(
        "arm Retry within 2s..2.5s
         send m3: g0 ask 1: put k7=v70",
    );
    // It knows that.
    user.hears(l(1), recorded(2, 3)).shows("");
}

#[test]
fn what_was_recorded_earlier_is_no_news() {
    let mut user = asking(put(7, 70));
    user.hears(l(1), recorded(3, 3));
    user.hears(l(1), recorded(2, 2)).shows("");
}

fn near() -> Request {
    Request::Near(Key(7))
}

#[test]
fn a_reader_that_is_behind_everybody_asks_the_next_nearest_and_then_waits() {
    let mut user = asking(near());
    user.hears(m(1), behind(1)).shows(
        "arm Retry within 2s..2.5s
         send m2: g0 ask 1: near k7",
    );
    user.hears(m(2), behind(1)).shows(
        "arm Retry within 2s..2.5s
         send m3: g0 ask 1: near k7",
    );
    user.hears(m(3), behind(1)).shows(
        "arm Retry within 2s..2.5s
         send m4: g0 ask 1: near k7",
    );
    user.hears(m(4), behind(1)).shows("");
    user.fires(Timer::Retry).shows(
        "arm Retry within 2s..2.5s
         send m1: g0 ask 1: near k7",
    );
}

#[test]
fn a_reader_asks_who_was_soonest() {
    let mut user = user();
    for (node, takes) in [(1, 8), (2, 2), (3, 4), (4, 6)] {
        let number = u64::from(node);
        user.takes(Input::Requested(OpId(node), near()));
        user.passes(Span::millis(takes));
        user.hears(m(node), written(0, number));
    }
    user.takes(Input::Requested(OpId(5), near())).shows(
        "arm GiveUp within 30s
         arm Retry within 2s..2.5s
         send m2: g0 ask 5: near k7",
    );
}

#[test]
fn a_subscriber_that_hears_nothing_reads_what_there_is() {
    let mut user = user();
    user.takes(Input::Requested(OpId(1), Request::Watch(Key(7))))
        .shows(
            "arm GiveUp within 30s
         arm Watched within 3s
         arm Retry within 2s..2.5s
         send m1: g0 ask 1: watch k7",
        );
    user.fires(Timer::Watched).shows(
        "arm Retry within 2s..2.5s
         send m1: g0 ask 1: near k7",
    );
}

#[test]
fn a_read_that_is_given_up_has_failed() {
    asking(get(7)).fires(Timer::GiveUp).shows(
        "note gives up on get k7
         disarm Retry
         disarm Watched
         disarm GiveUp
         respond #1 failed",
    );
    asking(near()).fires(Timer::GiveUp).shows(
        "note gives up on near k7
         disarm Retry
         disarm Watched
         disarm GiveUp
         respond #1 failed",
    );
    asking(Request::Watch(Key(7))).fires(Timer::GiveUp).shows(
        "note gives up on watch k7
         disarm Retry
         disarm Watched
         disarm GiveUp
         respond #1 failed",
    );
}

#[test]
fn an_update_that_is_given_up_may_have_been_made() {
    asking(put(7, 70)).fires(Timer::GiveUp).shows(
        "note gives up on put k7=v70
         disarm Retry
         disarm Watched
         disarm GiveUp
         respond #1 unknown",
    );
    asking(Request::Touch(Key(7))).fires(Timer::GiveUp).shows(
        "note gives up on touch k7
         disarm Retry
         disarm Watched
         disarm GiveUp
         respond #1 unknown",
    );
}

#[test]
fn an_operator_asks_one_controller_after_another() {
    let mut operator = asking(Request::Register(Key(7), 4));
    operator.fires(Timer::Retry).shows(
        "arm Retry within 2s..2.5s
         send l1: g0 ask 1: register m4 for k7",
    );
    operator.fires(Timer::Retry).shows(
        "arm Retry within 2s..2.5s
         send l2: g0 ask 1: register m4 for k7",
    );
}
