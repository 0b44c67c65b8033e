//! What an action does: one step of one server, and what comes of it until that server is at rest.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use netsplit::solo::START;
use netsplit::{
    Broken, Config, Damage, Effect, Input, Invariants, Life, Mistake, Mode, NodeId, Now, Opener,
    Outbox, Planted, Process, SmallWorld, Ticket,
};

use super::model::{MessageOf, NoteOf, Pools};
use super::state::{Link, Node, Standing, State, View, Write};
use crate::world::panics;

/// Nothing in a state tells the time: it stands still.
const NOW: Now = Now {
    wall: START,
    mono: START,
};

/// A server in the middle of an action, and the state around it.
pub(super) struct Move<'a, W: SmallWorld> {
    pub(super) world: &'a W,
    pub(super) pools: &'a Pools<W>,
    pub(super) config: &'a Arc<Config<W::Mode>>,
    pub(super) mistake: Option<&'static Planted<<W::Mode as Mode>::Server>>,
    pub(super) state: &'a mut State<W::Mode, W::Memory>,
    pub(super) node: Node<W::Mode>,
    pub(super) memory: W::Memory,
    pub(super) notes: Vec<NoteOf<W>>,
    /// What was told to somebody outside, and is not looked at yet.
    pub(super) told: Vec<(NodeId, MessageOf<W>)>,
    /// Whether anybody could have seen or felt anything of it.
    pub(super) stirred: bool,
    pub(super) ordered: bool,
    pub(super) slow_disks: bool,
}

