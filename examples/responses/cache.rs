//! Whole responses through a region: a middleware.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::{
    body::{self, HttpBody as _},
    extract::{Request, State},
    http::{HeaderMap, HeaderName, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use larder::{Framed, Memory, Postcard, Region};
use serde::{Deserialize, Serialize};

pub(crate) type Responses = Region<Framed<Postcard<Memory>>>;

/// The largest body that is kept, in bytes.
const LARGEST: u64 = 64 * 1024;

/// The headers that are kept. The others get lost, for the first caller, too.
const HEADERS: [HeaderName; 6] = [
    header::CACHE_CONTROL,
    header::CONTENT_ENCODING,
    header::CONTENT_LANGUAGE,
    header::CONTENT_TYPE,
    header::ETAG,
    header::LAST_MODIFIED,
];

#[derive(Clone, Serialize, Deserialize)]
struct Kept {
    status: u16,
    headers: Vec<(String, Vec<u8>)>,
    #[serde(with = "serde_bytes")]
    body: Vec<u8>,
    /// When it was made, in seconds since 1970.
    since: u64,
}

/// Why there is nothing to keep: the response is for one caller only.
struct NotKept;

/// Answers with what is kept, or calls the handler: one of those who want the same at the same time.
pub(crate) async fn cached(
    State(responses): State<Responses>,
    request: Request,
    next: Next,
) -> Response {
    let Some(key) = key(&request) else { return next.run(request).await };
    let (mut handler, mut own) = (Some((request, next)), None);
    let create = async || {
        let (request, next) = handler.take().ok_or(NotKept)?;
        let kept = Kept::of(next.run(request).await).await;
        kept.map_err(|response| {
            own = Some(response);
            NotKept
        })
    };
    let answer = responses.try_get_or_create(&key, create).await;
    match (answer, own, handler) {
        // An older one is better than an apology.
        (Ok(kept), Some(own), _) if own.status().is_server_error() => kept.response("hit"),
        (_, Some(own), _) => own,
        (Ok(kept), None, None) => kept.response("miss"),
        (Ok(kept), None, Some(_)) => kept.response("hit"),
        // Somebody else's response was not for us.
        (Err(_), None, Some((request, next))) => next.run(request).await,
        (Err(_), None, None) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// `GET /path?a=1&b=2`, whatever order the parameters are in; `None` if the answer may be personal.
fn key(request: &Request) -> Option<String> {
    let personal = [header::AUTHORIZATION, header::COOKIE];
    if request.method() != Method::GET || personal.iter().any(|name| has(request.headers(), name)) {
        return None;
    }
    let mut query: Vec<&str> = request.uri().query().unwrap_or_default().split('&').collect();
    // Those of one name keep their order: it may mean something.
    query.sort_by_key(|parameter| parameter.split('=').next());
    Some(format!("GET {}?{}", request.uri().path(), query.join("&")))
}

fn has(headers: &HeaderMap, name: &HeaderName) -> bool {
    headers.contains_key(name)
}

/// Whether a response may be shown to others.
fn is_public(response: &Response) -> bool {
    let headers = response.headers();
    let control = headers.get_all(header::CACHE_CONTROL).iter();
    let mut control = control.map(|value| value.as_bytes().to_ascii_lowercase());
    let forbids = |control: Vec<u8>| {
        let control = String::from_utf8_lossy(&control);
        ["no-store", "no-cache", "private", "max-age=0", "s-maxage=0"]
            .iter()
            .any(|word| control.contains(word))
    };
    response.status() == StatusCode::OK
        && !has(headers, &header::SET_COOKIE)
        && !has(headers, &header::VARY)
        && !control.any(forbids)
}

impl Kept {
    /// What is kept of a response, or the response as it is.
    async fn of(response: Response) -> Result<Self, Response> {
        // A body of unknown length is a stream: it goes on its way.
        let fits = response.body().size_hint().upper().is_some_and(|bytes| bytes <= LARGEST);
        if !fits || !is_public(&response) {
            return Err(response);
        }
        let (parts, body) = response.into_parts();
        let body = body::to_bytes(body, usize::MAX).await;
        let body = body.map_err(|_broken| StatusCode::BAD_GATEWAY.into_response())?.to_vec();
        let kept = |name| parts.headers.get_all(name).iter().map(move |value| (name, value));
        let headers = HEADERS.iter().flat_map(kept);
        let headers = headers.map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()));
        Ok(Self { status: parts.status.as_u16(), headers: headers.collect(), body, since: now() })
    }

    fn response(self, cache: &str) -> Response {
        let mut response = Response::builder().status(self.status).header("x-cache", cache);
        if cache == "hit" {
            response = response.header(header::AGE, now().saturating_sub(self.since));
        }
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        let response = response.body(self.body.into());
        response.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
