//! What a newcomer does with the copies and the recording that a main sends it.

use super::*;

/// `m3`, which does not belong to the group.
fn outsider() -> Solo<Server> {
    let options = Options {
        siblings: 1,
        ..Options::default()
    };
    node_with(m(3), 3, options, &[])
}

fn holding(name: u64) -> Resource {
    Resource::holding(value(name))
}

/// A part of the copy with the number 1 of epoch 2, with these resources as of that place.
fn part(part: u64, keys: &[u32], upto: u64, last: bool) -> Word {
    part_of(copy(2, 1), part, keys, upto, last)
}

fn part_of(copy: CopyId, part: u64, keys: &[u32], upto: u64, last: bool) -> Word {
    let copies: Copies = keys
        .iter()
        .map(|key| (Key(*key), holding(u64::from(*key))))
        .collect();
    Word::Copy {
        copy,
        part,
        copies,
        upto: Seq(upto),
        last,
    }
}

fn replay(prev: u64, entries: &[Entry]) -> Word {
    Word::Replay {
        copy: copy(2, 1),
        prev: Seq(prev),
        entries: Entries::from(entries),
    }
}

fn go_live(at: Position) -> Word {
    let copy = copy(2, 1);
    Word::GoLive { copy, at }
}

#[test]
fn a_newcomer_takes_one_part_after_the_other_and_promises_to_obey_their_epoch() {
    let mut node = outsider();
    node.is_told(m(1), part(0, &[1, 2], 5, false)).shows(
        "note promises, epoch 2
         write g0 promised 2, reigned 0
         flush
         send m1: g0 copied 0",
    );
    node.is_told(m(1), part(1, &[3], 6, true))
        .shows("send m1: g0 copied 1");
    assert_eq!(node.standing(), "newcomer");
}

#[test]
fn a_part_that_comes_twice_is_confirmed_twice_and_taken_once() {
    let mut node = outsider();
    node.is_told(m(1), part(0, &[1, 2], 5, false));
    let once = node.process.clone();
    node.is_told(m(1), part(0, &[1, 2], 7, false))
        .shows("send m1: g0 copied 0");
    assert_eq!(node.process, once);
}

#[test]
fn a_part_that_comes_too_early_is_not_taken() {
    let mut node = outsider();
    node.is_told(m(1), part(1, &[3], 6, true));
    assert_eq!(node.standing(), "outside");
    node.is_told(m(1), part(0, &[1, 2], 5, false));
    node.is_told(m(1), part(2, &[3], 6, true))
        .shows("send m1: g0 copied 0");
}

#[test]
fn a_newer_copy_takes_the_place_of_one_that_has_begun_and_an_older_one_does_not() {
    let mut node = outsider();
    node.is_told(m(1), part_of(copy(2, 2), 0, &[1], 5, false));
    let before = node.process.clone();
    node.is_told(m(1), part_of(copy(2, 1), 0, &[1], 5, false))
        .shows("");
    assert_eq!(node.process, before);
    node.is_told(m(1), part_of(copy(2, 3), 0, &[1], 5, false))
        .shows("send m1: g0 copied 0");
}

#[test]
fn a_main_that_is_replaced_copies_nothing_any_more() {
    let mut node = outsider();
    node.is_told(m(2), part_of(copy(3, 1), 0, &[1], 5, false));
    node.is_told(m(1), part(0, &[1], 5, false)).shows(
        "note refuses an old main m1, epoch 2
         send m1: g0 outdated, epoch 3 is promised",
    );
}

/// `m3` with a copy of three resources, of which the first two are as of 5 and the third as of 6.
fn copied() -> Solo<Server> {
    let mut node = outsider();
    node.is_told(m(1), part(0, &[1, 2], 5, false));
    node.is_told(m(1), part(1, &[3], 6, true));
    node
}

/// The value of a resource as the newcomer has it, once it is live at that place.
fn live_at(mut node: Solo<Server>, place: Position, key: u32) -> Response {
    node.is_told(m(1), go_live(place));
    assert_eq!(node.standing(), "sibling");
    node.replica().machine.read(Key(key))
}

#[test]
fn the_last_update_that_a_copy_has_is_not_executed_again() {
    let mut node = copied();
    node.is_told(m(1), replay(4, &[update(2, 1, put(1, 100))]))
        .shows("send m1: g0 replayed up to 5");
    let found = live_at(node, at(5, 2), 1);
    assert_eq!(found, Response::found(Some(value(1)), Seq(0)));
}

#[test]
fn the_first_that_it_has_not_is_executed() {
    let mut node = copied();
    let entries = [update(2, 1, put(1, 100)), update(2, 2, put(1, 101))];
    node.is_told(m(1), replay(4, &entries));
    let found = live_at(node, at(6, 2), 1);
    assert_eq!(found, Response::found(Some(value(101)), Seq(6)));
}

