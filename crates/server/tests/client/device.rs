//! A device as a client of the server.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{FutureExt, SinkExt, StreamExt};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use sotto_crypto::keys::DeviceSigningKey;
use sotto_wire::server::{
    Authentication, Blob, CONTENT_TYPE, Class, ClientFrame, CloseCode, DeliveryToken, DeviceId, ListedToken,
    MailboxId, Message, Nonce, PutEnvelope, Sequence, ServerFrame, TokenHashes, challenge_bytes, limits,
    path,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderMap, Request};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message as Raw};

use super::http::{Response, post, unique};

/// Nothing here takes that long; a test that waits longer has failed.
pub const LONG: Duration = Duration::from_secs(30);

/// What stays when a connection goes.
pub struct Device {
    pub mailbox: MailboxId,
    pub key: DeviceSigningKey,
    pub token: [u8; 32],
}

impl Device {
    pub fn new() -> Self {
        let mut rng = ChaCha20Rng::from_seed(unique());
        Self {
            mailbox: MailboxId::from_bytes(unique()),
            key: DeviceSigningKey::generate(&mut rng),
            token: unique(),
        }
    }

    /// What this device answers to a challenge.
    pub fn answer(&self, origin: &str, challenge: &Nonce) -> Authentication {
        let mut authentication = Authentication {
            version: limits::VERSION,
            device_id: DeviceId::from_bytes([1; 16]),
            signing_key: (*self.key.public().as_bytes()).into(),
            mailbox: self.mailbox,
            client_nonce: Nonce(unique()),
            signature: [0; 64].into(),
        };
        let signed = challenge_bytes(origin, challenge, &authentication);
        let signature = self.key.sign_challenge(&signed, &mut ChaCha20Rng::from_seed(unique()));
        authentication.signature = signature.to_bytes().into();
        authentication
    }

    /// Connects, authenticates, and takes the welcome.
    pub async fn connect(&self, address: SocketAddr) -> (Socket, ServerFrame) {
        let connected = tokio::time::timeout(LONG, self.try_connect(address)).await;
        connected.expect("connected in time").unwrap()
    }

    /// Like [`connect`](Self::connect), to a server that may be gone.
    pub async fn try_connect(&self, address: SocketAddr) -> Result<(Socket, ServerFrame), Gone> {
        let mut socket = Socket::open(address).await.map_err(Some)?;
        let welcome = self.authenticate(&mut socket, address).await?;
        Ok((socket, welcome))
    }

    /// Answers the challenge on a new connection and takes the welcome.
    pub async fn authenticate(&self, socket: &mut Socket, address: SocketAddr) -> Result<ServerFrame, Gone> {
        let challenge = match socket.try_next().await? {
            ServerFrame::Challenge { nonce, .. } => nonce,
            other => panic!("{other:?}"),
        };
        let answer = ClientFrame::Authenticate(self.answer(&origin(address), &challenge));
        socket.try_send(&answer).await.map_err(Some)?;
        let welcome = socket.try_next().await?;
        assert!(matches!(welcome, ServerFrame::Welcome { .. }), "{welcome:?}");
        Ok(welcome)
    }

    /// Connects for the first time and makes its token valid.
    pub async fn register(&self, address: SocketAddr) -> Socket {
        self.register_over(TcpStream::connect(address).await.unwrap(), address, HeaderMap::new()).await
    }

    /// The same, over a connection that is there already and with these headers.
    pub async fn register_over(&self, stream: TcpStream, address: SocketAddr, headers: HeaderMap) -> Socket {
        let mut socket = Socket::upgrade(stream, address, &origin(address), headers).await.unwrap();
        self.authenticate(&mut socket, address).await.unwrap();
        let hash = DeliveryToken::from_bytes(&self.token).hash();
        let hashes = TokenHashes::new(vec![ListedToken(hash)]).unwrap();
        assert_eq!(socket.next().await, ServerFrame::Drained {});
        socket.send(&ClientFrame::AddTokens { request: 1, hashes }).await;
        assert_eq!(socket.next().await, ServerFrame::Done { request: 1 });
        socket
    }

