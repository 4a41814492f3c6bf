//! The bytes on the wire: what every format writes over every codec, and what others write that we
//! read. The cases are data.

#![cfg(all(
    feature = "codec-json",
    feature = "codec-msgpack",
    feature = "codec-pickle",
    feature = "codec-postcard",
    feature = "format-dogpile"
))]
#![expect(
    clippy::needless_pass_by_value,
    clippy::unwrap_used,
    reason = "cases read better when they are moved in, and fail where they are"
)]

use std::{fmt::Debug, time::Duration};

use larder::{
    Bytes, CoarseFormat, Codec, DogpileFormat, Entry, ErrorKind, Format, FramedFormat,
    FullDictFormat, IntDictFormat, IntTimeFormat, JsonCodec, Meta, MsgpackCodec, MsgpackNamedCodec,
    NoMetaFormat, PickleCodec, PostcardCodec, RawCodec, Timestamp,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_bytes::ByteBuf;

/// 1471113698.76127
const CREATED: Timestamp = Timestamp::from_micros(1_471_113_698_761_270);
const CREATED_SECOND: Timestamp = Timestamp::from_secs(1_471_113_698);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct User {
    id: u32,
    name: String,
}

fn hex(text: &str) -> Vec<u8> {
    text.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
}

fn write<T: Serialize>(
    format: &impl Format,
    codec: &impl Codec,
    value: T,
    meta: Meta,
) -> larder::Result<Vec<u8>> {
    let mut out = b"kept".to_vec();
    format.encode(codec, &Entry::new(value, meta), &mut out)?;
    Ok(out.strip_prefix(b"kept").unwrap().to_vec())
}

fn read<T: DeserializeOwned>(
    format: &impl Format,
    codec: &impl Codec,
    bytes: &[u8],
) -> larder::Result<Entry<T>> {
    format.decode(codec, &Bytes::copy_from_slice(bytes))
}

/// What a codec makes of six values.
struct Payloads {
    a: Vec<u8>,
    mellifluous: Vec<u8>,
    ten: Vec<u8>,
    user: Option<Vec<u8>>,
    none: Vec<u8>,
    bytes: Vec<u8>,
}

/// What a format puts around them.
struct Frame {
    before: Vec<u8>,
    after: Vec<u8>,
    written: Meta,
    read: Meta,
}

fn frame(before: impl Into<Vec<u8>>, after: impl Into<Vec<u8>>, created_at: Timestamp) -> Frame {
    let (before, after) = (before.into(), after.into());
    Frame { before, after, written: Meta::new(CREATED), read: Meta::new(created_at) }
}

fn exactly<T: Serialize + DeserializeOwned + PartialEq + Debug>(
    format: &(impl Format + Debug),
    codec: &(impl Codec + Debug),
    frame: &Frame,
    value: T,
    payload: &[u8],
) {
    let bytes = [&frame.before, payload, &frame.after].concat();
    let case = format!("{format:?} over {codec:?}: {value:?}");
    let written = write(format, codec, &value, frame.written).expect(&case);
    assert_eq!(Bytes::from(written), Bytes::from(bytes.clone()), "{case}");
    let entry = read(format, codec, &bytes).expect(&case);
    assert_eq!(entry, Entry::new(value, frame.read), "{case}");
}

fn all(format: impl Format + Debug, codec: impl Codec + Debug, frame: &Frame, payloads: &Payloads) {
    exactly(&format, &codec, frame, "a".to_owned(), &payloads.a);
    exactly(&format, &codec, frame, "mellifluous".to_owned(), &payloads.mellifluous);
    exactly(&format, &codec, frame, 10_u32, &payloads.ten);
    exactly(&format, &codec, frame, None::<u32>, &payloads.none);
    exactly(&format, &codec, frame, ByteBuf::from("xy"), &payloads.bytes);
    let user = User { id: 7, name: "ada".to_owned() };
    if let Some(bytes) = &payloads.user {
        exactly(&format, &codec, frame, user, bytes);
    } else {
        let error = write(&format, &codec, user, frame.written).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Encode, "{error}");
    }
}

fn msgpack() -> Payloads {
    Payloads {
        a: hex("a1 61"),
        mellifluous: b"\xabmellifluous".to_vec(),
        ten: hex("0a"),
        user: Some(hex("92 07 a3 61 64 61")),
        none: hex("c0"),
        bytes: hex("c4 02 78 79"),
    }
}

