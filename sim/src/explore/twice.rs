//! The one law, proved on demand: each run once more, in a fresh process, and the digests compared.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, io, thread};

use super::Job;
use crate::play::{Play, Run};
use crate::report::transcript::{self, Wanted};

/// Lines shown before the first event that differs.
const CONTEXT: usize = 4;

/// A run that came out differently in another process.
pub struct Divergence {
    /// Which.
    pub job: Job,
    /// The first event that differs, with what led up to it on both sides; ready to print.
    pub story: String,
}

/// Makes every run again in a process of its own, and gives those that differ, in the order of `jobs`.
///
/// # Errors
/// If this program cannot be started again.
pub fn check(
    scenarios: &[Box<dyn Play>],
    jobs: &[Job],
    runs: &[Run],
    threads: usize,
    done: impl Fn() + Sync,
) -> io::Result<Vec<Divergence>> {
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..threads.min(jobs.len()) {
            scope.spawn(|| {
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some(&(scenario, seed)) = jobs.get(place) else {
                        break;
                    };
                    let again = again(&*scenarios[scenario], seed, &runs[place]);
                    found
                        .lock()
                        .unwrap_or_else(std::sync::PoisonError::into_inner)
                        .push((place, again));
                    done();
                }
            });
        }
    });
    let mut found = found
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    found.sort_by_key(|(place, _)| *place);
    let mut divergences = Vec::new();
    for (place, again) in found {
        divergences.extend(again?.map(|story| Divergence {
            job: jobs[place],
            story,
        }));
    }
    Ok(divergences)
}

/// One run again; none if it is the same.
fn again(scenario: &dyn Play, seed: u64, run: &Run) -> io::Result<Option<String>> {
    let text = replay(scenario, seed, &[])?;
    if text.contains(&format!("digest {:016x}", run.digest)) {
        return Ok(None);
    }
    let there = replay(scenario, seed, &["--trace"])?;
    let (_, here) = transcript::text(Wanted::everything(), || scenario.play_here(seed));
    Ok(Some(first_difference(&here, &there)))
}

/// Runs `netsplit replay` on the scenario's text, in a fresh process.
fn replay(scenario: &dyn Play, seed: u64, flags: &[&str]) -> io::Result<String> {
    let mut command = Command::new(env::current_exe()?);
    command
        .args(["replay", "-", "--seed", &seed.to_string()])
        .args(flags);
    command
        .env_remove(transcript::VARIABLE)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn()?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(scenario.source().text.as_bytes())?;
    }
    Ok(String::from_utf8_lossy(&child.wait_with_output()?.stdout).into_owned())
}

/// The first line that differs, with the lines before it.
fn first_difference(here: &str, there: &str) -> String {
    let here: Vec<&str> = here.lines().collect();
    let there: Vec<&str> = there.lines().take(here.len()).collect();
    let Some(place) = here
        .iter()
        .zip(&there)
        .position(|(one, other)| one != other)
    else {
        return "every event is the same as text: what differs is the content of a message or a state".into();
    };
    let mut story: Vec<String> = here[place.saturating_sub(CONTEXT)..place]
        .iter()
        .map(|line| format!("    {line}"))
        .collect();
    story.push(format!("  - {}", here[place]));
    story.push(format!("  + {}", there[place]));
    story.join("\n")
}

#[cfg(test)]
mod tests {
    use super::first_difference;

    #[test]
    fn the_first_line_that_differs_is_shown_with_what_led_up_to_it() {
        assert_eq!(
            first_difference("a\nb\nc\nd", "a\nb\nx\nd\nsummary"),
            "    a\n    b\n  - c\n  + x"
        );
    }

    #[test]
    fn equal_transcripts_are_said_to_be_equal() {
        assert!(first_difference("a\nb", "a\nb\nsummary").starts_with("every event is the same"));
    }
}
