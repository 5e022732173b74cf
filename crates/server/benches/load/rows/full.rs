//! A disk that is full, killed in that state, and given room again.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use tempfile::TempDir;
use tokio::task::{JoinSet, LocalSet};

use super::figure::{Figure, Goal};
use super::kill::integrity;
use super::person::{Person, Put, promises};
use super::place::Place;
use super::post::{Poster, connect_from};
use super::server::{NO_LIMITS, Server};
use crate::client::device::{LONG, fresh_blob};

const PEOPLE: usize = 16;

/// The disk, in KiB; a quarter of it is taken by something else until there shall be room again. To go on, SQLite needs
/// room for what is in its log, some 4 MiB, so that is the least that a quarter can be.
const DISK_KIB: usize = 64 * 1024;
const LEAST_KIB: usize = 32 * 1024;

const ENVELOPE: usize = 16 * 1024;

/// Refused this often, one has seen that it is full.
const REFUSALS: usize = 5;

pub async fn run(place: &Place, share: u32, run: u32) -> Vec<Figure> {
    let mut rng = ChaCha20Rng::seed_from_u64(run.into());
    let kib = super::part(DISK_KIB, share).max(LEAST_KIB);
    let disk = match SmallDisk::mount(place, kib) {
        Ok(disk) => disk,
        Err(reason) => {
            assert!(
                std::env::var_os("SOTTO_REQUIRE_NETWORK_TESTS").is_none_or(|value| value != "1"),
                "must not be skipped here: {reason}"
            );
            return vec![Figure::count(format!("skipped: {reason}"), 1, Goal::None)];
        }
    };
    let filler = disk.path().join("filler");
    std::fs::write(&filler, vec![0; kib * 1024 / 4]).unwrap();
    let people: Vec<_> = (0..PEOPLE).map(|_| Rc::new(Person::new())).collect();

    let server = Server::start(place, disk.path(), &NO_LIMITS).await;
    for person in &people {
        drop(person.device.register(server.address).await);
    }
    let mut refused = LocalSet::new().run_until(fill(&server, &people)).await;
    let full = accepted(&people);
    everything_comes(&server, &people, &mut rng, 0).await;
    server.kill().await;

    let server = Server::start(place, disk.path(), &NO_LIMITS).await;
    everything_comes(&server, &people, &mut rng, 0).await;
    refused += LocalSet::new().run_until(fill(&server, &people)).await;
    std::fs::remove_file(&filler).unwrap();
    for person in &people {
        let mut poster = Poster::connect(server.address).await.unwrap();
        let blob = fresh_blob(ENVELOPE);
        let put = tokio::time::timeout(LONG, person.put_surely(&mut poster, &blob, &mut rng)).await;
        assert!(put.expect("accepted when there is room again"));
    }
    everything_comes(&server, &people, &mut rng, 100).await;
    let logged = server.logged();
    server.kill().await;

    let mut figures = vec![
        Figure::count("size of the disk, KiB", kib, Goal::Some),
        Figure::count("accepted until it was full", full, Goal::Some),
        Figure::count("refused while it was", refused, Goal::Some),
    ];
    figures.extend(promises(people.iter().map(Rc::as_ref)));
    figures.push(Figure::count("complaints of the integrity check", integrity(disk.path()), Goal::Zero));
    figures.push(Figure::count("panics in the log", logged.matches("panicked").count(), Goal::Zero));
    figures
}

fn accepted(people: &[Rc<Person>]) -> usize {
    people.iter().map(|person| person.ledger.borrow().accepted()).sum()
}

/// Everyone puts until the server has refused it a few times; how often it refused.
async fn fill(server: &Server, people: &[Rc<Person>]) -> usize {
    let mut tasks = JoinSet::new();
    for (person, number) in people.iter().zip(1..) {
        let (person, address) = (Rc::clone(person), server.address);
        tasks.spawn_local(async move {
            // From an address of its own: one alone is refused more before the disk is quite full.
            let stream = connect_from(Ipv4Addr::new(127, 1, 0, number), address).await.unwrap();
            let mut poster = Poster::over(stream, address).await.unwrap();
            let mut refused = 0;
            while refused < REFUSALS {
                match person.put(&mut poster, &fresh_blob(ENVELOPE)).await {
                    Put::Accepted => {}
                    Put::Later => refused += 1,
                    Put::Gone => panic!("the server is gone"),
                }
            }
            refused
        });
    }
    let mut refused = 0;
    while let Some(ended) = tasks.join_next().await {
        refused += ended.unwrap();
    }
    refused
}

/// Everyone takes all that waits, and acknowledges so much of it.
async fn everything_comes(server: &Server, people: &[Rc<Person>], rng: &mut ChaCha20Rng, percent: u32) {
    for person in people {
        let mut own = ChaCha20Rng::seed_from_u64(rng.next_u64());
        let socket = person.connect_surely(server.address, &mut own).await.unwrap();
        tokio::time::timeout(LONG, person.receive(socket, &mut own, percent, false)).await.unwrap();
    }
}

/// A file system in memory, and beside it a place for the log.
struct SmallDisk {
    mounted: PathBuf,
    _around: TempDir,
}

impl SmallDisk {
    fn mount(place: &Place, kib: usize) -> Result<Self, String> {
        let around = place.data();
        let mounted = around.path().join("disk");
        std::fs::create_dir(&mounted).unwrap();
        let size = format!("size={kib}k");
        let output = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&mounted).output();
        match output {
            Ok(output) if output.status.success() => Ok(Self { mounted, _around: around }),
            Ok(_) => Err("mounting a small disk takes root".to_owned()),
            Err(error) => Err(format!("a small disk cannot be mounted: {error}")),
        }
    }

    fn path(&self) -> &Path {
        &self.mounted
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily, in case a server that was killed is not quite gone.
        drop(Command::new("umount").arg("--lazy").arg(&self.mounted).status());
    }
}
