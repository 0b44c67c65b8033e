//! From the file as it is written to a scenario that can be run: everything that can be wrong with it is found here.

use std::ops::Range;

use netsplit::{Kinds, Mode, NodeId, Promise, Span};
use serde::de::DeserializeOwned;
use toml::Spanned;

use super::file::{
    Apart, ClockFile, CutFile, DropFile, ExpectFile, FaultFile, File, Head, Names, NetworkFile,
    NoiseFile, SlowDiskFile, WorkloadFile,
};
use super::{Expect, Problem, Scenario, Source};
use crate::mistakes::Planted;
use crate::workload::WorkloadSetup;
use crate::world::WORLD_PROMISES;
use crate::world::clock::ClockSetup;
use crate::world::disk::DiskSetup;
use crate::world::fault::{Group, Plan, Shape, Target, What};
use crate::world::network::{NetworkSetup, Noise};
use crate::world::random::Chance;

type Place = Option<Range<usize>>;

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

pub(super) fn read<M: Mode>(
    source: &Source,
    mistakes: &'static [Planted<M::Process>],
) -> Result<Scenario<M>, Problem> {
    let file: File<M::Options> = parse(source)?;
    let checks = Checks {
        source,
        servers: *file.nodes.get_ref(),
        clients: *file.workload.clients.get_ref(),
    };
    let nodes = file.nodes.span();
    if !M::SERVERS.contains(&checks.servers) {
        let (least, most) = (M::SERVERS.start(), M::SERVERS.end());
        let message = format!("{} nodes cannot run {}", checks.servers, M::NAME);
        return Err(checks
            .at(nodes, message)
            .help(format!("it runs with {least} to {most}")));
    }
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
    let options = checks.options::<M>(file.options)?;
    let view = M::promises()
        .into_iter()
        .next()
        .map(|promise| match promise {
            Promise::Linearizable(view) | Promise::Durable(view) => view,
        });
    let faults = file
        .fault
        .into_iter()
        .map(|fault| checks.fault::<M>(fault, length))
        .collect::<Result<_, _>>()?;
    Ok(Scenario {
        story: story(&source.text),
        servers: checks.servers,
        seeds: checks.seeds(&file.seeds)?,
        length,
        network: checks.network(&file.network)?,
        disk: file
            .disk
            .flush
            .map_or_else(DiskSetup::default, |flush| DiskSetup { flush }),
        clock: checks.clock(&file.clock)?,
        workload: checks.workload::<M>(&file.workload)?,
        faults,
        within: file.expect.within,
        expect: checks.expect::<M>(file.expect)?,
        mistake: file
            .mistake
            .map(|name| checks.mistake(&name, mistakes))
            .transpose()?,
        options,
        view,
        source: source.clone(),
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

/// The comment on top of the file, without its marks.
fn story(text: &str) -> String {
    let lines = text.lines().take_while(|line| line.starts_with('#'));
    lines
        .map(|line| line.trim_start_matches('#').trim())
        .collect::<Vec<_>>()
        .join("\n")
}

struct Checks<'a> {
    source: &'a Source,
    servers: u32,
    clients: u32,
}

impl Checks<'_> {
    fn at(&self, place: Range<usize>, message: impl Into<String>) -> Problem {
        let place = (!place.is_empty()).then_some(place);
        Problem::new(self.source, place, message)
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
        match M::check(&options) {
            Ok(()) => Ok(options),
            Err((key, help)) => {
                let place = key_place(&self.source.text, &place, key).unwrap_or(place);
                Err(self
                    .at(place, format!("the option `{key}` cannot be so"))
                    .help(help))
            }
        }
    }

    fn seeds(&self, seeds: &Spanned<String>) -> Result<Range<u64>, Problem> {
        seed_range(seeds.get_ref())
            .map_err(|wrong| self.at(seeds.span(), wrong).help("write \"0..16\""))
    }

    fn chance(&self, chance: Option<&Spanned<f64>>) -> Result<Chance, Problem> {
        let Some(chance) = chance else {
            return Ok(Chance(0));
        };
        let value = *chance.get_ref();
        if !(0.0..=1.0).contains(&value) {
            let message = format!("{value} is not a probability");
            return Err(self
                .at(chance.span(), message)
                .help("a probability is a number from 0 to 1, as in 0.05"));
        }
        Ok(Chance((value * 1e6).round() as u32))
    }

    fn noise(
        &self,
        loss: Option<&Spanned<f64>>,
        duplicate: Option<&Spanned<f64>>,
        reorder: Option<&Spanned<f64>>,
    ) -> Result<Noise, Problem> {
        Ok(Noise {
            loss: self.chance(loss)?,
            duplicate: self.chance(duplicate)?,
            reorder: self.chance(reorder)?,
        })
    }

    fn network(&self, file: &NetworkFile) -> Result<NetworkSetup, Problem> {
        let latency = file.latency.unwrap_or(NetworkSetup::default().latency);
        Ok(NetworkSetup {
            latency,
            client_latency: file.client_latency.unwrap_or(latency),
            noise: self.noise(
                file.loss.as_ref(),
                file.duplicate.as_ref(),
                file.reorder.as_ref(),
            )?,
        })
    }

    fn clock(&self, file: &ClockFile) -> Result<ClockSetup, Problem> {
        let drift_ppm = match &file.drift {
            None => 0,
            Some(drift) => {
                let number = drift
                    .get_ref()
                    .strip_suffix("ppm")
                    .and_then(|number| number.trim().parse().ok());
                let within = number.filter(|ppm| *ppm <= 500_000);
                within.ok_or_else(|| {
                    let message = format!("`{}` is not a drift", drift.get_ref());
                    self.at(drift.span(), message)
                        .help("write parts per million, up to half: \"200ppm\"")
                })?
            }
        };
        Ok(ClockSetup {
            offset: file.offset.unwrap_or_default(),
            drift_ppm,
        })
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
        let mut mix = vec![0; M::REQUESTS.len()];
        for (name, weight) in file.mix.get_ref() {
            let Some(kind) = M::REQUESTS.iter().position(|kind| kind == name.get_ref()) else {
                let known = M::REQUESTS.iter().copied();
                return Err(Problem::unknown(
                    self.source,
                    Some(name.span()),
                    "kind of operation",
                    name.get_ref(),
                    known,
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
                .help(format!("weigh at least one of: {}", M::REQUESTS.join(", "))));
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
            mix,
            value_bytes,
        })
    }

    fn bytes(&self, size: &Spanned<String>) -> Result<u32, Problem> {
        let text = size.get_ref();
        let unit = |unit, times: u32| {
            let number = text.strip_suffix(unit)?.trim().parse::<u32>().ok()?;
            number.checked_mul(times)
        };
        let bytes = unit("KiB", 1 << 10)
            .or_else(|| unit("MiB", 1 << 20))
            .or_else(|| unit("B", 1));
        bytes.ok_or_else(|| {
            self.at(size.span(), format!("`{text}` is not a size"))
                .help("write \"16B\", \"4KiB\" or \"1MiB\"")
        })
    }

    fn fault<M: Mode>(&self, fault: Spanned<FaultFile>, length: Span) -> Result<Plan, Problem> {
        let place = fault.span();
        let file = fault.into_inner();
        let at = *file.at.get_ref();
        if at.max >= length {
            let message = format!("the fault begins at {}, after the storm is over", at.max);
            return Err(self
                .at(file.at.span(), message)
                .help(format!("the storm lasts {length}")));
        }
        if let Some(every) = &file.every
            && every.get_ref().min == Span::ZERO
        {
            return Err(self
                .at(every.span(), "a fault that comes again at once never ends")
                .help("write \"5s\""));
        }
        let Some(lasts) = file.lasts else {
            return Err(self
                .at(place, "a fault without an end")
                .help("say how long it lasts: for = \"2s\""));
        };
        let mut kinds = Vec::new();
        if let Some(apart) = file.partition {
            kinds.push(self.apart::<M>(apart)?);
        }
        if let Some(CutFile { from, to }) = file.cut {
            kinds.push(What::Cut {
                from: self.group::<M>(&from)?,
                to: self.group::<M>(&to)?,
            });
        }
        if let Some(names) = file.crash {
            kinds.push(What::Crash(self.group::<M>(&names)?));
        }
        if let Some(names) = file.power {
            kinds.push(What::Power(self.group::<M>(&names)?));
        }
        if let Some(names) = file.pause {
            kinds.push(What::Pause(self.group::<M>(&names)?));
        }
        if let Some(SlowDiskFile { on, factor }) = file.slow_disk {
            if *factor.get_ref() == 0 {
                return Err(self
                    .at(factor.span(), "a factor of 0")
                    .help("20 makes a flush take 20 times as long"));
            }
            kinds.push(What::SlowDisk {
                on: self.group::<M>(&on)?,
                factor: *factor.get_ref(),
            });
        }
        if let Some(NoiseFile {
            loss,
            duplicate,
            reorder,
        }) = file.noise
        {
            kinds.push(What::Noise(self.noise(
                loss.as_ref(),
                duplicate.as_ref(),
                reorder.as_ref(),
            )?));
        }
        if let Some(DropFile { message }) = file.drop {
            let known = <M::Message as Kinds>::KINDS;
            let Some(kind) = known.iter().position(|name| name == message.get_ref()) else {
                let (place, name) = (Some(message.span()), message.get_ref());
                return Err(Problem::unknown(
                    self.source,
                    place,
                    "kind of message",
                    name,
                    known.iter().copied(),
                ));
            };
            kinds.push(What::Drop {
                kind,
                name: known[kind],
            });
        }
        let [what] = <[What; 1]>::try_from(kinds).map_err(|kinds| {
            let message = format!("a fault does one thing, and this one does {}", kinds.len());
            let help = "one of partition, cut, crash, power, pause, slow_disk, noise, drop";
            self.at(place, message).help(help)
        })?;
        let every = file.every.map(Spanned::into_inner);
        Ok(Plan {
            at,
            every,
            lasts: lasts.into_inner(),
            what,
        })
    }

    fn apart<M: Mode>(&self, apart: Spanned<Apart>) -> Result<What, Problem> {
        let place = apart.span();
        match apart.into_inner() {
            Apart::Shape(name) => {
                let Some((_, shape, least)) =
                    Shape::ALL.into_iter().find(|(known, ..)| *known == name)
                else {
                    let known = Shape::ALL.map(|(known, ..)| known);
                    return Err(Problem::unknown(
                        self.source,
                        Some(place),
                        "shape of a partition",
                        &name,
                        known,
                    ));
                };
                if self.servers < least {
                    let message = format!("{} nodes make no {name}", self.servers);
                    return Err(self
                        .at(place, message)
                        .help(format!("it takes {least} or more")));
                }
                Ok(What::Shape(shape))
            }
            Apart::Groups(groups) if groups.len() < 2 => {
                let help = "write partition = [\"leader\", \"others\"]";
                Err(self
                    .at(place, "a partition needs two groups or more")
                    .help(help))
            }
            Apart::Groups(groups) => {
                let groups = groups.iter().map(|names| self.group::<M>(names));
                Ok(What::Partition(groups.collect::<Result<_, _>>()?))
            }
        }
    }

    fn group<M: Mode>(&self, names: &Spanned<Names>) -> Result<Group, Problem> {
        let place = names.span();
        if names.get_ref().0.is_empty() {
            return Err(self
                .at(place, "nobody is named")
                .help("name a node or a role, as in \"leader\""));
        }
        names
            .get_ref()
            .0
            .iter()
            .map(|name| self.target::<M>(name, place.clone()))
            .collect()
    }

    fn target<M: Mode>(&self, name: &str, place: Range<usize>) -> Result<Target, Problem> {
        const WORDS: [(&str, Target); 6] = [
            ("any", Target::Any),
            ("minority", Target::Minority),
            ("majority", Target::Majority),
            ("others", Target::Others),
            ("all", Target::All),
            ("clients", Target::Clients),
        ];
        if let Some(role) = M::ROLES.iter().find(|role| **role == name) {
            return Ok(Target::Role(role));
        }
        if let Some((_, target)) = WORDS.iter().find(|(word, _)| *word == name) {
            if matches!(target, Target::Minority) && self.servers < 3 {
                let message = format!("{} nodes have no minority", self.servers);
                return Err(self.at(place, message).help("it takes 3 nodes or more"));
            }
            return Ok(target.clone());
        }
        let number = |letter, most| {
            let number: u32 = name.strip_prefix(letter)?.parse().ok()?;
            Some((number, most))
        };
        if let Some((number, most)) =
            number('n', self.servers).or_else(|| number('c', self.clients))
        {
            if number == 0 || number > most {
                let letter = &name[..1];
                let message = format!("there is no `{name}` in this scenario");
                return Err(self
                    .at(place, message)
                    .help(format!("they are {letter}1 to {letter}{most}")));
            }
            let letter = name.chars().next().unwrap_or('n');
            return Ok(Target::Node(NodeId::new(letter, number)));
        }
        let words = WORDS.iter().map(|(word, _)| *word);
        let known = M::ROLES.iter().copied().chain(words).chain(["n1", "c1"]);
        Err(Problem::unknown(
            self.source,
            Some(place),
            "target",
            name,
            known,
        ))
    }

    fn expect<M: Mode>(&self, file: ExpectFile) -> Result<Expect, Problem> {
        let promises = M::promises();
        let names: Vec<&'static str> = promises
            .iter()
            .map(Promise::name)
            .chain(
                <M::Invariants as netsplit::Invariants<M::Process>>::NAMES
                    .iter()
                    .copied(),
            )
            .chain(WORLD_PROMISES)
            .collect();
        let violated = self.among(file.violated, &names, "promise or invariant")?;
        let notes = <M::Note as Kinds>::KINDS;
        let sees = self.among(file.sees, notes, "note")?;
        Ok(Expect {
            violated: violated.into_iter().map(|place| names[place]).collect(),
            sees,
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

    fn mistake<P: netsplit::Process>(
        &self,
        name: &Spanned<String>,
        mistakes: &'static [Planted<P>],
    ) -> Result<&'static Planted<P>, Problem> {
        let found = mistakes
            .iter()
            .find(|mistake| mistake.name == name.get_ref());
        found.ok_or_else(|| {
            let known = mistakes.iter().map(|mistake| mistake.name);
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

/// Where a key is set within a table.
fn key_place(text: &str, table: &Range<usize>, key: &str) -> Option<Range<usize>> {
    let mut offset = table.start;
    for line in text.get(table.clone())?.split_inclusive('\n') {
        if line
            .trim_start()
            .strip_prefix(key)
            .is_some_and(|rest| rest.trim_start().starts_with('='))
        {
            return Some(offset..offset + line.trim_end().len());
        }
        offset += line.len();
    }
    None
}