fn msgpack_named() -> Payloads {
    Payloads { user: Some(b"\x82\xa2id\x07\xa4name\xa3ada".to_vec()), ..msgpack() }
}

fn json() -> Payloads {
    Payloads {
        a: br#""a""#.to_vec(),
        mellifluous: br#""mellifluous""#.to_vec(),
        ten: b"10".to_vec(),
        user: Some(br#"{"id":7,"name":"ada"}"#.to_vec()),
        none: b"null".to_vec(),
        bytes: b"[120,121]".to_vec(),
    }
}

fn postcard() -> Payloads {
    Payloads {
        a: hex("01 61"),
        mellifluous: b"\x0bmellifluous".to_vec(),
        ten: hex("0a"),
        user: Some(hex("07 03 61 64 61")),
        none: hex("00"),
        bytes: hex("02 78 79"),
    }
}

fn pickle() -> Payloads {
    Payloads {
        a: b"\x80\x04\x8c\x01a.".to_vec(),
        mellifluous: b"\x80\x04\x8c\x0bmellifluous.".to_vec(),
        ten: b"\x80\x04K\x0a.".to_vec(),
        user: Some(b"\x80\x04}(\x8c\x02id\x94K\x07\x8c\x04name\x94\x8c\x03adau.".to_vec()),
        none: b"\x80\x04N.".to_vec(),
        bytes: b"\x80\x04C\x02xy.".to_vec(),
    }
}

fn raw() -> Payloads {
    Payloads {
        a: b"a".to_vec(),
        mellifluous: b"mellifluous".to_vec(),
        ten: b"i\x7f10".to_vec(),
        user: None,
        none: b"@\x7fNone".to_vec(),
        bytes: b"b\x7fxy".to_vec(),
    }
}

#[test]
fn full_dict() {
    let one = frame(hex("92"), hex("82 a1 76 01 a2 63 74 cb 41 d5 eb da 78 b0 b8 a6"), CREATED);
    let two = frame(hex("92"), hex("82 a1 76 02 a2 63 74 cb 41 d5 eb da 78 b0 b8 a6"), CREATED);
    all(FullDictFormat::<1>, MsgpackCodec, &one, &msgpack());
    all(FullDictFormat::<2>, MsgpackCodec, &two, &msgpack());
    all(FullDictFormat::<1>, MsgpackNamedCodec, &one, &msgpack_named());
    all(FullDictFormat::<2>, MsgpackNamedCodec, &two, &msgpack_named());

    let one = frame("[", r#",{"v":1,"ct":1471113698.76127}]"#, CREATED);
    let two = frame("[", r#",{"v":2,"ct":1471113698.76127}]"#, CREATED);
    all(FullDictFormat::<1>, JsonCodec, &one, &json());
    all(FullDictFormat::<2>, JsonCodec, &two, &json());

    let one = frame(hex(""), hex("02 01 76 01 02 63 74 a6 b8 b0 78 da eb d5 41"), CREATED);
    let two = frame(hex(""), hex("02 01 76 02 02 63 74 a6 b8 b0 78 da eb d5 41"), CREATED);
    all(FullDictFormat::<1>, PostcardCodec, &one, &postcard());
    all(FullDictFormat::<2>, PostcardCodec, &two, &postcard());
}

#[test]
fn dogpile() {
    let header = frame(r#"{"ct": 1471113698.76127, "v": 2}|"#, "", CREATED);
    all(DogpileFormat::<2>, PickleCodec, &header, &pickle());
    all(DogpileFormat::<2>, JsonCodec, &header, &json());
    all(DogpileFormat::<2>, MsgpackCodec, &header, &msgpack());
    all(DogpileFormat::<2>, MsgpackNamedCodec, &header, &msgpack_named());
    all(DogpileFormat::<2>, RawCodec, &header, &raw());
    all(
        DogpileFormat::<7>,
        PostcardCodec,
        &frame(r#"{"ct": 1471113698.76127, "v": 7}|"#, "", CREATED),
        &postcard(),
    );

    // A whole second is a float in Python, too.
    let whole = write(&DogpileFormat::<2>, &RawCodec, "a", Meta::new(CREATED_SECOND)).unwrap();
    assert_eq!(whole, br#"{"ct": 1471113698.0, "v": 2}|a"#);
    for json in [
        r#"{"ct": 1471113698, "v": 2}|a"#,
        r#"{"v":2,"ct":1471113698.0}|a"#,
        r#"{"ct": 1471113698.0, "v": 2, "sz": 184, "x": {"y": [null]}}|a"#,
        r#"  {"ct": 1.471113698e9, "v": 2} |a"#,
    ] {
        let entry = read::<String>(&DogpileFormat::<2>, &RawCodec, json.as_bytes()).unwrap();
        assert_eq!(entry, Entry::new("a".to_owned(), Meta::new(CREATED_SECOND)), "{json}");
    }
    let piped = br#"{"ct": 1471113698.0, "v": 2}|a|b|"#;
    assert_eq!(read::<String>(&DogpileFormat::<2>, &RawCodec, piped).unwrap().value, "a|b|");
}

/// What dogpile.cache raises exceptions for, which reach the caller there.
#[test]
fn what_is_no_entry_of_dogpile() {
    let fails = |bytes: &str, kind| {
        let error = read::<String>(&DogpileFormat::<2>, &PickleCodec, bytes.as_bytes());
        let error = error.expect_err(bytes);
        assert_eq!(error.kind(), kind, "{bytes}: {error}");
    };
    for bytes in [
        "garbage",
        "",
        "|",
        "{bad|x",
        r#"{"ct": 1.0, "v": 2}"#,
        r#"{"ct": 1.0, "v": 2}|"#,
        r#"{"ct": 1.0, "v": 2}|no pickle"#,
        r#"{"v": 2}|N."#,
        r#"{"ct": 1.0}|N."#,
        r"[1.0, 2]|N.",
        r#"{"ct": null, "v": 2}|N."#,
        r#"{"ct": NaN, "v": 2}|N."#,
        r#"{"ct": -1, "v": 2}|N."#,
        r#"{"ct": 1e99, "v": 2}|N."#,
        r#"{"ct": 1.0, "v": "2"}|N."#,
        r#"{"ct": 1.0, "v": -2}|N."#,
    ] {
        fails(bytes, ErrorKind::Decode);
    }
    fails(r#"{"ct": 1.0, "v": 1}|N."#, ErrorKind::Version);
    fails(r#"{"ct": 1.0, "v": 3}|N."#, ErrorKind::Version);
    let deep = format!(r#"{{"ct": 1.0, "v": 2, "x": {}"#, "[".repeat(100_000));
    fails(&(deep + "|N."), ErrorKind::Decode);
}

#[test]
fn int_dict() {
    let class = |v: u8| {
        let before = b"\x80\x04\x8c\x11dogpile.cache.api\x8c\x0bCachedValue\x93".to_vec();
        let after = [&b"}(\x8c\x01vK"[..], &[v], b"\x8c\x02ctJ\xe2i\xafWu\x86R."].concat();
        frame(before, after, CREATED_SECOND)
    };
    // Without the header and the end, which are there once.
    let inner = |mut payloads: Payloads| {
        for payload in [
            &mut payloads.a,
            &mut payloads.mellifluous,
            &mut payloads.ten,
            &mut payloads.none,
            &mut payloads.bytes,
        ]
        .into_iter()
        .chain(&mut payloads.user)
        {
            *payload = payload[2..payload.len() - 1].to_vec();
        }
        payloads
    };
    all(IntDictFormat::<2>, PickleCodec, &class(2), &inner(pickle()));
    all(IntDictFormat::<3>, PickleCodec, &class(3), &inner(pickle()));
    let bytes = frame("[", r#",{"v":2,"ct":1471113698}]"#, CREATED_SECOND);
    all(IntDictFormat::<2>, JsonCodec, &bytes, &json());
    // Whoever does not round is read as if.
    let exact = br#"["a",{"v":2,"ct":1471113698.76127}]"#;
    let entry = read::<String>(&IntDictFormat::<2>, &JsonCodec, exact).unwrap();
    assert_eq!(entry.meta, Meta::new(CREATED_SECOND));
}

#[test]
fn int_time() {
    let bytes = frame(hex("92"), hex("ce 57 af 69 e2"), CREATED_SECOND);
    all(IntTimeFormat, MsgpackCodec, &bytes, &msgpack());
    all(IntTimeFormat, MsgpackNamedCodec, &bytes, &msgpack_named());
    all(IntTimeFormat, JsonCodec, &frame("[", ",1471113698]", CREATED_SECOND), &json());
    let bytes = frame(hex(""), hex("e2 d3 bd bd 05"), CREATED_SECOND);
    all(IntTimeFormat, PostcardCodec, &bytes, &postcard());
}

#[test]
fn no_meta() {
    let bare = Frame { read: Meta::none(), ..frame("", "", CREATED) };
    all(NoMetaFormat, MsgpackCodec, &bare, &msgpack());
    all(NoMetaFormat, MsgpackNamedCodec, &bare, &msgpack_named());
    all(NoMetaFormat, JsonCodec, &bare, &json());
    all(NoMetaFormat, PostcardCodec, &bare, &postcard());
    all(NoMetaFormat, RawCodec, &bare, &raw());
}

#[test]
fn framed() {
    let header = frame(hex("10 e2 69 af 57"), "", CREATED_SECOND);
    let with_ttl = |ttl: &str, written, read| {
        let header = frame(hex(&format!("11 e2 69 af 57 {ttl}")), "", CREATED_SECOND);
        let (written, read) = (header.written.with_ttl(written), header.read.with_ttl(read));
        Frame { written, read, ..header }
    };
    let (long, tiny) = (Duration::from_millis(1500), Duration::from_micros(1));
    let long = with_ttl("dc 0b", Some(long), Some(long));
    let rounded_up = with_ttl("01", Some(tiny), Some(Duration::from_millis(1)));
    for frame in [&header, &long, &rounded_up] {
        all(FramedFormat, MsgpackCodec, frame, &msgpack());
        all(FramedFormat, MsgpackNamedCodec, frame, &msgpack_named());
        all(FramedFormat, JsonCodec, frame, &json());
        all(FramedFormat, PostcardCodec, frame, &postcard());
        all(FramedFormat, RawCodec, frame, &raw());
    }
}

#[test]
fn framed_negative_entries() {
    let meta = |ttl| Meta::new(CREATED_SECOND).with_ttl(ttl);
    for (bytes, ttl) in [("12 e2 69 af 57", None), ("13 e2 69 af 57 dc 0b", Some(1500))] {
        let ttl = ttl.map(Duration::from_millis);
        let mut written = Vec::new();
        let created = Meta::new(CREATED).with_ttl(ttl);
        FramedFormat.encode_nothing(&created, &mut written).unwrap();
        assert_eq!(written, hex(bytes));
        assert_eq!(FramedFormat.decode_nothing(&written), Some(meta(ttl)));
        let value = FramedFormat.decode::<_, String>(&JsonCodec, &written.clone().into());
        assert_eq!(value.unwrap_err().kind(), ErrorKind::Decode, "a negative entry is no value");
        // Nothing follows, and nothing is missing.
        written.push(0);
        assert_eq!(FramedFormat.decode_nothing(&written), None);
        for end in 0..written.len() - 1 {
            assert_eq!(FramedFormat.decode_nothing(&written[..end]), None);
        }
    }
    assert_eq!(FramedFormat.decode_nothing(&hex("10 e2 69 af 57")), None);
    let refused = IntTimeFormat.encode_nothing(&Meta::new(CREATED), &mut Vec::new()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
    assert!(refused.to_string().contains("Framed"), "{refused}");
}

#[test]
fn formats_that_pair_refuse_raw_with_advice() {
    for error in [
        write(&FullDictFormat::<1>, &RawCodec, "a", Meta::new(CREATED)).unwrap_err(),
        write(&IntTimeFormat, &RawCodec, "a", Meta::new(CREATED)).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Encode);
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains("no tuples") && cause.contains("`NoMeta` or `Framed`"), "{cause}");
    }
}

/// What Python wrote: the literal bytes of `msgpack.packb`, `json.dumps` and the raw serializer.
#[test]
fn read_what_python_writes() {
    fn reads<T: DeserializeOwned + PartialEq + Debug>(
        format: impl Format,
        codec: impl Codec,
        bytes: &[u8],
        value: T,
        micros: i64,
    ) {
        let case = format!("{:?}", Bytes::copy_from_slice(bytes));
        let entry = read(&format, &codec, bytes).expect(&case);
        assert_eq!(entry, Entry::new(value, Meta::new(Timestamp::from_micros(micros))), "{case}");
    }
    let dict = FullDictFormat::<1>;
    let text = |text: &str| text.to_owned();
    let (exact, second) = (CREATED.as_micros(), CREATED_SECOND.as_micros());

    // Spaces, an integer as the time, keys in any order, keys we do not know.
    for (json, micros) in [
        (r#"["a", {"v": 1, "ct": 1471113698.76127}]"#, exact),
        (r#"["a", {"ct": 1471113698.76127, "v": 1}]"#, exact),
        (r#"["a", {"v": 1, "ct": 1471113698}]"#, second),
        (r#"["a", {"sz": [12, {"x": null}], "v": 1, "t\u00e9": "", "ct": 1471113698}]"#, second),
    ] {
        reads(dict, JsonCodec, json.as_bytes(), text("a"), micros);
    }
    reads(IntTimeFormat, JsonCodec, br#"["a", 1471113698]"#, text("a"), second);
    reads(IntTimeFormat, JsonCodec, b"[10, 1471113753]", 10_u8, 1_471_113_753_000_000);

    let local = b"\x92\n\x82\xa1v\x01\xa2ct\xcbA\xd5\xeb\x92\x83\xe9\x97\x9a";
    reads(dict, MsgpackCodec, local, 10_u8, 1_471_040_015_649_878);
    reads(IntTimeFormat, MsgpackCodec, b"\x92\n\xceW\xafct", 10_u8, 1_471_112_052_000_000);
    let a = b"\x92\xa1a\x82\xa2ct\xcbA\xd5\xeb\xdax\xb0\xb8\xa6\xa1v\x01";
    reads(dict, MsgpackCodec, a, text("a"), exact);
    let unknown = b"\x92\xa1a\x83\xa2sz\x92\x01\x80\xa2ct\xceW\xafi\xe2\xa1v\x01";
    reads(dict, MsgpackCodec, unknown, text("a"), second);
    // Keys as binary data, as Python's packer does with bytes.
    let bytes = b"\x92\xa1a\x82\xc4\x02ct\xceW\xafi\xe2\xc4\x01v\x01";
    reads(dict, MsgpackCodec, bytes, text("a"), second);
    // Integers in wider forms than needed.
    let widths = [
        "01",
        "cc 01",
        "cd 00 01",
        "ce 00 00 00 01",
        "cf 00 00 00 00 00 00 00 01", //
        "d0 01",
        "d1 00 01",
        "d2 00 00 00 01",
        "d3 00 00 00 00 00 00 00 01",
    ];
    for one in widths {
        let bytes = hex(&format!("92 {one} 82 a1 76 {one} a2 63 74 ce 57 af 69 e2"));
        reads(dict, MsgpackCodec, &bytes, 1_u8, second);
        let bytes = hex(&format!("92 {one} cf 00 00 00 00 57 af 69 e2"));
        reads(IntTimeFormat, MsgpackCodec, &bytes, 1_i64, second);
    }
    // Text and bytes as raw, str 8 and bin.
    for (a, time) in ["a1 61", "d9 01 61", "da 00 01 61", "c4 01 61"].map(|a| (a, "ce 57 af 69 e2"))
    {
        let bytes = hex(&format!("92 {a} {time}"));
        reads(IntTimeFormat, MsgpackCodec, &bytes, text("a"), second);
        reads(IntTimeFormat, MsgpackCodec, &bytes, ByteBuf::from("a"), second);
    }
    // A tuple in the long form, as foreign packers write it.
    reads(IntTimeFormat, MsgpackCodec, &hex("dc 00 02 a1 61 ce 57 af 69 e2"), text("a"), second);
}

#[test]
fn the_raw_form_of_python() {
    fn is<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: T, bytes: &[u8]) {
        assert_eq!(write(&NoMetaFormat, &RawCodec, &value, Meta::none()).unwrap(), bytes);
        assert_eq!(read::<T>(&NoMetaFormat, &RawCodec, bytes).unwrap().value, value);
    }
    is("a".to_owned(), b"a");
    is("é".to_owned(), b"\xc3\xa9");
    is(1_u8, b"i\x7f1");
    is(
        -170_141_183_460_469_231_731_687_303_715_884_105_728_i128, // the least there is
        b"i\x7f-170141183460469231731687303715884105728",
    );
    is(None::<String>, b"@\x7fNone");
    is(ByteBuf::from("xy"), b"b\x7fxy");
    is(ByteBuf::from("a\x7fb"), b"b\x7fa\x7fb");
    // Python refuses this one.
    is("has\x7fdel".to_owned(), b"has\x7fdel");
    is("i\x7f1".to_owned(), b"s\x7fi\x7f1");
    // And cannot read these.
    is(true, b"?\x7ftrue");
    is(0.1_f32, b"f\x7f0.1");
    is(1e300, b"f\x7f1e300");
}

#[test]
fn what_is_refused() {
    fn fails<T: DeserializeOwned + Debug>(
        format: impl Format,
        codec: impl Codec,
        bytes: &[u8],
        kind: ErrorKind,
    ) {
        let case = format!("{:?}", Bytes::copy_from_slice(bytes));
        assert_eq!(read::<T>(&format, &codec, bytes).expect_err(&case).kind(), kind, "{case}");
    }
    let (dict, version, decode) = (FullDictFormat::<1>, ErrorKind::Version, ErrorKind::Decode);
    fails::<String>(dict, JsonCodec, br#"["a",{"v":2,"ct":1471113698.76127}]"#, version);
    fails::<String>(FullDictFormat::<2>, JsonCodec, br#"["a",{"v":1,"ct":1471113698}]"#, version);
    let two = hex("92 a1 61 82 a1 76 02 a2 63 74 ce 57 af 69 e2");
    fails::<String>(dict, MsgpackCodec, &two, version);

    for json in [
        r#"["a",{"v":1}]"#,
        r#"["a",{"ct":1471113698}]"#,
        r#"["a",{"v":1,"ct":-1}]"#,
        r#"["a",{"v":1,"ct":1e300}]"#,
        r#"["a",{"v":1,"ct":null}]"#,
        r#"["a",{"v":1,"ct":1471113698}] x"#,
        r#"["a",{"v":1,"ct":1471113698},3]"#,
        r#"["a"]"#,
        r#""a""#,
        "",
    ] {
        fails::<String>(dict, JsonCodec, json.as_bytes(), decode);
    }
    for bytes in ["92 a1 61", "93 a1 61 01 01", "a1 61", "c0", "92 a1 61 ce 57 af 69 e2 00"] {
        fails::<String>(IntTimeFormat, MsgpackCodec, &hex(bytes), decode);
    }
    fails::<String>(IntTimeFormat, JsonCodec, br#"["a",18446744073709551615]"#, decode);
    for bytes in ["", "10", "10 e2 69 af", "20 e2 69 af 57 01 61", "12 e2 69 af 57 01 61"] {
        fails::<String>(FramedFormat, PostcardCodec, &hex(bytes), decode);
    }
    fails::<String>(FramedFormat, PostcardCodec, &hex("10 e2 69 af 57 01 61 00"), decode);
    fails::<String>(FramedFormat, PostcardCodec, &hex("11 e2 69 af 57 81 00 01 61"), decode);

    let raw = |bytes: &[u8]| fails::<i32>(NoMetaFormat, RawCodec, bytes, decode);
    for bytes in ["1", "+1", "i\x7f", "i\x7f+1", "i\x7f 1", "i\x7f01", "i\x7f-0", "i\x7fTrue"] {
        raw(bytes.as_bytes());
    }
    for bytes in [&b"@\x7fNO_VALUE"[..], b"x\x7fx", b"s\x7fplain", b"s\x7f", b"?\x7f1", b"\xff"] {
        fails::<Option<String>>(NoMetaFormat, RawCodec, bytes, decode);
    }
    for bytes in [&b"f\x7f1"[..], b"f\x7f01.0", b"f\x7f+1.0", b"f\x7fnan", b"f\x7f1.50"] {
        fails::<f64>(NoMetaFormat, RawCodec, bytes, decode);
    }
}

#[test]
fn coarse() {
    let made = |secs| Meta::new(Timestamp::from_secs(secs));
    let write = |meta| write(&CoarseFormat, &PostcardCodec, "a", meta);
    assert_eq!(write(made(1_735_689_600)).unwrap(), b"\x92\xa2\x25\x01a");
    let read = CoarseFormat
        .decode::<_, String>(&PostcardCodec, &write(made(1_735_689_663)).unwrap().into());
    assert_eq!(read.unwrap().meta.created_at(), Some(Timestamp::from_secs(1_735_689_600)));
    for secs in [0, 1_577_836_799, 1_577_836_800 + (64 << 24)] {
        assert_eq!(write(made(secs)).unwrap_err().kind(), ErrorKind::Encode, "{secs}");
    }
    write(made(1_577_836_800)).unwrap();
    write(made(1_577_836_800 + (64 << 24) - 1)).unwrap();
    let own = made(1_735_689_600).with_ttl(Some(std::time::Duration::from_secs(9)));
    assert_eq!(write(own).unwrap_err().kind(), ErrorKind::Unsupported);
    for bytes in [&b""[..], b"\x00\x00"] {
        let read = CoarseFormat.decode::<_, String>(&PostcardCodec, &Bytes::from_static(bytes));
        assert_eq!(read.unwrap_err().kind(), ErrorKind::Decode);
    }
}
