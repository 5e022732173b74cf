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
use negotiation::{AnotherPeer, Negotiation};
use peer::Peer;

/// When the path is looked at again after a link was connected or another path sought, in milliseconds: browsers move
/// to a better pair of candidates without a word, and learn only then what the other side's was.
const LOOK_AGAIN: [u32; 3] = [1_000, 4_000, 15_000];

/// What the link's task has to deal with, one after the other.
#[derive(Debug)]
enum Event {
    NegotiationNeeded,
    Candidate(Signal),
    StateChanged,
    ControlOpen,
    ControlMessage(Vec<u8>),
    ControlClosed,
    /// The path may be another by now.
    Look,
    Restart(Vec<IceServer>),
    Examine,
    Signal(Signal),
    Send(Vec<u8>),
    /// A frame for a file channel that stayed here.
    SendFrame(js_sys::ArrayBuffer),
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

    /// Seeks another path.
    pub(crate) fn restart(&self, ice_servers: Vec<IceServer>) {
        self.put(Event::Restart(ice_servers));
    }

    /// Tells what it has moved.
    pub(crate) fn examine(&self) {
        self.put(Event::Examine);
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
    let Ok(mut peer) = Peer::new(id, options, &sender, &worker) else {
        report(LinkEvent::Failed);
        return;
    };
    let mut negotiation = Negotiation::new(options.polite, options.initiate);
    let mut is_open = false;
    let mut path = None;
    let mut looks = Looks::new(sender);
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
            Event::Signal(signal) => match negotiation.signal(peer.connection(), signal).await {
                Ok(Some(answer)) => {
                    report(LinkEvent::Signal(answer));
                }
                Ok(None) => {}
                Err(AnotherPeer) => return,
            },
            Event::StateChanged => match peer.connection().connection_state() {
                RtcPeerConnectionState::Closed => return,
                RtcPeerConnectionState::Failed => {
                    report(LinkEvent::Failed);
                }
                RtcPeerConnectionState::Disconnected => {
                    report(LinkEvent::Disconnected);
                }
                RtcPeerConnectionState::Connected if is_open => {
                    report(LinkEvent::Connected);
                    look(&peer, &mut path, options, report).await;
                    looks.begin();
                }
                _ => {}
            },
            Event::Look => {
                let is_connected = peer.connection().connection_state() == RtcPeerConnectionState::Connected;
                if is_open && is_connected {
                    look(&peer, &mut path, options, report).await;
                }
            }
            Event::Restart(ice_servers) => {
                negotiation.withdraw(peer.connection()).await;
                peer.restart_ice(&ice_servers, options.relay_only);
                looks.begin();
            }
            Event::Examine => {
                report(LinkEvent::Examined(path::figures(peer.connection()).await));
            }
            Event::ControlClosed => return,
            Event::ControlOpen | Event::ControlMessage(_) => {
                // A message can come before the event that says the channel is open.
                if !is_open {
                    is_open = true;
                    worker.tell(&ToWorker::LinkOpen(id.0, peer.max_message()));
                    peer.watch_pair(looks.sender());
                    report(LinkEvent::Opened);
                    look(&peer, &mut path, options, report).await;
                    looks.begin();
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
}

/// Looks at the path, and tells it if it is another one. What the browser does not tell now stays as it was known last.
async fn look(
    peer: &Peer,
    known: &mut Option<LinkPath>,
    options: &LinkOptions,
    report: &impl Fn(LinkEvent) -> bool,
) {
    if let Some(path) = path::of(peer.connection(), options.relay_only).await
        && known.replace(path) != Some(path)
    {
        report(LinkEvent::Path(path));
    }
}

/// Looks at the path that are still to come.
struct Looks {
    sender: mpsc::UnboundedSender<Event>,
    timers: [Option<Timeout>; LOOK_AGAIN.len()],
}

impl Looks {
    fn new(sender: mpsc::UnboundedSender<Event>) -> Self {
        Self { sender, timers: LOOK_AGAIN.map(|_| None) }
    }

    fn sender(&self) -> &mpsc::UnboundedSender<Event> {
        &self.sender
    }

    fn begin(&mut self) {
        self.timers = LOOK_AGAIN.map(|delay| {
            let sender = self.sender.clone();
            Some(Timeout::new(delay, move || {
                // The link may have ended.
                let _ = sender.unbounded_send(Event::Look);
            }))
        });
    }
}
