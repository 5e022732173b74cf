//! The real program, killed in the middle.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use sotto_wire::server::{Class, ClientFrame, Sequence, ServerFrame};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::device::{Device, fresh_blob};

pub async fn spawn(data: &Path) -> (Child, SocketAddr) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sotto-server"))
        .args(["--listen", "127.0.0.1:0", "--log", "warn", "--data"])
        .arg(data)
        .args(["--address-requests-burst", "100000", "--mailbox-envelopes-burst", "100000"])
        // One device fills a small disk here.
        .args(["--address-store-percent", "100"])
        .env_clear()
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).await.unwrap();
    let port = line.trim().strip_prefix("Sotto is at http://localhost:").unwrap().parse().unwrap();
    (child, SocketAddr::from(([127, 0, 0, 1], port)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_in_the_middle_it_loses_nothing_it_accepted() {
    let data = tempfile::tempdir().unwrap();
    let device = Device::new();
    let mut accepted = BTreeSet::new();
    let mut acknowledged = BTreeSet::new();
    for _round in 0..3 {
        let (mut server, address) = spawn(data.path()).await;
        drop(device.register_again(address).await);
        let senders: Vec<_> =
            (0..4).map(|_| tokio::spawn(send_until_killed(device.sender(), address))).collect();
        let (mut socket, _) = device.connect(address).await;
        let (mut delivered, mut unanswered) = (0, 0);
        while delivered < 40 || unanswered > 0 {
            match socket.next().await {
                ServerFrame::Deliver { sequence, blob, .. } => {
                    let name = blob.as_bytes()[..8].to_vec();
                    assert!(!acknowledged.contains(&name), "delivered after acknowledgement");
                    delivered += 1;
                    if delivered % 2 == 0 {
                        socket.send(&ClientFrame::acknowledge(vec![sequence]).unwrap()).await;
                        // Its answer says that the acknowledgement was committed.
                        socket.send(&ClientFrame::Ping { n: 1 }).await;
                        unanswered += 1;
                        acknowledged.insert(name);
                    }
                }
                ServerFrame::Pong { .. } => unanswered -= 1,
                _ => {}
            }
        }
        server.start_kill().unwrap();
        server.wait().await.unwrap();
        for sender in senders {
            accepted.extend(sender.await.unwrap());
        }
    }
    assert!(!accepted.is_empty());
    let (_server, address) = spawn(data.path()).await;
    let (mut socket, _) = device.connect(address).await;
    let mut found = BTreeSet::new();
    let mut last = Sequence(0);
    loop {
        match socket.next().await {
            ServerFrame::Deliver { sequence, blob, class, .. } => {
                assert_eq!(class, Class::Stored);
                assert!(sequence > last);
                last = sequence;
                assert!(found.insert(blob.as_bytes()[..8].to_vec()), "delivered twice");
                socket.send(&ClientFrame::Credit { n: 1 }).await;
            }
            ServerFrame::Drained {} => break,
            other => panic!("{other:?}"),
        }
    }
    assert!(found.is_disjoint(&acknowledged), "delivered after acknowledgement");
    found.extend(acknowledged);
    let lost: Vec<_> = accepted.difference(&found).collect();
    assert!(lost.is_empty(), "{} of {} lost", lost.len(), accepted.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_across_crashes_is_delivered_once() {
    let data = tempfile::tempdir().unwrap();
    let device = Device::new();
    let blob = fresh_blob(1024);
    let (mut server, address) = spawn(data.path()).await;
    drop(device.register(address).await);
    assert_eq!(device.put(address, Class::Stored, &blob).await.status, 202);
    server.start_kill().unwrap();
    server.wait().await.unwrap();

    let (mut server, address) = spawn(data.path()).await;
    assert_eq!(device.put(address, Class::Stored, &blob).await.status, 202);
    let (mut socket, _) = device.connect(address).await;
    assert_eq!(socket.delivered().await, (1, Class::Stored, blob.clone()));
    assert_eq!(socket.next().await, ServerFrame::Drained {});
    socket.acknowledge(&[1]).await;
    server.start_kill().unwrap();
    server.wait().await.unwrap();

    let (_server, address) = spawn(data.path()).await;
    assert_eq!(device.put(address, Class::Stored, &blob).await.status, 202);
    let (mut socket, welcome) = device.connect(address).await;
    let expected = ServerFrame::Welcome { acknowledged_through: Sequence(1), one_time_left: 0, waiting: 0 };
    assert_eq!(welcome, expected);
    assert_eq!(socket.next().await, ServerFrame::Drained {});
    // Whoever did not hear that it was acknowledged says so again.
    socket.acknowledge(&[1]).await;
    let next = fresh_blob(1024);
    assert_eq!(device.put(address, Class::Stored, &next).await.status, 202);
    assert_eq!(socket.delivered().await, (2, Class::Stored, next));
}

/// Puts envelopes until the server is gone; returns those it accepted.
async fn send_until_killed(device: Device, address: SocketAddr) -> Vec<Vec<u8>> {
    let mut accepted = Vec::new();
    for _ in 0..250 {
        let blob = fresh_blob(1024);
        match device.try_put_at(address, Class::Stored, &blob).await {
            Some(202) => accepted.push(blob.as_bytes()[..8].to_vec()),
            Some(_) => {}
            None => break,
        }
    }
    accepted
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_termination_signal_stops_it_in_order() {
    let data = tempfile::tempdir().unwrap();
    let (mut server, address) = spawn(data.path()).await;
    let device = Device::new();
    let socket = device.register(address).await;
    let pid = server.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
    assert_eq!(socket.closed().await, Some(sotto_wire::server::CloseCode::ShuttingDown));
    assert!(server.wait().await.unwrap().success());
    let wal = data.path().join("sotto.sqlite3-wal");
    assert!(!wal.exists(), "the log was written back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_configuration_is_explained() {
    let output = Command::new(env!("CARGO_BIN_EXE_sotto-server"))
        .args(["--check-config", "--connections", "7"])
        .env_clear()
        .env("SOTTO_LOG", "debug")
        .output()
        .await
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    assert!(
        text.contains("connections = 7    (flag)") && text.contains("log = \"debug\"    (environment)"),
        "{text}"
    );
    let wrong = Command::new(env!("CARGO_BIN_EXE_sotto-server"))
        .args(["--check-config", "--origins", "nonsense"])
        .env_clear()
        .output()
        .await
        .unwrap();
    assert!(!wrong.status.success());
    assert!(String::from_utf8(wrong.stderr).unwrap().contains("origins"));
}
