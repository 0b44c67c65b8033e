//! What a client does.

use super::super::super::Client;
use super::*;
use crate::OpId;
use crate::kv::{Response, Revision};

/// `c1` of three servers, of which it asks `n2` first.
fn client() -> Solo<Client> {
    let (client, deeds) = Solo::boot(c(1), 3, Options::default(), &[]);
    deeds.shows("");
    client
}

fn asking(request: Request) -> Solo<Client> {
    let mut client = client();
    client.takes(Input::Requested(OpId(1), request));
    client
}

fn answer(life: u32, seq: u64) -> Message {
    Message::Answer {
        life: Life(life),
        seq,
        response: Response::Written(Revision(3)),
    }
}

fn redirect(life: u32, seq: u64, leader: Option<NodeId>) -> Message {
    let life = Life(life);
    Message::Redirect { life, seq, leader }
}

#[test]
fn a_client_asks_and_hands_the_answer_on() {
    let mut client = client();
    client.takes(Input::Requested(OpId(1), put(7, 70))).shows(
        "arm GiveUp within 5s
         arm Retry within 200ms..400ms
         send n2: ask 1: put k7=v70",
    );
    client.hears(n(2), answer(0, 1)).shows(
        "disarm Retry
         disarm GiveUp
         respond #1 ok written @3",
    );
    client.hears(n(2), answer(0, 1)).shows("");
}

#[test]
fn a_client_follows_a_redirect_after_a_pause() {
    let mut client = asking(put(7, 70));
    client
        .hears(n(2), redirect(0, 1, Some(n(1))))
        .shows("arm Retry within 1ms..5ms");
    client.fires(Timer::Retry).shows(
        "arm Retry within 200ms..400ms
         send n1: ask 1: put k7=v70",
    );
}

#[test]
fn a_client_that_was_redirected_in_vain_goes_on_to_the_next() {
    let mut client = asking(put(7, 70));
    client.hears(n(2), redirect(0, 1, Some(n(1))));
    client.fires(Timer::Retry);
    client.fires(Timer::Retry).shows(
        "arm Retry within 200ms..400ms
         send n2: ask 1: put k7=v70",
    );
}

#[test]
fn a_redirect_to_nobody_or_to_a_stranger_leaves_the_retry_alone() {
    let mut client = asking(put(7, 70));
    client.hears(n(2), redirect(0, 1, None)).shows("");
    client.hears(n(2), redirect(0, 1, Some(n(4)))).shows("");
    client.fires(Timer::Retry).shows(
        "arm Retry within 200ms..400ms
         send n3: ask 1: put k7=v70",
    );
}

#[test]
fn a_client_retries_with_the_same_number_at_the_next_server() {
    let mut client = asking(put(7, 70));
    for next in ["n3", "n1", "n2"] {
        client.fires(Timer::Retry).shows(&format!(
            "arm Retry within 200ms..400ms
             send {next}: ask 1: put k7=v70"
        ));
    }
}

#[test]
fn the_next_request_has_the_next_number_and_goes_where_the_last_was_answered() {
    let mut client = asking(put(7, 70));
    client.fires(Timer::Retry);
    client.hears(n(3), answer(0, 1));
    client.takes(Input::Requested(OpId(2), get(7))).shows(
        "arm GiveUp within 5s
         arm Retry within 200ms..400ms
         send n3: ask 2: get k7",
    );
}

#[test]
fn a_write_given_up_is_unknown() {
    asking(put(7, 70)).fires(Timer::GiveUp).shows(
        "note gives up on put k7=v70
         disarm Retry
         respond #1 unknown",
    );
}

#[test]
fn a_read_given_up_has_failed() {
    asking(get(7)).fires(Timer::GiveUp).shows(
        "note gives up on get k7
         disarm Retry
         respond #1 failed",
    );
}

#[test]
fn a_client_ignores_an_answer_to_an_earlier_request() {
    let mut client = asking(put(7, 70));
    client.fires(Timer::GiveUp);
    client.hears(n(2), answer(0, 1)).shows("");
    client.takes(Input::Requested(OpId(2), put(7, 71)));
    client.hears(n(2), answer(0, 1)).shows("");
    client.hears(n(2), redirect(0, 1, Some(n(1)))).shows("");
    client.hears(n(2), answer(0, 2)).shows(
        "disarm Retry
         disarm GiveUp
         respond #2 ok written @3",
    );
}

#[test]
fn a_client_ignores_what_was_meant_for_another_of_its_lives() {
    let mut client = asking(put(7, 70));
    client.hears(n(2), answer(1, 1)).shows("");
    client.hears(n(2), redirect(1, 1, Some(n(1)))).shows("");
}

#[test]
fn an_alarm_that_fires_when_nothing_is_asked_does_nothing() {
    let mut client = client();
    client.fires(Timer::Retry).shows("");
    client.fires(Timer::GiveUp).shows("");
}
