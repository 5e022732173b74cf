//! Counters of the server as a whole; nothing here is about anybody.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! metrics {
    ($($(#[doc = $doc:literal])+ $name:ident: $kind:ident;)+) => {
        /// What is counted.
        #[derive(Debug, Default)]
        pub struct Metrics {
            $($(#[doc = $doc])+ pub $name: Number,)+
        }

        impl Metrics {
            /// Prometheus' text format, version 0.0.4.
            #[must_use]
            pub fn render(&self) -> String {
                let mut text = String::new();
                $(
                    let name = concat!("sotto_", stringify!($name));
                    let help = concat!($($doc),+);
                    // Writing to a `String` cannot fail.
                    let _ = writeln!(
                        text,
                        "# HELP {name}{help}\n# TYPE {name} {}\n{name} {}",
                        stringify!($kind),
                        self.$name.get()
                    );
                )+
                text
            }
        }
    };
}

metrics! {
    /// Connections open now.
    connections: gauge;
    /// Authenticated sockets open now.
    sockets: gauge;
    /// Envelopes accepted for storage, repetitions included.
    envelopes_stored_total: counter;
    /// Ephemeral envelopes accepted.
    envelopes_ephemeral_total: counter;
    /// Envelopes sent to sockets.
    envelopes_delivered_total: counter;
    /// Requests refused because of their content.
    requests_refused_total: counter;
    /// Requests refused because there were too many, for whichever reason.
    requests_limited_total: counter;
    /// Requests refused because their address was banned.
    requests_banned_total: counter;
    /// Requests and frames refused because their address had as much stored as it may.
    requests_over_allowance_total: counter;
    /// Connections closed unheard because their address had as many as it may.
    connections_refused_total: counter;
    /// Addresses banned now.
    addresses_banned: gauge;
    /// Bans begun.
    bans_total: counter;
    /// Bytes that the database and its disk still take.
    database_room_bytes: gauge;
    /// Requests refused because the database was busy, full or failing.
    requests_unavailable_total: counter;
    /// Requests that met a mistake of the server's.
    requests_failed_total: counter;
    /// Sockets closed for malformed frames.
    sockets_malformed_total: counter;
    /// Sockets closed because their client was too slow.
    sockets_slow_total: counter;
}

/// One number.
#[derive(Debug, Default)]
pub struct Number(AtomicU64);

impl Number {
    /// One more.
    pub fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Another number.
    pub fn set(&self, number: u64) {
        self.0.store(number, Ordering::Relaxed);
    }

    /// The number now.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// One more until the guard is dropped.
    #[must_use]
    pub fn hold(&self) -> Held<'_> {
        self.add();
        Held(self)
    }
}

/// See [`Number::hold`].
#[derive(Debug)]
pub struct Held<'a>(&'a Number);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}
