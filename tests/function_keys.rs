//! Derived keys: no two different argument lists share one.

#![expect(clippy::unwrap_used, reason = "a failing test panics")]

use std::collections::{BTreeMap, HashMap, HashSet};

use larder::function::CallKey;
use proptest::{collection::vec, prelude::*, sample::select};
use serde::{
    Serialize, Serializer,
    ser::{
        SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
        SerializeTupleStruct, SerializeTupleVariant,
    },
};

/// Everything that serde knows, told faithfully.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Value {
    Bool(bool),
    Int(i128),
    /// Halves.
    Float(i32),
    Char(char),
    Text(String),
    Bytes(Vec<u8>),
    None,
    Some(Box<Value>),
    Unit,
    List(Vec<Value>),
    Tuple(Vec<Value>),
    Map(BTreeMap<Value, Value>),
    UnitStruct(&'static str),
    Newtype(&'static str, Box<Value>),
    TupleStruct(&'static str, Vec<Value>),
    Struct(&'static str, Vec<(&'static str, Value)>),
    UnitVariant(&'static str, &'static str),
    NewtypeVariant(&'static str, &'static str, Box<Value>),
    TupleVariant(&'static str, &'static str, Vec<Value>),
    StructVariant(&'static str, &'static str, Vec<(&'static str, Value)>),
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bool(v) => to.serialize_bool(*v),
            Self::Int(v) => to.serialize_i128(*v),
            Self::Float(halves) => to.serialize_f64(f64::from(*halves) / 2.0),
            Self::Char(v) => to.serialize_char(*v),
            Self::Text(v) => to.serialize_str(v),
            Self::Bytes(v) => to.serialize_bytes(v),
            Self::None => to.serialize_none(),
            Self::Some(v) => to.serialize_some(v),
            Self::Unit => to.serialize_unit(),
            Self::List(all) => {
                let mut list = to.serialize_seq(None)?;
                all.iter().try_for_each(|v| list.serialize_element(v))?;
                list.end()
            }
            Self::Tuple(all) => {
                let mut tuple = to.serialize_tuple(all.len())?;
                all.iter().try_for_each(|v| tuple.serialize_element(v))?;
                tuple.end()
            }
            Self::Map(all) => {
                let mut map = to.serialize_map(None)?;
                // In another order than theirs.
                all.iter().rev().try_for_each(|(k, v)| map.serialize_entry(k, v))?;
                map.end()
            }
            Self::UnitStruct(name) => to.serialize_unit_struct(name),
            Self::Newtype(name, v) => to.serialize_newtype_struct(name, v),
            Self::TupleStruct(name, all) => {
                let mut tuple = to.serialize_tuple_struct(name, all.len())?;
                all.iter().try_for_each(|v| tuple.serialize_field(v))?;
                tuple.end()
            }
            Self::Struct(name, all) => {
                let mut fields = to.serialize_struct(name, all.len())?;
                all.iter().try_for_each(|(name, v)| fields.serialize_field(name, v))?;
                fields.end()
            }
            Self::UnitVariant(name, variant) => to.serialize_unit_variant(name, 0, variant),
            Self::NewtypeVariant(name, variant, v) => {
                to.serialize_newtype_variant(name, 0, variant, v)
            }
            Self::TupleVariant(name, variant, all) => {
                let mut tuple = to.serialize_tuple_variant(name, 0, variant, all.len())?;
                all.iter().try_for_each(|v| tuple.serialize_field(v))?;
                tuple.end()
            }
            Self::StructVariant(name, variant, all) => {
                let mut fields = to.serialize_struct_variant(name, 0, variant, all.len())?;
                all.iter().try_for_each(|(name, v)| fields.serialize_field(name, v))?;
                fields.end()
            }
        }
    }
}

/// Few and nasty, so that near misses are common.
fn text() -> impl Strategy<Value = String> {
    vec(
        select(vec![
            'a', ' ', ',', '"', '%', '2', '0', '(', ')', '[', ']', '?', '\n', 'é', '\u{2028}',
        ]),
        0..4,
    )
    .prop_map(|chars| chars.into_iter().collect())
}

fn name() -> impl Strategy<Value = &'static str> {
    select(vec!["A", "B", "", "_", "A::B", "a(b", "true", "7", "?", "a b"])
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        (-2..12_i128).prop_map(Value::Int),
        any::<i128>().prop_map(Value::Int),
        (-3..4).prop_map(Value::Float),
        select(vec!['a', ' ', '\'', '7']).prop_map(Value::Char),
        text().prop_map(Value::Text),
        vec(0..3_u8, 0..3).prop_map(Value::Bytes),
        Just(Value::None),
        Just(Value::Unit),
        name().prop_map(Value::UnitStruct),
        (name(), name()).prop_map(|(name, variant)| Value::UnitVariant(name, variant)),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let many = || vec(inner.clone(), 0..3);
        let fields = || vec((name(), inner.clone()), 0..3);
        let one = || inner.clone().prop_map(Box::new);
        prop_oneof![
            one().prop_map(Value::Some),
            many().prop_map(Value::List),
            many().prop_map(Value::Tuple),
            vec((inner.clone(), inner.clone()), 0..3)
                .prop_map(|all| Value::Map(all.into_iter().collect())),
            (name(), one()).prop_map(|(name, v)| Value::Newtype(name, v)),
            (name(), many()).prop_map(|(name, all)| Value::TupleStruct(name, all)),
            (name(), fields()).prop_map(|(name, all)| Value::Struct(name, all)),
            (name(), name(), one())
                .prop_map(|(name, variant, v)| Value::NewtypeVariant(name, variant, v)),
            (name(), name(), many())
                .prop_map(|(name, variant, all)| Value::TupleVariant(name, variant, all)),
            (name(), name(), fields())
                .prop_map(|(name, variant, all)| Value::StructVariant(name, variant, all)),
        ]
    })
}

