//! Directed links between all hosts, and what happens to a datagram on them.

use netsplit::{Span, SpanRange, Time};

use super::random::{Chance, Key, Purpose};

/// What links are like, as a scenario sets it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NetworkSetup {
    /// How long a message travels, one way; uniform in the range.
    pub latency: SpanRange,
    /// The same between a client and a server.
    pub client_latency: SpanRange,
    /// What goes wrong all the time.
    pub noise: Noise,
}

impl Default for NetworkSetup {
    fn default() -> Self {
        let latency = SpanRange::new(Span::millis(1), Span::millis(5));
        NetworkSetup {
            latency,
            client_latency: latency,
            noise: Noise::default(),
        }
    }
}

/// What goes wrong with messages at random.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Noise {
    /// A message is lost.
    pub loss: Chance,
    /// A message arrives twice.
    pub duplicate: Chance,
    /// A message is held back, by up to [`HOLD_BACK`] times the longest latency, and later ones overtake it.
    pub reorder: Chance,
}

/// How many of the longest latencies a reordered message is held back, at most.
pub const HOLD_BACK: u64 = 8;

impl Noise {
    /// Both at once: of each, the greater chance.
    pub fn and(self, other: Noise) -> Noise {
        Noise {
            loss: self.loss.max(other.loss),
            duplicate: self.duplicate.max(other.duplicate),
            reorder: self.reorder.max(other.reorder),
        }
    }
}

/// What becomes of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It arrives at this instant, and perhaps once more.
    Arrives(Time, Option<Time>),
    /// The link is cut.
    Cut,
    /// It is lost.
    Lost,
}

#[derive(Clone, Copy)]
struct Link {
    /// The draws of its messages: a kind of message and how many of the kind went before make the ordinal.
    draws: Key,
    /// Messages keep their order unless one is reordered: the last arrival so far.
    last: Time,
    /// How many faults cut it.
    cuts: u16,
}

/// All links of a world.
pub struct Network {
    setup: NetworkSetup,
    /// What goes wrong now: the setup's noise and that of active faults.
    noise: Noise,
    hosts: usize,
    servers: usize,
    kinds: usize,
    links: Vec<Link>,
    /// How many messages of each kind each link has carried.
    carried: Vec<u32>,
    /// How many links are cut.
    cut: usize,
    /// How many faults drop each kind of message.
    dropped: Vec<u16>,
}

impl Network {
    /// The links between `hosts` hosts, of which the first `servers` are servers.
    pub fn new(
        seed: u64,
        setup: NetworkSetup,
        hosts: usize,
        servers: usize,
        kinds: usize,
    ) -> Network {
        let link = |place: usize| {
            let (from, to) = ((place / hosts) as u32, (place % hosts) as u32);
            Link {
                draws: Key::new(seed, Purpose::Link { from, to }),
                last: Time::ZERO,
                cuts: 0,
            }
        };
        let links = hosts * hosts;
        Network {
            setup,
            noise: setup.noise,
            hosts,
            servers,
            kinds,
            links: (0..links).map(link).collect(),
            carried: vec![0; links * kinds],
            cut: 0,
            dropped: vec![0; kinds],
        }
    }

    /// Sends a message of a kind over a link.
    #[inline]
    pub fn send(&mut self, now: Time, from: usize, to: usize, kind: usize) -> Fate {
        let place = from * self.hosts + to;
        let carried = &mut self.carried[place * self.kinds + kind];
        *carried += 1;
        let link = &mut self.links[place];
        let draw = link.draws.draw((kind as u64) << 32 | u64::from(*carried));
        if link.cuts > 0 {
            return Fate::Cut;
        }
        if self.dropped[kind] > 0 {
            return Fate::Lost;
        }
        let clients = from >= self.servers || to >= self.servers;
        let latency = if clients {
            self.setup.client_latency
        } else {
            self.setup.latency
        };
        let quiet = self.noise == Noise::default();
        if !quiet && draw.also(1).hits(self.noise.loss) {
            return Fate::Lost;
        }
        let mut arrival = now + draw.within(latency);
        if !quiet && draw.also(2).hits(self.noise.reorder) {
            arrival += Span::nanos(draw.also(3).below(HOLD_BACK * latency.max.as_nanos() + 1));
        } else {
            arrival = arrival.max(link.last);
            link.last = arrival;
        }
        let again = !quiet && draw.also(4).hits(self.noise.duplicate);
        let again = again.then(|| arrival + draw.also(5).within(latency));
        Fate::Arrives(arrival, again)
    }

    /// Whether a message that arrives now finds its link cut.
    #[inline]
    pub fn is_cut(&self, from: usize, to: usize) -> bool {
        self.cut > 0 && self.links[from * self.hosts + to].cuts > 0
    }

    /// Cuts a link, in one direction, once more.
    pub fn cut(&mut self, from: usize, to: usize) {
        let link = &mut self.links[from * self.hosts + to];
        self.cut += usize::from(link.cuts == 0);
        link.cuts += 1;
    }

