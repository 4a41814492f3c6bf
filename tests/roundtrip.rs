//! Every codec under every format gives back what it was given, or refuses to take it.

#![cfg(all(feature = "codec-json", feature = "codec-msgpack", feature = "codec-postcard"))]
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail where they are")]

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Debug,
    time::Duration,
};

use larder::{
    Bytes, Codec, Entry, ErrorKind, Format, FramedFormat, FullDictFormat, IntTimeFormat, JsonCodec,
    Meta, MsgpackCodec, MsgpackNamedCodec, NoMetaFormat, PostcardCodec, Precision, RawCodec,
    Timestamp,
};
use proptest::{collection, option, prelude::*};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_bytes::ByteBuf;

trait Value: Serialize + DeserializeOwned + PartialEq + Debug + Clone {}
impl<T: Serialize + DeserializeOwned + PartialEq + Debug + Clone> Value for T {}

fn encoded<T: Value>(codec: &impl Codec, value: &T) -> larder::Result<Vec<u8>> {
    let mut out = Vec::new();
    codec.encode(value, &mut out).map(|()| out)
}

fn gives_back<T: Value>(codec: &(impl Codec + Debug), value: &T) {
    let bytes = encoded(codec, value).unwrap_or_else(|e| panic!("{codec:?} {value:?}: {e:?}"));
    let back = codec.decode::<T>(&bytes);
    let back = back.unwrap_or_else(|e| panic!("{codec:?} {value:?} as {bytes:02x?}: {e:?}"));
    assert_eq!(&back, value, "{codec:?}: {bytes:02x?}");
}

fn refuses<T: Value>(codec: &(impl Codec + Debug), value: &T) -> larder::Error {
    let bytes = encoded(codec, value);
    let error = bytes.expect_err(&format!("{codec:?} takes {value:?}"));
    assert_eq!(error.kind(), ErrorKind::Encode, "{error}");
    error
}

fn everywhere<T: Value>(value: &T) {
    gives_back(&MsgpackCodec, value);
    gives_back(&MsgpackNamedCodec, value);
    gives_back(&JsonCodec, value);
    gives_back(&PostcardCodec, value);
}

fn everywhere_and_raw<T: Value>(value: &T) {
    everywhere(value);
    gives_back(&RawCodec, value);
}

fn through_format<T: Value>(
    format: &(impl Format + Debug),
    codec: &(impl Codec + Debug),
    entry: &Entry<T>,
    precision: Precision,
) {
    let mut out = Vec::new();
    format.encode(codec, entry, &mut out).unwrap_or_else(|e| panic!("{format:?} {entry:?}: {e:?}"));
    let back: Entry<T> = format.decode(codec, &Bytes::from(out)).unwrap();
    assert_eq!(back.value, entry.value);
    let created_at = entry.meta.created_at().unwrap();
    let kept = match precision {
        Precision::None => None,
        Precision::Seconds => Some(Timestamp::from_secs(created_at.as_secs())),
        Precision::Micros => Some(created_at),
    };
    assert_eq!(back.meta.created_at(), kept);
    assert!(kept <= Some(created_at));
    let millis = |ttl: Duration| ttl.as_micros().div_ceil(1000);
    assert_eq!(back.meta.ttl().map(millis), entry.meta.ttl().map(millis));
}

fn through_all_formats<T: Value>(codec: &(impl Codec + Debug), entry: &Entry<T>) {
    let plain = &Entry::new(entry.value.clone(), entry.meta.with_ttl(None));
    through_format(&FullDictFormat::<1>, codec, plain, Precision::Micros);
    through_format(&FullDictFormat::<4_000_000_000>, codec, plain, Precision::Micros);
    through_format(&IntTimeFormat, codec, plain, Precision::Seconds);
    through_format(&NoMetaFormat, codec, plain, Precision::None);
    through_format(&FramedFormat, codec, plain, Precision::Seconds);
    through_format(&FramedFormat, codec, entry, Precision::Seconds);
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Unit;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Newtype<T>(T);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Nothing,
    One(Box<Shape>),
    Empty(()),
    Two(i16, String),
    Named { left: Option<u64>, right: Vec<Shape> },
}

