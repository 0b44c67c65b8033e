//! The sibling quorum in a world that is small enough to be looked at whole.
//!
//! One controller is a register by itself: it decides at once, as an atomic register would. Nothing tells the time, so the
//! main can be suspected at any moment, and there are no leases: what they keep, reads of an old main, is not asked for.

use std::sync::Arc;

use super::SiblingQuorum;
use super::charter::{CONTROLLER, Charter, MANAGING};
use super::controller::Charge;
use super::ledger::Ledger;
use super::log::{Entries, Epoch, Log, Position, Seq};
use super::message::{Message, Timer, Word};
use super::node::Node;
use super::office::{Lease, Office};
use super::options::{Cut, Options, Rules};
use super::progress::{Pace, Progress};
use super::replica::{Replica, Standing};
use super::request::{Request, Response};
use super::search::Search;
use super::server::Server;
use super::state::{Durable, Record, recover};
use crate::kv::{self, Key, Value};
use crate::register::{self, Ballot, Held};
use crate::small_world::{Bounds, Next, Often, Question, SmallWorld};
use crate::{Broken, Cluster, Config, Life, NodeId, Time};

/// A group, some updates, and some promotions.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct SmallSiblings {
    /// How many siblings.
    pub siblings: u32,
    /// How many updates are asked for, each once, by as many users.
    pub updates: u32,
    /// How often another main is sought.
    pub promotions: u64,
    /// How often heartbeats go off, in all.
    pub heartbeats: Often,
    /// How often something is sent again to each sibling, in all.
    pub again: Often,
    /// How many messages of a main are under way to one sibling, if none is sent again.
    pub window: usize,
    /// Which rules hold. Leases never do here, and hashes are not compared: what is executed is looked at itself.
    pub rules: Rules,
    /// What else may happen.
    pub bounds: Bounds,
}

impl SmallWorld for SmallSiblings {
    type Mode = SiblingQuorum;
    type Memory = Ledger;

    /// All managing nodes belong to the group.
    fn config(&self) -> Config<SiblingQuorum> {
        let nodes = (1..=self.siblings + 1).map(|number| NodeId::new(MANAGING, number));
        let rules = Rules {
            lease: false,
            hashes: false,
            ..self.rules.clone()
        };
        let options = Options {
            siblings: self.siblings,
            window: self.window,
            // As patient the first time as later, and soon enough to suspect a main when the stage opens.
            again_at_most: Options::default().again,
            fail: Options::default().suspicion,
            rules,
            ..Options::default()
        };
        Config {
            servers: nodes.chain([NodeId::new(CONTROLLER, 1)]).collect(),
            options,
        }
    }

    fn bounds(&self) -> Bounds {
        self.bounds
    }

    fn questions(&self) -> Vec<Question<SiblingQuorum>> {
        let put = |number: u32| Question {
            from: NodeId::client(number),
            message: Message {
                group: Default::default(),
                word: Word::Ask {
                    life: Life(0),
                    number: 1,
                    request: put(number),
                    seen: Seq(0),
                    again: false,
                },
            },
            times: 1,
        };
        (1..=self.updates).map(put).collect()
    }

    fn often(&self, timer: &Timer) -> Often {
        match timer {
            Timer::Heartbeat(_) => self.heartbeats,
            Timer::Again(..) => self.again,
            _ => Often::Always,
        }
    }

    /// A controller looks after its main only as long as it may still seek another one; and while it seeks one it need not
    /// ask again, since what it has asked is still under way. Who is not the main sends users away.
    fn may(
        &self,
        cluster: &impl Cluster<SiblingQuorum>,
        server: NodeId,
        next: Next<'_, SiblingQuorum>,
    ) -> bool {
        match (cluster.server(server), next) {
            (Some(Server::Controller(controller)), Next::Fires(_)) => {
                controller.charges.iter().all(|charge| {
                    charge.search == Search::Idle && charge.known.epoch.0 <= self.promotions
                })
            }
            (Some(Server::Controller(_)), Next::Asked(_)) => false,
            (Some(Server::Node(node)), Next::Fires(timer)) => {
                node.replicas.iter().all(|replica| may_fire(replica, timer))
            }
            _ => true,
        }
    }

    fn within(&self, server: &Server) -> bool {
        let within = |charge: &Charge| charge.known.epoch.0 <= 1 + self.promotions;
        match server {
            Server::Controller(controller) => controller.charges.iter().all(within),
            Server::Node(_) => true,
        }
    }

    fn matters(&self, receiver: &Server, message: &Message) -> bool {
        match receiver {
            Server::Controller(controller) => {
                let mut charges = controller.charges.iter();
                charges.any(|charge| matters_to_controller(charge, &message.word))
            }
            Server::Node(node) => {
                let mut replicas = node.replicas.iter();
                replicas.any(|replica| matters_to_node(replica, &message.word))
            }
        }
    }

