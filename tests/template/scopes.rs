//! Bodies inside loops, macros, blocks and each other.

use minijinja::context;

use crate::{failure, render, site};

/// What the templates show, twice: the second time nothing is rendered.
fn both(templates: &[(&'static str, &'static str)], ticks: usize) -> [String; 2] {
    let (site, rendered) = site(templates);
    let first = render(&site, templates[0].0, context!(user => "ann")).unwrap();
    assert_eq!(rendered.count(), ticks, "{first}");
    let second = render(&site, templates[0].0, context!(user => "ann")).unwrap();
    assert_eq!(rendered.count(), ticks, "{second}");
    [first, second]
}

/// The same, where both times show the same.
fn shows(source: &'static str, ticks: usize) -> String {
    let [first, second] = both(&[("a.html", source)], ticks);
    assert_eq!(first, second);
    first
}

#[test]
fn a_body_sees_what_is_around_it() {
    let text = shows(
        "{% set greeting = 'hi' %}{% for item in ['a', 'b', 'a'] %}\
         {% call cached('row', key=[item, loop.index]) %}\
         {{ tick() }}{{ greeting }} {{ user }} {{ item }}{{ loop.index }}/{{ loop.length }};\
         {% endcall %}{% endfor %}",
        3,
    );
    assert_eq!(text, "1hi ann a1/3;2hi ann b2/3;3hi ann a3/3;");
}

#[test]
fn a_loop_with_one_key_renders_once() {
    let text = shows(
        "{% for item in [1, 2, 3] %}{% call cached('row') %}{{ tick() }}:{{ item }} {% endcall %}{% endfor %}",
        1,
    );
    assert_eq!(text, "1:1 1:1 1:1 ");
}

#[test]
fn loops_around_may_be_left() {
    let text = shows(
        "{% for item in [1, 2, 3, 4] %}{% if item == 2 %}{% continue %}{% endif %}\
         {% call cached('row', key=item) %}{{ tick() }}{{ item }} \
         {% for inner in [7, 8] %}{% if inner == 8 %}{% break %}{% endif %}{{ inner }} {% endfor %}{% endcall %}\
         {% if item == 3 %}{% break %}{% endif %}{% endfor %}end",
        2,
    );
    assert_eq!(text, "11 7 23 7 end");
}

/// The engine has bodies of their own here, cached or not.
#[test]
fn a_body_cannot_leave_a_loop_around_it() {
    let (mut site, _) = site(&[]);
    let source = "{% for i in [1] %}{% call cached('row') %}{% break %}{% endcall %}{% endfor %}";
    let error = site.add_template("a.html", source).unwrap_err();
    assert!(error.to_string().contains("'break' must be placed inside a loop"), "{error}");
}

#[test]
fn what_a_body_sets_stays_inside() {
    let text = shows(
        "{% set x = 1 %}{% call cached('row') %}{% set x = 2 %}{{ tick() }}{{ x }}{% endcall %}{{ x }}",
        1,
    );
    assert_eq!(text, "121");
}

/// A namespace is the way to do more than to render, and that happens only then.
#[test]
fn what_a_body_does_happens_when_it_is_rendered() {
    let source = "{% set ns = namespace(n=0) %}{% for i in [1, 2] %}\
                  {% call cached('row', key=i) %}{% set ns.n = ns.n + i %}{{ tick() }}{% endcall %}\
                  {% endfor %}{{ ns.n }}";
    let shown = both(&[("a.html", source)], 2);
    assert_eq!(shown, ["123", "120"]);
}

#[test]
fn arguments_of_macros_are_no_keys() {
    let text = shows(
        "{% macro row(n) %}{% call cached('row', key=n) %}{{ tick() }}{{ n }}{{ user }} {% endcall %}{% endmacro %}\
         {{ row(7) }}{{ row(8) }}{{ row(7) }}",
        2,
    );
    assert_eq!(text, "17ann 28ann 17ann ");
}

