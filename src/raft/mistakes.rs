//! Mistakes in Raft.

use super::Raft;
use super::log::{Command, Entry, Index, Position, Term};
use super::message::{Message, Timer};
use super::server::{Server, Standing};
use super::state::Record;
use crate::kv::{Request, Response, Revision, Value};
use crate::mistake::{Found, Mistake, Planted};
use crate::{Effect, Input, NodeId, Now, Outbox, Process, Span};

/// All of them.
pub(super) const ALL: &[Planted<Server>] = &[
    planted(
        "loses_append_flush",
        "a follower acknowledges entries that it did not flush",
        || Box::new(loses_append_flush),
    ),
    planted(
        "loses_vote_flush",
        "a voter grants a vote that it did not flush",
        || Box::new(loses_vote_flush),
    ),
    planted(
        "forgets_vote",
        "a restarted server does not know whom it voted for",
        || Box::new(ForgetsVote),
    ),
    planted(
        "answers_early",
        "a leader answers a write before it is committed",
        || Box::new(answers_early),
    ),
    planted(
        "reuses_a_term",
        "a candidate stands again in the term that it is in",
        || Box::new(reuses_a_term),
    ),
    planted(
        "serves_stale_read",
        "a leader answers a read without asking whether it still leads",
        || Box::new(serves_stale_read),
    ),
    planted("votes_for_anyone", "a voter does not compare logs", || {
        Box::new(votes_for_anyone)
    }),
    planted(
        "takes_refusals_for_votes",
        "a candidate counts every answer as a vote for it",
        || Box::new(takes_refusals_for_votes),
    ),
    planted(
        "skips_the_opening",
        "a leader does not open its term with an entry",
        || Box::new(skips_the_opening),
    ),
    planted(
        "commits_old_terms",
        "a leader commits entries of older terms by counting",
        || Box::new(commits_old_terms),
    ),
    planted(
        "rewrites_an_entry",
        "a follower logs another value than it was sent",
        || Box::new(rewrites_an_entry),
    ),
    planted(
        "executes_another",
        "a follower executes another value than it logged",
        || Box::new(executes_another),
    ),
    planted(
        "follows_commit_blindly",
        "a follower takes the leader's commit index as it comes, also backwards",
        || Box::new(follows_commit_blindly),
    ),
    planted(
        "forgets_sessions",
        "a follower executes retries again",
        || Box::new(forgets_sessions),
    ),
    planted(
        "never_campaigns",
        "nobody stands for election once there was a leader",
        || Box::new(never_campaigns),
    ),
    planted(
        "truncates_what_is_committed",
        "a follower removes entries that it knows are committed",
        || Box::new(truncates_what_is_committed),
    ),
    planted(
        "passes_everything_on",
        "a server passes what it is asked on to everybody",
        || Box::new(passes_everything_on),
    ),
    planted(
        "forgets_that_it_was_wiped",
        "a server that finds nothing on its disk starts anew under its old name",
        || Box::new(ForgetsThatItWasWiped),
    ),
    planted(
        "ignores_failed_flushes",
        "a server goes on when a flush has failed, and believes the next one",
        || Box::new(ignores_failed_flushes),
    ),
    planted(
        "spins",
        "a follower sets an alarm for now, again and again",
        || Box::new(spins),
    ),
];

const fn planted(
    name: &'static str,
    about: &'static str,
    plant: fn() -> Box<dyn Mistake<Server>>,
) -> Planted<Server> {
    Planted { name, about, plant }
}

fn leads(server: &Server) -> bool {
    matches!(server.standing, Standing::Leader(_))
}

fn loses_append_flush(server: &mut Server, now: Now, input: Input<Raft>, out: &mut Outbox<Raft>) {
    let append = matches!(input, Input::Delivered(_, Message::Append { .. }));
    server.step(now, input, out);
    if append {
        out.effects_mut()
            .retain(|effect| !matches!(effect, Effect::Flush(_)));
    }
}

fn loses_vote_flush(server: &mut Server, now: Now, input: Input<Raft>, out: &mut Outbox<Raft>) {
    let asked = matches!(input, Input::Delivered(_, Message::RequestVote { .. }));
    server.step(now, input, out);
    if asked {
        out.effects_mut()
            .retain(|effect| !matches!(effect, Effect::Flush(_)));
    }
}

struct ForgetsVote;

impl Mistake<Server> for ForgetsVote {
    fn boot(&mut self, disk: &mut Found<Server>) {
        for record in disk.iter_mut().flatten() {
            if let Record::Ballot { vote, .. } = record {
                *vote = None;
            }
        }
    }
}

