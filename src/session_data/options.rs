//! The constants of the real system with their defaults and units, and every mechanism that can be switched off.

use serde::{Deserialize, Serialize};

use super::digest::Digest;
pub use super::ring::options::Ring;
use crate::Span;

/// What a scenario may set under `[options]`.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Which of the two designs: "slots" is the sixth generation, "ring" the fifth. Default "slots".
    pub generation: Generation,
    /// How many slots all services are dealt out to. From 1 to 65536. Default 256.
    pub slots: u32,
    /// How many data servers hold a slot: its leader, and followers. Default 2.
    pub replicas: u32,
    /// The meta servers' constants.
    pub meta: Meta,
    /// The session servers' constants.
    pub session: Session,
    /// The data servers' constants.
    pub data: Data,
    /// The clients' constants.
    pub client: Client,
    /// What the design has beyond the real system, each of which can be switched off.
    pub rules: Rules,
    /// The fifth generation's constants.
    pub ring: Ring,
}

/// A design.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Generation {
    /// Meta servers deal slots out to data servers, which compare what they hold with session servers.
    #[default]
    Slots,
    /// Every server computes from the list it knows who owns what, and session servers renew what they hold.
    Ring,
}

/// The meta servers' constants.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Meta {
    /// How often a session or data server makes itself heard. Default 1s.
    pub heartbeat: Span,
    /// After how much silence one is taken off the list. Default 20s.
    pub lease: Span,
    /// How often the leader looks who is gone, and whether slots are to be moved. Default 1s.
    pub arrange: Span,
    /// How often the leader renews its lock, and the others look at it. Default 1s.
    pub elect: Span,
    /// How long the others leave a lock alone that was not renewed. Default 20s.
    pub lock: Span,
    /// How long a leader trusts a lock after it asked for it. Default 10s.
    pub trust: Span,
    /// How long a new leader only listens, to learn who is there and which slot table is in force. Default 30s.
    pub warm_up: Span,
    /// How many slots change their leader in one step of balancing, at most. Default 6.
    pub moves: u32,
}

/// The session servers' constants.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Session {
    /// How many changes wait to be told to data servers, at most. Default 20000.
    pub writes: usize,
    /// How many of them travel together, at most. Default 100.
    pub batch: usize,
    /// How often a batch is sent again. Default 5.
    pub retries: u32,
    /// How long after a batch has failed. Default 200ms.
    pub backoff: Span,
    /// How many batches wait to be sent again, at most; the oldest goes. Default 1000.
    pub retrying: usize,
    /// How long a data server has to answer. Default 3s.
    pub timeout: Span,
    /// How often the versions of all services with subscribers are compared. Default 5s.
    pub scan: Span,
    /// How long a change waits for others of the same service before it is fetched. Default 1s.
    pub debounce: Span,
    /// How long what was fetched waits before it is pushed. Default 500ms.
    pub push_delay: Span,
    /// How long a client has to take a push. Default 2s.
    pub push_timeout: Span,
    /// How often a push is sent again; the next scan takes care of what comes of it. Default 3.
    pub push_retries: u32,
    /// How many pushes wait, at most. Default 10000.
    pub pushes: usize,
    /// How long a connection may be silent before it is taken for dead, at whichever end was dialled. Default 45s.
    pub idle: Span,
    /// How often connections are looked at, and clients that are gone forgotten. Default 5s.
    pub sweep: Span,
    /// How long a session server remembers that something is registered no more. Default 180s.
    pub tombstones: Span,
}

/// The data servers' constants.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Data {
    /// How long after a comparison with a session server the next begins. Default 6s.
    pub compare: Span,
    /// How long after a follower has compared with its leader it does so again. Default 180s.
    pub follow: Span,
    /// How often a data server looks which comparisons are due. Default 200ms.
    pub tick: Span,
    /// How long a server has to answer. Default 3s.
    pub timeout: Span,
    /// How many registrations are asked about in one message, at most. Default 4000.
    pub asked: usize,
    /// How many registrations are answered in one message, at most. Default 512.
    pub answered: usize,
    /// How long a session process is taken for alive without a sign of it. Default 30s.
    pub lease: Span,
    /// How often leases are looked at, and tombstones that are old enough removed. Default 5s.
    pub lease_check: Span,
    /// How long a data server remembers that something is registered no more. Default 180s.
    pub tombstones: Span,
    /// How long changes are gathered before session servers are told of them. Default 500ms.
    pub notify: Span,
    /// How many services one message tells of, at most. Default 400.
    pub notices: usize,
    /// How often a notice is sent again, at this interval. Default 3.
    pub notice_retries: u32,
    /// How many services wait to be told of, at most. Default 10000.
    pub changed: usize,
    /// A new leader that waits for one last session server serves without it after so long. Default 40s.
    pub force_after: Span,
    /// And after so many tries. Default 15.
    pub force_tries: u32,
}