    /// Makes the token valid again, on a server that may know it already; does not read further.
    pub async fn register_again(&self, address: SocketAddr) -> Socket {
        let (mut socket, _) = self.connect(address).await;
        let hash = DeliveryToken::from_bytes(&self.token).hash();
        let hashes = TokenHashes::new(vec![ListedToken(hash)]).unwrap();
        socket.send(&ClientFrame::AddTokens { request: 1, hashes }).await;
        while socket.next().await != (ServerFrame::Done { request: 1 }) {}
        socket
    }

    /// Somebody who may send to this device.
    pub fn sender(&self) -> Self {
        Self { mailbox: self.mailbox, token: self.token, ..Self::new() }
    }

    /// An envelope to this device.
    pub fn envelope(&self, class: Class, blob: Blob) -> PutEnvelope {
        PutEnvelope {
            mailbox: self.mailbox,
            token: DeliveryToken::from_bytes(&self.token),
            envelope_id: blob.id(),
            class,
            lifetime_s: 3600,
            blob,
        }
    }

    pub async fn put(&self, server: impl Into<SocketAddr>, class: Class, blob: &Blob) -> Response {
        post(server.into(), path::ENVELOPES, &self.envelope(class, blob.clone()).encode()).await
    }

    /// The same where the server may go away meanwhile: the status, if there is an answer.
    pub async fn try_put_at(&self, address: SocketAddr, class: Class, blob: &Blob) -> Option<u16> {
        let body = self.envelope(class, blob.clone()).encode();
        let head = format!(
            "POST {} HTTP/1.1\r\nhost: localhost:{}\r\nconnection: close\r\ncontent-type: {CONTENT_TYPE}\r\ncontent-length: {}\r\n\r\n",
            path::ENVELOPES,
            address.port(),
            body.len()
        );
        let mut stream = TcpStream::connect(address).await.ok()?;
        stream.write_all(&[head.as_bytes(), &body].concat()).await.ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.ok()?;
        String::from_utf8_lossy(answer.get(9..12)?).parse().ok()
    }
}

/// An envelope nobody has sent before.
pub fn fresh_blob(size: usize) -> Blob {
    let mut bytes = vec![0; size];
    bytes[..8].copy_from_slice(&unique::<8>());
    Blob::new(bytes).unwrap()
}

pub fn origin(address: SocketAddr) -> String {
    format!("http://localhost:{}", address.port())
}

fn upgrade_request(address: SocketAddr, origin: &str) -> Request<()> {
    let url = format!("ws://localhost:{}{}", address.port(), path::SOCKET);
    let mut request = url.into_client_request().unwrap();
    request.headers_mut().insert("origin", origin.parse().unwrap());
    request
}

/// Why a connection is gone; nothing, if it was closed in order.
pub type Gone = Option<tungstenite::Error>;

pub struct Socket(pub WebSocketStream<TcpStream>);

impl Socket {
    pub async fn open(address: SocketAddr) -> Result<Self, tungstenite::Error> {
        Self::open_from(address, &origin(address)).await
    }

    pub async fn open_from(address: SocketAddr, origin: &str) -> Result<Self, tungstenite::Error> {
        let stream = TcpStream::connect(address).await?;
        Self::upgrade(stream, address, origin, HeaderMap::new()).await
    }

    pub async fn over(stream: TcpStream, address: SocketAddr) -> Self {
        Self::upgrade(stream, address, &origin(address), HeaderMap::new()).await.unwrap()
    }

    pub async fn upgrade(
        stream: TcpStream,
        address: SocketAddr,
        origin: &str,
        headers: HeaderMap,
    ) -> Result<Self, tungstenite::Error> {
        // Thousands of them are open at once: the default buffer is 128 KiB.
        let config = WebSocketConfig::default().read_buffer_size(4096);
        let mut request = upgrade_request(address, origin);
        request.headers_mut().extend(headers);
        let (socket, _) = tokio_tungstenite::client_async_with_config(request, stream, Some(config)).await?;
        Ok(Self(socket))
    }

