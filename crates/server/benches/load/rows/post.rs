//! Requests over a connection that stays open.

use std::net::{Ipv4Addr, SocketAddr};

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::HeaderMap;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use sotto_wire::server::{CONTENT_TYPE, Message, PutEnvelope, path};
use tokio::net::{TcpSocket, TcpStream};

/// Connects from one of the addresses that this machine has: all of 127.0.0.0/8.
pub async fn connect_from(source: Ipv4Addr, address: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((source, 0)))?;
    let stream = socket.connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

pub struct Poster {
    sender: SendRequest<Full<Bytes>>,
    host: String,
    headers: HeaderMap,
}

impl Poster {
    /// Connects; its other half runs as a task until the connection ends.
    pub async fn connect(address: SocketAddr) -> std::io::Result<Self> {
        Self::over(connect_from(Ipv4Addr::LOCALHOST, address).await?, address).await
    }

    pub async fn over(stream: TcpStream, address: SocketAddr) -> std::io::Result<Self> {
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(std::io::Error::other)?;
        tokio::spawn(connection);
        Ok(Self { sender, host: format!("localhost:{}", address.port()), headers: HeaderMap::new() })
    }

    /// Sends these along with every request.
    pub fn with(mut self, headers: HeaderMap) -> Self {
        self.headers = headers;
        self
    }

    /// Puts an envelope; the status of the answer, once all of it is read.
    pub async fn put(&mut self, envelope: &PutEnvelope) -> hyper::Result<StatusCode> {
        self.post(path::ENVELOPES, envelope.encode()).await
    }

    /// Posts any body.
    pub async fn post(&mut self, path: &str, body: Vec<u8>) -> hyper::Result<StatusCode> {
        let mut request = Request::post(path)
            .header("host", &self.host)
            .header("content-type", CONTENT_TYPE)
            .body(Full::from(body))
            .unwrap();
        request.headers_mut().extend(self.headers.clone());
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        let status = response.status();
        response.into_body().collect().await?;
        Ok(status)
    }
}
