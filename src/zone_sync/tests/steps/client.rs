//! What a client does.

use super::super::super::Client;
use super::super::super::client::LOOKS_EVERY;
use super::*;
use crate::OpId;
use crate::process::Size;

/// `c1` of three nodes, of which it asks `n2` first.
fn client(options: Options) -> Solo<Client> {
    let (client, deeds) = Solo::boot(c(1), 3, options, &[]);
    deeds.shows("");
    client
}

fn asking(request: Request) -> Solo<Client> {
    let mut client = client(Options::default());
    client.takes(Input::Requested(OpId(1), request));
    client
}

fn find(key: u32) -> Request {
    Request::Find(Key(key))
}

fn answers(client: &mut Solo<Client>, life: u32, seq: u64, response: Response) -> Deeds {
    let life = Life(life);
    let answer = Message::Answer {
        life,
        seq,
        response,
    };
    client.takes(Input::Delivered(n(2), answer))
}

fn written() -> Response {
    Response::Written(at(10_000_000, 2))
}

/// A node that has never heard of it.
fn unheard_of() -> Response {
    Response::Found(n(2), None, None)
}

#[test]
fn a_client_asks_and_hands_the_answer_on() {
    let mut client = client(Options::default());
    client.takes(Input::Requested(OpId(1), put(7, 70))).shows(
        "arm GiveUp within 5s
         arm AskAgain within 200ms..400ms
         send n2: ask 1: put k7=v70 for 600s",
    );
    answers(&mut client, 0, 1, written()).shows(
        "disarm AskAgain
         disarm GiveUp
         respond #1 ok written 10000000@n2",
    );
    answers(&mut client, 0, 1, written()).shows("");
}

#[test]
fn a_client_that_is_not_answered_asks_the_same_of_the_next_node() {
    let mut client = asking(put(7, 70));
    for next in ["n3", "n1", "n2"] {
        client.fires(Timer::AskAgain).shows(&format!(
            "arm AskAgain within 200ms..400ms
             send {next}: ask 1: put k7=v70 for 600s"
        ));
    }
}

#[test]
fn a_client_stays_with_the_node_that_answered() {
    let mut client = asking(get(7));
    client.fires(Timer::AskAgain);
    answers(&mut client, 0, 1, written());
    client.takes(Input::Requested(OpId(2), get(8))).shows(
        "arm GiveUp within 5s
         arm AskAgain within 200ms..400ms
         send n3: ask 2: get k8",
    );
}

#[test]
fn a_client_that_roams_asks_another_node_each_time() {
    let options = Options {
        roam: true,
        ..Options::default()
    };
    let mut client = client(options);
    for (seq, next) in [(1, "n3"), (2, "n1"), (3, "n2")] {
        client
            .takes(Input::Requested(OpId(seq), get(7)))
            .shows(&format!(
                "arm GiveUp within 5s
                 arm AskAgain within 200ms..400ms
                 send {next}: ask {seq}: get k7"
            ));
        answers(&mut client, 0, seq.into(), unheard_of());
    }
}

#[test]
fn a_client_that_looks_for_something_looks_again_until_its_leeway_is_over() {
    let mut client = asking(find(7));
    client.passes(Span::nanos(2_499_999_999));
    answers(&mut client, 0, 1, unheard_of()).shows(
        "disarm AskAgain
         arm LookAgain within 100ms",
    );
    client.fires(Timer::LookAgain).shows(
        "arm AskAgain within 200ms..400ms
         send n2: ask 2: find k7",
    );
    client.passes(Span::nanos(1));
    answers(&mut client, 0, 2, unheard_of()).shows(
        "disarm AskAgain
         disarm GiveUp
         respond #1 ok n2 found nothing",
    );
    assert_eq!(LOOKS_EVERY, Span::millis(100));
}

#[test]
fn an_answer_to_an_earlier_look_is_not_taken_for_the_last() {
    let mut client = asking(find(7));
    answers(&mut client, 0, 1, unheard_of());
    client.fires(Timer::LookAgain);
    answers(&mut client, 0, 1, unheard_of()).shows("");
    let found = Response::Found(n(2), Some(v(70)), Some(at(10_000_000, 1)));
    answers(&mut client, 0, 2, found).shows(
        "disarm AskAgain
         disarm GiveUp
         respond #1 ok n2 found v70 of 10000000@n1",
    );
}