fn answers_early(server: &mut Server, now: Now, input: Input<Raft>, out: &mut Outbox<Raft>) {
    let asked = match &input {
        Input::Delivered(
            from,
            Message::Ask {
                life,
                seq,
                request: Request::Put(..) | Request::Delete(_),
            },
        ) if leads(server) => Some((*from, *life, *seq)),
        _ => None,
    };
    server.step(now, input, out);
    if let Some((client, life, seq)) = asked {
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

fn reuses_a_term(server: &mut Server, now: Now, input: Input<Raft>, out: &mut Outbox<Raft>) {
    if input == Input::Fired(Timer::Election) {
        server.durable.term = Term(server.durable.term.0.max(2) - 1);
    }
    server.step(now, input, out);
}

fn serves_stale_read(server: &mut Server, now: Now, input: Input<Raft>, out: &mut Outbox<Raft>) {
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
    ) = (&input, leads(server))
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
    server.step(now, input, out);
}

fn votes_for_anyone(server: &mut Server, now: Now, mut input: Input<Raft>, out: &mut Outbox<Raft>) {
    if let Input::Delivered(_, Message::RequestVote { last, .. }) = &mut input {
        *last = Position {
            term: Term(u64::MAX),
            index: Index(u64::MAX),
        };
    }
    server.step(now, input, out);
}

fn takes_refusals_for_votes(
    server: &mut Server,
    now: Now,
    mut input: Input<Raft>,
    out: &mut Outbox<Raft>,
) {
    if let Input::Delivered(_, Message::Vote { granted, .. }) = &mut input {
        *granted = true;
    }
    server.step(now, input, out);
}

fn skips_the_opening(server: &mut Server, now: Now, input: Input<Raft>, out: &mut Outbox<Raft>) {
    let led = leads(server);
    server.step(now, input, out);
    if !led && leads(server) {
        server.durable.log.pop();
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

/// Commits what a majority accepted, of whatever term.
fn commits_old_terms(server: &mut Server, now: Now, input: Input<Raft>, out: &mut Outbox<Raft>) {
    let accepted = matches!(input, Input::Delivered(_, Message::Accepted { .. }));
    server.step(now, input, out);
    if accepted && leads(server) {
        let reached = server.reached_by_majority();
        if reached > server.commit {
            server.commit_to(reached, out);
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

fn rewrites_an_entry(
    server: &mut Server,
    now: Now,
    mut input: Input<Raft>,
    out: &mut Outbox<Raft>,
) {
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
    server.step(now, input, out);
}

fn executes_another(server: &mut Server, now: Now, input: Input<Raft>, out: &mut Outbox<Raft>) {
    if matches!(input, Input::Delivered(_, Message::Append { .. })) {
        let next = server.commit.next();
        let entry = server.durable.log.get_mut(next);
        if let Some(Command::Client {
            request: Request::Put(_, value),
            ..
        }) = entry.map(|entry| &mut entry.command)
        {
            *value = other(*value);
        }
    }
    server.step(now, input, out);
}

fn follows_commit_blindly(
    server: &mut Server,
    now: Now,
    input: Input<Raft>,
    out: &mut Outbox<Raft>,
) {
    let told = match &input {
        Input::Delivered(_, Message::Append { commit, .. }) => Some(*commit),
        _ => None,
    };
    server.step(now, input, out);
    if let Some(commit) = told {
        server.commit = server.commit.min(commit);
    }
}

fn forgets_sessions(server: &mut Server, now: Now, input: Input<Raft>, out: &mut Outbox<Raft>) {
    server.step(now, input, out);
    if !leads(server) {
        server.machine.forget_sessions();
    }
}

fn never_campaigns(server: &mut Server, now: Now, input: Input<Raft>, out: &mut Outbox<Raft>) {
    let settled = server.durable.term > Term(3);
    if settled && input == Input::Fired(Timer::Election) {
        return;
    }
    server.step(now, input, out);
}

fn truncates_what_is_committed(
    server: &mut Server,
    now: Now,
    mut input: Input<Raft>,
    out: &mut Outbox<Raft>,
) {
    let commit = server.commit;
    if let Input::Delivered(_, Message::Append { prev, entries, .. }) = &mut input
        && commit > Index(20)
        && prev.index >= commit
    {
        // As if the log had been found to differ just below what is committed.
        let first = Index(commit.0 - 1);
        let entry = server.durable.log.get(commit).copied();
        let conflicting = entry.map(|entry| Entry {
            term: entry.term.next(),
            ..entry
        });
        let again: Vec<_> = conflicting
            .into_iter()
            .chain(entries.iter().copied())
            .collect();
        server.durable.log.append(first, &again, commit);
    }
    server.step(now, input, out);
}

struct ForgetsThatItWasWiped;

impl Mistake<Server> for ForgetsThatItWasWiped {
    fn boot(&mut self, disk: &mut Found<Server>) {
        if !matches!(disk.first(), Some(Ok(Record::Identity(_)))) {
            disk.insert(0, Ok(Record::Identity(NodeId::server(1))));
        }
    }
}

fn ignores_failed_flushes(
    server: &mut Server,
    now: Now,
    input: Input<Raft>,
    out: &mut Outbox<Raft>,
) {
    if !matches!(input, Input::Failed(_)) {
        server.step(now, input, out);
    }
}

fn passes_everything_on(server: &mut Server, now: Now, input: Input<Raft>, out: &mut Outbox<Raft>) {
    if let Input::Delivered(_, message @ Message::Ask { .. }) = &input {
        (1..=5).for_each(|other| out.send_past_flush(NodeId::server(other), message.clone()));
    }
    server.step(now, input, out);
}

fn spins(server: &mut Server, now: Now, input: Input<Raft>, out: &mut Outbox<Raft>) {
    if input == Input::Fired(Timer::Retry)
        || matches!(input, Input::Delivered(_, Message::Append { .. }))
    {
        out.arm(Timer::Retry, Span::ZERO);
    }
    server.step(now, input, out);
}
