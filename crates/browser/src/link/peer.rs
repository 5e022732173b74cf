//! The connection's objects and what is listened to on them.

use std::{cell::Cell, rc::Rc};

use futures_channel::mpsc::UnboundedSender;
use gloo_events::EventListener;
use js_sys::{Array, ArrayBuffer, Uint8Array};
use sotto_engine::{IceServer, LinkId};
use sotto_wire::peer::Signal;
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use web_sys::{
    EventTarget, MessageEvent, RtcBundlePolicy, RtcConfiguration, RtcDataChannel, RtcDataChannelInit,
    RtcDataChannelState, RtcDataChannelType, RtcIceServer, RtcIceTransportPolicy, RtcPeerConnection,
    RtcPeerConnectionIceEvent,
};

use super::{Event, LinkOptions};
use crate::{
    js,
    transfer::{ToWorker, WorkerHandle},
};

#[wasm_bindgen]
extern "C" {
    /// `RTCPeerConnection.restartIce`, which web-sys lacks.
    #[wasm_bindgen(extends = js_sys::Object)]
    type Restartable;

    #[wasm_bindgen(method, js_name = restartIce)]
    fn restart_ice(this: &Restartable);
}

/// The channel for messages, and the one for files; both sides number them so.
const CONTROL: u16 = 0;
const FILES: u16 = 1;
/// Bytes of messages that may wait in the browser for a peer that does not read; then the link counts as dead.
const MAX_BUFFERED: u32 = 4 << 20;
/// When a file channel that stayed here has room again, in bytes.
const LOW: u32 = 256 << 10;
/// What every browser can take in one message.
const COMMON_MESSAGE: u32 = 65_536;

/// A connection, closed when dropped.
#[derive(Debug)]
pub(super) struct Peer {
    connection: RtcPeerConnection,
    control: RtcDataChannel,
    /// The file channel, where it could not be handed to the worker.
    files: Option<FilesHere>,
    listeners: Vec<EventListener>,
}

#[derive(Debug)]
struct FilesHere {
    channel: RtcDataChannel,
    link: LinkId,
    sent: Rc<Cell<u64>>,
    worker: Rc<WorkerHandle>,
    _listeners: [EventListener; 2],
}

impl Peer {
    /// # Errors
    /// The browser makes no connection, for instance because too many are not cleared up yet.
    pub(super) fn new(
        id: LinkId,
        options: &LinkOptions,
        events: &UnboundedSender<Event>,
        worker: &Rc<WorkerHandle>,
    ) -> Result<Self, JsValue> {
        let configure = |servers| configuration(servers, options.relay_only);
        let connection = RtcPeerConnection::new_with_configuration(&configure(&options.ice_servers))
            .or_else(|error| {
                // A server named in a way that this browser does not know is no reason to go without a link.
                match js::name_of(&error).as_str() {
                    "SyntaxError" | "InvalidAccessError" | "NotSupportedError" => {
                        RtcPeerConnection::new_with_configuration(&configure(&[]))
                    }
                    _ => Err(error),
                }
            })?;
        let control = channel(&connection, "control", CONTROL);
        let files = channel(&connection, "files", FILES);
        let files = match worker.post(&ToWorker::LinkMade(id.0), &files, true) {
            Ok(()) => None,
            Err(_) => Some(FilesHere::new(files, id, worker)),
        };
        let mut listeners = Vec::new();
        let mut on =
            |target: &EventTarget, kind: &'static str, event: fn(&web_sys::Event) -> Option<Event>| {
                let events = events.clone();
                listeners.push(EventListener::new(target, kind, move |happened| {
                    if let Some(event) = event(happened) {
                        // The task has ended when nobody listens.
                        let _ = events.unbounded_send(event);
                    }
                }));
            };
        on(&connection, "negotiationneeded", |_| Some(Event::NegotiationNeeded));
        on(&connection, "icecandidate", candidate);
        on(&connection, "connectionstatechange", |_| Some(Event::StateChanged));
        on(&control, "open", |_| Some(Event::ControlOpen));
        on(&control, "message", |event| data(event).map(Event::ControlMessage));
        on(&control, "close", |_| Some(Event::ControlClosed));
        Ok(Self { connection, control, files, listeners })
    }

    pub(super) fn connection(&self) -> &RtcPeerConnection {
        &self.connection
    }

    /// Longest message that both sides take, in bytes.
    pub(super) fn max_message(&self) -> u32 {
        let sctp = js::get(&self.connection, "sctp");
        let longest = js::get(&sctp, "maxMessageSize").as_f64().map_or(0, js::whole);
        match u32::try_from(longest).unwrap_or(u32::MAX) {
            0 => COMMON_MESSAGE,
            longest => longest,
        }
    }

    /// Listens for another pair of candidates, where the browser says so; to be called once it is connected.
    pub(super) fn watch_pair(&mut self, events: &UnboundedSender<Event>) {
        let transport = js::get(&js::get(&self.connection, "sctp"), "transport");
        if let Ok(ice) = js::get(&transport, "iceTransport").dyn_into::<EventTarget>() {
            let events = events.clone();
            self.listeners.push(EventListener::new(&ice, "selectedcandidatepairchange", move |_| {
                let _ = events.unbounded_send(Event::Look);
            }));
        }
    }

    /// Seeks new candidates with these servers; the browser then asks for an offer.
    pub(super) fn restart_ice(&self, ice_servers: &[IceServer], relay_only: bool) {
        // A browser that does not take other servers now goes on with those it has.
        let _ = self.connection.set_configuration_with_configuration(&configuration(ice_servers, relay_only));
        self.connection.unchecked_ref::<Restartable>().restart_ice();
    }

    /// Sends on the control channel; what comes before it is open is lost, as on any link that breaks.
    ///
    /// # Errors
    /// The other side does not read, or the browser refuses.
    pub(super) fn send(&self, message: &[u8]) -> Result<(), JsValue> {
        if self.control.ready_state() != RtcDataChannelState::Open {
            return Ok(());
        }
        if self.control.buffered_amount() > MAX_BUFFERED {
            return Err(JsValue::UNDEFINED);
        }
        self.control.send_with_u8_array(message)
    }

    /// Sends on the file channel, where it stayed here.
    pub(super) fn send_frame(&self, frame: &ArrayBuffer) {
        if let Some(files) = &self.files {
            files.send(frame);
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.control.close();
        self.connection.close();
    }
}

