use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::scope::{InRequest, RequestScope};

/// A tower layer that puts a [`RequestScope`] in force for each request, named after its method and path:
/// `GET /products/7`. The query is no part of the name, since it may hold secrets.
///
/// ```
/// use http::{Request, Response};
/// use larder::{RequestLayer, RequestScope};
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let service = ServiceBuilder::new().layer(RequestLayer::new()).service(service_fn(
///     async |_: Request<()>| {
///         let name = RequestScope::current().unwrap().name().to_owned();
///         Ok::<_, std::convert::Infallible>(Response::new(name))
///     },
/// ));
/// let request = Request::get("/products/7?token=abc").body(()).unwrap();
/// assert_eq!(service.oneshot(request).await.unwrap().body(), "GET /products/7");
/// # });
/// ```
///
/// The scope is also among the request's extensions, where the extractor for axum finds it.
///
/// Put it around the outermost router: inside of a nested one the path lacks what came before, and a layer
/// inside of another one begins a request of its own.
///
/// # Streamed bodies
///
/// The scope is in force until the response is there. A body that is streamed later is polled outside
/// of it, and carries it along if it needs it:
///
/// ```
/// # use larder::RequestScope;
/// # async fn next_row() -> Option<u64> { None }
/// # async fn body(scope: RequestScope) {
/// let scope = RequestScope::current().unwrap_or(scope); // or from the extensions of the request
/// while let Some(row) = scope.run(next_row()).await {   // each part of the body
///     # let _ = row;
/// }
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestLayer;

impl RequestLayer {
    /// The layer; it has no settings.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl<S> Layer<S> for RequestLayer {
    type Service = RequestService<S>;

    fn layer(&self, inner: S) -> RequestService<S> {
        RequestService { inner }
    }
}

/// A service inside of [`RequestLayer`].
#[derive(Clone, Copy, Debug)]
pub struct RequestService<S> {
    inner: S,
}

impl<S, B, R> Service<Request<B>> for RequestService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = RequestFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let scope = RequestScope::new(format!("{} {}", request.method(), request.uri().path()));
        request.extensions_mut().insert(scope.clone());
        // What a service does before it returns its future belongs to the request, too.
        let response = scope.run_blocking(|| self.inner.call(request));
        RequestFuture { response: scope.run(response), end: End { scope, status: None } }
    }
}

pin_project! {
    /// The response of a [`RequestService`], on its way.
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct RequestFuture<F> {
        #[pin]
        response: InRequest<F>,
        end: End,
    }
}

/// The end of a request, also of one that is dropped or panics: the recording of the process is told.
struct End {
    scope: RequestScope,
    status: Option<u16>,
}

#[cfg(feature = "observe-recorded")]
impl Drop for End {
    fn drop(&mut self) {
        crate::Recording::global().finish(&self.scope, self.status);
    }
}

impl<F, R, E> Future for RequestFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let response = ready!(this.response.poll(cx));
        this.end.status = response.as_ref().ok().map(|response| response.status().as_u16());
        Poll::Ready(response)
    }
}

impl<F> fmt::Debug for RequestFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestFuture").field("scope", &self.end.scope).finish_non_exhaustive()
    }
}
