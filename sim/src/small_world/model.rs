//! A small world as stateright's engine takes it: where it begins, what can happen, and what comes of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use netsplit::small_world::{Bounds, Next, Often, Question, SmallWorld};
use netsplit::{Config, Input, Kinds, Life, Mode, NodeId, Planted, Process, Protocol, Ticket};
use smallvec::SmallVec;
use stateright::{Model, Property};

use super::kept::Pool;
use super::state::{Node, Parcel, Spent, Standing, State, View};
use super::step::Move;

/// What can happen next, by the places of things in the state where it happens.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Action {
    /// A message arrives.
    Hear {
        /// Which of those under way.
        parcel: u16,
        /// Whether it will arrive once more.
        twice: bool,
    },
    /// A message of a link that holds too many is lost.
    Lose {
        /// Which of those under way.
        parcel: u16,
    },
    /// A question comes from outside.
    Ask {
        /// Which.
        question: u16,
        /// To whom.
        server: u8,
    },
    /// An alarm goes off.
    Fire {
        /// Whose.
        server: u8,
        /// Which of those that are set.
        alarm: u16,
    },
    /// A flush is done.
    Flush {
        /// Whose.
        server: u8,
    },
    /// A server crashes, or has stopped, and is started.
    Start {
        /// Which.
        server: u8,
        /// How many of the writes that were not flushed it finds.
        keeps: u16,
    },
}

/// The state of a world.
pub(super) type StateOf<W> = State<<W as SmallWorld>::Mode, <W as SmallWorld>::Memory>;

/// The notes of a world's processes.
pub(super) type NoteOf<W> = <<W as SmallWorld>::Mode as Protocol>::Note;

/// The messages of a world's processes.
pub(super) type MessageOf<W> = <<W as SmallWorld>::Mode as Protocol>::Message;

/// What its states are made of.
pub(super) struct Pools<W: SmallWorld> {
    pub(super) nodes: Pool<Node<W::Mode>>,
    pub(super) memories: Pool<W::Memory>,
    pub(super) messages: Pool<MessageOf<W>>,
}

/// A small world, and what was seen of it.
pub struct Stage<W: SmallWorld> {
    pub(super) world: W,
    pub(super) config: Arc<Config<W::Mode>>,
    bounds: Bounds,
    pub(super) questions: Vec<Question<W::Mode>>,
    mistake: Option<&'static Planted<<W::Mode as Mode>::Server>>,
    pools: Pools<W>,
    /// By kind, whether a note was ever made.
    noted: Vec<AtomicBool>,
}

impl<W: SmallWorld> Stage<W> {
    pub(super) fn new(
        world: W,
        mistake: Option<&'static Planted<<W::Mode as Mode>::Server>>,
    ) -> Stage<W> {
        let kinds = NoteOf::<W>::KINDS.iter();
        let config = world.config();
        assert!(
            u8::try_from(config.servers.len()).is_ok(),
            "a world of more than 255 servers is not small"
        );
        Stage {
            config: Arc::new(config),
            bounds: world.bounds(),
            questions: world.questions(),
            mistake,
            pools: Pools {
                nodes: Pool::new(),
                memories: Pool::new(),
                messages: Pool::new(),
            },
            noted: kinds.map(|_| AtomicBool::new(false)).collect(),
            world,
        }
    }

