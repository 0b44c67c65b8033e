//! What the judges are told of faults: whom they reach, and when.

use netsplit::{NodeId, Span, Time};
use netsplit_sim::check::log::Reach;

use super::seen;

fn troubles(head: &str, faults: &[&str]) -> Vec<String> {
    let troubles = seen::log(head, faults).troubles();
    troubles.iter().map(ToString::to_string).collect()
}

/// One fault from 100ms to 150ms.
fn of(deed: &str) -> Vec<String> {
    let fault = format!("at = '100ms', for = '50ms', {deed}");
    let told = troubles("", &[&fault]);
    let time = "0.100000s..0.150000s ";
    told.into_iter()
        .map(|trouble| trouble.replace(time, ""))
        .collect()
}

#[test]
fn what_stands_between_servers_reaches_their_links() {
    for (deed, links) in [
        (
            "partition = ['n1', ['n2', 'n3', 'c1']]",
            &["n1 - n2", "n1 - n3"][..],
        ),
        ("cut = { from = 'n3', to = 'n1' }", &["n1 - n3"]),
        ("drop = { from = 'n2' }", &["n1 - n2", "n2 - n3"]),
        ("jam = { to = 'n2' }", &["n1 - n2", "n2 - n3"]),
        (
            "slow_link = { from = 'n2', to = 'n1', factor = 20 }",
            &["n1 - n2"],
        ),
        ("noise = { loss = 0.5 }", &["all"]),
    ] {
        assert_eq!(of(deed), links, "{deed}");
    }
}

#[test]
fn what_befalls_a_server_reaches_it() {
    for deed in [
        "pause = 'n2'",
        "slow_disk = { on = 'n2', factor = 10 }",
        "stall_disk = 'n2'",
        "freeze_clock = 'n2'",
        "crash = 'n2'",
        "power = 'n2'",
    ] {
        assert_eq!(of(deed), ["n2"], "{deed}");
    }
}

#[test]
fn what_befalls_clients_troubles_no_server() {
    for deed in [
        "pause = 'clients'",
        "crash = 'clients'",
        "cut = { from = 'c1', to = 'n1' }",
        "drop = { from = 'c1' }",
    ] {
        assert!(of(deed).is_empty(), "{deed}");
    }
}

#[test]
fn what_befalls_a_client_or_a_link_of_it_is_a_trouble_of_its_own() {
    let at = |millis| Time::ZERO + Span::millis(millis);
    let one = Reach::Node(NodeId::client(1));
    for (deed, reached) in [
        ("pause = 'clients'", true),
        ("freeze_clock = 'c1'", true),
        ("cut = { from = 'c1', to = 'n1' }", true),
        ("cut = { from = 'n1', to = 'clients' }", true),
        ("partition = ['n1', ['n2', 'n3', 'c1']]", true),
        ("drop = { from = 'c1' }", true),
        ("jam = { to = 'n2' }", true),
        ("partition = ['n1', ['n2', 'n3']]", false),
        ("cut = { from = 'n3', to = 'n1' }", false),
        ("pause = 'n2'", false),
        ("crash = 'c1'", false),
    ] {
        let fault = format!("at = '100ms', for = '50ms', {deed}");
        let log = seen::log("", &[&fault]);
        assert_eq!(log.is_troubled(one, at(100), at(100)), reached, "{deed}");
        assert_eq!(log.is_troubled(one, at(150), at(150)), reached, "{deed}");
        assert!(!log.is_troubled(one, at(0), at(99)), "{deed}");
        assert!(!log.is_troubled(one, at(151), at(400)), "{deed}");
    }
    let log = seen::log("", &["at = '100ms', for = '10s', pause = 'c1'"]);
    let storm = log.is_troubled(one, at(399), at(399));
    assert!(storm && !log.is_troubled(one, at(401), log.ended()));
}

#[test]
fn who_goes_down_dies_once_and_is_in_trouble_until_it_is_back() {
    let log = seen::log("", &["at = '100ms', for = '50ms', crash = 'n2'"]);
    let died = Time::ZERO + Span::millis(100);
    assert_eq!(log.deaths(NodeId::server(2)), [died]);
    assert!(log.deaths(NodeId::server(1)).is_empty());
}

#[test]
fn a_client_that_goes_down_dies_and_comes_back_and_that_is_all() {
    let log = seen::log("", &["at = '100ms', for = '50ms', crash = 'c1'"]);
    let died = Time::ZERO + Span::millis(100);
    assert_eq!(log.deaths(NodeId::client(1)), [died]);
    assert!(log.troubles().is_empty());
    let returned = died + Span::millis(50);
    assert!(log.returned(NodeId::client(1), returned, returned));
}

#[test]
fn a_clock_that_is_set_leaps_twice_and_is_off_in_between() {
    let fault = "at = '100ms', for = '50ms', step_clock = { on = 'n2', by = '-2s' }";
    let leaps = ["0.100000s..0.100000s n2", "0.150000s..0.150000s n2"];
    assert_eq!(troubles("", &[fault]), leaps);
    assert_eq!(seen::log("", &[fault]).skew(), Span::secs(2));
    let fault = "at = '100ms', for = '50ms', freeze_clock = 'n2'";
    assert_eq!(seen::log("", &[fault]).skew(), Span::millis(50));
}

#[test]
fn a_fault_that_comes_and_goes_is_a_trouble_each_time() {
    let fault = "at = '100ms', for = '100ms', flap = '20ms', pause = 'n1'";
    let told = troubles("", &[fault]);
    assert_eq!(
        told,
        [
            "0.100000s..0.120000s n1",
            "0.140000s..0.160000s n1",
            "0.180000s..0.200000s n1",
        ]
    );
}

#[test]
fn the_calm_ends_every_trouble_and_noise_that_is_always_there_goes_on() {
    let fault = "at = '100ms', for = '10s', cut = { from = 'n1', to = 'n2' }";
    assert_eq!(troubles("", &[fault]), ["0.100000s..0.400000s n1 - n2"]);
    let always = ["0.000000s..0.400000s all", "0.400000s.. all"];
    assert_eq!(troubles("network.duplicate = 0.01", &[]), always);
}
