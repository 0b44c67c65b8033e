//! The functional modules: what each keeps in its zone, and how a client's request is done there.
//!
//! A module knows its records and the zone that it keeps them in. How they travel it does not know: whatever it writes
//! enters the zone's log, and whatever arrives is merged into the zone.

use super::clock::{Clock, wall};
use super::options::{Odd, Options};
use super::record::Content;
use super::request::{Request, Response};
use super::zone::{Rules, Written, Zone};
use crate::kv::{Key, Value};
use crate::{NodeId, Now, Span};

/// One of the functional modules.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Module {
    /// Key-value pairs.
    Keyval,
    /// Sticky sessions, learned.
    Sticky,
    /// Request limits.
    Limit,
}

/// A module and its zone, as they are at one node.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Shared {
    /// Which module.
    pub module: Module,
    /// Which version of it: what comes from another version is not understood.
    pub version: u16,
    /// What it keeps.
    pub zone: Zone,
}

impl Module {
    /// All of them.
    pub const ALL: [Module; 3] = [Module::Keyval, Module::Sticky, Module::Limit];
    /// The names of their zones, by which nodes share them.
    pub const ZONES: [&str; 3] = ["kv", "sessions", "limits"];
    /// The version that everybody has who is not [odd](Odd).
    pub const VERSION: u16 = 1;

    /// Its zone's name.
    pub fn zone(self) -> &'static str {
        Module::ZONES[self as usize]
    }

    /// What its zone's records that wait, and all, are called among a node's gauges.
    pub fn gauges(self) -> (&'static str, &'static str) {
        match self {
            Module::Keyval => ("kv.records_pending", "kv.records_total"),
            Module::Sticky => ("sessions.records_pending", "sessions.records_total"),
            Module::Limit => ("limits.records_pending", "limits.records_total"),
        }
    }

    /// What frames call it.
    pub fn tag(self) -> u16 {
        self as u16 + 1
    }

    /// The module that a request is for.
    pub fn of(request: &Request) -> Module {
        match request {
            Request::Get(_)
            | Request::Find(_)
            | Request::Put(..)
            | Request::Patch(..)
            | Request::Delete(_) => Module::Keyval,
            Request::Visit(..) => Module::Sticky,
            Request::Call(_) => Module::Limit,
        }
    }

    fn odd(self, options: &Options) -> &Odd {
        match self {
            Module::Keyval => &options.keyval.odd,
            Module::Sticky => &options.sticky.odd,
            Module::Limit => &options.limit.odd,
        }
    }

    /// How many records a node's zone may hold.
    pub fn capacity(self, options: &Options, me: NodeId) -> usize {
        let odd = self.odd(options);
        if odd.capacity > 0 && odd.on.contains(&me) {
            return odd.capacity;
        }
        match self {
            Module::Keyval => options.keyval.capacity,
            Module::Sticky => options.sticky.capacity,
            Module::Limit => options.limit.capacity,
        }
    }

    /// Which version of it a node has.
    pub fn version(self, options: &Options, me: NodeId) -> u16 {
        let odd = self.odd(options);
        Module::VERSION + u16::from(odd.version && odd.on.contains(&me))
    }

    /// The module with its zone, empty, as a node has it; none if it does not.
    pub fn open(self, options: &Options, me: NodeId) -> Option<Shared> {
        let odd = self.odd(options);
        if odd.absent && odd.on.contains(&me) {
            return None;
        }
        let tombstones = (self == Module::Keyval && options.keyval.tombstones)
            .then(|| Options::in_stamps(options.keyval.life + options.keyval.skew));
        Some(Shared {
            module: self,
            version: self.version(options, me),
            zone: Zone::new(Rules {
                capacity: self.capacity(options, me),
                tie_break: options.tie_break,
                tombstones,
            }),
        })
    }
}

/// What came of a request: the answer, and what was written for it, if anything.
pub type Done = (Response, Option<Written>);

/// A request for key-value pairs.
pub fn keyval(zone: &mut Zone, clock: &mut Clock, me: NodeId, request: &Request, now: Now) -> Done {
    match *request {
        Request::Put(key, value, life) => write(zone, clock, key, value, life, now),
        Request::Patch(key, value, life) if zone.get(key, wall(now)).is_some() => {
            write(zone, clock, key, value, life, now)
        }
        Request::Delete(key) => {
            let stamp = clock.stamp(now);
            let written = zone.delete(key, stamp);
            (Response::Written(stamp), Some(written))
        }
        _ => (found(zone, me, request.key(), now), None),
    }
}

/// A request of a session. If the node knows it, it goes where the session is, and the session lives on: a touch is a
/// write. If not, the session is learned.
pub fn sticky(zone: &mut Zone, clock: &mut Clock, me: NodeId, request: &Request, now: Now) -> Done {
    let Request::Visit(session, fresh, life) = *request else {
        return (found(zone, me, request.key(), now), None);
    };
    match zone
        .get(session, wall(now))
        .and_then(|record| record.content.value())
    {
        Some(known) => {
            let (_, touched) = write(zone, clock, session, known, life, now);
            (found(zone, me, session, now), touched)
        }
        None => write(zone, clock, session, fresh, life, now),
    }
}

fn write(zone: &mut Zone, clock: &mut Clock, key: Key, value: Value, life: Span, now: Now) -> Done {
    let stamp = clock.stamp(now);
    let written = zone.write(key, Content::Value(value), stamp, Options::in_stamps(life));
    (Response::Written(stamp), Some(written))
}

fn found(zone: &Zone, me: NodeId, key: Key, now: Now) -> Response {
    let value = zone
        .get(key, wall(now))
        .and_then(|record| record.content.value());
    let since = zone.raw(key).map(|record| record.stamp);
    Response::Found(me, value, since)
}
