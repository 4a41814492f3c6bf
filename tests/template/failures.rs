//! What fails: bodies, and caches.

use std::{error::Error as _, fmt, panic, time::Duration};

use larder::{
    ErrorKind, Invalidation, Memo, Region,
    template::Fragments,
    testing::{Chaos, Fault},
};
use minijinja::{Environment, Error, UndefinedBehavior, Value, context};

use crate::{Ticks, bare, failure, memo, render, site, site_in};

#[derive(Debug)]
struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it is broken")
    }
}

impl std::error::Error for Broken {}

/// A filter that fails as long as it is told to.
fn breaks(value: Value, broken: bool) -> Result<Value, Error> {
    if broken {
        let kind = minijinja::ErrorKind::BadSerialization;
        return Err(Error::new(kind, "cannot do that").with_source(Broken));
    }
    Ok(value)
}

fn strict(templates: &[(&'static str, &'static str)]) -> (Environment<'static>, Ticks) {
    let (mut site, ticks) = site(templates);
    site.set_undefined_behavior(UndefinedBehavior::Strict);
    site.add_filter("breaks", breaks);
    (site, ticks)
}

#[test]
fn a_body_that_fails_says_where_and_is_not_kept() {
    let (mut site, ticks) = strict(&[
        ("a.html", "\n{% call cached('x') %}{{ tick() }}\n\n{{ user.name }}{% endcall %}"),
        ("b.html", "{% call cached('x') %}{{ tick() }}\n{{ 1|breaks(broken) }}{% endcall %}"),
        ("c.html", "{% call cached('x') %}\n\n{% include 'part.html' %}{% endcall %}"),
        ("part.html", "\n\n\n{{ 1|breaks(broken) }}"),
    ]);
    site.set_debug(true);
    for round in 1..3 {
        let error = failure(&site, "a.html", ());
        assert_eq!(error.kind(), minijinja::ErrorKind::UndefinedError);
        assert_eq!((error.name(), error.line()), (Some("a.html"), Some(4)));
        assert_eq!(&error.template_source().unwrap()[error.range().unwrap()], "user.name");
        assert_eq!(ticks.count(), round);
    }
    let user = Value::from_pairs([("name", "ann")]);
    assert_eq!(render(&site, "a.html", context!(user)).unwrap(), "\n3\n\nann");

    let error = failure(&site, "b.html", context!(broken => true));
    assert_eq!(error.kind(), minijinja::ErrorKind::BadSerialization);
    assert_eq!((error.detail(), error.line()), (Some("cannot do that"), Some(2)));
    assert!(error.source().unwrap().is::<Broken>());
    assert_eq!(render(&site, "b.html", context!(broken => false)).unwrap(), "5\n1");

    // As without the cache, whatever the engine makes of an error in an include.
    site.add_template("d.html", "{% macro plain() %}{{ caller() }}{% endmacro %}{% call plain() %}\n\n{% include 'part.html' %}{% endcall %}").unwrap();
    let (cached, plain) = (
        failure(&site, "c.html", context!(broken => true)),
        failure(&site, "d.html", context!(broken => true)),
    );
    assert_eq!(cached.to_string(), plain.to_string().replace("d.html", "c.html"));
    assert_eq!(cached.source().map(ToString::to_string), plain.source().map(ToString::to_string));
}

#[test]
fn an_error_goes_through_fragments_around_it() {
    let (site, ticks) = strict(&[(
        "a.html",
        "{% call cached('outer') %}{{ tick() }}\n{% call cached('inner') %}{{ tick() }}\n\
         {{ 1|breaks(broken) }}{% endcall %}{% endcall %}",
    )]);
    let error = failure(&site, "a.html", context!(broken => true));
    assert_eq!((error.detail(), error.line()), (Some("cannot do that"), Some(3)));
    assert!(error.source().unwrap().is::<Broken>());
    assert_eq!(ticks.count(), 2);
    assert_eq!(render(&site, "a.html", context!(broken => false)).unwrap(), "3\n4\n1");
}