    /// A fence matters while its answer is waited for: later it too only tells of a newer epoch.
    fn matters_among(
        &self,
        cluster: &impl Cluster<SiblingQuorum>,
        from: NodeId,
        _: NodeId,
        message: &Message,
    ) -> bool {
        let (Some(Server::Controller(controller)), Word::Fence { epoch, .. }) =
            (cluster.server(from), &message.word)
        else {
            return true;
        };
        let mut charges = controller.charges.iter();
        charges.any(|charge| {
            charge.known.epoch == *epoch && matches!(charge.search, Search::Fencing(_))
        })
    }

    /// Who is told that an update is done can rely on it: a main has accepted it.
    fn tells(
        &self,
        memory: &mut Ledger,
        server: NodeId,
        to: NodeId,
        message: &Message,
        found: &mut Vec<Broken>,
    ) {
        if let Word::Answer {
            response: Response::Store(kv::Response::Written(revision)),
            ..
        } = message.word
            && !memory.has_accepted(Seq(revision.0), put(to.number()))
        {
            let evidence = format!(
                "{server} tells {to} that its update is done, at {revision:?}, where nobody has accepted it"
            );
            found.push(Broken::new("what_is_answered_is_accepted", evidence));
        }
    }

    fn tidy_server(&self, server: &mut Server) {
        match server {
            Server::Node(Node { replicas }) => replicas.iter_mut().for_each(tidy_replica),
            Server::Controller(controller) => controller.charges.iter_mut().for_each(tidy_charge),
        }
    }

    /// Nothing is renewed, nothing is compared, no reader asks; and of what is accepted a sibling hears only as far as it
    /// is sent the log.
    fn tidy_message(&self, message: &mut Message) {
        match &mut message.word {
            Word::Promote(charter) => tidy_charter(charter),
            Word::Confirmed { executed, hash, .. } => (*executed, *hash) = (Seq(0), 0),
            Word::Replicate {
                prev,
                entries,
                accepted,
                normal,
                ..
            } => {
                *accepted = (*accepted).min(Seq(prev.seq.0 + entries.len() as u64));
                *normal = true;
            }
            _ => {}
        }
    }

    /// What a boot makes of it.
    fn tidy_disk(&self, server: NodeId, records: &mut Vec<Record>) {
        let mut tidied = vec![Record::Identity(server)];
        let newest = records.iter().rev().find_map(|record| match record {
            Record::Register(group, register::Record::Accepted(_, held)) => Some((group, held)),
            _ => None,
        });
        if let Some((group, held)) = newest {
            let mut value = held.value.clone();
            tidy_charter(&mut value);
            let held = Arc::new(Held::formatted(value));
            let record = register::Record::Accepted(Ballot::ZERO, held);
            tidied.push(Record::Register(*group, record));
        }
        let disk: Vec<_> = records.drain(..).map(Ok).collect();
        let groups = recover(&disk).expect("a disk that nobody harms is whole");
        for (group, found) in groups {
            let (mut durable, machine) = (found.durable, found.machine);
            tidy_reigned(&mut durable, &self.rules);
            let at = durable.log.base();
            let copies = machine.copies(None, None);
            tidied.push(Record::Base { group, at, copies });
            tidied.push(Record::Promise {
                group,
                promised: durable.promised,
                reigned: durable.reigned,
                copy: durable.copy,
            });
            let first = at.seq.next();
            let entries = Entries::from(durable.log.slice(first, usize::MAX));
            if !entries.is_empty() {
                tidied.push(Record::Entries {
                    group,
                    first,
                    entries,
                });
            }
        }
        *records = tidied;
    }
}

/// What a user asks for.
fn put(user: u32) -> Request {
    let value = Value {
        name: user.into(),
        bytes: 8,
    };
    Request::Store(kv::Request::Put(Key(0), value))
}

/// What is sent again to a sibling that has confirmed everything is nothing.
fn may_fire(replica: &Replica, timer: &Timer) -> bool {
    let Standing::Main(office) = &replica.standing else {
        return true;
    };
    let last = replica.durable.log.last().seq;
    let lacks = |one: &Progress| one.matched < last || one.is_probed();
    match timer {
        Timer::Again(_, node) => {
            let mut followers = office.followers.iter();
            followers.any(|one| one.id == *node && lacks(one))
        }
        _ => true,
    }
}

