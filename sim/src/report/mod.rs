//! What people read.

pub mod manual;
pub mod transcript;
pub mod verdict;
