//! The WebSocket to the server.

use gloo_events::EventListener;
use js_sys::{ArrayBuffer, Uint8Array};
use sotto_engine::SocketEvent;
use wasm_bindgen::JsCast;
use web_sys::{BinaryType, CloseEvent, MessageEvent, WebSocket};

/// Bytes that may wait in the browser for a server that does not read; then the connection counts as dead.
const MAX_BUFFERED: u32 = 4 << 20;
/// RFC 6455's code for a connection that ended without saying so.
pub(crate) const ABNORMAL: u16 = 1006;

/// An open or opening socket. Says nothing more once it is dropped.
#[derive(Debug)]
pub(crate) struct Socket {
    socket: WebSocket,
    _listeners: [EventListener; 3],
}

impl Socket {
    /// Begins to connect; `None` when the browser refuses the address. A message that `report` does not take ends the
    /// connection.
    pub(crate) fn open(url: &str, report: impl Fn(SocketEvent) -> bool + Clone + 'static) -> Option<Self> {
        let socket = WebSocket::new(url).ok()?;
        socket.set_binary_type(BinaryType::Arraybuffer);
        let opened = EventListener::new(&socket, "open", {
            let report = report.clone();
            move |_| {
                report(SocketEvent::Opened);
            }
        });
        let message = EventListener::new(&socket, "message", {
            let (report, socket) = (report.clone(), socket.clone());
            move |event| {
                let data = event.dyn_ref::<MessageEvent>().map(MessageEvent::data);
                // The server never sends text.
                if let Some(buffer) = data.and_then(|data| data.dyn_into::<ArrayBuffer>().ok())
                    && !report(SocketEvent::Message(Uint8Array::new(&buffer).to_vec()))
                {
                    // Nothing is delivered any more until the close event.
                    let _ = socket.close();
                }
            }
        });
        let closed = EventListener::new(&socket, "close", move |event| {
            let code = event.dyn_ref::<CloseEvent>().map_or(ABNORMAL, CloseEvent::code);
            report(SocketEvent::Closed { code });
        });
        Some(Self { socket, _listeners: [opened, message, closed] })
    }

    /// Sends one message. A socket that is not open loses it, as the one that breaks right after would; its
    /// `Closed` is on its way.
    pub(crate) fn send(&self, message: &[u8]) {
        if self.socket.ready_state() != WebSocket::OPEN {
            return;
        }
        if self.socket.buffered_amount() > MAX_BUFFERED || self.socket.send_with_u8_array(message).is_err() {
            // The close event follows.
            let _ = self.socket.close();
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Without a code it cannot be refused.
        let _ = self.socket.close();
    }
}
