//! The form of scenario files as editors and people get it: what is committed is what the command prints, and what it says
//! is what the reader of scenarios takes.

use std::fs;
use std::path::Path;
use std::process::Command;

use netsplit_sim::modes::{self, AnyMode};
use netsplit_sim::play::Play;
use netsplit_sim::scenario::form::Form;
use netsplit_sim::scenario::{Problem, Source};
use netsplit_sim::shipped;
use serde_json::{Value, json};

fn printed(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_netsplit"))
        .args(args)
        .output()
        .expect("the binary runs");
    assert_eq!(output.status.code(), Some(0));
    String::from_utf8(output.stdout).expect("the form is text")
}

fn committed(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../scenarios")
        .join(file);
    fs::read_to_string(path).expect("the form is committed")
}

fn schema() -> Value {
    serde_json::from_str(&printed(&["schema"])).expect("the schema is JSON")
}

fn manual() -> String {
    netsplit_sim::report::manual::render(&modes::SHIPPED)
}

fn is_valid(schema: &Value, scenario: &str) -> Result<(), String> {
    let scenario: Value = toml::from_str(scenario).expect("the scenario is TOML");
    let validator = jsonschema::validator_for(schema).expect("the schema is one");
    let errors: Vec<String> = validator
        .iter_errors(&scenario)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    if errors.is_empty() {
        Ok(())
    } else {
        Err(errors.join("\n"))
    }
}

fn read(text: &str) -> Result<Box<dyn Play>, Problem> {
    let source = Source {
        path: "manual.toml".into(),
        text: text.into(),
    };
    modes::read(&modes::SHIPPED, &source)
}

#[test]
fn the_committed_schema_is_the_one_that_is_printed() {
    let (printed, committed) = (printed(&["schema"]), committed("scenario.schema.json"));
    let again = "cargo run --release -- schema > scenarios/scenario.schema.json";
    assert!(
        printed == committed,
        "scenarios/scenario.schema.json is stale: {again}"
    );
}

#[test]
fn the_committed_manual_is_the_one_that_is_printed() {
    let (printed, committed) = (printed(&["schema", "--readme"]), committed("README.md"));
    let again = "cargo run --release -- schema --readme > scenarios/README.md";
    assert!(
        printed == committed,
        "scenarios/README.md is stale: {again}"
    );
}

#[test]
fn every_shipped_scenario_is_valid() {
    let schema = schema();
    for source in shipped::all() {
        assert_eq!(is_valid(&schema, &source.text), Ok(()), "{}", source.path);
    }
}

const SOUND: &str = r#"
mode = "raft"
nodes = 5
seeds = "0..2"
length = "5s"
mistake = "forgets_vote"

[options]
heartbeat = "50ms"
batch = 8

[workload]
clients = 2
rate = "50/s"
mix = { put = 3 }

[[fault]]
at = "1s"
partition = "halves"
for = "2s"

[expect]
sees = ["leads"]
"#;

#[test]
fn a_scenario_that_the_reader_refuses_is_not_valid() {
    let schema = schema();
    assert_eq!(is_valid(&schema, SOUND), Ok(()));
    assert_eq!(
        read(SOUND)
            .map(|_| ())
            .map_err(|problem| problem.to_string()),
        Ok(())
    );
    for (change, to) in [
        ("nodes = 5", "nodes = 5\nlenght = \"1s\""),
        ("partition =", "partitoin ="),
        ("length = \"5s\"", "length = \"5\""),
        ("length = \"5s\"", "length = 5"),
        ("at = \"1s\"", "at = \"1s..\""),
        ("seeds = \"0..2\"\n", ""),
        ("seeds = \"0..2\"", "seeds = \"2\""),
        ("\"halves\"", "\"half\""),
        ("\"halves\"", "[\"leader\"]"),
        ("heartbeat = \"50ms\"", "heartbeat = 50"),
        ("heartbeat = \"50ms\"", "hartbeat = \"50ms\""),
        ("batch = 8", "batch = \"8\""),
        ("\"raft\"", "\"rafd\""),
        ("\"raft\"", "\"\""),
        ("nodes = 5", "nodes = 50"),
        ("clients = 2", "clients = 0"),
        ("{ put = 3 }", "{ putt = 3 }"),
        ("\"forgets_vote\"", "\"forgets_votes\""),
        ("\"leads\"", "\"lead\""),
        ("for = \"2s\"\n", ""),
        ("partition = \"halves\"", "drop = { message = \"apend\" }"),
        (
            "partition = \"halves\"",
            "lose_queue = { on = \"any\", queue = \"reads\" }",
        ),
        (
            "partition = \"halves\"",
            "crash_at = { on = \"any\", after = \"nothing\" }",
        ),
        ("partition = \"halves\"", "noise = { loss = 1.5 }"),
        (
            "[options]",
            "[network]\nlatency = { normal = { mean = \"1ms\" } }\n[options]",
        ),
    ] {
        assert!(
            SOUND.contains(change),
            "`{change}` is in the sound scenario"
        );
        let bad = SOUND.replacen(change, to, 1);
        assert!(is_valid(&schema, &bad).is_err(), "valid with `{to}`");
        assert!(read(&bad).is_err(), "read with `{to}`");
    }
}

