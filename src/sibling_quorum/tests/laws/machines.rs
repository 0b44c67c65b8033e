//! The resources, and what updates make of them.

use super::*;

/// One update: its user's number, its life, which of that life's, what it asks, of which key.
type Asked = (u32, u32, u64, u64, u32);

fn asked() -> impl Strategy<Value = Vec<Asked>> {
    let one = (1..=2_u32, 0..=1_u32, 1..=4_u64, 0..5_u64, 1..=3_u32);
    prop::collection::vec(one, 0..40)
}

fn entry((user, life, number, kind, key): Asked, seq: u64) -> Entry {
    let request = match kind {
        0 => Request::Touch(Key(key)),
        1 => Request::Store(kv::Request::Delete(Key(key))),
        2 | 3 => put(key, seq),
        _ => {
            let expected = Some(value(seq - 1));
            Request::Store(kv::Request::Cas(Key(key), expected, value(seq)))
        }
    };
    let id = UpdateId {
        client: c(user),
        life: Life(life),
        number,
    };
    Entry {
        epoch: Epoch(1),
        command: Command::Update {
            id,
            request,
            at: START + Span::secs(seq),
        },
    }
}

fn entries(asked: &[Asked]) -> Vec<(Seq, Entry)> {
    let entry = |(seq, asked): (u64, &Asked)| (Seq(seq), entry(*asked, seq));
    (1..).zip(asked).map(entry).collect()
}

fn executed(entries: &[(Seq, Entry)]) -> Machine {
    let mut machine = Machine::default();
    for (seq, entry) in entries {
        machine.execute(*seq, entry, true);
    }
    machine
}

fn id(entry: &Entry) -> UpdateId {
    match entry.command {
        Command::Update { id, .. } => id,
        Command::Opening => panic!("they are all updates"),
    }
}

proptest! {
    #[test]
    fn resources_are_executed_apart_from_each_other(asked in asked()) {
        let entries = entries(&asked);
        let mut by_key = entries.clone();
        by_key.sort_by_key(|(_, entry)| match entry.command {
            Command::Update { request, .. } => request.key(),
            Command::Opening => Key(0),
        });
        let (one, other) = (executed(&entries), executed(&by_key));
        prop_assert_eq!(one.hash(), other.hash());
        prop_assert_eq!(one, other);
    }

    #[test]
    fn a_machine_is_its_copies_in_any_order(
        (asked, seed) in (asked(), any::<prop::sample::Index>()),
    ) {
        let machine = executed(&entries(&asked));
        let mut copies = machine.copies(None, None).to_vec();
        prop_assert_eq!(&Machine::of(&copies), &machine);
        let half = up_to(copies.len(), seed);
        copies.rotate_left(half);
        copies.reverse();
        let copied = Machine::of(&copies);
        prop_assert_eq!(copied.hash(), machine.hash());
        prop_assert_eq!(copied, machine);
    }

    #[test]
    fn what_is_copied_twice_counts_once(asked in asked(), more in asked()) {
        let all = entries(&[asked.clone(), more].concat());
        let (older, newer) = (executed(&all[..asked.len()]), executed(&all));
        let mut copied = Machine::of(&older.copies(None, None));
        copied.take(&newer.copies(None, None));
        prop_assert_eq!(copied.hash(), newer.hash());
        prop_assert_eq!(copied, newer);
    }

    #[test]
    fn one_more_update_makes_another_hash(asked in asked(), last in 1..=3_u32) {
        let mut asked = asked;
        let before = executed(&entries(&asked));
        asked.push((3, 0, 1, 2, last));
        prop_assert_ne!(executed(&entries(&asked)).hash(), before.hash());
    }

    #[test]
    fn parts_of_any_size_make_up_the_whole(asked in asked(), limit in 1..5_usize) {
        let machine = executed(&entries(&asked));
        let (mut parts, mut behind) = (Vec::new(), None);
        loop {
            let end = machine.end_of_part(behind, limit);
            let part = machine.copies(behind, end);
            prop_assert!(part.len() <= limit);
            prop_assert!(end.is_none() || part.len() == limit, "only the last is smaller");
            prop_assert_eq!(end.is_some(), part.last().map(|(key, _)| *key) == end && end.is_some());
            parts.extend(part.iter().cloned());
            behind = end;
            if end.is_none() {
                break;
            }
        }
        prop_assert_eq!(parts, machine.copies(None, None).to_vec());
    }

    #[test]
    fn each_update_of_a_user_is_executed_once_on_a_resource_and_in_order(asked in asked()) {
        let (mut everything, mut once) = (Machine::default(), Machine::default());
        let mut answers: Vec<(Key, UpdateId, Response)> = Vec::new();
        for (seq, entry) in entries(&asked) {
            let Command::Update { id, request, .. } = entry.command else {
                continue;
            };
            let key = request.key();
            let answer = everything.execute(seq, &entry, true);
            let same = |(on, by, _): &&(Key, UpdateId, Response)| (*on, by.client) == (key, id.client);
            let turn = |id: UpdateId| (id.life, id.number);
            match answers.iter().rfind(same) {
                Some((_, last, _)) if turn(*last) > turn(id) => prop_assert_eq!(answer, None),
                Some((_, last, before)) if turn(*last) == turn(id) => {
                    prop_assert_eq!(answer, Some((id, *before)));
                }
                _ => {
                    prop_assert_eq!(answer, once.execute(seq, &entry, true));
                    let (_, response) = answer.expect("it is executed");
                    answers.push((key, id, response));
                }
            }
        }
        prop_assert_eq!(everything.disorder, None);
        for key in (1..=3).map(Key) {
            prop_assert_eq!(everything.read(key), once.read(key));
            let touches = |machine: &Machine| machine.get(key).map_or(0, |found| found.touches);
            prop_assert_eq!(touches(&everything), touches(&once));
        }
    }

    #[test]
    fn what_was_answered_travels_with_a_copy(asked in asked()) {
        let all = entries(&asked);
        let machine = executed(&all);
        let copied = Machine::of(&machine.copies(None, None));
        for (seq, entry) in &all {
            let again = |mut machine: Machine| machine.execute(Seq(100 + seq.0), entry, true);
            let (one, other) = (again(machine.clone()), again(copied.clone()));
            prop_assert_eq!(one, other);
            prop_assert!(one.is_none_or(|(answered, _)| answered == id(entry)));
        }
    }
}
