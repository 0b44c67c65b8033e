//! A deterministic simulation testbed for replication protocols.

pub mod check;
pub mod cli;
pub mod explore;
pub mod history;
pub mod mistakes;
pub mod modes;
pub mod play;
pub mod report;
pub mod scenario;
pub mod shipped;
pub mod workload;
pub mod world;