fn shape() -> impl Strategy<Value = Shape> {
    let leaf = prop_oneof![
        Just(Shape::Nothing),
        Just(Shape::Empty(())),
        (any::<i16>(), ".{0,8}").prop_map(|(n, text)| Shape::Two(n, text)),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|shape| Shape::One(Box::new(shape))),
            (any::<Option<u64>>(), collection::vec(inner, 0..3))
                .prop_map(|(left, right)| Shape::Named { left, right }),
        ]
    })
}

/// One of everything that all codecs but `Raw` can keep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Record {
    numbers: (u8, i8, u16, i16, u32, i32, u64, i64, u128, i128),
    floats: (f32, f64, bool, char),
    text: Newtype<String>,
    bytes: ByteBuf,
    shapes: Vec<Shape>,
    by_name: BTreeMap<String, Option<f64>>,
    by_number: HashMap<i64, Vec<u8>>,
    by_bool: BTreeMap<bool, [u16; 3]>,
    by_char: BTreeMap<char, Newtype<bool>>,
    empty: (Unit, (), Vec<u64>, BTreeMap<u8, u8>, String),
    nested: Vec<Vec<Option<Newtype<u32>>>>,
}

fn finite32() -> impl Strategy<Value = f32> {
    use proptest::num::f32::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO
}

fn finite64() -> impl Strategy<Value = f64> {
    use proptest::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO
}

fn record() -> impl Strategy<Value = Record> {
    (
        any::<(u8, i8, u16, i16, u32, i32, u64, i64, u128, i128)>(),
        (finite32(), finite64(), any::<bool>(), any::<char>()),
        any::<String>(),
        collection::vec(any::<u8>(), 0..40),
        collection::vec(shape(), 0..3),
        collection::btree_map(".{0,5}", option::of(finite64()), 0..4),
        collection::hash_map(any::<i64>(), any::<Vec<u8>>(), 0..3),
        collection::btree_map(any::<bool>(), any::<[u16; 3]>(), 0..3),
        collection::vec(any::<char>(), 0..3),
        collection::vec(collection::vec(any::<Option<u32>>(), 0..4), 0..4),
    )
        .prop_map(
            |(numbers, floats, text, bytes, shapes, by_name, by_number, by_bool, c, n)| Record {
                numbers,
                floats,
                text: Newtype(text),
                bytes: ByteBuf::from(bytes),
                shapes,
                by_name,
                by_number,
                by_bool,
                by_char: c.into_iter().map(|c| (c, Newtype(true))).collect(),
                empty: (Unit, (), Vec::new(), BTreeMap::new(), String::new()),
                nested: n
                    .into_iter()
                    .map(|row| row.into_iter().map(|cell| cell.map(Newtype)).collect())
                    .collect(),
            },
        )
}

