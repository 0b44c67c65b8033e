//! Bytes, good and bad.

use super::decode::Flaw;
use super::frame::PROTOCOL;
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
    writer.finish().bytes().to_vec()
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
fn a_full_frame_takes_no_more() {
    let record = value(1, 1, at(1, 1));
    let size = HEADER.size() + 2 * record.size_on_wire();
    let mut writer = FrameWriter::new(size + 52, &HEADER);
    assert_eq!(
        [(); 3].map(|()| writer.push(&record)),
        [Ok(()), Ok(()), Err(NoFit::Full)]
    );
    assert_eq!(writer.len(), size);
    let frame = writer.finish();
    assert_eq!((frame.size(), frame.bytes().len()), (size, size));
    assert_eq!(decode(frame.bytes()).unwrap().records().count(), 2);
}

fn sum(upto: u32, sum: u64) -> RangeSum {
    let upto = Key(upto);
    RangeSum { upto, sum }
}

#[test]
fn ranges_come_back_as_they_were() {
    for (after, start) in [(None, 1), (Some(Key(6)), 5)] {
        let what = What::Digest { after };
        let header = Header { what, ..HEADER };
        assert_eq!(header.size(), BODY + start);
        let mut writer = FrameWriter::new(BODY + start + 24, &header);
        let ranges = [sum(7, u64::MAX), sum(u32::MAX, 1)];
        assert_eq!(ranges.map(|range| writer.push_range(&range)), [Ok(()); 2]);
        let sealed = writer.finish();
        let frame = decode(sealed.bytes()).unwrap();
        assert_eq!((frame.header.what, sealed.what()), (what, what));
        assert_eq!(frame.ranges().collect::<Vec<_>>(), ranges);
        assert_eq!((frame.records().count(), frame.wanted().count()), (0, 0));
        let mut writer = FrameWriter::new(BODY + start + 24, &header);
        writer.push_range(&ranges[0]).unwrap();
        writer.push_range(&sum(8, 2)).unwrap();
        assert_eq!(writer.push_range(&ranges[1]), Err(NoFit::Full));
    }
}

#[test]
fn ranges_that_do_not_ascend_are_garbage() {
    let what = What::Digest {
        after: Some(Key(6)),
    };
    let mut writer = FrameWriter::new(64, &Header { what, ..HEADER });
    writer.push_range(&sum(7, 3)).unwrap();
    writer.push_range(&sum(8, 4)).unwrap();
    let bytes = writer.finish().bytes().to_vec();
    let cases: [(usize, u8, &str); 4] = [
        (17, 2, "unknown beginning of a range 2, at byte 17"),
        (18, 7, "a range up to k7 that begins behind it, at byte 22"),
        (22, 8, "a range up to k8 that begins behind it, at byte 34"),
        (34, 7, "a range up to k7 that begins behind it, at byte 34"),
    ];
    for (at, with, says) in cases {
        assert_eq!(spoilt(bytes.clone(), at, &[with]), says);
    }
}

#[test]
#[should_panic(expected = "ranges ascend")]
fn ranges_that_do_not_ascend_are_not_written() {
    let what = What::Digest { after: None };
    let mut writer = FrameWriter::new(64, &Header { what, ..HEADER });
    writer.push_range(&sum(7, 3)).unwrap();
    let _ = writer.push_range(&sum(7, 3));
}

#[test]
fn wishes_come_back_as_they_were() {
    let what = What::Want;
    assert_eq!(decode(&frame(what, &[])).unwrap().wanted().count(), 0);
    let mut writer = FrameWriter::new(64, &Header { what, ..HEADER });
    writer.push_wanted(None, Key(7)).unwrap();
    writer.push_wanted(Some(Key(8)), Key(9)).unwrap();
    let bytes = writer.finish().bytes().to_vec();
    let frame = decode(&bytes).unwrap();
    assert_eq!(
        frame.wanted().collect::<Vec<_>>(),
        [(None, Key(7)), (Some(Key(8)), Key(9))]
    );
    assert_eq!(
        spoilt(bytes.clone(), 23, &[9]),
        "a range up to k9 that begins behind it, at byte 27"
    );
    assert_eq!(
        spoilt(bytes, 22, &[2]),
        "unknown beginning of a range 2, at byte 22"
    );
}

#[test]
fn nodes_that_are_missed_come_back_as_they_were() {
    let what = What::Misses;
    let mut writer = FrameWriter::new(64, &Header { what, ..HEADER });
    writer.push_missed(n(3)).unwrap();
    writer.push_missed(n(2)).unwrap();
    let bytes = writer.finish().bytes().to_vec();
    let frame = decode(&bytes).unwrap();
    assert_eq!(frame.missed().collect::<Vec<_>>(), [n(3), n(2)]);
    assert_eq!(
        spoilt(bytes, 21, &[0]),
        "no node has the code 0x6e000000, at byte 21"
    );
}

