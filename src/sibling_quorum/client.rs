//! A user of the system: it holds a redundant reference to each group, asks the main, then its siblings, under the same
//! update id, reads from the nearest, and gives up in the end.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::SiblingQuorum;
use super::charter::{Charter, is_controller};
use super::log::{Epoch, Seq};
use super::message::{GroupId, Message, Timer, Word};
use super::note::Note;
use super::reference::Reference;
use super::request::{Request, Response};
use super::state::Record;
use crate::process::{Config, Damage, Input, Outcome, Process};
use crate::{Life, NodeId, Now, OpId, Outbox, Time};

/// One user, who asks one thing at a time.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Client {
    config: Arc<Config<SiblingQuorum>>,
    life: Life,
    references: BTreeMap<GroupId, Reference>,
    /// How far it has seen each group's log.
    seen: BTreeMap<GroupId, Seq>,
    number: u64,
    /// Which controller it asks next.
    controller: usize,
    asking: Option<Asking>,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Asking {
    op: OpId,
    request: Request,
    group: GroupId,
    /// Whom it asked last, and when.
    asked: Option<(NodeId, Time)>,
    /// Who could not show what it wants to see.
    in_vain: Vec<NodeId>,
    /// Whether it was told whom to ask next.
    led: bool,
}

impl Process for Client {
    type Protocol = SiblingQuorum;

    fn boot(
        config: &Arc<Config<SiblingQuorum>>,
        me: NodeId,
        life: Life,
        _: Now,
        _: &[Result<Record, Damage>],
        _: &mut Outbox<SiblingQuorum>,
    ) -> Client {
        let groups = (0..config.options.groups).map(GroupId);
        let founding = |group| Reference::new(&Charter::founding(config, group));
        Client {
            config: Arc::clone(config),
            life,
            references: groups.map(|group| (group, founding(group))).collect(),
            seen: BTreeMap::new(),
            number: 0,
            controller: me.number() as usize,
            asking: None,
        }
    }

    fn step(&mut self, now: Now, input: Input<SiblingQuorum>, out: &mut Outbox<SiblingQuorum>) {
        match input {
            Input::Requested(op, request) => self.on_requested(now, op, request, out),
            Input::Delivered(from, Message { group, word }) => {
                self.on_word(now, from, group, word, out);
            }
            Input::Fired(Timer::Retry) => self.on_retry(now, out),
            Input::Fired(Timer::Watched) => self.on_watched(now, out),
            Input::Fired(Timer::GiveUp) => self.on_give_up(out),
            // It speaks in datagrams, to servers that it knows.
            Input::Opened { .. } | Input::Arrived(..) | Input::Credit(..) | Input::Closed(..) => {}
            Input::Resolved(_) => {}
            // It is killed when its time is up, and its operation stays open.
            Input::Quit => {}
            // It writes nothing.
            Input::Flushed(_) | Input::Failed(_) => {}
            // A server's affairs.
            Input::Fired(_) => {}
        }
    }
}

impl Client {
    fn on_requested(
        &mut self,
        now: Now,
        op: OpId,
        request: Request,
        out: &mut Outbox<SiblingQuorum>,
    ) {
        assert!(self.asking.is_none(), "a user is asked one thing at a time");
        self.number += 1;
        self.asking = Some(Asking {
            op,
            request,
            group: GroupId::of(request.key(), self.config.options.groups),
            asked: None,
            in_vain: Vec::new(),
            led: false,
        });
        out.arm(Timer::GiveUp, self.config.options.give_up);
        if let Request::Watch(_) = request {
            out.arm(Timer::Watched, self.config.options.watch);
        }
        self.ask(now, out);
    }

    /// Asks whoever is next, and expects an answer in time.
    fn ask(&mut self, now: Now, out: &mut Outbox<SiblingQuorum>) {
        let Some((group, request)) = self.asking.as_ref().map(|one| (one.group, one.request))
        else {
            return;
        };
        let target = match request {
            Request::Near(_) => self.nearest(group),
            Request::Register(..) | Request::Remove(..) => self.next_controller(),
            _ => self.references[&group].target(),
        };
        let Some(asking) = &mut self.asking else {
            return;
        };
        let again = asking.asked.is_some();
        asking.led = false;
        asking.asked = Some((target, now.mono));
        let word = Word::Ask {
            life: self.life,
            number: self.number,
            request,
            seen: self.seen.get(&group).copied().unwrap_or_default(),
            again,
        };
        out.arm(Timer::Retry, self.config.options.client);
        out.send(target, Message { group, word });
    }

    /// The nearest node of a group; when all were asked in vain, they are asked anew.
    fn nearest(&mut self, group: GroupId) -> NodeId {
        let reference = &self.references[&group];
        let Some(asking) = &mut self.asking else {
            return reference.target();
        };
        reference.nearest(&asking.in_vain).unwrap_or_else(|| {
            asking.in_vain.clear();
            reference.target()
        })
    }

    fn next_controller(&mut self) -> NodeId {
        let servers = self.config.servers.iter().copied();
        let controllers: Vec<NodeId> = servers.filter(|id| is_controller(*id)).collect();
        self.controller += 1;
        controllers[self.controller % controllers.len()]
    }

