//! What an acceptor does with one input.

use super::*;

/// `n1` of three, which has promised 5/n2/0 and accepted 4/n3/0.
fn promised() -> Solo<Server> {
    let disk = [
        Ok(accepted_record(ballot(4, 3), &held(2, 5))),
        Ok(promised_record(ballot(5, 2))),
    ];
    server_with(3, &disk)
}

#[test]
fn a_promise_is_durable_before_it_leaves_and_tells_what_was_accepted() {
    promised().hears(n(3), prepare(ballot(6, 3))).shows(
        "write k7 promised 6/n3/0
         flush
         send n3: k7 promise 6/n3/0, accepted 4/n3/0: v5 @2",
    );
}

#[test]
fn a_promise_is_said_again_and_not_written_again() {
    promised()
        .hears(n(2), prepare(ballot(5, 2)))
        .shows("send n2: k7 promise 5/n2/0, accepted 4/n3/0: v5 @2");
}

#[test]
fn below_a_promise_nothing_is_promised_or_accepted() {
    let mut server = promised();
    let refusal =
        "send n1 past flush: k7 refused 5/n1/0, promised 5/n2/0".replace("send n1", "send n3");
    server.hears(n(3), prepare(ballot(5, 1))).shows(&refusal);
    server
        .hears(n(3), accept(ballot(5, 1), &held(3, 6)))
        .shows(&refusal);
    let register = &server.process.registers[&K];
    assert_eq!(register.accepted_with(), ballot(4, 3));
}

#[test]
fn what_is_accepted_is_durable_before_that_is_said() {
    promised()
        .hears(n(2), accept(ballot(5, 2), &held(3, 6)))
        .shows(
            "write k7 accepted 5/n2/0: v6 @3
             flush
             send n2: k7 accepted 5/n2/0",
        );
}

#[test]
fn a_ballot_that_was_never_promised_here_is_accepted_and_promised_with_that() {
    let mut server = promised();
    server.hears(n(3), accept(ballot(7, 3), &held(3, 6)));
    let register = &server.process.registers[&K];
    assert_eq!(register.promised(), ballot(7, 3));
    assert_eq!(*register.accepted(), held(3, 6));
}

#[test]
fn an_acceptance_is_said_again_also_behind_a_higher_promise() {
    let mut server = promised();
    server.hears(n(2), prepare(ballot(9, 2)));
    server
        .hears(n(3), accept(ballot(4, 3), &held(2, 5)))
        .shows("send n3: k7 accepted 4/n3/0");
}

#[test]
fn a_question_that_comes_behind_its_proposal_is_not_answered() {
    let mut server = promised();
    server.hears(n(2), accept(ballot(5, 2), &held(3, 6)));
    server.hears(n(2), prepare(ballot(5, 2))).shows("");
}