#[test]
fn a_usage_comes_back_as_it_was_and_is_16_bytes_long() {
    let used = usage(1, 12, u64::MAX, at(1, 1));
    let bytes = frame(What::Live, &[used]);
    assert_eq!(bytes.len(), BODY + Record::FIXED + 16);
    assert_eq!(
        decode(&bytes).unwrap().records().collect::<Vec<_>>(),
        [used]
    );
    for length in [15, 17] {
        assert_eq!(
            spoilt(bytes.clone(), 42, &[length]),
            format!("a usage with {length} bytes, at byte 42")
        );
    }
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
    let cases: [(usize, &[u8], &str); 12] = [
        (0, &[57], "says it is 57 bytes long and is not, at byte 0"),
        (4, &[2], "unknown protocol 2, at byte 4"),
        (6, &[0, 1], "cut short, 44 bytes of 256, at byte 12"),
        (12, &[0xff], "the zone's name is no UTF-8, at byte 12"),
        (16, &[7], "unknown kind of frame 7, at byte 16"),
        (32, b"N", "no node has the code 0x4e000001, at byte 29"),
        (29, &[0], "no node has the code 0x6e000000, at byte 29"),
        (41, &[1], "a tombstone with 10 bytes, at byte 42"),
        (41, &[2], "a usage with 10 bytes, at byte 42"),
        (41, &[3], "unknown kind of content 3, at byte 41"),
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

/// What a frame of the zone `keys` is shown as, that is filled so.
fn shown_as(what: What, fill: impl Fn(&mut FrameWriter)) -> String {
    let mut writer = FrameWriter::new(4096, &Header { what, ..HEADER });
    fill(&mut writer);
    Message::Frame(writer.finish()).to_string()
}

#[test]
fn a_frame_is_shown_in_one_line() {
    let records = [value(7, 70, at(5, 2)), value(8, 80, at(6, 2))];
    let push = |count| {
        let records = &records[..count];
        move |frame: &mut FrameWriter| records.iter().for_each(|one| frame.push(one).unwrap())
    };
    let ranges = |ends: &'static [u32]| {
        move |frame: &mut FrameWriter| {
            let mut push = |end: &u32| frame.push_range(&sum(*end, 1)).unwrap();
            ends.iter().for_each(&mut push);
        }
    };
    let wish = |after: Option<u32>, upto| {
        move |frame: &mut FrameWriter| {
            frame.push_wanted(after.map(Key), Key(upto)).unwrap();
        }
    };
    let lines = [
        shown_as(What::Live, push(0)),
        shown_as(What::Live, push(1)),
        shown_as(What::Snapshot, push(2)),
        shown_as(What::Digest { after: None }, ranges(&[u32::MAX])),
        shown_as(What::Digest { after: None }, ranges(&[7, 9])),
        shown_as(
            What::Digest {
                after: Some(Key(7)),
            },
            ranges(&[9]),
        ),
        shown_as(
            What::Digest {
                after: Some(Key(7)),
            },
            ranges(&[9, u32::MAX]),
        ),
        shown_as(What::Digest { after: None }, ranges(&[])),
        shown_as(What::Want, |_| {}),
        shown_as(What::Want, wish(None, u32::MAX)),
        shown_as(What::Want, |frame| {
            wish(None, 7)(frame);
            wish(Some(8), 9)(frame);
        }),
        shown_as(What::Misses, |_| {}),
        shown_as(What::Misses, |frame| frame.push_missed(n(2)).unwrap()),
        shown_as(What::SnapshotEnd, |_| {}),
    ];
    let expected = [
        "live of 17 bytes: nothing",
        "live of 70 bytes: k7=v70 5@n2 +100",
        "snapshot of 123 bytes: k7=v70 5@n2 +100 and 1 more",
        "digest of 30 bytes: all keys of keys, 1 range",
        "digest of 42 bytes: keys up to k9 of keys, 2 ranges",
        "digest of 34 bytes: keys behind k7 up to k9 of keys, 1 range",
        "digest of 46 bytes: keys behind k7 of keys, 2 ranges",
        "digest of 18 bytes: nothing of keys",
        "want of 17 bytes: nothing of keys",
        "want of 22 bytes: all keys of keys",
        "want of 31 bytes: keys up to k7 and 1 more of keys",
        "misses of 17 bytes: nobody",
        "misses of 21 bytes: n2",
        "snapshot_end of 17 bytes",
    ];
    assert_eq!(lines, expected);
}
