//! What can be written in more than one way: a range or a law, a number or a table, a name or a list.

use std::collections::BTreeMap;
use std::fmt;

use netsplit::{Span, SpanRange};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use toml::Spanned;

use super::values::{Length, Lengths, Probability};

/// How long a message travels: a range, or a law.
pub(super) enum LatencyFile {
    Uniform(SpanRange),
    Law(LawFile),
}

/// Laws of latency.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[schemars(rename = "Law")]
pub(super) enum LawFile {
    /// At least `least`, and `mean` more on average, seldom much more.
    Exponential(ExponentialFile),
    /// Mostly `usual`, and with the probability `share` it is `slow`.
    Bimodal(BimodalFile),
    /// A long way: `base`, and up to `jitter` more.
    Wan(WanFile),
}

/// An exponential law.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table such as { mean = \"5ms\" }")]
#[schemars(rename = "Exponential")]
pub(super) struct ExponentialFile {
    /// The shortest. Default 0s.
    #[schemars(with = "Option<Length>")]
    pub(super) least: Option<Span>,
    /// The average of what comes on top; the tail ends at 16 times this.
    #[schemars(with = "Length")]
    pub(super) mean: Spanned<Span>,
}

/// Two ranges.
#[derive(Deserialize, JsonSchema)]
#[serde(
    deny_unknown_fields,
    expecting = "a table such as { usual = \"1ms\", slow = \"50ms\", share = 0.01 }"
)]
#[schemars(rename = "Bimodal")]
pub(super) struct BimodalFile {
    /// The usual.
    #[schemars(with = "Lengths")]
    pub(super) usual: SpanRange,
    /// The slow tail.
    #[schemars(with = "Lengths")]
    pub(super) slow: SpanRange,
    /// How likely a message is in it.
    #[schemars(with = "Probability")]
    pub(super) share: Spanned<f64>,
}

/// A long way.
#[derive(Deserialize, JsonSchema)]
#[serde(
    deny_unknown_fields,
    expecting = "a table such as { base = \"40ms\", jitter = \"4ms\" }"
)]
#[schemars(rename = "Wan")]
pub(super) struct WanFile {
    /// What it takes at least.
    #[schemars(with = "Length")]
    pub(super) base: Span,
    /// Up to how much more. Default 0s.
    #[schemars(with = "Option<Length>")]
    pub(super) jitter: Option<Span>,
}

impl<'de> Deserialize<'de> for LatencyFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<LatencyFile, D::Error> {
        struct RangeOrLaw;
        impl<'de> Visitor<'de> for RangeOrLaw {
            type Value = LatencyFile;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a range such as \"1ms..5ms\", or a law such as { exponential = { mean = \"5ms\" } }")
            }
            fn visit_str<E: de::Error>(self, range: &str) -> Result<LatencyFile, E> {
                range.parse().map(LatencyFile::Uniform).map_err(E::custom)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<LatencyFile, A::Error> {
                let law = LawFile::deserialize(MapAccessDeserializer::new(&mut map))?;
                match map.next_key::<String>()? {
                    None => Ok(LatencyFile::Law(law)),
                    Some(more) => Err(de::Error::custom(format!(
                        "a latency follows one law, and `{more}` is another"
                    ))),
                }
            }
        }
        deserializer.deserialize_any(RangeOrLaw)
    }
}

/// So many servers, or so many of each class.
pub(super) enum NodesFile {
    Number(u32),
    ByClass(BTreeMap<Spanned<String>, Spanned<u32>>),
}

impl<'de> Deserialize<'de> for NodesFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<NodesFile, D::Error> {
        struct NumberOrTable;
        impl<'de> Visitor<'de> for NumberOrTable {
            type Value = NodesFile;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of nodes, or a table with a number of each kind")
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<NodesFile, E> {
                u32::try_from(number)
                    .map(NodesFile::Number)
                    .map_err(|_| E::custom(format!("{number} nodes")))
            }
            fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<NodesFile, A::Error> {
                BTreeMap::deserialize(MapAccessDeserializer::new(table)).map(NodesFile::ByClass)
            }
        }
        deserializer.deserialize_any(NumberOrTable)
    }
}

/// So many zones, or who stands in which.
pub(super) enum ZonesFile {
    Count(u32),
    Named(BTreeMap<String, Spanned<Names>>),
}

impl<'de> Deserialize<'de> for ZonesFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ZonesFile, D::Error> {
        struct CountOrNames;
        impl<'de> Visitor<'de> for CountOrNames {
            type Value = ZonesFile;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a number of zones, or a table such as { east = [\"n1\"], west = [\"n2\"] }",
                )
            }
            fn visit_i64<E: de::Error>(self, count: i64) -> Result<ZonesFile, E> {
                u32::try_from(count)
                    .map(ZonesFile::Count)
                    .map_err(|_| E::custom(format!("{count} zones")))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut zones: A) -> Result<ZonesFile, A::Error> {
                let mut all = BTreeMap::new();
                while let Some((name, members)) = zones.next_entry()? {
                    all.insert(name, members);
                }
                Ok(ZonesFile::Named(all))
            }
        }
        deserializer.deserialize_any(CountOrNames)
    }
}

/// The shape of a partition, or its groups.
pub(super) enum Apart {
    Shape(String),
    Groups(Vec<Spanned<Names>>),
}

impl<'de> Deserialize<'de> for Apart {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Apart, D::Error> {
        struct ShapeOrGroups;
        impl<'de> Visitor<'de> for ShapeOrGroups {
            type Value = Apart;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of groups, or a shape such as \"halves\"")
            }
            fn visit_str<E: de::Error>(self, name: &str) -> Result<Apart, E> {
                Ok(Apart::Shape(name.to_owned()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut groups: A) -> Result<Apart, A::Error> {
                let mut all = Vec::new();
                while let Some(group) = groups.next_element()? {
                    all.push(group);
                }
                Ok(Apart::Groups(all))
            }
        }
        deserializer.deserialize_any(ShapeOrGroups)
    }
}

/// One name or a list of names.
pub(super) struct Names(pub(super) Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Names, D::Error> {
        struct OneOrMany;
        impl<'de> Visitor<'de> for OneOrMany {
            type Value = Names;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name in quotes, or a list of names")
            }
            fn visit_str<E: de::Error>(self, name: &str) -> Result<Names, E> {
                Ok(Names(vec![name.to_owned()]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<Names, A::Error> {
                let mut all = Vec::new();
                while let Some(name) = names.next_element()? {
                    all.push(name);
                }
                Ok(Names(all))
            }
        }
        deserializer.deserialize_any(OneOrMany)
    }
}