/// A scenario in which everything that a snippet may need is there.
fn around(mode: &dyn AnyMode, snippet: &str) -> String {
    let schema = mode.schema();
    let operations = schema["Mix"]["properties"]
        .as_object()
        .expect("a mode has operations");
    let operation = operations.keys().next().expect("a mode has an operation");
    // Five, or five of each class.
    let classes = schema["Nodes"]["properties"].as_object();
    let nodes = classes.map_or(json!(5), |classes| {
        classes
            .keys()
            .map(|name| (name.clone(), json!(5)))
            .collect()
    });
    let base = json!({
        "mode": mode.name(),
        "nodes": nodes,
        "seeds": "0..1",
        "length": "20s",
        "machine": "gce_8_vcpu",
        "zones": 2,
        "workload": { "clients": 2, "rate": "10/s", "mix": { operation: 1 } },
    });
    let mut whole: toml::Table = toml::Table::try_from(base).expect("the scenario is TOML");
    let snippet: toml::Table = toml::from_str(snippet).expect("the snippet is TOML");
    // What lies beyond what a mode promises is read only where something is expected to break.
    if snippet
        .get("fault")
        .is_some_and(|faults| faults.to_string().contains("fake_flushes"))
    {
        let expect = json!({ "violated": "recovers_in_the_calm" });
        whole.extend([(
            "expect".to_owned(),
            toml::Value::try_from(expect).expect("it is TOML"),
        )]);
    }
    whole.extend(snippet);
    toml::to_string(&whole).expect("the scenario is written")
}

/// The mode in which a snippet can be read, if one ships: of a name, only one that looks it up has something to say.
fn fitting<'a>(modes: &[&'a dyn AnyMode], snippet: &str) -> Option<&'a dyn AnyMode> {
    let of_a_name = ["\nunlist = ", "\nresolver = "];
    if !of_a_name.iter().any(|deed| snippet.contains(deed)) {
        return modes.first().copied();
    }
    let by_name = ("peers", vec!["found by name".to_owned()]);
    let mut modes = modes.iter().copied();
    modes.find(|mode| mode.describe().contains(&by_name))
}

#[test]
fn every_example_of_the_manual_is_read_and_valid() {
    let (manual, schema, modes) = (manual(), schema(), modes::SHIPPED);
    let mut whole = 0;
    let blocks: Vec<&str> = manual
        .split("```toml\n")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once("```")?.0))
        .collect();
    for block in &blocks {
        let table: toml::Table = toml::from_str(block).expect("the example is TOML");
        let named = |mode: &&&dyn AnyMode| {
            table
                .get("mode")
                .is_some_and(|name| name.as_str() == Some(mode.name()))
        };
        let named = modes.iter().find(named).copied();
        let Some(mode) = named.or_else(|| fitting(&modes, block)) else {
            let problem = read(&around(modes[0], block)).err();
            let problem = problem.expect("nobody looks names up").to_string();
            assert!(problem.contains("does not look names up"), "{problem}");
            continue;
        };
        let text = if table.contains_key("workload") {
            whole += 1;
            (*block).to_owned()
        } else {
            around(mode, block)
        };
        let problem = read(&text).err().map(|problem| problem.to_string());
        assert_eq!(problem, None, "\n{text}");
        assert_eq!(is_valid(&schema, &text), Ok(()), "\n{text}");
    }
    assert_eq!(whole, 2, "examples that are whole");
    assert!(
        blocks.len() > Form::of(&modes).faults().len(),
        "{} examples",
        blocks.len()
    );
}

