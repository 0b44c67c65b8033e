//! The law of streams: what holds of them under any schedule of faults.
//!
//! ```text
//! of one stream  n1: begins ... opened  pushed 1 2 3 4 5           leaves
//!                n2:            opened  got    1 2 3     credit 4 5       closed finished
//! ```
//!
//! A judge reads the notes of both ends, which open, push, close and close back at random, and knows nothing of the
//! world: each end gets a prefix of what the other pushed, in order; all of it before it hears that the other closed;
//! nothing after the end; credit only for what was taken in; and no stream has the name of another.

#[path = "../cases/mod.rs"]
mod cases;

use std::collections::{BTreeMap, BTreeSet};

use netsplit_sim::report::transcript::Wanted;
use netsplit_sim::world::ground::Footing;
use proptest::prelude::*;

use super::seen::{Seen, listen, read};

/// Every fault that can befall a stream: WHOM and OTHER are anybody, FACTOR is a number of two digits.
const FAULTS: [&str; 33] = [
    "partition = ['WHOM', 'others']",
    "partition = 'halves'",
    "partition = 'bridge'",
    "cut = { from = 'WHOM', to = 'others' }",
    "cut = { from = 'OTHER', to = 'WHOM' }",
    "drop = { message = 'item' }",
    "drop = { message = 'fifth', to = 'WHOM' }",
    "drop = { message = 'remark', from = 'WHOM' }",
    "jam = { from = 'WHOM' }",
    "jam = { to = 'WHOM', message = 'fifth' }",
    "slow_link = { from = 'WHOM', factor = FACTOR }",
    "noise = { loss = 0.FACTOR, duplicate = 0.FACTOR, reorder = 0.FACTOR, corrupt = 0.FACTOR }",
    "swizzle = 'all'",
    "reset_streams = { from = 'WHOM', to = 'OTHER' }",
    "reset_streams = { from = 'all', to = 'all' }",
    "stall_streams = { from = 'WHOM', to = 'OTHER' }",
    "stall_streams = { from = 'WHOM', to = 'others', way = 'forth' }",
    "stall_streams = { from = 'all', to = 'WHOM', way = 'back' }",
    "crash = 'WHOM'",
    "kill_host = 'WHOM'",
    "power = 'all'",
    "power = 'WHOM'",
    "wipe = 'WHOM'",
    "quit = 'WHOM'",
    "rolling = { on = 'all', gap = 'FACTORms' }",
    "crash_at = { on = 'WHOM', before = 'item', nth = FACTOR }",
    "crash_at = { on = 'WHOM', after = 'flush' }",
    "pause = 'WHOM'",
    "slow_cpu = { on = 'WHOM', factor = FACTOR }",
    "slow_disk = { on = 'WHOM', factor = FACTOR }",
    "stall_disk = 'WHOM'",
    "fail_writes = 'WHOM'",
    "fail_flushes = 'WHOM'",
];

/// Whom they are aimed at.
const WHOM: [&str; 6] = ["any", "n1", "n2", "minority", "majority", "all"];

/// Any of them, aimed at anybody.
fn fault() -> impl Strategy<Value = String> {
    let what = (
        prop::sample::select(&FAULTS[..]),
        prop::sample::select(&WHOM[..]),
        prop::sample::select(&WHOM[..]),
        10..60_u32,
    );
    let times = (0..2000_u32, 50..1500_u32, 1..1000_u32);
    (what, times).prop_map(|((what, whom, other, factor), (at, every, lasts))| {
        let what = what
            .replace("WHOM", whom)
            .replace("OTHER", other)
            .replace("FACTOR", &factor.to_string());
        let lasts = if what.starts_with("reset") {
            String::new()
        } else {
            format!("for = '1ms..{lasts}ms', ")
        };
        let until = 2 * every;
        format!("at = '{at}ms', every = '{every}ms..{until}ms', {lasts}{what}")
    })
}

