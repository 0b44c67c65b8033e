//! What a node says, and what is on its disk.

use super::*;
use crate::Process;

/// Something that `m1` could be told, as it stands now: by anyone, but never by a second main of its own epoch.
fn tell(
    solo: &mut Solo<Server>,
    kind: u8,
    some: u64,
    place: sample::Index,
    steps: &[u64],
) -> Input<SiblingQuorum> {
    let ticket = *solo.out.clone().last_ticket();
    let replica = solo.replica();
    let promised = replica.durable.promised.0;
    let newer = promised + some + u64::from(replica.reigns().is_some());
    let log = &replica.durable.log;
    let known = (log.last().seq.0 - replica.accepted.0) as usize;
    let prev = Seq(replica.accepted.0 + up_to(known, place) as u64);
    let prev = log.position(prev).expect("it is within the log");
    let from = |word| Input::Delivered(m(2 + some as u32 % 2), said(word));
    let run = copy(newer, 1);
    match kind {
        0 => {
            let mut new = rising(prev.epoch.0.max(1), steps);
            new.iter_mut().for_each(|epoch| *epoch = newer.min(*epoch));
            from(replicate(newer, prev, &new, prev.seq.0))
        }
        1 => {
            let own = replica.durable.copy.unwrap_or_default();
            Input::Delivered(l(1), said(fence(newer.saturating_sub(1), own)))
        }
        2 => {
            let mut charter = charter(newer, 3);
            charter
                .copies
                .extend(replica.durable.copy.map(|copy| (m(1), copy)));
            Input::Delivered(l(1), said(Word::Promote(charter)))
        }
        3 => from(Word::Outdated(Epoch(newer))),
        4 => Input::Delivered(c(1), said(ask(some, put(7, some)))),
        5 => from(confirmed(promised, prev.seq.0, 0)),
        6 => from(Word::Copy {
            copy: run,
            part: 0,
            copies: Copies::from([(Key(7), Resource::holding(value(some)))]),
            upto: prev.seq,
            last: true,
        }),
        7 => from(Word::Replay {
            copy: run,
            prev: prev.seq,
            entries: Entries::default(),
        }),
        8 => from(Word::GoLive {
            copy: run,
            at: prev,
        }),
        _ => Input::Flushed(ticket),
    }
}

proptest! {
    #[test]
    fn a_node_has_what_it_wrote_and_says_only_what_it_flushes(
        told in prop::collection::vec((0..10_u8, 0..3_u64, any::<sample::Index>(), steps()), 0..40),
    ) {
        let config = config(4, 1, Options::default());
        let mut disk: Vec<_> = Server::format(&config, m(1)).into_iter().map(Ok).collect();
        let mut node = node(m(1), 4, &[]);
        for (kind, some, place, steps) in told {
            let before = node.replica().durable.promised;
            let input = tell(&mut node, kind, some, place, &steps);
            let deeds = node.takes(input);
            let mut cached = false;
            for effect in deeds.effects() {
                match effect {
                    Effect::Write(record) => {
                        cached = true;
                        disk.push(Ok(record.clone()));
                    }
                    Effect::Flush(_) => cached = false,
                    Effect::Send { pass: false, .. } => prop_assert!(!cached, "{deeds}"),
                    _ => {}
                }
            }
            prop_assert!(!cached, "{deeds}");
            let found = recover(&disk).unwrap();
            prop_assert_eq!(&found[&GROUP].durable, &node.replica().durable);
            prop_assert!(node.replica().durable.promised >= before);
        }
    }
}
