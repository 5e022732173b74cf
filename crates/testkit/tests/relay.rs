//! The relay between two real namespaces, with real sockets on both sides.
#![cfg(unix)]
#![allow(clippy::as_conversions, clippy::unwrap_used, reason = "a test")]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use sotto_testkit::namespace::{Namespace, networks_for};
use sotto_testkit::relay::{Conditions, Counts, End, Relay};

const MS: Duration = Duration::from_millis(1);
const HERE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const THERE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

/// Two namespaces and the relay between them.
struct Line {
    here: Namespace,
    there: Namespace,
    relay: Relay,
}

impl Line {
    fn new(conditions: Conditions) -> Line {
        let (here, there) = (Namespace::new("here").unwrap(), Namespace::new("there").unwrap());
        for namespace in [&here, &there] {
            namespace.set("net/ipv6/conf/default/disable_ipv6", "1").unwrap();
        }
        let ends = [&here, &there].map(|namespace| End { namespace, device: "line" });
        let relay = Relay::start(ends, 1).unwrap();
        for (namespace, own, other) in [(&here, HERE, THERE), (&there, THERE, HERE)] {
            namespace.ip(&format!("address add {own} peer {other} dev line")).unwrap();
            namespace.ip("link set line up").unwrap();
        }
        relay.set(conditions);
        Line { here, there, relay }
    }

    /// Sends numbered packets and gives the numbers in the order they came in.
    fn send(&self, count: u32) -> (Vec<u32>, Counts) {
        let sender = self.here.enter(|| UdpSocket::bind((HERE, 0)).unwrap()).unwrap();
        let receiver = self.there.enter(|| UdpSocket::bind((THERE, 0)).unwrap()).unwrap();
        sender.connect(receiver.local_addr().unwrap()).unwrap();
        receiver.set_read_timeout(Some(10 * MS)).unwrap();
        let deadline = Instant::now() + Duration::from_secs(30);
        let mut came = Vec::new();
        let mut number = 0_u32;
        loop {
            let counts = self.relay.counts()[0];
            let ended = counts.passed + counts.lost + counts.overflowed + counts.cut;
            let nothing_under_way =
                counts.taken == u64::from(number) && ended == counts.taken + counts.doubled;
            if nothing_under_way && came.len() as u64 == counts.passed {
                if number == count {
                    return (came, counts);
                }
                // As many as any socket has room for.
                for _ in 0..50.min(count - number) {
                    sender.send(&number.to_be_bytes()).unwrap();
                    number += 1;
                }
            }
            let mut packet = [0; 4];
            if receiver.recv(&mut packet).is_ok() {
                came.push(u32::from_be_bytes(packet));
            }
            assert!(Instant::now() < deadline, "{came:?} {:?}", self.relay.counts());
        }
    }
}

#[test]
fn all_packets_come_in_order_over_a_perfect_relay() {
    if networks_for("a perfect relay") {
        let (came, counts) = Line::new(Conditions::default()).send(500);
        assert_eq!(came, (0..500).collect::<Vec<_>>());
        assert_eq!(counts, Counts { taken: 500, passed: 500, ..Counts::default() });
    }
}

#[test]
fn losses_and_doubles_are_those_counted() {
    if networks_for("a relay that loses and doubles") {
        let (mut came, counts) =
            Line::new(Conditions { lost: 100, doubled: 50, delay: MS, ..Conditions::default() }).send(1_000);
        assert!(came.is_sorted(), "{came:?}");
        came.dedup();
        assert_eq!(came.len() as u64, 1_000 - counts.lost);
        assert!(counts.lost > 50 && counts.doubled > 20, "{counts:?}");
    }
}

#[test]
fn those_held_back_come_later_than_others() {
    if networks_for("a relay that reorders") {
        let conditions = Conditions { held: 100, held_for: 20 * MS, ..Conditions::default() };
        let (mut came, counts) = Line::new(conditions).send(500);
        assert!(!came.is_sorted());
        assert!(counts.held > 20, "{counts:?}");
        came.sort_unstable();
        assert_eq!(came, (0..500).collect::<Vec<_>>());
    }
}

#[test]
fn nothing_is_faster_than_the_delay() {
    if networks_for("a relay that delays") {
        let line = Line::new(Conditions { delay: 40 * MS, jitter: 10 * MS, ..Conditions::default() });
        let here = line.here.enter(|| UdpSocket::bind((HERE, 0)).unwrap()).unwrap();
        let there = line.there.enter(|| UdpSocket::bind((THERE, 0)).unwrap()).unwrap();
        for _ in 0..10 {
            let start = Instant::now();
            here.send_to(b"there", there.local_addr().unwrap()).unwrap();
            let mut packet = [0; 8];
            let (_, back) = there.recv_from(&mut packet).unwrap();
            there.send_to(b"and back", back).unwrap();
            here.recv(&mut packet).unwrap();
            assert!(start.elapsed() >= 60 * MS);
        }
    }
}

#[test]
fn nothing_comes_while_cut() {
    if networks_for("a relay that is cut") {
        let line = Line::new(Conditions { cut: true, ..Conditions::default() });
        let (came, counts) = line.send(20);
        assert_eq!((came, counts.cut), (Vec::new(), 20));
    }
}

#[test]
fn tcp_gets_everything_across_a_bad_one() {
    if networks_for("TCP over a bad relay") {
        let line = Line::new(Conditions {
            delay: 5 * MS,
            jitter: 5 * MS,
            lost: 20,
            doubled: 20,
            held: 20,
            held_for: 10 * MS,
            rate: Some(4 << 20),
            ..Conditions::default()
        });
        let sent: Vec<u8> = (0..1_u32 << 18).flat_map(u32::to_be_bytes).collect();
        let listener = line.there.enter(|| TcpListener::bind((THERE, 0)).unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let received = thread::scope(|scope| {
            let receiver = scope.spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let mut received = Vec::new();
                stream.read_to_end(&mut received).unwrap();
                received
            });
            let mut stream = line.here.enter(|| TcpStream::connect(address).unwrap()).unwrap();
            stream.write_all(&sent).unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
            receiver.join().unwrap()
        });
        assert!(received == sent, "{} bytes of {}", received.len(), sent.len());
        let [there, back] = line.relay.counts();
        assert!(there.lost > 0 && there.doubled > 0 && there.held > 0, "{there:?} {back:?}");
    }
}
