//! Mistakes of mains.

use std::collections::BTreeMap;

use super::super::message::{Message, Word};
use super::super::progress::Stage;
use super::super::quorum::reached_by;
use super::super::replica::Standing;
use super::super::request::{Request, Response};
use super::super::server::Server;
use super::{In, Out, main, replica, word};
use crate::kv::{self, Revision};
use crate::mistake::Mistake;
use crate::outbox::Effect;
use crate::{Input, NodeId, Now, Process};

pub(super) fn answers_before_the_quorum(server: &mut Server, now: Now, input: In, out: &mut Out) {
    let asked = match &input {
        Input::Delivered(
            from,
            Message {
                group,
                word:
                    Word::Ask {
                        life,
                        number,
                        request: Request::Store(kv::Request::Put(..) | kv::Request::Delete(_)),
                        ..
                    },
            },
        ) => Some((*from, *group, *life, *number)),
        _ => None,
    };
    let Some((client, group, life, number)) = asked else {
        return server.step(now, input, out);
    };
    let logged = |server: &mut Server| match server {
        Server::Node(node) => node.replicas[group.0 as usize].durable.log.last().seq,
        Server::Controller(_) => unreachable!("users put nothing at controllers"),
    };
    let before = logged(server);
    server.step(now, input, out);
    let seq = logged(server);
    if seq > before {
        let word = Word::Answer {
            life,
            number,
            response: Response::Store(kv::Response::Written(Revision(seq.0))),
            seen: before,
        };
        out.send_past_flush(client, Message { group, word });
    }
}

pub(super) fn counts_half(server: &mut Server, now: Now, input: In, out: &mut Out) {
    server.step(now, input.clone(), out);
    let Some(replica) = main(server, &input) else {
        return;
    };
    let Standing::Main(office) = &replica.standing else {
        return;
    };
    let counted = office.followers.iter();
    let counted = counted.filter(|one| one.stage == Stage::Counted);
    let mut reached: Vec<_> = counted.map(|one| one.matched).collect();
    let half = office.siblings.len() / 2;
    if half == 0 || reached.len() < half {
        return;
    }
    let seq = reached_by(&mut reached, half, replica.accepted);
    let own = replica.durable.log.epoch_at(seq) == Some(office.epoch);
    if own && seq > replica.accepted {
        replica.accept_to(now, seq, out);
    }
}

/// It keeps what siblings have confirmed when it is replaced, and goes on from there.
#[derive(Default)]
pub(super) struct CountsOlderOks {
    confirmed: BTreeMap<NodeId, Message>,
}

impl Mistake<Server> for CountsOlderOks {
    fn step(&mut self, server: &mut Server, now: Now, input: In, out: &mut Out) {
        if let Input::Delivered(from, message) = &input
            && let Word::Confirmed { .. } = message.word
        {
            self.confirmed.insert(*from, message.clone());
        }
        let reigned = replica(server, &input).and_then(|replica| replica.reigns());
        server.step(now, input.clone(), out);
        let reigns = main(server, &input).and_then(|replica| replica.reigns());
        if let Some(mine) = reigns.filter(|_| reigned != reigns) {
            for (from, mut message) in self.confirmed.clone() {
                if let Word::Confirmed { epoch, .. } = &mut message.word {
                    *epoch = mine;
                }
                server.step(now, Input::Delivered(from, message), out);
            }
        }
    }
}

pub(super) fn counts_itself_early(server: &mut Server, now: Now, input: In, out: &mut Out) {
    let asked = matches!(word(&input), Some(Word::Ask { .. }));
    server.step(now, input, out);
    if asked {
        let ticket = *out.last_ticket();
        server.step(now, Input::Flushed(ticket), out);
    }
}

pub(super) fn counts_what_it_inherited(server: &mut Server, now: Now, input: In, out: &mut Out) {
    server.step(now, input.clone(), out);
    if let Some(replica) = main(server, &input) {
        let seq = replica.reached();
        if seq > replica.accepted {
            replica.accept_to(now, seq, out);
        }
    }
}

/// What is sent comes back as another word, at once.
fn answers_itself(
    server: &mut Server,
    now: Now,
    out: &mut Out,
    answer: impl Fn(&Word) -> Option<Word>,
) {
    let answers = out.effects().iter().filter_map(|effect| match effect {
        Effect::Send { to, message, .. } => {
            let (group, word) = (message.group, answer(&message.word)?);
            Some((*to, Message { group, word }))
        }
        _ => None,
    });
    for (to, message) in answers.collect::<Vec<_>>() {
        server.step(now, Input::Delivered(to, message), out);
    }
}

pub(super) fn counts_while_syncing(server: &mut Server, now: Now, input: In, out: &mut Out) {
    server.step(now, input, out);
    answers_itself(server, now, out, |word| match word {
        Word::GoLive { copy, at } => Some(Word::Live {
            copy: *copy,
            at: *at,
        }),
        _ => None,
    });
}

pub(super) fn changes_members_first(server: &mut Server, now: Now, input: In, out: &mut Out) {
    server.step(now, input, out);
    answers_itself(server, now, out, |word| match word {
        Word::Admit {
            epoch,
            list,
            siblings,
            copies,
        } => Some(Word::Admitted {
            epoch: *epoch,
            list: *list,
            siblings: siblings.clone(),
            copies: copies.clone(),
        }),
        _ => None,
    });
}

pub(super) fn serves_without_lease(server: &mut Server, now: Now, input: In, out: &mut Out) {
    if let Input::Delivered(
        from,
        Message {
            group,
            word:
                Word::Ask {
                    life,
                    number,
                    request: Request::Store(kv::Request::Get(key)),
                    ..
                },
        },
    ) = &input
        && let Some(replica) = main(server, &input)
    {
        let word = Word::Answer {
            life: *life,
            number: *number,
            response: replica.machine.read(*key),
            seen: replica.accepted,
        };
        let group = *group;
        out.send_past_flush(*from, Message { group, word });
        return;
    }
    server.step(now, input, out);
}