fn key(namespace: Option<&str>, arguments: &[Value]) -> String {
    let mut key = CallKey::new("app::load");
    if let Some(namespace) = namespace {
        key.namespace(namespace);
    }
    for argument in arguments {
        key.argument("argument", argument).unwrap();
    }
    key.end().as_str().to_owned()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    /// All calls of one batch against each other: two have one key only if they are the same.
    #[test]
    fn no_two_calls_share_a_key(
        calls in vec((prop::option::of(text()), vec(value(), 0..4)), 200)
    ) {
        let mut seen = HashMap::new();
        for call in &calls {
            let (namespace, arguments) = call;
            let key = key(namespace.as_deref(), arguments);
            prop_assert!(!key.contains(|c: char| c.is_whitespace() || c.is_control()), "{key:?}");
            let other = seen.entry(key.clone()).or_insert(call);
            prop_assert_eq!(*other, call, "both have the key {}", key);
        }
    }

    /// The same for texts alone, where the borders between arguments are at stake.
    #[test]
    fn no_two_lists_of_texts_share_a_key(lists in vec(vec(text(), 0..4), 300)) {
        let distinct: HashSet<_> = lists.iter().collect();
        let keys: HashSet<_> = lists
            .iter()
            .map(|list| key(None, &list.iter().cloned().map(Value::Text).collect::<Vec<_>>()))
            .collect();
        prop_assert_eq!(distinct.len(), keys.len());
    }
}

/// The key of a call with these arguments.
macro_rules! key {
    () => {
        CallKey::new("f").end().as_str().to_owned()
    };
    ($($argument:expr),*) => {{
        let mut key = CallKey::new("f");
        $(key.argument("a", &$argument).unwrap();)*
        key.end().as_str().to_owned()
    }};
}

