//! The house itself: what is nowhere in it, as ARCHITECTURE.md says, and that nothing in it goes unused.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use netsplit::caspaxos::CasPaxos;
use netsplit::raft::Raft;
use netsplit::session_data::SessionData;
use netsplit::sibling_quorum::SiblingQuorum;
use netsplit::zone_sync::ZoneSync;
use netsplit::{Invariants, Mode, Promise};
use netsplit_sim::world::WORLD_PROMISES;
use netsplit_sim::{modes, shipped};

/// The most lines of a room, its unit tests left out.
const LINES: usize = 500;

/// The house's root.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The code below some folders, by path: no comments, no unit tests, no test modules.
fn code(folders: &[&str]) -> Vec<(String, Vec<String>)> {
    let below = |folder: &&str| walkdir::WalkDir::new(root().join(folder)).sort_by_file_name();
    let files = folders.iter().flat_map(below);
    let files = files.map(|file| file.expect("the house can be read").into_path());
    let is_code = |path: &PathBuf| {
        let is_test = path.components().any(|part| part.as_os_str() == "tests");
        path.extension().is_some_and(|end| end == "rs") && !is_test && !path.ends_with("tests.rs")
    };
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("the house can be read");
        let lines = text.lines().take_while(|line| *line != "#[cfg(test)]");
        let lines = lines.filter(|line| !line.trim_start().starts_with("//"));
        let path = path.strip_prefix(root()).expect("it is in the house");
        (
            path.display().to_string(),
            lines.map(str::to_owned).collect(),
        )
    };
    let all: Vec<_> = files.filter(is_code).map(read).collect();
    assert!(all.len() >= folders.len(), "{folders:?} are there");
    all
}

/// No line of these folders says one of these words; files that may are named.
#[track_caller]
fn nowhere(folders: &[&str], words: &[&str], but_in: &[&str]) {
    for (path, lines) in code(folders) {
        if but_in.iter().any(|may| path.ends_with(may)) {
            continue;
        }
        for line in lines {
            let said = words.iter().find(|word| line.contains(**word));
            assert_eq!(said, None, "{path}: {line}");
        }
    }
}

#[test]
fn protocols_depend_on_serde_alone() {
    let text = fs::read_to_string(root().join("Cargo.toml")).expect("it is there");
    let manifest: toml::Table = text.parse().expect("it is TOML");
    let names: Vec<&String> = manifest["dependencies"]
        .as_table()
        .expect("a table")
        .keys()
        .collect();
    assert_eq!(names, ["serde"]);
}

#[test]
fn protocols_reach_no_clock_task_socket_or_file() {
    let words = [
        "std::time",
        "std::thread",
        "std::net",
        "std::fs",
        "std::env",
        "std::io",
    ];
    nowhere(&["src"], &words, &[]);
}

#[test]
fn no_float_decides_anything() {
    // A span can be shown in milliseconds.
    nowhere(&["src"], &["f64", "f32"], &["time.rs"]);
    nowhere(&["sim/src/world", "sim/src/workload"], &["f64", "f32"], &[]);
}

#[test]
fn madsim_is_known_to_the_ground_alone() {
    nowhere(&["src", "sim/src"], &["madsim"], &["world/ground.rs"]);
}

#[test]
fn the_world_and_the_judges_know_no_mode() {
    let rooms = [
        "sim/src/world",
        "sim/src/workload",
        "sim/src/check",
        "sim/src/scenario",
        "sim/src/explore",
        "sim/src/report",
        "sim/src/small_world",
    ];
    let modes = [
        "Raft",
        "ZoneSync",
        "CasPaxos",
        "SiblingQuorum",
        "SessionData",
        "raft::",
        "zone_sync::",
        "caspaxos::",
        "sibling_quorum::",
        "session_data::",
        "register::",
    ];
    nowhere(&rooms, &modes, &[]);
}

