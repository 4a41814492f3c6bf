//! A panel in the browser: what each request, and the process, asked of its caches.
//!
//! ```no_run
//! # #[cfg(all(feature = "panel", feature = "backend-memory", feature = "codec-postcard"))] {
//! use std::net::SocketAddr;
//! use axum::{Router, routing::get};
//! use larder::{BackendExt, LayerExt, Memory, PayloadExt, Recording, RequestLayer};
//!
//! # async fn serve() -> std::io::Result<()> {
//! let products = Memory::new().recorded("products").postcard().framed().region();
//! Recording::global().start();
//! let app = Router::new()
//!     .route("/", get(async move || products.get_or_create("1", async || 1).await.unwrap().to_string()))
//!     .nest("/cache", larder::panel())
//!     .layer(RequestLayer::new());
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//! axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await
//! # }
//! # }
//! ```
//!
//! `http://localhost:3000/cache` has live figures, the latency of each region and tier, and the last
//! requests; each of them with its totals and a list of all calls by key, which can be filtered and sorted.
//! It is plain HTML that needs no script and downloads nothing. What is recorded, and what that costs,
//! [`observe::recorded`](crate::observe::recorded) tells.
//!
//! # Safety
//!
//! The keys of a cache are for few eyes:
//!
//! * Nothing is recorded until [`Recording::start`] is called, here by a button, too; values only after
//!   [`Recording::keep_values`].
//! * Only peers on the same machine are answered, who asked for `localhost` or a loopback address, through no
//!   proxy that says so; see [`Panel::allow_remote`]. A proxy on the same machine that names neither itself
//!   nor the host it was asked for is not noticed: behind one, serve the panel on a listener of its own.
//! * Everything that others chose (keys, values, names, errors) is shown as text, invisible characters
//!   included. A `Content-Security-Policy` forbids whatever is not the panel's own.
//! * Forms of other sites are refused.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{OriginalUri, Request},
    http::{HeaderValue, Method, StatusCode, header},
    response::Response,
};

use self::ask::{Ask, Show};
use crate::{Recording, RequestScope};

mod ask;
mod guard;
mod html;
mod list;
mod overview;
mod page;
mod picture;
mod shown;
mod tables;

/// The panel of the recording of this process, as a router to be nested anywhere:
/// `.nest("/cache", larder::panel())`. For anything else see [`Panel`].
///
/// It needs to know who asks: serve the application with `into_make_service_with_connect_info::<SocketAddr>()`.
pub fn panel<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Panel::new().router()
}

/// A panel with settings of its own.
///
/// ```
/// # #[cfg(feature = "panel")] {
/// use larder::{Panel, Recording};
///
/// let recording = Recording::builder().max_requests(20).build();
/// let panel = Panel::new().recording(&recording).title("Caches of the shop");
/// let app = axum::Router::<()>::new().nest("/cache", panel.router());
/// # let _ = app;
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a panel is served by its router"]
pub struct Panel {
    recording: Arc<Recording>,
    title: Box<str>,
    allows_remote: bool,
}

impl Default for Panel {
    fn default() -> Self {
        Self::new()
    }
}

impl Panel {
    /// A panel of the recording of this process, for peers on this machine.
    pub fn new() -> Self {
        let recording = Arc::clone(Recording::global());
        Self { recording, title: "larder".into(), allows_remote: false }
    }

    /// Shows another recording.
    pub fn recording(mut self, recording: &Arc<Recording>) -> Self {
        self.recording = Arc::clone(recording);
        self
    }

    /// Has another title than `larder`.
    pub fn title(mut self, title: impl Into<Box<str>>) -> Self {
        self.title = title.into();
        self
    }

    /// Answers everybody who can reach it, and asks no password: put a layer around it that does.
    pub fn allow_remote(mut self) -> Self {
        self.allows_remote = true;
        self
    }

    /// The router, to be nested anywhere.
    pub fn router<S: Clone + Send + Sync + 'static>(self) -> Router<S> {
        let panel = Arc::new(self);
        Router::new().fallback(async move |request: Request| panel.answer(&request))
    }

    fn answer(&self, request: &Request) -> Response {
        self.leave_out();
        let mut response = self.respond(request);
        guard::seal(&mut response);
        response
    }

    /// Its own requests are not those that anybody wants to see.
    fn leave_out(&self) {
        if let Some(scope) = RequestScope::current() {
            self.recording.ignore(&scope);
            Recording::global().ignore(&scope);
        }
    }

    fn respond(&self, request: &Request) -> Response {
        if !self.allows_remote
            && let Some(why) = guard::refuses(request)
        {
            return self.refusal(StatusCode::FORBIDDEN, why);
        }
        match (request.method(), request.uri().path()) {
            (&Method::GET | &Method::HEAD, path) => self.show(path, request),
            (&Method::POST, path) => self.change(path, request),
            _ => self.refusal(StatusCode::METHOD_NOT_ALLOWED, "This can only be read."),
        }
    }

    fn show(&self, path: &str, request: &Request) -> Response {
        const CSS: &str = include_str!("panel.css");
        const SCRIPT: &str = include_str!("panel.js");
        const ICON: &str = include_str!("icon.svg");
        match path {
            "/" => to_overview(request),
            "/overview" => self.page(Show::Overview, request),
            "/calls" => self.page(Show::All, request),
            "/live" => answer(StatusCode::OK, "text/html; charset=utf-8", page::live(self)),
            "/panel.css" => answer(StatusCode::OK, "text/css; charset=utf-8", CSS),
            "/panel.js" => answer(StatusCode::OK, "text/javascript; charset=utf-8", SCRIPT),
            "/icon.svg" => answer(StatusCode::OK, "image/svg+xml", ICON),
            _ => self.refusal(StatusCode::NOT_FOUND, "There is no such page."),
        }
    }

    fn page(&self, show: Show, request: &Request) -> Response {
        match page::page(self, &Ask::of(show, request.uri())) {
            Some(page) => answer(StatusCode::OK, "text/html; charset=utf-8", page),
            None => self.refusal(StatusCode::NOT_FOUND, "This request is not kept any more."),
        }
    }

    fn change(&self, path: &str, request: &Request) -> Response {
        if let Some(why) = guard::refuses_change(request) {
            return self.refusal(StatusCode::FORBIDDEN, why);
        }
        match path {
            "/start" => self.recording.start(),
            "/stop" => self.recording.stop(),
            "/clear" => self.recording.clear(),
            _ => return self.refusal(StatusCode::NOT_FOUND, "There is no such button."),
        }
        redirect(StatusCode::SEE_OTHER, "./overview")
    }

    fn refusal(&self, status: StatusCode, why: &'static str) -> Response {
        answer(status, "text/html; charset=utf-8", page::refusal(self, status, why))
    }
}

/// To where relative links lead to the panel, from `/cache` and from `/cache/`.
fn to_overview(request: &Request) -> Response {
    let original = request.extensions().get::<OriginalUri>();
    let path = original.map_or("/", |OriginalUri(uri)| uri.path());
    let last = path.rsplit('/').next().unwrap_or_default();
    let folder = if last.is_empty() { String::new() } else { format!("{last}/") };
    redirect(StatusCode::SEE_OTHER, &format!("./{folder}overview"))
}

fn redirect(status: StatusCode, to: &str) -> Response {
    let mut response = answer(status, "text/plain", "");
    if let Ok(to) = HeaderValue::from_str(to) {
        response.headers_mut().insert(header::LOCATION, to);
    }
    response
}

fn answer(status: StatusCode, content: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content));
    response
}
