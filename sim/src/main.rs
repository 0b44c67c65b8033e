//! The command line, with the modes that ship.

use std::process::ExitCode;

fn main() -> ExitCode {
    netsplit_sim::cli::main(&netsplit_sim::modes::shipped())
}
