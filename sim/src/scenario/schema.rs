//! The form of a scenario file as a JSON Schema, for editors and for scenarios/README.md.
//!
//! It is made from the types that read the file, so it cannot say anything else than is true. What differs from mode to
//! mode has a definition of its own, which a mode replaces by its own words.

use netsplit::{Class, Kinds, Mode, SpanRange};
use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use serde_json::{Map, Value, json};

use super::checks::promises;
use super::file::File;
use super::values::{Options, RANGE};
use crate::modes::{self, AnyMode};

/// The form of a scenario of any of these modes.
pub fn of(modes: &[&dyn AnyMode]) -> Value {
    let mut schema = common();
    let names: Vec<&str> = modes.iter().map(|mode| mode.name()).collect();
    let narrowed = |mode: &&dyn AnyMode| {
        json!({
            "if": { "properties": { "mode": { "const": mode.name() } }, "required": ["mode"] },
            "then": narrowed(&schema, &schema[DEFINITIONS], &mode.schema()),
        })
    };
    let all: Value = modes.iter().map(narrowed).collect();
    schema[DEFINITIONS]["Mode"]["enum"] = json!(names);
    schema["allOf"] = all;
    schema
}

/// The form of a scenario of no mode in particular.
pub(super) fn common() -> Value {
    SchemaSettings::draft07()
        .with_transform(RecursiveTransform(as_toml))
        .into_generator()
        .into_root_schema_for::<File<Options>>()
        .to_value()
}

/// Where the schema keeps what has a name.
const DEFINITIONS: &str = "definitions";

/// TOML knows no null: what may be null may be left out. And a paragraph is one line.
fn as_toml(schema: &mut Schema) {
    let Some(schema) = schema.as_object_mut() else {
        return;
    };
    if let Some(Value::String(about)) = schema.get_mut("description") {
        *about = about.replace('\n', " ");
    }
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = &types[..] {
            schema["type"] = only.clone();
        }
    }
    let null = json!({ "type": "null" });
    if let Some(Value::Array(mut all)) = schema.get("anyOf").cloned()
        && all.contains(&null)
    {
        all.retain(|one| *one != null);
        schema.remove("anyOf");
        schema.insert("allOf".into(), all.into());
    }
}

/// What a part of the schema refers to by name, if it does.
pub(super) fn name_of(part: &Value) -> Option<&str> {
    let reference = part
        .get("$ref")
        .or_else(|| part.get("allOf")?.get(0)?.get("$ref"));
    reference?.as_str()?.rsplit('/').next()
}

/// What a mode's words make of a part of the schema: the way to the definitions that they replace, and nothing else.
fn narrowed(part: &Value, definitions: &Value, words: &Map<String, Value>) -> Option<Value> {
    if let Some(name) = name_of(part) {
        return match words.get(name) {
            Some(words) => Some(words.clone()),
            None => narrowed(&definitions[name], definitions, words),
        };
    }
    if let Some(items) = part.get("items") {
        return narrowed(items, definitions, words).map(|items| json!({ "items": items }));
    }
    let narrower = |(key, part): (&String, &Value)| {
        narrowed(part, definitions, words).map(|part| (key.clone(), part))
    };
    let keys = part.get("properties")?.as_object()?.iter();
    let keys: Map<String, Value> = keys.filter_map(narrower).collect();
    (!keys.is_empty()).then(|| json!({ "properties": keys }))
}

/// What replaces the definitions that differ from mode to mode.
pub(crate) fn of_mode<M: Mode>() -> Map<String, Value> {
    let mistakes: Vec<&str> = M::MISTAKES.iter().map(|planted| planted.name).collect();
    let mix: Map<String, Value> = M::OPERATIONS
        .iter()
        .map(|operation| {
            (
                operation.name.to_owned(),
                json!({ "type": "integer", "minimum": 0 }),
            )
        })
        .collect();
    let usual = modes::usual::<M>();
    let promised = M::promises(&usual);
    let options = serde_json::to_value(&usual.options).unwrap_or_default();
    let words = [
        ("Nodes", numbers(M::SERVERS)),
        ("Options", option(&options)),
        (
            "Mix",
            json!({ "properties": mix, "additionalProperties": false }),
        ),
        ("Message", one_of(<M::Message as Kinds>::KINDS)),
        ("Queue", one_of(M::QUEUES)),
        ("Mistake", one_of(&mistakes)),
        ("Promises", one_or_more_of(&promises(&promised))),
        ("Notes", one_or_more_of(<M::Note as Kinds>::KINDS)),
    ];
    let words = words.map(|(name, schema)| (name.to_owned(), schema));
    words.into_iter().collect()
}

/// How many servers there can be, or how many of each class.
fn numbers(classes: &[Class]) -> Value {
    let number = |class: &Class| {
        let (least, most) = (class.number.start(), class.number.end());
        json!({ "type": "integer", "minimum": least, "maximum": most })
    };
    let keys: Map<String, Value> = classes
        .iter()
        .map(|class| (class.name.to_owned(), number(class)))
        .collect();
    let names: Vec<&str> = classes.iter().map(|class| class.name).collect();
    let table = json!({
        "type": "object", "properties": keys, "required": names, "additionalProperties": false,
    });
    match classes {
        [class] => number(class),
        _ => table,
    }
}

/// What an option can be, told from its default.
fn option(default: &Value) -> Value {
    let mut schema = match default {
        Value::Null => return json!({}),
        Value::Bool(_) => json!({ "type": "boolean" }),
        Value::Number(number) if number.is_f64() => json!({ "type": "number" }),
        Value::Number(_) => json!({ "type": "integer" }),
        // A range of one length is written as a length.
        Value::String(text) if text.parse::<SpanRange>().is_ok() => {
            json!({ "type": "string", "pattern": RANGE })
        }
        Value::String(_) => json!({ "type": "string" }),
        Value::Array(_) => json!({ "type": "array" }),
        Value::Object(table) => {
            let keys = table
                .iter()
                .map(|(key, default)| (key.clone(), option(default)));
            let keys: Map<String, Value> = keys.collect();
            return json!({ "type": "object", "properties": keys, "additionalProperties": false });
        }
    };
    schema["default"] = default.clone();
    schema
}

/// One of these words; where there are none, nothing.
fn one_of(words: &[&str]) -> Value {
    match words {
        [] => json!({ "not": {} }),
        words => json!({ "enum": words }),
    }
}

fn one_or_more_of(words: &[&str]) -> Value {
    let word = one_of(words);
    json!({ "anyOf": [word, { "type": "array", "items": word }] })
}
