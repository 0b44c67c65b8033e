//! Links, disks, processors and clocks: what is set, what a machine gives by default, and what cannot be.

use std::ops::Range;

use netsplit::{Envelope, Mode, NodeId, Span, SpanRange};
use toml::Spanned;

use super::Problem;
use super::checks::Checks;
use super::choices::{LatencyFile, LawFile, ZonesFile};
use super::file::{ClockFile, CpuFile, DiskFile, NetworkFile};
use crate::world::clock::ClockSetup;
use crate::world::cpu::CpuSetup;
use crate::world::disk::DiskSetup;
use crate::world::law::Law;
use crate::world::network::{NetworkSetup, Noise, Wire};
use crate::world::random::Chance;
use crate::world::target::Zones;

/// What a class of machines costs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Machine {
    /// Which machine it is, and where its figures come from.
    pub(crate) about: &'static str,
    /// Each message, and each 1024 bytes of it.
    pub(crate) cpu: CpuSetup,
    /// Bits a second of each link.
    pub(crate) bandwidth: Option<u64>,
    /// Flushes, and writing.
    pub(crate) disk: DiskSetup,
    /// One way, within a zone.
    pub(crate) latency: SpanRange,
}

impl Machine {
    const FREE: Machine = Machine {
        about: "Work costs nothing and links carry any amount. A flush is that of a data-centre NVMe drive without \
            power-loss protection, about a millisecond.",
        cpu: CpuSetup {
            message: Span::ZERO,
            kib: Span::ZERO,
        },
        bandwidth: None,
        disk: DiskSetup {
            flush: SpanRange::new(Span::micros(500), Span::micros(1500)),
            bandwidth: None,
        },
        latency: SpanRange::new(Span::millis(1), Span::millis(5)),
    };

    const GCE_8_VCPU: Machine = Machine {
        about: "Google's machines of 8 virtual processors with an SSD, on which etcd publishes its benchmark (etcd.io, \
            \"Performance\": 583 writes a second by one client, 44,341 by a thousand, leader only). Links: 2 Gbit/s a \
            core, 16 in all, shared by the two others here. Disk: 240 MiB/s, a flush in about a millisecond. A \
            message: what lets one process serve the published rate of a thousand clients.",
        cpu: CpuSetup {
            message: Span::micros(11),
            kib: Span::nanos(500),
        },
        bandwidth: Some(8_000_000_000),
        disk: DiskSetup {
            flush: SpanRange::new(Span::micros(700), Span::micros(1300)),
            bandwidth: Some(240 << 20),
        },
        latency: SpanRange::new(Span::micros(60), Span::micros(140)),
    };

    const AWS_M5_LARGE: Machine = Machine {
        about: "Amazon's m5.large with a gp3 volume: 0.75 Gbit/s that can be relied on, 125 MiB/s, a flush in one to \
            two milliseconds; a quarter of the cores of the other class, so four times its cost a message.",
        cpu: CpuSetup {
            message: Span::micros(44),
            kib: Span::micros(2),
        },
        bandwidth: Some(750_000_000),
        disk: DiskSetup {
            flush: SpanRange::new(Span::micros(1000), Span::micros(2000)),
            bandwidth: Some(125 << 20),
        },
        latency: SpanRange::new(Span::micros(100), Span::micros(300)),
    };

    /// The classes by name.
    pub(crate) const ALL: [(&'static str, Machine); 3] = [
        ("free", Machine::FREE),
        ("gce_8_vcpu", Machine::GCE_8_VCPU),
        ("aws_m5_large", Machine::AWS_M5_LARGE),
    ];

    pub(super) fn cpu(&self, file: &CpuFile) -> CpuSetup {
        CpuSetup {
            message: file.message.unwrap_or(self.cpu.message),
            kib: file.kib.unwrap_or(self.cpu.kib),
        }
    }
}

/// Bytes that can wait for a link with a bandwidth, if the scenario does not say.
const QUEUE: u64 = 4 << 20;

/// The most zones.
pub(super) const MOST_ZONES: u32 = 26;

impl Checks<'_> {
    pub(super) fn machine(&self, name: Option<&Spanned<String>>) -> Result<Machine, Problem> {
        name.map_or(Ok(Machine::FREE), |name| {
            self.one_of(name, "class of machine", &Machine::ALL)
        })
    }

    pub(super) fn network(
        &self,
        file: &NetworkFile,
        machine: &Machine,
    ) -> Result<NetworkSetup, Problem> {
        let latency = self
            .latency(file.latency.as_ref())?
            .unwrap_or(Law::Uniform(machine.latency));
        let client_latency = self
            .latency(file.client_latency.as_ref())?
            .unwrap_or(latency);
        let mut between = Vec::new();
        for (names, law) in file.between.iter().flatten() {
            let (one, other) = self.pair(names)?;
            between.extend(self.latency(Some(law))?.map(|law| (one, other, law)));
        }
        let noise = self.noise([&file.loss, &file.duplicate, &file.reorder, &file.corrupt])?;
        Ok(NetworkSetup {
            latency,
            client_latency,
            between,
            noise,
            wire: self.wire(file, machine)?,
            window: self.window(file.window.as_ref())?,
        })
    }

