//! Programs for the machine of pickles that mean harm, or nothing.

use larder::{
    Bytes, Codec, DogpileFormat, ErrorKind, Format, NoMetaFormat, PickleCodec, PyInt, PyValue,
};
use proptest::{collection, prelude::*, sample, test_runner::TestRunner};
use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    config, every_type,
    memory::{ORDINARY, decode},
    on_two_mebibytes, sample as record,
    types::Record,
};

fn refused<T: DeserializeOwned>(pickle: &[u8]) -> String {
    let error = PickleCodec.decode::<T>(pickle).map(drop).expect_err("what must not be read");
    assert_eq!(error.kind(), ErrorKind::Decode);
    let source = std::error::Error::source(&error).map(ToString::to_string);
    format!("{error}: {}", source.unwrap_or_default())
}

fn everything(pickle: &[u8]) {
    let bytes = &Bytes::copy_from_slice(pickle);
    // The machine does the same for every type, and an unoptimized one takes its time.
    if bytes.len() < 4096 {
        every_type(&PickleCodec, bytes);
    }
    decode::<PyValue>(&NoMetaFormat, &PickleCodec, bytes, ORDINARY.pickled());
    decode::<Vec<Vec<String>>>(&NoMetaFormat, &PickleCodec, bytes, ORDINARY.pickled());
}

