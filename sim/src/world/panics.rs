//! A panic in a step is a violation like any other: it is caught, with its message, and printed nowhere else.

use std::cell::RefCell;
use std::sync::Once;

thread_local! {
    /// The message of the last panic on this thread, while one is being listened for.
    static HEARD: RefCell<Option<Option<String>>> = const { RefCell::new(None) };
}

static LISTEN: Once = Once::new();

/// Runs `work`, which catches its own panics and says whether there was one; gives the panic's message and place.
pub fn capture(work: impl FnOnce() -> bool) -> Option<String> {
    LISTEN.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let caught = HEARD.with_borrow_mut(|heard| {
                heard
                    .as_mut()
                    .map(|message| *message = Some(describe(info)))
                    .is_some()
            });
            if !caught {
                before(info);
            }
        }));
    });
    HEARD.set(Some(None));
    let panicked = work();
    let message = HEARD.take().flatten();
    panicked.then(|| message.unwrap_or_else(|| "no message".into()))
}

fn describe(info: &std::panic::PanicHookInfo<'_>) -> String {
    let message = info.payload_as_str().unwrap_or("a value that is no text");
    match info.location() {
        Some(place) => format!("{message} ({}:{})", place.file(), place.line()),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_caught_with_its_message() {
        let heard =
            capture(|| std::panic::catch_unwind(|| panic!("entry 3 is committed")).is_err());
        assert!(heard.is_some_and(|text| text.starts_with("entry 3 is committed (")));
        assert_eq!(capture(|| false), None);
    }
}
