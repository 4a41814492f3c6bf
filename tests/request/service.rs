//! The layer for tower and the extractor for axum, with real requests.

use std::{
    convert::Infallible,
    future::{Future, Ready},
    sync::Arc,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Path, State},
    http::{Request, Response, StatusCode},
    routing::get,
};
use larder::{Loader, RequestLayer, RequestScope};
use tower::{Service, ServiceBuilder, ServiceExt, service_fn};

use crate::{Names, Stack, names};

async fn ask(app: Router, uri: &str) -> (StatusCode, String) {
    let request = Request::get(uri).body(Body::empty()).unwrap();
    let response = app.oneshot(request).await.unwrap();
    let status = response.status();
    let bytes = to_bytes(response.into_body(), 10_000).await.unwrap();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn each_request_has_a_scope_of_its_own() {
    let service = ServiceBuilder::new().layer(RequestLayer::new()).service(service_fn(
        async |request: Request<&'static str>| {
            let current = RequestScope::current().unwrap();
            let carried = request.extensions().get::<RequestScope>().unwrap();
            assert_eq!(current.id(), carried.id());
            crate::support::yielding::give_way().await;
            assert_eq!(RequestScope::current().unwrap().id(), current.id());
            Ok::<_, Infallible>(Response::new((current.id(), current.name().to_owned())))
        },
    ));
    let call = |uri| service.oneshot(Request::post(uri).body("any body").unwrap());
    let (one, other) = tokio::join!(call("/a/1?token=s3cret#top"), call("http://host/b"));
    let (one, other) = (one.unwrap().into_body(), other.unwrap().into_body());
    assert_eq!((one.1.as_str(), other.1.as_str()), ("POST /a/1", "POST /b"));
    assert_ne!(one.0, other.0);
    assert!(RequestScope::current().is_none());
}

#[tokio::test]
async fn what_a_service_does_at_once_is_inside_too() {
    let mut service = ServiceBuilder::new().layer(RequestLayer).service_fn(
        |_: Request<()>| -> Ready<Result<Response<String>, Infallible>> {
            let name = RequestScope::current().unwrap().name().to_owned();
            std::future::ready(Ok(Response::new(name)))
        },
    );
    let request = Request::get("/now").body(()).unwrap();
    let response = service.ready().await.unwrap().call(request).await.unwrap();
    assert_eq!(response.body(), "GET /now");
}

type App = Arc<Loader<Names, Stack>>;

async fn page(State(names): State<App>, Path(id): Path<u64>, scope: RequestScope) -> String {
    let first = names.get(id).await.unwrap().unwrap_or_default();
    let again = names.get_multi([id, id + 1]).await.unwrap();
    assert_eq!(again[0].clone().unwrap_or_default(), first);
    format!("{}: {first}", scope.name())
}

#[tokio::test]
async fn axum_handlers_have_it() {
    let (names, database, world) = names();
    let app = Router::new()
        .route("/names/{id}", get(page))
        .layer(RequestLayer::new())
        .with_state(Arc::new(names));
    let (status, body) = ask(app.clone(), "/names/7?token=s3cret").await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, "GET /names/7: name 7"));
    assert_eq!(world.asked.take(), [["name:7"], ["name:8"]]);
    ask(app.clone(), "/names/7").await;
    assert_eq!(world.asked.take(), [["name:7"], ["name:8"]], "another request asks the cache");
    assert_eq!(database.take(), [[7], [8]]);
    let asks = (0..50).map(|_| tokio::spawn(ask(app.clone(), "/names/20")));
    for answer in asks.collect::<Vec<_>>() {
        assert_eq!(answer.await.unwrap().1, "GET /names/20: name 20");
    }
    assert_eq!(database.take(), [[20], [21]]);
}

#[tokio::test]
async fn a_missing_layer_is_named() {
    let (names, ..) = names();
    let app = Router::new().route("/names/{id}", get(page)).with_state(Arc::new(names));
    let (status, body) = ask(app, "/names/7").await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(body.contains("larder::RequestLayer::new()"), "{body}");
}

#[tokio::test]
async fn a_request_that_is_dropped_leaves_nothing() {
    let (names, database, world) = names();
    let app = Router::new()
        .route("/names/{id}", get(page))
        .layer(RequestLayer::new())
        .with_state(Arc::new(names));
    let hold = world.chaos.hold(larder::testing::Calls::Reads);
    tokio::select! {
        _ = ask(app.clone(), "/names/7") => panic!("it is held"),
        () = hold.reached() => {}
    }
    assert_eq!(world.region.in_flight(), 0);
    assert_eq!(ask(app, "/names/7").await.1, "GET /names/7: name 7");
    assert_eq!(database.take(), [[7], [8]]);
}

/// Alone in its process' recording but for the tests beside it, so it looks for its own request.
#[cfg(feature = "observe-recorded")]
#[tokio::test]
async fn a_recording_is_told_how_a_request_ended() {
    let recording = larder::Recording::global();
    recording.start();
    let service = ServiceBuilder::new().layer(RequestLayer::new()).service(service_fn(
        async |_: Request<()>| {
            let response = http::Response::builder().status(418).body(());
            Ok::<_, Infallible>(response.unwrap())
        },
    ));
    service.oneshot(Request::get("/tea?secret=1").body(()).unwrap()).await.unwrap();
    let requests = recording.requests();
    let tea = requests.iter().find(|log| log.name() == "GET /tea").unwrap();
    assert_eq!(tea.finished().unwrap().status, Some(418));
}

/// A client that hung up, or a handler that panicked.
#[cfg(feature = "observe-recorded")]
#[tokio::test]
async fn a_recording_is_told_of_a_request_that_is_dropped() {
    let recording = larder::Recording::global();
    recording.start();
    let service = ServiceBuilder::new().layer(RequestLayer::new()).service(service_fn(
        async |_: Request<()>| {
            std::future::pending::<Result<http::Response<()>, Infallible>>().await
        },
    ));
    let mut answer = Box::pin(service.oneshot(Request::get("/slow").body(()).unwrap()));
    assert!(is_pending(&mut answer).await);
    drop(answer);
    let requests = recording.requests();
    let slow = requests.iter().find(|log| log.name() == "GET /slow").unwrap();
    assert_eq!(slow.finished().unwrap().status, None);
}

/// Polls a future once; whether it is pending.
#[cfg(feature = "observe-recorded")]
async fn is_pending<F: Future + Unpin>(future: &mut F) -> bool {
    std::future::poll_fn(|cx| {
        std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(cx).is_pending())
    })
    .await
}
