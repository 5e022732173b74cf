//! Moving files: what the page does of it. The work itself is the worker's.

mod message;

pub(crate) use message::{
    FileDescription, FromWorker, PassBytes, SaveReport, StretchJob, StretchReport, StretchedBytes, ToWorker,
    TransferReport, describe, pack, unpack,
};

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
};

use futures_channel::oneshot;
use futures_util::future::{Either, select};
use gloo_events::EventListener;
use gloo_timers::future::TimeoutFuture;
use js_sys::Array;
use sotto_crypto::passphrase::{PASSPHRASE_MAX, Stretch, StretchedKey};
use sotto_engine::FileId;
use sotto_wire::peer::TransferTag;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{MessageEvent, Worker};

use crate::{
    PassphraseError,
    inbox::{Item, Outbox},
    notify::Notify,
};

/// The short name of a file's transfer on its link.
pub(crate) fn tag(file: FileId) -> TransferTag {
    TransferTag::of(sotto_crypto::FileId::from_bytes(file.0))
}

/// How long the worker may take to start, in milliseconds; then links are made without it.
const START_LIMIT: u32 = 15_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Starting,
    Ready,
    Broken,
}

type Stretching = Rc<RefCell<BTreeMap<u32, oneshot::Sender<StretchReport>>>>;

/// The dedicated worker; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct WorkerHandle {
    worker: Option<Worker>,
    /// What was said before it listened, which it would not hear.
    early: Rc<RefCell<Vec<(JsValue, Array)>>>,
    state: Rc<Cell<State>>,
    changed: Rc<Notify>,
    /// Who waits for a passphrase to be stretched.
    stretching: Stretching,
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
        let stretching = Stretching::default();
        let mut listeners = Vec::new();
        if let Some(worker) = &worker {
            listeners.push(EventListener::new(worker, "message", {
                let (state, changed, outbox) = (Rc::clone(&state), Rc::clone(&changed), outbox.clone());
                let (worker, early) = (worker.clone(), Rc::clone(&early));
                let stretching = Rc::clone(&stretching);
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
                        Some((FromWorker::Stretched(job, report), _)) => {
                            if let Some(waiting) = stretching.borrow_mut().remove(&job) {
                                // Whoever waited may have gone.
                                let _ = waiting.send(report);
                            }
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
                let stretching = Rc::clone(&stretching);
                move |_| {
                    state.set(State::Broken);
                    stretching.borrow_mut().clear();
                    changed.notify();
                    let _ = outbox.put(Item::Worker(FromWorker::Broken, JsValue::UNDEFINED));
                }
            }));
        }
        Self { worker, early, state, changed, stretching, _listeners: listeners }
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

    /// Stretches a passphrase in the worker: Argon2id would stop the page for about a second.
    ///
    /// # Errors
    /// [`PassphraseError`].
    pub(crate) async fn stretch(
        &self,
        stretch: &Stretch,
        typed: &str,
    ) -> Result<StretchedKey, PassphraseError> {
        // Not even handed over.
        if typed.len() > PASSPHRASE_MAX {
            return Err(PassphraseError::TooLong);
        }
        self.started().await;
        if self.is_broken() {
            return Err(PassphraseError::NoWorker);
        }
        let (answer, answered) = oneshot::channel();
        let job = {
            let mut stretching = self.stretching.borrow_mut();
            let job = stretching.last_key_value().map_or(0, |(job, _)| job.wrapping_add(1));
            stretching.insert(job, answer);
            job
        };
        let what = StretchJob { stretch: stretch.to_bytes(), typed: typed.to_owned() };
        self.tell(&ToWorker::Stretch(job, what));
        match answered.await {
            Ok(StretchReport::Key(bytes)) => Ok(StretchedKey::from_bytes(*stretch, &bytes.key)),
            Ok(StretchReport::Empty) => Err(PassphraseError::Empty),
            Ok(StretchReport::TooLong) => Err(PassphraseError::TooLong),
            Ok(StretchReport::OutOfMemory) => Err(PassphraseError::OutOfMemory),
            Err(oneshot::Canceled) => Err(PassphraseError::NoWorker),
        }
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
