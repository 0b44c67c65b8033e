//! A process of a run: one of the system's servers, or one of its clients.

use std::sync::Arc;

use netsplit::process::Config;
use netsplit::{Damage, Input, Life, Losable, Mistake, Mode, NodeId, Now, Outbox, Process, Role};

use super::Gauges;

/// A process of a run.
#[derive(Hash)]
pub(super) enum Participant<M: Mode> {
    Server(M::Server),
    Client(M::Client),
}

impl<M: Mode> Participant<M> {
    /// What its disk is formatted with.
    pub(super) fn format(config: &Config<M>, me: NodeId) -> Vec<M::Record> {
        if me.is_client() {
            M::Client::format(config, me)
        } else {
            M::Server::format(config, me)
        }
    }

    pub(super) fn boot(
        config: &Arc<Config<M>>,
        me: NodeId,
        life: Life,
        now: Now,
        disk: &[Result<M::Record, Damage>],
        out: &mut Outbox<M>,
    ) -> Participant<M> {
        if me.is_client() {
            Participant::Client(M::Client::boot(config, me, life, now, disk, out))
        } else {
            Participant::Server(M::Server::boot(config, me, life, now, disk, out))
        }
    }

    /// A step, of a server with its mistake.
    #[inline]
    pub(super) fn step(
        &mut self,
        mistake: &mut Option<Box<dyn Mistake<M::Server>>>,
        now: Now,
        input: Input<M>,
        out: &mut Outbox<M>,
    ) {
        match (self, mistake) {
            (Participant::Server(server), None) => server.step(now, input, out),
            (Participant::Server(server), Some(mistake)) => mistake.step(server, now, input, out),
            (Participant::Client(client), _) => client.step(now, input, out),
        }
    }

    pub(super) fn role(&self) -> Option<Role> {
        let role = match self {
            Participant::Server(server) => server.role(),
            Participant::Client(client) => client.role(),
        }?;
        let (name, known) = (role.name, M::ROLES);
        assert!(
            known.contains(&name),
            "the role `{name}` is not among `Mode::ROLES`, {known:?}"
        );
        Some(role)
    }

    pub(super) fn gauges(&self) -> Gauges {
        match self {
            Participant::Server(server) => server.gauges(),
            Participant::Client(client) => client.gauges(),
        }
    }

    pub(super) fn queues(&mut self) -> Vec<(&'static str, &mut dyn Losable)> {
        match self {
            Participant::Server(server) => server.queues(),
            Participant::Client(client) => client.queues(),
        }
    }

    pub(super) fn server(&self) -> Option<&M::Server> {
        match self {
            Participant::Server(server) => Some(server),
            Participant::Client(_) => None,
        }
    }

    pub(super) fn client(&self) -> Option<&M::Client> {
        match self {
            Participant::Server(_) => None,
            Participant::Client(client) => Some(client),
        }
    }
}