/// Any number of servers with any habits, on links and machines of any kind; first the size of their messages.
fn head() -> impl Strategy<Value = (u64, String)> {
    let servers = (3..6_u32, 1..5_u32, 0..4_usize, prop::bool::ANY);
    let pushes = (5..40_u32, 1..12_u64, 1..400_usize, 1..20_usize);
    let closes = (0..40_u64, 0..40_u64, 1..200_u32, 0..800_u32);
    let habits = (prop::bool::ANY, prop::bool::ANY, prop::bool::ANY);
    let costs = (0..60_u32, 0..3_usize, 0..3_usize, 0..20_u32);
    (servers, pushes, closes, habits, costs).prop_map(
        |(
            (nodes, opens, calm, words),
            (interval, burst, size, window),
            (closes, hangs_up, retry, tires),
            (echo, flushes, dogged),
            (latency, bandwidth, cpu, noise),
        )| {
            let calm = ["all", "all", "all", "core"][calm];
            let window = window * size;
            let latency = format!("{}us..{latency}ms", 10 * latency);
            let bandwidth = ["", "network.bandwidth = '10Mbit/s'\nnetwork.queue = '4KiB'", "network.bandwidth = '1Mbit/s'\nnetwork.queue = '64KiB'"][bandwidth];
            let cpu = ["1us", "10us", "500us"][cpu];
            // One in five never closes by itself.
            let tires = if tires < 160 { "0s".to_owned() } else { format!("0s..{tires}ms") };
            let head = format!(
                "nodes = {nodes}\nlength = '3s'\ncalm = '{calm}'\n\
                 network.latency = '{latency}'\nnetwork.client_latency = '1ms'\nnetwork.window = '{window}B'\n\
                 network.loss = 0.{noise:03}\nnetwork.reorder = 0.{noise:03}\n{bandwidth}\n\
                 cpu.message = '{cpu}'\n\
                 options = {{ opens = {opens}, interval = '1ms..{interval}ms', burst = {burst}, size = {size}, \
                 closes = {closes}, hangs_up = {hangs_up}, retry = '0s..{retry}ms', tires = '{tires}', \
                 echo = {echo}, flushes = {flushes}, dogged = {dogged}, words = {words}, \
                 until = '3500ms', answers = '1s' }}"
            );
            (size as u64, head)
        },
    )
}

proptest! {
    #![proptest_config(cases::config())]

    #[test]
    fn any_schedule_of_faults_leaves_of_every_stream_what_it_promises(
        (size, head) in head(), faults in prop::collection::vec(fault(), 0..6), seed in 0_u64..1_000_000
    ) {
        let faults: Vec<&str> = faults.iter().map(String::as_str).collect();
        let scenario = read(&head, &faults);
        let seen = listen(scenario.as_ref(), seed, notes());
        let case = || format!("seed {seed}\n{head}\n{}", faults.join("\n"));
        prop_assert!(seen.run.violations.is_empty(), "{:?}\n{}", seen.run.violations, case());
        prop_assert_eq!(Judge::of(&seen, size).broken, Vec::<String>::new(), "{}", case());
        prop_assert_eq!(scenario.play(seed, Footing::Plain).digest, seen.run.digest, "{}", case());
    }
}

#[test]
fn the_judge_sees_every_way_in_which_a_stream_can_end() {
    let head = "nodes = 4\nlength = '3s'\n\
                options = { opens = 4, echo = true, flushes = true, tires = '0s..800ms', until = '3s' }";
    let faults = [
        "at = '100ms', every = '300ms', for = '50ms..200ms', crash = 'any'",
        "at = '250ms', every = '200ms', reset_streams = { from = 'any', to = 'others' }",
        "at = '300ms', every = '300ms', for = '100ms..400ms', partition = 'halves'",
    ];
    let judge = Judge::of(&listen(read(head, &faults).as_ref(), 0, notes()), 100);
    assert_eq!(judge.broken, Vec::<String>::new());
    for (way, least) in [
        ("finished", 10),
        ("reset", 20),
        ("refused", 5),
        ("left", 50),
    ] {
        let often = judge.ends.get(way).copied().unwrap_or(0);
        assert!(often >= least, "{way}: {often}");
    }
}

