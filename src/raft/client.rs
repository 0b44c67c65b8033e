//! What a client of a Raft cluster does: follow redirects, retry with the same sequence number, give up in the end.

use std::sync::Arc;

use super::Raft;
use super::message::{Message, Note, Timer};
use super::state::Record;
use crate::kv::{Request, Response};
use crate::process::{Config, Damage, Input, Outcome, Process};
use crate::{Life, NodeId, Now, OpId, Outbox};

/// One client: a session that asks one thing at a time.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Client {
    config: Arc<Config<Raft>>,
    life: Life,
    /// The server to ask next, by its place in the configuration.
    target: usize,
    seq: u64,
    asking: Option<Asking>,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Asking {
    op: OpId,
    request: Request,
    /// Whether the target was named by a redirect, and has not been asked since.
    led: bool,
}

impl Process for Client {
    type Protocol = Raft;

    fn boot(
        config: &Arc<Config<Raft>>,
        me: NodeId,
        life: Life,
        _: Now,
        _: &[Result<Record, Damage>],
        _: &mut Outbox<Raft>,
    ) -> Client {
        // Clients begin at different servers, so that a leader is not found by luck.
        let target = me.number() as usize % config.servers.len();
        Client {
            config: Arc::clone(config),
            life,
            target,
            seq: 0,
            asking: None,
        }
    }

    fn step(&mut self, _: Now, input: Input<Raft>, out: &mut Outbox<Raft>) {
        match input {
            Input::Requested(op, request) => self.on_requested(op, request, out),
            Input::Delivered(
                _,
                Message::Answer {
                    life,
                    seq,
                    response,
                },
            ) => {
                self.on_answer(life, seq, response, out);
            }
            Input::Delivered(_, Message::Redirect { life, seq, leader }) => {
                self.on_redirect(life, seq, leader, out);
            }
            Input::Fired(Timer::Retry) => self.on_retry(out),
            Input::Fired(Timer::GiveUp) => self.on_give_up(out),
            // Raft speaks in datagrams, to servers that it knows.
            Input::Opened { .. } | Input::Arrived(..) | Input::Credit(..) | Input::Closed(..) => {}
            Input::Resolved(_) => {}
            // It is killed when its time is up, and its operation stays open.
            Input::Quit => {}
            // It writes nothing.
            Input::Flushed(_) | Input::Failed(_) => {}
            // A server's affairs.
            Input::Delivered(..) | Input::Fired(_) => {}
        }
    }
}

impl Client {
    fn on_requested(&mut self, op: OpId, request: Request, out: &mut Outbox<Raft>) {
        assert!(
            self.asking.is_none(),
            "a client is asked one thing at a time"
        );
        self.seq += 1;
        self.asking = Some(Asking {
            op,
            request,
            led: false,
        });
        out.arm(Timer::GiveUp, self.config.options.give_up);
        self.ask(out);
    }

    fn ask(&mut self, out: &mut Outbox<Raft>) {
        let Some(asking) = &mut self.asking else {
            return;
        };
        asking.led = false;
        let (life, seq, request) = (self.life, self.seq, asking.request);
        out.arm(Timer::Retry, self.config.options.retry);
        out.send(
            self.config.servers[self.target],
            Message::Ask { life, seq, request },
        );
    }

    fn on_answer(&mut self, life: Life, seq: u64, response: Response, out: &mut Outbox<Raft>) {
        if (life, seq) == (self.life, self.seq)
            && let Some(asking) = self.asking.take()
        {
            out.disarm(Timer::Retry);
            out.disarm(Timer::GiveUp);
            out.respond(asking.op, Outcome::Ok(response));
        }
    }

    /// Follows after a pause, so that two servers that name each other are not asked without end.
    fn on_redirect(
        &mut self,
        life: Life,
        seq: u64,
        leader: Option<NodeId>,
        out: &mut Outbox<Raft>,
    ) {
        if (life, seq) != (self.life, self.seq) {
            return;
        }
        let Some(asking) = &mut self.asking else {
            return;
        };
        if let Some(place) =
            leader.and_then(|id| self.config.servers.iter().position(|server| *server == id))
        {
            self.target = place;
            asking.led = true;
            out.arm(Timer::Retry, self.config.options.redirect);
        }
    }

    fn on_retry(&mut self, out: &mut Outbox<Raft>) {
        let Some(asking) = &self.asking else { return };
        if !asking.led {
            self.target = (self.target + 1) % self.config.servers.len();
        }
        self.ask(out);
    }

    fn on_give_up(&mut self, out: &mut Outbox<Raft>) {
        let Some(asking) = self.asking.take() else {
            return;
        };
        out.note(Note::GivesUp(asking.request));
        out.disarm(Timer::Retry);
        let outcome = if asking.request.is_read() {
            Outcome::Failed
        } else {
            Outcome::Unknown
        };
        out.respond(asking.op, outcome);
    }
}
