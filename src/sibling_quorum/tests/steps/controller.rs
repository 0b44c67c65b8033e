//! What a controller does for a main, and for those who ask who that is.

use super::*;

/// `l1`, alone, which looks after `m1` and its siblings, of so many managing nodes.
fn controller_with(managing: u32, options: Options) -> Solo<Server> {
    let (controller, _) = Solo::boot_among(config(managing, 1, options), l(1), &[]);
    controller
}

fn controller() -> Solo<Server> {
    controller_with(4, Options::default())
}

fn alive(epoch: u64, renewal: Option<u64>) -> Word {
    let epoch = Epoch(epoch);
    Word::Alive { epoch, renewal }
}

fn admit(epoch: u64, list: u64, siblings: &[u32]) -> Word {
    Word::Admit {
        epoch: Epoch(epoch),
        list,
        siblings: siblings.iter().copied().map(m).collect(),
        copies: [(m(5), copy(1, 1))].into(),
    }
}

#[test]
fn a_controller_looks_what_is_recorded_when_it_starts() {
    let (_, deeds): (Solo<Server>, _) =
        Solo::boot_among(config(4, 3, Options::default()), l(1), &[]);
    deeds.shows(
        "arm Watch(GroupId(0)) within 1s
         send l2 past flush: g0 register prepare 1/l1/0
         send l3 past flush: g0 register prepare 1/l1/0
         write g0 promised 1/l1/0
         flush
         arm Decide(GroupId(0)) within 100ms..200ms",
    );
}

#[test]
fn a_main_is_promoted_until_it_is_heard() {
    let mut controller = controller();
    controller.fires(Timer::Watch(GROUP)).shows(
        "arm Watch(GroupId(0)) within 1s
         send m1: g0 promote epoch 1, main m1, siblings m2 m3 m4",
    );
    controller.is_told(m(1), alive(1, None));
    controller
        .fires(Timer::Watch(GROUP))
        .shows("arm Watch(GroupId(0)) within 1s");
}

#[test]
fn a_lease_is_renewed_when_that_is_recorded() {
    let mut controller = controller();
    controller.is_told(m(1), alive(1, Some(7))).shows(
        "write g0 promised 2/l1/0
         flush
         write g0 accepted 2/l1/0: epoch 1, main m1, siblings m2 m3 m4 @1
         flush
         send m1: g0 leased epoch 1",
    );
    assert_eq!(controller.charge().known.lease, 1);
}

#[test]
fn of_several_controllers_a_majority_records_it() {
    let (mut controller, _): (Solo<Server>, _) =
        Solo::boot_among(config(4, 3, Options::default()), l(1), &[]);
    controller.promises_register(l(2), 1, None);
    controller.is_told(m(1), alive(1, Some(7))).shows(
        "send l2 past flush: g0 register prepare 2/l1/0
         send l3 past flush: g0 register prepare 2/l1/0
         write g0 promised 2/l1/0
         flush
         arm Decide(GroupId(0)) within 100ms..200ms",
    );
    controller.promises_register(l(3), 2, None).shows(
        "send l2: g0 register accept 2/l1/0: epoch 1, main m1, siblings m2 m3 m4 @1
         send l3: g0 register accept 2/l1/0: epoch 1, main m1, siblings m2 m3 m4 @1
         write g0 accepted 2/l1/0: epoch 1, main m1, siblings m2 m3 m4 @1
         flush
         arm Decide(GroupId(0)) within 100ms..200ms",
    );
    controller.accepts_register(l(3), 2).shows(
        "disarm Decide(GroupId(0))
         send m1: g0 leased epoch 1",
    );
}

#[test]
fn who_is_not_the_main_is_told_who_is() {
    let mut controller = controller();
    controller
        .is_told(m(2), alive(1, Some(7)))
        .shows("send m2: g0 recorded epoch 1, main m1, siblings m2 m3 m4");
    controller
        .is_told(m(1), alive(0, Some(7)))
        .shows("send m1: g0 recorded epoch 1, main m1, siblings m2 m3 m4");
    controller
        .is_told(c(1), Word::Unreachable(Epoch(1)))
        .shows("send c1: g0 recorded epoch 1, main m1, siblings m2 m3 m4");
}

#[test]
fn a_main_has_its_next_list_recorded_once() {
    let mut controller = controller_with(
        5,
        Options {
            siblings: 3,
            ..Options::default()
        },
    );
    controller.is_told(m(1), admit(1, 1, &[2, 3, 4, 5])).shows(
        "write g0 promised 2/l1/0
         flush
         write g0 accepted 2/l1/0: epoch 1, main m1, siblings m2 m3 m4 m5 @1
         flush
         send m1: g0 admitted epoch 1, siblings [m2, m3, m4, m5]",
    );
    controller
        .is_told(m(1), admit(1, 1, &[2, 3, 4, 5]))
        .shows("send m1: g0 admitted epoch 1, siblings [m2, m3, m4, m5]");
}

