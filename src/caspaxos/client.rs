//! What a client does: ask any server, retry at the next with the same sequence number, give up in the end.

use std::sync::Arc;

use super::cluster::CasPaxos;
use super::message::{Message, Note, Timer};
use super::state::Record;
use crate::kv::{Request, Response};
use crate::process::{Config, Damage, Input, Outcome, Process};
use crate::{Life, NodeId, Now, OpId, Outbox};

/// One client: it asks one thing at a time.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Client {
    config: Arc<Config<CasPaxos>>,
    life: Life,
    /// The server to ask next, by its place in the configuration.
    target: usize,
    seq: u64,
    asking: Option<(OpId, Request)>,
}

impl Process for Client {
    type Protocol = CasPaxos;

    fn boot(
        config: &Arc<Config<CasPaxos>>,
        me: NodeId,
        life: Life,
        _: Now,
        _: &[Result<Record, Damage>],
        _: &mut Outbox<CasPaxos>,
    ) -> Client {
        // Clients begin at different servers: they are all alike.
        let target = me.number() as usize % config.servers.len();
        Client {
            config: Arc::clone(config),
            life,
            target,
            seq: 0,
            asking: None,
        }
    }

    fn step(&mut self, _: Now, input: Input<CasPaxos>, out: &mut Outbox<CasPaxos>) {
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
            Input::Fired(Timer::Retry) => {
                // The one that it asked may be busy, or gone.
                self.target = (self.target + 1) % self.config.servers.len();
                self.ask(out);
            }
            Input::Fired(Timer::GiveUp) => self.on_give_up(out),
            // It is killed when its time is up, and its operation stays open.
            Input::Quit => {}
            // It writes nothing.
            Input::Flushed(_) | Input::Failed(_) => {}
            // The servers' affairs.
            Input::Delivered(..) | Input::Fired(Timer::Register(_)) => {}
            // It speaks in datagrams, to servers that it knows.
            Input::Opened { .. } | Input::Arrived(..) | Input::Credit(..) | Input::Closed(..) => {}
            Input::Resolved(_) => {}
        }
    }
}

impl Client {
    fn on_requested(&mut self, op: OpId, request: Request, out: &mut Outbox<CasPaxos>) {
        assert!(
            self.asking.is_none(),
            "a client is asked one thing at a time"
        );
        self.seq += 1;
        self.asking = Some((op, request));
        out.arm(Timer::GiveUp, self.config.options.give_up);
        self.ask(out);
    }

    fn ask(&self, out: &mut Outbox<CasPaxos>) {
        let Some((_, request)) = self.asking else {
            return;
        };
        let (life, seq) = (self.life, self.seq);
        out.arm(Timer::Retry, self.config.options.retry);
        out.send(
            self.config.servers[self.target],
            Message::Ask { life, seq, request },
        );
    }

    fn on_answer(&mut self, life: Life, seq: u64, response: Response, out: &mut Outbox<CasPaxos>) {
        if (life, seq) == (self.life, self.seq)
            && let Some((op, _)) = self.asking.take()
        {
            out.disarm(Timer::Retry);
            out.disarm(Timer::GiveUp);
            out.respond(op, Outcome::Ok(response));
        }
    }

    fn on_give_up(&mut self, out: &mut Outbox<CasPaxos>) {
        let Some((op, request)) = self.asking.take() else {
            return;
        };
        out.note(Note::GivesUp(request));
        out.disarm(Timer::Retry);
        let outcome = if request.is_read() {
            Outcome::Failed
        } else {
            Outcome::Unknown
        };
        out.respond(op, outcome);
    }
}
