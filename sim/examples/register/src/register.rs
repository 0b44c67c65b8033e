//! The algorithm: `n1` is the primary, every other server a backup.
//!
//! ```text
//!  c1            n1 (primary)          n2             n3
//!  |--- ask ------->| write, flush     |              |
//!  |                |---- copy ------->| write, flush |
//!  |                |---- copy --------+------------->| write, flush
//!  |                |<--- copied ------|              |
//!  |                |<--- copied ------+--------------|
//!  |<-- answer -----| all have it: execute            |
//! ```
//!
//! *Promises:* every key is a linearizable register, and what was acknowledged is on every disk. *Does not promise:*
//! progress while any server is down; there is no failover.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use netsplit::kv::{Key, Request, Response, Revision, Value};
use netsplit::{Config, Damage, Input, Life, NodeId, Now, OpId, Outbox, Outcome, Process, Role};

use crate::mode::Register;

/// The primary, for good.
pub(crate) const PRIMARY: NodeId = NodeId::server(1);

/// What travels.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Message {
    /// A client to the primary: do this, once.
    Ask(OpId, Request),
    /// The primary to a client: it is done.
    Answer(OpId, Response),
    /// The primary to a backup: the entry at this place of the log, from 1.
    Copy(usize, Entry),
    /// A backup to the primary: so many entries are on its disk.
    Copied(usize),
}

/// An entry of the log, which is also what is written to disk.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Entry {
    client: NodeId,
    op: OpId,
    request: Request,
}

/// The alarms.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Timer {
    /// The primary copies again what a backup has not confirmed; a client asks again.
    Again,
}

/// The primary, or a backup.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Server {
    me: NodeId,
    config: Arc<Config<Register>>,
    /// What is on disk.
    pub(crate) log: Vec<Entry>,
    /// The newest operation of each client in the log.
    newest: BTreeMap<NodeId, OpId>,
    /// How much of the log each backup has confirmed: the primary's affair, as is what follows.
    confirmed: BTreeMap<NodeId, usize>,
    /// How much of the log everybody has, and so is executed.
    pub(crate) done: usize,
    registers: BTreeMap<Key, (Option<Value>, Revision)>,
    answers: BTreeMap<NodeId, (OpId, Response)>,
}

impl Process for Server {
    type Protocol = Register;

    fn boot(
        config: &Arc<Config<Register>>,
        me: NodeId,
        _: Life,
        _: Now,
        disk: &[Result<Entry, Damage>],
        out: &mut Outbox<Register>,
    ) -> Server {
        let mut server = Server {
            me,
            config: Arc::clone(config),
            log: Vec::new(),
            newest: BTreeMap::new(),
            confirmed: config.others(me).map(|backup| (backup, 0)).collect(),
            done: 0,
            registers: BTreeMap::new(),
            answers: BTreeMap::new(),
        };
        // A torn record was never confirmed: the log ends before it.
        let whole = disk.iter().map_while(|record| record.as_ref().ok());
        whole.for_each(|entry| server.append(entry.clone()));
        if me == PRIMARY {
            server.copy_again(out);
            server.execute(out);
        }
        server
    }

    fn step(&mut self, _: Now, input: Input<Register>, out: &mut Outbox<Register>) {
        match input {
            Input::Delivered(client, Message::Ask(op, request)) => {
                self.on_ask(client, op, request, out)
            }
            Input::Delivered(_, Message::Copy(place, entry)) => self.on_copy(place, entry, out),
            Input::Delivered(backup, Message::Copied(count)) => self.on_copied(backup, count, out),
            Input::Fired(Timer::Again) => self.copy_again(out),
            Input::Failed(_) => out.stop("its disk failed"),
            // It keeps nothing that it would have to hand over.
            Input::Quit => out.stop("was asked to quit"),
            _ => {}
        }
    }

    fn role(&self) -> Option<Role> {
        let name = if self.me == PRIMARY {
            "primary"
        } else {
            "backup"
        };
        Some(Role { name, rank: 0 })
    }
}

impl Server {
    fn append(&mut self, entry: Entry) {
        self.newest.insert(entry.client, entry.op);
        self.log.push(entry);
    }

