//! How many bytes what travels has.

use super::message::{Datum, Item, Message, Wish};
use super::names::RegisterId;
use super::store::Registration;
use crate::kv::Value;
use crate::process::Size;

/// A registration's id is a UUID of 16 bytes, a stamp 16, a sum 16, a version 16, a service's number 4, a call's 8.
impl Size for Message {
    fn size(&self) -> usize {
        let wishes = |wishes: &[Wish]| wishes.iter().map(Size::size).sum::<usize>();
        match self {
            Message::Hello(_) | Message::News(_) => 8,
            Message::Ping(sum) => 1 + sum.map_or(0, |_| 16),
            Message::Pong => 1,
            Message::Register { wishes: all, .. } | Message::Registered { wishes: all, .. } => {
                8 + wishes(all)
            }
            Message::Repeat { held, .. } => 8 + held.as_ref().map_or(0, |held| 12 * held.len()),
            Message::Push { datum, .. } => 16 + datum.size(),
            Message::Pushed(_) | Message::Noted(_) | Message::NotMine(_) => 8,
            Message::Batch { items, .. } => 36 + items.iter().map(Size::size).sum::<usize>(),
            Message::Done(..) => 9,
            Message::Fetch { .. } => 32,
            Message::Fetched(_, Ok(datum)) => 8 + datum.size(),
            Message::Fetched(_, Err(_)) | Message::Scanned(_, Err(_)) => 9,
            Message::Scan { known, .. } => 28 + 20 * known.len(),
            Message::Scanned(_, Ok(others)) => 24 + 20 * others.versions.len(),
            Message::Changed(_, known) => 8 + 20 * known.len(),
            // The slots as one bit each, of 256.
            Message::Compare { .. } | Message::Level { .. } => 8 + 32 + 16,
            Message::Leveled(_, levels) => 8 + 18 * levels.len(),
            Message::Compared { sums, .. } => 24 + 18 * sums.len(),
            Message::Digests { shares, .. } => 20 + 20 * shares.len(),
            Message::Differing { services, gone, .. } => 24 + 4 * services.len() + 32 * gone.len(),
            Message::Summaries {
                services, known, ..
            } => 44 + 4 * services.len() + 32 * known.len(),
            Message::Publishers {
                updated, removed, ..
            } => {
                let updated = updated.iter().map(Size::size);
                33 + updated.sum::<usize>() + 32 * removed.len()
            }
            Message::Outdated { items, .. } => 8 + 32 * items.len(),
            Message::Beat(beat) => 28 + beat.known.as_ref().map_or(0, |table| table.size()),
            Message::Beaten { table, roster, .. } => {
                let table = table.as_ref().map_or(0, |table| table.size());
                5 + table + roster.as_ref().map_or(0, |roster| roster.size())
            }
            Message::Leader(_) => 5,
            Message::Lock(message) => message.size(),
            Message::Ring(word) => word.size(),
        }
    }
}

impl Size for Wish {
    fn size(&self) -> usize {
        match self {
            Wish::Publish(_, _, value) => 28 + value.bytes as usize,
            Wish::Withdraw(..) => 28,
            Wish::Subscribe(..) => 20,
        }
    }
}

impl Size for Item {
    fn size(&self) -> usize {
        match self {
            Item::Put(registration) => registration.size(),
            Item::Off(items) => 8 + 32 * items.len(),
        }
    }
}

impl Size for Registration {
    fn size(&self) -> usize {
        40 + self.content.map_or(0, |value| value.bytes as usize)
    }
}

impl Size for Datum {
    fn size(&self) -> usize {
        let of = |(_, value): &(RegisterId, Value)| 16 + value.bytes as usize;
        20 + self.registered.iter().map(of).sum::<usize>()
    }
}
