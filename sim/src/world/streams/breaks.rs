//! What befalls streams: their processes and machines die, they are reset, they stall, and the storm ends.

use super::*;

impl<M: Mode> World<'_, M> {
    /// A host goes down. What of its segments is under way gets through up to a drawn point; then its system resets the
    /// stream, unless that went down as well. Nobody is there to send any of this again.
    pub(in crate::world) fn lose_streams(&mut self, slot: usize, silent: bool, draw: Draw) {
        for id in std::mem::take(&mut self.hosts[slot].streams) {
            let Some((stream, end)) = self.stream_at(slot, id) else {
                continue;
            };
            stream.alive[end] = false;
            if !stream.alive[1 - end] {
                self.streams.all.remove(&id);
                continue;
            }
            stream.ways[end].abandoned = true;
            self.cut_short(id, end, draw.also(100 + u64::from(id.number)));
            if !silent {
                self.post(id, end, self.now, Segment::End(Closing::Reset));
            }
            self.ask_again(id);
            self.probe(id, 1 - end);
        }
    }

    /// A machine dies: what its system had still to send, for processes that closed their streams or died before, is lost.
    pub(in crate::world) fn bury_streams(&mut self, slot: usize) {
        let mut buried = Vec::new();
        for (id, stream) in &mut self.streams.all {
            for end in (0..2).filter(|end| stream.ends[*end] == slot) {
                let this = &mut stream.ways[end];
                if !stream.alive[end] && !this.segments.is_empty() {
                    this.abandoned = true;
                    this.truncate(this.flying);
                    buried.push((*id, end));
                }
            }
        }
        // The map has no order of its own.
        buried.sort_unstable();
        for (id, end) in buried {
            self.ask_again(id);
            self.probe(id, 1 - end);
        }
    }

    /// Who is left with a window of which more than half is used up may have lost the credit that was on its way: its
    /// system probes the window, as TCP does, and so it learns that its peer is gone.
    fn probe(&mut self, id: StreamId, end: usize) {
        let half = self.streams.window / 2;
        let Some(stream) = self.streams.all.get(&id) else {
            return;
        };
        let this = &stream.ways[end];
        let is_open = stream.alive[end] && (end == 1 || stream.accepted);
        if is_open && this.credit <= half && this.segments.is_empty() {
            self.post(id, end, self.now, Segment::Probe);
        }
    }

    /// An opener to whom no answer is under way any more, for who gave it is dead, tries again after its timeout.
    pub(super) fn ask_again(&mut self, id: StreamId) {
        let Some(stream) = self.streams.all.get_mut(&id) else {
            return;
        };
        let [forth, back] = &mut stream.ways;
        let waits = stream.alive[0] && !stream.alive[1] && !stream.accepted;
        if waits && back.abandoned && back.segments.is_empty() {
            back.abandoned = false;
            *forth = Way {
                round: forth.round,
                segments: VecDeque::from([Flight::new(Segment::Open)]),
                stuck: Some(Obstacle::Loss),
                ..Way::new(OPENING_RTO)
            };
            self.expect(id, 0);
        }
    }

    /// Of what is on a way any prefix is left.
    fn cut_short(&mut self, id: StreamId, way: usize, draw: Draw) {
        let Some(stream) = self.streams.all.get_mut(&id) else {
            return;
        };
        let this = &mut stream.ways[way];
        this.truncate(draw.below(this.flying as u64 + 1) as usize);
    }

    /// Something between breaks streams off: both ends are told, and of what is under way either way a suffix is lost.
    pub(in crate::world) fn reset_streams(&mut self, from: &[usize], to: &[usize], draw: Draw) {
        let mut ids = Vec::new();
        for slot in from {
            for id in &self.hosts[*slot].streams {
                let stream = self.streams.all.get(id);
                if stream
                    .is_some_and(|stream| stream.ends[0] == *slot && to.contains(&stream.ends[1]))
                {
                    ids.push(*id);
                }
            }
        }
        for id in ids {
            let name = self.ids[self.streams.all[&id].ends[0]];
            debug!(target: "world", at = %self.now, node = %name, "{id} is broken off");
            for way in 0..2 {
                self.cut_short(id, way, draw.also(u64::from(id.number) << 1 | way as u64));
                if self
                    .streams
                    .all
                    .get(&id)
                    .is_some_and(|stream| stream.alive[1 - way])
                {
                    self.post(id, way, self.now, Segment::End(Closing::Reset));
                }
            }
        }
    }

    /// Whether any of these has opened a stream to any of those.
    pub(in crate::world) fn are_joined(&self, from: &[usize], to: &[usize]) -> bool {
        let mut ids = from.iter().flat_map(|slot| &self.hosts[*slot].streams);
        ids.any(|id| {
            let stream = self.streams.all.get(id);
            stream.is_some_and(|stream| {
                from.contains(&stream.ends[0]) && to.contains(&stream.ends[1])
            })
        })
    }

    /// A fault holds streams up, or lets them go on.
    pub(in crate::world) fn stall_streams(&mut self, part: (usize, usize), stall: Option<Stall>) {
        match stall {
            Some(stall) => self.streams.stalls.push((part, stall)),
            None => {
                self.streams.stalls.retain(|(other, _)| *other != part);
                self.try_streams();
            }
        }
    }

    /// The storm is over: between those who are well everything sets out again, whatever held it up or made it late.
    pub(in crate::world) fn free_streams(&mut self, sound: &[bool]) {
        self.streams.spared = sound.to_vec();
        for stream in self.streams.all.values_mut() {
            if stream.ends.iter().all(|slot| sound[*slot]) {
                for this in &mut stream.ways {
                    this.flying = 0;
                    this.stuck = Some(Obstacle::Hold);
                }
            }
        }
        self.try_streams();
    }

    /// What was held goes on at once, for a jam or a stall is over.
    pub(in crate::world) fn try_streams(&mut self) {
        let mut held: Vec<(StreamId, usize)> = Vec::new();
        for (id, stream) in &self.streams.all {
            let ways = stream.ways.iter().enumerate();
            let held_ways = ways.filter(|(_, this)| this.stuck == Some(Obstacle::Hold));
            held.extend(held_ways.map(|(way, _)| (*id, way)));
        }
        // The map has no order of its own.
        held.sort_unstable();
        for (id, way) in held {
            self.go_on(id, way, self.now);
        }
    }
}
