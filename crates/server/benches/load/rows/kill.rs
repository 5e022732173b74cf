//! kill -9 under load, again and again, on the same data.

use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use tokio::task::{LocalSet, spawn_local};

use super::figure::{Figure, Goal};
use super::person::{Person, promises};
use super::place::Place;
use super::post::Poster;
use super::server::{NO_LIMITS, Server};
use crate::client::device::{LONG, fresh_blob};

const KILLS: usize = 200;

const PEOPLE: usize = 16;

/// Longest life of a server, in milliseconds: some die before everyone's mailbox is drained.
const LIFE_MS: u64 = 300;

/// Of what comes, this much is acknowledged, in percent.
const ACKNOWLEDGED: u32 = 70;

pub async fn run(place: &Place, share: u32, run: u32) -> Vec<Figure> {
    let mut rng = ChaCha20Rng::seed_from_u64(run.into());
    let data = place.data();
    // The first is only written to when a server has started.
    let people: Vec<_> = (0..=PEOPLE).map(|_| Rc::new(Person::new())).collect();
    let (mut listening, mut recovered) = (Vec::new(), Vec::new());
    let kills = super::part(KILLS, share);
    for kill in 0..kills {
        let start = Instant::now();
        let server = Server::start(place, data.path(), &NO_LIMITS).await;
        if kill == 0 {
            for person in &people {
                drop(person.device.register(server.address).await);
            }
        } else {
            listening.push(server.took);
            let mut poster = Poster::connect(server.address).await.unwrap();
            assert!(people[0].put_surely(&mut poster, &fresh_blob(1024), &mut rng).await);
            recovered.push(start.elapsed());
        }
        let life = Duration::from_millis(rng.next_u64() % LIFE_MS);
        LocalSet::new().run_until(live(server, &people[1..], &mut rng, life)).await;
    }
    let server = Server::start(place, data.path(), &NO_LIMITS).await;
    for person in &people {
        let (socket, _) = person.device.connect(server.address).await;
        tokio::time::timeout(LONG, person.receive(socket, &mut rng, 0, false)).await.unwrap();
    }
    let logged = server.logged();
    server.kill().await;

    let mut figures = vec![Figure::count("kill -9", kills, Goal::Some)];
    figures.extend(promises(people.iter().map(Rc::as_ref)));
    figures.push(Figure::count("complaints of the integrity check", integrity(data.path()), Goal::Zero));
    figures.push(Figure::count("panics in the log", logged.matches("panicked").count(), Goal::Zero));
    figures.extend(Figure::latencies("start until it listens", &mut listening, Goal::None));
    figures.extend(Figure::latencies(
        "start until the first is accepted",
        &mut recovered,
        Goal::AtMost(2000.0),
    ));
    figures
}

/// Everyone sends and receives until the server dies.
async fn live(server: Server, people: &[Rc<Person>], rng: &mut ChaCha20Rng, life: Duration) {
    let mut tasks = Vec::new();
    for person in people {
        let (socket, _) = person.device.connect(server.address).await;
        let (sends, receives, address) = (Rc::clone(person), Rc::clone(person), server.address);
        let (mut sending, mut receiving) =
            (ChaCha20Rng::seed_from_u64(rng.next_u64()), ChaCha20Rng::seed_from_u64(rng.next_u64()));
        tasks.push(spawn_local(async move { sends.send(address, &mut sending).await }));
        tasks.push(spawn_local(
            async move { receives.receive(socket, &mut receiving, ACKNOWLEDGED, true).await },
        ));
    }
    tokio::time::sleep(life).await;
    server.kill().await;
    for task in tasks {
        tokio::time::timeout(LONG, task).await.expect("ended with the server").unwrap();
    }
}

/// What SQLite finds wrong with the database after recovering it.
pub fn integrity(data: &Path) -> usize {
    let database = rusqlite::Connection::open(data.join("sotto.sqlite3")).unwrap();
    let mut check = database.prepare("PRAGMA integrity_check").unwrap();
    let lines: Vec<String> = check.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    lines.iter().filter(|line| *line != "ok").count()
}
