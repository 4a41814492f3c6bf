//! Bytes that mean harm: decoders return, within their stack, with little memory.

#![cfg(all(
    feature = "codec-json",
    feature = "codec-msgpack",
    feature = "codec-pickle",
    feature = "codec-postcard",
    feature = "format-dogpile"
))]
#![expect(clippy::unwrap_used, reason = "helpers of tests fail where they are")]

mod memory;
mod pickles;
mod types;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt::Debug,
    thread,
};

use larder::{
    Bytes, Codec, Format, FramedFormat, FullDictFormat, IntTimeFormat, JsonCodec, MsgpackCodec,
    MsgpackNamedCodec, NoMetaFormat, PickleCodec, PostcardCodec, RawCodec,
};
use proptest::{
    collection,
    prelude::*,
    sample::Index,
    test_runner::{Config, TestRunner},
};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_bytes::ByteBuf;
use serde_json::Value;

use self::{
    memory::{Bound, FROM_NOTHING, NODES, ORDINARY, UNTAGGED, decode},
    types::{Bottomless, Expr, Maps, Node, Phantom, Record, Tree, Unit, Untagged},
};

fn every_type(codec: &(impl Codec + Debug), bytes: &Bytes) {
    fn into<T: DeserializeOwned>(codec: &(impl Codec + Debug), bytes: &Bytes, bound: Bound) {
        let is_pickle = format!("{codec:?}") == "PickleCodec";
        let bound = if is_pickle { bound.pickled() } else { bound };
        decode::<T>(&NoMetaFormat, codec, bytes, bound);
    }
    into::<Vec<u64>>(codec, bytes, ORDINARY);
    into::<Vec<Vec<u8>>>(codec, bytes, ORDINARY);
    into::<Vec<Vec<Vec<String>>>>(codec, bytes, ORDINARY);
    into::<Vec<()>>(codec, bytes, ORDINARY);
    into::<Vec<Vec<Unit>>>(codec, bytes, ORDINARY);
    into::<Vec<Phantom>>(codec, bytes, FROM_NOTHING);
    into::<HashSet<Unit>>(codec, bytes, ORDINARY);
    into::<HashMap<String, u64>>(codec, bytes, ORDINARY);
    into::<HashSet<u8>>(codec, bytes, ORDINARY);
    into::<BTreeMap<u64, Vec<()>>>(codec, bytes, NODES);
    into::<String>(codec, bytes, ORDINARY);
    into::<ByteBuf>(codec, bytes, ORDINARY);
    into::<i128>(codec, bytes, ORDINARY);
    into::<f64>(codec, bytes, ORDINARY);
    into::<Option<Option<Option<bool>>>>(codec, bytes, ORDINARY);
    into::<(u8, String, (char, [u8; 4]))>(codec, bytes, ORDINARY);
    into::<Node>(codec, bytes, ORDINARY);
    into::<Tree>(codec, bytes, ORDINARY);
    into::<Expr>(codec, bytes, ORDINARY);
    into::<Bottomless>(codec, bytes, ORDINARY);
    into::<Maps>(codec, bytes, NODES);
    into::<Untagged>(codec, bytes, UNTAGGED);
    into::<Value>(codec, bytes, NODES);
    into::<IgnoredAny>(codec, bytes, ORDINARY);
    into::<Record>(codec, bytes, ORDINARY);
}

fn every_format(codec: &(impl Codec + Debug), bytes: &Bytes) {
    fn under(format: &(impl Format + Debug), codec: &(impl Codec + Debug), bytes: &Bytes) {
        decode::<Record>(format, codec, bytes, ORDINARY);
        decode::<Tree>(format, codec, bytes, ORDINARY);
        decode::<Vec<u64>>(format, codec, bytes, ORDINARY);
    }
    under(&FullDictFormat::<1>, codec, bytes);
    under(&IntTimeFormat, codec, bytes);
    under(&FramedFormat, codec, bytes);
}

fn everything(bytes: &[u8]) {
    let bytes = &Bytes::copy_from_slice(bytes);
    every_type(&MsgpackCodec, bytes);
    every_type(&JsonCodec, bytes);
    every_type(&PostcardCodec, bytes);
    every_type(&RawCodec, bytes);
    every_type(&PickleCodec, bytes);
    every_format(&MsgpackNamedCodec, bytes);
    every_format(&JsonCodec, bytes);
    every_format(&PostcardCodec, bytes);
    every_format(&RawCodec, bytes);
}

