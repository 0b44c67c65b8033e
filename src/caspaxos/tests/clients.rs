//! What a client does with one input.

use super::super::{Client, Timer};
use super::*;
use crate::OpId;
use crate::process::Input;

fn client() -> Solo<Client> {
    Solo::boot(c(1), 3, Options::default(), &[]).0
}

#[test]
fn it_asks_one_server_after_another_for_the_same_thing() {
    let mut client = client();
    client.takes(Input::Requested(OpId(5), put(9))).shows(
        "arm GiveUp within 5s
         arm Retry within 200ms..400ms
         send n2: ask 1: put k7=v9",
    );
    client.fires(Timer::Retry).shows(
        "arm Retry within 200ms..400ms
         send n3: ask 1: put k7=v9",
    );
    client.fires(Timer::Retry);
    client.hears(n(3), answer(1, written(4))).shows(
        "disarm Retry
         disarm GiveUp
         respond #5 ok written @4",
    );
    client.hears(n(2), answer(1, written(4))).shows("");
}

#[test]
fn an_answer_to_something_else_is_none() {
    let mut client = client();
    client.takes(Input::Requested(OpId(5), put(9)));
    client.hears(n(2), answer(2, written(4))).shows("");
    let other_life = Message::Answer {
        life: Life(1),
        seq: 1,
        response: written(4),
    };
    client.hears(n(2), other_life).shows("");
}

#[test]
fn a_read_that_it_gives_up_on_has_failed_and_a_write_is_unknown() {
    let mut client = client();
    client.takes(Input::Requested(OpId(5), get()));
    client.fires(Timer::GiveUp).shows(
        "note gives up on get k7
         disarm Retry
         respond #5 failed",
    );
    client.takes(Input::Requested(OpId(6), put(9)));
    client.fires(Timer::GiveUp).shows(
        "note gives up on put k7=v9
         disarm Retry
         respond #6 unknown",
    );
}
