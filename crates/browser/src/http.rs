//! Requests to the server without credentials.

use futures_util::future::{Either, select};
use gloo_timers::future::TimeoutFuture;
use js_sys::Uint8Array;
use sotto_engine::Response;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortController, ReadableStreamDefaultReader, RequestCache, RequestCredentials, RequestInit, RequestMode,
    RequestRedirect,
};

use crate::js;

/// How long a request may take as a whole, in milliseconds.
const TIMEOUT: u32 = 30_000;

/// Ends a request that nobody waits for any more.
struct AbortOnDrop(AbortController);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Posts a CBOR body to a path of this origin. Whatever keeps the answer from being read, also one longer than
/// `limit` bytes, is [`Response::Unreachable`].
pub(crate) async fn post(path: &str, body: Vec<u8>, limit: usize) -> Response {
    let Ok(controller) = AbortController::new() else { return Response::Unreachable };
    let guard = AbortOnDrop(controller);
    let fetched = std::pin::pin!(fetch(path, &body, limit, &guard.0));
    match select(fetched, TimeoutFuture::new(TIMEOUT)).await {
        Either::Left((Ok(response), _)) => response,
        Either::Left((Err(_), _)) | Either::Right(_) => Response::Unreachable,
    }
}

async fn fetch(
    path: &str,
    body: &[u8],
    limit: usize,
    controller: &AbortController,
) -> Result<Response, JsValue> {
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_body(&Uint8Array::from(body));
    // In any other mode a page whose referrer policy is `no-referrer` sends `Origin: null` by the Fetch standard, and
    // Firefox does; the server refuses that. The address is a path, so no other origin is ever asked.
    init.set_mode(RequestMode::Cors);
    init.set_credentials(RequestCredentials::Omit);
    init.set_cache(RequestCache::NoStore);
    init.set_redirect(RequestRedirect::Error);
    init.set_referrer("");
    init.set_signal(Some(&controller.signal()));
    init.set_headers(&js::object(&[("content-type", "application/cbor".into())]));
    let window = web_sys::window().ok_or(JsValue::UNDEFINED)?;
    let response: web_sys::Response =
        JsFuture::from(window.fetch_with_str_and_init(path, &init)).await?.dyn_into()?;
    let retry_after = response.headers().get("retry-after")?.and_then(|seconds| seconds.trim().parse().ok());
    let mut read = Vec::new();
    if let Some(stream) = response.body() {
        let reader: ReadableStreamDefaultReader = stream.get_reader().unchecked_into();
        loop {
            let chunk = JsFuture::from(reader.read()).await?;
            let Ok(bytes) = js::get(&chunk, "value").dyn_into::<Uint8Array>() else { break };
            let length = usize::try_from(bytes.length()).map_err(|_| JsValue::UNDEFINED)?;
            if length > limit.saturating_sub(read.len()) {
                return Err(JsValue::UNDEFINED);
            }
            read.extend(bytes.to_vec());
        }
    }
    Ok(Response::Http { status: response.status(), retry_after, body: read })
}
