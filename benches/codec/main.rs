//! Every codec under every format: time and bytes of small, structured and long values.
//!
//! `cargo bench --bench codec`. The first row of each table is what one writes by hand for the entry of
//! `IntTime<Msgpack<_>>`; where the Python packages are, the last one is what dogpile.cache does.

#![allow(clippy::panic, missing_docs, reason = "a program, not a library")]

mod both;

use std::{cell::RefCell, rc::Rc};

use both::{AT, Both, CodedValue};
use larder::{
    CoarseFormat, Codec, DogpileFormat, FramedFormat, FullDictFormat, IntDictFormat, IntTimeFormat,
    JsonCodec, MsgpackCodec, MsgpackNamedCodec, NoMetaFormat, PickleCodec, PostcardCodec, RawCodec,
};
use larder_benches::{Python, Report, User, Value as _, rows};

fn main() {
    let mut report = Report::new("codec");
    let python = Python::start("codec.py", &[]).map(|python| Rc::new(RefCell::new(python)));
    let mut number = Both::new("a number", 2_000, 123_456_u64);
    rows_of(&mut number);
    // Numbers are of the few that plain text has a form for, and nothing beside them.
    number.row::<NoMetaFormat, RawCodec>("NoMeta<Raw>");
    number.row::<FramedFormat, RawCodec>("Framed<Raw>");
    number.row::<CoarseFormat, RawCodec>("Coarse<Raw>");
    number.row::<DogpileFormat, RawCodec>("Dogpile<Raw>");
    number.report(&mut report, "number", python.as_ref());
    let mut user = Both::new("a struct of five fields", 1_000, User::sample());
    rows_of(&mut user);
    user.report(&mut report, "struct", python.as_ref());
    let mut list = Both::new("a list of 50 rows", 50, rows(50));
    rows_of(&mut list);
    list.report(&mut report, "list", python.as_ref());
    report.save();
}

fn rows_of<T: CodedValue>(both: &mut Both<T>) {
    let write = |value: &T| rmp_serde::to_vec(&(value, AT)).expect("it is encoded");
    both.by_hand("by hand: rmp-serde, (value, seconds)", write, |bytes| {
        rmp_serde::from_slice::<(T, i64)>(bytes).expect("it is decoded").0
    });
    let write = |value: &T| postcard::to_allocvec(&(value, AT)).expect("it is encoded");
    both.by_hand("by hand: postcard, (value, seconds)", write, |bytes| {
        postcard::from_bytes::<(T, i64)>(bytes).expect("it is decoded").0
    });
    formats::<T, MsgpackCodec>(both, "Msgpack");
    formats::<T, MsgpackNamedCodec>(both, "MsgpackNamed");
    formats::<T, PostcardCodec>(both, "Postcard");
    formats::<T, JsonCodec>(both, "Json");
    formats::<T, PickleCodec>(both, "Pickle");
}

fn formats<T: CodedValue, C: Codec + Default + 'static>(both: &mut Both<T>, codec: &str) {
    both.row::<NoMetaFormat, C>(&format!("NoMeta<{codec}>"));
    both.row::<IntTimeFormat, C>(&format!("IntTime<{codec}>"));
    both.row::<FullDictFormat, C>(&format!("FullDict<{codec}>"));
    both.row::<IntDictFormat, C>(&format!("IntDict<{codec}>"));
    both.row::<CoarseFormat, C>(&format!("Coarse<{codec}>"));
    both.row::<FramedFormat, C>(&format!("Framed<{codec}>"));
    both.row::<DogpileFormat, C>(&format!("Dogpile<{codec}>"));
}
