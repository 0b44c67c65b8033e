//! What is written comes back as it was, and whatever else arrives is garbage.

use proptest::prelude::*;
use proptest::sample;

use super::*;

proptest! {
    #[test]
    fn records_come_back_from_frames_as_they_were(
        records in prop::collection::vec(any_record(), 0..30),
        zone in "[a-zé]{0,8}",
        (tag, version) in any::<(u16, u16)>(),
    ) {
        let header = Header { zone: &zone, tag, version, what: What::Snapshot };
        let frames = framed(&header, &records);
        let mut decoded = Vec::new();
        for frame in &frames {
            let frame = decode(frame.bytes()).unwrap();
            prop_assert_eq!(frame.header, header);
            decoded.extend(frame.records());
        }
        prop_assert_eq!(decoded, records);
    }

    #[test]
    fn a_frame_cut_or_changed_anywhere_is_garbage_or_another_frame(
        records in prop::collection::vec(any_record(), 0..4),
        what in any_kind(),
        value in any::<u8>(),
    ) {
        let mut writer = FrameWriter::new(CAPACITY, &Header { zone: "z", tag: 1, version: 1, what });
        match what {
            What::Live | What::Snapshot => records.iter().for_each(|record| {
                let _ = writer.push(record);
            }),
            What::Digest { .. } => {
                for upto in [8, 9, u32::MAX].map(Key) {
                    writer.push_range(&RangeSum { upto, sum: u64::from(value) << 8 }).unwrap();
                }
            }
            What::Want => {
                writer.push_wanted(None, Key(u32::from(value))).unwrap();
                writer.push_wanted(Some(Key(7)), Key(9)).unwrap();
            }
            What::Misses => {
                writer.push_missed(n(u32::from(value) + 1)).unwrap();
                writer.push_missed(n(2)).unwrap();
            }
            What::SnapshotEnd | What::Keepalive => {}
        }
        let mut bytes = writer.finish().bytes().to_vec();
        assert_canonical(&bytes);
        for length in 0..bytes.len() {
            prop_assert!(decode(&bytes[..length]).is_err());
            let was = std::mem::replace(&mut bytes[length], value);
            assert_canonical(&bytes);
            bytes[length] = was;
        }
    }

    #[test]
    fn random_bytes_are_garbage_or_a_frame(
        mut bytes in prop::collection::vec(any::<u8>(), 0..200),
        what in 0..9_u8,
        (is_long_enough, has_a_header) in any::<(bool, bool)>(),
    ) {
        let length = bytes.len() as u32;
        if is_long_enough && length >= 4 {
            bytes[..4].copy_from_slice(&length.to_le_bytes());
        }
        if has_a_header && length >= 14 {
            bytes[4..8].copy_from_slice(&[1, 0, 1, 0]);
            bytes[12..14].copy_from_slice(&[b'z', what]);
        }
        assert_canonical(&bytes);
    }
}

const CAPACITY: usize = 400;

/// Anything that can be told, though no value that an empty frame could not hold.
fn any_record() -> impl Strategy<Value = Record> {
    let content = prop_oneof![
        4 => (any::<u64>(), 0..300_u32)
            .prop_map(|(name, bytes)| Content::Value(Value { name, bytes })),
        1 => any::<(u64, u64)>()
            .prop_map(|(total, excess)| Content::Usage(Usage { total, excess })),
        1 => Just(Content::Tombstone),
    ];
    let writer = (prop::char::range('a', 'z'), 1..=NodeId::MAX_NUMBER)
        .prop_map(|(letter, number)| NodeId::new(letter, number));
    (any::<(u32, u64, u64)>(), writer, content).prop_map(|((key, time, life), writer, content)| {
        Record {
            key: Key(key),
            stamp: Stamp { time, writer },
            content,
            life,
        }
    })
}

fn any_kind() -> impl Strategy<Value = What> {
    sample::select(vec![
        What::Live,
        What::Snapshot,
        What::SnapshotEnd,
        What::Digest { after: None },
        What::Digest {
            after: Some(Key(7)),
        },
        What::Keepalive,
        What::Want,
        What::Misses,
    ])
}

fn framed(header: &Header<'_>, records: &[Record]) -> Vec<Sealed> {
    let mut writer = FrameWriter::new(CAPACITY, header);
    let mut frames = Vec::new();
    for record in records {
        if writer.push(record) == Err(NoFit::Full) {
            let full = std::mem::replace(&mut writer, FrameWriter::new(CAPACITY, header));
            frames.push(full.finish());
            writer.push(record).unwrap();
        }
    }
    frames.push(writer.finish());
    frames
}

/// What can be read is written again as the same bytes.
fn assert_canonical(bytes: &[u8]) {
    let Ok(frame) = decode(bytes) else { return };
    let mut writer = FrameWriter::new(1 << 20, &frame.header);
    frame
        .records()
        .for_each(|record| writer.push(&record).unwrap());
    frame
        .ranges()
        .for_each(|range| writer.push_range(&range).unwrap());
    frame
        .wanted()
        .for_each(|(after, upto)| writer.push_wanted(after, upto).unwrap());
    frame
        .missed()
        .for_each(|node| writer.push_missed(node).unwrap());
    assert_eq!(writer.finish().bytes(), bytes);
}
