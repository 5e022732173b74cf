//! One request and its answer, or one WebSocket. Every request gets a connection of its own to the server and ends
//! with `Connection: close`, so that an answer is whatever comes until the end.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use super::frames::Unmasked;
use super::{Shared, Side};
use crate::wait::{Outcome, trouble};

const HEAD_LIMIT: usize = 64 * 1024;

/// The head of a request or an answer.
struct Head {
    first: String,
    fields: Vec<(String, String)>,
}

impl Head {
    /// Reads a head, and whatever came with it of the body.
    async fn read(from: &mut (impl AsyncRead + Unpin)) -> Outcome<Option<(Head, Vec<u8>)>> {
        let mut bytes = Vec::new();
        loop {
            if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                let body = bytes.split_off(end.saturating_add(4));
                return Ok(Some((Head::parse(&bytes)?, body)));
            }
            if bytes.len() > HEAD_LIMIT {
                return Err(trouble("a head is too long"));
            }
            if from.read_buf(&mut bytes).await? == 0 {
                return Ok(None);
            }
        }
    }

    fn parse(bytes: &[u8]) -> Outcome<Head> {
        let text = String::from_utf8_lossy(bytes);
        let mut lines = text.split("\r\n").filter(|line| !line.is_empty());
        let first = lines.next().ok_or_else(|| trouble("an empty head"))?.to_owned();
        let fields = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        Ok(Head { first, fields })
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn set(&mut self, name: &str, value: &str) {
        self.remove(name);
        self.fields.push((name.to_owned(), value.to_owned()));
    }

    fn remove(&mut self, name: &str) {
        self.fields.retain(|(known, _)| known != name);
    }

    fn length(&self) -> Option<usize> {
        self.field("content-length").and_then(|length| length.parse().ok())
    }

    fn bytes(&self) -> Vec<u8> {
        let fields: String = self.fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        format!("{}\r\n{fields}\r\n", self.first).into_bytes()
    }
}

/// Carries what a browser's connection brings to the server and back.
pub async fn carry(mut client: TcpStream, shared: &Shared) -> Outcome {
    shared.works().await?;
    let Some((mut request, body)) = Head::read(&mut client).await? else { return Ok(()) };
    shared.works().await?;
    let path = request.first.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut server = TcpStream::connect(shared.server).await?;

    if request.field("upgrade").is_some() {
        shared.recording.add(&request.bytes());
        server.write_all(&request.bytes()).await?;
        server.write_all(&body).await?;
        let (mut from_client, mut to_client) = client.split();
        let (mut from_server, mut to_server) = server.split();
        tokio::select! {
            outcome = pump(&mut from_client, &mut to_server, shared, Unmasked::default()) => outcome?,
            outcome = pump(&mut from_server, &mut to_client, shared, Unmasked::raw()) => outcome?,
        }
        return Ok(());
    }

    let body = read_body(&mut client, body, request.length().unwrap_or(0)).await?;
    let body = shared.changed(Side::Request, &path, body);
    request.set("connection", "close");
    if request.length().is_some() {
        request.set("content-length", &body.len().to_string());
    }
    let changes_response = shared.has_rule(Side::Response, &path);
    if changes_response {
        // A changed byte must reach the browser as that, not as a broken compression; nor may it keep an old copy.
        request.remove("accept-encoding");
        request.remove("if-none-match");
        request.remove("if-modified-since");
    }
    shared.recording.add(&request.bytes());
    shared.recording.add(&body);
    server.write_all(&request.bytes()).await?;
    server.write_all(&body).await?;

    if !changes_response {
        return pump(&mut server, &mut client, shared, Unmasked::raw()).await;
    }
    let Some((mut answer, mut body)) = Head::read(&mut server).await? else { return Ok(()) };
    if answer.field("transfer-encoding").is_some() {
        return Err(trouble(format!("{path} is answered in pieces, which this proxy cannot change")));
    }
    server.read_to_end(&mut body).await?;
    let body = shared.changed(Side::Response, &path, body);
    answer.set("content-length", &body.len().to_string());
    shared.works().await?;
    client.write_all(&answer.bytes()).await?;
    client.write_all(&body).await?;
    client.shutdown().await?;
    Ok(())
}

async fn read_body(from: &mut TcpStream, mut body: Vec<u8>, length: usize) -> Outcome<Vec<u8>> {
    while body.len() < length {
        if from.read_buf(&mut body).await? == 0 {
            return Err(trouble("a request ended early"));
        }
    }
    Ok(body)
}

/// Copies until the end, while the network works, and records.
async fn pump(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    shared: &Shared,
    mut unmasked: Unmasked,
) -> Outcome {
    let mut bytes = Vec::with_capacity(HEAD_LIMIT);
    loop {
        bytes.clear();
        if from.read_buf(&mut bytes).await? == 0 {
            to.shutdown().await?;
            return Ok(());
        }
        shared.works().await?;
        shared.recording.add(&unmasked.next(&bytes));
        to.write_all(&bytes).await?;
    }
}
