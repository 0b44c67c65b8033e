//! What people read.

pub mod list;
pub mod manual;
mod thread;
pub mod transcript;
pub mod verdict;