/// The client's constants.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Client {
    /// How long to wait for a connection. Default 3s.
    pub connect: Span,
    /// How long until the next try. Default 500ms.
    pub retry: Span,
    /// How long to wait for an answer before it is asked again. Default 1s.
    pub invoke: Span,
    /// How often a connection is asked whether it is alive. Default 15s. Session servers do the same with data servers.
    pub ping: Span,
    /// How many of these may stay unanswered; with the next the connection is given up. Default 3.
    pub misses: u32,
    /// When an operation's caller is not kept waiting any longer. The client goes on. Default 30s.
    pub give_up: Span,
    /// How many registrations travel together, at most. Default 100.
    pub batch: usize,
}

/// What the design has beyond the real system, and what it has of it that guards against one thing.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// What a client says on a later connection is newer. Without: session servers' clocks decide (W6.1, W6.2). Default true.
    pub order_by_connection: bool,
    /// A client that asks whether its connection is alive says what it is registered for, summed up, and is asked for what
    /// is missing. Default true.
    pub compare_clients: bool,
    /// A session server remembers what was unregistered, so that a late registration does not bring it back (W6.3).
    /// Default true.
    pub session_tombstones: bool,
    /// A client that is gone leaves a tombstone at data servers that had not heard of its registration (W6.4). Default true.
    pub bury_unknown: bool,
    /// Versions grow whatever the data server's clock does, and over changes of leadership. Without: they are drawn from
    /// the clock, and none is given while it is behind (W6.5). Default true.
    pub steady_versions: bool,
    /// A leader serves what is registered once it has compared with every session server. Without: at once, with what it
    /// had as a follower (W6.6). Default true.
    pub migrate: bool,
    /// A leader that begins to serve forgets what it had copied as a follower from session processes that are gone.
    /// Without: the next look at the leases does that (W6.6). Default true.
    pub clean_before_serving: bool,
    /// A session server that has compared with a leader tells an earlier one nothing more. Without: what that one still
    /// shows can be newer than what the leader begins with. Default true.
    pub fence: bool,
    /// A data server takes the batches of a session process in the order in which they were sent, and none that is older
    /// than what it has compared since. Without: one that comes when tombstones are gone brings back what was withdrawn.
    /// Default true.
    pub in_order: bool,
    /// A leader that waits for one last session server serves without it, after a while (W6.7). Default false.
    pub force: bool,
    /// Data servers compare one sum with each session server, session servers one of the levels of slots with each data
    /// server, and what lies behind it where that differs. Without: the sums of every service of every slot, and the
    /// versions of all that clients have subscribed to, each time. Default true.
    pub sum_first: bool,
    /// A session server whose clients are told to be elsewhere by newer registrations forgets the older ones (W6.10).
    /// Default true.
    pub forget_outdated: bool,
    /// How what is held is summed up. Default "strong".
    pub digest: Digest,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            generation: Generation::default(),
            slots: 256,
            replicas: 2,
            meta: Meta::default(),
            session: Session::default(),
            data: Data::default(),
            client: Client::default(),
            rules: Rules::default(),
            ring: Ring::default(),
        }
    }
}

impl Default for Meta {
    fn default() -> Meta {
        Meta {
            heartbeat: Span::secs(1),
            lease: Span::secs(20),
            arrange: Span::secs(1),
            elect: Span::secs(1),
            lock: Span::secs(20),
            trust: Span::secs(10),
            warm_up: Span::secs(30),
            moves: 6,
        }
    }
}

impl Default for Session {
    fn default() -> Session {
        Session {
            writes: 20_000,
            batch: 100,
            retries: 5,
            backoff: Span::millis(200),
            retrying: 1_000,
            timeout: Span::secs(3),
            scan: Span::secs(5),
            debounce: Span::secs(1),
            push_delay: Span::millis(500),
            push_timeout: Span::secs(2),
            push_retries: 3,
            pushes: 10_000,
            idle: Span::secs(45),
            sweep: Span::secs(5),
            tombstones: Span::secs(180),
        }
    }
}

impl Default for Data {
    fn default() -> Data {
        Data {
            compare: Span::secs(6),
            follow: Span::secs(180),
            tick: Span::millis(200),
            timeout: Span::secs(3),
            asked: 4_000,
            answered: 512,
            lease: Span::secs(30),
            lease_check: Span::secs(5),
            tombstones: Span::secs(180),
            notify: Span::millis(500),
            notices: 400,
            notice_retries: 3,
            changed: 10_000,
            force_after: Span::secs(40),
            force_tries: 15,
        }
    }
}

impl Default for Client {
    fn default() -> Client {
        Client {
            connect: Span::secs(3),
            retry: Span::millis(500),
            invoke: Span::secs(1),
            ping: Span::secs(15),
            misses: 3,
            give_up: Span::secs(30),
            batch: 100,
        }
    }
}

