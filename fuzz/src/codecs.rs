//! Bytes become a value or an error, and a value comes back from the bytes it becomes.

use std::{
    any::type_name,
    collections::{BTreeMap, HashMap},
    fmt::Debug,
};

use chrono::NaiveDate;
use larder::{
    Codec, ErrorKind, PickleCodec, PyValue,
    dates::{AsDict, AsExt},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_bytes::ByteBuf;
use time::{Duration, OffsetDateTime};

use super::{
    memory,
    types::{Bottomless, Compact, Dates, Expr, Float, Record, Tree},
};

/// What can be read can be written and read again. Says which type that was.
fn comes_back<T: Serialize + DeserializeOwned + PartialEq + Debug>(
    codec: &impl Codec,
    bytes: &[u8],
) -> &'static str {
    if let Ok(value) = codec.decode::<T>(bytes) {
        let mut out = Vec::new();
        match codec.encode(&value, &mut out) {
            Ok(()) => {
                let again = codec.decode::<T>(&out);
                assert_eq!(again.expect("what was written"), value, "{out:02x?}");
            }
            Err(error) => panic!("read, but not written: {value:?}: {error:?}"),
        }
    }
    type_name::<T>()
}

/// How many types there are.
pub const TYPES: u8 = 26;

/// Decodes `bytes` into the type that their first one chooses, and says which.
pub fn codec(codec: &impl Codec, bytes: &[u8]) -> &'static str {
    let Some((choice, bytes)) = bytes.split_first() else { return "" };
    match choice % TYPES {
        0 => comes_back::<Record>(codec, bytes),
        1 => comes_back::<Tree>(codec, bytes),
        2 => comes_back::<Expr>(codec, bytes),
        3 => comes_back::<Bottomless>(codec, bytes),
        4 => comes_back::<Dates>(codec, bytes),
        5 => comes_back::<Compact>(codec, bytes),
        6 => comes_back::<AsDict<Duration>>(codec, bytes),
        7 => comes_back::<AsDict<NaiveDate>>(codec, bytes),
        8 => comes_back::<AsExt<OffsetDateTime>>(codec, bytes),
        9 => comes_back::<AsExt<NaiveDate>>(codec, bytes),
        10 => comes_back::<Vec<u64>>(codec, bytes),
        11 => comes_back::<Vec<Vec<u8>>>(codec, bytes),
        12 => comes_back::<Vec<()>>(codec, bytes),
        13 => comes_back::<Vec<Vec<()>>>(codec, bytes),
        14 => comes_back::<HashMap<String, u64>>(codec, bytes),
        15 => comes_back::<BTreeMap<i64, Vec<Float<f64>>>>(codec, bytes),
        16 => comes_back::<String>(codec, bytes),
        17 => comes_back::<ByteBuf>(codec, bytes),
        18 => comes_back::<i128>(codec, bytes),
        19 => comes_back::<u128>(codec, bytes),
        20 => comes_back::<Float<f64>>(codec, bytes),
        21 => comes_back::<Float<f32>>(codec, bytes),
        22 => comes_back::<char>(codec, bytes),
        23 => comes_back::<Option<Option<bool>>>(codec, bytes),
        24 => comes_back::<(u8, String, (char, [i8; 4]))>(codec, bytes),
        _ => comes_back::<serde_json::Value>(codec, bytes),
    }
}

/// Decodes `bytes` as a pickle: into any data if the first one is even, else into the type that it chooses.
pub fn codec_pickle(bytes: &[u8]) {
    match bytes.split_first() {
        Some((choice, bytes)) if choice % 2 == 0 => any_data(bytes),
        Some((choice, rest)) => {
            codec(&PickleCodec, &[&[choice / 2], rest].concat());
        }
        None => {}
    }
}

fn any_data(bytes: &[u8]) {
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
