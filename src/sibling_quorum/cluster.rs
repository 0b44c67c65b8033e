//! How managing nodes, controllers and users become a system that can be run and judged.

use super::charter::{CONTROLLER, Charter, Location, MANAGING, controllers};
use super::client::Client;
use super::invariants::{SiblingQuorumInvariants, recorded};
use super::message::{GroupId, Message, Timer};
use super::mistakes;
use super::note::Note;
use super::options::Options;
use super::progress::Stage;
use super::quorum::{MAX_SIBLINGS, accept_quorum};
use super::replica::{Replica, Standing};
use super::request::{self, Request, Response};
use super::server::Server;
use super::state::Record;
use crate::kv::{Key, Value};
use crate::mistake::Planted;
use crate::process::{Config, Protocol};
use crate::{Class, Cluster, Envelope, Mode, NodeId, Operation, Promise, Span};

/// The mode, and its vocabulary.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SiblingQuorum;

impl Protocol for SiblingQuorum {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Request = Request;
    type Response = Response;
    type Note = Note;
    type Options = Options;
}

impl Mode for SiblingQuorum {
    const NAME: &'static str = "sibling_quorum";
    const ABOUT: &'static str = "managing node with siblings and failover by location controllers; an accepted update survives";
    const SERVERS: &'static [Class] = &[
        Class {
            name: "managing",
            letter: MANAGING,
            number: 1..=MAX_SIBLINGS as u32 + 1,
        },
        Class {
            name: "controllers",
            letter: CONTROLLER,
            number: 1..=15,
        },
    ];
    const OPERATIONS: &'static [Operation<SiblingQuorum>] = request::OPERATIONS;
    const ROLES: &'static [&'static str] = &[
        "main",
        "sibling",
        "newcomer",
        "outsider",
        "controller",
        "seeker",
    ];
    const MISTAKES: &'static [Planted<Server>] = mistakes::ALL;

    type Server = Server;
    type Client = Client;
    type Invariants = SiblingQuorumInvariants;

    fn check(options: &Options) -> Result<(), (&'static str, String)> {
        options.check()
    }

    fn told(request: &Request, response: &Response) -> Option<(Key, Option<Value>)> {
        request::told(request, response)
    }

    fn promises(_: &Config<SiblingQuorum>) -> Vec<Promise<SiblingQuorum>> {
        vec![
            Promise::Linearizable(request::strong),
            Promise::Durable(request::strong),
            Promise::Genuine(request::all),
            Promise::SessionOrder {
                view: request::all,
                strong: request::strong,
            },
        ]
    }

    /// A managing node that lost its disk is copied to anew, as long as a quorum of the siblings still has theirs; a
    /// controller that lost its disk stops for good.
    fn envelope(config: &Config<SiblingQuorum>) -> Envelope {
        let groups = (0..config.options.groups).map(GroupId);
        let spare = |group| {
            let siblings = Charter::founding(config, group).siblings.len();
            accept_quorum(siblings).saturating_sub(1)
        };
        let nodes = groups.map(spare).min().unwrap_or(0);
        let here = |location| controllers(config, location).count();
        let locations = (0..config.options.locations).map(Location);
        let minority = locations.map(|place| here(place).saturating_sub(1) / 2);
        Envelope {
            lost_servers: nodes.min(minority.min().unwrap_or(0)) as u32,
            lying_flushes: false,
            drift_ppm: config.options.drift_ppm(),
        }
    }

    /// Of every group enough that one of them can be the main, and enough others confirm; and of every location's
    /// controllers a majority. Where operators change the lists, nobody can say in advance who that is.
    fn suffices(config: &Config<SiblingQuorum>, core: &[NodeId]) -> bool {
        if !config.options.operated.is_empty() {
            return core.len() == config.servers.len();
        }
        let groups = (0..config.options.groups).map(GroupId);
        let is_enough = |group| {
            let charter = Charter::founding(config, group);
            let there = charter.members().filter(|node| core.contains(node)).count();
            there > charter.accept_quorum()
        };
        let mut locations = (0..config.options.locations).map(Location);
        let is_led = |place| {
            let mut all = 0;
            let there = |node: &NodeId| {
                all += 1;
                core.contains(node)
            };
            let there = controllers(config, place).filter(there).count();
            2 * there > all
        };
        groups.clone().all(is_enough) && locations.all(is_led)
    }

    /// The main is missed, its lease ends, two controllers give up, a user has to ask everybody, and an operation of the
    /// storm ends.
    fn calm_budget(config: &Config<SiblingQuorum>) -> Span {
        let options = &config.options;
        let failover = options.fail + options.lease + options.margin + options.takeover.max * 2;
        failover * 2 + options.again_at_most * 4 + options.give_up + options.client.max * 10
    }

    fn settled(cluster: &impl Cluster<SiblingQuorum>) -> Result<(), String> {
        let mut sound = cluster.servers().iter().filter(|id| cluster.is_sound(**id));
        if let Some(id) = sound.find(|id| cluster.server(**id).is_none()) {
            return Err(format!("{id} is down"));
        }
        let groups = cluster.up().find_map(|(_, server)| match server {
            Server::Node(node) => Some(node.replicas.len() as u32),
            Server::Controller(_) => None,
        });
        let mut groups = (0..groups.unwrap_or(0)).map(GroupId);
        groups.try_for_each(|group| is_settled(cluster, group))
    }
}

/// The replica of a group at a node that is up.
pub(super) fn replica(
    cluster: &impl Cluster<SiblingQuorum>,
    node: NodeId,
    group: GroupId,
) -> Option<&Replica> {
    match cluster.server(node)? {
        Server::Node(node) => node.replicas.get(group.0 as usize),
        Server::Controller(_) => None,
    }
}

/// The main that is recorded serves, and all its siblings have what it has.
fn is_settled(cluster: &impl Cluster<SiblingQuorum>, group: GroupId) -> Result<(), String> {
    let charter = recorded(cluster, group).ok_or("nothing is recorded")?;
    let main = charter.main.ok_or(format!("{group} has no main"))?;
    let chief = replica(cluster, main, group).ok_or(format!("{main} is down"))?;
    let Standing::Main(office) = &chief.standing else {
        return Err(format!("{main} has not taken office"));
    };
    let last = chief.durable.log.last();
    if office.epoch != charter.epoch || chief.accepted != last.seq {
        return Err(format!(
            "{main} has accepted {} of {last} in epoch {}, and {} is recorded",
            chief.accepted, office.epoch, charter.epoch
        ));
    }
    if office.siblings != charter.siblings || office.change.is_some() {
        return Err(format!("{main} is about to change its siblings"));
    }
    for id in charter.siblings.iter().filter(|id| cluster.is_sound(**id)) {
        let counts =
            |one: &&super::progress::Progress| one.id == *id && one.stage == Stage::Counted;
        let sibling = replica(cluster, *id, group).ok_or(format!("{id} is down"))?;
        let level = (sibling.durable.log.last(), sibling.accepted) == (last, last.seq)
            && sibling.durable.copy == Some(charter.copy(*id));
        if !level || !office.followers.iter().any(|one| counts(&one)) {
            return Err(format!(
                "the log of {id} ends {}, accepted {}, not as that of {main}, {last}",
                sibling.durable.log.last(),
                sibling.accepted
            ));
        }
        if sibling.machine.hash() != chief.machine.hash() && chief.rules().hashes {
            return Err(format!("the resources of {id} are not those of {main}"));
        }
    }
    Ok(())
}
