//! Opening: who accepts, who refuses and who says nothing.

use super::seen::play;

#[test]
fn a_peer_that_is_up_accepts_and_the_opener_hears_of_it_a_latency_later() {
    let seen = play(0, "", &[]);
    assert_eq!(
        seen.all("n2", "opened"),
        [(1_000, " n1/1 with n1, theirs, 65536 bytes")]
    );
    assert_eq!(
        seen.all("n1", "opened"),
        [(2_000, " n1/1 with n2, mine, 65536 bytes")]
    );
}

#[test]
fn a_machine_whose_process_is_down_refuses_at_once() {
    let seen = play(0, "", &["at = '500us', for = '200ms', crash = 'n2'"]);
    assert_eq!(
        seen.closed("n1"),
        [(2_000, "n1/1 refused"), (104_000, "n1/2 refused")]
    );
    assert_eq!(seen.first("n2", "opened"), Some(205_000));
    assert_eq!(seen.first("n1", "opened n1/3"), Some(206_000));
}

#[test]
fn a_machine_that_is_dead_says_nothing_and_the_opening_is_tried_again_after_1_2_and_4_seconds() {
    // It is sent at the start, and each try finds the machine dead a latency later, when the next timeout begins.
    for how in ["kill_host", "power"] {
        for (back, opened) in [
            ("1s", 1_002_000),
            ("1400ms", 3_003_000),
            ("4s", 7_004_000),
            ("8s", 15_005_000),
        ] {
            let fault = format!("at = '500us', for = '{back}', {how} = 'n2'");
            let seen = play(0, "length = '20s'", &[&fault]);
            assert_eq!(seen.first("n2", "opened n1/1"), Some(opened), "{how}");
            assert_eq!(seen.first("n1", "opened n1/1"), Some(opened + 1_000));
            assert_eq!(seen.closed("n1"), []);
        }
    }
}

#[test]
fn a_machine_that_stays_dead_never_says_anything() {
    let head = "length = '20s'\nnodes = 3\ncalm = 'core'\noptions = { answers = '200ms' }";
    let fault = "at = '500us', for = '1h', kill_host = 'n2'";
    let mut spared = 0;
    for seed in 0..8 {
        let seen = play(seed, head, &[fault]);
        let stays = seen.first("n2", "starts, life 1").is_none();
        spared += usize::from(stays);
        assert!(!stays || seen.first("n1", "opened n1/1").is_none());
        assert_eq!(seen.first("n1", "opened n1/2"), Some(2_000));
    }
    assert!(spared > 0);
}

#[test]
fn a_paused_peer_accepts_by_its_system_and_its_process_finds_out_when_it_goes_on() {
    let seen = play(0, "", &["at = '500us', for = '300ms', pause = 'n2'"]);
    assert_eq!(seen.first("n1", "opened n1/1"), Some(2_000));
    assert_eq!(seen.first("n2", "opened n1/1"), Some(300_500));
}

#[test]
fn an_opening_that_finds_its_link_cut_is_tried_again_as_well() {
    let fault = "at = '0s', for = '1200ms', partition = ['n1', 'n2']";
    let seen = play(0, "length = '4s'", &[fault]);
    let opened = seen.first("n2", "opened n1/1");
    assert!(
        [Some(3_001_000), Some(3_002_000)].contains(&opened),
        "{opened:?}"
    );
}

#[test]
fn a_refusal_that_dies_with_its_machine_is_asked_for_again() {
    // n2 refuses at 1ms, behind a cut; it dies at 100ms, and what comes back from then on is another answer.
    let faults = [
        "at = '500us', for = '50ms', crash = 'n2'",
        "at = '500us', for = '1900ms', cut = { from = 'n2', to = 'n1' }",
        "at = '100ms', for = '50ms', kill_host = 'n2'",
    ];
    let seen = play(0, "length = '4s'", &faults);
    assert_eq!(seen.first("n2", "opened n1/1"), Some(1_101_000));
    assert_eq!(seen.first("n1", "opened n1/1"), Some(2_502_000));
}

#[test]
fn no_stream_has_the_name_of_another_whichever_life_opened_it() {
    for how in ["crash", "kill_host", "wipe"] {
        let fault = format!("at = '50ms', every = '100ms', for = '30ms', {how} = 'n1'");
        let other = "at = '70ms', every = '90ms', for = '20ms', crash = 'n2'";
        let seen = play(0, "length = '2s'\nnodes = 3", &[&fault, other]);
        let mut names: Vec<&str> = seen
            .all("n1", "opens ")
            .into_iter()
            .filter_map(|(_, text)| text.split(' ').next())
            .collect();
        assert!(names.len() > 40, "{names:?}");
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all, "{how}");
    }
}
