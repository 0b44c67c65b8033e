//! The command line.

use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{fs, io, thread};

use clap::{Args, Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use miette::Report;
use netsplit::{Span, Time};

use crate::explore;
use crate::modes::{self, AnyMode};
use crate::play::{Play, Run, Tally, Verdict};
use crate::report::transcript::{self, Wanted};
use crate::report::{list, manual, verdict};
use crate::scenario::form::Form;
use crate::scenario::{Source, schema, seed_range};

/// So many events all that ships may cost: about a minute on two cores, as one does 1.25 million a second, judged.
const BUDGET: u64 = 150_000_000;

/// Where scenarios lie, if none ship.
const FOLDER: &str = "scenarios";

/// Everything is as expected.
const FINE: u8 = 0;
/// Something was violated.
const VIOLATION: u8 = 1;
/// Something could not be told.
const UNKNOWN: u8 = 2;
/// The command or a scenario is wrong.
const WRONG: u8 = 3;

/// A deterministic simulation testbed for replication protocols.
///
/// Without a command, every shipped scenario is run, on as many of its seeds as a budget of events allows. Exit code: 0 all
/// as expected, 1 a violation, 2 a verdict is unknown, 3 the command or a scenario is wrong.
#[derive(Parser)]
#[command(name = "netsplit", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Run scenario files, or all files below folders.
    Run(RunArgs),
    /// Make one run again, and show it.
    Replay(ReplayArgs),
    /// List modes, with their roles, operations, options, judges, invariants and mistakes; and faults.
    List {
        /// Only this mode.
        mode: Option<String>,
    },
    /// Print the form of scenario files as a JSON Schema, for editors.
    Schema {
        /// Print it for people instead, as scenarios/README.md.
        #[arg(long)]
        readme: bool,
    },
}

#[derive(Args)]
struct RunArgs {
    /// Scenario files, or folders of them.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// One seed instead of the file's.
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Seeds instead of the file's, from the first to before the second: 0..1000.
    #[arg(long, value_parser = seed_range, value_name = "A..B")]
    seeds: Option<Range<u64>>,
    /// Make each run again in a fresh process, and show the first event that differs if one does.
    #[arg(long)]
    twice: bool,
    /// Threads; all cores if not given.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
}

#[derive(Args)]
struct ReplayArgs {
    /// The scenario file; `-` for standard input.
    file: PathBuf,
    /// The seed.
    #[arg(long)]
    seed: u64,
    /// Show every event; without it, what NETSPLIT_LOG asks for.
    #[arg(long)]
    trace: bool,
    /// Show nothing after this instant: 3.5s.
    #[arg(long)]
    until: Option<Span>,
    /// Show only what happens at this node, and what befalls all: n3.
    #[arg(long)]
    node: Option<String>,
    /// Show only the play of this key, and what befalls all: k7.
    #[arg(long)]
    key: Option<String>,
}

/// What a command line works on.
struct Testbed<'a> {
    modes: &'a [&'a dyn AnyMode],
    /// What it runs if it is told nothing, and finds where no file is.
    shipped: &'a [Source],
    /// What it is called.
    program: String,
}

/// Runs the command line of this process: what it knows are these modes, and what it ships with are these scenarios. If it
/// ships with none, those are meant that lie in the folder `scenarios` where it is run.
pub fn main(modes: &[&dyn AnyMode], scenarios: &[Source]) -> ExitCode {
    ExitCode::from(run(modes, scenarios, std::env::args_os()))
}

