//! From the file as it is written to a scenario that can be run: everything that can be wrong with it is found here.

use std::ops::Range;
use std::sync::Arc;

use netsplit::{Class, Config, Kinds, Mode, NodeId, Planted, Promise, Span};
use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::DeTable;

use super::choices::{Names, NodesFile};
use super::faults::Within;
use super::file::{ExpectFile, File, Head, WorkloadFile};
use super::{Expect, Problem, Scenario, Source};
use crate::workload::WorkloadSetup;
use crate::world::WORLD_PROMISES;
use crate::world::calm::Calm;
use crate::world::target::Zones;

type Place = Option<Range<usize>>;

/// What can heal after the storm.
pub(super) const CALMS: [(&str, Calm); 2] = [("all", Calm::All), ("core", Calm::Core)];

pub(super) fn mode_of<'a>(source: &Source, known: &[&'a str]) -> Result<&'a str, Problem> {
    let head: Head = parse(source)?;
    let (place, name) = (head.mode.span(), head.mode.get_ref());
    let found = known.iter().find(|mode| *mode == name);
    found
        .copied()
        .ok_or_else(|| Problem::unknown(source, Some(place), "mode", name, known.iter().copied()))
}

fn parse<T: DeserializeOwned>(source: &Source) -> Result<T, Problem> {
    toml::from_str(&source.text).map_err(|error| Problem::toml(source, &error))
}

pub(super) fn read<M: Mode>(source: &Source) -> Result<Scenario<M>, Problem> {
    let file: File<M::Options> = parse(source)?;
    let mut checks = Checks {
        source,
        servers: Vec::new(),
        clients: *file.workload.clients.get_ref(),
        zones: Zones::default(),
    };
    checks.servers = checks.servers::<M>(&file.nodes)?;
    let length = *file.length.get_ref();
    if length == Span::ZERO {
        return Err(checks
            .at(file.length.span(), "a storm of no length")
            .help("20s is usual"));
    }
    if length > MOST_LENGTH {
        let message = format!("a storm of {length} is too long");
        return Err(checks
            .at(file.length.span(), message)
            .help(format!("at most {MOST_LENGTH}")));
    }
    let workload = checks.workload::<M>(&file.workload)?;
    let config = Arc::new(Config::<M> {
        servers: checks.servers.clone(),
        options: checks.options::<M>(file.options)?,
    });
    checks.zones = checks.zones::<M>(file.zones)?;
    let machine = checks.machine(file.machine.as_ref())?;
    let cpu = machine.cpu(&file.cpu);
    let envelope = M::envelope(&config);
    let breaks = file.expect.violated.is_some();
    let promised = (!breaks).then_some(envelope);
    let within = Within {
        costs: cpu.counts(),
        promised,
        length,
        resolves: M::resolves(&config),
    };
    let promises = M::promises(&config);
    let faults = file
        .fault
        .into_iter()
        .map(|fault| checks.fault::<M>(fault, &within))
        .collect::<Result<_, _>>()?;
    Ok(Scenario {
        story: story(&source.text),
        seeds: checks.seeds(&file.seeds)?,
        length,
        calm: checks.calm(file.calm.as_ref())?,
        network: checks.network(&file.network, &machine)?,
        disk: checks.disk(&file.disk, &machine)?,
        cpu,
        clock: checks.clock(&file.clock, promised)?,
        workload,
        faults,
        expect: checks.expect::<M>(file.expect, &promises)?,
        mistake: file
            .mistake
            .map(|name| checks.mistake::<M>(&name))
            .transpose()?,
        config,
        source: source.clone(),
        zones: checks.zones,
    })
}

/// The longest storm: a day of virtual time.
const MOST_LENGTH: Span = Span::secs(24 * 3600);
/// The most clients.
const MOST_CLIENTS: u32 = 10_000;
/// The most keys.
const MOST_KEYS: u32 = 1_000_000;
/// The most seeds in a file.
const MOST_SEEDS: u64 = 1_000_000;

