//! When a node says that it writes.

use super::record::Stamp;
use crate::{NodeId, Now};

/// Where a node's stamps come from.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Clock {
    me: NodeId,
    /// Whether it never goes back, nor behind what was heard of.
    hybrid: bool,
    /// To what the wall clock is rounded down, in microseconds.
    unit: u64,
    /// The newest time that was given away or heard of.
    newest: u64,
}

impl Clock {
    /// One that has given nothing away.
    pub fn new(me: NodeId, hybrid: bool, unit: u64) -> Clock {
        Clock {
            me,
            hybrid,
            unit,
            newest: 0,
        }
    }

    /// The stamp of a local write: the time of the wall clock, or a microsecond more than all that was heard of, if that
    /// is later. The microseconds below the unit are the counter of a hybrid clock, so that a mesh that writes less than
    /// a million times in a second does not run away from the wall.
    ///
    /// *Source:* S. Kulkarni and others, "Logical Physical Clocks", 2014.
    pub fn stamp(&mut self, now: Now) -> Stamp {
        let wall = wall(now) / self.unit * self.unit;
        let time = if self.hybrid {
            wall.max(self.newest + 1)
        } else {
            wall
        };
        self.newest = self.newest.max(time);
        Stamp {
            time,
            writer: self.me,
        }
    }

    /// A stamp was heard of.
    pub fn hear(&mut self, stamp: Stamp) {
        self.newest = self.newest.max(stamp.time);
    }
}

/// The wall clock in the unit of records, microseconds.
pub fn wall(now: Now) -> u64 {
    now.wall.as_nanos() / 1_000
}
