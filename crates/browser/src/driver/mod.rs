//! The loop that drives the engine: one input at a time, its outputs strictly in order.

mod files;
mod room;

use std::{collections::BTreeMap, rc::Rc};

use gloo_timers::callback::Timeout;
use sotto_engine::{
    Client, Event, Input, LinkAction, LinkEvent, LinkId, Output, Request, RequestId, Response, SocketAction,
    SocketEvent, Timestamp, TransferAction, TransferEvent,
};
use wasm_bindgen::JsCast;

use crate::{
    DriverEvent, StopReason, http,
    inbox::{Inbox, Item, Outbox},
    js::{self, Task},
    link::{Link, LinkOptions},
    socket::{ABNORMAL, Socket},
    storage::{Database, KeyRange, SealedRecords, StorageError},
    surroundings::Surroundings,
    tab_lock::{Claim, TabLock},
    transfer::{FromWorker, ToWorker, WorkerHandle},
    wake_lock::Awake,
};
use files::Files;

/// Longest time between two looks at the clock, in milliseconds: timers of the browser stand still while the device
/// sleeps, and cannot run longer than 2³¹ milliseconds.
const MAX_TIMER: u64 = 60 * 60 * 1000;
/// RFC 6455's code for an ordinary end.
const NORMAL: u16 = 1000;

/// Why the loop ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The page asked for it.
    Asked,
    /// Another tab has taken over.
    TakenOver,
    /// The engine cannot go on.
    Stopped(StopReason),
}

impl From<StorageError> for End {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Superseded => Self::TakenOver,
            StorageError::Gone => Self::Stopped(StopReason::StorageGone),
            // Whoever stores waits for room; nothing else fills the storage.
            StorageError::Full
            | StorageError::Denied
            | StorageError::Blocked
            | StorageError::Newer
            | StorageError::Damaged
            | StorageError::Failed => Self::Stopped(StopReason::StorageFailed),
        }
    }
}

/// The engine and everything it acts on. Whatever it owns ends with it.
pub(crate) struct Driver {
    client: Client,
    records: Rc<SealedRecords<Rc<Database>>>,
    inbox: Inbox,
    outbox: Outbox,
    on_event: Box<dyn Fn(DriverEvent)>,
    socket_url: String,
    socket: Option<Socket>,
    /// Rises whenever a socket is made or ends.
    socket_number: u64,
    links: BTreeMap<LinkId, Link>,
    requests: BTreeMap<RequestId, Task>,
    worker: Rc<WorkerHandle>,
    files: Files,
    /// While files move.
    awake: Awake,
    timer: Option<(Timestamp, Timeout)>,
    _surroundings: Surroundings,
    _claims: Task,
    lock: TabLock,
    /// Who asked to stop, if anybody waits for it.
    stopping: Option<futures_channel::oneshot::Sender<()>>,
}

/// What a driver begins with.
pub(crate) struct Parts {
    pub(crate) client: Client,
    pub(crate) records: SealedRecords<Rc<Database>>,
    pub(crate) inbox: Inbox,
    pub(crate) outbox: Outbox,
    pub(crate) on_event: Box<dyn Fn(DriverEvent)>,
    pub(crate) socket_url: String,
    pub(crate) worker: Rc<WorkerHandle>,
    pub(crate) lock: TabLock,
    pub(crate) claims: futures_channel::mpsc::UnboundedReceiver<Claim>,
}

