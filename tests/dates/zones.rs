//! Zones, without a Python that has one.

use chrono::NaiveDateTime;
use larder::{
    Codec, ErrorKind, JsonCodec,
    dates::{AsDict, East, Zone},
};
use proptest::prelude::*;

use crate::libraries::Micros;

/// Half a year an hour more than the other half, in the west.
enum West {}

impl Zone for West {
    fn east(utc: i64) -> i32 {
        if utc.rem_euclid(31_536_000) < 15_768_000 { -14_400 } else { -18_000 }
    }
}

fn json<Z: Zone>(at: NaiveDateTime) -> Vec<u8> {
    let mut out = Vec::new();
    JsonCodec.encode(&AsDict::<_, Z>::from(at), &mut out).unwrap();
    out
}

fn of_json<Z: Zone>(bytes: &[u8]) -> NaiveDateTime {
    JsonCodec.decode::<AsDict<NaiveDateTime, Z>>(bytes).unwrap().into_inner()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn times_come_back(micros in -(1_i128 << 52)..1 << 52) {
        let at = NaiveDateTime::of_micros(micros);
        prop_assert_eq!(of_json::<East<0>>(&json::<East<0>>(at)), at);
        prop_assert_eq!(of_json::<East<20_700>>(&json::<East<20_700>>(at)), at);
        // All but those of the hour that the clock shows twice, which may be the one or the other.
        let (back, away) = (of_json::<West>(&json::<West>(at)), micros.div_euclid(1_000_000));
        let since_change = i64::try_from(away.rem_euclid(31_536_000)).unwrap() - 15_768_000;
        if (-3600..3600).contains(&since_change) {
            prop_assert!((back - at).num_seconds().abs() % 3600 == 0);
        } else {
            prop_assert_eq!(back, at);
        }
    }
}

/// A clock may show what Python has no year for.
#[test]
fn zones_end_with_the_years() {
    let last = br#"{"__datetime__":true,"0":253402300799}"#;
    let error = JsonCodec.decode::<AsDict<NaiveDateTime, East<-1>>>(last).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    let at = of_json::<East<1>>(last);
    assert_eq!(at.to_string(), "9999-12-31 23:59:58");
    let mut out = Vec::new();
    let last = AsDict::<_, East<2>>::from(at);
    assert_eq!(JsonCodec.encode(&last, &mut out).unwrap_err().kind(), ErrorKind::Encode);
}
