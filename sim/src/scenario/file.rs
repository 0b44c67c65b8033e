//! The scenario file as it is written.

use std::collections::BTreeMap;
use std::fmt;

use netsplit::{Span, SpanRange};
use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, SeqAccess, Visitor};
use toml::Spanned;

#[derive(Deserialize)]
pub(super) struct Head {
    pub(super) mode: Spanned<String>,
    #[serde(flatten)]
    pub(super) _rest: BTreeMap<String, IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File<O> {
    #[serde(rename = "mode")]
    pub(super) _mode: IgnoredAny,
    pub(super) nodes: Spanned<u32>,
    pub(super) seeds: Spanned<String>,
    pub(super) length: Spanned<Span>,
    #[serde(default)]
    pub(super) network: NetworkFile,
    #[serde(default)]
    pub(super) disk: DiskFile,
    #[serde(default)]
    pub(super) clock: ClockFile,
    pub(super) workload: WorkloadFile,
    pub(super) options: Option<Spanned<O>>,
    #[serde(default)]
    pub(super) fault: Vec<Spanned<FaultFile>>,
    #[serde(default)]
    pub(super) expect: ExpectFile,
    pub(super) mistake: Option<Spanned<String>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct NetworkFile {
    pub(super) latency: Option<SpanRange>,
    pub(super) client_latency: Option<SpanRange>,
    pub(super) loss: Option<Spanned<f64>>,
    pub(super) duplicate: Option<Spanned<f64>>,
    pub(super) reorder: Option<Spanned<f64>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct DiskFile {
    pub(super) flush: Option<SpanRange>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct ClockFile {
    pub(super) offset: Option<Span>,
    pub(super) drift: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WorkloadFile {
    pub(super) clients: Spanned<u32>,
    pub(super) rate: Spanned<String>,
    #[serde(default = "ten_keys")]
    pub(super) keys: Spanned<u32>,
    pub(super) mix: Spanned<BTreeMap<Spanned<String>, u32>>,
    pub(super) value: Option<Spanned<String>>,
}

fn ten_keys() -> Spanned<u32> {
    Spanned::new(0..0, 10)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FaultFile {
    pub(super) at: Spanned<SpanRange>,
    pub(super) every: Option<Spanned<SpanRange>>,
    #[serde(rename = "for")]
    pub(super) lasts: Option<Spanned<SpanRange>>,
    pub(super) partition: Option<Spanned<Apart>>,
    pub(super) cut: Option<CutFile>,
    pub(super) crash: Option<Spanned<Names>>,
    pub(super) power: Option<Spanned<Names>>,
    pub(super) pause: Option<Spanned<Names>>,
    pub(super) slow_disk: Option<SlowDiskFile>,
    pub(super) noise: Option<NoiseFile>,
    pub(super) drop: Option<DropFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DropFile {
    pub(super) message: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CutFile {
    pub(super) from: Spanned<Names>,
    pub(super) to: Spanned<Names>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SlowDiskFile {
    pub(super) on: Spanned<Names>,
    pub(super) factor: Spanned<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NoiseFile {
    pub(super) loss: Option<Spanned<f64>>,
    pub(super) duplicate: Option<Spanned<f64>>,
    pub(super) reorder: Option<Spanned<f64>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpectFile {
    pub(super) violated: Option<Spanned<Names>>,
    pub(super) sees: Option<Spanned<Names>>,
    pub(super) within: Option<Span>,
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