    /// Takes one cut of a link back.
    pub fn heal(&mut self, from: usize, to: usize) {
        let link = &mut self.links[from * self.hosts + to];
        assert!(link.cuts > 0, "only what was cut is healed");
        link.cuts -= 1;
        self.cut -= usize::from(link.cuts == 0);
    }

    /// Drops every message of a kind, or takes one such fault back.
    pub fn drop_kind(&mut self, kind: usize, begin: bool) {
        let faults = &mut self.dropped[kind];
        assert!(begin || *faults > 0, "only what was begun ends");
        *faults = if begin { *faults + 1 } else { *faults - 1 };
    }

    /// Sets what goes wrong besides the setup's noise.
    pub fn set_noise(&mut self, faults: Noise) {
        self.noise = self.setup.noise.and(faults);
    }
}

/// For tests that look at a draw's decisions.
#[cfg(test)]
fn arrivals(network: &mut Network, count: usize) -> Vec<Fate> {
    (0..count)
        .map(|n| network.send(Time::from_nanos(n as u64), 0, 1, 0))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(noise: Noise) -> Network {
        let latency = SpanRange::new(Span::nanos(100), Span::nanos(200));
        Network::new(
            9,
            NetworkSetup {
                latency,
                client_latency: latency,
                noise,
            },
            2,
            2,
            1,
        )
    }

    fn instant(fate: Fate) -> u64 {
        match fate {
            Fate::Arrives(at, _) => at.as_nanos(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn messages_keep_their_order_and_their_latency() {
        let mut network = network(Noise::default());
        let times: Vec<u64> = arrivals(&mut network, 500)
            .into_iter()
            .map(instant)
            .collect();
        assert!(times.is_sorted());
        assert!(
            times
                .iter()
                .zip(0..)
                .all(|(at, sent)| (100..=700).contains(&(at - sent)))
        );
    }

    #[test]
    fn a_link_that_loses_everything_loses_everything_and_one_that_doubles_doubles() {
        let sure = Chance(1_000_000);
        let fates = arrivals(
            &mut network(Noise {
                loss: sure,
                ..Noise::default()
            }),
            50,
        );
        assert!(fates.iter().all(|fate| *fate == Fate::Lost));
        let fates = arrivals(
            &mut network(Noise {
                duplicate: sure,
                ..Noise::default()
            }),
            50,
        );
        assert!(
            fates
                .iter()
                .all(|fate| matches!(fate, Fate::Arrives(first, Some(second)) if second > first))
        );
    }

    #[test]
    fn reordered_messages_are_overtaken() {
        let mut network = network(Noise {
            reorder: Chance(300_000),
            ..Noise::default()
        });
        let times: Vec<u64> = arrivals(&mut network, 500)
            .into_iter()
            .map(instant)
            .collect();
        assert!(!times.is_sorted());
        let longest = 200 * (HOLD_BACK + 1) + 500;
        assert!(
            times
                .iter()
                .zip(0..)
                .all(|(at, sent)| (100..=longest).contains(&(at - sent)))
        );
    }

    #[test]
    fn turning_loss_on_changes_no_latency() {
        let quiet: Vec<Fate> = arrivals(
            &mut network(Noise {
                reorder: Chance(1_000_000),
                ..Noise::default()
            }),
            200,
        );
        let lossy = Noise {
            loss: Chance(500_000),
            reorder: Chance(1_000_000),
            ..Noise::default()
        };
        let lossy: Vec<Fate> = arrivals(&mut network(lossy), 200);
        let kept = quiet
            .iter()
            .zip(&lossy)
            .filter(|(_, fate)| **fate != Fate::Lost);
        assert!(kept.clone().count() > 50);
        assert!(kept.into_iter().all(|(one, other)| one == other));
    }

    #[test]
    fn only_the_kind_that_is_dropped_is_lost_and_only_as_long_as_it_is() {
        let setup = NetworkSetup::default();
        let mut network = Network::new(1, setup, 2, 2, 2);
        network.drop_kind(1, true);
        assert!(matches!(
            network.send(Time::ZERO, 0, 1, 0),
            Fate::Arrives(..)
        ));
        assert_eq!(network.send(Time::ZERO, 0, 1, 1), Fate::Lost);
        network.drop_kind(1, false);
        assert!(matches!(
            network.send(Time::ZERO, 0, 1, 1),
            Fate::Arrives(..)
        ));
    }

    #[test]
    fn a_cut_is_one_way_and_two_cuts_need_two_heals() {
        let mut network = network(Noise::default());
        network.cut(0, 1);
        network.cut(0, 1);
        assert_eq!(network.send(Time::ZERO, 0, 1, 0), Fate::Cut);
        assert!(matches!(
            network.send(Time::ZERO, 1, 0, 0),
            Fate::Arrives(..)
        ));
        network.heal(0, 1);
        assert!(network.is_cut(0, 1));
        network.heal(0, 1);
        assert!(!network.is_cut(0, 1));
    }
}
