//! Who may see the panel, and that nothing is markup but its own.

use std::net::SocketAddr;

use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{Method, Request},
};
use larder::{Memory, Observed, Panel, Recorder, Recording, RequestLayer, RequestScope, Result};

use crate::{from_here, page, panel, recording, rows, send, users};

fn asked(peer: Option<&str>, headers: &[(&'static str, &str)]) -> Request<Body> {
    let mut request = Request::get("/cache/overview").body(Body::empty()).unwrap();
    if let Some(peer) = peer {
        let peer: SocketAddr = peer.parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(peer));
    }
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    request
}

#[tokio::test]
async fn only_this_machine_is_answered_unless_others_are_allowed() {
    let recording = recording();
    let open = Panel::new().recording(&recording).allow_remote().router();
    let open = Router::new().nest("/cache", open);
    let local = ("host", "localhost");
    let refused = [
        (asked(None, &[local]), "into_make_service_with_connect_info"),
        (asked(Some("192.168.1.9:1"), &[local]), "allow_remote"),
        (asked(Some("[2001:db8::1]:1"), &[local]), "allow_remote"),
        (asked(Some("[::ffff:10.0.0.1]:1"), &[local]), "allow_remote"),
        (asked(Some("127.0.0.1:1"), &[("host", "evil.example:80")]), "localhost"),
        (asked(Some("127.0.0.1:1"), &[("host", "localhost.evil.example")]), "localhost"),
        (asked(Some("127.0.0.1:1"), &[("host", "127.0.0.1.evil.example")]), "localhost"),
        (asked(Some("127.0.0.1:1"), &[]), "localhost"),
        (asked(Some("127.0.0.1:1"), &[local, ("x-forwarded-for", "10.0.0.1")]), "proxy"),
        (asked(Some("127.0.0.1:1"), &[local, ("forwarded", "for=10.0.0.1")]), "proxy"),
        (asked(Some("127.0.0.1:1"), &[local, ("via", "1.1 proxy")]), "proxy"),
    ];
    for (request, word) in refused {
        let what = format!("{request:?}");
        let mut again = asked(None, &[]);
        *again.headers_mut() = request.headers().clone();
        let answer = send(&panel(&recording), request).await;
        assert_eq!(answer.status, 403, "{what}");
        assert!(answer.body.contains(word), "{what}: {}", answer.body);
        assert_eq!(send(&open, again).await.status, 200, "{what}");
    }
    for (peer, host) in [
        ("127.0.0.1:1", "localhost:3000"),
        ("127.0.0.9:1", "127.0.0.1"),
        ("[::1]:1", "[::1]:3000"),
        ("[::ffff:127.0.0.1]:1", "shop.localhost"),
    ] {
        let answer = send(&panel(&recording), asked(Some(peer), &[("host", host)])).await;
        assert_eq!(answer.status, 200, "{peer} {host}");
    }
}

#[tokio::test]
async fn forms_of_other_sites_are_refused() {
    let recording = Recording::builder().build();
    let app = panel(&recording);
    let post = async |headers: &[(&'static str, &str)]| {
        let mut request = from_here("/cache/start");
        *request.method_mut() = Method::POST;
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        send(&app, request).await.status.as_u16()
    };
    for headers in [
        &[("sec-fetch-site", "cross-site")][..],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "none")],
        &[("origin", "https://evil.example")],
        &[("origin", "http://localhost:4000")],
        &[("origin", "null")],
        &[("sec-fetch-site", "cross-site"), ("origin", "http://localhost:3000")],
    ] {
        assert_eq!((post(headers).await, recording.is_on()), (403, false), "{headers:?}");
    }
    let mut get = from_here("/cache/start");
    assert_eq!((send(&app, get).await.status.as_u16(), recording.is_on()), (404, false));
    get = from_here("/cache/start");
    *get.method_mut() = Method::PUT;
    assert_eq!((send(&app, get).await.status.as_u16(), recording.is_on()), (405, false));
    assert_eq!((post(&[("sec-fetch-site", "same-origin")]).await, recording.is_on()), (303, true));
}

