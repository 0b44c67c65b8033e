//! Names: of nodes, of client operations, of disk flushes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A participant of a run: a letter for what it is and a number from 1, printed `n3` or `c1`.
///
/// Ordered by letter, then number. Four bytes, so that it travels for nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u32);

impl NodeId {
    /// The largest number a node can have.
    pub const MAX_NUMBER: u32 = (1 << 24) - 1;

    /// The node `number` (from 1) of the class `letter` (a lower-case ASCII letter).
    ///
    /// # Panics
    /// If the letter is not in `a..=z` or the number is zero or over [`NodeId::MAX_NUMBER`].
    pub const fn new(letter: char, number: u32) -> NodeId {
        assert!(
            letter.is_ascii_lowercase(),
            "a class of nodes is named by a letter from a to z"
        );
        assert!(
            number > 0 && number <= NodeId::MAX_NUMBER,
            "nodes are numbered from 1"
        );
        NodeId((letter as u32) << 24 | number)
    }

    /// The server `number`, printed `n3`.
    pub const fn server(number: u32) -> NodeId {
        NodeId::new('n', number)
    }

    /// The client `number`, printed `c3`.
    pub const fn client(number: u32) -> NodeId {
        NodeId::new('c', number)
    }

    /// What kind of participant it is.
    pub const fn letter(self) -> char {
        (self.0 >> 24) as u8 as char
    }

    /// Its number within its class, from 1.
    pub const fn number(self) -> u32 {
        self.0 & NodeId::MAX_NUMBER
    }

    /// It all in one word: its letter, then its number.
    pub(crate) const fn code(self) -> u32 {
        self.0
    }

    /// The node of that code, if there can be one.
    pub(crate) fn from_code(code: u32) -> Option<NodeId> {
        let node = NodeId(code);
        (node.letter().is_ascii_lowercase() && node.number() > 0).then_some(node)
    }

    /// Whether it stands outside the system and asks.
    pub const fn is_client(self) -> bool {
        self.letter() == 'c'
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}{}", self.letter(), self.number()))
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What is no name of a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadNodeId;

impl fmt::Display for BadNodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a node is named by a letter and a number from 1, such as n3")
    }
}

impl std::error::Error for BadNodeId {}

/// Reads what is printed: `n3`.
impl FromStr for NodeId {
    type Err = BadNodeId;

    fn from_str(text: &str) -> Result<NodeId, BadNodeId> {
        let mut rest = text.chars();
        let letter = rest.next().filter(char::is_ascii_lowercase);
        let digits = rest.as_str();
        let plain = digits.bytes().all(|digit| digit.is_ascii_digit()) && !digits.starts_with('0');
        let number = digits
            .parse()
            .ok()
            .filter(|number| plain && (1..=NodeId::MAX_NUMBER).contains(number));
        match (letter, number) {
            (Some(letter), Some(number)) => Ok(NodeId::new(letter, number)),
            _ => Err(BadNodeId),
        }
    }
}

impl Serialize for NodeId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for NodeId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// One operation of a client, from its invocation to its answer, printed `#7`. Unique in a run; those of one client grow.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct OpId(pub u32);

impl fmt::Display for OpId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// A flush that a process asked for: numbered upwards within one node, so that a later one covers an earlier one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Ticket(pub u64);

/// A stream between two processes, named by who opened it and which of its streams it is: `n1/3`. No two of a run share
/// one. Ordered by opener, and of each in the order in which it opened them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct StreamId {
    /// Who opened it.
    pub opener: NodeId,
    /// Which of the opener's, from 1; it goes on counting over restarts.
    pub number: u32,
    /// To whom.
    pub to: NodeId,
}

impl StreamId {
    /// Who is at the other end.
    ///
    /// # Panics
    /// If `me` is at neither.
    pub fn other(self, me: NodeId) -> NodeId {
        if me == self.opener {
            return self.to;
        }
        assert_eq!(
            me, self.to,
            "{self} leads from {} to {}",
            self.opener, self.to
        );
        self.opener
    }
}

/// One who opens streams, and how many it has opened: what names the next.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Opener {
    node: NodeId,
    opened: u32,
}

impl Opener {
    /// One who has opened none.
    pub const fn new(node: NodeId) -> Opener {
        Opener { node, opened: 0 }
    }

    /// The name of one more, to that node.
    pub(crate) fn open(&mut self, to: NodeId) -> StreamId {
        self.opened += 1;
        StreamId {
            opener: self.node,
            number: self.opened,
            to,
        }
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.opener, self.number)
    }
}

/// How many times a process has been started, from 0: a restarted client is a new session.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Life(pub u32);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_printed_by_class_and_number() {
        assert_eq!(NodeId::server(3).to_string(), "n3");
        assert_eq!(NodeId::client(12).to_string(), "c12");
        assert!(NodeId::client(1).is_client());
        assert!(!NodeId::server(1).is_client());
    }

    #[test]
    fn what_is_printed_is_read_and_nothing_else() {
        for name in ["n1", "c12", "d16777215"] {
            assert_eq!(name.parse::<NodeId>().unwrap().to_string(), name);
        }
        for wrong in ["", "n", "n0", "n01", "n+1", "N1", "1", "n16777216", "n1 "] {
            assert_eq!(wrong.parse::<NodeId>(), Err(BadNodeId), "{wrong}");
        }
    }

    #[test]
    fn a_stream_is_printed_by_who_opened_it_and_leads_from_each_end_to_the_other() {
        let [one, two, three] = [1, 2, 3].map(NodeId::server);
        let mut opener = Opener::new(one);
        let streams = [two, three].map(|to| opener.open(to));
        assert_eq!(streams.map(|stream| stream.to_string()), ["n1/1", "n1/2"]);
        assert_eq!(
            (streams[1].other(one), streams[1].other(three)),
            (three, one)
        );
        assert!(std::panic::catch_unwind(|| streams[1].other(two)).is_err());
    }

    #[test]
    fn the_last_number_fits_and_the_next_is_refused() {
        assert_eq!(
            NodeId::new('d', NodeId::MAX_NUMBER).number(),
            NodeId::MAX_NUMBER
        );
        assert!(std::panic::catch_unwind(|| NodeId::new('d', NodeId::MAX_NUMBER + 1)).is_err());
    }
}
