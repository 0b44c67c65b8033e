//! The fifth generation: a consistent hash says who owns what, and session servers renew what their clients registered.
//!
//! Every session and data server computes from *its own* list of data servers who owns a service. A session server tells the
//! first owner of each change, at once and twice again, and forgets about it. The owner acknowledges what it has put in a
//! queue, applies what it has gathered for half a second, and tells two more owners, who copy. What gets lost on that way is
//! found every three minutes, when a session server renews a connection: it sends a sum of what the connection has
//! registered, and all of it if the owner does not come to the same. What is too much is found when nobody renews it.
//!
//! ```text
//! c1            s1                  d2 (first owner)        d3 (copies)
//!  | register    |                        |                     |
//!  |------------>| remembers              |                     |
//!  |<------------| publish                |                     |
//!  | registered  |----------------------->| queue               |
//!  |             |<-----------------------| 500 ms              |
//!  |             | answer         changed | applies  1 s        |
//!  |             |<-----------------------|-------------------->|
//!  |             | fetch                  | newer          pull |
//!  |             |----------------------->|<--------------------|
//!  |     push    |<-----------------------|-------------------->|
//!  |<------------| fetched                |              pulled |
//!  |             |                        |                     |
//!  |             | renew, every 180 s     |                     |
//!  |             |----------------------->| sums up             |
//!  |             |<-----------------------| differs             |
//!  |             | snapshot               |                     |
//!  |             |----------------------->|                     |
//! ```
//!
//! **Promises**: after the last fault what is missing at an owner is there in [`options::Ring::missing`] (20 s and 200 s),
//! and what is too much is gone in [`options::Ring::dirt`] (half an hour); copies elsewhere are dropped later.
//!
//! **Does not promise** what the sixth generation does. Its weaknesses, by the numbers in our facts:
//! - W5.1: nothing is remembered of what was unregistered, so a registration that comes late brings it back.
//! - W5.2: whether something is unregistered is decided by comparing the clocks of two servers.
//! - W5.3: what a former session server says again of the same state counts as new, and then goes with its connection.
//! - W5.4: the sum does not see two registrations that swap their versions.
//! - W5.5: every change of the list of data servers puts the sweep off.
//!
//! Two more, found here: a change can be shown, and lost with its owner in the second before the copies hear of it; and of
//! two who own a service by different lists, the one whose version is later covers all that only the other had heard of.
//!
//! Not modelled: the slips of W5.6 (a renewal's delay in the wrong unit, a counter that is never decremented). A data server
//! that does not work yet lets another owner answer, as the real one does, but only once.
//!
//! Source: sofastack/sofa-registry, `dev-5.5.0`, by `facts`; how leases are checked (every `data.lease_check`, for all
//! connections) and when a renewal is sent again are ours.

pub mod consistent_hash;
pub mod copying;
pub mod data;
pub mod datum;
pub mod leases;
pub mod merging;
pub mod options;
pub mod session;
#[cfg(test)]
mod tests;
pub(super) mod truth;
pub mod word;
pub mod writing;
