//! What must not be found on the server: where people come from, their names, what opens a mailbox.
//!
//! Searched for while they are connected: everything in the data directory (the database, its write-ahead log) and
//! in the log. Searched for after their connections have ended: all memory of the process that can be read, which
//! is what a core dump would hold. While a request is served, its own bytes are of course in memory.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::time::Duration;

use aho_corasick::AhoCorasick;
use base64ct::{Base64UrlUnpadded, Encoding};
use hyper::header::{HeaderMap, HeaderValue};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sotto_crypto::invite::InviteSecret;
use sotto_wire::server::{
    Class, ClientFrame, CloseCode, CreateInvite, DeliveryToken, InviteBundle, InviteCard, LookAtInvite,
    MailboxId, Message, OwnerSecret, RedeemId, RedeemInvite, Sequence, path,
};
use tokio::task::LocalSet;
use tokio_tungstenite::tungstenite::Message as Raw;

use super::figure::{Figure, Goal};
use super::part;
use super::place::Place;
use super::post::{Poster, connect_from};
use super::server::Server;
use crate::client::device::{Device, LONG, Socket, fresh_blob};

const PEOPLE: usize = 100;

/// Fewer would hide a leak behind what stacks hold.
const FEWEST: usize = 10;

/// Envelopes for each, of each class.
const ENVELOPES: usize = 5;

/// What is looked for, and whether it may be there.
struct Canary {
    what: &'static str,
    forms: Vec<Vec<u8>>,
    /// Kept on purpose: if it is not found, nothing can be.
    control: bool,
}

/// Bytes as they are and as people write them.
fn forms(bytes: &[u8]) -> Vec<Vec<u8>> {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    vec![
        bytes.to_vec(),
        hex.to_uppercase().into_bytes(),
        hex.into_bytes(),
        Base64UrlUnpadded::encode_string(bytes).into_bytes(),
        // As `Debug` writes them.
        format!("{bytes:?}").trim_matches(['[', ']']).as_bytes().to_vec(),
    ]
}

/// One person with all that could give them away.
struct Person {
    device: Device,
    address: Ipv4Addr,
    behind: Ipv6Addr,
    invite: InviteSecret,
    name: String,
    agent: String,
}

impl Person {
    fn new(number: usize, rng: &mut ChaCha20Rng) -> Self {
        let mut invite = [0; 32];
        rng.fill_bytes(&mut invite);
        let mut device = Device::new();
        rng.fill_bytes(&mut device.token);
        let mut mailbox = [0; 16];
        rng.fill_bytes(&mut mailbox);
        device.mailbox = MailboxId::from_bytes(mailbox);
        Self {
            device,
            // Four bytes alone stand in any memory by chance: they are looked for as text.
            address: Ipv4Addr::from([127, 77, 101 + (number / 100) as u8, 101 + (number % 100) as u8]),
            behind: Ipv6Addr::from(0x2001_0db8 << 96 | u128::from(rng.next_u64())),
            invite: InviteSecret::from_bytes(&invite),
            name: format!("Ottoline Quillfeather {:016x}", rng.next_u64()),
            agent: format!("canary-browser/{:016x}", rng.next_u64()),
        }
    }

    fn headers(&self) -> HeaderMap {
        let header = |text: &str| HeaderValue::from_str(text).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", header(&self.behind.to_string()));
        headers.insert("user-agent", header(&self.agent));
        headers
    }
}

pub async fn run(place: &Place, share: u32, run: u32) -> Vec<Figure> {
    let data = place.data();
    let mut rng = ChaCha20Rng::seed_from_u64(run.into());
    let people: Vec<_> =
        (0..part(PEOPLE, share).max(FEWEST)).map(|number| Person::new(number, &mut rng)).collect();
    let canaries = canaries(&people);
    let server = Server::start(place, data.path(), &["--trusted-proxies", "127.0.0.0/8"]).await;
    LocalSet::new().run_until(search(server, data.path(), &people, &canaries)).await
}

fn canaries(people: &[Person]) -> Vec<Canary> {
    let all = |what, control, of: &dyn Fn(&Person) -> Vec<Vec<u8>>| Canary {
        what,
        control,
        forms: people.iter().flat_map(of).collect(),
    };
    vec![
        all("addresses", false, &|person| {
            let behind = IpAddr::V6(person.behind);
            let mut all = forms(&person.behind.octets());
            all.extend([person.address.to_string(), behind.to_string()].map(String::into_bytes));
            all
        }),
        all("delivery tokens", false, &|person| forms(&person.device.token)),
        all("names", false, &|person| vec![person.name.clone().into_bytes()]),
        all("secrets of invites", false, &|person| forms(person.invite.to_bytes().as_slice())),
        all("browsers", false, &|person| vec![person.agent.clone().into_bytes()]),
        all("mailboxes, as a control", true, &|person| vec![person.device.mailbox.as_bytes().to_vec()]),
    ]
}

