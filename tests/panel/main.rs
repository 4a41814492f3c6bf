//! The panel: what its pages say of the traffic sent, who may see them, and that nothing in them is markup
//! but its own.
#![cfg(all(feature = "panel", feature = "backend-memory", feature = "codec-postcard"))]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failing test panics")]

mod browser;
mod chromium;
mod defects;
mod pages;
mod safety;
#[path = "../support/mod.rs"]
mod support;

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::ConnectInfo,
    http::{HeaderMap, Request, StatusCode, header},
};
use larder::{
    BackendExt, Framed, LayerExt, Memory, Observed, Panel, PayloadExt, Postcard, Recorded,
    Recorder, Recording, Region,
};
use tower::ServiceExt;

type Bytes = Region<Framed<Postcard<Recorded<Memory>>>>;

/// A recording that is on.
fn recording() -> Arc<Recording> {
    let recording = Recording::builder().build();
    recording.start();
    recording
}

/// A region over bytes, recorded as `users`.
fn users(recording: &Arc<Recording>) -> Bytes {
    let recorder = Recorder::new("users").to(recording);
    Observed::with(recorder, Memory::new()).postcard().framed().region()
}

fn panel(recording: &Arc<Recording>) -> Router {
    Router::new().nest("/cache", Panel::new().recording(recording).router())
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

/// Asked by a browser on this machine.
fn from_here(path: &str) -> Request<Body> {
    let peer: SocketAddr = ([127, 0, 0, 1], 40_000).into();
    let request = Request::get(path).header(header::HOST, "localhost:3000");
    request.extension(ConnectInfo(peer)).body(Body::empty()).unwrap()
}

async fn send(app: &Router, request: Request<Body>) -> Answer {
    let response = app.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, 100 << 20).await.unwrap();
    let body = String::from_utf8(body.to_vec()).unwrap();
    Answer { status: parts.status, headers: parts.headers, body }
}

/// The text of a page.
async fn page(recording: &Arc<Recording>, path: &str) -> String {
    let answer = send(&panel(recording), from_here(path)).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
    answer.body
}

/// The cells of each row of a table, without markup.
fn rows(html: &str, table: &str) -> Vec<Vec<String>> {
    let table = html
        .split("<table")
        .find(|part| part.contains(table))
        .unwrap_or_else(|| panic!("no table {table} in {html}"));
    let body = table.split("<tbody>").nth(1).unwrap().split("</tbody>").next().unwrap();
    let rows =
        body.split("<tr").skip(1).filter(|row| !row[..row.find('>').unwrap()].contains(" hidden"));
    rows.map(|row| {
        let cells = row.replace("<th", "<td");
        let cells = cells.split("<td").skip(1);
        cells.map(|cell| text(&cell[cell.find('>').unwrap() + 1..])).collect()
    })
    .collect()
}

/// What is left of HTML without tags.
fn text(html: &str) -> String {
    let parts = html.split('<').enumerate();
    let plain = parts.map(|(at, part)| match part.split_once('>') {
        Some((_, text)) if at > 0 => text,
        _ if at > 0 => "",
        _ => part,
    });
    let plain: String = plain.collect();
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    let plain = entities.iter().fold(plain, |text, (from, to)| text.replace(from, to));
    plain.replace('\u{a0}', " ").trim().to_owned()
}
