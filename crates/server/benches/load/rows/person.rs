//! Somebody whose mailbox must survive whatever becomes of the server.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use hyper::StatusCode;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::Rng;
use sotto_wire::server::{Blob, Class, ClientFrame, EnvelopeId, ServerFrame};

use super::figure::{Figure, Goal};
use super::ledger::{Broken, Ledger};
use super::post::Poster;
use crate::client::device::{Device, Socket, fresh_blob};

const BURST: usize = 32;

/// Before asking a busy server again: at first, and at most; a client doubles it each time.
const PAUSE_MS: u64 = 100;
const PAUSE_MAX_MS: u64 = 3_200;

/// What became of an envelope.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Put {
    Accepted,
    /// The server is busy, or the mailbox full.
    Later,
    /// The server is not there any more.
    Gone,
}

/// A device, those who write to it, and what both were promised.
pub struct Person {
    pub device: Device,
    pub ledger: RefCell<Ledger>,
    /// Sent, and never answered: to be sent again, as a client does.
    unanswered: RefCell<Option<Blob>>,
}

impl Person {
    pub fn new() -> Self {
        Self { device: Device::new(), ledger: RefCell::default(), unanswered: RefCell::default() }
    }

    pub async fn put(&self, poster: &mut Poster, blob: &Blob) -> Put {
        match poster.put(&self.device.envelope(Class::Stored, blob.clone())).await {
            Ok(StatusCode::ACCEPTED) => {
                self.ledger.borrow_mut().accept(blob.id());
                Put::Accepted
            }
            Ok(StatusCode::SERVICE_UNAVAILABLE | StatusCode::INSUFFICIENT_STORAGE) => Put::Later,
            Ok(other) => panic!("{other}"),
            Err(_) => Put::Gone,
        }
    }

    /// Puts until it is accepted; false when the server is gone.
    pub async fn put_surely(&self, poster: &mut Poster, blob: &Blob, rng: &mut ChaCha20Rng) -> bool {
        let mut pause = PAUSE_MS;
        loop {
            match self.put(poster, blob).await {
                Put::Accepted => return true,
                Put::Later => back_off(&mut pause, rng).await,
                Put::Gone => return false,
            }
        }
    }

    /// Connects, again and again while the server says that it is busy; nothing when it is gone.
    pub async fn connect_surely(&self, address: SocketAddr, rng: &mut ChaCha20Rng) -> Option<Socket> {
        let mut pause = PAUSE_MS;
        loop {
            match self.device.try_connect(address).await {
                Ok((socket, _)) => return Some(socket),
                Err(None) => back_off(&mut pause, rng).await,
                Err(Some(_)) => return None,
            }
        }
    }

    /// Sends to it, one after the other, until the server is gone.
    pub async fn send(&self, address: SocketAddr, rng: &mut ChaCha20Rng) {
        let Ok(mut poster) = Poster::connect(address).await else { return };
        loop {
            let blob = self.unanswered.take().unwrap_or_else(|| fresh_blob(1024));
            match self.put(&mut poster, &blob).await {
                Put::Accepted => {}
                Put::Later => {
                    let mut pause = PAUSE_MS;
                    back_off(&mut pause, rng).await;
                }
                Put::Gone => {
                    self.unanswered.replace(Some(blob));
                    return;
                }
            }
        }
    }

    /// Takes what comes and acknowledges `percent` of it, until the connection ends or, if it shall not wait
    /// for more, everything stored has come and its acknowledgement is committed.
    pub async fn receive(&self, mut socket: Socket, rng: &mut ChaCha20Rng, percent: u32, wait: bool) {
        let mut look = self.ledger.borrow().look();
        let mut asked: VecDeque<Vec<EnvelopeId>> = VecDeque::new();
        let mut drained = false;
        while wait || !drained || !asked.is_empty() {
            let Ok(frames) = socket.burst(BURST).await else { return };
            let (mut delivered, mut sequences, mut ids) = (0, Vec::new(), Vec::new());
            {
                let mut ledger = self.ledger.borrow_mut();
                for frame in frames {
                    match frame {
                        ServerFrame::Deliver { sequence, envelope_id, .. } => {
                            delivered += 1;
                            ledger.delivered(&mut look, envelope_id, sequence);
                            if rng.next_u32() % 100 < percent {
                                sequences.push(sequence);
                                ids.push(envelope_id);
                            }
                        }
                        ServerFrame::Drained {} => {
                            drained = true;
                            ledger.drained(&mut look);
                        }
                        ServerFrame::Pong { .. } => ledger.forget(asked.pop_front().unwrap()),
                        other => panic!("{other:?}"),
                    }
                }
                ledger.ask(ids.iter().copied());
            }
            if delivered == 0 {
                continue;
            }
            let mut answer = vec![ClientFrame::Credit { n: delivered }];
            if !sequences.is_empty() {
                answer.push(ClientFrame::acknowledge(sequences).unwrap());
                // Its pong comes after the acknowledgement was committed.
                answer.push(ClientFrame::Ping { n: 0 });
                asked.push_back(ids);
            }
            if socket.send_all(&answer).await.is_err() {
                return;
            }
        }
    }
}

/// Waits as a client does, from half the pause to all of it.
async fn back_off(pause: &mut u64, rng: &mut ChaCha20Rng) {
    tokio::time::sleep(Duration::from_millis(*pause / 2 + rng.next_u64() % (*pause / 2))).await;
    *pause = (*pause * 2).min(PAUSE_MAX_MS);
}

/// What everyone was promised, added up.
pub fn promises<'a>(people: impl Iterator<Item = &'a Person> + Clone) -> Vec<Figure> {
    let sum = |of: fn(&Ledger) -> usize| people.clone().map(|person| of(&person.ledger.borrow())).sum();
    let broken =
        |of: fn(&Broken) -> usize| people.clone().map(|person| of(&person.ledger.borrow().broken)).sum();
    vec![
        Figure::count("accepted", sum(Ledger::accepted), Goal::Some),
        Figure::count("acknowledged", sum(Ledger::acknowledged), Goal::Some),
        Figure::count("lost", broken(|broken| broken.lost), Goal::Zero),
        Figure::count(
            "delivered after acknowledgement",
            broken(|broken| broken.after_acknowledgement),
            Goal::Zero,
        ),
        Figure::count("delivered twice", broken(|broken| broken.twice), Goal::Zero),
        Figure::count("out of order", broken(|broken| broken.out_of_order), Goal::Zero),
    ]
}
