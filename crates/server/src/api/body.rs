//! What a request brings: who sent it, and its body; and what it is answered with.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Request};
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use sotto_wire::server::{CONTENT_TYPE as CBOR, ErrorCode, Message, path};

use super::Refusal;
use crate::app::App;
use crate::forwarded::client_address;
use crate::stranger::Abuse;

/// A request that was made to us, by a page of ours or by no page, from an address that may ask.
#[derive(Clone, Debug)]
pub struct Client {
    /// Where it comes from; for buckets only, never kept.
    pub address: IpAddr,
    /// The origin it was made to.
    pub origin: String,
    /// It came through a proxy of ours.
    pub proxied: bool,
}

impl FromRequestParts<Arc<App>> for Client {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refusal> {
        let peer =
            parts.extensions.get::<ConnectInfo<SocketAddr>>().ok_or(Refusal::new(ErrorCode::Internal))?;
        let address = client_address(peer.0.ip(), &parts.headers, &app.config.trusted_proxies);
        // Whoever shows a token that a device gave out is no stranger to it, and may share the address of one.
        if parts.uri.path() != path::ENVELOPES {
            app.strangers.banned(address).inspect_err(|_| app.metrics.requests_banned_total.add())?;
        }
        let origin = app.origins.of_request(&parts.headers);
        app.strangers.request(address).inspect_err(|_| {
            if origin.is_some() && !by_another_site(&parts.headers) {
                app.abused(address, Abuse::Request);
            }
        })?;
        let proxied = address != peer.0.ip().to_canonical();
        Ok(Self { address, origin: origin.ok_or(Refusal::new(ErrorCode::WrongOrigin))?, proxied })
    }
}

/// Whether a page elsewhere had its visitor's browser ask, who is not to be banned for that. Browsers say so also where
/// they send no `Origin`; who says so and is no browser is still held by the bucket.
fn by_another_site(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site.as_bytes() != b"same-origin")
}

/// The body of a request, read under its limits.
pub struct Input<T> {
    /// Who sent it.
    pub client: Client,
    /// What was sent.
    pub message: T,
}

impl<T: Message> FromRequest<Arc<App>> for Input<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Refusal> {
        let (mut parts, body) = request.into_parts();
        let client = Client::from_request_parts(&mut parts, app).await?;
        // A form of another site cannot send this type without asking first.
        if parts.headers.get(CONTENT_TYPE).is_none_or(|kind| kind.as_bytes() != CBOR.as_bytes()) {
            return Err(Refusal::new(ErrorCode::UnsupportedMediaType));
        }
        let address = client.address;
        let malformed = |refusal: Refusal| {
            app.abused(address, Abuse::Malformed);
            refusal
        };
        let announced =
            parts.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        if announced.is_some_and(|length: usize| length > T::MAX) {
            return Err(malformed(Refusal::new(ErrorCode::TooLarge)));
        }
        let bytes = tokio::time::timeout(app.body_timeout(), read(body, T::MAX))
            .await
            .map_err(|_| Refusal::new(ErrorCode::TooSlow))??;
        let message = T::decode(&bytes).map_err(|error| malformed(error.into()))?;
        Ok(Self { client, message })
    }
}

async fn read(body: Body, max: usize) -> Result<Bytes, Refusal> {
    match Limited::new(body, max).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Refusal::new(ErrorCode::TooLarge)),
        Err(_) => Err(Refusal::new(ErrorCode::Malformed)),
    }
}

/// A successful answer.
pub struct Answer<T> {
    status: StatusCode,
    message: T,
}

impl<T> Answer<T> {
    /// 200 with this body.
    pub const fn ok(message: T) -> Self {
        Self { status: StatusCode::OK, message }
    }

    /// Another status with this body.
    pub const fn with(status: StatusCode, message: T) -> Self {
        Self { status, message }
    }
}

impl<T: Message> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.message.encode()).into_response();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(CBOR));
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}