    fn window(&self, window: Option<&Spanned<String>>) -> Result<u32, Problem> {
        let Some(window) = window else {
            return Ok(NetworkSetup::default().window);
        };
        match self.bytes(window)? {
            0 => Err(self
                .at(window.span(), "a window of nothing")
                .help("64KiB is usual")),
            bytes => Ok(bytes),
        }
    }

    fn wire(&self, file: &NetworkFile, machine: &Machine) -> Result<Option<Wire>, Problem> {
        let bandwidth = match &file.bandwidth {
            None => machine.bandwidth,
            Some(text) => Some(self.bandwidth(text)?),
        };
        let queue = file
            .queue
            .as_ref()
            .map(|size| self.bytes(size))
            .transpose()?;
        match (bandwidth, queue, &file.queue) {
            (None, Some(_), Some(size)) => Err(self
                .at(size.span(), "a queue before a link that carries any amount")
                .help("set a bandwidth too: bandwidth = \"1Gbit/s\"")),
            (bandwidth, queue, _) => Ok(bandwidth.map(|bandwidth| Wire {
                bandwidth,
                queue: queue.map_or(QUEUE, u64::from),
            })),
        }
    }

    fn bandwidth(&self, text: &Spanned<String>) -> Result<u64, Problem> {
        let units = [
            ("Gbit/s", 1_000_000_000),
            ("Mbit/s", 1_000_000),
            ("kbit/s", 1_000),
            ("bit/s", 1),
        ];
        let number = |(unit, times): (&str, u64)| {
            let number: u64 = text.get_ref().strip_suffix(unit)?.trim().parse().ok()?;
            number
                .checked_mul(times)
                .filter(|bits| (1_000..=1_000_000_000_000).contains(bits))
        };
        units.into_iter().find_map(number).ok_or_else(|| {
            self.at(
                text.span(),
                format!("`{}` is not a bandwidth", text.get_ref()),
            )
            .help("write \"1Gbit/s\", \"100Mbit/s\" or \"64kbit/s\"; up to 1000Gbit/s")
        })
    }

    pub(super) fn disk(&self, file: &DiskFile, machine: &Machine) -> Result<DiskSetup, Problem> {
        let bandwidth = match &file.bandwidth {
            None => machine.disk.bandwidth,
            Some(text) => {
                let size = text.get_ref().strip_suffix("/s");
                let size = size.map(|size| Spanned::new(text.span(), size.to_owned()));
                let bytes = size.and_then(|size| self.bytes(&size).ok());
                let bytes = bytes.filter(|bytes| *bytes > 0).map(u64::from);
                Some(bytes.ok_or_else(|| {
                    let message = format!("`{}` is not a throughput", text.get_ref());
                    self.at(text.span(), message).help("write \"120MiB/s\"")
                })?)
            }
        };
        Ok(DiskSetup {
            flush: file.flush.unwrap_or(machine.disk.flush),
            bandwidth,
        })
    }

    /// A latency as it is written, if it is.
    fn latency(&self, file: Option<&Spanned<LatencyFile>>) -> Result<Option<Law>, Problem> {
        let law = match file.map(Spanned::get_ref) {
            None => return Ok(None),
            Some(LatencyFile::Uniform(range)) => Law::Uniform(*range),
            Some(LatencyFile::Law(LawFile::Exponential(law))) => {
                let mean = *law.mean.get_ref();
                if mean == Span::ZERO || mean > Span::secs(3600) {
                    return Err(self.at(law.mean.span(), format!("a mean of {mean}")).help(
                        "from 1ns to 1h; for a latency that is always the same write \"5ms\"",
                    ));
                }
                Law::Exponential {
                    least: law.least.unwrap_or_default(),
                    mean,
                }
            }
            Some(LatencyFile::Law(LawFile::Bimodal(law))) => Law::Bimodal {
                usual: law.usual,
                slow: law.slow,
                share: self.chance(Some(&law.share))?,
            },
            Some(LatencyFile::Law(LawFile::Wan(law))) => {
                let most = law.base + law.jitter.unwrap_or_default();
                Law::Uniform(SpanRange::new(law.base, most))
            }
        };
        Ok(Some(law))
    }

