//! Fragments of templates, rendered when they are needed (feature `template-minijinja`).
//!
//! [`Fragments`] gives the templates of minijinja a function for `call` blocks:
//!
//! ```
//! # #[cfg(feature = "backend-memory")] {
//! use std::time::Duration;
//! use larder::{Memo, Region, template::Fragments};
//! use minijinja::{Environment, Value, context};
//!
//! let pages: Region<Memo<String>> =
//!     Region::builder(Memo::new()).expire_after(Duration::from_secs(60)).build()?;
//! let mut environment = Environment::new();
//! environment.add_template("index.html", r#"
//!     {% call cached("sidebar", key=user, expire="5m") %}
//!         <a href="/cart">{{ cart() }} things</a>
//!     {% endcall %}
//! "#)?;
//! Fragments::new().region("pages", pages).install(&mut environment)?;
//!
//! # use std::sync::{Arc, atomic::{AtomicUsize, Ordering::Relaxed}};
//! # let calls = Arc::new(AtomicUsize::new(0));
//! # let count_cart = { let calls = Arc::clone(&calls); move || calls.fetch_add(1, Relaxed) };
//! environment.add_function("cart", count_cart); // asks a database
//! let index = environment.get_template("index.html")?;
//! index.render(context!(user => 7))?; // asks
//! index.render(context!(user => 7))?; // does not, for five minutes
//! index.render(context!(user => 8))?; // asks for somebody else
//! # assert_eq!(calls.load(Relaxed), 2);
//! # }
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! | argument | is | without it |
//! |---|---|---|
//! | the first | the name of the fragment | an error |
//! | `key` | what the body depends on: a number, a string, a boolean, `none`, or a list of those | one fragment for all, as with `none` |
//! | `expire` | from which age it is stale: `"5m"`, `"1h 30m"`, `"250ms"`, or seconds | the region's `expire_after` |
//! | `region` | the name of one of the regions | the region that was added first |
//!
//! Everything that a body shows and that differs from call to call belongs in `key`; what is left out there
//! is seen by others. An undefined variable in a key is an error, in environments that are not strict, too.
//!
//! # What is one fragment
//!
//! The template in which the block stands, the way of escaping, the name and the key: who has the same four
//! has the same fragment. Two templates may use one name for different things. What they are to share
//! stands in one place, which both include, import or inherit. Templates without a name of their own
//! (`render_str`) are all called `<string>`.
//!
//! Whatever users write, in a key they cannot get at the fragments of others: texts are escaped, and
//! `"7"` is not `7`. Nor does the length matter: stores with short keys take a digest of long ones.
//!
//! Programs whose templates have the same names need a [`Prefixed`](crate::Prefixed) each if they share a
//! store. That a template was changed, no key says: after a new version of the program a
//! [`Versioned`](crate::Versioned) begins anew.
//!
//! # What it promises
//!
//! What [`get_or_create`](crate::Region::get_or_create) does:
//!
//! * Of those who come for a missing fragment at the same time, one renders, and the others wait and get the
//!   same. While somebody renders a stale one anew, the others get the stale one at once.
//! * A body that fails is not cached. The error is that of the template, with its line, for those who waited,
//!   too. If there is a stale fragment, that is shown instead, and the failure is counted
//!   ([`stale_on_error`](crate::RegionBuilder::stale_on_error)).
//! * Where the cache cannot be reached, bodies are rendered; of a strict region, it is an error.
//! * Fragments may be inside others. One that is inside itself, with the same key, is an error.
//!
//! The body comes back as it was escaped when it was rendered, and is not escaped again. As in every `call`
//! block, what it sets is not seen outside, and it cannot `break` a loop around it. What it does beyond
//! that, such as changing a `namespace`, happens when it is rendered and not when it is found.
//!
//! # Where it can be called from
//!
//! Rendering is synchronous; a fragment that has to be waited for is waited for as
//! [`Blocking`](crate::Blocking#where-it-works) does. From threads, `spawn_blocking` and the tasks of a multi-thread runtime that
//! always works, and bodies run on the thread that renders, with the locals of its task. In the tasks of a
//! current-thread runtime it works with fragments in memory, but not while somebody else is rendering the same one; there,
//! render in `tokio::task::spawn_blocking`.
//!
//! # Forgetting
//!
//! One by its [`key`](Fragments::key), all of a region with [`invalidate`](crate::Region::invalidate):
//!
//! ```
//! # #[cfg(feature = "backend-memory")] {
//! # use larder::{Invalidation, LayerExt, Memo, template::Fragments};
//! # use minijinja::AutoEscape;
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! # let pages = Memo::<String>::new().region();
//! let sidebar = Fragments::key("index.html", &AutoEscape::Html, "sidebar", 7)?;
//! pages.delete(&sidebar).await?;
//! pages.invalidate(Invalidation::Soft).await?; // all of them are stale
//! # Ok::<_, larder::Error>(()) }).unwrap();
//! # }
//! ```
//!
//! # Other engines
//!
//! Askama, tera and others cannot leave a body out once they come to it. There, cache what a whole template
//! renders, and put the text into the next one as safe:
//!
//! ```
//! # #[cfg(feature = "backend-memory")] {
//! use larder::{LayerExt, Memo};
//! # struct Sidebar { user: u64 }
//! # impl Sidebar { fn render(&self) -> Result<String, std::fmt::Error> { Ok(format!("<a>{}</a>", self.user)) } }
//!
//! let pages = Memo::<String>::new().region().blocking();
//! # let user = 7;
//! let key = format!("sidebar.html:{user}");
//! let sidebar = pages.try_get_or_create(&key, || Sidebar { user }.render())?;
//! # assert_eq!(sidebar, "<a>7</a>");
//! # }
//! # Ok::<_, larder::Failure<std::fmt::Error>>(())
//! ```

mod fragments;
mod key;

pub use self::fragments::Fragments;
