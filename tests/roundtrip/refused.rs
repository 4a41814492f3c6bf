//! What is kept only by some, and refused by the others.

use std::collections::BTreeMap;

use larder::{
    Bytes, Entry, ErrorKind, Format, FramedFormat, FullDictFormat, IntTimeFormat, JsonCodec, Meta,
    MsgpackCodec, MsgpackNamedCodec, PostcardCodec, RawCodec, Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::{
    Bits32, Bits64, Newtype, Shape, Unit, Value, everywhere, everywhere_and_raw, gives_back,
    refuses,
};

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
