//! What `cached` is told, and what it answers to nonsense.

use std::{error::Error as _, time::Duration};

use larder::{ErrorKind, LayerExt, ManualClock, Memo, Region, Timestamp, template::Fragments};
use minijinja::{Environment, Value, context};

use crate::{Pages, bare, failure, memo, render, site};

/// Fresh for a minute, on a manual clock.
fn minute() -> (Pages, ManualClock) {
    let time = ManualClock::new(Timestamp::from_secs(1_000_000));
    let pages = Region::builder(Memo::new().with_clock(time.clock()))
        .expire_after(Duration::from_secs(60))
        .keep_for(Duration::from_secs(1_000_000))
        .clock(time.clock())
        .build()
        .unwrap();
    (pages, time)
}

fn page(expire: impl Into<Value>) -> Value {
    let expire = expire.into();
    context!(expire)
}

const PAGE: &str = "{% call cached('page', expire=expire) %}{{ tick() }}{% endcall %}";

#[test]
fn expire_is_a_time_or_seconds() {
    let times: [(Value, u64); 12] = [
        ("5m".into(), 300_000),
        ("1h30m".into(), 5_400_000),
        (" 1h 30m ".into(), 5_400_000),
        ("250ms".into(), 250),
        ("90".into(), 90_000),
        (90.into(), 90_000),
        (90_u64.into(), 90_000),
        (1.5.into(), 1_500),
        ("1.5s".into(), 1_500),
        (().into(), 60_000),
        (Value::from_safe_string("5m".to_owned()), 300_000),
        ("2d".into(), 172_800_000),
    ];
    for (expire, millis) in times {
        let (pages, time) = minute();
        let (mut site, _) = bare(&[("page.html", PAGE)]);
        Fragments::new().region("pages", pages).install(&mut site).unwrap();
        let shows = || render(&site, "page.html", page(expire.clone())).unwrap();
        assert_eq!(shows(), "1", "{expire:?}");
        time.advance(Duration::from_millis(millis));
        assert_eq!(shows(), "1", "{expire:?}");
        time.advance(Duration::from_millis(1));
        assert_eq!(shows(), "2", "{expire:?}");
    }
}

#[test]
fn lifetimes_without_end_and_without_beginning() {
    let (pages, time) = minute();
    let (mut site, _) = bare(&[("page.html", PAGE)]);
    Fragments::new().region("pages", pages).install(&mut site).unwrap();
    let shows = |expire: Value| {
        time.advance(Duration::from_secs(1));
        render(&site, "page.html", page(expire)).unwrap()
    };
    assert_eq!(shows(1e18.into()), "1");
    assert_eq!(shows("9999999w".into()), "1");
    assert_eq!(shows(0.into()), "2");
    assert_eq!(shows("0s".into()), "3");
    assert_eq!(shows("1h".into()), "3");
}

#[test]
fn other_times_are_refused() {
    let (site, ticks) = site(&[("page.html", PAGE)]);
    let times: [Value; 14] = [
        "".into(),
        "5 parsecs".into(),
        "-5m".into(),
        "5m1h".into(),
        "soon".into(),
        (-1).into(),
        (-0.5).into(),
        f64::NAN.into(),
        f64::INFINITY.into(),
        1e300.into(),
        true.into(),
        Value::UNDEFINED,
        vec![5].into(),
        "99999999999999999999w".into(),
    ];
    for expire in times {
        let error = failure(&site, "page.html", page(expire.clone()));
        let text = error.to_string();
        assert!(text.contains("fragment `page`: `expire` is "), "{text}");
        assert!(text.contains("write a time such as \"5m\""), "{text}");
        assert!(text.contains("page.html:1"), "{text}");
    }
    let long = "x".repeat(1_000);
    let text = failure(&site, "page.html", page(long)).to_string();
    assert!(text.contains("`expire` is a string;"), "{text}");
    assert_eq!(ticks.count(), 0);
}

