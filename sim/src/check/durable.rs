//! Durability: every acknowledged write is there at the end, or a newer one in its place.
//!
//! The last look at each key comes after everything else; a compare-and-swap that was shown what is there has looked too.
//! Revisions of a key grow with every write, so what that look saw must be at least as new as every write of the key that
//! was acknowledged. Linearizability says as much of a history in which the last read follows; this judge says it in a
//! sentence a person can act on, and for modes that promise no more than this.

use std::collections::BTreeMap;

use netsplit::kv::{Key, Request, Response, Revision, Value};

use super::{Call, Finding};

/// Judges a history whose last read of each key was made when all was calm.
pub fn judge(calls: &[Call]) -> Finding {
    let mut last: BTreeMap<Key, (&Call, Option<Value>, Revision)> = BTreeMap::new();
    for call in calls {
        if let Some(Response::Found(value, revision)) = call.response {
            let key = call.request.key();
            let newest = last.entry(key).or_insert((call, value, revision));
            if call.invoked > newest.0.invoked {
                *newest = (call, value, revision);
            }
        }
    }
    let mut lost = Vec::new();
    for call in calls {
        let Some(Response::Written(made)) = call.response else {
            continue;
        };
        let Some((read, found, seen)) = last.get(&call.request.key()) else {
            continue;
        };
        let written = match call.request {
            Request::Put(_, value) | Request::Cas(_, _, value) => Some(value),
            Request::Get(_) | Request::Delete(_) => None,
        };
        let replaced = *seen == made && *found != written;
        if call.returned < read.invoked && (*seen < made || replaced) {
            lost.push((call, read));
        }
    }
    let Some((write, read)) = lost.first() else {
        return Finding::Holds;
    };
    let (answer, seen) = (show(write), show(read));
    let evidence = format!(
        "{} acknowledged writes are not seen at the end: {} {} ({}) was answered {answer}, and later {} {} ({}) {seen}",
        lost.len(),
        write.client,
        write.request,
        write.op,
        read.client,
        read.request,
        read.op,
    );
    Finding::Violated(evidence)
}

fn show(call: &Call) -> String {
    call.response
        .map_or_else(|| "nothing".into(), |response| response.to_string())
}

#[cfg(test)]
mod tests {
    use netsplit::kv::Exchange;
    use netsplit::{NodeId, OpId, Time};

    use super::*;

    const KEY: Key = Key(1);

    fn value(name: u64) -> Value {
        Value { name, bytes: 16 }
    }

    fn call(order: u64, request: Request, response: Response) -> Call {
        let (client, op) = (NodeId::client(1), OpId(order as u32));
        Call {
            client,
            op,
            exchange: Exchange::new(request, Some(response)),
            invoked: 2 * order,
            returned: 2 * order + 1,
            invoked_at: Time::from_nanos(2 * order),
            returned_at: Some(Time::from_nanos(2 * order + 1)),
        }
    }

    fn put(order: u64, name: u64, revision: u64) -> Call {
        call(
            order,
            Request::Put(KEY, value(name)),
            Response::Written(Revision(revision)),
        )
    }

    fn get(order: u64, name: Option<u64>, revision: u64) -> Call {
        call(
            order,
            Request::Get(KEY),
            Response::Found(name.map(value), Revision(revision)),
        )
    }

    fn convicts(calls: &[Call]) -> bool {
        matches!(judge(calls), Finding::Violated(_))
    }

    #[test]
    fn a_write_that_is_read_at_the_end_was_kept() {
        assert!(!convicts(&[put(1, 7, 3), get(2, Some(7), 3)]));
    }

    #[test]
    fn a_write_that_a_newer_one_replaced_was_kept() {
        assert!(!convicts(&[put(1, 7, 3), put(2, 8, 4), get(3, Some(8), 4)]));
    }

    #[test]
    fn a_write_whose_key_is_older_at_the_end_was_lost() {
        assert!(convicts(&[put(1, 7, 3), put(2, 8, 4), get(3, Some(7), 3)]));
        assert!(convicts(&[put(1, 7, 3), get(2, None, 0)]));
    }

    #[test]
    fn a_write_whose_revision_holds_something_else_was_lost() {
        assert!(convicts(&[put(1, 7, 3), get(2, Some(9), 3)]));
    }

    #[test]
    fn only_the_last_read_counts() {
        assert!(!convicts(&[
            get(1, None, 0),
            put(2, 7, 3),
            get(3, Some(7), 3)
        ]));
        let put = put(2, 7, 3);
        let unknown = Call {
            exchange: Exchange::new(put.request, None),
            returned: u64::MAX,
            returned_at: None,
            ..put
        };
        assert!(!convicts(&[unknown, get(3, None, 0)]));
    }
}