/// The notes, and when a server goes down.
fn notes() -> Wanted {
    Wanted::read("pipes=debug,world=debug", "pipes").expect("directives that can be read")
}

/// One end of a stream, as its notes tell.
#[derive(Default)]
struct End {
    /// Whether it is open in this life.
    open: bool,
    /// Whether it was closed at this end.
    left: bool,
    window: u64,
    /// How many items and remarks were pushed, and how many of the other's were got.
    pushed: u64,
    got: u64,
    remarks: Vec<u64>,
    reads: Vec<u64>,
    /// How much of the window was given back, in bytes.
    credited: u64,
}

/// Reads the notes of a run.
#[derive(Default)]
struct Judge {
    /// Of a message, in bytes.
    size: u64,
    /// The two ends of a stream, by name and node; the last one of those that a node that died and came back has had.
    all: BTreeMap<(String, String), End>,
    /// With whom an opener began a stream.
    peers: BTreeMap<String, [String; 2]>,
    /// Which streams a node still has to hear of.
    waits: BTreeSet<(String, String)>,
    /// How streams ended, and how often.
    ends: BTreeMap<String, u64>,
    broken: Vec<String>,
}

impl Judge {
    fn of(seen: &Seen, size: u64) -> Judge {
        let mut judge = Judge {
            size,
            ..Judge::default()
        };
        for (at, node, text) in seen.lines() {
            if let Err(problem) = judge.line(node, text) {
                judge.broken.push(format!("{at} {node} {text}: {problem}"));
            }
        }
        judge
    }

    fn line(&mut self, node: &str, text: &str) -> Result<(), String> {
        if text.starts_with("goes down") {
            self.waits.retain(|(_, waits)| waits != node);
            let ends = self.all.iter_mut().filter(|((_, of), _)| of == node);
            ends.for_each(|(_, end)| end.open = false);
            return Ok(());
        }
        let words: Vec<&str> = text
            .split([' ', ','])
            .filter(|word| !word.is_empty())
            .collect();
        let [what, stream, rest @ ..] = &words[..] else {
            return Ok(());
        };
        let number = || rest[0].parse::<u64>().expect("a number");
        match *what {
            "begins" => self.begins(node, stream, rest[1]),
            "opened" => {
                let window = rest[3].parse().expect("bytes");
                self.opened(node, stream, rest[1], rest[2] == "mine", window)
            }
            "pushed" | "remarks" => self.pushes(node, stream, *what == "remarks", number()),
            "got" => self.gets(node, stream, number()),
            "reads" => self.reads(node, stream, number()),
            "credit" => self.credit(node, stream, number()),
            "leaves" => {
                *self.ends.entry("left".into()).or_default() += 1;
                if self.waits.remove(&name(stream, node)) {
                    // It changed its mind before it was answered.
                    self.all.insert(name(stream, node), End::default());
                } else {
                    self.open_end(node, stream)?.open = false;
                }
                self.end(node, stream).left = true;
                Ok(())
            }
            "closed" => self.closed(node, stream, rest[0]),
            _ => Ok(()),
        }
    }

    fn begins(&mut self, node: &str, stream: &str, peer: &str) -> Result<(), String> {
        self.waits.insert(name(stream, node));
        let ends = [node.to_owned(), peer.to_owned()];
        let before = self.peers.insert(stream.to_owned(), ends);
        ensure(before.is_none(), "there was a stream of this name")
    }

    fn opened(
        &mut self,
        node: &str,
        stream: &str,
        peer: &str,
        mine: bool,
        window: u64,
    ) -> Result<(), String> {
        let [opener, other] = self.peers.get(stream).ok_or("nobody began it")?;
        let as_begun = if mine {
            (opener.as_str(), other.as_str())
        } else {
            (other.as_str(), opener.as_str())
        };
        ensure((node, peer) == as_begun, "others began it")?;
        if mine {
            ensure(
                self.waits.remove(&name(stream, node)),
                "it did not wait for it",
            )?;
        }
        let end = End {
            open: true,
            window,
            ..End::default()
        };
        let before = self.all.insert(name(stream, node), end);
        // A second time only in another life, while the opener waits.
        let again = before.is_some_and(|end| mine || end.open || end.left);
        ensure(!again, "it was open before")
    }

