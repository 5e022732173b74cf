//! Programs that run in a network of their own, and doors to them from the machine's.

use std::ffi::OsStr;
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;

use sotto_testkit::namespace::Namespace;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::task::{AbortHandle, spawn_blocking};

use crate::wait::Outcome;

/// How to start a program in a network, or in the machine's own. Its process is the program's in both cases.
pub(crate) fn command(namespace: Option<&Namespace>, program: &OsStr) -> Command {
    let Some(namespace) = namespace else { return Command::new(program) };
    let mut command = Command::new("ip");
    command.args(["netns", "exec", namespace.name()]).arg(program);
    command
}

/// Leads from a port of the machine's loopback to the same port of a network's loopback; closed when dropped.
pub(crate) struct Door {
    port: u16,
    task: AbortHandle,
}

impl Door {
    /// Opens one at a free port.
    pub(crate) async fn open(namespace: &Arc<Namespace>) -> Outcome<Door> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let namespace = Arc::clone(namespace);
        let task = tokio::spawn(async move {
            while let Ok((outside, _)) = listener.accept().await {
                let namespace = Arc::clone(&namespace);
                tokio::spawn(async move { pass(outside, namespace, port).await });
            }
        });
        Ok(Door { port, task: task.abort_handle() })
    }

    /// The port, here and there.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Passes bytes both ways. Whoever connects while nobody listens behind the door is turned away.
async fn pass(mut outside: tokio::net::TcpStream, namespace: Arc<Namespace>, port: u16) -> Outcome {
    let connect = move || namespace.enter(|| TcpStream::connect((Ipv4Addr::LOCALHOST, port)));
    let inside = spawn_blocking(connect).await???;
    inside.set_nonblocking(true)?;
    let mut inside = tokio::net::TcpStream::from_std(inside)?;
    tokio::io::copy_bidirectional(&mut outside, &mut inside).await?;
    Ok(())
}
