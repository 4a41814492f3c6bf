//! Dates wherever a value may stand, in every codec.

use std::{collections::BTreeMap, fmt::Debug};

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use larder::{
    BackendExt, Codec, ErrorKind, JsonCodec, LayerExt, Memory, MsgpackCodec, MsgpackNamedCodec,
    PayloadExt, PostcardCodec,
    dates::{AsDict, AsExt, PyDate},
};
use proptest::prelude::*;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use time::{Date, Duration, OffsetDateTime, PrimitiveDateTime, UtcOffset};

use crate::libraries::{Micros, day, dict, ext, of_dict, of_ext};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Event {
    at: AsDict<DateTime<Utc>>,
    day: Option<AsDict<NaiveDate>>,
    none: Option<AsDict<NaiveDate>>,
    spans: Vec<AsDict<TimeDelta>>,
    by_name: BTreeMap<String, AsDict<PrimitiveDateTime>>,
    either: Either,
    pair: (AsDict<OffsetDateTime>, AsDict<Date>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Either {
    Span(AsDict<Duration>),
    At { at: AsDict<NaiveDateTime> },
}

fn event() -> Event {
    let (chrono, time) = day(2020, 1, 2);
    Event {
        at: AsDict::new(DateTime::of_micros(1)),
        day: Some(chrono.into()),
        none: None,
        spans: vec![TimeDelta::of_micros(-1).into(), TimeDelta::zero().into()],
        by_name: [("now".to_owned(), PrimitiveDateTime::of_micros(7).into())].into(),
        either: Either::Span(Duration::of_micros(3).into()),
        pair: (OffsetDateTime::of_micros(-5).into(), time.into()),
    }
}

fn back<T: Serialize + DeserializeOwned>(codec: &impl Codec, value: &T) -> T {
    let mut out = Vec::new();
    codec.encode(value, &mut out).unwrap();
    codec.decode(&out).unwrap()
}

#[test]
fn dicts_stand_anywhere_in_every_codec() {
    let other = Either::At { at: NaiveDateTime::of_micros(9).into() };
    for event in [event(), Event { either: other, ..event() }] {
        assert_eq!(back(&MsgpackCodec, &event), event);
        assert_eq!(back(&MsgpackNamedCodec, &event), event);
        assert_eq!(back(&JsonCodec, &event), event);
        assert_eq!(back(&PostcardCodec, &event), event);
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Compact {
    at: AsExt<DateTime<Utc>>,
    day: Option<AsExt<NaiveDate>>,
    none: Option<AsExt<NaiveDate>>,
    spans: Vec<AsExt<TimeDelta>>,
    by_name: BTreeMap<String, AsExt<Date>>,
    pair: (AsExt<PrimitiveDateTime>, AsExt<Duration>),
}

#[tokio::test]
async fn extension_types_stand_anywhere_in_msgpack() {
    let (chrono, time) = day(2020, 1, 2);
    let compact = Compact {
        at: DateTime::of_micros(1_000_000).into(),
        day: Some(chrono.into()),
        none: None,
        spans: vec![TimeDelta::seconds(90).into(), TimeDelta::zero().into()],
        by_name: [("then".to_owned(), time.into())].into(),
        pair: (
            PrimitiveDateTime::of_micros(0).into(),
            Duration::seconds(i64::from(u32::MAX)).into(),
        ),
    };
    assert_eq!(back(&MsgpackCodec, &compact), compact);
    assert_eq!(back(&MsgpackNamedCodec, &compact), compact);

    let region = Memory::new().msgpack().full_dict().region();
    region.set("k", compact.clone()).await.unwrap();
    assert_eq!(region.get::<Compact>("k").await.unwrap(), Some(compact));
}

#[test]
fn other_codecs_have_no_extension_types() {
    let at = AsExt::new(DateTime::<Utc>::of_micros(0));
    for error in [
        JsonCodec.encode(&at, &mut Vec::new()).unwrap_err(),
        PostcardCodec.encode(&at, &mut Vec::new()).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Encode);
        assert!(error.to_string().contains("only MessagePack has extension types"), "{error}");
    }
    let at = "[1,[0,0,0,0]]".as_bytes();
    for error in [
        JsonCodec.decode::<AsExt<DateTime<Utc>>>(at).unwrap_err(),
        PostcardCodec.decode::<AsExt<DateTime<Utc>>>(b"\x01\x04\0\0\0\0").unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Decode);
        assert!(error.to_string().contains("only MessagePack has extension types"), "{error}");
    }
}

#[test]
fn wrappers_hold_what_the_form_has_room_for() {
    let at = DateTime::<Utc>::from_timestamp(-1, 999_999_999).unwrap();
    assert_eq!(*AsDict::new(at), DateTime::<Utc>::of_micros(-1));
    assert_eq!(*AsExt::new(at), DateTime::<Utc>::of_micros(-1_000_000));
    let span = Duration::nanoseconds(-1);
    assert_eq!(*AsDict::new(span), Duration::of_micros(-1));
    assert_eq!(*AsExt::new(Duration::milliseconds(1999)), Duration::SECOND);
    assert_eq!(AsDict::new(day(2020, 2, 29).0).into_inner(), day(2020, 2, 29).0);
    // The same moment, in UTC.
    let east = UtcOffset::from_hms(2, 0, 0).unwrap();
    let at = OffsetDateTime::of_micros(0).to_offset(east);
    assert_eq!(AsDict::new(at).offset(), UtcOffset::UTC);
    assert_eq!(OffsetDateTime::from(AsDict::new(at)), at);
}

fn refused<T: PyDate>(value: T, why: &str) {
    let error = dict(value).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Encode);
    let text = format!("{error:?}");
    assert!(text.contains(why), "{text}");
}

#[test]
fn what_python_does_not_have_is_refused() {
    refused(DateTime::<Utc>::MAX_UTC, "years 1 to 9999");
    refused(DateTime::<Utc>::MIN_UTC, "years 1 to 9999");
    refused(NaiveDate::MAX, "years 1 to 9999");
    refused(NaiveDate::from_ymd_opt(0, 12, 31).unwrap(), "years 1 to 9999");
    refused(TimeDelta::MAX, "years 1 to 9999");
    refused(Duration::MIN, "999999999 days");
    refused(Duration::MAX, "999999999 days");
    refused(Date::MIN, "years 1 to 9999");
    refused(NaiveDateTime::of_micros(253_402_300_799_999_999), "round it to whole seconds");
    for outside in [-1, 1_i128 << 32] {
        let outside = outside * 1_000_000;
        for error in [
            ext(NaiveDateTime::of_micros(outside)).unwrap_err(),
            ext(Duration::of_micros(outside)).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Encode);
            assert!(format!("{error:?}").contains("use the dict form"), "{error:?}");
        }
    }
}

