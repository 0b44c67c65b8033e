//! The accounting of 51 % in the running system: for every number of siblings, and every number of them that are down for
//! good, whether updates go on, and whether another main is found when the first one is dead too.

use netsplit::sibling_quorum::{Note, SiblingQuorum};
use netsplit::{Kinds, Outcome, Span, Time};
use netsplit_sim::history::Operation;
use netsplit_sim::play::{Play, Verdict};
use netsplit_sim::scenario::{Scenario, Source};
use netsplit_sim::world::ground::Ground;
use netsplit_sim::world::{Outcomes, World};

/// The table: how many siblings there are, how many of them can be down so that updates go on, and how many so that
/// another main is found in place of one that is dead; none where not even all of them are enough.
const TABLE: [(u32, u32, Option<u32>); 8] = [
    (0, 0, None),
    (1, 0, Some(0)),
    (2, 0, Some(1)),
    (3, 1, Some(1)),
    (4, 1, Some(2)),
    (5, 2, Some(2)),
    (6, 2, Some(3)),
    (7, 3, Some(3)),
];

/// Who dies does so after a second; what was on its way then has arrived by now.
const QUIET: Span = Span::millis(1_100);

/// The storm of a run in which these nodes die at once and do not come back. The same run with the calm, when they do come
/// back, is judged as every scenario is.
fn run(siblings: u32, dead: &[u32]) -> Outcomes<SiblingQuorum> {
    let managing = siblings + 1;
    let dead: Vec<String> = dead.iter().map(|node| format!("'m{node}'")).collect();
    let fault = match dead.len() {
        0 => String::new(),
        _ => format!(
            "[[fault]]\nat = '1s'\nfor = '1m'\ncrash = [{}]\n",
            dead.join(", ")
        ),
    };
    let text = format!(
        r#"
        mode = "sibling_quorum"
        nodes = {{ managing = {managing}, controllers = 3 }}
        seeds = "0..1"
        length = "8s"
        [options]
        heartbeat = "200ms"
        lease = "500ms"
        margin = "100ms"
        fail = "1s"
        suspicion = "500ms"
        takeover = "500ms..1s"
        client = "500ms..700ms"
        again_at_most = "1s"
        [workload]
        clients = 3
        rate = "30/s"
        mix = {{ put = 1 }}
        {fault}
        "#
    );
    let source = Source::new("siblings_down.toml", text);
    let scenario: Scenario<SiblingQuorum> =
        Scenario::read(&source).unwrap_or_else(|problem| panic!("{problem}"));
    let judged = scenario.play_here(0);
    assert_eq!(
        judged.verdict(),
        Verdict::Holds,
        "{judged:?}\n{}",
        source.text
    );
    World::new(&scenario, 0, Ground::plain()).unjudged().run()
}

/// Whether updates were accepted after the nodes had died.
fn goes_on(outcomes: &Outcomes<SiblingQuorum>) -> bool {
    let quiet = Time::ZERO + QUIET;
    let ended = |operation: &Operation<SiblingQuorum>| operation.ended.clone();
    let mut ended = outcomes.history.operations().iter().filter_map(ended);
    ended.any(|(moment, outcome)| matches!(outcome, Outcome::Ok(_)) && moment.at > quiet)
}

/// Whether another main was found.
fn is_replaced(outcomes: &Outcomes<SiblingQuorum>) -> bool {
    let kinds = <Note as Kinds>::KINDS.iter();
    let mut counts = kinds.zip(&outcomes.notes);
    let (_, appointed) = counts
        .find(|(kind, _)| **kind == "appoints")
        .expect("controllers appoint mains");
    *appointed > 0
}

/// So many of the siblings: the first of the list, and the last.
fn first_and_last(siblings: u32, down: u32) -> [Vec<u32>; 2] {
    let numbers: Vec<u32> = (2..=siblings + 1).collect();
    let (first, last) = (down as usize, (siblings - down) as usize);
    [numbers[..first].to_vec(), numbers[last..].to_vec()]
}

#[test]
fn updates_go_on_with_as_many_siblings_down_as_the_table_says_and_stop_with_one_more() {
    for (siblings, survived, _) in TABLE {
        for down in 0..=siblings {
            for dead in first_and_last(siblings, down) {
                let outcomes = run(siblings, &dead);
                let who = format!("{dead:?} of {siblings} siblings");
                assert_eq!(goes_on(&outcomes), down <= survived, "{who}");
                assert!(!is_replaced(&outcomes), "{who}: the main is there");
            }
        }
    }
}

#[test]
fn another_main_is_found_with_as_many_siblings_down_as_the_table_says_and_not_with_one_more() {
    for (siblings, survived, found) in TABLE {
        for down in 0..=siblings {
            for mut dead in first_and_last(siblings, down) {
                dead.push(1);
                let outcomes = run(siblings, &dead);
                let who = format!("{dead:?}, with the main, of {siblings} siblings");
                let is_found = found.is_some_and(|found| down <= found);
                assert_eq!(is_replaced(&outcomes), is_found, "{who}");
                // The dead main becomes a sibling, one more that is down.
                assert_eq!(goes_on(&outcomes), is_found && down < survived, "{who}");
            }
        }
    }
}
