//! Python reads what larder writes, and shifts what it reads.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use larder::{
    Codec, MsgpackCodec,
    dates::{AsDict, AsExt, East, Zone},
};
use time::{OffsetDateTime, PrimitiveDateTime};

use crate::{
    libraries::{Micros, day, dict, ext},
    support::{
        hex::{hex, unhex},
        python::{python, python_with},
    },
};

const AT: i128 = 1_577_934_245_678_901;

#[test]
fn python_reads_what_larder_writes() {
    let (chrono, time) = day(2020, 1, 2);
    let written = [
        (dict(DateTime::<Utc>::of_micros(AT)), "\"1577934245678901\""),
        (dict(OffsetDateTime::of_micros(-AT)), "\"-1577934245678901\""),
        (ext(NaiveDateTime::of_micros(AT)), "\"1577934245000000\""),
        (dict(chrono), "[2020, 1, 2]"),
        (ext(time), "[2020, 1, 2]"),
        (dict(TimeDelta::of_micros(-1)), "\"-1\""),
        (ext(TimeDelta::of_micros(1_500_000)), "\"1000000\""),
    ];
    let mut args = vec!["read".to_owned()];
    args.extend(written.iter().map(|(bytes, _)| hex(bytes.as_ref().unwrap())));
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let expected: Vec<&str> = written.iter().map(|(_, read)| *read).collect();
    for environment in ["current", "before"] {
        let said = python(environment, "dates.py", &args);
        assert_eq!(said.lines().collect::<Vec<_>>(), expected, "{environment}");
    }
}

/// Berlin in 2019 and 2020.
enum Berlin {}

impl Zone for Berlin {
    fn east(utc: i64) -> i32 {
        let summers = [1_553_994_000..1_572_138_000, 1_585_443_600..1_603_587_600];
        if summers.iter().any(|summer| summer.contains(&utc)) { 7200 } else { 3600 }
    }
}

/// What Python writes after it has read `bytes`.
fn again(zone: &str, bytes: &[u8]) -> Vec<u8> {
    let hex = hex(bytes);
    let said = python_with("current", "dates.py", &["again", &hex], &[("TZ", zone)]);
    unhex(said.trim_end())
}

fn read<Z: Zone>(bytes: &[u8]) -> NaiveDateTime {
    MsgpackCodec.decode::<AsDict<NaiveDateTime, Z>>(bytes).unwrap().into_inner()
}

#[test]
fn what_python_has_shifted_is_read() {
    let at = NaiveDateTime::of_micros(AT);
    let first = dict(at).unwrap();
    // Hours ahead of UTC have a minus there.
    let shifted = again("JST-9", &first);
    assert_eq!(read::<East<0>>(&shifted), at + TimeDelta::hours(9));
    assert_eq!(read::<East<32400>>(&shifted), at);
    let twice = again("JST-9", &shifted);
    assert_eq!(read::<East<64800>>(&twice), at);
    let west = again("NST3:30", &first);
    assert_eq!(read::<East<-12600>>(&west), at);
    assert_eq!(again("UTC", &first), first);

    // What is written with a zone is what Python writes in it.
    let mut out = Vec::new();
    MsgpackCodec.encode(&AsDict::<_, East<32400>>::from(at), &mut out).unwrap();
    assert_eq!(out, shifted);

    let shifted = again("JST-9", &ext(at).unwrap());
    let back: AsExt<PrimitiveDateTime, East<32400>> = MsgpackCodec.decode(&shifted).unwrap();
    assert_eq!(back.into_inner(), PrimitiveDateTime::of_micros(AT / 1_000_000 * 1_000_000));

    // Days and spans have no zone.
    for bytes in [dict(day(2020, 1, 2).0).unwrap(), ext(TimeDelta::hours(1)).unwrap()] {
        assert_eq!(again("JST-9", &bytes), bytes);
    }
}

#[test]
fn summers_have_another_offset() {
    const BERLIN: &str = "CET-1CEST,M3.5.0,M10.5.0/3";
    let hour = 3_600_000_000;
    for at in [
        AT,
        1_590_000_000_123_456,
        // Around the changes, but for the hour that the clock shows twice.
        1_585_443_600_000_000 - hour,
        1_585_443_600_000_000 - 1,
        1_585_443_600_000_000,
        1_585_443_600_000_000 + hour,
        1_603_587_600_000_000 - hour - 1,
        1_603_587_600_000_000 + hour,
    ] {
        let at = NaiveDateTime::of_micros(at);
        let shifted = again(BERLIN, &dict(at).unwrap());
        assert_eq!(read::<Berlin>(&shifted), at, "{at}");
        let mut out = Vec::new();
        MsgpackCodec.encode(&AsDict::<_, Berlin>::from(at), &mut out).unwrap();
        assert_eq!(out, shifted, "{at}");
    }
}
