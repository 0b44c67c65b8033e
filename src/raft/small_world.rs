//! Raft in a world that is small enough to be looked at whole.

use super::Raft;
use super::invariants::RaftInvariants;
use super::log::{Command, Entry, Index, Term};
use super::message::{Message, Timer};
use super::options::Options;
use super::server::{Server, Standing};
use super::state::{Record, recover};
use crate::kv::{Key, Request, Response, Value};
use crate::small_world::{Bounds, Next, Often, Question, SmallWorld};
use crate::{Broken, Cluster, Config, Life, NodeId};

/// A replica group, some puts, and some terms.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SmallRaft {
    /// How many servers.
    pub servers: u32,
    /// How many puts are asked for, each once, by as many clients.
    pub puts: u32,
    /// The last term that is looked at.
    pub terms: u64,
    /// How often heartbeats go off, in all.
    pub heartbeats: Often,
    /// Whether leaders check that a majority hears them, and step down if not.
    pub check_quorum: bool,
    /// What else may happen.
    pub bounds: Bounds,
}

impl SmallWorld for SmallRaft {
    type Mode = Raft;
    type Memory = RaftInvariants;

    fn config(&self) -> Config<Raft> {
        let options = Options {
            check_quorum: self.check_quorum,
            ..Options::default()
        };
        Config {
            servers: (1..=self.servers).map(NodeId::server).collect(),
            options,
        }
    }

    fn bounds(&self) -> Bounds {
        self.bounds
    }

    fn questions(&self) -> Vec<Question<Raft>> {
        let put = |number: u32| Question {
            from: NodeId::client(number),
            message: Message::Ask {
                life: Life(0),
                seq: 1,
                request: Request::Put(Key(1), value(number)),
            },
            times: 1,
        };
        (1..=self.puts).map(put).collect()
    }

    fn often(&self, timer: &Timer) -> Often {
        match timer {
            Timer::Heartbeat => self.heartbeats,
            Timer::Election | Timer::CheckQuorum => Often::Always,
            Timer::Retry | Timer::GiveUp => Often::Never,
        }
    }

    /// All servers are alike, so it is n1 that campaigns first.
    fn may(&self, cluster: &impl Cluster<Raft>, server: NodeId, next: Next<'_, Raft>) -> bool {
        match next {
            Next::Fires(Timer::Election) => {
                let begun = |(_, server): (_, &Server)| server.durable.term > Term(0);
                server == NodeId::server(1) || cluster.up().any(begun)
            }
            Next::Fires(_) | Next::Asked(_) | Next::Crashes => true,
        }
    }

    fn within(&self, server: &Server) -> bool {
        server.durable.term <= Term(self.terms)
    }

    /// Answers of an older term are nobody's any more, and those of this term only a candidate's or a leader's: a server
    /// that is neither will not be, in this term. Requests of older terms are answered with the newer one.
    fn matters(&self, receiver: &Server, message: &Message) -> bool {
        let now = receiver.durable.term;
        let stands = matches!(receiver.standing, Standing::Candidate(_));
        let leads = matches!(receiver.standing, Standing::Leader(_));
        match message {
            Message::Vote { term, .. } => *term > now || (*term == now && stands),
            Message::Accepted { term, .. } | Message::Rejected { term, .. } => {
                *term > now || (*term == now && (stands || leads))
            }
            _ => true,
        }
    }

    /// Who is told that a write is done can rely on it: it is committed, where the answer says.
    fn tells(
        &self,
        memory: &mut RaftInvariants,
        server: NodeId,
        to: NodeId,
        message: &Message,
        found: &mut Vec<Broken>,
    ) {
        let Message::Answer {
            response: Response::Written(revision),
            ..
        } = message
        else {
            return;
        };
        let request = Request::Put(Key(1), value(to.number()));
        let is_it = |entry: &Entry| matches!(entry.command, Command::Client { request: asked, .. } if asked == request);
        if !memory.committed(Index(revision.0)).is_some_and(is_it) {
            let evidence = format!(
                "{server} tells {to} that it made revision {revision:?}, where nobody has committed that",
            );
            found.push(Broken::new("what_is_answered_is_committed", evidence));
        }
    }

    /// Rounds only count upwards, and decide nothing but when reads are answered: there are none.
    fn tidy_server(&self, server: &mut Server) {
        if let Standing::Leader(office) = &mut server.standing {
            office.forget_rounds(self.check_quorum);
        }
    }

    fn tidy_message(&self, message: &mut Message) {
        if let Message::Append { round, .. }
        | Message::Accepted { round, .. }
        | Message::Rejected { round, .. } = message
        {
            *round = 0;
        }
    }

    /// What a boot makes of it: the last ballot, and the log in one piece.
    fn tidy_disk(&self, server: NodeId, records: &mut Vec<Record>) {
        let disk: Vec<_> = records.drain(..).map(Ok).collect();
        let durable = recover(&disk).expect("a disk that nobody harms is whole");
        records.push(Record::Identity(server));
        if durable.term > Term(0) {
            records.push(Record::Ballot {
                term: durable.term,
                vote: durable.vote,
            });
        }
        let entries = durable.log.slice(Index(1), usize::MAX);
        if !entries.is_empty() {
            records.push(Record::Entries {
                first: Index(1),
                entries: entries.into(),
            });
        }
    }
}

/// The value of a client's put.
fn value(client: u32) -> Value {
    Value {
        name: client.into(),
        bytes: 8,
    }
}
