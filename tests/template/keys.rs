//! Who has the same fragment, and who has not.

use std::collections::{BTreeMap, HashSet};

use larder::{ErrorKind, Invalidation, template::Fragments};
use minijinja::{AutoEscape, Value, context, value::Tuple};

use crate::{failure, memo, render, site, site_in};

const ROW: &str = "{% call cached('row', key=key) %}{{ tick() }}{% endcall %}";

#[test]
fn each_key_has_a_fragment_of_its_own() {
    let (site, ticks) = site(&[("row.html", ROW)]);
    let list = |values: &[Value]| values.iter().cloned().collect::<Value>();
    let keys = [
        Value::from(()),
        7.into(),
        (-7).into(),
        7.0.into(),
        0.5.into(),
        1e300.into(),
        f64::NAN.into(),
        f64::INFINITY.into(),
        i64::MIN.into(),
        u64::MAX.into(),
        u128::MAX.into(),
        i128::MIN.into(),
        true.into(),
        false.into(),
        "7".into(),
        "true".into(),
        "".into(),
        "?".into(),
        "NaN".into(),
        "[7]".into(),
        "7,8".into(),
        "7\",\"8".into(),
        "a b".into(),
        "a%20b".into(),
        "\u{0}".into(),
        list(&[]),
        list(&[7.into()]),
        list(&[7.into(), 8.into()]),
        list(&["7".into(), "8".into()]),
        list(&["7,8".into()]),
        list(&["7\",\"8".into()]),
        list(&[list(&[7.into()]), 8.into()]),
        list(&[list(&[7.into(), 8.into()])]),
        list(&[Value::from(())]),
        list(&["a".into(), "b:c".into()]),
        list(&["a:b".into(), "c".into()]),
    ];
    for round in 0..2 {
        for (at, key) in keys.iter().enumerate() {
            let text = render(&site, "row.html", context!(key)).unwrap();
            assert_eq!(text, (at + 1).to_string(), "{key:?} in round {round}");
        }
    }
    assert_eq!(ticks.count(), keys.len());
}

#[test]
fn a_tuple_is_a_list() {
    let (site, _) = site(&[("row.html", ROW)]);
    let parts = vec![Value::from(7), Value::from("a")];
    let of_list = render(&site, "row.html", context!(key => parts.clone())).unwrap();
    let tuple = Value::from_object(Tuple::new(parts));
    assert_eq!(render(&site, "row.html", context!(key => tuple)).unwrap(), of_list);
}

#[test]
fn a_name_ends_where_it_ends() {
    let (site, _) =
        site(&[("page.html", "{% call cached(name, key=key) %}{{ tick() }}{% endcall %}")]);
    let cases = [
        ("a", Value::from("b:c")),
        ("a:b", Value::from("c")),
        ("a:\"b", Value::from("c")),
        ("a", Value::from(7)),
        ("a:7", Value::from(())),
        ("a%3a7", Value::from(())),
        ("", Value::from("a")),
        ("a", Value::from("")),
        ("a", Value::from(())),
    ];
    let texts: HashSet<_> = cases
        .iter()
        .map(|(name, key)| render(&site, "page.html", context!(name => *name, key)).unwrap())
        .collect();
    assert_eq!(texts.len(), cases.len());
}

/// A user's text that looks like the rest of a key.
#[test]
fn text_of_users_stays_in_its_place() {
    let key = |name: &str, key: Value| {
        let key = Fragments::key("index.html", &AutoEscape::Html, name, key).unwrap();
        key.as_key().name().to_owned()
    };
    assert_eq!(key("sidebar", 7.into()), "html:index.html:sidebar:7");
    assert_eq!(key("sidebar", ().into()), "html:index.html:sidebar");
    let hostile = "x\"]:html:index.html:admin:1\r\nset a\u{ff}";
    let list = Value::from_iter([Value::from(hostile), true.into(), ().into()]);
    assert_eq!(
        key("a:b", list),
        "html:index.html:a%3ab:[\"x%22]:html:index.html:admin:1%0d%0aset%20a\u{ff}\",true,?]"
    );
}