#[test]
fn every_fault_has_an_example_and_a_place_in_the_manual_and_the_list() {
    let (manual, form) = (manual(), Form::of(&modes::SHIPPED));
    let list = printed(&["list"]);
    let common = form.of_every_fault();
    let table = form.named("Fault")["properties"]
        .as_object()
        .expect("faults have keys");
    assert_eq!(common.len() + form.faults().len(), table.len());
    for key in &common {
        assert!(
            manual.contains(&format!("| `{}`", key.name)),
            "{}",
            key.name
        );
        assert!(
            list.contains(&format!("\n    {}", key.name)),
            "{}",
            key.name
        );
    }
    for fault in form.faults() {
        let name = fault.key.name;
        assert!(
            ["Network", "Process", "Disk", "Clock", "Name", "Queue"].contains(&fault.kind),
            "{name}"
        );
        assert!(!fault.key.examples().is_empty(), "{name} has an example");
        assert!(manual.contains(&format!("#### `{name}`\n")), "{name}");
        assert!(list.contains(&format!("\n    {name} = ")), "{name}");
    }
    assert!(
        !manual.contains("{{"),
        "every mark in the prose is replaced"
    );
}

#[test]
fn a_fault_can_flap_unless_the_manual_says_that_it_cannot() {
    let (form, modes) = (Form::of(&modes::SHIPPED), modes::SHIPPED);
    let common = form.of_every_fault();
    let flap = common
        .iter()
        .find(|key| key.name == "flap")
        .expect("faults can flap");
    for fault in form.faults() {
        let name = fault.key.name;
        let lasts = if fault.is_instant {
            ""
        } else {
            "for = \"1s\"\n"
        };
        for example in fault.key.examples() {
            let snippet =
                format!("[[fault]]\nat = \"2s\"\nflap = \"1ms\"\n{name} = {example}\n{lasts}");
            let Some(mode) = fitting(&modes, &snippet) else {
                continue;
            };
            let is_read = read(&around(mode, &snippet)).is_ok();
            assert_eq!(
                is_read,
                !flap.about.contains(&format!("`{name}`")),
                "{name}"
            );
        }
    }
}

#[test]
fn no_key_is_without_a_description() {
    let schema = schema();
    let definitions = schema["definitions"]
        .as_object()
        .expect("the schema has definitions");
    let tables = definitions
        .iter()
        .map(|(name, table)| (name.as_str(), table));
    for (name, table) in tables.chain([("the file", &schema)]) {
        for (key, part) in table["properties"].as_object().into_iter().flatten() {
            let about = part["description"].as_str().unwrap_or_default();
            assert!(about.ends_with('.'), "`{key}` of {name}: {about}");
        }
    }
    let laws = &schema["definitions"]["Law"]["oneOf"];
    for law in laws.as_array().expect("there are laws") {
        assert!(law["description"].is_string(), "{law}");
    }
}

#[test]
fn a_line_for_the_editor_is_no_part_of_the_story() {
    let scenario = around(modes::SHIPPED[0], "");
    for top in [
        "#:schema ../scenario.schema.json\n",
        "#:schema ../scenario.schema.json\n\n",
        "",
    ] {
        let text = format!("{top}# Nothing goes wrong.\n# All is well.\n{scenario}");
        let story = read(&text).ok().map(|scenario| scenario.story().to_owned());
        assert_eq!(
            story.as_deref(),
            Some("Nothing goes wrong.\nAll is well."),
            "{text}"
        );
    }
}

#[test]
fn a_folder_of_scenarios_may_hold_other_files() {
    assert!(
        shipped::all()
            .iter()
            .all(|source| source.path.ends_with(".toml"))
    );
    let folder = tempfile::tempdir().expect("a folder for scenarios");
    let files = [
        ("README.md", manual()),
        ("scenario.schema.json", schema().to_string()),
        ("quiet.toml", around(modes::SHIPPED[0], "length = \"1s\"")),
    ];
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("the file is written");
    }
    let text = printed(&["run", &folder.path().display().to_string()]);
    assert!(text.contains("quiet") && !text.contains("README"), "{text}");
}
