//! All of what people reach: the interface under `/v1`, the page everywhere else, and the headers of every answer.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{
    CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use sotto_wire::server::ErrorCode;

use crate::api::{self, Refusal};
use crate::app::App;
use crate::page::plain;

const OTHER_NAME: &str = "This server does not answer under this name. Its operator can add it with --origins, as browsers write it.\n";

const HEADERS: [(HeaderName, HeaderValue); 5] = [
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(self), microphone=(self), display-capture=(self), geolocation=()"),
    ),
];

/// What people reach.
pub fn router(app: Arc<App>) -> Router {
    api::router().fallback(page).layer(from_fn_with_state(Arc::clone(&app), finish)).with_state(app)
}

async fn page(State(app): State<Arc<App>>, request: Request) -> Response {
    if app.origins.of_host(request.headers()).is_none() {
        return plain(StatusCode::MISDIRECTED_REQUEST, OTHER_NAME);
    }
    app.page.respond(request.method(), request.uri().path(), request.headers())
}

async fn finish(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    // A panic is a mistake of ours. It is told like one, and nobody else's connection ends for it.
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let mut response = answered.unwrap_or_else(|_| Refusal::new(ErrorCode::Internal).into_response());
    match response.extensions().get::<Refusal>().map(|refusal| refusal.code) {
        Some(ErrorCode::RateLimited) => app.metrics.requests_limited_total.add(),
        Some(ErrorCode::Unavailable) => app.metrics.requests_unavailable_total.add(),
        Some(ErrorCode::Internal) => app.metrics.requests_failed_total.add(),
        Some(_) => app.metrics.requests_refused_total.add(),
        None => {}
    }
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, value);
    }
    if !headers.contains_key(CONTENT_SECURITY_POLICY) {
        headers.insert(CONTENT_SECURITY_POLICY, app.page.policy().clone());
    }
    if app.origins.all_https() {
        headers.insert(
            STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000; includeSubDomains"),
        );
    }
    response
}