fn comes_back<T: Micros>(micros: i128) -> Result<(), TestCaseError> {
    let at = T::of_micros(micros);
    prop_assert_eq!(of_dict::<T>(&dict(at).unwrap()).unwrap(), at);
    Ok(())
}

/// Either every microsecond, or an error.
fn comes_back_or_not<T: Micros>(micros: i128) -> Result<(), TestCaseError> {
    let at = T::of_micros(micros);
    match dict(at) {
        Ok(bytes) => prop_assert_eq!(of_dict::<T>(&bytes).unwrap(), at),
        Err(error) => prop_assert_eq!(error.kind(), ErrorKind::Encode),
    }
    let seconds = micros.div_euclid(1_000_000) * 1_000_000;
    comes_back::<T>(seconds)
}

/// 2³³ seconds.
const NEAR: i128 = (1 << 33) * 1_000_000;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn near_times_come_back_to_the_microsecond(micros in -NEAR + 1..NEAR) {
        comes_back::<DateTime<Utc>>(micros)?;
        comes_back::<NaiveDateTime>(micros)?;
        comes_back::<OffsetDateTime>(micros)?;
        comes_back::<PrimitiveDateTime>(micros)?;
        comes_back::<TimeDelta>(micros)?;
        comes_back::<Duration>(micros)?;
    }

    #[test]
    fn far_times_come_back_or_are_refused(
        at in -62_135_596_800_000_000_i128..253_402_300_800_000_000,
        span in -86_399_999_913_600_000_000_i128..86_400_000_000_000_000_000,
    ) {
        comes_back_or_not::<DateTime<Utc>>(at)?;
        comes_back_or_not::<OffsetDateTime>(at)?;
        comes_back_or_not::<TimeDelta>(span)?;
        comes_back_or_not::<Duration>(span)?;
    }

    #[test]
    fn whole_seconds_come_back_as_extension_types(seconds: u32) {
        let micros = i128::from(seconds) * 1_000_000;
        let at = DateTime::<Utc>::of_micros(micros);
        prop_assert_eq!(of_ext::<DateTime<Utc>>(&ext(at).unwrap()).unwrap(), at);
        let span = Duration::of_micros(micros);
        prop_assert_eq!(of_ext::<Duration>(&ext(span).unwrap()).unwrap(), span);
    }

    #[test]
    fn days_come_back(days in 0_u32..3_652_059) {
        let first = NaiveDate::from_ymd_opt(1, 1, 1).unwrap();
        let day = first + TimeDelta::days(days.into());
        prop_assert_eq!(of_dict::<NaiveDate>(&dict(day).unwrap()).unwrap(), day);
        prop_assert_eq!(of_ext::<NaiveDate>(&ext(day).unwrap()).unwrap(), day);
        let other: Date = of_dict(&dict(day).unwrap()).unwrap();
        prop_assert_eq!(other.to_string(), day.to_string());
    }
}