    fn on_ask(&mut self, client: NodeId, op: OpId, request: Request, out: &mut Outbox<Register>) {
        if self.newest.get(&client).is_none_or(|newest| *newest < op) {
            let entry = Entry {
                client,
                op,
                request,
            };
            self.append(entry.clone());
            out.write(entry.clone());
            out.flush();
            for backup in self.config.others(self.me) {
                out.send(backup, Message::Copy(self.log.len(), entry.clone()));
            }
            self.execute(out);
        } else if let Some((answered, response)) = self.answers.get(&client)
            && *answered == op
        {
            out.send(client, Message::Answer(op, *response));
        }
    }

    fn on_copy(&mut self, place: usize, entry: Entry, out: &mut Outbox<Register>) {
        if place == self.log.len() + 1 {
            self.append(entry.clone());
            out.write(entry);
            out.flush();
        }
        out.send(PRIMARY, Message::Copied(self.log.len()));
    }

    fn on_copied(&mut self, backup: NodeId, count: usize, out: &mut Outbox<Register>) {
        let Some(confirmed) = self.confirmed.get_mut(&backup) else {
            return;
        };
        if count > *confirmed {
            *confirmed = count;
            self.execute(out);
        }
    }

    /// Each backup gets what is next for it: it may have been down, or a message was lost.
    fn copy_again(&mut self, out: &mut Outbox<Register>) {
        out.arm(Timer::Again, self.config.options.again);
        for (backup, confirmed) in &self.confirmed {
            let missing = self.log.iter().enumerate().skip(*confirmed);
            for (before, entry) in missing.take(self.config.options.batch) {
                out.send(*backup, Message::Copy(before + 1, entry.clone()));
            }
        }
    }

    /// Executes what everybody has, and answers whoever still waits for it.
    fn execute(&mut self, out: &mut Outbox<Register>) {
        let everybody = self.confirmed.values().copied().min();
        let upto = everybody.unwrap_or(self.log.len()).min(self.log.len());
        while self.done < upto {
            let Entry {
                client,
                op,
                request,
            } = self.log[self.done].clone();
            self.done += 1;
            let response = self.apply(Revision(self.done as u64), request);
            self.answers.insert(client, (op, response));
            if self.newest[&client] == op {
                out.send(client, Message::Answer(op, response));
            }
        }
    }

    fn apply(&mut self, revision: Revision, request: Request) -> Response {
        let (found, at) = self
            .registers
            .get(&request.key())
            .copied()
            .unwrap_or_default();
        let value = match request {
            Request::Put(_, value) => Some(value),
            Request::Delete(_) => None,
            Request::Cas(_, expected, value) if found == expected => Some(value),
            Request::Get(_) | Request::Cas(..) => return Response::Found(found, at),
        };
        self.registers.insert(request.key(), (value, revision));
        Response::Written(revision)
    }
}

/// One who asks one thing at a time, and again until it is answered.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Client {
    config: Arc<Config<Register>>,
    asking: Option<(OpId, Request)>,
}

impl Process for Client {
    type Protocol = Register;

    fn boot(
        config: &Arc<Config<Register>>,
        _: NodeId,
        _: Life,
        _: Now,
        _: &[Result<Entry, Damage>],
        _: &mut Outbox<Register>,
    ) -> Client {
        Client {
            config: Arc::clone(config),
            asking: None,
        }
    }

    fn step(&mut self, _: Now, input: Input<Register>, out: &mut Outbox<Register>) {
        match input {
            Input::Requested(op, request) => {
                self.asking = Some((op, request));
                self.ask(out);
            }
            Input::Fired(Timer::Again) => self.ask(out),
            Input::Delivered(_, Message::Answer(op, response)) => self.on_answer(op, response, out),
            _ => {}
        }
    }
}

impl Client {
    fn on_answer(&mut self, op: OpId, response: Response, out: &mut Outbox<Register>) {
        if self.asking.take_if(|(asked, _)| *asked == op).is_some() {
            out.disarm(Timer::Again);
            out.respond(op, Outcome::Ok(response));
        }
    }

    fn ask(&mut self, out: &mut Outbox<Register>) {
        if let Some((op, request)) = self.asking {
            out.arm(Timer::Again, self.config.options.again);
            out.send(PRIMARY, Message::Ask(op, request));
        }
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Message::Ask(op, request) => write!(f, "ask {op}: {request}"),
            Message::Answer(op, response) => write!(f, "answer {op}: {response}"),
            Message::Copy(place, entry) => write!(f, "copy {place}: {entry}"),
            Message::Copied(count) => write!(f, "copied {count}"),
        }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Entry {
            client,
            op,
            request,
        } = self;
        write!(f, "{client} {op} {request}")
    }
}
