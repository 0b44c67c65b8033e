//! Directed links between all hosts, and what happens to a datagram on them.

use netsplit::{Span, SpanRange, Time};

use super::law::Law;
use super::random::{Chance, Draw, Key, Purpose};

/// What links are like, as a scenario sets it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NetworkSetup {
    /// How long a message travels, one way.
    pub latency: Law,
    /// The same between a client and a server.
    pub client_latency: Law,
    /// The same between two zones, either way.
    pub between: Vec<(u16, u16, Law)>,
    /// What goes wrong all the time.
    pub noise: Noise,
    /// What each link can carry; none for any amount.
    pub wire: Option<Wire>,
    /// How many bytes a stream takes before its receiver has taken any in.
    pub window: u32,
}

impl Default for NetworkSetup {
    fn default() -> Self {
        let latency = Law::Uniform(SpanRange::new(Span::millis(1), Span::millis(5)));
        NetworkSetup {
            latency,
            client_latency: latency,
            between: Vec::new(),
            noise: Noise::default(),
            wire: None,
            window: 64 << 10,
        }
    }
}

/// What a link can carry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wire {
    /// Bits a second.
    pub bandwidth: u64,
    /// Bytes that can wait for the wire; one more message than fits is dropped, the last to come.
    pub queue: u64,
}

/// What each message weighs besides its content: an Ethernet frame with its gap (38 bytes), IPv4 and TCP headers (40).
pub const HEADERS: u64 = 78;

impl Wire {
    /// How long so many bytes take.
    fn takes(&self, bytes: u64) -> Span {
        let nanos = u128::from(bytes) * 8_000_000_000 / u128::from(self.bandwidth);
        Span::nanos(nanos as u64)
    }

    /// How many bytes go through in that time.
    fn carries(&self, span: Span) -> u64 {
        (u128::from(span.as_nanos()) * u128::from(self.bandwidth) / 8_000_000_000) as u64
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
    /// A message arrives damaged: its receiver finds that its checksum is wrong, and throws it away.
    pub corrupt: Chance,
}

/// How many of the longest latencies a reordered message is held back, at most.
pub const HOLD_BACK: u64 = 8;

impl Noise {
    /// Both at once: of each, the greater chance.
    fn and(self, other: Noise) -> Noise {
        Noise {
            loss: self.loss.max(other.loss),
            duplicate: self.duplicate.max(other.duplicate),
            reorder: self.reorder.max(other.reorder),
            corrupt: self.corrupt.max(other.corrupt),
        }
    }
}

/// What a fault does to messages on some links.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Act {
    /// They are lost.
    Drop,
    /// They wait until the fault is over, and then all set out at once.
    Jam,
    /// They travel this many times as long.
    Slow(u32),
    /// Any of this.
    Noise(Noise),
}

/// An act, and on which messages.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rule {
    /// Senders, by slot; none for all.
    pub from: Option<Vec<usize>>,
    /// Receivers, by slot; none for all.
    pub to: Option<Vec<usize>>,
    /// Which of the mode's kinds of message; none for all.
    pub kind: Option<usize>,
    /// What happens to them.
    pub act: Act,
}

impl Rule {
    fn is_for(&self, from: usize, to: usize, kind: usize) -> bool {
        let among = |slots: &Option<Vec<usize>>, slot| {
            slots.as_ref().is_none_or(|slots| slots.contains(&slot))
        };
        self.kind.is_none_or(|only| only == kind) && among(&self.from, from) && among(&self.to, to)
    }
}

/// What becomes of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It arrives at this instant, and perhaps once more.
    Arrives(Time, Option<Time>),
    /// It arrives damaged.
    Garbled(Time),
    /// It waits for a jam to end.
    Jammed,
    /// The link is cut.
    Cut,
    /// It is lost.
    Lost,
    /// The link's queue is full.
    Overflow,
}

/// Why a segment of a stream does not get through.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Obstacle {
    /// Something holds it, and will let it go on.
    Hold,
    /// It is lost: it is sent again after its timeout.
    Loss,
}

#[derive(Clone, Copy)]
struct Link {
    /// The draws of its messages: a kind of message and how many of the kind went before make the ordinal.
    draws: Key,
    /// Messages keep their order unless one is reordered: the last arrival so far.
    last: Time,
    /// How many faults cut it.
    cuts: u16,
    /// Which of the laws is its own.
    law: u16,
}

/// All links of a world.
pub struct Network {
    noise: Noise,
    wire: Option<Wire>,
    laws: Vec<Law>,
    hosts: usize,
    kinds: usize,
    links: Vec<Link>,
    /// Since when each wire is free; empty if wires carry any amount.
    free: Vec<Time>,
    /// How many messages of each kind each link has carried.
    carried: Vec<u32>,
    /// How many links are cut.
    cut: usize,
    /// What faults do, with the part of the fault that does it.
    rules: Vec<((usize, usize), Rule)>,
    /// Hosts between whom no fault counts any more; empty while all count.
    spared: Vec<bool>,
}

