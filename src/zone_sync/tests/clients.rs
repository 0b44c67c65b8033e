//! One client, one answer.

use std::sync::Arc;

use super::*;
use crate::process::{Input, Process};
use crate::{Life, Now, OpId, Outbox, Span};

fn asked_to_patch() -> (Client, Outbox<ZoneSync>) {
    let config = Arc::new(Config {
        nodes: vec![n(1), n(2)],
        options: Options::default(),
    });
    let mut out = Outbox::new();
    let me = NodeId::client(1);
    let mut client = Client::boot(&config, me, Life(0), Now::default(), &[], &mut out);
    let patch = Request::Patch(Key(1), v(7), Span::secs(1));
    client.step(Now::default(), Input::Requested(OpId(3), patch), &mut out);
    (client, out)
}

fn answer(client: &mut Client, out: &mut Outbox<ZoneSync>, response: Response) -> String {
    let answer = Message::Answer {
        life: Life(0),
        seq: 1,
        response,
    };
    client.step(Now::default(), Input::Delivered(n(1), answer), out);
    let text = out.to_string();
    text.lines().last().expect("it responds").to_owned()
}

#[test]
fn there_is_nothing_to_patch_if_the_only_node_that_was_asked_says_so() {
    let (mut client, mut out) = asked_to_patch();
    let nothing = Response::Found(n(1), None, None);
    let end = answer(&mut client, &mut out, nothing);
    assert_eq!(end, "respond #3 ok n1 found nothing");
}

#[test]
fn a_patch_that_was_asked_for_again_and_finds_nothing_may_have_been_done() {
    let (mut client, mut out) = asked_to_patch();
    client.step(Now::default(), Input::Fired(Timer::AskAgain), &mut out);
    let nothing = Response::Found(n(1), None, None);
    let end = answer(&mut client, &mut out, nothing);
    assert_eq!(end, "respond #3 unknown");
    let (mut client, mut out) = asked_to_patch();
    client.step(Now::default(), Input::Fired(Timer::AskAgain), &mut out);
    let end = answer(&mut client, &mut out, Response::Written(at(5, 1)));
    assert_eq!(end, "respond #3 ok written 5@n1");
}