#[test]
fn two_templates_may_use_one_name() {
    let block = "{% call cached('menu', key=1) %}{{ tick() }}{% endcall %}";
    let (site, ticks) = site(&[
        ("index.html", block),
        ("admin.html", block),
        ("a.html", "{% include 'index.html' %}"),
        (
            "macros.html",
            "{% macro menu() %}{% call cached('menu') %}{{ tick() }}{% endcall %}{% endmacro %}",
        ),
        ("b.html", "{% import 'macros.html' as macros %}{{ macros.menu() }}"),
        ("c.html", "{% from 'macros.html' import menu %}{{ menu() }}"),
        (
            "base.html",
            "{% call cached('head') %}{{ tick() }}{% endcall %}{% block body %}{% endblock %}",
        ),
        (
            "d.html",
            "{% extends 'base.html' %}{% block body %}{% call cached('head') %}{{ tick() }}{% endcall %}{% endblock %}",
        ),
        (
            "e.html",
            "{% extends 'base.html' %}{% block body %}{% call cached('head') %}{{ tick() }}{% endcall %}{% endblock %}",
        ),
    ]);
    let shows = |name: &str| render(&site, name, ()).unwrap();
    assert_eq!(shows("index.html"), "1");
    assert_eq!(shows("admin.html"), "2");
    // What stands in one place is shared by all who use it.
    assert_eq!(shows("a.html"), "1");
    assert_eq!(shows("b.html"), "3");
    assert_eq!(shows("c.html"), "3");
    // The part of the base is one, those of the pages are their own.
    assert_eq!(shows("d.html"), "45");
    assert_eq!(shows("e.html"), "46");
    assert_eq!(ticks.count(), 6);
}

#[test]
fn what_cannot_be_a_key_is_an_error_that_says_so() {
    let (site, ticks) = site(&[
        ("row.html", ROW),
        ("list.html", "{% call cached('row', key=[1, user.id]) %}{{ tick() }}{% endcall %}"),
        ("lazy.html", "{% call cached('row', key=range(3)) %}{{ tick() }}{% endcall %}"),
    ]);
    let error = failure(&site, "row.html", context!(kee => 1));
    assert_eq!(error.kind(), minijinja::ErrorKind::UndefinedError);
    assert_eq!(error.line(), Some(1));
    let text = error.to_string();
    assert!(text.contains("the key of fragment `row`"), "{text}");
    assert!(text.contains("undefined: with a misspelt variable"), "{text}");
    let error = failure(&site, "list.html", context!(user => BTreeMap::from([("name", 1)])));
    assert_eq!(error.kind(), minijinja::ErrorKind::UndefinedError);

    let map = Value::from(BTreeMap::from([("id", 7)]));
    let text = failure(&site, "row.html", context!(key => map.clone())).to_string();
    assert!(text.contains("of kind map; take numbers, strings"), "{text}");
    let nested = Value::from_iter([Value::from(1), map]);
    assert!(failure(&site, "row.html", context!(key => nested)).to_string().contains("kind map"));
    let bytes = Value::from_bytes(vec![7]);
    assert!(failure(&site, "row.html", context!(key => bytes)).to_string().contains("kind bytes"));
    let lazy = Value::make_iterable(|| 0..3);
    assert!(failure(&site, "row.html", context!(key => lazy)).to_string().contains("|list"));
    let mut deep = Value::from(7);
    for level in 0..17 {
        if level == 16 {
            render(&site, "row.html", context!(key => deep.clone())).unwrap();
        }
        deep = Value::from_iter([deep]);
    }
    let text = failure(&site, "row.html", context!(key => deep)).to_string();
    assert!(text.contains("a list within 16 others"), "{text}");
    assert_eq!(ticks.count(), 1);

    let error = Fragments::key("a", &AutoEscape::None, "b", Value::UNDEFINED).unwrap_err();
    assert_eq!((error.kind(), error.layer()), (ErrorKind::Encode, "template"));
    assert!(error.to_string().contains("fragment `b`"), "{error}");
}

#[test]
fn one_is_forgotten_by_its_key_and_all_with_the_region() {
    let pages = memo();
    let blocking = pages.blocking();
    let (site, _) = site_in(&pages, &[("row.html", ROW)]);
    let shows = |key: i64| render(&site, "row.html", context!(key)).unwrap();
    assert_eq!([shows(7), shows(8)], ["1", "2"]);
    let seven = Fragments::key("row.html", &AutoEscape::Html, "row", 7).unwrap();
    assert_eq!(blocking.get(&seven).unwrap().as_deref(), Some("1"));
    blocking.delete(&seven).unwrap();
    assert_eq!([shows(7), shows(8)], ["3", "2"]);
    blocking.set(&seven, "ready".to_owned()).unwrap();
    assert_eq!(shows(7), "ready");
    blocking.invalidate(Invalidation::Hard).unwrap();
    assert_eq!([shows(7), shows(8)], ["4", "5"]);
}
