//! The window: how much can be pushed before the peer has taken it in.

use super::seen::{at_once, play, ticks, watch};

#[test]
fn credit_comes_back_in_halves_of_the_window_when_the_process_takes_messages_in() {
    let head = "network.window = '1000B'\noptions = { burst = 20, interval = '100ms' }";
    let seen = play(0, head, &[]);
    let got = seen.got("n2", "n1/1", 0..150_000);
    assert_eq!(got, at_once(101_000, 1..11));
    assert_eq!(
        seen.numbers("n1", "credit n1/1 ", 0..150_000),
        [(102_000, 500), (102_000, 500)]
    );
    assert_eq!(seen.got("n2", "n1/1", 150_000..250_000).len(), 10);
}

#[test]
fn credit_waits_for_the_message_that_makes_up_half_of_the_window() {
    // The second one makes 200 bytes of the half of 200 or 202.
    for (window, credit) in [("400B", (22_000, 200)), ("404B", (32_000, 300))] {
        let seen = play(0, &format!("network.window = '{window}'"), &[]);
        let first = seen.numbers("n1", "credit n1/1 ", 0..100_000)[0];
        assert_eq!(first, credit, "{window}");
    }
}

#[test]
fn a_peer_that_stands_still_lets_so_much_be_pushed_as_its_window_holds() {
    let pause = "at = '5ms', for = '300ms', pause = 'n2'";
    let seen = play(0, "network.window = '1000B'", &[pause]);
    let pushed = seen.numbers("n1", "pushed n1/1 ", 0..330_000);
    let mut expected = ticks(10_000..110_000, 1, 0);
    expected.extend(ticks(310_000..330_000, 11, 0));
    assert_eq!(pushed, expected);
    assert_eq!(seen.got("n2", "n1/1", 0..306_000), at_once(305_000, 1..11));
    assert_eq!(seen.when("n1", "credit n1/1")[..2], [306_000, 306_000]);
}

#[test]
fn a_peer_that_is_busy_gives_credit_as_it_takes_messages_in() {
    // Each message keeps n2 busy for 50ms: of the ten that fit it has taken in five after 200ms.
    let head = "network.window = '1000B'\ncpu.message = '10us'";
    let slow = "at = '5ms', for = '390ms', slow_cpu = { on = 'n2', factor = 5000 }";
    let seen = play(0, head, &[slow]);
    let got = seen.got("n2", "n1/1", 0..300_000);
    let instants: Vec<u64> = got.iter().map(|(at, _)| *at).collect();
    let every_50ms: Vec<u64> = (0..6).map(|n| 11_010 + n * 50_000).collect();
    assert_eq!(instants, every_50ms);
    let pushed = seen.numbers("n1", "pushed n1/1 ", 0..212_000);
    assert_eq!(pushed, ticks(10_000..110_000, 1, 0));
    assert_eq!(
        seen.numbers("n1", "credit n1/1 ", 0..300_000),
        [(212_010, 500)]
    );
}

#[test]
fn what_just_fits_into_the_window_is_pushed_and_a_byte_more_is_a_mistake_of_the_process() {
    let play = |window: &str| {
        let head =
            format!("network.window = '{window}'\noptions = {{ greedy = true, burst = 10 }}");
        let run = watch(0, &head, &[]).run;
        run.violations.first().map(|violation| {
            (
                violation.broken,
                violation.evidence.contains("pushes 100 bytes into n1/1"),
            )
        })
    };
    assert_eq!(play("1000B"), None);
    assert_eq!(play("999B"), Some(("steps_without_panic", true)));
}
