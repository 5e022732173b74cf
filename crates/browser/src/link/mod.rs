//! A live connection to one device: `RTCPeerConnection` with perfect negotiation (W3C WebRTC, example 10.7) and two
//! channels that both sides make, so that neither waits for the other's.

mod negotiation;
mod path;
mod peer;

use std::rc::Rc;

use futures_channel::mpsc;
use futures_util::StreamExt;
use gloo_timers::callback::Timeout;
use sotto_engine::{IceServer, Input, LinkEvent, LinkId, LinkPath};
use sotto_wire::peer::Signal;
use web_sys::RtcPeerConnectionState;

use crate::{
    inbox::{Item, Outbox},
    js::Task,
    transfer::{ToWorker, WorkerHandle},
};
use negotiation::Negotiation;
use peer::Peer;

/// How long connecting may take, in milliseconds.
const CONNECT_LIMIT: u32 = 30_000;
/// How long a connection may be silent before new candidates are sought, in milliseconds.
const RESTART_AFTER: u32 = 2_000;
/// How long after that it may stay silent before it counts as closed, in milliseconds.
const SILENCE_LIMIT: u32 = 13_000;

/// What the link's task has to deal with, one after the other.
#[derive(Debug)]
enum Event {
    NegotiationNeeded,
    Candidate(Signal),
    StateChanged,
    ControlOpen,
    ControlMessage(Vec<u8>),
    ControlClosed,
    Overdue(Overdue),
    Signal(Signal),
    Send(Vec<u8>),
    /// A frame for a file channel that stayed here.
    SendFrame(js_sys::ArrayBuffer),
}

#[derive(Clone, Copy, Debug)]
enum Overdue {
    Connecting,
    Disconnected,
    Silent,
}

/// A link; closed when dropped, and silent from then on.
#[derive(Debug)]
pub(crate) struct Link {
    events: mpsc::UnboundedSender<Event>,
    _task: Task,
}

/// How to make a link, as in `LinkAction::Open`.
#[derive(Debug)]
pub(crate) struct LinkOptions {
    pub(crate) polite: bool,
    pub(crate) initiate: bool,
    pub(crate) ice_servers: Vec<IceServer>,
    pub(crate) relay_only: bool,
}

impl Link {
    /// Begins to make a link. What happens to it comes into the inbox; the last of it is `Closed`.
    pub(crate) fn open(id: LinkId, options: LinkOptions, outbox: Outbox, worker: Rc<WorkerHandle>) -> Self {
        let (events, received) = mpsc::unbounded();
        let sender = events.clone();
        let task = Task::spawn(async move {
            let report = |event| outbox.put(Item::Input(Input::Link(id, event)));
            run(id, &options, sender, received, &report, worker).await;
            report(LinkEvent::Closed);
        });
        Self { events, _task: task }
    }

    /// A signal came from the other side.
    pub(crate) fn signal(&self, signal: Signal) {
        self.put(Event::Signal(signal));
    }

    /// Sends on the control channel.
    pub(crate) fn send(&self, message: Vec<u8>) {
        self.put(Event::Send(message));
    }

    /// Sends on a file channel that stayed here.
    pub(crate) fn send_frame(&self, frame: js_sys::ArrayBuffer) {
        self.put(Event::SendFrame(frame));
    }

    fn put(&self, event: Event) {
        // A link that has ended has said so.
        let _ = self.events.unbounded_send(event);
    }
}

/// Runs a link until it is over.
async fn run(
    id: LinkId,
    options: &LinkOptions,
    sender: mpsc::UnboundedSender<Event>,
    mut events: mpsc::UnboundedReceiver<Event>,
    report: &impl Fn(LinkEvent) -> bool,
    worker: Rc<WorkerHandle>,
) {
    // The file channel is handed over in the task that makes it, and only then shows whether it can be.
    worker.started().await;
    let Ok(mut peer) = Peer::new(id, options, &sender, &worker) else { return };
    let mut negotiation = Negotiation::new(options.polite, options.initiate);
    let after = |delay, overdue| {
        let sender = sender.clone();
        Timeout::new(delay, move || {
            let _ = sender.unbounded_send(Event::Overdue(overdue));
        })
    };
    let mut path: Option<LinkPath> = None;
    let mut overdue = Some(after(CONNECT_LIMIT, Overdue::Connecting));
    while let Some(event) = events.next().await {
        match event {
            Event::NegotiationNeeded => {
                if let Some(offer) = negotiation.offer(peer.connection()).await {
                    report(LinkEvent::Signal(offer));
                }
            }
            Event::Candidate(signal) => {
                report(LinkEvent::Signal(signal));
            }
            Event::Signal(signal) => {
                if let Some(answer) = negotiation.signal(peer.connection(), signal).await {
                    report(LinkEvent::Signal(answer));
                }
            }
            Event::StateChanged => match peer.connection().connection_state() {
                RtcPeerConnectionState::Failed | RtcPeerConnectionState::Closed => return,
                RtcPeerConnectionState::Disconnected if path.is_some() => {
                    overdue = Some(after(RESTART_AFTER, Overdue::Disconnected));
                }
                RtcPeerConnectionState::Connected if path.is_some() => {
                    overdue = None;
                    let now = path::of(peer.connection()).await;
                    if path.replace(now) != Some(now) {
                        report(LinkEvent::PathChanged(now));
                    }
                }
                _ => {}
            },
            Event::Overdue(Overdue::Disconnected) => {
                overdue = Some(after(SILENCE_LIMIT, Overdue::Silent));
                peer.restart_ice();
            }
            Event::Overdue(Overdue::Connecting | Overdue::Silent) | Event::ControlClosed => return,
            Event::ControlOpen | Event::ControlMessage(_) => {
                // A message can come before the event that says the channel is open.
                if path.is_none() {
                    overdue = None;
                    peer.watch_pair(&sender);
                    worker.tell(&ToWorker::LinkOpen(id.0, peer.max_message()));
                    let now = path::of(peer.connection()).await;
                    path = Some(now);
                    report(LinkEvent::Opened(now));
                }
                if let Event::ControlMessage(message) = event
                    && !report(LinkEvent::Message(message))
                {
                    return;
                }
            }
            Event::Send(message) => {
                if peer.send(&message).is_err() {
                    return;
                }
            }
            Event::SendFrame(frame) => peer.send_frame(&frame),
        }
    }
    drop(overdue);
}
