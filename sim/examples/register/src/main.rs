//! A protocol of your own: a primary and its backups, with the whole command line of netsplit.
//!
//! ```text
//! cargo run                                  # its scenarios on their seeds
//! cargo run -- replay scenarios/servers_die.toml --seed 3 --trace
//! cargo run -- list register
//! ```

mod mode;
mod register;
#[cfg(test)]
mod tests;

use std::process::ExitCode;

use netsplit_sim::Source;

use crate::mode::Register;

/// The scenarios that ship with it.
fn scenarios() -> [Source; 2] {
    [
        Source::new(
            "scenarios/servers_die.toml",
            include_str!("../scenarios/servers_die.toml"),
        ),
        Source::new(
            "scenarios/confirms_too_early.toml",
            include_str!("../scenarios/confirms_too_early.toml"),
        ),
    ]
}

fn main() -> ExitCode {
    netsplit_sim::main(&[&Register], &scenarios())
}
