//! STUN and TURN servers, and credentials for them.

use std::net::{TcpListener, UdpSocket};
use std::process::Stdio;

use sotto_server::config::{Config, Secret};
use sotto_server::store::Timestamp;
use sotto_server::turn::Turn;
use sotto_wire::server::{CONTENT_TYPE, ErrorCode, FetchTurn, Message, TurnAnswer, path};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::support::{Server, get, post, request, skipped};

const SECRET: &str = "north-wind-and-the-sun";

async fn with_turn() -> Server {
    Server::with(|config| {
        config.stun_urls = vec!["stun:turn.example:3478".to_owned()];
        config.turn_urls =
            vec!["turn:turn.example:3478?transport=udp".to_owned(), "turns:turn.example:5349".to_owned()];
        config.turn_secret = Some(Secret::new(SECRET.to_owned()));
        config.turn_lifetime_s = 600;
        config.address_meetings_burst = 4;
        config.address_meetings_per_min = 1;
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_end_and_differ() {
    let server = with_turn().await;
    let before = Timestamp::now();
    let mut names = Vec::new();
    for _ in 0..2 {
        let response = server.post(path::TURN, &FetchTurn {}).await;
        assert_eq!((response.status, response.header("cache-control")), (200, Some("no-store")));
        let answer: TurnAnswer = response.decode();
        assert_eq!(answer.lifetime_s, 600);
        let [stun, turn] = answer.servers.as_slice() else { panic!("{answer:?}") };
        assert!(stun.username.is_none() && stun.credential.is_none());
        assert_eq!(turn.urls.as_slice().len(), 2);
        let username = turn.username.as_ref().unwrap().as_str().to_owned();
        let ends: u64 = username.split_once(':').unwrap().0.parse().unwrap();
        assert!((before.plus(600).0..=Timestamp::now().plus(600).0).contains(&ends));
        // The base64 of twenty bytes; what they are is tested beside the code.
        assert_eq!(turn.credential.as_ref().unwrap().as_str().len(), 28);
        names.push(username);
    }
    assert_ne!(names[0], names[1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_configuration_there_are_none() {
    let server = Server::start().await;
    let answer: TurnAnswer = server.post(path::TURN, &FetchTurn {}).await.decode();
    assert!(answer.servers.as_slice().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_are_counted_and_other_pages_refused() {
    let server = with_turn().await;
    let at = server.address;
    get(at, path::TURN, "").await.refused(ErrorCode::MethodNotAllowed);
    post(at, path::TURN, &[0xa1, 0x00]).await.refused(ErrorCode::Malformed);
    post(at, path::TURN, &[0; FetchTurn::MAX + 1]).await.refused(ErrorCode::TooLarge);
    let foreign = format!("content-type: {CONTENT_TYPE}\r\norigin: https://evil.example\r\n");
    request(at, "POST", path::TURN, &foreign, &FetchTurn {}.encode()).await.refused(ErrorCode::WrongOrigin);
    for _ in 0..4 {
        assert_eq!(server.post(path::TURN, &FetchTurn {}).await.status, 200);
    }
    let refused = server.post(path::TURN, &FetchTurn {}).await.refused(ErrorCode::RateLimited);
    assert!(refused.retry_after_s.is_some());
}

/// A port that was free a moment ago, for TCP and UDP.
fn free_port() -> u16 {
    loop {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = tcp.local_addr().unwrap().port();
        if UdpSocket::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

async fn listens(port: u16) -> bool {
    for _ in 0..500 {
        if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            return true;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    false
}

/// A real TURN server on loopback.
struct Coturn {
    port: u16,
    _process: Child,
    _data: TempDir,
}

impl Coturn {
    /// One that takes our credentials and whose only peers are on loopback.
    async fn start() -> Option<Self> {
        let secret = format!("--static-auth-secret={SECRET}");
        let arguments = ["--use-auth-secret", &secret, "--realm=sotto.example", "--allow-loopback-peers"];
        Self::with("", &arguments).await
    }

    /// One with this `turnserver.conf` and these arguments.
    async fn with(configuration: &str, arguments: &[&str]) -> Option<Self> {
        let data = tempfile::tempdir().unwrap();
        std::fs::write(data.path().join("turnserver.conf"), configuration).unwrap();
        // Somebody else may take the port before coturn has it.
        for _ in 0..3 {
            let port = free_port();
            let started = Command::new("turnserver")
                .args(["-c", "turnserver.conf", "--no-cli", "--no-tls", "--no-dtls"])
                .args(["--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1"])
                .args(arguments)
                .arg(format!("--listening-port={port}"))
                .args(["--log-file=stdout", "--pidfile", "pid", "--userdb", "db"])
                .current_dir(data.path())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .kill_on_drop(true)
                .spawn();
            match started {
                Ok(process) if listens(port).await => {
                    return Some(Self { port, _process: process, _data: data });
                }
                Ok(_) => {}
                Err(error) => {
                    skipped("a real coturn", &format!("turnserver does not start: {error}"));
                    return None;
                }
            }
        }
        panic!("coturn listens on none of three ports");
    }

    /// Whether coturn's own client gets an allocation, and what it sends through it comes back.
    async fn takes(&self, username: &str, credential: &str) -> bool {
        let mut client = Command::new("timeout");
        client.args([
            "30",
            "turnutils_uclient",
            "-y",
            "-n",
            "1",
            "-m",
            "1",
            "-u",
            username,
            "-w",
            credential,
        ]);
        client.args(["-p", &self.port.to_string(), "127.0.0.1"]).stdout(Stdio::null()).stderr(Stdio::null());
        client.status().await.unwrap().success()
    }
}

fn credential(answer: &TurnAnswer) -> (String, String) {
    let turn = answer.servers.as_slice().last().unwrap();
    let text = |text: &Option<sotto_wire::server::TurnText>| text.as_ref().unwrap().as_str().to_owned();
    (text(&turn.username), text(&turn.credential))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coturn_takes_what_is_given_out_until_it_ends() {
    let Some(coturn) = Coturn::start().await else { return };
    let server = with_turn().await;
    let (username, password) = credential(&server.post(path::TURN, &FetchTurn {}).await.decode());
    assert!(coturn.takes(&username, &password).await);
    let (other, _) = credential(&server.post(path::TURN, &FetchTurn {}).await.decode());
    assert!(!coturn.takes(&other, &password).await, "for another name");
    let config = Config {
        turn_urls: vec!["turn:turn.example".to_owned()],
        turn_secret: Some(Secret::new(SECRET.to_owned())),
        turn_lifetime_s: 600,
        ..Config::default()
    };
    let long_ago = Timestamp::now().minus(1_200);
    let (username, password) = credential(&Turn::new(&config).unwrap().answer(long_ago, [1; 8]).unwrap());
    assert!(!coturn.takes(&username, &password).await, "it has ended");
}

/// What coturn's own client hears when it wants to reach this peer.
async fn reach(coturn: &Coturn, family: &[&str], server: &str, peer: &str) -> String {
    let mut client = Command::new("timeout");
    // A peer that is allowed does not answer, and the client waits.
    client.args(["3", "turnutils_uclient", "-v", "-c", "-n", "1", "-m", "1", "-u", "x", "-W", SECRET]);
    client.args(family).args(["-e", peer, "-p", &coturn.port.to_string(), server]);
    let output = client.output().await.unwrap();
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sample_for_coturn_opens_no_way_inside() {
    let page = include_str!("../../../../docs/operating.md");
    let (_, sample) = page.split_once("```\nuse-auth-secret\n").unwrap();
    let (sample, _) = sample.split_once("```").unwrap();
    let sample = format!("use-auth-secret\n{}", sample.replace("THE-SECRET", SECRET));
    let both = UdpSocket::bind("[::1]:0").is_ok();
    let arguments: &[&str] = if both { &["--listening-ip=::1", "--relay-ip=::1"] } else { &[] };
    let Some(coturn) = Coturn::with(&sample, arguments).await else { return };
    let inside = [
        "10.1.2.3",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "172.31.255.255",
        "192.168.1.1",
        "198.18.0.1",
        "240.0.0.1",
    ];
    for peer in inside {
        let heard = reach(&coturn, &[], "127.0.0.1", peer).await;
        assert!(heard.contains("403 (Forbidden IP)"), "{peer}: {heard}");
    }
    let outside = reach(&coturn, &[], "127.0.0.1", "192.0.2.1").await;
    assert!(outside.contains("channel bind sent") && !outside.contains("403"), "{outside}");
    if !both {
        return skipped("coturn's way inside by IPv6", "there is no IPv6 on loopback");
    }
    let inside = [
        "::1",
        "::ffff:10.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::a00:1",
        "2001::1",
        "2002:a00:1::1",
        "fc00::1",
        "fd12::1",
        "fe80::1",
    ];
    for peer in inside {
        let heard = reach(&coturn, &["-x"], "::1", peer).await;
        assert!(heard.contains("403 (Forbidden IP)"), "{peer}: {heard}");
    }
    let outside = reach(&coturn, &["-x"], "::1", "2001:db8::1").await;
    assert!(outside.contains("channel bind sent") && !outside.contains("403"), "{outside}");
}