/// As it is, and where a format expects a value.
fn everything_framed(bytes: &[u8]) {
    everything(bytes);
    for prefix in [&b"\x92"[..], b"[", b"\x10\xe2\x69\xaf\x57", b"\x11\xe2\x69\xaf\x57\x01"] {
        let bytes = &Bytes::from([prefix, bytes].concat());
        every_format(&MsgpackCodec, bytes);
        every_format(&JsonCodec, bytes);
        every_format(&PostcardCodec, bytes);
        every_format(&RawCodec, bytes);
    }
}

/// On the stack that a thread has by default, here and in tokio.
fn on_two_mebibytes(test: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().stack_size(2 << 20).spawn(test).unwrap();
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

#[test]
fn announced_lengths() {
    on_two_mebibytes(|| {
        let announced: &[&[u8]] = &[
            // MessagePack: arrays, maps, text, binary, extensions of 2^16 - 1 and 2^32 - 1.
            b"\xdc\xff\xff",
            b"\xde\xff\xff",
            b"\xdd\xff\xff\xff\xff",
            b"\xdf\xff\xff\xff\xff",
            b"\xdb\xff\xff\xff\xff",
            b"\xc6\xff\xff\xff\xff",
            b"\xc9\xff\xff\xff\xff\x01",
            b"\xc7\x03\x05",
            // Postcard: 2^16 - 1, 2^32 - 1, 2^60, 2^64 - 1, and more than that.
            b"\xff\xff\x03",
            b"\xff\xff\xff\xff\x0f",
            b"\x80\x80\x80\x80\x80\x80\x80\x80\x10",
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
            // As many as follow.
            b"\xe7\x07",
            b"\xdc\x03\xe7",
            b"\xde\x03\xe7",
        ];
        for bytes in announced {
            everything_framed(bytes);
            for filler in [0x00, 0x01, 0x7f, 0x80, 0x90, 0xc0, 0xff] {
                everything_framed(&[bytes, &[filler; 999][..]].concat());
            }
            // Each level announces as much again.
            everything_framed(&bytes.repeat(2000));
        }
    });
}

#[test]
fn depth() {
    on_two_mebibytes(|| {
        let levels: &[&[u8]] = &[
            b"[",
            b"[[],",
            br#"{"a":"#,
            br#"{"next":"#,
            br#"{"id":1,"next":"#,
            br#"{"kids":["#,
            br#"{"One":"#,
            br#"{"Pair":[{"One":"#,
            br#"{"Named":{"left":"#,
            br#"{"Named":{"left":null,"rest":["#,
            b"\x91",
            b"\x92\x01",
            b"\x92\xc0",
            b"\x81\xa1a",
            b"\x81\x01",
            b"\x81\xa4next",
            b"\x82\xa2id\x01\xa4next",
            b"\x91\x91",
            b"\x81\xa3One",
            b"\x91\xa3One",
            b"\x81\xa4Pair\x92",
            b"\x81\xa5Named\x92\xc0\x91",
            b"\x81\xa5Named\x92",
            b"\xd4\x01",
            b"\xc7\xff\x01",
            b"\xdc\x00\x01",
            b"\xdd\x00\x00\x00\x01",
            b"\x01",
            b"\x02",
            b"\x03\x01",
            b"\x03\x00\x01",
            b"\x01\x01\x01a",
            b"\x00\x01",
            b"\xff\x01",
            b"\xff\x7f",
        ];
        for level in levels {
            for depth in [100, 127, 128, 5_000] {
                everything_framed(&level.repeat(depth));
            }
        }
        // Complete ones, where nothing but the depth is wrong.
        for depth in [100, 127, 128, 129, 1_025, 50_000] {
            everything(&[b"[".repeat(depth), b"]".repeat(depth)].concat());
            everything(&[br#"{"":"#.repeat(depth), b"0".to_vec(), b"}".repeat(depth)].concat());
            everything(&[b"\x91".repeat(depth), vec![0x90]].concat());
            everything(&[b"\x81\xa3One".repeat(depth), b"\xa4Leaf".to_vec()].concat());
            everything(&[b"\x01".repeat(depth), vec![0]].concat());
        }
    });
}

#[test]
fn odd_ones() {
    on_two_mebibytes(|| {
        for bytes in [
            &b""[..],
            b"\xc1",
            b"\xc0",
            b"null",
            b"@\x7fNone",
            b"@\x7f",
            b"1",
            b"0.",
            b"-",
            b"1e999999999",
            b"1e-999999999",
            b"\"\\ud800\"",
            b"\"\xff\"",
            b"\xef\xbb\xbf[]",
            b"\xa2\xc3\x28",
            b"i\x7f",
            b"f\x7f1e400",
            // Read as 16 bytes of binary data by one codec, and as an array by another.
            b"\x9f\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f",
            b"\xc4\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        ] {
            everything_framed(bytes);
        }
        for piece in ["1", "-", "9", "0.1", " ", "\"", "\\", "\x01", "\u{7f}", "{}", ",", "[]"] {
            let many = piece.repeat(20_000);
            for (before, after) in [
                ("", ""),
                ("[", "]"),
                ("\"", "\""),
                ("0.", ""),
                ("1e", ""),
                ("i\x7f", ""),
                ("f\x7f", ""),
                ("s\x7f", ""),
                ("{\"", "\":1}"),
            ] {
                everything(format!("{before}{many}{after}").as_bytes());
            }
        }
    });
}

fn config(cases: u32) -> Config {
    Config { failure_persistence: None, ..Config::with_cases(cases) }
}

#[test]
fn anything() {
    on_two_mebibytes(|| {
        let bytes = prop_oneof![
            collection::vec(any::<u8>(), 0..200),
            // Markers, lengths and tags are found more often among these.
            collection::vec(prop_oneof![0x80_u8..=0xaf, 0xc0_u8..=0xff, 0_u8..8], 0..60),
            "[\\[\\]{}\",:0-9a-z \\\\.-]{0,60}".prop_map(String::into_bytes),
            "[ibsf@?]\x7f[0-9a-zA-Z.+-]{0,20}".prop_map(String::into_bytes),
        ];
        let mut runner = TestRunner::new(config(1000));
        runner
            .run(&bytes, |bytes| {
                everything(&bytes);
                Ok(())
            })
            .unwrap();
    });
}

fn sample() -> Record {
    let leaf = || Box::new(Expr::Leaf);
    Record {
        id: 300,
        name: "mellifluous".to_owned(),
        tags: vec!["a".to_owned(), String::new()],
        scores: HashMap::from([("x".to_owned(), 0.5)]),
        shape: Expr::Named {
            left: Some(Box::new(Expr::Pair(leaf(), Box::new(Expr::One(leaf()))))),
            rest: vec![Expr::Leaf],
        },
        bytes: ByteBuf::from("xy"),
        pair: (-1, [1, 2, 300], Some('é')),
    }
}

/// Whole entries with some damage.
#[test]
fn almost_right() {
    fn damaged(codec: &(impl Codec + Debug)) {
        let mut whole = Vec::new();
        codec.encode(&(sample(), 1_471_113_698_u64), &mut whole).unwrap();
        let edits = collection::vec((any::<Index>(), any::<u8>()), 1..4);
        let mut runner = TestRunner::new(config(300));
        runner
            .run(&(edits, any::<Index>(), any::<Index>()), |(edits, cut, insert)| {
                let mut bytes = whole.clone();
                for (at, byte) in &edits {
                    bytes[at.index(whole.len())] = *byte;
                }
                let framed = [b"\x10\xe2\x69\xaf\x57", &bytes[..]].concat();
                every_format(codec, &Bytes::from(framed));
                every_format(codec, &Bytes::from(bytes.clone()));
                let (at, byte) = edits[0];
                bytes.insert(insert.index(bytes.len()), byte);
                every_format(codec, &Bytes::from(bytes.clone()));
                bytes.remove(at.index(bytes.len()));
                bytes.remove(at.index(bytes.len()));
                every_format(codec, &Bytes::from(bytes.clone()));
                bytes.truncate(cut.index(bytes.len()));
                every_format(codec, &Bytes::from(bytes));
                Ok(())
            })
            .unwrap();
    }
    on_two_mebibytes(|| {
        damaged(&MsgpackCodec);
        damaged(&MsgpackNamedCodec);
        damaged(&JsonCodec);
        damaged(&PostcardCodec);
    });
}

/// Every byte counts: none may be missing, none left over.
#[test]
fn exactly_one_value() {
    fn check(codec: &(impl Codec + Debug)) {
        let mut whole = Vec::new();
        codec.encode(&sample(), &mut whole).unwrap();
        codec.decode::<Record>(&whole).unwrap();
        for len in 0..whole.len() {
            assert!(codec.decode::<Record>(&whole[..len]).is_err(), "{codec:?} {len}");
        }
        for byte in (0..=255).filter(|byte: &u8| !byte.is_ascii_whitespace()) {
            whole.push(byte);
            assert!(codec.decode::<Record>(&whole).is_err(), "{codec:?} {byte}");
            whole.pop();
        }
    }
    check(&MsgpackCodec);
    check(&MsgpackNamedCodec);
    check(&JsonCodec);
    check(&PostcardCodec);
    check(&PickleCodec);
}
