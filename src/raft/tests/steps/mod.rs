//! What a process does with one input: its outbox, as text.

use super::*;

mod candidate;
mod client;
mod follower;
mod leader;
mod reads;
