//! Faults: from the keys of a table to a plan.

use std::ops::Range;

use netsplit::{Envelope, Kinds, Mode, Span};
use toml::Spanned;

use super::Problem;
use super::checks::Checks;
use super::choices::Names;
use super::fault_file::{
    CrashAtFile, CutFile, FaultFile, LinksFile, LoseQueueFile, NoiseFile, ResolverFile, SlowFile,
    StallFile,
};
use super::form::Form;
use crate::world::fault::{Down, Plan, Point, Skew, Trouble, What};
use crate::world::names::Answer;
use crate::world::network::{Act, Noise};
use crate::world::target::Target;

/// The points at a disk at which a process can die.
pub(super) const POINTS: [(&str, Point); 2] =
    [("write", Point::Written), ("flush", Point::Flushed)];

/// The ways of a stream, as its opener sees them.
pub(super) const WAYS: [(&str, [bool; 2]); 2] = [("forth", [true, false]), ("back", [false, true])];

/// What a name service that is not well can answer.
pub(super) const ANSWERS: [(&str, Answer); 3] = [
    ("nothing", Answer::Nothing),
    ("stale", Answer::Stale),
    ("never", Answer::Never),
];

/// The shortest time for which a flapping fault stays as it is.
const LEAST_FLAP: Span = Span::millis(1);

/// What faults can be, in this scenario.
pub(super) struct Within {
    /// Whether what processors do takes time.
    pub(super) costs: bool,
    /// What the mode promises to survive; anything goes in a scenario that expects a violation.
    pub(super) promised: Option<Envelope>,
    /// How long the storm lasts.
    pub(super) length: Span,
    /// Whether processes look each other up by name.
    pub(super) resolves: bool,
}

