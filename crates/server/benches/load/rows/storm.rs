//! Everyone comes back at once after each crash, and puts again whatever is not certain.

use std::rc::Rc;
use std::time::{Duration, Instant};

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sotto_wire::server::Blob;
use tokio::task::{JoinSet, LocalSet};

use super::figure::{Figure, Goal};
use super::person::{Person, promises};
use super::place::Place;
use super::post::Poster;
use super::server::{NO_LIMITS, Server};
use crate::client::device::{LONG, fresh_blob};

const CLIENTS: usize = 5_000;

/// Each is put in every storm, also where it was accepted long ago.
const MESSAGES: usize = 3;

const CRASHES: usize = 3;

/// When the server dies in a storm, in percent of the envelopes that will be put in it.
const DIES_AT: [usize; CRASHES] = [20, 50, 80];

/// No storm takes longer.
const STORM: Duration = Duration::from_secs(120);

struct Client {
    person: Person,
    messages: Vec<Blob>,
}

pub async fn run(place: &Place, share: u32, run: u32) -> Vec<Figure> {
    let mut rng = ChaCha20Rng::seed_from_u64(run.into());
    let data = place.data();
    let clients: Vec<_> = (0..super::part(CLIENTS, share))
        .map(|_| {
            let messages = (0..MESSAGES).map(|_| fresh_blob(1024)).collect();
            Rc::new(Client { person: Person::new(), messages })
        })
        .collect();
    let server = Server::start(place, data.path(), &NO_LIMITS).await;
    for client in &clients {
        drop(client.person.device.register(server.address).await);
    }
    server.kill().await;
    let mut recovered = Vec::new();
    for at in DIES_AT {
        let server = Server::start(place, data.path(), &NO_LIMITS).await;
        recovered.push(server.took);
        LocalSet::new().run_until(storm(server, &clients, at, rng.next_u64())).await;
    }
    let server = Server::start(place, data.path(), &NO_LIMITS).await;
    let start = Instant::now();
    let logged = LocalSet::new().run_until(calm(server, &clients)).await;
    let took = start.elapsed();

    let missing = |client: &Rc<Client>| MESSAGES - client.person.ledger.borrow().came();
    let mut figures = vec![
        Figure::count("clients", clients.len(), Goal::Some),
        Figure::count("crashes", CRASHES, Goal::Some),
        Figure::count("never delivered", clients.iter().map(missing).sum(), Goal::Zero),
    ];
    figures.extend(promises(clients.iter().map(|client| &client.person)));
    figures.push(Figure::count("panics in the log", logged.matches("panicked").count(), Goal::Zero));
    figures.extend(Figure::latencies("start until it listens", &mut recovered, Goal::AtMost(2000.0)));
    figures.push(Figure::new("everyone back, all put and delivered", took.as_secs_f64(), "s", Goal::None));
    figures
}

/// Everyone connects, listens and puts, all at once; at some moment the server dies.
async fn storm(server: Server, clients: &[Rc<Client>], dies_at: usize, seed: u64) {
    let mut tasks = JoinSet::new();
    let put = Rc::new(tokio::sync::Semaphore::new(0));
    for (number, client) in clients.iter().enumerate() {
        let (sends, receives) = (Rc::clone(client), Rc::clone(client));
        let (address, put) = (server.address, Rc::clone(&put));
        let mut receiving = ChaCha20Rng::seed_from_u64(seed.wrapping_add(number as u64));
        let mut sending = receiving.clone();
        tasks.spawn_local(async move {
            if let Some(socket) = receives.person.connect_surely(address, &mut receiving).await {
                receives.person.receive(socket, &mut receiving, 50, true).await;
            }
        });
        tasks.spawn_local(async move {
            let Ok(mut poster) = Poster::connect(address).await else { return };
            for blob in &sends.messages {
                if !sends.person.put_surely(&mut poster, blob, &mut sending).await {
                    return;
                }
                put.add_permits(1);
            }
        });
    }
    let enough = clients.len() * MESSAGES * dies_at / 100;
    drop(tokio::time::timeout(STORM, put.acquire_many(enough.try_into().unwrap())).await.unwrap().unwrap());
    server.kill().await;
    while let Some(ended) =
        tokio::time::timeout(LONG, tasks.join_next()).await.expect("ended with the server")
    {
        ended.unwrap();
    }
}

/// The last time: everything is put once more, comes, and is acknowledged. Returns the log.
async fn calm(server: Server, clients: &[Rc<Client>]) -> String {
    let mut tasks = JoinSet::new();
    for (number, client) in clients.iter().enumerate() {
        let (client, address) = (Rc::clone(client), server.address);
        tasks.spawn_local(async move {
            let mut rng = ChaCha20Rng::seed_from_u64(number as u64);
            let mut poster = Poster::connect(address).await.unwrap();
            for blob in &client.messages {
                // Also those accepted and acknowledged long ago: they must be recognised and not come again.
                assert!(client.person.put_surely(&mut poster, blob, &mut rng).await);
            }
            let socket = client.person.connect_surely(address, &mut rng).await.unwrap();
            client.person.receive(socket, &mut rng, 100, false).await;
        });
    }
    while let Some(ended) = tokio::time::timeout(STORM, tasks.join_next()).await.unwrap() {
        ended.unwrap();
    }
    let logged = server.logged();
    server.kill().await;
    logged
}
