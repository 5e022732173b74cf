//! Attacks on memory and on everyone's time, each alone, while others go on talking.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::LocalSet;

use super::attack::{self, Attack};
use super::figure::{Figure, Goal, milliseconds, quantile};
use super::others::Others;
use super::part;
use super::place::Place;
use super::server::Server;

const OTHERS: usize = 50;

/// Connections as fast as they can be opened, up to a number a second.
const CONNECTIONS_PER_S: usize = 20_000;
const CONNECTIONS_TIME_MS: usize = 5_000;

/// Sockets that never read, each sent far more than the system buffers for it.
const READERS: usize = 500;
const EACH_READER: usize = 48;

/// Connections that send a head byte by byte, or nothing.
const SLOW: usize = 2_000;

/// A calm phase.
const CALM_MS: usize = 5_000;

/// Longest time the server may keep such connections: until its third ping finds that nothing was heard since the first, and
/// some. What is sent to a reader may fit into what the system buffers.
const CLOSED_WITHIN: Duration = Duration::from_secs(120);

const LOOK_EVERY: Duration = Duration::from_millis(50);

pub async fn run(place: &Place, share: u32, _run: u32) -> Vec<Figure> {
    let data = place.data();
    // With the limits it has by default: the attackers have many addresses. Only a test has no time for its timeouts.
    let (send, head) = (part(20, share).max(3).to_string(), part(10, share).max(3).to_string());
    let settings = ["--send-timeout-s", &send, "--header-timeout-s", &head];
    let server = Server::start(place, data.path(), &settings).await;
    LocalSet::new().run_until(attacks(server, share)).await
}

/// One phase: what others had, and what it cost.
struct Phase {
    p99: Duration,
    memory_kib: u64,
    left: usize,
}

async fn attacks(mut server: Server, share: u32) -> Vec<Figure> {
    let share_of = |all: usize| part(all, share);
    let milliseconds_of = |all: usize| Duration::from_millis(share_of(all) as u64);
    let address = server.address;
    let others = Others::start(share_of(OTHERS).max(2), address).await;
    tokio::time::sleep(milliseconds_of(CALM_MS)).await;
    drop(others.latencies());
    let quiet = phase(&server, &others, None, milliseconds_of(CALM_MS)).await;

    let time = milliseconds_of(CONNECTIONS_TIME_MS);
    let start = Instant::now();
    let flood = Attack::start(move |attack| attack::connections(address, CONNECTIONS_PER_S, time, attack));
    let connections = phase(&server, &others, Some(&flood), time).await;
    let opened = flood.count() as f64 / start.elapsed().min(time).as_secs_f64();
    let again = phase(&server, &others, None, milliseconds_of(CALM_MS)).await;
    let readers = share_of(READERS);
    let deaf = Attack::start(move |attack| attack::readers(address, readers, EACH_READER, attack));
    let reading = phase(&server, &others, Some(&deaf), Duration::ZERO).await;
    let slow = share_of(SLOW);
    let loris = Attack::start(move |attack| attack::slow(address, slow, attack));
    let slowly = phase(&server, &others, Some(&loris), Duration::ZERO).await;
    let after = phase(&server, &others, None, milliseconds_of(CALM_MS)).await;
    let served = others.stop().await;

    let mebibytes = |phase: &Phase| phase.memory_kib as f64 / 1024.0;
    let memory = |what: &str, phase: &Phase| {
        Figure::new(format!("memory, most, {what}"), mebibytes(phase), "MiB", Goal::None)
    };
    let p99 = |what: &str, phase: &Phase| {
        Figure::new(format!("others' p99, {what}"), milliseconds(phase.p99), "ms", Goal::None)
    };
    let times = |what: &str, phase: &Phase| {
        let times = phase.p99.as_secs_f64() / quiet.p99.as_secs_f64();
        Figure::new(format!("others' p99, {what}, × quiet"), times, "×", Goal::AtMost(2.0))
    };
    let left =
        |what: &str, phase: &Phase| Figure::count(format!("{what} not closed"), phase.left, Goal::Zero);
    vec![
        Figure::new("connections opened", opened, "/s", Goal::AtLeast(CONNECTIONS_PER_S as f64)),
        Figure::count("readers that never read", deaf.count(), Goal::Some),
        Figure::count("slow and silent connections", loris.count(), Goal::Some),
        left("readers", &reading),
        left("slow connections", &slowly),
        Figure::count("others' envelopes", served.pushed.get(), Goal::Some),
        Figure::count(
            "of these not delivered",
            served.accepted.get().abs_diff(served.pushed.get()),
            Goal::Zero,
        ),
        Figure::count("others' envelopes refused", served.refused.get(), Goal::Zero),
        p99("quiet", &quiet),
        times("connections", &connections),
        times("readers", &reading),
        times("slow connections", &slowly),
        memory("quiet", &quiet),
        memory("connections", &connections),
        memory("after these", &again),
        memory("readers", &reading),
        memory("slow connections", &slowly),
        memory("after all", &after),
        Figure::count("panics in the log", server.logged().matches("panicked").count(), Goal::Zero),
        Figure::count("server gone", usize::from(!server.alive()), Goal::Zero),
    ]
}

/// At least for this time, and until the attack is over and the server has closed all that it brought.
async fn phase(server: &Server, others: &Others, attack: Option<&Arc<Attack>>, least: Duration) -> Phase {
    let (before, start) = (server.connections(), Instant::now());
    let (mut memory_kib, mut over) = (0, None);
    let left = loop {
        tokio::time::sleep(LOOK_EVERY).await;
        memory_kib = memory_kib.max(server.memory_kib());
        let left = server.connections().saturating_sub(before);
        if over.is_none() && attack.is_none_or(|attack| attack.is_over()) {
            over = Some(Instant::now());
        }
        let too_long = over.is_some_and(|over: Instant| over.elapsed() > CLOSED_WITHIN);
        if start.elapsed() >= least && over.is_some() && (left == 0 || too_long) {
            break left;
        }
    };
    let mut latencies = others.latencies();
    latencies.sort_unstable();
    if let Some(attack) = attack {
        attack.end();
    }
    Phase { p99: quantile(&latencies, 99), memory_kib, left }
}
