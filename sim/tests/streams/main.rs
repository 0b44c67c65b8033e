//! Streams keep what the interface promises of them, under every fault that befalls them.
//!
//! A small mode, the pipes, pushes numbered items and says in its transcript all that befalls it. Instants are in
//! microseconds: n1 opens a stream to every other at once and pushes an item every 10ms, a message travels 1ms, a flush
//! takes 500us, unless a test says otherwise.

mod breaks;
mod calm;
mod closing;
mod death;
mod effects;
mod law;
mod links;
mod opening;
mod pauses;
mod pipes;
mod seen;
mod window;