#[test]
fn a_list_that_does_not_follow_the_recorded_one_is_not_recorded() {
    let mut controller = controller_with(
        5,
        Options {
            siblings: 3,
            ..Options::default()
        },
    );
    controller
        .is_told(m(1), admit(1, 2, &[2, 3, 4, 5]))
        .shows("");
    controller.is_told(m(1), admit(1, 0, &[2, 3])).shows("");
    controller.is_told(m(1), admit(0, 1, &[2, 3])).shows("");
    controller.is_told(m(2), admit(1, 1, &[2, 3])).shows("");
    assert_eq!(controller.charge().known, charter(1, 3));
}

#[test]
fn a_sibling_without_a_copy_gets_one_from_the_main() {
    let mut controller = controller();
    controller
        .is_told(m(3), Word::RegisterSibling)
        .shows("send m1: g0 add sibling m3");
}

#[test]
fn a_stranger_without_a_copy_gets_none() {
    let mut controller = controller_with(
        5,
        Options {
            siblings: 3,
            ..Options::default()
        },
    );
    controller
        .is_told(m(5), Word::RegisterSibling)
        .shows("send m5: g0 recorded epoch 1, main m1, siblings m2 m3 m4");
}

#[test]
fn a_main_without_a_copy_is_none() {
    let mut controller = controller();
    controller.is_told(m(1), Word::RegisterSibling).shows(
        "note suspects m1, main of epoch 1
         write g0 promised 2/l1/0
         flush
         write g0 promised 3/l1/0
         flush
         write g0 accepted 3/l1/0: epoch 2, no main after m1, siblings m2 m3 m4 @1
         flush
         disarm LeaseOver(GroupId(0))
         disarm Search(GroupId(0))
         note claims, epoch 2
         send m1: g0 fence epoch 2
         send m2: g0 fence epoch 2
         send m3: g0 fence epoch 2
         send m4: g0 fence epoch 2
         arm Search(GroupId(0)) within 200ms",
    );
}

/// What an operator asks of a system of five managing nodes of which so many are siblings.
fn operator(siblings: u32, request: Request) -> (Solo<Server>, Deeds) {
    let options = Options {
        siblings,
        ..Options::default()
    };
    let mut controller = controller_with(5, options);
    let deeds = controller.is_told(c(1), ask(1, request));
    (controller, deeds)
}

fn register(number: u32) -> Request {
    Request::Register(Key(7), number)
}

fn remove(number: u32) -> Request {
    Request::Remove(Key(7), number)
}

#[test]
fn a_node_that_there_is_not_is_refused() {
    operator(3, register(6))
        .1
        .shows("send c1: g0 answer 1: refused");
    operator(3, remove(6))
        .1
        .shows("send c1: g0 answer 1: refused");
}

#[test]
fn what_is_as_was_asked_is_recorded_already() {
    operator(3, register(1))
        .1
        .shows("send c1: g0 answer 1: recorded");
    operator(3, register(4))
        .1
        .shows("send c1: g0 answer 1: recorded");
    operator(3, remove(5))
        .1
        .shows("send c1: g0 answer 1: recorded");
}

#[test]
fn the_main_is_not_removed() {
    operator(3, remove(1))
        .1
        .shows("send c1: g0 answer 1: refused");
}

#[test]
fn the_last_sibling_is_not_removed() {
    operator(1, remove(2))
        .1
        .shows("send c1: g0 answer 1: refused");
}

#[test]
fn the_last_but_one_is() {
    operator(2, remove(2))
        .1
        .shows("send m1: g0 remove sibling m2");
}

#[test]
fn an_operator_is_answered_when_the_list_is_recorded() {
    let (mut controller, deeds) = operator(3, register(5));
    deeds.shows("send m1: g0 add sibling m5");
    controller.is_told(m(1), admit(1, 1, &[2, 3, 4, 5])).shows(
        "write g0 promised 2/l1/0
         flush
         write g0 accepted 2/l1/0: epoch 1, main m1, siblings m2 m3 m4 m5 @1
         flush
         send c1: g0 answer 1: recorded
         send m1: g0 admitted epoch 1, siblings [m2, m3, m4, m5]",
    );
}

#[test]
fn a_controller_that_starts_again_knows_what_it_recorded() {
    let mut controller = controller_with(
        5,
        Options {
            siblings: 3,
            ..Options::default()
        },
    );
    let deeds = controller.is_told(m(1), admit(1, 1, &[2, 3, 4, 5]));
    let written = deeds.effects().iter().filter_map(|effect| match effect {
        Effect::Write(record) => Some(Ok(record.clone())),
        _ => None,
    });
    let disk: Vec<_> = written.collect();
    let options = Options {
        siblings: 3,
        ..Options::default()
    };
    let (again, _): (Solo<Server>, _) = Solo::boot_among(config(5, 1, options), l(1), &disk);
    assert_eq!(again.charge().known, controller.charge().known);
    assert_eq!(again.charge().known.siblings, [2, 3, 4, 5].map(m));
}

#[test]
fn a_controller_that_finds_rot_stops() {
    let rotten = [Err(Damage::Rotten)];
    let (_, deeds): (Solo<Server>, _) =
        Solo::boot_among(config(4, 1, Options::default()), l(1), &rotten);
    let stops = |effect: &Effect<SiblingQuorum>| matches!(effect, Effect::Stop(_));
    assert!(deeds.effects().iter().any(stops));
}