impl<W: SmallWorld> Move<'_, W> {
    /// Hands the server an input, and goes on until it is at rest.
    pub(super) fn take(&mut self, input: Input<W::Mode>) {
        self.step(input);
        if !self.slow_disks {
            while self.flush() {}
        }
    }

    /// A crash, unless the server is down already, and then a start from what is left on the disk: all that was flushed,
    /// and the first so many of the writes that were not.
    ///
    /// That a server is down for a while needs no state: it does nothing then, and no message needs to reach it.
    pub(super) fn start(&mut self, keeps: usize) {
        let node = &mut self.node;
        node.fall();
        node.write_through(keeps);
        node.cache.clear();
        node.life = Life(node.life.0 + 1);
        self.boot();
    }

    /// Starts the server from what is durable.
    pub(super) fn boot(&mut self) {
        self.stirred = true;
        let mut disk = self.node.disk.clone();
        if let Some(mistake) = &mut self.mistaken() {
            mistake.boot(&mut disk);
        }
        let mut out = self.outbox();
        let (id, life, config) = (self.node.id, self.node.life, self.config);
        let boot = || <W::Mode as Mode>::Server::boot(config, id, life, NOW, &disk, &mut out);
        let Some(server) = self.caught(boot) else {
            return;
        };
        self.node.standing = Standing::Up(server);
        self.carry_out(out);
        if matches!(self.node.standing, Standing::Stopped) {
            self.node.standing = Standing::Lost;
        }
        self.look();
        if !self.slow_disks {
            while self.flush() {}
        }
    }

    /// One flush is done, the oldest: what waited for it leaves, and the server hears of it. False if there was none.
    pub(super) fn flush(&mut self) -> bool {
        let node = &mut self.node;
        let Some((done, writes)) = node.flushes.pop_front() else {
            return false;
        };
        node.write_through(writes);
        for (_, covered) in &mut node.flushes {
            *covered -= writes;
        }
        if node.flushes.is_empty() {
            node.ticket = Ticket(0);
        }
        self.stirred = true;
        let free = self
            .node
            .held
            .partition_point(|(ticket, ..)| *ticket <= done);
        let free: Vec<_> = self.node.held.drain(..free).collect();
        for (_, to, message) in free {
            self.let_out(to, message);
        }
        self.step(Input::Flushed(done));
        true
    }

    fn step(&mut self, input: Input<W::Mode>) {
        let standing = std::mem::replace(&mut self.node.standing, Standing::Stopped);
        let Standing::Up(mut server) = standing else {
            self.node.standing = standing;
            return;
        };
        let mut out = self.outbox();
        let mut mistake = self.mistaken();
        let step = || {
            match &mut mistake {
                Some(mistake) => mistake.step(&mut server, NOW, input, &mut out),
                None => server.step(NOW, input, &mut out),
            }
            server
        };
        let Some(server) = self.caught(step) else {
            return;
        };
        self.node.standing = Standing::Up(server);
        self.carry_out(out);
        self.look();
    }

    /// A mistake anew for every step: one that remembers something from step to step would have to be a part of the state.
    fn mistaken(&self) -> Option<Box<dyn Mistake<<W::Mode as Mode>::Server>>> {
        self.mistake.map(|planted| (planted.plant)())
    }

    fn outbox(&self) -> Outbox<W::Mode> {
        let mut out = Outbox::new();
        *out.opener() = Opener::new(self.node.id);
        *out.last_ticket() = self.node.ticket;
        out
    }

    /// A panic is a promise broken, as in every world.
    fn caught<T>(&mut self, work: impl FnOnce() -> T) -> Option<T> {
        let mut done = None;
        let panic =
            panics::capture(|| catch_unwind(AssertUnwindSafe(|| done = Some(work()))).is_err());
        if let Some(message) = panic {
            let evidence = format!("{} panics: {message}", self.node.id);
            let broken = Broken::new("steps_without_panic", evidence);
            self.state.broken.push(broken);
            self.stirred = true;
        }
        done
    }

    fn look(&mut self) {
        let view = View {
            config: self.config,
            nodes: &self.state.nodes,
            moving: Some(&self.node),
        };
        let found = &mut self.state.broken;
        self.memory.after_step(&view, self.node.id, found);
        for (to, message) in self.told.drain(..) {
            let memory = &mut self.memory;
            self.world.tells(memory, self.node.id, to, &message, found);
        }
    }

    fn carry_out(&mut self, mut out: Outbox<W::Mode>) {
        for effect in out.drain() {
            let node = &mut self.node;
            match effect {
                Effect::Write(record) => node.cache.push(Write::Append(record)),
                Effect::Rewrite(records) => node.cache.push(Write::Replace(records)),
                Effect::Flush(ticket) => {
                    node.ticket = ticket;
                    node.flushes.push_back((ticket, node.cache.len()));
                }
                Effect::Send { to, message, pass } => {
                    if pass || node.flushes.is_empty() {
                        self.let_out(to, message);
                    } else {
                        node.held.push((node.ticket, to, message));
                    }
                }
                Effect::Arm(timer, _) => node.arm(timer),
                Effect::Disarm(timer) => node.disarm(timer),
                Effect::Note(note) => self.notes.push(note),
                Effect::Stop(_) => return node.fall(),
                // A server has no client of its own.
                Effect::Respond(..) => {}
                Effect::Open(_) | Effect::Push { .. } | Effect::Close(_) | Effect::Resolve => {
                    panic!("a small world carries datagrams alone: it has no way for `{effect}`")
                }
            }
        }
    }

    fn let_out(&mut self, to: NodeId, mut message: MessageOf<W>) {
        let place = |id: NodeId| self.config.servers.iter().position(|server| *server == id);
        let (Some(from), to_place) = (place(self.node.id), place(to)) else {
            return;
        };
        let Some(to_place) = to_place else {
            return self.told.push((to, message));
        };
        self.world.tidy_message(&mut message);
        let link = Link {
            from: from as u8,
            to: to_place as u8,
        };
        let message = self.pools.messages.keep(message);
        self.state.send(link, message, self.ordered);
        self.stirred = true;
    }

    /// Puts the server back, in the form in which it is compared.
    pub(super) fn rest(mut self, place: usize) -> (Vec<NoteOf<W>>, bool) {
        if let Standing::Up(server) = &mut self.node.standing {
            self.world.tidy_server(server);
        }
        let whole: Option<Vec<_>> = self
            .node
            .disk
            .iter()
            .map(|record| record.clone().ok())
            .collect();
        if let Some(mut records) = whole {
            self.world.tidy_disk(self.node.id, &mut records);
            self.node.disk = records.into_iter().map(Ok::<_, Damage>).collect();
        }
        self.world.tidy_memory(&mut self.memory);
        let node = self.pools.nodes.keep(self.node);
        let memory = self.pools.memories.keep(self.memory);
        let same = node == self.state.nodes[place] && memory == self.state.memory;
        let stirred = self.stirred || !same || !self.state.broken.is_empty();
        (self.state.nodes[place], self.state.memory) = (node, memory);
        (self.notes, stirred)
    }
}
