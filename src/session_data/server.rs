//! A server: a session, data or meta server, as its name says.

use std::sync::Arc;

use super::SessionData;
use super::data::Data;
use super::lock::Record;
use super::meta::{self, Meta};
use super::names::{DATA, META, ProcessId};
use super::options::Generation;
use super::ring::data::RingData;
use super::ring::session::RingSession;
use super::session::Session;
use crate::process::{Config, Damage, Input, Process, Role};
use crate::queue::Losable;
use crate::{Life, NodeId, Now, Outbox};

/// A server.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Server {
    /// Clients are connected to it.
    Session(Session),
    /// It holds slots.
    Data(Data),
    /// It says who is there, and which slot is whose.
    Meta(Meta),
    /// A session server of the fifth generation.
    RingSession(RingSession),
    /// A data server of the fifth generation.
    RingData(RingData),
}

impl Process for Server {
    type Protocol = SessionData;

    fn format(_: &Config<SessionData>, me: NodeId) -> Vec<Record> {
        match me.letter() {
            META => meta::format(me),
            _ => Vec::new(),
        }
    }

    fn boot(
        config: &Arc<Config<SessionData>>,
        node: NodeId,
        life: Life,
        _: Now,
        disk: &[Result<Record, Damage>],
        out: &mut Outbox<SessionData>,
    ) -> Server {
        let me = ProcessId { node, life };
        match (node.letter(), config.options.generation) {
            (META, _) => Server::Meta(Meta::boot(config, me, disk, out)),
            (DATA, Generation::Slots) => Server::Data(Data::boot(config, me, out)),
            (DATA, Generation::Ring) => Server::RingData(RingData::boot(config, me, out)),
            (_, Generation::Slots) => Server::Session(Session::boot(config, me, out)),
            (_, Generation::Ring) => Server::RingSession(RingSession::boot(config, me, out)),
        }
    }

    fn step(&mut self, now: Now, input: Input<SessionData>, out: &mut Outbox<SessionData>) {
        match self {
            Server::Session(session) => session.step(now, input, out),
            Server::Data(data) => data.step(now, input, out),
            Server::Meta(meta) => meta.step(now, input, out),
            Server::RingSession(session) => session.step(now, input, out),
            Server::RingData(data) => data.step(now, input, out),
        }
    }

    fn role(&self) -> Option<Role> {
        let of = |name| Role { name, rank: 0 };
        Some(match self {
            Server::Session(_) | Server::RingSession(_) => of("session"),
            Server::Data(_) | Server::RingData(_) => of("data"),
            Server::Meta(meta) => meta.role().unwrap_or(of("meta")),
        })
    }

    fn gauges(&self) -> Vec<(&'static str, u64)> {
        match self {
            Server::Session(session) => session.gauges(),
            Server::Data(data) => data.gauges(),
            Server::Meta(meta) => meta.gauges(),
            Server::RingSession(session) => session.gauges(),
            Server::RingData(data) => data.gauges(),
        }
    }

    fn queues(&mut self) -> Vec<(&'static str, &mut dyn Losable)> {
        match self {
            Server::Session(session) => session.queues(),
            Server::Data(data) => data.queues(),
            Server::Meta(_) => Vec::new(),
            Server::RingSession(session) => session.queues(),
            Server::RingData(data) => data.queues(),
        }
    }
}