#[test]
fn no_class_is_loaded() {
    for (pickle, class) in [
        (&b"cos\nsystem\n(S'true'\ntR."[..], "os.system"),
        (b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R.", "posix.system"),
        (b"\x80\x02c__builtin__\neval\nX\x01\x00\x00\x001\x85R.", "__builtin__.eval"),
        (b"\x80\x04\x8c\x08datetime\x8c\x08datetime\x93.", "datetime.datetime"),
        (b"\x80\x04\x8c\x11dogpile.cache.api\x8c\x07NoValue\x93.", "dogpile.cache.api.NoValue"),
        (b"c\x1b[31m\n\xc3\xa9\n.", "\\u{1b}[31m.\u{e9}"),
    ] {
        let error = PickleCodec.decode::<PyValue>(pickle).unwrap_err().to_string();
        assert!(error.contains(class), "{error}");
        assert!(!error.contains('\u{1b}'), "{error}");
    }
    let long = [b"c".to_vec(), b"x".repeat(100_000), b"\ny\n.".to_vec()].concat();
    assert!(refused::<PyValue>(&long).len() < 600);
    for (pickle, word) in [
        (&b"P1\n."[..], "persistent"),
        (b"\x80\x02\x82\x01.", "registry"),
        (b"(ios\nsystem\n.", "object"),
        (b"}(b.", "state"),
        (b"\x80\x05\x97.", "buffer"),
        (b"\x80\x06N.", "protocol 6"),
        (b"\x07.", "0x07"),
        (b"N", "too early"),
        (b".", "empty"),
        (b"N.N", "left over"),
        (b"c__builtin__\nset\n.", "class"),
        (b"c__builtin__\nset\n(I1\nI2\nI3\ntR.", "3 arguments"),
        (b"NN\x85R.", "call"),
        (b"](I1\nu.", "set items of a list"),
        (b"}(I1\nu.", "key without a value"),
        (b"h\x07.", "no 7 in the memo"),
        (b"Nr\xff\xff\xff\xff.", "too high"),
        (b"V\\ud800\n.", "half of a character"),
        (b"S'\\q'\n.", "escape"),
    ] {
        let error = refused::<PyValue>(pickle);
        assert!(error.contains(word), "{error} of {word}");
    }
}

/// `str` of Python 2, which is text or bytes.
#[test]
fn pickles_of_python_2() {
    let class = b"cdogpile.cache.api\nCachedValue\np0\n(S'a'\np1\n(dp2\nS'ct'\np3\nF1471113698.76127\nsS'v'\np4\nI1\nstp5\nRp6\n.";
    let (value, meta): (String, std::collections::BTreeMap<String, f64>) =
        PickleCodec.decode(class).unwrap();
    assert_eq!((value.as_str(), meta["ct"]), ("a", 1_471_113_698.761_27));

    let text = |pickle: &[u8]| PickleCodec.decode::<String>(pickle).unwrap();
    assert_eq!(
        text(
            br"S'it\'s \x41\n\\'
."
        ),
        "it's A\n\\"
    );
    assert_eq!(text(b"S\"it's\"\n."), "it's");
    assert_eq!(text(b"U\x02\xc3\xa9."), "\u{e9}");
    assert_eq!(text(b"V\\ud83e\\udd80 \xe9\\U0001f980\n."), "\u{1f980} \u{e9}\u{1f980}");
    let bytes = PickleCodec.decode::<PyValue>(b"U\x02\xff\x00.").unwrap();
    assert_eq!(bytes, PyValue::Bytes(vec![0xff, 0]));
    let bytes: serde_bytes::ByteBuf = PickleCodec.decode(b"U\x02ab.").unwrap();
    assert_eq!(&bytes[..], b"ab");
    assert_eq!(PickleCodec.decode::<i64>(b"I-7\n.").unwrap(), -7);
    assert_eq!(PickleCodec.decode::<u64>(b"L18446744073709551615L\n.").unwrap(), u64::MAX);
    let bytes =
        PickleCodec.decode::<PyValue>(b"c__builtin__\nbytearray\n(Vab\\u00ff\nS'latin-1'\ntR.");
    assert_eq!(bytes.unwrap(), PyValue::Bytes(vec![b'a', b'b', 0xff]));
    // Two backslashes are no escape.
    assert_eq!(text(b"V\\\\u0041\\z\n."), "\\\\u0041\\z");
    // From before there were bools.
    assert!(PickleCodec.decode::<bool>(b"I01\n.").unwrap());
}

#[test]
fn ints() {
    let int = |pickle: &[u8]| PickleCodec.decode::<PyInt>(pickle);
    assert_eq!(int(b"\x8a\x00.").unwrap(), 0.into());
    assert_eq!(int(b"\x8a\x01\xff.").unwrap(), (-1).into());
    assert_eq!(int(b"\x8a\x04\x07\x00\x00\x00.").unwrap(), 7.into());
    // Nothing else is one.
    for pickle in [&b"C\x02\x01\x02."[..], b"](K\x01K\x02e.", b"N.", b"\x88.", b"\x8c\x011."] {
        assert!(refused::<PyInt>(pickle).contains("expected an int"));
    }
    // One of half a megabyte, mostly zeros or not, in very many places.
    for last in [0, 1] {
        let mut pickle = b"\x8b\x00\x00\x08\x00".to_vec();
        pickle.extend_from_slice(&vec![0; (1 << 19) - 1]);
        pickle.push(last);
        pickle.extend_from_slice(b"\x940](");
        pickle.extend_from_slice(&b"h\x00".repeat(250_000));
        pickle.extend_from_slice(b"e.");
        let numbers = PickleCodec.decode::<Vec<u64>>(&pickle);
        assert_eq!(numbers.is_ok(), last == 0);
        let numbers = PickleCodec.decode::<Vec<PyInt>>(&pickle);
        assert_eq!(numbers.is_ok(), last == 0);
    }
    for (text, len) in [("1", 1_u32), ("9", 4300), ("-9", 4300), ("1", 4201)] {
        let (sign, digit) = text.strip_prefix('-').map_or(("", text), |digit| ("-", digit));
        let text = sign.to_owned() + &digit.repeat(len as usize);
        let int: PyInt = text.parse().unwrap();
        assert_eq!(int.to_string(), text);
        assert_eq!(PyInt::from_le_bytes(&int.to_le_bytes()), int);
    }
    let larger = [&[0; 1786][..], &[1]].concat();
    assert_eq!(PyInt::from_le_bytes(&larger).to_string(), "0x1".to_owned() + &"0".repeat(3572));
}

/// What was read can be written, and what was written can be read, at any depth.
#[test]
fn depth_of_any_value() {
    fn comes_back(codec: &(impl Codec + std::fmt::Debug), value: &PyValue) -> bool {
        let mut bytes = Vec::new();
        if codec.encode(value, &mut bytes).is_err() {
            return false;
        }
        codec.decode::<PyValue>(&bytes).unwrap_or_else(|e| panic!("{codec:?}: {e:?}"));
        true
    }
    on_two_mebibytes(|| {
        for innermost in [
            PyValue::None,
            PyValue::Int(1.into()),
            PyValue::List(Vec::new()),
            PyValue::Bytes(vec![1]),
        ] {
            for depth in 60..70 {
                let mut value = innermost.clone();
                for _ in 0..depth {
                    value = PyValue::List(vec![value]);
                }
                let mut pickle = b"]".repeat(depth);
                pickle.push(b'N');
                pickle.extend_from_slice(&b"a".repeat(depth));
                pickle.push(b'.');
                assert!(comes_back(&PickleCodec, &value) || depth >= 63, "{depth}");
                // Where bytes are a list, which is a level more.
                if !matches!(innermost, PyValue::Bytes(_)) {
                    comes_back(&larder::JsonCodec, &value);
                }
                comes_back(&larder::MsgpackCodec, &value);
                if let Ok(read) = PickleCodec.decode::<PyValue>(&pickle) {
                    assert!(comes_back(&PickleCodec, &read), "{depth}");
                }
            }
        }
    });
}

/// A binary tree without a leaf that takes a byte.
#[derive(Debug, Deserialize)]
struct Twice(#[expect(dead_code, reason = "read only")] Option<Box<(Twice, Twice)>>);

/// A few bytes that stand for more than there is memory, in many shapes.
#[test]
fn parts_used_again() {
    // t = (t, t), forty times over.
    let tuples = [&b"N\x94"[..], &b"2\x86".repeat(40), b"."].concat();
    let mut nested = b"]".to_vec();
    for level in 0..60_u8 {
        nested.extend_from_slice(&[0x94, b'0', b']', b'(']);
        nested.extend_from_slice(&[b'h', level].repeat(10));
        nested.push(b'e');
    }
    nested.push(b'.');
    let long_text = [
        b"X\x00\x00\x01\x00".to_vec(),
        b"x".repeat(1 << 16),
        b"\x940](".to_vec(),
        b"h\x00".repeat(1 << 16),
        b"e.".to_vec(),
    ]
    .concat();
    let encoded = [
        b"c_codecs\nencode\n\x94X\x00\x00\x01\x00".to_vec(),
        b"x".repeat(1 << 16),
        b"\x94X\x06\x00\x00\x00latin1\x940".to_vec(),
        b"h\x00h\x01h\x02\x86R0".repeat(1 << 14),
        b"N.".to_vec(),
    ]
    .concat();
    let sets = [
        b"c__builtin__\nset\n\x940](".to_vec(),
        b"N".repeat(1 << 16),
        b"e\x940".to_vec(),
        b"h\x00h\x01\x85R0".repeat(1 << 14),
        b"N.".to_vec(),
    ]
    .concat();
    on_two_mebibytes(move || {
        for pickle in
            [tuples.clone(), nested.clone(), long_text.clone(), encoded.clone(), sets.clone()]
        {
            everything(&pickle);
            decode::<Twice>(&NoMetaFormat, &PickleCodec, &pickle.into(), ORDINARY.pickled());
        }
        assert!(refused::<Twice>(&tuples).contains("again"));
        assert!(refused::<PyValue>(&nested).contains("again"));
        assert!(refused::<Vec<String>>(&long_text).contains("again"));
        assert!(refused::<()>(&encoded).contains("again"));
        assert!(refused::<()>(&sets).contains("again"));
    });
}

/// What contains itself nests for ever.
#[test]
fn circles() {
    on_two_mebibytes(|| {
        for pickle in [
            &b"]\x94h\x00a."[..],
            b"]\x94(h\x00h\x00e.",
            b"}\x94Nh\x00s.",
            b"}\x94(X\x04\x00\x00\x00nexth\x00X\x02\x00\x00\x00idK\x01u.",
            b"}\x94(X\x03\x00\x00\x00Oneh\x00u.",
            b"}\x94(X\x04\x00\x00\x00kids](h\x00h\x00eu.",
        ] {
            everything(pickle);
            refused::<PyValue>(pickle);
        }
    });
}

#[test]
fn long_programs() {
    on_two_mebibytes(|| {
        for piece in [
            "]",
            ")",
            "}",
            "N",
            "(",
            "2",
            "0",
            "1",
            "t",
            "e",
            "a",
            "\u{94}",
            "I1\n",
            "L9L\n",
            "p1\n",
            "q\0",
            "K\u{1}",
            "(t",
            "(l",
            "(d",
            "]a",
            "N\u{85}",
            "]\u{94}0h\0",
        ] {
            // One byte for each character.
            let piece: Vec<u8> = piece.chars().map(|c| u8::try_from(c).unwrap()).collect();
            for end in [&b"."[..], b"t.", b"e.", b"N.", b""] {
                everything(&[&b"]("[..], &piece.repeat(20_000), end].concat());
                everything(&[&piece.repeat(20_000), end].concat());
            }
        }
        let digits = |count| [b"L".to_vec(), b"9".repeat(count), b"L\n.".to_vec()].concat();
        PickleCodec.decode::<PyValue>(&digits(4300)).unwrap();
        assert!(refused::<PyValue>(&digits(4301)).contains("4300"));
        everything(&[b"\x8b\xff\xff\xff\x7f".to_vec(), b"\x01".repeat(1000)].concat());
        everything(
            &[b"\x8b\x40\x0d\x03\x00".to_vec(), b"\x01".repeat(200_000), b".".to_vec()].concat(),
        );
    });
}

/// Opcodes and small operands, in any order.
#[test]
fn any_program() {
    let opcodes = b"().012FGIJKLMNRSTUVXabcdeghjlpqrstu]}\x80\x81\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x90\x91\x93\x94\x95\x96\0\x01\x02\x03\n19'";
    let programs = prop_oneof![
        collection::vec(sample::select(opcodes.to_vec()), 0..80),
        collection::vec(
            sample::select(vec![
                &b"K\x01"[..],
                b"N",
                b"]",
                b"}",
                b")",
                b"(",
                b"e",
                b"u",
                b"t",
                b"a",
                b"s",
                b"\x85",
                b"\x86",
                b"\x94",
                b"h\x00",
                b"h\x01",
                b"h\x02",
                b"\x8c\x01a",
                b"C\x01b",
                b"\x8f",
                b"\x90",
                b"\x91",
                b"0",
                b"1",
                b"2",
                b"c__builtin__\nset\n",
                b"c_codecs\nencode\n",
                b"\x8c\x06latin1",
                b"R",
                b"\x81",
                b"cdogpile.cache.api\nCachedValue\n",
            ]),
            0..60,
        )
        .prop_map(|parts| [&parts.concat(), &b"."[..]].concat()),
    ];
    on_two_mebibytes(move || {
        let mut runner = TestRunner::new(config(4000));
        runner
            .run(&programs, |program| {
                everything(&program);
                Ok(())
            })
            .unwrap();
    });
}

/// Whole entries with some damage.
#[test]
fn damaged() {
    let entry = larder::Entry::new(
        record(),
        larder::Meta::new(larder::Timestamp::from_micros(1_471_113_698_761_270)),
    );
    let mut whole = Vec::new();
    DogpileFormat::<2>.encode(&PickleCodec, &entry, &mut whole).unwrap();
    let edits = collection::vec((any::<sample::Index>(), any::<u8>()), 1..4);
    on_two_mebibytes(move || {
        let mut runner = TestRunner::new(config(2000));
        runner
            .run(&edits, |edits| {
                let mut bytes = whole.clone();
                for (at, byte) in &edits {
                    bytes[at.index(whole.len())] = *byte;
                }
                let bytes = Bytes::from(bytes);
                decode::<Record>(&DogpileFormat::<2>, &PickleCodec, &bytes, ORDINARY.pickled());
                decode::<PyValue>(&DogpileFormat::<2>, &PickleCodec, &bytes, ORDINARY.pickled());
                Ok(())
            })
            .unwrap();
    });
}
