//! What waits for the driver: one queue, so that everything happens in one order.

use std::{cell::Cell, collections::VecDeque, rc::Rc};

use futures_channel::{mpsc, oneshot};
use futures_util::StreamExt;
use sotto_engine::{Command, ContactId, FileId, Input, LinkEvent, SocketEvent};

use wasm_bindgen::JsValue;

use crate::{PickedFile, SaveError, SaveOutcome, tab_lock::Claim, transfer::FromWorker};

/// Bytes of messages from outside that may wait; whoever sends more is cut off.
const MAX_WAITING_BYTES: usize = 16 << 20;

/// One thing for the driver to do.
#[derive(Debug)]
pub(crate) enum Item {
    /// For the engine.
    Input(Input),
    /// From the socket of this number; what an earlier one had left behind is of no interest.
    Socket(u64, SocketEvent),
    /// The timer of the engine's next timeout has run.
    Timer,
    /// From the worker, with what was beside it.
    Worker(FromWorker, JsValue),
    /// Register files and offer them.
    OfferFiles(ContactId, Vec<PickedFile>),
    /// Write a verified file to where the user wants it.
    Save(Save),
    /// There may be room in the storage again.
    StoreAgain,
    /// Another tab claims the lock.
    Claimed(Claim),
    /// Stop for good, then answer.
    Stop(Option<oneshot::Sender<()>>),
}

/// A wish to save a file.
#[derive(Debug)]
pub(crate) struct Save {
    pub(crate) contact: ContactId,
    pub(crate) file: FileId,
    pub(crate) name: String,
    /// Where the user wants it; none where the browser has no save picker.
    pub(crate) target: Option<web_sys::FileSystemFileHandle>,
    pub(crate) answer: oneshot::Sender<Result<SaveOutcome, SaveError>>,
}

/// The end of the queue where things are put in.
#[derive(Clone, Debug)]
pub(crate) struct Outbox {
    sender: mpsc::UnboundedSender<Item>,
    waiting: Rc<Cell<usize>>,
}

/// The end where the driver takes them out.
#[derive(Debug)]
pub(crate) struct Inbox {
    receiver: mpsc::UnboundedReceiver<Item>,
    waiting: Rc<Cell<usize>>,
    /// What came while only what cannot wait was taken.
    passed_over: VecDeque<Item>,
}

/// An empty queue.
pub(crate) fn queue() -> (Outbox, Inbox) {
    let (sender, receiver) = mpsc::unbounded();
    let waiting = Rc::<Cell<usize>>::default();
    (
        Outbox { sender, waiting: Rc::clone(&waiting) },
        Inbox { receiver, waiting, passed_over: VecDeque::new() },
    )
}

impl Outbox {
    /// Puts something in. Whether it was taken: messages from outside are not when too many bytes of them wait, and
    /// nothing is when the driver has stopped.
    pub(crate) fn put(&self, item: Item) -> bool {
        let bytes = weight(&item);
        let waiting = self.waiting.get().saturating_add(bytes);
        if bytes > 0 && waiting > MAX_WAITING_BYTES {
            return false;
        }
        let taken = self.sender.unbounded_send(item).is_ok();
        if taken {
            self.waiting.set(waiting);
        }
        taken
    }

    /// Puts in a command of the user.
    pub(crate) fn command(&self, command: Command) {
        // A stopped client has said so; what is wished of it then is lost visibly.
        let _ = self.put(Item::Input(Input::Command(command)));
    }
}

impl Inbox {
    /// Waits for the next item; `None` when nobody can put one in any more.
    pub(crate) async fn take(&mut self) -> Option<Item> {
        let item = match self.passed_over.pop_front() {
            Some(item) => item,
            None => self.receiver.next().await?,
        };
        self.waiting.set(self.waiting.get().saturating_sub(weight(&item)));
        Some(item)
    }

    /// Waits for the next item that cannot wait for the storage; all others keep their order and their weight.
    pub(crate) async fn take_urgent(&mut self) -> Option<Item> {
        loop {
            match self.receiver.next().await? {
                urgent @ (Item::StoreAgain | Item::Claimed(_) | Item::Stop(_)) => return Some(urgent),
                other => self.passed_over.push_back(other),
            }
        }
    }
}

/// How many bytes somebody else made us keep.
fn weight(item: &Item) -> usize {
    match item {
        Item::Socket(_, SocketEvent::Message(bytes))
        | Item::Input(Input::Link(_, LinkEvent::Message(bytes))) => bytes.len(),
        _ => 0,
    }
}
