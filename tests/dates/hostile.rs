//! Bytes that are no dates are errors.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use larder::{
    Codec, ErrorKind, JsonCodec, MsgpackCodec, PostcardCodec,
    dates::{AsDict, AsExt},
};
use proptest::prelude::*;
use time::{Date, Duration, OffsetDateTime};

use crate::libraries::{Micros, dict, ext, of_dict, of_ext};

fn refused<T: serde::de::DeserializeOwned>(json: &str) {
    match JsonCodec.decode::<T>(json.as_bytes()) {
        Err(error) => assert_eq!(error.kind(), ErrorKind::Decode, "{json}"),
        Ok(_) => panic!("{json}"),
    }
}

#[test]
fn no_dicts() {
    for dict in [
        "1",
        "\"20200102\"",
        "null",
        "[]",
        "[true,1]",
        "{}",
        r#"{"__datetime__":true}"#,
        r#"{"0":1}"#,
        r#"{"__datetime__":false,"0":1}"#,
        r#"{"__date__":true,"0":1}"#,
        r#"{"__timedelta__":true,"0":1}"#,
        r#"{"__datetime__":true,"0":1,"1":1}"#,
        r#"{"__datetime__":true,"0":1,"0":2}"#,
        r#"{"__datetime__":true,"__datetime__":true,"0":1}"#,
        r#"{"__datetime__":true,"0":"1"}"#,
        r#"{"__datetime__":true,"0":null}"#,
        r#"{"__datetime__":true,"0":1e300}"#,
        r#"{"__datetime__":true,"0":-1e300}"#,
        r#"{"__datetime__":true,"0":253402300800}"#,
        r#"{"__datetime__":true,"0":253402300799.9999999}"#,
        r#"{"__datetime__":true,"0":-62135596801}"#,
        r#"{"__datetime__":true,"0":18446744073709551615}"#,
    ] {
        refused::<AsDict<DateTime<Utc>>>(dict);
        refused::<AsDict<OffsetDateTime>>(dict);
    }
    for day in [
        "20200230",
        "00000101",
        "20200001",
        "20201301",
        "2020010",
        "202001020",
        "2020-1-2",
        "+2200102",
        "２０２０",
        "",
    ] {
        let dict = format!(r#"{{"__date__":true,"0":"{day}"}}"#);
        refused::<AsDict<NaiveDate>>(&dict);
        refused::<AsDict<Date>>(&dict);
    }
    for span in ["86400000000000.5", "-86399999913601", "1e400"] {
        let dict = format!(r#"{{"__timedelta__":true,"0":{span}}}"#);
        refused::<AsDict<TimeDelta>>(&dict);
        refused::<AsDict<Duration>>(&dict);
    }
    for not_finite in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut bytes = b"\x82\xad__timedelta__\xc3\xa10\xcb".to_vec();
        bytes.extend(not_finite.to_be_bytes());
        assert_eq!(of_dict::<Duration>(&bytes).unwrap_err().kind(), ErrorKind::Decode);
    }
}

#[test]
fn no_extension_types() {
    for bytes in [
        &b"\xd6\x02\0\0\0\0"[..],    // a date is longer
        b"\xd6\x03\0\0\0\0",         // a span
        b"\xd6\xff\0\0\0\0",         // a timestamp of MessagePack itself
        b"\xd5\x01\0\0",             // too short
        b"\xd7\x01\0\0\0\0\0\0\0\0", // too long
        b"\xc7\0\x01",               // nothing
        b"\xc7\x05\x01\0\0\0\0\0",   // not a whole number of groups
        b"\xc7\xff\x01",             // cut off
        b"\xc9\xff\xff\xff\xff\x01", // cut off, 4 GiB announced
        b"\x01",
        b"\xc0",
        b"\x92\x01\xc4\x04\0\0\0\0",
        b"\xc4\x04\0\0\0\0",
        b"",
    ] {
        assert_eq!(
            of_ext::<DateTime<Utc>>(bytes).unwrap_err().kind(),
            ErrorKind::Decode,
            "{bytes:?}"
        );
        assert_eq!(
            of_ext::<OffsetDateTime>(bytes).unwrap_err().kind(),
            ErrorKind::Decode,
            "{bytes:?}"
        );
    }
    let february = b"\xc7\x0c\x02\0\0\x07\xe4\0\0\0\x02\0\0\0\x1e";
    assert!(of_ext::<NaiveDate>(february).is_err() && of_ext::<Date>(february).is_err());
    let huge = b"\xc7\x0c\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff";
    assert!(of_ext::<NaiveDate>(huge).is_err() && of_ext::<Date>(huge).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    /// Bytes that are nearly dates: neither a panic, nor something that is not written the same again.
    #[test]
    fn damaged_bytes_are_dates_or_errors(
        micros in 0_i128..1 << 50, at: prop::sample::Index, byte: u8, as_ext: bool,
    ) {
        let moment = DateTime::<Utc>::of_micros(micros);
        let mut bytes = if as_ext { ext(moment) } else { dict(moment) }.unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(read) = of_dict::<DateTime<Utc>>(&bytes) {
            let again = dict(read).unwrap();
            prop_assert_eq!(of_dict::<DateTime<Utc>>(&again).unwrap(), read);
        }
        if let Ok(read) = of_ext::<DateTime<Utc>>(&bytes) {
            prop_assert_eq!(ext(read).unwrap(), bytes);
        }
    }

    #[test]
    fn any_bytes_are_no_panic(bytes: Vec<u8>) {
        let _ = MsgpackCodec.decode::<AsDict<NaiveDate>>(&bytes);
        let _ = MsgpackCodec.decode::<AsExt<Duration>>(&bytes);
        let _ = PostcardCodec.decode::<AsDict<OffsetDateTime>>(&bytes);
        let _ = JsonCodec.decode::<AsDict<TimeDelta>>(&bytes);
    }
}
