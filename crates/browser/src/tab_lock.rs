//! Only one tab runs the client: a Web Lock, and how another tab gets it.

use std::{cell::RefCell, rc::Rc};

use futures_channel::{mpsc, oneshot};
use futures_util::future::{Either, select};
use gloo_events::EventListener;
use gloo_timers::future::TimeoutFuture;
use js_sys::{Function, Promise};
use wasm_bindgen::{JsCast, JsValue, closure::Closure, prelude::wasm_bindgen};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, BroadcastChannel, MessageEvent};

use crate::js::{self, Task};

/// Name of the client's lock, and of the channel on which a tab asks for it.
pub(crate) const NAME: &str = "sotto";
/// What a tab says on the channel.
const TAKE_OVER: &str = "take-over";
/// How long the other tab may take to stop by itself, in milliseconds, before the lock is taken from it.
const STOP_LIMIT: u32 = 4_000;

#[wasm_bindgen]
extern "C" {
    /// Web Locks, which web-sys has only behind its unstable switch.
    #[wasm_bindgen(extends = js_sys::Object)]
    type LockManager;

    #[wasm_bindgen(method, catch)]
    fn request(
        this: &LockManager,
        name: &str,
        options: &JsValue,
        granted: &Function,
    ) -> Result<Promise, JsValue>;
}

/// Why there is no lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LockError {
    #[error("another tab holds the lock")]
    Held,
    #[error("this browser has no Web Locks")]
    Unsupported,
}

/// Another tab wants the lock, or has it already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// It asks; the lock is ours until it is dropped.
    Asked,
    /// It waited too long and took it.
    Stolen,
}

/// The lock, held until it is dropped.
#[derive(Debug)]
pub(crate) struct TabLock {
    release: Function,
    _request: Task,
    _listener: EventListener,
    channel: BroadcastChannel,
}

impl Drop for TabLock {
    fn drop(&mut self) {
        self.channel.close();
        // Resolving a promise cannot throw.
        let _ = self.release.call0(&JsValue::UNDEFINED);
    }
}

impl TabLock {
    /// Gets the lock of this name; with `take_over`, from the tab that has it: asked first, taken if that does not help. Claims of
    /// other tabs come on the stream.
    ///
    /// # Errors
    /// [`LockError`].
    pub(crate) async fn acquire(
        name: &str,
        take_over: bool,
    ) -> Result<(Self, mpsc::UnboundedReceiver<Claim>), LockError> {
        let channel = BroadcastChannel::new(name).map_err(|_| LockError::Unsupported)?;
        let (claims, claimed) = mpsc::unbounded();
        let (release, request) = match request(name, &[("ifAvailable", true.into())], &claims).await {
            Ok(held) => held,
            Err(LockError::Held) if take_over => {
                // Nobody may listen; the lock is then taken below.
                let _ = channel.post_message(&TAKE_OVER.into());
                wait_or_steal(name, &claims).await?
            }
            Err(error) => {
                channel.close();
                return Err(error);
            }
        };
        let listener = EventListener::new(&channel, "message", move |event| {
            let said = event.dyn_ref::<MessageEvent>().and_then(|event| event.data().as_string());
            if said.as_deref() == Some(TAKE_OVER) {
                // The client has stopped already when nobody listens.
                let _ = claims.unbounded_send(Claim::Asked);
            }
        });
        Ok((Self { release, _request: request, _listener: listener, channel }, claimed))
    }
}

type Held = (Function, Task);

async fn wait_or_steal(name: &str, claims: &mpsc::UnboundedSender<Claim>) -> Result<Held, LockError> {
    let controller = AbortController::new().map_err(|_| LockError::Unsupported)?;
    let options = [("signal", JsValue::from(controller.signal()))];
    let waiting = std::pin::pin!(request(name, &options, claims));
    match select(waiting, TimeoutFuture::new(STOP_LIMIT)).await {
        Either::Left((held, _)) => held,
        Either::Right(((), waiting)) => {
            controller.abort();
            // It may have been granted at the last moment.
            match waiting.await {
                Err(LockError::Held) => request(name, &[("steal", true.into())], claims).await,
                held => held,
            }
        }
    }
}

async fn request(
    name: &str,
    options: &[(&str, JsValue)],
    claims: &mpsc::UnboundedSender<Claim>,
) -> Result<Held, LockError> {
    let locks = web_sys::window().map(|window| js::get(&window.navigator(), "locks"));
    let locks = locks.filter(JsValue::is_object).ok_or(LockError::Unsupported)?;
    let (answer, answered) = oneshot::channel();
    let answer = Rc::new(RefCell::new(Some(answer)));
    let granted = Closure::<dyn FnMut(JsValue) -> Promise>::new({
        let answer = Rc::clone(&answer);
        move |lock: JsValue| {
            let mut release = None;
            let held = Promise::new(&mut |resolve, _| release = Some(resolve));
            match (lock.is_object(), release) {
                (true, Some(release)) => {
                    if let Some(answer) = answer.borrow_mut().take() {
                        // Nobody waits any more: the lock goes with the release function.
                        let _ = answer.send(release);
                    }
                    held
                }
                // Not available.
                _ => Promise::resolve(&JsValue::UNDEFINED),
            }
        }
    });
    let request = locks
        .unchecked_into::<LockManager>()
        .request(name, &js::object(options), granted.as_ref().unchecked_ref())
        .map_err(|_| LockError::Unsupported)?;
    let claims = claims.clone();
    let task = Task::spawn(async move {
        let outcome = JsFuture::from(request).await;
        drop(granted);
        // Whoever waits learns from the dropped sender that the lock was not granted.
        let was_held = answer.borrow_mut().take().is_none();
        if was_held && outcome.is_err() {
            let _ = claims.unbounded_send(Claim::Stolen);
        }
    });
    let release = answered.await.map_err(|_| LockError::Held)?;
    Ok((release, task))
}
