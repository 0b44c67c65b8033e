//! Mistakes in Raft.

use netsplit::kv::{Request, Response, Revision, Value};
use netsplit::raft::log::{Command, Index, Position, Term};
use netsplit::raft::{Message, Node, Raft, Record, Server, Standing, Timer};
use netsplit::{Effect, Input, NodeId, Now, Outbox, Process};

use super::{Found, Mistake, Planted};

/// All of them.
pub static ALL: &[Planted<Node>] = &[
    planted(
        "loses_append_flush",
        "a follower acknowledges entries that it did not flush",
        || Box::new(LosesAppendFlush),
    ),
    planted(
        "loses_vote_flush",
        "a voter grants a vote that it did not flush",
        || Box::new(LosesVoteFlush),
    ),
    planted(
        "forgets_vote",
        "a restarted server does not know whom it voted for",
        || Box::new(ForgetsVote),
    ),
    planted(
        "answers_early",
        "a leader answers a write before it is committed",
        || Box::new(AnswersEarly),
    ),
    planted(
        "reuses_a_term",
        "a candidate stands again in the term that it is in",
        || Box::new(ReusesATerm),
    ),
    planted(
        "serves_stale_read",
        "a leader answers a read without asking whether it still leads",
        || Box::new(ServesStaleRead),
    ),
    planted("votes_for_anyone", "a voter does not compare logs", || {
        Box::new(VotesForAnyone)
    }),
    planted(
        "takes_refusals_for_votes",
        "a candidate counts every answer as a vote for it",
        || Box::new(TakesRefusalsForVotes),
    ),
    planted(
        "skips_the_opening",
        "a leader does not open its term with an entry",
        || Box::new(SkipsTheOpening),
    ),
    planted(
        "commits_old_terms",
        "a leader commits entries of older terms by counting",
        || Box::new(CommitsOldTerms),
    ),
    planted(
        "rewrites_an_entry",
        "a follower logs another value than it was sent",
        || Box::new(RewritesAnEntry),
    ),
    planted(
        "executes_another",
        "a follower executes another value than it logged",
        || Box::new(ExecutesAnother),
    ),
    planted(
        "follows_commit_blindly",
        "a follower takes the leader's commit index as it comes, also backwards",
        || Box::new(FollowsCommitBlindly),
    ),
    planted(
        "forgets_sessions",
        "a follower executes retries again",
        || Box::new(ForgetsSessions),
    ),
    planted(
        "never_campaigns",
        "nobody stands for election once there was a leader",
        || Box::new(NeverCampaigns),
    ),
    planted(
        "truncates_what_is_committed",
        "a follower removes entries that it knows are committed",
        || Box::new(TruncatesCommitted),
    ),
    planted(
        "passes_everything_on",
        "a server passes what it is asked on to everybody",
        || Box::new(PassesEverythingOn),
    ),
    planted(
        "forgets_that_it_was_wiped",
        "a server that finds nothing on its disk starts anew under its old name",
        || Box::new(ForgetsThatItWasWiped),
    ),
    planted(
        "ignores_failed_flushes",
        "a server goes on when a flush has failed, and believes the next one",
        || Box::new(IgnoresFailedFlushes),
    ),
    planted(
        "spins",
        "a follower sets an alarm for now, again and again",
        || Box::new(Spins),
    ),
];

const fn planted(
    name: &'static str,
    about: &'static str,
    plant: fn() -> Box<dyn Mistake<Node>>,
) -> Planted<Node> {
    Planted { name, about, plant }
}

fn leads(node: &Node) -> bool {
    node.server()
        .is_some_and(|server| matches!(server.standing, Standing::Leader(_)))
}

fn edit(node: &mut Node, change: impl FnOnce(&mut Server)) {
    if let Some(server) = node.server_mut() {
        change(server);
    }
}

struct LosesAppendFlush;

impl Mistake<Node> for LosesAppendFlush {
    fn step(&mut self, node: &mut Node, now: Now, input: Input<Raft>, out: &mut Outbox<Raft>) {
        let append = matches!(input, Input::Delivered(_, Message::Append { .. }));
        node.step(now, input, out);
        if append {
            out.effects_mut()
                .retain(|effect| !matches!(effect, Effect::Flush(_)));
        }
    }
}

struct LosesVoteFlush;

impl Mistake<Node> for LosesVoteFlush {
    fn step(&mut self, node: &mut Node, now: Now, input: Input<Raft>, out: &mut Outbox<Raft>) {
        let asked = matches!(input, Input::Delivered(_, Message::RequestVote { .. }));
        node.step(now, input, out);
        if asked {
            out.effects_mut()
                .retain(|effect| !matches!(effect, Effect::Flush(_)));
        }
    }
}

struct ForgetsVote;

