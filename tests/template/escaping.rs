//! What is safe stays safe, and nothing is escaped twice.

use std::collections::HashSet;

use larder::template::Fragments;
use minijinja::{AutoEscape, Environment, Output, State, Value, context};

use crate::{bare, memo, render, site, site_in};

const HELLO: &str =
    "{% call cached('hello', key=name) %}<b>{{ name }}</b>{{ tick() }}{% endcall %}";

#[test]
fn a_body_is_escaped_once() {
    let (site, _) = site(&[("hello.html", HELLO)]);
    for _ in 0..3 {
        let text = render(&site, "hello.html", context!(name => "<i>&")).unwrap();
        assert_eq!(text, "<b>&lt;i&gt;&amp;</b>1");
    }
}

#[test]
fn what_is_kept_goes_through_variables_and_filters_as_it_would_without() {
    let cached = "cached('hello', key=name)";
    let plain = "plain()";
    let page = |call: &str| {
        format!(
            "{{% macro plain() %}}{{{{ caller() }}}}{{% endmacro %}}\
             {{% set x %}}{{% call {call} %}}<b>{{{{ name }}}}</b>{{% endcall %}}{{% endset %}}\
             {{{{ x }}}}{{{{ x|upper }}}}{{{{ x ~ name }}}}{{% filter upper %}}{{% call {call} %}}<b>{{{{ name }}}}</b>{{% endcall %}}{{% endfilter %}}"
        )
    };
    for name in ["page.html", "page.txt", "page.json"] {
        let (mut site, _) = site(&[]);
        site.add_template_owned(name, page(cached)).unwrap();
        site.add_template_owned(format!("plain/{name}"), page(plain)).unwrap();
        let expected = render(&site, &format!("plain/{name}"), context!(name => "<i>")).unwrap();
        for _ in 0..2 {
            assert_eq!(render(&site, name, context!(name => "<i>")).unwrap(), expected, "{name}");
        }
    }
}

#[test]
fn each_way_of_escaping_has_its_own() {
    let macros = "{% macro hello(name) %}{% call cached('hello', key=name) %}<b>{{ name }}</b>{% endcall %}{% endmacro %}";
    let user = "{% from 'macros' import hello %}{{ hello(name) }}";
    let (site, _) =
        site(&[("macros", macros), ("a.html", user), ("a.txt", user), ("a.json", user)]);
    for _ in 0..2 {
        let shows = |name| render(&site, name, context!(name => "<i>")).unwrap();
        assert_eq!(shows("a.html"), "<b>&lt;i&gt;</b>");
        assert_eq!(shows("a.txt"), "<b><i></b>");
        assert_eq!(shows("a.json"), "<b>\"<i>\"</b>");
    }
}

#[test]
fn a_part_of_a_template_may_be_escaped_otherwise() {
    let (site, _) = site(&[(
        "a.html",
        "{% for on in [true, false, true] %}{% autoescape on %}\
         {% call cached('hello') %}{{ '<i>' }}{% endcall %}{% endautoescape %}{% endfor %}",
    )]);
    for _ in 0..2 {
        assert_eq!(render(&site, "a.html", ()).unwrap(), "&lt;i&gt;<i>&lt;i&gt;");
    }
}

/// Modes that only a program knows.
#[test]
fn modes_of_ones_own() {
    let macros =
        "{% macro hello() %}{% call cached('hello') %}{{ '$' }}{% endcall %}{% endmacro %}";
    let user = "{% from 'macros' import hello %}{{ hello() }}";
    let pages = memo();
    let (mut site, _) = site_in(&pages, &[]);
    site.set_auto_escape_callback(|name| match name.rsplit_once('.') {
        Some((_, "html")) => AutoEscape::Html,
        Some((_, mode)) => AutoEscape::Custom(mode.to_owned().into()),
        None => AutoEscape::None,
    });
    site.set_formatter(|out: &mut Output, state: &mut State, value: &Value| {
        if let (AutoEscape::Custom(mode), false) = (state.auto_escape(), value.is_safe()) {
            write!(out, "{mode}:")?;
        }
        Ok(write!(out, "{value}")?)
    });
    for name in ["macros", "a.html", "a.latex", "a.html:x", "a.rtf"] {
        site.add_template(name, if name == "macros" { macros } else { user }).unwrap();
    }
    for _ in 0..2 {
        let shows = |name| render(&site, name, ()).unwrap();
        assert_eq!(shows("a.html"), "$");
        assert_eq!(shows("a.latex"), "latex:$");
        assert_eq!(shows("a.html:x"), "html:x:$");
        assert_eq!(shows("a.rtf"), "rtf:$");
    }
    assert_eq!(pages.stats().creations, 4);
    // None of them can be taken for another.
    let modes = ["html", "none", "=html", "html:macros", "html%3amacros"];
    let custom = modes.map(|mode| AutoEscape::Custom(mode.into()));
    let all = [AutoEscape::Html, AutoEscape::None, AutoEscape::Json].into_iter().chain(custom);
    let keys = all.map(|mode| Fragments::key("macros", &mode, "hello", ()).unwrap());
    assert_eq!(keys.collect::<HashSet<_>>().len(), 8);
}

/// What is not a block, but called as if it were one.
#[test]
fn a_function_for_a_body_is_escaped() {
    let page = "{{ cached('hello', caller=hello) }}";
    let (mut site, _) = bare(&[("a.html", page), ("a.txt", page)]);
    Fragments::new().region("pages", memo()).install(&mut site).unwrap();
    site.add_function("hello", || "<i>");
    for _ in 0..2 {
        assert_eq!(render(&site, "a.html", ()).unwrap(), "&lt;i&gt;");
        assert_eq!(render(&site, "a.txt", ()).unwrap(), "<i>");
    }
}

#[test]
fn strings_rendered_by_themselves_have_one_name() {
    let mut environment = Environment::new();
    Fragments::new().region("pages", memo()).install(&mut environment).unwrap();
    let shows = |body: &str| {
        let source = format!("{{% call cached('a') %}}{body}{{% endcall %}}");
        environment.render_str(&source, ()).unwrap()
    };
    assert_eq!([shows("one"), shows("two")], ["one", "one"]);
    let named = |name: &str, body: &str| {
        let source = format!("{{% call cached('a') %}}{body}{{% endcall %}}");
        environment.render_named_str(name, &source, ()).unwrap()
    };
    assert_eq!([named("1", "one"), named("2", "two")], ["one", "two"]);
}