impl Default for Rules {
    fn default() -> Rules {
        Rules {
            order_by_connection: true,
            compare_clients: true,
            session_tombstones: true,
            bury_unknown: true,
            steady_versions: true,
            migrate: true,
            clean_before_serving: true,
            fence: true,
            in_order: true,
            force: false,
            sum_first: true,
            forget_outdated: true,
            digest: Digest::Strong,
        }
    }
}

impl Options {
    /// How long until a connection is given up by who dialled it, once nothing comes back.
    pub fn silence(&self) -> Span {
        self.client.ping * u64::from(self.client.misses + 1)
    }

    /// How long after a change its subscribers have it, while no fault is in the way: a notice that is lost is made good
    /// by the next scan, and a write by the next comparison.
    pub fn lag(&self) -> Span {
        let Options { session, data, .. } = self;
        if self.generation == Generation::Ring {
            return self.ring.lag(self);
        }
        let fetch = session.debounce * 3 + session.push_delay + session.timeout;
        data.compare + data.tick + data.notify + session.scan + fetch
    }

    /// How long after the last fault everything is connected, led and served again.
    pub fn recovery(&self) -> Span {
        let Options {
            meta,
            session,
            data,
            client,
            ..
        } = self;
        let led = meta.lock + meta.elect * 2 + meta.warm_up + meta.lease + meta.arrange * 2;
        let connected = self.silence() + client.connect + client.retry + session.idle;
        let compared = match self.generation {
            Generation::Slots => data.compare,
            Generation::Ring => self.ring.missing(),
        };
        led + meta.heartbeat * 2 + connected + data.timeout * 4 + compared
    }

    /// How long after a client died what it had registered is gone everywhere, while no fault is in the way.
    pub fn gone(&self) -> Span {
        let Options { session, data, .. } = self;
        if self.generation == Generation::Ring {
            return self.ring.gone(self);
        }
        session.idle + session.sweep + data.lease + data.lease_check + self.lag()
    }

    /// How fast or slow a monotonic clock may be, in parts per million, so that a lock outlasts its leader's trust in it.
    pub fn drift_ppm(&self) -> u32 {
        let (lock, trust) = (self.meta.lock.as_nanos(), self.meta.trust.as_nanos());
        let spare = u128::from(lock.saturating_sub(trust)) * 1_000_000;
        u32::try_from(spare / u128::from(lock + trust).max(1)).unwrap_or(u32::MAX)
    }

    /// The key that cannot be, and what would be right.
    ///
    /// # Errors
    /// If a bound is zero where the protocol needs one, or times do not fit each other.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let Options {
            meta,
            session,
            data,
            client,
            ..
        } = self;
        if !(1..=65_536).contains(&self.slots) {
            return Err(("slots", "slots must be from 1 to 65536".into()));
        }
        let bounds = [
            ("replicas", self.replicas as usize),
            ("session.batch", session.batch),
            ("session.writes", session.writes),
            ("session.pushes", session.pushes),
            ("data.asked", data.asked),
            ("data.answered", data.answered),
            ("data.notices", data.notices),
            ("data.changed", data.changed),
            ("client.batch", client.batch),
        ];
        for (key, bound) in bounds {
            if bound == 0 {
                return Err((key, format!("{key} must be at least 1")));
            }
        }
        let spans = [
            ("meta.heartbeat", meta.heartbeat),
            ("meta.arrange", meta.arrange),
            ("meta.elect", meta.elect),
            ("session.backoff", session.backoff),
            ("session.timeout", session.timeout),
            ("session.scan", session.scan),
            ("session.push_timeout", session.push_timeout),
            ("session.sweep", session.sweep),
            ("data.compare", data.compare),
            ("data.follow", data.follow),
            ("data.tick", data.tick),
            ("data.timeout", data.timeout),
            ("data.lease_check", data.lease_check),
            ("data.notify", data.notify),
            ("client.connect", client.connect),
            ("client.retry", client.retry),
            ("client.invoke", client.invoke),
            ("client.ping", client.ping),
        ];
        for (key, span) in spans {
            if span == Span::ZERO {
                return Err((key, format!("{key} must take some time")));
            }
        }
        self.check_order()?;
        self.ring.check()
    }

    fn check_order(&self) -> Result<(), (&'static str, String)> {
        let Options {
            meta,
            client,
            session,
            ..
        } = self;
        let pairs = [
            (
                "meta.lease",
                meta.lease,
                "two heartbeats",
                meta.heartbeat * 2,
            ),
            (
                "meta.trust",
                meta.trust,
                "two renewals of the lock",
                meta.elect * 2,
            ),
            ("meta.lock", meta.lock, "meta.trust", meta.trust),
            ("session.idle", session.idle, "client.ping", client.ping),
        ];
        for (key, span, than, least) in pairs {
            if span <= least {
                return Err((key, format!("{key} must be longer than {than}, {least}")));
            }
        }
        Ok(())
    }
}
