//! How many cases a law is tried with, and which.

use proptest::test_runner::{Config, RngSeed};

/// The same hundred cases every time; where PROPTEST_CASES says how many, fresh ones.
pub(crate) fn config() -> Config {
    #[expect(clippy::disallowed_methods, reason = "whoever asks for more cases")]
    let asked = std::env::var("PROPTEST_CASES").is_ok();
    let (cases, rng_seed) = if asked {
        (Config::default().cases, RngSeed::Random)
    } else {
        (100, RngSeed::Fixed(1))
    };
    Config {
        cases,
        rng_seed,
        ..Config::default()
    }
}
