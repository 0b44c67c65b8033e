//! Scenes: several processes on one stage, and the transcript of what they did.

use insta::assert_snapshot;
use netsplit_sim::modes;
use netsplit_sim::report::transcript::{self, Wanted};
use netsplit_sim::scenario::Source;
use stage::Stage;

/// The transcript of a scenario written here, as far as `wanted` asks for it.
fn transcript(wanted: &str, text: &str) -> String {
    let source = Source {
        path: "scene.toml".into(),
        text: text.into(),
    };
    let scenario =
        modes::read(&modes::SHIPPED, &source).unwrap_or_else(|problem| panic!("{problem}"));
    let wanted = Wanted::read(wanted, scenario.mode()).unwrap_or_else(|wrong| panic!("{wrong}"));
    let (run, text) = transcript::text(wanted, || scenario.play_here(0));
    assert_eq!(run.violations, [], "{text}");
    text
}

/// The lines of a transcript from the first that says one thing to the first behind it that says another.
fn part(all: &str, from: &str, to: &str) -> String {
    let lines: Vec<&str> = all.lines().collect();
    let first = lines.iter().position(|line| line.contains(from));
    let behind = &lines[first.unwrap_or_else(|| panic!("no line says {from}:\n{all}"))..];
    let last = behind.iter().position(|line| line.contains(to));
    behind[..=last.unwrap_or_else(|| panic!("no line says {to}:\n{all}"))].join("\n")
}

#[test]
fn one_put_from_the_client_to_every_disk_and_back() {
    let all = transcript(
        "trace",
        r#"
        mode = "raft"
        nodes = 3
        seeds = "0..1"
        length = "1s"
        network.latency = "5ms"
        disk.flush = "1ms"
        workload = { clients = 1, rate = "5/s", mix = { put = 1 } }
        "#,
    );
    // The second question: the client knows the leader by now. On to the append that tells the followers of the commit.
    assert_snapshot!(part(
        &all,
        "asks #1",
        "<- n1: append term 1, after 3@1: nothing, commit 3"
    ));
}

/// The connection from n3 to n2 breaks with the record on its way. The record reaches n1 by a live frame, and n2 when n3
/// has connected again and the two have compared what they hold. The client then looks for it at both.
///
/// A stream is named by who opened it: n3/1 leads to n1, n3/2 to n2, and n3/3 takes its place.
#[test]
fn one_record_across_a_reconnect() {
    let all = transcript(
        "trace",
        r#"
        mode = "zone_sync"
        nodes = 3
        seeds = "0..1"
        length = "1300ms"
        network.latency = "20ms"
        disk.flush = "1ms"
        workload = { clients = 1, rate = "1/s", keys = 1, mix = { put = 1 } }

        # The client asks another node each time. Connections are there before it begins.
        [options]
        roam = true
        retry = "100ms"

        # Only the zone of pairs: every zone is compared for itself.
        sticky.odd = { on = ["n1", "n2", "n3"], absent = true }
        limit.odd = { on = ["n1", "n2", "n3"], absent = true }

        # n3 tells what changed at 310ms; what it pushes arrives at 330ms.
        [[fault]]
        at = "320ms"
        reset_streams = { from = "n3", to = "n2" }
        "#,
    );
    // The first question is the put; the second is a read at n1, the third one at n2.
    assert_snapshot!(part(&all, "asks #0", "answers #2"));
}

#[test]
fn a_leader_that_is_cut_off_steps_down_and_another_takes_over() {
    assert_snapshot!(transcript(
        "raft=debug,world=info",
        r#"
        mode = "raft"
        nodes = 3
        seeds = "0..1"
        length = "3s"
        network.latency = "1ms..5ms"
        workload = { clients = 1, rate = "20/s", mix = { put = 1 } }

        [[fault]]
        at = "1s"
        partition = ["leader", "others"]
        for = "1s"
        "#,
    ));
}

#[test]
fn a_power_failure_at_all_servers_and_what_they_find() {
    assert_snapshot!(transcript(
        "raft=debug,world=debug",
        r#"
        mode = "raft"
        nodes = 3
        seeds = "0..1"
        length = "1200ms"
        network.latency = "1ms..5ms"
        disk.flush = "20ms"
        workload = { clients = 1, rate = "20/s", mix = { put = 1 } }

        [[fault]]
        at = "700ms"
        power = "all"
        for = "10ms..30ms"
        "#,
    ));
}

