//! A deterministic simulation testbed for replication protocols.

pub mod check;
