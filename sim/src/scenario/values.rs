//! The values of a scenario file that are written in a form of their own, as parts of its schema: texts, words and names.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::checks::CALMS;
use super::choices::LawFile;
use super::faults::{ANSWERS, POINTS, WAYS};
use super::resources::{MOST_ZONES, Machine};
use super::targets::WORDS;
use crate::world::target::Shape;

/// A text in a form of its own: which of [`TEXTS`].
pub(super) struct Text<const N: usize>;

pub(super) type Length = Text<0>;
pub(super) type Lengths = Text<1>;
pub(super) type SignedLength = Text<2>;
pub(super) type SeedRange = Text<3>;
pub(super) type Rate = Text<4>;
pub(super) type Size = Text<5>;
pub(super) type Bandwidth = Text<6>;
pub(super) type Throughput = Text<7>;
pub(super) type Drift = Text<8>;

/// Their names, what they are, and how they are written.
const TEXTS: [(&str, &str, &str); 9] = [
    (
        "Length",
        "a length of time with its unit (ns, us, ms, s, m, h): `\"150ms\"`, `\"1.5s\"`",
        r"^\d+(\.\d+)? *(ns|us|ms|s|m|h)$",
    ),
    (
        "Range",
        "a length of time, or a range to draw from, both ends included: `\"2s\"`, `\"1ms..5ms\"`",
        RANGE,
    ),
    (
        "Step",
        "a length of time, back if it begins with `-`: `\"2s\"`, `\"-2s\"`",
        r"^-?\d+(\.\d+)? *(ns|us|ms|s|m|h)$",
    ),
    (
        "Seeds",
        "seeds from the first to before the second: `\"0..16\"`",
        r"^ *\d+ *\.\. *\d+ *$",
    ),
    ("Rate", "so many a second: `\"200/s\"`", r"^ *\d+ */s$"),
    (
        "Size",
        "a size in B, KiB or MiB: `\"16B\"`, `\"4KiB\"`",
        r"^ *\d+ *(B|KiB|MiB)$",
    ),
    (
        "Bandwidth",
        "bits a second, in bit/s, kbit/s, Mbit/s or Gbit/s: `\"100Mbit/s\"`",
        r"^ *\d+ *(k|M|G)?bit/s$",
    ),
    (
        "Throughput",
        "bytes a second, in B/s, KiB/s or MiB/s: `\"120MiB/s\"`",
        r"^ *\d+ *(B|KiB|MiB)/s$",
    ),
    ("Drift", "parts per million: `\"200ppm\"`", r"^ *\d+ *ppm$"),
];

/// How a range of lengths is written, or a length.
pub(super) const RANGE: &str =
    r"^\d+(\.\d+)? *(ns|us|ms|s|m|h)( *\.\. *\d+(\.\d+)? *(ns|us|ms|s|m|h))?$";

impl<const N: usize> JsonSchema for Text<N> {
    fn schema_name() -> Cow<'static, str> {
        TEXTS[N].0.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let (name, about, pattern) = TEXTS[N];
        json_schema!({
            "title": name.to_uppercase(),
            "description": about,
            "type": "string",
            "pattern": pattern,
        })
    }
}

/// One of a few words: which list of [`LISTS`].
pub(super) struct Word<const N: usize>;

pub(super) type Calms = Word<0>;
pub(super) type Machines = Word<1>;
pub(super) type Points = Word<2>;
pub(super) type Ways = Word<3>;
pub(super) type Answers = Word<4>;

/// The words of a list.
type Words = fn() -> Vec<&'static str>;

/// Their names, and the words.
const LISTS: [(&str, Words); 5] = [
    ("Calm", || CALMS.map(|(name, _)| name).to_vec()),
    ("Machine", || Machine::ALL.map(|(name, _)| name).to_vec()),
    ("Point", || POINTS.map(|(name, _)| name).to_vec()),
    ("Way", || WAYS.map(|(name, _)| name).to_vec()),
    ("Answer", || ANSWERS.map(|(name, _)| name).to_vec()),
];

impl<const N: usize> JsonSchema for Word<N> {
    fn schema_name() -> Cow<'static, str> {
        LISTS[N].0.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": LISTS[N].1() })
    }
}

/// What each mode has words of its own for: which of [`BLANKS`].
pub(super) struct Blank<const N: usize>;

pub(super) type ModeName = Blank<0>;
pub(super) type Message = Blank<1>;
pub(super) type Queue = Blank<2>;
pub(super) type Mistake = Blank<3>;

