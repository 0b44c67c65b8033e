//! Whether somebody listens changes nothing. A test program of its own: `tracing` remembers, for the whole process, whether
//! anybody cares for an event, so nothing else may run beside it.

use netsplit_sim::report::transcript::{self, Wanted};
use netsplit_sim::world::ground::Footing;
use netsplit_sim::{modes, shipped};

#[test]
fn a_run_that_is_listened_to_has_the_digest_of_one_that_is_not() {
    for path in [
        "scenarios/raft/power_failure.toml",
        "scenarios/raft/doubled_and_late.toml",
    ] {
        let source = shipped::all()
            .into_iter()
            .find(|source| source.path == path)
            .expect("the scenario ships");
        let scenario =
            modes::read(&modes::SHIPPED, &source).unwrap_or_else(|problem| panic!("{problem}"));
        let unheard = scenario.play(2, Footing::Default);
        let (run, text) = transcript::text(Wanted::everything(), || scenario.play_here(2));
        assert_eq!(run.digest, unheard.digest, "{path}");
        assert!(text.lines().count() > 1000, "{text}");
    }
}