#[tokio::test]
async fn every_answer_is_sealed() {
    let recording = recording();
    for path in ["/cache", "/cache/overview", "/cache/panel.js", "/cache/icon.svg", "/cache/none"] {
        let answer = send(&panel(&recording), from_here(path)).await;
        let header = |name: &str| answer.headers[name].to_str().unwrap().to_owned();
        assert!(header("content-security-policy").starts_with("default-src 'none'; "), "{path}");
        assert!(!header("content-security-policy").contains("unsafe"), "{path}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("cache-control"), "no-store", "{path}");
        assert_eq!(header("referrer-policy"), "same-origin", "{path}");
    }
    // Which would be useless where the policy forbids them.
    let html = page(&recording, "/cache/overview").await;
    assert!(!html.contains("style=") && !html.contains("<style") && !html.contains(" onclick"));
}

/// Texts that would do harm as markup, in an attribute, or to the order of what is read.
const HARM: &str =
    "<script>alert(1)</script>\"' onmouseover=alert(1) &lt; \u{202e}gpj.exe\0\u{200b}</table>";

#[tokio::test]
async fn whatever_others_choose_is_text() -> Result<()> {
    let recording = recording();
    recording.keep_values(true);
    let recorder = Recorder::new(larder::Label::new(HARM).tier(HARM)).to(&recording);
    let tier = larder::Observed::with(recorder, Memory::new());
    larder::Backend::set(&tier, (HARM, HARM).into(), HARM.into(), larder::WriteOpts::default())
        .await?;
    let users = users(&recording);
    let scope = RequestScope::new(HARM);
    scope
        .run(async {
            users.set((HARM, HARM), HARM.to_owned()).await?;
            users.get::<u8>(HARM).await
        })
        .await?;
    recording.finish(&scope, Some(200));
    let query = "q=%3Cscript%3E%22%27%3E%E2%80%AE&sort=%3Cscript%3E";
    for path in [
        "/cache/overview".to_owned(),
        "/cache/live".to_owned(),
        "/cache/calls?request=%3Cscript%3E".to_owned(),
        format!("/cache/calls?request={}&{query}", scope.id()),
        format!("/cache/calls?request=outside&{query}"),
    ] {
        let html = page(&recording, &path).await;
        assert!(!html.contains("<script>") && !html.contains("</script>\""), "{path}");
        assert!(!html.contains("' onmouseover") && !html.contains("\" onmouseover"), "{path}");
        assert!(!html.contains(['\u{202e}', '\u{200b}', '\0']), "{path}");
        // The only script is the panel's own, in a file.
        let scripts = html.matches("<script").count();
        assert_eq!(scripts, usize::from(!path.ends_with("live")), "{path}");
    }
    let html = page(&recording, &format!("/cache/calls?request={}", scope.id())).await;
    let list = rows(&html, "id=\"log\"");
    assert_eq!(list.len(), 2, "{list:?}");
    let shown = &list[0][2];
    assert!(
        shown.contains("<script>alert(1)</script>") && shown.contains("\\u{202e}gpj.exe"),
        "{shown}"
    );
    Ok(())
}

#[tokio::test]
async fn values_are_hidden_unless_they_are_kept() -> Result<()> {
    let recording = recording();
    let users = users(&recording);
    users.set("a", "secret".to_owned()).await?;
    assert!(!page(&recording, "/cache/calls?request=outside").await.contains("secret"));
    recording.keep_values(true);
    users.set("a", "secret".to_owned()).await?;
    let html = page(&recording, "/cache/calls?request=outside").await;
    // Behind the header of the format, which is no text.
    assert!(html.contains(&format!("{}</code>", hex(b"secret"))), "{html}");
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

#[tokio::test]
async fn its_own_requests_are_not_recorded() -> Result<()> {
    let recording = Recording::global();
    recording.start();
    let region = Observed::with(Recorder::new("own requests"), larder::Memo::<u8>::new());
    let region = larder::LayerExt::region(region);
    let app = Router::new()
        .route(
            "/seen",
            axum::routing::get(async move || region.get::<u8>("a").await.map(|_| ()).unwrap()),
        )
        .nest("/own-panel", larder::panel())
        .layer(RequestLayer::new());
    for path in ["/own-panel/overview", "/seen", "/own-panel/live", "/own-panel/calls"] {
        assert_eq!(send(&app, from_here(path)).await.status, 200);
    }
    let names: Vec<_> = recording.requests().iter().map(|log| log.name().to_owned()).collect();
    assert!(names.contains(&"GET /seen".to_owned()), "{names:?}");
    assert!(!names.iter().any(|name| name.contains("own-panel")), "{names:?}");
    Ok(())
}
