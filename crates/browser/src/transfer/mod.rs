//! Moving files: what the page does of it. The work itself is the worker's.

pub(crate) mod frame;
mod message;

pub(crate) use message::{
    FileDescription, FromWorker, SaveReport, ToWorker, TransferReport, describe, pack, unpack,
};

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use futures_util::future::{Either, select};
use gloo_events::EventListener;
use gloo_timers::future::TimeoutFuture;
use js_sys::Array;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{MessageEvent, Worker};

use crate::{
    inbox::{Item, Outbox},
    notify::Notify,
};

/// How long the worker may take to start, in milliseconds; then links are made without it.
const START_LIMIT: u32 = 15_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Starting,
    Ready,
    Broken,
}

/// The dedicated worker; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct WorkerHandle {
    worker: Option<Worker>,
    /// What was said before it listened, which it would not hear.
    early: Rc<RefCell<Vec<(JsValue, Array)>>>,
    state: Rc<Cell<State>>,
    changed: Rc<Notify>,
    _listeners: Vec<EventListener>,
}

impl WorkerHandle {
    /// Starts the worker. What it says comes into the inbox. A worker that cannot be started is broken from the
    /// beginning, and everything but files works without it.
    pub(crate) fn start(url: &str, outbox: &Outbox) -> Self {
        let worker = Worker::new(url).ok();
        let state = Rc::new(Cell::new(if worker.is_some() { State::Starting } else { State::Broken }));
        let changed = Rc::<Notify>::default();
        let early = Rc::<RefCell<Vec<(JsValue, Array)>>>::default();
        let mut listeners = Vec::new();
        if let Some(worker) = &worker {
            listeners.push(EventListener::new(worker, "message", {
                let (state, changed, outbox) = (Rc::clone(&state), Rc::clone(&changed), outbox.clone());
                let (worker, early) = (worker.clone(), Rc::clone(&early));
                move |event| {
                    let data = event.dyn_ref::<MessageEvent>().map(MessageEvent::data);
                    match data.and_then(|data| unpack(&data)) {
                        Some((FromWorker::Ready, _)) => {
                            state.set(State::Ready);
                            for (message, transfer) in early.take() {
                                // Only objects can be refused, and a link waits before it hands one over.
                                let _ = worker.post_message_with_transfer(&message, &transfer);
                            }
                            changed.notify();
                        }
                        Some((message, beside)) => {
                            // A stopped driver has no use for it.
                            let _ = outbox.put(Item::Worker(message, beside));
                        }
                        None => {}
                    }
                }
            }));
            listeners.push(EventListener::new(worker, "error", {
                let (state, changed, outbox) = (Rc::clone(&state), Rc::clone(&changed), outbox.clone());
                move |_| {
                    state.set(State::Broken);
                    changed.notify();
                    let _ = outbox.put(Item::Worker(FromWorker::Broken, JsValue::UNDEFINED));
                }
            }));
        }
        Self { worker, early, state, changed, _listeners: listeners }
    }

    /// Waits until the worker listens, or until it is clear that it will not.
    pub(crate) async fn started(&self) {
        let started = self.changed.until(|| Some(()).filter(|()| self.state.get() != State::Starting));
        let late = matches!(
            select(std::pin::pin!(started), TimeoutFuture::new(START_LIMIT)).await,
            Either::Right(_)
        );
        if late {
            self.state.set(State::Broken);
            self.early.borrow_mut().clear();
        }
    }

    /// Whether it cannot be used.
    pub(crate) fn is_broken(&self) -> bool {
        self.state.get() == State::Broken
    }

    /// Says something, with an object beside it that is copied or handed over.
    ///
    /// # Errors
    /// What `postMessage` throws: the object cannot be handed over in this browser.
    pub(crate) fn post(&self, message: &ToWorker, beside: &JsValue, hand_over: bool) -> Result<(), JsValue> {
        let worker = self.worker.as_ref().ok_or(JsValue::UNDEFINED)?;
        let (message, transfer) = pack(message, beside, hand_over);
        if self.state.get() == State::Starting {
            self.early.borrow_mut().push((message, transfer));
            return Ok(());
        }
        worker.post_message_with_transfer(&message, &transfer)
    }

    /// Says something without an object.
    pub(crate) fn tell(&self, message: &ToWorker) {
        // Only objects can be refused.
        let _ = self.post(message, &JsValue::UNDEFINED, false);
    }
}

impl Drop for WorkerHandle {
    fn drop(&mut self) {
        if let Some(worker) = &self.worker {
            worker.terminate();
        }
    }
}