/// Runs a command line, of which the first word is the program's name; gives the exit code.
pub fn run(
    modes: &[&dyn AnyMode],
    scenarios: &[Source],
    args: impl IntoIterator<Item = OsString>,
) -> u8 {
    let mut args = args.into_iter().peekable();
    let program = args.peek().map(Path::new).and_then(Path::file_stem);
    let testbed = Testbed {
        modes,
        shipped: scenarios,
        program: program.map_or("netsplit".into(), |name| {
            name.to_string_lossy().into_owned()
        }),
    };
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are asked for; anything else is wrong.
            let wrong = error.use_stderr();
            let _ = error.print();
            return if wrong { WRONG } else { FINE };
        }
    };
    let done = match cli.command {
        None => testbed.run_shipped(),
        Some(Command::Run(args)) => testbed.run_paths(&args),
        Some(Command::Replay(args)) => testbed.replay(&args),
        Some(Command::List { mode }) => list(modes, mode.as_deref()),
        Some(Command::Schema { readme }) => Ok(print_form(modes, readme)),
    };
    done.unwrap_or_else(|report| {
        eprintln!("{report:?}");
        WRONG
    })
}

impl Testbed<'_> {
    /// Every shipped scenario, on as many of its seeds as [`BUDGET`] allows.
    fn run_shipped(&self) -> Result<u8, Report> {
        let scenarios = if self.shipped.is_empty() {
            self.read(&self.sources(&[PathBuf::from(FOLDER)])?)?
        } else {
            self.read(self.shipped)?
        };
        let bar = progress(scenarios.iter().map(|one| one.seeds().count() as u64).sum());
        let runs = explore::budget::within(&scenarios, BUDGET, threads(None), || bar.inc(1));
        bar.finish_and_clear();
        let mut cut = 0;
        let mut rows: Vec<(&dyn Play, Tally)> = Vec::new();
        for (scenario, runs) in scenarios.iter().zip(runs) {
            let whole = runs.len() == scenario.seeds().count();
            cut += usize::from(!whole);
            rows.push((&**scenario, Tally::of(&**scenario, &runs, whole)));
        }
        self.tell(&rows);
        if cut > 0 {
            print(&format!(
                "\nof {cut} scenarios only the first seeds were run; `{} run PATH` runs them all\n",
                self.program
            ));
        }
        Ok(code(rows.iter().map(|(_, tally)| tally.verdict).max()))
    }

    fn tell(&self, rows: &[(&dyn Play, Tally)]) {
        let (table, failures) = (verdict::table(rows), verdict::failures(rows, &self.program));
        print(&format!("{table}\n{failures}"));
    }

    fn run_paths(&self, args: &RunArgs) -> Result<u8, Report> {
        let scenarios = self.read(&self.sources(&args.paths)?)?;
        let seeds = args
            .seed
            .map(|seed| seed..seed.saturating_add(1))
            .or_else(|| args.seeds.clone());
        self.play(&scenarios, seeds, args.jobs, args.twice)
    }

    /// Reads scenarios; all that are wrong are reported.
    fn read(&self, sources: &[Source]) -> Result<Vec<Box<dyn Play>>, Report> {
        let (good, mut bad): (Vec<_>, Vec<_>) = sources
            .iter()
            .map(|source| modes::read(self.modes, source))
            .partition(Result::is_ok);
        if let Some(Err(last)) = bad.pop() {
            bad.into_iter()
                .filter_map(Result::err)
                .for_each(|problem| eprintln!("{:?}", Report::new(problem)));
            return Err(last.into());
        }
        Ok(good.into_iter().flatten().collect())
    }

    /// The files at these paths: on disk, or among those that ship.
    fn sources(&self, paths: &[PathBuf]) -> Result<Vec<Source>, Report> {
        let mut sources = Vec::new();
        for path in paths {
            let before = sources.len();
            if path.is_dir() {
                for entry in walkdir::WalkDir::new(path).sort_by_file_name() {
                    let entry =
                        entry.map_err(|error| miette::miette!("{}: {error}", path.display()))?;
                    let extension = entry.path().extension();
                    if extension.is_some_and(|extension| extension == "toml") {
                        sources.push(file(entry.path())?);
                    }
                }
            } else if path.exists() {
                sources.push(file(path)?);
            } else {
                // By path, or as the table of verdicts calls them.
                let below = |source: &&Source| {
                    let title = verdict::title(source);
                    Path::new(&source.path).starts_with(path) || Path::new(&title) == path
                };
                sources.extend(self.shipped.iter().filter(below).cloned());
            }
            if sources.len() == before {
                return Err(miette::miette!(
                    help = "name a .toml file or a folder of them",
                    "{}: no scenario there",
                    path.display()
                ));
            }
        }
        Ok(sources)
    }

    /// Runs scenarios on these seeds or their own, and prints the table.
    fn play(
        &self,
        scenarios: &[Box<dyn Play>],
        seeds: Option<Range<u64>>,
        threads: Option<u16>,
        twice: bool,
    ) -> Result<u8, Report> {
        let of = |scenario: &dyn Play| seeds.clone().unwrap_or_else(|| scenario.seeds());
        let jobs: Vec<explore::Job> = (0..)
            .zip(scenarios)
            .flat_map(|(place, scenario)| of(&**scenario).map(move |seed| (place, seed)))
            .collect();
        let threads = self::threads(threads);
        let bar = progress(jobs.len() as u64 * if twice { 2 } else { 1 });
        let mut runs = explore::all(scenarios, &jobs, threads, || bar.inc(1));
        let divergences = if twice {
            explore::twice::check(scenarios, &jobs, &runs, threads, || bar.inc(1))
                .map_err(|error| miette::miette!("no run could be made again: {error}"))?
        } else {
            Vec::new()
        };
        bar.finish_and_clear();
        let mut rows: Vec<(&dyn Play, Tally)> = Vec::new();
        for scenario in scenarios {
            let rest = runs.split_off(of(&**scenario).count());
            rows.push((&**scenario, Tally::of(&**scenario, &runs, seeds.is_none())));
            runs = rest;
        }
        self.tell(&rows);
        for divergence in &divergences {
            let (scenario, seed) = divergence.job;
            let title = verdict::title(scenarios[scenario].source());
            print(&format!(
                "\n{title}, seed {seed}: NOT DETERMINISTIC, - here, + in a fresh process\n{}\n",
                divergence.story
            ));
        }
        if twice && divergences.is_empty() {
            print(&format!(
                "\neach of {} runs gave the same digest in a fresh process\n",
                jobs.len()
            ));
        }
        let code = code(rows.iter().map(|(_, tally)| tally.verdict).max());
        Ok(if divergences.is_empty() {
            code
        } else {
            VIOLATION
        })
    }

    fn replay(&self, args: &ReplayArgs) -> Result<u8, Report> {
        let sources = if args.file == Path::new("-") {
            let text = io::read_to_string(io::stdin())
                .map_err(|error| miette::miette!("standard input: {error}"))?;
            vec![Source::new("-", text)]
        } else {
            self.sources(std::slice::from_ref(&args.file))?
        };
        let [source] = &sources[..] else {
            return Err(miette::miette!(
                "{} is a folder: replay makes one run of one file",
                args.file.display()
            ));
        };
        let scenario = modes::read(self.modes, source)?;
        check_filters(&*scenario, args)?;
        #[expect(
            clippy::disallowed_methods,
            reason = "it decides what is shown of the run, and nothing in it"
        )]
        let logged = std::env::var(transcript::VARIABLE)
            .ok()
            .filter(|directives| !directives.is_empty());
        let wanted = match (&logged, args.trace) {
            (Some(directives), _) => Some(
                Wanted::read(directives, scenario.mode())
                    .map_err(|wrong| miette::miette!("{wrong}"))?,
            ),
            (None, true) => Some(Wanted::everything()),
            (None, false) => None,
        };
        let run = match wanted {
            None => scenario.play_here(args.seed),
            Some(wanted) => {
                let until = args.until.map(|until| Time::ZERO + until);
                let wanted = Wanted {
                    until,
                    node: args.node.clone(),
                    key: args.key.clone(),
                    ..wanted
                };
                transcript::of(wanted, io::BufWriter::new(io::stdout()), || {
                    scenario.play_here(args.seed)
                })
            }
        };
        print(&summary(&*scenario, &run));
        Ok(code(Some(run.verdict())))
    }
}

