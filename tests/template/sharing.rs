//! Many who render one template at a time.

use std::{
    sync::{
        Arc, Barrier,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

use larder::Invalidation;
use minijinja::{Environment, Error, context};

use crate::{memo, render, site_in, support::DEADLINE};

const THREADS: usize = 16;

/// A door that bodies wait at.
#[derive(Clone, Default)]
struct Door {
    reached: Arc<AtomicBool>,
    open: Arc<AtomicBool>,
}

impl Door {
    /// Gives templates the function `wait`.
    fn install(&self, environment: &mut Environment<'_>) {
        let door = self.clone();
        environment.add_function("wait", move || {
            door.reached.store(true, SeqCst);
            until("the door is open", || door.open.load(SeqCst));
        });
    }

    /// Opens when somebody waits, and `then`.
    fn open_after(&self, then: impl FnOnce()) {
        until("somebody waits at the door", || self.reached.load(SeqCst));
        then();
        self.open.store(true, SeqCst);
    }
}

fn until(what: &str, probe: impl Fn() -> bool) {
    let start = Instant::now();
    while !probe() {
        assert!(start.elapsed() < DEADLINE, "{what}: not within {DEADLINE:?}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// What each of many threads gets for this page.
fn all(site: &Environment<'static>, page: &'static str) -> Vec<Result<String, Error>> {
    let start = Arc::new(Barrier::new(THREADS));
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let (site, start) = (site.clone(), Arc::clone(&start));
            thread::spawn(move || {
                start.wait();
                render(&site, page, context!(user => "<ann>"))
            })
        })
        .collect();
    threads.into_iter().map(|thread| thread.join().unwrap()).collect()
}

#[test]
fn of_many_threads_one_renders() {
    let pages = memo();
    let (mut site, ticks) = site_in(
        &pages,
        &[(
            "a.html",
            "{% call cached('x') %}{% set _ = nap() %}{{ tick() }}{{ user }}{% endcall %}",
        )],
    );
    site.add_function("nap", || thread::sleep(Duration::from_millis(20)));
    for text in all(&site, "a.html") {
        assert_eq!(text.unwrap(), "1&lt;ann&gt;");
    }
    assert_eq!(ticks.count(), 1);
    assert_eq!(pages.stats().creations, 1);
}

#[test]
fn while_one_renders_the_others_get_the_stale_one() {
    let pages = memo();
    let page = "{% call cached('x') %}{% set _ = wait() %}{{ tick() }}{% endcall %}";
    let (mut site, _) = site_in(&pages, &[("a.html", page)]);
    let door = Door::default();
    door.install(&mut site);
    door.open.store(true, SeqCst);
    assert_eq!(render(&site, "a.html", ()).unwrap(), "1");

    pages.blocking().invalidate(Invalidation::Soft).unwrap();
    door.open.store(false, SeqCst);
    door.reached.store(false, SeqCst);
    let refresher = site.clone();
    let refresher = thread::spawn(move || render(&refresher, "a.html", ()));
    door.open_after(|| {
        for text in all(&site, "a.html") {
            assert_eq!(text.unwrap(), "1");
        }
    });
    assert_eq!(refresher.join().unwrap().unwrap(), "2");
    assert_eq!(render(&site, "a.html", ()).unwrap(), "2");
}

/// Who waited for a body that fails gets the same error as the one who rendered it.
#[test]
fn an_error_is_shared_with_its_place() {
    let pages = memo();
    let (mut site, ticks) = site_in(
        &pages,
        &[(
            "a.html",
            "\n\n{% call cached('x') %}{% set _ = nap() %}{{ tick() }}\n{{ fail() }}{% endcall %}",
        )],
    );
    site.add_function("nap", || thread::sleep(Duration::from_millis(20)));
    site.add_function("fail", || -> Result<String, Error> {
        let cause = "x".parse::<u8>().unwrap_err();
        Err(Error::new(minijinja::ErrorKind::BadInclude, "no luck").with_source(cause))
    });
    let start = Instant::now();
    // Somebody may come too late, and render for himself.
    while pages.stats().shared == 0 {
        assert!(start.elapsed() < DEADLINE, "nobody shares");
        for answer in all(&site, "a.html") {
            let error = answer.unwrap_err();
            assert_eq!(error.kind(), minijinja::ErrorKind::BadInclude);
            assert_eq!(error.detail(), Some("no luck"));
            assert_eq!((error.name(), error.line()), (Some("a.html"), Some(4)));
            let cause = std::error::Error::source(&error).unwrap();
            assert!(cause.is::<std::num::ParseIntError>());
        }
    }
    let stats = pages.stats();
    assert_eq!((stats.creations, stats.failures), (0, ticks.count() as u64));
}

#[test]
fn what_is_forgotten_while_it_is_rendered_is_not_kept() {
    let pages = memo();
    let page = "{% call cached('x') %}{% set _ = wait() %}{{ tick() }}{% endcall %}";
    let (mut site, _) = site_in(&pages, &[("a.html", page)]);
    let door = Door::default();
    door.install(&mut site);
    let slow = site.clone();
    let slow = thread::spawn(move || render(&slow, "a.html", ()));
    door.open_after(|| {
        let key = larder::template::Fragments::key("a.html", &minijinja::AutoEscape::Html, "x", ());
        pages.blocking().delete(&key.unwrap()).unwrap();
    });
    assert_eq!(slow.join().unwrap().unwrap(), "1");
    assert_eq!(render(&site, "a.html", ()).unwrap(), "2");
}