    /// The names of all notes that were ever made.
    pub(super) fn noted(&self) -> Vec<&'static str> {
        let names = NoteOf::<W>::KINDS.iter().zip(&self.noted);
        let made = names.filter(|(_, made)| made.load(Ordering::Relaxed));
        made.map(|(name, _)| *name).collect()
    }

    /// All servers on their formatted disks, started one after another.
    fn opening(&self) -> StateOf<W> {
        let node = |id: &NodeId| {
            let disk = <W::Mode as Mode>::Server::format(&self.config, *id);
            self.pools.nodes.keep(Node {
                id: *id,
                life: Life(0),
                standing: Standing::Stopped,
                disk: disk.into_iter().map(Ok).collect(),
                cache: Vec::new(),
                flushes: Default::default(),
                ticket: Ticket(0),
                held: Vec::new(),
                alarms: Vec::new(),
            })
        };
        let mut state = State {
            nodes: self.config.servers.iter().map(node).collect(),
            parcels: Vec::new(),
            spent: Spent {
                crashes: 0,
                doubles: 0,
                asked: SmallVec::from_elem(0, self.questions.len()),
                fired: Vec::new(),
            },
            memory: self.pools.memories.keep(W::Memory::default()),
            broken: Vec::new(),
        };
        for place in 0..state.nodes.len() {
            self.moves(&mut state, place, |moving| moving.boot());
        }
        state
    }

    /// One server moves: what it notes, and whether anything is different now.
    fn moves(
        &self,
        state: &mut StateOf<W>,
        place: usize,
        act: impl FnOnce(&mut Move<'_, W>),
    ) -> (Vec<NoteOf<W>>, bool) {
        let mut moving = Move {
            world: &self.world,
            pools: &self.pools,
            config: &self.config,
            mistake: self.mistake,
            node: Node::clone(&state.nodes[place]),
            memory: W::Memory::clone(&state.memory),
            state,
            notes: Vec::new(),
            told: Vec::new(),
            stirred: false,
            ordered: self.bounds.ordered,
            slow_disks: self.bounds.slow_disks,
        };
        act(&mut moving);
        let (notes, stirred) = moving.rest(place);
        if stirred {
            self.clear(state);
        }
        (notes, stirred)
    }

    /// Takes away what is under way and can change nothing any more.
    fn clear(&self, state: &mut StateOf<W>) {
        let State { nodes, parcels, .. } = state;
        let view = View {
            config: &self.config,
            nodes,
            moving: None,
        };
        parcels.retain(|Parcel { link, message }| {
            let [from, to] = [link.from, link.to].map(|place| &nodes[usize::from(place)]);
            let matters = |server| self.world.matters(server, message);
            to.server().is_none_or(matters)
                && self.world.matters_among(&view, from.id, to.id, message)
        });
    }

    /// What comes of an action, and what is noted meanwhile. No state, if a message or a question changes nothing: where it
    /// is still to come, all can happen that can happen where it came.
    pub(super) fn happen(
        &self,
        before: &StateOf<W>,
        action: Action,
    ) -> (Option<StateOf<W>>, Vec<NoteOf<W>>) {
        let mut state = before.clone();
        let (notes, stirred) = match action {
            Action::Hear { parcel, twice } => self.hear(&mut state, parcel.into(), twice),
            Action::Lose { parcel } => {
                state.parcels.remove(parcel.into());
                (Vec::new(), true)
            }
            Action::Ask { question, server } => {
                state.spent.asked[usize::from(question)] += 1;
                let Question { from, message, .. } = &self.questions[usize::from(question)];
                let input = Input::Delivered(*from, message.clone());
                self.moves(&mut state, server.into(), |moving| moving.take(input))
            }
            Action::Fire { server, alarm } => {
                let timer = state.nodes[usize::from(server)].alarms[usize::from(alarm)];
                if matches!(self.world.often(&timer), Often::Times(_)) {
                    state.spent.fire(timer);
                }
                self.moves(&mut state, server.into(), |moving| {
                    moving.node.disarm(timer);
                    moving.take(Input::Fired(timer));
                })
            }
            Action::Flush { server } => self.moves(&mut state, server.into(), |moving| {
                moving.flush();
            }),
            Action::Start { server, keeps } => {
                let up = state.nodes[usize::from(server)].server().is_some();
                state.spent.crashes += u8::from(up);
                self.moves(&mut state, server.into(), |moving| {
                    moving.start(keeps.into())
                })
            }
        };
        (stirred.then_some(state), notes)
    }

    fn hear(&self, state: &mut StateOf<W>, parcel: usize, twice: bool) -> (Vec<NoteOf<W>>, bool) {
        let Parcel { link, message } = state.parcels[parcel].clone();
        // Where order is kept, what was sent before it is lost now.
        let first = match self.bounds.ordered {
            true => state.parcels.partition_point(|other| other.link < link),
            false => parcel,
        };
        if twice {
            state.spent.doubles += 1;
            state.parcels.drain(first..parcel);
        } else {
            state.parcels.drain(first..=parcel);
        }
        let from = self.config.servers[usize::from(link.from)];
        let input = Input::Delivered(from, MessageOf::<W>::clone(&message));
        self.moves(state, link.to.into(), |moving| moving.take(input))
    }

    fn parcel_actions(&self, state: &StateOf<W>, actions: &mut Vec<Action>) {
        let crowded = state.crowded(self.bounds.room);
        for (place, parcel) in state.parcels.iter().enumerate() {
            let same = |before: usize| state.parcels.get(before) == Some(parcel);
            let known = !self.bounds.ordered && place.checked_sub(1).is_some_and(same);
            let up = state.nodes[usize::from(parcel.link.to)].server().is_some();
            let parcel_place = place as u16;
            match crowded {
                Some(link) if parcel.link == link && !known => actions.push(Action::Lose {
                    parcel: parcel_place,
                }),
                None if up && !known => {
                    let doubles = state.spent.doubles < self.bounds.doubles;
                    let ways = if doubles {
                        &[false, true][..]
                    } else {
                        &[false]
                    };
                    actions.extend(ways.iter().map(|twice| Action::Hear {
                        parcel: parcel_place,
                        twice: *twice,
                    }));
                }
                _ => {}
            }
        }
    }

    fn server_actions(&self, state: &StateOf<W>, place: usize, actions: &mut Vec<Action>) {
        let (node, server) = (&state.nodes[place], place as u8);
        let view = View {
            config: &self.config,
            nodes: &state.nodes,
            moving: None,
        };
        let up = matches!(node.standing, Standing::Up(_));
        for (question, asked) in self.questions.iter().enumerate() {
            let left = state.spent.asked[question] < asked.times;
            if up && left && self.world.may(&view, node.id, Next::Asked(asked)) {
                let question = question as u16;
                actions.push(Action::Ask { question, server });
            }
        }
        for (alarm, timer) in node.alarms.iter().enumerate() {
            let left = match self.world.often(timer) {
                Often::Never => false,
                Often::Times(times) => state.spent.fired(timer) < times,
                Often::Always => true,
            };
            if up && left && self.world.may(&view, node.id, Next::Fires(timer)) {
                let alarm = alarm as u16;
                actions.push(Action::Fire { server, alarm });
            }
        }
        if up && !node.flushes.is_empty() {
            actions.push(Action::Flush { server });
        }
        let left = state.spent.crashes < self.bounds.crashes;
        let crashes = up && left && self.world.may(&view, node.id, Next::Crashes);
        if crashes || matches!(node.standing, Standing::Stopped) {
            let keeps = 0..=node.cache.len() as u16;
            actions.extend(keeps.map(|keeps| Action::Start { server, keeps }));
        }
    }
}

impl<W: SmallWorld> Model for Stage<W> {
    type State = StateOf<W>;
    type Action = Action;

    fn init_states(&self) -> Vec<Self::State> {
        vec![self.opening()]
    }

    fn actions(&self, state: &Self::State, actions: &mut Vec<Action>) {
        if !state.broken.is_empty() {
            return;
        }
        self.parcel_actions(state, actions);
        if state.crowded(self.bounds.room).is_none() {
            (0..state.nodes.len()).for_each(|place| self.server_actions(state, place, actions));
        }
    }

    fn next_state(&self, before: &Self::State, action: Action) -> Option<Self::State> {
        let (state, notes) = self.happen(before, action);
        for note in notes {
            self.noted[note.kind()].store(true, Ordering::Relaxed);
        }
        state
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always(
            "all that must hold holds",
            |_, state: &StateOf<W>| state.broken.is_empty(),
        )]
    }

    fn within_boundary(&self, state: &Self::State) -> bool {
        let within = |server: &<W::Mode as Mode>::Server| self.world.within(server);
        let mut servers = state.nodes.iter().filter_map(|node| node.server());
        !state.broken.is_empty() || servers.all(within)
    }
}
