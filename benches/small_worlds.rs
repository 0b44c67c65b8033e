//! Small worlds of Raft and of the sibling quorum, looked at whole: how many states they have, and how many are come to in
//! a second.
//!
//! `cargo bench --bench small_worlds` takes some minutes and up to 3 GiB of memory; with the beginning of a name behind
//! `--` it makes those worlds alone, and with `--test` only what takes a second.

use std::process::ExitCode;
use std::time::Instant;

use netsplit::raft::SmallRaft;
use netsplit::sibling_quorum::{Rules, SmallSiblings};
use netsplit::small_world::{Bounds, Often, SmallWorld};
use netsplit_sim::small_world::{Effort, Explored, explore};

/// A state takes up to 300 bytes, and in the largest worlds is come to three times or more: this stays below 8 GiB.
const STATES: usize = 80_000_000;

/// What one world is called, whether it is done in a second, and how it is looked at.
type World = (&'static str, bool, Box<dyn FnOnce(Effort) -> Explored>);

/// Links with room for so many messages, which overtake each other, and so many crashes.
fn bounds(room: usize, crashes: u8) -> Bounds {
    Bounds {
        room,
        ordered: false,
        doubles: 0,
        crashes,
        slow_disks: false,
    }
}

fn group(servers: u32, terms: u64, puts: u32, crashes: u8) -> SmallRaft {
    SmallRaft {
        servers,
        puts,
        terms,
        heartbeats: Often::Never,
        check_quorum: false,
        bounds: bounds(1, crashes),
    }
}

/// A main with its siblings, who are sent everything again as often as they like.
fn siblings(siblings: u32, updates: u32, promotions: u64, bounds: Bounds) -> SmallSiblings {
    SmallSiblings {
        siblings,
        updates,
        promotions,
        heartbeats: Often::Never,
        again: Often::Always,
        window: usize::MAX,
        rules: Rules::default(),
        bounds,
    }
}

fn world(name: &'static str, quick: bool, world: impl SmallWorld) -> World {
    (name, quick, Box::new(|effort| explore(world, effort)))
}

/// The same, with so much room on each link.
fn with_room(room: usize, world: SmallRaft) -> SmallRaft {
    let bounds = Bounds {
        room,
        ..world.bounds
    };
    SmallRaft { bounds, ..world }
}

fn with_heartbeats(heartbeats: Often, world: SmallRaft) -> SmallRaft {
    SmallRaft {
        heartbeats,
        ..world
    }
}

/// In the order of their size.
fn worlds() -> Vec<World> {
    let any = |world| with_heartbeats(Often::Always, world);
    let one = |world| with_heartbeats(Often::Times(1), world);
    vec![
        world("3 servers, 1 term, 1 put, 1 crash", true, group(3, 1, 1, 1)),
        world(
            "3 servers, 1 term, 1 put, 1 heartbeat",
            true,
            one(group(3, 1, 1, 0)),
        ),
        world(
            "2 servers, 3 terms, 1 put, 1 crash, 1 heartbeat",
            true,
            one(group(2, 3, 1, 1)),
        ),
        world(
            "2 servers, 2 terms, 1 put, heartbeats, 2 messages a link",
            false,
            any(with_room(2, group(2, 2, 1, 0))),
        ),
        world("3 servers, 2 terms", false, group(3, 2, 0, 0)),
        world("3 servers, 2 terms, 1 put", false, group(3, 2, 1, 0)),
        world(
            "3 servers, 2 terms, 2 messages a link",
            false,
            with_room(2, group(3, 2, 0, 0)),
        ),
        world(
            "3 servers, 2 terms, 1 heartbeat",
            false,
            one(group(3, 2, 0, 0)),
        ),
        world(
            "3 servers, 2 terms, 1 put, 1 crash",
            false,
            group(3, 2, 1, 1),
        ),
        world(
            "1 sibling, 1 update, 2 promotions",
            true,
            siblings(1, 1, 2, bounds(1, 0)),
        ),
        world(
            "1 sibling, 2 updates, 3 promotions",
            false,
            siblings(1, 2, 3, bounds(2, 0)),
        ),
        world(
            "2 siblings, 1 update, 1 promotion",
            false,
            siblings(2, 1, 1, bounds(2, 0)),
        ),
        world(
            "2 siblings, 2 updates, 3 promotions, each message once",
            false,
            SmallSiblings {
                again: Often::Never,
                window: 1,
                ..siblings(2, 2, 3, bounds(2, 0))
            },
        ),
    ]
}

#[expect(
    clippy::disallowed_methods,
    reason = "what is measured is how long it takes"
)]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let small = arguments.iter().any(|argument| argument == "--test");
    let wanted = arguments
        .iter()
        .find(|argument| !argument.starts_with("--"));
    let mut code = ExitCode::SUCCESS;
    for (name, quick, look) in worlds() {
        if (small && !quick) || wanted.is_some_and(|wanted| !name.starts_with(wanted.as_str())) {
            continue;
        }
        let effort = Effort {
            threads: 2,
            states: STATES,
        };
        let begun = Instant::now();
        let explored = look(effort);
        let seconds = begun.elapsed().as_secs_f64();
        let rate = explored.generated as f64 / seconds;
        println!("{name}: {explored}, {seconds:.1} s, {rate:.0} a second");
        if !explored.whole {
            code = ExitCode::FAILURE;
        }
    }
    code
}
