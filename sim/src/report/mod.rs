//! What people read.

pub mod manual;
mod thread;
pub mod transcript;
pub mod verdict;