/// A fragment around what its caller has for a body.
#[test]
fn a_body_may_call_another_caller() {
    let text = shows(
        "{% macro box(n) %}{% set body = caller %}{% call cached('box', key=n) %}[{{ tick() }}{{ body() }}]{% endcall %}{% endmacro %}\
         {% call box(1) %}<i>{{ user }}</i>{% endcall %}{% call box(1) %}other{% endcall %}",
        1,
    );
    assert_eq!(text, "[1<i>ann</i>][1<i>ann</i>]");
}

#[test]
fn fragments_inside_fragments() {
    let source = "{% call cached('outer', key=k) %}{{ tick() }}<{{ user }}\
                  {% call cached('inner') %}{{ tick() }}<{{ user }}{% endcall %}>\
                  {% call cached('outer', key=[k, 1]) %}{{ tick() }}{% endcall %}{% endcall %}";
    let (site, ticks) = site(&[("a.html", source)]);
    let shows = |k| render(&site, "a.html", context!(user => "&", k)).unwrap();
    assert_eq!(shows(1), "1<&amp;2<&amp;>3");
    assert_eq!(shows(1), "1<&amp;2<&amp;>3");
    // The inner one is there already.
    assert_eq!(shows(2), "4<&amp;2<&amp;>5");
    assert_eq!(ticks.count(), 5);
}

#[test]
fn a_fragment_inside_itself_is_an_error() {
    let (site, ticks) = site(&[
        (
            "a.html",
            "{% call cached('x', key=1) %}\n{{ tick() }}{% call cached('x', key=1) %}{{ tick() }}{% endcall %}{% endcall %}",
        ),
        (
            "tree.html",
            "{% call cached('tree') %}{{ tick() }}{% include 'tree.html' %}{% endcall %}",
        ),
        (
            "walk.html",
            "{% macro walk(n) %}{% call cached('walk', key=n) %}{{ n }}{% if n %}{{ walk(n - 1) }}{% endif %}{% endcall %}{% endmacro %}{{ walk(3) }}",
        ),
    ]);
    let text = failure(&site, "a.html", ()).to_string();
    let expected =
        "fragment `x` is inside its own body with the same key; give one of them another name";
    assert!(text.contains(expected), "{text}");
    assert!(text.contains("a.html:2"), "{text}");
    let mut error = &failure(&site, "tree.html", ()) as &dyn std::error::Error;
    let mut texts = vec![error.to_string()];
    while let Some(source) = error.source() {
        error = source;
        texts.push(error.to_string());
    }
    assert!(
        texts.iter().any(|text| text.contains("fragment `tree` is inside its own")),
        "{texts:?}"
    );
    assert_eq!(ticks.count(), 2);
    // With other keys it is as deep as it wants.
    assert_eq!(render(&site, "walk.html", ()).unwrap(), "3210");
}

#[test]
fn blocks_and_super() {
    let templates = [
        (
            "child.html",
            "{% extends 'base.html' %}{% block body %}{{ super() }}{% call cached('b') %}{{ tick() }}{{ user }}{% endcall %}{% endblock %}",
        ),
        (
            "base.html",
            "<{% block body %}{% call cached('a') %}{{ tick() }}{% endcall %}{% endblock %}>",
        ),
    ];
    let [first, second] = both(&templates, 2);
    assert_eq!(first, "<12ann>");
    assert_eq!(first, second);
}

#[test]
fn a_part_that_is_not_reached_is_not_rendered() {
    let (site, ticks) = site(&[(
        "a.html",
        "{% if on %}{% call cached('x') %}{{ tick() }}{% endcall %}{% endif %}",
    )]);
    assert_eq!(render(&site, "a.html", context!(on => false)).unwrap(), "");
    assert_eq!(ticks.count(), 0);
    assert_eq!(render(&site, "a.html", context!(on => true)).unwrap(), "1");
}

#[test]
fn an_empty_body_is_kept_too() {
    let text = shows("({% call cached('x') %}{% set x = tick() %}{% endcall %})", 1);
    assert_eq!(text, "()");
}
