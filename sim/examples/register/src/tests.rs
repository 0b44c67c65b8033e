//! A step, and every scenario.

use netsplit::kv::{Key, Request, Value};
use netsplit::solo::Solo;
use netsplit::{NodeId, OpId};

use crate::mode::{Options, Register};
use crate::register::{Message, PRIMARY, Server};

#[test]
fn a_primary_answers_when_all_have_it() {
    let (mut primary, _) = Solo::<Server>::boot(PRIMARY, 3, Options::default(), &[]);
    let put = Request::Put(Key(7), Value { name: 1, bytes: 8 });
    primary
        .hears(NodeId::client(1), Message::Ask(OpId(5), put))
        .shows(
            "write c1 #5 put k7=v1
         flush
         send n2: copy 1: c1 #5 put k7=v1
         send n3: copy 1: c1 #5 put k7=v1",
        );
    primary
        .hears(NodeId::server(2), Message::Copied(1))
        .shows("");
    primary
        .hears(NodeId::server(3), Message::Copied(1))
        .shows("send c1: answer #5: written @1");
}

#[test]
fn every_scenario_is_as_expected() {
    for scenario in crate::scenarios() {
        netsplit_sim::prove(&[&Register], &scenario);
    }
}