impl Driver {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts { client, records, inbox, outbox, on_event, socket_url, worker, lock, claims } = parts;
        let surroundings = Surroundings::listen({
            let outbox = outbox.clone();
            move |input| {
                // A stopped driver needs to know nothing more.
                let _ = outbox.put(Item::Input(input));
            }
        });
        let claims = Task::spawn({
            let outbox = outbox.clone();
            async move {
                let mut claims = claims;
                while let Some(claim) = futures_util::StreamExt::next(&mut claims).await {
                    let _ = outbox.put(Item::Claimed(claim));
                }
            }
        });
        Self {
            client,
            records: Rc::new(records),
            inbox,
            outbox,
            on_event,
            socket_url,
            socket: None,
            socket_number: 0,
            links: BTreeMap::new(),
            requests: BTreeMap::new(),
            worker,
            files: Files::default(),
            awake: Awake::default(),
            timer: None,
            _surroundings: surroundings,
            _claims: claims,
            lock,
            stopping: None,
        }
    }

    /// Runs until the page stops it, another tab takes over, or storage fails. Says which, last of all.
    pub(crate) async fn run(mut self) {
        let end = self.work().await;
        let Self { on_event, records, lock, socket, links, requests, worker, stopping, .. } = self;
        drop((socket, links, requests, worker));
        records.raw().close();
        drop(records);
        // Only now may another tab begin.
        drop(lock);
        match end {
            End::Asked => {}
            End::TakenOver => on_event(DriverEvent::TakenOver),
            End::Stopped(reason) => on_event(DriverEvent::Stopped(reason)),
        }
        if let Some(stopping) = stopping {
            // Whoever asked may have gone.
            let _ = stopping.send(());
        }
    }

    async fn work(&mut self) -> End {
        if let Err(end) = self.drain().await {
            return end;
        }
        while let Some(item) = self.inbox.take().await {
            let done = match item {
                Item::Input(input) => self.input(input).await,
                Item::Socket(number, event) => self.socket_event(number, event).await,
                Item::Timer => self.timer().await,
                Item::Worker(message, beside) => self.worker(message, &beside).await,
                Item::OfferFiles(contact, files) => self.offer(contact, files).await,
                Item::Save(save) => self.save(save).await,
                Item::Claimed(Claim::Asked | Claim::Stolen) => return End::TakenOver,
                // There was room before it was asked.
                Item::StoreAgain => Ok(()),
                Item::Stop(answer) => {
                    self.stopping = answer;
                    return End::Asked;
                }
            };
            if let Err(end) = done {
                return end;
            }
        }
        End::Asked
    }

    async fn input(&mut self, input: Input) -> Result<(), End> {
        match &input {
            Input::Done(request, _) => {
                self.requests.remove(request);
            }
            // A link that was closed here is not to be heard of any more.
            Input::Link(link, _) if !self.links.contains_key(link) => return Ok(()),
            Input::Link(link, LinkEvent::Closed) => self.forget_link(*link),
            Input::Transfer(_, TransferEvent::Progress(_)) => self.awake.moved(),
            Input::Transfer(file, event) if self.files.has_ended(*file, event) => self.show_activity(false),
            _ => {}
        }
        self.client.handle(input, js::now(), &mut js::rng());
        self.drain().await
    }

    async fn timer(&mut self) -> Result<(), End> {
        self.timer = None;
        if self.client.next_timeout().is_some_and(|at| at <= js::now()) {
            return self.input(Input::Timeout).await;
        }
        self.arm();
        Ok(())
    }

    /// Carries out what the engine wants, in order, and sets the timer for what it waits for.
    async fn drain(&mut self) -> Result<(), End> {
        while let Some(output) = self.client.poll() {
            match output {
                Output::Persist(changes) => self.persist(&changes).await?,
                Output::Socket(action) => self.socket(action),
                Output::Link(link, action) => self.link(link, action),
                Output::Transfer(file, action) => self.transfer(file, action),
                Output::Request(id, request) => self.request(id, request),
                Output::Event(event) => {
                    if let Event::Notice(notice) = &event {
                        self.files.notice(notice);
                    }
                    (self.on_event)(DriverEvent::Engine(event));
                }
                Output::Log(line) => web_sys::console::debug_1(&line.into()),
            }
        }
        self.arm();
        Ok(())
    }

    fn arm(&mut self) {
        let next = self.client.next_timeout();
        if self.timer.as_ref().map(|(at, _)| *at) == next {
            return;
        }
        self.timer = next.map(|at| {
            let wait = at.saturating_since(js::now()).as_millis();
            let wait = u64::try_from(wait).unwrap_or(MAX_TIMER).min(MAX_TIMER);
            let outbox = self.outbox.clone();
            let timeout = Timeout::new(u32::try_from(wait).unwrap_or(u32::MAX), move || {
                let _ = outbox.put(Item::Timer);
            });
            (at, timeout)
        });
    }

    fn put(&self, input: Input) {
        let _ = self.outbox.put(Item::Input(input));
    }

    async fn socket_event(&mut self, number: u64, event: SocketEvent) -> Result<(), End> {
        if number != self.socket_number {
            return Ok(());
        }
        if matches!(event, SocketEvent::Closed { .. }) {
            self.socket = None;
            self.socket_number += 1;
        }
        self.input(Input::Socket(event)).await
    }

    /// Ends the socket, if there is one, without waiting: a dead connection would answer only after minutes.
    fn end_socket(&mut self, code: u16) {
        self.socket = None;
        self.socket_number += 1;
        // Nothing can be waiting in the queue that keeps this out.
        let _ = self.outbox.put(Item::Socket(self.socket_number, SocketEvent::Closed { code }));
    }

    fn socket(&mut self, action: SocketAction) {
        match action {
            SocketAction::Open => {
                self.socket_number += 1;
                let (outbox, number) = (self.outbox.clone(), self.socket_number);
                self.socket =
                    Socket::open(&self.socket_url, move |event| outbox.put(Item::Socket(number, event)));
                if self.socket.is_none() {
                    self.end_socket(ABNORMAL);
                }
            }
            SocketAction::Send(message) => {
                if let Some(socket) = &self.socket {
                    socket.send(&message);
                }
            }
            SocketAction::Close => {
                if self.socket.is_some() {
                    self.end_socket(NORMAL);
                }
            }
        }
    }

    fn link(&mut self, id: LinkId, action: LinkAction) {
        match action {
            LinkAction::Open { polite, initiate, ice_servers, relay_only } => {
                let options = LinkOptions { polite, initiate, ice_servers, relay_only };
                let link = Link::open(id, options, self.outbox.clone(), Rc::clone(&self.worker));
                self.links.insert(id, link);
            }
            LinkAction::Restart { ice_servers } => {
                if let Some(link) = self.links.get(&id) {
                    link.restart(ice_servers);
                }
            }
            LinkAction::Examine => {
                if let Some(link) = self.links.get(&id) {
                    link.examine();
                }
            }
            LinkAction::Signal(signal) => {
                if let Some(link) = self.links.get(&id) {
                    link.signal(signal);
                }
            }
            LinkAction::Send(message) => {
                if let Some(link) = self.links.get(&id) {
                    link.send(message);
                }
            }
            LinkAction::Close => self.forget_link(id),
        }
    }

    fn forget_link(&mut self, id: LinkId) {
        if self.links.remove(&id).is_some() {
            self.worker.tell(&ToWorker::LinkClosed(id.0));
        }
    }

    fn request(&mut self, id: RequestId, request: Request) {
        let outbox = self.outbox.clone();
        let records = Rc::clone(&self.records);
        let task = Task::spawn(async move {
            let response = match request {
                Request::Post { path, body, limit } => http::post(path, body, limit).await,
                Request::Read { store, prefix, before, limit } => {
                    let range = KeyRange::with_prefix(prefix, before);
                    records.read(store, range, limit).await.map_or(Response::StorageFailed, Response::Records)
                }
            };
            let _ = outbox.put(Item::Input(Input::Done(id, response)));
        });
        self.requests.insert(id, task);
    }

    async fn worker(&mut self, message: FromWorker, beside: &wasm_bindgen::JsValue) -> Result<(), End> {
        match message {
            // Heard by the handle itself.
            FromWorker::Ready | FromWorker::Stretched(..) => {}
            FromWorker::Broken => {
                for input in self.files.worker_broke() {
                    self.input(input).await?;
                }
            }
            FromWorker::Transfer(file, report) => {
                let file = sotto_engine::FileId(file);
                if self.files.is_running(file) {
                    self.input(Input::Transfer(file, report.into())).await?;
                }
            }
            FromWorker::Frame(link) => {
                if let (Some(link), Some(frame)) = (self.links.get(&LinkId(link)), beside.dyn_ref()) {
                    link.send_frame(js_sys::ArrayBuffer::clone(frame));
                }
            }
            FromWorker::Saved(job, report) => self.files.saved(job, report),
        }
        Ok(())
    }

    async fn offer(
        &mut self,
        contact: sotto_engine::ContactId,
        picked: Vec<crate::PickedFile>,
    ) -> Result<(), End> {
        for picked in picked {
            let command = self.files.register(contact, picked);
            self.input(Input::Command(command)).await?;
        }
        Ok(())
    }

    async fn save(&mut self, save: crate::inbox::Save) -> Result<(), End> {
        let command = self.files.begin_save(save);
        self.input(Input::Command(command)).await
    }

    fn transfer(&mut self, file: sotto_engine::FileId, action: TransferAction) {
        let was_active = self.files.is_active();
        if let Some(failure) = self.files.act(file, action, &self.worker) {
            self.put(Input::Transfer(file, failure));
        }
        if self.files.is_active() != was_active {
            self.show_activity(!was_active);
        }
    }

    /// Files move now, or none any more.
    fn show_activity(&mut self, active: bool) {
        self.awake = Awake::default();
        if active {
            self.awake.moved();
        }
        (self.on_event)(DriverEvent::TransferActive(active));
    }
}