/// Their names, and what they are.
const BLANKS: [(&str, &str); 4] = [
    ("Mode", "the name of a mode, as `netsplit list` has them"),
    ("Message", "one of the mode's kinds of message"),
    ("Queue", "one of the mode's queues in memory"),
    ("Mistake", "one of the mode's planted mistakes"),
];

impl<const N: usize> JsonSchema for Blank<N> {
    fn schema_name() -> Cow<'static, str> {
        BLANKS[N].0.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let (name, about) = BLANKS[N];
        json_schema!({ "title": name.to_uppercase(), "description": about, "type": "string" })
    }
}

/// A name or a list of names: of which of [`NAMES`].
pub(super) struct NamesOf<const N: usize>;

pub(super) type Group = NamesOf<0>;
pub(super) type Promises = NamesOf<1>;
pub(super) type Notes = NamesOf<2>;

/// What names are of.
type About = fn() -> String;

/// What they are called, and what is in them.
const NAMES: [(&str, About); 3] = [
    ("Names", || {
        let words = WORDS.map(|(word, _)| format!("`\"{word}\"`")).join(", ");
        format!(
            "a name or a list of names: nodes `\"n1\"` and `\"c1\"`, the mode's roles and classes, {words}, zones, `\"any_zone\"`"
        )
    }),
    ("Promises", || {
        "a name or a list of names of the mode's judges and invariants, and of the world's: `\"linearizable\"`".into()
    }),
    ("Notes", || {
        "a name or a list of names of the mode's notes: `\"leads\"`".into()
    }),
];

impl<const N: usize> JsonSchema for NamesOf<N> {
    fn schema_name() -> Cow<'static, str> {
        NAMES[N].0.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let (name, about) = NAMES[N];
        json_schema!({
            "title": name.to_uppercase(),
            "description": about(),
            "anyOf": [
                { "type": "string" },
                { "type": "array", "items": { "type": "string" } },
            ],
        })
    }
}

/// A whole number from 1.
pub(super) struct Count;

impl JsonSchema for Count {
    fn schema_name() -> Cow<'static, str> {
        "Count".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 1 })
    }
}

/// How many servers, or how many of each class.
pub(super) struct Nodes;

impl JsonSchema for Nodes {
    fn schema_name() -> Cow<'static, str> {
        "Nodes".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let number = json_schema!({ "type": "integer", "minimum": 1 });
        let of_each = generator.subschema_for::<BTreeMap<String, Count>>();
        json_schema!({ "anyOf": [number, of_each] })
    }
}

/// The weights of operations by name.
pub(super) struct Mix;

impl JsonSchema for Mix {
    fn schema_name() -> Cow<'static, str> {
        "Mix".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "additionalProperties": { "type": "integer", "minimum": 0 } })
    }
}

/// Stands for a mode's options in the form that all modes share.
pub(super) struct Options;

impl JsonSchema for Options {
    fn schema_name() -> Cow<'static, str> {
        "Options".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object" })
    }
}

/// A number from 0 to 1.
pub(super) struct Probability;

impl JsonSchema for Probability {
    fn schema_name() -> Cow<'static, str> {
        "Probability".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "title": "P",
            "description": "a number from 0 to 1: `0.05`",
            "type": "number",
            "minimum": 0,
            "maximum": 1,
        })
    }
}

/// Groups that fall apart, or a shape.
pub(super) struct Groups;

impl JsonSchema for Groups {
    fn schema_name() -> Cow<'static, str> {
        "Partition".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let group = generator.subschema_for::<Group>();
        json_schema!({
            "anyOf": [
                { "enum": Shape::ALL.map(|(name, ..)| name) },
                { "type": "array", "items": group, "minItems": 2 },
            ],
        })
    }
}

/// A range or a law.
pub(super) struct Latency;

impl JsonSchema for Latency {
    fn schema_name() -> Cow<'static, str> {
        "Latency".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let range = generator.subschema_for::<Lengths>();
        let law = generator.subschema_for::<LawFile>();
        json_schema!({
            "title": "LATENCY",
            "description": "a RANGE, of which every length is as likely, or a law: `{ exponential = { mean = \"5ms\" } }`",
            "anyOf": [range, law],
        })
    }
}

/// A number, or names by zone.
pub(super) struct ZonesForm;

impl JsonSchema for ZonesForm {
    fn schema_name() -> Cow<'static, str> {
        "Zones".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let named = generator.subschema_for::<BTreeMap<String, Group>>();
        json_schema!({ "anyOf": [{ "type": "integer", "minimum": 1, "maximum": MOST_ZONES }, named] })
    }
}
