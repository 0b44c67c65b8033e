//! What is seen of the servers while they run: what they send, and when what is registered is pushed.
//!
//! A bystander stands where a planted mistake would, between the world and a server, and changes nothing; but that from an
//! instant on it keeps from session servers what clients want, where a figure needs that nothing changes.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use netsplit::kv::Key;
use netsplit::session_data::SessionData;
use netsplit::session_data::message::{Message, Wish};
use netsplit::session_data::server::Server;
use netsplit::{
    Effect, Input, Kinds, Mistake, NodeId, Now, Outbox, Planted, Process, Size, Span, Time,
};
use netsplit_sim::scenario::{Scenario, Source};
use netsplit_sim::world::World;
use netsplit_sim::world::ground::Ground;

/// What was seen.
#[derive(Default)]
pub(crate) struct Seen {
    /// From when on clients are not listened to; what servers have to say of what they said before is over a little later,
    /// and messages count from then on.
    quiet: Option<Time>,
    /// What servers told each other, by kind of message.
    pub(crate) among: BTreeMap<&'static str, Traffic>,
    /// When a session server took in what was published, by the value's name: each is used once.
    published: BTreeMap<u64, Time>,
    /// How long it took until each was first told of it who had been shown its service before.
    pub(crate) told: Vec<Span>,
    knows: BTreeSet<(NodeId, u64)>,
    shown: BTreeSet<(NodeId, Key)>,
}

/// How long servers have something to say of what clients said last.
const ECHO: Span = Span::secs(20);

/// How many messages, and how large they were.
#[derive(Clone, Copy, Default)]
pub(crate) struct Traffic {
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
}

thread_local! {
    /// The run on this thread. A bystander is planted by a plain function, which can be told nothing.
    static SEEN: RefCell<Seen> = RefCell::default();
}

static BYSTANDER: Planted<Server> = Planted {
    name: "bystander",
    about: "nothing is wrong: somebody looks",
    plant: || Box::new(Bystander),
};

struct Bystander;

impl Mistake<Server> for Bystander {
    fn step(
        &mut self,
        server: &mut Server,
        now: Now,
        input: Input<SessionData>,
        out: &mut Outbox<SessionData>,
    ) {
        let is_heard = SEEN.with_borrow_mut(|seen| seen.comes(&input, now.mono));
        if !is_heard {
            return;
        }
        server.step(now, input, out);
        SEEN.with_borrow_mut(|seen| {
            let effects = out.effects().iter();
            effects.for_each(|effect| seen.goes(effect, now.mono));
        });
    }
}

impl Seen {
    /// Whether the server is to hear of it.
    fn comes(&mut self, input: &Input<SessionData>, now: Time) -> bool {
        let Input::Delivered(_, Message::Register { wishes, .. }) = input else {
            return true;
        };
        for wish in wishes.iter() {
            if let Wish::Publish(_, _, value) = wish {
                self.published.entry(value.name).or_insert(now);
            }
        }
        self.quiet.is_none_or(|quiet| now < quiet)
    }

    fn goes(&mut self, effect: &Effect<SessionData>, now: Time) {
        let (to, message) = match effect {
            Effect::Send { to, message, .. } => (*to, message),
            Effect::Push {
                stream, message, ..
            } => (stream.to, message),
            _ => return,
        };
        if let Message::Push { datum, .. } = message {
            let is_new = self.shown.insert((to, datum.service));
            for (_, value) in datum.registered.iter() {
                let is_news = self.knows.insert((to, value.name));
                if let Some(published) = self.published.get(&value.name)
                    && is_news
                    && !is_new
                {
                    self.told.push(now.since(*published));
                }
            }
        }
        let counts = self.quiet.is_some_and(|quiet| quiet + ECHO <= now);
        if counts && !to.is_client() {
            let traffic = self
                .among
                .entry(Message::KINDS[message.kind()])
                .or_default();
            traffic.messages += 1;
            traffic.bytes += message.size() as u64;
        }
    }
}

/// Reads a scenario of this mode.
pub(crate) fn read(name: &str, text: String) -> Scenario<SessionData> {
    let source = Source::new(name, text);
    Scenario::read(&source).unwrap_or_else(|problem| panic!("{problem}"))
}

/// Runs a scenario under the seed 0 in the plain world, without judges, while somebody looks; if an instant is given, then
/// nothing changes from there on.
pub(crate) fn look(text: String, quiet: Option<Time>) -> Seen {
    let mut scenario = read("figures.toml", text);
    scenario.mistake = Some(&BYSTANDER);
    SEEN.set(Seen {
        quiet,
        ..Seen::default()
    });
    let outcomes = World::new(&scenario, 0, Ground::plain()).unjudged().run();
    assert_eq!(outcomes.violations, []);
    SEEN.take()
}
