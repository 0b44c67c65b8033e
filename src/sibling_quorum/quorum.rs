//! The accounting: how many siblings must have confirmed, and how many must be asked before another may be promoted.
//!
//! The source counts siblings only: "2 of 3 (66 %)". The main does not count itself, though it never answers before the
//! update is on its own disk as well. So every accepted update is at the main and at [`accept_quorum`] siblings, and any
//! [`query_quorum`] siblings have one among them that holds it.

/// The most siblings of a group: what a quorum is counted over fits on the stack.
pub const MAX_SIBLINGS: usize = 14;

/// How many of `siblings` must have confirmed an update before it is accepted: 51 %, rounded up.
pub const fn accept_quorum(siblings: usize) -> usize {
    (51 * siblings).div_ceil(100)
}

/// How many of `siblings` must be fenced and asked before one is promoted, so that whatever was accepted is at one of
/// them: `n - W + 1`. Without siblings it is one, which nobody can meet: nothing survives the main but what is on its disk.
pub const fn query_quorum(siblings: usize) -> usize {
    siblings - accept_quorum(siblings) + 1
}

/// The largest value that a quorum has reached, given what each sibling has. Sorts its argument. A quorum of nobody has
/// reached everything.
pub fn reached_by<T: Ord + Copy>(reached: &mut [T], quorum: usize, everything: T) -> T {
    if quorum == 0 {
        return everything;
    }
    reached.sort_unstable();
    reached[reached.len() - quorum]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Table B2 of the facts: siblings, W, Q.
    const TABLE: [(usize, usize, usize); 8] = [
        (0, 0, 1),
        (1, 1, 1),
        (2, 2, 1),
        (3, 2, 2),
        (4, 3, 2),
        (5, 3, 3),
        (6, 4, 3),
        (7, 4, 4),
    ];

    #[test]
    fn the_accounting_is_that_of_the_table() {
        for (siblings, accept, query) in TABLE {
            assert_eq!(
                (accept_quorum(siblings), query_quorum(siblings)),
                (accept, query),
                "{siblings} siblings"
            );
        }
    }

    #[test]
    fn any_two_quorums_meet_and_smaller_ones_need_not() {
        for siblings in 1..=200 {
            let (accept, query) = (accept_quorum(siblings), query_quorum(siblings));
            assert!(accept <= siblings && query <= siblings);
            assert_eq!(accept + query, siblings + 1, "{siblings} siblings");
            assert!(100 * accept >= 51 * siblings && 100 * (accept - 1) < 51 * siblings);
        }
    }

    #[test]
    fn half_and_a_hundredth_is_more_than_half_until_it_is_more_than_that() {
        let more_than_half = |siblings: usize| siblings / 2 + 1;
        let differs = |siblings: &usize| accept_quorum(*siblings) != more_than_half(*siblings);
        assert_eq!((1..200).find(differs), Some(51));
        let even = |siblings: &usize| siblings.is_multiple_of(2) && differs(siblings);
        assert_eq!((1..200).find(even), Some(102));
    }

    #[test]
    fn what_a_quorum_has_reached_is_counted_from_the_top() {
        assert_eq!(reached_by(&mut [5, 1, 9], 2, 10), 5);
        assert_eq!(reached_by(&mut [5, 1, 9], 3, 10), 1);
        assert_eq!(reached_by(&mut [], 0, 10), 10);
    }
}
