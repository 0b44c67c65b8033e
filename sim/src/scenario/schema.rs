//! The form of a scenario file as a JSON Schema, for editors.
//!
//! It is made from the types that read the file, so it cannot say anything else than is true.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::file::LawFile;

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
        "a length of time with its unit (ns, us, ms, s, m, h): `150ms`",
        LENGTH,
    ),
    (
        "Lengths",
        "a length of time, or a range to draw from: `1ms..5ms`",
        RANGE,
    ),
    (
        "SignedLength",
        "a length of time, back if it begins with `-`: `-2s`",
        SIGNED,
    ),
    (
        "Seeds",
        "seeds from the first to before the second: `0..16`",
        r"^\d+\.\.\d+$",
    ),
    ("Rate", "operations a second: `200/s`", r"^\d+/s$"),
    (
        "Size",
        "a size: `16B`, `4KiB`, `1MiB`",
        r"^\d+ *(B|KiB|MiB)$",
    ),
    (
        "Bandwidth",
        "bits a second: `1Gbit/s`, `100Mbit/s`",
        r"^\d+ *(k|M|G)?bit/s$",
    ),
    (
        "Throughput",
        "bytes a second: `120MiB/s`",
        r"^\d+ *(B|KiB|MiB)/s$",
    ),
    ("Drift", "parts per million: `200ppm`", r"^\d+ *ppm$"),
];

const LENGTH: &str = r"^\d+(\.\d+)? *(ns|us|ms|s|m|h)$";
const RANGE: &str = r"^\d+(\.\d+)? *(ns|us|ms|s|m|h)(\.\.\d+(\.\d+)? *(ns|us|ms|s|m|h))?$";
const SIGNED: &str = r"^-?\d+(\.\d+)? *(ns|us|ms|s|m|h)$";

impl<const N: usize> JsonSchema for Text<N> {
    fn schema_name() -> Cow<'static, str> {
        TEXTS[N].0.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let (_, about, pattern) = TEXTS[N];
        json_schema!({ "type": "string", "description": about, "pattern": pattern })
    }
}

/// One of a few words: which list of [`WORDS`].
pub(super) struct Word<const N: usize>;

pub(super) type CalmForm = Word<0>;
pub(super) type MachineForm = Word<1>;
pub(super) type PointForm = Word<2>;

const WORDS: [(&str, &[&str]); 3] = [
    ("Calm", &["all", "core"]),
    ("Machine", &["free", "gce_n1_standard_8", "aws_m5_large"]),
    ("Point", &["write", "flush"]),
];

impl<const N: usize> JsonSchema for Word<N> {
    fn schema_name() -> Cow<'static, str> {
        WORDS[N].0.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": WORDS[N].1 })
    }
}

/// A number from 0 to 1.
pub(super) struct Probability;

impl JsonSchema for Probability {
    fn schema_name() -> Cow<'static, str> {
        "Probability".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number", "description": "from 0 to 1", "minimum": 0, "maximum": 1 })
    }
}

/// A name or a list of names.
pub(super) struct Group;

impl JsonSchema for Group {
    fn schema_name() -> Cow<'static, str> {
        "Names".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "a name, or a list of names",
            "anyOf": [
                { "type": "string" },
                { "type": "array", "items": { "type": "string" }, "minItems": 1 },
            ],
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
            "description": "a shape, or a list of groups",
            "anyOf": [
                { "enum": ["one", "halves", "bridge", "majorities_ring"] },
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
        let (range, law) = (
            generator.subschema_for::<Lengths>(),
            generator.subschema_for::<LawFile>(),
        );
        json_schema!({
            "description": "a range, or a law: `{ exponential = { mean = \"5ms\" } }`",
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
        json_schema!({
            "description": "a number of zones, or `{ east = [\"n1\", \"c1\"], west = \"n2\" }`",
            "anyOf": [{ "type": "integer", "minimum": 1, "maximum": 26 }, named],
        })
    }
}
