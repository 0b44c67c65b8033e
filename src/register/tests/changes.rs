//! What a change makes of what is held.

use super::super::{Change, ChangeId, Fate};
use super::*;

fn id(life: u32, seq: u64) -> ChangeId {
    let (by, life) = (c(1), Life(life));
    ChangeId { by, life, seq }
}

fn set(name: u64) -> Change<u64> {
    Change::Set(name)
}

fn is_made(version: u64) -> Fate<u64> {
    Fate::Decided(Verdict::Made(Version(version)))
}

#[test]
fn a_change_makes_the_next_version_and_is_remembered() {
    let (next, fate) = held(3, 5).decide(id(0, 4), &set(9));
    assert_eq!((next, fate), (Some(made(4, 9, 4)), is_made(4)));
}

#[test]
fn a_look_changes_nothing() {
    assert_eq!(
        held(3, 5).decide(id(0, 4), &Change::Look),
        (None, Fate::Looked)
    );
}

#[test]
fn the_same_change_is_made_once_and_its_author_is_told_as_before() {
    assert_eq!(made(4, 9, 4).decide(id(0, 4), &set(9)), (None, is_made(4)));
}

#[test]
fn an_earlier_change_of_its_author_is_overtaken_and_a_later_life_is_not() {
    let held = made(4, 9, 4);
    assert_eq!(held.decide(id(0, 3), &set(8)), (None, Fate::Overtaken));
    assert_eq!(held.decide(id(0, 5), &set(8)).1, is_made(5));
    assert_eq!(held.decide(id(1, 1), &set(8)).1, is_made(5));
}

#[test]
fn a_swap_asks_for_the_version_and_a_replace_for_the_value() {
    let held = held(3, 5);
    let swap = |from| Change::Swap {
        from: Version(from),
        to: 9,
    };
    let replace = |from| Change::Replace { from, to: 9 };
    let unmet = Fate::Decided(Verdict::Unmet(Version(3), 5));
    assert_eq!(held.decide(id(0, 1), &swap(3)).1, is_made(4));
    assert_eq!(held.decide(id(0, 1), &swap(2)).1, unmet);
    assert_eq!(held.decide(id(0, 1), &replace(5)).1, is_made(4));
    assert_eq!(held.decide(id(0, 1), &replace(4)).1, unmet);
}

#[test]
fn what_was_not_met_is_not_made_later_when_it_would_be() {
    let change = Change::Replace { from: 6, to: 9 };
    let (next, unmet) = held(3, 5).decide(id(0, 1), &change);
    let mut next = next.unwrap();
    assert_eq!((next.version, next.value), (Version(3), 5));
    (next.version, next.value) = (Version(4), 6);
    assert_eq!(next.decide(id(0, 1), &change), (None, unmet));
}

#[test]
fn what_descends_undoes_nothing() {
    let before = made(4, 9, 4);
    assert!(before.descends_from(&before));
    assert!(made(5, 8, 5).descends_from(&before));
    assert!(!made(3, 9, 4).descends_from(&before), "an older version");
    assert!(!made(4, 8, 4).descends_from(&before), "another value");
    assert!(!made(5, 8, 3).descends_from(&before), "an older change");
    assert!(!held(5, 8).descends_from(&before), "a forgotten author");
}
