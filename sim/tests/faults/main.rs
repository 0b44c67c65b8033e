//! Every fault that a scenario can name has exactly the effect that its documentation states.
//!
//! A small mode, the probe, says in its transcript all that befalls it. Instants are in microseconds: servers beat every
//! 10ms, a message travels 1ms, a flush takes 500us, unless a test says otherwise.

mod calm;
mod clock_and_queue;
mod disk;
mod log;
mod names;
mod network;
mod probe;
mod process;
mod quit;
mod seen;
mod targets;