#[test]
fn what_a_node_knows_to_be_gone_is_not_looked_for_again() {
    let gone = Response::Found(n(2), None, Some(at(10_000_000, 1)));
    answers(&mut asking(find(7)), 0, 1, gone).shows(
        "disarm AskAgain
         disarm GiveUp
         respond #1 ok n2 found nothing of 10000000@n1",
    );
}

#[test]
fn who_only_reads_takes_nothing_for_an_answer() {
    answers(&mut asking(get(7)), 0, 1, unheard_of()).shows(
        "disarm AskAgain
         disarm GiveUp
         respond #1 ok n2 found nothing",
    );
}

#[test]
fn a_read_given_up_has_failed_and_a_write_is_unknown() {
    asking(find(7)).fires(Timer::GiveUp).shows(
        "note gives up on find k7
         disarm AskAgain
         disarm LookAgain
         respond #1 failed",
    );
    asking(put(7, 70)).fires(Timer::GiveUp).shows(
        "note gives up on put k7=v70 for 600s
         disarm AskAgain
         disarm LookAgain
         respond #1 unknown",
    );
    asking(Request::Call(Key(7))).fires(Timer::GiveUp).shows(
        "note gives up on call k7
         disarm AskAgain
         disarm LookAgain
         respond #1 unknown",
    );
}

#[test]
fn a_client_ignores_what_it_did_not_ask_last_or_in_this_life() {
    let mut client = asking(put(7, 70));
    answers(&mut client, 1, 1, written()).shows("");
    client.fires(Timer::GiveUp);
    answers(&mut client, 0, 1, written()).shows("");
    client.takes(Input::Requested(OpId(2), put(7, 71)));
    answers(&mut client, 0, 1, written()).shows("");
    answers(&mut client, 0, 2, written()).shows(
        "disarm AskAgain
         disarm GiveUp
         respond #2 ok written 10000000@n2",
    );
}

#[test]
fn an_alarm_that_fires_when_nothing_is_asked_does_nothing() {
    let mut client = client(Options::default());
    client.fires(Timer::GiveUp).shows("");
    client.fires(Timer::AskAgain).shows("");
    client.fires(Timer::LookAgain).shows("");
}

#[test]
fn a_client_goes_at_once_when_it_is_told_to() {
    asking(get(7))
        .takes(Input::Quit)
        .shows("stop: was asked to quit");
}

fn patching() -> Solo<Client> {
    asking(Request::Patch(Key(1), v(7), Span::secs(1)))
}

#[test]
fn there_is_nothing_to_patch_if_the_only_node_that_was_asked_says_so() {
    answers(&mut patching(), 0, 1, unheard_of()).shows(
        "disarm AskAgain
         disarm GiveUp
         respond #1 ok n2 found nothing",
    );
}

#[test]
fn a_patch_that_was_asked_for_again_and_finds_nothing_may_have_been_done() {
    let mut client = patching();
    client.fires(Timer::AskAgain);
    answers(&mut client, 0, 1, unheard_of()).shows(
        "disarm AskAgain
         disarm GiveUp
         respond #1 unknown",
    );
    let mut client = patching();
    client.fires(Timer::AskAgain);
    answers(&mut client, 0, 1, written()).shows(
        "disarm AskAgain
         disarm GiveUp
         respond #1 ok written 10000000@n2",
    );
}

#[test]
fn a_question_and_its_answer_weigh_what_they_carry() {
    let heavy = Value {
        name: 1,
        bytes: 3072,
    };
    let asks = |request| {
        let (life, seq) = (Life(0), 1);
        Message::Ask { life, seq, request }.size()
    };
    assert_eq!(asks(get(7)), 16);
    assert_eq!(asks(Request::Put(Key(7), heavy, Span::secs(1))), 24 + 3072);
    let answers = |response| {
        let (life, seq) = (Life(0), 1);
        Message::Answer {
            life,
            seq,
            response,
        }
        .size()
    };
    assert_eq!(answers(Response::Written(at(1, 1))), 24);
    assert_eq!(answers(Response::Found(n(1), None, None)), 28);
    assert_eq!(answers(Response::Found(n(1), Some(heavy), None)), 28 + 3072);
}
