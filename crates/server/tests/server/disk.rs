//! A disk that is full: the real program on a small file system of its own.

use std::path::Path;
use std::process::Command;

use sotto_wire::server::{Blob, Class, ClientFrame, ErrorCode, Sequence, ServerFrame};
use tempfile::TempDir;

use crate::crash::spawn;
use crate::device::{Device, Socket, fresh_blob};
use crate::support::{eventually, skipped};

/// A file system in memory, as large as this.
struct SmallDisk(TempDir);

impl SmallDisk {
    /// Mounting takes rights that a developer may not have.
    fn mount(kib: u32) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let size = format!("size={kib}k");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(directory.path()).output();
        let reason = match mounted {
            Ok(output) if output.status.success() => return Some(Self(directory)),
            Ok(output) => first_line(&output.stderr),
            Err(error) => error.to_string(),
        };
        skipped("the server on a full disk", &format!("mounting one needs root: {reason}"));
        None
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

/// A line that is repeated elsewhere has to be one.
fn first_line(said: &[u8]) -> String {
    String::from_utf8_lossy(said).trim().lines().next().unwrap_or_default().to_owned()
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily, in case a server that was killed is not quite gone.
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}

/// Puts until the disk is full; returns what was accepted.
async fn fill(device: &Device, address: std::net::SocketAddr, size: usize) -> Vec<Blob> {
    let mut accepted = Vec::new();
    for _ in 0..200 {
        let blob = fresh_blob(size);
        let response = device.put(address, Class::Stored, &blob).await;
        if response.status == 202 {
            accepted.push(blob);
            continue;
        }
        let failure = response.refused(ErrorCode::Unavailable);
        assert!(failure.retry_after_s.is_some(), "it says when to come back");
        return accepted;
    }
    panic!("the disk is never full");
}

/// Everything that waits, in order. More credit is given than is used up.
async fn all(socket: &mut Socket) -> Vec<(Sequence, Blob)> {
    let mut found = Vec::new();
    loop {
        match socket.next().await {
            ServerFrame::Deliver { sequence, blob, class: Class::Stored, .. } => {
                found.push((sequence, blob));
                socket.send(&ClientFrame::Credit { n: 1 }).await;
            }
            ServerFrame::Drained {} => return found,
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_what_is_new_and_loses_nothing() {
    let Some(disk) = SmallDisk::mount(4 * 1024) else { return };
    let filler = disk.path().join("filler");
    std::fs::write(&filler, vec![0; 1024 * 1024]).unwrap();
    let data = disk.path().join("data");
    let (mut server, address) = spawn(&data).await;
    let device = Device::new();
    drop(device.register(address).await);
    let mut accepted = fill(&device, address, 64 * 1024).await;
    assert!(!accepted.is_empty());
    // Smaller ones find the last room, until there is none for them either.
    accepted.extend(fill(&device, address, 1024).await);

    // Whoever reads is served as before, and an acknowledgement that cannot be kept harms nobody.
    let (mut socket, _) = device.connect(address).await;
    let found = all(&mut socket).await;
    assert_eq!(found.iter().map(|(_, blob)| blob.clone()).collect::<Vec<_>>(), accepted);
    socket.send(&ClientFrame::Ping { n: 1 }).await;
    assert_eq!(socket.next().await, ServerFrame::Pong { n: 1 });
    assert_eq!(device.put(address, Class::Ephemeral, &fresh_blob(1024)).await.status, 202);
    assert!(matches!(socket.next().await, ServerFrame::Deliver { class: Class::Ephemeral, .. }));

    // When there is room again, it goes on by itself.
    std::fs::remove_file(&filler).unwrap();
    let blob = fresh_blob(64 * 1024);
    eventually("it accepts again", async || device.put(address, Class::Stored, &blob).await.status == 202)
        .await;
    accepted.push(blob);
    assert!(matches!(socket.next().await, ServerFrame::Deliver { class: Class::Stored, .. }));

    // Full once more, and killed in that state: a restart finds all of it, even before anybody makes room.
    accepted.extend(fill(&device, address, 64 * 1024).await);
    server.start_kill().unwrap();
    server.wait().await.unwrap();
    let (_server, address) = spawn(&data).await;
    let (mut socket, _) = device.connect(address).await;
    let found = all(&mut socket).await;
    assert_eq!(found.into_iter().map(|(_, blob)| blob).collect::<Vec<_>>(), accepted);
    let everything: Vec<u64> = (1..=u64::try_from(accepted.len()).unwrap()).collect();
    socket.acknowledge(&everything).await;
}