/// Clients that ask without pause are always late; one that crashes in the middle of a question must ask again when it
/// is back, in a session of its own.
#[test]
fn a_client_that_crashed_in_the_middle_of_a_question_goes_on_asking() {
    let text = transcript(
        "world=debug",
        r#"
        mode = "raft"
        nodes = 3
        seeds = "0..1"
        length = "3s"
        workload = { clients = 1, rate = "5000/s", mix = { put = 1 } }

        [[fault]]
        at = "1s"
        crash = "c1"
        for = "100ms"
        "#,
    );
    let asked = |from: &str, to: &str| {
        let between = |line: &&str| (from..to).contains(&line.trim_start());
        text.lines()
            .filter(between)
            .filter(|line| line.contains("c1   asks"))
            .count()
    };
    assert!(asked("0.5", "1.0") > 10, "{text}");
    assert_eq!(asked("1.01", "1.09"), 0, "{text}");
    assert!(asked("1.5", "2.0") > 10, "{text}");
}

/// Figure 8 of the Raft paper, step by step, with five servers handed each other's messages.
#[test]
fn figure_8_an_entry_of_an_older_term_is_not_committed_by_counting() {
    let mut stage = Stage::new(5);
    stage.say("(a) n1 leads term 1 and logs x at n1 and n2 only");
    stage.campaign(1, &[2, 3, 4, 5]);
    stage.ask(1, "x");
    stage.deliver(1, 2);
    stage.lose_all();
    stage.say("(b) n1 crashes; n5 leads term 2 by the votes of n3 and n4, and logs y alone");
    stage.crash(1);
    stage.campaign(5, &[3, 4]);
    stage.ask(5, "y");
    stage.lose_all();
    stage.say("(c) n5 crashes; n1 leads term 3 and brings x to n3: a majority has it, and it is not committed");
    stage.crash(5);
    stage.campaign(1, &[2, 3]);
    stage.campaign(1, &[2, 3]);
    let before = stage.commit(1);
    stage.bring_only_what_is_old(1, 2);
    stage.bring_only_what_is_old(1, 3);
    assert_eq!(
        stage.commit(1),
        before,
        "x must not be committed by counting"
    );
    stage.lose_all();
    stage.say("(e) n1 brings its own entry to n2 and n3 as well: now both are committed");
    stage.heartbeat(1);
    stage.settle(&[1, 2, 3]);
    assert!(stage.commit(1) > before, "{}", stage.transcript());
    stage.say("n5 comes back and cannot win: n2 and n3 have seen a newer term in the log");
    stage.campaign(5, &[2, 3]);
    stage.campaign(5, &[2, 3]);
    assert_snapshot!(stage.transcript());
}

/// A stage on which servers stand and are handed each other's messages by hand. Flushes are done at once.
mod stage {
    use std::collections::BTreeMap;
    use std::fmt::Write as _;
    use std::sync::Arc;

    use netsplit::kv::{Key, Request, Value};
    use netsplit::raft::log::{Index, Position};
    use netsplit::raft::{Message, Options, Raft, Record, Server, Timer};
    use netsplit::{Config, Damage, Effect, Input, Life, NodeId, Now, Outbox, Process};

    pub(crate) struct Stage {
        config: Arc<Config<Raft>>,
        servers: BTreeMap<u32, Server>,
        disks: BTreeMap<u32, Vec<Result<Record, Damage>>>,
        mail: Vec<(u32, u32, Message)>,
        values: u64,
        text: String,
    }

    fn identity(server: u32) -> Result<Record, Damage> {
        Ok(Record::Identity(NodeId::server(server)))
    }

    impl Stage {
        pub(crate) fn new(count: u32) -> Stage {
            let options = Options {
                batch: 1,
                window: 1,
                ..Options::default()
            };
            let config = Arc::new(Config {
                servers: (1..=count).map(NodeId::server).collect(),
                options,
            });
            let mut stage = Stage {
                config,
                servers: BTreeMap::new(),
                disks: (1..=count)
                    .map(|server| (server, vec![identity(server)]))
                    .collect(),
                mail: Vec::new(),
                values: 0,
                text: String::new(),
            };
            (1..=count).for_each(|server| stage.boot(server));
            stage
        }

        pub(crate) fn say(&mut self, what: &str) {
            let _ = writeln!(self.text, "{what}");
        }

        pub(crate) fn transcript(self) -> String {
            self.text
        }

