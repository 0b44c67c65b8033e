//! How a data server of the fifth generation forgets: who is said to be gone, whose session server is gone, who is not
//! renewed, and who has no lease at all.

use std::collections::BTreeSet;

use super::super::SessionData;
use super::super::message::{Message, Timer};
use super::super::names::ProcessId;
use super::super::note::Note;
use super::data::{Event, RingData};
use super::word::{Alarm, Word};
use crate::{Now, Outbox, StreamId, Time};

impl RingData {
    /// A session process has told of a connection.
    pub(super) fn binds(&mut self, now: Now, process: ProcessId, connection: StreamId) {
        self.leases.insert(connection, now.mono);
        self.bound.entry(process).or_default().insert(connection);
    }

    /// A client is said to be gone. That is believed after a while.
    pub(super) fn on_client_off(
        &mut self,
        connection: StreamId,
        time: u64,
        out: &mut Outbox<SessionData>,
    ) {
        self.leases.remove(&connection);
        self.bound.values_mut().for_each(|connections| {
            connections.remove(&connection);
        });
        let delay = self.config.options.ring.client_off_delay;
        if self.offs.insert(connection, time).is_none() {
            out.arm(Timer::Ring(Alarm::ClientOff(connection)), delay);
        }
    }

    /// A sign of life of a session server, over a connection that it made.
    pub(super) fn on_sign(
        &mut self,
        now: Now,
        stream: StreamId,
        message: Message,
        out: &mut Outbox<SessionData>,
    ) {
        let Some((process, heard)) = self.connected.get_mut(&stream) else {
            return;
        };
        *heard = now.mono;
        match message {
            Message::Hello(who) => {
                *process = Some(who);
                if self.gone.remove(&who).is_some() {
                    out.disarm(Timer::Ring(Alarm::Disconnect(who)));
                }
            }
            Message::Ping(_) => out.push(stream, Message::Pong),
            Message::Ring(Word::Connections(who, connections)) => {
                let bound = self.bound.entry(who).or_default();
                bound.extend(connections.iter().copied());
            }
            _ => {}
        }
    }

    /// A connection is no more. If it was a session process's last, that process may be gone.
    pub(super) fn on_closed(&mut self, now: Now, stream: StreamId, out: &mut Outbox<SessionData>) {
        let Some((Some(process), _)) = self.connected.remove(&stream) else {
            return;
        };
        let mut others = self.connected.values();
        if others.any(|(other, _)| *other == Some(process)) {
            return;
        }
        self.gone.insert(process, now.wall.as_nanos());
        let delay = self.config.options.ring.session_disconnect;
        out.arm(Timer::Ring(Alarm::Disconnect(process)), delay);
    }

    /// A session process did not come back: whatever came by it is registered no more, as of when it went.
    pub(super) fn on_disconnect(&mut self, process: ProcessId, out: &mut Outbox<SessionData>) {
        let Some(time) = self.gone.remove(&process) else {
            return;
        };
        out.note(Note::Disconnects(process));
        for connection in self.bound.remove(&process).unwrap_or_default() {
            self.enqueue(Event::Off(connection, time), out);
        }
    }

    /// Closes connections that have been silent for too long, and forgets whom nobody renews.
    pub(super) fn on_lease_check(&mut self, now: Now, out: &mut Outbox<SessionData>) {
        let options = &self.config.options;
        out.arm(Timer::Lease, options.data.lease_check);
        let (idle, ttl) = (options.session.idle, options.ring.ttl);
        let expires = options.ring.expires && self.enabled;
        let silent = |(_, (_, heard)): &(&StreamId, &(Option<ProcessId>, Time))| {
            now.mono.since(*heard) > idle
        };
        let silent = self.connected.iter().filter(silent);
        let silent: Vec<StreamId> = silent.map(|(stream, _)| *stream).collect();
        for stream in silent {
            out.close(stream);
            self.on_closed(now, stream, out);
        }
        if !expires {
            return;
        }
        let old = |(_, last): &(&StreamId, &Time)| now.mono.since(**last) > ttl;
        let old = self.leases.iter().filter(old);
        let old: Vec<StreamId> = old.map(|(connection, _)| *connection).collect();
        for connection in old {
            self.leases.remove(&connection);
            self.evict(now, connection, out);
        }
    }

    fn evict(&mut self, now: Now, connection: StreamId, out: &mut Outbox<SessionData>) {
        if self.owned(connection).next().is_some() {
            out.note(Note::EvictsConnection(connection));
            self.enqueue(Event::Off(connection, now.wall.as_nanos()), out);
        }
    }

    /// Looks for what nobody has a lease on, as it is when a client-off was ignored, or a copy became an owner.
    pub(super) fn sweep(&mut self, now: Now, out: &mut Outbox<SessionData>) {
        let ring = &self.config.options.ring;
        out.arm(Timer::Ring(Alarm::Sweep), ring.sweep);
        if !self.enabled {
            return;
        }
        let all = self.store.connections();
        let orphans: BTreeSet<StreamId> = all
            .filter(|connection| !self.leases.contains_key(connection))
            .collect();
        for connection in orphans {
            self.evict(now, connection, out);
        }
    }
}
