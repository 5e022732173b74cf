//! Two ends of a link in one page, each with a worker of its own.

use std::{cell::Cell, rc::Rc};

use futures_util::future::{Either, select};
use gloo_timers::future::TimeoutFuture;
use sotto_engine::{Input, LinkEvent, LinkId};
use sotto_wire::peer::Signal;
use wasm_bindgen::JsCast;

use super::worker_url;
use crate::{
    inbox::{Inbox, Item, queue},
    link::{Link, LinkOptions},
    transfer::{FromWorker, WorkerHandle},
};

/// How long something may take to happen, in milliseconds.
const PATIENCE: u32 = 60_000;

thread_local! {
    static NEXT_LINK: Cell<u64> = const { Cell::new(1) };
}

pub(super) struct End {
    pub(super) id: LinkId,
    pub(super) link: Option<Link>,
    pub(super) worker: Rc<WorkerHandle>,
    /// What came, but signals and frames.
    pub(super) seen: Vec<Item>,
    inbox: Inbox,
}

impl End {
    fn new(polite: bool, initiate: bool) -> Self {
        let (outbox, inbox) = queue();
        let worker = Rc::new(WorkerHandle::start(&worker_url(), &outbox));
        let id = LinkId(NEXT_LINK.with(|next| next.replace(next.get() + 1)));
        let options = LinkOptions { polite, initiate, ice_servers: Vec::new(), relay_only: false };
        let link = Link::open(id, options, outbox, Rc::clone(&worker));
        Self { id, link: Some(link), worker, seen: Vec::new(), inbox }
    }

    pub(super) fn has(&self, wanted: impl Fn(&Item) -> bool) -> bool {
        self.seen.iter().any(wanted)
    }

    pub(super) fn is_open(&self) -> bool {
        self.has(|item| matches!(item, Item::Input(Input::Link(_, LinkEvent::Opened))))
    }

    pub(super) fn messages(&self) -> Vec<Vec<u8>> {
        let message = |item: &Item| match item {
            Item::Input(Input::Link(_, LinkEvent::Message(message))) => Some(message.clone()),
            _ => None,
        };
        self.seen.iter().filter_map(message).collect()
    }
}

fn summary(signal: &Signal) -> String {
    match signal {
        Signal::Description { kind, .. } => format!("{kind:?}"),
        Signal::Candidate { candidate, .. } => candidate.clone(),
    }
}

/// Two ends that carry each other's signals, and what these were.
pub(super) struct Pair(pub(super) [End; 2], Vec<String>);

impl Pair {
    /// Begins to connect; the first is polite.
    pub(super) fn new(initiate: [bool; 2]) -> Self {
        Self([End::new(true, initiate[0]), End::new(false, initiate[1])], Vec::new())
    }

    pub(super) async fn connected() -> Self {
        let mut pair = Self::new([false, true]);
        pair.until("both are open", |ends| ends.iter().all(End::is_open)).await;
        pair
    }

    /// Lets things happen until `done`.
    pub(super) async fn until(&mut self, what: &str, done: impl Fn(&[End; 2]) -> bool) {
        let mut patience = TimeoutFuture::new(PATIENCE);
        while !done(&self.0) {
            let Some((of, item)) = self.next(&mut patience).await else {
                let seen: Vec<_> = self.0.iter().map(|end| &end.seen).collect();
                panic!("waited in vain until {what}; seen: {seen:?}; signals: {:?}", self.1)
            };
            match item {
                Item::Input(Input::Link(_, LinkEvent::Signal(signal))) => {
                    self.1.push(format!("{of}: {}", summary(&signal)));
                    if let Some(link) = &self.0[1 - of].link {
                        link.signal(signal);
                    }
                }
                Item::Worker(FromWorker::Frame(_), frame) => {
                    self.0[of].link.as_ref().unwrap().send_frame(frame.unchecked_into());
                }
                item => self.0[of].seen.push(item),
            }
        }
    }

    /// What happens next, and at which end; nothing when patience has run out.
    async fn next(&mut self, patience: &mut TimeoutFuture) -> Option<(usize, Item)> {
        let [a, b] = &mut self.0;
        let next = select(Box::pin(a.inbox.take()), Box::pin(b.inbox.take()));
        match select(next, patience).await {
            Either::Left((Either::Left((item, _)), _)) => Some((0, item?)),
            Either::Left((Either::Right((item, _)), _)) => Some((1, item?)),
            Either::Right(_) => None,
        }
    }
}