async fn search(server: Server, data: &Path, people: &[Person], canaries: &[Canary]) -> Vec<Figure> {
    let connections = server.connections();
    let mut open = Vec::new();
    for (number, person) in people.iter().enumerate() {
        open.push(everything(person, &server, number).await);
    }
    let mut found = Finds::new(canaries);
    for entry in std::fs::read_dir(data).unwrap() {
        found.search(&std::fs::read(entry.unwrap().path()).unwrap());
    }
    let disk = found.take();
    found.search(server.logged().as_bytes());
    let log = found.take();
    drop(open);
    let ended = async {
        while server.connections() > connections {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LONG, ended).await.expect("all connections end");
    let searched = server.each_memory(|memory| found.search(memory));
    let memory = found.take();
    let threads = server.threads();

    let mut figures = vec![Figure::new("memory searched", searched as f64 / 1_048_576.0, "MiB", Goal::Some)];
    let mut in_memory = 0;
    for (place, counts) in [("on disk", disk), ("in the log", log), ("in memory", memory)] {
        for (canary, count) in canaries.iter().zip(counts) {
            let goal = match (canary.control, place) {
                (true, "on disk") => Goal::Some,
                (true, _) => continue,
                (false, "in memory") => Goal::AtMost(0.0),
                (false, _) => Goal::Zero,
            };
            if goal == Goal::AtMost(0.0) {
                in_memory += count;
            }
            figures.push(Figure::count(format!("{} {place}", canary.what), count, goal));
        }
    }
    // Moving a value may leave a copy on a stack, which nothing wipes; what is freed is wiped.
    let more = in_memory.saturating_sub(threads);
    figures.push(Figure::count("in memory, beyond one for each thread", more, Goal::Zero));
    figures
}

/// Everything that a person does, and some that no client does; hands back what is still open.
async fn everything(person: &Person, server: &Server, number: usize) -> (Socket, Poster) {
    let (device, address) = (&person.device, server.address);
    let mut rng = ChaCha20Rng::seed_from_u64(number as u64);
    let connect = || async { connect_from(person.address, address).await.unwrap() };
    let mut socket = device.register_over(connect().await, address, person.headers()).await;
    let mut poster = Poster::over(connect().await, address).await.unwrap().with(person.headers());
    for class in [Class::Stored, Class::Ephemeral] {
        for _ in 0..ENVELOPES {
            let status = poster.put(&device.envelope(class, fresh_blob(1024))).await.unwrap();
            assert!(status.is_success(), "{status}");
            let (sequence, _, _) = socket.pushed().await;
            if sequence.is_multiple_of(2) {
                let acknowledge = ClientFrame::acknowledge(vec![Sequence(sequence)]).unwrap();
                socket.send(&acknowledge).await;
            }
        }
    }
    // Sealed as a client seals them: the name and the secret stay with people.
    let invite_id = person.invite.id();
    let owner_secret = OwnerSecret::from_bytes([number as u8; 32]);
    let create = CreateInvite {
        invite_id,
        owner_hash: owner_secret.hash(),
        expires_at: std::time::UNIX_EPOCH.elapsed().unwrap().as_secs() + 3600,
        card: InviteCard::new(person.invite.seal_name(person.name.as_bytes(), &mut rng).unwrap()).unwrap(),
        bundle: InviteBundle::new(person.invite.seal_bundle(&device.token, &mut rng).unwrap()).unwrap(),
    };
    let redeem = RedeemInvite { invite_id, redeem_id: RedeemId([number as u8; 16]) };
    for (path, body) in [
        (path::INVITES, create.encode()),
        (path::INVITE_CARD, LookAtInvite { invite_id }.encode()),
        (path::INVITE_REDEEM, redeem.encode()),
    ] {
        let status = poster.post(path, body).await.unwrap();
        assert!(status.is_success(), "{path}: {status}");
    }
    // Refused: to a mailbox that does not exist, and as bodies and frames that nobody understands.
    let mut elsewhere = device.envelope(Class::Stored, fresh_blob(1024));
    elsewhere.mailbox = Device::new().mailbox;
    let refused = [
        elsewhere.encode(),
        [&elsewhere.encode(), device.token.as_slice()].concat(),
        [DeliveryToken::from_bytes(&device.token).to_bytes().as_slice(), person.name.as_bytes()].concat(),
    ];
    for body in refused {
        let status = poster.post(path::ENVELOPES, body).await.unwrap();
        assert!(status.is_client_error(), "{status}");
    }
    let stranger = Device { token: device.token, ..Device::new() };
    let mut wrong = stranger.register_over(connect().await, address, person.headers()).await;
    wrong
        .send_raw(Raw::Binary([ClientFrame::Ping { n: 1 }.encode(), device.token.to_vec()].concat().into()))
        .await
        .unwrap();
    assert_eq!(wrong.closed().await, Some(CloseCode::Malformed));
    (socket, poster)
}

/// Counts what is found.
struct Finds {
    needles: AhoCorasick,
    /// Which canary a needle belongs to.
    whose: Vec<usize>,
    counts: Vec<usize>,
}

impl Finds {
    fn new(canaries: &[Canary]) -> Self {
        let needles = canaries.iter().flat_map(|canary| &canary.forms);
        let whose = canaries.iter().enumerate().flat_map(|(at, canary)| canary.forms.iter().map(move |_| at));
        Self {
            needles: AhoCorasick::new(needles).unwrap(),
            whose: whose.collect(),
            counts: vec![0; canaries.len()],
        }
    }

    fn search(&mut self, bytes: &[u8]) {
        for found in self.needles.find_iter(bytes) {
            self.counts[self.whose[found.pattern()]] += 1;
        }
    }

    fn take(&mut self) -> Vec<usize> {
        let none = vec![0; self.counts.len()];
        std::mem::replace(&mut self.counts, none)
    }
}
