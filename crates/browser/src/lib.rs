//! The adapters between the engine and a browser: WebRTC, WebSocket, IndexedDB, OPFS; the driver.
