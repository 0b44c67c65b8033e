//! A server: a managing node or a location controller, as its name says.

use std::sync::Arc;

use super::SiblingQuorum;
use super::charter::is_controller;
use super::controller::{self, Controller};
use super::node::{self, Node};
use super::state::Record;
use crate::process::{Config, Damage, Input, Process, Role};
use crate::{Life, NodeId, Now, Outbox};

/// A server.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Server {
    /// A managing node.
    Node(Node),
    /// A location controller.
    Controller(Controller),
}

impl Process for Server {
    type Protocol = SiblingQuorum;

    fn format(config: &Config<SiblingQuorum>, me: NodeId) -> Vec<Record> {
        if is_controller(me) {
            controller::format(me)
        } else {
            node::format(config, me)
        }
    }

    fn boot(
        config: &Arc<Config<SiblingQuorum>>,
        me: NodeId,
        life: Life,
        now: Now,
        disk: &[Result<Record, Damage>],
        out: &mut Outbox<SiblingQuorum>,
    ) -> Server {
        if is_controller(me) {
            Server::Controller(Controller::boot(config, (me, life), now, disk, out))
        } else {
            Server::Node(Node::boot(config, me, disk, out))
        }
    }

    fn step(&mut self, now: Now, input: Input<SiblingQuorum>, out: &mut Outbox<SiblingQuorum>) {
        match self {
            Server::Node(node) => node.step(now, input, out),
            Server::Controller(controller) => controller.step(now, input, out),
        }
    }

    fn role(&self) -> Option<Role> {
        match self {
            Server::Node(node) => Some(node.role()),
            Server::Controller(controller) => Some(controller.role()),
        }
    }
}

impl Server {
    /// In how many locations the servers of its system stand.
    pub(super) fn locations(&self) -> u32 {
        let config = match self {
            Server::Node(node) => node.replicas.first().map(|one| &one.config),
            Server::Controller(controller) => controller.charges.first().map(|one| &one.config),
        };
        config.map_or(1, |config| config.options.locations)
    }
}
