//! What the targets share: bytes become a value or an error, and a value comes back from the bytes
//! it becomes.

mod memory;

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Debug,
};

use larder::{
    Bytes, Codec, Config, Either, Entry, Error, ErrorKind, Format, Framed, JsonCodec, Local, Memo,
    Memory, MsgpackCodec, MsgpackNamedCodec, Null, PickleCodec, Postcard, PostcardCodec, PyValue,
    RawCodec, Redis, RedisLock, Region, Regions,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_bytes::ByteBuf;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Record {
    id: u64,
    name: String,
    tags: Vec<String>,
    scores: HashMap<String, u64>,
    shape: Expr,
    bytes: ByteBuf,
    pair: (i8, [u16; 3], Option<char>),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Tree {
    kids: Vec<Tree>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Expr {
    Leaf,
    One(Box<Expr>),
    Pair(Box<Expr>, Box<Expr>),
    Named { left: Option<Box<Expr>>, rest: Vec<Expr> },
}

/// Never reads a byte to get deeper.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Bottomless(Option<Box<Bottomless>>);

/// Floats are equal if their bits are, and any NaN is as good as another.
#[derive(Debug, Serialize, Deserialize)]
struct Float<T>(T);

impl<T: Copy + Into<f64>> PartialEq for Float<T> {
    fn eq(&self, other: &Self) -> bool {
        let (a, b): (f64, f64) = (self.0.into(), other.0.into());
        a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()
    }
}

/// What can be read can be written and read again.
fn comes_back<T: Serialize + DeserializeOwned + PartialEq + Debug>(
    codec: &impl Codec,
    bytes: &[u8],
) {
    let Ok(value) = codec.decode::<T>(bytes) else { return };
    let mut out = Vec::new();
    match codec.encode(&value, &mut out) {
        Ok(()) => {
            let again = codec.decode::<T>(&out);
            assert_eq!(again.expect("what was written"), value, "{out:02x?}");
        }
        Err(error) => panic!("read, but not written: {value:?}: {error:?}"),
    }
}

/// Decodes `bytes` into many types.
pub fn codec(codec: &impl Codec, bytes: &[u8]) {
    comes_back::<Record>(codec, bytes);
    comes_back::<Tree>(codec, bytes);
    comes_back::<Expr>(codec, bytes);
    comes_back::<Bottomless>(codec, bytes);
    comes_back::<Vec<u64>>(codec, bytes);
    comes_back::<Vec<Vec<u8>>>(codec, bytes);
    comes_back::<Vec<()>>(codec, bytes);
    comes_back::<Vec<Vec<()>>>(codec, bytes);
    comes_back::<HashMap<String, u64>>(codec, bytes);
    comes_back::<BTreeMap<i64, Vec<Float<f64>>>>(codec, bytes);
    comes_back::<String>(codec, bytes);
    comes_back::<ByteBuf>(codec, bytes);
    comes_back::<i128>(codec, bytes);
    comes_back::<u128>(codec, bytes);
    comes_back::<Float<f64>>(codec, bytes);
    comes_back::<Float<f32>>(codec, bytes);
    comes_back::<char>(codec, bytes);
    comes_back::<Option<Option<bool>>>(codec, bytes);
    comes_back::<(u8, String, (char, [i8; 4]))>(codec, bytes);
    comes_back::<serde_json::Value>(codec, bytes);
}

/// Decodes `bytes` as a pickle into many types, and into any data.
pub fn pickle(bytes: &[u8]) {
    codec(&PickleCodec, bytes);
    let (value, peak) = memory::peak(|| PickleCodec.decode::<PyValue>(bytes));
    // The parts of the pickle before there is a value; parts and text that are used again; what may be used
    // again by the smallest of pickles.
    let bound = 500 * bytes.len() + (2 << 20);
    assert!(peak <= bound, "{peak} bytes of memory for {}", bytes.len());
    let Ok(value) = value else { return };
    let mut out = Vec::new();
    match PickleCodec.encode(&value, &mut out) {
        // By what is shown, because a NaN is not equal to itself.
        Ok(()) => {
            let again: PyValue = PickleCodec.decode(&out).expect("what was written");
            assert_eq!(format!("{again:?}"), format!("{value:?}"));
        }
        // A list as a key: not what Python writes, but no harm.
        Err(error) => assert_eq!(error.kind(), ErrorKind::Encode, "{error:?}"),
    }
}

fn entry_comes_back<T: Serialize + DeserializeOwned + PartialEq + Debug>(
    format: &impl Format,
    codec: &impl Codec,
    bytes: &Bytes,
) {
    let entry: Entry<T> = match format.decode(codec, bytes) {
        Ok(entry) => entry,
        Err(error) => {
            assert!(matches!(error.kind(), ErrorKind::Decode | ErrorKind::Version), "{error:?}");
            return;
        }
    };
    let mut out = Vec::new();
    format.encode(codec, &entry, &mut out).expect("what was read");
    let again: Entry<T> = format.decode(codec, &Bytes::from(out)).expect("what was written");
    assert_eq!(again, entry);
}

/// Decodes `bytes` as entries, the first byte choosing the codec.
pub fn format(format: &impl Format, bytes: &[u8]) {
    fn under(format: &impl Format, codec: &impl Codec, bytes: &Bytes) {
        entry_comes_back::<Record>(format, codec, bytes);
        entry_comes_back::<Expr>(format, codec, bytes);
        entry_comes_back::<Vec<()>>(format, codec, bytes);
        entry_comes_back::<String>(format, codec, bytes);
        entry_comes_back::<i64>(format, codec, bytes);
    }
    let Some((choice, bytes)) = bytes.split_first() else { return };
    let bytes = &Bytes::copy_from_slice(bytes);
    if let Some(meta) = format.decode_nothing(bytes) {
        let mut out = Vec::new();
        format.encode_nothing(&meta, &mut out).expect("what was read");
        assert_eq!(format.decode_nothing(&out), Some(meta));
        // What is nothing is no value, whatever the codec.
        assert!(format.decode::<_, ()>(&PostcardCodec, bytes).is_err());
    }
    match choice % 6 {
        0 => under(format, &MsgpackCodec, bytes),
        1 => under(format, &MsgpackNamedCodec, bytes),
        2 => under(format, &JsonCodec, bytes),
        3 => under(format, &PostcardCodec, bytes),
        4 => under(format, &PickleCodec, bytes),
        _ => under(format, &RawCodec, bytes),
    }
}

type Stack = Framed<Postcard<Either<Memory, Either<Null, Redis>>>>;
type Chosen = Region<Stack, Either<Local, RedisLock>>;

/// What is refused is refused as a configuration, in words fit for a terminal.
fn refused(error: &Error) {
    assert_eq!(error.kind(), ErrorKind::Config, "{error:?}");
    assert!(!error.to_string().contains('\u{1b}'), "{error}");
}

/// Reads `bytes` as TOML and as lines of pairs, one over the other, and builds the regions `a` and `b`.
pub fn config(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    let mut config = Config::from_pairs(pairs.map(|(name, value)| (name.trim(), value.trim())));
    match Config::from_toml(text) {
        Ok(toml) => config = config.overlaid(toml),
        Err(error) => refused(&error),
    }
    let _ = format!("{config:?}");
    for name in ["a", "b"] {
        let table = config.region(name);
        match table.and_then(|table| Chosen::from_config(&table)) {
            Ok(region) => drop(format!("{region:?}")),
            Err(error) => refused(&error),
        }
    }
    let all =
        Regions::builder(&config).region::<Chosen>("a").region::<Region<Memo<u8>>>("b").build();
    if let Err(error) = all {
        refused(&error);
    }
}
