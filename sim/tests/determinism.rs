//! The one law: the same scenario and seed give the same digest, wherever and beside whatever they run.

use std::process::Command;
use std::thread;

use netsplit_sim::play::Play;
use netsplit_sim::scenario::Source;
use netsplit_sim::world::ground::Footing;
use netsplit_sim::{explore, modes, shipped};

const STORIES: [&str; 3] = [
    "scenarios/raft/power_failure.toml",
    "scenarios/raft/doubled_and_late.toml",
    "scenarios/raft/clocks_apart.toml",
];

fn read(path: &str) -> Box<dyn Play> {
    let source: Source = shipped::all()
        .into_iter()
        .find(|source| source.path == path)
        .unwrap_or_else(|| panic!("{path} ships"));
    modes::read(&modes::SHIPPED, &source).unwrap_or_else(|problem| panic!("{problem}"))
}

fn digests(scenario: &dyn Play, footing: Footing) -> Vec<u64> {
    (0..3)
        .map(|seed| scenario.play(seed, footing).digest)
        .collect()
}

#[test]
fn a_run_twice_in_one_process_gives_one_digest() {
    for path in STORIES {
        let scenario = read(path);
        assert_eq!(
            digests(&*scenario, Footing::Default),
            digests(&*scenario, Footing::Default),
            "{path}"
        );
    }
}

#[test]
fn inside_madsim_and_without_it_the_digest_is_the_same() {
    for path in STORIES {
        let scenario = read(path);
        assert_eq!(
            digests(&*scenario, Footing::Default),
            digests(&*scenario, Footing::Plain),
            "{path}"
        );
    }
}

#[test]
fn two_runs_at_once_on_two_threads_do_not_disturb_each_other() {
    for path in STORIES {
        let scenario = read(path);
        let alone = digests(&*scenario, Footing::Default);
        let both = thread::scope(|scope| {
            let runs = [(); 2].map(|()| scope.spawn(|| digests(&*scenario, Footing::Default)));
            runs.map(|run| run.join().unwrap_or_default())
        });
        assert_eq!(both, [alone.clone(), alone], "{path}");
    }
}

#[test]
fn in_a_sweep_and_alone_the_digest_is_the_same() {
    let scenarios: Vec<Box<dyn Play>> = STORIES.into_iter().map(read).collect();
    let jobs: Vec<explore::Job> = (0..STORIES.len())
        .flat_map(|place| (0..3).map(move |seed| (place, seed)))
        .collect();
    let runs = explore::all(&scenarios, &jobs, 2, || ());
    let alone: Vec<u64> = scenarios
        .iter()
        .flat_map(|scenario| digests(&**scenario, Footing::Plain))
        .collect();
    assert_eq!(runs.iter().map(|run| run.digest).collect::<Vec<_>>(), alone);
}

#[test]
fn another_process_gives_the_same_digest() {
    for path in STORIES {
        let here = read(path).play(1, Footing::Default).digest;
        let output = Command::new(env!("CARGO_BIN_EXE_netsplit"))
            .args(["replay", path, "--seed", "1"])
            .output();
        let printed = String::from_utf8(output.expect("the binary runs").stdout).unwrap();
        assert!(
            printed.contains(&format!("digest {here:016x}")),
            "{path}: {here:016x} is not in\n{printed}"
        );
    }
}

#[test]
fn another_seed_gives_another_digest() {
    for path in STORIES {
        let [a, b, c] = digests(&*read(path), Footing::Default)[..] else {
            panic!("three seeds")
        };
        assert!(a != b && b != c && a != c, "{path}");
    }
}

/// By the command that proves it: one seed of every scenario that ships, each made again in a process of its own.
#[test]
fn every_scenario_gives_the_same_digest_in_a_fresh_process() {
    let output = Command::new(env!("CARGO_BIN_EXE_netsplit"))
        .args(["run", "scenarios", "--seed", "1", "--twice"])
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .output()
        .expect("the binary of this crate runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let scenarios = netsplit_sim::shipped::all().len();
    let proof = format!("each of {scenarios} runs gave the same digest in a fresh process");
    assert!(text.contains(&proof), "{text}");
}
