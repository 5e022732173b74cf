//! A real TURN server, which is a STUN server as well: coturn, with credentials of limited time from a shared secret.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use sotto_testkit::namespace::Namespace;
use tokio::process::{Child, Command};

use crate::inside;
use crate::wait::{Outcome, PATIENCE, trouble, until};

const SECRET: &str = "the north wind and the sun";

/// A STUN binding request without attributes (RFC 8489 §5): type, length, magic cookie, transaction.
const BINDING: [u8; 20] = [
    0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, b'i', b's', b' ', b'i', b't', b' ', b't', b'h', b'e', b'r', b'e',
    b'?',
];

/// coturn at work; ends with this.
pub struct Turn {
    process: Child,
    address: SocketAddr,
}

impl Turn {
    /// Starts it at an address, in a network of ours or on the machine's own, with its files in `directory`.
    ///
    /// # Errors
    ///
    /// When it is not installed, or does not answer.
    pub async fn start(
        namespace: Option<&Namespace>,
        address: SocketAddr,
        directory: &Path,
    ) -> Outcome<Turn> {
        std::fs::create_dir_all(directory)?;
        let (ip, port) = (address.ip(), address.port());
        let mut command: Command = inside::command(namespace, "turnserver".as_ref());
        command
            .arg("-n")
            .args(["--listening-ip", &ip.to_string(), "--relay-ip", &ip.to_string()])
            .args(["--listening-port", &port.to_string(), "--realm", "sotto"])
            .args(["--use-auth-secret", "--static-auth-secret", SECRET])
            .args(["--no-tls", "--no-dtls", "--no-cli", "--no-multicast-peers"])
            .arg("--db")
            .arg(directory.join("turndb"))
            .arg("--pidfile")
            .arg(directory.join("turn.pid"))
            .arg("--log-file")
            .arg(directory.join("turn.log"))
            .args(["--simple-log", "--no-stdout-log"]);
        if ip.is_loopback() {
            command.args(["--allow-loopback-peers", "--cli-password", SECRET]);
        }
        let process = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| {
                trouble(format!("cannot start turnserver: {error}; `cargo xtask test` installs coturn"))
            })?;
        let mut turn = Turn { process, address };
        until("coturn to answer", PATIENCE, async || {
            if let Some(status) = turn.process.try_wait()? {
                return Err(trouble(format!("it ended with {status}")));
            }
            let ask = || answers(address);
            let answered = match namespace {
                Some(namespace) => namespace.enter(ask)?,
                None => ask(),
            };
            Ok(Some(answered?))
        })
        .await?;
        Ok(turn)
    }

    /// What the server has to be told, as its environment.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let at = self.address;
        vec![
            ("SOTTO_STUN_URLS", format!("stun:{at}")),
            ("SOTTO_TURN_URLS", format!("turn:{at}?transport=udp,turn:{at}?transport=tcp")),
            ("SOTTO_TURN_SECRET", SECRET.to_owned()),
        ]
    }
}

/// Whether both of its listeners are there.
fn answers(address: SocketAddr) -> io::Result<()> {
    TcpStream::connect(address)?;
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.set_read_timeout(Some(Duration::from_millis(500)))?;
    socket.send_to(&BINDING, address)?;
    socket.recv(&mut [0; 512]).map(drop)
}