    /// Two zones by name, as in `east-west`.
    fn pair(&self, names: &Spanned<String>) -> Result<(u16, u16), Problem> {
        let known = &self.zones.names;
        let number = |name: &str| known.iter().position(|known| known == name.trim());
        let (one, other) = names.get_ref().split_once('-').unwrap_or_default();
        let pair = number(one).zip(number(other));
        let pair = pair.map(|(one, other)| (one as u16, other as u16));
        pair.ok_or_else(|| {
            let message = format!("`{}` is not a pair of zones", names.get_ref());
            let help = match &known[..] {
                [] => "there are none: name them under [zones], or write zones = 2".into(),
                known => format!("two of {}, with a `-` between", known.join(", ")),
            };
            self.at(names.span(), message).help(help)
        })
    }

    pub(super) fn zones<M: Mode>(
        &self,
        zones: Option<Spanned<ZonesFile>>,
    ) -> Result<Zones, Problem> {
        let Some(zones) = zones else {
            return Ok(Zones::default());
        };
        let place = zones.span();
        match zones.into_inner() {
            ZonesFile::Count(count) => self.dealt(count, place),
            ZonesFile::Named(named) => {
                let mut all = Zones::default();
                for (name, members) in named {
                    self.zone_name::<M>(&name, members.span())?;
                    let number = all.names.len() as u16;
                    all.names.push(name);
                    for member in &members.get_ref().0 {
                        let id = self.node(member, members.span())?;
                        if all.members.insert(id, number).is_some() {
                            let message = format!("{id} stands in two zones");
                            return Err(self.at(members.span(), message).help("name it once"));
                        }
                    }
                }
                Ok(all)
            }
        }
    }

    /// So many zones, `z1` and so on, into which servers and clients are dealt like cards.
    fn dealt(&self, count: u32, place: Range<usize>) -> Result<Zones, Problem> {
        let servers = self.servers.len() as u32;
        let most = MOST_ZONES.min(servers);
        if count == 0 || count > most {
            let message = format!("{count} zones of {servers} servers");
            return Err(self.at(place, message).help(format!("from 1 to {most}")));
        }
        let servers = self.servers.iter().copied();
        let clients = (1..=self.clients).map(NodeId::client);
        // Those of each class in turn, so that every zone has some of all.
        let zone = |id: NodeId| (id, ((id.number() - 1) % count) as u16);
        Ok(Zones {
            names: (1..=count).map(|number| format!("z{number}")).collect(),
            members: servers.chain(clients).map(zone).collect(),
        })
    }

    fn zone_name<M: Mode>(&self, name: &str, place: Range<usize>) -> Result<(), Problem> {
        let taken = self.target::<M>(name, place.clone()).is_ok();
        let odd = name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !taken && !odd {
            return Ok(());
        }
        let why = if odd {
            "is no name for a zone"
        } else {
            "is a name that faults know already"
        };
        Err(self
            .at(place, format!("`{name}` {why}"))
            .help("letters, digits and `_`, and no role, node or word such as `all`"))
    }

    pub(super) fn clock(
        &self,
        file: &ClockFile,
        promised: Option<Envelope>,
    ) -> Result<ClockSetup, Problem> {
        let drift_ppm = match &file.drift {
            None => 0,
            Some(drift) => {
                let number = drift
                    .get_ref()
                    .strip_suffix("ppm")
                    .and_then(|number| number.trim().parse().ok());
                let within: Option<u32> = number.filter(|ppm| *ppm <= 500_000);
                let ppm = within.ok_or_else(|| {
                    let message = format!("`{}` is not a drift", drift.get_ref());
                    self.at(drift.span(), message)
                        .help("write parts per million, up to half: \"200ppm\"")
                })?;
                let most = promised.map_or(ppm, |promised| promised.drift_ppm);
                if ppm > most {
                    let message =
                        format!("a drift of {ppm}ppm is more than the mode promises to survive");
                    return Err(self.at(drift.span(), message).help(format!(
                        "up to {most}ppm; or say under [expect] what it breaks: violated = \"...\""
                    )));
                }
                ppm
            }
        };
        Ok(ClockSetup {
            offset: file.offset.unwrap_or_default(),
            drift_ppm,
        })
    }

    pub(super) fn chance(&self, chance: Option<&Spanned<f64>>) -> Result<Chance, Problem> {
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

    /// Loss, duplication, reordering and corruption.
    pub(super) fn noise(&self, chances: [&Option<Spanned<f64>>; 4]) -> Result<Noise, Problem> {
        let [loss, duplicate, reorder, corrupt] =
            chances.map(|chance| self.chance(chance.as_ref()));
        Ok(Noise {
            loss: loss?,
            duplicate: duplicate?,
            reorder: reorder?,
            corrupt: corrupt?,
        })
    }

    pub(super) fn bytes(&self, size: &Spanned<String>) -> Result<u32, Problem> {
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
}
