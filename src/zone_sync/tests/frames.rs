//! Bytes, good and bad.

use super::frame::{Flaw, PROTOCOL};
use super::*;

const HEADER: Header<'_> = Header {
    zone: "keys",
    tag: 0x0605,
    version: 7,
    what: What::Live,
};

/// Where the first record begins.
const BODY: usize = 17;

fn frame(what: What, records: &[Record]) -> Vec<u8> {
    let mut writer = FrameWriter::new(4096, &Header { what, ..HEADER });
    for record in records {
        writer.push(record).unwrap();
    }
    writer.finish().to_vec()
}

/// A live frame with one value of 10 bytes.
fn small() -> Vec<u8> {
    let content = Content::Value(Value {
        name: 0x0a09,
        bytes: 10,
    });
    let record = Record {
        content,
        ..value(2, 0, at(3, 1))
    };
    frame(What::Live, &[record])
}

/// What is wrong with a frame whose bytes from `at` on are replaced.
fn spoilt(mut bytes: Vec<u8>, at: usize, with: &[u8]) -> String {
    bytes[at..at + with.len()].copy_from_slice(with);
    decode(&bytes).unwrap_err().to_string()
}

#[test]
fn a_frame_is_laid_out_as_the_tour_says() {
    let bytes = small();
    assert_eq!(
        bytes,
        [
            &[56, 0, 0, 0][..],          // the length of it all
            &[1, 0],                     // protocol
            &[4, 0],                     // the name's length
            &[5, 6],                     // tag
            &[7, 0],                     // version
            b"keys",                     // name
            &[0],                        // live
            &[2, 0, 0, 0],               // key
            &[3, 0, 0, 0, 0, 0, 0, 0],   // time
            &[1, 0, 0, b'n'],            // writer
            &[100, 0, 0, 0, 0, 0, 0, 0], // life
            &[0],                        // a value
            &[10, 0, 0, 0],              // its weight
            &[9, 10, 0, 0, 0, 0, 0, 0],  // its name
            &[0, 0],                     // padding
        ]
        .concat()
    );
    assert_eq!(HEADER.size(), BODY);
}

#[test]
fn a_session_of_the_real_size_takes_53_bytes() {
    assert_eq!(value(1, 1, at(1, 1)).size_on_wire(), 53);
}

#[test]
fn a_value_that_weighs_less_than_its_name_comes_back_as_it_was() {
    let content = Content::Value(Value {
        name: u64::MAX,
        bytes: 3,
    });
    let light = Record {
        content,
        ..value(1, 0, at(1, 1))
    };
    let bytes = frame(What::Snapshot, &[light]);
    assert_eq!(
        decode(&bytes).unwrap().records().collect::<Vec<_>>(),
        [light]
    );
}

#[test]
fn a_record_that_just_fits_is_taken_and_a_byte_more_is_too_big() {
    let record = value(1, 1, at(1, 1));
    let size = HEADER.size() + record.size_on_wire();
    assert_eq!(FrameWriter::new(size, &HEADER).push(&record), Ok(()));
    let mut writer = FrameWriter::new(size - 1, &HEADER);
    assert_eq!(writer.push(&record), Err(NoFit::TooBig));
    assert!(writer.is_empty());
}

#[test]
fn a_full_frame_takes_the_next_record_after_it_is_finished() {
    let record = value(1, 1, at(1, 1));
    let size = HEADER.size() + 2 * record.size_on_wire();
    let mut writer = FrameWriter::new(size + 52, &HEADER);
    assert_eq!(
        [(); 3].map(|()| writer.push(&record)),
        [Ok(()), Ok(()), Err(NoFit::Full)]
    );
    assert_eq!((writer.len(), writer.finish().len()), (size, size));
    assert!(writer.is_empty());
    assert_eq!(writer.push(&record), Ok(()));
    let bytes = writer.finish();
    assert_eq!(decode(&bytes).unwrap().records().count(), 1);
}

#[test]
fn digests_and_wishes_come_back_as_they_were() {
    let what = What::Digest { buckets: 8 };
    let mut writer = FrameWriter::new(64, &Header { what, ..HEADER });
    writer.push_digest(0, u64::MAX).unwrap();
    writer.push_digest(7, 1).unwrap();
    let bytes = writer.finish();
    let frame = decode(&bytes).unwrap();
    assert_eq!(frame.header.what, what);
    assert_eq!(frame.digests().collect::<Vec<_>>(), [(0, u64::MAX), (7, 1)]);
    assert_eq!((frame.records().count(), frame.wanted().count()), (0, 0));

    let what = What::Want { buckets: 8 };
    let mut writer = FrameWriter::new(64, &Header { what, ..HEADER });
    writer.push_wanted(7).unwrap();
    let bytes = writer.finish();
    assert_eq!(decode(&bytes).unwrap().wanted().collect::<Vec<_>>(), [7]);
    assert_eq!(spoilt(bytes.to_vec(), 21, &[8]), "no bucket 8, at byte 21");
}

#[test]
fn frames_that_hold_nothing_hold_nothing() {
    for what in [What::Keepalive, What::SnapshotEnd] {
        let mut bytes = frame(what, &[]);
        assert_eq!(decode(&bytes).unwrap().header.what, what);
        bytes.push(0);
        assert_eq!(
            spoilt(bytes, 0, &[18]),
            "1 bytes where nothing belongs, at byte 17"
        );
    }
}

#[test]
fn every_flaw_is_named_and_located() {
    let cases: [(usize, &[u8], &str); 11] = [
        (0, &[57], "says it is 57 bytes long and is not, at byte 0"),
        (4, &[2], "unknown protocol 2, at byte 4"),
        (6, &[0, 1], "cut short, 44 bytes of 256, at byte 12"),
        (12, &[0xff], "the zone's name is no UTF-8, at byte 12"),
        (16, &[6], "unknown kind of frame 6, at byte 16"),
        (32, b"N", "no node has the code 0x4e000001, at byte 29"),
        (29, &[0], "no node has the code 0x6e000000, at byte 29"),
        (41, &[1], "a tombstone with 10 bytes, at byte 42"),
        (41, &[2], "unknown kind of content 2, at byte 41"),
        (42, &[11], "cut short, 2 bytes of 3, at byte 54"),
        (55, &[1], "a value's padding is not zeros, at byte 54"),
    ];
    for (at, with, says) in cases {
        assert_eq!(spoilt(small(), at, with), says);
    }
}

#[test]
fn a_length_that_lies_greatly_costs_nothing() {
    assert_eq!(
        spoilt(small(), 42, &[0xff; 4]),
        "cut short, 2 bytes of 4294967287, at byte 54"
    );
    assert_eq!(decode(&[0xff; 4]).unwrap_err().flaw, Flaw::Length(u32::MAX));
}

#[test]
fn a_frame_of_another_protocol_is_refused_even_if_all_else_is_well() {
    assert_eq!(PROTOCOL, 1);
    assert_eq!(
        decode(&{
            let mut bytes = frame(What::Keepalive, &[]);
            bytes[5] = 1;
            bytes
        })
        .unwrap_err()
        .flaw,
        Flaw::Protocol(257)
    );
}