#[test]
fn modes_do_not_know_each_other() {
    let modes = [
        "raft",
        "zone_sync",
        "caspaxos",
        "sibling_quorum",
        "session_data",
    ];
    for mode in modes {
        let others: Vec<&str> = modes.into_iter().filter(|other| *other != mode).collect();
        nowhere(&[&format!("src/{mode}")], &others, &[]);
    }
    // Anyone may use a register, which knows nobody.
    nowhere(&["src/register"], &modes, &[]);
}

#[test]
fn judges_are_blind() {
    let words = [
        "crate::world",
        "crate::workload",
        "Process",
        "Outbox",
        "Cluster",
        "DiskView",
    ];
    nowhere(&["sim/src/check"], &words, &[]);
}

#[test]
fn reports_see_no_process() {
    nowhere(&["sim/src/report"], &["Process", "Cluster", "World"], &[]);
}

#[test]
fn rooms_are_not_halls() {
    for (path, lines) in code(&["src", "sim/src", "benches"]) {
        assert!(lines.len() <= LINES, "{path} has {} lines", lines.len());
    }
}

/// Every name after `key =` in the scenarios below a folder of a mode.
fn named(folders: &[&str], mode: &str, key: &str) -> BTreeSet<String> {
    let is_of_mode = |path: &str| {
        folders
            .iter()
            .any(|folder| path.starts_with(&format!("scenarios/{folder}/{mode}/")))
    };
    let mut names = BTreeSet::new();
    for source in shipped::all()
        .iter()
        .filter(|source| is_of_mode(&source.path))
    {
        let file: toml::Table = source.text.parse().expect("a shipped scenario is TOML");
        let value = match key {
            "mistake" => file.get(key),
            key => file.get("expect").and_then(|expect| expect.get(key)),
        };
        match value {
            Some(toml::Value::String(name)) => names.extend([name.clone()]),
            Some(toml::Value::Array(all)) => {
                names.extend(
                    all.iter()
                        .filter_map(|name| Some(name.as_str()?.to_owned())),
                );
            }
            _ => {}
        }
    }
    names
}

/// What no scenario of a mode shows: mistakes that nobody plants, and what is never seen to convict.
fn unseen<M: Mode>() -> Vec<&'static str> {
    let planted = named(&["must_fail"], M::NAME, "mistake");
    let convicted = named(&["must_fail", "weakness"], M::NAME, "violated");
    let config = modes::usual::<M>();
    let judges = M::promises(&config);
    let judges = judges.iter().map(Promise::name);
    let inside = M::Invariants::NAMES.iter().copied();
    let mistakes = M::MISTAKES.iter().map(|mistake| mistake.name);
    let mut unseen: Vec<&str> = mistakes.filter(|name| !planted.contains(*name)).collect();
    unseen.extend(
        judges
            .chain(inside)
            .filter(|name| !convicted.contains(*name)),
    );
    unseen.dedup();
    unseen
}

#[test]
fn every_mistake_is_planted_and_every_judge_and_invariant_is_seen_to_convict() {
    assert_eq!(unseen::<Raft>(), [""; 0]);
    assert_eq!(unseen::<ZoneSync>(), [""; 0]);
    assert_eq!(unseen::<CasPaxos>(), [""; 0]);
    assert_eq!(unseen::<SiblingQuorum>(), [""; 0]);
    assert_eq!(unseen::<SessionData>(), [""; 0]);
}

#[test]
fn what_every_world_promises_is_seen_to_be_broken() {
    let modes = [
        "raft",
        "zone_sync",
        "caspaxos",
        "sibling_quorum",
        "session_data",
    ];
    let convicted: BTreeSet<String> = modes
        .iter()
        .flat_map(|mode| named(&["must_fail", "weakness"], mode, "violated"))
        .collect();
    for name in WORLD_PROMISES {
        assert!(convicted.contains(name), "{name} is never seen to convict");
    }
}