    pub async fn challenge(&mut self) -> Nonce {
        match self.next().await {
            ServerFrame::Challenge { version: limits::VERSION, nonce } => nonce,
            other => panic!("{other:?}"),
        }
    }

    pub async fn send(&mut self, frame: &ClientFrame) {
        self.try_send(frame).await.unwrap();
    }

    /// Like [`send`](Self::send), on a connection that may be gone.
    pub async fn try_send(&mut self, frame: &ClientFrame) -> Result<(), tungstenite::Error> {
        self.send_raw(Raw::Binary(frame.encode().into())).await
    }

    /// Sends anything at all, on a connection that may be gone.
    pub async fn send_raw(&mut self, message: Raw) -> Result<(), tungstenite::Error> {
        self.0.send(message).await
    }

    /// Several frames in one go.
    pub async fn send_all(&mut self, frames: &[ClientFrame]) -> Result<(), tungstenite::Error> {
        for frame in frames {
            self.0.feed(Raw::Binary(frame.encode().into())).await?;
        }
        self.0.flush().await
    }

    pub async fn acknowledge(&mut self, sequences: &[u64]) {
        let sequences = sequences.iter().copied().map(Sequence).collect();
        self.send(&ClientFrame::acknowledge(sequences).unwrap()).await;
        self.answered().await;
    }

    /// Waits until everything sent before has been handled.
    pub async fn answered(&mut self) {
        let n = u32::from_le_bytes(unique());
        self.send(&ClientFrame::Ping { n }).await;
        assert_eq!(self.next().await, ServerFrame::Pong { n });
    }

    /// The next frame.
    pub async fn next(&mut self) -> ServerFrame {
        tokio::time::timeout(LONG, self.try_next()).await.expect("a frame in time").unwrap()
    }

    /// Like [`next`](Self::next), on a connection that may be gone, and for as long as it takes.
    pub async fn try_next(&mut self) -> Result<ServerFrame, Gone> {
        loop {
            match self.0.next().await {
                Some(Ok(Raw::Binary(bytes))) => return Ok(ServerFrame::decode(&bytes).unwrap()),
                Some(Ok(Raw::Ping(_))) => {}
                Some(Err(error)) => return Err(Some(error)),
                Some(Ok(Raw::Close(_))) | None => return Err(None),
                Some(Ok(other)) => panic!("{other:?}"),
            }
        }
    }

    /// The next frame and those that are there already, at most `most`.
    pub async fn burst(&mut self, most: usize) -> Result<Vec<ServerFrame>, Gone> {
        let mut frames = vec![self.try_next().await?];
        while frames.len() < most
            && let Some(frame) = self.try_next().now_or_never()
        {
            frames.push(frame?);
        }
        Ok(frames)
    }

    /// The next delivered envelope: its sequence and bytes.
    pub async fn delivered(&mut self) -> (u64, Class, Blob) {
        match self.next().await {
            ServerFrame::Deliver { sequence, envelope_id, class, blob } => {
                assert_eq!(envelope_id, blob.id());
                (sequence.0, class, blob)
            }
            other => panic!("{other:?}"),
        }
    }

    /// The same, where the end of what was stored may be said in between.
    pub async fn pushed(&mut self) -> (u64, Class, Blob) {
        loop {
            match self.next().await {
                ServerFrame::Deliver { sequence, class, blob, .. } => return (sequence.0, class, blob),
                ServerFrame::Drained {} => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// Why the server closed the connection; frames before that are passed over.
    pub async fn closed(mut self) -> Option<CloseCode> {
        let closed = async {
            loop {
                match self.0.next().await {
                    Some(Ok(Raw::Close(Some(frame)))) => return CloseCode::from_code(frame.code.into()),
                    Some(Ok(Raw::Close(None)) | Err(_)) | None => return None,
                    Some(Ok(_)) => {}
                }
            }
        };
        tokio::time::timeout(LONG, closed).await.expect("closed in time")
    }
}
