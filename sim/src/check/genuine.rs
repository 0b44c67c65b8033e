//! Genuineness: what is read was written, to that key, by an operation that had begun before the read was over.
//!
//! Values of a workload are unique, so each names its write. A store that promises no more than to agree in the end must
//! still not answer with what nobody wrote.

use std::collections::BTreeMap;

use netsplit::kv::{Key, Request, Response, Value};

use super::{Call, Finding};

/// Judges a history.
pub fn judge(calls: &[Call]) -> Finding {
    let mut writes: BTreeMap<Value, (Key, u64)> = BTreeMap::new();
    for call in calls {
        if let Request::Put(key, value) | Request::Cas(key, _, value) = call.request {
            writes.insert(value, (key, call.invoked));
        }
    }
    for call in calls {
        let Some(Response::Found(Some(value), _)) = call.response else {
            continue;
        };
        let key = call.request.key();
        let why = match writes.get(&value) {
            None => "nobody wrote that",
            Some((other, _)) if *other != key => "that was written to another key",
            Some((_, invoked)) if *invoked > call.returned => "that was written later",
            Some(_) => continue,
        };
        let evidence = format!(
            "{} {} ({}) found {value}, and {why}",
            call.client, call.request, call.op
        );
        return Finding::Violated(evidence);
    }
    Finding::Holds
}

#[cfg(test)]
mod tests {
    use netsplit::kv::{Exchange, Revision};
    use netsplit::{NodeId, OpId, Time};

    use super::*;

    fn value(name: u64) -> Value {
        Value { name, bytes: 16 }
    }

    /// Operations one behind the other: a put of 1 to k0, and a read of a key that finds a value.
    fn history(key: u32, found: u64, read_first: bool) -> Finding {
        let (put_at, read_at) = if read_first { (3, 1) } else { (1, 3) };
        let call = |request, response, at: u64| Call {
            client: NodeId::client(1),
            op: OpId(at as u32),
            exchange: Exchange::new(request, Some(response)),
            invoked: at,
            returned: at + 1,
            invoked_at: Time::from_nanos(at),
            returned_at: Some(Time::from_nanos(at + 1)),
        };
        let put = Request::Put(Key(0), value(1));
        judge(&[
            call(put, Response::Written(Revision(1)), put_at),
            call(
                Request::Get(Key(key)),
                Response::Found(Some(value(found)), Revision(1)),
                read_at,
            ),
        ])
    }

    #[test]
    fn what_was_written_before_is_genuine_and_nothing_else_is() {
        assert_eq!(history(0, 1, false), Finding::Holds);
        for (key, found, read_first, why) in [
            (0, 2, false, "nobody wrote that"),
            (1, 1, false, "to another key"),
            (0, 1, true, "written later"),
        ] {
            let Finding::Violated(evidence) = history(key, found, read_first) else {
                panic!("{why}");
            };
            assert!(evidence.contains(why), "{evidence}");
        }
    }
}
