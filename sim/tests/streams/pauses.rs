//! What a process finds when it goes on after a pause.

use std::collections::BTreeSet;

use super::seen::play;

#[test]
fn what_came_on_streams_keeps_its_order_and_the_rest_comes_in_any() {
    let head = "options = { words = true, opens = 2, echo = true }\nnodes = 3";
    let pause = "at = '5ms', for = '100ms', pause = 'n3'";
    let mut orders = BTreeSet::new();
    let mut between = BTreeSet::new();
    for seed in 0..40 {
        let seen = play(seed, head, &[pause]);
        // Of both streams together: n1 is first at every instant.
        let streams: Vec<&str> = seen
            .all("n3", "got ")
            .into_iter()
            .filter_map(|(at, text)| (at == 105_000).then_some(text))
            .collect();
        let expected = (1..=10).flat_map(|n| [format!("n1/2 {n}"), format!("n2/2 {n}")]);
        assert_eq!(streams, expected.collect::<Vec<_>>(), "seed {seed}");
        let words: Vec<&str> = seen
            .all("n3", "hears ")
            .into_iter()
            .filter_map(|(at, text)| (at == 105_000).then_some(text))
            .collect();
        assert_eq!(words.len(), 20);
        let place = words.iter().position(|word| *word == "n1 1");
        orders.insert(words.clone().join(", "));
        between.insert(place);
    }
    assert_eq!(orders.len(), 40);
    assert!(between.len() > 10, "{between:?}");
}

#[test]
fn an_end_that_comes_in_a_pause_comes_behind_what_came_before_it() {
    let head = "options = { closes = 5, retry = '1h', words = true }";
    let pause = "at = '5ms', for = '100ms', pause = 'n2'";
    let crash = "at = '75ms', for = '10ms', crash = 'n1'";
    for seed in 0..20 {
        let seen = play(seed, head, &[pause]);
        assert_eq!(seen.last("n2", "n1/1"), 5);
        assert_eq!(seen.closed("n2"), [(105_000, "n1/1 finished")]);
        let seen = play(seed, "options = { retry = '1h' }", &[pause, crash]);
        assert_eq!(seen.last("n2", "n1/1"), 7);
        assert_eq!(seen.closed("n2"), [(105_000, "n1/1 reset")]);
    }
}

#[test]
fn with_work_to_be_done_the_order_on_streams_is_the_same() {
    let head = "options = { words = true }\ncpu.message = '300us'";
    let pause = "at = '5ms', for = '100ms', pause = 'n2'";
    for seed in 0..20 {
        // The pipes assert that it is.
        assert!(play(seed, head, &[pause]).last("n2", "n1/1") >= 38);
    }
}
