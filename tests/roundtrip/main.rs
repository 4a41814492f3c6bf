//! Every codec under every format gives back what it was given, or refuses to take it.

#![cfg(all(
    feature = "codec-json",
    feature = "codec-msgpack",
    feature = "codec-pickle",
    feature = "codec-postcard"
))]
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail where they are")]

mod refused;

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Debug,
    time::Duration,
};

use larder::{
    Bytes, Codec, Entry, ErrorKind, Format, FramedFormat, FullDictFormat, IntDictFormat,
    IntTimeFormat, JsonCodec, Meta, MsgpackCodec, MsgpackNamedCodec, NoMetaFormat, PickleCodec,
    PostcardCodec, Precision, RawCodec, Timestamp,
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
    gives_back(&PickleCodec, value);
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
        Precision::Coarse => unreachable!("no such format here"),
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
    through_format(&IntDictFormat::<2>, codec, plain, Precision::Seconds);
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
