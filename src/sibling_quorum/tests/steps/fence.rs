//! What a node says when controllers fence it.

use super::*;

fn fenced_sibling() -> Solo<Server> {
    node(
        m(2),
        4,
        &[logged(1, &[1, 2]), promised(3, 0, Some(CopyId::default()))],
    )
}

#[test]
fn a_promise_is_on_disk_before_it_is_given() {
    fenced_sibling()
        .is_told(l(1), fence(4, CopyId::default()))
        .shows(
            "note promises, epoch 4
         write g0 promised 4, reigned 0
         flush
         send l1: g0 fenced epoch 4, log ends 2@2",
        );
}

#[test]
fn the_epoch_that_it_has_promised_is_promised_again() {
    fenced_sibling()
        .is_told(l(1), fence(3, CopyId::default()))
        .shows("send l1: g0 fenced epoch 3, log ends 2@2");
}

#[test]
fn an_older_epoch_is_not() {
    fenced_sibling()
        .is_told(l(1), fence(2, CopyId::default()))
        .shows("send l1: g0 outdated, epoch 3 is promised");
}

#[test]
fn a_promise_outlives_its_process() {
    let mut sibling = fenced_sibling();
    let deeds = sibling.is_told(l(1), fence(4, CopyId::default()));
    let written = deeds.effects().iter().find_map(|effect| match effect {
        Effect::Write(record) => Some(record.clone()),
        _ => None,
    });
    let mut again = node(
        m(2),
        4,
        &[logged(1, &[1, 2]), written.expect("it writes that")],
    );
    again.is_told(m(1), replicate(3, at(2, 2), &[3], 0)).shows(
        "note refuses an old main m1, epoch 3
         send m1: g0 outdated, epoch 4 is promised",
    );
}

#[test]
fn who_has_another_copy_than_is_recorded_says_nothing() {
    let mut sibling = fenced_sibling();
    sibling.is_told(l(1), fence(4, copy(2, 1))).shows("");
    assert_eq!(sibling.replica().durable.promised, Epoch(3));
}

#[test]
fn who_has_a_copy_that_is_not_recorded_says_nothing() {
    let mut sibling = node(m(2), 4, &[promised(3, 0, Some(copy(2, 1)))]);
    sibling.is_told(l(1), fence(4, CopyId::default())).shows("");
    sibling.is_told(l(1), fence(4, copy(2, 1))).shows(
        "note promises, epoch 4
         write g0 promised 4, reigned 0
         flush
         send l1: g0 fenced epoch 4, log ends 0@0",
    );
}

#[test]
fn who_has_none_says_nothing() {
    let mut node = node(m(2), 4, &[promised(3, 0, None)]);
    node.is_told(l(1), fence(4, CopyId::default())).shows("");
}

#[test]
fn a_wiped_node_knows_nothing_and_asks_to_be_a_sibling() {
    let config = config(4, 1, Options::default());
    let mut out = crate::Outbox::new();
    let now = crate::Now {
        wall: START,
        mono: START,
    };
    let config = std::sync::Arc::new(config);
    let mut wiped = <Server as crate::Process>::boot(&config, m(2), Life(1), now, &[], &mut out);
    assert_eq!(
        out.to_string(),
        "note finds itself wiped\n\
         rewrite with 1 records\n\
         flush\n\
         arm Register(GroupId(0)) within 2s..4s\n\
         send l1 past flush: g0 register sibling\n"
    );
    out.drain();
    let fence = Input::Delivered(l(1), said(fence(4, CopyId::default())));
    crate::Process::step(&mut wiped, now, fence, &mut out);
    assert_eq!(out.to_string(), "");
}