    fn on_word(
        &mut self,
        now: Now,
        from: NodeId,
        group: GroupId,
        word: Word,
        out: &mut Outbox<SiblingQuorum>,
    ) {
        match word {
            Word::Answer {
                life,
                number,
                response,
                seen,
            } if (life, number) == (self.life, self.number) => {
                self.on_answer(now, from, (response, seen), out);
            }
            Word::Elsewhere {
                life,
                number,
                epoch,
                main,
            } if (life, number) == (self.life, self.number) => {
                self.on_elsewhere(from, epoch, main, out);
            }
            Word::Behind { life, number } if (life, number) == (self.life, self.number) => {
                self.on_behind(now, from, out);
            }
            Word::Recorded(charter) => self.on_recorded(group, &charter, out),
            // Of an earlier question, or a server's affairs.
            _ => {}
        }
    }

    fn on_answer(
        &mut self,
        now: Now,
        from: NodeId,
        (response, seen): (Response, Seq),
        out: &mut Outbox<SiblingQuorum>,
    ) {
        let Some(asking) = self.asking.take() else {
            return;
        };
        let known = self.seen.entry(asking.group).or_default();
        *known = (*known).max(seen);
        let is_near = matches!(asking.request, Request::Near(_));
        if let Some((_, at)) = asking.asked.filter(|(asked, _)| *asked == from && is_near)
            && let Some(reference) = self.references.get_mut(&asking.group)
        {
            reference.took(from, now.mono.since(at));
        }
        self.rest(out);
        out.respond(asking.op, Outcome::Ok(response));
    }

    /// Nothing is asked any more.
    fn rest(&self, out: &mut Outbox<SiblingQuorum>) {
        out.disarm(Timer::Retry);
        out.disarm(Timer::Watched);
        out.disarm(Timer::GiveUp);
    }

    /// Follows after a pause, so that two nodes that name each other are not asked without end.
    fn on_elsewhere(
        &mut self,
        from: NodeId,
        epoch: Epoch,
        main: Option<NodeId>,
        out: &mut Outbox<SiblingQuorum>,
    ) {
        let Some(asking) = &mut self.asking else {
            return;
        };
        let is_asked = asking.asked.is_some_and(|(asked, _)| asked == from);
        if let Some(reference) = self.references.get_mut(&asking.group)
            && is_asked
            && reference.learn(epoch, main)
        {
            asking.led = true;
            out.arm(Timer::Retry, self.config.options.redirect);
        }
    }

    /// Asks the next nearest.
    fn on_behind(&mut self, now: Now, from: NodeId, out: &mut Outbox<SiblingQuorum>) {
        let Some(asking) = &mut self.asking else {
            return;
        };
        asking.in_vain.push(from);
        let Some(reference) = self.references.get(&asking.group) else {
            return;
        };
        if reference.nearest(&asking.in_vain).is_some() {
            self.ask(now, out);
        }
    }

    fn on_recorded(&mut self, group: GroupId, charter: &Charter, out: &mut Outbox<SiblingQuorum>) {
        let Some(reference) = self.references.get_mut(&group) else {
            return;
        };
        let news = reference.take(charter);
        if let Some(asking) = self.asking.as_mut().filter(|asking| asking.group == group)
            && news
            && asking.request.goes_to_main()
        {
            asking.led = true;
            out.arm(Timer::Retry, self.config.options.redirect);
        }
    }

    /// Whoever was asked does not answer: it asks the next, under the same id, and tells a controller.
    fn on_retry(&mut self, now: Now, out: &mut Outbox<SiblingQuorum>) {
        let Some(asking) = &mut self.asking else {
            return;
        };
        let (group, request, led) = (asking.group, asking.request, asking.led);
        if let Some((asked, at)) = asking.asked.filter(|_| !led) {
            asking.in_vain.push(asked);
            let reference = self.references.get_mut(&group);
            if let (Request::Near(_), Some(reference)) = (request, reference) {
                reference.took(asked, now.mono.since(at));
            } else if request.goes_to_main() {
                self.report(asked, group, out);
            }
        }
        self.ask(now, out);
    }

    /// The main does not answer: the next in the list may have been promoted, and a controller should know.
    fn report(&mut self, asked: NodeId, group: GroupId, out: &mut Outbox<SiblingQuorum>) {
        let controller = self.next_controller();
        if let Some(reference) = self.references.get_mut(&group) {
            out.note(Note::Reports(asked));
            let word = Word::Unreachable(reference.epoch);
            out.send(controller, Message { group, word });
            reference.pass_on();
        }
    }

    /// Nothing has happened to what it watches: it reads what there is.
    fn on_watched(&mut self, now: Now, out: &mut Outbox<SiblingQuorum>) {
        if let Some(asking) = &mut self.asking
            && let Request::Watch(key) = asking.request
        {
            asking.request = Request::Near(key);
            asking.in_vain.clear();
            self.ask(now, out);
        }
    }

    fn on_give_up(&mut self, out: &mut Outbox<SiblingQuorum>) {
        let Some(asking) = self.asking.take() else {
            return;
        };
        out.note(Note::GivesUp(asking.request));
        self.rest(out);
        let outcome = if asking.request.is_read() {
            Outcome::Failed
        } else {
            Outcome::Unknown
        };
        out.respond(asking.op, outcome);
    }
}