/// Everything that can be violated: what clients are promised, what must hold inside, and what holds in any world.
pub(super) fn promises<M: Mode>(judged: &[Promise<M>]) -> Vec<&'static str> {
    let invariants = <M::Invariants as netsplit::Invariants<M>>::NAMES;
    let inside = invariants.iter().copied();
    let names = judged.iter().map(Promise::name).chain(inside);
    names.chain(WORLD_PROMISES).collect()
}

/// The comment on top of the file, without its marks. A line that begins with `#:` is for the editor.
fn story(text: &str) -> String {
    let is_before = |line: &&str| line.starts_with("#:") || line.trim().is_empty();
    let lines = text.lines().skip_while(is_before);
    let lines = lines.take_while(|line| line.starts_with('#'));
    lines
        .map(|line| line.trim_start_matches('#').trim())
        .collect::<Vec<_>>()
        .join("\n")
}

/// What a check has to know besides the value that it looks at.
pub(super) struct Checks<'a> {
    pub(super) source: &'a Source,
    pub(super) servers: Vec<NodeId>,
    pub(super) clients: u32,
    pub(super) zones: Zones,
}

impl Checks<'_> {
    pub(super) fn at(&self, place: Range<usize>, message: impl Into<String>) -> Problem {
        let place = (!place.is_empty()).then_some(place);
        Problem::new(self.source, place, message)
    }

    /// The servers by name: so many of the only class, or of each.
    fn servers<M: Mode>(&self, nodes: &Spanned<NodesFile>) -> Result<Vec<NodeId>, Problem> {
        let of = |class: &'static Class, number: u32, place: Range<usize>| {
            if class.number.contains(&number) {
                return Ok(class.names(number));
            }
            let (least, most) = (class.number.start(), class.number.end());
            let what = if M::SERVERS.len() == 1 {
                "node"
            } else {
                class.name
            };
            let message = format!("{number} {what}s cannot run {}", M::NAME);
            let help = format!("it runs with {least} to {most}");
            Err(self.at(place, message).help(help))
        };
        let numbers = match (nodes.get_ref(), M::SERVERS) {
            (NodesFile::Number(number), [class]) => {
                return Ok(of(class, *number, nodes.span())?.collect());
            }
            (NodesFile::ByClass(_), [class]) => {
                let message = format!("{} has one kind of node", M::NAME);
                let help = format!("write nodes = {}", class.number.start());
                return Err(self.at(nodes.span(), message).help(help));
            }
            (NodesFile::ByClass(numbers), _) => numbers,
            (NodesFile::Number(number), classes) => {
                let message = format!("{} has {} kinds of node", M::NAME, classes.len());
                let all: Vec<String> = classes
                    .iter()
                    .map(|class| format!("{} = {number}", class.name))
                    .collect();
                let help = format!("write nodes = {{ {} }}", all.join(", "));
                return Err(self.at(nodes.span(), message).help(help));
            }
        };
        let known = || M::SERVERS.iter().map(|class| class.name);
        if let Some(name) = numbers
            .keys()
            .find(|name| !known().any(|known| known == name.get_ref()))
        {
            let (place, name) = (Some(name.span()), name.get_ref());
            return Err(Problem::unknown(
                self.source,
                place,
                "kind of node",
                name,
                known(),
            ));
        }
        let mut servers = Vec::new();
        for class in M::SERVERS {
            let Some((_, number)) = numbers
                .iter()
                .find(|(name, _)| name.get_ref() == class.name)
            else {
                let message = format!("nobody says how many {}s there are", class.name);
                let help = format!("write {} = {}", class.name, class.number.start());
                return Err(self.at(nodes.span(), message).help(help));
            };
            servers.extend(of(class, *number.get_ref(), number.span())?);
        }
        Ok(servers)
    }

    fn options<M: Mode>(
        &self,
        options: Option<Spanned<M::Options>>,
    ) -> Result<M::Options, Problem> {
        let Some(options) = options else {
            return Ok(M::Options::default());
        };
        let place = options.span();
        let options = options.into_inner();
        self.knows_every_option(&options)?;
        match M::check(&options) {
            Ok(()) => Ok(options),
            Err((key, help)) => {
                let place = option_place(&self.source.text, key).unwrap_or(place);
                Err(self
                    .at(place, format!("the option `{key}` cannot be so"))
                    .help(help))
            }
        }
    }

    /// A mode whose options forgive keys that they do not know would run with its defaults, and nobody would notice.
    fn knows_every_option<O: Serialize>(&self, options: &O) -> Result<(), Problem> {
        let (Ok(file), Ok(known)) = (
            DeTable::parse(&self.source.text),
            toml::Table::try_from(options),
        ) else {
            return Ok(());
        };
        let written = file.get_ref().get("options");
        let written = written.and_then(|options| options.get_ref().as_table());
        let Some((name, place, known)) = written.and_then(|written| strange(written, &known))
        else {
            return Ok(());
        };
        let known = known.iter().map(String::as_str);
        Err(Problem::unknown(
            self.source,
            Some(place),
            "key of the options",
            &name,
            known,
        ))
    }

    fn calm(&self, calm: Option<&Spanned<String>>) -> Result<Calm, Problem> {
        calm.map_or(Ok(Calm::All), |name| self.one_of(name, "calm", &CALMS))
    }

    /// What a word stands for.
    pub(super) fn one_of<T: Copy>(
        &self,
        word: &Spanned<String>,
        what: &str,
        known: &[(&str, T)],
    ) -> Result<T, Problem> {
        let found = known.iter().find(|(name, _)| name == word.get_ref());
        found.map(|(_, value)| *value).ok_or_else(|| {
            let names = known.iter().map(|(name, _)| *name);
            Problem::unknown(self.source, Some(word.span()), what, word.get_ref(), names)
        })
    }

    fn seeds(&self, seeds: &Spanned<String>) -> Result<Range<u64>, Problem> {
        seed_range(seeds.get_ref())
            .map_err(|wrong| self.at(seeds.span(), wrong).help("write \"0..16\""))
    }

    fn workload<M: Mode>(&self, file: &WorkloadFile) -> Result<WorkloadSetup, Problem> {
        let bounded = |number: &Spanned<u32>, most: u32, what: &str| {
            let value = *number.get_ref();
            if value == 0 || value > most {
                return Err(self
                    .at(number.span(), format!("{value} {what}"))
                    .help(format!("from 1 to {most}")));
            }
            Ok(value)
        };
        let clients = bounded(&file.clients, MOST_CLIENTS, "clients")?;
        let keys = bounded(&file.keys, MOST_KEYS, "keys")?;
        let rate = file.rate.get_ref();
        let per_second: Option<u64> = rate
            .strip_suffix("/s")
            .and_then(|number| number.trim().parse().ok());
        let per_second = per_second
            .filter(|rate| (1..=1_000_000).contains(rate))
            .ok_or_else(|| {
                self.at(file.rate.span(), format!("`{rate}` is not a rate"))
                    .help("operations a second over all clients, up to a million: \"200/s\"")
            })?;
        let known = || M::OPERATIONS.iter().map(|operation| operation.name);
        let mut mix = vec![0; M::OPERATIONS.len()];
        for (name, weight) in file.mix.get_ref() {
            let Some(kind) = known().position(|kind| kind == name.get_ref()) else {
                return Err(Problem::unknown(
                    self.source,
                    Some(name.span()),
                    "kind of operation",
                    name.get_ref(),
                    known(),
                ));
            };
            mix[kind] = *weight;
        }
        if mix.iter().all(|weight| *weight == 0) {
            return Err(self
                .at(
                    file.mix.span(),
                    "the mix is empty: clients would ask nothing",
                )
                .help(format!(
                    "weigh at least one of: {}",
                    known().collect::<Vec<_>>().join(", ")
                )));
        }
        let value_bytes = file
            .value
            .as_ref()
            .map_or(Ok(16), |value| self.bytes(value))?;
        let interval = Span::secs(u64::from(clients)) / per_second;
        Ok(WorkloadSetup {
            clients,
            interval,
            keys,
            kinds: M::OPERATIONS
                .iter()
                .map(|operation| operation.does)
                .collect(),
            mix,
            value_bytes,
        })
    }

    fn expect<M: Mode>(&self, file: ExpectFile, judged: &[Promise<M>]) -> Result<Expect, Problem> {
        let names = promises(judged);
        let violated = self.among(file.violated, &names, "promise or invariant")?;
        let notes = <M::Note as Kinds>::KINDS;
        let sees = self.among(file.sees, notes, "note")?;
        Ok(Expect {
            violated: violated.into_iter().map(|place| names[place]).collect(),
            sees,
            within: file.within,
        })
    }

    fn among(
        &self,
        names: Option<Spanned<Names>>,
        known: &[&'static str],
        what: &str,
    ) -> Result<Vec<usize>, Problem> {
        let Some(names) = names else {
            return Ok(Vec::new());
        };
        let place: Place = Some(names.span());
        let find = |name: &String| {
            let found = known.iter().position(|known| known == name);
            found.ok_or_else(|| {
                Problem::unknown(
                    self.source,
                    place.clone(),
                    what,
                    name,
                    known.iter().copied(),
                )
            })
        };
        names.get_ref().0.iter().map(find).collect()
    }

    fn mistake<M: Mode>(
        &self,
        name: &Spanned<String>,
    ) -> Result<&'static Planted<M::Server>, Problem> {
        let found = M::MISTAKES
            .iter()
            .find(|mistake| mistake.name == name.get_ref());
        found.ok_or_else(|| {
            let known = M::MISTAKES.iter().map(|mistake| mistake.name);
            Problem::unknown(
                self.source,
                Some(name.span()),
                "planted mistake",
                name.get_ref(),
                known,
            )
        })
    }
}

