//! scenarios/README.md: everything that a scenario can say, for people.
//!
//! The prose is in manual.md, beside this file. What can be told from the code is: the tables of keys from the schema,
//! the machines from their figures, the modes from what they say of themselves.

use std::fmt::Write as _;

use crate::modes::AnyMode;
use crate::scenario::Machine;
use crate::scenario::form::{Fault, Form, Key, toml};
use crate::world::WORLD_PROMISES;
use serde_json::Value;

const PROSE: &str = include_str!("manual.md");

/// The manual for a list of modes, as Markdown.
pub fn render(modes: &[&dyn AnyMode]) -> String {
    let form = Form::of(modes);
    let of_every_fault = form.of_every_fault();
    let parts = [
        ("{{values}}", values(&form)),
        ("{{keys}}", table_of_file(&form)),
        ("{{tables}}", tables(&form)),
        ("{{laws}}", laws(&form)),
        ("{{machines}}", machines()),
        ("{{every_fault}}", table(&form, &of_every_fault)),
        ("{{faults}}", faults(&form)),
        ("{{world}}", code(&WORLD_PROMISES)),
        (
            "{{modes}}",
            modes.iter().map(|mode| one_mode(*mode)).collect(),
        ),
    ];
    let text = PROSE.to_owned();
    parts.iter().fold(text, |text, (mark, part)| {
        text.replace(mark, part.trim_end())
    })
}

/// Words in code type, with commas between.
fn code<T: AsRef<str>>(words: &[T]) -> String {
    let words: Vec<String> = words
        .iter()
        .map(|word| format!("`{}`", word.as_ref()))
        .collect();
    words.join(", ")
}

/// Rows of a Markdown table under a header.
fn rows<const N: usize>(header: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut text = format!("| {} |\n|{}\n", header.join(" | "), "---|".repeat(N));
    for row in rows {
        let _ = writeln!(
            text,
            "| {} |",
            row.map(|cell| cell.replace('|', "\\|")).join(" | ")
        );
    }
    text
}

fn values(form: &Form) -> String {
    let values = form.values().into_iter();
    rows(
        ["value", "what it is"],
        values.map(|(name, about)| [name.into(), about.into()]),
    )
}

/// The keys of a table.
fn table(form: &Form, keys: &[Key<'_>]) -> String {
    table_with(keys, |key| format!("`{}`", form.write(key.part)))
}

/// The keys of the file; what has keys of its own is told elsewhere in the page.
fn table_of_file(form: &Form) -> String {
    table_with(&form.keys(form.root()), |key| match key.name {
        "fault" => "[tables](#faults)".into(),
        "options" => "[a table](#the-modes)".into(),
        name if !form.keys(key.part).is_empty() => format!("[a table](#{name})"),
        _ => format!("`{}`", form.write(key.part)),
    })
}

fn table_with(keys: &[Key<'_>], value: impl Fn(&Key<'_>) -> String) -> String {
    let row = |key: &Key<'_>| {
        let needed = if key.required { "" } else { "?" };
        let name = format!("`{}`{needed}", key.name);
        [name, value(key), key.about.to_owned()]
    };
    rows(["key", "value", "meaning"], keys.iter().map(row))
}

fn tables(form: &Form) -> String {
    let mut text = String::new();
    for key in form.keys(form.root()) {
        let keys = form.keys(key.part);
        if !keys.is_empty() {
            let _ = writeln!(
                text,
                "### `[{}]`\n\n{}\n\n{}",
                key.name,
                key.about,
                table(form, &keys)
            );
        }
    }
    text
}

fn laws(form: &Form) -> String {
    let mut text = String::new();
    for law in form.named("Law")["oneOf"].as_array().into_iter().flatten() {
        let about = law["description"].as_str().unwrap_or_default();
        for key in form.keys(law) {
            let keys = form.keys(key.part);
            let _ = writeln!(
                text,
                "### `{}`\n\n{about}\n\n{}",
                key.name,
                table(form, &keys)
            );
        }
    }
    text
}