/// What nodes say of themselves to a controller adds nothing: that one resigns allows what is allowed at any time, and that
/// one is alive is answered, if at all, with a newer epoch: who does not hear of it goes on, and can do all that one who
/// did could.
fn matters_to_controller(charge: &Charge, word: &Word) -> bool {
    let Word::Fenced { epoch, .. } = word else {
        return false;
    };
    *epoch == charge.known.epoch && matches!(charge.search, Search::Fencing(_))
}

/// Epochs only grow, and nobody takes office in one twice. A main that is told of a newer epoch, by a refusal or by what
/// is recorded, stops; one that is not told goes on, and takes what it is sent as the other would.
fn matters_to_node(replica: &Replica, word: &Word) -> bool {
    let (durable, fence) = (&replica.durable, replica.rules().fence);
    let promised = durable.promised;
    match word {
        Word::Fence { epoch, .. } => *epoch >= promised,
        Word::Promote(charter) => {
            charter.epoch > durable.reigned && (charter.epoch >= promised || !fence)
        }
        Word::Confirmed { epoch, matched, .. } => {
            let news = |one: &Progress| *matched > one.matched || one.is_probed();
            reigns(replica, *epoch).is_some_and(|office| office.followers.iter().any(news))
        }
        Word::Lacking { epoch, .. } => reigns(replica, *epoch).is_some(),
        Word::Replicate {
            epoch,
            prev,
            entries,
            accepted,
            ..
        } => {
            *epoch > promised
                || (*epoch == promised
                    && (*accepted > replica.accepted
                        || replica.rules().cut != Cut::AtConflict
                        || !has(&durable.log, *epoch, *prev, entries)))
        }
        Word::Recorded(_) | Word::Outdated(_) => false,
        _ => true,
    }
}

fn reigns(replica: &Replica, epoch: Epoch) -> Option<&Office> {
    match &replica.standing {
        Standing::Main(office) if office.epoch == epoch => Some(office),
        _ => None,
    }
}

/// Whether a log has what a main says that it should have, up to an entry of that main's own: who has that has said so, and
/// what it said is still under way.
fn has(log: &Log, epoch: Epoch, prev: Position, entries: &Entries) -> bool {
    let end = Seq(prev.seq.0 + entries.len() as u64);
    let mut places = (prev.seq.0 + 1..).map(Seq).zip(entries.iter());
    log.contains(prev)
        && log.epoch_at(end) == Some(epoch)
        && places.all(|(seq, entry)| log.epoch_at(seq) == Some(entry.epoch))
}

/// The main was last heard so long ago that it is suspected as soon as somebody looks, and it is promoted once: should that
/// get lost, it is as if it were still under way. Names of changes, ballots and versions only count upwards, as nobody
/// else asks the register for anything.
fn tidy_charge(charge: &mut Charge) {
    charge.forget_names();
    (charge.heard, charge.is_up) = (Time::ZERO, true);
    let acceptor = &mut charge.register.acceptor;
    let mut value = acceptor.held.value.clone();
    tidy_charter(&mut value);
    tidy_charter(&mut charge.known);
    acceptor.held = Arc::new(Held::formatted(value));
    (acceptor.promised, acceptor.accepted) = (Ballot::ZERO, Ballot::ZERO);
}

/// Who was the main before is of interest only while there is none. The order of the siblings matters where several answer
/// a fence before one is chosen; of two the first that answers is.
fn tidy_charter(charter: &mut Charter) {
    charter.last = charter.chief();
    charter.lease = 0;
    if charter.query_quorum() <= 1 {
        charter.siblings.sort();
    }
}

/// The last epoch of a node that is main no more is as good as none: it can take office only in one that is newer than
/// what it has promised.
fn tidy_reigned(durable: &mut Durable, rules: &Rules) {
    if durable.promised > durable.reigned && rules.fence {
        durable.reigned = Epoch(0);
    }
}

/// Who is the main decides only where users are sent, and whether a sibling counts only whether it shows what it has.
fn tidy_replica(replica: &mut Replica) {
    replica.is_normal = false;
    let config = Arc::clone(&replica.config);
    tidy_reigned(&mut replica.durable, &config.options.rules);
    match &mut replica.standing {
        Standing::Sibling(main) => *main = None,
        Standing::Main(office) => {
            office.lease = Lease::default();
            office.forget_hashes();
            office
                .followers
                .iter_mut()
                .for_each(|one| tidy_progress(one, config.options.window));
        }
        Standing::Outside | Standing::Newcomer(_) => {}
    }
}

/// An alarm that is set is set again whenever something is sent, and one that goes off behind news goes off once more
/// without. What is in flight matters where it fills a window.
fn tidy_progress(one: &mut Progress, window: usize) {
    (one.armed, one.moved) = (false, false);
    if let Pace::Stream(inflight) = &mut one.pace
        && window == usize::MAX
    {
        inflight.clear();
    }
}