fn meta() -> impl Strategy<Value = Meta> {
    // To the end of what `Framed` can carry: 2^32 seconds.
    let micros = 0..(1_i64 << 32) * 1_000_000;
    let ttl = any::<Option<u32>>().prop_map(|n| n.map(|n| Duration::from_micros(n.into())));
    (micros, ttl).prop_map(|(t, ttl)| Meta::new(Timestamp::from_micros(t)).with_ttl(ttl))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn records_under_every_format(value in record(), meta in meta()) {
        let entry = Entry::new(value, meta);
        through_all_formats(&MsgpackCodec, &entry);
        through_all_formats(&MsgpackNamedCodec, &entry);
        through_all_formats(&JsonCodec, &entry);
        through_all_formats(&PostcardCodec, &entry);
    }

    #[test]
    fn raw_under_its_formats(text in any::<String>(), number in any::<i128>(), meta in meta()) {
        let plain = meta.with_ttl(None);
        through_format(&NoMetaFormat, &RawCodec, &Entry::new(text.clone(), plain), Precision::None);
        through_format(&FramedFormat, &RawCodec, &Entry::new(text, meta), Precision::Seconds);
        through_format(&FramedFormat, &RawCodec, &Entry::new(number, meta), Precision::Seconds);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn numbers(
        unsigned in any::<(u8, u16, u32, u64, u128)>(),
        signed in any::<(i8, i16, i32, i64, i128)>(),
        floats in (finite32(), finite64()),
    ) {
        everywhere_and_raw(&unsigned.0);
        everywhere_and_raw(&unsigned.1);
        everywhere_and_raw(&unsigned.2);
        everywhere_and_raw(&unsigned.3);
        everywhere_and_raw(&unsigned.4);
        everywhere_and_raw(&signed.0);
        everywhere_and_raw(&signed.1);
        everywhere_and_raw(&signed.2);
        everywhere_and_raw(&signed.3);
        everywhere_and_raw(&signed.4);
        everywhere_and_raw(&Bits32(floats.0));
        everywhere_and_raw(&Bits64(floats.1));
    }

    // Where a first byte, a mark and a rest meet by chance too rarely.
    #[test]
    fn text(text in prop_oneof![any::<String>(), "[a-z@?é]?\x7f{0,2}[a-z\x7f]{0,3}"]) {
        everywhere_and_raw(&text);
        everywhere_and_raw(&Some(text.clone()));
        everywhere_and_raw(&Newtype(text.clone()));
        everywhere_and_raw(&Some(Some(text)));
    }

    #[test]
    fn small_things(bytes in any::<Vec<u8>>(), bool in any::<bool>(), c in any::<char>()) {
        everywhere_and_raw(&ByteBuf::from(bytes.clone()));
        everywhere_and_raw(&Some(ByteBuf::from(bytes)));
        everywhere_and_raw(&bool);
        everywhere_and_raw(&c);
    }
}

/// Floats that are equal only if all their bits are.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Bits32(f32);

impl PartialEq for Bits32 {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Bits64(f64);

impl PartialEq for Bits64 {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

#[test]
fn the_ends_of_the_numbers() {
    everywhere_and_raw(&u64::MAX);
    everywhere_and_raw(&i64::MIN);
    everywhere_and_raw(&u128::MAX);
    everywhere_and_raw(&i128::MIN);
    for float in [0.0, -0.0, f64::MAX, f64::MIN_POSITIVE, 5e-324, 0.1, 9_007_199_254_740_993.0] {
        everywhere_and_raw(&Bits64(float));
    }
    for float in [0.0, -0.0, f32::MAX, f32::MIN_POSITIVE, 1e-45, 0.1, 16_777_217.0] {
        everywhere_and_raw(&Bits32(float));
    }
}

#[test]
fn floats_that_are_not_finite() {
    for float in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
        gives_back(&MsgpackCodec, &Bits64(float));
        gives_back(&PostcardCodec, &Bits64(float));
        gives_back(&RawCodec, &Bits64(float));
        assert!(refuses(&JsonCodec, &Bits64(float)).to_string().contains("NaN"));
        refuses(&JsonCodec, &vec![Some(Bits64(float))]);
    }
    for float in [f32::INFINITY, f32::NEG_INFINITY, f32::NAN] {
        gives_back(&MsgpackCodec, &Bits32(float));
        gives_back(&PostcardCodec, &Bits32(float));
        gives_back(&RawCodec, &Bits32(float));
        refuses(&JsonCodec, &Bits32(float));
    }
}

#[test]
fn nothing() {
    everywhere_and_raw(&());
    everywhere_and_raw(&Unit);
    everywhere_and_raw(&None::<u8>);
    everywhere_and_raw(&None::<Option<()>>);
    everywhere_and_raw(&Shape::Nothing);
    everywhere_and_raw(&String::new());
    everywhere_and_raw(&ByteBuf::new());
    everywhere(&Vec::<String>::new());
    everywhere(&Shape::Empty(()));
    everywhere(&Some(Vec::<()>::new()));
    everywhere(&vec![(); 1000]);
    everywhere(&vec![Unit; 1000]);
}

#[test]
fn some_of_nothing() {
    fn only_postcard<T: Value>(value: &T) {
        gives_back(&PostcardCodec, value);
        for error in [
            refuses(&MsgpackCodec, value),
            refuses(&MsgpackNamedCodec, value),
            refuses(&JsonCodec, value),
        ] {
            assert!(error.to_string().contains("Some(None)"), "{error}");
        }
    }
    only_postcard(&Some(None::<u8>));
    only_postcard(&Some(()));
    only_postcard(&Some(Newtype(None::<u8>)));
    only_postcard(&Some(Some(Newtype(()))));
    only_postcard(&vec![Some(1), None].into_iter().map(Some).collect::<Vec<Option<Option<u8>>>>());
    refuses(&RawCodec, &Some(None::<u8>));
    refuses(&RawCodec, &Some(Unit));
    // MessagePack writes a unit struct as an empty array.
    gives_back(&MsgpackCodec, &Some(Unit));
    gives_back(&MsgpackNamedCodec, &Some(Unit));
    refuses(&JsonCodec, &Some(Unit));
    // Only what is directly inside counts, and only there.
    everywhere(&Some((None::<u8>, Some(1), None::<u8>)));
    everywhere(&vec![Some(1), None, Some(2)]);
    everywhere(&Some(Shape::Empty(())));
    everywhere(&(Some(5), (), None::<u8>));
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Middle {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    maybe: Option<u8>,
    sure: u8,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Last {
    sure: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    maybe: Option<u8>,
}

#[test]
fn fields_that_are_left_out() {
    everywhere(&Middle { maybe: Some(1), sure: 2 });
    everywhere(&Last { sure: 2, maybe: Some(1) });
    let (middle, last) = (Middle { maybe: None, sure: 2 }, Last { sure: 2, maybe: None });
    gives_back(&JsonCodec, &middle);
    gives_back(&MsgpackNamedCodec, &middle);
    refuses(&MsgpackCodec, &middle);
    refuses(&PostcardCodec, &middle);
    gives_back(&JsonCodec, &last);
    gives_back(&MsgpackNamedCodec, &last);
    gives_back(&MsgpackCodec, &last);
    assert!(refuses(&PostcardCodec, &last).to_string().contains("skip_serializing_if"));
}

/// A list as deep as it is long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Node {
    next: Option<Box<Node>>,
}

#[test]
fn deep_values_are_kept_or_refused() {
    fn list(nodes: u8) -> Node {
        (1..nodes).fold(Node { next: None }, |node, _| Node { next: Some(Box::new(node)) })
    }
    fn ladder(rungs: u8) -> Shape {
        (0..rungs).fold(Shape::Nothing, |shape, _| Shape::One(Box::new(shape)))
    }
    fn stairs(steps: u8) -> Shape {
        let step = |below| Shape::Named { left: None, right: vec![below] };
        (0..steps).fold(Shape::Nothing, |shape, _| step(shape))
    }
    fn brackets(depth: u8) -> serde_json::Value {
        (0..depth).fold(serde_json::Value::Null, |inner, _| serde_json::Value::Array(vec![inner]))
    }
    // Two levels a node, one a rung, three a step; one for the unit variant at the end.
    everywhere(&list(64));
    everywhere(&ladder(126));
    everywhere(&stairs(42));
    gives_back(&MsgpackCodec, &brackets(127));
    gives_back(&JsonCodec, &brackets(127));
    refuses(&JsonCodec, &brackets(128));
    for error in [
        refuses(&MsgpackCodec, &list(65)),
        refuses(&MsgpackNamedCodec, &ladder(127)),
        refuses(&JsonCodec, &stairs(43)),
        refuses(&PostcardCodec, &list(65)),
    ] {
        assert!(error.to_string().contains("127 levels"), "{error}");
    }
}

#[test]
fn elements_without_bytes() {
    // 2 bytes for the length; a byte of slack for each.
    gives_back(&PostcardCodec, &vec![(); 4096 + 2]);
    assert!(refuses(&PostcardCodec, &vec![(); 4096 + 3]).to_string().contains("4096"));
    gives_back(&PostcardCodec, &vec![vec![(); 1000]; 4]);
    refuses(&PostcardCodec, &vec![vec![(); 1000]; 5]);
    gives_back(&MsgpackCodec, &vec![(); 100_000]);
    gives_back(&JsonCodec, &vec![(); 100_000]);
}

#[test]
fn raw_refuses_what_has_parts() {
    refuses(&RawCodec, &vec![1]);
    refuses(&RawCodec, &(1, 2));
    refuses(&RawCodec, &BTreeMap::from([(1, 2)]));
    refuses(&RawCodec, &Node { next: None });
    refuses(&RawCodec, &Shape::Two(1, String::new()));
    refuses(&RawCodec, &Some(Shape::Empty(())));
    refuses(&RawCodec, &Shape::Named { left: None, right: Vec::new() });
}

#[test]
fn keys_that_json_cannot_have_are_refused() {
    let pairs = BTreeMap::from([((1, 2), 3)]);
    gives_back(&MsgpackCodec, &pairs);
    gives_back(&PostcardCodec, &pairs);
    refuses(&JsonCodec, &pairs);
    let maybe = BTreeMap::from([(Some(1), 2), (None, 3)]);
    gives_back(&MsgpackCodec, &maybe);
    gives_back(&PostcardCodec, &maybe);
    refuses(&JsonCodec, &maybe);
}

/// Forms of enums that name themselves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Tagged {
    Plain,
    Filled { n: i64, text: String },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number(i64),
    Text(String),
    List(Vec<Untagged>),
}

#[test]
fn what_names_itself() {
    fn named<T: Value>(value: &T) {
        gives_back(&MsgpackNamedCodec, value);
        gives_back(&JsonCodec, value);
        gives_back(&MsgpackCodec, value);
    }
    named(&Tagged::Plain);
    named(&Tagged::Filled { n: -1, text: "x".to_owned() });
    let text = Untagged::Text("x".to_owned());
    named(&Untagged::List(vec![Untagged::Number(-1), text, Untagged::List(vec![])]));
    named(&serde_json::json!({"a": [1, null, -2.5, {"b": "c"}], "d": true}));
}

#[test]
fn times_that_a_format_cannot_carry_are_refused() {
    let encode = |format: &dyn Fn(&Entry<u8>) -> larder::Result<()>, micros| {
        format(&Entry::new(1, Meta::new(Timestamp::from_micros(micros))))
    };
    let full_dict = |entry: &Entry<u8>| {
        let mut out = Vec::new();
        FullDictFormat::<1>.encode(&JsonCodec, entry, &mut out)?;
        let back = FullDictFormat::<1>.decode::<_, u8>(&JsonCodec, &Bytes::from(out))?;
        assert_eq!(&back, entry);
        Ok(())
    };
    let int_time = |entry: &Entry<u8>| IntTimeFormat.encode(&JsonCodec, entry, &mut Vec::new());
    let framed = |entry: &Entry<u8>| FramedFormat.encode(&JsonCodec, entry, &mut Vec::new());
    for micros in [-1, i64::MIN] {
        for format in [&full_dict as &dyn Fn(&_) -> _, &int_time, &framed] {
            assert_eq!(encode(format, micros).unwrap_err().kind(), ErrorKind::Encode);
        }
    }
    encode(&full_dict, 1 << 53).unwrap();
    assert_eq!(encode(&full_dict, (1 << 53) + 1).unwrap_err().kind(), ErrorKind::Encode);
    assert_eq!(encode(&full_dict, i64::MAX).unwrap_err().kind(), ErrorKind::Encode);
    encode(&int_time, i64::MAX).unwrap();
    assert_eq!(encode(&framed, i64::MAX).unwrap_err().kind(), ErrorKind::Encode);
}
