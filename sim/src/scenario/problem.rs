//! What is wrong with a scenario, where, and what would be right.

use std::fmt;
use std::ops::Range;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};

use super::Source;

/// One thing that is wrong with a scenario file.
#[derive(Clone, Debug)]
pub struct Problem(Box<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    message: String,
    place: Option<Range<usize>>,
    label: String,
    help: Option<String>,
    source: NamedSource<String>,
}

impl Problem {
    /// Something is wrong at a place of the file.
    pub fn new(
        source: &Source,
        place: Option<Range<usize>>,
        message: impl Into<String>,
    ) -> Problem {
        Problem(Box::new(Parts {
            message: message.into(),
            place,
            label: "here".into(),
            help: None,
            source: NamedSource::new(&source.path, source.text.clone()).with_language("toml"),
        }))
    }

    /// What would be right.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Problem {
        self.0.help = Some(help.into());
        self
    }

    /// What to write at the place.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Problem {
        self.0.label = label.into();
        self
    }

    /// An unknown name where one of `known` would be right: names the nearest.
    pub fn unknown<'a>(
        source: &Source,
        place: Option<Range<usize>>,
        what: &str,
        name: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Problem {
        let known: Vec<&str> = known.into_iter().collect();
        let problem = Problem::new(source, place, format!("`{name}` is not a {what}"));
        match nearest(name, &known) {
            Some(near) => problem.label(format!("did you mean `{near}`?")),
            None => problem.label(format!("not a {what}")),
        }
        .help(match &known[..] {
            [] => "there are none".into(),
            known => format!("known: {}", known.join(", ")),
        })
    }

    /// What the TOML reader found.
    pub fn toml(source: &Source, error: &toml::de::Error) -> Problem {
        let message = error.message().trim().to_owned();
        if let Some((name, known)) = unknown_name(&message) {
            return Problem::unknown(
                source,
                error.span(),
                "key here",
                &name,
                known.iter().map(String::as_str),
            );
        }
        if let Some(field) = message
            .strip_prefix("missing field `")
            .and_then(|rest| rest.strip_suffix('`'))
        {
            let place = error.span().filter(|place| place.len() < source.text.len());
            return Problem::new(source, place, format!("the key `{field}` is missing"))
                .help(format!("add `{field} = ...`"));
        }
        // Rust's names for numbers are not the user's.
        let message = message.replace(
            "expected u32",
            "expected a whole number from 0 to 4294967295",
        );
        let message = message.replace("expected usize", "expected a whole number, 0 or more");
        Problem::new(source, error.span(), message)
    }
}

/// `unknown field `x`, expected one of `a`, `b`` in its parts.
fn unknown_name(message: &str) -> Option<(String, Vec<String>)> {
    let prefixes = ["unknown field `", "unknown variant `"];
    let mut rest = prefixes
        .iter()
        .filter_map(|prefix| message.strip_prefix(prefix));
    let rest = rest.next()?;
    let (name, rest) = rest.split_once('`')?;
    let known = rest
        .split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect();
    Some((name.to_owned(), known))
}

/// The known name that is nearest, if any is near at all.
pub fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let near = |known: &str| strsim::jaro_winkler(&name.to_lowercase(), known);
    let best = known.iter().max_by(|a, b| near(a).total_cmp(&near(b)))?;
    (near(best) > 0.7).then_some(best)
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // With a place, the file is named beside it.
        match self.0.place {
            Some(_) => f.write_str(&self.0.message),
            None => write!(f, "{}: {}", self.0.source.name(), self.0.message),
        }
    }
}

impl std::error::Error for Problem {}

impl Diagnostic for Problem {
    fn help(&self) -> Option<Box<dyn fmt::Display + '_>> {
        self.0
            .help
            .as_ref()
            .map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.0.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let place = self.0.place.clone()?;
        Some(Box::new(std::iter::once(LabeledSpan::at(
            place,
            &self.0.label,
        ))))
    }
}
