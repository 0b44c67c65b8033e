//! One server: a register for each key, a disk for all of them, and clients to answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::cluster::CasPaxos;
use super::message::{Message, Note, Timer};
use super::state::{Content, Record, Unfit, recover};
use crate::kv::{Key, Request, Response, Revision};
use crate::process::{Config, Damage, DiskError, Input, Process, Role};
use crate::register::{Act, Answer, Ballot, Change, ChangeId, Fate, Register, Verdict, carry_out};
use crate::{Life, NodeId, Now, Outbox};

/// One server.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Server {
    pub(super) me: NodeId,
    pub(super) life: Life,
    config: Arc<Config<CasPaxos>>,
    /// The registers that it has heard of. The others hold nothing, as they were formatted.
    pub(super) registers: BTreeMap<Key, Register<Content>>,
    /// Whose register the last step was about.
    pub(super) touched: Option<Key>,
    /// The last that it concluded, and how many that makes.
    pub(super) concluded: (u64, Option<Conclusion>),
}

/// That something is chosen, as a proposer believes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Conclusion {
    pub(super) key: Key,
    pub(super) ballot: Ballot,
}

impl Process for Server {
    type Protocol = CasPaxos;

    fn format(_: &Config<CasPaxos>, me: NodeId) -> Vec<Record> {
        vec![Record::Identity(me)]
    }

    fn boot(
        config: &Arc<Config<CasPaxos>>,
        me: NodeId,
        life: Life,
        _: Now,
        disk: &[Result<Record, Damage>],
        out: &mut Outbox<CasPaxos>,
    ) -> Server {
        let mut server = Server {
            me,
            life,
            config: Arc::clone(config),
            registers: BTreeMap::new(),
            touched: None,
            concluded: (0, None),
        };
        if disk.last() == Some(&Err(Damage::Torn)) {
            out.note(Note::FindsTornTail);
        }
        match recover(disk) {
            Ok(records) => {
                for (key, record) in records {
                    server.register(key).recover(record);
                }
            }
            Err(Unfit::Wiped) => {
                out.note(Note::FindsItselfWiped);
                out.stop("its disk was wiped: what it promised is lost");
            }
            Err(Unfit::Rotten) => {
                out.note(Note::FindsRot);
                out.stop("a record on disk is rotten: what it promised is lost");
            }
        }
        server
    }

    fn step(&mut self, _: Now, input: Input<CasPaxos>, out: &mut Outbox<CasPaxos>) {
        self.touched = None;
        match input {
            Input::Delivered(from, Message::Register(key, message)) => {
                let acts = self.register(key).on_message(from, message);
                self.carry_out(key, acts, out);
            }
            Input::Delivered(from, Message::Ask { life, seq, request }) => {
                let by = from;
                self.on_ask(ChangeId { by, life, seq }, request, out);
            }
            Input::Fired(Timer::Register(key)) => {
                let acts = self.register(key).on_alarm();
                self.carry_out(key, acts, out);
            }
            // Memory is ahead of the disk now, and nobody knows by how much: a restart reads what is truly there.
            Input::Failed(error) => self.on_disk_error(error, out),
            // What it promised is flushed, and what it proposes others can complete.
            Input::Quit => out.stop("was asked to quit"),
            // Nothing waits for a flush but what the outbox holds back.
            Input::Flushed(_) => {}
            // It speaks in datagrams, among servers that know each other.
            Input::Opened { .. } | Input::Arrived(..) | Input::Credit(..) | Input::Closed(..) => {}
            Input::Resolved(_) => {}
            // A client's affairs.
            Input::Delivered(_, Message::Answer { .. }) => {}
            Input::Fired(Timer::Retry | Timer::GiveUp) | Input::Requested(..) => {}
        }
    }

    fn role(&self) -> Option<Role> {
        let works = self.registers.values().any(|register| !register.is_idle());
        works.then_some(Role {
            name: "proposer",
            rank: 0,
        })
    }
}

impl Server {
    /// A key's register, which holds nothing until somebody changes it.
    pub(super) fn register(&mut self, key: Key) -> &mut Register<Content> {
        let Server {
            me, life, config, ..
        } = self;
        let new = || {
            let (servers, pace) = (&config.servers, config.options.pace());
            Register::new(*me, servers, *life, Content::default(), pace)
        };
        self.registers.entry(key).or_insert_with(new)
    }

    fn on_ask(&mut self, id: ChangeId, request: Request, out: &mut Outbox<CasPaxos>) {
        let key = request.key();
        let register = self.register(key);
        // A client asks one thing at a time.
        register.withdraw_before(id);
        let acts = register.ask(id, change(request));
        self.carry_out(key, acts, out);
    }

    fn carry_out(&mut self, key: Key, acts: Vec<Act<Content>>, out: &mut Outbox<CasPaxos>) {
        self.touched = Some(key);
        for answer in carry_out(acts, &key, out) {
            let ballot = answer.ballot;
            self.concluded = (self.concluded.0 + 1, Some(Conclusion { key, ballot }));
            let ChangeId { by, life, seq } = answer.id;
            if let Some(response) = response(&answer) {
                out.send(
                    by,
                    Message::Answer {
                        life,
                        seq,
                        response,
                    },
                );
            }
        }
    }

    fn on_disk_error(&self, error: DiskError, out: &mut Outbox<CasPaxos>) {
        out.note(Note::DiskFailed(error));
        out.stop("its disk failed");
    }
}

/// What a request asks of its key's register.
fn change(request: Request) -> Change<Content> {
    match request {
        Request::Get(_) => Change::Look,
        Request::Put(_, value) => Change::Set(Content(Some(value))),
        Request::Delete(_) => Change::Set(Content(None)),
        Request::Cas(_, from, to) => Change::Replace {
            from: Content(from),
            to: Content(Some(to)),
        },
    }
}

/// What the client is told; nothing, if it has asked for something else since.
fn response(answer: &Answer<Content>) -> Option<Response> {
    match &answer.fate {
        Fate::Looked => {
            let held = &answer.held;
            Some(Response::Found(held.value.0, Revision(held.version.0)))
        }
        Fate::Decided(Verdict::Made(version)) => Some(Response::Written(Revision(version.0))),
        Fate::Decided(Verdict::Unmet(version, value)) => {
            Some(Response::Found(value.0, Revision(version.0)))
        }
        Fate::Overtaken => None,
    }
}