#[test]
fn a_resource_that_stands_behind_the_last_key_is_as_of_the_last_part() {
    let entries = [
        update(2, 1, put(9, 100)),
        update(2, 2, put(8, 101)),
        update(2, 3, put(7, 102)),
    ];
    let live = || {
        let mut node = copied();
        node.is_told(m(1), replay(4, &entries));
        node
    };
    // There was none of them as of 6; so whatever was done until then has come to nothing.
    let nothing = Response::found(None, Seq(0));
    assert_eq!(live_at(live(), at(7, 2), 9), nothing);
    assert_eq!(live_at(live(), at(7, 2), 8), nothing);
    let found = Response::found(Some(value(102)), Seq(7));
    assert_eq!(live_at(live(), at(7, 2), 7), found);
}

#[test]
fn a_replay_goes_on_where_the_last_one_ended_and_nowhere_else() {
    let mut node = copied();
    node.is_told(m(1), replay(4, &[update(2, 1, put(1, 100))]));
    let before = node.process.clone();
    let entries = [update(2, 1, put(1, 100)), update(2, 2, put(1, 101))];
    node.is_told(m(1), replay(4, &entries))
        .shows("send m1: g0 replayed up to 5");
    node.is_told(m(1), replay(6, &entries))
        .shows("send m1: g0 replayed up to 5");
    assert_eq!(node.process, before);
    node.is_told(m(1), replay(5, &entries[1..]))
        .shows("send m1: g0 replayed up to 6");
}

#[test]
fn a_newcomer_goes_live_when_its_copy_is_on_disk() {
    let mut node = copied();
    node.is_told(m(1), replay(4, &[update(2, 1, put(1, 100))]));
    node.is_told(m(1), go_live(at(5, 2))).shows(
        "note goes live
         disarm Register(GroupId(0))
         write g0 3 resources as of 5@2
         write g0 promised 2, reigned 0
         flush
         send m1: g0 live at 5@2",
    );
    assert_eq!((node.standing(), node.accepted()), ("sibling", 5));
    assert_eq!(node.replica().durable.log.base(), at(5, 2));
}

#[test]
fn a_newcomer_that_has_not_executed_all_of_the_recording_does_not_go_live() {
    let mut node = copied();
    node.is_told(m(1), go_live(at(4, 2))).shows("");
    node.is_told(m(1), replay(4, &[update(2, 1, put(1, 100))]));
    node.is_told(m(1), go_live(at(6, 2))).shows("");
    assert_eq!(node.standing(), "newcomer");
}

#[test]
fn one_that_is_live_says_so_again_and_where_its_log_begins() {
    let mut node = copied();
    node.is_told(m(1), replay(4, &[update(2, 1, put(1, 100))]));
    node.is_told(m(1), go_live(at(5, 2)));
    node.is_told(m(1), replicate(2, at(5, 2), &[2], 6));
    node.is_told(m(1), go_live(at(7, 2)))
        .shows("send m1: g0 live at 5@2");
    assert_eq!(node.accepted(), 6);
}

#[test]
fn one_that_starts_again_has_its_copy_and_what_it_logged_behind_it() {
    let base = Record::Base {
        group: GROUP,
        at: at(5, 2),
        copies: Copies::from([(Key(1), holding(1))]),
    };
    let disk = [base, promised(2, 0, Some(copy(2, 1))), logged(6, &[2])];
    let options = Options {
        siblings: 1,
        ..Options::default()
    };
    let mut node = node_with(m(3), 3, options, &disk);
    assert_eq!((node.standing(), node.accepted()), ("sibling", 5));
    assert_eq!(node.log(), [2]);
    node.is_told(m(1), go_live(at(7, 2)))
        .shows("send m1: g0 live at 5@2");
}

#[test]
fn one_that_starts_again_before_that_has_nothing() {
    let mut node = outsider();
    let deeds = node.is_told(m(1), part(0, &[1], 5, true));
    let promise = deeds.effects().iter().find_map(|effect| match effect {
        Effect::Write(record) => Some(record.clone()),
        _ => None,
    });
    let options = Options {
        siblings: 1,
        ..Options::default()
    };
    let mut again = node_with(m(3), 3, options, &[promise.expect("it writes that")]);
    assert_eq!(again.standing(), "outside");
    assert_eq!(again.replica().durable.promised, Epoch(2));
}

#[test]
fn a_newcomer_that_hears_nothing_more_asks_again() {
    let mut node = copied();
    let register = Timer::Register(GROUP);
    node.fires(register)
        .shows("arm Register(GroupId(0)) within 2s..4s");
    assert_eq!(
        node.standing(),
        "newcomer",
        "something came since it last looked"
    );
    node.fires(register).shows(
        "arm Register(GroupId(0)) within 2s..4s
         send l1 past flush: g0 register sibling",
    );
    assert_eq!(node.standing(), "outside");
}