impl Network {
    /// The links between hosts that stand in these zones, of whom the first `servers` are servers.
    pub fn new(
        seed: u64,
        setup: &NetworkSetup,
        zones: &[Option<u16>],
        servers: usize,
        kinds: usize,
    ) -> Network {
        let hosts = zones.len();
        let mut laws = vec![setup.latency, setup.client_latency];
        laws.extend(setup.between.iter().map(|(.., law)| *law));
        let law = |from: usize, to: usize| {
            let ends = zones[from].zip(zones[to]);
            let joins =
                |(a, b, _): &(u16, u16, Law)| ends == Some((*a, *b)) || ends == Some((*b, *a));
            match setup.between.iter().position(joins) {
                Some(place) => place as u16 + 2,
                None => u16::from(from >= servers || to >= servers),
            }
        };
        let link = |place: usize| {
            let (from, to) = (place / hosts, place % hosts);
            Link {
                draws: Key::new(
                    seed,
                    Purpose::Link {
                        from: from as u32,
                        to: to as u32,
                    },
                ),
                last: Time::ZERO,
                cuts: 0,
                law: law(from, to),
            }
        };
        let links = hosts * hosts;
        // The segments of streams that carry no message are a kind of their own.
        let kinds = kinds + 1;
        Network {
            noise: setup.noise,
            wire: setup.wire,
            laws,
            hosts,
            kinds,
            links: (0..links).map(link).collect(),
            free: vec![Time::ZERO; if setup.wire.is_some() { links } else { 0 }],
            carried: vec![0; links * kinds],
            cut: 0,
            rules: Vec::new(),
            spared: Vec::new(),
        }
    }

    /// Sends a message of a kind over a link. What it weighs is asked for if that matters.
    #[inline]
    pub fn send(
        &mut self,
        now: Time,
        from: usize,
        to: usize,
        kind: usize,
        bytes: impl FnOnce() -> u64,
    ) -> Fate {
        let place = from * self.hosts + to;
        let carried = &mut self.carried[place * self.kinds + kind];
        *carried += 1;
        let draw = self.links[place]
            .draws
            .draw((kind as u64) << 32 | u64::from(*carried));
        if self.links[place].cuts > 0 {
            return Fate::Cut;
        }
        let (mut noise, mut slow) = (self.noise, 1);
        if !self.rules.is_empty() {
            for rule in self.rules_for(from, to, kind) {
                match rule.act {
                    Act::Drop => return Fate::Lost,
                    Act::Jam => return Fate::Jammed,
                    Act::Slow(factor) => slow = factor.max(slow),
                    Act::Noise(other) => noise = noise.and(other),
                }
            }
        }
        let left = match self.wire {
            None => now,
            Some(wire) => match self.transmit(wire, place, now, bytes() + HEADERS) {
                None => return Fate::Overflow,
                Some(left) => left,
            },
        };
        let link = &mut self.links[place];
        let law = &self.laws[link.law as usize];
        let latency = law.draw(draw) * u64::from(slow);
        if noise == Noise::default() {
            link.last = link.last.max(left + latency);
            return Fate::Arrives(link.last, None);
        }
        noisy(link, law, noise, draw, left, latency)
    }

    /// Sends a segment of a stream over a link: when it arrives, unless noise loses it.
    ///
    /// # Errors
    /// If it cannot get through now.
    pub fn segment(
        &mut self,
        now: Time,
        from: usize,
        to: usize,
        kind: Option<usize>,
        bytes: u64,
    ) -> Result<Time, Obstacle> {
        let place = from * self.hosts + to;
        let control = self.kinds - 1;
        let carried = &mut self.carried[place * self.kinds + kind.unwrap_or(control)];
        *carried += 1;
        let ordinal = (kind.unwrap_or(control) as u64) << 32 | u64::from(*carried);
        let draw = self.links[place].draws.draw(ordinal);
        if self.links[place].cuts > 0 {
            return Err(Obstacle::Loss);
        }
        let (mut reorder, mut slow) = (self.noise.reorder, 1);
        for rule in self.rules_for(from, to, kind.unwrap_or(control)) {
            match rule.act {
                Act::Drop => return Err(Obstacle::Loss),
                Act::Jam => return Err(Obstacle::Hold),
                Act::Slow(factor) => slow = factor.max(slow),
                Act::Noise(other) => reorder = reorder.max(other.reorder),
            }
        }
        let mut left = now;
        if let Some(wire) = self.wire {
            // A stream's own window is its queue.
            let free = &mut self.free[place];
            *free = now.max(*free) + wire.takes(bytes + HEADERS);
            left = *free;
        }
        let law = &self.laws[self.links[place].law as usize];
        let mut arrival = left + law.draw(draw) * u64::from(slow);
        if draw.also(2).hits(reorder) {
            arrival += Span::nanos(draw.also(3).below(HOLD_BACK * law.most().as_nanos() + 1));
        }
        Ok(arrival)
    }