fn file(path: &Path) -> Result<Source, Report> {
    let text =
        fs::read_to_string(path).map_err(|error| miette::miette!("{}: {error}", path.display()))?;
    Ok(Source::new(path.display().to_string(), text))
}

/// As many as were asked for; else as many as there are cores.
fn threads(asked: Option<u16>) -> usize {
    let cores = || thread::available_parallelism().ok().map(usize::from);
    asked.map(usize::from).or_else(cores).unwrap_or(1)
}

fn code(worst: Option<Verdict>) -> u8 {
    match worst {
        Some(Verdict::Violated) => VIOLATION,
        Some(Verdict::Unknown) => UNKNOWN,
        Some(Verdict::Holds) | None => FINE,
    }
}

/// A progress bar when a person watches; nothing when CI does.
fn progress(runs: u64) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} runs, {per_sec}, {eta} to go");
    ProgressBar::new(runs).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// A filter that nothing can pass is a mistake of whoever typed it.
fn check_filters(scenario: &dyn Play, args: &ReplayArgs) -> Result<(), Report> {
    if let Some(node) = &args.node {
        let nodes: Vec<String> = scenario.nodes().iter().map(ToString::to_string).collect();
        if !nodes.contains(node) {
            let help = format!("they are {}", nodes.join(", "));
            return Err(miette::miette!(
                help = help,
                "there is no `{node}` in this scenario"
            ));
        }
    }
    if let Some(key) = &args.key
        && key
            .strip_prefix('k')
            .is_none_or(|number| number.parse::<u32>().is_err())
    {
        return Err(miette::miette!(
            help = "keys are named k0, k1, ...",
            "`{key}` is not a key"
        ));
    }
    Ok(())
}

