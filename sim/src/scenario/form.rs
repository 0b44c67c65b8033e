//! The form of a scenario file, read back from its schema for people: which keys there are, and what each can be.

use serde_json::Value;

use super::schema::{self, name_of};
use crate::modes::AnyMode;

/// The form of a scenario.
pub struct Form(Value);

/// A key of a table.
#[derive(Clone, Copy, Debug)]
pub struct Key<'a> {
    /// What is written.
    pub name: &'a str,
    /// Whether it must be there.
    pub required: bool,
    /// What it means.
    pub about: &'a str,
    /// What can be written behind it, as a schema.
    pub part: &'a Value,
}

/// A key of a fault that says what it does.
#[derive(Clone, Copy, Debug)]
pub struct Fault<'a> {
    /// What it befalls: the network, a process, a disk, a clock, the name or a queue.
    pub kind: &'a str,
    /// The key; its meaning without the kind.
    pub key: Key<'a>,
    /// Whether it happens at once, so that `for` has no place beside it.
    pub is_instant: bool,
}

impl Form {
    /// The form of a scenario of any of these modes; with none, what all modes share.
    pub fn of(modes: &[&dyn AnyMode]) -> Form {
        Form(schema::of(modes))
    }

    /// The schema of the whole file.
    pub fn root(&self) -> &Value {
        &self.0
    }

    /// The schema behind a name.
    pub fn named(&self, name: &str) -> &Value {
        &self.0["definitions"][name]
    }

    /// A part of the schema, or what it refers to.
    pub fn resolve<'a>(&'a self, part: &'a Value) -> &'a Value {
        name_of(part).map_or(part, |name| self.named(name))
    }

    /// The keys of a table, in the order in which the file's type has them; none if they have no names of their own.
    pub fn keys<'a>(&'a self, table: &'a Value) -> Vec<Key<'a>> {
        let table = self.resolve(table);
        let required = |name: &str| {
            let mut all = table["required"].as_array().into_iter().flatten();
            all.any(|required| required == name)
        };
        let key = |(name, part): (&'a String, &'a Value)| Key {
            name,
            required: required(name),
            about: part["description"].as_str().unwrap_or_default(),
            part,
        };
        let keys = table["properties"].as_object();
        keys.into_iter().flatten().map(key).collect()
    }

    /// The keys of a fault: those that any can have, and those of which it has one.
    fn fault_keys(&self) -> (Vec<Key<'_>>, Vec<Fault<'_>>) {
        let table = self.named("Fault");
        let (mut common, mut deeds) = (Vec::new(), Vec::new());
        let is_instant = |name: &str| {
            let mut instant = table["if"]["anyOf"].as_array().into_iter().flatten();
            instant.any(|one| one["required"][0] == name)
        };
        for key in self.keys(table) {
            // What befalls one thing names it in a word before its first sentence.
            match key.about.split_once(". ") {
                Some((kind, about)) if !kind.contains(' ') => deeds.push(Fault {
                    kind,
                    key: Key { about, ..key },
                    is_instant: is_instant(key.name),
                }),
                _ => common.push(key),
            }
        }
        (common, deeds)
    }

    /// The keys that any fault can have.
    pub fn of_every_fault(&self) -> Vec<Key<'_>> {
        self.fault_keys().0
    }

    /// The keys of which a fault has one.
    pub fn faults(&self) -> Vec<Fault<'_>> {
        self.fault_keys().1
    }

    /// The values that have a name in capitals, with what they are.
    pub fn values(&self) -> Vec<(&str, &str)> {
        let all = self.0["definitions"].as_object().into_iter().flatten();
        all.filter_map(|(_, part)| part["title"].as_str().zip(part["description"].as_str()))
            .collect()
    }

    /// What can be written, in short: `{ on = NAMES, factor = N }`.
    pub fn write(&self, part: &Value) -> String {
        let part = self.resolve(part);
        if let Some(title) = part["title"].as_str() {
            return title.to_owned();
        }
        if part.get("enum").or(part.get("anyOf")).is_some() {
            return either(self.choices(part));
        }
        match part["type"].as_str() {
            Some("integer") => "N".into(),
            Some("boolean") => "true or false".into(),
            Some("array") => {
                let item = self.write(&part["items"]);
                let least = part["minItems"].as_u64().unwrap_or(1);
                let items: Vec<&str> = (0..least).map(|_| item.as_str()).collect();
                format!("[{}, ...]", items.join(", "))
            }
            Some("object") => self.write_table(part),
            _ => "a text".into(),
        }
    }

    /// Words and other values of which one can be written.
    fn choices(&self, part: &Value) -> Vec<String> {
        if let Some(words) = part["enum"].as_array() {
            return words.iter().map(Value::to_string).collect();
        }
        match part["anyOf"].as_array() {
            Some(all) => all.iter().flat_map(|one| self.choices(one)).collect(),
            None => vec![self.write(part)],
        }
    }

    fn write_table(&self, table: &Value) -> String {
        let keys = self.keys(table);
        if keys.is_empty() {
            return match &table["additionalProperties"] {
                Value::Null => "{ NAME = VALUE, ... }".into(),
                each => format!("{{ NAME = {}, ... }}", self.write(each)),
            };
        }
        let one = |key: &Key<'_>| {
            let optional = if key.required { "" } else { "?" };
            format!("{}{optional} = {}", key.name, self.write(key.part))
        };
        let keys: Vec<String> = keys.iter().map(one).collect();
        format!("{{ {} }}", keys.join(", "))
    }
}

impl Key<'_> {
    /// The first sentence of what it means, without its full stop.
    pub fn in_short(&self) -> &str {
        let first = self.about.split_once(". ").map(|(first, _)| first);
        first.unwrap_or(self.about.trim_end_matches('.'))
    }

    /// What it can be, as it would be written in TOML.
    pub fn examples(&self) -> Vec<String> {
        let all = self.part["examples"].as_array();
        all.into_iter().flatten().map(toml).collect()
    }
}

/// `a, b or c`.
fn either(mut all: Vec<String>) -> String {
    match (all.pop(), all.len()) {
        (None, _) => String::new(),
        (Some(last), 0) => last,
        (Some(last), _) => format!("{} or {last}", all.join(", ")),
    }
}

/// A value as it stands behind a key in TOML, on one line.
pub fn toml(value: &Value) -> String {
    match value {
        Value::Array(all) => {
            let all: Vec<String> = all.iter().map(toml).collect();
            format!("[{}]", all.join(", "))
        }
        Value::Object(table) => {
            let one = |(key, value)| format!("{key} = {}", toml(value));
            let all: Vec<String> = table.iter().map(one).collect();
            format!("{{ {} }}", all.join(", "))
        }
        // Numbers, truth values, and texts without control characters are written alike in JSON.
        value => value.to_string(),
    }
}
