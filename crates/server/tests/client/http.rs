//! HTTP as plainly as it goes.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use sotto_wire::server::{CONTENT_TYPE, ErrorCode, Failure, Message};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub fn decode<T: Message>(&self) -> T {
        T::decode(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    #[track_caller]
    pub fn refused(&self, code: ErrorCode) -> Failure {
        let failure: Failure = self.decode();
        assert_eq!((failure.code, self.status), (code, code.status()));
        assert_eq!(self.header("content-type"), Some(CONTENT_TYPE));
        failure
    }
}

/// Sends exactly these bytes and reads until the server closes.
pub async fn raw(address: SocketAddr, request: &[u8]) -> Response {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let split = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("an HTTP answer");
    let head = String::from_utf8(answer[..split].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Response { status, head, body: answer[split + 4..].to_vec() }
}

pub async fn request(address: SocketAddr, method: &str, path: &str, headers: &str, body: &[u8]) -> Response {
    let mut request = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
    if !headers.contains("host:") {
        request += &format!("host: localhost:{}\r\n", address.port());
    }
    if !body.is_empty() {
        request += &format!("content-length: {}\r\n", body.len());
    }
    request += headers;
    request += "\r\n";
    raw(address, &[request.as_bytes(), body].concat()).await
}

pub async fn get(address: SocketAddr, path: &str, headers: &str) -> Response {
    request(address, "GET", path, headers, &[]).await
}

pub async fn post(address: SocketAddr, path: &str, body: &[u8]) -> Response {
    request(address, "POST", path, &format!("content-type: {CONTENT_TYPE}\r\n"), body).await
}

/// Bytes that differ from call to call.
pub fn unique<const N: usize>() -> [u8; N] {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed).to_le_bytes();
    std::array::from_fn(|at| *number.get(at).unwrap_or(&0))
}

/// One value of `/metrics`.
pub async fn metric(health: SocketAddr, name: &str) -> u64 {
    let text = String::from_utf8(get(health, "/metrics", "").await.body).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("sotto_{name} ")));
    line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
}

/// Asks again until the answer is right.
pub async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..500 {
        if holds().await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("never: {what}");
}
