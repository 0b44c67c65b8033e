//! The scenarios that ship, embedded: an installed `netsplit` works from anywhere.

use include_dir::{Dir, include_dir};

use crate::scenario::Source;

static SCENARIOS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../scenarios");

/// Every shipped scenario, by path.
pub fn all() -> Vec<Source> {
    let mut sources = Vec::new();
    collect(&SCENARIOS, &mut sources);
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    sources
}

fn collect(dir: &Dir<'_>, sources: &mut Vec<Source>) {
    for file in dir.files() {
        let path = format!("scenarios/{}", file.path().display());
        if let (true, Some(text)) = (path.ends_with(".toml"), file.contents_utf8()) {
            sources.push(Source::new(path, text));
        }
    }
    dir.dirs().for_each(|dir| collect(dir, sources));
}
