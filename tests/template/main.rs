//! Fragments of minijinja's templates.
#![cfg(all(
    unix,
    target_pointer_width = "64",
    feature = "backend-file",
    feature = "backend-memcached",
    feature = "backend-memory",
    feature = "backend-redis",
    feature = "codec-postcard",
    feature = "testing"
))]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failing test panics")]

#[path = "../support/mod.rs"]
#[cfg(test)]
mod support;

mod arguments;
mod escaping;
mod failures;
mod keys;
mod places;
mod scopes;
mod sharing;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use larder::{LayerExt, Memo, Region, template::Fragments};
use minijinja::{Environment, Error, Value};

type Pages = Region<Memo<String>>;

fn memo() -> Pages {
    Memo::new().region()
}

/// Counts how often bodies are rendered: each has a `{{ tick() }}`, which says which time it is.
#[derive(Clone, Default)]
struct Ticks(Arc<AtomicUsize>);

impl Ticks {
    fn next(&self) -> usize {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// An environment with these templates and the function `tick`.
fn bare(templates: &[(&'static str, &'static str)]) -> (Environment<'static>, Ticks) {
    let (mut environment, ticks) = (Environment::new(), Ticks::default());
    for (name, source) in templates {
        environment.add_template(name, source).unwrap();
    }
    let ticking = ticks.clone();
    environment.add_function("tick", move || ticking.next());
    (environment, ticks)
}

/// The same with fragments in `pages`.
fn site_in(
    pages: &Pages,
    templates: &[(&'static str, &'static str)],
) -> (Environment<'static>, Ticks) {
    let (mut environment, ticks) = bare(templates);
    Fragments::new().region("pages", pages.clone()).install(&mut environment).unwrap();
    (environment, ticks)
}

/// The same in a memory of its own.
fn site(templates: &[(&'static str, &'static str)]) -> (Environment<'static>, Ticks) {
    site_in(&memo(), templates)
}

fn render(
    environment: &Environment<'_>,
    name: &str,
    context: impl Into<Value>,
) -> Result<String, Error> {
    environment.get_template(name)?.render(context.into())
}

/// What rendering fails with.
fn failure(environment: &Environment<'_>, name: &str, context: impl Into<Value>) -> Error {
    match render(environment, name, context) {
        Ok(text) => panic!("it rendered {text:?}"),
        Err(error) => error,
    }
}