    /// Whether noise loses or damages a segment of a stream that arrives now.
    pub fn loses_segment(&mut self, from: usize, to: usize, kind: Option<usize>) -> bool {
        let kind = kind.unwrap_or(self.kinds - 1);
        let mut noise = self.noise;
        for rule in self.rules_for(from, to, kind) {
            if let Act::Noise(other) = rule.act {
                noise = noise.and(other);
            }
        }
        if noise == Noise::default() {
            return false;
        }
        let place = from * self.hosts + to;
        let carried = &mut self.carried[place * self.kinds + kind];
        *carried += 1;
        let ordinal = (kind as u64) << 32 | u64::from(*carried);
        let draw = self.links[place].draws.draw(ordinal);
        draw.also(1).hits(noise.loss) || draw.also(7).hits(noise.corrupt)
    }

    /// Puts a message on the wire behind what waits for it; when it has left, or none if it finds no room to wait.
    fn transmit(&mut self, wire: Wire, place: usize, now: Time, bytes: u64) -> Option<Time> {
        let free = &mut self.free[place];
        let waits = free.since(now);
        if waits > Span::ZERO && wire.carries(waits) + bytes > wire.queue {
            return None;
        }
        *free = now + waits + wire.takes(bytes);
        Some(*free)
    }

    fn rules_for(&self, from: usize, to: usize, kind: usize) -> impl Iterator<Item = &Rule> {
        let spared = |slot: usize| self.spared.get(slot).copied().unwrap_or(false);
        let spared = spared(from) && spared(to);
        let rules = self.rules.iter().map(|(_, rule)| rule);
        rules.filter(move |rule| !spared && rule.is_for(from, to, kind))
    }

    /// Whether a message would have to wait for a jam to end.
    pub fn is_jammed(&self, from: usize, to: usize, kind: usize) -> bool {
        self.rules_for(from, to, kind)
            .any(|rule| rule.act == Act::Jam)
    }

    /// Whether so many bytes more can wait behind these, both with their headers.
    pub fn has_room(&self, waiting: u64, bytes: u64) -> bool {
        waiting == 0 || self.wire.is_none_or(|wire| waiting + bytes <= wire.queue)
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

    /// A fault begins to do something to messages.
    pub fn begin(&mut self, part: (usize, usize), rule: Rule) {
        self.rules.push((part, rule));
    }

    /// What a fault does to messages ends. What it made slow is under way as it is, and no longer in the way of others: a
    /// fault that is over is over.
    pub fn end(&mut self, part: (usize, usize), now: Time) {
        self.rules.retain(|(other, _)| *other != part);
        self.let_overtake(now);
    }

    /// No message has to wait for one that is later than its link makes it by itself.
    fn let_overtake(&mut self, now: Time) {
        for link in &mut self.links {
            link.last = link.last.min(now + self.laws[link.law as usize].most());
        }
    }

    /// From now on no fault counts between these hosts.
    pub fn spare(&mut self, spared: Vec<bool>, now: Time) {
        for place in 0..self.links.len() {
            let (from, to) = (place / self.hosts, place % self.hosts);
            if spared[from] && spared[to] && self.links[place].cuts > 0 {
                self.links[place].cuts = 0;
                self.cut -= 1;
            }
        }
        if spared.iter().all(|spared| *spared) {
            self.rules.clear();
        }
        self.spared = spared;
        self.let_overtake(now);
    }
}

/// What becomes of a message where messages are lost, doubled, reordered or damaged.
#[inline]
fn noisy(link: &mut Link, law: &Law, noise: Noise, draw: Draw, left: Time, latency: Span) -> Fate {
    if draw.also(1).hits(noise.loss) {
        return Fate::Lost;
    }
    let mut arrival = left + latency;
    if draw.also(2).hits(noise.reorder) {
        arrival += Span::nanos(draw.also(3).below(HOLD_BACK * law.most().as_nanos() + 1));
    } else {
        arrival = arrival.max(link.last);
        link.last = arrival;
    }
    if draw.also(7).hits(noise.corrupt) {
        return Fate::Garbled(arrival);
    }
    let again = draw.also(4).hits(noise.duplicate);
    Fate::Arrives(arrival, again.then(|| arrival + law.draw(draw.also(5))))
}

/// For tests that look at a draw's decisions.
#[cfg(test)]
mod tests;
