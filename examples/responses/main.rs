//! Whole responses of an axum application, cached through a region.
//!
//! ```sh
//! cargo run --release --example responses              # serves, and says what to curl
//! cargo run --release --example responses -- --demo    # asks itself, and counts
//! ```
//!
//! `cache.rs` is the middleware. With another stack in `Responses` (and a lock, such as `RedisLock`), many
//! processes share the responses, and one of them calls the handler. It is no whole cache of HTTP: it does not
//! mind the host or what a request says about caching, and how long responses are fresh is up to the region.

mod cache;
mod traffic;

use std::{
    error::Error,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

use axum::{
    Router,
    http::{StatusCode, Uri, header},
    middleware,
    response::IntoResponse,
    routing::get,
};
use larder::{BackendExt, Memory, PayloadExt, Region};
use tokio::net::TcpListener;

use self::cache::{Responses, cached};

/// How often a handler was called.
static CALLS: AtomicUsize = AtomicUsize::new(0);

/// Something slow, the same for everybody.
async fn report(uri: Uri) -> impl IntoResponse {
    let call = CALLS.fetch_add(1, Relaxed) + 1;
    tokio::time::sleep(Duration::from_millis(50)).await;
    ([(header::ETAG, "\"1\"")], format!("report {call} for {uri}\n"))
}

/// Says itself that it is for one only.
async fn account() -> impl IntoResponse {
    CALLS.fetch_add(1, Relaxed);
    ([(header::CACHE_CONTROL, "private, max-age=60")], "your account\n")
}

/// For one only, too: whoever has the cookie has the basket.
async fn basket() -> impl IntoResponse {
    let call = CALLS.fetch_add(1, Relaxed) + 1;
    tokio::time::sleep(Duration::from_millis(20)).await;
    ([(header::SET_COOKIE, format!("basket={call}"))], "an empty basket\n")
}

/// Larger than what is kept.
async fn export() -> impl IntoResponse {
    CALLS.fetch_add(1, Relaxed);
    "0123456789abcdef".repeat(10_000)
}

async fn broken() -> impl IntoResponse {
    CALLS.fetch_add(1, Relaxed);
    (StatusCode::INTERNAL_SERVER_ERROR, "out of order\n")
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let responses: Responses = Region::builder(Memory::new().postcard().framed())
        .expire_after(Duration::from_secs(10)) // then one is called anew, the others get the old one
        .keep_for(Duration::from_secs(300)) // then it is gone
        .build()?;
    let application = Router::new()
        .route("/report", get(report))
        .route("/account", get(account))
        .route("/basket", get(basket))
        .route("/export", get(export))
        .route("/broken", get(broken))
        .layer(middleware::from_fn_with_state(responses.clone(), cached));

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = async move { axum::serve(listener, application).await };
    if std::env::args().nth(1).as_deref() == Some("--demo") {
        tokio::spawn(server);
        return traffic::demo(address, &responses).await;
    }
    println!("listening on http://{address}, until Ctrl-C; try, more than once:\n");
    println!("  curl -i 'http://{address}/report?year=2026&month=11'    X-Cache and Age");
    println!("  curl -i 'http://{address}/report?month=11&year=2026'    the same response");
    println!("  curl -i -H 'Cookie: id=7' http://{address}/report       not from the cache");
    println!("  curl -i http://{address}/basket                         never from the cache");
    Ok(server.await?)
}
