use netsplit::{NodeId, Role};

use super::super::random::{Key, Purpose};
use super::super::target::Target;
use super::*;

fn bind(what: &What, ordinal: u32) -> Option<Vec<Vec<usize>>> {
    let role = |name, rank| Some(Role { name, rank });
    let servers = [
        (NodeId::server(1), role("leader", 3)),
        (NodeId::server(2), role("leader", 5)),
        (NodeId::server(3), role("follower", 5)),
        (NodeId::server(4), role("follower", 5)),
        (NodeId::server(5), None),
    ];
    let crowd = Crowd {
        servers: &servers,
        clients: &[NodeId::client(1)],
        up: &[true, true, true, true, false],
        zones: &[Some(0), Some(1), Some(1), None, Some(0), Some(1)],
    };
    what.bind(&crowd, &mut Key::new(2, Purpose::Fault(ordinal)).stream())
}

#[test]
fn the_leader_is_the_claimant_of_the_highest_rank() {
    let what = What::Partition(vec![vec![Target::Role("leader")], vec![Target::Others]]);
    assert_eq!(bind(&what, 0), Some(vec![vec![1], vec![0, 2, 3, 4]]));
}

#[test]
fn others_are_bound_last_wherever_they_stand() {
    let what = What::Cut {
        from: vec![Target::Others],
        to: vec![Target::Any, Target::Node(NodeId::client(1))],
    };
    let bound = bind(&what, 0).unwrap();
    assert_eq!(bound[0].len(), 4);
    assert_eq!(bound[1].len(), 2);
    assert_eq!(bound[1][0], 5);
    assert!(!bound[0].contains(&bound[1][1]));
}

#[test]
fn a_role_that_nobody_claims_binds_nobody() {
    assert_eq!(bind(&What::Pause(vec![Target::Role("candidate")]), 0), None);
}

#[test]
fn minority_and_majority_divide_five_into_two_and_three() {
    for ordinal in 0..20 {
        let what = What::Partition(vec![vec![Target::Minority], vec![Target::Others]]);
        let sizes: Vec<usize> = bind(&what, ordinal).unwrap().iter().map(Vec::len).collect();
        assert_eq!(sizes, [2, 3]);
        let what = What::Pause(vec![Target::Majority]);
        assert_eq!(bind(&what, ordinal).unwrap()[0].len(), 3);
    }
}

#[test]
fn any_means_one_that_is_up_and_each_comes_up() {
    let picked: std::collections::BTreeSet<usize> = (0..100)
        .map(|ordinal| bind(&What::Pause(vec![Target::Any]), ordinal).unwrap()[0][0])
        .collect();
    assert_eq!(picked.into_iter().collect::<Vec<_>>(), [0, 1, 2, 3]);
}

#[test]
fn a_zone_is_everybody_in_it_and_any_zone_is_each_of_them_in_time() {
    let zone = What::Pause(vec![Target::Zone(1, "b".into())]);
    assert_eq!(bind(&zone, 0), Some(vec![vec![1, 2, 5]]));
    let any = |ordinal| bind(&What::Pause(vec![Target::AnyZone(2)]), ordinal).unwrap();
    let seen: std::collections::BTreeSet<_> = (0..50).map(any).collect();
    assert_eq!(
        seen.into_iter().collect::<Vec<_>>(),
        [[vec![0, 4]], [vec![1, 2, 5]]]
    );
}

#[test]
fn a_rule_takes_its_groups_in_order_whichever_it_names() {
    let links = |from: Option<&str>, to: Option<&str>| {
        let group = |name: &str| vec![Target::Node(NodeId::server(name.parse().unwrap()))];
        let (from, to) = (from.map(group), to.map(group));
        let what = What::Links {
            from,
            to,
            kind: Some((3, "x")),
            act: Act::Jam,
        };
        let rule = what.rule(&bind(&what, 0).unwrap()).unwrap();
        assert_eq!((rule.kind, rule.act), (Some(3), Act::Jam));
        (rule.from, rule.to)
    };
    assert_eq!(links(Some("2"), Some("3")), (Some(vec![1]), Some(vec![2])));
    assert_eq!(links(Some("2"), None), (Some(vec![1]), None));
    assert_eq!(links(None, Some("3")), (None, Some(vec![2])));
    assert_eq!(links(None, None), (None, None));
}

/// Who hears whom, by slot, when a shape has struck so many servers.
fn hears(shape: Shape, servers: usize, ordinal: u32) -> Vec<Vec<usize>> {
    let all: Vec<(NodeId, Option<Role>)> = (1..=servers as u32)
        .map(|number| (NodeId::server(number), None))
        .collect();
    let crowd = Crowd {
        servers: &all,
        clients: &[],
        up: &vec![true; servers],
        zones: &[],
    };
    let what = What::Shape(shape);
    let groups = what
        .bind(&crowd, &mut Key::new(4, Purpose::Fault(ordinal)).stream())
        .unwrap();
    let apart = what.apart(&groups);
    let hears = |a: usize, b: usize| !apart.contains(&(a, b)) && !apart.contains(&(b, a));
    (0..servers)
        .map(|a| (0..servers).filter(|b| hears(a, *b)).collect())
        .collect()
}

#[test]
fn on_a_ring_everybody_hears_a_majority_and_no_two_the_same_one() {
    for servers in 4..=9 {
        let hears = hears(Shape::MajoritiesRing, servers, servers as u32);
        assert!(
            hears.iter().all(|heard| heard.len() > servers / 2),
            "{servers}: {hears:?}"
        );
        let different: std::collections::BTreeSet<_> = hears.iter().collect();
        assert_eq!(different.len(), servers, "{hears:?}");
    }
}

#[test]
fn a_bridge_hears_everybody_and_nobody_else_does() {
    for servers in 3..=7 {
        let hears = hears(Shape::Bridge, servers, 1);
        assert_eq!(
            hears.iter().filter(|heard| heard.len() == servers).count(),
            1,
            "{hears:?}"
        );
    }
}

#[test]
fn one_alone_hears_nobody_and_all_others_hear_each_other() {
    let mut sizes: Vec<usize> = hears(Shape::One, 5, 3).iter().map(Vec::len).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [1, 4, 4, 4, 4]);
}

#[test]
fn halves_hear_themselves_and_any_server_can_be_in_either() {
    let hears_of = |ordinal| hears(Shape::Halves, 5, ordinal);
    for ordinal in 0..20 {
        let mut sizes: Vec<usize> = hears_of(ordinal).iter().map(Vec::len).collect();
        sizes.sort_unstable();
        assert_eq!(sizes, [2, 2, 3, 3, 3]);
    }
    let with_first: std::collections::BTreeSet<usize> =
        (0..20).map(|ordinal| hears_of(ordinal)[0].len()).collect();
    assert_eq!(with_first.len(), 2);
}
