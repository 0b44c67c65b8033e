//! What people read.

pub mod transcript;
pub mod verdict;
