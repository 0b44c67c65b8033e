//! The list of events that the search walks, lifts from and puts back to.

/// The end of the list.
pub(super) const END: u32 = u32::MAX;

/// The invocations and returns that have not been lifted, in order: a doubly linked list over indices.
///
/// Event `2i` is the invocation of step `i` and `2i + 1` its return, which only a required step has.
pub(super) struct Events {
    next: Vec<u32>,
    prev: Vec<u32>,
}

impl Events {
    /// The list of these invocations and returns, `u64::MAX` where there is none.
    pub(super) fn of(spans: impl ExactSizeIterator<Item = (u64, u64)>) -> Events {
        let head = 2 * spans.len();
        let mut order: Vec<(u64, u32)> = Vec::with_capacity(head);
        for (event, (invoked, returned)) in (0..).step_by(2).zip(spans) {
            order.push((invoked, event));
            if returned != u64::MAX {
                order.push((returned, event + 1));
            }
        }
        order.sort_unstable();
        // The list begins at one more element, its head.
        let mut events = Events {
            next: vec![END; head + 1],
            prev: vec![END; head + 1],
        };
        let mut last = head;
        for (_, event) in order {
            events.next[last] = event;
            events.prev[event as usize] = last as u32;
            last = event as usize;
        }
        events
    }

    pub(super) fn first(&self) -> u32 {
        self.next[self.next.len() - 1]
    }

    pub(super) fn after(&self, event: u32) -> u32 {
        self.next[event as usize]
    }

    pub(super) fn is_invocation(event: u32) -> bool {
        event.is_multiple_of(2)
    }

    pub(super) fn step(event: u32) -> u32 {
        event / 2
    }

    pub(super) fn lift(&mut self, step: u32, has_return: bool) {
        // The return first, so that a scan that stands on the invocation is not led to it.
        if has_return {
            self.unlink(2 * step + 1);
        }
        self.unlink(2 * step);
    }

    /// Has to be called in the reverse order of lifting: a lifted event remembers its neighbours of then.
    pub(super) fn put_back(&mut self, step: u32, has_return: bool) {
        self.link(2 * step);
        if has_return {
            self.link(2 * step + 1);
        }
    }

    fn unlink(&mut self, event: u32) {
        let (prev, next) = (self.prev[event as usize], self.next[event as usize]);
        self.next[prev as usize] = next;
        if next != END {
            self.prev[next as usize] = prev;
        }
    }

    fn link(&mut self, event: u32) {
        let (prev, next) = (self.prev[event as usize], self.next[event as usize]);
        self.next[prev as usize] = event;
        if next != END {
            self.prev[next as usize] = event;
        }
    }
}
