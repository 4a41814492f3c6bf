//! Who may see the panel, and what browsers may do with it.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::{ConnectInfo, Request},
    http::{HeaderMap, HeaderName, HeaderValue, header, uri::Authority},
    response::Response,
};

/// Parts of the names of headers by which proxies say that they passed a request on.
const FORWARDED: [&str; 4] = ["forwarded", "client-ip", "real-ip", "connecting-ip"];

/// Why a peer is refused, if it is: only those on this machine, who also meant this machine.
pub(super) fn refuses(request: &Request) -> Option<&'static str> {
    let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>() else {
        return Some(
            "It is not known who asks. Serve the application with \
             app.into_make_service_with_connect_info::<SocketAddr>(), or allow everybody with \
             Panel::allow_remote().",
        );
    };
    if !peer.ip().to_canonical().is_loopback() {
        return Some("Only this machine may see it, unless Panel::allow_remote() is called.");
    }
    let headers = request.headers();
    let passed_on = |name: &HeaderName| {
        name == header::VIA || FORWARDED.iter().any(|part| name.as_str().contains(part))
    };
    if headers.keys().any(passed_on) {
        return Some(
            "A proxy has passed the request on, so nobody knows where it comes from; \
             Panel::allow_remote() allows everybody.",
        );
    }
    // Another name that leads here may be that of a page elsewhere, which would read the answers.
    (!host(request).is_some_and(|host| is_loopback(&host)))
        .then_some("Ask for it by the name localhost or by the address 127.0.0.1 or [::1].")
}

/// Why a change is refused, if it is: pages elsewhere may send forms here, too.
pub(super) fn refuses_change(request: &Request) -> Option<&'static str> {
    const ELSEWHERE: &str = "The form is not one of this panel.";
    let headers = request.headers();
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if let Some(site) = text("sec-fetch-site") {
        return (site != "same-origin").then_some(ELSEWHERE);
    }
    let origin = text("origin")?;
    let authority = origin.split_once("://").and_then(|(_, rest)| rest.parse().ok());
    (authority.is_none() || authority != host(request)).then_some(ELSEWHERE)
}

/// Whom the request was meant for.
fn host(request: &Request) -> Option<Authority> {
    let named = request.headers().get(header::HOST);
    named.map_or_else(
        || request.uri().authority().cloned(),
        |host| Authority::try_from(host.as_bytes()).ok(),
    )
}

fn is_loopback(authority: &Authority) -> bool {
    let host = authority.host();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    address.map_or_else(
        |_| {
            let host = host.to_ascii_lowercase();
            host == "localhost" || host.ends_with(".localhost")
        },
        |address| address.to_canonical().is_loopback(),
    )
}

/// Nothing but what the panel itself brings, by nobody else, and kept nowhere.
pub(super) fn seal(response: &mut Response) {
    const SEALS: [(HeaderName, &str); 6] = [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
             img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    let headers: &mut HeaderMap = response.headers_mut();
    for (name, value) in SEALS {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
