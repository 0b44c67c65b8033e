//! What waits for a jam to end, and the flood when it does.

use std::collections::VecDeque;

use netsplit::{Kinds, Mode, Size};
use tracing::debug;

use super::World;
use super::network::HEADERS;

/// What waits on one link, oldest first, and how many bytes that is, headers and all.
pub(super) struct Jam<T> {
    messages: VecDeque<T>,
    bytes: u64,
}

impl<M: Mode> World<'_, M> {
    /// A message waits for a jam to end, if there is room for it.
    #[cold]
    pub(super) fn jam(&mut self, from: usize, to: usize, message: M::Message) {
        let jam = self.jammed.entry((from, to)).or_insert_with(|| Jam {
            messages: VecDeque::new(),
            bytes: 0,
        });
        let bytes = message.size() as u64 + HEADERS;
        if self.network.has_room(jam.bytes, bytes) {
            jam.bytes += bytes;
            jam.messages.push_back(message);
        } else {
            let (id, to) = (self.ids[from], self.ids[to]);
            debug!(target: "world", at = %self.now, node = %id, "-> {to}, no room in the queue: {message}");
        }
    }

    /// How many messages wait for jams to end.
    #[inline]
    pub(super) fn jammed_messages(&self) -> usize {
        if self.jammed.is_empty() {
            return 0;
        }
        self.jammed.values().map(|jam| jam.messages.len()).sum()
    }

    /// A jam may be over: what nothing holds any more sets out, all at once and in order.
    pub(super) fn unjam(&mut self) {
        for ((from, to), jam) in std::mem::take(&mut self.jammed) {
            for message in jam.messages {
                if self.network.is_jammed(from, to, message.kind()) {
                    self.jam(from, to, message);
                } else {
                    self.launch(self.now, from, to, message);
                }
            }
        }
        self.try_streams();
    }
}