impl Checks<'_> {
    pub(super) fn fault<M: Mode>(
        &self,
        fault: Spanned<FaultFile>,
        within: &Within,
    ) -> Result<Plan, Problem> {
        let place = fault.span();
        let file = fault.into_inner();
        let (at, every, lasts, flap) = (
            file.at.clone(),
            file.every.clone(),
            file.lasts.clone(),
            file.flap.clone(),
        );
        if at.get_ref().max >= within.length {
            let message = format!(
                "the fault begins at {}, after the storm is over",
                at.get_ref().max
            );
            let help = format!("the storm lasts {}", within.length);
            return Err(self.at(at.span(), message).help(help));
        }
        if let Some(every) = &every
            && every.get_ref().min == Span::ZERO
        {
            return Err(self
                .at(every.span(), "a fault that comes again at once never ends")
                .help("write \"5s\""));
        }
        let deeds = self.deeds::<M>(file, within)?;
        let [what] = <[What; 1]>::try_from(deeds).map_err(|deeds| {
            let message = format!("a fault does one thing, and this one does {}", deeds.len());
            let form = Form::of(&[]);
            let known: Vec<&str> = form.faults().iter().map(|fault| fault.key.name).collect();
            let help = format!("one of {}", known.join(", "));
            self.at(place.clone(), message).help(help)
        })?;
        let lasts = match lasts {
            Some(lasts) if what.is_instant() => {
                return Err(self
                    .at(lasts.span(), "this fault happens at once")
                    .help("leave out `for`"));
            }
            Some(lasts) => lasts.into_inner(),
            None if what.is_instant() => Span::ZERO.into(),
            None => {
                return Err(self
                    .at(place, "a fault without an end")
                    .help("say how long it lasts: for = \"2s\""));
            }
        };
        if let Some(flap) = &flap {
            if !what.can_flap() {
                return Err(self
                    .at(flap.span(), "this fault cannot come and go")
                    .help("leave out `flap`, and say with `every` how often it comes"));
            }
            if flap.get_ref().min < LEAST_FLAP {
                let message = format!("it would stay as it is for {}", flap.get_ref().min);
                return Err(self
                    .at(flap.span(), message)
                    .help(format!("at least {LEAST_FLAP}")));
            }
        }
        Ok(Plan {
            at: at.into_inner(),
            every: every.map(Spanned::into_inner),
            lasts,
            flap: flap.map(Spanned::into_inner),
            what,
        })
    }

    /// Everything that a fault says it does.
    fn deeds<M: Mode>(&self, file: FaultFile, within: &Within) -> Result<Vec<What>, Problem> {
        let mut deeds = Vec::new();
        self.network_deeds::<M>(&file, &mut deeds)?;
        self.process_deeds::<M>(&file, within, &mut deeds)?;
        self.disk_deeds::<M>(&file, within, &mut deeds)?;
        if let Some(step) = &file.step_clock {
            let on = self.group::<M>(&step.on)?;
            let skew = Skew::Step(self.signed(&step.by)?);
            deeds.push(What::Clock { on, skew });
        }
        if let Some(names) = &file.freeze_clock {
            let (on, skew) = (self.group::<M>(names)?, Skew::Freeze);
            deeds.push(What::Clock { on, skew });
        }
        self.name_deeds::<M>(&file, within, &mut deeds)?;
        if let Some(lose) = &file.lose_queue {
            deeds.push(self.lose_queue::<M>(lose)?);
        }
        Ok(deeds)
    }

    fn network_deeds<M: Mode>(
        &self,
        file: &FaultFile,
        deeds: &mut Vec<What>,
    ) -> Result<(), Problem> {
        if let Some(apart) = &file.partition {
            deeds.push(self.apart::<M>(apart)?);
        }
        if let Some(cut) = &file.cut {
            let (from, to) = self.ends::<M>(&cut.from, &cut.to)?;
            deeds.push(What::Cut { from, to });
        }
        for (file, act) in [(&file.drop, Act::Drop), (&file.jam, Act::Jam)] {
            if let Some(links) = file {
                let LinksFile { from, to, message } = links.get_ref();
                deeds.push(self.links::<M>(from, to, message, act)?);
            }
        }
        if let Some(slow) = &file.slow_link {
            let act = Act::Slow(self.factor(&slow.factor)?);
            deeds.push(self.links::<M>(&slow.from, &slow.to, &slow.message, act)?);
        }
        if let Some(noise) = &file.noise {
            let place = noise.span();
            let NoiseFile {
                from,
                to,
                message,
                loss,
                duplicate,
                reorder,
                corrupt,
            } = noise.get_ref();
            let noise = self.noise([loss, duplicate, reorder, corrupt])?;
            if noise == Noise::default() {
                return Err(self
                    .at(place, "a noise that does nothing")
                    .help("say how likely it is: noise = { loss = 0.1 }"));
            }
            deeds.push(self.links::<M>(from, to, message, Act::Noise(noise))?);
        }
        if let Some(CutFile { from, to }) = &file.reset_streams {
            let (from, to) = self.ends::<M>(from, to)?;
            deeds.push(What::Reset { from, to });
        }
        if let Some(StallFile { from, to, way }) = &file.stall_streams {
            let (from, to) = self.ends::<M>(from, to)?;
            let ways = way
                .as_ref()
                .map_or(Ok([true; 2]), |way| self.one_of(way, "way", &WAYS))?;
            deeds.push(What::Stall { from, to, ways });
        }
        if let Some(names) = &file.swizzle {
            deeds.push(What::Swizzle(self.group::<M>(names)?));
        }
        Ok(())
    }

    fn process_deeds<M: Mode>(
        &self,
        file: &FaultFile,
        within: &Within,
        deeds: &mut Vec<What>,
    ) -> Result<(), Problem> {
        let downs = [
            (&file.crash, Down::Crash),
            (&file.kill_host, Down::HostDeath),
            (&file.power, Down::Power),
            (&file.wipe, Down::Wipe),
            (&file.rot, Down::Rot),
            (&file.quit, Down::Quit),
        ];
        for (names, how) in downs {
            if let Some(names) = names {
                let lost = matches!(how, Down::Wipe | Down::Rot);
                if lost
                    && within
                        .promised
                        .is_some_and(|promised| promised.lost_servers == 0)
                {
                    return Err(self.beyond::<M>(names.span(), "the loss of a server's disk"));
                }
                let on = self.group::<M>(names)?;
                deeds.push(What::Down { on, how });
            }
        }
        if let Some(rolling) = &file.rolling {
            let (on, gap) = (
                self.group::<M>(&rolling.on)?,
                rolling.gap.unwrap_or(Span::ZERO.into()),
            );
            let quit = rolling.quit.unwrap_or(false);
            deeds.push(What::Rolling { on, gap, quit });
        }
        if let Some(crash) = &file.crash_at {
            let (on, point) = (self.group::<M>(&crash.on)?, self.point::<M>(crash)?);
            deeds.push(What::Trap { on, point });
        }
        if let Some(names) = &file.pause {
            deeds.push(What::Pause(self.group::<M>(names)?));
        }
        if let Some(SlowFile { on, factor }) = &file.slow_cpu {
            if !within.costs {
                return Err(self
                    .at(
                        factor.span(),
                        "work costs nothing here, so it cannot be slow",
                    )
                    .help("name a machine = \"gce_8_vcpu\", or set the costs under [cpu]"));
            }
            let (on, factor) = (self.group::<M>(on)?, self.factor(factor)?);
            deeds.push(What::SlowCpu { on, factor });
        }
        Ok(())
    }

    fn disk_deeds<M: Mode>(
        &self,
        file: &FaultFile,
        within: &Within,
        deeds: &mut Vec<What>,
    ) -> Result<(), Problem> {
        if let Some(SlowFile { on, factor }) = &file.slow_disk {
            let trouble = Trouble::Slow(self.factor(factor)?);
            let on = self.group::<M>(on)?;
            deeds.push(What::Disk { on, trouble });
        }
        let troubles = [
            (&file.stall_disk, Trouble::Stalls),
            (&file.fail_writes, Trouble::FailsWrites),
            (&file.fill_disk, Trouble::Full),
            (&file.fail_flushes, Trouble::FailsFlushes),
            (&file.fake_flushes, Trouble::Lies),
        ];
        for (names, trouble) in troubles {
            if let Some(names) = names {
                let lies = trouble == Trouble::Lies;
                if lies
                    && within
                        .promised
                        .is_some_and(|promised| !promised.lying_flushes)
                {
                    return Err(self.beyond::<M>(names.span(), "a flush that lies"));
                }
                let on = self.group::<M>(names)?;
                deeds.push(What::Disk { on, trouble });
            }
        }
        Ok(())
    }

    fn name_deeds<M: Mode>(
        &self,
        file: &FaultFile,
        within: &Within,
        deeds: &mut Vec<What>,
    ) -> Result<(), Problem> {
        if let Some(names) = &file.unlist {
            self.resolves::<M>(names, within)?;
            let on = self.group::<M>(names)?;
            let is_client = |target: &Target| match target {
                Target::Clients => true,
                Target::Node(node) => node.is_client(),
                _ => false,
            };
            if on.iter().any(is_client) {
                return Err(self
                    .at(names.span(), "the name stands for servers only")
                    .help("a client is not listed, and cannot be taken out"));
            }
            deeds.push(What::Unlist(on));
        }
        if let Some(ResolverFile { on, answer }) = &file.resolver {
            self.resolves::<M>(on, within)?;
            let answer = self.one_of(answer, "answer of a resolver", &ANSWERS)?;
            let on = self.group::<M>(on)?;
            deeds.push(What::Resolver { on, answer });
        }
        Ok(())
    }

    /// Whether there is anybody who asks for names.
    fn resolves<M: Mode>(&self, names: &Spanned<Names>, within: &Within) -> Result<(), Problem> {
        if within.resolves {
            return Ok(());
        }
        let message = format!("{} does not look names up here", M::NAME);
        Err(self
            .at(names.span(), message)
            .help("its processes know each other from the start: nobody would notice"))
    }

    fn beyond<M: Mode>(&self, place: Range<usize>, what: &str) -> Problem {
        self.at(
            place,
            format!("{} does not promise to survive {what}", M::NAME),
        )
        .help("say under [expect] what it breaks: violated = \"...\"")
    }

    fn links<M: Mode>(
        &self,
        from: &Option<Spanned<Names>>,
        to: &Option<Spanned<Names>>,
        message: &Option<Spanned<String>>,
        act: Act,
    ) -> Result<What, Problem> {
        let group = |names: &Option<Spanned<Names>>| {
            let names = names.as_ref();
            names.map(|names| self.group::<M>(names)).transpose()
        };
        if let (Some(from), Some(to)) = (from, to) {
            self.ends::<M>(from, to)?;
        }
        let kind = message
            .as_ref()
            .map(|message| self.kind::<M>(message))
            .transpose()?;
        let (from, to) = (group(from)?, group(to)?);
        Ok(What::Links {
            from,
            to,
            kind,
            act,
        })
    }

    /// A kind of message: its number and its name.
    fn kind<M: Mode>(&self, message: &Spanned<String>) -> Result<(usize, &'static str), Problem> {
        let known = <M::Message as Kinds>::KINDS;
        let all: Vec<(&str, (usize, &'static str))> = known
            .iter()
            .enumerate()
            .map(|(kind, name)| (*name, (kind, *name)))
            .collect();
        self.one_of(message, "kind of message", &all)
    }

    fn factor(&self, factor: &Spanned<u32>) -> Result<u32, Problem> {
        match *factor.get_ref() {
            0 => Err(self
                .at(factor.span(), "a factor of 0")
                .help("20 makes it take 20 times as long")),
            factor => Ok(factor),
        }
    }

    fn point<M: Mode>(&self, file: &CrashAtFile) -> Result<Point, Problem> {
        match (&file.after, &file.before) {
            (Some(after), None) => {
                if let Some(nth) = &file.nth {
                    return Err(self
                        .at(nth.span(), "only messages are counted")
                        .help("leave out `nth`, or write before = \"append\""));
                }
                self.one_of(after, "point", &POINTS)
            }
            (None, Some(message)) => {
                let (kind, name) = self.kind::<M>(message)?;
                let nth = file.nth.as_ref().map_or(1, |nth| *nth.get_ref());
                if nth == 0 {
                    let place = file.nth.as_ref().map_or(0..0, Spanned::span);
                    return Err(self
                        .at(place, "messages are counted from 1")
                        .help("nth = 1"));
                }
                Ok(Point::Sends { kind, name, nth })
            }
            (None, None) | (Some(_), Some(_)) => Err(self
                .at(file.on.span(), "the crash needs one point")
                .help("write after = \"write\", after = \"flush\", or before = \"append\"")),
        }
    }

    fn lose_queue<M: Mode>(&self, file: &LoseQueueFile) -> Result<What, Problem> {
        let known: Vec<(&str, &'static str)> =
            M::QUEUES.iter().map(|name| (*name, *name)).collect();
        let queue = self.one_of(&file.queue, "queue", &known)?;
        let share = match &file.share {
            None => crate::world::random::Chance(1_000_000),
            Some(share) if *share.get_ref() == 0.0 => {
                return Err(self
                    .at(share.span(), "a share of nothing")
                    .help("0.5 loses half of what waits, 1 all of it"));
            }
            Some(share) => self.chance(Some(share))?,
        };
        let on = self.group::<M>(&file.on)?;
        Ok(What::Lose { on, queue, share })
    }

    /// Nanoseconds, negative if the text begins with `-`.
    fn signed(&self, text: &Spanned<String>) -> Result<i64, Problem> {
        let back = text.get_ref().strip_prefix('-');
        let span: Result<Span, _> = back.unwrap_or(text.get_ref()).parse();
        let span = span.map_err(|wrong| {
            self.at(text.span(), wrong.to_string())
                .help("write \"2s\" or \"-2s\"")
        })?;
        if span > Span::secs(24 * 3600 * 365) {
            return Err(self
                .at(text.span(), format!("a step of {span}"))
                .help("at most a year"));
        }
        let nanos = span.as_nanos() as i64;
        Ok(if back.is_some() { -nanos } else { nanos })
    }
}