        fn boot(&mut self, server: u32) {
            let mut out = Outbox::new();
            let (me, disk) = (NodeId::server(server), &self.disks[&server]);
            let process = Server::boot(&self.config, me, Life(0), Now::default(), disk, &mut out);
            self.servers.insert(server, process);
        }

        /// What was flushed is all that is left.
        pub(crate) fn crash(&mut self, server: u32) {
            self.say(&format!("    n{server} crashes and comes back"));
            self.mail
                .retain(|(from, to, _)| *from != server && *to != server);
            self.boot(server);
        }

        fn step(&mut self, server: u32, input: Input<Raft>) {
            let mut out = Outbox::new();
            let process = self
                .servers
                .get_mut(&server)
                .expect("the server is on stage");
            process.step(Now::default(), input, &mut out);
            let mut flushed = None;
            for effect in out.drain() {
                match effect {
                    Effect::Send { to, message, .. } if !to.is_client() => {
                        self.mail.push((server, to.number(), message));
                    }
                    Effect::Write(record) => self.disks.entry(server).or_default().push(Ok(record)),
                    Effect::Flush(ticket) => flushed = Some(ticket),
                    Effect::Note(note) => {
                        let _ = writeln!(self.text, "    n{server} {note}");
                    }
                    _ => {}
                }
            }
            if let Some(ticket) = flushed {
                self.step(server, Input::Flushed(ticket));
            }
        }

        fn take(&mut self, place: usize) {
            let (from, to, message) = self.mail.remove(place);
            let _ = writeln!(self.text, "    n{from} -> n{to}: {message}");
            self.step(to, Input::Delivered(NodeId::server(from), message));
        }

        /// Everything under way from one to another, and no answers.
        pub(crate) fn deliver(&mut self, from: u32, to: u32) {
            while let Some(place) = self
                .mail
                .iter()
                .position(|(f, t, _)| (*f, *t) == (from, to))
            {
                self.take(place);
            }
        }

        /// Everything among these, until nothing is left to say.
        pub(crate) fn settle(&mut self, among: &[u32]) {
            let inside =
                |(from, to, _): &(u32, u32, Message)| among.contains(from) && among.contains(to);
            while let Some(place) = self.mail.iter().position(inside) {
                self.take(place);
            }
        }

        pub(crate) fn lose_all(&mut self) {
            self.mail.clear();
        }

        /// An election in which these are asked; what the winner then sends is lost.
        pub(crate) fn campaign(&mut self, candidate: u32, voters: &[u32]) {
            self.step(candidate, Input::Fired(Timer::Election));
            for voter in voters {
                self.deliver(candidate, *voter);
            }
            for voter in voters {
                self.deliver(*voter, candidate);
            }
            self.lose_all();
        }

        pub(crate) fn ask(&mut self, leader: u32, what: &str) {
            self.values += 1;
            let request = Request::Put(
                Key(1),
                Value {
                    name: self.values,
                    bytes: 16,
                },
            );
            let _ = writeln!(self.text, "    n{leader} is asked for {what}: {request}");
            // A probe that was lost is answered by a heartbeat's, so that entries follow.
            let ask = Message::Ask {
                life: Life(0),
                seq: self.values,
                request,
            };
            self.step(leader, Input::Delivered(NodeId::client(1), ask));
            self.heartbeat(leader);
            self.settle(&[leader, if leader == 1 { 2 } else { leader }]);
        }

        pub(crate) fn heartbeat(&mut self, leader: u32) {
            self.step(leader, Input::Fired(Timer::Heartbeat));
        }

        pub(crate) fn commit(&self, server: u32) -> Index {
            self.servers[&server].commit
        }

        /// The follower is found behind, and is sent the entries of older terms; the leader's own does not reach it.
        pub(crate) fn bring_only_what_is_old(&mut self, leader: u32, follower: u32) {
            let term = self.servers[&leader].durable.term;
            self.heartbeat(leader);
            let own = |message: &Message| match message {
                Message::Append { entries, .. } => entries.iter().any(|entry| entry.term == term),
                _ => false,
            };
            for _ in 0..12 {
                self.mail
                    .retain(|(_, to, message)| (*to == follower || *to == leader) && !own(message));
                self.deliver(leader, follower);
                self.deliver(follower, leader);
            }
            let last: Position = self.servers[&follower].durable.log.last();
            let _ = writeln!(self.text, "    n{follower} now has a log that ends {last}");
        }
    }
}
