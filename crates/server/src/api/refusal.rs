//! A request that changed nothing, and the answer that says why.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use sotto_wire::server::{CONTENT_TYPE as CBOR, ErrorCode, Failure, FrameError, Message, RequestId};

use crate::store::StoreError;
use crate::stranger::{TooMany, random};

/// Seconds to wait when the store is busy.
const BUSY_RETRY_S: u32 = 1;

/// Seconds to wait when the store is out of order.
const UNAVAILABLE_RETRY_S: u32 = 30;

/// Why a request changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The kind.
    pub code: ErrorCode,
    /// Seconds to wait, where waiting helps.
    pub retry_after_s: Option<u32>,
}

impl Refusal {
    /// A refusal that waiting does not change.
    #[must_use]
    pub const fn new(code: ErrorCode) -> Self {
        Self { code, retry_after_s: None }
    }
}

impl From<FrameError> for Refusal {
    fn from(error: FrameError) -> Self {
        Self::new(match error {
            FrameError::TooLarge => ErrorCode::TooLarge,
            FrameError::OutOfBounds
            | FrameError::UnknownType
            | FrameError::Malformed
            | FrameError::NotDeterministic => ErrorCode::Malformed,
        })
    }
}

impl From<TooMany> for Refusal {
    fn from(error: TooMany) -> Self {
        Self { code: ErrorCode::RateLimited, retry_after_s: Some(error.retry_after_s) }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        let wait = match error {
            StoreError::Busy => BUSY_RETRY_S,
            StoreError::Unavailable => UNAVAILABLE_RETRY_S,
        };
        Self { code: ErrorCode::Unavailable, retry_after_s: Some(wait) }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let request_id = RequestId(random().unwrap_or_default());
        tracing::debug!(code = ?self.code, ?request_id, "request refused");
        let failure = Failure { code: self.code, request_id, retry_after_s: self.retry_after_s };
        let status = StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, failure.encode()).into_response();
        // The metrics of refusals are kept where all answers pass.
        response.extensions_mut().insert(self);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(CBOR));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
