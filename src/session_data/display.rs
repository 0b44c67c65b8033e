//! How what travels is printed, for transcripts.

use std::fmt;

use super::message::{Access, Address, CallId, Datum, Item, Message, Wish};
use super::names::Version;
use super::request::shown_list;
use super::store::Registration;
use crate::kv::Key;
use crate::process::Kinds;

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0 as u32)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, leadership {}", self.slot, self.leadership)
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Access::Accept => "accepted",
            Access::Migrating => "migrating",
            Access::Moved => "moved",
            Access::MisMatch => "mismatch",
        })
    }
}

impl fmt::Display for Wish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wish::Publish(service, version, value) => {
                write!(f, "publish {service}={value} v{version}")
            }
            Wish::Withdraw(service, version) => write!(f, "withdraw {service} v{version}"),
            Wish::Subscribe(service, _) => write!(f, "subscribe {service}"),
        }
    }
}

impl fmt::Display for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.content {
            Some(value) => write!(f, "{}={value} {}", self.id, self.stamp),
            None => write!(f, "{} gone {}", self.id, self.stamp),
        }
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Item::Put(registration) => write!(f, "{registration}"),
            Item::Off(items) => {
                f.write_str("client off")?;
                list(f, items.iter().map(|(id, _)| id))
            }
        }
    }
}

impl fmt::Display for Datum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}:", self.service, self.version)?;
        shown_list(f, &self.registered)
    }
}

/// Each behind a blank, but no more than eight.
fn list<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    items: impl ExactSizeIterator<Item = T>,
) -> fmt::Result {
    const MOST: usize = 8;
    let more = items.len().saturating_sub(MOST);
    for (place, item) in items.take(MOST).enumerate() {
        let before = if place == 0 { " " } else { "; " };
        write!(f, "{before}{item}")?;
    }
    if more > 0 {
        write!(f, "; and {more} more")?;
    }
    Ok(())
}

/// A service with its version.
struct At(Key, Version);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, self.1)
    }
}

fn versions(f: &mut fmt::Formatter<'_>, all: &[(Key, Version)]) -> fmt::Result {
    list(f, all.iter().map(|(key, version)| At(*key, *version)))
}

impl fmt::Display for Message {
    #[expect(
        clippy::too_many_lines,
        reason = "a match with an arm for each message"
    )]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = Message::KINDS[self.kind()];
        match self {
            Message::Hello(process) => write!(f, "hello from {process}"),
            Message::Ping(None) | Message::Pong => f.write_str(kind),
            Message::Ping(Some(sum)) => write!(f, "ping {sum}"),
            Message::Register {
                connection, wishes, ..
            }
            | Message::Registered { connection, wishes } => {
                write!(f, "{kind} {connection}")?;
                list(f, wishes.iter())
            }
            Message::Repeat { connection, held } => {
                let held = held.as_ref().map(|held| held.len());
                write!(f, "repeat {connection}, held {held:?}")
            }
            Message::Push {
                connection,
                call,
                datum,
            } => write!(f, "push {call} {connection} {datum}"),
            Message::Pushed(call) | Message::Noted(call) | Message::NotMine(call) => {
                write!(f, "{kind} {call}")
            }
            Message::Batch {
                call, of, items, ..
            } => {
                write!(f, "{kind} {call} {of}:")?;
                list(f, items.iter())
            }
            Message::Done(call, access) => write!(f, "done {call} {access}"),
            Message::Fetch { call, service, .. } => write!(f, "fetch {call} {service}"),
            Message::Fetched(call, Ok(datum)) => write!(f, "fetched {call} {datum}"),
            Message::Fetched(call, Err(access)) | Message::Scanned(call, Err(access)) => {
                write!(f, "{kind} {call} {access}")
            }
            Message::Scan { call, of, known } => {
                write!(f, "scan {call} {of}:")?;
                versions(f, known)
            }
            Message::Scanned(call, Ok(others)) => {
                write!(f, "scanned {call}:")?;
                versions(f, &others.versions)
            }
            Message::Changed(call, known) => {
                write!(f, "changed {call}:")?;
                versions(f, known)
            }
            Message::Level { call, slots, sum } => {
                write!(f, "level {call} {} slots, {sum}", slots.len())
            }
            Message::Leveled(call, levels) => match levels.len() {
                0 => write!(f, "leveled {call} equal"),
                slots => write!(f, "leveled {call} unequal, {slots} slots"),
            },
            Message::Compare { call, slots, sum } => {
                write!(f, "compare {call} {} slots, {sum}", slots.len())
            }
            Message::Compared { call, sums, .. } => match sums.len() {
                0 => write!(f, "compared {call} equal"),
                slots => write!(f, "compared {call} unequal, {slots} slots"),
            },
            Message::Digests {
                call, slot, shares, ..
            } => {
                write!(f, "digests {call} {slot}, {} services", shares.len())
            }
            Message::Differing { call, services, .. } => {
                write!(f, "differing {call}:")?;
                list(f, services.iter())
            }
            Message::Summaries {
                call,
                slot,
                services,
                known,
                ..
            } => {
                let (services, known) = (services.len(), known.len());
                write!(f, "summaries {call} {slot}, {known} of {services} services")
            }
            Message::Publishers {
                call,
                updated,
                removed,
                ..
            } => {
                write!(f, "publishers {call}:")?;
                list(f, updated.iter())?;
                write!(f, "; removed")?;
                list(f, removed.iter().map(|(id, _)| id))
            }
            Message::Outdated { items, .. } => {
                write!(f, "outdated:")?;
                list(f, items.iter().map(|(id, _)| id))
            }
            Message::Beat(beat) => write!(f, "beat of {}, table {}", beat.process, beat.table),
            Message::Beaten {
                term,
                table,
                roster,
            } => {
                write!(f, "beaten, term {term}")?;
                if let Some(table) = table {
                    write!(f, ", {table}")?;
                }
                roster
                    .as_ref()
                    .map_or(Ok(()), |roster| write!(f, ", {roster}"))
            }
            Message::Leader(Some(leader)) => write!(f, "{leader} leads"),
            Message::Leader(None) => f.write_str("nobody leads"),
            Message::News(epoch) => write!(f, "news: table {epoch}"),
            Message::Lock(message) => write!(f, "lock {message}"),
            Message::Ring(word) => write!(f, "{word}"),
        }
    }
}