fn machines() -> String {
    let header = [
        "machine",
        "a message",
        "each KiB",
        "a link",
        "a flush",
        "writing",
        "latency",
    ];
    let row = |(name, machine): &(&str, Machine)| {
        let any = || "any amount".to_owned();
        let link = machine.bandwidth;
        let writing = machine.disk.bandwidth;
        [
            format!("`{name}`"),
            machine.cpu.message.to_string(),
            machine.cpu.kib.to_string(),
            link.map_or_else(any, |bits| format!("{} Mbit/s", bits / 1_000_000)),
            machine.disk.flush.to_string(),
            writing.map_or_else(any, |bytes| format!("{} MiB/s", bytes >> 20)),
            machine.latency.to_string(),
        ]
    };
    let mut text = rows(header, Machine::ALL.iter().map(row));
    for (name, machine) in Machine::ALL {
        let _ = write!(text, "\n- `{name}`: {}", machine.about);
    }
    text
}

fn faults(form: &Form) -> String {
    let (mut text, mut kind) = (String::new(), "");
    for fault in form.faults() {
        if fault.kind != kind {
            kind = fault.kind;
            let _ = writeln!(text, "### {kind}\n");
        }
        text += &one_fault(form, &fault);
    }
    text
}

fn one_fault(form: &Form, fault: &Fault<'_>) -> String {
    let Key {
        name, about, part, ..
    } = fault.key;
    let mut text = format!("#### `{name}`\n\n{about}\n\n");
    let keys = form.keys(part);
    if keys.is_empty() {
        let _ = writeln!(text, "Value: `{}`\n", form.write(part));
    } else {
        let _ = writeln!(text, "{}", table(form, &keys));
    }
    text += "```toml\n";
    let lasts = if fault.is_instant {
        ""
    } else {
        "for = \"1s\"\n"
    };
    let one = |example| format!("[[fault]]\nat = \"2s\"\n{name} = {example}\n{lasts}");
    let examples: Vec<String> = fault.key.examples().into_iter().map(one).collect();
    text += &examples.join("\n");
    text += "```\n\n";
    text
}

fn one_mode(mode: &dyn AnyMode) -> String {
    let name = mode.name();
    let mut text = format!("### `{name}`\n\n");
    for (what, lines) in mode.describe() {
        match what {
            "about" => text += &format!("{}.\n\n", lines.join(" ")),
            "nodes" => text += &format!("- nodes: {}\n", lines.join(" ")),
            "options" => {}
            _ if lines.is_empty() => text += &format!("- {what}: none\n"),
            _ if lines.iter().any(|line| line.contains(": ")) => {
                text += &format!("- {what}:\n");
                for (name, about) in lines.iter().filter_map(|line| line.split_once(": ")) {
                    text += &format!("  - `{name}`: {about}\n");
                }
            }
            _ => text += &format!("- {what}: {}\n", code(&lines)),
        }
    }
    let _ = writeln!(
        text,
        "\nIts options with their defaults; [src/{name}/options.rs](../src/{name}/options.rs) says what each is.\n"
    );
    text += &format!("```toml\nmode = \"{name}\"\n");
    options(&mut text, "options", &mode.schema()["Options"]);
    text += "```\n\n";
    text
}

/// The keys of a table of options with their defaults, then the tables in it.
fn options(text: &mut String, table: &str, schema: &Value) {
    let keys = || schema["properties"].as_object().into_iter().flatten();
    let _ = writeln!(text, "\n[{table}]");
    for (key, option) in keys() {
        if let Some(default) = option.get("default") {
            let _ = writeln!(text, "{key} = {}", toml(default));
        }
    }
    for (key, option) in keys().filter(|(_, option)| option.get("properties").is_some()) {
        options(text, &format!("{table}.{key}"), option);
    }
}