/// `0..16`: from the first to before the second.
pub(crate) fn seed_range(text: &str) -> Result<Range<u64>, String> {
    let ends = text
        .split_once("..")
        .map(|(first, end)| (first.trim().parse(), end.trim().parse()));
    let Some((Ok(first), Ok(end))) = ends else {
        return Err(format!("`{text}` is not a range of seeds"));
    };
    if first >= end {
        return Err(format!("`{text}` holds no seed"));
    }
    if end - first > MOST_SEEDS {
        return Err(format!("`{text}` holds more than {MOST_SEEDS} seeds"));
    }
    Ok(first..end)
}

/// A key that is written and not known, in a table or below it: its name, where it stands, and what is known there.
fn strange(
    written: &DeTable<'_>,
    known: &toml::Table,
) -> Option<(String, Range<usize>, Vec<String>)> {
    written.iter().find_map(|(key, value)| {
        let name = key.get_ref().as_ref();
        let Some(there) = known.get(name) else {
            let known = known.keys().cloned().collect();
            return Some((name.to_owned(), key.span(), known));
        };
        strange(value.get_ref().as_table()?, there.as_table()?)
    })
}

/// Where the file says an option, by its name with a dot for each table that it stands in; none if it does not.
fn option_place(text: &str, option: &str) -> Option<Range<usize>> {
    let file = DeTable::parse(text).ok()?;
    let mut table = file.get_ref();
    let (tables, last) = option.rsplit_once('.').unwrap_or(("", option));
    let tables = tables.split('.').filter(|name| !name.is_empty());
    for name in ["options"].into_iter().chain(tables) {
        table = table.get(name)?.get_ref().as_table()?;
    }
    let (key, value) = table.get_key_value(last)?;
    Some(key.span().start..value.span().end)
}
