//! What whoever is unknown may do: how often, how much to keep, and for how long nothing at all.
//!
//! All of it is counted by address, in memory, and forgotten after a day and by a restart.

mod address;
mod ban;
mod leak;
mod places;
mod rate;
mod storage;

use std::net::IpAddr;
use std::sync::PoisonError;
use std::time::Instant;

use ipnet::IpNet;
use sotto_wire::server::MailboxId;

use crate::config::Config;
use address::Keys;
use ban::Bans;
use places::Places;
use rate::Rates;
use storage::Allowances;

pub use ban::Abuse;
pub use places::Place;
pub use storage::Cost;

/// The machine has no source of randomness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gives no random bytes")]
pub struct NoRandomness;

/// Random bytes of the operating system.
///
/// # Errors
/// [`NoRandomness`].
pub fn random<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(bytes)
}

/// Too much; how long to wait, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany {
    /// Whole seconds, at least 1.
    pub retry_after_s: u32,
}

impl TooMany {
    fn after(wait: std::time::Duration) -> Self {
        Self { retry_after_s: u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1) }
    }
}

/// Everybody who is unknown.
pub struct Strangers {
    keys: Keys,
    rates: Rates,
    allowances: Allowances,
    bans: Bans,
    places: Places,
    /// Behind these addresses are people of all kinds.
    shared: Vec<IpNet>,
}

impl Strangers {
    /// Nobody has done anything yet.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn new(config: &Config) -> Result<Self, NoRandomness> {
        Ok(Self {
            keys: Keys::new()?,
            rates: Rates::new(config),
            allowances: Allowances::new(config),
            bans: Bans::new(config),
            places: Places::new(config.address_connections),
            shared: config.trusted_proxies.clone(),
        })
    }

    /// Takes one request from an address's bucket.
    ///
    /// # Errors
    /// [`TooMany`] if it is empty.
    pub fn request(&self, address: IpAddr) -> Result<(), TooMany> {
        self.rates.request(&self.keys.address(address))
    }

    /// Takes a new socket, or a request about an invite, prekeys or TURN, from an address's bucket.
    ///
    /// # Errors
    /// [`TooMany`] if it is empty.
    pub fn meeting(&self, address: IpAddr) -> Result<(), TooMany> {
        self.rates.meeting(&self.keys.address(address))
    }

    /// Takes one envelope from a mailbox's bucket.
    ///
    /// # Errors
    /// [`TooMany`] if it is empty.
    pub fn mailbox(&self, mailbox: MailboxId) -> Result<(), TooMany> {
        self.rates.mailbox(&self.keys.mailbox(mailbox))
    }

    /// Takes what is to be stored out of an address's allowance. Whoever asks and goes away has still taken it: the
    /// store may be writing.
    ///
    /// # Errors
    /// [`TooMany`] if that does not fit.
    pub fn store(&self, address: IpAddr, cost: Cost) -> Result<(), TooMany> {
        self.allowances.take(&self.keys.holders(address), cost, Instant::now())
    }

    /// Gives back what was taken and is surely not stored.
    pub fn not_stored(&self, address: IpAddr, cost: Cost) {
        self.allowances.give_back(&self.keys.holders(address), cost);
    }

    /// What the database and its disk still take, in bytes.
    pub fn room(&self, bytes: u64) {
        self.allowances.room(bytes);
    }

    /// Counts what nobody does by mistake; true if the address is banned for it from now on. Addresses of this machine
    /// and of proxies are not: everybody may be behind them.
    pub fn abused(&self, address: IpAddr, abuse: Abuse) -> bool {
        if self.is_shared(address) {
            return false;
        }
        self.bans.strike(self.keys.address(address), abuse, Instant::now())
    }

    /// One more connection of an address. Those of this machine and of proxies are not counted: everybody may be behind
    /// them.
    ///
    /// # Errors
    /// [`TooMany`] if it has as many as it may.
    pub fn place(&self, address: IpAddr) -> Result<Place, TooMany> {
        if self.is_shared(address) {
            return Ok(self.places.uncounted());
        }
        self.places.take(&self.keys.holders(address))
    }

    fn is_shared(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_loopback() || self.shared.iter().any(|network| network.contains(&address))
    }

    /// Whether an address is banned.
    ///
    /// # Errors
    /// [`TooMany`] says for how long.
    pub fn banned(&self, address: IpAddr) -> Result<(), TooMany> {
        self.bans.check(&self.keys.address(address), Instant::now())
    }

    /// How many are banned.
    #[must_use]
    pub fn bans(&self) -> u64 {
        self.bans.count(Instant::now())
    }

    /// Drops what has no effect any more, and after a day the key and with it everything. To be called every few seconds.
    pub fn prune(&self) {
        let now = Instant::now();
        self.rates.prune();
        if self.keys.replace_after_a_day() {
            self.allowances.forget();
            self.bans.forget();
        }
        self.allowances.prune(now);
        self.bans.prune(now);
    }
}

/// The lock, also after a panic: what is behind these is whole between any two statements.
fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_banned_or_kept_out_whom_everybody_may_be_behind() {
        let proxies = vec!["10.0.0.0/8".parse().unwrap()];
        let config =
            Config { trusted_proxies: proxies, ban_after: 1, address_connections: 1, ..Config::default() };
        let strangers = Strangers::new(&config).unwrap();
        for (address, banned) in [
            ("127.0.0.1", false),
            ("::1", false),
            ("::ffff:127.0.0.1", false),
            ("10.1.2.3", false),
            ("192.0.2.1", true),
            ("2001:db8::1", true),
        ] {
            let address = address.parse().unwrap();
            strangers.abused(address, Abuse::Malformed);
            strangers.abused(address, Abuse::Malformed);
            assert_eq!(strangers.banned(address).is_err(), banned, "{address}");
            let _one = strangers.place(address).unwrap();
            assert_eq!(strangers.place(address).is_err(), banned, "{address}");
        }
        assert_eq!(strangers.bans(), 2);
        assert!(strangers.banned("2001:db8::2".parse().unwrap()).is_err(), "its network");
        assert!(strangers.banned("2001:db8:0:1::1".parse().unwrap()).is_ok(), "another network");
    }
}
