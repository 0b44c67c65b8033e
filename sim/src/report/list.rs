//! What `netsplit list` says: the words of modes, and of faults.

use crate::modes::AnyMode;
use crate::scenario::form::{Form, Key};

/// The words of these modes, and those that the form of scenarios has for faults.
pub fn render(modes: &[&dyn AnyMode], form: &Form) -> String {
    let mut text = String::new();
    for mode in modes {
        text += &format!("mode {}\n", mode.name());
        for (what, lines) in mode.describe() {
            let none = if lines.is_empty() { ": none" } else { "" };
            text += &format!("  {what}{none}\n");
            lines
                .iter()
                .for_each(|line| text += &format!("    {line}\n"));
        }
    }
    text + &faults(form)
}

/// What a fault can say, a line a key.
fn faults(form: &Form) -> String {
    let line = |key: &Key<'_>| {
        let needed = if key.required { "" } else { "?" };
        let (name, value, about) = (key.name, form.write(key.part), key.in_short());
        format!("    {name}{needed} = {value}: {about}\n")
    };
    let mut text = String::from("faults\n  each, with one of those below (`?`: can be left out)\n");
    form.of_every_fault()
        .iter()
        .for_each(|key| text += &line(key));
    let mut kind = "";
    for fault in form.faults() {
        if fault.kind != kind {
            kind = fault.kind;
            text += &format!("  {}\n", kind.to_lowercase());
        }
        text += &line(&Key {
            required: true,
            ..fault.key
        });
    }
    text += "values\n";
    for (name, about) in form.values() {
        text += &format!("  {name}: {}\n", about.replace('`', ""));
    }
    text
}
