//! A link's file channel: one that was handed over to the worker, or one that stays with the page and is reached by
//! messages.

use core::fmt;
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use gloo_events::EventListener;
use js_sys::ArrayBuffer;
use sotto_wire::peer::{FileFrame, FileFrameKind, TransferTag};
use wasm_bindgen::JsCast;
use web_sys::{MessageEvent, RtcDataChannel, RtcDataChannelState, RtcDataChannelType};

use crate::notify::Notify;

/// Bytes that wait in the browser at most, and when it is time for more.
const HIGH: u64 = 1 << 20;
const LOW: u32 = 256 << 10;

/// What a handed-over channel tells.
#[derive(Debug)]
pub(super) enum Happened {
    Message(ArrayBuffer),
    Closed,
}

/// A file channel. Senders wait on it for room.
pub(super) struct FileChannel {
    way: Way,
    /// Longest message that both sides take, once the link stands.
    max_message: Cell<Option<u32>>,
    /// Room is made only when what waits has fallen to the low mark, so that messages leave in bursts.
    full: Cell<bool>,
    changed: Rc<Notify>,
    closed: Cell<bool>,
}

type Post = Box<dyn Fn(&[u8])>;

enum Way {
    Here { channel: RtcDataChannel, listeners: RefCell<Vec<EventListener>> },
    Page { post: Post, posted: Cell<u64>, drained: Cell<u64> },
}

impl fmt::Debug for FileChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileChannel").field("max_message", &self.max_message).finish_non_exhaustive()
    }
}

impl FileChannel {
    /// A channel that the page handed over.
    pub(super) fn handed_over(
        channel: RtcDataChannel,
        happened: impl Fn(Happened) + Clone + 'static,
    ) -> Self {
        channel.set_binary_type(RtcDataChannelType::Arraybuffer);
        channel.set_buffered_amount_low_threshold(LOW);
        let changed = Rc::<Notify>::default();
        let notify = |kind: &'static str| {
            let changed = Rc::clone(&changed);
            EventListener::new(&channel, kind, move |_| changed.notify())
        };
        let message = EventListener::new(&channel, "message", {
            let happened = happened.clone();
            move |event| {
                let data = event.dyn_ref::<MessageEvent>().map(MessageEvent::data);
                if let Some(buffer) = data.and_then(|data| data.dyn_into().ok()) {
                    happened(Happened::Message(buffer));
                }
            }
        });
        let closed = EventListener::new(&channel, "close", move |_| happened(Happened::Closed));
        let listeners = RefCell::new(vec![notify("open"), notify("bufferedamountlow"), message, closed]);
        Self::new(Way::Here { channel, listeners }, changed)
    }

    /// A channel that stays with the page; `post` sends a frame there.
    pub(super) fn on_the_page(post: impl Fn(&[u8]) + 'static) -> Self {
        let way = Way::Page { post: Box::new(post), posted: Cell::new(0), drained: Cell::new(0) };
        Self::new(way, Rc::default())
    }

    fn new(way: Way, changed: Rc<Notify>) -> Self {
        Self { way, max_message: Cell::new(None), full: Cell::new(false), changed, closed: Cell::new(false) }
    }

    /// The link stands.
    pub(super) fn stands(&self, max_message: u32) {
        self.max_message.set(Some(max_message));
        self.changed.notify();
    }

    /// So many bytes in all have left a channel that stays with the page.
    pub(super) fn drained(&self, bytes: u64) {
        if let Way::Page { drained, .. } = &self.way {
            drained.set(bytes);
            self.changed.notify();
        }
    }

    /// The link is gone; whoever waits for room waits for ever and is ended by its owner.
    pub(super) fn close(&self) {
        self.closed.set(true);
        if let Way::Here { channel, listeners } = &self.way {
            listeners.borrow_mut().clear();
            channel.close();
        }
    }

    /// Waits until the link stands, there is room, and `also` holds. Gives the longest message.
    pub(super) async fn room(&self, also: impl Fn() -> bool) -> u32 {
        self.changed.until(|| self.max_message.get().filter(|_| self.has_room() && also())).await
    }

    /// What `also` of [`Self::room`] depends on may have changed.
    pub(super) fn changed(&self) {
        self.changed.notify();
    }

    fn has_room(&self) -> bool {
        let open = match &self.way {
            Way::Here { channel, .. } => channel.ready_state() == RtcDataChannelState::Open,
            Way::Page { .. } => true,
        };
        let waiting = self.buffered();
        if self.full.get() && waiting <= u64::from(LOW) {
            self.full.set(false);
        } else if waiting >= HIGH {
            self.full.set(true);
        }
        open && !self.full.get() && !self.closed.get()
    }

    fn buffered(&self) -> u64 {
        match &self.way {
            Way::Here { channel, .. } => u64::from(channel.buffered_amount()),
            Way::Page { posted, drained, .. } => posted.get().saturating_sub(drained.get()),
        }
    }

    /// Sends one frame. A channel that refuses is about to say that it is closed.
    pub(super) fn send(&self, frame: &[u8]) {
        match &self.way {
            Way::Here { channel, .. } => {
                let _ = channel.send_with_u8_array(frame);
            }
            Way::Page { post, posted, .. } => {
                posted.set(posted.get() + u64::try_from(frame.len()).unwrap_or(0));
                post(frame);
            }
        }
    }

    /// Tells the other side how much is on disk.
    pub(super) fn credit(&self, transfer: TransferTag, chunks: u32) {
        self.control(transfer, FileFrameKind::Credit { chunks });
    }

    /// Tells the other side that this one gave up.
    pub(super) fn cancel(&self, transfer: TransferTag) {
        self.control(transfer, FileFrameKind::Cancel);
    }

    fn control(&self, transfer: TransferTag, kind: FileFrameKind) {
        let frame = FileFrame { transfer, kind }.to_bytes();
        if !self.closed.get() {
            self.send(&frame);
        }
    }
}
