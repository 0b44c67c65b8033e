//! Who and what is spoken of: processes, registrations, slots; and the orders that decide which of two is newer.

use std::fmt;

use crate::kv::Key;
use crate::{Life, NodeId, Time};

/// What session servers are called by.
pub const SESSION: char = 's';
/// What data servers are called by.
pub const DATA: char = 'd';
/// What meta servers are called by.
pub const META: char = 'm';

/// One life of a server: a session server that starts again is another process, and has nothing of what the former had.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ProcessId {
    /// The server.
    pub node: NodeId,
    /// Which of its lives.
    pub life: Life,
}

impl fmt::Display for ProcessId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.node, self.life.0)
    }
}

/// A registration of a client under a service. Ordered by service, so that what stands under one service stands together.
///
/// The real one draws a UUID for each; here a client has one under a service, and one that starts again is another client.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RegisterId {
    /// Under which service (the real one's `dataInfoId`).
    pub service: Key,
    /// Whose.
    pub client: NodeId,
    /// In which of the client's lives.
    pub life: Life,
}

impl RegisterId {
    /// What stands before all that can be registered under a service.
    pub fn first(service: Key) -> RegisterId {
        RegisterId {
            service,
            client: NodeId::new('a', 1),
            life: Life(0),
        }
    }
}

impl fmt::Display for RegisterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}.{}", self.service, self.client, self.life.0)
    }
}

/// Which of two states of a registration is newer (the real one's `RegisterVersion`): compared in the order of its fields.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Stamp {
    /// How often the client has changed it, by the client's own count. To register again after a reconnect does not count.
    pub version: u64,
    /// Which of its client's connections it came by, counted by the client: what it says on a later one is newer, whatever
    /// clocks say. 0 where sessions' clocks alone decide, as in the real one.
    pub connection: u32,
    /// When the session server took it in, by its wall clock, in nanoseconds.
    pub time: u64,
}

impl Stamp {
    /// The stamp that buries what has this one: newer than it, and older than whatever is registered anew.
    pub fn buries(self) -> Stamp {
        Stamp {
            time: self.time.saturating_add(1),
            ..self
        }
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = Time::from_nanos(self.time);
        write!(f, "v{}/{} at {time}", self.version, self.connection)
    }
}

/// A number that one leader of the meta servers gives once: its term, and a count. Of slot tables, of lists of servers, and
/// of the leaderships of slots.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Epoch {
    /// The term of the meta leader who gave it.
    pub term: u32,
    /// Which one it gave.
    pub count: u32,
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.term, self.count)
    }
}

/// The version of all that is registered under a service, as a data server serves it; grows with what subscribers can see.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Version {
    /// Of which leadership of the slot. Zero where clocks alone decide, as in the real one.
    pub leadership: Epoch,
    /// In which life of its leader.
    pub life: Life,
    /// A count within it; or the leader's wall clock, and a count.
    pub count: u64,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.leadership, self.life.0, self.count)
    }
}

/// A part of all services, led by one data server at a time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SlotId(pub u32);

impl SlotId {
    /// The slot of a service, of so many: CRC-32C of its name, as in the real one.
    pub fn of(service: Key, slots: u32) -> SlotId {
        SlotId(crc32c(service.0) % slots)
    }
}

impl fmt::Display for SlotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "slot {}", self.0)
    }
}

/// What CRC-32C (Castagnoli) makes of each byte.
const BYTES: [u32; 256] = {
    let mut bytes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut rest = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            let low = rest & 1;
            rest = (rest >> 1) ^ (0x82F6_3B78 * low);
            bit += 1;
        }
        bytes[byte] = rest;
        byte += 1;
    }
    bytes
};

/// CRC-32C of the four bytes of a number, the lowest first.
fn crc32c(number: u32) -> u32 {
    let next = |rest: u32, byte: u8| BYTES[usize::from(rest as u8 ^ byte)] ^ (rest >> 8);
    !number.to_le_bytes().into_iter().fold(!0, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_by_crc_32c() {
        // RFC 3720, B.4: 32 bytes of zeros are 0x8A9136AA; of four zeros it is 0x48674BC7.
        assert_eq!(crc32c(0), 0x4867_4BC7);
        assert_eq!(SlotId::of(Key(0), 256), SlotId(0xC7));
    }

    #[test]
    fn a_stamp_goes_by_version_then_connection_then_clock() {
        let stamp = |version, connection, time| Stamp {
            version,
            connection,
            time,
        };
        assert!(stamp(2, 0, 0) > stamp(1, 9, 9));
        assert!(stamp(1, 2, 0) > stamp(1, 1, 9));
        assert!(stamp(1, 1, 5).buries() > stamp(1, 1, 5));
        assert!(stamp(1, 2, 0) > stamp(1, 1, 9).buries());
    }
}
