//! Whom a fault befalls: from the names in a file to targets.

use std::ops::Range;

use netsplit::{Class, Mode, NodeId};
use toml::Spanned;

use super::Problem;
use super::checks::Checks;
use super::choices::{Apart, Names};
use crate::world::fault::What;
use crate::world::target::{Group, Shape, Target};

/// The words that a fault can be aimed at in any scenario.
pub(super) const WORDS: [(&str, Target); 6] = [
    ("any", Target::Any),
    ("minority", Target::Minority),
    ("majority", Target::Majority),
    ("others", Target::Others),
    ("all", Target::All),
    ("clients", Target::Clients),
];

/// The classes of servers, where there are several.
fn classes<M: Mode>() -> impl Iterator<Item = &'static Class> {
    let several = M::SERVERS.len() > 1;
    M::SERVERS.iter().filter(move |_| several)
}

impl Checks<'_> {
    pub(super) fn apart<M: Mode>(&self, apart: &Spanned<Apart>) -> Result<What, Problem> {
        let place = apart.span();
        match apart.get_ref() {
            Apart::Shape(name) => {
                let Some((_, shape, least)) =
                    Shape::ALL.into_iter().find(|(known, ..)| known == name)
                else {
                    let known = Shape::ALL.map(|(known, ..)| known);
                    return Err(Problem::unknown(
                        self.source,
                        Some(place),
                        "shape of a partition",
                        name,
                        known,
                    ));
                };
                if self.servers.len() < least {
                    let message = format!("{} nodes make no {name}", self.servers.len());
                    return Err(self
                        .at(place, message)
                        .help(format!("it takes {least} or more")));
                }
                Ok(What::Shape(shape))
            }
            Apart::Groups(groups) if groups.len() < 2 => {
                let help = "write partition = [\"leader\", \"others\"]";
                Err(self
                    .at(place, "a partition needs two groups or more")
                    .help(help))
            }
            Apart::Groups(groups) => {
                let mut sides: Vec<Group> = Vec::new();
                for names in groups {
                    let side = self.group::<M>(names)?;
                    let is_taken = |target: &Target| {
                        matches!(target, Target::Node(_)) && sides.concat().contains(target)
                    };
                    if side.iter().all(is_taken) {
                        let message =
                            "nobody is on this side: a node stands on the first that names it";
                        let help = "write partition = [[\"n1\", \"n2\"], \"n3\"]";
                        return Err(self.at(names.span(), message).help(help));
                    }
                    sides.push(side);
                }
                Ok(What::Partition(sides))
            }
        }
    }

    /// The two ends of links; a node has none to itself.
    pub(super) fn ends<M: Mode>(
        &self,
        from: &Spanned<Names>,
        to: &Spanned<Names>,
    ) -> Result<(Group, Group), Problem> {
        let (senders, receivers) = (self.group::<M>(from)?, self.group::<M>(to)?);
        if let [Target::Node(one)] = senders[..]
            && senders == receivers
        {
            let help = "name two, or a word such as \"others\"";
            return Err(self
                .at(to.span(), format!("{one} has no link to itself"))
                .help(help));
        }
        Ok((senders, receivers))
    }

    pub(super) fn group<M: Mode>(&self, names: &Spanned<Names>) -> Result<Group, Problem> {
        let place = names.span();
        if names.get_ref().0.is_empty() {
            return Err(self
                .at(place, "nobody is named")
                .help("name a node or a role, as in \"leader\""));
        }
        names
            .get_ref()
            .0
            .iter()
            .map(|name| self.target::<M>(name, place.clone()))
            .collect()
    }

    pub(super) fn target<M: Mode>(
        &self,
        name: &str,
        place: Range<usize>,
    ) -> Result<Target, Problem> {
        if let Some(role) = M::ROLES.iter().find(|role| **role == name) {
            return Ok(Target::Role(role));
        }
        if let Some(class) = classes::<M>().find(|class| class.name == name) {
            return Ok(Target::Class(class.letter, class.name));
        }
        if let Some((_, target)) = WORDS.iter().find(|(word, _)| *word == name) {
            if matches!(target, Target::Minority) && self.servers.len() < 3 {
                let message = format!("{} nodes have no minority", self.servers.len());
                return Err(self.at(place, message).help("it takes 3 nodes or more"));
            }
            return Ok(target.clone());
        }
        if let Some(zone) = self.zones.names.iter().position(|zone| zone == name) {
            return Ok(Target::Zone(zone as u16, name.to_owned()));
        }
        if name == "any_zone" && !self.zones.names.is_empty() {
            return Ok(Target::AnyZone(self.zones.names.len() as u16));
        }
        if let Some(node) = self.named(name, &place) {
            return node.map(Target::Node);
        }
        let words = WORDS.iter().map(|(word, _)| *word);
        let zones = self.zones.names.iter().map(String::as_str);
        let any_zone = (!self.zones.names.is_empty()).then_some("any_zone");
        let known = M::ROLES
            .iter()
            .copied()
            .chain(classes::<M>().map(|class| class.name))
            .chain(words)
            .chain(zones)
            .chain(any_zone)
            .chain(["n1", "c1"]);
        Err(Problem::unknown(
            self.source,
            Some(place),
            "target",
            name,
            known,
        ))
    }

    /// A node by name.
    pub(super) fn node(&self, name: &str, place: Range<usize>) -> Result<NodeId, Problem> {
        let unknown =
            || Problem::unknown(self.source, Some(place.clone()), "node", name, ["n1", "c1"]);
        self.named(name, &place).unwrap_or_else(|| Err(unknown()))
    }

    /// A name that looks like a node's; an error if there is no such node.
    fn named(&self, name: &str, place: &Range<usize>) -> Option<Result<NodeId, Problem>> {
        let mut rest = name.chars();
        let letter = rest.next()?;
        let is_word = rest.as_str().is_empty() || rest.any(char::is_alphabetic);
        let clients = NodeId::client(self.clients.max(1));
        let mut all = self.servers.iter().chain([&clients]);
        // The last of those that are named by the letter.
        let last = all.rfind(|id| id.letter() == letter).filter(|_| !is_word)?;
        let id = name
            .parse()
            .ok()
            .filter(|id: &NodeId| id.number() <= last.number());
        Some(id.ok_or_else(|| {
            let message = format!("there is no `{name}` in this scenario");
            let help = format!("they are {letter}1 to {last}");
            self.at(place.clone(), message).help(help)
        }))
    }
}
