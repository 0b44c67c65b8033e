//! What a client does: ask a node, and another if that does not answer.

use std::sync::Arc;

use super::ZoneSync;
use super::message::{Message, Note, Timer};
use super::request::{Request, Response};
use super::state::Saved;
use crate::process::{Config, Damage, Input, Outcome, Process};
use crate::{Life, NodeId, Now, OpId, Outbox, Span, Time};

/// How often a client that looks for something asks again: the real one's 100 milliseconds.
pub const LOOKS_EVERY: Span = Span::millis(100);

/// One client: it asks one thing at a time, and stays with the node that answers, or asks another each time.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Client {
    config: Arc<Config<ZoneSync>>,
    life: Life,
    /// The node to ask, by its place in the configuration.
    target: usize,
    seq: u64,
    asking: Option<Asking>,
}

/// What a client waits for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Asking {
    op: OpId,
    request: Request,
    /// On the monotonic clock.
    since: Time,
    /// Whether it was asked again: a node that did not answer may have done it.
    again: bool,
}

impl Process for Client {
    type Protocol = ZoneSync;

    fn boot(
        config: &Arc<Config<ZoneSync>>,
        me: NodeId,
        life: Life,
        _: Now,
        _: &[Result<Saved, Damage>],
        _: &mut Outbox<ZoneSync>,
    ) -> Client {
        Client {
            config: Arc::clone(config),
            life,
            target: me.number() as usize % config.servers.len(),
            seq: 0,
            asking: None,
        }
    }

    fn step(&mut self, now: Now, input: Input<ZoneSync>, out: &mut Outbox<ZoneSync>) {
        match input {
            Input::Requested(op, request) => {
                assert!(
                    self.asking.is_none(),
                    "a client is asked one thing at a time"
                );
                let since = now.mono;
                self.asking = Some(Asking {
                    op,
                    request,
                    since,
                    again: false,
                });
                out.arm(Timer::GiveUp, self.config.options.give_up);
                if self.config.options.roam {
                    self.turn_to_the_next();
                }
                self.ask_anew(out);
            }
            Input::Delivered(
                _,
                Message::Answer {
                    life,
                    seq,
                    response,
                },
            ) => {
                if (life, seq) == (self.life, self.seq) {
                    self.on_answer(response, now, out);
                }
            }
            Input::Fired(Timer::AskAgain) => {
                self.turn_to_the_next();
                if let Some(asking) = &mut self.asking {
                    asking.again = true;
                }
                self.ask(out);
            }
            Input::Fired(Timer::LookAgain) => self.ask_anew(out),
            Input::Fired(Timer::GiveUp) => self.give_up(out),
            // It writes nothing, opens no streams, and simply goes when it is told to.
            Input::Flushed(_) | Input::Failed(_) | Input::Resolved(_) => {}
            Input::Opened { .. } | Input::Arrived(..) | Input::Credit(..) | Input::Closed(..) => {}
            Input::Quit => out.stop("was asked to quit"),
            // A node's affairs.
            Input::Delivered(..) | Input::Fired(_) => {}
        }
    }
}

impl Client {
    fn turn_to_the_next(&mut self) {
        self.target = (self.target + 1) % self.config.servers.len();
    }

    /// Asks what only a fresh answer will do for.
    fn ask_anew(&mut self, out: &mut Outbox<ZoneSync>) {
        self.seq += 1;
        self.ask(out);
    }

    fn ask(&mut self, out: &mut Outbox<ZoneSync>) {
        let Some(Asking { request, .. }) = self.asking else {
            return;
        };
        let (life, seq) = (self.life, self.seq);
        out.arm(Timer::AskAgain, self.config.options.ask_again);
        out.send(
            self.config.servers[self.target],
            Message::Ask { life, seq, request },
        );
    }

    /// An answer to what it asked last. Who looks for something waits a while until the node has heard of it. That there
    /// is nothing to patch is true of the last node that was asked; one that was asked before may have patched it.
    fn on_answer(&mut self, response: Response, now: Now, out: &mut Outbox<ZoneSync>) {
        let Some(Asking {
            op,
            request,
            since,
            again,
        }) = self.asking
        else {
            return;
        };
        let unheard_of = matches!(response, Response::Found(_, None, None));
        let patient = matches!(request, Request::Find(_));
        if unheard_of && patient && now.mono.since(since) < self.config.options.leeway {
            out.disarm(Timer::AskAgain);
            out.arm(Timer::LookAgain, LOOKS_EVERY);
            return;
        }
        self.asking = None;
        out.disarm(Timer::AskAgain);
        out.disarm(Timer::GiveUp);
        let not_here = matches!(
            (request, response),
            (Request::Patch(..), Response::Found(..))
        );
        let outcome = if not_here && again {
            Outcome::Unknown
        } else {
            Outcome::Ok(response)
        };
        out.respond(op, outcome);
    }

    /// A read has certainly not been done; a write may have been, at any of the nodes that were asked.
    fn give_up(&mut self, out: &mut Outbox<ZoneSync>) {
        let Some(Asking { op, request, .. }) = self.asking.take() else {
            return;
        };
        out.note(Note::GivesUp(request));
        out.disarm(Timer::AskAgain);
        out.disarm(Timer::LookAgain);
        let outcome = if request.is_read() {
            Outcome::Failed
        } else {
            Outcome::Unknown
        };
        out.respond(op, outcome);
    }
}
