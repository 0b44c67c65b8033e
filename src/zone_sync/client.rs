//! What a client does: ask a node, and another if that does not answer.

use std::sync::Arc;

use super::ZoneSync;
use super::message::{Message, Note, Timer};
use super::node::Config;
use super::state::Saved;
use crate::kv::Request;
use crate::process::{Damage, Input, Outcome, Process};
use crate::{Life, NodeId, Now, OpId, Outbox};

/// One client: it asks one thing at a time, and stays with the node that answers.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Client {
    config: Arc<Config>,
    life: Life,
    /// The node to ask, by its place in the configuration.
    target: usize,
    seq: u64,
    asking: Option<(OpId, Request)>,
}

impl Process for Client {
    type Protocol = ZoneSync;
    type Config = Arc<Config>;

    fn boot(
        config: &Arc<Config>,
        me: NodeId,
        life: Life,
        _: Now,
        _: &[Result<Saved, Damage>],
        _: &mut Outbox<ZoneSync>,
    ) -> Client {
        Client {
            config: Arc::clone(config),
            life,
            target: me.number() as usize % config.nodes.len(),
            seq: 0,
            asking: None,
        }
    }

    fn step(&mut self, _: Now, input: Input<ZoneSync>, out: &mut Outbox<ZoneSync>) {
        match input {
            Input::Requested(op, request) => {
                assert!(
                    self.asking.is_none(),
                    "a client is asked one thing at a time"
                );
                self.seq += 1;
                self.asking = Some((op, request));
                out.arm(Timer::GiveUp, self.config.options.give_up);
                self.ask(out);
            }
            Input::Delivered(
                _,
                Message::Answer {
                    life,
                    seq,
                    response,
                },
            ) => {
                if (life, seq) == (self.life, self.seq)
                    && let Some((op, _)) = self.asking.take()
                {
                    out.disarm(Timer::AskAgain);
                    out.disarm(Timer::GiveUp);
                    out.respond(op, Outcome::Ok(response));
                }
            }
            Input::Fired(Timer::AskAgain) => {
                self.target = (self.target + 1) % self.config.nodes.len();
                self.ask(out);
            }
            Input::Fired(Timer::GiveUp) => self.give_up(out),
            // It writes nothing, and opens no streams.
            Input::Flushed(_) | Input::Failed(_) => {}
            Input::Opened { .. } | Input::Arrived(..) | Input::Credit(..) | Input::Closed(..) => {}
            // A node's affairs.
            Input::Delivered(..) | Input::Fired(_) => {}
        }
    }
}

impl Client {
    fn ask(&mut self, out: &mut Outbox<ZoneSync>) {
        let Some((_, request)) = self.asking else {
            return;
        };
        let (life, seq) = (self.life, self.seq);
        out.arm(Timer::AskAgain, self.config.options.ask_again);
        out.send(
            self.config.nodes[self.target],
            Message::Ask { life, seq, request },
        );
    }

    /// A read has certainly not been done; a write may have been, at any of the nodes that were asked.
    fn give_up(&mut self, out: &mut Outbox<ZoneSync>) {
        let Some((op, request)) = self.asking.take() else {
            return;
        };
        out.note(Note::GivesUp(request));
        out.disarm(Timer::AskAgain);
        let outcome = if request.is_read() {
            Outcome::Failed
        } else {
            Outcome::Unknown
        };
        out.respond(op, outcome);
    }
}