impl Mistake<Node> for ForgetsVote {
    fn boot(&mut self, disk: &mut Found<Node>) {
        for record in disk.iter_mut().flatten() {
            if let Record::Ballot { vote, .. } = record {
                *vote = None;
            }
        }
    }
}

struct AnswersEarly;

impl Mistake<Node> for AnswersEarly {
    fn step(&mut self, node: &mut Node, now: Now, input: Input<Raft>, out: &mut Outbox<Raft>) {
        let asked = match &input {
            Input::Delivered(
                from,
                Message::Ask {
                    life,
                    seq,
                    request: Request::Put(..) | Request::Delete(_),
                },
            ) if leads(node) => Some((*from, *life, *seq)),
            _ => None,
        };
        node.step(now, input, out);
        if let (Some((client, life, seq)), Some(server)) = (asked, node.server()) {
            let response = Response::Written(Revision(server.durable.log.last().index.0));
            out.send_past_flush(
                client,
                Message::Answer {
                    life,
                    seq,
                    response,
                },
            );
        }
    }
}

struct ReusesATerm;

impl Mistake<Node> for ReusesATerm {
    fn step(&mut self, node: &mut Node, now: Now, input: Input<Raft>, out: &mut Outbox<Raft>) {
        if input == Input::Fired(Timer::Election) {
            edit(node, |server| {
                server.durable.term = Term(server.durable.term.0.max(2) - 1)
            });
        }
        node.step(now, input, out);
    }
}

struct ServesStaleRead;

impl Mistake<Node> for ServesStaleRead {
    fn step(&mut self, node: &mut Node, now: Now, input: Input<Raft>, out: &mut Outbox<Raft>) {
        if let (
            Input::Delivered(
                from,
                Message::Ask {
                    life,
                    seq,
                    request: Request::Get(key),
                },
            ),
            true,
        ) = (&input, leads(node))
            && let Some(server) = node.server()
        {
            let (life, seq, response) = (*life, *seq, server.machine.get(*key));
            out.send_past_flush(
                *from,
                Message::Answer {
                    life,
                    seq,
                    response,
                },
            );
            return;
        }
        node.step(now, input, out);
    }
}

struct VotesForAnyone;

impl Mistake<Node> for VotesForAnyone {
    fn step(&mut self, node: &mut Node, now: Now, mut input: Input<Raft>, out: &mut Outbox<Raft>) {
        if let Input::Delivered(_, Message::RequestVote { last, .. }) = &mut input {
            *last = Position {
                term: Term(u64::MAX),
                index: Index(u64::MAX),
            };
        }
        node.step(now, input, out);
    }
}

struct TakesRefusalsForVotes;

impl Mistake<Node> for TakesRefusalsForVotes {
    fn step(&mut self, node: &mut Node, now: Now, mut input: Input<Raft>, out: &mut Outbox<Raft>) {
        if let Input::Delivered(_, Message::Vote { granted, .. }) = &mut input {
            *granted = true;
        }
        node.step(now, input, out);
    }
}

struct SkipsTheOpening;

impl Mistake<Node> for SkipsTheOpening {
    fn step(&mut self, node: &mut Node, now: Now, input: Input<Raft>, out: &mut Outbox<Raft>) {
        let led = leads(node);
        node.step(now, input, out);
        if !led && leads(node) {
            edit(node, |server| {
                server.durable.log.pop();
            });
            let opening = |effect: &Effect<Raft>| {
                matches!(
                    effect,
                    Effect::Write(Record::Entries { .. }) | Effect::Flush(_)
                ) || matches!(
                    effect,
                    Effect::Send {
                        message: Message::Append { .. },
                        ..
                    }
                )
            };
            out.effects_mut().retain(|effect| !opening(effect));
        }
    }
}

/// Commits what a majority accepted, of whatever term.
struct CommitsOldTerms;

impl Mistake<Node> for CommitsOldTerms {
    fn step(&mut self, node: &mut Node, now: Now, input: Input<Raft>, out: &mut Outbox<Raft>) {
        let accepted = matches!(input, Input::Delivered(_, Message::Accepted { .. }));
        node.step(now, input, out);
        if accepted && leads(node) {
            edit(node, |server| {
                let reached = server.reached_by_majority();
                if reached > server.commit {
                    server.commit_to(reached, out);
                }
            });
        }
    }
}

/// Another value than the one given.
fn other(value: Value) -> Value {
    Value {
        name: value.name + 1_000_000_000,
        ..value
    }
}

struct RewritesAnEntry;