/// One run in a few lines.
fn summary(scenario: &dyn Play, run: &Run) -> String {
    let mut lines = vec![format!(
        "{}, seed {}",
        verdict::title(scenario.source()),
        run.seed
    )];
    lines.extend(
        run.faults
            .iter()
            .map(|(at, fault)| format!("  {at}  {fault}")),
    );
    lines.push(format!(
        "  {} operations ok, {} failed, {} unknown; {} messages; ended at {}",
        run.ok, run.failed, run.open, run.messages, run.ended
    ));
    lines.extend(verdict::gauges(run));
    if let Some(converged) = run.converged {
        lines.push(format!("  all was well {converged} after the storm"));
    }
    lines.extend(
        run.violations
            .iter()
            .map(|violation| format!("  VIOLATED {violation}")),
    );
    lines.extend(run.unknown.iter().map(|why| format!("  UNKNOWN {why}")));
    if run.verdict() == Verdict::Holds {
        lines.push("  everything held".into());
    }
    lines.push(format!(
        "  digest {:016x}, {}",
        run.digest,
        verdict::identity(scenario.source())
    ));
    lines.join("\n") + "\n"
}

fn list(modes: &[&dyn AnyMode], only: Option<&str>) -> Result<u8, Report> {
    let is_wanted = |mode: &&&dyn AnyMode| only.is_none_or(|name| name == mode.name());
    let wanted: Vec<&dyn AnyMode> = modes.iter().filter(is_wanted).copied().collect();
    if let (Some(name), true) = (only, wanted.is_empty()) {
        let known: Vec<&str> = modes.iter().map(|mode| mode.name()).collect();
        return Err(miette::miette!(
            help = format!("known: {}", known.join(", ")),
            "`{name}` is not a mode"
        ));
    }
    print(&list::render(&wanted, &Form::of(modes)));
    Ok(FINE)
}

/// Prints the form of scenario files, for editors or for people.
fn print_form(modes: &[&dyn AnyMode], readme: bool) -> u8 {
    if readme {
        print(&manual::render(modes));
    } else {
        print(&format!("{:#}\n", schema::of(modes)));
    }
    FINE
}

/// Prints; whoever reads may have left, as `head` does.
fn print(text: &str) {
    let _ = io::stdout().write_all(text.as_bytes());
}
