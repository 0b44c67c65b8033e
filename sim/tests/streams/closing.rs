//! Closing: everything that was pushed before arrives, and the closer hears nothing more.

use super::seen::{at_once, play, ticks};

const FIVE: &str = "options = { closes = 5, retry = '1h' }\nlength = '3s'";

#[test]
fn who_is_closed_to_gets_all_that_was_pushed_before_and_then_learns_of_it() {
    let seen = play(0, FIVE, &[]);
    assert_eq!(
        seen.got("n2", "n1/1", 0..u64::MAX),
        ticks(10_000..60_000, 1, 1_000)
    );
    assert_eq!(seen.closed("n2"), [(51_000, "n1/1 finished")]);
    assert_eq!(seen.closed("n1"), []);
}

#[test]
fn a_close_behind_a_cut_comes_behind_all_that_was_pushed() {
    let cut = "at = '35ms', for = '150ms', partition = ['n1', 'n2']";
    let seen = play(0, FIVE, &[cut]);
    let mut expected = ticks(10_000..40_000, 1, 1_000);
    expected.extend(at_once(241_000, 4..6));
    assert_eq!(seen.got("n2", "n1/1", 0..u64::MAX), expected);
    assert_eq!(seen.closed("n2"), [(241_000, "n1/1 finished")]);
}

#[test]
fn who_closes_hears_nothing_more_of_the_stream() {
    // That nothing comes is asserted by the pipes: n1 pushes on until it learns of the end.
    let head = "network.latency = '30ms'\noptions = { echo = true, hangs_up = 5, retry = '1h' }";
    let seen = play(0, head, &[]);
    assert_eq!(seen.last("n2", "n1/1"), 5);
    let closes = seen.first("n2", "closes n1/1").expect("it hangs up");
    assert_eq!(seen.closed("n1"), [(closes + 30_000, "n1/1 finished")]);
    assert_eq!(seen.closed("n2"), []);
    let pushed = seen.numbers("n2", "pushed n1/1 ", 0..u64::MAX).len() as u64;
    assert_eq!(seen.last("n1", "n1/1"), pushed);
}

#[test]
fn who_closes_hears_nothing_of_what_had_come_in_a_pause_or_while_it_was_busy() {
    let head = "options = { hangs_up = 5, retry = '1h' }";
    let pause = "at = '5ms', for = '100ms', pause = 'n2'";
    let seen = play(0, head, &[pause]);
    assert_eq!(seen.got("n2", "n1/1", 0..u64::MAX), at_once(105_000, 1..6));
    let head = format!("{head}\ncpu.message = '10us'");
    let slow = "at = '5ms', for = '390ms', slow_cpu = { on = 'n2', factor = 3000 }";
    let seen = play(0, &head, &[slow]);
    assert_eq!(seen.last("n2", "n1/1"), 5);
}

#[test]
fn who_closes_behind_a_flush_hears_nothing_more_while_that_holds_the_close() {
    // What n2 pushes past its flush at 50ms arrives at 51ms, and the close leaves at 58ms.
    let head =
        "options = { flushes = true, echo = true, closes = 5, retry = '1h' }\ndisk.flush = '8ms'";
    let seen = play(0, head, &[]);
    assert_eq!(seen.when("n1", "closes n1/1"), [58_000]);
    assert_eq!(seen.closed("n2"), [(59_000, "n1/1 finished")]);
    assert_eq!(seen.last("n2", "n1/1"), 5);
    assert_eq!(
        seen.numbers("n1", "reads n1/1 ", 0..u64::MAX),
        ticks(10_000..50_000, 1, 1_000)
    );
    assert_eq!(seen.closed("n1"), []);
}

#[test]
fn who_closes_behind_a_flush_hears_nothing_of_what_had_come_nor_of_an_end() {
    let head = "options = { flushes = true, echo = true, hangs_up = 5, retry = '1h' }";
    let pause = "at = '11ms', for = '100ms', pause = 'n2'";
    let stall = "at = '5ms', for = '200ms', stall_disk = 'n2'";
    let seen = play(0, head, &[pause, stall]);
    assert_eq!(seen.got("n2", "n1/1", 0..u64::MAX), at_once(111_000, 1..6));
    // Nor of the reset by which it would learn that n1 is dead.
    let crash = "at = '155ms', for = '10ms', crash = 'n1'";
    let dies = play(0, head, &[pause, stall, crash]);
    for seen in [seen, dies] {
        let reads = seen.when("n2", "reads n1/1 ");
        assert!(reads.iter().all(|at| *at <= 111_000), "{reads:?}");
        assert!(
            !seen
                .closed("n2")
                .iter()
                .any(|(_, what)| what.starts_with("n1/1 "))
        );
    }
}

#[test]
fn both_can_close_at_once() {
    let head = "options = { closes = 5, hangs_up = 5, retry = '1h' }\nnetwork.latency = '0s'";
    let seen = play(0, head, &[]);
    assert_eq!((seen.closed("n1"), seen.closed("n2")), (vec![], vec![]));
}

#[test]
fn the_system_of_a_process_that_closed_and_died_still_delivers() {
    let cut = "at = '35ms', for = '150ms', partition = ['n1', 'n2']";
    let crash = "at = '105ms', for = '50ms', crash = 'n1'";
    let seen = play(0, FIVE, &[cut, crash]);
    assert_eq!(seen.last("n2", "n1/1"), 5);
    assert_eq!(seen.closed("n2")[0], (241_000, "n1/1 finished"));
}

#[test]
fn a_machine_that_dies_after_a_close_delivers_nothing_more() {
    let cut = "at = '35ms', for = '150ms', partition = ['n1', 'n2']";
    let kill = "at = '105ms', for = '20ms', kill_host = 'n1'";
    let seen = play(0, FIVE, &[cut, kill]);
    assert_eq!(seen.last("n2", "n1/1"), 3);
    let of_it = |closed: &(u64, &str)| closed.1.starts_with("n1/1 ");
    assert!(!seen.closed("n2").iter().any(of_it), "nobody tells it");
    let head = "options = { closes = 5, echo = true, retry = '1h' }\nlength = '3s'";
    let seen = play(0, head, &[cut, kill]);
    // What n2 sent at 40ms is sent again at 240ms, and meets the restarted machine.
    assert_eq!(seen.closed("n2")[0], (242_000, "n1/1 reset"));
}

#[test]
fn what_is_pushed_into_a_stream_that_is_over_goes_nowhere_and_harms_nothing() {
    let reset = "at = '105ms', reset_streams = { from = 'n1', to = 'n2' }";
    let crash = "at = '205ms', for = '50ms', crash = 'n2'";
    let head = "options = { closes = 5, dogged = true, echo = true }\nlength = '2s'";
    let seen = play(0, head, &[reset, crash]);
    let swallowed = seen.all("n1", "-> n1/1, which is over");
    assert!(swallowed.len() > 100);
    let all = (2..20).filter(|n| seen.last("n2", &format!("n1/{n}")) == 5);
    assert!(all.count() > 5);
}