#[test]
fn the_first_region_is_for_those_who_name_none() {
    let (mut site, _) = bare(&[(
        "page.html",
        "{% call cached('page', region=region) %}{{ tick() }}{% endcall %}\
         {% call cached('page') %}{{ tick() }}{% endcall %}",
    )]);
    let (first, second) = (memo(), memo());
    Fragments::new()
        .region("short", first.clone())
        .region("default".to_owned(), second.clone())
        .install(&mut site)
        .unwrap();
    let shows = |region: Value| render(&site, "page.html", context!(region)).unwrap();
    assert_eq!(shows("default".into()), "12");
    assert_eq!(shows("short".into()), "22");
    assert_eq!(shows(().into()), "22");
    assert_eq!((first.stats().creations, second.stats().creations), (1, 1));

    for (region, asked) in [
        (Value::from("long"), "`'long'`"),
        (Value::UNDEFINED, "`undefined`"),
        (Value::from(7), "`7`"),
        (Value::from("x".repeat(100)), "a string"),
    ] {
        let text = failure(&site, "page.html", context!(region)).to_string().to_lowercase();
        let expected =
            format!("fragment `page`: there is no region {asked}; there is `short`, `default`");
        assert!(text.contains(&expected), "{text}");
    }
}

#[test]
fn a_list_of_regions_that_makes_no_sense_is_refused() {
    let refused = |fragments: Fragments| {
        let error = fragments.install(&mut Environment::new()).unwrap_err();
        assert_eq!((error.kind(), error.layer()), (ErrorKind::Config, "template"));
        error.to_string()
    };
    assert!(refused(Fragments::new()).contains("there is no region for fragments"));
    let twice = Fragments::new().region("a", memo()).region("b", memo()).region("a", memo());
    assert_eq!(format!("{twice:?}"), r#"Fragments { regions: ["a", "b", "a"] }"#);
    assert!(refused(twice).contains("two regions for fragments are called `a`"));
}

#[test]
fn a_call_that_makes_no_sense_is_refused() {
    let body = |call: &str| format!("{{% call cached({call}) %}}{{{{ tick() }}}}{{% endcall %}}");
    let (site, ticks) = site(&[]);
    for (source, expected) in [
        (body(""), "begins with the name of the fragment"),
        (body("name"), "begins with the name of the fragment"),
        (body("none"), "begins with the name of the fragment"),
        (body("7"), "begins with the name of the fragment"),
        (body("key=7"), "begins with the name of the fragment"),
        (body("'page', 7"), "too many arguments"),
        (body("'page', keys=7"), "unknown keyword argument 'keys'"),
        (body("'page', ttl='5m'"), "unknown keyword argument 'ttl'"),
        (
            "{{ cached('page') }}".to_owned(),
            "fragment `page` has no body: {% call cached(\"page\") %}",
        ),
        ("{{ cached('page', caller=7) }}".to_owned(), "not callable"),
    ] {
        let error = site.render_named_str("page.html", &source, ()).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(expected), "{source}: {text}");
        assert!(text.contains("page.html:1"), "{source}: {text}");
        assert!(error.source().is_none());
    }
    assert_eq!(ticks.count(), 0);
}

#[test]
fn environments_share_what_they_are_cloned_from() {
    let (site, ticks) = site(&[("page.html", PAGE)]);
    let other = site.clone();
    assert_eq!(render(&site, "page.html", page(60)).unwrap(), "1");
    assert_eq!(render(&other, "page.html", page(60)).unwrap(), "1");
    assert_eq!(ticks.count(), 1);
}

/// Any stack that keeps text will do.
#[test]
fn over_bytes_as_over_values() {
    use larder::{BackendExt, Memory, PayloadExt};
    let (mut site, ticks) = bare(&[("page.html", PAGE)]);
    let region = Memory::new().postcard().framed().logging().region();
    Fragments::new().region("pages", region).install(&mut site).unwrap();
    for _ in 0..2 {
        assert_eq!(render(&site, "page.html", page("1h")).unwrap(), "1");
    }
    assert_eq!(ticks.count(), 1);
}
