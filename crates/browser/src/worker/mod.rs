//! The dedicated worker: reading files, sealing and opening chunks, data channels for files, OPFS.

mod channel;
mod disk;
mod receiver;
mod save;
mod sender;
mod stretch;

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use gloo_events::EventListener;
use js_sys::{ArrayBuffer, Uint8Array};
use sotto_crypto::file::{FileHeader, FileKey, FilePass};
use sotto_engine::{FileId, TransferFailure};
use sotto_wire::peer::{FileFrame, FileFrameError, FileFrameKind, TransferTag};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent, RtcDataChannel};

use crate::{
    js::Task,
    transfer::{
        FileDescription, FromWorker, PassBytes, SaveReport, ToWorker, TransferReport, pack, tag, unpack,
    },
};
use channel::FileChannel;
use receiver::Receiver;
use sender::Sender;

/// A link's number.
type Link = u64;

/// The worker's main: from now on it answers the page. Called once, in the worker.
pub fn run() {
    let Ok(scope) = js_sys::global().dyn_into::<DedicatedWorkerGlobalScope>() else { return };
    let worker = Rc::new(Worker { scope: scope.clone(), state: RefCell::default() });
    let listener = EventListener::new(&scope, "message", {
        let worker = Rc::clone(&worker);
        move |event| {
            let data = event.dyn_ref::<MessageEvent>().map(MessageEvent::data);
            if let Some((message, beside)) = data.and_then(|data| unpack(&data)) {
                worker.told(message, beside);
            }
        }
    });
    let tidying = Task::spawn(async move {
        disk::tidy().await;
        worker.say(&FromWorker::Ready);
    });
    LISTENING.with(|slot| *slot.borrow_mut() = Some((listener, tidying)));
}

thread_local! {
    /// What lasts as long as the worker does.
    static LISTENING: RefCell<Option<(EventListener, Task)>> = const { RefCell::new(None) };
}

/// The worker's end of everything; shared by its tasks and listeners.
#[derive(Debug)]
struct Worker {
    scope: DedicatedWorkerGlobalScope,
    state: RefCell<State>,
}

#[derive(Debug, Default)]
struct State {
    channels: BTreeMap<Link, Rc<FileChannel>>,
    transfers: BTreeMap<FileId, Transfer>,
    saves: BTreeMap<u32, Task>,
}

/// A running transfer.
#[derive(Debug)]
struct Transfer {
    link: Link,
    side: Side,
}

#[derive(Debug)]
enum Side {
    Sending(Sender),
    Receiving(Receiver),
}

impl Worker {
    fn say(&self, message: &FromWorker) {
        self.say_with(message, &JsValue::UNDEFINED, false);
    }

    fn say_with(&self, message: &FromWorker, beside: &JsValue, hand_over: bool) {
        let (message, transfer) = pack(message, beside, hand_over);
        // Only objects can be refused, and ours never are.
        let _ = self.scope.post_message_with_transfer(&message, &transfer);
    }

    fn report(&self, file: FileId, report: TransferReport) {
        self.say(&FromWorker::Transfer(file.0, report));
    }

    fn told(self: &Rc<Self>, message: ToWorker, beside: JsValue) {
        match message {
            ToWorker::LinkMade(link) => {
                let channel = match beside.dyn_into::<RtcDataChannel>() {
                    Ok(channel) => FileChannel::handed_over(channel, self.listen(link)),
                    Err(_) => FileChannel::on_the_page(self.poster(link)),
                };
                self.state.borrow_mut().channels.insert(link, Rc::new(channel));
            }
            ToWorker::LinkOpen(link, max_message) => {
                if let Some(channel) = self.channel(link) {
                    channel.stands(max_message);
                }
            }
            ToWorker::LinkClosed(link) => self.link_closed(link),
            ToWorker::Frame(link) => {
                if let Ok(buffer) = beside.dyn_into::<ArrayBuffer>() {
                    self.frame(link, &buffer);
                }
            }
            ToWorker::Drained(link, bytes) => {
                if let Some(channel) = self.channel(link) {
                    channel.drained(bytes);
                }
            }
            ToWorker::Send(link, file, pass) => self.send(link, FileId(file), pass, beside),
            ToWorker::Receive(link, file) => self.receive(link, &file),
            ToWorker::Cancel(file) | ToWorker::Delete(file) => {
                let file = FileId(file);
                self.stop(file);
                // A sender has nothing on disk.
                wasm_bindgen_futures::spawn_local(disk::delete(file));
            }
            ToWorker::Save(job, file) => self.save(job, file, beside),
            ToWorker::Stretch(job, what) => {
                self.say(&FromWorker::Stretched(job, stretch::stretch(&what)));
            }
        }
    }

