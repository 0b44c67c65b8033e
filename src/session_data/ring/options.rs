//! The constants of the fifth generation with their defaults and units, and every mechanism that can be switched off.

use serde::{Deserialize, Serialize};

use super::super::digest::Digest;
use super::super::options::Options;
use crate::Span;

/// The constants of the fifth generation, which nobody looks at in the other.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ring {
    /// How many data servers own a service: the first writes and serves, the others copy. Default 3.
    pub store_nodes: u32,
    /// At how many places each data server stands in the ring. Default 1000.
    pub virtual_nodes: u32,
    /// How often a session server compares a connection's registrations with their owners. Default 180s.
    pub renew: Span,
    /// When it does so first, at the earliest. Default 30s.
    pub first_renew_from: Span,
    /// And at the latest. Default 60s.
    pub first_renew_to: Span,
    /// For how long after a write to a data server nothing of the connection is compared with it. Default 20s.
    pub silence: Span,
    /// How many writes of a connection wait while a snapshot of it is under way, at most. Default 10000.
    pub acceptor_queue: usize,
    /// When a registration, or its end, is sent again, since it was sent first. Default 3s and 8s.
    pub publish_retries: Vec<Span>,
    /// When it is told again that a client is gone, since it was told first. Default 500ms and 1s.
    pub client_off_retries: Vec<Span>,
    /// When a snapshot is sent again, since it was sent first. Default 5s.
    pub snapshot_retries: Vec<Span>,
    /// When a renewal is sent again, since it was sent first; the source names no figure. Default 5s.
    pub renew_retries: Vec<Span>,
    /// How long a data server keeps what a connection registered that nobody renews. Default 15m.
    pub ttl: Span,
    /// How long after it has begun to work a data server refuses renewals, and forgets nobody. Default 30s.
    pub renew_enable: Span,
    /// How long after the last connection of a session process broke off what came by it is kept. Default 30s.
    pub session_disconnect: Span,
    /// How long a data server waits before it takes it that a client is gone. Default 1s.
    pub client_off_delay: Span,
    /// How often a data server looks for what nobody has a lease on. Default 15m.
    pub sweep: Span,
    /// How long after the last change of the list a data server drops what it does not own. Default 30m.
    pub clean_delay: Span,
    /// How long changes wait for others before they are applied; they have been acknowledged by then. Default 500ms.
    pub merge: Span,
    /// How many changes wait, at most. Default 40960.
    pub events: usize,
    /// How long after a change its copies are told of it. Default 1s.
    pub copy_delay: Span,
    /// How often they are told again. Default 3.
    pub copy_retries: u32,
    /// How many changes of a service are kept for copies that lag behind, at most. Default 30.
    pub log_operations: usize,
    /// And for how long. Default 30s.
    pub log_keeps: Span,
    /// How often a data server says again what another should fetch, while the list stands. Default 1s.
    pub report_again: Span,
    /// What a connection has registered is summed up so. "plain" does not see two that have swapped versions (W5.4).
    /// Default "plain".
    pub digest: Digest,
    /// Session servers compare what they hold with its owners. Default true.
    pub renews: bool,
    /// Where the two differ the owner is sent all that the connection has registered. Default true.
    pub snapshots: bool,
    /// What nobody renews is forgotten. Default true.
    pub expires: bool,
    /// What nobody has a lease on is looked for. Default true.
    pub sweeps: bool,
    /// Every change of the list of data servers puts the sweep off (W5.5). Without: it comes when it would have come.
    /// Default true.
    pub sweep_restarts: bool,
    /// The owners behind the first have copies, and so has who becomes one. Default true.
    pub copies: bool,
}

impl Default for Ring {
    fn default() -> Ring {
        Ring {
            store_nodes: 3,
            virtual_nodes: 1_000,
            renew: Span::secs(180),
            first_renew_from: Span::secs(30),
            first_renew_to: Span::secs(60),
            silence: Span::secs(20),
            acceptor_queue: 10_000,
            publish_retries: vec![Span::secs(3), Span::secs(8)],
            client_off_retries: vec![Span::millis(500), Span::secs(1)],
            snapshot_retries: vec![Span::secs(5)],
            renew_retries: vec![Span::secs(5)],
            ttl: Span::secs(900),
            renew_enable: Span::secs(30),
            session_disconnect: Span::secs(30),
            client_off_delay: Span::secs(1),
            sweep: Span::secs(900),
            clean_delay: Span::secs(30 * 60),
            merge: Span::millis(500),
            events: 4 * 10_240,
            copy_delay: Span::secs(1),
            copy_retries: 3,
            log_operations: 30,
            log_keeps: Span::secs(30),
            report_again: Span::secs(1),
            digest: Digest::Plain,
            renews: true,
            snapshots: true,
            expires: true,
            sweeps: true,
            sweep_restarts: true,
            copies: true,
        }
    }
}

impl Ring {
    /// How long after all is well something may still be missing at its owner: a renewal that was just before its turn
    /// when a write was dropped, put off by the silence behind another write, and the snapshot that follows.
    pub fn missing(&self) -> Span {
        let retried = |all: &[Span]| all.last().copied().unwrap_or_default();
        let snapshot = retried(&self.snapshot_retries) + retried(&self.renew_retries);
        self.renew_enable + self.silence + self.renew * 2 + snapshot + self.merge
    }

    /// How long after all is well an owner may still have what nobody has registered: whoever has a lease loses it after
    /// its time, and whoever had none is found by the next sweep.
    pub fn dirt(&self) -> Span {
        self.renew_enable + self.ttl + self.sweep * 2 + self.merge * 2
    }

    /// How long after a change its subscribers have it, while no fault is in the way.
    pub fn lag(&self, options: &Options) -> Span {
        let session = &options.session;
        let fetch = session.debounce * 3 + session.push_delay + session.timeout;
        let last = self.publish_retries.last().copied().unwrap_or_default();
        last + self.merge * 2 + session.scan + fetch
    }

    /// How long after a client died what it had registered is gone from its owner, while no fault is in the way.
    pub fn gone(&self, options: &Options) -> Span {
        let session = &options.session;
        let told = self.client_off_delay + session.timeout * 3;
        session.idle + session.sweep + told + self.lag(options)
    }

    /// The key that cannot be, and what would be right.
    ///
    /// # Errors
    /// If a bound is zero where the protocol needs one, or times do not fit each other.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        if self.store_nodes == 0 {
            return Err((
                "ring.store_nodes",
                "ring.store_nodes must be at least 1".into(),
            ));
        }
        if !(1..=10_000).contains(&self.virtual_nodes) {
            let right = "ring.virtual_nodes must be from 1 to 10000";
            return Err(("ring.virtual_nodes", right.into()));
        }
        let spans = [
            ("ring.renew", self.renew),
            ("ring.ttl", self.ttl),
            ("ring.sweep", self.sweep),
            ("ring.clean_delay", self.clean_delay),
            ("ring.merge", self.merge),
            ("ring.report_again", self.report_again),
        ];
        for (key, span) in spans {
            if span == Span::ZERO {
                return Err((key, format!("{key} must take some time")));
            }
        }
        if self.first_renew_from > self.first_renew_to {
            let right = "ring.first_renew_to must not be before ring.first_renew_from";
            return Err(("ring.first_renew_to", right.into()));
        }
        Ok(())
    }
}