/// A value that holds an error is no text, wherever it comes from.
#[test]
fn a_body_of_invalid_values_fails() {
    let (mut site, _) = site(&[("a.html", "{{ cached('x', caller=sick) }}")]);
    site.add_function("sick", || {
        Value::from(Error::new(minijinja::ErrorKind::BadEscape, "not well"))
    });
    let error = failure(&site, "a.html", ());
    assert_eq!(error.detail(), Some("not well"));
}

#[test]
fn a_stale_fragment_stands_in() {
    let templates =
        [("a.html", "{% call cached('x') %}{{ tick() }}{{ 1|breaks(broken) }}{% endcall %}")];
    for stands_in in [true, false] {
        let pages = Region::builder(Memo::new()).stale_on_error(stands_in).build().unwrap();
        let (mut site, _) = site_in(&pages, &templates);
        site.add_filter("breaks", breaks);
        assert_eq!(render(&site, "a.html", context!(broken => false)).unwrap(), "11");
        pages.blocking().invalidate(Invalidation::Soft).unwrap();
        if stands_in {
            assert_eq!(render(&site, "a.html", context!(broken => true)).unwrap(), "11");
        } else {
            let error = failure(&site, "a.html", context!(broken => true));
            assert_eq!(error.detail(), Some("cannot do that"));
        }
        assert_eq!(pages.stats().failures, 1);
        assert_eq!(render(&site, "a.html", context!(broken => false)).unwrap(), "31");
    }
}

#[test]
fn without_the_cache_bodies_are_rendered() {
    for strict in [false, true] {
        let store = Chaos::new(Memo::new());
        store.handle().inject(Fault::Error(ErrorKind::Unavailable));
        let pages = Region::builder(store).strict(strict).build().unwrap();
        let (mut site, ticks) =
            bare(&[("a.html", "\n{% call cached('x', expire='5m') %}{{ tick() }}{% endcall %}")]);
        Fragments::new().region("pages", pages).install(&mut site).unwrap();
        if strict {
            let error = failure(&site, "a.html", ());
            assert!(error.to_string().contains("fragment `x`: chaos"), "{error}");
            assert_eq!(error.line(), Some(2));
            let cause = error.source().and_then(|cause| cause.downcast_ref::<larder::Error>());
            assert_eq!(cause.map(larder::Error::kind), Some(ErrorKind::Unavailable));
            assert_eq!(ticks.count(), 0);
        } else {
            assert_eq!(render(&site, "a.html", ()).unwrap(), "\n1");
            assert_eq!(render(&site, "a.html", ()).unwrap(), "\n2");
        }
    }
}

#[test]
fn a_body_that_panics_harms_nobody() {
    let (mut site, _) =
        site_in(&memo(), &[("a.html", "{% call cached('x') %}{{ bang(on) }}{% endcall %}")]);
    site.add_function("bang", |on: bool| if on { panic!("bang") } else { "fine" });
    let render_it = panic::AssertUnwindSafe(|| render(&site, "a.html", context!(on => true)));
    assert!(panic::catch_unwind(render_it).is_err());
    assert_eq!(render(&site, "a.html", context!(on => false)).unwrap(), "fine");
}

/// Who waits for too long is told for what.
#[test]
fn waiting_has_an_end() {
    let pages = Region::builder(Memo::new()).wait_timeout(Duration::from_millis(20)).build();
    let pages = pages.unwrap();
    let (mut site, _) =
        site_in(&pages, &[("a.html", "{% call cached('x') %}{{ other() }}{% endcall %}")]);
    let (other, _) =
        site_in(&pages, &[("a.html", "{% call cached('x') %}{{ tick() }}{% endcall %}")]);
    site.add_function("other", move || {
        // Somebody else comes while this is being rendered.
        let other = other.clone();
        std::thread::spawn(move || failure(&other, "a.html", ()).to_string()).join().unwrap()
    });
    let text = render(&site, "a.html", ()).unwrap();
    assert!(text.contains("fragment &#x60;x&#x60;: ") || text.contains("fragment `x`: "), "{text}");
    assert!(text.contains("raise `wait_timeout`"), "{text}");
}
