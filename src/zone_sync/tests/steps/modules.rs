//! What a node does with a request: it answers at once, from what it holds.

use super::*;

fn patch(key: u32, name: u64) -> Request {
    Request::Patch(Key(key), v(name), Span::secs(600))
}

fn visit(session: u32, name: u64) -> Request {
    Request::Visit(Key(session), v(name), Span::secs(600))
}

fn delete(key: u32) -> Request {
    Request::Delete(Key(key))
}

fn node() -> Solo<Node> {
    alone(1, Options::default())
}

#[test]
fn a_put_is_written_and_answered_before_it_is_durable() {
    let mut node = node();
    node.asked(put(7, 70)).shows(
        "write k7=v70 10000000@n1 +600000000
         send c1 past flush: answer 1: written 10000000@n1",
    );
    node.asked(get(7))
        .shows("send c1 past flush: answer 1: n1 found v70 of 10000000@n1");
    node.asked(Request::Find(Key(7)))
        .shows("send c1 past flush: answer 1: n1 found v70 of 10000000@n1");
}

#[test]
fn what_was_never_written_is_found_of_no_time() {
    node()
        .asked(get(7))
        .shows("send c1 past flush: answer 1: n1 found nothing");
}

#[test]
fn a_patch_of_nothing_writes_nothing() {
    let mut node = node();
    node.asked(patch(7, 70))
        .shows("send c1 past flush: answer 1: n1 found nothing");
    node.asked(put(7, 70));
    node.asked(patch(7, 71)).shows(
        "write k7=v71 10000001@n1 +600000000
         send c1 past flush: answer 1: written 10000001@n1",
    );
}

#[test]
fn a_delete_leaves_a_tombstone_that_outlives_the_pair_by_the_skew() {
    let mut node = node();
    node.asked(put(7, 70));
    node.asked(delete(7)).shows(
        "write k7=gone 10000001@n1 +660000000
         send c1 past flush: answer 1: written 10000001@n1",
    );
    node.asked(get(7))
        .shows("send c1 past flush: answer 1: n1 found nothing of 10000001@n1");
    node.asked(patch(7, 71))
        .shows("send c1 past flush: answer 1: n1 found nothing of 10000001@n1");
    node.asked(delete(8)).shows(
        "write k8=gone 10000002@n1 +660000000
         send c1 past flush: answer 1: written 10000002@n1",
    );
}

#[test]
fn a_delete_without_tombstones_is_local_and_forgets_that_anything_was() {
    let mut options = Options::default();
    options.keyval.tombstones = false;
    let mut node = alone(1, options);
    node.asked(put(7, 70));
    node.asked(delete(7)).shows(
        "write nothing at k7
         send c1 past flush: answer 1: written 10000001@n1",
    );
    node.asked(get(7))
        .shows("send c1 past flush: answer 1: n1 found nothing");
    assert_eq!(node.pending(), 0);
}

#[test]
fn a_pair_lives_until_its_deadline_whether_or_not_it_was_removed() {
    let mut node = node();
    node.asked(Request::Put(Key(7), v(70), Span::secs(10)));
    node.is_at(Span::micros(9_999_999))
        .asked(get(7))
        .shows("send c1 past flush: answer 1: n1 found v70 of 10000000@n1");
    node.is_at(Span::secs(10))
        .asked(get(7))
        .shows("send c1 past flush: answer 1: n1 found nothing of 10000000@n1");
    node.asked(patch(7, 71))
        .shows("send c1 past flush: answer 1: n1 found nothing of 10000000@n1");
}

#[test]
fn the_timer_removes_what_is_dead_and_not_a_microsecond_before() {
    let mut node = node();
    node.asked(Request::Put(Key(7), v(70), Span::secs(10)));
    node.is_at(Span::micros(9_999_999))
        .fires(Timer::Interval)
        .shows(
            "arm Interval within 1s
             flush",
        );
    node.is_at(Span::secs(10)).fires(Timer::Interval).shows(
        "arm Interval within 1s
         note expires 1 records",
    );
    node.asked(get(7))
        .shows("send c1 past flush: answer 1: n1 found nothing");
}

#[test]
fn a_visit_learns_a_session_and_then_touches_it() {
    let mut node = node();
    node.asked(visit(7, 70)).shows(
        "note learns: k7
         send c1 past flush: answer 1: written 10000000@n1",
    );
    node.passes(Span::secs(599))
        .asked(visit(7, 71))
        .shows("send c1 past flush: answer 1: n1 found v70 of 609000000@n1");
    node.passes(Span::secs(600)).asked(visit(7, 72)).shows(
        "note learns: k7
         send c1 past flush: answer 1: written 1209000000@n1",
    );
    assert_eq!(
        node.holds(Module::Sticky),
        ["k7=v72 1209000000@n1 +600000000"]
    );
}

#[test]
fn a_full_zone_gives_up_what_would_die_first_in_its_file_too() {
    let mut options = Options::default();
    options.keyval.capacity = 1;
    let mut node = alone(1, options);
    node.asked(put(7, 70));
    node.asked(put(8, 80)).shows(
        "note evicts: k7
         write nothing at k7
         write k8=v80 10000001@n1 +600000000
         send c1 past flush: answer 1: written 10000001@n1",
    );
}

#[test]
fn an_odd_node_has_room_for_as_much_as_it_says() {
    let mut options = Options::default();
    options.keyval.odd.on = vec![n(1)];
    options.keyval.odd.capacity = 2;
    let mut node = alone(1, options);
    for key in 1..=3 {
        node.asked(put(key, 70));
    }
    assert_eq!(
        node.holds(Module::Keyval),
        [
            "k2=v70 10000001@n1 +600000000",
            "k3=v70 10000002@n1 +600000000"
        ]
    );
}

#[test]
fn a_zone_that_a_node_does_not_have_does_not_answer_and_the_others_do() {
    let mut options = Options::default();
    options.keyval.odd.on = vec![n(1)];
    options.keyval.odd.absent = true;
    let mut node = alone(1, options);
    node.asked(put(7, 70)).shows("");
    node.asked(Request::Call(Key(7)))
        .shows("send c1 past flush: answer 1: n1 admits it");
}

#[test]
fn a_node_is_asked_by_datagrams_and_not_on_a_stream() {
    let mut node = settled(2);
    let ask = Message::Ask {
        life: Life(0),
        seq: 1,
        request: get(7),
    };
    node.arrives(from(2), ask).shows("");
    node.takes(Input::Delivered(n(2), live(&[pair(7, 70)])))
        .shows("");
    assert_eq!(node.holds(Module::Keyval), [""; 0]);
}