impl FilesHere {
    fn new(channel: RtcDataChannel, link: LinkId, worker: &Rc<WorkerHandle>) -> Self {
        worker.tell(&ToWorker::LinkMade(link.0));
        channel.set_buffered_amount_low_threshold(LOW);
        let sent = Rc::<Cell<u64>>::default();
        let message = EventListener::new(&channel, "message", {
            let worker = Rc::clone(worker);
            move |event| {
                let data = event.dyn_ref::<MessageEvent>().map(MessageEvent::data);
                if let Some(buffer) = data.filter(|data| data.is_instance_of::<ArrayBuffer>()) {
                    // A fresh ArrayBuffer can always be handed over.
                    let _ = worker.post(&ToWorker::Frame(link.0), &buffer, true);
                }
            }
        });
        let low = EventListener::new(&channel, "bufferedamountlow", {
            let (worker, sent) = (Rc::clone(worker), Rc::clone(&sent));
            move |_| worker.tell(&ToWorker::Drained(link.0, sent.get()))
        });
        Self { channel, link, sent, worker: Rc::clone(worker), _listeners: [message, low] }
    }

    fn send(&self, frame: &ArrayBuffer) {
        // A channel that is not open any more is reported as closed by the control channel's side.
        if self.channel.send_with_array_buffer(frame).is_err() {
            return;
        }
        self.sent.set(self.sent.get().saturating_add(u64::from(frame.byte_length())));
        if self.channel.buffered_amount() <= LOW {
            self.worker.tell(&ToWorker::Drained(self.link.0, self.sent.get()));
        }
    }
}

fn configuration(ice_servers: &[IceServer], relay_only: bool) -> RtcConfiguration {
    let configuration = RtcConfiguration::new();
    let servers: Array = ice_servers.iter().map(ice_server).collect();
    configuration.set_ice_servers(&servers);
    configuration.set_bundle_policy(RtcBundlePolicy::MaxBundle);
    if relay_only {
        configuration.set_ice_transport_policy(RtcIceTransportPolicy::Relay);
    }
    configuration
}

fn ice_server(server: &IceServer) -> JsValue {
    let urls: Array = server.urls.iter().map(|url| JsValue::from_str(url)).collect();
    let entry = RtcIceServer::new();
    entry.set_urls(&urls);
    if let Some((user, credential)) = &server.credential {
        entry.set_username(user);
        entry.set_credential(credential);
    }
    entry.into()
}

fn channel(connection: &RtcPeerConnection, label: &str, id: u16) -> RtcDataChannel {
    let init = RtcDataChannelInit::new();
    init.set_negotiated(true);
    init.set_id(id);
    let channel = connection.create_data_channel_with_data_channel_dict(label, &init);
    channel.set_binary_type(RtcDataChannelType::Arraybuffer);
    channel
}

fn candidate(event: &web_sys::Event) -> Option<Event> {
    let candidate = event.dyn_ref::<RtcPeerConnectionIceEvent>()?.candidate()?;
    let line = candidate.candidate();
    // Empty: there are no more. The other side does not need to know.
    (!line.is_empty()).then(|| {
        Event::Candidate(Signal::Candidate {
            candidate: line,
            mid: candidate.sdp_mid(),
            line_index: candidate.sdp_m_line_index(),
        })
    })
}

fn data(event: &web_sys::Event) -> Option<Vec<u8>> {
    let data = event.dyn_ref::<MessageEvent>()?.data().dyn_into::<ArrayBuffer>().ok()?;
    Some(Uint8Array::new(&data).to_vec())
}
