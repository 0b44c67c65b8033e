//! The effects on streams are outward ones: flushes hold them, crashes take what is held, work delays them.

use super::seen::{play, ticks};

#[test]
fn a_push_waits_for_the_flush_in_order_with_sends_and_one_past_the_flush_does_not() {
    let head = "options = { flushes = true, words = true }\ndisk.flush = '2ms'";
    let seen = play(0, head, &[]);
    let time = 0..390_000;
    let tick = |later| ticks(10_000..390_000, 1, later);
    assert_eq!(
        seen.got("n2", "n1/1", time.clone())[..37],
        tick(3_000)[..37]
    );
    assert_eq!(
        seen.numbers("n2", "hears n1 ", time.clone())[..37],
        tick(3_000)[..37]
    );
    assert_eq!(seen.numbers("n2", "reads n1/1 ", time), tick(1_000)[..38]);
    let left = |text: &str| seen.when("n1", text)[0];
    assert_eq!(
        [
            left("-> n1/1: remark"),
            left("-> n1/1: item"),
            left("-> n2: word")
        ],
        [10_000, 12_000, 12_000]
    );
}

#[test]
fn opening_and_closing_wait_for_the_flush_too() {
    let head = "options = { flushes = true, closes = 5, retry = '15ms' }\ndisk.flush = '8ms'";
    let seen = play(0, head, &[]);
    // The fifth item is pushed at 50ms and the stream is closed behind it; the next is opened at 65ms.
    assert_eq!(seen.when("n1", "closes n1/1"), [58_000]);
    assert_eq!(seen.closed("n2")[0], (59_000, "n1/1 finished"));
    // The flush of 60ms is asked for before, and ends at 68ms.
    assert_eq!(seen.first("n1", "opens n1/2"), Some(68_000));
}

#[test]
fn what_a_flush_holds_is_lost_in_a_crash() {
    let head = "options = { flushes = true, retry = '1h' }\ndisk.flush = '8ms'";
    for how in ["crash", "kill_host"] {
        let crash = format!("at = '105ms', for = '50ms', {how} = 'n1'");
        let seen = play(0, head, &[&crash]);
        let pushed = seen.numbers("n1", "pushed n1/1 ", 0..u64::MAX);
        assert_eq!(pushed, ticks(10_000..110_000, 1, 0));
        assert_eq!(
            seen.got("n2", "n1/1", 0..u64::MAX),
            ticks(10_000..100_000, 1, 9_000)
        );
    }
}

#[test]
fn a_trap_before_a_kind_counts_the_messages_that_are_pushed() {
    let trap = "at = '15ms', for = '50ms', crash_at = { on = 'n1', before = 'item', nth = 5 }";
    let seen = play(0, "options = { retry = '1h' }", &[trap]);
    // Items 2 to 4 and 6 are counted, and 5 and 10 are of another kind.
    assert_eq!(seen.when("n1", "goes down"), [70_000]);
    assert_eq!(seen.last("n2", "n1/1"), 6);
}

#[test]
fn a_message_on_a_stream_costs_work_at_both_ends() {
    let head = "cpu.message = '2ms'\noptions = { burst = 2, interval = '100ms' }";
    let seen = play(0, head, &[]);
    assert_eq!(
        seen.got("n2", "n1/1", 0..150_000),
        [(103_000, 1), (105_000, 2)]
    );
    let slow = "at = '5ms', for = '300ms', slow_cpu = { on = 'n2', factor = 3 }";
    let seen = play(0, head, &[slow]);
    assert_eq!(
        seen.got("n2", "n1/1", 0..150_000),
        [(103_000, 1), (109_000, 2)]
    );
}