    fn pushes(&mut self, node: &str, stream: &str, remark: bool, n: u64) -> Result<(), String> {
        let size = self.size;
        let end = self.open_end(node, stream)?;
        if remark {
            end.remarks.push(n);
        } else {
            end.pushed += 1;
        }
        let out = (end.pushed + end.remarks.len() as u64) * size;
        let out = out.saturating_sub(end.credited);
        ensure(
            out <= end.window,
            format!("{out} bytes are out, and the window is {}", end.window),
        )
    }

    fn gets(&mut self, node: &str, stream: &str, number: u64) -> Result<(), String> {
        let pushed = self.other_end(node, stream)?.pushed;
        let end = self.open_end(node, stream)?;
        end.got += 1;
        ensure(end.got == number, format!("it is item {}", end.got))?;
        ensure(number <= pushed, format!("only {pushed} were pushed"))
    }

    fn reads(&mut self, node: &str, stream: &str, tick: u64) -> Result<(), String> {
        let remarks = self.other_end(node, stream)?.remarks.clone();
        let end = self.open_end(node, stream)?;
        let next = remarks.get(end.reads.len()).copied();
        end.reads.push(tick);
        ensure(next == Some(tick), format!("the next remark was {next:?}"))
    }

    fn credit(&mut self, node: &str, stream: &str, bytes: u64) -> Result<(), String> {
        let size = self.size;
        let other = self.other_end(node, stream)?;
        let taken = (other.got + other.reads.len() as u64) * size;
        let end = self.open_end(node, stream)?;
        end.credited += bytes;
        let credited = end.credited;
        ensure(
            credited <= taken,
            format!("{credited} bytes of credit for {taken} that were taken in"),
        )
    }

    fn closed(&mut self, node: &str, stream: &str, why: &str) -> Result<(), String> {
        *self.ends.entry(why.to_owned()).or_default() += 1;
        if self.waits.remove(&name(stream, node)) {
            // It was answered by nobody, or by one who was gone when the answer came.
            return Ok(());
        }
        let end = self.open_end(node, stream)?;
        end.open = false;
        let (got, reads) = (end.got, end.reads.len());
        ensure(why != "refused", "it was open")?;
        if why == "finished" {
            let other = self.other_end(node, stream)?;
            ensure(other.left, "the other did not close it")?;
            let (pushed, remarks) = (other.pushed, other.remarks.len());
            ensure(
                (got, reads) == (pushed, remarks),
                format!("{got} of {pushed} items came, and {reads} of {remarks} remarks"),
            )?;
        }
        Ok(())
    }

    fn end(&mut self, node: &str, stream: &str) -> &mut End {
        self.all.entry(name(stream, node)).or_default()
    }

    /// This end, if it is open in this life.
    fn open_end(&mut self, node: &str, stream: &str) -> Result<&mut End, String> {
        let end = self.all.get_mut(&name(stream, node));
        end.filter(|end| end.open)
            .ok_or_else(|| "it is not open here".into())
    }

    fn other_end(&self, node: &str, stream: &str) -> Result<&End, String> {
        let ends = self.peers.get(stream).ok_or("nobody began it")?;
        let other = ends.iter().find(|other| *other != node);
        let other = other.ok_or("its ends are one")?;
        let end = self.all.get(&name(stream, other));
        end.ok_or_else(|| format!("{other} knows nothing of it"))
    }
}

fn name(stream: &str, node: &str) -> (String, String) {
    (stream.to_owned(), node.to_owned())
}

fn ensure(holds: bool, problem: impl Into<String>) -> Result<(), String> {
    if holds { Ok(()) } else { Err(problem.into()) }
}
