use std::{error::Error, fmt};

use axum_core::{
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use http::{StatusCode, request::Parts};

use super::scope::RequestScope;

/// An axum handler has the scope of its request as an argument, where [`RequestLayer`](crate::RequestLayer) is
/// over its route.
///
/// ```
/// use axum::{Router, routing::get};
/// use larder::{RequestLayer, RequestScope};
///
/// async fn home(scope: RequestScope) -> String {
///     format!("request {} has run for {:?}", scope.id(), scope.elapsed())
/// }
///
/// let app: Router = Router::new().route("/", get(home)).layer(RequestLayer::new());
/// # let _ = app;
/// ```
impl<S: Send + Sync> FromRequestParts<S> for RequestScope {
    type Rejection = MissingRequestScope;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, MissingRequestScope> {
        let scope = parts.extensions.get().cloned().or_else(Self::current);
        scope.ok_or(MissingRequestScope(()))
    }
}

/// There is no scope for this request: a response with status 500.
#[derive(Clone, Copy, Debug)]
pub struct MissingRequestScope(());

impl fmt::Display for MissingRequestScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "this route has no request scope: add `.layer(larder::RequestLayer::new())` to its router, \
             after the route",
        )
    }
}

impl Error for MissingRequestScope {}

impl IntoResponse for MissingRequestScope {
    fn into_response(self) -> Response {
        (StatusCode::INTERNAL_SERVER_ERROR, self.to_string()).into_response()
    }
}
