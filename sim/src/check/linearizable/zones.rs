//! The zone algorithm of Gibbons & Korach (1997): linearizability in O(n log n) when it is known of each read
//! which write it saw.
//!
//! The *zone* of a version lies between the first return of its operations, `f`, and the last invocation, `s`.
//!
//! ```text
//!  forward, f < s:   |--put v1--|      |--get v1--|        v1 was in place from f to s, all the time
//!                               f------s
//!  backward, s < f:  |-----put v2-----|                    v2 was in place at some time between s and f
//!                        |----get v2-----|
//!                        s------------f
//! ```
//!
//! The operations are linearizable if and only if no read returned before its write was invoked (which `history` has
//! seen to), no two forward zones overlap, and no backward zone lies inside a forward one. The absence before everything
//! is a version too, written before the start.
//!
//! Where it is not known of some reads which write they saw, or where writes depend on what they find, the zones of the
//! versions that are known must nevertheless be like this: necessary, but not enough.
//!
//! A write of unknown outcome has no return of its own. If nobody saw it, its zone is backward and without an end, and
//! lies inside none; if somebody did, the first who did gives `f`.

use super::history::{Breach, KeyHistory, Verdict, Version};
use crate::check::Call;

/// A forward zone and its version.
#[derive(Clone, Copy)]
struct Forward {
    first_returned: u64,
    last_invoked: u64,
    version: u32,
}

/// Judges one key. To convict is right in any case, to acquit only if [`KeyHistory::is_settled`].
pub(super) fn judge(history: &KeyHistory, calls: &[Call]) -> Verdict {
    let mut forward = Vec::with_capacity(history.versions.len());
    for (index, version) in history.versions.iter().enumerate() {
        if version.first_returned < version.last_invoked {
            forward.push(Forward {
                first_returned: version.first_returned,
                last_invoked: version.last_invoked,
                version: index as u32,
            });
        }
    }
    forward.sort_unstable_by_key(|zone| zone.first_returned);
    for pair in forward.windows(2) {
        if pair[1].first_returned < pair[0].last_invoked {
            let [one, two] = [pair[0], pair[1]].map(|zone| history.versions[zone.version as usize]);
            return Err(overlap(history, calls, &one, &two));
        }
    }
    for inner in &history.versions {
        // No two places are equal, but the start of the history and its first invocation may both be at 0: hence `<=`.
        let before = forward.partition_point(|zone| zone.first_returned <= inner.last_invoked);
        let Some(outer) = before.checked_sub(1).map(|at| forward[at]) else {
            continue;
        };
        let is_backward = inner.last_invoked < inner.first_returned;
        if is_backward && inner.first_returned < outer.last_invoked {
            let outer = history.versions[outer.version as usize];
            return Err(inside(history, calls, &outer, inner));
        }
    }
    Ok(())
}

/// Two versions would have to be in place at once.
fn overlap(history: &KeyHistory, calls: &[Call], one: &Version, two: &Version) -> Breach {
    if one.is_initial() {
        return history.breach(calls, &[one.last, two.first], |told| {
            format!(
                "{} although {} had returned before it was invoked",
                told[0], told[1]
            )
        });
    }
    history.breach(calls, &[one.first, one.last, two.first, two.last], |told| {
        format!(
            "two values at once: one from the return of {} to the invocation of {}, \
             the other from the return of {} to the invocation of {}",
            told[0], told[1], told[2], told[3]
        )
    })
}

/// A version was in place while another would have to be.
fn inside(history: &KeyHistory, calls: &[Call], outer: &Version, inner: &Version) -> Breach {
    let (late, early) = (inner.first, inner.last);
    if outer.is_initial() {
        return history.breach(calls, &[outer.last, late], |told| {
            format!(
                "{} although {} had returned before it was invoked",
                told[0], told[1]
            )
        });
    }
    history.breach(calls, &[outer.last, late, outer.first, early], |told| {
        let last = if early == late {
            told[3].op.to_string()
        } else {
            told[3].to_string()
        };
        format!(
            "{} although {} had returned before it was invoked, and {} before {last} was",
            told[0], told[1], told[2]
        )
    })
}
