//! The command line, with the modes that ship.

use std::process::ExitCode;

fn main() -> ExitCode {
    netsplit_sim::main(&netsplit_sim::modes::SHIPPED, &netsplit_sim::shipped::all())
}