#[test]
fn arguments_are_written_as_documented() {
    #[derive(Serialize)]
    struct User {
        id: u8,
    }
    #[derive(Serialize)]
    struct Id(u8);
    #[derive(Serialize)]
    struct Point(u8, u8);
    #[derive(Serialize)]
    struct Unit;
    #[derive(Serialize)]
    enum Shape {
        Red,
        Disc(f64),
        Box(u8, u8),
        Rect { w: u8, h: u8 },
    }
    assert_eq!(key!(), "f()");
    assert_eq!(key!(7, "ann lee"), r#"f(7,"ann%20lee")"#);
    assert_eq!(key!(-1, 1.5, 1.0, f64::NAN, true), "f(-1,1.5,1.0,NaN,true)");
    assert_eq!(key!('x', '\''), "f('x','%27')");
    assert_eq!(key!(serde_bytes::Bytes::new(&[0, 255])), "f(#00ff)");
    assert_eq!(key!(None::<u8>, Some(7), Some(None::<u8>), ()), "f(?,?7,??,_)");
    assert_eq!(key!(vec![1, 2], (1, "a"), [3]), r#"f([1,2],(1,"a"),(3))"#);
    assert_eq!(key!(HashMap::from([("b", 2), ("a", 1), ("c", 3)])), r#"f({"a"=1,"b"=2,"c"=3})"#);
    assert_eq!(
        key!(User { id: 7 }, Id(7), Point(1, 2), Unit),
        "f(User{id:7},Id[7],Point(1,2),Unit[])"
    );
    assert_eq!(
        key!(Shape::Red, Shape::Disc(2.5), Shape::Box(1, 2), Shape::Rect { w: 1, h: 2 }),
        "f(Shape::Red,Shape::Disc[2.5],Shape::Box(1,2),Shape::Rect{w:1,h:2})"
    );
    assert_eq!(key!(std::net::Ipv4Addr::LOCALHOST), r#"f("127.0.0.1")"#);
}

#[test]
fn what_the_others_mix_up_is_told_apart() {
    assert_ne!(key!("a b", "c"), key!("a", "b c"));
    assert_ne!(key!(1), key!("1"));
    assert_ne!(key!("a\",\"b"), key!("a", "b"));
    assert_ne!(key!("?"), key!(None::<u8>));
    assert_ne!(key!(vec![1, 2], 3), key!(vec![1], 2, 3));
}

#[test]
fn maps_have_no_order() {
    struct Map(Vec<(&'static str, u8)>);
    impl Serialize for Map {
        fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            to.collect_map(self.0.iter().copied())
        }
    }
    let entries = [("b", 2), ("", 1), ("a", 10)];
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
        let map = Map(order.iter().map(|at| entries[*at]).collect());
        assert_eq!(key!(map, 3), r#"f({""=1,"a"=10,"b"=2},3)"#);
    }
    assert_eq!(key!(Map(Vec::new())), "f({})");
}

#[test]
fn parameters_come_before_arguments() {
    let mut key = CallKey::new("app::load");
    key.namespace("eu [west]");
    key.type_parameter::<HashMap<String, (u8, u16)>>();
    key.const_parameter(3);
    key.argument("id", &7).unwrap();
    assert_eq!(
        key.end().as_str(),
        "app::load[eu%20[west%5d]<std::collections::hash::map::HashMap<alloc::string::String,%20(u8,%20u16)>,3>(7)"
    );
    let mut key = CallKey::new("app::load");
    key.type_parameter::<u8>();
    assert_eq!(key.end().as_str(), "app::load<u8>()");
}

#[test]
fn what_cannot_be_written_is_an_error_that_names_the_argument() {
    struct Broken;
    impl Serialize for Broken {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("out of ink"))
        }
    }
    let error = CallKey::new("app::load").argument("pen", &Broken).unwrap_err();
    assert_eq!(
        error.to_string(),
        "function: the argument `pen` of app::load cannot be part of a key: out of ink; skip it, or \
         write a `key`"
    );

    let deep = (0..1000).fold(Value::Unit, |inner, _| Value::Some(Box::new(inner)));
    let error = CallKey::new("app::load").argument("deep", &deep).unwrap_err();
    assert!(error.to_string().contains("deeper than 127 levels"), "{error}");
}