impl Mistake<Node> for RewritesAnEntry {
    fn step(&mut self, node: &mut Node, now: Now, mut input: Input<Raft>, out: &mut Outbox<Raft>) {
        if let Input::Delivered(_, Message::Append { entries, .. }) = &mut input {
            let mut changed = entries.to_vec();
            if let Some(Command::Client {
                request: Request::Put(_, value),
                ..
            }) = changed.last_mut().map(|entry| &mut entry.command)
            {
                *value = other(*value);
                *entries = changed.into();
            }
        }
        node.step(now, input, out);
    }
}

struct ExecutesAnother;

impl Mistake<Node> for ExecutesAnother {
    fn step(&mut self, node: &mut Node, now: Now, input: Input<Raft>, out: &mut Outbox<Raft>) {
        if matches!(input, Input::Delivered(_, Message::Append { .. })) {
            edit(node, |server| {
                let next = server.commit.next();
                if let Some(Command::Client {
                    request: Request::Put(_, value),
                    ..
                }) = server
                    .durable
                    .log
                    .get_mut(next)
                    .map(|entry| &mut entry.command)
                {
                    *value = other(*value);
                }
            });
        }
        node.step(now, input, out);
    }
}

struct FollowsCommitBlindly;

impl Mistake<Node> for FollowsCommitBlindly {
    fn step(&mut self, node: &mut Node, now: Now, input: Input<Raft>, out: &mut Outbox<Raft>) {
        let told = match &input {
            Input::Delivered(_, Message::Append { commit, .. }) => Some(*commit),
            _ => None,
        };
        node.step(now, input, out);
        if let Some(commit) = told {
            edit(node, |server| server.commit = server.commit.min(commit));
        }
    }
}

struct ForgetsSessions;

impl Mistake<Node> for ForgetsSessions {
    fn step(&mut self, node: &mut Node, now: Now, input: Input<Raft>, out: &mut Outbox<Raft>) {
        node.step(now, input, out);
        if !leads(node) {
            edit(node, |server| server.machine.forget_sessions());
        }
    }
}

struct NeverCampaigns;

impl Mistake<Node> for NeverCampaigns {
    fn step(&mut self, node: &mut Node, now: Now, input: Input<Raft>, out: &mut Outbox<Raft>) {
        let settled = node
            .server()
            .is_some_and(|server| server.durable.term > Term(3));
        if settled && input == Input::Fired(Timer::Election) {
            return;
        }
        node.step(now, input, out);
    }
}

struct TruncatesCommitted;

impl Mistake<Node> for TruncatesCommitted {
    fn step(&mut self, node: &mut Node, now: Now, mut input: Input<Raft>, out: &mut Outbox<Raft>) {
        let commit = node
            .server()
            .map(|server| server.commit)
            .unwrap_or_default();
        if let Input::Delivered(_, Message::Append { prev, entries, .. }) = &mut input
            && commit > Index(20)
            && prev.index >= commit
            && let Some(server) = node.server_mut()
        {
            // As if the log had been found to differ just below what is committed.
            let first = Index(commit.0 - 1);
            let entry = server.durable.log.get(commit).copied();
            let conflicting = entry.map(|entry| netsplit::raft::log::Entry {
                term: entry.term.next(),
                ..entry
            });
            let again: Vec<_> = conflicting
                .into_iter()
                .chain(entries.iter().copied())
                .collect();
            server.durable.log.append(first, &again, commit);
        }
        node.step(now, input, out);
    }
}

struct ForgetsThatItWasWiped;

impl Mistake<Node> for ForgetsThatItWasWiped {
    fn boot(&mut self, disk: &mut Found<Node>) {
        if !matches!(disk.first(), Some(Ok(Record::Identity(_)))) {
            disk.insert(0, Ok(Record::Identity(NodeId::server(1))));
        }
    }
}

struct IgnoresFailedFlushes;

impl Mistake<Node> for IgnoresFailedFlushes {
    fn step(&mut self, node: &mut Node, now: Now, input: Input<Raft>, out: &mut Outbox<Raft>) {
        if !matches!(input, Input::Failed(_)) {
            node.step(now, input, out);
        }
    }
}

struct PassesEverythingOn;

impl Mistake<Node> for PassesEverythingOn {
    fn step(&mut self, node: &mut Node, now: Now, input: Input<Raft>, out: &mut Outbox<Raft>) {
        if let Input::Delivered(_, message @ Message::Ask { .. }) = &input {
            (1..=5).for_each(|other| out.send_past_flush(NodeId::server(other), message.clone()));
        }
        node.step(now, input, out);
    }
}

struct Spins;

impl Mistake<Node> for Spins {
    fn step(&mut self, node: &mut Node, now: Now, input: Input<Raft>, out: &mut Outbox<Raft>) {
        if input == Input::Fired(Timer::Retry)
            || matches!(input, Input::Delivered(_, Message::Append { .. }))
        {
            out.arm(Timer::Retry, netsplit::Span::ZERO);
        }
        node.step(now, input, out);
    }
}
