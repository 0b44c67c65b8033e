//! What a server finds on its disk.

use super::*;
use crate::process::{DiskError, Input, Process};
use crate::{Config, Now, Outbox};
use std::sync::Arc;

#[test]
fn what_it_promised_and_accepted_it_finds_again() {
    let disk = [
        Ok(promised_record(ballot(3, 2))),
        Ok(accepted_record(ballot(3, 2), &held(1, 4))),
        Ok(promised_record(ballot(6, 3))),
    ];
    let server = server_with(3, &disk);
    let register = &server.process.registers[&K];
    assert_eq!(register.promised(), ballot(6, 3));
    assert_eq!(register.accepted_with(), ballot(3, 2));
    assert_eq!(*register.accepted(), held(1, 4));
}

#[test]
fn an_acceptance_promises_its_ballot() {
    let server = server_with(3, &[Ok(accepted_record(ballot(3, 2), &held(1, 4)))]);
    assert_eq!(server.process.registers[&K].promised(), ballot(3, 2));
}

#[test]
fn another_life_has_other_ballots() {
    let servers = (1..=3).map(n).collect();
    let options = Options::default();
    let config = Arc::new(Config { servers, options });
    let disk = [Ok(Record::Identity(n(1)))];
    let mut out = Outbox::new();
    let mut server = Server::boot(&config, n(1), Life(2), Now::default(), &disk, &mut out);
    server.step(
        Now::default(),
        Input::Delivered(c(1), ask(1, get())),
        &mut out,
    );
    let first = out.effects()[0].to_string();
    assert_eq!(first, "send n2 past flush: k7 prepare 1/n1/2");
}

#[test]
fn a_torn_tail_is_no_record() {
    let disk = [Ok(promised_record(ballot(3, 2))), Err(Damage::Torn)];
    let (server, deeds) = Solo::<Server>::boot(n(1), 3, Options::default(), &disk);
    deeds.shows("note finds a torn tail");
    assert_eq!(server.process.registers[&K].promised(), ballot(3, 2));
}

#[test]
fn who_finds_a_rotten_record_stops() {
    let disk = [Err(Damage::Rotten), Ok(promised_record(ballot(3, 2)))];
    let (_, deeds) = Solo::<Server>::boot(n(1), 3, Options::default(), &disk);
    deeds.shows(
        "note finds rot
         stop: a record on disk is rotten: what it promised is lost",
    );
}

#[test]
fn who_finds_nothing_was_wiped_and_stops() {
    let servers = (1..=3).map(n).collect();
    let options = Options::default();
    let config = Arc::new(Config { servers, options });
    let mut out = Outbox::new();
    Server::boot(&config, n(1), Life(1), Now::default(), &[], &mut out);
    assert_eq!(
        out.to_string(),
        "note finds itself wiped\nstop: its disk was wiped: what it promised is lost\n"
    );
}

#[test]
fn who_cannot_write_stops() {
    server(3).takes(Input::Failed(DiskError::Full)).shows(
        "note disk failed: the disk is full
         stop: its disk failed",
    );
}