    fn channel(&self, link: Link) -> Option<Rc<FileChannel>> {
        self.state.borrow().channels.get(&link).map(Rc::clone)
    }

    /// What a handed-over channel tells.
    fn listen(self: &Rc<Self>, link: Link) -> impl Fn(channel::Happened) + Clone + 'static {
        // The channel is owned by the worker: a strong reference would keep both forever.
        let worker = Rc::downgrade(self);
        move |happened| {
            let Some(worker) = worker.upgrade() else { return };
            match happened {
                channel::Happened::Message(buffer) => worker.frame(link, &buffer),
                channel::Happened::Closed => worker.link_closed(link),
            }
        }
    }

    /// How frames leave on a channel that stays with the page.
    fn poster(self: &Rc<Self>, link: Link) -> impl Fn(&[u8]) + 'static {
        let worker = Rc::downgrade(self);
        move |frame| {
            if let Some(worker) = worker.upgrade() {
                let buffer = Uint8Array::from(frame).buffer();
                worker.say_with(&FromWorker::Frame(link), &buffer, true);
            }
        }
    }

    /// One message of a file channel.
    fn frame(self: &Rc<Self>, link: Link, buffer: &ArrayBuffer) {
        let bytes = Uint8Array::new(buffer);
        let Some(channel) = self.channel(link) else { return };
        let mut head = [0; FileFrame::HEAD];
        if bytes.length() >= HEAD_LENGTH {
            bytes.subarray(0, HEAD_LENGTH).copy_to(&mut head);
        }
        let FileFrame { transfer, kind } = match FileFrame::read(&head, usize_of(bytes.length())) {
            Ok(frame) => frame,
            // It names no transfer.
            Err(FileFrameError::Short) => return,
            Err(FileFrameError::Malformed(transfer) | FileFrameError::OutOfBounds(transfer)) => {
                if let Some(file) = self.named(link, transfer) {
                    self.fail(file, TransferFailure::Corrupt);
                }
                return;
            }
        };
        let Some(file) = self.named(link, transfer) else {
            // The other side sends what nobody waits for: it was cancelled here meanwhile.
            if matches!(kind, FileFrameKind::Data { .. }) {
                channel.cancel(transfer);
            }
            return;
        };
        let failed = {
            let mut state = self.state.borrow_mut();
            match (state.transfers.get_mut(&file).map(|transfer| &mut transfer.side), kind) {
                (Some(Side::Sending(sender)), FileFrameKind::Credit { chunks }) => {
                    sender.credit(chunks);
                    None
                }
                (Some(Side::Receiving(receiver)), FileFrameKind::Data { chunk, offset }) => {
                    receiver.data(chunk, offset, bytes.subarray(HEAD_LENGTH, bytes.length()))
                }
                (Some(_), FileFrameKind::Cancel) => Some(TransferFailure::LinkLost),
                (Some(_), FileFrameKind::Credit { .. } | FileFrameKind::Data { .. }) => {
                    Some(TransferFailure::Corrupt)
                }
                (None, _) => None,
            }
        };
        if let Some(failure) = failed {
            self.fail(file, failure);
        }
    }

    fn named(&self, link: Link, named: TransferTag) -> Option<FileId> {
        let state = self.state.borrow();
        let mut transfers = state.transfers.iter();
        transfers
            .find(|(file, transfer)| transfer.link == link && tag(**file) == named)
            .map(|(file, _)| *file)
    }

    /// Whether a transfer can begin: the link stands and nothing on it has the same short name.
    fn admit(&self, link: Link, file: FileId) -> Option<Rc<FileChannel>> {
        let taken =
            self.named(link, tag(file)).is_some() || self.state.borrow().transfers.contains_key(&file);
        self.channel(link).filter(|_| !taken)
    }

    fn send(self: &Rc<Self>, link: Link, file: FileId, mut pass: PassBytes, source: JsValue) {
        let Some(channel) = self.admit(link, file) else {
            return self.report(file, TransferFailure::LinkLost.into());
        };
        let (Ok(pass), Ok(source)) =
            (FilePass::take_over(&mut pass.pass), source.dyn_into::<web_sys::File>())
        else {
            return self.report(file, TransferFailure::Unreadable.into());
        };
        let sender = Sender::start(pass, source, channel, self.end(file), self.progress(file));
        let transfer = Transfer { link, side: Side::Sending(sender) };
        self.state.borrow_mut().transfers.insert(file, transfer);
    }

    fn receive(self: &Rc<Self>, link: Link, description: &FileDescription) {
        let file = FileId(description.file);
        let Some(channel) = self.admit(link, file) else {
            return self.report(file, TransferFailure::LinkLost.into());
        };
        let Ok(header) = header(description) else {
            return self.report(file, TransferFailure::Corrupt.into());
        };
        let key = FileKey::from_bytes(&description.key);
        let receiver = Receiver::start(header, &key, channel, self.end(file), self.progress(file));
        let transfer = Transfer { link, side: Side::Receiving(receiver) };
        self.state.borrow_mut().transfers.insert(file, transfer);
    }

    /// What a transfer calls when it is over: with its root, or why not.
    fn end(self: &Rc<Self>, file: FileId) -> impl Fn(Result<[u8; 32], TransferFailure>) + 'static {
        let worker = Rc::downgrade(self);
        move |ended| {
            let Some(worker) = worker.upgrade() else { return };
            // The task that calls this is owned by the transfer: it goes when the call is over.
            wasm_bindgen_futures::spawn_local(async move {
                match ended {
                    Ok(root) => {
                        let ended = worker.state.borrow_mut().transfers.remove(&file);
                        match ended.map(|transfer| transfer.side) {
                            Some(Side::Sending(_)) => worker.report(file, TransferReport::Sent(root)),
                            Some(Side::Receiving(_)) => worker.report(file, TransferReport::Received(root)),
                            None => {}
                        }
                    }
                    Err(failure) => worker.fail(file, failure),
                }
            });
        }
    }

    fn progress(self: &Rc<Self>, file: FileId) -> impl Fn(u64) + 'static {
        let worker = Rc::downgrade(self);
        move |bytes| {
            if let Some(worker) = worker.upgrade() {
                worker.report(file, TransferReport::Progress(bytes));
            }
        }
    }

    /// Ends a transfer, tells the other side, and deletes what was received.
    fn fail(&self, file: FileId, failure: TransferFailure) {
        if self.stop(file) {
            wasm_bindgen_futures::spawn_local(disk::delete(file));
            self.report(file, failure.into());
        }
    }

    /// Forgets a transfer and tells the other side; whether there was one.
    fn stop(&self, file: FileId) -> bool {
        let Some(stopped) = self.state.borrow_mut().transfers.remove(&file) else { return false };
        if let Some(channel) = self.channel(stopped.link) {
            channel.cancel(tag(file));
        }
        true
    }

    fn link_closed(&self, link: Link) {
        let Some(channel) = self.state.borrow_mut().channels.remove(&link) else { return };
        channel.close();
        let lost: Vec<FileId> = {
            let state = self.state.borrow();
            let on_link = state.transfers.iter().filter(|(_, transfer)| transfer.link == link);
            on_link.map(|(file, _)| *file).collect()
        };
        for file in lost {
            self.fail(file, TransferFailure::LinkLost);
        }
    }

    fn save(self: &Rc<Self>, job: u32, description: FileDescription, target: JsValue) {
        let worker = Rc::downgrade(self);
        let task = Task::spawn(async move {
            let saved = save::save(&description, target).await;
            if let Some(worker) = worker.upgrade() {
                let report = saved.map_or_else(SaveReport::from, SaveReport::Done);
                worker.say(&FromWorker::Saved(job, report));
                worker.state.borrow_mut().saves.remove(&job);
            }
        });
        self.state.borrow_mut().saves.insert(job, task);
    }
}

/// [`FileFrame::HEAD`] as JavaScript counts.
const HEAD_LENGTH: u32 = 12;

fn header(description: &FileDescription) -> Result<FileHeader, sotto_crypto::file::FileError> {
    FileHeader::new(description.size, sotto_crypto::FileId::from_bytes(description.file))
}

/// A length as Rust counts; both count in 32 bits at least.
fn usize_of(length: u32) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}
